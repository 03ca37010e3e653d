//! A list of files as text, read and sent batch by batch, so that no list is in memory whole.

use std::rc::Rc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use super::permit::ListingPermit;
use crate::store::{AnyConnection, ReadPool, Result as StoreResult};
use crate::web::error::WebError;

/// Rows read at a time.
pub const BATCH: i64 = 5_000;

/// Streams a list of a release's files: `head`, then what `read` gives for each position from `start` on, then `tail`. The
/// permit is held until the last of it was sent. Imports meanwhile change nothing: a release stays what it is.
///
/// When the list can't be finished, the connection ends without the last chunk, so that nobody takes it for all.
pub fn stream_list<P, F>(
    reads: ReadPool,
    permit: ListingPermit,
    (head, tail): (String, &'static str),
    (start, read): (P, F),
) -> impl Stream<Item = Result<Bytes, WebError>> + use<P, F>
where
    P: Send + 'static,
    F: Fn(&mut AnyConnection, P) -> StoreResult<(String, Option<P>)> + Clone + Send + 'static,
{
    let permit = Rc::new(permit);
    let batches = stream::try_unfold(Some(start), move |state| {
        let (reads, permit, read) = (reads.clone(), permit.clone(), read.clone());
        async move {
            let Some(position) = state else { return Ok(None) };
            if permit.has_ended() {
                return Err(WebError::Unavailable);
            }
            let (text, next) = reads.read(move |conn| read(conn, position)).await?;
            Ok(Some((Bytes::from(text), next)))
        }
    });
    let once = |text: String| stream::once(std::future::ready(Ok(Bytes::from(text))));
    once(head).chain(batches).chain(once(tail.to_owned()))
}

/// Text as it stands in HTML and XML; paths have no control characters.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
