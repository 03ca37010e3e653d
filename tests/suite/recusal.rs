//! Stepping aside from a decision: what it takes away, who is asked then, and how somebody is let back.

use serde_json::{Value, json};

use super::support::Gateway;
use super::support::api::{Program, api_token};
use super::support::gateway::{APPLICANT, AUDITOR, OTHER_REVIEWER, OWNER, REVIEWER};
use super::support::people::{decide, submit_with};

const REASON: &str = "We wrote a paper together.";

fn email(gateway: &Gateway, who: usize) -> String {
    gateway.accounts[who].email.clone()
}

/// A gateway with a request for a dataset that takes the approvals of both its reviewers; gives its path for those who decide.
async fn with_request() -> (Gateway, String) {
    let gateway = Gateway::start();
    gateway.publish("guarded", "approval", &[("a.txt", b"a")]);
    let applicant = gateway.person(APPLICANT).await;
    let request = submit_with(&applicant, "guarded", "Counting herons.").await;
    (gateway, request.replace("/requests/", "/review/"))
}

#[tokio::test]
async fn who_steps_aside_is_out_of_it_until_an_owner_says_otherwise() {
    let (gateway, review) = with_request().await;
    let (reviewer, other) = (gateway.person(REVIEWER).await, gateway.person(OTHER_REVIEWER).await);
    let request = review.replace("/review/", "/requests/");
    decide(&reviewer, &request, "approve", "").await.is(200).says("More are needed");
    // Everybody of the demo has an address of one domain; that may be a conflict, and nobody is kept from anything by it.
    reviewer
        .get(&review)
        .await
        .is(200)
        .says("addresses of the same domain")
        .says("Step aside")
        .says("1 of 2 approvals");
    let recusals = format!("{review}/recusals");
    reviewer.post(&recusals, &[("recusal-reason", " ")]).await.is(422).says("recusal-reason-error");
    assert_eq!(gateway.count("request.recused"), 0);
    reviewer.post(&recusals, &[("recusal-reason", REASON)]).await.is(200).says("You have stepped aside");
    // The button was pressed twice.
    reviewer.post(&recusals, &[("recusal-reason", REASON)]).await.is(200).says("You have stepped aside");
    assert_eq!(gateway.count("request.recused"), 1);

    // They read nothing of it any more, and their vote counts no more; everybody else reads who stepped aside.
    reviewer.get(&review).await.is(403).says("You have stepped aside").says_not("herons");
    let id = review.rsplit('/').next().unwrap();
    for list in ["/review", "/review?state=voted", "/review.csv?state=voted"] {
        reviewer.get(list).await.is(200).says_not(id);
    }
    let signature = other.get(&review).await.between("href=\"/signatures/", "\"");
    reviewer.get(&format!("/signatures/{signature}")).await.is(404);
    let vote = [("verdict", "approve"), ("comment", ""), ("round", "1")];
    reviewer.post(&review, &vote).await.is(403);
    other
        .get(&review)
        .await
        .says("0 of 2 approvals")
        .says("too few for the approvals")
        .says(&email(&gateway, REVIEWER))
        .says(REASON);
    gateway.person(APPLICANT).await.get(&request).await.is(200).says("Stepped aside").says_not(REASON);
    gateway.person(AUDITOR).await.get(&review).await.is(200).says(REASON);

    // The others can't reach the quorum: the owner is asked, and lets them back.
    gateway.mail_to(&email(&gateway, OWNER), "the reviewers can’t decide alone").await;
    decide(&other, &request, "approve", "").await.is(200).says("More are needed");
    assert_eq!(gateway.count("grant.created"), 0);
    let lift = format!("{recusals}/lift");
    other.post(&lift, &[("email", &email(&gateway, REVIEWER)), ("lift-reason", "No.")]).await.is(409);
    let owner = gateway.person(OWNER).await;
    owner
        .post(&lift, &[("email", &email(&gateway, REVIEWER)), ("lift-reason", "")])
        .await
        .is(422)
        .says("lift-reason-error");
    owner
        .post(&lift, &[("email", &email(&gateway, OTHER_REVIEWER)), ("lift-reason", "No.")])
        .await
        .is(409)
        .says("Nobody with this address");
    owner
        .post(&lift, &[("email", &email(&gateway, REVIEWER)), ("lift-reason", "Ten years ago.")])
        .await
        .is(200)
        .says("decide on this request again");
    reviewer.get(&review).await.is(200).says("2 of 2 approvals");
    gateway.verify_log();
}

