//! The demo as a newcomer starts it: invented people, with projects and requests in many stages.

use super::support::Gateway;
use super::support::gateway::{APPLICANT, REVIEWER, STEWARD};

#[tokio::test]
async fn a_newcomer_meets_requests_in_many_stages() {
    let mut gateway = Gateway::start_as_newcomer();
    let reviewer = gateway.person(REVIEWER).await;
    let queue = reviewer.get("/review").await;
    queue.is(200).says("Sofia Lindqvist").says("Amara Diallo").says("林怡君").says("Label noise in text-mined");
    queue.says_not("佐藤健二").says_not("Omar");
    let decided = reviewer.get("/review?state=voted").await;
    decided.is(200).says("عمر الفاسي").says("Rafael Moreira");
    // Each is said to be invented where somebody reads what they ask for.
    let request = queue.between("href=\"/review/", "\"");
    reviewer.get(&format!("/review/{request}")).await.is(200).says("(invented)").says("Which methods, and how");
    // The applicant is invited to a project.
    let applicant = gateway.person(APPLICANT).await;
    applicant.get("/projects").await.is(200).says("Pneumothorax in emergency departments").says("You are invited");
    // Active and revoked grants.
    let steward = gateway.person(STEWARD).await;
    let grants = steward.get("/manage/grants").await;
    grants.is(200).says("Active").says("Revoked").says("Bounding boxes for weak supervision");
    // An agreement with two versions.
    gateway.visitor().get("/agreements/demo-terms-of-use").await.is(200).says("give the files to anybody else");
    gateway.visitor().get("/agreements/demo-terms-of-use/versions/1").await.is(200).says_not("anybody else");
    for (word, count) in [
        ("request.submitted", 12),
        ("request.returned", 2),
        ("request.rejected", 1),
        ("request.withdrawn", 1),
        ("grant.revoked", 2),
        ("project.ended", 1),
        ("project.member_invited", 3),
        ("request.member_signed", 1),
    ] {
        assert_eq!(gateway.count(word), count, "{word}");
    }
    // The story is told once.
    assert!(gateway.stop());
    gateway.start_again();
    assert_eq!((gateway.count("account.registered"), gateway.count("request.submitted")), (7 + 8, 12));
    assert_eq!(gateway.count("agreement.published"), 3);
    gateway.verify_log();
}
