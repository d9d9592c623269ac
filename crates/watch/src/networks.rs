//! Networks by number, and networks from where calls are expected.

use std::{collections::BTreeSet, fmt, net::IpAddr};

use ipnet::IpNet;
use law::KeyId;

use crate::seen::Seen;

/// Address ranges and the numbers (AS) of their networks.
///
/// What is kept of a range is where it begins and its number: 8 bytes for IPv4, 20 for IPv6. A
/// hole between two ranges takes the place of one more. A full table of 500,000 ranges of IPv4
/// is 4 MB.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Networks {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

/// Where ranges begin, in order, and their numbers beside it; 0 for what has none.
#[derive(Clone, Default, PartialEq, Eq)]
struct Ranges<A> {
    begins: Vec<A>,
    numbers: Vec<u32>,
}

/// Why a line is no range.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRange {
    /// There are too few columns.
    #[error("a line is `START<tab>END<tab>NUMBER`, as the TSV files of iptoasn.com have it")]
    Columns,
    /// It is no address.
    #[error("`{0}` is no IPv4 or IPv6 address")]
    Address(String),
    /// One is IPv4, the other IPv6.
    #[error("a range begins and ends in the same family of addresses")]
    Mixed,
    /// It ends before it begins.
    #[error("the range ends before it begins; exchange the first two columns")]
    Backwards,
    /// It is no number.
    #[error("`{0}` is no number of a network; write `64500` or `AS64500`, and 0 for what is not routed")]
    Number(String),
    /// It begins within what stands above it, or before it.
    #[error(
        "the range begins at {0}, which is not behind the one above it; sort the table by its first column, and leave out what overlaps"
    )]
    Order(IpAddr),
}

/// A table that is being read, line by line.
#[derive(Default)]
pub struct Reading {
    networks: Networks,
    /// The last address that has its place, by family.
    last: (Option<u32>, Option<u128>),
}

impl Reading {
    /// Takes one line. Empty ones and those that begin with `#` say nothing.
    ///
    /// # Errors
    /// When it is no range, or not behind the one above it.
    pub fn line(&mut self, line: &str) -> Result<(), NoRange> {
        let line = line.trim_end_matches(['\r', '\n']);
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let mut columns = line.split('\t').map(str::trim);
        let (Some(start), Some(end), Some(number)) = (columns.next(), columns.next(), columns.next()) else {
            return Err(NoRange::Columns);
        };
        let address = |text: &str| text.parse::<IpAddr>().map_err(|_| NoRange::Address(short(text)));
        let digits = number.strip_prefix("AS").unwrap_or(number);
        let number = digits.parse().map_err(|_| NoRange::Number(short(number)))?;
        let order = |start: IpAddr| move |()| NoRange::Order(start);
        match (address(start)?, address(end)?) {
            (start, end) if start.is_ipv4() == end.is_ipv4() && end < start => Err(NoRange::Backwards),
            (IpAddr::V4(start), IpAddr::V4(end)) => {
                let (first, last) = (start.to_bits(), end.to_bits());
                self.networks.v4.add(first, last, number, &mut self.last.0).map_err(order(start.into()))
            }
            (IpAddr::V6(start), IpAddr::V6(end)) => {
                let (first, last) = (start.to_bits(), end.to_bits());
                self.networks.v6.add(first, last, number, &mut self.last.1).map_err(order(start.into()))
            }
            _ => Err(NoRange::Mixed),
        }
    }

    /// All of it.
    pub fn whole(mut self) -> Networks {
        let (v4, v6) = self.last;
        self.networks.v4.end(v4);
        self.networks.v6.end(v6);
        self.networks
    }
}

/// What is repeated of a line that is wrong.
fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

/// An address as a number.
trait Address: Copy + Ord {
    const FIRST: Self;
    fn next(self) -> Option<Self>;
}

