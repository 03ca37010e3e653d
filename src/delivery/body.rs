//! Sending a file, or parts of it, in chunks; at the end, however it comes, the ledger is told how many bytes went.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::watch;

use super::range::ByteRange;
use crate::ledger::commands::admission::{TransferEnd, finish};
use crate::ledger::{Error, Ledger};

/// Bytes read at a time.
const CHUNK: u64 = 256 * 1024;

/// Something to send, in order.
#[derive(Debug)]
enum Piece {
    /// The file's bytes from an offset on, so many.
    File(u64, u64),
    /// These bytes.
    Text(Bytes),
}

/// What is to be sent.
#[derive(Debug)]
pub struct Plan {
    pieces: VecDeque<Piece>,
    /// Bytes in all.
    pub length: u64,
    /// The boundary, when it is `multipart/byteranges`.
    pub boundary: Option<String>,
}

impl Plan {
    /// The whole file.
    pub fn whole(size: u64) -> Self {
        Self { pieces: VecDeque::from([Piece::File(0, size)]), length: size, boundary: None }
    }

    /// One part as it is; several as `multipart/byteranges` (RFC 9110 section 14.6).
    pub fn parts(parts: &[ByteRange], size: u64, media_type: &str, boundary: &str) -> Self {
        if let [only] = parts {
            let pieces = VecDeque::from([Piece::File(only.first, only.len())]);
            return Self { pieces, length: only.len(), boundary: None };
        }
        let mut pieces = VecDeque::new();
        let mut length = 0;
        let mut text = |pieces: &mut VecDeque<Piece>, text: String| {
            length += text.len() as u64;
            pieces.push_back(Piece::Text(text.into()));
        };
        for part in parts {
            let range = part.content_range(size);
            let head = format!("\r\n--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {range}\r\n\r\n");
            text(&mut pieces, head);
            pieces.push_back(Piece::File(part.first, part.len()));
        }
        text(&mut pieces, format!("\r\n--{boundary}--\r\n"));
        length += parts.iter().map(ByteRange::len).sum::<u64>();
        Self { pieces, length, boundary: Some(boundary.to_owned()) }
    }
}

/// Asks whether a running transfer may go on; it is asked after anything was revoked.
pub type StillAllowed = Box<dyn Fn() -> futures_util::future::BoxFuture<'static, bool> + Send>;

/// A transfer under way. Dropping it records how it ended.
struct Transfer {
    file: Arc<File>,
    plan: VecDeque<Piece>,
    ledger: Ledger,
    end: TransferEnd,
    revoked: watch::Receiver<u64>,
    still_allowed: StillAllowed,
    /// Bytes of the chunk that was handed over last; they count once the next is asked for.
    pending: u64,
    failed: bool,
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if !self.plan.is_empty() && self.end.interrupted.is_none() {
            self.end.interrupted = Some("client gone");
        }
        // The last chunk was handed to the connection; it may have gone out or not. The log never says less than went.
        self.end.bytes += std::mem::take(&mut self.pending);
        post_end(self.ledger.clone(), self.end.clone());
    }
}

/// Records the end of a transfer; when the ledger is busy, a little later.
pub fn post_end(ledger: Ledger, end: TransferEnd) {
    let again = end.clone();
    if let Err(Error::Busy) = ledger.post(move |tx| finish(tx, &end))
        && let Ok(runtime) = tokio::runtime::Handle::try_current()
    {
        runtime.spawn(async move {
            for _ in 0..60 {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let end = again.clone();
                if !matches!(ledger.post(move |tx| finish(tx, &end)), Err(Error::Busy)) {
                    return;
                }
            }
            tracing::error!(transfer = %again.admission.transfer, "the end of a transfer could not be recorded");
        });
    }
}

/// The bytes of `plan`, of `file`. The transfer's end is recorded when the stream is dropped.
pub fn stream(
    file: File,
    plan: Plan,
    ledger: Ledger,
    end: TransferEnd,
    still_allowed: StillAllowed,
) -> impl Stream<Item = io::Result<Bytes>> {
    let revoked = ledger.signals().revoked.subscribe();
    let transfer = Transfer {
        file: Arc::new(file),
        plan: plan.pieces,
        ledger,
        end,
        revoked,
        still_allowed,
        pending: 0,
        failed: false,
    };
    futures_util::stream::unfold(transfer, |mut transfer| async move {
        let chunk = transfer.next().await?;
        Some((chunk, transfer))
    })
}

impl Transfer {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        self.end.bytes += std::mem::take(&mut self.pending);
        if self.failed {
            return None;
        }
        if self.revoked.has_changed().unwrap_or(false) {
            self.revoked.mark_unchanged();
            if !(self.still_allowed)().await {
                return Some(self.fail("revoked", io::Error::other("access was revoked")));
            }
        }
        let (offset, length) = match self.plan.front_mut()? {
            Piece::Text(_) => {
                let Some(Piece::Text(text)) = self.plan.pop_front() else { return None };
                self.pending = text.len() as u64;
                return Some(Ok(text));
            }
            Piece::File(offset, left) => {
                let span = (*offset, (*left).min(CHUNK));
                *offset += span.1;
                *left -= span.1;
                let done = *left == 0;
                if done {
                    self.plan.pop_front();
                }
                span
            }
        };
        if length == 0 {
            return self.plan.is_empty().then_some(()).and(None);
        }
        let file = self.file.clone();
        let read = tokio::task::spawn_blocking(move || {
            let mut buffer = vec![0; usize::try_from(length).unwrap_or(0)];
            file.read_exact_at(&mut buffer, offset).map(|()| Bytes::from(buffer))
        });
        match read.await {
            Ok(Ok(chunk)) => {
                self.pending = chunk.len() as u64;
                Some(Ok(chunk))
            }
            Ok(Err(error)) => Some(self.fail("file changed", error)),
            Err(error) => Some(self.fail("stopped", io::Error::other(error))),
        }
    }

    fn fail(&mut self, reason: &'static str, error: io::Error) -> io::Result<Bytes> {
        self.failed = true;
        self.end.interrupted = Some(reason);
        self.plan.clear();
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipart_has_the_length_it_says() {
        let parts = [ByteRange { first: 0, last: 9 }, ByteRange { first: 90, last: 99 }];
        let plan = Plan::parts(&parts, 100, "text/csv", "b");
        let total: u64 = plan
            .pieces
            .iter()
            .map(|piece| match piece {
                Piece::File(_, length) => *length,
                Piece::Text(text) => text.len() as u64,
            })
            .sum();
        assert_eq!(plan.length, total);
        assert_eq!(plan.boundary.as_deref(), Some("b"));
        assert!(Plan::parts(&parts[..1], 100, "text/csv", "b").boundary.is_none());
    }
}
