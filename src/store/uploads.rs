//! Files that were handed in as answers, in parts of [`PART`] bytes.

use diesel::prelude::*;

use super::columns::{parse, signed, unsigned};
use super::connection::AnyConnection;
use super::error::Result;
use super::files::column;
use super::schema::{upload_parts, uploads};
use crate::domain::Timestamp;
use crate::domain::form::{FileAnswer, FileName};
use crate::domain::ids::{PersonId, RequestId, UploadId};
use crate::domain::upload::{HeldFiles, Upload};

/// The size of a part, in bytes; the last one may be smaller.
pub const PART: usize = 256 * 1024;

/// Makes room for a file of which nothing has come yet.
///
/// # Errors
/// When the database fails.
pub fn begin(
    conn: &mut AnyConnection,
    id: UploadId,
    (owner, name): (PersonId, &FileName),
    now: Timestamp,
) -> Result<()> {
    diesel::insert_into(uploads::table)
        .values((
            uploads::id.eq(id.to_string()),
            uploads::person_id.eq(owner.to_string()),
            uploads::name.eq(name.as_str()),
            uploads::size.eq(0_i64),
            uploads::signed.eq(false),
            uploads::created_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Adds a part to a file that is still coming. Says whether that is so.
///
/// # Errors
/// When the database fails.
pub fn add_part(conn: &mut AnyConnection, id: UploadId, place: u32, bytes: &[u8]) -> Result<bool> {
    let coming = uploads::table.find(id.to_string()).filter(uploads::sha256.is_null());
    let size = signed(bytes.len() as u64);
    if diesel::update(coming).set(uploads::size.eq(uploads::size + size)).execute(conn)? == 0 {
        return Ok(false);
    }
    diesel::insert_into(upload_parts::table)
        .values((
            upload_parts::upload_id.eq(id.to_string()),
            upload_parts::place.eq(column(place)),
            upload_parts::bytes.eq(bytes),
        ))
        .execute(conn)?;
    Ok(true)
}

/// Says that all of a file has come. Says whether it was still coming, and has that size.
///
/// # Errors
/// When the database fails.
pub fn complete(conn: &mut AnyConnection, file: &FileAnswer) -> Result<bool> {
    let coming = uploads::table
        .find(file.id.to_string())
        .filter(uploads::sha256.is_null())
        .filter(uploads::size.eq(signed(file.size)));
    let said = (uploads::file_type.eq(file.file_type.as_str()), uploads::sha256.eq(file.sha256.to_string()));
    Ok(diesel::update(coming).set(said).execute(conn)? > 0)
}

/// What is kept of a person's files.
///
/// # Errors
/// When the database fails.
pub fn held(conn: &mut AnyConnection, owner: PersonId) -> Result<HeldFiles> {
    // There are no more of them than the rules allow.
    let rows: Vec<(i64, Option<String>, Option<String>)> = uploads::table
        .filter(uploads::person_id.eq(owner.to_string()))
        .select((uploads::size, uploads::request_id, uploads::sha256))
        .load(conn)?;
    let mut held = HeldFiles { kept: rows.len(), ..HeldFiles::default() };
    for (size, request, sha256) in rows {
        let size = unsigned(size);
        held.kept_bytes += size;
        held.coming += usize::from(sha256.is_none());
        if request.is_none() {
            held.waiting += 1;
            held.waiting_bytes += size;
        }
    }
    Ok(held)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = uploads)]
struct UploadRow {
    id: String,
    person_id: String,
    request_id: Option<String>,
    name: String,
    size: i64,
    file_type: Option<String>,
    sha256: Option<String>,
    signed: bool,
}

impl UploadRow {
    /// The file; `None` while it is still coming.
    fn upload(self) -> Result<Option<Upload>> {
        let (Some(file_type), Some(sha256)) = (self.file_type, self.sha256) else { return Ok(None) };
        let file = FileAnswer {
            id: parse("upload id", &self.id)?,
            file_type: parse("type of an upload", &file_type)?,
            size: unsigned(self.size),
            sha256: parse("hash of an upload", &sha256)?,
            name: parse("name of an upload", &self.name)?,
        };
        Ok(Some(Upload {
            file,
            owner: parse("person id", &self.person_id)?,
            request: self.request_id.map(|id| parse("request id", &id)).transpose()?,
            signed: self.signed,
        }))
    }
}

/// A file all of which has come.
///
/// # Errors
/// When the database fails.
pub fn by_id(conn: &mut AnyConnection, id: UploadId) -> Result<Option<Upload>> {
    let row = uploads::table.find(id.to_string()).select(UploadRow::as_select()).first(conn).optional()?;
    row.map_or(Ok(None), UploadRow::upload)
}

/// A part of a file.
///
/// # Errors
/// When the database fails.
pub fn part(conn: &mut AnyConnection, id: UploadId, place: u32) -> Result<Option<Vec<u8>>> {
    let row = upload_parts::table.find((id.to_string(), column(place)));
    Ok(row.select(upload_parts::bytes).first(conn).optional()?)
}

/// Makes a file part of a request.
///
/// # Errors
/// When the database fails.
pub fn attach(conn: &mut AnyConnection, id: UploadId, request: RequestId) -> Result<()> {
    let row = diesel::update(uploads::table.find(id.to_string()));
    row.set(uploads::request_id.eq(request.to_string())).execute(conn)?;
    Ok(())
}

/// Notes that a signature binds a file.
///
/// # Errors
/// When the database fails.
pub fn set_signed(conn: &mut AnyConnection, id: UploadId) -> Result<()> {
    diesel::update(uploads::table.find(id.to_string())).set(uploads::signed.eq(true)).execute(conn)?;
    Ok(())
}

/// Deletes the files of a request that no signature binds, but for those that are still answers.
///
/// # Errors
/// When the database fails.
pub fn delete_replaced(conn: &mut AnyConnection, request: RequestId, kept: &[UploadId]) -> Result<()> {
    let kept: Vec<String> = kept.iter().map(UploadId::to_string).collect();
    let replaced = uploads::table
        .filter(uploads::request_id.eq(request.to_string()))
        .filter(uploads::signed.eq(false))
        .filter(uploads::id.ne_all(kept));
    let replaced: Vec<String> = replaced.select(uploads::id).load(conn)?;
    delete(conn, &replaced)?;
    Ok(())
}

/// A file that is part of no request and was handed in before a time, or began to come before another and never came whole.
///
/// # Errors
/// When the database fails.
pub fn left_behind(conn: &mut AnyConnection, whole: Timestamp, coming: Timestamp) -> Result<Option<UploadId>> {
    let too_old = uploads::created_at.lt(whole.0);
    let never_came = uploads::sha256.is_null().and(uploads::created_at.lt(coming.0));
    let left = uploads::table.filter(uploads::request_id.is_null()).filter(too_old.or(never_came));
    let id: Option<String> = left.order(uploads::created_at).select(uploads::id).first(conn).optional()?;
    id.map(|id| parse("upload id", &id)).transpose()
}

/// Deletes a file that is part of no request.
///
/// # Errors
/// When the database fails.
pub fn delete_waiting(conn: &mut AnyConnection, id: UploadId) -> Result<()> {
    let row = uploads::table.find(id.to_string()).filter(uploads::request_id.is_null());
    let ids: Vec<String> = row.select(uploads::id).load(conn)?;
    delete(conn, &ids)?;
    Ok(())
}

/// Deletes every file of a person. Says how many there were.
///
/// # Errors
/// When the database fails.
pub fn delete_of(conn: &mut AnyConnection, owner: PersonId) -> Result<usize> {
    let own = uploads::table.filter(uploads::person_id.eq(owner.to_string()));
    let own: Vec<String> = own.select(uploads::id).load(conn)?;
    delete(conn, &own)
}

fn delete(conn: &mut AnyConnection, ids: &[String]) -> Result<usize> {
    if ids.is_empty() {
        return Ok(0);
    }
    conn.enable_secure_delete()?;
    for id in ids {
        diesel::delete(upload_parts::table.filter(upload_parts::upload_id.eq(id))).execute(conn)?;
        diesel::delete(uploads::table.find(id)).execute(conn)?;
    }
    Ok(ids.len())
}
