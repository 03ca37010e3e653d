//! Signing, and asking for access; requests of your account.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::catalogue::{AgreementDetail, FormDetail};
use super::exchange::{After, Faults, Listed, Nothing, Sent, created, done, read_json};
use super::project_body::{ProjectBody, pointer};
use crate::app::App;
use crate::clock;
use crate::domain::Timestamp;
use crate::domain::access_request::signing::{
    CompleteForm, ProjectTerms, SigningErrors, SigningForm, Terms, is_same_name,
};
use crate::domain::agreement::AgreementVersion;
use crate::domain::api_token::Scope;
use crate::domain::form::Answers;
use crate::domain::ids::{RequestId, VersionId};
use crate::domain::person::{AuthMethod, proof_is_fresh};
use crate::domain::project::WantedProject;
use crate::domain::text::{Language, Secret, Slug};
use crate::identity::throttle::Attempt;
use crate::ledger::commands::access_requests::{self as commands, MemberSubmission, Submission};
use crate::ledger::commands::sessions::record_proof;
use crate::store::request_lists::{self, RequestLine};
use crate::store::{Cursor, people};
use crate::views::access_requests::{OwnRequest, own};
use crate::views::signing::{self, SigningContext};
use crate::views::timeline::TimelineEntry;
use crate::web::auth::ApiClient;
use crate::web::error::{Fault, WebError};
use crate::web::pages::{count_try, parse_id};

/// A request in a list.
#[derive(Serialize, ToSchema)]
pub struct RequestSummary {
    /// Its id.
    pub id: String,
    /// Where it stands: `draft`, `submitted`, `returned`, `approved`, `rejected`, `withdrawn`.
    pub stage: String,
    /// The dataset that is asked for.
    pub dataset: String,
    /// The project that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Who asks.
    pub applicant: String,
    /// When it was begun (RFC 3339).
    pub created_at: String,
    /// When it was last submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<String>,
}

impl RequestSummary {
    /// A request as the API lists it.
    pub fn of(line: &RequestLine) -> Self {
        Self {
            id: line.id.to_string(),
            stage: line.stage.to_string(),
            dataset: line.dataset.to_string(),
            project: line.project.as_ref().map(|(id, _)| id.to_string()),
            applicant: line.applicant.name.to_string(),
            created_at: line.created_at.to_string(),
            submitted_at: line.submitted_at.map(|at| at.to_string()),
        }
    }
}

/// A step in the history of a request.
#[derive(Serialize, ToSchema)]
pub struct StepDetail {
    /// What was done, such as `submitted` or `vote-approve`.
    pub step: String,
    /// Who did it; empty for the gateway itself.
    pub by: String,
    /// When (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What they said.
    pub comment: String,
    /// Where the event is in the log.
    pub log_index: u64,
}

impl StepDetail {
    /// A step as the API shows it.
    pub fn of(entry: &TimelineEntry) -> Self {
        Self {
            step: entry.step.to_string(),
            by: entry.actor.clone(),
            at: entry.at.map(|at| at.to_string()),
            comment: entry.comment.clone(),
            log_index: entry.index,
        }
    }
}

/// A request of your account, or of its project.
#[derive(Serialize, ToSchema)]
pub struct RequestDetail {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub stage: String,
    /// How often it was submitted.
    pub round: u32,
    /// The dataset that is asked for.
    pub dataset: String,
    /// The project that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Your answers so far, by the id of the question; several values stand one a line.
    pub answers: BTreeMap<String, String>,
    /// Whether it can be withdrawn.
    pub may_withdraw: bool,
    /// The signatures of the reader; `/signatures/ID/receipt.json` is the receipt of each.
    pub signatures: Vec<String>,
    /// Whether the reader may download now.
    pub is_granted: bool,
    /// When the reader's access ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// What was done about it.
    pub history: Vec<StepDetail>,
}

