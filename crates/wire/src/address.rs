//! Who really called, where proxies stand before the gate.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;

/// More hops than this are not followed.
const MOST_HOPS: usize = 32;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The header in which the proxies before the gate say who called.
///
/// One is believed, never both: a proxy that writes the one passes on whatever a client wrote
/// into the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239)
    Forwarded,
}

/// The proxies before the gate whose word counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ProxyHeader,
}

impl TrustedProxies {
    /// Proxies in these networks, which say who called in this header.
    pub fn new(networks: Vec<IpNet>, header: ProxyHeader) -> Self {
        Self { networks, header }
    }

    /// Whether a proxy at this address is believed.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The way a request took: the client first, then the trusted proxies, the peer last. What
    /// stands before the client in the header is somebody's claim, and is left out.
    pub(crate) fn way(&self, peer: IpAddr, headers: &HeaderMap) -> Vec<IpAddr> {
        let mut way = vec![peer.to_canonical()];
        if self.trusts(peer) {
            let name = match self.header {
                ProxyHeader::XForwardedFor => X_FORWARDED_FOR,
                ProxyHeader::Forwarded => header::FORWARDED,
            };
            for hop in hops(headers, &name).into_iter().rev().take(MOST_HOPS) {
                let address = match self.header {
                    ProxyHeader::XForwardedFor => read_address(hop),
                    ProxyHeader::Forwarded => read_forwarded(hop),
                };
                // A proxy that does not know, or hides, who called: it speaks for them.
                let Some(address) = address else { break };
                way.push(address);
                if !self.trusts(address) {
                    break;
                }
            }
        }
        way.reverse();
        way
    }
}

/// The address that called: the rightmost one that no trusted proxy has. The peer itself where
/// it is no trusted proxy, whatever the headers say.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> IpAddr {
    trusted.way(peer, headers).first().copied().unwrap_or(peer)
}

/// The hops in all lines of this header. Quotes are not minded: no address has a comma, and a
/// client's open quote must not swallow what a proxy put behind it.
fn hops<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a [u8]> {
    headers.get_all(name).iter().flat_map(|value: &HeaderValue| value.as_bytes().split(|byte| *byte == b',')).collect()
}

/// `for=192.0.2.1;proto=https` and its kin.
fn read_forwarded(hop: &[u8]) -> Option<IpAddr> {
    let mut nodes = hop.split(|byte| *byte == b';').filter_map(|pair| {
        let pair = pair.trim_ascii();
        let (name, value) = pair.split_at_checked(4)?;
        name.eq_ignore_ascii_case(b"for=").then_some(value)
    });
    let node = nodes.next()?;
    if nodes.next().is_some() {
        return None;
    }
    let bare = node.strip_prefix(b"\"").map_or(Some(node), |rest| rest.strip_suffix(b"\""))?;
    read_address(bare)
}

/// An address with a port or without, IPv6 in brackets or bare.
fn read_address(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text).ok()?.trim();
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let address =
        text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip())).or_else(in_brackets)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trusted(header: ProxyHeader) -> TrustedProxies {
        TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()], header)
    }

    fn client(peer: &str, lines: &[(&'static str, &str)], header: ProxyHeader) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        client_address(peer.parse().unwrap(), &headers, &trusted(header)).to_string()
    }

    #[test]
    fn the_rightmost_address_that_nobody_trusts_called() {
        let rows = [
            ("192.0.2.9", "203.0.113.1", "192.0.2.9"),
            ("10.0.0.1", "203.0.113.1", "203.0.113.1"),
            ("10.0.0.1", "198.51.100.7, 203.0.113.1", "203.0.113.1"),
            ("10.0.0.1", "203.0.113.1, 10.0.0.2,10.0.0.3", "203.0.113.1"),
            ("10.0.0.1", "10.0.0.9, 203.0.113.1, 10.0.0.2", "203.0.113.1"),
            ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("10.0.0.1", "203.0.113.1:4711", "203.0.113.1"),
            ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
            ("10.0.0.1", "[2001:db8::1]", "2001:db8::1"),
            ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
            ("fd00::1", "::ffff:203.0.113.1", "203.0.113.1"),
            ("::ffff:10.0.0.1", "203.0.113.1", "203.0.113.1"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "203.0.113.1, unknown", "10.0.0.1"),
            ("10.0.0.1", "203.0.113.1, unknown, 10.0.0.2", "10.0.0.2"),
            ("10.0.0.1", "203.0.113.1,", "10.0.0.1"),
            ("10.0.0.1", "203.0.113.999", "10.0.0.1"),
            ("10.0.0.1", "é", "10.0.0.1"),
        ];
        for (peer, value, expected) in rows {
            assert_eq!(
                client(peer, &[("x-forwarded-for", value)], ProxyHeader::XForwardedFor),
                expected,
                "{peer} {value}"
            );
        }
        let lines = [("x-forwarded-for", "203.0.113.1"), ("x-forwarded-for", "203.0.113.2")];
        assert_eq!(client("10.0.0.1", &lines, ProxyHeader::XForwardedFor), "203.0.113.2");
    }

    #[test]
    fn forwarded_is_read_as_its_standard_says() {
        let rows = [
            ("for=203.0.113.1", "203.0.113.1"),
            ("For=\"203.0.113.1:80\";proto=https", "203.0.113.1"),
            ("proto=http; for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("for=198.51.100.7, for=203.0.113.1, for=10.0.0.2", "203.0.113.1"),
            ("for=_hidden", "10.0.0.1"),
            ("for=\"_gazonk\", for=203.0.113.1", "203.0.113.1"),
            ("for=\"open, for=203.0.113.1", "203.0.113.1"),
            ("for=\"203.0.113.1", "10.0.0.1"),
            ("for=203.0.113.1;for=198.51.100.7", "10.0.0.1"),
            ("by=10.0.0.2", "10.0.0.1"),
            ("203.0.113.1", "10.0.0.1"),
        ];
        for (value, expected) in rows {
            assert_eq!(client("10.0.0.1", &[("forwarded", value)], ProxyHeader::Forwarded), expected, "{value}");
        }
    }

    #[test]
    fn the_header_that_proxies_do_not_write_is_not_believed() {
        let lines = [("forwarded", "for=198.51.100.7"), ("x-forwarded-for", "203.0.113.1")];
        assert_eq!(client("10.0.0.1", &lines, ProxyHeader::XForwardedFor), "203.0.113.1");
        assert_eq!(client("10.0.0.1", &lines, ProxyHeader::Forwarded), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &lines[..1], ProxyHeader::XForwardedFor), "10.0.0.1");
    }

    proptest! {
        /// Whatever a client writes, the proxy's own word behind it decides.
        #[test]
        fn no_claim_reaches_over_a_trusted_proxy(claim in "[ -~]{0,60}") {
            for (name, header, told) in [
                ("x-forwarded-for", ProxyHeader::XForwardedFor, "203.0.113.1"),
                ("forwarded", ProxyHeader::Forwarded, "for=203.0.113.1"),
            ] {
                let value = format!("{claim}, {told}");
                prop_assert_eq!(client("10.0.0.1", &[(name, &value)], header), "203.0.113.1");
                prop_assert_eq!(client("192.0.2.1", &[(name, &value)], header), "192.0.2.1");
            }
        }
    }
}
