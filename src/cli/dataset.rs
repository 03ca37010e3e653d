//! `dataset import`: publishes a dataset from a TOML file and imports its files. Safe to repeat. `dataset export` writes that file back.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use super::organisation::organisation_error;
use super::{CliError, CliResult, ConfigSource, counted, load, read, write_out};
use crate::app::App;
use crate::delivery::import::{Contents, Exclusions, ImportError, OnUnusable, Progress, SHOWN, warnings};
use crate::delivery::import_root::{Manifest, read_root};
use crate::delivery::storage::is_local;
use crate::domain::comment::Reason;
use crate::domain::dataset::{
    AccessMode, CommitteeChoice, Dataset, DatasetDescription, ImportSettings, InfoField, Later, NewDataset,
};
use crate::domain::event::Actor;
use crate::domain::localised::Localised;
use crate::domain::release::{Difference, parse_note};
use crate::domain::text::{Email, Slug};
use crate::domain::{Refusal, Timestamp};
use crate::l10n;
use crate::ledger;
use crate::ledger::commands::datasets::check_publication;
use crate::ledger::commands::releases::{Target, change_embargo as set_embargo, withdraw as withdraw_release};
use crate::ledger::importing::{self, Imported, import as import_files};
use crate::store::{datasets, organisations};
use crate::views::manage::{self, Named};

/// `countersign dataset`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Publish a dataset, or bring it up to date, and import its files as its next release.
    Import {
        /// Its description (TOML).
        file: PathBuf,
        /// Leave out what can't be delivered (links, impossible names), and import the rest.
        #[arg(long)]
        skip_unusable: bool,
        /// What to say about the new release, if there is one.
        #[arg(long, default_value = "")]
        note: String,
        /// Deliver nothing of the new release before this time, such as 2027-01-31 (its first instant in UTC) or
        /// 2027-01-31T09:00:00+08:00. The release before it stays the current one until then.
        #[arg(long, value_name = "TIME", value_parser = time)]
        embargo_until: Option<Timestamp>,
    },
    /// Write the description of a dataset as a file that `import` takes: importing it changes nothing.
    Export {
        /// The dataset.
        slug: Slug,
        /// Where to write it; standard output by default.
        file: Option<PathBuf>,
    },
    /// Change when the embargo of a release ends, or end it now.
    Embargo {
        /// The dataset.
        slug: Slug,
        /// The release's number.
        number: u32,
        /// The time at which it is to end.
        #[arg(long, value_name = "TIME", value_parser = time, required_unless_present = "end")]
        until: Option<Timestamp>,
        /// End it now.
        #[arg(long, conflicts_with = "until")]
        end: bool,
    },
    /// Withdraw a release for ever: nothing is delivered under it from now on. Its page says why. Files that other releases have
    /// too are still delivered there.
    Withdraw {
        /// The dataset.
        slug: Slug,
        /// The release's number.
        number: u32,
        /// Why, for everybody to read.
        #[arg(long)]
        reason: String,
    },
}

/// The contents of the file.
#[derive(Deserialize, Serialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the field is what the file calls it")]
struct Description {
    /// The organisation that it belongs to, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    organisation: Option<Slug>,
    slug: Slug,
    title: Localised,
    summary: Localised,
    description: Localised,
    licence: String,
    publisher: Localised,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    info: Vec<InfoField>,
    /// Datasets that the page names first, by their slugs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    related: Vec<Slug>,
    mode: AccessMode,
    /// What its users sign, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    agreements: Vec<Slug>,
    /// What they fill in.
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<Slug>,
    /// The organisation's committee that decides about requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    committee: Option<Slug>,
    /// Instead of that, a committee of the dataset's own: addresses of accounts, and the approvals needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reviewers: Vec<Email>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quorum: Option<u32>,
    #[serde(default = "a_year")]
    grant_days: u32,
    /// Whether a grant covers releases that come after it: `included`, or `requested` for one request each.
    #[serde(default)]
    later_releases: Later,
    /// Whether a decision covers members of the project who sign after it, likewise.
    #[serde(default)]
    later_members: Later,
    #[serde(default)]
    position: i64,
    /// Where the files are: a folder, relative to the description; `s3://BUCKET/PREFIX`; or `https://HOST/PATH`.
    root: String,
    /// What to leave out: names of files or folders, with stars, such as `*.tmp` or `.git`; or paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exclude: Vec<String>,
    /// For files behind another HTTP server: a list of them, relative to the description. A path a line, or `SHA256SUMS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<PathBuf>,
}

