//! Mail over a real SMTP server, with the server gone for a while.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use diesel::connection::SimpleConnection;

use super::support::gateway::ADMINISTRATOR;
use super::support::{Gateway, until};

/// A server that keeps what it gets in a maildir.
struct Smtp(Child);

impl Smtp {
    fn start(port: u16, folder: &Path) -> Self {
        let child = Command::new("/usr/bin/python3")
            .args(["-m", "aiosmtpd", "--nosetuid", "--listen", &format!("127.0.0.1:{port}")])
            .args(["--class", "aiosmtpd.handlers.Mailbox"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3-aiosmtpd is installed");
        Self(child)
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn received(folder: &Path) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(folder.join("new")) else { return Vec::new() };
    files.filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok()).collect()
}

#[tokio::test]
async fn mail_arrives_by_smtp_and_waits_while_the_server_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let maildir = folder.path().join("box");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let smtp = format!("smtp://127.0.0.1:{port}");
    let gateway = Gateway::start_with(&[("COUNTERSIGN_MAIL_SMTP", &smtp)]);
    let visitor = gateway.visitor();
    let fields = [("name", "陳美玲"), ("email", "chen@ntu.example"), ("password", "a long enough password")];
    // Nobody listens yet: the step is done all the same, and the mail waits.
    visitor.post("/register", &fields).await.is(200);
    until("a failed try", || async { (gateway.count("mail.failed") > 0).then_some(()) }).await;
    gateway.person(ADMINISTRATOR).await.get("/admin").await.says("one message waits to be sent, for");
    let server = Smtp::start(port, &maildir);
    let message = until("the mail", || async { received(&maildir).into_iter().next() }).await;
    let parsed = mail_parser::MessageParser::default().parse(message.as_bytes()).unwrap();
    assert_eq!(parsed.to().unwrap().first().unwrap().address(), Some("chen@ntu.example"));
    assert_eq!(parsed.subject(), Some("Verify your address"));
    assert!(parsed.body_text(0).unwrap().contains(&format!("{}/verify?link=", gateway.url)));
    assert!(!parsed.body_html(0).unwrap().contains("陳美玲"), "nobody has proved the address yet");
    assert!(message.contains("Auto-Submitted: auto-generated"));
    until("the note that it was sent", || async { (gateway.count("mail.sent") == 1).then_some(()) }).await;
    // What was sent is no longer kept: it holds a link that works like a password.
    let mut conn = gateway.database();
    let kept = countersign::store::mail::list(&mut conn, &countersign::store::Cursor::newest()).unwrap().rows;
    assert!(kept.iter().all(|mail| mail.sent_at.is_none() || !mail.message.contains("link=")));
    drop(server);
}

#[tokio::test]
async fn a_grant_that_ends_soon_is_announced_once() {
    let mut gateway = Gateway::start();
    gateway.granted().await;
    assert!(gateway.stop());
    let now = countersign::clock::now();
    let (begun, tomorrow) =
        (now - countersign::domain::TimeSpan::days(364), now + countersign::domain::TimeSpan::days(1));
    let times = format!("UPDATE grants SET starts_at = {}, ends_at = {}", begun.0, tomorrow.0);
    gateway.database().batch_execute(&times).unwrap();
    for _ in 0..2 {
        gateway.start_again();
        let mail = gateway.mail_to("applicant@demo.example", "ends soon").await;
        assert!(mail.text.contains("sign the agreement again"), "{}", mail.text);
        assert!(gateway.stop());
    }
    assert_eq!(gateway.mail().iter().filter(|mail| mail.subject.contains("ends soon")).count(), 1);
}
