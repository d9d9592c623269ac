//! Tables that stay small with millions of keys in them.

use std::{
    collections::{BTreeMap, HashSet},
    hash::Hash,
    iter,
    sync::{Arc, PoisonError, RwLock},
};

use hashbrown::HashTable;

use law::KeyId;

use crate::{Key, Verifier};

/// Things a page.
const PAGE: u64 = 256;

/// Things by their numbers. Numbers are given one after the other, and a page holds a run of
/// them: a place takes the thing and nothing else, where a tree would take three times as much.
#[derive(Debug)]
pub(crate) struct Numbered<T>(BTreeMap<u64, Vec<Option<T>>>);

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Numbered<T> {
    pub(crate) fn get(&self, number: u64) -> Option<&T> {
        self.0.get(&(number / PAGE))?.get(place(number))?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        self.0.get_mut(&(number / PAGE))?.get_mut(place(number))?.as_mut()
    }

    pub(crate) fn insert(&mut self, number: u64, thing: T) {
        let page = self
            .0
            .entry(number / PAGE)
            .or_insert_with(|| iter::repeat_with(|| None).take(place(PAGE - 1) + 1).collect());
        if let Some(place) = page.get_mut(place(number)) {
            *place = Some(thing);
        }
    }

    /// Takes a thing out. Numbers are not given again: its place stays empty.
    pub(crate) fn remove(&mut self, number: u64) -> Option<T> {
        self.0.get_mut(&(number / PAGE))?.get_mut(place(number))?.take()
    }

    /// In the order of their numbers.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values().flatten().flatten()
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.values_mut().flatten().flatten()
    }
}

/// Where in its page a number stands.
fn place(number: u64) -> usize {
    usize::try_from(number % PAGE).unwrap_or(0)
}

/// Things of which many keys have the same.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    all: HashSet<Arc<T>>,
    /// At so many it is looked which of them no key has any more.
    sweep: usize,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { all: HashSet::new(), sweep: 64 }
    }
}

impl<T: Eq + Hash> Shared<T> {
    /// This thing, the same for all who ask for it.
    pub(crate) fn share(&mut self, thing: T) -> Arc<T> {
        if let Some(known) = self.all.get(&thing) {
            return Arc::clone(known);
        }
        if self.all.len() >= self.sweep {
            self.all.retain(|thing| Arc::strong_count(thing) > 1);
            self.sweep = (2 * self.all.len()).max(64);
        }
        let thing = Arc::new(thing);
        self.all.insert(Arc::clone(&thing));
        thing
    }
}

/// Parts of the table of keys. One is locked for as long as it grows; the others are not.
const PARTS: usize = 256;

/// Keys by their verifier: read by every request, written by changes only.
///
/// The first half of the verifier finds a key, the whole verifier decides. Half of an HMAC is
/// spread evenly by itself: its first bytes serve as the hash. The table holds nothing but
/// pointers to keys, which have their verifiers.
pub(crate) struct KeyTable(Vec<RwLock<HashTable<Arc<Key>>>>);

impl Default for KeyTable {
    fn default() -> Self {
        Self(iter::repeat_with(RwLock::default).take(PARTS).collect())
    }
}

impl KeyTable {
    /// The key with this verifier.
    pub(crate) fn find(&self, verifier: &Verifier) -> Option<Arc<Key>> {
        let part = self.part(verifier)?.read().unwrap_or_else(PoisonError::into_inner);
        let key = part.find(hash(verifier), |key| key.verifier.first_half() == verifier.first_half())?;
        verifier.matches(&key.verifier).then(|| Arc::clone(key))
    }

    /// Puts a state of a key in the place of the one before.
    pub(crate) fn put(&self, key: &Arc<Key>) {
        let Some(part) = self.part(&key.verifier) else { return };
        let mut part = part.write().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &Arc<Key>| known.verifier.first_half() == key.verifier.first_half();
        match part.find_mut(hash(&key.verifier), same) {
            Some(known) => *known = Arc::clone(key),
            None => {
                part.insert_unique(hash(&key.verifier), Arc::clone(key), |key| hash(&key.verifier));
            }
        }
    }

    /// Takes a verifier out: it was replaced by one under another pepper, or its key is forgotten.
    pub(crate) fn remove(&self, verifier: &Verifier) {
        let Some(part) = self.part(verifier) else { return };
        let mut part = part.write().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &Arc<Key>| known.verifier.first_half() == verifier.first_half();
        if let Ok(entry) = part.find_entry(hash(verifier), same) {
            entry.remove();
        }
    }

    fn part(&self, verifier: &Verifier) -> Option<&RwLock<HashTable<Arc<Key>>>> {
        // Another byte than those of the hash: within a part its bits must still differ.
        self.0.get(usize::from(verifier.first_half()[8]) % PARTS)
    }
}

/// Keys by what their secrets' spellings have in common: read for credentials that are not known
/// otherwise, written by changes only. Eight bytes of the verifier are enough: nobody who does
/// not know the pepper can aim at another key's.
#[derive(Debug)]
pub(crate) struct Spellings(Vec<RwLock<HashTable<(u64, KeyId)>>>);

impl Default for Spellings {
    fn default() -> Self {
        Self(iter::repeat_with(RwLock::default).take(PARTS).collect())
    }
}

impl Spellings {
    pub(crate) fn find(&self, folded: &Verifier) -> Option<KeyId> {
        let part = self.part(folded)?.read().unwrap_or_else(PoisonError::into_inner);
        part.find(hash(folded), |(known, _)| *known == hash(folded)).map(|(_, key)| *key)
    }

    pub(crate) fn put(&self, folded: &Verifier, key: KeyId) {
        let Some(part) = self.part(folded) else { return };
        let mut part = part.write().unwrap_or_else(PoisonError::into_inner);
        match part.find_mut(hash(folded), |(known, _)| *known == hash(folded)) {
            Some((_, known)) => *known = key,
            None => {
                part.insert_unique(hash(folded), (hash(folded), key), |(known, _)| *known);
            }
        }
    }

    fn part(&self, folded: &Verifier) -> Option<&RwLock<HashTable<(u64, KeyId)>>> {
        self.0.get(usize::from(folded.first_half()[8]) % PARTS)
    }
}

fn hash(verifier: &Verifier) -> u64 {
    verifier.first_half().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_have_gaps_and_keep_their_order() {
        let mut numbered = Numbered::default();
        for number in [700, 1, 255, 256, u64::MAX] {
            numbered.insert(number, number);
        }
        assert_eq!(numbered.values().copied().collect::<Vec<_>>(), [1, 255, 256, 700, u64::MAX]);
        assert_eq!((numbered.get(256), numbered.get(2), numbered.get(100_000)), (Some(&256), None, None));
        *numbered.get_mut(255).unwrap() = 7;
        assert_eq!(numbered.get(255), Some(&7));
        assert_eq!((numbered.remove(255), numbered.remove(255), numbered.get(255)), (Some(7), None, None));
        assert_eq!(numbered.values().copied().collect::<Vec<_>>(), [1, 256, 700, u64::MAX]);
    }

    #[test]
    fn what_no_key_has_any_more_is_forgotten() {
        let mut shared = Shared::default();
        let kept = shared.share("read admin".to_owned());
        (0..10_000).for_each(|number| drop(shared.share(number.to_string())));
        assert!(shared.all.len() <= 128);
        assert!(Arc::ptr_eq(&kept, &shared.share("read admin".to_owned())));
    }
}
