//! A form while it is written: sections and questions as the fields of a page, in the order that the page shows.

use std::collections::BTreeMap;

use crate::domain::form::{
    ChoiceOption, Condition, FILE_MAX_UNLESS_SAID, FileType, FormDescription, FormError, FormVersion, KindName,
    NewFormVersion, Question, QuestionKind, Section, parse_help, parse_line,
};
use crate::domain::localised::Localised;
use crate::domain::text::{Language, Slug};
use crate::web::forms::Form;
use crate::web::localised_fields as localised;
use crate::web::page::Page;

/// How many sections and questions a page takes.
const MOST: usize = 200;

/// The fields of a section or a question, without what they begin with.
type Fields = BTreeMap<String, String>;

/// A form while it is written.
#[derive(Clone, Debug, Default)]
pub struct FormDraft {
    title: Localised,
    sections: Vec<Fields>,
    questions: Vec<Fields>,
}

/// What a button does to the draft.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rearrange {
    /// Adds a section.
    AddSection,
    /// Adds a question.
    AddQuestion,
    /// Takes a section away, with its questions.
    RemoveSection(usize),
    /// Takes a question away.
    RemoveQuestion(usize),
    /// Moves a question before the one above it.
    Up(usize),
    /// Moves a question behind the one below it.
    Down(usize),
}

impl Rearrange {
    /// Reads a button's value, such as `up-3`.
    pub fn parse(text: &str) -> Option<Self> {
        let (what, place) = text.rsplit_once('-').unwrap_or((text, ""));
        let place = || place.parse().ok();
        Some(match what {
            "add" => match text {
                "add-section" => Self::AddSection,
                "add-question" => Self::AddQuestion,
                _ => return None,
            },
            "remove-section" => Self::RemoveSection(place()?),
            "remove" => Self::RemoveQuestion(place()?),
            "up" => Self::Up(place()?),
            "down" => Self::Down(place()?),
            _ => return None,
        })
    }
}

/// The name of a field of a question.
pub fn question_field(place: usize, what: &str) -> String {
    format!("q{place}.{what}")
}

/// The name of a field of a section.
pub fn section_field(place: usize, what: &str) -> String {
    format!("s{place}.{what}")
}

impl FormDraft {
    /// One section with one question, which are still empty.
    pub fn fresh() -> Self {
        Self { title: Localised::default(), sections: vec![Fields::new()], questions: vec![fresh_question(0)] }
    }

    /// What a page sent.
    pub fn of_page(form: &Form) -> Self {
        let gather = |letter: char| -> Vec<Fields> {
            let mut found: BTreeMap<usize, Fields> = BTreeMap::new();
            for (name, value) in form.values() {
                let Some((place, what)) = name.strip_prefix(letter).and_then(|rest| rest.split_once('.')) else {
                    continue;
                };
                let Some(place) = place.parse().ok().filter(|place| *place < MOST) else { continue };
                found.entry(place).or_default().insert(what.to_owned(), value.to_owned());
            }
            found.into_values().collect()
        };
        let mut sections = gather('s');
        if sections.is_empty() {
            sections.push(Fields::new());
        }
        Self { title: localised::typed(form, "title"), sections, questions: gather('q') }
    }

    /// A published version, to be written anew.
    pub fn of_version(version: &FormVersion) -> Self {
        let mut draft = Self { title: version.title.clone(), ..Self::default() };
        for (place, section) in version.sections.iter().enumerate() {
            let mut fields = Fields::from([("id".to_owned(), section.id.to_string())]);
            put_text(&mut fields, "title", &section.title);
            put_text(&mut fields, "help", section.help.as_ref().unwrap_or(&Localised::default()));
            draft.sections.push(fields);
            draft.questions.extend(section.questions.iter().map(|question| fields_of(question, place)));
        }
        draft
    }