const fn a_year() -> u32 {
    365
}

pub fn run(config: &ConfigSource, command: Command) -> CliResult {
    match command {
        Command::Import { file, skip_unusable, note, embargo_until } => {
            import(config, &file, skip_unusable, (&note, embargo_until))
        }
        Command::Export { slug, file } => export(config, &slug, file.as_deref()),
        Command::Embargo { slug, number, until, .. } => change_embargo(config, &slug, number, until),
        Command::Withdraw { slug, number, reason } => withdraw(config, &slug, number, &reason),
    }
}

fn export(config: &ConfigSource, slug: &Slug, file: Option<&Path>) -> CliResult {
    let app = App::open(load(config)?)?;
    let found = app.reads.read_blocking(|conn| {
        let Some(dataset) = datasets::any_by_slug(conn, slug)? else { return Ok(None) };
        let named = manage::named(conn, &dataset)?;
        let owner = organisations::among_several(conn, dataset.organisation)?.map(|owner| owner.slug);
        Ok(Some(Description::of(dataset, named, owner)))
    })?;
    let description = found.ok_or_else(|| CliError::Usage(format!("there is no dataset {slug}")))?;
    let text = toml::to_string(&description).map_err(|error| CliError::Usage(error.to_string()))?;
    write_out(file, &text)
}

impl Description {
    /// The file that describes a dataset.
    fn of(dataset: Dataset, named: Named, organisation: Option<Slug>) -> Self {
        let ImportSettings { exclude, manifest } = dataset.import_settings;
        Self {
            organisation,
            slug: dataset.slug,
            title: dataset.title,
            summary: dataset.summary,
            description: dataset.description,
            licence: dataset.licence,
            publisher: dataset.publisher,
            tags: dataset.tags,
            related: dataset.related,
            mode: dataset.mode,
            agreements: named.agreements,
            form: named.form,
            committee: named.committee,
            reviewers: Vec::new(),
            quorum: None,
            grant_days: dataset.grant_days,
            later_releases: dataset.later_releases,
            later_members: dataset.later_members,
            position: named.position,
            root: dataset.root,
            exclude,
            manifest: manifest.map(PathBuf::from),
            info: dataset.info,
        }
    }
}

fn withdraw(config: &ConfigSource, slug: &Slug, number: u32, reason: &str) -> CliResult {
    let reason = Reason::parse(reason).map_err(|error| CliError::Usage(format!("--reason {error}")))?;
    let (app, dataset) = (App::open(load(config)?)?, slug.clone());
    let withdrawn = app.ledger.run_blocking(move |tx| withdraw_release(tx, Actor::OPERATOR, &dataset, number, &reason));
    withdrawn.map_err(|error| release_error(error, slug, number))?;
    println!("{slug}: release {number} is withdrawn. Files that other releases have too are still delivered there.");
    Ok(())
}

/// A refusal about a release that was named.
fn release_error(error: ledger::Error, slug: &Slug, number: u32) -> CliError {
    match error {
        ledger::Error::Refused(Refusal::NotFound) => CliError::Usage(format!("{slug} has no release {number}")),
        error => error.into(),
    }
}

/// A time as it is typed.
fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text)
        .ok_or_else(|| "write a date such as 2027-01-31, or a time such as 2027-01-31T09:00:00Z".into())
}

