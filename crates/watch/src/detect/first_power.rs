//! The first use of a sensitive power.

use law::{Power, Powers};

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "first-power",
    reason: "the key uses a sensitive power that it never used",
    family: Family::Harm,
    before,
    after: nothing_after,
    words: |bits, _| {
        let powers: Powers = Power::ALL.into_iter().filter(|power| bits & 1 << *power as u32 != 0).collect();
        format!("the first use of {powers}")
    },
};

/// What makes a foothold lasting weighs enough alone.
const fn points(power: Power) -> u8 {
    match power {
        Power::Mint | Power::Grant | Power::Disarm => 40,
        Power::Destroy | Power::Spend => 25,
        Power::Export | Power::Run => 20,
        Power::Read | Power::Write => 0,
    }
}

fn before(look: &Look<'_>) -> Option<Weight> {
    if look.new.powers.is_empty() {
        return None;
    }
    // What nobody described has every power; that says less than one power by its name.
    let every = if look.call.powers == Powers::EVERY { 20 } else { 0 };
    let named = look.call.named();
    if named == Powers::EVERY {
        return Some(Weight::here(every, bits(look.new.powers), 0));
    }
    let tried = look.new.powers.intersection(named).union(look.profile.tried_powers);
    let sum = tried.iter().fold(0_u8, |sum, power| sum.saturating_add(points(power)));
    Some(Weight::here(sum.min(60).max(every), bits(tried), 0))
}

fn bits(powers: Powers) -> u32 {
    powers.iter().fold(0, |bits, power| bits | 1 << power as u32)
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn what_lasts_weighs_enough_alone() {
        let mut stage = Stage::settled();
        assert_eq!(stage.powers("export").call("GET /orders/export").weight("first-power"), 20);
        let mut mints = Stage::settled();
        assert_eq!(mints.powers("mint").call("POST /keys").weight("first-power"), 40);
        assert!(mints.findings().iter().any(|finding| finding.severity >= law::Severity::Warning));
    }

    #[test]
    fn a_power_by_its_name_weighs_what_it_weighs_with_an_upgrade_too() {
        let mut stage = Stage::settled();
        assert_eq!(stage.upgrade("mint").call("POST /keys").weight("first-power"), 40);
        assert_eq!(Stage::settled().upgrade("read").call("GET /events").weight("first-power"), 20);
    }

    #[test]
    fn two_first_uses_weigh_more_than_one_and_a_new_key_learns() {
        let mut stage = Stage::settled();
        stage.powers("export").call("GET /orders/export");
        assert_eq!(stage.powers("destroy").call("DELETE /orders/{id}").weight("first-power"), 45);
        let mut young = Stage::young();
        assert_eq!(young.powers("mint").call("POST /keys").weight("first-power"), 0);
    }
}
