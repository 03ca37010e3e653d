//! What people do from the beginning to the end, without JavaScript.

use super::support::gateway::{APPLICANT, AUDITOR, REVIEWER};
use super::support::people::{NIH, TABLE, decide, hidden, make_token, submit_with};
use super::support::{Gateway, Visitor, sha256};

#[tokio::test]
async fn a_visitor_reads_everything_before_registering() {
    let gateway = Gateway::start();
    let visitor = gateway.visitor();
    visitor
        .get("/")
        .await
        .is(200)
        .says("NIH Chest X-ray Dataset")
        .says("Need authorization agreement")
        .says("7 datasets");
    let page = visitor.get(&format!("/datasets/{NIH}")).await;
    page.is(200)
        .says("112,120")
        .says("October 11, 2020, 07:35 (CST)")
        .says("CC0: Public Domain")
        .says("Sign in to begin");
    page.says("Data and Resources").says("images_001/").says_not("00000001_000.png");
    visitor.get(&format!("/datasets/{NIH}?folder=images_001")).await.says("00000001_000.png");
    visitor.get("/agreements/nih-chest-xray-dua").await.is(200).says("The people in the data");
    visitor.get("/agreements/nih-chest-xray-dua?language=zh-TW").await.says("資料中的人");
    visitor.get(&format!("/datasets/{NIH}/request")).await.says("Sign in");
    visitor.get("/?q=臺灣 文獻").await.says("臺灣地質文獻").says("1 dataset");
    visitor.get("/?mode=open").await.says("5 of 7 datasets");
    visitor.get("/?tag=統計").await.says("2 of 7 datasets");
    // Filters that are on can be taken off one by one; what each further one would leave is counted; and the list has orders.
    let page = visitor.get("/?mode=open&tag=統計&format=csv&sort=size").await;
    page.is(200)
        .says("href=\"/?mode=open&#38;tag=%E7%B5%B1%E8%A8%88&#38;sort=size\"")
        .says("name=\"format\" value=\"csv\" checked");
    visitor.get("/?mode=nonsense").await.is(400);
    visitor.get("/?q=nothing+like+this").await.says("No dataset matches");
    visitor.get("/?q=%25%25").await.says("0 datasets");
}

#[tokio::test]
async fn the_catalogue_is_searched_by_words_beginnings_licences_and_file_names() {
    let gateway = Gateway::start();
    for slug in ["arrays", "rays-of-hope", "ray"] {
        gateway.publish(slug, "open", &[("sub/胸部2020.csv", b"a"), ("LICENSE_100%.md", b"b")]);
    }
    let visitor = gateway.visitor();
    let page = visitor.get("/?q=ray").await.body;
    let place = |slug: &str| page.find(&format!("href=\"/datasets/{slug}\"")).unwrap_or_else(|| panic!("no {slug}"));
    assert!(place("ray") < place("rays-of-hope") && place("rays-of-hope") < place("arrays"));
    visitor.get("/?q=00000001_00").await.says("1 dataset").says("Has the file").says("images_001/00000001_000.png");
    visitor.get("/?q=%E8%83%B8%E9%83%A82020.csv").await.says("3 datasets").says("sub/胸部2020.csv");
    visitor.get("/?q=license_100%25").await.says("3 datasets").says("LICENSE_100%.md");
    visitor.get("/?q=licensex100").await.says("No dataset matches");
    visitor.get("/?q=cc0+rays").await.says("2 datasets");
}

#[tokio::test]
async fn pages_speak_chinese_to_those_who_prefer_it() {
    let gateway = Gateway::start();
    let visitor = Visitor::speaking(&gateway.url, "zh-TW,zh;q=0.9,en;q=0.5");
    visitor.get("/").await.says("lang=\"zh-TW\"").says("需簽署授權協議").says("7 個資料集");
    visitor.get(&format!("/datasets/{NIH}")).await.says("資料與資源").says("登入以開始");
    visitor.get("/nowhere").await.is(404).says("找不到頁面");
    visitor.get("/language/en?to=/help").await.says("What is recorded").says("lang=\"en\"");
    visitor.get("/").await.says("7 datasets");
    visitor.get("/language/xx").await.is(404);
}

