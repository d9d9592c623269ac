//! People prove to be people: codes, limits on guessing them, invitations and enrolment.

use std::net::IpAddr;

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use factor::{recovery, totp::Seed};
use jiff::{SignedDuration, Timestamp};
use law::{ChallengeId, HolderId, Span, neighbourhood};
use store::Shelf;
use zeroize::Zeroizing;

use super::{Authority, Failed, Hearing, NotDone, NotEnrolled, NotProved, lock};
use crate::{
    Digest,
    change::{Actor, Change, Proof},
    command::{Command, Enrolment, Warrant},
    declined::Declined,
    guess::{Guesser, HEADER_GUESSES, Kept, LAST, TooEarly},
    key::Key,
    seal::DoesNotOpen,
    state::State,
};

/// Stands on the shelf for those whom nobody knows: no holder's name there is like it.
const NOBODY: &str = "nobody";

impl Authority {
    /// Answers a question with a code that came in a header of the very request. Wrong codes
    /// close the header for this key; they never count against the person.
    ///
    /// # Errors
    /// When the code is not taken, or it cannot be written down.
    pub async fn approve_by_header(
        &self,
        key: &Key,
        challenge: ChallengeId,
        typed: &str,
        now: Timestamp,
    ) -> Result<(), NotProved> {
        // The request may have waited since its key was recognised: the state of now counts.
        let open = |state: &State| state.key(key.id).filter(|key| !key.header_closed)?.holder();
        let person = self.view(open).ok_or(NotProved::Wrong)?;
        // Counted before the code is looked at: guesses side by side count, too.
        let begun = lock(&self.header_guesses).begin(key.id, person, now);
        let wrong = begun.map_err(|TooEarly(wait)| NotProved::Wait(span_of(wait)))?;
        match self.check_code(person, typed, now).await? {
            Some(proof) => {
                lock(&self.header_guesses).succeed(key.id, person);
                let approve = Command::Approve(vec![challenge]);
                match self.perform(&approve, Warrant::Fresh(person, proof), now).await {
                    Ok(()) => Ok(()),
                    Err(NotDone::Declined(_)) => Err(NotProved::Wrong),
                    Err(NotDone::Failed(failed)) => Err(failed.into()),
                }
            }
            None => {
                if wrong == HEADER_GUESSES {
                    let writing = self.writing().await?;
                    let change = Change::HeaderClosed { key: key.id };
                    self.write(writing, Actor::Gate, vec![change], &[], now).await?;
                }
                Err(NotProved::Wrong)
            }
        }
    }

    /// Holds a code against a person's authenticator or recovery codes, for somebody on the
    /// gate's host or who is signed in. It is used up when a command is carried out with it.
    ///
    /// # Errors
    /// When it is not taken.
    pub async fn prove(&self, name: &str, typed: &str, now: Timestamp) -> Result<Warrant, NotProved> {
        self.prove_as(name, typed, None, now).await
    }

    /// The same for somebody who wants to sign in, and who may be anybody.
    ///
    /// # Errors
    /// When it is not taken.
    pub async fn prove_from(
        &self,
        source: IpAddr,
        name: &str,
        typed: &str,
        now: Timestamp,
    ) -> Result<Warrant, NotProved> {
        self.prove_as(name, typed, Some(source), now).await
    }

    async fn prove_as(
        &self,
        name: &str,
        typed: &str,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Warrant, NotProved> {
        let guesser = guesser_from(source);
        let person = self.view(|state| state.holder_named(name).filter(|holder| holder.can_prove()).map(|it| it.id));
        let Some(person) = person else { return Err(self.nobody(name, guesser, now).await) };
        let begun = lock(&self.guesses).begin(person, guesser, now);
        let wrong = begun.map_err(|TooEarly(wait)| {
            self.heard(person, source, now, Hearing::Wrong);
            NotProved::Wait(span_of(wait))
        })?;
        match self.check_code(person, typed, now).await? {
            Some(proof) => {
                lock(&self.guesses).succeed(person, guesser);
                self.heard(person, source, now, Hearing::Right);
                self.keep_guesses(person).await?;
                Ok(Warrant::Fresh(person, proof))
            }
            None => {
                self.heard(person, source, now, Hearing::Wrong);
                self.keep_guesses(person).await?;
                if wrong >= LAST {
                    self.note(Change::AuthenticatorDisabled { holder: person }, now).await?;
                }
                Err(NotProved::Wrong)
            }
        }
    }

    /// Over a restart, or restarting would give new guesses.
    async fn keep_guesses(&self, person: HolderId) -> Result<(), Failed> {
        let value = lock(&self.guesses).kept(person).write();
        Ok(self.store.shelve(&Shelf { bucket: "guesses", name: person.to_string(), value: Some(value) }).await?)
    }

    /// Somebody whom nobody knows: slowed down as a person is, and as long in coming, or whoever
    /// guesses would learn who is enrolled.
    async fn nobody(&self, name: &str, guesser: Guesser, now: Timestamp) -> NotProved {
        if let Err(TooEarly(wait)) = lock(&self.guesses_at_nobody).begin(name, guesser, now) {
            return NotProved::Wait(span_of(wait));
        }
        let count = Shelf { bucket: "guesses", name: NOBODY.to_owned(), value: Some(Kept::default().write()) };
        let looked = self.store.shelf("seed", NOBODY).await;
        match (looked, self.store.shelve(&count).await) {
            (Err(error), _) | (_, Err(error)) => NotProved::Failed(error.into()),
            (Ok(_), Ok(())) => NotProved::Wrong,
        }
    }

    /// Makes a one-time link's secret that lets a person enrol. Shown once.
    ///
    /// # Errors
    /// When it is declined, or cannot be written down.
    pub async fn invite(
        &self,
        person: HolderId,
        warrant: Warrant,
        now: Timestamp,
    ) -> Result<Zeroizing<String>, NotDone> {
        let mut secret = Zeroizing::new([0; 32]);
        rand::fill(secret.as_mut_slice()).map_err(|_| Failed::NoRandomness)?;
        let secret = Zeroizing::new(BASE64.encode(secret.as_slice()));
        let command = Command::Invite(person, Digest::of(secret.as_bytes()));
        self.perform(&command, warrant, now).await?;
        Ok(secret)
    }

    /// A fresh seed, to be shown to the person who enrols.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new_seed(&self) -> Result<Seed, Failed> {
        let mut entropy = [0; 20];
        rand::fill(&mut entropy).map_err(|_| Failed::NoRandomness)?;
        Ok(Seed::new(entropy))
    }

