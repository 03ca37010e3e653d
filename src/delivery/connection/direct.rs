//! Sending files straight to a plain connection with `sendfile`, past the actix-http dispatcher, which would copy their
//! bytes into its own buffer. The dispatcher writes the head; after that it is given nothing until all has gone.

use std::fs::File;
use std::io;
use std::task::{Context, Poll};

use super::flush::{ExclusiveConnection, Flush};

/// Answers from this size on are sent directly. Smaller ones leave together with their head.
pub const DIRECT_MIN_BYTES: u64 = 64 * 1024;
/// The most that is handed to the kernel at a time, so that other connections have their turn.
pub const TURN: u64 = 2 * 1024 * 1024;

/// Sends the body of one answer on a connection without TLS.
pub struct DirectWriter {
    head: Flush,
}

impl DirectWriter {
    /// For an answer that is about to begin.
    pub fn new(connection: ExclusiveConnection) -> Self {
        let head = Flush::new(connection);
        head.connection.expect_file();
        Self { head }
    }

    /// Waits until the head has gone. Nothing may be sent before.
    pub fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.head.poll(context)
    }

    /// Sends a part of a file; see [`super::stream::Connection::poll_send_file`].
    ///
    /// # Errors
    /// When the connection is gone or aborted, or the file can't be read.
    pub fn poll_send(
        &self,
        context: &mut Context<'_>,
        file: &File,
        offset: u64,
        count: usize,
    ) -> Poll<io::Result<usize>> {
        debug_assert!(self.head.is_done(), "the head goes first");
        self.head.connection.poll_send_file(context, file, offset, count)
    }
}
