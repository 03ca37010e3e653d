//! Accounts over time: addresses that change, links that were used, sessions that rest, and names from everywhere.

use super::audit::{count, run};
use super::support::gateway::{ADMINISTRATOR, APPLICANT, OWNER, REVIEWER};
use super::support::people::{NIH, TABLE, decide, make_token};
use super::support::visitor::{Visitor, between};
use super::support::*;

const APPLICANT_EMAIL: &str = "applicant@demo.example";
const NEW: &str = "mei-ling@new.example";

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn link_in(mail: &people::Mail, path: &str) -> String {
    between(&mail.text, &format!("{path}?link="), "\n").unwrap().trim().to_owned()
}

async fn ask_for_change(applicant: &Visitor, gateway: &Gateway, to: &str) -> Answer {
    let password = gateway.accounts[APPLICANT].password.clone();
    applicant.post("/account/email", &[("new_email", to), ("email_password", &password)]).await
}

#[tokio::test]
async fn an_address_changes_once_the_new_one_is_proved_and_the_old_one_is_told() {
    let gateway = Gateway::start();
    let applicant = gateway.person(APPLICANT).await;
    let password = gateway.accounts[APPLICANT].password.clone();
    let wrong = [("new_email", "nonsense"), ("email_password", "not it")];
    let refused = applicant.post("/account/email", &wrong).await;
    refused.is(422).says("value=\"nonsense\"").says("This is not your password");
    ask_for_change(&applicant, &gateway, NEW).await.is(200).says("on its way to the new address");
    let link = link_in(&gateway.mail_to(NEW, "Verify your new address").await, "/account/email");
    // Until then nothing has changed, and nobody else can use the link.
    applicant.get("/account").await.says(APPLICANT_EMAIL).says_not(NEW);
    let stranger = gateway.person(REVIEWER).await;
    stranger.post("/account/email/confirm", &[("link", &link)]).await.is(409).says("for another account");
    applicant.get(&format!("/account/email?link={link}")).await.is(200).says("Use this address").says(NEW);
    for _ in 0..2 {
        let confirmed = applicant.post("/account/email/confirm", &[("link", &link)]).await;
        confirmed.is(200).says("Your e-mail address is changed").says(NEW);
    }
    let told = gateway.mail_to(APPLICANT_EMAIL, "another address now").await;
    assert!(told.text.contains(NEW) && told.text.contains("Mei-Ling Chen"), "{}", told.text);
    gateway.visitor().sign_in(NEW, &password).await;
    let old = [("email", APPLICANT_EMAIL), ("password", password.as_str())];
    gateway.visitor().post("/login", &old).await.is(422);
    assert_eq!(gateway.count("account.email_changed"), 1);
    let public = gateway.cli_text(&["audit", "export"]);
    let in_public = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["event"].to_string().contains(NEW)
    };
    assert!(!public.lines().any(in_public), "an address is personal");
    gateway.verify_log();
}

#[tokio::test]
async fn a_reset_also_ends_a_change_of_address_that_was_asked_for() {
    let gateway = Gateway::start();
    let applicant = gateway.person(APPLICANT).await;
    ask_for_change(&applicant, &gateway, NEW).await.is(200);
    let link = link_in(&gateway.mail_to(NEW, "Verify your new address").await, "/account/email");
    let visitor = gateway.visitor();
    visitor.post("/password/forgot", &[("email", APPLICANT_EMAIL)]).await;
    let reset = link_in(&gateway.mail_to(APPLICANT_EMAIL, "Choose a new password").await, "/password/reset");
    visitor.post("/password/reset", &[("link", &reset), ("password", "another long password")]).await.is(200);
    visitor.sign_in(APPLICANT_EMAIL, "another long password").await;
    visitor.post("/account/email/confirm", &[("link", &link)]).await.is(409).says("used already");
    visitor.get("/account").await.says(APPLICANT_EMAIL).says_not(NEW);
}

