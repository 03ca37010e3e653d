//! The forms of those who publish, with what people really type: long Chinese texts, the Enter key, signs within values,
//! mistakes that keep what was typed, and edits that meet.

use serde_json::json;

use super::delivery::with_token;
use super::support::api::{Program, api_token};
use super::support::gateway::{ADMINISTRATOR, APPLICANT, OTHER_REVIEWER, OWNER, STEWARD};
use super::support::people::{NIH, submit_with};
use super::support::{Answer, Gateway, Visitor};

const AGREEMENT: [(&str, &str); 8] = [
    ("title.zh-TW", "胸部影像使用同意書"),
    ("slug", "long-terms"),
    ("kind", "data-use"),
    ("binding", "zh-TW"),
    ("statement.zh-TW", "我同意。"),
    ("consent.zh-TW", "我同意以電子方式簽署。"),
    ("texts.zh-TW", "# 條款\n\n請妥善保管。"),
    ("do", "publish"),
];

/// The fields, some with another value and some that are more.
fn with<'a>(fields: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = fields.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    kept.chain(more).copied().collect()
}

#[tokio::test]
async fn a_long_agreement_is_published_as_it_was_typed_and_never_by_the_way() {
    let gateway = Gateway::start();
    let (steward, visitor) = (gateway.person(STEWARD).await, gateway.visitor());
    let form = "/manage/new-agreement/main";
    // The Enter key in a field sends the first button of the page; no unknown word publishes either.
    for word in ["keep", "preview", "anything", ""] {
        steward.post(form, &with(&AGREEMENT, &[("do", word)])).await.is(200).says("請妥善保管");
    }
    visitor.get("/agreements/long-terms").await.is(404);
    steward.get(form).await.says("value=\"keep\"");
    // What is not one of the choices is no silent default, and control characters sign nothing.
    for (wrong, said) in [
        (("kind", "treaty"), "Choose one"),
        (("binding", "fr"), "Choose one"),
        (("texts.zh-TW", "# 條款\u{8}\u{8}"), "control characters"),
        (("statement.zh-TW", "我\u{0}同意。"), "control characters"),
    ] {
        steward.post(form, &with(&AGREEMENT, &[wrong])).await.is(422).says(said);
    }
    // Twenty pages with a table, in statements of several lines.
    let line = "使用者應妥善保管資料。".repeat(8);
    let rows: Vec<String> = (1..=400).map(|n| format!("| 第 {n} 條 | {line} |\r\n")).collect();
    let rows = rows.concat();
    let text = format!("# 條款\r\n\r\n| 條 | 內容 |\r\n|---|---|\r\n{rows}");
    let long = [("texts.zh-TW", text.as_str()), ("statement.zh-TW", "我同意：\r\n一、不外流。\r\n二、不辨識。")];
    steward.post(form, &with(&AGREEMENT, &long)).await.is(200).says("The version is published");
    visitor.get("/agreements/long-terms").await.is(200).says("第 400 條");
    let edit = steward.get("/manage/agreements/main/long-terms").await;
    edit.is(200).says("一、不外流。\n二、不辨識。");
    // A visitor can't send as much.
    visitor.post("/login", &[("email", text.as_str())]).await.is(413);
    gateway.verify_log();
}

const FORM: [(&str, &str); 12] = [
    ("title.zh-TW", "用途"),
    ("slug", "chinese-form"),
    ("s0.title.zh-TW", "研究"),
    ("s1.title.zh-TW", "保管"),
    ("q0.kind", "choice"),
    ("q0.label.zh-TW", "在哪裡分析？"),
    ("q0.section", "0"),
    ("q0.options", "a\\|b | A or B\nc, d | C and D"),
    ("q1.kind", "long"),
    ("q1.label.zh-TW", "為什麼？"),
    ("q1.section", "1"),
    ("do", "publish"),
];

