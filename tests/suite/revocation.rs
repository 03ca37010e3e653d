//! After a revocation the very next request is refused.

use countersign::domain::TimeSpan;
use countersign::domain::day::Day;
use countersign::domain::text::Language;

use serde_json::json;

use super::delivery::with_token;
use super::support::api::{Program, api_token};
use super::support::gateway::{ADMINISTRATOR, APPLICANT, AUDITOR, STEWARD};
use super::support::people::{NIH, make_token, submit_with};
use super::support::{Gateway, until};

const FILE: &str = "/data/nih-chest-xray/README.txt";

#[tokio::test]
async fn of_a_token() {
    let gateway = Gateway::start();
    let (applicant, token) = gateway.token().await;
    let other = make_token(&applicant, &[NIH], "").await;
    assert_eq!(with_token(&gateway, &token, FILE).await.0, 200);
    let page = applicant.get("/account/tokens").await;
    // The newest is on top; the first one is revoked.
    let ids: Vec<&str> =
        page.body.split("/account/tokens/").skip(1).filter_map(|rest| rest.split("/revoke").next()).collect();
    applicant.post(&format!("/account/tokens/{}/revoke", ids.last().unwrap()), &[]).await.is(200).says("is revoked");
    let (status, body) = with_token(&gateway, &token, FILE).await;
    assert_eq!(status, 401);
    assert!(String::from_utf8(body).unwrap().contains("token-revoked"));
    assert_eq!(with_token(&gateway, &other, FILE).await.0, 200, "the other token is another");
}

#[tokio::test]
async fn of_a_grant() {
    let gateway = Gateway::start();
    let (applicant, token) = gateway.token().await;
    let steward = gateway.person(STEWARD).await;
    let page = steward.get("/manage/grants").await;
    let id = page.between("/manage/grants/", "/end");
    let path = format!("/manage/grants/{id}/revoke");
    steward.post(&path, &[("reason", "")]).await.is(422).says("Give a reason");
    steward.post(&path, &[("reason", "The project ended.")]).await.is(200).says("Revoked");
    let (status, body) = with_token(&gateway, &token, FILE).await;
    assert_eq!(status, 403);
    assert!(String::from_utf8(body).unwrap().contains("grant-revoked"));
    assert_eq!(applicant.bytes(FILE).await.0.as_u16(), 403, "the session is refused as well");
    let mail = gateway.mail_to("applicant@demo.example", "was revoked").await;
    assert!(mail.text.contains("The project ended."));
    steward.post(&path, &[("reason", "Again.")]).await.is(409).says("already been revoked");
}

#[tokio::test]
async fn a_suspended_grant_stops_at_the_next_request_until_it_is_resumed() {
    let gateway = Gateway::start();
    gateway.publish("notes", "agreement", &[("a.txt", b"hello")]);
    let (applicant, steward) = (gateway.person(APPLICANT).await, gateway.person(STEWARD).await);
    let request = submit_with(&applicant, "notes", "Reading.").await;
    let token = make_token(&applicant, &["notes"], "").await;
    let file = "/data/notes/a.txt";
    let id = steward.get("/manage/grants").await.between("/manage/grants/", "/end");
    let path = format!("/manage/grants/{id}/suspension");
    steward.post(&path, &[("do", "suspend"), ("reason", "")]).await.is(422).says("Give a reason");
    steward.post(&path, &[("do", "other"), ("reason", "x")]).await.is(400);
    assert_eq!(with_token(&gateway, &token, file).await.0, 200);
    let suspend = [("do", "suspend"), ("reason", "Somebody asks what it is for.")];
    steward.post(&path, &suspend).await.is(200).says("Access is suspended");
    // The button was pressed twice.
    steward.post(&path, &suspend).await.is(200).says("suspended already").says_not("told by mail");
    assert_eq!(gateway.count("grant.suspended"), 1);
    let (status, body) = with_token(&gateway, &token, file).await;
    assert_eq!(status, 403);
    assert!(String::from_utf8(body).unwrap().contains("grant-suspended"));
    assert_eq!(applicant.bytes(file).await.0.as_u16(), 403, "the session is refused as well");
    let mail = gateway.mail_to("applicant@demo.example", "is suspended").await;
    assert!(mail.text.contains("Somebody asks"), "{}", mail.text);
    steward.get("/manage/grants?state=suspended").await.is(200).says("Let it be used again");
    steward.get("/manage/grants?state=active").await.is(200).says_not(&id);
    applicant.get("/datasets/notes").await.is(200).says("Your access is suspended").says_not("/datasets/notes/request");
    applicant.get(&request).await.is(200).says("Your access is suspended");

    // Neither asking anew nor the holder's own office brings it back.
    applicant.get("/datasets/notes/request").await.says_not("name=\"typed_name\"");
    submit_with(&steward, "notes", "My own.").await;
    let own = steward.get("/manage/grants?q=steward").await.between("/manage/grants/", "/end");
    let own = format!("/manage/grants/{own}/suspension");
    steward.post(&own, &suspend).await.is(200);
    steward.post(&own, &[("do", "resume")]).await.is(422).says("Nobody prolongs their own");
    for person in [APPLICANT, AUDITOR] {
        gateway.person(person).await.post(&path, &[("do", "resume")]).await.is(404);
    }
    assert_eq!(with_token(&gateway, &token, file).await.0, 403);

    steward.post(&path, &[("do", "resume")]).await.is(200).says("can be used again");
    assert_eq!(with_token(&gateway, &token, file).await.0, 200);
    gateway.mail_to("applicant@demo.example", "You can use your access").await;
    steward.post(&path, &[("do", "resume")]).await.is(200).says("was not suspended").says_not("told by mail");

    // A program does the same, and what is revoked is not suspended.
    let api_token = api_token(&steward, &gateway.accounts[STEWARD].password, &["steward"]).await;
    let program = Program::new(&gateway.url, Some(api_token));
    program.post(&path, &json!({ "suspended": true })).await.is(422);
    program.post(&path, &json!({ "suspended": true, "reason": "Again." })).await.is(204);
    assert_eq!(with_token(&gateway, &token, file).await.0, 403);
    assert_eq!(program.get("/manage/grants?state=suspended").await.is(200).text("/items/1/state"), "suspended");
    program.post(&format!("/manage/grants/{id}/revoke"), &json!({ "reason": "Enough." })).await.is(204);
    program.post(&path, &json!({ "suspended": true, "reason": "Once more." })).await.is(409);
    program.post(&path, &json!({ "suspended": false })).await.is(204);
    assert_eq!((gateway.count("grant.suspended"), gateway.count("grant.resumed")), (3, 1));
    gateway.verify_log();
}

