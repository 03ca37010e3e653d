//! Files that applicants hand in as answers: what is taken, who can read it, how long it stays.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::json;

use super::audit::{count, run};
use super::support::api::{Program, api_token};
use super::support::gateway::{ADMINISTRATOR, APPLICANT, AUDITOR, REVIEWER, STEWARD};
use super::support::people::{PURPOSE, hidden};
use super::support::*;

const SLUG: &str = "scans";
const FORM: &str = "/datasets/scans/request";
const LETTER: &[u8] = b"%PDF-1.7\nThe ethics committee agrees.\n%%EOF\n";

/// Asks for a letter, and for a purpose.
const QUESTIONS: &str = r#"
[[sections.questions]]
id = "letter"
kind = "file"
types = ["pdf", "png"]
max_size = 600_000
required = true
label = { en = "Letter of your ethics committee", zh-TW = "倫理委員會核准函" }
"#;

fn gateway() -> Gateway {
    let gateway = Gateway::start();
    gateway.publish(SLUG, "approval", &[("a.txt", b"hello")]);
    gateway.publish_form("scans-form", &format!("{PURPOSE}{QUESTIONS}"));
    gateway
}

/// A form as browsers send one with files: fields, then files by field, name and bytes.
fn multipart(fields: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    for (field, name, bytes) in files {
        let head = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: application/pdf\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    body
}

const KIND: &str = "multipart/form-data; boundary=edge";

/// Sends the signing form, filled in but for the files.
async fn send(applicant: &Visitor, what: &str, more: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> Answer {
    let (version, language, form) = hidden(applicant, SLUG).await;
    let token = applicant.form_token().await;
    let mut fields = vec![
        ("form_token", token.as_str()),
        ("version", &version),
        ("language", &language),
        ("form_version", &form),
        ("project-title", "Label noise"),
        ("project-institution", "Demo Institute"),
        ("project-purpose", "Comparing how labels were made, with the proposal at hand."),
        ("answer-purpose", "Comparing"),
        ("accept", &version),
        ("consent", &version),
        ("typed_name", "Mei-Ling Chen"),
        ("name_asked", "Mei-Ling Chen"),
        ("do", what),
    ];
    fields.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    fields.extend(more);
    applicant.post_body(FORM, KIND, multipart(&fields, files)).await
}

fn path_of(answer: &Answer) -> String {
    reqwest::Url::parse(&answer.url).unwrap().path().to_owned()
}

/// How many files are kept, and how many are part of a request.
fn kept(gateway: &Gateway) -> (i64, i64) {
    let rows = |and: &str| {
        count(&mut gateway.database(), &format!("SELECT count(*) AS count FROM uploads WHERE size >= 0 {and}"))
    };
    (rows(""), rows("AND request_id IS NOT NULL"))
}

#[tokio::test]
async fn a_letter_is_handed_in_signed_and_read_by_those_who_decide() {
    let gateway = gateway();
    let applicant = gateway.person(APPLICANT).await;
    let page = applicant.get(FORM).await;
    page.says("enctype=\"multipart/form-data\"").says("PDF, PNG, up to 600 KB").says("accept=\".pdf,.png\"");
    let sent = send(&applicant, "sign", &[], &[("upload-letter", "核准函 (1).pdf", LETTER)]).await;
    sent.is(200);
    let request = path_of(&sent);
    assert!(request.starts_with("/requests/"), "{request}\n{}", sent.body);
    // Who decides reads the very bytes, to be saved and not to be run in the site's name.
    let reviewer = gateway.person(REVIEWER).await;
    let case = reviewer.get(&request.replace("/requests/", "/review/")).await;
    case.says("核准函 (1).pdf").says("PDF, 44 B").says(&sha256(LETTER));
    let file = case.between(&format!("href=\"{request}/files/"), "\"");
    let address = format!("{request}/files/{file}");
    let answer = reviewer.get(&address).await;
    assert_eq!(answer.body.as_bytes(), LETTER);
    assert_eq!(answer.header("content-type"), "application/pdf");
    assert_eq!(answer.header("content-length"), LETTER.len().to_string());
    assert!(answer.header("content-disposition").starts_with("attachment; "), "{:?}", answer.headers);
    assert!(answer.header("content-security-policy").contains("sandbox"), "{:?}", answer.headers);
    assert_eq!(answer.header("cache-control"), "private, no-store");
    // So do the applicant and the auditor, and nobody else.
    for (who, status) in [(APPLICANT, 200), (AUDITOR, 200), (ADMINISTRATOR, 404), (STEWARD, 404)] {
        gateway.person(who).await.get(&address).await.is(status);
    }
    gateway.visitor().get(&address).await.says("Sign in");
    // Under the address of another request it is not to be had.
    let other = format!("/requests/{}/files/{file}", uuid_like());
    reviewer.get(&other).await.is(404);
    // The signature and its receipt bind the hash.
    let signed = applicant.get(&request).await;
    let signature = signed.between("href=\"/signatures/", "\"");
    applicant.get(&format!("/signatures/{signature}")).await.says(&sha256(LETTER)).says("核准函 (1).pdf");
    let receipt = applicant.get(&format!("/signatures/{signature}/receipt.json")).await.body;
    assert!(receipt.contains(&sha256(LETTER)), "{receipt}");
    let kept_receipt = gateway.scratch().join("receipt.json");
    std::fs::write(&kept_receipt, receipt).unwrap();
    gateway.cli_text(&["receipt", "verify", kept_receipt.to_str().unwrap()]);
    assert_eq!(gateway.count("upload.received"), 1);
    // Whoever is erased takes the file along.
    gateway.cli_text(&["audit", "erase", "--person", "applicant@demo.example", "--yes"]);
    assert_eq!(kept(&gateway), (0, 0));
    reviewer.get(&address).await.is(404);
    gateway.verify_log();
}

fn uuid_like() -> &'static str {
    "01930000-0000-7000-8000-000000000000"
}

#[tokio::test]
async fn what_can_be_no_answer_is_said_beside_its_field_and_nothing_is_lost() {
    let gateway = gateway();
    let applicant = gateway.person(APPLICANT).await;
    let large = [b"%PDF-1.7\n".as_slice(), &vec![b' '; 600_000], b"%%EOF\n"].concat();
    let huge = [b"%PDF-1.7\n".as_slice(), &vec![b' '; 21_000_000], b"%%EOF\n"].concat();
    for (name, bytes, says) in [
        ("letter.pdf", &b"MZ\x90\x00\x03 a program"[..], "This takes PDF, PNG."),
        ("letter.pdf", b"", "The file is empty"),
        ("letter.pdf", b"only words", "This takes PDF, PNG"),
        ("letter.pdf", &large, "600 KB at most"),
        ("letter.pdf", &huge, "600 KB at most"),
        (&"x".repeat(300), LETTER, "Rename it, and choose it again"),
    ] {
        for what in ["draft", "sign"] {
            let shown = send(&applicant, what, &[], &[("upload-letter", name, bytes)]).await;
            shown.is(422).says(says).says("href=\"#answer-letter\"").says("value=\"Comparing\"").says("Label noise");
        }
    }
    let nothing = send(&applicant, "sign", &[], &[("upload-letter", "", b"")]).await;
    nothing.is(422).says("Choose a file");
    assert_eq!(gateway.count("agreement.signed"), 0);
    // A file that came with something else that is wrong stays, and needs not be chosen again.
    let files: &[(&str, &str, &[u8])] = &[("upload-letter", "a %22b%22.pdf", LETTER)];
    let shown = send(&applicant, "sign", &[("answer-purpose", "")], files).await;
    shown.is(422).says("href=\"#answer-purpose\"").says_not("href=\"#answer-letter\"").says("a &#34;b&#34;.pdf");
    let given = shown.between("name=\"answer-letter\" value=\"", "\"").replace("&#34;", "\"");
    send(&applicant, "sign", &[("answer-letter", &given)], &[]).await.is(200).says_not("Error: ");
    assert_eq!(gateway.count("agreement.signed"), 1);
    assert_eq!(kept(&gateway).1, 1);
}

#[tokio::test]
async fn a_file_stays_with_the_draft_until_it_is_replaced_or_taken_back() {
    let gateway = gateway();
    let applicant = gateway.person(APPLICANT).await;
    let save = async |more: &[(&str, &str)], files: &[(&str, &str, &[u8])]| {
        send(&applicant, "draft", more, files).await.is(200);
        applicant.get(FORM).await
    };
    let kept_page = save(&[], &[("upload-letter", "first.pdf", LETTER)]).await;
    let first = kept_page.says("first.pdf").between("name=\"answer-letter\" value=\"", "\"");
    // A draft is nobody else's to read.
    let id = first.split(' ').next().unwrap().to_owned();
    let projects = applicant.get("/projects").await;
    let request = projects.between("href=\"/requests/", "\"");
    let address = format!("/requests/{request}/files/{id}");
    applicant.get(&address).await.is(200);
    for who in [REVIEWER, AUDITOR] {
        gateway.person(who).await.get(&address).await.is(404);
    }
    // Sent without a new one, it stays; with one, the new one is there instead, and the old one is gone.
    save(&[("answer-letter", &first)], &[("upload-letter", "", b"")]).await.says("first.pdf");
    let second = [LETTER, b"More.\n%%EOF\n"].concat();
    let page = save(&[("answer-letter", &first)], &[("upload-letter", "second.pdf", &second)]).await;
    page.says("second.pdf").says_not("first.pdf");
    assert_eq!(kept(&gateway), (1, 1));
    applicant.get(&address).await.is(404);
    let second = page.between("name=\"answer-letter\" value=\"", "\"");
    let page = save(&[("answer-letter", &second), ("remove-letter", "yes")], &[]).await;
    page.says_not("second.pdf");
    assert_eq!(kept(&gateway), (0, 0));
}

#[tokio::test]
async fn nobody_gives_a_file_that_is_not_theirs_or_not_there() {
    let gateway = gateway();
    let (applicant, other) = (gateway.person(APPLICANT).await, gateway.person(ADMINISTRATOR).await);
    send(&applicant, "draft", &[], &[("upload-letter", "mine.pdf", LETTER)]).await.is(200);
    let mine = applicant.get(FORM).await.between("name=\"answer-letter\" value=\"", "\"");
    let forged = mine.replace(" 44 ", " 45 ");
    let renamed = mine.replace("mine.pdf", "yours.pdf");
    let gone = mine.replace(mine.split(' ').next().unwrap(), uuid_like());
    for (who, answer) in [(&other, &mine), (&applicant, &forged), (&applicant, &renamed), (&applicant, &gone)] {
        for what in ["sign", "draft"] {
            let shown = send(who, what, &[("answer-letter", answer)], &[]).await;
            shown.is(409).says("no longer there, or belongs to another request");
        }
    }
    send(&applicant, "sign", &[("answer-letter", "anything")], &[]).await.is(422).says("This takes PDF, PNG");
    assert_eq!(gateway.count("agreement.signed"), 0);
    send(&applicant, "sign", &[("answer-letter", &mine)], &[]).await.is(200);
    assert_eq!(gateway.count("agreement.signed"), 1);
}

#[tokio::test]
async fn from_a_page_that_is_not_ours_or_without_an_account_nothing_is_kept() {
    let gateway = gateway();
    let applicant = gateway.person(APPLICANT).await;
    let files: &[(&str, &str, &[u8])] = &[("upload-letter", "letter.pdf", LETTER)];
    let token = applicant.form_token().await;
    // Without the secret, with it behind the file, and by nobody.
    let late = multipart(&[], files);
    let late = [&late[..late.len() - 10], &multipart(&[("form_token", &token)], &[])].concat();
    for (visitor, body) in [
        (&applicant, multipart(&[("form_token", "wrong"), ("do", "draft")], files)),
        (&applicant, late),
        (&gateway.visitor(), multipart(&[("form_token", &gateway.visitor().form_token().await)], files)),
    ] {
        visitor.post_body(FORM, KIND, body).await;
        assert_eq!(kept(&gateway), (0, 0));
    }
    // What is no form is refused, whatever it looks like.
    let endless_head = [b"--edge\r\n".to_vec(), vec![b'a'; 200_000]].concat();
    let long_name = multipart(&[(&"n".repeat(300_000), "x")], &[]);
    let long_text = multipart(&[("answer-purpose", &"t".repeat(300_000))], &[]);
    let many: Vec<(&str, &str)> = vec![("answer-purpose", "x"); 50_000];
    for (body, kind, statuses) in [
        (b"--edge\r\n\r\nx\r\n--edge--".to_vec(), KIND, [400, 400]),
        (b"nothing of it".to_vec(), KIND, [400, 400]),
        (multipart(&[], files), "multipart/form-data", [400, 400]),
        (multipart(&[], files), "multipart/form-data; boundary=other", [400, 400]),
        (multipart(&[], files), "multipart/mixed; boundary=edge", [400, 400]),
        (endless_head, KIND, [400, 413]),
        (long_name, KIND, [400, 413]),
        (long_text, KIND, [413, 413]),
        (multipart(&many, &[]), KIND, [413, 413]),
    ] {
        let answer = applicant.post_body(FORM, kind, body).await;
        assert!(statuses.contains(&answer.status.as_u16()), "{}: {}", answer.status, answer.body);
    }
    assert_eq!(kept(&gateway), (0, 0));
}

#[tokio::test]
async fn a_program_hands_in_files_and_signs_with_them() {
    let gateway = gateway();
    let applicant = gateway.person(APPLICANT).await;
    let program = Program::new(
        &gateway.url,
        Some(api_token(&applicant, &gateway.accounts[APPLICANT].password, &["read", "apply"]).await),
    );
    let hand_in = async |name: &str, bytes: &[u8]| program.send_bytes(&format!("/uploads?name={name}"), bytes).await;
    hand_in("letter.pdf", b"MZ\x90\x00").await.is(422);
    hand_in("letter.pdf", b"").await.is(422);
    hand_in("", LETTER).await.is(422);
    hand_in("letter.pdf", &vec![b'a'; 20_000_001]).await.is(413);
    assert_eq!(kept(&gateway), (0, 0));
    let handed = hand_in("letter.pdf", LETTER).await;
    handed.is(201);
    assert_eq!(handed.text("/sha256"), sha256(LETTER));
    let terms = program.get(&format!("/datasets/{SLUG}/terms")).await;
    let body = json!({
        "project": "new",
        "project_description": {
            "title": "Label noise", "institution": "Demo Institute",
            "purpose": "Comparing how labels were made, with the proposal at hand.",
        },
        "answers": { "purpose": "Comparing", "letter": handed.text("/answer") },
        "form": terms.text("/form/id"),
        "agreements": [{ "version": terms.text("/agreements/0/id"), "accepts": true, "consents": true }],
        "language": "en",
        "name": "Mei-Ling Chen",
        "password": gateway.accounts[APPLICANT].password,
    });
    let sent = program.post(&format!("/datasets/{SLUG}/requests"), &body).await;
    sent.is(201);
    let file = format!("/api/v1/requests/{}/files/{}", sent.text("/id"), handed.text("/id"));
    let got = program.bytes(&file).await;
    assert_eq!(got, (200, LETTER.to_vec()));
    // Who decides has an address of their own.
    let reviewer = gateway.person(REVIEWER).await;
    let token = api_token(&reviewer, &gateway.accounts[REVIEWER].password, &["read", "review"]).await;
    let reviewing = Program::new(&gateway.url, Some(token));
    assert_eq!(reviewing.bytes(&file).await.0, 404);
    assert_eq!(reviewing.bytes(&file.replace("/requests/", "/review/")).await, (200, LETTER.to_vec()));
    assert_eq!(program.bytes(&file.replace("/requests/", "/review/")).await.0, 403);
}

#[tokio::test]
async fn what_waits_is_limited_and_goes_after_a_day() {
    let gateway = gateway();
    let applicant = gateway.person(APPLICANT).await;
    let token = api_token(&applicant, &gateway.accounts[APPLICANT].password, &["apply"]).await;
    let program = Program::new(&gateway.url, Some(token));
    let large = [b"%PDF-1.7\n".as_slice(), &vec![b' '; 19_900_000], b"%%EOF\n"].concat();
    for n in 0..5 {
        program.send_bytes(&format!("/uploads?name={n}.pdf"), &large).await.is(201);
    }
    let refused = program.send_bytes("/uploads?name=6.pdf", &large).await;
    refused.is(409);
    assert!(refused.json.to_string().contains("can wait"), "{:#}", refused.json);
    assert_eq!(kept(&gateway), (5, 0), "what was refused is not kept in part");
    let day = countersign::domain::upload::WAITING_LONGEST.0;
    run(&mut gateway.database(), &format!("UPDATE uploads SET created_at = created_at - {day}"));
    until("files that waited too long to be gone", async || (kept(&gateway) == (0, 0)).then_some(())).await;
    assert_eq!(count(&mut gateway.database(), "SELECT count(*) AS count FROM upload_parts"), 0);
    program.send_bytes("/uploads?name=7.pdf", LETTER).await.is(201);
}

/// A body that comes in pieces, with a pause before each.
fn in_pieces(body: &[u8], pieces: usize, pause: Duration) -> reqwest::Body {
    let pieces: Vec<Vec<u8>> = body.chunks(body.len() / pieces + 1).map(<[u8]>::to_vec).collect();
    let paced = futures_util::stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, std::io::Error>(piece)
    });
    reqwest::Body::wrap_stream(paced)
}

