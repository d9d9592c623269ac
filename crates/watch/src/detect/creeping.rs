//! More each day, slowly.

use super::{Detector, Family, nothing_before};
use crate::{crept::Rise, habit::DAY, look::Look, seen::Became, series::unfold, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "creeping",
    reason: "on several days in a row more goes out than on any day before",
    family: Family::Much,
    before: nothing_before,
    after,
    words: |now, before| {
        format!(
            "at least {now} rows, or as many kilobytes, on each of several days in a row; the most on a day before was {before}"
        )
    },
};

/// How often what went out had doubled, summed over the days, in eighths: half as much again on
/// three days, four times as much on as many, or twice as much on six.
const TOLD: u32 = 14;
const MUCH: u32 = 28;
const ASKED: u32 = 48;

fn after(look: &Look<'_>, _: &Became) -> Option<Weight> {
    let profile = look.profile;
    if look.learning || look.now.saturating_sub(profile.born) < 14 * DAY {
        return None;
    }
    let Rise { eighths, least, before } = profile.crept.today(&profile.rows, &profile.kilobytes, look.now);
    let points = match eighths {
        ..TOLD => return None,
        TOLD..MUCH => 20,
        MUCH..ASKED => 30,
        ASKED.. => 40,
    };
    Some(Weight::here(points, unfold(least), unfold(before)))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn what_cannot_be_counted_is_weighed() {
        let mut stage = Stage::settled();
        for _ in 0..3 {
            assert_eq!(stage.weight("creeping"), 0);
            stage.after_days(1).uncounted().rows(4_000).call("GET /orders");
        }
        assert_eq!(stage.weight("creeping"), 40);
    }

    #[test]
    fn where_nothing_counts_rows_little_is_less() {
        let mut stage = Stage::settled_uncounted();
        for _ in 0..4 {
            stage.after_days(1).rows(450).call("GET /orders");
        }
        assert_eq!(stage.weight("creeping"), 40);
        let mut counted = Stage::settled();
        for _ in 0..4 {
            counted.after_days(1).rows(450).call("GET /orders");
        }
        assert_eq!(counted.weight("creeping"), 0);
    }

    #[test]
    fn more_on_each_day_is_told_and_asked_about_when_it_goes_on() {
        let mut stage = Stage::settled_reading(400);
        let weights: Vec<u8> =
            (0..12).map(|_| stage.after_days(1).rows(5_400).call("GET /orders").weight("creeping")).collect();
        assert_eq!(weights[..3], [0, 0, 20], "{weights:?}");
        assert_eq!(weights[11], 40, "{weights:?}");
        assert!(weights.is_sorted() && weights[5] < 40, "{weights:?}");
        let mut twice = Stage::settled_reading(400);
        for _ in 0..7 {
            twice.after_days(1).rows(6_600).call("GET /orders");
        }
        assert_eq!(twice.weight("creeping"), 40, "twice as much is asked about after a week");
        twice.after_seconds(600).call("GET /orders");
        assert!(twice.stands >= Some(law::Severity::Warning) && twice.unusual);
        let mut up_and_down = Stage::settled_reading(400);
        for day in 0..12 {
            up_and_down.after_days(1).rows(if day % 3 == 2 { 3_000 } else { 6_600 }).call("GET /orders");
            assert_eq!(up_and_down.weight("creeping"), 0, "{day}");
        }
    }

    #[test]
    fn the_third_day_need_not_be_over() {
        let mut stage = Stage::settled();
        for _ in 0..2 {
            stage.after_days(1).rows(4_000).call("GET /orders");
        }
        assert_eq!(stage.after_days(1).rows(1_500).call("GET /orders").weight("creeping"), 0);
        assert_eq!(stage.after_seconds(3600).rows(1_500).call("GET /orders").weight("creeping"), 40);
    }

    #[test]
    fn days_that_go_on_like_this_are_no_measure_for_themselves() {
        let mut stage = Stage::settled();
        for day in 0..10 {
            stage.after_days(1).rows(4_000).call("GET /orders");
            assert_eq!(stage.weight("creeping") > 0, day >= 2, "{day}");
        }
        stage.after_seconds(3600).powers("export").call("GET /orders/export");
        assert!(stage.stands >= Some(law::Severity::Warning), "it is asked about before it goes out");
        let mut grown = Stage::settled();
        for _ in 0..30 {
            grown.after_days(1).rows(4_000).call("GET /orders");
        }
        assert_eq!(grown.weight("creeping"), 0, "after weeks it is as usual");
    }

    #[test]
    fn what_a_person_stands_for_is_told_no_more_and_the_next_rise_is() {
        let mut stage = Stage::settled();
        for _ in 0..3 {
            stage.after_days(1).rows(4_000).call("GET /orders");
        }
        assert!(stage.vouch("GET /orders"));
        for _ in 0..6 {
            stage.after_days(1).rows(4_000).call("GET /orders");
            assert_eq!(stage.weight("creeping"), 0);
        }
        for _ in 0..4 {
            stage.after_days(1).rows(20_000).call("GET /orders");
        }
        assert_eq!(stage.weight("creeping"), 40);
    }
}
