//! An account signs in without a second factor.

use law::Severity;

use super::{Finding, Rule, Subject, living, told};
use crate::{
    Settings,
    estate::{Estate, Kind, Known},
};

pub(super) const RULE: Rule = Rule {
    name: "no-second-factor",
    title: "an account signs in without a second factor",
    mend: "have the person enrol a second factor, and demand one of everybody",
    worst: Severity::High,
    look,
};

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let mut has_key = vec![false; estate.accounts.len()];
    for holder in living(estate, settings).flat_map(|(_, key)| &key.holders) {
        if let Some(slot) = has_key.get_mut(*holder) {
            *slot = true;
        }
    }
    let accounts = estate.accounts.iter().zip(has_key).enumerate();
    let found = accounts.filter_map(|(ix, (account, has_key))| {
        let signs_in = account.signs_in != Known::No && account.kind != Kind::Workload && account.left != Known::Yes;
        if account.second_factor != Known::No || !signs_in {
            return None;
        }
        let (severity, beside) = match (account.can_mint, has_key) {
            (Known::Yes, _) => (Severity::High, ", and can make itself a key"),
            (_, true) => (Severity::High, ", and has keys"),
            _ => (Severity::Warning, ""),
        };
        let what = format!("signs in without a second factor{beside}");
        Some(Finding::new(&RULE, severity, Subject::Account(ix), what, told(account, "no second factor")))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;

    #[test]
    fn absent_is_not_false_and_machines_and_those_who_left_do_not_sign_in() {
        let rows = "key,holder,kind,mfa,left\na,ann,person,no,\nb,bob,person,,\nc,ci,service,no,\nd,dan,person,no,yes\n,eve,person,no,\n";
        assert_eq!(found("no-second-factor", rows), ["ann", "eve"]);
    }
}