impl RequestDetail {
    fn of(request: &OwnRequest) -> Self {
        let own = &request.stored.request;
        Self {
            id: own.id.to_string(),
            stage: own.stage.to_string(),
            round: own.round,
            dataset: request.dataset.slug.to_string(),
            project: own.project.map(|id| id.to_string()),
            answers: if request.is_applicant { request.stored.answers.clone() } else { Answers::new() },
            may_withdraw: request.may_withdraw(),
            signatures: request.signatures.iter().map(|(signature, _)| signature.record.id.to_string()).collect(),
            is_granted: request.grant_is_active,
            until: request.grant.as_ref().map(|grant| grant.ends_at.to_string()),
            history: request.timeline.iter().map(StepDetail::of).collect(),
        }
    }
}

/// Lists the requests of your account, the newest first.
#[utoipa::path(
    get, path = "/api/v1/requests", tag = "requests", params(After), security(("token" = ["read"])),
    responses((status = 200, description = "A page of requests.", body = Listed<RequestSummary>)),
)]
pub async fn list(app: web::Data<App>, client: ApiClient, params: web::Query<After>) -> Result<HttpResponse, WebError> {
    client.require(Scope::Read)?;
    let (person, after) = (client.person().id, params.into_inner().after.unwrap_or(Cursor::newest()));
    let page = app.reads.read(move |conn| request_lists::of_person(conn, person, &after)).await?;
    Ok(read_json(&Listed::of(page, |line| RequestSummary::of(&line))))
}

/// Reads a request of your account, or of its project.
#[utoipa::path(
    get, path = "/api/v1/requests/{id}", tag = "requests", security(("token" = ["read"])),
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The request.", body = RequestDetail)),
)]
pub async fn read(app: web::Data<App>, client: ApiClient, id: web::Path<String>) -> Result<HttpResponse, WebError> {
    client.require(Scope::Read)?;
    let (person, id) = (client.person().id, parse_id::<RequestId>(&id)?);
    let archive = app.log_archive.clone();
    let found = app.reads.read(move |conn| own(conn, &archive, id, person, clock::now())).await?;
    Ok(read_json(&RequestDetail::of(&found.ok_or(WebError::NotFound)?)))
}

/// What has to be signed and filled in.
#[derive(Serialize, ToSchema)]
pub struct TermsDetail {
    /// The agreements, each to be accepted in the version given here.
    pub agreements: Vec<AgreementDetail>,
    /// The form to fill in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<FormDetail>,
    /// What is asked about the project: `not-asked`, `asked`, `editable`, `settled`.
    pub project: String,
    /// The project that it is about, where there is one already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// What that project says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_description: Option<ProjectBody>,
    /// Whether it can be signed now.
    pub may_sign: bool,
}

impl TermsDetail {
    fn of(context: &SigningContext) -> Self {
        let project = match context.terms.project {
            ProjectTerms::NotAsked => "not-asked",
            ProjectTerms::Asked => "asked",
            ProjectTerms::Editable(_) => "editable",
            ProjectTerms::Settled(_) => "settled",
        };
        Self {
            agreements: context.terms.agreements.iter().map(AgreementDetail::of).collect(),
            form: context.terms.form.as_ref().map(FormDetail::of),
            project: project.into(),
            project_id: context.terms.project.project().map(|project| project.id.to_string()),
            project_description: context.terms.project.project().map(|project| ProjectBody::of(&project.description)),
            may_sign: context.may_sign(),
        }
    }
}

async fn context(
    app: &App,
    client: &ApiClient,
    slug: &Slug,
    wanted: WantedProject,
) -> Result<SigningContext, WebError> {
    let (archive, person, slug) = (app.log_archive.clone(), client.person().id, slug.clone());
    let read = move |conn: &mut _| signing::context(conn, &archive, &slug, person, (wanted, clock::now()));
    app.reads.read(read).await?.ok_or(WebError::NotFound)
}

