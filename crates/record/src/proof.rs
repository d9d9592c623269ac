//! Proofs that need no folder: that a call is in the record, and that one checkpoint goes on from
//! another. Whoever has the public key can check them.

use std::{
    collections::HashMap,
    io::{self, Read as _},
    path::Path,
    thread,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use law::{CallId, Span};
use seal::{Hash, Verifier, tree};
use serde::{Deserialize, Serialize};

use crate::{
    Dropped, Leaf, Sealed, Segment, entry,
    folder::places,
    leaves::{self, Leaves},
    segment::{self, Entries, Part},
};

/// A small file that proves something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Proof {
    /// A call is in the record, as it was recorded.
    Call(Box<CallProof>),
    /// The record of the new checkpoint begins with that of the old one.
    Consistency {
        /// The old checkpoint, a signed note.
        old: String,
        /// The new one.
        new: String,
        /// The path between them (RFC 9162, section 2.1.4).
        path: Vec<Hash>,
    },
}

/// A call, its way to the root of its segment, and the segment's way to a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallProof {
    /// The call.
    pub call: Piece,
    /// What became of it, where that was sealed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Piece>,
    /// The same, where that was sealed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<Later>,
    /// The leaf that has the segment, letter by letter.
    pub leaf: String,
    /// Which of the leaf's segments it is.
    pub segment: usize,
    /// The leaf's place.
    pub index: u64,
    /// From the leaf to the root (RFC 9162, section 2.1.3).
    pub path: Vec<Hash>,
    /// The checkpoint, a signed note.
    pub checkpoint: String,
}

/// An outcome that stands in another segment than its call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Later {
    /// The outcome.
    pub outcome: Piece,
    /// The leaf that has its segment, letter by letter.
    pub leaf: String,
    /// Which of that leaf's segments it is.
    pub segment: usize,
    /// That leaf's place.
    pub index: u64,
    /// From that leaf to the root.
    pub path: Vec<Hash>,
}

/// An entry, and its way to the root of its segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// The entry as it was recorded: a letter for its kind, and JSON.
    pub entry: String,
    /// Its place among the entries of the segment.
    pub index: u64,
    /// From the entry to the segment's root.
    pub path: Vec<Hash>,
}

/// What a proof has shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Proven {
    /// This call was recorded, and this became of it.
    Call {
        /// The call as JSON.
        call: serde_json::Value,
        /// Its outcome as JSON.
        outcome: Option<serde_json::Value>,
        /// When it was sealed.
        sealed: jiff::Timestamp,
        /// How many leaves the checkpoint covers.
        size: u64,
    },
    /// The record went on from so many leaves to so many.
    Consistency {
        /// Leaves of the old checkpoint.
        old: u64,
        /// Leaves of the new one.
        new: u64,
    },
}

/// Why a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is no proof.
    #[error("it is no proof that this program understands: {0}")]
    Malformed(String),
    /// A checkpoint in it is not of this record.
    #[error("its checkpoint does not verify: {0}")]
    Note(#[from] seal::NoteError),
    /// What it says does not lead to what was signed.
    #[error("{0} is not what was signed")]
    Wrong(&'static str),
}

/// Why there is no proof of something.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// It is not sealed: there is nothing to prove it with.
    #[error(
        "the call `{0}` is not in a sealed part of the record; what is new is sealed within the time that `record.seal` says"
    )]
    Absent(CallId),
    /// Nothing is sealed yet.
    #[error("nothing of the record is sealed yet")]
    NothingSealed,
    /// The disk, or what lies there.
    #[error("the record cannot be read: {0}")]
    Unreadable(String),
    /// The checkpoint is not of this record.
    #[error(transparent)]
    Unfit(#[from] leaves::Unfit),
}

impl From<io::Error> for ProveError {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl Proof {
    /// Reads a proof.
    ///
    /// # Errors
    /// It is none.
    pub fn read(text: &str) -> Result<Self, ProofError> {
        serde_json::from_str(text).map_err(|error| ProofError::Malformed(error.to_string()))
    }

