//! The chain: each entry's hash covers the entry and the hash before it.

use jiff::Timestamp;
use seal::Hash;
use serde::Serialize;

/// One entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its place, from 1.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// The change, as JSON.
    pub change: String,
    /// The chain up to and with this entry.
    pub hash: Hash,
}

/// Where the ledger does not hold together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// An entry is missing, or entries stand in another order.
    #[error("entry {expected} is missing: entry {found} stands in its place")]
    Gap {
        /// The place that was looked for.
        expected: u64,
        /// The place that was found.
        found: u64,
    },
    /// An entry, or one before it, is not what was written.
    #[error("entry {0} is not what was written, or an entry before it is not")]
    Changed(u64),
    /// A checkpoint that this ledger's key did not sign.
    #[error("the checkpoint at entry {seq} does not verify: {why}")]
    Checkpoint {
        /// The entry that the checkpoint claims.
        seq: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A checkpoint was signed for a chain other than this one.
    #[error("the checkpoint at entry {0} was signed for another chain")]
    Fork(u64),
    /// A checkpoint speaks of entries that are not there.
    #[error("the ledger ends at entry {end}, and a checkpoint was signed at entry {signed}: the end is cut off")]
    Cut {
        /// The last entry that is there.
        end: u64,
        /// The entry that the checkpoint speaks of.
        signed: u64,
    },
    /// The newest entries have no checkpoint.
    #[error("no checkpoint covers the entries from {0} on")]
    Unsigned(u64),
}

/// What proves entries with nothing but the public key: what they are, the chain before them, and
/// the checkpoint that was signed right behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The chain before the first of them.
    pub before: Chain,
    /// When each was written, and the change.
    pub entries: Vec<(Timestamp, String)>,
    /// The checkpoint, a signed note.
    pub checkpoint: String,
}

impl Link {
    /// Whether the entries are those under the checkpoint.
    pub fn holds(&self, verifier: &seal::Verifier) -> bool {
        let mut chain = self.before;
        for (at, change) in &self.entries {
            chain.extend(*at, change.clone());
        }
        let signed = verifier.checkpoint(&self.checkpoint);
        !self.entries.is_empty() && signed.is_ok_and(|signed| signed.size == chain.len && signed.root == chain.head)
    }
}

/// The running end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// How many entries there are.
    pub len: u64,
    /// The hash of the last.
    pub head: Hash,
}

impl Chain {
    /// Of a ledger in which nothing is written.
    pub const EMPTY: Self = Self { len: 0, head: Hash::EMPTY };

    /// Makes the next entry and moves to it.
    pub fn extend(&mut self, at: Timestamp, change: String) -> Entry {
        let seq = self.len + 1;
        let hash = link(self.head, seq, at, &change);
        *self = Self { len: seq, head: hash };
        Entry { seq, at, change, hash }
    }

    /// Moves over an entry that was read.
    ///
    /// # Errors
    /// When it is not the next entry, or not what was written.
    pub fn follow(&mut self, entry: &Entry) -> Result<(), Broken> {
        let expected = self.len + 1;
        if entry.seq != expected {
            return Err(Broken::Gap { expected, found: entry.seq });
        }
        if link(self.head, entry.seq, entry.at, &entry.change) != entry.hash {
            return Err(Broken::Changed(entry.seq));
        }
        *self = Self { len: entry.seq, head: entry.hash };
        Ok(())
    }
}

/// SHA-256 over the hash before, the place, the time in milliseconds (both big-endian) and the change.
fn link(before: Hash, seq: u64, at: Timestamp, change: &str) -> Hash {
    Hash::of(&[
        b"greave ledger 1\n",
        &before.0,
        &seq.to_be_bytes(),
        &at.as_millisecond().to_be_bytes(),
        change.as_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ledger(changes: &[String]) -> Vec<Entry> {
        let mut chain = Chain::EMPTY;
        changes.iter().map(|change| chain.extend(Timestamp::UNIX_EPOCH, change.clone())).collect()
    }

    fn follows(entries: &[Entry]) -> Result<Chain, Broken> {
        let mut chain = Chain::EMPTY;
        entries.iter().try_for_each(|entry| chain.follow(entry)).map(|()| chain)
    }

    proptest! {
        #[test]
        fn what_was_written_holds_together_and_any_change_shows(
            changes in proptest::collection::vec("[a-z]{0,4}", 2..9), place in any::<proptest::sample::Index>(),
        ) {
            let entries = ledger(&changes);
            prop_assert!(follows(&entries).is_ok());
            let place = place.index(entries.len());

            let mut changed = entries.clone();
            changed[place].change.push('!');
            prop_assert_eq!(follows(&changed), Err(Broken::Changed(entries[place].seq)));

            let mut later = entries.clone();
            later[place].at += jiff::SignedDuration::from_millis(1);
            prop_assert_eq!(follows(&later), Err(Broken::Changed(entries[place].seq)));

            let mut missing = entries.clone();
            missing.remove(place);
            let whole = follows(&missing).is_ok_and(|chain| chain.len == entries.len() as u64);
            prop_assert!(!whole);

            let mut swapped = entries;
            let next = (place + 1) % swapped.len();
            swapped.swap(place, next);
            prop_assert!(follows(&swapped).is_err());
        }
    }
}
