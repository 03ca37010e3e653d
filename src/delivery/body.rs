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
use tokio::task::JoinHandle;

use super::buffers::{self, Buffer, Held};
use super::outlet::{LARGE, Outlet, Road, TURN};
use super::range::ByteRange;
use super::transfer::Transfer;
use super::wire::Connection;

/// Something to send, in order.
#[derive(Debug)]
enum Part {
    /// The file's bytes from an offset on, so many.
    File(u64, u64),
    /// These bytes.
    Text(Bytes),
}

/// What is to be sent.
#[derive(Debug)]
pub struct Plan {
    pieces: VecDeque<Part>,
    /// Bytes in all.
    pub length: u64,
    /// The boundary, when it is `multipart/byteranges`.
    pub boundary: Option<String>,
}

impl Plan {
    /// The whole file.
    pub fn whole(size: u64) -> Self {
        Self { pieces: VecDeque::from([Part::File(0, size)]), length: size, boundary: None }
    }

    /// One part as it is; several as `multipart/byteranges` (RFC 9110 section 14.6).
    pub fn parts(parts: &[ByteRange], size: u64, media_type: &str, boundary: &str) -> Self {
        if let [only] = parts {
            let pieces = VecDeque::from([Part::File(only.first, only.len())]);
            return Self { pieces, length: only.len(), boundary: None };
        }
        let mut pieces = VecDeque::new();
        let mut length = 0;
        let mut text = |pieces: &mut VecDeque<Part>, text: String| {
            length += text.len() as u64;
            pieces.push_back(Part::Text(text.into()));
        };
        for part in parts {
            let range = part.content_range(size);
            let head = format!("\r\n--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {range}\r\n\r\n");
            text(&mut pieces, head);
            pieces.push_back(Part::File(part.first, part.len()));
        }
        text(&mut pieces, format!("\r\n--{boundary}--\r\n"));
        length += parts.iter().map(ByteRange::len).sum::<u64>();
        Self { pieces, length, boundary: Some(boundary.to_owned()) }
    }
}

/// The most that is handed over at a time where answers share a connection: of more it would not be seen whether the client
/// takes some.
pub(super) const SHARED: usize = 64 * 1024;
/// The most that is read at a time to be encrypted: it is still in the processor's own memory then.
const TO_ENCRYPT: usize = 128 * 1024;

/// What a transfer waits for.
enum Waiting {
    Nothing,
    /// The disk, for a piece of the file.
    Disk(JoinHandle<io::Result<Buffer>>),
    /// The disk, for the part that is sent next.
    Ahead(JoinHandle<()>),
}

/// The bytes of a file, or parts of it, as the body of an answer. Dropping it records how the transfer ended.
pub struct FileBody {
    file: Arc<File>,
    plan: VecDeque<Part>,
    length: u64,
    transfer: Transfer,
    /// The way straight to the connection, if they take it.
    outlet: Option<Outlet>,
    waiting: Waiting,
    /// Bytes of the piece that was handed over last; they count once the next is asked for.
    pending: u64,
    held: Held,
    /// The file's pages are known to be in memory up to here.
    cached_to: u64,
}

impl FileBody {
    /// The bytes of `plan`, of `file`; by the `road`, if there is one and they are many.
    pub fn new(file: File, plan: Plan, mut transfer: Transfer, road: Option<Road>) -> Self {
        if plan.length == 0 {
            // An empty body is never asked for.
            transfer.complete();
        }
        // Without TLS what is not one part of a file would go out in many small pieces.
        let worth =
            |road: &Road| plan.length >= LARGE && (plan.pieces.len() == 1 || matches!(road, Road::Encrypted(_)));
        let outlet = road.filter(worth).map(Outlet::new);
        Self {
            file: Arc::new(file),
            plan: plan.pieces,
            length: plan.length,
            transfer,
            outlet,
            waiting: Waiting::Nothing,
            pending: 0,
            held: Held::default(),
            cached_to: 0,
        }
    }

    /// Whether the body's bytes do not pass through the server's machinery: it must then be told the length otherwise, and
    /// to send the answer without chunking.
    pub const fn is_direct(&self) -> bool {
        self.outlet.is_some()
    }

    fn fail(&mut self, reason: &'static str, error: io::Error) -> Poll<Option<io::Result<Bytes>>> {
        self.transfer.interrupt(reason);
        self.plan.clear();
        Poll::Ready(Some(Err(error)))
    }

    fn hand_over(&mut self, bytes: Bytes) -> Poll<Option<io::Result<Bytes>>> {
        self.pending = bytes.len() as u64;
        self.held.set(self.pending);
        self.transfer.hands_over(true);
        Poll::Ready(Some(Ok(bytes)))
    }

