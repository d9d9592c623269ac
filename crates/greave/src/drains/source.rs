//! What a drain is yet to send: read from the record, the ledger and the findings, from where it
//! was the last time.

use std::{path::PathBuf, sync::Arc};

use authority::{Authority, Written};
use jiff::{SignedDuration, Timestamp};
use law::{Call, Outcome};
use ocsf::{Ending, Event, Kind, Names, Teller};
use record::{Book, Entry, Joined, Position, Reader};
use tell::Line;

use crate::{
    config::Drain,
    drains::{
        cursor::{Cursor, Open},
        journal::Journal,
    },
};

/// Events of one batch, and their bytes.
const EVENTS: usize = 500;
const BYTES: usize = 512 << 10;

/// Entries that are looked at for one batch.
const ENTRIES: usize = 5000;

/// A call that has not ended after so long goes out as it is; its end follows by itself.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// For so long the end of such a call is awaited.
const MEMORY: SignedDuration = SignedDuration::from_hours(24);

/// Calls that have not ended. Beyond it the oldest goes out as it is, and its end does not follow.
const OPEN: usize = 32 * 1024;

/// What they take in memory, in bytes. Beyond it the oldest go out as they are; of those only
/// what their end needs is kept.
const WEIGHT: usize = 32 << 20;

/// What a batch is and where it ends.
pub(super) struct Batch {
    pub(super) lines: Vec<Line>,
    /// Where the drain is when all of it has arrived.
    pub(super) cursor: Cursor,
    /// There is more.
    pub(super) is_full: bool,
}

/// Where events come from.
pub(super) struct Source {
    wanted: Drain,
    teller: Teller,
    authority: Arc<Authority>,
    journal: Arc<Journal>,
    book: Arc<Book>,
    /// When this process began: what was open before has nobody who ends it.
    born: Timestamp,
    reader: Option<Reader>,
    passed_over: u64,
    /// What calls that were not sent yet take in memory, in bytes.
    weight: usize,
}

/// Events that are being gathered.
struct Gathered {
    lines: Vec<Line>,
    bytes: usize,
}

impl Gathered {
    const fn is_full(&self) -> bool {
        self.lines.len() >= EVENTS || self.bytes >= BYTES
    }
}

impl Source {
    pub(super) fn new(
        wanted: Drain,
        teller: Teller,
        authority: Arc<Authority>,
        journal: Arc<Journal>,
        (book, born): (Arc<Book>, Timestamp),
    ) -> Self {
        Self { wanted, teller, authority, journal, book, born, reader: None, passed_over: 0, weight: 0 }
    }

    /// Where a drain begins that has not run before: with what is there, or behind it.
    pub(super) async fn first(&self) -> Result<Cursor, String> {
        if self.wanted.backfill {
            return Ok(Cursor::default());
        }
        let record = end(self.book.folder().to_owned()).await?;
        let (ledger, ledger_hash) = match self.newest_change().await.map_err(|error| error.to_string())? {
            Some(entry) => (entry.seq, entry.hash.to_string()),
            None => (0, String::new()),
        };
        Ok(Cursor { record, ledger, ledger_hash, findings: self.journal.last(), ..Cursor::default() })
    }

    /// Whether the ledger still is the one that the cursor knows. A restored one is told from
    /// its beginning: its changes go by other names.
    pub(super) async fn confirm(&self, cursor: &mut Cursor) -> Result<(), authority::Failed> {
        if cursor.ledger > 0 {
            let there = self.authority.store().entries(cursor.ledger, 1).await?;
            let is_known = there.first().is_some_and(|entry| entry.hash.to_string() == cursor.ledger_hash);
            if !is_known {
                tracing::error!(
                    drain = self.wanted.name,
                    entry = cursor.ledger,
                    "the ledger is not the one that this drain has told of: was an older state put back? `greave \
                     ledger verify --since` holds it against a checkpoint that was kept elsewhere"
                );
                (cursor.ledger, cursor.ledger_hash) = (0, String::new());
            }
        }
        cursor.findings = cursor.findings.min(self.journal.last());
        Ok(())
    }

    async fn newest_change(&self) -> Result<Option<store::Entry>, authority::Failed> {
        let mut last = None;
        loop {
            let from = last.as_ref().map_or(1, |entry: &store::Entry| entry.seq + 1);
            let page = self.authority.store().entries(from, 10_000).await?;
            match page.into_iter().last() {
                Some(entry) => last = Some(entry),
                None => return Ok(last),
            }
        }
    }

    fn wants(&self, kind: Kind) -> bool {
        self.wanted.events.iter().any(|events| events.0 == kind)
    }

