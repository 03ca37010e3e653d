//! Bad input everywhere: a clear answer, everything typed still there, and never a status of 500.

use super::support::gateway::{ADMINISTRATOR, APPLICANT, AUDITOR, OWNER, REVIEWER};
use super::support::people::NIH;
use super::support::{Gateway, Visitor};

/// Things that people and programs type where they should not.
fn nasty() -> Vec<String> {
    vec![
        String::new(),
        " ".into(),
        "'; DROP TABLE people; --".into(),
        "\"><script>alert(1)</script>".into(),
        "\u{0}".into(),
        "a\u{0}b".into(),
        "\u{202e}abc\u{200b}".into(),
        "../../etc/passwd".into(),
        "%s%n%2e%2e".into(),
        "🩻".repeat(300),
        "x".repeat(100_000),
        "-1".into(),
        "99999999999999999999999999".into(),
        "NaN".into(),
        "{{7*7}}".into(),
        "ª𝔘𝔫𝔦".into(),
        "\r\nSet-Cookie: x=y".into(),
        "%_\\".into(),
    ]
}

const FORMS: &[(&str, &[&str])] = &[
    ("/register", &["name", "email", "affiliation", "password"]),
    ("/login", &["email", "password", "next"]),
    ("/verify", &["link"]),
    ("/password/forgot", &["email"]),
    ("/password/reset", &["link", "password"]),
    ("/account", &["name", "affiliation", "language"]),
    ("/account/password", &["old_password", "password"]),
    ("/account/email", &["new_email", "email_password"]),
    ("/account/email/confirm", &["link"]),
    ("/account/tokens", &["name", "datasets", "project", "days", "paths"]),
    ("/account/tokens/api", &["name", "days", "scope", "password"]),
    ("/account/tokens/x/revoke", &[]),
    ("/account/tokens/00000000-0000-0000-0000-000000000000/revoke", &[]),
    (
        "/datasets/nih-chest-xray/request",
        &[
            "do",
            "version",
            "form_version",
            "language",
            "draft",
            "answer-storage",
            "answer-product",
            "project-title",
            "project-purpose",
            "project-institution",
            "project-from",
            "project-until",
            "project-lay-summary",
            "project",
            "answer-commercial",
            "answer-ethics",
            "typed_name",
            "name_asked",
            "accept",
            "consent",
        ],
    ),
    ("/datasets/nope/request", &["do"]),
    ("/projects/new", PROJECT),
    ("/projects/00000000-0000-0000-0000-000000000000/edit", PROJECT),
    ("/projects/00000000-0000-0000-0000-000000000000/end", &[]),
    ("/projects/00000000-0000-0000-0000-000000000000/members", &["email"]),
    ("/projects/00000000-0000-0000-0000-000000000000/members/remove", &["email"]),
    ("/projects/00000000-0000-0000-0000-000000000000/join", &[]),
    ("/projects/00000000-0000-0000-0000-000000000000/leave", &[]),
    (
        "/requests/00000000-0000-0000-0000-000000000000/sign",
        &["version", "language", "accept", "consent", "typed_name"],
    ),
    (
        "/requests/00000000-0000-0000-0000-000000000000/new-versions",
        &["version", "language", "accept", "consent", "typed_name"],
    ),
    ("/manage/agreements/main/nih-chest-xray-dua/sign-by", &["seen", "last_day"]),
    ("/review/00000000-0000-0000-0000-000000000000/members/remove", &["email", "member-reason"]),
    ("/requests/x/withdraw", &[]),
    ("/requests/00000000-0000-0000-0000-000000000000/withdraw", &[]),
    ("/review/00000000-0000-0000-0000-000000000000", &["verdict", "round", "comment", "reason", "as"]),
    ("/manage/datasets/nih-chest-xray/retirement", &["do", "retirement"]),
    ("/manage/datasets/nih-chest-xray/suspension", &["do", "reason"]),
    ("/manage/grants/00000000-0000-0000-0000-000000000000/revoke", &["reason"]),
    ("/manage/grants/00000000-0000-0000-0000-000000000000/end", &["until", "reason"]),
    ("/manage", &["dataset", "reason", "q", "state", "order", "after"]),
    ("/admin/people", &["person", "reason", "q", "state", "order", "after"]),
    ("/manage/grants/revoke", &["grant", "reason", "q", "state", "order", "after"]),
    ("/manage/join/main", &[]),
    ("/manage/datasets/nih-chest-xray/offer", &["to"]),
    ("/manage/datasets/nih-chest-xray/answer", &["do", "committee"]),
    ("/manage/datasets/nih-chest-xray/publish", &[]),
    (
        "/manage/datasets/nih-chest-xray/files",
        &["source", "path", "note", "embargo", "exclude", "manifest", "leave_out"],
    ),
    ("/manage/datasets/nih-chest-xray/imports/00000000-0000-0000-0000-000000000000/cancel", &[]),
    ("/manage/datasets/nih-chest-xray/releases/1", &["do", "reason", "until"]),
    ("/manage/new-dataset/main", DATASET),
    ("/manage/datasets/nih-chest-xray/edit", DATASET),
    ("/manage/new-agreement/main", AGREEMENT),
    ("/manage/agreements/main/nih-chest-xray-dua", AGREEMENT),
    ("/manage/new-form/main", FORM),
    ("/manage/forms/main/nih-chest-xray-application", FORM),
    ("/manage/members/main", &["email", "role"]),
    ("/manage/members/main/role", &["email", "role"]),
    ("/manage/members/main/remove", &["email"]),
    ("/manage/holidays/main", &["days", "seen"]),
    ("/manage/about/main", &["name.en", "name.zh-TW", "about.en", "about.zh-TW", "seen"]),
    ("/manage/new-committee/main", &["name.en", "name.zh-TW", "slug", "members", "quorum"]),
    ("/manage/committees/main/imaging", &["name.en", "name.zh-TW", "members", "quorum", "seen"]),
    ("/admin/organisations", &["name.en", "name.zh-TW", "slug", "email"]),
    ("/admin/organisations/main", &["do", "reason", "owner-email"]),
    ("/admin/people/00000000-0000-0000-0000-000000000000", &["do", "reason", "administrator"]),
    ("/admin/audit/export", &["format", "person", "dataset", "action", "since", "until"]),
];

