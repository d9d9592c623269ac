//! What a key's recorded calls were, in groups: enough to propose a scope and to try it.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};

use authority::Ceiling;
use ipnet::IpNet;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use law::{Call, KeyId, Power, Powers, Refusal, Verdict, neighbourhood};
use record::{Filter, Joined, Reader};

use super::{Refused, Tried};

/// Groups that are kept apart. Beyond it calls count without their source, and beyond twice as
/// many without their operation: callers choose names of what is not described.
const MOST: usize = 50_000;
/// What those count for. No scope can name it.
const FURTHER: &str = "FURTHER *";

/// Calls that are alike.
#[derive(Clone, Debug)]
pub(super) struct Habit {
    pub(super) operation: Arc<str>,
    pub(super) powers: Powers,
    /// Nothing where there were too many sources.
    pub(super) source: Option<IpNet>,
    pub(super) calls: u64,
    pub(super) days: BTreeSet<Date>,
    /// Those of the time that is gone by.
    pub(super) recent: u64,
    pub(super) recent_days: BTreeSet<Date>,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// They came at or after `--until`: they may be a thief's.
    pub(super) late: bool,
}

/// The calls of one key that passed.
#[derive(Debug, Default)]
pub(super) struct Habits {
    groups: HashMap<(Arc<str>, Powers, Option<IpNet>, bool), Habit>,
    /// In the time that is gone by, by power and day.
    days: HashMap<(Power, Date), u64>,
    pub(super) damage: Vec<String>,
}

impl Habits {
    /// Reads them from a record, where there is one.
    pub(super) fn of(folder: &Path, key: KeyId, span: (Timestamp, Timestamp)) -> Result<Self, record::OpenError> {
        let mut habits = Self::default();
        if !folder.exists() {
            return Ok(habits);
        }
        let filter = Filter { key: Some(key), ..Filter::default() };
        for joined in Reader::open(folder)?.wanting(&filter).joined() {
            match joined {
                Ok(Joined { call, .. }) if filter.wants_call(&call) => habits.note(&call, span),
                Ok(_) => {}
                Err(damage) => habits.damage.push(damage.to_string()),
            }
        }
        Ok(habits)
    }

    /// Only what passed is use.
    pub(super) fn note(&mut self, call: &Call, (since, until): (Timestamp, Timestamp)) {
        if matches!(call.verdict, Verdict::Challenge(_) | Verdict::Refuse(_)) {
            return;
        }
        let network = network(neighbourhood(call.source).address());
        let (is_recent, late) = (call.at >= since && call.at < until, call.at >= until);
        let mut place = (Arc::clone(&call.operation), call.powers, Some(network), late);
        if self.groups.len() >= MOST && !self.groups.contains_key(&place) {
            place.2 = None;
        }
        if self.groups.len() >= 2 * MOST && !self.groups.contains_key(&place) {
            (place.0, place.1) = (FURTHER.into(), Powers::EVERY);
        }
        let day = call.at.to_zoned(TimeZone::UTC).date();
        let (operation, powers, source, _) = place.clone();
        let habit = self.groups.entry(place).or_insert_with(|| Habit {
            operation,
            powers,
            source,
            calls: 0,
            days: BTreeSet::new(),
            recent: 0,
            recent_days: BTreeSet::new(),
            first: call.at,
            last: call.at,
            late,
        });
        habit.calls += 1;
        habit.days.insert(day);
        (habit.first, habit.last) = (habit.first.min(call.at), habit.last.max(call.at));
        if !is_recent {
            return;
        }
        habit.recent += 1;
        habit.recent_days.insert(day);
        for power in call.powers.iter() {
            *self.days.entry((power, day)).or_default() += 1;
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Habit> {
        self.groups.values()
    }

    /// The first of them.
    pub(super) fn first(&self) -> Option<Timestamp> {
        self.all().map(|habit| habit.first).min()
    }

    /// Those that the time that is gone by has.
    pub(super) fn recent(&self) -> impl Iterator<Item = &Habit> {
        self.all().filter(|habit| habit.recent > 0)
    }

    /// How many of these there are, and of how many days.
    pub(super) fn count(&self) -> (u64, usize) {
        let days: BTreeSet<Date> = self.recent().flat_map(|habit| habit.recent_days.iter().copied()).collect();
        (self.recent().map(|habit| habit.recent).sum(), days.len())
    }

    /// From where they came.
    pub(super) fn networks(&self) -> Vec<IpNet> {
        let networks = self.recent().filter_map(|habit| habit.source);
        networks.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The most calls of a day, by power.
    pub(super) fn busiest(&self) -> Vec<(Power, u64)> {
        let of = |power: Power| {
            let days = self.days.iter().filter(|((of, _), _)| *of == power);
            days.map(|(_, calls)| *calls).max().map(|calls| (power, calls))
        };
        Power::ALL.into_iter().filter_map(of).collect()
    }

    /// Tries each call that passed against what would narrow the key.
    pub(super) fn tried(&self, ceiling: &Ceiling, since: Timestamp) -> Tried {
        let calls = self.all().map(|habit| habit.calls).sum();
        let days = self.all().flat_map(|habit| habit.days.iter().copied()).collect::<BTreeSet<Date>>().len();
        let mut refused = ByReason::new();
        for habit in self.all() {
            let from_somewhere = ceiling.admits_from_anywhere(&habit.operation, habit.powers);
            let admits = match habit.source {
                Some(source) => ceiling.admits(&habit.operation, habit.powers, source.addr()),
                // Where it came from is not known any more: it may be elsewhere.
                None if !ceiling.scope.sources.is_empty() => from_somewhere.and(Err(Refusal::SourceNotAllowed)),
                None => from_somewhere,
            };
            let Err(refusal) = admits else { continue };
            let why = match refusal {
                _ if habit.late => "at or after `--until`",
                Refusal::SourceNotAllowed => "from elsewhere",
                _ if habit.operation.ends_with(" *") => "the document does not describe it: no scope can name it",
                _ if habit.last < since => "used only before `--since`",
                _ => "with more powers",
            };
            let fresh = || {
                let operation = habit.operation.to_string();
                let Habit { first, last, late, .. } = *habit;
                let none = Refused { operation, calls: 0, days: 0, first, last, why, late };
                (none, BTreeSet::new())
            };
            let (group, days) = refused.entry((Arc::clone(&habit.operation), why)).or_insert_with(fresh);
            group.calls = group.calls.saturating_add(habit.calls);
            (group.first, group.last) = (group.first.min(habit.first), group.last.max(habit.last));
            days.extend(&habit.days);
            group.days = days.len();
        }
        let mut refused: Vec<Refused> = refused.into_values().map(|(refused, _)| refused).collect();
        refused.sort_by(|one, other| {
            other.calls.cmp(&one.calls).then_with(|| (&one.operation, one.why).cmp(&(&other.operation, other.why)))
        });
        Tried { calls, days, refused }
    }
}

/// What is refused, with its days, by operation and reason.
type ByReason = HashMap<(Arc<str>, &'static str), (Refused, BTreeSet<Date>)>;

/// One source: an IPv4 address, or an IPv6 /64.
fn network(address: std::net::IpAddr) -> IpNet {
    let length = if address.is_ipv4() { 32 } else { 64 };
    IpNet::new(address, length).unwrap_or_else(|_| IpNet::from(address))
}