fn change_embargo(config: &ConfigSource, slug: &Slug, number: u32, until: Option<Timestamp>) -> CliResult {
    let (app, dataset) = (App::open(load(config)?)?, slug.clone());
    let changed = app.ledger.run_blocking(move |tx| set_embargo(tx, Actor::OPERATOR, &dataset, number, until));
    changed.map_err(|error| release_error(error, slug, number))?;
    match until {
        Some(until) => println!("{slug}: release {number} is under embargo until {until}"),
        None => println!("{slug}: release {number} is public"),
    }
    Ok(())
}

fn import(
    config: &ConfigSource,
    file: &Path,
    skip_unusable: bool,
    (note, embargo): (&str, Option<Timestamp>),
) -> CliResult {
    let note = parse_note(note).map_err(|error| CliError::Usage(format!("--note {error}")))?;
    let app = App::open(load(config)?)?;
    let bar = Bar::new();
    let on_unusable = if skip_unusable { OnUnusable::LeaveOut } else { OnUnusable::Refuse };
    let Outcome { slug, imported, contents } = publish(&app, file, (on_unusable, &note, embargo), &bar)?;
    bar.0.finish_and_clear();
    let bytes: u64 = contents.files.iter().map(|entry| entry.size).sum();
    let Difference { added, changed, removed } = imported.difference;
    println!(
        "{slug} {}, release {}: {}, {}; {} added, {} changed, {} removed",
        if imported.is_new { "published" } else { "up to date" },
        imported.release,
        counted(contents.files.len() as u64, "file"),
        l10n::size(bytes),
        l10n::separated(added),
        l10n::separated(changed),
        l10n::separated(removed),
    );
    match embargo {
        Some(until) if imported.difference.total() > 0 => println!("under embargo until {until}"),
        Some(_) => println!("the files are those of release {}: nothing is under embargo", imported.release),
        None => {}
    }
    if imported.refreshed > 0 {
        println!("the same bytes as before, with other times or tags: {}", counted(imported.refreshed, "file"));
    }
    let unusable: Vec<String> = contents.unusable.iter().map(|one| format!("{}: {}", one.what, one.why)).collect();
    say_left_out("excluded", &contents.excluded);
    say_left_out("left out, for they can't be delivered", &unusable);
    say_left_out("warnings", &warnings(&contents.files));
    Ok(())
}

/// Counts and names what an import left out.
fn say_left_out(what: &str, names: &[String]) {
    if names.is_empty() {
        return;
    }
    println!("{what}: {}", l10n::separated(names.len() as u64));
    names.iter().take(SHOWN).for_each(|name| println!("  {name}"));
    if names.len() > SHOWN {
        println!("  and {} more", l10n::separated((names.len() - SHOWN) as u64));
    }
}

/// Shows the progress of hashing.
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

/// What came of publishing a dataset.
pub(super) struct Outcome {
    slug: Slug,
    imported: Imported,
    contents: Contents,
}

/// Publishes what a file describes, with a note on its release and perhaps an embargo.
pub(super) fn publish(
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
    let contents = contents.map_err(|error| match error {
        ImportError::NoManifest => {
            wrong("manifest: is needed where root is the address of an HTTP server: a list of its files".into())
        }
        error => error.into(),
    })?;
    let (files, folders, note) = (contents.files.clone(), contents.folders.clone(), note.to_owned());
    let release = importing::Contents { files, folders, note, embargo };
    let (by, target) = ((Actor::OPERATOR, &AtomicBool::new(false)), Target::Described(Box::new(new.clone())));
    let imported = import_files(&app.ledger, &app.reads, by, (&target, basis), release).map_err(refused)?;
    Ok(Outcome { slug: new.slug().clone(), imported, contents })
}

