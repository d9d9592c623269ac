//! To how many different things a key does something, operation by operation: what it never did
//! anything to, and how many it is within an hour.

use serde::{Deserialize, Serialize};

use crate::{
    habit::{DAY, Distinct, HOUR, Minute},
    seen::Subject,
    series::{fold, unfold},
    source::mix,
};

/// At most so many operations.
pub(crate) const MOST: usize = 24;

/// Beyond so many marks of 128 nobody can say that a thing is new.
const FULL: u32 = 64;

/// Some dozens of things, each marks one of 128 places; beyond that it is only known that they
/// are many. A new thing is taken for a known one as often as its place is marked already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Few([u64; 2]);

impl Few {
    pub(crate) fn note(&mut self, thing: u32) {
        if let Some(word) = self.0.get_mut((thing >> 6) as usize % 2) {
            *word |= 1 << (thing & 63);
        }
    }

    /// Whether they are few, and this is none of them.
    pub(crate) fn lack(&self, thing: u32) -> bool {
        let word = self.0.get((thing >> 6) as usize % 2).copied().unwrap_or(0);
        self.marks() < FULL && word & 1 << (thing & 63) == 0
    }

    /// How many they are, right to a few in a hundred while they are few.
    pub(crate) fn count(&self) -> u32 {
        // Of so many places so many are marked by this many things: 128 · ln(128 / empty), rounded.
        let empty = f64::from(128 - self.marks().min(127)) / 128.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 622")]
        let many = (-128.0 * empty.ln()).round() as u32;
        many
    }

    fn marks(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}

/// The things of one operation, told apart by the first parameter or by all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Things {
    known: Few,
    /// In the hour of the last call, in sixteenths.
    now: u16,
    /// On how many days before today there was one that it did nothing to before.
    grew: u16,
    grew_today: bool,
    /// The most in an hour of today, and of the days before, on a scale of eighths of a doubling.
    best_today: u8,
    best: u8,
}

/// What is remembered of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deed {
    operation: u32,
    last: Minute,
    /// On how many days before today it was learnt, and whether it was today.
    days: u16,
    today: bool,
    /// This hour is no measure for others.
    tainted: bool,
    things: [Things; 2],
}

/// How strange it is that an operation is about a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strange {
    /// The thing, by the first parameter or by all.
    pub(crate) thing: u32,
    /// The most different things in an hour of the days before.
    pub(crate) most: u32,
    /// It is about the same few things day after day.
    pub(crate) steady: bool,
}

impl Strange {
    /// What so many such things within minutes weigh. Where they are the same day after day, a few
    /// others are strange; where they grow, many more than ever are.
    pub(crate) fn weighs(&self, things: u32, sensitive: bool) -> Option<u8> {
        let beyond = |few: u32, times: u32| things > few.max(self.most.saturating_mul(times).saturating_add(times));
        let enough = if sensitive { 2 } else { 3 }.max(self.most / 2 + 1);
        match self.steady {
            true if things > enough => Some(45),
            true if things == enough => Some(40),
            true if things > 1 && things + 1 == enough => Some(30),
            true => Some(15),
            false if beyond(12, 4) => Some(40),
            false if beyond(6, 2) => Some(30),
            false => None,
        }
    }
}

impl Deed {
    /// What makes it strange that it is about this thing; nothing where it is one that it is known
    /// for, or where it is about ever other ones.
    pub(crate) fn strange(&self, subject: Subject) -> Option<Strange> {
        if self.days < 3 {
            return None;
        }
        let of = |things: &Things, thing: u32| {
            let steady = things.grew <= 2 || u32::from(things.grew) * 3 <= u32::from(self.days);
            things.known.lack(thing).then_some(Strange { thing, most: unfold(things.best), steady })
        };
        let [first, whole] = &self.things;
        // Where the first parameter says that it is at home, others are only strange if they never were.
        let at_home = first.known.marks() < FULL;
        of(first, subject.first).or_else(|| of(whole, subject.whole).filter(|strange| strange.steady || !at_home))
    }

    /// How many different things this hour has, and the most in an hour of the days before.
    pub(crate) fn whole(&self, now: Minute) -> (u32, u32) {
        self.of(1, now)
    }

    /// The same of the first parameter, where that says more: where it is about a few such all the time.
    pub(crate) fn coarsest(&self, now: Minute) -> (u32, u32) {
        let [first, _] = &self.things;
        self.of(usize::from(first.known.marks() == 0 || first.known.marks() >= FULL), now)
    }

