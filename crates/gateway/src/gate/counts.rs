//! What the gate has done, for those who measure.

use std::sync::atomic::{AtomicU64, Ordering};

use law::Verdict;

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
