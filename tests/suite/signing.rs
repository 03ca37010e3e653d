//! What people read, type and sign stays theirs: drafts in two windows, terms that change meanwhile, and what was signed
//! long ago.

use super::support::gateway::{APPLICANT, AUDITOR, REVIEWER};
use super::support::people::{hidden, submit_with};
use super::support::*;

const SLUG: &str = "field-notes";
const TERMS: &str = "field-notes-terms";
const FORM: &str = "/datasets/field-notes/request";

fn gateway() -> Gateway {
    let gateway = Gateway::start();
    gateway.publish(SLUG, "agreement", &[("a.txt", b"hello")]);
    gateway
}

#[tokio::test]
async fn an_old_window_does_not_undo_a_newer_draft() {
    let gateway = gateway();
    let applicant = gateway.person(APPLICANT).await;
    let opened = applicant.get(FORM).await.between("name=\"draft\" value=\"", "\"");
    let save = async |draft: &str, purpose: &str| {
        applicant.post(FORM, &[("draft", draft), ("answer-purpose", purpose), ("do", "draft")]).await
    };
    save(&opened, "Written in the first window").await.is(200).says("Your draft is saved");
    let refused = save(&opened, "Written in the second").await;
    refused.is(409).says("saved in another window").says("Written in the second").says("<title>Error: ");
    applicant.get(FORM).await.says("Written in the first window");
    // Whoever has been told may keep the second.
    let told = refused.between("name=\"draft\" value=\"", "\"");
    save(&told, "Written in the second").await.is(200);
    applicant.get(FORM).await.says("Written in the second").says_not("Written in the first");
    // The same once more, from any window, is no quarrel.
    save(&opened, "Written in the second").await.is(200);
}

#[tokio::test]
async fn a_script_that_saves_is_told_what_it_saved() {
    let gateway = gateway();
    let applicant = gateway.person(APPLICANT).await;
    let token = applicant.form_token().await;
    let opened = applicant.get(FORM).await.between("name=\"draft\" value=\"", "\"");
    let save = async |draft: &str, purpose: &str| {
        let fields = [("form_token", token.as_str()), ("draft", draft), ("answer-purpose", purpose), ("do", "draft")];
        let answer = applicant.post_as_script(FORM, &fields).await;
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        (answer.status.as_u16(), body)
    };
    let (status, first) = save(&opened, "one").await;
    assert_eq!(status, 200);
    let first = first["draft"].as_str().unwrap();
    assert_eq!(save(first, "one and two").await.0, 200);
    let (status, problem) = save(first, "typed elsewhere").await;
    assert_eq!((status, problem["status"].as_u64()), (409, Some(409)), "{problem}");
}

#[tokio::test]
async fn terms_that_changed_meanwhile_are_shown_and_agreed_to_anew() {
    let gateway = gateway();
    let applicant = gateway.person(APPLICANT).await;
    let (version, language) = hidden(&applicant, SLUG).await;
    gateway.publish_agreement(TERMS, "Be very good.\n");
    let all = [
        ("version", version.as_str()),
        ("language", &language),
        ("answer-purpose", "Counting birds"),
        ("accept", "yes"),
        ("consent", "yes"),
        ("typed_name", "Mei-Ling Chen"),
        ("do", "sign"),
    ];
    let shown = applicant.post(FORM, &all).await;
    shown.is(422).says("What has changed since version 1").says("<ins>very </ins>").says("Counting birds");
    shown.says_not(" checked").says(&format!("/agreements/{TERMS}/versions/1?language=en"));
    assert_eq!(gateway.count("agreement.signed"), 0);
    // Once signed, the next version shows what is new to this person.
    submit_with(&applicant, SLUG, "Counting birds").await;
    gateway.publish_agreement(TERMS, "Be very, very good.\n");
    applicant.get(&format!("/agreements/{TERMS}")).await.is(200).says("Be very, very good.").says("Version 3");
}

#[tokio::test]
async fn what_was_signed_stays_readable() {
    let gateway = gateway();
    let applicant = gateway.person(APPLICANT).await;
    let request = submit_with(&applicant, SLUG, "Counting birds").await;
    let signed = applicant.get(&request).await;
    signed.is(200).says("What you signed").says(&format!("/agreements/{TERMS}/versions/1?language=en"));
    let whole = format!("/signatures/{}", signed.between("href=\"/signatures/", "\""));
    gateway.publish_agreement(TERMS, "Something else altogether.\n");
    let old = applicant.get(&format!("/agreements/{TERMS}/versions/1?language=en")).await;
    old.is(200).says("Be good.").says("A newer version has replaced this one").says_not("Something else");
    let page = applicant.get(&whole).await;
    page.is(200).says("Be good.").says("Counting birds").says("I accept.").says("I consent.").says(" UTC</time>");
    page.says("127.0.0.1").says("entry ").says("— "); // The checkpoint is a signed note.
    // It is nobody else's to read, and reading needs no request but a session.
    gateway.person(REVIEWER).await.get(&whole).await.is(404);
    gateway.person(AUDITOR).await.get(&whole).await.is(200);
    gateway.visitor().get(&whole).await.says("Sign in");
    for none in ["/versions/9", "/versions/0", "/versions/x", "/versions/-1"] {
        gateway.visitor().get(&format!("/agreements/{TERMS}{none}")).await.is(404);
    }
    gateway.visitor().get("/agreements/nothing").await.is(404);
}
