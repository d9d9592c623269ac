//! What a key's calls were, read one after the other: however many there are, only what is told
//! is kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use jiff::Timestamp;
use law::{Call, CallId, KeyId, Powers, Verdict, neighbourhood};
use record::{Entry, Filter, Joined, Joiner, Reader};
use serde::Serialize;

use super::Moment;

/// Different sources and programs that are told, and known from before.
const MOST: usize = 1_000;
/// First times that the timeline tells, of each kind.
const FIRSTS: usize = 20;
/// Keys that were minted and are told one by one.
const MOST_MINTED: usize = 1_000;
/// Keys that were minted and are known at all.
const MOST_MADE: usize = 100_000;
/// Operations that are told one by one. Callers choose names of what is not described.
const MOST_OPERATIONS: usize = 10_000;
/// What others count for.
const FURTHER: &str = "FURTHER *";
/// What is shown of a program's name.
const PROGRAM: usize = 120;

/// The calls of a time.
#[derive(Debug, Default, Serialize)]
pub(super) struct Calls {
    /// How many of this key are recorded before it: what those did is not new.
    pub(super) before: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    pub(super) passed: u64,
    pub(super) stopped: u64,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    pub(super) rows: u64,
    #[serde(flatten)]
    pub(super) uncounted: Uncounted,
    pub(super) sources: BTreeMap<String, From>,
    /// Calls from further sources.
    pub(super) other_sources: u64,
    pub(super) programs: BTreeMap<String, From>,
    pub(super) other_programs: u64,
    pub(super) operations: BTreeMap<Arc<str>, Did>,
    pub(super) minted: Vec<Minted>,
    /// Keys that were minted beyond those.
    pub(super) more_minted: u64,
    /// Why calls were asked about or refused.
    pub(super) stopped_why: BTreeMap<String, u64>,
    /// What of the record cannot be read, or was never written.
    pub(super) damage: Vec<String>,
    #[serde(skip)]
    pub(super) timeline: Vec<Moment>,
    /// Every key that was minted.
    #[serde(skip)]
    pub(super) made: Vec<KeyId>,
    #[serde(skip)]
    known: Known,
    #[serde(skip)]
    seen_powers: Powers,
    /// Powers with which a call was made that the API did not serve.
    #[serde(skip)]
    called_powers: Powers,
}

/// Answers whose rows nobody counted: they are no list by the document, such as a CSV, or too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Uncounted {
    #[serde(rename = "uncounted_answers")]
    pub(super) answers: u64,
    /// Bytes of their bodies.
    #[serde(rename = "uncounted_bytes")]
    pub(super) bytes: u64,
}

impl Uncounted {
    fn add(&mut self, other: Self) {
        self.answers = self.answers.saturating_add(other.answers);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// What came back for one call.
#[derive(Clone, Copy, Debug, Default)]
struct Answered {
    bytes_out: u64,
    rows: u64,
    uncounted: Uncounted,
    /// What the API answered where it did not do as it was told.
    failed: Option<u16>,
}

impl Answered {
    fn of(Joined { call, outcome }: &Joined) -> Self {
        let Some(outcome) = outcome else { return Self::default() };
        let (status, bytes_out) = (outcome.status, outcome.bytes_out);
        let went_out = !is_stopped(call) && status < 300 && bytes_out > 0;
        let uncounted = match outcome.rows {
            None if went_out => Uncounted { answers: 1, bytes: bytes_out },
            _ => Uncounted::default(),
        };
        let failed = (!is_stopped(call) && status >= 400).then_some(status);
        Self { bytes_out, rows: outcome.rows.unwrap_or(0), uncounted, failed }
    }
}

/// From where, or with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct From {
    /// Whether no call before came so.
    pub(super) new: bool,
    pub(super) passed: u64,
    pub(super) stopped: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

/// What was done by one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Did {
    pub(super) powers: Powers,
    /// Whether no call before did so.
    pub(super) new: bool,
    pub(super) passed: u64,
    pub(super) stopped: u64,
    /// Of those that passed, how many the API did not serve (a status of 400 and above).
    pub(super) failed: u64,
    /// The last of those statuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failed_status: Option<u16>,
    pub(super) bytes_out: u64,
    pub(super) rows: u64,
    #[serde(flatten)]
    pub(super) uncounted: Uncounted,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

/// A key that a call made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Minted {
    pub(super) at: Timestamp,
    pub(super) key: KeyId,
    pub(super) operation: Arc<str>,
    pub(super) call: CallId,
}

/// What was usual before.
#[derive(Debug, Default)]
struct Known {
    sources: BTreeSet<String>,
    programs: BTreeSet<String>,
    operations: BTreeSet<Arc<str>>,
}

const fn is_stopped(call: &Call) -> bool {
    matches!(call.verdict, Verdict::Challenge(_) | Verdict::Refuse(_))
}

/// The source and the program that are told of a call.
fn whence(call: &Call) -> (String, String) {
    let source = neighbourhood(call.source).address().to_string();
    let program: String = call.user_agent.as_deref().unwrap_or("no name").chars().take(PROGRAM).collect();
    (source, program)
}

impl Calls {
    /// Reads the record, where there is one.
    pub(super) fn of(folder: &Path, key: KeyId, since: Timestamp, until: Timestamp) -> Result<Self, record::OpenError> {
        let mut calls = Self::default();
        if !folder.exists() {
            return Ok(calls);
        }
        let filter = Filter { key: Some(key), until: Some(until), ..Filter::default() };
        let mut joiner = Joiner::default();
        for entry in Reader::open(folder)?.wanting(&filter) {
            match entry {
                Ok(entry) => {
                    calls.hole(&entry, since, until);
                    if let Some(joined) = joiner.take(entry).filter(|joined| filter.wants_call(&joined.call)) {
                        calls.note(&joined, since);
                    }
                }
                Err(damage) if calls.damage.len() < MOST => calls.damage.push(damage.to_string()),
                Err(_) => {}
            }
        }
        for joined in joiner.still_open().filter(|joined| filter.wants_call(&joined.call)) {
            calls.note(&joined, since);
        }
        Ok(calls)
    }

