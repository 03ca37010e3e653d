//! Bounds on what one HTTP/2 connection may hold open. actix-http hands connections to the `h2` crate without limits on
//! streams or headers and offers no setting for them, so the frames that pass are counted here (RFC 9113): how many streams
//! are open, how long a header block is, and for how long a connection that has no stream is kept alive by pings. The limits
//! are announced to the client in the server's first `SETTINGS` frame.

use std::collections::HashSet;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Streams that a client may have open on one connection.
const MAX_STREAMS: u32 = 100;
/// Bytes that the headers of one request may have, as they are sent.
const MAX_HEADER_BYTES: u32 = 64 * 1024;
/// Frames that a header block may be split into: even empty ones take work.
const MAX_CONTINUATIONS: usize = 64;

/// What a client sends before its first frame.
const PREFACE: usize = 24;
const FRAME_HEADER: usize = 9;

mod frame {
    pub const DATA: u8 = 0x0;
    pub const HEADERS: u8 = 0x1;
    pub const RST_STREAM: u8 = 0x3;
    pub const SETTINGS: u8 = 0x4;
    pub const CONTINUATION: u8 = 0x9;
    pub const END_STREAM: u8 = 0x1;
    pub const ACK: u8 = 0x1;
    pub const END_HEADERS: u8 = 0x4;
}

/// The header of a frame.
#[derive(Clone, Copy, Debug)]
struct FrameHeader {
    length: usize,
    kind: u8,
    flags: u8,
    stream: u32,
}

impl FrameHeader {
    fn parse(bytes: [u8; FRAME_HEADER]) -> Self {
        let [a, b, c, kind, flags, stream @ ..] = bytes;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        Self { length, kind, flags, stream: u32::from_be_bytes(stream) & 0x7fff_ffff }
    }

    const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Finds the headers of frames in bytes that come in pieces.
#[derive(Debug)]
struct Frames {
    /// Bytes that belong to no frame header: the preface, then each frame's payload.
    skip: usize,
    header: [u8; FRAME_HEADER],
    filled: usize,
}

impl Frames {
    const fn after(skip: usize) -> Self {
        Self { skip, header: [0; FRAME_HEADER], filled: 0 }
    }

    /// Gives each frame header that is complete with these bytes.
    fn read(&mut self, mut bytes: &[u8], mut each: impl FnMut(FrameHeader) -> io::Result<()>) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            self.header[self.filled] = bytes[0];
            self.filled += 1;
            bytes = &bytes[1..];
            if self.filled == FRAME_HEADER {
                let header = FrameHeader::parse(self.header);
                (self.filled, self.skip) = (0, header.length);
                each(header)?;
            }
        }
        Ok(())
    }
}

/// What is open on a connection.
#[derive(Debug)]
struct Open {
    streams: HashSet<u32>,
    newest: u32,
    /// The bytes and frames of the header block that is being received.
    block: Option<(usize, usize)>,
    /// Since when no stream is open.
    idle_since: Instant,
    idle_limit: Duration,
}

impl Open {
    fn received(&mut self, header: FrameHeader, now: Instant) -> io::Result<()> {
        match header.kind {
            frame::HEADERS => {
                if header.stream > self.newest {
                    self.newest = header.stream;
                    self.streams.insert(header.stream);
                }
                if self.streams.len() > MAX_STREAMS as usize {
                    return Err(refused("more streams than were allowed"));
                }
                self.block = Some((header.length, 0));
            }
            frame::CONTINUATION => {
                let (bytes, frames) = self.block.unwrap_or_default();
                self.block = Some((bytes + header.length, frames + 1));
            }
            frame::RST_STREAM => self.close(header.stream, now),
            _ => {}
        }
        if let Some((bytes, frames)) = self.block {
            if bytes > MAX_HEADER_BYTES as usize || frames > MAX_CONTINUATIONS {
                return Err(refused("headers longer than were allowed"));
            }
            if matches!(header.kind, frame::HEADERS | frame::CONTINUATION) && header.has(frame::END_HEADERS) {
                self.block = None;
            }
        }
        if self.streams.is_empty() && now.duration_since(self.idle_since) > self.idle_limit {
            return Err(refused("nothing was asked for"));
        }
        Ok(())
    }

