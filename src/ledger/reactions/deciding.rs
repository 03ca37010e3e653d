//! Mail to those who decide: that a request waits for them, still waits, or does not any more.

use std::collections::HashMap;

use crate::domain::Timestamp;
use crate::domain::access_request::deadlines::{Nudge, is_one_missing, not_voted};
use crate::domain::access_request::quorum::{Deciders, able, deciders, each_once};
use crate::domain::access_request::{AccessRequest, Stage};
use crate::domain::committee::{Deadlines, DueTimes};
use crate::domain::dataset::Dataset;
use crate::domain::ids::PersonId;
use crate::domain::notice::{AboutDataset, Notice};
use crate::domain::person::Person;
use crate::domain::working_days::Holidays;
use crate::ledger::transaction::Tx;
use crate::store::{
    self, access_requests, committees, deadlines, members, organisation_members, organisations, people,
};

/// The people of a request's project; its applicant alone where there is none.
pub(super) fn members_of(tx: &mut Tx<'_>, request: &AccessRequest) -> store::Result<Vec<PersonId>> {
    request.project.map_or_else(|| Ok(vec![request.applicant]), |project| members::people(tx.conn, project))
}

/// Asks the people who can decide: the dataset's reviewers, and the owners of its organisation where those can't do it
/// alone.
pub(super) fn review_waiting(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    request: &AccessRequest,
    applicant: &Person,
) -> store::Result<()> {
    let deciding = DecidingAccounts::of(tx, dataset)?;
    let members = members_of(tx, request)?;
    let (days, holidays) = deadlines_of(tx, dataset)?;
    deadlines::set(tx.conn, request.id, days.after(tx.now, &holidays), tx.now)?;
    ask(tx, dataset, (request, applicant), deciding.deciders(request, &members))
}

/// The dataset of a request, and the page on which somebody decides on it.
fn to_decide(person: &Person, dataset: &Dataset, request: &AccessRequest) -> AboutDataset {
    AboutDataset::new(person, dataset, format!("/review/{}", request.id))
}

/// Asks these people to decide.
fn ask(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    (request, applicant): (&AccessRequest, &Person),
    asked: Deciders<'_>,
) -> store::Result<()> {
    for reviewer in asked.reviewers {
        let (applicant, about) = (applicant.name.to_string(), to_decide(reviewer, dataset, request));
        tx.queue_mail(reviewer, &Notice::ReviewWaiting { applicant, about })?;
    }
    for owner in asked.owners {
        let (applicant, about) = (applicant.name.to_string(), to_decide(owner, dataset, request));
        tx.queue_mail(owner, &Notice::QuorumOutOfReach { applicant, about })?;
    }
    Ok(())
}

/// Tells those who were asked to decide about a request, as it was before, that it is done, but for the one who did it.
pub(super) fn request_settled(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    (request, stage): (&AccessRequest, Stage),
    (applicant, by): (&Person, PersonId),
) -> store::Result<()> {
    let deciding = DecidingAccounts::of(tx, dataset)?;
    let members = members_of(tx, request)?;
    let mut told: Vec<&Person> = deciding.deciders(request, &members).everybody().collect();
    if deadlines::is_escalated(tx.conn, request.id)? {
        let owners = able(&deciding.owners, &members, request);
        told = each_once(&told, &owners);
    }
    for person in told.into_iter().filter(|person| person.id != by) {
        let (applicant, about) = (applicant.name.to_string(), to_decide(person, dataset, request));
        tx.queue_mail(person, &Notice::RequestSettled { applicant, stage, about })?;
    }
    Ok(())
}

/// The people who may be asked to decide about a dataset's requests.
#[derive(Clone, Debug)]
pub struct DecidingAccounts {
    reviewers: Vec<Person>,
    owners: Vec<Person>,
    quorum: u32,
}

impl DecidingAccounts {
    /// As it is now; nobody for a dataset that is not there yet.
    pub fn of(tx: &mut Tx<'_>, dataset: &Dataset) -> store::Result<Self> {
        let (reviewers, quorum) = match dataset.committee.map_or(Ok(None), |id| committees::by_id(tx.conn, id))? {
            Some(committee) => (people::by_ids(tx.conn, &committee.members)?, committee.quorum),
            None => (Vec::new(), dataset.quorum),
        };
        let owners = organisation_members::owners(tx.conn, dataset.organisation)?;
        Ok(Self { reviewers, owners: people::by_ids(tx.conn, &owners)?, quorum })
    }

