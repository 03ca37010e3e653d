//! The grants that follow an approval.

use super::step::{ChangeContext, of_request, words};
use crate::domain::access_request::AccessRequest;
use crate::domain::access_request::quorum::granted_by_approval;
use crate::domain::event::{Action, Actor};
use crate::domain::grant::{Grant, GrantState};
use crate::domain::ids::{DatasetId, PersonId, SignatureId};
use crate::domain::new_version::Reminder;
use crate::domain::{Refusal, Timestamp};
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::store::new_versions::{self, RestingOn};
use crate::store::{RequestFacts, grants, signatures};

/// Stores and records the grants that follow an approval: of the applicant, and of the members who have signed.
pub(super) fn approve(
    tx: &mut Tx<'_>,
    facts: &RequestFacts,
    request: &AccessRequest,
    step: &ChangeContext<'_>,
) -> Result<(), CommandError> {
    let dataset = &facts.dataset;
    // Where signing is enough, it is the rule that approves, not the applicant.
    let by = if step.signing.is_some() { Actor::SYSTEM } else { step.by };
    let approved = of_request(facts, request, Action::RequestApproved, by).person(request.applicant);
    tx.record(approved.subject(request.id));
    for person in granted_by_approval(request, &facts.members, &facts.signers) {
        let new = Grant {
            id: tx.id(),
            person,
            dataset: dataset.id,
            request: request.id,
            project: request.project,
            starts_at: tx.now,
            ends_at: Grant::end(tx.now, dataset.grant_days, facts.project_end()),
            sign_by: None,
            last_release: dataset.last_release_of_new_grant(),
            suspended_at: None,
            revoked_at: None,
            is_shortened: false,
        };
        let granted = grant(tx, facts, request, (&new, by))?;
        if person != request.applicant {
            reactions::mail::member_granted(tx, dataset, request, &granted)?;
        }
    }
    Ok(())
}

/// A member who signed after the decision is granted what the applicant was.
pub(super) fn grant_like(
    tx: &mut Tx<'_>,
    facts: &RequestFacts,
    request: &AccessRequest,
    person: PersonId,
) -> Result<(), CommandError> {
    let granted = facts.grant.as_ref().ok_or(Refusal::NoGrant)?;
    let new = Grant { id: tx.id(), person, request: request.id, starts_at: tx.now, sign_by: None, ..granted.clone() };
    let granted = grant(tx, facts, request, (&new, Actor::SYSTEM))?;
    Ok(reactions::mail::member_granted(tx, &facts.dataset, request, &granted)?)
}

/// Since when somebody's access to a dataset is suspended, if it is. The suspension passes from grants that are over to the one
/// that comes after them, where it can be lifted.
fn take_suspension(tx: &mut Tx<'_>, person: PersonId, dataset: DatasetId) -> Result<Option<Timestamp>, CommandError> {
    let mut since = None;
    for grant in grants::on_dataset(tx.conn, person, dataset)? {
        since = since.max(grant.suspended_at);
        if grant.suspended_at.is_some() && !grant.is_running(tx.now) {
            grants::set_suspended(tx.conn, grant.id, None)?;
        }
    }
    Ok(since)
}

/// Stores and records a grant, in the place of one that it prolongs; as it is then.
fn grant(
    tx: &mut Tx<'_>,
    facts: &RequestFacts,
    request: &AccessRequest,
    (new, by): (&Grant, Actor),
) -> Result<Grant, CommandError> {
    // Where signing is enough, the request has just been submitted.
    let submitted_at = facts.request.as_ref().and_then(|stored| stored.submitted_at).unwrap_or_default();
    let signed = signatures::newest_of(tx.conn, request.id, new.person, submitted_at)?;
    let signed: Vec<SignatureId> = signed.iter().map(|signature| signature.record.id).collect();
    let replaced = grants::latest(tx.conn, new.person, new.dataset, new.project)?;
    let replaced = replaced.filter(|earlier| earlier.is_running(tx.now));
    if let Some(earlier) = &replaced {
        grants::end(tx.conn, earlier.id, tx.now)?;
    }
    let suspended_at = take_suspension(tx, new.person, new.dataset)?;
    grants::insert(tx.conn, &Grant { suspended_at, ..new.clone() })?;
    // A version may have been published since it was signed.
    new_versions::refresh(tx.conn, RestingOn::Signature(request.id, new.person), tx.now)?;
    let granted = grants::by_id(tx.conn, new.id)?.ok_or(Refusal::NoGrant)?;
    if granted.state(tx.now) == GrantState::ToSign {
        // Whoever is told of the grant is told of that.
        new_versions::set_told(tx.conn, new.id, Reminder::Stopped, None)?;
    }
    let mut created = of_request(facts, request, Action::GrantCreated, by)
        .person(new.person)
        .subject(new.id)
        .with("request", request.id.to_string())
        .with("ends_at", new.ends_at.to_string());
    created.details.set("signatures", words(&signed));
    if let Some(earlier) = replaced {
        created = created.with("replaces", earlier.id.to_string());
    }
    if suspended_at.is_some() {
        created = created.with("suspended", true);
    }
    if let Some(last) = new.last_release {
        created = created.with("last_release", last);
    }
    tx.record(created);
    Ok(granted)
}
