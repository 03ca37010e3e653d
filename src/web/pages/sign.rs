//! Signing the agreement and asking for access. A draft survives leaving the page.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::catalogue::with_agreement;
use super::identity::may_try;
use crate::domain::access_request::Stage;
use crate::domain::agreement::{AgreementText, AgreementVersion, Answers, Question, QuestionKind, check_answers};
use crate::domain::dataset::{AccessMode, Dataset};
use crate::domain::ids::RequestId;
use crate::domain::person::SIGNING_PROOF_AGE;
use crate::domain::text::{Language, PersonName, Secret, Slug};
use crate::domain::{Instant, Refusal};
use crate::identity::throttle::PER_ACCOUNT;
use crate::ledger;
use crate::ledger::commands::{requests as commands, sessions};
use crate::store::{grants, people, requests};
use crate::web::failure::{Failure, wants_html};
use crate::web::form::{Form, Posted, text_error};
use crate::web::markdown;
use crate::web::page::{Here, Page, go, show_with};
use crate::web::state::App;
use crate::web::viewer::{SignedIn, Viewer};

#[derive(Template)]
#[template(path = "requests/sign.html")]
struct SignPage {
    page: Page,
    form: Form,
    dataset: Dataset,
    version: AgreementVersion,
    text: AgreementText,
    body: String,
    request: Option<RequestId>,
    comment: Option<String>,
    needs_password: bool,
    reviewed: bool,
}

impl SignPage {
    /// The name of a question's field.
    fn field(&self, question: &Question) -> String {
        format!("answer-{}", question.id)
    }

    /// The question, and that it may be left empty.
    fn label(&self, question: &Question) -> String {
        let label = question.label.text(self.page.language);
        if question.required { label.to_owned() } else { self.page.tx("answer-optional", "question", label) }
    }

    fn hint<'a>(&self, question: &'a Question) -> &'a str {
        question.hint_text(self.page.language)
    }

    /// The exact words agreed to: those of the text's language.
    fn statement(&self) -> &str {
        self.version.statement.text(self.text.language)
    }

    fn consent(&self) -> &str {
        self.version.consent.text(self.text.language)
    }
}

/// `GET /datasets/{slug}/request`
pub async fn show(app: web::Data<App>, viewer: Viewer, slug: web::Path<String>) -> Result<HttpResponse, Failure> {
    let who = viewer.required()?;
    let slug: Slug = slug.parse().map_err(|_| Failure::NotFound)?;
    let (dataset, version) = with_agreement(&app, slug).await?;
    let latest = latest(&app, who, &dataset).await?;
    if let Some(stored) = &latest
        && stored.request.stage == Stage::Submitted
    {
        return Ok(go(&format!("/requests/{}", stored.request.id)));
    }
    let (person, id) = (who.person.id, dataset.id);
    let grant = app.reads.read(move |conn| grants::latest(conn, person, id)).await?;
    if grant.is_some_and(|grant| !grant.is_renewable(Instant::now())) {
        return Ok(go(&format!("/datasets/{}?said=granted-already", dataset.slug)));
    }
    let draft = latest.filter(|stored| !stored.request.stage.is_final());
    let mut values: Vec<(String, String)> = draft
        .iter()
        .flat_map(|stored| stored.answers.iter().map(|(id, answer)| (format!("answer-{id}"), answer.clone())))
        .collect();
    if let Some(affiliation) = who.person.affiliation.as_ref().filter(|_| draft.is_none()) {
        values.push(("answer-institution".into(), affiliation.clone()));
    }
    let said = if draft.is_some() { Some("draft-kept") } else { None };
    render(&app, &viewer, dataset, version, Form::filled(values), said, StatusCode::OK).await
}

async fn latest(app: &App, who: &SignedIn, dataset: &Dataset) -> Result<Option<requests::StoredRequest>, Failure> {
    let (person, dataset) = (who.person.id, dataset.id);
    Ok(app.reads.read(move |conn| requests::latest(conn, person, dataset)).await?)
}

async fn render(
    app: &App,
    viewer: &Viewer,
    dataset: Dataset,
    version: AgreementVersion,
    form: Form,
    said: Option<&str>,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let who = viewer.required()?;
    // Shown again in the language it was shown in: the signature is on that text.
    let wanted = Language::from_tag(form.get("language")).unwrap_or(viewer.language);
    let text = version.text(wanted).cloned().ok_or(Failure::NotFound)?;
    let latest = latest(app, who, &dataset).await?.filter(|stored| !stored.request.stage.is_final());
    let request = latest.as_ref().map(|stored| stored.request.id);
    let comment = match &latest {
        Some(stored) if stored.request.stage == Stage::Returned => {
            let id = stored.request.id;
            let archive = app.log_archive.clone();
            app.reads.read(move |conn| super::timeline::last_comment(conn, &archive, id)).await?
        }
        _ => None,
    };
    let page =
        viewer.page(Here::Requests, version.title.text(viewer.language)).saying(said.filter(|_| comment.is_none()));
    let shown = SignPage {
        body: markdown::to_html(&text.body),
        needs_password: Instant::now() - who.session.proved_at > SIGNING_PROOF_AGE,
        reviewed: dataset.mode == AccessMode::Approval,
        page,
        form,
        dataset,
        version,
        text,
        request,
        comment,
    };
    show_with(viewer, status, &shown)
}

