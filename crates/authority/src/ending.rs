//! The end of a key: at which distances its people are warned, and whether it ends when its end
//! has come. Pure.
//!
//! What is in use does not end by itself unless its people were told at two distances: a key
//! that production uses and that nobody thought of goes on for a while, told as such. What
//! nobody uses ends; so does whatever is too short-lived to be warned of.

use std::collections::HashSet;

use jiff::Timestamp;
use law::{KeyId, Span};

use crate::{Lifetimes, change::Change, key::Key, state::State};

/// A key that was used within so long before its end is in use.
const IN_USE: Span = Span::days(7);

/// For so long, at least, a key goes on whose end is put off.
const PUT_OFF: Span = Span::days(7);

/// What is told ahead of its time is told by this part of its distance earlier, at most.
const EARLIER: u32 = 8;

/// At so many distances people must have been told.
const ENOUGH: usize = 2;

/// How people are warned of ends, as the operator says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warnings {
    /// So long before, the shortest first.
    distances: Vec<Span>,
    /// Whether a key in use ends although its people could not be told.
    end_unwarned: bool,
}

impl Default for Warnings {
    fn default() -> Self {
        Self::new([Span::days(14), Span::days(3), Span::days(1)], false)
    }
}

/// What is known of a key's end.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// Since when the end was known: the key's birth, or when a person named the end.
    pub since: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// When it, or a key below it, was last used with success.
    pub used: Option<Timestamp>,
    /// The distances at which people were told of this very end.
    pub warned: &'a [Span],
    /// Whether it was noted that this end, or a later one, has come.
    pub over: bool,
}

/// What is to be done about an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing, for now.
    Nothing,
    /// Tell people: the end is no further away than this.
    Warn(Span),
    /// The key goes on until then.
    PutOff(Timestamp),
    /// It was in use and has ended: note it, so that it stays so.
    Note,
}

impl Warnings {
    /// Warns at these distances.
    pub fn new(distances: impl IntoIterator<Item = Span>, end_unwarned: bool) -> Self {
        let mut distances: Vec<Span> = distances.into_iter().collect();
        distances.sort_unstable();
        distances.dedup();
        Self { distances, end_unwarned }
    }

    /// The distances, the shortest first.
    pub fn distances(&self) -> &[Span] {
        &self.distances
    }

    /// Whether a key in use ends although its people could not be told.
    pub const fn end_unwarned(&self) -> bool {
        self.end_unwarned
    }

    /// What is to be done about an end now. Warnings that are due within `ahead`, or an eighth of
    /// their distance, are due now, so that one message can tell of several keys; whoever
    /// watches looks again within `beat`.
    pub fn next(&self, ending: &Ending<'_>, now: Timestamp, ahead: Span, beat: Span) -> Next {
        if ending.end > beat.after(now) {
            return self.due(ending, now, ahead).map_or(Next::Nothing, Next::Warn);
        }
        if ending.over || !is_in_use(ending, now) {
            return Next::Nothing;
        }
        if !self.end_unwarned && !self.is_enough(ending) {
            return Next::PutOff(self.respite(ahead).after(now.max(ending.end)));
        }
        if ending.end <= now { Next::Note } else { Next::Nothing }
    }

    /// The shortest distance that the end has come within, or else soon will, unless people were
    /// told at that one or at a shorter one.
    fn due(&self, ending: &Ending<'_>, now: Timestamp, ahead: Span) -> Option<Span> {
        let untold = |within: &Span| ending.warned.iter().all(|told| told > within);
        let reached = self.fitting(ending).find(|distance| ending.end <= distance.after(now));
        // Never so early that one message would stand for two.
        let early = |distance: Span| ahead.min(Span::seconds(distance.as_secs() / EARLIER));
        let soon = || self.fitting(ending).find(|distance| ending.end <= early(*distance).after(distance.after(now)));
        reached.filter(untold).or_else(|| soon().filter(untold))
    }

    /// The distances at which somebody could have been told, the shortest first.
    fn fitting(&self, ending: &Ending<'_>) -> impl Iterator<Item = Span> {
        let (since, end) = (ending.since, ending.end);
        self.distances.iter().copied().filter(move |distance| distance.after(since) < end)
    }

    fn is_enough(&self, ending: &Ending<'_>) -> bool {
        ending.warned.len() >= self.fitting(ending).count().min(ENOUGH)
    }

    /// Long enough for as many warnings as an end needs, the first of them ahead of its time.
    fn respite(&self, ahead: Span) -> Span {
        let needed = self.distances.iter().take(ENOUGH).next_back();
        needed
            .map_or(PUT_OFF, |distance| PUT_OFF.max(Span::seconds(distance.as_secs().saturating_add(ahead.as_secs()))))
    }
}

