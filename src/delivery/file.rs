//! The bytes of a file, or parts of it, as an answer has them.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::body::{Body, Broken, Source};
use super::buffers::{self, Buffer};
use super::outlet::{Road, TURN};
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

/// What a transfer waits for.
enum Waiting {
    Nothing,
    /// The disk, for a piece of the file.
    Disk(JoinHandle<io::Result<Buffer>>),
    /// The disk, for the part that is sent next.
    Ahead(JoinHandle<()>),
}

/// A file, and what of it is still to be sent.
pub struct FileSource {
    file: Arc<File>,
    plan: VecDeque<Part>,
    waiting: Waiting,
    /// The file's pages are known to be in memory up to here.
    cached_to: u64,
}

/// The bytes of a file, or parts of it, as the body of an answer.
pub type FileBody = Body<FileSource>;

impl FileBody {
    /// The bytes of `plan`, of `file`; by the `road`, if there is one and they are many.
    pub fn of(file: File, plan: Plan, transfer: Transfer, road: Option<Road>) -> Self {
        // Without TLS what is not one part of a file would go out in many small pieces.
        let road = road.filter(|road| plan.pieces.len() == 1 || matches!(road, Road::Encrypted(_)));
        let source = FileSource { file: Arc::new(file), plan: plan.pieces, waiting: Waiting::Nothing, cached_to: 0 };
        Self::new(source, plan.length, transfer, road)
    }
}

impl FileSource {
    /// The part of the file that is next, unless something else is.
    fn next_part(&mut self) -> Option<(u64, u64)> {
        while let Some(Part::File(_, 0)) = self.plan.front() {
            self.plan.pop_front();
        }
        match self.plan.front() {
            Some(Part::File(offset, left)) => Some((*offset, *left)),
            _ => None,
        }
    }

    /// So much of the part that is next has been taken.
    fn advance(&mut self, bytes: u64) {
        if let Some(Part::File(offset, left)) = self.plan.front_mut() {
            *offset += bytes;
            *left -= bytes;
        }
    }
}

impl Source for FileSource {
    fn poll_piece(&mut self, context: &mut Context<'_>, most: usize) -> Poll<Result<Option<Bytes>, Broken>> {
        if !matches!(self.waiting, Waiting::Disk(_)) {
            let Some((offset, left)) = self.next_part() else {
                return Poll::Ready(Ok(match self.plan.pop_front() {
                    Some(Part::Text(text)) => Some(text),
                    _ => None,
                }));
            };
            let length = piece_of(left).min(most);
            self.advance(length as u64);
            match Piece::read(&self.file, offset, length) {
                Ok(Piece::Here(buffer)) => return Poll::Ready(Ok(Some(buffer.freeze()))),
                Ok(Piece::Coming(reading)) => self.waiting = Waiting::Disk(reading),
                Err(error) => return Poll::Ready(Err((why(&error), error))),
            }
        }
        let Waiting::Disk(reading) = &mut self.waiting else { return Poll::Ready(Ok(None)) };
        let read = ready!(Pin::new(reading).poll(context));
        self.waiting = Waiting::Nothing;
        Poll::Ready(match read {
            Ok(Ok(buffer)) => Ok(Some(buffer.freeze())),
            Ok(Err(error)) => Err((why(&error), error)),
            Err(error) => Err(("stopped", io::Error::other(error))),
        })
    }

    /// Lets the system send a part of the file, if it has it in memory; has it brought there otherwise.
    fn poll_pass(&mut self, context: &mut Context<'_>, connection: &Connection) -> Poll<Result<Option<u64>, Broken>> {
        if let Waiting::Ahead(reading) = &mut self.waiting {
            // It says nothing that sending does not say again.
            let _ = ready!(Pin::new(reading).poll(context));
            self.waiting = Waiting::Nothing;
        }
        let Some((offset, left)) = self.next_part() else { return Poll::Ready(Ok(None)) };
        let length = left.min(TURN);
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
                self.advance(sent as u64);
                Poll::Ready(Ok(Some(sent as u64)))
            }
            Err(error) => Poll::Ready(Err(("client gone", error))),
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
