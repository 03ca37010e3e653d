//! Issuing and revoking tokens.

use std::collections::BTreeSet;

use crate::domain::Refusal;
use crate::domain::api_token::{NewApiToken, scope_words};
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::{DatasetId, PersonId, TokenId};
use crate::domain::person::Role;
use crate::domain::text::Secret;
use crate::domain::token::{NewToken, TokenRecord, UsableGrant, decide_issue};
use crate::ledger::commands::sessions::check_password_unchanged;
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::grants::{self, GrantWithNames};
use crate::store::{self, files, people, tokens};

/// Issues a token within a person's active grants. What comes back is to be signed by the caller.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn issue(tx: &mut Tx<'_>, by: Actor, person: PersonId, token: &NewToken) -> Result<TokenRecord, CommandError> {
    let person = people::by_id(tx.conn, person)?.ok_or(Refusal::NotFound)?;
    let active = grants::active_of(tx.conn, person.id, tx.now)?;
    let usable = |line: &GrantWithNames| UsableGrant {
        dataset: line.dataset.clone(),
        project: line.grant.project,
        ends_at: line.grant.ends_at,
    };
    let usable: Vec<_> = active.iter().map(usable).collect();
    let live = tokens::count_live(tx.conn, person.id, tx.now)?;
    let terms = decide_issue(&person, token, &usable, live, tx.now)?;
    let granted = active.iter().filter(|line| token.datasets().contains(&line.dataset)).map(|line| line.grant.dataset);
    check_paths(tx, token, &granted.collect())?;
    let record = TokenRecord {
        id: tx.id(),
        person: person.id,
        name: token.name().to_owned(),
        details: terms.details,
        scopes: Vec::new(),
        issued_at: tx.now,
        expires_at: terms.expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    tokens::insert(tx.conn, &record)?;
    let mut event = Event::new(Action::TokenIssued, by)
        .subject(record.id)
        .person(person.id)
        .with("expires_at", record.expires_at.to_string());
    let details = serde_json::to_value(&record.details).expect("authorizations always serialise");
    event.details.set("authorization_details", details);
    tx.record(event.private("name", record.name.as_str()));
    Ok(record)
}

/// Issues a token for the API. What comes back is to be signed by the caller, who has checked the password against the hash
/// `verified`.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn issue_for_api(
    tx: &mut Tx<'_>,
    person: PersonId,
    verified: &Secret,
    token: &NewApiToken,
) -> Result<TokenRecord, CommandError> {
    check_password_unchanged(tx, person, verified)??;
    let person = people::by_id(tx.conn, person)?.ok_or(Refusal::NotFound)?;
    let live = tokens::count_live(tx.conn, person.id, tx.now)?;
    let expires_at = token.decide_issue(&person, live, tx.now)?;
    let record = TokenRecord {
        id: tx.id(),
        person: person.id,
        name: token.name().to_owned(),
        details: Vec::new(),
        scopes: token.scopes().to_vec(),
        issued_at: tx.now,
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    tokens::insert(tx.conn, &record)?;
    let event = Event::new(Action::TokenIssued, Actor::person(person.id, Role::Applicant))
        .subject(record.id)
        .with("expires_at", record.expires_at.to_string())
        .with("scope", scope_words(&record.scopes));
    tx.record(event.private("name", record.name.as_str()));
    Ok(record)
}

/// Refuses a token with a path that matches no file of any of these datasets, unless it may.
fn check_paths(tx: &mut Tx<'_>, token: &NewToken, datasets: &BTreeSet<DatasetId>) -> Result<(), CommandError> {
    for (place, pattern) in token.paths_to_match().iter().enumerate() {
        let mut matched = false;
        for id in datasets {
            let Some(dataset) = store::datasets::by_id(tx.conn, *id)? else { continue };
            matched = matched || files::matches(tx.conn, &dataset, pattern)?;
        }
        if !matched {
            return Err(Refusal::PathMatchesNothing(place).into());
        }
    }
    Ok(())
}

/// Revokes every token of this person's that still works.
///
/// # Errors
/// When the store fails.
pub fn revoke_all(tx: &mut Tx<'_>, by: Actor, person: PersonId) -> Result<(), CommandError> {
    for id in tokens::live_of(tx.conn, person, tx.now)? {
        tokens::revoke(tx.conn, id, tx.now)?;
        tx.record(Event::new(Action::TokenRevoked, by).subject(id).person(person));
    }
    Ok(())
}

/// Revokes a token of this person's.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn revoke(tx: &mut Tx<'_>, person: PersonId, id: TokenId) -> Result<(), CommandError> {
    let token = tokens::by_id(tx.conn, id)?.ok_or(Refusal::NotFound)?;
    token.decide_revoke(person, tx.now)?;
    tokens::revoke(tx.conn, id, tx.now)?;
    tx.record(Event::new(Action::TokenRevoked, Actor::person(person, Role::Applicant)).subject(id));
    Ok(())
}
