//! What is true of keys at the API itself: which live on there, which nobody here knows, which
//! are gone. Pure, but for looking up a key by its digest.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use law::{KeyId, Refusal, Standing};
use serde::{Deserialize, Serialize};

use crate::{Key, SecretDigest, change::Change, state::State};

/// What became of a key at the API when it was revoked here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Abroad {
    /// It is revoked there, too, or gone.
    Dead,
    /// It lives on there, as far as is known, for this reason.
    Alive(String),
}

/// A key as the API lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// What the API calls it.
    pub id: String,
    /// Whose it is, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// What people call it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What of it the API shows: its beginning or its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shows: Option<String>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was used last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
    /// Whether it is revoked there.
    #[serde(default)]
    pub revoked: bool,
    /// SHA-256 of its secret, where the API says so; it is not handed on.
    #[serde(skip)]
    pub hash: Option<SecretDigest>,
}

/// What the API listed.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Its keys.
    pub keys: Vec<Listed>,
    /// The holders whose keys were listed; all where there is none.
    pub of: Option<BTreeSet<String>>,
}

/// Where the API's list and the keys here differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It lives there, and nobody here knows it by what it is called there.
    Unknown(Listed),
    /// It lives there, and does not work here, for this reason.
    Alive(KeyId, Refusal, Listed),
    /// It works here, and the API does not list it, or as revoked.
    Gone(KeyId, String),
}

/// What comparing gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compared {
    /// Where the two differ, in the order of the list, then of the keys here.
    pub differences: Vec<Difference>,
    /// Keys that live there.
    pub listed: usize,
    /// Keys that work here of which nobody knows what the API calls them.
    pub unnamed: usize,
    /// What was learned: what the API calls keys, and which are dead there.
    pub(crate) learned: Vec<Change>,
}

impl State {
    /// What the API calls a key, where that is known.
    pub fn name_abroad(&self, key: KeyId) -> Option<&str> {
        let stands_for = || self.key(key)?.stands_for()?.upstream.as_deref();
        self.names_abroad.get(&key).map(String::as_str).or_else(stands_for)
    }

    /// What became of a key at the API; nothing where it was never tried.
    pub fn abroad(&self, key: KeyId) -> Option<&Abroad> {
        self.abroad.get(&key)
    }

    /// The keys that are revoked here and not known to be dead at the API.
    pub fn to_revoke_abroad(&self) -> Vec<KeyId> {
        let waits = |key: &&std::sync::Arc<Key>| {
            key.standing == Standing::Revoked && key.is_of_the_api() && self.abroad(key.id) != Some(&Abroad::Dead)
        };
        self.keys().filter(waits).map(|key| key.id).collect()
    }

    /// The change that says what became of a key at the API, where that is news.
    pub fn became_abroad(&self, key: KeyId, became: Abroad) -> Option<Change> {
        self.key(key)?;
        (self.abroad(key) != Some(&became)).then_some(match became {
            Abroad::Dead => Change::KeyDeadAbroad { key },
            Abroad::Alive(why) => Change::KeyAliveAbroad { key, why },
        })
    }

