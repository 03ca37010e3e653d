//! Imports of files into a dataset.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::datasets::{load, load_to_change};
use crate::app::App;
use crate::domain::ids::ImportId;
use crate::domain::import_job::{ImportForm, ImportJob, ImportOrder, ImportOutcome, Undeliverable};
use crate::domain::path::FilePath;
use crate::domain::text::Slug;
use crate::ledger::commands::import_jobs as commands;
use crate::store::import_jobs;
use crate::web::api::answer::{Created, ListBody, created, read_json};
use crate::web::api::field_errors::FieldErrors;
use crate::web::api::request::{ApiRequest, EmptyBody};
use crate::web::auth::{ScopedClient, scope};
use crate::web::error::{Fault, WebError};
use crate::web::pages::manage::sources;
use crate::web::pages::parse_id;

/// Files to import.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportBody {
    /// The source that they are in: the operator has named it.
    source: String,
    /// The folder in it; the source itself if absent.
    #[serde(default)]
    path: String,
    /// What to leave out: names of files or folders with stars, or paths.
    #[serde(default)]
    exclude: Vec<String>,
    /// For files behind another HTTP server: the file there that lists them.
    manifest: Option<String>,
    /// What to say about the new release.
    #[serde(default)]
    note: String,
    /// When the release becomes public, if that is not at once (RFC 3339).
    embargo_until: Option<String>,
    /// Whether what can't be delivered is left out; otherwise nothing is imported then.
    #[serde(default)]
    leave_out: bool,
}

/// An import.
#[derive(Serialize, ToSchema)]
pub struct ImportDetail {
    /// Its id.
    pub id: String,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    pub state: String,
    /// Files found so far.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that were read.
    pub bytes_done: u64,
    /// The release that the dataset has by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<u32>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What can't be delivered: names and reasons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undeliverable: Vec<UndeliverableDetail>,
    /// When it was asked for (RFC 3339).
    pub created_at: String,
    /// When it last got on.
    pub updated_at: String,
}

/// Something that can't be delivered.
#[derive(Serialize, ToSchema)]
pub struct UndeliverableDetail {
    /// Its name.
    pub name: String,
    /// `bad-name`, `not-there` or `not-a-file`.
    pub reason: String,
}

impl ImportDetail {
    fn of(job: &ImportJob) -> Self {
        let detail =
            |(name, why): &(String, Undeliverable)| UndeliverableDetail { name: name.clone(), reason: why.to_string() };
        let named = |all: &[(String, Undeliverable)]| all.iter().map(detail).collect();
        let (release, failure, undeliverable) = match &job.outcome {
            Some(ImportOutcome::Release(made)) => (Some(made.number), None, named(&made.unusable)),
            Some(ImportOutcome::Unusable { files, .. }) => (None, Some("undeliverable".to_owned()), named(files)),
            Some(ImportOutcome::Refused { key }) => {
                (None, Some(key.trim_start_matches("refusal-").to_owned()), Vec::new())
            }
            Some(ImportOutcome::Unreadable { fault, .. }) => (None, Some(fault.to_string()), Vec::new()),
            None => (None, None, Vec::new()),
        };
        Self {
            id: job.id.to_string(),
            state: job.state.to_string(),
            files: job.files,
            bytes: job.bytes,
            bytes_done: job.bytes_done,
            release,
            failure,
            undeliverable,
            created_at: job.created_at.to_string(),
            updated_at: job.updated_at.to_string(),
        }
    }
}

/// Lists the newest imports of a dataset, ten at most.
#[utoipa::path(
    get, path = "/api/v1/manage/datasets/{slug}/imports", tag = "manage", security(("token" = ["steward"])),
    params(("slug" = String, Path, description = "The dataset's name")),
    responses((status = 200, description = "The newest first.", body = ListBody<ImportDetail>)),
)]
pub async fn list(
    app: web::Data<App>,
    client: ScopedClient<scope::Steward>,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let desk = load(&app, &client, &slug).await?;
    Ok(read_json(&ListBody { items: desk.imports.iter().map(ImportDetail::of).collect(), next: None }))
}

