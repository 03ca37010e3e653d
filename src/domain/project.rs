//! Projects: what data is wanted for, by whom, from when to when. Requests and grants are a project's.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::day::Day;
use super::ids::{PersonId, ProjectId};
use super::person::Person;
use super::text::{TextError, many_lines, one_line};
use super::{Refusal, Timestamp};

/// What a project is, as people read it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProjectDescription {
    /// A short title.
    pub title: String,
    /// What the data is for: the question, the method, what will be published.
    pub purpose: String,
    /// The same in plain words, for the public.
    pub lay_summary: Option<String>,
    /// The university, hospital or company that the work is done for.
    pub institution: String,
    /// The first day.
    pub from: Option<Day>,
    /// The last day. Access ends with it at the latest.
    pub until: Option<Day>,
}

/// A field of a project's form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ProjectField {
    /// [`ProjectDescription::title`].
    Title,
    /// [`ProjectDescription::purpose`].
    Purpose,
    /// [`ProjectDescription::lay_summary`].
    LaySummary,
    /// [`ProjectDescription::institution`].
    Institution,
    /// [`ProjectDescription::from`].
    From,
    /// [`ProjectDescription::until`].
    Until,
}

super::words::words! {
    ProjectField {
        Title = "title",
        Purpose = "purpose",
        LaySummary = "lay-summary",
        Institution = "institution",
        From = "from",
        Until = "until",
    }
}

/// What was typed in a project's form.
pub type ProjectForm = BTreeMap<ProjectField, String>;
/// What is wrong with it.
pub type ProjectErrors = BTreeMap<ProjectField, TextError>;

const TITLE_MAX: usize = 200;
/// Fewest characters of a purpose, so that a reviewer can judge.
const PURPOSE_MIN: usize = 40;
const PURPOSE_MAX: usize = 10_000;
const LAY_SUMMARY_MAX: usize = 3_000;
const INSTITUTION_MAX: usize = 300;

impl ProjectDescription {
    /// Checks what was typed.
    ///
    /// # Errors
    /// The error in each wrong field.
    pub fn parse(form: &ProjectForm) -> Result<Self, ProjectErrors> {
        let mut errors = ProjectErrors::new();
        let typed = |field| form.get(&field).map_or("", |text| text.trim());
        let mut check = |field, result: Result<String, TextError>| match result {
            Ok(text) => text,
            Err(error) => {
                errors.insert(field, error);
                String::new()
            }
        };
        let title = check(ProjectField::Title, one_line(typed(ProjectField::Title), TITLE_MAX));
        let purpose = check(ProjectField::Purpose, purpose(typed(ProjectField::Purpose)));
        let institution = check(ProjectField::Institution, one_line(typed(ProjectField::Institution), INSTITUTION_MAX));
        let lay_summary = match typed(ProjectField::LaySummary) {
            "" => None,
            text => Some(check(ProjectField::LaySummary, many_lines(text, LAY_SUMMARY_MAX))),
        };
        let day = |field| Some(typed(field)).filter(|text| !text.is_empty()).map(str::parse::<Day>).transpose();
        let (from, until) = (day(ProjectField::From), day(ProjectField::Until));
        for (field, day) in [(ProjectField::From, &from), (ProjectField::Until, &until)] {
            if let Err(error) = day {
                errors.insert(field, *error);
            }
        }
        let (from, until) = (from.unwrap_or_default(), until.unwrap_or_default());
        if let (Some(from), Some(until)) = (from, until)
            && until < from
        {
            errors.insert(ProjectField::Until, TextError::Form);
        }
        if errors.is_empty() { Ok(Self { title, purpose, lay_summary, institution, from, until }) } else { Err(errors) }
    }

