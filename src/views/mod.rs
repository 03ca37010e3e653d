//! Read models: the data that pages show, read from the store and the log, with the rules of the domain applied.
//! To say what somebody may do, they call the functions of the domain that decide it.

pub mod access_requests;
pub mod account;
pub mod agreements;
pub mod audit;
pub mod changed_files;
pub mod datasets;
pub mod forms;
pub mod gateway_state;
pub mod grants;
pub mod log_path;
pub mod manage;
pub mod organisations;
pub mod overview;
pub mod people;
pub mod previews;
pub mod projects;
pub mod receipt;
pub mod releases;
pub mod review;
pub mod review_queue;
pub mod signatures;
pub mod signing;
pub mod text_changes;
pub mod timeline;
pub mod today;
pub mod tokens;
pub mod uploads;
