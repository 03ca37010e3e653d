//! Choosing files for a dataset, from the sources that the operator has configured, and starting their import.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::super::{address, parse_id};
use super::dataset::load;
use super::dataset_form::listed;
use crate::app::App;
use crate::config::Source;
use crate::delivery::import_root::folders_in;
use crate::domain::Refusal;
use crate::domain::import_job::{ImportForm, ImportOrder};
use crate::domain::path::FilePath;
use crate::domain::text::Slug;
use crate::ledger;
use crate::ledger::commands::import_jobs::request;
use crate::views::manage::DatasetDesk;
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted, text_error};
use crate::web::page::{Page, Section};
use crate::web::respond::go;
use crate::web::respond::show_with;

#[derive(Template)]
#[template(path = "manage/files.html")]
struct FilesPage {
    page: Page,
    desk: DatasetDesk,
    sources: Vec<Source>,
    /// The source that is looked at, and where in it.
    place: Option<(Source, FilePath)>,
    folders: Vec<String>,
    unreadable: bool,
    form: Form,
}

impl FilesPage {
    fn slug(&self) -> &Slug {
        &self.desk.managed.dataset.slug
    }

    /// The address of a folder in the source that is looked at.
    fn folder(&self, source: &Source, path: &str) -> String {
        let own = format!("/manage/datasets/{}/files", self.slug());
        address(&own, &[("source", source.name.as_str()), ("path", path)])
    }

    /// The folders above the one that is looked at, outermost first: names and paths.
    fn way(&self) -> Vec<(String, String)> {
        let Some((_, path)) = &self.place else { return Vec::new() };
        let parts: Vec<&str> = path.as_str().split('/').filter(|part| !part.is_empty()).collect();
        (1..=parts.len()).map(|n| (parts[n - 1].to_owned(), parts[..n].join("/"))).collect()
    }

    /// The path of a folder below.
    fn below(&self, name: &str) -> String {
        let here = self.place.as_ref().map_or("", |(_, path)| path.as_str());
        if here.is_empty() { name.to_owned() } else { format!("{here}/{name}") }
    }
}

/// Where to look.
#[derive(Deserialize, Default)]
pub struct PlaceQuery {
    source: Option<String>,
    path: Option<String>,
}

/// The sources that a dataset's organisation may use.
pub fn sources(app: &App, desk: &DatasetDesk) -> Vec<Source> {
    let owner = &desk.managed.organisation.slug;
    app.config.sources.iter().filter(|source| source.is_open_to(owner)).cloned().collect()
}

async fn render(
    app: &App,
    viewer: &Viewer,
    desk: DatasetDesk,
    (query, form, status): (&PlaceQuery, Form, StatusCode),
) -> Result<HttpResponse, WebError> {
    let sources = sources(app, &desk);
    let wanted = query.source.as_deref();
    let source = match (wanted, sources.as_slice()) {
        (None, [only]) => Some(only.clone()),
        (name, all) => all.iter().find(|source| Some(source.name.as_str()) == name).cloned(),
    };
    let place = match source {
        Some(source) => Some((source, parse_id::<FilePath>(query.path.as_deref().unwrap_or_default())?)),
        None => None,
    };
    let mut unreadable = false;
    let folders = match &place {
        Some((source, path)) => match source.place(path) {
            Some(root) => folders_in(&app.storage, &root).await.unwrap_or_else(|error| {
                tracing::warn!(%error, source = %source.name, "a source can't be read");
                unreadable = true;
                Vec::new()
            }),
            None => return Err(WebError::NotFound),
        },
        None => Vec::new(),
    };
    let page = viewer.page(Section::Manage, "");
    let title = page.text("files-choose");
    let page = page.titled(&title);
    show_with(viewer, status, &FilesPage { page, desk, sources, place, folders, unreadable, form })
}

async fn changeable(app: &App, viewer: &Viewer, slug: &Slug) -> Result<DatasetDesk, WebError> {
    let desk = load(app, viewer, slug).await?;
    if desk.may_change { Ok(desk) } else { Err(WebError::NotFound) }
}

/// `GET /manage/datasets/{slug}/files`
pub async fn choose(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<PlaceQuery>,
) -> Result<HttpResponse, WebError> {
    let desk = changeable(&app, &viewer, &parse_id(&slug)?).await?;
    render(&app, &viewer, desk, (&query, Form::default(), StatusCode::OK)).await
}

/// What was typed, if nothing is wrong with it; else the form says what is.
fn checked(page: &Page, form: &mut Form, root: String) -> Option<ImportOrder> {
    let typed = ImportForm {
        root,
        exclude: listed(form.get("exclude")).map(str::to_owned).collect(),
        manifest: form.get("manifest").to_owned(),
        note: form.get("note").to_owned(),
        embargo: form.get("embargo").to_owned(),
        leaves_out: form.chose("leave_out", "yes"),
    };
    let errors = match ImportOrder::parse(typed) {
        Ok(order) => return Some(order),
        Err(errors) => errors,
    };
    if let Some(error) = errors.note {
        form.fail("note", text_error(page, "note", error));
    }
    for (is_wrong, field, key) in [
        (errors.embargo, "embargo", "error-embargo"),
        (errors.exclude, "exclude", "error-exclude"),
        (errors.manifest, "manifest", "error-form"),
        (errors.no_manifest, "manifest", "read-fault-no-manifest"),
    ] {
        if is_wrong {
            form.fail(field, page.text(key));
        }
    }
    None
}

/// `POST /manage/datasets/{slug}/files`: starts an import.
pub async fn start(app: web::Data<App>, slug: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (by, page) = (viewer.require_signed_in()?.person.id, viewer.page(Section::Manage, ""));
    let slug: Slug = parse_id(&slug)?;
    let desk = changeable(&app, &viewer, &slug).await?;
    let place = PlaceQuery { source: Some(form.get("source").into()), path: Some(form.get("path").into()) };
    let source = sources(&app, &desk).into_iter().find(|source| source.name.as_str() == form.get("source"));
    let source = source.ok_or(WebError::NotFound)?;
    let root = source.place(&parse_id(form.get("path"))?).ok_or(WebError::NotFound)?;
    if let Some(order) = checked(&page, &mut form, root) {
        let named = slug.clone();
        match app.ledger.run(move |tx| request(tx, by, &named, order)).await {
            Ok(_) => return Ok(go(&format!("/manage/datasets/{slug}?notice=import-begun"))),
            Err(ledger::Error::Refused(refusal @ Refusal::EmbargoPast)) => {
                form.fail("embargo", page.text(refusal.key()));
            }
            Err(ledger::Error::Refused(refusal @ Refusal::ImportRunning)) => form.fail("", page.text(refusal.key())),
            Err(error) => return Err(error.into()),
        }
    }
    render(&app, &viewer, desk, (&place, form, StatusCode::UNPROCESSABLE_ENTITY)).await
}