/// `POST /datasets/{slug}/request`: keeps a draft, or signs.
pub async fn post(
    app: web::Data<App>,
    request: HttpRequest,
    slug: web::Path<String>,
    posted: Posted,
) -> Result<HttpResponse, Failure> {
    let Posted { form, viewer } = posted;
    let who = viewer.required()?.clone();
    let slug: Slug = slug.parse().map_err(|_| Failure::NotFound)?;
    let (dataset, version) = with_agreement(&app, slug).await?;
    let given = given_answers(&form, &version.questions);
    if form.get("do") != "sign" {
        return keep_draft(&app, &request, &who, dataset.slug, given).await;
    }
    sign(&app, viewer, who, dataset, version, form, given).await
}

/// What was typed, with nothing checked but that it can be kept.
fn given_answers(form: &Form, questions: &[Question]) -> Answers {
    let asked = |id: &str| questions.iter().any(|question| question.id.as_str() == id);
    form.with_prefix("answer-")
        .filter(|(id, text)| asked(id) && !text.trim().is_empty())
        .map(|(id, text)| {
            let kept = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).take(20_000).collect();
            (id.to_owned(), kept)
        })
        .collect()
}

async fn keep_draft(
    app: &App,
    request: &HttpRequest,
    who: &SignedIn,
    slug: Slug,
    answers: Answers,
) -> Result<HttpResponse, Failure> {
    let (person, dataset) = (who.person.id, slug.clone());
    app.ledger.run(move |tx| commands::save_draft(tx, person, &dataset, &answers)).await?;
    if wants_html(request.headers()) {
        return Ok(go(&format!("/datasets/{slug}?said=draft-saved")));
    }
    Ok(HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish())
}

async fn sign(
    app: &App,
    viewer: Viewer,
    who: SignedIn,
    dataset: Dataset,
    version: AgreementVersion,
    mut form: Form,
    given: Answers,
) -> Result<HttpResponse, Failure> {
    let page = viewer.page(Here::Requests, "");
    let answers = check_answers(&version.questions, &given);
    if let Err(errors) = &answers {
        for question in &version.questions {
            if let Some(error) = errors.get(question.id.as_str()) {
                let message = answer_error(&page, question, *error);
                form.fail(&format!("answer-{}", question.id), message);
            }
        }
    }
    for name in ["accept", "consent"] {
        if !form.chose(name, "yes") {
            form.fail(name, page.t(format!("error-{name}")));
        }
    }
    let typed_name: Option<PersonName> = {
        let parsed = form.get("typed_name").parse();
        form.check(&page, "typed_name", parsed)
    };
    if form.get("version") != version.id.to_string() {
        form.fail("", page.t(Refusal::VersionChanged.key()));
    }
    let proved_at = prove(app, &who, &viewer, &page, &mut form).await?;
    form.forget("password");
    let (Ok(answers), Some(typed_name), false) = (answers, typed_name, form.is_wrong()) else {
        return render(app, &viewer, dataset, version, form, None, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let submission = commands::Submission {
        person: who.person.id,
        dataset: dataset.slug.clone(),
        version: version.id,
        language: Language::from_tag(form.get("language")).unwrap_or(viewer.language),
        answers,
        typed_name,
        proved_at,
        origin: viewer.origin.clone(),
    };
    match app.ledger.run(move |tx| commands::submit(tx, &submission)).await {
        Ok(done) => {
            let said = if done.stage == Stage::Approved { "signed-granted" } else { "signed-sent" };
            Ok(go(&format!("/requests/{}?said={said}", done.request)))
        }
        Err(ledger::Error::Refused(refusal)) => {
            form.fail("", page.t(refusal.key()));
            render(app, &viewer, dataset, version, form, None, StatusCode::CONFLICT).await
        }
        Err(error) => Err(error.into()),
    }
}

fn answer_error(page: &Page, question: &Question, error: crate::domain::text::TextError) -> String {
    let label = question.label.text(page.language);
    let what = match (&question.kind, error) {
        (QuestionKind::Long { .. }, crate::domain::text::TextError::TooShort(least)) => {
            page.tn("error-answer-too-short", least as u64)
        }
        (QuestionKind::Choice { .. }, _) => page.t("error-answer-choose"),
        (QuestionKind::Date, _) => page.t("error-answer-date"),
        (QuestionKind::Checkbox, _) => page.t("error-answer-tick"),
        (_, error) => text_error(page, "answer", error),
    };
    page.txx("error-in-answer", "question", label, "what", &what)
}

/// When the signer last proved who they are; asks for the password when that is too long ago.
async fn prove(app: &App, who: &SignedIn, viewer: &Viewer, page: &Page, form: &mut Form) -> Result<Instant, Failure> {
    let now = Instant::now();
    if now - who.session.proved_at <= SIGNING_PROOF_AGE {
        return Ok(who.session.proved_at);
    }
    let id = who.person.id;
    let key = format!("prove {id}");
    if form.get("password").is_empty() {
        // The page may have been opened while the last proof was still fresh: that is no wrong password.
        form.fail("password", page.t(Refusal::ProofTooOld.key()));
        return Ok(who.session.proved_at);
    }
    if !may_try(app, page, form, &key, PER_ACCOUNT) {
        return Ok(who.session.proved_at);
    }
    let hash = app.reads.read(move |conn| people::password_hash(conn, id)).await?;
    if !app.passwords.verify(Secret::new(form.get("password")), Some(hash)).await? {
        form.fail("password", page.t("error-password-wrong"));
        return Ok(who.session.proved_at);
    }
    app.throttle.forgive(&key);
    let (session, origin) = (who.session.token_hash, viewer.origin.clone());
    app.ledger.run(move |tx| sessions::prove(tx, id, session, &origin)).await?;
    Ok(now)
}