    /// The changes of the ledger for the next batch.
    pub(super) async fn changes(&self, cursor: &Cursor) -> Result<Vec<store::Entry>, authority::Failed> {
        let most = u32::try_from(EVENTS).unwrap_or(u32::MAX);
        if self.wants(Kind::Change) {
            Ok(self.authority.store().entries(cursor.ledger + 1, most).await?)
        } else {
            Ok(Vec::new())
        }
    }

    /// The next batch. Blocks: it reads files.
    pub(super) fn next(&mut self, mut cursor: Cursor, changes: Vec<store::Entry>, now: Timestamp) -> Batch {
        let mut gathered = Gathered { lines: Vec::new(), bytes: 0 };
        for entry in changes {
            let Ok(written) = serde_json::from_str::<Written>(&entry.change) else {
                tracing::error!(seq = entry.seq, "a change cannot be read and is not sent");
                cursor.health.lost += 1;
                (cursor.ledger, cursor.ledger_hash) = (entry.seq, entry.hash.to_string());
                continue;
            };
            let place = (entry.seq, entry.at, &*entry.hash.to_string());
            let event = self.authority.view(|state| ocsf::change(&self.teller, Names::from(state), place, &written));
            self.gather(&mut gathered, &event);
            (cursor.ledger, cursor.ledger_hash) = (entry.seq, entry.hash.to_string());
            if gathered.is_full() {
                break;
            }
        }
        if self.wants(Kind::Finding) && !gathered.is_full() {
            self.findings(&mut cursor, &mut gathered);
        }
        let mut looked_at = 0;
        if self.wants(Kind::Call) {
            looked_at = self.calls(&mut cursor, &mut gathered, now);
        }
        let is_full = gathered.is_full() || looked_at >= ENTRIES;
        Batch { lines: gathered.lines, cursor, is_full }
    }

    fn gather(&self, gathered: &mut Gathered, event: &Event) {
        let Drain { powers, min_severity, .. } = &self.wanted;
        let has_power = powers.is_none_or(|powers| event.powers.iter().any(|power| powers.contains(power)));
        if event.severity >= *min_severity && (has_power || !is_call(event)) {
            let line = line(event);
            gathered.bytes += line.text.len();
            gathered.lines.push(line);
        }
    }

