//! Releases: immutable lists that stay readable, imports beside the gate, and what an import that was cut short leaves.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use countersign::domain::dataset::{AccessMode, CommitteeChoice, Dataset, DatasetDescription, NewDataset};
use countersign::domain::event::Actor;
use countersign::domain::{Refusal, Timestamp};
use countersign::ledger::Error;
use countersign::ledger::commands::datasets::publish as publish_dataset;
use countersign::ledger::commands::releases::{Basis, Target, begin, clear_some, end, note, refresh, switch};
use countersign::store::datasets;

use super::audit::count;
use super::model::{described, in_ledger, publish};
use super::support::{Gateway, sha256};

/// Files by their paths.
type Files = BTreeMap<String, Vec<u8>>;

fn sums(files: &Files) -> String {
    let lines: Vec<String> = files.iter().map(|(path, bytes)| format!("{}  {path}\n", sha256(bytes))).collect();
    lines.concat()
}

/// Lays files out where the dataset's are, and nothing else.
fn lay_out(description: &std::path::Path, files: &Files) {
    let root = description.parent().unwrap().join("files");
    std::fs::remove_dir_all(&root).unwrap();
    for (path, bytes) in files {
        let file = root.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
}

fn rows(gateway: &Gateway) -> i64 {
    let sql = "SELECT COUNT(*) AS count FROM files JOIN datasets ON datasets.id = dataset_id WHERE slug = 'scans'";
    count(&mut gateway.database(), sql)
}

pub fn import(gateway: &Gateway, description: &std::path::Path, more: &[&str]) -> String {
    gateway.cli_text(&[&["dataset", "import", description.to_str().unwrap()], more].concat())
}

#[tokio::test]
async fn a_release_never_changes() {
    let gateway = Gateway::start();
    let mut files: Files = (0..40).map(|n| (format!("a/{n:02}.txt"), format!("file {n}").into_bytes())).collect();
    let laid: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    let description = gateway.publish("scans", "open", &laid);
    let first = sums(&files);
    assert_eq!(rows(&gateway), 40);
    // The same files again, laid out anew: no release.
    lay_out(&description, &files);
    let again = import(&gateway, &description, &["--note", "Nothing new"]);
    assert!(again.contains("release 1") && again.contains("0 added, 0 changed, 0 removed"), "{again}");
    // Of the same length and, below, the same time: nothing but the hash tells them apart.
    let replaced = description.parent().unwrap().join("files/a/00.txt");
    let modified = std::fs::metadata(&replaced).unwrap().modified().unwrap();
    files.insert("a/00.txt".into(), b"FILE 0".to_vec());
    files.insert("b/new.txt".into(), b"new".to_vec());
    files.remove("a/39.txt");
    lay_out(&description, &files);
    std::fs::File::options().write(true).open(&replaced).unwrap().set_modified(modified).unwrap();
    // One that is still there, and that the publisher leaves out from now on.
    let root = description.parent().unwrap().join("files");
    std::fs::write(root.join("a/39.txt"), "file 39").unwrap();
    let text = std::fs::read_to_string(&description).unwrap() + "exclude = [\"a/39.txt\"]\n";
    std::fs::write(&description, text).unwrap();
    let second = import(&gateway, &description, &["--note", "Corrected labels <b>"]);
    assert!(second.contains("release 2") && second.contains("1 added, 1 changed, 1 removed"), "{second}");
    assert_eq!(rows(&gateway), 42, "what did not change is there once");

    let visitor = gateway.visitor();
    let status = |path: &'static str| {
        let visitor = visitor.clone();
        async move { visitor.bytes(path).await.0.as_u16() }
    };
    let text = |path: &'static str| {
        let visitor = visitor.clone();
        async move { String::from_utf8(visitor.bytes(path).await.1).unwrap() }
    };
    assert_eq!(text("/data/scans@1/SHA256SUMS").await, first);
    assert_eq!(text("/data/scans@2/SHA256SUMS").await, sums(&files));
    assert_eq!(text("/data/scans/SHA256SUMS").await, sums(&files));
    let page = visitor.get("/datasets/scans/releases/1").await;
    page.is(200).says(&sha256(first.as_bytes())).says("A newer release has replaced this one");
    visitor
        .get("/datasets/scans/releases/2")
        .await
        .says("Corrected labels &#60;b&#62;")
        .says("1 file added")
        .says("b/new.txt")
        .says("a/39.txt");
    visitor.get("/datasets/scans/releases").await.says("Release 2").says("Release 1").says("40 files added");
    visitor.get("/datasets/scans/releases/3").await.is(404);
    // How it is cited.
    let address = format!("{}/datasets/scans/releases/2", gateway.url);
    visitor.get("/datasets/scans/releases/2").await.says("Cite this release").says(&format!(", release 2. {address}"));
    for (ending, wanted) in [
        ("bib", format!("url       = {{{address}}}")),
        ("ris", format!("UR  - {address}\r\n")),
        ("json", format!("\"URL\": \"{address}\"")),
    ] {
        let (status, bytes) = visitor.bytes(&format!("/datasets/scans/releases/2/citation.{ending}")).await;
        let text = String::from_utf8(bytes).unwrap();
        assert!(status.as_u16() == 200 && text.contains(&wanted), "{ending}: {text}");
    }
    assert_eq!(status("/datasets/scans/releases/2/citation.doc").await, 404);
    assert_eq!(status("/datasets/scans/releases/9/citation.bib").await, 404);
    // What did not change is delivered under each name; what did is gone, and where its list is, is said.
    assert_eq!(text("/data/scans@1/a/01.txt").await, "file 1");
    assert_eq!(text("/data/scans%401/a/01.txt").await, "file 1");
    assert_eq!(text("/data/scans@2/a/00.txt").await, "FILE 0");
    // Also where the new bytes look like the old ones, and where the old ones are still there.
    let gone = text("/data/scans@1/a/00.txt").await;
    assert!(gone.contains("/datasets/scans/releases"), "{gone}");
    assert_eq!(status("/data/scans@1/a/00.txt").await, 410);
    assert_eq!(status("/data/scans@1/a/39.txt").await, 410);
    assert_eq!(status("/data/scans/a/39.txt").await, 404);
    assert_eq!(status("/data/scans@1/b/new.txt").await, 404);
    for wrong in ["/data/scans@3/a/01.txt", "/data/scans@0/a/01.txt", "/data/scans@01/a/01.txt"] {
        assert_eq!(visitor.bytes(wrong).await.0.as_u16(), 404, "{wrong}");
    }
    // Folders and archives are those of the release too.
    assert!(!text("/data/scans@1/").await.contains(">b/<") && text("/data/scans@2/").await.contains(">b/<"));
    let archive = gateway.scratch().join("scans@2.zip");
    std::fs::write(&archive, visitor.bytes("/data/scans@2.zip").await.1).unwrap();
    let listed = std::process::Command::new("unzip").arg("-l").arg(&archive).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("b/new.txt") && !listed.contains("a/39.txt"), "{listed}");
    // The record says which release it was, and what that holds.
    let events = gateway.events();
    let of = |action: &str| -> Vec<serde_json::Value> {
        let found = events.iter().map(|line| line["event"].clone());
        found.filter(|event| event["action"] == action && event["dataset"] == "scans").collect()
    };
    let published = of("release.published");
    assert_eq!(published[1]["details"]["sha256sums_sha256"], sha256(sums(&files).as_bytes()));
    let admitted = of("download.admitted");
    let release = |path: &str| {
        admitted.iter().find(|event| event["details"]["path"] == path).unwrap()["details"]["release"].clone()
    };
    assert_eq!((release("a/01.txt"), release("a/00.txt")), (1.into(), 2.into()));
    gateway.verify_log();
}

