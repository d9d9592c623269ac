//! A finished file of the log, piece by piece, as the rows of segments. What a piece takes in
//! memory is bounded, however long the file is.

use std::{
    collections::{BTreeMap, HashMap},
    io, mem,
    ops::Range,
};

use jiff::Timestamp;
use law::{ByPower, CallId, Powers, Span, Verdict};
use seal::{Hash, tree};

use crate::{
    Damage,
    brief::{Brief, is_undescribed},
    entry::{self, CALL, OUTCOME},
    folder::{self, HEADER, Header, open_file, read_header},
    frame::{CHUNK, Frames, HEAD, MAX_PAYLOAD, Step},
    rollup::Rolled,
    scan,
    segment::{Ending, Number, Row, Told},
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

/// A piece is longer than it should be by its last entry, and by what was read behind it.
const SLACK: usize = HEAD + MAX_PAYLOAD + CHUNK;

/// A finished file of the log, while it is read.
pub(crate) struct Log {
    name: String,
    /// Nothing where nothing of it can be read, or nothing more.
    frames: Option<Frames>,
    is_at_end: bool,
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
        let mut log =
            Self { name: place.name(), frames: None, is_at_end: false, entries: 0, length, damage: Vec::new() };
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
        log.frames = Some(Frames::from(file, HEADER)?);
        Ok(log)
    }

    /// How many entries it holds, and what of it cannot be read.
    pub(crate) fn count(mut self) -> io::Result<(u64, Vec<Damage>)> {
        while self.next()?.is_some() {}
        Ok((self.entries, self.damage))
    }

    /// The next entries, of so many bytes together or a little more; nothing at the end. Each is looked
    /// at once, when it was just read: a whole piece is far more than a processor has at hand. What calls
    /// wanted that is not described is noted; other use of keys is counted when rows stand in their order.
    pub(crate) fn piece(
        &mut self,
        most: usize,
        keep: &ByPower<Option<Span>>,
        rolled: &mut Rolled,
        spare: &mut Spare,
    ) -> io::Result<Option<Piece>> {
        let Some(frames) = &mut self.frames else { return Ok(None) };
        let mut bytes = mem::take(&mut spare.bytes);
        bytes.clear();
        // All at once: what grows is copied again and again.
        bytes.reserve(self.length.min(most).saturating_add(SLACK));
        frames.keep_in(bytes);
        let mut gathered = Gathered::new(self.entries, mem::take(spare));
        let mut done = 0;
        while done < most {
            let Some((frames, size)) = self.next()? else { break };
            let (place, leaf) = frames.last(1 + size);
            done = place.end;
            gathered.take(place, leaf, keep, rolled);
        }
        let bytes = self.frames.as_mut().map(Frames::kept).unwrap_or_default();
        if self.is_at_end {
            self.frames = None;
        }
        Ok(gathered.piece(bytes, spare))
    }

    /// The next entry: the length of its payload, which is the last that was read.
    fn next(&mut self) -> io::Result<Option<(&mut Frames, usize)>> {
        let Some(frames) = &mut self.frames else { return Ok(None) };
        let size = loop {
            match frames.step()? {
                Step::Frame { payload, .. } => break payload.len(),
                Step::Bad { offset, bytes } => {
                    self.damage.push(Damage::Bytes { file: self.name.clone(), offset, bytes });
                }
                Step::End { offset, torn } => {
                    let torn = (torn > 0).then(|| Damage::Torn { file: self.name.clone(), offset, bytes: torn });
                    self.damage.extend(torn);
                    self.is_at_end = true;
                    return Ok(None);
                }
            }
        };
        self.entries += 1;
        Ok(Some((frames, size)))
    }
}

/// Memory of a piece that is done with. New memory costs the kernel a good part of what sealing costs.
#[derive(Default)]
pub(crate) struct Spare {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    rows: Vec<Row>,
    order: Vec<Ordered>,
}

/// A row where it is sorted. What is no call comes first, then calls by key and time; of what is alike,
/// what came first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ordered {
    key: Option<Number>,
    at: Timestamp,
    /// Among the rows of its piece.
    number: usize,
}

/// An entry of a piece.
struct Entry {
    /// Where its JSON stands.
    json: Range<usize>,
    /// As a leaf of a tree.
    hash: Hash,
}

/// A piece that is being read.
struct Gathered {
    first: u64,
    entries: Vec<Entry>,
    rows: Vec<Row>,
    words: Words,
    groups: BTreeMap<Group, Vec<Ordered>>,
    /// For the group that is largest.
    order: Vec<Ordered>,
    /// Calls without an outcome: where their rows stand.
    open: HashMap<CallId, usize, ahash::RandomState>,
    /// Whose a call is, its outcome has said.
    has_learned: bool,
}

impl Gathered {
    fn new(first: u64, spare: Spare) -> Self {
        let Spare { bytes: _, mut entries, mut rows, mut order } = spare;
        entries.clear();
        rows.clear();
        order.clear();
        let (words, groups, open) = (Words::default(), BTreeMap::new(), HashMap::default());
        Self { first, entries, rows, words, groups, order, open, has_learned: false }
    }

