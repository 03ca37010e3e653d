//! The checked input of a signer. A [`CompleteForm`] can only be made by [`CompleteForm::parse`], so nothing that takes one
//! can forget a required answer, the acknowledgement or the consent.

use std::collections::BTreeMap;

use crate::domain::agreement::{AgreementVersion, Answers, check_answers};
use crate::domain::ids::VersionId;
use crate::domain::text::{Language, PersonName, TextError};

/// The signing form as it was filled in.
#[derive(Clone, Debug)]
pub struct SigningForm<'a> {
    /// The version that was shown.
    pub version: Option<VersionId>,
    /// The language of the text that was shown.
    pub language: Language,
    /// Answers by question id, as typed.
    pub answers: &'a Answers,
    /// Whether the box of the acknowledgement statement is ticked.
    pub accepted: bool,
    /// Whether the box of the consent to sign electronically is ticked.
    pub consented: bool,
    /// The name on the signature line.
    pub typed_name: &'a str,
}

/// The errors in a signing form, field by field.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SigningErrors {
    /// Errors in the answers, by question id.
    pub answers: BTreeMap<String, TextError>,
    /// The acknowledgement is missing.
    pub not_accepted: bool,
    /// The consent is missing.
    pub not_consented: bool,
    /// The error in the name on the signature line.
    pub typed_name: Option<TextError>,
    /// Another version than the one given was shown.
    pub version_changed: bool,
}

/// A signing form in which everything that the version asks for is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompleteForm {
    version: VersionId,
    language: Language,
    answers: Answers,
    typed_name: PersonName,
}

impl CompleteForm {
    /// Checks a form against the version of the agreement that is to be signed.
    ///
    /// # Errors
    /// All errors in it.
    pub fn parse(version: &AgreementVersion, form: &SigningForm<'_>) -> Result<Self, SigningErrors> {
        let answers = check_answers(&version.questions, form.answers);
        let typed_name = form.typed_name.parse::<PersonName>();
        let version_changed = form.version != Some(version.id);
        match (answers, typed_name) {
            (Ok(answers), Ok(typed_name)) if form.accepted && form.consented && !version_changed => {
                Ok(Self { version: version.id, language: form.language, answers, typed_name })
            }
            (answers, typed_name) => Err(SigningErrors {
                answers: answers.err().unwrap_or_default(),
                not_accepted: !form.accepted,
                not_consented: !form.consented,
                typed_name: typed_name.err(),
                version_changed,
            }),
        }
    }

    /// The version that was signed.
    pub const fn version(&self) -> VersionId {
        self.version
    }

    /// The language of the text that was shown.
    pub const fn language(&self) -> Language {
        self.language
    }

    /// The answers, checked.
    pub const fn answers(&self) -> &Answers {
        &self.answers
    }

    /// The name on the signature line.
    pub const fn typed_name(&self) -> &PersonName {
        &self.typed_name
    }
}
