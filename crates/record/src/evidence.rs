//! The sealed calls of one key and a time, each with its proof: enough to check them with the
//! public key alone, and nothing of anybody else's.
//!
//! A line of evidence is a leaf with its path to the checkpoint, or an entry with its path to the
//! root of a segment of a leaf before it. So a million calls need not be in memory, neither here
//! nor for whoever checks them.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use jiff::{SignedDuration, Timestamp};
use law::{Call, CallId, KeyId};
use seal::{Hash, Verifier, tree};
use serde::{Deserialize, Serialize};

use crate::{
    Entry, Leaf, OpenError, Piece, ProofError, ProveError, Reader, Sealed, entry,
    proof::{Signed, signed},
    segment::{self, Part},
};

/// So long after the time an outcome may still come.
const LATE: SignedDuration = SignedDuration::from_hours(24);

/// A line of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Evidence {
    /// What sealed the entries that follow.
    Leaf {
        /// The leaf, letter by letter.
        leaf: String,
        /// Its place.
        index: u64,
        /// From it to the root (RFC 9162, section 2.1.3).
        path: Vec<Hash>,
    },
    /// A call of the key.
    Call {
        /// Which segment of the leaf before has it.
        segment: usize,
        /// The call.
        piece: Piece,
    },
    /// What became of one of them.
    Outcome {
        /// Which segment of the leaf before has it.
        segment: usize,
        /// The outcome.
        piece: Piece,
    },
}

/// What is given out of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The checkpoint that all of it stands under, a signed note.
    pub checkpoint: String,
    /// How many calls.
    pub calls: u64,
    /// How many of them with what became of them.
    pub outcomes: u64,
    /// Segments of that time that were removed: their calls are not here.
    pub removed: u64,
    /// What lies in the record beside what was signed. Nothing of it was gone by.
    pub odd: Vec<String>,
    /// Calls among them whose outcome is not sealed.
    pub open: HashSet<CallId>,
    /// The number of the last file that is sealed.
    sealed: u64,
}

impl Given {
    /// What is not sealed yet, and has no proof.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn unsealed(&self, folder: &Path) -> Result<Reader, OpenError> {
        Ok(Reader::open(folder)?.behind(self.sealed).without_odd())
    }
}

/// Gives out the sealed calls of a key in a time, with their proofs, one line after the other.
///
/// # Errors
/// The record cannot be read, is not what was sealed, or a line is not taken.
pub fn evidence<E: From<ProveError>>(
    folder: &Path,
    (key, since, until): (KeyId, Timestamp, Timestamp),
    verifier: &Verifier,
    mut give: impl FnMut(Evidence) -> Result<(), E>,
) -> Result<Given, E> {
    let Signed { note: checkpoint, leaves, hashes, odd } = signed(folder, verifier)?;
    let above = Subtrees::of(&hashes);
    let dropped = leaves.dropped();
    let mut given =
        Given { checkpoint, calls: 0, outcomes: 0, removed: 0, odd, sealed: leaves.last(), open: HashSet::new() };
    for (index, (line, leaf)) in leaves.lines.iter().enumerate() {
        let Some(Leaf::Sealed(Sealed { segments, .. })) = leaf else { continue };
        let mut told = false;
        for (number, segment) in segments.iter().enumerate() {
            // What is open may end at any time.
            let latest = if given.open.is_empty() { until } else { until.saturating_add(LATE).unwrap_or(until) };
            let may_hold = segment.to >= since && segment.from < latest;
            if !may_hold {
                continue;
            }
            if dropped.contains(segment.file.as_str()) {
                given.removed += 1;
                continue;
            }
            let entries = segment::read(folder, segment, &Part::default())
                .map_err(|error| ProveError::Unreadable(format!("`{}`: {error}", segment.file)))?;
            let learned: HashSet<CallId> = entries
                .iter()
                .filter_map(|(_, payload)| match entry::is_outcome(payload).then(|| entry::read(payload)) {
                    Some(Ok(Entry::Outcome(outcome))) if outcome.learned == Some(key) => Some(outcome.call),
                    _ => None,
                })
                .collect();
            let is_its = |call: &Call| call.key == Some(key) || learned.contains(&call.id);
            let wanted: Vec<(usize, bool)> = entries
                .iter()
                .enumerate()
                .filter_map(|(place, (_, payload))| match entry::read(payload) {
                    Ok(Entry::Call(call)) if is_its(&call) && call.at >= since && call.at < until => {
                        given.open.insert(call.id);
                        Some((place, true))
                    }
                    Ok(Entry::Outcome(outcome)) if given.open.remove(&outcome.call) => Some((place, false)),
                    _ => None,
                })
                .collect();
            if wanted.is_empty() {
                continue;
            }
            let below = Subtrees::of(&segment::leaves(&entries));
            if below.root() != segment.root {
                return Err(ProveError::Unreadable(format!("`{}` is not what was sealed", segment.file)).into());
            }
            if !std::mem::replace(&mut told, true) {
                give(Evidence::Leaf { leaf: line.clone(), index: index as u64, path: above.path(index) })?;
            }
            for (place, is_call) in wanted {
                let Some((_, payload)) = entries.get(place) else { continue };
                let Ok(entry) = String::from_utf8(payload.clone()) else { continue };
                let piece = Piece { entry, index: place as u64, path: below.path(place) };
                if is_call {
                    given.calls += 1;
                    give(Evidence::Call { segment: number, piece })?;
                } else {
                    given.outcomes += 1;
                    give(Evidence::Outcome { segment: number, piece })?;
                }
            }
        }
    }
    Ok(given)
}

