//! The signing form: what it is filled in with beforehand, and what is wrong with it.

use crate::domain::Refusal;
use crate::domain::access_request::signing::{CompleteForm, SigningErrors, SigningForm, Terms};
use crate::domain::form::{Answers, FormVersion};
use crate::domain::ids::VersionId;
use crate::domain::person::Person;
use crate::domain::text::{Language, Slug};
use crate::views::signing::SigningContext;
use crate::web::answers::{field, fill_in};
use crate::web::auth::SignedIn;
use crate::web::forms::{Form, text_error};
use crate::web::page::Page;

/// What the draft has, or what the account says already.
pub(super) fn filled_in(context: &SigningContext, who: &SignedIn) -> Form {
    let mut form = Form::default();
    for question in context.terms.form.iter().flat_map(FormVersion::questions) {
        match &context.open {
            Some(stored) => {
                if let Some(answer) = stored.answers.get(question.id.as_str()) {
                    fill_in(&mut form, question, answer);
                }
            }
            None if question.id.as_str() == "institution" => {
                fill_in(&mut form, question, who.person.affiliation.as_deref().unwrap_or_default());
            }
            None => {}
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

fn say_errors(page: &Page, terms: &Terms, form: &mut Form, errors: &SigningErrors) {
    if errors.form_changed {
        form.fail("", page.text(Refusal::FormChanged.key()));
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
