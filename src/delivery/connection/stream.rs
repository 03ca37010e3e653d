//! The stream of one client connection: it can be aborted from any thread, reports how long the client keeps it waiting,
//! and files can be sent on it without passing through this program's memory.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use rustix::net::SendFlags;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::abort::{AbortHandle, Connections};
use crate::delivery::limits::ConnectionSlot;

/// Whether what the actix-http dispatcher writes has reached the kernel.
#[derive(Default)]
pub struct WriteProgress {
    done: Cell<bool>,
    /// Whether the dispatcher has tried to write since [`Self::begin`].
    tried: Cell<bool>,
    /// Woken when everything was written.
    waiting: Cell<Option<Waker>>,
}

impl std::fmt::Debug for WriteProgress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteProgress").field("done", &self.done).finish_non_exhaustive()
    }
}

impl WriteProgress {
    /// Something is about to be written.
    pub fn begin(&self) {
        self.done.set(false);
        self.tried.set(false);
    }

    /// Records a write of `wanted` bytes by the dispatcher, which `write` carries out.
    pub fn record_write(
        &self,
        wanted: usize,
        write: impl FnOnce() -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.tried.set(true);
        // Under TLS one flush is several writes, of which each is finished before the last is not.
        self.done.set(false);
        let written = ready!(write())?;
        self.done.set(written == wanted);
        if self.done.get()
            && let Some(waiting) = self.waiting.take()
        {
            waiting.wake();
        }
        Poll::Ready(Ok(written))
    }

    /// Waits until everything was written since [`Self::begin`]. The dispatcher tries to write between two polls of a body, so
    /// when it has not tried, nothing was left to write.
    pub fn poll_done(&self, context: &Context<'_>) -> Poll<()> {
        if self.done.get() || !self.tried.get() {
            return Poll::Ready(());
        }
        self.waiting.set(Some(context.waker().clone()));
        Poll::Pending
    }
}

/// A connection, shared by the stream that the dispatcher owns and by the answers on it. It never leaves its thread.
pub struct Connection {
    stream: RefCell<TcpStream>,
    connections: Arc<Connections>,
    abort_handle: Arc<AbortHandle>,
    progress: WriteProgress,
    /// Whether a file follows what the dispatcher writes next.
    file_follows: Cell<bool>,
    peer: Option<SocketAddr>,
    /// Given back when the connection has ended.
    _slot: Option<ConnectionSlot>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Connection {
    /// Aborts it from any thread.
    pub const fn abort_handle(&self) -> &Arc<AbortHandle> {
        &self.abort_handle
    }

    /// The client's address.
    pub const fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// What the dispatcher has written.
    pub const fn progress(&self) -> &WriteProgress {
        &self.progress
    }

    fn check_aborted(&self, context: &Context<'_>) -> io::Result<()> {
        if self.abort_handle.is_aborted(context.waker()) {
            // What the kernel still holds for the client is dropped with the connection.
            let _ = self.stream.borrow().set_zero_linger();
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the connection was aborted"));
        }
        Ok(())
    }

    fn note_write<T>(&self, outcome: &Poll<T>) {
        let now = self.connections.now();
        if outcome.is_ready() {
            self.abort_handle.sent(now);
        } else {
            self.abort_handle.stalled(now);
        }
    }

    /// A file follows what the dispatcher writes next: the kernel may hold that back, so that both leave together.
    pub fn expect_file(&self) {
        self.file_follows.set(true);
    }

    /// Sends `count` bytes of a file from an offset on; says how many went, which may be fewer. The file's pages go from
    /// the page cache to the network without a copy in this program (`sendfile`).
    ///
    /// # Errors
    /// When the connection is gone or aborted, or the file can't be read. 0 bytes sent means that the file has ended.
    pub fn poll_send_file(
        &self,
        context: &mut Context<'_>,
        file: &File,
        offset: u64,
        count: usize,
    ) -> Poll<io::Result<usize>> {
        self.file_follows.set(false);
        self.poll_stream_write(context, |stream, context| {
            loop {
                ready!(stream.poll_write_ready(context))?;
                let send = || {
                    let mut offset = offset;
                    Ok(rustix::fs::sendfile(&*stream, file, Some(&mut offset), count)?)
                };
                match stream.try_io(Interest::WRITABLE, send) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    done => return Poll::Ready(done),
                }
            }
        })
    }

    /// Writes by `write`, unless the connection was aborted, and records whether the client takes anything.
    fn poll_stream_write(
        &self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.check_aborted(context)?;
        let written = write(Pin::new(&mut *self.stream.borrow_mut()), context);
        self.note_write(&written);
        written
    }
}

/// A connection, as the dispatcher (or rustls) owns it.
#[derive(Debug)]
pub struct ClientStream(Rc<Connection>);

