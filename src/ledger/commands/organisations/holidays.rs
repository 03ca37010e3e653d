//! The days on which an organisation does not work.

use super::{event, find, officer};
use crate::domain::Refusal;
use crate::domain::event::{Action, Actor};
use crate::domain::ids::PersonId;
use crate::domain::organisation::Organisation;
use crate::domain::text::{Sha256, Slug};
use crate::domain::working_days::Holidays;
use crate::ledger::commands::people::actor;
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::store::{datasets, deadlines, organisations};

/// Sets the days on which an organisation does not work, as one of its owners who saw what they were. What waits is due
/// accordingly from now on.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn set_holidays_as_owner(
    tx: &mut Tx<'_>,
    by: PersonId,
    (slug, seen): (&Slug, Sha256),
    holidays: &Holidays,
) -> Result<(), CommandError> {
    let (person, organisation) = (actor(tx, by)?, find(tx, slug)?);
    let officer = officer(tx, &person, organisation.id)?;
    officer.check_owner()?;
    let present = organisations::holidays(tx.conn, organisation.id)?;
    if present.fingerprint() != seen {
        return Err(Refusal::EditedMeanwhile.into());
    }
    store(tx, Actor::person(by, officer.acts_as()), &organisation, (&present, holidays))
}

/// Sets the days on which an organisation does not work; the same again changes nothing.
///
/// # Errors
/// [`Refusal::NotFound`], or when the store fails.
pub fn set_holidays(tx: &mut Tx<'_>, by: Actor, slug: &Slug, holidays: &Holidays) -> Result<(), CommandError> {
    let organisation = find(tx, slug)?;
    let present = organisations::holidays(tx.conn, organisation.id)?;
    store(tx, by, &organisation, (&present, holidays))
}

fn store(
    tx: &mut Tx<'_>,
    by: Actor,
    organisation: &Organisation,
    (present, holidays): (&Holidays, &Holidays),
) -> Result<(), CommandError> {
    if present == holidays {
        return Ok(());
    }
    organisations::set_holidays(tx.conn, organisation.id, holidays)?;
    let mut changed = event(Action::OrganisationHolidaysSet, by, organisation);
    changed.details.set("days", holidays.iter().map(|(day, _)| day.to_string()).collect::<Vec<_>>());
    tx.record(changed);
    for dataset in deadlines::decided_by_committees(tx.conn, organisation.id)? {
        if let Some(dataset) = datasets::by_id(tx.conn, dataset)? {
            reactions::deciding::set_due_times(tx, &dataset)?;
        }
    }
    Ok(())
}
