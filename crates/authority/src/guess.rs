//! Limits on guessing codes (NIST SP 800-63B-4, section 3.2.2).

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use law::{HolderId, KeyId, Neighbourhood};

/// Wrong codes in a row before each further one has to wait.
const FREE: u32 = 5;
/// Wrong codes in a row that disable the authenticator.
pub(crate) const LAST: u32 = 100;
/// The longest wait between two guesses.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// So much of a name that nobody has is remembered, in bytes.
const LONGEST_NAME: usize = 64;

/// Sources that are remembered at one time.
const SOURCES: usize = 100_000;

/// Who guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Guesser {
    /// Somebody on the gate's host, or who signed in before.
    Known,
    /// Somebody who wants to sign in, from there.
    Stranger(Neighbourhood),
}

/// Wrong codes in a row, by person and by who guesses: strangers slow down those who come from
/// the same source, and never the person who is signed in. A hundred of them close the door for
/// all strangers but those who come from where the person signed in before.
#[derive(Default)]
pub(crate) struct Guesses {
    failures: HashMap<(HolderId, Guesser), Failures>,
    /// Wrong codes of all strangers together since the person was last right.
    strangers: HashMap<HolderId, u32>,
    /// Where people signed in from.
    usual: HashSet<(HolderId, Neighbourhood)>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    /// No guess counts before this moment.
    next: Timestamp,
}

/// A guess that comes too early.
pub(crate) struct TooEarly(pub(crate) SignedDuration);

/// How often wrong codes were given; what has to be kept over a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// By those who are known.
    pub(crate) known: u32,
    /// By all strangers together.
    pub(crate) strangers: u32,
}

impl Guesses {
    /// Takes what was kept over a restart.
    pub(crate) fn restore(&mut self, person: HolderId, wrong: Wrong, now: Timestamp) {
        self.failures.insert((person, Guesser::Known), Failures { count: wrong.known, next: now });
        self.strangers.insert(person, wrong.strangers);
    }

    /// Counts a guess as wrong before it is looked at, so that guesses side by side count
    /// too. Returns how many wrong ones there are with it.
    pub(crate) fn begin(&mut self, person: HolderId, guesser: Guesser, now: Timestamp) -> Result<Wrong, TooEarly> {
        let usual = matches!(guesser, Guesser::Stranger(source) if self.usual.contains(&(person, source)));
        let strangers = self.strangers.entry(person).or_default();
        if guesser != Guesser::Known && !usual && *strangers >= LAST {
            // Closed to strangers until the person was right once, from where they are known.
            return Err(TooEarly(LONGEST));
        }
        if self.failures.len() > SOURCES {
            self.failures.retain(|(_, guesser), _| *guesser == Guesser::Known);
        }
        let failures = self.failures.entry((person, guesser)).or_insert(Failures { count: 0, next: now });
        if now < failures.next {
            return Err(TooEarly(failures.next.duration_since(now)));
        }
        failures.count = failures.count.saturating_add(1);
        let wait = match failures.count.checked_sub(FREE) {
            None => SignedDuration::ZERO,
            Some(over) => SignedDuration::from_secs(1_i64 << over.min(20)).min(LONGEST),
        };
        failures.next = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        if guesser != Guesser::Known {
            *strangers = strangers.saturating_add(1);
        }
        let known = self.failures.get(&(person, Guesser::Known)).map_or(0, |failures| failures.count);
        Ok(Wrong { known, strangers: self.strangers.get(&person).copied().unwrap_or(0) })
    }

    /// The guess was right.
    pub(crate) fn succeed(&mut self, person: HolderId, guesser: Guesser) {
        self.failures.retain(|(guessed, _), _| *guessed != person);
        self.strangers.remove(&person);
        if let Guesser::Stranger(source) = guesser {
            if self.usual.len() > SOURCES {
                self.usual.clear();
            }
            self.usual.insert((person, source));
        }
    }
}

/// Wrong codes for names that nobody has.
#[derive(Default)]
pub(crate) struct GuessesAtNobody {
    guesses: Guesses,
    names: HashMap<String, HolderId>,
}

