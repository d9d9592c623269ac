//! What the gate has done, for those who measure.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use law::{Call, Ended, Refusal, Severity, Verdict};

use crate::{
    Ending,
    gate::{
        histogram::Timed,
        lately::{LastHour, Lately},
    },
};

/// Upper bounds of how long requests take, in microseconds: from the gate's own answer to a call that
/// waits for its person.
const DURATIONS: &[u64] = &[
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    300_000_000,
];

/// Upper bounds of what the gate adds, in microseconds.
const SHARES: &[u64] =
    &[50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];

/// Why the API did not answer, in the order in which they are counted.
const UNANSWERED: [Refusal; 5] = [
    Refusal::UpstreamUnreachable,
    Refusal::UpstreamUntrusted,
    Refusal::UpstreamRefusesGate,
    Refusal::UpstreamBroken,
    Refusal::UpstreamSlow,
];

/// An answer that the API began and did not end.
const BROKEN_OFF: &str = "broken-off";

/// Calls since the start, by what was decided.
#[derive(Debug)]
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
    /// How long requests took, to the last byte of their answer.
    pub durations: Timed,
    /// What of it was the gate's own: before a request went on, or until it was refused. Time in
    /// which it waited for a person is left out.
    pub shares: Timed,
    /// What the API answered, by the hundred of the status, from 1xx to 5xx.
    answers: [AtomicU64; 5],
    /// Requests that the API did not answer, or not to the end.
    unanswered: [AtomicU64; UNANSWERED.len() + 1],
    lately: Lately,
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
    /// Calls that waited for a person because of what holds their key.
    pub asked: AtomicU64,
}

impl WatchCounts {
    pub(crate) fn found(&self, severity: Severity) {
        if let Some(counter) = self.findings.get(severity as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            permitted: AtomicU64::new(0),
            would_ask: AtomicU64::new(0),
            challenged: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            durations: Timed::new(DURATIONS),
            shares: Timed::new(SHARES),
            answers: Default::default(),
            unanswered: Default::default(),
            lately: Lately::default(),
        }
    }
}

impl Counts {
    /// What the API answered, by the hundred of the status: `1xx` to `5xx`.
    pub fn answers(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().zip(self.answers.iter().map(read))
    }

    /// Requests that the API did not answer, by why: the code of their refusal, or that the answer
    /// broke off.
    pub fn unanswered(&self) -> impl Iterator<Item = (&'static str, u64)> {
        UNANSWERED.iter().map(|refusal| refusal.code()).chain([BROKEN_OFF]).zip(self.unanswered.iter().map(read))
    }

    /// Calls of the last hour, since the start. Drills are not counted.
    pub fn last_hour(&self, now: Timestamp) -> LastHour {
        self.lately.sum(now)
    }

    /// Counts a refusal where it is the API's.
    pub(crate) fn not_answered(&self, refusal: Refusal) {
        let place = UNANSWERED.iter().position(|known| *known == refusal);
        place.and_then(|place| self.unanswered.get(place)).map(count);
    }

    /// Counts what the API answered.
    pub(crate) fn answered(&self, ending: &Ending) {
        if ending.ended == Ended::UpstreamGone {
            self.unanswered.last().map(count);
        }
        if ending.ended != Ended::Answered {
            let hundred = usize::from(ending.status / 100);
            hundred.checked_sub(1).and_then(|place| self.answers.get(place)).map(count);
        }
    }

    pub(crate) fn note(&self, call: &Call) {
        self.lately.note(call);
        let counter = match call.verdict {
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

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_did_not_answer_is_counted_by_why_and_what_the_gate_answered_is_not() {
        let counts = Counts::default();
        let all = [Refusal::UpstreamSlow, Refusal::UpstreamSlow, Refusal::UpstreamUnreachable, Refusal::Revoked];
        all.into_iter().for_each(|refusal| counts.not_answered(refusal));
        let ending = |status, ended| Ending {
            status,
            sent: true,
            bytes_in: 0,
            bytes_out: 0,
            rows: None,
            minted: None,
            learned: None,
            showed: false,
            encoded: false,
            micros: 0,
            ended,
        };
        let ends = [(200, Ended::Whole), (503, Ended::Whole), (200, Ended::UpstreamGone), (502, Ended::Answered)];
        ends.into_iter().for_each(|(status, ended)| counts.answered(&ending(status, ended)));
        counts.answered(&ending(0, Ended::ClientGone));
        let some = |all: &mut dyn Iterator<Item = (&'static str, u64)>| -> Vec<(&'static str, u64)> {
            all.filter(|(_, many)| *many > 0).collect()
        };
        assert_eq!(
            some(&mut counts.unanswered()),
            [("upstream-unreachable", 1), ("upstream-slow", 2), ("broken-off", 1)]
        );
        assert_eq!(some(&mut counts.answers()), [("2xx", 2), ("5xx", 1)]);
    }
}
