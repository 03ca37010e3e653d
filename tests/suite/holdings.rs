//! Who holds what: what `audit holdings` says, beside what clients count of what they were sent.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::time::Duration;

use serde_json::Value;

use super::support::downloads::downloads;
use super::support::gateway::{APPLICANT, AUDITOR, REVIEWER};
use super::support::people::{make_token, submit_with};
use super::support::{Gateway, Visitor, until};

const FILES: [(&str, usize); 3] = [("a/small.txt", 5), ("a/middle.bin", 300_000), ("b/large.bin", 24 * 1024 * 1024)];

/// A gateway with these files, and the tokens of two people who may download them.
async fn with_two_people() -> (Gateway, [String; 2]) {
    let gateway = Gateway::start_with(&[("COUNTERSIGN_LIMITS_ADDRESS_REQUESTS", "0")]);
    let contents = FILES.map(|(path, size)| (path, vec![7; size]));
    gateway.publish("held", "agreement", &contents.each_ref().map(|(path, bytes)| (*path, bytes.as_slice())));
    let mut tokens = Vec::new();
    for person in [APPLICANT, REVIEWER] {
        let visitor: Visitor = gateway.person(person).await;
        submit_with(&visitor, "held", "Holding.").await;
        tokens.push(make_token(&visitor, &["held"], "").await);
    }
    (gateway, tokens.try_into().unwrap())
}

fn holdings(gateway: &Gateway, more: &[&str]) -> Vec<Value> {
    let text = gateway.cli_text(&[&["audit", "holdings", "--dataset", "held", "--format", "json"], more].concat());
    serde_json::from_str(&text).unwrap()
}

/// A request over a connection of its own.
struct Fetch<'a> {
    token: &'a str,
    path: &'a str,
    range: Option<(usize, usize)>,
    /// After so many bytes of the body the client goes away.
    most: usize,
    /// How long it rests after each read.
    rest: Duration,
}

impl<'a> Fetch<'a> {
    fn of(token: &'a str, path: &'a str) -> Self {
        Self { token, path, range: None, most: usize::MAX, rest: Duration::ZERO }
    }

