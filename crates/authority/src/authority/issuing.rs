//! Keys that Greave issues, and the gate's own credential for the API.

use std::sync::Arc;

use aws_lc_rs::rand;
use jiff::Timestamp;
use law::{KeyId, RequestId, Span, Standing};
use store::Shelf;
use wire::{IssuedForm, Secret};
use zeroize::Zeroizing;

use super::{Authority, Failed, NotDone};
use crate::{
    Credential, Folded, SecretDigest,
    change::{Actor, Change},
    command::{Command, Order, Warrant},
    key::Key,
    request::RequestRules,
    state::State,
};

/// Where the credential stands on the shelf.
const SHELF: (&str, &str) = ("upstream", "credential");

/// Where the credentials stand that operations of the API made, by the key that stands for them.
const MADE: &str = "made";

/// What goes from the shelf with a change: the credential of a key that never works again.
pub(super) fn forgets(state: &State, change: &Change) -> Option<Shelf> {
    let Change::KeyRevoked { key, why: _ } = change else { return None };
    state.key(*key)?.stands_for()?;
    Some(Shelf { bucket: MADE, name: key.to_string(), value: None })
}

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
        let (secret, digest) = fresh(form)?;
        let (pepper, verifier) = self.peppers.verifier(&digest);
        self.perform(&Command::IssueKey(order(verifier, pepper)), warrant, now).await?;
        let key = self.recognise(&digest).ok_or(Failed::UnknownChange(0))?;
        Ok((key.id, secret))
    }

    /// Issues a key to stand for a credential that an operation of the API made. Key and sealed
    /// credential are on disk when it returns, and the key's secret is kept nowhere.
    ///
    /// # Errors
    /// When it is declined, or cannot be written down; then there is no key.
    pub async fn issue_for(
        &self,
        form: &IssuedForm,
        credential: Credential,
        (operation, upstream): (String, Option<String>),
        order: impl FnOnce(crate::Verifier, crate::PepperId) -> Order,
        now: Timestamp,
    ) -> Result<(KeyId, Secret), NotDone> {
        let (secret, digest) = fresh(form)?;
        let (pepper, verifier) = self.peppers.verifier(&digest);
        let command = Command::IssueFor { order: order(verifier, pepper), operation, upstream };
        let writing = self.writing().await?;
        let (id, proposed) = self.view(|state| (state.next_key(), state.propose(&command, Warrant::Gate, now)));
        let (by, changes) = proposed?;
        // Why it is exposed: to be sealed.
        let sealed = self.sealed(MADE, &id.to_string(), credential.secret().expose())?;
        // It is there before the key is: no call finds the key without it.
        self.made.pin().insert(id, Arc::new(credential));
        match self.write(writing, by, changes, &[sealed], now).await {
            Ok(()) => Ok((id, secret)),
            Err(failed) => {
                self.made.pin().remove(&id);
                Err(failed.into())
            }
        }
    }

    /// The credential with which an issued key's calls go on: the one that it or the nearest key
    /// above it stands for, and else the gate's own. Never the gate's own in place of another.
    pub fn credential_for(&self, key: &Key) -> Option<Arc<Credential>> {
        let made = if key.stands_for().is_some() {
            Some(key.id)
        } else if key.parent().is_some() {
            self.view(|state| {
                let stands_for = |id: &KeyId| state.key(*id).is_some_and(|key| key.stands_for().is_some());
                state.ancestors(key.id).into_iter().find(stands_for)
            })
        } else {
            None
        };
        match made {
            Some(key) => self.made.pin().get(&key).cloned(),
            None => self.credential(),
        }
    }

    /// Makes the key that was asked for and granted. Its secret is returned to whoever asked.
    ///
    /// # Errors
    /// When it is declined, or cannot be written down; then there is no key.
    pub async fn collect(
        &self,
        form: &IssuedForm,
        id: RequestId,
        rules: &RequestRules,
        warrant: Warrant,
        now: Timestamp,
    ) -> Result<(KeyId, Secret), NotDone> {
        let (secret, digest) = fresh(form)?;
        let (pepper, verifier) = self.peppers.verifier(&digest);
        let rules = rules.clone();
        self.perform(&Command::CollectRequest { id, rules, verifier, pepper }, warrant, now).await?;
        let key = self.recognise(&digest).ok_or(Failed::UnknownChange(0))?;
        Ok((key.id, secret))
    }

    /// Makes a key that takes an issued one's place from its first use on. Its secret is
    /// returned, to be shown once; it is kept nowhere.
    ///
    /// # Errors
    /// When it is declined, or cannot be written down; then nothing changed.
    pub async fn retire(
        &self,
        form: &IssuedForm,
        (key, grace): (KeyId, Span),
        end: Timestamp,
        warrant: Warrant,
        now: Timestamp,
    ) -> Result<(KeyId, Secret), NotDone> {
        let (secret, digest) = fresh(form)?;
        let (pepper, verifier) = self.peppers.verifier(&digest);
        self.perform(&Command::RetireKey { key, grace, end, verifier, pepper }, warrant, now).await?;
        let key = self.recognise(&digest).ok_or(Failed::UnknownChange(0))?;
        Ok((key.id, secret))
    }

    /// A successor is used for the first time: from now on the key before it has its grace.
    /// Durable when it returns; of several first uses one changes something.
    ///
    /// # Errors
    /// When it cannot be written down; then nothing changed.
    pub async fn take_over(&self, key: KeyId, now: Timestamp) -> Result<(), Failed> {
        let writing = self.writing().await?;
        let change = self.view(|state| state.take_over(key, now));
        self.write(writing, Actor::Gate, change.into_iter().collect(), &[], now).await
    }

    /// Writes down that the grace of keys is over. They are refused without that; it says when.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn retire_due(&self, now: Timestamp) -> Result<(), Failed> {
        let writing = self.writing().await?;
        let changes = self.view(|state| state.retire_due(now));
        self.write(writing, Actor::Gate, changes, &[], now).await
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

    /// Whether this is the gate's own credential for the API, the one that is lent or the one on
    /// the shelf: nobody but the gate may have it.
    pub fn is_own_credential(&self, digest: &SecretDigest, folded: Option<&Folded>) -> bool {
        let own = [self.lent.load(), self.credential.load()];
        own.iter().filter_map(|own| own.as_ref()).any(|own| own.is(digest, folded))
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
        self.to_its_end(async move |me: Arc<Self>| {
            me.perform_with(&Command::SetUpstreamCredential, warrant, &[sealed], now).await?;
            me.credential.store(Some(Arc::new(credential)));
            Ok(())
        })
        .await
    }

    /// Takes a credential that the operator keeps elsewhere; nothing of it is stored. The one
    /// that was lent before is forgotten, also where none is lent any more.
    pub fn lend_credential(&self, credential: Option<Credential>) {
        self.lent.store(credential.map(Arc::new));
    }

    /// A credential on the shelf that may go out. One that is not what the ledger says counts as
    /// none: its calls are refused, and the others go on.
    async fn rightful(&self, bucket: &'static str, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Failed> {
        match self.unsealed_alone(bucket, name).await {
            Err(Failed::Misplaced(_)) => Ok(None),
            looked => looked,
        }
    }

    /// The credential on the shelf, taken out again.
    pub(super) async fn open_credential(&self) -> Result<(), Failed> {
        let (bucket, name) = SHELF;
        if let Some(text) = self.rightful(bucket, name).await? {
            self.credential.store(Credential::new(&text).ok().map(Arc::new));
        }
        let made: Vec<KeyId> = self.view(|state| {
            let stands = |key: &&Arc<Key>| key.stands_for().is_some() && key.standing != Standing::Revoked;
            state.keys().filter(stands).map(|key| key.id).collect()
        });
        for key in made {
            let Some(text) = self.rightful(MADE, &key.to_string()).await? else { continue };
            if let Ok(credential) = Credential::new(&text) {
                self.made.pin().insert(key, Arc::new(credential));
            }
        }
        Ok(())
    }
}

/// A new secret, and its digest.
fn fresh(form: &IssuedForm) -> Result<(Secret, SecretDigest), Failed> {
    let mut entropy = Zeroizing::new([0; 32]);
    rand::fill(entropy.as_mut_slice()).map_err(|_| Failed::NoRandomness)?;
    let secret = form.key(&entropy);
    // Why it is exposed: by its digest it is recognised when it is used.
    let digest = SecretDigest::of(secret.expose());
    Ok((secret, digest))
}
