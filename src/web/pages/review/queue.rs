//! The lists of requests, and deciding on several at once.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::super::titled;
use crate::app::App;
use crate::clock;
use crate::domain::access_request::Verdict;
use crate::domain::access_request::queue::{QueueOrder, QueueSelection, RequestAsRead};
use crate::domain::access_request::reading::review_scope;
use crate::domain::comment::Comment;
use crate::domain::ids::RequestId;
use crate::domain::localised::Localised;
use crate::domain::text::Slug;
use crate::escape;
use crate::ledger::commands::access_requests as commands;
use crate::log::export::csv_row;
use crate::store::PageOf;
use crate::store::cursor::CountedPage;
use crate::store::request_lists::RequestLine;
use crate::store::review_queue::{QueueQuery, search};
use crate::views::review_queue::{Effect, Queue, QueueRow, VotePreview, preview_votes, queue as read_queue};
use crate::web::auth::{Viewer, with_refusal};
use crate::web::error::WebError;
use crate::web::filtered_list::{BatchForm, ListLink, ListRequest, csv};
use crate::web::forms::{Form, Posted};
use crate::web::page::{Page, Section};
use crate::web::respond::{go, show, show_with};

pub(super) const PATH: &str = "/review";
const COLUMNS: [&str; 8] = ["id", "stage", "round", "applicant", "email", "dataset", "project", "sent_at"];

pub(super) type Query = ListRequest<QueueSelection, QueueOrder>;

/// What is looked for, for somebody who decides or audits.
pub(super) fn wanted(query: &Query, viewer: &Viewer) -> Result<QueueQuery, WebError> {
    let who = viewer.require_signed_in()?;
    let scope = review_scope(&who.person, who.decides()).ok_or(WebError::NotFound)?;
    Ok(QueueQuery {
        reader: who.person.id,
        scope,
        text: query.words(),
        dataset: query.dataset(),
        selection: query.selection(),
        order: query.order(),
        now: clock::now(),
    })
}

#[derive(Template)]
#[template(path = "review/queue.html")]
struct QueuePage {
    page: Page,
    rows: Vec<QueueRow>,
    selections: Vec<ListLink>,
    orders: Vec<ListLink>,
    datasets: Vec<(Slug, Localised)>,
    export: String,
    query: Query,
    later: Option<String>,
    batch: BatchForm<RequestAsRead>,
}

impl QueuePage {
    /// Whether the list is of what waits.
    fn is_waiting(&self) -> bool {
        self.query.selection().is_waiting()
    }

    /// Whether there is something to vote on.
    fn may_vote(&self) -> bool {
        self.rows.iter().any(|row| row.may_vote)
    }

    /// What is said when nothing is found.
    fn nothing(&self) -> &'static str {
        match self.query.selection() {
            _ if !self.query.words().is_empty() || self.query.dataset().is_some() => "review-none-found",
            QueueSelection::Waiting => "review-empty",
            QueueSelection::Overdue => "review-overdue-empty",
            QueueSelection::Voted => "review-mine-empty",
            QueueSelection::Returned => "review-returned-empty",
            QueueSelection::Decided => "review-decided-empty",
        }
    }

    /// The page of a request, which knows the list that it was opened from.
    fn opened(&self, row: &QueueRow) -> String {
        opened(&self.query, row.line.id)
    }

    /// Who asks for what.
    fn label(&self, row: &QueueRow) -> String {
        format!("{}, {}", row.line.applicant.name, self.page.localised(&row.line.title))
    }
}

/// The page of a request, with the list that it is opened from.
pub(super) fn opened(query: &Query, id: RequestId) -> String {
    query.address(&format!("{PATH}/{id}"), &[("after", &query.place())])
}

/// What the list is called.
pub(super) const fn title(selection: QueueSelection) -> &'static str {
    match selection {
        QueueSelection::Waiting | QueueSelection::Overdue => "review-title",
        QueueSelection::Voted | QueueSelection::Returned | QueueSelection::Decided => "review-others-title",
    }
}

async fn render(
    app: &App,
    viewer: &Viewer,
    query: Query,
    batch: BatchForm<RequestAsRead>,
) -> Result<HttpResponse, WebError> {
    let (wanted, after) = (wanted(&query, viewer)?, query.after.clone());
    let found = app.reads.read(move |conn| read_queue(conn, &wanted, after.as_ref())).await?;
    let Queue { found: CountedPage { page: PageOf { rows, next }, mut counts }, datasets } = found;
    if !viewer.require_signed_in()?.reviewer {
        counts.retain(|(selection, _)| *selection != QueueSelection::Voted);
    }
    let page = titled(viewer, Section::Review, title(query.selection()), query.notice.as_deref());
    let status = if batch.is_wrong() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shown = QueuePage {
        selections: query.selections(&page, (PATH, "review-list"), &counts),
        orders: query.orders(&page, (PATH, order_names(&query)), &QueueOrder::ALL),
        export: query.address("/review.csv", &[]),
        later: query.later(PATH, next.as_ref()),
        page,
        rows,
        datasets,
        query,
        batch,
    };
    show_with(viewer, status, &shown)
}

