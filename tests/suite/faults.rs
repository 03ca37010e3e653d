//! What goes wrong around the gateway: disks that fill, databases that are locked, read-only or gone, clocks, clients that
//! vanish or dawdle, and being told to stop. Nothing is delivered that is not recorded, the gateway says why, and goes on
//! by itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use countersign::store::AnyConnection;
use diesel::connection::SimpleConnection;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};

use super::delivery::with_token;
use super::support::downloads::Download;
use super::support::gateway::APPLICANT;
use super::support::people::{make_token, submit_with};
use super::support::{Gateway, until};

const FILE: &str = "/data/nih-chest-xray/README.txt";

/// A small file system of the test's own; it goes with this value.
struct SmallDisk(PathBuf);

fn as_root(program: &str, arguments: &[&str]) {
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let mut command = if root { Command::new(program) } else { Command::new("sudo") };
    if !root {
        command.args(["-n", program]);
    }
    assert!(
        command.args(arguments).status().unwrap().success(),
        "{program} {arguments:?}: this test mounts a file system"
    );
}

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Self {
        std::fs::create_dir_all(at).unwrap();
        as_root("mount", &["-t", "tmpfs", "-o", &format!("size={size},mode=0777"), "tmpfs", at.to_str().unwrap()]);
        Self(at.to_owned())
    }

    /// From now on whoever opens something on it can't write there.
    fn read_only(&self) {
        let at = self.0.to_str().unwrap();
        as_root("mount", &["--bind", at, at]);
        as_root("mount", &["-o", "remount,ro,bind", at]);
    }

    /// Undoes that.
    fn writable(&self) {
        as_root("umount", &["-l", self.0.to_str().unwrap()]);
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        as_root("umount", &["-l", self.0.to_str().unwrap()]);
    }
}

/// Whether requests are refused, with a time to come back, and the gateway says why.
async fn fails_closed(gateway: &Gateway, token: &str, why: &str) {
    let client = reqwest::Client::new();
    until(why, || async {
        let request = client.get(format!("{}{FILE}", gateway.url)).bearer_auth(token);
        let answer = request.send().await.unwrap();
        if answer.status().as_u16() == 200 {
            return None;
        }
        assert_eq!(answer.status().as_u16(), 503);
        assert!(answer.headers().contains_key("retry-after"));
        Some(())
    })
    .await;
    until(&format!("it to say: {why}"), || async {
        let ready = client.get(format!("{}/readyz", gateway.url)).send().await.unwrap();
        (ready.status().as_u16() == 503 && ready.text().await.unwrap().contains(why)).then_some(())
    })
    .await;
    // However often one asks.
    let answers = join_all((0..20).map(|_| with_token(gateway, token, FILE))).await;
    assert!(answers.iter().all(|(status, _)| *status == 503), "{answers:?}");
}

/// Whether it goes on by itself.
async fn goes_on(gateway: &Gateway, token: &str) {
    until("it to go on", || async { (with_token(gateway, token, FILE).await.0 == 200).then_some(()) }).await;
    until("it to be ready", || async { (gateway.visitor().get("/readyz").await.status == 200).then_some(()) }).await;
    gateway.verify_log();
}

/// As many times as files came, there is an admission.
fn covers(gateway: &Gateway, delivered: usize) {
    let admitted = gateway.count("download.admitted");
    assert!(admitted >= delivered, "{delivered} files came, {admitted} were admitted");
}

