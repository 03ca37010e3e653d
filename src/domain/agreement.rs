//! Agreements: versions that never change once published.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::day::Day;
use super::ids::{AgreementId, VersionId};
use super::localised::Localised;
use super::new_version;
use super::text::{Language, Sha256, Slug, TextError, many_lines, one_line};
use super::words::words;
use super::{Refusal, Timestamp};

/// What an agreement is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgreementKind {
    /// What may be done with data.
    #[default]
    DataUse,
    /// How people work together.
    CodeOfConduct,
    /// What is kept secret.
    Confidentiality,
    /// Anything else.
    Other,
}

words! {
    AgreementKind {
        DataUse = "data-use",
        CodeOfConduct = "code-of-conduct",
        Confidentiality = "confidentiality",
        Other = "other",
    }
}

/// A published version of an agreement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgreementVersion {
    /// Its id.
    pub id: VersionId,
    /// The agreement it is a version of.
    pub agreement: AgreementId,
    /// The agreement's name at the command line.
    pub slug: Slug,
    /// 1, 2, 3 …
    pub number: u32,
    /// The agreement's title.
    pub title: Localised,
    /// The exact words the signer agrees to.
    pub statement: Localised,
    /// The exact words by which the signer consents to sign electronically.
    pub consent: Localised,
    /// What it is about.
    pub kind: AgreementKind,
    /// The language of the text that binds; the others are translations for information.
    pub binding: Language,
    /// The texts, one for each language.
    pub texts: Vec<AgreementText>,
    /// When it was published.
    pub published_at: Timestamp,
    /// When it is too late for those who signed an earlier version to sign this one: from then on their access stops until they
    /// have. `None` where what they signed stays good.
    pub sign_by: Option<Timestamp>,
}

/// The text of a version in one language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgreementText {
    /// The language.
    pub language: Language,
    /// Markdown, exactly as signed.
    pub body: String,
    /// The SHA-256 hash of `body`.
    pub sha256: Sha256,
}

impl AgreementVersion {
    /// The text in the wanted language, or the first there is. A version is published with at least one.
    pub fn text(&self, wanted: Language) -> Option<&AgreementText> {
        self.texts.iter().find(|text| text.language == wanted).or_else(|| self.texts.first())
    }

    /// The last day on which those can sign it who signed an earlier version, if they have to.
    pub fn last_day(&self) -> Option<Day> {
        self.sign_by.map(Day::ending_at)
    }

    /// When it would be too late, with another last day, or none. The text of a version never changes, but this may.
    ///
    /// # Errors
    /// As [`new_version::check_day`], unless the day stays as it is.
    pub fn sign_by_with(&self, last_day: Option<Day>, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
        match last_day {
            Some(day) if self.sign_by != Some(day.end()) => new_version::check_day(self.number, day, now).map(Some),
            day => Ok(day.map(Day::end)),
        }
    }
}

/// The description of an agreement's version, from a file or a form.
#[derive(Clone, Debug)]
pub struct AgreementDescription {
    /// The name of the organisation that it belongs to, where there are several.
    pub organisation: Option<Slug>,
    /// The agreement's name.
    pub slug: Slug,
    /// Its title.
    pub title: Localised,
    /// The exact words the signer agrees to.
    pub statement: Localised,
    /// The exact words by which the signer consents to sign electronically.
    pub consent: Localised,
    /// What it is about.
    pub kind: AgreementKind,
    /// The language of the text that binds; without one English, or else the only one.
    pub binding: Option<Language>,
    /// The text in each language, Markdown.
    pub texts: BTreeMap<Language, String>,
    /// The last day on which those can sign it who signed an earlier version, if they have to.
    pub sign_by: Option<Day>,
}

/// Why a version can't be published. A published version never changes, so mistakes are refused beforehand.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AgreementError {
    /// There is no text in any language.
    #[error("texts: at least one language is needed")]
    NoText,
    /// A text is empty.
    #[error("texts.{}: the text is empty", .0.tag())]
    EmptyText(Language),
    /// A text that can't be taken.
    #[error("{field}.{}: {error}", .language.tag())]
    Text {
        /// The field.
        field: &'static str,
        /// The language.
        language: Language,
        /// Why.
        error: TextError,
    },
    /// A field is missing in a language that has a text.
    #[error("{field}: {} is missing, in which there is a text", .language.tag())]
    MissingLanguage {
        /// The missing field.
        field: &'static str,
        /// The language in which it is missing.
        language: Language,
    },
    /// The binding language has no text.
    #[error("binding: there is no text in {}", .0.tag())]
    Binding(Language),
}

/// The longest text of an agreement, in characters.
const TEXT_MAX: usize = 200_000;
/// The longest of its lines.
const LINE_MAX: usize = 1_000;

/// Takes a title.
///
/// # Errors
/// When it can't be taken.
pub fn parse_title(text: &str) -> Result<String, TextError> {
    one_line(text, LINE_MAX)
}

/// Takes the words by which somebody agrees or consents.
///
/// # Errors
/// When they can't be taken.
pub fn parse_words(text: &str) -> Result<String, TextError> {
    many_lines(text, LINE_MAX)
}

/// A version of an agreement that may be published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewAgreementVersion {
    organisation: Option<Slug>,
    slug: Slug,
    title: Localised,
    statement: Localised,
    consent: Localised,
    kind: AgreementKind,
    binding: Language,
    texts: Vec<AgreementText>,
    sign_by: Option<Day>,
}

