//! Walls of the JSON API: who may do what, for every operation and every kind of person, compared with a table; and that a
//! token is good for its scopes alone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::support::Gateway;
use super::support::api::{Program, api_token};
use super::walls::{ACCOUNTS, EVERYBODY, password_of, world};

const SCOPES: [&str; 5] = ["read", "apply", "review", "steward", "audit"];
/// An id of nothing.
const NOTHING: &str = "00000000-0000-7000-8000-000000000000";

/// Operations, what they are sent, and who is not turned away as one who may not. What changes the world stands last.
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn table() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let several = json!({ "verdict": "approve", "requests": [format!("{NOTHING}.1")] });
    let signed = json!({ "agreements": [], "name": "x", "language": "en" });
    let committee =
        json!({ "slug": "imaging", "name": { "en": "x" }, "members": ["reviewer1@demo.example"], "quorum": 1 });
    let terms = json!({
        "slug": "nih-chest-xray-dua", "replaces": 99, "title": { "en": "x" }, "statement": { "en": "x" },
        "consent": { "en": "x" }, "kind": "other", "texts": { "en": "x" },
    });
    let question = json!([{ "id": "aa", "questions": [{ "id": "bb", "label": "cc", "kind": "short" }] }]);
    let form =
        json!({ "slug": "nih-chest-xray-application", "replaces": 99, "title": { "en": "x" }, "sections": question });
    let dataset = json!({ "slug": "nih-chest-xray", "title": { "en": "" }, "mode": "open" });
    vec![
        ("GET", "/datasets", Value::Null, EVERYBODY),
        ("GET", "/datasets/{slug}", Value::Null, EVERYBODY),
        ("GET", "/datasets/{slug}/releases", Value::Null, EVERYBODY),
        ("GET", "/datasets/{slug}/releases/{number}", Value::Null, EVERYBODY),
        ("GET", "/datasets/{slug}/releases/{number}/tables", Value::Null, EVERYBODY),
        ("GET", "/datasets/{slug}/releases/{number}/pictures", Value::Null, EVERYBODY),
        ("GET", "/datasets/{slug}/releases/{number}/readmes", Value::Null, EVERYBODY),
        ("GET", "/agreements/{agreement}", Value::Null, EVERYBODY),
        ("GET", "/agreements/{agreement}/versions/{number}", Value::Null, EVERYBODY),
        ("GET", "/forms/{form}", Value::Null, EVERYBODY),
        ("GET", "/forms/{form}/versions/{number}", Value::Null, EVERYBODY),
        ("GET", "/organisations/{organisation}", Value::Null, EVERYBODY),
        ("GET", "/me", Value::Null, ACCOUNTS),
        ("GET", "/today", Value::Null, ACCOUNTS),
        ("GET", "/tokens", Value::Null, ACCOUNTS),
        ("POST", "/tokens", json!({ "name": "x", "datasets": [] }), ACCOUNTS),
        ("DELETE", "/tokens/{nothing}", Value::Null, ""),
        ("GET", "/projects", Value::Null, ACCOUNTS),
        ("POST", "/projects", json!({ "title": "", "purpose": "", "institution": "" }), ACCOUNTS),
        ("GET", "/projects/{project}", Value::Null, "AM"),
        ("DELETE", "/projects/{project}/members/{email}", Value::Null, ""),
        ("GET", "/requests", Value::Null, ACCOUNTS),
        ("GET", "/requests/{request}", Value::Null, "AM"),
        ("GET", "/requests/{request}/files/{file}", Value::Null, "A"),
        ("GET", "/review/{request}/files/{file}", Value::Null, "ROI"),
        ("POST", "/uploads?name=decision.pdf", Value::Null, ACCOUNTS),
        ("GET", "/datasets/{slug}/terms", Value::Null, ACCOUNTS),
        ("POST", "/datasets/{slug}/requests", signed.clone(), ACCOUNTS),
        // Nobody has anything new to sign yet: `new_versions.rs` has those who do.
        ("GET", "/requests/{request}/new-versions", Value::Null, ""),
        ("POST", "/requests/{request}/new-versions", signed.clone(), ""),
        ("POST", "/requests/{request}/signatures", signed, "M"),
        ("GET", "/review", Value::Null, "ROQVI"),
        ("GET", "/review/{request}", Value::Null, "ROI"),
        ("POST", "/review/decisions", several, "ROQVI"),
        ("POST", "/review/{request}/decisions", json!({ "verdict": "approve", "round": 9 }), "R"),
        (
            "POST",
            "/review/{request}/decisions",
            json!({ "verdict": "approve", "round": 9, "overrides": true, "comment": "x" }),
            "O",
        ),
        ("POST", "/review/{request}/exclusions", json!({ "email": "nobody@elsewhere.example", "reason": "x" }), ""),
        ("POST", "/review/{request}/recusals/lift", json!({ "email": "nobody@elsewhere.example", "reason": "x" }), "O"),
        ("GET", "/audit", Value::Null, "I"),
        ("GET", "/manage/datasets", Value::Null, "TOUVI"),
        ("GET", "/manage/datasets/{slug}", Value::Null, "TOI"),
        ("GET", "/manage/datasets/{draft}", Value::Null, "TOI"),
        ("PUT", "/manage/datasets/{slug}", dataset.clone(), "TO"),
        ("POST", "/manage/datasets/{slug}/retirement", json!({ "retired": false }), "TO"),
        ("POST", "/manage/datasets/{slug}/suspension", json!({ "suspended": false }), "TO"),
        ("POST", "/manage/datasets/{slug}/releases/{number}", json!("end_embargo"), "TO"),
        ("GET", "/manage/datasets/{slug}/imports", Value::Null, "TOI"),
        ("POST", "/manage/datasets/{slug}/imports", json!({ "source": "nowhere" }), "TO"),
        ("GET", "/manage/datasets/{slug}/imports/{nothing}", Value::Null, ""),
        ("POST", "/manage/datasets/{slug}/imports/{nothing}/cancel", Value::Null, ""),
        ("GET", "/manage/offers", Value::Null, ACCOUNTS),
        ("POST", "/manage/organisations/{main}/datasets", dataset, "TO"),
        ("POST", "/manage/organisations/{main}/agreements", terms, "TO"),
        ("GET", "/manage/organisations/{main}/agreements/{agreement}/concerned", Value::Null, "TO"),
        ("PUT", "/manage/organisations/{main}/agreements/{agreement}/sign-by", json!({ "version": 1 }), "TO"),
        ("POST", "/manage/organisations/{main}/forms", form, "TO"),
        ("GET", "/manage/organisations/{main}/holidays", Value::Null, "TOI"),
        ("PUT", "/manage/organisations/{main}/holidays", json!({ "days": [] }), "O"),
        ("GET", "/manage/organisations/{main}/committees", Value::Null, "TOI"),
        ("GET", "/manage/organisations/{main}/committees/{committee}", Value::Null, "TOI"),
        ("POST", "/manage/organisations/{main}/committees", committee.clone(), "O"),
        ("PUT", "/manage/organisations/{main}/committees/{committee}", committee, "O"),
        ("GET", "/manage/organisations/{main}/members", Value::Null, "TOI"),
        (
            "POST",
            "/manage/organisations/{main}/members",
            json!({ "email": "owner@demo.example", "role": "owner" }),
            "O",
        ),
        ("PUT", "/manage/organisations/{main}/members/{owner}", json!({ "role": "owner" }), "O"),
        ("DELETE", "/manage/organisations/{main}/members/{email}", Value::Null, ""),
        ("POST", "/manage/datasets/{slug}/offer", json!({ "to": "nobody-there" }), "O"),
        ("DELETE", "/manage/datasets/{slug}/offer", Value::Null, ""),
        ("POST", "/manage/datasets/{slug}/accept", json!({}), ""),
        ("GET", "/manage/organisations/{main}", Value::Null, "TOI"),
        ("PUT", "/manage/organisations/{main}", json!({ "name": { "en": "x" } }), "O"),
        ("POST", "/manage/organisations/{main}/join", Value::Null, ""),
        ("GET", "/manage/overview", Value::Null, "TOUVI"),
        ("GET", "/manage/grants", Value::Null, "TOUVI"),
        ("POST", "/manage/suspensions", json!({ "reason": "x", "datasets": ["nothing-there"] }), "TOUVI"),
        ("POST", "/manage/grants/revoke", json!({ "reason": "x", "grants": [NOTHING] }), "TOUVI"),
        // From here on each changes the world for the ones below it.
        ("POST", "/manage/grants/{grant}/end", json!({ "until": "2001-01-01", "reason": "x" }), "TO"),
        ("POST", "/manage/grants/{grant}/suspension", json!({ "suspended": false }), "TO"),
        ("POST", "/manage/grants/{grant}/revoke", json!({ "reason": "x" }), "TO"),
        ("POST", "/manage/datasets/{draft}/publish", Value::Null, "TO"),
        ("POST", "/projects/{project}/members", json!({ "email": "member@elsewhere.example" }), "A"),
        ("PUT", "/projects/{project}", json!({ "title": "x", "purpose": "y".repeat(40), "institution": "z" }), "A"),
        ("POST", "/projects/{project}/join", Value::Null, ""),
        // Late: those who step aside read it no more.
        ("POST", "/review/{request}/recusals", json!({ "reason": "x" }), "RO"),
        ("POST", "/requests/{request}/withdraw", Value::Null, "A"),
        ("POST", "/projects/{project}/leave", Value::Null, "M"),
        ("POST", "/projects/{project}/end", Value::Null, "A"),
    ]
}

