//! Much of everything: hundreds of requests, people of all names, an agreement of twenty pages with tables, words without
//! an end, thousands of files; at every width, in both themes and both languages.

use std::fmt::Write;

use countersign::app::App;
use countersign::config::Config;
use countersign::domain::access_request::signing::{CompleteForm, ProjectTerms, SigningForm, Terms};
use countersign::domain::form::Answers;
use countersign::domain::origin::Origin;
use countersign::domain::person::{Affiliation, AuthMethod, Roles};
use countersign::domain::project::{ProjectField, ProjectForm, WantedProject};
use countersign::domain::text::{Language, Secret, Slug};
use countersign::ledger::commands::access_requests::{Submission, submit};
use countersign::ledger::commands::people::{NewAccount, create};
use countersign::store::{agreements, datasets, forms};

use super::browser::{Screen, inspect};
use super::support::Gateway;
use super::support::browser::Driver;
use super::support::gateway::{ADMINISTRATOR, APPLICANT, AUDITOR, REVIEWER};

const DATASET: &str = "/datasets/crowded";
const FOLDER: &str = "/datasets/crowded?folder=a_folder_of_many";
const AGREEMENT: &str = "/agreements/crowded-terms";
const SIGN: &str = "/datasets/crowded/request";
const REQUESTS: usize = 300;
const FILES: usize = 5_000;
/// Longer than a phone is wide.
const WORD: &str = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsvorstandsmitgliederversammlungsprotokoll";
const NAMES: [&str; 6] = [
    "محمد بن عبد الله الخوارزمي",
    "👩🏽‍🔬 Ada Okafor 🧬",
    "國立臺灣大學醫學院附設醫院影像醫學部研究助理王小明",
    "Nguyễn Thị Minh Khai",
    "רחל כהן (Rachel Cohen)",
    "O",
];

/// Twenty pages, with tables wider than a phone and a line of code that never breaks.
fn long_agreement() -> String {
    let mut text = String::new();
    for section in 1..=20 {
        let _ = writeln!(text, "## {section}. What the recipient of the data undertakes, part {section}\n");
        for _ in 0..6 {
            text.push_str(
                &"The recipient keeps the data safe, tells nobody who is in it, and destroys it in the end. ".repeat(4),
            );
            text.push_str("\n\n");
        }
        let _ = writeln!(
            text,
            "| Field | Allowed | Where | How long | https://example.org/{path} |\n|---|---|---|---|---|\n\
             | `patient_identifier_{section}` | no | {WORD} | 12 months | yes |\n| age | yes | everywhere | for ever | no |\n\n\
             ```\nsha256sum --check --strict --ignore-missing SHA256SUMS --and-a-very-long-option={WORD}\n```\n",
            path = "a".repeat(120),
        );
    }
    text
}

/// The gateway's own parts beside it, as a command opens them.
fn open_beside(gateway: &Gateway) -> App {
    let file = std::fs::read_to_string(gateway.data_dir().join("countersign.toml")).unwrap();
    let mut table: toml::Table = file.parse().unwrap();
    if let Some((_, url)) = gateway.environment().into_iter().find(|(name, _)| name == "COUNTERSIGN_DATABASE_URL") {
        table.insert("database".into(), toml::Table::from_iter([("url".to_owned(), url.into())]).into());
    }
    App::open(Config::from_table(table).unwrap()).unwrap()
}

