//! What a token for the API reaches, and what it does not: others' requests and answers, addresses, longer lives than its own;
//! and what the gateway keeps of a request.

use countersign::domain::dataset::AccessMode;
use countersign::domain::ids::PersonId;
use countersign::domain::text::Sha256;
use countersign::domain::{Refusal, TimeSpan};
use countersign::ledger::commands::idempotency::{Key, answered_before, once};
use countersign::ledger::{Error, Tx};
use countersign::store::{erasure, people};
use serde_json::{Value, json};

use super::model::{World, in_ledger};
use super::support::Gateway;
use super::support::api::{Program, api_token};
use super::support::gateway::{APPLICANT, AUDITOR, REVIEWER, STEWARD};
use super::support::people::{NIH, submit_with};
use super::walls::{password_of, world};

async fn program(gateway: &Gateway, account: usize, scopes: &[&str]) -> Program {
    let visitor = gateway.person(account).await;
    let token = api_token(&visitor, &gateway.accounts[account].password, scopes).await;
    Program::new(&gateway.url, Some(token))
}

#[tokio::test]
async fn an_auditors_token_without_the_scope_reads_nobodys_request() {
    let gateway = Gateway::start();
    let request =
        submit_with(&gateway.person(APPLICANT).await, NIH, "Reading.").await.replace("/requests/", "/review/");
    program(&gateway, REVIEWER, &["review"]).await.get(&request).await.is(200);
    program(&gateway, AUDITOR, &["review", "audit"]).await.get(&request).await.is(200);
    let narrow = program(&gateway, AUDITOR, &["read", "apply", "review", "steward"]).await;
    narrow.get(&request).await.is(404);
    narrow.get("/audit").await.is(403);
    assert_eq!(narrow.get("/manage/grants").await.status, 404);
}

#[tokio::test]
async fn a_member_sees_their_request_without_the_applicants_answers() {
    let gateway = Gateway::start();
    let world = world(&gateway).await;
    let address = world.address("/requests/{request}");
    let mut seen = Vec::new();
    for letter in ['A', 'M'] {
        let (_, visitor) = world.people.iter().find(|(own, _)| *own == letter).unwrap();
        let token = api_token(visitor, &password_of(&gateway, letter), &["read"]).await;
        let reply = Program::new(&gateway.url, Some(token)).get(&address).await;
        seen.push((reply.is(200).json["answers"].as_object().unwrap().len(), reply.json.to_string()));
    }
    assert!(seen[0].0 > 0, "{}", seen[0].1);
    assert_eq!(seen[1].0, 0, "{}", seen[1].1);
}

#[tokio::test]
async fn a_token_makes_none_that_outlives_it_and_stands_in_no_address() {
    let gateway = Gateway::start();
    gateway.granted().await;
    let applicant = program(&gateway, APPLICANT, &["read", "apply"]).await;
    let body = json!({ "name": "long", "datasets": [NIH], "days": 90 });
    let made = applicant.post("/tokens", &body).await;
    let tokens = applicant.get("/tokens").await;
    let own = tokens.json["items"].as_array().unwrap().iter().find(|row| row["scopes"][0] == "read").unwrap();
    assert_eq!(made.is(201).text("/expires_at"), own["expires_at"].as_str().unwrap());
    // A path that matches nothing is a mistake, unless it is meant.
    let mut nothing = json!({ "name": "none", "datasets": [NIH], "paths": ["no/such/*"] });
    assert_eq!(applicant.post("/tokens", &nothing).await.is(422).text("/errors/0/pointer"), "/paths/0");
    nothing["allow_unmatched"] = true.into();
    applicant.post("/tokens", &nothing).await.is(201);
    // An address is kept by browsers, proxies and logs.
    for name in ["access_token", "token"] {
        let refused = applicant.get(&format!("/me?{name}={}", applicant.token())).await;
        assert_eq!(refused.is(400).text("/type"), "/problems/token-in-url");
        let stranger = Program::new(&gateway.url, None);
        stranger.get(&format!("/datasets?{name}={}", applicant.token())).await.is(400);
    }
}

#[tokio::test]
async fn long_lists_within_a_form_are_refused_and_empty_texts_are_none() {
    let gateway = Gateway::start();
    let steward = program(&gateway, STEWARD, &["steward"]).await;
    let forms = "/manage/organisations/main/forms";
    let form = |slug: &str, question: Value| {
        let before = json!({ "id": "first", "label": "First?", "kind": "short" });
        json!({
            "slug": slug, "title": { "en": "Form", "zh-TW": " \u{200b} " },
            "sections": [{ "id": "all", "help": { "zh-TW": " " }, "questions": [before, question] }],
        })
    };
    let options: Vec<Value> = (0..50_000).map(|n| json!({ "value": format!("v{n}"), "label": "x" })).collect();
    let many = json!({ "id": "second", "label": "Which?", "kind": "choice", "options": options });
    steward.post(forms, &form("many", many)).await.is(422);
    let words: Vec<String> = (0..50_000).map(|n| format!("w{n}")).collect();
    let conditions =
        json!({ "id": "second", "label": "Why?", "kind": "short", "only_if": { "question": "first", "is": words } });
    steward.post(forms, &form("conditions", conditions)).await.is(422);
    let plain = json!({ "id": "second", "label": { "en": "Why?", "zh-TW": "" }, "kind": "short" });
    steward.post(forms, &form("plain", plain)).await.is(201);
    let read = Program::new(&gateway.url, None).get("/forms/plain").await;
    let said = read.is(200).json.to_string();
    assert!(!said.contains("zh-TW"), "{said}");
}

/// A key is a day's, one person's and one request's; with the person it goes.
#[test]
fn a_key_is_remembered_for_a_day_and_goes_with_its_person() {
    in_ledger(|ledger, reads| {
        let world = World::new(ledger, AccessMode::Agreement, 1);
        let (one, other) = (world.people[0], world.people[1]);
        let key = |body: &str| Key { text: "once".into(), request: Sha256::of(body.as_bytes()) };
        let answer = |person: PersonId, key: Key, later: TimeSpan| {
            ledger.run_blocking(move |tx: &mut Tx<'_>| {
                tx.now = tx.now + later;
                let said = tx.now.to_string();
                once(tx, person, Some(&key), |_| Ok(said))
            })
        };
        let soon = TimeSpan::seconds(1);
        let first = answer(one, key("a"), TimeSpan::seconds(0)).unwrap();
        assert_eq!(answer(one, key("a"), soon).unwrap(), first);
        assert!(matches!(answer(one, key("b"), soon), Err(Error::Refused(Refusal::KeyReused))));
        assert_ne!(answer(other, key("b"), soon).unwrap(), first);
        assert_ne!(answer(one, key("b"), TimeSpan::days(2)).unwrap(), first);
        // What is older than that has been deleted.
        answer(other, key("b"), TimeSpan::days(2)).unwrap();
        let kept = |person| {
            let find = |conn: &mut _| answered_before(conn, person, &key("b"), countersign::clock::now());
            reads.read_blocking(find).unwrap().unwrap()
        };
        assert!(kept(one).is_some() && kept(other).is_some());
        let erase = move |tx: &mut Tx<'_>| {
            let account = people::by_id(tx.conn, other)?.unwrap();
            Ok(erasure::erase(tx.conn, &account, tx.now)?)
        };
        ledger.run_blocking(erase).unwrap();
        assert!(kept(one).is_some() && kept(other).is_none());
    });
}