    /// Compares the API's list with the keys here. `ignored` are known to be elsewhere, such as
    /// the gate's own.
    pub(crate) fn compare(
        &self,
        listing: &Listing,
        ignored: &[String],
        by_hash: impl Fn(&SecretDigest) -> Option<KeyId>,
        now: Timestamp,
    ) -> Compared {
        let mut named: BTreeMap<&str, Vec<&Key>> = BTreeMap::new();
        for key in self.keys().filter(|key| key.is_of_the_api()) {
            if let Some(name) = self.name_abroad(key.id) {
                named.entry(name).or_default().push(key);
            }
        }
        let holder = |key: &Key| Some(self.holder(key.holder()?)?.name.as_str());
        let is_theirs = |key: &Key, listed: &Listed| match (holder(key), &listed.holder) {
            (Some(here), Some(there)) => here.eq_ignore_ascii_case(there),
            _ => true,
        };
        let mut compared = Compared::default();
        let mut alive = BTreeSet::new();
        for listed in &listing.keys {
            if listed.revoked || listed.expires.is_some_and(|end| end <= now) {
                continue;
            }
            compared.listed += 1;
            let by_name = || named.get(listed.id.as_str())?.iter().find(|key| is_theirs(key, listed)).map(|key| key.id);
            let known = listed.hash.as_ref().and_then(&by_hash).or_else(by_name);
            let Some(key) = known else {
                if !ignored.contains(&listed.id) {
                    compared.differences.push(Difference::Unknown(listed.clone()));
                }
                continue;
            };
            alive.insert(key);
            if self.name_abroad(key) != Some(&listed.id) {
                compared.learned.push(Change::KeyKnownAs { key, upstream: listed.id.clone() });
            }
            if let Some(why) = self.refusal(key, now) {
                compared.differences.push(Difference::Alive(key, why, listed.clone()));
                if self.key(key).is_some_and(|key| key.standing == Standing::Revoked) {
                    let became = || Abroad::Alive("the API lists it as alive".to_owned());
                    // A reason that is known already says more.
                    compared.learned.extend(
                        self.became_abroad(key, became())
                            .filter(|_| !matches!(self.abroad(key), Some(Abroad::Alive(_)))),
                    );
                }
            }
        }
        for key in self.keys().filter(|key| key.is_of_the_api() && !alive.contains(&key.id)) {
            let was_listed = listing.of.as_ref().is_none_or(|of| {
                holder(key).is_some_and(|holder| of.iter().any(|listed| listed.eq_ignore_ascii_case(holder)))
            });
            let works = self.refusal(key.id, now).is_none();
            match self.name_abroad(key.id) {
                None => compared.unnamed += usize::from(works),
                Some(_) if !was_listed => {}
                Some(name) if works => compared.differences.push(Difference::Gone(key.id, name.to_owned())),
                Some(_) if key.standing == Standing::Revoked => {
                    compared.learned.extend(self.became_abroad(key.id, Abroad::Dead));
                }
                Some(_) => {}
            }
        }
        compared
    }
}

/// Whether the API could call a key so: whatever it is, it goes into a path and into the ledger.
pub fn is_name_abroad(name: &str) -> bool {
    !name.is_empty() && name.len() <= 256 && !name.chars().any(char::is_control)
}

impl Key {
    /// Whether the API knows it: it made it, or made what the key stands for. Keys that stand
    /// for the gate's own credential it never saw; tokens are their issuer's.
    pub fn is_of_the_api(&self) -> bool {
        !self.is_drill() && self.claim().is_none() && (self.issued().is_none() || self.stands_for().is_some())
    }
}

#[cfg(test)]
mod tests {
    use law::HolderId;

    use super::*;
    use crate::{
        PepperId,
        change::{Actor, Written},
        verifier::Peppers,
    };

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn state(changes: Vec<Change>) -> State {
        let mut state = State::default();
        for change in changes {
            state.obey(&Written::new(Actor::Gate, change), now());
        }
        state
    }

    fn adopted(id: u64, holder: Option<u64>) -> Change {
        let peppers = Peppers::new((PepperId(1), &[1; 32]), None);
        let (pepper, verifier) = peppers.verifier(&SecretDigest::of(&id.to_be_bytes()));
        Change::KeyAdopted {
            id: KeyId(id),
            verifier,
            pepper,
            place: "test".to_owned(),
            source: "127.0.0.1".parse().unwrap(),
            holder: holder.map(HolderId),
            parent: None,
            claim: None,
            folded: Vec::new(),
        }
    }

    fn known_as(id: u64, upstream: &str) -> Change {
        Change::KeyKnownAs { key: KeyId(id), upstream: upstream.to_owned() }
    }

    fn person(id: u64, name: &str) -> Change {
        Change::HolderAdded {
            id: HolderId(id),
            name: name.to_owned(),
            kind: law::HolderKind::Person,
            owner: None,
            deputies: Vec::new(),
            mail: None,
            administrator: false,
        }
    }

    fn revoked(id: u64) -> Change {
        Change::KeyRevoked { key: KeyId(id), why: String::new() }
    }

