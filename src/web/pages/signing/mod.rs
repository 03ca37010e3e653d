//! Signing the agreement and asking for access. A draft survives leaving the page.

pub(super) mod form;
pub mod own;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;

use super::{parse_id, prove_password};
use crate::app::App;
use crate::clock;
use crate::domain::access_request::signing::{CompleteForm, ProjectTerms, Terms};
use crate::domain::access_request::{Stage, Standing};
use crate::domain::agreement::{AgreementText, AgreementVersion};
use crate::domain::form::{Answers, DraftAnswers, FormVersion, fingerprint};
use crate::domain::ids::{PersonId, VersionId};
use crate::domain::person::{AuthMethod, proof_is_fresh};
use crate::domain::project::WantedProject;
use crate::domain::text::{Language, Slug};
use crate::domain::{Refusal, Timestamp};
use crate::ledger;
use crate::ledger::commands::access_requests::{self as commands, Submission, Submitted};
use crate::ledger::commands::sessions;
use crate::views::signing::{self, AgreementChanges, SigningContext};
use crate::web::answers::{forget_files, take_files};
use crate::web::auth::{SignedIn, Viewer, wants_html};
use crate::web::error::WebError;
use crate::web::file_forms::PostedWithFiles;
use crate::web::forms::{Form, Posted};
use crate::web::markdown::{self, Document};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show_with};

/// An agreement as the page shows it.
struct ShownAgreement {
    version: AgreementVersion,
    text: AgreementText,
    document: Document,
    changes: Option<AgreementChanges>,
}

impl ShownAgreement {
    /// The exact words agreed to: those of the text's language.
    fn statement(&self) -> &str {
        self.version.statement.text(self.text.language)
    }

    fn consent(&self) -> &str {
        self.version.consent.text(self.text.language)
    }

    fn box_id(&self, name: &str) -> String {
        form::box_id(name, &self.version.slug)
    }
}

#[derive(Template)]
#[template(path = "signing/show.html")]
struct SignPage {
    page: Page,
    form: Form,
    context: SigningContext,
    agreements: Vec<ShownAgreement>,
    language: Language,
    /// Where the form is sent.
    action: String,
    needs_password: bool,
    reviewed: bool,
}

impl SignPage {
    /// Whether anything is asked before the signature.
    fn asks(&self) -> bool {
        self.context.terms.form.is_some() || self.context.terms.project != ProjectTerms::NotAsked
    }

    /// Whether a file is asked for.
    fn asks_for_files(&self) -> bool {
        self.context.terms.form.as_ref().is_some_and(|form| form.file_questions().next().is_some())
    }

    /// The heading of what stands before the signature.
    fn heading(&self) -> String {
        let Terms { form, project, .. } = &self.context.terms;
        let key = match project {
            _ if form.is_some() => "sign-answers",
            ProjectTerms::NotAsked => "sign-heading",
            ProjectTerms::Asked | ProjectTerms::Editable(_) => "sign-answers",
            ProjectTerms::Settled(_) => "project",
        };
        self.page.text(key)
    }

    /// The fingerprint of the draft that the answers on the page began with.
    fn draft(&self) -> String {
        let shown = self.form.get("draft");
        if shown.is_empty() { self.context.draft.to_string() } else { shown.to_owned() }
    }
}

async fn context(app: &App, who: &SignedIn, slug: &str, wanted: WantedProject) -> Result<SigningContext, WebError> {
    let (slug, person, wanted): (Slug, _, _) = (parse_id(slug)?, who.person.id, (wanted, clock::now()));
    let archive = app.log_archive.clone();
    let found = app.reads.read(move |conn| signing::context(conn, &archive, &slug, person, wanted)).await?;
    found.ok_or(WebError::NotFound)
}

/// For which project to ask.
#[derive(Deserialize)]
pub struct ProjectQuery {
    project: Option<String>,
}

/// `GET /datasets/{slug}/request`
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<ProjectQuery>,
) -> Result<HttpResponse, WebError> {
    let who = viewer.require_signed_in()?;
    let wanted = parse_id(query.project.as_deref().unwrap_or_default())?;
    let context = context(&app, who, &slug, wanted).await?;
    if !context.may_save() {
        return Ok(go(&elsewhere(&context)));
    }
    let notice = context.open.as_ref().map(|_| "draft-kept");
    let mut form = form::filled_in(&context, who);
    form.set("project", &named(wanted));
    render(&app, &viewer, context, form, who.session.proved_at, (notice, StatusCode::OK)).await
}