    /// Does what a button says.
    pub fn rearrange(&mut self, how: Rearrange) {
        let Self { sections, questions, .. } = self;
        match how {
            Rearrange::AddSection if sections.len() < MOST => sections.push(Fields::new()),
            Rearrange::AddQuestion if questions.len() < MOST => questions.push(fresh_question(sections.len() - 1)),
            Rearrange::RemoveSection(gone) if gone < sections.len() && sections.len() > 1 => {
                sections.remove(gone);
                questions.retain(|question| section_of(question) != gone);
                for question in questions {
                    let place = section_of(question);
                    question.insert("section".into(), (place - usize::from(place > gone)).to_string());
                }
            }
            Rearrange::RemoveQuestion(gone) if gone < questions.len() => drop(questions.remove(gone)),
            Rearrange::Up(place) if place > 0 && place < questions.len() => questions.swap(place, place - 1),
            Rearrange::Down(place) if place + 1 < questions.len() => questions.swap(place, place + 1),
            _ => {}
        }
    }

    /// The fields of a page.
    pub fn fields(&self) -> Vec<(String, String)> {
        let mut fields = localised::fields("title", &self.title);
        for (place, section) in self.sections.iter().enumerate() {
            fields.extend(section.iter().map(|(what, value)| (section_field(place, what), value.clone())));
        }
        for (place, question) in self.questions.iter().enumerate() {
            fields.extend(question.iter().map(|(what, value)| (question_field(place, what), value.clone())));
        }
        fields
    }

    /// How many sections and questions there are.
    pub const fn size(&self) -> (usize, usize) {
        (self.sections.len(), self.questions.len())
    }

    /// The version that this is, if nothing is wrong with it; else the form says what is.
    pub fn checked(&self, page: &Page, form: &mut Form, slug: Slug) -> Option<NewFormVersion> {
        let title = localised::checked(page, form, "title", parse_line)?;
        let mut sections: Vec<Section> = Vec::new();
        let mut taken = typed_ids(&self.sections);
        for (place, fields) in self.sections.iter().enumerate() {
            let section = section(page, form, (place, fields), &taken)?;
            taken.push(section.id.clone());
            sections.push(section);
        }
        let (mut taken, mut ids) = (typed_ids(&self.questions), Vec::new());
        for (place, fields) in self.questions.iter().enumerate() {
            let question = question(page, form, (place, fields), &taken)?;
            taken.push(question.id.clone());
            ids.push(question.id.clone());
            let section = section_of(fields).min(sections.len() - 1);
            sections[section].questions.push(question);
        }
        match NewFormVersion::parse(FormDescription { organisation: None, slug, title, sections }) {
            Ok(new) => Some(new),
            Err(error) => {
                form.fail(&self.place_of(&error, &ids), page.text(form_error_key(&error)));
                None
            }
        }
    }

    /// The field that an error is about. `ids` are those of the questions, in their order.
    fn place_of(&self, error: &FormError, ids: &[Slug]) -> String {
        let of_question =
            |id: &Slug, what: &str| question_field(ids.iter().rposition(|other| other == id).unwrap_or(0), what);
        match error {
            FormError::NoTitle => localised::first("title"),
            FormError::Text(..) | FormError::NoQuestions | FormError::TooManyQuestions => String::new(),
            FormError::NoSectionTitle(id) | FormError::SectionTwice(id) => {
                let is_it = |fields: &Fields| fields.get("id").is_some_and(|own| own == id.as_str());
                let place = self.sections.iter().position(is_it).unwrap_or(self.sections.len() - 1);
                section_field(place, &localised::first("title"))
            }
            FormError::QuestionTwice(id) => of_question(id, "id"),
            FormError::NoLabel(id) => of_question(id, &localised::first("label")),
            FormError::Options(id) => of_question(id, "options"),
            FormError::Bounds(id) => of_question(id, "min"),
            FormError::File(id) => of_question(id, "max_size"),
            FormError::Condition(id) => of_question(id, "if"),
        }
    }
}

/// The message that says what is wrong with a form.
pub const fn form_error_key(error: &FormError) -> &'static str {
    match error {
        FormError::Text(..) => "error-form-text",
        FormError::NoTitle => "error-title",
        FormError::NoQuestions => "error-no-questions",
        FormError::TooManyQuestions => "error-too-many-questions",
        FormError::NoSectionTitle(_) | FormError::SectionTwice(_) => "error-section-title",
        FormError::QuestionTwice(_) => "error-question-twice",
        FormError::NoLabel(_) => "error-question-label",
        FormError::Options(_) => "error-question-options",
        FormError::Bounds(_) => "error-question-bounds",
        FormError::File(_) => "error-question-file",
        FormError::Condition(_) => "error-question-condition",
    }
}

