//! Slows down those who try keys that are not known. Only unknown keys are slowed down: an
//! honest key behind the same address is recognised before anybody asks here.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use jiff::Timestamp;
use law::Neighbourhood;

/// Unknown keys in a minute from one source that did not turn out to be good.
const MOST: u32 = 60;

/// Keys in an hour that are learned from one source.
const MOST_LEARNED: u32 = 200;

/// Sources that are remembered at one time. Beyond it all are forgotten: memory is bounded,
/// and whoever has so many addresses is not slowed down by any one of them.
const SOURCES: usize = 100_000;

#[derive(Default)]
pub(crate) struct Throttle {
    misses: Window<60>,
    learned: Window<3600>,
}

impl Throttle {
    /// Whether an unknown key from this source is looked at.
    pub(crate) fn admits(&self, source: Neighbourhood, now: Timestamp) -> bool {
        self.misses.count(source, now) < MOST
    }

    /// An unknown key from this source was no good.
    pub(crate) fn missed(&self, source: Neighbourhood, now: Timestamp) {
        self.misses.add(source, now);
    }

    /// Whether one more key may be learned from this source.
    pub(crate) fn may_learn(&self, source: Neighbourhood, now: Timestamp) -> bool {
        let may = self.learned.count(source, now) < MOST_LEARNED;
        if may {
            self.learned.add(source, now);
        }
        may
    }
}

/// Counts by source that begin anew with each period.
#[derive(Default)]
struct Window<const SECONDS: i64> {
    period: AtomicI64,
    counts: papaya::HashMap<Neighbourhood, AtomicU32>,
}

impl<const SECONDS: i64> Window<SECONDS> {
    fn count(&self, source: Neighbourhood, now: Timestamp) -> u32 {
        self.turn(now);
        self.counts.pin().get(&source).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    fn add(&self, source: Neighbourhood, now: Timestamp) {
        self.turn(now);
        self.counts.pin().get_or_insert_with(source, AtomicU32::default).fetch_add(1, Ordering::Relaxed);
    }

    fn turn(&self, now: Timestamp) {
        let period = now.as_second().div_euclid(SECONDS);
        // A request that took long brings an older time along, which turns nothing back.
        if self.period.fetch_max(period, Ordering::Relaxed) < period || self.counts.len() > SOURCES {
            self.counts.pin().clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_is_slowed_down_by_source_and_forgotten_after_a_minute() {
        let throttle = Throttle::default();
        let source = |text: &str| law::neighbourhood(text.parse().unwrap());
        let now = Timestamp::UNIX_EPOCH;
        for _ in 0..MOST {
            assert!(throttle.admits(source("192.0.2.1"), now));
            throttle.missed(source("192.0.2.1"), now);
        }
        assert!(!throttle.admits(source("192.0.2.1"), now));
        assert!(throttle.admits(source("192.0.2.2"), now));
        assert!(throttle.admits(source("192.0.2.1"), now + jiff::SignedDuration::from_secs(60)));
    }
}
