//! The client that an action came from.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::event::Event;

/// The network that one subscriber has: an IPv4 address, or the /64 of an IPv6 address. What is counted by address is
/// counted by it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Network(IpAddr);

impl Network {
    /// The network of an address. An IPv4 address that is mapped into IPv6 counts as the IPv4 address.
    pub const fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(IpAddr::V4(address)),
            IpAddr::V6(address) => {
                let prefix = address.to_bits() & !(u64::MAX as u128);
                Self(IpAddr::V6(Ipv6Addr::from_bits(prefix)))
            }
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

/// The client that an action came from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    /// IP address.
    pub ip: String,
    /// User agent.
    pub user_agent: String,
}

impl Origin {
    /// The network of the client; `None` if its address is not known.
    pub fn network(&self) -> Option<Network> {
        self.ip.parse().ok().map(Network::of)
    }

    /// Adds it to an event as personal fields.
    #[must_use]
    pub fn add_to(&self, event: Event) -> Event {
        event.private("ip", self.ip.as_str()).private("user_agent", self.user_agent.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_subscriber_are_one_network() {
        let of = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("::ffff:192.0.2.1"), of("::ffff:192.0.2.2"));
        assert_eq!(of("2001:db8:1:2::1").to_string(), "2001:db8:1:2::/64");
    }
}