/// Checks lines of evidence, one after the other, with nothing but the public key.
pub struct Checking {
    root: Hash,
    size: u64,
    key: KeyId,
    since: Timestamp,
    until: Timestamp,
    /// The leaf that was told last.
    leaf: Option<(u64, Sealed)>,
    /// The place of the last entry of that leaf.
    last: Option<(usize, u64)>,
    /// Calls whose outcome has not come.
    open: HashSet<CallId>,
    /// Calls that name no key: their outcomes must say that it is this one.
    unnamed: HashSet<CallId>,
    /// How many calls were shown to be in the record.
    pub calls: u64,
    /// How many outcomes.
    pub outcomes: u64,
}

impl Checking {
    /// Of the calls of this key and time, under this checkpoint.
    ///
    /// # Errors
    /// The checkpoint is not of this record.
    pub fn new(
        checkpoint: &str,
        verifier: &Verifier,
        (key, since, until): (KeyId, Timestamp, Timestamp),
    ) -> Result<Self, ProofError> {
        let seal::Checkpoint { origin: _, size, root } = verifier.checkpoint(checkpoint)?;
        let (leaf, last, open, unnamed) = (None, None, HashSet::new(), HashSet::new());
        Ok(Self { root, size, key, since, until, leaf, last, open, unnamed, calls: 0, outcomes: 0 })
    }

    /// The next line.
    ///
    /// # Errors
    /// It does not hold, or does not belong here.
    pub fn line(&mut self, line: &str) -> Result<(), ProofError> {
        let malformed = |error: serde_json::Error| ProofError::Malformed(error.to_string());
        match serde_json::from_str(line).map_err(malformed)? {
            Evidence::Leaf { leaf, index, path } => {
                if !tree::includes(&self.root, self.size, index, &tree::leaf(leaf.as_bytes()), &path) {
                    return Err(ProofError::Wrong("the leaf"));
                }
                if self.leaf.as_ref().is_some_and(|(before, _)| *before >= index) {
                    return Err(ProofError::Wrong("the order of leaves"));
                }
                let Leaf::Sealed(sealed) = serde_json::from_str(&leaf).map_err(malformed)? else {
                    return Err(ProofError::Malformed("its leaf seals nothing".to_owned()));
                };
                (self.leaf, self.last) = (Some((index, sealed)), None);
            }
            Evidence::Call { segment, piece } => {
                let Entry::Call(call) = self.entry(segment, &piece)? else {
                    return Err(ProofError::Wrong("the kind of the entry"));
                };
                let is_its = call.key.is_none_or(|key| key == self.key);
                if !is_its || call.at < self.since || call.at >= self.until {
                    return Err(ProofError::Wrong("a call of another key or time"));
                }
                if call.key.is_none() {
                    self.unnamed.insert(call.id);
                }
                self.open.insert(call.id);
                self.calls += 1;
            }
            Evidence::Outcome { segment, piece } => {
                let Entry::Outcome(outcome) = self.entry(segment, &piece)? else {
                    return Err(ProofError::Wrong("the kind of the entry"));
                };
                if !self.open.remove(&outcome.call) {
                    return Err(ProofError::Wrong("the outcome of another call"));
                }
                if self.unnamed.remove(&outcome.call) && outcome.learned != Some(self.key) {
                    return Err(ProofError::Wrong("a call that did not become known as the key's"));
                }
                self.outcomes += 1;
            }
        }
        Ok(())
    }

