//! A key that was silent for long, and calls again.

use super::{Detector, Family, nothing_after};
use crate::{habit::DAY, look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "dormant",
    reason: "the key was silent for longer than it ever was, and calls again",
    family: Family::When,
    before,
    after: nothing_after,
    words: |days, before| format!("silent for {days} days; the longest before was {before}"),
};

/// Silence is remarkable from so many days on, and only where it is long for this key.
const LONG: u32 = 25 * DAY;

fn before(look: &Look<'_>) -> Option<Weight> {
    let profile = look.profile;
    let woke_lately = profile.woke != 0 && look.now.saturating_sub(profile.woke) <= DAY;
    let long = profile.slept >= LONG && profile.slept >= profile.longest_gap.saturating_mul(2);
    let points = if profile.slept >= 3 * LONG { 30 } else { 20 };
    (woke_lately && long).then_some(Weight::anywhere(points, profile.slept / DAY, profile.longest_gap / DAY))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn a_silence_longer_than_ever_is_told() {
        let mut stage = Stage::settled();
        assert_eq!(stage.after_days(120).call("GET /orders").weight("dormant"), 30);
        assert_eq!(stage.after_days(120).call("GET /orders").weight("dormant"), 0, "the second is no longer than ever");
    }
}
