//! The programs that people download with: broken off in the middle, and resumed.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use countersign::domain::path::FilePath;

use super::delivery::with_token;
use super::support::gateway::APPLICANT;
use super::support::people::{NIH, make_token, submit_with};
use super::support::upstreams::{Program, put};
use super::support::{DEADLINE, Gateway, sha256};

/// A gateway with large files that a token opens.
struct Large {
    gateway: Gateway,
    token: String,
    files: Vec<(String, Vec<u8>)>,
    _server: Option<Program>,
}

/// Where they are.
enum Place {
    Folder,
    Bucket,
    OtherServer,
}

async fn with_large_files(place: Place) -> Large {
    let files: Vec<(String, Vec<u8>)> = (0..3_u32)
        .map(|n| {
            let bytes = (0..2_500_000_u32).flat_map(|m| (m ^ (n << 28)).to_be_bytes()).collect();
            (format!("scans/{n:08}.bin"), bytes)
        })
        .collect();
    let borrowed: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    let (gateway, server) = match place {
        Place::Folder => {
            let gateway = Gateway::start();
            gateway.publish("large", "agreement", &borrowed);
            (gateway, None)
        }
        Place::Bucket => {
            let server = Program::s3().await;
            for (path, bytes) in &borrowed {
                put(&server.url(), "scans", &format!("large/{path}"), bytes).await;
            }
            let gateway = Gateway::start_with(&[
                ("COUNTERSIGN_S3_ENDPOINT", &server.url()),
                ("COUNTERSIGN_S3_ACCESS_KEY", "test"),
                ("COUNTERSIGN_S3_SECRET_KEY", "test-secret"),
            ]);
            let (fine, said) = gateway.publish_signed_at("large", "s3://scans/large", None);
            assert!(fine, "{said}");
            (gateway, Some(server))
        }
        Place::OtherServer => {
            let gateway = Gateway::start();
            let root = gateway.scratch().join("upstream");
            for (path, bytes) in &borrowed {
                std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
                std::fs::write(root.join(path), bytes).unwrap();
            }
            let server = Program::nginx(&root).await;
            let line = |(path, bytes): &(&str, &[u8])| format!("{}  {path}", sha256(bytes));
            let manifest = borrowed.iter().map(line).collect::<Vec<_>>().join("\n");
            let (fine, said) = gateway.publish_signed_at("large", &server.url(), Some(&manifest));
            assert!(fine, "{said}");
            (gateway, Some(server))
        }
    };
    let applicant = gateway.person(APPLICANT).await;
    submit_with(&applicant, "large", "Reading.").await;
    let token = make_token(&applicant, &["large"], "").await;
    Large { gateway, token, files, _server: server }
}

fn run(gateway: &Gateway, program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).current_dir(gateway.scratch()).output().unwrap()
}

/// The same, ended once something has come into a file or a folder.
fn broken_off(gateway: &Gateway, program: &str, arguments: &[&str], into: &str) {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(gateway.scratch())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !has_come(&gateway.scratch().join(into)) && child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < DEADLINE, "nothing comes into {into}");
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn has_come(place: &Path) -> bool {
    if place.is_file() {
        return place.metadata().is_ok_and(|metadata| metadata.len() > 0);
    }
    std::fs::read_dir(place).is_ok_and(|entries| entries.flatten().any(|entry| has_come(&entry.path())))
}

