//! Keys that come in from a list made elsewhere.

use jiff::Timestamp;
use law::HolderId;

use super::{Authority, NotDone};
use crate::{
    Digest, SecretDigest,
    change::Actor,
    command::{Command, Warrant},
    import::{Imported, ImportedKey, Recognised, WrongLine},
};

impl Authority {
    /// What a part of a list would change, or which of its lines are wrong. Nothing is changed.
    ///
    /// # Errors
    /// With the lines that are wrong.
    pub fn check_import(&self, keys: &[ImportedKey], now: Timestamp) -> Result<Imported, Vec<WrongLine>> {
        self.view(|state| state.import(keys, |digest| self.recognise_imported(digest), now)).map(|(_, sums)| sums)
    }

    /// Says yes to a list: so many keys, of this digest. Gives whose yes it was; in their name
    /// its parts may be imported.
    ///
    /// # Errors
    /// When it is declined, or cannot be written down.
    pub async fn begin_import(
        &self,
        keys: u64,
        list: Digest,
        warrant: Warrant,
        now: Timestamp,
    ) -> Result<Importer, NotDone> {
        self.perform(&Command::BeginImport { keys, list }, warrant, now).await?;
        Ok(Importer(match warrant {
            Warrant::Fresh(person, _) | Warrant::SignedIn(person) | Warrant::Claimed(person) => Some(person),
            Warrant::Operator | Warrant::Gate => None,
        }))
    }

    /// Imports a part of a list: all of it, or nothing where a line is wrong.
    ///
    /// # Errors
    /// When it cannot be written down, or whoever said yes is no administrator any more; then
    /// nothing changed.
    pub async fn import(
        &self,
        keys: &[ImportedKey],
        Importer(person): Importer,
        now: Timestamp,
    ) -> Result<Result<Imported, Vec<WrongLine>>, NotDone> {
        let writing = self.writing().await?;
        let by = person.map_or(Actor::Operator, Actor::Person);
        let plan = self.view(|state| {
            state.may_import(person)?;
            Ok::<_, NotDone>(state.import(keys, |digest| self.recognise_imported(digest), now))
        })?;
        let (changes, sums) = match plan {
            Ok(plan) => plan,
            Err(wrong) => return Ok(Err(wrong)),
        };
        self.write(writing, by, changes, &[], now).await?;
        Ok(Ok(sums))
    }

    fn recognise_imported(&self, digest: &SecretDigest) -> Recognised {
        let (pepper, verifier) = self.peppers.verifier(digest);
        Recognised { verifier, pepper, key: self.recognise(digest), canary: self.canary(digest).is_some() }
    }
}

/// In whose name a list is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Importer(Option<HolderId>);