#[tokio::test]
async fn a_form_in_chinese_alone_has_names_for_its_records_and_keeps_signs_within_values() {
    let gateway = Gateway::start();
    let steward = gateway.person(STEWARD).await;
    let form = "/manage/new-form/main";
    steward.post(form, &with(&FORM, &[("q1.kind", "riddle")])).await.is(422).says("Choose one");
    let condition = [("q1.if", "question-1"), ("q1.is", "a|b, c\\, d")];
    steward.post(form, &with(&FORM, &condition)).await.is(200).says("The version is published");
    let edit = steward.get("/manage/forms/main/chinese-form").await;
    edit.is(200).says("a\\|b | A or B").says("c, d | C and D").says("value=\"a|b, c\\, d\"");
    edit.says("value=\"section-1\"").says("value=\"section-2\"").says("value=\"question-2\"");
    // A new question before the others takes none of their names.
    let moved = [
        ("seen", "1"),
        ("s0.id", "section-1"),
        ("s1.id", "section-2"),
        ("q1.id", "question-1"),
        ("q2.id", "question-2"),
        ("q2.kind", "short"),
        ("q2.label.zh-TW", "誰？"),
    ];
    let path = "/manage/forms/main/chinese-form";
    steward.post(path, &with(&FORM, &moved)).await.is(200).says("The version is published");
    steward.get(path).await.says("name=\"q0.id\" type=\"text\" value=\"question-3\"");
    let twice = with(&moved, &[("seen", "2"), ("q0.id", "question-2")]);
    steward.post(path, &with(&FORM, &twice)).await.is(422).says("誰？").says("question-2");
    gateway.verify_log();
}

/// A dataset's form as the page shows it.
async fn edited(steward: &Visitor, more: &[(&str, &str)]) -> super::support::Answer {
    let page = steward.get(&format!("/manage/datasets/{NIH}/edit")).await;
    let seen = page.between("name=\"seen\" value=\"", "\"");
    let usual = [
        ("title.en", "NIH Chest X-ray"),
        ("summary.en", "Images."),
        ("description.en", "Images."),
        ("publisher.en", "NIH"),
        ("mode", "approval"),
        ("agreement", "nih-chest-xray-dua"),
        ("committee", "imaging"),
        ("grant_days", "365"),
        ("later_releases", "included"),
        ("later_members", "included"),
        ("preview", "nothing"),
        ("do", "save"),
    ];
    let fields = with(&usual, &with(&[("seen", seen.as_str())], more));
    steward.post(&format!("/manage/datasets/{NIH}/edit"), &fields).await
}

#[tokio::test]
async fn edits_that_meet_say_what_was_chosen_and_lines_are_never_dropped() {
    let gateway = Gateway::start();
    let (steward, owner) = (gateway.person(STEWARD).await, gateway.person(OWNER).await);
    let stale = steward.get(&format!("/manage/datasets/{NIH}/edit")).await.between("name=\"seen\" value=\"", "\"");
    // More lines than the page has room for at first.
    let names: Vec<(String, String)> = (0..45).map(|n| (format!("info.{n}.name"), format!("info.{n}.en"))).collect();
    let texts: Vec<(String, String)> = (0..45).map(|n| (format!("line_{n}"), format!("value {n}"))).collect();
    let lines: Vec<(&str, &str)> = names
        .iter()
        .zip(&texts)
        .flat_map(|((name, value), (a, b))| [(name.as_str(), a.as_str()), (value.as_str(), b.as_str())])
        .collect();
    let more = [&lines[..], &[("later_releases", "requested"), ("tags", "X-ray, DICOM")]].concat();
    let more = [&more[..], &[("agreement", "nih-chest-xray-dua"), ("agreement", "demo-terms-of-use")]].concat();
    edited(&owner, &more).await.is(200).says("Saved");
    let page = owner.get(&format!("/manage/datasets/{NIH}/edit")).await;
    page.says("value=\"value 44\"").says("dicom, x-ray");
    // The other window chose otherwise, and typed less.
    let met = edited(&steward, &[("seen", stale.as_str()), ("mode", "agreement")]).await;
    met.is(409).says("Saved meanwhile by somebody else");
    let said = |answer: &super::support::Answer, field: &str| {
        let fieldset = answer.between(&format!("id=\"{field}\">"), "</fieldset>");
        fieldset.contains("class=\"meanwhile\"")
    };
    assert!(said(&met, "mode") && said(&met, "later_releases") && !said(&met, "later_members"), "{}", met.body);
    assert!(met.between("id=\"mode\">", "</fieldset>").contains("committee"), "in the reader's words");
    assert!(said(&met, "agreement"), "all of several values are compared: {}", met.body);
    gateway.verify_log();
}

