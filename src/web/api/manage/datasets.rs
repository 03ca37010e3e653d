//! The datasets that organisations hold: describing, publishing and suspending them, and changing their releases.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::organisation;
use crate::app::App;
use crate::clock;
use crate::domain::Timestamp;
use crate::domain::api_token::Scope;
use crate::domain::comment::Reason;
use crate::domain::dataset::{
    CommitteeChoice, DatasetDescription, ImportSettings, InfoField, NewDataset, SuspensionChange,
};
use crate::domain::localised::Localised;
use crate::domain::text::{Slug, TextError};
use crate::ledger::commands::datasets as commands;
use crate::ledger::commands::datasets::EditBasis;
use crate::ledger::commands::releases::{ReleaseChange, change_as_steward};
use crate::store::Cursor;
use crate::views::manage::{DatasetDesk, Named, desk, managed, named};
use crate::web::api::catalogue::{DatasetSummary, InfoLine, ReleaseDetail, Texts, texts};
use crate::web::api::exchange::{After, Faults, Listed, Made, Nothing, Sent, read_json, read_tagged};
use crate::web::auth::ApiClient;
use crate::web::error::{Fault, WebError};
use crate::web::pages::manage::place_of;
use crate::web::pages::parse_id;

/// A dataset as those list it who run its organisation.
#[derive(Serialize, ToSchema)]
pub struct ManagedSummary {
    /// What everybody may read of it.
    #[serde(flatten)]
    pub summary: DatasetSummary,
    /// The organisation that holds it.
    pub organisation: String,
    /// Whether everybody sees it; a draft only those who run its organisation.
    pub is_published: bool,
}

/// Lists the datasets of the organisations that the account runs, drafts too.
#[utoipa::path(
    get, path = "/api/v1/manage/datasets", tag = "manage", params(After), security(("token" = ["steward"])),
    responses((status = 200, description = "A page of datasets.", body = Listed<ManagedSummary>)),
)]
pub async fn list(app: web::Data<App>, client: ApiClient, params: web::Query<After>) -> Result<HttpResponse, WebError> {
    client.require(Scope::Steward)?;
    let (scope, reader) = (client.manage_scope()?, client.reader.clone());
    let after = params.into_inner().after.unwrap_or(Cursor::first());
    let page = app.reads.read(move |conn| managed(conn, &scope, &reader, &after)).await?;
    Ok(read_json(&Listed::of(page, |row| ManagedSummary {
        summary: DatasetSummary::of(&row.dataset),
        organisation: row.organisation.slug.to_string(),
        is_published: row.dataset.is_published(),
    })))
}

/// What a dataset is.
#[derive(Serialize, Deserialize, Clone, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetBody {
    /// Its name in addresses; it never changes.
    pub slug: String,
    /// Its title.
    #[schema(value_type = Texts)]
    pub title: Localised,
    /// One or two sentences.
    #[serde(default)]
    #[schema(value_type = Texts)]
    pub summary: Localised,
    /// Markdown.
    #[serde(default)]
    #[schema(value_type = Texts)]
    pub description: Localised,
    /// Who publishes it.
    #[serde(default)]
    #[schema(value_type = Texts)]
    pub publisher: Localised,
    /// The licence.
    #[serde(default)]
    pub licence: String,
    /// Words to filter by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// *Additional info*.
    #[serde(default)]
    pub info: Vec<InfoBody>,
    /// Datasets that its page names first.
    #[serde(default)]
    pub related: Vec<String>,
    /// How people get access: `open`, `agreement`, `approval`.
    pub mode: String,
    /// The agreements that its users sign, in that order.
    #[serde(default)]
    pub agreements: Vec<String>,
    /// The form that they fill in.
    #[serde(default)]
    pub form: Option<String>,
    /// The committee that decides.
    #[serde(default)]
    pub committee: Option<String>,
    /// How long a grant lasts, in days.
    #[serde(default = "a_year")]
    pub grant_days: u32,
    /// Whether a grant covers releases that come after it: `included` or `requested`.
    #[serde(default = "included")]
    pub later_releases: String,
    /// Whether a decision covers members who sign after it: `included` or `requested`.
    #[serde(default = "included")]
    pub later_members: String,
    /// Its place in the catalogue; smaller numbers come first.
    #[serde(default)]
    pub position: i64,
}

