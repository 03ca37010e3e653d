//! Projects: one person's work on one dataset beside other work of theirs, each with its own end.

use super::delivery::with_token;
use super::support::gateway::{APPLICANT, AUDITOR, REVIEWER, STEWARD};
use super::support::people::{NIH, decide, long_enough, make_token, send_signature, shown_token, sign_on};
use super::support::visitor::between;
use super::support::{Answer, Gateway, Visitor};

const PURPOSE: &str = "Comparing methods for label noise in chest radiographs.";

/// Asks for a dataset, for a project as the form names it; gives the answer.
async fn ask(applicant: &Visitor, slug: &str, project: &str, title: &str, more: &[(&str, &str)]) -> Answer {
    // The form for another project is there whatever waits or was granted.
    let page = applicant.get(&format!("/datasets/{slug}/request?project=new")).await;
    let hidden = |name: &str| between(&page.body, &format!("name=\"{name}\" value=\""), "\"").unwrap_or_default();
    let (version, language, form) = (hidden("version"), hidden("language"), hidden("form_version"));
    let purpose = long_enough(PURPOSE);
    let mut fields = vec![
        ("version", version.as_str()),
        ("language", &language),
        ("form_version", &form),
        ("project", project),
        ("project-title", title),
        ("project-institution", "Demo Institute"),
        ("project-purpose", &purpose),
        ("answer-commercial", "no"),
        ("answer-purpose", "Reading."),
        ("answer-ethics", "yes"),
        ("accept", &version),
        ("consent", &version),
        ("typed_name", "Mei-Ling Chen"),
        ("name_asked", "Mei-Ling Chen"),
        ("do", "sign"),
    ];
    fields.extend(more);
    applicant.post(&format!("/datasets/{slug}/request"), &fields).await
}

fn path(answer: &Answer) -> String {
    reqwest::Url::parse(&answer.url).unwrap().path().to_owned()
}

fn project_of(answer: &Answer) -> String {
    answer.between("href=\"/projects/", "\"")
}