    fn of(&self, level: usize, now: Minute) -> (u32, u32) {
        let things = self.things.get(level).copied().unwrap_or_default();
        let is_now = self.last / HOUR == now / HOUR;
        (if is_now { u32::from(things.now / 16) } else { 0 }, unfold(things.best))
    }

    fn turn(&mut self, now: Minute) {
        let (hour, day) = (self.last / HOUR != now / HOUR, self.last / DAY != now / DAY);
        for things in &mut self.things {
            if hour {
                if !self.tainted {
                    things.best_today = things.best_today.max(fold(u32::from(things.now / 16)));
                }
                things.now = 0;
            }
            if day {
                things.best = things.best.max(things.best_today);
                things.grew = things.grew.saturating_add(things.grew_today.into());
                (things.best_today, things.grew_today) = (0, false);
            }
        }
        if hour {
            self.tainted = false;
        }
        if day {
            self.days = self.days.saturating_add(self.today.into());
            self.today = false;
        }
        self.last = now;
    }
}

/// What is remembered of all operations that are about something, or change something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deeds {
    of: Vec<Deed>,
    /// What this hour was about: operation and thing, by the first parameter and by all.
    hour: Minute,
    touched: [Distinct; 2],
}

impl Deeds {
    pub(crate) fn named(&self, operation: u32) -> Option<&Deed> {
        self.of.iter().find(|deed| deed.operation == operation)
    }

    /// Counts a call that went on. One that is about nothing in particular is about something
    /// else each time.
    pub(crate) fn count(&mut self, operation: u32, subject: Option<Subject>, now: Minute) {
        if self.hour != now / HOUR {
            (self.hour, self.touched) = (now / HOUR, [Distinct::default(); 2]);
        }
        let counts = match subject {
            Some(Subject { first, whole }) => {
                let mut counts = [0; 2];
                for ((counts, touched), thing) in counts.iter_mut().zip(&mut self.touched).zip([first, whole]) {
                    // Each stands for those, too, whose places are taken by others.
                    *counts = touched.note_in_sixteenths(mix(thing ^ operation));
                }
                counts
            }
            None => [0, 16],
        };
        let deed = self.entry(operation, now);
        deed.turn(now);
        for (things, count) in deed.things.iter_mut().zip(counts) {
            things.now = things.now.saturating_add(count);
        }
    }

    /// It is usual from now on that it is about this.
    pub(crate) fn learn(&mut self, operation: u32, subject: Option<Subject>, now: Minute) {
        let deed = self.entry(operation, now);
        deed.turn(now);
        deed.today = true;
        let Some(Subject { first, whole }) = subject else { return };
        for (things, thing) in deed.things.iter_mut().zip([first, whole]) {
            things.grew_today |= things.known.lack(thing);
            things.known.note(thing);
        }
    }

    /// This hour is no measure for others.
    pub(crate) fn taint(&mut self, operation: u32) {
        if let Some(deed) = self.of.iter_mut().find(|deed| deed.operation == operation) {
            deed.tainted = true;
        }
    }

    /// A person stands for what came until now.
    pub(crate) fn accept(&mut self, now: Minute) {
        for deed in self.of.iter_mut().filter(|deed| deed.last / DAY == now / DAY) {
            deed.turn(now);
            for things in &mut deed.things {
                things.best = things.best.max(things.best_today).max(fold(u32::from(things.now / 16)));
            }
        }
    }

    /// Who is full forgets what was learnt on the fewest days.
    fn entry(&mut self, operation: u32, now: Minute) -> &mut Deed {
        let place = self.of.iter().position(|deed| deed.operation == operation).unwrap_or_else(|| {
            let things = [Things::default(); 2];
            let deed = Deed { operation, last: now, days: 0, today: false, tainted: false, things };
            if self.of.len() < MOST {
                if self.of.len() == self.of.capacity() {
                    self.of.reserve_exact((self.of.len() / 2).max(2).min(MOST - self.of.len()));
                }
                self.of.push(deed);
                return self.of.len() - 1;
            }
            let least = |(_, deed): &(usize, &Deed)| (deed.days.min(30), deed.last);
            let place = self.of.iter().enumerate().min_by_key(least).map_or(0, |(place, _)| place);
            if let Some(slot) = self.of.get_mut(place) {
                *slot = deed;
            }
            place
        });
        // INVARIANT: `place` lies within: it was found, or just made.
        #[expect(clippy::indexing_slicing, reason = "it was found, or just made")]
        &mut self.of[place]
    }

