//! `organisation`: who holds data, and who runs that.

use std::path::PathBuf;

use super::{CliError, CliResult, ConfigSource, counted, load, read};
use crate::app::App;
use crate::domain::Refusal;
use crate::domain::event::Actor;
use crate::domain::localised::Localised;
use crate::domain::organisation::{OrganisationDescription, OrganisationRole};
use crate::domain::text::{Email, Language, Slug};
use crate::domain::working_days::Holidays;
use crate::ledger;
use crate::ledger::commands::organisations::holidays::set_holidays;
use crate::ledger::commands::organisations::members::appoint;
use crate::ledger::commands::organisations::{NewOrganisation, found};
use crate::store::{Cursor, organisation_members, organisations};

/// `countersign organisation`
#[derive(clap::Subcommand)]
pub enum Command {
    /// List the organisations, with their owners and stewards.
    List,
    /// Make another organisation.
    Make {
        /// Its name in addresses.
        slug: Slug,
        /// What it is called.
        #[arg(long)]
        name: String,
        /// What it is called in Traditional Chinese.
        #[arg(long, value_name = "NAME")]
        name_zh: Option<String>,
    },
    /// Set the days on which an organisation does not work, from a file with a day a line: `2027-01-01 New Year’s Day`. The
    /// same again changes nothing.
    Holidays {
        /// The list.
        file: PathBuf,
        /// The organisation; needed where there are several.
        #[arg(long, value_name = "SLUG")]
        organisation: Option<Slug>,
    },
    /// Make an account an owner or a steward.
    Appoint {
        /// The account's address.
        #[arg(long)]
        email: Email,
        /// What it is to be: owner or steward.
        #[arg(long, default_value = "owner")]
        role: OrganisationRole,
        /// The organisation; needed where there are several.
        #[arg(long, value_name = "SLUG")]
        organisation: Option<Slug>,
    },
}

pub fn run(config: &ConfigSource, command: Command) -> CliResult {
    let app = App::open(load(config)?)?;
    match command {
        Command::List => list(&app),
        Command::Make { slug, name, name_zh } => {
            let chinese = name_zh.map(|name| (Language::TraditionalChinese, name));
            let name = Localised([(Language::English, name)].into_iter().chain(chinese).collect());
            let description = OrganisationDescription::parse(&name, &Localised::default())
                .map_err(|error| CliError::Usage(format!("--{error}")))?;
            let new = NewOrganisation { slug: slug.clone(), description };
            let made = app.ledger.run_blocking(move |tx| found(tx, Actor::OPERATOR, new));
            made.map_err(|error| match error {
                ledger::Error::Refused(Refusal::NameTaken) => {
                    CliError::Usage(format!("there is an organisation {slug} already"))
                }
                error => error.into(),
            })?;
            println!(
                "{slug} is made. Name its first owner: countersign organisation appoint --organisation {slug} --email …"
            );
            Ok(())
        }
        Command::Holidays { file, organisation } => {
            let slug = named_or_only(&app, organisation)?;
            let holidays = Holidays::parse(&read(&file)?);
            let holidays = holidays.map_err(|error| CliError::Description(file.clone(), error.to_string()))?;
            let (count, named) = (holidays.len() as u64, slug.clone());
            let set = app.ledger.run_blocking(move |tx| set_holidays(tx, Actor::OPERATOR, &named, &holidays));
            set.map_err(|error| match error {
                ledger::Error::Refused(Refusal::NotFound) => {
                    CliError::Usage(format!("--organisation: there is no {slug}"))
                }
                error => error.into(),
            })?;
            println!("{slug} has {}", counted(count, "holiday"));
            Ok(())
        }
        Command::Appoint { email, role, organisation } => {
            let slug = named_or_only(&app, organisation)?;
            let (named, account) = (slug.clone(), email.clone());
            let appointed = app.ledger.run_blocking(move |tx| appoint(tx, &named, (&account, role)));
            appointed.map_err(|error| match error {
                ledger::Error::Refused(Refusal::OrganisationUnknown) => {
                    CliError::Usage(format!("--organisation: there is no {slug}"))
                }
                ledger::Error::Refused(Refusal::NotFound) => CliError::Usage(format!("--email {email} has no account")),
                ledger::Error::Refused(Refusal::TargetUnverified) => {
                    CliError::Usage(format!("--email {email}: the address is not verified yet"))
                }
                error => error.into(),
            })?;
            println!("{email} is {role} of {slug}");
            Ok(())
        }
    }
}

/// The organisation that was named, or the only one.
fn named_or_only(app: &App, named: Option<Slug>) -> Result<Slug, CliError> {
    if let Some(slug) = named {
        return Ok(slug);
    }
    let only = app.reads.read_blocking(organisations::only)?.map(|only| only.slug);
    only.ok_or_else(|| CliError::Usage("--organisation: there are several; name one".into()))
}

fn list(app: &App) -> CliResult {
    let mut after = Cursor::first();
    loop {
        let from = after.clone();
        let page = app.reads.read_blocking(|conn| organisations::page(conn, &from))?;
        for organisation in page.rows {
            let suspended = if organisation.suspended_at.is_some() { " (suspended)" } else { "" };
            println!("{}  {}{suspended}", organisation.slug, organisation.name.text(Language::English));
            let members =
                app.reads.read_blocking(|conn| organisation_members::of_organisation(conn, organisation.id))?;
            for member in members.iter().filter(|member| member.state.is_open()) {
                println!("  {}  {}  {}", member.role, member.state, member.email);
            }
        }
        match page.next {
            Some(next) => after = next,
            None => return Ok(()),
        }
    }
}

/// A refusal about the organisation of something that a file describes.
pub(super) fn organisation_error(error: ledger::Error, wrong: impl Fn(String) -> CliError) -> CliError {
    match error {
        ledger::Error::Refused(Refusal::OrganisationUnknown) => {
            wrong("organisation: there is none of this name; see `countersign organisation list`".into())
        }
        ledger::Error::Refused(Refusal::OrganisationNeeded) => {
            wrong("organisation: is needed, for there are several; see `countersign organisation list`".into())
        }
        ledger::Error::Refused(Refusal::OtherOrganisation) => {
            wrong("organisation: it belongs to another one, which can hand it over".into())
        }
        error => error.into(),
    }
}