#[tokio::test]
async fn two_projects_of_one_person_stand_side_by_side() {
    let gateway = Gateway::start();
    let (applicant, reviewer) = (gateway.person(APPLICANT).await, gateway.person(REVIEWER).await);
    let first = ask(&applicant, NIH, "", "Label noise", &[]).await;
    first.is(200).says("Label noise");
    // The same form again leads to the same request; another project is asked for by name, once however often it is sent.
    assert_eq!(path(&ask(&applicant, NIH, "", "Label noise", &[]).await), path(&first));
    let page = applicant.get(&format!("/datasets/{NIH}/request?project=new")).await;
    let fresh = page.is(200).between("name=\"project\" value=\"", "\"");
    assert!(fresh.starts_with("new-"), "{fresh}");
    let until = [("project-until", "2199-12-31")];
    let second = ask(&applicant, NIH, &fresh, "Second reading", &until).await;
    assert_ne!(path(&second), path(&first));
    assert_eq!(path(&ask(&applicant, NIH, &fresh, "Second reading", &until).await), path(&second));
    assert_eq!(gateway.count("project.begun"), 2);
    // The committee reads what each is for.
    let review = reviewer.get(&path(&second).replace("/requests/", "/review/")).await;
    review.says("Second reading").says(PURPOSE).says("2199-12-31");
    decide(&reviewer, &path(&first), "approve", "").await.is(200);
    decide(&reviewer, &path(&second), "approve", "").await.is(200);
    let list = applicant.get("/projects").await;
    list.is(200).says("Label noise").says("Second reading").says("Running");
    let token = make_token(&applicant, &[NIH], "").await;
    assert_eq!(with_token(&gateway, &token, &format!("/data/{NIH}/README.txt")).await.0, 200);
    let used = |gateway: &Gateway| {
        let events = gateway.events();
        let admitted = events.iter().rfind(|line| line["event"]["action"] == "download.admitted").unwrap();
        let grant = &admitted["event"]["details"]["grant"];
        let created = events.iter().find(|line| line["event"]["subject"] == *grant).unwrap();
        created["event"]["project"].as_str().unwrap().to_owned()
    };
    let (one, two) = (project_of(&first), project_of(&second));
    assert_eq!(used(&gateway), two, "the newest");
    // A token of one project uses that project's grant, the older one too.
    let make = async |project: &str| {
        let fields = [("name", "of one"), ("days", "7"), ("paths", ""), ("datasets", NIH), ("project", project)];
        applicant.post("/account/tokens", &fields).await
    };
    applicant.get("/account/tokens").await.says("Any of my projects").says(&format!("<option value=\"{one}\""));
    let (of_one, of_two) = (make(&one).await, make(&two).await);
    for (made, project) in [(&of_two, &two), (&of_one, &one)] {
        let (status, _) = with_token(&gateway, &shown_token(made), &format!("/data/{NIH}/README.txt")).await;
        assert_eq!((status, used(&gateway)), (200, project.clone()));
    }
    make("mine").await.is(422).says("href=\"#project\"").says("Choose one of your projects");
    let of_nobody = make("01900000-0000-7000-8000-000000000000").await;
    of_nobody.is(409).says("href=\"#datasets\"").says("That project has no access");
    let issue = ["token", "issue", "--person", "applicant@demo.example", "--dataset", NIH, "--project"];
    let issued = gateway.cli_text(&[&issue[..], &[one.as_str()]].concat());
    with_token(&gateway, issued.trim(), &format!("/data/{NIH}/README.txt")).await;
    assert_eq!(used(&gateway), one);
    // With the one ended, the other goes on.
    let shown = applicant.get(&format!("/projects/{two}")).await;
    shown.is(200).says("Second reading").says("until").says("End this project").says_not("/edit");
    applicant.post(&format!("/projects/{two}/end"), &[]).await.is(200).says("Over").says_not("End this project");
    assert_eq!(with_token(&gateway, &token, &format!("/data/{NIH}/README.txt")).await.0, 200);
    assert_eq!(used(&gateway), one);
    let (status, _) = with_token(&gateway, &shown_token(&of_two), &format!("/data/{NIH}/README.txt")).await;
    assert_eq!(status, 403, "a token of a project ends with it");
    // Who holds what says for which project.
    let held = gateway.cli_text(&["audit", "holdings", "--dataset", NIH, "--format", "json"]);
    assert!(held.contains(&one) && held.contains(&two), "{held}");
    // With both, nothing passes.
    applicant.post(&format!("/projects/{one}/end"), &[]).await.is(200);
    let (status, said) = with_token(&gateway, &token, &format!("/data/{NIH}/README.txt")).await;
    assert!(status == 403 && String::from_utf8_lossy(&said).contains("grant-revoked"), "{status}");
    // Neither can be asked for again, nor ended twice.
    assert_eq!(applicant.post(&format!("/projects/{one}/end"), &[]).await.status.as_u16(), 409);
    applicant.get(&format!("/datasets/{NIH}/request?project={one}")).await;
    ask(&applicant, NIH, &one, "Label noise", &[]).await.is(409).says("This project is over");
    // The next request begins a third.
    ask(&applicant, NIH, "", "Third", &[]).await.is(200);
    assert_eq!(gateway.count("project.begun"), 3);
    gateway.verify_log();
}