fn fresh_question(section: usize) -> Fields {
    let kind = KindName::Short.as_str().to_owned();
    Fields::from([("section".to_owned(), section.to_string()), ("kind".to_owned(), kind)])
}

fn section_of(question: &Fields) -> usize {
    question.get("section").and_then(|section| section.parse().ok()).unwrap_or(0)
}

fn put_text(fields: &mut Fields, name: &str, text: &Localised) {
    fields.extend(localised::fields(name, text));
}

fn fields_of(question: &Question, section: usize) -> Fields {
    let mut fields = Fields::from([
        ("id".to_owned(), question.id.to_string()),
        ("section".to_owned(), section.to_string()),
        ("kind".to_owned(), question.kind.name().to_string()),
    ]);
    put_text(&mut fields, "label", &question.label);
    put_text(&mut fields, "hint", question.hint.as_ref().unwrap_or(&Localised::default()));
    let mut put = |what: &str, value: String| drop(fields.insert(what.to_owned(), value));
    if question.required {
        put("required", "yes".into());
    }
    if let Some(Condition { question, is }) = &question.only_if {
        put("if", question.to_string());
        put("is", join(is, ", "));
    }
    match &question.kind {
        QuestionKind::Long { min_length } if *min_length > 0 => put("min_length", min_length.to_string()),
        QuestionKind::Choice { options } | QuestionKind::Several { options } => {
            put("options", options.iter().map(option_line).collect::<Vec<_>>().join("\n"));
        }
        QuestionKind::Number { min, max } => {
            put("min", min.map_or_else(String::new, |min| min.to_string()));
            put("max", max.map_or_else(String::new, |max| max.to_string()));
        }
        QuestionKind::File { types, max_size } => {
            put("types", types.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", "));
            put("max_size", megabytes(*max_size));
        }
        _ => {}
    }
    fields
}

/// An option as a line: its value, and its label in each language.
fn option_line(option: &ChoiceOption) -> String {
    let labels = Language::ALL.map(|language| option.label.0.get(&language).cloned().unwrap_or_default());
    let mut parts: Vec<String> = std::iter::once(option.value.clone()).chain(labels).collect();
    while parts.last().is_some_and(String::is_empty) {
        parts.pop();
    }
    join(&parts, " | ")
}

/// Values in one line, with a sign between them; where a value holds that sign, a backslash says so.
fn join(values: &[String], between: &str) -> String {
    let sign = between.trim();
    let marked = |value: &String| value.replace('\\', "\\\\").replace(sign, &format!("\\{sign}"));
    values.iter().map(marked).collect::<Vec<_>>().join(between)
}

/// The values in a line that [`join`] wrote, without the space around them.
fn split(line: &str, sign: char) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let is_marked = c == '\\' && characters.peek().is_some_and(|next| *next == sign || *next == '\\');
        if c == sign {
            values.push(String::new());
        } else if let Some(value) = values.last_mut() {
            value.push(if is_marked { characters.next().unwrap_or(c) } else { c });
        }
    }
    values.iter().map(|value| value.trim().to_owned()).collect()
}

fn option_of_line(line: &str) -> ChoiceOption {
    let mut parts = split(line, '|').into_iter();
    let value = parts.next().unwrap_or_default();
    let mut labels: BTreeMap<Language, String> = Language::ALL.into_iter().zip(parts).collect();
    labels.retain(|_, label| !label.is_empty());
    if labels.is_empty() {
        labels.insert(Language::default(), value.clone());
    }
    ChoiceOption { value, label: Localised(labels) }
}

/// Reads a text in each language; what is wrong with it is said beside the field.
fn read_text(page: &Page, form: &mut Form, name: &str, field: impl Fn(&str) -> String) -> Option<Localised> {
    let parse = if name == "help" { parse_help } else { parse_line };
    localised::checked(page, form, &field(name), parse)
}

