//! Agreements and forms, in versions.

diesel::table! {
    agreements (id) {
        id -> Text,
        organisation_id -> Text,
        slug -> Text,
    }
}

diesel::table! {
    agreement_versions (id) {
        id -> Text,
        agreement_id -> Text,
        number -> Integer,
        title -> Text,
        statement -> Text,
        consent -> Text,
        kind -> Text,
        binding -> Text,
        published_at -> BigInt,
        sign_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    agreement_texts (version_id, language) {
        version_id -> Text,
        language -> Text,
        body -> Text,
        sha256 -> Text,
    }
}

diesel::table! {
    forms (id) {
        id -> Text,
        organisation_id -> Text,
        slug -> Text,
    }
}

diesel::table! {
    form_versions (id) {
        id -> Text,
        form_id -> Text,
        number -> Integer,
        title -> Text,
        sections -> Text,
        published_at -> BigInt,
    }
}
