//! `committee set`: a committee, from a TOML file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::organisation::organisation_error;
use super::{CliError, CliResult, ConfigSource, counted, load, read};
use crate::app::App;
use crate::domain::Refusal;
use crate::domain::committee::{Committee, CommitteeDescription, NewCommittee};
use crate::domain::event::Actor;
use crate::domain::localised::Localised;
use crate::domain::text::{Email, Slug};
use crate::ledger;
use crate::ledger::Ledger;
use crate::ledger::commands::Published;
use crate::ledger::commands::committees::set_up;
use crate::ledger::commands::organisations::owner_of;

/// `countersign committee`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Set up a committee, or change it. The same again changes nothing.
    Set {
        /// Its description (TOML).
        file: PathBuf,
    },
}

/// The contents of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    /// The organisation that it belongs to, where there are several.
    organisation: Option<Slug>,
    slug: Slug,
    name: Localised,
    /// Addresses of accounts.
    members: Vec<Email>,
    /// The approvals needed.
    #[serde(default = "one")]
    quorum: u32,
}

const fn one() -> u32 {
    1
}

pub fn run(config: &ConfigSource, command: Command) -> CliResult {
    let Command::Set { file } = command;
    let app = App::open(load(config)?)?;
    let (committee, what) = match set(&app.ledger, &file)? {
        Published::New(committee) => (committee, "set"),
        Published::Unchanged(committee) => (committee, "unchanged"),
    };
    let members = counted(committee.members.len() as u64, "member");
    println!("{} {what}: {members}, {} needed to approve", committee.slug, committee.quorum);
    Ok(())
}

/// Sets up what a file describes.
pub(super) fn set(ledger: &Ledger, file: &Path) -> Result<Published<Committee>, CliError> {
    let wrong = |why: String| CliError::Description(file.to_owned(), why);
    let Description { organisation, slug, name, members, quorum } =
        toml::from_str(&read(file)?).map_err(|error| wrong(error.to_string()))?;
    let addresses = members.clone();
    let description = CommitteeDescription { slug, name, members, quorum };
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