    pub(crate) fn bytes(&self) -> usize {
        self.of.capacity() * size_of::<Deed>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(thing: u32) -> Option<Subject> {
        let thing = mix(thing + 7);
        Some(Subject { first: thing, whole: thing })
    }

    /// What it is about on each of these days, an hour apart.
    fn after(days: u32, things: impl Fn(u32) -> Vec<u32>) -> (Deeds, Minute) {
        let mut deeds = Deeds::default();
        for day in 0..days {
            for (hour, thing) in (0..).zip(things(day)) {
                let now = 1000 * DAY + day * DAY + hour * HOUR;
                deeds.count(1, about(thing), now);
                deeds.learn(1, about(thing), now);
            }
        }
        (deeds, 1000 * DAY + days * DAY)
    }

    fn strange(deeds: &Deeds, thing: u32) -> Option<(u32, bool)> {
        let strange = about(thing).and_then(|thing| deeds.named(1)?.strange(thing))?;
        Some((strange.most, strange.steady))
    }

    #[test]
    fn some_dozens_of_things_are_told_apart_and_many_are_many() {
        let mut few = Few::default();
        for thing in 0..40 {
            few.note(mix(thing + 7));
        }
        assert!((36..=44).contains(&few.count()), "{}", few.count());
        let lacks = (1_000..1_100).filter(|thing| few.lack(mix(*thing))).count();
        assert!(lacks > 60, "{lacks}");
        assert!((0..40).all(|thing| !few.lack(mix(thing + 7))));
        for thing in 0..200 {
            few.note(mix(thing + 7));
        }
        assert!((1_000..1_100).all(|thing| !few.lack(mix(thing))), "who changes many things changes another");
    }

    #[test]
    fn who_writes_to_the_same_twenty_things_is_steady_and_who_writes_to_ever_others_is_not() {
        let (mut same, now) = after(12, |day| (0..20).filter(|thing| thing % 3 == day % 3).collect());
        same.count(1, about(0), now);
        assert_eq!(strange(&same, 0), None);
        assert_eq!(strange(&same, 99), Some((1, true)));
        let (mut others, now) = after(12, |day| (day * 3..day * 3 + 3).collect());
        others.count(1, about(0), now);
        assert_eq!(strange(&others, 99), Some((1, false)));
        let (mut many, now) = after(12, |day| (day * 20..day * 20 + 20).collect());
        many.count(1, about(0), now);
        assert_eq!(strange(&many, 9_999), None);
    }

    #[test]
    fn what_is_learnt_today_makes_nobody_unsteady_before_tomorrow() {
        let (mut deeds, now) = after(4, |_| vec![0, 1, 2]);
        for thing in 10..20 {
            assert_eq!(strange(&deeds, thing).map(|(_, steady)| steady), Some(true), "{thing}");
            deeds.count(1, about(thing), now);
            deeds.learn(1, about(thing), now);
        }
        assert_eq!(strange(&deeds, 10), None, "and is known all the same");
    }

    #[test]
    fn an_hour_counts_each_thing_once_and_the_most_is_that_of_days_before() {
        let (mut deeds, now) = after(4, |_| vec![0, 1, 2]);
        for thing in [10, 11, 11, 12] {
            deeds.count(1, about(thing), now);
        }
        assert_eq!(deeds.named(1).map(|deed| deed.whole(now)), Some((3, 1)));
        deeds.count(1, about(13), now + DAY);
        assert_eq!(deeds.named(1).map(|deed| deed.whole(now + DAY)), Some((1, 3)));
        for thing in 20..90 {
            deeds.count(1, about(thing), now + 2 * DAY);
        }
        deeds.taint(1);
        deeds.count(1, about(13), now + 3 * DAY);
        assert_eq!(
            deeds.named(1).map(|deed| deed.whole(now + 3 * DAY)),
            Some((1, 3)),
            "what is suspected is no measure"
        );
    }

    #[test]
    fn a_flood_of_operations_does_not_wash_out_an_old_one() {
        let (mut deeds, now) = after(5, |_| vec![0, 1, 2]);
        for operation in 100..1_000 {
            deeds.count(operation, about(operation), now);
        }
        assert!(deeds.named(1).is_some() && deeds.bytes() <= MOST * size_of::<Deed>());
    }
}
