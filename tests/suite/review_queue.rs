//! The lists of those who decide: searched, narrowed, put in order, exported, and decided upon several at once.

use serde_json::{Value, json};

use super::support::api::{Program, api_token};
use super::support::gateway::{ADMINISTRATOR, APPLICANT, AUDITOR, OTHER_REVIEWER, OWNER, REVIEWER, STEWARD};
use super::support::people::{NIH, decide, submit_with};
use super::support::{Gateway, Visitor};

/// The id of a request, from its address.
fn id(request: &str) -> &str {
    request.split('?').next().unwrap().rsplit('/').next().unwrap()
}

/// What a list gives the form for a request: its id and round.
fn as_read(request: &str, round: u32) -> String {
    format!("{}.{round}", id(request))
}

/// A gateway with a request for each of two datasets, by two people; the second dataset takes two approvals.
async fn with_two_requests() -> (Gateway, [String; 2]) {
    let gateway = Gateway::start();
    gateway.publish("pair", "approval", &[("a.txt", b"hello")]);
    let (applicant, other) = (gateway.person(APPLICANT).await, gateway.person(STEWARD).await);
    let requests = [
        submit_with(&applicant, NIH, "Comparing Ångström herons.").await,
        submit_with(&other, "pair", "Counting 鷺鷥.").await,
    ];
    (gateway, requests)
}

async fn post(reviewer: &Visitor, requests: &[&str], more: &[(&str, &str)]) -> super::support::Answer {
    let mut fields: Vec<_> = requests.iter().map(|request| ("request", *request)).collect();
    fields.extend(more);
    reviewer.post("/review", &fields).await
}

#[tokio::test]
async fn requests_are_found_by_what_they_say() {
    let (gateway, [nih, pair]) = with_two_requests().await;
    let reviewer = gateway.person(REVIEWER).await;
    let (nih, pair) = (id(&nih), id(&pair));
    let found = async |query: &str| {
        let page = reviewer.get(&format!("/review?{query}")).await;
        page.is(200);
        let csv = reviewer.get(&format!("/review.csv?{query}")).await;
        let both = [nih, pair].map(|id| page.body.contains(&format!("/review/{id}")));
        assert_eq!(both, [nih, pair].map(|id| csv.body.contains(id)), "{query}: {}", csv.body);
        both
    };
    assert_eq!(found("").await, [true, true]);
    // Words of an answer, whatever their accents; of a name, a dataset; all of them.
    assert_eq!(found("q=angstrom").await, [true, false]);
    assert_eq!(found("q=%E9%B7%BA").await, [false, true]);
    assert_eq!(found("q=steward").await, [false, true]);
    assert_eq!(found("q=chest").await, [true, false]);
    assert_eq!(found("q=herons+counting").await, [false, false]);
    assert_eq!(found("q=%25").await, [false, false]);
    assert_eq!(found("of=pair").await, [false, true]);
    assert_eq!(found("of=pair&q=herons").await, [false, false]);
    reviewer.get("/review?q=nothing+like+it").await.says("No requests match.");
    // Each list has its own, with how many there are.
    let page = reviewer.get("/review").await;
    page.says("Waiting (2)").says("My votes (0)").says("Returned (0)").says("Decided (0)");
    assert!(page.body.find(nih) < page.body.find(pair), "the longest waiting comes first");
    let page = reviewer.get("/review?order=reversed").await;
    assert!(page.body.find(nih) > page.body.find(pair));
    decide(&reviewer, &format!("/requests/{nih}"), "return", "Which herons?").await.is(200);
    decide(&reviewer, &format!("/requests/{pair}"), "approve", "").await.is(200);
    assert_eq!(found("").await, [false, false]);
    assert_eq!(found("state=voted").await, [true, true]);
    assert_eq!(found("state=returned").await, [true, false]);
    assert_eq!(found("state=decided").await, [false, false]);
    // The other reviewer's vote is still needed.
    let other = gateway.person(OTHER_REVIEWER).await;
    other.get("/review").await.says(pair).says_not(nih).says("Waiting (1)");
    // An auditor sees what waits, and no list of votes; an owner what their organisation holds; an applicant nothing.
    let auditor = gateway.person(AUDITOR).await;
    auditor.get("/review").await.says(pair).says_not("My votes").says_not("name=\"verdict\"");
    gateway.person(OWNER).await.get("/review?state=returned").await.is(200).says(nih);
    gateway.person(APPLICANT).await.get("/review.csv").await.is(404);
    gateway.visitor().get("/review?q=herons").await.says_not(nih);
}