#[tokio::test]
async fn an_agreement_dataset_opens_with_the_signature() {
    let gateway = Gateway::start();
    gateway.publish("lab-notes", "agreement", &[("a.txt", b"hello"), ("sub/資料.txt", "內容".as_bytes())]);
    let applicant = gateway.person(APPLICANT).await;
    applicant.get("/datasets/lab-notes").await.says("Sign the agreement");
    let (status, _) = applicant.bytes("/data/lab-notes/a.txt").await;
    assert_eq!(status.as_u16(), 403);
    let request = submit_with(&applicant, "lab-notes", "Reading.").await;
    applicant.get(&request).await.says("You may download The lab-notes data").says("Countersigned");
    let (status, bytes) = applicant.bytes("/data/lab-notes/a.txt").await;
    assert_eq!((status.as_u16(), bytes.as_slice()), (200, b"hello".as_slice()));
    let token = make_token(&applicant, &["lab-notes"], "").await;
    let (status, body) =
        super::delivery::with_token(&gateway, &token, "/data/lab-notes/sub/%E8%B3%87%E6%96%99.txt").await;
    assert_eq!((status, body.as_slice()), (200, "內容".as_bytes()));
    gateway.verify_log();
}

#[tokio::test]
async fn an_open_dataset_needs_nobody() {
    let gateway = Gateway::start();
    let visitor = gateway.visitor();
    visitor.get("/datasets/tsung-yeh-guided-tours").await.says("No account is needed");
    let (status, bytes) = visitor.bytes("/data/tsung-yeh-guided-tours/README.txt").await;
    assert_eq!(status.as_u16(), 200);
    assert!(!bytes.is_empty());
    // Recorded all the same.
    assert_eq!(gateway.count("download.admitted"), 1);
}

#[tokio::test]
async fn from_signature_through_return_to_download() {
    let gateway = Gateway::start();
    let applicant = gateway.person(APPLICANT).await;
    let request = gateway.submit(&applicant).await;
    applicant.get(&format!("/datasets/{NIH}")).await.says("Follow your request");
    gateway.mail_to("applicant@demo.example", "has arrived").await;
    gateway.mail_to("reviewer2@demo.example", "asks for").await;
    let reviewer = gateway.person(REVIEWER).await;
    reviewer.get("/review").await.says("Mei-Ling Chen");
    reviewer.get(&request.replace("requests", "review")).await.says("Comparing methods for label noise");
    decide(&reviewer, &request, "return", "Say which method, and where you will publish.").await.says("Returned");
    let mail = gateway.mail_to("applicant@demo.example", "Change your request").await;
    assert!(mail.text.contains("Say which method") && mail.html.contains("Say which method"));
    applicant.get(&request).await.says("Say which method");
    let form = applicant.get(&format!("/datasets/{NIH}/request")).await;
    form.says("Comparing methods for label noise").says("Say which method");
    let again = submit_with(&applicant, NIH, "Comparing co-teaching with bootstrapping; for a workshop paper.").await;
    assert_eq!(again, request, "the same request goes on");
    decide(&reviewer, &request, "approve", "Good luck.").await.says("Approved");
    gateway.mail_to("applicant@demo.example", "You may download").await;
    applicant.get(&request).await.says("You may download NIH").says("Good luck.");
    let (status, bytes) = applicant.bytes(&format!("/data/{NIH}/{TABLE}")).await;
    assert_eq!(status.as_u16(), 200);
    applicant.get(&format!("/datasets/{NIH}")).await.says(&sha256(&bytes));
    for action in [
        "account.registered",
        "session.started",
        "agreement.published",
        "dataset.published",
        "release.published",
        "request.submitted",
        "agreement.signed",
        "request.reviewed",
        "request.returned",
        "request.approved",
        "grant.created",
        "download.admitted",
        "client.seen",
        "downloads.completed",
        "mail.sent",
        "key.created",
        "log.started",
    ] {
        assert!(gateway.count(action) > 0, "{action} is not in the log");
    }
    assert_eq!(gateway.count("agreement.signed"), 2);
    gateway.verify_log();
}