    /// Checks it with nothing but the public key.
    ///
    /// # Errors
    /// It does not hold.
    pub fn verify(&self, verifier: &Verifier) -> Result<Proven, ProofError> {
        match self {
            Self::Call(proof) => proof.verify(verifier),
            Self::Consistency { old, new, path } => {
                let (old, new) = (verifier.checkpoint(old)?, verifier.checkpoint(new)?);
                if !tree::extends((old.size, &old.root), (new.size, &new.root), path) {
                    return Err(ProofError::Wrong("the old checkpoint"));
                }
                Ok(Proven::Consistency { old: old.size, new: new.size })
            }
        }
    }
}

impl CallProof {
    fn verify(&self, verifier: &Verifier) -> Result<Proven, ProofError> {
        let Self { call, outcome, later, leaf, segment, index, path, checkpoint } = self;
        let checkpoint = verifier.checkpoint(checkpoint)?;
        let sealed = sealed(&checkpoint, leaf, (*index, path))?;
        let call = shown(&sealed, *segment, call, entry::CALL)?;
        let outcome = match (outcome, later) {
            (Some(_), Some(_)) => return Err(ProofError::Malformed("it has two outcomes".to_owned())),
            (Some(outcome), None) => Some(shown(&sealed, *segment, outcome, entry::OUTCOME)?),
            (None, Some(Later { outcome, leaf, segment, index, path })) => {
                Some(shown(&self::sealed(&checkpoint, leaf, (*index, path))?, *segment, outcome, entry::OUTCOME)?)
            }
            (None, None) => None,
        };
        if outcome.as_ref().is_some_and(|outcome| outcome.get("call") != call.get("id")) {
            return Err(ProofError::Wrong("the outcome of another call"));
        }
        Ok(Proven::Call { call, outcome, sealed: sealed.at, size: checkpoint.size })
    }
}

fn malformed(error: &serde_json::Error) -> ProofError {
    ProofError::Malformed(error.to_string())
}

/// A leaf that is under the checkpoint, at this place of the tree.
fn sealed(checkpoint: &seal::Checkpoint, leaf: &str, (index, path): (u64, &[Hash])) -> Result<Sealed, ProofError> {
    if !tree::includes(&checkpoint.root, checkpoint.size, index, &tree::leaf(leaf.as_bytes()), path) {
        return Err(ProofError::Wrong("the leaf"));
    }
    match serde_json::from_str(leaf).map_err(|error| malformed(&error))? {
        Leaf::Sealed(sealed) => Ok(sealed),
        Leaf::Removed(_) => Err(ProofError::Malformed("its leaf seals nothing".to_owned())),
    }
}

/// What an entry of a segment says.
fn shown(sealed: &Sealed, segment: usize, piece: &Piece, kind: u8) -> Result<serde_json::Value, ProofError> {
    let segment = sealed.segments.get(segment).ok_or(ProofError::Wrong("the segment"))?;
    let hash = tree::leaf(piece.entry.as_bytes());
    if !tree::includes(&segment.root, segment.entries, piece.index, &hash, &piece.path) {
        return Err(ProofError::Wrong("the entry"));
    }
    let json = piece.entry.as_bytes().strip_prefix(&[kind]).ok_or(ProofError::Wrong("the kind of the entry"))?;
    serde_json::from_slice(json).map_err(|error| malformed(&error))
}

/// What of a record was signed.
pub(crate) struct Signed {
    /// The newest checkpoint.
    pub(crate) note: String,
    /// The leaves that it covers, and no others.
    pub(crate) leaves: Leaves,
    /// The same as the tree has them.
    pub(crate) hashes: Vec<Hash>,
    /// What lies there beside it, and was not gone by.
    pub(crate) odd: Vec<String>,
}

/// What of a record was signed. What does not fit beside it counts only when it is still there
/// after a while: a gate may seal meanwhile.
pub(crate) fn signed(folder: &Path, verifier: &Verifier) -> Result<Signed, ProveError> {
    let mut signed = look_at_signed(folder, verifier)?;
    for _ in 1..LOOKS {
        if signed.odd.is_empty() {
            break;
        }
        thread::sleep(PAUSE);
        signed = look_at_signed(folder, verifier)?;
    }
    Ok(signed)
}

/// Goes by the checkpoint beside the record's folder, which whoever writes in the folder cannot
/// change; by the one in the folder where that goes further, or where there is no other.
fn look_at_signed(folder: &Path, verifier: &Verifier) -> Result<Signed, ProveError> {
    // Before the leaves: these only grow.
    let (anchor, note) = (leaves::anchor(folder)?, leaves::note(folder)?);
    let mut leaves = Leaves::read(folder)?;
    let mut hashes = leaves.hashes();
    let covered = |note: String| leaves::covered(&hashes, &note, verifier).map(|size| (size, note));
    let mut odd = Vec::new();
    let (size, note) = match (anchor.map(covered).transpose()?, note.map(covered)) {
        (None, None) => return Err(ProveError::NothingSealed),
        (None, Some(note)) => note?,
        (Some(anchor), Some(Ok(note))) if note.0 >= anchor.0 => note,
        (Some(anchor), note) => {
            odd.push(match note {
                None => "there is no checkpoint in the record".to_owned(),
                Some(Ok((size, _))) => format!("the checkpoint in the record is an older one, of {size} leaves"),
                Some(Err(unfit)) => format!("in the record, {unfit}"),
            });
            anchor
        }
    };
    if size < hashes.len() || leaves.torn > 0 {
        odd.push(unsigned(hashes.len(), size));
    }
    hashes.truncate(size);
    leaves.lines.truncate(size);
    Ok(Signed { note, leaves, hashes, odd })
}

fn unsigned(there: usize, size: usize) -> String {
    format!("{} leaves are not signed", there.saturating_sub(size).max(1))
}

/// Makes the proof of a call from the record in a folder.
///
/// # Errors
/// The call is not sealed, or the record cannot be read.
pub fn prove(folder: &Path, id: CallId, verifier: &Verifier) -> Result<Proof, ProveError> {
    let Signed { note: checkpoint, leaves, hashes, .. } = signed(folder, verifier)?;
    let dropped = leaves.dropped();
    let segments = || {
        let sealed = leaves.lines.iter().enumerate().filter_map(|(index, (line, leaf))| match leaf {
            Some(Leaf::Sealed(sealed)) => Some((index, line, sealed)),
            _ => None,
        });
        sealed.flat_map(|(index, line, sealed)| {
            sealed.segments.iter().enumerate().map(move |(number, segment)| (index, line, number, segment))
        })
    };
    let is_there = |segment: &Segment| !dropped.contains(segment.file.as_str());
    let path = |index| tree::inclusion(&hashes, index).unwrap_or_default();
    let newest_first: Vec<_> = segments().filter(|(.., of)| is_there(of) && may_hold(of, id)).collect();
    for (index, leaf, number, segment) in newest_first.into_iter().rev() {
        let Some((call, outcome)) = pieces(folder, segment, id)? else { continue };
        let mut later = None;
        if outcome.is_none() {
            // The few outcomes without their calls stand first in a segment.
            let behind = segments().filter(|(place, _, other, of)| (*place, *other) > (index, number) && of.notes > 0);
            for (index, leaf, segment, of) in behind.filter(|(.., of)| is_there(of)) {
                if let Some(outcome) = late(folder, of, id)? {
                    later =
                        Some(Later { outcome, leaf: leaf.clone(), segment, index: index as u64, path: path(index) });
                    break;
                }
            }
        }
        return Ok(Proof::Call(Box::new(CallProof {
            call,
            outcome,
            later,
            leaf: leaf.clone(),
            segment: number,
            index: index as u64,
            path: path(index),
            checkpoint,
        })));
    }
    Err(ProveError::Absent(id))
}

/// The time within the id is that of the call, give or take; an id without one may be anywhere.
fn may_hold(segment: &Segment, id: CallId) -> bool {
    let Some(at) = id.0.get_timestamp() else { return true };
    let (seconds, _) = at.to_unix();
    let near = |at: jiff::Timestamp| i64::try_from(seconds).map_or(0, |seconds| seconds - at.as_second());
    near(segment.from) >= -120 && near(segment.to) <= 120
}

/// The call and its outcome, where they are in this segment.
fn pieces(folder: &Path, segment: &Segment, id: CallId) -> Result<Option<(Piece, Option<Piece>)>, ProveError> {
    let entries = entries(folder, segment, &Part::default())?;
    let Some(call) = place_of(&entries, entry::CALL, id) else { return Ok(None) };
    let outcome = place_of(&entries, entry::OUTCOME, id);
    let hashes = whole(segment, &entries)?;
    Ok(piece(&entries, &hashes, call).map(|call| (call, outcome.and_then(|place| piece(&entries, &hashes, place)))))
}

/// The outcome of a call that stands in an older segment.
fn late(folder: &Path, segment: &Segment, id: CallId) -> Result<Option<Piece>, ProveError> {
    if place_of(&entries(folder, segment, &Part::notes())?, entry::OUTCOME, id).is_none() {
        return Ok(None);
    }
    let entries = entries(folder, segment, &Part::default())?;
    let hashes = whole(segment, &entries)?;
    Ok(place_of(&entries, entry::OUTCOME, id).and_then(|place| piece(&entries, &hashes, place)))
}

fn entries(folder: &Path, segment: &Segment, part: &Part) -> Result<Entries, ProveError> {
    segment::read(folder, segment, part).map_err(|error| ProveError::Unreadable(format!("`{}`: {error}", segment.file)))
}

/// Which of the entries is that of a call.
fn place_of(entries: &Entries, kind: u8, id: CallId) -> Option<usize> {
    let (name, id) = (if kind == entry::CALL { "id" } else { "call" }, serde_json::json!(id));
    entries.iter().position(|(_, payload)| {
        let json =
            payload.strip_prefix(&[kind]).and_then(|json| serde_json::from_slice::<serde_json::Value>(json).ok());
        json.is_some_and(|json| json.get(name) == Some(&id))
    })
}

/// The leaves of a segment's entries, where they are what was sealed.
fn whole(segment: &Segment, entries: &Entries) -> Result<Vec<Hash>, ProveError> {
    let hashes = segment::leaves(entries);
    if tree::root(&hashes) == segment.root {
        Ok(hashes)
    } else {
        Err(ProveError::Unreadable(format!("`{}` is not what was sealed", segment.file)))
    }
}

fn piece(entries: &Entries, hashes: &[Hash], index: usize) -> Option<Piece> {
    let (_, payload) = entries.get(index)?;
    let entry = String::from_utf8(payload.clone()).ok()?;
    Some(Piece { entry, index: index as u64, path: tree::inclusion(hashes, index)? })
}

/// Proves that the newest checkpoint goes on from an older one.
///
/// # Errors
/// It does not, or the record cannot be read.
pub fn prove_consistency(folder: &Path, old: &str, verifier: &Verifier) -> Result<Proof, ProveError> {
    let Signed { note: new, hashes, .. } = signed(folder, verifier)?;
    let size = leaves::covered(&hashes, old, verifier)?;
    let path = tree::consistency(&hashes, size).unwrap_or_default();
    Ok(Proof::Consistency { old: old.to_owned(), new, path })
}

/// The newest checkpoint, for a witness to keep.
///
/// # Errors
/// The disk says no.
pub fn checkpoint(folder: &Path) -> io::Result<Option<String>> {
    Ok(match leaves::anchor(folder)? {
        None => leaves::note(folder)?,
        anchor => anchor,
    })
}

/// The name of a record in its checkpoints; nothing before the first one. A record that began anew
/// has another.
///
/// # Errors
/// The disk says no.
pub fn origin(folder: &Path) -> io::Result<Option<String>> {
    Ok(leaves::stated(folder)?.map(|checkpoint| checkpoint.origin))
}

/// Each time that segments were removed, as far as it is signed, oldest first, and the name of the
/// record in its checkpoints. So whoever keeps another book can hold the two beside each other.
///
/// # Errors
/// The record cannot be read, or is not what was signed.
pub fn removals(folder: &Path, verifier: &Verifier) -> Result<(String, Vec<Removal>), ProveError> {
    let Signed { note, leaves, .. } = match signed(folder, verifier) {
        Err(ProveError::NothingSealed) => return Ok((String::new(), Vec::new())),
        signed => signed?,
    };
    let (mut found, mut files) = (Verified::default(), Files::new());
    for (number, (_, leaf)) in leaves.lines.iter().enumerate() {
        match leaf {
            Some(Leaf::Sealed(sealed)) => note_files(&mut files, sealed),
            Some(Leaf::Removed(removed)) => removal(number, removed, &files, &mut found),
            None => {}
        }
    }
    Ok((note.lines().next().unwrap_or_default().to_owned(), found.removals))
}

/// What verifying a record found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Leaves that the newest checkpoint covers.
    pub leaves: u64,
    /// Sealed calls that are there.
    pub calls: u64,
    /// Segments that are there.
    pub segments: u64,
    /// Segments that were removed, as the tree says.
    pub removed: u64,
    /// Each time that segments were removed.
    pub removals: Vec<Removal>,
    /// Calls in the log that are not sealed yet: only their checksums were looked at.
    pub unsealed: u64,
    /// Leaves of the checkpoint that was kept beside the record's folder, where one was.
    pub signed_here: Option<u64>,
    /// Leaves of the older checkpoints that were given.
    pub since: Vec<u64>,
    /// What is wrong.
    pub findings: Vec<String>,
}

