//! Organisations: who holds data, who runs that, and what nobody else sees.

use super::audit::run;
use super::delivery::with_token;
use super::support::gateway::{ADMINISTRATOR, APPLICANT, AUDITOR, OWNER, REVIEWER, STEWARD};
use super::support::people::{NIH, decide, make_token, submit_with};
use super::support::{Gateway, Visitor};

/// A second organisation, which the demo's applicant owns.
async fn second(gateway: &Gateway) -> (Visitor, Visitor) {
    let (administrator, owner) = (gateway.person(ADMINISTRATOR).await, gateway.person(APPLICANT).await);
    let fields = [
        ("name.en", "Thorax Institute"),
        ("name.zh-TW", "胸腔研究所"),
        ("slug", "thorax"),
        ("email", "applicant@demo.example"),
    ];
    administrator.post("/admin/organisations", &fields).await.is(200).says("It is made, and its owner is invited");
    owner.get("/manage").await.is(200).says("You are invited to be owner of").says("Thorax Institute");
    owner.post("/manage/join/thorax", &[]).await.is(200).says("Welcome");
    (administrator, owner)
}

#[tokio::test]
async fn where_there_is_one_no_page_speaks_of_it() {
    let gateway = Gateway::start();
    let request = submit_with(&gateway.person(APPLICANT).await, NIH, "Reading.").await;
    let review = request.replace("/requests/", "/review/");
    let (dataset, signing) = (format!("/datasets/{NIH}"), format!("/datasets/{NIH}/request"));
    let own = ["/", &dataset, "/agreements/nih-chest-xray-dua", "/projects", &request, &signing, "/account", "/help"];
    let decides = ["/review", &review];
    let manages = [
        "/manage",
        "/manage/grants",
        "/manage/members",
        "/manage/committees",
        "/manage/about",
        "/manage/new-committee/main",
    ];
    let oversees = ["/admin", "/admin/people"];
    let seen = [
        (APPLICANT, own.to_vec()),
        (REVIEWER, decides.to_vec()),
        (OWNER, [manages.as_slice(), &decides].concat()),
        (STEWARD, manages[..5].to_vec()),
        (AUDITOR, [&manages[..5], &decides, &oversees].concat()),
        (ADMINISTRATOR, oversees.to_vec()),
    ];
    for (person, pages) in seen {
        let visitor = gateway.person(person).await;
        for path in pages {
            let page = visitor.get(path).await;
            // An address in a link is no word on the page.
            let text = page.is(200).body.replace("/admin/organisations", "").to_lowercase();
            assert!(!text.contains("organisation"), "{path} for {person}:\n{}", page.body);
        }
    }
    gateway.visitor().get("/organisations/main").await.is(404);
}

#[tokio::test]
async fn an_administrator_makes_one_and_sees_nothing_of_it() {
    let gateway = Gateway::start();
    let request = submit_with(&gateway.person(APPLICANT).await, NIH, "Reading.").await;
    let (administrator, owner) = second(&gateway).await;
    gateway.mail_to("applicant@demo.example", "You are invited to be owner of Thorax Institute").await;
    // Names in addresses are given once, and what is wrong is said beside the field.
    let twice = [("name.en", "Another"), ("slug", "thorax"), ("email", "owner@demo.example")];
    administrator.post("/admin/organisations", &twice).await.is(422).says("This name is taken").says("Another");
    let empty = [("name.en", " "), ("slug", "X Y"), ("email", "nobody")];
    administrator.post("/admin/organisations", &empty).await.is(422).says("small letters, digits and hyphens");
    // What it holds is its own: not the administrator's, who can't appoint themselves either.
    for path in ["/manage", "/manage/grants", "/manage/members/thorax", "/review", "/admin/audit"] {
        administrator.get(path).await.is(404);
    }
    administrator.get(&request.replace("/requests/", "/review/")).await.is(404);
    let self_made = [("do", "owner"), ("owner-email", "administrator@demo.example")];
    administrator.post("/admin/organisations/thorax", &self_made).await.is(404);
    let list = administrator.get("/admin/people?q=applicant").await;
    let person = list.between("<td role=\"cell\" class=\"keep\"><a href=\"/admin/people/", "\"");
    administrator.get(&format!("/admin/people/{person}")).await.is(200).says_not("NIH Chest X-ray");
    // Its pages are there for everybody, and neighbours see nothing of each other.
    gateway
        .visitor()
        .get("/organisations/thorax")
        .await
        .is(200)
        .says("Thorax Institute")
        .says("not published anything");
    let chinese = Visitor::speaking(&gateway.url, "zh-TW");
    chinese.get("/organisations/thorax").await.says("胸腔研究所");
    gateway.visitor().get(&format!("/datasets/{NIH}")).await.says("Held by");
    owner.get("/manage").await.is(200).says_not("NIH Chest X-ray");
    owner.get("/manage/grants").await.is(200).says("No grants match");
    for path in ["/manage/members/main", "/manage/committees/main", "/manage/about/main"] {
        owner.get(path).await.is(404);
    }
    owner.post(&format!("/manage/datasets/{NIH}/suspension"), &[("do", "suspend"), ("reason", "x")]).await.is(404);
    let steward = gateway.person(STEWARD).await;
    steward.get("/manage/members/thorax").await.is(404);
    // Stewards publish and revoke, and read no answers.
    steward.get(&request.replace("/requests/", "/review/")).await.is(404);
    gateway.verify_log();
}

