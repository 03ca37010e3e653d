//! One part of a large file, sent directly to a plain connection. The dispatcher is notified only after the last byte.

use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use tokio::task::JoinHandle;

use super::connection::direct::{DirectWriter, TURN};
use super::connection::flush::ExclusiveConnection;
use super::file_reads::{is_cached, read_ahead};
use super::transfers::Transfer;
use crate::domain::transfer::Interruption;

/// The body of an answer that is sent by `sendfile`. Its head needs a `Content-Length`, and no chunking.
pub struct DirectBody {
    file: Arc<File>,
    /// Where in the file the next byte is.
    offset: u64,
    /// Bytes still to be sent.
    left: u64,
    /// The file's pages are known to be in memory up to here.
    cached_to: u64,
    /// A blocking thread brings the next pages into memory.
    reading_ahead: Option<JoinHandle<()>>,
    writer: DirectWriter,
    transfer: Transfer,
}

impl DirectBody {
    /// `length` bytes of `file`, more than none, from an offset on.
    pub fn new(file: File, (offset, length): (u64, u64), transfer: Transfer, connection: ExclusiveConnection) -> Self {
        Self {
            file: Arc::new(file),
            offset,
            left: length,
            cached_to: 0,
            reading_ahead: None,
            writer: DirectWriter::new(connection),
            transfer,
        }
    }

    fn fail(&mut self, reason: Interruption, error: io::Error) -> Poll<Option<io::Result<Bytes>>> {
        self.transfer.interrupt(reason);
        Poll::Ready(Some(Err(error)))
    }

    /// Waits until the next `length` bytes are in memory: `sendfile` would wait for the disk on this thread.
    fn poll_cached(&mut self, context: &mut Context<'_>, length: u64) -> Poll<()> {
        if self.reading_ahead.is_none() && self.cached_to < self.offset + length {
            self.cached_to = self.offset + length;
            if !is_cached(&self.file, self.offset, length) {
                let (file, offset) = (self.file.clone(), self.offset);
                self.reading_ahead = Some(tokio::task::spawn_blocking(move || read_ahead(&file, offset, length)));
            }
        }
        if let Some(reading) = &mut self.reading_ahead {
            // Sending meets the same error, and reports it.
            let _ = ready!(Pin::new(reading).poll(context));
            self.reading_ahead = None;
        }
        Poll::Ready(())
    }
}

impl MessageBody for DirectBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let this = &mut *self;
        if let Some(error) = this.transfer.end_if_aborted() {
            return Poll::Ready(Some(Err(error)));
        }
        ready!(this.writer.poll_head(context));
        let mut turn = 0;
        while turn < TURN {
            if this.left == 0 {
                this.transfer.mark_complete();
                return Poll::Ready(None);
            }
            let length = this.left.min(TURN);
            ready!(this.poll_cached(context, length));
            let count = usize::try_from(length).unwrap_or(usize::MAX);
            match ready!(this.writer.poll_send(context, &this.file, this.offset, count)) {
                Ok(0) => return this.fail(Interruption::FileChanged, io::ErrorKind::UnexpectedEof.into()),
                Ok(sent) => {
                    let sent = sent as u64;
                    this.offset += sent;
                    this.left -= sent;
                    this.transfer.add_sent_bytes(sent);
                    turn += sent;
                }
                Err(error) => return this.fail(Interruption::ClientGone, error),
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
