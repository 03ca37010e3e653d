//! Releases of datasets.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{After, ListBody, read_json};
use crate::app::App;
use crate::clock;
use crate::domain::Timestamp;
use crate::domain::preview::{ColumnPreview, ColumnStatistics, TablePreview};
use crate::domain::release::Release;
use crate::domain::text::{Language, Slug};
use crate::store::{Cursor, PageOf};
use crate::views::previews;
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

/// What a table of a release holds, as far as its publisher shows it to everybody.
#[derive(Serialize, ToSchema)]
pub struct TableDetail {
    /// The file's path.
    pub path: String,
    /// How many rows it has, its header left out.
    pub rows: u64,
    /// How many columns it has; at most 60 are described.
    pub column_count: usize,
    /// Its columns.
    pub columns: Vec<ColumnDetail>,
    /// What stands in these columns in the first rows; nothing where rows are not shown.
    pub first_rows: Vec<Vec<String>>,
}

/// What a column holds.
#[derive(Serialize, ToSchema)]
pub struct ColumnDetail {
    /// Its name; empty where the table has no header.
    pub name: String,
    /// `integer`, `decimal`, `day`, `text` or, without any value, `empty`.
    pub kind: String,
    /// How its values are distributed, where that is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistics: Option<StatisticsDetail>,
}

/// How the values of a column are distributed.
#[derive(Serialize, ToSchema)]
pub struct StatisticsDetail {
    /// How many rows have no value.
    pub missing: u64,
    /// How many different values there are; absent where there are more than a thousand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distinct: Option<u64>,
    /// The smallest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The largest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The number in the middle, where there are at most a thousand different ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median: Option<f64>,
    /// The earliest day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_day: Option<String>,
    /// The latest day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_day: Option<String>,
    /// The most frequent of at most twenty different texts; what fewer than ten rows have is left out.
    pub frequent: Vec<FrequentValue>,
    /// How many values lie in each of the equal parts of the range, or are each of at most twenty different texts; fewer than
    /// ten count as none. Of more than a thousand different numbers 2,048 are counted, chosen by chance.
    pub bins: Vec<u64>,
}

/// A frequent value.
#[derive(Serialize, ToSchema)]
pub struct FrequentValue {
    /// The value.
    pub value: String,
    /// How many rows have it.
    pub rows: u64,
}

impl From<TablePreview> for TableDetail {
    fn from(table: TablePreview) -> Self {
        let TablePreview { path, rows, column_count, columns, first_rows } = table;
        let columns = columns.into_iter().map(ColumnDetail::from).collect();
        Self { path: path.to_string(), rows, column_count, columns, first_rows }
    }
}

impl From<ColumnPreview> for ColumnDetail {
    fn from(column: ColumnPreview) -> Self {
        let ColumnPreview { name, kind, statistics } = column;
        Self { name, kind: kind.to_string(), statistics: statistics.map(StatisticsDetail::from) }
    }
}

impl From<ColumnStatistics> for StatisticsDetail {
    fn from(statistics: ColumnStatistics) -> Self {
        let ColumnStatistics { missing, distinct, range, median, days, frequent, bins } = statistics;
        let (min, max) = range.unzip();
        let (first_day, last_day) = days.unzip();
        let frequent = frequent.into_iter().map(|(value, rows)| FrequentValue { value, rows }).collect();
        Self { missing, distinct, min, max, median, first_day, last_day, frequent, bins }
    }
}

/// Lists the largest tables of a dataset's current release with what they hold, as far as that is shown to everybody; nothing of
/// other releases.
#[utoipa::path(
    get, path = "/api/v1/datasets/{slug}/releases/{number}/tables", tag = "catalogue",
    params(("slug" = String, Path, description = "The dataset's name"), ("number" = u32, Path, description = "Its number")),
    responses((status = 200, description = "At most six tables.", body = ListBody<TableDetail>)),
)]
pub async fn tables(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let name = ReleaseName { slug: parse_id(&path.0)?, number: parse_id(&path.1)? };
    let found = app.reads.read(move |conn| previews::tables(conn, &name, clock::now())).await?;
    let tables = found.ok_or(WebError::NotFound)?.tables;
    Ok(read_json(&ListBody::of(PageOf { rows: tables, next: None }, TableDetail::from)))
}

/// What the publisher of a release says about it, in a file among its files.
#[derive(Serialize, ToSchema)]
pub struct ReadmeDetail {
    /// The file's path.
    pub path: String,
    /// The language that its name says, such as `zh-TW`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<&'static str>,
    /// Whether it is written in Markdown.
    pub is_markdown: bool,
    /// Its beginning, 64 KiB at most.
    pub text: String,
    /// Whether it goes on after that.
    pub is_cut: bool,
}

/// Reads the READMEs of a dataset's current release, where they are shown to everybody; nothing of other releases.
#[utoipa::path(
    get, path = "/api/v1/datasets/{slug}/releases/{number}/readmes", tag = "catalogue",
    params(("slug" = String, Path, description = "The dataset's name"), ("number" = u32, Path, description = "Its number")),
    responses((status = 200, description = "One for each language, and one whose name says none.", body = ListBody<ReadmeDetail>)),
)]
pub async fn readmes(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let name = ReleaseName { slug: parse_id(&path.0)?, number: parse_id(&path.1)? };
    let found = app.reads.read(move |conn| previews::readmes(conn, &name, clock::now())).await?;
    let rows = found.ok_or(WebError::NotFound)?;
    Ok(read_json(&ListBody::of(PageOf { rows, next: None }, |readme| ReadmeDetail {
        language: readme.language().map(Language::tag),
        is_markdown: readme.is_markdown(),
        path: readme.path.to_string(),
        text: readme.text,
        is_cut: readme.is_cut,
    })))
}

/// A picture of a release, as far as its publisher shows it to everybody.
#[derive(Serialize, ToSchema)]
pub struct PictureDetail {
    /// The file's path.
    pub path: String,
    /// The address of a small one, as a JPEG.
    pub small: String,
}

/// Lists some pictures of a dataset's current release, as far as they are shown to everybody; nothing of other releases.
#[utoipa::path(
    get, path = "/api/v1/datasets/{slug}/releases/{number}/pictures", tag = "catalogue",
    params(("slug" = String, Path, description = "The dataset's name"), ("number" = u32, Path, description = "Its number")),
    responses((status = 200, description = "At most twelve pictures.", body = ListBody<PictureDetail>)),
)]
pub async fn pictures(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let name = ReleaseName { slug: parse_id(&path.0)?, number: parse_id(&path.1)? };
    let base = format!("{}/datasets/{}/releases/{}/pictures", app.config.base(), name.slug, name.number);
    let found = app.reads.read(move |conn| previews::pictures(conn, &name, clock::now())).await?;
    let rows = found.ok_or(WebError::NotFound)?;
    Ok(read_json(&ListBody::of(PageOf { rows, next: None }, |(place, path)| PictureDetail {
        path: path.to_string(),
        small: format!("{base}/{place}.jpg"),
    })))
}
