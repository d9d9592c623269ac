//! The account that no policy binds has a key, or signs in without a second factor.

use law::Severity;

use super::{Finding, Rule, Subject, living, shown, told};
use crate::{
    Settings,
    estate::{Estate, Known},
};

pub(super) const RULE: Rule = Rule {
    name: "root-account",
    title: "the root account has a key, or signs in without a second factor",
    mend: "sign in as root, enrol a second factor, and delete its keys; nothing needs one",
    worst: Severity::Critical,
    look,
};

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let mut found = Vec::new();
    for (ix, root) in estate.accounts.iter().enumerate().filter(|(_, account)| account.name == "<root_account>") {
        let keys: Vec<_> = living(estate, settings).filter(|(_, key)| key.holders.contains(&ix)).collect();
        let mut wrong = Vec::new();
        match keys.len() {
            0 => {}
            1 => wrong.push("has a key that works, and no policy of the account binds it".to_owned()),
            more => wrong.push(format!("has {more} keys that work, and no policy of the account binds them")),
        }
        if root.second_factor == Known::No {
            wrong.push("signs in without a second factor".to_owned());
        }
        if !wrong.is_empty() {
            let keys = keys.iter().map(|(_, key)| shown(key));
            let what = format!("the root account {}", wrong.join("; it "));
            let first = told(root, "the root account");
            found.push(Finding::new(&RULE, Severity::Critical, Subject::Account(ix), what, first).and(keys));
        }
    }
    found
}
