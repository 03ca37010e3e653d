//! The stylesheet, the script, the font and the icon, compiled in. Their addresses hold their hash, so that browsers may
//! keep them for ever.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::failure::Failure;
use crate::domain::text::Sha256;

struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

const ASSETS: [Asset; 4] = [
    Asset { name: "style.css", media_type: "text/css; charset=utf-8", bytes: include_bytes!("../../assets/style.css") },
    Asset {
        name: "script.js",
        media_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/script.js"),
    },
    Asset {
        name: "source-serif-4.woff2",
        media_type: "font/woff2",
        bytes: include_bytes!("../../assets/source-serif-4.woff2"),
    },
    Asset { name: "icon.svg", media_type: "image/svg+xml", bytes: include_bytes!("../../assets/icon.svg") },
];

static ADDRESSES: LazyLock<Vec<(&'static str, String)>> = LazyLock::new(|| {
    let address = |asset: &Asset| {
        let hash = Sha256::of(asset.bytes).to_string();
        (asset.name, format!("/assets/{}/{}", &hash[..12], asset.name))
    };
    ASSETS.iter().map(address).collect()
});

/// The address of an asset.
pub fn address(name: &str) -> String {
    ADDRESSES.iter().find(|(known, _)| *known == name).map_or_else(String::new, |(_, address)| address.clone())
}

/// `GET /assets/{hash}/{name}`
pub async fn get(path: web::Path<(String, String)>) -> Result<HttpResponse, Failure> {
    let (_, name) = path.into_inner();
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or(Failure::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type(asset.media_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.bytes))
}

/// `GET /favicon.ico`
pub async fn icon() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header((header::CACHE_CONTROL, "public, max-age=86400"))
        .body(ASSETS[3].bytes)
}
