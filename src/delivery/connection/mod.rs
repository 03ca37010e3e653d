//! Client connections, and our contract with the actix-http dispatcher, which nothing outside this room relies on.
//!
//! The dispatcher owns a [`stream::ClientStream`] in place of a `TcpStream`. That gives two things it does not offer: a
//! connection can be aborted from any thread ([`abort`]), also while the client takes nothing, and a file can be sent past
//! the dispatcher's buffer ([`direct`]). A large answer ends when its last bytes have gone to the kernel ([`flush`]).
//!
//! What is assumed of actix-http, whose exact version `Cargo.toml` pins. `tests/suite/dispatcher.rs` has a test for each:
//!
//! 1. It writes what is in its buffer, the head included, when a body returns `Pending`, and polls the body again when
//!    woken.
//! 2. A body of size `Stream` under a head with `Content-Length` and `no_chunking` goes out as it is, and the connection
//!    is kept.
//! 3. A body that returns an error ends the connection without completing the answer.
//! 4. The answer to a pipelined request begins after the one before it has ended.
//! 5. A body is dropped when its client can't be written to any more; that it has gone is noticed with the next write.
//! 6. A body of known length is polled until it says that it has ended, also after its last byte; meanwhile what was made
//!    of it is written, and flushed to the stream.
//! 7. An error of the stream's `poll_read` or `poll_write` ends the connection.

pub mod abort;
pub mod direct;
pub mod flush;
pub mod http2_guard;
pub mod stream;
pub mod tls;
