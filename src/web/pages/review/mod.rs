//! One request with everything needed to decide, and the lists of requests.

pub mod queue;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{ListQuery, address, parse_id};
use crate::app::App;
use crate::clock;
use crate::domain::Refusal;
use crate::domain::Timestamp;
use crate::domain::access_request::{Stage, Verdict};
use crate::domain::comment::{Comment, Reason};
use crate::domain::ids::{PersonId, RequestId};
use crate::domain::person::Person;
use crate::domain::text::Email;
use crate::ledger;
use crate::ledger::commands::access_requests::{self as commands, Decision};
use crate::ledger::commands::projects::members;
use crate::store::Cursor;
use crate::store::review_queue::{QueueQuery, search};
use crate::views::review::{ReviewCase, case};
use crate::views::timeline::TimelineStep;
use crate::web::auth::{Viewer, with_refusal};
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show_with};

#[derive(Template)]
#[template(path = "review/show.html")]
struct ShowPage {
    page: Page,
    form: Form,
    case: ReviewCase,
    later_others: Option<String>,
}

impl ShowPage {
    /// Why the reader can't decide.
    fn why_not(&self) -> String {
        self.page.text(match self.case.refusal {
            Some(Refusal::NotWaiting) => "review-not-waiting",
            Some(Refusal::OwnRequest) => "review-own",
            Some(Refusal::AlreadyVoted) => "review-voted",
            _ => "review-read-only",
        })
    }
}

async fn load(app: &App, reader: &Person, id: RequestId, others: Cursor) -> Result<ReviewCase, WebError> {
    let (archive, reader, now) = (app.log_archive.clone(), reader.clone(), clock::now());
    let found = app.reads.read(move |conn| case(conn, &archive, id, &reader, &others, now)).await?;
    found.ok_or(WebError::NotFound)
}

fn render(
    viewer: &Viewer,
    case: ReviewCase,
    form: Form,
    (notice, status): (Option<&str>, StatusCode),
) -> Result<HttpResponse, WebError> {
    let page = viewer.page(Section::Review, "").with_notice(notice);
    let dataset = case.dataset.title.text(page.language);
    let title = page.text_with_two("review-heading", "name", case.applicant.name.as_str(), "dataset", dataset);
    let path = format!("/review/{}", case.stored.request.id);
    let later_others = case.other_requests.next.as_ref().map(|next| address(&path, &[("after", &next.to_string())]));
    show_with(viewer, status, &ShowPage { page: page.titled(&title), form, case, later_others })
}

/// `GET /review/{id}`
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    id: web::Path<String>,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let reader = &viewer.require_signed_in()?.person;
    let others = query.after.clone().unwrap_or(Cursor::newest());
    let case = load(&app, reader, parse_id(&id)?, others).await?;
    render(&viewer, case, Form::default(), (query.notice.as_deref(), StatusCode::OK))
}

/// A decision as the page posts it.
enum Decided {
    Vote(Decision),
    Override(Decision),
}

/// Reads the form; `None` when the words in it can't be taken, which it then says.
fn decision(form: &mut Form, page: &Page, by: PersonId, request: RequestId) -> Result<Option<Decided>, WebError> {
    let not_a_form = |_| WebError::BadRequest("problem-not-a-form");
    let verdict: Verdict = form.get("verdict").parse().map_err(|_| WebError::BadRequest("problem-not-a-form"))?;
    let round: u32 = form.get("round").parse().map_err(not_a_form)?;
    let alone = form.get("as") == "owner";
    let field = words_field(alone);
    let words = Comment::parse(form.get(field));
    let Some(comment) = form.check(page, field, words) else { return Ok(None) };
    let decision = Decision { by, request, verdict, comment, round };
    Ok(Some(if alone { Decided::Override(decision) } else { Decided::Vote(decision) }))
}

const fn words_field(alone: bool) -> &'static str {
    if alone { "reason" } else { "comment" }
}

/// Where somebody goes after deciding: a reviewer to the request that waits next, so that they keep their place; an overseer,
/// who decides only now and then, to the list.
async fn next_to_decide(app: &App, viewer: &Viewer, after: Cursor, notice: &str) -> Result<String, WebError> {
    let who = viewer.require_signed_in()?;
    let list = format!("/review?notice={notice}");
    if !who.reviewer {
        return Ok(list);
    }
    let own = QueueQuery::waiting_for(who.person.id);
    let later = app.reads.read(move |conn| search(conn, &own, Some(&after))).await?.rows.into_iter().next();
    Ok(later.map_or(list, |line| format!("/review/{}?notice={notice}", line.id)))
}

/// `POST /review/{id}/members/remove`: removes a member from the project that a request is for.
pub async fn remove_member(
    app: web::Data<App>,
    id: web::Path<String>,
    posted: Posted,
) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (person, id) = (viewer.require_signed_in()?.person.id, parse_id::<RequestId>(&id)?);
    let email: Email = parse_id(form.get("email"))?;
    let reason = Reason::parse(form.get("member-reason"));
    let Some(reason) = form.check(&viewer.page(Section::Review, ""), "member-reason", reason) else {
        let case = load(&app, &viewer.require_signed_in()?.person, id, Cursor::newest()).await?;
        return render(&viewer, case, form, (None, StatusCode::UNPROCESSABLE_ENTITY));
    };
    app.ledger.run(move |tx| members::exclude(tx, person, id, (&email, &reason))).await?;
    Ok(go(&format!("/review/{id}?notice=member-removed")))
}

/// `POST /review/{id}`
pub async fn decide(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (reader, id) = (viewer.require_signed_in()?.person.id, parse_id::<RequestId>(&id)?);
    let case = load(&app, &viewer.require_signed_in()?.person, id, Cursor::newest()).await?;
    let submitted_at = case.stored.submitted_at;
    let page = viewer.page(Section::Review, "");
    let Some(decided) = decision(&mut form, &page, reader, id)? else {
        return render(&viewer, case, form, (None, StatusCode::UNPROCESSABLE_ENTITY));
    };
    let alone = matches!(decided, Decided::Override(_));
    let waited_since = Cursor::after(submitted_at.unwrap_or(Timestamp(0)), id);
    let run = app.ledger.run(move |tx| match &decided {
        Decided::Vote(decision) => commands::vote(tx, decision),
        Decided::Override(decision) => commands::override_review(tx, decision),
    });
    match run.await {
        Ok(stage) => {
            let notice = if stage == Stage::Submitted { "vote-counted" } else { stage.as_str() };
            Ok(go(&next_to_decide(&app, &viewer, waited_since, notice).await?))
        }
        Err(ledger::Error::Refused(refusal)) => {
            let field = if refusal == Refusal::CommentNeeded { words_field(alone) } else { "" };
            form.fail(field, page.text(refusal.key()));
            // As it is now: somebody else may have decided meanwhile.
            let case = load(&app, &viewer.require_signed_in()?.person, id, Cursor::newest()).await?;
            Ok(with_refusal(render(&viewer, case, form, (None, StatusCode::CONFLICT))?, &refusal))
        }
        Err(error) => Err(error.into()),
    }
}
