//! `/sitemap.xml`: the catalogue and its datasets, for search engines (sitemaps.org).

use std::fmt::Write;

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::error::WebError;
use crate::app::App;
use crate::store::datasets;

/// `GET /sitemap.xml`
pub async fn sitemap(app: web::Data<App>) -> Result<HttpResponse, WebError> {
    let listed = app.reads.read(datasets::sitemap_entries).await?;
    let base = app.config.base();
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    // Slugs are letters, digits and hyphens: nothing needs escaping. Writing to a string does not fail.
    let _ = writeln!(xml, "<url><loc>{base}/</loc></url>");
    for (slug, updated_at) in listed {
        let text = updated_at.to_string();
        let day = text.split('T').next().unwrap_or_default();
        let _ = writeln!(xml, "<url><loc>{base}/datasets/{slug}</loc><lastmod>{day}</lastmod></url>");
    }
    xml.push_str("</urlset>\n");
    Ok(HttpResponse::Ok()
        .content_type("application/xml; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(xml))
}
