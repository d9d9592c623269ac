//! The fold of the ledger: what is true after all changes. Pure; replaying the same ledger
//! gives the same state.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use factor::{recovery, totp};
use jiff::{SignedDuration, Timestamp};
use law::{
    ApprovalId, ByPower, ChallengeId, Factor, Factors, HolderId, HolderKind, KeyId, Neighbourhood, Standing,
    neighbourhood,
};

use crate::{
    Key, Verifier,
    change::{Actor, Change, Digest, Proof, Question, Written},
};

/// How long a question is remembered after it lapsed, so that asking too often shows.
const MEMORY: SignedDuration = SignedDuration::from_hours(1);

/// Who has keys.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Its name in the ledger.
    pub id: HolderId,
    /// Unique among holders, letter case aside.
    pub name: String,
    /// Person, workload or vendor.
    pub kind: HolderKind,
    /// Who answers for it, where it is not a person.
    pub owner: Option<HolderId>,
    /// Who answers where the owner does not.
    pub deputies: Vec<HolderId>,
    /// Where notices go.
    pub mail: Option<String>,
    /// Whether they may do what needs a code beyond their own keys.
    pub administrator: bool,
    /// Whether they are gone.
    pub left: bool,
    /// Whether their account has 2FA at the upstream, where it said.
    pub two_factor: Option<bool>,
    /// How they prove to be a person, where they enrolled.
    pub authenticator: Option<Authenticator>,
    /// The one-time link that is open for them.
    pub invitation: Option<Invitation>,
}

impl Holder {
    /// Whether they could be asked for a factor now.
    pub fn can_prove(&self) -> bool {
        let usable = |authenticator: &Authenticator| {
            !authenticator.disabled || authenticator.recovery.iter().any(Option::is_some)
        };
        !self.left && self.authenticator.as_ref().is_some_and(usable)
    }
}

/// How a person proves to be one.
#[derive(Clone, Debug)]
pub struct Authenticator {
    /// The newest step that was accepted.
    pub last: totp::Step,
    /// What is kept of the recovery codes, in their places; used ones are gone.
    pub recovery: Vec<Option<recovery::Verifier>>,
    /// Whether too many wrong codes were given.
    pub disabled: bool,
    /// Since when it is there.
    pub since: Timestamp,
}

/// A one-time link.
#[derive(Clone, Copy, Debug)]
pub struct Invitation {
    /// SHA-256 of its secret.
    pub token: Digest,
    /// When it lapses.
    pub until: Timestamp,
}

/// A question to people and what became of it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its name in the ledger.
    pub id: ChallengeId,
    /// What is asked.
    pub question: Question,
    /// When it was asked.
    pub at: Timestamp,
    /// Who said yes, and when.
    pub yes: Vec<Yes>,
    /// How it was closed, if it was.
    pub closed: Option<Closed>,
}

/// One person's yes.
#[derive(Clone, Copy, Debug)]
pub struct Yes {
    /// Its name in the ledger.
    pub approval: ApprovalId,
    /// Who said it.
    pub by: HolderId,
}

/// How a question was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// A person said no.
    Denied,
    /// The yes was spent on a call.
    Spent,
}

/// Where a question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// People are asked.
    Open,
    /// Everybody needed said yes; it was not spent yet.
    Approved(ApprovalId),
    /// A person said no.
    Denied,
    /// The yes was spent.
    Spent,
    /// Nobody answered in time, or nothing was done with the yes in time.
    Lapsed,
}

impl Asked {
    /// Where it stands at this moment.
    pub fn progress(&self, now: Timestamp) -> Progress {
        match self.closed {
            Some(Closed::Denied) => Progress::Denied,
            Some(Closed::Spent) => Progress::Spent,
            None if now >= self.question.until => Progress::Lapsed,
            None => match self.yes.last() {
                Some(last) if self.yes.len() >= self.question.people() => Progress::Approved(last.approval),
                _ => Progress::Open,
            },
        }
    }
}

