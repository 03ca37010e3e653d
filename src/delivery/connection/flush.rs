//! Waiting until what the actix-http dispatcher has in its buffer has gone to the kernel.

use std::rc::Rc;
use std::task::{Context, Poll, ready};

use super::stream::Connection;

/// A connection on which one answer follows the other, as in HTTP/1.1, so that what is written on it is this answer.
#[derive(Clone, Debug)]
pub struct ExclusiveConnection(pub(super) Rc<Connection>);

impl ExclusiveConnection {
    /// A connection that speaks HTTP/1.1.
    pub const fn new(connection: Rc<Connection>) -> Self {
        Self(connection)
    }
}

/// How far the wait is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Bytes may be in the dispatcher's buffer.
    Buffered,
    /// They are being written.
    Writing,
    /// They are with the kernel.
    Written,
}

/// Waits until what the dispatcher was given so far has gone to the kernel. To be polled by a body in place of its next
/// piece.
pub struct Flush {
    pub(super) connection: Rc<Connection>,
    state: State,
}

impl Flush {
    /// Of what a connection's dispatcher holds when this is first polled.
    pub fn new(connection: ExclusiveConnection) -> Self {
        Self { connection: connection.0, state: State::Buffered }
    }

    /// Whether it is over.
    pub fn is_done(&self) -> bool {
        self.state == State::Written
    }

    /// Waits.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.state {
            State::Buffered => {
                self.connection.progress().begin();
                self.state = State::Writing;
                // The dispatcher writes its buffer when a body gives it nothing, and polls the body again when woken.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            // If the client does not take the bytes at once, or an answer before them is not taken yet, the write that
            // finishes them wakes this task.
            State::Writing => {
                ready!(self.connection.progress().poll_done(context));
                self.state = State::Written;
            }
            State::Written => {}
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::pin::Pin;
    use std::task::Waker;

    use tokio::io::AsyncWrite;

    use super::*;
    use crate::delivery::connection::stream::tests::pair;

    #[tokio::test]
    async fn what_the_client_has_not_taken_is_waited_for() {
        let (mut stream, mut client) = pair().await;
        let mut context = Context::from_waker(Waker::noop());
        let lump = vec![0; 1 << 20];
        let mut flush = Flush::new(ExclusiveConnection::new(stream.connection().clone()));
        assert!(flush.poll(&mut context).is_pending(), "the dispatcher writes first");
        // As the dispatcher does: it writes until the kernel takes no more.
        while Pin::new(&mut stream).poll_write(&mut context, &lump).is_ready() {}
        assert!(flush.poll(&mut context).is_pending() && !flush.is_done());
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            client.read_to_end(&mut all).unwrap();
            all.len()
        });
        std::future::poll_fn(|context| Pin::new(&mut stream).poll_write(context, b"last")).await.unwrap();
        assert!(flush.poll(&mut context).is_ready() && flush.is_done());
        drop((flush, stream));
        assert!(reading.join().unwrap() > 4);
    }
}