    /// How many bytes of the body came.
    fn run(&self, url: &str) -> u64 {
        let Self { token, path, range, most, rest } = *self;
        let address = url.strip_prefix("http://").unwrap().replace("localhost", "127.0.0.1");
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let range = range.map_or_else(String::new, |(first, last)| format!("Range: bytes={first}-{last}\r\n"));
        let head = format!(
            "GET /data/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{range}\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let (mut seen, mut buffer, mut body) = (Vec::new(), vec![0; 16 * 1024], None);
        loop {
            let came = match stream.read(&mut buffer) {
                Ok(came) if came > 0 => came,
                // The gateway was killed, or all has come.
                _ => return body.unwrap_or(0),
            };
            if let Some(count) = &mut body {
                *count += came as u64;
            } else {
                seen.extend_from_slice(&buffer[..came]);
                let end = seen.windows(4).position(|four| four == b"\r\n\r\n");
                body = end.map(|end| (seen.len() - end - 4) as u64);
            }
            if body.is_some_and(|count| count >= most as u64) {
                return body.unwrap_or(0);
            }
            std::thread::sleep(rest);
        }
    }
}

/// What was fetched of each file, in all.
type Fetched = HashMap<(usize, &'static str), u64>;

fn note(fetched: &mut Fetched, person: usize, path: &'static str, bytes: u64) {
    *fetched.entry((person, path)).or_default() += bytes;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_count_is_what_the_log_says() {
    let (mut gateway, tokens) = with_two_people().await;
    let mut fetched = Fetched::default();
    for (person, token) in tokens.iter().enumerate() {
        note(&mut fetched, person, "a/small.txt", Fetch::of(token, "held/a/small.txt").run(&gateway.url));
    }
    // One in parts that make the whole, the other not quite.
    for (person, last) in [(0, 299_999), (1, 299_998)] {
        for range in [(100_000, last), (0, 99_999)] {
            let fetch = Fetch { range: Some(range), ..Fetch::of(&tokens[person], "held/a/middle.bin") };
            let came = fetch.run(&gateway.url);
            note(&mut fetched, person, "a/middle.bin", came);
        }
    }
    // One goes away in the middle and comes back for the rest.
    let broken_off = Fetch { most: 1_000_000, ..Fetch::of(&tokens[0], "held/b/large.bin") };
    let came = broken_off.run(&gateway.url);
    note(&mut fetched, 0, "b/large.bin", came);
    until("the cut to be recorded", || async { (gateway.interrupted().len() == 1).then_some(()) }).await;
    let rest = Fetch { range: Some((500_000, FILES[2].1 - 1)), ..Fetch::of(&tokens[0], "held/b/large.bin") };
    let came = rest.run(&gateway.url);
    note(&mut fetched, 0, "b/large.bin", came);
    let archive = Fetch::of(&tokens[1], "held.zip").run(&gateway.url);
    gateway.all_downloads_ended().await;

    let people = ["applicant@demo.example", "reviewer1@demo.example"];
    let found = holdings(&gateway, &[]);
    let of = |person: usize, path: &str| -> &Value {
        let is_it = |row: &&Value| row["account"] == people[person] && row["path"].as_str().unwrap_or("") == path;
        found.iter().find(is_it).unwrap_or_else(|| panic!("{path} of {person} is not in {found:?}"))
    };
    for ((person, path), bytes) in &fetched {
        let row = of(*person, path);
        // What was handed to a connection that broke may not all have come.
        let said = row["bytes"].as_u64().unwrap();
        assert!(*bytes <= said && row["at_most"] == said, "{bytes} bytes came: {row}");
        if *path != "b/large.bin" {
            assert_eq!(*bytes, said, "{row}");
        }
        assert_eq!((&row["release"], &row["agreements"][0]["version"]), (&1.into(), &1.into()), "{row}");
        assert!(row["grant"].is_string() && row["person"].is_string(), "{row}");
    }
    let received = |person, path| of(person, path)["received"].as_str().unwrap().to_owned();
    assert_eq!(received(0, "a/middle.bin"), "whole", "parts that make the whole");
    assert_eq!(received(1, "a/middle.bin"), "part", "one byte is missing");
    assert_eq!(received(0, "b/large.bin"), "whole", "what was broken off was fetched to the end");
    let row = of(1, "");
    assert_eq!((&row["form"], &row["received"]), (&"archive".into(), &"whole".into()));
    assert_eq!(row["bytes"], archive);

    // Killed in the middle: how far it came is not in the log, but what it was at most.
    let (url, token) = (gateway.url.clone(), tokens[1].clone());
    let reading = std::thread::spawn(move || {
        Fetch { rest: Duration::from_millis(20), ..Fetch::of(&token, "held/b/large.bin") }.run(&url)
    });
    until("it to be admitted", || async {
        gateway.downloads().iter().any(|download| download.end.is_none()).then_some(())
    })
    .await;
    gateway.kill();
    let came = reading.join().unwrap();
    gateway.start_again();
    let found = holdings(&gateway, &["--person", people[1], "--path", "b/*"]);
    let row = found.iter().find(|row| row["path"] == "b/large.bin").unwrap();
    assert_eq!((&row["received"], &row["bytes"]), (&"unknown".into(), &0.into()), "{row}");
    assert!(came <= row["at_most"].as_u64().unwrap(), "{came} bytes came: {row}");
    assert!(found.iter().all(|row| row["account"] == people[1] && (row["path"] != "a/small.txt")), "{found:?}");
    assert!(found.iter().any(|row| row["form"] == "archive"), "an archive holds every path");
    assert!(holdings(&gateway, &["--release", "7"]).is_empty());
    let unknown = gateway.cli(&["audit", "holdings", "--dataset", "hold"]);
    assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("--dataset hold"));
    let summary = gateway.cli_text(&["audit", "holdings", "--dataset", "held"]);
    assert!(summary.contains("release 1: 3 whole files") && summary.contains("1 possibly whole file"), "{summary}");
    let table = gateway.cli_text(&["audit", "holdings", "--dataset", "held", "--format", "csv"]);
    assert_eq!(table.lines().count(), 1 + holdings(&gateway, &[]).len());
    assert!(gateway.count("audit.exported") >= 5, "that it was taken is recorded");
    gateway.verify_log();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_exports_show_how_downloads_ended() {
    let (gateway, tokens) = with_two_people().await;
    Fetch::of(&tokens[0], "held/a/small.txt").run(&gateway.url);
    Fetch { most: 1_000_000, ..Fetch::of(&tokens[0], "held/b/large.bin") }.run(&gateway.url);
    gateway.all_downloads_ended().await;
    let own = gateway.person(APPLICANT).await;
    own.get("/account").await.says("all of 5 B sent").says("of 25 MB sent:").says("the client went away");
    let auditor = gateway.person(AUDITOR).await;
    let page = auditor.get("/admin/audit?action=download.admitted&dataset=held").await;
    assert!(!page.body.contains("part of"), "nobody asked for a part");
    page.says("all of 5 B sent").says("a/small.txt");
    let entry = page.between("href=\"/admin/audit/", "\"");
    auditor.get(&format!("/admin/audit/{entry}")).await.says("127.0.0.1");
    // What describes the client has no dataset of its own; an export of one has it all the same, before it is named.
    let export = gateway.cli_text(&["audit", "export", "--dataset", "held"]);
    let lines: Vec<Value> = export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found = downloads(&lines);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|download| download.ip == "127.0.0.1" && download.end.is_some()), "{found:?}");
    let clients = lines.iter().filter(|line| line["event"]["action"] == "client.seen").count();
    assert_eq!(clients, 1, "once for each");
    // Nor does an export that begins later leave it out.
    let at = found[1].event["at"].as_str().unwrap();
    let later = gateway.cli_text(&["audit", "export", "--since", at]);
    let lines: Vec<Value> = later.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let place = |index: &Value| lines.iter().position(|line| line["index"] == *index);
    let described = place(&found[1].event["details"]["client"]).expect("the client is described");
    assert!(described < place(&found[1].index.into()).unwrap(), "before it is named");
    assert_eq!(lines[described]["private"]["data"]["ip"], "127.0.0.1");
    // One day, one client: said once, whatever is downloaded and refused.
    assert_eq!(gateway.count("client.seen"), 1);
    // Another program, whose name is not all text, and which asks for a part.
    let url = format!("{}/data/held/b/large.bin", gateway.url);
    let agent = reqwest::header::HeaderValue::from_bytes(b"odd\xff\xe2\x80\xaegnp.exe").unwrap();
    let request = reqwest::Client::new().get(url).bearer_auth(&tokens[0]).header("user-agent", agent);
    assert_eq!(request.header("range", "bytes=1-2").send().await.unwrap().status().as_u16(), 206);
    let all = gateway.all_downloads_ended().await;
    assert_eq!(all[2].user_agent, "odd\u{fffd}\u{202e}gnp.exe");
    own.get("/account").await.says("part of 25 MB").says("all of 2 B sent");
}
