//! Refusals: trying which doors are locked.

use super::{Detector, Family, nothing_before};
use crate::{look::Look, seen::Became, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "probing",
    reason: "the key is refused in many places within minutes, as who tries which doors are locked",
    family: Family::What,
    before: nothing_before,
    after,
    words: |operations, _| format!("{operations} different operations answered 401, 403 or 404 within 20 minutes"),
};

fn after(look: &Look<'_>, became: &Became) -> Option<Weight> {
    if !matches!(became.status, 401 | 403 | 404) || look.learning {
        return None;
    }
    let operations = look.refused(20);
    let points = match operations {
        0..=2 => return None,
        3..=5 => 20,
        _ => 30,
    };
    Some(Weight::here(points, operations, 0))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn different_refusals_are_told_and_the_same_again_and_again_is_not() {
        let mut stage = Stage::settled();
        for _ in 0..50 {
            stage.after_seconds(1).answered(403).call("GET /orders");
        }
        assert_eq!(stage.weight("probing"), 0);
        for door in ["users", "keys", "invoices"] {
            stage.after_seconds(1).answered(403).call(&format!("GET /{door}"));
        }
        assert!(stage.weight("probing") >= 20);
    }

    #[test]
    fn an_outage_is_no_probing() {
        let mut stage = Stage::settled();
        for door in ["users", "keys", "invoices", "orders"] {
            stage.answered(503).call(&format!("GET /{door}"));
        }
        assert_eq!(stage.weight("probing"), 0);
    }
}