#[tokio::test]
async fn a_project_is_its_leads_alone() {
    let gateway = Gateway::start();
    let (applicant, reviewer) = (gateway.person(APPLICANT).await, gateway.person(REVIEWER).await);
    let purpose = long_enough(PURPOSE);
    let fields = [("project-title", "Mine <b>"), ("project-institution", "Institute"), ("project-purpose", &purpose)];
    let begun = applicant.post("/projects/new", &fields).await;
    begun.is(200).says("Mine &#60;b&#62;").says("Nothing has been asked for yet");
    let id = path(&begun).replace("/projects/", "");
    for address in [format!("/projects/{id}"), format!("/projects/{id}/edit"), "/projects/x".into()] {
        reviewer.get(&address).await.is(404);
    }
    reviewer.post(&format!("/projects/{id}/end"), &[]).await.is(404);
    reviewer.post(&format!("/projects/{id}/edit"), &fields).await.is(404);
    reviewer.get(&format!("/datasets/{NIH}/request?project={id}")).await.is(404);
    let stolen = ask(&reviewer, NIH, &id, "Mine", &[]).await;
    stolen.is(404);
    assert_eq!(ask(&reviewer, NIH, &format!("new-{id}"), "Mine", &[]).await.status.as_u16(), 404);
    gateway.visitor().get(&format!("/projects/{id}")).await.says("Sign in");
    // What is wrong is said beside its field.
    let wrong =
        [("project-title", ""), ("project-purpose", "Short."), ("project-until", "soon"), ("project-institution", "X")];
    let shown = applicant.post("/projects/new", &wrong).await;
    shown
        .is(422)
        .says("href=\"#project-title\"")
        .says("href=\"#project-purpose\"")
        .says("href=\"#project-until\"")
        .says("Short.");
    // Two windows: the second is told what the first has changed.
    let seen = applicant.get(&format!("/projects/{id}/edit")).await.between("name=\"seen\" value=\"", "\"");
    let edit = async |title: &str, seen: &str| {
        let fields = [
            ("project-title", title),
            ("project-institution", "Institute"),
            ("project-purpose", &purpose),
            ("seen", seen),
        ];
        applicant.post(&format!("/projects/{id}/edit"), &fields).await
    };
    edit("Renamed", &seen).await.is(200).says("Renamed");
    edit("Renamed elsewhere", &seen).await.is(409).says("Renamed elsewhere");
    // The form of a dataset offers it, and what it says is settled once a committee reads it.
    applicant.get(&format!("/datasets/{NIH}/request")).await.says("Renamed").says(&format!("?project={id}"));
    let asked = ask(&applicant, NIH, &id, "Renamed for this", &[]).await;
    asked.is(200).says("Renamed for this");
    assert_eq!(gateway.count("project.begun"), 1);
    let now = applicant.get(&format!("/projects/{id}/edit")).await;
    assert!(now.url.ends_with(&format!("/projects/{id}")), "{}", now.url);
    edit("Renamed too late", "").await.is(409).says("can’t change");
    // Returned, it is open to changes again, on the form.
    decide(&reviewer, &path(&asked), "return", "Which methods?").await.is(200);
    let again = ask(&applicant, NIH, "", "Renamed once more", &[]).await;
    again.is(200).says("Renamed once more");
    assert_eq!(path(&again), path(&asked));
    assert_eq!(gateway.count("project.changed"), 3);
    gateway.verify_log();
}

#[tokio::test]
async fn access_ends_with_the_project_and_is_prolonged_within_it() {
    let gateway = Gateway::start();
    let description = gateway.publish("scans", "approval", &[("a.txt", b"a")]);
    let text = std::fs::read_to_string(&description).unwrap().replace("quorum = 2", "quorum = 1\ngrant_days = 10");
    std::fs::write(&description, text).unwrap();
    gateway.cli_text(&["dataset", "import", description.to_str().unwrap()]);
    let (applicant, reviewer) = (gateway.person(APPLICANT).await, gateway.person(REVIEWER).await);
    let past = [("project-until", "2020-01-01")];
    ask(&applicant, "scans", "", "Short", &past).await.is(409).says("This project is over");
    let today = countersign::clock::now().civil().date();
    let until = (today + jiff::Span::new().days(3)).to_string();
    let first = ask(&applicant, "scans", "", "Short", &[("project-until", &until)]).await;
    decide(&reviewer, &path(&first), "approve", "").await.is(200);
    let grants = |gateway: &Gateway| -> Vec<serde_json::Value> {
        let events = gateway.events().into_iter().map(|line| line["event"].clone());
        events.filter(|event| event["action"] == "grant.created").map(|event| event["details"].clone()).collect()
    };
    let end = (today + jiff::Span::new().days(4)).to_string();
    assert!(grants(&gateway)[0]["ends_at"].as_str().unwrap().starts_with(&end));
    // It ends soon, so it may be prolonged: for the same project, and the new grant takes the place of the old one.
    let second = ask(&applicant, "scans", "", "Short", &[]).await;
    assert_ne!(path(&second), path(&first));
    assert_eq!(project_of(&second), project_of(&first));
    decide(&reviewer, &path(&second), "approve", "").await.is(200);
    let granted = grants(&gateway);
    assert!(granted[1]["replaces"].is_string(), "{granted:?}");
    assert_eq!(applicant.bytes("/data/scans/a.txt").await.0.as_u16(), 200);
    assert_eq!(gateway.count("project.begun"), 1);
    gateway.verify_log();
}

