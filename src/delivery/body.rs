//! Sending a file, or parts of it, in chunks; at the end, however it comes, the ledger is told how many bytes went.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::buffers::{self, Buffer, Held};
use super::range::ByteRange;
use super::transfer::Transfer;

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
pub type StillAllowed = Box<dyn Fn() -> BoxFuture<'static, bool> + Send>;

/// What a transfer waits for.
enum Waiting {
    Nothing,
    /// Whether it may go on.
    Leave(BoxFuture<'static, bool>),
    /// The disk.
    Disk(JoinHandle<io::Result<Buffer>>),
}

/// The bytes of a file, or parts of it, as the body of an answer. Dropping it records how the transfer ended.
pub struct FileBody {
    file: Arc<File>,
    plan: VecDeque<Piece>,
    length: u64,
    transfer: Transfer,
    revoked: watch::Receiver<u64>,
    still_allowed: StillAllowed,
    waiting: Waiting,
    /// Bytes of the piece that was handed over last; they count once the next is asked for.
    pending: u64,
    held: Held,
}

impl FileBody {
    /// The bytes of `plan`, of `file`. `revoked` must have been taken before the transfer was admitted.
    pub fn new(
        file: File,
        plan: Plan,
        mut transfer: Transfer,
        revoked: watch::Receiver<u64>,
        still_allowed: StillAllowed,
    ) -> Self {
        if plan.length == 0 {
            // An empty body is never asked for.
            transfer.complete();
        }
        Self {
            file: Arc::new(file),
            plan: plan.pieces,
            length: plan.length,
            transfer,
            revoked,
            still_allowed,
            waiting: Waiting::Nothing,
            pending: 0,
            held: Held::default(),
        }
    }

    fn fail(&mut self, reason: &'static str, error: io::Error) -> Poll<Option<io::Result<Bytes>>> {
        self.transfer.interrupt(reason);
        self.plan.clear();
        Poll::Ready(Some(Err(error)))
    }

    fn hand_over(&mut self, bytes: Bytes) -> Poll<Option<io::Result<Bytes>>> {
        self.pending = bytes.len() as u64;
        self.held.set(self.pending);
        Poll::Ready(Some(Ok(bytes)))
    }

    /// The next piece of the file, at most so long; takes it off the plan.
    fn next_span(&mut self) -> Option<(u64, usize)> {
        loop {
            let Piece::File(offset, left) = self.plan.front_mut()? else { return None };
            if *left == 0 {
                self.plan.pop_front();
                continue;
            }
            let length = usize::try_from(*left).unwrap_or(usize::MAX).min(buffers::piece());
            let span = (*offset, length);
            *offset += length as u64;
            *left -= length as u64;
            if *left == 0 {
                self.plan.pop_front();
            }
            return Some(span);
        }
    }

    fn read(&mut self, offset: u64, length: usize) -> Option<io::Result<Buffer>> {
        let mut buffer = Buffer::of(length);
        let done = match read_cached(&self.file, buffer.as_mut(), offset) {
            Ok(done) => done,
            Err(error) => return Some(Err(error)),
        };
        if done == length {
            return Some(Ok(buffer));
        }
        // The rest is not in memory: another thread waits for the disk.
        let file = self.file.clone();
        self.waiting = Waiting::Disk(tokio::task::spawn_blocking(move || {
            file.read_exact_at(&mut buffer.as_mut()[done..], offset + done as u64).map(|()| buffer)
        }));
        None
    }
}

/// Why a read failed: the file is shorter than it was, or the storage is in trouble.
fn why(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::UnexpectedEof { "file changed" } else { "storage" }
}

/// Reads what is in the page cache, without waiting for the disk; says how much that was.
fn read_cached(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut parts = [io::IoSliceMut::new(buffer)];
    match rustix::io::preadv2(file, &mut parts, offset, rustix::io::ReadWriteFlags::NOWAIT) {
        Ok(read) => Ok(read),
        // Nothing is cached, or the file system can't tell.
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::INTR) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

impl MessageBody for FileBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let this = &mut *self;
        this.transfer.sent(std::mem::take(&mut this.pending));
        this.held.set(0);
        if matches!(this.waiting, Waiting::Nothing) && this.revoked.has_changed().unwrap_or(false) {
            this.revoked.mark_unchanged();
            this.waiting = Waiting::Leave((this.still_allowed)());
        }
        loop {
            match &mut this.waiting {
                Waiting::Nothing => {}
                Waiting::Leave(leave) => {
                    let allowed = ready!(leave.as_mut().poll(context));
                    this.waiting = Waiting::Nothing;
                    if !allowed {
                        return this.fail("revoked", io::Error::other("access was revoked"));
                    }
                }
                Waiting::Disk(read) => {
                    let read = ready!(Pin::new(read).poll(context));
                    this.waiting = Waiting::Nothing;
                    return match read {
                        Ok(Ok(buffer)) => this.hand_over(buffer.freeze()),
                        Ok(Err(error)) => this.fail(why(&error), error),
                        Err(error) => this.fail("stopped", io::Error::other(error)),
                    };
                }
            }
            if let Some(Piece::Text(_)) = this.plan.front()
                && let Some(Piece::Text(text)) = this.plan.pop_front()
            {
                return this.hand_over(text);
            }
            let Some((offset, length)) = this.next_span() else {
                if this.plan.is_empty() {
                    // It asks for more only when it has sent most of what it has.
                    this.transfer.complete();
                    return Poll::Ready(None);
                }
                continue;
            };
            match this.read(offset, length) {
                Some(Ok(buffer)) => return this.hand_over(buffer.freeze()),
                Some(Err(error)) => return this.fail(why(&error), error),
                None => {}
            }
        }
    }
}

impl Drop for FileBody {
    fn drop(&mut self) {
        // The last piece was handed to the connection; it may have gone out or not. The log never says less than went.
        self.transfer.sent(self.pending);
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
