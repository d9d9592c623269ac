//! Nobody is known who answers for a key.

use law::Severity;

use super::{Finding, Rule, Subject, living, shown};
use crate::{
    Settings,
    estate::{Estate, Kind},
};

pub(super) const RULE: Rule = Rule {
    name: "owner-unknown",
    title: "nobody is known who answers for a key",
    mend: "find out who needs it, name an owner, or disable it and see who calls",
    worst: Severity::Warning,
    look,
};

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let found = living(estate, settings).filter_map(|(ix, key)| {
        if key.owner.is_some() {
            return None;
        }
        let what = match estate.holders(key).next() {
            None => "nobody is known who has it".to_owned(),
            Some(holder) if matches!(holder.kind, Kind::Workload | Kind::Vendor) => {
                format!("`{}` is no person, and no owner is named", holder.label())
            }
            Some(_) => return None,
        };
        Some(Finding::new(&RULE, Severity::Warning, Subject::Key(ix), what, shown(key)))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;

    #[test]
    fn a_key_needs_a_person_who_answers() {
        let rows = "key,holder,kind,owner\na,ann,person,\nb,ci,service,\nc,ci,service,bob\nd,,,\ne,who,,\n";
        assert_eq!(found("owner-unknown", rows), ["b", "d"]);
    }
}