#[tokio::test]
async fn several_are_decided_at_once_each_as_if_it_were_alone() {
    let (gateway, [nih, pair]) = with_two_requests().await;
    let reviewer = gateway.person(REVIEWER).await;
    let both = [as_read(&nih, 1), as_read(&pair, 1)];
    let both = [both[0].as_str(), both[1].as_str()];
    // What is missing is said, and nothing typed is lost.
    post(&reviewer, &[], &[("verdict", "approve"), ("comment", "Kept.")]).await.is(422).says("Kept.");
    let silent = post(&reviewer, &both, &[("verdict", "reject"), ("confirmed", "yes")]).await;
    silent.is(422).says(&format!("value=\"{}\" form=\"batch\" checked", both[0]));
    post(&reviewer, &both, &[("verdict", "perhaps")]).await.is(400);
    post(&reviewer, &["nonsense.1"], &[("verdict", "approve")]).await.is(404);
    // What will happen is shown first, and nothing is done yet.
    let before = gateway.count("request.reviewed") + gateway.count("request.approved");
    let page = post(&reviewer, &both, &[("verdict", "approve"), ("comment", "Welcome.")]).await;
    page.is(200).says("You are about to approve 2 requests").says("Access starts at once").says("more are needed");
    assert_eq!(gateway.count("request.reviewed") + gateway.count("request.approved"), before);
    post(&reviewer, &both, &[("verdict", "approve"), ("confirmed", "no")]).await.is(200).says("checked");
    // Then it is done: an event and a mail for each.
    let sure = [("verdict", "approve"), ("comment", "Welcome."), ("confirmed", "yes")];
    post(&reviewer, &both, &sure).await.is(200).says("Your votes are counted");
    reviewer.get(&nih.replace("/requests/", "/review/")).await.says("Approved");
    assert_eq!((gateway.count("request.approved"), gateway.count("request.reviewed")), (1, 2));
    gateway.mail_to("applicant@demo.example", "You may download").await;
    // What was decided meanwhile, or in another round, is refused by itself.
    let other = gateway.person(OTHER_REVIEWER).await;
    let stale = as_read(&pair, 7);
    let page = post(&other, &[both[0], &stale], &[("verdict", "return"), ("comment", "Why?")]).await;
    page.is(200).says("None of these requests can be returned").says_not("value=\"yes\"");
    let back = [("left-out", stale.as_str()), ("verdict", "return"), ("comment", "Why?"), ("confirmed", "no")];
    post(&other, &[], &back).await.is(200).says("Why?");
    let said =
        post(&other, &[both[0], both[1]], &[("verdict", "return"), ("comment", "Why?"), ("confirmed", "yes")]).await;
    said.is(422).says("1").says("no longer waiting");
    assert_eq!(gateway.count("request.returned"), 1);
    // Who does not decide can't decide on several either.
    for (person, status) in [(APPLICANT, 404), (AUDITOR, 422)] {
        let person = gateway.person(person).await;
        let page = post(&person, &both, &[("verdict", "reject"), ("comment", "No."), ("confirmed", "yes")]).await;
        page.is(status);
    }
    assert_eq!(gateway.count("request.rejected"), 0);
    gateway.verify_log();
}

#[tokio::test]
async fn programs_search_and_decide_on_several_as_pages_do() {
    let (gateway, [nih, pair]) = with_two_requests().await;
    let reviewer = gateway.person(REVIEWER).await;
    let password = gateway.accounts[REVIEWER].password.clone();
    let program = Program::new(&gateway.url, Some(api_token(&reviewer, &password, &["review"]).await));
    let ids = async |query: &str| -> Vec<Value> {
        let said = program.get(&format!("/review{query}")).await;
        said.is(200).json["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
    };
    assert_eq!(ids("").await, [id(&nih), id(&pair)]);
    assert_eq!(ids("?order=reversed").await, [id(&pair), id(&nih)]);
    assert_eq!(ids("?q=angstrom").await, [id(&nih)]);
    assert_eq!(ids("?dataset=pair").await, [id(&pair)]);
    assert!(ids("?state=decided").await.is_empty());
    program.get("/review?state=perhaps").await.is(400);
    let votes = |requests: &[String]| json!({ "requests": requests, "verdict": "approve" });
    program.post("/review/decisions", &json!({ "requests": [], "verdict": "reject" })).await.is(422);
    let said = program.post("/review/decisions", &votes(&[as_read(&nih, 1), as_read(&pair, 9)])).await;
    said.is(200);
    assert_eq!(said.json["done"], json!([as_read(&nih, 1)]));
    assert_eq!(said.json["refused"].as_array().unwrap().len(), 1, "{:#}", said.json);
    assert_eq!(ids("?state=decided").await, [id(&nih)]);
}

#[tokio::test]
async fn what_was_not_signed_is_not_found() {
    let gateway = Gateway::start();
    gateway.publish("pair", "approval", &[("a.txt", b"hello")]);
    let (applicant, reviewer) = (gateway.person(APPLICANT).await, gateway.person(REVIEWER).await);
    let request = submit_with(&applicant, "pair", "Counting herons.").await;
    let finds = async |query: &str| reviewer.get(&format!("/review?{query}")).await.body.contains(id(&request));
    assert!(finds("q=herons").await);
    decide(&reviewer, &request, "return", "Which ones?").await.is(200);
    assert!(finds("q=herons&state=returned").await);
    // A draft is its applicant's alone until it is signed.
    let form = applicant.get("/datasets/pair/request").await;
    let hidden = |name: &str| form.between(&format!("name=\"{name}\" value=\""), "\"");
    let (version, form_version, before) = (hidden("version"), hidden("form_version"), hidden("draft"));
    let draft = [
        ("version", version.as_str()),
        ("form_version", &form_version),
        ("draft", &before),
        ("language", "en"),
        ("answer-purpose", "Counting grebes."),
        ("do", "draft"),
    ];
    applicant.post("/datasets/pair/request", &draft).await;
    applicant.get("/datasets/pair/request").await.says("grebes");
    assert!(!finds("q=grebes&state=returned").await && finds("q=herons&state=returned").await);
    submit_with(&applicant, "pair", "Counting grebes.").await;
    assert!(finds("q=grebes").await && !finds("q=herons").await);
    // Nobody who decides elsewhere finds it.
    let administrator = gateway.person(ADMINISTRATOR).await;
    let other = [("slug", "thorax"), ("name.en", "Thorax"), ("email", "steward@demo.example")];
    administrator.post("/admin/organisations", &other).await.is(200);
    let elsewhere = gateway.person(STEWARD).await;
    elsewhere.post("/manage/join/thorax", &[]).await;
    for query in ["q=grebes", "of=pair", "state=decided&of=pair"] {
        assert!(!elsewhere.get(&format!("/review?{query}")).await.body.contains(id(&request)), "{query}");
    }
}