impl NewAgreementVersion {
    /// Checks a description.
    ///
    /// # Errors
    /// The first error in it.
    pub fn parse(description: AgreementDescription) -> Result<Self, AgreementError> {
        let AgreementDescription { organisation, slug, title, statement, consent, kind, binding, texts, sign_by } =
            description;
        // Browsers and editors end lines in their own ways; what is signed does not depend on them.
        let unix =
            |body: String| if body.contains('\r') { body.replace("\r\n", "\n").replace('\r', "\n") } else { body };
        let texts: BTreeMap<_, _> = texts.into_iter().map(|(language, body)| (language, unix(body))).collect();
        if texts.is_empty() {
            return Err(AgreementError::NoText);
        }
        if let Some((language, _)) = texts.iter().find(|(_, body)| body.trim().is_empty()) {
            return Err(AgreementError::EmptyText(*language));
        }
        for (language, body) in &texts {
            // Signed to the letter: what is not refused stays as it is.
            let taken = many_lines(body, TEXT_MAX).map(drop);
            taken.map_err(|error| AgreementError::Text { field: "texts", language: *language, error })?;
        }
        let wrong = |field| move |(language, error)| AgreementError::Text { field, language, error };
        let title = title.parsed(parse_title).map_err(wrong("title"))?;
        let statement = statement.parsed(parse_words).map_err(wrong("statement"))?;
        let consent = consent.parsed(parse_words).map_err(wrong("consent"))?;
        for (field, text) in [("title", &title), ("statement", &statement), ("consent", &consent)] {
            let missing = |language: &&Language| !text.0.contains_key(language);
            if let Some(language) = texts.keys().find(missing) {
                return Err(AgreementError::MissingLanguage { field, language: *language });
            }
        }
        let binding = match binding {
            Some(language) if texts.contains_key(&language) => language,
            Some(language) => return Err(AgreementError::Binding(language)),
            None if texts.contains_key(&Language::English) => Language::English,
            None => texts.keys().copied().next().unwrap_or_default(),
        };
        let mut texts: Vec<_> = texts
            .into_iter()
            .map(|(language, body)| AgreementText { language, sha256: Sha256::of(body.as_bytes()), body })
            .collect();
        texts.sort_by_key(|text| text.language.tag());
        Ok(Self { organisation, slug, title, statement, consent, kind, binding, texts, sign_by })
    }

    /// The name of the organisation that it is to belong to, if it says so.
    pub const fn organisation(&self) -> Option<&Slug> {
        self.organisation.as_ref()
    }

    /// The agreement's name.
    pub const fn slug(&self) -> &Slug {
        &self.slug
    }

    /// The last day on which those can sign it who signed an earlier version, if they have to.
    pub const fn sign_by(&self) -> Option<Day> {
        self.sign_by
    }

    /// Whether a published version says the same, by whatever day it is to be signed.
    pub fn is_same_as(&self, version: &AgreementVersion) -> bool {
        self.slug == version.slug
            && self.title == version.title
            && self.statement == version.statement
            && self.consent == version.consent
            && self.kind == version.kind
            && self.binding == version.binding
            && self.texts == version.texts
    }

    /// The version that this becomes after `last`.
    ///
    /// # Errors
    /// As [`new_version::check_day`].
    pub fn publish(
        self,
        id: VersionId,
        agreement: AgreementId,
        last: Option<&AgreementVersion>,
        now: Timestamp,
    ) -> Result<AgreementVersion, Refusal> {
        let Self { organisation: _, slug, title, statement, consent, kind, binding, texts, sign_by } = self;
        let number = last.map_or(1, |last| last.number + 1);
        Ok(AgreementVersion {
            id,
            agreement,
            slug,
            number,
            title,
            statement,
            consent,
            kind,
            binding,
            texts,
            published_at: now,
            sign_by: sign_by.map(|day| new_version::check_day(number, day, now)).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Bend = fn(&mut AgreementDescription);

    fn description() -> AgreementDescription {
        let text = |text: &str| Localised(BTreeMap::from([(Language::English, text.to_owned())]));
        AgreementDescription {
            organisation: None,
            slug: "terms".parse().unwrap(),
            title: text("Terms"),
            statement: text("I accept."),
            consent: text("I consent."),
            kind: AgreementKind::default(),
            binding: None,
            texts: BTreeMap::from([(Language::English, "Be good.".to_owned())]),
            sign_by: None,
        }
    }

    #[test]
    fn what_can_not_be_signed_or_answered_is_not_published() {
        assert!(NewAgreementVersion::parse(description()).is_ok());
        let bends: [(&str, Bend); 5] = [
            ("texts: at least one", |d| d.texts.clear()),
            ("texts.en: the text is empty", |d| drop(d.texts.insert(Language::English, " \n".into()))),
            ("title: zh-TW is missing", |d| drop(d.texts.insert(Language::TraditionalChinese, "好".into()))),
            ("consent: en is missing", |d| drop(d.consent.0.insert(Language::English, " ".into()))),
            ("binding: there is no text in zh-TW", |d| d.binding = Some(Language::TraditionalChinese)),
        ];
        for (wanted, bend) in bends {
            let mut bent = description();
            bend(&mut bent);
            let error = NewAgreementVersion::parse(bent).unwrap_err().to_string();
            assert!(error.starts_with(wanted), "{wanted}: {error}");
        }
    }
}