/// Whether the key was in use when its end came. One that was used after that moment worked
/// then: the end was named only later. One that was not ended then, and only a gate that stood
/// still may have missed it, which is believed for as long as keys count as used.
fn is_in_use(ending: &Ending<'_>, now: Timestamp) -> bool {
    let Ending { end, used: Some(used), .. } = *ending else { return false };
    let lately = |moment, of| IN_USE.after(moment) >= of;
    if used >= end { lately(used, now) } else { lately(used, end) && lately(end, now) }
}

/// What was done about one end of a key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Done {
    /// Of which end, in microseconds since 1970.
    end: i64,
    warned: Vec<Span>,
}

impl Done {
    pub(crate) fn of(end: i64) -> Self {
        Self { end, ..Self::default() }
    }

    pub(crate) const fn is_of(&self, end: i64) -> bool {
        self.end == end
    }

    pub(crate) fn warned(&self) -> &[Span] {
        &self.warned
    }

    pub(crate) fn warn(&mut self, before: Span) {
        if !self.warned.contains(&before) {
            self.warned.push(before);
        }
    }
}

impl State {
    /// When a key ends if keys live by this.
    pub fn end_under(&self, key: &Key, lifetimes: Lifetimes) -> Option<Timestamp> {
        // That a drill ends is nothing to warn of, and never put off.
        if key.is_drill() {
            return None;
        }
        match key.issued() {
            Some(_) => Timestamp::from_microsecond(self.last_moment(key, lifetimes).min(key.grace())).ok(),
            None => key.end(),
        }
    }

    /// Whether the end of a key still is what was decided about, and the key works.
    pub(crate) fn stands_to_end(&self, id: KeyId, end: Timestamp, lifetimes: Lifetimes) -> bool {
        self.key(id).is_some_and(|key| key.standing.works() && self.end_under(key, lifetimes) == Some(end))
    }

    /// What puts a key off until then, where these are put off, too: the key, and what is above
    /// it and works no more, whose end would bind it. Nothing where it ends with a key above it
    /// that works and ends in time.
    pub fn put_off(
        &self,
        id: KeyId,
        until: Timestamp,
        with: &HashSet<KeyId>,
        lifetimes: Lifetimes,
    ) -> Option<Vec<Change>> {
        let key = self.key(id).filter(|key| !key.is_drill())?;
        // The grace of a key on which it hangs is not put off, and what is stopped is not in use.
        let bound = |above: &KeyId| self.key(*above).is_some_and(|key| key.grace() < until.as_microsecond());
        if self.hangs(key) && (self.is_stopped_above(key) || self.ancestors(id).iter().any(bound)) {
            return None;
        }
        let above = self.ancestors(id).into_iter().filter_map(|id| self.key(id));
        let binding = above.filter(|key| Self::own_moment(key, lifetimes) < until.as_microsecond());
        let (working, stopped): (Vec<_>, Vec<_>) = binding.partition(|key| key.standing.works());
        if working.iter().any(|key| !with.contains(&key.id)) {
            return None;
        }
        let keys = stopped.iter().map(|key| key.id).chain([id]);
        Some(keys.map(|key| Change::KeyEndPutOff { key, until }).collect())
    }

    pub(crate) fn obey_ending(&mut self, change: &Change) {
        match change {
            Change::KeyWarned { key, end, before } => self.with_key(*key, |key| key.done_about(*end).warn(*before)),
            Change::KeyEnded { key, end } => self.with_key(*key, |key| key.note_over(*end)),
            Change::KeyEndPutOff { key, until } => {
                self.with_key(*key, |key| key.put_off(*until));
                self.age(*key);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400;
    const BEAT: Span = Span::minutes(2);
    const AHEAD: Span = Span::days(1);

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + day * DAY).unwrap()
    }

    fn ending(life: i64, used: Option<i64>, warned: &[Span]) -> Ending<'_> {
        Ending { since: day(0), end: day(life), used: used.map(day), warned, over: false }
    }

    fn next(ending: &Ending<'_>, now: Timestamp) -> Next {
        Warnings::default().next(ending, now, AHEAD, BEAT)
    }

