//! Old events in compressed files: found, shown, proved, erased and attacked as if they had never been moved.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use countersign::domain::Timestamp;
use countersign::log::verify::StoredEvent;
use countersign::store::log::{ArchiveMove, Erasure, Filter, Walk, select};
use countersign::store::{AnyConnection, Error};
use diesel::connection::SimpleConnection;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::audit::{count, fails, run, text, undone};
use super::delivery::with_token;
use super::support::gateway::AUDITOR;
use super::support::{Gateway, Visitor, sha256};

const ARCHIVE: [&str; 4] = ["audit", "archive", "--before", "2100-01-01"];

/// A gateway with a request, a grant and some six hundred events of downloads.
async fn with_downloads() -> (Gateway, Visitor, String) {
    let gateway = Gateway::start();
    let (applicant, token) = gateway.token().await;
    download(&gateway, &token, 600).await;
    (gateway, applicant, token)
}

async fn download(gateway: &Gateway, token: &str, times: usize) {
    for _ in 0..times / 30 {
        let all = (0..30).map(|_| with_token(gateway, token, "/data/nih-chest-xray/README.txt"));
        assert!(futures_util::future::join_all(all).await.iter().all(|(status, _)| *status == 200));
    }
}

/// The archive's files in order.
fn files(gateway: &Gateway) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(gateway.data_dir().join("archive")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.file_name().unwrap() != "lock");
    files.sort();
    files
}

/// What `zcat` makes of the files.
fn unzipped(files: &[PathBuf]) -> String {
    let output = Command::new("gzip").arg("-dc").args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What people look for.
fn questions(events: &[StoredEvent]) -> Vec<Filter> {
    let mut filters = vec![Filter::default()];
    for event in events.iter().filter(|event| event.index % 31 == 0 || event.index < 30) {
        let fields = &event.fields;
        let at = Timestamp::parse(&fields.at);
        filters.push(Filter { person: fields.actor.as_deref().map(|id| id.parse().unwrap()), ..Filter::default() });
        filters.push(Filter { subject: fields.subject.clone(), ..Filter::default() });
        filters.push(Filter { dataset: fields.dataset.clone(), since: at, ..Filter::default() });
        filters.push(Filter { action: Some(fields.action.clone()), until: at, ..Filter::default() });
        filters.push(Filter { since: at, until: at.map(|at| Timestamp(at.0 + 200_000)), ..Filter::default() });
    }
    filters
}

/// Which of the events below an index are found, one way and the other.
fn answers(
    gateway: &Gateway,
    conn: &mut AnyConnection,
    questions: &[Filter],
    below: u64,
) -> BTreeMap<String, Vec<u64>> {
    let mut answers = BTreeMap::new();
    for (n, filter) in (0_u64..).zip(questions) {
        for walk in [Walk::From(n), Walk::Before(below), Walk::Before(n * 3)] {
            let events = found(gateway, conn, filter, walk);
            let indexes = events.iter().map(|event| event.index).filter(|index| *index < below).collect();
            answers.insert(format!("{filter:?} {walk:?}"), indexes);
        }
    }
    answers
}

fn found(gateway: &Gateway, conn: &mut AnyConnection, filter: &Filter, walk: Walk) -> Vec<StoredEvent> {
    select(conn, &gateway.log_archive(), filter, walk, 5_000).unwrap()
}

#[tokio::test]
async fn archived_events_are_found_shown_and_proved_as_before() {
    let (gateway, applicant, token) = with_downloads().await;
    let mut conn = gateway.database();
    let page = applicant.get("/projects").await.between("href=\"/requests/", "\"");
    let signed = applicant.get(&format!("/requests/{page}")).await.between("href=\"/signatures/", "\"");
    let receipt = applicant.get(&format!("/signatures/{signed}/receipt.json")).await.body;
    let timeline = applicant.get(&format!("/requests/{page}")).await.between("<ol", "</ol>");
    let before = gateway.cli_text(&["audit", "export"]);
    let below = before.lines().count() as u64;
    let questions = questions(&found(&gateway, &mut conn, &Filter::default(), Walk::From(0)));
    let answered = answers(&gateway, &mut conn, &questions, below);
    let rows = count(&mut conn, "SELECT count(*) AS count FROM event_blocks");

    // It goes on beside a server that records.
    let mut command = gateway.cli_command(&ARCHIVE);
    let archiving = tokio::task::spawn_blocking(move || command.output().unwrap());
    let (said, ()) = tokio::join!(archiving, download(&gateway, &token, 90));
    let said = String::from_utf8(said.unwrap().stdout).unwrap();
    let files = files(&gateway);
    assert_eq!(files.len(), 1, "{said}");
    assert!(said.contains(&files[0].display().to_string()), "{said}");
    let archived = unzipped(&files);
    assert!(archived.lines().count() > 256, "more than one block");
    for (exported, archived) in before.lines().zip(archived.lines()) {
        assert_eq!(exported, archived);
    }
    assert!(count(&mut conn, "SELECT count(*) AS count FROM event_blocks") < rows, "they are not here as well");
    gateway.verify_log();

    for (question, answer) in answers(&gateway, &mut conn, &questions, below) {
        assert_eq!(answer, answered[&question], "{question}");
    }
    assert!(gateway.cli_text(&["audit", "export"]).starts_with(&before));
    assert_eq!(applicant.get(&format!("/requests/{page}")).await.between("<ol", "</ol>"), timeline);
    let old: serde_json::Value = serde_json::from_str(&receipt).unwrap();
    let new: serde_json::Value =
        serde_json::from_str(&applicant.get(&format!("/signatures/{signed}/receipt.json")).await.body).unwrap();
    assert_eq!((&old["record"], &old["event"], &old["private"]), (&new["record"], &new["event"], &new["private"]));
    let auditor = gateway.person(AUDITOR).await;
    auditor.get("/admin/audit?before=5").await.says("log.started");
    auditor.get("/admin/audit/0").await.is(200).says("/log/proof/inclusion?index=0");

    // The log says which file it was, and of which bytes.
    let last = gateway.events().into_iter().rfind(|line| line["event"]["action"] == "audit.archived").unwrap();
    let file = &last["event"]["details"]["files"][0];
    assert_eq!(file["sha256"], sha256(&std::fs::read(&files[0]).unwrap()));
    assert_eq!(file["name"], files[0].file_name().unwrap().to_str().unwrap());
}

#[tokio::test]
async fn only_what_is_old_and_enough_is_archived() {
    let (gateway, ..) = with_downloads().await;
    assert!(gateway.cli_text(&["audit", "archive", "--before", "2020-01-01"]).contains("Nothing to archive"));
    let wrong = gateway.cli(&["audit", "archive", "--before", "yesterday"]);
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("--before"));
    gateway.cli_text(&ARCHIVE);
    let kept = files(&gateway);
    assert!(gateway.cli_text(&ARCHIVE).contains("Nothing to archive"));
    assert_eq!(files(&gateway), kept);
    gateway.verify_log();
}

