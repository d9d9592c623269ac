//! The same act on one thing after the other: a worm.

use law::{Power, Powers};

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "same-act",
    reason: "what the key does to few things, or to none, it does to others, one after the other",
    family: Family::Harm,
    before,
    after: nothing_after,
    words: |things, most| {
        format!(
            "the same act on {things} things within the hour that it was never done to; the most in an hour before were {most}"
        )
    },
};

fn before(look: &Look<'_>) -> Option<Weight> {
    if look.new.operation && look.call.acts() && look.call.subject.is_some() {
        return first(look);
    }
    let (strange, things) = (look.new.subject?, look.profile.new_subjects.count());
    let points = strange.weighs(things, look.call.powers.is_sensitive())?;
    Some(Weight::here(points, things, strange.most))
}

/// What the key never did to anything, done to one thing after the other. Once is a first time.
fn first(look: &Look<'_>) -> Option<Weight> {
    let things = look.profile.deeds.named(look.operation).map_or(0, |deed| deed.whole(look.now).0) + 1;
    let named = look.call.named();
    // Who only ever read says more with it.
    let grave = named != Powers::EVERY && (named.is_sensitive() || !look.profile.ever_used(Power::Write));
    let points = match (things, grave) {
        (0..=2, _) | (0..=3, false) => return None,
        (3..=5, true) | (4..=8, false) => 20,
        (6..=12, true) | (9..=16, false) => 30,
        _ => 40,
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
    fn a_first_act_is_a_first_act_and_the_same_on_many_things_is_a_worm() {
        let at = |power: &str, many: u32| {
            let mut stage = Stage::settled_with("write", "POST /notes");
            for thing in 0..many {
                stage.after_seconds(20).about(&format!("t{thing}")).powers(power).call("PUT /carriers/{id}/account");
            }
            (stage.weight("same-act"), stage.stands >= Some(law::Severity::Warning))
        };
        assert_eq!((at("write", 3), at("write", 4), at("write", 9)), ((0, false), (20, false), (30, false)));
        assert_eq!(at("write", 17), (40, true));
        assert_eq!((at("spend", 2), at("spend", 3)), ((0, false), (20, true)), "the first use of a power, thrice");
        let mut reader = Stage::settled();
        for thing in 0..3 {
            reader.about(&format!("t{thing}")).powers("write").call("PUT /carriers/{id}/account");
        }
        assert_eq!(reader.weight("same-act"), 20, "who only ever read");
        let mut one = Stage::settled();
        for _ in 0..30 {
            one.about("mine").powers("write").call("PUT /carriers/{id}/account");
        }
        assert_eq!(one.weight("same-act"), 0, "one thing again and again is one");
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
