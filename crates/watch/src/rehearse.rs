//! A watch for a rehearsal: it knows what is usual for one key, and nobody learns from it.

use jiff::Timestamp;
use law::{HolderId, KeyId};

use crate::{
    habit::DAY,
    source::hash,
    state::{Watch, minute},
};

impl Watch {
    /// A watch of its own for a key that is played stolen: what is usual for it is what is usual
    /// for this other one, and for these people; what the fleet has in common is there, too. What
    /// speaks against others' keys at this moment is not. None where the other one is not known.
    #[must_use]
    pub fn rehearsal(&self, key: KeyId, like: KeyId, people: &[HolderId], now: Timestamp) -> Option<Self> {
        let from = self.keys.read(like.0, Clone::clone)?;
        // Short names of things are the same in both.
        let watch = Self::salted(self.salt);
        watch.with_key(key, minute(now), |profile| profile.inherit(&from, minute(now)));
        for person in people {
            if let Some(circle) = self.circles.read(person.0, Clone::clone) {
                let mut circles = watch.circles.table(person.0);
                *watch.circles.entry(&mut circles, person.0, Default::default) = circle.without_signals();
            }
        }
        *watch.fleet.lock() = self.fleet.lock().clone();
        Some(watch)
    }

    /// Whether it is usual for a key to ask for this by now.
    pub fn is_usual(&self, key: KeyId, operation: &str, now: Timestamp) -> bool {
        let usual = |habit: &crate::habit::Habit| habit.is_usual(minute(now), (DAY, 2));
        self.keys
            .read(key.0, |profile| profile.operations.named(hash(operation.as_bytes())).is_some_and(usual))
            .unwrap_or(false)
    }

    /// Whether enough is known of a key to say what is not usual for it.
    pub fn knows(&self, key: KeyId, now: Timestamp) -> bool {
        self.keys.read(key.0, |profile| !profile.is_learning(minute(now))).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use law::{HolderKind, Power, Powers};

    use super::*;
    use crate::{Became, Seen};

    fn call(key: KeyId, operation: &'static str, source: &str) -> Seen<'static> {
        Seen {
            call: None,
            key: Some(key),
            holder: Some(HolderId(1)),
            kind: HolderKind::Workload,
            owner: None,
            operation,
            powers: Powers::from(Power::Read),
            described: None,
            out_of_scope: false,
            subject: None,
            source: source.parse().unwrap(),
            network: None,
            expected: false,
            user_agent: Some("orders-sync/2"),
        }
    }

    #[test]
    fn a_rehearsal_knows_what_is_usual_and_teaches_nobody() {
        let (watch, real, played) = (Watch::default(), KeyId(7), KeyId(9));
        let begins: Timestamp = "2026-01-01T08:00:00Z".parse().unwrap();
        let at = |hours: i64| begins.checked_add(jiff::SignedDuration::from_hours(hours)).unwrap();
        for day in 0..20 {
            for hour in 0..10 {
                let call = call(real, "GET /orders", "192.0.2.10");
                let _ = watch.see(&call, at(day * 24 + hour));
                let became = Became { status: 200, bytes_out: 100, rows: Some(1), minted: None };
                let _ = watch.ended(&call, &became, at(day * 24 + hour));
            }
        }
        let now = at(20 * 24);
        let rehearsal = watch.rehearsal(played, real, &[HolderId(1)], now).unwrap();
        let before = watch.clone();
        assert!(rehearsal.knows(played, now) && rehearsal.is_usual(played, "GET /orders", now));
        assert!(!rehearsal.see(&call(played, "GET /orders", "192.0.2.10"), now).unusual, "what is usual stays usual");
        assert!(rehearsal.see(&call(played, "GET /users", "198.51.100.66"), now).unusual, "and what is not is seen");
        assert_eq!(watch, before, "the watch that everybody is looked at with has learnt nothing");
        assert!(watch.rehearsal(played, KeyId(8), &[], now).is_none(), "of a key that nobody knows nothing is usual");
    }
}
