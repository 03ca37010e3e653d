//! `dataset import`: publishes a dataset from a TOML file and imports its files. Safe to repeat. `dataset export` writes that file back.

mod description;
mod publish;

use std::path::{Path, PathBuf};

use self::description::Description;
pub(super) use self::publish::publish;
use self::publish::{Bar, Outcome};
use super::{CliError, CliResult, ConfigSource, counted, load, write_out};
use crate::app::App;
use crate::delivery::import::{OnUnusable, SHOWN, warnings};
use crate::domain::comment::Reason;
use crate::domain::event::Actor;
use crate::domain::release::{Difference, parse_note};
use crate::domain::text::Slug;
use crate::domain::{Refusal, Timestamp};
use crate::l10n;
use crate::ledger;
use crate::ledger::commands::releases::{change_embargo as set_embargo, withdraw as withdraw_release};
use crate::store::{datasets, organisations};
use crate::views::manage;

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
        let is_published = dataset.is_published();
        let named = manage::named(conn, &dataset)?;
        let owner = organisations::among_several(conn, dataset.organisation)?.map(|owner| owner.slug);
        Ok(Some((Description::of(dataset, named, owner), is_published)))
    })?;
    let (description, is_published) = found.ok_or_else(|| CliError::Usage(format!("there is no dataset {slug}")))?;
    if !is_published {
        // Importing its file would publish it.
        return Err(CliError::Usage(format!("{slug} is a draft; export it once it is published")));
    }
    let text = toml::to_string(&description).map_err(|error| CliError::Usage(error.to_string()))?;
    write_out(file, &text)
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
    let unusable: Vec<String> = contents.unusable.iter().map(ToString::to_string).collect();
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
