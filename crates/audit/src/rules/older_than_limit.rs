//! A key was not changed for longer than is allowed.

use law::Severity;

use super::{Finding, Rule, Subject, living, shown};
use crate::{Settings, estate::Estate, moment};

pub(super) const RULE: Rule = Rule {
    name: "older-than-limit",
    title: "a key was not changed for longer than is allowed",
    mend: "issue a new one, move its users over, and revoke this one",
    worst: Severity::High,
    look,
};

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let found = living(estate, settings).filter_map(|(ix, key)| {
        let age = key.born.at().and_then(|born| moment::days(born, settings.as_of))?;
        if age <= settings.longest {
            return None;
        }
        let long = age > settings.longest.saturating_mul(4) && key.surely().is_sensitive();
        let severity = if long { Severity::High } else { Severity::Warning };
        let what = format!("is {age} days old; {} are allowed", settings.longest);
        Some(Finding::new(&RULE, severity, Subject::Key(ix), what, shown(key)))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;

    #[test]
    fn a_key_is_too_old_from_the_day_after_the_limit() {
        let rows = "key,created\na,2026-08-30\nb,2026-08-31\nc,\nd,2027-08-31\n";
        assert_eq!(found("older-than-limit", rows), ["a"], "91 days; 90 are allowed");
    }
}
