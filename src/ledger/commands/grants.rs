//! Revoking grants, and telling their holders of the end.

use crate::domain::Refusal;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::grant::ENDING_NOTICE;
use crate::domain::ids::{GrantId, PersonId};
use crate::domain::notice::{AboutRequest, Notice};
use crate::domain::person::Role;
use crate::ledger::{Refused, Tx};
use crate::store::{datasets, grants, people};

use super::roles::administrator;

/// Revokes a grant. From the commit on nothing passes the gate under it.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn revoke(tx: &mut Tx<'_>, by: PersonId, id: GrantId, reason: &str) -> Result<(), Refused> {
    administrator(tx, by)?;
    let grant = grants::by_id(tx.conn, id)?.ok_or(Refusal::NotFound)?;
    grant.decide_revoke(tx.now)?;
    if reason.trim().is_empty() {
        return Err(Refusal::CommentNeeded.into());
    }
    grants::revoke(tx.conn, id, tx.now, reason)?;
    tx.revoked_something();
    let dataset = datasets::by_id(tx.conn, grant.dataset)?.ok_or(Refusal::NotFound)?;
    tx.record(
        Event::new(Action::GrantRevoked, Actor::person(by, Role::Administrator))
            .dataset(&dataset.slug)
            .subject(id)
            .person(grant.person)
            .private("reason", reason),
    );
    if let Some(holder) = people::by_id(tx.conn, grant.person)? {
        let about = AboutRequest {
            name: holder.name.to_string(),
            dataset: dataset.title,
            path: format!("/datasets/{}", dataset.slug),
        };
        tx.tell(&holder, &Notice::GrantRevoked { about, reason: reason.to_owned() })?;
    }
    Ok(())
}

/// Tells the holders of grants that end soon, once each; says how many.
///
/// # Errors
/// When the store fails.
pub fn notify_ending(tx: &mut Tx<'_>) -> Result<usize, Refused> {
    let ending = grants::ending(tx.conn, tx.now, tx.now + ENDING_NOTICE, 100)?;
    for line in &ending {
        grants::set_noticed(tx.conn, line.grant.id, tx.now)?;
        // Grants shorter than the notice itself would be announced to end the moment they begin.
        let long = line.grant.ends_at - line.grant.starts_at > ENDING_NOTICE;
        if let Some(holder) = people::by_id(tx.conn, line.grant.person)?.filter(|_| long) {
            let about = AboutRequest {
                name: holder.name.to_string(),
                dataset: line.title.clone(),
                path: format!("/datasets/{}", line.dataset),
            };
            tx.tell(&holder, &Notice::GrantEnding { about, ends_at: line.grant.ends_at })?;
        }
    }
    Ok(ending.len())
}