    /// Enrols a person by the secret of their link, after a code showed that the
    /// authenticator works. Returns the recovery codes, to be shown once.
    ///
    /// # Errors
    /// When the link or the code is wrong, or it cannot be written down.
    pub async fn enrol(
        &self,
        link: &str,
        seed: &Seed,
        typed: &str,
        now: Timestamp,
    ) -> Result<Vec<recovery::Code>, NotEnrolled> {
        self.enrol_as(None, link, seed, typed, now).await
    }

    /// The same from where the person will sign in: strangers do not keep them out there, not
    /// even the first time.
    ///
    /// # Errors
    /// When the link or the code is wrong, or it cannot be written down.
    pub async fn enrol_from(
        &self,
        source: IpAddr,
        link: &str,
        seed: &Seed,
        typed: &str,
        now: Timestamp,
    ) -> Result<Vec<recovery::Code>, NotEnrolled> {
        self.enrol_as(Some(source), link, seed, typed, now).await
    }

    async fn enrol_as(
        &self,
        source: Option<IpAddr>,
        link: &str,
        seed: &Seed,
        typed: &str,
        now: Timestamp,
    ) -> Result<Vec<recovery::Code>, NotEnrolled> {
        let token = Digest::of(link.as_bytes());
        let person = self.view(|state| state.invited(&token, now).map(|holder| holder.id));
        let person = person.ok_or(NotDone::Declined(Declined::BadLink))?;
        let step = seed.accept(typed, now, None).map_err(|_| NotEnrolled::WrongCode)?;
        let codes = recovery_codes()?;
        let recovery = codes.iter().map(recovery::Code::verifier).collect();
        let sealed = self.sealed("seed", &person.to_string(), seed.expose())?;
        let command = Command::Enrol(person, token, Enrolment { step, recovery });
        self.heard(person, source, now, Hearing::Enrolling);
        self.perform_with(&command, Warrant::Operator, &[sealed], now).await?;
        {
            let mut guesses = lock(&self.guesses);
            // Wrong codes of the authenticator before it are none of this one.
            guesses.succeed(person, Guesser::Known);
            guesses.succeed(person, guesser_from(source));
        }
        // The person is enrolled, and must see the codes: only the next start would miss it.
        drop(self.keep_guesses(person).await);
        Ok(codes)
    }

    async fn check_code(&self, person: HolderId, typed: &str, now: Timestamp) -> Result<Option<Proof>, Failed> {
        let authenticator =
            self.view(|state| state.holder(person).filter(|holder| holder.can_prove())?.authenticator.clone());
        let Some(authenticator) = authenticator else { return Ok(None) };
        let seed = match self.seed(person).await {
            Ok(None) => return Ok(None),
            Ok(Some(seed)) => Ok(seed),
            Err(failed) => Err(failed),
        };
        // Codes of six digits that were guessed at too often serve no more; recovery codes,
        // which nobody can guess, do, so that the person can enrol anew.
        if !authenticator.disabled
            && let Ok(seed) = &seed
            && let Ok(step) = seed.accept(typed, now, Some(authenticator.last))
        {
            return Ok(Some(Proof::Totp(step)));
        }
        let kept: Vec<(usize, recovery::Verifier)> =
            authenticator.recovery.iter().enumerate().filter_map(|(place, code)| Some((place, (*code)?))).collect();
        let verifiers: Vec<recovery::Verifier> = kept.iter().map(|(_, code)| *code).collect();
        let found = recovery::find(typed, &verifiers).and_then(|found| kept.get(found));
        match found {
            Some((place, _)) => Ok(Some(Proof::Recovery(*place))),
            // Where the seed cannot be had, nobody knows whether the code is wrong.
            None => seed.map(|_| None),
        }
    }

    /// What a person's authenticator makes its codes of.
    async fn seed(&self, person: HolderId) -> Result<Option<Seed>, Failed> {
        let Some(seed) = self.unsealed("seed", &person.to_string()).await? else { return Ok(None) };
        Ok(Some(Seed::new(seed.as_slice().try_into().map_err(|_| DoesNotOpen)?)))
    }
}

fn recovery_codes() -> Result<Vec<recovery::Code>, Failed> {
    let code = |_| {
        let mut entropy = Zeroizing::new([0; 15]);
        rand::fill(entropy.as_mut_slice()).map_err(|_| Failed::NoRandomness)?;
        Ok(recovery::Code::new(&entropy))
    };
    (0..recovery::COUNT).map(code).collect()
}

/// Who guesses, by where they come from.
fn guesser_from(source: Option<IpAddr>) -> Guesser {
    source.map_or(Guesser::Known, |source| Guesser::Stranger(neighbourhood(source)))
}

fn span_of(wait: SignedDuration) -> Span {
    Span::seconds(u32::try_from(wait.as_secs().saturating_add(1)).unwrap_or(u32::MAX))
}