/// A dataset of many files, and what its next release is to be.
fn many(gateway: &Gateway) -> (PathBuf, Files, Files) {
    const FILES: usize = 6_000;
    let old: Files = (0..FILES).map(|n| (format!("f/{n:05}"), n.to_string().into_bytes())).collect();
    let new = old.iter().map(|(path, bytes)| (path.clone(), [b"new ", bytes.as_slice()].concat())).collect();
    let laid: Vec<(&str, &[u8])> = old.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    (gateway.publish("scans", "open", &laid), old, new)
}

#[tokio::test]
async fn an_import_that_is_cut_short_shows_nothing_and_is_done_again() {
    let gateway = Gateway::start();
    let (description, old, new) = many(&gateway);
    let before = sums(&old);
    lay_out(&description, &new);
    let visitor = gateway.visitor();
    let mut cut = 0;
    for round in 0..6 {
        let mut child = gateway.cli_command(&["dataset", "import", description.to_str().unwrap()]);
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Somewhere among its steps: once it has begun, a little later each time.
        let begun = "SELECT COUNT(*) AS count FROM datasets WHERE slug = 'scans' AND import_id IS NOT NULL";
        let started = std::time::Instant::now();
        while count(&mut gateway.database(), begun) == 0 && started.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(40 * round)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let now = String::from_utf8(visitor.bytes("/data/scans/SHA256SUMS").await.1).unwrap();
        if now != before {
            assert_eq!(now, sums(&new), "the one or the other");
            break;
        }
        cut += 1;
    }
    assert!(cut > 0, "none was cut short");
    import(&gateway, &description, &[]);
    assert_eq!(String::from_utf8(visitor.bytes("/data/scans/SHA256SUMS").await.1).unwrap(), sums(&new));
    assert_eq!(String::from_utf8(visitor.bytes("/data/scans@1/SHA256SUMS").await.1).unwrap(), before);
    assert_eq!(rows(&gateway), i64::try_from(2 * old.len()).unwrap(), "nothing is left of those that were cut short");
    assert_eq!(gateway.count("release.published"), 2 + DEMO_RELEASES);
    gateway.verify_log();
}

