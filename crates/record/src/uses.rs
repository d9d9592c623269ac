//! How operations were used, by one key or by all: what is sealed by its rollups, which are small,
//! and the rest by reading it. And how far back the record goes.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use law::KeyId;

use crate::{
    Daily, Damage, Joined, JoinedCalls, Joiner, OpenError, Reader, UndescribedSeen, Usage,
    brief::Brief,
    entry,
    folder::places,
    leaves::{Leaves, Sealed, Stated},
    rollup::{self, FURTHER, Rolled},
    segment::{self, Part},
};

/// How one operation was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationUse {
    /// Calls that passed.
    pub passed: u64,
    /// Calls that were asked for a further factor, or refused.
    pub stopped: u64,
    /// On how many days (UTC) there were calls.
    pub days: u64,
    /// The most calls that passed on one day.
    pub busiest: u64,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// Bytes of the answers, as far as they are known.
    pub bytes_out: u64,
    /// Items in the answers, as far as they were counted.
    pub rows: u64,
}

/// How operations were used.
#[derive(Debug, Default)]
pub struct Uses {
    /// By the operation's name.
    pub operations: BTreeMap<Arc<str>, OperationUse>,
    /// What the catalogue does not describe, by method and path; of each key at most eight, and
    /// at most 200 in all.
    pub undescribed: Vec<UndescribedSeen>,
    /// What could not be read.
    pub damage: Vec<Damage>,
}

/// How far back a record goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Its oldest entry that is there.
    pub begins: Option<Timestamp>,
    /// Up to here calls were removed: those that were kept for a shorter time than others, or
    /// all. What came later is all there.
    pub removed_until: Option<Timestamp>,
}

const MOST_UNDESCRIBED: usize = 200;
/// Operations that are told one by one.
const MOST_OPERATIONS: usize = 50_000;

/// How far back the record in a folder goes.
///
/// # Errors
/// The folder cannot be read.
pub fn span(folder: &Path) -> Result<Span, OpenError> {
    let failed = |error| OpenError::Folder { path: folder.to_owned(), error };
    let Stated { leaves, .. } = Leaves::read_stated(folder).map_err(failed)?;
    let dropped = leaves.dropped();
    let (mut begins, mut removed_until) = (None, None);
    for sealed in leaves.sealed() {
        for segment in &sealed.segments {
            if dropped.contains(segment.file.as_str()) {
                removed_until = removed_until.max(Some(segment.to));
            } else {
                begins = begins.into_iter().chain([segment.from]).min();
            }
        }
    }
    if let Some(oldest) = places(folder).map_err(failed)?.first() {
        begins = begins.into_iter().chain([oldest.started]).min();
    }
    Ok(Span { begins, removed_until })
}

/// How operations were used since a moment and before another, by one key or by all. Where
/// something was sealed already, whole days of a file of the log count.
///
/// # Errors
/// The folder cannot be read.
pub fn uses(
    folder: &Path,
    key: Option<KeyId>,
    (since, until): (Option<Timestamp>, Option<Timestamp>),
) -> Result<Uses, OpenError> {
    let failed = |error| OpenError::Folder { path: folder.to_owned(), error };
    let Stated { leaves, odd, .. } = Leaves::read_stated(folder).map_err(failed)?;
    let mut counting =
        Counting { key, since, until, days: BTreeMap::new(), undescribed: HashMap::new(), damage: Vec::new() };
    counting.damage.extend(odd.map(|why| Damage::Leaves { why }));
    let dropped = leaves.dropped();
    for sealed in leaves.sealed() {
        let is_old = |since| sealed.segments.iter().all(|segment| segment.to < since);
        let is_new = |until| sealed.segments.iter().all(|segment| segment.from >= until);
        if since.is_some_and(is_old) || until.is_some_and(is_new) {
            continue;
        }
        let rollup = sealed.usage.as_ref().filter(|usage| !dropped.contains(usage.file.as_str()));
        let told = rollup.map(|usage| (usage, rollup::whole(folder, usage)));
        match told {
            Some((_, Ok(told))) => told.into_iter().for_each(|line| match line {
                Ok(daily) => counting.note(daily),
                Err((key, usage)) => counting.note_undescribed(key, &usage),
            }),
            // The segments say the same, more slowly.
            told => {
                if let Some((usage, Err(error))) = told {
                    let (file, error) = (usage.file.clone(), error.to_string());
                    counting.damage.push(Damage::Unreadable { file, error });
                }
                counting.unpack(folder, sealed, &dropped);
            }
        }
    }
    let mut reader = Reader::open(folder)?.behind(leaves.last()).without_odd();
    if let Some(since) = since {
        reader = reader.since(since);
    }
    counting.count(JoinedCalls::new(reader));
    Ok(counting.told())
}

struct Counting {
    key: Option<KeyId>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    days: BTreeMap<Arc<str>, (OperationUse, BTreeMap<Date, u64>)>,
    undescribed: HashMap<Box<str>, UndescribedSeen>,
    damage: Vec<Damage>,
}

