//! The stylesheet, the script, the font and the icon, compiled in. Their addresses hold their hash, so that browsers may
//! keep them for ever.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use super::error::WebError;
use crate::app::App;
use crate::domain::text::Sha256;

struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

const ASSETS: [Asset; 3] = [
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

const STYLE: &str = "style.css";

/// The stylesheet, which names the font by the address that pages preload it from.
static STYLESHEET: LazyLock<String> = LazyLock::new(|| {
    let font = "source-serif-4.woff2";
    include_str!("../../assets/style.css").replace(&format!("url(\"{font}\")"), &format!("url(\"{}\")", address(font)))
});

static STYLE_ADDRESS: LazyLock<String> = LazyLock::new(|| hashed(STYLE, STYLESHEET.as_bytes()));

fn hashed(name: &str, bytes: &[u8]) -> String {
    let hash = Sha256::of(bytes).to_string();
    format!("/assets/{}/{name}", &hash[..12])
}

static ADDRESSES: LazyLock<Vec<(&'static str, String)>> =
    LazyLock::new(|| ASSETS.iter().map(|asset| (asset.name, hashed(asset.name, asset.bytes))).collect());

/// The address of an asset.
pub fn address(name: &str) -> String {
    if name == STYLE {
        return STYLE_ADDRESS.clone();
    }
    ADDRESSES.iter().find(|(known, _)| *known == name).map_or_else(String::new, |(_, address)| address.clone())
}

/// `GET /assets/{hash}/{name}`
pub async fn get(path: web::Path<(String, String)>) -> Result<HttpResponse, WebError> {
    let (_, name) = path.into_inner();
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"));
    if name == STYLE {
        return Ok(response.content_type("text/css; charset=utf-8").body(STYLESHEET.as_str()));
    }
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or(WebError::NotFound)?;
    Ok(response.content_type(asset.media_type).body(asset.bytes))
}

/// `GET /favicon.ico`
pub async fn icon() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header((header::CACHE_CONTROL, "public, max-age=86400"))
        .body(ASSETS[2].bytes)
}

/// `GET /logo`: the logo of those who run the gateway.
pub async fn logo(app: web::Data<App>) -> Result<HttpResponse, WebError> {
    let logo = app.config.site.logo.as_ref().ok_or(WebError::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type(logo.media_type)
        // An image alone: whatever an SVG file holds beside it does nothing.
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"))
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(logo.bytes.clone()))
}

/// `GET /robots.txt`: the catalogue is to be found, and what needs an account is not. The data is not named here: `wget -r`
/// keeps to this file.
pub async fn robots(app: web::Data<App>) -> HttpResponse {
    const RULES: &str = "User-agent: *\nDisallow: /log/\nDisallow: /login\nDisallow: /register\n\
                         Disallow: /password/\nDisallow: /account\nDisallow: /requests\nDisallow: /review\n\
                         Disallow: /signatures\nDisallow: /admin\n";
    let text = format!("{RULES}Sitemap: {}/sitemap.xml\n", app.config.base());
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text)
}
