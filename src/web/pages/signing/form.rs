//! The signing form: what it is filled in with beforehand, and what is wrong with it.

use crate::domain::Refusal;
use crate::domain::access_request::signing::{CompleteForm, ProjectTerms, SigningErrors, SigningForm, Terms};
use crate::domain::form::{Answers, FileAnswer, FormVersion};
use crate::domain::ids::VersionId;
use crate::domain::person::Person;
use crate::domain::project::{ProjectField, ProjectForm, drafted};
use crate::domain::text::{Language, Slug, TextError};
use crate::views::signing::SigningContext;
use crate::web::answers::{field, fill_in};
use crate::web::auth::SignedIn;
use crate::web::forms::{Form, text_error};
use crate::web::page::Page;

/// What the draft has, or what the account says already.
pub(super) fn filled_in(context: &SigningContext, who: &SignedIn) -> Form {
    let mut form = Form::default();
    let drafted = context.open.as_ref().map(|stored| drafted(&stored.answers)).unwrap_or_default();
    let described = context.terms.project.project().map(|project| project.description.form()).unwrap_or_default();
    // What was typed since is newer than what the project says.
    for (field, text) in described.into_iter().chain(drafted) {
        form.set(&project_field(field), &text);
    }
    if context.open.is_none() && context.terms.project == ProjectTerms::Asked {
        form.set(&project_field(ProjectField::Institution), who.person.affiliation.as_deref().unwrap_or_default());
    }
    for question in context.terms.form.iter().flat_map(FormVersion::questions) {
        let answer = context.open.as_ref().and_then(|stored| stored.answers.get(question.id.as_str()));
        // What was a file and is asked in words now was not typed.
        let is_file = |answer: &String| answer.parse::<FileAnswer>().is_ok();
        if let Some(answer) = answer.filter(|answer| question.asks_for_file() || !is_file(answer)) {
            fill_in(&mut form, question, answer);
        }
    }
    form
}

/// The versions that are named in a field.
pub(super) fn versions(form: &Form, name: &str) -> Vec<VersionId> {
    form.all(name).filter_map(|id| id.parse().ok()).collect()
}

/// The id of the box by which an agreement is accepted, or signing electronically is consented to.
pub(super) fn box_id(name: &str, agreement: &Slug) -> String {
    format!("{name}-{agreement}")
}

/// The name of a field about the project.
pub(in crate::web::pages) fn project_field(field: ProjectField) -> String {
    format!("project-{field}")
}

/// What was typed about the project.
pub(in crate::web::pages) fn project(form: &Form) -> ProjectForm {
    ProjectField::ALL.into_iter().map(|field| (field, form.get(&project_field(field)).to_owned())).collect()
}

/// The form, if nothing is missing; else it says what is.
pub(super) fn checked(
    page: &Page,
    terms: &Terms,
    form: &mut Form,
    (answers, signer): (&Answers, &Person),
    language: Language,
) -> Option<CompleteForm> {
    let given = SigningForm {
        shown: &versions(form, "version"),
        language,
        form_version: form.get("form_version").parse().ok(),
        answers,
        project: &project(form),
        accepted: &versions(form, "accept"),
        consented: &versions(form, "consent"),
        typed_name: form.get("typed_name"),
        account_name: signer.name.as_str(),
        // Asked about this very name, and not another one that was typed since.
        name_confirmed: !form.get("typed_name").is_empty() && form.get("name_asked") == form.get("typed_name"),
    };
    match CompleteForm::parse(terms, &given) {
        Ok(signed) => Some(signed),
        Err(errors) => {
            say_errors(page, terms, form, &errors);
            None
        }
    }
}

/// What is wrong with a field about the project, with its name.
pub(in crate::web::pages) fn project_error(page: &Page, field: ProjectField, error: TextError) -> String {
    let label = page.text(format!("project-{field}"));
    let what = match (field, error) {
        (ProjectField::Purpose, TextError::TooShort(least)) => page.count_text("error-answer-too-short", least as u64),
        (ProjectField::From | ProjectField::Until, TextError::Form) => page.text("error-answer-date"),
        (_, error) => text_error(page, "answer", error),
    };
    page.text_with_two("error-in-answer", "question", label, "what", &what)
}

fn say_errors(page: &Page, terms: &Terms, form: &mut Form, errors: &SigningErrors) {
    if errors.form_changed {
        form.fail("", page.text(Refusal::FormChanged.key()));
    }
    for (field, error) in &errors.project {
        form.fail(&project_field(*field), project_error(page, *field, *error));
    }
    for question in terms.form.iter().flat_map(FormVersion::questions) {
        if let Some(error) = errors.answers.get(question.id.as_str()) {
            form.fail(&field(question), page.answer_error(question, *error));
        }
    }
    for agreement in &terms.agreements {
        for (name, missing) in [("accept", &errors.not_accepted), ("consent", &errors.not_consented)] {
            if missing.contains(&agreement.id) {
                form.fail(&box_id(name, &agreement.slug), page.text(format!("error-{name}")));
            }
        }
    }
    if errors.name_differs {
        let typed = form.get("typed_name").to_owned();
        form.fail("typed_name", page.text("error-name-differs"));
        // Whoever sends it once more has been asked.
        form.set("name_asked", &typed);
    }
    if let Some(error) = errors.typed_name {
        form.fail("typed_name", text_error(page, "typed_name", error));
    }
    // A box that was ticked beside another text is not ticked any more: it names the version.
    if !errors.not_shown.is_empty() {
        form.fail("", page.text(Refusal::VersionChanged.key()));
    }
}
