//! Projects, requests, what is handed in, signed, decided and granted.

diesel::table! {
    projects (id) {
        id -> Text,
        title -> Text,
        purpose -> Text,
        lay_summary -> Nullable<Text>,
        institution -> Text,
        search -> Text,
        from_day -> Nullable<Text>,
        until_day -> Nullable<Text>,
        lead_id -> Text,
        ended_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    project_members (project_id, email_key) {
        project_id -> Text,
        email_key -> Text,
        email -> Text,
        person_id -> Nullable<Text>,
        state -> Text,
        invited_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    access_requests (id) {
        id -> Text,
        dataset_id -> Text,
        project_id -> Nullable<Text>,
        person_id -> Text,
        stage -> Text,
        round -> Integer,
        answers -> Text,
        search -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        submitted_at -> Nullable<BigInt>,
        decided_at -> Nullable<BigInt>,
        overridden_by -> Nullable<Text>,
        remind_at -> Nullable<BigInt>,
        due_at -> Nullable<BigInt>,
        reminded_round -> Integer,
        escalated_round -> Integer,
    }
}

diesel::table! {
    uploads (id) {
        id -> Text,
        person_id -> Text,
        request_id -> Nullable<Text>,
        name -> Text,
        size -> BigInt,
        file_type -> Nullable<Text>,
        sha256 -> Nullable<Text>,
        signed -> Bool,
        created_at -> BigInt,
    }
}

diesel::table! {
    upload_parts (upload_id, place) {
        upload_id -> Text,
        place -> Integer,
        bytes -> Binary,
    }
}

diesel::table! {
    reviews (request_id, round, reviewer_id) {
        request_id -> Text,
        round -> Integer,
        reviewer_id -> Text,
        verdict -> Text,
        comment -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    recusals (request_id, person_id) {
        request_id -> Text,
        person_id -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    signatures (id) {
        id -> Text,
        request_id -> Text,
        person_id -> Text,
        version_id -> Text,
        record -> Text,
        event_index -> BigInt,
        signed_at -> BigInt,
    }
}

diesel::table! {
    grants (id) {
        id -> Text,
        person_id -> Text,
        dataset_id -> Text,
        request_id -> Text,
        project_id -> Nullable<Text>,
        starts_at -> BigInt,
        ends_at -> BigInt,
        last_release -> Nullable<Integer>,
        suspended_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
        revoke_reason -> Nullable<Text>,
        noticed_at -> Nullable<BigInt>,
        sign_by -> Nullable<BigInt>,
        sign_by_told -> Integer,
        remind_at -> Nullable<BigInt>,
        shortened -> Bool,
    }
}