/// A slow line is no hostile one, as long as something comes; what stops coming is not kept.
#[tokio::test]
async fn a_file_may_come_slowly_and_one_that_breaks_off_leaves_nothing() {
    let gateway = Gateway::start_with(&[("COUNTERSIGN_LIMITS_REQUEST_SECONDS", "4")]);
    gateway.publish(SLUG, "approval", &[("a.txt", b"hello")]);
    gateway.publish_form("scans-form", &format!("{PURPOSE}{QUESTIONS}"));
    let applicant = gateway.person(APPLICANT).await;
    let letter = [b"%PDF-1.7\n".as_slice(), &vec![b' '; 500_000], b"%%EOF\n"].concat();
    let token = api_token(&applicant, &gateway.accounts[APPLICANT].password, &["apply"]).await;
    let url = format!("{}/api/v1/uploads?name=letter.pdf", gateway.url);
    let send = |body| reqwest::Client::new().post(&url).bearer_auth(&token).body(body);
    let handed = send(in_pieces(&letter, 10, Duration::from_millis(600))).send().await.unwrap();
    assert_eq!(handed.status(), 201);
    assert_eq!(kept(&gateway), (1, 0));
    // A piece that keeps the gateway waiting for too long; and a client that goes away.
    let late = send(in_pieces(&letter, 2, Duration::from_secs(9))).send().await;
    assert!(late.is_err() || late.unwrap().status() == 400);
    let gone = send(in_pieces(&letter, 8, Duration::from_millis(500))).send();
    let _ = tokio::time::timeout(Duration::from_secs(2), gone).await;
    until("what broke off to be gone", async || (kept(&gateway) == (1, 0)).then_some(())).await;
    // The page likewise.
    let fields = [("form_token", &*applicant.form_token().await), ("do", "draft")];
    let body = multipart(&fields, &[("upload-letter", "letter.pdf", &letter)]);
    applicant.post_body_of(FORM, KIND, in_pieces(&body, 10, Duration::from_millis(600))).await.is(200);
    applicant.get(FORM).await.says("letter.pdf");
}

