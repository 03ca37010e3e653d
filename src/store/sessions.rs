//! Sessions of browsers. Only hashes of their secrets are stored.

use diesel::prelude::*;

use super::columns::parse;
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ};
use super::error::Result;
use super::people::PersonRow;
use super::schema::{people, sessions};
use crate::domain::Timestamp;
use crate::domain::ids::PersonId;
use crate::domain::person::Person;
use crate::domain::text::Sha256;

/// A session of a signed-in browser.
#[derive(Clone, Debug)]
pub struct Session {
    /// The hash of its secret.
    pub token_hash: Sha256,
    /// The account.
    pub person: PersonId,
    /// When it began.
    pub created_at: Timestamp,
    /// When the person last proved who they are.
    pub proved_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The IP address from which it began.
    pub ip: String,
    /// The user agent with which it began.
    pub user_agent: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct SessionRow {
    token_hash: String,
    person_id: String,
    created_at: i64,
    proved_at: i64,
    expires_at: i64,
    ip: String,
    user_agent: String,
}

impl TryFrom<SessionRow> for Session {
    type Error = super::error::Error;
    fn try_from(row: SessionRow) -> Result<Self> {
        Ok(Self {
            token_hash: parse("session", &row.token_hash)?,
            person: parse("person id", &row.person_id)?,
            created_at: Timestamp(row.created_at),
            proved_at: Timestamp(row.proved_at),
            expires_at: Timestamp(row.expires_at),
            ip: row.ip,
            user_agent: row.user_agent,
        })
    }
}

/// Adds a session.
///
/// # Errors
/// When the database fails.
pub fn insert(conn: &mut AnyConnection, session: &Session) -> Result<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::token_hash.eq(session.token_hash.to_string()),
            sessions::person_id.eq(session.person.to_string()),
            sessions::created_at.eq(session.created_at.0),
            sessions::proved_at.eq(session.proved_at.0),
            sessions::expires_at.eq(session.expires_at.0),
            sessions::ip.eq(&session.ip),
            sessions::user_agent.eq(&session.user_agent),
        ))
        .execute(conn)?;
    Ok(())
}

/// The session with this secret's hash, if it has not ended, and whose it is.
///
/// # Errors
/// When the database fails.
pub fn live(conn: &mut AnyConnection, token_hash: Sha256, now: Timestamp) -> Result<Option<(Session, Person)>> {
    let row: Option<(SessionRow, PersonRow)> = sessions::table
        .inner_join(people::table.on(people::id.eq(sessions::person_id)))
        .filter(sessions::token_hash.eq(token_hash.to_string()))
        .filter(sessions::expires_at.gt(now.0))
        .select((SessionRow::as_select(), PersonRow::as_select()))
        .first(conn)
        .optional()?;
    row.map(|(session, person)| Ok((session.try_into()?, person.try_into()?))).transpose()
}

/// When a session ends; `None` when there is none.
///
/// # Errors
/// When the database fails.
pub fn ends(conn: &mut AnyConnection, token_hash: Sha256) -> Result<Option<Timestamp>> {
    let ends: Option<i64> =
        sessions::table.find(token_hash.to_string()).select(sessions::expires_at).first(conn).optional()?;
    Ok(ends.map(Timestamp))
}

/// A person's sessions that have not ended, newest first.
///
/// # Errors
/// When the database fails.
pub fn of_person(
    conn: &mut AnyConnection,
    person: PersonId,
    now: Timestamp,
    after: &Cursor,
) -> Result<PageOf<Session>> {
    let same_time = sessions::created_at.eq(after.key).and(sessions::token_hash.lt(&after.id));
    let rows = sessions::table
        .filter(sessions::person_id.eq(person.to_string()))
        .filter(sessions::expires_at.gt(now.0))
        .filter(sessions::created_at.lt(after.key).or(same_time))
        .order((sessions::created_at.desc(), sessions::token_hash.desc()))
        .limit(READ)
        .select(SessionRow::as_select())
        .load(conn)?;
    let found = rows.into_iter().map(Session::try_from).collect::<Result<_>>()?;
    // The hash of a session's secret opens nothing; it is what a session is known by.
    Ok(PageOf::cut(found, |session: &Session| Cursor::after(session.created_at, session.token_hash)))
}

/// Notes a fresh proof of identity.
///
/// # Errors
/// When the database fails.
pub fn prove(conn: &mut AnyConnection, token_hash: Sha256, at: Timestamp) -> Result<()> {
    diesel::update(sessions::table.find(token_hash.to_string())).set(sessions::proved_at.eq(at.0)).execute(conn)?;
    Ok(())
}

/// Puts off a session's end, for it is in use.
///
/// # Errors
/// When the database fails.
pub fn extend(conn: &mut AnyConnection, token_hash: Sha256, until: Timestamp) -> Result<()> {
    let earlier = sessions::table.find(token_hash.to_string()).filter(sessions::expires_at.lt(until.0));
    diesel::update(earlier).set(sessions::expires_at.eq(until.0)).execute(conn)?;
    Ok(())
}

/// Ends one session; says whether there was one.
///
/// # Errors
/// When the database fails.
pub fn delete(conn: &mut AnyConnection, token_hash: Sha256) -> Result<bool> {
    Ok(diesel::delete(sessions::table.find(token_hash.to_string())).execute(conn)? > 0)
}

/// Ends all sessions of a person, but for one if given; says how many.
///
/// # Errors
/// When the database fails.
pub fn delete_of_person(conn: &mut AnyConnection, person: PersonId, keep: Option<Sha256>) -> Result<usize> {
    let keep = keep.map(|hash| hash.to_string()).unwrap_or_default();
    Ok(diesel::delete(
        sessions::table.filter(sessions::person_id.eq(person.to_string())).filter(sessions::token_hash.ne(keep)),
    )
    .execute(conn)?)
}

/// Forgets sessions that have ended.
///
/// # Errors
/// When the database fails.
pub fn forget_ended(conn: &mut AnyConnection, now: Timestamp) -> Result<()> {
    diesel::delete(sessions::table.filter(sessions::expires_at.le(now.0))).execute(conn)?;
    Ok(())
}
