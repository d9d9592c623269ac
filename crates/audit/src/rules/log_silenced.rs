//! Somebody switched a log off, or narrowed it.

use law::Severity;

use super::{Evidence, Finding, Rule, Subject};
use crate::{Settings, estate::Estate};

pub(super) const RULE: Rule = Rule {
    name: "log-silenced",
    title: "somebody switched a log off, or changed what it writes",
    mend: "ask who did it and why; switch the log on again, and let nobody but its keeper change it",
    worst: Severity::High,
    look,
};

fn look(estate: &Estate, _settings: &Settings) -> Vec<Finding> {
    let found = estate.logs.iter().flat_map(|log| {
        log.changes.iter().map(move |change| {
            let (severity, tried) = if change.done { (Severity::High, "did") } else { (Severity::Warning, "tried") };
            let day = change.at.strftime("%Y-%m-%d");
            let what = format!(
                "`{}` {tried} {} on {day}, which changes the {} of `{}`",
                change.by, change.action, log.form, log.of
            );
            let first = Evidence::new(format!("{} at {}", change.action, change.at), &log.place);
            Finding::new(&RULE, severity, Subject::Estate, what, first)
        })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use law::Severity;

    use super::super::testing::{findings, report_of};

    fn event(name: &str, source: &str, error: &str) -> String {
        format!(
            "{{\"eventTime\":\"2026-11-28T10:00:00Z\",\"eventSource\":\"{source}.amazonaws.com\",\"eventName\":\"{name}\",\"recipientAccountId\":\"111122223333\",{error}\"userIdentity\":{{\"type\":\"IAMUser\",\"arn\":\"arn:aws:iam::111122223333:user/ann\",\"accessKeyId\":\"AKIAANN\"}}}}\n"
        )
    }

    #[test]
    fn a_trail_that_was_stopped_is_found_with_who_did_it_and_a_try_is_told_as_one() {
        let refused = event("DeleteTrail", "cloudtrail", "\"errorCode\":\"AccessDenied\",");
        let report = report_of(&[("trail.json", &(event("StopLogging", "cloudtrail", "") + &refused))]);
        let found = findings(&report, "log-silenced");
        let told: Vec<(Severity, &str)> = found.iter().map(|one| (one.severity, one.what.as_str())).collect();
        assert_eq!(
            told,
            [
                (
                    Severity::High,
                    "`ann` did cloudtrail:StopLogging on 2026-11-28, which changes the AWS CloudTrail of `111122223333`"
                ),
                (
                    Severity::Warning,
                    "`ann` tried cloudtrail:DeleteTrail on 2026-11-28, which changes the AWS CloudTrail of `111122223333`"
                ),
            ]
        );
    }

    #[test]
    fn looking_at_a_trail_and_stopping_something_else_are_silent() {
        let text = event("DescribeTrails", "cloudtrail", "") + &event("StopLogging", "iot", "");
        assert!(findings(&report_of(&[("trail.json", &text)]), "log-silenced").is_empty());
    }
}
