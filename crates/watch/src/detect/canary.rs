//! The key is a canary: nobody uses it, and who does has found where it lies.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "canary",
    reason: "the key is a canary: nobody uses it, and who does has found where it lies",
    family: Family::Known,
    before,
    after: nothing_after,
    words: |_, _| "a canary was used".to_owned(),
};

fn before(look: &Look<'_>) -> Option<Weight> {
    look.profile.flags.canary.then_some(Weight::anywhere(100, 0, 0))
}

#[cfg(test)]
mod tests {
    use law::Severity;

    use crate::detect::testing::Stage;

    #[test]
    fn a_canary_is_told_with_its_first_call() {
        let mut stage = Stage::settled();
        stage.canary();
        stage.call("GET /orders");
        assert!(
            stage.findings().iter().any(|finding| finding.rule == "canary" && finding.severity == Severity::Critical)
        );
    }
}
