//! A key reaches everything by one step.

use law::{Powers, Severity};

use super::{Evidence, Finding, Rule, Subject, living, place, shown};
use crate::{Settings, estate::Estate};

pub(super) const RULE: Rule = Rule {
    name: "to-administrator",
    title: "one step away from everything",
    mend: "take away the permission that the step needs, or bind it to a second factor",
    worst: Severity::Critical,
    look,
};

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let found =
        living(estate, settings).filter(|(_, key)| key.without.surely != Powers::EVERY).filter_map(|(ix, key)| {
            let mut steps = key.steps.iter().filter(|step| step.sure && step.powers == Powers::EVERY).peekable();
            let first = steps.peek()?;
            let what = format!("reaches everything by one step, such as {}", first.how);
            let steps = steps.map(|step| {
                let targets = if step.targets.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", targets(&step.targets, step.of))
                };
                Evidence::new(format!("{}{targets}", step.how), &place(&key.places))
            });
            Some(Finding::new(&RULE, Severity::Critical, Subject::Key(ix), what, shown(key)).and(steps))
        });
    found.collect()
}

/// A few names, and how many there are besides.
pub(super) fn targets(names: &[String], of: usize) -> String {
    let named = names.join(", ");
    match of.saturating_sub(names.len()) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
