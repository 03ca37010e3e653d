//! Downloads with real clients and raw requests: ranges, conditions, listings, and paths that try to get out.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use super::support::downloads::Download;
use super::support::gateway::STEWARD;
use super::support::people::{NIH, TABLE, make_token};
use super::support::{Gateway, sha256, until};

/// Gets something with a token; status and bytes.
pub async fn with_token(gateway: &Gateway, token: &str, path: &str) -> (u16, Vec<u8>) {
    let request = reqwest::Client::new().get(format!("{}{path}", gateway.url)).bearer_auth(token);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
}

/// One request by hand, exactly as given; the whole answer.
fn raw(gateway: &Gateway, request: &str) -> String {
    let address = gateway.url.trim_start_matches("http://").replace("localhost", "127.0.0.1");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.replace('\n', "\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn curl(arguments: &[&str]) -> (bool, Vec<u8>) {
    let output = Command::new("curl").args(["--silent", "--show-error"]).args(arguments).output().unwrap();
    (output.status.success(), output.stdout)
}

#[tokio::test]
async fn curl_downloads_whole_and_in_two_halves() {
    let gateway = Gateway::start();
    let (applicant, token) = gateway.token().await;
    let url = format!("{}/data/{NIH}/{TABLE}", gateway.url);
    let bearer = format!("Authorization: Bearer {token}");
    let (fine, whole) = curl(&["--fail", "--header", &bearer, &url]);
    assert!(fine);
    assert_eq!(String::from_utf8(whole.clone()).unwrap().lines().count(), 112_121);
    let half = whole.len() / 2;
    let (_, first) = curl(&["--fail", "--header", &bearer, "--range", &format!("0-{}", half - 1), &url]);
    let basic = format!("token:{token}");
    let (_, second) = curl(&["--fail", "--user", &basic, "--range", &format!("{half}-"), &url]);
    assert_eq!([first, second].concat(), whole);
    applicant.get(&format!("/datasets/{NIH}")).await.says(&sha256(&whole));
    // What was said in the log is what was sent.
    let finished = gateway.all_downloads_ended().await;
    assert!(finished.iter().all(Download::is_complete), "{finished:?}");
    let sent: Vec<u64> = finished.iter().map(|download| download.end.as_ref().unwrap().bytes).collect();
    assert_eq!(sent.iter().sum::<u64>(), 2 * whole.len() as u64, "{sent:?}");
    let size = whole.len();
    assert_eq!(finished[1].detail("ranges"), format!("0-{}/{size}", half - 1), "which part of how much");
    gateway.verify_log();
}

#[tokio::test]
async fn wget_aria2_and_rclone_fetch_the_folder() {
    let gateway = Gateway::start();
    let (_, token) = gateway.token().await;
    let (base, scratch) = (format!("{}/data/{NIH}", gateway.url), gateway.scratch());
    let header = format!("Authorization: Bearer {token}");
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(&scratch).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let folder = format!("{base}/images_001/");
    let wget =
        ["--quiet", "--recursive", "--no-parent", "--no-host-directories", "--cut-dirs=2", "--reject=index.html*"];
    run("wget", &[wget.as_slice(), &["--directory-prefix=wget", "--header", &header, &folder]].concat());
    run("curl", &["--silent", "--fail", "--header", &header, "--output", "list", &format!("{base}/files.txt")]);
    run("aria2c", &["--quiet", "--header", &header, "--dir=aria2", "--input-file=list"]);
    run(
        "rclone",
        &[
            "copy",
            "--http-url",
            &folder,
            "--http-headers",
            &format!("Authorization,Bearer {token}"),
            ":http:",
            "rclone",
        ],
    );
    run("curl", &["--silent", "--fail", "--header", &header, "--output", "SHA256SUMS", &format!("{base}/SHA256SUMS")]);
    let sums = std::fs::read_to_string(scratch.join("SHA256SUMS")).unwrap();
    let images: Vec<(&str, &str)> = sums
        .lines()
        .filter_map(|line| line.split_once("  "))
        .filter_map(|(sum, path)| Some((sum, path.strip_prefix("images_001/")?)))
        .collect();
    assert_eq!(images.len(), 24);
    for (sum, name) in images {
        for place in ["wget/images_001", "aria2", "rclone"] {
            let bytes =
                std::fs::read(scratch.join(place).join(name)).unwrap_or_else(|error| panic!("{place}/{name}: {error}"));
            assert_eq!(sha256(&bytes), sum, "{place}/{name}");
        }
    }
}

#[tokio::test]
async fn ranges_and_conditions() {
    let gateway = Gateway::start();
    gateway.publish(
        "letters",
        "open",
        &[("abc.txt", b"abcdefghijklmnopqrstuvwxyz"), ("empty", b""), ("胸 部.csv", b"x")],
    );
    let client = reqwest::Client::new();
    let url = format!("{}/data/letters/abc.txt", gateway.url);
    let get = |headers: &[(&'static str, String)]| {
        let mut request = client.get(&url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        async { request.send().await.unwrap() }
    };
    let range = |text: &str| [("range", text.to_owned())];
    let whole = get(&[]).await;
    let header = |response: &reqwest::Response, name: &str| {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    let (etag, modified) = (header(&whole, "etag"), header(&whole, "last-modified"));
    assert!(etag.starts_with('"') && etag.len() == 66, "{etag}");
    assert_eq!(header(&whole, "accept-ranges"), "bytes");
    assert_eq!(header(&whole, "content-length"), "26");
    assert!(header(&whole, "repr-digest").starts_with("sha-256=:"));
    assert!(header(&whole, "content-disposition").contains("filename=\"abc.txt\""));
    for (asked, status, said, body) in [
        ("bytes=0-0", 206, "bytes 0-0/26", "a"),
        ("bytes=24-", 206, "bytes 24-25/26", "yz"),
        ("bytes=-3", 206, "bytes 23-25/26", "xyz"),
        ("bytes=20-99", 206, "bytes 20-25/26", "uvwxyz"),
        ("bytes=-99", 206, "bytes 0-25/26", "abcdefghijklmnopqrstuvwxyz"),
        ("bytes=26-", 416, "bytes */26", ""),
        ("bytes=-0", 416, "bytes */26", ""),
        ("bytes=5-1", 200, "", "abcdefghijklmnopqrstuvwxyz"),
        ("lines=1-2", 200, "", "abcdefghijklmnopqrstuvwxyz"),
        ("bytes=x", 200, "", "abcdefghijklmnopqrstuvwxyz"),
    ] {
        let response = get(&range(asked)).await;
        assert_eq!(
            (response.status().as_u16(), header(&response, "content-range").as_str()),
            (status, said),
            "{asked}"
        );
        if status != 416 {
            assert_eq!(response.text().await.unwrap(), body, "{asked}");
        }
    }
    let several = get(&range("bytes=0-1,24-25")).await;
    assert_eq!(several.status().as_u16(), 206);
    let kind = header(&several, "content-type");
    let length: usize = header(&several, "content-length").parse().unwrap();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap().to_owned();
    let text = several.text().await.unwrap();
    assert_eq!(text.len(), length);
    assert_eq!(text.matches(&format!("--{boundary}")).count(), 3);
    assert!(
        text.contains("content-range: bytes 24-25/26\r\n\r\nyz")
            || text.contains("Content-Range: bytes 24-25/26\r\n\r\nyz"),
        "{text}"
    );
    for (headers, status) in [
        (vec![("if-none-match", etag.clone())], 304),
        (vec![("if-none-match", "\"other\"".into())], 200),
        (vec![("if-modified-since", modified.clone())], 304),
        (vec![("if-match", "\"other\"".into())], 412),
        (vec![("range", "bytes=0-0".into()), ("if-range", etag.clone())], 206),
        (vec![("range", "bytes=0-0".into()), ("if-range", "\"other\"".into())], 200),
        (vec![("range", "bytes=0-0".into()), ("if-range", modified.clone())], 206),
    ] {
        let response = get(&headers).await;
        assert_eq!(response.status().as_u16(), status, "{headers:?}");
    }
    let head = client.head(&url).send().await.unwrap();
    assert_eq!((head.status().as_u16(), header(&head, "content-length").as_str()), (200, "26"));
    let named = client.get(format!("{}/data/letters/%E8%83%B8%20%E9%83%A8.csv", gateway.url)).send().await.unwrap();
    assert!(header(&named, "content-disposition").contains("filename*=UTF-8''%E8%83%B8%20%E9%83%A8.csv"));
    let empty = client.get(format!("{}/data/letters/empty", gateway.url)).send().await.unwrap();
    assert_eq!((empty.status().as_u16(), header(&empty, "content-length").as_str()), (200, "0"));
    assert_eq!(gateway.count("download.interrupted"), 0, "an empty file is whole as well");
    let posted = client.post(&url).send().await.unwrap();
    assert_eq!(posted.status().as_u16(), 405);
}

#[tokio::test]
async fn without_the_right_token_there_is_a_clear_answer() {
    let gateway = Gateway::start();
    gateway.publish("other", "agreement", &[("a.txt", b"a")]);
    let (applicant, token) = gateway.token().await;
    let url = format!("/data/{NIH}/README.txt");
    let client = reqwest::Client::new();
    let bare = client.get(format!("{}{url}", gateway.url)).send().await.unwrap();
    assert_eq!(bare.status().as_u16(), 401);
    let challenges: Vec<_> = bare.headers().get_all("www-authenticate").iter().map(|v| v.to_str().unwrap()).collect();
    assert!(challenges.iter().any(|c| c.starts_with("Bearer ")) && challenges.iter().any(|c| c.starts_with("Basic ")));
    let problem: serde_json::Value = bare.json().await.unwrap();
    assert_eq!((problem["status"].as_u64(), problem["type"].as_str()), (Some(401), Some("/problems/unauthenticated")));
    super::support::people::submit_with(&applicant, "other", "Reading.").await;
    let elsewhere = make_token(&applicant, &["other"], "").await;
    let (status, body) = with_token(&gateway, &elsewhere, &url).await;
    let text = String::from_utf8(body).unwrap();
    assert_eq!(status, 403);
    assert!(text.contains("token-other-dataset") && text.contains("Make one that covers this dataset"), "{text}");
    let narrow = make_token(&applicant, &[NIH], "images_001/*").await;
    assert_eq!(with_token(&gateway, &narrow, &url).await.0, 403);
    assert_eq!(with_token(&gateway, &narrow, &format!("/data/{NIH}/images_001/00000001_000.png")).await.0, 200);
    assert_eq!(with_token(&gateway, "nonsense", &url).await.0, 401);
    let in_url = client.get(format!("{}{url}?access_token={token}", gateway.url)).send().await.unwrap();
    assert_eq!(in_url.status().as_u16(), 400);
    assert!(in_url.text().await.unwrap().contains("not accepted in addresses"));
    // A browser is shown where to sign in. Never is a page for signing in what is saved as the data.
    let browser = gateway.visitor().get(&url).await;
    browser.is(401).says("/login?next=");
    assert!(browser.url.ends_with(&url), "{}", browser.url);
    assert!(gateway.count("download.denied") >= 3);
}

#[tokio::test]
async fn no_path_leaves_the_root() {
    let gateway = Gateway::start();
    let file = gateway.publish("inside", "open", &[("a/b.txt", b"b"), ("c.txt", b"c")]);
    let root = file.parent().unwrap().join("files");
    let outside = gateway.scratch().join("secret.txt");
    std::fs::write(&outside, "secret").unwrap();
    for path in [
        "/data/inside/../../secret.txt",
        "/data/inside/%2e%2e/%2e%2e/secret.txt",
        "/data/inside/..%2f..%2fsecret.txt",
        "/data/inside/a/../../../secret.txt",
        "/data/inside//etc/passwd",
        "/data/inside/%2fetc%2fpasswd",
        "/data/inside/c.txt%00",
        "/data/inside/c.txt%00.png",
        "/data/inside/%252e%252e/secret.txt",
        "/data/inside/a\\..\\c.txt",
        "/data/inside/%5c..%5cc.txt",
        "/data/inside/./c.txt",
        "/data/inside/a//b.txt",
        "/data/../countersign.toml",
        "/data/inside/%ff%fe",
        "/data/%2e%2e/accounts.json",
        "/data/inside/c.txt/",
    ] {
        let answer = raw(&gateway, &format!("GET {path} HTTP/1.1\nHost: localhost\nConnection: close\n\n"));
        let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
        assert!(matches!(status.as_str(), "404" | "400" | "308"), "{path} → {answer}");
        assert!(!answer.contains("secret\"") && !answer.contains("root:"), "{path} → {answer}");
    }
    // What was a file at import and is a link now does not lead out, whatever it points to.
    std::fs::write(&outside, "c").unwrap();
    std::fs::remove_file(root.join("c.txt")).unwrap();
    std::os::unix::fs::symlink(&outside, root.join("c.txt")).unwrap();
    let (status, _) = gateway.visitor().bytes("/data/inside/c.txt").await;
    assert_eq!(status.as_u16(), 409);
    std::fs::remove_dir_all(root.join("a")).unwrap();
    std::os::unix::fs::symlink("/etc", root.join("a")).unwrap();
    let (status, _) = gateway.visitor().bytes("/data/inside/a/b.txt").await;
    assert_eq!(status.as_u16(), 409);
    until("both to be recorded", || async { (gateway.count("file.changed") == 2).then_some(()) }).await;
}

#[tokio::test]
async fn a_changed_file_waits_for_the_next_import() {
    let gateway = Gateway::start();
    let file = gateway.publish("moving", "open", &[("a.txt", b"one")]);
    let a = file.parent().unwrap().join("files/a.txt");
    std::fs::write(&a, "other").unwrap();
    let visitor = gateway.visitor();
    visitor.get("/data/moving/a.txt").await.is(409).says("differs from what was imported");
    // Those who run the dataset read it on its page, until it is imported again.
    let steward = gateway.person(STEWARD).await;
    let desk = async || steward.get("/manage/datasets/moving").await;
    until("the change to be recorded", || async { desk().await.body.contains("A file is not").then_some(()) }).await;
    desk().await.says("a.txt</bdi>: has another size");
    visitor.get("/data/moving/a.txt").await.is(409);
    gateway.cli_text(&["dataset", "import", file.to_str().unwrap()]);
    desk().await.is(200).says_not("not what was imported");
    assert_eq!(visitor.bytes("/data/moving/a.txt").await.1, b"other");
    let again = gateway.cli_text(&["dataset", "import", file.to_str().unwrap()]);
    assert!(again.contains("up to date") && again.contains("0 changed"), "{again}");
}

#[tokio::test]
async fn a_suspended_dataset_delivers_nothing() {
    let gateway = Gateway::start();
    let steward = gateway.person(STEWARD).await;
    let path = "/manage/datasets/tsung-yeh-guided-tours/suspension";
    steward.post(path, &[("do", "suspend"), ("reason", " ")]).await.is(422).says("Give a reason");
    steward.post(path, &[("do", "suspend"), ("reason", "Under revision.")]).await.is(200).says("Suspended");
    let (status, _) = gateway.visitor().bytes("/data/tsung-yeh-guided-tours/README.txt").await;
    assert_eq!(status.as_u16(), 403);
    steward.post(path, &[("do", "restore")]).await.is(200).says("delivered again");
    let (status, _) = gateway.visitor().bytes("/data/tsung-yeh-guided-tours/README.txt").await;
    assert_eq!(status.as_u16(), 200);
}
