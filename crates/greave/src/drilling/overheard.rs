//! Who was told of a drill's key, and when a receiver had taken it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use law::KeyId;
use tell::Receipt;

/// So many messages of one drill are remembered.
const MOST: usize = 1_024;

/// One message to one receiver.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) key: KeyId,
    /// `webhook` or `mail`.
    pub(crate) by: &'static str,
    pub(crate) name: Option<String>,
    pub(crate) of: String,
    pub(crate) at: Instant,
    pub(crate) taken: Option<Instant>,
    receipt: Receipt,
}

/// What people are told of a drill's keys.
#[derive(Debug, Default)]
pub(crate) struct Overheard {
    heard: Mutex<Vec<Heard>>,
    found: Mutex<Vec<(KeyId, Instant, String)>>,
}

impl Overheard {
    /// Notes that something was found about a drill's key, and not by its watch.
    pub(crate) fn found(&self, key: KeyId, rule: &str) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() < MOST {
            found.push((key, Instant::now(), rule.to_owned()));
        }
    }

    /// What was found about a key first.
    pub(crate) fn first_found(&self, key: KeyId) -> Option<(Instant, String)> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.iter().find(|(of, _, _)| *of == key).map(|(_, at, rule)| (*at, rule.clone()))
    }

    /// Notes that a message goes out; its receipt says when it was taken.
    pub(crate) fn note(&self, key: KeyId, by: &'static str, name: Option<String>, of: &str, receipt: &Receipt) {
        let mut heard = self.lock();
        if heard.len() < MOST {
            let (of, receipt) = (of.to_owned(), receipt.clone());
            heard.push(Heard { key, by, name, of, at: Instant::now(), taken: None, receipt });
        }
    }

    /// Looks again and again which messages were taken.
    pub(crate) async fn sweep(self: Arc<Self>, beat: Duration) {
        loop {
            for heard in self.lock().iter_mut().filter(|heard| heard.taken.is_none() && heard.receipt.is_given()) {
                heard.taken = Some(Instant::now());
            }
            tokio::time::sleep(beat).await;
        }
    }

    pub(crate) fn all_taken(&self, keys: &[KeyId]) -> bool {
        self.lock().iter().filter(|heard| keys.contains(&heard.key)).all(|heard| heard.taken.is_some())
    }

    pub(crate) fn of(&self, keys: &[KeyId]) -> Vec<Heard> {
        self.lock().iter().filter(|heard| keys.contains(&heard.key)).cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