/// A committee removes a member, as only it may, and for good.
async fn exclude(
    lead: &Visitor,
    reviewer: &Visitor,
    [outsider, colleague]: [&Visitor; 2],
    (project, review): (&str, &str),
    email: &str,
) {
    let removal = [("email", email), ("member-reason", "Works elsewhere now.")];
    let remove = format!("{review}/members/remove");
    outsider.post(&remove, &removal).await.is(404);
    // Not a reviewer who is one of the project's people, not at the lead's address, and not without a word why.
    colleague.post(&remove, &removal).await.is(403);
    reviewer.post(&format!("{project}/members/remove"), &removal).await.is(404);
    let long = "x".repeat(5_000);
    for wrong in ["", &long] {
        let typed = [("email", email), ("member-reason", wrong)];
        reviewer.post(&remove, &typed).await.is(422).says("href=\"#member-reason\"").says(wrong);
    }
    reviewer.post(&remove, &removal).await.is(200);
    // What a committee has ended, the lead does not begin again.
    let again = [("email", email)];
    lead.post(&format!("{project}/members"), &again).await.is(422).says("A committee has removed");
}

#[tokio::test]
async fn a_member_is_invited_signs_downloads_and_is_removed() {
    let gateway = Gateway::start();
    let (lead, reviewer) = (gateway.person(APPLICANT).await, gateway.person(REVIEWER).await);
    let (member, late, colleague) = (gateway.person(AUDITOR).await, gateway.person(3).await, gateway.person(2).await);
    let emails: Vec<String> = [AUDITOR, 3, 2].iter().map(|n| gateway.accounts[*n].email.clone()).collect();
    let asked = ask(&lead, NIH, "", "Label noise", &[]).await;
    let (request, project) = (path(&asked), format!("/projects/{}", project_of(&asked)));
    let invite = async |email: &str| lead.post(&format!("{project}/members"), &[("email", email)]).await;
    member.get(&project).await.is(404);
    member.post(&format!("{project}/join"), &[]).await.is(404);
    for email in &emails {
        invite(email).await.is(200).says("The invitation is on its way").says(email);
    }
    invite(&emails[0].to_uppercase()).await.is(422).says("a member already");
    invite("nobody").await.is(422);
    invite("stranger@example.org").await.is(200);
    let mail = gateway.mail_to("stranger@example.org", "You are invited to a project").await;
    assert!(
        mail.text.contains(&gateway.accounts[APPLICANT].email) && !mail.text.contains("Label noise"),
        "{}",
        mail.text
    );
    gateway.mail_to(&emails[0], "You are invited to a project").await;
    // Who is invited sees what it is, and nothing more of it.
    member.get("/projects").await.says("Label noise").says("You are invited");
    member.get(&project).await.is(200).says("invites you to this project").says(PURPOSE).says_not(&emails[1]);
    member.get(&request).await.is(404);
    member.get(&format!("{request}/sign")).await.is(404);
    reviewer.post(&format!("{project}/members"), &[("email", "x@example.org")]).await.is(404);
    for person in [&member, &colleague] {
        person.post(&format!("{project}/join"), &[]).await.is(200).says("You are a member now");
    }
    gateway.mail_to(&gateway.accounts[APPLICANT].email, "has joined your project").await;
    // Members change nothing of it, and see who is in it.
    member
        .get(&project)
        .await
        .says("Mei-Ling Chen")
        .says(&emails[2])
        .says_not("End this project")
        .says_not("Invite somebody");
    member.post(&format!("{project}/end"), &[]).await.is(404);
    member.get(&format!("{project}/edit")).await;
    assert_eq!(member.post(&format!("{request}/withdraw"), &[]).await.status.as_u16(), 404);
    // A reviewer who is a member does not decide: four eyes.
    colleague.get("/review").await.says("No requests are waiting");
    let review = request.replace("/requests/", "/review/");
    let vote = [("verdict", "approve"), ("comment", ""), ("round", "1")];
    assert_eq!(colleague.post(&review, &vote).await.status.as_u16(), 409);
    // The member signs before the decision, and has nothing until it is made.
    sign_on(&member, &format!("{request}/sign"), "Tomás Herrera").await.is(200).says("You have signed");
    let table = format!("/data/{NIH}/README.txt");
    assert_eq!(member.bytes(&table).await.0.as_u16(), 403);
    reviewer.get(&review).await.says("Has signed").says(&emails[0]).says("Invited");
    decide(&reviewer, &request, "approve", "").await.is(200);
    assert_eq!(gateway.count("grant.created"), 2);
    for person in [&lead, &member] {
        assert_eq!(person.bytes(&table).await.0.as_u16(), 200);
    }
    assert_eq!(colleague.bytes(&table).await.0.as_u16(), 403);
    gateway.mail_to(&emails[0], "You may download").await;
    // Who joins and signs later has it at once, as long as the others.
    late.post(&format!("{project}/join"), &[]).await.is(200).says("Sign the agreement");
    sign_on(&late, &format!("{request}/sign"), "Ada Okafor").await.is(200).says("You may download");
    assert_eq!(late.bytes(&table).await.0.as_u16(), 200);
    let events = gateway.events();
    let ends: Vec<_> = events.iter().filter(|line| line["event"]["action"] == "grant.created").collect();
    assert!(ends.iter().all(|line| line["event"]["details"]["ends_at"] == ends[0]["event"]["details"]["ends_at"]));
    let held = gateway.cli_text(&["audit", "holdings", "--dataset", NIH]);
    assert!(held.contains(&emails[0]) && held.contains(&emails[1]), "{held}");
    // The lead removes one, the committee another; both are refused at the next request, with their tokens.
    let token = make_token(&member, &[NIH], "").await;
    assert_eq!(with_token(&gateway, &token, &table).await.0, 200);
    lead.post(&format!("{project}/members/remove"), &[("email", &emails[0])]).await.is(200).says_not(&emails[0]);
    assert_eq!(with_token(&gateway, &token, &table).await.0, 403);
    assert_eq!(member.bytes(&table).await.0.as_u16(), 403);
    member.get(&project).await.is(404);
    gateway.mail_to(&emails[0], "no longer a member").await;
    exclude(&lead, &reviewer, [&member, &colleague], (&project, &review), &emails[1]).await;
    assert_eq!(late.bytes(&table).await.0.as_u16(), 403);
    late.post(&format!("{project}/join"), &[]).await.is(404);
    assert_eq!(lead.bytes(&table).await.0.as_u16(), 200);
    // One leaves by themselves, and the lead can't be removed.
    colleague.post(&format!("{project}/leave"), &[]).await.is(200).says("You have left the project");
    let own = [("email", gateway.accounts[APPLICANT].email.as_str())];
    assert_eq!(lead.post(&format!("{project}/members/remove"), &own).await.status.as_u16(), 404);
    for (action, count) in [
        ("project.member_invited", 4),
        ("project.member_joined", 3),
        ("project.member_removed", 2),
        ("project.member_left", 1),
        ("request.member_signed", 2),
        ("grant.revoked", 2),
    ] {
        assert_eq!(gateway.count(action), count, "{action}");
    }
    gateway.verify_log();
}

