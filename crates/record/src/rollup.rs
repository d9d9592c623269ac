//! Rollups: beside the segments of each sealed file, how its keys were used. A start reads them
//! instead of the segments, and so does who asks what a key has used.
//!
//! A file of JSON lines: `{"since":…}`, then `{"used":…}` for each key, then `{"daily":…}` for each
//! key, operation and day, then `{"open":…}` for each call of a key that had not ended: its end
//! counts for the day of the call, in the file in which it stands.

use std::{
    collections::{HashMap, HashSet},
    io::{self, Read as _, Write},
    path::Path,
    sync::Arc,
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use law::{CallId, KeyId, Outcome, Verdict, Who};
use memchr::memmem;
use seal::Hash;
use serde::{Deserialize, Serialize};

use crate::{
    OpenError, Usage,
    brief::Brief,
    leaves::{self, Leaves, Rollup},
    segment::{Ending, Row, Told, Word},
    usage::{Index, Run},
    words,
};

/// How a key used an operation on a day (UTC), as far as one sealed file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Daily {
    /// The key.
    pub key: KeyId,
    /// The operation.
    pub operation: Arc<str>,
    /// The day.
    pub day: Date,
    /// Calls that passed.
    pub passed: u64,
    /// Calls that were asked for a further factor, or refused.
    pub stopped: u64,
    /// Bytes of the answers, as far as they are known.
    pub bytes_out: u64,
    /// Items in the answers, as far as they were counted.
    pub rows: u64,
    /// The first of these calls; rollups of the first version do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Timestamp>,
    /// The last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}

/// What a rollup is made of.
#[derive(Default)]
pub(crate) struct Rolled {
    pub(crate) index: Index,
    days: Days,
    /// Calls of keys that have not ended.
    pub(crate) open: Open,
}

/// Sums of uses.
#[derive(Default)]
struct Days {
    /// Where the sums of each use stand.
    places: HashMap<Use, Place, ahash::RandomState>,
    sums: Vec<Sums>,
    words: Words,
    /// How many of these each key has.
    of_keys: HashMap<KeyId, usize>,
}

/// What a call counts for.
#[derive(Clone, Copy)]
pub(crate) struct Place(usize);

/// Calls of keys that have not ended, by what they count for.
pub(crate) type Open = HashMap<CallId, Use>;

/// A key's use of an operation on a day, counted from the beginning of 1970 (UTC).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Use {
    key: KeyId,
    operation: Arc<str>,
    day: i64,
}

