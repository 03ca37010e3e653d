//! How transfers end, and what is found out about files on the way.

use super::admissions::Admission;
use crate::domain::event::{Action, Actor, Event, Outcome};
use crate::domain::path::FilePath;
use crate::domain::text::Slug;
use crate::domain::transfer::{FileMismatch, Interruption, Taker, is_short};
use crate::ledger::transaction::Tx;
use crate::store;

/// How a transfer ended.
#[derive(Clone, Debug)]
pub struct TransferEnd {
    /// The transfer.
    pub admission: Admission,
    /// Its dataset.
    pub slug: Slug,
    /// Whose connection the bytes were handed to.
    pub taker: Taker,
    /// Bytes handed to that connection.
    pub bytes: u64,
    /// Why it was cut short; `None` when all was sent.
    pub interrupted: Option<Interruption>,
}

/// Records how a transfer ended: one that was complete shortly after its admission, together with others of its batch.
///
/// # Errors
/// When the store fails.
pub fn record_transfer_end(tx: &mut Tx<'_>, end: &TransferEnd) -> store::Result<()> {
    let Admission { index, at, person, .. } = end.admission;
    let actor = Actor::downloader(person);
    let event = match end.interrupted {
        None if is_short(at, tx.now) => {
            tx.completed.add(person, (&end.slug, end.taker), index, end.bytes);
            return Ok(());
        }
        None => Event::new(Action::DownloadFinished, actor),
        Some(reason) => {
            Event::new(Action::DownloadInterrupted, actor).with("reason", reason.as_str()).outcome(Outcome::Failed)
        }
    };
    tx.record(end.taker.add_to(event.dataset(&end.slug).with("transfer", index).with("bytes", end.bytes)));
    Ok(())
}

/// Records that a file is not what was imported, which is why it was not delivered.
///
/// # Errors
/// When the store fails.
pub fn record_file_changed(tx: &mut Tx<'_>, slug: &Slug, path: &FilePath, why: FileMismatch) -> store::Result<()> {
    let event = Event::new(Action::FileChanged, Actor::SYSTEM)
        .dataset(slug)
        .with("path", path.as_str())
        .with("why", why.as_str())
        .outcome(Outcome::Failed);
    tx.record(event);
    Ok(())
}