#[tokio::test]
async fn nobody_decides_and_then_joins() {
    let gateway = Gateway::start();
    let (lead, reviewer) = (gateway.person(APPLICANT).await, gateway.person(REVIEWER).await);
    let asked = ask(&lead, NIH, "", "Label noise", &[]).await;
    let (request, project) = (path(&asked), format!("/projects/{}", project_of(&asked)));
    let email = gateway.accounts[REVIEWER].email.clone();
    lead.post(&format!("{project}/members"), &[("email", &email)]).await.is(200);
    // Their approval is enough for the others, and would be for them.
    decide(&reviewer, &request, "approve", "").await.is(200);
    reviewer.post(&format!("{project}/join"), &[]).await.is(200);
    reviewer.get(&project).await.is(200).says_not(&format!("{request}/sign"));
    let page = lead.get(&format!("/datasets/{NIH}/request?project=new")).await;
    let version = page.between("name=\"version\" value=\"", "\"");
    send_signature(&reviewer, &format!("{request}/sign"), "Jonas Weber", &version)
        .await
        .is(409)
        .says("You have decided on this request");
    assert_eq!(gateway.count("grant.created"), 1);
    assert_eq!(reviewer.bytes(&format!("/data/{NIH}/README.txt")).await.0.as_u16(), 403);
    gateway.verify_log();
}