    /// That was all.
    ///
    /// # Errors
    /// Of a call nothing says that it was the key's.
    pub fn end(&self) -> Result<(), ProofError> {
        if self.unnamed.is_empty() { Ok(()) } else { Err(ProofError::Wrong("a call of no key")) }
    }

    /// An entry that is where it says. Each place comes once, in order, so that none counts twice.
    fn entry(&mut self, number: usize, piece: &Piece) -> Result<Entry, ProofError> {
        let Some((_, sealed)) = &self.leaf else { return Err(ProofError::Wrong("an entry without its leaf")) };
        let segment = sealed.segments.get(number).ok_or(ProofError::Wrong("the segment"))?;
        let hash = tree::leaf(piece.entry.as_bytes());
        if !tree::includes(&segment.root, segment.entries, piece.index, &hash, &piece.path) {
            return Err(ProofError::Wrong("the entry"));
        }
        if self.last.is_some_and(|last| last >= (number, piece.index)) {
            return Err(ProofError::Wrong("the order of entries"));
        }
        self.last = Some((number, piece.index));
        entry::read(piece.entry.as_bytes()).map_err(ProofError::Malformed)
    }
}

/// The hashes of all subtrees of a tree, so that each path costs no more than its length.
struct Subtrees {
    len: usize,
    hashes: HashMap<(usize, usize), Hash>,
}

impl Subtrees {
    fn of(leaves: &[Hash]) -> Self {
        let mut hashes = HashMap::with_capacity(2 * leaves.len());
        if leaves.is_empty() {
            hashes.insert((0, 0), tree::root(&[]));
        } else {
            fill(&mut hashes, leaves, 0);
        }
        Self { len: leaves.len(), hashes }
    }

    fn root(&self) -> Hash {
        self.hashes.get(&(0, self.len)).copied().unwrap_or(Hash([0; 32]))
    }

    /// As [`tree::inclusion`] gives it.
    fn path(&self, mut index: usize) -> Vec<Hash> {
        let (mut from, mut len, mut path) = (0, self.len, Vec::new());
        while len > 1 {
            let left = split(len);
            let other = if index < left {
                let other = (from + left, len - left);
                len = left;
                other
            } else {
                let other = (from, left);
                (index, from, len) = (index - left, from + left, len - left);
                other
            };
            path.extend(self.hashes.get(&other));
        }
        path.reverse();
        path
    }
}

/// The largest power of two below `len`, which is at least two.
const fn split(len: usize) -> usize {
    1 << (len - 1).ilog2()
}

fn fill(hashes: &mut HashMap<(usize, usize), Hash>, leaves: &[Hash], from: usize) -> Hash {
    let hash = match leaves {
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            let (one, other) = (fill(hashes, left, from), fill(hashes, right, from + left.len()));
            Hash::of(&[&[1], &one.0, &other.0])
        }
    };
    hashes.insert((from, leaves.len()), hash);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_tree() {
        for len in 1..70_usize {
            let leaves: Vec<Hash> = (0..len).map(|number| tree::leaf(&number.to_be_bytes())).collect();
            let subtrees = Subtrees::of(&leaves);
            assert_eq!(subtrees.root(), tree::root(&leaves));
            for index in 0..len {
                assert_eq!(Some(subtrees.path(index)), tree::inclusion(&leaves, index), "{index} of {len}");
            }
        }
    }
}