#[tokio::test]
async fn owners_and_stewards_come_and_go_and_one_owner_stays() {
    let gateway = Gateway::start();
    let owner = gateway.person(OWNER).await;
    let members = "/manage/members/main";
    let invite = [("email", "reviewer1@demo.example"), ("role", "steward")];
    owner.post(members, &invite).await.is(200).says("The invitation is on its way");
    owner.post(members, &invite).await.is(422).says("already");
    owner.post(members, &[("email", "no address"), ("role", "steward")]).await.is(422).says("no address");
    let mail = gateway.mail_to("reviewer1@demo.example", "steward of Countersign").await;
    assert!(mail.text.contains("Ingrid Solberg") && mail.text.contains("/manage"), "{}", mail.text);
    let new = gateway.person(REVIEWER).await;
    new.get("/manage").await.is(200).says("Accept").says_not("NIH Chest X-ray");
    new.post("/manage/join/main", &[]).await.is(200).says("NIH Chest X-ray");
    gateway.person(APPLICANT).await.post("/manage/join/main", &[]).await.is(404);
    // A steward invites nobody; an owner does.
    let other = [("email", "reviewer2@demo.example"), ("role", "owner")];
    new.post(members, &other).await.is(403);
    let role = [("email", "reviewer1@demo.example"), ("role", "owner")];
    new.post("/manage/members/main/role", &role).await.is(403);
    owner.post("/manage/members/main/role", &role).await.is(200).says("The role is changed");
    new.post(members, &other).await.is(200);
    // Who leaves sees nothing any more; the last owner can't leave.
    owner.post("/manage/members/main/remove", &[("email", "owner@demo.example")]).await.is(200).says("You have left");
    owner.get("/manage").await.is(404);
    new.post("/manage/members/main/remove", &[("email", "reviewer1@demo.example")])
        .await
        .is(409)
        .says("at least one owner");
    let back = [("email", "reviewer1@demo.example"), ("role", "steward")];
    new.post("/manage/members/main/role", &back).await.is(409).says("at least one owner");
    new.post("/manage/members/main/remove", &[("email", "steward@demo.example")]).await.is(200);
    gateway.mail_to("steward@demo.example", "You no longer work for").await;
    gateway.person(STEWARD).await.get("/manage").await.is(404);
    assert_eq!(gateway.count("organisation.member_joined"), 3);
    gateway.verify_log();
}

