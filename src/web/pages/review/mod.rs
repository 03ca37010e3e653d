//! One request with everything needed to decide, and the lists of requests.

pub mod queue;
pub mod recusals;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use self::queue::Query;
use super::parse_id;
use crate::app::App;
use crate::clock;
use crate::domain::Refusal;
use crate::domain::Timestamp;
use crate::domain::access_request::quorum::QuorumReach;
use crate::domain::access_request::reading::ReviewScope;
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
use crate::views::review_queue::{Beside, beside};
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
    /// The list that it was opened from.
    query: Query,
    beside: Beside,
}

impl ShowPage {
    /// The page of another request of the list.
    fn opened(&self, id: &RequestId) -> String {
        queue::opened(&self.query, *id)
    }

    /// The list.
    fn list(&self) -> String {
        self.query.address(queue::PATH, &[("after", &self.query.place())])
    }

    /// What the list is called.
    fn list_title(&self) -> String {
        self.page.text(queue::title(self.query.selection()))
    }

    /// What is wrong with a field that each of several people has; nothing for all but the one that was sent.
    fn person_error(&self, person: &Email, field: &str) -> &str {
        if self.form.get("email") == person.as_str() { self.form.error(field) } else { "" }
    }

    /// What was typed there, as HTML.
    fn person_typed(&self, person: &Email, field: &str) -> String {
        if self.person_error(person, field).is_empty() { String::new() } else { self.form.html(field) }
    }

    /// The id of that field: its name where it is wrong, for the summary of errors leads there.
    fn person_field(&self, person: &Email, field: &str, place: usize) -> String {
        if self.person_error(person, field).is_empty() { format!("{field}-{place}") } else { field.to_owned() }
    }

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
    found.map_err(WebError::Refused)
}

async fn render(
    app: &App,
    viewer: &Viewer,
    case: ReviewCase,
    (query, form): (Query, Form),
    (notice, status): (Option<&str>, StatusCode),
) -> Result<HttpResponse, WebError> {
    let (wanted, after, id) = (queue::wanted(&query, viewer)?, query.after.clone(), case.stored.request.id);
    let here = (id, case.stored.submitted_at.unwrap_or_default());
    let beside = app.reads.read(move |conn| beside(conn, &wanted, after.as_ref(), here)).await?;
    let page = viewer.page(Section::Review, "").with_notice(notice);
    let dataset = case.dataset.title.text(page.language);
    let title = page.text_with_two("review-heading", "name", case.applicant.name.as_str(), "dataset", dataset);
    let later = |next: &Cursor| {
        query.address(&format!("/review/{id}"), &[("after", &query.place()), ("others", &next.to_string())])
    };
    let later_others = case.other_requests.next.as_ref().map(later);
    show_with(viewer, status, &ShowPage { page: page.titled(&title), form, case, later_others, query, beside })
}

/// Where the applicant's other requests begin.
#[derive(Deserialize)]
pub struct OthersQuery {
    others: Option<Cursor>,
}

/// `GET /review/{id}`
pub async fn show(
    app: web::Data<App>,
    viewer: Viewer,
    id: web::Path<String>,
    (query, others): (web::Query<Query>, web::Query<OthersQuery>),
) -> Result<HttpResponse, WebError> {
    let reader = &viewer.require_signed_in()?.person;
    let others = others.into_inner().others.unwrap_or(Cursor::newest());
    let case = load(&app, reader, parse_id(&id)?, others).await?;
    let query = query.into_inner();
    let notice = query.notice.clone();
    render(&app, &viewer, case, (query, Form::default()), (notice.as_deref(), StatusCode::OK)).await
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
async fn next_to_decide(
    app: &App,
    viewer: &Viewer,
    (query, after): (&Query, Cursor),
    notice: &str,
) -> Result<String, WebError> {
    let list = query.back(queue::PATH, notice);
    // Lists of what was decided lead nowhere.
    if !viewer.require_signed_in()?.reviewer || !query.selection().is_waiting() {
        return Ok(list);
    }
    // Whoever audits, too, goes on with what they may decide on.
    let scope = ReviewScope::Decider(viewer.require_signed_in()?.person.id);
    let wanted = QueueQuery { scope, ..queue::wanted(query, viewer)? };
    let later = app.reads.read(move |conn| search(conn, &wanted, Some(&after))).await?.rows.into_iter().next();
    Ok(later.map_or(list, |line| query.back(&format!("{}/{}", queue::PATH, line.id), notice)))
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
        let asked = (Query::of_form(&form), form);
        return render(&app, &viewer, case, asked, (None, StatusCode::UNPROCESSABLE_ENTITY)).await;
    };
    app.ledger.run(move |tx| members::exclude(tx, person, id, (&email, &reason))).await?;
    Ok(go(&Query::of_form(&form).back(&format!("/review/{id}"), "member-removed")))
}

/// `POST /review/{id}`
pub async fn decide(app: web::Data<App>, id: web::Path<String>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (reader, id) = (viewer.require_signed_in()?.person.id, parse_id::<RequestId>(&id)?);
    let case = load(&app, &viewer.require_signed_in()?.person, id, Cursor::newest()).await?;
    let submitted_at = case.stored.submitted_at;
    let (page, query) = (viewer.page(Section::Review, ""), Query::of_form(&form));
    let Some(decided) = decision(&mut form, &page, reader, id)? else {
        return render(&app, &viewer, case, (query, form), (None, StatusCode::UNPROCESSABLE_ENTITY)).await;
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
            Ok(go(&next_to_decide(&app, &viewer, (&query, waited_since), notice).await?))
        }
        Err(ledger::Error::Refused(refusal)) => {
            let field = if refusal.is_missing_field() { words_field(alone) } else { "" };
            form.fail(field, page.text(refusal.key()));
            refused(&app, &viewer, id, (query, form), &refusal).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The request as it is now, for somebody else may have acted meanwhile, and what was refused.
async fn refused(
    app: &App,
    viewer: &Viewer,
    id: RequestId,
    asked: (Query, Form),
    refusal: &Refusal,
) -> Result<HttpResponse, WebError> {
    let case = load(app, &viewer.require_signed_in()?.person, id, Cursor::newest()).await?;
    let status = if refusal.is_missing_field() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::CONFLICT };
    let again = render(app, viewer, case, asked, (None, status)).await?;
    Ok(with_refusal(again, refusal))
}
