//! From where somebody was to be asked, and nobody said yes.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "unanswered",
    reason: "somebody was to be asked about calls from there, or with this program, and nobody said yes",
    family: Family::What,
    before,
    after: nothing_after,
    words: |_, _| "asked about within the last thirty days, and nobody said yes".to_owned(),
};

/// With new surroundings, or with whatever else is noted, it is enough to be asked again: a
/// question does not become an answer by waiting. Not within the hour, in which somebody may answer.
fn before(look: &Look<'_>) -> Option<Weight> {
    (look.unanswered && !look.learning).then_some(Weight::here(20, 0, 0))
}

#[cfg(test)]
mod tests {
    use law::Severity;

    use crate::detect::testing::Stage;

    #[test]
    fn a_question_that_nobody_answered_is_asked_again_and_one_that_somebody_did_is_not() {
        let thief = || {
            let mut stage = Stage::settled();
            stage.from("203.0.113.66").held().powers("mint").call("POST /keys");
            stage
        };
        let mut again = thief();
        for _ in 0..20 {
            again.after_days(1).call("GET /orders");
            assert!(again.stands >= Some(Severity::Warning) && again.unusual, "{:?}", again.stands);
        }
        let mut owner = thief();
        owner.powers("mint");
        assert!(owner.vouch("POST /keys"));
        owner.after_days(2).call("GET /orders");
        assert!(owner.stands < Some(Severity::Warning) && owner.weight("unanswered") == 0);
        let mut moved = Stage::settled();
        moved.from("203.0.113.66").call("GET /orders").after_days(2).call("GET /orders");
        assert_eq!(moved.weight("unanswered"), 0, "who was never asked about");
    }

    #[test]
    fn who_was_not_answered_at_home_is_asked_about_less_when_it_comes_again() {
        let mut thief = Stage::settled_reading(400);
        thief.rows(9_000).call("GET /orders").rows(9_000).call("GET /orders");
        assert!(thief.stands >= Some(Severity::Warning) && thief.weight("unanswered") == 0);
        let mut owner = Stage::settled_reading(400);
        owner.rows(9_000).call("GET /orders").call("GET /orders");
        assert!(owner.vouch("GET /orders"));
        for stage in [&mut thief, &mut owner] {
            stage.after_days(2).call("GET /orders");
            assert!(stage.stands < Some(Severity::Warning), "what is as always goes on");
            stage.powers("export").call("GET /orders/export");
        }
        assert!(thief.stands >= Some(Severity::Warning) && owner.stands < Some(Severity::Warning));
    }
}