/// Segments were removed at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// The number of its leaf; the first is 0.
    pub leaf: u64,
    /// When.
    pub at: Timestamp,
    /// Why: `kept-long-enough` or `cap`.
    pub why: String,
    /// How many segments.
    pub segments: u64,
    /// How many calls they held.
    pub calls: u64,
    /// The time of the first of them.
    pub from: Option<Timestamp>,
    /// The time of the last of them.
    pub to: Option<Timestamp>,
    /// The shortest time that one of them was to be kept.
    pub keep: Option<Span>,
}

/// How often a record is looked at before what is wrong with it counts.
const LOOKS: u32 = 4;
/// A step of sealing is over within this time.
const PAUSE: Duration = Duration::from_millis(300);

/// Verifies the record in a folder with nothing but the public key: every segment, the tree, the
/// checkpoint, and whether it goes on from older checkpoints that were kept elsewhere.
///
/// A gate may seal meanwhile: what is found wrong counts only when it is the same at a second look.
///
/// # Errors
/// The folder cannot be read at all.
pub fn verify(folder: &Path, verifier: &Verifier, since: &[String]) -> Result<Verified, ProveError> {
    let mut found = look_at_all(folder, verifier, since)?;
    for _ in 1..LOOKS {
        if found.findings.is_empty() {
            break;
        }
        thread::sleep(PAUSE);
        let before = std::mem::replace(&mut found, look_at_all(folder, verifier, since)?);
        if before.findings == found.findings {
            break;
        }
    }
    Ok(found)
}