/// For which project to ask.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProjectParams {
    /// A project's id, `new`, or that of the newest request where absent.
    #[serde(default)]
    project: String,
}

/// Reads what you have to sign and fill in for a dataset.
#[utoipa::path(
    get, path = "/api/v1/datasets/{slug}/terms", tag = "requests", security(("token" = ["apply"])),
    params(("slug" = String, Path, description = "The dataset's name"), ProjectParams),
    responses((status = 200, description = "The terms in force.", body = TermsDetail)),
)]
pub async fn terms(
    app: web::Data<App>,
    client: ApiClient,
    slug: web::Path<String>,
    params: web::Query<ProjectParams>,
) -> Result<HttpResponse, WebError> {
    client.require(Scope::Apply)?;
    let wanted = params.project.parse().map_err(|_| WebError::BadRequest("problem-bad-request-detail"))?;
    let context = context(&app, &client, &parse_id(&slug)?, wanted).await?;
    Ok(read_json(&TermsDetail::of(&context)))
}

/// A version of an agreement that is signed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedBody {
    /// The id of the version.
    version: String,
    /// That the signer agrees, in the words of its `statement`.
    accepts: bool,
    /// That the signer consents to sign electronically, in the words of its `consent`.
    consents: bool,
}

/// An answer: a text, or several values.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub enum AnswerBody {
    /// One text or value.
    One(String),
    /// The values that are chosen.
    Several(Vec<String>),
}

/// A signature, and what is asked for with it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestBody {
    /// The project that it is for: its id, `new`, or that of the newest request where absent.
    #[serde(default)]
    project: String,
    /// What the project is, where that is asked.
    project_description: Option<ProjectBody>,
    /// The answers, by the id of the question.
    #[serde(default)]
    answers: BTreeMap<String, AnswerBody>,
    /// The id of the version of the form that is filled in.
    form: Option<String>,
    /// The agreements that are signed, in the version that was read.
    agreements: Vec<SignedBody>,
    /// The language of the texts that were read, such as `en`.
    language: String,
    /// The signer's name, as on a signature line.
    name: String,
    /// The password: a signature is a person's, not a program's. Not needed in a session that proved it in the last quarter of
    /// an hour.
    password: Option<String>,
}

/// A request that was sent.
#[derive(Serialize, ToSchema)]
pub struct SentRequest {
    /// Its id.
    pub id: String,
    /// Where it is read.
    pub location: String,
    /// Where it stands: `approved` where signing is enough, else `submitted`.
    pub stage: String,
}

/// What was signed and filled in, if nothing is missing.
fn checked(terms: &Terms, body: &RequestBody, client: &ApiClient) -> Result<CompleteForm, WebError> {
    let answer = |answer: &AnswerBody| match answer {
        AnswerBody::One(text) => text.clone(),
        AnswerBody::Several(values) => values.join("\n"),
    };
    let answers: Answers = body.answers.iter().map(|(id, given)| (id.clone(), answer(given))).collect();
    let versions = |chosen: fn(&SignedBody) -> bool| -> Vec<VersionId> {
        body.agreements.iter().filter(|one| chosen(one)).filter_map(|one| one.version.parse().ok()).collect()
    };
    let language = Language::from_tag(&body.language);
    let is_there = |language: Language| {
        let has = |version: &AgreementVersion| {
            version.texts.len() == 1 || version.texts.iter().any(|text| text.language == language)
        };
        terms.agreements.iter().all(has)
    };
    // What is recorded as signed is the text that was named, and no other that there happens to be.
    let language = language.filter(|language| is_there(*language));
    let language = language.ok_or_else(|| Faults::one("/language", Fault::Message("error-no-such-language")))?;
    if body.project_description.is_some() && !terms.project.is_filled_in() {
        return Err(Faults::one("/project_description", Fault::Message("error-project-settled")));
    }
    let given = SigningForm {
        shown: &versions(|_| true),
        language,
        form_version: body.form.as_deref().and_then(|id| id.parse().ok()),
        answers: &answers,
        project: &body.project_description.as_ref().map(ProjectBody::form).unwrap_or_default(),
        accepted: &versions(|one| one.accepts),
        consented: &versions(|one| one.consents),
        typed_name: &body.name,
        account_name: client.person().name.as_str(),
        // There is nobody to ask: a name that is not the account's is refused.
        name_confirmed: is_same_name(&body.name, client.person().name.as_str()),
    };
    CompleteForm::parse(terms, &given).map_err(|errors| faults(&errors).into_error())
}

