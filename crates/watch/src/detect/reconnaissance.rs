//! Looking around: many operations that are new to the key within minutes, most of them lists.

use super::{Detector, Family, nothing_after};
use crate::{look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "reconnaissance",
    reason: "the key asks for many things that it never asked for within minutes, as who looks around",
    family: Family::What,
    before,
    after: nothing_after,
    words: |operations, lists| {
        format!("{operations} operations new to the key within 20 minutes, {lists} of them lists")
    },
};

fn before(look: &Look<'_>) -> Option<Weight> {
    if !look.new.operation || look.learning {
        return None;
    }
    let (operations, lists) = look.tried(20);
    let strange = look.new.surroundings();
    let points = match (strange, operations, lists) {
        (true, 3.., 1..) => 20 + 2 * operations.min(5),
        (false, 4.., 2..) => 10 + 2 * operations.min(12),
        _ => return None,
    };
    Some(Weight::here(u8::try_from(points).unwrap_or(u8::MAX), operations, lists))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn looking_around_is_told_and_the_new_version_that_all_have_is_not() {
        let mut stage = Stage::settled();
        for list in ["users", "invoices", "customers", "webhooks"] {
            stage.after_seconds(2).call(&format!("GET /{list}"));
        }
        assert_eq!(stage.weight("reconnaissance"), 18);
        let mut all = Stage::settled();
        all.document(&["GET /v2/a", "GET /v2/b", "GET /v2/c", "GET /v2/d"]);
        for list in ["a", "b", "c", "d"] {
            all.after_seconds(2).call(&format!("GET /v2/{list}"));
        }
        assert_eq!(all.weight("reconnaissance"), 0);
    }
}
