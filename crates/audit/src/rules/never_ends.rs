//! A key works for ever.

use law::Severity;

use super::{Finding, Rule, Subject, living, shown};
use crate::{
    Settings,
    estate::{Estate, Moment},
};

pub(super) const RULE: Rule = Rule {
    name: "never-ends",
    title: "a key works for ever",
    mend: "give it an end, or replace it with one that has one",
    worst: Severity::Warning,
    look,
};

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let found = living(estate, settings)
        .filter(|(_, key)| key.end == Moment::Never)
        .map(|(ix, key)| Finding::new(&RULE, Severity::Warning, Subject::Key(ix), "has no end", shown(key)));
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;

    #[test]
    fn only_a_key_that_is_said_to_have_no_end_is_found() {
        assert_eq!(found("never-ends", "key,expires\na,never\nb,2027-01-01\nc,\nd,2020-01-01\n"), ["a"]);
    }
}