#[tokio::test]
async fn of_an_account() {
    let gateway = Gateway::start();
    let (applicant, token) = gateway.token().await;
    let administrator = gateway.person(ADMINISTRATOR).await;
    let people = administrator.get("/admin/people?q=applicant").await;
    let person =
        format!("/admin/people/{}", people.between("<td role=\"cell\" class=\"keep\"><a href=\"/admin/people/", "\""));
    administrator.post(&person, &[("do", "suspend"), ("reason", "")]).await.is(422).says("Give a reason");
    administrator.post(&person, &[("do", "suspend"), ("reason", "Lost laptop.")]).await.is(200);
    let (status, body) = with_token(&gateway, &token, FILE).await;
    assert_eq!(status, 403);
    assert!(String::from_utf8(body).unwrap().contains("account-suspended"));
    assert!(applicant.get("/account").await.url.contains("/login"), "signed out everywhere");
    let account = &gateway.accounts[APPLICANT];
    let refused = gateway.visitor().post("/login", &[("email", &account.email), ("password", &account.password)]).await;
    refused.is(403).says("suspended");
    administrator.post(&person, &[("do", "restore")]).await.is(200);
    assert_eq!(with_token(&gateway, &token, FILE).await.0, 200);
    gateway.verify_log();
}

#[tokio::test]
async fn of_a_session_whose_form_is_still_on_its_way() {
    let gateway = Gateway::start();
    let (thief, owner) = (gateway.person(APPLICANT).await, gateway.person(APPLICANT).await);
    let token = thief.get("/account").await.between("name=\"form_token\" value=\"", "\"");
    let (go_on, rest) = tokio::sync::oneshot::channel();
    let body = format!("form_token={token}&affiliation=Nowhere&language=en&name={}", "Mallory+".repeat(10));
    let posting = tokio::spawn(thief.post_slowly("/account", body, rest));
    // Meanwhile the gateway knows whose session it is, and waits for the rest.
    until("the session to be known", || async {
        owner.post("/account/sessions/end-others", &[]).await.is(200);
        thief.get("/account").await.url.contains("/login").then_some(())
    })
    .await;
    go_on.send(()).unwrap();
    posting.await.unwrap().is(403).says("Mallory");
    owner.get("/account").await.is(200).says_not("Mallory");
    gateway.verify_log();
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let gateway = Gateway::start();
    let administrator = gateway.person(ADMINISTRATOR).await;
    let people = administrator.get("/admin/people?q=administrator%40").await;
    let person =
        format!("/admin/people/{}", people.between("<td role=\"cell\" class=\"keep\"><a href=\"/admin/people/", "\""));
    administrator.post(&person, &[("do", "roles")]).await.is(409).says("There must be at least one administrator");
    administrator.post(&person, &[("do", "suspend"), ("reason", "x")]).await.is(409).says("There must be at least one");
    administrator.get("/admin").await.is(200);
}

