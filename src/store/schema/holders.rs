//! Organisations, those who run them, and their committees.

diesel::table! {
    organisations (id) {
        id -> Text,
        slug -> Text,
        name -> Text,
        about -> Text,
        holidays -> Text,
        suspended_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    organisation_members (organisation_id, email_key) {
        organisation_id -> Text,
        email_key -> Text,
        email -> Text,
        person_id -> Nullable<Text>,
        role -> Text,
        state -> Text,
        invited_at -> BigInt,
    }
}

diesel::table! {
    committees (id) {
        id -> Text,
        organisation_id -> Text,
        slug -> Text,
        name -> Text,
        quorum -> Integer,
        remind_after -> Nullable<Integer>,
        decide_within -> Nullable<Integer>,
    }
}

diesel::table! {
    committee_members (committee_id, person_id) {
        committee_id -> Text,
        person_id -> Text,
    }
}