/// Where the files are: a folder in full, or the address of another server.
fn root(home: &Path, text: &str) -> Result<String, String> {
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

impl TryFrom<Description> for DatasetDescription {
    type Error = String;

    fn try_from(file: Description) -> Result<Self, String> {
        let committee = match (file.committee, file.quorum) {
            (Some(_), Some(_)) => return Err("quorum: is the committee's own; leave it out here".into()),
            (Some(_), None) if !file.reviewers.is_empty() => {
                return Err("reviewers: are the committee's own; name the committee or the reviewers".into());
            }
            (Some(slug), None) => CommitteeChoice::Named(slug),
            (None, None) if file.reviewers.is_empty() && file.mode != AccessMode::Approval => CommitteeChoice::None,
            (None, quorum) => CommitteeChoice::Own { reviewers: file.reviewers, quorum: quorum.unwrap_or(1) },
        };
        Ok(Self {
            organisation: file.organisation,
            slug: file.slug,
            title: file.title,
            summary: file.summary,
            description: file.description,
            licence: file.licence,
            publisher: file.publisher,
            tags: file.tags,
            info: file.info,
            related: file.related,
            mode: file.mode,
            agreements: file.agreements,
            form: file.form,
            committee,
            grant_days: file.grant_days,
            later_releases: file.later_releases,
            later_members: file.later_members,
            position: file.position,
            root: file.root,
            import_settings: ImportSettings {
                exclude: file.exclude,
                manifest: file.manifest.map(|file| file.to_string_lossy().into_owned()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::text::Language;

    fn text() -> impl Strategy<Value = Localised> {
        let language = prop::sample::select(Language::ALL.to_vec());
        prop::collection::btree_map(language, "[\\PC\n\t\"'\\\\]{0,40}", 0..3).prop_map(Localised)
    }

    fn slug() -> impl Strategy<Value = Slug> {
        "[a-z][a-z0-9-]{1,8}[a-z0-9]".prop_filter_map("a slug", |slug| slug.parse().ok())
    }

    fn description() -> impl Strategy<Value = Description> {
        let texts = (text(), text(), text(), text(), "\\PC{0,20}");
        let info =
            prop::collection::vec(("\\PC{0,10}", text()).prop_map(|(name, value)| InfoField { name, value }), 0..3);
        let lists = (
            prop::collection::vec("\\PC{0,8}", 0..3),
            prop::collection::vec(slug(), 0..3),
            prop::collection::vec(slug(), 0..3),
            prop::collection::vec("\\PC{0,8}", 0..3),
        );
        let later = || prop::sample::select(Later::ALL.to_vec());
        let names = (slug(), prop::option::of(slug()), prop::option::of(slug()), prop::option::of(slug()));
        let terms = (prop::sample::select(AccessMode::ALL.to_vec()), 1_u32..40_000, later(), later(), any::<i64>());
        (texts, info, lists, names, terms, "\\PC{1,20}", prop::option::of("[a-z/]{1,9}")).prop_map(
            |(texts, info, lists, names, terms, root, manifest)| {
                let (title, summary, description, publisher, licence) = texts;
                let (tags, related, agreements, exclude) = lists;
                let (slug, organisation, form, committee) = names;
                let (mode, grant_days, later_releases, later_members, position) = terms;
                Description {
                    organisation,
                    slug,
                    title,
                    summary,
                    description,
                    licence,
                    publisher,
                    tags,
                    info,
                    related,
                    mode,
                    agreements,
                    form,
                    committee,
                    reviewers: Vec::new(),
                    quorum: None,
                    grant_days,
                    later_releases,
                    later_members,
                    position,
                    root,
                    exclude,
                    manifest: manifest.map(PathBuf::from),
                }
            },
        )
    }

    proptest! {
        /// Whatever a dataset says of itself, the file that is written of it says the same.
        #[test]
        fn what_is_exported_is_read_back(description in description()) {
            let text = toml::to_string(&description).unwrap();
            prop_assert_eq!(toml::from_str::<Description>(&text).unwrap(), description, "{}", text);
        }
    }
}