const DATASET: &[&str] = &[
    "title.en",
    "slug",
    "summary.en",
    "description.en",
    "publisher.zh-TW",
    "licence",
    "tags",
    "related",
    "info.0.name",
    "info.0.en",
    "info.29.zh-TW",
    "mode",
    "agreement",
    "form",
    "committee",
    "grant_days",
    "later_releases",
    "later_members",
    "preview",
    "position",
    "seen",
    "do",
];

const AGREEMENT: &[&str] =
    &["title.en", "slug", "kind", "texts.en", "texts.zh-TW", "binding", "statement.en", "consent.en", "seen", "do"];

const FORM: &[&str] = &[
    "title.en",
    "slug",
    "s0.id",
    "s0.title.en",
    "s0.help.en",
    "q0.id",
    "q0.section",
    "q0.kind",
    "q0.label.en",
    "q0.options",
    "q0.min",
    "q0.max",
    "q0.min_length",
    "q0.if",
    "q0.is",
    "q199.label.en",
    "q9999999999999999999999.label.en",
    "seen",
    "do",
];

const PROJECT: &[&str] = &[
    "project-title",
    "project-purpose",
    "project-institution",
    "project-from",
    "project-until",
    "project-lay-summary",
    "seen",
];

const QUERIES: &[(&str, &[&str])] = &[
    (
        "/",
        &["q", "mode", "own", "organisation", "format", "size", "changed", "licence", "tag", "sort", "after", "notice"],
    ),
    ("/today", &["notice"]),
    ("/datasets/nih-chest-xray", &["folder", "after", "after_folder", "notice"]),
    ("/agreements/nih-chest-xray-dua", &["language"]),
    ("/agreements/nih-chest-xray-dua/changes", &["from", "to", "language"]),
    ("/forms/nih-chest-xray-application", &["language"]),
    ("/datasets/nih-chest-xray/releases", &["after"]),
    ("/datasets/nih-chest-xray/releases/1", &["list", "after"]),
    ("/login", &["next", "notice"]),
    ("/verify", &["link"]),
    ("/password/reset", &["link"]),
    ("/language/en", &["to"]),
    ("/projects", &["after", "after_request"]),
    ("/datasets/nih-chest-xray/request", &["project"]),
    ("/review", &["q", "state", "order", "of", "after", "notice"]),
    ("/account", &["after", "before", "notice"]),
    ("/account/tokens", &["after", "notice"]),
    ("/manage", &["q", "state", "order", "after", "notice"]),
    ("/manage/members", &["after", "notice"]),
    ("/manage/datasets/nih-chest-xray", &["notice"]),
    ("/manage/datasets/nih-chest-xray/files", &["source", "path"]),
    ("/admin/organisations", &["after", "notice"]),
    ("/manage/grants", &["q", "state", "order", "after"]),
    ("/manage/grants.csv", &["q", "state", "order"]),
    ("/manage/datasets.csv", &["q", "state", "order"]),
    ("/admin/people", &["q", "state", "order", "after"]),
    ("/admin/people.csv", &["q", "state", "order"]),
    ("/admin/audit", &["person", "dataset", "action", "since", "until", "before"]),
    ("/admin/mail", &["after"]),
    ("/data/tsung-yeh-guided-tours/", &["C", "access_token"]),
];

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[track_caller]
fn is_clear(what: &str, answer: &super::support::Answer) {
    let status = answer.status.as_u16();
    assert!(status < 500, "{what}: {status}\n{}", answer.body);
    for internal in ["panicked", "diesel", "SELECT ", "/src/", "RUST_"] {
        assert!(!answer.body.contains(internal), "{what} leaks {internal}");
    }
    assert!(!answer.body.contains("<script>alert"), "{what}: not escaped");
    assert!(answer.header("set-cookie").is_empty() || !answer.header("set-cookie").contains("x=y"), "{what}");
}

