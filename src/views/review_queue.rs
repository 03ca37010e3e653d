//! The reviewers' lists, and what deciding on several requests would do.

use std::collections::HashSet;

use crate::domain::access_request::Change;
use crate::domain::access_request::commands::RequestCommand;
use crate::domain::access_request::queue::{QueueOrder, QueueSelection, RequestAsRead};
use crate::domain::access_request::reading::{ReviewScope, may_read_case};
use crate::domain::access_request::rules::decide;
use crate::domain::comment::Comment;
use crate::domain::ids::RequestId;
use crate::domain::localised::Localised;
use crate::domain::person::Person;
use crate::domain::text::Slug;
use crate::domain::{Refusal, Timestamp, access_request::Verdict};
use crate::store::cursor::{CountedPage, page_or_first};
use crate::store::request_lists::RequestLine;
use crate::store::review_queue::{self, QueueQuery};
use crate::store::{AnyConnection, Cursor, PageOf, RequestFacts, Result, people};

/// A request in a list.
#[derive(Clone, Debug)]
pub struct QueueRow {
    /// The request.
    pub line: RequestLine,
    /// Whether the reader may vote on it.
    pub may_vote: bool,
}

impl QueueRow {
    /// The request as it is read here.
    pub const fn as_read(&self) -> RequestAsRead {
        RequestAsRead { id: self.line.id, round: self.line.round }
    }
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Queue {
    /// The requests, and how many there are in each selection.
    pub found: CountedPage<QueueRow, QueueSelection>,
    /// The datasets that the reader decides about: names and titles.
    pub datasets: Vec<(Slug, Localised)>,
}

/// A page of the requests that are looked for, with what the reader may do about each, how many are found in each selection, and
/// what else the list can be narrowed to.
///
/// # Errors
/// When the database fails.
pub fn queue(conn: &mut AnyConnection, wanted: &QueueQuery, after: Option<&Cursor>) -> Result<Queue> {
    let PageOf { rows, next } = page_or_first(after, |after| review_queue::search(conn, wanted, after))?;
    // Of what waits, a reviewer is shown what waits for them; an auditor is shown what they may not decide on, too, and
    // decides on each alone.
    let votable: HashSet<_> = match (wanted.scope, wanted.selection) {
        (ReviewScope::Decider(person), QueueSelection::Waiting | QueueSelection::Overdue) => {
            review_queue::reviewed_datasets(conn, person)?.into_iter().collect()
        }
        _ => HashSet::new(),
    };
    let row = |line: RequestLine| QueueRow { may_vote: votable.contains(&line.dataset_id), line };
    let page = PageOf { rows: rows.into_iter().map(row).collect(), next };
    let datasets = match wanted.scope {
        ReviewScope::Decider(person) => review_queue::decided_datasets(conn, person)?,
        ReviewScope::Everything => Vec::new(),
    };
    Ok(Queue { found: CountedPage { page, counts: review_queue::counts(conn, wanted)? }, datasets })
}

/// A request among those of the list that it was opened from.
#[derive(Clone, Debug)]
pub struct Beside {
    /// The part of the list that was shown.
    pub rows: Vec<RequestLine>,
    /// The one before it in the list.
    pub previous: Option<RequestId>,
    /// The one after it in the list.
    pub next: Option<RequestId>,
}

/// The list that a request was opened from, the part that begins after a cursor, and its neighbours there; `sent_at` is when it was
/// sent.
///
/// # Errors
/// When the database fails.
pub fn beside(
    conn: &mut AnyConnection,
    wanted: &QueueQuery,
    after: Option<&Cursor>,
    (request, sent_at): (RequestId, Timestamp),
) -> Result<Beside> {
    let rows = page_or_first(after, |after| review_queue::search(conn, wanted, after))?.rows;
    let here = Cursor::after(sent_at, request);
    let mut neighbour = |order: QueueOrder| -> Result<Option<RequestId>> {
        let wanted = QueueQuery { order, ..wanted.clone() };
        let found = review_queue::search(conn, &wanted, Some(&here))?.rows.into_iter().next();
        Ok(found.map(|line| line.id))
    };
    let (next, previous) = (neighbour(wanted.order)?, neighbour(wanted.order.other())?);
    Ok(Beside { rows, previous, next })
}

/// What a vote would do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// It would count; more approvals are needed.
    Counts,
    /// It would grant access.
    Approves,
    /// It would reject.
    Rejects,
    /// It would return the request to the applicant.
    Returns,
}

/// What a vote on one of several requests would do.
#[derive(Clone, Debug)]
pub struct VotePreview {
    /// The request.
    pub request: RequestAsRead,
    /// Who asks.
    pub applicant: Person,
    /// For which dataset.
    pub dataset: Localised,
    /// What it would do, or why it would be refused.
    pub effect: std::result::Result<Effect, Refusal>,
}

/// What the same vote on each of several requests would do, by the rule that decides it; requests that the reader may not read
/// are left out.
///
/// # Errors
/// When the database fails.
pub fn preview_votes(
    conn: &mut AnyConnection,
    reader: &Person,
    (verdict, comment): (Verdict, &Comment),
    chosen: &[RequestAsRead],
    now: Timestamp,
) -> Result<Vec<VotePreview>> {
    let mut previews = Vec::with_capacity(chosen.len());
    for read in chosen {
        let Some(facts) = RequestFacts::of_request(conn, read.id, reader.id)? else { continue };
        let Some(request) = facts.request().filter(|request| may_read_case(reader, facts.deciding(), request)) else {
            continue;
        };
        let Some(applicant) = people::by_id(conn, request.applicant)? else { continue };
        let command = RequestCommand::Vote { verdict, comment, round: read.round };
        let effect = decide(&facts.situation(), &command, now).map(|changes| effect(&changes));
        previews.push(VotePreview { request: *read, applicant, dataset: facts.dataset.title.clone(), effect });
    }
    Ok(previews)
}

fn effect(changes: &[Change]) -> Effect {
    let of = |change: &Change| match change {
        Change::Approved => Some(Effect::Approves),
        Change::Rejected => Some(Effect::Rejects),
        Change::Returned => Some(Effect::Returns),
        _ => None,
    };
    changes.iter().find_map(of).unwrap_or(Effect::Counts)
}
