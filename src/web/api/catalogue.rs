//! What everybody may read: datasets, releases, agreements, forms, organisations.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::exchange::{After, Listed, read_json};
use crate::app::App;
use crate::clock;
use crate::domain::Timestamp;
use crate::domain::access_request::Standing;
use crate::domain::agreement::AgreementVersion;
use crate::domain::dataset::Dataset;
use crate::domain::form::{FormVersion, Section};
use crate::domain::localised::Localised;
use crate::domain::organisation::Organisation;
use crate::domain::path::FilePath;
use crate::domain::release::Release;
use crate::domain::search::Query;
use crate::domain::text::Slug;
use crate::store::catalogue::Search;
use crate::store::{Cursor, organisations};
use crate::views::datasets::{Place, catalogue, show};
use crate::views::releases::ReleaseName;
use crate::views::{agreements, forms, releases};
use crate::web::auth::ApiVisitor;
use crate::web::error::WebError;
use crate::web::pages::{parse_id, tidy};

/// A text in one or more languages, by BCP 47 tag: `en`, `zh-TW`.
#[derive(Serialize, Deserialize, Clone, ToSchema)]
#[serde(transparent)]
pub struct Texts(BTreeMap<String, String>);

impl FromIterator<(String, String)> for Texts {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(texts: I) -> Self {
        Self(texts.into_iter().collect())
    }
}

/// A text as the API shows it.
pub fn texts(text: &Localised) -> Texts {
    text.0.iter().map(|(language, text)| (language.tag().to_owned(), text.clone())).collect()
}

/// A dataset in a list.
#[derive(Serialize, ToSchema)]
pub struct DatasetSummary {
    /// Its name in addresses.
    pub slug: String,
    /// Its title.
    pub title: Texts,
    /// One or two sentences.
    pub summary: Texts,
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
    /// When its record last changed (RFC 3339).
    pub updated_at: String,
}

