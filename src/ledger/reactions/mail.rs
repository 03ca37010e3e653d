//! Mail to those who wait for a change. It is queued in the transaction of the change and sent afterwards.

use crate::domain::TimeSpan;
use crate::domain::access_request::rules::deciders;
use crate::domain::access_request::{AccessRequest, Change};
use crate::domain::comment::{Comment, Reason};
use crate::domain::dataset::Dataset;
use crate::domain::grant::{ENDING_NOTICE, Grant};
use crate::domain::notice::{AboutDataset, Notice};
use crate::domain::person::Person;
use crate::domain::text::Secret;
use crate::ledger::transaction::Tx;
use crate::store::grants::GrantWithNames;
use crate::store::{self, datasets, people};

fn about(recipient: &Person, dataset: &Dataset, path: String) -> AboutDataset {
    AboutDataset { name: recipient.name.to_string(), dataset: dataset.title.clone(), path }
}

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

/// A request took these steps: the applicant hears of a decision, the reviewers of something to decide.
pub fn request_changed(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    request: &AccessRequest,
    changes: &[Change],
    comment: &Comment,
) -> store::Result<()> {
    let Some(applicant) = people::by_id(tx.conn, request.applicant)? else { return Ok(()) };
    let about = about(&applicant, dataset, format!("/requests/{}", request.id));
    let comment = comment.as_str().to_owned();
    let notice = match changes.last() {
        Some(Change::Submitted { .. }) => {
            review_waiting(tx, dataset, request, &applicant)?;
            Notice::RequestReceived(about)
        }
        Some(Change::Approved) => Notice::Approved { about, ends_at: Grant::end(tx.now, dataset.grant_days), comment },
        Some(Change::Rejected) => Notice::Rejected { about, comment },
        Some(Change::Returned) => Notice::Returned { about, comment },
        Some(Change::Drafted { .. } | Change::Voted(_) | Change::Overridden | Change::Withdrawn) | None => {
            return Ok(());
        }
    };
    tx.queue_mail(&applicant, &notice)
}

/// Tells the people who can decide: the dataset's reviewers, or the administrators where none of them can.
fn review_waiting(
    tx: &mut Tx<'_>,
    dataset: &Dataset,
    request: &AccessRequest,
    applicant: &Person,
) -> store::Result<()> {
    let reviewers = datasets::reviewers(tx.conn, dataset.id)?;
    let reviewers = people::by_ids(tx.conn, &reviewers)?;
    let administrators = people::administrators(tx.conn)?;
    for reviewer in deciders(&reviewers, &administrators, applicant) {
        let about = about(reviewer, dataset, format!("/review/{}", request.id));
        tx.queue_mail(reviewer, &Notice::ReviewWaiting { applicant: applicant.name.to_string(), about })?;
    }
    Ok(())
}

/// A grant was revoked: its holder is told why.
pub fn grant_revoked(tx: &mut Tx<'_>, dataset: &Dataset, grant: &Grant, reason: &Reason) -> store::Result<()> {
    let Some(holder) = people::by_id(tx.conn, grant.person)? else { return Ok(()) };
    let about = about(&holder, dataset, format!("/datasets/{}", dataset.slug));
    tx.queue_mail(&holder, &Notice::GrantRevoked { about, reason: reason.as_str().to_owned() })
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
