//! Mail to those who wait for a change. It is queued in the transaction of the change and sent afterwards.

use crate::domain::access_request::{AccessRequest, Change, Stage};
use crate::domain::agreement::AgreementVersion;
use crate::domain::comment::{Comment, Reason};
use crate::domain::dataset::{Dataset, SuspensionChange};
use crate::domain::grant::{ENDING_NOTICE, Grant, GrantState};
use crate::domain::ids::PersonId;
use crate::domain::new_version::Reminder;
use crate::domain::notice::{AboutDataset, Notice};
use crate::domain::organisation::{Organisation, OrganisationRole};
use crate::domain::person::Person;
use crate::domain::project::Project;
use crate::domain::text::{Email, Secret};
use crate::domain::{TimeSpan, Timestamp};
use crate::ledger::reactions::deciding::{members_of, recusals_changed, request_settled, review_waiting, voted};
use crate::ledger::transaction::Tx;
use crate::store::grants::GrantWithNames;
use crate::store::{self, grants, organisation_members, people};

/// Somebody tried to register an address that has an account: its owner is told, and nobody else.
pub fn registered_again(tx: &mut Tx<'_>, owner: &Person) -> store::Result<bool> {
    queue_rate_limited(tx, owner, &Notice::AlreadyRegistered { name: proved_name(owner) })
}

/// A link that proves an address. `path` works like a password.
pub fn verification_link(tx: &mut Tx<'_>, person: &Person, path: &Secret) -> store::Result<bool> {
    queue_rate_limited(tx, person, &Notice::VerifyEmail { name: proved_name(person), path: path.expose().to_owned() })
}

/// A link to choose a new password. `path` works like a password.
pub fn password_link(tx: &mut Tx<'_>, person: &Person, path: &Secret) -> store::Result<bool> {
    queue_rate_limited(tx, person, &Notice::ResetPassword { name: proved_name(person), path: path.expose().to_owned() })
}

/// A link that proves an address which is to become the account's. `path` works like a password. The address is nobody's
/// yet, so the message has no words of anybody's.
pub fn new_address_link(tx: &mut Tx<'_>, person: &Person, to: &Email, path: &Secret) -> store::Result<bool> {
    let notice = Notice::VerifyNewEmail { path: path.expose().to_owned() };
    queue_rate_limited(tx, &Person { email: to.clone(), ..person.clone() }, &notice)
}

/// The account of `before` has another address now: the former one is told.
pub fn address_changed(tx: &mut Tx<'_>, before: &Person, new_email: &Email) -> store::Result<()> {
    let notice = Notice::EmailChanged { name: proved_name(before), new_email: new_email.to_string() };
    tx.queue_mail(before, &notice)
}

/// The name to greet with; none for an address that nobody has proved: whoever registered it may have typed anything.
fn proved_name(person: &Person) -> String {
    if person.email_verified_at.is_some() { person.name.to_string() } else { String::new() }
}

/// Queues a message that anybody can cause, unless the address got several of its kind already within the hour: their
/// links still work. Says whether it was queued.
fn queue_rate_limited(tx: &mut Tx<'_>, person: &Person, notice: &Notice) -> store::Result<bool> {
    const MAX_PER_HOUR: u64 = 3;
    let since = tx.now - TimeSpan::hours(1);
    if store::mail::count_since(tx.conn, person.email.as_str(), notice.kind(), since)? >= MAX_PER_HOUR {
        return Ok(false);
    }
    tx.queue_mail(person, notice)?;
    Ok(true)
}

