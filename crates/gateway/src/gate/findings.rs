//! What the gate notices by the way. Each rule is told once an hour for a key, not for each call.

use jiff::Timestamp;
use law::{Evidence, Finding, KeyId, Severity};
use tokio::sync::mpsc;
use wire::Place;

use crate::gate::presented::Shown;

/// Findings that are remembered as told.
const MOST: usize = 10_000;

pub(crate) struct Findings {
    out: mpsc::Sender<Finding>,
    told: papaya::HashMap<(&'static str, Option<KeyId>), i64>,
}

impl Findings {
    pub(crate) fn new(out: mpsc::Sender<Finding>) -> Self {
        Self { out, told: papaya::HashMap::new() }
    }

    /// What the place of a credential tells.
    pub(crate) fn of_place(&self, key: Option<KeyId>, shown: &Shown, now: Timestamp) {
        if matches!(shown.place, Place::Query(_)) {
            let what = format!("a key travels in the query, at `{}`: it ends up in logs", shown.place);
            self.tell("key-in-query", Severity::Warning, key, what, now);
        }
        if !shown.expected {
            let what = format!("a known key was sent at `{}`, where nobody expects one", shown.place);
            self.tell("key-in-odd-place", Severity::High, key, what, now);
        }
        if key.is_none() && !shown.keepable {
            let what = format!("somebody calls with a password instead of a key, at `{}`", shown.place);
            self.tell("password-as-key", Severity::Warning, key, what, now);
        }
    }

    /// A window is open for this key, powers and all, but from another source.
    pub(crate) fn tell(
        &self,
        rule: &'static str,
        severity: Severity,
        key: Option<KeyId>,
        what: String,
        now: Timestamp,
    ) {
        let hour = now.as_second().div_euclid(3600);
        let told = self.told.pin();
        if told.get(&(rule, key)).is_some_and(|known| *known == hour) {
            return;
        }
        if told.len() > MOST {
            told.clear();
        }
        told.insert((rule, key), hour);
        let finding = Finding::new(rule, severity, key, Evidence { at: now, call: None, what });
        // Where nobody keeps up with findings, the record still has the calls.
        let _ = self.out.try_send(finding);
    }
}