pub(crate) fn look_at_all(folder: &Path, verifier: &Verifier, since: &[String]) -> Result<Verified, ProveError> {
    // Before the leaves: these only grow.
    let (note, anchor) = (leaves::note(folder)?, leaves::anchor(folder)?);
    let mut leaves = Leaves::read(folder)?;
    let hashes = leaves.hashes();
    let (mut found, mut signed) = (Verified::default(), 0);
    match note {
        None if hashes.is_empty() && since.is_empty() => {}
        None => found.findings.push("there is no checkpoint".to_owned()),
        Some(note) => match leaves::covered(&hashes, &note, verifier) {
            Err(unfit) => found.findings.push(unfit.to_string()),
            Ok(size) => {
                (found.leaves, signed) = (size as u64, size);
                if size < hashes.len() || leaves.torn > 0 {
                    found.findings.push(unsigned(hashes.len(), size));
                }
            }
        },
    }
    if let Some(anchor) = anchor {
        match leaves::covered(&hashes, &anchor, verifier) {
            Ok(size) => (found.signed_here, signed) = (Some(size as u64), signed.max(size)),
            Err(unfit) => {
                let path = leaves::anchor_path(folder);
                found.findings.push(format!("the record does not go on from what `{}` says: {unfit}", path.display()));
            }
        }
    }
    for note in since {
        match leaves::covered(&hashes, note, verifier) {
            Ok(size) => {
                found.since.push(size as u64);
                signed = signed.max(size);
            }
            Err(unfit) => found.findings.push(format!("the record does not go on from an older checkpoint: {unfit}")),
        }
    }
    // Whoever sends a record can write whatever they like behind what was signed: nothing of it is
    // looked at, neither the files that it names nor those that it says are gone.
    let beside = leaves.lines.split_off(signed.min(leaves.lines.len()));
    let dropped = leaves.dropped();
    let mut files = Files::new();
    let mut before: Option<u64> = None;
    for (number, (_, leaf)) in leaves.lines.iter().enumerate() {
        let sealed = match leaf {
            Some(Leaf::Sealed(sealed)) => sealed,
            Some(Leaf::Removed(removed)) => {
                removal(number, removed, &files, &mut found);
                continue;
            }
            None => {
                found.findings.push(format!("leaf {number} cannot be understood"));
                continue;
            }
        };
        note_files(&mut files, sealed);
        if let Some(before) = before.replace(sealed.log)
            && sealed.log != before + 1
        {
            found.findings.push(format!("the file {} of the log follows the file {before}", sealed.log));
        }
        found.findings.extend(sealed.damage.iter().map(|damage| format!("when it was sealed, {damage}")));
        for Segment { file, bytes, sha256, calls, .. } in &sealed.segments {
            if dropped.contains(file.as_str()) {
                found.removed += 1;
            } else if look(folder, file, (*bytes, *sha256), &mut found.findings) {
                found.segments += 1;
                found.calls += calls;
            }
        }
        if let Some(usage) = sealed.usage.as_ref().filter(|usage| !dropped.contains(usage.file.as_str())) {
            look(folder, &usage.file, (usage.bytes, usage.sha256), &mut found.findings);
        }
    }
    unknown_files(folder, &leaves, &beside, &mut found.findings)?;
    log(folder, &leaves, &mut found)?;
    Ok(found)
}

