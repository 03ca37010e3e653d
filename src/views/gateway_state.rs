//! The state of the gateway's parts, as far as the database and the log know it.

use std::collections::BTreeSet;

use super::changed_files;
use crate::domain::Timestamp;
use crate::domain::event::Action;
use crate::domain::gateway_state::{CertificateState, GatewayState, recent_since};
use crate::domain::text::Slug;
use crate::log::RecordedEvent;
use crate::log::verify::StoredEvent;
use crate::store::log::{self, Filter, LogArchive, Walk, select};
use crate::store::{AnyConnection, Result, datasets, download_counts, mail};

/// How many entries about changed files are looked at.
const ENTRIES: usize = 500;

/// What the process knows of itself, and the database does not.
#[derive(Clone, Copy, Debug)]
pub struct ProcessState {
    /// Whether what happened last could be recorded.
    pub records: bool,
    /// How many bytes the disk of the database has left.
    pub free: Option<u64>,
    /// Whether what is left is kept for people who are known.
    pub disk_is_low: bool,
    /// The certificate.
    pub certificate: CertificateState,
}

/// How the gateway's parts are.
///
/// # Errors
/// When the database fails, or a file of the archive can't be read.
pub fn gateway_state(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    process: ProcessState,
    now: Timestamp,
) -> Result<GatewayState> {
    let ProcessState { records, free, disk_is_low, certificate } = process;
    Ok(GatewayState {
        records,
        entries: log::size(conn)?,
        counted: download_counts::position(conn)?,
        free,
        disk_is_low,
        mail: mail::unsent(conn, recent_since(now))?,
        changed_files: changed_files(conn, archive, recent_since(now))?,
        certificate,
    })
}

/// How many files were found changed since then and not imported again, each counted once.
fn changed_files(conn: &mut AnyConnection, archive: &LogArchive, since: Timestamp) -> Result<u64> {
    let action = Some(Action::FileChanged.as_str().to_owned());
    let found = Filter { action, since: Some(since), ..Filter::default() };
    let found = select(conn, archive, &found, Walk::Before(u64::MAX), ENTRIES)?;
    let of = |event: &StoredEvent| RecordedEvent::read(event).ok()?.event.dataset;
    let mut files = 0;
    for slug in found.iter().filter_map(of).collect::<BTreeSet<Slug>>() {
        let Some(dataset) = datasets::by_slug(conn, &slug)? else { continue };
        let changed = changed_files::since_last_import(conn, archive, &dataset)?;
        files += changed.iter().filter(|file| file.at >= since).count() as u64;
    }
    Ok(files)
}
