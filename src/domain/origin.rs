//! The client that an action came from.

use super::event::Event;

/// The client that an action came from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// IP address.
    pub ip: String,
    /// User agent.
    pub user_agent: String,
}

impl Origin {
    /// Adds it to an event as personal fields.
    #[must_use]
    pub fn on(&self, event: Event) -> Event {
        event.private("ip", self.ip.as_str()).private("user_agent", self.user_agent.as_str())
    }
}