/// Nobody signs by a button that says nothing of a file that got lost, or of one that could not be taken.
#[tokio::test]
async fn a_chosen_file_that_got_lost_is_asked_for_again() {
    let gateway = gateway();
    let applicant = gateway.person(APPLICANT).await;
    send(&applicant, "draft", &[], &[("upload-letter", "old.pdf", LETTER)]).await.is(200);
    let old = applicant.get(FORM).await.between("name=\"answer-letter\" value=\"", "\"");
    // The page was opened before the session that sends it.
    let fields = [
        ("form_token", "of another session"),
        ("answer-letter", old.as_str()),
        ("answer-purpose", "Comparing"),
        ("do", "sign"),
    ];
    let body = multipart(&fields, &[("upload-letter", "new.pdf", LETTER)]);
    let kept_form = applicant.post_from_here(FORM, KIND, body).await;
    kept_form.is(403).says("Comparing").says("name=\"do\" value=\"again\"").says_not("value=\"sign\"");
    let again = [("lost", "upload-letter"), ("answer-letter", &old), ("answer-purpose", "Comparing"), ("do", "again")];
    let shown = applicant.post(FORM, &again).await;
    shown.is(422).says("Choose it again").says("href=\"#answer-letter\"").says("Comparing").says("old.pdf");
    assert_eq!(gateway.count("agreement.signed"), 0);
    // One that can't be taken leaves the one that was given before.
    let refused = send(&applicant, "sign", &[("answer-letter", &old)], &[("upload-letter", "new.pdf", b"words")]).await;
    refused.is(422).says("This takes PDF, PNG").says("old.pdf");
    let refused =
        send(&applicant, "sign", &[("answer-letter", &old)], &[("upload-letter", "new.exe", b"MZ\x90\0")]).await;
    refused.is(422).says("This takes PDF, PNG").says("old.pdf");
    assert_eq!(kept(&gateway), (2, 1), "the refused text waits for its day");
}

