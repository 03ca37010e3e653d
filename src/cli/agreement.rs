//! `agreement publish`: a version of an agreement, from a TOML file and one Markdown file a language.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::organisation::organisation_error;
use super::{CliError, CliResult, ConfigSource, load, read};
use crate::app::App;
use crate::domain::agreement::{AgreementDescription, AgreementKind, AgreementVersion, NewAgreementVersion};
use crate::domain::event::Actor;
use crate::domain::localised::Localised;
use crate::domain::text::{Language, Slug};
use crate::ledger::Ledger;
use crate::ledger::commands::Published;
use crate::ledger::commands::agreements as commands;

/// `countersign agreement`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Publish an agreement, or a new version of it. Publishing the same again changes nothing.
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
    statement: Localised,
    consent: Localised,
    /// The Markdown file of each language, beside the description.
    texts: BTreeMap<Language, PathBuf>,
    /// What it is about: `data-use`, `code-of-conduct`, `confidentiality` or `other`.
    #[serde(default)]
    kind: AgreementKind,
    /// The language of the text that binds.
    binding: Option<Language>,
}

pub fn run(config: &ConfigSource, command: Command) -> CliResult {
    let Command::Publish { file } = command;
    let app = App::open(load(config)?)?;
    let (version, what) = publish(&app.ledger, &file)?.told();
    let languages: Vec<_> = version.texts.iter().map(|text| text.language.tag()).collect();
    println!("{} version {} {what} ({})", version.slug, version.number, languages.join(", "));
    Ok(())
}

/// Publishes what a file describes.
pub(super) fn publish(ledger: &Ledger, file: &Path) -> Result<Published<AgreementVersion>, CliError> {
    let wrong = |why: String| CliError::Description(file.to_owned(), why);
    let Description { organisation, slug, title, statement, consent, texts, kind, binding } =
        toml::from_str(&read(file)?).map_err(|error| wrong(error.to_string()))?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let texts = texts
        .into_iter()
        .map(|(language, path)| Ok((language, read(&folder.join(path))?)))
        .collect::<Result<_, CliError>>()?;
    let description = AgreementDescription { organisation, slug, title, statement, consent, kind, binding, texts };
    let new = NewAgreementVersion::parse(description).map_err(|error| wrong(error.to_string()))?;
    let published = ledger.run_blocking(move |tx| commands::publish(tx, Actor::OPERATOR, new));
    published.map_err(|error| organisation_error(error, wrong))
}
