//! `form publish`: a version of a form, from a TOML file; `form export` writes that file back.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::organisation::organisation_error;
use super::{CliError, CliResult, ConfigSource, counted, load, read, write_out};
use crate::app::App;
use crate::domain::event::Actor;
use crate::domain::form::{FormDescription, FormVersion, NewFormVersion, Section};
use crate::domain::localised::Localised;
use crate::domain::text::Slug;
use crate::ledger::Ledger;
use crate::ledger::commands::Published;
use crate::ledger::commands::forms as commands;
use crate::store::{forms, organisations};

/// `countersign form`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Publish a form, or a new version of it. Publishing the same again changes nothing.
    Publish {
        /// Its description (TOML).
        file: PathBuf,
    },
    /// Write the version in force as a file that `publish` takes: publishing it changes nothing.
    Export {
        /// The form.
        slug: Slug,
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
    title: Localised,
    #[serde(default)]
    sections: Vec<Section>,
}

pub fn run(config: &ConfigSource, command: Command) -> CliResult {
    let app = App::open(load(config)?)?;
    let file = match command {
        Command::Publish { file } => file,
        Command::Export { slug, file } => return export(&app, &slug, file.as_deref()),
    };
    let (version, what) = publish(&app.ledger, &file)?.told();
    let questions = counted(version.questions().count() as u64, "question");
    println!("{} version {} {what} ({questions})", version.slug, version.number);
    Ok(())
}

/// Writes the version in force.
fn export(app: &App, slug: &Slug, file: Option<&Path>) -> CliResult {
    let found = app.reads.read_blocking(|conn| {
        let Some((form, owner)) = forms::owned_by(conn, slug)? else { return Ok(None) };
        let version = forms::in_force(conn, form)?;
        let owner = organisations::among_several(conn, owner)?.map(|owner| owner.slug);
        Ok(version.map(|version| (version, owner)))
    })?;
    let (version, organisation) = found.ok_or_else(|| CliError::Usage(format!("there is no form {slug}")))?;
    let FormVersion { slug, title, sections, .. } = version;
    let description = Description { organisation, slug, title, sections };
    let text = toml::to_string(&description).map_err(|error| CliError::Usage(error.to_string()))?;
    write_out(file, &text)
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