#[tokio::test]
async fn a_suspended_organisation_delivers_nothing_at_the_next_request() {
    let gateway = Gateway::start();
    let (_, token) = gateway.token().await;
    let file = format!("/data/{NIH}/README.txt");
    let (administrator, _) = second(&gateway).await;
    assert_eq!(with_token(&gateway, &token, &file).await.0, 200);
    administrator.post("/admin/organisations/main", &[("do", "suspend"), ("reason", " ")]).await.is(422);
    administrator.post("/admin/organisations/main", &[("do", "suspend"), ("reason", "Audit.")]).await.is(200);
    let (status, body) = with_token(&gateway, &token, &file).await;
    assert_eq!(status, 403, "{}", String::from_utf8_lossy(&body));
    assert_eq!(gateway.visitor().bytes("/data/tsung-yeh-guided-tours/README.txt").await.0, 403, "open data as well");
    gateway.visitor().get(&format!("/datasets/{NIH}")).await.is(200).says("This dataset is suspended");
    administrator.post("/admin/organisations/main", &[("do", "restore")]).await.is(200);
    assert_eq!(with_token(&gateway, &token, &file).await.0, 200);
    gateway.verify_log();
}

async fn send(visitor: &Visitor, path: &str, fields: Vec<(&str, String)>) -> super::support::Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    visitor.post(path, &fields).await
}

#[tokio::test]
async fn two_owners_edit_a_committee_and_nothing_is_lost() {
    let gateway = Gateway::start();
    let (one, two) = (gateway.person(OWNER).await, gateway.person(OWNER).await);
    let path = "/manage/committees/main/imaging";
    let opened = one.get(path).await;
    opened.is(200).says("reviewer1@demo.example").says("Imaging data committee");
    let seen = opened.between("name=\"seen\" value=\"", "\"");
    let fields = |name: &'static str, members: &'static str, quorum: &'static str, seen: &str| {
        vec![
            ("name.en", name.to_owned()),
            ("members", members.to_owned()),
            ("quorum", quorum.to_owned()),
            ("seen", seen.to_owned()),
        ]
    };
    let both = "reviewer1@demo.example\r\nreviewer2@demo.example";
    send(&one, path, fields("Imaging", both, "2", &seen)).await.is(200).says("Saved").says("2 approvals needed");
    // The other had opened the page before: told, with what the first saved beside what differs, and nothing typed lost.
    let met = send(&two, path, fields("Pictures", both, "1", &seen)).await;
    met.is(409).says("Somebody else saved a change").says("value=\"Pictures\"").says("“Imaging”").says("“2”");
    met.says_not("“reviewer1@demo.example");
    let again = met.between("name=\"seen\" value=\"", "\"");
    send(&two, path, fields("Pictures", both, "1", &again)).await.is(200).says("Pictures");
    // What can't be is said beside its field.
    let now = two.get(path).await.between("name=\"seen\" value=\"", "\"");
    for (members, quorum, says) in [
        ("nobody", "1", "“nobody” is not an e-mail address"),
        ("reviewer1@demo.example", "2", "at least as many members"),
        ("reviewer1@demo.example", "none", "a number of 1 or more"),
        ("reviewer1@demo.example\nREVIEWER1@demo.example", "1", "is there twice"),
        ("stranger@demo.example", "1", "has no account here yet"),
    ] {
        send(&two, path, fields("Pictures", members, quorum, &now)).await.is(422).says(says);
    }
    // A new one; its name in addresses can't be an old one's.
    let mut new = fields("Second", "reviewer2@demo.example", "1", "");
    new.push(("slug", "imaging".to_owned()));
    send(&one, "/manage/new-committee/main", new.clone()).await.is(422).says("This name is taken");
    new.pop();
    new.push(("slug", "second".to_owned()));
    send(&one, "/manage/new-committee/main", new).await.is(200).says("Second");
    gateway.person(STEWARD).await.get(path).await.is(404);
    // The same for what is said about the whole.
    let about = "/manage/about/main";
    let seen = one.get(about).await.between("name=\"seen\" value=\"", "\"");
    let text = |about: &'static str, seen: &str| {
        vec![("name.en", "Institute".to_owned()), ("about.en", about.to_owned()), ("seen", seen.to_owned())]
    };
    send(&one, about, text("We **hold** data.", &seen)).await.is(200).says("Saved");
    send(&two, about, text("We lend data.", &seen)).await.is(409).says("We **hold** data.").says("We lend data.");
}

