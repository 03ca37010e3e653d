//! Issuing and revoking tokens.

use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::{PersonId, TokenId};
use crate::domain::path::PathPattern;
use crate::domain::person::Role;
use crate::domain::text::Slug;
use crate::domain::token::{Authorization, TokenRecord, expiry};
use crate::domain::{Refusal, Span};
use crate::ledger::{Refused, Tx};
use crate::store::{grants, people, tokens};

/// Tokens of one person that may work at the same time.
pub const MAX_LIVE_TOKENS: i64 = 100;

/// A token that somebody wants.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Whose grants it shall use.
    pub person: PersonId,
    /// What to call it.
    pub name: String,
    /// For which datasets.
    pub datasets: Vec<Slug>,
    /// For which paths in each of them; all when empty.
    pub paths: Vec<PathPattern>,
    /// How long it shall live.
    pub life: Span,
}

/// Bytes of what a token allows, as JSON. With the rest, and in base64, it stays below the 8 KiB that servers and clients
/// take as a header.
const MAX_DETAILS: usize = 4 * 1024;

/// Issues a token within the person's active grants. What comes back is to be signed by the caller.
///
/// # Errors
/// [`Refusal::NoGrant`] when a dataset is not covered, [`Refusal::EmailUnverified`], [`Refusal::AccountSuspended`],
/// [`Refusal::TooMany`], [`Refusal::TokenTooLong`], or when the store fails.
pub fn issue(tx: &mut Tx<'_>, by: Actor, wish: &Wish) -> Result<TokenRecord, Refused> {
    let person = people::by_id(tx.conn, wish.person)?.ok_or(Refusal::NotFound)?;
    if person.suspended_at.is_some() {
        return Err(Refusal::AccountSuspended.into());
    }
    if person.email_verified_at.is_none() {
        return Err(Refusal::EmailUnverified.into());
    }
    let mut datasets = wish.datasets.clone();
    datasets.sort();
    datasets.dedup();
    if datasets.is_empty() {
        return Err(Refusal::NoGrant.into());
    }
    if tokens::count_live(tx.conn, person.id, tx.now)? >= MAX_LIVE_TOKENS {
        return Err(Refusal::TooMany.into());
    }
    let active = grants::active_of(tx.conn, person.id, tx.now)?;
    let mut ends = Vec::new();
    for slug in &datasets {
        let end = active.iter().filter(|line| line.dataset == *slug).map(|line| line.grant.ends_at).max();
        ends.push(end.ok_or(Refusal::NoGrant)?);
    }
    let paths = (!wish.paths.is_empty()).then(|| wish.paths.clone());
    let details: Vec<_> = datasets.into_iter().map(|slug| Authorization::download(slug, paths.clone())).collect();
    if serde_json::to_string(&details).is_ok_and(|text| text.len() > MAX_DETAILS) {
        return Err(Refusal::TokenTooLong.into());
    }
    let record = TokenRecord {
        id: tx.id(),
        person: person.id,
        name: wish.name.clone(),
        details,
        issued_at: tx.now,
        expires_at: expiry(tx.now, wish.life, &ends),
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

/// Revokes a token of this person's.
///
/// # Errors
/// [`Refusal::NotFound`], [`Refusal::AlreadyRevoked`], or when the store fails.
pub fn revoke(tx: &mut Tx<'_>, person: PersonId, id: TokenId) -> Result<(), Refused> {
    let token = tokens::by_id(tx.conn, id)?.filter(|token| token.person == person).ok_or(Refusal::NotFound)?;
    if token.revoked_at.is_some() {
        return Err(Refusal::AlreadyRevoked.into());
    }
    tokens::revoke(tx.conn, id, tx.now)?;
    tx.revoked_something();
    tx.record(Event::new(Action::TokenRevoked, Actor::person(person, Role::Applicant)).subject(id));
    Ok(())
}
