//! The reviewers' queue, and one request with everything needed to decide.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::{ListQuery, address, next_page, parse_id, titled};
use crate::app::App;
use crate::clock;
use crate::domain::Refusal;
use crate::domain::access_request::rules::review_scope;
use crate::domain::access_request::{Stage, Verdict};
use crate::domain::comment::Comment;
use crate::domain::ids::{PersonId, RequestId};
use crate::ledger;
use crate::ledger::commands::access_requests::{self as commands, Decision};
use crate::store::access_requests::{RequestLine, waiting};
use crate::store::{Cursor, PageOf};
use crate::views::review::{ReviewCase, case};
use crate::views::timeline::TimelineStep;
use crate::web::auth::Viewer;
use crate::web::error::WebError;
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show as show_page, show_with};

#[derive(Template)]
#[template(path = "review/queue.html")]
struct QueuePage {
    page: Page,
    lines: Vec<RequestLine>,
    later: Option<String>,
}

/// `GET /review`
pub async fn queue(
    app: web::Data<App>,
    viewer: Viewer,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, WebError> {
    let who = viewer.require_signed_in()?;
    let scope = review_scope(&who.person, who.reviewer).ok_or(WebError::NotFound)?;
    let after = query.after.clone().unwrap_or(Cursor::first());
    let PageOf { rows, next } = app.reads.read(move |conn| waiting(conn, scope, &after)).await?;
    let page = titled(&viewer, Section::Review, "review-title", query.notice.as_deref());
    show_page(&viewer, &QueuePage { page, lines: rows, later: next_page("/review", "", next) })
}

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

async fn load(app: &App, reader: PersonId, id: RequestId, others: Cursor) -> Result<ReviewCase, WebError> {
    let (archive, now) = (app.log_archive.clone(), clock::now());
    let found = app.reads.read(move |conn| case(conn, &archive, id, reader, &others, now)).await?;
    found.ok_or(WebError::NotFound)
}

fn render(viewer: &Viewer, case: ReviewCase, form: Form, status: StatusCode) -> Result<HttpResponse, WebError> {
    let page = viewer.page(Section::Review, "");
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
    let reader = viewer.require_signed_in()?.person.id;
    let others = query.after.clone().unwrap_or(Cursor::newest());
    let case = load(&app, reader, parse_id(&id)?, others).await?;
    render(&viewer, case, Form::default(), StatusCode::OK)
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
    let alone = form.get("as") == "administrator";
    let field = words_field(alone);
    let words = Comment::parse(form.get(field));
    let Some(comment) = form.check(page, field, words) else { return Ok(None) };
    let decision = Decision { by, request, verdict, comment, round };
    Ok(Some(if alone { Decided::Override(decision) } else { Decided::Vote(decision) }))
}

const fn words_field(alone: bool) -> &'static str {
    if alone { "reason" } else { "comment" }
}

/// `POST /review/{id}`
pub async fn decide(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (reader, id) = (viewer.require_signed_in()?.person.id, parse_id::<RequestId>(&id)?);
    let case = load(&app, reader, id, Cursor::newest()).await?;
    let page = viewer.page(Section::Review, "");
    let Some(decided) = decision(&mut form, &page, reader, id)? else {
        return render(&viewer, case, form, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let alone = matches!(decided, Decided::Override(_));
    let run = app.ledger.run(move |tx| match &decided {
        Decided::Vote(decision) => commands::vote(tx, decision),
        Decided::Override(decision) => commands::override_review(tx, decision),
    });
    match run.await {
        Ok(Stage::Submitted) => Ok(go("/review?notice=vote-counted")),
        Ok(stage) => Ok(go(&format!("/review?notice={stage}"))),
        Err(ledger::Error::Refused(refusal)) => {
            let field = if refusal == Refusal::CommentNeeded { words_field(alone) } else { "" };
            form.fail(field, page.text(refusal.key()));
            // As it is now: somebody else may have decided meanwhile.
            let case = load(&app, reader, id, Cursor::newest()).await?;
            render(&viewer, case, form, StatusCode::CONFLICT)
        }
        Err(error) => Err(error.into()),
    }
}
