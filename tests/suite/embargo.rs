//! Releases that are not public yet, releases whose files are kept where they were, and grants that end with a release.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::releases::{DEMO_RELEASES, import};
use super::support::gateway::{APPLICANT, REVIEWER};
use super::support::people::{decide, make_token, submit_with};
use super::support::{Gateway, Visitor, until};

/// Writes files into a folder beside the description, and lets the description name it.
fn move_to(description: &Path, folder: &str, files: &[(&str, &str)]) {
    let root = description.parent().unwrap().join(folder);
    std::fs::create_dir_all(&root).unwrap();
    for (path, text) in files {
        std::fs::write(root.join(path), text).unwrap();
    }
    let text = std::fs::read_to_string(description).unwrap();
    let lines = text
        .lines()
        .map(|line| if line.starts_with("root = ") { format!("root = \"{folder}\"\n") } else { format!("{line}\n") });
    std::fs::write(description, lines.collect::<String>()).unwrap();
}

fn in_seconds(seconds: u64) -> String {
    jiff::Timestamp::try_from(SystemTime::now() + Duration::from_secs(seconds)).unwrap().to_string()
}

fn refused(gateway: &Gateway, arguments: &[&str]) -> String {
    let output = gateway.cli(arguments);
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

async fn text(visitor: &Visitor, path: &str) -> (u16, String) {
    let (status, bytes) = visitor.bytes(path).await;
    (status.as_u16(), String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn nobody_gets_anything_of_a_release_before_its_time() {
    let gateway = Gateway::start();
    let description = gateway.publish("scans", "open", &[("a.txt", b"first"), ("same.txt", b"same")]);
    let file = description.to_str().unwrap();
    let visitor = gateway.visitor();
    // At the same root, the release that is current until then would lose a file.
    let first = description.parent().unwrap().join("files");
    std::fs::write(first.join("a.txt"), "second").unwrap();
    let said = refused(&gateway, &["dataset", "import", file, "--embargo-until", "2199-01-01"]);
    assert!(said.contains("dataset.toml") && said.contains("folder of their own"), "{said}");
    let said = refused(&gateway, &["dataset", "import", file, "--embargo-until", "2001-01-01"]);
    assert!(said.contains("must end in the future"), "{said}");
    let said = refused(&gateway, &["dataset", "import", file, "--embargo-until", "tomorrow"]);
    assert!(said.contains("2027-01-31"), "{said}");
    std::fs::write(first.join("a.txt"), "first").unwrap();
    import(&gateway, &description, &[]);
    // With a root of its own it is prepared, and seen by nobody.
    move_to(&description, "second", &[("a.txt", "second"), ("same.txt", "same"), ("secret-name.txt", "new")]);
    let far = "2199-01-01";
    let said = import(&gateway, &description, &["--embargo-until", far, "--note", "With <b>more</b>"]);
    assert!(said.contains("release 2") && said.contains("under embargo until"), "{said}");
    assert_eq!(text(&visitor, "/data/scans/a.txt").await, (200, "first".into()));
    assert_eq!(text(&visitor, "/data/scans/same.txt").await, (200, "same".into()));
    assert_eq!(text(&visitor, "/data/scans/secret-name.txt").await.0, 404);
    assert!(!text(&visitor, "/data/scans/").await.1.contains("secret-name"));
    // What it has, and what it has not.
    for path in
        ["a.txt", "same.txt", "secret-name.txt", "no-such-name.txt", "no/such/", "SHA256SUMS", "files.meta4", ""]
    {
        let (status, said) = text(&visitor, &format!("/data/scans@2/{path}")).await;
        assert!(status == 403 && said.contains("This release is under embargo"), "{path}: {status} {said}");
    }
    assert_eq!(text(&visitor, "/data/scans@2.zip").await.0, 403);
    assert_eq!(text(&visitor, "/data/scans.zip").await.0, 200);
    let page = visitor.get("/datasets/scans/releases/2").await;
    page.is(200).says("Under embargo until").says("With &#60;b&#62;more").says("1 file added").says_not("secret-name");
    page.says_not("/data/scans@2").says_not("A newer release has replaced");
    visitor.get("/datasets/scans/releases/1").await.says_not("A newer release has replaced");
    visitor
        .get("/datasets/scans")
        .await
        .says("Release 2 is under embargo until")
        .says("2 files")
        .says_not("secret-name");
    visitor.get("/?q=secret-name").await.says("No dataset matches");
    // What builds on it can't be public before it.
    move_to(&description, "third", &[("a.txt", "third")]);
    let said = refused(&gateway, &["dataset", "import", file]);
    assert!(said.contains("an earlier release is under embargo"), "{said}");
    // Its time comes.
    let end = in_seconds(2);
    gateway.cli_text(&["dataset", "embargo", "scans", "2", "--until", &end]);
    let status = until("the embargo ends", || async {
        let found = text(&visitor, "/data/scans/a.txt").await;
        (found.1 == "second").then_some(found.0)
    })
    .await;
    assert_eq!(status, 200);
    assert_eq!(text(&visitor, "/data/scans@2/secret-name.txt").await, (200, "new".into()));
    visitor.get("/datasets/scans/releases/2").await.says("secret-name.txt").says_not("Under embargo");
    visitor.get("/?q=secret-name").await.says("1 dataset");
    // The first release is still where it was.
    assert_eq!(text(&visitor, "/data/scans@1/a.txt").await, (200, "first".into()));
    assert_eq!(text(&visitor, "/data/scans@1/same.txt").await, (200, "same".into()));
    assert_eq!(text(&visitor, "/data/scans@1.zip").await.0, 200);
    let archive = gateway.scratch().join("scans@1.zip");
    std::fs::write(&archive, visitor.bytes("/data/scans@1.zip").await.1).unwrap();
    let unpacked = std::process::Command::new("unzip").args(["-p"]).arg(&archive).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&unpacked.stdout), "firstsame");
    // Until somebody takes it away.
    std::fs::remove_dir_all(&first).unwrap();
    let (status, said) = text(&visitor, "/data/scans@1/a.txt").await;
    assert!(status == 410 && said.contains("/datasets/scans/releases/1"), "{status} {said}");
    assert_eq!(text(&visitor, "/data/scans@1/same.txt").await, (200, "same".into()));
    // The log has both ends of it.
    let events = gateway.events();
    let of = |action: &str| events.iter().rfind(|line| line["event"]["action"] == action).unwrap()["event"].clone();
    let published = of("release.published");
    assert_eq!(published["details"]["embargoed_until"].as_str().unwrap()[..10], *far);
    assert_eq!(of("release.embargo_changed")["details"]["embargoed_until"].as_str().unwrap()[..19], end[..19]);
    let ended = of("release.embargo_ended");
    assert_eq!((&ended["details"]["release"], &ended["actor"]["role"]), (&2.into(), &"system".into()));
    gateway.verify_log();
}

#[tokio::test]
async fn an_embargo_is_moved_ended_or_withdrawn() {
    let gateway = Gateway::start();
    let description = gateway.publish("scans", "open", &[("a.txt", b"a")]);
    let visitor = gateway.visitor();
    let root = description.parent().unwrap().join("files");
    for (n, end) in [(2, "2198-01-01"), (3, "2199-01-01")] {
        std::fs::write(root.join(format!("{n}.txt")), "more").unwrap();
        import(&gateway, &description, &["--embargo-until", end]);
    }
    // Nothing new: nothing is under embargo by it.
    let said = import(&gateway, &description, &["--embargo-until", "2199-01-01"]);
    assert!(said.contains("nothing is under embargo"), "{said}");
    let embargo = |number: &str, more: &[&str]| {
        let output = gateway.cli(&[&["dataset", "embargo", "scans", number], more].concat());
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.success(), said)
    };
    for (number, more, why) in [
        ("1", vec!["--end"], "not under embargo"),
        ("9", vec!["--end"], "scans has no release 9"),
        ("2", vec!["--until", "2001-01-01"], "in the future"),
        ("2", vec!["--until", "2199-06-01"], "in their order"),
        ("3", vec!["--end"], "in their order"),
        ("2", vec![], "--until"),
    ] {
        let (went, said) = embargo(number, &more);
        assert!(!went && said.contains(why), "{number} {more:?}: {said}");
    }
    assert!(embargo("2", &["--until", "2198-06-01"]).0);
    visitor.get("/datasets/scans/releases/2").await.says("2198");
    assert_eq!(text(&visitor, "/data/scans@2/2.txt").await.0, 403);
    let (went, said) = embargo("2", &["--end"]);
    assert!(went && said.contains("release 2 is public"), "{said}");
    assert_eq!(text(&visitor, "/data/scans/2.txt").await, (200, "more".into()));
    assert_eq!(text(&visitor, "/data/scans@3/3.txt").await.0, 403);
    // One that is withdrawn stays so when its time comes.
    gateway.cli_text(&["dataset", "withdraw", "scans", "3", "--reason", "A mistake"]);
    assert_eq!(text(&visitor, "/data/scans@3/3.txt").await.0, 410);
    assert!(embargo("3", &["--end"]).1.contains("withdrawn already"));
    visitor.get("/datasets/scans").await.says_not("under embargo");
    std::fs::remove_file(root.join("3.txt")).unwrap();
    std::fs::write(root.join("4.txt"), "more").unwrap();
    assert!(import(&gateway, &description, &[]).contains("release 4"));
    assert_eq!(text(&visitor, "/data/scans/4.txt").await.0, 200);
    assert_eq!(gateway.count("release.published"), 4 + DEMO_RELEASES);
    gateway.verify_log();
}

