//! `committee set`: a committee, from a TOML file; `committee export` writes that file back.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::organisation::organisation_error;
use super::{CliError, CliResult, ConfigSource, counted, load, read, write_out};
use crate::app::App;
use crate::domain::Refusal;
use crate::domain::committee::{Committee, CommitteeDescription, Deadlines, NewCommittee};
use crate::domain::event::Actor;
use crate::domain::localised::Localised;
use crate::domain::text::{Email, Slug};
use crate::ledger;
use crate::ledger::Ledger;
use crate::ledger::commands::Published;
use crate::ledger::commands::committees::set_up;
use crate::ledger::commands::organisations::owner_of;
use crate::store::{committees, organisations, people};

/// `countersign committee`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Set up a committee, or change it. The same again changes nothing.
    Set {
        /// Its description (TOML).
        file: PathBuf,
    },
    /// Write a committee as a file that `set` takes: setting it changes nothing.
    Export {
        /// The committee.
        slug: Slug,
        /// The organisation that it belongs to; needed where there are several.
        #[arg(long, value_name = "SLUG")]
        organisation: Option<Slug>,
        /// Where to write it; standard output by default.
        file: Option<PathBuf>,
    },
}

/// The contents of the file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Description {
    /// The organisation that it belongs to, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    organisation: Option<Slug>,
    slug: Slug,
    name: Localised,
    /// Addresses of accounts.
    members: Vec<Email>,
    /// The approvals needed.
    #[serde(default = "one")]
    quorum: u32,
    /// After how many working days those are reminded who have not voted.
    #[serde(skip_serializing_if = "Option::is_none")]
    remind_after: Option<u32>,
    /// Within how many working days it decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    decide_within: Option<u32>,
}

const fn one() -> u32 {
    1
}

pub fn run(config: &ConfigSource, command: Command) -> CliResult {
    let app = App::open(load(config)?)?;
    let file = match command {
        Command::Set { file } => file,
        Command::Export { slug, organisation, file } => return export(&app, (&slug, organisation), file.as_deref()),
    };
    let (committee, what) = match set(&app.ledger, &file)? {
        Published::New(committee) => (committee, "set"),
        Published::Unchanged(committee) => (committee, "unchanged"),
    };
    let members = counted(committee.members.len() as u64, "member");
    println!("{} {what}: {members}, {} needed to approve", committee.slug, committee.quorum);
    Ok(())
}

/// Writes a committee.
fn export(app: &App, (slug, organisation): (&Slug, Option<Slug>), file: Option<&Path>) -> CliResult {
    let found = app.reads.read_blocking(|conn| {
        let owner = match &organisation {
            Some(slug) => organisations::by_slug(conn, slug)?,
            None => organisations::only(conn)?,
        };
        let Some(owner) = owner else { return Ok(None) };
        let Some(committee) = committees::by_slug(conn, owner.id, slug)? else { return Ok(None) };
        let members = people::by_ids(conn, &committee.members)?;
        Ok(Some((committee, members)))
    })?;
    let missing =
        || CliError::Usage(format!("there is no committee {slug}; see --organisation where there are several"));
    let (committee, members) = found.ok_or_else(missing)?;
    let Committee { slug, name, quorum, deadlines, .. } = committee;
    let (remind_after, decide_within) = (deadlines.remind_after(), deadlines.decide_within());
    let members = members.into_iter().map(|person| person.email).collect();
    let description = Description { organisation, slug, name, members, quorum, remind_after, decide_within };
    let text = toml::to_string(&description).map_err(|error| CliError::Usage(error.to_string()))?;
    write_out(file, &text)
}

/// Sets up what a file describes.
pub(super) fn set(ledger: &Ledger, file: &Path) -> Result<Published<Committee>, CliError> {
    let wrong = |why: String| CliError::Description(file.to_owned(), why);
    let read: Description = toml::from_str(&read(file)?).map_err(|error| wrong(error.to_string()))?;
    let Description { organisation, slug, name, members, quorum, remind_after, decide_within } = read;
    let deadlines = Deadlines::parse(remind_after, decide_within).map_err(|error| wrong(error.to_string()))?;
    let addresses = members.clone();
    let description = CommitteeDescription { slug, name, members, quorum, deadlines: Some(deadlines) };
    let new = NewCommittee::parse(description).map_err(|error| wrong(error.to_string()))?;
    let set = ledger.run_blocking(move |tx| {
        let owner = owner_of(tx, organisation.as_ref(), None)?;
        set_up(tx, Actor::OPERATOR, owner, &new)
    });
    let member = |place: usize| addresses.get(place).map_or("", Email::as_str);
    set.map_err(|error| match error {
        ledger::Error::Refused(Refusal::ReviewerUnknown(place)) => {
            wrong(format!("members: {} has no account", member(place)))
        }
        ledger::Error::Refused(Refusal::ReviewerUnverified(place)) => {
            wrong(format!("members: {} has not verified its address yet", member(place)))
        }
        error => organisation_error(error, wrong),
    })
}
