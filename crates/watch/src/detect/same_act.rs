//! The same act on one thing after the other: a worm.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "same-act",
    reason: "a key that changes few things changes others, one after the other",
    family: Family::Harm,
    before,
    after: nothing_after,
    words: |things, most| {
        format!(
            "the same act on {things} things within minutes that it was never done to; the most in an hour before were {most}"
        )
    },
};

fn before(look: &Look<'_>) -> Option<Weight> {
    let (strange, things) = (look.new.subject?, look.profile.new_subjects.count());
    let points = strange.weighs(things, look.call.powers.is_sensitive())?;
    Some(Weight::here(points, things, strange.most))
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

    #[test]
    fn who_always_writes_to_the_same_few_things_is_asked_when_others_follow() {
        let home = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let mut stage = Stage::settled_about_these("write", "PUT /sites/{site}", &home);
        assert_eq!(stage.about("c").powers("write").call("PUT /sites/{site}").weight("same-act"), 0);
        for other in 0..40 {
            stage.about(&format!("other-{other}")).powers("write").call("PUT /sites/{site}");
            if stage.stands >= Some(law::Severity::Warning) {
                assert!((2..5).contains(&other), "{other}");
                assert!(stage.unusual);
                stage.about("c").powers("write").call("PUT /sites/{site}");
                assert!(stage.unusual, "what it would do to things that it knows waits as well");
                return;
            }
        }
        panic!("nobody was asked");
    }

    #[test]
    fn who_writes_to_ever_other_things_is_at_home_with_another() {
        let mut stage = Stage::settled_about_others("write", "PUT /orders/{order}");
        for other in 0..6 {
            stage.about(&format!("other-{other}")).powers("write").call("PUT /orders/{order}");
        }
        assert_eq!(stage.weight("same-act"), 0);
    }
}