const fn a_year() -> u32 {
    365
}

fn included() -> String {
    "included".to_owned()
}

/// A line of *Additional info*, in a description.
#[derive(Serialize, Deserialize, Clone, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InfoBody {
    /// Its name, such as `update_frequency`.
    pub name: String,
    /// What it says.
    #[schema(value_type = Texts)]
    pub value: Localised,
}

impl DatasetBody {
    fn of(desk: &DatasetDesk, named: &Named) -> Self {
        let dataset = &desk.managed.dataset;
        let words = |all: &[Slug]| all.iter().map(ToString::to_string).collect();
        let line = |line: &InfoField| InfoBody { name: line.name.clone(), value: line.value.clone() };
        Self {
            slug: dataset.slug.to_string(),
            title: dataset.title.clone(),
            summary: dataset.summary.clone(),
            description: dataset.description.clone(),
            publisher: dataset.publisher.clone(),
            licence: dataset.licence.clone(),
            tags: dataset.tags.clone(),
            info: dataset.info.iter().map(line).collect(),
            related: words(&dataset.related),
            mode: dataset.mode.to_string(),
            agreements: words(&named.agreements),
            form: named.form.as_ref().map(ToString::to_string),
            committee: named.committee.as_ref().map(ToString::to_string),
            grant_days: dataset.grant_days,
            later_releases: dataset.later_releases.to_string(),
            later_members: dataset.later_members.to_string(),
            position: named.position,
        }
    }

    /// What was sent, if nothing is wrong with it. A published dataset lacks nothing.
    fn checked(&self, is_published: bool) -> Result<NewDataset, WebError> {
        let mut faults = Faults::default();
        let slugs = |faults: &mut Faults, pointer: &str, all: &[String]| -> Option<Vec<Slug>> {
            let parsed: Result<Vec<Slug>, TextError> = all.iter().map(|text| text.parse()).collect();
            faults.take(pointer, parsed)
        };
        let slug = faults.take("/slug", self.slug.parse());
        let related = slugs(&mut faults, "/related", &self.related);
        let agreements = slugs(&mut faults, "/agreements", &self.agreements);
        let form = faults.take("/form", self.form.as_deref().map(str::parse).transpose());
        let committee = faults.take("/committee", self.committee.as_deref().map(str::parse).transpose());
        let mode = faults.choose("/mode", &self.mode);
        let later_releases = faults.choose("/later_releases", &self.later_releases);
        let later_members = faults.choose("/later_members", &self.later_members);
        let parsed = (|| {
            Some(DatasetDescription {
                organisation: None,
                slug: slug?,
                title: self.title.clone(),
                summary: self.summary.clone(),
                description: self.description.clone(),
                licence: self.licence.clone(),
                publisher: self.publisher.clone(),
                tags: self.tags.clone(),
                info: self
                    .info
                    .iter()
                    .map(|line| InfoField { name: line.name.clone(), value: line.value.clone() })
                    .collect(),
                related: related?,
                mode: mode?,
                agreements: agreements?,
                form: form?,
                committee: committee?.map_or(CommitteeChoice::None, CommitteeChoice::Named),
                grant_days: self.grant_days,
                later_releases: later_releases?,
                later_members: later_members?,
                position: self.position,
                root: String::new(),
                import_settings: ImportSettings::default(),
            })
        })();
        let description = faults.check(parsed)?;
        let new = if is_published { NewDataset::parse(description) } else { NewDataset::parse_draft(description) };
        new.map_err(|error| {
            let (field, fault) = place_of(&error);
            // The page has one field for each agreement.
            let field = if field == "agreement" { "agreements".to_owned() } else { field.replace('.', "/") };
            Faults::one(&format!("/{field}"), fault)
        })
    }
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
    /// Its newest releases.
    pub releases: Vec<ReleaseDetail>,
    /// When its record last changed (RFC 3339).
    pub updated_at: String,
}

