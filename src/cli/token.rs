//! `token issue`: an operator's token, within a person's grants. It is logged as the operator's.

use super::{CliError, CliResult, ConfigSource, account, load};
use crate::app::App;
use crate::domain::event::Actor;
use crate::domain::token::{MAX_LIFE_DAYS, NewToken, NewTokenErrors, NewTokenForm, PATHS_MAX};
use crate::identity::tokens::sign;
use crate::ledger::commands::tokens::issue;

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
        /// The project whose grants it uses; those of every project if absent.
        #[arg(long, value_name = "ID")]
        project: Option<String>,
        /// Only these paths, such as `images_001`/*; may be given more than once.
        #[arg(long)]
        path: Vec<String>,
        /// Issue it also if a path matches no file now.
        #[arg(long)]
        allow_unmatched: bool,
        /// The token's name.
        #[arg(long, default_value = "issued by an operator")]
        name: String,
        /// How long it works, in days; at most 90 and never longer than the grant.
        #[arg(long, default_value_t = 7)]
        days: i64,
    },
}

pub fn run(config: &ConfigSource, command: Command) -> CliResult {
    let Command::Issue { person, dataset, project, path, allow_unmatched, name, days } = command;
    let form = NewTokenForm {
        name,
        datasets: dataset,
        project: project.unwrap_or_default(),
        paths: path,
        days: Some(days),
        allow_unmatched,
    };
    let token = NewToken::parse(&form).map_err(|errors| CliError::Usage(usage(&errors)))?;
    let app = App::open(load(config)?)?;
    let person = account(&app, &person)?;
    let record = app.ledger.run_blocking(move |tx| issue(tx, Actor::OPERATOR, person, &token))?;
    let token = sign(&app.keys, app.config.base(), "operator", &record)
        .map_err(|error| CliError::Usage(format!("the token can't be signed: {error}")))?;
    println!("{}", token.expose());
    eprintln!("Works until {}. It is shown this once.", record.expires_at);
    Ok(())
}

/// The errors, option by option.
fn usage(errors: &NewTokenErrors) -> String {
    let name = errors.name.map(|error| format!("--name {error}"));
    let none = errors.no_dataset.then(|| "--dataset is needed".to_owned());
    let datasets = errors.datasets.iter().map(|name| format!("--dataset {name:?} is not the name of a dataset"));
    let project = errors.project.then(|| "--project is the id of a project, as in its address".to_owned());
    let paths = errors.paths.iter().map(|path| format!("--path {path:?} is neither a file nor a folder with a star"));
    let many = errors.too_many_paths.then(|| format!("--path may be given {PATHS_MAX} times at most"));
    let days = errors.days.then(|| format!("--days must be from 1 to {MAX_LIFE_DAYS}"));
    name.into_iter()
        .chain(none)
        .chain(datasets)
        .chain(project)
        .chain(paths)
        .chain(many)
        .chain(days)
        .collect::<Vec<_>>()
        .join("; ")
}
