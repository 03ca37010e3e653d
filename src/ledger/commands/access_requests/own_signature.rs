//! Signing for oneself under a request that is there.

use super::apply;
use super::step::{ChangeContext, Submission};
use crate::domain::access_request::commands::RequestCommand;
use crate::domain::access_request::rules::decide;
use crate::domain::access_request::signing::CompleteForm;
use crate::domain::ids::{PersonId, RequestId, SignatureId};
use crate::domain::origin::Origin;
use crate::domain::person::{AuthMethod, Role};
use crate::domain::project::WantedProject;
use crate::domain::{Refusal, Timestamp};
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::{RequestFacts, grants, new_versions};

/// Somebody signs for themselves under a request that is there: another member of the project, or whoever has to sign newer
/// versions.
#[derive(Clone, Debug)]
pub struct OwnSignature {
    /// The signer.
    pub person: PersonId,
    /// The request.
    pub request: RequestId,
    /// The form, in which nothing is missing.
    pub form: CompleteForm,
    /// How the signer last proved who they are.
    pub auth_method: AuthMethod,
    /// When the signer last proved who they are.
    pub proved_at: Timestamp,
    /// The signer's client.
    pub origin: Origin,
}

impl OwnSignature {
    /// What is handed in under the request of these facts.
    fn under(&self, facts: &RequestFacts) -> Submission {
        Submission {
            person: self.person,
            dataset: facts.dataset.slug.clone(),
            project: WantedProject::Latest,
            form: self.form.clone(),
            auth_method: self.auth_method,
            proved_at: self.proved_at,
            origin: self.origin.clone(),
        }
    }
}

/// Signs as another member of the project. After a decision that covers it, the grant follows at once.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn sign_as_member(tx: &mut Tx<'_>, submission: &OwnSignature) -> Result<(), CommandError> {
    sign(tx, submission, |OwnSignature { form, proved_at, .. }, signatures| RequestCommand::SignAsMember {
        form,
        proved_at: *proved_at,
        signatures,
    })
}

/// Signs the newer versions of agreements that somebody's access by a request rests on, and with the same signature those of
/// their other requests for which no other is needed.
///
/// # Errors
/// The rule that says no, or when the store fails.
pub fn sign_new_versions(tx: &mut Tx<'_>, submission: &OwnSignature) -> Result<(), CommandError> {
    let person = submission.person;
    sign_new_versions_under(tx, submission)?;
    for line in grants::to_sign_of(tx.conn, person, tx.now)? {
        let request = line.grant.request;
        let to_sign = new_versions::to_sign(tx.conn, request, person)?;
        if let Some(form) = to_sign.and_then(|to_sign| submission.form.covering(&to_sign)) {
            sign_new_versions_under(tx, &OwnSignature { request, form, ..submission.clone() })?;
        }
    }
    Ok(())
}

fn sign_new_versions_under(tx: &mut Tx<'_>, submission: &OwnSignature) -> Result<(), CommandError> {
    sign(tx, submission, |OwnSignature { form, proved_at, .. }, signatures| RequestCommand::SignNewVersions {
        form,
        proved_at: *proved_at,
        signatures,
    })
}

fn sign(
    tx: &mut Tx<'_>,
    submission: &OwnSignature,
    command: impl for<'a> Fn(&'a OwnSignature, &'a [SignatureId]) -> RequestCommand<'a>,
) -> Result<(), CommandError> {
    let OwnSignature { person, form, .. } = submission;
    let facts = RequestFacts::of_request(tx.conn, submission.request, *person)?.ok_or(Refusal::NotFound)?;
    let signatures: Vec<SignatureId> = form.versions().iter().map(|_| tx.id()).collect();
    let changes = decide(&facts.situation(), &command(submission, &signatures), tx.now)?;
    let signed = submission.under(&facts);
    let step = ChangeContext { signing: Some(&signed), ..ChangeContext::by(*person, Role::Applicant) };
    apply(tx, facts, &changes, &step)?;
    Ok(())
}