#[tokio::test]
async fn a_draft_survives_leaving_the_page() {
    let gateway = Gateway::start();
    let applicant = gateway.person(APPLICANT).await;
    let (version, language, form) = hidden(&applicant, NIH).await;
    let fields = [
        ("version", version.as_str()),
        ("language", &language),
        ("form_version", &form),
        ("project-purpose", "Half a <thought> & more"),
        ("do", "draft"),
    ];
    applicant
        .post(&format!("/datasets/{NIH}/request"), &fields)
        .await
        .is(200)
        .says("Your draft is saved")
        .says("Go on with your draft");
    let elsewhere = gateway.person(APPLICANT).await;
    elsewhere.get(&format!("/datasets/{NIH}/request")).await.says("Half a &#60;thought&#62; &#38; more");
    elsewhere.get("/projects").await.says("Draft");
    // Nobody else sees it.
    let reviewer = gateway.person(REVIEWER).await;
    reviewer.get("/review").await.says("No requests are waiting");
}

#[tokio::test]
async fn a_second_start_changes_nothing() {
    let mut gateway = Gateway::start();
    let before = gateway.accounts.clone();
    let events = gateway.events().len();
    assert!(gateway.stop(), "it ends well when asked to");
    gateway.start_again();
    // The export itself is one event.
    assert_eq!(gateway.events().len(), events + 1);
    let account = &before[AUDITOR];
    gateway.visitor().sign_in(&account.email, &account.password).await;
}

#[tokio::test]
async fn registering_takes_a_click_in_a_mail() {
    let gateway = Gateway::start();
    let visitor = Visitor::speaking(&gateway.url, "zh-TW");
    let fields = [
        ("name", "陳美玲"),
        ("email", "chen@ntu.example"),
        ("affiliation", ""),
        ("password", "a long enough password"),
    ];
    visitor.post("/register", &fields).await.is(200).says("我們已將連結寄到 chen@ntu.example");
    visitor.sign_in("Chen@NTU.example", "a long enough password").await;
    visitor.get(&format!("/datasets/{NIH}")).await.says("驗證您的地址");
    // Without a verified address nothing can be signed, and nothing typed is lost.
    let (version, language, form) = hidden(&visitor, NIH).await;
    let form = [
        ("version", version.as_str()),
        ("language", &language),
        ("form_version", &form),
        ("project-title", "標註雜訊"),
        ("project-institution", "臺大"),
        (
            "project-purpose",
            "胸部X光影像標註雜訊方法之比較研究，將比較三種方法並發表於研討會論文，並公開所有程式碼與實驗設定。",
        ),
        ("answer-commercial", "no"),
        ("answer-ethics", "yes"),
        ("accept", version.as_str()),
        ("consent", version.as_str()),
        ("typed_name", "陳美玲"),
        ("do", "sign"),
    ];
    visitor
        .post(&format!("/datasets/{NIH}/request"), &form)
        .await
        .is(409)
        .says("請先在帳號頁面驗證")
        .says("比較三種方法");
    let mail = gateway.mail_to("chen@ntu.example", "驗證您的地址").await;
    let link = super::support::visitor::between(&mail.text, &format!("{}/verify?link=", gateway.url), "\n").unwrap();
    // Whoever gets the mail can't prove the address for somebody else's account.
    let stranger = gateway.visitor();
    assert!(
        stranger.get(&format!("/verify?link={}", link.trim())).await.url.contains("/login?notice=sign-in-to-verify")
    );
    let another = gateway.person(REVIEWER).await;
    another.post("/verify", &[("link", link.trim())]).await.is(409).says("for another account");
    visitor.get(&format!("/verify?link={}", link.trim())).await.is(200).says("這是我的地址");
    visitor.post("/verify", &[("link", link.trim())]).await.is(200).says("您的地址已驗證");
    // A second click changes nothing.
    visitor.post("/verify", &[("link", link.trim())]).await.is(200);
    visitor.post(&format!("/datasets/{NIH}/request"), &form).await.is(200).says("已簽署並送出");
}

