//! Walls: who may see and do what, for every page and every kind of person, compared with a table.

use std::collections::BTreeSet;

use super::support::api::{Program, api_token};
use super::support::gateway::{ADMINISTRATOR, APPLICANT, AUDITOR, OWNER, REVIEWER, STEWARD};
use super::support::people::{NIH, decide, make_token, submit_answers, submit_with};
use super::support::visitor::between;
use super::support::{Gateway, Visitor, until};

/// Everybody, by a letter: nobody; an applicant, a member of their project, a stranger; of the organisation that holds the data
/// a reviewer, a steward, an owner; of another one likewise; an administrator; an auditor.
pub const EVERYBODY: &str = "NAMSRTOQUVDI";
/// Those with an account.
pub const ACCOUNTS: &str = "AMSRTOQUVDI";

/// Pages, and who sees them. `{…}` stands for something of the world that the test makes.
const PAGES: &[(&str, &str)] = &[
    // Public.
    ("/", EVERYBODY),
    ("/datasets/nih-chest-xray", EVERYBODY),
    ("/datasets/nih-chest-xray/releases", EVERYBODY),
    ("/datasets.atom", EVERYBODY),
    ("/datasets/nih-chest-xray/releases.atom", EVERYBODY),
    ("/organisations/thorax/datasets.atom", EVERYBODY),
    ("/datasets/nih-chest-xray/releases/1", EVERYBODY),
    ("/datasets/nih-chest-xray/releases/2/tables", EVERYBODY),
    ("/datasets/nih-chest-xray/releases/2/pictures/0.jpg", EVERYBODY),
    ("/datasets/nih-chest-xray/releases/1/citation.bib", EVERYBODY),
    ("/organisations/thorax", EVERYBODY),
    ("/agreements/nih-chest-xray-dua", EVERYBODY),
    ("/agreements/nih-chest-xray-dua/versions/1", EVERYBODY),
    ("/agreements/nih-chest-xray-dua/changes", EVERYBODY),
    ("/forms/nih-chest-xray-application", EVERYBODY),
    ("/forms/nih-chest-xray-application/versions/1", EVERYBODY),
    // Whoever has signed in is led on.
    ("/login", "N"),
    ("/register", EVERYBODY),
    ("/password/forgot", EVERYBODY),
    ("/help", EVERYBODY),
    ("/api", EVERYBODY),
    // One's own.
    ("/account", ACCOUNTS),
    ("/account/tokens", ACCOUNTS),
    ("/account/tokens/api", ACCOUNTS),
    ("/today", ACCOUNTS),
    ("/projects", ACCOUNTS),
    ("/projects/new", ACCOUNTS),
    // Whoever waits or has access is led to that.
    ("/datasets/nih-chest-xray/request", "MRTOQUVDI"),
    ("/projects/{project}", "AM"),
    // What a project says is settled while a committee reads it.
    ("/projects/{project}/edit", ""),
    ("/requests/{request}", "AM"),
    ("/requests/{request}/sign", "M"),
    // Nobody has anything new to sign: whoever asks is sent to the request. `new_versions.rs` has those who do.
    ("/requests/{request}/new-versions", ""),
    ("/requests/{request}/files/{file}", "AROI"),
    ("/signatures/{signature}", "AROI"),
    ("/signatures/{signature}/receipt.json", "A"),
    // Deciding: the dataset's reviewers, the owners of its organisation, auditors.
    ("/review", "ROQVI"),
    ("/review.csv", "ROQVI"),
    ("/review/{request}", "ROI"),
    // What an organisation holds.
    ("/manage", "TOUVI"),
    ("/manage/overview", "TOUVI"),
    ("/manage/grants", "TOUVI"),
    ("/manage/grants.csv", "TOUVI"),
    ("/manage/datasets.csv", "TOUVI"),
    ("/manage/new-dataset", "TOUVI"),
    ("/manage/agreements", "TOUVI"),
    ("/manage/forms", "TOUVI"),
    ("/manage/committees", "TOUVI"),
    ("/manage/members", "TOUVI"),
    ("/manage/about", "TOUVI"),
    ("/manage/datasets/nih-chest-xray", "TOI"),
    ("/manage/datasets/draft", "TOI"),
    ("/manage/agreements/main", "TOI"),
    ("/manage/forms/main", "TOI"),
    ("/manage/committees/main", "TOI"),
    ("/manage/members/main", "TOI"),
    ("/manage/about/main", "TOI"),
    ("/manage/holidays/main", "TOI"),
    ("/manage/datasets/nih-chest-xray/edit", "TO"),
    ("/manage/datasets/nih-chest-xray/files", "TO"),
    ("/manage/new-dataset/main", "TO"),
    ("/manage/new-agreement/main", "TO"),
    ("/manage/agreements/main/nih-chest-xray-dua", "TO"),
    ("/manage/new-form/main", "TO"),
    ("/manage/forms/main/nih-chest-xray-application", "TO"),
    ("/manage/new-committee/main", "O"),
    ("/manage/committees/main/imaging", "O"),
    ("/manage/members/thorax", "UVI"),
    // A draft is seen by nobody else.
    ("/datasets/draft", ""),
    ("/datasets/draft/request", ""),
    ("/data/draft/", ""),
    // Running the gateway.
    ("/admin", "DI"),
    ("/admin/people", "DI"),
    ("/admin/people.csv", "DI"),
    ("/admin/people/{applicant}", "DI"),
    ("/admin/organisations", "DI"),
    ("/admin/audit", "I"),
    ("/admin/audit/0", "I"),
    ("/admin/mail", "D"),
];

