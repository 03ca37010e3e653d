//! What is published is written back as the files that describe it: importing those changes nothing.

use super::support::Gateway;
use super::support::gateway::STEWARD;

/// What happened but for sessions, mail and this look itself.
fn events(gateway: &Gateway) -> Vec<String> {
    let actions = gateway.events().into_iter().map(|line| line["event"]["action"].as_str().unwrap().to_owned());
    let by_themselves = |action: &str| ["session.", "mail.", "audit."].iter().any(|kind| action.starts_with(kind));
    actions.filter(|action| !by_themselves(action)).collect()
}

#[tokio::test]
async fn export_and_import_change_nothing() {
    let gateway = Gateway::start();
    gateway.publish("odd", "approval", &[("a.txt", b"a"), ("b.tmp", b"b")]);
    let file = gateway.scratch().join("odd/dataset.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let more = "exclude = [\"*.tmp\"]\nlater_members = \"requested\"\nrelated = [\"nih-chest-xray\"]\ntags = [\"a \\\"b\\\"\"]\n";
    std::fs::write(&file, format!("{text}{more}[[info]]\nname = \"x\"\nvalue = {{ zh-TW = \"值 '''\" }}\n")).unwrap();
    gateway.cli_text(&["dataset", "import", file.to_str().unwrap()]);
    let before = events(&gateway);
    let home = gateway.scratch().join("exported");
    std::fs::create_dir_all(&home).unwrap();
    let path = |name: &str| home.join(name).to_str().unwrap().to_owned();
    let datasets = [
        "odd",
        "nih-chest-xray",
        "nih-label-sample",
        "naer-education-terms-uk",
        "taiwan-geology-literature",
        "tsung-yeh-guided-tours",
        "taichung-elementary-school-grounds",
        "taitung-land-rezoning-2019",
    ];
    for slug in datasets {
        let file = path(&format!("{slug}.toml"));
        gateway.cli_text(&["dataset", "export", slug, &file]);
        let said = gateway.cli_text(&["dataset", "import", &file]);
        assert!(said.contains("0 added, 0 changed, 0 removed"), "{slug}: {said}");
        // What is written again is the same.
        assert_eq!(gateway.cli_text(&["dataset", "export", slug]), std::fs::read_to_string(&file).unwrap(), "{slug}");
    }
    for slug in ["nih-chest-xray-dua", "odd-terms", "demo-terms-of-use"] {
        let folder = path(slug);
        gateway.cli_text(&["agreement", "export", slug, &folder]);
        let said = gateway.cli_text(&["agreement", "publish", &format!("{folder}/agreement.toml")]);
        assert!(said.contains("unchanged"), "{slug}: {said}");
    }
    for slug in ["nih-chest-xray-application", "odd-form"] {
        let file = path(&format!("{slug}.toml"));
        gateway.cli_text(&["form", "export", slug, &file]);
        assert!(gateway.cli_text(&["form", "publish", &file]).contains("unchanged"), "{slug}");
    }
    for slug in ["imaging", "odd"] {
        let file = path(&format!("{slug}-committee.toml"));
        gateway.cli_text(&["committee", "export", slug, &file]);
        assert!(gateway.cli_text(&["committee", "set", &file]).contains("unchanged"), "{slug}");
    }
    assert_eq!(events(&gateway), before, "nothing happened");
    // Where there are several organisations, the files say whose it is.
    gateway.cli_text(&["organisation", "make", "thorax", "--name", "Thorax Institute"]);
    let text = gateway.cli_text(&["dataset", "export", "odd"]);
    assert!(text.starts_with("organisation = \"main\"\n"), "{text}");
    let file = path("again.toml");
    gateway.cli_text(&["dataset", "export", "odd", &file]);
    assert!(gateway.cli_text(&["dataset", "import", &file]).contains("0 added, 0 changed, 0 removed"));
    // A draft is written nowhere: importing its file would publish it, with whatever lies beside the file.
    let draft = [("title.en", "Plans"), ("slug", "plans"), ("mode", "open"), ("grant_days", "30"), ("do", "save")];
    let more = [("later_releases", "included"), ("later_members", "included"), ("preview", "rows")];
    gateway.person(STEWARD).await.post("/manage/new-dataset/main", &[&draft[..], &more].concat()).await.is(200);
    let refused = gateway.cli(&["dataset", "export", "plans"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("plans is a draft"), "{refused:?}");
    let rootless: Vec<&str> =
        text.lines().map(|line| if line.starts_with("root = ") { "root = \"\"" } else { line }).collect();
    std::fs::write(&file, rootless.join("\n")).unwrap();
    let refused = gateway.cli(&["dataset", "import", &file]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("root: is missing"), "{refused:?}");
    for [what, slug] in [["dataset", "none"], ["form", "none"], ["committee", "none"]] {
        let output = gateway.cli(&[what, "export", slug]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(&format!("there is no {what} none")), "{said}");
    }
}

#[tokio::test]
async fn what_was_edited_in_the_browser_is_exported() {
    let gateway = Gateway::start();
    let steward = gateway.person(STEWARD).await;
    let edit = "/manage/datasets/nih-chest-xray/edit";
    let seen = steward.get(edit).await.between("name=\"seen\" value=\"", "\"");
    let fields = [
        ("title.en", "Chest X-rays"),
        ("summary.en", "Images."),
        ("description.en", "Many\r\n\r\nimages."),
        ("licence", "CC0"),
        ("mode", "approval"),
        ("agreement", "nih-chest-xray-dua"),
        ("committee", "imaging"),
        ("grant_days", "30"),
        ("later_releases", "requested"),
        ("later_members", "included"),
        ("preview", "nothing"),
        ("seen", &seen),
        ("do", "save"),
    ];
    steward.post(edit, &fields).await.is(200).says("Saved");
    let text = gateway.cli_text(&["dataset", "export", "nih-chest-xray"]);
    for line in ["grant_days = 30", "later_releases = \"requested\"", "committee = \"imaging\"", "Many\n\nimages."] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let file = gateway.scratch().join("dataset.toml");
    std::fs::write(&file, &text).unwrap();
    let said = gateway.cli_text(&["dataset", "import", file.to_str().unwrap()]);
    assert!(said.contains("0 added, 0 changed, 0 removed"), "{said}");
    assert_eq!(gateway.count("dataset.updated"), 1, "the edit alone");
}
