//! What holds keys and cannot be written down: it holds them here until it can.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use authority::{Authority, Failed};
use jiff::{SignedDuration, Timestamp};
use law::{Containment, KeyId};

/// So long a ledger that failed is left alone.
const REST: SignedDuration = SignedDuration::from_secs(1);

/// Containments that are not in the ledger yet. The ladder's caps bound them.
#[derive(Debug, Default)]
pub(crate) struct Unwritten {
    keys: Mutex<BTreeMap<KeyId, Waits>>,
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Waits {
    containments: Vec<Containment>,
    failed: Option<Timestamp>,
}

impl Unwritten {
    /// The usual case, and cheap to ask.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    pub(crate) fn has(&self, key: KeyId) -> bool {
        self.lock().contains_key(&key)
    }

    pub(crate) fn keys(&self) -> Vec<KeyId> {
        if self.is_empty() { Vec::new() } else { self.lock().keys().copied().collect() }
    }

    /// Noted before it is written, so that a request that breaks off takes nothing of it along.
    pub(crate) fn add(&self, key: KeyId, new: Vec<Containment>) {
        self.with(|keys| {
            let waits = keys.entry(key).or_default();
            for new in new {
                if !waits.containments.iter().any(|it| (it.step, it.powers) == (new.step, new.powers)) {
                    waits.containments.push(new);
                }
            }
        });
    }

    /// A person's yes answers what only asks.
    pub(crate) fn answered(&self, key: KeyId) {
        self.drop_where(key, |containment| !containment.step.contains());
    }

    /// A person lifted it.
    pub(crate) fn lifted(&self, key: KeyId) {
        self.drop_where(key, |_| true);
    }

    /// Writes what waits for this key, and says whether nothing waits any more.
    pub(crate) async fn write(&self, authority: &Authority, key: KeyId, now: Timestamp) -> bool {
        let rests = |waits: &Waits| waits.failed.is_some_and(|failed| now.duration_since(failed) < REST);
        if self.lock().get(&key).is_some_and(rests) {
            return false;
        }
        let written = self.try_write(authority, key, now).await;
        if let Err(error) = &written {
            tracing::error!(error = error as &dyn std::error::Error, %key, "a containment cannot be written down");
        }
        written.is_ok()
    }

    /// The same at once.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) async fn try_write(&self, authority: &Authority, key: KeyId, now: Timestamp) -> Result<(), Failed> {
        let waits = self.lock().get(&key).map(|waits| waits.containments.clone()).unwrap_or_default();
        if waits.is_empty() {
            return Ok(());
        }
        match authority.contain(&waits, now).await {
            Ok(_) => {
                let is_written = |containment: &Containment| waits.contains(containment);
                self.drop_where(key, is_written);
                Ok(())
            }
            Err(error) => {
                self.with(|keys| {
                    keys.entry(key).and_modify(|waits| waits.failed = Some(now));
                });
                Err(error)
            }
        }
    }

    fn drop_where(&self, key: KeyId, gone: impl Fn(&Containment) -> bool) {
        if self.is_empty() {
            return;
        }
        self.with(|keys| {
            if let Some(waits) = keys.get_mut(&key) {
                waits.containments.retain(|containment| !gone(containment));
                if waits.containments.is_empty() {
                    keys.remove(&key);
                }
            }
        });
    }

    fn with<R>(&self, change: impl FnOnce(&mut BTreeMap<KeyId, Waits>) -> R) {
        let mut keys = self.lock();
        change(&mut keys);
        self.count.store(keys.len(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<KeyId, Waits>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
