//! What of the sealed record goes, and in which order.

use jiff::{SignedDuration, Timestamp};
use law::Span;

use crate::Segment;

/// Segments that are to go.
pub(crate) struct Due {
    /// They were kept long enough.
    pub(crate) old: Vec<Segment>,
    /// They were to be kept longer, and there is no room.
    pub(crate) over: Vec<Segment>,
    /// What is there without those that were kept long enough, in bytes.
    pub(crate) bytes: u64,
}

/// Who is due of these segments, each with what it takes on disk together with what goes with it,
/// in bytes. `day` is what is gone by as now; `keep` says how long a segment is kept.
///
/// Where there is no room, a flood must not wash out what it came to hide: calls that were stopped
/// go first, for anybody can make those; then what is kept shortest, and of that the oldest. So
/// what is sensitive goes when nothing else is left.
pub(crate) fn due(
    there: Vec<(Segment, u64)>,
    cap: u64,
    day: Timestamp,
    keep: impl Fn(&Segment) -> Option<Span>,
) -> Due {
    let (old, mut left): (Vec<_>, Vec<_>) =
        there.into_iter().partition(|(segment, _)| is_over(keep(segment), segment.to, day));
    let bytes = left.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
    left.sort_by_key(|(segment, _)| {
        let keep = keep(segment);
        (!segment.stopped, keep.is_none(), keep, segment.to)
    });
    let mut over = bytes.saturating_sub(cap);
    let going = left.into_iter().take_while(|(_, bytes)| {
        let goes = over > 0;
        over = over.saturating_sub(*bytes);
        goes
    });
    let segment = |(segment, _)| segment;
    Due { over: going.map(segment).collect(), old: old.into_iter().map(segment).collect(), bytes }
}

fn is_over(keep: Option<Span>, to: Timestamp, now: Timestamp) -> bool {
    let end = keep.and_then(|keep| to.checked_add(SignedDuration::from(keep)).ok());
    end.is_some_and(|end| end < now)
}

#[cfg(test)]
mod tests {
    use law::{Power, Powers};
    use proptest::prelude::*;

    use super::*;
    use crate::testing;

    /// A segment of 100 bytes whose last call is of this second; what is sensitive is kept longer.
    fn segment(second: u64, sensitive: bool, stopped: bool) -> Segment {
        let power = if sensitive { Power::Mint } else { Power::Read };
        let at = testing::call(second).at;
        Segment {
            file: format!("{second}-{sensitive}-{stopped}"),
            bytes: 100,
            sha256: seal::Hash::EMPTY,
            root: seal::Hash::EMPTY,
            entries: 1,
            calls: 1,
            notes: 0,
            from: at,
            to: at,
            powers: Powers::from(power),
            stopped,
        }
    }

    fn keep(segment: &Segment) -> Option<Span> {
        Some(if segment.powers.is_sensitive() { Span::days(400) } else { Span::days(90) })
    }

    #[test]
    fn a_flood_does_not_wash_out_what_is_sensitive() {
        // A deed, and then a flood: refused requests that count for every power, and readings.
        let mut there = vec![segment(1, true, false)];
        there.extend((2..50).map(|second| segment(second, true, true)));
        there.extend((50..60).map(|second| segment(second, false, false)));
        let day = testing::call(100).at;
        let there: Vec<(Segment, u64)> = there.into_iter().map(|segment| (segment, 100)).collect();
        for (cap, left) in [(4000, 40), (1100, 11), (300, 3), (100, 1)] {
            let due = due(there.clone(), cap, day, keep);
            assert_eq!((due.old.len(), due.over.len(), due.bytes), (0, there.len() - left, 5900));
            assert!(due.over.iter().all(|gone| gone.to != testing::call(1).at), "the deed is there at {cap}");
        }
        assert_eq!(due(there.clone(), 99, day, keep).over.len(), there.len());
        assert_eq!(due(there, 5900, day, keep).over, []);
    }

    proptest! {
        #[test]
        fn nothing_goes_while_there_is_room_and_nobody_before_who_is_kept_shorter(
            kinds in prop::collection::vec((any::<bool>(), any::<bool>(), 0_u64..20_000_000), 0..60),
            cap in 0_u64..7000,
        ) {
            let there: Vec<Segment> = kinds.iter().map(|(one, two, second)| segment(*second, *one, *two)).collect();
            let weighed = there.iter().map(|segment| (segment.clone(), 100)).collect();
            let Due { old, over, bytes } = due(weighed, cap, testing::call(20_000_000).at, keep);
            let is_in = |list: &[Segment], one: &Segment| list.contains(one);
            let left: Vec<&Segment> = there.iter().filter(|one| !is_in(&old, one) && !is_in(&over, one)).collect();
            prop_assert!(bytes > cap || over.is_empty());
            prop_assert!(left.iter().map(|one| one.bytes).sum::<u64>() <= cap);
            for gone in &over {
                for other in &left {
                    let rank = |one: &Segment| (!one.stopped, keep(one), one.to);
                    prop_assert!(rank(gone) <= rank(other));
                }
            }
        }
    }
}
