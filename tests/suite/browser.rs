//! The whole way in a real browser, in both languages, and every page under the accessibility checker, narrow and wide,
//! light and dark.

use std::path::Path;
use std::process::Command;

use countersign::domain::TimeSpan;
use countersign::domain::day::Day;

use super::audit::count;
use super::support::browser::{Browser, Driver};
use super::support::gateway::{ADMINISTRATOR, APPLICANT, AUDITOR, OTHER_REVIEWER, OWNER, REVIEWER, STEWARD};
use super::support::people::{NIH, TABLE, submit_with};
use super::support::visitor::between;
use super::support::{Gateway, sha256, until};

struct Words {
    language: &'static str,
    name: &'static str,
    email: &'static str,
    purpose: &'static str,
    better: &'static str,
    verify: &'static str,
    returned: &'static str,
    approved: &'static str,
    granted: &'static str,
}

const ENGLISH: Words = Words {
    language: "en-GB",
    name: "Grace Hopper",
    email: "grace@navy.example",
    purpose: "I want to train a classifier on these chest radiographs.",
    better: "I compare three ways to learn from noisy labels; a workshop paper with all code is planned.",
    verify: "Verify your address",
    returned: "Change your request",
    approved: "You may download",
    granted: "You may download NIH Chest X-ray Dataset",
};

const CHINESE: Words = Words {
    language: "zh-TW",
    name: "陳美玲",
    email: "chen@ntu.example",
    purpose: "我想要以這些胸部X光影像訓練一個分類器，用於教學與研究，並將所有的程式碼公開於網路上供同儕檢視與重現。",
    better: "比較三種從含雜訊標籤學習的方法，預計發表於研討會論文，並公開所有程式碼、實驗設定與評估結果，供其他研究者重現。",
    verify: "驗證您的地址",
    returned: "請修改您對",
    approved: "您可以下載",
    granted: "您可以下載「NIH Chest X-ray Dataset」",
};

#[tokio::test]
async fn the_whole_way_in_english() {
    whole_way(&ENGLISH).await;
}

#[tokio::test]
async fn the_whole_way_in_chinese() {
    whole_way(&CHINESE).await;
}

async fn sign(browser: &Browser, base: &str, name: &str, purpose: &str, letter: Option<&Path>) {
    browser.goto(&format!("{base}/datasets/{NIH}/request")).await;
    if let Some(letter) = letter {
        browser.choose("upload-approval", letter).await;
    }
    browser.fill("project-title", "Label noise").await;
    browser.fill("project-institution", "Demo Institute").await;
    browser.fill("project-purpose", purpose).await;
    browser.click("#answer-commercial", "main").await;
    for tick in ["answer-ethics", "accept-nih-chest-xray-dua", "consent-nih-chest-xray-dua"] {
        browser.tick(tick).await;
    }
    browser.fill("typed_name", name).await;
    browser.click("button[value=sign]", ".notice").await;
}

async fn decide(browser: &Browser, base: &str, verdict: &str, comment: &str) {
    browser.goto(&format!("{base}/review")).await;
    browser.click("tr[data-row] a", "input[name=round]").await;
    browser.fill("comment", comment).await;
    browser.click(&format!("button[value={verdict}]"), ".notice").await;
}

