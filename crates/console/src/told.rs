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
    /// Remembers that so many notices were handed over at this moment, to a person's mail server or
    /// to webhooks. Those that were tried since are known already.
    pub fn note(&self, challenge: ChallengeId, by: &str, name: Option<&str>, count: usize, at: Timestamp) {
        let mut told = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let all = told.entry(challenge).or_default();
        let known = all.iter().filter(|it| it.is(by, name) && it.at >= at).count();
        for _ in known..count {
            all.push(Notified::not_yet(by, name, at, "on its way"));
        }
        while told.len() > MOST {
            told.pop_first();
        }
    }

    /// Remembers that a notice arrived, or why it did not.
    pub fn tried(&self, challenge: ChallengeId, by: &str, name: Option<&str>, failed: Option<&str>, at: Timestamp) {
        let mut told = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let all = told.entry(challenge).or_default();
        let mut open = all.iter_mut().filter(|it| it.is(by, name) && it.not_yet.is_some());
        match (open.next(), failed) {
            (Some(it), None) => (it.at, it.not_yet) = (at, None),
            (Some(it), Some(why)) => {
                for it in std::iter::once(it).chain(open) {
                    it.not_yet = Some(why.to_owned());
                }
            }
            // It was quicker than whoever handed it over.
            (None, None) => all.push(Notified { not_yet: None, ..Notified::not_yet(by, name, at, "") }),
            (None, Some(why)) => all.push(Notified::not_yet(by, name, at, why)),
        }
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

impl Notified {
    fn not_yet(by: &str, name: Option<&str>, at: Timestamp, why: &str) -> Self {
        Self { name: name.map(str::to_owned), by: by.to_owned(), at, not_yet: Some(why.to_owned()) }
    }

    fn is(&self, by: &str, name: Option<&str>) -> bool {
        self.by == by && self.name.as_deref() == name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_arrived_is_told_and_the_rest_says_why_not() {
        let (told, one) = (Told::default(), ChallengeId(1));
        let at = |second| Timestamp::from_second(second).unwrap();
        let say = || {
            let all = told.of(one).into_iter();
            all.map(|it| (it.by, it.at.as_second(), it.not_yet.unwrap_or_default())).collect::<Vec<_>>()
        };
        let is = |by: &str, at: i64, why: &str| (by.to_owned(), at, why.to_owned());
        told.note(one, "mail", Some("ann"), 1, at(1));
        assert_eq!(say(), [is("mail", 1, "on its way")]);
        told.tried(one, "mail", Some("ann"), Some("Connection refused"), at(2));
        assert_eq!(say(), [is("mail", 1, "Connection refused")]);
        told.tried(one, "mail", Some("ann"), None, at(9));
        assert_eq!(say(), [is("mail", 9, "")]);
        // One webhook took it before it was noted that two have it.
        told.tried(one, "webhook", None, None, at(9));
        told.note(one, "webhook", None, 2, at(8));
        assert_eq!(say()[1..], [is("webhook", 9, ""), is("webhook", 8, "on its way")]);
    }
}