#[tokio::test]
async fn names_and_numbers_of_files_have_bounds() {
    let gateway = gateway();
    let applicant = gateway.person(APPLICANT).await;
    let token = api_token(&applicant, &gateway.accounts[APPLICANT].password, &["read", "apply"]).await;
    let program = Program::new(&gateway.url, Some(token));
    // A name that turns text around does not; a program is not saved under its own name.
    let odd = "letter%E2%80%AEfdp.hta";
    let handed = program.send_bytes(&format!("/uploads?name={odd}"), LETTER).await;
    assert_eq!(handed.is(201).text("/name"), "letterfdp.hta");
    let answer = handed.text("/answer").to_owned();
    let save = [("answer-letter", answer.as_str()), ("do", "draft")];
    applicant.post(FORM, &save).await.is(200);
    let again = applicant.get(FORM).await.between("name=\"answer-letter\" value=\"", "\"");
    applicant.post(FORM, &[("answer-letter", &again), ("do", "draft")]).await.is(200);
    let request = applicant.get("/projects").await.between("href=\"/requests/", "\"");
    let file = applicant.get(&format!("/requests/{request}/files/{}", handed.text("/id"))).await;
    assert!(file.header("content-disposition").contains("letterfdp.hta.pdf"), "{:?}", file.headers);
    // What is withdrawn takes the file along that nothing binds.
    applicant.post(&format!("/requests/{request}/withdraw"), &[]).await.is(200);
    assert_eq!(kept(&gateway), (0, 0));
    for n in 0..50 {
        program.send_bytes(&format!("/uploads?name={n}.txt"), b"x").await.is(201);
    }
    program.send_bytes("/uploads?name=one-more.txt", b"x").await.is(409);
    assert_eq!(kept(&gateway), (50, 0));
    // Nothing comes from an account whose address nobody has proved.
    let (newcomer, email) = (gateway.visitor(), "newcomer@elsewhere.example");
    let password = "a long enough password";
    newcomer.post("/register", &[("name", "New"), ("email", email), ("password", password)]).await.is(200);
    newcomer.sign_in(email, password).await;
    let shown = send(&newcomer, "draft", &[], &[("upload-letter", "letter.pdf", LETTER)]).await;
    shown.is(422).says("href=\"#answer-letter\"").says("Label noise");
    assert_eq!(kept(&gateway), (50, 0));
}

