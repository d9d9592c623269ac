//! Slows down those who try keys that are not known. Only unknown keys are slowed down: an
//! honest key behind the same address is recognised before anybody asks here.
//!
//! A token is recognised by its signature, which costs more than all the rest of a refusal. So
//! from a source that has shown too many that did not verify, only those are verified that
//! claim to be of a client that is known, and of each client only so many.

use std::{
    hash::Hash,
    sync::atomic::{AtomicI64, AtomicU32, Ordering},
};

use authority::ClaimDigest;
use jiff::Timestamp;
use law::Neighbourhood;

/// Unknown keys in a minute from one source that did not turn out to be good.
const MOST: u32 = 60;

/// Tokens in a minute from one source that were verified in vain.
const MOST_FORGED: u32 = 60;

/// The same beyond it, for each known client that they claim to be.
const MOST_FORGED_AS: u32 = 20;

/// Keys in an hour that are learned from one source.
const MOST_LEARNED: u32 = 200;

/// Sources that are remembered at one time. Beyond it all are forgotten: memory is bounded,
/// and whoever has so many addresses is not slowed down by any one of them.
const SOURCES: usize = 100_000;

#[derive(Default)]
pub(crate) struct Throttle {
    misses: Window<Neighbourhood, 60>,
    learned: Window<Neighbourhood, 3600>,
    forged: Window<Neighbourhood, 60>,
    forged_as: Window<(Neighbourhood, ClaimDigest), 60>,
    /// Clients whose tokens were good, by source: sessions have no key by which they would be known.
    proven: papaya::HashMap<(Neighbourhood, ClaimDigest), ()>,
}

impl Throttle {
    /// Whether an unknown key from this source is looked at.
    pub(crate) fn admits(&self, source: Neighbourhood, now: Timestamp) -> bool {
        self.misses.count(&source, now) < MOST
    }

    /// Whether a token that claims to be this client's is verified. `is_known` says whether a
    /// key is known by that.
    pub(crate) fn may_verify(
        &self,
        source: Neighbourhood,
        client: ClaimDigest,
        is_known: impl FnOnce() -> bool,
        now: Timestamp,
    ) -> bool {
        self.forged.count(&source, now) < MOST_FORGED
            || self.forged_as.count(&(source, client), now) < MOST_FORGED_AS
                && (self.proven.pin().contains_key(&(source, client)) || is_known())
    }

    /// It was no good, and that took computing.
    pub(crate) fn forged(&self, source: Neighbourhood, client: ClaimDigest, now: Timestamp) {
        if self.forged.count(&source, now) < MOST_FORGED {
            self.forged.add(source, now);
        } else {
            self.forged_as.add((source, client), now);
        }
    }

    /// It was good.
    pub(crate) fn proved(&self, source: Neighbourhood, client: ClaimDigest) {
        let proven = self.proven.pin();
        if proven.len() >= SOURCES {
            proven.clear();
        }
        proven.insert((source, client), ());
    }

    /// An unknown key from this source was no good.
    pub(crate) fn missed(&self, source: Neighbourhood, now: Timestamp) {
        self.misses.add(source, now);
    }

    /// Whether one more key may be learned from this source.
    pub(crate) fn may_learn(&self, source: Neighbourhood, now: Timestamp) -> bool {
        let may = self.learned.count(&source, now) < MOST_LEARNED;
        if may {
            self.learned.add(source, now);
        }
        may
    }
}

/// Counts, by source or by more, that begin anew with each period.
struct Window<Who, const SECONDS: i64> {
    period: AtomicI64,
    counts: papaya::HashMap<Who, AtomicU32>,
}

impl<Who: Hash + Eq, const SECONDS: i64> Default for Window<Who, SECONDS> {
    fn default() -> Self {
        Self { period: AtomicI64::default(), counts: papaya::HashMap::new() }
    }
}

impl<Who: Hash + Eq, const SECONDS: i64> Window<Who, SECONDS> {
    fn count(&self, who: &Who, now: Timestamp) -> u32 {
        self.turn(now);
        self.counts.pin().get(who).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    fn add(&self, who: Who, now: Timestamp) {
        self.turn(now);
        self.counts.pin().get_or_insert_with(who, AtomicU32::default).fetch_add(1, Ordering::Relaxed);
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

    #[test]
    fn beside_forgers_the_tokens_of_known_clients_are_verified_each_for_itself() {
        let client = |name: &str| {
            let claim = authority::Claim { issuer: "login".into(), name: "sub".into(), value: name.into() };
            ClaimDigest::of(&claim, None)
        };
        let (throttle, now) = (Throttle::default(), Timestamp::UNIX_EPOCH);
        let [here, elsewhere] = ["192.0.2.1", "192.0.2.2"].map(|text| law::neighbourhood(text.parse().unwrap()));
        let may = |source, name: &str, is_known| throttle.may_verify(source, client(name), || is_known, now);
        throttle.proved(here, client("ann"));
        for _ in 0..MOST_FORGED {
            assert!(may(here, "nobody", false));
            throttle.forged(here, client("nobody"), now);
        }
        assert!(!may(here, "nobody", false), "a client that nobody knows");
        assert!(may(here, "ann", false) && may(here, "ci", true), "one that was good here, and one with a key");
        assert!(may(elsewhere, "nobody", false), "another source");
        for _ in 0..MOST_FORGED_AS {
            assert!(may(here, "ci", true));
            throttle.forged(here, client("ci"), now);
        }
        assert!(!may(here, "ci", true) && may(here, "ann", false) && may(elsewhere, "ci", true));
        assert!(throttle.may_verify(here, client("ci"), || true, now + jiff::SignedDuration::from_secs(60)));
    }
}
