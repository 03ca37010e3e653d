//! Signing the agreement and asking for access. A draft survives leaving the page.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{parse_id, prove_password};
use crate::app::App;
use crate::clock;
use crate::domain::access_request::signing::{CompleteForm, SigningErrors, SigningForm};
use crate::domain::access_request::{Stage, Standing};
use crate::domain::agreement::{AgreementText, Answers, DraftAnswers, Question, QuestionKind, fingerprint};
use crate::domain::person::{AuthMethod, Person, proof_is_fresh};
use crate::domain::text::{Language, Slug, TextError};
use crate::domain::{Refusal, Timestamp};
use crate::ledger;
use crate::ledger::commands::access_requests::{self as commands, Submission, Submitted};
use crate::ledger::commands::sessions;
use crate::views::signing::{self, AgreementChanges, SigningContext};
use crate::web::auth::{SignedIn, Viewer, wants_html};
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted, text_error};
use crate::web::markdown::{self, Document};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show_with};

#[derive(Template)]
#[template(path = "signing/show.html")]
struct SignPage {
    page: Page,
    form: Form,
    context: SigningContext,
    text: AgreementText,
    document: Document,
    changes: Option<AgreementChanges>,
    needs_password: bool,
    reviewed: bool,
}

impl SignPage {
    /// The fingerprint of the draft that the answers on the page began with.
    fn draft(&self) -> String {
        let shown = self.form.get("draft");
        if shown.is_empty() { self.context.draft.to_string() } else { shown.to_owned() }
    }

    /// The name of a question's field.
    fn field(&self, question: &Question) -> String {
        format!("answer-{}", question.id)
    }

    /// The question, and that it may be left empty.
    fn label(&self, question: &Question) -> String {
        let label = question.label.text(self.page.language);
        if question.required { label.to_owned() } else { self.page.text_with("answer-optional", "question", label) }
    }

    /// The id of an option: the first has its question's, where the summary of errors leads.
    fn radio(&self, name: &str, place: usize) -> String {
        if place == 1 { name.to_owned() } else { format!("{name}-{place}") }
    }

    fn hint<'a>(&self, question: &'a Question) -> &'a str {
        question.hint_text(self.page.language)
    }

    /// The exact words agreed to: those of the text's language.
    fn statement(&self) -> &str {
        self.context.version.statement.text(self.text.language)
    }

    fn consent(&self) -> &str {
        self.context.version.consent.text(self.text.language)
    }
}

async fn context(app: &App, who: &SignedIn, slug: &str) -> Result<SigningContext, WebError> {
    let (slug, person, now): (Slug, _, _) = (parse_id(slug)?, who.person.id, clock::now());
    let archive = app.log_archive.clone();
    let found = app.reads.read(move |conn| signing::context(conn, &archive, &slug, person, now)).await?;
    found.ok_or(WebError::NotFound)
}

/// `GET /datasets/{slug}/request`
pub async fn show(app: web::Data<App>, viewer: Viewer, slug: web::Path<String>) -> Result<HttpResponse, WebError> {
    let who = viewer.require_signed_in()?;
    let context = context(&app, who, &slug).await?;
    if !context.may_save() {
        return Ok(go(&elsewhere(&context)));
    }
    let notice = context.open.as_ref().map(|_| "draft-kept");
    let form = filled_in(&context, who);
    render(&app, &viewer, context, form, who.session.proved_at, (notice, StatusCode::OK)).await
}

/// Where it is said why nothing can be signed now.
fn elsewhere(context: &SigningContext) -> String {
    let slug = &context.dataset.slug;
    match context.standing {
        Standing::Waiting(id) => format!("/requests/{id}"),
        Standing::Granted(..) | Standing::GrantedEarlier(..) => format!("/datasets/{slug}?notice=granted-already"),
        _ => format!("/datasets/{slug}"),
    }
}

/// What the draft has, or what the account says already.
fn filled_in(context: &SigningContext, who: &SignedIn) -> Form {
    let mut form = Form::default();
    match &context.open {
        Some(stored) => stored.answers.iter().for_each(|(id, answer)| form.set(&format!("answer-{id}"), answer)),
        None => form.set("answer-institution", who.person.affiliation.as_deref().unwrap_or_default()),
    }
    form
}

