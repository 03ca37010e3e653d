//! The outbox: mail is queued in the transaction that makes it necessary, and sent afterwards.

use diesel::dsl::{count_star, min};
use diesel::prelude::*;

use super::columns::{number, parse, unsigned};
use super::connection::AnyConnection;
use super::cursor::{Cursor, PageOf, READ};
use super::error::Result;
use super::schema::mail_outbox;
use crate::domain::Timestamp;
use crate::domain::gateway_state::UnsentMail;
use crate::domain::ids::{MailId, PersonId};
use crate::domain::person::Person;
use crate::domain::text::Language;
use crate::domain::words::words;

/// The state of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MailState {
    /// It is to be sent, or to be tried again.
    Queued,
    /// It was handed over.
    Sent,
    /// It was given up.
    Failed,
}

words! {
    MailState {
        Queued = "queued",
        Sent = "sent",
        Failed = "failed",
    }
}

/// A message in the outbox.
#[derive(Clone, Debug)]
pub struct OutboxMail {
    /// Its id.
    pub id: MailId,
    /// The recipient.
    pub person: PersonId,
    /// The recipient's address.
    pub recipient: String,
    /// The language to write it in.
    pub language: Language,
    /// The kind of message.
    pub kind: String,
    /// The notice as JSON; blanked once sent, because it may hold a link that works like a password.
    pub message: String,
    /// The state of the message.
    pub state: MailState,
    /// The number of attempts.
    pub attempts: u32,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it is due.
    pub next_at: Timestamp,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// The last error.
    pub last_error: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = mail_outbox)]
struct MailRow {
    id: String,
    person_id: String,
    recipient: String,
    language: String,
    message: String,
    kind: String,
    state: String,
    attempts: i32,
    next_at: i64,
    created_at: i64,
    sent_at: Option<i64>,
    last_error: Option<String>,
}

impl TryFrom<MailRow> for OutboxMail {
    type Error = super::error::Error;
    fn try_from(row: MailRow) -> Result<Self> {
        Ok(Self {
            id: parse("mail id", &row.id)?,
            person: parse("person id", &row.person_id)?,
            recipient: row.recipient,
            language: Language::from_tag(&row.language).unwrap_or_default(),
            kind: row.kind,
            message: row.message,
            state: parse("mail state", &row.state)?,
            attempts: number(row.attempts),
            created_at: Timestamp(row.created_at),
            next_at: Timestamp(row.next_at),
            sent_at: row.sent_at.map(Timestamp),
            last_error: row.last_error,
        })
    }
}

/// How many messages of a kind were queued for a recipient since a time.
///
/// # Errors
/// When the database fails.
pub fn count_since(conn: &mut AnyConnection, recipient: &str, kind: &str, since: Timestamp) -> Result<u64> {
    let count: i64 = mail_outbox::table
        .filter(mail_outbox::recipient.eq(recipient))
        .filter(mail_outbox::kind.eq(kind))
        .filter(mail_outbox::created_at.gt(since.0))
        .count()
        .get_result(conn)?;
    Ok(unsigned(count))
}

