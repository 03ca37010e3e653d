//! Deciding: quorum, four eyes, and two reviewers at the same moment.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::support::Gateway;
use super::support::api::Program;
use super::support::gateway::{APPLICANT, AUDITOR, OTHER_REVIEWER, OWNER, REVIEWER, STEWARD};
use super::support::people::{NIH, PURPOSE, decide, submit_with};

#[tokio::test]
async fn two_reviewers_at_once_decide_once() {
    let gateway = Gateway::start();
    let applicant = gateway.person(APPLICANT).await;
    let (first, second) = (gateway.person(REVIEWER).await, gateway.person(OTHER_REVIEWER).await);
    for round in 0..5 {
        let request = gateway.submit(&applicant).await;
        // Both have the page before them when they decide.
        let review = request.replace("/requests/", "/review/");
        let open = first.get(&review).await.between("name=\"round\" value=\"", "\"");
        let (rejects, returns) = (
            [("verdict", "reject"), ("comment", "No."), ("round", open.as_str())],
            [("verdict", "return"), ("comment", "More, please."), ("round", open.as_str())],
        );
        let (a, b) = tokio::join!(first.post(&review, &rejects), second.post(&review, &returns));
        let statuses = [a.status.as_u16(), b.status.as_u16()];
        assert!(statuses == [200, 409] || statuses == [409, 200], "{statuses:?}");
        let loser = if statuses[0] == 409 { &a } else { &b };
        loser.says("no longer waiting");
        let decided = gateway.count("request.rejected") + gateway.count("request.returned");
        assert_eq!(decided, round + 1);
    }
    gateway.verify_log();
}

#[tokio::test]
async fn a_quorum_of_two_takes_two() {
    let gateway = Gateway::start();
    gateway.publish("guarded", "approval", &[("a.txt", b"a")]);
    let applicant = gateway.person(APPLICANT).await;
    let request = submit_with(&applicant, "guarded", "Reading.").await;
    let (first, second) = (gateway.person(REVIEWER).await, gateway.person(OTHER_REVIEWER).await);
    decide(&first, &request, "approve", "").await.is(200).says("More are needed");
    assert_eq!(applicant.bytes("/data/guarded/a.txt").await.0.as_u16(), 403);
    first.get(&request.replace("requests", "review")).await.says("You have approved it").says("1 of 2 approvals");
    let review = request.replace("requests", "review");
    first.post(&review, &[("verdict", "approve"), ("comment", ""), ("round", "1")]).await.is(409).says("already voted");
    decide(&second, &request, "approve", "").await.is(200).says("Approved");
    assert_eq!(applicant.bytes("/data/guarded/a.txt").await.0.as_u16(), 200);
    assert_eq!(gateway.count("grant.created"), 1);
}

#[tokio::test]
async fn nobody_decides_on_their_own_request() {
    let gateway = Gateway::start();
    let reviewer = gateway.person(REVIEWER).await;
    let request = gateway.submit(&reviewer).await;
    let review = request.replace("requests", "review");
    reviewer.get(&review).await.is(200).says("This is your own request").says_not("name=\"verdict\"");
    for extra in [("as", "reviewer"), ("as", "owner")] {
        let fields = [("verdict", "approve"), ("comment", "Fine."), ("round", "1"), extra];
        let answer = reviewer.post(&review, &fields).await;
        assert!(matches!(answer.status.as_u16(), 403 | 409), "{}", answer.status);
    }
    assert_eq!(gateway.count("grant.created"), 0);
    let other = gateway.person(OTHER_REVIEWER).await;
    decide(&other, &request, "approve", "").await.is(200);
    assert_eq!(gateway.count("grant.created"), 1);
}