    #[test]
    fn each_distance_is_told_once_and_a_later_one_stands_for_those_before() {
        let (far, near, last) = (Span::days(14), Span::days(3), Span::days(1));
        let told = |told: &[Span], now| next(&ending(90, Some(80), told), day(now));
        assert_eq!(told(&[], 74), Next::Nothing);
        assert_eq!(told(&[], 75), Next::Warn(far));
        assert_eq!(told(&[], 76), Next::Warn(far));
        assert_eq!(told(&[far], 80), Next::Nothing);
        assert_eq!(told(&[far], 86), Next::Nothing);
        assert_eq!(told(&[far], 87), Next::Warn(near));
        assert_eq!(told(&[], 88), Next::Warn(near));
        assert_eq!(told(&[near], 89), Next::Warn(last));
        assert_eq!(told(&[], 89), Next::Warn(last));
        assert_eq!(told(&[last], 89), Next::Nothing);
    }

    #[test]
    fn a_key_in_use_whose_people_were_told_once_goes_on_and_told_twice_it_ends() {
        let two = [Span::days(14), Span::days(1)];
        let used = |warned| ending(90, Some(89), warned);
        assert_eq!(next(&used(&two[..1]), day(90)), Next::PutOff(day(97)));
        assert_eq!(next(&used(&two), day(90)), Next::Note);
        assert_eq!(next(&Ending { over: true, ..used(&two[..1]) }, day(90)), Next::Nothing);
        let strict = Warnings::new([Span::days(3)], true);
        assert_eq!(strict.next(&used(&[]), day(90), AHEAD, BEAT), Next::Note);
    }

    #[test]
    fn what_nobody_uses_ends() {
        for used in [None, Some(82)] {
            assert_eq!(next(&ending(90, used, &[]), day(90)), Next::Nothing);
        }
    }

    #[test]
    fn a_key_that_is_issued_for_an_hour_ends_in_time() {
        let born = day(0);
        let end = Span::hours(1).after(born);
        let hour = Ending { since: born, end, used: Some(end), warned: &[], over: false };
        assert_eq!(next(&Ending { used: Some(born), ..hour }, end), Next::Note);
        assert_eq!(next(&hour, born), Next::Nothing);
    }

    #[test]
    fn an_end_that_is_named_for_tomorrow_comes_tomorrow() {
        let named = Ending { since: day(59), ..ending(60, Some(59), &[]) };
        assert_eq!(next(&named, day(60)), Next::Note);
    }

    #[test]
    fn a_longest_life_that_is_named_today_does_not_end_what_is_in_use_today() {
        // Ended a month ago by the new measure, and used an hour ago.
        assert_eq!(next(&ending(30, Some(60), &[]), day(60)), Next::PutOff(day(67)));
        assert_eq!(next(&ending(30, Some(50), &[]), day(60)), Next::Nothing);
    }

    #[test]
    fn what_ended_long_ago_does_not_come_back_by_a_restart() {
        assert_eq!(next(&ending(30, Some(29), &[]), day(36)), Next::PutOff(day(43)));
        assert_eq!(next(&ending(30, Some(29), &[]), day(38)), Next::Nothing);
    }

    proptest! {
        /// Watched by a gate whose messages arrive or do not, a key in use ends once
        /// people have been told at two distances of that very end, and never before; and it
        /// does end once messages arrive.
        #[test]
        fn no_key_in_use_ends_untold_and_none_lives_for_ever(
            distances in prop::collection::vec(1..400_u32, 1..4),
            life in 1..100_i64,
            arrive in prop::collection::vec(any::<bool>(), 1000),
        ) {
            let warnings = Warnings::new(distances.into_iter().map(|hours| Span::hours(hours * 2)), false);
            let (mut end, mut warned, mut told) = (day(life), Vec::new(), 0);
            let mut ended = None;
            for look in 0..(life + 400) * 24 {
                let now = day(0) + SignedDuration::from_hours(look);
                let known = Ending { since: day(0), end, used: Some(now.min(end)), warned: &warned, over: false };
                let fit = warnings.distances().iter().filter(|distance| distance.after(day(0)) < end).count();
                match warnings.next(&known, now, AHEAD, BEAT) {
                    Next::Warn(before) => {
                        if arrive.get(usize::try_from(look).unwrap()).copied().unwrap_or(true) {
                            prop_assert!(!warned.contains(&before));
                            warned.push(before);
                            told += 1;
                        }
                    }
                    Next::PutOff(until) => {
                        prop_assert!(until > now);
                        (end, warned) = (until, Vec::new());
                    }
                    Next::Note => {
                        prop_assert!(warned.len() >= fit.min(2));
                        ended = Some(look);
                        break;
                    }
                    Next::Nothing => prop_assert!(end > now),
                }
            }
            prop_assert!(ended.is_some(), "told {told} times, and it goes on until {end}");
        }
    }
}