    /// The next piece of the file, at most so long; takes it off the plan.
    fn next_span(&mut self, most: usize) -> Option<(u64, usize)> {
        loop {
            let Part::File(offset, left) = self.plan.front_mut()? else { return None };
            if *left == 0 {
                self.plan.pop_front();
                continue;
            }
            let length = piece_of(*left).min(most);
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
        match Piece::read(&self.file, offset, length) {
            Ok(Piece::Here(buffer)) => Some(Ok(buffer)),
            Ok(Piece::Coming(reading)) => {
                self.waiting = Waiting::Disk(reading);
                None
            }
            Err(error) => Some(Err(error)),
        }
    }
}

/// How many bytes the next piece of so many may have.
pub fn piece_of(left: u64) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(buffers::piece())
}

/// A piece of a file.
pub enum Piece {
    /// It was in memory.
    Here(Buffer),
    /// Another thread waits for the disk.
    Coming(JoinHandle<io::Result<Buffer>>),
}

impl Piece {
    /// Reads so many bytes of a file from an offset on, here if they are in memory.
    ///
    /// # Errors
    /// When the file system says so. A file that ends too early is told by what comes.
    pub fn read(file: &Arc<File>, offset: u64, length: usize) -> io::Result<Self> {
        let mut buffer = Buffer::of(length);
        let done = read_cached(file, buffer.as_mut(), offset)?;
        if done == length {
            return Ok(Self::Here(buffer));
        }
        let file = file.clone();
        Ok(Self::Coming(tokio::task::spawn_blocking(move || {
            file.read_exact_at(&mut buffer.as_mut()[done..], offset + done as u64).map(|()| buffer)
        })))
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
        if self.is_direct() { BodySize::Stream } else { BodySize::Sized(self.length) }
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let this = &mut *self;
        if let Some(reason) = this.transfer.is_cut() {
            return this.fail(reason, io::Error::other("access has ended"));
        }
        if let Some(mut outlet) = this.outlet.take() {
            let polled = this.poll_direct(context, &mut outlet);
            this.outlet = Some(outlet);
            return polled;
        }
        this.transfer.sent(std::mem::take(&mut this.pending));
        this.transfer.hands_over(false);
        this.held.set(0);
        this.poll_buffered(context)
    }
}