#[track_caller]
fn good(output: &Output) {
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_and_wget_resume_where_they_were_broken_off() {
    curl_and_wget(&with_large_files(Place::Folder).await);
}

fn curl_and_wget(Large { gateway, token, files, .. }: &Large) {
    let header = format!("Authorization: Bearer {token}");
    for (path, bytes) in files {
        let url = format!("{}/data/large/{path}", gateway.url);
        let name = path.rsplit('/').next().unwrap();
        let slow = ["--silent", "--fail", "--limit-rate", "1M", "--header", &header, "--output", name, &url];
        broken_off(gateway, "curl", &slow, name);
        let so_far = std::fs::metadata(gateway.scratch().join(name)).unwrap().len();
        assert!(so_far > 0 && so_far < bytes.len() as u64, "{so_far}");
        good(&run(gateway, "curl", &["--silent", "--fail", "--header", &header, "-C", "-", "--output", name, &url]));
        assert_eq!(sha256(&std::fs::read(gateway.scratch().join(name)).unwrap()), sha256(bytes));

        let kept = format!("wget-{name}");
        let slow = ["--quiet", "--limit-rate=1m", "--header", &header, "-O", &kept, &url];
        broken_off(gateway, "wget", &slow, &kept);
        good(&run(gateway, "wget", &["--quiet", "--header", &header, "-c", "-O", &kept, &url]));
        assert_eq!(sha256(&std::fs::read(gateway.scratch().join(&kept)).unwrap()), sha256(bytes));
    }
    gateway.verify_log();
}

#[tokio::test(flavor = "multi_thread")]
async fn aria2_in_eight_parts_with_hashes_and_rclone() {
    aria2_and_rclone(&with_large_files(Place::Folder).await);
}

fn aria2_and_rclone(Large { gateway, token, files, .. }: &Large) {
    let header = format!("Authorization: Bearer {token}");
    let base = format!("{}/data/large", gateway.url);
    let list = ["--silent", "--fail", "--header", &header, "--remote-name", &format!("{base}/files.meta4")];
    good(&run(gateway, "curl", &list));
    let aria2 = ["--quiet", "--header", &header, "-x8", "-s8", "-k1M", "--continue", "--dir=aria2"];
    let slow = [aria2.as_slice(), &["--max-overall-download-limit=6M", "files.meta4"]].concat();
    broken_off(gateway, "aria2c", &slow, "aria2");
    good(&run(gateway, "aria2c", &[aria2.as_slice(), &["files.meta4"]].concat()));
    for (path, bytes) in files {
        assert_eq!(
            sha256(&std::fs::read(gateway.scratch().join("aria2").join(path)).unwrap()),
            sha256(bytes),
            "{path}"
        );
    }
    // aria2 does check the hashes.
    let metalink = std::fs::read_to_string(gateway.scratch().join("files.meta4")).unwrap();
    let bent = metalink.replace(&sha256(&files[0].1), &sha256(b"other"));
    std::fs::write(gateway.scratch().join("bent.meta4"), bent).unwrap();
    let refused = run(gateway, "aria2c", &["--quiet", "--header", &header, "--dir=bent", "bent.meta4"]);
    assert!(!refused.status.success());

    let credential = format!("Authorization,Bearer {token}");
    let url = format!("{base}/");
    let rclone = ["copy", "--http-url", &url, "--http-headers", &credential, ":http:", "rclone"];
    let slow = [rclone.as_slice(), &["--bwlimit=6M"]].concat();
    broken_off(gateway, "rclone", &slow, "rclone");
    good(&run(gateway, "rclone", &rclone));
    good(&run(gateway, "curl", &["-s", "--header", &header, "-o", "rclone/SHA256SUMS", &format!("{base}/SHA256SUMS")]));
    let mut check = Command::new("sha256sum");
    good(&check.args(["-c", "SHA256SUMS"]).current_dir(gateway.scratch().join("rclone")).output().unwrap());
    gateway.verify_log();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_opens_resumes_and_is_the_same_every_time() {
    the_archive(&with_large_files(Place::Folder).await).await;
}

async fn the_archive(Large { gateway, token, files, .. }: &Large) {
    let header = format!("Authorization: Bearer {token}");
    let url = format!("{}/data/large.zip", gateway.url);
    let get = |name: &str, more: &[&str]| {
        let plain = ["--silent", "--show-error", "--fail", "--header", &header, "--output", name, &url];
        run(gateway, "curl", &[plain.as_slice(), more].concat())
    };
    good(&get("one.zip", &[]));
    good(&get("two.zip", &[]));
    let read = |name: &str| std::fs::read(gateway.scratch().join(name)).unwrap();
    let whole = read("one.zip");
    assert!(whole == read("two.zip"), "two downloads are the same");
    let slow = ["--silent", "--fail", "--limit-rate", "1M", "--header", &header, "--output", "three.zip", &url];
    broken_off(gateway, "curl", &slow, "three.zip");
    let so_far = read("three.zip").len();
    assert!(so_far > 0 && so_far < whole.len());
    good(&get("three.zip", &["-C", "-"]));
    assert!(whole == read("three.zip"), "resumed, it is the same as well");
    good(&run(gateway, "unzip", &["-tqq", "three.zip"]));
    good(&run(gateway, "unzip", &["-qq", "three.zip", "-d", "out"]));
    for (path, bytes) in files {
        assert_eq!(sha256(&std::fs::read(gateway.scratch().join("out").join(path)).unwrap()), sha256(bytes));
    }
    // Any part of it: across headers, contents and the directory.
    let client = reqwest::Client::new();
    let size = whole.len();
    let first = whole.len() / 3;
    for (from, to) in
        [(0, 0), (10, 60), (first - 100, first + 2_000_000), (size - 300, size - 1), (size - 22, size - 1)]
    {
        let request = client.get(&url).bearer_auth(token).header("range", format!("bytes={from}-{to}"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 206);
        assert!(response.bytes().await.unwrap() == whole[from..=to], "{from}-{to}");
    }
    let head = client.head(&url).bearer_auth(token).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], size.to_string());
    let etag = head.headers()["etag"].clone();
    let same = client.get(&url).bearer_auth(token).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(same.status().as_u16(), 304);
    assert_eq!(reqwest::get(&url).await.unwrap().status().as_u16(), 401, "it is behind the same gate");
    let narrow = make_token(&gateway.person(APPLICANT).await, &["large"], "scans/*").await;
    assert_eq!(with_token(gateway, &narrow, "/data/large.zip").await.0, 403, "not all of it is the token's");
    let events = gateway.events();
    let admitted = events.iter().find(|line| line["event"]["details"]["archive"] == "zip").unwrap();
    assert_eq!(admitted["event"]["action"], "download.admitted");
    gateway.verify_log();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_client_from_a_bucket() {
    every_client(&with_large_files(Place::Bucket).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_client_from_another_server() {
    every_client(&with_large_files(Place::OtherServer).await).await;
}

async fn every_client(large: &Large) {
    curl_and_wget(large);
    aria2_and_rclone(large);
    the_archive(large).await;
}

#[tokio::test]
async fn an_archive_of_small_files_in_folders_opens() {
    let gateway = Gateway::start();
    let (_, token) = gateway.token().await;
    let (status, bytes) = with_token(&gateway, &token, &format!("/data/{NIH}.zip")).await;
    assert_eq!(status, 200);
    std::fs::write(gateway.scratch().join("nih.zip"), bytes).unwrap();
    good(&run(&gateway, "unzip", &["-tqq", "nih.zip"]));
    let mut python = Command::new("python3");
    let script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(len(z.namelist()), z.testzip())";
    let output = python.args(["-c", script, "nih.zip"]).current_dir(gateway.scratch()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.trim().ends_with("None") && said.starts_with("27 "), "{said}");
}

/// Names that programs have stumbled over, of which no two may become one.
const NAMES: [&str; 16] = [
    "a&b.txt",
    "a&#38;b.txt",
    "胸.csv",
    "腹.csv",
    "x:y.txt",
    "sp ace.txt",
    "100%.txt",
    "100%25.txt",
    "plus+.txt",
    "#1.txt",
    "q?.txt",
    "semi;colon.txt",
    "<tag>.txt",
    "quote\"s.txt",
    "it's.txt",
    "[b].txt",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_name_arrives_by_every_client() {
    let gateway = Gateway::start();
    let inside: Vec<(String, Vec<u8>)> =
        NAMES.iter().map(|name| ((*name).to_owned(), format!("this is {name}\n").into_bytes())).collect();
    let files: Vec<(&str, &[u8])> = inside.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    gateway.publish("names", "open", &files);
    let base = format!("{}/data/names", gateway.url);
    let there = |folder: &str, but: &str| {
        for (name, bytes) in inside.iter().filter(|(name, _)| but.is_empty() || !name.contains(but)) {
            let found = std::fs::read(gateway.scratch().join(folder).join(name));
            assert_eq!(found.ok().as_ref(), Some(bytes), "{name} by {folder}");
        }
    };
    good(&run(&gateway, "curl", &["--silent", "--fail", "--remote-name", &format!("{base}/files.aria2")]));
    good(&run(&gateway, "aria2c", &["--quiet", "--dir=aria2", "--input-file=files.aria2"]));
    there("aria2", "");
    good(&run(&gateway, "rclone", &["copy", "--http-url", &format!("{base}/"), ":http:", "rclone"]));
    there("rclone", "");
    let wget = ["--quiet", "--recursive", "--no-parent", "--no-host-directories", "--cut-dirs=2", "-P", "wget"];
    let root = format!("{base}/");
    let wget = [wget.as_slice(), &["--restrict-file-names=nocontrol", &root]].concat();
    good(&run(&gateway, "wget", &wget));
    // wget decodes twice: one of the two with a percent sign takes the other's place.
    there("wget", "%");
    good(&run(
        &gateway,
        "curl",
        &["--silent", "--fail", "--output", "names.zip", &format!("{}/data/names.zip", gateway.url)],
    ));
    let script = "import zipfile; zipfile.ZipFile('names.zip').extractall('zip')";
    good(&run(&gateway, "python3", &["-c", script]));
    there("zip", "");
    // A program that takes the plain name of the header keeps all of them apart.
    std::fs::create_dir(gateway.scratch().join("curl")).unwrap();
    for (path, _) in &inside {
        let url = format!("{base}/{}", path.parse::<FilePath>().unwrap().to_url());
        let arguments = ["--silent", "--fail", "--remote-name", "--remote-header-name", "--output-dir", "curl", &url];
        good(&run(&gateway, "curl", &arguments));
    }
    let saved: std::collections::BTreeSet<Vec<u8>> = std::fs::read_dir(gateway.scratch().join("curl"))
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    assert_eq!(saved.len(), NAMES.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_the_older_protocol_get_no_chunks() {
    let gateway = Gateway::start();
    gateway.publish("plain", "open", &[("a.txt", b"hello"), ("b/c.txt", b"there")]);
    for path in ["/", "/data/plain/", "/data/plain/SHA256SUMS", "/data/plain/a.txt", "/data/plain.zip", "/nothing"] {
        let url = format!("{}{path}", gateway.url);
        let output = run(&gateway, "curl", &["--silent", "--include", "--http1.0", "--compressed", &url]);
        good(&output);
        let text = String::from_utf8_lossy(&output.stdout).to_ascii_lowercase();
        assert!(!text.contains("transfer-encoding"), "{path}: {text}");
        let (_, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(!body.is_empty(), "{text}");
    }
}
