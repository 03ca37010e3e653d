//! Runs the imports that were asked for in the browser, one at a time. If a gateway stops during one, another starts it again from
//! the beginning; a release that was switched to already stays.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::app::App;
use crate::clock;
use crate::delivery::import::{Contents, ImportError, OnUnusable, Progress, SHOWN, Unusable};
use crate::delivery::import_root::{Manifest, read_root};
use crate::delivery::storage::is_local;
use crate::domain::Refusal;
use crate::domain::dataset::ImportSettings;
use crate::domain::event::Actor;
use crate::domain::exclusions::Exclusions;
use crate::domain::import_job::{ImportJob, ImportOutcome, ImportReport, ReadFault, Undeliverable};
use crate::domain::person::Role;
use crate::domain::text::Slug;
use crate::ledger;
use crate::ledger::commands::import_jobs::{claim_next, fail, record_progress};
use crate::ledger::commands::releases::{Basis, Target};
use crate::ledger::importing;
use crate::store::{datasets, import_jobs, organisations};

/// How often imports are looked for, and how far one is noted.
const EVERY: Duration = Duration::from_secs(1);

/// Runs for ever.
pub async fn run(app: App) {
    let mut due = tokio::time::interval(EVERY);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        due.tick().await;
        // Checked on a read connection, so that an idle gateway starts no ledger transaction. Database errors are reported elsewhere.
        let waiting = app.reads.read(move |conn| import_jobs::next(conn, clock::now())).await;
        if !matches!(waiting, Ok(Some(_))) {
            continue;
        }
        match app.ledger.run(claim_next).await {
            Ok(Some(job)) => run_one(&app, job).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "an import can't be taken up"),
        }
    }
}

/// How far an import is, shared with the threads that read its files.
#[derive(Debug, Default)]
struct Counters {
    files: AtomicU64,
    bytes: AtomicU64,
    done: AtomicU64,
    is_cancelled: AtomicBool,
}

