//! Whatever is changed behind the gateway's back, verification says so and names the place.

use countersign::store::AnyConnection;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl};

use super::support::Gateway;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Body {
    #[diesel(sql_type = Text)]
    text: String,
}

fn run(conn: &mut AnyConnection, sql: &str) {
    conn.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn count(conn: &mut AnyConnection, sql: &str) -> i64 {
    let row: Count = match conn {
        AnyConnection::Sqlite(conn) => diesel::sql_query(sql).get_result(conn).unwrap(),
        AnyConnection::Postgres(conn) => diesel::sql_query(sql).get_result(conn).unwrap(),
    };
    row.count
}

fn text(conn: &mut AnyConnection, sql: &str) -> String {
    let row: Body = match conn {
        AnyConnection::Sqlite(conn) => diesel::sql_query(sql).get_result(conn).unwrap(),
        AnyConnection::Postgres(conn) => diesel::sql_query(sql).get_result(conn).unwrap(),
    };
    row.text
}

/// Those that are not derived from others.
const EVENT_COLUMNS: &str = "idx, at, action, actor, dataset, subject, person, body, place, private_salt, private_data";

/// A gateway with a whole journey in its log, stopped.
async fn with_history() -> Gateway {
    let mut gateway = Gateway::start();
    let (_, token) = gateway.token().await;
    for n in 0..3 {
        let path = format!("/data/nih-chest-xray/images_001/0000000{}_000.png", n + 1);
        assert_eq!(super::delivery::with_token(&gateway, &token, &path).await.0, 200);
    }
    assert!(gateway.stop());
    gateway
}

/// Runs the verification, which must fail and say this.
#[track_caller]
fn fails(gateway: &Gateway, arguments: &[&str], wanted: &str) {
    let output = gateway.cli(&[&["audit", "verify"], arguments].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "went unnoticed; wanted {wanted:?}");
    assert!(said.contains(wanted), "wanted {wanted:?}, got {said}");
}

#[tokio::test]
async fn every_change_to_any_event_is_named() {
    let gateway = with_history().await;
    let mut conn = gateway.database();
    let events = count(&mut conn, "SELECT count(*) AS count FROM events");
    assert!(events > 30);
    gateway.verify_log();
    for index in 0..events {
        // One byte of the body, somewhere in it.
        let body = text(&mut conn, &format!("SELECT body AS text FROM events WHERE idx = {index}"));
        let place = usize::try_from(index * 37).unwrap() % body.len();
        let place = (place..body.len())
            .find(|place| body.is_char_boundary(*place) && body.as_bytes()[*place].is_ascii())
            .unwrap();
        let mut changed = body.clone().into_bytes();
        changed[place] ^= 1;
        let changed = String::from_utf8(changed).unwrap().replace('\'', "''");
        run(&mut conn, &format!("UPDATE events SET body = '{changed}' WHERE idx = {index}"));
        fails(&gateway, &[], &format!("event {index} was changed"));
        run(&mut conn, &format!("UPDATE events SET body = '{}' WHERE idx = {index}", body.replace('\'', "''")));
    }
    gateway.verify_log();
}

#[tokio::test]
async fn columns_personal_parts_hashes_and_the_head_are_covered() {
    let gateway = with_history().await;
    let mut conn = gateway.database();
    let sqlite = matches!(conn, AnyConnection::Sqlite(_));
    let size = count(&mut conn, "SELECT size AS count FROM log_head");
    for (change, undo, wanted) in [
        ("UPDATE events SET action = 'x' WHERE idx = 5", None, "event 5 was changed: its column `action`"),
        (
            "UPDATE events SET at = at + 1 WHERE idx = 6",
            Some("UPDATE events SET at = at - 1 WHERE idx = 6"),
            "event 6 was changed: its column `at`",
        ),
        ("UPDATE events SET subject = 'x' WHERE idx = 7", None, "event 7 was changed: its column `subject`"),
        ("UPDATE events SET actor = 'x' WHERE idx = 8", None, "event 8 was changed: its column `actor`"),
        ("UPDATE events SET person = 'x' WHERE idx = 8", None, "event 8 was changed: its column `person`"),
        ("UPDATE events SET private_salt = 'AAAA' WHERE idx = 3", None, "personal part"),
        ("UPDATE events SET private_data = '{}' WHERE idx = 3", None, "personal part"),
        ("UPDATE log_head SET size = size + 1", Some("UPDATE log_head SET size = size - 1"), "the stored head says"),
        ("UPDATE log_head SET size = size - 1", Some("UPDATE log_head SET size = size + 1"), "the stored head says"),
        ("UPDATE log_head SET checkpoint = 'x'", None, "the checkpoint stored with the head"),
        ("DELETE FROM events WHERE idx = 9", None, "event 9 is missing"),
        ("DELETE FROM log_head", None, "event"),
    ] {
        let (table, columns) = if change.contains("log_head") { ("log_head", "*") } else { ("events", EVENT_COLUMNS) };
        run(&mut conn, &format!("CREATE TABLE kept AS SELECT {columns} FROM {table}"));
        run(&mut conn, change);
        fails(&gateway, &[], wanted);
        match undo {
            Some(undo) => run(&mut conn, undo),
            None if table == "log_head" => {
                run(&mut conn, "DELETE FROM log_head; INSERT INTO log_head SELECT * FROM kept");
            }
            None => run(
                &mut conn,
                &format!("DELETE FROM events; INSERT INTO events ({columns}) SELECT {columns} FROM kept"),
            ),
        }
        run(&mut conn, "DROP TABLE kept");
    }
    gateway.verify_log();
    // Hashes are bytes: the root, the frontier, the places.
    let flip = |table: &str, column: &str| {
        if sqlite {
            format!(
                "UPDATE {table} SET {column} = CAST(substr({column}, 1, 31) || (CASE WHEN substr({column}, 32, 1) = \
                 x'00' THEN x'01' ELSE x'00' END) || substr({column}, 33) AS BLOB)"
            )
        } else {
            format!("UPDATE {table} SET {column} = set_byte({column}, 31, (get_byte({column}, 31) + 1) % 256)")
        }
    };
    for (column, wanted) in [("root", "the head was changed"), ("frontier", "stored hashes")] {
        run(&mut conn, "CREATE TABLE kept AS SELECT * FROM log_head");
        run(&mut conn, &flip("log_head", column));
        fails(&gateway, &[], wanted);
        run(&mut conn, "DELETE FROM log_head; INSERT INTO log_head SELECT * FROM kept; DROP TABLE kept");
    }
    run(&mut conn, &format!("CREATE TABLE kept AS SELECT {EVENT_COLUMNS} FROM events"));
    run(&mut conn, &format!("{} WHERE idx = 13", flip("events", "place")));
    fails(&gateway, &[], "event 13 was changed");
    run(
        &mut conn,
        &format!("DELETE FROM events; INSERT INTO events ({EVENT_COLUMNS}) SELECT {EVENT_COLUMNS} FROM kept"),
    );
    gateway.verify_log();
    assert_eq!(count(&mut conn, "SELECT size AS count FROM log_head"), size);
}

#[tokio::test]
async fn swapped_events_are_named() {
    let gateway = with_history().await;
    let mut conn = gateway.database();
    run(
        &mut conn,
        "UPDATE events SET idx = 1000000 WHERE idx = 11; UPDATE events SET idx = 11 WHERE idx = 12; \
         UPDATE events SET idx = 12 WHERE idx = 1000000",
    );
    fails(&gateway, &[], "event 11 was changed");
}

#[tokio::test]
async fn a_rewritten_history_does_not_fit_a_kept_checkpoint() {
    let mut gateway = Gateway::start();
    let early = gateway.visitor().get("/log/checkpoint").await.body;
    let file = gateway.scratch().join("early");
    std::fs::write(&file, &early).unwrap();
    gateway.granted().await;
    assert!(gateway.stop());
    let path = file.to_str().unwrap();
    let text = gateway.cli_text(&["audit", "verify", "--checkpoint", path]);
    assert!(text.contains("checkpoints compared   2"), "{text}");
    // Cut off at the end, head and all: only the checkpoint knows.
    let late = text_of(&gateway);
    let kept = gateway.scratch().join("late");
    std::fs::write(&kept, late).unwrap();
    let mut conn = gateway.database();
    let events = count(&mut conn, "SELECT count(*) AS count FROM events");
    run(&mut conn, &format!("DELETE FROM events WHERE idx = {}", events - 1));
    fails(&gateway, &["--checkpoint", kept.to_str().unwrap()], &format!("event {} is the first missing", events - 1));
    fails(&gateway, &[], &format!("event {} is the first that does not fit", events - 1));
    // A checkpoint of another log, or one that was edited, is not taken.
    std::fs::write(&file, early.replace("\n1", "\n2")).unwrap();
    let output = gateway.cli(&["audit", "verify", "--checkpoint", path]);
    assert!(!output.status.success());
}

#[tokio::test]
async fn a_wiped_log_and_events_before_the_first_are_noticed() {
    let gateway = with_history().await;
    let kept = gateway.scratch().join("kept");
    std::fs::write(&kept, text_of(&gateway)).unwrap();
    let mut conn = gateway.database();
    if matches!(conn, AnyConnection::Sqlite(_)) {
        run(&mut conn, "PRAGMA ignore_check_constraints = ON");
    } else {
        run(&mut conn, "ALTER TABLE events DROP CONSTRAINT events_idx_check");
    }
    let forged = EVENT_COLUMNS.replacen("idx", "-1", 1);
    run(&mut conn, &format!("INSERT INTO events ({EVENT_COLUMNS}) SELECT {forged} FROM events WHERE idx = 3"));
    fails(&gateway, &[], "before event 0");
    run(&mut conn, "DELETE FROM events; DELETE FROM log_head; DELETE FROM log_tiles");
    fails(&gateway, &["--checkpoint", kept.to_str().unwrap()], "the log was cut off");
}

#[tokio::test]
async fn the_log_goes_on_with_its_own_key_or_not_at_all() {
    let gateway = with_history().await;
    let key = gateway.data_dir().join("keys/log.key");
    let aside = gateway.scratch().join("log.key");
    std::fs::rename(&key, &aside).unwrap();
    let output = gateway.cli(&["audit", "export"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("keys/log.key"), "{said}");
    assert!(!key.exists(), "no other key is put in its place");
    std::fs::rename(&aside, &key).unwrap();
    gateway.verify_log();
}

#[tokio::test]
async fn who_got_what_is_found_by_the_person() {
    let gateway = with_history().await;
    let found = gateway.cli_text(&["audit", "export", "--person", "applicant@demo.example"]);
    for action in ["grant.created", "request.approved", "request.reviewed", "token.issued", "download.admitted"] {
        assert!(found.contains(&format!("\"action\":\"{action}\"")), "{action}: {found}");
    }
    let other = gateway.cli_text(&["audit", "export", "--person", "auditor@demo.example"]);
    assert!(!other.contains("grant.created"), "{other}");
}

fn text_of(gateway: &Gateway) -> String {
    text(&mut gateway.database(), "SELECT checkpoint AS text FROM log_head")
}

#[tokio::test]
async fn an_erased_person_leaves_a_log_that_verifies() {
    let gateway = with_history().await;
    let mut conn = gateway.database();
    let person = text(&mut conn, "SELECT id AS text FROM people WHERE email = 'applicant@demo.example'");
    let erased = countersign::store::log::erase_person(&mut conn, &person).unwrap();
    assert!(erased > 3);
    let said = gateway.cli_text(&["audit", "verify"]);
    assert!(said.contains(&format!("personal parts erased  {erased}")), "{said}");
}
