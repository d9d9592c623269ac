//! A finished file of the log, piece by piece, as the rows of segments. What a piece takes in
//! memory is bounded, however long the file is.

use std::{
    collections::{BTreeMap, HashMap},
    io,
};

use bytes::Bytes;
use jiff::Timestamp;
use law::{ByPower, CallId, Powers, Span, Verdict};
use seal::{Hash, tree};

use crate::{
    Damage,
    brief::Brief,
    entry::{self, CALL, OUTCOME},
    folder::{self, HEADER, Header, open_file, read_header},
    frame::{Frames, MAX_PAYLOAD, Step},
    rollup::{Place, Rolled},
    scan,
    segment::{Ending, Row, Told},
    words::Words,
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
    pub(crate) fn open(place: &folder::Place) -> io::Result<Self> {
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

    /// The hashes of the entries at these places, in their order.
    pub(crate) fn hashes(&self, places: impl Iterator<Item = u64>) -> Vec<Hash> {
        let mut wanted = vec![false; self.ends.len()];
        let mut hashes = Vec::with_capacity(places.size_hint().0);
        for place in places {
            if let Some(wanted) = self.number(place).and_then(|number| wanted.get_mut(number)) {
                *wanted = true;
            }
        }
        let wanted = self.leaves().zip(wanted).filter(|(_, wanted)| *wanted);
        hashes.extend(wanted.map(|((_, leaf), _)| Hash::of(&[leaf])));
        hashes
    }

    /// The JSON of the entry at this place.
    pub(crate) fn json(&self, place: u64) -> Bytes {
        let number = self.number(place);
        let end = number.and_then(|number| self.ends.get(number)).copied().unwrap_or_default();
        let start = number.and_then(|number| self.ends.get(number.checked_sub(1)?)).copied().unwrap_or_default();
        // Behind the byte of the leaf and the letter of the kind.
        self.bytes.slice((start + 2).min(end)..end)
    }

    fn number(&self, place: u64) -> Option<usize> {
        place.checked_sub(self.first).and_then(|number| usize::try_from(number).ok())
    }

    /// These bytes, without a copy where they are of this piece.
    pub(crate) fn part(&self, bytes: &[u8]) -> Bytes {
        let whole = self.bytes.as_ptr_range();
        let part = bytes.as_ptr_range();
        let is_within = whole.start <= part.start && part.end <= whole.end;
        if is_within { self.bytes.slice_ref(bytes) } else { Bytes::copy_from_slice(bytes) }
    }

    /// The rows, each call with its outcome where that stands here. How the keys were used is noted.
    pub(crate) fn rows(&self, keep: &ByPower<Option<Span>>, rolled: &mut Rolled) -> Rows<'_> {
        let mut rows: Vec<Row> = Vec::with_capacity(self.ends.len() / 2 + 1);
        let mut words = Words::default();
        let mut order: BTreeMap<Group, Vec<_>> = BTreeMap::new();
        // Calls without an outcome: where their rows stand, and what they count for.
        let mut open: HashMap<CallId, (usize, Option<Place>), ahash::RandomState> = HashMap::default();
        for (place, leaf) in self.leaves() {
            let Some((kind, json)) = leaf.get(1..).and_then(<[u8]>::split_first) else { continue };
            let at = rows.last().map_or_else(Timestamp::default, |row| row.at);
            let mut row = Row { place, kind: *kind, at, id: None, call: None, outcome: None };
            let (mut powers, mut stopped) = (Powers::default(), false);
            match *kind {
                CALL => {
                    if let Some(call) = Brief::read(json) {
                        open.insert(call.id, (rows.len(), rolled.call(&call)));
                        powers = call.powers;
                        stopped = matches!(call.verdict, Verdict::Challenge(_) | Verdict::Refuse(_));
                        (row.at, row.id, row.call) = (call.at, Some(call.id), Some(told(&call, &mut words)));
                    }
                }
                OUTCOME => {
                    if let Some(outcome) = scan::outcome(json).or_else(|| serde_json::from_slice(json).ok()) {
                        let ending = Some(Ending::of(&outcome, place));
                        if let Some((number, counted)) = open.remove(&outcome.call)
                            && let Some(call) = rows.get_mut(number)
                        {
                            call.outcome = ending;
                            if let (Some(told), Some(key)) = (&mut call.call, outcome.learned) {
                                told.key = Some(key.0).into();
                            }
                            counted.iter().for_each(|counted| rolled.ended(*counted, &outcome));
                            continue;
                        }
                        rolled.outcome(&outcome);
                        (row.at, row.id, row.outcome) = (outcome.at, Some(outcome.call), ending);
                    }
                }
                kind => row.at = entry::at(kind, json).unwrap_or(row.at),
            }
            let keep = longest(keep, powers, row.call.is_none());
            let group = Group { for_ever: keep.is_none(), keep, stopped };
            order.entry(group).or_default().push(rows.len());
            rows.push(row);
        }
        for (id, (_, counted)) in open {
            counted.into_iter().for_each(|counted| rolled.left_open(id, counted));
        }
        // Whose a call is, its outcome may have said.
        let sorted = |(group, numbers): (Group, Vec<usize>)| {
            let of = |number: usize| rows.get(number).map(|row| (row.order(), number));
            let mut order: Vec<_> = numbers.into_iter().filter_map(of).collect();
            // What came first stands first among what is alike.
            order.sort_unstable();
            (group, order.into_iter().map(|(_, number)| number).collect())
        };
        let groups = order.into_iter().map(sorted).collect();
        Rows { rows, words, groups }
    }
}

/// The rows of a piece.
pub(crate) struct Rows<'a> {
    rows: Vec<Row>,
    pub(crate) words: Words<'a>,
    groups: BTreeMap<Group, Vec<usize>>,
}

impl Rows<'_> {
    /// The groups, each with the numbers of its rows in the order of a segment.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (Group, &[usize])> {
        self.groups.iter().map(|(group, order)| (*group, &**order))
    }

    /// The rows of these numbers.
    pub(crate) fn of(&self, numbers: &[usize]) -> impl Iterator<Item = Row> {
        numbers.iter().filter_map(|number| self.rows.get(*number).copied())
    }
}

fn told<'a>(call: &Brief<'a>, words: &mut Words<'a>) -> Told {
    Told {
        who: call.who,
        key: call.key.map(|key| key.0).into(),
        holder: call.holder.map(|holder| holder.0).into(),
        operation: words.number(&call.operation),
        powers: call.powers,
        source: words.source(call.source),
        user_agent: call.user_agent.as_ref().map(|text| words.number(text)),
        factors: call.factors,
        verdict: call.verdict,
        law: words.number(&call.law),
        question: call.challenge.map(|question| question.0).into(),
        approval: call.approval.map(|approval| approval.0).into(),
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
