//! What the record of calls shows. Everything here reads files and blocks its thread.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use law::{Call, KeyId, Powers, Verdict, Who};
use record::{Damage, Entry, Filter, Joined, Reader};
use tokio::task::spawn_blocking;

use crate::api::{CallList, Problem, RecordedCall, UndescribedUse, Use};

/// Damages that are told.
const MOST_DAMAGES: usize = 20;

/// Runs something that takes long, such as reading the record, where it does not hold up others.
pub(crate) async fn reading<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    spawn_blocking(read).await.map_err(|error| {
        tracing::error!(%error, "reading the record ended early");
        Problem::new(http::StatusCode::INTERNAL_SERVER_ERROR, "unexpected", "the record could not be read to its end")
    })
}

/// What of the record could not be read, in words; bounded.
#[derive(Default)]
struct Damages(Vec<String>);

impl Damages {
    fn note(&mut self, damage: &Damage) {
        if self.0.len() < MOST_DAMAGES {
            self.0.push(damage.to_string());
        }
    }
}

/// The calls since a moment. Where there is no record yet, there are none.
fn entries(folder: &Path, since: Timestamp) -> impl Iterator<Item = Result<Entry, Damage>> + use<> {
    Reader::open(folder).ok().map(|reader| reader.since(since)).into_iter().flatten()
}

/// How operations were used.
#[derive(Default)]
pub(crate) struct Uses {
    /// By the operation's name.
    pub(crate) operations: HashMap<Arc<str>, Use>,
    /// What the catalogue does not describe, the most frequent first.
    pub(crate) undescribed: Vec<UndescribedUse>,
    /// How far back the record goes.
    pub(crate) span: record::Span,
    pub(crate) damage: Vec<String>,
}

/// How operations were used since a moment: by one key, or by all.
pub(crate) fn uses(folder: &Path, key: Option<KeyId>, since: Option<Timestamp>, until: Option<Timestamp>) -> Uses {
    let (Ok(record::Uses { operations, undescribed, damage }), Ok(span)) =
        (record::uses(folder, key, (since, until)), record::span(folder))
    else {
        return Uses::default();
    };
    let mut damages = Damages::default();
    damage.iter().for_each(|damage| damages.note(damage));
    let described = operations.into_iter().filter(|(operation, _)| !operation.ends_with(" *"));
    let seen = |record::UndescribedSeen { request, last, calls }: record::UndescribedSeen| UndescribedUse {
        request: request.into(),
        calls: u64::from(calls),
        last,
    };
    Uses {
        operations: described.map(|(operation, seen)| (operation, used(&seen))).collect(),
        undescribed: undescribed.into_iter().map(seen).collect(),
        span,
        damage: damages.0,
    }
}

const fn used(seen: &record::OperationUse) -> Use {
    let record::OperationUse { passed, stopped, days, busiest, first, last, bytes_out, rows } = *seen;
    Use { passed, stopped, days, busiest, first, last, bytes_out, rows }
}

/// The operations that calls of these keys passed with, and whether part of the record could not
/// be read.
pub(crate) fn used_by(folder: &Path, keys: &HashSet<KeyId>, since: Timestamp) -> (HashSet<Arc<str>>, bool) {
    let (mut used, mut damaged) = (HashSet::new(), false);
    for entry in entries(folder, since) {
        match entry {
            Ok(Entry::Call(call)) if call.at >= since && call.key.is_some_and(|key| keys.contains(&key)) => {
                if !matches!(call.verdict, Verdict::Challenge(_) | Verdict::Refuse(_)) {
                    used.insert(call.operation);
                }
            }
            Ok(_) => {}
            Err(_) => damaged = true,
        }
    }
    (used, damaged)
}

/// One key and one operation that enforcing would have stopped.
pub(crate) struct Stopped {
    pub(crate) who: Who,
    pub(crate) key: Option<KeyId>,
    pub(crate) operation: Arc<str>,
    pub(crate) powers: Powers,
    pub(crate) verdict: Verdict,
    pub(crate) calls: u64,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

/// How many calls enforcing would have stopped since a moment, of how many. Reads a disk.
pub fn would_have_stopped(folder: &Path, since: Timestamp) -> (u64, u64) {
    let (groups, calls, _) = stopped(folder, since);
    (groups.iter().map(|group| group.calls).sum(), calls)
}

/// What enforcing would have stopped since a moment, the most frequent first; how many calls
/// were read; and what could not be read.
pub(crate) fn stopped(folder: &Path, since: Timestamp) -> (Vec<Stopped>, u64, Vec<String>) {
    let mut groups: HashMap<(Who, Option<KeyId>, Arc<str>), Stopped> = HashMap::new();
    let (mut read, mut damages) = (0, Damages::default());
    for entry in entries(folder, since) {
        let call = match entry {
            Ok(Entry::Call(call)) if call.at >= since && !call.who.is_drill() => call,
            Ok(_) => continue,
            Err(damage) => {
                damages.note(&damage);
                continue;
            }
        };
        read += 1;
        let Call { who, key, operation, powers, verdict, at, .. } = call;
        if !matches!(verdict, Verdict::WouldAsk(_) | Verdict::WouldRefuse(_)) {
            continue;
        }
        let group = groups.entry((who, key, Arc::clone(&operation))).or_insert_with(|| Stopped {
            who,
            key,
            operation,
            powers,
            verdict,
            calls: 0,
            first: at,
            last: at,
        });
        group.calls += 1;
        group.first = group.first.min(at);
        if at >= group.last {
            (group.last, group.powers, group.verdict) = (at, powers, verdict);
        }
    }
    let mut groups: Vec<Stopped> = groups.into_values().collect();
    groups.sort_unstable_by(|one, other| {
        other.calls.cmp(&one.calls).then_with(|| (one.key, &one.operation).cmp(&(other.key, &other.operation)))
    });
    (groups, read, damages.0)
}

/// The newest calls that a filter wants.
pub(crate) fn calls(folder: PathBuf, filter: &Filter, most: usize) -> CallList {
    let mut newest: VecDeque<Joined> = VecDeque::new();
    let (mut found, mut damages) = (0, Damages::default());
    let reader = Reader::open(folder).ok().map(|reader| match filter.since {
        Some(since) => reader.since(since).joined(),
        None => reader.joined(),
    });
    for joined in reader.into_iter().flatten() {
        match joined {
            Ok(joined) if filter.wants(&joined) => {
                found += 1;
                if newest.len() >= most {
                    newest.pop_front();
                }
                newest.push_back(joined);
            }
            Ok(_) => {}
            Err(damage) => damages.note(&damage),
        }
    }
    let calls = newest.into_iter().map(|Joined { call, outcome }| RecordedCall { call, outcome }).collect();
    CallList { calls, found, damage: damages.0 }
}
