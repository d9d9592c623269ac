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

const LITTLE: u32 = 2_000;

fn after(look: &Look<'_>, _: &Became) -> Option<Weight> {
    let profile = look.profile;
    // Once a day is enough: with the first call of the day that is not alone.
    if look.learning || look.now.saturating_sub(profile.born) < 14 * DAY {
        return None;
    }
    creeps(&profile.rows).max(creeps(&profile.kilobytes)).map(|(now, before)| Weight::here(20, now, before))
}

/// Three such days are held against the key for so many more: who takes ever more must not have
/// made it usual when he takes the rest.
const HELD: usize = 14;

/// The least of three days in a row, and the most before, where it is beyond all.
fn creeps(series: &Series) -> Option<(u32, u32)> {
    let past: Vec<u32> = series.past().collect();
    if past.iter().all(|day| *day < LITTLE) {
        return None;
    }
    let beyond = |(at, three): (usize, &[u32])| {
        let now = three.iter().copied().min().unwrap_or(0);
        let before = || past.iter().skip(at + 3).copied();
        let most = before().max().unwrap_or(0);
        (now >= LITTLE && now > most.saturating_add(most / 2) && before().filter(|day| *day > 0).count() >= 7)
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