    fn listed(id: &str, holder: Option<&str>) -> Listed {
        Listed { id: id.to_owned(), holder: holder.map(str::to_owned), ..Listed::default() }
    }

    fn compare(state: &State, keys: Vec<Listed>, of: Option<&[&str]>) -> Compared {
        let of = of.map(|of| of.iter().map(|name| (*name).to_owned()).collect());
        state.compare(&Listing { keys, of }, &["own".to_owned()], |_| None, now())
    }

    #[test]
    fn keys_alive_elsewhere_revoked_here_and_gone_there_are_told_apart() {
        let state = state(vec![
            person(1, "ann"),
            adopted(1, Some(1)),
            adopted(2, Some(1)),
            adopted(3, Some(1)),
            adopted(4, Some(1)),
            adopted(5, None),
            known_as(1, "a1"),
            known_as(2, "a2"),
            known_as(3, "a3"),
            known_as(4, "a4"),
            revoked(2),
            revoked(4),
        ]);
        let found = compare(
            &state,
            vec![listed("a1", None), listed("a2", None), listed("a9", None), listed("own", None)],
            None,
        );
        assert_eq!((found.listed, found.unnamed), (4, 1));
        assert_eq!(
            found.differences,
            [
                Difference::Alive(KeyId(2), Refusal::Revoked, listed("a2", None)),
                Difference::Unknown(listed("a9", None)),
                Difference::Gone(KeyId(3), "a3".to_owned()),
            ]
        );
        let why = "the API lists it as alive".to_owned();
        let learned = [Change::KeyAliveAbroad { key: KeyId(2), why }, Change::KeyDeadAbroad { key: KeyId(4) }];
        assert_eq!(found.learned, learned);
    }

    #[test]
    fn what_is_revoked_or_ended_there_is_not_alive() {
        let state = state(vec![adopted(1, None), known_as(1, "a1")]);
        for dead in
            [Listed { revoked: true, ..listed("a1", None) }, Listed { expires: Some(now()), ..listed("a1", None) }]
        {
            let gone = [Difference::Gone(KeyId(1), "a1".to_owned())];
            assert_eq!(compare(&state, vec![dead], None).differences, gone);
        }
    }

    #[test]
    fn names_are_their_holders_and_who_was_not_listed_is_not_gone() {
        let state = state(vec![
            person(1, "ann"),
            person(2, "bob"),
            adopted(1, Some(1)),
            adopted(2, Some(2)),
            known_as(1, "1"),
            known_as(2, "1"),
        ]);
        assert!(compare(&state, vec![listed("1", Some("Ann"))], Some(&["Ann"])).differences.is_empty());
        let found = compare(&state, vec![listed("1", Some("ann"))], Some(&["ann", "bob"]));
        assert_eq!(found.differences, [Difference::Gone(KeyId(2), "1".to_owned())]);
        let found = compare(&state, vec![listed("1", Some("carol"))], Some(&["carol"]));
        assert_eq!(found.differences, [Difference::Unknown(listed("1", Some("carol")))]);
    }

    #[test]
    fn a_hash_tells_which_key_it_is_and_what_the_api_calls_it() {
        let state = state(vec![adopted(1, None)]);
        let shown = Listed { hash: Some(SecretDigest::of(b"x")), ..listed("a1", None) };
        let listing = Listing { keys: vec![shown], of: None };
        let found = state.compare(&listing, &[], |hash| (*hash == SecretDigest::of(b"x")).then_some(KeyId(1)), now());
        assert_eq!((found.differences.len(), found.learned), (0, vec![known_as(1, "a1")]));
    }

    #[test]
    fn what_is_known_is_not_written_again() {
        let mut changes = vec![adopted(1, None), known_as(1, "a1"), revoked(1)];
        assert_eq!(state(changes.clone()).to_revoke_abroad(), [KeyId(1)]);
        changes.push(Change::KeyDeadAbroad { key: KeyId(1) });
        let state = state(changes);
        assert!(state.to_revoke_abroad().is_empty());
        assert_eq!(state.became_abroad(KeyId(1), Abroad::Dead), None);
        assert!(compare(&state, Vec::new(), None).learned.is_empty());
    }
}
