//! How each key was used: a small index in memory, rebuilt from the book when it is opened.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv4Addr},
};

use jiff::Timestamp;
use law::{ByPower, CallId, KeyId, Neighbourhood, Outcome, Power, Powers, Verdict, Who, neighbourhood};
use serde::{Deserialize, Serialize};

use crate::brief::{Brief, is_undescribed};

/// How one key was used, as far as the book reaches back. A key never takes more than
/// [`Usage::MOST_BYTES`] of memory; one that is used from two places takes about 600.
///
/// Only calls that passed are use; those that were asked for more or refused are counted apart,
/// so that a thief who was stopped leaves no mark of having been here before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// When it was first used.
    pub first: Option<Timestamp>,
    /// When it was last used, and from where.
    pub last: Option<LastUse>,
    /// Calls that passed.
    pub passed: u64,
    /// Calls that were asked for a further factor, or refused.
    pub stopped: u64,
    weeks: [Week; WEEKS],
    sources: Vec<SourceSeen>,
    programs: Vec<ProgramSeen>,
    undescribed: Vec<UndescribedSeen>,
}

/// How one key was used, in a few words: what lists of all keys need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// When it was last used, and from where.
    pub last: Option<(Timestamp, Neighbourhood)>,
    /// Calls that passed.
    pub passed: u64,
    /// Calls that were asked for a further factor, or refused.
    pub stopped: u64,
}

/// The last use of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUse {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub source: Neighbourhood,
    /// With which `User-Agent`, cut at 128 bytes.
    pub user_agent: Option<Box<str>>,
}

/// A source from which a key was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceSeen {
    /// The source.
    pub source: Neighbourhood,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// How many calls passed from there.
    pub calls: u32,
}

/// What a key's calls said they come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramSeen {
    /// The `User-Agent`, cut at 80 bytes; none where calls had none.
    pub user_agent: Option<Box<str>>,
    /// When last.
    pub last: Timestamp,
    /// How many calls passed.
    pub calls: u32,
}

/// A call of a key that the catalogue does not describe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndescribedSeen {
    /// Method and path, cut at 96 bytes.
    pub request: Box<str>,
    /// When last.
    pub last: Timestamp,
    /// How often, passed or not.
    pub calls: u32,
}

/// Calls of one week, counted from the beginning of 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Week {
    number: i64,
    #[serde(with = "by_word")]
    calls: ByPower<u32>,
}

/// Numbers of powers under their words.
mod by_word {
    use std::collections::BTreeMap;

    use law::{ByPower, Power};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(numbers: &ByPower<u32>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(numbers.iter().filter(|(_, number)| **number > 0))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ByPower<u32>, D::Error> {
        let numbers = BTreeMap::<Power, u32>::deserialize(deserializer)?;
        Ok(ByPower::from_fn(|power| numbers.get(&power).copied().unwrap_or(0)))
    }
}

const WEEKS: usize = 5;
const SECONDS: i64 = 7 * 86_400;
const MOST_SOURCES: usize = 32;
const MOST_PROGRAMS: usize = 5;
const MOST_UNDESCRIBED: usize = 8;
const USER_AGENT: usize = 128;
const PROGRAM: usize = 80;
const REQUEST: usize = 96;

impl Usage {
    /// The most that a key takes in memory, in bytes, without the map around it.
    pub const MOST_BYTES: usize = size_of::<Self>()
        + USER_AGENT
        + MOST_SOURCES * size_of::<SourceSeen>()
        + MOST_PROGRAMS * (size_of::<ProgramSeen>() + PROGRAM)
        + MOST_UNDESCRIBED * (size_of::<UndescribedSeen>() + REQUEST);

    /// What is known of the key's use from the source that this address belongs to. At most 32
    /// sources are kept; the least used give way.
    ///
    /// To ask whether a key has come from there *before* a certain call, compare `first` with the call's time.
    pub fn source(&self, source: Neighbourhood) -> Option<&SourceSeen> {
        self.sources.iter().find(|seen| seen.source == source)
    }

