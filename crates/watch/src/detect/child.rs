//! The first use of a key that another key made.

use super::{Detector, Family, nothing_after};
use crate::{habit::DAY, look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "child",
    reason: "a key that was just made by another is used where neither was ever at home",
    family: Family::Harm,
    before,
    after: nothing_after,
    words: |minutes, mints| {
        let parent = if mints == 0 { "its parent never made one before" } else { "its parent makes keys" };
        format!("used {minutes} minutes after it was made, from a network that its parent never used; {parent}")
    },
};

fn before(look: &Look<'_>) -> Option<Weight> {
    let profile = look.profile;
    let mints = u32::from(profile.parent_mints);
    let young = look.now.saturating_sub(profile.born) <= 7 * DAY;
    (profile.flags.stranger && young).then_some(Weight::anywhere(
        if profile.parent_mints { 25 } else { 45 },
        look.now.saturating_sub(profile.born),
        mints,
    ))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn a_child_at_home_is_well_and_one_elsewhere_is_not() {
        let mut stage = Stage::settled();
        stage.mint(7).key(7);
        assert_eq!(stage.call("GET /orders").weight("child"), 0);
        let mut stolen = Stage::settled();
        stolen.mint(7).key(7);
        assert_eq!(stolen.from("203.0.113.66").call("GET /orders").weight("child"), 45);
    }
}