#[tokio::test]
async fn a_full_disk_and_a_read_only_one() {
    // What a server of its own does on a full disk is its own.
    if std::env::var_os("TEST_COUNTERSIGN_DATABASE").is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(&folder.path().join("disk"), "24m");
    let database = disk.0.join("countersign.db").display().to_string();
    let gateway = Gateway::start_with(&[("COUNTERSIGN_DATABASE_URL", &database)]);
    let (_, token) = gateway.token().await;
    let mut delivered = 0;
    // Until there is no room for another page.
    let filler = disk.0.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
    // The database's files have some room of their own; what is recorded in it may be delivered.
    let mut refused = 0;
    for _ in 0..20_000 {
        match with_token(&gateway, &token, FILE).await.0 {
            200 => delivered += 1,
            status => {
                assert_eq!(status, 503);
                refused += 1;
            }
        }
        if refused >= 50 {
            break;
        }
    }
    assert_eq!(refused, 50, "a full disk ends it");
    let ready = gateway.visitor().get("/readyz").await;
    ready.is(503).says("the disk is full");
    // Then nothing can be written for another reason, and room alone does not help.
    disk.read_only();
    fails_closed(&gateway, &token, "the database is read-only").await;
    file.set_len(0).unwrap();
    fails_closed(&gateway, &token, "the database is read-only").await;
    disk.writable();
    goes_on(&gateway, &token).await;
    covers(&gateway, delivered);
}

#[tokio::test]
async fn a_database_that_others_hold_or_that_lets_nobody_write() {
    let gateway = Gateway::start();
    let (_, token) = gateway.token().await;
    let mut other = gateway.database();
    other
        .batch_execute(match other {
            AnyConnection::Sqlite(_) => "BEGIN IMMEDIATE",
            AnyConnection::Postgres(_) => {
                "SET idle_in_transaction_session_timeout = 0; BEGIN; SELECT * FROM log_head FOR UPDATE"
            }
        })
        .unwrap();
    fails_closed(&gateway, &token, "locked by another process").await;
    other.batch_execute("ROLLBACK").unwrap();
    goes_on(&gateway, &token).await;
    if let AnyConnection::Postgres(_) = other {
        let name = gateway.database_name();
        let end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                       AND pid <> pg_backend_pid()";
        other
            .batch_execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on; {end_all}"))
            .unwrap();
        fails_closed(&gateway, &token, "read-only").await;
        let mut other = gateway.database();
        for each in [
            "SET default_transaction_read_only = off".to_owned(),
            format!("ALTER DATABASE {name} RESET ALL"),
            end_all.to_owned(),
        ] {
            other.batch_execute(&each).unwrap();
        }
        goes_on(&gateway, &token).await;
        // Every connection was ended; none of them may fail a page again.
        let visitor = gateway.visitor();
        let pages = join_all((0..40).map(|_| visitor.get("/"))).await;
        assert!(pages.iter().all(|page| page.status == 200));
    }
}

#[tokio::test]
async fn a_database_file_that_is_taken_away() {
    let gateway = Gateway::start();
    let file = gateway.data_dir().join("countersign.db");
    if !file.exists() {
        // On a server it can't be taken away so simply; its table can.
        let (_, token) = gateway.token().await;
        gateway.database().batch_execute("ALTER TABLE log_head RENAME TO away").unwrap();
        fails_closed(&gateway, &token, "can't be written").await;
        gateway.database().batch_execute("ALTER TABLE away RENAME TO log_head").unwrap();
        return goes_on(&gateway, &token).await;
    }
    let (_, token) = gateway.token().await;
    let away = gateway.scratch().join("away.db");
    std::fs::rename(&file, &away).unwrap();
    fails_closed(&gateway, &token, "the database file").await;
    assert!(!file.exists(), "no empty one is put in its place");
    std::fs::rename(&away, &file).unwrap();
    goes_on(&gateway, &token).await;
}

#[tokio::test]
async fn a_clock_that_was_set_back() {
    let gateway = Gateway::start();
    let (_, token) = gateway.token().await;
    // As seen from the log, the clock now is an hour behind.
    let hour = 3_600_000_000_i64;
    gateway.database().batch_execute(&format!("UPDATE log_head SET last_at = last_at + {hour}")).unwrap();
    fails_closed(&gateway, &token, "the clock is behind the log").await;
    // An operator says that the clock is right now: the log goes on, and says so.
    let asked = gateway.cli(&["audit", "accept-clock"]);
    assert!(!asked.status.success() && String::from_utf8_lossy(&asked.stderr).contains("--yes"));
    fails_closed(&gateway, &token, "the clock is behind the log").await;
    gateway.cli_text(&["audit", "accept-clock", "--yes"]);
    goes_on(&gateway, &token).await;
    assert_eq!(gateway.count("audit.clock_accepted"), 1);
    assert!(gateway.cli_text(&["audit", "accept-clock", "--yes"]).contains("not behind"));
    gateway.verify_log();
}

