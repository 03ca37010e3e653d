//! Publishing agreements, and seeing to it that those sign a new version who have to.

use std::collections::BTreeMap;

use crate::domain::Refusal;
use crate::domain::agreement::{AgreementVersion, NewAgreementVersion};
use crate::domain::day::Day;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::grant::Grant;
use crate::domain::ids::{AgreementId, OrganisationId, PersonId, VersionId};
use crate::domain::new_version::Reminder;
use crate::domain::text::Slug;
use crate::ledger::commands::organisations::{check_basis, officer, owner_of};
use crate::ledger::commands::people::actor;
use crate::ledger::error::CommandError;
use crate::ledger::reactions;
use crate::ledger::transaction::Tx;
use crate::store::grants::{self, GrantWithNames};
use crate::store::new_versions::{self, RestingOn};
use crate::store::{agreements, organisations};

/// What became of an agreement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AgreementOutcome {
    /// A new version is in force.
    Published(AgreementVersion),
    /// The version in force has another day by which it is to be signed.
    DayChanged(AgreementVersion),
    /// The version in force says the same already.
    Unchanged(AgreementVersion),
}

impl AgreementOutcome {
    /// The version in force, and a word for operators on how it came to be.
    pub fn told(self) -> (AgreementVersion, &'static str) {
        match self {
            Self::Published(version) => (version, "published"),
            Self::DayChanged(version) => (version, "has another day"),
            Self::Unchanged(version) => (version, "unchanged"),
        }
    }
}

/// Publishes a version of an agreement as a steward of the organisation; with the number of the version that the steward saw
/// in force, of one that is there.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn publish_as_steward(
    tx: &mut Tx<'_>,
    by: PersonId,
    (organisation, seen): (OrganisationId, Option<u32>),
    new: NewAgreementVersion,
) -> Result<AgreementOutcome, CommandError> {
    let person = actor(tx, by)?;
    let officer = officer(tx, &person, organisation)?;
    officer.check_steward()?;
    let present = agreements::owned_by(tx.conn, new.slug())?;
    check_basis(present.map(|(_, owner)| owner), organisation, seen.is_some())?;
    if let (Some((agreement, _)), Some(seen)) = (present, seen)
        && agreements::in_force(tx.conn, agreement)?.is_some_and(|version| version.number != seen)
    {
        return Err(Refusal::EditedMeanwhile.into());
    }
    publish_in(tx, (Actor::person(by, officer.acts_as()), organisation), new)
}

/// Publishes a version of an agreement, numbered after the last one; the same again is not published.
///
/// # Errors
/// When the store fails.
pub fn publish(tx: &mut Tx<'_>, by: Actor, new: NewAgreementVersion) -> Result<AgreementOutcome, CommandError> {
    let present = agreements::owned_by(tx.conn, new.slug())?;
    let organisation = owner_of(tx, new.organisation(), present.map(|(_, owner)| owner))?;
    publish_in(tx, (by, organisation), new)
}

fn publish_in(
    tx: &mut Tx<'_>,
    (by, organisation): (Actor, OrganisationId),
    new: NewAgreementVersion,
) -> Result<AgreementOutcome, CommandError> {
    let present = agreements::owned_by(tx.conn, new.slug())?;
    let agreement: AgreementId = if let Some((id, _)) = present {
        id
    } else {
        let id = tx.id();
        agreements::insert(tx.conn, id, organisation, new.slug())?;
        id
    };
    let last = agreements::in_force(tx.conn, agreement)?;
    if let Some(last) = &last
        && new.is_same_as(last)
    {
        // A file that says nothing of a day takes none away.
        return match new.sign_by().map(Day::end) {
            Some(end) if last.sign_by != Some(end) => {
                set_last_day_of(tx, (by, organisation), last, (new.sign_by(), Earlier::Kept))
            }
            _ => Ok(AgreementOutcome::Unchanged(last.clone())),
        };
    }
    let version = new.publish(tx.id(), agreement, last.as_ref(), tx.now)?;
    agreements::insert_version(tx.conn, &version)?;
    new_versions::refresh(tx.conn, RestingOn::Agreement(agreement), tx.now)?;
    let mut event = about(tx, Action::AgreementPublished, (by, organisation), &version)?;
    let texts: serde_json::Map<_, _> =
        version.texts.iter().map(|text| (text.language.tag().to_owned(), text.sha256.to_string().into())).collect();
    event.details.set("texts_sha256", texts);
    tx.record(event);
    Ok(AgreementOutcome::Published(version))
}

