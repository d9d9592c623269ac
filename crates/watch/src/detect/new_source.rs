//! A source that this key never called from.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "new-source",
    reason: "the key calls from where it never called from",
    family: Family::Where,
    before,
    after: nothing_after,
    words: |network, known| match network {
        0 => "an address block that the key never used, in a network that it knows".to_owned(),
        _ => format!("a network that the key never used; it knows {known}"),
    },
};

/// The fewer networks a key knows, the more a new one says; of one that wanders it says little.
fn before(look: &Look<'_>) -> Option<Weight> {
    let known = u32::try_from(look.profile.networks.len()).unwrap_or(u32::MAX);
    let points = match (look.new.network, look.profile.roams(look.now)) {
        (true, true) => 5,
        (true, false) if known <= 2 => 20,
        (true, false) => 15,
        (false, _) if look.new.block && !look.profile.wanders(look.now) => 5,
        _ => return None,
    };
    Some(Weight::here(points, u32::from(look.new.network), known))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn a_settled_key_elsewhere_and_a_wanderer_as_always() {
        let mut stage = Stage::settled();
        assert_eq!(stage.from("203.0.113.66").call("GET /orders").weight("new-source"), 20);
        let mut wanders = Stage::wandering();
        assert_eq!(wanders.from("203.0.113.66").call("GET /orders").weight("new-source"), 5);
    }

    #[test]
    fn where_calls_are_expected_nothing_is_new_but_the_program() {
        let mut stage = Stage::settled();
        stage.from("203.0.113.66").expected().with("curl/8").call("GET /orders");
        assert_eq!((stage.weight("new-source"), stage.weight("two-places"), stage.weight("many-sources")), (0, 0, 0));
        assert!(stage.weight("new-program") > 0);
        assert!(!Stage::settled().from("203.0.113.66").expected().call("GET /orders").unusual);
        assert!(Stage::settled().from("203.0.113.66").call("GET /orders").unusual);
    }

    #[test]
    fn the_same_network_is_nearly_the_same_source() {
        let mut stage = Stage::settled();
        assert_eq!(stage.from("198.51.7.9").call("GET /orders").weight("new-source"), 5);
    }
}
