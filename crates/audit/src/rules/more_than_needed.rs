//! A key has powers that it never used.

use law::{Powers, Severity};

use super::{Evidence, Finding, Rule, Subject, living, shown};
use crate::{Settings, estate::Estate, moment, provider};

pub(super) const RULE: Rule = Rule {
    name: "more-than-needed",
    title: "a key has powers that the logs never show in use",
    mend: "narrow it to what it does",
    worst: Severity::Warning,
    look,
};

/// A shorter log says nothing of what is needed.
const SHORTEST: u32 = 14;

fn look(estate: &Estate, settings: &Settings) -> Vec<Finding> {
    let found = living(estate, settings).filter_map(|(ix, key)| {
        let seen = key.seen.as_ref()?;
        let log = estate.log_of(seen)?;
        let days = moment::days(log.from, log.to).filter(|days| *days >= SHORTEST)?;
        let idle = key.without.surely.intersection(Powers::SENSITIVE).difference(seen.powers);
        if idle.is_empty() || seen.actions.is_empty() {
            return None;
        }
        let what = format!("can {idle}, and did not in {days} days");
        let which = if seen.alone { "" } else { ", or another key of its holder did" };
        let used = format!("did {} different things in {} calls{which}", seen.actions.len(), seen.calls);
        let used = Evidence::new(used, &seen.place);
        let mut finding = Finding::new(&RULE, Severity::Warning, Subject::Key(ix), what, shown(key)).and([used]);
        if let Some(enough) = provider::narrower(key, seen, &estate.catalogues) {
            finding.mend = enough;
        }
        Some(finding)
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{findings, report_of};

    const DOCUMENT: &str = r#"{"openapi":"3.0.0","info":{"title":"x","version":"1"},"paths":{
        "/users":{"get":{"summary":"List users","security":[{"o":["directory:read"]}]},"post":{"summary":"Invite a user","security":[{"o":["directory:write"]}]}},
        "/users/{id}":{"delete":{"summary":"Delete a user","security":[{"o":["directory:write"]}]}},
        "/status":{"get":{"summary":"Status","security":[{"k":[]}]}}},
        "components":{"securitySchemes":{"o":{"type":"oauth2","flows":{}},"k":{"type":"apiKey","in":"header","name":"x-key"}}}}"#;

    fn log(days: [u32; 2], targets: &[&str]) -> String {
        let line = |(at, target): (usize, &&str)| {
            let day = days[at.min(1)];
            format!("192.0.2.7 - k1 [{day:02}/Nov/2026:08:00:00 +0000] \"{target} HTTP/1.1\" 200 12\n")
        };
        targets.iter().enumerate().map(line).collect()
    }

    #[test]
    fn the_scopes_that_were_enough_are_told() {
        let keys = "key,holder,scopes\nk1,ann,\"directory:read,directory:write\"\n";
        let text = log([10, 28], &["GET /users", "GET /users"]);
        let report = report_of(&[("openapi.json", DOCUMENT), ("keys.csv", keys), ("access.log", &text)]);
        let found = findings(&report, "more-than-needed");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].mend, "enough would have been the scopes `directory:read`");
        assert!(
            found[0].what.starts_with("can destroy + grant") && found[0].what.ends_with("in 18 days"),
            "{}",
            found[0].what
        );
    }

    #[test]
    fn where_an_operation_names_no_scope_it_is_told_itself() {
        let text = log([10, 28], &["GET /status", "GET /users"]);
        let keys = "key,holder,scopes\nk1,ann,admin\n";
        let report = report_of(&[("openapi.json", DOCUMENT), ("keys.csv", keys), ("access.log", &text)]);
        assert_eq!(
            findings(&report, "more-than-needed")[0].mend,
            "enough would have been the scopes `directory:read`, and the operations `GET /status`"
        );
    }

    #[test]
    fn a_short_log_an_unseen_key_and_one_that_does_what_it_can_are_silent() {
        let keys = "key,holder,scopes\nk1,ann,directory:write\nk2,bob,admin\n";
        for text in [log([27, 28], &["GET /users", "GET /users"]), log([10, 28], &["POST /users", "DELETE /users/bob"])]
        {
            let report = report_of(&[("openapi.json", DOCUMENT), ("keys.csv", keys), ("access.log", &text)]);
            assert!(findings(&report, "more-than-needed").is_empty(), "{text}");
        }
    }
}