impl DatasetSummary {
    /// A dataset as the API lists it.
    pub fn of(dataset: &Dataset) -> Self {
        Self {
            slug: dataset.slug.to_string(),
            title: texts(&dataset.title),
            summary: texts(&dataset.summary),
            mode: dataset.mode.to_string(),
            tags: dataset.tags.clone(),
            licence: dataset.licence.clone(),
            current_release: dataset.current_release,
            file_count: dataset.file_count,
            total_bytes: dataset.total_bytes,
            is_suspended: dataset.is_suspended(),
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
    pub value: Texts,
}

/// How far you have come towards access.
#[derive(Serialize, ToSchema)]
pub struct AccessState {
    /// Whether the reader may download now.
    pub is_granted: bool,
    /// The reader's newest request, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// When the reader's access ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl AccessState {
    fn of(standing: Standing) -> Self {
        let (request, until) = match standing {
            Standing::Granted(request, until) | Standing::GrantedEarlier(request, until, _) => {
                (Some(request), Some(until))
            }
            Standing::Returned(request) | Standing::Waiting(request) | Standing::Rejected(request) => {
                (Some(request), None)
            }
            _ => (None, None),
        };
        Self {
            is_granted: standing == Standing::Open || until.is_some(),
            request: request.map(|id| id.to_string()),
            until: until.map(|end| end.to_string()),
        }
    }
}

/// A dataset.
#[derive(Serialize, ToSchema)]
pub struct DatasetDetail {
    /// What lists say of it.
    #[serde(flatten)]
    pub summary: DatasetSummary,
    /// Markdown.
    pub description: Texts,
    /// Who publishes it.
    pub publisher: Texts,
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
    /// How far the reader has come; absent in anonymous requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<AccessState>,
}

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

/// A published version of an agreement.
#[derive(Serialize, ToSchema)]
pub struct AgreementDetail {
    /// The id of this version, by which it is signed.
    pub id: String,
    /// The agreement's name.
    pub slug: String,
    /// The number of this version.
    pub version: u32,
    /// Its title.
    pub title: Texts,
    /// The exact words the signer agrees to.
    pub statement: Texts,
    /// The exact words by which the signer consents to sign electronically.
    pub consent: Texts,
    /// What it is about.
    pub kind: String,
    /// The language of the text that binds.
    pub binding: String,
    /// The text, Markdown, in each language.
    pub texts: Texts,
    /// The SHA-256 of each text.
    pub sha256: Texts,
    /// When it was published (RFC 3339).
    pub published_at: String,
}

impl AgreementDetail {
    /// A version as the API shows it.
    pub fn of(version: &AgreementVersion) -> Self {
        let all = version.texts.iter();
        Self {
            id: version.id.to_string(),
            slug: version.slug.to_string(),
            version: version.number,
            title: texts(&version.title),
            statement: texts(&version.statement),
            consent: texts(&version.consent),
            kind: version.kind.to_string(),
            binding: version.binding.tag().to_owned(),
            sha256: all.clone().map(|text| (text.language.tag().into(), text.sha256.to_string())).collect(),
            texts: all.map(|text| (text.language.tag().into(), text.body.clone())).collect(),
            published_at: version.published_at.to_string(),
        }
    }
}

/// A published version of a form.
#[derive(Serialize, ToSchema)]
pub struct FormDetail {
    /// The id of this version, by which it is filled in.
    pub id: String,
    /// The form's name.
    pub slug: String,
    /// The number of this version.
    pub version: u32,
    /// Its title.
    pub title: Texts,
    /// Its sections with their questions, as they are published: what is needed to answer them, and to publish a new version.
    #[schema(value_type = Vec<Object>)]
    pub sections: Vec<Section>,
    /// When it was published (RFC 3339).
    pub published_at: String,
}

impl FormDetail {
    /// A version as the API shows it.
    pub fn of(version: &FormVersion) -> Self {
        Self {
            id: version.id.to_string(),
            slug: version.slug.to_string(),
            version: version.number,
            title: texts(&version.title),
            sections: version.sections.clone(),
            published_at: version.published_at.to_string(),
        }
    }
}

/// An organisation.
#[derive(Serialize, ToSchema)]
pub struct OrganisationDetail {
    /// Its name in addresses.
    pub slug: String,
    /// Its name.
    pub name: Texts,
    /// What it says about itself, Markdown.
    pub about: Texts,
}

impl OrganisationDetail {
    /// An organisation as the API shows it.
    pub fn of(organisation: &Organisation) -> Self {
        Self { slug: organisation.slug.to_string(), name: texts(&organisation.name), about: texts(&organisation.about) }
    }
}

/// A search of the catalogue.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CatalogueParams {
    /// Words, each of which must occur somewhere.
    q: Option<String>,
    /// `open`, `agreement` or `approval`.
    mode: Option<String>,
    /// A tag.
    tag: Option<String>,
    /// The name of an organisation.
    organisation: Option<String>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<Cursor>,
}

/// Lists the datasets that everybody sees.
#[utoipa::path(
    get, path = "/api/v1/datasets", tag = "catalogue", params(CatalogueParams),
    responses((status = 200, description = "A page of datasets.", body = Listed<DatasetSummary>)),
)]
pub async fn list_datasets(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    params: web::Query<CatalogueParams>,
) -> Result<HttpResponse, WebError> {
    let CatalogueParams { q, mode, tag, organisation, after } = params.into_inner();
    let mode = match mode.filter(|mode| !mode.is_empty()) {
        Some(mode) => Some(mode.parse().map_err(|_| WebError::BadRequest("problem-bad-request-detail"))?),
        None => None,
    };
    let some = |text: Option<String>| Some(tidy(text.as_deref())).filter(|text| !text.is_empty());
    let query = Query::parse(&some(q).unwrap_or_default());
    let search = Search { query, mode, tag: some(tag), organisation: some(organisation) };
    let after = after.unwrap_or(Cursor::first());
    let found = app.reads.read(move |conn| catalogue(conn, &search, &after)).await?;
    let items = found.found.iter().map(|found| DatasetSummary::of(&found.dataset)).collect();
    Ok(read_json(&Listed { items, next: found.next.map(|next| next.to_string()) }))
}

/// Reads a dataset.
#[utoipa::path(
    get, path = "/api/v1/datasets/{slug}", tag = "catalogue", params(("slug" = String, Path, description = "Its name")),
    responses((status = 200, description = "The dataset.", body = DatasetDetail)),
)]
pub async fn read_dataset(
    app: web::Data<App>,
    visitor: ApiVisitor,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let (slug, now) = (parse_id::<Slug>(&slug)?, clock::now());
    let reader = visitor.0.as_ref().map(|client| client.person().id);
    let root = FilePath::root();
    let read = move |conn: &mut _| show(conn, &slug, reader, (&root, &Place::Beginning), now);
    let view = app.reads.read(read).await?.ok_or(WebError::NotFound)?;
    let dataset = &view.dataset;
    let detail = DatasetDetail {
        summary: DatasetSummary::of(dataset),
        description: texts(&dataset.description),
        publisher: texts(&dataset.publisher),
        info: dataset.info.iter().map(InfoLine::from).collect(),
        agreements: view.agreements.iter().map(|(slug, _)| slug.to_string()).collect(),
        grant_days: dataset.grant_days,
        later_releases: dataset.later_releases.to_string(),
        later_members: dataset.later_members.to_string(),
        data: format!("{}/data/{}/", app.config.base(), dataset.slug),
        access: reader.map(|_| AccessState::of(view.access.standing)),
    };
    Ok(read_json(&detail))
}

