//! The overview of those who run an organisation: it counts what happened, and nothing of anybody else's.

use serde_json::{Value, json};

use super::support::api::{Program, api_token};
use super::support::gateway::{ADMINISTRATOR, APPLICANT, AUDITOR, OWNER, REVIEWER};
use super::support::people::{NIH, decide, submit_with};
use super::support::{Gateway, until};

/// What the overview says over the API: sent and decided in the last week, waiting, people, ending.
async fn figures(program: &Program) -> (u64, u64, u64, u64, u64) {
    let said = program.get("/manage/overview").await;
    let week = said.is(200).json["weeks"].as_array().unwrap().last().unwrap();
    let number = |value: &Value| value.as_u64().unwrap();
    let sum = |list: &Value, of: &dyn Fn(&Value) -> u64| list.as_array().unwrap().iter().map(of).sum();
    let waiting = sum(&said.json["waiting"], &|age| age["requests"].as_u64().unwrap());
    let endings = sum(&said.json["endings"], &|count| count.as_u64().unwrap());
    (number(&week["sent"]), number(&week["decided"]), waiting, number(&said.json["people"]), endings)
}

#[tokio::test]
async fn it_counts_requests_decisions_and_grants_of_ones_own() {
    let gateway = Gateway::start();
    let owner = gateway.person(OWNER).await;
    let password = gateway.accounts[OWNER].password.clone();
    let program = Program::new(&gateway.url, Some(api_token(&owner, &password, &["steward"]).await));
    assert_eq!(figures(&program).await, (0, 0, 0, 0, 0));
    owner.get("/manage/overview").await.is(200).says("Half decided within").says("–");
    // A request that waits, then is decided; one where signing is enough is nobody's decision.
    let (applicant, reviewer) = (gateway.person(APPLICANT).await, gateway.person(REVIEWER).await);
    let request = submit_with(&applicant, NIH, "Reading").await;
    assert_eq!(figures(&program).await, (1, 0, 1, 0, 0));
    decide(&reviewer, &request, "approve", "").await.is(200);
    assert_eq!(figures(&program).await, (1, 1, 0, 1, 0), "a grant of a year ends later than what is shown");
    // An owner who decides alone decides as well.
    let colleague = gateway.person(AUDITOR).await;
    let review = submit_with(&colleague, NIH, "Reading").await.replace("/requests/", "/review/");
    let alone = [("verdict", "reject"), ("reason", "The committee is away."), ("round", "1"), ("as", "owner")];
    owner.post(&review, &alone).await.is(200);
    assert_eq!(figures(&program).await, (2, 2, 0, 1, 0));
    gateway.publish("short", "agreement", &[("a.txt", b"a")]);
    let description = gateway.scratch().join("short/dataset.toml");
    let text = std::fs::read_to_string(&description).unwrap();
    std::fs::write(&description, format!("grant_days = 20\n{text}")).unwrap();
    super::releases::import(&gateway, &description, &[]);
    submit_with(&applicant, "short", "Reading").await;
    assert_eq!(figures(&program).await, (2, 2, 0, 1, 1));
    let page = owner.get("/manage/overview").await;
    page.is(200).says("0.0 days").says("One grant ends in the next fourteen weeks.");
    // Downloads are counted from the log, soon after.
    for _ in 0..3 {
        assert_eq!(applicant.bytes("/data/short/a.txt").await.1, b"a");
    }
    let downloads = async |program: &Program| {
        let said = program.get("/manage/overview").await;
        let week = said.json["weeks"].as_array().unwrap().last().unwrap().clone();
        (week["downloads"].clone(), week["bytes"].clone(), said.json["most_downloaded"].clone())
    };
    let counted = (json!(3), json!(3), json!([{ "dataset": "short", "downloads": 3 }]));
    // The last bytes are said a moment after they are sent.
    let patience = std::time::Instant::now();
    while downloads(&program).await != counted {
        assert!(patience.elapsed().as_secs() < 60, "{:?}", downloads(&program).await);
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    owner.get("/manage/overview").await.says("Downloads: 3. Sent: 3 B.").says("Most downloaded");
    // What another organisation holds counts for it alone.
    gateway.cli_text(&["organisation", "make", "thorax", "--name", "Thorax Institute"]);
    gateway.cli_text(&["organisation", "appoint", "--email", "applicant@demo.example", "--organisation", "thorax"]);
    let password = gateway.accounts[APPLICANT].password.clone();
    let other = Program::new(&gateway.url, Some(api_token(&applicant, &password, &["steward"]).await));
    assert_eq!(figures(&other).await, (0, 0, 0, 0, 0));
    assert_eq!(downloads(&other).await, (json!(0), json!(0), json!([])));
    gateway.verify_log();
}

#[tokio::test]
async fn who_runs_the_gateway_sees_what_needs_a_look() {
    let gateway = Gateway::start();
    let administrator = gateway.person(ADMINISTRATOR).await;
    let well = administrator.get("/admin").await;
    well.is(200).says("Everything works.").says("every event, durably, in").says("none was found changed");
    well.says("nothing waits").says_not("needs a look").says_not("does not work");
    // One file, found changed by two who asked for it.
    let description = gateway.publish("moving", "open", &[("a.txt", b"one"), ("b.txt", b"two")]);
    std::fs::write(description.parent().unwrap().join("files/a.txt"), "other").unwrap();
    for person in [gateway.visitor(), gateway.person(APPLICANT).await] {
        person.get("/data/moving/a.txt").await.is(409);
    }
    let found = || async {
        let page = administrator.get("/admin").await;
        page.body.contains("one was found changed in the last seven days").then_some(page)
    };
    let page = until("the file to be found changed", found).await;
    page.says("Everything works. Something needs a look.").says("Files<span class=\"visually-hidden\">: needs a look");
    let chinese = administrator.get("/language/zh-TW?to=/admin").await;
    chinese.is(200).says("有項目需要留意").says("最近七天發現 1 個檔案已變更，不再提供");
    gateway.person(OWNER).await.get("/admin").await.is(404);
}
