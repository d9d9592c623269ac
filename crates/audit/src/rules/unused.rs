//! A key lies about that nobody uses.

use law::Severity;

use super::{Finding, Rule, Subject, living, shown};
use crate::{
    Settings,
    estate::{Estate, Moment},
    moment,
};

pub(super) const RULE: Rule = Rule {
    name: "unused",
    title: "a key lies about that nobody uses",
    mend: "disable it now, and delete it when nobody has asked for it",
    worst: Severity::Warning,
    look,
};

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let found = living(estate, settings).filter_map(|(ix, key)| {
        let (since, what) = match key.last_use {
            Moment::At(at) => (at, "was last used"),
            // A new key may not have been used yet; one of unknown age was never used, and that is that.
            Moment::Never => match key.born.at() {
                Some(born) => (born, "was never used; it was made"),
                None => {
                    let what = "was never used";
                    return Some(Finding::new(&RULE, Severity::Warning, Subject::Key(ix), what, shown(key)));
                }
            },
            Moment::Unknown => return None,
        };
        let days = moment::days(since, settings.as_of).filter(|days| *days > settings.idle)?;
        let what = format!("{what} {days} days ago");
        Some(Finding::new(&RULE, Severity::Warning, Subject::Key(ix), what, shown(key)))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;

    #[test]
    fn a_key_is_unused_after_the_limit_and_a_new_one_is_not() {
        let rows = "key,created,last_used\na,2024-01-01,2026-08-01\nb,2024-01-01,2026-11-01\nc,2024-01-01,never\nd,2026-11-01,never\ne,2024-01-01,\nf,,never\n";
        assert_eq!(found("unused", rows), ["a", "c", "f"]);
    }
}
