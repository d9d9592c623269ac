//! The authority as the other rooms use it: reads without waiting on the request path,
//! changes one after the other through the ledger.

use std::{
    collections::HashMap,
    net::IpAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use arc_swap::{ArcSwap, Guard};
use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use factor::{recovery, totp::Seed};
use jiff::{SignedDuration, Timestamp};
use law::{
    ApprovalId, ByPower, CallId, ChallengeId, Factors, Freshness, Held, HolderId, HolderKind, KeyFacts, KeyId, Law,
    Neighbourhood, PageError, Refusal, Span, neighbourhood,
};
use store::{Shelf, Signer, Store, StoreError};
use tokio::sync::{broadcast, watch};
use zeroize::Zeroizing;

use crate::{
    Ask, Exhibit, Limits, Peppers, SecretDigest,
    change::{Actor, Change, Digest, Proof, Written},
    command::{Command, Declined, Description, Enrolment, Sighting, Warrant},
    guess::{Guesser, Guesses, LAST, TooEarly, Wrong},
    key::{Key, KeyTable},
    question::Asking,
    seal::{DoesNotOpen, Sealer},
    state::{Progress, State, Waiting},
};

/// How many changes somebody who listens may be behind before changes are missed.
const LISTENING: usize = 1024;
/// Wrong codes by header that close the header for a key.
const HEADER_GUESSES: u32 = 5;

/// What stands outside the database.
pub struct Secrets {
    /// Make verifiers.
    pub peppers: Peppers,
    /// Seals seeds and exhibits: 32 random bytes.
    pub master: Zeroizing<[u8; 32]>,
    /// Signs the ledger's checkpoints.
    pub signer: Signer,
}

/// The law in force.
#[derive(Debug)]
pub struct LawInForce {
    /// What decides.
    pub law: Law,
    /// The first eight bytes of its page's SHA-256, in hexadecimal.
    pub digest: Arc<str>,
}

/// What became of loading a law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// It is the law in force.
    InForce,
    /// It is weaker in these cells and waits for a person; the law before it goes on.
    Waits(Waiting),
}

/// What the request path needs of a holder.
#[derive(Clone, Copy, Debug)]
struct HolderFacts {
    kind: HolderKind,
    left: bool,
    presentable: Factors,
}

/// What the upstream says of a key's holder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The account's name.
    pub name: String,
    /// Whether the account has 2FA.
    pub two_factor: Option<bool>,
    /// What the key may do, in the upstream's words.
    pub scopes: Option<String>,
    /// When the key ends.
    pub end: Option<Timestamp>,
}

/// A place in the line for an answer. Of several requests that wait for the same answer,
/// the newest goes on.
pub struct Ticket {
    /// The question.
    pub challenge: ChallengeId,
    /// When it lapses.
    pub until: Timestamp,
    /// Whether people had been asked before.
    pub joined: bool,
    number: u64,
    line: watch::Receiver<Line>,
}

#[derive(Clone, Copy)]
struct Line {
    progress: Progress,
    newest: u64,
}

/// How waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Everybody needed said yes.
    Approved,
    /// It does not pass.
    Refused(Refusal),
}

impl Ticket {
    /// Waits until people have answered or another request took this one's place. It does
    /// not watch the clock: the caller ends the wait when the question lapses.
    pub async fn answer(&mut self) -> Answer {
        let number = self.number;
        let decided = self.line.wait_for(|line| line.newest != number || line.progress != Progress::Open).await;
        match decided.map(|line| *line) {
            Ok(line) if line.newest != number => Answer::Refused(Refusal::Superseded),
            Ok(Line { progress: Progress::Approved(_), .. }) => Answer::Approved,
            Ok(Line { progress: Progress::Denied, .. }) => Answer::Refused(Refusal::Denied),
            // A question that is forgotten has lapsed.
            Ok(_) | Err(_) => Answer::Refused(Refusal::StepUp),
        }
    }
}

/// A yes that was spent on one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The last person's yes.
    pub approval: ApprovalId,
    /// Whether two people said it.
    pub second_person: bool,
}