#[tokio::test]
async fn a_wrong_reason_is_kept_and_names_keep_their_direction() {
    let gateway = Gateway::start();
    let (owner, steward) = (gateway.person(OWNER).await, gateway.person(STEWARD).await);
    let long = "x".repeat(5_000);
    let suspension = format!("/manage/datasets/{NIH}/suspension");
    let refused = owner.post(&suspension, &[("do", "suspend"), ("reason", &long)]).await;
    refused.is(422).says(&format!("value=\"{long}\"")).says("id=\"reason-error\">Use at most").says("href=\"#reason\"");
    let offer = format!("/manage/datasets/{NIH}/offer");
    gateway.cli_text(&["organisation", "make", "thorax", "--name", "معهد الصدر"]);
    owner.post(&offer, &[("to", "No Slug")]).await.is(422).says("value=\"No Slug\"").says("aria-invalid=\"true\"");
    owner.post(&offer, &[("to", "thorax")]).await.is(200).says("<bdi>معهد الصدر</bdi>").says_not("[U+");
    let invite = ["organisation", "appoint", "--email", "applicant@demo.example", "--organisation", "thorax"];
    gateway.cli_text(&invite);
    // Only the areas that somebody sees are offered, and the one that a page belongs to is marked.
    let page = steward.get(&format!("/manage/datasets/{NIH}")).await;
    page.is(200).says("<a href=\"/manage\" aria-current=\"page\">");
    let page = steward.get("/manage/new-agreement/main").await;
    page.is(200).says("<a href=\"/manage/agreements\" aria-current=\"page\">");
    // What forbids taking a dataset is said, also where there is no committee to choose.
    let thorax = gateway.person(super::support::gateway::APPLICANT).await;
    thorax.get("/manage").await.is(200).says("is offered to you").says_not("[U+");
    gateway.verify_log();
}

#[tokio::test]
async fn what_forbids_taking_a_dataset_is_said_where_there_is_no_committee_to_choose() {
    let gateway = Gateway::start();
    gateway.cli_text(&["organisation", "make", "thorax", "--name", "Thorax Institute"]);
    let appoint = ["organisation", "appoint", "--email", "applicant@demo.example", "--organisation", "thorax"];
    gateway.cli_text(&appoint);
    let (owner, thorax) = (gateway.person(OWNER).await, gateway.person(super::support::gateway::APPLICANT).await);
    let slug = "nih-label-sample";
    owner.post(&format!("/manage/datasets/{slug}/offer"), &[("to", "thorax")]).await.is(200).says("Offered to");
    // Meanwhile another dataset comes to need the same agreement.
    let other = [
        ("title.en", "Other labels"),
        ("slug", "other-labels"),
        ("mode", "agreement"),
        ("agreement", "demo-terms-of-use"),
        ("grant_days", "365"),
        ("later_releases", "included"),
        ("later_members", "included"),
        ("preview", "nothing"),
        ("do", "save"),
    ];
    owner.post("/manage/new-dataset/main", &other).await.is(200).says("Other labels");
    let refused = thorax.post(&format!("/manage/datasets/{slug}/answer"), &[("do", "accept")]).await;
    assert!(!refused.is(422).between(&format!("id=\"committee-{slug}-error\">"), "</p>").is_empty());
}