/// The project as the form names it. A new one that was asked for by name gets its id here, so that a form that is sent twice
/// begins one.
fn named(wanted: WantedProject) -> String {
    match wanted {
        WantedProject::Latest => String::new(),
        WantedProject::New(id) => format!("new-{}", id.map_or_else(Uuid::now_v7, |id| id.0)),
        WantedProject::Of(id) => id.to_string(),
    }
}

/// Where it is said why nothing can be signed now.
fn elsewhere(context: &SigningContext) -> String {
    let slug = &context.dataset.slug;
    match context.standing {
        Standing::Waiting(id) => format!("/requests/{id}"),
        Standing::StoppedToSign(id) => format!("/requests/{id}/new-versions"),
        Standing::Granted(..) | Standing::GrantedEarlier(..) => format!("/datasets/{slug}?notice=granted-already"),
        _ => format!("/datasets/{slug}"),
    }
}

async fn render(
    app: &App,
    viewer: &Viewer,
    context: SigningContext,
    form: Form,
    proved_at: Timestamp,
    (notice, status): (Option<&str>, StatusCode),
) -> Result<HttpResponse, WebError> {
    let action = format!("/datasets/{}/request", context.dataset.slug);
    render_at(app, viewer, context, (form, action), proved_at, (notice, status)).await
}

/// The page, with a form that is sent to an address.
async fn render_at(
    app: &App,
    viewer: &Viewer,
    context: SigningContext,
    (form, action): (Form, String),
    proved_at: Timestamp,
    (notice, status): (Option<&str>, StatusCode),
) -> Result<HttpResponse, WebError> {
    // Shown again in the language they were shown in: the signatures are on those texts.
    let language = shown_language(&form, viewer);
    let known = (viewer.require_signed_in()?.person.id, form::versions(&form, "version"));
    let agreements = shown_agreements(app, &context.terms.agreements, known, language).await?;
    let title = title(viewer, &context);
    let shown = SignPage {
        page: viewer.page(Section::Projects, &title).with_notice(notice.filter(|_| context.comment.is_none())),
        agreements,
        language,
        action,
        needs_password: !proof_is_fresh(proved_at, clock::now()),
        reviewed: context.dataset.mode.is_reviewed(),
        form,
        context,
    };
    show_with(viewer, status, &shown)
}

/// The agreement's title, or what the agreements are for.
fn title(viewer: &Viewer, context: &SigningContext) -> String {
    if let [one] = context.terms.agreements.as_slice() {
        return one.title.text(viewer.language).to_owned();
    }
    let dataset = context.dataset.title.text(viewer.language);
    viewer.page(Section::Projects, "").text_with("sign-title", "dataset", dataset)
}

/// The agreements in a language, with what changed in them since the versions that the signer knows.
async fn shown_agreements(
    app: &App,
    agreements: &[AgreementVersion],
    (person, shown): (PersonId, Vec<VersionId>),
    language: Language,
) -> Result<Vec<ShownAgreement>, WebError> {
    let agreements = agreements.to_vec();
    let read = move |conn: &mut _| {
        let mut found = Vec::with_capacity(agreements.len());
        for version in agreements {
            let changes = signing::changes(conn, &version, (person, &shown), language)?;
            found.push((version, changes));
        }
        Ok(found)
    };
    let shown = (1..).zip(app.reads.read(read).await?).map(|(place, (version, changes))| {
        let text = version.text(language).cloned().ok_or(WebError::NotFound)?;
        let document = markdown::to_document(&text.body, text.language, place);
        Ok(ShownAgreement { version, text, document, changes })
    });
    shown.collect()
}

fn shown_language(form: &Form, viewer: &Viewer) -> Language {
    Language::from_tag(form.get("language")).unwrap_or(viewer.language)
}