    /// The sources that are kept, the last used first.
    pub fn sources(&self) -> Vec<SourceSeen> {
        let mut sources = self.sources.clone();
        sources.sort_unstable_by_key(|seen| std::cmp::Reverse(seen.last));
        sources
    }

    /// The programs by their user agents, the last used first. At most five are kept; the least
    /// used give way.
    pub fn programs(&self) -> Vec<ProgramSeen> {
        let mut programs = self.programs.clone();
        programs.sort_by_key(|seen| std::cmp::Reverse(seen.last));
        programs
    }

    /// At most eight requests that the catalogue does not describe; the least frequent give way.
    pub fn undescribed(&self) -> &[UndescribedSeen] {
        &self.undescribed
    }

    pub(crate) fn brief(&self) -> Used {
        let last = self.last.as_ref().map(|last| (last.at, last.source));
        Used { last, passed: self.passed, stopped: self.stopped }
    }

    /// Calls that passed in this week and the four before, by power, and when that time began.
    /// A call counts for each of its powers.
    pub fn powers(&self, now: Timestamp) -> (ByPower<u64>, Timestamp) {
        let oldest = now.as_second().div_euclid(SECONDS) - (WEEKS as i64 - 1);
        let within = |power: Power| {
            self.weeks.iter().filter(|week| week.number >= oldest).map(|week| u64::from(week.calls[power])).sum()
        };
        (ByPower::from_fn(within), Timestamp::from_second(oldest * SECONDS).unwrap_or(Timestamp::MIN))
    }

    /// Calls may come in any order: the book is read while new calls are made.
    fn note(&mut self, call: &Brief<'_>) {
        if is_undescribed(&call.operation) {
            self.note_undescribed(call);
        }
        let mut run = Run::new(call.at, Some(call.source), call.user_agent.as_deref());
        run.note(call.at, call.powers, call.verdict);
        self.add(&run);
    }

    /// The same of several calls.
    fn add(&mut self, run: &Run<'_>) {
        self.stopped += u64::from(run.stopped);
        let Some((first, last)) = run.passed_between else { return };
        self.passed += u64::from(run.passed);
        self.first = Some(self.first.map_or(first, |known| known.min(first)));
        if self.last.as_ref().is_none_or(|known| known.at <= last) {
            let same = self.last.take().and_then(|last| last.user_agent);
            let shown = run.user_agent.map(|text| cut(text, USER_AGENT));
            // Most calls come with the user agent of the one before.
            let user_agent = if same.as_deref() == shown { same } else { shown.map(Box::from) };
            self.last = Some(LastUse { at: last, source: run.source, user_agent });
        }
        self.note_week(run);
        self.note_source(SourceSeen { source: run.source, first, last, calls: run.passed });
        self.note_program(run, last);
    }

    /// Adds what another part of the book says of the same key.
    fn merge(&mut self, other: Self) {
        let Self { first, last, passed, stopped, weeks, sources, programs, undescribed } = other;
        self.first = self.first.into_iter().chain(first).min();
        let newer = last.filter(|last| self.last.as_ref().is_none_or(|known| known.at <= last.at));
        if newer.is_some() {
            self.last = newer;
        }
        self.passed += passed;
        self.stopped += stopped;
        for (week, other) in self.weeks.iter_mut().zip(weeks) {
            if week.number < other.number {
                *week = other;
            } else if week.number == other.number {
                week.calls = ByPower::from_fn(|power| week.calls[power].saturating_add(other.calls[power]));
            }
        }
        for other in sources {
            if let Some(seen) = self.sources.iter_mut().find(|seen| seen.source == other.source) {
                seen.first = seen.first.min(other.first);
                seen.last = seen.last.max(other.last);
                seen.calls = seen.calls.saturating_add(other.calls);
            } else {
                join(&mut self.sources, MOST_SOURCES, other, |seen| (seen.calls, seen.last));
            }
        }
        for other in programs {
            if let Some(seen) = self.programs.iter_mut().find(|seen| seen.user_agent == other.user_agent) {
                seen.last = seen.last.max(other.last);
                seen.calls = seen.calls.saturating_add(other.calls);
            } else {
                join(&mut self.programs, MOST_PROGRAMS, other, |seen| (seen.calls, seen.last));
            }
        }
        for other in undescribed {
            if let Some(seen) = self.undescribed.iter_mut().find(|seen| seen.request == other.request) {
                seen.last = seen.last.max(other.last);
                seen.calls = seen.calls.saturating_add(other.calls);
            } else {
                join(&mut self.undescribed, MOST_UNDESCRIBED, other, |seen| (seen.calls, seen.last));
            }
        }
    }

