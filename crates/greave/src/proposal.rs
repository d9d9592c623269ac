//! Proposes ends for keys that have none, or one past the limit: spread over a time, so that nobody has to
//! change all of them in one week. Pure: the same keys on the same day get the same ends.

use authority::Digest;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use law::{KeyId, Span};

/// No key ends within so many days: people must have time to see it coming.
pub(crate) const SPARED: u32 = 7;

/// Ends lie in these minutes of a day (UTC), when more people are at work than at night.
const OPENS: i64 = 8 * 60;
const MINUTES: i64 = 8 * 60;

/// A key that needs an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) key: KeyId,
    /// When it was last used, as far as is known.
    pub(crate) used: Option<Timestamp>,
}

/// An end for each of these keys, in their order; none where the time has no room for them.
///
/// Keys that were not used for longest end first, and those that are in use last: what breaks
/// when an idle key ends breaks little, and meanwhile those who use the others are told. Within
/// its place in the row a key's end is jittered by its id and the day.
pub(crate) fn propose(candidates: &[Candidate], today: Date, within: Span) -> Option<Vec<Timestamp>> {
    let days = i64::from(within.as_secs() / 86_400);
    let (first, count) = (i64::from(SPARED) + 1, i64::try_from(candidates.len()).ok()?);
    let slots = (days - first) * MINUTES;
    if slots <= 0 {
        return None;
    }
    let mut row: Vec<(usize, &Candidate)> = candidates.iter().enumerate().collect();
    // Never used comes first; of what was used alike, chance decides.
    row.sort_by_key(|(_, Candidate { key, used })| (*used, chance(*key, today)));
    let midnight = today.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let mut ends = vec![midnight; candidates.len()];
    for (rank, (place, candidate)) in (0_i64..).zip(row) {
        let jitter = i64::from(chance(candidate.key, today));
        let (slots, count) = (i128::from(slots), i128::from(count));
        // Each rank has its own part of the time, and the key a place within it.
        let slot = (i128::from(rank) * slots + ((i128::from(jitter) * slots) >> 32)) / count;
        let slot = i64::try_from(slot).ok()?;
        let minutes = (first + slot / MINUTES) * 24 * 60 + OPENS + slot % MINUTES;
        *ends.get_mut(place)? = midnight.saturating_add(SignedDuration::from_mins(minutes)).ok()?;
    }
    Some(ends)
}

/// The same for a key on a day, and like any other.
fn chance(key: KeyId, today: Date) -> u32 {
    let Digest(bytes) = Digest::of(format!("greave expiry 1\n{key}\n{today}\n").as_bytes());
    bytes.first_chunk().map_or(0, |first| u32::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn any_candidates() -> impl Strategy<Value = Vec<Candidate>> {
        let used = prop::option::of(0..400_i64);
        prop::collection::hash_map(1..5_000_u64, used, 0..60).prop_map(|keys| {
            let at = |day: i64| Timestamp::from_second(1_790_000_000 + day * 86_400).unwrap();
            keys.into_iter().map(|(key, used)| Candidate { key: KeyId(key), used: used.map(at) }).collect()
        })
    }

    const TODAY: Date = date(2026, 11, 29);

    fn day_of(end: Timestamp) -> i64 {
        let midnight = TODAY.to_zoned(TimeZone::UTC).unwrap().timestamp();
        end.duration_since(midnight).as_hours() / 24
    }

    proptest! {
        #[test]
        fn every_end_lies_within_the_time_and_none_in_its_first_days(
            candidates in any_candidates(), days in 9..400_u32,
        ) {
            let ends = propose(&candidates, TODAY, Span::days(days)).unwrap();
            prop_assert_eq!(ends.len(), candidates.len());
            for end in ends {
                prop_assert!((8..i64::from(days)).contains(&day_of(end)), "{end}");
                let hour = end.to_zoned(TimeZone::UTC).hour();
                prop_assert!((8..16).contains(&hour), "{end}");
            }
        }

        #[test]
        fn what_was_used_later_ends_no_earlier_and_the_order_of_the_keys_says_nothing(
            candidates in any_candidates(), days in 9..400_u32,
        ) {
            let within = Span::days(days);
            let ends = propose(&candidates, TODAY, within).unwrap();
            let mut row: Vec<(Option<Timestamp>, Timestamp)> =
                candidates.iter().map(|it| it.used).zip(ends.iter().copied()).collect();
            row.sort_unstable();
            for pair in row.windows(2) {
                prop_assert!(pair[0].0 == pair[1].0 || pair[0].1 <= pair[1].1, "{pair:?}");
            }
            let mut turned = candidates.clone();
            turned.reverse();
            let mut again = propose(&turned, TODAY, within).unwrap();
            again.reverse();
            prop_assert_eq!(ends, again);
        }
    }

    #[test]
    fn many_keys_are_spread_evenly_and_another_day_shuffles_what_is_alike() {
        let alike: Vec<Candidate> = (1..=8200).map(|key| Candidate { key: KeyId(key), used: None }).collect();
        let ends = propose(&alike, TODAY, Span::days(90)).unwrap();
        let mut days = [0; 90];
        ends.iter().for_each(|end| days[usize::try_from(day_of(*end)).unwrap()] += 1);
        // 82 days from the eighth on.
        assert!(days[8..].iter().all(|keys| (98..=102).contains(keys)), "{days:?}");
        assert_ne!(propose(&alike, date(2026, 11, 30), Span::days(90)).unwrap()[0], ends[0]);
        assert_eq!(propose(&alike, TODAY, Span::days(8)), None, "there is no room for an end");
        assert_eq!(propose(&[], TODAY, Span::days(90)), Some(Vec::new()));
    }
}