/// A law that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// SHA-256 of its page.
    pub digest: Digest,
    /// Its page.
    pub page: String,
    /// The cells in which it is weaker.
    pub weaker: Vec<String>,
}

/// What is true after all changes.
#[derive(Debug, Default)]
pub struct State {
    pub(crate) holders: BTreeMap<HolderId, Holder>,
    pub(crate) keys: BTreeMap<KeyId, Arc<Key>>,
    pub(crate) questions: BTreeMap<ChallengeId, Asked>,
    pub(crate) windows: HashMap<(KeyId, Neighbourhood), ByPower<Option<Timestamp>>>,
    pub(crate) law: Option<(Digest, String)>,
    pub(crate) waiting: Option<Waiting>,
    pub(crate) catalogue: Option<Digest>,
    places: HashSet<Arc<str>>,
    founded: bool,
    last_approval: u64,
    last_challenge: u64,
}

impl State {
    /// Everybody who has or had keys.
    pub fn holders(&self) -> impl Iterator<Item = &Holder> {
        self.holders.values()
    }

    /// One holder.
    pub fn holder(&self, id: HolderId) -> Option<&Holder> {
        self.holders.get(&id)
    }

    /// The holder with this name, letter case aside.
    pub fn holder_named(&self, name: &str) -> Option<&Holder> {
        self.holders.values().find(|holder| holder.name.eq_ignore_ascii_case(name))
    }