async fn whole_way(words: &Words) {
    let gateway = Gateway::start();
    let driver = Driver::start().await;
    let (base, browser) = (gateway.url.clone(), driver.browser(words.language).await);
    // Find the dataset, register, verify by the mail that was really sent, sign in.
    browser.goto(&format!("{base}/?q=x-ray")).await;
    browser.click(".hit h3 a", "#files").await;
    browser.goto(&format!("{base}/register")).await;
    browser.fill("name", words.name).await;
    browser.fill("email", words.email).await;
    browser.fill("password", "a long enough password").await;
    browser.click("main form button", ".notice").await;
    let mail = gateway.mail_to(words.email, words.verify).await;
    let link = between(&mail.text, &format!("{base}/verify"), "\n").unwrap();
    browser.goto(&format!("{base}/verify{}", link.trim())).await;
    browser.fill("email", words.email).await;
    browser.fill("password", "a long enough password").await;
    browser.click("main form button", "form[action='/verify']").await;
    browser.click("main form button", ".notice").await;
    // Sign, be returned once, answer, be approved.
    browser.goto(&format!("{base}/datasets/{NIH}")).await;
    browser.click("aside .button.first", "form.deed").await;
    let letter = gateway.scratch().join("核准函 (1).pdf");
    std::fs::write(&letter, b"%PDF-1.7\n%%EOF\n").unwrap();
    sign(&browser, &base, words.name, words.purpose, Some(&letter)).await;
    let reviewer = driver.browser(words.language).await;
    let account = &gateway.accounts[REVIEWER];
    reviewer.sign_in(&base, &account.email, &account.password).await;
    decide(&reviewer, &base, "return", "Which method? 請說明方法。").await;
    gateway.mail_to(words.email, words.returned).await;
    browser.goto(&format!("{base}/datasets/{NIH}")).await;
    browser.click("aside .button.first", "form.deed").await;
    assert!(browser.text().await.contains("Which method? 請說明方法。"));
    assert_eq!(browser.value("[name='project-purpose']").await, words.purpose, "nothing typed is lost");
    // The file is still there; taking it back is done by a button, and not by the draft that saves itself.
    browser.tick("remove-approval").await;
    browser.wait_for("#draft-status:not(:empty)").await;
    sign(&browser, &base, words.name, words.better, None).await;
    let signed = "SELECT count(*) AS count FROM uploads WHERE signed AND name = '核准函 (1).pdf'";
    assert_eq!(count(&mut gateway.database(), signed), 1);
    decide(&reviewer, &base, "approve", "").await;
    gateway.mail_to(words.email, words.approved).await;
    browser.goto(&format!("{base}/projects")).await;
    browser.click("tbody a", "tbody a[href^='/requests/']").await;
    browser.click("tbody a[href^='/requests/']", ".seal").await;
    assert!(browser.text().await.contains(words.granted), "{}", browser.text().await);
    // A token, shown once, and curl with it: whole, and in two ranges.
    browser.goto(&format!("{base}/account/tokens")).await;
    browser.fill("name", "curl").await;
    browser.click("main form button.first", "#token").await;
    let token = browser.value("#token").await;
    let url = format!("{base}/data/{NIH}/{TABLE}");
    let curl = |range: &str| {
        let bearer = format!("Authorization: Bearer {token}");
        let mut command = Command::new("curl");
        command.args(["--silent", "--fail", "--header", &bearer]);
        if !range.is_empty() {
            command.args(["--range", range]);
        }
        command.arg(&url).output().unwrap().stdout
    };
    let (whole, first, second) = (curl(""), curl("0-4000000"), curl("4000001-"));
    assert_eq!([first, second].concat(), whole);
    browser.goto(&format!("{base}/datasets/{NIH}")).await;
    assert!(browser.text().await.contains(&sha256(&whole)), "the page names the hash of what came");
    browser.goto(&format!("{base}/account/tokens")).await;
    assert!(!browser.text().await.contains(&token), "it is shown once");
    gateway.verify_log();
    browser.close().await;
    reviewer.close().await;
}