/// What the demo publishes by itself.
pub const DEMO_RELEASES: usize = 9;

#[tokio::test]
async fn a_list_that_is_being_read_is_of_one_release() {
    let gateway = Gateway::start();
    let (description, old, new) = many(&gateway);
    lay_out(&description, &new);
    let url = format!("{}/data/scans/SHA256SUMS", gateway.url);
    let mut response = reqwest::get(&url).await.unwrap();
    let mut read = response.chunk().await.unwrap().unwrap().to_vec();
    import(&gateway, &description, &[]);
    while let Some(chunk) = response.chunk().await.unwrap() {
        read.extend_from_slice(&chunk);
    }
    assert_eq!(String::from_utf8(read).unwrap(), sums(&old));
}

#[test]
fn one_import_at_a_time_prepares_a_release() {
    in_ledger(|ledger, reads| {
        let slug = publish(ledger, AccessMode::Agreement, 1, &[]);
        let found = reads.read_blocking(|conn| datasets::by_slug(conn, &slug)).unwrap().unwrap();
        let (dataset, basis) = (found.id, Basis::from(&found));
        let first = ledger.run_blocking(move |tx| begin(tx, dataset, basis)).unwrap();
        let second = ledger.run_blocking(move |tx| begin(tx, dataset, basis)).unwrap();
        assert!(!first.is_left_over && second.is_left_over);
        let late = first.clone();
        let refused = |error: Error| matches!(error, Error::Refused(Refusal::ImportReplaced));
        assert!(refused(ledger.run_blocking(move |tx| note(tx, &late, &[], &[])).unwrap_err()));
        let late = first.clone();
        assert!(refused(ledger.run_blocking(move |tx| clear_some(tx, &late)).unwrap_err()));
        let late = first.clone();
        assert!(refused(ledger.run_blocking(move |tx| refresh(tx, Actor::OPERATOR, &late, &[])).unwrap_err()));
        let new = |grant_days| {
            let description = described(&slug, AccessMode::Agreement, CommitteeChoice::None);
            NewDataset::parse(DatasetDescription { grant_days, ..description }).unwrap()
        };
        let target = Target::Described(Box::new(new(90)));
        let into = target.clone();
        assert!(refused(ledger.run_blocking(move |tx| end(tx, &first, &into)).unwrap_err()));
        // One beside which somebody changed what the dataset says of itself: that stays.
        let basis = reads.read_blocking(|conn| datasets::by_slug(conn, &slug)).unwrap().unwrap();
        let (shorter, begun) = (new(60), Basis::from(&basis));
        let third = ledger.run_blocking(move |tx| begin(tx, dataset, begun)).unwrap();
        ledger.run_blocking(move |tx| publish_dataset(tx, Actor::OPERATOR, &shorter)).unwrap();
        let late = third.clone();
        let switched = ledger.run_blocking(move |tx| switch(tx, Actor::OPERATOR, &late, (&target, None)));
        assert!(refused(switched.unwrap_err()));
        let now = reads.read_blocking(|conn| datasets::by_slug(conn, &slug)).unwrap().unwrap();
        assert_eq!(now.grant_days, 60);
        // One whose files were read when the dataset was another.
        let earlier = Basis::from(&Dataset { updated_at: Timestamp(0), ..found });
        assert!(refused(ledger.run_blocking(move |tx| begin(tx, dataset, earlier)).unwrap_err()));
        assert!(refused(ledger.run_blocking(move |tx| clear_some(tx, &second)).unwrap_err()));
        assert!(!ledger.run_blocking(move |tx| clear_some(tx, &third)).unwrap());
    });
}

