//! The client that an action came from.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

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

/// The header in which proxies say for whom they ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Which proxies there are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Proxies {
    /// None: whoever connects is the client.
    #[default]
    None,
    /// One, through which everybody comes.
    One,
    /// One or several in a row, with addresses in these networks.
    Listed(Vec<IpNet>),
}

/// The proxies that are believed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TrustedProxies {
    proxies: Proxies,
    header: ProxyHeader,
}

impl TrustedProxies {
    /// These proxies, and the header that they write.
    pub const fn new(proxies: Proxies, header: ProxyHeader) -> Self {
        Self { proxies, header }
    }

    /// The name of the header that they write.
    pub const fn header_name(&self) -> &'static str {
        match self.header {
            ProxyHeader::XForwardedFor => "x-forwarded-for",
            ProxyHeader::Forwarded => "forwarded",
        }
    }

    /// The address of the client, given who has connected and what the header's lines say, in order. Each proxy adds the
    /// address that it was asked from at the end, so the list is read from there, for as long as a proxy that is believed
    /// has written it.
    pub fn client<'a>(&self, peer: IpAddr, lines: impl DoubleEndedIterator<Item = &'a str>) -> IpAddr {
        let mut client = peer.to_canonical();
        let mut hops = lines.rev().flat_map(|line| self.hops(line).into_iter().rev());
        let mut passed = 0;
        while self.is_proxy(client, passed) {
            let Some(next) = hops.next().and_then(|hop| self.address(hop)) else { break };
            client = next.to_canonical();
            passed += 1;
        }
        client
    }

    /// Whether an address, behind which so many proxies were passed, is one of a proxy.
    fn is_proxy(&self, address: IpAddr, passed: usize) -> bool {
        match &self.proxies {
            Proxies::None => false,
            Proxies::One => passed == 0,
            Proxies::Listed(networks) => networks.iter().any(|network| network.contains(&address)),
        }
    }

    /// The elements of the list in a line.
    fn hops<'a>(&self, line: &'a str) -> Vec<&'a str> {
        match self.header {
            // Quotes mean nothing there.
            ProxyHeader::XForwardedFor => line.split(',').collect(),
            ProxyHeader::Forwarded => split_outside_quotes(line, ','),
        }
    }

    /// The address in one element of the list.
    fn address(&self, hop: &str) -> Option<IpAddr> {
        let text = match self.header {
            ProxyHeader::XForwardedFor => hop.trim(),
            ProxyHeader::Forwarded => split_outside_quotes(hop, ';').into_iter().find_map(|part| {
                let (name, value) = part.split_once('=')?;
                name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
            })?,
        };
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
    }
}

/// The parts of a line between separators that stand outside quoted strings (RFC 9110 section 5.6.4). Where such a string
/// does not end, quotes count for nothing: what a client has begun must not swallow what the proxy adds.
fn split_outside_quotes(line: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in line.char_indices() {
        if escaped {
            escaped = false;
        } else if quoted && c == '\\' {
            escaped = true;
        } else if c == '"' {
            quoted = !quoted;
        } else if c == separator && !quoted {
            parts.push(&line[start..at]);
            start = at + c.len_utf8();
        }
    }
    if quoted {
        return line.split(separator).collect();
    }
    parts.push(&line[start..]);
    parts
}

/// The client that an action came from.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
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
    fn only_proxies_that_are_believed_say_who_asks() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let networks = || Proxies::Listed(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        let proxies = TrustedProxies::new(networks(), ProxyHeader::XForwardedFor);
        let client = |peer: &str, lines: &[&str]| proxies.client(ip(peer), lines.iter().copied()).to_string();
        assert_eq!(client("10.0.0.1", &["192.0.2.7"]), "192.0.2.7");
        assert_eq!(client("192.0.2.1", &["192.0.2.7"]), "192.0.2.1", "whoever comes past the proxy");
        assert_eq!(client("10.0.0.1", &["6.6.6.6, 192.0.2.7, 10.0.0.9"]), "192.0.2.7", "two proxies, and a lie before");
        assert_eq!(client("10.0.0.1", &["6.6.6.6", "192.0.2.7"]), "192.0.2.7", "in a line of its own");
        assert_eq!(client("10.0.0.1", &["unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("::ffff:10.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(client("10.0.0.1", &["192.0.2.7:5123"]), "192.0.2.7");
        for begun in ["6.6.6.6:\"", "[6.6.6.6]\"", "\"", "\"6.6.6.6", "\\"] {
            let line = format!("{begun}, 192.0.2.7");
            assert_eq!(client("10.0.0.1", &[&line]), "192.0.2.7", "a client can't swallow what the proxy adds: {line}");
        }
        for broken in ["6.6.6.6:x", "[6.6.6.6", "[::1]x", "6.6.6.6:1:2"] {
            assert_eq!(client("10.0.0.1", &[broken]), "10.0.0.1", "{broken}");
        }
        let proxies = TrustedProxies::new(networks(), ProxyHeader::Forwarded);
        let client = |lines: &[&str]| proxies.client(ip("::1"), lines.iter().copied()).to_string();
        assert_eq!(client(&["for=6.6.6.6, For=\"[2001:db8::1]:80\";proto=https"]), "2001:db8::1");
        assert_eq!(client(&["for=192.0.2.7;by=10.0.0.1"]), "192.0.2.7");
        assert_eq!(client(&["for=_hidden"]), "::1");
        for begun in ["for=\"6.6.6.6:", "for=\"", "\"", "for=6.6.6.6;x=\"\\"] {
            for added in ["for=192.0.2.7", "for=\"192.0.2.7:80\"", "for=\"192.0.2.7\";proto=https"] {
                let line = format!("{begun}, {added}");
                assert_eq!(client(&[&line]), "192.0.2.7", "{line}");
            }
        }
        assert_eq!(client(&["host=\"x;for=6.6.6.6\";for=192.0.2.7"]), "192.0.2.7", "what a client has quoted");
        assert_eq!(client(&["for=192.0.2.7;host=\"x,for=6.6.6.6\""]), "192.0.2.7");
        let one = TrustedProxies::new(Proxies::One, ProxyHeader::XForwardedFor);
        let client = |line: &str| one.client(ip("10.0.0.1"), [line].into_iter()).to_string();
        assert_eq!(client("6.6.6.6, 10.0.0.7"), "10.0.0.7", "a client in the proxy's own network can't lie");
        let none = TrustedProxies::default();
        assert_eq!(none.client(ip("10.0.0.1"), ["6.6.6.6"].into_iter()).to_string(), "10.0.0.1");
    }

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