/// Pages that are not in the table, and why.
const OTHERS: &[(&str, &str)] = &[
    ("/verify", "works by a link alone"),
    ("/password/reset", "works by a link alone"),
    ("/account/email", "works by a link alone"),
    ("/language/{tag}", "changes a cookie"),
    ("/admin/mail/{id}", "is there where mail lands in a folder; see the list"),
];

type Fields = &'static [(&'static str, &'static str)];

/// Forms, what they are sent, and who is not turned away as one who may not.
const FORMS: &[(&str, Fields, &str)] = &[
    ("/review", &[("verdict", "approve"), ("request", "00000000-0000-7000-8000-000000000000.1")], "ROQVI"),
    ("/review/{request}", &[("verdict", "approve"), ("round", "9")], "ROI"),
    ("/review/{request}", &[("verdict", "approve"), ("round", "9"), ("reason", "x"), ("as", "owner")], "ROI"),
    ("/manage/datasets/nih-chest-xray/retirement", &[("do", "reinstate")], "TO"),
    ("/manage/datasets/nih-chest-xray/suspension", &[("do", "restore")], "TO"),
    ("/manage", &[("dataset", "nothing-there"), ("reason", "")], "TOUVI"),
    ("/admin/people", &[("person", "00000000-0000-7000-8000-000000000000"), ("reason", "")], "D"),
    ("/manage/grants/revoke", &[("grant", "00000000-0000-7000-8000-000000000000"), ("reason", "")], "TOUVI"),
    ("/manage/grants/{grant}/end", &[("until", "2001-01-01"), ("reason", "x")], "TO"),
    ("/manage/grants/{grant}/suspension", &[("do", "resume")], "TO"),
    ("/manage/grants/{grant}/revoke", &[("reason", "x")], "TO"),
    ("/manage/datasets/nih-chest-xray/edit", &[("do", "save")], "TO"),
    ("/manage/datasets/draft/publish", &[], "TO"),
    ("/manage/datasets/nih-chest-xray/files", &[("source", "incoming"), ("path", ""), ("embargo", "x")], "TO"),
    ("/manage/datasets/nih-chest-xray/offer", &[("to", "nobody-there")], "O"),
    ("/manage/datasets/nih-chest-xray/releases/1", &[("do", "embargo"), ("until", "x")], "TO"),
    ("/manage/new-dataset/main", &[("do", "save")], "TO"),
    ("/manage/new-agreement/main", &[("do", "publish")], "TO"),
    ("/manage/agreements/main/nih-chest-xray-dua", &[("do", "publish")], "TO"),
    ("/manage/agreements/main/nih-chest-xray-dua/sign-by", &[("seen", "1")], "TO"),
    ("/manage/new-form/main", &[("do", "publish")], "TO"),
    ("/manage/forms/main/nih-chest-xray-application", &[("do", "publish")], "TO"),
    ("/manage/new-committee/main", &[("slug", "x y")], "O"),
    ("/manage/committees/main/imaging", &[("quorum", "x")], "O"),
    ("/manage/members/main", &[("email", "applicant@demo.example"), ("role", "steward")], "O"),
    ("/manage/members/main/role", &[("email", "owner@demo.example"), ("role", "owner")], "O"),
    ("/manage/about/main", &[("name.en", "")], "TOI"),
    ("/manage/holidays/main", &[("days", "x")], "TOI"),
    ("/admin/organisations", &[("slug", "x y")], "D"),
    ("/admin/organisations/thorax", &[("do", "restore")], "D"),
    ("/admin/people/{applicant}", &[("do", "restore")], "D"),
    ("/admin/audit/export", &[("format", "csv")], "I"),
];

