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
            "at least {now} rows, or as many kilobytes, on each of the last three days; the most on a day before was {before}"
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

/// The least of the last three days, and the most before, where it is beyond all.
fn creeps(series: &Series) -> Option<(u32, u32)> {
    let mut past = series.past();
    let three = [past.next()?, past.next()?, past.next()?];
    let now = three.into_iter().min().unwrap_or(0);
    let (mut before, mut days) = (0, 0);
    for day in past {
        before = before.max(day);
        days += u32::from(day > 0);
    }
    let beyond = now >= LITTLE && days >= 7 && now > before.saturating_add(before / 2);
    beyond.then_some((now, before))
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
}
