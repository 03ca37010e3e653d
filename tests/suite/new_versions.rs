//! A new version of an agreement that those have to sign who signed an earlier one: from a day on their access stops at the next
//! request, until they have signed.

use countersign::domain::day::Day;
use countersign::domain::{TimeSpan, Timestamp};
use diesel::connection::SimpleConnection;
use serde_json::json;

use super::delivery::with_token;
use super::support::api::{Program, api_token};
use super::support::gateway::{APPLICANT, AUDITOR, REVIEWER, STEWARD};
use super::support::people::{NIH, decide, make_token, sign_on, submit_with};
use super::support::*;

const SLUG: &str = "field-notes";
const TERMS: &str = "field-notes-terms";
const FILE: &str = "/data/field-notes/a.txt";
const MANAGED: &str = "/manage/agreements/main/field-notes-terms";

fn in_days(days: i64) -> String {
    Day::of(countersign::clock::now() + TimeSpan::days(days)).to_string()
}

/// A dataset where signing is enough, with somebody who has signed; their request, and a token.
async fn signed(gateway: &Gateway) -> (Visitor, String, String) {
    gateway.publish(SLUG, "agreement", &[("a.txt", b"hello")]);
    let applicant = gateway.person(APPLICANT).await;
    let request = submit_with(&applicant, SLUG, "Counting birds").await;
    let token = make_token(&applicant, &[SLUG], "").await;
    (applicant, request, token)
}

/// Sets the clock of what has to be signed: the time until access stops is `left` from now on.
fn left(gateway: &mut Gateway, left: TimeSpan) {
    assert!(gateway.stop());
    let at = (countersign::clock::now() + left).0;
    let change = format!(
        "UPDATE agreement_versions SET sign_by = {at} WHERE sign_by IS NOT NULL; \
         UPDATE grants SET sign_by = {at}, remind_at = 0 WHERE sign_by IS NOT NULL"
    );
    gateway.database().batch_execute(&change).unwrap();
    gateway.start_again();
}

