//! `form publish`: a version of a form, from a TOML file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::organisation::organisation_error;
use super::{CliError, CliResult, ConfigSource, counted, load, read};
use crate::app::App;
use crate::domain::event::Actor;
use crate::domain::form::{FormDescription, FormVersion, NewFormVersion, Section};
use crate::domain::localised::Localised;
use crate::domain::text::Slug;
use crate::ledger::Ledger;
use crate::ledger::commands::Published;
use crate::ledger::commands::forms as commands;

/// `countersign form`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Publish a form, or a new version of it. Publishing the same again changes nothing.
    Publish {
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
    title: Localised,
    #[serde(default)]
    sections: Vec<Section>,
}

pub fn run(config: &ConfigSource, command: Command) -> CliResult {
    let Command::Publish { file } = command;
    let app = App::open(load(config)?)?;
    let (version, what) = publish(&app.ledger, &file)?.told();
    let questions = counted(version.questions().count() as u64, "question");
    println!("{} version {} {what} ({questions})", version.slug, version.number);
    Ok(())
}

/// Publishes what a file describes.
pub(super) fn publish(ledger: &Ledger, file: &Path) -> Result<Published<FormVersion>, CliError> {
    let wrong = |why: String| CliError::Description(file.to_owned(), why);
    let Description { organisation, slug, title, sections } =
        toml::from_str(&read(file)?).map_err(|error| wrong(error.to_string()))?;
    let description = FormDescription { organisation, slug, title, sections };
    let new = NewFormVersion::parse(description).map_err(|error| wrong(error.to_string()))?;
    let published = ledger.run_blocking(move |tx| commands::publish(tx, Actor::OPERATOR, new));
    published.map_err(|error| organisation_error(error, wrong))
}
