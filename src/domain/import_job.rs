//! Imports that somebody asks for in the browser, and that the gateway runs beside its other work.

use serde::{Deserialize, Serialize};

use super::exclusions::Exclusions;
use super::ids::{DatasetId, ImportId, PersonId};
use super::organisation::Officer;
use super::path::FilePath;
use super::release::{Difference, parse_note};
use super::text::TextError;
use super::words::words;
use super::{Refusal, TimeSpan, Timestamp};

/// How far an import is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImportState {
    /// It waits for its turn.
    Queued,
    /// Its files are read, and the release is prepared.
    Running,
    /// It ended well.
    Done,
    /// It could not be done.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

words! {
    ImportState {
        Queued = "queued",
        Running = "running",
        Done = "done",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

impl ImportState {
    /// Whether it is queued or running.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

/// What is to be imported, and how.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ImportOrder {
    /// Where the files are.
    pub root: String,
    /// What to leave out: names of files or folders with stars, or paths.
    pub exclude: Vec<String>,
    /// For files behind another HTTP server: the file there that lists them.
    pub manifest: Option<FilePath>,
    /// What to say about the new release.
    pub note: String,
    /// When the release becomes public, if that is not at once.
    pub embargo: Option<Timestamp>,
    /// Whether what can't be delivered is left out; otherwise nothing is imported then.
    pub leaves_out: bool,
}

/// What was typed to ask for an import.
#[derive(Clone, Debug, Default)]
pub struct ImportForm {
    /// Where the files are.
    pub root: String,
    /// What to leave out.
    pub exclude: Vec<String>,
    /// The file that lists the others.
    pub manifest: String,
    /// What to say about the release.
    pub note: String,
    /// When it becomes public.
    pub embargo: String,
    /// Whether what can't be delivered is left out.
    pub leaves_out: bool,
}

/// What is wrong with it, field by field.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ImportFormErrors {
    /// A pattern is none, or there are too many.
    pub exclude: bool,
    /// The manifest's name is no path.
    pub manifest: bool,
    /// The files are behind an HTTP server, and nothing lists them.
    pub no_manifest: bool,
    /// What is wrong with the note.
    pub note: Option<TextError>,
    /// It is no time.
    pub embargo: bool,
}

impl ImportOrder {
    /// Checks what was typed.
    ///
    /// # Errors
    /// All errors in it.
    pub fn parse(form: ImportForm) -> Result<Self, ImportFormErrors> {
        let ImportForm { root, exclude, manifest, note, embargo, leaves_out } = form;
        let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let (note, manifest) = (parse_note(&note), filled(&manifest).map(|name| name.parse::<FilePath>()).transpose());
        let embargo = filled(&embargo).map(|text| Timestamp::parse(&text).ok_or(TextError::Form)).transpose();
        let errors = ImportFormErrors {
            exclude: Exclusions::parse(&exclude).is_err(),
            manifest: manifest.is_err(),
            no_manifest: manifest == Ok(None) && is_http(&root),
            note: note.as_ref().err().copied(),
            embargo: embargo.is_err(),
        };
        match (note, manifest, embargo) {
            (Ok(note), Ok(manifest), Ok(embargo)) if errors == ImportFormErrors::default() => {
                Ok(Self { root, exclude, manifest, note, embargo, leaves_out })
            }
            _ => Err(errors),
        }
    }
}

/// Whether a root is behind another HTTP server, which does not say by itself what it has.
pub fn is_http(root: &str) -> bool {
    root.starts_with("http://") || root.starts_with("https://")
}

/// Why something that was found can't be delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undeliverable {
    /// Its name can't stand in an address.
    BadName,
    /// It is listed, and can't be had under that name.
    NotThere,
    /// It is neither a file nor a folder; links are not followed.
    NotAFile,
}

words! {
    Undeliverable {
        BadName = "bad-name",
        NotThere = "not-there",
        NotAFile = "not-a-file",
    }
}

