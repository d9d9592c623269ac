//! A table of networks: who wrote it knows how, or not.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libfuzzer_sys::fuzz_target;
use watch::Reading;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let mut reading = Reading::default();
    let mut taken = Vec::new();
    for line in text.lines() {
        match reading.line(line) {
            Ok(()) => taken.extend(range(line)),
            Err(error) => assert!(error.to_string().len() < 600, "{error}"),
        }
    }
    // What was refused is not there, and what was taken is found as a look at each line finds it.
    let networks = reading.whole();
    assert!(networks.ranges() <= 2 * taken.len());
    assert!(networks.bytes() <= 20 * networks.ranges());
    let edges = taken.iter().flat_map(|(first, last, _)| [before(*first), Some(*first), Some(*last), after(*last)]);
    for address in edges.flatten().take(200) {
        // An IPv4 address written as IPv6 is that IPv4 address.
        let address = address.to_canonical();
        let holds = |(first, last, _): &&(IpAddr, IpAddr, u32)| {
            first.is_ipv4() == address.is_ipv4() && *first <= address && address <= *last
        };
        let naive = taken.iter().find(holds).map(|(_, _, number)| *number).filter(|number| *number != 0);
        assert_eq!(networks.number(address), naive, "{address}");
    }
});

/// A line that was taken: both ends and the number; nothing where it says nothing.
fn range(line: &str) -> Option<(IpAddr, IpAddr, u32)> {
    if line.trim().is_empty() || line.starts_with('#') {
        return None;
    }
    let mut columns = line.split('\t').map(str::trim);
    let mut address = || columns.next().and_then(|it| it.parse().ok()).expect("it was taken");
    let (first, last) = (address(), address());
    let number = columns.next().expect("it was taken");
    Some((first, last, number.strip_prefix("AS").unwrap_or(number).parse().expect("it was taken")))
}

fn after(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => v4.to_bits().checked_add(1).map(|bits| Ipv4Addr::from_bits(bits).into()),
        IpAddr::V6(v6) => v6.to_bits().checked_add(1).map(|bits| Ipv6Addr::from_bits(bits).into()),
    }
}

fn before(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => v4.to_bits().checked_sub(1).map(|bits| Ipv4Addr::from_bits(bits).into()),
        IpAddr::V6(v6) => v6.to_bits().checked_sub(1).map(|bits| Ipv6Addr::from_bits(bits).into()),
    }
}