    fn note_week(&mut self, run: &Run<'_>) {
        let Week { number, calls } = run.week;
        let place = usize::try_from(number.rem_euclid(WEEKS as i64)).unwrap_or_default();
        let Some(week) = self.weeks.get_mut(place) else { return };
        if week.number < number {
            *week = run.week;
        } else if week.number == number {
            week.calls = ByPower::from_fn(|power| week.calls[power].saturating_add(calls[power]));
        }
    }

    fn note_source(&mut self, new: SourceSeen) {
        if let Some(seen) = self.sources.iter_mut().find(|seen| seen.source == new.source) {
            seen.first = seen.first.min(new.first);
            seen.last = seen.last.max(new.last);
            seen.calls = seen.calls.saturating_add(new.calls);
            return;
        }
        // The least used gives way, not the oldest: a flood from many addresses must not make
        // the key forget where it belongs.
        place(&mut self.sources, MOST_SOURCES, new, |seen| (seen.calls, seen.last));
    }

    fn note_program(&mut self, run: &Run<'_>, last: Timestamp) {
        let shown = run.user_agent.map(|text| cut(text, PROGRAM));
        if let Some(seen) = self.programs.iter_mut().find(|seen| seen.user_agent.as_deref() == shown) {
            seen.last = seen.last.max(last);
            seen.calls = seen.calls.saturating_add(run.passed);
            return;
        }
        let seen = ProgramSeen { user_agent: shown.map(Box::from), last, calls: run.passed };
        place(&mut self.programs, MOST_PROGRAMS, seen, |seen| (seen.calls, seen.last));
    }

    fn note_undescribed(&mut self, call: &Brief<'_>) {
        let method = call.operation.trim_end_matches(" *");
        let path = call.path.as_deref().unwrap_or("*");
        let request = format!("{method} {path}");
        let request = cut(&request, REQUEST);
        if let Some(seen) = self.undescribed.iter_mut().find(|seen| &*seen.request == request) {
            seen.last = seen.last.max(call.at);
            seen.calls = seen.calls.saturating_add(1);
            return;
        }
        let seen = UndescribedSeen { request: request.into(), last: call.at, calls: 1 };
        place(&mut self.undescribed, MOST_UNDESCRIBED, seen, |seen| (seen.calls, seen.last));
    }
}

/// Calls of a key in one week that came from one place, with one program.
pub(crate) struct Run<'a> {
    source: Neighbourhood,
    user_agent: Option<&'a str>,
    passed: u32,
    stopped: u32,
    /// The first and the last that passed.
    passed_between: Option<(Timestamp, Timestamp)>,
    /// Those that passed.
    week: Week,
}

