//! Grants.

use diesel::prelude::*;

use super::columns::{from_json, like_pattern, number, parse, unsigned};
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ};
use super::datasets::texts;
use super::error::Result;
use super::files::column;
use super::schema::{datasets, grants, people, projects};
use crate::domain::Timestamp;
use crate::domain::grant::{ENDING_NOTICE, Grant, GrantOrder, GrantSelection};
use crate::domain::ids::{DatasetId, GrantId, OrganisationId, PersonId, ProjectId, RequestId};
use crate::domain::localised::Localised;
use crate::domain::organisation::ManageScope;
use crate::domain::search::words;
use crate::domain::text::Slug;

#[derive(Queryable, Selectable)]
#[diesel(table_name = grants)]
pub(super) struct GrantRow {
    id: String,
    person_id: String,
    dataset_id: String,
    request_id: String,
    project_id: Option<String>,
    starts_at: i64,
    ends_at: i64,
    last_release: Option<i32>,
    suspended_at: Option<i64>,
    revoked_at: Option<i64>,
    sign_by: Option<i64>,
    shortened: bool,
}

impl TryFrom<GrantRow> for Grant {
    type Error = super::error::Error;
    fn try_from(row: GrantRow) -> Result<Self> {
        Ok(Self {
            id: parse("grant id", &row.id)?,
            person: parse("person id", &row.person_id)?,
            dataset: parse("dataset id", &row.dataset_id)?,
            request: parse("request id", &row.request_id)?,
            project: row.project_id.map(|id| parse("project id", &id)).transpose()?,
            starts_at: Timestamp(row.starts_at),
            ends_at: Timestamp(row.ends_at),
            sign_by: row.sign_by.map(Timestamp),
            last_release: row.last_release.map(number),
            suspended_at: row.suspended_at.map(Timestamp),
            revoked_at: row.revoked_at.map(Timestamp),
            is_shortened: row.shortened,
        })
    }
}

/// Adds a grant.
///
/// # Errors
/// When the database fails.
pub fn insert(conn: &mut AnyConnection, grant: &Grant) -> Result<()> {
    diesel::insert_into(grants::table)
        .values((
            grants::id.eq(grant.id.to_string()),
            grants::person_id.eq(grant.person.to_string()),
            grants::dataset_id.eq(grant.dataset.to_string()),
            grants::request_id.eq(grant.request.to_string()),
            grants::project_id.eq(grant.project.map(|id| id.to_string())),
            grants::starts_at.eq(grant.starts_at.0),
            grants::ends_at.eq(grant.ends_at.0),
            grants::last_release.eq(grant.last_release.map(column)),
            grants::suspended_at.eq(grant.suspended_at.map(|at| at.0)),
            grants::revoked_at.eq(None::<i64>),
            grants::revoke_reason.eq(None::<String>),
            grants::noticed_at.eq(None::<i64>),
            grants::sign_by.eq(grant.sign_by.map(|at| at.0)),
            grants::sign_by_told.eq(0),
            grants::remind_at.eq(None::<i64>),
            grants::shortened.eq(grant.is_shortened),
        ))
        .execute(conn)?;
    Ok(())
}

/// Grants that have begun, and neither ended nor were revoked, whatever else keeps them from being used.
macro_rules! running {
    ($now:expr) => {
        grants::revoked_at.is_null().and(grants::starts_at.le($now.0)).and(grants::ends_at.gt($now.0))
    };
}

/// Of these, those that are not suspended, and for which there is nothing that had to be signed.
macro_rules! active {
    ($now:expr) => {
        $crate::store::grants::running!($now)
            .and(grants::suspended_at.is_null())
            .and(grants::sign_by.is_null().or(grants::sign_by.gt($now.0)))
    };
}

pub(super) use {active, running};

/// A person's grants on a dataset, active or not, the newest first.
///
/// # Errors
/// When the database fails.
pub fn on_dataset(conn: &mut AnyConnection, person: PersonId, dataset: DatasetId) -> Result<Vec<Grant>> {
    grants::table
        .filter(grants::person_id.eq(person.to_string()))
        .filter(grants::dataset_id.eq(dataset.to_string()))
        .order((grants::starts_at.desc(), grants::id.desc()))
        .select(GrantRow::as_select())
        .load(conn)?
        .into_iter()
        .map(Grant::try_from)
        .collect()
}

