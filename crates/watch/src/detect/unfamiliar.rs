//! An operation that is new to the key, from surroundings that are, too.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "unfamiliar",
    reason: "the key asks for what it never asked for, from where or with what it never did",
    family: Family::What,
    before,
    after: nothing_after,
    words: |writes, _| match writes {
        0 => "an operation that is new to the key, in new surroundings".to_owned(),
        _ => "a change that is new to the key, in new surroundings".to_owned(),
    },
};

fn before(look: &Look<'_>) -> Option<Weight> {
    let strange = look.new.operation && (look.new.surroundings() || look.profile.flags.stranger);
    let acts = look.call.acts();
    // One look is a look; one thing after the other is more.
    let many = || look.profile.deeds.named(look.operation).is_some_and(|deed| deed.whole(look.now).0 >= 10);
    let points = match acts {
        true => 20,
        false if many() => 15,
        false => 10,
    };
    strange.then_some(Weight::here(points, u32::from(acts), 0))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn new_in_new_surroundings_is_told_and_new_at_home_is_not() {
        let mut stage = Stage::settled();
        assert_eq!(stage.call("GET /invoices").weight("unfamiliar"), 0);
        assert_eq!(stage.from("203.0.113.66").call("GET /customers").weight("unfamiliar"), 10);
        assert_eq!(stage.from("203.0.113.66").call("PATCH /customers/{id}").weight("unfamiliar"), 20);
    }
}
