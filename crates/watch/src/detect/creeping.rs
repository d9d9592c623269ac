//! More each day, slowly.

use super::{Detector, Family, nothing_before};
use crate::{habit::DAY, look::Look, seen::Became, series::Series, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "creeping",
    reason: "on several days in a row more goes out than on any day before",
    family: Family::Much,
    before: nothing_before,
    after,
    words: |now, before| {
        format!(
            "at least {now} rows, or as many kilobytes, on each of three days in a row; the most on a day before was {before}"
        )
    },
};

/// Less on a day is no loss: so many rows, or as many kilobytes; where rows are not counted, the
/// kilobytes that such rows have.
const LITTLE: u32 = 2_000;
const LITTLE_UNCOUNTED: u32 = 400;

fn after(look: &Look<'_>, _: &Became) -> Option<Weight> {
    let profile = look.profile;
    // Once a day is enough: with the first call of the day that is not alone.
    if look.learning || look.now.saturating_sub(profile.born) < 14 * DAY {
        return None;
    }
    let rows: Vec<u32> = profile.rows.past().collect();
    let of_rows = creeps(&profile.rows, |_| LITTLE);
    // Where nobody counted rows on these days, kilobytes tell.
    let uncounted = |at: usize| rows.iter().skip(at).take(3).all(|day| *day == 0);
    let of_kilobytes = creeps(&profile.kilobytes, |at| if uncounted(at) { LITTLE_UNCOUNTED } else { LITTLE });
    of_rows.max(of_kilobytes).map(|(now, before)| Weight::here(20, now, before))
}

/// Three such days are held against the key for so many more: who takes ever more must not have
/// made it usual when he takes the rest.
const HELD: usize = 14;

/// The least of three days in a row, and the most before, where it is beyond all.
fn creeps(series: &Series, little: impl Fn(usize) -> u32) -> Option<(u32, u32)> {
    let past: Vec<u32> = series.past().collect();
    if past.iter().all(|day| *day < LITTLE_UNCOUNTED) {
        return None;
    }
    let beyond = |(at, three): (usize, &[u32])| {
        let now = three.iter().copied().min().unwrap_or(0);
        let before = || past.iter().skip(at + 3).copied();
        let most = before().max().unwrap_or(0);
        (now >= little(at) && now > most.saturating_add(most / 2) && before().filter(|day| *day > 0).count() >= 7)
            .then_some((now, most))
    };
    past.windows(3).enumerate().take(HELD).find_map(beyond)
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn what_cannot_be_counted_is_weighed() {
        let mut stage = Stage::settled();
        for _ in 0..3 {
            stage.after_days(1).uncounted().rows(4_000).call("GET /orders");
        }
        assert_eq!(stage.after_days(1).call("GET /orders").weight("creeping"), 20);
    }

    #[test]
    fn where_nothing_counts_rows_little_is_less() {
        let mut stage = Stage::settled_uncounted();
        for _ in 0..4 {
            stage.after_days(1).rows(450).call("GET /orders");
        }
        assert_eq!(stage.weight("creeping"), 20);
        let mut counted = Stage::settled();
        for _ in 0..4 {
            counted.after_days(1).rows(450).call("GET /orders");
        }
        assert_eq!(counted.weight("creeping"), 0);
    }

    #[test]
    fn three_days_beyond_all_others_are_told() {
        let mut stage = Stage::settled();
        for _ in 0..3 {
            stage.after_days(1).rows(4_000).call("GET /orders");
        }
        assert_eq!(stage.weight("creeping"), 0, "the third day is not over");
        assert_eq!(stage.after_days(1).call("GET /orders").weight("creeping"), 20);
    }

    #[test]
    fn days_that_go_on_like_this_are_no_measure_for_themselves() {
        let mut stage = Stage::settled();
        for day in 0..10 {
            stage.after_days(1).rows(4_000).call("GET /orders");
            assert_eq!(stage.weight("creeping") > 0, day >= 3, "{day}");
        }
        stage.after_seconds(3600).powers("export").call("GET /orders/export");
        assert!(stage.stands >= Some(law::Severity::Warning), "it is asked about before it goes out");
        let mut grown = Stage::settled();
        for _ in 0..25 {
            grown.after_days(1).rows(4_000).call("GET /orders");
        }
        assert_eq!(grown.weight("creeping"), 0, "after weeks it is as usual");
    }
}
