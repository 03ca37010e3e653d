//! `dataset import`: publishes a dataset from a TOML file and imports its files. Safe to repeat.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use uuid::Uuid;

use super::{CliError, Outcome, gateway, load, read};
use crate::delivery::import::{self, Contents, ImportError, Progress, scan};
use crate::delivery::storage::is_local;
use crate::delivery::storage::upstream::Upstream;
use crate::domain::Instant;
use crate::domain::dataset::{AccessMode, Dataset, InfoField, Localised};
use crate::domain::event::Actor;
use crate::domain::text::{Email, Slug};
use crate::ledger::commands::catalogue::{Publication, Published, publish_dataset};
use crate::store::{agreements, people};
use crate::web::App;
use crate::words;

/// `countersign dataset`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Publish a dataset, or bring it up to date, and import its files.
    Import {
        /// Its description (TOML).
        file: PathBuf,
    },
}

/// What the file says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the field is what the file calls it")]
struct Description {
    slug: Slug,
    title: Localised,
    summary: Localised,
    description: Localised,
    licence: String,
    publisher: Localised,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    info: Vec<InfoField>,
    mode: AccessMode,
    agreement: Option<Slug>,
    /// Addresses of accounts.
    #[serde(default)]
    reviewers: Vec<Email>,
    #[serde(default = "one")]
    quorum: u32,
    #[serde(default = "a_year")]
    grant_days: u32,
    #[serde(default)]
    position: i64,
    /// Where the files are: a folder, relative to the description; `s3://BUCKET/PREFIX`; or `https://HOST/PATH`.
    root: String,
    /// For files behind another HTTP server: a list of them, relative to the description. A path a line, or `SHA256SUMS`.
    manifest: Option<PathBuf>,
}

const fn one() -> u32 {
    1
}

const fn a_year() -> u32 {
    365
}

pub fn run(config: Option<&Path>, command: Command) -> Outcome {
    let Command::Import { file } = command;
    let app = gateway::open(load(config)?)?;
    let bar = Bar::new();
    let (slug, published, contents) = publish(&app, &file, &bar)?;
    bar.0.finish_and_clear();
    let bytes: u64 = contents.files.iter().map(|entry| entry.size).sum();
    println!(
        "{slug} {}: {} files, {}; {} changed",
        if published.new { "published" } else { "up to date" },
        words::separated(contents.files.len() as u64),
        words::size(bytes),
        words::separated(published.files_changed as u64),
    );
    Ok(())
}

/// Shows how far hashing is.
struct Bar(ProgressBar, AtomicU64);