fn faults(errors: &SigningErrors) -> Faults {
    let mut faults = Faults::default();
    for (id, error) in &errors.answers {
        faults.add(&format!("/answers/{id}"), Fault::Text(*error));
    }
    for (field, error) in &errors.project {
        faults.add(&pointer("/project_description", *field), Fault::Text(*error));
    }
    if !errors.not_accepted.is_empty() {
        faults.add("/agreements", Fault::Message("error-accept"));
    }
    if !errors.not_consented.is_empty() {
        faults.add("/agreements", Fault::Message("error-consent"));
    }
    if !errors.not_shown.is_empty() {
        faults.add("/agreements", Fault::Message("refusal-version-changed"));
    }
    if errors.form_changed {
        faults.add("/form", Fault::Message("refusal-form-changed"));
    }
    if errors.name_differs {
        faults.add("/name", Fault::Message("error-name-is-not-the-accounts"));
    }
    if let Some(error) = errors.typed_name {
        faults.add("/name", Fault::Text(error));
    }
    faults
}

/// When the signer proved who they are; with a token, by the password in the body.
async fn prove(app: &App, client: &ApiClient, password: Option<&String>) -> Result<Timestamp, WebError> {
    let now = clock::now();
    if let Some(proved_at) = client.proved_at.filter(|at| proof_is_fresh(*at, now)) {
        return Ok(proved_at);
    }
    let Some(typed) = password else { return Err(Faults::one("/password", Fault::Message("refusal-proof-too-old"))) };
    let (person, attempt) = (client.person().id, Attempt::Prove(client.person().id));
    count_try(app, (Some(client.person()), &client.origin), attempt)
        .map_err(|wait| WebError::Throttled(wait.whole_seconds().unsigned_abs()))?;
    let hash = app.reads.read(move |conn| people::password_hash(conn, person)).await?;
    let right = app.passwords.verify(client.origin.network(), Secret::new(typed.as_str()), Some(hash.clone())).await;
    if right.is_err() {
        app.throttle.give_back(attempt);
    }
    if !right? {
        return Err(Faults::one("/password", Fault::Message("error-password-wrong")));
    }
    app.throttle.forgive(attempt);
    let origin = client.origin.clone();
    app.ledger.run(move |tx| record_proof(tx, person, &hash, &origin)).await?;
    Ok(now)
}

/// Signs the agreements of a dataset and asks for access to it.
#[utoipa::path(
    post, path = "/api/v1/datasets/{slug}/requests", tag = "requests", security(("token" = ["apply"])),
    params(("slug" = String, Path, description = "The dataset's name")), request_body = RequestBody,
    responses((status = 201, description = "It is signed and sent.", body = SentRequest)),
)]
pub async fn sign(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: Sent<RequestBody>,
) -> Result<HttpResponse, WebError> {
    sent.client.require(Scope::Apply)?;
    let (client, slug) = (&sent.client, parse_id::<Slug>(&slug)?);
    if let Some(answer) = sent.answered_before(&app).await? {
        // Whatever the terms are by now.
        return Ok(sent_request(&answer));
    }
    let wanted: WantedProject =
        sent.body.project.parse().map_err(|error| Faults::one("/project", Fault::Text(error)))?;
    let context = context(&app, client, &slug, wanted).await?;
    let form = checked(&context.terms, &sent.body, client)?;
    let proved_at = prove(&app, client, sent.body.password.as_ref()).await?;
    let submission = Submission {
        person: client.person().id,
        dataset: context.dataset.slug.clone(),
        project: wanted,
        form,
        auth_method: AuthMethod::Password,
        proved_at,
        origin: client.origin.clone(),
    };
    let submit = move |tx: &mut crate::ledger::Tx<'_>| {
        let submitted = commands::submit(tx, &submission)?;
        Ok(format!("{} {}", submitted.request, submitted.stage))
    };
    Ok(sent_request(&sent.run(&app, submit).await?))
}