impl Address for u32 {
    const FIRST: Self = 0;
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Address for u128 {
    const FIRST: Self = 0;
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl<A: Address> Ranges<A> {
    fn add(&mut self, first: A, last: A, number: u32, before: &mut Option<A>) -> Result<(), ()> {
        let free = match *before {
            Some(before) => before.next().filter(|free| *free <= first).ok_or(())?,
            None => A::FIRST,
        };
        if free < first {
            self.push(free, 0);
        }
        self.push(first, number);
        *before = Some(last);
        Ok(())
    }

    /// What is behind the last one has no number.
    fn end(&mut self, last: Option<A>) {
        if let Some(free) = last.and_then(A::next) {
            self.push(free, 0);
        }
        self.begins.shrink_to_fit();
        self.numbers.shrink_to_fit();
    }

    /// What goes on with the same number is one range.
    fn push(&mut self, first: A, number: u32) {
        if self.numbers.last().copied().unwrap_or(0) != number {
            self.begins.push(first);
            self.numbers.push(number);
        }
    }

    fn number(&self, address: A) -> Option<u32> {
        let place = self.begins.partition_point(|begin| *begin <= address).checked_sub(1)?;
        self.numbers.get(place).copied().filter(|number| *number != 0)
    }

    fn bytes(&self) -> usize {
        self.begins.capacity() * size_of::<A>() + self.numbers.capacity() * size_of::<u32>()
    }
}

impl Networks {
    /// The number of the network that an address is in. An IPv4 address written as IPv6 is that
    /// IPv4 address.
    pub fn number(&self, source: IpAddr) -> Option<u32> {
        match source.to_canonical() {
            IpAddr::V4(v4) => self.v4.number(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.number(v6.to_bits()),
        }
    }

    /// How many ranges are told apart, holes counted.
    pub fn ranges(&self) -> usize {
        self.v4.begins.len() + self.v6.begins.len()
    }

    /// What it takes in memory, in bytes.
    pub fn bytes(&self) -> usize {
        self.v4.bytes() + self.v6.bytes()
    }
}

impl fmt::Debug for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Networks({} ranges)", self.ranges())
    }
}

/// Blocks from where calls are expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The blocks.
    pub blocks: Vec<IpNet>,
    /// Of these keys; of all where there are none.
    pub keys: BTreeSet<KeyId>,
}

/// What is known of sources beside the calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The networks' numbers; without a table /16 and /32 stand for networks.
    pub networks: Option<Networks>,
    /// From where calls are expected.
    pub expected: Vec<Expected>,
}

