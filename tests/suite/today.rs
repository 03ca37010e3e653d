//! *Today*: what waits for somebody, what ends soon, what they last did, and where signing in leads.

use super::support::api::{Program, api_token};
use super::support::gateway::{APPLICANT, AUDITOR, OWNER, REVIEWER};
use super::support::people::{NIH, decide, make_token, submit_with};
use super::support::{Gateway, Visitor};

#[tokio::test]
async fn what_waits_for_each_is_on_the_page_that_signing_in_leads_to() {
    let gateway = Gateway::start();
    let account = &gateway.accounts[APPLICANT];
    let applicant = gateway.visitor();
    let fields = [("email", account.email.as_str()), ("password", &account.password)];
    let landed = applicant.post("/login", &fields).await;
    assert!(landed.is(200).url.ends_with("/today"), "{}", landed.url);
    landed.says("Nothing is waiting for you").says("no access to restricted data yet").says("Signed in");
    // Where something was asked for, it leads there.
    let back = [&fields[..], &[("next", "/projects")]].concat();
    assert!(gateway.visitor().post("/login", &back).await.url.ends_with("/projects"));
    gateway.visitor().get("/today").await.is(200).says("name=\"password\"");
    // A request waits for the reviewer, and for others as far as the applicant goes.
    let reviewer = gateway.person(REVIEWER).await;
    reviewer.get("/today").await.is(200).says("Nothing is waiting for you");
    let request = submit_with(&applicant, NIH, "Reading.").await;
    let review = request.replace("/requests/", "/review/");
    reviewer.get("/today").await.says("Decide").says(&format!("href=\"{review}\"")).says("Mei-Ling Chen");
    applicant.get("/today").await.says("Waiting for others").says(&format!("href=\"{request}\""));
    gateway.person(AUDITOR).await.get("/today").await.says_not(&review);
    // It comes back, is sent again, and approved.
    decide(&reviewer, &request, "return", "Which method?").await.is(200);
    reviewer.get("/today").await.says_not(&review);
    applicant.get("/today").await.says("Change and send again").says_not("Waiting for others");
    let again = submit_with(&applicant, NIH, "Reading, by hand.").await;
    decide(&reviewer, &again, "approve", "").await.is(200);
    applicant.get("/today").await.says("Nothing is waiting for you").says("No access ends within 14 days");
    // A token ends within the day; one that was made for a week does not.
    make_token(&applicant, &[NIH], "").await;
    applicant.get("/today").await.says_not("href=\"/account/tokens\"");
    let short = [("name", "short"), ("datasets", NIH), ("project", ""), ("days", "1"), ("paths", "")];
    applicant.post("/account/tokens", &short).await.is(200);
    applicant.get("/today").await.says("Ending soon").says("href=\"/account/tokens\"").says("ends on ");
    // Somebody new proves their address first.
    let newcomer = Visitor::new(&gateway.url);
    let fields = [
        ("name", "New Comer"),
        ("email", "new@elsewhere.example"),
        ("affiliation", ""),
        ("password", "a long enough password"),
    ];
    newcomer.post("/register", &fields).await.is(200);
    newcomer.sign_in("new@elsewhere.example", "a long enough password").await;
    newcomer.get("/today").await.is(200).says("Verify your address");
    // A dataset is offered to an organisation that somebody owns.
    gateway.cli_text(&["organisation", "make", "thorax", "--name", "Thorax Institute"]);
    let appoint =
        ["organisation", "appoint", "--email", "auditor@demo.example", "--organisation", "thorax", "--role", "owner"];
    gateway.cli_text(&appoint);
    let offer = format!("/manage/datasets/{NIH}/offer");
    gateway.person(OWNER).await.post(&offer, &[("to", "thorax")]).await.is(200);
    gateway.person(AUDITOR).await.get("/today").await.says("A dataset is offered to you").says("NIH Chest X-ray");
}

#[tokio::test]
async fn programs_read_the_same_as_far_as_their_scopes_go() {
    let gateway = Gateway::start();
    let (applicant, reviewer) = (gateway.person(APPLICANT).await, gateway.person(REVIEWER).await);
    let request = submit_with(&applicant, NIH, "Reading.").await;
    let id = request.rsplit('/').next().unwrap();
    let program = async |visitor: &Visitor, account: usize, scopes: &[&str]| {
        let token = api_token(visitor, &gateway.accounts[account].password, scopes).await;
        Program::new(&gateway.url, Some(token))
    };
    let own = program(&applicant, APPLICANT, &["read"]).await.get("/today").await;
    assert_eq!(own.is(200).text("/waiting/0"), id);
    let decider = program(&reviewer, REVIEWER, &["read", "review"]).await.get("/today").await;
    assert_eq!((decider.is(200).text("/tasks/0/kind"), decider.text("/tasks/0/request")), ("review", id));
    assert!(decider.text("/tasks/0/page").ends_with(&format!("/review/{id}")));
    // A token that may not review says nothing of what waits for a review.
    let reader = program(&reviewer, REVIEWER, &["read"]).await.get("/today").await;
    assert!(reader.is(200).json["tasks"].as_array().unwrap().is_empty(), "{:#}", reader.json);
}
