//! Who was told of a question, as far as this process knows.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::Timestamp;
use law::ChallengeId;

use crate::api::Notified;

/// Questions that are remembered; the oldest are forgotten first.
const MOST: usize = 1024;

/// Who was told of which question. In memory: after a restart people are told again.
#[derive(Debug, Default)]
pub struct Told {
    of: Mutex<BTreeMap<ChallengeId, Vec<Notified>>>,
    nobody: AtomicU64,
}

impl Told {
    /// Remembers that a notice went out: to a person by mail, or to a webhook.
    pub fn note(&self, challenge: ChallengeId, by: &str, name: Option<String>, at: Timestamp) {
        let mut told = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        told.entry(challenge).or_default().push(Notified { name, by: by.to_owned(), at });
        while told.len() > MOST {
            told.pop_first();
        }
    }

    /// Counts a question of which nobody could be told.
    pub fn note_nobody(&self) {
        self.nobody.fetch_add(1, Ordering::Relaxed);
    }

    /// How often nobody could be told of a question, since the start.
    pub fn nobody(&self) -> u64 {
        self.nobody.load(Ordering::Relaxed)
    }

    /// Who was told of this question, the first first.
    pub(crate) fn of(&self, challenge: ChallengeId) -> Vec<Notified> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).get(&challenge).cloned().unwrap_or_default()
    }
}
