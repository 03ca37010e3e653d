//! Whoever administers the database can change it; the gateway builds on nothing that it has not signed itself.

use countersign::store::AnyConnection;

use super::audit::{count, fails, run, text};
use super::delivery::with_token;
use super::support::{Gateway, until};

const FILE: &str = "/data/nih-chest-xray/README.txt";
const TABLES: [&str; 4] = ["event_blocks", "event_keys", "log_head", "log_tiles"];

/// Copies the log's tables aside, under a name, once the ends of all downloads are in it.
async fn keep(conn: &mut AnyConnection, name: &str) {
    let mut size = -1;
    until("the log to rest", || {
        let before = std::mem::replace(&mut size, count(conn, "SELECT size AS count FROM log_head"));
        let rests = before == size;
        async move {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            rests.then_some(())
        }
    })
    .await;
    for table in TABLES {
        run(conn, &format!("CREATE TABLE {name}_{table} AS SELECT * FROM {table}"));
    }
}

/// Puts a copy back, and drops it.
fn put_back(conn: &mut AnyConnection, name: &str) {
    let tables = TABLES.map(|table| {
        format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM {name}_{table}; DROP TABLE {name}_{table};")
    });
    run(conn, &format!("BEGIN; {} COMMIT", tables.concat()));
}

/// Whether nothing is delivered or recorded, and monitoring is told why.
async fn stands_still(gateway: &Gateway, token: &str) {
    assert_eq!(with_token(gateway, token, FILE).await.0, 503);
    until("it to say that the log was changed", || async {
        let ready = gateway.visitor().get("/readyz").await;
        (ready.status == 503 && ready.body.contains("not the one that was signed")).then_some(())
    })
    .await;
    assert_eq!(with_token(gateway, token, FILE).await.0, 503);
}

async fn goes_on(gateway: &Gateway, token: &str) {
    until("it to go on", || async { (with_token(gateway, token, FILE).await.0 == 200).then_some(()) }).await;
    gateway.verify_log();
}

#[tokio::test]
async fn nothing_is_built_on_a_log_that_was_changed_under_the_running_gateway() {
    let gateway = Gateway::start();
    let (_, token) = gateway.token().await;
    let mut conn = gateway.database();
    assert_eq!(with_token(&gateway, &token, FILE).await.0, 200);
    keep(&mut conn, "older").await;
    for _ in 0..3 {
        assert_eq!(with_token(&gateway, &token, FILE).await.0, 200);
    }
    keep(&mut conn, "newest").await;
    // Everything as it once was: good signatures, and fewer events.
    put_back(&mut conn, "older");
    stands_still(&gateway, &token).await;
    put_back(&mut conn, "newest");
    goes_on(&gateway, &token).await;

    keep(&mut conn, "newest").await;
    let nothing = if matches!(conn, AnyConnection::Sqlite(_)) { "X''" } else { "''" };
    for harm in [
        "UPDATE log_head SET checkpoint = replace(checkpoint, '/log', '/lie')".to_owned(),
        "UPDATE log_head SET size = size - 1".to_owned(),
        format!("UPDATE log_head SET size = size + 1, frontier = {nothing}"),
        "DELETE FROM log_head".to_owned(),
        "DELETE FROM log_head; DELETE FROM event_blocks; DELETE FROM event_keys; DELETE FROM log_tiles".to_owned(),
    ] {
        run(&mut conn, &harm);
        let (status, _) = with_token(&gateway, &token, FILE).await;
        assert_eq!(status, 503, "{harm}");
        put_back(&mut conn, "newest");
        goes_on(&gateway, &token).await;
        keep(&mut conn, "newest").await;
    }
}

#[tokio::test]
async fn an_older_copy_is_noticed_at_the_start_and_taken_only_when_told_to() {
    let mut gateway = Gateway::start();
    let (_, token) = gateway.token().await;
    let mut conn = gateway.database();
    keep(&mut conn, "older").await;
    let older = count(&mut conn, "SELECT size AS count FROM log_head");
    for _ in 0..3 {
        assert_eq!(with_token(&gateway, &token, FILE).await.0, 200);
    }
    assert!(gateway.stop());
    put_back(&mut conn, "older");
    let output = gateway.cli(&["keys", "rotate"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("were signed before"), "{said}");
    assert_eq!(count(&mut conn, "SELECT size AS count FROM log_head"), older, "nothing was recorded");
    // Without a checkpoint that somebody kept: the one beside the key shows it.
    fails(&gateway, &[], "the log was cut off");

    let output = gateway.cli(&["audit", "accept-head"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("--yes"), "{said}");
    gateway.cli_text(&["audit", "accept-head", "--yes"]);
    gateway.verify_log();
    gateway.start_again();
    goes_on(&gateway, &token).await;
    assert_eq!(gateway.count("audit.head_accepted"), 1);
    let forged = text(&mut conn, "SELECT checkpoint AS text FROM log_head").replace("/log", "/lie");
    assert!(gateway.stop());
    run(&mut conn, &format!("UPDATE log_head SET checkpoint = '{forged}'"));
    let output = gateway.cli(&["audit", "accept-head", "--yes"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("not signed by the key"), "{said}");
}
