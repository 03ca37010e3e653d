//! Feeds of what is new: well-formed, in the reader's language, and of what everybody may know.

use std::io::Write;
use std::process::{Command, Stdio};

use super::releases::import;
use super::support::Gateway;
use super::support::gateway::{ADMINISTRATOR, STEWARD};

/// What a feed reader makes of a feed: a line for each element, indented as it nests.
fn read(feed: &str) -> Vec<String> {
    let program = "import sys, xml.etree.ElementTree as tree\n\
        def show(element, depth):\n\
        \x20   tag, text = element.tag.removeprefix('{http://www.w3.org/2005/Atom}'), (element.text or '').strip()\n\
        \x20   print(' ' * depth + tag, text or element.get('href', ''), sep='=')\n\
        \x20   for child in element: show(child, depth + 1)\n\
        show(tree.fromstring(sys.stdin.buffer.read()), 0)";
    let mut child =
        Command::new("python3").args(["-c", program]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(feed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "no XML: {feed}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_releases_of_a_dataset() {
    let gateway = Gateway::start();
    let description = gateway.publish("cohort", "approval", &[("a.txt", b"one")]);
    let (visitor, address) = (gateway.visitor(), "/datasets/cohort/releases.atom");
    let answer = visitor.get(address).await;
    assert_eq!(answer.is(200).header("content-type"), "application/atom+xml; charset=utf-8");
    let lines = read(&answer.body);
    let page = format!("{}/datasets/cohort/releases", gateway.url);
    assert_eq!(lines[1], format!(" id={page}.atom"));
    assert!(lines.contains(&format!("  id={page}/1")) && lines.contains(&"  title=Release 1".to_owned()), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| *line == " entry=").count(), 1);
    // One under embargo, with a note that would break out of its element; then another withdrawn.
    std::fs::write(description.parent().unwrap().join("files/b.txt"), "two").unwrap();
    import(&gateway, &description, &["--note", "<b>2</b> & ]]> more", "--embargo-until", "2199-01-01"]);
    assert!(gateway.cli(&["dataset", "withdraw", "cohort", "1", "--reason", "Wrong <columns>."]).status.success());
    let lines = read(&visitor.get(address).await.body);
    assert!(lines.iter().any(|line| line.starts_with("  title=Release 2 (")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("  summary=<b>2</b> & ]]> more")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("  summary=Wrong <columns>.")), "{lines:?}");
    let newest = lines.iter().filter_map(|line| line.strip_prefix("  updated=")).max().unwrap();
    assert_eq!(lines[3], format!(" updated={newest}"));
    visitor.get("/language/zh-TW").await;
    visitor.get(address).await.says("xml:lang=\"zh-TW\"").says("cohort 資料");
    visitor.get("/datasets/cohort").await.says(&format!("type=\"application/atom+xml\" href=\"{address}\""));
    visitor.get("/datasets/nothing/releases.atom").await.is(404);
}

#[tokio::test]
async fn the_datasets_of_all_and_of_an_organisation() {
    let gateway = Gateway::start();
    let description = gateway.publish("cohort", "open", &[("a.txt", b"one")]);
    let (visitor, steward) = (gateway.visitor(), gateway.person(STEWARD).await);
    let all = read(&visitor.get("/datasets.atom").await.is(200).body);
    let entry = format!("  id={}/datasets/cohort", gateway.url);
    assert_eq!(all.iter().position(|line| line.starts_with("  id=")), all.iter().position(|line| *line == entry));
    // A draft is no news; a new release is, and comes first.
    let draft = [("slug", "hidden"), ("title.en", "Hidden"), ("mode", "open"), ("do", "save")];
    steward.post("/manage/new-dataset/main", &draft).await;
    gateway.publish("later", "open", &[("a.txt", b"one")]);
    std::fs::write(description.parent().unwrap().join("files/b.txt"), "two").unwrap();
    import(&gateway, &description, &[]);
    let lines = read(&visitor.get("/datasets.atom").await.body);
    assert!(!lines.iter().any(|line| line.contains("hidden")), "{lines:?}");
    let first = lines.iter().find(|line| line.starts_with("  id="));
    assert_eq!(first, Some(&entry));
    // What is no character of XML breaks nobody's feed.
    let text = std::fs::read_to_string(&description).unwrap();
    std::fs::write(&description, text.replace("Summary.", "Sum\u{ffff}mary \u{202e}turned.")).unwrap();
    import(&gateway, &description, &[]);
    let lines = read(&visitor.get("/datasets.atom").await.body);
    assert!(lines.contains(&"  summary=Sum\u{fffd}mary [U+202E]turned.".to_owned()), "{lines:?}");
    // While there is one organisation, it has no page, and no feed.
    visitor.get("/organisations/main/datasets.atom").await.is(404);
    let administrator = gateway.person(ADMINISTRATOR).await;
    let other = [("slug", "thorax"), ("name.en", "Thorax"), ("email", "owner@demo.example")];
    administrator.post("/admin/organisations", &other).await.is(200);
    let own = read(&visitor.get("/organisations/main/datasets.atom").await.is(200).body);
    assert!(own.contains(&entry), "{own:?}");
    assert!(!read(&visitor.get("/organisations/thorax/datasets.atom").await.body).contains(&" entry=".to_owned()));
    // What is retired is no longer news.
    let retire = [("do", "retire"), ("retirement", "Replaced.")];
    steward.post("/manage/datasets/cohort/retirement", &retire).await.is(200);
    assert!(!read(&visitor.get("/datasets.atom").await.body).contains(&entry));
}