/// Why files could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadFault {
    /// There is no such file or folder.
    Gone,
    /// The gateway may not read it.
    Forbidden,
    /// The disk or the server did not answer as it should.
    Unreadable,
    /// An HTTP server says only in a list which files it has.
    NoManifest,
    /// A file has another SHA-256 than its list says.
    WrongHash,
    /// What the import leaves out, or its list of files, is not written as it should be.
    BadSettings,
}

words! {
    ReadFault {
        Gone = "gone",
        Forbidden = "forbidden",
        Unreadable = "unreadable",
        NoManifest = "no-manifest",
        WrongHash = "wrong-hash",
        BadSettings = "bad-settings",
    }
}

/// What an import made of the files it found.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ImportReport {
    /// The newest release.
    pub number: u32,
    /// What it has differently from the one before it; nothing where the files were the same.
    pub difference: Difference,
    /// How many files it has.
    pub files: u64,
    /// What was excluded, as far as it is named.
    pub excluded: Vec<String>,
    /// How much was excluded.
    pub excluded_count: u64,
    /// What can't be delivered, as far as it is named, and why not.
    pub unusable: Vec<(String, Undeliverable)>,
    /// How much can't be delivered.
    pub unusable_count: u64,
}

/// What came of an import.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ImportOutcome {
    /// The dataset has this release now.
    Release(ImportReport),
    /// These can't be delivered, so nothing was imported.
    Unusable {
        /// As far as it is named, and why not.
        files: Vec<(String, Undeliverable)>,
        /// How many there are.
        count: u64,
    },
    /// A rule forbade it.
    Refused {
        /// The localisation key of its sentence.
        key: String,
    },
    /// A file or server could not be read.
    Unreadable {
        /// Which, below the root; empty for the root itself.
        path: String,
        /// Why.
        fault: ReadFault,
    },
}

/// An import that somebody asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportJob {
    /// Its id.
    pub id: ImportId,
    /// The dataset.
    pub dataset: DatasetId,
    /// Who asked for it.
    pub person: PersonId,
    /// What is to be done.
    pub order: ImportOrder,
    /// How far it is.
    pub state: ImportState,
    /// Files found so far.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that were read.
    pub bytes_done: u64,
    /// What came of it.
    pub outcome: Option<ImportOutcome>,
    /// How often it was taken up.
    pub attempts: u32,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last got on.
    pub updated_at: Timestamp,
}

/// An attempt to run an import. Once another has begun, this one changes nothing any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The import.
    pub import: ImportId,
    /// Which attempt it is, from 1.
    pub attempt: u32,
}

impl ImportJob {
    /// The present attempt.
    pub const fn claim(&self) -> Claim {
        Claim { import: self.id, attempt: self.attempts }
    }

    /// How much is read, in percent.
    pub fn percent(&self) -> u64 {
        (self.bytes_done * 100).checked_div(self.bytes).unwrap_or(0).min(100)
    }
}

/// How often an import is taken up before it is given up.
pub const ATTEMPTS: u32 = 5;

/// How long a claim on an import lasts. The gateway that runs it renews the claim every second; once it has lapsed, another
/// gateway may take the import over.
pub const CLAIM: TimeSpan = TimeSpan::seconds(15);

/// Whether somebody may have files imported into a dataset, of which no import is open.
///
/// # Errors
/// As [`Officer::check_steward`]; [`Refusal::ImportRunning`], [`Refusal::EmbargoPast`].
pub fn check_request(by: Officer<'_>, (order, is_open): (&ImportOrder, bool), now: Timestamp) -> Result<(), Refusal> {
    by.check_steward()?;
    if is_open {
        return Err(Refusal::ImportRunning);
    }
    if order.embargo.is_some_and(|until| until <= now) { Err(Refusal::EmbargoPast) } else { Ok(()) }
}

/// Whether somebody may stop an import, which is over once its release is there.
///
/// # Errors
/// As [`Officer::check_steward`]; [`Refusal::ImportOver`].
pub fn check_cancel(by: Officer<'_>, job: &ImportJob) -> Result<(), Refusal> {
    by.check_steward()?;
    if job.state.is_open() && job.outcome.is_none() { Ok(()) } else { Err(Refusal::ImportOver) }
}