    /// The server has answered a stream, or given it up.
    fn sent(&mut self, header: FrameHeader, now: Instant) {
        let ends = matches!(header.kind, frame::DATA | frame::HEADERS) && header.has(frame::END_STREAM);
        if ends || header.kind == frame::RST_STREAM {
            self.close(header.stream, now);
        }
    }

    fn close(&mut self, stream: u32, now: Instant) {
        if self.streams.remove(&stream) && self.streams.is_empty() {
            self.idle_since = now;
        }
    }
}

fn refused(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, why)
}

/// A connection whose frames are counted, where it speaks HTTP/2.
#[derive(Debug)]
pub struct Http2Guard<S> {
    stream: S,
    watch: Option<Box<Watch>>,
}

#[derive(Debug)]
struct Watch {
    open: Open,
    incoming: Frames,
    outgoing: Frames,
    /// The server's first frames with the limits added, as far as they are not written.
    first: Option<Vec<u8>>,
    written: usize,
}

impl<S> Http2Guard<S> {
    /// Watches a connection that speaks HTTP/2.
    pub fn http2(stream: S, idle_limit: Duration) -> Self {
        let open = Open { streams: HashSet::new(), newest: 0, block: None, idle_since: Instant::now(), idle_limit };
        let watch =
            Watch { open, incoming: Frames::after(PREFACE), outgoing: Frames::after(0), first: None, written: 0 };
        Self { stream, watch: Some(Box::new(watch)) }
    }

    /// Leaves a connection that speaks something else as it is.
    pub const fn other(stream: S) -> Self {
        Self { stream, watch: None }
    }

    /// The connection.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }
}

/// The server's first bytes with the limits added to its first frame, if that is a whole `SETTINGS` frame.
fn with_limits(bytes: &[u8]) -> Vec<u8> {
    // SETTINGS_MAX_CONCURRENT_STREAMS and SETTINGS_MAX_HEADER_LIST_SIZE.
    const LIMITS: [(u16, u32); 2] = [(0x3, MAX_STREAMS), (0x6, MAX_HEADER_BYTES)];
    let Some((header, rest)) = bytes.split_first_chunk::<FRAME_HEADER>() else { return bytes.to_vec() };
    let frame = FrameHeader::parse(*header);
    if frame.kind != frame::SETTINGS || frame.has(frame::ACK) || rest.len() < frame.length {
        return bytes.to_vec();
    }
    let (settings, rest) = rest.split_at(frame.length);
    let length = u32::try_from(frame.length + 6 * LIMITS.len()).unwrap_or(u32::MAX);
    let mut out = length.to_be_bytes()[1..].to_vec();
    out.extend(&header[3..]);
    out.extend(settings);
    for (id, value) in LIMITS {
        out.extend(id.to_be_bytes());
        out.extend(value.to_be_bytes());
    }
    out.extend(rest);
    out
}

