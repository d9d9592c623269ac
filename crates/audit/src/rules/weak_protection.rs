//! What protects everybody is weak, or does not bind keys.

use law::Severity;

use super::{Evidence, Finding, Rule, Subject};
use crate::{Settings, estate::Estate};

pub(super) const RULE: Rule = Rule {
    name: "weak-protection",
    title: "what protects everybody is weak, or does not bind keys",
    mend: "change the setting for everybody",
    worst: Severity::Critical,
    look,
};

fn look(estate: &Estate, _settings: &Settings) -> Vec<Finding> {
    let found = estate.weak.iter().map(|weak| {
        let evidence = Evidence::new(format!("`{}`", weak.realm), &weak.place);
        let mut finding = Finding::new(&RULE, weak.severity, Subject::Estate, weak.what.clone(), evidence);
        finding.mend.clone_from(&weak.mend);
        finding
    });
    found.collect()
}