/// A person's newest grant on a dataset for a project, active or not.
///
/// # Errors
/// When the database fails.
pub fn latest(
    conn: &mut AnyConnection,
    person: PersonId,
    dataset: DatasetId,
    project: Option<ProjectId>,
) -> Result<Option<Grant>> {
    let own = grants::table
        .filter(grants::person_id.eq(person.to_string()))
        .filter(grants::dataset_id.eq(dataset.to_string()))
        .order((grants::starts_at.desc(), grants::id.desc()))
        .select(GrantRow::as_select())
        .into_boxed();
    let of_project = match project {
        Some(project) => own.filter(grants::project_id.eq(project.to_string())),
        None => own.filter(grants::project_id.is_null()),
    };
    of_project.first(conn).optional()?.map(Grant::try_from).transpose()
}

/// A person's newest grant on a dataset for whatever project, active or not.
///
/// # Errors
/// When the database fails.
pub fn newest(conn: &mut AnyConnection, person: PersonId, dataset: DatasetId) -> Result<Option<Grant>> {
    grants::table
        .filter(grants::person_id.eq(person.to_string()))
        .filter(grants::dataset_id.eq(dataset.to_string()))
        .order((grants::starts_at.desc(), grants::id.desc()))
        .select(GrantRow::as_select())
        .first(conn)
        .optional()?
        .map(Grant::try_from)
        .transpose()
}

/// The grants for a project that run at `now`, whatever their holders have yet to sign.
///
/// # Errors
/// When the database fails.
pub fn running_of_project(conn: &mut AnyConnection, project: ProjectId, now: Timestamp) -> Result<Vec<Grant>> {
    grants::table
        .filter(grants::project_id.eq(project.to_string()))
        .filter(running!(now))
        .order((grants::starts_at, grants::id))
        .select(GrantRow::as_select())
        .load(conn)?
        .into_iter()
        .map(Grant::try_from)
        .collect()
}

/// Ends a grant now, for another takes its place.
///
/// # Errors
/// When the database fails.
pub fn end(conn: &mut AnyConnection, id: GrantId, at: Timestamp) -> Result<()> {
    diesel::update(grants::table.find(id.to_string())).set(grants::ends_at.eq(at.0)).execute(conn)?;
    Ok(())
}

/// One grant.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut AnyConnection, id: GrantId) -> Result<Option<Grant>> {
    grants::table
        .find(id.to_string())
        .select(GrantRow::as_select())
        .first(conn)
        .optional()?
        .map(Grant::try_from)
        .transpose()
}

/// The newest grant of a person that a request led to.
///
/// # Errors
/// When the database fails.
pub fn of_request(conn: &mut AnyConnection, request: RequestId, person: PersonId) -> Result<Option<Grant>> {
    grants::table
        .filter(grants::request_id.eq(request.to_string()))
        .filter(grants::person_id.eq(person.to_string()))
        .order(grants::starts_at.desc())
        .select(GrantRow::as_select())
        .first(conn)
        .optional()?
        .map(Grant::try_from)
        .transpose()
}

/// Revokes a grant.
///
/// # Errors
/// When the database fails.
pub fn revoke(conn: &mut AnyConnection, id: GrantId, at: Timestamp, reason: &str) -> Result<()> {
    diesel::update(grants::table.find(id.to_string()))
        .set((grants::revoked_at.eq(at.0), grants::revoke_reason.eq(reason)))
        .execute(conn)?;
    Ok(())
}