#[tokio::test]
async fn a_retired_dataset_takes_nobody_new_and_stays_with_those_who_have_it() {
    let gateway = Gateway::start();
    let (applicant, token) = gateway.token().await;
    let steward = gateway.person(STEWARD).await;
    let path = format!("/manage/datasets/{NIH}/retirement");
    let refused = steward.post(&path, &[("do", "retire"), ("retirement", " ")]).await;
    refused.is(422).says("id=\"retirement-error\">Fill in this field");
    let reason = "Replaced by a dataset with better labels.";
    steward.post(&path, &[("do", "retire"), ("retirement", reason)]).await.is(200).says("Offer it again");
    // It leaves the catalogue; its page says why, and offers nothing to whoever has not asked before.
    let visitor = gateway.visitor();
    visitor.get("/?q=chest").await.is(200).says_not(&format!("href=\"/datasets/{NIH}\""));
    visitor.get("/api/v1/datasets").await.is(200).says_not("\"slug\":\"nih-chest-xray\"");
    visitor.get(&format!("/datasets/{NIH}")).await.is(200).says(reason).says_not("/login?next=/datasets");
    let other = gateway.person(OTHER_REVIEWER).await;
    other.get(&format!("/datasets/{NIH}")).await.is(200).says(reason).says_not(&format!("/datasets/{NIH}/request"));
    let form = format!("/datasets/{NIH}/request");
    assert!(other.get(&form).await.is(200).says(reason).url.ends_with(NIH), "there is no form");
    other.post(&form, &[("do", "save"), ("project-title", "x")]).await.is(409).says("retired");
    // Who has access keeps it.
    assert_eq!(with_token(&gateway, &token, &format!("/data/{NIH}/README.txt")).await.0, 200);
    applicant.get(&format!("/datasets/{NIH}")).await.is(200).says(&format!("/data/{NIH}/"));
    // What is published meanwhile leaves it retired; the reason can be put in other words; then it is offered again.
    gateway.cli_text(&[
        "dataset",
        "import",
        gateway.data_dir().join("catalogue/nih-chest-xray/dataset.toml").to_str().unwrap(),
    ]);
    visitor.get(&format!("/datasets/{NIH}")).await.is(200).says(reason);
    let other_reason = "Its labels were wrong.";
    let again = [("do", "retire"), ("retirement", other_reason)];
    steward.post(&path, &again).await.is(200);
    visitor.get(&format!("/datasets/{NIH}")).await.is(200).says(other_reason).says_not(reason);
    steward.post(&path, &[("do", "reinstate")]).await.is(200);
    visitor.get("/?q=chest").await.says(&format!("href=\"/datasets/{NIH}\""));
    visitor.get(&format!("/datasets/{NIH}")).await.says_not(other_reason).says("/login?next=/datasets");
    assert_eq!((gateway.count("dataset.retired"), gateway.count("dataset.reinstated")), (2, 1));
    gateway.verify_log();
}

