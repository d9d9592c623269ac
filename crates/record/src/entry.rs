//! What the book holds.

use jiff::Timestamp;
use law::{Call, Outcome};
use serde::{Deserialize, Serialize};

use crate::frame::{self, FrameError, MAX_PAYLOAD};

/// One entry of the book.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// What somebody wanted, written before it was forwarded.
    Call(Call),
    /// What became of it.
    Outcome(Outcome),
    /// For a time the book could not be written as it should be.
    Gap(Gap),
    /// An old file was removed to stay under the cap.
    Removed(Removed),
}

impl Entry {
    /// When it happened; of a gap and a removal, when it ended.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Call(call) => call.at,
            Self::Outcome(outcome) => outcome.at,
            Self::Gap(gap) => gap.to,
            Self::Removed(removed) => removed.at,
        }
    }
}

/// Why the book cannot be written as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The disk, a quota or a limit on the size of files is used up.
    Full,
    /// The folder may not be written.
    ReadOnly,
    /// The folder or the file is no longer where it was, or somebody else changed the file.
    Gone,
    /// The disk takes longer than it may.
    Slow,
    /// Calls came faster than they could be written.
    Overrun,
    /// The disk reports something else.
    Broken,
    /// The book is closed.
    Stopped,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Full => "the disk is full",
            Self::ReadOnly => "the folder may not be written",
            Self::Gone => "the folder or its newest file was moved, removed or changed by somebody else",
            Self::Slow => "the disk is too slow",
            Self::Overrun => "calls come faster than they can be written",
            Self::Broken => "the disk reports an error",
            Self::Stopped => "the book is closed",
        })
    }
}

/// A time in which the book could not be written as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// From when.
    pub from: Timestamp,
    /// To when.
    pub to: Timestamp,
    /// Why, at its beginning.
    pub reason: Reason,
    /// Calls that passed and were not written.
    pub calls: u64,
    /// Outcomes that were not written.
    pub outcomes: u64,
    /// Callers who were told that the call cannot be written. Their calls may be in the book all the same.
    pub refused: u64,
}

/// A file that was removed to stay under the cap. Written before the file goes, so that an
/// entry may stand twice where the removal was interrupted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// When.
    pub at: Timestamp,
    /// The file's number.
    pub sequence: u64,
    /// When the file was begun.
    pub from: Timestamp,
    /// When the file after it was begun.
    pub to: Timestamp,
    /// Its length in bytes.
    pub bytes: u64,
}

pub(crate) const CALL: u8 = b'C';
pub(crate) const OUTCOME: u8 = b'O';
const GAP: u8 = b'G';
const REMOVED: u8 = b'R';

/// The kinds that have a word in segments.
const WORDS: [(u8, &str); 4] = [(CALL, "call"), (OUTCOME, "outcome"), (GAP, "gap"), (REMOVED, "removed")];

/// The word for a kind of entry; nothing where a newer version made it.
pub(crate) fn word(kind: u8) -> Option<&'static str> {
    WORDS.into_iter().find(|(letter, _)| *letter == kind).map(|(_, word)| word)
}

/// The kind that a word stands for; what has no word is its own letter.
pub(crate) fn letter(word: &[u8]) -> Option<u8> {
    let known = WORDS.into_iter().find(|(_, known)| known.as_bytes() == word).map(|(letter, _)| letter);
    known.or(if let [letter] = word { Some(*letter) } else { None })
}

/// Appends a call as a frame. One that is too long for a frame is cut until it fits.
pub(crate) fn append_call(buffer: &mut Vec<u8>, call: &Call) -> Result<(), FrameError> {
    let mut written = frame::append(buffer, CALL, call);
    // With 64 bytes for each of three times 32 texts, and six for each byte where JSON must
    // escape it, it always fits.
    for most in [1024, 64] {
        if !matches!(written, Err(FrameError::TooLong)) {
            break;
        }
        let mut short = call.clone();
        cut(&mut short, most);
        written = frame::append(buffer, CALL, &short);
    }
    written
}

pub(crate) fn append_outcome(buffer: &mut Vec<u8>, outcome: &Outcome) -> Result<(), FrameError> {
    frame::append(buffer, OUTCOME, outcome)
}

pub(crate) fn append_gap(buffer: &mut Vec<u8>, gap: &Gap) -> Result<(), FrameError> {
    frame::append(buffer, GAP, gap)
}

pub(crate) fn append_removed(buffer: &mut Vec<u8>, removed: &Removed) -> Result<(), FrameError> {
    frame::append(buffer, REMOVED, removed)
}

pub(crate) fn is_outcome(payload: &[u8]) -> bool {
    payload.first() == Some(&OUTCOME)
}

/// Reads an entry back; where it cannot be read, says why.
pub(crate) fn read(payload: &[u8]) -> Result<Entry, String> {
    let (kind, json) = payload.split_first().ok_or("it is empty")?;
    let error = |error: serde_json::Error| error.to_string();
    match *kind {
        CALL => serde_json::from_slice(json).map(Entry::Call).map_err(error),
        OUTCOME => serde_json::from_slice(json).map(Entry::Outcome).map_err(error),
        GAP => serde_json::from_slice(json).map(Entry::Gap).map_err(error),
        REMOVED => serde_json::from_slice(json).map(Entry::Removed).map_err(error),
        other => Err(format!("a newer version wrote it (kind `{}`)", char::from(other))),
    }
}

/// When what is neither a call nor an outcome happened; nothing where that cannot be read.
pub(crate) fn at(kind: u8, json: &[u8]) -> Option<Timestamp> {
    match kind {
        GAP => serde_json::from_slice::<Gap>(json).ok().map(|gap| gap.to),
        REMOVED => serde_json::from_slice::<Removed>(json).ok().map(|removed| removed.at),
        _ => None,
    }
}

/// About how many bytes a call takes in memory.
pub(crate) fn weight(call: &Call) -> usize {
    let parameters: usize = call.parameters.iter().map(|(name, value)| 48 + name.len() + value.len()).sum();
    let query: usize = call.query.iter().map(|text| 24 + text.len()).sum();
    size_of::<Call>()
        + parameters
        + query
        + call.operation.len()
        + call.law.len()
        + call.user_agent.as_ref().map_or(0, String::len)
}

/// Bounds a call that is far too long, so that the queue holds nothing of that size.
pub(crate) fn bound(call: &mut Call) {
    if weight(call) > MAX_PAYLOAD {
        cut(call, 512);
    }
}

/// Cuts every text at so many bytes and every list at 32.
fn cut(call: &mut Call, most: usize) {
    const ITEMS: usize = 32;
    call.parameters.truncate(ITEMS);
    call.parameters.shrink_to_fit();
    call.query.truncate(ITEMS);
    call.query.shrink_to_fit();
    for (name, value) in &mut call.parameters {
        cut_shared(name, most);
        cut_text(value, most);
    }
    call.query.iter_mut().chain(&mut call.user_agent).for_each(|text| cut_text(text, most));
    cut_shared(&mut call.operation, most);
    cut_shared(&mut call.law, most);
}

fn cut_text(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most.saturating_sub('…'.len_utf8())));
        text.push('…');
        text.shrink_to_fit();
    }
}

fn cut_shared(text: &mut std::sync::Arc<str>, most: usize) {
    if text.len() > most {
        let mut short = text.to_string();
        cut_text(&mut short, most);
        *text = short.into();
    }
}
