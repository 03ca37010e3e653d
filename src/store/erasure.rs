//! Erasing a person from everything but the log: the account, what they wrote, what they signed, their mail.

use diesel::prelude::*;

use super::columns::{from_json, like_pattern, to_json};
use super::connection::AnyConnection;
use super::error::Result;
use super::projects as projects_of;
use super::schema::{
    access_requests, committee_members, grants, idempotency_keys, mail_links, mail_outbox, organisation_members,
    people, project_members, projects, reviews, sessions, signatures, tokens,
};
use super::uploads;
use crate::domain::Timestamp;
use crate::domain::form::Answers;
use crate::domain::person::{ERASED_DOMAIN, Person};
use crate::domain::signature::SignatureRecord;

/// What stands where a name was.
pub const NOBODY: &str = "(erased)";

/// How much was erased, by kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ErasedRows {
    /// Requests whose answers are gone.
    pub requests: usize,
    /// Signature records without their signer.
    pub signatures: usize,
    /// Comments of the person, or on their requests.
    pub comments: usize,
    /// Messages to the person, and messages to others about their requests that were not sent yet.
    pub messages: usize,
    /// Names of tokens.
    pub tokens: usize,
    /// Files that were handed in as answers.
    pub files: usize,
}

/// Empties the rows. What stays: the account's number, the dates, and what was granted, so that the log keeps its meaning.
///
/// # Errors
/// When the database fails.
pub fn erase(conn: &mut AnyConnection, person: &Person, now: Timestamp) -> Result<ErasedRows> {
    conn.enable_secure_delete()?;
    let id = person.id.to_string();
    let unsent = erase_unsent_about(conn, person)?;
    leave_projects_and_organisations(conn, person)?;
    let address = format!("{id}{ERASED_DOMAIN}");
    diesel::update(people::table.find(&id))
        .set((
            people::email.eq(&address),
            people::email_key.eq(&address),
            people::name.eq(NOBODY),
            people::affiliation.eq(None::<String>),
            // No password has this hash.
            people::password_hash.eq(""),
            people::email_verified_at.eq(None::<i64>),
            people::suspended_at.eq(Some(now.0)),
            people::administrator.eq(false),
            people::auditor.eq(false),
            people::search.eq(""),
            people::name_key.eq(""),
        ))
        .execute(conn)?;
    diesel::delete(sessions::table.filter(sessions::person_id.eq(&id))).execute(conn)?;
    diesel::delete(idempotency_keys::table.filter(idempotency_keys::person_id.eq(&id))).execute(conn)?;
    diesel::delete(mail_links::table.filter(mail_links::person_id.eq(&id))).execute(conn)?;
    diesel::delete(committee_members::table.filter(committee_members::person_id.eq(&id))).execute(conn)?;
    let messages = diesel::delete(mail_outbox::table.filter(mail_outbox::person_id.eq(&id)));
    let messages = messages.execute(conn)? + unsent;
    let own_tokens = tokens::table.filter(tokens::person_id.eq(&id));
    let tokens = diesel::update(own_tokens).set(tokens::name.eq(NOBODY)).execute(conn)?;
    // Nobody is left to hear that a grant ends.
    diesel::update(grants::table.filter(grants::person_id.eq(&id)))
        .set((grants::revoke_reason.eq(None::<String>), grants::noticed_at.eq(Some(now.0))))
        .execute(conn)?;
    let own_requests = access_requests::table.filter(access_requests::person_id.eq(&id));
    let nothing = (access_requests::answers.eq(to_json(&Answers::new())), access_requests::search.eq(""));
    let requests = diesel::update(own_requests).set(nothing).execute(conn)?;
    let files = uploads::delete_of(conn, person.id)?;
    let about = access_requests::table.filter(access_requests::person_id.eq(&id)).select(access_requests::id);
    let commented = reviews::table.filter(reviews::reviewer_id.eq(&id).or(reviews::request_id.eq_any(about)));
    let comments = diesel::update(commented).set(reviews::comment.eq("")).execute(conn)?;
    let led = projects::table.filter(projects::lead_id.eq(&id));
    diesel::update(led)
        .set((
            projects::title.eq(NOBODY),
            projects::purpose.eq(""),
            projects::lay_summary.eq(None::<String>),
            projects::institution.eq(""),
            projects::search.eq(""),
        ))
        .execute(conn)?;
    let signatures = erase_signer(conn, &id)?;
    Ok(ErasedRows { requests, signatures, comments, messages, tokens, files })
}

/// Takes the person's address out of the projects and organisations that they are members of or were invited to.
fn leave_projects_and_organisations(conn: &mut AnyConnection, person: &Person) -> Result<()> {
    // Whoever had the address before may have joined with it.
    let invitation = project_members::email_key.eq(person.email.key()).and(project_members::person_id.is_null());
    let own = project_members::person_id.eq(person.id.to_string());
    diesel::delete(project_members::table.filter(own.or(invitation.nullable()))).execute(conn)?;
    let invitation = organisation_members::email_key.eq(person.email.key());
    let invitation = invitation.and(organisation_members::person_id.is_null());
    let own = organisation_members::person_id.eq(person.id.to_string());
    diesel::delete(organisation_members::table.filter(own.or(invitation.nullable()))).execute(conn)?;
    Ok(())
}

/// Deletes messages to others that name the person, as far as they were not sent: a sent one is kept without its words.
fn erase_unsent_about(conn: &mut AnyConnection, person: &Person) -> Result<usize> {
    let own = access_requests::table.filter(access_requests::person_id.eq(person.id.to_string()));
    let requests: Vec<String> = own.select(access_requests::id).load(conn)?;
    let mut deleted = 0;
    for id in requests {
        let about = mail_outbox::message.like(format!("%/review/{id}%"));
        let to_sign = mail_outbox::message.like(format!("%/requests/{id}/sign%"));
        deleted += diesel::delete(mail_outbox::table.filter(about.or(to_sign))).execute(conn)?;
    }
    // Messages about a project or an organisation may name others of its people.
    let names = [to_json(&person.name), to_json(&person.email)];
    let [name, email] = names.map(|quoted| like_pattern(&quoted));
    let names = mail_outbox::message.like(&name).escape('\\').or(mail_outbox::message.like(&email).escape('\\'));
    let invitations = mail_outbox::table.filter(mail_outbox::kind.eq("organisation-invitation"));
    deleted += diesel::delete(invitations.filter(names)).execute(conn)?;
    for id in projects_of::ids_of_person(conn, person.id)? {
        let names = mail_outbox::message.like(&name).escape('\\').or(mail_outbox::message.like(&email).escape('\\'));
        let about = mail_outbox::message.like(format!("%/projects/{id}%"));
        deleted += diesel::delete(mail_outbox::table.filter(about.and(names))).execute(conn)?;
    }
    Ok(deleted)
}

/// Leaves of each signature what the log's events say without their personal part: which text, for what, when.
fn erase_signer(conn: &mut AnyConnection, person: &str) -> Result<usize> {
    let own = signatures::table.filter(signatures::person_id.eq(person));
    let records: Vec<(String, String)> = own.select((signatures::id, signatures::record)).load(conn)?;
    for (id, record) in &records {
        let mut record: SignatureRecord = from_json("signature record", record)?;
        record.signer.erase();
        diesel::update(signatures::table.find(id)).set(signatures::record.eq(to_json(&record))).execute(conn)?;
    }
    Ok(records.len())
}