#[tokio::test]
async fn an_override_needs_a_reason_and_is_an_event_of_its_own() {
    let gateway = Gateway::start();
    let applicant = gateway.person(APPLICANT).await;
    let request = gateway.submit(&applicant).await;
    let review = request.replace("requests", "review");
    let owner = gateway.person(OWNER).await;
    owner.get(&review).await.says("Decide in place of the reviewers");
    let without = [("verdict", "approve"), ("reason", ""), ("round", "1"), ("as", "owner")];
    owner.post(&review, &without).await.is(422).says("Say why");
    let with = [("verdict", "approve"), ("reason", "The committee is away."), ("round", "1"), ("as", "owner")];
    owner.post(&review, &with).await.is(200).says("Approved");
    assert_eq!(gateway.count("request.overridden"), 1);
    let auditor = gateway.person(AUDITOR).await;
    auditor.get(&review).await.is(200).says("Decided in place of the reviewers (override)");
    applicant.get(&review).await.is(404);
}

#[tokio::test]
async fn a_decision_is_on_what_was_read() {
    let gateway = Gateway::start();
    let applicant = gateway.person(APPLICANT).await;
    let request = gateway.submit(&applicant).await;
    let (reviewer, review) = (gateway.person(REVIEWER).await, request.replace("requests", "review"));
    decide(&reviewer, &request, "return", "Say more.").await.is(200);
    gateway.submit(&applicant).await;
    // The page of the first round, still open in a tab.
    reviewer
        .post(&review, &[("verdict", "approve"), ("comment", ""), ("round", "1")])
        .await
        .is(409)
        .says("sent the request again");
    assert_eq!(gateway.count("grant.created"), 0);
    let fields = [("verdict", "reject"), ("comment", " "), ("round", "2")];
    reviewer.post(&review, &fields).await.is(422).says("Say why");
}

/// Publishes a dataset whose form asks questions of every kind that need no answer.
fn publish_with_optional_questions(gateway: &Gateway) {
    gateway.publish("rounds", "approval", &[("a.txt", b"a")]);
    let optional = "[[sections.questions]]\nid = \"note\"\nkind = \"short\"\nlabel = \"Note\"\n\
         [[sections.questions]]\nid = \"commercial\"\nkind = \"choice\"\nlabel = \"Commercial\"\n\
         [[sections.questions.options]]\nvalue = \"no\"\nlabel = \"No profit\"\n\
         [[sections.questions.options]]\nvalue = \"yes\"\nlabel = \"For profit\"\n\
         [[sections.questions]]\nid = \"ethics\"\nkind = \"checkbox\"\nlabel = \"Ethics\"\n";
    gateway.publish_form("rounds-form", &format!("{PURPOSE}{optional}"));
}

#[tokio::test]
async fn a_second_round_shows_what_changed_in_the_answers() {
    let gateway = Gateway::start();
    publish_with_optional_questions(&gateway);
    let applicant = gateway.person(APPLICANT).await;
    let sign = |note: &'static str, commercial: &'static str, ethics: bool| {
        let applicant = applicant.clone();
        async move {
            let (version, language, form) = super::support::people::hidden(&applicant, "rounds").await;
            let mut fields = vec![
                ("version", version.as_str()),
                ("language", &language),
                ("form_version", &form),
                ("project-title", "Letters"),
                ("project-institution", "Institute"),
                ("project-purpose", "Reading the letters, and counting how often each of them occurs."),
                ("answer-purpose", "Reading the letters."),
                ("answer-note", note),
                ("answer-commercial", commercial),
                ("accept", version.as_str()),
                ("consent", version.as_str()),
                ("typed_name", "Mei-Ling Chen"),
                ("do", "sign"),
            ];
            if ethics {
                fields.push(("answer-ethics", "yes"));
            }
            let answer = applicant.post("/datasets/rounds/request", &fields).await;
            answer.is(200);
            reqwest::Url::parse(&answer.url).unwrap().path().to_owned()
        }
    };
    let request = sign("Until spring.", "no", true).await;
    let (reviewer, review) = (gateway.person(REVIEWER).await, request.replace("requests", "review"));
    reviewer.get(&review).await.says("No profit").says_not("<ins>").says_not("<del>");
    decide(&reviewer, &request, "return", "Say more.").await.is(200);
    assert_eq!(sign("", "yes", false).await, request);
    let page = reviewer.get(&review).await;
    for gone in ["Until spring.", "No profit", "Yes"] {
        page.says(&format!("<del>{gone}</del>"));
    }
    page.says("<ins>For profit</ins>").says_not("<ins></ins>").says_not("<del></del>");
}

