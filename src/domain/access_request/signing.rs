//! The checked input of a signer. A [`CompleteForm`] can only be made by [`CompleteForm::parse`], so nothing that takes one
//! can forget a required answer, an acknowledgement or a consent.

use std::collections::BTreeMap;

use crate::domain::agreement::AgreementVersion;
use crate::domain::form::{Answers, FormVersion, check_answers};
use crate::domain::ids::{FormVersionId, VersionId};
use crate::domain::search::words;
use crate::domain::text::{Language, PersonName, TextError};

/// What a dataset asks for, in the versions in force.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Terms {
    /// The agreements to sign, in that order.
    pub agreements: Vec<AgreementVersion>,
    /// The form to fill in.
    pub form: Option<FormVersion>,
}

impl Terms {
    /// The ids of the agreements' versions.
    pub fn versions(&self) -> Vec<VersionId> {
        self.agreements.iter().map(|version| version.id).collect()
    }

    /// The id of the form's version.
    pub fn form_version(&self) -> Option<FormVersionId> {
        self.form.as_ref().map(|form| form.id)
    }
}

/// The signing form as it was filled in.
#[derive(Clone, Debug)]
pub struct SigningForm<'a> {
    /// The versions of the agreements that were shown.
    pub shown: &'a [VersionId],
    /// The language of the texts that were shown.
    pub language: Language,
    /// The version of the form that was shown.
    pub form_version: Option<FormVersionId>,
    /// Answers by question id, as typed.
    pub answers: &'a Answers,
    /// The versions whose acknowledgement statement is ticked.
    pub accepted: &'a [VersionId],
    /// The versions whose consent to sign electronically is ticked.
    pub consented: &'a [VersionId],
    /// The name on the signature line.
    pub typed_name: &'a str,
    /// The account's name.
    pub account_name: &'a str,
    /// Whether the signer was asked about a name that is not the account's, and stays with it.
    pub name_confirmed: bool,
}

/// Whether a name on a signature line is the account's, whatever its case, accents, or the order of its parts.
pub fn is_same_name(typed: &str, account: &str) -> bool {
    let parts = |name: &str| words(&name.replace([',', '.', '-', '·', '‧'], " "));
    let (mut typed, mut account) = (parts(typed), parts(account));
    // Chinese names are written with and without a space.
    if typed.concat() == account.concat() {
        return !typed.is_empty();
    }
    typed.sort_unstable();
    account.sort_unstable();
    typed == account
}

/// The errors in a signing form, field by field.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SigningErrors {
    /// Errors in the answers, by question id.
    pub answers: BTreeMap<String, TextError>,
    /// Versions whose acknowledgement is missing.
    pub not_accepted: Vec<VersionId>,
    /// Versions whose consent is missing.
    pub not_consented: Vec<VersionId>,
    /// Versions in force that were not shown.
    pub not_shown: Vec<VersionId>,
    /// Another version of the form than the one in force was shown.
    pub form_changed: bool,
    /// The error in the name on the signature line.
    pub typed_name: Option<TextError>,
    /// The name is not the account's, and the signer was not asked about it yet.
    pub name_differs: bool,
}

impl SigningErrors {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A signing form in which everything that the terms ask for is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompleteForm {
    versions: Vec<VersionId>,
    form_version: Option<FormVersionId>,
    language: Language,
    answers: Answers,
    typed_name: PersonName,
}

impl CompleteForm {
    /// Checks a form against what is to be signed and filled in.
    ///
    /// # Errors
    /// All errors in it.
    pub fn parse(terms: &Terms, form: &SigningForm<'_>) -> Result<Self, SigningErrors> {
        let questions = terms.form.iter().flat_map(FormVersion::questions);
        let answers = check_answers(questions, form.answers);
        let typed_name = form.typed_name.parse::<PersonName>();
        let versions = terms.versions();
        let missing = |given: &[VersionId]| versions.iter().filter(|id| !given.contains(id)).copied().collect();
        let mut errors = SigningErrors {
            answers: BTreeMap::new(),
            not_accepted: missing(form.accepted),
            not_consented: missing(form.consented),
            not_shown: missing(form.shown),
            form_changed: form.form_version != terms.form_version(),
            typed_name: None,
            name_differs: typed_name.is_ok()
                && !form.name_confirmed
                && !is_same_name(form.typed_name, form.account_name),
        };
        match (answers, typed_name) {
            (Ok(answers), Ok(typed_name)) if errors.is_empty() => {
                let (form_version, language) = (terms.form_version(), form.language);
                Ok(Self { versions, form_version, language, answers, typed_name })
            }
            (answers, typed_name) => {
                errors.answers = answers.err().unwrap_or_default();
                errors.typed_name = typed_name.err();
                Err(errors)
            }
        }
    }

    /// The versions of the agreements that were signed.
    pub fn versions(&self) -> &[VersionId] {
        &self.versions
    }

    /// The version of the form that was filled in.
    pub const fn form_version(&self) -> Option<FormVersionId> {
        self.form_version
    }

    /// The language of the texts that were shown.
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

#[cfg(test)]
mod tests {
    use super::is_same_name;

    #[test]
    fn a_name_is_the_same_in_any_order_and_spelling() {
        for (typed, account) in [
            ("chen mei-ling", "Mei-Ling Chen"),
            ("Chen, Mei Ling", "Mei-Ling Chen"),
            ("Tomas Herrera", "Tomás Herrera"),
            ("陳 美玲", "陳美玲"),
            ("J. Weber", "J Weber"),
        ] {
            assert!(is_same_name(typed, account), "{typed} {account}");
        }
        for (typed, account) in [("Jonas Weber", "Mei-Ling Chen"), ("Mei-Ling", "Mei-Ling Chen"), ("x", "")] {
            assert!(!is_same_name(typed, account), "{typed} {account}");
        }
    }
}