struct Sums {
    of: Use,
    passed: u64,
    stopped: u64,
    bytes_out: u64,
    rows: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Sums {
    const fn of(of: Use) -> Self {
        Self { of, passed: 0, stopped: 0, bytes_out: 0, rows: 0, first: None, last: None }
    }

    fn call(&mut self, at: Timestamp, verdict: Verdict) {
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
        match verdict {
            Verdict::Challenge(_) | Verdict::Refuse(_) => self.stopped += 1,
            Verdict::Permit | Verdict::WouldAsk(_) | Verdict::WouldRefuse(_) => self.passed += 1,
        }
    }

    fn end(&mut self, End { bytes_out, rows }: End) {
        self.bytes_out = self.bytes_out.saturating_add(bytes_out);
        self.rows = self.rows.saturating_add(rows);
    }
}

/// What is summed up of how calls ended.
#[derive(Clone, Copy)]
struct End {
    bytes_out: u64,
    rows: u64,
}

impl From<&Outcome> for End {
    fn from(outcome: &Outcome) -> Self {
        Self { bytes_out: outcome.bytes_out, rows: outcome.rows.unwrap_or(0) }
    }
}

impl From<Ending> for End {
    fn from(ending: Ending) -> Self {
        let number = |number: Option<i64>| number.and_then(|number| number.try_into().ok()).unwrap_or(0);
        Self { bytes_out: number(ending.bytes_out.there()), rows: number(ending.rows.there()) }
    }
}

/// Texts that are held once, however often they come.
#[derive(Default)]
struct Words(HashSet<Arc<str>, ahash::RandomState>);

impl Words {
    fn shared(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.0.get(word) {
            return Arc::clone(known);
        }
        let word: Arc<str> = word.into();
        // Callers choose names of what is not described.
        if self.0.len() >= MOST_OF_KEY {
            self.0.clear();
        }
        self.0.insert(Arc::clone(&word));
        word
    }
}

const DAY: i64 = 86_400;
/// So many uses are kept of each key in one file: an operation on a day is one. Beyond it calls
/// count for [`FURTHER`], for callers choose names of what is not described.
const MOST_OF_KEY: usize = 4096;
/// The name for operations that are not told one by one. No operation of a catalogue is called so,
/// and like what is not described it ends with a star.
pub(crate) const FURTHER: &str = "FURTHER *";
/// So many calls that have not ended are known from one file to the next: the newest ones.
const MOST_OPEN: usize = 32 * 1024;
/// For so many days their end is awaited.
const AWAITED: i64 = 2;

impl Rolled {
    /// Goes on where the file before has ended.
    pub(crate) fn after(open: Open) -> Self {
        Self { open, ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.index.since().is_none() && self.days.sums.is_empty() && self.open.is_empty()
    }

    /// Counts a call; what its end counts for, where it is a call of a key.
    pub(crate) fn call(&mut self, call: &Brief<'_>) -> Option<Place> {
        self.index.note(call);
        // What a drill did is no use of anything.
        let key = call.key.filter(|_| !call.who.is_drill())?;
        let place = self.days.place(key, &call.operation, day(call.at));
        self.days.at(place).into_iter().for_each(|sums| sums.call(call.at, call.verdict));
        Some(place)
    }

    /// Counts the end of a call that counts for this.
    pub(crate) fn ended(&mut self, place: Place, outcome: &Outcome) {
        self.days.end(place, outcome.into());
    }

    /// Counts rows that stand in the order of a segment: calls with their ends, and ends of calls of a
    /// file before. What is not described was noted already.
    pub(crate) fn count(&mut self, rows: &[Row], words: &words::Words) {
        let mut places: HashMap<(KeyId, Word, i64), Place, ahash::RandomState> = HashMap::default();
        let mut run: Option<(KeyId, Told, Run<'_>)> = None;
        for row in rows {
            let Some(call) = row.call else {
                let end = row.id.zip(row.outcome);
                end.into_iter().for_each(|(id, ending)| self.outcome(id, ending.into()));
                continue;
            };
            self.index.reaches(row.at);
            let key = call.key.there().and_then(|key| key.try_into().ok()).map(KeyId);
            // One whose key its outcome named was nobody's when it came.
            let is_its = !call.who.is_drill() && call.who != Who::Unknown;
            let Some(key) = key.filter(|_| is_its) else { continue };
            let is_alike = |before: &(KeyId, Told, Run<'_>)| {
                before.0 == key && before.1.is_from_where(&call) && before.2.is_of_the_week(row.at)
            };
            if !run.as_ref().is_some_and(is_alike) {
                run.take().into_iter().for_each(|(key, _, run)| self.index.add(key, &run));
            }
            let (_, _, run) = run.get_or_insert_with(|| {
                let source = words.text(call.source).and_then(|source| source.parse().ok());
                let user_agent = call.user_agent.and_then(|word| words.text(word));
                (key, call, Run::new(row.at, source, user_agent.map(|text| &**text)))
            });
            run.note(row.at, call.powers, call.verdict);
            let day = day(row.at);
            let operation = || words.text(call.operation).map_or("", |text| text);
            let place =
                *places.entry((key, call.operation, day)).or_insert_with(|| self.days.place(key, operation(), day));
            self.days.at(place).into_iter().for_each(|sums| sums.call(row.at, call.verdict));
            match (row.outcome, row.id) {
                (Some(ending), _) => self.days.end(place, ending.into()),
                (None, Some(id)) => self.left_open(id, place),
                (None, None) => {}
            }
        }
        run.into_iter().for_each(|(key, _, run)| self.index.add(key, &run));
    }

    /// Notes what a call wanted that is not described.
    pub(crate) fn undescribed(&mut self, call: &Brief<'_>) {
        self.index.note_undescribed(call);
    }

    /// A call that counts for this has not ended yet.
    pub(crate) fn left_open(&mut self, id: CallId, place: Place) {
        let Some(sums) = self.days.at(place) else { return };
        self.open.insert(id, sums.of.clone());
        // Not at the end alone: a file may be as long as it likes.
        if self.open.len() >= 2 * MOST_OPEN {
            self.forget_oldest();
        }
    }

    /// Counts for the day of its call, which stands in a file before.
    fn outcome(&mut self, id: CallId, end: End) {
        let Some(Use { key, operation, day }) = self.open.remove(&id) else { return };
        // It may be a use that this file has not seen.
        let place = self.days.place(key, &operation, day);
        self.days.end(place, end);
    }

    /// Forgets calls whose end is not awaited any more.
    pub(crate) fn forget(&mut self) {
        let oldest = self.days.sums.iter().map(|sums| sums.of.day).max().map_or(i64::MIN, |newest| newest - AWAITED);
        self.open.retain(|_, used| used.day >= oldest);
        self.forget_oldest();
    }

    fn forget_oldest(&mut self) {
        let over = self.open.len().saturating_sub(MOST_OPEN);
        if over > 0 {
            // Ids sort by time.
            let mut ids: Vec<CallId> = self.open.keys().copied().collect();
            ids.select_nth_unstable(over - 1);
            ids.truncate(over);
            ids.iter().for_each(|id| drop(self.open.remove(id)));
        }
    }

    /// What was noted of days.
    pub(crate) fn days(self) -> (Index, impl Iterator<Item = Daily>) {
        (self.index, self.days.sums.into_iter().map(|sums| daily_of(&sums)))
    }

    pub(crate) fn write(&self, sink: &mut impl Write) -> serde_json::Result<()> {
        let mut text = Vec::new();
        // In one piece: what is hashed bit by bit takes several times as long.
        let mut line = |line: &Line| {
            text.clear();
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
            sink.write_all(&text).map_err(serde_json::Error::io)
        };
        if let Some(since) = self.index.since() {
            line(&Line::Since(since))?;
        }
        for (key, usage) in self.index.all() {
            line(&Line::Used { key, usage: Box::new(usage) })?;
        }
        let mut days: Vec<&Sums> = self.days.sums.iter().collect();
        days.sort_unstable_by_key(|sums| &sums.of);
        for sums in days {
            line(&Line::Daily(daily_of(sums)))?;
        }
        let mut open: Vec<(&CallId, &Use)> = self.open.iter().collect();
        open.sort_unstable();
        open.into_iter().try_for_each(|(id, used)| line(&Line::Open { id: *id, used: used.clone() }))
    }
}

impl Days {
    fn at(&mut self, place: Place) -> Option<&mut Sums> {
        self.sums.get_mut(place.0)
    }

    fn end(&mut self, place: Place, end: End) {
        self.at(place).into_iter().for_each(|sums| sums.end(end));
    }

    /// Where the sums of this use stand, or of the one that stands for all further ones of the key.
    fn place(&mut self, key: KeyId, operation: &str, day: i64) -> Place {
        let used = Use { key, operation: self.words.shared(operation), day };
        if let Some(place) = self.places.get(&used) {
            return *place;
        }
        let known = self.of_keys.entry(key).or_default();
        let used = if *known >= MOST_OF_KEY { Use { operation: FURTHER.into(), ..used } } else { used };
        *known += usize::from(*known < MOST_OF_KEY);
        *self.places.entry(used).or_insert_with_key(|used| {
            self.sums.push(Sums::of(used.clone()));
            Place(self.sums.len() - 1)
        })
    }
}

/// The day (UTC) of a moment, counted from the beginning of 1970.
fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(DAY)
}

fn daily_of(sums: &Sums) -> Daily {
    let Sums { of: Use { key, ref operation, day }, passed, stopped, bytes_out, rows, first, last } = *sums;
    let operation = Arc::clone(operation);
    Daily { key, operation, day: date(day), passed, stopped, bytes_out, rows, first, last }
}

/// The date of a day that is counted from the beginning of 1970.
fn date(day: i64) -> Date {
    Timestamp::from_second(day * DAY).unwrap_or_default().to_zoned(TimeZone::UTC).date()
}

/// Where what is said of days begins: in no text of JSON stands the end of a line.
const DAYS: &[u8] = b"\n{\"daily\":";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Since(Timestamp),
    Used { key: KeyId, usage: Box<Usage> },
    Daily(Daily),
    Open { id: CallId, used: Use },
}

/// What a rollup says of keys and days: all of it, or nothing where it is not what was sealed.
pub(crate) fn whole(folder: &Path, rollup: &Rollup) -> io::Result<Vec<Result<Daily, (KeyId, Usage)>>> {
    let mut told = Vec::new();
    for line in bytes(folder, rollup)?.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line)? {
            Line::Since(_) | Line::Open { .. } => {}
            Line::Used { key, usage } => told.push(Err((key, *usage))),
            Line::Daily(daily) => told.push(Ok(daily)),
        }
    }
    Ok(told)
}

