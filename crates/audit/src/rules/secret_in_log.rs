//! Credentials stand in a log.

use law::Severity;

use super::{Evidence, Finding, Rule, Subject};
use crate::{Settings, estate::Estate};

pub(super) const RULE: Rule = Rule {
    name: "secret-in-log",
    title: "credentials stand in a log",
    mend: "send them in a header, keep them out of the log's format, exchange those that stand there, and clean the log and its copies",
    worst: Severity::High,
    look,
};

fn look(estate: &Estate, _settings: &Settings) -> Vec<Finding> {
    let found = estate.logs.iter().flat_map(|log| {
        log.exposed.iter().map(move |exposed| {
            let what = format!(
                "{} of `{}` stands a credential in {}, {} different",
                if exposed.lines == 1 { "in 1 line".to_owned() } else { format!("in {} lines", exposed.lines) },
                log.of,
                exposed.within,
                exposed.different
            );
            let first = Evidence::new(format!("the first, in {}", exposed.within), &exposed.place);
            Finding::new(&RULE, Severity::High, Subject::Estate, what, first)
        })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{findings, report_of};

    fn log(targets: &[&str]) -> String {
        let line = |target| format!("192.0.2.7 - - [28/Nov/2026:08:00:00 +0000] \"GET {target} HTTP/1.1\" 200 12\n");
        targets.iter().map(line).collect()
    }

    #[test]
    fn a_credential_in_a_url_is_found_with_its_line_and_is_not_told() {
        let text = log(&["/a", "/a?access_token=hunter2hunter2", "/a?access_token=swordfish99&x=1"]);
        let report = report_of(&[("access.log", &text)]);
        let found = findings(&report, "secret-in-log");
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].what,
            "in 2 lines of `access.log` stands a credential in query `access_token`, 2 different"
        );
        assert_eq!(found[0].evidence().next().unwrap().place.to_string(), "access.log:2");
        assert!(!format!("{report:?}").contains("hunter2"));
    }

    #[test]
    fn a_log_without_credentials_is_silent() {
        let text = log(&["/a", "/a?access_token=", "/a?access_token=REDACTED", "/a?key=color&page=2", "/token/1"]);
        assert!(findings(&report_of(&[("access.log", &text)]), "secret-in-log").is_empty());
    }
}
