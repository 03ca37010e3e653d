//! `agreement publish`: a version of an agreement, from a TOML file and one Markdown file per language; `agreement export` writes
//! those files back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::organisation::organisation_error;
use super::{CliError, CliResult, ConfigSource, load, read, write};
use crate::app::App;
use crate::domain::agreement::{AgreementDescription, AgreementKind, AgreementVersion, NewAgreementVersion};
use crate::domain::day::Day;
use crate::domain::event::Actor;
use crate::domain::localised::Localised;
use crate::domain::text::{Language, Slug};
use crate::ledger::Ledger;
use crate::ledger::commands::agreements::{self as commands, AgreementOutcome};
use crate::store::{agreements, organisations};

/// `countersign agreement`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Publish an agreement, or a new version of it. Publishing the same again changes nothing.
    Publish {
        /// Its description (TOML).
        file: PathBuf,
    },
    /// Write the version in force as files that `publish` takes: publishing them changes nothing.
    Export {
        /// The agreement.
        slug: Slug,
        /// The folder to write them into, which is made where it is not there.
        folder: PathBuf,
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
    statement: Localised,
    consent: Localised,
    /// The Markdown file of each language, beside the description.
    texts: BTreeMap<Language, PathBuf>,
    /// What it is about: `data-use`, `code-of-conduct`, `confidentiality` or `other`.
    #[serde(default)]
    kind: AgreementKind,
    /// The language of the text that binds.
    binding: Option<Language>,
    /// The last day (UTC) on which those can sign it who signed an earlier version, if they have to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sign_by: Option<String>,
}

pub fn run(config: &ConfigSource, command: Command) -> CliResult {
    let app = App::open(load(config)?)?;
    let file = match command {
        Command::Publish { file } => file,
        Command::Export { slug, folder } => return export(&app, &slug, &folder),
    };
    let (version, what) = publish(&app.ledger, &file)?.told();
    let languages: Vec<_> = version.texts.iter().map(|text| text.language.tag()).collect();
    println!("{} version {} {what} ({})", version.slug, version.number, languages.join(", "));
    Ok(())
}

/// Writes the version in force.
fn export(app: &App, slug: &Slug, folder: &Path) -> CliResult {
    let found = app.reads.read_blocking(|conn| {
        let Some((agreement, owner)) = agreements::owned_by(conn, slug)? else { return Ok(None) };
        let version = agreements::in_force(conn, agreement)?;
        let owner = organisations::among_several(conn, owner)?.map(|owner| owner.slug);
        Ok(version.map(|version| (version, owner)))
    })?;
    let (version, organisation) = found.ok_or_else(|| CliError::Usage(format!("there is no agreement {slug}")))?;
    std::fs::create_dir_all(folder).map_err(|error| CliError::File(folder.to_owned(), error))?;
    let mut texts = BTreeMap::new();
    for text in &version.texts {
        let name = PathBuf::from(format!("agreement.{}.md", text.language.tag()));
        write(&folder.join(&name), text.body.as_bytes())?;
        texts.insert(text.language, name);
    }
    // A day belongs to a time and not to the text: another gateway has its own, and this one keeps the one it has.
    let sign_by = None;
    let AgreementVersion { slug, title, statement, consent, kind, binding, .. } = version;
    let binding = Some(binding);
    let description = Description { organisation, slug, title, statement, consent, texts, kind, binding, sign_by };
    let text = toml::to_string(&description).map_err(|error| CliError::Usage(error.to_string()))?;
    write(&folder.join("agreement.toml"), text.as_bytes())
}

/// Publishes what a file describes.
pub(super) fn publish(ledger: &Ledger, file: &Path) -> Result<AgreementOutcome, CliError> {
    let wrong = |why: String| CliError::Description(file.to_owned(), why);
    let Description { organisation, slug, title, statement, consent, texts, kind, binding, sign_by } =
        toml::from_str(&read(file)?).map_err(|error| wrong(error.to_string()))?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let texts = texts
        .into_iter()
        .map(|(language, path)| Ok((language, read(&folder.join(path))?)))
        .collect::<Result<_, CliError>>()?;
    let sign_by = sign_by.map(|day| day.parse::<Day>()).transpose();
    let sign_by = sign_by.map_err(|_| wrong("sign_by: this is no day such as 2027-06-30".into()))?;
    let description =
        AgreementDescription { organisation, slug, title, statement, consent, kind, binding, texts, sign_by };
    let new = NewAgreementVersion::parse(description).map_err(|error| wrong(error.to_string()))?;
    let published = ledger.run_blocking(move |tx| commands::publish(tx, Actor::OPERATOR, new));
    published.map_err(|error| organisation_error(error, wrong))
}
