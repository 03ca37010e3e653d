//! The datasets that organisations hold: describing, publishing and suspending them, and changing their releases.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::dataset_body::DatasetBody;
use super::organisation;
use crate::app::App;
use crate::clock;
use crate::domain::Timestamp;
use crate::domain::comment::Reason;
use crate::domain::dataset::{RetirementChange, SuspensionChange};
use crate::domain::text::{Slug, TextError};
use crate::ledger::commands::datasets as commands;
use crate::ledger::commands::datasets::EditBasis;
use crate::ledger::commands::releases::{ReleaseChange, change_as_steward};
use crate::store::Cursor;
use crate::store::dataset_lists::DatasetQuery;
use crate::views::changed_files::{ChangedFile, since_last_import};
use crate::views::manage::{DatasetDesk, desk, listed, named};
use crate::web::api::answer::{BatchDetail, Created, ListBody, read_json, read_tagged};
use crate::web::api::datasets::{DatasetSummary, RetirementDetail};
use crate::web::api::field_errors::FieldErrors;
use crate::web::api::releases::ReleaseDetail;
use crate::web::api::request::{ApiRequest, EmptyBody, chosen_or_default};
use crate::web::auth::{ApiClient, ScopedClient, scope};
use crate::web::error::{Fault, WebError};
use crate::web::pages::{parse_id, tidy};

/// A dataset as those list it who run its organisation.
#[derive(Serialize, ToSchema)]
pub struct ManagedSummary {
    /// What everybody may read of it.
    #[serde(flatten)]
    pub summary: DatasetSummary,
    /// The organisation that holds it.
    pub organisation: String,
    /// `draft`, `published`, `suspended` or `retired`.
    pub state: String,
    /// Whether everybody sees it; a draft only those who run its organisation.
    pub is_published: bool,
}

/// A search of the datasets of organisations.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ManagedParams {
    /// Words, each of which must occur somewhere.
    #[serde(default)]
    q: String,
    /// `draft`, `published`, `suspended` or `retired`; all of them without it.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    state: String,
    /// `catalogue` or `edited-last`, by its description; as in the catalogue without it.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    order: String,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<Cursor>,
}

/// Lists the datasets of the organisations that the account runs, drafts too.
#[utoipa::path(
    get, path = "/api/v1/manage/datasets", tag = "manage", params(ManagedParams), security(("token" = ["steward"])),
    responses((status = 200, description = "A page of datasets.", body = ListBody<ManagedSummary>)),
)]
pub async fn list(
    app: web::Data<App>,
    client: ScopedClient<scope::Steward>,
    params: web::Query<ManagedParams>,
) -> Result<HttpResponse, WebError> {
    let scope = client.manage_scope()?;
    let ManagedParams { q, state, order, after } = params.into_inner();
    let (selection, order) = (chosen_or_default(&state)?, chosen_or_default(&order)?);
    let wanted = DatasetQuery { scope, text: tidy(Some(&q)), selection, order };
    let page = app.reads.read(move |conn| listed(conn, &wanted, after.as_ref())).await?;
    Ok(read_json(&ListBody::of(page, |(dataset, organisation)| ManagedSummary {
        summary: DatasetSummary::of(&dataset),
        organisation: organisation.to_string(),
        state: dataset.state().to_string(),
        is_published: dataset.is_published(),
    })))
}

/// A dataset with everything that is done with it.
#[derive(Serialize, ToSchema)]
pub struct ManagedDetail {
    /// What it is: sent back as it is, it changes nothing.
    pub dataset: DatasetBody,
    /// The organisation that holds it.
    pub organisation: String,
    /// Whether everybody sees it.
    pub is_published: bool,
    /// The organisation that it is offered to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offered_to: Option<String>,
    /// What a draft lacks before it can be published.
    pub missing: Vec<String>,
    /// Whether nothing of it is delivered now.
    pub is_suspended: bool,
    /// That it is no longer offered, if it has been retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired: Option<RetirementDetail>,
    /// Its newest releases.
    pub releases: Vec<ReleaseDetail>,
    /// Files that were asked for since the last import and are no longer what was imported.
    pub changed_files: Vec<ChangedFileDetail>,
    /// When its record last changed (RFC 3339).
    pub updated_at: String,
}

/// A file that is no longer what was imported, and so is not delivered.
#[derive(Serialize, ToSchema)]
pub struct ChangedFileDetail {
    /// Its path.
    pub path: String,
    /// What is different about it: `gone`, `not-a-file`, `outside-root`, `shorter`, `size`, `time`, `tag`, `hash` or
    /// `imported-again`.
    pub why: &'static str,
    /// When that was last noticed (RFC 3339).
    pub noticed_at: String,
}

impl From<&ChangedFile> for ChangedFileDetail {
    fn from(file: &ChangedFile) -> Self {
        Self { path: file.path.clone(), why: file.why.as_str(), noticed_at: file.at.to_string() }
    }
}