/// A request took these steps, by somebody's hand: the applicant hears of a decision, the people who decide of something to
/// decide, and of its end when it was not their own doing.
pub fn request_changed(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    (before, request): (Option<&AccessRequest>, &AccessRequest),
    (by, changes): (PersonId, &[Change]),
    (comment, project_end): (&Comment, Option<Timestamp>),
) -> store::Result<()> {
    let Some(applicant) = people::by_id(tx.conn, request.applicant)? else { return Ok(()) };
    if let Some(before) = before.filter(|before| before.stage == Stage::Submitted && before.stage != request.stage) {
        request_settled(tx, dataset, (before, request.stage), (&applicant, by))?;
    }
    let about = AboutDataset::new(&applicant, dataset, format!("/requests/{}", request.id));
    let comment = comment.as_str().to_owned();
    let notice = match changes.last() {
        Some(Change::Submitted { .. }) => {
            review_waiting(tx, dataset, request, &applicant)?;
            members_to_sign(tx, dataset, request, &applicant)?;
            Notice::RequestReceived(about)
        }
        Some(Change::Approved) => {
            let ends_at = Grant::end(tx.now, dataset.grant_days, project_end);
            let granted = grants::of_request(tx.conn, request.id, applicant.id)?;
            approved(about, (ends_at, comment), granted.map_or(GrantState::Active, |grant| grant.state(tx.now)))
        }
        Some(Change::Recused(_) | Change::RecusalLifted(_)) => {
            if let Some(before) = before {
                recusals_changed(tx, dataset, (before, request), &applicant)?;
            }
            return Ok(());
        }
        Some(Change::Voted(_)) => return voted(tx, dataset, request, &applicant),
        Some(Change::Rejected) => Notice::Rejected { about, comment },
        Some(Change::Returned) => Notice::Returned { about, comment },
        Some(
            Change::Drafted { .. }
            | Change::ProjectBegun { .. }
            | Change::ProjectChanged { .. }
            | Change::MemberSigned { .. }
            | Change::MemberGranted { .. }
            | Change::NewVersionsSigned { .. }
            | Change::Overridden
            | Change::Withdrawn,
        )
        | None => {
            return Ok(());
        }
    };
    tx.queue_mail(&applicant, &notice)
}

/// A grant was revoked: its holder is told why.
pub fn grant_revoked(tx: &mut Tx<'_>, dataset: &Dataset, grant: &Grant, reason: &Reason) -> store::Result<()> {
    let Some(holder) = people::by_id(tx.conn, grant.person)? else { return Ok(()) };
    let about = AboutDataset::new(&holder, dataset, format!("/datasets/{}", dataset.slug));
    tx.queue_mail(&holder, &Notice::GrantRevoked { about, reason: reason.as_str().to_owned() })
}

/// A grant was suspended, or is suspended no more: its holder is told.
pub fn grant_suspension_changed(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    grant: &Grant,
    change: &SuspensionChange,
) -> store::Result<()> {
    let Some(holder) = people::by_id(tx.conn, grant.person)? else { return Ok(()) };
    let about = AboutDataset::new(&holder, dataset, format!("/datasets/{}", dataset.slug));
    let notice = match change {
        SuspensionChange::Suspend(reason) => Notice::GrantSuspended { about, reason: reason.as_str().to_owned() },
        SuspensionChange::Restore => Notice::GrantResumed(about),
    };
    tx.queue_mail(&holder, &notice)
}

/// A grant has another end: its holder is told when, and why.
pub fn grant_end_changed(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    grant: &Grant,
    (ends_at, reason): (Timestamp, &Reason),
) -> store::Result<()> {
    let Some(holder) = people::by_id(tx.conn, grant.person)? else { return Ok(()) };
    let about = AboutDataset::new(&holder, dataset, format!("/datasets/{}", dataset.slug));
    tx.queue_mail(&holder, &Notice::GrantEndChanged { about, ends_at, reason: reason.as_str().to_owned() })
}

/// A grant ends soon: its holder is told, unless the grant is shorter than the notice itself.
pub fn grant_ending(tx: &mut Tx<'_>, line: &GrantWithNames) -> store::Result<()> {
    if line.grant.ends_at - line.grant.starts_at <= ENDING_NOTICE {
        return Ok(());
    }
    let Some(holder) = people::by_id(tx.conn, line.grant.person)? else { return Ok(()) };
    let about = AboutDataset {
        name: holder.name.to_string(),
        dataset: line.title.clone(),
        path: format!("/datasets/{}", line.dataset),
    };
    tx.queue_mail(&holder, &Notice::GrantEnding { about, ends_at: line.grant.ends_at })
}

/// The holder of a grant has to sign a newer version of an agreement.
pub fn new_version_to_sign(
    tx: &mut Tx<'_>,
    version: &AgreementVersion,
    grant: &Grant,
    reminder: Reminder,
) -> store::Result<()> {
    let Some(holder) = people::by_id(tx.conn, grant.person)? else { return Ok(()) };
    let notice = Notice::NewVersionToSign {
        name: holder.name.to_string(),
        agreement: version.title.clone(),
        sign_by: grant.stops_at(),
        reminder,
        path: format!("/requests/{}/new-versions", grant.request),
    };
    tx.queue_mail(&holder, &notice)
}

/// The other members of a request's project are asked to sign for themselves.
fn members_to_sign(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    request: &AccessRequest,
    applicant: &Person,
) -> store::Result<()> {
    let others: Vec<PersonId> = members_of(tx, request)?.into_iter().filter(|id| *id != applicant.id).collect();
    for member in people::by_ids(tx.conn, &others)? {
        let about = AboutDataset::new(&member, dataset, format!("/requests/{}/sign", request.id));
        tx.queue_mail(&member, &Notice::MemberToSign { applicant: applicant.name.to_string(), about })?;
    }
    Ok(())
}

