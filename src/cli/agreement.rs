//! `agreement publish`: a version of an agreement, from a TOML file and one Markdown file a language.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use uuid::Uuid;

use super::{CliError, Outcome, gateway, load, read};
use crate::domain::Instant;
use crate::domain::agreement::{AgreementText, AgreementVersion, Question, QuestionKind};
use crate::domain::dataset::Localised;
use crate::domain::event::Actor;
use crate::domain::text::{Language, Sha256, Slug};
use crate::ledger::Ledger;
use crate::ledger::commands::catalogue::publish_agreement;

/// `countersign agreement`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Publish an agreement, or a new version of it. Publishing the same again changes nothing.
    Publish {
        /// Its description (TOML).
        file: PathBuf,
    },
}

/// What the file says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    slug: Slug,
    title: Localised,
    statement: Localised,
    consent: Localised,
    /// The Markdown file of each language, beside the description.
    texts: BTreeMap<Language, PathBuf>,
    #[serde(default)]
    questions: Vec<Question>,
}

pub fn run(config: Option<&Path>, command: Command) -> Outcome {
    let Command::Publish { file } = command;
    let app = gateway::open(load(config)?)?;
    let (version, new) = publish(&app.ledger, &file)?;
    let languages: Vec<_> = version.texts.iter().map(|text| text.language.tag()).collect();
    let what = if new { "published" } else { "unchanged" };
    println!("{} version {} {what} ({})", version.slug, version.number, languages.join(", "));
    Ok(())
}

/// A version never changes, so what can't be answered must not be asked.
fn check_questions(questions: &[Question]) -> Result<(), String> {
    for (n, question) in questions.iter().enumerate() {
        let id = &question.id;
        if questions[..n].iter().any(|earlier| earlier.id == *id) {
            return Err(format!("questions: {id} is there twice"));
        }
        if let QuestionKind::Choice { options } = &question.kind {
            let mut values: Vec<_> = options.iter().map(|option| &option.value).collect();
            values.sort();
            values.dedup();
            if values.len() < 2 || values.len() != options.len() || values[0].is_empty() {
                return Err(format!("questions: {id} needs at least two options, each with a value of its own"));
            }
        }
    }
    Ok(())
}

/// Publishes what a file describes; says which version is in force and whether it is new.
pub(super) fn publish(ledger: &Ledger, file: &Path) -> Result<(AgreementVersion, bool), CliError> {
    let wrong = |why: String| CliError::Description(file.to_owned(), why);
    let description: Description = toml::from_str(&read(file)?).map_err(|error| wrong(error.to_string()))?;
    if description.texts.is_empty() {
        return Err(wrong("texts: at least one language is needed".into()));
    }
    for (name, text) in
        [("title", &description.title), ("statement", &description.statement), ("consent", &description.consent)]
    {
        if let Some(language) = description.texts.keys().find(|language| !text.0.contains_key(*language)) {
            return Err(wrong(format!("{name}: {} is missing, in which there is a text", language.tag())));
        }
    }
    check_questions(&description.questions).map_err(wrong)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut texts = Vec::new();
    for (language, path) in &description.texts {
        let body = read(&folder.join(path))?;
        if body.trim().is_empty() {
            return Err(wrong(format!("texts.{}: the file is empty", language.tag())));
        }
        texts.push(AgreementText { language: *language, sha256: Sha256::of(body.as_bytes()), body });
    }
    let Description { slug, title, statement, consent, questions, .. } = description;
    let version = AgreementVersion {
        id: Uuid::nil().into(),
        agreement: Uuid::nil().into(),
        slug,
        number: 0,
        title,
        statement,
        consent,
        questions,
        texts,
        published_at: Instant(0),
    };
    Ok(ledger.run_blocking(move |tx| publish_agreement(tx, Actor::OPERATOR, version))?)
}