    /// This, as it is typed.
    pub fn form(&self) -> ProjectForm {
        let day = |day: Option<Day>| day.map(|day| day.to_string()).unwrap_or_default();
        [
            (ProjectField::Title, self.title.clone()),
            (ProjectField::Purpose, self.purpose.clone()),
            (ProjectField::LaySummary, self.lay_summary.clone().unwrap_or_default()),
            (ProjectField::Institution, self.institution.clone()),
            (ProjectField::From, day(self.from)),
            (ProjectField::Until, day(self.until)),
        ]
        .into()
    }

    /// The instant at which it is over by itself.
    pub fn end(&self) -> Option<Timestamp> {
        self.until.map(Day::end)
    }
}

fn purpose(text: &str) -> Result<String, TextError> {
    let text = many_lines(text, PURPOSE_MAX)?;
    if text.chars().count() < PURPOSE_MIN { Err(TextError::TooShort(PURPOSE_MIN)) } else { Ok(text) }
}

/// What stands before the name of a project's field among the answers of a draft. No question's id has a dot.
const DRAFT_PREFIX: &str = "project.";

/// Puts what was typed about a project among the answers of a draft.
pub fn draft_answers(form: &ProjectForm) -> BTreeMap<String, String> {
    let typed = form.iter().filter(|(_, text)| !text.trim().is_empty());
    typed.map(|(field, text)| (format!("{DRAFT_PREFIX}{field}"), text.clone())).collect()
}

/// What a draft has about a project.
pub fn drafted(answers: &BTreeMap<String, String>) -> ProjectForm {
    let named = answers.iter().filter_map(|(id, text)| Some((id.strip_prefix(DRAFT_PREFIX)?, text)));
    named.filter_map(|(name, text)| Some((name.parse().ok()?, text.clone()))).collect()
}

/// A project.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// What it is.
    pub description: ProjectDescription,
    /// The person who answers for it.
    pub lead: PersonId,
    /// When it was ended, if it was: nothing is granted or delivered for it from then on.
    pub ended_at: Option<Timestamp>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Project {
    /// Whether it goes on: it was not ended, and its last day has not passed.
    pub fn is_running(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.description.end().is_none_or(|end| end > now)
    }
}

/// The project for which somebody applies for a dataset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum WantedProject {
    /// That of their newest request for the dataset, if it goes on; else one that begins with the request.
    #[default]
    Latest,
    /// One that begins with the request; under this id, so that a form that is sent twice begins one.
    New(Option<ProjectId>),
    /// This one.
    Of(ProjectId),
}

impl FromStr for WantedProject {
    type Err = TextError;

    /// An id; `new`, perhaps with a hyphen and the id to use; or nothing.
    fn from_str(text: &str) -> Result<Self, TextError> {
        let id = |text: &str| text.parse().map_err(|_| TextError::Form);
        match (text, text.strip_prefix("new-")) {
            ("", _) => Ok(Self::Latest),
            ("new", _) => Ok(Self::New(None)),
            (_, Some(fresh)) => Ok(Self::New(Some(id(fresh)?))),
            (text, None) => Ok(Self::Of(id(text)?)),
        }
    }
}

/// Everything that a decision about a project depends on.
#[derive(Clone, Copy, Debug)]
pub struct ProjectSituation<'a> {
    /// The person who wants to act.
    pub actor: &'a Person,
    /// The project.
    pub project: &'a Project,
    /// Whether what it says is settled: a committee reads it, or has approved it.
    pub is_settled: bool,
}

/// An action that somebody can take on a project.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProjectAction {
    /// Change what it says.
    Edit,
    /// End it, with all access for it.
    End,
}

impl ProjectAction {
    /// Every action.
    pub const ALL: [Self; 2] = [Self::Edit, Self::End];
}

