//! Storing and recording signatures.

use super::step::{Submission, of_request};
use crate::domain::Refusal;
use crate::domain::access_request::AccessRequest;
use crate::domain::event::{Action, Actor};
use crate::domain::ids::{SignatureId, VersionId};
use crate::domain::person::Role;
use crate::domain::signature::{AnsweredForm, SignatureRecord, SignedText, Signer};
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::{RequestFacts, agreements, forms, signatures};

/// Stores and records the signatures under a request.
pub(super) fn sign_all(
    tx: &mut Tx<'_>,
    facts: &RequestFacts,
    request: &AccessRequest,
    ids: &[SignatureId],
    submission: Option<&Submission>,
) -> Result<(), CommandError> {
    let submission = submission.ok_or(Refusal::NothingToSign)?;
    let form = match submission.form.form_version() {
        Some(id) => Some(forms::version(tx.conn, id)?.ok_or(Refusal::NothingToSign)?),
        None => None,
    };
    let form = form.map(|form| AnsweredForm { slug: form.slug, version_id: form.id, version: form.number });
    for (id, version) in ids.iter().zip(submission.form.versions()) {
        sign(tx, facts, request, (*id, *version), (submission, form.clone()))?;
    }
    Ok(())
}

/// Stores and records one signature.
fn sign(
    tx: &mut Tx<'_>,
    facts: &RequestFacts,
    request: &AccessRequest,
    (id, version): (SignatureId, VersionId),
    (submission, form): (&Submission, Option<AnsweredForm>),
) -> Result<(), CommandError> {
    let version = agreements::version(tx.conn, version)?.ok_or(Refusal::NothingToSign)?;
    let text = version.text(submission.form.language()).ok_or(Refusal::NothingToSign)?;
    let person = &facts.actor;
    let record = SignatureRecord {
        id,
        dataset: facts.dataset.slug.clone(),
        project: request.project,
        request: request.id,
        agreement: SignedText {
            slug: version.slug.clone(),
            version_id: version.id,
            version: version.number,
            language: text.language,
            text_sha256: text.sha256,
            statement: version.statement.text(text.language).to_owned(),
            consent: version.consent.text(text.language).to_owned(),
        },
        form,
        signer: Signer {
            person: person.id,
            typed_name: submission.form.typed_name().to_string(),
            name: person.name.to_string(),
            email: person.email.to_string(),
            email_verified: person.email_verified_at.is_some(),
            affiliation: person.affiliation.clone(),
            project_title: facts.project.as_ref().map(|(project, _)| project.description.title.clone()),
            project_purpose: facts.project.as_ref().map(|(project, _)| project.description.purpose.clone()),
            answers: submission.form.answers().clone(),
            ip: submission.origin.ip.clone(),
            user_agent: submission.origin.user_agent.clone(),
            authenticated_by: submission.auth_method,
            authenticated_at: submission.proved_at,
        },
        signed_at: tx.now,
    };
    let by = Actor::person(person.id, Role::Applicant);
    let mut event = of_request(facts, request, Action::AgreementSigned, by)
        .subject(id)
        .with("request", request.id.to_string())
        .with("signed_at", tx.now.to_string());
    event.details.set("agreement", json(&record.agreement));
    if let Some(form) = &record.form {
        event.details.set("form", json(form));
    }
    if let serde_json::Value::Object(signer) = json(&record.signer) {
        event.private = signer.into_iter().collect();
    }
    let index = tx.record(event);
    Ok(signatures::insert(tx.conn, &record, index)?)
}

fn json<T: serde::Serialize>(value: &T) -> serde_json::Value {
    serde_json::to_value(value).expect("the domain's types always serialise")
}