#[tokio::test]
async fn a_grant_covers_the_releases_that_were_there() {
    let gateway = Gateway::start();
    let description = gateway.publish("scans", "approval", &[("a.txt", b"a")]);
    let terms = std::fs::read_to_string(&description).unwrap().replace("quorum = 2", "quorum = 1");
    std::fs::write(&description, terms + "later_releases = \"requested\"\n").unwrap();
    import(&gateway, &description, &[]);
    gateway.visitor().get("/datasets/scans").await.says("Later ones must be requested separately");
    let (applicant, reviewer) = (gateway.person(APPLICANT).await, gateway.person(REVIEWER).await);
    let first = submit_with(&applicant, "scans", "For the first release").await;
    decide(&reviewer, &first, "approve", "").await.is(200);
    let token = make_token(&applicant, &["scans"], "").await;
    let with_token = async |path: &str| super::delivery::with_token(&gateway, &token, path).await;
    assert_eq!(with_token("/data/scans/a.txt").await.0, 200);
    std::fs::write(description.parent().unwrap().join("files/b.txt"), "b").unwrap();
    import(&gateway, &description, &[]);
    // The next request is about another release.
    for path in ["/data/scans/a.txt", "/data/scans/b.txt", "/data/scans@2/a.txt", "/data/scans/", "/data/scans.zip"] {
        let (status, body) = with_token(path).await;
        let said = String::from_utf8_lossy(&body);
        assert!(status == 403 && said.contains("grant-other-release") && said.contains("up to 1"), "{path}: {said}");
    }
    assert_eq!(with_token("/data/scans@1/a.txt").await.0, 200);
    assert_eq!(text(&applicant, "/data/scans@1/").await.0, 200);
    let page = applicant.get("/datasets/scans").await;
    page.says("You may download releases up to 1").says("Request the newer release").says("/data/scans@1/");
    page.says_not("href=\"/data/scans/\"");
    // Asking for it is a request like any other; what was granted stays meanwhile.
    let second = submit_with(&applicant, "scans", "For the second release").await;
    assert_ne!(first, second);
    applicant.get("/datasets/scans").await.says("Follow your request").says_not("Request the newer release");
    assert_eq!(with_token("/data/scans@1/a.txt").await.0, 200);
    decide(&reviewer, &second, "approve", "").await.is(200);
    for path in ["/data/scans/b.txt", "/data/scans@2/a.txt", "/data/scans@1/a.txt"] {
        assert_eq!(with_token(path).await.0, 200, "{path}");
    }
    let events = gateway.events();
    let granted: Vec<_> = events.iter().filter(|line| line["event"]["action"] == "grant.created").collect();
    let last: Vec<_> = granted.iter().map(|line| line["event"]["details"]["last_release"].as_u64()).collect();
    assert_eq!(last, [Some(1), Some(2)]);
    gateway.verify_log();
}
