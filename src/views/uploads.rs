//! Files that were handed in as answers.

use crate::domain::ids::{PersonId, RequestId, UploadId};
use crate::domain::person::Person;
use crate::domain::upload::Upload;
use crate::store::{AnyConnection, RequestFacts, Result, uploads};

/// A file of a request, for its owner; `None` for everybody else.
///
/// # Errors
/// When the database fails.
pub fn own(conn: &mut AnyConnection, ids: (RequestId, UploadId), reader: PersonId) -> Result<Option<Upload>> {
    Ok(of_request(conn, ids)?.filter(|upload| upload.belongs_to(reader)))
}

/// A file of a request, for those who read the request as reviewers do; `None` for everybody else. The reader is as they are
/// by now, and no auditor where a token does not allow that.
///
/// # Errors
/// When the database fails.
pub fn of_case(conn: &mut AnyConnection, ids: (RequestId, UploadId), reader: &Person) -> Result<Option<Upload>> {
    let Some(upload) = of_request(conn, ids)? else { return Ok(None) };
    let Some(facts) = RequestFacts::of_request(conn, ids.0, reader.id)? else { return Ok(None) };
    let may_read =
        facts.request().is_some_and(|request| upload.may_be_read_by_reviewer(reader, facts.deciding(), request));
    Ok(may_read.then_some(upload))
}

fn of_request(conn: &mut AnyConnection, (request, id): (RequestId, UploadId)) -> Result<Option<Upload>> {
    Ok(uploads::by_id(conn, id)?.filter(|upload| upload.request == Some(request)))
}