#[tokio::test]
async fn a_withdrawn_release_is_refused_and_its_page_says_why() {
    const BIG: usize = 32 * 1024 * 1024;
    let gateway = Gateway::start();
    let mut files: Files = [("a.txt".to_owned(), b"first".to_vec())].into();
    let description = gateway.publish("scans", "open", &[("a.txt", b"first")]);
    files.insert("b.bin".into(), vec![7; BIG]);
    lay_out(&description, &files);
    import(&gateway, &description, &[]);
    let mut running = reqwest::get(format!("{}/data/scans/b.bin", gateway.url)).await.unwrap();
    let mut received = running.chunk().await.unwrap().unwrap().len();
    let withdraw =
        |number: &str| gateway.cli(&["dataset", "withdraw", "scans", number, "--reason", "Names <b> in b.bin"]);
    assert!(withdraw("2").status.success());
    // The next request is refused, and a running transfer is cut.
    let visitor = gateway.visitor();
    let answer = reqwest::get(format!("{}/data/scans@2/b.bin", gateway.url)).await.unwrap();
    assert_eq!(answer.status().as_u16(), 410);
    let said = answer.text().await.unwrap();
    assert!(said.contains("release-withdrawn") && said.contains("/datasets/scans/releases"), "{said}");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let end = loop {
        match running.chunk().await {
            Ok(Some(chunk)) => received += chunk.len(),
            end => break end,
        }
    };
    assert!(end.is_err() && received < BIG, "{received} bytes");
    // The dataset is what it was before; the withdrawn release is a stone with an inscription.
    assert_eq!(visitor.bytes("/data/scans/a.txt").await.1, b"first");
    assert_eq!(visitor.bytes("/data/scans/b.bin").await.0.as_u16(), 404);
    for path in ["/data/scans@2/SHA256SUMS", "/data/scans@2/", "/data/scans@2.zip"] {
        assert_eq!(visitor.bytes(path).await.0.as_u16(), 410, "{path}");
    }
    let page = visitor.get("/datasets/scans/releases/2").await;
    page.is(200).says("Withdrawn").says("Names &#60;b&#62; in b.bin").says(&sha256(sums(&files).as_bytes()));
    page.says_not(">b.bin<").says_not("/data/scans@2");
    visitor.get("/datasets/scans/releases").await.says("Withdrawn");
    let again = withdraw("2");
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("withdrawn already"));
    let missing = withdraw("3");
    assert!(String::from_utf8_lossy(&missing.stderr).contains("scans has no release 3"));
    // The same files once more are those that were withdrawn.
    let same = gateway.cli(&["dataset", "import", description.to_str().unwrap()]);
    assert!(!same.status.success() && String::from_utf8_lossy(&same.stderr).contains("was withdrawn"));
    // The next release is the third. It does not say what the withdrawn one had.
    files.remove("b.bin");
    files.insert("c.txt".into(), b"third".to_vec());
    lay_out(&description, &files);
    assert!(import(&gateway, &description, &[]).contains("release 3"));
    visitor.get("/datasets/scans/releases/3").await.says("1 file removed").says_not("b.bin").says("c.txt");
    assert_eq!(visitor.bytes("/data/scans/c.txt").await.1, b"third");
    // With every release withdrawn, nothing is there.
    assert!(withdraw("3").status.success() && withdraw("1").status.success());
    assert_eq!(visitor.bytes("/data/scans/a.txt").await.0.as_u16(), 404);
    visitor.get("/datasets/scans").await.is(200).says_not("a.txt").says("/datasets/scans/releases");
    gateway.verify_log();
}

#[tokio::test]
async fn the_same_bytes_at_other_times_are_no_new_release() {
    let gateway = Gateway::start();
    let files: Files = (0..250).map(|n| (format!("{n:03}.txt"), n.to_string().into_bytes())).collect();
    let laid: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    let description = gateway.publish("scans", "open", &laid);
    let visitor = gateway.visitor();
    let archive = visitor.bytes("/data/scans.zip").await;
    assert_eq!(archive.0.as_u16(), 200);
    let root = description.parent().unwrap().join("files");
    for path in files.keys() {
        let file = std::fs::File::options().write(true).open(root.join(path)).unwrap();
        file.set_modified(std::time::SystemTime::now() + Duration::from_secs(7)).unwrap();
    }
    let said = import(&gateway, &description, &[]);
    assert!(said.contains("release 1") && said.contains("with other times or tags: 250 files"), "{said}");
    assert_eq!(gateway.count("release.published"), 1 + DEMO_RELEASES);
    assert_eq!(gateway.count("dataset.files_refreshed"), 5, "in steps of fifty files, each with its event");
    for path in ["/data/scans/000.txt", "/data/scans@1/249.txt", "/data/scans.zip", "/data/scans@1.zip"] {
        assert_eq!(visitor.bytes(path).await.0.as_u16(), 200, "{path}");
    }
    assert!(!import(&gateway, &description, &[]).contains("other times"), "they are known by them now");
    gateway.verify_log();
}
