//! Containments on the request path, and how they come into force.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use jiff::Timestamp;
use law::{Answer, Containment, KeyId, Powers, Step};

use super::{Actor, Authority, Failed};
use crate::Key;

/// What holds keys.
#[derive(Debug)]
pub(super) struct Held {
    keys: HashMap<KeyId, Vec<Containment>>,
    /// When the last of it ends.
    until: Timestamp,
}

impl Default for Held {
    fn default() -> Self {
        Self { keys: HashMap::new(), until: Timestamp::MIN }
    }
}

impl Authority {
    /// What containments say of a call with this key. Where nothing is contained, this costs
    /// one read.
    pub fn contained(&self, key: &Key, powers: Powers, unusual: bool, now: Timestamp) -> Answer {
        self.strictest(key, now, |containment| containment.says(powers, unusual, now))
    }

    /// Whether what this key has in flight falls with what holds it, or the keys that made it;
    /// where it is sensitive or not usual, less is enough.
    pub fn falls(&self, key: &Key, wary: bool, now: Timestamp) -> bool {
        let falls = |containment: &Containment| {
            containment.until > now
                && (matches!(containment.step, Step::Disable | Step::Revoke) || wary && containment.step.contains())
        };
        self.strictest(key, now, falls)
    }

    /// How often what holds keys has changed. Who looked then need not look again.
    pub fn containings(&self) -> u64 {
        self.containings.load(Ordering::Acquire)
    }

    fn strictest<A: Default + Ord>(&self, key: &Key, now: Timestamp, says: impl Fn(&Containment) -> A) -> A {
        let held = self.contained.load();
        if held.until <= now {
            return A::default();
        }
        let of = |key: &KeyId| held.keys.get(key).into_iter().flatten().map(&says).max().unwrap_or_default();
        if key.parent().is_none() {
            return of(&key.id);
        }
        self.view(|state| state.makers(key.id)).iter().map(of).max().unwrap_or_default()
    }

    /// Whether so much or more is in force for the key itself.
    pub fn is_held(&self, key: KeyId, step: Step, now: Timestamp) -> bool {
        let held = self.contained.load();
        held.keys.get(&key).is_some_and(|held| held.iter().any(|held| held.step >= step && held.until > now))
    }

    /// Contains keys, on what the gate saw: in force, and on disk, when it returns. Gives what
    /// is new of it.
    ///
    /// # Errors
    /// When it cannot be written down; then nothing of it is in force.
    pub async fn contain(&self, containments: &[Containment], now: Timestamp) -> Result<usize, Failed> {
        let writing = self.writing().await?;
        let changes = self.view(|state| state.contain(containments));
        let new = changes.len();
        self.write(writing, Actor::Gate, changes, &[], now).await?;
        Ok(new)
    }

    /// A person said yes to a call of this key: what a step-up asks is answered.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn answered(&self, key: KeyId, now: Timestamp) -> Result<(), Failed> {
        if self.contained.load().keys.is_empty() {
            return Ok(());
        }
        let writing = self.writing().await?;
        let changes = self.view(|state| state.answered(key, now));
        self.write(writing, Actor::Gate, changes, &[], now).await
    }

    pub(super) fn mirror_contained(&self) {
        let keys: HashMap<KeyId, Vec<Containment>> =
            self.view(|state| state.containing.held.iter().map(|(key, held)| (*key, held.clone())).collect());
        let until = keys.values().flatten().map(|held| held.until).max().unwrap_or(Timestamp::MIN);
        self.contained.store(Arc::new(Held { keys, until }));
        self.containings.fetch_add(1, Ordering::Release);
    }
}