/// A member of a project was granted access by a decision on its request.
pub fn member_granted(tx: &mut Tx<'_>, dataset: &Dataset, request: &AccessRequest, grant: &Grant) -> store::Result<()> {
    let Some(member) = people::by_id(tx.conn, grant.person)? else { return Ok(()) };
    let about = AboutDataset::new(&member, dataset, format!("/requests/{}", request.id));
    tx.queue_mail(&member, &approved(about, (grant.ends_at, String::new()), grant.state(tx.now)))
}

/// You may download, or may once you have signed what has changed since you signed, or once access is suspended no more.
fn approved(about: AboutDataset, (ends_at, comment): (Timestamp, String), state: GrantState) -> Notice {
    let path = if state == GrantState::ToSign { format!("{}/new-versions", about.path) } else { about.path };
    Notice::Approved { about: AboutDataset { path, ..about }, ends_at, comment, state }
}

/// Somebody is invited to a project, who may have no account yet.
pub fn project_invitation(tx: &mut Tx<'_>, lead: &Person, email: &Email, project: &Project) -> store::Result<bool> {
    let (recipient, known_as) = recipient_and_sender(tx, lead, email)?;
    let notice = Notice::ProjectInvitation { lead: known_as, path: format!("/projects/{}", project.id) };
    queue_rate_limited(tx, &recipient, &notice)
}

/// The lead of a project hears that somebody has joined it.
pub fn member_joined(tx: &mut Tx<'_>, member: &Person, project: &Project) -> store::Result<()> {
    let Some(lead) = people::by_id(tx.conn, project.lead)? else { return Ok(()) };
    let (name, member) = (lead.name.to_string(), member.name.to_string());
    let (title, path) = (project.description.title.clone(), format!("/projects/{}", project.id));
    tx.queue_mail(&lead, &Notice::MemberJoined { name, member, title, path })
}

/// A member was removed from a project.
pub fn member_removed(tx: &mut Tx<'_>, member: PersonId, project: &Project, reason: &str) -> store::Result<()> {
    let Some(member) = people::by_id(tx.conn, member)? else { return Ok(()) };
    let (name, title) = (member.name.to_string(), project.description.title.clone());
    tx.queue_mail(&member, &Notice::MemberRemoved { name, title, reason: reason.to_owned() })
}

/// Somebody is invited to run an organisation, who may have no account yet.
pub fn organisation_invitation(
    tx: &mut Tx<'_>,
    by: &Person,
    email: &Email,
    (organisation, role): (&Organisation, OrganisationRole),
) -> store::Result<bool> {
    let (recipient, inviter) = recipient_and_sender(tx, by, email)?;
    let (organisation, role) = (organisation.name.clone(), role.as_str().to_owned());
    let notice = Notice::OrganisationInvitation { inviter, organisation, role, path: "/manage".into() };
    queue_rate_limited(tx, &recipient, &notice)
}

/// Who gets an invitation, and what the one who sends it is called in it: to somebody without an account by their address,
/// which was proved.
fn recipient_and_sender(tx: &mut Tx<'_>, by: &Person, email: &Email) -> store::Result<(Person, String)> {
    Ok(match people::by_email(tx.conn, email)? {
        Some((person, _)) => (person, by.name.to_string()),
        None => (Person { email: email.clone(), ..by.clone() }, by.email.to_string()),
    })
}

/// Somebody was removed from an organisation.
pub fn organisation_left(tx: &mut Tx<'_>, person: PersonId, organisation: &Organisation) -> store::Result<()> {
    let Some(person) = people::by_id(tx.conn, person)? else { return Ok(()) };
    let (name, organisation) = (person.name.to_string(), organisation.name.clone());
    tx.queue_mail(&person, &Notice::OrganisationLeft { name, organisation })
}

/// A dataset is offered to an organisation: its owners are told.
pub fn dataset_offered(tx: &mut Tx<'_>, dataset: &Dataset, to: &Organisation) -> store::Result<()> {
    let owners = organisation_members::owners(tx.conn, to.id)?;
    for owner in people::by_ids(tx.conn, &owners)? {
        let about = AboutDataset::new(&owner, dataset, "/manage".into());
        tx.queue_mail(&owner, &Notice::DatasetOffered { organisation: to.name.clone(), about })?;
    }
    Ok(())
}