/// An event about a version.
fn about(
    tx: &mut Tx<'_>,
    action: Action,
    (by, organisation): (Actor, OrganisationId),
    version: &AgreementVersion,
) -> Result<Event, CommandError> {
    let owner = organisations::by_id(tx.conn, organisation)?.ok_or(Refusal::NotFound)?;
    let event = Event::new(action, by)
        .organisation(&owner.slug)
        .subject(version.id)
        .with("agreement", version.slug.as_str())
        .with("version", version.number);
    Ok(match version.sign_by {
        Some(by) => event.with("sign_by", by.to_string()),
        None => event,
    })
}

/// Sets, as a steward of the organisation, the last day on which the version in force can be signed by those who signed an
/// earlier one, or that they need not, in the place of what was said of earlier versions; `seen` is the version that the steward saw in force.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn set_last_day(
    tx: &mut Tx<'_>,
    by: PersonId,
    organisation: OrganisationId,
    (slug, seen): (&Slug, u32),
    last_day: Option<Day>,
) -> Result<(), CommandError> {
    let person = actor(tx, by)?;
    let officer = officer(tx, &person, organisation)?;
    officer.check_steward()?;
    let present = agreements::owned_by(tx.conn, slug)?.filter(|(_, owner)| *owner == organisation);
    let (agreement, _) = present.ok_or(Refusal::NotFound)?;
    let version = agreements::in_force(tx.conn, agreement)?.ok_or(Refusal::NotFound)?;
    if version.number != seen {
        return Err(Refusal::EditedMeanwhile.into());
    }
    set_last_day_of(tx, (Actor::person(by, officer.acts_as()), organisation), &version, (last_day, Earlier::Replaced))?;
    Ok(())
}

/// What becomes of the days by which earlier versions had to be signed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Earlier {
    /// They stay.
    Kept,
    /// The day of the version in force takes their place.
    Replaced,
}

fn set_last_day_of(
    tx: &mut Tx<'_>,
    by: (Actor, OrganisationId),
    version: &AgreementVersion,
    (last_day, earlier): (Option<Day>, Earlier),
) -> Result<AgreementOutcome, CommandError> {
    let sign_by = version.sign_by_with(last_day, tx.now)?;
    let replaces = earlier == Earlier::Replaced && !agreements::earlier_deadlines(tx.conn, version)?.is_empty();
    if sign_by == version.sign_by && !replaces {
        return Ok(AgreementOutcome::Unchanged(version.clone()));
    }
    let version = AgreementVersion { sign_by, ..version.clone() };
    if replaces {
        agreements::take_deadlines_back(tx.conn, version.agreement)?;
    }
    agreements::set_sign_by(tx.conn, &version)?;
    new_versions::refresh(tx.conn, RestingOn::Agreement(version.agreement), tx.now)?;
    let event = about(tx, Action::AgreementSignByChanged, by, &version)?;
    tx.record(if replaces { event.with("replaces_earlier", true) } else { event });
    Ok(AgreementOutcome::DayChanged(version))
}

/// How many people [`remind_to_sign`] tells at a time.
pub const REMINDED_AT_A_TIME: usize = 100;

/// Tells those who have to sign newer versions of agreements how near the day is; says how many people there were.
///
/// # Errors
/// When the store fails.
pub fn remind_to_sign(tx: &mut Tx<'_>) -> Result<usize, CommandError> {
    let people = new_versions::to_remind(tx.conn, tx.now, REMINDED_AT_A_TIME)?;
    for person in &people {
        let mut urgent: BTreeMap<VersionId, (Grant, Reminder)> = BTreeMap::new();
        for GrantWithNames { grant, .. } in grants::to_sign_of(tx.conn, *person, tx.now)? {
            let (Some(by), told) = (grant.sign_by, new_versions::told(tx.conn, grant.id)?) else { continue };
            let due = Reminder::due(by, tx.now);
            new_versions::set_told(tx.conn, grant.id, due, due.next(by))?;
            if due.rank() <= told {
                continue;
            }
            // Whoever hears of it for the first time hears that it is new, however near the day is.
            let said = if told == 0 && due != Reminder::Stopped { Reminder::Published } else { due };
            let to_sign = new_versions::to_sign(tx.conn, grant.request, *person)?;
            for version in to_sign.into_iter().flat_map(|to_sign| to_sign.versions) {
                urgent.entry(version).or_insert_with(|| (grant.clone(), said));
            }
        }
        for (version, (grant, said)) in urgent {
            let Some(version) = agreements::version(tx.conn, version)? else { continue };
            reactions::mail::new_version_to_sign(tx, &version, &grant, said)?;
        }
    }
    Ok(people.len())
}
