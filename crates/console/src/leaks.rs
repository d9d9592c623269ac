//! What is done about keys that were found where they should not be, and who may say so.
//!
//! Whoever reports a key shows it, so a report stops nothing that the reporter could not have
//! used. Strangers learn nothing: what they report is looked at after they were answered.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use authority::{Command, NotDone, SecretDigest, Warrant};
use factor::report::Reporter;
use jiff::Timestamp;
use law::{KeyId, Neighbourhood, neighbourhood};
use tokio::sync::Semaphore;
use wire::{Likeness, looks_like_credential};

use crate::{Desk, api::Secret};

/// Reports of one source within an hour.
const OF_ONE: u32 = 60;

/// Reports of all strangers within an hour.
const OF_ALL: u32 = 1200;

/// Sources that are counted apart. Whoever comes when there are more is one of the others.
const SOURCES: usize = 4096;

/// Reports that are looked at at one time.
const AT_ONCE: usize = 4;

/// Who may report leaked keys without being known here.
#[derive(Clone, Debug, Default)]
pub struct LeakDoors {
    /// Whether strangers may.
    pub found: bool,
    /// Whose signed reports are taken.
    pub github: Vec<Reporter>,
}

/// How much strangers have reported.
pub(crate) struct Strangers {
    hour: Mutex<Hour>,
    pub(crate) room: Arc<Semaphore>,
}

#[derive(Default)]
struct Hour {
    number: i64,
    all: u32,
    sources: HashMap<Neighbourhood, u32>,
    others: u32,
}

impl Default for Strangers {
    fn default() -> Self {
        Self { hour: Mutex::default(), room: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Strangers {
    /// Counts a report; where there were too many, after how many seconds there may be another.
    pub(crate) fn count(&self, source: IpAddr, now: Timestamp) -> Result<(), u32> {
        let second = now.as_second();
        let mut hour = self.hour.lock().unwrap_or_else(PoisonError::into_inner);
        if hour.number != second.div_euclid(3600) {
            *hour = Hour { number: second.div_euclid(3600), ..Hour::default() };
        }
        let Hour { all, sources, others, .. } = &mut *hour;
        let has_room = sources.len() < SOURCES;
        let of_one = match sources.get_mut(&neighbourhood(source)) {
            Some(counted) => counted,
            None if has_room => sources.entry(neighbourhood(source)).or_default(),
            None => others,
        };
        if *of_one >= OF_ONE || *all >= OF_ALL {
            return Err(u32::try_from(3600 - second.rem_euclid(3600)).unwrap_or(3600));
        }
        *of_one += 1;
        *all += 1;
        Ok(())
    }
}

/// What a reported text turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    Key(KeyId),
    Canary,
    Nothing,
}

impl Desk {
    /// Which key a text is that a stranger reported. Only what a machine made is looked up: a
    /// key that is a word could be guessed by whoever wants to stop it.
    pub(crate) fn reported(&self, text: &Secret) -> Turned {
        let text = text.expose();
        let issued = self.settings.load().issued.clone();
        let is_issued = issued.is_some_and(|issued| issued.form.likeness(text.as_bytes()) == Likeness::Whole);
        if !is_issued && !looks_like_credential(text) {
            return Turned::Nothing;
        }
        let digest = SecretDigest::of(text.as_bytes());
        match (self.authority.recognise(&digest), self.authority.canary(&digest)) {
            (Some(key), _) => Turned::Key(key.id),
            (None, Some(_)) => Turned::Canary,
            (None, None) => Turned::Nothing,
        }
    }

    /// A key was found: nothing passes with it until somebody enables it again.
    pub(crate) async fn leaked(&self, key: KeyId, at: &str, warrant: Warrant) -> Result<(), NotDone> {
        let why = format!("it leaked: {at}");
        self.authority.perform(&Command::DisableKey(key, why), warrant, self.now()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_is_stopped_and_others_are_not() {
        let strangers = Strangers::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        let (one, same, other): (IpAddr, IpAddr, IpAddr) =
            ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap(), "192.0.2.1".parse().unwrap());
        for _ in 0..OF_ONE {
            strangers.count(one, at(7200)).unwrap();
        }
        assert_eq!(strangers.count(same, at(7210)), Err(3590), "a /64 is one source");
        assert_eq!(strangers.count(other, at(7210)), Ok(()));
        assert_eq!(strangers.count(one, at(10_800)), Ok(()), "in the next hour again");
    }

    #[test]
    fn a_flood_from_everywhere_is_stopped_and_takes_bounded_memory() {
        let strangers = Strangers::default();
        let now = Timestamp::from_second(0).unwrap();
        let taken = (0..20_000_u32).filter(|it| strangers.count(IpAddr::from(it.to_be_bytes()), now).is_ok()).count();
        assert_eq!(taken, OF_ALL as usize);
        assert!(strangers.hour.lock().unwrap().sources.len() <= SOURCES);
    }
}
