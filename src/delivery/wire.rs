//! A client's connection: it can be cut from any thread, knows when the client has kept it waiting for too long, and files
//! can be sent on it without passing through this program's memory.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use rustix::net::SendFlags;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// Half seconds since the first connection: precise enough for patience, and cheap to read.
static CLOCK: AtomicU32 = AtomicU32::new(1);
/// How often patience is looked at.
pub(super) const TICK: Duration = Duration::from_millis(500);

/// What the clock says.
pub(super) fn now() -> u32 {
    CLOCK.load(Ordering::Relaxed)
}

/// So long, by the clock.
pub(super) fn ticks(time: Duration) -> u32 {
    u32::try_from(time.as_millis() / TICK.as_millis()).unwrap_or(u32::MAX).max(1)
}

/// Every connection that patience is kept with, in the order of arrival.
static FUSES: Mutex<Vec<Weak<Fuse>>> = Mutex::new(Vec::new());

fn fuses() -> MutexGuard<'static, Vec<Weak<Fuse>>> {
    FUSES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What cuts a connection, from any thread.
#[derive(Debug, Default)]
pub struct Fuse {
    blown: AtomicBool,
    waker: AtomicWaker,
    /// When a request began to come in that is not whole yet, by the clock; 0 for none.
    asking_since: AtomicU32,
    /// When something last came or went.
    active_at: AtomicU32,
    /// Since when the client has taken nothing of what it was sent; 0 when it takes it.
    stalled_since: AtomicU32,
}

impl Fuse {
    /// Cuts the connection: what the client has not got yet it does not get.
    pub fn blow(&self) {
        self.blown.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn is_blown(&self) -> bool {
        self.blown.load(Ordering::Acquire)
    }
}

/// How long clients may keep a connection waiting.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the first byte of a request to its answer.
    pub asking: Duration,
    /// Without taking a byte of an answer.
    pub stalled: Duration,
    /// Between two requests.
    pub idle: Duration,
}

/// Cuts the connections of clients with which patience has ended, for ever.
pub async fn keep_patience(patience: Patience) {
    let (asking, stalled) = (ticks(patience.asking), ticks(patience.stalled));
    // The server's machinery ends connections that rest. It has no eye on those where it waits for the end of a request that
    // was answered already; while an answer is made, nothing comes or goes either.
    let idle = ticks(patience.idle).max(asking).max(stalled) + 2;
    loop {
        tokio::time::sleep(TICK).await;
        let now = CLOCK.fetch_add(1, Ordering::Relaxed) + 1;
        let over = |since: &AtomicU32, limit| {
            let since = since.load(Ordering::Relaxed);
            since != 0 && now.wrapping_sub(since) > limit
        };
        fuses().retain(|fuse| {
            let Some(fuse) = fuse.upgrade() else { return false };
            let silent = over(&fuse.active_at, idle);
            if silent || over(&fuse.asking_since, asking) || over(&fuse.stalled_since, stalled) {
                fuse.blow();
            }
            true
        });
    }
}

/// Whether what the server's machinery writes has been written.
#[derive(Default)]
pub struct Progress {
    done: Cell<bool>,
    /// Whether it has tried to write.
    tried: Cell<bool>,
    /// Who is told when it has.
    waits: Cell<Option<Waker>>,
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Progress").field("done", &self.done).finish_non_exhaustive()
    }
}

impl Progress {
    /// Forgets that everything was written: something is about to be.
    pub fn begin(&self) {
        self.done.set(false);
        self.tried.set(false);
    }

    /// Follows the machinery as it writes so many bytes.
    pub fn follow(&self, wanted: usize, write: impl FnOnce() -> Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.tried.set(true);
        let written = ready!(write())?;
        self.done.set(written == wanted);
        if self.done.get()
            && let Some(waiting) = self.waits.take()
        {
            waiting.wake();
        }
        Poll::Ready(Ok(written))
    }