#[tokio::test]
async fn a_dataset_is_handed_over_by_offer_and_acceptance() {
    let gateway = Gateway::start();
    let (reviewer, owner) = (gateway.person(REVIEWER).await, gateway.person(OWNER).await);
    gateway.publish("scans", "approval", &[("a.txt", b"hello")]);
    let (_, thorax) = second(&gateway).await;
    // Somebody has access, and somebody else waits.
    let applicant = gateway.person(STEWARD).await;
    let granted = submit_with(&applicant, NIH, "Reading.").await;
    decide(&reviewer, &granted, "approve", "").await.is(200);
    let token = make_token(&applicant, &[NIH], "").await;
    let waiting = submit_with(&gateway.person(ADMINISTRATOR).await, NIH, "Waiting.").await;
    let offer = |slug: &str| format!("/manage/datasets/{slug}/offer");
    let answer = format!("/manage/datasets/{NIH}/answer");
    applicant.post(&offer(NIH), &[("to", "thorax")]).await.is(403);
    thorax.post(&offer(NIH), &[("to", "thorax")]).await.is(404);
    owner.post(&offer(NIH), &[("to", "nobody-there")]).await.is(422).says("There is no such organisation");
    owner.post(&offer(NIH), &[("to", "main")]).await.is(422).says("belongs to this organisation already");
    thorax.post(&answer, &[("do", "accept")]).await.is(404);
    owner.post(&offer(NIH), &[("to", "thorax")]).await.is(200).says("Offered to");
    gateway.mail_to("applicant@demo.example", "is offered to Thorax Institute").await;
    // Taken back on the dataset's page, which is where that leads; offered again.
    owner.get(&format!("/manage/datasets/{NIH}")).await.says("name=\"at\" value=\"dataset\"");
    let taken_back = owner.post(&answer, &[("do", "end"), ("at", "dataset")]).await;
    assert!(taken_back.is(200).url.contains(&format!("/manage/datasets/{NIH}")), "{}", taken_back.url);
    owner.post(&offer(NIH), &[("to", "thorax")]).await.is(200);
    // Declined, offered again.
    thorax.get("/manage").await.says("is offered to you").says("Decline");
    thorax.post(&answer, &[("do", "end")]).await.is(200).says_not("is offered to you");
    owner.post(&offer(NIH), &[("to", "thorax")]).await.is(200);
    // A committee of the new holder decides from now on; there has to be one.
    thorax.post(&answer, &[("do", "accept")]).await.is(422).says("no committee of this name");
    let committee =
        [("name.en", "Thorax committee"), ("slug", "thorax"), ("members", "reviewer2@demo.example"), ("quorum", "1")];
    thorax.post("/manage/new-committee/thorax", &committee).await.is(200);
    thorax.post(&answer, &[("do", "accept"), ("committee", "thorax")]).await.is(200).says("The dataset is yours now");
    // Access that was given goes on; who decides is another; the former holder sees nothing of it any more.
    assert_eq!(with_token(&gateway, &token, &format!("/data/{NIH}/README.txt")).await.0, 200);
    let review = waiting.replace("/requests/", "/review/");
    reviewer.get(&review).await.is(404);
    owner.get(&review).await.is(404);
    owner.get("/manage").await.says_not("\"/datasets/nih-chest-xray\"").says("The scans data");
    gateway.mail_to("reviewer2@demo.example", "asks for NIH Chest X-ray").await;
    let second_reviewer = gateway.person(super::support::gateway::OTHER_REVIEWER).await;
    decide(&second_reviewer, &waiting, "approve", "").await.is(200).says("Approved");
    thorax.get("/manage/grants").await.says("NIH Chest X-ray");
    gateway.visitor().get(&format!("/datasets/{NIH}")).await.says("Thorax Institute");
    gateway
        .visitor()
        .get("/?organisation=thorax")
        .await
        .says("\"/datasets/nih-chest-xray\"")
        .says_not("The scans data");
    gateway.visitor().get("/agreements/nih-chest-xray-dua").await.says("Thorax Institute");
    gateway.verify_log();
}