    fn hole(&mut self, entry: &Entry, since: Timestamp, until: Timestamp) {
        let Entry::Gap(gap) = entry else { return };
        if gap.to >= since && gap.from < until && gap.calls + gap.outcomes > 0 && self.damage.len() < MOST {
            let record::Gap { from, to, reason, calls, outcomes, .. } = gap;
            self.damage
                .push(format!("{from} to {to}: {reason}, {calls} calls and {outcomes} outcomes were not written"));
        }
    }

    pub(super) fn note(&mut self, joined: &Joined, since: Timestamp) {
        if joined.call.at < since {
            self.note_before(&joined.call);
        } else {
            self.note_within(joined);
        }
    }

    /// A thief who was stopped leaves nothing usual behind.
    fn note_before(&mut self, call: &Call) {
        if is_stopped(call) {
            return;
        }
        self.before += 1;
        let (source, program) = whence(call);
        if self.known.sources.len() < 10 * MOST {
            self.known.sources.insert(source);
        }
        if self.known.programs.len() < 10 * MOST {
            self.known.programs.insert(program);
        }
        if self.known.operations.len() < 10 * MOST_OPERATIONS {
            self.known.operations.insert(Arc::clone(&call.operation));
        }
    }

    fn note_within(&mut self, joined: &Joined) {
        let (Joined { call, outcome }, answered) = (joined, Answered::of(joined));
        let (source, program) = whence(call);
        let stopped = is_stopped(call);
        let told = self.before > 0;
        self.first = self.first.into_iter().chain([call.at]).min();
        self.last = self.last.max(Some(call.at));
        if stopped {
            self.stopped += 1
        } else {
            self.passed += 1
        }
        self.bytes_in = self.bytes_in.saturating_add(outcome.as_ref().map_or(0, |it| it.bytes_in));
        self.bytes_out = self.bytes_out.saturating_add(answered.bytes_out);
        self.rows = self.rows.saturating_add(answered.rows);
        self.uncounted.add(answered.uncounted);

        let is_new = told && !self.known.sources.contains(&source);
        let firsts = self.sources.values().filter(|from| from.new).count();
        match noted(&mut self.sources, source, is_new, stopped, call.at) {
            Noted::First if is_new && firsts < FIRSTS => {
                self.tell(call, "the first call from a source that is not usual")
            }
            Noted::First | Noted::Again => {}
            Noted::TooMany => self.other_sources += 1,
        }
        let is_new = told && !self.known.programs.contains(&program);
        let firsts = self.programs.values().filter(|from| from.new).count();
        match noted(&mut self.programs, program, is_new, stopped, call.at) {
            Noted::First if is_new && firsts < FIRSTS => {
                self.tell(call, "the first call by a program that is not usual")
            }
            Noted::First | Noted::Again => {}
            Noted::TooMany => self.other_programs += 1,
        }
        self.note_operation(call, stopped, answered);
        if let Some(key) = outcome.as_ref().and_then(|outcome| outcome.minted) {
            if self.minted.len() < FIRSTS {
                self.tell(call, &format!("it minted {key}"));
            }
            if self.minted.len() < MOST_MINTED {
                let operation = Arc::clone(&call.operation);
                self.minted.push(Minted { at: call.at, key, operation, call: call.id });
            } else {
                self.more_minted += 1;
            }
            if self.made.len() < MOST_MADE {
                self.made.push(key);
            }
        }
    }

