//! How long keys live, and how often they are really exchanged.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    Settings,
    estate::{Estate, Ix, Key},
    moment,
};

/// Where ages and lifetimes are parted, in days.
const PARTS: [u32; 7] = [30, 90, 180, 365, 730, 1095, 1825];

/// The cadence of an estate's keys.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cadence {
    /// How old the living keys are.
    pub ages: Lengths,
    /// Living keys of which no input says how old they are.
    pub age_unknown: usize,
    /// How long those lived that are over: to their end, or to their last use where they were
    /// switched off.
    pub lifetimes: Lengths,
    /// Living keys older than the limit, none of whose holder's keys is over: as far as the
    /// inputs show, nothing was ever exchanged.
    pub never_exchanged: usize,
    /// Which ones those are.
    #[serde(skip)]
    pub never: HashSet<Ix>,
}

/// How lengths of time are spread.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Lengths {
    /// How many there are.
    pub keys: usize,
    /// Half of them are no longer than this, in days.
    pub median: Option<u32>,
    /// Nine of ten are no longer than this, in days.
    pub nine_of_ten: Option<u32>,
    /// The greatest, in days.
    pub longest: Option<u32>,
    /// How many of each length; none is counted twice.
    pub parts: Vec<Part>,
}

/// How many are of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Longer than this, in days; none for the shortest.
    pub above: Option<u32>,
    /// At most this, in days; none for the longest.
    pub up_to: Option<u32>,
    /// How many keys.
    pub keys: usize,
}

impl Part {
    /// Its days, such as `31 to 90 days`.
    pub fn days(self) -> String {
        match (self.above, self.up_to) {
            (above, Some(up_to)) => format!("{} to {up_to} days", above.map_or(0, |above| above + 1)),
            (above, None) => format!("more than {} days", above.unwrap_or_default()),
        }
    }
}

impl Cadence {
    pub(super) fn of(estate: &Estate, settings: &Settings) -> Self {
        let now = settings.as_of;
        let living = || estate.keys.iter().enumerate().filter(|(_, key)| key.lives(now));
        let age = |key: &Key| key.born.at().and_then(|born| moment::days(born, now));
        let over = || estate.keys.iter().filter(|key| !key.lives(now));
        let exchanged: HashSet<Ix> = over().flat_map(|key| key.holders.iter().copied()).collect();
        let never: HashSet<Ix> = living()
            .filter(|(_, key)| age(key).is_some_and(|age| age > settings.longest))
            .filter(|(_, key)| !key.holders.is_empty() && !key.holders.iter().any(|holder| exchanged.contains(holder)))
            .map(|(ix, _)| ix)
            .collect();
        Self {
            ages: Lengths::of(living().filter_map(|(_, key)| age(key)).collect()),
            age_unknown: living().filter(|(_, key)| age(key).is_none()).count(),
            lifetimes: Lengths::of(over().filter_map(|key| lived(key, now)).collect()),
            never_exchanged: never.len(),
            never,
        }
    }
}

/// How long a key lived that is over, as far as the inputs show.
fn lived(key: &Key, now: Timestamp) -> Option<u32> {
    let ended = key.end.at().filter(|end| *end <= now);
    let over = ended.into_iter().chain(key.last_use.at()).min()?;
    moment::days(key.born.at()?, over)
}

impl Lengths {
    fn of(mut days: Vec<u32>) -> Self {
        days.sort_unstable();
        // The value up to which so many of a hundred reach.
        let at = |percent: usize| days.get((days.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        let bounds = std::iter::once(None).chain(PARTS.map(Some));
        let parts = bounds.zip(PARTS.map(Some).into_iter().chain([None])).map(|(above, up_to)| {
            let within = |day: &&u32| above.is_none_or(|above| **day > above) && up_to.is_none_or(|to| **day <= to);
            Part { above, up_to, keys: days.iter().filter(within).count() }
        });
        let parts = parts.collect();
        Self { keys: days.len(), median: at(50), nine_of_ten: at(90), longest: days.last().copied(), parts }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::{Audit, report::Report};

    fn report(rows: &str) -> Report {
        let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
        assert!(audit.read("keys.csv", Cursor::new(rows.to_owned().into_bytes())));
        audit.finish()
    }

    #[test]
    fn every_length_is_counted_once() {
        let lengths = Lengths::of(vec![0, 30, 31, 90, 91, 1825, 1826, 9000]);
        let keys: Vec<usize> = lengths.parts.iter().map(|part| part.keys).collect();
        assert_eq!(keys, [2, 2, 1, 0, 0, 0, 1, 2]);
        assert_eq!((lengths.median, lengths.nine_of_ten, lengths.longest), (Some(90), Some(9000), Some(9000)));
        assert_eq!(lengths.parts[0].days(), "0 to 30 days");
        assert_eq!(lengths.parts[1].days(), "31 to 90 days");
        assert_eq!(lengths.parts[7].days(), "more than 1825 days");
        assert_eq!(Lengths::of(Vec::new()).median, None);
    }

    #[test]
    fn whoever_has_a_key_that_is_over_has_exchanged_one() {
        let cadence = report(
            "key,holder,created,expires,last_used,status\n\
             a,ann,2020-01-01,never,2026-11-01,active\n\
             b,bob,2020-01-01,never,2026-11-01,active\n\
             old,bob,2019-01-01,2020-01-01,2019-12-30,active\n\
             c,carl,2026-11-01,never,2026-11-02,active\n\
             d,,2020-01-01,never,2026-11-01,active\n\
             e,eve,,never,,active\n\
             off,eve,2026-01-01,never,2026-01-11,disabled\n",
        )
        .figures
        .cadence;
        assert_eq!(cadence.never_exchanged, 1, "ann's alone: of nobody's it cannot be told");
        assert_eq!((cadence.ages.keys, cadence.age_unknown), (4, 1));
        assert_eq!((cadence.lifetimes.keys, cadence.lifetimes.median), (2, Some(10)));
        assert_eq!(cadence.lifetimes.longest, Some(363), "its last use came before its end");
    }
}
