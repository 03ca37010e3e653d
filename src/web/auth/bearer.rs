//! Tokens in requests: where they may stand, and where not.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::web::error::WebError;

/// The value of the `Authorization` header, if there is one.
///
/// # Errors
/// [`WebError::InvalidToken`] when it is not text.
pub fn authorization(headers: &HeaderMap) -> Result<Option<&str>, WebError> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    value.to_str().map(Some).map_err(|_| WebError::InvalidToken)
}

/// The token of the scheme Bearer alone: no browser sends that by itself.
pub fn bearer(header: &str) -> Option<String> {
    let (scheme, rest) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim().to_owned())
}

/// The token in an `Authorization` header: of the scheme Bearer (RFC 6750), the password of Basic (RFC 7617), or bare, as
/// CKAN's clients send their keys.
pub fn credential(header: &str) -> Option<String> {
    let Some((scheme, rest)) = header.split_once(' ') else {
        return header.starts_with("ey").then(|| header.to_owned());
    };
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(BASE64.decode(rest).ok()?).ok()?;
        return decoded.split_once(':').map(|(_, password)| password.to_owned());
    }
    None
}

/// Names of query parameters that people put tokens in.
const TOKEN_PARAMETERS: [&str; 4] = ["access_token", "token", "bearer_token", "authorization"];

/// Whether a token stands in a query, where it would end in logs.
pub fn token_in_query(query: &str) -> bool {
    !query.is_empty()
        && url::form_urlencoded::parse(query.as_bytes())
            .any(|(name, _)| TOKEN_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_both_schemes() {
        assert_eq!(credential("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(credential("bearer  abc").as_deref(), Some("abc"));
        assert_eq!(credential(&format!("Basic {}", BASE64.encode("token:abc"))).as_deref(), Some("abc"));
        assert_eq!(credential("eyJh.eyJi.c2ln").as_deref(), Some("eyJh.eyJi.c2ln"));
        for bad in ["abc", "Basic !!!", "Digest x", "Basic YWJj", ""] {
            assert_eq!(credential(bad), None, "{bad}");
        }
    }
}
