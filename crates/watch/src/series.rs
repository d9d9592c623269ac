//! How much there was in each hour, and the most in an hour of each of the last days.

use serde::{Deserialize, Serialize};

use crate::habit::{DAY, HOUR, Minute};

/// As long as a month and some days, so that what comes each month is nothing new.
const DAYS: usize = 35;

/// A count, and what is usual of it. Numbers of the past are kept on a scale of eighths of a
/// doubling: an error of 9 %.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Series {
    hour: Minute,
    now: u32,
    day: Minute,
    today: u32,
    best_today: u8,
    /// Something speaks against what came in this hour: it is no measure for others.
    tainted: bool,
    #[serde(with = "bytes")]
    best: [u8; DAYS],
    #[serde(with = "bytes")]
    sums: [u8; DAYS],
}

impl Default for Series {
    fn default() -> Self {
        Self { hour: 0, now: 0, day: 0, today: 0, best_today: 0, tainted: false, best: [0; DAYS], sums: [0; DAYS] }
    }
}

impl Series {
    /// Adds to the current hour, and gives what it holds by now.
    pub(crate) fn add(&mut self, more: u32, at: Minute) -> u32 {
        self.turn(at);
        self.now = self.now.saturating_add(more);
        self.today = self.today.saturating_add(more);
        self.now
    }

    /// The most of the current hour, where it is a height and no sum.
    pub(crate) fn raise(&mut self, height: u32, at: Minute) {
        self.turn(at);
        self.now = self.now.max(height);
    }

    /// What the current hour holds.
    pub(crate) fn this_hour(&self, at: Minute) -> u32 {
        if self.hour == at / HOUR { self.now } else { 0 }
    }

    /// The current hour makes nothing usual.
    pub(crate) const fn taint(&mut self) {
        self.tainted = true;
    }

    /// A person stands for what came until now: it is a measure from now on, though the day is not over.
    pub(crate) fn accept(&mut self, at: Minute) {
        self.turn(at);
        let best = self.best_today.max(fold(self.now));
        set(&mut self.best, self.day, best);
        set(&mut self.sums, self.day, fold(self.today));
    }

    /// The most in an hour of the last days. Of today nothing counts yet: who takes more each
    /// hour must not raise the measure with it.
    pub(crate) fn ceiling(&self) -> u32 {
        unfold(self.best.iter().copied().max().unwrap_or(0))
    }

    /// What this day holds by now, and the most of the days before.
    pub(crate) fn this_day(&self, at: Minute) -> (u32, u32) {
        let today = if self.day == at / DAY { self.today } else { 0 };
        (today, unfold(self.sums.iter().copied().max().unwrap_or(0)))
    }

    /// Whether the most in an hour of the last days was about the same.
    pub(crate) fn hours_are_steady(&self) -> bool {
        are_steady(self.best)
    }

    /// Whether the last days were about the same.
    pub(crate) fn days_are_steady(&self) -> bool {
        are_steady(self.sums)
    }

    /// What each of the last days held, yesterday first, on the scale of [`fold`].
    pub(crate) fn sums(&self) -> [u8; DAYS] {
        let mut days = self.sums;
        // The day itself stands last, and counts nothing before it is over.
        days.rotate_left(self.day as usize % DAYS);
        days.reverse();
        days
    }

    fn turn(&mut self, at: Minute) {
        let (hour, day) = (at / HOUR, at / DAY);
        if hour > self.hour {
            if !self.tainted {
                self.best_today = self.best_today.max(fold(self.now));
            }
            (self.hour, self.now, self.tainted) = (hour, 0, false);
        }
        if day > self.day {
            let missed = (day - self.day).min(u32::try_from(DAYS).unwrap_or(u32::MAX));
            set(&mut self.best, self.day, self.best_today);
            set(&mut self.sums, self.day, fold(self.today));
            for empty in 1..missed {
                set(&mut self.best, self.day + empty, 0);
                set(&mut self.sums, self.day + empty, 0);
            }
            (self.day, self.today, self.best_today) = (day, 0, 0);
        }
    }
}

/// Enough days on which there was something, and the most no more than twice what is in their middle.
fn are_steady(mut days: [u8; DAYS]) -> bool {
    const ENOUGH: usize = 10;
    days.sort_unstable();
    let used = days.iter().position(|day| *day > 0).map_or(&[][..], |first| days.get(first..).unwrap_or_default());
    let middle = used.get(used.len() / 2).copied().unwrap_or(0);
    used.len() >= ENOUGH && used.last().is_some_and(|most| *most <= middle.saturating_add(8))
}

fn set(days: &mut [u8; DAYS], day: u32, value: u8) {
    if let Some(place) = days.get_mut(day as usize % DAYS) {
        *place = value;
    }
}

/// On a scale of eighths of a doubling; 0 is 0.
pub(crate) fn fold(value: u32) -> u8 {
    let Some(whole) = value.checked_ilog2() else { return 0 };
    // The three bits below the highest.
    let part = if whole >= 3 { value >> (whole - 3) } else { value << (3 - whole) } & 7;
    u8::try_from(1 + whole * 8 + part).unwrap_or(u8::MAX)
}

pub(crate) fn unfold(folded: u8) -> u32 {
    let Some(scale) = folded.checked_sub(1) else { return 0 };
    let (whole, part) = (u32::from(scale / 8), u32::from(scale % 8));
    if whole >= 3 { (8 + part) << (whole - 3) } else { (8 + part) >> (3 - whole) }
}

/// Arrays of more than 32 bytes, as lists.
mod bytes {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    use super::DAYS;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; DAYS], serializer: S) -> Result<S::Ok, S::Error> {
        bytes.as_slice().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; DAYS], D::Error> {
        let list = Vec::<u8>::deserialize(deserializer)?;
        list.try_into().map_err(|_| D::Error::custom(format!("a series has {DAYS} days")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_past_are_right_by_a_ninth() {
        for value in (0..32).chain([100, 1_000, 12_345, 1_000_000, u32::MAX]) {
            let back = unfold(fold(value));
            assert!(back <= value && f64::from(value - back) <= f64::from(value) / 8.0, "{value} {back}");
        }
    }

    #[test]
    fn the_most_of_an_hour_is_remembered_for_a_month() {
        let mut series = Series::default();
        series.add(64, 1000 * DAY);
        assert_eq!(series.ceiling(), 0, "the hour itself is no past");
        series.add(1, 1000 * DAY + HOUR);
        assert_eq!((series.ceiling(), series.this_hour(1000 * DAY + HOUR)), (0, 1), "nor is the day");
        series.add(1, 1001 * DAY);
        assert_eq!(series.ceiling(), 64);
        series.add(1, 1031 * DAY);
        assert_eq!(series.ceiling(), 64);
        series.add(1, 1036 * DAY);
        assert_eq!(series.ceiling(), 1, "and no longer");
        assert_eq!(series.sums().map(unfold)[..6], [0, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn what_a_person_stands_for_is_a_measure_at_once() {
        let mut series = Series::default();
        series.add(64, 1000 * DAY);
        series.accept(1000 * DAY + HOUR / 2);
        assert_eq!((series.ceiling(), series.this_day(1000 * DAY)), (64, (64, 64)));
        series.add(8, 1001 * DAY);
        assert_eq!(series.ceiling(), 64);
    }

    #[test]
    fn a_tainted_hour_makes_nothing_usual_and_the_next_does() {
        let mut series = Series::default();
        series.add(640, 1000 * DAY);
        series.taint();
        series.add(8, 1000 * DAY + HOUR);
        series.add(1, 1001 * DAY);
        assert_eq!(series.ceiling(), 8);
    }
}