/// What the orders are called: the usual one depends on the list.
fn order_names(query: &Query) -> &'static str {
    if QueueOrder::Usual.is_oldest_first(query.selection()) { "review-waiting" } else { "review-sent" }
}

/// `GET /review`
pub async fn list(app: web::Data<App>, viewer: Viewer, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    render(&app, &viewer, query.into_inner(), BatchForm::default()).await
}

/// `GET /review.csv`: all that is found, as a table.
pub async fn export(app: web::Data<App>, viewer: Viewer, query: web::Query<Query>) -> Result<HttpResponse, WebError> {
    let wanted = wanted(&query, &viewer)?;
    let read = move |conn: &mut _, after: Option<&_>| search(conn, &wanted, after);
    Ok(csv(&app.reads, ("requests", &COLUMNS), read, line))
}

fn line(line: &RequestLine) -> String {
    csv_row(&[
        &line.id.to_string(),
        line.stage.as_str(),
        &line.round.to_string(),
        &escape::cell(line.applicant.name.as_str()),
        &escape::cell(line.applicant.email.as_str()),
        line.dataset.as_str(),
        &escape::cell(line.project.as_ref().map_or("", |(_, title)| title)),
        &line.submitted_at.map(|at| at.to_string()).unwrap_or_default(),
    ])
}

#[derive(Template)]
#[template(path = "review/confirm.html")]
struct ConfirmPage {
    page: Page,
    query: Query,
    form: Form,
    verdict: Verdict,
    votes: Vec<VotePreview>,
}

impl ConfirmPage {
    /// What is about to be done, in a sentence.
    const fn sentence(&self) -> &'static str {
        match self.verdict {
            Verdict::Approve => "review-confirm-approve",
            Verdict::Return => "review-confirm-return",
            Verdict::Reject => "review-confirm-reject",
        }
    }

    /// The label of the button that confirms.
    const fn button(&self) -> &'static str {
        match self.verdict {
            Verdict::Approve => "review-approve",
            Verdict::Return => "review-return",
            Verdict::Reject => "review-reject",
        }
    }

    /// The votes that would not be refused: only these are cast.
    fn effective(&self) -> Vec<&VotePreview> {
        self.votes.iter().filter(|vote| vote.effect.is_ok()).collect()
    }

    /// What a vote would do.
    fn effect(&self, vote: &VotePreview) -> String {
        self.page.text(match vote.effect {
            Ok(Effect::Counts) => "review-effect-counts",
            Ok(Effect::Approves) => "review-effect-approves",
            Ok(Effect::Rejects) => "review-effect-rejects",
            Ok(Effect::Returns) => "review-effect-returns",
            Err(refusal) => refusal.key(),
        })
    }
}

/// The verdict and the comment, where the comment can be taken.
fn verdict(page: &Page, form: &mut Form) -> Result<Option<(Verdict, Comment)>, WebError> {
    let verdict: Verdict = form.get("verdict").parse().map_err(|_| WebError::BadRequest("problem-not-a-form"))?;
    let words = Comment::parse(form.get("comment"));
    let Some(comment) = form.check(page, "comment", words) else { return Ok(None) };
    if let Err(refusal) = verdict.check_comment(&comment) {
        form.fail("comment", page.text(refusal.key()));
        return Ok(None);
    }
    Ok(Some((verdict, comment)))
}

/// `POST /review`: votes on several at once; at first only says what that would do.
pub async fn decide_several(app: web::Data<App>, posted: Posted) -> Result<HttpResponse, WebError> {
    let Posted { mut form, viewer } = posted;
    let (query, page) = (Query::of_form(&form), viewer.page(Section::Review, ""));
    wanted(&query, &viewer)?;
    let reader = viewer.require_signed_in()?.person.clone();
    if form.get("confirmed") == "no" {
        form.rename("left-out", "request");
        return render(&app, &viewer, query, BatchForm { form, refused: Vec::new() }).await;
    }
    let chosen = BatchForm::chosen(&page, &mut form, "request")?;
    let said = verdict(&page, &mut form)?;
    let Some((chosen, (verdict, comment))) = chosen.zip(said) else {
        return render(&app, &viewer, query, BatchForm::of_wrong(form)).await;
    };
    if form.get("confirmed") != "yes" {
        let now = clock::now();
        let read = move |conn: &mut _| preview_votes(conn, &reader, (verdict, &comment), &chosen, now);
        let votes = app.reads.read(read).await?;
        let page = titled(&viewer, Section::Review, "review-confirm", None);
        return show(&viewer, &ConfirmPage { page, query, form, verdict, votes });
    }
    let vote = app.ledger.run(move |tx| commands::vote_on_several(tx, reader.id, &chosen, (verdict, &comment)));
    let outcome = vote.await?;
    if outcome.refused.is_empty() {
        return Ok(go(&query.back(PATH, "votes-counted")));
    }
    let refusal = outcome.access_refusal();
    let again = render(&app, &viewer, query, BatchForm::of_refused(&page, form, outcome)).await?;
    Ok(with_refusal(again, refusal.as_ref()))
}
