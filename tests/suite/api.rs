//! The JSON API: a whole journey by a program, requests that are sent twice, edits that meet, errors that programs understand,
//! and its description.

use countersign::domain::admission::Denial;
use serde_json::{Value, json};

use super::delivery::with_token;
use super::support::Gateway;
use super::support::api::{Program, api_token};
use super::support::gateway::{ADMINISTRATOR, APPLICANT, OWNER, REVIEWER, STEWARD};
use super::support::people::{NIH, decide, make_token, submit_with};

async fn program(gateway: &Gateway, account: usize, scopes: &[&str]) -> Program {
    let visitor = gateway.person(account).await;
    let token = api_token(&visitor, &gateway.accounts[account].password, scopes).await;
    Program::new(&gateway.url, Some(token))
}

#[tokio::test]
async fn a_program_publishes_asks_approves_and_downloads_over_the_api_alone() {
    let gateway = Gateway::start();
    let mut command = std::process::Command::new("python3");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/api_journey.py")).env("BASE", &gateway.url);
    for (name, account, scopes) in [
        ("STEWARD", STEWARD, &["steward"][..]),
        ("OWNER", OWNER, &["steward"]),
        ("REVIEWER", REVIEWER, &["review"]),
        ("APPLICANT", APPLICANT, &["read", "apply"]),
    ] {
        command.env(name, program(&gateway, account, scopes).await.token());
    }
    command.env("PASSWORD", &gateway.accounts[APPLICANT].password);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.matches("downloaded").count() == 2, "{said}");
    // The log says of the signature how the signer proved who they are, and has no secret.
    let log = gateway.cli_text(&["audit", "export"]);
    assert!(log.contains("session.proved") && log.contains("\"scope\":\"read apply\""), "{log}");
    for account in &gateway.accounts {
        assert!(!log.contains(&account.password));
    }
    gateway.verify_log();
}

#[tokio::test]
async fn what_is_sent_again_under_a_key_is_done_once() {
    let gateway = Gateway::start();
    let (applicant, other) =
        (program(&gateway, APPLICANT, &["read", "apply"]).await, program(&gateway, OWNER, &["read", "apply"]).await);
    let project =
        json!({ "title": "Floods", "purpose": "To see how high the river stands. ".repeat(2), "institution": "Us" });
    let key = [("idempotency-key", "one")];
    let first = applicant.call_with("POST", "/projects", Some(&project), &key).await;
    first.is(201);
    assert_eq!(first.header("location"), first.text("/location"));
    let again = applicant.call_with("POST", "/projects", Some(&project), &key).await;
    assert_eq!(again.is(201).json, first.json);
    let listed = applicant.get("/projects").await;
    let count = |json: &Value| json["items"].as_array().unwrap().iter().filter(|row| row["title"] == "Floods").count();
    assert_eq!(count(&listed.json), 1);
    // The same key with something else, at another address, or from somebody else.
    let changed = json!({ "title": "Droughts", "purpose": project["purpose"], "institution": "Us" });
    let refused = applicant.call_with("POST", "/projects", Some(&changed), &key).await;
    assert_eq!(refused.is(422).text("/reason"), "key-reused");
    let end = format!("/projects/{}/end", first.text("/id"));
    applicant.call_with("POST", &end, None, &key).await.is(422);
    other.call_with("POST", "/projects", Some(&project), &key).await.is(201);
    // What was refused may be tried again under its key.
    let (wrong, key) = (json!({ "title": "", "purpose": "", "institution": "" }), [("idempotency-key", "two")]);
    applicant.call_with("POST", "/projects", Some(&wrong), &key).await.is(422);
    applicant.call_with("POST", "/projects", Some(&project), &key).await.is(201);
    for bad in ["", &"x".repeat(256)] {
        applicant.call_with("POST", "/projects", Some(&project), &[("idempotency-key", bad)]).await.is(400);
    }
    // A committee is read, and changed as it was read.
    let owner = program(&gateway, OWNER, &["steward"]).await;
    let committee = "/manage/organisations/main/committees/imaging";
    let read = owner.get(committee).await;
    let (mut body, tag) = (read.is(200).json.clone(), read.header("etag").to_owned());
    body["name"] = json!({ "en": "Imaging board" });
    owner.call("PUT", committee, Some(&body)).await.is(428);
    owner.call_with("PUT", committee, Some(&body), &[("if-match", &tag)]).await.is(204);
    owner.call_with("PUT", committee, Some(&body), &[("if-match", &tag)]).await.is(412);
    assert_eq!(owner.get("/manage/organisations/main").await.json["sources"], json!(["incoming"]));
    // A token that was made is made once; what is remembered is not the token.
    let visitor = gateway.person(APPLICANT).await;
    let request = submit_with(&visitor, NIH, "Reading.").await;
    decide(&gateway.person(REVIEWER).await, &request, "approve", "").await.is(200);
    let (body, key) = (json!({ "name": "again", "datasets": [NIH] }), [("idempotency-key", "three")]);
    let made = applicant.call_with("POST", "/tokens", Some(&body), &key).await;
    let again = applicant.call_with("POST", "/tokens", Some(&body), &key).await;
    assert_eq!(made.is(201).text("/id"), again.is(201).text("/id"));
    for reply in [&made, &again] {
        assert_eq!(with_token(&gateway, reply.text("/token"), &format!("/data/{NIH}/README.txt")).await.0, 200);
    }
    gateway.verify_log();
}

