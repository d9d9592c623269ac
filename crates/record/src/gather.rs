//! A finished file of the log, piece by piece, as the rows of segments. What a piece takes in
//! memory is bounded, however long the file is.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    io,
};

use bytes::Bytes;
use jiff::Timestamp;
use law::{ByPower, CallId, Powers, Span, Verdict};
use seal::{Hash, tree};

use crate::{
    Damage,
    brief::{Brief, Text},
    entry::{self, CALL, OUTCOME},
    folder::{HEADER, Header, Place, open_file, read_header},
    frame::{Frames, MAX_PAYLOAD, Step},
    rollup::Rolled,
    scan,
    segment::Row,
};

/// What stands in one segment: calls that are kept equally long, and those that were stopped
/// apart from those that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group {
    /// What is kept for ever comes last.
    for_ever: bool,
    keep: Option<Span>,
    /// They were refused, or asked for a further factor: whoever floods the gate makes these.
    pub(crate) stopped: bool,
}

/// A piece is longer than it should be by its last entry.
const SLACK: usize = MAX_PAYLOAD + 1;

/// A finished file of the log, while it is read.
pub(crate) struct Log {
    name: String,
    /// Nothing where nothing of it can be read.
    frames: Option<Frames>,
    /// How many entries were read.
    entries: u64,
    /// How many bytes its frames take.
    length: usize,
    pub(crate) damage: Vec<Damage>,
}

impl Log {
    pub(crate) fn open(place: &Place) -> io::Result<Self> {
        let file = open_file(&place.path)?;
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        let mut log = Self { name: place.name(), frames: None, entries: 0, length, damage: Vec::new() };
        match read_header(&file)? {
            Header::Good(sequence) if sequence == place.sequence => {}
            Header::Newer(version) => {
                log.damage.push(Damage::Version { file: place.name(), version });
                return Ok(log);
            }
            Header::Good(_) | Header::Bad => log.damage.push(Damage::Header { file: place.name() }),
            Header::Short => {
                let bytes = file.metadata()?.len();
                log.damage.extend((bytes > 0).then(|| Damage::Torn { file: place.name(), offset: 0, bytes }));
                return Ok(log);
            }
        }
        log.frames = Some(Frames::from(file, HEADER));
        Ok(log)
    }

    /// How many entries it holds, and what of it cannot be read.
    pub(crate) fn count(mut self) -> io::Result<(u64, Vec<Damage>)> {
        while self.next(&mut |_| {})? {}
        Ok((self.entries, self.damage))
    }

    /// The next entries, of so many bytes together or a little more; nothing at the end.
    pub(crate) fn piece(&mut self, most: usize) -> io::Result<Option<Piece>> {
        if self.frames.is_none() {
            return Ok(None);
        }
        // All at once: what grows is copied again and again.
        let (first, mut bytes, mut ends) =
            (self.entries, Vec::with_capacity(self.length.min(most) + SLACK), Vec::new());
        let mut push = |bytes: &mut Vec<u8>, payload: &[u8]| {
            // What stands before an entry where it is hashed as a leaf.
            bytes.push(tree::LEAF);
            bytes.extend_from_slice(payload);
            ends.push(bytes.len());
        };
        while bytes.len() < most && self.next(&mut |payload| push(&mut bytes, payload))? {}
        Ok((!ends.is_empty()).then(|| Piece { first, bytes: bytes.into(), ends }))
    }