impl Counting {
    fn note(&mut self, daily: Daily) {
        let Daily { key, operation, day, passed, stopped, bytes_out, rows, first, last } = daily;
        if self.key.is_some_and(|wanted| wanted != key) {
            return;
        }
        if passed == 0 && stopped == 0 {
            // What became of calls that stand in a file before.
            if let Some((seen, _)) = self.days.get_mut(&operation) {
                seen.bytes_out = seen.bytes_out.saturating_add(bytes_out);
                seen.rows = seen.rows.saturating_add(rows);
            }
            return;
        }
        let begin = |day: Date| day.to_zoned(TimeZone::UTC).map(|day| day.timestamp()).ok();
        let Some(first) = first.or_else(|| begin(day)) else { return };
        // Where it is not said, it may have been at the end of the day.
        let newest = last.or_else(|| begin(day.tomorrow().ok()?)).unwrap_or(first);
        if self.since.is_some_and(|since| newest < since) || self.until.is_some_and(|until| first >= until) {
            return;
        }
        let last = last.unwrap_or(first);
        let is_further = self.days.len() >= MOST_OPERATIONS && !self.days.contains_key(&operation);
        let operation = if is_further { FURTHER.into() } else { operation };
        let fresh = || {
            let none = OperationUse { passed: 0, stopped: 0, days: 0, busiest: 0, first, last, bytes_out: 0, rows: 0 };
            (none, BTreeMap::new())
        };
        let (seen, days) = self.days.entry(operation).or_insert_with(fresh);
        seen.passed = seen.passed.saturating_add(passed);
        seen.stopped = seen.stopped.saturating_add(stopped);
        seen.bytes_out = seen.bytes_out.saturating_add(bytes_out);
        seen.rows = seen.rows.saturating_add(rows);
        (seen.first, seen.last) = (seen.first.min(first), seen.last.max(last));
        let of_day: &mut u64 = days.entry(day).or_default();
        *of_day = of_day.saturating_add(passed);
    }

    fn note_undescribed(&mut self, key: KeyId, usage: &Usage) {
        if self.key.is_some_and(|wanted| wanted != key) {
            return;
        }
        for seen in usage.undescribed().iter().filter(|seen| self.since.is_none_or(|since| seen.last >= since)) {
            if let Some(known) = self.undescribed.get_mut(&seen.request) {
                known.calls = known.calls.saturating_add(seen.calls);
                known.last = known.last.max(seen.last);
            } else if self.undescribed.len() < MOST_UNDESCRIBED {
                self.undescribed.insert(seen.request.clone(), seen.clone());
            }
        }
    }

    /// Counts what a sealed file holds without a rollup.
    fn unpack(&mut self, folder: &Path, sealed: &Sealed, dropped: &std::collections::HashSet<&str>) {
        let part = Part { key: self.key, since: self.since, ..Part::default() };
        let (mut joiner, mut rolled) = (Joiner::default(), Rolled::default());
        for segment in sealed.segments.iter().filter(|segment| !dropped.contains(segment.file.as_str())) {
            match segment::read(folder, segment, &part) {
                Ok(entries) => {
                    let entries = entries.into_iter().filter_map(|(_, payload)| entry::read(&payload).ok());
                    entries.filter_map(|entry| joiner.take(entry)).for_each(|joined| self.roll(&mut rolled, &joined));
                }
                Err(error) => {
                    let (file, error) = (segment.file.clone(), error.to_string());
                    self.damage.push(Damage::Unreadable { file, error });
                }
            }
        }
        joiner.still_open().for_each(|joined| self.roll(&mut rolled, &joined));
        self.take(rolled);
    }

    fn count(&mut self, calls: JoinedCalls) {
        let mut rolled = Rolled::default();
        for joined in calls {
            match joined {
                Ok(joined) => self.roll(&mut rolled, &joined),
                Err(damage) => self.damage.push(damage),
            }
        }
        self.take(rolled);
    }

    fn roll(&self, rolled: &mut Rolled, Joined { call, outcome }: &Joined) {
        let is_wanted = self.key.is_none_or(|key| call.key == Some(key));
        let is_then = self.since.is_none_or(|since| call.at >= since) && self.until.is_none_or(|until| call.at < until);
        if is_wanted && is_then {
            let place = rolled.call(&Brief::from(call));
            place.iter().zip(outcome).for_each(|(place, outcome)| rolled.ended(*place, outcome));
        }
    }

    fn take(&mut self, rolled: Rolled) {
        let (index, days) = rolled.days();
        index.all().into_iter().for_each(|(key, usage)| self.note_undescribed(key, &usage));
        days.for_each(|daily| self.note(daily));
    }

    fn told(mut self) -> Uses {
        if self.days.contains_key(FURTHER) {
            self.damage.push(Damage::Further);
        }
        let operations = self.days.into_iter().map(|(operation, (mut seen, days))| {
            seen.days = days.len() as u64;
            seen.busiest = days.values().copied().max().unwrap_or(0);
            (operation, seen)
        });
        let mut undescribed: Vec<UndescribedSeen> = self.undescribed.into_values().collect();
        undescribed
            .sort_unstable_by(|one, other| other.calls.cmp(&one.calls).then_with(|| one.request.cmp(&other.request)));
        Uses { operations: operations.collect(), undescribed, damage: self.damage }
    }
}
