//! The tables, as the migrations make them on both databases.

mod accounts;
mod catalogue;
mod holders;
mod log;
mod requests;
mod terms;

pub use accounts::*;
pub use catalogue::*;
pub use holders::*;
pub use log::*;
pub use requests::*;
pub use terms::*;

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
    download_counts,
    download_count_position,
    projects,
    project_members,
    access_requests,
    uploads,
    upload_parts,
    reviews,
    recusals,
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
