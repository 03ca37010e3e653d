//! What people read, type and sign stays theirs: drafts in two windows, terms that change meanwhile, and what was signed
//! long ago.

use super::support::gateway::{APPLICANT, AUDITOR, REVIEWER};
use super::support::people::{decide, hidden, submit_with};
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
    let (version, language, form) = hidden(&applicant, SLUG).await;
    gateway.publish_agreement(TERMS, "Be very good.\n");
    let all = [
        ("version", version.as_str()),
        ("language", &language),
        ("form_version", &form),
        ("answer-purpose", "Counting birds"),
        ("accept", version.as_str()),
        ("consent", version.as_str()),
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

/// A question of each kind, some of them asked only after certain answers.
const EVERY_KIND: &str = r#"
[[sections.questions]]
id = "commercial"
kind = "yes-no"
required = true
label = { en = "Commercial?", zh-TW = "商業用途？" }
[[sections.questions]]
id = "product"
kind = "short"
required = true
only_if = { question = "commercial", is = ["yes"] }
label = "Which product?"
[[sections.questions]]
id = "ways"
kind = "several"
required = true
label = "What will you do?"
[[sections.questions.options]]
value = "train"
label = "Train"
[[sections.questions.options]]
value = "test"
label = "Test"
[[sections.questions]]
id = "team"
kind = "number"
min = 1
max = 50
label = "How many people?"
[[sections.questions]]
id = "contact"
kind = "email"
label = "Whom to write to?"
[[sections.questions]]
id = "orcid"
kind = "orcid"
label = "Your ORCID iD"
[[sections.questions]]
id = "country"
kind = "country"
required = true
label = "Where?"
"#;

#[tokio::test]
async fn a_dataset_asks_for_several_agreements_and_every_kind_of_answer() {
    let gateway = Gateway::start();
    let description = gateway.publish("shared", "approval", &[("a.txt", b"hello")]);
    gateway.publish_agreement("house-rules", "Be kind.\n");
    gateway.publish_form("shared-form", EVERY_KIND);
    let text = std::fs::read_to_string(&description).unwrap().replace("quorum = 2", "quorum = 1");
    std::fs::write(&description, text.replace("[\"shared-terms\"]", "[\"shared-terms\", \"house-rules\"]")).unwrap();
    gateway.cli_text(&["dataset", "import", description.to_str().unwrap()]);
    gateway.visitor().get("/datasets/shared").await.says("What you would sign").says("/agreements/house-rules");
    gateway.visitor().get("/forms/shared-form").await.is(200).says("Which product?").says("Version 2").says("Taiwan");
    gateway.visitor().get("/forms/shared-form/versions/1").await.says("A newer version has replaced").says("Purpose");
    gateway.visitor().get("/forms/shared-form/versions/9").await.is(404);

    let applicant = gateway.person(APPLICANT).await;
    let page = applicant.get("/datasets/shared/request").await;
    page.says("Agreements for The shared data").says("Be good.").says("Be kind.").says("Asked if “Commercial?”");
    let versions: Vec<&str> = page.body.split("name=\"version\" value=\"").skip(1).map(|part| &part[..36]).collect();
    let form = page.between("name=\"form_version\" value=\"", "\"");
    let sign = async |answers: &[(&str, &str)], accepted: &[&str]| {
        let mut fields: Vec<(&str, &str)> = versions.iter().map(|version| ("version", *version)).collect();
        fields.extend([("language", "en"), ("form_version", &form), ("typed_name", "Mei-Ling Chen"), ("do", "sign")]);
        fields.extend(versions.iter().map(|version| ("consent", *version)));
        fields.extend(accepted.iter().map(|version| ("accept", *version)));
        fields.extend(answers);
        applicant.post("/datasets/shared/request", &fields).await
    };
    // What is wrong is said beside each field, and nothing typed is lost.
    let wrong = [
        ("project-title", "Ways of using it"),
        ("project-institution", "Institute"),
        ("project-purpose", "Trying every kind of question, one after the other."),
        ("answer-commercial", "yes"),
        ("answer-ways", "train"),
        ("answer-ways", "test"),
        ("answer-team", "99"),
        ("answer-contact", "nobody"),
        ("answer-orcid", "0000-0002-1825-0098"),
    ];
    let shown = sign(&wrong, &versions[..1]).await;
    shown
        .is(422)
        .says("href=\"#answer-product\"")
        .says("from 1 to 50")
        .says("Give an e-mail address")
        .says("such as 0000-0002-1825-0097");
    shown
        .says("href=\"#answer-country\"")
        .says("href=\"#accept-house-rules\"")
        .says_not("href=\"#accept-shared-terms\"");
    shown.says("value=\"99\"").says("value=\"train\" checked").says("value=\"test\" checked");
    assert_eq!(gateway.count("agreement.signed"), 0);
    let right = [
        ("project-title", "Ways of using it"),
        ("project-institution", "Institute"),
        ("project-purpose", "Trying every kind of question, one after the other."),
        ("answer-commercial", "no"),
        ("answer-product", "left over"),
        ("answer-ways", "test"),
        ("answer-ways", "train"),
        ("answer-team", "4"),
        ("answer-contact", "lab@example.org"),
        ("answer-orcid", "https://orcid.org/0000-0002-1825-0097"),
        ("answer-country", "TW"),
    ];
    let signed = sign(&right, &versions).await;
    signed.is(200).says("Your signature under house-rules").says("Your signature under shared-terms");
    assert_eq!(gateway.count("agreement.signed"), 2);
    let request = reqwest::Url::parse(&signed.url).unwrap().path().to_owned();
    let reviewer = gateway.person(REVIEWER).await;
    let case = reviewer.get(&request.replace("/requests/", "/review/")).await;
    case.says("Train\nTest")
        .says("Taiwan")
        .says("0000-0002-1825-0097")
        .says_not("left over")
        .says_not("Which product?");
    decide(&reviewer, &request, "approve", "").await.is(200);
    assert_eq!(applicant.bytes("/data/shared/a.txt").await.1, b"hello");
    // Each has a receipt of its own, and the log alone says what the download rests on.
    let shown = applicant.get(&request).await;
    let parts = shown.body.split("href=\"/signatures/").skip(1);
    let signatures: Vec<&str> =
        parts.filter(|part| part[36..].starts_with("/receipt.json")).map(|part| &part[..36]).collect();
    assert_eq!(signatures.len(), 2, "{}", shown.body);
    for signature in signatures {
        let receipt = applicant.get(&format!("/signatures/{signature}/receipt.json")).await.body;
        let file = gateway.scratch().join("receipt.json");
        std::fs::write(&file, &receipt).unwrap();
        gateway.cli_text(&["receipt", "verify", file.to_str().unwrap()]);
        std::fs::write(&file, receipt.replace("\"slug\": \"shared-form\"", "\"slug\": \"other-form\"")).unwrap();
        assert!(!gateway.cli(&["receipt", "verify", file.to_str().unwrap()]).status.success());
    }
    let held = gateway.cli_text(&["audit", "holdings", "--dataset", "shared"]);
    assert!(held.contains("under shared-terms, version 1; house-rules, version 1"), "{held}");
    gateway.verify_log();
}

#[tokio::test]
async fn questions_that_changed_meanwhile_are_shown_anew() {
    let gateway = gateway();
    let applicant = gateway.person(APPLICANT).await;
    let (version, language, form) = hidden(&applicant, SLUG).await;
    gateway.publish_form("field-notes-form", &format!("{}{EVERY_KIND}", super::support::people::PURPOSE));
    let fields = [
        ("version", version.as_str()),
        ("language", &language),
        ("form_version", &form),
        ("answer-purpose", "Counting birds"),
        ("accept", version.as_str()),
        ("consent", version.as_str()),
        ("typed_name", "Mei-Ling Chen"),
        ("do", "sign"),
    ];
    let shown = applicant.post(FORM, &fields).await;
    shown.is(422).says("The questions have changed").says("Counting birds").says("Commercial?").says("checked");
    assert_eq!(gateway.count("agreement.signed"), 0);
}