/// Reads an import.
#[utoipa::path(
    get, path = "/api/v1/manage/datasets/{slug}/imports/{id}", tag = "manage", security(("token" = ["steward"])),
    params(("slug" = String, Path, description = "The dataset's name"), ("id" = String, Path, description = "The import's id")),
    responses((status = 200, description = "The import.", body = ImportDetail)),
)]
pub async fn read(
    app: web::Data<App>,
    client: ScopedClient<scope::Steward>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let desk = load(&app, &client, &path.0).await?;
    let id: ImportId = parse_id(&path.1)?;
    let found = app.reads.read(move |conn| import_jobs::by_id(conn, id)).await?;
    let job = found.filter(|job| job.dataset == desk.managed.dataset.id).ok_or(WebError::NotFound)?;
    Ok(read_json(&ImportDetail::of(&job)))
}

fn checked(body: &ImportBody, root: String) -> Result<ImportOrder, WebError> {
    let form = ImportForm {
        root,
        exclude: body.exclude.clone(),
        manifest: body.manifest.clone().unwrap_or_default(),
        note: body.note.clone(),
        embargo: body.embargo_until.clone().unwrap_or_default(),
        leaves_out: body.leave_out,
    };
    ImportOrder::parse(form).map_err(|wrong| {
        let mut errors = FieldErrors::default();
        if let Some(error) = wrong.note {
            errors.add("/note", Fault::Text(error));
        }
        for (is_wrong, pointer, key) in [
            (wrong.embargo, "/embargo_until", "error-embargo"),
            (wrong.exclude, "/exclude", "error-exclude"),
            (wrong.manifest, "/manifest", "error-form"),
            (wrong.no_manifest, "/manifest", "read-fault-no-manifest"),
        ] {
            if is_wrong {
                errors.add(pointer, Fault::Message(key));
            }
        }
        errors.into_error()
    })
}

/// Asks for an import, which then runs by itself.
#[utoipa::path(
    post, path = "/api/v1/manage/datasets/{slug}/imports", tag = "manage", security(("token" = ["steward"])),
    params(("slug" = String, Path, description = "The dataset's name")), request_body = ImportBody,
    responses((status = 202, description = "It waits for its turn.", body = Created)),
)]
pub async fn request(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: ApiRequest<scope::Steward, ImportBody>,
) -> Result<HttpResponse, WebError> {
    let desk = load_to_change(&app, &sent.client, &slug).await?;
    let source = sources(&app, &desk).into_iter().find(|source| source.name.as_str() == sent.body.source);
    let source = source.ok_or_else(|| FieldErrors::one("/source", Fault::Message("error-choose")))?;
    let no_path = || FieldErrors::one("/path", Fault::Message("read-fault-gone"));
    let path: FilePath = sent.body.path.parse().map_err(|_| no_path())?;
    let order = checked(&sent.body, source.place(&path).ok_or_else(no_path)?)?;
    let (by, slug) = (sent.client.person().id, desk.managed.dataset.slug.clone());
    let imports = format!("/api/v1/manage/datasets/{slug}/imports");
    let id = sent.run(&app, move |tx| Ok(commands::request(tx, by, &slug, order)?.to_string())).await?;
    let location = format!("{imports}/{id}");
    Ok(created(StatusCode::ACCEPTED, &location.clone(), &Created { id, location }))
}

/// Stops an import.
#[utoipa::path(
    post, path = "/api/v1/manage/datasets/{slug}/imports/{id}/cancel", tag = "manage", security(("token" = ["steward"])),
    params(("slug" = String, Path, description = "The dataset's name"), ("id" = String, Path, description = "The import's id")),
    responses((status = 204, description = "It is stopped.")),
)]
pub async fn cancel(
    app: web::Data<App>,
    path: web::Path<(String, String)>,
    sent: ApiRequest<scope::Steward, EmptyBody>,
) -> Result<HttpResponse, WebError> {
    let (by, slug, id) = (sent.client.person().id, parse_id::<Slug>(&path.0)?, parse_id::<ImportId>(&path.1)?);
    sent.act(&app, move |tx| commands::cancel(tx, by, &slug, id)).await
}
