//! Forms: questions in sections, in versions that never change once published.

mod answers;
mod file;
mod question;

use serde::{Deserialize, Serialize};

pub use answers::{Answers, DraftAnswers, check_answers, files, fingerprint, is_asked};
pub use file::{FILE_MAX, FILE_MAX_UNLESS_SAID, FileAnswer, FileName, FileReader, FileType};
pub use question::{ChoiceOption, Condition, KindName, Question, QuestionKind};

use super::Timestamp;
use super::ids::{FormId, FormVersionId};
use super::localised::Localised;
use super::text::{Slug, TextError, many_lines, one_line};

/// A published version of a form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FormVersion {
    /// Its id.
    pub id: FormVersionId,
    /// The form it is a version of.
    pub form: FormId,
    /// The form's name in addresses.
    pub slug: Slug,
    /// 1, 2, 3 …
    pub number: u32,
    /// The form's title.
    pub title: Localised,
    /// What is asked.
    pub sections: Vec<Section>,
    /// When it was published.
    pub published_at: Timestamp,
}

impl FormVersion {
    /// All questions, in their order.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.sections.iter().flat_map(|section| &section.questions)
    }

    /// Those of its questions whose answers are files.
    pub fn file_questions(&self) -> impl Iterator<Item = &Question> {
        self.questions().filter(|question| question.asks_for_file())
    }
}

/// Questions that belong together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Its name in records.
    pub id: Slug,
    /// Its heading; may be empty where it is the only one.
    #[serde(default)]
    pub title: Localised,
    /// What to say under the heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<Localised>,
    /// Its questions.
    pub questions: Vec<Question>,
}

/// The description of a form's version, from a file or a page.
#[derive(Clone, Debug)]
pub struct FormDescription {
    /// The name of the organisation that it belongs to, where there are several.
    pub organisation: Option<Slug>,
    /// The form's name.
    pub slug: Slug,
    /// Its title.
    pub title: Localised,
    /// What is asked.
    pub sections: Vec<Section>,
}

/// Why a version can't be published. A published version never changes, so mistakes are refused beforehand.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FormError {
    /// The form has no title.
    #[error("title: is needed")]
    NoTitle,
    /// A text that can't be taken.
    #[error("{0}: {1}")]
    Text(String, TextError),
    /// Nothing is asked.
    #[error("sections: at least one question is needed")]
    NoQuestions,
    /// Too much is asked.
    #[error("sections: up to {QUESTIONS_MAX} questions can be asked")]
    TooManyQuestions,
    /// A section without a heading beside others.
    #[error("sections: {0} needs a title, for there are others")]
    NoSectionTitle(Slug),
    /// Two sections have one id.
    #[error("sections: {0} is there twice")]
    SectionTwice(Slug),
    /// Two questions have one id.
    #[error("questions: {0} is there twice")]
    QuestionTwice(Slug),
    /// A question without words.
    #[error("questions: {0} needs a label")]
    NoLabel(Slug),
    /// A question with options has fewer than two distinct ones.
    #[error("questions: {0} needs at least two options, each with a value of its own")]
    Options(Slug),
    /// The least number is above the greatest.
    #[error("questions: {0} has min above max")]
    Bounds(Slug),
    /// A question for a file takes no type, or a size that no file can have.
    #[error("questions: {0} takes a file: types needs at least one, and max_size is from 1 to {FILE_MAX} bytes")]
    File(Slug),
    /// A condition names a question that does not come before, or an answer that can't be given to it.
    #[error("questions: {0}: only_if needs an earlier question to choose or tick, and answers that it has")]
    Condition(Slug),
}

/// How many questions a form may have.
const QUESTIONS_MAX: usize = 200;

/// A version of a form that may be published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewFormVersion {
    organisation: Option<Slug>,
    slug: Slug,
    title: Localised,
    sections: Vec<Section>,
}

impl NewFormVersion {
    /// Checks a description.
    ///
    /// # Errors
    /// The first error in it.
    pub fn parse(description: FormDescription) -> Result<Self, FormError> {
        let FormDescription { organisation, slug, title, mut sections } = description;
        let title = title.parsed(parse_line).map_err(|(_, error)| FormError::Text("title".into(), error))?;
        if title.is_empty() {
            return Err(FormError::NoTitle);
        }
        // First: what follows compares them with each other.
        let questions = sections.iter().map(|section| section.questions.len()).sum::<usize>();
        if questions > QUESTIONS_MAX || sections.len() > QUESTIONS_MAX {
            return Err(FormError::TooManyQuestions);
        }
        take_texts(&mut sections)?;
        check_sections(&sections)?;
        let mut earlier: Vec<&Question> = Vec::new();
        for question in sections.iter().flat_map(|section| &section.questions) {
            if earlier.iter().any(|other| other.id == question.id) {
                return Err(FormError::QuestionTwice(question.id.clone()));
            }
            question.check(&earlier)?;
            earlier.push(question);
        }
        if earlier.is_empty() { Err(FormError::NoQuestions) } else { Ok(Self { organisation, slug, title, sections }) }
    }

    /// The name of the organisation that it is to belong to, if it says so.
    pub const fn organisation(&self) -> Option<&Slug> {
        self.organisation.as_ref()
    }

    /// The form's name.
    pub const fn slug(&self) -> &Slug {
        &self.slug
    }

    /// Whether a published version asks the same.
    pub fn is_same_as(&self, version: &FormVersion) -> bool {
        self.slug == version.slug && self.title == version.title && self.sections == version.sections
    }

