//! Keys that Greave issues, and the gate's own credential for the API.

use std::sync::Arc;

use aws_lc_rs::rand;
use jiff::Timestamp;
use law::{KeyId, RequestId};
use wire::{IssuedForm, Secret};
use zeroize::Zeroizing;

use super::{Authority, Failed, NotDone, place};
use crate::{
    Credential, SecretDigest,
    command::{Command, Order, Warrant},
    key::Key,
};

/// Where the credential stands on the shelf.
const SHELF: (&str, &str) = ("upstream", "credential");

impl Authority {
    /// Issues a key. Its secret is returned, to be shown once; it is kept nowhere. The order's
    /// verifier is made here.
    ///
    /// # Errors
    /// When it is declined, or cannot be written down; then there is no key.
    pub async fn issue(
        &self,
        form: &IssuedForm,
        order: impl FnOnce(crate::Verifier, crate::PepperId) -> Order,
        warrant: Warrant,
        now: Timestamp,
    ) -> Result<(KeyId, Secret), NotDone> {
        let mut entropy = Zeroizing::new([0; 32]);
        rand::fill(entropy.as_mut_slice()).map_err(|_| Failed::NoRandomness)?;
        let secret = form.key(&entropy);
        // Why it is exposed: by its digest it is recognised when it is used.
        let digest = SecretDigest::of(secret.expose());
        let (pepper, verifier) = self.peppers.verifier(&digest);
        self.perform(&Command::IssueKey(order(verifier, pepper)), warrant, now).await?;
        let key = self.recognise(&digest).ok_or(Failed::UnknownChange(0))?;
        Ok((key.id, secret))
    }

    /// Makes the key that was asked for and granted. Its secret is returned to whoever asked.
    ///
    /// # Errors
    /// When it is declined, or cannot be written down; then there is no key.
    pub async fn collect(
        &self,
        form: &IssuedForm,
        id: RequestId,
        warrant: Warrant,
        now: Timestamp,
    ) -> Result<(KeyId, Secret), NotDone> {
        let mut entropy = Zeroizing::new([0; 32]);
        rand::fill(entropy.as_mut_slice()).map_err(|_| Failed::NoRandomness)?;
        let secret = form.key(&entropy);
        // Why it is exposed: by its digest it is recognised when it is used.
        let digest = SecretDigest::of(secret.expose());
        let (pepper, verifier) = self.peppers.verifier(&digest);
        self.perform(&Command::CollectRequest { id, verifier, pepper }, warrant, now).await?;
        let key = self.recognise(&digest).ok_or(Failed::UnknownChange(0))?;
        Ok((key.id, secret))
    }

    /// The keys above an issued key whose limits its calls count against, too.
    pub fn ancestors(&self, key: &Key) -> Vec<Arc<Key>> {
        if key.issued().is_none() || key.parent().is_none() {
            return Vec::new();
        }
        self.view(|state| state.ancestors(key.id).into_iter().filter_map(|id| state.key(id).cloned()).collect())
    }

    /// The gate's own credential for the API, where there is one. One that is lent goes before
    /// the one on the shelf.
    pub fn credential(&self) -> Option<Arc<Credential>> {
        self.lent.load_full().or_else(|| self.credential.load_full())
    }

    /// Sets the credential, sealed at rest.
    ///
    /// # Errors
    /// When it is declined, or cannot be written down; then the one before stays.
    pub async fn set_credential(
        &self,
        credential: Credential,
        warrant: Warrant,
        now: Timestamp,
    ) -> Result<(), NotDone> {
        let (bucket, name) = SHELF;
        // Why it is exposed: to be sealed.
        let sealed = self.sealed(bucket, name, credential.secret().expose())?;
        self.perform_with(&Command::SetUpstreamCredential, warrant, &[sealed], now).await?;
        self.credential.store(Some(Arc::new(credential)));
        Ok(())
    }

    /// Takes a credential that the operator keeps elsewhere; nothing of it is stored. The one
    /// that was lent before is forgotten, also where none is lent any more.
    pub fn lend_credential(&self, credential: Option<Credential>) {
        self.lent.store(credential.map(Arc::new));
    }

    /// The credential on the shelf, taken out again.
    pub(super) async fn open_credential(&self) -> Result<(), Failed> {
        let (bucket, name) = SHELF;
        if let Some(sealed) = self.store.shelf(bucket, name).await? {
            let text = self.sealer.open(&place(bucket, name), &sealed)?;
            self.credential.store(Credential::new(&text).ok().map(Arc::new));
        }
        Ok(())
    }
}
