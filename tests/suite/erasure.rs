//! Erasing a person leaves a log that verifies, and nothing of theirs anywhere else.

use super::audit::{count, text, with_history};
use super::delivery::with_token;
use super::support::gateway::{AUDITOR, REVIEWER};
use super::support::people::{NIH, TABLE, submit_with};
use super::support::{Gateway, Visitor, until};
use super::walls::hand_in;

#[tokio::test]
async fn an_erased_person_leaves_a_log_that_verifies() {
    let gateway = with_history().await;
    let erase = ["audit", "erase", "--person", "applicant@demo.example"];
    let asked = gateway.cli(&erase);
    assert!(!asked.status.success() && String::from_utf8_lossy(&asked.stderr).contains("--yes"));
    let before = gateway.cli_text(&["audit", "export", "--person", "applicant@demo.example"]);
    assert!(before.contains("\"user_agent\""), "{before}");
    let said = gateway.cli_text(&[erase.as_slice(), &["--yes"]].concat());
    let erased: usize = said.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(erased > 3, "{said}");
    let verified = gateway.cli_text(&["audit", "verify"]);
    assert!(verified.contains(&format!("personal parts erased  {erased}")), "{verified}");
    let number = said.split(':').next().unwrap();
    let after = gateway.cli_text(&["audit", "export", "--person", number]);
    assert!(!after.contains("\"user_agent\"") && !after.contains("\"salt\""), "{after}");
    let events: Vec<serde_json::Value> = after.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let event = events.iter().find(|line| line["event"]["action"] == "audit.erased").unwrap();
    assert_eq!(event["event"]["details"]["parts"].as_u64().unwrap(), erased as u64);
}

/// Every text of every table, the log's blocks unpacked.
fn everything(gateway: &Gateway) -> String {
    let mut conn = gateway.database();
    let tables = [
        ("people", "email || name || COALESCE(affiliation, '') || search"),
        ("sessions", "ip || user_agent"),
        ("tokens", "name"),
        ("grants", "COALESCE(revoke_reason, '')"),
        ("access_requests", "answers"),
        ("reviews", "comment"),
        ("signatures", "record"),
        ("uploads", "name"),
        ("mail_outbox", "recipient || message"),
        ("mail_links", "COALESCE(new_email, '')"),
    ];
    let mut all = String::new();
    for (table, columns) in tables {
        let rows = count(&mut conn, &format!("SELECT COUNT(*) AS count FROM {table}"));
        for n in 0..rows {
            let sql = format!("SELECT {columns} AS text FROM {table} ORDER BY 1 LIMIT 1 OFFSET {n}");
            all.push_str(&text(&mut conn, &sql));
            all.push('\n');
        }
    }
    all + &gateway.cli_text(&["audit", "export"])
}

#[tokio::test]
async fn erasing_reaches_everything_and_says_what_stays() {
    let gateway = Gateway::start();
    let (applicant, token) = gateway.token().await;
    gateway.publish("waiting", "approval", &[("a.txt", b"a")]);
    let waiting = submit_with(&applicant, "waiting", "More label noise in chest radiographs").await;
    let waiting = waiting.replace("/requests/", "/review/");
    hand_in(&gateway, &applicant, "letter-of-mei-ling.pdf").await;
    let reviewer = gateway.person(REVIEWER).await;
    reviewer.get("/review").await.says("The waiting data").says(&waiting);
    let auditor = gateway.person(AUDITOR).await;
    auditor.post("/admin/audit/export", &[("format", "csv"), ("person", "applicant@demo.example")]).await.is(200);
    let whole =
        format!("/signatures/{}", applicant.get(&first_request(&applicant).await).await.between("/signatures/", "\""));
    until("the mail to be recorded", || async { (gateway.count("mail.sent") >= 4).then_some(()) }).await;
    let traces =
        ["applicant@demo.example", "Mei-Ling Chen", "label noise in chest radiographs", "letter-of-mei-ling.pdf"];
    let before = everything(&gateway);
    assert!(traces.iter().all(|trace| before.contains(trace)));
    let said = gateway.cli_text(&["audit", "erase", "--person", "applicant@demo.example", "--yes"]);
    for word in [
        "the answers of 2 requests",
        "1 file;",
        "the signer of 2 signatures",
        "1 comment;",
        "Stays",
        "receipts",
        "mail",
    ] {
        assert!(said.contains(word), "{said}");
    }
    let after = everything(&gateway);
    for trace in traces {
        let line = after.lines().find(|line| line.contains(trace));
        assert_eq!(line, None, "{trace} is left");
    }
    // The account can't be used any more, and the others read what is left.
    assert_eq!(with_token(&gateway, &token, &format!("/data/{NIH}/{TABLE}")).await.0, 403);
    assert!(applicant.get("/account").await.url.contains("/login"));
    for path in ["/admin/people", "/manage/grants", "/admin/audit", &whole] {
        auditor.get(path).await.is(200).says_not("Mei-Ling");
    }
    // Nobody is asked to decide on a request of nobody.
    reviewer.get("/review").await.is(200).says("No requests are waiting").says_not(&waiting);
    assert_eq!(gateway.count("request.withdrawn"), 1);
    gateway.verify_log();
    // The last administrator is not erased.
    let last = gateway.cli(&["audit", "erase", "--person", "administrator@demo.example", "--yes"]);
    assert!(!last.status.success(), "{}", String::from_utf8_lossy(&last.stdout));
}

/// The page of somebody's newest request.
async fn first_request(applicant: &Visitor) -> String {
    format!("/requests/{}", applicant.get("/projects").await.between("href=\"/requests/", "\""))
}