/// A screen's width and a theme.
pub type Screen = (u32, &'static str);

/// Every width in each theme.
const SCREENS: [Screen; 8] = [
    (390, "light"),
    (390, "dark"),
    (768, "light"),
    (768, "dark"),
    (1280, "light"),
    (1280, "dark"),
    (1920, "light"),
    (1920, "dark"),
];

/// Whether the accessibility checker looks at a screen of a page. It takes seconds, and no page depends on the database: a run
/// on SQLite checks one half of the screens, another one in each language, and a run on PostgreSQL the other half.
fn is_checked((width, theme): Screen, name: &str) -> bool {
    let on_postgres = std::env::var_os("TEST_COUNTERSIGN_DATABASE").is_some();
    // Between a phone and a desk the checker finds what it finds there.
    matches!(width, 390 | 1280) && (width == 390) ^ (theme == "dark") ^ name.starts_with("zh") ^ on_postgres
}

/// Looks at a page in these ways; notes what is wrong.
pub async fn inspect(browser: &Browser, name: &str, screens: &[Screen], problems: &mut Vec<String>) {
    for &(width, theme) in screens {
        browser.look(width, theme).await;
        let overflow = browser.overflow().await;
        if overflow > 0 {
            problems.push(format!("{name} at {width}: {overflow} pixels too wide"));
        }
        if is_checked((width, theme), name) {
            let found = browser.accessibility().await;
            if !found.is_empty() {
                problems.push(format!("{name} at {width}, {theme}: {found}"));
            }
        }
        browser.picture(&format!("{name}-{width}-{theme}")).await;
    }
    browser.look(1280, "light").await;
}

async fn inspect_all(
    browser: &Browser,
    base: &str,
    language: &str,
    pages: &[(&str, &str)],
    problems: &mut Vec<String>,
) {
    for (name, path) in pages {
        browser.goto(&format!("{base}{path}")).await;
        inspect(browser, &format!("{language}-{name}"), &SCREENS, problems).await;
    }
}

async fn gallery(words: &Words) {
    let gateway = Gateway::start_with_previews();
    gateway.publish("lab-notes", "agreement", &[("notes.txt", b"hello")]);
    let driver = Driver::start().await;
    let (base, language, mut problems) = (gateway.url.clone(), words.language, Vec::new());
    let visitor = driver.browser(language).await;
    let pages = [
        ("catalogue", "/"),
        ("catalogue-empty", "/?q=nothing+like+this"),
        ("dataset", "/datasets/nih-chest-xray"),
        ("dataset-open", "/datasets/tsung-yeh-guided-tours"),
        ("releases", "/datasets/nih-chest-xray/releases"),
        ("release", "/datasets/nih-chest-xray/releases/1"),
        ("tables", "/datasets/nih-chest-xray/releases/2/tables?table=2"),
        ("agreement", "/agreements/nih-chest-xray-dua"),
        ("listing", "/data/tsung-yeh-guided-tours/"),
        ("help", "/help"),
        ("register", "/register"),
        ("login", "/login"),
        ("forgot", "/password/forgot"),
        ("reset", "/password/reset?link=x"),
        ("not-found", "/nowhere"),
    ];
    inspect_all(&visitor, &base, language, &pages, &mut problems).await;
    visitor.goto(&format!("{base}/register")).await;
    visitor.fill("email", "not an address").await;
    visitor.click("main form button", ".summary").await;
    inspect(&visitor, &format!("{language}-register-wrong"), &SCREENS, &mut problems).await;

    let person = driver.browser(language).await;
    let account = &gateway.accounts[0];
    person.sign_in(&base, &account.email, &account.password).await;
    let pages = [
        ("verify", "/verify?link=x"),
        ("projects-empty", "/projects"),
        ("tokens-empty", "/account/tokens"),
        ("account", "/account"),
        ("dataset-to-sign", "/datasets/nih-chest-xray"),
        ("sign", "/datasets/nih-chest-xray/request"),
    ];
    inspect_all(&person, &base, language, &pages, &mut problems).await;
    person.click("button[value=sign]", ".summary").await;
    inspect(&person, &format!("{language}-sign-wrong"), &SCREENS, &mut problems).await;
    sign(&person, &base, "Mei-Ling Chen", words.purpose, None).await;
    let request = person.url().await;
    let request = request.split('?').next().unwrap().to_owned();
    inspect(&person, &format!("{language}-request-waiting"), &SCREENS, &mut problems).await;

    let reviewer = driver.browser(language).await;
    let account = &gateway.accounts[REVIEWER];
    reviewer.sign_in(&base, &account.email, &account.password).await;
    let review = request.replace(&base, "").replace("requests", "review");
    inspect_all(
        &reviewer,
        &base,
        language,
        &[("review", "/review"), ("review-one", &review), ("review-today", "/today")],
        &mut problems,
    )
    .await;
    reviewer.goto(&format!("{base}/review")).await;
    reviewer.click("input[name=request]", "main").await;
    reviewer.click("button[value=approve]", "button[value=yes]").await;
    inspect(&reviewer, &format!("{language}-review-confirm"), &SCREENS, &mut problems).await;
    decide(&reviewer, &base, "return", "Which method? 請說明方法。").await;
    inspect(&reviewer, &format!("{language}-review-empty"), &SCREENS, &mut problems).await;
    let path = request.replace(&base, "");
    let pages = [("request-returned", path.as_str()), ("sign-again", "/datasets/nih-chest-xray/request")];
    inspect_all(&person, &base, language, &pages, &mut problems).await;
    sign(&person, &base, "Mei-Ling Chen", words.better, None).await;
    decide(&reviewer, &base, "approve", "Good luck. 祝研究順利。").await;
    let pages = [
        ("request-granted", path.as_str()),
        ("projects", "/projects"),
        ("today", "/today"),
        ("dataset-granted", "/datasets/nih-chest-xray"),
        ("listing-nih", "/data/nih-chest-xray/images_001/"),
        ("api-token", "/account/tokens/api"),
        ("api", "/api"),
        ("tokens", "/account/tokens"),
    ];
    inspect_all(&person, &base, language, &pages, &mut problems).await;
    person.fill("name", "Training server").await;
    person.click("main form button.first", "#token").await;
    inspect(&person, &format!("{language}-token-made"), &SCREENS, &mut problems).await;

    gallery_of_offices(&gateway, &driver, &review, words, &mut problems).await;
    let day = Day::of(countersign::clock::now() + TimeSpan::days(20));
    gateway.publish_version("nih-chest-xray-dua", "# Terms\n\nBe very good.\n", &format!("sign_by = \"{day}\""));
    let to_sign = format!("{path}/new-versions");
    let pages = [
        ("new-versions", to_sign.as_str()),
        ("request-to-sign", &path),
        ("today-to-sign", "/today"),
        ("dataset-to-sign-anew", "/datasets/nih-chest-xray"),
        ("agreement-changes", "/agreements/nih-chest-xray-dua/changes"),
    ];
    inspect_all(&person, &base, language, &pages, &mut problems).await;
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
    for browser in [visitor, person, reviewer] {
        browser.close().await;
    }
}

/// The pages of those who run the gateway, run an organisation, or audit.
async fn gallery_of_offices(
    gateway: &Gateway,
    driver: &Driver,
    review: &str,
    words: &Words,
    problems: &mut Vec<String>,
) {
    let (base, language) = (gateway.url.clone(), words.language);
    let administrator = driver.browser(language).await;
    let account = &gateway.accounts[ADMINISTRATOR];
    administrator.sign_in(&base, &account.email, &account.password).await;
    let pages = [
        ("admin", "/admin"),
        ("admin-organisations", "/admin/organisations"),
        ("admin-people", "/admin/people"),
        ("admin-mail", "/admin/mail"),
    ];
    inspect_all(&administrator, &base, language, &pages, problems).await;
    administrator.goto(&format!("{base}/admin/people?q=applicant")).await;
    administrator.click("tbody a", "aside form").await;
    inspect(&administrator, &format!("{language}-admin-person"), &SCREENS, problems).await;
    administrator.goto(&format!("{base}/admin/mail")).await;
    administrator.click("tbody a", "article").await;
    inspect(&administrator, &format!("{language}-admin-message"), &SCREENS, problems).await;
    let owner = driver.browser(language).await;
    let account = &gateway.accounts[OWNER];
    owner.sign_in(&base, &account.email, &account.password).await;
    let pages = [
        ("manage", "/manage"),
        ("manage-overview", "/manage/overview"),
        ("manage-grants", "/manage/grants"),
        ("manage-members", "/manage/members/main"),
        ("manage-about", "/manage/about/main"),
        ("manage-holidays", "/manage/holidays/main"),
        ("manage-committees", "/manage/committees/main"),
        ("manage-committee", "/manage/committees/main/imaging"),
        ("manage-new-committee", "/manage/new-committee/main"),
        ("manage-dataset", "/manage/datasets/nih-chest-xray"),
        ("manage-dataset-edit", "/manage/datasets/nih-chest-xray/edit"),
        ("manage-new-dataset", "/manage/new-dataset/main"),
        ("manage-files", "/manage/datasets/nih-chest-xray/files"),
        ("manage-agreements", "/manage/agreements/main"),
        ("manage-agreement", "/manage/agreements/main/nih-chest-xray-dua"),
        ("manage-forms", "/manage/forms/main"),
        ("manage-form", "/manage/forms/main/nih-chest-xray-application"),
        ("owner-review", review),
    ];
    inspect_all(&owner, &base, language, &pages, problems).await;
    let auditor = driver.browser(language).await;
    let account = &gateway.accounts[AUDITOR];
    auditor.sign_in(&base, &account.email, &account.password).await;
    inspect_all(&auditor, &base, language, &[("audit", "/admin/audit"), ("audit-entry", "/admin/audit/40")], problems)
        .await;
    for browser in [administrator, owner, auditor] {
        browser.close().await;
    }
}

#[tokio::test]
async fn every_page_is_accessible_and_fits_in_english() {
    gallery(&ENGLISH).await;
}

#[tokio::test]
async fn every_page_is_accessible_and_fits_in_chinese() {
    gallery(&CHINESE).await;
}

/// A reviewer decides without a mouse, and is led from one request to the next of the list that was looked for.
#[tokio::test]
async fn requests_are_decided_by_keyboard_alone() {
    const ENTER: &str = "\u{e007}";
    const CONTROL_ENTER: &str = "\u{e009}\u{e007}\u{e000}";
    let gateway = Gateway::start();
    let mut waiting = Vec::new();
    for (n, account) in [APPLICANT, STEWARD, AUDITOR, OTHER_REVIEWER].into_iter().enumerate() {
        let purpose = if n == 3 { "Something else altogether." } else { "Counting herons." };
        waiting.push(submit_with(&gateway.person(account).await, NIH, purpose).await);
    }
    let review = |n: usize| waiting[n].replace("/requests/", "/review/");
    let driver = Driver::start().await;
    let (base, browser) = (gateway.url.clone(), driver.browser("en-GB").await);
    let account = &gateway.accounts[REVIEWER];
    browser.sign_in(&base, &account.email, &account.password).await;
    browser.goto(&format!("{base}{}?q=herons", review(0))).await;
    let shows = async |n: usize| {
        let path = review(n);
        until(&path, || async { browser.url().await.contains(&path).then_some(()) }).await;
        browser.wait_for(".desk.keyed h1:focus").await;
    };
    shows(0).await;
    assert!(!browser.text().await.contains("Something else"), "the list beside it is the one that was looked for");
    for (key, at) in [("j", 1), ("j", 2), ("k", 1), ("k", 0)] {
        browser.press(key).await;
        shows(at).await;
    }
    // Approving is a key and Enter; a return begins with its words. Keys that are typed there are words and nothing else.
    browser.press("a").await;
    browser.press(ENTER).await;
    shows(1).await;
    browser.press("r").await;
    browser.press("ja, why?").await;
    browser.press(CONTROL_ENTER).await;
    shows(2).await;
    // Whoever goes elsewhere has changed their mind; what was typed stays, and the key leads to the button then.
    browser.press("x").await;
    browser.press("No.").await;
    browser.press("\u{e004}").await;
    browser.press("j").await;
    assert_eq!(gateway.count("request.rejected"), 0);
    browser.press("x").await;
    browser.press(ENTER).await;
    // Nothing else that was looked for waits.
    browser.wait_for(".notice").await;
    assert!(browser.url().await.contains("/review?q=herons"), "{}", browser.url().await);
    let decided = ["request.approved", "request.returned", "request.rejected"].map(|action| gateway.count(action));
    assert_eq!(decided, [1, 1, 1]);
    let mail = gateway.mail_to(&gateway.accounts[STEWARD].email, "Change your request").await;
    assert!(mail.text.contains("ja, why?"), "{}", mail.text);
    browser.close().await;
}
