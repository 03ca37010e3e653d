//! The tables, as the migrations make them on both databases.

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
    organisations (id) {
        id -> Text,
        slug -> Text,
        name -> Text,
        about -> Text,
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
    }
}

diesel::table! {
    committee_members (committee_id, person_id) {
        committee_id -> Text,
        person_id -> Text,
    }
}

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

diesel::table! {
    dataset_tags (dataset_id, tag) {
        dataset_id -> Text,
        tag -> Text,
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
    dataset_offers (dataset_id) {
        dataset_id -> Text,
        organisation_id -> Text,
        offered_at -> BigInt,
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
    release_previews (dataset_id, number, place) {
        dataset_id -> Text,
        number -> Integer,
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
    release_readmes (dataset_id, number, place) {
        dataset_id -> Text,
        number -> Integer,
        place -> Integer,
        readme -> Text,
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

diesel::table! {
    projects (id) {
        id -> Text,
        title -> Text,
        purpose -> Text,
        lay_summary -> Nullable<Text>,
        institution -> Text,
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
        created_at -> BigInt,
        updated_at -> BigInt,
        submitted_at -> Nullable<BigInt>,
        decided_at -> Nullable<BigInt>,
        overridden_by -> Nullable<Text>,
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
        revoked_at -> Nullable<BigInt>,
        revoke_reason -> Nullable<Text>,
        noticed_at -> Nullable<BigInt>,
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

diesel::table! {
    event_blocks (first) {
        first -> BigInt,
        at -> BigInt,
        bodies -> Binary,
        position_hashes -> Binary,
        private -> Binary,
    }
}

diesel::table! {
    event_keys (first, key) {
        first -> BigInt,
        key -> Text,
    }
}

diesel::table! {
    log_tiles (level, n) {
        level -> Integer,
        n -> BigInt,
        hashes -> Binary,
        root -> Binary,
    }
}

diesel::table! {
    log_head (id) {
        id -> Integer,
        size -> BigInt,
        root -> Binary,
        frontier -> Binary,
        checkpoint -> Text,
        access_epoch -> BigInt,
        last_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    people,
    sessions,
    mail_links,
    organisations,
    organisation_members,
    committees,
    committee_members,
    agreements,
    agreement_versions,
    agreement_texts,
    forms,
    form_versions,
    dataset_agreements,
    datasets,
    dataset_tags,
    dataset_offers,
    import_jobs,
    files,
    folders,
    releases,
    release_previews,
    release_pictures,
    release_readmes,
    download_counts,
    download_count_position,
    projects,
    project_members,
    access_requests,
    uploads,
    upload_parts,
    reviews,
    signatures,
    grants,
    tokens,
    idempotency_keys,
    mail_outbox,
    event_blocks,
    event_keys,
    log_tiles,
    log_head,
);
