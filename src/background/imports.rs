//! Runs the imports that were asked for in the browser, one after another. One that a gateway was stopped or killed in is taken
//! up by the next that has time, from its beginning: nothing of it was seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::app::App;
use crate::clock;
use crate::delivery::import::{Contents, Exclusions, ImportError, OnUnusable, Progress, SHOWN, Unusable};
use crate::delivery::import_root::{Manifest, read_root};
use crate::domain::Refusal;
use crate::domain::dataset::ImportSettings;
use crate::domain::event::Actor;
use crate::domain::import_job::{ImportJob, ImportOutcome};
use crate::domain::person::Role;
use crate::domain::text::Slug;
use crate::ledger;
use crate::ledger::commands::import_jobs::{end, go_on, take_up};
use crate::ledger::commands::releases::{Basis, Target};
use crate::ledger::importing;
use crate::store::{datasets, import_jobs};

/// How often imports are looked for, and how far one is noted.
const EVERY: Duration = Duration::from_secs(1);

/// Runs for ever.
pub async fn run(app: App) {
    let mut due = tokio::time::interval(EVERY);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        due.tick().await;
        // A look costs no transaction of the ledger's. When the database can't be read, others say so.
        let waiting = app.reads.read(move |conn| import_jobs::next(conn, clock::now())).await;
        if !matches!(waiting, Ok(Some(_))) {
            continue;
        }
        match app.ledger.run(take_up).await {
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

async fn run_one(app: &App, mut job: ImportJob) {
    let counters = Arc::new(Counters::default());
    let (worker, shared, order) = (app.clone(), counters.clone(), job.clone());
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
                // When it can't be noted, the next time may do.
                if let Ok(false) = app.ledger.run(move |tx| go_on(tx, &noted)).await {
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
    if let Err(error) = app.ledger.run(move |tx| end(tx, &job, &outcome)).await {
        tracing::warn!(%error, import = %id, "the end of an import can't be noted");
    }
}

/// Reads the files and makes the release. Blocks. `None` where it is to be tried again, or was stopped.
fn import(app: &App, job: &ImportJob, counters: &Counters) -> Option<ImportOutcome> {
    let order = &job.order;
    let unreadable = |why: String| Some(ImportOutcome::Unreadable { why });
    let dataset = match app.reads.read_blocking(|conn| datasets::by_id(conn, job.dataset)) {
        Ok(Some(dataset)) => dataset,
        Ok(None) => return Some(refused(Refusal::NotFound)),
        Err(error) => {
            tracing::warn!(%error, "the dataset of an import can't be read");
            return None;
        }
    };
    let Ok(Some(basis)) = importing::basis(&app.reads, &dataset.slug) else { return None };
    let exclusions = match Exclusions::parse(&order.exclude) {
        Ok(exclusions) => exclusions,
        Err(why) => return unreadable(why),
    };
    let manifest = match order.manifest.as_deref().map(str::parse) {
        None => Manifest::None,
        Some(Ok(path)) => Manifest::Beside(path),
        Some(Err(error)) => return unreadable(format!("{}: {error}", order.manifest.as_deref().unwrap_or_default())),
    };
    let on_unusable = if order.leaves_out { OnUnusable::LeaveOut } else { OnUnusable::Refuse };
    let contents = match read_root(&app.storage, &order.root, &manifest, (&exclusions, on_unusable), counters) {
        Ok(contents) => contents,
        Err(ImportError::Cancelled) => return None,
        Err(ImportError::Unusable(files)) => {
            let count = files.len() as u64;
            return Some(ImportOutcome::Unusable { files: named(&files), count });
        }
        Err(error) => return unreadable(inside(&order.root, &error.to_string())),
    };
    make_release(app, job, (&dataset.slug, basis, counters), contents)
}

fn make_release(
    app: &App,
    job: &ImportJob,
    (slug, basis, counters): (&Slug, Basis, &Counters),
    contents: Contents,
) -> Option<ImportOutcome> {
    let order = &job.order;
    let Contents { files, folders, excluded, unusable } = contents;
    let count = files.len() as u64;
    let release = importing::Contents { files, folders, note: order.note.clone(), embargo: order.embargo };
    let settings = ImportSettings { exclude: order.exclude.clone(), manifest: None };
    let target = Target::Files { slug: slug.clone(), root: order.root.clone(), settings };
    let by = (Actor::person(job.person, Role::Steward), &counters.is_cancelled);
    match importing::import(&app.ledger, &app.reads, by, (&target, Some(basis)), release) {
        Ok(imported) => Some(ImportOutcome::Release {
            number: imported.release,
            difference: imported.difference,
            files: count,
            excluded_count: excluded.len() as u64,
            excluded: excluded.into_iter().take(SHOWN).collect(),
            unusable_count: unusable.len() as u64,
            unusable: named(&unusable),
        }),
        Err(ledger::Error::Refused(Refusal::ImportCancelled)) => None,
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

fn named(unusable: &[Unusable]) -> Vec<(String, String)> {
    unusable.iter().take(SHOWN).map(|Unusable { what, why }| (what.clone(), (*why).to_owned())).collect()
}

/// A message without the place on this machine, which is the operator's own matter.
fn inside(root: &str, message: &str) -> String {
    message.replace(root, "").trim_start_matches('/').to_owned()
}
