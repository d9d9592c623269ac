//! A key, and the table that recognises it on the request path.

use std::{
    hash::{BuildHasherDefault, Hasher},
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use law::{HolderId, KeyId, Standing};
use serde::Serialize;

use crate::{PepperId, Verifier};

/// A key as the authority knows it. Never changed: a change makes a new one in its place,
/// so that a request in flight sees one state of it, whole.
#[derive(Debug, Serialize)]
pub struct Key {
    /// Its name in the ledger.
    pub id: KeyId,
    /// Who has it, where that is known.
    pub holder: Option<HolderId>,
    /// The key that minted it, where that was seen.
    pub parent: Option<KeyId>,
    /// What people call it.
    pub name: Option<Arc<str>>,
    /// Where it travels, such as `header authorization, scheme bearer`.
    pub place: Arc<str>,
    /// When it was first seen.
    pub born: Timestamp,
    /// The address it was first seen from.
    pub first_source: IpAddr,
    /// When it ends, where that is known.
    pub end: Option<Timestamp>,
    /// What the upstream says it may do, separated by spaces.
    pub scopes: Option<Arc<str>>,
    /// Where it stands.
    pub standing: Standing,
    /// Whether codes are still taken from its requests' headers.
    pub header_closed: bool,
    #[serde(skip)]
    pub(crate) verifier: Verifier,
    #[serde(skip)]
    pub(crate) pepper: PepperId,
    /// Set once, when another state of the key took this one's place and it no longer works.
    #[serde(skip)]
    fallen: AtomicBool,
}

impl Key {
    #[expect(clippy::too_many_arguments, reason = "one row of the ledger, taken apart in one place")]
    pub(crate) const fn adopted(
        id: KeyId,
        verifier: Verifier,
        pepper: PepperId,
        place: Arc<str>,
        born: Timestamp,
        first_source: IpAddr,
        holder: Option<HolderId>,
        parent: Option<KeyId>,
    ) -> Self {
        Self {
            id,
            holder,
            parent,
            name: None,
            place,
            born,
            first_source,
            end: None,
            scopes: None,
            standing: Standing::Active,
            header_closed: false,
            verifier,
            pepper,
            fallen: AtomicBool::new(false),
        }
    }

    /// Another state of the same key.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut key = Self {
            id: self.id,
            holder: self.holder,
            parent: self.parent,
            name: self.name.clone(),
            place: Arc::clone(&self.place),
            born: self.born,
            first_source: self.first_source,
            end: self.end,
            scopes: self.scopes.clone(),
            standing: self.standing,
            header_closed: self.header_closed,
            verifier: self.verifier,
            pepper: self.pepper,
            fallen: AtomicBool::new(false),
        };
        change(&mut key);
        key
    }

    /// Whether what this key has in flight must be cut: it was disabled or revoked since the
    /// request was judged, or has ended by now.
    pub fn has_fallen(&self, now: impl FnOnce() -> Timestamp) -> bool {
        self.fallen.load(Ordering::Acquire) || self.end.is_some_and(|end| now() >= end)
    }

    pub(crate) fn fall(&self) {
        self.fallen.store(true, Ordering::Release);
    }
}

/// Keys by their verifier: read by every request, written by changes only.
///
/// The first half of the verifier finds an entry, the whole verifier decides. Half of an
/// HMAC is spread evenly by itself: its first bytes serve as the hash.
#[derive(Default)]
pub(crate) struct KeyTable(papaya::HashMap<[u8; 16], Arc<Key>, BuildHasherDefault<FirstBytes>>);

impl KeyTable {
    /// The key with this verifier.
    pub(crate) fn find(&self, verifier: &Verifier) -> Option<Arc<Key>> {
        let table = self.0.pin();
        let key = table.get(verifier.first_half())?;
        verifier.matches(&key.verifier).then(|| Arc::clone(key))
    }

    /// Puts a state of a key in the place of the one before.
    pub(crate) fn put(&self, key: &Arc<Key>) {
        self.0.pin().insert(*key.verifier.first_half(), Arc::clone(key));
    }

    /// Takes a verifier out that was replaced by one under another pepper.
    pub(crate) fn remove(&self, verifier: &Verifier) {
        self.0.pin().remove(verifier.first_half());
    }
}

/// Takes the first eight bytes as they are.
#[derive(Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    // An array is hashed with its length first, which is the same for all.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
