//! Tokens that are not ours must not pass, however they are bent (RFC 8725).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jsonwebtoken::EncodingKey;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::domain::TimeSpan;
use crate::domain::ids::PersonId;

const ISSUER: &str = "http://localhost:8080";

struct Fixture {
    keys: KeyRing,
    record: TokenRecord,
    token: String,
    now: Timestamp,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyRing::open(folder.path(), "test/log", true).unwrap().ring;
    let now = Timestamp::from_unix_seconds(1_800_000_000);
    let record = TokenRecord {
        id: TokenId(Uuid::from_u128(7)),
        person: PersonId(Uuid::from_u128(8)),
        name: "laptop".into(),
        details: vec![Authorization::download("nih-chest-xray".parse().unwrap(), None)],
        scopes: Vec::new(),
        issued_at: now,
        expires_at: now + TimeSpan::days(7),
        revoked_at: None,
        last_used_at: None,
    };
    let token = sign(&keys, ISSUER, "test", &record).unwrap().expose().to_owned();
    Fixture { keys, record, token, now }
}

fn part(token: &str, n: usize) -> Value {
    let bytes = BASE64URL.decode(token.split('.').nth(n).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn encoded(value: &Value) -> String {
    BASE64URL.encode(value.to_string())
}

/// The same claims, changed, signed with our own key under a changed header.
fn resigned(fixture: &Fixture, change: impl FnOnce(&mut Value, &mut Header)) -> String {
    let mut claims = part(&fixture.token, 1);
    let mut header = Header::new(Algorithm::ES256);
    header.typ = Some(ACCESS_TOKEN_TYPE.into());
    header.kid = Some(fixture.keys.newest().jwk.kid.clone());
    change(&mut claims, &mut header);
    encode(&header, &claims, &fixture.keys.newest().encoding).unwrap()
}

#[test]
fn ours_pass_and_say_what_they_are() {
    let f = fixture();
    assert_eq!(verify(&f.keys, ISSUER, &f.token, f.now).map(|verified| verified.id), Ok(f.record.id));
    let header = part(&f.token, 0);
    assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some("ES256"), Some("at+jwt")));
    assert_eq!(
        part(&f.token, 1)["authorization_details"],
        json!([{"type": "dataset", "identifier": "nih-chest-xray", "actions": ["list", "read"]}])
    );
}

#[test]
fn times_count_with_thirty_seconds_of_leeway() {
    let f = fixture();
    let end = f.record.expires_at;
    assert!(verify(&f.keys, ISSUER, &f.token, end + TimeSpan::seconds(29)).is_ok());
    assert_eq!(verify(&f.keys, ISSUER, &f.token, end + TimeSpan::seconds(30)), Err(TokenError::Expired(f.record.id)));
    assert!(verify(&f.keys, ISSUER, &f.token, f.now - TimeSpan::seconds(30)).is_ok());
    assert_eq!(verify(&f.keys, ISSUER, &f.token, f.now - TimeSpan::seconds(31)), Err(TokenError::Invalid));
}

#[test]
fn a_token_that_was_copied_in_part_is_told_from_a_foreign_one() {
    let f = fixture();
    for length in [30, f.token.len() / 2, f.token.len() - 1] {
        assert_eq!(verify(&f.keys, ISSUER, &f.token[..length], f.now), Err(TokenError::CutOff), "{length}");
    }
    for foreign in ["", "abc", "hf_abcdefgh", &format!("{}x", f.token)] {
        assert_eq!(verify(&f.keys, ISSUER, foreign, f.now), Err(TokenError::Invalid), "{foreign}");
    }
}

