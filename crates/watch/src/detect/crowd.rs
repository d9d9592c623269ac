//! One source that does unusual things with the keys of several holders.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "crowd",
    reason: "from one source that is new to them, the keys of several holders do what they never did",
    family: Family::What,
    before,
    after: nothing_after,
    words: |others, _| format!("keys of {others} others do unusual things from the same source within the hour"),
};

fn before(look: &Look<'_>) -> Option<Weight> {
    (look.crowd >= 2).then_some(Weight::here(20, look.crowd, 0))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn a_thief_with_many_keys_is_told_and_a_carrier_is_not() {
        let mut stage = Stage::fleet(4);
        for key in 1..=4 {
            stage.key(key).from("203.0.113.66").call("GET /orders");
        }
        assert_eq!(stage.weight("crowd"), 0, "what is usual from a new office");
        for key in 1..=4 {
            stage.key(key).from("203.0.113.66").call("GET /users");
        }
        assert_eq!(stage.weight("crowd"), 20);
    }
}
