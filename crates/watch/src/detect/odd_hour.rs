//! A key that keeps hours, at another hour.

use super::{Detector, Family, nothing_after};
use crate::{habit::HOUR, look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "odd-hour",
    reason: "the key keeps hours, and this is none of them",
    family: Family::When,
    before,
    after: nothing_after,
    words: |hour, kept| format!("at {hour} h UTC, when the key never calls; it keeps {kept} hours of the day"),
};

fn before(look: &Look<'_>) -> Option<Weight> {
    let kept = look.profile.odd_hour(look.now).filter(|_| !look.learning)?;
    // A job of the night that is seen at noon says more than somebody who works late.
    let points = match kept {
        0..=3 => 15,
        4..=6 => 10,
        _ => 5,
    };
    Some(Weight::here(points, look.now / HOUR % 24, u32::try_from(kept).unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn office_hours_are_hours_and_night_is_not() {
        let mut stage = Stage::settled();
        assert_eq!(stage.call("GET /orders").weight("odd-hour"), 0);
        assert_eq!(stage.after_seconds(12 * 3600).call("GET /orders").weight("odd-hour"), 5);
    }

    #[test]
    fn a_job_of_one_hour_at_another_says_more() {
        let mut stage = Stage::nightly();
        assert_eq!(stage.call("GET /orders").weight("odd-hour"), 0);
        assert_eq!(stage.after_seconds(12 * 3600).call("GET /orders").weight("odd-hour"), 15);
    }
}
