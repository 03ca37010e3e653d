//! Mail: notices put into words, and how they leave.

mod messages;
mod transport;

pub use messages::{Message, compose};
pub use transport::{MailSettings, MailTransport, Transport, TransportError};