fn connect(gateway: &Gateway) -> TcpStream {
    TcpStream::connect(gateway.url.trim_start_matches("http://").replace("localhost", "127.0.0.1")).unwrap()
}

/// Asks for something and reads no more than the first bytes of the answer.
fn begin(gateway: &Gateway, token: &str, path: &str) -> TcpStream {
    let mut stream = connect(gateway);
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut first = [0; 15];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    stream
}

/// A gateway with a file far larger than what connections hold, and a token for it.
async fn with_big_file(environment: &[(&str, &str)]) -> (Gateway, String) {
    let gateway = Gateway::start_with(environment);
    gateway.publish("big", "agreement", &[("big.bin", &vec![7; 32 * 1024 * 1024]), ("small.txt", b"small")]);
    let applicant = gateway.person(APPLICANT).await;
    submit_with(&applicant, "big", "Reading.").await;
    let token = make_token(&applicant, &["big"], "").await;
    (gateway, token)
}

/// How many transfers ended how.
fn ends(gateway: &Gateway) -> (usize, usize, usize) {
    let all = gateway.downloads();
    let count = |is: fn(&Download) -> bool| all.iter().filter(|download| is(download)).count();
    (all.len(), count(Download::is_complete), count(Download::is_interrupted))
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_while_fifty_download() {
    let (mut gateway, token) = with_big_file(&[]).await;
    let clients: Vec<TcpStream> = (0..50).map(|_| begin(&gateway, &token, "/data/big/big.bin")).collect();
    let mut idle = begin(&gateway, &token, "/data/big/small.txt");
    let mut rest = Vec::new();
    idle.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    while !rest.ends_with(b"small") {
        let mut byte = [0];
        idle.read_exact(&mut byte).unwrap();
        rest.push(byte[0]);
    }
    let pid = gateway.pid().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    // Half of them read on and get everything; the others never read.
    let (reading, stuck): (Vec<_>, Vec<_>) = clients.into_iter().enumerate().partition(|(n, _)| n % 2 == 0);
    let readers: Vec<_> = reading
        .into_iter()
        .map(|(_, mut stream)| {
            std::thread::spawn(move || {
                let mut all = Vec::new();
                let read = stream.read_to_end(&mut all);
                read.map(|_| all.len())
            })
        })
        .collect();
    // Nothing new passes, over a connection that is open already least of all.
    std::thread::sleep(Duration::from_millis(300));
    let request = format!("GET /data/big/small.txt HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    let mut answer = String::new();
    // It may be closed already.
    let _ = idle.write_all(request.as_bytes()).and_then(|()| idle.read_to_string(&mut answer));
    assert!(!answer.contains("200 OK"), "{answer}");
    let got: Vec<usize> = readers.into_iter().filter_map(|reader| reader.join().unwrap().ok()).collect();
    assert!(
        got.iter().filter(|length| **length > 32 * 1024 * 1024).count() >= 20,
        "running downloads may end: {got:?}"
    );
    assert!(gateway.wait(), "it ends well");
    drop(stuck);
    gateway.start_again();
    let (admitted, finished, interrupted) = ends(&gateway);
    assert_eq!(admitted, 51, "nothing was admitted any more");
    assert_eq!(finished + interrupted, 51, "every one has an end");
    assert!(interrupted >= 25, "those that never read were cut: {interrupted}");
    gateway.verify_log();
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_vanish_dawdle_or_never_ask() {
    let (gateway, token) = with_big_file(&[
        ("COUNTERSIGN_LIMITS_REQUEST_SECONDS", "2"),
        ("COUNTERSIGN_LIMITS_STALLED_SECONDS", "3"),
        ("COUNTERSIGN_LIMITS_IDLE_SECONDS", "3"),
    ])
    .await;
    // One that vanishes in the middle.
    drop(begin(&gateway, &token, "/data/big/big.bin"));
    // One that reads a byte a second is served, for what that is.
    let mut slow = begin(&gateway, &token, "/data/big/big.bin");
    // One that reads nothing is let go.
    let mut stuck = begin(&gateway, &token, "/data/big/big.bin");
    // Half a head; half a second head on the same connection; half a body. They are let go as well.
    let mut half = connect(&gateway);
    half.write_all(b"GET /data/big/big.bin HTTP/1.1\r\nHost: local").unwrap();
    let mut second = begin(&gateway, &token, "/data/big/small.txt");
    second.write_all(b"GET /data/big/small.txt HTTP/1.1\r\nHos").unwrap();
    let mut body = connect(&gateway);
    body.write_all(
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\
                     Content-Type: application/x-www-form-urlencoded\r\n\r\nemail=a",
    )
    .unwrap();
    let mut chunks = connect(&gateway);
    chunks
        .write_all(b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nemail")
        .unwrap();
    for (what, stream) in
        [("half a head", &mut half), ("a second one", &mut second), ("a body", &mut body), ("chunks", &mut chunks)]
    {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        let patient = matches!(&ended, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!patient, "{what}: the connection is still open");
    }
    // Meanwhile others are served.
    assert_eq!(with_token(&gateway, &token, "/data/big/small.txt").await.1, b"small");
    for _ in 0..4 {
        slow.read_exact(&mut [0]).unwrap();
        std::thread::sleep(Duration::from_secs(1));
    }
    assert!(slow.read_exact(&mut [0; 1000]).is_ok(), "slow is not stuck");
    until("the stuck one to be let go", || async { (gateway.count("download.interrupted") >= 2).then_some(()) }).await;
    let mut rest = Vec::new();
    assert!(stuck.read_to_end(&mut rest).is_err(), "its connection was reset");
    drop(slow);
    until("the last end", || async { (gateway.count("download.interrupted") >= 3).then_some(()) }).await;
    gateway.verify_log();
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_before_the_answers_are_read() {
    let (gateway, token) = with_big_file(&[]).await;
    let mut stream = connect(&gateway);
    let request = format!("GET /data/big/big.bin HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.repeat(3).as_bytes()).unwrap();
    // The first answer fills everything between here and there before a byte of it is read.
    until("the first to be admitted", || async { (gateway.count("download.admitted") >= 1).then_some(()) }).await;
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let (mut buffer, mut all, mut heads) = (vec![0; 1 << 20], 0, 0);
    while all < 3 * 32 * 1024 * 1024 {
        let read = stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "it ended after {all} bytes");
        heads += String::from_utf8_lossy(&buffer[..read]).matches("HTTP/1.1 200 OK").count();
        all += read;
    }
    assert!(heads >= 2, "{heads}");
    until("all to end", || async { (ends(&gateway) == (3, 3, 0)).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_a_dataset_that_changes_meanwhile() {
    for (imported_again, reason) in [(false, "file-changed"), (true, "bytes-gone")] {
        let gateway = Gateway::start();
        let big = vec![7; 32 * 1024 * 1024];
        let names: Vec<String> = (0..1_500).map(|n| format!("b/{n:04}.txt")).collect();
        let mut files: Vec<(&str, &[u8])> = vec![("a.bin", &big)];
        files.extend(names.iter().map(|name| (name.as_str(), b"small".as_slice())));
        let description = gateway.publish("packed", "open", &files);
        let mut stream = connect(&gateway);
        stream.write_all(b"GET /data/packed.zip HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        until("it to be admitted", || async { (gateway.count("download.admitted") >= 1).then_some(()) }).await;
        for name in &names {
            std::fs::write(description.parent().unwrap().join("files").join(name), "another content").unwrap();
        }
        let why_is_recorded = || async {
            let cut = |line: &serde_json::Value| {
                line["event"]["action"] == "download.interrupted" && line["event"]["details"]["reason"] == reason
            };
            gateway.events().iter().any(cut).then_some(())
        };
        if imported_again {
            gateway.cli_text(&["dataset", "import", description.to_str().unwrap()]);
            // While most of it still waits for the client to read on.
            until("why to be recorded", why_is_recorded).await;
        }
        let mut all = Vec::new();
        let read = stream.read_to_end(&mut all);
        let head = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let said = String::from_utf8_lossy(&all[..head]).to_lowercase();
        let length: usize =
            said.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap().parse().unwrap();
        assert!(read.is_err() || all.len() - head - 4 < length, "half of one release and half of the next look whole");
        until("why to be recorded", why_is_recorded).await;
    }
}

#[tokio::test]
async fn who_would_wait_too_long_is_refused() {
    let gateway = Gateway::start_with(&[("COUNTERSIGN_LIMITS_TOKEN_REQUESTS", "1")]);
    let (_, token) = gateway.token().await;
    let answers = join_all((0..20).map(|_| with_token(&gateway, &token, FILE))).await;
    let count = |wanted: u16| answers.iter().filter(|(status, _)| *status == wanted).count();
    assert_eq!(count(200) + count(429), 20, "{answers:?}");
    // One at once, and one a second for as long as a request may wait.
    assert!((2..=13).contains(&count(200)), "{}", count(200));
    let (_, body) = answers.iter().find(|(status, _)| *status == 429).unwrap();
    assert!(String::from_utf8_lossy(body).contains("too-many-requests"));
    let of_token = |line: &&serde_json::Value| line["event"]["details"]["limit"] == "requests";
    let recorded = || gateway.events().iter().filter(of_token).count();
    until("the limit to be recorded", || async { (recorded() > 0).then_some(()) }).await;
    assert_eq!(recorded(), 1, "recorded once a minute");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_said_and_recorded_once() {
    let (gateway, token) = with_big_file(&[
        ("COUNTERSIGN_LIMITS_TOKEN_TRANSFERS", "3"),
        ("COUNTERSIGN_LIMITS_TOKEN_REQUESTS", "40"),
        ("COUNTERSIGN_LIMITS_ADDRESS_TRANSFERS", "5"),
    ])
    .await;
    let held: Vec<TcpStream> = (0..3).map(|_| begin(&gateway, &token, "/data/big/big.bin")).collect();
    let client = reqwest::Client::new();
    let get = || client.get(format!("{}/data/big/small.txt", gateway.url)).bearer_auth(&token).send();
    for _ in 0..5 {
        let refused = get().await.unwrap();
        assert_eq!(refused.status().as_u16(), 429);
        assert_eq!(refused.headers()["retry-after"], "1");
        let said = refused.text().await.unwrap();
        assert!(said.contains("too-many-transfers") && said.contains("Up to 3 downloads"), "{said}");
    }
    // Another token has its own, until the address has no more.
    let applicant = gateway.person(APPLICANT).await;
    let other = make_token(&applicant, &["big"], "").await;
    let more: Vec<TcpStream> = (0..2).map(|_| begin(&gateway, &other, "/data/big/big.bin")).collect();
    assert_eq!(with_token(&gateway, &other, "/data/big/small.txt").await.0, 429);
    drop((held, more));
    until("the transfers to be given back", || async { (get().await.unwrap().status() == 200).then_some(()) }).await;
    // Who asks faster than is allowed is slowed down.
    let answers: Vec<_> = stream::iter((0..120).map(|_| get())).buffer_unordered(2).collect().await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().status() == 200));
    let told: Vec<String> = gateway
        .events()
        .iter()
        .filter(|line| line["event"]["action"] == "limit.reached")
        .map(|line| line["event"]["details"]["whose"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told, ["token", "address"], "each once a minute");
    gateway.verify_log();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_connections() {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = limit.maximum;
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    let gateway = Gateway::start_with(&[("COUNTERSIGN_LIMITS_ADDRESS_CONNECTIONS", "20000")]);
    let (_, token) = gateway.token().await;
    let idle: Vec<TcpStream> = (0..10_000).map(|_| connect(&gateway)).collect();
    for _ in 0..50 {
        assert_eq!(with_token(&gateway, &token, FILE).await.0, 200);
    }
    // The last of them is answered like the first.
    for mut stream in [&idle[0], &idle[9_999]] {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut first = [0; 15];
        stream.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200 OK");
    }
    drop(idle);
    assert_eq!(with_token(&gateway, &token, FILE).await.0, 200);
    gateway.verify_log();
}