/// Several grants are revoked at once, each with its own event and mail; what can't be is said in its row.
#[tokio::test]
async fn many_grants_are_found_and_revoked_together() {
    let gateway = Gateway::start();
    gateway.publish("birds", "agreement", &[("a.txt", b"hello")]);
    gateway.publish("bees", "agreement", &[("b.txt", b"hello")]);
    let applicant = gateway.person(APPLICANT).await;
    for slug in ["birds", "bees"] {
        submit_with(&applicant, slug, "=1+1 is counted").await;
    }
    assert_eq!(applicant.bytes("/data/birds/a.txt").await.1, b"hello");
    let steward = gateway.person(STEWARD).await;
    let page = steward.get("/manage/grants?state=active").await;
    page.is(200).says("Revoke several").says("aria-current=\"page\">Active (2)</a>");
    let grants: Vec<String> =
        page.body.split("name=\"grant\" value=\"").skip(1).map(|part| part[..36].to_owned()).collect();
    assert_eq!(grants.len(), 2);
    let both: Vec<(&str, &str)> = grants.iter().map(|id| ("grant", id.as_str())).collect();
    steward.post("/manage/grants/revoke", &[("reason", "x")]).await.is(422).says("Select at least one");
    let nothing_said = steward.post("/manage/grants/revoke", &[&both[..], &[("reason", " ")]].concat()).await;
    assert_eq!(nothing_said.is(422).body.matches(" checked").count(), 2, "what was chosen stays chosen");
    // One was revoked meanwhile.
    steward.post(&format!("/manage/grants/{}/revoke", grants[0]), &[("reason", "First.")]).await.is(200);
    let done =
        steward.post("/manage/grants/revoke", &[&both[..], &[("state", "active"), ("reason", "Both.")]].concat()).await;
    done.is(422).says("Done: 1. Not done: 1. It has already been revoked.");
    for path in ["/data/birds/a.txt", "/data/bees/b.txt"] {
        assert_eq!(applicant.bytes(path).await.0, 403);
    }
    assert_eq!(gateway.count("grant.revoked"), 2);
    let told = gateway.mail().iter().filter(|mail| mail.subject.contains("was revoked")).count();
    assert_eq!(told, 2);
    steward.get("/manage/grants?state=active").await.says("No grants match");
    steward.get("/manage/grants?state=revoked&order=ending-first&q=bees").await.says("bees").says_not("birds data");
    // Nobody else's, whatever is sent; and no more than a page has.
    applicant.post("/manage/grants/revoke", &[&both[..], &[("reason", "x")]].concat()).await.is(404);
    let strangers: Vec<String> = (0..51).map(|n| format!("00000000-0000-7000-8000-0000000000{n:02}")).collect();
    let too_many: Vec<(&str, &str)> = strangers.iter().map(|id| ("grant", id.as_str())).collect();
    steward.post("/manage/grants/revoke", &[&too_many[..], &[("reason", "x")]].concat()).await.is(400);
    let token = api_token(&steward, &gateway.accounts[STEWARD].password, &["steward"]).await;
    let program = Program::new(&gateway.url, Some(token));
    let again = program.post("/manage/grants/revoke", &json!({ "grants": &grants, "reason": "x" })).await;
    assert_eq!(again.is(200).json["done"], json!([]));
    assert_eq!(again.json["refused"][1], json!({ "id": grants[1], "reason": "already-revoked" }));
    program.post("/manage/grants/revoke", &json!({ "grants": [], "reason": "x" })).await.is(422);
    program.get("/manage/grants?state=gone").await.is(400);
    assert_eq!(program.get("/manage/grants?state=revoked").await.json["items"].as_array().unwrap().len(), 2);
    let csv = steward.get("/manage/grants.csv?state=revoked").await;
    assert!(csv.header("content-disposition").contains("grants.csv"), "{:?}", csv.headers);
    assert_eq!(csv.body.lines().count(), 3, "{}", csv.body);
    csv.says("Mei-Ling Chen,applicant@demo.example,bees,").says(",revoked,");
    gateway.verify_log();
}