impl<'a> Run<'a> {
    /// No call yet, in the week of this moment.
    pub(crate) fn new(at: Timestamp, source: Option<IpAddr>, user_agent: Option<&'a str>) -> Self {
        let source = neighbourhood(source.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
        let week = Week { number: week(at), calls: ByPower::default() };
        Self { source, user_agent, passed: 0, stopped: 0, passed_between: None, week }
    }

    pub(crate) fn is_of_the_week(&self, at: Timestamp) -> bool {
        self.week.number == week(at)
    }

    /// Notes a call of the week.
    pub(crate) fn note(&mut self, at: Timestamp, powers: Powers, verdict: Verdict) {
        if matches!(verdict, Verdict::Challenge(_) | Verdict::Refuse(_)) {
            self.stopped = self.stopped.saturating_add(1);
            return;
        }
        self.passed = self.passed.saturating_add(1);
        let (first, last) = self.passed_between.unwrap_or((at, at));
        self.passed_between = Some((first.min(at), last.max(at)));
        for power in powers.iter() {
            self.week.calls.set(power, self.week.calls[power].saturating_add(1));
        }
    }
}

/// The week of a moment, counted from the beginning of 1970.
fn week(at: Timestamp) -> i64 {
    at.as_second().div_euclid(SECONDS)
}

/// Adds to a list of at most `most`; where it is full, the one with the least rank gives way.
fn place<T, R: Ord>(list: &mut Vec<T>, most: usize, new: T, rank: impl Fn(&T) -> R) {
    if list.len() < most {
        // Grows by what is needed: most keys have one or two of these.
        list.reserve_exact(1);
        list.push(new);
    } else if let Some(least) = list.iter_mut().min_by_key(|seen| rank(seen)) {
        *least = new;
    }
}

/// The same with one that has a rank already: it takes the place only of a lesser one.
fn join<T, R: Ord>(list: &mut Vec<T>, most: usize, new: T, rank: impl Fn(&T) -> R) {
    let least = list.iter().map(&rank).min();
    if list.len() < most || least.is_some_and(|least| least < rank(&new)) {
        place(list, most, new, rank);
    }
}

fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

/// The use of every key that appears in the book.
#[derive(Debug, Default)]
pub(crate) struct Index {
    keys: HashMap<KeyId, Usage, ahash::RandomState>,
    /// Calls that passed with a credential that nobody knew, until their end says whose it was,
    /// and their order.
    unnamed: HashMap<CallId, Usage, ahash::RandomState>,
    order: VecDeque<CallId>,
    since: Option<Timestamp>,
}

/// So many calls of unknown credentials wait for their end; the oldest give way, for whoever
/// calls makes up as many as they like.
const MOST_UNNAMED: usize = 1024;

impl Index {
    pub(crate) fn note(&mut self, call: &Brief<'_>) {
        self.reaches(call.at);
        if let Some(key) = call.key.filter(|_| !call.who.is_drill()) {
            self.keys.entry(key).or_default().note(call);
        } else if call.who == Who::Unknown && !matches!(call.verdict, Verdict::Challenge(_) | Verdict::Refuse(_)) {
            if self.order.len() >= MOST_UNNAMED {
                self.order.pop_front().and_then(|oldest| self.unnamed.remove(&oldest));
            }
            let mut usage = Usage::default();
            usage.note(call);
            self.unnamed.insert(call.id, usage);
            self.order.push_back(call.id);
        }
    }

    /// Notes how a call ended: by its first one a key becomes known.
    pub(crate) fn ended(&mut self, outcome: &Outcome) {
        let Some(usage) = self.unnamed.remove(&outcome.call) else { return };
        self.order.retain(|waiting| *waiting != outcome.call);
        if let Some(key) = outcome.learned {
            self.merge(key, usage);
        }
    }

    /// Notes what a call wanted that is not described.
    pub(crate) fn note_undescribed(&mut self, call: &Brief<'_>) {
        if let Some(key) = call.key.filter(|_| !call.who.is_drill()) {
            self.keys.entry(key).or_default().note_undescribed(call);
        }
    }

    /// Adds calls of a key.
    pub(crate) fn add(&mut self, key: KeyId, run: &Run<'_>) {
        self.keys.entry(key).or_default().add(run);
    }

    /// Adds what a rollup says of a key.
    pub(crate) fn merge(&mut self, key: KeyId, usage: Usage) {
        self.keys.entry(key).or_default().merge(usage);
    }

    /// The book reaches back so far.
    pub(crate) fn reaches(&mut self, since: Timestamp) {
        self.since = Some(self.since.map_or(since, |known| known.min(since)));
    }

    pub(crate) fn of(&self, key: KeyId) -> Option<&Usage> {
        self.keys.get(&key)
    }

    /// The oldest call that the index knows.
    pub(crate) const fn since(&self) -> Option<Timestamp> {
        self.since
    }

    pub(crate) fn all(&self) -> Vec<(KeyId, Usage)> {
        let mut all: Vec<(KeyId, Usage)> = self.keys.iter().map(|(key, usage)| (*key, usage.clone())).collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all
    }
}

#[cfg(test)]
mod tests {
    use law::{Call, Factors, Powers, Refusal};
    use proptest::prelude::*;