impl ClientStream {
    /// Wraps a connection that was accepted, and registers it.
    pub fn new(stream: TcpStream, connections: &Arc<Connections>, slot: Option<ConnectionSlot>) -> Self {
        let peer = stream.peer_addr().ok();
        Self(Rc::new(Connection {
            stream: RefCell::new(stream),
            connections: connections.clone(),
            abort_handle: connections.register(),
            progress: WriteProgress::default(),
            file_follows: Cell::new(false),
            peer,
            _slot: slot,
        }))
    }

    /// The connection.
    pub const fn connection(&self) -> &Rc<Connection> {
        &self.0
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.0.check_aborted(context)?;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut *self.0.stream.borrow_mut()).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.0.abort_handle.received(self.0.connections.now());
        }
        Poll::Ready(Ok(()))
    }
}

/// Writes what a file follows (`MSG_MORE`).
fn write_before_file(stream: &TcpStream, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
    loop {
        ready!(stream.poll_write_ready(context))?;
        match stream.try_io(Interest::WRITABLE, || Ok(rustix::net::send(stream, bytes, flags)?)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return Poll::Ready(done),
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let connection = &self.0;
        let write = || {
            connection.poll_stream_write(context, |stream, context| {
                if connection.file_follows.get() {
                    write_before_file(&stream, context, bytes)
                } else {
                    stream.poll_write(context, bytes)
                }
            })
        };
        connection.progress.record_write(bytes.len(), write)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let connection = &self.0;
        let wanted = parts.iter().map(|part| part.len()).sum();
        let write =
            || connection.poll_stream_write(context, |stream, context| stream.poll_write_vectored(context, parts));
        connection.progress.record_write(wanted, write)
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

#[cfg(test)]
pub(super) mod tests {
    use std::io::{Read, Write};
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::delivery::connection::abort::Timeouts;

    /// A stream, and the client at its other end.
    pub async fn pair() -> (ClientStream, std::net::TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let minute = Duration::from_mins(1);
        let connections = Connections::new(Timeouts { request: minute, stalled: minute, idle: minute });
        (ClientStream::new(listener.accept().await.unwrap().0, &connections, None), client)
    }

    #[tokio::test]
    async fn a_file_goes_out_and_bytes_come_in() {
        let (mut stream, mut client) = pair().await;
        client.write_all(b"hello").unwrap();
        let mut buffer = [0; 5];
        stream.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"hello");
        stream.0.progress.begin();
        stream.write_all(b"head ").await.unwrap();
        assert!(stream.0.progress.done.get());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"0123456789").unwrap();
        let file = File::open(path).unwrap();
        let sent = std::future::poll_fn(|context| stream.0.poll_send_file(context, &file, 3, 4)).await.unwrap();
        assert_eq!(sent, 4);
        let nothing = std::future::poll_fn(|context| stream.0.poll_send_file(context, &file, 10, 4)).await.unwrap();
        assert_eq!(nothing, 0, "the file has ended");
        drop(stream);
        let mut got = String::new();
        client.read_to_string(&mut got).unwrap();
        assert_eq!(got, "head 3456");
    }

    #[test]
    fn progress_is_waited_for_only_while_something_is_written() {
        let (progress, context) = (WriteProgress::default(), Context::from_waker(Waker::noop()));
        let writes = |written| progress.record_write(10, || written);
        assert!(writes(Poll::Ready(Ok(10))).is_ready());
        progress.begin();
        assert!(progress.poll_done(&context).is_ready(), "nothing was left to write");
        progress.begin();
        for unfinished in [Poll::Pending, Poll::Ready(Ok(4)), Poll::Pending] {
            assert!(!matches!(writes(unfinished), Poll::Ready(Err(_))));
            assert!(progress.poll_done(&context).is_pending());
        }
        assert!(writes(Poll::Ready(Ok(10))).is_ready() && progress.poll_done(&context).is_ready());
        progress.begin();
        assert!(writes(Poll::Ready(Ok(10))).is_ready() && writes(Poll::Pending).is_pending());
        assert!(progress.poll_done(&context).is_pending(), "a write that finished is not the last one");
    }

    #[tokio::test]
    async fn aborting_reaches_a_client_that_does_not_read() {
        let (mut stream, mut client) = pair().await;
        let handle = stream.0.abort_handle().clone();
        let writing = tokio::task::LocalSet::new();
        writing
            .run_until(async move {
                let stuck = tokio::task::spawn_local(async move {
                    let lump = vec![0; 1 << 20];
                    loop {
                        stream.write_all(&lump).await?;
                    }
                    #[expect(unreachable_code, reason = "it gives the block its type")]
                    Ok::<(), io::Error>(())
                });
                while !handle.is_stalled() {
                    tokio::task::yield_now().await;
                }
                handle.abort();
                assert!(stuck.await.unwrap().is_err());
            })
            .await;
        // The kernel's own buffers are not sent on.
        let mut all = Vec::new();
        assert!(client.read_to_end(&mut all).is_err(), "the connection was reset");
    }
}
