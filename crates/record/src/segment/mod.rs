//! Segments: what a finished file of the log becomes. A Parquet file that any engine reads,
//! sorted by key and time, in which nothing of what was recorded is lost: each entry's JSON stands
//! in a column as it was recorded, byte for byte, and the other columns say the same in types.
//!
//! The hash of a file of the log is the root of a Merkle tree over its entries, in their order
//! there: each leaf is the payload of a frame. So one call can be proven without the others.

mod chunk;
mod columns;
mod pick;
mod read;
mod texts;
mod write;

use jiff::Timestamp;
use law::Powers;
use seal::{Hash, tree};
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    columns::{Ending, Number, Row, Told, Word},
    pick::Columns,
    read::{Part, read},
    write::{Sink, Space, write},
};

/// One segment, as its leaf describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The file, below the record's folder.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Hash,
    /// The root of the tree over its entries.
    pub root: Hash,
    /// How many entries it holds.
    pub entries: u64,
    /// How many of them are calls.
    pub calls: u64,
    /// How many rows at its beginning are no calls.
    pub notes: u64,
    /// The time of its first entry.
    pub from: Timestamp,
    /// The time of its last entry.
    pub to: Timestamp,
    /// Every power that one of its calls has.
    pub powers: Powers,
    /// Its calls were refused, or asked for a further factor.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
}

/// The entries of a segment: each one's place in the file of the log, and its payload there. In
/// their order.
pub(crate) type Entries = Vec<(u64, Vec<u8>)>;

/// The leaves of the tree over these entries.
pub(crate) fn leaves(entries: &Entries) -> Vec<Hash> {
    entries.iter().map(|(_, payload)| tree::leaf(payload)).collect()
}
