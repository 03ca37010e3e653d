//! Publishing forms.

use crate::domain::Refusal;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::form::{FormVersion, NewFormVersion};
use crate::domain::ids::{FormId, OrganisationId, PersonId};
use crate::ledger::commands::Published;
use crate::ledger::commands::organisations::{check_basis, officer, owner_of};
use crate::ledger::commands::people::actor;
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::{forms, organisations};

/// Publishes a version of a form as a steward of the organisation; with the number of the version that the steward saw in
/// force, of one that is there.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn publish_as_steward(
    tx: &mut Tx<'_>,
    by: PersonId,
    (organisation, seen): (OrganisationId, Option<u32>),
    new: NewFormVersion,
) -> Result<Published<FormVersion>, CommandError> {
    let person = actor(tx, by)?;
    let officer = officer(tx, &person, organisation)?;
    officer.check_steward()?;
    let present = forms::owned_by(tx.conn, new.slug())?;
    check_basis(present.map(|(_, owner)| owner), organisation, seen.is_some())?;
    if let (Some((form, _)), Some(seen)) = (present, seen)
        && forms::in_force(tx.conn, form)?.is_some_and(|version| version.number != seen)
    {
        return Err(Refusal::EditedMeanwhile.into());
    }
    publish_in(tx, (Actor::person(by, officer.acts_as()), organisation), new)
}

/// Publishes a version of a form, numbered after the last one; the same again is not published.
///
/// # Errors
/// When the store fails.
pub fn publish(tx: &mut Tx<'_>, by: Actor, new: NewFormVersion) -> Result<Published<FormVersion>, CommandError> {
    let present = forms::owned_by(tx.conn, new.slug())?;
    let organisation = owner_of(tx, new.organisation(), present.map(|(_, owner)| owner))?;
    publish_in(tx, (by, organisation), new)
}

fn publish_in(
    tx: &mut Tx<'_>,
    (by, organisation): (Actor, OrganisationId),
    new: NewFormVersion,
) -> Result<Published<FormVersion>, CommandError> {
    let present = forms::owned_by(tx.conn, new.slug())?;
    let form: FormId = if let Some((id, _)) = present {
        id
    } else {
        let id = tx.id();
        forms::insert(tx.conn, id, organisation, new.slug())?;
        id
    };
    let last = forms::in_force(tx.conn, form)?;
    if let Some(last) = &last
        && new.is_same_as(last)
    {
        return Ok(Published::Unchanged(last.clone()));
    }
    let version = new.publish(tx.id(), form, last.as_ref(), tx.now);
    forms::insert_version(tx.conn, &version)?;
    let owner = organisations::by_id(tx.conn, organisation)?.ok_or(Refusal::NotFound)?;
    let event = Event::new(Action::FormPublished, by)
        .organisation(&owner.slug)
        .subject(version.id)
        .with("form", version.slug.as_str())
        .with("version", version.number)
        .with("questions", version.questions().count());
    tx.record(event);
    Ok(Published::New(version))
}