#[tokio::test]
async fn edits_name_what_was_read_and_errors_name_their_fields() {
    let gateway = Gateway::start();
    let steward = program(&gateway, STEWARD, &["steward"]).await;
    let path = format!("/manage/datasets/{NIH}");
    let read = steward.get(&path).await;
    let tag = read.is(200).header("etag").to_owned();
    let mut body = read.json["dataset"].clone();
    // What was read can be sent back, and changes nothing but what was changed.
    assert_eq!(steward.call("PUT", &path, Some(&body)).await.is(428).text("/type"), "/problems/precondition-needed");
    body["licence"] = "CC0 1.0".into();
    steward.call_with("PUT", &path, Some(&body), &[("if-match", &tag)]).await.is(204);
    let late = steward.call_with("PUT", &path, Some(&body), &[("if-match", &tag)]).await;
    assert_eq!(late.is(412).text("/reason"), "edited-meanwhile");
    let now = steward.get(&path).await;
    assert_eq!(
        (&now.json["dataset"]["licence"], &now.json["dataset"]["info"]),
        (&json!("CC0 1.0"), &read.json["dataset"]["info"])
    );
    // Fields that can't be taken, all of them.
    let tag = now.header("etag").to_owned();
    let wrong = json!({
        "slug": NIH, "title": { "en": "x", "zh-TW": "長".repeat(301) }, "mode": "closed", "related": ["No Slug"],
        "later_members": "never",
    });
    let refused = steward.call_with("PUT", &path, Some(&wrong), &[("if-match", &tag)]).await;
    let pointers: Vec<&str> = refused.is(422).json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["/related", "/mode", "/later_members"]);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    let long = json!({ "slug": NIH, "title": { "zh-TW": "長".repeat(301) }, "mode": "open" });
    let refused = steward.call_with("PUT", &path, Some(&long), &[("if-match", &tag)]).await;
    assert_eq!(refused.is(422).text("/errors/0/pointer"), "/title/zh-TW");
    // In the reader's language.
    let chinese = [("if-match", tag.as_str()), ("accept-language", "zh-TW")];
    let refused = steward.call_with("PUT", &path, Some(&long), &chinese).await;
    assert!(refused.text("/title").contains("欄位"), "{:#}", refused.json);
    // Bodies that are none.
    let unknown = json!({ "slug": NIH, "title": { "en": "x" }, "mode": "open", "licennce": "CC0" });
    let refused = steward.call_with("PUT", &path, Some(&unknown), &[("if-match", &tag)]).await;
    assert!(refused.is(400).text("/detail").contains("licennce"), "{:#}", refused.json);
    let client = reqwest::Client::new();
    let send = |kind: &'static str, body: String| {
        let request = client
            .post(format!("{}/api/v1/manage/organisations/main/datasets", gateway.url))
            .bearer_auth(steward.token());
        request.header("content-type", kind).body(body).send()
    };
    assert_eq!(send("text/plain", "{}".into()).await.unwrap().status(), 415);
    assert_eq!(send("application/json", "{".into()).await.unwrap().status(), 400);
    assert_eq!(send("application/json", "[".repeat(100_000)).await.unwrap().status(), 400);
    assert_eq!(send("application/json", format!("\"{}\"", "x".repeat(5 << 20))).await.unwrap().status(), 413);
    steward.get("/no/such/thing").await.is(404);
    // Every method that an address has, and no other.
    assert_eq!(steward.call("PATCH", "/projects", None).await.is(405).header("allow"), "GET, HEAD, POST");
    let head = client.head(format!("{}/api/v1/datasets", gateway.url)).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.text().await.unwrap().as_str()), (200, ""));
    // A tag that was weakened on its way is the same tag; a list of tags is a mistake.
    let now = steward.get(&path).await;
    let body = &now.json["dataset"];
    for bad in ["*", "\"a\", \"b\"", "a"] {
        steward.call_with("PUT", &path, Some(body), &[("if-match", bad)]).await.is(400);
    }
    let weak = format!("W/{}", now.header("etag"));
    steward.call_with("PUT", &path, Some(body), &[("if-match", &weak)]).await.is(204);
    steward.get("/datasets?after=nonsense").await.is(400);
    gateway.verify_log();
}