#[tokio::test]
async fn whatever_happens_to_an_archive_is_named() {
    let (mut gateway, ..) = with_downloads().await;
    gateway.cli_text(&ARCHIVE);
    assert!(gateway.stop());
    let file = files(&gateway).remove(0);
    let good = std::fs::read(&file).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();

    // What gzip says besides the content (its time, its operating system) is not of the log.
    let in_header = |place: usize| {
        good[..=place].windows(3).rposition(|three| three == [0x1f, 0x8b, 8]).is_some_and(|start| place - start < 10)
    };
    for place in (3..good.len()).step_by(good.len() / 25).filter(|place| !in_header(*place)) {
        let mut bad = good.clone();
        // All its bits: the last ones of a member may be padding.
        bad[place] = !bad[place];
        std::fs::write(&file, bad).unwrap();
        fails(&gateway, &[], "event ");
    }
    std::fs::write(&file, &good[..good.len() - 9]).unwrap();
    fails(&gateway, &[], &name);
    std::fs::remove_file(&file).unwrap();
    fails(&gateway, &[], "event 0 can't be read");
    fails(&gateway, &[], &name);
    std::fs::write(&file, &good).unwrap();
    gateway.verify_log();

    // The rows that stand for the events.
    let mut conn = gateway.database();
    let second = count(&mut conn, "SELECT first AS count FROM event_blocks ORDER BY first LIMIT 1 OFFSET 1");
    let change = |set: &str| format!("UPDATE event_blocks SET {set} WHERE first = {second}");
    let elsewhere = change("bodies = (SELECT bodies FROM event_blocks AS other WHERE other.first = 0)");
    let something = if matches!(conn, AnyConnection::Sqlite(_)) { "X'00'" } else { "'\\x00'" };
    for (harm, wanted) in [
        (elsewhere, format!("event {second} can't be read")),
        (change("at = at + 1"), format!("event {second} was changed: the time")),
        (change(&format!("private = {something}")), "was changed".to_owned()),
        (
            format!("INSERT INTO event_keys VALUES ({second}, 'person:somebody')"),
            "its search keys do not match".to_owned(),
        ),
        (format!("DELETE FROM event_keys WHERE first = {second}"), "its search keys do not match".to_owned()),
        (
            format!("DELETE FROM event_blocks WHERE first = {second}; DELETE FROM event_keys WHERE first = {second}"),
            format!("event {second} is missing"),
        ),
        ("DELETE FROM log_tiles WHERE level = 0 AND n = 0".to_owned(), "event 0 was changed".to_owned()),
    ] {
        undone(&mut conn, |conn| {
            run(conn, &harm);
            fails(&gateway, &[], &wanted);
        });
    }
    gateway.verify_log();

    // Well-formed, and untrue: another text of the first events, behind the good ones.
    let location = bodies_of_first(&mut conn);
    let (start, bytes) = (location["start"].as_u64().unwrap(), location["bytes"].as_u64().unwrap());
    assert_eq!(start, 0);
    let mut member = String::new();
    GzDecoder::new(&good[..usize::try_from(bytes).unwrap()]).read_to_string(&mut member).unwrap();
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(member.replacen("account.registered", "account.restored", 1).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let mut moved = location.clone();
    (moved["start"], moved["bytes"]) = (good.len().into(), packed.len().into());
    std::fs::write(&file, [good.as_slice(), &packed].concat()).unwrap();
    let hex = hex::encode([b"\x02", moved.to_string().as_bytes()].concat());
    let hex = if matches!(conn, AnyConnection::Sqlite(_)) { format!("X'{hex}'") } else { format!("'\\x{hex}'") };
    undone(&mut conn, |conn| {
        run(conn, &format!("UPDATE event_blocks SET bodies = {hex} WHERE first = 0"));
        fails(&gateway, &[], "was changed: it does not have the hash that was recorded for it");
    });
    // Whoever unpacks the file would take it for events.
    fails(&gateway, &[], "has something else in it");
    // From what is damaged nobody is erased: it may yet be put back from a copy.
    let person = ["audit", "erase", "--person", "applicant@demo.example", "--yes"];
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 0x10;
    std::fs::write(&file, bad).unwrap();
    assert!(!gateway.cli(&person).status.success());
    std::fs::write(&file, &good).unwrap();
    gateway.verify_log();
    gateway.cli_text(&person);
    gateway.verify_log();
}

/// Where the row of the first events says they are.
fn bodies_of_first(conn: &mut AnyConnection) -> serde_json::Value {
    let hex = if matches!(conn, AnyConnection::Sqlite(_)) { "hex(bodies)" } else { "encode(bodies, 'hex')" };
    let bodies = text(conn, &format!("SELECT {hex} AS text FROM event_blocks WHERE first = 0"));
    serde_json::from_slice(&hex::decode(bodies).unwrap()[1..]).unwrap()
}

#[tokio::test]
async fn an_erased_person_is_erased_from_archives() {
    const AGENT: &str = "an-agent-that-is-erased/1.0";
    let (mut gateway, _, token) = with_downloads().await;
    let url = format!("{}/data/nih-chest-xray/README.txt", gateway.url);
    for n in 0..100 {
        let agent = format!("{AGENT} ({n})");
        let request = reqwest::Client::new().get(&url).bearer_auth(&token).header("user-agent", agent);
        assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
    }
    download(&gateway, &token, 600).await;
    gateway.cli_text(&ARCHIVE);
    let before = files(&gateway);
    assert!(unzipped(&before).contains(AGENT));
    // A run that was broken off has left something.
    std::fs::write(gateway.data_dir().join("archive/events-000000000000-000000000255.jsonl.gz.part"), b"x").unwrap();
    let said = gateway.cli_text(&["audit", "erase", "--person", "applicant@demo.example", "--yes"]);
    let erased: usize = said.split(' ').nth(1).unwrap().replace(',', "").parse().unwrap();
    assert!(erased > 100, "{said}");
    let after = files(&gateway);
    assert_eq!(after.len(), 1, "the file with the personal parts is gone: {after:?}");
    assert_ne!(after, before);
    let person = said.split(':').next().unwrap();
    for line in unzipped(&after).lines().filter(|line| line.contains(person)) {
        assert!(line.ends_with("\"private\":null}"), "{line}");
    }
    let verified = gateway.cli_text(&["audit", "verify"]);
    let word = gateway.events().into_iter().rfind(|line| line["event"]["action"] == "audit.erased").unwrap();
    assert_eq!(word["event"]["details"]["parts"].as_u64().unwrap(), erased as u64);
    assert_eq!(word["event"]["details"]["files"][0]["sha256"], sha256(&std::fs::read(&after[0]).unwrap()));
    assert!(verified.contains("personal parts erased"), "{verified}");
    // Nor is it in what the database's file has besides its rows.
    let said = |gateway: &Gateway| {
        let file = gateway.data_dir().join("countersign.db");
        std::fs::read(file).is_ok_and(|bytes| bytes.windows(AGENT.len()).any(|window| window == AGENT.as_bytes()))
    };
    assert!(gateway.stop());
    assert!(!said(&gateway), "the user agent can still be read");
    gateway.start_again();
    // And once more, somebody else.
    gateway.cli_text(&["audit", "erase", "--person", "reviewer1@demo.example", "--yes"]);
    assert!(files(&gateway)[0].display().to_string().ends_with(".2.jsonl.gz"));
    gateway.verify_log();
}

#[tokio::test]
async fn archiving_and_erasing_do_not_undo_each_other() {
    let (gateway, ..) = with_downloads().await;
    let (mut conn, archive) = (gateway.database(), gateway.log_archive());
    let later = Timestamp::parse("2100-01-01").unwrap();
    let person = text(&mut conn, "SELECT id AS text FROM people WHERE email = 'applicant@demo.example'");
    drop(archive.lock(|| panic!("nobody else has it")).unwrap());
    // Erased after the file was written: what it holds must not come back.
    let moving = ArchiveMove::prepare(&mut conn, &archive, later).unwrap().unwrap();
    gateway.cli_text(&["audit", "erase", "--person", "reviewer1@demo.example", "--yes"]);
    assert!(!moving.carry_out(&mut conn).unwrap());
    gateway.verify_log();
    // Archived after it was seen what there is to erase.
    let erasure = Erasure::prepare(&mut conn, &archive, person.parse().unwrap()).unwrap();
    gateway.cli_text(&ARCHIVE);
    assert!(matches!(erasure.carry_out(&mut conn), Err(Error::Archive(..))));
    // And erased twice at once.
    let erasure = Erasure::prepare(&mut conn, &archive, person.parse().unwrap()).unwrap();
    gateway.cli_text(&["audit", "erase", "--person", "applicant@demo.example", "--yes"]);
    conn.batch_execute("BEGIN").unwrap();
    assert!(matches!(erasure.carry_out(&mut conn), Err(Error::Archive(..))));
    conn.batch_execute("ROLLBACK").unwrap();
    gateway.verify_log();
}

#[tokio::test]
async fn who_waits_for_the_archive_says_so() {
    let gateway = Gateway::start();
    let archive = gateway.log_archive();
    let waiting = |arguments: &[&str]| {
        let mut child = gateway.cli_command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.contains("Waiting for another command"), "{arguments:?}: {said}");
        child
    };
    let changing = archive.lock(|| panic!("nobody else has it")).unwrap();
    let mut waiters = [waiting(&["audit", "verify"]), waiting(&ARCHIVE)];
    drop(changing);
    assert!(waiters.iter_mut().all(|child| child.wait().unwrap().success()));
    let reading = archive.hold(|| panic!("nobody else has it")).unwrap();
    gateway.verify_log();
    let mut waiter = waiting(&["audit", "erase", "--person", "applicant@demo.example", "--yes"]);
    drop(reading);
    assert!(waiter.wait().unwrap().success());
}

#[tokio::test]
async fn archiving_that_is_broken_off_at_any_moment_loses_nothing() {
    let (gateway, ..) = with_downloads().await;
    let before = gateway.cli_text(&["audit", "export"]);
    for round in 0..8 {
        let mut child = gateway.cli_command(&ARCHIVE).stdout(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(10 + round * 15)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        gateway.verify_log();
        assert!(gateway.cli_text(&["audit", "export"]).starts_with(&before));
    }
    // And beside somebody who reads it.
    let mut child = gateway.cli_command(&ARCHIVE).stdout(Stdio::null()).spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        assert!(gateway.cli_text(&["audit", "export"]).starts_with(&before));
    }
    assert_eq!(files(&gateway).len(), 1, "leftovers are swept");
    gateway.verify_log();
    assert!(gateway.cli_text(&["audit", "export"]).starts_with(&before));
}
