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
pub(crate) struct Overheard(Mutex<Vec<Heard>>);

impl Overheard {
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

    pub(crate) fn all_taken(&self, key: KeyId) -> bool {
        self.lock().iter().filter(|heard| heard.key == key).all(|heard| heard.taken.is_some())
    }

    pub(crate) fn of(&self, key: KeyId) -> Vec<Heard> {
        self.lock().iter().filter(|heard| heard.key == key).cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Heard>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
