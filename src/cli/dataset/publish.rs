//! Publishing what a file describes, with the files it names.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use super::description::Description;
use crate::app::App;
use crate::cli::organisation::organisation_error;
use crate::cli::{CliError, read};
use crate::delivery::import::{Contents, ImportError, OnUnusable, Progress};
use crate::delivery::import_root::{Manifest, read_root};
use crate::delivery::storage::is_local;
use crate::domain::dataset::{CommitteeChoice, NewDataset};
use crate::domain::event::Actor;
use crate::domain::exclusions::Exclusions;
use crate::domain::text::{Email, Slug};
use crate::domain::{Refusal, Timestamp};
use crate::ledger;
use crate::ledger::commands::datasets::check_publication;
use crate::ledger::commands::releases::Target;
use crate::ledger::importing::{self, Imported, import as import_files};

/// Shows the progress of hashing.
pub(super) struct Bar(pub(super) ProgressBar, AtomicU64);

impl Bar {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar, AtomicU64::new(0))
    }
}

impl Progress for Bar {
    fn found(&self, _: u64, bytes: u64) {
        self.0.set_length(bytes);
    }

    fn hashed(&self, bytes: u64) {
        // The bar has a lock; it is told once in a while.
        const STEP: u64 = 4 * 1024 * 1024;
        let before = self.1.fetch_add(bytes, Ordering::Relaxed);
        if before / STEP != (before + bytes) / STEP {
            self.0.set_position(before + bytes);
        }
    }
}

/// What came of publishing a dataset.
pub(crate) struct Outcome {
    pub(super) slug: Slug,
    pub(super) imported: Imported,
    pub(super) contents: Contents,
}

/// Publishes what a file describes, with a note on its release and perhaps an embargo.
pub(crate) fn publish(
    app: &App,
    file: &Path,
    (on_unusable, note, embargo): (OnUnusable, &str, Option<Timestamp>),
    progress: &dyn Progress,
) -> Result<Outcome, CliError> {
    let wrong = |why: String| CliError::Description(file.to_owned(), why);
    let mut described: Description = toml::from_str(&read(file)?).map_err(|error| wrong(error.to_string()))?;
    let home = file.parent().unwrap_or(Path::new("."));
    let manifest = described.manifest.as_ref().map(|manifest| home.join(manifest));
    // As it is found from anywhere.
    described.manifest = manifest.as_ref().map(|file| file.canonicalize().unwrap_or_else(|_| file.clone()));
    let exclusions = Exclusions::parse(&described.exclude).map_err(|why| wrong(format!("exclude: {why}")))?;
    let described = described.try_into().map_err(wrong)?;
    let new = NewDataset::parse(described).map_err(|error| wrong(error.to_string()))?;
    let root = root(home, new.root()).map_err(wrong)?;
    let new = new.with_root(root.clone());
    // Before the work of reading every file.
    let checked = new.clone();
    let refused = |error| publication_error(error, &new, wrong);
    app.ledger.run_blocking(move |tx| check_publication(tx, &checked)).map_err(refused)?;
    let basis = importing::basis(&app.reads, new.slug())?;
    let manifest = manifest.map_or(Manifest::None, Manifest::File);
    let contents = read_root(&app.storage, &root, &manifest, (&exclusions, on_unusable), progress);
    let mut contents = contents.map_err(|error| match error {
        ImportError::NoManifest => {
            wrong("manifest: is needed where root is the address of an HTTP server: a list of its files".into())
        }
        error => error.into(),
    })?;
    let release = importing::Contents {
        files: contents.files.clone(),
        folders: std::mem::take(&mut contents.folders),
        previews: std::mem::take(&mut contents.previews),
        note: note.to_owned(),
        embargo,
    };
    let (by, target) = ((Actor::OPERATOR, &AtomicBool::new(false)), Target::Described(Box::new(new.clone())));
    let imported = import_files(&app.ledger, &app.reads, by, (&target, basis), release).map_err(refused)?;
    Ok(Outcome { slug: new.slug().clone(), imported, contents })
}

/// Where the files are: a folder in full, or the address of another server.
fn root(home: &Path, text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("root: is missing; say where the files are".into());
    }
    if !is_local(text) {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    let root = home.join(text);
    let root = root.canonicalize().map_err(|error| format!("root: {}: {error}", root.display()))?;
    root.to_str().map(str::to_owned).ok_or_else(|| "root: the path is not UTF-8".into())
}

/// A refusal in the words of the file.
fn publication_error(error: ledger::Error, new: &NewDataset, wrong: impl Fn(String) -> CliError) -> CliError {
    let agreements = new.agreements();
    let reviewers = match new.committee() {
        CommitteeChoice::Own { reviewers, .. } => reviewers.as_slice(),
        CommitteeChoice::None | CommitteeChoice::Named(_) => &[],
    };
    let reviewer = |place: usize| reviewers.get(place).map_or("", Email::as_str);
    match error {
        ledger::Error::Refused(Refusal::AgreementUnknown(place)) => {
            let slug = agreements.get(place).map_or("", Slug::as_str);
            wrong(format!("agreements: {slug} is not published yet; use `countersign agreement publish`"))
        }
        ledger::Error::Refused(Refusal::FormUnknown) => {
            wrong("form: is not published yet; use `countersign form publish`".into())
        }
        ledger::Error::Refused(Refusal::ReviewerUnknown(place)) => {
            wrong(format!("reviewers: {} has no account", reviewer(place)))
        }
        ledger::Error::Refused(Refusal::ReviewerUnverified(place)) => {
            wrong(format!("reviewers: {} has not verified its address yet", reviewer(place)))
        }
        ledger::Error::Refused(Refusal::NameTaken) => wrong(format!(
            "reviewers: the organisation has a committee {} that decides about other datasets too; name it with `committee`",
            new.slug()
        )),
        ledger::Error::Refused(Refusal::CommitteeUnknown) => {
            wrong("committee: is not set up yet; use `countersign committee set`".into())
        }
        ledger::Error::Refused(Refusal::ReleaseWithdrawn) => wrong(
            "the files are those of a release that was withdrawn: nothing is published until one of them differs"
                .into(),
        ),
        ledger::Error::Refused(Refusal::EmbargoLosesFiles) => wrong(
            "root: files that the current release has were changed or removed here, and it has to deliver them until the \
             embargo ends; put the files of the new release into a folder of their own, and name that"
                .into(),
        ),
        ledger::Error::Refused(Refusal::EmbargoOrder) => wrong(
            "--embargo-until: an earlier release is under embargo for longer; a release can't be public before those it \
             builds on"
                .into(),
        ),
        error => organisation_error(error, wrong),
    }
}
