//! A key does without a second factor what is sensitive.

use law::{Power, Powers, Severity};

use super::{Evidence, Finding, Rule, Subject, living, shown};
use crate::{
    Settings,
    estate::{Estate, Known},
};

pub(super) const RULE: Rule = Rule {
    name: "second-factor-bypassed",
    title: "a key does without a second factor what is sensitive",
    mend: "narrow the key to what it needs, or put a gate that asks a second factor before the API",
    worst: Severity::Critical,
    look,
};

/// Whoever has one of these makes the rest.
const WORST: Powers = Powers::NONE.with(Power::Grant).with(Power::Mint).with(Power::Disarm);

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let found = living(estate, settings).filter_map(|(ix, key)| {
        let powers = key.without.surely.intersection(Powers::SENSITIVE);
        if powers.is_empty() {
            return None;
        }
        let severity = if powers.intersection(WORST).is_empty() { Severity::High } else { Severity::Critical };
        let asked = estate.holders(key).find(|holder| holder.second_factor == Known::Yes);
        let words = if key.does_everything() { "do everything".to_owned() } else { powers.to_string() };
        let what = match asked {
            Some(holder) => {
                format!("`{}` signs in with a second factor; this key can {words} without it", holder.label())
            }
            None => format!("can {words} with the key alone"),
        };
        let because =
            key.because.iter().filter(|because| because.sure && !because.powers.intersection(powers).is_empty());
        let because = because.take(8).map(|because| {
            Evidence::new(format!("{}: {}", because.what, because.powers.intersection(powers)), &because.place)
        });
        Some(Finding::new(&RULE, severity, Subject::Key(ix), what, shown(key)).and(because))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, report};

    #[test]
    fn only_what_is_sensitive_and_sure_and_asks_nobody_is_found() {
        let rows = "key,holder,mfa,scopes,status,mfa_required\n\
                    a,ann,yes,admin,active,\n\
                    b,ann,yes,read,active,\n\
                    c,ann,yes,admin,revoked,\n\
                    d,ann,yes,admin,active,yes\n\
                    e,ann,yes,,active,\n\
                    f,bob,no,export,active,\n";
        assert_eq!(found("second-factor-bypassed", rows), ["a", "f"]);
        let report = report(rows);
        let first = report.findings.iter().find(|finding| finding.rule == "second-factor-bypassed").unwrap();
        assert_eq!(first.what, "`ann` signs in with a second factor; this key can do everything without it");
        assert!(first.evidence().any(|evidence| evidence.what.contains("scope `admin`")));
    }
}
