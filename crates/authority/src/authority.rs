//! The authority as the other rooms use it: reads without waiting on the request path,
//! changes one after the other through the ledger.

mod account;
mod canary;
mod containing;
mod drilling;
mod errors;
mod hearing;
mod importing;
mod issuing;
mod line;
mod mirror;
mod proving;
mod reconciling;
mod secrets;
mod shelving;

use std::{
    cell::LazyCell,
    collections::{HashMap, HashSet},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak, atomic::AtomicU64},
};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use jiff::Timestamp;
use law::{
    ApprovalId, ByPower, CallId, ChallengeId, Factors, Freshness, Held, HolderId, HolderKind, KeyFacts, KeyId, Law,
    Mode, Neighbourhood, Refusal, Span,
};
use store::{Entry, Shelf, Signer, Store};
use tokio::sync::{OwnedMutexGuard, broadcast, watch};
use zeroize::Zeroizing;

pub use self::{
    drilling::{Rehearse, drill_secret},
    errors::{Failed, NotDone, NotEnrolled, NotProved},
    hearing::{Heard, Hearing},
    importing::Importer,
    line::{Answer, Ticket},
};
use self::{
    line::Line,
    shelving::{exhibit_bytes, no_exhibit},
};
use crate::{
    Ask, Credential, Digest, Exhibit, Folded, KnownBy, Limits, Peppers,
    change::{Actor, Change, Written},
    command::{Command, Description, Sighting, Warrant},
    declined::Declined,
    guess::{Guesses, GuessesAtNobody, HeaderGuesses},
    key::Key,
    life::Lifetimes,
    posture::{Files, Loaded, Offer},
    question::Asking,
    seal::Sealer,
    state::{Progress, State},
    table::{KeyTable, Spellings},
};

/// How many changes somebody who listens may be behind before changes are missed.
const LISTENING: usize = 1024;

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
    /// What decides. Observing that has ended by the ledger's newest entry is ended for good.
    pub law: Law,
    /// The first eight bytes of its page's SHA-256, in hexadecimal.
    pub digest: Arc<str>,
    /// Its page, as it was loaded.
    pub page: Arc<str>,
}

/// What the request path needs of a holder.
#[derive(Clone, Copy, Debug)]
struct HolderFacts {
    kind: HolderKind,
    left: bool,
    owner: Option<HolderId>,
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

/// A yes that was spent on one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The last person's yes.
    pub approval: ApprovalId,
    /// Whether two people said it.
    pub second_person: bool,
}

/// Held from proposing to obeying, so that what was proposed is still true when it is written.
type Writing = OwnedMutexGuard<()>;

/// Who has keys, who answers for them, who said yes.
pub struct Authority {
    /// Itself: what it writes is finished in a task that nobody's going away ends.
    me: Weak<Self>,
    store: Store,
    peppers: Peppers,
    sealer: Sealer,
    limits: ArcSwap<Limits>,
    writer: Arc<tokio::sync::Mutex<()>>,
    state: RwLock<State>,
    // What follows mirrors the state for the request path.
    keys: KeyTable,
    spellings: Arc<Spellings>,
    holders: ArcSwap<HashMap<HolderId, HolderFacts>>,
    windows: papaya::HashMap<(KeyId, Neighbourhood), ByPower<Option<Timestamp>>>,
    law: ArcSwap<LawInForce>,
    canaries: ArcSwap<canary::Watched>,
    contained: ArcSwap<containing::Held>,
    containings: AtomicU64,
    credential: ArcSwapOption<Credential>,
    /// Credentials that operations of the API made, by the key that stands for them.
    made: papaya::HashMap<KeyId, Arc<Credential>>,
    /// The one that the operator keeps elsewhere, as long as the configuration names it.
    lent: ArcSwapOption<Credential>,
    // People who wait, and people who guess.
    lines: Mutex<HashMap<ChallengeId, watch::Sender<Line>>>,
    guesses: Mutex<Guesses>,
    guesses_at_nobody: Mutex<GuessesAtNobody>,
    header_guesses: Mutex<HeaderGuesses>,
    changes: broadcast::Sender<Arc<Written>>,
    /// Since when the ledger takes nothing.
    unwritten_since: Mutex<Option<Timestamp>>,
    heard: broadcast::Sender<Heard>,
}

