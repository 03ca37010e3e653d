//! Whatever is changed behind the gateway's back, verification says so and names the place.

use countersign::store::AnyConnection;
use countersign::store::log::packing::{pack, unpack};
use countersign::store::log::{Filter, Walk, select};
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl};

use super::support::Gateway;
use super::support::gateway::AUDITOR;
use super::support::visitor::between;

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

pub fn run(conn: &mut AnyConnection, sql: &str) {
    conn.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

pub fn count(conn: &mut AnyConnection, sql: &str) -> i64 {
    let row: Count = match conn {
        AnyConnection::Sqlite(conn) => diesel::sql_query(sql).get_result(conn).unwrap(),
        AnyConnection::Postgres(conn) => diesel::sql_query(sql).get_result(conn).unwrap(),
    };
    row.count
}

pub fn text(conn: &mut AnyConnection, sql: &str) -> String {
    let row: Body = match conn {
        AnyConnection::Sqlite(conn) => diesel::sql_query(sql).get_result(conn).unwrap(),
        AnyConnection::Postgres(conn) => diesel::sql_query(sql).get_result(conn).unwrap(),
    };
    row.text
}

/// A block as a test changes it: which, and its lines of events and of personal parts.
struct Block {
    first: i64,
    bodies: Vec<String>,
    private: Vec<String>,
}

/// The block that an event is in.
fn block(conn: &mut AnyConnection, index: i64) -> Block {
    let first = count(conn, &format!("SELECT max(first) AS count FROM event_blocks WHERE first <= {index}"));
    let mut lines = |column: &str| -> Vec<String> {
        let hex = if matches!(conn, AnyConnection::Sqlite(_)) {
            format!("hex({column})")
        } else {
            format!("encode({column}, 'hex')")
        };
        let packed = text(conn, &format!("SELECT {hex} AS text FROM event_blocks WHERE first = {first}"));
        unpack(&hex::decode(packed).unwrap()).unwrap().split('\n').map(str::to_owned).collect()
    };
    Block { first, bodies: lines("bodies"), private: lines("private") }
}

impl Block {
    fn store(&self, conn: &mut AnyConnection) {
        let quoted = |lines: &[String]| {
            let packed = hex::encode(pack(&lines.join("\n")));
            if matches!(conn, AnyConnection::Sqlite(_)) { format!("X'{packed}'") } else { format!("'\\x{packed}'") }
        };
        let (bodies, private) = (quoted(&self.bodies), quoted(&self.private));
        run(
            conn,
            &format!("UPDATE event_blocks SET bodies = {bodies}, private = {private} WHERE first = {}", self.first),
        );
    }
}

fn events(conn: &mut AnyConnection) -> i64 {
    count(conn, "SELECT size AS count FROM log_head")
}

/// A gateway with a whole journey in its log, stopped.
pub async fn with_history() -> Gateway {
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
pub fn fails(gateway: &Gateway, arguments: &[&str], wanted: &str) {
    let output = gateway.cli(&[&["audit", "verify"], arguments].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "went unnoticed; wanted {wanted:?}");
    assert!(said.contains(wanted), "wanted {wanted:?}, got {said}");
}

#[tokio::test]
async fn every_change_to_any_event_is_named() {
    let gateway = with_history().await;
    let mut conn = gateway.database();
    let events = events(&mut conn);
    assert!(events > 30);
    gateway.verify_log();
    for index in 0..events {
        // One byte of the body, somewhere in it.
        let kept = block(&mut conn, index);
        let mut changed = block(&mut conn, index);
        let body = &mut changed.bodies[usize::try_from(index - kept.first).unwrap()];
        let place = usize::try_from(index * 37).unwrap() % body.len();
        let place = (place..body.len())
            .find(|place| body.is_char_boundary(*place) && body.as_bytes()[*place].is_ascii())
            .unwrap();
        let mut bytes = body.clone().into_bytes();
        bytes[place] ^= 1;
        *body = String::from_utf8(bytes).unwrap();
        changed.store(&mut conn);
        fails(&gateway, &[], &format!("event {index} was changed"));
        kept.store(&mut conn);
    }
    gateway.verify_log();
}

#[tokio::test]
async fn a_damaged_event_is_shown_as_damaged() {
    let mut gateway = with_history().await;
    gateway.start_again();
    let auditor = gateway.person(AUDITOR).await;
    let mut conn = gateway.database();
    let find = Filter { action: Some("agreement.signed".into()), ..Filter::default() };
    let index = select(&mut conn, &gateway.log_archive(), &find, Walk::From(0), 1).unwrap()[0].index;
    let mut changed = block(&mut conn, index.cast_signed());
    let body = &mut changed.bodies[usize::try_from(index.cast_signed() - changed.first).unwrap()];
    *body = body.replace("agreement.signed", "agreement.signed?");
    changed.store(&mut conn);
    drop(conn);
    auditor.get("/admin/audit").await.is(200).says("damaged");
    let entry = auditor.get(&format!("/admin/audit/{index}")).await;
    entry.is(200).says("agreement.signed?").says("not what the log’s root was made of");
}

/// Every entry is a sentence, and none says that something was not recorded which a sentence is to say.
#[tokio::test]
async fn the_whole_log_is_read_in_sentences() {
    let gateway = Gateway::start();
    let world = super::walls::world(&gateway).await;
    let (_, auditor) = world.people.iter().find(|(letter, _)| *letter == 'I').unwrap();
    let mut at = "/admin/audit".to_owned();
    let mut pages = 0;
    loop {
        let page = auditor.get(&at).await;
        page.is(200).says_not("(not recorded)").says_not("damaged");
        pages += 1;
        let Some(later) = between(&page.body, "href=\"/admin/audit?", "\"") else { break };
        at = format!("/admin/audit?{}", later.replace("&#38;", "&").replace("&amp;", "&"));
    }
    assert!(pages > 1, "{pages}");
    auditor.get("/admin/audit?action=request.reviewed").await.says("voted to approve the request of stranger");
    // Each leads to what was recorded, and to its proof.
    let entry = auditor.get("/admin/audit/0").await;
    entry.is(200).says("The operator started the audit log.").says("&#34;action&#34;: &#34;log.started&#34;");
    entry.says("— ").says("/log/proof/inclusion?index=0");
    auditor.get("/admin/audit/999999").await.is(404);
    auditor.get("/admin/audit/x").await.is(404);
}

#[tokio::test]
async fn what_stands_beside_events_and_the_head_are_covered() {
    let gateway = with_history().await;
    let mut conn = gateway.database();
    let size = events(&mut conn);
    let first = |conn: &mut AnyConnection, nth: i64| {
        count(conn, &format!("SELECT first AS count FROM event_blocks ORDER BY first LIMIT 1 OFFSET {nth}"))
    };
    let (fifth, sixth) = (first(&mut conn, 5), first(&mut conn, 6));
    for (change, wanted) in [
        (format!("UPDATE event_blocks SET at = at + 1 WHERE first = {fifth}"), format!("event {fifth} was changed")),
        (
            format!("DELETE FROM event_keys WHERE first = {fifth} AND key LIKE 'action:%'"),
            format!("event {fifth} was changed: its search keys do not match"),
        ),
        (
            format!("INSERT INTO event_keys VALUES ({fifth}, 'person:somebody')"),
            format!("event {fifth} was changed: its search keys do not match"),
        ),
        (
            format!("UPDATE event_keys SET key = key || 'x' WHERE first = {fifth} AND key LIKE 'action:%'"),
            format!("event {fifth} was changed: its search keys do not match"),
        ),
        (
            format!("INSERT INTO event_keys VALUES ({size} + 1000000, 'person:somebody')"),
            "after the last event".to_owned(),
        ),
        ("UPDATE log_head SET size = size + 1".to_owned(), "the stored head says".to_owned()),
        ("UPDATE log_head SET size = size - 1".to_owned(), "the stored head says".to_owned()),
        ("UPDATE log_head SET checkpoint = 'x'".to_owned(), "the checkpoint stored with the head".to_owned()),
        (
            format!("DELETE FROM event_blocks WHERE first = {sixth}; DELETE FROM event_keys WHERE first = {sixth}"),
            format!("event {sixth} is missing"),
        ),
        ("DELETE FROM log_head".to_owned(), "event".to_owned()),
    ] {
        undone(&mut conn, |conn| {
            run(conn, &change);
            fails(&gateway, &[], &wanted);
        });
    }
    // The personal part of the first event that has one.
    let index = (0..size)
        .find(|index| {
            let block = block(&mut conn, *index);
            !block.private[usize::try_from(index - block.first).unwrap()].is_empty()
        })
        .unwrap();
    for change in
        [|line: &str| line.replacen(|c: char| c.is_ascii_digit(), "x", 1), |line: &str| line.replace("\"}", "!\"}")]
    {
        let kept = block(&mut conn, index);
        let mut changed = block(&mut conn, index);
        let line = &mut changed.private[usize::try_from(index - kept.first).unwrap()];
        *line = change(line);
        changed.store(&mut conn);
        fails(&gateway, &[], &format!("event {index} was changed: its personal part"));
        kept.store(&mut conn);
    }
    gateway.verify_log();
    // Hashes are bytes: the root, the frontier, the places.
    let sqlite = matches!(conn, AnyConnection::Sqlite(_));
    let flip = |table: &str, column: &str| {
        if sqlite {
            format!(
                "UPDATE {table} SET {column} = CAST(substr({column}, 1, 7) || (CASE WHEN substr({column}, 8, 1) = \
                 x'00' THEN x'01' ELSE x'00' END) || substr({column}, 9) AS BLOB)"
            )
        } else {
            format!("UPDATE {table} SET {column} = set_byte({column}, 7, (get_byte({column}, 7) + 1) % 256)")
        }
    };
    for (change, wanted) in [
        (flip("log_head", "root"), "the head was changed".to_owned()),
        (flip("log_head", "frontier"), "stored hashes".to_owned()),
        (
            format!("{} WHERE first = {fifth}", flip("event_blocks", "position_hashes")),
            format!("event {fifth} was changed"),
        ),
    ] {
        undone(&mut conn, |conn| {
            run(conn, &change);
            fails(&gateway, &[], &wanted);
        });
    }
    gateway.verify_log();
    assert_eq!(events(&mut conn), size);
}

/// Does something to the log's tables, and puts them back as they were.
pub fn undone(conn: &mut AnyConnection, harm: impl FnOnce(&mut AnyConnection)) {
    const TABLES: [&str; 4] = ["event_blocks", "event_keys", "log_head", "log_tiles"];
    for table in TABLES {
        run(conn, &format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}"));
    }
    harm(conn);
    for table in TABLES {
        run(
            conn,
            &format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}; DROP TABLE kept_{table}"),
        );
    }
}

#[tokio::test]
async fn swapped_events_are_named() {
    let gateway = with_history().await;
    let mut conn = gateway.database();
    // Within a block, and whole blocks.
    let several = count(&mut conn, "SELECT min(first) AS count FROM event_blocks WHERE length(position_hashes) > 8");
    undone(&mut conn, |conn| {
        let mut swapped = block(conn, several);
        swapped.bodies.swap(0, 1);
        swapped.private.swap(0, 1);
        swapped.store(conn);
        fails(&gateway, &[], &format!("event {several} was changed"));
    });
    let pairs = "FROM event_blocks a JOIN event_blocks b ON b.first = a.first + 1 \
                 JOIN event_blocks c ON c.first = b.first + 1";
    let single = count(&mut conn, &format!("SELECT min(a.first) AS count {pairs}"));
    let (next, far) = (single + 1, 1_000_000);
    undone(&mut conn, |conn| {
        for (from, to) in [(single, far), (next, single), (far, next)] {
            run(conn, &format!("UPDATE event_blocks SET first = {to} WHERE first = {from}"));
            run(conn, &format!("UPDATE event_keys SET first = {to} WHERE first = {from}"));
        }
        fails(&gateway, &[], &format!("event {single} was changed"));
    });
    gateway.verify_log();
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
    assert!(text.contains("checkpoints compared   3"), "the kept head is one of them: {text}");
    // Cut off at the end, head and all: only the checkpoint knows.
    let late = text_of(&gateway);
    let kept = gateway.scratch().join("late");
    std::fs::write(&kept, late).unwrap();
    let mut conn = gateway.database();
    let first = count(&mut conn, "SELECT max(first) AS count FROM event_blocks");
    for table in ["event_blocks", "event_keys"] {
        run(&mut conn, &format!("DELETE FROM {table} WHERE first = {first}"));
    }
    fails(&gateway, &["--checkpoint", kept.to_str().unwrap()], &format!("event {first} is the first missing"));
    fails(&gateway, &[], &format!("event {first} is the first missing"));
    // Without any kept head the stored one still says that something is gone.
    let head = gateway.data_dir().join("keys/log.head");
    std::fs::rename(&head, gateway.scratch().join("log.head")).unwrap();
    fails(&gateway, &[], &format!("event {first} is the first that does not match"));
    // Nor is one event out of a block missed, whatever else is gone.
    let last = (0..first).rev().map(|index| block(&mut conn, index)).find(|block| block.bodies.len() > 1).unwrap();
    run(&mut conn, &format!("DELETE FROM event_blocks WHERE first > {}", last.first));
    let mut cut = block(&mut conn, last.first);
    cut.bodies.pop();
    cut.private.pop();
    cut.store(&mut conn);
    let length = 8 * cut.bodies.len();
    run(
        &mut conn,
        &format!(
            "UPDATE event_blocks SET position_hashes = substr(position_hashes, 1, {length}) WHERE first = {}",
            cut.first
        ),
    );
    let gone = format!("event {} is the first missing", cut.first + i64::try_from(cut.bodies.len()).unwrap());
    // Its search keys may be missed before it.
    let output = gateway.cli(&["audit", "verify", "--checkpoint", kept.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && (said.contains(&gone) || said.contains("its search keys do not match")),
        "{said}"
    );
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
        run(&mut conn, "ALTER TABLE event_blocks DROP CONSTRAINT event_blocks_first_check");
    }
    run(
        &mut conn,
        "INSERT INTO event_blocks SELECT -1, at, bodies, position_hashes, private FROM event_blocks WHERE first = 0",
    );
    fails(&gateway, &[], "before event 0");
    run(&mut conn, "DELETE FROM event_blocks; DELETE FROM event_keys; DELETE FROM log_head; DELETE FROM log_tiles");
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
    for action in
        ["grant.created", "request.approved", "request.reviewed", "token.issued", "download.admitted", "client.seen"]
    {
        assert!(found.contains(&format!("\"action\":\"{action}\"")), "{action}: {found}");
    }
    let other = gateway.cli_text(&["audit", "export", "--person", "auditor@demo.example"]);
    assert!(!other.contains("grant.created"), "{other}");
}

#[tokio::test]
async fn keys_that_lead_nowhere_hide_nothing() {
    let gateway = with_history().await;
    let mut conn = gateway.database();
    let person = text(&mut conn, "SELECT id AS text FROM people WHERE email = 'applicant@demo.example'");
    let filter = Filter { person: Some(person.parse().unwrap()), ..Filter::default() };
    let found = |conn: &mut AnyConnection| {
        select(conn, &gateway.log_archive(), &filter, Walk::Before(u64::MAX), 1_000).unwrap().len()
    };
    let before = found(&mut conn);
    assert!(before > 5);
    for n in 0..300 {
        run(&mut conn, &format!("INSERT INTO event_keys VALUES ({}, 'person:{person}')", 1_000_000 + n));
    }
    assert_eq!(found(&mut conn), before);
    fails(&gateway, &[], "after the last event");
}

fn text_of(gateway: &Gateway) -> String {
    text(&mut gateway.database(), "SELECT checkpoint AS text FROM log_head")
}
