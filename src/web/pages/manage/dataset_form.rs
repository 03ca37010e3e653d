//! The form in which a dataset is described: every field that a description file has but where its files are.

use crate::domain::dataset::{
    AccessMode, CommitteeChoice, Dataset, DatasetDescription, DatasetError, ImportSettings, InfoField, NewDataset,
    texts,
};
use crate::domain::localised::Localised;
use crate::domain::preview::PreviewLevel;
use crate::domain::text::{Language, Slug, TextError};
use crate::views::manage::Named;
use crate::web::error::Fault;
use crate::web::forms::{Form, fault_text, text_error};
use crate::web::localised_fields as localised;
use crate::web::page::Page;

/// The name of a field of a line of *Additional info*.
pub fn info_field(line: usize, what: &str) -> String {
    format!("info.{line}.{what}")
}

/// How many lines of *Additional info* a form has, up to the last that is filled in.
pub fn info_lines(form: &Form) -> usize {
    let filled = form.with_prefix("info.").filter(|(_, value)| !value.trim().is_empty());
    let lines = filled.filter_map(|(name, _)| name.split('.').next()?.parse::<usize>().ok());
    lines.filter(|line| *line < texts::INFO_MAX).max().map_or(0, |line| line + 1)
}

/// The form of a dataset as it is.
pub fn filled(dataset: &Dataset, named: &Named) -> Form {
    let mut form = Form::filled(fields(dataset, named));
    form.set("seen", &dataset.updated_at.to_string());
    form
}

/// The form of a dataset that is not there yet.
pub fn fresh() -> Form {
    let usual =
        [("mode", "open"), ("grant_days", "365"), ("later_releases", "included"), ("later_members", "included")];
    Form::filled(usual.into_iter().chain([("preview", PreviewLevel::default().as_str())]))
}

/// The fields as they are now.
pub fn fields(dataset: &Dataset, named: &Named) -> Vec<(String, String)> {
    let texts = [
        ("title", &dataset.title),
        ("summary", &dataset.summary),
        ("description", &dataset.description),
        ("publisher", &dataset.publisher),
    ];
    let mut fields: Vec<(String, String)> =
        texts.into_iter().flat_map(|(name, text)| localised::fields(name, text)).collect();
    let related: Vec<&str> = dataset.related.iter().map(Slug::as_str).collect();
    let slug = |slug: &Option<Slug>| slug.as_ref().map_or("", Slug::as_str).to_owned();
    let others = [
        ("licence", dataset.licence.clone()),
        ("tags", dataset.tags.join(", ")),
        ("related", related.join(", ")),
        ("mode", dataset.mode.to_string()),
        ("form", slug(&named.form)),
        ("committee", slug(&named.committee)),
        ("grant_days", dataset.grant_days.to_string()),
        ("later_releases", dataset.later_releases.to_string()),
        ("later_members", dataset.later_members.to_string()),
        ("preview", dataset.preview.to_string()),
        ("position", named.position.to_string()),
    ];
    fields.extend(others.map(|(name, value)| (name.to_owned(), value)));
    fields.extend(named.agreements.iter().map(|slug| ("agreement".to_owned(), slug.to_string())));
    for (line, InfoField { name, value }) in dataset.info.iter().enumerate() {
        fields.push((info_field(line, "name"), name.clone()));
        fields.extend(
            Language::ALL.map(|language| {
                (info_field(line, language.tag()), value.0.get(&language).cloned().unwrap_or_default())
            }),
        );
    }
    fields
}

/// What was typed, if nothing is wrong with it; else the form says what is. A published dataset lacks nothing.
pub fn checked(page: &Page, form: &mut Form, (slug, is_published): (Option<Slug>, bool)) -> Option<NewDataset> {
    let slug = slug.or_else(|| {
        let typed = form.get("slug").trim().parse();
        form.check(page, "slug", typed)
    });
    let title = localised::checked(page, form, "title", texts::parse_title);
    let summary = localised::checked(page, form, "summary", texts::parse_summary);
    let description = localised::checked(page, form, "description", texts::parse_description);
    let publisher = localised::checked(page, form, "publisher", texts::parse_line);
    let licence = or_empty(texts::parse_line(form.get("licence")));
    let licence = form.check(page, "licence", licence);
    let tags = listed(form.get("tags")).map(str::to_owned).collect();
    let (related, info) = (related(page, form), info(page, form));
    let mode = form.chosen(page, "mode");
    let agreements = agreements(page, form);
    let (own_form, committee) = (form.chosen_or_none(page, "form"), form.chosen_or_none(page, "committee"));
    let grant_days = number(page, form, "grant_days", "");
    let position = number(page, form, "position", "0");
    let (later_releases, later_members) = (form.chosen(page, "later_releases"), form.chosen(page, "later_members"));
    let preview = form.chosen(page, "preview");
    let description = DatasetDescription {
        organisation: None,
        slug: slug?,
        title: title?,
        summary: summary?,
        description: description?,
        licence: licence?,
        publisher: publisher?,
        tags,
        info: info?,
        related: related?,
        mode: mode?,
        agreements: agreements?,
        form: own_form.ok()?,
        committee: committee.ok()?.map_or(CommitteeChoice::None, CommitteeChoice::Named),
        grant_days: grant_days?,
        later_releases: later_releases?,
        later_members: later_members?,
        preview: preview?,
        position: position?,
        root: String::new(),
        import_settings: ImportSettings::default(),
    };
    // A dataset that nobody has to sign for keeps nothing that was chosen for one.
    let description = if description.mode == AccessMode::Open {
        DatasetDescription { agreements: Vec::new(), form: None, committee: CommitteeChoice::None, ..description }
    } else {
        description
    };
    let parsed = if is_published { NewDataset::parse(description) } else { NewDataset::parse_draft(description) };
    match parsed {
        Ok(new) => Some(new),
        Err(error) => {
            let (field, fault) = place_of(&error);
            form.fail(&field, fault_text(page, &field, fault));
            None
        }
    }
}

