//! The book of calls: an append-only log on disk of what was wanted and what became of it.
//!
//! [`Book`] writes and [`Reader`] reads, also at the same time and in different processes. The
//! room knows how entries come to the disk and back, who used a key last and from where; it must
//! not know what a request looks like, what the law says of it, or who is told when the disk is
//! full. Redacting is done before a call comes here: the book writes what it is given.
//!
//! # On disk
//!
//! A folder (0700) with a file `lock` and files (0600) named `SEQUENCE-STARTED.calls`, such as
//! `00000012-20261124T101500Z.calls`. All numbers are little-endian.
//!
//! ```text
//! file   = header frame*
//! header = "greave\r\n"  version: u32 = 1  sequence: u64  started: i64 (ms)  crc32c: u32     32 bytes
//! frame  = length: u32   crc32c: u32 (of length and payload)   payload                       length <= 64 KiB
//! payload = "C" Call | "O" Outcome | "G" Gap | "R" Removed, each as JSON
//! ```
//!
//! A file is begun when the one before has reached [`Settings::roll`], and after an error: a
//! file whose write or sync failed is cut back to what was acknowledged and never written again.
//! Sequence numbers have no holes but at the old end, where [`Settings::cap`] removes whole files.
//!
//! # What holds
//!
//! - An intent that [`Book::intent_durable`] answered with `Ok` survives the end of the process
//!   and of the machine, and stands in the book once.
//! - Entries stand in the order in which they were handed over.
//! - What is damaged is reported, never passed over in silence, and never read as something that
//!   was not written.
//! - When the book cannot be written, durable intents fail at once; ordinary ones are taken for
//!   [`Settings::grace`], then fail too; what was lost is counted and the gap itself is written.

mod book;
mod brief;
mod entry;
mod evidence;
mod filter;
mod folder;
mod frame;
mod gather;
mod joined;
mod keep;
mod leaves;
mod log;
mod position;
mod proof;
mod read;
mod rollup;
mod room;
mod scan;
mod sealer;
mod segment;
mod state;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod usage;
mod uses;
mod words;
mod writer;

pub use crate::{
    book::{Book, OpenError, Settings},
    entry::{Entry, Gap, Reason, Removed},
    evidence::{Checking, Evidence, Given, evidence},
    filter::{Filter, FilterError, Statuses, VerdictKind},
    folder::end,
    joined::{Joined, JoinedCalls, Joiner, Tallies, Tally},
    leaves::{Dropped, Gone, Leaf, Rollup, Sealed, Unfit},
    position::Position,
    proof::{
        CallProof, Later, Piece, Proof, ProofError, ProveError, Proven, Removal, Verified, checkpoint, origin, prove,
        prove_consistency, removals, verify,
    },
    read::{Damage, Follow, Reader},
    rollup::{Daily, daily},
    room::{Room, room},
    sealer::{Checkpointed, Sealing},
    segment::Segment,
    state::{Counts, Health, Notice, Pending, Unavailable},
    usage::{LastUse, ProgramSeen, SourceSeen, UndescribedSeen, Usage, Used},
    uses::{OperationUse, Span, Uses, span, uses},
};
