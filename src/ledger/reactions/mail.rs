//! Mail to those who wait for a change. It is queued in the transaction of the change and sent afterwards.

use crate::domain::access_request::rules::deciders;
use crate::domain::access_request::{AccessRequest, Change};
use crate::domain::comment::{Comment, Reason};
use crate::domain::dataset::Dataset;
use crate::domain::grant::{ENDING_NOTICE, Grant};
use crate::domain::notice::{AboutRequest, Notice};
use crate::domain::person::Person;
use crate::domain::text::Secret;
use crate::ledger::transaction::Tx;
use crate::store::grants::GrantLine;
use crate::store::{self, datasets, people};

fn about(recipient: &Person, dataset: &Dataset, path: String) -> AboutRequest {
    AboutRequest { name: recipient.name.to_string(), dataset: dataset.title.clone(), path }
}

/// Somebody tried to register an address that has an account: its owner is told, and nobody else.
pub fn registered_again(tx: &mut Tx<'_>, owner: &Person) -> store::Result<()> {
    tx.queue_mail(owner, &Notice::AlreadyRegistered { name: owner.name.to_string() })
}

/// A link that proves an address. `path` works like a password.
pub fn verification_link(tx: &mut Tx<'_>, person: &Person, path: &Secret) -> store::Result<()> {
    tx.queue_mail(person, &Notice::VerifyEmail { name: person.name.to_string(), path: path.expose().to_owned() })
}

/// A link to choose a new password. `path` works like a password.
pub fn password_link(tx: &mut Tx<'_>, person: &Person, path: &Secret) -> store::Result<()> {
    tx.queue_mail(person, &Notice::ResetPassword { name: person.name.to_string(), path: path.expose().to_owned() })
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

/// Tells the people who can decide: the dataset's reviewers, or the administrators if it has none.
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
pub fn grant_ending(tx: &mut Tx<'_>, line: &GrantLine) -> store::Result<()> {
    if line.grant.ends_at - line.grant.starts_at <= ENDING_NOTICE {
        return Ok(());
    }
    let Some(holder) = people::by_id(tx.conn, line.grant.person)? else { return Ok(()) };
    let about = AboutRequest {
        name: holder.name.to_string(),
        dataset: line.title.clone(),
        path: format!("/datasets/{}", line.dataset),
    };
    tx.queue_mail(&holder, &Notice::GrantEnding { about, ends_at: line.grant.ends_at })
}