/// Why a code is not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotProved {
    /// Wrong name, wrong code, a used code, or nobody who could prove anything: one answer.
    #[error("the name or the code is wrong, or the code was used before; wait for the next code")]
    Wrong,
    /// Too many wrong codes.
    #[error("too many wrong codes; try again in {0}")]
    Wait(Span),
    /// The state does not answer.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// Why the authority cannot do its work. The operator must act.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The state on disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A sealed value.
    #[error(transparent)]
    Seal(#[from] DoesNotOpen),
    /// A ledger that a newer program wrote.
    #[error("entry {0} of the ledger is of a kind that this program does not know; use the newer program")]
    UnknownChange(u64),
    /// The law in the ledger.
    #[error("the law in the ledger cannot be read: {0}")]
    Law(#[from] PageError),
    /// The system's random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// It is not allowed, or makes no sense.
    #[error(transparent)]
    Declined(#[from] Declined),
    /// The authority cannot do its work.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// Who has keys, who answers for them, who said yes.
pub struct Authority {
    store: Store,
    peppers: Peppers,
    sealer: Sealer,
    limits: Limits,
    /// Held from proposing to obeying, so that what was proposed is still true when it is written.
    writer: tokio::sync::Mutex<()>,
    state: RwLock<State>,
    // What follows mirrors the state for the request path.
    keys: KeyTable,
    holders: ArcSwap<HashMap<HolderId, HolderFacts>>,
    windows: papaya::HashMap<(KeyId, Neighbourhood), ByPower<Option<Timestamp>>>,
    law: ArcSwap<LawInForce>,
    // People who wait, and people who guess.
    lines: Mutex<HashMap<ChallengeId, watch::Sender<Line>>>,
    guesses: Mutex<Guesses>,
    header_guesses: Mutex<HashMap<KeyId, u32>>,
    changes: broadcast::Sender<Arc<Written>>,
}

impl Authority {
    /// Opens the state in this folder, replays its ledger and loads the configured law.
    ///
    /// # Errors
    /// When the state cannot be used; the error says how to mend it.
    pub async fn open(
        folder: &Path,
        secrets: Secrets,
        limits: Limits,
        law: Law,
        now: Timestamp,
    ) -> Result<(Self, Loaded), Failed> {
        let Secrets { peppers, master, signer } = secrets;
        let sealer = Sealer::new(&master)?;
        let mut state = State::default();
        let mut unknown = None;
        let store = Store::open(&folder.join("state.db"), signer, |entry| {
            match serde_json::from_str::<Written>(&entry.change) {
                Ok(written) => state.obey(&written, entry.at),
                Err(_) => unknown = unknown.or(Some(entry.seq)),
            }
        })
        .await?;
        if let Some(seq) = unknown {
            return Err(Failed::UnknownChange(seq));
        }
        let in_force = match &state.law {
            Some((_, page)) => page.parse()?,
            None => law.clone(),
        };
        let authority = Self {
            store,
            peppers,
            sealer,
            limits,
            writer: tokio::sync::Mutex::new(()),
            keys: KeyTable::default(),
            holders: ArcSwap::default(),
            windows: papaya::HashMap::new(),
            law: ArcSwap::from_pointee(in_force_of(in_force)),
            lines: Mutex::default(),
            guesses: Mutex::default(),
            header_guesses: Mutex::default(),
            changes: broadcast::Sender::new(LISTENING),
            state: RwLock::new(state),
        };
        authority.mirror_all(now).await?;
        let loaded = authority.load_law(law, now).await?;
        Ok((authority, loaded))
    }

    /// The law in force.
    pub fn law(&self) -> Guard<Arc<LawInForce>> {
        self.law.load()
    }

    /// Reads the state. The closure must be quick: changes wait for it.
    pub fn view<R>(&self, read: impl FnOnce(&State) -> R) -> R {
        read(&self.read())
    }

    /// What changes from now on.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Written>> {
        self.changes.subscribe()
    }

    /// The ledger and its checkpoints.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    // On the request path.

    /// The key with this secret.
    pub fn recognise(&self, secret: &SecretDigest) -> Option<Arc<Key>> {
        let (_, verifier) = self.peppers.verifier(secret);
        self.keys.find(&verifier).or_else(|| self.keys.find(&self.peppers.previous_verifier(secret)?))
    }

    /// What the law needs to know of a key.
    pub fn facts(&self, key: &Key) -> KeyFacts {
        let holders = self.holders.load();
        let holder = key.holder.and_then(|holder| holders.get(&holder));
        KeyFacts {
            id: key.id,
            kind: holder.map_or(HolderKind::Person, |holder| holder.kind),
            standing: key.standing,
            end: key.end,
            holder_left: holder.is_some_and(|holder| holder.left),
            presentable: holder.map_or(Factors::NONE, |holder| holder.presentable),
        }
    }

    /// What people said yes to before, for this key from this source.
    pub fn held(&self, key: KeyId, source: Neighbourhood, now: Timestamp) -> Held {
        let windows = self.windows.pin();
        let Some(window) = windows.get(&(key, source)) else { return Held::default() };
        let person = ByPower::from_fn(|power| match window[power] {
            Some(at) => Freshness::Before(Span::between(at, now)),
            None => Freshness::Absent,
        });
        Held { person, ..Held::default() }
    }

    // What the gate brings about.

    /// Makes a key known that the upstream accepts. Whoever comes second gets the same key.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn adopt(&self, secret: &SecretDigest, sighting: &Sighting, now: Timestamp) -> Result<Arc<Key>, Failed> {
        let writing = self.writer.lock().await;
        let (pepper, verifier) = self.peppers.verifier(secret);
        if let Some(known) = self.recognise(secret) {
            if known.pepper == pepper {
                return Ok(known);
            }
            let change = Change::KeyRepeppered { key: known.id, verifier, pepper };
            self.write(&writing, Actor::Gate, vec![change], &[], now).await?;
        } else {
            let change = self.view(|state| state.adopt(sighting, verifier, pepper));
            self.write(&writing, Actor::Gate, vec![change], &[], now).await?;
        }
        // INVARIANT: what was just obeyed is in the table.
        self.keys.find(&verifier).ok_or(Failed::UnknownChange(0))
    }

    /// Whether a key's verifier was made with the pepper before the one in use; `adopt` mends it.
    pub const fn is_stale(&self, key: &Key) -> bool {
        key.pepper.0 != self.peppers.current().0
    }

    /// Takes over what the upstream says of a key's holder. A name that is not known yet
    /// becomes a person who is not enrolled.
    ///
    /// # Errors
    /// When the key is not known, or it cannot be written down.
    pub async fn identify(&self, key: KeyId, identity: &Identity, now: Timestamp) -> Result<HolderId, NotDone> {
        let writing = self.writer.lock().await;
        let name = presentable_name(&identity.name);
        let (holder, mut changes) = self.view(|state| {
            state.key(key).ok_or(Declined::NoKey(key))?;
            if let Some(holder) = state.holder_named(&name) {
                return Ok((holder.id, Vec::new()));
            }
            let description = Description {
                name,
                kind: HolderKind::Person,
                owner: None,
                deputies: Vec::new(),
                mail: None,
                administrator: false,
            };
            state.add_holder(&description).map(|added| (state.next_holder(), vec![added]))
        })?;
        let Identity { name: _, two_factor, scopes, end } = identity.clone();
        changes.push(Change::KeyIdentified { key, holder, two_factor, scopes, end });
        self.write(&writing, Actor::Gate, changes, &[], now).await?;
        Ok(holder)
    }

    /// Asks people, or joins the question about the same request.
    ///
    /// # Errors
    /// A refusal for the caller, where a person said no or too much is asked; or that it
    /// cannot be written down.
    pub async fn ask(&self, ask: &Ask, exhibit: &Exhibit, now: Timestamp) -> Result<Result<Ticket, Refusal>, Failed> {
        let writing = self.writer.lock().await;
        let asking = match self.view(|state| state.ask(ask, &self.limits, now)) {
            Ok(asking) => asking,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (challenge, joined) = match asking {
            Asking::Join(challenge) => (challenge, true),
            Asking::New(challenge, change) => {
                let mut shelf: Vec<Shelf> =
                    self.view(|state| state.forgotten(now)).into_iter().map(no_exhibit).collect();
                shelf.push(self.sealed("exhibit", &challenge.to_string(), &exhibit_bytes(exhibit))?);
                self.write(&writing, Actor::Gate, vec![change], &shelf, now).await?;
                (challenge, false)
            }
        };
        Ok(self.line_up(challenge, joined, now))
    }

    /// Spends a yes on a call: once, whoever asks. Durable when it returns.
    ///
    /// # Errors
    /// When it cannot be written down; then it is not spent.
    pub async fn spend(&self, challenge: ChallengeId, call: CallId, now: Timestamp) -> Result<Option<Spent>, Failed> {
        let writing = self.writer.lock().await;
        let spending = self.view(|state| {
            let change = state.spend(challenge, call, now)?;
            let asked = state.question(challenge)?;
            let Progress::Approved(approval) = asked.progress(now) else { return None };
            Some((change, Spent { approval, second_person: asked.question.people() > 1 }))
        });
        let Some((change, spent)) = spending else { return Ok(None) };
        self.write(&writing, Actor::Gate, vec![change], &[no_exhibit(challenge)], now).await?;
        Ok(Some(spent))
    }

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
        let person = key.holder.filter(|_| !key.header_closed).ok_or(NotProved::Wrong)?;
        let wrong = {
            let mut guesses = lock(&self.header_guesses);
            let wrong = guesses.entry(key.id).or_default();
            *wrong += 1;
            *wrong
        };
        match self.check_code(person, typed, now).await? {
            Some(proof) => {
                lock(&self.header_guesses).remove(&key.id);
                let approve = Command::Approve(vec![challenge]);
                match self.perform(&approve, Warrant::Fresh(person, proof), now).await {
                    Ok(()) => Ok(()),
                    Err(NotDone::Declined(_)) => Err(NotProved::Wrong),
                    Err(NotDone::Failed(failed)) => Err(failed.into()),
                }
            }
            None => {
                if wrong >= HEADER_GUESSES {
                    let writing = self.writer.lock().await;
                    let change = Change::HeaderClosed { key: key.id };
                    self.write(&writing, Actor::Gate, vec![change], &[], now).await?;
                }
                Err(NotProved::Wrong)
            }
        }
    }

    /// Notes something in the ledger that the gate did by itself.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn note(&self, change: Change, now: Timestamp) -> Result<(), Failed> {
        let writing = self.writer.lock().await;
        self.write(&writing, Actor::Gate, vec![change], &[], now).await
    }

    // What people bring about.

    /// Carries a command out.
    ///
    /// # Errors
    /// When it is declined, or cannot be written down; then nothing changed.
    pub async fn perform(&self, command: &Command, warrant: Warrant, now: Timestamp) -> Result<(), NotDone> {
        self.perform_with(command, warrant, &[], now).await
    }

    /// Holds a code against a person's authenticator or recovery codes, for somebody on the
    /// gate's host or who is signed in. It is used up when a command is carried out with it.
    ///
    /// # Errors
    /// When it is not taken.
    pub async fn prove(&self, name: &str, typed: &str, now: Timestamp) -> Result<Warrant, NotProved> {
        self.prove_as(name, typed, Guesser::Known, now).await
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
        self.prove_as(name, typed, Guesser::Stranger(neighbourhood(source)), now).await
    }

    async fn prove_as(&self, name: &str, typed: &str, guesser: Guesser, now: Timestamp) -> Result<Warrant, NotProved> {
        let person = self.view(|state| state.holder_named(name).filter(|holder| holder.can_prove()).map(|it| it.id));
        let person = person.ok_or(NotProved::Wrong)?;
        let begun = lock(&self.guesses).begin(person, guesser, now);
        let wrong = begun.map_err(|TooEarly(wait)| NotProved::Wait(span_of(wait)))?;
        let name = person.to_string();
        let count = |value: Option<Vec<u8>>| Shelf { bucket: "guesses", name: name.clone(), value };
        match self.check_code(person, typed, now).await? {
            Some(proof) => {
                lock(&self.guesses).succeed(person, guesser);
                self.store.shelve(&count(None)).await.map_err(Failed::from)?;
                Ok(Warrant::Fresh(person, proof))
            }
            None => {
                // Kept over a restart, or restarting would give new guesses.
                let kept = [wrong.known.to_be_bytes(), wrong.strangers.to_be_bytes()].concat();
                self.store.shelve(&count(Some(kept))).await.map_err(Failed::from)?;
                if wrong.known >= LAST {
                    self.note(Change::AuthenticatorDisabled { holder: person }, now).await?;
                }
                Err(NotProved::Wrong)
            }
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
        let token = Digest::of(link.as_bytes());
        let person = self.view(|state| state.invited(&token, now).map(|holder| holder.id));
        let person = person.ok_or(NotDone::Declined(Declined::BadLink))?;
        let step = seed.accept(typed, now, None).map_err(|_| NotEnrolled::WrongCode)?;
        let codes = recovery_codes()?;
        let recovery = codes.iter().map(recovery::Code::verifier).collect();
        let sealed = self.sealed("seed", &person.to_string(), seed.expose())?;
        let command = Command::Enrol(person, token, Enrolment { step, recovery });
        self.perform_with(&command, Warrant::Operator, &[sealed], now).await?;
        lock(&self.guesses).succeed(person, Guesser::Known);
        Ok(codes)
    }

    /// Puts a law into force; one that is weaker than the law in force waits for a person.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn load_law(&self, law: Law, now: Timestamp) -> Result<Loaded, Failed> {
        let writing = self.writer.lock().await;
        let in_force = self.law.load_full();
        let change = self.view(|state| {
            let known = state.law.as_ref().map(|_| &in_force.law);
            state.load_law(&law, known)
        });
        if let Some(change) = change {
            self.write(&writing, Actor::Operator, vec![change], &[], now).await?;
        }
        Ok(self.view(|state| state.waiting.clone()).map_or(Loaded::InForce, Loaded::Waits))
    }

    /// What a person is shown of the request that waits.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn exhibit(&self, challenge: ChallengeId) -> Result<Option<Exhibit>, Failed> {
        let name = challenge.to_string();
        let Some(sealed) = self.store.shelf("exhibit", &name).await? else { return Ok(None) };
        let bytes = self.sealer.open(&place("exhibit", &name), &sealed)?;
        Ok(serde_json::from_slice(&bytes).ok())
    }

    // Within.

    async fn perform_with(
        &self,
        command: &Command,
        warrant: Warrant,
        shelf: &[Shelf],
        now: Timestamp,
    ) -> Result<(), NotDone> {
        let writing = self.writer.lock().await;
        let (by, changes) = self.view(|state| state.propose(command, warrant, now))?;
        Ok(self.write(&writing, by, changes, shelf, now).await?)
    }

    async fn check_code(&self, person: HolderId, typed: &str, now: Timestamp) -> Result<Option<Proof>, Failed> {
        let authenticator =
            self.view(|state| state.holder(person).filter(|holder| holder.can_prove())?.authenticator.clone());
        let Some(authenticator) = authenticator else { return Ok(None) };
        let name = person.to_string();
        let Some(sealed) = self.store.shelf("seed", &name).await? else { return Ok(None) };
        let seed = self.sealer.open(&place("seed", &name), &sealed)?;
        let seed = Seed::new(seed.as_slice().try_into().map_err(|_| DoesNotOpen)?);
        if let Ok(step) = seed.accept(typed, now, Some(authenticator.last)) {
            return Ok(Some(Proof::Totp(step)));
        }
        let kept: Vec<(usize, recovery::Verifier)> =
            authenticator.recovery.iter().enumerate().filter_map(|(place, code)| Some((place, (*code)?))).collect();
        let verifiers: Vec<recovery::Verifier> = kept.iter().map(|(_, code)| *code).collect();
        Ok(recovery::find(typed, &verifiers)
            .and_then(|found| kept.get(found))
            .map(|(place, _)| Proof::Recovery(*place)))
    }

    /// Writes changes down, then obeys them: in the state, in its mirrors, and for those who wait.
    async fn write(
        &self,
        _writing: &tokio::sync::MutexGuard<'_, ()>,
        by: Actor,
        changes: Vec<Change>,
        shelf: &[Shelf],
        now: Timestamp,
    ) -> Result<(), Failed> {
        if changes.is_empty() && shelf.is_empty() {
            return Ok(());
        }
        let written: Vec<Written> = changes.into_iter().map(|change| Written { by, change }).collect();
        let texts = written.iter().map(|written| serde_json::to_string(written).unwrap_or_default()).collect();
        self.store.append(now, texts, shelf).await?;
        for written in written {
            let replaced = {
                let mut state = self.write_state();
                let replaced = state.replaced_verifier(&written.change);
                state.obey(&written, now);
                replaced
            };
            if let Some(verifier) = replaced {
                self.keys.remove(&verifier);
            }
            self.mirror(&written.change, now)?;
            // Nobody listening is no fault.
            let _ = self.changes.send(Arc::new(written));
        }
        Ok(())
    }

    /// Takes one change into what the request path reads.
    fn mirror(&self, change: &Change, now: Timestamp) -> Result<(), Failed> {
        match change {
            Change::HolderLeft { id } => {
                self.mirror_holders();
                let keys: Vec<Arc<Key>> =
                    self.view(|state| state.keys().filter(|key| key.holder == Some(*id)).cloned().collect());
                keys.iter().for_each(|key| self.keys.put(key));
            }
            Change::HolderAdded { .. }
            | Change::HolderChanged { .. }
            | Change::HolderReturned { .. }
            | Change::Enrolled { .. }
            | Change::AuthenticatorDisabled { .. } => self.mirror_holders(),
            Change::KeyAdopted { id: key, .. }
            | Change::KeyRepeppered { key, .. }
            | Change::KeyIdentified { key, .. }
            | Change::KeyNamed { key, .. }
            | Change::KeyEnabled { key }
            | Change::HeaderClosed { key } => self.mirror_key(*key),
            Change::KeyDisabled { key, why: _ } => {
                self.mirror_key(*key);
                self.windows.pin().retain(|(windowed, _), _| windowed != key);
            }
            Change::Approved { challenge, .. } => {
                self.mirror_window(*challenge);
                self.call_out(*challenge, now);
            }
            Change::Denied { challenge, .. } | Change::Spent { challenge, .. } => self.call_out(*challenge, now),
            Change::LawLoaded { page, .. } => self.law.store(Arc::new(in_force_of(page.parse()?))),
            Change::Asked { .. }
            | Change::Invited { .. }
            | Change::Proved { .. }
            | Change::LawWaits { .. }
            | Change::CatalogueObeyed { .. }
            | Change::RecordTrimmed { .. } => {}
        }
        Ok(())
    }

    async fn mirror_all(&self, now: Timestamp) -> Result<(), Failed> {
        self.mirror_holders();
        let (windows, people): (Vec<_>, Vec<HolderId>) = {
            let state = self.read();
            state.keys.values().for_each(|key| self.keys.put(key));
            (state.windows.iter().map(|(at, window)| (*at, *window)).collect(), state.holders.keys().copied().collect())
        };
        let mirrored = self.windows.pin();
        windows.into_iter().for_each(|(at, window)| {
            mirrored.insert(at, window);
        });
        drop(mirrored);
        for person in people {
            if let Some(kept) = self.store.shelf("guesses", &person.to_string()).await? {
                let count =
                    |at: usize| kept.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |it| u32::from_be_bytes(*it));
                lock(&self.guesses).restore(person, Wrong { known: count(0), strangers: count(4) }, now);
            }
        }
        Ok(())
    }

    fn mirror_holders(&self) {
        let facts = self.view(|state| {
            let facts = |id: HolderId, kind, left| HolderFacts { kind, left, presentable: state.presentable(id) };
            state.holders().map(|holder| (holder.id, facts(holder.id, holder.kind, holder.left))).collect()
        });
        self.holders.store(Arc::new(facts));
    }

    fn mirror_key(&self, key: KeyId) {
        if let Some(key) = self.view(|state| state.key(key).cloned()) {
            self.keys.put(&key);
        }
    }

    fn mirror_window(&self, challenge: ChallengeId) {
        let window = self.view(|state| {
            let question = &state.question(challenge)?.question;
            let at = (question.key, neighbourhood(question.source));
            state.windows.get(&at).map(|window| (at, *window))
        });
        if let Some((at, window)) = window {
            self.windows.pin().insert(at, window);
        }
    }

    /// Gives a request its place in the line; those before it are superseded.
    fn line_up(&self, challenge: ChallengeId, joined: bool, now: Timestamp) -> Result<Ticket, Refusal> {
        let (until, progress) = self
            .view(|state| state.question(challenge).map(|asked| (asked.question.until, asked.progress(now))))
            .ok_or(Refusal::StepUp)?;
        let mut lines = lock(&self.lines);
        lines.retain(|_, line| line.receiver_count() > 0);
        let line = lines.entry(challenge).or_insert_with(|| watch::Sender::new(Line { progress, newest: 0 }));
        let mut number = 0;
        line.send_modify(|line| {
            line.newest += 1;
            line.progress = progress;
            number = line.newest;
        });
        Ok(Ticket { challenge, until, joined, number, line: line.subscribe() })
    }

    /// Tells those who wait where their question stands.
    fn call_out(&self, challenge: ChallengeId, now: Timestamp) {
        let progress = self.view(|state| state.question(challenge).map(|asked| asked.progress(now)));
        if let (Some(progress), Some(line)) = (progress, lock(&self.lines).get(&challenge)) {
            line.send_modify(|line| line.progress = progress);
        }
    }

    fn sealed(&self, bucket: &'static str, name: &str, bytes: &[u8]) -> Result<Shelf, Failed> {
        let value = Some(self.sealer.seal(&place(bucket, name), bytes)?);
        Ok(Shelf { bucket, name: name.to_owned(), value })
    }

    // A thread that panicked while it held a lock left a state that was whole before each
    // statement: reading on is right, stopping the gate for ever is not.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_state(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a person was not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum NotEnrolled {
    /// The code does not fit the seed.
    #[error("the code does not fit; is the clock of the authenticator's device right?")]
    WrongCode,
    /// The link is no good, or it cannot be written down.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