    /// Waits until everything was written since [`Self::begin`]. When nothing was there to be written, the machinery has not
    /// tried to, though it does between two times of asking.
    pub fn poll_done(&self, context: &Context<'_>) -> Poll<()> {
        if self.done.get() || !self.tried.get() {
            return Poll::Ready(());
        }
        self.waits.set(Some(context.waker().clone()));
        Poll::Pending
    }
}

/// A connection, as those see it that answer on it.
pub struct Connection {
    stream: RefCell<TcpStream>,
    fuse: Arc<Fuse>,
    progress: Progress,
    /// Whether a file follows what is written next.
    file_follows: Cell<bool>,
    peer: Option<SocketAddr>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Connection {
    /// What cuts it.
    pub const fn fuse(&self) -> &Arc<Fuse> {
        &self.fuse
    }

    /// The other end.
    pub const fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// The head of an answer is about to be written, and a file after it. They are to leave together.
    pub fn fill(&self) {
        self.progress.begin();
        self.file_follows.set(true);
    }

    /// What has been written.
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    fn whole(&self, context: &Context<'_>) -> io::Result<()> {
        self.fuse.waker.register(context.waker());
        if self.fuse.is_blown() {
            // What the system still holds for the client is thrown away with the connection.
            let _ = self.stream.borrow().set_zero_linger();
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the connection was cut"));
        }
        Ok(())
    }

    fn wrote<T>(&self, outcome: &Poll<T>) {
        let now = now();
        let stalled = &self.fuse.stalled_since;
        if outcome.is_ready() {
            self.fuse.active_at.store(now, Ordering::Relaxed);
            stalled.store(0, Ordering::Relaxed);
            self.fuse.asking_since.store(0, Ordering::Relaxed);
        } else if stalled.load(Ordering::Relaxed) == 0 {
            stalled.store(now, Ordering::Relaxed);
        }
    }

    /// Sends so many bytes of a file from an offset on; says how many went, which may be fewer. The file's pages go from
    /// the system's cache to the network without a copy here.
    ///
    /// # Errors
    /// When the connection is gone or cut, or the file can't be read. Nothing sent means that the file has ended.
    pub fn poll_send_file(
        &self,
        context: &mut Context<'_>,
        file: &File,
        offset: u64,
        count: usize,
    ) -> Poll<io::Result<usize>> {
        if let Err(error) = self.whole(context) {
            return Poll::Ready(Err(error));
        }
        let sent = self.poll_write_with(context, |stream| {
            let mut offset = offset;
            Ok(rustix::fs::sendfile(stream, file, Some(&mut offset), count)?)
        });
        self.wrote(&sent);
        sent
    }

    /// Writes bytes; says how many went.
    ///
    /// # Errors
    /// When the connection is gone or cut.
    pub fn poll_write(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.whole(context)?;
        let written = if self.file_follows.get() {
            self.poll_write_before_file(context, bytes)
        } else {
            Pin::new(&mut *self.stream.borrow_mut()).poll_write(context, bytes)
        };
        self.wrote(&written);
        written
    }

    /// Writes what a file follows: the system may wait for it, so that both leave together.
    fn poll_write_before_file(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
        self.poll_write_with(context, |stream| Ok(rustix::net::send(stream, bytes, flags)?))
    }

    fn poll_write_with(
        &self,
        context: &mut Context<'_>,
        mut write: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let stream = self.stream.borrow();
        loop {
            ready!(stream.poll_write_ready(context))?;
            match stream.try_io(Interest::WRITABLE, || write(&stream)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

/// A connection, as the server's own machinery sees it.
#[derive(Debug)]
pub struct Wire(Rc<Connection>);

impl Wire {
    /// Takes up a connection.
    pub fn new(stream: TcpStream) -> Self {
        let fuse = Arc::new(Fuse::default());
        fuse.active_at.store(now(), Ordering::Relaxed);
        fuses().push(Arc::downgrade(&fuse));
        let peer = stream.peer_addr().ok();
        Self(Rc::new(Connection {
            stream: RefCell::new(stream),
            fuse,
            progress: Progress::default(),
            file_follows: Cell::new(false),
            peer,
        }))
    }

    /// The connection.
    pub const fn connection(&self) -> &Rc<Connection> {
        &self.0
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.0.whole(context)?;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut *self.0.stream.borrow_mut()).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            let (fuse, now) = (&self.0.fuse, now());
            fuse.active_at.store(now, Ordering::Relaxed);
            if fuse.asking_since.load(Ordering::Relaxed) == 0 {
                fuse.asking_since.store(now, Ordering::Relaxed);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.0.progress.follow(bytes.len(), || self.0.poll_write(context, bytes));
        if self.0.progress.done.get() {
            self.0.file_follows.set(false);
        }
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // Whoever writes so has what is encrypted, and sees to the heads of answers itself.
        self.0.whole(context)?;
        let written = Pin::new(&mut *self.0.stream.borrow_mut()).poll_write_vectored(context, parts);
        self.0.wrote(&written);
        written
    }

    /// What encrypts writes many records at a time.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.stream.borrow_mut()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.stream.borrow_mut()).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn pair() -> (Wire, std::net::TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Wire::new(listener.accept().await.unwrap().0), client)
    }

    #[tokio::test]
    async fn a_file_goes_out_and_bytes_come_in() {
        let (mut wire, mut client) = pair().await;
        client.write_all(b"hello").unwrap();
        let mut buffer = [0; 5];
        wire.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"hello");
        wire.0.fill();
        wire.write_all(b"head ").await.unwrap();
        assert!(wire.0.progress.done.get());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"0123456789").unwrap();
        let file = File::open(path).unwrap();
        let sent = std::future::poll_fn(|context| wire.0.poll_send_file(context, &file, 3, 4)).await.unwrap();
        assert_eq!(sent, 4);
        let nothing = std::future::poll_fn(|context| wire.0.poll_send_file(context, &file, 10, 4)).await.unwrap();
        assert_eq!(nothing, 0, "the file has ended");
        drop(wire);
        let mut got = String::new();
        client.read_to_string(&mut got).unwrap();
        assert_eq!(got, "head 3456");
    }

    #[test]
    fn progress_is_waited_for_only_while_something_is_written() {
        let (progress, context) = (Progress::default(), Context::from_waker(Waker::noop()));
        let writes = |written| progress.follow(10, || written);
        assert!(writes(Poll::Ready(Ok(10))).is_ready());
        progress.begin();
        assert!(progress.poll_done(&context).is_ready(), "nothing was there to be written");
        progress.begin();
        for unfinished in [Poll::Pending, Poll::Ready(Ok(4)), Poll::Pending] {
            assert!(!matches!(writes(unfinished), Poll::Ready(Err(_))));
            assert!(progress.poll_done(&context).is_pending());
        }
        assert!(writes(Poll::Ready(Ok(10))).is_ready() && progress.poll_done(&context).is_ready());
    }

    #[tokio::test]
    async fn a_blown_fuse_cuts_a_client_that_does_not_read() {
        let (mut wire, mut client) = pair().await;
        let fuse = wire.0.fuse().clone();
        let writing = tokio::task::LocalSet::new();
        writing
            .run_until(async move {
                let stuck = tokio::task::spawn_local(async move {
                    let lump = vec![0; 1 << 20];
                    loop {
                        wire.write_all(&lump).await?;
                    }
                    #[expect(unreachable_code, reason = "it says what the block gives")]
                    Ok::<(), io::Error>(())
                });
                while fuse.stalled_since.load(Ordering::Relaxed) == 0 {
                    tokio::task::yield_now().await;
                }
                fuse.blow();
                assert!(stuck.await.unwrap().is_err());
            })
            .await;
        // The system's own buffers are not sent on.
        let mut all = Vec::new();
        assert!(client.read_to_end(&mut all).is_err(), "the connection was reset");
    }
}
