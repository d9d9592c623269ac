//! Limits on guessing codes (NIST SP 800-63B-4, section 3.2.2).

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use law::{HolderId, KeyId, Neighbourhood};
use serde::{Deserialize, Serialize};

/// Wrong codes in a row before each further one has to wait.
const FREE: u32 = 5;
/// Wrong codes in a row that disable the authenticator.
pub(crate) const LAST: u32 = 100;
/// The longest wait between two guesses.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// After so long, one wrong code of strangers is forgotten.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Sources that are remembered of one person.
const USUAL: usize = 16;

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
/// all strangers but those who come from where the person signed in before. Nobody's being right
/// opens it again: it opens a little with every hour.
#[derive(Default)]
pub(crate) struct Guesses {
    failures: HashMap<(HolderId, Guesser), Failures>,
    strangers: HashMap<HolderId, Strangers>,
    /// Where people signed in from, the latest last.
    usual: HashMap<HolderId, Vec<Neighbourhood>>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    /// No guess counts before this moment.
    next: Timestamp,
}

/// Wrong codes of all strangers together.
#[derive(Clone, Copy)]
struct Strangers {
    count: u32,
    /// When one was taken off last, or none was there.
    since: Timestamp,
}

/// A guess that comes too early.
pub(crate) struct TooEarly(pub(crate) SignedDuration);

/// What has to be kept over a restart of the guesses at one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Wrong codes by those who are known.
    known: u32,
    /// Wrong codes by all strangers together.
    strangers: u32,
    /// The moment from which on the next of them is taken off, where there are some.
    since: Option<Timestamp>,
    /// Where the person signed in from, the latest last.
    usual: Vec<Neighbourhood>,
}

impl Kept {
    pub(crate) fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads what was written, and the two numbers that were written before.
    pub(crate) fn read(kept: &[u8]) -> Self {
        let number = |at: usize| kept.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |it| u32::from_be_bytes(*it));
        serde_json::from_slice(kept).unwrap_or_else(|_| Self {
            known: number(0),
            strangers: number(4),
            ..Self::default()
        })
    }
}

impl Strangers {
    const fn none(now: Timestamp) -> Self {
        Self { count: 0, since: now }
    }

    /// The same at this moment.
    fn at(self, now: Timestamp) -> Self {
        let hours = now.duration_since(self.since).as_hours().max(0);
        let count = self.count.saturating_sub(u32::try_from(hours).unwrap_or(u32::MAX));
        let since = self.since.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(now);
        if count == 0 { Self::none(now) } else { Self { count, since } }
    }

    /// How long until the next is taken off.
    fn wait(self, now: Timestamp) -> SignedDuration {
        HOUR - now.duration_since(self.since).clamp(SignedDuration::ZERO, HOUR)
    }
}

impl Guesses {
    /// Takes what was kept over a restart.
    pub(crate) fn restore(&mut self, person: HolderId, kept: Kept, now: Timestamp) {
        let Kept { known, strangers: count, since, usual } = kept;
        self.failures.insert((person, Guesser::Known), Failures { count: known, next: now });
        self.strangers.insert(person, Strangers { count, since: since.unwrap_or(now).min(now) });
        self.usual.insert(person, usual);
    }

    /// What has to be kept over a restart.
    pub(crate) fn kept(&self, person: HolderId) -> Kept {
        let strangers = self.strangers.get(&person).filter(|strangers| strangers.count > 0);
        Kept {
            known: self.failures.get(&(person, Guesser::Known)).map_or(0, |failures| failures.count),
            strangers: strangers.map_or(0, |strangers| strangers.count),
            since: strangers.map(|strangers| strangers.since),
            usual: self.usual.get(&person).cloned().unwrap_or_default(),
        }
    }