    use super::*;
    use crate::testing;

    fn usage(calls: &[Call]) -> Usage {
        let mut usage = Usage::default();
        calls.iter().for_each(|call| usage.note(&Brief::from(call)));
        usage
    }

    #[test]
    fn the_last_use_and_the_places_are_known() {
        let first = testing::call(1);
        let second = Call { source: "2001:db8::1".parse().unwrap(), user_agent: None, ..testing::call(2) };
        let usage = usage(&[first.clone(), second.clone()]);
        let last = usage.last.clone().unwrap();
        assert_eq!((last.at, last.user_agent), (second.at, None));
        assert_eq!(usage.first, Some(first.at));
        let seen = usage.source(neighbourhood("2001:db8::ffff".parse().unwrap())).unwrap();
        assert_eq!((seen.first, seen.calls), (second.at, 1));
        assert_eq!(usage.source(neighbourhood("198.51.100.1".parse().unwrap())), None);
    }

    #[test]
    fn programs_are_known_by_their_user_agents_and_a_flood_of_names_hides_no_usual_one() {
        let nightly = |at| Call { user_agent: Some("nightly/1".into()), ..testing::call(at) };
        let mut calls = vec![nightly(1), nightly(2), Call { user_agent: None, ..testing::call(3) }];
        calls.push(Call { user_agent: None, ..testing::call(4) });
        calls.extend(
            (0..100).map(|name| Call { user_agent: Some(format!("made-up/{name}")), ..testing::call(5 + name) }),
        );
        calls.push(Call { verdict: Verdict::Refuse(Refusal::Denied), ..nightly(1000) });
        let programs = usage(&calls).programs();
        assert_eq!(programs.len(), MOST_PROGRAMS);
        let of = |name: Option<&str>| programs.iter().find(|seen| seen.user_agent.as_deref() == name).cloned();
        let nightly = of(Some("nightly/1")).unwrap();
        assert_eq!((nightly.calls, nightly.last), (2, testing::call(2).at));
        assert_eq!(of(None).unwrap().calls, 2);
        assert_eq!(programs[0].user_agent.as_deref(), Some("made-up/99"));
    }

    #[test]
    fn a_thief_who_was_stopped_has_not_been_here_before() {
        for verdict in [Verdict::Challenge(Factors::NONE), Verdict::Refuse(Refusal::Denied)] {
            let usage = usage(&[Call { verdict, ..testing::call(1) }]);
            assert_eq!((usage.passed, usage.stopped, &usage.first, &usage.last), (0, 1, &None, &None));
            assert_eq!(usage.source(neighbourhood(testing::call(1).source)), None);
        }
    }

    #[test]
    fn a_flood_from_many_addresses_does_not_make_a_key_forget_where_it_belongs() {
        let mut calls = vec![testing::call(1), testing::call(2)];
        for number in 0..1000_u32 {
            let source = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).into();
            calls.push(Call { source, ..testing::call(3 + u64::from(number)) });
        }
        let usage = usage(&calls);
        assert_eq!(usage.source(neighbourhood(testing::call(1).source)).unwrap().calls, 2);
        assert_eq!(usage.sources().len(), MOST_SOURCES);
    }

    #[test]
    fn powers_are_counted_for_five_weeks() {
        let both: Powers = [Power::Read, Power::Mint].into_iter().collect();
        let old = testing::call(0);
        let new = Call { powers: both, ..testing::call(4 * 7 * 86_400) };
        let usage = usage(&[old, new.clone()]);
        let (powers, since) = usage.powers(new.at);
        assert_eq!((powers[Power::Read], powers[Power::Mint], powers[Power::Write]), (2, 1, 0));
        assert!(since <= testing::call(0).at);
        let (powers, since) = usage.powers(new.at + jiff::SignedDuration::from_hours(7 * 24));
        assert_eq!((powers[Power::Read], powers[Power::Mint]), (1, 1));
        assert!(since > testing::call(0).at);
    }

