//! What came within the last hour, minute by minute.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;
use law::{Call, Verdict, Who};

const MINUTES: usize = 60;

/// Calls of the last hour. Where two threads begin a minute at once, a call may go uncounted.
#[derive(Debug)]
pub(crate) struct Lately([Minute; MINUTES]);

#[derive(Debug)]
struct Minute {
    /// Which one, in minutes since 1970.
    of: AtomicI64,
    counts: [AtomicU64; 4],
}

/// Calls, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastHour {
    /// They passed.
    pub passed: u64,
    /// A person was asked, and has not said yes in time.
    pub asked: u64,
    /// They were refused.
    pub refused: u64,
    /// Of all these, the ones with a credential that nobody knows.
    pub unknown: u64,
}

impl Default for Lately {
    fn default() -> Self {
        let minute = || Minute { of: AtomicI64::new(i64::MIN), counts: Default::default() };
        Self(std::array::from_fn(|_| minute()))
    }
}

impl Lately {
    pub(crate) fn note(&self, call: &Call) {
        if call.who == Who::Drill {
            return;
        }
        let now = minute(call.at);
        let Some(minute) = usize::try_from(now.rem_euclid(MINUTES as i64)).ok().and_then(|place| self.0.get(place))
        else {
            return;
        };
        if minute.of.load(Ordering::Relaxed) != now && minute.of.swap(now, Ordering::Relaxed) != now {
            minute.counts.iter().for_each(|count| count.store(0, Ordering::Relaxed));
        }
        let [passed, asked, refused, unknown] = &minute.counts;
        let counter = match call.verdict {
            Verdict::Permit | Verdict::WouldAsk(_) | Verdict::WouldRefuse(_) => passed,
            Verdict::Challenge(_) => asked,
            Verdict::Refuse(_) => refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        unknown.fetch_add(u64::from(call.who == Who::Unknown), Ordering::Relaxed);
    }

    pub(crate) fn sum(&self, now: Timestamp) -> LastHour {
        let now = minute(now);
        let recent = |minute: &&Minute| (now - MINUTES as i64 + 1..=now).contains(&minute.of.load(Ordering::Relaxed));
        self.0.iter().filter(recent).fold(LastHour::default(), |sum, minute| {
            let [passed, asked, refused, unknown] = minute.counts.each_ref().map(|count| count.load(Ordering::Relaxed));
            LastHour {
                passed: sum.passed + passed,
                asked: sum.asked + asked,
                refused: sum.refused + refused,
                unknown: sum.unknown + unknown,
            }
        })
    }
}

fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use law::{CallId, Factors, Powers, Refusal};

    use super::*;

    fn call(second: i64, who: Who, verdict: Verdict) -> Call {
        Call {
            id: CallId(uuid::Uuid::nil()),
            at: Timestamp::from_second(second).unwrap(),
            who,
            key: None,
            holder: None,
            operation: Arc::from("GET /"),
            parameters: Vec::new(),
            query: Vec::new(),
            powers: Powers::NONE,
            source: [127, 0, 0, 1].into(),
            user_agent: None,
            factors: Factors::NONE,
            verdict,
            law: Arc::from(""),
            challenge: None,
            approval: None,
        }
    }

    #[test]
    fn an_hour_is_remembered_and_no_more() {
        let lately = Lately::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        lately.note(&call(0, Who::Key, Verdict::Permit));
        lately.note(&call(59, Who::Unknown, Verdict::Refuse(Refusal::UnknownKey)));
        lately.note(&call(60, Who::Key, Verdict::Challenge(Factors::NONE)));
        lately.note(&call(61, Who::Drill, Verdict::Permit));
        let all = LastHour { passed: 1, asked: 1, refused: 1, unknown: 1 };
        assert_eq!(lately.sum(at(61)), all);
        assert_eq!(lately.sum(at(3599)), all);
        assert_eq!(lately.sum(at(3600)), LastHour { asked: 1, ..LastHour::default() });
        lately.note(&call(3600, Who::Key, Verdict::Permit));
        assert_eq!(lately.sum(at(3600)), LastHour { passed: 1, asked: 1, ..LastHour::default() }, "its minute is new");
        assert_eq!(lately.sum(at(7200)), LastHour::default());
    }
}
