//! The notice that tells of a finding.

use law::{Finding, Severity};
use serde_json::Value;

use crate::{
    Kind, Notice, NoticeId, Recipient,
    text::{foreign, moment},
};

/// Pieces of evidence that a notice shows; the desk has them all.
const SHOWN: usize = 10;

impl Notice {
    /// Tells of a finding: its rule, its key, and what showed it. `link` is its page on the desk.
    pub fn finding(finding: &Finding, id: NoticeId, link: Option<String>, to: Vec<Recipient>) -> Self {
        let about = finding.key.map(|key| format!(" (key {key})")).unwrap_or_default();
        let mut lines: Vec<String> = finding
            .evidence()
            .take(SHOWN)
            .map(|evidence| format!("{}  {}", moment(evidence.at), foreign(&evidence.what)))
            .collect();
        let more = finding.evidence().count().saturating_sub(SHOWN);
        if more > 0 {
            lines.push(format!("and {more} times more"));
        }
        let details = match serde_json::to_value(finding) {
            Ok(Value::Object(details)) => details,
            Ok(_) | Err(_) => serde_json::Map::new(),
        };
        Self {
            kind: Kind::Finding,
            id,
            at: finding.evidence().map(|evidence| evidence.at).max().unwrap_or_default(),
            title: format!("{}: {}{about}", word(finding.severity), finding.rule),
            lines,
            link,
            challenge: None,
            severity: finding.severity,
            to,
            details,
            life: None,
            receipt: None,
        }
    }
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "good to know",
        Severity::Warning => "to be mended",
        Severity::High => "to be looked at today",
        Severity::Critical => "to be looked at now",
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use law::{Evidence, KeyId};

    use super::*;

    #[test]
    fn a_finding_says_how_urgent_it_is_and_shows_its_evidence() {
        let seen = |second: i64| Evidence {
            at: Timestamp::from_second(second).unwrap(),
            call: None,
            what: "GET https://evil.example/\n?key=[masked]".to_owned(),
        };
        let mut finding = Finding::new("key-in-query", Severity::Critical, Some(KeyId(17)), seen(0));
        for second in 1..15 {
            finding = finding.and(seen(second));
        }
        let notice = Notice::finding(&finding, NoticeId::new("f1").unwrap(), None, Vec::new());
        assert_eq!(notice.title, "to be looked at now: key-in-query (key k17)");
        assert_eq!(notice.at, Timestamp::from_second(14).unwrap());
        assert_eq!(notice.lines.len(), SHOWN + 1);
        assert_eq!(notice.lines[0], "1970-01-01 00:00:00 UTC  GET https[://]evil[.]example/\\u{a}?key=[masked]");
        assert_eq!(notice.lines[SHOWN], "and 5 times more");
        assert_eq!(notice.details["rule"], "key-in-query");
    }
}
