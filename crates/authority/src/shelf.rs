//! What the ledger says of the shelf. Each sealed value's digest stands in the entry with which
//! it came: whoever can write the database, and has no secret, could put an earlier value back,
//! which opens as well as the right one.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The buckets of which the ledger has each value. What is left changes without a change: the
/// counts of wrong codes, and what the secrets are known by.
pub(crate) const BOUND: [&str; 4] = ["exhibit", "made", "seed", "upstream"];

/// What an entry of the ledger says of the shelf: by its place, the digest of what was put there,
/// or nothing where it was taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shelved(BTreeMap<String, Option<Digest>>);

/// What stands on the shelf by the ledger. Nothing is said of one that began before this was
/// kept, until it is bound.
#[derive(Debug, Default)]
pub(crate) struct Bound(Option<BTreeMap<String, Digest>>);

impl Bound {
    /// Whether the ledger speaks of the shelf at all.
    pub(crate) const fn is_bound(&self) -> bool {
        self.0.is_some()
    }

    /// What is to be written down with these changes of the shelf.
    pub(crate) fn said(&self, changes: &[store::Shelf]) -> Option<Shelved> {
        let bound = changes.iter().filter(|it| BOUND.contains(&it.bucket));
        let said = bound.map(|it| (place(it.bucket, &it.name), it.value.as_deref().map(Digest::of)));
        let said: BTreeMap<_, _> = said.collect();
        // A ledger says with its first entry that it speaks of it.
        (!said.is_empty() || !self.is_bound()).then_some(Shelved(said))
    }

    pub(crate) fn obey(&mut self, Shelved(said): &Shelved) {
        let bound = self.0.get_or_insert_default();
        for (place, digest) in said {
            match digest {
                Some(digest) => drop(bound.insert(place.clone(), *digest)),
                None => drop(bound.remove(place)),
            }
        }
    }

    /// A bucket that is left out of backups is empty after one was restored.
    pub(crate) fn empty(&mut self, bucket: &str) {
        if let Some(bound) = &mut self.0 {
            bound.retain(|place, _| place.split_once('/').is_none_or(|(of, _)| of != bucket));
        }
    }

    /// Holds what stands at a place against what the ledger says.
    pub(crate) fn hold(&self, place: &str, value: Option<&[u8]>) -> Result<(), Misplaced> {
        let said = self.0.as_ref().and_then(|bound| bound.get(place));
        let how = match (said, value) {
            (Some(said), Some(value)) if *said == Digest::of(value) => return Ok(()),
            (None, None) => return Ok(()),
            (Some(_), Some(_)) => How::Another,
            (Some(_), None) => How::Gone,
            (None, Some(_)) => How::Unknown,
        };
        Err(Misplaced { place: place.to_owned(), how })
    }

    /// The places of which the ledger speaks.
    pub(crate) fn places(&self) -> impl Iterator<Item = &String> {
        self.0.iter().flat_map(BTreeMap::keys)
    }
}

/// What it is sealed for: it opens nowhere else.
pub(crate) fn place(bucket: &str, name: &str) -> String {
    format!("{bucket}/{name}")
}

/// Something on the shelf is not what the ledger says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Misplaced {
    place: String,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Another,
    Gone,
    Unknown,
}

impl fmt::Display for Misplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, how } = self;
        let (bucket, name) = place.split_once('/').unwrap_or((place, ""));
        let how = match how {
            How::Another => "is not the one that the ledger says",
            How::Gone => "is gone, and the ledger says that it is there",
            How::Unknown => "is none that the ledger knows",
        };
        match bucket {
            "seed" => write!(
                f,
                "the authenticator of {name} in the state's database {how}, and no code of it is taken; a recovery \
                 code is. `greave holders invite` lets {name} enrol anew"
            ),
            "upstream" => write!(
                f,
                "the API's own credential in the state's database {how}, and does not go out; `greave upstream \
                 set-credential` sets it anew"
            ),
            "made" => write!(
                f,
                "the credential that key {name} stands for {how} in the state's database, and does not go out; \
                 `greave keys revoke {name}`, and let the API make another"
            ),
            _ => write!(
                f,
                "what people are shown of question {name} {how} in the state's database; `greave deny {name}`, and \
                 let the client ask again"
            ),
        }?;
        f.write_str(". Somebody changed the database: `greave ledger verify` looks at all of it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(bucket: &'static str, value: Option<&[u8]>) -> store::Shelf {
        store::Shelf { bucket, name: "h1".to_owned(), value: value.map(<[u8]>::to_vec) }
    }

    #[test]
    fn what_stands_there_is_what_was_said_last_and_nothing_else() {
        let mut bound = Bound::default();
        let say = |bound: &mut Bound, value| bound.obey(&bound.said(&[thing("seed", value)]).unwrap());
        say(&mut bound, Some(b"one"));
        assert_eq!(bound.hold("seed/h1", Some(b"one")), Ok(()));
        say(&mut bound, Some(b"two"));
        for (value, how) in [(Some(b"one".as_slice()), How::Another), (None, How::Gone)] {
            assert_eq!(bound.hold("seed/h1", value).unwrap_err().how, how);
        }
        assert_eq!(bound.hold("seed/h2", Some(b"two")).unwrap_err().how, How::Unknown);
        say(&mut bound, None);
        assert_eq!(bound.hold("seed/h1", None), Ok(()));
        assert_eq!(bound.hold("seed/h1", Some(b"two")).unwrap_err().how, How::Unknown);
    }

    #[test]
    fn the_first_entry_speaks_of_the_shelf_and_later_ones_where_it_changes() {
        let mut bound = Bound::default();
        assert!(!bound.is_bound());
        bound.obey(&bound.said(&[]).unwrap());
        assert!(bound.is_bound());
        assert_eq!(bound.said(&[thing("guesses", Some(b"1"))]), None);
        let said = bound.said(&[thing("made", None), thing("guesses", None)]).unwrap();
        assert_eq!(serde_json::to_string(&said).unwrap(), r#"{"made/h1":null}"#);
    }
}
