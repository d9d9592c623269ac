//! The ledger, an append-only book of changes, and beside it the shelf, for what must not
//! stand in a book that keeps everything for ever (sealed seeds, bodies shown to a person).
//!
//! This room knows bytes, hashes and disk. It does not know what a change means; the
//! ledger's entries are text to it.

mod checkpoint;
mod copy;
mod ledger;
mod migrate;
mod sqlite;

pub use crate::{
    checkpoint::{Checkpoint, Signer},
    copy::{Copied, copy, copy_as_of},
    ledger::{Broken, Chain, Entry, Link},
    sqlite::{Shelf, Store, StoreError},
};
pub use seal::{BadSeed, Hash, NoteError as CheckpointError};
