//! Two have one key.

use law::Severity;

use super::{Finding, Rule, Subject, living, shown, told};
use crate::{Settings, estate::Estate};

pub(super) const RULE: Rule = Rule {
    name: "shared-key",
    title: "several accounts have one key",
    mend: "give each its own key, and revoke this one: nobody can say who used it",
    worst: Severity::High,
    look,
};

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let found = living(estate, settings).filter(|(_, key)| key.holders.len() > 1).map(|(ix, key)| {
        let what = format!("{} accounts have it", key.holders.len());
        let told = estate.holders(key).take(8).map(|holder| told(holder, "has it"));
        Finding::new(&RULE, Severity::High, Subject::Key(ix), what, shown(key)).and(told)
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;

    #[test]
    fn a_key_with_two_holders_is_found_and_one_told_of_twice_is_not() {
        assert_eq!(found("shared-key", "key,holder\na,ann\na,bob\nb,ann\nb,Ann\nc,\"ann, bob\"\n"), ["a", "c"]);
    }
}
