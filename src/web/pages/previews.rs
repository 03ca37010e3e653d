//! What everybody may see of a release: its tables, one a page, and its pictures.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::parse_id;
use crate::app::App;
use crate::clock;
use crate::domain::dataset::Dataset;
use crate::domain::preview::COLUMNS_MAX;
use crate::domain::release::Release;
use crate::views::previews::{self, ReleaseTables};
use crate::views::releases::ReleaseName;
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::page::{Page, Section};
use crate::web::respond::show as show_page;
use crate::web::table_preview::TableShown;

#[derive(Template)]
#[template(path = "releases/tables.html")]
struct TablesPage {
    page: Page,
    dataset: Dataset,
    release: Release,
    /// The tables' paths, and which of them this is.
    paths: Vec<String>,
    chosen: usize,
    table: TableShown,
}

/// Which table is looked into.
#[derive(Deserialize)]
pub struct TableQuery {
    /// From 1, the largest.
    table: Option<usize>,
}

/// `GET /datasets/{slug}/releases/{number}/tables`
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    path: web::Path<(String, String)>,
    query: web::Query<TableQuery>,
) -> Result<HttpResponse, WebError> {
    let (slug, number) = path.into_inner();
    let name = ReleaseName { slug: parse_id(&slug)?, number: parse_id(&number)? };
    let found = app.reads.read(move |conn| previews::tables(conn, &name, clock::now())).await?;
    let ReleaseTables { dataset, release, tables } = found.ok_or(WebError::NotFound)?;
    let chosen = query.table.unwrap_or(1);
    let table = chosen.checked_sub(1).and_then(|place| tables.get(place)).ok_or(WebError::NotFound)?;
    let page = viewer.page(Section::Catalogue, "");
    let title = page.text_with("look-title", "dataset", dataset.title.text(viewer.language));
    let page = page.titled(&title);
    let paths = tables.iter().map(|table| table.path.to_string()).collect();
    let table = TableShown::new(&page, table, COLUMNS_MAX);
    show_page(&viewer, &TablesPage { page, dataset, release, paths, chosen, table })
}

/// `GET /datasets/{slug}/releases/{number}/pictures/{place}.jpg`: a picture, small.
pub async fn picture(app: web::Data<App>, path: web::Path<(String, String, String)>) -> Result<HttpResponse, WebError> {
    let (slug, number, place) = path.into_inner();
    let name = ReleaseName { slug: parse_id(&slug)?, number: parse_id(&number)? };
    let place: u32 = parse_id(&place)?;
    let found = app.reads.read(move |conn| previews::picture(conn, &name, place, clock::now())).await?;
    let jpeg = found.ok_or(WebError::NotFound)?;
    // Whether it is shown may change at any time.
    Ok(HttpResponse::Ok().content_type("image/jpeg").insert_header((header::CACHE_CONTROL, "no-store")).body(jpeg))
}
