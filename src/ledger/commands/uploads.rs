//! Files as answers: taking them in, part by part, and making them part of a request.

use super::people::actor;
use crate::domain::access_request::AccessRequest;
use crate::domain::event::{Action, Actor, Event};
use crate::domain::form::{FileAnswer, FileName};
use crate::domain::ids::{PersonId, UploadId};
use crate::domain::person::Role;
use crate::domain::upload::{COMING_LONGEST, WAITING_LONGEST, check_hand_in};
use crate::domain::{Refusal, Timestamp};
use crate::ledger::error::CommandError;
use crate::ledger::transaction::Tx;
use crate::store::{AnyConnection, uploads};

/// Begins to take a file in.
///
/// # Errors
/// As [`check_hand_in`], or when the store fails.
pub fn begin(tx: &mut Tx<'_>, owner: PersonId, name: &FileName) -> Result<UploadId, CommandError> {
    let id = tx.id();
    uploads::begin(tx.conn, id, (owner, name), tx.now)?;
    check_owner(tx, owner)?;
    Ok(id)
}

/// Takes the next part of a file in.
///
/// # Errors
/// As [`check_hand_in`]; [`Refusal::NoSuchFile`] when the file is no longer expected; or when the store fails.
pub fn add_part(
    tx: &mut Tx<'_>,
    owner: PersonId,
    (id, place): (UploadId, u32),
    bytes: &[u8],
) -> Result<(), CommandError> {
    if !uploads::add_part(tx.conn, id, place, bytes)? {
        return Err(Refusal::NoSuchFile.into());
    }
    check_owner(tx, owner)
}

fn check_owner(tx: &mut Tx<'_>, owner: PersonId) -> Result<(), CommandError> {
    let person = actor(tx, owner)?;
    Ok(check_hand_in(&person, uploads::held(tx.conn, owner)?)?)
}

/// Says that all of a file has come, and what it is.
///
/// # Errors
/// As [`add_part`].
pub fn complete(tx: &mut Tx<'_>, owner: PersonId, file: &FileAnswer) -> Result<(), CommandError> {
    if !uploads::complete(tx.conn, file)? {
        return Err(Refusal::NoSuchFile.into());
    }
    check_owner(tx, owner)?;
    let event = Event::new(Action::UploadReceived, Actor::person(owner, Role::Applicant)).subject(file.id);
    let event = event.with("type", file.file_type.as_str()).with("size", file.size);
    tx.record(event.private("name", file.name.as_str()).private("sha256", file.sha256.to_string()));
    Ok(())
}

/// Gives up a file of which not all came, or that was of no type that is taken.
///
/// # Errors
/// When the store fails.
pub fn give_up(tx: &mut Tx<'_>, id: UploadId) -> Result<(), CommandError> {
    Ok(uploads::delete_waiting(tx.conn, id)?)
}

/// A file that has not become part of a request in time, or not come whole.
///
/// # Errors
/// When the database fails.
pub fn left_behind(conn: &mut AnyConnection, now: Timestamp) -> crate::store::Result<Option<UploadId>> {
    uploads::left_behind(conn, now - WAITING_LONGEST, now - COMING_LONGEST)
}

/// Deletes the files of a request that no signature binds: nothing more will be signed with it.
///
/// # Errors
/// When the store fails.
pub(super) fn delete_unsigned(tx: &mut Tx<'_>, request: &AccessRequest) -> Result<(), CommandError> {
    Ok(uploads::delete_replaced(tx.conn, request.id, &[])?)
}

/// Whether files become answers in a draft, or are signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Binding {
    /// They are part of the draft, and may still be replaced.
    Draft,
    /// A signature binds them.
    Signature,
}

/// Makes files part of the request, and deletes those that they replace.
///
/// # Errors
/// [`Refusal::NoSuchFile`] when one is not the applicant's or not what the answer says, or when the store fails.
pub(super) fn attach(
    tx: &mut Tx<'_>,
    request: &AccessRequest,
    (files, binding): (&[FileAnswer], Binding),
) -> Result<(), CommandError> {
    for file in files {
        let upload = uploads::by_id(tx.conn, file.id)?.ok_or(Refusal::NoSuchFile)?;
        upload.check_use(file, request)?;
        uploads::attach(tx.conn, file.id, request.id)?;
        if binding == Binding::Signature {
            uploads::set_signed(tx.conn, file.id)?;
        }
    }
    let kept: Vec<UploadId> = files.iter().map(|file| file.id).collect();
    Ok(uploads::delete_replaced(tx.conn, request.id, &kept)?)
}
