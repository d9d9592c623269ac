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
use record::{Entry, Filter, Reader};

use super::{Refused, Tried};

/// Groups that are kept apart. Beyond it calls count without their source.
const MOST: usize = 50_000;

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
}

/// The calls of one key that passed.
#[derive(Debug, Default)]
pub(super) struct Habits {
    groups: HashMap<(Arc<str>, Powers, Option<IpNet>), Habit>,
    /// In the time that is gone by, by power and day.
    days: HashMap<(Power, Date), u64>,
    pub(super) damage: Vec<String>,
}

impl Habits {
    /// Reads them from a record, where there is one.
    pub(super) fn of(
        folder: &Path,
        key: KeyId,
        (since, until): (Timestamp, Timestamp),
    ) -> Result<Self, record::OpenError> {
        let mut habits = Self::default();
        if !folder.exists() {
            return Ok(habits);
        }
        let filter = Filter { key: Some(key), ..Filter::default() };
        for entry in Reader::open(folder)?.wanting(&filter) {
            match entry {
                Ok(Entry::Call(call)) if filter.wants_call(&call) => {
                    habits.note(&call, call.at >= since && call.at < until)
                }
                Ok(_) => {}
                Err(damage) => habits.damage.push(damage.to_string()),
            }
        }
        Ok(habits)
    }

    /// Only what passed is use.
    pub(super) fn note(&mut self, call: &Call, is_recent: bool) {
        if matches!(call.verdict, Verdict::Challenge(_) | Verdict::Refuse(_)) {
            return;
        }
        let network = network(neighbourhood(call.source).address());
        let mut place = (Arc::clone(&call.operation), call.powers, Some(network));
        if self.groups.len() >= MOST && !self.groups.contains_key(&place) {
            place.2 = None;
        }
        let day = call.at.to_zoned(TimeZone::UTC).date();
        let (operation, powers, source) = place.clone();
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
    pub(super) fn tried(&self, ceiling: &Ceiling, since: Timestamp, until: Timestamp) -> Tried {
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
                Refusal::SourceNotAllowed => "from elsewhere",
                _ if habit.operation.ends_with(" *") => "the document does not describe it: no scope can name it",
                _ if habit.last < since => "used only before `--since`",
                _ if habit.first >= until => "used only after `--until`",
                _ if habit.recent == 0 => "used only before `--since` and after `--until`",
                _ => "with more powers",
            };
            let fresh = || {
                let operation = habit.operation.to_string();
                let none = Refused { operation, calls: 0, days: 0, first: habit.first, last: habit.last, why };
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