    #[test]
    fn what_is_undescribed_is_known_by_its_path() {
        let call = Call {
            operation: "GET *".into(),
            parameters: vec![("path".into(), "/hidden".into())],
            powers: Powers::EVERY,
            ..testing::call(1)
        };
        let usage = usage(&[call.clone(), call]);
        let [seen] = usage.undescribed() else { panic!("one request was seen") };
        assert_eq!((&*seen.request, seen.calls), ("GET /hidden", 2));
    }

    #[test]
    fn a_key_never_takes_more_memory_than_stated() {
        const { assert!(Usage::MOST_BYTES <= 4096) };
        let flood: Vec<Call> = (0..10_000_u32)
            .map(|number| Call {
                operation: "GET *".into(),
                parameters: vec![("path".into(), format!("/{number}/{}", "ä".repeat(500)))],
                source: std::net::Ipv4Addr::from_bits(number).into(),
                user_agent: Some(format!("{number}/{}", "ä".repeat(200))),
                ..testing::call(u64::from(number))
            })
            .collect();
        let Usage { sources, programs, undescribed, last, .. } = usage(&flood);
        let heap = sources.capacity() * size_of::<SourceSeen>()
            + programs.capacity() * size_of::<ProgramSeen>()
            + programs.iter().flat_map(|seen| &seen.user_agent).map(|agent| agent.len()).sum::<usize>()
            + undescribed.capacity() * size_of::<UndescribedSeen>()
            + undescribed.iter().map(|seen| seen.request.len()).sum::<usize>()
            + last.unwrap().user_agent.unwrap().len();
        assert!(size_of::<Usage>() + heap <= Usage::MOST_BYTES);
    }

    proptest! {
        #[test]
        fn the_order_in_which_calls_are_read_does_not_matter(
            calls in proptest::collection::vec((0..90_u64, 0..20_u8, any::<bool>()), 0..60),
            turn in any::<prop::sample::Index>(),
        ) {
            let mut calls: Vec<Call> = calls.into_iter().enumerate().map(|(place, (day, host, stopped))| Call {
                source: std::net::Ipv4Addr::new(192, 0, 2, host).into(),
                verdict: if stopped { Verdict::Refuse(Refusal::Denied) } else { Verdict::Permit },
                // No two at the same moment: then the last is the last.
                ..testing::call(day * 86_400 + place as u64)
            }).collect();
            let straight = usage(&calls);
            let middle = if calls.is_empty() { 0 } else { turn.index(calls.len()) };
            calls.rotate_left(middle);
            let turned = usage(&calls);
            prop_assert_eq!(straight.sources(), turned.sources());
            prop_assert_eq!(
                (straight.first, &straight.last, straight.passed, straight.stopped, straight.weeks),
                (turned.first, &turned.last, turned.passed, turned.stopped, turned.weeks)
            );
        }
    }

    proptest! {
        #[test]
        fn parts_of_a_book_say_together_what_the_whole_says(
            uses in proptest::collection::vec((0_u8..6, 0_u64..60, any::<bool>()), 0..60), cut in any::<prop::sample::Index>(),
        ) {
            let calls: Vec<Call> = uses.into_iter().enumerate().map(|(place, (host, day, stopped))| Call {
                source: std::net::Ipv4Addr::new(192, 0, 2, host).into(),
                verdict: if stopped { Verdict::Refuse(Refusal::Denied) } else { Verdict::Permit },
                ..testing::call(day * 86_400 + place as u64)
            }).collect();
            let (one, other) = calls.split_at(if calls.is_empty() { 0 } else { cut.index(calls.len()) });
            let mut together = usage(one);
            let text = serde_json::to_string(&usage(other)).unwrap();
            together.merge(serde_json::from_str(&text).unwrap());
            let whole = usage(&calls);
            prop_assert_eq!(together.sources(), whole.sources());
            prop_assert_eq!(
                (together.first, together.last, together.passed, together.stopped, together.weeks, together.programs),
                (whole.first, whole.last, whole.passed, whole.stopped, whole.weeks, whole.programs)
            );
        }
    }
}
