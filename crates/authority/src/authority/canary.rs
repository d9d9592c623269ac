//! Canaries: secrets in the form of issued keys that work nowhere. They lie where nobody should
//! look; who sends one has looked there.

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::rand;
use jiff::Timestamp;
use law::{HolderId, KeyId};
use wire::{IssuedForm, Secret};
use zeroize::Zeroizing;

use super::{Authority, Failed, NotDone};
use crate::{
    Folded, KnownBy, SecretDigest, Verifier,
    command::{Command, Warrant},
};

/// Those that are watched, by the first half of their verifier.
pub(super) type Watched = HashMap<[u8; 16], (Verifier, KeyId)>;

impl Authority {
    /// Makes a canary. Its secret is returned, to be shown once; it is kept nowhere.
    ///
    /// # Errors
    /// When it is declined, or cannot be written down; then there is none.
    pub async fn issue_canary(
        &self,
        form: &IssuedForm,
        name: String,
        holder: HolderId,
        warrant: Warrant,
        now: Timestamp,
    ) -> Result<(KeyId, Secret), NotDone> {
        let mut entropy = Zeroizing::new([0; 32]);
        rand::fill(entropy.as_mut_slice()).map_err(|_| Failed::NoRandomness)?;
        let secret = form.key(&entropy);
        // Why it is exposed: by its digest it is recognised when somebody sends it.
        let digest = SecretDigest::of(secret.expose());
        let (pepper, verifier) = self.peppers.verifier(&digest);
        let folded = Folded::of(secret.expose()).map(|folded| self.peppers.folded(&folded));
        self.perform(&Command::IssueCanary { name, holder, folded, verifier, pepper }, warrant, now).await?;
        let id = self.canary(&digest).ok_or(Failed::UnknownChange(0))?;
        Ok((id, secret))
    }

    /// The canary that is known by this. It takes as long where it is none: both peppers are
    /// tried in any case.
    pub fn canary(&self, by: impl Into<KnownBy>) -> Option<KeyId> {
        let by = by.into();
        self.watched(|| (self.peppers.verifier(by).1, self.peppers.previous_verifier(by)))
    }

    /// The canary of whose secret this is another spelling.
    pub fn canary_spelling(&self, folded: &Folded) -> Option<KeyId> {
        self.watched(|| (self.peppers.folded(folded), self.peppers.previous_folded(folded)))
    }

    /// Whether any is watched.
    pub fn watches_canaries(&self) -> bool {
        !self.canaries.load().is_empty()
    }

    fn watched(&self, verifiers: impl FnOnce() -> (Verifier, Option<Verifier>)) -> Option<KeyId> {
        let watched = self.canaries.load();
        if watched.is_empty() {
            return None;
        }
        let (current, previous) = verifiers();
        let [one, other] = [Some(current), previous].map(|verifier| {
            let verifier = verifier?;
            let (known, id) = watched.get(verifier.first_half())?;
            known.matches(&verifier).then_some(*id)
        });
        one.or(other)
    }

    pub(super) fn mirror_canaries(&self) {
        let watched = self.view(|state| {
            let entry = |(verifier, id): (Verifier, KeyId)| (*verifier.first_half(), (verifier, id));
            let of = |canary: &crate::Canary| [Some(canary.verifier), canary.folded].map(|it| Some((it?, canary.id)));
            state.canaries().flat_map(of).flatten().map(entry).collect::<Watched>()
        });
        self.canaries.store(Arc::new(watched));
    }
}
