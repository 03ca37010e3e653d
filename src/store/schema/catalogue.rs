//! Datasets, their releases and files, how they are imported and downloaded.

diesel::table! {
    datasets (id) {
        id -> Text,
        organisation_id -> Text,
        slug -> Text,
        title -> Text,
        summary -> Text,
        description -> Text,
        licence -> Text,
        publisher -> Text,
        info -> Text,
        related -> Text,
        mode -> Text,
        committee_id -> Nullable<Text>,
        grant_days -> Integer,
        policies -> Text,
        form_id -> Nullable<Text>,
        root -> Text,
        import_settings -> Text,
        file_count -> BigInt,
        total_bytes -> BigInt,
        current_release -> Integer,
        newest_release -> Integer,
        import_id -> Nullable<Text>,
        suspended_at -> Nullable<BigInt>,
        retirement -> Nullable<Text>,
        published_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
        version -> BigInt,
        search -> Text,
        search_title -> Text,
        position -> BigInt,
    }
}

diesel::table! {
    dataset_agreements (dataset_id, place) {
        dataset_id -> Text,
        place -> Integer,
        agreement_id -> Text,
    }
}

diesel::table! {
    dataset_tags (dataset_id, tag) {
        dataset_id -> Text,
        tag -> Text,
    }
}

diesel::table! {
    dataset_offers (dataset_id) {
        dataset_id -> Text,
        organisation_id -> Text,
        offered_at -> BigInt,
    }
}

diesel::table! {
    import_jobs (id) {
        id -> Text,
        dataset_id -> Text,
        person_id -> Text,
        import_order -> Text,
        state -> Text,
        files -> BigInt,
        bytes -> BigInt,
        bytes_done -> BigInt,
        outcome -> Nullable<Text>,
        claimed_until -> BigInt,
        attempts -> Integer,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    files (dataset_id, path, from_release) {
        dataset_id -> Text,
        path -> Text,
        folder -> Text,
        search -> Text,
        size -> BigInt,
        sha256 -> Binary,
        crc32 -> BigInt,
        media_type -> Text,
        modified_at -> BigInt,
        pinned_etag -> Nullable<Text>,
        from_release -> Integer,
        until_release -> Integer,
        replaces -> Integer,
        is_replaced -> Integer,
    }
}

diesel::table! {
    folders (dataset_id, path, from_release) {
        dataset_id -> Text,
        path -> Text,
        parent -> Text,
        file_count -> BigInt,
        total_bytes -> BigInt,
        from_release -> Integer,
        until_release -> Integer,
    }
}

diesel::table! {
    releases (dataset_id, number) {
        dataset_id -> Text,
        number -> Integer,
        note -> Text,
        published_at -> BigInt,
        file_count -> BigInt,
        total_bytes -> BigInt,
        formats -> Text,
        sums_sha256 -> Binary,
        added -> BigInt,
        changed -> BigInt,
        removed -> BigInt,
        root -> Text,
        embargoed_until -> Nullable<BigInt>,
        withdrawn_at -> Nullable<BigInt>,
        withdrawn_reason -> Nullable<Text>,
    }
}

diesel::table! {
    release_previews (dataset_id, number, kind, place) {
        dataset_id -> Text,
        number -> Integer,
        kind -> Text,
        place -> Integer,
        preview -> Text,
    }
}

diesel::table! {
    release_pictures (dataset_id, number, place) {
        dataset_id -> Text,
        number -> Integer,
        place -> Integer,
        path -> Text,
        jpeg -> Binary,
    }
}

diesel::table! {
    download_counts (dataset, day) {
        dataset -> Text,
        day -> BigInt,
        admitted -> BigInt,
        bytes -> BigInt,
    }
}

diesel::table! {
    download_count_position (id) {
        id -> Integer,
        entries -> BigInt,
    }
}
