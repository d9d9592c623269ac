//! The same act on one thing after the other: a worm.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "same-act",
    reason: "a key that changes few things changes others, one after the other",
    family: Family::Harm,
    before,
    after: nothing_after,
    words: |things, _| format!("the same act on {things} things within minutes that it was never done to"),
};

fn before(look: &Look<'_>) -> Option<Weight> {
    if !look.new.subject {
        return None;
    }
    let things = look.profile.new_subjects.count();
    let points = match (things, look.call.powers.is_sensitive()) {
        (0 | 1, _) => 15,
        (2, true) | (3, false) => 40,
        (2, false) => 30,
        _ => 45,
    };
    Some(Weight::here(points, things, 0))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn one_new_thing_is_a_new_thing_and_two_are_a_worm() {
        let mut stage = Stage::settled_about("run", "POST /packages/{name}/publish", "mine");
        assert_eq!(stage.about("mine").powers("run").call("POST /packages/{name}/publish").weight("same-act"), 0);
        assert_eq!(stage.about("second").powers("run").call("POST /packages/{name}/publish").weight("same-act"), 15);
        assert_eq!(stage.about("third").powers("run").call("POST /packages/{name}/publish").weight("same-act"), 40);
    }
}
