//! `token issue`: an operator's token, within a person's grants. It is logged as the operator's.

use std::path::Path;

use super::{CliError, Outcome, gateway, load};
use crate::domain::Span;
use crate::domain::event::Actor;
use crate::domain::path::PathPattern;
use crate::domain::text::{Email, Slug};
use crate::domain::token::MAX_LIFE_DAYS;
use crate::identity::tokens::sign;
use crate::ledger::commands::tokens::{Wish, issue};
use crate::store::people;

/// `countersign token`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Issue a download token within a person's grants and print it.
    Issue {
        /// The address of their account.
        #[arg(long)]
        person: String,
        /// The dataset; may be given more than once.
        #[arg(long, required = true)]
        dataset: Vec<String>,
        /// Only these paths, such as `images_001`/*; may be given more than once.
        #[arg(long)]
        path: Vec<String>,
        /// What to call it.
        #[arg(long, default_value = "issued by an operator")]
        name: String,
        /// How long it works, in days; at most 90 and never longer than the grant.
        #[arg(long, default_value_t = 7)]
        days: i64,
    },
}

pub fn run(config: Option<&Path>, command: Command) -> Outcome {
    let Command::Issue { person, dataset, path, name, days } = command;
    let email: Email = person.parse().map_err(|error| CliError::Usage(format!("--person {error}")))?;
    let datasets = dataset
        .iter()
        .map(|slug| slug.parse::<Slug>().map_err(|error| CliError::Usage(format!("--dataset {slug}: {error}"))))
        .collect::<Result<Vec<_>, _>>()?;
    let paths = path
        .iter()
        .map(|path| path.parse::<PathPattern>().map_err(|error| CliError::Usage(format!("--path {path}: {error}"))))
        .collect::<Result<Vec<_>, _>>()?;
    if !(1..=MAX_LIFE_DAYS).contains(&days) {
        return Err(CliError::Usage(format!("--days must be from 1 to {MAX_LIFE_DAYS}")));
    }
    let app = gateway::open(load(config)?)?;
    let wanted = email.clone();
    let found = app.reads.read_blocking(move |conn| people::by_email(conn, &wanted))?;
    let (person, _) = found.ok_or_else(|| CliError::Usage(format!("--person {email} has no account")))?;
    let wish = Wish { person: person.id, name, datasets, paths, life: Span::days(days) };
    let record = app.ledger.run_blocking(move |tx| issue(tx, Actor::OPERATOR, &wish))?;
    let token = sign(&app.keys, app.config.base(), "operator", &record)
        .map_err(|error| CliError::Usage(format!("the token can't be signed: {error}")))?;
    println!("{}", token.expose());
    eprintln!("Works until {}. It is shown this once.", record.expires_at);
    Ok(())
}
