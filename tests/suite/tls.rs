//! TLS in the binary: HTTP/2 and HTTP/1.1, a certificate that is exchanged while it runs, and transfers that another
//! process's revocation cuts.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use super::support::downloads::Download;
use super::support::gateway::{PROGRAM, STEWARD};
use super::support::people::{NIH, TABLE};
use super::support::{Gateway, sha256, until};

/// Makes a certificate for localhost, in the two files.
pub fn certificate(folder: &Path, name: &str) {
    let status = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", &format!("/CN={name}"), "-addext", "subjectAltName=DNS:localhost"])
        // A server's, not an authority's: those are not accepted from a server by every client.
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(folder.join("key.pem"))
        .arg("-out")
        .arg(folder.join("cert.pem"))
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

/// A second process on a gateway's data, that speaks TLS; it ends with this value.
struct Encrypted {
    child: Child,
    url: String,
    environment: Vec<(String, String)>,
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn curl(arguments: &[&str]) -> Output {
    Command::new("curl").args(["--silent", "--show-error", "--max-time", "60"]).args(arguments).output().unwrap()
}

impl Encrypted {
    /// The memory that the process holds, in bytes.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    async fn beside(gateway: &Gateway, folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("https://localhost:{port}");
        let file = |name: &str| folder.join(name).display().to_string();
        let mut environment = gateway.environment();
        for (name, value) in [
            ("COUNTERSIGN_LISTEN", format!("127.0.0.1:{port}")),
            ("COUNTERSIGN_PUBLIC_URL", url.clone()),
            ("COUNTERSIGN_TLS_CERTIFICATE", file("cert.pem")),
            ("COUNTERSIGN_TLS_KEY", file("key.pem")),
        ] {
            environment.push((name.to_owned(), value));
        }
        let child = Command::new(PROGRAM)
            .arg("--config")
            .arg(gateway.data_dir().join("countersign.toml"))
            .arg("serve")
            .envs(environment.iter().cloned())
            .spawn()
            .unwrap();
        let ca = file("cert.pem");
        let healthy = || async { curl(&["--cacert", &ca, &format!("{url}/healthz")]).status.success().then_some(()) };
        until("the encrypted gateway", healthy).await;
        Self { child, url, environment }
    }

    /// A token that is for its address.
    fn token(&self, gateway: &Gateway) -> String {
        let output = Command::new(PROGRAM)
            .arg("--config")
            .arg(gateway.data_dir().join("countersign.toml"))
            .args(["token", "issue", "--person", "applicant@demo.example", "--dataset", NIH])
            .envs(self.environment.iter().cloned())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_of_http_and_a_certificate_that_changes() {
    let gateway = Gateway::start();
    gateway.granted().await;
    let folder = gateway.scratch();
    certificate(&folder, "first");
    let encrypted = Encrypted::beside(&gateway, &folder).await;
    let header = format!("Authorization: Bearer {}", encrypted.token(&gateway));
    let url = format!("{}/data/{NIH}/{TABLE}", encrypted.url);
    let ca = folder.join("cert.pem").display().to_string();
    let mut hashes = Vec::new();
    for (flag, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let whole = folder.join(format!("table-{version}"));
        let arguments = ["--cacert", &ca, flag, "--fail", "--header", &header, "--write-out", "%{http_version}"];
        let output = curl(&[arguments.as_slice(), &["--output", whole.to_str().unwrap(), &url]].concat());
        assert_eq!(String::from_utf8_lossy(&output.stdout), version, "{}", String::from_utf8_lossy(&output.stderr));
        hashes.push(sha256(&std::fs::read(whole).unwrap()));
        let page = curl(&["--cacert", &ca, flag, "--include", &encrypted.url]);
        let text = String::from_utf8_lossy(&page.stdout).to_lowercase();
        assert!(text.contains("strict-transport-security") && text.contains("x-ray"), "{text}");
    }
    assert_eq!(hashes[0], hashes[1]);
    gateway.visitor().get(&format!("/datasets/{NIH}")).await.says(&hashes[0]);

    // One that can't be used changes nothing; a new one is taken up without a restart.
    let good = std::fs::read(folder.join("cert.pem")).unwrap();
    let kept = folder.join("first.pem").display().to_string();
    std::fs::write(&kept, &good).unwrap();
    std::fs::write(folder.join("cert.pem"), "nonsense").unwrap();
    assert!(curl(&["--cacert", &kept, &format!("{}/healthz", encrypted.url)]).status.success());
    certificate(&folder, "second");
    until("the new certificate", || async {
        curl(&["--cacert", &ca, &format!("{}/healthz", encrypted.url)]).status.success().then_some(())
    })
    .await;
    assert!(!curl(&["--cacert", &kept, &format!("{}/healthz", encrypted.url)]).status.success());
    gateway.verify_log();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_cuts_a_transfer_that_nobody_reads() {
    let gateway = Gateway::start();
    gateway.publish("big", "open", &[("big.bin", &vec![7; 64 * 1024 * 1024])]);
    let folder = gateway.scratch();
    certificate(&folder, "localhost");
    let encrypted = Encrypted::beside(&gateway, &folder).await;
    let url = format!("{}/data/big/big.bin", encrypted.url);
    let mut clients: Vec<Child> = ["--http2", "--http1.1"]
        .iter()
        .map(|flag| {
            Command::new("curl")
                .args(["--insecure", "--silent", flag, "--limit-rate", "100k", "--output", "/dev/null", &url])
                .spawn()
                .unwrap()
        })
        .collect();
    until("both to begin", || async { (gateway.count("download.admitted") == 2).then_some(()) }).await;
    let steward = gateway.person(STEWARD).await;
    let fields = [("do", "suspend"), ("reason", "Recalled.")];
    steward.post("/manage/datasets/big/suspension", &fields).await.is(200);
    for client in &mut clients {
        until("a client to be cut off", || {
            let ended = client.try_wait().unwrap();
            async move { ended }
        })
        .await;
    }
    assert!(clients.iter_mut().all(|client| !client.wait().unwrap().success()), "what is cut does not look whole");
    let reasons = until("both ends", || async {
        let ends = gateway.interrupted().into_iter().filter_map(|download| download.end?.reason);
        let ended: Vec<String> = ends.collect();
        (ended.len() == 2).then_some(ended)
    })
    .await;
    assert_eq!(reasons, ["dataset-suspended", "dataset-suspended"]);
    gateway.verify_log();
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_follow_each_other_on_one_encrypted_connection() {
    let gateway = Gateway::start();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| u8::try_from((n % 251) ^ (n >> 16)).unwrap()).collect();
    gateway.publish("big", "open", &[("big.bin", &bytes), ("small.txt", b"small")]);
    let folder = gateway.scratch();
    certificate(&folder, "localhost");
    let encrypted = Encrypted::beside(&gateway, &folder).await;
    let file = |name: &str| folder.join(name).display().to_string();
    let big = format!("{}/data/big/big.bin", encrypted.url);
    let (small, zip) = (big.replace("big.bin", "small.txt"), big.replace("/big.bin", ".zip"));
    let (whole, part, parts, after, packed) = (file("whole"), file("part"), file("parts"), file("after"), file("zip"));
    let mut arguments = vec!["--insecure", "--http1.1", "--fail", "--write-out", "%{num_connects} "];
    arguments.extend(["--output", &whole, &big, "--next", "--insecure", "--write-out", "%{num_connects} "]);
    arguments.extend(["--range", "1000-2500000", "--output", &part, &big, "--next", "--insecure"]);
    arguments.extend(["--range", "0-99999,2900000-", "--output", &parts, &big, "--next", "--insecure"]);
    arguments.extend(["--output", &after, &small, "--next", "--insecure", "--write-out", "%{num_connects}"]);
    arguments.extend(["--output", &packed, &zip]);
    let output = curl(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1 0 0", "one connection for all of them");
    assert!(std::fs::read(&whole).unwrap() == bytes);
    assert!(std::fs::read(&part).unwrap() == bytes[1000..=2_500_000]);
    assert_eq!(std::fs::read(&after).unwrap(), b"small");
    let parts = std::fs::read(&parts).unwrap();
    let has = |wanted: &[u8]| memmem(&parts, wanted);
    assert!(has(&bytes[..100_000]) && has(&bytes[2_900_000..]) && has(b"bytes 2900000-2999999/3000000"));
    let tested = Command::new("unzip").args(["-tq", &packed]).output().unwrap();
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stdout));
    let sent: Vec<u64> = until("all ends", || async {
        let complete = gateway.downloads().into_iter().filter(Download::is_complete);
        let sent: Vec<u64> = complete.map(|download| download.end.unwrap().bytes).collect();
        (sent.len() == 5).then_some(sent)
    })
    .await;
    assert_eq!(sent[..2], [3_000_000, 2_499_001]);
    assert_eq!(sent[2], parts.len() as u64);
    assert_eq!(sent[4], std::fs::metadata(&packed).unwrap().len());
    gateway.verify_log();
}

/// A frame of HTTP/2 (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Asks for a file over HTTP/2, says that nothing of it may be sent but the first thousand bytes, and answers every ping:
/// until the connection ends.
fn ask_and_take_nothing(mut client: Child, path: &str) {
    const PING: u8 = 6;
    let mut to = client.stdin.take().unwrap();
    let mut from = client.stdout.take().unwrap();
    let window = [[0, 4].as_slice(), &1000_u32.to_be_bytes()].concat();
    // GET, https, and the rest without compression (RFC 7541 section 6.2.2).
    let mut head = vec![0x82, 0x87];
    for (index, text) in [(1, "localhost"), (4, path)] {
        head.extend([index, u8::try_from(text.len()).unwrap()]);
        head.extend(text.as_bytes());
    }
    let hello = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(4, 0, 0, &window), &frame(1, 5, 1, &head)];
    to.write_all(&hello.concat()).unwrap();
    to.flush().unwrap();
    let mut start = [0; 9];
    while from.read_exact(&mut start).is_ok() {
        let length = u32::from_be_bytes([0, start[0], start[1], start[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        if from.read_exact(&mut payload).is_err() {
            break;
        }
        if start[3] == PING && start[4] == 0 && to.write_all(&frame(PING, 1, 0, &payload)).and(to.flush()).is_err() {
            break;
        }
    }
    client.kill().unwrap();
    client.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_pings_and_takes_nothing_is_let_go() {
    let gateway =
        Gateway::start_with(&[("COUNTERSIGN_LIMITS_STALLED_SECONDS", "3"), ("COUNTERSIGN_LIMITS_IDLE_SECONDS", "2")]);
    gateway.publish("big", "open", &[("big.bin", &vec![7; 1024 * 1024])]);
    let folder = gateway.scratch();
    certificate(&folder, "localhost");
    let encrypted = Encrypted::beside(&gateway, &folder).await;
    let address = encrypted.url.trim_start_matches("https://").to_owned();
    let client = Command::new("openssl")
        .args(["s_client", "-quiet", "-alpn", "h2", "-connect", &address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    tokio::task::spawn_blocking(|| ask_and_take_nothing(client, "/data/big/big.bin")).await.unwrap();
    let ended = until("its end", || async {
        gateway.events().into_iter().find(|line| line["event"]["action"] == "download.interrupted")
    })
    .await;
    assert_eq!(ended["event"]["details"]["reason"], "client-stalled");
    // What was handed over, not what the file has.
    assert!(ended["event"]["details"]["bytes"].as_u64().unwrap() < 1024 * 1024);
    gateway.verify_log();
}

fn memmem(all: &[u8], wanted: &[u8]) -> bool {
    all.windows(wanted.len()).any(|window| window == wanted)
}

/// Sends frames as a client that keeps to no limit, and reads until the server ends the connection or goes on sending
/// nothing for a while; gives what came, and whether it was ended.
fn send_frames(url: &str, frames: &[u8]) -> (Vec<u8>, bool) {
    let host = url.trim_start_matches("https://");
    let mut client = Command::new("openssl")
        .args(["s_client", "-quiet", "-alpn", "h2", "-connect", host])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = client.stdin.take().unwrap();
    let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(0x4, 0, 0, &[])].concat();
    // The server may have enough before all of it is written.
    let _ = input.write_all(&preface).and_then(|()| input.write_all(frames)).and_then(|()| input.flush());
    let mut output = client.stdout.take().unwrap();
    let (sender, received) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read) = output.read(&mut buffer) {
            if sender.send(buffer[..read].to_vec()).is_err() || read == 0 {
                return;
            }
        }
    });
    let (mut all, mut ended) = (Vec::new(), false);
    while let Ok(bytes) = received.recv_timeout(std::time::Duration::from_secs(5)) {
        ended = bytes.is_empty();
        if ended {
            break;
        }
        all.extend(bytes);
    }
    drop(input);
    let _ = client.kill();
    let _ = client.wait();
    (all, ended)
}

#[tokio::test]
async fn one_http2_connection_holds_no_more_than_it_may() {
    let gateway = Gateway::start();
    let folder = gateway.scratch();
    certificate(&folder, "first");
    let encrypted = Encrypted::beside(&gateway, &folder).await;
    // A form that is never finished: POST /login, with its type, and no end.
    let form = b"application/x-www-form-urlencoded";
    let login =
        [&[0x83, 0x87, 0x04, 6], b"/login".as_slice(), &[0x01, 9], b"localhost", &[0x0f, 0x10, 33], form].concat();
    let open = |count: u32| -> Vec<u8> { (0..count).flat_map(|n| frame(0x1, 0x4, 2 * n + 1, &login)).collect() };
    let (answer, ended) = send_frames(&encrypted.url, &open(100));
    assert!(!ended, "a hundred may be open");
    assert!(answer.windows(6).any(|setting| setting == [0, 3, 0, 0, 0, 100]), "and the client is told so");
    assert!(send_frames(&encrypted.url, &open(101)).1, "one more may not");
    // Headers without end.
    let mut headers = frame(0x1, 0, 1, &login);
    (0..8).for_each(|_| headers.extend(frame(0x9, 0, 1, &[0; 16_000])));
    assert!(send_frames(&encrypted.url, &headers).1);
    // Two hundred thousand on one connection, and as many as may be on twenty, cost no more than a few megabytes.
    let before = encrypted.memory();
    assert!(send_frames(&encrypted.url, &open(200_000)).1);
    let (url, hundred) = (&encrypted.url, open(100));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..20).map(|_| scope.spawn(|| send_frames(url, &hundred))).collect();
        std::thread::sleep(std::time::Duration::from_secs(3));
        let held = encrypted.memory().saturating_sub(before);
        assert!(held < 64 * 1024 * 1024, "{held} bytes");
        assert!(clients.into_iter().all(|client| !client.join().unwrap().1));
    });
    // Whoever keeps to the limits is served as before.
    let ca = folder.join("cert.pem").display().to_string();
    assert!(curl(&["--cacert", &ca, "--http2", &format!("{}/healthz", encrypted.url)]).status.success());
}