async fn status(gateway: &Gateway, token: &str) -> (u16, String) {
    let (status, body) = with_token(gateway, token, FILE).await;
    (status, String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn stops_access_from_its_day_on_and_a_signature_brings_it_back() {
    let mut gateway = Gateway::start();
    let (applicant, request, token) = signed(&gateway).await;
    let (steward, page) = (gateway.person(STEWARD).await, format!("{request}/new-versions"));
    let edit = steward.get(MANAGED).await;
    edit.is(200).says("Would have to sign again: one person, 0 projects, one grant");
    let publish = async |text: &str, day: &str| {
        let seen = steward.get(MANAGED).await.between("name=\"seen\" value=\"", "\"");
        let fields = [
            ("seen", seen.as_str()),
            ("title.en", "Terms of field notes"),
            ("statement.en", "I accept."),
            ("consent.en", "I consent."),
            ("texts.en", text),
            ("kind", "data-use"),
            ("binding", "en"),
            ("sign_by", day),
            ("do", "publish"),
        ];
        steward.post(MANAGED, &fields).await
    };
    // A day that is over would stop people who could not have known, and a word is no day.
    publish("Be very good.", &in_days(-1)).await.is(422).says("Choose a day that is not over").says("Be very good.");
    publish("Be very good.", "soon").await.is(422).says("Be very good.").says("value=\"soon\"");
    // Without a day what was signed stays good.
    publish("Be rather good.", "").await.is(200);
    applicant.get("/today").await.says_not("Sign the new version");
    publish("Be very good.", &in_days(40)).await.is(200).says("The version is published");
    let mail = gateway.mail_to("applicant@demo.example", "New version of Terms of field notes").await;
    assert!(mail.text.contains(&page), "{}", mail.text);
    applicant.get("/today").await.says("Sign the new version").says(&page);
    applicant.get(&format!("/datasets/{SLUG}")).await.says("has a new version. Sign it by").says(&page);
    applicant.get(&request).await.says(&page).says("You may download");
    let versions = format!("/agreements/{TERMS}");
    gateway.visitor().get(&versions).await.says("signs this one by");
    let changes = gateway.visitor().get(&format!("{versions}/changes?from=1&to=3")).await;
    changes.is(200).says("<ins>very </ins>").says("Terms of field");
    gateway.visitor().get(&format!("{versions}/changes?from=1&to=9")).await.is(404);
    steward.get(MANAGED).await.says("have not signed it: one person, 0 projects, one grant");
    assert_eq!(status(&gateway, &token).await.0, 200, "there is time left");
    // The day comes: no job has to run, and no token or session passes.
    left(&mut gateway, TimeSpan(0));
    let (code, body) = status(&gateway, &token).await;
    assert_eq!(code, 403);
    assert!(body.contains("new-version-to-sign"), "{body}");
    let applicant = gateway.person(APPLICANT).await;
    assert_eq!(applicant.bytes(FILE).await.0.as_u16(), 403);
    applicant.get(&format!("/datasets/{SLUG}")).await.says("Your access has stopped").says(&page);
    applicant.get(&request).await.says("has stopped").says(&page).says_not("You may download");
    applicant.get("/").await.says("Sign the new version");
    // A request for the same is not what is wanted now.
    assert!(applicant.get(&format!("/datasets/{SLUG}/request")).await.url.ends_with(&page));
    let tokens = applicant.get("/account/tokens").await;
    tokens.says_not("name=\"datasets\" value=\"field-notes\"");
    gateway.mail_to("applicant@demo.example", "Your access has stopped until you sign").await;
    gateway.person(STEWARD).await.get("/manage/grants?state=to-sign").await.says("Stopped until signed");
    // Nobody else signs for them, and nothing is signed without both words.
    gateway.person(REVIEWER).await.post(&page, &[("do", "sign")]).await.is(404);
    let shown = applicant.get(&page).await;
    shown.is(200).says("What has changed since version 1").says("<ins>very </ins>").says_not(" checked");
    let version = shown.between("name=\"version\" value=\"", "\"");
    let bare = [("version", version.as_str()), ("language", "en"), ("typed_name", "Mei-Ling Chen"), ("do", "sign")];
    applicant.post(&page, &bare).await.is(422).says("Mei-Ling Chen");
    assert_eq!(gateway.count("agreement.signed"), 1);
    sign_on(&applicant, &page, "Mei-Ling Chen").await.is(200).says("Signed. Your access goes on.").says("Version 3");
    assert_eq!(status(&gateway, &token).await.0, 200, "with the same token, at once");
    assert_eq!(gateway.count("agreement.signed"), 2);
    // Pressed twice it is signed once.
    assert!(applicant.get(&page).await.url.ends_with(&request));
    applicant.get("/today").await.says_not("Sign the new version");
    // The log says under which version each download was.
    let held = gateway.cli_text(&["audit", "holdings", "--dataset", SLUG, "--format", "json"]);
    let held: serde_json::Value = serde_json::from_str(&held).unwrap();
    let signed: Vec<_> = held[0]["agreements"].as_array().unwrap().iter().map(|one| &one["version"]).collect();
    assert_eq!(signed, [1, 3], "{held}");
    gateway.verify_log();
}

#[tokio::test]
async fn each_member_signs_for_themselves_and_once_for_all_datasets() {
    let mut gateway = Gateway::start();
    let (lead, reviewer) = (gateway.person(APPLICANT).await, gateway.person(REVIEWER).await);
    let member = gateway.person(AUDITOR).await;
    let request = gateway.submit(&lead).await;
    let project = lead.get(&request).await.between("href=\"/projects/", "\"");
    let email = gateway.accounts[AUDITOR].email.clone();
    lead.post(&format!("/projects/{project}/members"), &[("email", &email)]).await.is(200);
    member.post(&format!("/projects/{project}/join"), &[]).await.is(200);
    sign_on(&member, &format!("{request}/sign"), "Tomás Herrera").await.is(200);
    // The same agreement for another dataset, where signing is enough.
    gateway.publish("extra", "agreement", &[("a.txt", b"more")]);
    let file = gateway.scratch().join("extra/dataset.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("\"extra-terms\"", "\"nih-chest-xray-dua\"");
    std::fs::write(&file, text).unwrap();
    gateway.cli_text(&["dataset", "import", file.to_str().unwrap()]);
    submit_with(&lead, "extra", "Counting").await;
    gateway.publish_version("nih-chest-xray-dua", "Something else.\n", &format!("sign_by = \"{}\"", in_days(3)));
    // Who was granted access after it was published signed the one before.
    decide(&reviewer, &request, "approve", "").await.is(200);
    left(&mut gateway, TimeSpan(0));
    let (lead, member) = (gateway.person(APPLICANT).await, gateway.person(AUDITOR).await);
    let table = format!("/data/{NIH}/README.txt");
    for person in [&lead, &member] {
        assert_eq!(person.bytes(&table).await.0.as_u16(), 403);
    }
    let page = format!("{request}/new-versions");
    lead.get(&page).await.is(200).says("Your signature is also for").says("The extra data");
    sign_on(&lead, &page, "Mei-Ling Chen").await.is(200);
    assert_eq!(lead.bytes(&table).await.0.as_u16(), 200);
    assert_eq!(lead.bytes("/data/extra/a.txt").await.0.as_u16(), 200);
    assert_eq!(member.bytes(&table).await.0.as_u16(), 403, "nobody signs for another");
    member.get(&format!("/projects/{project}")).await.says(&page);
    // What has stopped is revoked all the same: no signature brings that back.
    lead.post(&format!("/projects/{project}/members/remove"), &[("email", &email)]).await.is(200);
    member.post(&page, &[("do", "sign")]).await.is(404);
    gateway.verify_log();
}

#[tokio::test]
async fn a_transfer_that_runs_is_cut_when_the_day_comes() {
    use futures_util::StreamExt;
    let mut gateway = Gateway::start();
    gateway.publish("big", "agreement", &[("big.bin", &vec![7; 64 * 1024 * 1024])]);
    let applicant = gateway.person(APPLICANT).await;
    submit_with(&applicant, "big", "Reading.").await;
    let token = make_token(&applicant, &["big"], "").await;
    gateway.publish_version("big-terms", "Be very good.\n", &format!("sign_by = \"{}\"", in_days(3)));
    left(&mut gateway, TimeSpan::minutes(1));
    let soon = (countersign::clock::now() + TimeSpan(4_000_000)).0;
    assert!(gateway.stop());
    let change = format!("UPDATE grants SET sign_by = {soon}");
    gateway.database().batch_execute(&change).unwrap();
    gateway.start_again();
    let request = reqwest::Client::new().get(format!("{}/data/big/big.bin", gateway.url)).bearer_auth(&token);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "it begins before");
    let mut stream = answer.bytes_stream();
    stream.next().await.unwrap().unwrap();
    let ended = until("the cut to be recorded", || async {
        gateway.events().into_iter().find(|line| line["event"]["action"] == "download.interrupted")
    })
    .await;
    assert_eq!(ended["event"]["details"]["reason"], "new-version-to-sign", "{ended}");
    let cut_at = Timestamp::parse(ended["event"]["at"].as_str().unwrap()).unwrap();
    assert!(cut_at.0 >= soon, "not before");
}

#[tokio::test]
async fn people_are_reminded_once_at_each_step() {
    let mut gateway = Gateway::start();
    signed(&gateway).await;
    gateway.publish_version(TERMS, "Be very good.\n", &format!("sign_by = \"{}\"", in_days(60)));
    let subject = "new version of Terms of field-notes-terms by";
    gateway.mail_to("applicant@demo.example", "New version of Terms of field-notes").await;
    for (days, sent) in [(40, 0), (29, 1), (20, 1), (6, 2), (1, 3), (1, 3)] {
        left(&mut gateway, TimeSpan(TimeSpan::days(days).0 - TimeSpan::minutes(1).0));
        let found = || gateway.mail().iter().filter(|mail| mail.subject.contains(subject)).count();
        until(&format!("the reminders {days} days before"), || async { (found() >= sent).then_some(()) }).await;
        assert_eq!(found(), sent, "{days} days before");
    }
    left(&mut gateway, TimeSpan(0));
    gateway.mail_to("applicant@demo.example", "Your access has stopped").await;
    assert_eq!(gateway.mail().iter().filter(|mail| mail.subject.starts_with("New version")).count(), 1);
}

#[tokio::test]
async fn the_day_can_be_put_off_and_taken_back_and_a_file_says_it_too() {
    let mut gateway = Gateway::start();
    let (_, _, token) = signed(&gateway).await;
    let (steward, day) = (gateway.person(STEWARD).await, format!("{MANAGED}/sign-by"));
    // Everybody signs the first version anyhow.
    let first = [("seen", "1"), ("last_day", &in_days(5))];
    steward.post(&day, &first).await.is(422).says("the first one needs no day");
    let dated = |days: i64| format!("sign_by = \"{}\"", in_days(days));
    assert!(gateway.publish_version(TERMS, "Be very good.\n", &dated(3)).contains("version 2 published"));
    assert!(gateway.publish_version(TERMS, "Be very good.\n", &dated(3)).contains("unchanged"));
    assert!(
        gateway.publish_version(TERMS, "Be very good.\n", "").contains("unchanged"),
        "an old file takes no day away"
    );
    assert!(gateway.publish_version(TERMS, "Be very good.\n", &dated(5)).contains("version 2 has another day"));
    let folder = gateway.scratch().join("exported");
    gateway.cli_text(&["agreement", "export", TERMS, folder.to_str().unwrap()]);
    let exported = std::fs::read_to_string(folder.join("agreement.toml")).unwrap();
    assert!(!exported.contains("sign_by"), "{exported}");
    left(&mut gateway, TimeSpan(0));
    assert_eq!(status(&gateway, &token).await.0, 403);
    let steward = gateway.person(STEWARD).await;
    let set = async |seen: &str, last_day: &str| steward.post(&day, &[("seen", seen), ("last_day", last_day)]).await;
    set("1", &in_days(5)).await.is(409);
    set("2", &in_days(-2)).await.is(422).says("Choose a day that is not over");
    set("2", "30 February").await.is(422).says("30 February");
    gateway.person(REVIEWER).await.post(&day, &[("seen", "2"), ("last_day", "")]).await.is(404);
    assert_eq!(status(&gateway, &token).await.0, 403, "nothing of that changed anything");
    set("2", &in_days(5)).await.is(200).says("The day is set");
    assert_eq!(status(&gateway, &token).await.0, 200);
    left(&mut gateway, TimeSpan(0));
    assert_eq!(status(&gateway, &token).await.0, 403);
    set("2", "").await.is(200).says("Nobody has to sign it again");
    assert_eq!(status(&gateway, &token).await.0, 200, "what was signed is good again");
    assert_eq!(gateway.count("agreement.sign_by_changed"), 3);
    gateway.verify_log();
}

#[tokio::test]
async fn programs_publish_read_and_sign_it() {
    let mut gateway = Gateway::start();
    let (applicant, request, token) = signed(&gateway).await;
    let steward = gateway.person(STEWARD).await;
    let [password, theirs] = [APPLICANT, STEWARD].map(|which| gateway.accounts[which].password.clone());
    let publish = Program::new(&gateway.url, Some(api_token(&steward, &theirs, &["steward"]).await));
    let apply = Program::new(&gateway.url, Some(api_token(&applicant, &password, &["read", "apply"]).await));
    let mut version = json!({
        "slug": TERMS, "replaces": 1, "title": { "en": "Terms" }, "statement": { "en": "I accept." },
        "consent": { "en": "I consent." }, "kind": "data-use", "texts": { "en": "Be very good." }, "sign_by": "someday",
    });
    let path = "/manage/organisations/main/agreements";
    assert_eq!(publish.post(path, &version).await.is(422).text("/errors/0/pointer"), "/sign_by");
    version["sign_by"] = in_days(-3).into();
    publish.post(path, &version).await.is(409);
    version["sign_by"] = in_days(3).into();
    publish.post(path, &version).await.is(201);
    let of_agreement = format!("{path}/{TERMS}");
    let concerned = publish.get(&format!("{of_agreement}/concerned")).await;
    assert_eq!(concerned.is(200).json["not_signed"], json!({ "people": 1, "projects": 0, "grants": 1 }));
    assert_eq!(apply.get("/today").await.text("/tasks/0/kind"), "sign-new-versions");
    let own = format!("{request}/new-versions");
    let asked = apply.get(&own).await;
    assert_eq!(asked.is(200).json["has_stopped"], false);
    left(&mut gateway, TimeSpan(0));
    assert_eq!(status(&gateway, &token).await.0, 403);
    assert_eq!(apply.get(&own).await.json["has_stopped"], true);
    assert_eq!(apply.get(&format!("/datasets/{SLUG}")).await.json["access"]["is_granted"], false);
    let mut signature = json!({
        "agreements": [{ "version": asked.text("/agreements/0/id"), "accepts": true, "consents": true }],
        "language": "en", "name": apply.get("/me").await.text("/name"),
    });
    assert_eq!(apply.post(&own, &signature).await.is(422).text("/errors/0/pointer"), "/password");
    signature["password"] = password.as_str().into();
    let key = [("idempotency-key", "anew")];
    for _ in 0..2 {
        apply.call_with("POST", &own, Some(&signature), &key).await.is(204);
    }
    assert_eq!(status(&gateway, &token).await.0, 200);
    assert_eq!(gateway.count("request.new_versions_signed"), 1);
    apply.get(&own).await.is(404);
    let day = format!("{of_agreement}/sign-by");
    let set = json!({ "version": 2, "sign_by": in_days(9) });
    publish.call("PUT", &day, Some(&set)).await.is(204);
    apply.call("PUT", &day, Some(&set)).await.is(403);
    gateway.verify_log();
}

#[tokio::test]
async fn whoever_is_approved_afterwards_signs_what_changed_and_keeps_their_answers() {
    let mut gateway = Gateway::start();
    let request = gateway.submit(&gateway.person(APPLICANT).await).await;
    gateway.publish_version("nih-chest-xray-dua", "Something else.\n", &format!("sign_by = \"{}\"", in_days(3)));
    left(&mut gateway, TimeSpan(0));
    let (applicant, reviewer) = (gateway.person(APPLICANT).await, gateway.person(REVIEWER).await);
    decide(&reviewer, &request, "approve", "Welcome.").await.is(200);
    let mail = gateway.mail_to("applicant@demo.example", "is approved: sign what has changed").await;
    let page = format!("{request}/new-versions");
    assert!(mail.text.contains(&page) && mail.text.contains("Welcome."), "{}", mail.text);
    let table = format!("/data/{NIH}/README.txt");
    assert_eq!(applicant.bytes(&table).await.0.as_u16(), 403);
    let review = request.replace("/requests/", "/review/");
    let answers = reviewer.get(&review).await.between("id=\"answers\">", "</section>");
    sign_on(&applicant, &page, "Mei-Ling Chen").await.is(200);
    assert_eq!(applicant.bytes(&table).await.0.as_u16(), 200);
    // What was handed in stands where those read it who decided; a second press leads where the first one did.
    assert_eq!(reviewer.get(&review).await.between("id=\"answers\">", "</section>"), answers);
    applicant.post(&page, &[("do", "sign")]).await.is(200).says("You may download");
    assert_eq!(gateway.count("agreement.signed"), 2);
    assert!(gateway.mail().iter().all(|mail| !mail.subject.contains("has stopped")), "one message is enough");
    gateway.verify_log();
}

#[tokio::test]
async fn a_file_that_is_published_again_gives_nobody_access_back() {
    let mut gateway = Gateway::start();
    let (_, _, token) = signed(&gateway).await;
    gateway.publish_version(TERMS, "Be very good.\n", &format!("sign_by = \"{}\"", in_days(3)));
    left(&mut gateway, TimeSpan(0));
    let later = format!("sign_by = \"{}\"", in_days(30));
    gateway.publish_version(TERMS, "Be very, very good.\n", &later);
    for day in [later, format!("sign_by = \"{}\"", in_days(31))] {
        assert_eq!(status(&gateway, &token).await.0, 403, "the day of the version before is over");
        gateway.publish_version(TERMS, "Be very, very good.\n", &day);
    }
    assert_eq!(status(&gateway, &token).await.0, 403);
    let steward = gateway.person(STEWARD).await;
    steward.get(MANAGED).await.says("Those who signed before version 2");
    // Only whoever says so lets them in again.
    let set = [("seen", "3"), ("last_day", &in_days(9))];
    steward.post(&format!("{MANAGED}/sign-by"), &set).await.is(200);
    assert_eq!(status(&gateway, &token).await.0, 200);
    // A day on a first version, or one that is too far away, is said beside its field.
    let form = [("title.en", "T"), ("slug", "fresh-terms"), ("statement.en", "S"), ("consent.en", "C")];
    let more = [("texts.en", "Text."), ("kind", "other"), ("binding", "en"), ("do", "publish")];
    let fields = |day| [form.as_slice(), &more, &[("sign_by", day)]].concat();
    steward.post("/manage/new-agreement/main", &fields(&in_days(3))).await.is(422).says("the first one needs no day");
    let far = [("seen", "3"), ("last_day", "9999-12-31")];
    steward.post(&format!("{MANAGED}/sign-by"), &far).await.is(422).says("within a hundred years");
    gateway.verify_log();
}