#[tokio::test]
async fn a_new_version_is_read_before_it_is_signed() {
    let gateway = Gateway::start();
    gateway.publish("terms", "agreement", &[("a.txt", b"a")]);
    let applicant = gateway.person(APPLICANT).await;
    let (version, language, form) = super::support::people::hidden(&applicant, "terms").await;
    gateway.publish_agreement("terms-terms", "Be very good.\n");
    let fields = [
        ("version", version.as_str()),
        ("language", &language),
        ("form_version", &form),
        ("answer-purpose", "Reading the letters."),
        ("accept", version.as_str()),
        ("consent", version.as_str()),
        ("typed_name", "Mei-Ling Chen"),
        ("do", "sign"),
    ];
    let answer = applicant.post("/datasets/terms/request", &fields).await;
    answer.says("The agreement changed after you opened the page").says("Be very good.").says("Reading the letters.");
    assert_eq!(gateway.count("agreement.signed"), 0);
    submit_with(&applicant, "terms", "Reading the letters.").await;
    assert_eq!(gateway.count("agreement.signed"), 1);
}

#[tokio::test]
async fn the_receipt_verifies_offline_and_notices_any_change() {
    let gateway = Gateway::start();
    let applicant = gateway.person(APPLICANT).await;
    let request = gateway.submit(&applicant).await;
    let signed = applicant.get(&request).await.between("href=\"/signatures/", "\"");
    let receipt = applicant.get(&format!("/signatures/{signed}/receipt.json")).await;
    receipt.is(200);
    let file = gateway.scratch().join("receipt.json");
    std::fs::write(&file, &receipt.body).unwrap();
    let path = file.to_str().unwrap();
    let key = gateway.visitor().get("/log/key").await.body;
    let text = gateway.cli_text(&["receipt", "verify", path, "--key", key.trim()]);
    assert!(text.contains("The receipt verifies") && text.contains("Mei-Ling Chen") && text.contains(NIH), "{text}");
    for (what, with) in [
        ("label noise", "label nOise"),
        ("Mei-Ling Chen", "Mei-Ling Chem"),
        ("Keeping the data", "Keeping the date"),
        ("\"version\": 1", "\"version\": 2"),
        ("applicant@demo.example", "applicant@demo.exampla"),
    ] {
        assert!(receipt.body.contains(what), "{what}");
        std::fs::write(&file, receipt.body.replace(what, with)).unwrap();
        let output = gateway.cli(&["receipt", "verify", path, "--key", key.trim()]);
        assert!(!output.status.success(), "{what} → {with} went unnoticed");
    }
    // The page of what was signed follows the path from the leaf to the root that the checkpoint signs.
    let page = applicant.get(&format!("/signatures/{signed}")).await;
    let root = page.is(200).between("<pre class=\"part\" tabindex=\"0\">", "</pre>");
    let root = hex::encode(BASE64.decode(root.lines().nth(2).unwrap()).unwrap());
    let root = format!("{} {} {}", &root[..4], &root[4..8], &root[8..12]);
    let path = page.between("<ol class=\"path part\">", "</ol>");
    assert!(path.rsplit("<li").next().unwrap().contains(&root), "{root} in {path}");
    // It is the signer's alone.
    let reviewer = gateway.person(REVIEWER).await;
    reviewer.get(&format!("/signatures/{signed}/receipt.json")).await.is(404);
}

