//! A key did what is sensitive, and nobody was asked.

use law::{Power, Powers, Severity};

use super::{Evidence, Finding, Rule, Subject, living, shown};
use crate::{Settings, estate::Estate};

pub(super) const RULE: Rule = Rule {
    name: "sensitive-in-use",
    title: "a key changed rights, credentials or protection, and nobody was asked",
    mend: "see whether its holder did that; then take the permission away, or bind it to a second factor",
    worst: Severity::High,
    look,
};

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    const WORST: Powers = Powers::NONE.with(Power::Grant).with(Power::Mint).with(Power::Disarm);
    let found = living(estate, settings).filter_map(|(ix, key)| {
        let seen = key.seen.as_ref()?;
        let (without, all) = (seen.powers_without.intersection(WORST), seen.powers.intersection(WORST));
        // A log that never says whether a second factor was shown leaves it open.
        let silent = seen.with_second_factor == 0 && seen.without_second_factor == 0;
        let (severity, powers, open) = match (without.is_empty(), silent && !all.is_empty()) {
            (false, _) => (Severity::High, without, ""),
            (true, true) => (Severity::Warning, all, "; the log does not say whether it showed a second factor"),
            (true, false) => return None,
        };
        let which = if seen.alone { "" } else { " (this key, or another one of its holder)" };
        let what = format!(
            "did {powers} between {} and {}{which}{open}",
            seen.first.strftime("%Y-%m-%d"),
            seen.last.strftime("%Y-%m-%d")
        );
        let from = match seen.sources.as_slice() {
            [] => String::new(),
            sources => format!(", from {}", sources.join(", ")),
        };
        let from = Evidence::new(format!("{} calls{from}", seen.calls), &seen.place);
        let made = seen.made.iter().take(8).map(|made| Evidence::new(format!("made the key {made}"), &seen.place));
        let done = seen
            .actions
            .iter()
            .take(6)
            .map(|(action, times)| Evidence::new(format!("{action}, {times} times"), &seen.place));
        Some(Finding::new(&RULE, severity, Subject::Key(ix), what, shown(key)).and([from]).and(made).and(done))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use law::Severity;

    use super::super::testing::{findings, report_of};

    const KEYS: &str = "id,standing,without_second_factor,place,reach\nk1,active,mint,x,mint\n";

    fn call(powers: &str, factors: &str, status: u16) -> String {
        format!(
            "{{\"id\":\"00000000-0000-7000-8000-000000000001\",\"at\":\"2026-11-28T10:00:00Z\",\"who\":\"key\",\"key\":\"k1\",\"operation\":\"POST /x\",\"powers\":[\"{powers}\"],\"source\":\"192.0.2.7\",\"factors\":[{factors}],\"verdict\":\"permit\",\"law\":\"0011223344556677\",\"outcome\":{{\"call\":\"00000000-0000-7000-8000-000000000001\",\"at\":\"2026-11-28T10:00:00Z\",\"status\":{status},\"bytes_in\":0,\"bytes_out\":0,\"micros\":1,\"ended\":\"whole\"}}}}\n"
        )
    }

    fn severities(lines: &str) -> Vec<Severity> {
        let report = report_of(&[("keys.csv", KEYS), ("calls.json", lines)]);
        findings(&report, "sensitive-in-use").iter().map(|one| one.severity).collect()
    }

    #[test]
    fn minting_without_a_person_is_found_and_with_one_it_is_not() {
        assert_eq!(severities(&call("mint", "\"secret\"", 201)), [Severity::High]);
        assert!(severities(&call("mint", "\"secret\",\"person\"", 201)).is_empty());
        assert!(severities(&call("read", "\"secret\"", 200)).is_empty());
        assert!(severities(&call("mint", "\"secret\"", 403)).is_empty(), "what failed was not done");
    }

    #[test]
    fn where_a_log_does_not_say_it_is_told_so() {
        let document = r#"{"openapi":"3.0.0","info":{"title":"x","version":"1"},"paths":{"/users/{id}":{"delete":{"summary":"Delete a user"}}}}"#;
        let line = "192.0.2.7 - ann [28/Nov/2026:08:00:00 +0000] \"DELETE /users/bob HTTP/1.1\" 204 0\n";
        let report = report_of(&[("openapi.json", document), ("access.log", line)]);
        let found = findings(&report, "sensitive-in-use");
        assert_eq!(found.iter().map(|one| one.severity).collect::<Vec<_>>(), [Severity::Warning]);
        assert!(found[0].what.ends_with("the log does not say whether it showed a second factor"));
    }
}
