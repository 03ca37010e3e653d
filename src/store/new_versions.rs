//! Whose access rests on earlier versions of agreements than those that have to be signed, and until when.

use std::collections::{BTreeMap, HashMap};

use diesel::dsl::{count, exists, not};
use diesel::prelude::*;

use self::alias::asked;
use super::columns::{number, parse, unsigned};
use super::connection::AnyConnection;
use super::error::Result;
use super::grants::{of_request, running};
use super::schema::{agreement_versions, dataset_agreements, grants, people, signatures};
use super::{agreements, datasets};
use crate::domain::Timestamp;
use crate::domain::ids::{AgreementId, DatasetId, GrantId, PersonId, RequestId, VersionId};
use crate::domain::new_version::{Deadline, Reminder, ToSign, sign_by};

/// How many grants are changed by one statement.
const AT_A_TIME: usize = 500;

/// Grants of which it may have changed when they stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RestingOn {
    /// Those on datasets whose users sign the agreement.
    Agreement(AgreementId),
    /// Those on the dataset.
    Dataset(DatasetId),
    /// Those for which this person signed under this request.
    Signature(RequestId, PersonId),
}

mod alias {
    diesel::alias!(crate::store::schema::dataset_agreements as asked: Asked);
}

/// The datasets whose users sign an agreement; under another name, so that it goes into a query that has the table, too.
macro_rules! with_agreement {
    ($id:expr) => {
        asked
            .filter(asked.field(dataset_agreements::agreement_id).eq($id.to_string()))
            .select(asked.field(dataset_agreements::dataset_id))
    };
}

/// Narrows a query of grants to some that go on.
macro_rules! resting {
    ($query:expr, $on:expr, $now:expr) => {{
        let query = $query.filter(grants::revoked_at.is_null().and(grants::ends_at.gt($now.0))).into_boxed();
        match $on {
            RestingOn::Agreement(id) => query.filter(grants::dataset_id.eq_any(with_agreement!(id))),
            RestingOn::Dataset(id) => query.filter(grants::dataset_id.eq(id.to_string())),
            RestingOn::Signature(request, person) => query
                .filter(grants::request_id.eq(request.to_string()))
                .filter(grants::person_id.eq(person.to_string())),
        }
    }};
}

/// Works out anew when grants stop because newer versions have to be signed. Where that has changed their holders are told
/// anew.
///
/// # Errors
/// When the database fails.
pub fn refresh(conn: &mut AnyConnection, on: RestingOn, now: Timestamp) -> Result<()> {
    let present: Vec<(String, i64, Option<i64>)> =
        resting!(grants::table, on, now).select((grants::id, grants::ends_at, grants::sign_by)).load(conn)?;
    let by_grant = deadlines(conn, on, now)?;
    let mut changed: BTreeMap<Option<i64>, Vec<String>> = BTreeMap::new();
    for (id, ends_at, before) in present {
        // Whose access ends before has nothing to sign.
        let by = by_grant.get(&id).map(|by| by.0).filter(|by| *by < ends_at);
        if by != before {
            changed.entry(by).or_default().push(id);
        }
    }
    for (by, ids) in changed {
        for ids in ids.chunks(AT_A_TIME) {
            diesel::update(grants::table.filter(grants::id.eq_any(ids)))
                .set((grants::sign_by.eq(by), grants::sign_by_told.eq(0), grants::remind_at.eq(by.map(|_| now.0))))
                .execute(conn)?;
        }
    }
    Ok(())
}

/// When each of them stops, of those that do.
fn deadlines(conn: &mut AnyConnection, on: RestingOn, now: Timestamp) -> Result<HashMap<String, Timestamp>> {
    let signed = grants::table
        .inner_join(
            signatures::table
                .on(signatures::request_id.eq(grants::request_id).and(signatures::person_id.eq(grants::person_id))),
        )
        .inner_join(agreement_versions::table.on(agreement_versions::id.eq(signatures::version_id)))
        .inner_join(
            dataset_agreements::table.on(dataset_agreements::dataset_id
                .eq(grants::dataset_id)
                .and(dataset_agreements::agreement_id.eq(agreement_versions::agreement_id))),
        );
    let rows: Vec<(String, String, i32)> = resting!(signed, on, now)
        .select((grants::id, agreement_versions::agreement_id, agreement_versions::number))
        .load(conn)?;
    let mut versions: HashMap<String, Vec<Deadline>> = HashMap::new();
    let mut newest: HashMap<(String, String), u32> = HashMap::new();
    for (grant, agreement, signed) in rows {
        if !versions.contains_key(&agreement) {
            versions.insert(agreement.clone(), of_agreement(conn, &agreement)?);
        }
        let signed = number(signed);
        newest.entry((grant, agreement)).and_modify(|known| *known = signed.max(*known)).or_insert(signed);
    }
    let mut found: HashMap<String, Timestamp> = HashMap::new();
    for ((grant, agreement), signed) in newest {
        if let Some(by) = sign_by(signed, &versions[&agreement]) {
            found.entry(grant).and_modify(|known| *known = by.min(*known)).or_insert(by);
        }
    }
    Ok(found)
}

