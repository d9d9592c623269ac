//! What is wrong with the gate's own work, told to administrators: each rule at most once an hour.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use law::{Evidence, Finding, Severity};
use tokio::sync::mpsc;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Where such findings go.
pub(crate) struct Hourly {
    findings: mpsc::Sender<Finding>,
    /// When somebody was told last, by rule.
    told: HashMap<&'static str, Timestamp>,
}

impl Hourly {
    pub(crate) fn new(findings: mpsc::Sender<Finding>) -> Self {
        Self { findings, told: HashMap::new() }
    }

    pub(crate) fn find(&mut self, rule: &'static str, what: String) {
        let now = Timestamp::now();
        if self.told.get(rule).is_some_and(|told| now.duration_since(*told) < HOUR) {
            return;
        }
        self.told.insert(rule, now);
        let evidence = Evidence { at: now, call: None, what };
        let _ = self.findings.try_send(Finding::new(rule, Severity::High, None, evidence));
    }
}