impl Bar {
    fn new() -> Self {
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

/// Publishes what a file describes.
pub(super) fn publish(
    app: &App,
    file: &Path,
    progress: &dyn Progress,
) -> Result<(Slug, Published, Contents), CliError> {
    let wrong = |why: String| CliError::Description(file.to_owned(), why);
    let description: Description = toml::from_str(&read(file)?).map_err(|error| wrong(error.to_string()))?;
    check(&description).map_err(wrong)?;
    let home = file.parent().unwrap_or(Path::new("."));
    let root_text = if is_local(&description.root) {
        let root = home.join(&description.root);
        let root = root.canonicalize().map_err(|error| wrong(format!("root: {}: {error}", root.display())))?;
        root.to_str().ok_or_else(|| wrong("root: the path is not UTF-8".into()))?.to_owned()
    } else {
        description.root.trim_end_matches('/').to_owned()
    };
    let mut reviewers = Vec::new();
    for email in &description.reviewers {
        let wanted = email.clone();
        let found = app.reads.read_blocking(move |conn| people::by_email(conn, &wanted))?;
        let (person, _) = found.ok_or_else(|| wrong(format!("reviewers: {email} has no account")))?;
        if person.email_verified_at.is_none() {
            return Err(wrong(format!("reviewers: {email} has not verified its address yet")));
        }
        if reviewers.contains(&person.id) {
            return Err(wrong(format!("reviewers: {email} is there twice")));
        }
        reviewers.push(person.id);
    }
    if let Some(slug) = description.agreement.clone() {
        let known = app.reads.read_blocking(move |conn| agreements::id_of(conn, &slug))?;
        known.ok_or_else(|| wrong("agreement: is not published yet; use `countersign agreement publish`".into()))?;
    }
    let contents = if is_local(&root_text) {
        scan(Path::new(&root_text), progress)?
    } else {
        let manifest = description.manifest.as_ref().map(|manifest| home.join(manifest));
        from_upstream(app, &root_text, manifest.as_deref(), progress).map_err(|error| match error {
            Some(error) => CliError::Import(error),
            None => {
                wrong("manifest: is needed where root is the address of an HTTP server: a list of its files".into())
            }
        })?
    };
    let slug = description.slug.clone();
    let publication = Publication {
        agreement: description.agreement.clone(),
        reviewers,
        position: description.position,
        files: contents.files.clone(),
        folders: contents.folders.clone(),
        dataset: dataset(description, root_text),
    };
    let published = app.ledger.run_blocking(move |tx| publish_dataset(tx, Actor::OPERATOR, &publication))?;
    Ok((slug, published, contents))
}

/// Reads what another server has; without an error, a manifest is missing.
fn from_upstream(
    app: &App,
    root: &str,
    manifest: Option<&Path>,
    progress: &dyn Progress,
) -> Result<Contents, Option<ImportError>> {
    let failed = |error| Some(ImportError::Upstream(root.to_owned(), error));
    let upstream = app.storage.upstream(root).map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(error.into()))?;
    runtime.block_on(async {
        let files = match (&*upstream, manifest) {
            (_, Some(file)) => {
                let text = std::fs::read_to_string(file).map_err(|error| ImportError::Io(file.to_owned(), error))?;
                import::manifest(&text)?
            }
            (Upstream::S3(bucket), None) => {
                let listed = bucket.list().await.map_err(failed)?;
                progress.found(listed.len() as u64, listed.iter().map(|object| object.size).sum());
                let path = |name: String| name.parse().map_err(|_| ImportError::Name(PathBuf::from(&name)));
                listed
                    .into_iter()
                    .map(|object| Ok((path(object.name)?, None)))
                    .collect::<Result<Vec<_>, ImportError>>()?
            }
            (Upstream::Http(_), None) => return Err(None),
        };
        Ok(import::scan_upstream(&upstream, files, progress).await?)
    })
}

fn check(description: &Description) -> Result<(), String> {
    match (description.mode, &description.agreement) {
        (AccessMode::Open, Some(_)) => return Err("agreement: an open dataset has none".into()),
        (AccessMode::Agreement | AccessMode::Approval, None) => {
            return Err(format!("agreement: is needed when mode is {}", description.mode));
        }
        _ => {}
    }
    if description.mode == AccessMode::Approval {
        if description.quorum == 0 {
            return Err("quorum: must be at least 1".into());
        }
        if description.reviewers.len() < description.quorum as usize {
            return Err(format!("reviewers: {} approvals need at least as many reviewers", description.quorum));
        }
    }
    if !(1..=36_500).contains(&description.grant_days) {
        return Err("grant_days: must be from 1 to 36,500".into());
    }
    if description.title.0.is_empty() {
        return Err("title: is needed".into());
    }
    Ok(())
}

fn dataset(description: Description, root: String) -> Dataset {
    Dataset {
        id: Uuid::nil().into(),
        slug: description.slug,
        title: description.title,
        summary: description.summary,
        description: description.description,
        licence: description.licence,
        publisher: description.publisher,
        tags: description.tags,
        info: description.info,
        mode: description.mode,
        quorum: description.quorum,
        grant_days: description.grant_days,
        agreement: None,
        root,
        file_count: 0,
        total_bytes: 0,
        suspended_at: None,
        created_at: Instant(0),
        updated_at: Instant(0),
    }
}
