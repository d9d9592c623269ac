//! More data within an hour, or a day, than ever.

use super::{Detector, Family, nothing_before};
use crate::{look::Look, seen::Became, series::Series, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "volume",
    reason: "many more rows or bytes go out within an hour, or a day, than ever did with this key",
    family: Family::Much,
    before: nothing_before,
    after,
    words: |now, before| {
        format!("{now} rows, or as many kilobytes, within an hour or a day; the most before was {before}")
    },
};

/// Less than so much in an hour, or a day, is no loss.
const LITTLE: u32 = 1_000;
const LITTLE_A_DAY: u32 = 2_000;

/// From a network where the key never was, by what it never asked for, less is one.
const LITTLE_ELSEWHERE: u32 = 250;

/// So many kilobytes are much for anybody: one large file is less.
const LARGE: u32 = 100_000;

fn after(look: &Look<'_>, _: &Became) -> Option<Weight> {
    if look.learning && !look.is_elsewhere_while_new() {
        return None;
    }
    let little = if look.new.network && look.new.operation { LITTLE_ELSEWHERE } else { LITTLE };
    let rows = beyond(look, &look.profile.rows, little);
    let kilobytes = beyond(look, &look.profile.kilobytes, LITTLE);
    let large = kilobytes.1 >= LARGE || rows.0 >= 20;
    let (times, now, before) = rows.max(kilobytes);
    let points = match times {
        0..=3 => return None,
        4..=9 => 20,
        // So much is asked about wherever it goes.
        20.. if large => 40,
        10..=39 => 25,
        _ => 30,
    };
    let points = if look.learning { 40 } else { points };
    Some(Weight::here(look.much(points), now, before))
}

/// How many times as much there was within this hour, or this day, as ever: with both numbers.
fn beyond(look: &Look<'_>, series: &Series, little: u32) -> (u32, u32, u32) {
    let (now, before) = (series.this_hour(look.now), series.ceiling());
    let hour = (if now < little { 0 } else { now / before.max(little / 4).max(1) }, now, before);
    let (now, before) = series.this_day(look.now);
    hour.max((if now < LITTLE_A_DAY { 0 } else { now / before.max(LITTLE_A_DAY / 4) }, now, before))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn ten_times_as_much_is_told_and_in_the_next_month_it_is_not() {
        let mut stage = Stage::settled();
        stage.rows(500).call("GET /orders");
        stage.after_days(1);
        assert!(stage.rows(5_000).call("GET /orders").weight("volume") >= 20);
        assert_eq!(stage.after_days(30).rows(5_000).call("GET /orders").weight("volume"), 0);
    }

    #[test]
    fn what_goes_out_slowly_all_day_is_told_as_well() {
        let mut stage = Stage::settled();
        for _ in 0..6 {
            assert_eq!(stage.weight("volume"), 0);
            stage.after_seconds(3600).rows(350).call("GET /orders");
        }
        assert_eq!(stage.weight("volume"), 20);
    }
}