    /// Takes an entry that stands at this place of the piece, with the byte before it.
    fn take(&mut self, place: Range<usize>, leaf: &mut [u8], keep: &ByPower<Option<Span>>, rolled: &mut Rolled) {
        // What stands before an entry where it is hashed as a leaf. It was the end of a checksum, which was looked at.
        leaf.first_mut().into_iter().for_each(|first| *first = tree::LEAF);
        let number = self.entries.len();
        let json = (place.start + 2).min(place.end)..place.end;
        self.entries.push(Entry { json, hash: Hash::of(&[leaf]) });
        let place = self.first + number as u64;
        let Some((kind, json)) = leaf.get(1..).and_then(<[u8]>::split_first) else { return };
        let at = self.rows.last().map_or_else(Timestamp::default, |row| row.at);
        let mut row = Row { place, kind: *kind, at, id: None, call: None, outcome: None };
        let (mut powers, mut stopped) = (Powers::default(), false);
        match *kind {
            CALL => {
                if let Some(call) = Brief::read(json) {
                    if is_undescribed(&call.operation) {
                        rolled.undescribed(&call);
                    }
                    self.open.insert(call.id, self.rows.len());
                    powers = call.powers;
                    stopped = matches!(call.verdict, Verdict::Challenge(_) | Verdict::Refuse(_));
                    (row.at, row.id, row.call) = (call.at, Some(call.id), Some(told(&call, &mut self.words)));
                }
            }
            OUTCOME => {
                if let Some(outcome) = scan::outcome(json).or_else(|| serde_json::from_slice(json).ok()) {
                    let ending = Some(Ending::of(&outcome, place));
                    let call = self.open.remove(&outcome.call).and_then(|number| self.rows.get_mut(number));
                    if let Some(call) = call {
                        call.outcome = ending;
                        if let (Some(told), Some(key)) = (&mut call.call, outcome.learned) {
                            told.key = Some(key.0).into();
                            self.has_learned = true;
                        }
                        return;
                    }
                    (row.at, row.id, row.outcome) = (outcome.at, Some(outcome.call), ending);
                }
            }
            kind => row.at = entry::at(kind, json).unwrap_or(row.at),
        }
        let keep = longest(keep, powers, row.call.is_none());
        let group = Group { for_ever: keep.is_none(), keep, stopped };
        // The first one is likely to be of the largest.
        let order = self.groups.entry(group).or_insert_with(|| mem::take(&mut self.order));
        order.push(Ordered { key: row.call.map(|call| call.key), at: row.at, number: self.rows.len() });
        self.rows.push(row);
    }

    /// The whole, of these bytes; nothing where there are no entries.
    fn piece(self, bytes: Vec<u8>, spare: &mut Spare) -> Option<Piece> {
        let Self { first, entries, rows, words, mut groups, order, open: _, has_learned } = self;
        if entries.is_empty() {
            *spare = Spare { bytes, entries, rows, order };
            return None;
        }
        for order in groups.values_mut() {
            if has_learned {
                let key = |number: usize| rows.get(number)?.call.map(|call| call.key);
                order.iter_mut().for_each(|ordered| ordered.key = key(ordered.number));
            }
            order.sort_unstable();
        }
        Some(Piece { first, bytes, entries, rows, words, groups })
    }
}

/// Entries that become segments together: the rows, each call with its outcome where that stands here.
pub(crate) struct Piece {
    /// The place of its first entry in the file.
    first: u64,
    /// What was read of the file.
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    rows: Vec<Row>,
    pub(crate) words: Words,
    groups: BTreeMap<Group, Vec<Ordered>>,
}

impl Piece {
    /// How many entries it has.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Marks the entry at this place.
    pub(crate) fn mark(&self, marks: &mut [bool], place: u64) {
        self.number(place).and_then(|number| marks.get_mut(number)).into_iter().for_each(|mark| *mark = true);
    }

    /// The tree over the entries that are marked, in their order: how many there are, and its root.
    pub(crate) fn tree(&self, marks: &[bool]) -> (u64, Hash) {
        let mut entries = 0;
        let marked = self.entries.iter().zip(marks).filter(|(_, mark)| **mark);
        let root = tree::root_of(marked.inspect(|_| entries += 1).map(|(entry, _)| entry.hash));
        (entries, root)
    }

    /// The JSON of the entry at this place.
    pub(crate) fn json(&self, place: u64) -> Option<&[u8]> {
        let entry = self.number(place).and_then(|number| self.entries.get(number))?;
        self.bytes.get(entry.json.clone())
    }

    fn number(&self, place: u64) -> Option<usize> {
        place.checked_sub(self.first).and_then(|number| usize::try_from(number).ok())
    }

    /// The groups, each with its rows in the order of a segment.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (Group, &[Ordered])> {
        self.groups.iter().map(|(group, order)| (*group, &**order))
    }

    /// These rows.
    pub(crate) fn rows(&self, order: &[Ordered]) -> impl Iterator<Item = Row> {
        order.iter().filter_map(|ordered| self.rows.get(ordered.number).copied())
    }

    /// Its memory, for the next one.
    pub(crate) fn spare(self) -> Spare {
        let Self { bytes, entries, rows, groups, .. } = self;
        let order = groups.into_values().max_by_key(Vec::capacity).unwrap_or_default();
        Spare { bytes, entries, rows, order }
    }
}

fn told(call: &Brief<'_>, words: &mut Words) -> Told {
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