/// An agreement's versions, with the days by which they have to be signed.
fn of_agreement(conn: &mut AnyConnection, agreement: &str) -> Result<Vec<Deadline>> {
    let rows: Vec<(i32, Option<i64>)> = agreement_versions::table
        .filter(agreement_versions::agreement_id.eq(agreement))
        .select((agreement_versions::number, agreement_versions::sign_by))
        .load(conn)?;
    Ok(rows.into_iter().map(|(version, by)| (number(version), by.map(Timestamp))).collect())
}

/// What somebody has to sign under a request, so that the grant they have by it goes on; `None` if nothing.
///
/// # Errors
/// When the database fails.
pub fn to_sign(conn: &mut AnyConnection, request: RequestId, person: PersonId) -> Result<Option<ToSign>> {
    let grant = of_request(conn, request, person)?;
    let Some(grant) = grant.filter(|grant| grant.sign_by.is_some() && grant.revoked_at.is_none()) else {
        return Ok(None);
    };
    let Some(dataset) = datasets::by_id(conn, grant.dataset)? else { return Ok(None) };
    let signed: Vec<(String, i32)> = signatures::table
        .inner_join(agreement_versions::table.on(agreement_versions::id.eq(signatures::version_id)))
        .filter(signatures::request_id.eq(request.to_string()))
        .filter(signatures::person_id.eq(person.to_string()))
        .select((agreement_versions::agreement_id, agreement_versions::number))
        .load(conn)?;
    let mut versions = Vec::new();
    for agreement in dataset.agreements {
        let id = agreement.to_string();
        let newest = signed.iter().filter(|(of, _)| *of == id).map(|(_, version)| number(*version)).max();
        let Some(newest) = newest else { continue };
        if sign_by(newest, &of_agreement(conn, &id)?).is_some() {
            versions.extend(agreements::id_in_force(conn, agreement)?);
        }
    }
    Ok((!versions.is_empty()).then_some(ToSign { grant, versions }))
}

/// How many people, projects and grants are concerned by something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Concerned {
    /// People.
    pub people: u64,
    /// Projects.
    pub projects: u64,
    /// Grants.
    pub grants: u64,
}

/// Whose access rests on an agreement, whichever version of it they signed; `but` leaves out those who signed that version.
/// Accounts that are suspended or erased do not count.
///
/// # Errors
/// When the database fails.
pub fn resting_on(
    conn: &mut AnyConnection,
    agreement: AgreementId,
    but: Option<VersionId>,
    now: Timestamp,
) -> Result<Concerned> {
    let under = || {
        signatures::table
            .inner_join(agreement_versions::table.on(agreement_versions::id.eq(signatures::version_id)))
            .filter(signatures::request_id.eq(grants::request_id))
            .filter(signatures::person_id.eq(grants::person_id))
            .filter(agreement_versions::agreement_id.eq(agreement.to_string()))
    };
    let all = grants::table
        .inner_join(people::table.on(people::id.eq(grants::person_id)))
        .filter(people::suspended_at.is_null())
        .filter(running!(now))
        .filter(grants::dataset_id.eq_any(with_agreement!(agreement)))
        .filter(exists(under()))
        .into_boxed();
    let all = match but {
        Some(version) => all.filter(not(exists(under().filter(agreement_versions::id.eq(version.to_string()))))),
        None => all,
    };
    let (people, projects, grants): (i64, i64, i64) = all
        .select((
            count(grants::person_id).aggregate_distinct(),
            count(grants::project_id).aggregate_distinct(),
            count(grants::id),
        ))
        .first(conn)?;
    Ok(Concerned { people: unsigned(people), projects: unsigned(projects), grants: unsigned(grants) })
}

/// The holders of grants that stop because they have something to sign, and who have not been told how near that is; each once.
/// Accounts that are suspended or erased are left out: nobody signs with them.
///
/// # Errors
/// When the database fails.
pub fn to_remind(conn: &mut AnyConnection, now: Timestamp, limit: usize) -> Result<Vec<PersonId>> {
    let people: Vec<String> = grants::table
        .inner_join(people::table.on(people::id.eq(grants::person_id)))
        .filter(grants::remind_at.le(now.0))
        .filter(running!(now))
        .filter(grants::suspended_at.is_null())
        .filter(people::suspended_at.is_null())
        .select(grants::person_id)
        .distinct()
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .load(conn)?;
    people.iter().map(|id| parse("person id", id)).collect()
}

/// How far the holder of a grant was told: the rank of a reminder, or 0.
///
/// # Errors
/// When the database fails.
pub fn told(conn: &mut AnyConnection, grant: GrantId) -> Result<i32> {
    Ok(grants::table.find(grant.to_string()).select(grants::sign_by_told).first(conn)?)
}

/// Notes how far the holder of a grant was told, and when they are told again.
///
/// # Errors
/// When the database fails.
pub fn set_told(conn: &mut AnyConnection, grant: GrantId, reminder: Reminder, next: Option<Timestamp>) -> Result<()> {
    diesel::update(grants::table.find(grant.to_string()))
        .set((grants::sign_by_told.eq(reminder.rank()), grants::remind_at.eq(next.map(|at| at.0))))
        .execute(conn)?;
    Ok(())
}