/// The names that are there already.
fn typed_ids(all: &[Fields]) -> Vec<Slug> {
    all.iter().filter_map(|fields| fields.get("id")?.trim().parse().ok()).collect()
}

/// A name for records, from words where there is none yet.
fn id_of(typed: &str, words: &Localised, (usual, place): (&str, usize), taken: &[Slug]) -> Option<Slug> {
    const LONGEST: usize = 40;
    if !typed.trim().is_empty() {
        return typed.trim().parse().ok();
    }
    let words = words.text(Language::English).to_lowercase();
    let mut id = String::new();
    for c in words.chars() {
        if c.is_ascii_alphanumeric() {
            id.push(c);
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
        if id.len() >= LONGEST {
            break;
        }
    }
    let is_free = |id: &Slug| !taken.contains(id);
    let made = id.trim_matches('-').parse::<Slug>().ok().filter(is_free);
    made.or_else(|| (place + 1..=place + 1 + MOST).filter_map(|n| format!("{usual}-{n}").parse().ok()).find(is_free))
}

fn section(page: &Page, form: &mut Form, (place, fields): (usize, &Fields), taken: &[Slug]) -> Option<Section> {
    let field = |what: &str| section_field(place, what);
    let title = read_text(page, form, "title", field)?;
    let help = read_text(page, form, "help", field)?;
    let typed = fields.get("id").map_or("", String::as_str);
    let Some(id) = id_of(typed, &title, ("section", place), taken) else {
        form.fail(&field("id"), page.text("error-slug"));
        return None;
    };
    Some(Section { id, title, help: (!help.is_empty()).then_some(help), questions: Vec::new() })
}

fn question(page: &Page, form: &mut Form, (place, fields): (usize, &Fields), taken: &[Slug]) -> Option<Question> {
    let field = |what: &str| question_field(place, what);
    let get = |what: &str| fields.get(what).map_or("", |text| text.trim());
    let label = read_text(page, form, "label", field)?;
    let hint = read_text(page, form, "hint", field)?;
    let Some(id) = id_of(get("id"), &label, ("question", place), taken) else {
        form.fail(&field("id"), page.text("error-slug"));
        return None;
    };
    let name = form.chosen::<KindName>(page, &field("kind"))?;
    let mut number = |what: &str| -> Option<Option<i64>> {
        let text = get(what);
        let parsed = if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
        if parsed.is_none() {
            form.fail(&field(what), page.text("error-number"));
        }
        parsed
    };
    let options = || get("options").lines().filter(|line| !line.trim().is_empty()).map(option_of_line).collect();
    let kind = match name {
        KindName::Short => QuestionKind::Short,
        KindName::Long => {
            QuestionKind::Long { min_length: number("min_length")?.map_or(0, |n| usize::try_from(n).unwrap_or(0)) }
        }
        KindName::Choice => QuestionKind::Choice { options: options() },
        KindName::Several => QuestionKind::Several { options: options() },
        KindName::YesNo => QuestionKind::YesNo,
        KindName::Checkbox => QuestionKind::Checkbox,
        KindName::Date => QuestionKind::Date,
        KindName::Number => QuestionKind::Number { min: number("min")?, max: number("max")? },
        KindName::Email => QuestionKind::Email,
        KindName::Orcid => QuestionKind::Orcid,
        KindName::Country => QuestionKind::Country,
        KindName::File => file_kind(page, form, place, fields)?,
    };
    let only_if = match get("if") {
        "" => None,
        earlier => {
            let is = split(get("is"), ',').into_iter().filter(|value| !value.is_empty());
            let Ok(question) = earlier.parse() else {
                form.fail(&field("if"), page.text("error-question-condition"));
                return None;
            };
            Some(Condition { question, is: is.collect() })
        }
    };
    let required = get("required") == "yes";
    Some(Question { id, label, hint: (!hint.is_empty()).then_some(hint), required, only_if, kind })
}

/// A question for a file: its types, of which none stands for all, and the size in megabytes.
fn file_kind(page: &Page, form: &mut Form, place: usize, fields: &Fields) -> Option<QuestionKind> {
    let get = |what: &str| fields.get(what).map_or("", |text| text.trim());
    let field = |what: &str| question_field(place, what);
    let named: Vec<String> = split(get("types"), ',').into_iter().filter(|name| !name.is_empty()).collect();
    let types = named.iter().map(|name| name.parse()).collect::<Result<Vec<FileType>, _>>();
    let Ok(types) = types else {
        form.fail(&field("types"), page.text("error-question-types"));
        return None;
    };
    let size = get("max_size");
    let bytes = if size.is_empty() { Some(FILE_MAX_UNLESS_SAID) } else { bytes_of(size) };
    let Some(max_size) = bytes else {
        form.fail(&field("max_size"), page.text("error-question-file"));
        return None;
    };
    Some(QuestionKind::File { types: if types.is_empty() { FileType::ALL.to_vec() } else { types }, max_size })
}

/// A size in megabytes, with as many decimals as it needs.
fn megabytes(bytes: u64) -> String {
    let text = format!("{}.{:06}", bytes / 1_000_000, bytes % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The bytes of a size in megabytes, which has up to six decimals.
fn bytes_of(megabytes: &str) -> Option<u64> {
    let (whole, part) = megabytes.split_once('.').unwrap_or((megabytes, "0"));
    let is_number = |text: &str| (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(part) {
        return None;
    }
    Some(whole.parse::<u64>().ok()? * 1_000_000 + format!("{part:0<6}").parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_lines() {
        let option = option_of_line("institution | On our server | 在本機構的伺服器");
        assert_eq!((option.value.as_str(), option.label.0.len()), ("institution", 2));
        assert_eq!(option_line(&option), "institution | On our server | 在本機構的伺服器");
        assert_eq!(option_line(&option_of_line("yes")), "yes | yes");
    }

    #[test]
    fn signs_within_values_come_back() {
        let values = ["a|b".to_owned(), "c\\".to_owned(), "\\|d".to_owned(), "e, f".to_owned()];
        assert_eq!(split(&join(&values, " | "), '|'), values);
        assert_eq!(split(&join(&values, ", "), ','), values);
        assert_eq!(split("a, b", ','), ["a", "b"]);
        assert_eq!(split("C:\\data", ','), ["C:\\data"], "a backslash that marks nothing");
    }

    #[test]
    fn names_for_records_are_made_of_words_and_kept() {
        let words = Localised(BTreeMap::from([(Language::English, "What will you use it for?".to_owned())]));
        let id = |typed, taken: &[Slug]| id_of(typed, &words, ("question", 4), taken).unwrap().to_string();
        assert_eq!(id("", &[]), "what-will-you-use-it-for");
        assert_eq!(id("purpose", &[]), "purpose");
        assert_eq!(id("", &["what-will-you-use-it-for".parse().unwrap()]), "question-5");
        let chinese = Localised(BTreeMap::from([(Language::TraditionalChinese, "用途？".to_owned())]));
        assert_eq!(id_of("", &chinese, ("question", 0), &[]).unwrap().as_str(), "question-1");
        let first: Slug = "question-1".parse().unwrap();
        assert_eq!(
            id_of("", &chinese, ("question", 0), &[first]).unwrap().as_str(),
            "question-2",
            "moved to the front"
        );
    }

    #[test]
    fn sizes_in_megabytes_come_back() {
        for (bytes, text) in [(10_000_000, "10"), (1, "0.000001"), (1_234_567, "1.234567"), (2_500_000, "2.5")] {
            assert_eq!((megabytes(bytes).as_str(), bytes_of(text)), (text, Some(bytes)));
        }
        for wrong in ["", ".", "1.", ".5", "-1", "1e3", "1.2.3", "1.0000001", "9999999", "NaN"] {
            assert_eq!(bytes_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn buttons_rearrange() {
        let mut draft = FormDraft::fresh();
        for how in ["add-section", "add-question", "add-question", "up-2", "remove-section-0", "down-9", "remove-x"] {
            if let Some(how) = Rearrange::parse(how) {
                draft.rearrange(how);
            }
        }
        assert_eq!(draft.size(), (1, 2), "the first section went with its question");
        assert!(draft.questions.iter().all(|question| section_of(question) == 0));
    }
}