/// Whether somebody's access to a dataset is suspended, under whatever grant, also one that is over.
///
/// # Errors
/// When the database fails.
pub fn is_suspended(conn: &mut AnyConnection, person: PersonId, dataset: DatasetId) -> Result<bool> {
    let found: Option<String> = grants::table
        .filter(grants::person_id.eq(person.to_string()))
        .filter(grants::dataset_id.eq(dataset.to_string()))
        .filter(grants::suspended_at.is_not_null())
        .select(grants::id)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Suspends a grant, or lets it be used again.
///
/// # Errors
/// When the database fails.
pub fn set_suspended(conn: &mut AnyConnection, id: GrantId, at: Option<Timestamp>) -> Result<()> {
    let row = grants::table.find(id.to_string());
    diesel::update(row).set(grants::suspended_at.eq(at.map(|at| at.0))).execute(conn)?;
    Ok(())
}

/// Sets another end. Its holder is told again before it comes.
///
/// # Errors
/// When the database fails.
pub fn set_end(conn: &mut AnyConnection, id: GrantId, ends_at: Timestamp, is_shortened: bool) -> Result<()> {
    diesel::update(grants::table.find(id.to_string()))
        .set((grants::ends_at.eq(ends_at.0), grants::noticed_at.eq(None::<i64>), grants::shortened.eq(is_shortened)))
        .execute(conn)?;
    Ok(())
}

/// A grant with the dataset and the person it is about.
#[derive(Clone, Debug)]
pub struct GrantWithNames {
    /// The grant.
    pub grant: Grant,
    /// The organisation that the dataset belongs to.
    pub organisation: OrganisationId,
    /// The dataset's address.
    pub dataset: Slug,
    /// The dataset's title.
    pub title: Localised,
    /// The title of the project that it is for.
    pub project_title: Option<String>,
    /// The holder's name.
    pub person_name: String,
    /// The holder's address.
    pub person_email: String,
}

type LineRow = (GrantRow, String, String, String, Option<String>, String, String);

fn line(
    (grant, organisation, slug, title, project_title, person_name, person_email): LineRow,
) -> Result<GrantWithNames> {
    Ok(GrantWithNames {
        grant: grant.try_into()?,
        organisation: parse("organisation id", &organisation)?,
        dataset: parse("slug", &slug)?,
        title: from_json("title", &title)?,
        project_title,
        person_name,
        person_email,
    })
}

macro_rules! lines {
    () => {
        grants::table
            .inner_join(datasets::table.on(datasets::id.eq(grants::dataset_id)))
            .inner_join(people::table.on(people::id.eq(grants::person_id)))
            .left_join(projects::table.on(grants::project_id.eq(projects::id.nullable())))
            .select((
                GrantRow::as_select(),
                datasets::organisation_id,
                datasets::slug,
                datasets::title,
                projects::title.nullable(),
                people::name,
                people::email,
            ))
    };
}

/// A person's grants that are active at `now`.
///
/// # Errors
/// When the database fails.
pub fn active_of(conn: &mut AnyConnection, person: PersonId, now: Timestamp) -> Result<Vec<GrantWithNames>> {
    let rows: Vec<LineRow> = lines!()
        .filter(grants::person_id.eq(person.to_string()))
        .filter(active!(now))
        .order((datasets::slug, grants::id))
        .load(conn)?;
    rows.into_iter().map(line).collect()
}

/// A person's grants for which there are newer versions of agreements to sign, the most urgent first.
///
/// # Errors
/// When the database fails.
pub fn to_sign_of(conn: &mut AnyConnection, person: PersonId, now: Timestamp) -> Result<Vec<GrantWithNames>> {
    let rows: Vec<LineRow> = lines!()
        .filter(grants::person_id.eq(person.to_string()))
        .filter(running!(now))
        .filter(grants::sign_by.is_not_null())
        .order((grants::sign_by, grants::id))
        .load(conn)?;
    rows.into_iter().map(line).collect()
}

/// The datasets that a person may download at `now`.
///
/// # Errors
/// When the database fails.
pub fn active_on(conn: &mut AnyConnection, person: PersonId, now: Timestamp) -> Result<Vec<DatasetId>> {
    let rows: Vec<String> = grants::table
        .filter(grants::person_id.eq(person.to_string()))
        .filter(active!(now))
        .select(grants::dataset_id)
        .distinct()
        .load(conn)?;
    rows.iter().map(|id| parse("dataset id", id)).collect()
}

/// Which grants are looked for.
#[derive(Clone, Debug)]
pub struct GrantQuery {
    /// What they are on.
    pub scope: ManageScope,
    /// Words, each of which their holder or dataset is found by.
    pub text: String,
    /// In which state they are.
    pub selection: GrantSelection,
    /// In which order they come.
    pub order: GrantOrder,
    /// At which time.
    pub now: Timestamp,
}

/// Narrows a query of grants, joined with datasets and people, to those that are looked for.
macro_rules! narrowed {
    ($query:expr, $wanted:expr) => {{
        let mut query = $query;
        if let ManageScope::Of(organisations) = &$wanted.scope {
            query = query.filter(datasets::organisation_id.eq_any(texts(organisations)));
        }
        for word in words(&$wanted.text) {
            let pattern = like_pattern(&word);
            let of_person = people::search.like(pattern.clone()).escape('\\');
            query = query.filter(of_person.or(datasets::search.like(pattern).escape('\\')));
        }
        let now = $wanted.now;
        match $wanted.selection {
            GrantSelection::All => query,
            GrantSelection::Active => query.filter(active!(now)),
            GrantSelection::EndingSoon => query.filter(active!(now).and(grants::ends_at.le((now + ENDING_NOTICE).0))),
            GrantSelection::ToSign => {
                query.filter(running!(now).and(grants::suspended_at.is_null()).and(grants::sign_by.le(now.0)))
            }
            GrantSelection::Suspended => query.filter(running!(now).and(grants::suspended_at.is_not_null())),
            GrantSelection::Inactive => query
                .filter(grants::revoked_at.is_null().and(grants::starts_at.gt(now.0).or(grants::ends_at.le(now.0)))),
            GrantSelection::Revoked => query.filter(grants::revoked_at.is_not_null()),
        }
    }};
}

/// A page of the grants that are looked for; `after` is where the page before ended.
///
/// # Errors
/// When the database fails.
pub fn search(conn: &mut AnyConnection, wanted: &GrantQuery, after: Option<&Cursor>) -> Result<PageOf<GrantWithNames>> {
    let query = narrowed!(lines!().into_boxed(), wanted);
    let rows: Vec<LineRow> = match wanted.order {
        GrantOrder::Newest => {
            let Cursor { key, id } = after.cloned().unwrap_or(Cursor::newest());
            query
                .filter(grants::starts_at.lt(key).or(grants::starts_at.eq(key).and(grants::id.lt(id))))
                .order((grants::starts_at.desc(), grants::id.desc()))
                .limit(READ)
                .load(conn)?
        }
        GrantOrder::EndingFirst => {
            let Cursor { key, id } = after.cloned().unwrap_or(Cursor::first());
            query
                .filter(grants::ends_at.gt(key).or(grants::ends_at.eq(key).and(grants::id.gt(id))))
                .order((grants::ends_at, grants::id))
                .limit(READ)
                .load(conn)?
        }
    };
    let lines = rows.into_iter().map(line).collect::<Result<_>>()?;
    Ok(PageOf::cut(lines, |line: &GrantWithNames| match wanted.order {
        GrantOrder::Newest => Cursor::after(line.grant.starts_at, line.grant.id),
        GrantOrder::EndingFirst => Cursor::after(line.grant.ends_at, line.grant.id),
    }))
}

/// How many grants are found in each state.
///
/// # Errors
/// When the database fails.
pub fn counts(conn: &mut AnyConnection, wanted: &GrantQuery) -> Result<Vec<(GrantSelection, u64)>> {
    let mut found = Vec::with_capacity(GrantSelection::ALL.len());
    for selection in GrantSelection::ALL {
        let wanted = GrantQuery { selection, ..wanted.clone() };
        let all = grants::table
            .inner_join(datasets::table.on(datasets::id.eq(grants::dataset_id)))
            .inner_join(people::table.on(people::id.eq(grants::person_id)))
            .into_boxed();
        let number: i64 = narrowed!(all, wanted).count().get_result(conn)?;
        found.push((selection, unsigned(number)));
    }
    Ok(found)
}

/// Active grants that end before `until` and whose holders have not been told.
///
/// # Errors
/// When the database fails.
pub fn ending(conn: &mut AnyConnection, now: Timestamp, until: Timestamp, limit: i64) -> Result<Vec<GrantWithNames>> {
    let rows: Vec<LineRow> = lines!()
        .filter(grants::revoked_at.is_null())
        .filter(grants::suspended_at.is_null())
        .filter(grants::noticed_at.is_null())
        .filter(grants::ends_at.gt(now.0))
        .filter(grants::ends_at.le(until.0))
        .order(grants::ends_at)
        .limit(limit)
        .load(conn)?;
    rows.into_iter().map(line).collect()
}

/// Notes that the holder was told of the end.
///
/// # Errors
/// When the database fails.
pub fn set_noticed(conn: &mut AnyConnection, id: GrantId, at: Timestamp) -> Result<()> {
    diesel::update(grants::table.find(id.to_string())).set(grants::noticed_at.eq(at.0)).execute(conn)?;
    Ok(())
}
