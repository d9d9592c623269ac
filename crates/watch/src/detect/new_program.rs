//! A program that never called with this key.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "new-program",
    reason: "another program than usual shows the key",
    family: Family::Where,
    before,
    after: nothing_after,
    words: |known, _| format!("a program that never used the key; {known} did"),
};

fn before(look: &Look<'_>) -> Option<Weight> {
    let known = u32::try_from(look.profile.agents.len()).unwrap_or(u32::MAX);
    let points = if known <= 2 { 20 } else { 10 };
    look.new.agent.then_some(Weight::here(points, known, 0))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn another_program_is_told_and_another_version_is_not() {
        let mut stage = Stage::settled();
        assert_eq!(stage.with("orders-sync/9.9").call("GET /orders").weight("new-program"), 0);
        assert_eq!(stage.with("curl/8.5").call("GET /orders").weight("new-program"), 20);
    }
}
