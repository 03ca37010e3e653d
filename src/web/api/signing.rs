//! Signing, and asking for access.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::agreements::AgreementDetail;
use super::answer::{created, done, read_json};
use super::field_errors::FieldErrors;
use super::forms::FormDetail;
use super::project_body::{ProjectBody, pointer};
use super::request::ApiRequest;
use crate::app::App;
use crate::clock;
use crate::domain::Timestamp;
use crate::domain::access_request::signing::{
    CompleteForm, ProjectTerms, SigningErrors, SigningForm, Terms, is_same_name,
};
use crate::domain::form::Answers;
use crate::domain::ids::{RequestId, VersionId};
use crate::domain::person::{AuthMethod, proof_is_fresh};
use crate::domain::project::WantedProject;
use crate::domain::text::{Language, Secret, Slug};
use crate::ledger::Tx;
use crate::ledger::commands::access_requests::{self as commands, OwnSignature, Submission};
use crate::ledger::commands::sessions::record_proof;
use crate::views::signing::{self, SigningContext};
use crate::web::auth::{ApiClient, PasswordCheck, ScopedClient, check_password, scope};
use crate::web::error::{Fault, WebError};
use crate::web::pages::parse_id;

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
    client: ScopedClient<scope::Apply>,
    slug: web::Path<String>,
    params: web::Query<ProjectParams>,
) -> Result<HttpResponse, WebError> {
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

/// A signature, with what was filled in beside it.
struct Signed<'a> {
    agreements: &'a [SignedBody],
    language: &'a str,
    name: &'a str,
    form: Option<&'a str>,
    answers: Answers,
    project: Option<&'a ProjectBody>,
}

impl RequestBody {
    fn signed(&self) -> Signed<'_> {
        let answer = |answer: &AnswerBody| match answer {
            AnswerBody::One(text) => text.clone(),
            AnswerBody::Several(values) => values.join("\n"),
        };
        Signed {
            agreements: &self.agreements,
            language: &self.language,
            name: &self.name,
            form: self.form.as_deref(),
            answers: self.answers.iter().map(|(id, given)| (id.clone(), answer(given))).collect(),
            project: self.project_description.as_ref(),
        }
    }
}

impl SignatureBody {
    fn signed(&self) -> Signed<'_> {
        let Self { agreements, language, name, .. } = self;
        Signed { agreements, language, name, form: None, answers: Answers::new(), project: None }
    }
}

/// What was signed and filled in, if nothing is missing.
fn checked(terms: &Terms, signed: &Signed<'_>, client: &ApiClient) -> Result<CompleteForm, WebError> {
    let versions = |chosen: fn(&SignedBody) -> bool| -> Vec<VersionId> {
        signed.agreements.iter().filter(|one| chosen(one)).filter_map(|one| one.version.parse().ok()).collect()
    };
    let language = Language::from_tag(signed.language).filter(|language| terms.are_readable_in(*language));
    let no_such_language = || FieldErrors::one("/language", Fault::Message("error-no-such-language"));
    if signed.project.is_some() && !terms.project.is_filled_in() {
        return Err(FieldErrors::one("/project_description", Fault::Message("error-project-settled")));
    }
    let given = SigningForm {
        shown: &versions(|_| true),
        language: language.ok_or_else(no_such_language)?,
        form_version: signed.form.and_then(|id| id.parse().ok()),
        answers: &signed.answers,
        project: &signed.project.map(ProjectBody::form).unwrap_or_default(),
        accepted: &versions(|one| one.accepts),
        consented: &versions(|one| one.consents),
        typed_name: signed.name,
        account_name: client.person().name.as_str(),
        // There is nobody to ask: a name that is not the account's is refused.
        name_confirmed: is_same_name(signed.name, client.person().name.as_str()),
    };
    CompleteForm::parse(terms, &given).map_err(|errors| field_errors(&errors).into_error())
}

