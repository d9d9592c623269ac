//! What a drain is yet to send: read from the record, the ledger and the findings, from where it
//! was the last time.

use std::{path::PathBuf, sync::Arc};

use authority::{Authority, Written};
use jiff::{SignedDuration, Timestamp};
use law::Outcome;
use ocsf::{Ending, Event, Kind, Names, Teller};
use record::{Entry, Joined, Position, Reader};
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

/// Calls that have not ended. Beyond it the oldest goes out as it is.
const OPEN: usize = 4096;

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
    record: PathBuf,
    /// When this process began: what was open before has nobody who ends it.
    born: Timestamp,
    reader: Option<Reader>,
    passed_over: u64,
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
        (record, born): (PathBuf, Timestamp),
    ) -> Self {
        Self { wanted, teller, authority, journal, record, born, reader: None, passed_over: 0 }
    }

    /// Where a drain begins that has not run before: with what is there, or behind it.
    pub(super) async fn first(&self) -> Result<Cursor, String> {
        if self.wanted.backfill {
            return Ok(Cursor::default());
        }
        let record = end(self.record.clone()).await?;
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
            None => match Reader::open(&self.record) {
                Ok(reader) => {
                    self.passed_over = 0;
                    reader.starting_at(cursor.record)
                }
                // There is no record yet.
                Err(_) => return 0,
            },
        };
        let (mut looked_at, mut at_end) = (0, false);
        while !gathered.is_full() && looked_at < ENTRIES {
            let Some(read) = reader.next() else {
                at_end = true;
                break;
            };
            looked_at += 1;
            match read {
                Ok(entry) => self.take(cursor, gathered, entry),
                Err(damage) => tracing::warn!(drain = self.wanted.name, "the record: {damage}"),
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

    fn take(&self, cursor: &mut Cursor, gathered: &mut Gathered, entry: Entry) {
        match entry {
            Entry::Call(call) => {
                cursor.open.insert(call.id, Open { call, told: false });
                if cursor.open.len() > OPEN
                    && let Some((_, oldest)) = cursor.open.pop_first()
                    && !oldest.told
                {
                    self.tell(gathered, oldest, None);
                }
            }
            Entry::Outcome(outcome) => {
                if let Some(open) = cursor.open.remove(&outcome.call) {
                    self.tell(gathered, open, Some(outcome));
                }
            }
            Entry::Gap(gap) => self.gather(gathered, &ocsf::gap(&self.teller, &gap)),
            // The ledger has it.
            Entry::Removed(_) => {}
        }
    }

    /// What has not ended for long, and what never will, because the gate that had it is gone.
    /// Ids sort by time: the oldest come first.
    fn overdue(&self, cursor: &mut Cursor, gathered: &mut Gathered, now: Timestamp, at_end: bool) {
        for open in cursor.open.values_mut() {
            let is_lost = at_end && open.call.at < self.born;
            let is_due = is_lost || now.duration_since(open.call.at) >= PATIENCE;
            if gathered.is_full() || !is_due {
                break;
            }
            if !open.told {
                open.told = true;
                self.tell(gathered, Open { call: open.call.clone(), told: false }, None);
            }
        }
        cursor.open.retain(|_, open| !open.told || now.duration_since(open.call.at) < MEMORY);
    }

    fn tell(&self, gathered: &mut Gathered, open: Open, outcome: Option<Outcome>) {
        let ending = if open.told { Ending::Later } else { Ending::Once };
        let joined = Joined { call: open.call, outcome };
        let event = self.authority.view(|state| ocsf::call(&self.teller, Names::from(state), &joined, ending));
        self.gather(gathered, &event);
    }
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
