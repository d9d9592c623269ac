//! What was learned of keys at the API goes to the ledger.

use jiff::Timestamp;
use law::KeyId;

use super::{Authority, Failed};
use crate::{
    Abroad, Compared, Listing,
    change::{Actor, Change},
};

impl Authority {
    /// What the API calls a key is known now; a name that was known before stays.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn name_abroad(&self, key: KeyId, upstream: &str, now: Timestamp) -> Result<(), Failed> {
        let writing = self.writing().await?;
        let is_news = self.view(|state| state.key(key).is_some() && state.name_abroad(key).is_none());
        let change = Change::KeyKnownAs { key, upstream: upstream.to_owned() };
        self.write(writing, Actor::Gate, is_news.then_some(change).into_iter().collect(), &[], now).await
    }

    /// What became of a key at the API is known now.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn became_abroad(&self, key: KeyId, became: Abroad, now: Timestamp) -> Result<(), Failed> {
        let writing = self.writing().await?;
        let changes: Vec<Change> = self.view(|state| state.became_abroad(key, became)).into_iter().collect();
        self.write(writing, Actor::Gate, changes, &[], now).await
    }

    /// Compares what the API listed with the keys here, and writes down what was learned.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn reconcile(&self, listing: &Listing, ignored: &[String], now: Timestamp) -> Result<Compared, Failed> {
        let writing = self.writing().await?;
        let by_hash = |hash: &crate::SecretDigest| self.recognise(hash).map(|key| key.id);
        let compared = self.view(|state| state.compare(listing, ignored, by_hash, now));
        self.write(writing, Actor::Gate, compared.learned.clone(), &[], now).await?;
        Ok(compared)
    }
}
