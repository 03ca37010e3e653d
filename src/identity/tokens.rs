//! JWT access tokens (RFC 9068, profile of RFC 8725): signing and verifying. Whether a token may do something is the
//! ledger's to decide; here it is only whether this gateway signed it, for itself, and when.

use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

use super::keys::KeyRing;
use crate::domain::Timestamp;
use crate::domain::api_token::{Scope, scope_words};
use crate::domain::ids::TokenId;
use crate::domain::text::Secret;
use crate::domain::token::{Authorization, LEEWAY, TokenRecord};

/// The `typ` of access tokens.
const ACCESS_TOKEN_TYPE: &str = "at+jwt";
/// The `scope` of tokens that download.
const DOWNLOAD: &str = "download";
/// The maximum length of a token, in bytes. Ours are much shorter.
const MAX_LENGTH: usize = 8 * 1024;

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    client_id: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
    scope: String,
    authorization_details: Vec<Authorization>,
}

/// Why a token is invalid. Clients get no details; these words are for tests and the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenError {
    /// This gateway did not sign it.
    #[error("not a token of this gateway")]
    Invalid,
    /// It ends too early, or has not all of its three parts: it was copied in part.
    #[error("cut off")]
    CutOff,
    /// This gateway signed it, but it has expired.
    #[error("expired")]
    Expired(TokenId),
}

/// Signs a token.
///
/// # Errors
/// [`TokenError::Invalid`] when the key can't sign.
pub fn sign(keys: &KeyRing, issuer: &str, client: &str, record: &TokenRecord) -> Result<Secret, TokenError> {
    let key = keys.newest();
    let mut header = Header::new(Algorithm::ES256);
    header.typ = Some(ACCESS_TOKEN_TYPE.into());
    header.kid = Some(key.jwk.kid.clone());
    let issued = record.issued_at.unix_seconds();
    let claims = Claims {
        iss: issuer.into(),
        aud: issuer.into(),
        sub: record.person.to_string(),
        client_id: client.into(),
        iat: issued,
        nbf: issued,
        exp: record.expires_at.unix_seconds(),
        jti: record.id.to_string(),
        scope: if record.scopes.is_empty() { DOWNLOAD.into() } else { scope_words(&record.scopes) },
        authorization_details: record.details.clone(),
    };
    encode(&header, &claims, &key.encoding).map(Secret::new).map_err(|_| TokenError::Invalid)
}

/// A token that this gateway signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VerifiedToken {
    /// The token's id.
    pub id: TokenId,
    not_before: i64,
    expires: i64,
}

impl VerifiedToken {
    /// Whether it is within its validity period, with the leeway.
    pub fn is_timely(&self, now: Timestamp) -> bool {
        let (leeway, seconds) = (LEEWAY.whole_seconds(), now.unix_seconds());
        seconds < self.expires.saturating_add(leeway) && seconds >= self.not_before.saturating_sub(leeway)
    }
}

/// Characters of an ES256 signature, 64 bytes, in base64url.
const SIGNATURE_LENGTH: usize = 86;

/// Whether a token begins like one and ends too early.
fn is_cut_off(token: &str) -> bool {
    let mut parts = token.split('.');
    let (header, _claims, signature) = (parts.next(), parts.next(), parts.next());
    header.is_some_and(|header| header.starts_with("ey"))
        && parts.next().is_none()
        && signature.is_none_or(|signature| (1..SIGNATURE_LENGTH).contains(&signature.len()))
}

/// Whether this gateway signed the token, for itself, and it is within its validity period; gives its claims.
///
/// # Errors
/// When it did not, or the token is outside its validity period.
pub fn verify(keys: &KeyRing, issuer: &str, token: &str, now: Timestamp) -> Result<VerifiedToken, TokenError> {
    if token.len() > MAX_LENGTH {
        return Err(TokenError::Invalid);
    }
    let invalid = if is_cut_off(token) { TokenError::CutOff } else { TokenError::Invalid };
    let header = decode_header(token).map_err(|_| invalid)?;
    // Only our own key id counts: jku, jwk and x5u in the header are never looked at.
    if header.alg != Algorithm::ES256 || header.typ.as_deref() != Some(ACCESS_TOKEN_TYPE) {
        return Err(TokenError::Invalid);
    }
    let key = header.kid.as_deref().and_then(|kid| keys.find(kid)).ok_or(TokenError::Invalid)?;
    if invalid == TokenError::CutOff {
        return Err(invalid);
    }
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[issuer]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
    // Times are checked below, against the same clock as everything else.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let claims = decode::<Claims>(token, &key.decoding, &validation).map_err(|_| TokenError::Invalid)?.claims;
    if !claims.scope.split(' ').all(|word| word == DOWNLOAD || word.parse::<Scope>().is_ok()) {
        return Err(TokenError::Invalid);
    }
    let id = claims.jti.parse().map_err(|_| TokenError::Invalid)?;
    let verified = VerifiedToken { id, not_before: claims.nbf, expires: claims.exp };
    if verified.is_timely(now) {
        Ok(verified)
    } else if now.unix_seconds() < verified.not_before {
        Err(TokenError::Invalid)
    } else {
        Err(TokenError::Expired(id))
    }
}

#[cfg(test)]
mod tests;