#[tokio::test]
async fn a_token_ends_with_its_owner_and_signs_nothing_without_the_password() {
    let gateway = Gateway::start();
    let visitor = gateway.person(APPLICANT).await;
    let password = gateway.accounts[APPLICANT].password.clone();
    // It is made with the password, and with something to use it for.
    let fields = [("name", "x"), ("days", "2"), ("scope", "read")];
    let wrong = [&fields[..], &[("password", "wrong")]].concat();
    visitor.post("/account/tokens/api", &wrong).await.is(422).says("password");
    let nothing = [("name", "x"), ("days", "2"), ("password", password.as_str())];
    visitor.post("/account/tokens/api", &nothing).await.is(422).says("Choose one");
    let applicant = program(&gateway, APPLICANT, &["read", "apply"]).await;
    visitor.get("/account/tokens").await.says("Read my projects").says_not(applicant.token());
    // It signs nothing by itself.
    let terms = applicant.get(&format!("/datasets/{NIH}/terms")).await;
    let answers: serde_json::Map<String, Value> = terms.is(200).json["form"]["sections"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|section| section["questions"].as_array().unwrap())
        .filter(|question| question["kind"] != "file")
        .map(|question| {
            let answer = match question["kind"].as_str().unwrap() {
                "choice" | "several" => question["options"][0]["value"].clone(),
                "checkbox" | "yes-no" => "yes".into(),
                _ => "Reading the images, for a paper on reading images.".into(),
            };
            (question["id"].as_str().unwrap().to_owned(), answer)
        })
        .collect();
    let mut body = json!({
        "project": "new", "form": terms.text("/form/id"), "answers": answers, "language": "en",
        "project_description": { "title": "Reading", "institution": "Us", "purpose": "To read the images, all of them, with care." },
        "agreements": [{ "version": terms.text("/agreements/0/id"), "accepts": true, "consents": true }],
        "name": applicant.get("/me").await.text("/name"),
    });
    let path = format!("/datasets/{NIH}/requests");
    assert_eq!(applicant.post(&path, &body).await.is(422).text("/errors/0/pointer"), "/password");
    body["password"] = "wrong".into();
    assert_eq!(applicant.post(&path, &body).await.is(422).text("/errors/0/pointer"), "/password");
    body["password"] = password.as_str().into();
    body["name"] = "Somebody Else".into();
    assert_eq!(applicant.post(&path, &body).await.is(422).text("/errors/0/pointer"), "/name");
    body["name"] = applicant.get("/me").await.text("/name").into();
    body["agreements"][0]["consents"] = false.into();
    assert_eq!(applicant.post(&path, &body).await.is(422).text("/errors/0/pointer"), "/agreements");
    body["agreements"][0]["consents"] = true.into();
    // The text that is signed is named.
    body["language"] = "fr".into();
    assert_eq!(applicant.post(&path, &body).await.is(422).text("/errors/0/pointer"), "/language");
    body["language"] = "en".into();
    let key = [("idempotency-key", "sign")];
    let sent = applicant.call_with("POST", &path, Some(&body), &key).await;
    // Sent again it is answered as before, although nothing can be signed now.
    assert_eq!(applicant.call_with("POST", &path, Some(&body), &key).await.is(201).json, sent.json);
    // The key stands for the request without its password: no fast hash of that is kept.
    let mut retyped = body.clone();
    retyped["password"] = "typed otherwise".into();
    assert_eq!(applicant.call_with("POST", &path, Some(&retyped), &key).await.is(201).json, sent.json);
    assert_eq!(sent.is(201).text("/stage"), "submitted");
    assert_eq!(sent.header("location"), sent.text("/location"));
    let own = applicant.get(&format!("/requests/{}", sent.text("/id"))).await;
    assert_eq!(own.text("/stage"), "submitted");
    // Guesses of the password are counted as everywhere.
    body["password"] = "wrong".into();
    let mut last = 0;
    for _ in 0..12 {
        last = applicant.post(&path, &body).await.status;
    }
    assert_eq!(last, 429);
    // It downloads nothing, and a token that downloads does nothing else.
    assert_eq!(with_token(&gateway, applicant.token(), &format!("/data/{NIH}/README.txt")).await.0, 403);
    decide(&gateway.person(REVIEWER).await, &format!("/requests/{}", sent.text("/id")), "approve", "").await.is(200);
    let download = Program::new(&gateway.url, Some(make_token(&visitor, &[NIH], "").await));
    download.get("/me").await.is(403);
    download.get("/datasets").await.is(403);
    // A suspended account's tokens do nothing at the next request, nor does one that was revoked.
    let administrator = gateway.person(ADMINISTRATOR).await;
    let list = administrator.get("/admin/people?q=applicant").await;
    let person = list.between("<td role=\"cell\" class=\"keep\"><a href=\"/admin/people/", "\"");
    let suspend = [("do", "suspend"), ("reason", "Away.")];
    administrator.post(&format!("/admin/people/{person}"), &suspend).await.is(200);
    applicant.get("/me").await.is(401);
    administrator.post(&format!("/admin/people/{person}"), &[("do", "restore")]).await.is(200);
    applicant.get("/me").await.is(200);
    let tokens = applicant.get("/tokens").await;
    let own = tokens.json["items"].as_array().unwrap().iter().find(|row| row["scopes"][0] == "read").unwrap();
    applicant.call("DELETE", &format!("/tokens/{}", own["id"].as_str().unwrap()), None).await.is(204);
    applicant.get("/me").await.is(401);
    gateway.verify_log();
}

