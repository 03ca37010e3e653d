//! The datasets that everybody sees.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::{ListBody, read_json};
use crate::app::App;
use crate::clock;
use crate::domain::access_request::Standing;
use crate::domain::api_token::Scope;
use crate::domain::dataset::{Dataset, InfoField};
use crate::domain::expectations::Expectations;
use crate::domain::ids::PersonId;
use crate::domain::localised::Localised;
use crate::domain::path::FilePath;
use crate::domain::text::Slug;
use crate::store::{Cursor, PageOf};
use crate::views::datasets::{Access, Catalogue, Place, catalogue, show};
use crate::web::auth::ApiVisitor;
use crate::web::catalogue_query::CatalogueQuery;
use crate::web::error::WebError;
use crate::web::pages::parse_id;

/// A dataset in a list.
#[derive(Serialize, ToSchema)]
pub struct DatasetSummary {
    /// Its name in addresses.
    pub slug: String,
    /// Its title.
    pub title: Localised,
    /// One or two sentences.
    pub summary: Localised,
    /// How people get access: `open`, `agreement`, `approval`.
    pub mode: String,
    /// Words to filter by.
    pub tags: Vec<String>,
    /// The licence.
    pub licence: String,
    /// The number of its current release; 0 where there is none.
    pub current_release: u32,
    /// Files in its current release.
    pub file_count: u64,
    /// Their bytes.
    pub total_bytes: u64,
    /// Whether nothing of it is delivered now.
    pub is_suspended: bool,
    /// That it is no longer offered, if it has been retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired: Option<RetirementDetail>,
    /// When its record last changed (RFC 3339).
    pub updated_at: String,
}

/// That a dataset was retired.
#[derive(Serialize, ToSchema)]
pub struct RetirementDetail {
    /// Since when (RFC 3339).
    pub at: String,
    /// Why.
    pub reason: String,
}

impl RetirementDetail {
    /// What is said of a dataset, if it has been retired.
    pub fn of(dataset: &Dataset) -> Option<Self> {
        let retirement = dataset.retirement.as_ref()?;
        Some(Self { at: retirement.at.to_string(), reason: retirement.reason.as_str().to_owned() })
    }
}

impl DatasetSummary {
    /// A dataset as the API lists it.
    pub fn of(dataset: &Dataset) -> Self {
        Self {
            slug: dataset.slug.to_string(),
            title: dataset.title.clone(),
            summary: dataset.summary.clone(),
            mode: dataset.mode.to_string(),
            tags: dataset.tags.clone(),
            licence: dataset.licence.clone(),
            current_release: dataset.current_release,
            file_count: dataset.file_count,
            total_bytes: dataset.total_bytes,
            is_suspended: dataset.is_suspended(),
            retired: RetirementDetail::of(dataset),
            updated_at: dataset.updated_at.to_string(),
        }
    }
}

/// A line of *Additional info*.
#[derive(Serialize, Deserialize, Clone, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InfoLine {
    /// Its name, such as `update_frequency`.
    pub name: String,
    /// What it says.
    pub value: Localised,
}

impl From<&InfoField> for InfoLine {
    fn from(line: &InfoField) -> Self {
        Self { name: line.name.clone(), value: line.value.clone() }
    }
}

/// How far you have come towards access.
#[derive(Serialize, ToSchema)]
pub struct AccessState {
    /// Whether the reader may download now.
    pub is_granted: bool,
    /// Whether the reader's access is suspended.
    pub is_suspended: bool,
    /// The reader's newest request, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// When the reader's access ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Where there are newer versions of the agreements that the reader has to sign under a request: when access stops, or has
    /// stopped (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_by: Option<String>,
}

impl AccessState {
    fn of(access: &Access) -> Self {
        let standing = access.standing;
        let (request, until) = match standing {
            Standing::Granted(request, until) | Standing::GrantedEarlier(request, until, _) => {
                (Some(request), Some(until))
            }
            Standing::Returned(request)
            | Standing::Waiting(request)
            | Standing::StoppedToSign(request)
            | Standing::AccessSuspended(request)
            | Standing::Rejected(request) => (Some(request), None),
            _ => (None, None),
        };
        Self {
            is_suspended: matches!(standing, Standing::AccessSuspended(_)),
            is_granted: standing == Standing::Open || until.is_some(),
            request: request.map(|id| id.to_string()),
            until: until.map(|end| end.to_string()),
            sign_by: access.to_sign.map(|(_, by)| by.to_string()),
        }
    }
}

/// How the last decisions on a dataset went.
#[derive(Serialize, ToSchema)]
pub struct ExpectationsDetail {
    /// How many there were.
    pub decisions: u64,
    /// How many of them approved.
    pub approved: u64,
    /// Within how many working days after it was sent half of the requests were decided; 0 on the same day.
    pub half_within_days: u32,
    /// Within how many working days nine of ten were.
    pub most_within_days: u32,
}

