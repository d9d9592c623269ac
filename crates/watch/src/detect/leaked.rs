//! The key was found where it should not be.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "leaked",
    reason: "the key was found where it should not be",
    family: Family::Known,
    before,
    after: nothing_after,
    words: |_, _| "the key is known to have leaked".to_owned(),
};

fn before(look: &Look<'_>) -> Option<Weight> {
    look.profile.flags.leaked.then_some(Weight::anywhere(100, 0, 0))
}

#[cfg(test)]
mod tests {
    use law::Severity;

    use crate::detect::testing::Stage;

    #[test]
    fn a_leaked_key_is_told_with_its_next_call() {
        let mut stage = Stage::settled();
        stage.leak();
        stage.call("GET /orders");
        assert!(
            stage.findings().iter().any(|finding| finding.rule == "leaked" && finding.severity == Severity::Critical)
        );
    }
}