/// A dataset that the client may see.
pub(super) async fn load(app: &App, client: &ApiClient, slug: &str) -> Result<DatasetDesk, WebError> {
    let (scope, slug, reader) = (client.manage_scope()?, parse_id::<Slug>(slug)?, client.reader.clone());
    app.reads.read(move |conn| desk(conn, (&slug, &scope), &reader)).await?.ok_or(WebError::NotFound)
}

/// A dataset that the client may change.
pub(super) async fn load_to_change(app: &App, client: &ApiClient, slug: &str) -> Result<DatasetDesk, WebError> {
    let desk = load(app, client, slug).await?;
    if desk.may_change { Ok(desk) } else { Err(WebError::NotFound) }
}

/// Reads a dataset, which may be a draft.
#[utoipa::path(
    get, path = "/api/v1/manage/datasets/{slug}", tag = "manage", security(("token" = ["steward"])),
    params(("slug" = String, Path, description = "Its name")),
    responses((status = 200, description = "The dataset. Its ETag is what an edit names.", body = ManagedDetail)),
)]
pub async fn read(
    app: web::Data<App>,
    client: ScopedClient<scope::Steward>,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let desk = load(&app, &client, &slug).await?;
    let (dataset, archive) = (desk.managed.dataset.clone(), app.log_archive.clone());
    let read = move |conn: &mut _| Ok((named(conn, &dataset)?, since_last_import(conn, &archive, &dataset)?));
    let (named, changed_files) = app.reads.read(read).await?;
    let (dataset, now) = (&desk.managed.dataset, clock::now());
    let detail = ManagedDetail {
        dataset: DatasetBody::of(&desk, &named),
        organisation: desk.managed.organisation.slug.to_string(),
        is_published: dataset.is_published(),
        offered_to: desk.managed.offered_to.as_ref().map(|to| to.slug.to_string()),
        missing: desk.missing.iter().map(ToString::to_string).collect(),
        is_suspended: dataset.is_suspended(),
        retired: RetirementDetail::of(dataset),
        changed_files: changed_files.iter().map(ChangedFileDetail::from).collect(),
        releases: desk.releases.iter().map(|release| ReleaseDetail::of(release.clone(), now)).collect(),
        updated_at: dataset.updated_at.to_string(),
    };
    Ok(read_tagged(&detail, &detail.updated_at))
}

/// Makes a draft of a dataset.
#[utoipa::path(
    post, path = "/api/v1/manage/organisations/{organisation}/datasets", tag = "manage", security(("token" = ["steward"])),
    params(("organisation" = String, Path, description = "The organisation's name")), request_body = DatasetBody,
    responses((status = 201, description = "It is made.", body = Created)),
)]
pub async fn make(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: ApiRequest<scope::Steward, DatasetBody>,
) -> Result<HttpResponse, WebError> {
    let (organisation, by) = (organisation(&app, &sent.client, &slug).await?.id, sent.client.person().id);
    let new = sent.body.checked(false)?;
    let make = move |tx: &mut crate::ledger::Tx<'_>| {
        commands::edit(tx, by, EditBasis::New(organisation), &new)?;
        Ok(format!("/api/v1/manage/datasets/{}", new.slug()))
    };
    sent.make(&app, make).await
}

/// Replaces a dataset's description: a field that is left out is reset.
#[utoipa::path(
    put, path = "/api/v1/manage/datasets/{slug}", tag = "manage", security(("token" = ["steward"])),
    params(("slug" = String, Path, description = "Its name"), ("If-Match" = String, Header, description = "The ETag of what was read")),
    request_body = DatasetBody, responses((status = 204, description = "It is changed.")),
)]
pub async fn edit(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: ApiRequest<scope::Steward, DatasetBody>,
) -> Result<HttpResponse, WebError> {
    let desk = load_to_change(&app, &sent.client, &slug).await?;
    let dataset = &desk.managed.dataset;
    if sent.body.slug != dataset.slug.as_str() {
        return Err(FieldErrors::one("/slug", Fault::Message("error-name-stays")));
    }
    let new = sent.body.checked(dataset.is_published())?;
    let (by, seen) = (sent.client.person().id, sent.edited_at()?);
    sent.act(&app, move |tx| commands::edit(tx, by, EditBasis::Since(seen), &new).map(drop)).await
}

/// Publishes a draft, for everybody to see.
#[utoipa::path(
    post, path = "/api/v1/manage/datasets/{slug}/publish", tag = "manage", security(("token" = ["steward"])),
    params(("slug" = String, Path, description = "Its name")), responses((status = 204, description = "It is published.")),
)]
pub async fn publish(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: ApiRequest<scope::Steward, EmptyBody>,
) -> Result<HttpResponse, WebError> {
    let (by, slug) = (sent.client.person().id, parse_id::<Slug>(&slug)?);
    sent.act(&app, move |tx| commands::publish_draft(tx, by, &slug)).await
}

/// Whether a dataset is delivered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspensionBody {
    /// Whether nothing is delivered from now on.
    suspended: bool,
    /// Why, where it is suspended.
    #[serde(default)]
    reason: String,
}