/// A dataset that the client may see.
pub(super) async fn load(app: &App, client: &ApiClient, slug: &str) -> Result<DatasetDesk, WebError> {
    client.require(Scope::Steward)?;
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
pub async fn read(app: web::Data<App>, client: ApiClient, slug: web::Path<String>) -> Result<HttpResponse, WebError> {
    let desk = load(&app, &client, &slug).await?;
    let dataset = desk.managed.dataset.clone();
    let named = app.reads.read(move |conn| named(conn, &dataset)).await?;
    let (dataset, now) = (&desk.managed.dataset, clock::now());
    let detail = ManagedDetail {
        dataset: DatasetBody::of(&desk, &named),
        organisation: desk.managed.organisation.slug.to_string(),
        is_published: dataset.is_published(),
        offered_to: desk.managed.offered_to.as_ref().map(|to| to.slug.to_string()),
        missing: desk.missing.iter().map(ToString::to_string).collect(),
        is_suspended: dataset.is_suspended(),
        releases: desk.releases.iter().map(|release| ReleaseDetail::of(release.clone(), now)).collect(),
        updated_at: dataset.updated_at.to_string(),
    };
    Ok(read_tagged(&detail, &detail.updated_at))
}

/// Makes a draft of a dataset.
#[utoipa::path(
    post, path = "/api/v1/manage/organisations/{organisation}/datasets", tag = "manage", security(("token" = ["steward"])),
    params(("organisation" = String, Path, description = "The organisation's name")), request_body = DatasetBody,
    responses((status = 201, description = "It is made.", body = Made)),
)]
pub async fn make(
    app: web::Data<App>,
    slug: web::Path<String>,
    sent: Sent<DatasetBody>,
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
    sent: Sent<DatasetBody>,
) -> Result<HttpResponse, WebError> {
    let desk = load_to_change(&app, &sent.client, &slug).await?;
    let dataset = &desk.managed.dataset;
    if sent.body.slug != dataset.slug.as_str() {
        return Err(Faults::one("/slug", Fault::Message("error-slug-stays")));
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
    sent: Sent<Nothing>,
) -> Result<HttpResponse, WebError> {
    sent.client.require(Scope::Steward)?;
    let (by, slug) = (sent.client.person().id, parse_id::<Slug>(&slug)?);
    sent.act(&app, move |tx| commands::publish_draft(tx, by, &slug)).await
}

/// Whether a dataset is delivered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspensionBody {
    /// Whether nothing of it is delivered from now on.
    suspended: bool,
    /// Why, where it is suspended.
    #[serde(default)]
    reason: String,
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
    sent: Sent<SuspensionBody>,
) -> Result<HttpResponse, WebError> {
    sent.client.require(Scope::Steward)?;
    let (by, slug) = (sent.client.person().id, parse_id::<Slug>(&slug)?);
    let change = if sent.body.suspended {
        let mut faults = Faults::default();
        let reason = faults.take("/reason", Reason::parse(&sent.body.reason));
        SuspensionChange::Suspend(faults.check(reason)?)
    } else {
        SuspensionChange::Restore
    };
    sent.act(&app, move |tx| commands::change_suspension(tx, by, &slug, &change)).await
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
    sent: Sent<ReleaseBody>,
) -> Result<HttpResponse, WebError> {
    sent.client.require(Scope::Steward)?;
    let (by, slug, number) = (sent.client.person().id, parse_id::<Slug>(&path.0)?, parse_id::<u32>(&path.1)?);
    let mut faults = Faults::default();
    let change = match &sent.body {
        ReleaseBody::Withdraw(reason) => faults.take("/withdraw", Reason::parse(reason)).map(ReleaseChange::Withdraw),
        ReleaseBody::EmbargoUntil(until) => {
            let until = Timestamp::parse(until).ok_or(TextError::Form);
            faults.take("/embargo_until", until).map(ReleaseChange::Embargo)
        }
        ReleaseBody::EndEmbargo => Some(ReleaseChange::EndEmbargo),
    };
    let change = faults.check(change)?;
    sent.act(&app, move |tx| change_as_steward(tx, by, (&slug, number), &change)).await
}

/// What the public reads of a line of *Additional info*.
impl From<&InfoField> for InfoLine {
    fn from(line: &InfoField) -> Self {
        Self { name: line.name.clone(), value: texts(&line.value) }
    }
}