#[tokio::test]
async fn cuts_a_transfer_that_is_running() {
    use futures_util::StreamExt;
    let gateway = Gateway::start();
    // Far more than the buffers of a connection that nobody reads from.
    gateway.publish("big", "agreement", &[("big.bin", &vec![7; 64 * 1024 * 1024])]);
    let applicant = gateway.person(APPLICANT).await;
    super::support::people::submit_with(&applicant, "big", "Reading.").await;
    let token = make_token(&applicant, &["big"], "").await;
    let request = reqwest::Client::new().get(format!("{}/data/big/big.bin", gateway.url)).bearer_auth(&token);
    let mut stream = request.send().await.unwrap().bytes_stream();
    let mut received = stream.next().await.unwrap().unwrap().len() as u64;
    let page = applicant.get("/account/tokens").await;
    let id = page.between("action=\"/account/tokens/", "/revoke");
    applicant.post(&format!("/account/tokens/{id}/revoke"), &[]).await.is(200);
    // Until it is cut nobody reads on: within that second a fast reader would have all of it.
    let ended = until("the cut to be recorded", || async {
        gateway.events().into_iter().find(|line| line["event"]["action"] == "download.interrupted")
    })
    .await;
    // What was on its way still arrives; then the connection breaks.
    let broken = loop {
        match stream.next().await {
            Some(Ok(bytes)) => received += bytes.len() as u64,
            Some(Err(_)) => break true,
            None => break false,
        }
    };
    assert!(broken, "a cut transfer must not look whole");
    let recorded = ended["event"]["details"]["bytes"].as_u64().unwrap();
    assert!(received <= recorded && recorded < 64 * 1024 * 1024, "{received} received, {recorded} recorded");
    gateway.verify_log();
}
#[tokio::test]
async fn another_end_holds_at_once_and_signing_does_not_undo_it() {
    let gateway = Gateway::start();
    let (applicant, token) = gateway.token().await;
    let steward = gateway.person(STEWARD).await;
    let id = steward.get("/manage/grants").await.between("/manage/grants/", "/end");
    let path = format!("/manage/grants/{id}/end");
    let day = |days: i64| Day::of(countersign::clock::now() + TimeSpan::days(days)).to_string();
    let set = async |until: &str, reason: &str| steward.post(&path, &[("until", until), ("reason", reason)]).await;
    // What is wrong stands beside its field, with what was typed.
    set("someday", "A word.").await.is(422).says("A word.").says("value=\"someday\"");
    set(&day(30), "").await.is(422).says("Give a reason").says(&format!("value=\"{}\"", day(30)));
    set(&day(-1), "Over.").await.is(422).says("To end access now, revoke it");
    set("9999-12-31", "For ever.").await.is(422).says("outlast the project");
    assert_eq!(gateway.count("grant.end_changed"), 0);
    set(&day(30), "The ward closes.").await.is(200).says("The end is changed");
    let mail = gateway.mail_to("applicant@demo.example", "now ends on").await;
    assert!(mail.text.contains("The ward closes."), "{}", mail.text);
    set(&day(30), "Again.").await.is(422).says("ends on that day already");
    assert_eq!(with_token(&gateway, &token, FILE).await.0, 200);
    // The last day is a day of access, in the log as on the pages.
    let auditor = gateway.person(AUDITOR).await;
    let last = countersign::l10n::date(Language::English, countersign::clock::now() + TimeSpan::days(30));
    auditor.get("/admin/audit?action=grant.end_changed").await.says(&last);
    // Nobody else has the form, and no one prolongs their own access.
    for person in [APPLICANT, AUDITOR] {
        let fields = [("until", day(40)), ("reason", "x".to_owned())];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        gateway.person(person).await.post(&path, &fields).await.is(404);
    }
    applicant.get("/account/tokens").await.is(200);
    gateway.verify_log();
}

#[tokio::test]
async fn what_was_shortened_is_not_signed_back() {
    let gateway = Gateway::start();
    gateway.publish("notes", "agreement", &[("a.txt", b"hello")]);
    let (applicant, steward) = (gateway.person(APPLICANT).await, gateway.person(STEWARD).await);
    submit_with(&applicant, "notes", "Reading.").await;
    let id = steward.get("/manage/grants").await.between("/manage/grants/", "/end");
    let soon = Day::of(countersign::clock::now() + TimeSpan::days(3)).to_string();
    let fields = [("until", soon.as_str()), ("reason", "A complaint.")];
    steward.post(&format!("/manage/grants/{id}/end"), &fields).await.is(200);
    // It ends soon, so it may be asked for again: but the signature waits for somebody who decides.
    let again = submit_with(&applicant, "notes", "Reading on.").await;
    applicant.get(&again).await.says_not("You may download notes");
    assert_eq!(gateway.count("grant.created"), 1);
    // A steward who has access themselves takes time from it, and gives none.
    submit_with(&steward, "notes", "My own.").await;
    let own = steward.get("/manage/grants?q=steward").await.between("/manage/grants/", "/end");
    let later = Day::of(countersign::clock::now() + TimeSpan::days(900)).to_string();
    let longer = [("until", later.as_str()), ("reason", "Me.")];
    steward.post(&format!("/manage/grants/{own}/end"), &longer).await.is(422).says("Nobody prolongs their own");
    steward.post(&format!("/manage/grants/{own}/end"), &fields).await.is(200);
    gateway.verify_log();
}