impl SuspensionBody {
    /// The change that it asks for.
    pub(super) fn checked(&self) -> Result<SuspensionChange, WebError> {
        if !self.suspended {
            return Ok(SuspensionChange::Restore);
        }
        let mut errors = FieldErrors::default();
        let reason = errors.take("/reason", Reason::parse(&self.reason));
        Ok(SuspensionChange::Suspend(errors.check(reason)?))
    }
}

/// Suspends a dataset, or lets it be delivered again.
#[utoipa::path(
    post, path = "/api/v1/manage/datasets/{slug}/suspension", tag = "manage", security(("token" = ["steward"])),
    params(("slug" = String, Path, description = "Its name")), request_body = SuspensionBody,
    responses((status = 204, description = "It is changed.")),
)]
pub async fn change_suspension(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: ApiRequest<scope::Steward, SuspensionBody>,
) -> Result<HttpResponse, WebError> {
    let (by, slug, change) = (sent.client.person().id, parse_id::<Slug>(&slug)?, sent.body.checked()?);
    sent.act(&app, move |tx| commands::change_suspension(tx, by, &slug, &change)).await
}

/// Datasets that are suspended together, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspensionsBody {
    /// Their names, fifty at most.
    datasets: Vec<String>,
    /// Why.
    reason: String,
}

/// Suspends several datasets, each as if it were alone.
#[utoipa::path(
    post, path = "/api/v1/manage/suspensions", tag = "manage", security(("token" = ["steward"])),
    request_body = SuspensionsBody,
    responses((status = 200, description = "What became of each.", body = BatchDetail)),
)]
pub async fn suspend_several(
    app: web::Data<App>,
    sent: ApiRequest<scope::Steward, SuspensionsBody>,
) -> Result<HttpResponse, WebError> {
    sent.client.manage_scope()?;
    let (by, mut errors) = (sent.client.person().id, FieldErrors::default());
    let reason = errors.take("/reason", Reason::parse(&sent.body.reason));
    let slugs = errors.several::<Slug>("/datasets", &sent.body.datasets);
    let (reason, slugs) = errors.check(reason.zip(slugs))?;
    sent.act_on_batch(&app, move |tx| commands::suspend_several(tx, by, &slugs, &reason)).await
}

/// Whether a dataset is offered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetirementBody {
    /// Whether it leaves the catalogue, and takes no new requests.
    retired: bool,
    /// Why, where it is retired, for everybody to read.
    #[serde(default)]
    reason: String,
}

/// Retires a dataset, or offers it again.
#[utoipa::path(
    post, path = "/api/v1/manage/datasets/{slug}/retirement", tag = "manage", security(("token" = ["steward"])),
    params(("slug" = String, Path, description = "Its name")), request_body = RetirementBody,
    responses((status = 204, description = "It is changed.")),
)]
pub async fn change_retirement(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: ApiRequest<scope::Steward, RetirementBody>,
) -> Result<HttpResponse, WebError> {
    let (by, slug) = (sent.client.person().id, parse_id::<Slug>(&slug)?);
    let change = if sent.body.retired {
        let mut errors = FieldErrors::default();
        let reason = errors.take("/reason", Reason::parse(&sent.body.reason));
        RetirementChange::Retire(errors.check(reason)?)
    } else {
        RetirementChange::Reinstate
    };
    sent.act(&app, move |tx| commands::change_retirement(tx, by, &slug, &change)).await
}

/// A change of a release: one of the three.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum ReleaseBody {
    /// Takes it back for ever, for this reason.
    Withdraw(String),
    /// Lets its embargo end then (RFC 3339).
    EmbargoUntil(String),
    /// Ends its embargo now.
    EndEmbargo,
}

/// Withdraws a release, or changes its embargo.
#[utoipa::path(
    post, path = "/api/v1/manage/datasets/{slug}/releases/{number}", tag = "manage", security(("token" = ["steward"])),
    params(("slug" = String, Path, description = "The dataset's name"), ("number" = u32, Path, description = "Its number")),
    request_body = ReleaseBody, responses((status = 204, description = "It is changed.")),
)]
pub async fn change_release(
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    sent: ApiRequest<scope::Steward, ReleaseBody>,
) -> Result<HttpResponse, WebError> {
    let (by, slug, number) = (sent.client.person().id, parse_id::<Slug>(&path.0)?, parse_id::<u32>(&path.1)?);
    let mut errors = FieldErrors::default();
    let change = match &sent.body {
        ReleaseBody::Withdraw(reason) => errors.take("/withdraw", Reason::parse(reason)).map(ReleaseChange::Withdraw),
        ReleaseBody::EmbargoUntil(until) => {
            let until = Timestamp::parse(until).ok_or(TextError::Form);
            errors.take("/embargo_until", until).map(ReleaseChange::Embargo)
        }
        ReleaseBody::EndEmbargo => Some(ReleaseChange::EndEmbargo),
    };
    let change = errors.check(change)?;
    sent.act(&app, move |tx| change_as_steward(tx, by, (&slug, number), &change)).await
}