    /// Gives out the next entry; whether there was something.
    fn next(&mut self, take: &mut impl FnMut(&[u8])) -> io::Result<bool> {
        let Some(frames) = &mut self.frames else { return Ok(false) };
        match frames.step()? {
            Step::Frame { payload, .. } => {
                take(payload);
                self.entries += 1;
            }
            Step::Bad { offset, bytes } => self.damage.push(Damage::Bytes { file: self.name.clone(), offset, bytes }),
            Step::End { offset, torn } => {
                let torn = (torn > 0).then(|| Damage::Torn { file: self.name.clone(), offset, bytes: torn });
                self.damage.extend(torn);
                self.frames = None;
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Entries that become segments together.
pub(crate) struct Piece {
    /// The place of its first entry in the file.
    first: u64,
    /// The payloads, one behind the other, each behind a byte of its own; and where each ends.
    bytes: Bytes,
    ends: Vec<usize>,
}

impl Piece {
    /// The entries in their order, as leaves of a tree are hashed, each with its place.
    fn leaves(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let leaf = |(start, end): (usize, &usize)| self.bytes.get(start..*end).unwrap_or_default();
        (self.first..).zip(starts.zip(&self.ends).map(leaf))
    }

    /// The hash of the entry at this place of the file as a leaf.
    pub(crate) fn hash(&self, place: u64) -> Hash {
        let number = place.checked_sub(self.first).and_then(|number| usize::try_from(number).ok());
        let end = number.and_then(|number| self.ends.get(number)).copied().unwrap_or_default();
        let start = number.and_then(|number| self.ends.get(number.checked_sub(1)?)).copied().unwrap_or_default();
        Hash::of(&[self.bytes.get(start..end).unwrap_or_default()])
    }

    /// These bytes, without a copy where they are of this piece.
    pub(crate) fn part(&self, bytes: &[u8]) -> Bytes {
        let whole = self.bytes.as_ptr_range();
        let part = bytes.as_ptr_range();
        let is_within = whole.start <= part.start && part.end <= whole.end;
        if is_within { self.bytes.slice_ref(bytes) } else { Bytes::copy_from_slice(bytes) }
    }

    /// The rows in their groups, in the order of a segment. How the keys were used is noted.
    pub(crate) fn rows(&self, keep: &ByPower<Option<Span>>, rolled: &mut Rolled) -> BTreeMap<Group, Vec<Row<'_>>> {
        let mut order: BTreeMap<Group, Vec<_>> = BTreeMap::new();
        let rows = self.joined();
        for (number, row) in rows.iter().enumerate() {
            let outcome = row.outcome.as_ref().map(|(_, _, outcome)| outcome);
            match (&row.call, outcome) {
                (Some(call), outcome) => rolled.call(call, outcome),
                (None, Some(outcome)) => rolled.outcome(outcome),
                (None, None) => {}
            }
            let call = row.call.as_ref();
            let keep = longest(keep, call.map(|call| call.powers).unwrap_or_default(), call.is_none());
            let stopped = call.is_some_and(|call| matches!(call.verdict, Verdict::Challenge(_) | Verdict::Refuse(_)));
            let group = Group { for_ever: keep.is_none(), keep, stopped };
            order.entry(group).or_default().push((row.order(), number));
        }
        let mut rows: Vec<Option<Row<'_>>> = rows.into_iter().map(Some).collect();
        let sorted = |(group, mut order): (Group, Vec<_>)| {
            order.sort_unstable();
            // A row is large: it is moved once.
            let mut sorted = Vec::with_capacity(order.len());
            sorted.extend(order.into_iter().filter_map(|(_, number): (_, usize)| rows.get_mut(number)?.take()));
            (group, sorted)
        };
        order.into_iter().map(sorted).collect()
    }

    /// The entries, each call with its outcome where that stands here.
    fn joined(&self) -> Vec<Row<'_>> {
        let mut rows: Vec<Row<'_>> = Vec::with_capacity(self.ends.len() / 2 + 1);
        let mut open: HashMap<CallId, usize> = HashMap::new();
        let mut words = Words::default();
        for (place, leaf) in self.leaves() {
            let Some((kind, json)) = leaf.get(1..).and_then(<[u8]>::split_first) else { continue };
            let at = rows.last().map_or_else(Timestamp::default, |row| row.at);
            let mut row = Row { place, kind: *kind, at, json, call: None, outcome: None };
            match *kind {
                CALL => row.call = Brief::read(json),
                OUTCOME => {
                    if let Some(outcome) = scan::outcome(json).or_else(|| serde_json::from_slice(json).ok()) {
                        let call = open.remove(&outcome.call).and_then(|number| rows.get_mut(number));
                        if let Some(call) = call {
                            call.outcome = Some((place, json, outcome));
                            continue;
                        }
                        row.at = outcome.at;
                        row.outcome = Some((place, json, outcome));
                    }
                }
                kind => row.at = entry::at(kind, json).unwrap_or(row.at),
            }
            if let Some(call) = &mut row.call {
                row.at = call.at;
                for text in [&mut call.operation, &mut call.law].into_iter().chain(&mut call.user_agent) {
                    words.share(text);
                }
                open.insert(call.id, rows.len());
            }
            rows.push(row);
        }
        rows
    }
}

/// Texts that come again and again: all stand for the first of them. Sorted by key, rows lie all
/// over the memory, and each look at a text of its own would wait for that.
#[derive(Default)]
struct Words<'a>(HashSet<&'a str>);

impl<'a> Words<'a> {
    fn share(&mut self, text: &mut Text<'a>) {
        let Cow::Borrowed(word) = text.0 else { return };
        match self.0.get(word) {
            Some(known) => text.0 = Cow::Borrowed(known),
            None => drop(self.0.insert(word)),
        }
    }
}

/// How long a call with these powers is kept; what is no call, as long as anything.
pub(crate) fn longest(keep: &ByPower<Option<Span>>, powers: Powers, notes: bool) -> Option<Span> {
    let all = notes || powers.is_empty();
    let mut longest = Some(Span::default());
    for (power, span) in keep.iter() {
        if all || powers.contains(power) {
            longest = longest.zip(*span).map(|(one, other)| one.max(other));
        }
    }
    longest
}