async fn render(
    app: &App,
    viewer: &Viewer,
    context: SigningContext,
    form: Form,
    proved_at: Timestamp,
    (notice, status): (Option<&str>, StatusCode),
) -> Result<HttpResponse, WebError> {
    // Shown again in the language it was shown in: the signature is on that text.
    let text = context.version.text(shown_language(&form, viewer)).cloned().ok_or(WebError::NotFound)?;
    let (version, language) = (context.version.clone(), text.language);
    let known = (viewer.require_signed_in()?.person.id, form.get("version").parse().ok());
    let changes = app.reads.read(move |conn| signing::changes(conn, &version, known, language)).await?;
    let title = context.version.title.text(viewer.language);
    let shown = SignPage {
        page: viewer.page(Section::Requests, title).with_notice(notice.filter(|_| context.comment.is_none())),
        document: markdown::to_document(&text.body, text.language),
        changes,
        needs_password: !proof_is_fresh(proved_at, clock::now()),
        reviewed: context.dataset.mode.is_reviewed(),
        form,
        context,
        text,
    };
    show_with(viewer, status, &shown)
}

fn shown_language(form: &Form, viewer: &Viewer) -> Language {
    Language::from_tag(form.get("language")).unwrap_or(viewer.language)
}

/// `POST /datasets/{slug}/request`: keeps a draft, or signs.
pub async fn post(
    app: web::Data<App>,
    request: HttpRequest,
    slug: web::Path<String>,
    posted: Posted,
) -> Result<HttpResponse, WebError> {
    let Posted { form, viewer } = posted;
    let who = viewer.require_signed_in()?.clone();
    let context = context(&app, &who, &slug).await?;
    let answers = DraftAnswers::parse(&context.version.questions, form.with_prefix("answer-"));
    if form.get("do") != "sign" {
        let answers = answers.based_on(form.get("draft").parse().ok());
        return keep_draft(&app, &request, &viewer, (who, context, form), answers).await;
    }
    sign(&app, &viewer, who, context, form, answers.answers()).await
}

