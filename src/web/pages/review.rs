//! The reviewers' queue, and one request with everything needed to decide.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::timeline::{self, Step};
use super::{PAGE, ROWS, cut};
use crate::domain::Instant;
use crate::domain::access_request::{Stage, Verdict};
use crate::domain::agreement::QuestionKind;
use crate::domain::dataset::Dataset;
use crate::domain::ids::RequestId;
use crate::domain::person::Person;
use crate::domain::text::{Language, many_lines};
use crate::ledger;
use crate::ledger::commands::requests::{self as commands, Decision};
use crate::store::requests::{Queue, RequestLine, StoredRequest};
use crate::store::signatures::StoredSignature;
use crate::store::{agreements, datasets, people, requests, signatures};
use crate::web::failure::Failure;
use crate::web::form::{Form, Posted};
use crate::web::page::{Here, Page, go, show as show_page, show_with};
use crate::web::state::App;
use crate::web::viewer::{SignedIn, Viewer};

#[derive(Template)]
#[template(path = "review/queue.html")]
struct QueuePage {
    page: Page,
    lines: Vec<RequestLine>,
    more: Option<i64>,
}

/// Which part of the queue, and what was just done.
#[derive(Deserialize)]
pub struct QueueQuery {
    after: Option<i64>,
    said: Option<String>,
}

fn queue_of(who: &SignedIn) -> Result<Queue, Failure> {
    if who.person.administrator || who.person.auditor {
        Ok(Queue::Everything)
    } else if who.reviewer && who.person.email_verified_at.is_some() {
        Ok(Queue::Reviewer(who.person.id))
    } else {
        Err(Failure::NotFound)
    }
}

/// `GET /review`
pub async fn queue(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<QueueQuery>,
) -> Result<HttpResponse, Failure> {
    let queue = queue_of(viewer.required()?)?;
    let after = Instant(query.after.unwrap_or(i64::MIN));
    let mut lines = app.reads.read(move |conn| requests::waiting(conn, queue, after, PAGE + 1)).await?;
    let more = cut(&mut lines, ROWS).then(|| lines.last().and_then(|line| line.submitted_at).map_or(0, |at| at.0));
    let page = viewer.page(Here::Review, "").saying(query.said.as_deref());
    let title = page.t("review-title");
    show_page(&viewer, &QueuePage { page: page.titled(&title), lines, more })
}

/// What the viewer may do with the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Powers {
    /// Vote.
    Vote,
    /// Decide alone, with a reason.
    Override,
    /// Only read; the key says why.
    Read(&'static str),
}

#[derive(Template)]
#[template(path = "review/show.html")]
struct ShowPage {
    page: Page,
    form: Form,
    stored: StoredRequest,
    dataset: Dataset,
    applicant: Person,
    signature: Option<StoredSignature>,
    answers: Vec<(String, String)>,
    earlier: Vec<RequestLine>,
    steps: Vec<Step>,
    approvals: u64,
    powers: Powers,
}

struct Case {
    stored: StoredRequest,
    dataset: Dataset,
    applicant: Person,
    signature: Option<StoredSignature>,
    answers: Vec<(String, String)>,
    earlier: Vec<RequestLine>,
    steps: Vec<Step>,
    powers: Powers,
}

async fn load(app: &App, who: &SignedIn, id: RequestId, language: Language) -> Result<Case, Failure> {
    let person = who.person.clone();
    let archive = app.log_archive.clone();
    let found = app
        .reads
        .read(move |conn| {
            // A draft is nobody's but the applicant's.
            let stored = requests::by_id(conn, id)?.filter(|stored| stored.request.round > 0);
            let Some(stored) = stored else { return Ok(None) };
            let Some(dataset) = datasets::by_id(conn, stored.request.dataset)? else { return Ok(None) };
            let Some(applicant) = people::by_id(conn, stored.request.applicant)? else { return Ok(None) };
            let reviewer =
                datasets::reviewers(conn, dataset.id)?.contains(&person.id) && person.email_verified_at.is_some();
            if !reviewer && !person.administrator && !person.auditor {
                return Ok(None);
            }
            let voted = stored.request.votes.iter().any(|vote| vote.reviewer == person.id);
            let powers = if stored.request.stage != Stage::Submitted {
                Powers::Read("review-not-waiting")
            } else if person.id == applicant.id {
                Powers::Read("review-own")
            } else if reviewer && voted {
                Powers::Read("review-voted")
            } else if reviewer {
                Powers::Vote
            } else if person.administrator {
                Powers::Override
            } else {
                Powers::Read("review-read-only")
            };
            let signature = signatures::of_request(conn, id)?;
            let answers = match &signature {
                Some(signature) => {
                    let version = agreements::version(conn, signature.record.agreement.version_id)?;
                    version.map(|version| shown_answers(&version.questions, signature, language)).unwrap_or_default()
                }
                None => Vec::new(),
            };
            let mut earlier = requests::of_person(conn, applicant.id, Instant(i64::MAX), PAGE)?;
            earlier.retain(|line| line.id != id && line.stage != Stage::Draft);
            if !person.administrator && !person.auditor {
                // Reviewers see the requests for their datasets.
                let own = datasets::reviewed_by(conn, person.id)?;
                earlier.retain(|line| own.contains(&line.dataset));
            }
            let steps = timeline::of_request(conn, &archive, id)?;
            Ok(Some(Case { stored, dataset, applicant, signature, answers, earlier, steps, powers }))
        })
        .await?;
    found.ok_or(Failure::NotFound)
}