pub struct World {
    pub people: Vec<(char, Visitor)>,
    places: Vec<(&'static str, String)>,
}

const PASSWORD: &str = "a long enough password";

/// The password of somebody in the world.
pub fn password_of(gateway: &Gateway, letter: char) -> String {
    let demo = [('A', APPLICANT), ('R', REVIEWER), ('T', STEWARD), ('O', OWNER), ('D', ADMINISTRATOR), ('I', AUDITOR)];
    let known = demo.into_iter().find(|(own, _)| *own == letter);
    known.map_or_else(|| PASSWORD.to_owned(), |(_, account)| gateway.accounts[account].password.clone())
}

/// Somebody with an account of their own, whose address is proved.
async fn citizen(gateway: &Gateway, name: &str) -> Visitor {
    let (visitor, email) = (gateway.visitor(), format!("{name}@elsewhere.example"));
    visitor.post("/register", &[("name", name), ("email", &email), ("password", PASSWORD)]).await.is(200);
    visitor.sign_in(&email, PASSWORD).await;
    let mail = gateway.mail_to(&email, "Verify your address").await;
    let link = between(&mail.text, "/verify?link=", "\n").unwrap();
    visitor.post("/verify", &[("link", link.trim())]).await.is(200);
    visitor
}

/// A file of the applicant's that can be an answer: its id, and the answer.
pub async fn hand_in(gateway: &Gateway, applicant: &Visitor, name: &str) -> (String, String) {
    let token = api_token(applicant, &password_of(gateway, 'A'), &["apply"]).await;
    let program = Program::new(&gateway.url, Some(token));
    let handed = program.send_bytes(&format!("/uploads?name={name}"), b"%PDF-1.7\n%%EOF\n").await;
    (handed.is(201).text("/id").to_owned(), handed.text("/answer").to_owned())
}

/// Two organisations with everybody in them, a request that waits, one that was granted, a draft.
pub async fn world(gateway: &Gateway) -> World {
    let [applicant, reviewer, steward, owner, administrator, auditor] = [
        gateway.person(APPLICANT).await,
        gateway.person(REVIEWER).await,
        gateway.person(STEWARD).await,
        gateway.person(OWNER).await,
        gateway.person(ADMINISTRATOR).await,
        gateway.person(AUDITOR).await,
    ];
    let [member, stranger, other_reviewer, other_steward, other_owner] = [
        citizen(gateway, "member").await,
        citizen(gateway, "stranger").await,
        citizen(gateway, "other-reviewer").await,
        citizen(gateway, "other-steward").await,
        citizen(gateway, "other-owner").await,
    ];
    // The other organisation, with a dataset that its own committee decides about.
    gateway.cli_text(&["organisation", "make", "thorax", "--name", "Thorax Institute"]);
    for (email, role) in [("other-owner", "owner"), ("other-steward", "steward")] {
        let email = format!("{email}@elsewhere.example");
        let arguments = ["organisation", "appoint", "--organisation", "thorax", "--email", &email, "--role", role];
        gateway.cli_text(&arguments);
    }
    let home = gateway.scratch().join("thorax");
    std::fs::create_dir_all(home.join("files")).unwrap();
    std::fs::write(home.join("terms.md"), "Be good.").unwrap();
    let agreement = "organisation = \"thorax\"\nslug = \"thorax-terms\"\ntitle = \"Terms\"\nstatement = \"I agree.\"\n\
                     consent = \"I consent.\"\n[texts]\nen = \"terms.md\"\n";
    std::fs::write(home.join("agreement.toml"), agreement).unwrap();
    let dataset = "organisation = \"thorax\"\nslug = \"thorax-scans\"\ntitle = \"Scans\"\nsummary = \".\"\n\
                   description = \".\"\nlicence = \"CC0\"\npublisher = \"Us\"\nroot = \"files\"\nmode = \"approval\"\n\
                   agreements = [\"thorax-terms\"]\nreviewers = [\"other-reviewer@elsewhere.example\"]\n";
    std::fs::write(home.join("dataset.toml"), dataset).unwrap();
    gateway.cli_text(&["agreement", "publish", home.join("agreement.toml").to_str().unwrap()]);
    gateway.cli_text(&["dataset", "import", home.join("dataset.toml").to_str().unwrap()]);
    // A draft of the first.
    let draft = [
        ("title.en", "A draft"),
        ("slug", "draft"),
        ("mode", "open"),
        ("grant_days", "1"),
        ("later_releases", "included"),
        ("later_members", "included"),
        ("preview", "nothing"),
        ("do", "save"),
    ];
    steward.post("/manage/new-dataset/main", &draft).await.is(200);
    // A request that waits, of a project with a member; and one that was approved.
    let granted = submit_with(&stranger, NIH, "Reading.").await;
    decide(&reviewer, &granted, "approve", "").await.is(200);
    let grant = owner.get("/manage/grants").await.between("/manage/grants/", "/end");
    let (file, answer) = hand_in(gateway, &applicant, "decision.pdf").await;
    let answers = [("answer-commercial", "no"), ("answer-ethics", "yes"), ("answer-approval", answer.as_str())];
    let request = submit_answers(&applicant, NIH, &answers).await;
    let page = applicant.get(&request).await;
    let project = page.between("href=\"/projects/", "\"");
    let signature = page.between("href=\"/signatures/", "\"");
    let invitation = [("email", "member@elsewhere.example")];
    applicant.post(&format!("/projects/{project}/members"), &invitation).await.is(200);
    member.post(&format!("/projects/{project}/join"), &[]).await.is(200);
    let id = administrator.get("/admin/people?q=applicant").await;
    let id = id.between("<td role=\"cell\" class=\"keep\"><a href=\"/admin/people/", "\"");
    let request = request.trim_start_matches("/requests/").to_owned();
    World {
        people: vec![
            ('N', gateway.visitor()),
            ('A', applicant),
            ('M', member),
            ('S', stranger),
            ('R', reviewer),
            ('T', steward),
            ('O', owner),
            ('Q', other_reviewer),
            ('U', other_steward),
            ('V', other_owner),
            ('D', administrator),
            ('I', auditor),
        ],
        places: vec![
            ("{project}", project),
            ("{request}", request),
            ("{file}", file),
            ("{signature}", signature),
            ("{grant}", grant),
            ("{applicant}", id),
        ],
    }
}

impl World {
    pub fn address(&self, path: &str) -> String {
        self.places.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value))
    }
}

