//! A person said that a call of this key is not theirs.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "not-me",
    reason: "a person said that a call of this key is not theirs",
    family: Family::Known,
    before,
    after: nothing_after,
    words: |_, _| "somebody said that it was not them".to_owned(),
};

fn before(look: &Look<'_>) -> Option<Weight> {
    look.profile.flags.not_me.then_some(Weight::anywhere(100, 0, 0))
}

#[cfg(test)]
mod tests {
    use law::Severity;

    use crate::detect::testing::Stage;

    #[test]
    fn a_no_is_told_with_the_next_call() {
        let mut stage = Stage::settled();
        stage.not_me();
        stage.call("GET /orders");
        assert!(
            stage.findings().iter().any(|finding| finding.rule == "not-me" && finding.severity == Severity::Critical)
        );
    }
}