/// Queues a message.
///
/// # Errors
/// When the database fails.
pub fn insert(
    conn: &mut AnyConnection,
    id: MailId,
    recipient: &Person,
    kind: &str,
    message: &str,
    now: Timestamp,
) -> Result<()> {
    diesel::insert_into(mail_outbox::table)
        .values((
            mail_outbox::id.eq(id.to_string()),
            mail_outbox::person_id.eq(recipient.id.to_string()),
            mail_outbox::recipient.eq(recipient.email.as_str()),
            mail_outbox::language.eq(recipient.language.tag()),
            mail_outbox::message.eq(message),
            mail_outbox::kind.eq(kind),
            mail_outbox::state.eq(MailState::Queued.as_str()),
            mail_outbox::attempts.eq(0),
            mail_outbox::next_at.eq(now.0),
            mail_outbox::created_at.eq(now.0),
            mail_outbox::sent_at.eq(None::<i64>),
            mail_outbox::last_error.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Messages that are due, the oldest first.
///
/// # Errors
/// When the database fails.
pub fn due(conn: &mut AnyConnection, now: Timestamp, limit: i64) -> Result<Vec<OutboxMail>> {
    mail_outbox::table
        .filter(mail_outbox::state.eq(MailState::Queued.as_str()))
        .filter(mail_outbox::next_at.le(now.0))
        .order((mail_outbox::next_at, mail_outbox::id))
        .limit(limit)
        .select(MailRow::as_select())
        .load(conn)?
        .into_iter()
        .map(OutboxMail::try_from)
        .collect()
}

/// Takes a due message for sending until `until`; says whether nobody else has.
///
/// # Errors
/// When the database fails.
pub fn claim(conn: &mut AnyConnection, mail: &OutboxMail, until: Timestamp) -> Result<bool> {
    let updated = diesel::update(
        mail_outbox::table
            .find(mail.id.to_string())
            .filter(mail_outbox::state.eq(MailState::Queued.as_str()))
            .filter(mail_outbox::next_at.eq(mail.next_at.0)),
    )
    .set((
        mail_outbox::next_at.eq(until.0),
        mail_outbox::attempts.eq(i32::try_from(mail.attempts + 1).unwrap_or(i32::MAX)),
    ))
    .execute(conn)?;
    Ok(updated > 0)
}

/// Notes that a message was handed over, and forgets what it said.
///
/// # Errors
/// When the database fails.
pub fn set_sent(conn: &mut AnyConnection, id: MailId, at: Timestamp) -> Result<()> {
    diesel::update(mail_outbox::table.find(id.to_string()))
        .set((
            mail_outbox::state.eq(MailState::Sent.as_str()),
            mail_outbox::sent_at.eq(at.0),
            mail_outbox::message.eq(""),
            mail_outbox::last_error.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes a failure: to be tried again at `next_at`, or given up when that is `None`.
///
/// # Errors
/// When the database fails.
pub fn set_failed(conn: &mut AnyConnection, id: MailId, error: &str, next_at: Option<Timestamp>) -> Result<()> {
    let target = mail_outbox::table.find(id.to_string());
    match next_at {
        Some(next_at) => diesel::update(target)
            .set((mail_outbox::next_at.eq(next_at.0), mail_outbox::last_error.eq(error)))
            .execute(conn)?,
        None => diesel::update(target)
            .set((
                mail_outbox::state.eq(MailState::Failed.as_str()),
                mail_outbox::message.eq(""),
                mail_outbox::last_error.eq(error),
            ))
            .execute(conn)?,
    };
    Ok(())
}

/// All messages, newest first.
///
/// # Errors
/// When the database fails.
pub fn list(conn: &mut AnyConnection, after: &Cursor) -> Result<PageOf<OutboxMail>> {
    let same_time = mail_outbox::created_at.eq(after.key).and(mail_outbox::id.lt(&after.id));
    let rows = mail_outbox::table
        .filter(mail_outbox::created_at.lt(after.key).or(same_time))
        .order((mail_outbox::created_at.desc(), mail_outbox::id.desc()))
        .limit(READ)
        .select(MailRow::as_select())
        .load(conn)?;
    let messages = rows.into_iter().map(OutboxMail::try_from).collect::<Result<_>>()?;
    Ok(PageOf::cut(messages, |mail: &OutboxMail| Cursor::after(mail.created_at, mail.id)))
}

/// The mail that waits, and how much of what was written since then was given up.
///
/// # Errors
/// When the database fails.
pub fn unsent(conn: &mut AnyConnection, since: Timestamp) -> Result<UnsentMail> {
    let in_state = |state: MailState| mail_outbox::table.filter(mail_outbox::state.eq(state.as_str()));
    let waiting = in_state(MailState::Queued).select((count_star(), min(mail_outbox::created_at)));
    let (waiting, oldest): (i64, Option<i64>) = waiting.first(conn)?;
    let failed = in_state(MailState::Failed).filter(mail_outbox::created_at.ge(since.0)).count().get_result(conn)?;
    Ok(UnsentMail { waiting: unsigned(waiting), since: oldest.map(Timestamp), failed: unsigned(failed) })
}