/// Questions and answers as people read them.
fn shown_answers(
    questions: &[crate::domain::agreement::Question],
    signature: &StoredSignature,
    language: Language,
) -> Vec<(String, String)> {
    let given = &signature.record.signer.answers;
    questions
        .iter()
        .filter_map(|question| {
            let answer = given.get(question.id.as_str())?;
            let shown = match &question.kind {
                QuestionKind::Choice { options } => options
                    .iter()
                    .find(|option| option.value == *answer)
                    .map_or(answer.as_str(), |option| option.label.text(language)),
                QuestionKind::Checkbox => "✓",
                _ => answer,
            };
            Some((question.label.text(language).to_owned(), shown.to_owned()))
        })
        .collect()
}

fn render(viewer: &Viewer, case: Case, form: Form, status: StatusCode) -> Result<HttpResponse, Failure> {
    let page = viewer.page(Here::Review, "");
    let dataset = case.dataset.title.text(page.language).to_owned();
    let title = page.txx("review-heading", "name", case.applicant.name.as_str(), "dataset", &dataset);
    let approvals = case.stored.request.votes.iter().filter(|vote| vote.verdict == Verdict::Approve).count() as u64;
    let Case { stored, dataset, applicant, signature, answers, earlier, steps, powers } = case;
    let page = page.titled(&title);
    let shown =
        ShowPage { page, form, stored, dataset, applicant, signature, answers, earlier, steps, approvals, powers };
    show_with(viewer, status, &shown)
}

/// `GET /review/{id}`
pub async fn show(app: web::Data<App>, viewer: Viewer, id: web::Path<String>) -> Result<HttpResponse, Failure> {
    let who = viewer.required()?;
    let id: RequestId = id.parse().map_err(|_| Failure::NotFound)?;
    let case = load(&app, who, id, viewer.language).await?;
    render(&viewer, case, Form::default(), StatusCode::OK)
}

/// Longest comment, in characters.
const COMMENT_MAX: usize = 5_000;

/// `POST /review/{id}`
pub async fn decide(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, Failure> {
    let Posted { mut form, viewer } = posted;
    let who = viewer.required()?.clone();
    let id: RequestId = id.parse().map_err(|_| Failure::NotFound)?;
    let case = load(&app, &who, id, viewer.language).await?;
    let page = viewer.page(Here::Review, "");
    let verdict: Verdict = form.get("verdict").parse().map_err(|_| Failure::BadRequest("problem-not-a-form"))?;
    let round: u32 = form.get("round").parse().map_err(|_| Failure::BadRequest("problem-not-a-form"))?;
    let typed = form.get("comment").to_owned();
    let comment = match many_lines(&typed, COMMENT_MAX) {
        Err(crate::domain::text::TextError::Empty) => Some(String::new()),
        result => form.check(&page, "comment", result),
    };
    let Some(comment) = comment else {
        return render(&viewer, case, form, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let overriding = form.get("as") == "administrator";
    let decision = Decision { by: who.person.id, request: id, verdict, comment, round };
    let decided = app
        .ledger
        .run(move |tx| if overriding { commands::overrule(tx, &decision) } else { commands::vote(tx, &decision) })
        .await;
    match decided {
        Ok(stage) => {
            let said = if stage == Stage::Submitted { "vote-counted" } else { stage.as_str() };
            Ok(go(&format!("/review?said={said}")))
        }
        Err(ledger::Error::Refused(refusal)) => {
            let field = if refusal == crate::domain::Refusal::CommentNeeded { "comment" } else { "" };
            form.fail(field, page.t(refusal.key()));
            // As it is now: somebody else may have decided meanwhile.
            let case = load(&app, &who, id, viewer.language).await?;
            render(&viewer, case, form, StatusCode::CONFLICT)
        }
        Err(error) => Err(error.into()),
    }
}