impl FileBody {
    fn poll_buffered(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            if let Waiting::Disk(read) = &mut self.waiting {
                let read = ready!(Pin::new(read).poll(context));
                self.waiting = Waiting::Nothing;
                return match read {
                    Ok(Ok(buffer)) => self.hand_over(buffer.freeze()),
                    Ok(Err(error)) => self.fail(why(&error), error),
                    Err(error) => self.fail("stopped", io::Error::other(error)),
                };
            }
            if let Some(Part::Text(_)) = self.plan.front()
                && let Some(Part::Text(text)) = self.plan.pop_front()
            {
                return self.hand_over(text);
            }
            let Some((offset, length)) = self.next_span(SHARED) else {
                if self.plan.is_empty() {
                    // It asks for more only when it has sent most of what it has.
                    self.transfer.complete();
                    return Poll::Ready(None);
                }
                continue;
            };
            match self.read(offset, length) {
                Some(Ok(buffer)) => return self.hand_over(buffer.freeze()),
                Some(Err(error)) => return self.fail(why(&error), error),
                None => {}
            }
        }
    }

    /// Sends the file past the server's machinery, which is only told when all of it has gone.
    fn poll_direct(&mut self, context: &mut Context<'_>, outlet: &mut Outlet) -> Poll<Option<io::Result<Bytes>>> {
        ready!(outlet.poll_head(context));
        let mut turn = 0;
        while turn < TURN {
            let sent = match ready!(self.poll_some(context, outlet)) {
                Ok(Some(sent)) => sent,
                Ok(None) => {
                    self.transfer.complete();
                    return Poll::Ready(None);
                }
                Err((reason, error)) => {
                    let reason = self.transfer.is_cut().unwrap_or(reason);
                    return self.fail(reason, error);
                }
            };
            self.transfer.sent(sent);
            turn += sent;
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Sends what is next, as much of it as goes; `None` when all has gone.
    fn poll_some(&mut self, context: &mut Context<'_>, outlet: &mut Outlet) -> Poll<Result<Option<u64>, Broken>> {
        loop {
            match &mut self.waiting {
                Waiting::Nothing => {}
                Waiting::Disk(read) => {
                    let read = ready!(Pin::new(read).poll(context));
                    self.waiting = Waiting::Nothing;
                    match read {
                        Ok(Ok(buffer)) => self.put(outlet, buffer.freeze()),
                        Ok(Err(error)) => return Poll::Ready(Err((why(&error), error))),
                        Err(error) => return Poll::Ready(Err(("stopped", io::Error::other(error)))),
                    }
                }
                Waiting::Ahead(reading) => {
                    // It says nothing that sending does not say again.
                    let _ = ready!(Pin::new(reading).poll(context));
                    self.waiting = Waiting::Nothing;
                }
            }
            if outlet.held() > 0 {
                let sent = ready!(outlet.poll_send(context));
                self.held.set(outlet.held());
                return Poll::Ready(sent.map(Some).map_err(gone));
            }
            match (self.plan.front(), outlet.plain().cloned()) {
                (None, _) => return outlet.poll_flush(context).map(|flushed| flushed.map(|()| None).map_err(gone)),
                (Some(Part::Text(_)), _) => {
                    if let Some(Part::Text(text)) = self.plan.pop_front() {
                        self.put(outlet, text);
                    }
                }
                (Some(Part::File(_, 0)), _) => {
                    self.plan.pop_front();
                }
                (Some(Part::File(offset, left)), Some(connection)) => {
                    let (offset, length) = (*offset, (*left).min(TURN));
                    return self.poll_file(context, &connection, offset, length).map_ok(Some);
                }
                (Some(Part::File(..)), None) => {
                    let Some((offset, length)) = self.next_span(TO_ENCRYPT) else { continue };
                    match self.read(offset, length) {
                        Some(Ok(buffer)) => self.put(outlet, buffer.freeze()),
                        Some(Err(error)) => return Poll::Ready(Err((why(&error), error))),
                        None => {}
                    }
                }
            }
        }
    }

    fn put(&mut self, outlet: &mut Outlet, piece: Bytes) {
        outlet.put(piece);
        self.held.set(outlet.held());
    }

    /// Lets the system send a part of the file, if it has it in memory; has it brought there otherwise.
    fn poll_file(
        &mut self,
        context: &mut Context<'_>,
        connection: &Connection,
        offset: u64,
        length: u64,
    ) -> Poll<Result<u64, Broken>> {
        if self.cached_to < offset + length {
            self.cached_to = offset + length;
            if !is_cached(&self.file, offset, length) {
                // Another thread waits for the disk.
                let file = self.file.clone();
                let mut reading = tokio::task::spawn_blocking(move || read_ahead(&file, offset, length));
                if Pin::new(&mut reading).poll(context).is_pending() {
                    self.waiting = Waiting::Ahead(reading);
                    return Poll::Pending;
                }
            }
        }
        let count = usize::try_from(length).unwrap_or(usize::MAX);
        match ready!(connection.poll_send_file(context, &self.file, offset, count)) {
            Ok(0) => Poll::Ready(Err(("file changed", io::ErrorKind::UnexpectedEof.into()))),
            Ok(sent) => {
                let sent = sent as u64;
                if let Some(Part::File(offset, left)) = self.plan.front_mut() {
                    *offset += sent;
                    *left -= sent;
                }
                Poll::Ready(Ok(sent))
            }
            Err(error) => Poll::Ready(Err(gone(error))),
        }
    }
}

/// Why a transfer ends early: in the log's word, and as the server's machinery is told.
type Broken = (&'static str, io::Error);

/// What a failure to write says of the client.
fn gone(error: io::Error) -> Broken {
    ("client gone", error)
}

/// Whether a part of a file is in memory, judged by where the system would stop reading ahead.
fn is_cached(file: &File, offset: u64, length: u64) -> bool {
    const STEP: u64 = 512 * 1024;
    let mut byte = [0];
    let last = offset + length - 1;
    (offset..last)
        .step_by(usize::try_from(STEP).unwrap_or(usize::MAX))
        .chain([last])
        // What has ended is noticed when it is sent.
        .all(|place| read_cached(file, &mut byte, place).is_ok_and(|read| read == 1))
}

/// Brings a part of a file into memory.
fn read_ahead(file: &File, offset: u64, length: u64) {
    let mut buffer = vec![0; 128 * 1024];
    let mut done = 0;
    while done < length {
        match file.read_at(&mut buffer, offset + done) {
            // Sending it finds the same trouble, and says so.
            Ok(0) | Err(_) => return,
            Ok(read) => done += read as u64,
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
                Part::File(_, length) => *length,
                Part::Text(text) => text.len() as u64,
            })
            .sum();
        assert_eq!(plan.length, total);
        assert_eq!(plan.boundary.as_deref(), Some("b"));
        assert!(Plan::parts(&parts[..1], 100, "text/csv", "b").boundary.is_none());
    }
}
