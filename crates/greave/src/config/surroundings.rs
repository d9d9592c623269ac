//! What is known of sources beside the calls: a table of networks' numbers, and blocks from where
//! calls are expected.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use ipnet::IpNet;
use law::KeyId;
use serde::Deserialize;
use watch::{Networks, NoRange, Reading};

use super::address;

/// A full table has some 40 MB; what is longer is none, or blows up on purpose.
const LONGEST: u64 = 1 << 30;

/// The widest blocks in which somebody can still say who is there.
const WIDEST: (u8, u8) = (8, 16);

/// Blocks from where calls are expected, such as an office, or the machines that build.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    #[serde(deserialize_with = "address::networks")]
    pub(crate) blocks: Vec<IpNet>,
    pub(crate) why: String,
    /// Of these keys; of all where none is named.
    #[serde(default)]
    pub(crate) keys: Vec<KeyId>,
}

impl Expected {
    pub(super) fn check(&self) -> Result<(), String> {
        let Self { blocks, why, keys: _ } = self;
        if blocks.is_empty() {
            return Err("expected: say in `blocks` from where calls are expected, such as `198.51.100.0/24`".to_owned());
        }
        if why.trim().is_empty() {
            let block = blocks.first().map(ToString::to_string).unwrap_or_default();
            return Err(format!("expected: say in `why` for what reason calls come from `{block}`"));
        }
        let widest = |block: &IpNet| if block.addr().is_ipv4() { WIDEST.0 } else { WIDEST.1 };
        match blocks.iter().find(|block| block.prefix_len() < widest(block)) {
            Some(wide) => Err(format!(
                "expected: `{wide}` is half the world; name the blocks that are yours, /{} or narrower",
                widest(wide)
            )),
            None => Ok(()),
        }
    }

    pub(super) fn as_watched(&self) -> watch::Expected {
        watch::Expected { blocks: self.blocks.clone(), keys: self.keys.iter().copied().collect() }
    }

    /// Each block with each key that it is about; with none where it is about all.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (IpNet, Option<KeyId>)> {
        let Self { blocks, why: _, keys } = self;
        let of = |block: &IpNet| -> Vec<_> {
            let all = keys.is_empty().then_some((*block, None));
            keys.iter().map(|key| (*block, Some(*key))).chain(all).collect()
        };
        blocks.iter().flat_map(of).collect::<Vec<_>>().into_iter()
    }
}

/// Why a table of networks cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoNetworks {
    #[error("watch.networks: `{path}` cannot be read: {cause}; leave `networks` out, and blocks of /16 and /32 stand for networks", path = path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
    #[error("watch.networks: `{path}`, line {line}: {why}", path = path.display())]
    Wrong { path: PathBuf, line: u64, why: NoRange },
    #[error("watch.networks: `{path}` has no range in it; iptoasn.com has such tables", path = path.display())]
    Empty { path: PathBuf },
}

/// Reads a table, gzip or not.
pub(super) fn read(path: &Path) -> Result<Networks, NoNetworks> {
    let unreadable = |cause| NoNetworks::Unreadable { path: path.to_owned(), cause };
    let file = File::open(path).map_err(unreadable)?;
    let packed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    let text: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(BufReader::new(file))) } else { Box::new(file) };
    let mut text = BufReader::with_capacity(1 << 16, text.take(LONGEST));
    let (mut reading, mut line, mut number) = (Reading::default(), Vec::new(), 0);
    loop {
        line.clear();
        number += 1;
        // One line is short: what goes on without an end is no table.
        if text.by_ref().take(4096).read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            break;
        }
        // Names of networks come in every encoding; they are not looked at.
        let taken = reading.line(&String::from_utf8_lossy(&line));
        taken.map_err(|why| NoNetworks::Wrong { path: path.to_owned(), line: number, why })?;
    }
    let networks = reading.whole();
    if networks.ranges() == 0 {
        return Err(NoNetworks::Empty { path: path.to_owned() });
    }
    Ok(networks)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const TABLE: &str = "192.0.2.0\t192.0.2.255\t64500\tZZ\tEXAMPLE\n2001:db8::\t2001:db8:ffff::\t64501\tZZ\tEXAMPLE\n";

    #[test]
    fn a_table_is_read_as_it_is_and_packed() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, packed) = (folder.path().join("ip2asn.tsv"), folder.path().join("ip2asn.tsv.gz"));
        fs::write(&plain, TABLE).unwrap();
        let mut gz = GzEncoder::new(fs::File::create(&packed).unwrap(), Compression::fast());
        gz.write_all(TABLE.as_bytes()).unwrap();
        gz.finish().unwrap();
        let networks = read(&plain).unwrap();
        assert_eq!(networks, read(&packed).unwrap());
        assert_eq!(networks.number("192.0.2.7".parse().unwrap()), Some(64_500));
    }

    #[test]
    fn what_is_wrong_is_told_with_file_line_and_mend() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ip2asn.tsv");
        let wrong = |text: &str| {
            fs::write(&path, text).unwrap();
            read(&path).unwrap_err().to_string()
        };
        let text = wrong(&format!("{TABLE}203.0.113.0\t203.0.113.255\tMANY\n"));
        assert!(text.contains("ip2asn.tsv`, line 3: `MANY` is no number"), "{text}");
        assert!(wrong("# nothing\n").contains("no range in it"));
        let missing = read(&folder.path().join("none.tsv")).unwrap_err().to_string();
        assert!(missing.contains("leave `networks` out"), "{missing}");
    }

    #[test]
    fn a_full_table_takes_as_much_as_is_said() {
        // What docs/watch.md says of half a million ranges.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full.tsv");
        let mut text = String::new();
        for range in 0_u32..500_000 {
            let first = std::net::Ipv4Addr::from_bits(0x0100_0000 + range * 4096);
            let last = std::net::Ipv4Addr::from_bits(0x0100_0000 + range * 4096 + 4095);
            std::fmt::Write::write_fmt(&mut text, format_args!("{first}\t{last}\t{}\tZZ\tX\n", range % 70_000))
                .unwrap();
        }
        fs::write(&path, text).unwrap();
        let networks = read(&path).unwrap();
        assert!(networks.ranges() >= 500_000 && networks.bytes() < 4_100_000, "{} bytes", networks.bytes());
    }

    #[test]
    fn what_is_expected_has_blocks_a_reason_and_an_end() {
        let check = |text: &str| toml::from_str::<Expected>(text).unwrap().check();
        assert!(check("blocks = ['198.51.100.0/24', '2001:db8:7::/48']\nwhy = 'the office'\nkeys = ['k7']").is_ok());
        assert!(check("blocks = []\nwhy = 'x'").unwrap_err().contains("`blocks`"));
        assert!(check("blocks = ['198.51.100.0/24']\nwhy = ' '").unwrap_err().contains("`why`"));
        assert!(check("blocks = ['0.0.0.0/0']\nwhy = 'all'").unwrap_err().contains("/8"));
    }
}
