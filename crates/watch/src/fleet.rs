//! What is remembered of all keys together: what many begin to do at once is nothing strange.

use law::KeyId;
use serde::{Deserialize, Serialize};

use crate::habit::{DAY, HOUR, Minute};

/// So many holders at most must share a novelty for it to be none.
const ENOUGH: usize = 4;

/// Something that somebody did for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Novelty {
    name: u32,
    since: Minute,
    by: [u32; ENOUGH],
}

/// Novelties of the last days and who shares them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Novelties<const MOST: usize>(Vec<Novelty>);

impl<const MOST: usize> Novelties<MOST> {
    /// Notes it. Only from surroundings in which nothing else is new: a thief with many keys
    /// must not make his own ways usual.
    pub(crate) fn note(&mut self, name: u32, by: u32, now: Minute, lasts: Minute) {
        if let Some(known) = self.0.iter_mut().find(|known| known.name == name) {
            if now.saturating_sub(known.since) > lasts {
                *known = Novelty { name, since: now, by: [0; ENOUGH] };
            }
            if !known.by.contains(&by)
                && let Some(free) = known.by.iter_mut().find(|one| **one == 0)
            {
                *free = by;
            }
            return;
        }
        if self.0.len() >= MOST {
            let oldest = self.0.iter().enumerate().min_by_key(|(_, known)| known.since).map_or(0, |(place, _)| place);
            self.0.swap_remove(oldest);
        }
        let mut first = Novelty { name, since: now, by: [0; ENOUGH] };
        if let Some(slot) = first.by.first_mut() {
            *slot = by;
        }
        self.0.push(first);
    }

    /// Whether so many others share it.
    pub(crate) fn is_shared(&self, name: u32, by: u32, now: Minute, lasts: Minute, enough: usize) -> bool {
        self.0
            .iter()
            .find(|known| known.name == name && now.saturating_sub(known.since) <= lasts)
            .is_some_and(|known| known.by.iter().filter(|one| **one != 0 && **one != by).count() >= enough.min(ENOUGH))
    }
}

/// A source from which unusual things come, with several keys.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Crowd {
    block: u32,
    at: Minute,
    by: [u32; 6],
}

/// All keys together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fleet {
    pub(crate) operations: Novelties<512>,
    pub(crate) agents: Novelties<128>,
    pub(crate) networks: Novelties<256>,
    registered: Vec<u32>,
    documented: Vec<(u32, Minute)>,
    crowds: Vec<Crowd>,
}

/// How long a novelty counts as one.
pub(crate) const OPERATIONS_LAST: Minute = 2 * DAY;
pub(crate) const AGENTS_LAST: Minute = 14 * DAY;
pub(crate) const NETWORKS_LAST: Minute = 3 * DAY;

const MOST_SOURCES: usize = 1024;

impl Fleet {
    pub(crate) fn register(&mut self, network: u32) {
        if self.registered.len() < 256 && !self.registered.contains(&network) {
            self.registered.push(network);
        }
    }

    pub(crate) fn is_registered(&self, network: u32) -> bool {
        self.registered.contains(&network)
    }

    pub(crate) fn document(&mut self, operation: u32, now: Minute) {
        self.documented.retain(|(known, at)| *known != operation && now.saturating_sub(*at) <= 30 * DAY);
        if self.documented.len() < 4096 {
            self.documented.push((operation, now));
        }
    }

    pub(crate) fn is_documented(&self, operation: u32, now: Minute) -> bool {
        self.documented.iter().any(|(known, at)| *known == operation && now.saturating_sub(*at) <= 30 * DAY)
    }

    /// Notes that a key does something unusual from there; how many keys of others did within the hour.
    pub(crate) fn crowd(&mut self, block: u32, by: u32, now: Minute) -> u32 {
        self.crowds.retain(|crowd| now.saturating_sub(crowd.at) <= HOUR);
        if let Some(crowd) = self.crowds.iter_mut().find(|crowd| crowd.block == block) {
            if !crowd.by.contains(&by)
                && let Some(free) = crowd.by.iter_mut().find(|one| **one == 0)
            {
                *free = by;
            }
            return crowd.by.iter().fold(0, |count, one| count + u32::from(*one != 0 && *one != by));
        }
        make_room(&mut self.crowds, |crowd| (crowd.by.iter().filter(|one| **one != 0).count(), crowd.at));
        self.crowds.push(Crowd { block, at: now, by: [by, 0, 0, 0, 0, 0] });
        0
    }
}

/// Who is full lets go of what says least, and of that the oldest: ever new sources must not keep
/// one from being seen, nor wash out what was.
fn make_room<T, K: Ord>(sources: &mut Vec<T>, says: impl Fn(&T) -> K) {
    if sources.len() >= MOST_SOURCES {
        let least = sources.iter().enumerate().min_by_key(|(_, source)| says(source)).map_or(0, |(place, _)| place);
        sources.swap_remove(least);
    }
}

/// A key's holder as one number; a key that nobody has stands for itself.
pub(crate) fn party(holder: Option<law::HolderId>, key: KeyId) -> u32 {
    let (kind, number) = holder.map_or((b'k', key.0), |holder| (b'h', holder.0));
    crate::source::hash(&[&[kind], number.to_be_bytes().as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ever_new_sources_blind_nobody() {
        let mut fleet = Fleet::default();
        fleet.crowd(7, 100, 5);
        fleet.crowd(7, 101, 5);
        for block in 1_000..4_000 {
            fleet.crowd(block, 1, 6);
        }
        assert_eq!(fleet.crowd(7, 102, 6), 2, "what was seen stays");
        fleet.crowd(9, 100, 7);
        assert_eq!(fleet.crowd(9, 101, 7), 1, "what comes is seen");
        assert!(fleet.crowds.len() <= MOST_SOURCES);
    }
}
