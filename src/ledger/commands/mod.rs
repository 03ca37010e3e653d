//! The commands of the ledger: each reads the state it needs, lets the domain decide, stores the changes that follow
//! and records it, all in one transaction.

pub mod access_requests;
pub mod admissions;
pub mod agreements;
pub mod audit;
pub mod batch;
pub mod committees;
pub mod datasets;
pub mod deadlines;
pub mod emails;
pub mod forms;
pub mod grants;
pub mod handover;
pub mod idempotency;
pub mod import_jobs;
pub mod mail;
pub mod organisations;
pub mod passwords;
pub mod people;
pub mod projects;
pub mod releases;
pub mod sessions;
pub mod tokens;
pub mod transfers;
pub mod uploads;

/// The result of publishing a version of something that has versions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Published<V> {
    /// A new version is in force.
    New(V),
    /// The version in force says the same already.
    Unchanged(V),
}

impl<V> Published<V> {
    /// The version in force, and a word for operators on how it came to be.
    pub fn told(self) -> (V, &'static str) {
        match self {
            Self::New(version) => (version, "published"),
            Self::Unchanged(version) => (version, "unchanged"),
        }
    }
}
