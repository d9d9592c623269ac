//! How much of their limits issued keys have used up. Pure: the time is an argument, and nothing
//! is kept but numbers.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use law::{KeyId, Power, Powers, Span};

use crate::{Limit, Measure};

/// An issued key and those above it, each with its limits: a call counts against all of them.
pub type Limited<'a> = (KeyId, &'a [Limit]);

/// What a piece of an answer takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A limit that has no room for what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// Which.
    pub limit: Limit,
    /// How much of it is left, where that is too little.
    pub left: u64,
    /// When all of it is there again, from now.
    pub again: Span,
}

/// What keys have used up.
#[derive(Debug, Default)]
pub struct Meters(HashMap<KeyId, Meter>);

impl Meters {
    /// Whether a call with these powers fits. Counts nothing.
    ///
    /// # Errors
    /// With the limit that has room again last.
    pub fn check(&self, line: &[Limited<'_>], powers: Powers, now: Timestamp) -> Result<(), Exhausted> {
        let fresh = Meter::default();
        let meter = |key| self.0.get(&key).unwrap_or(&fresh);
        line.iter().try_for_each(|(key, limits)| meter(*key).check(limits, powers, now))
    }

    /// Counts a call on every key of the line, unless one of them has no room.
    ///
    /// # Errors
    /// With the limit that has none; then nothing is counted.
    pub fn take(&mut self, line: &[Limited<'_>], powers: Powers, now: Timestamp) -> Result<(), Exhausted> {
        self.check(line, powers, now)?;
        for (key, limits) in line {
            self.0.entry(*key).or_default().take(limits, powers, now);
        }
        Ok(())
    }

    /// Takes what an answer needs from every key of the line, before it goes on. Owed is the
    /// answer to what has happened at the API by now: it may go over each limit by
    /// [`Measure::credit`], all such answers together.
    ///
    /// # Errors
    /// With the limit that has no room for it; then nothing is taken.
    pub fn pay(
        &mut self,
        line: &[Limited<'_>],
        powers: Powers,
        volume: Volume,
        owed: bool,
        now: Timestamp,
    ) -> Result<(), Exhausted> {
        let fresh = Meter::default();
        for (key, limits) in line {
            self.0.get(key).unwrap_or(&fresh).has_room(limits, powers, volume, owed, now)?;
        }
        for (key, limits) in line {
            self.0.entry(*key).or_default().pay(limits, powers, volume, now);
        }
        Ok(())
    }

    /// Gives back what was taken at a moment and did not go on, as far as the same time is counted.
    pub fn give_back(&mut self, line: &[Limited<'_>], powers: Powers, volume: Volume, taken: Timestamp) {
        for (key, limits) in line {
            if let Some(meter) = self.0.get_mut(key) {
                meter.give_back(limits, powers, volume, taken);
            }
        }
    }
}

/// What one key has used up.
#[derive(Debug, Default)]
struct Meter(BTreeMap<(Option<Power>, Measure), Window>);

/// A time over which is counted. It begins with the first call after the one before has ended.
#[derive(Clone, Copy, Debug)]
struct Window {
    began: Timestamp,
    used: u64,
}

impl Volume {
    const fn of(self, measure: Measure) -> u64 {
        match measure {
            Measure::RowsADay => self.rows,
            Measure::BytesADay => self.bytes,
            Measure::CallsAMinute | Measure::CallsADay => 0,
        }
    }
}

/// The limits of rows and bytes that count for these powers, with what this volume takes of each.
fn volumes(limits: &[Limit], powers: Powers, volume: Volume) -> impl Iterator<Item = (&Limit, u64)> {
    let counting = limits.iter().filter(move |limit| limit.counts(powers));
    counting.map(move |limit| (limit, volume.of(limit.measure))).filter(|(_, amount)| *amount > 0)
}

impl Meter {
    fn check(&self, limits: &[Limit], powers: Powers, now: Timestamp) -> Result<(), Exhausted> {
        let full = |limit: &Limit| {
            let (used, again) = self.window(limit, now);
            (used >= limit.most).then_some(Exhausted { limit: *limit, left: 0, again })
        };
        let counting = limits.iter().filter(|limit| limit.counts(powers));
        counting.filter_map(full).max_by_key(|full| full.again).map_or(Ok(()), Err)
    }

    fn take(&mut self, limits: &[Limit], powers: Powers, now: Timestamp) {
        for limit in limits.iter().filter(|limit| limit.measure.is_of_calls() && limit.counts(powers)) {
            self.add(limit, 1, now);
        }
    }

    fn has_room(
        &self,
        limits: &[Limit],
        powers: Powers,
        volume: Volume,
        owed: bool,
        now: Timestamp,
    ) -> Result<(), Exhausted> {
        for (limit, amount) in volumes(limits, powers, volume) {
            let (used, again) = self.window(limit, now);
            let most = limit.most.saturating_add(if owed { limit.measure.credit() } else { 0 });
            if used.saturating_add(amount) > most {
                return Err(Exhausted { limit: *limit, left: limit.most.saturating_sub(used), again });
            }
        }
        Ok(())
    }

    fn pay(&mut self, limits: &[Limit], powers: Powers, volume: Volume, now: Timestamp) {
        for (limit, amount) in volumes(limits, powers, volume) {
            self.add(limit, amount, now);
        }
    }

    fn give_back(&mut self, limits: &[Limit], powers: Powers, volume: Volume, taken: Timestamp) {
        for (limit, amount) in volumes(limits, powers, volume) {
            // A window that began later does not know of it.
            if let Some(window) = self.0.get_mut(&(limit.power, limit.measure)).filter(|window| window.began <= taken) {
                window.used = window.used.saturating_sub(amount);
            }
        }
    }

    fn add(&mut self, limit: &Limit, amount: u64, now: Timestamp) {
        let (used, _) = self.window(limit, now);
        let fresh = Window { began: now, used: 0 };
        let window = self.0.entry((limit.power, limit.measure)).or_insert(fresh);
        if used == 0 {
            *window = fresh;
        }
        window.used = window.used.saturating_add(amount);
    }

    /// What is used up at this moment, and how long the window still lasts.
    fn window(&self, limit: &Limit, now: Timestamp) -> (u64, Span) {
        let length = limit.measure.window();
        let whole = SignedDuration::from(length);
        let Some(window) = self.0.get(&(limit.power, limit.measure)) else { return (0, length) };
        let age = now.duration_since(window.began);
        // A clock that was set back a little opens no new window; by far, it must.
        if age.abs() >= whole {
            return (0, length);
        }
        let left = whole.saturating_sub(age).as_millis().div_euclid(1000) + 1;
        (window.used, Span::seconds(u32::try_from(left).map_or(length.as_secs(), |left| left.min(length.as_secs()))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn limits(texts: &[&str]) -> Vec<Limit> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    const READ: Powers = Powers::NONE.with(Power::Read);
    const SPEND: Powers = Powers::NONE.with(Power::Spend);
    const ONE: KeyId = KeyId(1);

    fn rows(rows: u64) -> Volume {
        Volume { rows, bytes: 0 }
    }

    fn bytes(bytes: u64) -> Volume {
        Volume { rows: 0, bytes }
    }

    #[test]
    fn a_full_window_says_when_there_is_room_again() {
        let limits = limits(&["calls 2/m", "calls 3/d"]);
        let (line, mut meters) = ([(ONE, &*limits)], Meters::default());
        for second in [0, 10] {
            assert_eq!(meters.take(&line, READ, at(second)), Ok(()));
        }
        let full = meters.check(&line, READ, at(20)).unwrap_err();
        assert_eq!((full.limit, full.again), (limits[0], Span::seconds(41)));
        assert_eq!(meters.take(&line, READ, at(60)), Ok(()));
        assert_eq!(meters.take(&line, READ, at(61)).unwrap_err().limit, limits[1], "the longer wait is said");
        assert_eq!(meters.check(&line, READ, at(86_400)), Ok(()));
    }

    #[test]
    fn what_does_not_fit_takes_nothing_and_what_does_is_gone() {
        let limits = limits(&["rows 100/d", "export bytes 1000/d"]);
        let (line, mut meters) = ([(ONE, &*limits)], Meters::default());
        let pieces = Volume { rows: 99, bytes: 5_000 };
        assert_eq!(meters.pay(&line, READ, pieces, false, at(0)), Ok(()), "bytes count for exports only");
        let full = meters.pay(&line, READ, rows(2), false, at(1)).unwrap_err();
        assert_eq!((full.limit, full.left), (limits[0], 1));
        assert_eq!(meters.pay(&line, READ, rows(1), false, at(1)), Ok(()));
        assert_eq!(meters.check(&line, READ, at(2)).unwrap_err().limit, limits[0]);
    }

    #[test]
    fn what_has_happened_may_be_answered_and_is_owed() {
        let limits = limits(&["bytes 1000/d"]);
        let (line, mut meters) = ([(ONE, &*limits)], Meters::default());
        assert_eq!(meters.pay(&line, SPEND, bytes(2_000), true, at(0)), Ok(()));
        assert!(meters.check(&line, READ, at(1)).is_err(), "the next call pays for it");
        let credit = Measure::BytesADay.credit();
        assert!(meters.pay(&line, SPEND, bytes(credit - 999), true, at(1)).is_err(), "all of them have it together");
    }

    #[test]
    fn what_did_not_go_on_is_given_back_in_its_own_window_only() {
        let limits = limits(&["bytes 1000/d"]);
        let (line, mut meters) = ([(ONE, &*limits)], Meters::default());
        meters.pay(&line, READ, bytes(1000), false, at(0)).unwrap();
        meters.give_back(&line, READ, bytes(400), at(0));
        assert_eq!(meters.pay(&line, READ, bytes(401), false, at(1)).unwrap_err().left, 400);
        meters.pay(&line, READ, bytes(1000), false, at(86_400)).unwrap();
        meters.give_back(&line, READ, bytes(600), at(0));
        assert!(meters.pay(&line, READ, bytes(1), false, at(86_401)).is_err());
    }

    #[test]
    fn a_power_has_its_own_limit() {
        let limits = limits(&["spend calls 1/d"]);
        let (line, mut meters) = ([(ONE, &*limits)], Meters::default());
        meters.take(&line, SPEND, at(0)).unwrap();
        assert_eq!(meters.check(&line, READ, at(1)), Ok(()));
        assert!(meters.check(&line, SPEND.with(Power::Read), at(1)).is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_gives_no_more() {
        let limits = limits(&["calls 1/d"]);
        let (line, mut meters) = ([(ONE, &*limits)], Meters::default());
        meters.take(&line, READ, at(100)).unwrap();
        assert!(meters.check(&line, READ, at(0)).is_err());
        assert_eq!(meters.check(&line, READ, at(100 - 86_400)), Ok(()), "nor does it last for ever");
    }

    /// One of two children of the same key reads or acts.
    #[derive(Clone, Debug)]
    enum Step {
        /// An answer of known length begins: what it needs is taken at once.
        Begins { child: usize, bytes: u64 },
        /// The newest one that began goes on by a piece, which is paid for.
        GoesOn { bytes: u64 },
        /// It ends: what was not sent is given back.
        Ends,
        /// A piece of a stream, or of an answer to something that has happened.
        Piece { child: usize, bytes: u64, owed: bool },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_usize..2, 0_u64..60).prop_map(|(child, bytes)| Step::Begins { child, bytes }),
            (1_u64..30).prop_map(|bytes| Step::GoesOn { bytes }),
            Just(Step::Ends),
            (0_usize..2, 0_u64..20, any::<bool>()).prop_map(|(child, bytes, owed)| Step::Piece { child, bytes, owed }),
        ]
    }

    proptest! {
        #[test]
        fn answers_that_are_under_way_together_take_no_more_than_the_limit(
            steps in prop::collection::vec(step(), 1..120),
            own in 0_u64..200,
            above in 0_u64..200,
        ) {
            let of = |most| vec![Limit { power: None, measure: Measure::BytesADay, most }];
            let (own_limits, above_limits) = (of(own), of(above));
            let line = |child| [(KeyId(child as u64 + 2), &*own_limits), (ONE, &*above_limits)];
            let (mut meters, mut open, mut sent, mut acts) = (Meters::default(), Vec::new(), [0, 0], 0);
            for step in steps {
                match step {
                    Step::Begins { child, bytes: amount } => {
                        if meters.pay(&line(child), READ, bytes(amount), false, at(0)).is_ok() {
                            open.push((child, amount));
                        }
                    }
                    Step::GoesOn { bytes } => {
                        if let Some((child, left)) = open.last_mut() {
                            let goes = bytes.min(*left);
                            *left -= goes;
                            sent[*child] += goes;
                        }
                    }
                    Step::Ends => {
                        if let Some((child, left)) = open.pop() {
                            meters.give_back(&line(child), READ, bytes(left), at(0));
                        }
                    }
                    Step::Piece { child, bytes: amount, owed } => {
                        if meters.pay(&line(child), READ, bytes(amount), owed, at(0)).is_ok() {
                            sent[child] += amount;
                            acts += u64::from(owed) * amount;
                        }
                    }
                }
                let over = acts.min(Measure::BytesADay.credit());
                prop_assert!(sent.iter().all(|sent| *sent <= own + over));
                prop_assert!(sent[0] + sent[1] <= above + over);
            }
        }

        #[test]
        fn no_window_lets_more_pass_than_it_may(steps in prop::collection::vec(0_i64..40, 1..60), most in 0_u64..5) {
            let limits = [Limit { power: None, measure: Measure::CallsAMinute, most }];
            let (line, mut meters) = ([(ONE, &limits[..])], Meters::default());
            let (mut now, mut passed) = (0, Vec::new());
            for step in steps {
                now += step;
                if meters.take(&line, READ, at(now)).is_ok() {
                    passed.push(now);
                }
            }
            // Two windows meet in any minute, never three.
            for begin in &passed {
                let within = passed.iter().filter(|at| (*begin..begin + 60).contains(at)).count() as u64;
                prop_assert!(within <= 2 * most);
            }
        }
    }
}
