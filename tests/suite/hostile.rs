//! One client that asks for too much must not keep the others from what they ask for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;

use super::audit::count;
use super::delivery::with_token;
use super::support::Gateway;
use super::support::gateway::{ADMINISTRATOR, APPLICANT, STEWARD};
use super::support::people::{NIH, make_token};
use super::support::visitor::between;

const FILE: &str = "/data/nih-chest-xray/README.txt";
const PASSWORD: &str = "a long enough password";

/// Registers somebody whose address nobody has proved, and signs them in.
async fn stranger(gateway: &Gateway, email: &str) -> super::support::Visitor {
    let visitor = gateway.visitor();
    visitor.post("/register", &[("name", "A Stranger"), ("email", email), ("password", PASSWORD)]).await.is(200);
    visitor.sign_in(email, PASSWORD).await;
    visitor
}

#[tokio::test]
async fn ending_sessions_in_a_loop_costs_nobody_a_download() {
    let gateway = Gateway::start();
    let (_, token) = gateway.token().await;
    let done = Arc::new(AtomicBool::new(false));
    let loops: Vec<_> = join_all((0..4).map(|n| {
        let gateway = &gateway;
        async move { stranger(gateway, &format!("loop{n}@uni.example")).await }
    }))
    .await
    .into_iter()
    .map(|visitor| {
        let done = done.clone();
        tokio::spawn(async move {
            let mut sent = 0;
            while !done.load(Ordering::Acquire) {
                visitor.post("/account/sessions/end-others", &[]).await;
                sent += 1;
            }
            sent
        })
    })
    .collect();
    // Signing out changes something, and so does each token that is made and revoked.
    let busy = gateway.person(APPLICANT).await;
    for n in 0..60 {
        assert_eq!(with_token(&gateway, &token, FILE).await.0, 200, "download {n}");
        if n % 10 == 0 {
            let other = gateway.person(APPLICANT).await;
            make_token(&busy, &[NIH], "").await;
            other.post("/logout", &[]).await.is(200);
        }
    }
    done.store(true, Ordering::Release);
    let sent: usize = join_all(loops).await.into_iter().map(Result::unwrap).sum();
    assert!(sent > 20, "they were busy: {sent}");
    assert_eq!(gateway.count("download.admitted"), 60);
}

#[tokio::test]
async fn a_command_that_changes_nothing_records_nothing() {
    let gateway = Gateway::start();
    let applicant = gateway.person(APPLICANT).await;
    let mut conn = gateway.database();
    let mut events = || count(&mut conn, "SELECT size AS count FROM log_head");
    let before = events();
    for _ in 0..3 {
        applicant.post("/account/sessions/end-others", &[]).await.is(200);
    }
    let profile = [("name", "Mei-Ling Chen"), ("affiliation", ""), ("language", "en")];
    applicant.post("/account", &profile).await.is(200);
    let once = events();
    applicant.post("/account", &profile).await.is(200);
    assert_eq!(events(), once, "the same profile again");
    assert!(once <= before + 1, "{before} → {once}");
    let steward = gateway.person(STEWARD).await;
    let suspension = format!("/manage/datasets/{NIH}/suspension");
    let before = events();
    steward.post(&suspension, &[("do", "restore")]).await;
    steward.post(&suspension, &[("reason", "What is to be done is missing.")]).await.is(400);
    assert_eq!(events(), before);
}

#[tokio::test]
async fn made_up_links_keep_nobody_from_signing_in() {
    let gateway = Gateway::start();
    let attacker = gateway.visitor();
    let secret = attacker.try_form_token().await.unwrap();
    let made_up = |n: usize| {
        let (attacker, secret) = (&attacker, &secret);
        async move {
            let link = format!("made-up-{n}");
            let fields = [("form_token", secret.as_str()), ("link", link.as_str()), ("password", PASSWORD)];
            attacker.try_post("/password/reset", &fields).await.unwrap().as_u16()
        }
    };
    let flood = async { join_all((0..200).map(made_up)).await };
    let people = async {
        for _ in 0..5 {
            gateway.person(APPLICANT).await;
        }
    };
    let (answers, ()) = futures_util::future::join(flood, people).await;
    assert!(answers.iter().all(|status| matches!(status, 409 | 429)), "{answers:?}");
    assert!(answers.contains(&409) && answers.contains(&429), "tried, and slowed down: {answers:?}");
}

#[tokio::test]
async fn strangers_lock_nobody_out() {
    let gateway = Gateway::start();
    let email = "administrator@demo.example";
    let owner = gateway.person(ADMINISTRATOR).await;
    owner.post("/logout", &[]).await.is(200);
    let attacker = gateway.visitor();
    for _ in 0..15 {
        attacker.post("/login", &[("email", email), ("password", "a wrong guess")]).await;
    }
    attacker.post("/login", &[("email", email), ("password", "a wrong guess")]).await.is(429);
    // A browser that has signed in before is let through.
    let password = gateway.accounts[ADMINISTRATOR].password.clone();
    owner.sign_in(email, &password).await;
    owner.get("/admin").await.is(200);
    // And from a new one there is the mailed link, however often strangers ask for one.
    for _ in 0..15 {
        attacker.post("/password/forgot", &[("email", email)]).await.is(200);
    }
    let mails = gateway.mail();
    let links = mails.iter().filter(|mail| mail.to == email && mail.subject == "Choose a new password").count();
    assert!(links <= 3, "{links} mails");
    let mail = gateway.mail_to(email, "Choose a new password").await;
    let link = between(&mail.text, &gateway.url, "\n").unwrap().trim().to_owned();
    let elsewhere = gateway.visitor();

    elsewhere
        .post(
            "/password/reset",
            &[("link", link.split("link=").nth(1).unwrap()), ("password", "quite another password")],
        )
        .await
        .is(200);
    elsewhere.sign_in(email, "quite another password").await;
    elsewhere.get("/admin").await.is(200);
}

#[tokio::test]
async fn a_class_room_registers_at_once() {
    let gateway = Gateway::start();
    let register = |n: usize| {
        let visitor = gateway.visitor();
        async move {
            let email = format!("student{n}@uni.example");
            let form = [("name", "A Student"), ("email", email.as_str()), ("password", PASSWORD)];
            visitor.post("/register", &form).await.status.as_u16()
        }
    };
    let answers = join_all((0..150).map(register)).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
}

#[tokio::test]
async fn a_stranger_is_not_mailed_without_end() {
    let gateway = Gateway::start();
    let form = |name: &'static str| [("name", name), ("email", "victim@uni.example"), ("password", PASSWORD)];
    for _ in 0..8 {
        gateway.visitor().post("/register", &form("Claim your prize at evil.example")).await.is(200);
    }
    gateway.mail_to("victim@uni.example", "Verify your address").await;
    let mails: Vec<_> = gateway.mail().into_iter().filter(|mail| mail.to == "victim@uni.example").collect();
    assert!(mails.len() <= 4, "{}", mails.len());
    assert!(mails.iter().all(|mail| !mail.text.contains("prize")), "no typed words to an address that nobody proved");
}

#[tokio::test]
async fn refusals_without_a_credential_are_counted() {
    let gateway = Gateway::start();
    let client = reqwest::Client::new();
    for _ in 0..300 {
        let answer = client.get(format!("{}{FILE}", gateway.url)).send().await.unwrap();
        assert!(matches!(answer.status().as_u16(), 401 | 429));
    }
    let recorded = gateway.count("download.denied");
    assert!((1..=3).contains(&recorded), "{recorded} events of 300 refusals");
}