fn field_errors(wrong: &SigningErrors) -> FieldErrors {
    let mut errors = FieldErrors::default();
    for (id, error) in &wrong.answers {
        errors.add(&format!("/answers/{id}"), Fault::Text(*error));
    }
    for (field, error) in &wrong.project {
        errors.add(&pointer("/project_description", *field), Fault::Text(*error));
    }
    if !wrong.not_accepted.is_empty() {
        errors.add("/agreements", Fault::Message("error-accept"));
    }
    if !wrong.not_consented.is_empty() {
        errors.add("/agreements", Fault::Message("error-consent"));
    }
    if !wrong.not_shown.is_empty() {
        errors.add("/agreements", Fault::Message("refusal-version-changed"));
    }
    if wrong.form_changed {
        errors.add("/form", Fault::Message("refusal-form-changed"));
    }
    if wrong.name_differs {
        errors.add("/name", Fault::Message("error-name-is-not-the-accounts"));
    }
    if let Some(error) = wrong.typed_name {
        errors.add("/name", Fault::Text(error));
    }
    errors
}

/// When the signer proved who they are; with a token, by the password in the body.
async fn prove(app: &App, client: &ApiClient, password: Option<&String>) -> Result<Timestamp, WebError> {
    let now = clock::now();
    if let Some(proved_at) = client.proved_at.filter(|at| proof_is_fresh(*at, now)) {
        return Ok(proved_at);
    }
    let Some(typed) = password else {
        return Err(FieldErrors::one("/password", Fault::Message("refusal-proof-too-old")));
    };
    let person = client.person().id;
    let asking = (Some(client.person()), &client.origin);
    let hash = match check_password(app, asking, person, Secret::new(typed.as_str())).await? {
        PasswordCheck::Right(hash) => hash,
        PasswordCheck::Wrong => return Err(FieldErrors::one("/password", Fault::Message("error-password-wrong"))),
        PasswordCheck::TooMany(wait) => return Err(WebError::Throttled(wait.whole_seconds().unsigned_abs())),
    };
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
    sent: ApiRequest<scope::Apply, RequestBody>,
) -> Result<HttpResponse, WebError> {
    let (client, slug) = (&sent.client, parse_id::<Slug>(&slug)?);
    if let Some(answer) = sent.answered_before(&app).await? {
        // Whatever the terms are by now.
        return Ok(sent_request(&answer));
    }
    let wanted: WantedProject =
        sent.body.project.parse().map_err(|error| FieldErrors::one("/project", Fault::Text(error)))?;
    let context = context(&app, client, &slug, wanted).await?;
    let form = checked(&context.terms, &sent.body.signed(), client)?;
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
    let submit = move |tx: &mut Tx<'_>| {
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

/// What somebody signs for themselves.
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
    sent: ApiRequest<scope::Apply, SignatureBody>,
) -> Result<HttpResponse, WebError> {
    let (person, id) = (sent.client.person().id, parse_id::<RequestId>(&id)?);
    if sent.answered_before(&app).await?.is_some() {
        return Ok(done());
    }
    let read = move |conn: &mut _| signing::member_context(conn, id, person, clock::now());
    let context = app.reads.read(read).await?.ok_or(WebError::NotFound)?;
    let signature = own_signature(&app, (id, context), &sent).await?;
    sent.act(&app, move |tx| commands::sign_as_member(tx, &signature)).await
}

/// What somebody signs for themselves: nothing is asked but the signature.
pub(super) async fn own_signature(
    app: &App,
    (request, context): (RequestId, SigningContext),
    sent: &ApiRequest<scope::Apply, SignatureBody>,
) -> Result<OwnSignature, WebError> {
    let terms = Terms { project: ProjectTerms::NotAsked, ..context.terms };
    let form = checked(&terms, &sent.body.signed(), &sent.client)?;
    let proved_at = prove(app, &sent.client, sent.body.password.as_ref()).await?;
    let (person, origin) = (sent.client.person().id, sent.client.origin.clone());
    Ok(OwnSignature { person, request, form, auth_method: AuthMethod::Password, proved_at, origin })
}
