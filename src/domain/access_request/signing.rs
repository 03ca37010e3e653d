//! The checked input of a signer. A [`CompleteForm`] can only be made by [`CompleteForm::parse`], so nothing that takes one
//! can forget a required answer, the acknowledgement or the consent.

use std::collections::BTreeMap;

use crate::domain::agreement::{AgreementVersion, Answers, check_answers};
use crate::domain::ids::VersionId;
use crate::domain::search::words;
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
    /// The acknowledgement is missing.
    pub not_accepted: bool,
    /// The consent is missing.
    pub not_consented: bool,
    /// The error in the name on the signature line.
    pub typed_name: Option<TextError>,
    /// The name is not the account's, and the signer was not asked about it yet.
    pub name_differs: bool,
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
        let name_differs =
            typed_name.is_ok() && !form.name_confirmed && !is_same_name(form.typed_name, form.account_name);
        match (answers, typed_name) {
            (Ok(answers), Ok(typed_name)) if form.accepted && form.consented && !version_changed && !name_differs => {
                Ok(Self { version: version.id, language: form.language, answers, typed_name })
            }
            (answers, typed_name) => Err(SigningErrors {
                answers: answers.err().unwrap_or_default(),
                not_accepted: !form.accepted,
                not_consented: !form.consented,
                typed_name: typed_name.err(),
                name_differs,
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
