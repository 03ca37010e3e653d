//! Sending files straight to a plain connection with `sendfile`, past the actix-http dispatcher, which would copy their
//! bytes into its own buffer. The dispatcher writes the head; after that it is given nothing until all has gone.

use std::fs::File;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use super::stream::Connection;

/// Answers from this size on are sent directly. Smaller ones leave together with their head.
pub const DIRECT_FROM: u64 = 64 * 1024;
/// The most that is handed to the kernel at a time, so that other connections have their turn.
pub const TURN: u64 = 2 * 1024 * 1024;

/// A connection that files may be sent to directly: without TLS, and with one answer at a time.
#[derive(Clone, Debug)]
pub struct DirectTarget(Rc<Connection>);

impl DirectTarget {
    /// A connection without TLS that speaks HTTP/1.1.
    pub const fn new(connection: Rc<Connection>) -> Self {
        Self(connection)
    }
}

/// Where the head of the answer is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    /// In the dispatcher's buffer.
    Made,
    /// Being written.
    Leaving,
    /// With the kernel.
    Gone,
}

/// Sends the body of one answer.
pub struct DirectWriter {
    connection: Rc<Connection>,
    head: Head,
}

impl DirectWriter {
    /// For an answer that is about to begin.
    pub fn new(target: DirectTarget) -> Self {
        Self { connection: target.0, head: Head::Made }
    }

    /// Waits until the head has gone. Nothing may be sent before.
    pub fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.head {
            Head::Made => {
                self.connection.progress().begin();
                self.head = Head::Leaving;
                // The dispatcher writes its buffer when a body gives it nothing, and polls the body again when woken.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            // If the client does not take the head at once, or an answer before it is not taken yet, the write that
            // finishes it wakes this task.
            Head::Leaving => {
                ready!(self.connection.progress().poll_done(context));
                self.head = Head::Gone;
            }
            Head::Gone => {}
        }
        Poll::Ready(())
    }

    /// Sends a part of a file; see [`Connection::poll_send_file`].
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
        debug_assert!(self.head == Head::Gone, "the head goes first");
        self.connection.poll_send_file(context, file, offset, count)
    }
}