    /// Every key.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.values()
    }

    /// One key.
    pub fn key(&self, id: KeyId) -> Option<&Arc<Key>> {
        self.keys.get(&id)
    }

    /// The questions of the last hour and those that are open.
    pub fn questions(&self) -> impl Iterator<Item = &Asked> {
        self.questions.values()
    }

    /// One of them.
    pub fn question(&self, id: ChallengeId) -> Option<&Asked> {
        self.questions.get(&id)
    }

    /// The law that waits for a person.
    pub const fn waiting_law(&self) -> Option<&Waiting> {
        self.waiting.as_ref()
    }

    /// SHA-256 of the catalogue's lock that is obeyed.
    pub const fn catalogue(&self) -> Option<Digest> {
        self.catalogue
    }

    /// The people who can be asked for this holder's keys, the first asked first: the person
    /// itself or the owner, then the deputies. Only those who can prove to be one.
    pub fn answerers(&self, holder: HolderId) -> Vec<HolderId> {
        let Some(holder) = self.holders.get(&holder) else { return Vec::new() };
        let first = if holder.kind == HolderKind::Person { Some(holder.id) } else { holder.owner };
        let mut people: Vec<HolderId> = Vec::new();
        for person in first.into_iter().chain(holder.deputies.iter().copied()) {
            if !people.contains(&person) && self.holders.get(&person).is_some_and(Holder::can_prove) {
                people.push(person);
            }
        }
        people
    }

    /// What could be shown for this holder's keys.
    pub(crate) fn presentable(&self, holder: HolderId) -> Factors {
        match self.answerers(holder).len() {
            0 => Factors::NONE,
            1 => Factor::Person.into(),
            _ => Factors::from(Factor::Person).with(Factor::SecondPerson),
        }
    }

    /// Whether an administrator has ever enrolled. Until then the operator on the host sets the
    /// gate up; from then on what needs a code needs one, whoever leaves.
    pub const fn is_founded(&self) -> bool {
        self.founded
    }

    /// Whether this is the only administrator who can prove to be one.
    pub(crate) fn is_last_administrator(&self, person: HolderId) -> bool {
        let can = |holder: &&Holder| holder.administrator && holder.can_prove();
        let mut able = self.holders.values().filter(can);
        able.next().is_some_and(|holder| holder.id == person) && able.next().is_none()
    }

    pub(crate) fn next_holder(&self) -> HolderId {
        HolderId(self.holders.last_key_value().map_or(1, |(id, _)| id.0 + 1))
    }

    pub(crate) fn next_key(&self) -> KeyId {
        KeyId(self.keys.last_key_value().map_or(1, |(id, _)| id.0 + 1))
    }

    pub(crate) const fn next_challenge(&self) -> ChallengeId {
        ChallengeId(self.last_challenge + 1)
    }

    pub(crate) const fn next_approval(&self) -> ApprovalId {
        ApprovalId(self.last_approval + 1)
    }

    /// Takes a change over. It cannot fail: what was written down is true. A change that
    /// speaks of something unknown (a ledger written by a newer program) changes nothing.
    pub(crate) fn obey(&mut self, written: &Written, at: Timestamp) {
        match &written.change {
            Change::HolderAdded { id, name, kind, owner, deputies, mail, administrator } => {
                let holder = Holder {
                    id: *id,
                    name: name.clone(),
                    kind: *kind,
                    owner: *owner,
                    deputies: deputies.clone(),
                    mail: mail.clone(),
                    administrator: *administrator,
                    left: false,
                    two_factor: None,
                    authenticator: None,
                    invitation: None,
                };
                self.holders.insert(*id, holder);
            }
            Change::HolderChanged { id, kind, owner, deputies, mail, administrator } => {
                self.with_holder(*id, |holder| {
                    holder.kind = *kind;
                    holder.owner = *owner;
                    holder.deputies.clone_from(deputies);
                    holder.mail.clone_from(mail);
                    holder.administrator = *administrator;
                })
            }
            Change::HolderLeft { id } => {
                self.with_holder(*id, |holder| {
                    holder.left = true;
                    holder.invitation = None;
                });
                for key in self.keys.values_mut().filter(|key| key.holder == Some(*id)) {
                    let before = std::mem::replace(key, Arc::new(key.changed(|_| ())));
                    before.fall();
                }
            }
            Change::HolderReturned { id } => self.with_holder(*id, |holder| holder.left = false),
            Change::Invited { holder, token, until } => self.with_holder(*holder, |holder| {
                holder.invitation = Some(Invitation { token: *token, until: *until });
            }),
            Change::Enrolled { holder, step, recovery } => {
                self.with_holder(*holder, |holder| {
                    let recovery = recovery.iter().copied().map(Some).collect();
                    holder.authenticator = Some(Authenticator { last: *step, recovery, disabled: false, since: at });
                    holder.invitation = None;
                });
                self.founded |= self.holders.get(holder).is_some_and(|holder| holder.administrator);
            }
            Change::Proved { holder, proof, purpose: _ } => self.use_proof(*holder, *proof),
            Change::AuthenticatorDisabled { holder } => self.with_holder(*holder, |holder| {
                if let Some(authenticator) = &mut holder.authenticator {
                    authenticator.disabled = true;
                }
            }),
            Change::KeyAdopted { id, verifier, pepper, place, source, holder, parent } => {
                let place = self.place(place);
                let key = Key::adopted(*id, *verifier, *pepper, place, at, *source, *holder, *parent);
                self.keys.insert(*id, Arc::new(key));
            }
            Change::KeyRepeppered { key, verifier, pepper } => self.with_key(*key, |key| {
                key.verifier = *verifier;
                key.pepper = *pepper;
            }),
            Change::KeyIdentified { key, holder, two_factor, scopes, end } => {
                self.with_holder(*holder, |holder| holder.two_factor = two_factor.or(holder.two_factor));
                self.with_key(*key, |key| {
                    key.holder = Some(*holder);
                    key.scopes = scopes.as_deref().map(Arc::from);
                    key.end = *end;
                });
            }
            Change::KeyNamed { key, name, holder } => self.with_key(*key, |key| {
                key.name = name.as_deref().map(Arc::from).or_else(|| key.name.take());
                key.holder = holder.or(key.holder);
            }),
            Change::KeyDisabled { key, why: _ } => {
                self.windows.retain(|(windowed, _), _| windowed != key);
                self.with_key(*key, |key| key.standing = Standing::Disabled);
            }
            Change::KeyEnabled { key } => self.with_key(*key, |key| {
                if key.standing == Standing::Disabled {
                    key.standing = Standing::Active;
                }
            }),
            Change::HeaderClosed { key } => self.with_key(*key, |key| key.header_closed = true),
            Change::Asked { id, question } => {
                for forgotten in self.forgotten(at) {
                    self.questions.remove(&forgotten);
                }
                self.last_challenge = id.0;
                let asked = Asked { id: *id, question: question.clone(), at, yes: Vec::new(), closed: None };
                self.questions.insert(*id, asked);
            }
            Change::Approved { challenge, approval, person } => {
                self.last_approval = approval.0;
                self.approve(*challenge, Yes { approval: *approval, by: *person }, at);
            }
            Change::Denied { challenge, not_me: _ } => self.close(*challenge, Closed::Denied),
            Change::Spent { challenge, call: _ } => self.close(*challenge, Closed::Spent),
            Change::LawLoaded { digest, page } => {
                self.law = Some((*digest, page.clone()));
                self.waiting = None;
            }
            Change::LawWaits { digest, page, weaker } => {
                self.waiting = Some(Waiting { digest: *digest, page: page.clone(), weaker: weaker.clone() });
            }
            Change::CatalogueObeyed { digest, operations: _ } => self.catalogue = Some(*digest),
            Change::RecordTrimmed { what: _ } => {}
        }
        debug_assert!(!matches!(written.by, Actor::Person(person) if !self.holders.contains_key(&person)));
    }

    /// The questions that the next one makes forgotten.
    pub(crate) fn forgotten(&self, now: Timestamp) -> Vec<ChallengeId> {
        let remembered = |asked: &Asked| asked.question.until.saturating_add(MEMORY).is_ok_and(|end| end > now);
        self.questions.values().filter(|asked| !remembered(asked)).map(|asked| asked.id).collect()
    }

    /// One text for all keys that travel in the same place.
    fn place(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.places.get(text) {
            return Arc::clone(known);
        }
        let place: Arc<str> = text.into();
        self.places.insert(Arc::clone(&place));
        place
    }

    fn with_holder(&mut self, id: HolderId, change: impl FnOnce(&mut Holder)) {
        if let Some(holder) = self.holders.get_mut(&id) {
            change(holder);
        }
    }

    fn with_key(&mut self, id: KeyId, change: impl FnOnce(&mut Key)) {
        if let Some(place) = self.keys.get_mut(&id) {
            let before = std::mem::replace(place, Arc::new(place.changed(change)));
            if before.standing == Standing::Active && place.standing != Standing::Active {
                before.fall();
            }
        }
    }

    fn use_proof(&mut self, holder: HolderId, proof: Proof) {
        self.with_holder(holder, |holder| match (&mut holder.authenticator, proof) {
            (Some(authenticator), Proof::Totp(step)) => authenticator.last = authenticator.last.max(step),
            (Some(authenticator), Proof::Recovery(place)) => {
                if let Some(code) = authenticator.recovery.get_mut(place) {
                    *code = None;
                }
            }
            (None, _) => {}
        });
    }

    fn approve(&mut self, challenge: ChallengeId, yes: Yes, at: Timestamp) {
        let Some(asked) = self.questions.get_mut(&challenge) else { return };
        asked.yes.push(yes);
        if asked.yes.len() < asked.question.people() {
            return;
        }
        // A yes opens a window for the same key, powers and source; the guard says for how long.
        let window = self.windows.entry((asked.question.key, neighbourhood(asked.question.source))).or_default();
        for power in asked.question.powers.iter() {
            window.set(power, Some(at));
        }
    }

    fn close(&mut self, challenge: ChallengeId, closed: Closed) {
        if let Some(asked) = self.questions.get_mut(&challenge) {
            asked.closed = Some(closed);
        }
    }

    /// The verifier that a change replaces, where it replaces one.
    pub(crate) fn replaced_verifier(&self, change: &Change) -> Option<Verifier> {
        match change {
            Change::KeyRepeppered { key, .. } => self.keys.get(key).map(|key| key.verifier),
            _ => None,
        }
    }
}