#[test]
fn algorithm_confusion_fails() {
    let f = fixture();
    let payload = f.token.split('.').nth(1).unwrap();
    let mut header = part(&f.token, 0);
    for alg in ["none", "None", "HS256", "RS256", "ES384", "EdDSA", ""] {
        header["alg"] = alg.into();
        let signature = f.token.split('.').nth(2).unwrap();
        for signature in ["", signature] {
            let forged = format!("{}.{payload}.{signature}", encoded(&header));
            assert_eq!(verify(&f.keys, ISSUER, &forged, f.now), Err(TokenError::Invalid), "{alg}");
        }
    }
    // HMAC with what everybody can know: the public key's coordinates, or its JWK.
    let jwk = serde_json::to_string(&f.keys.newest().jwk).unwrap();
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some(ACCESS_TOKEN_TYPE.into());
    header.kid = Some(f.keys.newest().jwk.kid.clone());
    let forged = encode(&header, &part(&f.token, 1), &EncodingKey::from_secret(jwk.as_bytes())).unwrap();
    assert_eq!(verify(&f.keys, ISSUER, &forged, f.now), Err(TokenError::Invalid));
}

#[test]
fn wrong_type_key_issuer_audience_and_scope_fail() {
    type Change = fn(&mut Value, &mut Header);
    let f = fixture();
    assert!(verify(&f.keys, ISSUER, &resigned(&f, |_, _| {}), f.now).is_ok(), "the fixture itself is good");
    let changes: [(&str, Change); 12] = [
        ("typ JWT", |_, h| h.typ = Some("JWT".into())),
        ("no typ", |_, h| h.typ = None),
        ("unknown kid", |_, h| h.kid = Some("other".into())),
        ("no kid", |_, h| h.kid = None),
        ("kid as a path", |_, h| h.kid = Some("../../keys/token.pem".into())),
        ("iss", |c, _| c["iss"] = "http://evil.example".into()),
        ("aud", |c, _| c["aud"] = "http://other.example".into()),
        ("no aud", |c, _| drop(c.as_object_mut().unwrap().remove("aud"))),
        ("no exp", |c, _| drop(c.as_object_mut().unwrap().remove("exp"))),
        ("exp as text", |c, _| c["exp"] = "9999999999".into()),
        ("scope", |c, _| c["scope"] = "review everything".into()),
        ("jti", |c, _| c["jti"] = "not an id".into()),
    ];
    for (name, change) in changes {
        assert_eq!(verify(&f.keys, ISSUER, &resigned(&f, change), f.now), Err(TokenError::Invalid), "{name}");
    }
}

#[test]
fn another_gateways_token_fails_even_with_its_key_in_the_header() {
    let (ours, theirs) = (fixture(), fixture());
    assert_eq!(verify(&ours.keys, ISSUER, &theirs.token, ours.now), Err(TokenError::Invalid));
    let mut header = part(&theirs.token, 0);
    header["kid"] = ours.keys.newest().jwk.kid.clone().into();
    header["jwk"] = serde_json::to_value(&theirs.keys.newest().jwk).unwrap();
    header["jku"] = "http://evil.example/jwks.json".into();
    let rest = theirs.token.split_once('.').unwrap().1;
    let forged = format!("{}.{rest}", encoded(&header));
    assert_eq!(verify(&ours.keys, ISSUER, &forged, ours.now), Err(TokenError::Invalid));
}

#[test]
fn old_keys_verify_after_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let before = KeyRing::open(folder.path(), "test/log", true).unwrap().ring;
    let f = fixture();
    let token = sign(&before, ISSUER, "test", &f.record).unwrap();
    let kid = KeyRing::rotate(folder.path()).unwrap();
    let after = KeyRing::open(folder.path(), "test/log", true).unwrap().ring;
    assert_eq!(after.newest().jwk.kid, kid);
    assert_eq!(verify(&after, ISSUER, token.expose(), f.now).map(|verified| verified.id), Ok(f.record.id));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_changed_character_passes(place: prop::sample::Index, with in "[A-Za-z0-9_.-]") {
        let f = fixture();
        let mut bytes = f.token.clone().into_bytes();
        let place = place.index(bytes.len());
        // The last character of a 64-byte signature carries four unused bits.
        prop_assume!(bytes[place] != with.as_bytes()[0] && place + 1 < bytes.len());
        bytes[place] = with.as_bytes()[0];
        let bent = String::from_utf8(bytes).unwrap();
        prop_assert!(verify(&f.keys, ISSUER, &bent, f.now).is_err());
    }

    #[test]
    fn nonsense_never_panics(text in "\\PC{0,200}") {
        let f = fixture();
        prop_assert!(verify(&f.keys, ISSUER, &text, f.now).is_err());
    }
}