    fn findings(&self, cursor: &mut Cursor, gathered: &mut Gathered) {
        let found = match self.journal.after(cursor.findings, EVENTS) {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "findings cannot be read");
                return;
            }
        };
        for noted in found {
            cursor.health.lost += noted.number.saturating_sub(cursor.findings + 1);
            cursor.findings = noted.number;
            let (id, finding) = (noted.id.to_string(), &noted.finding);
            let event = self.authority.view(|state| ocsf::finding(&self.teller, Names::from(state), &id, finding));
            self.gather(gathered, &event);
            if gathered.is_full() {
                return;
            }
        }
    }

    /// How many entries of the record were looked at.
    fn calls(&mut self, cursor: &mut Cursor, gathered: &mut Gathered, now: Timestamp) -> usize {
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => match self.book.reader() {
                Ok(reader) => {
                    if let Err(error) = cursor.hold_to_record(self.book.folder()) {
                        tracing::error!(drain = self.wanted.name, %error, "the record cannot be read");
                        return 0;
                    }
                    self.passed_over = 0;
                    self.remember(cursor);
                    reader.starting_at(cursor.record)
                }
                // There is no record yet.
                Err(_) => return 0,
            },
        };
        // Until its first part is sealed a record has no name.
        if cursor.origin.is_empty() {
            cursor.origin = record::origin(self.book.folder()).ok().flatten().unwrap_or_default();
        }
        let (mut looked_at, mut at_end) = (0, false);
        while !gathered.is_full() && looked_at < ENTRIES {
            let Some(read) = reader.next() else {
                at_end = true;
                break;
            };
            looked_at += 1;
            match read {
                Ok(entry) => self.take(cursor, gathered, (reader.position(), entry)),
                Err(damage) => {
                    tracing::warn!(drain = self.wanted.name, "the record: {damage}");
                    cursor.health.lost += 1;
                }
            }
        }
        self.overdue(cursor, gathered, now, at_end);
        cursor.record = reader.position();
        let passed_over = reader.passed_over();
        cursor.health.lost += passed_over.saturating_sub(self.passed_over);
        self.passed_over = passed_over;
        self.reader = Some(reader);
        looked_at
    }

    /// Reads the calls again that were open when the process before this one ended.
    fn remember(&mut self, cursor: &mut Cursor) {
        self.weight = 0;
        let first = cursor.open.values().map(|open| (open.file, open.entry)).min();
        let (Some((file, entry)), Ok(reader)) = (first, self.book.reader()) else { return };
        let mut reader = reader.starting_at(Position { file, entry: entry.saturating_sub(1), offset: 0 });
        let end = (cursor.record.file, cursor.record.entry);
        while let Some(read) = reader.next() {
            let at = reader.position();
            if let Ok(Entry::Call(call)) = read
                && let Some(open) = cursor.open.get_mut(&call.id)
            {
                let call = if open.told { slim(call) } else { call };
                self.weight += if open.told { 0 } else { weight(&call) };
                open.call = Some(Arc::new(call));
            }
            if (at.file, at.entry) >= end {
                break;
            }
        }
        // What was removed meanwhile: nobody can say any more what its end is the end of.
        let before = cursor.open.len();
        cursor.open.retain(|_, open| open.call.is_some());
        cursor.health.lost += (before - cursor.open.len()) as u64;
    }

    fn take(&mut self, cursor: &mut Cursor, gathered: &mut Gathered, (at, entry): (Position, Entry)) {
        match entry {
            Entry::Call(call) => {
                self.weight += weight(&call);
                let id = call.id;
                let open = Open { file: at.file, entry: at.entry, told: false, call: Some(Arc::new(call)) };
                cursor.open.insert(id, open);
                while self.weight > WEIGHT {
                    let Some(oldest) = cursor.open.values_mut().find(|open| !open.told) else { break };
                    self.tell_open(gathered, oldest);
                }
                if cursor.open.len() > OPEN
                    && let Some((_, mut oldest)) = cursor.open.pop_first()
                    && !oldest.told
                {
                    self.tell_open(gathered, &mut oldest);
                }
            }
            Entry::Outcome(outcome) => {
                if let Some(open) = cursor.open.remove(&outcome.call)
                    && let Some(call) = open.call
                {
                    self.weight = self.weight.saturating_sub(if open.told { 0 } else { weight(&call) });
                    let ending = if open.told { Ending::Later } else { Ending::Once };
                    self.tell(gathered, Arc::unwrap_or_clone(call), Some(outcome), ending);
                }
            }
            Entry::Gap(gap) => self.gather(gathered, &ocsf::gap(&self.teller, &gap)),
            // The ledger has it.
            Entry::Removed(_) => {}
        }
    }

    /// What has not ended for long, and what never will, because the gate that had it is gone.
    /// Ids sort by time: the oldest come first.
    fn overdue(&mut self, cursor: &mut Cursor, gathered: &mut Gathered, now: Timestamp, at_end: bool) {
        let age = |open: &Open| open.call.as_ref().map_or(MEMORY, |call| now.duration_since(call.at));
        for open in cursor.open.values_mut() {
            let is_lost = at_end && open.call.as_ref().is_some_and(|call| call.at < self.born);
            if gathered.is_full() || !(is_lost || age(open) >= PATIENCE) {
                break;
            }
            if !open.told {
                self.tell_open(gathered, open);
            }
        }
        cursor.open.retain(|_, open| !open.told || age(open) < MEMORY);
    }

    /// Tells a call as it is. Its end follows by itself.
    fn tell_open(&mut self, gathered: &mut Gathered, open: &mut Open) {
        open.told = true;
        let Some(call) = open.call.take() else { return };
        self.weight = self.weight.saturating_sub(weight(&call));
        let call = Arc::unwrap_or_clone(call);
        open.call = Some(Arc::new(slim(call.clone())));
        self.tell(gathered, call, None, Ending::Once);
    }

    fn tell(&self, gathered: &mut Gathered, call: Call, outcome: Option<Outcome>, ending: Ending) {
        let joined = Joined { call, outcome };
        let event = self.authority.view(|state| ocsf::call(&self.teller, Names::from(state), &joined, ending));
        self.gather(gathered, &event);
    }
}

/// What the end of a call needs that was told already.
fn slim(call: Call) -> Call {
    Call { parameters: Vec::new(), query: Vec::new(), user_agent: None, ..call }
}

/// About how many bytes of a call somebody else has chosen.
fn weight(call: &Call) -> usize {
    let parameters: usize = call.parameters.iter().map(|(_, value)| value.len() + 64).sum();
    let query: usize = call.query.iter().map(|text| text.len() + 32).sum();
    size_of::<Call>() + parameters + query + call.user_agent.as_ref().map_or(0, String::len)
}

/// An event as a drain carries it.
pub(crate) fn line(event: &Event) -> Line {
    Line { at: event.at, severity: event.severity, word: event.kind.word(), text: event.line() }
}

/// Whether powers say anything of it.
fn is_call(event: &Event) -> bool {
    event.kind == Kind::Call && !event.powers.is_empty()
}

/// Where the record ends now.
async fn end(record: PathBuf) -> Result<Position, String> {
    let read = tokio::task::spawn_blocking(move || Position::end(&record));
    read.await.map_err(|error| error.to_string())?.map_err(|error| format!("the record cannot be read: {error}"))
}
