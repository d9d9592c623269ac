//! One key takes another's place: both work until the new one was used, then the old one has
//! its grace. Pure.

use jiff::Timestamp;
use law::{KeyId, Span, Standing};

use crate::{PepperId, Verifier, change::Change, command::Order, declined::Declined, state::State};

/// The key that was made to take another's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Succession {
    /// The new key.
    pub successor: KeyId,
    /// How long the old one works on after the new one's first use.
    pub grace: Span,
    /// Whether the new one was used.
    pub took_over: bool,
}

impl State {
    /// The key that was made to take this one's place.
    pub fn succession(&self, of: KeyId) -> Option<Succession> {
        self.successions.get(&of).copied()
    }

    /// What making a successor changes. It can do what the old key can: who may have it was
    /// decided when that was issued.
    pub(crate) fn retire(
        &self,
        id: KeyId,
        grace: Span,
        end: Timestamp,
        (verifier, pepper): (Verifier, PepperId),
        now: Timestamp,
    ) -> Result<Vec<Change>, Declined> {
        let key = self.key(id).ok_or(Declined::NoKey(id))?;
        let Some(issued) = key.issued() else { return Err(Declined::MadeByTheApi(id)) };
        // The successor would call with another credential than the one that this one stands for.
        if key.stands_for().is_some() {
            return Err(Declined::MadeAtTheApi(id));
        }
        let before = self.succession(id);
        match (key.standing, before) {
            (Standing::Revoked, _) => return Err(Declined::Revoked(id)),
            (Standing::Retired, _) => return Err(Declined::Retired(id)),
            (Standing::Retiring, Some(Succession { successor, .. })) => {
                return Err(Declined::RetiresAlready(id, successor));
            }
            _ => {}
        }
        if let Some(refusal) = self.refusal(id, now) {
            return Err(Declined::NothingToRetire(id, refusal));
        }
        if let Some(of) = key.predecessor().filter(|_| key.awaits_first_use()) {
            return Err(Declined::NotUsedYet(id, of));
        }
        let order = Order {
            name: key.name().map(str::to_owned),
            holder: key.holder(),
            parent: key.parent(),
            scope: issued.scope.clone(),
            limits: issued.limits.clone(),
            end,
            verifier,
            pepper,
        };
        let issued = self.issue(&order, now)?;
        let successor = self.next_key();
        // A secret that was lost before it was used is not left lying about.
        let unused = before.map(|before| before.successor).filter(|unused| self.stands(*unused));
        let mut changes: Vec<Change> = unused
            .map(|key| Change::KeyRevoked { key, why: "another one was made in its place".to_owned() })
            .into_iter()
            .collect();
        changes.extend([issued, Change::KeySucceeds { key: successor, of: id, grace }]);
        if grace.as_secs() == 0 {
            changes
                .extend([Change::KeyTookOver { key: successor, of: id, until: now }, Change::KeyRetired { key: id }]);
        }
        Ok(changes)
    }

    fn stands(&self, key: KeyId) -> bool {
        self.key(key).is_some_and(|key| key.standing != Standing::Revoked)
    }

    /// What the first use of a key changes, if it is one.
    pub(crate) fn take_over(&self, id: KeyId, now: Timestamp) -> Option<Change> {
        let of = self.key(id).filter(|key| key.awaits_first_use())?.predecessor()?;
        let grace = self.succession(of).filter(|succession| succession.successor == id)?.grace;
        let until = grace.after(now);
        Some(Change::KeyTookOver { key: id, of, until })
    }

    /// The keys whose grace is over, and of which that is not written down.
    pub(crate) fn retire_due(&self, now: Timestamp) -> Vec<Change> {
        let taken_over = self.successions.iter().filter(|(_, succession)| succession.took_over);
        let keys = taken_over.filter_map(|(of, _)| self.key(*of));
        let due = keys.filter(|key| key.standing == Standing::Retiring && key.end().is_some_and(|end| end <= now));
        due.map(|key| Change::KeyRetired { key: key.id }).collect()
    }

    // What the changes do.

    pub(crate) fn succeeds(&mut self, id: KeyId, of: KeyId, grace: Span) {
        let first = self.key(of).map_or(of, |key| key.counted_as());
        self.with_key(id, |key| key.succeed(of, first));
        self.succeed_ceilings(id, of);
        self.successions.insert(of, Succession { successor: id, grace, took_over: false });
    }