impl GuessesAtNobody {
    /// As of a person of this name.
    pub(crate) fn begin(&mut self, name: &str, guesser: Guesser, now: Timestamp) -> Result<Wrong, TooEarly> {
        if self.names.len() >= SOURCES || self.guesses.failures.len() >= SOURCES {
            *self = Self::default();
        }
        let next = HolderId(self.names.len() as u64);
        let name = name.get(..name.floor_char_boundary(LONGEST_NAME)).unwrap_or_default().to_lowercase();
        let person = *self.names.entry(name).or_insert(next);
        self.guesses.begin(person, guesser, now)
    }
}

/// Wrong codes by header that close the header for a key.
pub(crate) const HEADER_GUESSES: u32 = 5;
/// Wrong codes by header in a day, with all keys of one person, after which no code by header
/// is taken for any of them until the day is over. The desk stays open.
const HEADER_GUESSES_OF_PERSON: u32 = 20;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Wrong codes that came in requests' headers: by key, and by the person who holds the keys,
/// so that many stolen keys do not give many guesses.
#[derive(Default)]
pub(crate) struct HeaderGuesses {
    keys: HashMap<KeyId, u32>,
    people: HashMap<HolderId, Day>,
}

struct Day {
    count: u32,
    began: Timestamp,
}

impl HeaderGuesses {
    /// Counts a guess as wrong before it is looked at. Returns how many wrong ones of this key
    /// there are with it.
    pub(crate) fn begin(&mut self, key: KeyId, person: HolderId, now: Timestamp) -> Result<u32, TooEarly> {
        let day = self.people.entry(person).or_insert(Day { count: 0, began: now });
        let passed = now.duration_since(day.began);
        if passed >= DAY {
            *day = Day { count: 0, began: now };
        } else if day.count >= HEADER_GUESSES_OF_PERSON {
            return Err(TooEarly(DAY - passed));
        }
        let wrong = self.keys.entry(key).or_default();
        if *wrong >= HEADER_GUESSES {
            return Err(TooEarly(DAY));
        }
        *wrong += 1;
        day.count += 1;
        Ok(*wrong)
    }

    /// The guess was right.
    pub(crate) fn succeed(&mut self, key: KeyId, person: HolderId) {
        self.keys.remove(&key);
        self.people.remove(&person);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Guesser {
        Guesser::Stranger(law::neighbourhood(address.parse().unwrap()))
    }

    #[test]
    fn guesses_become_slow_and_a_right_one_forgets_them() {
        let (ann, bob) = (HolderId(1), HolderId(2));
        let mut guesses = Guesses::default();
        let mut now = Timestamp::UNIX_EPOCH;
        for count in 1..=FREE {
            assert!(guesses.begin(ann, Guesser::Known, now).is_ok_and(|wrong| wrong.known == count));
        }
        assert!(guesses.begin(ann, Guesser::Known, now).is_err(), "the sixth has to wait");
        assert!(guesses.begin(bob, Guesser::Known, now).is_ok(), "others do not");
        let mut begun = now;
        for _ in FREE..LAST {
            while let Err(TooEarly(wait)) = guesses.begin(ann, Guesser::Known, now) {
                begun = now;
                now += wait;
            }
        }
        assert!(now.duration_since(begun) <= LONGEST);
        assert!(now.duration_since(Timestamp::UNIX_EPOCH) > SignedDuration::from_hours(20), "a hundred take a day");
        guesses.succeed(ann, Guesser::Known);
        assert!(guesses.begin(ann, Guesser::Known, now).is_ok_and(|wrong| wrong.known == 1));
    }

    #[test]
    fn strangers_lock_out_each_other_and_not_the_person() {
        let ann = HolderId(1);
        let mut guesses = Guesses::default();
        let now = Timestamp::UNIX_EPOCH;
        guesses.succeed(ann, from("192.0.2.1"));
        for number in 0..100_u8 {
            let _ = guesses.begin(ann, from(&format!("203.0.113.{number}")), now);
        }
        assert!(guesses.begin(ann, from("198.51.100.1"), now).is_err(), "a hundred are enough for all strangers");
        assert!(guesses.begin(ann, Guesser::Known, now).is_ok(), "who is signed in goes on");
        assert!(guesses.begin(ann, from("192.0.2.1"), now).is_ok(), "and so does where she signed in before");
        guesses.succeed(ann, Guesser::Known);
        assert!(guesses.begin(ann, from("198.51.100.1"), now).is_ok(), "being right opens the door again");
    }
}
