//! A key has powers that it never used.

use law::{Powers, Severity};

use super::{Evidence, Finding, Rule, Subject, living, shown};
use crate::{Settings, estate::Estate, moment};

pub(super) const RULE: Rule = Rule {
    name: "more-than-needed",
    title: "a key has powers that the logs never show in use",
    mend: "narrow it to what it does",
    worst: Severity::Warning,
    look,
};

/// A shorter log says nothing of what is needed.
const SHORTEST: u32 = 14;
/// So many actions make a policy that one would paste.
const MOST: usize = 60;

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let found = living(estate, settings).filter_map(|(ix, key)| {
        let seen = key.seen.as_ref()?;
        let log = estate.logs.iter().find(|log| log.provider == key.provider)?;
        let days = moment::days(log.from, log.to).filter(|days| *days >= SHORTEST)?;
        let idle = key.without.surely.intersection(Powers::SENSITIVE).difference(seen.powers);
        if idle.is_empty() || seen.actions.is_empty() {
            return None;
        }
        let what = format!("can {idle}, and did not in {days} days");
        let used = Evidence::new(format!("did {} different things in {} calls", seen.actions.len(), seen.calls), &seen.place);
        let mut finding = Finding::new(&RULE, Severity::Warning, Subject::Key(ix), what, shown(key)).and([used]);
        if key.provider == "aws" && seen.actions.len() <= MOST {
            let mut actions: Vec<String> = seen.actions.iter().map(|(action, _)| format!("\"{action}\"")).collect();
            actions.sort();
            finding.mend = format!(
                "enough would have been {{\"Effect\": \"Allow\", \"Action\": [{}], \"Resource\": \"*\"}}; narrow the resources, too",
                actions.join(", ")
            );
        }
        Some(finding)
    });
    found.collect()
}