#[tokio::test]
async fn a_reviewer_keeps_their_place_and_finds_what_they_voted_on() {
    let gateway = Gateway::start();
    gateway.publish("pair", "approval", &[("a.txt", b"hello")]);
    let (applicant, other) = (gateway.person(APPLICANT).await, gateway.person(OTHER_REVIEWER).await);
    let first = submit_with(&applicant, "pair", "Counting birds").await;
    let second = gateway.submit(&other).await;
    let reviewer = gateway.person(REVIEWER).await;
    // After a vote comes the next request that waits.
    let next = decide(&reviewer, &first, "approve", "").await;
    assert!(next.url.contains(&second.replace("/requests/", "/review/")), "{}", next.url);
    next.says("Your approval is counted");
    // What they have voted on has left their queue, and is in a list of its own.
    let id = first.rsplit('/').next().unwrap();
    reviewer.get("/review").await.says_not(id);
    reviewer.get("/review?state=voted").await.is(200).says(id);
    // The second round says what changed in the answers.
    decide(&reviewer, &second, "return", "Say which birds.").await.is(200);
    let again = gateway.person(OTHER_REVIEWER).await;
    submit_with(&again, NIH, "Comparing methods for label noise in chest films, with herons.").await;
    let case = reviewer.get(&second.replace("/requests/", "/review/")).await;
    case.says("<ins>").says("herons").says("<del>radiographs</del>");
    reviewer.get("/review").await.says(second.rsplit('/').next().unwrap());
}

#[tokio::test]
async fn revoking_keeps_the_search() {
    let gateway = Gateway::start();
    gateway.granted().await;
    let steward = gateway.person(STEWARD).await;
    let page = steward.get("/manage/grants?q=mei-ling").await;
    let grant = page.between("action=\"/manage/grants/", "/end");
    let path = format!("/manage/grants/{grant}/revoke");
    steward.post(&path, &[("q", "mei-ling"), ("reason", "")]).await.is(422).says("value=\"mei-ling\"");
    let done = steward.post(&path, &[("q", "mei-ling"), ("reason", "Left the project")]).await;
    done.is(200).says("value=\"mei-ling\"").says("Revoked");
    assert!(done.url.contains("q=mei-ling"), "{}", done.url);
}

#[tokio::test]
async fn who_applies_is_told_how_the_last_decisions_went() {
    let gateway = Gateway::start();
    let (applicant, reviewer) = (gateway.person(APPLICANT).await, gateway.person(REVIEWER).await);
    let (visitor, page) = (gateway.visitor(), format!("/datasets/{NIH}"));
    let program = Program::new(&gateway.url, None);
    for rejected in 0..4 {
        visitor.get(&page).await.is(200).says("Too few requests have been decided so far");
        let request = submit_with(&applicant, NIH, "Reading.").await;
        applicant.get(&page).await.says("Too few requests have been decided so far");
        decide(&reviewer, &request, "reject", "Not this one.").await.is(200);
        assert_eq!(program.get(&page).await.json.get("expectations"), None, "{rejected}");
    }
    // Who takes a request back has not been decided about.
    let withdrawn = submit_with(&applicant, NIH, "Reading.").await;
    applicant.post(&format!("{withdrawn}/withdraw"), &[]).await.is(200);
    visitor.get(&page).await.says("Too few requests have been decided so far");
    let request = submit_with(&applicant, NIH, "Reading.").await;
    decide(&reviewer, &request, "approve", "").await.is(200);
    visitor.get(&page).await.says("One of the last 5 requests was approved.").says("on the day they were sent");
    visitor.get(&format!("/language/zh-TW?to={page}")).await.says("最近 5 件申請中，1 件獲得核准。").says("當天內");
    applicant.get(&page).await.is(200).says_not("What to expect");
    let known = &program.get(&page).await.json["expectations"];
    assert_eq!(
        (&known["decisions"], &known["approved"], &known["most_within_days"]),
        (&5.into(), &1.into(), &0.into())
    );
    // Where signing is enough, there is nothing to expect.
    visitor.get("/datasets/tsung-yeh-guided-tours").await.is(200).says_not("預期時程");
}