impl Authority {
    /// Opens the state in this folder and replays its ledger. Until something is loaded into a
    /// new state, the default law binds.
    ///
    /// # Errors
    /// When the state cannot be used; the error says how to mend it.
    pub async fn open(folder: &Path, secrets: Secrets, limits: Limits, now: Timestamp) -> Result<Arc<Self>, Failed> {
        let Secrets { peppers, master, signer } = secrets;
        let sealer = Sealer::new(&master)?;
        let mut state = State::default();
        let (mut unknown, mut began) = (None, false);
        let store = Store::open(&folder.join("state.db"), signer, |entry| {
            began = true;
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
            None => Law::same_for_all(Law::default_guard, Mode::Enforce),
        };
        let authority = Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            store,
            peppers,
            sealer,
            limits: ArcSwap::from_pointee(limits),
            writer: Arc::default(),
            keys: KeyTable::default(),
            spellings: Arc::clone(&state.spellings),
            holders: ArcSwap::default(),
            windows: papaya::HashMap::new(),
            law: ArcSwap::from_pointee(in_force_of(&in_force, state.newest)),
            canaries: ArcSwap::default(),
            contained: ArcSwap::default(),
            containings: AtomicU64::new(0),
            credential: ArcSwapOption::empty(),
            made: papaya::HashMap::new(),
            lent: ArcSwapOption::empty(),
            lines: Mutex::default(),
            guesses: Mutex::default(),
            guesses_at_nobody: Mutex::default(),
            header_guesses: Mutex::default(),
            changes: broadcast::Sender::new(LISTENING),
            unwritten_since: Mutex::default(),
            heard: broadcast::Sender::new(LISTENING),
            state: RwLock::new(state),
        });
        authority.check_secrets().await?;
        if began && !authority.view(|state| state.shelf.is_bound()) {
            authority.bind_shelf(now).await?;
        }
        authority.mirror_all(now).await?;
        authority.open_credential().await?;
        Ok(authority)
    }

    /// Limits questions otherwise from now on.
    pub fn limit(&self, limits: Limits) {
        self.limits.store(Arc::new(limits));
    }

    /// Lets keys live by this from now on: issued ones end no later than the longest life.
    pub async fn live_by(&self, lifetimes: Lifetimes) {
        let _writing = self.writer.lock().await;
        let changed = self.write_state().live_by(lifetimes);
        changed.into_iter().for_each(|key| self.mirror_key(key));
    }

    /// The law in force.
    pub fn law(&self) -> Guard<Arc<LawInForce>> {
        self.law.load()
    }

    /// Reads the state. The closure must be quick: changes wait for it.
    pub fn view<R>(&self, read: impl FnOnce(&State) -> R) -> R {
        read(&self.read())
    }

    /// Since when the ledger cannot be written, where the last change could not be.
    pub fn unwritten_since(&self) -> Option<Timestamp> {
        *self.unwritten_since.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// The key that is known by this.
    pub fn recognise(&self, by: impl Into<KnownBy>) -> Option<Arc<Key>> {
        let by = by.into();
        let (_, verifier) = self.peppers.verifier(by);
        self.keys.find(&verifier).or_else(|| self.keys.find(&self.peppers.previous_verifier(by)?))
    }

    /// The adopted key of whose secret this is another spelling. Whoever asks has looked for this
    /// very spelling before.
    pub fn recognise_spelling(&self, folded: &Folded) -> Option<Arc<Key>> {
        let find = |verifier| self.spellings.find(&verifier);
        let key = find(self.peppers.folded(folded)).or_else(|| find(self.peppers.previous_folded(folded)?))?;
        self.view(|state| state.key(key).cloned())
    }

    /// What the law needs to know of a key.
    pub fn facts(&self, key: &Key) -> KeyFacts {
        let holders = self.holders.load();
        let holder = key.holder().and_then(|holder| holders.get(&holder));
        KeyFacts {
            id: key.id,
            kind: holder.map_or(HolderKind::Person, |holder| holder.kind),
            standing: key.standing,
            end: key.end(),
            holder_left: holder.is_some_and(|holder| holder.left),
            parent_stopped: key.issued().is_some()
                && key.parent().is_some()
                && self.view(|state| state.is_stopped_above(key)),
            presentable: holder.map_or(Factors::NONE, |holder| holder.presentable),
        }
    }

    /// What a key's holder is, and who answers for it where somebody else does.
    pub fn answerer(&self, key: &Key) -> (HolderKind, Option<HolderId>) {
        key.holder().map_or((HolderKind::Person, None), |holder| self.kind_and_owner(holder))
    }

    /// What a holder is, and who answers for it where somebody else does.
    pub fn kind_and_owner(&self, holder: HolderId) -> (HolderKind, Option<HolderId>) {
        let holders = self.holders.load();
        holders.get(&holder).map_or((HolderKind::Person, None), |holder| (holder.kind, holder.owner))
    }

    /// Why a key does not work at this moment, if it does not.
    pub fn refusal(&self, key: KeyId, now: Timestamp) -> Option<Refusal> {
        self.view(|state| state.refusal(key, now))
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
    pub async fn adopt(&self, by: impl Into<KnownBy>, sighting: &Sighting, now: Timestamp) -> Result<Arc<Key>, Failed> {
        self.adopt_spelled(by, &[], sighting, now).await
    }

    /// The same for a secret of which other spellings are to be recognised as well: first what
    /// all of it has in common, then its halves.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn adopt_spelled(
        &self,
        by: impl Into<KnownBy>,
        folded: &[Folded],
        sighting: &Sighting,
        now: Timestamp,
    ) -> Result<Arc<Key>, Failed> {
        let by = by.into();
        let writing = self.writing().await?;
        let (pepper, verifier) = self.peppers.verifier(by);
        let known = self.recognise(by);
        // What Greave issued has one spelling: the gate itself compares it.
        let may_fold = known.as_ref().is_none_or(|known| known.issued().is_none() && !known.is_drill());
        let folded = if may_fold { folded } else { &[] };
        let kept = folded.iter().map(|folded| self.peppers.folded(folded)).collect();
        if let Some(known) = known {
            if !self.is_stale(&known, folded) {
                return Ok(known);
            }
            let change = Change::KeyRepeppered { key: known.id, verifier, pepper, folded: kept };
            self.write(writing, Actor::Gate, vec![change], &[], now).await?;
        } else if let Some(known) = folded.first().and_then(|folded| self.recognise_spelling(folded)) {
            return Ok(known);
        } else {
            let change = self.view(|state| state.adopt(sighting, (pepper, verifier), kept));
            self.write(writing, Actor::Gate, vec![change], &[], now).await?;
        }
        // INVARIANT: what was just obeyed is in the table.
        self.keys.find(&verifier).ok_or(Failed::UnknownChange(0))
    }

    /// Whether a key's verifier was made with the pepper before the one in use, or its other
    /// spellings are not known yet; `adopt_spelled` mends it.
    pub fn is_stale(&self, key: &Key, folded: &[Folded]) -> bool {
        key.pepper.0 != self.peppers.current().0 || !folded.is_empty() && !key.is_folded()
    }

    /// Takes over what the upstream says of a key's holder. A name that is not known yet
    /// becomes a person who is not enrolled.
    ///
    /// # Errors
    /// When the key is not known, or it cannot be written down.
    pub async fn identify(&self, key: KeyId, identity: &Identity, now: Timestamp) -> Result<HolderId, NotDone> {
        let writing = self.writing().await?;
        let name = account::name(&identity.name);
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
        self.write(writing, Actor::Gate, changes, &[], now).await?;
        Ok(holder)
    }

    /// Asks people, or joins the question about the same request. What they are shown is made
    /// only where they are asked: whoever asks too much has no work done for it.
    ///
    /// # Errors
    /// A refusal for the caller, where a person said no or too much is asked; or that it
    /// cannot be written down.
    pub async fn ask(
        &self,
        ask: &Ask,
        exhibit: impl FnOnce() -> Exhibit,
        now: Timestamp,
    ) -> Result<Result<Ticket, Refusal>, Failed> {
        let exhibit = LazyCell::new(exhibit);
        // Before others wait for it.
        match self.view(|state| state.ask(ask, &self.limits.load(), now)) {
            Ok(Asking::New(..)) => drop(LazyCell::force(&exhibit)),
            Ok(Asking::Join(_)) => {}
            Err(refusal) => return Ok(Err(refusal)),
        }
        let writing = self.writing().await?;
        let asking = match self.view(|state| state.ask(ask, &self.limits.load(), now)) {
            Ok(asking) => asking,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (challenge, joined) = match asking {
            Asking::Join(challenge) => (challenge, true),
            Asking::New(challenge, change) => {
                let mut shelf: Vec<Shelf> =
                    self.view(|state| state.forgotten(now)).into_iter().map(no_exhibit).collect();
                shelf.push(self.sealed("exhibit", &challenge.to_string(), &exhibit_bytes(&exhibit))?);
                self.write(writing, Actor::Gate, vec![*change], &shelf, now).await?;
                (challenge, false)
            }
        };
        Ok(self.line_up(challenge, joined, now))
    }

    /// When there is room at the latest for a question that was refused because too many are open.
    pub fn room_at(&self, ask: &Ask, now: Timestamp) -> Timestamp {
        self.view(|state| state.room_at(ask, &self.limits.load(), now))
    }

    /// Spends a yes on a call: once, whoever asks. Durable when it returns.
    ///
    /// # Errors
    /// When it cannot be written down; then it is not spent.
    pub async fn spend(&self, challenge: ChallengeId, call: CallId, now: Timestamp) -> Result<Option<Spent>, Failed> {
        let writing = self.writing().await?;
        let spending = self.view(|state| {
            let change = state.spend(challenge, call, now)?;
            let asked = state.question(challenge)?;
            let Progress::Approved(approval) = asked.progress(now) else { return None };
            Some((change, Spent { approval, second_person: asked.question.people() > 1 }))
        });
        let Some((change, spent)) = spending else { return Ok(None) };
        self.write(writing, Actor::Gate, vec![change], &[no_exhibit(challenge)], now).await?;
        Ok(Some(spent))
    }

    /// Closes those of these questions that are still open: the window that this yes opened
    /// covers their calls.
    ///
    /// # Errors
    /// When it cannot be written down; then they stay open.
    pub async fn cover(&self, questions: &[ChallengeId], approval: ApprovalId, now: Timestamp) -> Result<(), Failed> {
        let writing = self.writing().await?;
        let is_open = |state: &State, id| state.question(id).is_some_and(|asked| asked.progress(now) == Progress::Open);
        let open: Vec<ChallengeId> =
            self.view(|state| questions.iter().copied().filter(|id| is_open(state, *id)).collect());
        if open.is_empty() {
            return Ok(());
        }
        let shelf: Vec<Shelf> = open.iter().copied().map(no_exhibit).collect();
        let changes = open.into_iter().map(|challenge| Change::Covered { challenge, approval }).collect();
        self.write(writing, Actor::Gate, changes, &shelf, now).await
    }

    /// Notes something in the ledger that the gate did by itself.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn note(&self, change: Change, now: Timestamp) -> Result<(), Failed> {
        self.note_all(vec![change], now).await
    }

    /// Notes where guards bind by now that have only observed: from then on they bind whatever
    /// the clock says.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn note_enforcing(&self, now: Timestamp) -> Result<(), Failed> {
        let ended = self.law().law.observing_ended(now);
        match ended {
            Some(day) => self.note(Change::ObservingEnded { day }, now).await,
            None => Ok(()),
        }
    }

    /// Notes several things at once.
    ///
    /// # Errors
    /// When they cannot be written down; then none of them is.
    pub async fn note_all(&self, changes: Vec<Change>, now: Timestamp) -> Result<(), Failed> {
        let writing = self.writing().await?;
        self.write(writing, Actor::Gate, changes, &[], now).await
    }

    /// Notes what was decided about the ends of keys, unless they have changed meanwhile. Gives
    /// back the keys about which it holds.
    ///
    /// # Errors
    /// When it cannot be written down; then nothing holds.
    pub async fn note_ends(
        &self,
        decided: Vec<(KeyId, Timestamp, Vec<Change>)>,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Result<HashSet<KeyId>, Failed> {
        let writing = self.writing().await?;
        let holds = |(key, end, _): &(KeyId, Timestamp, Vec<Change>)| {
            self.view(|state| state.stands_to_end(*key, *end, lifetimes))
        };
        let held: Vec<_> = decided.into_iter().filter(holds).collect();
        let keys = held.iter().map(|(key, ..)| *key).collect();
        let changes = held.into_iter().flat_map(|(.., changes)| changes).collect();
        self.write(writing, Actor::Gate, changes, &[], now).await?;
        Ok(keys)
    }

    /// Notes that the state was restored from a backup of this moment; what was good for a short
    /// time then is void.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn restored(&self, taken: Timestamp, newest_key: Option<KeyId>, now: Timestamp) -> Result<(), Failed> {
        let writing = self.writing().await?;
        self.write(writing, Actor::Operator, vec![Change::StateRestored { taken, newest_key }], &[], now).await
    }

    // What people bring about.

    /// Carries a command out.
    ///
    /// # Errors
    /// When it is declined, or cannot be written down; then nothing changed.
    pub async fn perform(&self, command: &Command, warrant: Warrant, now: Timestamp) -> Result<(), NotDone> {
        self.perform_with(command, warrant, &[], now).await
    }

    /// Puts a posture into force; one that is weaker than the one in force waits for a person.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn load(&self, offer: &Offer, now: Timestamp) -> Result<Loaded, Failed> {
        let writing = self.writing().await?;
        let in_force = self.law.load_full();
        let changes = self.view(|state| {
            let against = state.posture.map(|(digest, _)| digest).filter(|_| offer.files != Files::NONE);
            (against == offer.against).then(|| state.load(offer, &in_force.law, now))
        });
        let Some(changes) = changes else { return Ok(Loaded::Overtaken) };
        self.write(writing, Actor::Operator, changes, &[], now).await?;
        Ok(self.view(|state| state.waiting.clone()).map_or(Loaded::InForce, Loaded::Waits))
    }

    // Within.

    async fn perform_with(
        &self,
        command: &Command,
        warrant: Warrant,
        shelf: &[Shelf],
        now: Timestamp,
    ) -> Result<(), NotDone> {
        let writing = self.writing().await?;
        let (by, changes) = self.view(|state| state.propose(command, warrant, now))?;
        Ok(self.write(writing, by, changes, shelf, now).await?)
    }

    /// The right to propose and to write. Nobody proposes on a state that is behind the disk.
    async fn writing(&self) -> Result<Writing, Failed> {
        let writing = Arc::clone(&self.writer).lock_owned().await;
        let missed = self.store.missed().await?;
        self.catch_up(&missed).await?;
        Ok(writing)
    }

    /// Obeys what is on disk and was not obeyed when it was written.
    async fn catch_up(&self, missed: &[Entry]) -> Result<(), Failed> {
        let Some(last) = missed.last() else { return Ok(()) };
        let read = |entry: &Entry| serde_json::from_str(&entry.change).map_err(|_| Failed::UnknownChange(entry.seq));
        let written = missed.iter().map(read).collect::<Result<Vec<Written>, _>>()?;
        self.obey(missed, written, last.at)?;
        self.open_credential().await
    }

    /// Writes changes down, then obeys them, in a task of its own: whoever wanted it may hang up
    /// in between, and what is on disk is in force all the same.
    async fn write(
        &self,
        writing: Writing,
        by: Actor,
        changes: Vec<Change>,
        shelf: &[Shelf],
        now: Timestamp,
    ) -> Result<(), Failed> {
        if changes.is_empty() && shelf.is_empty() {
            return Ok(());
        }
        let forgotten: Vec<Shelf> =
            self.view(|state| changes.iter().filter_map(|it| issuing::forgets(state, it)).collect());
        let shelf = [shelf, &forgotten].concat();
        let mut written: Vec<Written> = changes.into_iter().map(|change| Written::new(by, change)).collect();
        // INVARIANT: what is bound goes to the shelf, and from it, with a change.
        if let Some(last) = written.last_mut() {
            last.shelf = self.view(|state| state.shelf.said(&shelf));
        }
        self.to_its_end(async move |me| {
            let done = me.write_down(written, &shelf, now).await;
            drop(writing);
            done
        })
        .await
    }

    /// Does something in a task of its own, whether whoever wants it waits for its end or not.
    async fn to_its_end<T: Send + 'static, E: From<Failed> + Send + 'static, F>(
        &self,
        work: impl FnOnce(Arc<Self>) -> F,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        // INVARIANT: there is none outside an `Arc`.
        let me = self.me.upgrade().ok_or(Failed::BrokenOff)?;
        tokio::spawn(work(me)).await.unwrap_or_else(|_| Err(Failed::BrokenOff.into()))
    }

    async fn write_down(&self, written: Vec<Written>, shelf: &[Shelf], now: Timestamp) -> Result<(), Failed> {
        let texts = |written: &[Written]| -> Vec<String> {
            written.iter().map(|written| serde_json::to_string(written).unwrap_or_default()).collect()
        };
        let is_written = |is: bool| {
            let mut since = self.unwritten_since.lock().unwrap_or_else(PoisonError::into_inner);
            *since = (!is).then(|| since.unwrap_or(now));
        };
        let error = match self.store.append(now, texts(&written), shelf).await {
            Ok(entries) => {
                is_written(true);
                return self.obey(&entries, written, now);
            }
            Err(error) => error,
        };
        // It may be on disk for all that. Where that cannot be read, it is looked at again
        // before anything else is written.
        let missed = self.store.missed().await.unwrap_or_default();
        let all = missed.iter().map(|entry| &entry.change).eq(texts(&written).iter()) && !missed.is_empty();
        is_written(all);
        self.catch_up(&missed).await?;
        if all { Ok(()) } else { Err(error.into()) }
    }

    /// Obeys what is on disk: in the state, in its mirrors, and for those who wait.
    fn obey(&self, entries: &[Entry], written: Vec<Written>, now: Timestamp) -> Result<(), Failed> {
        for (written, entry) in written.iter().zip(entries) {
            let mut state = self.write_state();
            let replaced = state.replaced_verifiers(&written.change);
            state.obey(written, entry.at);
            drop(state);
            for verifier in replaced {
                self.keys.remove(&verifier);
            }
        }
        // Together, and before their keys: each alone would go through all who are there.
        if written.iter().any(|it| matches!(it.change, Change::HolderAdded { .. })) {
            self.mirror_holders();
        }
        for written in written {
            self.mirror(&written.change, now)?;
            // Nobody listening is no fault. Of imported keys nobody is told one by one: so many
            // would make those who listen miss what they must not.
            if !matches!(written.change, Change::KeyImported { .. } | Change::HolderAdded { .. }) {
                let _ = self.changes.send(Arc::new(written));
            }
        }
        Ok(())
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The law of a page, as it binds at a moment that has been: at it, and for ever after.
fn in_force_of(law: &Law, newest: Timestamp) -> LawInForce {
    let page = law.to_string();
    let digest = Digest::of(page.as_bytes()).to_string();
    LawInForce {
        law: law.enforced_at(newest),
        page: page.into(),
        digest: digest.chars().take(16).collect::<String>().into(),
    }
}
