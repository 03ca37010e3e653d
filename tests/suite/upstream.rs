//! Datasets whose files are on another server: the same answers as from a folder, and never a wrong file, whatever the
//! other server does.

use std::fmt::Write as _;
use std::io::Read;

use super::support::upstreams::{Mood, Moody, Program, put};
use super::support::{Gateway, sha256, until};

const FILES: [(&str, &[u8]); 4] =
    [("a.txt", b"alpha"), ("folder/b c.txt", b"beta beta"), ("folder/empty", b""), ("\u{80f8}.csv", b"x,y\n1,2\n")];

fn big() -> Vec<u8> {
    (0..3_000_000_u32).flat_map(u32::to_be_bytes).collect()
}

/// What a client gets; an error when the connection broke before the end.
fn fetch(gateway: &Gateway, path: &str, range: Option<&str>) -> (u16, Result<Vec<u8>, String>) {
    let url = format!("{}{path}", gateway.url);
    let range: Vec<&str> = range.into_iter().flat_map(|range| ["--range", range]).collect();
    let body = gateway.scratch().join(format!("body-{}", uuid::Uuid::now_v7().simple()));
    let output = std::process::Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "60", "--write-out", "%{http_code}", "--output"])
        .arg(&body)
        .args(range)
        .arg(&url)
        .output()
        .unwrap();
    let status = String::from_utf8(output.stdout).unwrap().parse().unwrap();
    if !output.status.success() {
        return (status, Err(String::from_utf8(output.stderr).unwrap()));
    }
    let mut bytes = Vec::new();
    if let Ok(mut file) = std::fs::File::open(&body) {
        file.read_to_end(&mut bytes).unwrap();
    }
    (status, Ok(bytes))
}

/// Everything that can be asked of a dataset with [`FILES`] and `big.bin`.
fn delivers(gateway: &Gateway, slug: &str) {
    let big = big();
    for (path, bytes) in FILES.iter().chain([&("big.bin", big.as_slice())]) {
        let address = format!("/data/{slug}/{}", path.replace(' ', "%20").replace('\u{80f8}', "%E8%83%B8"));
        assert_eq!(fetch(gateway, &address, None), (200, Ok(bytes.to_vec())), "{slug}/{path}");
    }
    let big_address = format!("/data/{slug}/big.bin");
    for (range, part) in [
        ("0-0", &big[..1]),
        ("1000000-1999999", &big[1_000_000..2_000_000]),
        ("-5", &big[big.len() - 5..]),
        ("11999999-", &big[11_999_999..]),
    ] {
        assert_eq!(fetch(gateway, &big_address, Some(range)), (206, Ok(part.to_vec())), "{slug} {range}");
    }
    assert_eq!(fetch(gateway, &big_address, Some("99999999-")).0, 416);
    let (_, sums) = fetch(gateway, &format!("/data/{slug}/SHA256SUMS"), None);
    assert!(String::from_utf8(sums.unwrap()).unwrap().contains(&format!("{}  big.bin", sha256(&big))));
    let (_, tables) = fetch(gateway, &format!("/api/v1/datasets/{slug}/releases/1/tables"), None);
    let tables: serde_json::Value = serde_json::from_slice(&tables.unwrap()).unwrap();
    assert_eq!(tables["items"][0]["path"], "\u{80f8}.csv", "looked into on its way: {tables:#}");
    assert_eq!(tables["items"][0]["first_rows"], serde_json::json!([["1", "2"]]));
    let archive = gateway.scratch().join(format!("{slug}.zip"));
    let (status, bytes) = fetch(gateway, &format!("/data/{slug}.zip"), None);
    assert_eq!(status, 200);
    std::fs::write(&archive, bytes.unwrap()).unwrap();
    let tested = std::process::Command::new("unzip").arg("-tqq").arg(&archive).output().unwrap();
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stdout));
}

fn lay_out(root: &std::path::Path) -> String {
    let mut sums = String::new();
    for (path, bytes) in FILES.iter().chain([&("big.bin", big().as_slice())]) {
        let file = root.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
        writeln!(sums, "{}  {path}", sha256(bytes)).unwrap();
    }
    sums
}

#[tokio::test]
async fn from_nginx_with_a_manifest() {
    let gateway = Gateway::start();
    let root = gateway.scratch().join("upstream");
    let sums = lay_out(&root);
    let mut nginx = Program::nginx(&root).await;
    let wrong = gateway.publish_at("remote", &nginx.url(), Some(&sums.replacen(char::is_numeric, "f", 3)));
    assert!(!wrong.0 && wrong.1.contains("the manifest says"), "{}", wrong.1);
    let none = gateway.publish_at("remote", &nginx.url(), None);
    assert!(!none.0, "{}", none.1);
    let (fine, said) = gateway.publish_at("remote", &nginx.url(), Some(&sums));
    assert!(fine && said.contains("5 files"), "{said}");
    delivers(&gateway, "remote");
    let again = gateway.publish_at("remote", &nginx.url(), Some(&sums));
    assert!(again.1.contains("0 changed"), "{}", again.1);
    // Another content under the same name differs from what was imported.
    let a = std::fs::File::options().write(true).open(root.join("a.txt")).unwrap();
    let before = a.metadata().unwrap().modified().unwrap();
    std::io::Write::write_all(&mut &a, b"ALPHA").unwrap();
    // First as if nothing had happened: size, time, and with them nginx's tag, are the same.
    a.set_modified(before).unwrap();
    assert_eq!(fetch(&gateway, "/data/remote/a.txt", None).0, 502, "the hash is another");
    a.set_modified(before + std::time::Duration::from_secs(5)).unwrap();
    assert_eq!(fetch(&gateway, "/data/remote/a.txt", None).0, 502);
    assert_eq!(fetch(&gateway, "/data/remote/a.txt", Some("1-2")).0, 502);
    std::fs::remove_file(root.join("a.txt")).unwrap();
    assert_eq!(fetch(&gateway, "/data/remote/a.txt", None).0, 502);
    nginx.kill();
    let (status, body) = fetch(&gateway, "/data/remote/big.bin", None);
    assert!(status == 502 && String::from_utf8(body.unwrap()).unwrap().contains("/problems/upstream"));
    assert!(gateway.count("file.changed") >= 3);
    gateway.verify_log();
}