/// Lists the releases of a dataset, the newest first.
#[utoipa::path(
    get, path = "/api/v1/datasets/{slug}/releases", tag = "catalogue",
    params(("slug" = String, Path, description = "The dataset's name"), After),
    responses((status = 200, description = "A page of releases.", body = Listed<ReleaseDetail>)),
)]
pub async fn list_releases(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    slug: web::Path<String>,
    params: web::Query<After>,
) -> Result<HttpResponse, WebError> {
    let (slug, now) = (parse_id::<Slug>(&slug)?, clock::now());
    let after = params.into_inner().after.unwrap_or(Cursor::newest());
    let found = app.reads.read(move |conn| releases::list(conn, &slug, &after)).await?;
    let (_, page) = found.ok_or(WebError::NotFound)?;
    Ok(read_json(&Listed::of(page, |release| ReleaseDetail::of(release, now))))
}

/// Reads a release.
#[utoipa::path(
    get, path = "/api/v1/datasets/{slug}/releases/{number}", tag = "catalogue",
    params(("slug" = String, Path, description = "The dataset's name"), ("number" = u32, Path, description = "Its number")),
    responses((status = 200, description = "The release.", body = ReleaseDetail)),
)]
pub async fn read_release(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    let name = ReleaseName { slug: parse_id(&path.0)?, number: parse_id(&path.1)? };
    let found = app.reads.read(move |conn| releases::find(conn, &name)).await?;
    let (_, release) = found.ok_or(WebError::NotFound)?;
    Ok(read_json(&ReleaseDetail::of(release, clock::now())))
}

async fn agreement(app: &App, slug: &str, number: Option<&str>) -> Result<HttpResponse, WebError> {
    let slug: Slug = parse_id(slug)?;
    let number = number.map(parse_id::<u32>).transpose()?;
    let found = app.reads.read(move |conn| agreements::agreement(conn, &slug, number)).await?;
    Ok(read_json(&AgreementDetail::of(&found.ok_or(WebError::NotFound)?.version)))
}

/// Reads the version of an agreement that is in force.
#[utoipa::path(
    get, path = "/api/v1/agreements/{slug}", tag = "catalogue", params(("slug" = String, Path, description = "Its name")),
    responses((status = 200, description = "The version in force.", body = AgreementDetail)),
)]
pub async fn read_agreement(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    agreement(&app, &slug, None).await
}

/// Reads a version of an agreement.
#[utoipa::path(
    get, path = "/api/v1/agreements/{slug}/versions/{number}", tag = "catalogue",
    params(("slug" = String, Path, description = "Its name"), ("number" = u32, Path, description = "The version's number")),
    responses((status = 200, description = "The version.", body = AgreementDetail)),
)]
pub async fn read_agreement_version(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    agreement(&app, &path.0, Some(&path.1)).await
}

async fn form(app: &App, slug: &str, number: Option<&str>) -> Result<HttpResponse, WebError> {
    let slug: Slug = parse_id(slug)?;
    let number = number.map(parse_id::<u32>).transpose()?;
    let found = app.reads.read(move |conn| forms::form(conn, &slug, number)).await?;
    Ok(read_json(&FormDetail::of(&found.ok_or(WebError::NotFound)?.version)))
}

/// Reads the version of a form that is in force.
#[utoipa::path(
    get, path = "/api/v1/forms/{slug}", tag = "catalogue", params(("slug" = String, Path, description = "Its name")),
    responses((status = 200, description = "The version in force.", body = FormDetail)),
)]
pub async fn read_form(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    form(&app, &slug, None).await
}

/// Reads a version of a form.
#[utoipa::path(
    get, path = "/api/v1/forms/{slug}/versions/{number}", tag = "catalogue",
    params(("slug" = String, Path, description = "Its name"), ("number" = u32, Path, description = "The version's number")),
    responses((status = 200, description = "The version.", body = FormDetail)),
)]
pub async fn read_form_version(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, WebError> {
    form(&app, &path.0, Some(&path.1)).await
}

/// Reads an organisation, where there are several.
#[utoipa::path(
    get, path = "/api/v1/organisations/{slug}", tag = "catalogue", params(("slug" = String, Path, description = "Its name")),
    responses((status = 200, description = "The organisation.", body = OrganisationDetail)),
)]
pub async fn read_organisation(
    app: web::Data<App>,
    _visitor: ApiVisitor,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let slug: Slug = parse_id(&slug)?;
    let read = move |conn: &mut _| {
        if !organisations::are_several(conn)? {
            return Ok(None);
        }
        organisations::by_slug(conn, &slug)
    };
    let found = app.reads.read(read).await?.ok_or(WebError::NotFound)?;
    Ok(read_json(&OrganisationDetail::of(&found)))
}