/// `POST /datasets/{slug}/request`: keeps a draft, or signs.
pub async fn post(
    app: web::Data<App>,
    request: HttpRequest,
    slug: web::Path<String>,
    posted: PostedWithFiles,
) -> Result<HttpResponse, WebError> {
    let PostedWithFiles { posted: Posted { mut form, viewer }, faults } = posted;
    let who = viewer.require_signed_in()?.clone();
    let context = context(&app, &who, &slug, wanted(&form)).await?;
    if let Some(asked) = &context.terms.form {
        take_files(&viewer.page(Section::Projects, ""), &mut form, asked, &faults);
    }
    let questions = context.terms.form.iter().flat_map(FormVersion::questions);
    let mut answers = DraftAnswers::parse(questions, form.with_prefix("answer-"));
    if context.terms.project.is_filled_in() {
        answers = answers.with_project(&form::project(&form));
    }
    if form.get("do") != "sign" {
        if form.is_wrong() && wants_html(request.headers()) {
            let status = (None, StatusCode::UNPROCESSABLE_ENTITY);
            form.forget("password");
            return render(&app, &viewer, context, form, who.session.proved_at, status).await;
        }
        let answers = answers.based_on(form.get("draft").parse().ok());
        return keep_draft(&app, &request, &viewer, (who, context, form), answers).await;
    }
    sign(&app, &viewer, who, context, form, answers.answers()).await
}

/// The project that a form names.
fn wanted(form: &Form) -> WantedProject {
    form.get("project").parse().unwrap_or_default()
}

async fn keep_draft(
    app: &App,
    request: &HttpRequest,
    viewer: &Viewer,
    (who, context, mut form): (SignedIn, SigningContext, Form),
    answers: DraftAnswers,
) -> Result<HttpResponse, WebError> {
    let (person, dataset, wanted) = (who.person.id, context.dataset.slug.clone(), wanted(&form));
    let saved = fingerprint(answers.answers());
    match app.ledger.run(move |tx| commands::save_draft(tx, person, (&dataset, wanted), &answers)).await {
        Ok(()) if wants_html(request.headers()) => {
            Ok(go(&format!("/datasets/{}?notice=draft-saved", context.dataset.slug)))
        }
        Ok(()) => Ok(HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(serde_json::json!({ "draft": saved }))),
        Err(ledger::Error::Refused(refusal)) if refusal != Refusal::NotFound && wants_html(request.headers()) => {
            say_refusal(viewer, &context, &mut form, refusal);
            form.forget("password");
            if refusal == Refusal::DraftChanged {
                // Whoever saves once more has been told.
                form.set("draft", &context.draft.to_string());
            }
            render(app, viewer, context, form, who.session.proved_at, (None, StatusCode::CONFLICT)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Says why nothing was done: beside the files, where it is for their sake.
fn say_refusal(viewer: &Viewer, context: &SigningContext, form: &mut Form, refusal: Refusal) {
    let page = viewer.page(Section::Projects, "");
    match &context.terms.form {
        Some(asked) if refusal == Refusal::NoSuchFile => forget_files(&page, form, asked),
        _ => form.fail("", page.text(refusal.key())),
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
    let page = viewer.page(Section::Projects, "");
    let language = shown_language(&form, viewer);
    let signed = form::checked(&page, &context.terms, &mut form, (answers, &who.person), language);
    let proved_at = prove(app, &who, viewer, &page, &mut form).await?;
    form.forget("password");
    let (Some(signed), false) = (signed, form.is_wrong()) else {
        return render(app, viewer, context, form, proved_at, (None, StatusCode::UNPROCESSABLE_ENTITY)).await;
    };
    let asked = (context.dataset.slug.clone(), wanted(&form));
    let submission = submission(viewer, &who, asked, signed, proved_at);
    match app.ledger.run(move |tx| commands::submit(tx, &submission)).await {
        Ok(Submitted { request, stage: Stage::Approved }) => {
            Ok(go(&format!("/requests/{request}?notice=signed-granted")))
        }
        Ok(Submitted { request, .. }) => Ok(go(&format!("/requests/{request}?notice=signed-sent"))),
        // The button was pressed twice: the second press leads where the first one went.
        Err(ledger::Error::Refused(Refusal::AlreadyWaiting | Refusal::AlreadyGranted)) => {
            Ok(go(&elsewhere(&self::context(app, &who, context.dataset.slug.as_str(), wanted(&form)).await?)))
        }
        Err(ledger::Error::Refused(refusal)) => {
            say_refusal(viewer, &context, &mut form, refusal);
            render(app, viewer, context, form, proved_at, (None, StatusCode::CONFLICT)).await
        }
        Err(error) => Err(error.into()),
    }
}

fn submission(
    viewer: &Viewer,
    who: &SignedIn,
    (dataset, project): (Slug, WantedProject),
    form: CompleteForm,
    proved_at: Timestamp,
) -> Submission {
    let (person, origin) = (who.person.id, viewer.origin.clone());
    Submission { person, dataset, project, form, auth_method: AuthMethod::Password, proved_at, origin }
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
