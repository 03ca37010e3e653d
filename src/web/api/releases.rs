//! Releases of datasets.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{After, ListBody, read_json};
use crate::app::App;
use crate::clock;
use crate::domain::Timestamp;
use crate::domain::release::Release;
use crate::domain::text::Slug;
use crate::store::Cursor;
use crate::views::releases::{self, ReleaseName};
use crate::web::auth::ApiVisitor;
use crate::web::error::WebError;
use crate::web::pages::parse_id;

/// A release.
#[derive(Serialize, ToSchema)]
pub struct ReleaseDetail {
    /// Its number.
    pub number: u32,
    /// What its publisher says about it.
    pub note: String,
    /// When it was published (RFC 3339).
    pub published_at: String,
    /// How many files it has.
    pub file_count: u64,
    /// Their bytes.
    pub total_bytes: u64,
    /// The SHA-256 of its `SHA256SUMS`.
    pub sums_sha256: String,
    /// Files that were not in the release before.
    pub added: u64,
    /// Files with other bytes than before.
    pub changed: u64,
    /// Files that are gone.
    pub removed: u64,
    /// When its embargo ends, as long as it has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embargoed_until: Option<String>,
    /// Why it was withdrawn, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
}

impl ReleaseDetail {
    /// A release as the API shows it.
    pub fn of(release: Release, now: Timestamp) -> Self {
        Self {
            number: release.number,
            embargoed_until: release.embargo(now).map(|end| end.to_string()),
            note: release.note,
            published_at: release.published_at.to_string(),
            file_count: release.file_count,
            total_bytes: release.total_bytes,
            sums_sha256: release.sums_sha256.to_string(),
            added: release.difference.added,
            changed: release.difference.changed,
            removed: release.difference.removed,
            withdrawn: release.withdrawal.map(|withdrawal| withdrawal.reason.as_str().to_owned()),
        }
    }
}

/// Lists the releases of a dataset, the newest first.
#[utoipa::path(
    get, path = "/api/v1/datasets/{slug}/releases", tag = "catalogue",
    params(("slug" = String, Path, description = "The dataset's name"), After),
    responses((status = 200, description = "A page of releases.", body = ListBody<ReleaseDetail>)),
)]
pub async fn list(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    slug: web::Path<String>,
    params: web::Query<After>,
) -> Result<HttpResponse, WebError> {
    let (slug, now) = (parse_id::<Slug>(&slug)?, clock::now());
    let after = params.into_inner().after.unwrap_or(Cursor::newest());
    let found = app.reads.read(move |conn| releases::list(conn, &slug, &after)).await?;
    let (_, page) = found.ok_or(WebError::NotFound)?;
    Ok(read_json(&ListBody::of(page, |release| ReleaseDetail::of(release, now))))
}

/// Reads a release.
#[utoipa::path(
    get, path = "/api/v1/datasets/{slug}/releases/{number}", tag = "catalogue",
    params(("slug" = String, Path, description = "The dataset's name"), ("number" = u32, Path, description = "Its number")),
    responses((status = 200, description = "The release.", body = ReleaseDetail)),
)]
pub async fn read(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let name = ReleaseName { slug: parse_id(&path.0)?, number: parse_id(&path.1)? };
    let found = app.reads.read(move |conn| releases::find(conn, &name)).await?;
    let (_, release) = found.ok_or(WebError::NotFound)?;
    Ok(read_json(&ReleaseDetail::of(release, clock::now())))
}
