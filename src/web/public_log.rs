//! The public log: its key, its checkpoint, its hash tiles (C2SP `tlog-tiles`), and the keys that sign tokens.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

use super::error::WebError;
use crate::app::App;
use crate::domain::text::Sha256;
use crate::log::merkle::{HashSource, consistency_proof, inclusion_proof, root_at};
use crate::store::log::{self, TILE_WIDTH, TreeReader};

const TEXT: &str = "text/plain; charset=utf-8";

/// `GET /log/key`: the verifier key in signed-note form.
pub async fn key(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok().content_type(TEXT).body(format!("{}\n", app.keys.log.verifier()))
}

/// `GET /log/checkpoint`: the signed head.
pub async fn checkpoint(app: web::Data<App>) -> Result<HttpResponse, WebError> {
    let head = app.reads.read(log::stored_head).await?.ok_or(WebError::NotFound)?;
    Ok(HttpResponse::Ok().content_type(TEXT).insert_header((header::CACHE_CONTROL, "no-cache")).body(head.checkpoint))
}

/// `GET /log/tile/{level}/{n}[.p/{width}]`: hashes, 32 bytes each.
pub async fn tile(app: web::Data<App>, path: web::Path<(u32, String)>) -> Result<HttpResponse, WebError> {
    let (level, rest) = path.into_inner();
    let (n, width) = parse_tile(&rest).ok_or(WebError::NotFound)?;
    let hashes = app.reads.read(move |conn| log::tile(conn, level, n, width)).await?.ok_or(WebError::NotFound)?;
    let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(bytes))
}

fn base64(hash: Sha256) -> String {
    BASE64.encode(hash.0)
}

fn proof_answer(answer: Option<serde_json::Value>) -> Result<HttpResponse, WebError> {
    // Both are about the first so many events, which never change.
    let answer = answer.ok_or(WebError::BadRequest("problem-no-such-proof"))?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable")).json(answer))
}

/// Which event is proved to be in a log of which size.
#[derive(Deserialize)]
pub struct Inclusion {
    index: u64,
    size: u64,
}

/// `GET /log/proof/inclusion?index=…&size=…`: that an event is among the first so many (RFC 9162 section 2.1.3). Hashes are
/// in base64, siblings from the leaf up.
pub async fn inclusion(app: web::Data<App>, query: web::Query<Inclusion>) -> Result<HttpResponse, WebError> {
    let Inclusion { index, size } = query.into_inner();
    let answer = app
        .reads
        .read(move |conn| {
            let mut tree = TreeReader::new(conn)?;
            if index >= size || size > tree.head().size() {
                return Ok(None);
            }
            let proof: Vec<String> = inclusion_proof(&mut tree, index, size)?.into_iter().map(base64).collect();
            let (leaf, root) = (base64(tree.subtree(0, index)?), base64(root_at(&mut tree, size)?));
            Ok(Some(serde_json::json!({ "index": index, "size": size, "leaf": leaf, "root": root, "proof": proof })))
        })
        .await?;
    proof_answer(answer)
}

/// Which size of the log is proved to be a beginning of which other.
#[derive(Deserialize)]
pub struct Consistency {
    old: u64,
    new: u64,
}

/// `GET /log/proof/consistency?old=…&new=…`: that the log of one size is a beginning of the log of another (RFC 9162
/// section 2.1.4). Hashes are in base64.
pub async fn consistency(app: web::Data<App>, query: web::Query<Consistency>) -> Result<HttpResponse, WebError> {
    let Consistency { old, new } = query.into_inner();
    let answer = app
        .reads
        .read(move |conn| {
            let mut tree = TreeReader::new(conn)?;
            if old == 0 || old > new || new > tree.head().size() {
                return Ok(None);
            }
            let proof: Vec<String> = consistency_proof(&mut tree, old, new)?.into_iter().map(base64).collect();
            let (old_root, new_root) = (base64(root_at(&mut tree, old)?), base64(root_at(&mut tree, new)?));
            Ok(Some(serde_json::json!({
                "old": old, "new": new, "old_root": old_root, "new_root": new_root, "proof": proof,
            })))
        })
        .await?;
    proof_answer(answer)
}

/// The number of a tile, in groups of three digits of which all but the last begin with `x`, and its width.
fn parse_tile(text: &str) -> Option<(u64, u64)> {
    let (number, width) = match text.split_once(".p/") {
        None => (text, TILE_WIDTH),
        Some((number, width)) => {
            let parsed: u64 = width.parse().ok()?;
            let fits = (1..TILE_WIDTH).contains(&parsed) && parsed.to_string() == width;
            (number, fits.then_some(parsed)?)
        }
    };
    let groups: Vec<&str> = number.split('/').collect();
    let (last, first) = groups.split_last()?;
    let mut n: u64 = 0;
    for group in first.iter().map(|group| group.strip_prefix('x')).chain([Some(*last)]) {
        let group = group.filter(|group| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit()))?;
        n = n.checked_mul(1000)?.checked_add(group.parse().ok()?)?;
    }
    // One way to write each number: no leading group of zeros.
    (first.is_empty() || first[0] != "x000").then_some((n, width))
}

/// `GET /.well-known/jwks.json`: the public keys of tokens (RFC 7517).
pub async fn jwks(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=300")).json(app.keys.jwks())
}

#[cfg(test)]
mod tests {
    use super::parse_tile;

    #[test]
    fn tile_paths_of_the_specification() {
        assert_eq!(parse_tile("000"), Some((0, 256)));
        assert_eq!(parse_tile("067"), Some((67, 256)));
        assert_eq!(parse_tile("x001/x234/067"), Some((1_234_067, 256)));
        assert_eq!(parse_tile("x001/067.p/8"), Some((1067, 8)));
        for bad in
            ["", "67", "x000/067", "001/067", "x01/067", "000.p/0", "000.p/256", "000.p/08", "000.p/", "abc", "-01"]
        {
            assert_eq!(parse_tile(bad), None, "{bad}");
        }
    }
}