    /// Counts a guess as wrong before it is looked at, so that guesses side by side count
    /// too. Returns how many wrong ones of those who are known there are with it.
    pub(crate) fn begin(&mut self, person: HolderId, guesser: Guesser, now: Timestamp) -> Result<u32, TooEarly> {
        let is_strange = self.is_strange(person, guesser);
        let strangers = self.strangers.entry(person).or_insert(Strangers::none(now));
        *strangers = strangers.at(now);
        if is_strange && strangers.count >= LAST {
            return Err(TooEarly(strangers.wait(now)));
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
        if is_strange {
            strangers.count = strangers.count.saturating_add(1);
        }
        Ok(self.failures.get(&(person, Guesser::Known)).map_or(0, |failures| failures.count))
    }

    /// The guess was right. Whoever made it takes their own wrong ones back, and nobody else's:
    /// or each honest sign-in would give strangers a hundred more.
    pub(crate) fn succeed(&mut self, person: HolderId, guesser: Guesser) {
        let own = self.failures.remove(&(person, guesser));
        if self.is_strange(person, guesser)
            && let (Some(own), Some(strangers)) = (own, self.strangers.get_mut(&person))
        {
            strangers.count = strangers.count.saturating_sub(own.count);
        }
        if let Guesser::Stranger(source) = guesser {
            let usual = self.usual.entry(person).or_default();
            usual.retain(|known| *known != source);
            usual.push(source);
            if usual.len() > USUAL {
                usual.remove(0);
            }
        }
    }

    /// Whether this is somebody of whom nothing is known, not even where they come from.
    fn is_strange(&self, person: HolderId, guesser: Guesser) -> bool {
        match guesser {
            Guesser::Known => false,
            Guesser::Stranger(source) => !self.usual.get(&person).is_some_and(|usual| usual.contains(&source)),
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
    pub(crate) fn begin(&mut self, name: &str, guesser: Guesser, now: Timestamp) -> Result<u32, TooEarly> {
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
            assert!(guesses.begin(ann, Guesser::Known, now).is_ok_and(|wrong| wrong == count));
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
        assert!(guesses.begin(ann, Guesser::Known, now).is_ok_and(|wrong| wrong == 1));
    }

    #[test]
    fn strangers_lock_out_each_other_and_not_the_person() {
        let ann = HolderId(1);
        let mut guesses = Guesses::default();
        let mut now = Timestamp::UNIX_EPOCH;
        guesses.succeed(ann, from("192.0.2.1"));
        for number in 0..100_u8 {
            let _ = guesses.begin(ann, from(&format!("203.0.113.{number}")), now);
        }
        assert!(guesses.begin(ann, from("198.51.100.1"), now).is_err(), "a hundred are enough for all strangers");
        assert!(guesses.begin(ann, Guesser::Known, now).is_ok(), "who is signed in goes on");
        assert!(guesses.begin(ann, from("192.0.2.1"), now).is_ok(), "and so does where she signed in before");
        guesses.succeed(ann, Guesser::Known);
        guesses.succeed(ann, from("192.0.2.1"));
        assert!(guesses.begin(ann, from("198.51.100.1"), now).is_err(), "her being right gives strangers nothing");
        let mut tried = 0;
        for _ in 0..48 {
            now += HOUR;
            for number in 0..10_u8 {
                tried += u32::from(guesses.begin(ann, from(&format!("198.51.100.{number}")), now).is_ok());
            }
        }
        assert_eq!(tried, 48, "one more with each hour");
        assert!(guesses.begin(ann, from("192.0.2.1"), now).is_ok());
    }

    #[test]
    fn who_was_right_takes_back_their_own_wrong_ones() {
        let ann = HolderId(1);
        let mut guesses = Guesses::default();
        let now = Timestamp::UNIX_EPOCH;
        for source in ["192.0.2.1", "203.0.113.1"] {
            for _ in 0..3 {
                assert!(guesses.begin(ann, from(source), now).is_ok());
            }
        }
        guesses.succeed(ann, from("192.0.2.1"));
        assert_eq!(guesses.kept(ann).strangers, 3);
        // Where she came from is no stranger's place any more.
        assert!(guesses.begin(ann, from("192.0.2.1"), now).is_ok());
        assert_eq!(guesses.kept(ann).strangers, 3);
    }

    #[test]
    fn what_was_kept_counts_after_a_restart() {
        let ann = HolderId(1);
        let mut guesses = Guesses::default();
        let now = Timestamp::UNIX_EPOCH;
        guesses.succeed(ann, from("192.0.2.1"));
        assert!(guesses.begin(ann, Guesser::Known, now).is_ok());
        for number in 0..100_u8 {
            let _ = guesses.begin(ann, from(&format!("203.0.113.{number}")), now);
        }
        let kept = Kept::read(&guesses.kept(ann).write());
        assert_eq!(kept, guesses.kept(ann));
        let (mut restarted, later) = (Guesses::default(), now + SignedDuration::from_mins(59));
        restarted.restore(ann, kept, later);
        assert!(restarted.begin(ann, Guesser::Known, later).is_ok_and(|wrong| wrong == 2));
        assert!(restarted.begin(ann, from("198.51.100.1"), later).is_err());
        assert!(restarted.begin(ann, from("192.0.2.1"), later).is_ok(), "she still is known there");
        assert!(restarted.begin(ann, from("198.51.100.1"), now + HOUR).is_ok(), "the hour goes on");

        let before = Kept::read(&[0, 0, 0, 7, 0, 0, 0, 100]);
        assert_eq!(before, Kept { known: 7, strangers: 100, ..Kept::default() });
    }

    #[test]
    fn only_the_latest_places_are_remembered() {
        let ann = HolderId(1);
        let mut guesses = Guesses::default();
        for number in 0..100_u8 {
            guesses.succeed(ann, from(&format!("203.0.113.{number}")));
        }
        let usual = guesses.kept(ann).usual;
        assert_eq!((usual.len(), usual.last()), (USUAL, Some(&law::neighbourhood("203.0.113.99".parse().unwrap()))));
    }
}