/// Several accounts, or datasets, are suspended at once; what can't be is said in its row, and a table of all of them leaves.
#[tokio::test]
async fn several_accounts_and_several_datasets_are_suspended_together() {
    let gateway = Gateway::start();
    let administrator = gateway.person(ADMINISTRATOR).await;
    let applicant = gateway.person(APPLICANT).await;
    let list = administrator.get("/admin/people?state=administrators").await;
    let own = list.is(200).says_not("name=\"person\"").between("href=\"/admin/people/", "\"");
    let other = administrator.get("/admin/people?q=applicant&order=by-name").await;
    let other = other.between("name=\"person\" value=\"", "\"");
    let both = [("person", own.as_str()), ("person", other.as_str())];
    administrator.post("/admin/people", &[("reason", "x")]).await.is(422).says("Select at least one");
    // The only administrator stays one, and is told so beside the name; what was done is done.
    let said = administrator.post("/admin/people", &[&both[..], &[("reason", "A leak.")]].concat()).await;
    said.is(422).says("Done: 1. Not done: 1.");
    assert!(applicant.get("/today").await.url.ends_with("/login?next=%2Ftoday"));
    assert_eq!(gateway.count("account.suspended"), 1);
    administrator.get("/admin/people?state=suspended").await.says("Suspended (1)").says("applicant@demo.example");
    // Who administers and selects themselves, too, is done last: nothing can be done after that.
    let owner = gateway.person(OWNER).await;
    let id = |page: &Answer| page.between("name=\"person\" value=\"", "\"");
    let [own, third] = ["owner", "reviewer2"].map(|name| format!("/admin/people?q={name}"));
    let (own, third) = (id(&administrator.get(&own).await), id(&administrator.get(&third).await));
    administrator.post(&format!("/admin/people/{own}"), &[("do", "roles"), ("administrator", "yes")]).await.is(200);
    owner.get("/admin/people?q=owner").await.is(200).says_not("name=\"person\"");
    let both =
        [("person", own.as_str()), ("person", third.as_str()), ("person", third.as_str()), ("reason", "A leak.")];
    owner.post("/admin/people", &both).await;
    assert_eq!(gateway.count("account.suspended"), 3);
    administrator.post(&format!("/admin/people/{own}"), &[("do", "restore")]).await.is(200);
    administrator.post(&format!("/admin/people/{third}"), &[("do", "restore")]).await.is(200);
    let csv = administrator.get("/admin/people.csv?state=suspended").await;
    assert_eq!(csv.body.lines().count(), 2, "{}", csv.body);
    assert!(csv.body.contains("applicant@demo.example"), "{}", csv.body);

    gateway.publish("birds", "agreement", &[("a.txt", b"hello")]);
    gateway.publish("bees", "open", &[("b.txt", b"hello")]);
    let steward = gateway.person(STEWARD).await;
    assert_eq!(steward.bytes("/data/bees/b.txt").await.1, b"hello");
    let all = steward.get("/manage?q=birds").await;
    all.says("name=\"dataset\" value=\"birds\"").says("All (1)").says("Drafts (0)").says_not("bees");
    let both = [("dataset", "birds"), ("dataset", "bees"), ("dataset", "nothing-there")];
    let refused = gateway.count("access.refused");
    // A row that was ticked once, and is not any more, stays out of it.
    let again = steward.post("/manage", &[both[0], ("reason", "")]).await;
    again.is(422).says_not("type=\"hidden\" name=\"dataset\"").says_not("name=\"of\"");
    let said = steward.post("/manage", &[&both[..], &[("reason", "A leak.")]].concat()).await;
    said.is(422).says("Done: 2. Not done: 1.");
    assert_eq!(gateway.count("access.refused"), refused + 1, "as if it had been asked for alone");
    assert_eq!(steward.bytes("/data/bees/b.txt").await.0, 403);
    assert_eq!(gateway.count("dataset.suspended"), 2);
    let suspended = steward.get("/manage?state=suspended&order=edited-last").await;
    suspended.says("Suspended (2)").says("bees").says_not("name=\"dataset\" value=\"bees\"");
    let csv = steward.get("/manage/datasets.csv?state=suspended").await;
    assert_eq!(csv.body.lines().count(), 3, "{}", csv.body);
    let token = api_token(&steward, &gateway.accounts[STEWARD].password, &["steward"]).await;
    let program = Program::new(&gateway.url, Some(token));
    let several = json!({ "datasets": ["bees", "nothing-there"], "reason": "x" });
    let said = program.post("/manage/suspensions", &several).await;
    assert_eq!(said.is(200).json["refused"], json!([{ "id": "nothing-there", "reason": "not-found" }]));
    assert_eq!(gateway.count("access.refused"), refused + 2);
    program.post("/manage/suspensions", &json!({ "datasets": [], "reason": "x" })).await.is(422);
    let rows = program.get("/manage/datasets?state=suspended").await;
    assert_eq!(rows.json["items"][0]["state"], "suspended", "{}", rows.json);
    program.get("/manage/datasets?order=none").await.is(400);
    gateway.verify_log();
}
