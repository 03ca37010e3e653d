//! The reviewers' lists: searching and counting.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::access_requests::RequestRow;
use super::columns::{from_json, like_pattern, parse, unsigned};
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ};
use super::error::Result;
use super::people::PersonRow;
use super::projects as own_projects;
use super::request_lists::{
    LineRow, RequestLine, committees_of, for_others, is_decided_by, line, lines, organisations_owned_by, own_recusals,
    own_votes,
};
use super::schema::{access_requests, datasets, people, projects as projects_table, reviews};
use crate::domain::Timestamp;
use crate::domain::access_request::Stage;
use crate::domain::access_request::queue::{QueueOrder, QueueSelection};
use crate::domain::access_request::reading::ReviewScope;
use crate::domain::ids::{DatasetId, PersonId};
use crate::domain::localised::Localised;
use crate::domain::search::words;
use crate::domain::text::Slug;

/// How many datasets a list can be narrowed to.
const DATASETS_MAX: i64 = 200;

/// Which requests are looked for.
#[derive(Clone, Debug)]
pub struct QueueQuery {
    /// Who looks.
    pub reader: PersonId,
    /// What they may see.
    pub scope: ReviewScope,
    /// Words, each of which the applicant, the project, the dataset or an answer has.
    pub text: String,
    /// Of which dataset alone.
    pub dataset: Option<Slug>,
    /// How far they are.
    pub selection: QueueSelection,
    /// In which order they come.
    pub order: QueueOrder,
    /// When it is asked: what is overdue then.
    pub now: Timestamp,
}

impl QueueQuery {
    /// What waits for the vote of a reviewer, or for the decision of an owner, the longest waiting first.
    pub const fn waiting_for(person: PersonId, now: Timestamp) -> Self {
        Self {
            reader: person,
            scope: ReviewScope::Decider(person),
            text: String::new(),
            dataset: None,
            selection: QueueSelection::Waiting,
            order: QueueOrder::Usual,
            now,
        }
    }
}

/// Narrows a query of requests, joined as [`lines`] does, to those that are looked for. `own` are the reader's projects.
macro_rules! narrowed {
    ($query:expr, $wanted:expr, $own:expr) => {{
        let (wanted, mut query) = ($wanted, $query.filter(access_requests::round.gt(0)));
        for word in words(&wanted.text) {
            let pattern = like_pattern(&word);
            let of_request = access_requests::search.like(pattern.clone()).escape('\\');
            let of_person = people::search.like(pattern.clone()).escape('\\');
            let of_dataset = datasets::search_title.like(pattern.clone()).escape('\\');
            let of_project = projects_table::search.nullable().like(pattern).escape('\\');
            query = query.filter(of_request.or(of_person).or(of_dataset).nullable().or(of_project));
        }
        if let Some(slug) = &wanted.dataset {
            query = query.filter(datasets::slug.eq(slug.to_string()));
        }
        if let ReviewScope::Decider(person) = wanted.scope {
            query = query
                .filter(is_decided_by!(person))
                .filter(access_requests::person_id.ne(person.to_string()))
                .filter(for_others($own))
                .filter(not(exists(own_recusals(person))));
            match wanted.selection {
                QueueSelection::Waiting => query = query.filter(not(exists(own_votes(person)))),
                // An owner who has voted is asked again, to decide in the reviewers' place.
                QueueSelection::Overdue => {
                    let owned = datasets::organisation_id.eq_any(organisations_owned_by(person));
                    query = query.filter(not(exists(own_votes(person))).or(owned));
                }
                QueueSelection::Voted | QueueSelection::Returned | QueueSelection::Decided => {}
            }
        }
        match wanted.selection {
            QueueSelection::Waiting => query.filter(access_requests::stage.eq(Stage::Submitted.as_str())),
            QueueSelection::Overdue => query
                .filter(access_requests::stage.eq(Stage::Submitted.as_str()))
                .filter(access_requests::due_at.le(wanted.now.0)),
            QueueSelection::Returned => query.filter(access_requests::stage.eq(Stage::Returned.as_str())),
            QueueSelection::Decided => {
                query.filter(access_requests::stage.eq_any([Stage::Approved.as_str(), Stage::Rejected.as_str()]))
            }
            QueueSelection::Voted => {
                let reader = wanted.reader.to_string();
                let voted = reviews::table.filter(reviews::reviewer_id.eq(reader)).select(reviews::request_id);
                query.filter(access_requests::id.eq_any(voted))
            }
        }
    }};
}

