//! Sources and programs, grouped as people would group them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a call comes from: its block (/24, /64) and its network (by number, else /16, /32).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) block: u32,
    pub(crate) network: u32,
}

impl Place {
    pub(crate) fn of(source: IpAddr, number: Option<u32>) -> Self {
        let (block, wide) = match source.to_canonical() {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                (hash(&[4, a, b, c]), hash(&[16, a, b]))
            }
            IpAddr::V6(v6) => {
                let bits = v6.to_bits();
                (hash(&(bits >> 64).to_be_bytes()), hash(&(bits >> 96).to_be_bytes()))
            }
        };
        Self { block, network: number.map_or(wide, of_number) }
    }
}

/// The block that an address is in, as people write it.
pub(crate) fn block_in_words(source: IpAddr) -> String {
    match source.to_canonical() {
        IpAddr::V4(v4) => format!("{}/24", Ipv4Addr::from_bits(v4.to_bits() & !0xff)),
        IpAddr::V6(v6) => format!("{}/64", Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

/// A network by its number.
pub(crate) fn of_number(number: u32) -> u32 {
    hash(&[b"as".as_slice(), &number.to_be_bytes()].concat())
}

/// The family of a program: its name without versions. `orders-sync/2.1` and `orders-sync/2.2`
/// are one; of a browser, all the names that it gives itself.
pub(crate) fn family(user_agent: Option<&str>) -> u32 {
    let Some(agent) = user_agent else { return 1 };
    let mut sum = BEGIN;
    let (mut depth, mut version) = (0_u32, false);
    let browser = agent.get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case("mozilla"));
    for byte in agent.trim_start().bytes().take(256) {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            b' ' if !browser => break,
            b' ' => version = false,
            b'/' => version = true,
            _ if version => {}
            // `sync-1.4` has its version in its name.
            b'0'..=b'9' | b'.' => {}
            _ => sum = step(sum, byte.to_ascii_lowercase()),
        }
    }
    sum
}

const BEGIN: u32 = 0x811c_9dc5;

const fn step(sum: u32, byte: u8) -> u32 {
    (sum ^ byte as u32).wrapping_mul(0x0100_0193)
}

/// A short name for something long. Who makes two things look alike has gained nothing that
/// copying the one would not give.
pub(crate) fn hash(bytes: &[u8]) -> u32 {
    let sum = bytes.iter().fold(BEGIN, |sum, byte| step(sum, *byte));
    // 0 stands for nothing.
    if mix(sum) < 2 { 2 } else { mix(sum) }
}

/// Each bit depends on each.
pub(crate) const fn mix(sum: u32) -> u32 {
    let sum = (sum ^ (sum >> 16)).wrapping_mul(0x7feb_352d);
    sum ^ (sum >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_no_difference_and_names_are() {
        let of = |text| family(Some(text));
        assert_eq!(of("orders-sync/2.1"), of("Orders-Sync/2.2 (linux)"));
        assert_eq!(of("python-requests/2.31.0"), of("python-requests/2.32.0"));
        assert_ne!(of("python-requests/2.31"), of("curl/8.5"));
        assert_ne!(of("Mozilla/5.0 (X11) Gecko/2010 Firefox/1"), of("Mozilla/5.0 (X11) AppleWebKit/5 Chrome/1"));
        assert_ne!(family(None), of(""));
    }

    #[test]
    fn places_are_blocks_within_networks() {
        let at = |text: &str, number| Place::of(text.parse().unwrap(), number);
        assert_eq!(at("192.0.2.1", None), at("192.0.2.200", None));
        assert_ne!(at("192.0.2.1", None).block, at("192.0.3.1", None).block);
        assert_eq!(at("192.0.2.1", None).network, at("192.0.3.1", None).network);
        assert_eq!(at("192.0.2.1", Some(7)).network, at("203.0.113.1", Some(7)).network);
        assert_eq!(at("2001:db8::1", None), at("2001:db8::ffff", None));
        assert_eq!(at("2001:db8:0:1::1", None).network, at("2001:db8:0:2::1", None).network);
    }
}