#[tokio::test]
async fn operators_make_organisations_and_say_whose_a_dataset_is() {
    let gateway = Gateway::start();
    let made = gateway.cli_text(&["organisation", "make", "thorax", "--name", "Thorax Institute"]);
    assert!(made.contains("thorax is made"), "{made}");
    let twice = gateway.cli(&["organisation", "make", "thorax", "--name", "Again"]);
    assert!(String::from_utf8_lossy(&twice.stderr).contains("there is an organisation thorax already"));
    let which = gateway.cli(&["organisation", "appoint", "--email", "owner@demo.example"]);
    assert!(String::from_utf8_lossy(&which.stderr).contains("there are several; name one"));
    let only = ["organisation", "appoint", "--email", "owner@demo.example", "--role", "steward", "--organisation"];
    let refused = gateway.cli(&[&only[..], &["main"]].concat());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("appoint another one first"), "{said}");
    let erased = gateway.cli(&["audit", "erase", "--person", "owner@demo.example", "--yes"]);
    assert!(!erased.status.success() && String::from_utf8_lossy(&erased.stderr).contains("appoint another one first"));
    let appoint = ["organisation", "appoint", "--email", "applicant@demo.example", "--organisation", "thorax"];
    assert!(gateway.cli_text(&appoint).contains("applicant@demo.example is owner of thorax"));
    // Who joined with one address and has another now is known by the account; the address may be somebody else's by now.
    for (from, to) in [("applicant", "moved"), ("steward", "applicant")] {
        let to = format!("'{to}@demo.example'");
        let change = format!("UPDATE people SET email = {to}, email_key = {to} WHERE email = '{from}@demo.example'");
        run(&mut gateway.database(), &change);
    }
    let other = gateway.cli(&appoint);
    assert!(String::from_utf8_lossy(&other.stderr).contains("a member already"), "{other:?}");
    let moved = ["organisation", "appoint", "--email", "moved@demo.example", "--organisation", "thorax"];
    gateway.cli_text(&moved);
    let list = gateway.cli_text(&["organisation", "list"]);
    assert!(
        list.contains("thorax  Thorax Institute") && list.contains("owner  joined  applicant@demo.example"),
        "{list}"
    );
    // What is published says whose it is, where there are several.
    let home = gateway.scratch();
    let committee = home.join("committee.toml");
    let text = "slug = \"deciders\"\nname = \"Deciders\"\nmembers = [\"reviewer1@demo.example\"]\n";
    std::fs::write(&committee, text).unwrap();
    let file = committee.to_str().unwrap();
    let refused = gateway.cli(&["committee", "set", file]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("organisation: is needed"), "{refused:?}");
    std::fs::write(&committee, format!("organisation = \"thorax\"\n{text}")).unwrap();
    assert!(gateway.cli_text(&["committee", "set", file]).contains("deciders set: 1 member, 1 needed to approve"));
    assert!(gateway.cli_text(&["committee", "set", file]).contains("unchanged"));
    // A dataset asks for agreements of its own organisation alone.
    let (dataset, root) = (home.join("dataset.toml"), home.join("files"));
    std::fs::create_dir_all(&root).unwrap();
    let describe = |organisation: &str, more: &str| {
        let text = format!(
            "organisation = \"{organisation}\"\nslug = \"scans\"\ntitle = \"Scans\"\nsummary = \".\"\n\
             description = \".\"\nlicence = \"CC0\"\npublisher = \"Us\"\nroot = \"files\"\n{more}"
        );
        std::fs::write(&dataset, text).unwrap();
        let output = gateway.cli(&["dataset", "import", dataset.to_str().unwrap()]);
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    let signed = "mode = \"approval\"\nagreements = [\"nih-chest-xray-dua\"]\ncommittee = \"deciders\"\n";
    assert!(describe("thorax", signed).contains("nih-chest-xray-dua is not published yet"));
    assert!(describe("main", signed).contains("committee: is not set up yet"));
    assert!(describe("thorax", "mode = \"open\"\n").contains("scans up to date"));
    assert!(describe("main", "mode = \"open\"\n").contains("it belongs to another one"));
    gateway.verify_log();
}
