//! What the gate has done, for those who measure.

use std::sync::atomic::{AtomicU64, Ordering};

use law::{Severity, Verdict};

/// Calls since the start, by what was decided.
#[derive(Debug, Default)]
pub struct Counts {
    /// They passed.
    pub permitted: AtomicU64,
    /// They passed because the guard only observes.
    pub would_ask: AtomicU64,
    /// A second factor was asked for, and not given in time.
    pub challenged: AtomicU64,
    /// They were refused.
    pub refused: AtomicU64,
    /// Requests that wait for a person now.
    pub waiting: AtomicU64,
}

/// What the watch has done since the start. Drills are not counted.
#[derive(Debug, Default)]
pub struct WatchCounts {
    /// Findings, by severity: info, warning, high, critical.
    pub findings: [AtomicU64; 4],
    /// Findings that were answered more mildly, because too many keys were held or asked within the hour.
    pub capped: AtomicU64,
    /// Containments that a person lifted.
    pub lifted: AtomicU64,
    /// Findings that were lost, because more waited than there is room for.
    pub untold: AtomicU64,
}

impl WatchCounts {
    pub(crate) fn found(&self, severity: Severity) {
        if let Some(counter) = self.findings.get(severity as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Counts {
    pub(crate) fn note(&self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Permit => &self.permitted,
            Verdict::WouldAsk(_) | Verdict::WouldRefuse(_) => &self.would_ask,
            Verdict::Challenge(_) => &self.challenged,
            Verdict::Refuse(_) => &self.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request as waiting for as long as the value lives: also where the client goes
    /// away, and the request with it.
    pub(crate) fn one_waits(&self) -> Waits<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waits(&self.waiting)
    }
}

pub(crate) struct Waits<'a>(&'a AtomicU64);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