impl Progress for Counters {
    fn found(&self, files: u64, bytes: u64) {
        self.files.store(files, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    fn hashed(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }
}

/// Stops the threads that read files when it is dropped.
struct StopWhenDropped(Arc<Counters>);

impl Drop for StopWhenDropped {
    fn drop(&mut self) {
        self.0.is_cancelled.store(true, Ordering::Release);
    }
}

async fn run_one(app: &App, mut job: ImportJob) {
    let counters = Arc::new(Counters::default());
    let (worker, shared, order) = (app.clone(), counters.clone(), job.clone());
    // However this ends, the threads that read files stop.
    let _stop = StopWhenDropped(counters.clone());
    let mut running = tokio::task::spawn_blocking(move || import(&worker, &order, &shared));
    let mut due = tokio::time::interval(EVERY);
    let done = loop {
        tokio::select! {
            done = &mut running => break done,
            _ = due.tick() => {
                job.files = counters.files.load(Ordering::Relaxed);
                job.bytes = counters.bytes.load(Ordering::Relaxed);
                job.bytes_done = counters.done.load(Ordering::Relaxed);
                let noted = job.clone();
                // If this fails, the next tick tries again.
                if let Ok(false) = app.ledger.run(move |tx| record_progress(tx, &noted)).await {
                    counters.is_cancelled.store(true, Ordering::Release);
                }
            }
        }
    };
    let outcome = match done {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(%error, import = %job.id, "an import broke off");
            return;
        }
    };
    let id = job.id;
    let Some(outcome) = outcome else { return };
    if let Err(error) = app.ledger.run(move |tx| fail(tx, &job, &outcome)).await {
        tracing::warn!(%error, import = %id, "the end of an import can't be noted");
    }
}

/// Reads the files and makes the release. Blocks. Says what made it fail; `None` where it is done, to be tried again, or stopped.
fn import(app: &App, job: &ImportJob, counters: &Counters) -> Option<ImportOutcome> {
    let order = &job.order;
    let unreadable = |path: &str, fault| Some(ImportOutcome::Unreadable { path: path.to_owned(), fault });
    let dataset = match app.reads.read_blocking(|conn| datasets::by_id(conn, job.dataset)) {
        Ok(Some(dataset)) => dataset,
        Ok(None) => return Some(refused(Refusal::NotFound)),
        Err(error) => {
            tracing::warn!(%error, "the dataset of an import can't be read");
            return None;
        }
    };
    let Ok(Some(basis)) = importing::basis(&app.reads, &dataset.slug) else { return None };
    let Ok(exclusions) = Exclusions::parse(&order.exclude) else { return unreadable("", ReadFault::BadSettings) };
    let manifest = order.manifest.clone().map_or(Manifest::None, Manifest::Beside);
    let on_unusable = if order.leaves_out { OnUnusable::LeaveOut } else { OnUnusable::Refuse };
    let owner = match app.reads.read_blocking(|conn| organisations::by_id(conn, dataset.organisation)) {
        Ok(Some(owner)) => owner.slug,
        _ => return None,
    };
    if !is_in_a_source(app, &owner, &order.root) {
        return Some(refused(Refusal::SourceGone));
    }
    let contents = match read_root(&app.storage, &order.root, &manifest, (&exclusions, on_unusable), counters) {
        Ok(contents) => contents,
        Err(ImportError::Cancelled) => return None,
        Err(ImportError::Unusable(files)) => {
            let count = files.len() as u64;
            return Some(ImportOutcome::Unusable { files: named(&files), count });
        }
        Err(error) => {
            tracing::warn!(%error, import = %job.id, "files can't be imported");
            let (path, fault) = fault_of(&error);
            return unreadable(path.strip_prefix(&order.root).unwrap_or(&path).trim_start_matches('/'), fault);
        }
    };
    // A link may have taken the folder's place meanwhile.
    if !is_in_a_source(app, &owner, &order.root) {
        return Some(refused(Refusal::SourceGone));
    }
    make_release(app, job, (&dataset.slug, basis, counters), contents)
}

fn make_release(
    app: &App,
    job: &ImportJob,
    (slug, basis, counters): (&Slug, Basis, &Counters),
    contents: Contents,
) -> Option<ImportOutcome> {
    let order = &job.order;
    let Contents { files, folders, previews, excluded, unusable } = contents;
    let files_count = files.len() as u64;
    let release = importing::Contents { files, folders, previews, note: order.note.clone(), embargo: order.embargo };
    let settings = ImportSettings { exclude: order.exclude.clone(), manifest: None };
    let report = Box::new(ImportReport {
        files: files_count,
        excluded_count: excluded.len() as u64,
        excluded: excluded.into_iter().take(SHOWN).collect(),
        unusable_count: unusable.len() as u64,
        unusable: named(&unusable),
        ..ImportReport::default()
    });
    let target = Target::Files { slug: slug.clone(), root: order.root.clone(), settings, claim: job.claim(), report };
    let by = (Actor::person(job.person, Role::Steward), &counters.is_cancelled);
    match importing::import(&app.ledger, &app.reads, by, (&target, Some(basis)), release) {
        Ok(_) | Err(ledger::Error::Refused(Refusal::ImportCancelled)) => None,
        Err(ledger::Error::Refused(refusal)) => Some(refused(refusal)),
        Err(error) => {
            tracing::warn!(%error, import = %job.id, "an import is tried again");
            None
        }
    }
}

fn refused(refusal: Refusal) -> ImportOutcome {
    ImportOutcome::Refused { key: refusal.key().to_owned() }
}

fn named(unusable: &[Unusable]) -> Vec<(String, Undeliverable)> {
    unusable.iter().take(SHOWN).map(|Unusable { what, why }| (what.clone(), *why)).collect()
}

/// Whether an organisation may publish from a place, and the place is itself and no link to another.
fn is_in_a_source(app: &App, organisation: &Slug, root: &str) -> bool {
    let is_itself = || Path::new(root).canonicalize().is_ok_and(|real| real == Path::new(root));
    app.config.sources.iter().any(|source| source.may_hold(organisation, root)) && (!is_local(root) || is_itself())
}

/// What stewards are told: which file, and why. Nothing that the system or another server says in its own words.
fn fault_of(error: &ImportError) -> (String, ReadFault) {
    match error {
        ImportError::Io(path, error) => {
            let fault = match error.kind() {
                std::io::ErrorKind::NotFound => ReadFault::Gone,
                std::io::ErrorKind::PermissionDenied => ReadFault::Forbidden,
                _ => ReadFault::Unreadable,
            };
            (path.display().to_string(), fault)
        }
        ImportError::Upstream(path, error) => {
            let fault = if error.is_missing() { ReadFault::Gone } else { ReadFault::Unreadable };
            (path.clone(), fault)
        }
        ImportError::Hash(path, ..) => (path.to_string(), ReadFault::WrongHash),
        ImportError::NoManifest => (String::new(), ReadFault::NoManifest),
        ImportError::Unusable(_) | ImportError::Cancelled => (String::new(), ReadFault::Unreadable),
    }
}
