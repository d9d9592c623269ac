//! What makes a book tamper-evident: Merkle trees (RFC 9162, section 2.1) and signed notes (C2SP
//! signed-note and tlog-checkpoint, with Ed25519).
//!
//! This room is pure. It knows bytes, hashes and signatures; it must not know what an entry
//! means, where it lies, or who keeps a checkpoint.

mod hash;
mod note;
pub mod tree;

pub use crate::{
    hash::{Hash, Hasher},
    note::{BadKey, BadSeed, Checkpoint, NoteError, Signer, Verifier},
};
