//! Many sources within minutes.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "many-sources",
    reason: "within minutes the key calls from more networks than it ever did",
    family: Family::Where,
    before,
    after: nothing_after,
    words: |networks, before| format!("{networks} networks within ten minutes; the most before was {before}"),
};

fn before(look: &Look<'_>) -> Option<Weight> {
    if look.learning || !look.new.network && !look.new.block {
        return None;
    }
    let mut networks: Vec<u32> = look.profile.lately.iter().filter(|lately| !lately.usual).map(|l| l.network).collect();
    networks.sort_unstable();
    networks.dedup();
    let networks = u32::try_from(networks.len()).unwrap_or(u32::MAX);
    let before = look.profile.spread.ceiling();
    let beyond = networks.saturating_sub(before.saturating_mul(2));
    let points = match beyond {
        0..=2 => return None,
        3..=4 => 25,
        _ => 45,
    };
    Some(Weight::anywhere(points, networks, before))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn proxies_weigh_enough_alone_and_fresh_machines_of_one_network_do_not() {
        let mut stage = Stage::settled();
        for network in 1..9 {
            stage.from(&format!("203.{network}.113.66")).after_seconds(5).call("GET /orders");
        }
        assert!(stage.weight("many-sources") >= 40);
        let mut fresh = Stage::settled();
        for machine in 1..60 {
            fresh.from(&format!("203.0.{machine}.66")).after_seconds(5).call("GET /orders");
        }
        assert_eq!(fresh.weight("many-sources"), 0);
    }
}