#[tokio::test]
async fn much_of_everything_and_credentials_of_other_kinds_do_no_harm() {
    let gateway = Gateway::start();
    let (steward, owner) =
        (program(&gateway, STEWARD, &["steward"]).await, program(&gateway, OWNER, &["steward"]).await);
    // A search of many words, and of characters that no database takes.
    for query in ["a+".repeat(15_000), "%00".into(), "x".repeat(30_000)] {
        for path in ["/manage/grants?q=", "/datasets?q=", "/datasets?tag=", "/datasets?organisation="] {
            steward.get(&format!("{path}{query}")).await.is(200);
        }
    }
    // Long lists are refused before they are compared with themselves.
    let members: Vec<String> = (0..60_000).map(|n| format!("m{n}@demo.example")).collect();
    let committee = json!({ "slug": "crowd", "name": { "en": "Crowd" }, "members": members, "quorum": 1 });
    let committees = "/manage/organisations/main/committees";
    assert_eq!(owner.post(committees, &committee).await.is(422).text("/errors/0/pointer"), "/members");
    steward.post(committees, &committee).await.is(404);
    // Every field that is wrong is named.
    let committee = json!({ "slug": "No name", "name": { "en": "x" }, "members": [], "quorum": 1, "decide_within": 0 });
    let refused = owner.post(committees, &committee).await;
    let pointers = ["/errors/0/pointer", "/errors/1/pointer"].map(|place| refused.is(422).text(place));
    assert_eq!(pointers, ["/slug", "/decide_within"]);
    let question = |n: usize| json!({ "id": format!("q{n}"), "label": "Why?", "kind": "short" });
    let questions: Vec<Value> = (0..40_000).map(question).collect();
    let form =
        json!({ "slug": "endless", "title": { "en": "x" }, "sections": [{ "id": "all", "questions": questions }] });
    steward.post("/manage/organisations/main/forms", &form).await.is(422);
    let tags: Vec<String> = (0..100_000).map(|n| format!("tag {n}")).collect();
    let dataset = json!({ "slug": "tagged", "title": { "en": "x" }, "mode": "open", "tags": tags });
    let refused = steward.post("/manage/organisations/main/datasets", &dataset).await;
    assert_eq!(refused.is(422).text("/errors/0/pointer"), "/tags");
    // What browsers send by themselves is no credential here, and none is asked for.
    let basic =
        reqwest::Client::new().get(format!("{}/api/v1/me", gateway.url)).basic_auth("token", Some(steward.token()));
    let answer = basic.send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let asked: Vec<_> = answer.headers().get_all("www-authenticate").iter().collect();
    assert!(asked.iter().all(|challenge| challenge.to_str().unwrap().starts_with("Bearer")), "{asked:?}");
    gateway.verify_log();
}

