//! The first use of a key that another key made.

use law::Powers;

use super::{Detector, Family};
use crate::{habit::DAY, look::Look, profile::Profile, seen::Became, series::Series, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "child",
    reason: "a key that was just made by another is used where neither was ever at home",
    family: Family::Harm,
    before,
    after,
    words: |minutes, mints| {
        let parent = if mints == 0 { "its parent never made one before" } else { "its parent makes keys" };
        format!("used {minutes} minutes after it was made, from a network that its parent never used; {parent}")
    },
};

/// More than so many rows, or kilobytes, on a day are much for a key that is new.
const MUCH: u32 = 1_000;

/// Where keys are made by the day, some are made for others, who use them where they are. What
/// they take out in bulk, or what is sensitive, their maker is asked about all the same.
fn before(look: &Look<'_>) -> Option<Weight> {
    let named = look.call.named();
    let bold = named != Powers::EVERY && named.is_sensitive();
    weight(look, if bold { 40 } else { 25 })
}

fn after(look: &Look<'_>, _: &Became) -> Option<Weight> {
    let much = |series: &Series| series.this_day(look.now).0 > MUCH;
    let Profile { rows, kilobytes, .. } = look.profile;
    if much(rows) || much(kilobytes) { weight(look, 40) } else { None }
}

fn weight(look: &Look<'_>, of_a_maker: u8) -> Option<Weight> {
    let profile = look.profile;
    let age = look.now.saturating_sub(profile.born);
    let points = if profile.parent_mints { of_a_maker } else { 45 };
    (profile.flags.stranger && age <= 7 * DAY).then_some(Weight::anywhere(points, age, profile.parent_mints.into()))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn a_child_at_home_is_well_and_one_elsewhere_is_not() {
        let mut stage = Stage::settled();
        stage.mint(7).key(7);
        assert_eq!(stage.call("GET /orders").weight("child"), 0);
        let mut stolen = Stage::settled();
        stolen.mint(7).key(7);
        assert_eq!(stolen.from("203.0.113.66").call("GET /orders").weight("child"), 45);
    }

    #[test]
    fn the_child_of_a_maker_is_asked_when_it_takes_much_from_elsewhere() {
        let made = || {
            let mut stage = Stage::settled_with("mint", "POST /keys");
            stage.mint(7).key(7);
            stage
        };
        let mut harmless = made();
        assert_eq!(harmless.from("203.0.113.66").call("GET /orders").weight("child"), 25);
        assert_eq!(harmless.powers("export").call("GET /orders/export").weight("child"), 40);
        let mut reads = made();
        for _ in 0..3 {
            assert!(reads.from("203.0.113.66").weight("child") < 40);
            reads.rows(400).call("GET /orders");
        }
        assert_eq!(reads.weight("child"), 40);
        let mut home = made();
        assert_eq!(home.powers("export").rows(4_000).call("GET /orders/export").weight("child"), 0);
    }
}
