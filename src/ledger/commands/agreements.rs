//! Publishing agreements.

use crate::domain::agreement::{AgreementVersion, NewAgreementVersion};
use crate::domain::event::{Action, Actor, Event};
use crate::domain::ids::AgreementId;
use crate::ledger::commands::Published;
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::agreements;

/// Publishes a version of an agreement, numbered after the last one; the same again is not published.
///
/// # Errors
/// When the store fails.
pub fn publish(
    tx: &mut Tx<'_>,
    by: Actor,
    new: NewAgreementVersion,
) -> Result<Published<AgreementVersion>, CommandError> {
    let agreement: AgreementId = if let Some(id) = agreements::id_of(tx.conn, new.slug())? {
        id
    } else {
        let id = tx.id();
        agreements::insert(tx.conn, id, new.slug())?;
        id
    };
    let last = agreements::in_force(tx.conn, agreement)?;
    if let Some(last) = &last
        && new.is_same_as(last)
    {
        return Ok(Published::Unchanged(last.clone()));
    }
    let version = new.publish(tx.id(), agreement, last.as_ref(), tx.now);
    agreements::insert_version(tx.conn, &version)?;
    let mut event = Event::new(Action::AgreementPublished, by)
        .subject(version.id)
        .with("agreement", version.slug.as_str())
        .with("version", version.number);
    let texts: serde_json::Map<_, _> =
        version.texts.iter().map(|text| (text.language.tag().to_owned(), text.sha256.to_string().into())).collect();
    event.details.set("texts_sha256", texts);
    tx.record(event);
    Ok(Published::New(version))
}