#[tokio::test]
async fn everybody_does_over_the_api_what_the_table_says_and_nothing_else() {
    let gateway = Gateway::start();
    let world = world(&gateway).await;
    let mut programs = Vec::new();
    for (letter, visitor) in &world.people {
        let token = match *letter {
            'N' => None,
            _ => Some(api_token(visitor, &password_of(&gateway, *letter), &SCOPES).await),
        };
        programs.push((*letter, Program::new(&gateway.url, token)));
    }
    let mut wrong = Vec::new();
    for (method, pattern, body, may) in table() {
        let path = address(&world.address(pattern));
        let did: String = {
            let mut did = String::new();
            for (letter, program) in &programs {
                let body = Some(&body).filter(|body| !body.is_null());
                let reply = program.call_with(method, &path, body, &[("if-match", "\"2001-01-01T00:00:00Z\"")]).await;
                assert!(reply.status < 500, "{method} {path} for {letter}: {:#}", reply.json);
                if !matches!(reply.status, 401 | 403 | 404) {
                    did.push(*letter);
                }
                if *letter == 'N' && may != EVERYBODY {
                    reply.is(401);
                }
            }
            did
        };
        if did != may {
            wrong.push(format!("{method} {pattern}: {did:?} did, and the table says {may:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    gateway.verify_log();
}

/// The address of an operation with what it is about.
fn address(pattern: &str) -> String {
    let mut path = pattern.to_owned();
    for (name, value) in [
        ("{slug}", "nih-chest-xray"),
        ("{draft}", "draft"),
        ("{number}", "1"),
        ("{agreement}", "nih-chest-xray-dua"),
        ("{form}", "nih-chest-xray-application"),
        ("{organisation}", "thorax"),
        ("{main}", "main"),
        ("{committee}", "imaging"),
        ("{nothing}", NOTHING),
        ("{email}", "nobody@elsewhere.example"),
        ("{owner}", "owner@demo.example"),
    ] {
        path = path.replace(name, value);
    }
    path
}

/// The operations that the description has: method, address without the names of its parts, the scope that is needed.
async fn described(gateway: &Gateway) -> Vec<(String, String, Option<String>)> {
    let text = reqwest::get(format!("{}/api/openapi.json", gateway.url)).await.unwrap().text().await.unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let (mut all, mut ids) = (Vec::new(), BTreeSet::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{path}: its name is another's");
            let scope = operation["security"][0]["token"][0].as_str().map(str::to_owned);
            let path = path.strip_prefix("/api/v1").unwrap().to_owned();
            all.push((method.to_uppercase(), path, scope));
        }
    }
    all
}

fn without_names(path: &str) -> String {
    let parts = path
        .split('?')
        .next()
        .unwrap_or_default()
        .split('/')
        .map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_operation_is_described_in_the_table_and_needs_its_scope() {
    let gateway = Gateway::start();
    let described = described(&gateway).await;
    let known: BTreeSet<String> =
        described.iter().map(|(method, path, _)| format!("{method} {}", without_names(path))).collect();
    let tried: BTreeSet<String> =
        table().iter().map(|(method, path, ..)| format!("{method} {}", without_names(path))).collect();
    assert_eq!(known.difference(&tried).collect::<Vec<_>>(), Vec::<&String>::new(), "not in the table");
    assert_eq!(tried.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "not described");
    // An owner with a token of each scope: what is refused is refused for the token's sake.
    let person = gateway.person(super::support::gateway::OWNER).await;
    let password = password_of(&gateway, 'O');
    let mut tokens = Vec::new();
    for scope in SCOPES {
        tokens.push((scope, Program::new(&gateway.url, Some(api_token(&person, &password, &[scope]).await))));
    }
    for (method, path, scope) in described {
        let Some(scope) = scope else { continue };
        let body = table()
            .into_iter()
            .find(|(one, pattern, ..)| *one == method && without_names(pattern) == without_names(&path));
        let body = body.map(|(_, _, body, _)| body).filter(|body| !body.is_null());
        let path = address(&path.replace("{id}", NOTHING));
        for (own, program) in &tokens {
            let reply = program.call(&method, &path, body.as_ref()).await;
            let is_refused = reply.status == 403 && reply.text("/type") == "/problems/insufficient-scope";
            assert_eq!(is_refused, *own != scope, "{method} {path} with {own}: {:#}", reply.json);
            if is_refused {
                assert!(reply.header("www-authenticate").contains(&format!("scope=\"{scope}\"")));
            }
        }
    }
}