/// Files that leaves sealed: their segments, or nothing where they say how keys were used.
type Files<'a> = HashMap<&'a str, Option<&'a Segment>>;

fn note_files<'a>(files: &mut Files<'a>, Sealed { segments, usage, .. }: &'a Sealed) {
    files.extend(segments.iter().map(|segment| (&*segment.file, Some(segment))));
    files.extend(usage.iter().map(|usage| (&*usage.file, None)));
}

/// What was removed with one leaf, and whether it was to be kept longer. `sealed` is what the
/// leaves before it sealed.
fn removal(number: usize, Dropped { at, why, files, segments }: &Dropped, sealed: &Files<'_>, found: &mut Verified) {
    let leaf = number as u64;
    let mut removal =
        Removal { leaf, at: *at, why: why.clone(), segments: 0, calls: 0, from: None, to: None, keep: None };
    let keeps: HashMap<&str, Option<Span>> = segments.iter().map(|gone| (&*gone.file, gone.keep)).collect();
    for file in files {
        let Some(segment) = sealed.get(file.as_str()) else {
            found.findings.push(format!("leaf {leaf} removes `{file}`, which was never sealed"));
            continue;
        };
        let Some(segment) = segment else { continue };
        removal.segments += 1;
        removal.calls += segment.calls;
        removal.from = Some(removal.from.map_or(segment.from, |from| from.min(segment.from)));
        removal.to = Some(removal.to.map_or(segment.to, |to| to.max(segment.to)));
        let keep = keeps.get(file.as_str()).copied().flatten();
        removal.keep = removal.keep.into_iter().chain(keep).min();
        if why != "cap" {
            let end = keep.and_then(|keep| segment.to.checked_add(SignedDuration::from(keep)).ok());
            if end.is_none_or(|end| end > *at) {
                let last = segment.to;
                found.findings.push(format!(
                    "leaf {leaf} removes `{file}` at {at}, before its time: its last call is of {last}, to be kept {}",
                    keep.map_or_else(|| "for ever".to_owned(), |keep| keep.to_string())
                ));
            }
        }
    }
    found.removals.push(removal);
}

