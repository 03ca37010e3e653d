//! The releases of a dataset: all of them, and one with its difference to the one before.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{ListQuery, address, parse_id};
use crate::app::App;
use crate::clock;
use crate::domain::Timestamp;
use crate::domain::citation::{Citation, CitationFormat};
use crate::domain::dataset::Dataset;
use crate::domain::path::FilePath;
use crate::domain::release::{FileFate, Release};
use crate::domain::text::{Language, Slug};
use crate::l10n::{self, Arg};
use crate::store::Cursor;
use crate::views::releases::{self, FilesOfFate, ReleaseName, ReleaseView};
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::page::{Page, PublicFace, Section};
use crate::web::respond::show as show_page;

#[derive(Template)]
#[template(path = "releases/list.html")]
struct ListPage {
    page: Page,
    dataset: Dataset,
    releases: Vec<Release>,
    later: Option<String>,
    now: Timestamp,
}

impl ListPage {
    /// The difference to the release before, in a line.
    fn difference(&self, release: &Release) -> String {
        let counts = release.difference;
        let parts =
            [("release-added", counts.added), ("release-changed", counts.changed), ("release-removed", counts.removed)];
        let said =
            parts.into_iter().filter(|(_, count)| *count > 0).map(|(key, count)| self.page.count_text(key, count));
        said.collect::<Vec<_>>().join(" · ")
    }
}

/// `GET /datasets/{slug}/releases`
pub async fn list(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let (slug, after) = (parse_id::<Slug>(&slug)?, query.after.clone().unwrap_or(Cursor::newest()));
    let path = format!("/datasets/{slug}/releases");
    let found = app.reads.read(move |conn| releases::list(conn, &slug, &after)).await?;
    let (dataset, found) = found.ok_or(WebError::NotFound)?;
    let page = viewer.page(Section::Catalogue, "");
    let title = page.text_with("releases-title", "dataset", dataset.title.text(viewer.language));
    let later = found.next.map(|next| address(&path, &[("after", &next.to_string())]));
    let face = PublicFace::new(format!("{}{path}", app.config.base()), &title).with_feed(format!("{path}.atom"));
    let (page, now) = (page.titled(&title).with_public_face(face), clock::now());
    show_page(&viewer, &ListPage { page, dataset, releases: found.rows, later, now })
}

#[derive(Template)]
#[template(path = "releases/show.html")]
struct ShowPage {
    page: Page,
    view: ReleaseView,
    citation: Citation,
}

impl ShowPage {
    /// What the addresses of its files begin with.
    fn base(&self) -> String {
        format!("/data/{}@{}", self.view.dataset.slug, self.view.release.number)
    }

    /// How it is cited, as a sentence.
    fn citation(&self) -> String {
        let Citation { publisher, title, url, .. } = &self.citation;
        let (year, number) = (self.citation.year().to_string(), self.citation.release.to_string());
        let values =
            [("publisher", publisher), ("year", &year), ("title", title), ("number", &number), ("address", url)];
        l10n::say(self.page.language, "release-citation", &values.map(|(name, value)| (name, Arg::Text(value))))
    }

    /// Where the rest of a list is.
    fn more(&self, files: &FilesOfFate) -> Option<String> {
        let path = format!("/datasets/{}/releases/{}", self.view.dataset.slug, self.view.release.number);
        let next = files.next.as_ref()?;
        Some(address(&path, &[("list", files.fate.as_str()), ("after", next.as_str())]))
    }
}

/// Which part of the difference to show.
#[derive(Deserialize, Default)]
pub struct DifferenceQuery {
    list: Option<String>,
    after: Option<String>,
}

impl DifferenceQuery {
    fn place(&self) -> Option<(FileFate, FilePath)> {
        Some((self.list.as_deref()?.parse().ok()?, self.after.as_deref()?.parse().ok()?))
    }
}

/// `GET /datasets/{slug}/releases/{number}`
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    path: web::Path<(String, String)>,
    query: web::Query<DifferenceQuery>,
) -> Result<HttpResponse, WebError> {
    let (slug, number) = path.into_inner();
    let (slug, number, place) = (parse_id::<Slug>(&slug)?, parse_id::<u32>(&number)?, query.place());
    let name = ReleaseName { slug, number };
    let found = app.reads.read(move |conn| releases::show(conn, &name, place, clock::now())).await?;
    let view = found.ok_or(WebError::NotFound)?;
    let page = viewer.page(Section::Catalogue, "");
    let dataset = view.dataset.title.text(viewer.language);
    let title = page.text_with_two("release-title", "dataset", dataset, "number", view.release.number.to_string());
    let citation = citation(&app, &view.dataset, &view.release, viewer.language);
    let page = page.titled(&title).with_public_face(PublicFace::new(citation.url.clone(), &title));
    show_page(&viewer, &ShowPage { page, view, citation })
}

/// How a release is cited, in a language that its description is in.
fn citation(app: &App, dataset: &Dataset, release: &Release, language: Language) -> Citation {
    let (slug, number) = (&dataset.slug, release.number);
    Citation {
        key: format!("{slug}-{number}"),
        publisher: dataset.publisher.text(language).to_owned(),
        title: dataset.title.text(language).to_owned(),
        release: number,
        published_at: release.published_at,
        url: format!("{}/datasets/{slug}/releases/{number}", app.config.base()),
    }
}

/// `GET /datasets/{slug}/releases/{number}/citation.{format}`: for reference managers.
pub async fn cite(
    app: web::Data<App>,
    viewer: Viewer,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, WebError> {
    let (slug, number, format) = path.into_inner();
    let format: CitationFormat = parse_id(&format)?;
    let name = ReleaseName { slug: parse_id(&slug)?, number: parse_id(&number)? };
    let found = app.reads.read(move |conn| releases::find(conn, &name)).await?;
    let (dataset, release) = found.ok_or(WebError::NotFound)?;
    let citation = citation(&app, &dataset, &release, viewer.language);
    let file = format!("attachment; filename=\"{}.{}\"", citation.key, format);
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((header::CONTENT_DISPOSITION, file))
        .insert_header((header::VARY, "Cookie, Accept-Language"))
        .body(citation.format(format)))
}