/// Each line of a rollup that is understood.
fn lines(folder: &Path, rollup: &Rollup) -> io::Result<impl Iterator<Item = Line> + use<>> {
    let bytes = bytes(folder, rollup)?;
    let lines: Vec<Line> =
        bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    Ok(lines.into_iter())
}

/// A rollup as it was sealed, or nothing: whoever changes one makes strange places usual.
fn bytes(folder: &Path, rollup: &Rollup) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than there was: then it is another file.
    leaves::open(folder, &rollup.file)?.take(rollup.bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if Hash::of(&[&bytes]) != rollup.sha256 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not what was sealed"));
    }
    Ok(bytes)
}

/// The calls of keys that had not ended when this file was sealed.
pub(crate) fn open(folder: &Path, rollup: &Rollup) -> io::Result<Open> {
    Ok(lines(folder, rollup)?
        .filter_map(|line| if let Line::Open { id, used } = line { Some((id, used)) } else { None })
        .collect())
}

/// What a rollup says for an index.
#[derive(Default)]
pub(crate) struct Indexed {
    /// How far back it reaches.
    pub(crate) since: Option<Timestamp>,
    /// How keys were used.
    pub(crate) used: Vec<(KeyId, Usage)>,
}

/// Reads what an index needs of a rollup.
pub(crate) fn index(folder: &Path, rollup: &Rollup) -> io::Result<Indexed> {
    let bytes = bytes(folder, rollup)?;
    // What is said of days stands behind it, is most of it, and takes most of the time to read.
    let end = memmem::find(&bytes, DAYS).unwrap_or(bytes.len());
    let mut indexed = Indexed::default();
    for line in bytes.get(..end).unwrap_or_default().split(|byte| *byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(Line::Since(since)) => indexed.since = Some(since),
            Ok(Line::Used { key, usage }) => indexed.used.push((key, *usage)),
            Ok(Line::Daily(_) | Line::Open { .. }) | Err(_) => {}
        }
    }
    Ok(indexed)
}