/// Whether somebody sees a page: not turned away, and not sent elsewhere, but to what they chose by choosing nothing.
async fn sees(visitor: &Visitor, path: &str) -> bool {
    let answer = visitor.get(path).await;
    let there = reqwest::Url::parse(&answer.url).unwrap();
    answer.status.as_u16() == 200 && there.path().starts_with(path)
}

/// Whether somebody is turned away as one who may not, or has to sign in first.
async fn is_turned_away(visitor: &Visitor, path: &str, fields: &[(&str, &str)]) -> bool {
    let answer = visitor.post(path, fields).await;
    matches!(answer.status.as_u16(), 401 | 403 | 404) || answer.url.contains("/login")
}

#[tokio::test]
async fn everybody_sees_and_does_what_the_table_says_and_nothing_else() {
    let gateway = Gateway::start_with_previews();
    let world = world(&gateway).await;
    let mut wrong = Vec::new();
    for (path, expected) in PAGES {
        let mut seen = String::new();
        for (letter, visitor) in &world.people {
            if sees(visitor, &world.address(path)).await {
                seen.push(*letter);
            }
        }
        if seen != *expected {
            wrong.push(format!("{path}: {seen}, not {expected}"));
        }
    }
    for (path, fields, expected) in FORMS {
        // Those who may not come first: whoever may can change what there is to see.
        let mut done = String::new();
        for (letter, visitor) in &world.people {
            if !is_turned_away(visitor, &world.address(path), fields).await {
                done.push(*letter);
            }
        }
        if done != *expected {
            wrong.push(format!("POST {path} {fields:?}: {done}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    gateway.verify_log();
}

#[test]
fn every_page_is_in_the_table_or_has_a_reason() {
    let routes = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/routes.rs")).unwrap();
    let pages = routes.split("fn pages(").nth(1).unwrap();
    let mut found: BTreeSet<String> = BTreeSet::new();
    for call in ["page(", "page_and_form("] {
        for (at, _) in pages.match_indices(call) {
            let rest = pages[at + call.len()..].trim_start();
            if let Some(path) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                found.insert(path.to_owned());
            }
        }
    }
    assert!(found.len() > 50, "{found:?}");
    // A place of a path stands for any part.
    let fits = |route: &str, path: &str| {
        let (route, path): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
        route.len() == path.len() && route.iter().zip(&path).all(|(a, b)| a == b || a.contains('{'))
    };
    let known = PAGES.iter().map(|(path, _)| *path).chain(OTHERS.iter().map(|(path, _)| *path));
    let known: Vec<&str> = known.collect();
    let missing: Vec<&String> = found.iter().filter(|route| !known.iter().any(|path| fits(route, path))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What is refused is recorded, with who asked for what; and whoever tries many doors fills no log.
#[tokio::test]
async fn what_is_refused_is_recorded() {
    let gateway = Gateway::start();
    let world = world(&gateway).await;
    let request = world.address("{request}");
    let of = |letter: char| world.people.iter().find(|(own, _)| *own == letter).map(|(_, person)| person).unwrap();
    let refused = || -> Vec<serde_json::Value> {
        let events = gateway.events();
        events
            .into_iter()
            .map(|line| line["event"].clone())
            .filter(|event| event["action"] == "access.refused")
            .collect()
    };
    assert_eq!(refused(), Vec::<serde_json::Value>::new());
    // What is nobody's, or everybody's, is no refusal.
    of('S').get("/datasets/no-such-thing").await.is(404);
    of('S').get("/no/such/page").await.is(404);
    gateway.visitor().get(&format!("/review/{request}")).await;
    of('S').get(&format!("/review/{request}")).await.is(404);
    // An applicant's own request, decided by nobody else than the committee.
    of('A').post(&format!("/review/{request}"), &[("verdict", "approve"), ("round", "1")]).await.is(404);
    of('U').get("/manage/datasets/nih-chest-xray").await.is(404);
    let token = api_token(of('S'), &password_of(&gateway, 'S'), &["read"]).await;
    let program = Program::new(&gateway.url, Some(token));
    program.get(&format!("/requests/{request}")).await.is(404);
    program.get("/manage/datasets").await.is(403);
    // A token for downloads is good for nothing here.
    let download = make_token(of('S'), &[NIH], "").await;
    Program::new(&gateway.url, Some(download)).get("/projects").await.is(403);
    // A steward may not open what its owner has gated: refused in the form, and recorded all the same.
    let edit = "/manage/datasets/nih-chest-xray/edit";
    let page = of('T').get(edit).await;
    let opened = [("seen", page.is(200).between("name=\"seen\" value=\"", "\"")), ("mode", "open".to_owned())];
    let usual = [("title.en", "NIH Chest X-ray Dataset"), ("grant_days", "365"), ("later_releases", "included")];
    let mut fields: Vec<(&str, &str)> = opened.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fields.extend(usual);
    fields.extend([("later_members", "included"), ("preview", "nothing"), ("do", "save")]);
    of('T').post(edit, &fields).await.is(422);
    let seen: Vec<(String, String, String)> = until("the events", || async {
        let text = |event: &serde_json::Value, name: &str| event["details"][name].as_str().unwrap().to_owned();
        let seen =
            refused().iter().map(|e| (text(e, "method"), text(e, "address"), text(e, "reason"))).collect::<Vec<_>>();
        (seen.len() >= 7).then_some(seen)
    })
    .await;
    let expected = [
        ("GET", "/review/{id}", "not-found"),
        ("POST", "/review/{id}", "not-found"),
        ("GET", "/manage/datasets/{slug}", "not-found"),
        ("GET", "/api/v1/requests/{id}", "not-found"),
        ("GET", "/api/v1/manage/datasets", "insufficient-scope"),
        ("GET", "/api/v1/projects", "insufficient-scope"),
        ("POST", "/manage/datasets/{slug}/edit", "not-allowed"),
    ];
    let expected = expected.map(|(method, address, reason)| (method.to_owned(), address.to_owned(), reason.to_owned()));
    assert_eq!(seen, expected);
    let lines = gateway.events();
    let lines: Vec<_> = lines.iter().filter(|line| line["event"]["action"] == "access.refused").collect();
    // What was typed in the address may be anything: it is personal.
    assert_eq!(lines[0]["private"]["data"]["named"][0], request.clone());
    assert!(lines[0]["event"]["details"].get("named").is_none() && lines[0]["event"]["outcome"] == "refused");
    assert_eq!(lines[2]["event"]["dataset"], NIH);
    for _ in 0..120 {
        of('S').get(&format!("/review/{request}")).await.is(404);
    }
    let last = || refused().pop().is_some_and(|event| event["details"]["reason"] == "not-recorded-further");
    until("the end of it", || async { last().then_some(()) }).await;
    // Fifty, of those that are no token's scope, and the one that says so.
    let by = refused().pop().unwrap()["actor"]["id"].clone();
    let is_counted =
        |event: &serde_json::Value| event["actor"]["id"] == by && event["details"]["reason"] != "insufficient-scope";
    assert_eq!(refused().iter().filter(|event| is_counted(event)).count(), 51);
    gateway.verify_log();
}

/// Everything in the addresses that are guarded belongs to somebody: each of them is refused to a stranger, and no address with a
/// name in it that strangers are refused is left out.
#[test]
fn guarded_addresses_are_those_that_strangers_are_refused() {
    let source = include_str!("../../src/web/auth/refused_access.rs");
    let list = source.split("pub const GUARDED").nth(1).unwrap().split("];").next().unwrap();
    let guarded: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    assert!(guarded.len() > 5, "{guarded:?}");
    for (page, who) in PAGES {
        let named = page.contains('{') && !page.starts_with("/account/tokens/api");
        if named && !who.contains('S') {
            assert!(guarded.iter().any(|beginning| page.starts_with(beginning)), "{page} is not guarded");
        }
    }
}