async fn keep_draft(
    app: &App,
    request: &HttpRequest,
    viewer: &Viewer,
    (who, context, mut form): (SignedIn, SigningContext, Form),
    answers: DraftAnswers,
) -> Result<HttpResponse, WebError> {
    let (person, dataset) = (who.person.id, context.dataset.slug.clone());
    let saved = fingerprint(answers.answers());
    match app.ledger.run(move |tx| commands::save_draft(tx, person, &dataset, &answers)).await {
        Ok(()) if wants_html(request.headers()) => {
            Ok(go(&format!("/datasets/{}?notice=draft-saved", context.dataset.slug)))
        }
        Ok(()) => Ok(HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(serde_json::json!({ "draft": saved }))),
        Err(ledger::Error::Refused(refusal @ Refusal::DraftChanged)) if wants_html(request.headers()) => {
            form.fail("", viewer.page(Section::Requests, "").text(refusal.key()));
            form.forget("password");
            // Whoever saves once more has been told.
            form.set("draft", &context.draft.to_string());
            render(app, viewer, context, form, who.session.proved_at, (None, StatusCode::CONFLICT)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn sign(
    app: &App,
    viewer: &Viewer,
    who: SignedIn,
    context: SigningContext,
    mut form: Form,
    answers: &Answers,
) -> Result<HttpResponse, WebError> {
    let page = viewer.page(Section::Requests, "");
    let language = shown_language(&form, viewer);
    let signed = checked(&page, &context, &mut form, (answers, &who.person), language);
    let proved_at = prove(app, &who, viewer, &page, &mut form).await?;
    form.forget("password");
    let (Some(signed), false) = (signed, form.is_wrong()) else {
        return render(app, viewer, context, form, proved_at, (None, StatusCode::UNPROCESSABLE_ENTITY)).await;
    };
    let submission = submission(viewer, &who, context.dataset.slug.clone(), signed, proved_at);
    match app.ledger.run(move |tx| commands::submit(tx, &submission)).await {
        Ok(Submitted { request, stage: Stage::Approved }) => {
            Ok(go(&format!("/requests/{request}?notice=signed-granted")))
        }
        Ok(Submitted { request, .. }) => Ok(go(&format!("/requests/{request}?notice=signed-sent"))),
        // The button was pressed twice: the second press leads where the first one went.
        Err(ledger::Error::Refused(Refusal::AlreadyWaiting | Refusal::AlreadyGranted)) => {
            Ok(go(&elsewhere(&self::context(app, &who, context.dataset.slug.as_str()).await?)))
        }
        Err(ledger::Error::Refused(refusal)) => {
            form.fail("", page.text(refusal.key()));
            render(app, viewer, context, form, proved_at, (None, StatusCode::CONFLICT)).await
        }
        Err(error) => Err(error.into()),
    }
}

fn submission(viewer: &Viewer, who: &SignedIn, dataset: Slug, form: CompleteForm, proved_at: Timestamp) -> Submission {
    let (person, origin) = (who.person.id, viewer.origin.clone());
    Submission { person, dataset, form, auth_method: AuthMethod::Password, proved_at, origin }
}

/// The form, if nothing is missing; else it says what is.
fn checked(
    page: &Page,
    context: &SigningContext,
    form: &mut Form,
    (answers, signer): (&Answers, &Person),
    language: Language,
) -> Option<CompleteForm> {
    let given = SigningForm {
        version: form.get("version").parse().ok(),
        language,
        answers,
        accepted: form.chose("accept", "yes"),
        consented: form.chose("consent", "yes"),
        typed_name: form.get("typed_name"),
        account_name: signer.name.as_str(),
        // Asked about this very name, and not another one that was typed since.
        name_confirmed: !form.get("typed_name").is_empty() && form.get("name_asked") == form.get("typed_name"),
    };
    match CompleteForm::parse(&context.version, &given) {
        Ok(signed) => Some(signed),
        Err(errors) => {
            say_errors(page, &context.version.questions, form, &errors);
            None
        }
    }
}

fn say_errors(page: &Page, questions: &[Question], form: &mut Form, errors: &SigningErrors) {
    for question in questions {
        if let Some(error) = errors.answers.get(question.id.as_str()) {
            form.fail(&format!("answer-{}", question.id), answer_error(page, question, *error));
        }
    }
    for (name, missing) in [("accept", errors.not_accepted), ("consent", errors.not_consented)] {
        if missing {
            form.fail(name, page.text(format!("error-{name}")));
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
    if errors.version_changed {
        // What was agreed to was the other text.
        form.forget("accept");
        form.forget("consent");
        form.fail("", page.text(Refusal::VersionChanged.key()));
    }
}

fn answer_error(page: &Page, question: &Question, error: TextError) -> String {
    let label = question.label.text(page.language);
    let what = match (&question.kind, error) {
        (QuestionKind::Long { .. }, TextError::TooShort(least)) => {
            page.count_text("error-answer-too-short", least as u64)
        }
        (QuestionKind::Choice { .. }, _) => page.text("error-answer-choose"),
        (QuestionKind::Date, _) => page.text("error-answer-date"),
        (QuestionKind::Checkbox, _) => page.text("error-answer-tick"),
        (_, error) => text_error(page, "answer", error),
    };
    page.text_with_two("error-in-answer", "question", label, "what", &what)
}

/// When the signer last proved who they are; asks for the password when that is too long ago.
async fn prove(
    app: &App,
    who: &SignedIn,
    viewer: &Viewer,
    page: &Page,
    form: &mut Form,
) -> Result<Timestamp, WebError> {
    let (now, proved_at) = (clock::now(), who.session.proved_at);
    if proof_is_fresh(proved_at, now) {
        return Ok(proved_at);
    }
    if form.get("password").is_empty() {
        // The page may have been opened while the last proof was still fresh: that is no wrong password.
        form.fail("password", page.text(Refusal::ProofTooOld.key()));
        return Ok(proved_at);
    }
    let id = who.person.id;
    let Some(verified) = prove_password(app, viewer, page, (form, "password"), id).await? else { return Ok(proved_at) };
    let (session, origin) = (who.session.token_hash, viewer.origin.clone());
    app.ledger.run(move |tx| sessions::record_reauthentication(tx, id, &verified, session, &origin)).await?;
    Ok(now)
}
