//! One thing that speaks against a call, and what several of them weigh together.

use serde::{Deserialize, Serialize};

use crate::{
    detect::{DETECTORS, Family},
    habit::{DAY, HOUR, Minute},
};

/// What a detector saw: how much it weighs in tenths of a point, and two numbers for its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weight {
    pub(crate) points: u8,
    /// Whether it speaks against the key wherever it calls from, and not against this source alone.
    pub(crate) anywhere: bool,
    pub(crate) a: u32,
    pub(crate) b: u32,
}

impl Weight {
    /// Speaks against calls from this source.
    pub(crate) const fn here(points: u8, a: u32, b: u32) -> Self {
        Self { points, anywhere: false, a, b }
    }

    /// Speaks against the key.
    pub(crate) const fn anywhere(points: u8, a: u32, b: u32) -> Self {
        Self { points, anywhere: true, a, b }
    }
}

/// A weight that is remembered for a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Signal {
    pub(crate) detector: u8,
    pub(crate) points: u8,
    /// Whether it speaks against the key wherever it calls from.
    pub(crate) anywhere: bool,
    /// The block of the call that showed it.
    pub(crate) place: u32,
    pub(crate) at: Minute,
    pub(crate) a: u32,
    pub(crate) b: u32,
}

/// Together they weigh at most so much: new surroundings alone are no attack.
const MOST_OF_WHERE: u32 = 35;

/// The same of what counts how much there was: many rows, many things and many changes are one burst.
const MOST_OF_MUCH: u32 = 30;

impl Signal {
    /// Full for an hour, half for a day.
    pub(crate) fn weighs(&self, now: Minute) -> u32 {
        match now.saturating_sub(self.at) {
            0..=HOUR => u32::from(self.points),
            age if age <= DAY => u32::from(self.points) / 2,
            _ => 0,
        }
    }

    pub(crate) fn speaks_against(&self, place: u32) -> bool {
        self.anywhere || self.place == place
    }

    /// Whether it is another sight of the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.detector == other.detector
            && self.anywhere == other.anywhere
            && (self.anywhere || self.place == other.place)
    }
}

/// What is held against one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    /// The heaviest of each detector.
    pub(crate) parts: Vec<Signal>,
    pub(crate) points: u32,
    families: u8,
}

impl Case {
    /// What was held against calls from there within a day, whole: it does not fade by waiting.
    pub(crate) fn ever(signals: impl Iterator<Item = Signal>, place: u32, now: Minute) -> u32 {
        let fresh = signals.filter(|signal| signal.weighs(now) > 0);
        Self::of(fresh.map(|signal| Signal { at: now, ..signal }), place, now).points
    }

    pub(crate) fn of(signals: impl Iterator<Item = Signal>, place: u32, now: Minute) -> Self {
        let mut parts: Vec<Signal> = Vec::new();
        for signal in signals.filter(|signal| signal.speaks_against(place) && signal.weighs(now) > 0) {
            match parts.iter_mut().find(|part| part.detector == signal.detector) {
                Some(part) if part.weighs(now) < signal.weighs(now) => *part = signal,
                Some(_) => {}
                None => parts.push(signal),
            }
        }
        parts.sort_by_key(|part| (std::cmp::Reverse(part.weighs(now)), part.detector));
        let (mut points, mut families) = (0, 0);
        let mut bounded = [(Family::Where, MOST_OF_WHERE, 0, 0), (Family::Much, MOST_OF_MUCH, 0, 0)];
        for part in &parts {
            let (family, weight) = (family(part), part.weighs(now));
            families |= 1 << family as u8;
            match bounded.iter_mut().find(|(bounded, ..)| *bounded == family) {
                Some((_, _, sum, heaviest)) => (*sum, *heaviest) = (*sum + weight, weight.max(*heaviest)),
                None => points += weight,
            }
        }
        points += bounded.into_iter().map(|(_, most, sum, heaviest)| sum.min(most.max(heaviest))).sum::<u32>();
        Self { parts, points, families }
    }

    pub(crate) fn has(&self, family: Family) -> bool {
        self.families & 1 << family as u8 != 0
    }

    pub(crate) fn families(&self) -> u32 {
        self.families.count_ones()
    }
}

fn family(signal: &Signal) -> Family {
    DETECTORS.get(usize::from(signal.detector)).map_or(Family::What, |detector| detector.family)
}
