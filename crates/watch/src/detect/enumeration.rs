//! One thing after the other, by their ids.

use super::{Detector, Family, nothing_before};
use crate::{look::Look, seen::Became, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "enumeration",
    reason: "the key reads many more different things one by one than it ever did",
    family: Family::Much,
    before: nothing_before,
    after,
    words: |now, before| format!("{now} different things within the hour; the most before was {before}"),
};

fn after(look: &Look<'_>, _: &Became) -> Option<Weight> {
    if look.learning || look.call.subject.is_none() || look.call.acts() {
        return None;
    }
    let now = look.profile.distinct_subjects(look.now);
    let before = look.profile.distinct.ceiling();
    (now > 60.max(before.saturating_mul(3))).then_some(Weight::here(20, now, before))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn many_more_than_ever_are_told() {
        let mut stage = Stage::settled();
        for id in 0..50 {
            stage.about(&id.to_string()).after_seconds(1).call("GET /orders/{id}");
        }
        assert_eq!(stage.weight("enumeration"), 0);
        for id in 50..100 {
            stage.about(&id.to_string()).after_seconds(1).call("GET /orders/{id}");
        }
        assert_eq!(stage.weight("enumeration"), 20);
    }
}
