//! A key did what is sensitive, and nobody was asked.

use law::{Power, Powers, Severity};

use super::{Evidence, Finding, Rule, Subject, living, shown};
use crate::{Settings, estate::Estate};

pub(super) const RULE: Rule = Rule {
    name: "sensitive-in-use",
    title: "a key changed rights, credentials or protection, and nobody was asked",
    mend: "see whether its holder did that; then take the permission away, or bind it to a second factor",
    worst: Severity::High,
    look,
};

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    const WORST: Powers = Powers::NONE.with(Power::Grant).with(Power::Mint).with(Power::Disarm);
    let found = living(estate, settings).filter_map(|(ix, key)| {
        let seen = key.seen.as_ref()?;
        let powers = seen.powers.intersection(WORST);
        if powers.is_empty() {
            return None;
        }
        let which = if seen.alone { "" } else { " (this key, or another one of its holder)" };
        let what = format!(
            "did {powers} between {} and {}{which}",
            seen.first.strftime("%Y-%m-%d"),
            seen.last.strftime("%Y-%m-%d")
        );
        let from = Evidence::new(format!("{} calls, from {}", seen.calls, seen.sources.join(", ")), &seen.place);
        let made = seen.made.iter().take(8).map(|made| Evidence::new(format!("made the key {made}"), &seen.place));
        let done = seen
            .actions
            .iter()
            .take(6)
            .map(|(action, times)| Evidence::new(format!("{action}, {times} times"), &seen.place));
        Some(Finding::new(&RULE, Severity::High, Subject::Key(ix), what, shown(key)).and([from]).and(made).and(done))
    });
    found.collect()
}
