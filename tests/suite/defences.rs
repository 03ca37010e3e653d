//! What people with bad intentions, or bad luck, try.

use std::os::unix::fs::PermissionsExt;

use futures_util::future::join_all;

use super::delivery::with_token;
use super::support::Gateway;
use super::support::gateway::{ADMINISTRATOR, APPLICANT, OWNER, REVIEWER};
use super::support::people::{NIH, make_token, submit_with};

const FILE: &str = "/data/nih-chest-xray/README.txt";

#[tokio::test]
async fn an_address_that_nobody_proved_reviews_nothing() {
    let gateway = Gateway::start();
    let form = [("name", "Not the Professor"), ("email", "prof@uni.example"), ("password", "a long enough password")];
    gateway.visitor().post("/register", &form).await.is(200);
    let file = gateway.publish("lab", "approval", &[("a.txt", b"a")]);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("reviewer1@demo.example", "prof@uni.example")).unwrap();
    let output = gateway.cli(&["dataset", "import", file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("prof@uni.example has not verified"), "{said}");
    std::fs::write(&file, text.replace("reviewer1@", "reviewer2@")).unwrap();
    let output = gateway.cli(&["dataset", "import", file.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("is there twice"));
    let administrator = gateway.person(ADMINISTRATOR).await;
    let people = administrator.get("/admin/people?q=prof").await;
    let person =
        format!("/admin/people/{}", people.between("<td role=\"cell\" class=\"keep\"><a href=\"/admin/people/", "\""));
    let refused = administrator.post(&person, &[("do", "roles"), ("auditor", "yes")]).await;
    refused.is(409).says("has not verified its e-mail address");
}

#[tokio::test]
async fn who_was_revoked_does_not_let_themselves_in_again() {
    let gateway = Gateway::start();
    gateway.publish("guarded", "agreement", &[("a.txt", b"a")]);
    let applicant = gateway.person(APPLICANT).await;
    submit_with(&applicant, "guarded", "Reading.").await;
    assert_eq!(applicant.bytes("/data/guarded/a.txt").await.0, 200);
    let owner = gateway.person(OWNER).await;
    let grant = owner.get("/manage/grants").await.between("/manage/grants/", "/end");
    let path = format!("/manage/grants/{grant}/revoke");
    owner.post(&path, &[("reason", "Misuse.")]).await.is(200);
    let request = submit_with(&applicant, "guarded", "Reading again.").await;
    assert_eq!(applicant.bytes("/data/guarded/a.txt").await.0, 403, "signing alone does not bring it back");
    gateway.mail_to("owner@demo.example", "").await;
    let decision = [("verdict", "approve"), ("reason", "They explained it."), ("round", "1"), ("as", "owner")];
    owner.post(&request.replace("requests", "review"), &decision).await.is(200);
    assert_eq!(applicant.bytes("/data/guarded/a.txt").await.0, 200);
}

#[tokio::test]
async fn many_guesses_at_once_are_no_way_around_the_pause() {
    let gateway = Gateway::start();
    let visitor = gateway.visitor();
    let secret = visitor.try_form_token().await.unwrap();
    let guess = |n: usize| {
        let (visitor, secret) = (&visitor, &secret);
        async move {
            let password = format!("wrong password {n}");
            let fields =
                [("form_token", secret.as_str()), ("email", "applicant@demo.example"), ("password", password.as_str())];
            visitor.try_post("/login", &fields).await.unwrap().as_u16()
        }
    };
    let answers = join_all((0..30).map(guess)).await;
    let tried = answers.iter().filter(|status| **status == 422).count();
    assert!(tried <= 10 && answers.iter().all(|status| matches!(status, 422 | 429)), "{answers:?}");
    // Somebody else at the same place is not held up, and the form keeps what was typed.
    gateway.person(REVIEWER).await;
    let again = visitor.post("/login", &[("email", "applicant@demo.example"), ("password", "x")]).await;
    again.is(429).says("value=\"applicant@demo.example\"").says("Too many attempts");
}

#[tokio::test]
async fn what_is_typed_into_the_wrong_field_is_not_kept() {
    let gateway = Gateway::start();
    gateway.visitor().post("/login", &[("email", "My Secret Passphrase 99"), ("password", "x")]).await.is(422);
    let log = gateway.cli_text(&["audit", "export", "--action", "session.refused"]);
    assert!(log.contains("session.refused") && !log.contains("Passphrase"), "{log}");
}

#[tokio::test]
async fn addresses_that_are_not_right_get_a_page() {
    let gateway = Gateway::start();
    let visitor = gateway.visitor();
    for path in ["/?after=x", "/?q=a&q=b", "/projects?after=x", "/language/en?before=1&to=/a%01b"] {
        let answer = visitor.get(path).await;
        assert!(!answer.body.contains("deserialize") && !answer.body.contains("parse"), "{path}: {}", answer.body);
        assert!(answer.status.as_u16() < 500 && answer.body.contains("<h1"), "{path}: {}", answer.body);
    }
    visitor.get("/?after=x").await.is(400).says("not in the expected format");
    for away in ["/%09/evil.example/x", "/%0a/evil.example", "//evil.example"] {
        let answer = visitor.get(&format!("/language/en?to={away}")).await;
        assert!(answer.url.starts_with(&gateway.url), "{away}: {}", answer.url);
    }
    assert_eq!(visitor.get("/log/tile/x/000").await.status.as_u16(), 404);
}

#[tokio::test]
async fn a_token_that_no_client_could_send_is_not_made() {
    let gateway = Gateway::start();
    let applicant = gateway.granted().await;
    let paths: Vec<String> = (0..50).map(|n| format!("{}/{n}/*", "folder".repeat(16))).collect();
    let fields = [("name", "x"), ("days", "7"), ("datasets", NIH), ("paths", &paths.join("\n"))];
    applicant.post("/account/tokens", &fields).await.is(409).says("too long for clients").says(&paths[49]);
    assert_eq!(gateway.count("token.issued"), 0);
}

#[tokio::test]
async fn new_keys_are_taken_up_while_the_gateway_runs() {
    let gateway = Gateway::start();
    let applicant = gateway.granted().await;
    let old = make_token(&applicant, &[NIH], "").await;
    gateway.cli_text(&["keys", "rotate"]);
    let new =
        gateway.cli_text(&["token", "issue", "--person", "applicant@demo.example", "--dataset", NIH]).trim().to_owned();
    super::support::until("the new key's token", || async {
        (with_token(&gateway, &new, FILE).await.0 == 200).then_some(())
    })
    .await;
    assert_eq!(with_token(&gateway, &old, FILE).await.0, 200, "old tokens live out");
}

#[tokio::test]
async fn nobody_else_on_the_machine_reads_the_data() {
    let gateway = Gateway::start();
    for folder in [gateway.data_dir(), gateway.data_dir().join("mail")] {
        let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", folder.display());
    }
}

#[tokio::test]
async fn a_path_that_matches_nothing_is_questioned() {
    let gateway = Gateway::start();
    let applicant = gateway.granted().await;
    let ask = async |paths: &str, more: &[(&str, &str)]| {
        let fields = [&[("name", "x"), ("days", "7"), ("datasets", NIH), ("paths", paths)], more].concat();
        applicant.post("/account/tokens", &fields).await
    };
    let asked = ask("images_001", &[]).await;
    asked.is(409).says("“images_001” matches no file").says("name=\"allow_unmatched\"").says("images_001/*");
    ask("images_001/*\nimages_9/*", &[]).await.is(409).says("“images_9/*” matches no file");
    ask("images_001/*", &[]).await.is(200).says("export COUNTERSIGN_TOKEN=");
    ask("images_9/*", &[("allow_unmatched", "yes")]).await.is(200).says("export COUNTERSIGN_TOKEN=");
    let issue = |more: &[&str]| {
        let common = ["token", "issue", "--person", "applicant@demo.example", "--dataset", NIH, "--path", "images_001"];
        gateway.cli(&[&common, more].concat())
    };
    let refused = issue(&[]);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("end it with /*"));
    assert!(issue(&["--allow-unmatched"]).status.success());
}
