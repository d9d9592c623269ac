//! Containments on the request path, and how they come into force.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use law::{Answer, Containment, KeyId, Powers};

use super::{Actor, Authority, Failed};
use crate::Key;

/// What holds keys.
pub(super) type Held = HashMap<KeyId, Vec<Containment>>;

impl Authority {
    /// What containments say of a call with this key. Where nothing is contained, this costs
    /// one read.
    pub fn contained(&self, key: &Key, powers: Powers, unusual: bool, now: Timestamp) -> Answer {
        let held = self.contained.load();
        if held.is_empty() {
            return Answer::Pass;
        }
        let says = |key: &KeyId| {
            let held = held.get(key).into_iter().flatten();
            held.map(|containment| containment.says(powers, unusual, now)).max().unwrap_or_default()
        };
        if key.parent().is_none() {
            return says(&key.id);
        }
        self.view(|state| state.makers(key.id)).iter().map(says).max().unwrap_or_default()
    }

    /// Contains keys, on what the gate saw: in force, and on disk, when it returns. Gives what
    /// is new of it.
    ///
    /// # Errors
    /// When it cannot be written down; then nothing of it is in force.
    pub async fn contain(&self, containments: &[Containment], now: Timestamp) -> Result<usize, Failed> {
        let writing = self.writing().await?;
        let changes = self.view(|state| state.contain(containments, now));
        let new = changes.len();
        self.write(writing, Actor::Gate, changes, &[], now).await?;
        Ok(new)
    }

    /// A person said yes to a call of this key: what a step-up asks is answered.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn answered(&self, key: KeyId, now: Timestamp) -> Result<(), Failed> {
        if self.contained.load().is_empty() {
            return Ok(());
        }
        let writing = self.writing().await?;
        let changes = self.view(|state| state.answered(key, now));
        self.write(writing, Actor::Gate, changes, &[], now).await
    }

    pub(super) fn mirror_contained(&self) {
        let held = self.view(|state| state.containing.held.iter().map(|(key, held)| (*key, held.clone())).collect());
        self.contained.store(Arc::new(held));
    }
}
