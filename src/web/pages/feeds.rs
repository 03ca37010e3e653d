//! Feeds (Atom, RFC 4287): the releases of a dataset, the datasets of an organisation, and all of them.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::parse_id;
use crate::app::App;
use crate::clock;
use crate::domain::Timestamp;
use crate::domain::catalogue::{Facet, FacetChoices, Order};
use crate::domain::release::Release;
use crate::domain::text::{Language, Slug};
use crate::store::{Cursor, organisations};
use crate::views::datasets::{Found, Search, catalogue};
use crate::views::releases;
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::page::{Page, Section};

/// For how many seconds a reader need not ask again.
const FRESH: &str = "max-age=600";

/// What a feed says.
#[derive(Default)]
struct Feed {
    /// Its own address.
    address: String,
    /// The page that it goes with.
    page: String,
    title: String,
    author: String,
    updated: Timestamp,
    entries: Vec<Entry>,
}

struct Entry {
    /// The page that it is about.
    address: String,
    /// The language of the title and the summary, as a tag.
    language: &'static str,
    title: String,
    updated: Timestamp,
    summary: String,
}

#[derive(Template)]
#[template(path = "feeds/feed.xml")]
struct FeedDocument {
    language: Language,
    feed: Feed,
}

fn answer(language: Language, feed: Feed) -> Result<HttpResponse, WebError> {
    Ok(HttpResponse::Ok()
        .content_type("application/atom+xml; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, FRESH))
        .insert_header((header::VARY, "Cookie, Accept-Language"))
        .body(FeedDocument { language, feed }.render()?))
}

/// `GET /datasets/{slug}/releases.atom`
pub async fn of_releases(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let slug = parse_id::<Slug>(&slug)?;
    let found = app.reads.read(move |conn| releases::list(conn, &slug, &Cursor::newest())).await?;
    let (dataset, found) = found.ok_or(WebError::NotFound)?;
    let (page, now) = (viewer.page(Section::Catalogue, ""), clock::now());
    let address = format!("{}/datasets/{}/releases", app.config.base(), dataset.slug);
    let entries: Vec<Entry> = found.rows.iter().map(|release| of_release(&page, &address, release, now)).collect();
    let feed = Feed {
        title: page.text_with("releases-title", "dataset", page.localised(&dataset.title)),
        author: page.localised(&dataset.publisher).to_owned(),
        updated: entries.iter().map(|entry| entry.updated).max().unwrap_or(dataset.updated_at),
        entries,
        address: format!("{address}.atom"),
        page: address,
    };
    answer(viewer.language, feed)
}

fn of_release(page: &Page, releases: &str, release: &Release, now: Timestamp) -> Entry {
    let number = page.text_with("release-number", "number", release.number);
    let (state, updated) = match (&release.withdrawal, release.embargo(now)) {
        (Some(withdrawal), _) => (Some(page.text("release-withdrawn")), withdrawal.at),
        (None, Some(_)) => (Some(page.text("release-under-embargo")), release.published_at),
        // What was under embargo is news when that ends.
        (None, None) => (None, release.embargoed_until.unwrap_or(release.published_at)),
    };
    let extent = format!("{} · {}", page.count_text("files-count", release.file_count), page.size(release.total_bytes));
    let reason = release.withdrawal.as_ref().map(|withdrawal| withdrawal.reason.as_str());
    let words = [reason.unwrap_or(&release.note), &extent];
    Entry {
        address: format!("{releases}/{}", release.number),
        language: page.language.tag(),
        title: state.map_or(number.clone(), |state| format!("{number} ({state})")),
        updated,
        summary: words.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n"),
    }
}

/// `GET /organisations/{slug}/datasets.atom`. 404 while there is only one organisation, as its page is.
pub async fn of_organisation(
    app: web::Data<App>,
    viewer: Viewer,
    slug: web::Path<String>,
) -> Result<HttpResponse, WebError> {
    let slug = parse_id::<Slug>(&slug)?;
    if !viewer.several_organisations() {
        return Err(WebError::NotFound);
    }
    let found = app.reads.read(move |conn| organisations::by_slug(conn, &slug)).await?;
    let organisation = found.ok_or(WebError::NotFound)?;
    let mut choices = FacetChoices::default();
    choices.add(Facet::Organisation, organisation.slug.as_str());
    let page = viewer.page(Section::Catalogue, "");
    let name = page.localised(&organisation.name).to_owned();
    let shown_at = format!("{}/organisations/{}", app.config.base(), organisation.slug);
    let feed = Feed {
        address: format!("{shown_at}/datasets.atom"),
        page: shown_at,
        title: name.clone(),
        author: name,
        ..of_datasets(&app, &page, choices).await?
    };
    answer(viewer.language, feed)
}

/// `GET /datasets.atom`: all that are in the catalogue.
pub async fn of_catalogue(app: web::Data<App>, viewer: Viewer) -> Result<HttpResponse, WebError> {
    let (page, base) = (viewer.page(Section::Catalogue, ""), app.config.base());
    let feed = Feed {
        address: format!("{base}/datasets.atom"),
        page: format!("{base}/"),
        title: page.text("nav-datasets"),
        author: page.site_name().to_owned(),
        ..of_datasets(&app, &page, FacetChoices::default()).await?
    };
    answer(viewer.language, feed)
}

/// The entries of a feed of datasets: those whose current release is the newest.
async fn of_datasets(app: &App, page: &Page, choices: FacetChoices) -> Result<Feed, WebError> {
    let search = Search { choices, order: Order::Changed, ..Search::default() };
    let (cache, now) = (app.catalogue.clone(), clock::now());
    let read = move |conn: &mut _| catalogue(conn, &cache, &search, (None, &Cursor::first()), now);
    let found = app.reads.read(read).await?.found;
    let entry = |Found { dataset, changed_at, .. }: &Found| Entry {
        address: format!("{}/datasets/{}", app.config.base(), dataset.slug),
        language: page.tag(&dataset.title),
        title: page.localised(&dataset.title).to_owned(),
        updated: changed_at.unwrap_or(dataset.updated_at),
        summary: page.localised(&dataset.summary).to_owned(),
    };
    let entries: Vec<Entry> = found.iter().map(entry).collect();
    let updated = entries.iter().map(|entry| entry.updated).max().unwrap_or_default();
    Ok(Feed { updated, entries, ..Feed::default() })
}