/// Whether a file is what was sealed.
fn look(folder: &Path, file: &str, (bytes, sha256): (u64, Hash), findings: &mut Vec<String>) -> bool {
    match hashed(folder, file, bytes) {
        Ok(there) if there == Some(sha256) => return true,
        Ok(_) => findings.push(format!("`{file}` is not what was sealed")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => findings.push(format!("`{file}` is missing")),
        Err(error) => findings.push(format!("`{file}` cannot be read: {error}")),
    }
    false
}

/// The SHA-256 of a file of this length; nothing where it has another.
fn hashed(folder: &Path, file: &str, bytes: u64) -> io::Result<Option<Hash>> {
    let file = leaves::open(folder, file)?;
    if file.metadata()?.len() != bytes {
        return Ok(None);
    }
    let mut hasher = seal::Hasher::default();
    let read = io::copy(&mut file.take(bytes), &mut hasher)?;
    Ok((read == bytes).then(|| hasher.finish()))
}

/// Segments of which no leaf speaks: other engines would read them.
fn unknown_files(
    folder: &Path,
    leaves: &Leaves,
    beside: &[(String, Option<Leaf>)],
    findings: &mut Vec<String>,
) -> io::Result<()> {
    let mut known = Files::new();
    // That a leaf is not signed is a finding of its own.
    for (_, leaf) in leaves.lines.iter().chain(beside) {
        if let Some(Leaf::Sealed(sealed)) = leaf {
            note_files(&mut known, sealed);
        }
    }
    let dropped = leaves.dropped();
    for (_, file) in leaves::hour_files(folder)? {
        // A segment is written under such a name, and nobody reads it under it.
        if file.ends_with(".new") {
            continue;
        }
        if !known.contains_key(file.as_str()) {
            findings.push(format!("no leaf speaks of `{file}`"));
        } else if dropped.contains(file.as_str()) {
            findings.push(format!("`{file}` is there and was said to be removed"));
        }
    }
    Ok(())
}

/// What is not sealed yet, and whether the record has its beginning.
fn log(folder: &Path, leaves: &Leaves, found: &mut Verified) -> Result<(), ProveError> {
    let last = leaves.last();
    let logs = places(folder)?;
    for log in logs.iter().filter(|log| log.sequence <= last) {
        if !leaves.sealed().any(|sealed| sealed.log == log.sequence) {
            found.findings.push(format!("`{}` lies there, and what came after it is sealed without it", log.name()));
        }
    }
    let mut gone = 0;
    let reader = crate::Reader::open(folder).map_err(|error| ProveError::Unreadable(error.to_string()))?;
    for entry in reader.behind(last).without_odd() {
        match entry {
            Ok(crate::Entry::Call(_)) => found.unsealed += 1,
            Ok(crate::Entry::Removed(removed)) => gone = gone.max(removed.sequence),
            Ok(_) => {}
            Err(damage) => found.findings.push(damage.to_string()),
        }
    }
    let sealed = leaves.sealed().next().map(|sealed| sealed.log);
    let first = sealed.or_else(|| logs.first().map(|log| log.sequence)).unwrap_or(1);
    if first > 1 && gone + 1 < first && sealed_removals(folder, leaves).is_some_and(|sealed| sealed + 1 < first) {
        found.findings.push(format!(
            "the record begins with the file {first} of the log, and nothing says that those before were removed"
        ));
    }
    Ok(())
}

/// The newest file of the log that was removed before it was sealed, as sealed entries say;
/// nothing where those may have been removed since.
fn sealed_removals(folder: &Path, leaves: &Leaves) -> Option<u64> {
    let dropped = leaves.dropped();
    let mut newest = 0;
    for segment in leaves.sealed().flat_map(|sealed| &sealed.segments).filter(|segment| segment.notes > 0) {
        if dropped.contains(segment.file.as_str()) {
            return None;
        }
        // What cannot be read is a finding already.
        for (_, payload) in segment::read(folder, segment, &Part::default()).ok()? {
            if let Ok(crate::Entry::Removed(removed)) = entry::read(&payload) {
                newest = newest.max(removed.sequence);
            }
        }
    }
    Some(newest)
}