#[tokio::test]
async fn a_file_that_is_not_what_was_signed_is_not_sent() {
    let gateway = gateway();
    let applicant = gateway.person(APPLICANT).await;
    let request = path_of(&send(&applicant, "sign", &[], &[("upload-letter", "letter.pdf", LETTER)]).await);
    let auditor = gateway.person(AUDITOR).await;
    let case = auditor.get(&request.replace("/requests/", "/review/")).await;
    let address = format!("{request}/files/{}", case.between(&format!("href=\"{request}/files/"), "\""));
    auditor.get(&address).await.is(200);
    // A token of an auditor's that is for reviewing does not read what auditors read.
    let password = &gateway.accounts[AUDITOR].password;
    let reviewing = Program::new(&gateway.url, Some(api_token(&auditor, password, &["review"]).await));
    let over_api = format!("/api/v1{}", address.replace("/requests/", "/review/"));
    assert_eq!(reviewing.bytes(&over_api).await.0, 404);
    let auditing = Program::new(&gateway.url, Some(api_token(&auditor, password, &["review", "audit"]).await));
    assert_eq!(auditing.bytes(&over_api).await.0, 200);
    let other = "25504446";
    let bytes = match gateway.database() {
        countersign::store::AnyConnection::Sqlite(_) => format!("X'{other}'"),
        countersign::store::AnyConnection::Postgres(_) => format!("'\\x{other}'"),
    };
    run(&mut gateway.database(), &format!("UPDATE upload_parts SET bytes = {bytes}"));
    let broken = reqwest::Client::new().get(format!("{}{over_api}", gateway.url)).bearer_auth(auditing.token());
    let answer = broken.send().await;
    let got = match answer {
        Ok(answer) => answer.bytes().await.map_or(0, |bytes| bytes.len()),
        Err(_) => 0,
    };
    assert_eq!(got, 0, "none of it, for there is but one part");
}
