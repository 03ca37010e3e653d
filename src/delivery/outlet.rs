//! The way of an answer's bytes straight to the connection. The server's machinery writes the head; what comes after it
//! would be copied once more there, so it is told nothing but when all has gone.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use super::wire::{Connection, Progress, Wire};

/// Answers from this size on go their own way. Smaller ones go in one piece with their head.
pub const LARGE: u64 = 64 * 1024;
/// The most that is handed to the system at a time, so that other connections have their turn.
pub const TURN: u64 = 2 * 1024 * 1024;

/// A connection that bytes may go straight to: it has one answer at a time.
#[derive(Clone, Debug)]
pub enum Road {
    /// Without TLS.
    Plain(Rc<Connection>),
    /// With TLS.
    Encrypted(Rc<Encrypted>),
}

/// What encrypts a connection.
#[derive(Debug)]
pub struct Encrypted {
    stream: RefCell<TlsStream<Wire>>,
    progress: Progress,
}

/// An encrypted connection, as the server's own machinery sees it.
#[derive(Debug)]
pub struct EncryptedWire(Rc<Encrypted>);

impl EncryptedWire {
    /// Takes up a connection on which TLS has been agreed.
    pub fn new(stream: TlsStream<Wire>) -> Self {
        Self(Rc::new(Encrypted { stream: RefCell::new(stream), progress: Progress::default() }))
    }

    /// What is below it.
    pub fn connection(&self) -> Rc<Connection> {
        self.0.stream.borrow().get_ref().0.connection().clone()
    }

    /// The way straight to it, unless several answers share it.
    pub fn road(&self) -> Option<Road> {
        let shared = self.0.stream.borrow().get_ref().1.alpn_protocol() == Some(b"h2");
        (!shared).then(|| Road::Encrypted(self.0.clone()))
    }
}

impl AsyncRead for EncryptedWire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.stream.borrow_mut()).poll_read(context, buffer)
    }
}

impl AsyncWrite for EncryptedWire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let write = || Pin::new(&mut *self.0.stream.borrow_mut()).poll_write(context, bytes);
        self.0.progress.follow(bytes.len(), write)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = || Pin::new(&mut *self.0.stream.borrow_mut()).poll_write_vectored(context, parts);
        self.0.progress.follow(parts.iter().map(|part| part.len()).sum(), write)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.stream.borrow().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.stream.borrow_mut()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.stream.borrow_mut()).poll_shutdown(context)
    }
}

/// Where the head of an answer is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    /// The server's machinery has just made it.
    Made,
    /// It is being written.
    OnItsWay,
    /// It has left.
    Gone,
}

/// The way out for one answer.
pub struct Outlet {
    road: Road,
    head: Head,
    piece: Bytes,
}

impl Outlet {
    /// For an answer that is about to begin.
    pub const fn new(road: Road) -> Self {
        Self { road, head: Head::Made, piece: Bytes::new() }
    }

    /// Waits until the head has gone. Nothing may be sent before.
    pub fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.head {
            Head::Made => {
                match &self.road {
                    Road::Plain(connection) => connection.fill(),
                    Road::Encrypted(encrypted) => encrypted.progress.begin(),
                }
                self.head = Head::OnItsWay;
                // The machinery writes the head when this gives it nothing, and asks again.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            // When the client does not take it all at once, or has an answer before this one to take, its going wakes this.
            Head::OnItsWay => {
                let progress = match &self.road {
                    Road::Plain(connection) => connection.progress(),
                    Road::Encrypted(encrypted) => &encrypted.progress,
                };
                ready!(progress.poll_done(context));
                self.head = Head::Gone;
            }
            Head::Gone => {}
        }
        Poll::Ready(())
    }

    /// The connection, if the system itself can send files on it.
    pub const fn plain(&self) -> Option<&Rc<Connection>> {
        match &self.road {
            Road::Plain(connection) => Some(connection),
            Road::Encrypted(_) => None,
        }
    }

    /// Takes what is to be sent next.
    pub fn put(&mut self, piece: Bytes) {
        debug_assert!(self.piece.is_empty(), "one piece at a time");
        self.piece = piece;
    }

    /// How much of it has not gone.
    pub const fn held(&self) -> u64 {
        self.piece.len() as u64
    }

    /// Sends of what it was given; says how much went, which may be less than all; 0 when nothing is left.
    ///
    /// # Errors
    /// When the connection is gone or cut.
    pub fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        if self.piece.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let sent = match &self.road {
            Road::Plain(connection) => ready!(connection.poll_write(context, &self.piece))?,
            Road::Encrypted(encrypted) => {
                ready!(Pin::new(&mut *encrypted.stream.borrow_mut()).poll_write(context, &self.piece))?
            }
        };
        if sent == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.piece.advance(sent);
        Poll::Ready(Ok(sent as u64))
    }

    /// Waits until nothing is held by what encrypts.
    ///
    /// # Errors
    /// When the connection is gone or cut.
    pub fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.road {
            Road::Plain(_) => Poll::Ready(Ok(())),
            Road::Encrypted(encrypted) => Pin::new(&mut *encrypted.stream.borrow_mut()).poll_flush(context),
        }
    }
}