    pub(crate) fn took_over(&mut self, id: KeyId, of: KeyId, until: Timestamp, at: Timestamp) {
        self.with_key(id, crate::Key::first_used);
        if let Some(succession) = self.successions.get_mut(&of).filter(|succession| succession.successor == id) {
            succession.took_over = true;
        }
        self.with_key(of, |key| {
            key.set_grace(until);
            if key.standing == Standing::Active {
                key.stand(Standing::Retiring, at);
            }
        });
        self.age(of);
    }

    /// Who was stopped meanwhile does not come back by being enabled, either.
    pub(crate) fn retired(&mut self, id: KeyId, at: Timestamp) {
        self.with_key(id, |key| {
            if key.standing != Standing::Revoked {
                key.stand(Standing::Retired, at);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use law::{HolderId, HolderKind, Powers};
    use proptest::prelude::*;

    use super::*;
    use crate::{
        PepperId, Scope,
        change::{Actor, Written},
        verifier::{Peppers, SecretDigest},
    };

    /// What happens to a row of keys.
    #[derive(Clone, Copy, Debug)]
    enum Act {
        Retire(usize, u32),
        Use(usize),
        Pass(u32),
    }

    fn any_act() -> impl Strategy<Value = Act> {
        prop_oneof![
            (0..8_usize, prop::sample::select(vec![0, 1, 5, 24])).prop_map(|(key, grace)| Act::Retire(key, grace)),
            (0..8_usize).prop_map(Act::Use),
            (1..30_u32).prop_map(Act::Pass),
        ]
    }

    fn known_by(id: KeyId) -> (Verifier, PepperId) {
        let (pepper, verifier) =
            Peppers::new((PepperId(1), &[1; 32]), None).verifier(&SecretDigest::of(&id.0.to_be_bytes()));
        (verifier, pepper)
    }

    fn start(now: Timestamp) -> Vec<Change> {
        let id = HolderId(1);
        let (name, kind) = ("ann".to_owned(), HolderKind::Person);
        let scope = Scope { powers: Powers::EVERY, operations: Vec::new(), sources: Vec::new() };
        let (verifier, pepper) = known_by(KeyId(1));
        let end = now + SignedDuration::from_hours(24 * 300);
        vec![
            Change::HolderAdded { id, name, kind, owner: None, deputies: Vec::new(), mail: None, administrator: true },
            Change::KeyIssued {
                id: KeyId(1),
                verifier,
                pepper,
                name: None,
                holder: id,
                parent: None,
                scope,
                limits: Vec::new(),
                end,
            },
        ]
    }

    proptest! {
        #[test]
        fn of_a_row_of_keys_one_always_works_and_none_comes_back(acts in prop::collection::vec(any_act(), 1..40)) {
            let mut now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
            let mut state = State::default();
            let mut written: Vec<(Written, Timestamp)> = Vec::new();
            let mut gone: Vec<KeyId> = Vec::new();
            let mut todo = start(now);
            for act in [None].into_iter().chain(acts.into_iter().map(Some)) {
                let nth = |place: usize| KeyId(place as u64 + 1);
                match act {
                    Some(Act::Retire(place, hours)) => {
                        let end = now + SignedDuration::from_hours(24 * 300);
                        let known = known_by(state.next_key());
                        todo = state.retire(nth(place), Span::hours(hours), end, known, now).unwrap_or_default();
                    }
                    // A call that passes.
                    Some(Act::Use(place)) if state.refusal(nth(place), now).is_none() => {
                        todo = state.take_over(nth(place), now).into_iter().collect();
                    }
                    Some(Act::Use(_)) | None => {}
                    Some(Act::Pass(hours)) => {
                        now += SignedDuration::from_hours(hours.into());
                        todo = state.retire_due(now);
                    }
                }
                for change in std::mem::take(&mut todo) {
                    let entry = Written::new(Actor::Gate, change);
                    state.obey(&entry, now);
                    written.push((entry, now));
                }
                let works = |key: KeyId| state.refusal(key, now).is_none();
                prop_assert!(state.keys().any(|key| works(key.id)), "after {act:?}");
                prop_assert!(!gone.iter().any(|key| works(*key)), "after {act:?}");
                gone = state.keys().map(|key| key.id).filter(|key| !works(*key)).collect();
            }
            let mut again = State::default();
            written.iter().for_each(|(entry, at)| again.obey(entry, *at));
            let all = |state: &State| state.keys().map(|key| (key.id, key.standing, key.end())).collect::<Vec<_>>();
            prop_assert_eq!(all(&state), all(&again));
        }
    }
}