#[tokio::test]
async fn every_form_takes_anything_calmly() {
    let gateway = Gateway::start();
    let people = [
        gateway.visitor(),
        gateway.person(APPLICANT).await,
        gateway.person(REVIEWER).await,
        gateway.person(ADMINISTRATOR).await,
        gateway.person(AUDITOR).await,
        gateway.person(OWNER).await,
    ];
    // Each goes through all forms; they do so at once.
    futures_util::future::join_all(people.iter().map(hand_in_nonsense)).await;
    gateway.verify_log();
}

/// Hands in every form filled with the same kind of nonsense, one kind at a time.
async fn hand_in_nonsense(person: &Visitor) {
    for (path, fields) in FORMS {
        let token = person.form_token().await;
        for text in nasty() {
            if text.len() > 50_000 && fields.len() > 2 {
                continue;
            }
            let mut form: Vec<(&str, &str)> = fields.iter().map(|field| (*field, text.as_str())).collect();
            form.push(("form_token", &token));
            let answer = person.post_raw(path, &form).await;
            is_clear(&format!("{path} with {:?}", text.chars().take(20).collect::<String>()), &answer);
        }
    }
}

#[tokio::test]
async fn every_address_takes_anything_calmly() {
    let gateway = Gateway::start();
    let people = [gateway.person(ADMINISTRATOR).await, gateway.person(AUDITOR).await];
    let [administrator, auditor] = &people;
    for (path, fields) in QUERIES {
        let reader = if path.starts_with("/manage") || *path == "/admin/audit" { auditor } else { administrator };
        for field in *fields {
            for text in nasty().iter().filter(|text| text.len() < 5_000) {
                let answer = reader.get(&format!("{path}?{field}={}", encoded(text))).await;
                is_clear(&format!("{path}?{field}={text:?}"), &answer);
            }
            is_clear(path, &reader.get(&format!("{path}?{field}=%ff%fe%00")).await);
            is_clear(path, &reader.get(&format!("{path}?{field}")).await);
        }
    }
    for prefix in [
        "/datasets/",
        "/requests/",
        "/projects/",
        "/signatures/",
        "/forms/",
        "/review/",
        "/admin/people/",
        "/admin/mail/",
        "/organisations/",
        "/manage/members/",
        "/manage/committees/main/",
        "/manage/datasets/",
        "/manage/agreements/main/",
        "/manage/forms/main/",
        "/data/",
        "/log/tile/",
        "/assets/x/",
        "/language/",
    ] {
        for text in nasty().iter().filter(|text| text.len() < 5_000) {
            let answer = administrator.get(&format!("{prefix}{}", encoded(text))).await;
            is_clear(&format!("{prefix}{text:?}"), &answer);
        }
    }
}