impl From<Failed> for NotEnrolled {
    fn from(failed: Failed) -> Self {
        Self::NotDone(failed.into())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn place(bucket: &str, name: &str) -> String {
    format!("{bucket}/{name}")
}

fn no_exhibit(challenge: ChallengeId) -> Shelf {
    Shelf { bucket: "exhibit", name: challenge.to_string(), value: None }
}

fn exhibit_bytes(exhibit: &Exhibit) -> Vec<u8> {
    serde_json::to_vec(exhibit).unwrap_or_default()
}

fn in_force_of(law: Law) -> LawInForce {
    let digest = Digest::of(law.to_string().as_bytes()).to_string();
    LawInForce { law, digest: digest.chars().take(16).collect::<String>().into() }
}

fn recovery_codes() -> Result<Vec<recovery::Code>, Failed> {
    let code = |_| {
        let mut entropy = Zeroizing::new([0; 15]);
        rand::fill(entropy.as_mut_slice()).map_err(|_| Failed::NoRandomness)?;
        Ok(recovery::Code::new(&entropy))
    };
    (0..recovery::COUNT).map(code).collect()
}

fn span_of(wait: SignedDuration) -> Span {
    Span::seconds(u32::try_from(wait.as_secs().saturating_add(1)).unwrap_or(u32::MAX))
}

/// An account's name as the upstream spells it, made fit to be a holder's name.
fn presentable_name(name: &str) -> String {
    let fit = |letter: char| if letter.is_alphanumeric() || " ._@+-:/".contains(letter) { letter } else { '_' };
    let mut fitted = String::new();
    for letter in name.trim().chars().map(fit) {
        if fitted.len() + letter.len_utf8() > 128 {
            break;
        }
        fitted.push(letter);
    }
    fitted.trim().to_owned()
}