fn fill(gateway: &Gateway) {
    let files: Vec<(String, &[u8])> =
        (0..FILES).map(|n| (format!("a_folder_of_many/file_{n:05}_with_underscores.txt"), b"x".as_slice())).collect();
    let mut files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let (long, right) = (format!("{WORD}.csv"), "ملف البيانات.csv");
    files.extend([(long.as_str(), b"x".as_slice()), (right, b"x"), ("🧬 & <b>.txt", b"x")]);
    gateway.publish("crowded", "approval", &files);
    gateway.publish_agreement("crowded-terms", &long_agreement());
    let app = open_beside(gateway);
    let slug: Slug = "crowded".parse().unwrap();
    app.ledger
        .run_blocking(move |tx| {
            let dataset = datasets::by_slug(tx.conn, &slug)?.unwrap();
            let version = agreements::in_force(tx.conn, dataset.agreements[0])?.unwrap();
            let versions = [version.id];
            let form = forms::in_force(tx.conn, dataset.form.unwrap())?;
            let terms = Terms { agreements: vec![version], form, project: ProjectTerms::Asked };
            for n in 0..REQUESTS {
                let name = NAMES[n % NAMES.len()];
                let account = NewAccount {
                    email: format!("someone.with.a.long.address.{n}@faculty.of.many.words.example").parse().unwrap(),
                    name: name.parse().unwrap(),
                    affiliation: Affiliation::parse(WORD).unwrap(),
                    language: Language::English,
                    password_hash: Secret::new("none"),
                };
                let person = create(tx, &account, Roles::default()).unwrap();
                let purpose =
                    format!("{WORD} {name} 🧬 <script>alert(1)</script>\n\n{}", "https://example.org/".repeat(3));
                let answers = Answers::from([("purpose".to_owned(), purpose.replace('\n', " "))]);
                let project: ProjectForm = [
                    (ProjectField::Title, format!("{WORD} {name}")),
                    (ProjectField::Purpose, purpose.clone()),
                    (ProjectField::Institution, WORD.to_owned()),
                ]
                .into();
                let form = SigningForm {
                    shown: &versions,
                    form_version: terms.form_version(),
                    language: Language::English,
                    answers: &answers,
                    project: &project,
                    accepted: &versions,
                    consented: &versions,
                    typed_name: name,
                    account_name: name,
                    name_confirmed: true,
                };
                let form = CompleteForm::parse(&terms, &form).unwrap();
                let (dataset, proved_at) = (slug.clone(), tx.now);
                let auth_method = AuthMethod::Password;
                let (project, origin) = (WantedProject::Latest, Origin::default());
                submit(tx, &Submission { person, dataset, project, form, auth_method, proved_at, origin }).unwrap();
            }
            Ok(())
        })
        .unwrap();
}

/// Each width, each theme.
const SCREENS: [Screen; 4] = [(390, "dark"), (768, "light"), (1280, "light"), (1920, "dark")];

/// Looks at pages as one of the demo's people, in a language.
async fn walk(
    gateway: &Gateway,
    driver: &Driver,
    (who, language): (usize, &str),
    pages: &[(&str, &str)],
) -> Vec<String> {
    let browser = driver.browser(language).await;
    let account = &gateway.accounts[who];
    browser.sign_in(&gateway.url, &account.email, &account.password).await;
    let mut problems = Vec::new();
    for (name, path) in pages {
        browser.goto(&format!("{}{path}", gateway.url)).await;
        inspect(&browser, &format!("{language}-crowd-{name}"), &SCREENS, &mut problems).await;
    }
    browser.close().await;
    problems
}

#[tokio::test]
async fn pages_hold_much_of_everything() {
    let gateway = Gateway::start();
    std::thread::scope(|scope| scope.spawn(|| fill(&gateway)).join().unwrap());
    let driver = Driver::start().await;
    let reviewer = gateway.person(REVIEWER).await;
    let first = format!("/review/{}", reviewer.get("/review").await.between("href=\"/review/", "\""));
    let second = reviewer.get("/review").await.between("class=\"button\" href=\"/review", "\"").replace("&amp;", "&");
    let second = format!("/review{second}");
    let (english, chinese) = ("en-GB", "zh-TW");
    let walks = [
        walk(&gateway, &driver, (REVIEWER, english), &[("queue", "/review"), ("request", &first)]).await,
        walk(&gateway, &driver, (REVIEWER, chinese), &[("queue", &second), ("request", &first)]).await,
        walk(&gateway, &driver, (ADMINISTRATOR, english), &[("people", "/admin/people")]).await,
        walk(&gateway, &driver, (ADMINISTRATOR, chinese), &[("mail", "/admin/mail")]).await,
        walk(&gateway, &driver, (AUDITOR, chinese), &[("audit", "/admin/audit")]).await,
        walk(&gateway, &driver, (APPLICANT, english), &[("dataset", DATASET), ("sign", SIGN)]).await,
        walk(&gateway, &driver, (APPLICANT, chinese), &[("folder", FOLDER), ("agreement", AGREEMENT)]).await,
    ];
    let problems = walks.concat();
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}