#[tokio::test]
async fn what_was_typed_comes_back_with_the_error_beside_it() {
    let gateway = Gateway::start();
    let visitor = gateway.visitor();
    let fields = [("name", "Ada <b>"), ("email", "not an address"), ("affiliation", "Uni & Co"), ("password", "short")];
    let page = visitor.post("/register", &fields).await;
    page.is(422).says("value=\"Ada &#60;b&#62;\"").says("value=\"not an address\"").says("value=\"Uni &#38; Co\"");
    page.says("id=\"email-error\">Type an e-mail address")
        .says("id=\"password-error\">Use at least 12")
        .says_not("short");
    page.says("href=\"#email\"");
    let applicant = gateway.person(APPLICANT).await;
    let page = applicant
        .post(
            &format!("/datasets/{NIH}/request"),
            &[
                ("do", "sign"),
                ("project-purpose", "Too short."),
                ("answer-commercial", "no"),
                ("project-until", "soon"),
            ],
        )
        .await;
    page.is(422)
        .says("Too short.")
        .says("Write at least 40 characters")
        .says("Give a date")
        .says("Tick the box to say that you accept");
    page.says("value=\"no\" checked").says("Type your full name to sign");
    let page = applicant.post("/account", &[("name", ""), ("affiliation", "Kept here"), ("language", "en")]).await;
    page.is(422).says("Type your full name").says("Kept here");
    gateway.granted().await;
    let page = applicant
        .post("/account/tokens", &[("name", "Mine"), ("datasets", NIH), ("days", "500"), ("paths", "/x/../y")])
        .await;
    page.is(422).says("value=\"Mine\"").says("from 1 to 90").says("is not a path").says("/x/../y");
}

#[tokio::test]
async fn forms_from_elsewhere_are_refused() {
    let gateway = Gateway::start();
    let applicant = gateway.person(APPLICANT).await;
    for token in ["", "wrong", &"0".repeat(64)] {
        applicant.post_raw("/account", &[("name", "Mallory M"), ("form_token", token)]).await.is(403).says("too old");
    }
    let other = gateway.person(REVIEWER).await.form_token().await;
    applicant.post_raw("/account", &[("name", "Mallory M"), ("form_token", &other)]).await.is(403);
    gateway.visitor().post_raw("/login", &[("email", "a@b.c"), ("password", "x")]).await.is(403);
    applicant.get("/account").await.says_not("Mallory");
}

/// Addresses that are only read.
const READ: [&str; 9] = [
    "/",
    "/datasets/nih-chest-xray",
    "/today",
    "/log/checkpoint",
    "/log/tile/0/000.p/1",
    "/healthz",
    "/readyz",
    "/.well-known/jwks.json",
    "/data/nih-chest-xray/README.txt",
];

