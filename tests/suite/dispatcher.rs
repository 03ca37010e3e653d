//! What the gateway's connection layer assumes of the actix-http dispatcher, one test for each assumption, by its number in
//! `src/delivery/connection/mod.rs`. They fail first when another version of actix-http does something else.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_http::body::{BodySize, MessageBody};
use actix_http::{HttpService, Request, Response};
use actix_service::{Service, ServiceFactory};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// A step of a scripted body.
enum Step {
    Chunk(&'static str),
    /// 64 KiB.
    Large,
    /// Stops until the test lets it go on.
    Wait,
    Fail,
}

/// A body that does as the test says.
struct Scripted {
    steps: Vec<Step>,
    size: BodySize,
    gate: Gate,
    dropped: Arc<AtomicBool>,
}

/// Lets a waiting body go on, and counts how often it is polled.
#[derive(Clone, Default)]
struct Gate {
    open: Arc<AtomicBool>,
    polls: Arc<AtomicUsize>,
    waker: Rc<RefCell<Option<Waker>>>,
}

impl Gate {
    fn open(&self) {
        self.open.store(true, Ordering::Release);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Release);
    }
}

impl MessageBody for Scripted {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, std::io::Error>>> {
        self.gate.polls.fetch_add(1, Ordering::AcqRel);
        match self.steps.first() {
            None => Poll::Ready(None),
            Some(Step::Wait) if !self.gate.open.load(Ordering::Acquire) => {
                *self.gate.waker.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
            Some(Step::Wait) => {
                self.steps.remove(0);
                self.poll_next(context)
            }
            Some(Step::Chunk(text)) => {
                let text = *text;
                self.steps.remove(0);
                Poll::Ready(Some(Ok(Bytes::from_static(text.as_bytes()))))
            }
            Some(Step::Large) => {
                self.steps.remove(0);
                Poll::Ready(Some(Ok(Bytes::from(vec![b'x'; 65_536]))))
            }
            Some(Step::Fail) => Poll::Ready(Some(Err(std::io::Error::other("broken for the test")))),
        }
    }
}

/// A stream whose writes can be made to fail.
struct Breakable {
    stream: TcpStream,
    broken: Rc<Cell<bool>>,
}

impl Breakable {
    fn check(&self) -> std::io::Result<()> {
        if self.broken.get() { Err(std::io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Breakable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Breakable {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A server whose bodies do as they are told, and a client of it that says what it received.
struct Served {
    address: SocketAddr,
    gate: Gate,
    dropped: Arc<AtomicBool>,
    broken: Rc<Cell<bool>>,
    /// Requests that were given to the service.
    asked: Arc<AtomicUsize>,
}

impl Served {
    async fn start(script: fn() -> Vec<Step>, size: BodySize, length: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let served = Self {
            address: listener.local_addr().unwrap(),
            gate: Gate::default(),
            dropped: Arc::default(),
            broken: Rc::default(),
            asked: Arc::default(),
        };
        let (gate, dropped, asked) = (served.gate.clone(), served.dropped.clone(), served.asked.clone());
        let answer = move |_: Request| {
            asked.fetch_add(1, Ordering::AcqRel);
            let body = Scripted { steps: script(), size, gate: gate.clone(), dropped: dropped.clone() };
            let mut response = Response::build(actix_http::StatusCode::OK);
            if let Some(length) = length {
                response.insert_header(("content-length", length)).no_chunking(length.parse().unwrap());
            }
            std::future::ready(Ok::<_, Infallible>(response.message_body(body).unwrap()))
        };
        let broken = served.broken.clone();
        tokio::task::spawn_local(async move {
            let factory = HttpService::build().h1(actix_service::fn_service(answer));
            let service = factory.new_service(()).await.unwrap();
            while let Ok((stream, peer)) = listener.accept().await {
                let stream = Breakable { stream, broken: broken.clone() };
                let ended = service.call((stream, Some(peer)));
                tokio::task::spawn_local(async move {
                    // How a connection ends is what the client sees.
                    let _ = ended.await;
                });
            }
        });
        served
    }

    /// Sends bytes on a new connection.
    fn send(&self, text: &'static str) -> Client {
        let mut stream = std::net::TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        Client(stream)
    }
}

struct Client(std::net::TcpStream);

impl Client {
    /// What arrives until `end` has, or the connection ends.
    async fn until(self, end: &'static str) -> (Self, String) {
        let mut stream = self.0;
        tokio::task::spawn_blocking(move || {
            let (mut received, mut buffer) = (String::new(), [0; 4096]);
            while !received.contains(end) {
                match stream.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(n) => received.push_str(&String::from_utf8_lossy(&buffer[..n])),
                }
            }
            (Self(stream), received)
        })
        .await
        .unwrap()
    }

    /// What arrives until the connection ends.
    async fn rest(self) -> String {
        self.until("\u{0}").await.1
    }
}

fn run<F: Future<Output = ()>>(test: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

#[test]
fn one_what_is_buffered_is_written_when_a_body_waits() {
    run(async {
        let script = || vec![Step::Chunk("first"), Step::Wait, Step::Chunk("second")];
        let served = Served::start(script, BodySize::Stream, None).await;
        let (client, received) = served.send(GET).until("first").await;
        assert!(received.starts_with("HTTP/1.1 200 OK") && received.contains("first"), "{received}");
        let polls = served.gate.polls.load(Ordering::Acquire);
        served.gate.open();
        let (_client, received) = client.until("second").await;
        assert!(received.contains("second"), "{received}");
        assert!(served.gate.polls.load(Ordering::Acquire) > polls, "it is polled again when woken");
    });
}

#[test]
fn two_a_stream_under_a_length_goes_out_as_it_is_and_the_connection_is_kept() {
    run(async {
        let served = Served::start(|| vec![Step::Chunk("ten bytes.")], BodySize::Stream, Some("10")).await;
        let twice = "GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let received = served.send(twice).rest().await;
        assert_eq!(received.matches("content-length: 10").count(), 2, "{received}");
        assert_eq!(received.matches("\r\n\r\nten bytes.").count(), 2, "{received}");
        assert!(!received.contains("chunked"), "{received}");
    });
}

#[test]
fn three_a_body_that_fails_ends_the_connection_without_completing_the_answer() {
    run(async {
        let served = Served::start(|| vec![Step::Chunk("part"), Step::Fail], BodySize::Stream, None).await;
        let received = served.send(GET).rest().await;
        assert!(!received.ends_with("0\r\n\r\n"), "an answer that broke must not look complete: {received}");
    });
}

#[test]
fn four_a_pipelined_answer_begins_after_the_one_before_it() {
    run(async {
        let script = || vec![Step::Chunk("begin"), Step::Wait, Step::Chunk("end")];
        let served = Served::start(script, BodySize::Sized(8), None).await;
        let twice = "GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let (client, received) = served.send(twice).until("begin").await;
        assert_eq!(received.matches("HTTP/1.1 200").count(), 1, "{received}");
        assert_eq!(served.asked.load(Ordering::Acquire), 1, "the second waits");
        served.gate.open();
        let received = received + &client.rest().await;
        assert_eq!(received.matches("beginend").count(), 2, "{received}");
    });
}

#[test]
fn five_a_body_is_dropped_when_its_client_can_not_be_written_to() {
    run(async {
        let script = || {
            let more = std::iter::repeat_with(|| Step::Large).take(1_000);
            [Step::Chunk("part"), Step::Wait].into_iter().chain(more).chain([Step::Wait]).collect()
        };
        let served = Served::start(script, BodySize::Stream, None).await;
        let (client, _) = served.send(GET).until("part").await;
        assert!(!served.dropped.load(Ordering::Acquire));
        drop(client);
        served.gate.open();
        dropped(&served).await;
        let polls = served.gate.polls.load(Ordering::Acquire);
        assert!(polls < 1_000, "it is not read to its end for nobody: {polls}");
    });
}

#[test]
fn six_a_body_is_polled_until_it_ends_also_after_its_last_byte() {
    run(async {
        let served = Served::start(|| vec![Step::Chunk("whole"), Step::Wait], BodySize::Sized(5), None).await;
        let (client, received) = served.send(GET).until("whole").await;
        assert!(received.ends_with("\r\n\r\nwhole"), "{received}");
        assert!(!served.dropped.load(Ordering::Acquire), "it has not said that it has ended");
        served.gate.open();
        dropped(&served).await;
        drop(client);
    });
}

#[test]
fn seven_an_error_of_the_stream_ends_the_connection() {
    run(async {
        let served =
            Served::start(|| vec![Step::Chunk("part"), Step::Wait, Step::Chunk("rest")], BodySize::Stream, None).await;
        let (client, _) = served.send(GET).until("part").await;
        served.broken.set(true);
        served.gate.open();
        let received = client.rest().await;
        assert!(!received.contains("rest"), "{received}");
        dropped(&served).await;
    });
}

async fn dropped(served: &Served) {
    super::support::until("the body to be dropped", || async { served.dropped.load(Ordering::Acquire).then_some(()) })
        .await;
}
