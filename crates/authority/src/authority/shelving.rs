//! What is sealed beside the ledger: put there with a change, and held against what the ledger
//! says of it before it is used.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use law::ChallengeId;
use store::Shelf;
use zeroize::Zeroizing;

use super::{Authority, Failed};
use crate::{
    Exhibit,
    change::{Actor, Change},
    shelf::{BOUND, Misplaced, place},
};

impl Authority {
    /// What a person is shown of the request that waits.
    ///
    /// # Errors
    /// When it cannot be read, or is not the one that was put there.
    pub async fn exhibit(&self, challenge: ChallengeId) -> Result<Option<Exhibit>, Failed> {
        let bytes = self.unsealed("exhibit", &challenge.to_string()).await?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Everything on the shelf that is not what the ledger says.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn misplaced(&self) -> Result<Vec<Misplaced>, Failed> {
        let _alone = self.writing().await?;
        let mut there = BTreeMap::new();
        for bucket in BOUND {
            let values = self.store.bucket(bucket).await?;
            there.extend(values.into_iter().map(|(name, value)| (place(bucket, &name), value)));
        }
        Ok(self.view(|state| {
            let places: BTreeSet<&String> = there.keys().chain(state.shelf.places()).collect();
            let hold = |place: &String| state.shelf.hold(place, there.get(place).map(Vec::as_slice)).err();
            places.into_iter().filter_map(hold).collect()
        }))
    }

    /// Binds what stands on the shelf of a ledger that began before it spoke of that.
    pub(super) async fn bind_shelf(&self, now: Timestamp) -> Result<(), Failed> {
        let writing = self.writing().await?;
        let mut shelf = Vec::new();
        for bucket in BOUND {
            let values = self.store.bucket(bucket).await?;
            shelf.extend(values.into_iter().map(|(name, value)| Shelf { bucket, name, value: Some(value) }));
        }
        self.write(writing, Actor::Gate, vec![Change::ShelfBound {}], &shelf, now).await
    }

    pub(super) fn sealed(&self, bucket: &'static str, name: &str, bytes: &[u8]) -> Result<Shelf, Failed> {
        let value = Some(self.sealer.seal(&place(bucket, name), bytes)?);
        Ok(Shelf { bucket, name: name.to_owned(), value })
    }

    /// What stands sealed at a place, where it is what the ledger says.
    pub(super) async fn unsealed(
        &self,
        bucket: &'static str,
        name: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Failed> {
        match self.unsealed_alone(bucket, name).await {
            // On disk a change may be ahead of the state; whoever may write sees both alike.
            Err(Failed::Misplaced(_)) => {
                let _alone = self.writing().await?;
                self.unsealed_alone(bucket, name).await
            }
            looked => looked,
        }
    }

    /// The same for who holds the right to write.
    pub(super) async fn unsealed_alone(
        &self,
        bucket: &'static str,
        name: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Failed> {
        let (place, sealed) = (place(bucket, name), self.store.shelf(bucket, name).await?);
        self.view(|state| state.shelf.hold(&place, sealed.as_deref()))?;
        Ok(sealed.map(|sealed| self.sealer.open(&place, &sealed)).transpose()?)
    }
}

pub(super) fn no_exhibit(challenge: ChallengeId) -> Shelf {
    Shelf { bucket: "exhibit", name: challenge.to_string(), value: None }
}

pub(super) fn exhibit_bytes(exhibit: &Exhibit) -> Vec<u8> {
    serde_json::to_vec(exhibit).unwrap_or_default()
}
