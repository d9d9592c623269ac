//! A key reaches everything by one step.

use law::Severity;

use super::{Evidence, Finding, Rule, Subject, living, place, shown};
use crate::{Settings, estate::Estate};

pub(super) const RULE: Rule = Rule {
    name: "to-administrator",
    title: "one step away from everything",
    mend: "take away the permission that the step needs, or bind it to a second factor",
    worst: Severity::Critical,
    look,
};

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let found = living(estate, settings).filter(|(_, key)| !key.does_everything()).filter_map(|(ix, key)| {
        let mut steps = key.steps.iter().filter(|step| step.sure && step.everything).peekable();
        let first = steps.peek()?;
        let what = format!("reaches everything by one step, such as {}", first.how);
        let steps = steps.map(|step| {
            let targets =
                if step.targets.is_empty() { String::new() } else { format!(" ({})", targets(&step.targets, step.of)) };
            Evidence::new(format!("{}{targets}", step.how), &place(&key.places))
        });
        Some(Finding::new(&RULE, Severity::Critical, Subject::Key(ix), what, shown(key)).and(steps))
    });
    found.collect()
}

/// A few names, and how many there are besides.
pub(super) fn targets(names: &[String], of: usize) -> String {
    let named = names.join(", ");
    match of.saturating_sub(names.len()) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use law::{Power, Powers};

    use super::*;
    use crate::estate::{Place, Reach, Step};

    fn found(without: Powers, steps: &[(Powers, bool)]) -> Vec<String> {
        let mut estate = Estate::default();
        let place = Place { file: "policies.json".to_owned(), line: None };
        let key = estate.key("aws", "", "a", &place);
        key.without = Reach::surely(without);
        key.steps = steps
            .iter()
            .map(|(powers, sure)| Step {
                how: "iam:AttachUserPolicy on itself".to_owned(),
                targets: vec!["AdministratorAccess".to_owned()],
                of: 3,
                powers: *powers,
                mints: false,
                sure: *sure,
                everything: *powers == Powers::EVERY,
            })
            .collect();
        let findings = look(&estate, &Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
        findings.iter().flat_map(|finding| finding.evidence().map(|evidence| evidence.what.clone())).collect()
    }

    #[test]
    fn a_sure_step_to_everything_is_found_with_its_targets() {
        let evidence = found(Power::Grant.into(), &[(Powers::EVERY, true)]);
        assert_eq!(evidence, ["key `a`", "iam:AttachUserPolicy on itself (AdministratorAccess and 2 more)"]);
    }

    #[test]
    fn a_step_that_is_not_sure_or_leads_elsewhere_and_a_key_that_is_there_already_stay_silent() {
        assert_eq!(found(Power::Grant.into(), &[(Powers::EVERY, false)]), [""; 0]);
        assert_eq!(found(Power::Grant.into(), &[(Power::Run.into(), true)]), [""; 0]);
        assert_eq!(found(Powers::EVERY, &[(Powers::EVERY, true)]), [""; 0]);
        assert_eq!(found(Power::Grant.into(), &[]), [""; 0]);
    }
}
