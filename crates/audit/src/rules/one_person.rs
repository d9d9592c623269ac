//! One person has accounts in several systems: their second factor in one, their keys in another.

use law::Severity;

use super::{Finding, Rule, Subject, living, shown, told};
use crate::{
    Settings,
    estate::{Estate, Known},
    provider::count,
};

pub(super) const RULE: Rule = Rule {
    name: "one-person",
    title: "a person has a second factor in one system, and keys in another",
    mend: "look at the person's keys everywhere when they are taken away anywhere",
    worst: Severity::Warning,
    look,
};

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let mut found = Vec::new();
    for (ix, account) in estate.accounts.iter().enumerate() {
        // The first account stands for the person.
        if account.also.is_empty() || account.also.iter().any(|other| *other < ix) {
            continue;
        }
        let all: Vec<_> = std::iter::once(ix)
            .chain(account.also.iter().copied())
            .filter_map(|ix| estate.accounts.get(ix).map(|account| (ix, account)))
            .collect();
        let guarded: Vec<String> =
            all.iter().filter(|(_, one)| one.second_factor == Known::Yes).map(|(_, one)| one.label()).collect();
        let mut keys = Vec::new();
        let mut held = Vec::new();
        for (ix, one) in &all {
            let own: Vec<_> = living(estate, settings).filter(|(_, key)| key.holders.contains(ix)).collect();
            if !own.is_empty() {
                held.push(format!("{} in `{}`", count(own.len(), "key"), one.label()));
                keys.extend(own.iter().map(|(_, key)| *key));
            }
        }
        if keys.is_empty() {
            continue;
        }
        let factor = if guarded.is_empty() {
            "has no second factor that any input shows".to_owned()
        } else {
            format!("has a second factor in {}", guarded.join(", "))
        };
        let severity =
            if keys.iter().any(|key| key.surely().is_sensitive()) { Severity::Warning } else { Severity::Info };
        let what = format!("one person with {}: {factor}, and {}", count(all.len(), "account"), held.join(", "));
        let others = all.iter().skip(1).map(|(_, one)| told(one, "the same person"));
        let finding = Finding::new(&RULE, severity, Subject::Account(ix), what, told(account, "this account"));
        found.push(finding.and(others).and(keys.into_iter().take(6).map(shown)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::report;

    #[test]
    fn a_person_is_joined_by_a_column_or_an_address_and_never_by_a_login_alone() {
        let rows = "system,key,holder,email,mfa,left,scopes,same\n\
                    github,,ann-gh,ann@example.org,yes,,,\n\
                    aws,k1,ann,Ann@Example.org,,,admin,\n\
                    hr,,bob,,,yes,,aws/robert\n\
                    aws,k2,robert,,,,read,\n\
                    github,,carl,,yes,,,\n\
                    aws,k3,carl,,,,admin,\n";
        let report = report(rows);
        let of = |rule: &str| {
            report.findings.iter().filter(|one| one.rule == rule).map(|one| report.subject(one)).collect::<Vec<_>>()
        };
        assert_eq!(of("one-person"), ["github/ann-gh", "hr/bob"]);
        assert_eq!(of("holder-gone"), ["k2"], "who left in one system has left in all");
        let what = &report.findings.iter().find(|one| one.rule == "one-person").unwrap().what;
        assert_eq!(what, "one person with 2 accounts: has a second factor in github/ann-gh, and 1 key in `aws/ann`");
        assert!(report.estate.blind.iter().any(|blind| blind.what.ends_with("one person: `carl`")));
    }
}