#[tokio::test]
async fn an_owner_who_steps_aside_neither_decides_nor_lets_anybody_back() {
    let (gateway, review) = with_request().await;
    let (owner, reviewer) = (gateway.person(OWNER).await, gateway.person(REVIEWER).await);
    let recusals = format!("{review}/recusals");
    reviewer.post(&recusals, &[("recusal-reason", REASON)]).await.is(200);
    owner.post(&recusals, &[("recusal-reason", REASON)]).await.is(200);
    let alone = [("verdict", "approve"), ("reason", "Because."), ("round", "1"), ("as", "owner")];
    owner.post(&review, &alone).await.is(403);
    for whom in [OWNER, REVIEWER] {
        let fields = [("email", &*email(&gateway, whom)), ("lift-reason", "Because.")];
        owner.post(&format!("{recusals}/lift"), &fields).await.is(403);
    }
    assert_eq!(gateway.count("request.overridden") + gateway.count("request.recusal_lifted"), 0);
    // Those whom the request is for have no part in it.
    let applicant = gateway.person(APPLICANT).await;
    applicant.post(&recusals, &[("recusal-reason", REASON)]).await.is(404);
    applicant
        .post(&format!("{recusals}/lift"), &[("email", &email(&gateway, OWNER)), ("lift-reason", "Because.")])
        .await
        .is(404);
}

#[tokio::test]
async fn programs_step_aside_too_and_a_vote_says_who_could_vote() {
    let (gateway, review) = with_request().await;
    let program = async |who: usize| {
        let (person, password) = (gateway.person(who).await, gateway.accounts[who].password.clone());
        Program::new(&gateway.url, Some(api_token(&person, &password, &["review"]).await))
    };
    let (reviewer, other, owner) = (program(REVIEWER).await, program(OTHER_REVIEWER).await, program(OWNER).await);
    let case = reviewer.get(&review).await;
    assert_eq!(case.is(200).json["possible_conflicts"], json!(["same-institution", "same-mail-domain"]));
    assert_eq!((&case.json["recused"], &case.json["quorum_out_of_reach"]), (&json!([]), &json!(false)));
    let recusals = format!("{review}/recusals");
    reviewer.post(&recusals, &json!({ "reason": "" })).await.is(422);
    reviewer.post(&recusals, &json!({ "reason": REASON })).await.is(204);
    assert_eq!(reviewer.get(&review).await.is(403).text("/reason"), "recused");
    let case = other.get(&review).await;
    case.is(200);
    assert_eq!(
        (&case.json["recused"], &case.json["quorum_out_of_reach"]),
        (&json!([email(&gateway, REVIEWER)]), &json!(true))
    );
    let approval = json!({ "verdict": "approve", "round": 1 });
    other.post(&format!("{review}/decisions"), &approval).await.is(200);
    assert_eq!((&case.json["may_recuse"], &case.json["may_lift_recusals"]), (&json!(true), &json!(false)));
    assert_eq!(owner.get(&review).await.is(200).json["may_lift_recusals"], true);
    let back = json!({ "email": email(&gateway, REVIEWER), "reason": "Ten years ago." });
    other.post(&format!("{recusals}/lift"), &back).await.is(403);
    owner.post(&format!("{recusals}/lift"), &back).await.is(204);
    reviewer.post(&format!("{review}/decisions"), &approval).await.is(200);
    let votes: Vec<Value> = gateway.events();
    let votes: Vec<_> = votes.iter().filter(|line| line["event"]["action"] == "request.reviewed").collect();
    let eligible = |n: usize| votes[n]["event"]["details"]["eligible"].as_array().unwrap().len();
    assert_eq!((votes.len(), eligible(0), eligible(1)), (2, 1, 2));
}
