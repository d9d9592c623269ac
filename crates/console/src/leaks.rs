//! What is done about keys that were found where they should not be, and who may say so.
//!
//! Whoever reports a key shows it, so a report stops nothing that the reporter could not have
//! used. Strangers learn nothing: what they report is looked at after they were answered.

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use authority::{Command, Folded, Key, NotDone, SecretDigest, Warrant};
use factor::report::Reporter;
use jiff::Timestamp;
use law::{KeyId, Neighbourhood, Power, Powers, neighbourhood};
use tokio::sync::Semaphore;
use wire::{Likeness, looks_like_credential};

use crate::{Desk, api::Secret};

/// Reports of one source within an hour.
const OF_ONE: u32 = 60;

/// Reports of all strangers within an hour.
const OF_ALL: u32 = 1200;

/// Sources that are counted apart. Whoever comes when there are more is one of the others.
const SOURCES: usize = 4096;

/// Reports that are read and looked at at one time, of each kind.
const AT_ONCE: usize = 4;

/// Who may report leaked keys without being known here.
#[derive(Clone, Debug, Default)]
pub struct LeakDoors {
    /// Whether strangers may.
    pub found: bool,
    /// Whose signed reports are taken.
    pub github: Vec<Reporter>,
    /// Keys that lie open by their nature, as in a page or an app: a stranger's report of one is
    /// told, and stops nothing.
    pub public: BTreeSet<KeyId>,
}

/// What was found where others can read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leak {
    /// A key. It was stopped.
    Key(KeyId),
    /// A key that lies open by its nature, or can only read. Nothing was stopped.
    Public(KeyId),
    /// A canary: somebody was where it lies.
    Canary(KeyId),
}

/// What the reason begins with for which a leaked key is disabled.
pub const LEAKED: &str = "it leaked: ";

/// Hears what was found, and where, and does what is to be done beside stopping it.
#[expect(clippy::type_complexity, reason = "one function, and this is its name")]
pub struct Alarm(pub Box<dyn Fn(Leak, String) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>);

/// How much strangers have reported.
pub(crate) struct Strangers {
    hour: Mutex<Hour>,
    /// For those who have found something, and apart from it for those who sign.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) signing: Semaphore,
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
        Self { hour: Mutex::default(), room: Arc::new(Semaphore::new(AT_ONCE)), signing: Semaphore::new(AT_ONCE) }
    }
}

impl Strangers {
    /// Counts a report; where there were too many, after how many seconds there may be another.
    pub(crate) fn count(&self, source: IpAddr, now: Timestamp) -> Result<(), u32> {
        let mut hour = self.hour(now);
        let Hour { all, sources, others, .. } = &mut *hour;
        let has_room = sources.len() < SOURCES;
        let of_one = match sources.get_mut(&neighbourhood(source)) {
            Some(counted) => counted,
            None if has_room => sources.entry(neighbourhood(source)).or_default(),
            None => others,
        };
        if *of_one >= OF_ONE || *all >= OF_ALL {
            return Err(left(now));
        }
        *of_one += 1;
        *all += 1;
        Ok(())
    }

    /// Whether this very source had too much counted already, whatever others did.
    pub(crate) fn may(&self, source: IpAddr, now: Timestamp) -> Result<(), u32> {
        let counted = self.hour(now).sources.get(&neighbourhood(source)).copied().unwrap_or_default();
        if counted < OF_ONE { Ok(()) } else { Err(left(now)) }
    }

    fn hour(&self, now: Timestamp) -> MutexGuard<'_, Hour> {
        let mut hour = self.hour.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.as_second().div_euclid(3600);
        if hour.number != number {
            *hour = Hour { number, ..Hour::default() };
        }
        hour
    }
}

/// Seconds to the next hour.
fn left(now: Timestamp) -> u32 {
    u32::try_from(3600 - now.as_second().rem_euclid(3600)).unwrap_or(3600)
}

impl Desk {
    /// What a text is that a stranger reported, or a key in it: behind a scheme, encoded, in another
    /// letter case. Only what a machine made is looked up: a key that is a word could be guessed by
    /// whoever wants to stop it.
    pub(crate) fn reported(&self, text: &Secret) -> Option<Leak> {
        wire::spellings(text.expose().as_bytes()).iter().find_map(|word| self.leak(str::from_utf8(word).ok()?))
    }

    fn leak(&self, text: &str) -> Option<Leak> {
        let settings = self.settings.load();
        let is_issued = settings.issued.as_ref().is_some_and(|it| it.form.likeness(text.as_bytes()) == Likeness::Whole);
        if !is_issued && !looks_like_credential(text) {
            return None;
        }
        // A word that is written in changing letter case looks as if chance had made it.
        let plain = wire::folded(text.as_bytes());
        let is_made = plain.is_some_and(|plain| str::from_utf8(&plain).is_ok_and(looks_like_credential));
        let (digest, folded) = (SecretDigest::of(text.as_bytes()), Folded::of(text.as_bytes()).filter(|_| is_made));
        let key = || self.authority.recognise_spelling(folded.as_ref()?);
        let canary = || self.authority.canary_spelling(folded.as_ref()?);
        match (self.authority.recognise(&digest).or_else(key), self.authority.canary(&digest).or_else(canary)) {
            (Some(key), _) if settings.leaks.public.contains(&key.id) || only_reads(&key) => Some(Leak::Public(key.id)),
            (Some(key), _) => Some(Leak::Key(key.id)),
            (None, canary) => canary.map(Leak::Canary),
        }
    }

    /// Something was found. Nothing passes with a key then until somebody enables it again, and
    /// what it made is held.
    pub(crate) async fn leaked(&self, leak: Leak, at: &str, warrant: Warrant) -> Result<(), NotDone> {
        if let Leak::Key(key) = leak {
            let disable = Command::DisableKey(key, format!("{LEAKED}{at}"));
            self.authority.perform(&disable, warrant, self.now()).await?;
        }
        if let Some(Alarm(alarm)) = &self.alarm {
            alarm(leak, at.to_owned()).await;
        }
        Ok(())
    }
}

/// Whether an adopted key was narrowed so far that it only reads. One that was never narrowed
/// may do whatever the API lets it, however little of that is known.
fn only_reads(key: &Key) -> bool {
    let reads = Powers::from(Power::Read);
    key.issued().is_none() && key.bounds().any(|scope| reads.is_superset(scope.powers))
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
