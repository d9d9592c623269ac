//! Limits on guessing codes (NIST SP 800-63B-4, section 3.2.2).

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use law::HolderId;

/// Wrong codes in a row before each further one has to wait.
const FREE: u32 = 5;
/// Wrong codes in a row that disable the authenticator.
pub(crate) const LAST: u32 = 100;
/// The longest wait between two guesses.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// Wrong codes in a row, by person.
#[derive(Default)]
pub(crate) struct Guesses(HashMap<HolderId, Failures>);

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    /// No guess counts before this moment.
    next: Timestamp,
}

/// A guess that comes too early.
pub(crate) struct TooEarly(pub(crate) SignedDuration);

impl Guesses {
    /// Takes what was kept over a restart.
    pub(crate) fn restore(&mut self, person: HolderId, count: u32, now: Timestamp) {
        self.0.insert(person, Failures { count, next: now });
    }

    /// Counts a guess as wrong before it is looked at, so that guesses side by side count
    /// too. Returns how many wrong ones there are with it.
    pub(crate) fn begin(&mut self, person: HolderId, now: Timestamp) -> Result<u32, TooEarly> {
        let failures = self.0.entry(person).or_insert(Failures { count: 0, next: now });
        if now < failures.next {
            return Err(TooEarly(failures.next.duration_since(now)));
        }
        failures.count = failures.count.saturating_add(1);
        let wait = match failures.count.checked_sub(FREE) {
            None => SignedDuration::ZERO,
            Some(over) => SignedDuration::from_secs(1_i64 << over.min(20)).min(LONGEST),
        };
        failures.next = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        Ok(failures.count)
    }

    /// The guess was right.
    pub(crate) fn succeed(&mut self, person: HolderId) {
        self.0.remove(&person);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_become_slow_and_a_right_one_forgets_them() {
        let mut guesses = Guesses::default();
        let mut now = Timestamp::UNIX_EPOCH;
        for count in 1..=FREE {
            assert!(guesses.begin(HolderId(1), now).is_ok_and(|wrong| wrong == count));
        }
        assert!(guesses.begin(HolderId(1), now).is_err(), "the sixth has to wait");
        assert!(guesses.begin(HolderId(2), now).is_ok(), "others do not");
        let mut begun = now;
        for _ in FREE..LAST {
            while let Err(TooEarly(wait)) = guesses.begin(HolderId(1), now) {
                begun = now;
                now += wait;
            }
        }
        assert!(now.duration_since(begun) <= LONGEST);
        assert!(now.duration_since(Timestamp::UNIX_EPOCH) > SignedDuration::from_hours(20), "a hundred take a day");
        guesses.succeed(HolderId(1));
        assert!(guesses.begin(HolderId(1), now).is_ok_and(|wrong| wrong == 1));
    }
}
