//! A key that keeps hours, at another hour.

use super::{Detector, Family, nothing_after};
use crate::{habit::HOUR, look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "odd-hour",
    reason: "the key keeps hours, and this is none of them",
    family: Family::When,
    before,
    after: nothing_after,
    words: |hour, _| format!("at {hour} h UTC, when the key never calls"),
};

fn before(look: &Look<'_>) -> Option<Weight> {
    let odd = !look.learning && look.profile.is_odd_hour(look.now);
    odd.then_some(Weight::here(5, look.now / HOUR % 24, 0))
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
}
