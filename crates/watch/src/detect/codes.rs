//! Codes that come as fast each time.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "codes",
    reason: "the person's codes come as fast each time: a machine has the seed",
    family: Family::Known,
    before,
    after: nothing_after,
    words: |between, after| {
        format!("the last six codes came within {between} ms of each other, {after} ms after the question")
    },
};

fn before(look: &Look<'_>) -> Option<Weight> {
    let codes = look.profile.codes;
    let (least, most) = (codes.last.iter().min()?, codes.last.iter().max()?);
    // A person is never as fast six times, to a tenth.
    let regular = codes.given >= 6 && most - least <= most / 10;
    regular.then_some(Weight::anywhere(30, most - least, *least))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn a_machine_is_as_fast_each_time_and_a_person_is_not() {
        let mut stage = Stage::settled();
        stage.codes(&[5_100, 14_000, 7_300, 30_000, 6_200, 9_000]);
        assert_eq!(stage.call("GET /orders").weight("codes"), 0);
        stage.codes(&[2_010, 2_004, 2_001, 2_090, 2_033, 2_060]);
        assert_eq!(stage.call("GET /orders").weight("codes"), 30);
    }
}