#[tokio::test]
async fn a_taken_address_is_told_to_its_owner_alone() {
    let gateway = Gateway::start();
    let applicant = gateway.person(APPLICANT).await;
    let taken = ask_for_change(&applicant, &gateway, "reviewer1@demo.example").await;
    taken.is(200).says("on its way to the new address");
    gateway.mail_to("reviewer1@demo.example", "You already have an account").await;
    // It may be taken between the asking and the click.
    ask_for_change(&applicant, &gateway, NEW).await.is(200);
    let link = link_in(&gateway.mail_to(NEW, "Verify your new address").await, "/account/email");
    let fields = [("name", "Somebody Else"), ("email", NEW), ("password", "a long enough password")];
    gateway.visitor().post("/register", &fields).await.is(200);
    applicant.post("/account/email/confirm", &[("link", &link)]).await.is(409);
    applicant.get("/account").await.says(APPLICANT_EMAIL);
}

#[tokio::test]
async fn a_second_click_says_what_is_the_case() {
    let gateway = Gateway::start();
    let visitor = gateway.visitor();
    let fields = [("name", "Ö É"), ("email", "o@bücher.example"), ("password", "a long enough password")];
    visitor.post("/register", &fields).await.is(200);
    // The same address in the form that mail servers know is the same account.
    visitor.sign_in("O@xn--bcher-kva.example", "a long enough password").await;
    let link = link_in(&gateway.mail_to("o@xn--bcher-kva.example", "Verify your address").await, "/verify");
    visitor.post("/verify", &[("link", &link)]).await.is(200).says("Your address is verified.");
    visitor.get(&format!("/verify?link={link}")).await.is(200).says("Your address is verified already");
    visitor.post("/verify", &[("link", &link)]).await.is(200);
    assert_eq!(gateway.count("account.verified"), 1);
    // A link to choose a password, once used, says so, and asks for nothing.
    visitor.post("/password/forgot", &[("email", "o@bücher.example")]).await;
    let reset = link_in(&gateway.mail_to("o@xn--bcher-kva.example", "Choose a new password").await, "/password/reset");
    let form = format!("/password/reset?link={reset}");
    visitor.get(&form).await.is(200).says("name=\"password\"");
    let fields = [("link", reset.as_str()), ("password", "another long password")];
    visitor.post("/password/reset", &fields).await.is(200);
    for again in [visitor.get(&form).await, visitor.post("/password/reset", &fields).await] {
        again.is(409).says("This link was used already").says_not("name=\"password\"");
    }
    visitor.get("/password/reset?link=made-up").await.is(409).says("has expired").says_not("name=\"password\"");
}

#[tokio::test]
async fn a_reset_ends_tokens_and_a_change_asks() {
    let gateway = Gateway::start();
    let (applicant, token) = gateway.token().await;
    let get = async |token: &str| {
        let path = format!("{}/data/{NIH}/{TABLE}", gateway.url);
        reqwest::Client::new().get(path).bearer_auth(token).send().await.unwrap().status().as_u16()
    };
    assert_ne!(get(&token).await, 401);
    let password = gateway.accounts[APPLICANT].password.clone();
    let change = async |old: &str, new: &str, revoke: &str| {
        let fields = [("old_password", old), ("password", new), ("revoke_tokens", revoke)];
        applicant.post("/account/password", &fields).await.is(200);
    };
    change(&password, "a second long password", "").await;
    assert_ne!(get(&token).await, 401, "kept");
    change("a second long password", "a third long password", "yes").await;
    assert_eq!(get(&token).await, 401);
    let token = make_token(&applicant, &[NIH], "").await;
    let visitor = gateway.visitor();
    visitor.post("/password/forgot", &[("email", APPLICANT_EMAIL)]).await;
    let link = link_in(&gateway.mail_to(APPLICANT_EMAIL, "Choose a new password").await, "/password/reset");
    visitor.post("/password/reset", &[("link", &link), ("password", "a fourth long password")]).await.is(200);
    assert_eq!(get(&token).await, 401);
    assert_eq!(gateway.count("token.revoked"), 2);
}

