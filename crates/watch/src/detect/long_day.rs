//! In use for many more hours of a day than ever, from elsewhere.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "long-day",
    reason: "from where it never called, the key is in use for many more hours of a day than it ever was",
    family: Family::When,
    before,
    after: nothing_after,
    words: |hours, before| format!("in {hours} different hours of the day; the most on a day before was {before}"),
};

/// So many hours more than ever.
const MORE: u32 = 3;

fn before(look: &Look<'_>) -> Option<Weight> {
    let (today, most) = (look.profile.awake.today(look.now), look.profile.awake.most());
    let long = look.new.network && !look.profile.roams(look.now) && look.profile.days >= 7 && today >= most + MORE;
    long.then_some(Weight::here(20, today, most))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn a_nightly_job_that_is_read_with_all_day_is_told_and_one_that_moves_is_not() {
        let mut stage = Stage::nightly();
        stage.from("203.0.113.66");
        for _ in 0..3 {
            assert_eq!(stage.call("GET /orders").weight("long-day"), 0);
            stage.after_seconds(3600);
        }
        assert_eq!(stage.call("GET /orders").weight("long-day"), 20);
        let mut moved = Stage::nightly();
        moved.from("203.0.113.66");
        for _ in 0..5 {
            assert_eq!(moved.call("GET /orders").weight("long-day"), 0);
            moved.after_days(1);
        }
    }
}
