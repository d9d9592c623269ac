//! Export, and then erase: who takes the data and deletes the traces.

use law::{Power, Powers};

use super::{Detector, Family, nothing_after};
use crate::{habit::HOUR, look::Look, signal::Weight};

pub(super) const DETECTOR: Detector = Detector {
    name: "export-then-erase",
    reason: "what was taken out in bulk is followed by deletions, and the key never did it like this",
    family: Family::Harm,
    before,
    after: nothing_after,
    words: |minutes, _| format!("a deletion {minutes} minutes after an export"),
};

fn before(look: &Look<'_>) -> Option<Weight> {
    let profile = look.profile;
    let since = look.now.saturating_sub(profile.last_export);
    let powers = look.call.named();
    let erases = powers.contains(Power::Destroy) && powers != Powers::EVERY;
    if !erases || profile.last_export == 0 || since > 3 * HOUR || look.learning {
        return None;
    }
    let strange = look.new.operation || look.new.surroundings() || !look.new.powers.is_empty();
    strange.then_some(Weight::here(25, since, 0))
}

#[cfg(test)]
mod tests {
    use crate::detect::testing::Stage;

    #[test]
    fn a_new_deletion_after_an_export_is_told() {
        let mut stage = Stage::settled_with("export", "GET /orders/export");
        stage.powers("export").call("GET /orders/export");
        assert_eq!(stage.powers("destroy").call("DELETE /exports/{id}").weight("export-then-erase"), 25);
        let mut without = Stage::settled_with("export", "GET /orders/export");
        assert_eq!(without.after_days(1).powers("destroy").call("DELETE /exports/{id}").weight("export-then-erase"), 0);
    }
}