#[tokio::test]
async fn from_a_bucket() {
    let server = Program::s3().await;
    for (path, bytes) in FILES.iter().chain([&("big.bin", big().as_slice())]) {
        put(&server.url(), "scans", &format!("2026/{path}"), bytes).await;
    }
    put(&server.url(), "scans", "elsewhere.txt", b"not part of it").await;
    let gateway = Gateway::start_with(&[
        ("COUNTERSIGN_S3_ENDPOINT", &server.url()),
        ("COUNTERSIGN_S3_ACCESS_KEY", "test"),
        ("COUNTERSIGN_S3_SECRET_KEY", "test-secret"),
    ]);
    let (fine, said) = gateway.publish_at("bucket", "s3://scans/2026", None);
    assert!(fine && said.contains("5 files"), "{said}");
    delivers(&gateway, "bucket");
    put(&server.url(), "scans", "2026/a.txt", b"ALPHA").await;
    let (status, body) = fetch(&gateway, "/data/bucket/a.txt", None);
    assert!(status == 502 && !String::from_utf8(body.unwrap()).unwrap().contains("ALPHA"));
    let (fine, said) = gateway.publish_at("bucket", "s3://scans/2026", None);
    assert!(fine && said.contains("1 changed"), "{said}");
    assert_eq!(fetch(&gateway, "/data/bucket/a.txt", None), (200, Ok(b"ALPHA".to_vec())));
    let missing = gateway.publish_at("nowhere", "s3://no-such-bucket/x", None);
    assert!(!missing.0, "{}", missing.1);
    assert!(!missing.1.contains("test-secret"), "{}", missing.1);
    gateway.verify_log();
}

#[tokio::test]
async fn whatever_the_other_server_does_no_wrong_file_looks_whole() {
    let gateway = Gateway::start();
    let big = big();
    let server = Moody::start(&[("big.bin", &big), ("small.txt", b"small")]);
    let (fine, said) = gateway.publish_at("moody", &server.url(), Some("big.bin\nsmall.txt\n"));
    assert!(fine, "{said}");
    let whole = || fetch(&gateway, "/data/moody/big.bin", None);
    assert_eq!(whole(), (200, Ok(big.clone())));

    server.becomes(Mood::Unavailable(2));
    assert_eq!(whole(), (200, Ok(big.clone())), "it is asked again before the first byte");
    server.becomes(Mood::Unavailable(100));
    assert_eq!(whole().0, 502);
    assert_eq!(server.asked(), 3, "but not for ever");

    server.becomes(Mood::Truncate(1_000_000));
    let (status, body) = whole();
    assert!(status == 200 && body.is_err(), "a file that is cut short must not look whole");
    assert_eq!(server.asked(), 1, "after the first byte nothing is asked again");
    server.becomes(Mood::Swap);
    let (status, body) = whole();
    assert!(status == 200 && body.is_err(), "bytes with another hash must not look whole");
    assert_ne!(fetch(&gateway, "/data/moody/small.txt", None), (200, Ok(b"rl`mm".to_vec())));
    server.becomes(Mood::Lie);
    assert_eq!(whole().0, 502, "another length is noticed before the first byte");
    server.becomes(Mood::NoRanges);
    assert_eq!(fetch(&gateway, "/data/moody/big.bin", Some("5-9")).0, 502);
    assert_eq!(whole(), (200, Ok(big.clone())));
    server.becomes(Mood::Redirect);
    assert_eq!(whole().0, 502, "nobody is followed elsewhere");
    server.becomes(Mood::Stall(1_000_000));
    let (status, body) = whole();
    assert!(status == 200 && body.is_err(), "one that has stopped is not waited for without end");

    server.becomes(Mood::Good);
    server.change("big.bin", &big[..big.len() - 1]);
    assert_eq!(whole().0, 502);
    server.change("big.bin", &big);
    assert_eq!(whole(), (200, Ok(big.clone())));
    // Every one that was cut is in the log, with why.
    let reasons = until("the ends to be recorded", || async {
        let reasons: Vec<String> = gateway
            .events()
            .iter()
            .filter(|line| line["event"]["action"] == "download.interrupted")
            .map(|line| line["event"]["details"]["reason"].as_str().unwrap().to_owned())
            .collect();
        (reasons.len() >= 9).then_some(reasons)
    })
    .await;
    assert!(reasons.iter().all(|reason| reason == "upstream" || reason == "file-changed"), "{reasons:?}");
    gateway.verify_log();
}
