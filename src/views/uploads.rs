//! Files that were handed in as answers.

use crate::domain::ids::{PersonId, RequestId, UploadId};
use crate::domain::upload::Upload;
use crate::store::{AnyConnection, RequestFacts, Result, uploads};

/// A file of a request; `None` for whoever may not read it.
///
/// # Errors
/// When the database fails.
pub fn file(
    conn: &mut AnyConnection,
    (request, id): (RequestId, UploadId),
    reader: PersonId,
) -> Result<Option<Upload>> {
    let Some(upload) = uploads::by_id(conn, id)?.filter(|upload| upload.request == Some(request)) else {
        return Ok(None);
    };
    let Some(facts) = RequestFacts::of_request(conn, request, reader)? else { return Ok(None) };
    let may_read = upload.may_be_read(&facts.actor, facts.deciding(), facts.request());
    Ok(may_read.then_some(upload))
}