/// Checks whether the actor may take the action.
///
/// # Errors
/// The [`Refusal`] of the first rule that forbids it.
pub fn check_action(situation: &ProjectSituation<'_>, action: ProjectAction) -> Result<(), Refusal> {
    let ProjectSituation { actor, project, is_settled } = *situation;
    if project.lead != actor.id {
        return Err(Refusal::NotFound);
    }
    if actor.suspended_at.is_some() {
        return Err(Refusal::AccountSuspended);
    }
    if project.ended_at.is_some() {
        return Err(Refusal::ProjectEnded);
    }
    match action {
        ProjectAction::Edit if is_settled => Err(Refusal::ProjectSettled),
        ProjectAction::Edit | ProjectAction::End => Ok(()),
    }
}

/// The actions that [`check_action`] lets pass.
pub fn permitted_actions(situation: &ProjectSituation<'_>) -> Vec<ProjectAction> {
    ProjectAction::ALL.into_iter().filter(|action| check_action(situation, *action).is_ok()).collect()
}

/// Whether somebody may begin a project.
///
/// # Errors
/// [`Refusal::AccountSuspended`].
pub const fn check_begin(actor: &Person) -> Result<(), Refusal> {
    if actor.suspended_at.is_some() { Err(Refusal::AccountSuspended) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(ProjectField, &str)]) -> ProjectForm {
        let mut form: ProjectForm = [
            (ProjectField::Title, "Label noise".to_owned()),
            (ProjectField::Purpose, "We compare three ways to learn from noisy labels.".to_owned()),
            (ProjectField::Institution, "Institute".to_owned()),
        ]
        .into();
        form.extend(fields.iter().map(|(field, text)| (*field, (*text).to_owned())));
        form
    }

    #[test]
    fn each_wrong_field_is_named() {
        let right = form(&[(ProjectField::From, "2026-11-29"), (ProjectField::Until, "2027-11-29")]);
        let description = ProjectDescription::parse(&right).unwrap();
        assert_eq!(ProjectDescription::parse(&description.form()), Ok(description.clone()));
        assert_eq!(description.end(), Timestamp::parse("2027-11-30"));
        assert_eq!(drafted(&draft_answers(&right)), right);
        for (field, text, error) in [
            (ProjectField::Title, " ", TextError::Empty),
            (ProjectField::Purpose, "Research.", TextError::TooShort(PURPOSE_MIN)),
            (ProjectField::Institution, "", TextError::Empty),
            (ProjectField::From, "tomorrow", TextError::Form),
            (ProjectField::Until, "2026-02-30", TextError::Form),
        ] {
            assert_eq!(ProjectDescription::parse(&form(&[(field, text)])), Err([(field, error)].into()), "{field}");
        }
        let backwards = form(&[(ProjectField::From, "2026-11-29"), (ProjectField::Until, "2026-11-28")]);
        let errors = ProjectDescription::parse(&backwards).unwrap_err();
        assert_eq!(errors, [(ProjectField::Until, TextError::Form)].into());
    }

    #[test]
    fn what_a_committee_reads_does_not_change() {
        let lead = Person::fixture(PersonId(uuid::Uuid::nil()));
        let other = Person::fixture(PersonId(uuid::Uuid::max()));
        let mut project = Project {
            id: ProjectId(uuid::Uuid::nil()),
            description: ProjectDescription::parse(&form(&[])).unwrap(),
            lead: lead.id,
            ended_at: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        let check = |project: &Project, actor: &Person, is_settled, action| {
            check_action(&ProjectSituation { actor, project, is_settled }, action)
        };
        assert_eq!(check(&project, &lead, false, ProjectAction::Edit), Ok(()));
        assert_eq!(check(&project, &lead, true, ProjectAction::Edit), Err(Refusal::ProjectSettled));
        assert_eq!(check(&project, &lead, true, ProjectAction::End), Ok(()));
        assert_eq!(check(&project, &other, false, ProjectAction::End), Err(Refusal::NotFound));
        project.ended_at = Some(Timestamp(1));
        assert_eq!(check(&project, &lead, false, ProjectAction::End), Err(Refusal::ProjectEnded));
    }
}
