//! Accounts, what they sign in with, the mail they are sent.

diesel::table! {
    people (id) {
        id -> Text,
        email -> Text,
        email_key -> Text,
        name -> Text,
        affiliation -> Nullable<Text>,
        language -> Text,
        password_hash -> Text,
        email_verified_at -> Nullable<BigInt>,
        suspended_at -> Nullable<BigInt>,
        administrator -> Bool,
        auditor -> Bool,
        search -> Text,
        name_key -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    sessions (token_hash) {
        token_hash -> Text,
        person_id -> Text,
        created_at -> BigInt,
        proved_at -> BigInt,
        expires_at -> BigInt,
        ip -> Text,
        user_agent -> Text,
    }
}

diesel::table! {
    mail_links (token_hash) {
        token_hash -> Text,
        person_id -> Text,
        purpose -> Text,
        new_email -> Nullable<Text>,
        used_at -> Nullable<BigInt>,
        expires_at -> BigInt,
    }
}

diesel::table! {
    tokens (id) {
        id -> Text,
        person_id -> Text,
        name -> Text,
        details -> Text,
        scopes -> Text,
        issued_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    idempotency_keys (person_id, key) {
        person_id -> Text,
        key -> Text,
        request -> Text,
        answer -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    mail_outbox (id) {
        id -> Text,
        person_id -> Text,
        recipient -> Text,
        language -> Text,
        message -> Text,
        kind -> Text,
        state -> Text,
        attempts -> Integer,
        next_at -> BigInt,
        created_at -> BigInt,
        sent_at -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
    }
}
