//! Where calls come from.

use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// Addresses that count as one source: a single IPv4 address, an IPv6 /64.
///
/// IPv6 hosts change the lower half of their address by the hour; one /64 is one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Neighbourhood(IpAddr);

impl Neighbourhood {
    /// The address that stands for the whole neighbourhood.
    pub const fn address(self) -> IpAddr {
        self.0
    }
}

/// The source that an address belongs to. An IPv4 address written as IPv6 is that IPv4 address.
pub fn neighbourhood(address: IpAddr) -> Neighbourhood {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => Neighbourhood(v4),
        IpAddr::V6(v6) => Neighbourhood(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_64_is_one_source() {
        let at = |text: &str| neighbourhood(text.parse().unwrap());
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8:0:1::1"), at("2001:db8::1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    }
}