#[tokio::test]
async fn whether_an_address_has_an_account_stays_between_it_and_its_mail() {
    let gateway = Gateway::start();
    let stranger = gateway.visitor();
    let known = [("name", "X Y"), ("email", "applicant@demo.example"), ("password", "a long enough password")];
    let unknown = [("name", "X Y"), ("email", "nobody@demo.example"), ("password", "a long enough password")];
    let (first, second) = (stranger.post("/register", &known).await, stranger.post("/register", &unknown).await);
    assert_eq!((first.status, first.url.clone()), (second.status, second.url.clone()));
    gateway.mail_to("applicant@demo.example", "You already have an account").await;
    for email in ["applicant@demo.example", "stranger@demo.example"] {
        stranger.post("/password/forgot", &[("email", email)]).await.is(200).says("If the address has an account");
    }
    gateway.mail_to("applicant@demo.example", "Choose a new password").await;
    assert!(gateway.mail().iter().all(|mail| mail.to != "stranger@demo.example"));
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_and_other_browsers_are_signed_out() {
    let gateway = Gateway::start();
    let elsewhere = gateway.person(APPLICANT).await;
    let visitor = gateway.visitor();
    visitor.post("/password/forgot", &[("email", "applicant@demo.example")]).await.is(200);
    let mail = gateway.mail_to("applicant@demo.example", "Choose a new password").await;
    let link = super::support::visitor::between(&mail.text, "reset?link=", "\n").unwrap();
    visitor.post("/password/reset", &[("link", link.trim()), ("password", "short")]).await.is(422).says("at least 12");
    let fields = [("link", link.trim()), ("password", "another long password")];
    visitor.post("/password/reset", &fields).await.is(200).says("The new password is saved");
    visitor.post("/password/reset", &fields).await.is(409);
    let gone = elsewhere.get("/account").await;
    assert!(gone.url.contains("/login"), "{}", gone.url);
    visitor.sign_in("applicant@demo.example", "another long password").await;
    visitor.get("/account").await.says("Password changed");
}

#[tokio::test]
async fn the_log_is_read_by_auditors_and_by_nobody_else() {
    let gateway = Gateway::start();
    gateway.granted().await;
    let auditor = gateway.person(AUDITOR).await;
    auditor.get("/admin/audit").await.is(200).says("request.approved").says("Mei-Ling Chen");
    auditor.get("/admin/audit?action=request.approved").await.says("request.approved").says_not("session.started <");
    let page = auditor.get("/admin/audit?person=applicant%40demo.example&dataset=nih-chest-xray").await;
    page.says("sent a request for nih-chest-xray").says_not("could not sign in");
    auditor.get("/admin/audit?since=2999-01-01").await.says("No entries match");
    auditor.get("/admin/audit?since=yesterday").await.is(200).says("Give a date");
    auditor.get("/admin/audit?person=nobody").await.says("Nobody has this address");
    let export = auditor.post("/admin/audit/export", &[("format", "jsonl"), ("action", "request.approved")]).await;
    assert_eq!(export.body.lines().count(), 1);
    let line: serde_json::Value = serde_json::from_str(export.body.trim()).unwrap();
    assert_eq!(line["event"]["action"], "request.approved");
    let csv = auditor.post("/admin/audit/export", &[("format", "csv")]).await;
    assert!(csv.body.starts_with("\u{feff}index,at,action,") && csv.body.lines().count() > 20);
    assert_eq!(gateway.count("audit.exported"), 2);
    // They change nothing.
    auditor.get("/admin/mail").await.is(404);
    auditor.post("/manage/datasets/nih-chest-xray/suspension", &[("do", "suspend"), ("reason", "x")]).await.is(404);
    for other in [APPLICANT, REVIEWER] {
        let person = gateway.person(other).await;
        for path in ["/admin", "/admin/audit", "/admin/people", "/manage/grants", "/manage", "/admin/mail"] {
            person.get(path).await.is(404);
        }
        person.post("/admin/audit/export", &[("format", "csv")]).await.is(404);
    }
    assert!(gateway.visitor().get("/admin/audit").await.url.contains("/login"));
}

#[tokio::test]
async fn a_newcomer_never_loses_the_way() {
    let gateway = Gateway::start();
    let visitor = gateway.visitor();
    let goal = format!("/datasets/{NIH}/request");
    // One click each: the dataset's page leads to signing in, that to registering, and each knows the goal.
    let dataset = visitor.get(&format!("/datasets/{NIH}")).await;
    let sign_in = dataset.between("class=\"button first wide\" href=\"", "\"");
    let register = visitor.get(&sign_in).await.between("<a href=\"/register?", "\"");
    let form = visitor.get(&format!("/register?{register}")).await;
    let next = form.between("name=\"next\" value=\"", "\"");
    assert_eq!(next, goal);
    let fields = [
        ("name", "Amina Diallo"),
        ("email", "amina@example.org"),
        ("password", "a long enough password"),
        ("next", &next),
    ];
    let sent = visitor.post("/register", &fields).await;
    sent.is(200).says("amina@example.org").says("sends the link again");
    let mail = gateway.mail_to("amina@example.org", "Verify your address").await;
    let link = super::support::visitor::between(&mail.text, &gateway.url, "\n").unwrap();
    let asked = visitor.get(link.trim()).await;
    assert!(asked.url.contains("/login"), "{}", asked.url);
    let next = asked.between("name=\"next\" value=\"", "\"").replace("&#38;", "&");
    let fields = [("email", "amina@example.org"), ("password", "a long enough password"), ("next", next.as_str())];
    let verify = visitor.post("/login", &fields).await;
    verify.says("This address is mine");
    let (link, next) = (verify.between("name=\"link\" value=\"", "\""), verify.between("name=\"next\" value=\"", "\""));
    let arrived = visitor.post("/verify", &[("link", &link), ("next", &next)]).await;
    assert!(arrived.url.ends_with(&goal), "{}", arrived.url);
    // A second click leads there as well, and nobody else's site is ever gone to.
    assert!(visitor.get(&format!("/verify?link={link}&next={goal}")).await.url.ends_with(&goal));
    assert!(visitor.get("/verify?link=x&next=//evil.example").await.url.ends_with("/account?notice=verified-already"));
    // A name that is not the account's is asked about once, and shown to the reviewer.
    let (version, language, form) = hidden(&visitor, NIH).await;
    let sign = async |typed: &str, asked: &str| {
        let purpose = "Comparing methods for label noise in chest radiographs.";
        let fields = [
            ("version", version.as_str()),
            ("language", &language),
            ("form_version", &form),
            ("project-title", "Label noise"),
            ("project-institution", "Institute"),
            ("project-purpose", purpose),
            ("answer-commercial", "no"),
            ("answer-ethics", "yes"),
            ("accept", version.as_str()),
            ("consent", version.as_str()),
            ("typed_name", typed),
            ("name_asked", asked),
            ("do", "sign"),
        ];
        visitor.post(&goal, &fields).await
    };
    let asked = sign("A. D.", "").await;
    asked.is(422).says("not the name of your account").says("name=\"name_asked\" value=\"A. D.\"");
    sign("Another Name", "A. D.").await.is(422).says("not the name of your account");
    let signed = sign("A. D.", "A. D.").await;
    signed.is(200).says("Signed and sent");
    let review = signed.url.replace("/requests/", "/review/");
    let reviewer = gateway.person(REVIEWER).await;
    reviewer.get(review.trim_end_matches("?notice=signed-sent")).await.says("is not the account’s");
}

#[tokio::test]
async fn the_catalogue_is_found_and_says_who_runs_it() {
    let folder = tempfile::tempdir().unwrap();
    let logo = folder.path().join("logo.svg");
    std::fs::write(&logo, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>").unwrap();
    let gateway = Gateway::start_with(&[
        ("COUNTERSIGN_SITE_NAME", "Institute of <Imaging>"),
        ("COUNTERSIGN_SITE_CONTACT", "data@example.org"),
        ("COUNTERSIGN_SITE_PRIVACY_URL", "https://example.org/privacy"),
        ("COUNTERSIGN_SITE_LOGO", logo.to_str().unwrap()),
    ]);
    let visitor = gateway.visitor();
    let page = visitor.get(&format!("/datasets/{NIH}?folder=images_001")).await;
    page.says(&format!("<link rel=\"canonical\" href=\"{}/datasets/{NIH}\">", gateway.url)).says("og:description");
    page.says("Institute of &#60;Imaging&#62;").says("mailto:data@example.org").says("https://example.org/privacy");
    let data: serde_json::Value =
        serde_json::from_str(&page.between("<script type=\"application/ld+json\">", "</script>")).unwrap();
    assert_eq!((data["@type"].as_str(), data["name"].as_str()), (Some("Dataset"), Some("NIH Chest X-ray Dataset")));
    assert_eq!(visitor.get("/logo").await.header("content-type"), "image/svg+xml");
    let map = visitor.get("/sitemap.xml").await;
    map.is(200).says(&format!("<loc>{}/datasets/{NIH}</loc>", gateway.url));
    visitor.get("/robots.txt").await.says("Sitemap: ");
    // What needs an account has no face.
    visitor.get("/login").await.says_not("canonical");
    visitor.post("/password/forgot", &[("email", "applicant@demo.example")]).await;
    assert!(gateway.mail_to("applicant@demo.example", "Choose").await.text.contains("Institute of <Imaging>"));
}