#[tokio::test]
async fn a_session_works_too_and_no_other_site_can_use_it() {
    let gateway = Gateway::start();
    let visitor = gateway.person(APPLICANT).await;
    visitor.get("/api/v1/me").await.is(200).says("applicant@demo.example");
    let project =
        json!({ "title": "Floods", "purpose": "To see how high the river stands. ".repeat(2), "institution": "Us" });
    let forged = visitor.post_body("/api/v1/projects", "application/json", project.to_string().into_bytes()).await;
    forged.is(403).says("form-expired");
    // A form of another site can send no JSON, and a body of another type is no JSON.
    visitor.post("/api/v1/projects", &[("title", "x")]).await.is(403);
    gateway.visitor().get("/api/v1/me").await.is(401);
    visitor.get("/api").await.is(200).says("/api/v1/projects").says("apply");
}

#[test]
fn every_type_of_problem_is_in_the_guide() {
    let guide = include_str!("../../docs/api.md");
    let code = include_str!("../../src/web/problem.rs");
    let slugs = code.split("const fn slug(").nth(1).unwrap().split("\n}\n").next().unwrap();
    let named = slugs.lines().filter_map(|line| line.split_once("=> \"")?.1.split('"').next());
    let denials = Denial::ALL.map(Denial::as_str);
    let all: Vec<&str> = named.chain(denials).collect();
    assert!(all.len() > 35, "{all:?}");
    for one in all {
        assert!(guide.contains(&format!("`{one}`")), "{one} is not in docs/api.md");
    }
}

/// `docs/openapi.json` is what the code says. After a change: `UPDATE_OPENAPI=1 cargo test --test main the_description`.
#[tokio::test]
async fn the_description_in_the_repository_is_the_codes() {
    let gateway = Gateway::start();
    let said = reqwest::get(format!("{}/api/openapi.json", gateway.url)).await.unwrap().text().await.unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(file, format!("{said}\n")).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(kept.trim_end() == said.trim_end(), "docs/openapi.json is not what the code says");
}