impl Surroundings {
    /// The call, with what is known of its source.
    #[must_use]
    pub fn of<'a>(&self, call: Seen<'a>) -> Seen<'a> {
        let network = self.networks.as_ref().and_then(|networks| networks.number(call.source)).or(call.network);
        let expected = call.expected || call.key.is_some_and(|key| self.expects(key, call.source));
        Seen { network, expected, ..call }
    }

    fn expects(&self, key: KeyId, source: IpAddr) -> bool {
        let source = source.to_canonical();
        self.expected.iter().any(|Expected { blocks, keys }| {
            (keys.is_empty() || keys.contains(&key)) && blocks.iter().any(|block| block.contains(&source))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Networks, NoRange> {
        let mut reading = Reading::default();
        text.lines().try_for_each(|line| reading.line(line))?;
        Ok(reading.whole())
    }

    fn number(networks: &Networks, source: &str) -> Option<u32> {
        networks.number(source.parse().unwrap())
    }

    #[test]
    fn a_table_as_iptoasn_writes_it_is_read() {
        let networks = read(
            "# from iptoasn.com\n\
             1.0.0.0\t1.0.0.255\t13335\tUS\tCLOUDFLARENET\n\
             1.0.1.0\t1.0.3.255\t0\tNone\tNot routed\n\
             1.0.4.0\t1.0.7.255\tAS38803\tAU\tWPL-AS-AP Wirefreebroadband\n\
             255.255.255.0\t255.255.255.255\t7\tNone\tlast\n\
             2001:200::\t2001:200:1ff:ffff:ffff:ffff:ffff:ffff\t2500\tJP\tWIDE\n",
        )
        .unwrap();
        assert_eq!(number(&networks, "1.0.0.200"), Some(13_335));
        assert_eq!(number(&networks, "::ffff:1.0.0.200"), Some(13_335));
        assert_eq!((number(&networks, "1.0.2.1"), number(&networks, "0.255.255.255")), (None, None));
        assert_eq!((number(&networks, "1.0.7.255"), number(&networks, "1.0.8.0")), (Some(38_803), None));
        assert_eq!(number(&networks, "255.255.255.255"), Some(7), "nothing is behind the last address");
        assert_eq!((number(&networks, "2001:200:1ff::1"), number(&networks, "2001:200:200::")), (Some(2_500), None));
        assert!(networks.bytes() <= networks.v4.begins.len() * 8 + networks.v6.begins.len() * 20);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_mend() {
        let wrong = |text: &str| read(text).unwrap_err();
        assert_eq!(wrong("1.0.0.0,1.0.0.255,7"), NoRange::Columns);
        assert_eq!(wrong("1.0.0\t1.0.0.255\t7"), NoRange::Address("1.0.0".to_owned()));
        assert_eq!(wrong("1.0.0.0\t2001:200::\t7"), NoRange::Mixed);
        assert_eq!(wrong("1.0.0.9\t1.0.0.1\t7"), NoRange::Backwards);
        assert_eq!(wrong("1.0.0.0\t1.0.0.1\tseven"), NoRange::Number("seven".to_owned()));
        let order = NoRange::Order("1.0.0.5".parse().unwrap());
        assert_eq!(wrong("1.0.0.0\t1.0.0.9\t7\n1.0.0.5\t1.0.0.20\t8"), order);
        assert!(order.to_string().contains("sort the table"));
        assert_eq!(
            wrong("0.0.0.0\t255.255.255.255\t7\n0.0.0.0\t0.0.0.1\t8"),
            NoRange::Order("0.0.0.0".parse().unwrap())
        );
    }

    #[test]
    fn calls_are_expected_of_the_keys_that_are_named_or_of_all() {
        let expected = |blocks: &str, keys: &[u64]| Expected {
            blocks: vec![blocks.parse().unwrap()],
            keys: keys.iter().map(|key| KeyId(*key)).collect(),
        };
        let office = [expected("198.51.100.0/24", &[]), expected("2001:db8:7::/48", &[3])];
        let surroundings = Surroundings { networks: None, expected: office.into() };
        let expects = |key, source: &str| surroundings.expects(KeyId(key), source.parse().unwrap());
        assert!(expects(1, "198.51.100.9") && expects(1, "::ffff:198.51.100.9") && expects(3, "2001:db8:7::1"));
        assert!(!expects(1, "2001:db8:7::1") && !expects(3, "198.51.101.9"));
    }

    /// Ranges in order, with holes: steps and lengths in turn.
    fn table() -> impl Strategy<Value = Vec<(u32, u32, u32)>> {
        prop::collection::vec((0_u32..2_000, 0_u32..5_000, 0_u32..6), 0..200).prop_map(|drawn| {
            let mut free = 0_u32;
            let range = |(hole, length, number): (u32, u32, u32)| {
                let first = free + hole;
                free = first + length + 1;
                (first, first + length, number)
            };
            drawn.into_iter().map(range).collect()
        })
    }

    proptest! {
        #[test]
        fn every_address_is_found_where_a_look_at_each_line_finds_it(
            table in table(),
            addresses in prop::collection::vec(0_u32..1_500_000, 1..200),
        ) {
            let line = |(first, last, number): &(u32, u32, u32)| {
                format!("{}\t{}\t{number}\tNone\tx\n", Ipv4Addr::from_bits(*first), Ipv4Addr::from_bits(*last))
            };
            let line6 = |(first, last, number): &(u32, u32, u32)| {
                let wide = |address: u32| Ipv6Addr::from_bits(u128::from(address) << 64);
                format!("{}\t{}\t{number}\n", wide(*first), Ipv6Addr::from_bits((u128::from(*last) << 64) | u128::from(u64::MAX)))
            };
            let text: String = table.iter().map(line).chain(table.iter().map(line6)).collect();
            let networks = read(&text).unwrap();
            let edges = table.iter().flat_map(|(first, last, _)| [*first, *last, last + 1, first.saturating_sub(1)]);
            for address in addresses.into_iter().chain(edges) {
                let holds = |(first, last, _): &&(u32, u32, u32)| (*first..=*last).contains(&address);
                let naive = table.iter().find(holds).map(|(_, _, number)| *number).filter(|number| *number != 0);
                prop_assert_eq!(networks.number(Ipv4Addr::from_bits(address).into()), naive);
                let wide = Ipv6Addr::from_bits((u128::from(address) << 64) | 77);
                prop_assert_eq!(networks.number(wide.into()), naive);
            }
        }

        #[test]
        fn no_line_makes_it_panic(lines in prop::collection::vec("[0-9a-f.:\t AS-]{0,60}", 0..20)) {
            let _ = read(&lines.join("\n"));
        }
    }
}
