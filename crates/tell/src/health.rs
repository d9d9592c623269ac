//! What arrives and what does not.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use law::Severity;

use crate::{Kind, Notice, Recipient};

/// People remembered for a notice that others were missed.
const REMEMBERED: usize = 64;

/// How one way does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayHealth {
    /// Scheme and host, such as `https://hooks.example.com`, or `mail mail.example.org:465`.
    pub name: String,
    /// Whether letters arrive.
    pub state: State,
    /// Letters that arrived.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Letters that were given up.
    pub given_up: u64,
    /// Notices that were dropped because too many waited.
    pub missed: u64,
    /// Letters and kept notices that wait now.
    pub waiting: usize,
    /// When the last letter arrived.
    pub last_delivered: Option<Timestamp>,
    /// Of those that arrived, the ones that asked their reader to say yes or no.
    pub asks_delivered: u64,
    /// The same of those that were given up or dropped.
    pub asks_lost: u64,
}

/// Whether letters arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing was sent yet.
    Untried,
    /// The last attempt arrived.
    Well,
    /// The last attempt failed.
    Failing {
        /// The first failure since the last letter that arrived.
        since: Timestamp,
        /// What went wrong, in words, without secrets.
        why: String,
    },
    /// The receiver said that it is gone (410), so nothing more is sent until a restart or a reload.
    Disabled {
        /// When it said so.
        since: Timestamp,
    },
}

/// The health of one way, shared by those who tell and the one who carries.
#[derive(Debug)]
pub(crate) struct Status(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    health: WayHealth,
    missed: Option<Missed>,
}

/// Notices that were dropped and of which nobody was told yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missed {
    pub(crate) count: u64,
    pub(crate) severity: Severity,
    pub(crate) to: Vec<Recipient>,
}

impl State {
    /// Whether this failure says something new: the first one, or one for another reason.
    /// Mending one fault may bring the next to light.
    fn is_news(&self, why: &str) -> bool {
        !matches!(self, Self::Failing { why: before, .. } if before == why)
    }
}

impl Status {
    pub(crate) fn new(name: String) -> Self {
        let health = WayHealth {
            name,
            state: State::Untried,
            delivered: 0,
            failed: 0,
            given_up: 0,
            missed: 0,
            waiting: 0,
            last_delivered: None,
            asks_delivered: 0,
            asks_lost: 0,
        };
        Self(Mutex::new(Inner { health, missed: None }))
    }

    pub(crate) fn health(&self) -> WayHealth {
        self.lock().health.clone()
    }

    pub(crate) fn delivered(&self, kind: Kind, now: Timestamp) {
        let mut inner = self.lock();
        inner.health.asks_delivered += u64::from(kind.asks());
        let health = &mut inner.health;
        if let State::Failing { since, .. } = &health.state {
            tracing::info!(way = health.name, %since, "people are told again");
        }
        health.delivered += 1;
        health.last_delivered = Some(now);
        health.state = State::Well;
    }

    pub(crate) fn failed(&self, now: Timestamp, why: &str) {
        let mut inner = self.lock();
        let health = &mut inner.health;
        health.failed += 1;
        if health.state.is_news(why) {
            tracing::warn!(way = health.name, why, "telling people fails");
        }
        let since = match &health.state {
            State::Failing { since, .. } => *since,
            State::Untried | State::Well | State::Disabled { .. } => now,
        };
        health.state = State::Failing { since, why: why.to_owned() };
    }

    pub(crate) fn gave_up(&self, letters: usize, asks: usize) {
        let mut inner = self.lock();
        inner.health.asks_lost += u64::try_from(asks).unwrap_or(u64::MAX);
        tracing::warn!(way = inner.health.name, letters, "letters are given up");
        inner.health.given_up += u64::try_from(letters).unwrap_or(u64::MAX);
    }

    pub(crate) fn disabled(&self, now: Timestamp) {
        let mut inner = self.lock();
        tracing::error!(way = inner.health.name, "the receiver is gone (410); nothing more is sent there");
        inner.health.state = State::Disabled { since: now };
    }

    pub(crate) fn is_disabled(&self) -> bool {
        matches!(self.lock().health.state, State::Disabled { .. })
    }

    pub(crate) fn waiting(&self, waiting: usize) {
        self.lock().health.waiting = waiting;
    }

    /// Remembers that a notice was dropped, and for whom it was. `to` may be of another length
    /// than the notice's: a letter is for one person.
    pub(crate) fn miss(&self, notice: &Notice, to: &[Recipient]) {
        let mut inner = self.lock();
        inner.health.missed += 1;
        inner.health.asks_lost += u64::from(notice.kind.asks());
        let missed = inner.missed.get_or_insert_with(|| Missed { count: 0, severity: notice.severity, to: Vec::new() });
        missed.count += 1;
        missed.severity = missed.severity.max(notice.severity);
        for recipient in to {
            if missed.to.len() < REMEMBERED && !missed.to.contains(recipient) {
                missed.to.push(recipient.clone());
            }
        }
    }

    /// Takes over telling of what was missed.
    pub(crate) fn take_missed(&self) -> Option<Missed> {
        self.lock().missed.take()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Counters stay true whoever panicked beside them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::notice;

    #[test]
    fn a_failure_dates_from_the_first_one_and_ends_with_a_letter_that_arrives() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let status = Status::new("mail".to_owned());
        assert!(status.health().state.is_news("first"));
        status.failed(at(1), "first");
        assert!(!status.health().state.is_news("first"), "said once");
        assert!(status.health().state.is_news("second"), "another reason is said");
        status.failed(at(2), "second");
        assert_eq!(status.health().state, State::Failing { since: at(1), why: "second".to_owned() });
        status.delivered(Kind::ChallengeOpened, at(3));
        assert_eq!(status.health().state, State::Well);
        assert_eq!((status.health().failed, status.health().delivered, status.health().asks_delivered), (2, 1, 1));
    }

    #[test]
    fn what_is_missed_is_told_once_to_everybody_concerned_as_grave_as_the_gravest() {
        let status = Status::new("mail".to_owned());
        for severity in [Severity::Critical, Severity::Info] {
            let notice = notice("n", severity);
            status.miss(&notice, &notice.to);
        }
        let missed = status.take_missed().unwrap();
        assert_eq!((missed.count, missed.severity, missed.to.len()), (2, Severity::Critical, 1));
        assert_eq!(status.take_missed(), None);
        assert_eq!(status.health().missed, 2);
    }
}