/// A page of the requests that are looked for; `after` is where the page before ended.
///
/// # Errors
/// When the database fails.
pub fn search(conn: &mut AnyConnection, wanted: &QueueQuery, after: Option<&Cursor>) -> Result<PageOf<RequestLine>> {
    let own = own_projects::ids_of_person(conn, wanted.reader)?;
    let query = narrowed!(lines!().into_boxed(), wanted, &own);
    let sent = access_requests::submitted_at;
    let rows: Vec<LineRow> = if wanted.order.is_oldest_first(wanted.selection) {
        let Cursor { key, id } = after.cloned().unwrap_or(Cursor::first());
        query
            .filter(sent.gt(key).or(sent.eq(key).and(access_requests::id.gt(id).nullable())))
            .order((sent, access_requests::id))
            .limit(READ)
            .load(conn)?
    } else {
        let Cursor { key, id } = after.cloned().unwrap_or(Cursor::newest());
        query
            .filter(sent.lt(key).or(sent.eq(key).and(access_requests::id.lt(id).nullable())))
            .order((sent.desc(), access_requests::id.desc()))
            .limit(READ)
            .load(conn)?
    };
    let lines = rows.into_iter().map(line).collect::<Result<_>>()?;
    // Whatever has a round has been sent.
    Ok(PageOf::cut(lines, |line: &RequestLine| Cursor::after(line.submitted_at.unwrap_or(line.created_at), line.id)))
}

/// How many requests are found in each selection.
///
/// # Errors
/// When the database fails.
pub fn counts(conn: &mut AnyConnection, wanted: &QueueQuery) -> Result<Vec<(QueueSelection, u64)>> {
    let own = own_projects::ids_of_person(conn, wanted.reader)?;
    let mut found = Vec::with_capacity(QueueSelection::ALL.len());
    for selection in QueueSelection::ALL {
        let wanted = &QueueQuery { selection, ..wanted.clone() };
        let all = access_requests::table
            .inner_join(datasets::table.on(datasets::id.eq(access_requests::dataset_id)))
            .inner_join(people::table.on(people::id.eq(access_requests::person_id)))
            .left_join(projects_table::table.on(projects_table::id.nullable().eq(access_requests::project_id)))
            .into_boxed();
        let number: i64 = narrowed!(all, wanted, &own).count().get_result(conn)?;
        found.push((selection, unsigned(number)));
    }
    Ok(found)
}

/// The datasets that somebody reviews, as a member of their committees.
///
/// # Errors
/// When the database fails.
pub fn reviewed_datasets(conn: &mut AnyConnection, person: PersonId) -> Result<Vec<DatasetId>> {
    let own = datasets::table.filter(datasets::committee_id.eq_any(committees_of(person)));
    let ids: Vec<String> = own.select(datasets::id).load(conn)?;
    ids.iter().map(|id| parse("dataset id", id)).collect()
}

/// The datasets that somebody decides about, as a reviewer or as an owner of their organisation: names and titles.
///
/// # Errors
/// When the database fails.
pub fn decided_datasets(conn: &mut AnyConnection, person: PersonId) -> Result<Vec<(Slug, Localised)>> {
    let own = datasets::table.filter(is_decided_by!(person)).order(datasets::slug);
    let rows: Vec<(String, String)> = own.select((datasets::slug, datasets::title)).limit(DATASETS_MAX).load(conn)?;
    rows.iter().map(|(slug, title)| Ok((parse("slug", slug)?, from_json("title", title)?))).collect()
}