impl<S: AsyncWrite + Unpin> Http2Guard<S> {
    /// Writes what is left of the first frames.
    fn poll_first(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(watch) = &mut self.watch else { return Poll::Ready(Ok(())) };
        while let Some(first) = watch.first.as_ref().filter(|first| watch.written < first.len()) {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &first[watch.written..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            watch.written += written;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Http2Guard<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { stream, watch } = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(stream).poll_read(context, buffer))?;
        if let Some(watch) = watch {
            let Watch { open, incoming, .. } = watch.as_mut();
            let now = Instant::now();
            incoming.read(&buffer.filled()[before..], |header| open.received(header, now))?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Http2Guard<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        let Some(watch) = &mut guard.watch else { return Pin::new(&mut guard.stream).poll_write(context, bytes) };
        if watch.first.is_none() {
            watch.first = Some(with_limits(bytes));
            let now = Instant::now();
            let Watch { open, outgoing, .. } = watch.as_mut();
            outgoing.read(bytes, |header| {
                open.sent(header, now);
                Ok(())
            })?;
            // Taken over whole; what can't be written now is written before anything else.
            return match guard.poll_first(context) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                _ => Poll::Ready(Ok(bytes.len())),
            };
        }
        ready!(guard.poll_first(context))?;
        let written = ready!(Pin::new(&mut guard.stream).poll_write(context, bytes))?;
        if let Some(watch) = &mut guard.watch {
            let now = Instant::now();
            let Watch { open, outgoing, .. } = watch.as_mut();
            outgoing.read(&bytes[..written], |header| {
                open.sent(header, now);
                Ok(())
            })?;
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        ready!(guard.poll_first(context))?;
        Pin::new(&mut guard.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        ready!(guard.poll_first(context))?;
        Pin::new(&mut guard.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kind: u8, flags: u8, stream: u32, length: u8) -> Vec<u8> {
        [&[0, 0, length, kind, flags], stream.to_be_bytes().as_slice()].concat()
    }

    fn open() -> Open {
        let idle_since = Instant::now();
        Open { streams: HashSet::new(), newest: 0, block: None, idle_since, idle_limit: Duration::from_secs(75) }
    }

    #[test]
    fn frames_are_found_however_the_bytes_are_cut() {
        let bytes = [
            vec![0; PREFACE],
            header(0x1, 0x4, 1, 3),
            vec![9; 3],
            header(0x6, 0, 0, 8),
            vec![7; 8],
            header(0x3, 0, 1, 4),
        ]
        .concat();
        for size in 1..bytes.len() {
            let (mut frames, mut found) = (Frames::after(PREFACE), Vec::new());
            for piece in bytes.chunks(size) {
                frames
                    .read(piece, |header| {
                        found.push((header.kind, header.stream));
                        Ok(())
                    })
                    .unwrap();
            }
            assert_eq!(found, [(1, 1), (6, 0), (3, 1)], "pieces of {size}");
        }
    }

    #[test]
    fn streams_and_headers_are_bounded() {
        let (mut open, now) = (open(), Instant::now());
        let head = |stream, flags, length| FrameHeader { length, kind: frame::HEADERS, flags, stream };
        let more = |length, flags| FrameHeader { length, kind: frame::CONTINUATION, flags, stream: 1 };
        for n in 0..100 {
            open.received(head(2 * n + 1, frame::END_HEADERS, 10), now).unwrap();
        }
        open.sent(FrameHeader { length: 0, kind: frame::DATA, flags: frame::END_STREAM, stream: 3 }, now);
        open.received(head(201, frame::END_HEADERS, 10), now).unwrap();
        assert!(open.received(head(203, frame::END_HEADERS, 10), now).is_err(), "one too many");

        let mut open = self::open();
        open.received(head(1, 0, 16_000), now).unwrap();
        for _ in 0..3 {
            open.received(more(16_000, 0), now).unwrap();
        }
        assert!(open.received(more(16_000, frame::END_HEADERS), now).is_err());
        let mut open = self::open();
        open.received(head(1, 0, 0), now).unwrap();
        assert!((0..100).any(|_| open.received(more(0, 0), now).is_err()), "empty ones without end");
    }

    #[test]
    fn pings_alone_keep_nothing_alive() {
        let mut open = open();
        let ping = FrameHeader { length: 8, kind: 0x6, flags: 0, stream: 0 };
        open.received(ping, open.idle_since + Duration::from_secs(70)).unwrap();
        assert!(open.received(ping, open.idle_since + Duration::from_secs(80)).is_err());
    }

    #[test]
    fn the_limits_are_announced() {
        let own =
            [header(frame::SETTINGS, 0, 0, 6), vec![0, 4, 0, 0, 255, 255], header(0x8, 0, 0, 4), vec![0, 0, 0, 1]]
                .concat();
        let sent = with_limits(&own);
        assert_eq!(sent.len(), own.len() + 12);
        assert_eq!(sent[..3], [0, 0, 18]);
        assert_eq!(sent[15..27], [0, 3, 0, 0, 0, 100, 0, 6, 0, 1, 0, 0]);
        assert_eq!(sent[27..], own[15..]);
        assert_eq!(with_limits(b"HTTP/1.1 400"), b"HTTP/1.1 400");
    }
}
