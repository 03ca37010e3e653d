//! Publishing in a browser: a dataset with agreement, committee and files, by a steward without a shell; edits that meet;
//! imports that are watched, stopped, and go on after `kill -9`.

use countersign::domain::Refusal;
use countersign::domain::dataset::AccessMode;
use countersign::domain::import_job::{CLAIM, ImportOrder, ImportOutcome, ImportReport, ImportState, ReadFault};
use countersign::ledger::commands::import_jobs::{cancel, claim_next, fail, record_progress, request};
use countersign::ledger::{Error, Tx};
use countersign::store::{ReadPool, import_jobs};

use super::delivery::with_token;
use super::model::{OWNER as MODEL_OWNER, World, in_ledger};
use super::support::gateway::{APPLICANT, AUDITOR, OTHER_REVIEWER, OWNER, REVIEWER, STEWARD};
use super::support::people::{decide, make_token, submit_answers};
use super::support::{Answer, Gateway, Visitor, until};

const SLUG: &str = "river-levels";

/// The description of a dataset, as the form sends it.
fn description(more: &[(&str, &str)]) -> Vec<(String, String)> {
    let usual = [
        ("title.en", "River levels"),
        ("title.zh-TW", "河川水位"),
        ("slug", SLUG),
        ("summary.en", "Levels of a river."),
        ("description.en", "## How it was measured\n\nWith a *stick*."),
        ("publisher.en", "River Office"),
        ("licence", "CC0"),
        ("tags", "water, Rivers"),
        ("info.0.name", "update_frequency"),
        ("info.0.en", "Daily"),
        ("mode", "approval"),
        ("grant_days", "100"),
        ("later_releases", "included"),
        ("later_members", "included"),
        ("preview", "nothing"),
        ("do", "save"),
    ];
    let kept = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    kept.chain(more.iter().copied()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

async fn send(visitor: &Visitor, path: &str, fields: &[(String, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    visitor.post(path, &fields).await
}

fn agreement(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let usual = [
        ("title.en", "River terms"),
        ("slug", "river-terms"),
        ("kind", "data-use"),
        ("binding", "en"),
        ("texts.en", "# Terms\n\nDo not drown."),
        ("statement.en", "I agree."),
        ("consent.en", "I consent."),
        ("do", "publish"),
    ];
    usual
        .into_iter()
        .filter(|(name, _)| !more.iter().any(|(other, _)| other == name))
        .chain(more.iter().copied())
        .collect()
}

/// The import of a dataset's folder in the demo's source.
async fn import(steward: &Visitor, slug: &str, path: &str, more: &[(&str, &str)]) -> Answer {
    let fields = [&[("source", "incoming"), ("path", path)], more].concat();
    steward.post(&format!("/manage/datasets/{slug}/files"), &fields).await
}

/// Waits until no import of a dataset is open; gives its page.
async fn imported(steward: &Visitor, slug: &str) -> Answer {
    until("the import to end", || async {
        let page = steward.get(&format!("/manage/datasets/{slug}")).await;
        (!page.body.contains("Stop the import")).then_some(page)
    })
    .await
}

/// A form, question by question.
async fn write_form(steward: &Visitor, visitor: &Visitor) {
    let form = "/manage/new-form/main";
    steward.get(form).await.is(200).says("Question 1").says_not("Question 2");
    let first = [("title.en", "Use"), ("slug", "river-form"), ("q0.kind", "short"), ("q0.label.en", "What for?")];
    let more = [&first[..], &[("do", "add-question")]].concat();
    steward.post(form, &more).await.is(200).says("Question 2").says("value=\"What for?\"").says("river-form");
    let second = [("q1.kind", "choice"), ("q1.label.en", "Where?"), ("q1.options", "here")];
    let wrong = [&first[..], &second[..], &[("do", "publish")]].concat();
    steward.post(form, &wrong).await.is(422).says("at least two options").says("value=\"Where?\"");
    let second = [
        ("q1.kind", "choice"),
        ("q1.label.en", "Where?"),
        ("q1.options", "here | Right here | 就在這裡\r\nthere"),
        ("q1.required", "yes"),
    ];
    let third = [("q2.kind", "long"), ("q2.label.en", "Why there?"), ("q2.if", "where"), ("q2.is", "there")];
    let preview = [&first[..], &second[..], &third[..], &[("do", "preview")]].concat();
    steward.post(form, &preview).await.is(200).says("Right here").says("Why there?");
    let moved = [&first[..], &second[..], &third[..], &[("do", "up-2")]].concat();
    steward.post(form, &moved).await.is(200).says("name=\"q1.if\"");
    let whole = [&first[..], &second[..], &third[..], &[("do", "publish")]].concat();
    steward.post(form, &whole).await.is(200).says("The version is published");
    visitor.get("/forms/river-form").await.is(200).says("What for?").says("Right here");
    let path = "/manage/forms/main/river-form";
    let page = steward.get(path).await;
    page.is(200).says("value=\"what-for\"").says("here | Right here | 就在這裡").says("value=\"there\"");
}

#[tokio::test]
async fn a_steward_publishes_with_the_browser_alone() {
    let gateway = Gateway::start();
    let (steward, owner) = (gateway.person(STEWARD).await, gateway.person(OWNER).await);
    let visitor = gateway.visitor();
    // A draft, which lacks nearly everything; what is wrong is said beside its field, and nothing typed is lost.
    steward.get("/manage/new-dataset").await.is(200).says("New dataset");
    let wrong = description(&[("title.en", " "), ("title.zh-TW", ""), ("grant_days", "0"), ("related", "No Slug")]);
    let refused = send(&steward, "/manage/new-dataset/main", &wrong).await;
    refused.is(422).says("is no name of a dataset").says("With a *stick*.").says("value=\"Daily\"");
    let wrong = description(&[("title.en", " "), ("title.zh-TW", "")]);
    send(&steward, "/manage/new-dataset/main", &wrong).await.is(422).says("Give it a title");
    let preview = description(&[("do", "preview")]);
    send(&steward, "/manage/new-dataset/main", &preview).await.is(200).says("<em>stick</em>");
    let made = send(&steward, "/manage/new-dataset/main", &description(&[])).await;
    made.is(200).says("Draft").says("an agreement that its users sign").says("a committee that decides").says("files");
    send(&steward, "/manage/new-dataset/main", &description(&[])).await.is(422).says("This name is taken");
    // Nobody else sees it.
    for path in ["/datasets/river-levels", "/datasets/river-levels/releases", "/data/river-levels/"] {
        visitor.get(path).await.is(404);
    }
    visitor.get("/?q=river").await.says_not("River levels");
    visitor.get("/?tag=rivers").await.says_not("River levels");
    gateway.person(APPLICANT).await.get("/manage/datasets/river-levels").await.is(404);
    gateway.person(AUDITOR).await.get("/manage/datasets/river-levels").await.is(200).says_not("Import files");
    steward.post("/manage/datasets/river-levels/publish", &[]).await.is(409);
    // An agreement, with what is missing said where it is missing, and a preview.
    let half = agreement(&[("texts.zh-TW", "不要溺水。")]);
    steward.post("/manage/new-agreement/main", &half).await.is(422).says("needed in the language");
    steward
        .post("/manage/new-agreement/main", &agreement(&[("do", "preview")]))
        .await
        .is(200)
        .says("<p>Do not drown.</p>");
    steward.post("/manage/new-agreement/main", &agreement(&[])).await.is(200).says("River terms");
    visitor.get("/agreements/river-terms").await.is(200).says("Do not drown.");
    // A committee, by an owner.
    let committee =
        [("name.en", "River board"), ("slug", "river"), ("members", "reviewer2@demo.example"), ("quorum", "1")];
    steward.post("/manage/new-committee/main", &committee).await.is(404);
    owner.post("/manage/new-committee/main", &committee).await.is(200);
    write_form(&steward, &visitor).await;
    // What access takes.
    let edit = "/manage/datasets/river-levels/edit";
    let seen = steward.get(edit).await.between("name=\"seen\" value=\"", "\"");
    let whole =
        description(&[("agreement", "river-terms"), ("committee", "river"), ("form", "river-form"), ("seen", &seen)]);
    send(&steward, edit, &whole).await.is(200).says_not("an agreement that its users sign");
    // Somebody who had the form open before is told, and what they typed is still there.
    let late = description(&[("summary.en", "Another summary."), ("seen", &seen)]);
    send(&owner, edit, &late).await.is(409).says("Somebody else saved a change").says("Another summary.");
    // Files: the source's folders are browsed, and never left.
    let files = "/manage/datasets/river-levels/files";
    steward.get(files).await.is(200).says("river-levels/");
    steward.get(&format!("{files}?source=incoming&path=river-levels")).await.is(200).says("Import what is here");
    for path in ["..", "../catalogue", "/etc", "nowhere", "river-levels/../.."] {
        steward.get(&format!("{files}?source=incoming&path={path}")).await.is(404);
        import(&steward, SLUG, path, &[]).await.is(404);
    }
    steward.post(files, &[("source", "elsewhere"), ("path", "")]).await.is(404);
    import(&steward, SLUG, "river-levels", &[("embargo", "2001-01-01")]).await.is(422).says("future");
    import(&steward, SLUG, "river-levels", &[("note", "The first.")]).await.is(200).says("The import has begun");
    let done = imported(&steward, SLUG).await;
    done.says("Release 1:").says("2 files").says("The first.").says("Nothing is missing");
    visitor.get("/datasets/river-levels").await.is(404);
    steward.post("/manage/datasets/river-levels/publish", &[]).await.is(200).says("Everybody sees it now");
    steward.post("/manage/datasets/river-levels/publish", &[]).await.is(409);
    visitor.get("/?q=river").await.says("River levels");
    visitor.get("/?tag=rivers").await.says("River levels");
    // A researcher downloads from it.
    let applicant = gateway.person(APPLICANT).await;
    let answers = [("answer-what-for", "Reading levels."), ("answer-where", "here")];
    let request = submit_answers(&applicant, SLUG, &answers).await;
    gateway.person(REVIEWER).await.get(&request.replace("/requests/", "/review/")).await.is(404);
    decide(&gateway.person(OTHER_REVIEWER).await, &request, "approve", "").await.is(200).says("Approved");
    let token = make_token(&applicant, &[SLUG], "").await;
    let (status, body) = with_token(&gateway, &token, "/data/river-levels/levels.csv").await;
    assert_eq!((status, body.len()), (200, 59));
    later_releases(&gateway, &steward, &token).await;
    newer_agreement(&steward, &owner).await;
    gateway.verify_log();
}

/// A second release of what has changed, one under embargo, and one that is withdrawn.
async fn later_releases(gateway: &Gateway, steward: &Visitor, token: &str) {
    let (visitor, applicant) = (gateway.visitor(), gateway.person(APPLICANT).await);
    // The same again makes no release.
    let folder = gateway.data_dir().join("incoming/river-levels");
    std::fs::write(folder.join("more.csv"), "day,metres\n").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.join("link")).unwrap();
    import(steward, SLUG, "river-levels", &[]).await.is(200);
    imported(steward, SLUG).await.says("1 file can&#39;t be delivered").says("link");
    import(steward, SLUG, "river-levels", &[("leave_out", "yes"), ("exclude", "*.txt")]).await.is(200);
    imported(steward, SLUG).await.says("Release 2:").says("1 excluded").says("1 left out");
    import(steward, SLUG, "river-levels", &[("leave_out", "yes"), ("exclude", "*.txt")]).await.is(200);
    imported(steward, SLUG).await.says("Release 2:");
    assert_eq!(gateway.count("release.published"), gateway_releases(gateway));
    // A release under embargo, moved, ended; and one that is withdrawn.
    std::fs::create_dir_all(gateway.data_dir().join("incoming/later")).unwrap();
    for file in ["levels.csv", "more.csv"] {
        std::fs::copy(folder.join(file), gateway.data_dir().join("incoming/later").join(file)).unwrap();
    }
    std::fs::write(gateway.data_dir().join("incoming/later/third.csv"), "day\n").unwrap();
    import(steward, SLUG, "later", &[("embargo", "2199-01-01")]).await.is(200);
    imported(steward, SLUG).await.says("Release 3:").says("Under embargo until");
    assert_eq!(with_token(gateway, token, "/data/river-levels/third.csv").await.0, 404);
    let third = "/manage/datasets/river-levels/releases/3";
    steward
        .post(third, &[("do", "embargo"), ("until", "soon")])
        .await
        .is(422)
        .says("Give a date such as")
        .says("value=\"soon\"");
    steward.post(third, &[("do", "embargo"), ("until", "2001-01-01")]).await.is(422).says("future");
    steward.post(third, &[("do", "embargo"), ("until", "2198-01-01")]).await.is(200).says("2198");
    applicant.post(third, &[("do", "end")]).await.is(404);
    steward.post(third, &[("do", "end")]).await.is(200).says_not("Under embargo until");
    assert_eq!(with_token(gateway, token, "/data/river-levels/third.csv").await.0, 200);
    steward.post(third, &[("do", "withdraw"), ("reason", "")]).await.is(422).says("Give a reason");
    steward.post(third, &[("do", "withdraw"), ("reason", "Wrong river.")]).await.is(200).says("Wrong river.");
    visitor.get("/datasets/river-levels/releases/3").await.is(200).says("Wrong river.");
    assert_ne!(with_token(gateway, token, "/data/river-levels@3/third.csv").await.0, 200);
}

/// A new version of the agreement, and one that met it.
async fn newer_agreement(steward: &Visitor, owner: &Visitor) {
    let path = "/manage/agreements/main/river-terms";
    let seen = steward.get(path).await.between("name=\"seen\" value=\"", "\"");
    assert_eq!(seen, "1");
    let newer = agreement(&[("texts.en", "# Terms\n\nDo not drown, nor swim."), ("seen", "1")]);
    steward.post(path, &newer).await.is(200).says("The version is published");
    let other = agreement(&[("texts.en", "# Terms\n\nSwim."), ("seen", "1")]);
    owner.post(path, &other).await.is(409).says("nor swim").says("Swim.");
}

/// How many releases the log should have: the demo's eight, and two here.
fn gateway_releases(gateway: &Gateway) -> usize {
    let published = gateway.events().iter().filter(|line| line["event"]["action"] == "dataset.published").count();
    // Each dataset has one, two have another.
    published + 3
}

#[test]
fn an_import_belongs_to_the_attempt_that_began_last() {
    in_ledger(|ledger, reads| {
        let world = World::new(ledger, AccessMode::Agreement, 1);
        let (by, slug) = (world.people[MODEL_OWNER], world.slug.clone());
        let order = ImportOrder {
            root: "/nowhere".into(),
            exclude: Vec::new(),
            manifest: None,
            note: String::new(),
            embargo: None,
            leaves_out: false,
        };
        let id = ledger.run_blocking(move |tx| request(tx, by, &slug, order)).unwrap();
        let state = |reads: &ReadPool| reads.read_blocking(|conn| import_jobs::by_id(conn, id)).unwrap().unwrap();
        let first = ledger.run_blocking(claim_next).unwrap().unwrap();
        assert!(ledger.run_blocking(claim_next).unwrap().is_none(), "it is claimed");
        // The gateway that runs it stalls, and another takes it over.
        let later = move |tx: &mut Tx<'_>| {
            tx.now = tx.now + CLAIM + CLAIM;
            claim_next(tx)
        };
        let second = ledger.run_blocking(later).unwrap().unwrap();
        assert_eq!((first.claim().attempt, second.claim().attempt), (1, 2));
        let (stale, error) = (first.clone(), ImportOutcome::Unreadable { path: "a".into(), fault: ReadFault::Gone });
        assert!(!ledger.run_blocking(move |tx| record_progress(tx, &stale)).unwrap());
        ledger.run_blocking(move |tx| fail(tx, &first, &error)).unwrap();
        assert_eq!(state(reads).state, ImportState::Running, "the first attempt ends nothing any more");
        // Once its dataset is switched, what is left to do is done again, and can't fail it.
        let made = ImportOutcome::Release(ImportReport { number: 1, files: 7, ..ImportReport::default() });
        let (claim, outcome) = (second.claim(), made.clone());
        assert!(ledger.run_blocking(move |tx| Ok(import_jobs::record_outcome(tx.conn, claim, &outcome)?)).unwrap());
        // Nor can it be stopped: the release is there.
        let slug = world.slug.clone();
        let stopped = ledger.run_blocking(move |tx| cancel(tx, by, &slug, id));
        assert!(matches!(stopped, Err(Error::Refused(Refusal::ImportOver))));
        let third = ledger.run_blocking(move |tx| {
            tx.now = tx.now + CLAIM + CLAIM + CLAIM + CLAIM;
            claim_next(tx)
        });
        let (third, error) =
            (third.unwrap().unwrap(), ImportOutcome::Unreadable { path: "a".into(), fault: ReadFault::Gone });
        let (claim, again) = (third.claim(), ImportOutcome::Release(ImportReport::default()));
        assert!(ledger.run_blocking(move |tx| Ok(import_jobs::record_outcome(tx.conn, claim, &again)?)).unwrap());
        ledger.run_blocking(move |tx| fail(tx, &third, &error)).unwrap();
        let job = state(reads);
        assert_eq!((job.state, job.outcome), (ImportState::Done, Some(made)));
    });
}

#[tokio::test]
async fn an_import_is_stopped_and_one_goes_on_after_a_kill() {
    let mut gateway = Gateway::start();
    let steward = gateway.person(STEWARD).await;
    let open = description(&[("mode", "open")]);
    send(&steward, "/manage/new-dataset/main", &open).await.is(200);
    // Large enough to be met on the way.
    let folder = gateway.data_dir().join("incoming/large");
    std::fs::create_dir_all(&folder).unwrap();
    for n in 0..40 {
        std::fs::write(folder.join(format!("{n:02}.bin")), vec![n; 16 * 1024 * 1024]).unwrap();
    }
    import(&steward, SLUG, "large", &[]).await.is(200);
    import(&steward, SLUG, "large", &[]).await.is(422).says("is under way");
    let page = steward.get("/manage/datasets/river-levels").await;
    let job = page.is(200).says("Stop the import").between("/imports/", "/cancel");
    let cancel = format!("/manage/datasets/river-levels/imports/{job}/cancel");
    gateway.person(APPLICANT).await.post(&cancel, &[]).await.is(404);
    steward.post(&cancel, &[]).await.is(200).says("The import is stopped").says("Stopped").says("no files yet");
    steward.post(&cancel, &[]).await.is(409).says("This import is over");
    assert_eq!(gateway.count("release.published"), 7 + 2);
    // Begun again, and the gateway killed in it: it goes on by itself.
    import(&steward, SLUG, "large", &[]).await.is(200);
    until("the import to be under way", || async {
        steward.get("/manage/datasets/river-levels").await.body.contains("The files are read").then_some(())
    })
    .await;
    gateway.kill();
    gateway.start_again();
    // Its connections from before are gone.
    until("an answer", || async { steward.try_form_token().await }).await;
    let done = imported(&steward, SLUG).await;
    done.says("Release 1:").says("40 files");
    steward.post("/manage/datasets/river-levels/publish", &[]).await.is(200);
    let (status, bytes) = gateway.visitor().bytes("/data/river-levels/07.bin").await;
    assert_eq!((status.as_u16(), bytes.len()), (200, 16 * 1024 * 1024));
    gateway.verify_log();
}