#[tokio::test]
async fn whatever_is_read_can_be_asked_about() {
    let gateway = Gateway::start();
    // One connection, so that a body where none may be is taken for the next answer.
    let client = reqwest::Client::builder().pool_max_idle_per_host(1).build().unwrap();
    for path in READ.into_iter().chain(["/login", "/log/proof/inclusion", "/nowhere"]) {
        let url = format!("{}{path}", gateway.url);
        let (head, get) = (client.head(&url).send().await.unwrap(), client.get(&url).send().await.unwrap());
        assert_eq!(head.status(), get.status(), "{path}");
        for name in ["content-type", "content-length", "cache-control"] {
            assert_eq!(head.headers().get(name), get.headers().get(name), "{path} {name}");
        }
        assert_eq!(head.bytes().await.unwrap().len(), 0, "{path}");
    }
}

#[tokio::test]
async fn bodies_of_the_wrong_kind_and_size() {
    let gateway = Gateway::start();
    let visitor = gateway.visitor();
    visitor.get("/login").await;
    visitor.post_body("/login", "application/json", b"{}".to_vec()).await.is(400).says("forms of this site");
    visitor.post_body("/login", "application/x-www-form-urlencoded", vec![b'a'; 300_000]).await.is(413);
    visitor.post_body("/login", "application/x-www-form-urlencoded", vec![0xff; 1000]).await.is(403);
    for path in READ {
        let answer = visitor.post_body(path, "text/plain", Vec::new()).await;
        assert_eq!(answer.is(405).header("allow"), "GET, HEAD", "{path}");
    }
    assert_eq!(visitor.get("/logout").await.is(405).header("allow"), "POST");
    let put = reqwest::Client::new().put(format!("{}/login", gateway.url)).send().await.unwrap();
    assert_eq!((put.status().as_u16(), put.headers()["allow"].to_str().unwrap()), (405, "GET, HEAD, POST"));
    // Programs get a problem document.
    let problem = reqwest::get(format!("{}/nowhere", gateway.url)).await.unwrap();
    assert_eq!(problem.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down() {
    let gateway = Gateway::start();
    let visitor = gateway.visitor();
    let fields = [("email", "applicant@demo.example"), ("password", "guess guess guess")];
    for _ in 0..10 {
        visitor.post("/login", &fields).await.is(422).says("is not right").says("applicant@demo.example");
    }
    let answer = visitor.post("/login", &fields).await;
    answer.is(429).says("Wait a quarter of an hour");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
    assert_eq!(gateway.count("session.refused"), 10);
}

/// Headers that every page carries.
#[tokio::test]
async fn pages_carry_their_guards() {
    let gateway = Gateway::start();
    for path in ["/", "/login", "/nowhere", "/data/tsung-yeh-guided-tours/"] {
        let answer = Visitor::new(&gateway.url).get(path).await;
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
    }
    let visitor = gateway.visitor();
    let page = visitor.get("/login").await;
    let cookie = page.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
}

#[tokio::test]
async fn a_form_from_before_signing_in_again_is_not_lost() {
    let gateway = Gateway::start();
    let client = reqwest::Client::builder().cookie_store(true).build().unwrap();
    let typed = "A purpose that took an hour to write, and that nobody wants to write again.";
    let secret = "not-to-come-back";
    let fields = [
        ("form_token", "of-another-time"),
        ("typed_name", "Mei-Ling Chen"),
        ("project-purpose", typed),
        ("password", secret),
        ("old_password", secret),
        ("email_password", secret),
        ("link", secret),
    ];
    let url = format!("{}/datasets/{NIH}/request", gateway.url);
    let page = |origin: String| {
        let request = client.post(&url).header("origin", origin).header("accept", "text/html").form(&fields);
        async move {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 403);
            answer.text().await.unwrap()
        }
    };
    let shown = page(gateway.url.clone()).await;
    assert!(shown.contains(typed) && shown.contains("value=\"Mei-Ling Chen\""), "{shown}");
    assert!(!shown.contains(secret), "{shown}");
    assert!(shown.contains(&format!("action=\"/datasets/{NIH}/request\"")), "{shown}");
    let shown = page("https://evil.example".to_owned()).await;
    assert!(!shown.contains(typed), "another site's form is not sent by a button of ours");
}
