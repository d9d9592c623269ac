//! The secrets outside the database must be those that it was made with: with others the gate
//! would start and recognise nobody.

use store::Shelf;
use zeroize::Zeroizing;

use super::{Authority, Failed};
use crate::{seal::DoesNotOpen, shelf::place, verifier::SecretDigest};

/// What is sealed and hashed to know the secrets by. Says nothing of either.
const KNOWN: &[u8] = b"greave knows its secrets";

/// The place of what is sealed in files: no bucket of the shelf has this name.
const FILES: &str = "file";

impl Authority {
    /// Seals what is kept in a file beside the ledger: whoever can write the file but has no
    /// master key can take it away, and put nothing in its place. It opens under this name only.
    ///
    /// # Errors
    /// When the cipher fails.
    pub fn seal_file(&self, name: &str, bytes: &[u8]) -> Result<Vec<u8>, DoesNotOpen> {
        self.sealer.seal(&place(FILES, name), bytes)
    }

    /// Opens what was sealed under this name.
    ///
    /// # Errors
    /// When it was sealed under another name or with another master key, or changed since.
    pub fn open_file(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        self.sealer.open(&place(FILES, name), sealed)
    }

    pub(super) async fn check_secrets(&self) -> Result<(), Failed> {
        self.check_master().await?;
        self.check_pepper().await
    }

    async fn check_master(&self) -> Result<(), Failed> {
        let (bucket, name) = ("secrets", "master");
        if let Some(sealed) = self.store.shelf(bucket, name).await? {
            return self.sealer.open(&place(bucket, name), &sealed).map(drop).map_err(|_| Failed::OtherMaster);
        }
        // A state from before this was kept: a seed tells as well.
        let people: Vec<String> = self.view(|state| {
            state.holders().filter(|it| it.authenticator.is_some()).map(|holder| holder.id.to_string()).collect()
        });
        for person in people {
            if let Some(sealed) = self.store.shelf("seed", &person).await? {
                self.sealer.open(&place("seed", &person), &sealed).map_err(|_| Failed::OtherMaster)?;
                break;
            }
        }
        Ok(self.store.shelve(&self.sealed(bucket, name, KNOWN)?).await?)
    }

    async fn check_pepper(&self) -> Result<(), Failed> {
        let secret = SecretDigest::of(KNOWN);
        let (current, verifier) = self.peppers.verifier(&secret);
        let previous = self.peppers.previous_verifier(&secret);
        // The newest key's is one of the two, or those who have keys would all be strangers.
        let newest = self.view(|state| state.newest_pepper);
        if newest.is_some_and(|newest| newest != current && Some(newest) != self.peppers.previous_id()) {
            return Err(Failed::OtherPepper);
        }
        let kept = self.store.shelf("secrets", "pepper").await?;
        let value = verifier.bytes().to_vec();
        match kept {
            Some(kept) if kept == value => Ok(()),
            Some(kept) if previous.is_none_or(|previous| kept != previous.bytes()) => Err(Failed::OtherPepper),
            _ => {
                let shelf = Shelf { bucket: "secrets", name: "pepper".to_owned(), value: Some(value) };
                Ok(self.store.shelve(&shelf).await?)
            }
        }
    }
}
