//! What waits for a decision is brought to mind: reminders, what is overdue, and the days that do not count.

use countersign::clock::now;
use countersign::domain::Timestamp;
use countersign::domain::access_request::reading::ReviewScope;
use countersign::domain::day::Day;
use countersign::domain::ids::PersonId;
use countersign::domain::working_days::{Holidays, after_working_days};
use countersign::store::review_queue::{QueueQuery, search};
use diesel::connection::SimpleConnection;
use serde_json::json;
use uuid::Uuid;

use super::support::Gateway;
use super::support::api::{Program, api_token};
use super::support::gateway::{APPLICANT, AUDITOR, OTHER_REVIEWER, OWNER, REVIEWER, STEWARD};
use super::support::people::{decide, submit_with};
use super::support::visitor::Visitor;

const COMMITTEE: &str = "/manage/committees/main/guarded";
const HOLIDAYS: &str = "/manage/holidays/main";

fn email(gateway: &Gateway, who: usize) -> String {
    gateway.accounts[who].email.clone()
}

/// A gateway with a dataset that takes the approvals of both its reviewers.
fn with_dataset() -> Gateway {
    let gateway = Gateway::start();
    gateway.publish("guarded", "approval", &[("a.txt", b"a")]);
    gateway
}

/// Gives the committee so many working days: until a reminder, and for a decision.
async fn give_days(
    gateway: &Gateway,
    owner: &Visitor,
    (remind_after, decide_within): (&str, &str),
    status: u16,
) -> String {
    let seen = owner.get(COMMITTEE).await.between("name=\"seen\" value=\"", "\"");
    let members = format!("{}\n{}", email(gateway, REVIEWER), email(gateway, OTHER_REVIEWER));
    let fields = [
        ("seen", seen.as_str()),
        ("name.en", "Guards"),
        ("members", &members),
        ("quorum", "2"),
        ("remind_after", remind_after),
        ("decide_within", decide_within),
    ];
    owner.post(COMMITTEE, &fields).await.is(status).body.clone()
}

/// When the request that waits is due.
fn due_at(gateway: &Gateway) -> Option<Timestamp> {
    let wanted = QueueQuery { scope: ReviewScope::Everything, ..QueueQuery::waiting_for(PersonId(Uuid::nil()), now()) };
    search(&mut gateway.database(), &wanted, None).unwrap().rows[0].due_at
}

/// The time that is to come has come.
fn let_pass(gateway: &Gateway, column: &str) {
    let change = format!("UPDATE access_requests SET {column} = 1 WHERE stage = 'submitted'");
    gateway.database().batch_execute(&change).unwrap();
}

fn mails(gateway: &Gateway, subject: &str) -> Vec<String> {
    let mut to: Vec<String> =
        gateway.mail().into_iter().filter(|mail| mail.subject.contains(subject)).map(|mail| mail.to).collect();
    to.sort();
    to
}

#[tokio::test]
async fn those_who_have_not_voted_are_reminded_and_owners_told_once_in_a_round() {
    let gateway = with_dataset();
    let (owner, applicant) = (gateway.person(OWNER).await, gateway.person(APPLICANT).await);
    for (days, field) in [(("0", ""), "remind_after"), (("", "251"), "decide_within"), (("x", "9"), "remind_after")] {
        assert!(
            give_days(&gateway, &owner, days, 422).await.contains(&format!("{field}-error\">Give a number")),
            "{days:?}"
        );
    }
    let both = give_days(&gateway, &owner, ("x", "y"), 422).await;
    assert!(
        both.contains("remind_after-error\">Give a number") && both.contains("decide_within-error\">Give a number")
    );
    assert!(give_days(&gateway, &owner, ("10", "10"), 422).await.contains("must come before"));
    give_days(&gateway, &owner, ("3", "10"), 200).await;
    owner.get("/manage/committees/main").await.is(200).says("decides within 10 working days");
    applicant.get("/datasets/guarded").await.is(200).says("it decides within 10 working days");

    let request = submit_with(&applicant, "guarded", "Counting herons.").await;
    let review = request.replace("/requests/", "/review/");
    applicant.get(&request).await.is(200).says("says that it decides by");
    let reviewer = gateway.person(REVIEWER).await;
    reviewer.get("/review").await.is(200).says("due ").says_not("tag bad");
    reviewer.get("/review?state=overdue").await.is(200).says("Nothing is overdue");
    assert!(mails(&gateway, "Reminder").is_empty());

    // The first has voted; the other is told that theirs decides, and reminded.
    decide(&reviewer, &request, "approve", "").await.is(200).says("More are needed");
    let missing = gateway.mail_to(&email(&gateway, OTHER_REVIEWER), "One approval is missing").await;
    assert!(missing.text.contains(&review), "{}", missing.text);
    let_pass(&gateway, "remind_at");
    gateway.mail_to(&email(&gateway, OTHER_REVIEWER), "Reminder").await;
    let_pass(&gateway, "due_at");
    let told = gateway.mail_to(&email(&gateway, OWNER), "Overdue").await;
    assert!(told.text.contains("an owner can decide"), "{}", told.text);
    gateway.mail_to(&email(&gateway, OTHER_REVIEWER), "Overdue").await;
    // It is looked for again, and nobody is told twice.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(mails(&gateway, "Reminder"), [email(&gateway, OTHER_REVIEWER)]);
    assert_eq!(mails(&gateway, "Overdue"), [email(&gateway, OWNER), email(&gateway, OTHER_REVIEWER)]);
    assert_eq!(mails(&gateway, "One approval is missing"), [email(&gateway, OTHER_REVIEWER)]);
    assert_eq!((gateway.count("request.reminded"), gateway.count("request.overdue")), (1, 1));

    let other = gateway.person(OTHER_REVIEWER).await;
    other.get("/review?state=overdue").await.is(200).says("tag bad").says(&review);
    reviewer.get("/review?state=overdue").await.is(200).says("Nothing is overdue");
    other.get(&review).await.is(200).says("tag bad").says("The days for a decision are over");
    applicant.get(&request).await.is(200).says("said that it would decide by");

    // Another round begins anew.
    decide(&other, &request, "return", "Which herons?").await.is(200);
    submit_with(&applicant, "guarded", "Counting grey herons.").await;
    let_pass(&gateway, "remind_at");
    gateway.mail_to(&email(&gateway, REVIEWER), "Reminder").await;
    assert_eq!(gateway.count("request.reminded"), 2);
    gateway.verify_log();
}

