//! How a log is silent by its own rhythm, and where it is silent for longer.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::seen::Silence;

/// A shorter silence is not looked at, in hours.
const SHORTEST: i64 = 24;

/// So many gaps are told.
const MOST: usize = 16;

/// The silences that the rhythm does not explain, and the longest that it does, in hours.
///
/// Nights and weekends come again: where others are about as long as one, it is the rhythm. A
/// log that is too short to have one shows no gap.
pub(super) fn silences(hours: &BTreeSet<i64>) -> (Vec<Silence>, u32) {
    let pairs = hours.iter().zip(hours.iter().skip(1));
    let mut gaps: Vec<(i64, i64)> = pairs.map(|(from, to)| (*from + 1, *to)).filter(|(from, to)| to > from).collect();
    let length = |(from, to): &(i64, i64)| to - from;
    gaps.sort_by_key(|gap| std::cmp::Reverse(length(gap)));
    let span = hours.first().zip(hours.last()).map_or(0, |(first, last)| last - first + 1);
    let (mut found, mut rhythm) = (Vec::new(), 0);
    for (at, gap) in gaps.iter().enumerate() {
        let long = length(gap);
        // Others of at least half its length: what comes once a week or more often is a habit.
        let alike = gaps.iter().enumerate().filter(|(other, gap)| *other != at && length(gap) * 2 > long).count();
        let weeks = usize::try_from((span - long) / 168).unwrap_or(0);
        let rare = weeks >= 2 && alike * 3 <= weeks;
        let lone = span - long >= 48 && gaps.get(1).is_none_or(|next| length(next) * 8 <= long);
        if long >= SHORTEST && (rare || lone && at == 0) && found.len() < MOST {
            found.push(*gap);
        } else if alike > 0 {
            // It came again.
            rhythm = long;
            break;
        }
    }
    found.sort_unstable();
    let at = |hour: i64| Timestamp::from_second(hour * 3600).unwrap_or(Timestamp::UNIX_EPOCH);
    let found = found.into_iter().map(|(from, to)| Silence { from: at(from), to: at(to) }).collect();
    (found, u32::try_from(rhythm).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hours of so many days that are wanted.
    fn hours(days: i64, wanted: impl Fn(i64, i64) -> bool) -> BTreeSet<i64> {
        (0..days * 24).filter(|hour| wanted(hour / 24, hour % 24)).map(|hour| 480_000 + hour).collect()
    }

    fn gaps(hours: &BTreeSet<i64>) -> Vec<i64> {
        silences(hours).0.iter().map(|gap| (gap.to.as_second() - gap.from.as_second()) / 3600).collect()
    }

    #[test]
    fn nights_and_weekends_are_no_gaps() {
        for days in [2, 5, 10, 21, 60] {
            assert!(gaps(&hours(days, |_, _| true)).is_empty(), "{days} days without rest");
            assert!(gaps(&hours(days, |_, hour| (8..18).contains(&hour))).is_empty(), "{days} days with nights");
            let week = hours(days, |day, hour| day % 7 < 5 && (8..18).contains(&hour));
            assert!(gaps(&week).is_empty(), "{days} days with weekends");
            assert!(gaps(&hours(days, |day, hour| day % 7 == 0 && hour == 3)).is_empty(), "{days} days, once a week");
        }
        assert!(gaps(&BTreeSet::new()).is_empty());
        assert_eq!(silences(&hours(21, |day, hour| day % 7 < 5 && (8..18).contains(&hour))).1, 62);
    }

    #[test]
    fn what_no_rhythm_explains_is_a_gap() {
        assert_eq!(gaps(&hours(30, |day, _| day != 12)), [24]);
        assert_eq!(gaps(&hours(30, |day, _| !(12..15).contains(&day) && !(20..22).contains(&day))), [72, 48]);
        let holiday = hours(90, |day, hour| day % 7 < 5 && (8..18).contains(&hour) && !(28..42).contains(&day));
        assert_eq!(gaps(&holiday), [24 * 16 + 14]);
        assert_eq!(gaps(&hours(7, |day, _| !(2..5).contains(&day))), [72], "a short log without any rest");
    }
}