    /// The version that this becomes after `last`.
    pub fn publish(self, id: FormVersionId, form: FormId, last: Option<&FormVersion>, now: Timestamp) -> FormVersion {
        let Self { organisation: _, slug, title, sections } = self;
        let number = last.map_or(1, |last| last.number + 1);
        FormVersion { id, form, slug, number, title, sections, published_at: now }
    }
}

/// The longest text of a form, in characters.
const TEXT_MAX: usize = 1_000;

/// Takes a title, a question or its hint.
///
/// # Errors
/// When it can't be taken.
pub fn parse_line(text: &str) -> Result<String, TextError> {
    one_line(text, TEXT_MAX)
}

/// Takes the help of a section.
///
/// # Errors
/// When it can't be taken.
pub fn parse_help(text: &str) -> Result<String, TextError> {
    many_lines(text, TEXT_MAX)
}

/// Takes every text of sections; those that say nothing in a language are none there.
fn take_texts(sections: &mut [Section]) -> Result<(), FormError> {
    for Section { id, title, help, questions } in sections {
        let wrong = |place: &Slug| {
            let place = place.to_string();
            move |(_, error)| FormError::Text(place, error)
        };
        *title = title.parsed(parse_line).map_err(wrong(id))?;
        if let Some(text) = help.take() {
            *help = Some(text.parsed(parse_help).map_err(wrong(id))?).filter(|text| !text.is_empty());
        }
        for Question { id, label, hint, kind, .. } in questions {
            *label = label.parsed(parse_line).map_err(wrong(id))?;
            if let Some(text) = hint.take() {
                *hint = Some(text.parsed(parse_line).map_err(wrong(id))?).filter(|text| !text.is_empty());
            }
            if let QuestionKind::Choice { options } | QuestionKind::Several { options } = kind {
                for ChoiceOption { value, label } in options {
                    *value = parse_line(value).map_err(|_| FormError::Options(id.clone()))?;
                    *label = label.parsed(parse_line).map_err(wrong(id))?;
                }
            }
        }
    }
    Ok(())
}

fn check_sections(sections: &[Section]) -> Result<(), FormError> {
    for (n, section) in sections.iter().enumerate() {
        if sections[..n].iter().any(|earlier| earlier.id == section.id) {
            return Err(FormError::SectionTwice(section.id.clone()));
        }
        if sections.len() > 1 && section.title.is_empty() {
            return Err(FormError::NoSectionTitle(section.id.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::text::Language;

    type Bend = fn(&mut FormDescription);

    fn text(text: &str) -> Localised {
        Localised(BTreeMap::from([(Language::English, text.to_owned())]))
    }

    fn question(id: &str, kind: QuestionKind) -> Question {
        let id = id.parse().unwrap();
        Question { id, label: text("Why?"), hint: None, required: true, only_if: None, kind }
    }

    fn description() -> FormDescription {
        let questions = vec![question("sort", QuestionKind::YesNo), question("purpose", QuestionKind::Short)];
        let section =
            |id: &str, questions| Section { id: id.parse().unwrap(), title: text("Use"), help: None, questions };
        FormDescription {
            organisation: None,
            slug: "application".parse().unwrap(),
            title: text("Application"),
            sections: vec![section("use", questions), section("team", vec![question("size", QuestionKind::Date)])],
        }
    }

    fn after(question: &str, is: &str) -> Condition {
        Condition { question: question.parse().unwrap(), is: vec![is.into()] }
    }

    #[test]
    fn what_can_not_be_answered_is_not_published() {
        assert!(NewFormVersion::parse(description()).is_ok());
        let bends: [(&str, Bend); 14] = [
            ("title: is needed", |d| d.title.0.clear()),
            ("sections: at least one question", |d| d.sections.clear()),
            ("sections: up to 200", |d| {
                let many = (0..200).map(|n| question(&format!("q{n}"), QuestionKind::Short));
                d.sections[0].questions.extend(many);
            }),
            ("sections: team needs a title", |d| d.sections[1].title.0.clear()),
            ("sections: use is there twice", |d| d.sections[1].id = "use".parse().unwrap()),
            ("questions: size is there twice", |d| d.sections[0].questions[0].id = "size".parse().unwrap()),
            ("questions: sort needs a label", |d| d.sections[0].questions[0].label.0.clear()),
            ("questions: sort needs at least two options", |d| {
                let option = ChoiceOption { value: "x".into(), label: text("X") };
                d.sections[0].questions[0].kind = QuestionKind::Several { options: vec![option] };
            }),
            ("questions: sort has min above max", |d| {
                d.sections[0].questions[0].kind = QuestionKind::Number { min: Some(3), max: Some(2) };
            }),
            ("questions: sort takes a file", |d| {
                d.sections[0].questions[0].kind = QuestionKind::File { types: Vec::new(), max_size: 1 };
            }),
            ("questions: sort takes a file", |d| {
                let types = vec![FileType::Pdf];
                d.sections[0].questions[0].kind = QuestionKind::File { types, max_size: FILE_MAX + 1 };
            }),
            ("questions: sort: only_if", |d| d.sections[0].questions[0].only_if = Some(after("purpose", "yes"))),
            ("questions: size: only_if", |d| d.sections[1].questions[0].only_if = Some(after("purpose", "yes"))),
            ("questions: size: only_if", |d| d.sections[1].questions[0].only_if = Some(after("sort", "perhaps"))),
        ];
        for (wanted, bend) in bends {
            let mut bent = description();
            bend(&mut bent);
            let error = NewFormVersion::parse(bent).unwrap_err().to_string();
            assert!(error.starts_with(wanted), "{wanted}: {error}");
        }
        let mut fine = description();
        fine.sections[1].questions[0].only_if = Some(after("sort", "no"));
        assert!(NewFormVersion::parse(fine).is_ok());
    }
}
