//! A key works whose holder or owner has left.

use law::Severity;

use super::{Finding, Rule, Subject, living, shown, told};
use crate::{
    Settings,
    estate::{Estate, Known},
};

pub(super) const RULE: Rule = Rule {
    name: "holder-gone",
    title: "a key works whose holder or owner has left",
    mend: "revoke the key; where a program needs one, issue it anew under an owner who is there",
    worst: Severity::Critical,
    look,
};

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let found = living(estate, settings).filter_map(|(ix, key)| {
        let holder = estate.holders(key).find(|holder| holder.left == Known::Yes);
        let owner = || {
            key.owner
                .as_deref()
                .and_then(|owner| estate.named(&key.realm, owner))
                .filter(|owner| owner.left == Known::Yes)
        };
        let (account, role) =
            holder.map(|holder| (holder, "has it")).or_else(|| owner().map(|owner| (owner, "answers for it")))?;
        let severity = if key.surely().is_sensitive() { Severity::Critical } else { Severity::High };
        let what = format!("works, and `{}`, who {role}, has left", account.label());
        Some(Finding::new(&RULE, severity, Subject::Key(ix), what, shown(key)).and([told(account, "has left")]))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;

    #[test]
    fn a_key_is_found_whose_holder_or_owner_left_and_which_works() {
        let rows = "key,holder,owner,left,owner_left,status\na,ann,,yes,,active\nb,ci,bob,,yes,active\nc,carl,,no,,active\nd,dan,,yes,,disabled\ne,eve,,,,active\n";
        assert_eq!(found("holder-gone", rows), ["a", "b"]);
    }
}
