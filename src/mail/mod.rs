//! Mail: notices put into words, and the worker that carries the outbox out.

mod messages;
mod transport;
pub mod worker;

pub use messages::{Message, compose};
pub use transport::{Transport, TransportError};
