//! Many more changes of one kind within an hour than ever.

use law::{Power, Powers};

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "mass-change",
    reason: "the key changes many more things of one kind within an hour than it ever did",
    family: Family::Much,
    before,
    after: nothing_after,
    words: |now, before| format!("the same change of {now} things within the hour; the most before was {before}"),
};

/// What costs or lasts where it is done often, each call counted.
const COSTLY: Powers = Powers::NONE.with(Power::Spend).with(Power::Mint).with(Power::Grant).with(Power::Disarm);

fn before(look: &Look<'_>) -> Option<Weight> {
    let named = look.call.named();
    // Deletions have their own detector.
    if look.learning || !look.call.acts() || named == Powers::EVERY || look.call.removes() {
        return None;
    }
    let (now, before) = look.profile.deeds.named(look.operation).map_or((0, 0), |deed| deed.coarsest(look.now));
    let now = now + 1;
    let beyond = |few: u32, times: u32| now > few.max(before.saturating_mul(times));
    let points = if !named.intersection(COSTLY).is_empty() {
        match now {
            _ if beyond(16, 5) => 40,
            _ if beyond(8, 3) => 25,
            _ => return None,
        }
    } else {
        match now {
            _ if look.call.subject.is_none() => return None,
            _ if beyond(200, 30) => 40,
            _ if beyond(100, 10) => 30,
            _ if beyond(30, 5) => 20,
            _ => return None,
        }
    };
    Some(Weight::here(look.much(points), now, before))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn overwriting_all_is_told_and_somewhat_more_is_not() {
        let mut stage = Stage::settled_about_others("write", "PUT /orders/{order}");
        for thing in 0..30 {
            stage.about(&format!("a{thing}")).powers("write").call("PUT /orders/{order}");
        }
        assert_eq!(stage.weight("mass-change"), 0);
        for thing in 0..200 {
            stage.about(&format!("b{thing}")).powers("write").call("PUT /orders/{order}");
        }
        assert_eq!(stage.weight("mass-change"), 40);
        assert!(stage.stands >= Some(law::Severity::Warning) && stage.unusual);
    }

    #[test]
    fn paying_again_and_again_is_told_where_it_was_done_once_a_day() {
        let mut stage = Stage::settled_with("spend", "POST /payouts");
        for _ in 0..8 {
            stage.powers("spend").call("POST /payouts");
        }
        assert_eq!(stage.weight("mass-change"), 0);
        for _ in 0..10 {
            stage.powers("spend").call("POST /payouts");
        }
        assert_eq!(stage.weight("mass-change"), 40);
    }

    #[test]
    fn many_first_changes_are_asked_about_sooner() {
        let mut stage = Stage::settled();
        for thing in 0..110 {
            stage.about(&format!("a{thing}")).powers("write").call("PUT /orders/{order}");
        }
        assert!(stage.stands >= Some(law::Severity::Warning));
    }

    #[test]
    fn many_versions_of_the_same_package_are_one_thing() {
        let mut stage = Stage::settled_about("write", "PUT /packages/{package}/versions/{version}", "mine");
        for version in 0..100 {
            stage.about_both("mine", &version.to_string()).powers("write");
            stage.call("PUT /packages/{package}/versions/{version}");
        }
        assert_eq!(stage.weight("mass-change"), 0);
    }
}
