//! More deletions within an hour than ever.

use law::Power;

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "mass-deletion",
    reason: "the key deletes many more things within an hour than it ever did",
    family: Family::Harm,
    before,
    after: nothing_after,
    words: |now, before| format!("deletion number {now} within the hour; the most before was {before}"),
};

/// So many are no mass for anybody.
const FEW: u32 = 6;

fn before(look: &Look<'_>) -> Option<Weight> {
    if look.learning || !look.call.removes() {
        return None;
    }
    let now = look.profile.destroyed.this_hour(look.now) + 1;
    let before = look.profile.destroyed.ceiling();
    let most = FEW.max(before.saturating_mul(2).saturating_add(2));
    // A document may call it otherwise: then it takes more to be one.
    let points = match (look.call.named().contains(Power::Destroy), now > most.saturating_mul(4)) {
        (true, true) => 50,
        (true, false) | (false, true) => 40,
        (false, false) => 25,
    };
    (now > most).then_some(Weight::anywhere(points, now, before))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn who_asks_for_another_protocol_deletes_all_the_same() {
        let mut stage = Stage::settled_with("destroy", "DELETE /orders/{id}");
        for id in 0..10 {
            stage.about(&id.to_string()).upgrade("destroy").call("DELETE /orders/{id}");
        }
        assert_eq!(stage.weight("mass-deletion"), 40);
    }

    #[test]
    fn ten_are_too_many_for_who_deleted_one_a_day() {
        let mut stage = Stage::settled_with("destroy", "DELETE /orders/{id}");
        for id in 0..5 {
            stage.about(&id.to_string()).powers("destroy").call("DELETE /orders/{id}");
        }
        assert_eq!(stage.weight("mass-deletion"), 0);
        for id in 5..10 {
            stage.about(&id.to_string()).powers("destroy").call("DELETE /orders/{id}");
        }
        assert_eq!(stage.weight("mass-deletion"), 40);
    }

    #[test]
    fn what_a_document_calls_otherwise_is_a_deletion_by_its_method() {
        let mut stage = Stage::settled_with("write", "DELETE /orders/{id}");
        let mut weights = Vec::new();
        for id in 0..40 {
            stage.about(&id.to_string()).powers("write").call("DELETE /orders/{id}");
            weights.push(stage.weight("mass-deletion"));
        }
        assert_eq!((weights[5], weights[10], weights[39]), (0, 25, 40));
    }
}
