//! The inputs leave something in the dark.

use law::{Powers, Severity};

use super::{Evidence, Finding, Rule, Subject, living, place};
use crate::{
    Settings,
    estate::{Estate, Key, Known, Moment},
    provider::count,
};

pub(super) const RULE: Rule = Rule {
    name: "cannot-see",
    title: "the inputs leave something in the dark",
    mend: "give the export that shows it, too",
    worst: Severity::Info,
    look,
};

/// What may be unknown of a key, and whether it is.
type Dark = (&'static str, fn(&Key) -> bool);

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let dark: [Dark; 5] = [
        ("what they may do", |key| !key.without.perhaps.intersection(Powers::SENSITIVE).is_empty()),
        ("when they were made", |key| key.born == Moment::Unknown),
        ("when they end", |key| key.end == Moment::Unknown),
        ("when they were last used", |key| key.last_use == Moment::Unknown),
        ("who has them", |key| key.holders.is_empty()),
    ];
    let keys = dark.into_iter().filter_map(|(what, is_dark)| {
        let mut keys = living(estate, settings).filter(|(_, key)| is_dark(key)).map(|(_, key)| key);
        let first = keys.next()?;
        let what = format!("no input says of {} {what}", count(1 + keys.count(), "living key"));
        Some(Finding::new(
            &RULE,
            Severity::Info,
            Subject::Estate,
            what,
            Evidence::new(format!("such as `{}`", first.id), &place(&first.places)),
        ))
    });
    let mut accounts =
        estate.accounts.iter().filter(|account| account.second_factor == Known::Unknown && account.left != Known::Yes);
    let first = accounts.next();
    let accounts = first.map(|first| {
        let what =
            format!("no input says of {} whether they have a second factor", count(1 + accounts.count(), "account"));
        let evidence = Evidence::new(format!("such as `{}`", first.label()), &place(&first.places));
        Finding::new(&RULE, Severity::Info, Subject::Estate, what, evidence)
    });
    let blind = estate.blind.iter().map(|blind| {
        let mut finding = Finding::new(
            &RULE,
            Severity::Info,
            Subject::Estate,
            blind.what.clone(),
            Evidence::new("no input has it", &blind.place),
        );
        finding.mend.clone_from(&blind.mend);
        finding
    });
    blind.chain(keys).chain(accounts).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::report;

    #[test]
    fn what_no_input_says_is_told_once_for_all_keys() {
        let report = report("key,holder,mfa,scopes,expires\na,ann,yes,read,2027-01-01\nb,,,,\nc,,,,\n");
        let dark: Vec<&str> =
            report.findings.iter().filter(|one| one.rule == "cannot-see").map(|one| one.what.as_str()).collect();
        assert!(dark.contains(&"no input says of 2 living keys what they may do"), "{dark:?}");
        assert!(dark.contains(&"no input says of 3 living keys when they were made"), "{dark:?}");
        assert!(!dark.iter().any(|what| what.contains("second factor")), "{dark:?}");
    }
}
