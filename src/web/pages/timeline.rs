//! A request's history, read from the audit log itself.

use crate::domain::Instant;
use crate::domain::ids::RequestId;
use crate::store::log::{Filter, LogArchive, Walk, select};
use crate::store::{AnyConnection, Result, people};

/// A step in a request's history.
#[derive(Clone, Debug)]
pub struct Step {
    /// The key of its words.
    pub key: String,
    /// Who took it; empty for Countersign itself.
    pub who: String,
    /// When.
    pub at: Instant,
    /// Where it is in the log.
    pub index: u64,
    /// What was said.
    pub comment: String,
    /// How it is marked.
    pub class: &'static str,
}

/// More steps than any request has.
const LIMIT: usize = 500;

/// The steps of a request, the newest first.
///
/// # Errors
/// When the database fails.
pub fn of_request(conn: &mut AnyConnection, archive: &LogArchive, request: RequestId) -> Result<Vec<Step>> {
    let filter = Filter { subject: Some(request.to_string()), ..Filter::default() };
    let events = select(conn, archive, &filter, Walk::Before(u64::MAX), LIMIT)?;
    let actors: Vec<String> = events.iter().filter_map(|event| event.facts.actor.clone()).collect();
    let names = people::names(conn, &actors)?;
    let mut steps = Vec::new();
    for event in events {
        let body: serde_json::Value = serde_json::from_str(&event.body).unwrap_or_default();
        let verdict = body["details"]["verdict"].as_str().unwrap_or_default();
        let action = event.facts.action.as_str();
        let (key, class) = match (action, verdict) {
            // A vote and what it brought about are two events; to a reader they are one.
            ("request.returned" | "request.rejected", _) if body["actor"]["role"] == "reviewer" => continue,
            ("request.reviewed", "approve") => ("timeline-vote-approve".to_owned(), "good"),
            ("request.reviewed", "reject") => ("timeline-vote-reject".to_owned(), ""),
            ("request.reviewed", _) => ("timeline-vote-return".to_owned(), ""),
            ("request.submitted", _) => ("timeline-submitted".to_owned(), "seal-dot"),
            ("request.approved", _) => ("timeline-approved".to_owned(), "good"),
            (action, _) => (format!("timeline-{}", action.trim_start_matches("request.")), ""),
        };
        let comment = event.private.as_ref().and_then(|part| part.data.get("comment")).and_then(|text| text.as_str());
        steps.push(Step {
            key,
            who: event.facts.actor.as_ref().and_then(|id| names.get(id)).cloned().unwrap_or_default(),
            at: Instant::parse(&event.facts.at).unwrap_or(Instant(0)),
            index: event.index,
            comment: comment.unwrap_or_default().to_owned(),
            class,
        });
    }
    Ok(steps)
}

/// What the last reviewer who said something said.
///
/// # Errors
/// When the database fails.
pub fn last_comment(conn: &mut AnyConnection, archive: &LogArchive, request: RequestId) -> Result<Option<String>> {
    let steps = of_request(conn, archive, request)?;
    Ok(steps.into_iter().map(|step| step.comment).find(|comment| !comment.is_empty()))
}