    fn note_operation(&mut self, call: &Call, stopped: bool, answered: Answered) {
        let Answered { bytes_out, rows, uncounted, failed } = answered;
        self.note_powers(call, stopped, failed);
        let why = match call.verdict {
            Verdict::Challenge(missing) => Some(format!("asked for {missing}")),
            Verdict::Refuse(refusal) => Some(format!("refused: {}", refusal.says())),
            Verdict::WouldAsk(missing) => Some(format!("passed, observed only; enforced, it would ask for {missing}")),
            Verdict::WouldRefuse(refusal) => Some(format!("passed, observed only; enforced: {}", refusal.says())),
            Verdict::Permit => None,
        };
        if let Some(why) = why {
            let first = !self.stopped_why.contains_key(&why);
            if first {
                self.tell(call, &format!("for the first time {why}"));
            }
            *self.stopped_why.entry(why).or_default() += 1;
        }
        let is_new = self.before > 0 && !self.known.operations.contains(&call.operation);
        let is_further = self.operations.len() >= MOST_OPERATIONS && !self.operations.contains_key(&call.operation);
        let name = if is_further { FURTHER.into() } else { Arc::clone(&call.operation) };
        let did = self.operations.entry(name).or_insert_with(|| Did {
            powers: call.powers,
            new: is_new,
            passed: 0,
            stopped: 0,
            failed: 0,
            failed_status: None,
            bytes_out: 0,
            rows: 0,
            uncounted: Uncounted::default(),
            first: call.at,
            last: call.at,
        });
        did.powers = did.powers.union(call.powers);
        if stopped {
            did.stopped += 1
        } else {
            did.passed += 1
        }
        did.bytes_out = did.bytes_out.saturating_add(bytes_out);
        did.rows = did.rows.saturating_add(rows);
        did.uncounted.add(uncounted);
        did.failed += u64::from(failed.is_some());
        did.failed_status = failed.or(did.failed_status);
        (did.first, did.last) = (did.first.min(call.at), did.last.max(call.at));
    }

    /// Tells the first time of each sensitive power, apart for what the API did not serve.
    fn note_powers(&mut self, call: &Call, stopped: bool, failed: Option<u16>) {
        for power in call.powers.iter().filter(|power| !stopped && power.is_sensitive()) {
            let told = if failed.is_some() { &mut self.called_powers } else { &mut self.seen_powers };
            if told.contains(power) {
                continue;
            }
            *told = told.with(power);
            let what = match failed {
                Some(status) => format!("the first call with the power {power}; the API answered {status}"),
                None => format!("the first call that passed with the power {power}"),
            };
            self.tell(call, &what);
        }
    }

    /// Calls come in the order in which they ended: the timeline is sorted at the end.
    fn tell(&mut self, call: &Call, what: &str) {
        self.timeline.push(Moment {
            at: call.at,
            what: what.to_owned(),
            foreign: format!("{} from {}", call.operation, call.source),
            call: Some(call.id),
            entry: None,
        });
    }
}

enum Noted {
    First,
    Again,
    TooMany,
}

fn noted(all: &mut BTreeMap<String, From>, name: String, new: bool, stopped: bool, at: Timestamp) -> Noted {
    let full = all.len() >= MOST;
    let is_known = all.contains_key(&name);
    if full && !is_known {
        return Noted::TooMany;
    }
    let from = all.entry(name).or_insert(From { new, passed: 0, stopped: 0, first: at, last: at });
    if stopped {
        from.stopped += 1
    } else {
        from.passed += 1
    }
    (from.first, from.last) = (from.first.min(at), from.last.max(at));
    if is_known { Noted::Again } else { Noted::First }
}