    fn deciders(&self, request: &AccessRequest, members: &[PersonId]) -> Deciders<'_> {
        deciders(&self.reviewers, &self.owners, members, request, self.quorum)
    }
}

/// Somebody has stepped aside from deciding on a request, or may decide again.
pub(super) fn recusals_changed(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    (before, request): (&AccessRequest, &AccessRequest),
    applicant: &Person,
) -> store::Result<()> {
    if request.stage != Stage::Submitted {
        return Ok(());
    }
    let deciding = DecidingAccounts::of(tx, dataset)?;
    let members = members_of(tx, request)?;
    let asked_before = deciding.deciders(before, &members);
    let asked = deciding.deciders(request, &members);
    ask(tx, dataset, (request, applicant), asked.newly_asked(&asked_before))
}

/// Who can decide about a dataset's requests has changed: about those that wait, reviewers who could not decide before are
/// asked, and the owners where the reviewers could do it alone before and can't any more. The days that they have are those
/// of the committee as it is now.
pub fn committee_changed(tx: &mut Tx<'_>, dataset: &Dataset, before: &DecidingAccounts) -> store::Result<()> {
    set_due_times(tx, dataset)?;
    let deciding = DecidingAccounts::of(tx, dataset)?;
    for stored in access_requests::waiting_for(tx.conn, dataset.id)? {
        let request = &stored.request;
        let Some(applicant) = people::by_id(tx.conn, request.applicant)? else { continue };
        let members = members_of(tx, request)?;
        let asked = deciding.deciders(request, &members);
        ask(tx, dataset, (request, &applicant), asked.newly_asked(&before.deciders(request, &members)))?;
    }
    Ok(())
}

/// The days that those have who decide about a dataset's requests, and the organisation's holidays.
fn deadlines_of(tx: &mut Tx<'_>, dataset: &Dataset) -> store::Result<(Deadlines, Holidays)> {
    let committee = dataset.committee.map_or(Ok(None), |id| committees::by_id(tx.conn, id))?;
    let days = committee.map(|committee| committee.deadlines).unwrap_or_default();
    Ok((days, organisations::holidays(tx.conn, dataset.organisation)?))
}

/// Works out anew when those who decide about a dataset's waiting requests are told that they still wait.
pub fn set_due_times(tx: &mut Tx<'_>, dataset: &Dataset) -> store::Result<()> {
    let (days, holidays) = deadlines_of(tx, dataset)?;
    let mut of_day: HashMap<i64, DueTimes> = HashMap::new();
    for waiting in deadlines::waiting(tx.conn, dataset.id)? {
        let day = waiting.sent.days_since_1970();
        let times = *of_day.entry(day).or_insert_with(|| days.after(waiting.sent, &holidays));
        if times != waiting.times {
            deadlines::set(tx.conn, waiting.id, times, tx.now)?;
        }
    }
    Ok(())
}

/// Somebody has voted, and the request still waits: where one more approval decides, those are told who can give it.
pub(super) fn voted(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    request: &AccessRequest,
    applicant: &Person,
) -> store::Result<()> {
    let deciding = DecidingAccounts::of(tx, dataset)?;
    let members = members_of(tx, request)?;
    let reviewers: Vec<PersonId> = deciding.reviewers.iter().map(|person| person.id).collect();
    if !is_one_missing(request, &reviewers, &members, deciding.quorum) {
        return Ok(());
    }
    for person in not_voted(request, deciding.deciders(request, &members).reviewers.into_iter()) {
        let (applicant, about) = (applicant.name.to_string(), to_decide(person, dataset, request));
        tx.queue_mail(person, &Notice::OneApprovalMissing { applicant, about })?;
    }
    Ok(())
}

/// Tells people that a request still waits for them; says whom.
pub fn nudge(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    (request, sent): (&AccessRequest, Timestamp),
    nudge: Nudge,
) -> store::Result<Vec<PersonId>> {
    let Some(applicant) = people::by_id(tx.conn, request.applicant)? else { return Ok(Vec::new()) };
    let deciding = DecidingAccounts::of(tx, dataset)?;
    let members = members_of(tx, request)?;
    let owners = able(&deciding.owners, &members, request);
    let told = nudge.recipients(request, &deciding.deciders(request, &members), &owners);
    for person in &told {
        let (applicant, about) = (applicant.name.to_string(), to_decide(person, dataset, request));
        tx.queue_mail(person, &Notice::StillWaiting { applicant, about, sent, nudge })?;
    }
    Ok(told.iter().map(|person| person.id).collect())
}