/// What is answered to a request that was sent: its id and stage, with a space between.
fn sent_request(answer: &str) -> HttpResponse {
    let (id, stage) = answer.split_once(' ').unwrap_or((answer, ""));
    let location = format!("/api/v1/requests/{id}");
    created(StatusCode::CREATED, &location.clone(), &SentRequest { id: id.into(), location, stage: stage.into() })
}

/// A signature of another member of the project.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignatureBody {
    /// The agreements that are signed, in the version that was read.
    agreements: Vec<SignedBody>,
    /// The language of the texts that were read, such as `en`.
    language: String,
    /// The signer's name, as on a signature line.
    name: String,
    /// The password: a signature is a person's, not a program's.
    password: Option<String>,
}

/// Signs as another member of the project that a request is for.
#[utoipa::path(
    post, path = "/api/v1/requests/{id}/signatures", tag = "requests", security(("token" = ["apply"])),
    params(("id" = String, Path, description = "Its id")), request_body = SignatureBody,
    responses((status = 204, description = "It is signed.")),
)]
pub async fn sign_as_member(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: Sent<SignatureBody>,
) -> Result<HttpResponse, WebError> {
    sent.client.require(Scope::Apply)?;
    let (person, id) = (sent.client.person().id, parse_id::<RequestId>(&id)?);
    if sent.answered_before(&app).await?.is_some() {
        return Ok(done());
    }
    let read = move |conn: &mut _| signing::member_context(conn, id, person, clock::now());
    let context = app.reads.read(read).await?.ok_or(WebError::NotFound)?;
    // Nothing is asked of a member but the signature.
    let terms = Terms { project: ProjectTerms::NotAsked, ..context.terms };
    let Sent { body: SignatureBody { agreements, language, name, password }, .. } = &sent;
    let signed = agreements.iter().map(|one| SignedBody {
        version: one.version.clone(),
        accepts: one.accepts,
        consents: one.consents,
    });
    let body = RequestBody {
        project: String::new(),
        project_description: None,
        answers: BTreeMap::new(),
        form: None,
        agreements: signed.collect(),
        language: language.clone(),
        name: name.clone(),
        password: None,
    };
    let form = checked(&terms, &body, &sent.client)?;
    let proved_at = prove(&app, &sent.client, password.as_ref()).await?;
    let origin = sent.client.origin.clone();
    let auth_method = AuthMethod::Password;
    let submission = MemberSubmission { person, request: id, form, auth_method, proved_at, origin };
    sent.act(&app, move |tx| commands::sign_as_member(tx, &submission)).await
}

/// Takes a request back.
#[utoipa::path(
    post, path = "/api/v1/requests/{id}/withdraw", tag = "requests", security(("token" = ["apply"])),
    params(("id" = String, Path, description = "Its id")), responses((status = 204, description = "It is withdrawn.")),
)]
pub async fn withdraw(
    app: web::Data<App>,
    id: web::Path<String>,
    sent: Sent<Nothing>,
) -> Result<HttpResponse, WebError> {
    sent.client.require(Scope::Apply)?;
    let (person, id) = (sent.client.person().id, parse_id::<RequestId>(&id)?);
    sent.act(&app, move |tx| commands::withdraw(tx, person, id)).await
}
