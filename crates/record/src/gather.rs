//! A finished file of the log, piece by piece, as the rows of segments. What a piece takes in
//! memory is bounded, however long the file is.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::File,
    io,
    sync::Arc,
};

use law::{ByPower, CallId, Powers, Span, Verdict};

use crate::{
    Damage, Entry, entry,
    folder::{HEADER, Header, Place, read_header},
    frame::{Frames, Step},
    rollup::Rolled,
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

/// A finished file of the log, while it is read.
pub(crate) struct Log {
    name: String,
    /// Nothing where nothing of it can be read.
    frames: Option<Frames>,
    /// How many entries were read.
    entries: u64,
    pub(crate) damage: Vec<Damage>,
}

impl Log {
    pub(crate) fn open(place: &Place) -> io::Result<Self> {
        let file = File::open(&place.path)?;
        let mut log = Self { name: place.name(), frames: None, entries: 0, damage: Vec::new() };
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
        let mut piece = Piece { first: self.entries, bytes: Vec::new(), ends: Vec::new() };
        while piece.bytes.len() < most && self.next(&mut |payload| piece.push(payload))? {}
        Ok((!piece.ends.is_empty()).then_some(piece))
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
    /// The payloads, one behind the other, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Piece {
    fn push(&mut self, payload: &[u8]) {
        self.bytes.extend_from_slice(payload);
        self.ends.push(self.bytes.len());
    }

    /// The rows in their groups. How the keys were used is noted.
    pub(crate) fn rows(&self, keep: &ByPower<Option<Span>>, rolled: &mut Rolled) -> BTreeMap<Group, Vec<Row<'_>>> {
        let mut rows: Vec<Row<'_>> = Vec::with_capacity(self.ends.len() / 2);
        let mut open: HashMap<CallId, usize> = HashMap::new();
        let mut words = Words::default();
        let mut start = 0;
        for (place, end) in (self.first..).zip(&self.ends) {
            let payload = self.bytes.get(start..*end).unwrap_or_default();
            start = *end;
            let Some((kind, json)) = payload.split_first() else { continue };
            let read = entry::read(payload).ok();
            let at = read.as_ref().map(Entry::at).or_else(|| rows.last().map(|row| row.at)).unwrap_or_default();
            let mut row = Row { place, kind: *kind, at, json, call: None, outcome: None };
            match read {
                Some(Entry::Call(mut call)) => {
                    open.insert(call.id, rows.len());
                    rolled.call(&call);
                    // No column has these, and the JSON does. The words are the same in most calls.
                    (call.parameters, call.query) = (Vec::new(), Vec::new());
                    (call.operation, call.law) = (words.shared(call.operation), words.shared(call.law));
                    row.call = Some(call);
                }
                Some(Entry::Outcome(outcome)) => {
                    rolled.outcome(&outcome);
                    let call = open.remove(&outcome.call).and_then(|number| rows.get_mut(number));
                    if let Some(call) = call {
                        call.outcome = Some((place, json, outcome));
                        continue;
                    }
                    row.outcome = Some((place, json, outcome));
                }
                Some(Entry::Gap(_) | Entry::Removed(_)) | None => {}
            }
            rows.push(row);
        }
        let mut groups: BTreeMap<Group, Vec<Row<'_>>> = BTreeMap::new();
        for row in rows {
            let call = row.call.as_ref();
            let keep = longest(keep, call.map(|call| call.powers).unwrap_or_default(), call.is_none());
            let stopped = call.is_some_and(|call| matches!(call.verdict, Verdict::Challenge(_) | Verdict::Refuse(_)));
            groups.entry(Group { for_ever: keep.is_none(), keep, stopped }).or_default().push(row);
        }
        groups
    }
}

/// Texts that are held once, however often they come.
#[derive(Default)]
struct Words(HashSet<Arc<str>>);

impl Words {
    fn shared(&mut self, word: Arc<str>) -> Arc<str> {
        if let Some(known) = self.0.get(&word) {
            return Arc::clone(known);
        }
        self.0.insert(Arc::clone(&word));
        word
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