/// How keys used operations, by days, as far as it is sealed: what is still in the log is not in
/// it, and what was removed no more. Each sealed file gives its own.
///
/// # Errors
/// The folder cannot be read.
pub fn daily(folder: &Path) -> Result<impl Iterator<Item = Daily>, OpenError> {
    let failed = |error| OpenError::Folder { path: folder.to_owned(), error };
    let leaves = Leaves::read_stated(folder).map_err(failed)?.leaves;
    let rollups: Vec<Rollup> = leaves.sealed().filter_map(|sealed| sealed.usage.clone()).collect();
    let folder = folder.to_owned();
    let of = move |rollup: Rollup| lines(&folder, &rollup).into_iter().flatten();
    Ok(rollups
        .into_iter()
        .flat_map(of)
        .filter_map(|line| if let Line::Daily(daily) = line { Some(daily) } else { None }))
}

#[cfg(test)]
mod tests {
    use law::Call;

    use super::*;
    use crate::testing;

    fn left_open(rolled: &mut Rolled, call: &Call) {
        let place = rolled.call(&Brief::from(call)).unwrap();
        rolled.left_open(call.id, place);
    }

    #[test]
    fn whoever_makes_up_names_takes_no_more_memory_than_a_bound_and_it_is_told() {
        let mut rolled = Rolled::default();
        let calls = 3 * MOST_OPEN as u64;
        for number in 0..calls {
            let named = Call { operation: format!("A{number} *").into(), ..testing::call(number % 60) };
            left_open(&mut rolled, &named);
            // Each has an id of its own, and none ends.
            let id = CallId(uuid::Uuid::from_u128(u128::from(number)));
            left_open(&mut rolled, &Call { id, ..testing::call(number % 60) });
            assert!(rolled.days.sums.len() <= MOST_OF_KEY + 1 && rolled.open.len() < 2 * MOST_OPEN + 1);
        }
        // Another key has its own room.
        left_open(&mut rolled, &Call { key: Some(KeyId(3)), ..testing::call(1) });
        let (_, days) = rolled.days();
        let days: Vec<Daily> = days.collect();
        assert_eq!(days.iter().map(|daily| daily.passed).sum::<u64>(), 2 * calls + 1, "each call counts");
        assert!(days.iter().any(|daily| &*daily.operation == FURTHER));
        assert!(days.iter().any(|daily| daily.key == KeyId(3) && &*daily.operation == "GET /users/{name}"));
    }
}