/// What readers know the value of a field by, where that is another word.
pub fn said(page: &Page, field: &str, value: &str) -> Option<String> {
    match field {
        "mode" => Some(page.text(format!("field-mode-{value}"))),
        "preview" => Some(page.text(format!("field-preview-{value}"))),
        "later_releases" | "later_members" => Some(page.text(format!("field-later-{value}"))),
        _ => None,
    }
}

/// The field that an error is about, and what is wrong with it.
pub fn place_of(error: &DatasetError) -> (String, Fault) {
    let (field, key) = match error {
        DatasetError::Info { line, language, error } => {
            return (DatasetError::info_field(*line, *language), Fault::Text(*error));
        }
        DatasetError::Text { field, language, error } => {
            return (DatasetError::text_field(field, *language), Fault::Text(*error));
        }
        DatasetError::AgreementMissing(_) => ("agreement", "error-agreement-missing"),
        DatasetError::AgreementOnOpen | DatasetError::FormOnOpen => ("mode", "error-agreement-on-open"),
        DatasetError::AgreementTwice(_) => ("agreement", "error-agreement-twice"),
        DatasetError::TooManyAgreements => ("agreement", "error-too-many-agreements"),
        DatasetError::GrantDays => ("grant_days", "error-grant-days"),
        DatasetError::TooManyRelated => ("related", "error-too-many-related"),
        DatasetError::TooManyTags => ("tags", "error-too-many-tags"),
        DatasetError::TooMuchInfo => ("info.0.name", "error-too-much-info"),
        DatasetError::NoTitle => ("title.en", "error-title"),
        DatasetError::NoCommittee
        | DatasetError::NoQuorum
        | DatasetError::TooFewReviewers(_)
        | DatasetError::ReviewerTwice(_)
        | DatasetError::TooManyReviewers => ("committee", "error-committee-missing"),
    };
    (field.to_owned(), Fault::Message(key))
}

fn or_empty(parsed: Result<String, TextError>) -> Result<String, TextError> {
    match parsed {
        Err(TextError::Empty) => Ok(String::new()),
        parsed => parsed,
    }
}

/// What stands between commas and line breaks.
pub fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '，', '、', '\n', '\r']).map(str::trim).filter(|part| !part.is_empty())
}

fn agreements(page: &Page, form: &mut Form) -> Option<Vec<Slug>> {
    let chosen = form.all("agreement").filter(|slug| !slug.is_empty());
    let parsed: Result<Vec<Slug>, TextError> = chosen.map(str::parse).collect();
    form.check(page, "agreement", parsed)
}

fn related(page: &Page, form: &mut Form) -> Option<Vec<Slug>> {
    let parsed: Result<Vec<Slug>, String> =
        listed(form.get("related")).map(|text| text.parse().map_err(|_| text.to_owned())).collect();
    parsed.map_err(|text| form.fail("related", page.text_with("error-related", "name", text))).ok()
}

fn info(page: &Page, form: &mut Form) -> Option<Vec<InfoField>> {
    let mut found = Vec::new();
    for line in 0..info_lines(form) {
        let name = form.get(&info_field(line, "name")).trim().to_owned();
        let value = |language: Language| form.get(&info_field(line, language.tag())).trim().to_owned();
        let texts = Language::ALL.into_iter().map(|language| (language, value(language)));
        let value = Localised(texts.filter(|(_, text)| !text.is_empty()).collect());
        if name.is_empty() && value.is_empty() {
            continue;
        }
        let parsed = texts::parse_line(&name).map_err(|error| ("name", error)).and_then(|name| {
            let value = value.parsed(texts::parse_info_value).map_err(|(language, error)| (language.tag(), error))?;
            Ok(InfoField { name, value })
        });
        match parsed {
            Ok(field) => found.push(field),
            Err((part, error)) => {
                form.fail(&info_field(line, part), text_error(page, "info-name", error));
                return None;
            }
        }
    }
    Some(found)
}

fn number<T: std::str::FromStr>(page: &Page, form: &mut Form, name: &str, usual: &str) -> Option<T> {
    let typed = form.get(name).trim();
    let parsed = if typed.is_empty() { usual } else { typed }.parse().ok();
    if parsed.is_none() {
        form.fail(name, page.text("error-number"));
    }
    parsed
}
