//! Beginning and ending drills.

use aws_lc_rs::rand;
use jiff::Timestamp;
use law::{HolderId, KeyId};
use wire::{IssuedForm, Secret};
use zeroize::Zeroizing;

use super::{Actor, Authority, Failed, NotDone};
use crate::{
    SecretDigest,
    change::Change,
    command::{Command, Warrant},
    drill::{Card, DrillOrder},
};

/// A rehearsal that is wanted.
#[derive(Clone, Debug)]
pub struct Rehearse {
    /// What is played.
    pub scenario: String,
    /// Whose key is played stolen.
    pub holder: HolderId,
    /// The key that it behaves like.
    pub like: Option<KeyId>,
    /// Whether it is a canary: its secret works nowhere, and is to be laid out.
    pub canary: bool,
    /// Whether its calls read at the API, where they do nothing else.
    pub reads_pass: bool,
}

/// A secret that is played with, and that nobody knows yet: a key that an answer is to bring.
///
/// # Errors
/// Where there is no randomness.
pub fn drill_secret(form: &IssuedForm) -> Result<Secret, Failed> {
    let mut entropy = Zeroizing::new([0; 32]);
    rand::fill(entropy.as_mut_slice()).map_err(|_| Failed::NoRandomness)?;
    Ok(form.key(&entropy))
}

impl Authority {
    /// Whether a drill may be begun with this warrant. Who may not must not have it prepared:
    /// that reads much, and what comes of it says how the API and a key are used.
    ///
    /// # Errors
    /// When it may not.
    pub fn may_begin_drills(&self, warrant: Warrant) -> Result<(), NotDone> {
        self.view(|state| state.may(&Command::BeginDrills(Vec::new()), warrant)).map_err(NotDone::Declined)
    }

    /// Begins drills: a key for each. Their secrets are for whoever plays them within this process,
    /// and for nobody else.
    ///
    /// # Errors
    /// When it is declined, or cannot be written down; then there is no key.
    pub async fn begin_drills(
        &self,
        form: &IssuedForm,
        wanted: Vec<Rehearse>,
        warrant: Warrant,
        now: Timestamp,
    ) -> Result<Vec<(KeyId, Secret)>, NotDone> {
        let (mut secrets, mut orders) = (Vec::new(), Vec::new());
        for Rehearse { scenario, holder, like, canary, reads_pass } in wanted {
            let secret = drill_secret(form)?;
            // Why it is exposed: by its digest it is recognised when the drill calls.
            let digest = SecretDigest::of(secret.expose());
            let (pepper, verifier) = self.peppers.verifier(&digest);
            orders.push(DrillOrder { scenario, holder, like, canary, reads_pass, verifier, pepper });
            secrets.push((digest, secret));
        }
        self.perform(&Command::BeginDrills(orders), warrant, now).await?;
        let known = |(digest, secret): (SecretDigest, Secret)| {
            let key = self.recognise(&digest).map(|key| key.id).or_else(|| self.canary(&digest));
            Ok((key.ok_or(Failed::UnknownChange(0))?, secret))
        };
        secrets.into_iter().map(known).collect()
    }

    /// Makes a key known that a call of a drill made, as one of that drill. None where the drill is
    /// over, or has made enough: then nobody knows it.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn mint_in_drill(
        &self,
        parent: KeyId,
        digest: &SecretDigest,
        now: Timestamp,
    ) -> Result<Option<KeyId>, Failed> {
        let writing = self.writing().await?;
        let known_by = self.peppers.verifier(digest);
        let change = self.view(|state| state.mint_in_drill(parent, known_by));
        let Some(Change::DrillMinted { key, .. }) = change else { return Ok(None) };
        self.write(writing, Actor::Gate, change.into_iter().collect(), &[], now).await?;
        Ok(Some(key))
    }

    /// Writes down what a drill showed: from now on nobody knows its key. One that is over stays
    /// as it ended.
    ///
    /// # Errors
    /// When it cannot be written down; then the key ends by its own end.
    pub async fn end_drill(&self, key: KeyId, card: &Card, now: Timestamp) -> Result<(), Failed> {
        let writing = self.writing().await?;
        let change = self.view(|state| state.end_drill(key, card));
        self.write(writing, Actor::Gate, change.into_iter().collect(), &[], now).await
    }

    /// Ends the drills that a gate left behind when it stopped.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn end_drills_left(&self, now: Timestamp) -> Result<(), Failed> {
        let card = Card { broken_off: Some("the gate stopped".to_owned()), ..Card::default() };
        let left: Vec<KeyId> = self.view(|state| state.drills().map(|drill| drill.key).collect());
        for key in left {
            self.end_drill(key, &card, now).await?;
        }
        Ok(())
    }
}
