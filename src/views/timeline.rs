//! A request's history, read from the audit log itself.

use std::collections::HashMap;

use crate::domain::Timestamp;
use crate::domain::access_request::Verdict;
use crate::domain::event::Action;
use crate::domain::ids::RequestId;
use crate::domain::person::Role;
use crate::domain::words::words;
use crate::log::RecordedEvent;
use crate::log::verify::StoredEvent;
use crate::store::log::{Filter, LogArchive, Walk, select};
use crate::store::{AnyConnection, Result, people};

/// An entry in a request's history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimelineEntry {
    /// The step.
    pub step: TimelineStep,
    /// The name of the person who took it; empty for Countersign itself.
    pub actor: String,
    /// When it was taken; `None` if the entry is damaged.
    pub at: Option<Timestamp>,
    /// Where it is in the log.
    pub index: u64,
    /// The comment.
    pub comment: String,
}

/// A step in a request's history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimelineStep {
    /// The applicant began a draft.
    Drafted,
    /// The applicant signed, which sent it to the reviewers.
    Submitted,
    /// Newer versions of the agreements were signed.
    NewVersionsSigned,
    /// A reviewer approved.
    VoteApprove,
    /// A reviewer rejected.
    VoteReject,
    /// A reviewer asked for changes.
    VoteReturn,
    /// The request went back to the applicant.
    Returned,
    /// The request was approved.
    Approved,
    /// The request was rejected.
    Rejected,
    /// An owner decided in place of the reviewers.
    Overridden,
    /// Somebody who could decide stepped aside.
    Recused,
    /// Somebody who had stepped aside may decide again.
    RecusalLifted,
    /// Those who decide were reminded of it.
    Reminded,
    /// The days for a decision are over.
    Overdue,
    /// The applicant took it back.
    Withdrawn,
    /// The entry in the log can't be read.
    Damaged,
}

words! {
    TimelineStep {
        Drafted = "drafted",
        Submitted = "submitted",
        NewVersionsSigned = "new-versions-signed",
        VoteApprove = "vote-approve",
        VoteReject = "vote-reject",
        VoteReturn = "vote-return",
        Returned = "returned",
        Approved = "approved",
        Rejected = "rejected",
        Overridden = "overridden",
        Recused = "recused",
        RecusalLifted = "recusal-lifted",
        Reminded = "reminded",
        Overdue = "overdue",
        Withdrawn = "withdrawn",
        Damaged = "damaged",
    }
}

/// The maximum number of entries that are shown.
const MAX_TIMELINE_ENTRIES: usize = 500;

/// Who reads a request's history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// The people that the request is for.
    Applicants,
    /// Those who decide, who also read why somebody stepped aside.
    Deciders,
}

/// The history of a request, the newest first.
///
/// # Errors
/// When the database fails.
pub fn of_request(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    request: RequestId,
    audience: Audience,
) -> Result<Vec<TimelineEntry>> {
    let filter = Filter { subject: Some(request.to_string()), ..Filter::default() };
    let events = select(conn, archive, &filter, Walk::Before(u64::MAX), MAX_TIMELINE_ENTRIES)?;
    let actors: Vec<String> = events.iter().filter_map(|event| event.fields.actor.clone()).collect();
    let names = people::names(conn, &actors)?;
    Ok(events.iter().filter_map(|stored| entry(stored, &names, audience)).collect())
}

fn entry(stored: &StoredEvent, names: &HashMap<String, String>, audience: Audience) -> Option<TimelineEntry> {
    let Ok(RecordedEvent { at, event, .. }) = RecordedEvent::read(stored) else {
        let (step, actor, comment) = (TimelineStep::Damaged, String::new(), String::new());
        return Some(TimelineEntry { step, actor, at: None, index: stored.index, comment });
    };
    let by_reviewer = event.actor.role == Role::Reviewer;
    let step = match event.action {
        // A vote and what it brought about are two events; to a reader they are one.
        Action::RequestReturned | Action::RequestRejected if by_reviewer => return None,
        Action::RequestReviewed => {
            match event.details.get("verdict").and_then(|verdict| verdict.as_str()).map(str::parse) {
                Some(Ok(Verdict::Approve)) => TimelineStep::VoteApprove,
                Some(Ok(Verdict::Reject)) => TimelineStep::VoteReject,
                Some(Ok(Verdict::Return)) => TimelineStep::VoteReturn,
                Some(Err(_)) | None => TimelineStep::Damaged,
            }
        }
        Action::RequestDrafted => TimelineStep::Drafted,
        Action::RequestSubmitted => TimelineStep::Submitted,
        Action::RequestNewVersionsSigned => TimelineStep::NewVersionsSigned,
        Action::RequestReturned => TimelineStep::Returned,
        Action::RequestApproved => TimelineStep::Approved,
        Action::RequestRejected => TimelineStep::Rejected,
        Action::RequestOverridden => TimelineStep::Overridden,
        Action::RequestRecused => TimelineStep::Recused,
        Action::RequestRecusalLifted => TimelineStep::RecusalLifted,
        Action::RequestReminded => TimelineStep::Reminded,
        Action::RequestOverdue => TimelineStep::Overdue,
        Action::RequestWithdrawn => TimelineStep::Withdrawn,
        _ => return None,
    };
    let actor = event.actor.person.and_then(|id| names.get(&id.to_string())).cloned().unwrap_or_default();
    let reason = event.private.get("reason").filter(|_| audience == Audience::Deciders);
    let comment = event.private.get("comment").or(reason).and_then(|text| text.as_str()).unwrap_or_default().to_owned();
    Some(TimelineEntry { step, actor, at: Some(at), index: stored.index, comment })
}

/// The newest comment in a history.
pub fn last_comment(timeline: &[TimelineEntry]) -> Option<&str> {
    timeline.iter().map(|entry| entry.comment.as_str()).find(|comment| !comment.is_empty())
}