impl From<Expectations> for ExpectationsDetail {
    fn from(known: Expectations) -> Self {
        let Expectations { decisions, approved, half_within, most_within } = known;
        Self { decisions, approved, half_within_days: half_within, most_within_days: most_within }
    }
}

/// A dataset.
#[derive(Serialize, ToSchema)]
pub struct DatasetDetail {
    /// What lists say of it.
    #[serde(flatten)]
    pub summary: DatasetSummary,
    /// Markdown.
    pub description: Localised,
    /// Who publishes it.
    pub publisher: Localised,
    /// *Additional info*.
    pub info: Vec<InfoLine>,
    /// The agreements that its users sign.
    pub agreements: Vec<String>,
    /// How long a grant lasts, in days.
    pub grant_days: u32,
    /// Whether a grant covers releases that come after it: `included` or `requested`.
    pub later_releases: String,
    /// Whether a decision covers members who sign after it: `included` or `requested`.
    pub later_members: String,
    /// The address of its files: with `Accept: application/json`, a listing.
    pub data: String,
    /// How the last decisions on it went, fifty at most; absent where there were fewer than five, or nobody decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expectations: Option<ExpectationsDetail>,
    /// Within how many working days its committee says that it decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decide_within_days: Option<u32>,
    /// How far the reader has come; absent in anonymous requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessState>,
}

/// A search of the catalogue. Each name but `q`, `sort` and `after` may stand in the address more than once.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `CatalogueQuery` reads")]
struct CatalogueParams {
    /// Words, each of which must occur somewhere, or begin the name of a file.
    q: Option<String>,
    /// `open`, `agreement` or `approval`.
    mode: Option<Vec<String>>,
    /// How far the reader has come: `access` or `waiting`.
    own: Option<Vec<String>>,
    /// The name of an organisation.
    organisation: Option<Vec<String>>,
    /// A format, such as `csv`.
    format: Option<Vec<String>>,
    /// `under-10-mb`, `10-mb-to-1-gb`, `1-to-100-gb` or `over-100-gb`.
    size: Option<Vec<String>>,
    /// How long ago its current release was published, at most: `month`, `year` or `five-years`.
    changed: Option<Vec<String>>,
    /// A licence.
    licence: Option<Vec<String>>,
    /// A tag.
    tag: Option<Vec<String>>,
    /// The order: `best` (the usual one), `changed`, `name` or `size`.
    sort: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Lists the datasets that everybody sees.
#[utoipa::path(
    get, path = "/api/v1/datasets", tag = "catalogue", params(CatalogueParams),
    responses((status = 200, description = "A page of datasets.", body = ListBody<DatasetSummary>)),
)]
pub async fn list(app: web::Data<App>, visitor: ApiVisitor, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let query = CatalogueQuery::parse(request.query_string())?;
    let (search, after) = (query.search(), query.after.unwrap_or(Cursor::first()));
    let reader = reader(&visitor);
    let cache = app.catalogue.clone();
    let read = move |conn: &mut _| catalogue(conn, &cache, &search, (reader, &after), clock::now());
    let Catalogue { found, next, .. } = app.reads.read(read).await?;
    Ok(read_json(&ListBody::of(PageOf { rows: found, next }, |found| DatasetSummary::of(&found.dataset))))
}

/// Who reads, if they may be told what is theirs.
fn reader(visitor: &ApiVisitor) -> Option<PersonId> {
    visitor.0.as_ref().filter(|client| client.require(Scope::Read).is_ok()).map(|client| client.person().id)
}

/// Reads a dataset.
#[utoipa::path(
    get, path = "/api/v1/datasets/{slug}", tag = "catalogue", params(("slug" = String, Path, description = "Its name")),
    responses((status = 200, description = "The dataset.", body = DatasetDetail)),
)]
pub async fn read(app: web::Data<App>, visitor: ApiVisitor, slug: web::Path<String>) -> Result<HttpResponse, WebError> {
    let (slug, now) = (parse_id::<Slug>(&slug)?, clock::now());
    let reader = reader(&visitor);
    let root = FilePath::root();
    let look = move |conn: &mut _| show(conn, &slug, reader, (&root, &Place::Beginning), now);
    let view = app.reads.read(look).await?.ok_or(WebError::NotFound)?;
    let dataset = &view.dataset;
    let detail = DatasetDetail {
        summary: DatasetSummary::of(dataset),
        description: dataset.description.clone(),
        publisher: dataset.publisher.clone(),
        info: dataset.info.iter().map(InfoLine::from).collect(),
        agreements: view.agreements.iter().map(|(slug, _)| slug.to_string()).collect(),
        grant_days: dataset.grant_days,
        later_releases: dataset.later_releases.to_string(),
        later_members: dataset.later_members.to_string(),
        data: format!("{}/data/{}/", app.config.base(), dataset.slug),
        expectations: view.expectations.map(ExpectationsDetail::from),
        decide_within_days: view.decide_within,
        access: reader.map(|_| AccessState::of(&view.access)),
    };
    Ok(read_json(&detail))
}
