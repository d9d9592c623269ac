//! Proofs that fail again and again for one key.

use super::{Detector, Family, nothing_before};
use crate::{look::Look, seen::Became, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "brute-force",
    reason: "calls in the name of the key fail to prove it, again and again",
    family: Family::What,
    before: nothing_before,
    after,
    words: |times, _| format!("{times} failures within an hour"),
};

/// Who cannot prove the key must not be able to stop it: this weighs too little to be more than told.
fn after(look: &Look<'_>, became: &Became) -> Option<Weight> {
    (became.status == 401 && look.profile.failed >= 20).then_some(Weight::here(20, look.profile.failed, 0))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn twenty_failures_are_told() {
        let mut stage = Stage::settled();
        for _ in 0..19 {
            stage.answered(401).call("GET /orders");
        }
        assert_eq!(stage.weight("brute-force"), 0);
        assert_eq!(stage.answered(401).call("GET /orders").weight("brute-force"), 20);
        assert!(stage.findings().iter().all(|finding| finding.severity < law::Severity::Warning));
    }
}
