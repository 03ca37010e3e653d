//! The command line, as an operator types it.

use std::process::Command;

use super::delivery::with_token;
use super::support::Gateway;
use super::support::gateway::{APPLICANT, PROGRAM};
use super::support::people::NIH;

#[tokio::test]
async fn an_operator_issues_a_token_within_the_persons_grants() {
    let gateway = Gateway::start();
    let arguments = ["token", "issue", "--person", "applicant@demo.example", "--dataset", NIH];
    let refused = gateway.cli(&arguments);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no active grant"));
    gateway.granted().await;
    let token = gateway.cli_text(&arguments);
    assert_eq!(with_token(&gateway, token.trim(), &format!("/data/{NIH}/README.txt")).await.0, 200);
    let issued = gateway.events().into_iter().find(|line| line["event"]["action"] == "token.issued").unwrap();
    assert_eq!(issued["event"]["actor"]["role"], "operator");
    gateway.person(APPLICANT).await.get("/account/tokens").await.says("issued by an operator");
    for (option, value, wanted) in
        [("--path", "", "--path \"\" is neither"), ("--dataset", "No Name", "--dataset \"No Name\" is not")]
    {
        let refused = gateway.cli(&[arguments.as_slice(), &[option, value]].concat());
        let why = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && refused.stdout.is_empty() && why.contains(wanted), "{why}");
    }
    let nobody = gateway.cli(&["token", "issue", "--person", "nobody@demo.example", "--dataset", NIH]);
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("nobody@demo.example has no account"));
}

#[tokio::test]
async fn an_administrator_is_made_with_a_password_from_standard_input() {
    let gateway = Gateway::start();
    let arguments = ["admin", "create", "--email", "root@demo.example", "--name", "Root Person"];
    let short = gateway.cli_with_input(&arguments, "short\n");
    assert!(!short.status.success());
    assert!(gateway.cli_with_input(&arguments, "a long enough password\n").status.success());
    let visitor = gateway.visitor();
    visitor.sign_in("root@demo.example", "a long enough password").await;
    visitor.get("/admin").await.is(200);
    let again = gateway.cli_with_input(&arguments, "a long enough password\n");
    assert!(String::from_utf8_lossy(&again.stderr).contains("an account with this address already"));
}

#[tokio::test]
async fn mistakes_in_descriptions_are_named() {
    let gateway = Gateway::start();
    let file = gateway.scratch().join("dataset.toml");
    let good = "slug = \"xx\"\ntitle = \"X\"\nsummary = \"x\"\ndescription = \"x\"\nlicence = \"x\"\npublisher = \"x\"\n\
                mode = \"open\"\nroot = \".\"\n";
    for (from, to, wanted) in [
        ("slug = \"xx\"", "slug = \"X Y\"", "slug"),
        ("mode = \"open\"", "mode = \"shut\"", "mode"),
        ("mode = \"open\"", "mode = \"approval\"", "agreements: at least one is needed"),
        ("mode = \"open\"", "mode = \"agreement\"\nagreements = [\"nope\"]", "not published yet"),
        ("root = \".\"", "root = \"nowhere\"", "root: "),
        ("root = \".\"", "root = \".\"\ncolour = 1", "colour"),
        (
            "mode = \"open\"",
            "mode = \"approval\"\nagreements = [\"nih-chest-xray-dua\"]\nreviewers = [\"no@demo.example\"]",
            "no@demo.example has no account",
        ),
        (
            "mode = \"open\"",
            "mode = \"approval\"\nagreements = [\"nih-chest-xray-dua\"]",
            "reviewers: 1 approvals need",
        ),
    ] {
        std::fs::write(&file, good.replace(from, to)).unwrap();
        let output = gateway.cli(&["dataset", "import", file.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(wanted) && said.contains("dataset.toml"), "{to}: {said}");
    }
}

#[tokio::test]
async fn keys_rotate_and_old_tokens_live_on() {
    let mut gateway = Gateway::start();
    let (applicant, token) = gateway.token().await;
    let before: serde_json::Value =
        serde_json::from_str(&gateway.visitor().get("/.well-known/jwks.json").await.body).unwrap();
    assert_eq!(before["keys"].as_array().unwrap().len(), 1);
    let said = gateway.cli_text(&["keys", "rotate"]);
    assert!(gateway.stop());
    gateway.start_again();
    let jwks = gateway.visitor().get("/.well-known/jwks.json").await.body;
    let after: serde_json::Value = serde_json::from_str(&jwks).unwrap();
    assert_eq!(after["keys"].as_array().unwrap().len(), 2);
    let kid = after["keys"][1]["kid"].as_str().unwrap();
    assert!(said.contains(kid), "{said}");
    let path = format!("/data/{NIH}/README.txt");
    assert_eq!(with_token(&gateway, &token, &path).await.0, 200);
    let new = super::support::people::make_token(&applicant, &[NIH], "").await;
    assert_eq!(jsonwebtoken::decode_header(&new).unwrap().kid.as_deref(), Some(kid));
    assert_eq!(with_token(&gateway, &new, &path).await.0, 200);
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("countersign.toml");
    for (text, wanted) in [
        ("listen = 1", "listen"),
        ("public_url = \"http://data.example.org\"", "public_url: must be https://"),
        ("[database]\nurl = \"postgres://nobody@127.0.0.1:1/none\"", "database"),
        ("not toml", "the configuration is wrong"),
    ] {
        std::fs::write(&file, format!("{text}\n")).unwrap();
        let output = Command::new(PROGRAM)
            .args(["serve", "--check", "--config"])
            .arg(&file)
            .env("COUNTERSIGN_DATA_DIR", folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(wanted), "{text}: {said}");
    }
    let nowhere = Command::new(PROGRAM).args(["serve", "--config", "/nowhere.toml"]).output().unwrap();
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("/nowhere.toml"));
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(PROGRAM)
        .args(["demo", "--listen", &address, "--data-dir"])
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains(&format!("can't listen on {address}")));
}