#[tokio::test]
async fn where_a_decision_does_not_cover_them_later_members_ask_for_themselves() {
    let gateway = Gateway::start();
    let description = gateway.publish("scans", "approval", &[("a.txt", b"a")]);
    let text = std::fs::read_to_string(&description)
        .unwrap()
        .replace("quorum = 2", "quorum = 1\nlater_members = \"requested\"");
    std::fs::write(&description, text).unwrap();
    gateway.cli_text(&["dataset", "import", description.to_str().unwrap()]);
    let (lead, reviewer) = (gateway.person(APPLICANT).await, gateway.person(REVIEWER).await);
    let (member, email) = (gateway.person(AUDITOR).await, gateway.accounts[AUDITOR].email.clone());
    let asked = ask(&lead, "scans", "", "Reading scans", &[]).await;
    let (request, id) = (path(&asked), project_of(&asked));
    decide(&reviewer, &request, "approve", "").await.is(200);
    lead.post(&format!("/projects/{id}/members"), &[("email", &email)]).await.is(200);
    member.post(&format!("/projects/{id}/join"), &[]).await.is(200);
    // Nothing to sign under that request; one of their own for the same project is decided by itself.
    let shown = member.get(&format!("{request}/sign")).await;
    assert!(shown.url.ends_with(&request), "{}", shown.url);
    let own = ask(&member, "scans", &id, "", &[]).await;
    own.is(200).says("Reading scans");
    assert_ne!(path(&own), request);
    assert_eq!(member.bytes("/data/scans/a.txt").await.0.as_u16(), 403);
    decide(&reviewer, &path(&own), "approve", "").await.is(200);
    assert_eq!(member.bytes("/data/scans/a.txt").await.0.as_u16(), 200);
    assert_eq!(gateway.count("project.begun"), 1);
    gateway.verify_log();
}

#[tokio::test]
async fn a_suspension_is_not_got_around_by_another_project() {
    let gateway = Gateway::start();
    let (applicant, reviewer) = (gateway.person(APPLICANT).await, gateway.person(REVIEWER).await);
    let steward = gateway.person(STEWARD).await;
    let first = gateway.submit(&applicant).await;
    decide(&reviewer, &first, "approve", "").await.is(200);
    // Another project waits when access is suspended; what the committee approves then is suspended, too.
    let page = applicant.get(&format!("/datasets/{NIH}/request?project=new")).await;
    let fresh = page.is(200).between("name=\"project\" value=\"", "\"");
    let second = path(&ask(&applicant, NIH, &fresh, "Second reading", &[]).await);
    let id = steward.get("/manage/grants").await.between("/manage/grants/", "/end");
    let suspend = [("do", "suspend"), ("reason", "Somebody asks.")];
    let case = second.replace("/requests/", "/review/");
    reviewer.get(&case).await.is(200).says_not("access to this dataset is suspended");
    steward.post(&format!("/manage/grants/{id}/suspension"), &suspend).await.is(200);
    // Those who decide are told, and the project's page says it too.
    reviewer.get(&case).await.is(200).says("access to this dataset is suspended");
    let project = applicant.get(&first).await.is(200).between("href=\"/projects/", "\"");
    applicant.get(&format!("/projects/{project}")).await.is(200).says("<span class=\"tag bad\">Suspended</span>");
    decide(&reviewer, &second, "approve", "").await.is(200);
    reviewer.get(&case).await.is(200).says_not("access to this dataset is suspended");
    let file = format!("/data/{NIH}/README.txt");
    assert_eq!(applicant.bytes(&file).await.0.as_u16(), 403);
    gateway.mail_to("applicant@demo.example", "and your access is suspended").await;
    let created = gateway.events().into_iter().rfind(|line| line["event"]["action"] == "grant.created").unwrap();
    assert_eq!(created["event"]["details"]["suspended"], true, "{created}");
    // Nor by a third, while either is suspended.
    let third = applicant.get(&format!("/datasets/{NIH}/request?project=new")).await;
    third.says_not("name=\"typed_name\"");
    let newest = created["event"]["subject"].as_str().unwrap();
    let resume = [("do", "resume")];
    steward.post(&format!("/manage/grants/{newest}/suspension"), &resume).await.is(200);
    assert_eq!(applicant.bytes(&file).await.0.as_u16(), 200);
    applicant.get(&format!("/datasets/{NIH}/request?project=new")).await.says_not("name=\"typed_name\"");
    steward.post(&format!("/manage/grants/{id}/suspension"), &resume).await.is(200);
    applicant.get(&format!("/datasets/{NIH}/request?project=new")).await.is(200).says("name=\"typed_name\"");
    gateway.verify_log();
}
