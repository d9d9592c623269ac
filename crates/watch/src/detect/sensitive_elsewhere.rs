//! A sensitive call, usual or not, from a new network.

use law::Powers;

use super::{Detector, Family, nothing_after};
use crate::{habit::DAY, look::Look, profile::privileges, signal::Weight};

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
    if look.learning {
        let named = look.call.named();
        let lasting = !privileges(named).is_empty();
        let enough =
            if lasting { look.profile.calls >= 10 } else { look.now.saturating_sub(look.profile.born) >= 2 * DAY };
        let strange = named.is_sensitive() && named != Powers::EVERY && enough && look.is_elsewhere_while_new();
        return strange.then_some(Weight::here(40, u32::from(lasting), 0));
    }
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

    #[test]
    fn a_key_of_yesterday_is_at_home_where_it_was_and_its_thief_is_not() {
        let young = || {
            let mut stage = Stage::young();
            for _ in 0..20 {
                stage.after_seconds(1800).call("GET /orders");
            }
            stage
        };
        assert_eq!(young().powers("grant").call("POST /members").weight("sensitive-elsewhere"), 0);
        let mut thief = young();
        thief.from("203.0.113.66").with("curl/8").call("GET /members");
        assert_eq!(thief.powers("grant").call("POST /members").weight("sensitive-elsewhere"), 40);
        let mut moved = young();
        assert_eq!(moved.from("203.0.113.66").powers("grant").call("POST /members").weight("sensitive-elsewhere"), 0);
        let mut first = Stage::young();
        assert_eq!(first.with("curl/8").powers("grant").call("POST /members").weight("sensitive-elsewhere"), 0);
    }
}