#[tokio::test]
async fn a_session_that_rests_ends_and_one_in_use_goes_on() {
    let gateway = Gateway::start();
    let (resting, used) = (gateway.person(APPLICANT).await, gateway.person(REVIEWER).await);
    // As if both had been used last 23 and 25 hours ago: a session's end is a day after its last use.
    let hours = |n: i64| n * 3_600 * 1_000_000;
    let ends = |email: &str, earlier: i64| {
        format!(
            "UPDATE sessions SET expires_at = expires_at - {earlier} \
             WHERE person_id = (SELECT id FROM people WHERE email = '{email}')"
        )
    };
    let mut database = gateway.database();
    run(&mut database, &ends(APPLICANT_EMAIL, hours(25)));
    run(&mut database, &ends("reviewer1@demo.example", hours(23)));
    let gone = resting.get("/account").await;
    assert!(gone.url.contains("/login"), "{}", gone.url);
    used.get("/account").await.is(200);
    until("the end to be put off", || async {
        used.get("/account").await.is(200);
        let left = count(&mut gateway.database(), "SELECT MAX(expires_at) AS count FROM sessions");
        let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_micros()).unwrap();
        (left > now + hours(22)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn tries_that_are_throttled_are_recorded_once() {
    let gateway = Gateway::start();
    let visitor = gateway.visitor();
    for n in 0..14 {
        let fields = [("email", "nobody@demo.example"), ("password", "wrong wrong wrong")];
        visitor.post("/login", &fields).await.is(if n < 10 { 422 } else { 429 });
    }
    until("the event", || async { (gateway.count("attempts.throttled") > 0).then_some(()) }).await;
    assert_eq!(gateway.count("attempts.throttled"), 1);
}

#[tokio::test]
async fn people_are_found_by_any_part_of_what_they_are_called() {
    let gateway = Gateway::start();
    for (name, email, institution) in [
        ("Éloïse Öztürk", "eloise@example.org", "École normale"),
        ("林 志明", "lin@example.org", "國立臺灣大學"),
        ("Admin\u{202e}nehC", "turned@example.org", ""),
    ] {
        let fields =
            [("name", name), ("email", email), ("affiliation", institution), ("password", "a long enough one")];
        gateway.visitor().post("/register", &fields).await.is(200);
    }
    let administrator = gateway.person(ADMINISTRATOR).await;
    for typed in ["ozturk eloise", "ÉLOÏSE", "ecole", "eloise@"] {
        let path = format!("/admin/people?q={}", encoded(typed));
        administrator.get(&path).await.says("Éloïse Öztürk").says_not("林 志明");
    }
    administrator.get(&format!("/admin/people?q={}", encoded("臺灣大學"))).await.says("林 志明");
    let turned = administrator.get("/admin/people?q=turned").await;
    turned.says("Admin[U+202E]nehC").says_not("\u{202e}");
    administrator.get("/?q=X%E5%85%89").await.says("NIH Chest X-ray");
}

#[tokio::test]
async fn somebody_can_always_decide_and_hears_when_nothing_is_left_to() {
    let gateway = Gateway::start();
    gateway.publish("pair", "approval", &[("a.txt", b"hello")]);
    let applicant = gateway.person(APPLICANT).await;
    // One of the two reviewers goes: the quorum of two is out of reach, and an owner is told.
    let request = people::submit_with(&applicant, "pair", "Counting birds").await;
    gateway.mail_to("reviewer1@demo.example", "asks for The pair data").await;
    let administrator = gateway.person(ADMINISTRATOR).await;
    let people = administrator.get("/admin/people?q=reviewer2").await;
    let other = people.between("href=\"/admin/people/", "\"");
    let fields = [("do", "suspend"), ("reason", "Left the institute")];
    administrator.post(&format!("/admin/people/{other}"), &fields).await.is(200);
    gateway.mail_to(&gateway.accounts[OWNER].email, "the reviewers can’t decide alone").await;
    // The applicant withdraws: the reviewer who was asked hears of it.
    applicant.post(&format!("{request}/withdraw"), &[]).await.is(200);
    gateway.mail_to("reviewer1@demo.example", "withdrawn").await;
    // A decision of one is told to the other, not to the one who made it.
    let fields = [("do", "restore")];
    administrator.post(&format!("/admin/people/{other}"), &fields).await.is(200);
    let request = people::submit_with(&applicant, "pair", "Counting more birds").await;
    let reviewer = gateway.person(REVIEWER).await;
    decide(&reviewer, &request, "reject", "Too few birds.").await.is(200);
    gateway.mail_to("reviewer2@demo.example", "rejected").await;
    let mail = gateway.mail();
    let owner = &gateway.accounts[OWNER].email;
    let told = mail.iter().filter(|mail| mail.to == *owner && mail.subject.contains("rejected"));
    assert_eq!(told.count(), 0, "owners who were not asked");
    assert!(!mail.iter().any(|mail| mail.to == "reviewer1@demo.example" && mail.subject.contains("rejected")));
}
