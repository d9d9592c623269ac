//! The old key, after its successor took over.

use super::{Detector, Family, nothing_after};
use crate::{
    habit::{DAY, HOUR},
    look::Look,
    signal::Weight,
};

pub(super) const DETECTOR: Detector = Detector {
    name: "after-rotation",
    reason: "the key was exchanged, had fallen silent, and calls again",
    family: Family::When,
    before,
    after: nothing_after,
    words: |hours, silent| format!("its successor took over {hours} h ago; it had been silent for {silent} h"),
};

fn before(look: &Look<'_>) -> Option<Weight> {
    let profile = look.profile;
    let over = look.now.saturating_sub(profile.succeeded);
    if profile.succeeded == 0 || over < DAY {
        return None;
    }
    // What goes on as always is an overlap; what had ended and comes again is somebody else.
    let silent =
        profile.slept >= DAY.max(profile.longest_gap.saturating_mul(2)) && look.now.saturating_sub(profile.woke) <= DAY;
    (silent || look.new.surroundings()).then_some(Weight::anywhere(25, over / HOUR, profile.slept / HOUR))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn an_overlap_is_well_and_a_return_is_not() {
        let mut stage = Stage::settled();
        stage.rotate();
        for _ in 0..9 {
            assert_eq!(stage.after_seconds(8 * 3600).call("GET /orders").weight("after-rotation"), 0);
        }
        assert_eq!(stage.after_days(9).call("GET /orders").weight("after-rotation"), 25);
    }
}
