//! The checked input of a signer. A [`CompleteForm`] can only be made by [`CompleteForm::parse`], so nothing that takes one
//! can forget a required answer, an acknowledgement or a consent.

use std::collections::BTreeMap;

use crate::domain::agreement::AgreementVersion;
use crate::domain::dataset::AccessMode;
use crate::domain::form::{Answers, FileAnswer, FormVersion, check_answers, files};
use crate::domain::ids::{FormVersionId, ProjectId, VersionId};
use crate::domain::new_version::ToSign;
use crate::domain::project::{
    self, Project, ProjectAction, ProjectDescription, ProjectErrors, ProjectForm, ProjectSituation,
};
use crate::domain::search::words;
use crate::domain::text::{Language, PersonName, TextError};

/// What a dataset asks for, in the versions in force.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Terms {
    /// The agreements to sign, in that order.
    pub agreements: Vec<AgreementVersion>,
    /// The form to fill in.
    pub form: Option<FormVersion>,
    /// What is asked about the project.
    pub project: ProjectTerms,
}

impl Terms {
    /// Whether each agreement has a text in this language, or one text alone: what is recorded as signed is then the text that
    /// was read, and no other that there happens to be.
    pub fn are_readable_in(&self, language: Language) -> bool {
        let mut all = self.agreements.iter();
        all.all(|version| version.texts.len() == 1 || version.texts.iter().any(|text| text.language == language))
    }
}

/// What is asked about the project that the data is for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum ProjectTerms {
    /// Nothing: signing is enough.
    #[default]
    NotAsked,
    /// What it is: it begins with the request.
    Asked,
    /// What it is by now: it is a project of which no committee has read anything yet.
    Editable(Box<Project>),
    /// Nothing: what it says is settled.
    Settled(Box<Project>),
}

/// The project that a form is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProjectChoice {
    /// None: signing is enough.
    None,
    /// One that begins with the request.
    New(ProjectDescription),
    /// One that says this from now on.
    Changed(ProjectId, ProjectDescription),
    /// One that stays as it is.
    Settled(ProjectId),
}

impl ProjectChoice {
    /// The project, if it is there already.
    pub const fn id(&self) -> Option<ProjectId> {
        match self {
            Self::None | Self::New(_) => None,
            Self::Changed(id, _) | Self::Settled(id) => Some(*id),
        }
    }

    /// What it says, where that was typed.
    pub const fn description(&self) -> Option<&ProjectDescription> {
        match self {
            Self::New(description) | Self::Changed(_, description) => Some(description),
            Self::None | Self::Settled(_) => None,
        }
    }
}

impl ProjectTerms {
    /// What is asked in this situation: by datasets where signing is not enough, and of the lead only while no committee reads it.
    pub fn of(mode: AccessMode, project: Option<&ProjectSituation<'_>>) -> Self {
        match project {
            _ if mode != AccessMode::Approval => Self::NotAsked,
            None => Self::Asked,
            Some(situation) if project::check_action(situation, ProjectAction::Edit).is_ok() => {
                Self::Editable(Box::new(situation.project.clone()))
            }
            Some(situation) => Self::Settled(Box::new(situation.project.clone())),
        }
    }

    /// The project, if there is one.
    pub const fn project(&self) -> Option<&Project> {
        match self {
            Self::NotAsked | Self::Asked => None,
            Self::Editable(project) | Self::Settled(project) => Some(project),
        }
    }

    /// Whether its fields are filled in.
    pub const fn is_filled_in(&self) -> bool {
        matches!(self, Self::Asked | Self::Editable(_))
    }

    fn choose(&self, form: &ProjectForm) -> Result<ProjectChoice, ProjectErrors> {
        Ok(match self {
            Self::NotAsked => ProjectChoice::None,
            Self::Asked => ProjectChoice::New(ProjectDescription::parse(form)?),
            Self::Editable(project) => ProjectChoice::Changed(project.id, ProjectDescription::parse(form)?),
            Self::Settled(project) => ProjectChoice::Settled(project.id),
        })
    }
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
    /// What was typed about the project.
    pub project: &'a ProjectForm,
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
    /// Errors in what was typed about the project.
    pub project: ProjectErrors,
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
    files: Vec<FileAnswer>,
    project: ProjectChoice,
    typed_name: PersonName,
}

impl CompleteForm {
    /// Checks a form against what is to be signed and filled in.
    ///
    /// # Errors
    /// All errors in it.
    pub fn parse(terms: &Terms, form: &SigningForm<'_>) -> Result<Self, Box<SigningErrors>> {
        let questions = terms.form.iter().flat_map(FormVersion::questions);
        let answers = check_answers(questions, form.answers);
        let typed_name = form.typed_name.parse::<PersonName>();
        let project = terms.project.choose(form.project);
        let versions = terms.versions();
        let missing = |given: &[VersionId]| versions.iter().filter(|id| !given.contains(id)).copied().collect();
        let mut errors = SigningErrors {
            answers: BTreeMap::new(),
            project: ProjectErrors::new(),
            not_accepted: missing(form.accepted),
            not_consented: missing(form.consented),
            not_shown: missing(form.shown),
            form_changed: form.form_version != terms.form_version(),
            typed_name: None,
            name_differs: typed_name.is_ok()
                && !form.name_confirmed
                && !is_same_name(form.typed_name, form.account_name),
        };
        match (answers, project, typed_name) {
            (Ok(answers), Ok(project), Ok(typed_name)) if errors.is_empty() => {
                let (form_version, language) = (terms.form_version(), form.language);
                let files = files(terms.form.iter().flat_map(FormVersion::questions), &answers);
                Ok(Self { versions, form_version, language, answers, files, project, typed_name })
            }
            (answers, project, typed_name) => {
                errors.project = project.err().unwrap_or_default();
                errors.answers = answers.err().unwrap_or_default();
                errors.typed_name = typed_name.err();
                Err(Box::new(errors))
            }
        }
    }

    /// The versions of the agreements that were signed.
    pub fn versions(&self) -> &[VersionId] {
        &self.versions
    }

    /// The same signature on what somebody has to sign; `None` if it is not on all of that.
    pub fn covering(&self, to_sign: &ToSign) -> Option<Self> {
        to_sign.is_covered_by(&self.versions).then(|| Self { versions: to_sign.versions.clone(), ..self.clone() })
    }

    /// The version of the form that was filled in.
    pub const fn form_version(&self) -> Option<FormVersionId> {
        self.form_version
    }

    /// The language of the texts that were shown.
    pub const fn language(&self) -> Language {
        self.language
    }

    /// The files among the answers.
    pub fn files(&self) -> &[FileAnswer] {
        &self.files
    }

    /// The answers, checked.
    pub const fn answers(&self) -> &Answers {
        &self.answers
    }

    /// The project.
    pub const fn project(&self) -> &ProjectChoice {
        &self.project
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