#[tokio::test]
async fn holidays_put_off_what_is_due() {
    let gateway = with_dataset();
    let (owner, applicant) = (gateway.person(OWNER).await, gateway.person(APPLICANT).await);
    give_days(&gateway, &owner, ("", "5"), 200).await;
    submit_with(&applicant, "guarded", "Counting herons.").await;
    let now = now();
    let none = Holidays::default();
    assert_eq!(due_at(&gateway), Some(after_working_days(now, 5, &none)));

    // The last of the five days is a holiday now.
    let last = Day::ending_at(after_working_days(now, 5, &none));
    let set = async |who: &Visitor, list: &str| {
        let seen = who.get(HOLIDAYS).await.between("name=\"seen\" value=\"", "\"");
        who.post(HOLIDAYS, &[("seen", &seen), ("days", list)]).await
    };
    set(&owner, &format!("{last} Heron day\nNew Year"))
        .await
        .is(422)
        .says("Line 2 must begin with a day")
        .says("Heron day");
    set(&owner, &format!("{last} Heron day")).await.is(200).says("Heron day");
    assert_eq!(due_at(&gateway), Some(after_working_days(now, 6, &none)));
    owner.post(HOLIDAYS, &[("seen", "0"), ("days", "")]).await.is(409).says("Heron day");
    gateway.person(STEWARD).await.get(HOLIDAYS).await.is(200).says_not("class=\"button first\"");
    set(&gateway.person(STEWARD).await, "").await.is(403);
    gateway.person(AUDITOR).await.get(HOLIDAYS).await.is(200).says("Heron day");
    applicant.get(HOLIDAYS).await.is(404);
    assert_eq!(gateway.count("organisation.holidays_set"), 1);

    // The same by a program, and from a file.
    let token = api_token(&owner, &gateway.accounts[OWNER].password, &["steward", "review"]).await;
    let program = Program::new(&gateway.url, Some(token));
    let path = "/manage/organisations/main/holidays";
    let read = program.get(path).await;
    assert_eq!(read.is(200).json, json!({ "days": [{ "day": last.to_string(), "name": "Heron day" }] }));
    let tag = read.header("etag").to_owned();
    for (days, pointer) in [
        (json!([{ "day": "soon" }]), "/days/0/day"),
        (json!([{ "day": "2027-01-01" }, { "day": "2027-01-01" }]), "/days/1/day"),
        (json!([{ "day": "2027-01-01", "name": "a # b" }]), "/days/0/name"),
        (json!([{ "day": "2027-01-01", "name": "a\nb" }]), "/days/0/name"),
    ] {
        let body = json!({ "days": days });
        let answer = program.call_with("PUT", path, Some(&body), &[("if-match", &tag)]).await;
        assert_eq!(answer.is(422).text("/errors/0/pointer"), pointer, "{body}");
    }
    program.call_with("PUT", path, Some(&json!({ "days": [] })), &[("if-match", &tag)]).await.is(204);
    assert_eq!(due_at(&gateway), Some(after_working_days(now, 5, &none)));
    let listed = program.get("/review").await;
    assert_eq!(listed.is(200).text("/items/0/due_at"), after_working_days(now, 5, &none).to_string());
    let file = gateway.scratch().join("holidays.txt");
    std::fs::write(&file, format!("# days\n{last}\n")).unwrap();
    let file = file.to_str().unwrap();
    assert!(gateway.cli_text(&["organisation", "holidays", file]).contains("main has 1 holiday"));
    assert_eq!(due_at(&gateway), Some(after_working_days(now, 6, &none)));

    // A committee without days has nothing that is due; importing the dataset again leaves its days as they are.
    give_days(&gateway, &owner, ("", "2"), 200).await;
    assert!(due_at(&gateway) < Some(after_working_days(now, 5, &none)));
    let again = gateway.scratch().join("guarded/dataset.toml");
    gateway.cli_text(&["dataset", "import", again.to_str().unwrap()]);
    assert!(due_at(&gateway).is_some());
    give_days(&gateway, &owner, ("", ""), 200).await;
    assert_eq!(due_at(&gateway), None);
    gateway.verify_log();
}
