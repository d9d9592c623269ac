//! A sensitive call, usual or not, from a new network.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, profile::privileges, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "sensitive-elsewhere",
    reason: "a sensitive call comes from where the key never called from, or with another program",
    family: Family::Harm,
    before,
    after: nothing_after,
    words: |privileges, _| match privileges {
        0 => "a sensitive call in new surroundings".to_owned(),
        _ => "keys, rights or protection are changed in new surroundings".to_owned(),
    },
};

fn before(look: &Look<'_>) -> Option<Weight> {
    let strange = look.new.network && !look.profile.roams(look.now) || look.new.agent;
    if !strange || !look.call.powers.is_sensitive() {
        return None;
    }
    let lasting = !privileges(look.call.powers).is_empty();
    Some(Weight::here(if lasting { 25 } else { 15 }, u32::from(lasting), 0))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn elsewhere_is_told_and_at_home_is_not() {
        let mut stage = Stage::settled_with("mint", "POST /keys");
        assert_eq!(stage.powers("mint").call("POST /keys").weight("sensitive-elsewhere"), 0);
        let weight = stage.from("203.0.113.66").powers("mint").call("POST /keys").weight("sensitive-elsewhere");
        assert_eq!(weight, 25);
    }
}
