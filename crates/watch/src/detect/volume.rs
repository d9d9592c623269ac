//! More data within an hour, or a day, than ever.

use super::{Detector, Family, nothing_before};
use crate::{habit::Minute, look::Look, profile::Profile, seen::Became, series::Series, signal::Weight};

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
    let (elsewhere, moved) = (look.is_elsewhere_while_new(), look.is_in_new_network_while_new());
    if look.learning && !elsewhere && !moved {
        return None;
    }
    let Profile { rows, kilobytes, .. } = look.profile;
    let little = if look.new.network && look.new.operation { LITTLE_ELSEWHERE } else { LITTLE };
    let of_rows = Beyond::of(rows, little, look.now);
    let of_kilobytes = Beyond::of(kilobytes, LITTLE, look.now);
    // One large answer may be a file. Several are so many rows that nobody counted.
    let several = look.profile.largest_answer(look.now).saturating_mul(2) <= kilobytes.this_hour(look.now);
    let uncounted = several && rows.this_day(look.now).0 == 0;
    let rows = (of_rows.points(true), of_rows);
    let kilobytes = (of_kilobytes.points(uncounted || of_kilobytes.now >= LARGE), of_kilobytes);
    let (points, most) = if kilobytes.0 > rows.0 { kilobytes } else { rows };
    let points = match look.learning {
        true if elsewhere && points > 0 => 40,
        // Who only moves begins with little or with much: it takes more to be strange.
        true if points < 40 => 0,
        _ => points,
    };
    (points > 0).then(|| Weight::here(look.much(points), most.now, most.before))
}

/// How much there was within this hour, or this day, and as ever.
#[derive(Clone, Copy)]
struct Beyond {
    times: u32,
    now: u32,
    before: u32,
    /// The days before were as one another.
    steady: bool,
}

impl Beyond {
    fn of(series: &Series, little: u32, at: Minute) -> Self {
        let times =
            |now: u32, before: u32, little: u32| if now < little { 0 } else { now / before.max(little / 4).max(1) };
        let (hour, most) = (series.this_hour(at), series.ceiling());
        let of_hour = Self { times: times(hour, most, little), now: hour, before: most, steady: false };
        let (day, most) = series.this_day(at);
        let of_day = Self { times: times(day, most, LITTLE_A_DAY), now: day, before: most, steady: false };
        let (more, steady) = if of_day.times > of_hour.times {
            (of_day, Series::days_are_steady as fn(&Series) -> bool)
        } else {
            (of_hour, Series::hours_are_steady as fn(&Series) -> bool)
        };
        Self { steady: more.times >= 4 && steady(series), ..more }
    }

    /// So much is asked about wherever it goes, where it is `plenty`: of who takes as much each
    /// day it takes less to be so.
    const fn points(&self, plenty: bool) -> u8 {
        match self.times {
            0..=3 => 0,
            8.. if self.steady && plenty => 40,
            20.. if plenty => 40,
            4..=9 => 20,
            10..=39 => 25,
            _ => 30,
        }
    }
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

    #[test]
    fn who_takes_as_much_each_day_is_asked_when_it_is_eight_times_as_much() {
        let mut steady = Stage::settled_reading(400);
        assert_eq!(steady.rows(2_500).call("GET /orders").weight("volume"), 20);
        assert_eq!(steady.rows(2_500).call("GET /orders").weight("volume"), 40);
        assert!(steady.call("GET /orders").stands >= Some(law::Severity::Warning) && steady.unusual);
        let mut bursts = Stage::settled_reading(400);
        bursts.rows(1_100).call("GET /orders").after_days(1);
        assert_eq!(bursts.rows(9_000).call("GET /orders").weight("volume"), 20, "of who does not, it takes more");
    }

    #[test]
    fn many_answers_that_nobody_counted_are_many_rows_and_one_is_a_file() {
        let mut pages = Stage::settled_uncounted();
        for _ in 0..30 {
            pages.after_seconds(20).rows(300).call("GET /orders");
        }
        assert_eq!(pages.weight("volume"), 40);
        let mut file = Stage::settled_uncounted();
        assert!(file.rows(9_000).call("GET /orders").weight("volume") < 40);
    }

    #[test]
    fn a_young_key_that_moves_may_take_some_and_not_everything() {
        let young = || {
            let mut stage = Stage::young();
            for _ in 0..12 {
                stage.after_seconds(8 * 3600).call("GET /orders");
            }
            stage.from("203.0.113.66");
            stage
        };
        assert_eq!(young().rows(2_000).call("GET /orders").weight("volume"), 0);
        let mut thief = young();
        for _ in 0..30 {
            thief.rows(200).call("GET /orders");
        }
        assert_eq!(thief.weight("volume"), 40);
        let mut home = young();
        home.from("198.51.100.7");
        for _ in 0..30 {
            home.rows(200).call("GET /orders");
        }
        assert_eq!(home.weight("volume"), 0, "where it always was it learns what is much");
    }
}
