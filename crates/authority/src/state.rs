//! The fold of the ledger: what is true after all changes. Pure; replaying the same ledger
//! gives the same state.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use factor::{recovery, totp};
use jiff::{SignedDuration, Timestamp};
use law::{
    ApprovalId, ByPower, ChallengeId, Factors, HolderId, HolderKind, KeyId, Neighbourhood, Refusal, RequestId,
    Standing, neighbourhood,
};

use crate::{
    Abroad, Ceiling, Digest, Key, PepperId, Scope, Verifier,
    change::{Actor, Change, Proof, Question, RecordPart, Written},
    containing::Containing,
    drill::Drills,
    key::{Alike, Issued, StandsFor},
    life::Lifetimes,
    people::{Names, People},
    posture::{Files, Weaker},
    request::{Decided, Request},
    shelf::Bound,
    table::{Numbered, Shared, Spellings},
    turn::Succession,
};

/// How long a question is remembered after it lapsed, so that asking too often shows.
const MEMORY: SignedDuration = SignedDuration::from_hours(1);

/// So many postures are remembered, so that it can be told later what was in force.
const REMEMBERED: usize = 50;

/// The place of issued keys: they may stand wherever they can be taken out.
const ISSUED: &str = "issued";

/// The place of a drill's key: it travels within the gate alone.
pub(crate) const DRILL: &str = "drill";

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
    /// Since when, where they are.
    pub left_since: Option<Timestamp>,
    /// Whether their keys go on although they are gone.
    pub keys_go_on: bool,
    /// Whether their account has 2FA at the upstream, where it said.
    pub two_factor: Option<bool>,
    /// How they prove to be a person, where they enrolled.
    pub authenticator: Option<Box<Authenticator>>,
    /// The one-time link that is open for them.
    pub invitation: Option<Box<Invitation>>,
}

impl Holder {
    /// Whether their keys do not work because they are gone.
    pub const fn stops_keys(&self) -> bool {
        self.left && !self.keys_go_on
    }

    /// Whether they could be asked for a factor now.
    pub fn can_prove(&self) -> bool {
        let usable = |authenticator: &Authenticator| {
            !authenticator.disabled || authenticator.recovery.iter().any(Option::is_some)
        };
        !self.left && self.authenticator.as_deref().is_some_and(usable)
    }
}

/// How a person proves to be one.
#[derive(Clone, Debug)]
pub struct Authenticator {
    /// The newest step that was accepted.
    pub last: totp::Step,
    /// What is kept of the recovery codes, in their places; used ones are gone.
    pub recovery: Vec<Option<recovery::Verifier>>,
    /// Whether its codes serve no more: too many wrong ones were given, or it was stopped.
    pub disabled: bool,
    /// When it was stopped, where it was. Who signed in before is not signed in any more.
    pub stopped: Option<Timestamp>,
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
    /// When.
    pub at: Timestamp,
}

/// What people said yes to for a key from a source, and still stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    /// Since when, for each power.
    pub(crate) since: ByPower<Option<Timestamp>>,
    by: BTreeSet<HolderId>,
}

/// How a question was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// A person said no.
    Denied,
    /// The yes was spent on a call.
    Spent,
    /// A yes to another question covers its call.
    Covered,
    /// The key does not work any more, for this reason: nothing of it is to be answered.
    KeyFell(Refusal),
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
    /// A yes to another question opened a window that covers its call.
    Covered,
    /// The key stopped working before the call was made.
    KeyFell(Refusal),
    /// Nobody answered in time, or nothing was done with the yes in time.
    Lapsed,
}

impl Asked {
    /// Where it stands at this moment.
    pub fn progress(&self, now: Timestamp) -> Progress {
        match self.closed {
            Some(Closed::Denied) => Progress::Denied,
            Some(Closed::Spent) => Progress::Spent,
            Some(Closed::Covered) => Progress::Covered,
            Some(Closed::KeyFell(why)) => Progress::KeyFell(why),
            None if now >= self.question.until => Progress::Lapsed,
            None => match self.yes.last() {
                Some(last) if self.yes.len() >= self.question.people() => Progress::Approved(last.approval),
                _ => Progress::Open,
            },
        }
    }
}

/// A secret that works nowhere. Who sends it has found the place where it lies.
#[derive(Clone, Debug)]
pub struct Canary {
    /// Its name in the ledger.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// At whose place it lies.
    pub holder: HolderId,
    /// Since when it is watched.
    pub since: Timestamp,
    pub(crate) verifier: Verifier,
    /// Of what its secret's spellings have in common.
    pub(crate) folded: Option<Verifier>,
}

/// A posture that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its digest.
    pub digest: Digest,
    /// Its files; none for a law that waited before there were postures.
    pub files: Option<Files>,
    /// The page of its law.
    pub page: String,
    /// What it makes easier.
    pub weaker: Vec<Weaker>,
}

/// What is true after all changes.
#[derive(Debug, Default)]
pub struct State {
    pub(crate) holders: People,
    names: Names,
    pub(crate) keys: Numbered<Arc<Key>>,
    pub(crate) questions: BTreeMap<ChallengeId, Asked>,
    pub(crate) requests: BTreeMap<RequestId, Request>,
    pub(crate) canaries: BTreeMap<KeyId, Canary>,
    pub(crate) containing: Containing,
    pub(crate) drills: Drills,
    /// What the API calls keys, and what became of them there.
    pub(crate) names_abroad: BTreeMap<KeyId, String>,
    pub(crate) abroad: BTreeMap<KeyId, Abroad>,
    pub(crate) windows: HashMap<(KeyId, Neighbourhood), Window>,
    pub(crate) law: Option<(Digest, String)>,
    /// The latest moment at which something was written down since that law is in force.
    pub(crate) newest: Timestamp,
    pub(crate) posture: Option<(Digest, Files)>,
    /// Those that were in force before, the newest last.
    postures: Vec<Files>,
    pub(crate) waiting: Option<Waiting>,
    pub(crate) catalogue: Option<Digest>,
    /// What stands on the shelf.
    pub(crate) shelf: Bound,
    /// The newest part of the record that was removed, of each book.
    trimmed: BTreeMap<String, u64>,
    pub(crate) alike: Shared<Alike>,
    /// Keys by what their secrets' spellings have in common.
    pub(crate) spellings: Arc<Spellings>,
    /// The issued keys right below an issued key.
    pub(crate) below: HashMap<KeyId, Vec<KeyId>>,
    /// The keys that were made to take another's place, by the other.
    pub(crate) successions: BTreeMap<KeyId, Succession>,
    /// How long keys live, as the operator says; not of the ledger.
    pub(crate) lifetimes: Lifetimes,
    /// The pepper that made the newest verifier.
    pub(crate) newest_pepper: Option<PepperId>,
    founded: bool,
    pub(crate) last_request: u64,
    pub(crate) last_key: u64,
    last_approval: u64,
    last_challenge: u64,
}

impl State {
    /// The newest parts of the record that the ledger says were removed, by the name of the book
    /// that they were of: the newest leaf of a record that says so, and the newest file of the log.
    pub const fn trimmed(&self) -> &BTreeMap<String, u64> {
        &self.trimmed
    }

    /// Everybody who has or had keys.
    pub fn holders(&self) -> impl Iterator<Item = &Holder> {
        self.holders.iter()
    }

    /// Everybody; a copy can be read when the state is not held any more.
    pub const fn people(&self) -> &People {
        &self.holders
    }

    /// One holder.
    pub fn holder(&self, id: HolderId) -> Option<&Holder> {
        self.holders.holder(id)
    }

    /// The holder with this name, letter case aside.
    pub fn holder_named(&self, name: &str) -> Option<&Holder> {
        self.names.find(&self.holders, name).and_then(|id| self.holder(id))
    }

    /// Every key.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.values()
    }

    /// One key.
    pub fn key(&self, id: KeyId) -> Option<&Arc<Key>> {
        self.keys.get(id.0)
    }

    /// The questions of the last hour and those that are open.
    pub fn questions(&self) -> impl Iterator<Item = &Asked> {
        self.questions.values()
    }

    /// One of them.
    pub fn question(&self, id: ChallengeId) -> Option<&Asked> {
        self.questions.get(&id)
    }

    /// The canaries that are watched.
    pub fn canaries(&self) -> impl Iterator<Item = &Canary> {
        self.canaries.values()
    }

    /// One of them.
    pub fn canary(&self, id: KeyId) -> Option<&Canary> {
        self.canaries.get(&id)
    }

    /// The posture in force: its digest and its files.
    pub const fn posture(&self) -> Option<(Digest, Files)> {
        self.posture
    }

    /// The files of the last postures that were in force, this one among them.
    pub fn postures(&self) -> &[Files] {
        &self.postures
    }

    /// The posture that waits for a person.
    pub const fn waiting(&self) -> Option<&Waiting> {
        self.waiting.as_ref()
    }

    /// SHA-256 of the catalogue's lock that is obeyed.
    pub const fn catalogue(&self) -> Option<Digest> {
        self.catalogue
    }

    /// The people who can be asked for this holder's keys, the first asked first: the person
    /// itself or the owner, then the deputies. Only those who can prove to be one.
    pub fn answerers(&self, holder: HolderId) -> Vec<HolderId> {
        self.holders.answerers(holder)
    }

    /// What could be shown for this holder's keys.
    pub fn presentable(&self, holder: HolderId) -> Factors {
        self.holders.presentable(holder)
    }

    /// Whether an administrator has ever enrolled. Until then the operator on the host sets the
    /// gate up; from then on what needs a code needs one, whoever leaves.
    pub const fn is_founded(&self) -> bool {
        self.founded
    }

    /// Whether this is the only administrator who can prove to be one.
    pub(crate) fn is_last_administrator(&self, person: HolderId) -> bool {
        let can = |holder: &&Holder| holder.administrator && holder.can_prove();
        let mut able = self.holders.iter().filter(can);
        able.next().is_some_and(|holder| holder.id == person) && able.next().is_none()
    }

    pub(crate) fn next_holder(&self) -> HolderId {
        HolderId(self.holders.0.last_key_value().map_or(1, |(id, _)| id.0 + 1))
    }

    pub(crate) const fn next_key(&self) -> KeyId {
        KeyId(self.last_key + 1)
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
        self.newest = self.newest.max(at);
        written.shelf.iter().for_each(|shelf| self.shelf.obey(shelf));
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
                    left_since: None,
                    keys_go_on: false,
                    two_factor: None,
                    authenticator: None,
                    invitation: None,
                };
                self.names.add(&self.holders, *id, name);
                self.holders.0.insert(*id, Arc::new(holder));
            }
            Change::HolderChanged { id, kind, owner, deputies, mail, administrator } => {
                self.with_holder(*id, |holder| {
                    holder.kind = *kind;
                    holder.owner = *owner;
                    holder.deputies.clone_from(deputies);
                    holder.mail.clone_from(mail);
                    holder.administrator = *administrator;
                });
                self.keep_to_who_answers(*id);
            }
            Change::HolderLeft { id, keys_go_on } => self.leave(*id, *keys_go_on, at),
            Change::HolderReturned { id } => self.with_holder(*id, |holder| {
                (holder.left, holder.left_since, holder.keys_go_on) = (false, None, false);
            }),
            Change::Invited { holder, token, until } => self.with_holder(*holder, |holder| {
                holder.invitation = Some(Box::new(Invitation { token: *token, until: *until }));
            }),
            Change::Enrolled { holder, step, recovery } => {
                self.with_holder(*holder, |holder| {
                    let recovery = recovery.iter().copied().map(Some).collect();
                    let authenticator =
                        Authenticator { last: *step, recovery, disabled: false, stopped: None, since: at };
                    holder.authenticator = Some(Box::new(authenticator));
                    holder.invitation = None;
                });
                self.founded |= self.holder(*holder).is_some_and(|holder| holder.administrator);
                // What another authenticator said yes to may not have been this person.
                self.take_back_yes(*holder);
                self.take_back_grants(*holder);
            }
            Change::Proved { holder, proof, purpose: _ } => self.use_proof(*holder, *proof),
            Change::AuthenticatorDisabled { holder } => self.with_holder(*holder, |holder| {
                if let Some(authenticator) = &mut holder.authenticator {
                    authenticator.disabled = true;
                }
            }),
            Change::AuthenticatorStopped { holder, recovery_codes } => {
                self.authenticator_stopped(*holder, *recovery_codes, at);
            }
            Change::KeyAdopted { id, verifier, pepper, place, source, holder, parent, claim, folded } => {
                let alike = self.alike.share(Alike { place: place.as_str().into(), scopes: None });
                self.newest_pepper = Some(*pepper);
                let claim = claim.clone().map(Arc::new);
                let mut key = Key::adopted(*id, (*verifier, *pepper), alike, at, *source, *holder, *parent, claim);
                key.set_folded(self.fold(*id, folded));
                self.keys.insert(id.0, Arc::new(key));
                self.last_key = self.last_key.max(id.0);
                if let Some(parent) = parent {
                    self.containing.minted(*parent, *id);
                }
                self.inherit(*id, *parent);
            }
            Change::KeyImported { id, verifier, pepper, name, holder, place, scopes, born, end } => {
                self.newest_pepper = Some(*pepper);
                let scopes = scopes.as_deref().map(Box::from);
                let alike = self.alike.share(Alike { place: place.as_str().into(), scopes });
                let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
                let known_by = (*verifier, *pepper);
                let mut key = Key::adopted(*id, known_by, alike, born.unwrap_or(at), nowhere, *holder, None, None);
                name.iter().for_each(|name| key.set_name(name));
                end.iter().for_each(|end| key.say_end(*end, at));
                self.keys.insert(id.0, Arc::new(key));
                self.last_key = self.last_key.max(id.0);
            }
            Change::KeyForgotten { key } => {
                if let Some(before) = self.keys.remove(key.0) {
                    before.fall();
                    self.containing.forget(*key, before.parent());
                }
                self.names_abroad.remove(key);
                self.fell(&HashSet::from([*key]), Refusal::UnknownKey);
            }
            Change::KeyRepeppered { key, verifier, pepper, folded } => {
                self.newest_pepper = Some(*pepper);
                let folded = self.fold(*key, folded);
                self.with_key(*key, |key| {
                    key.set_folded(folded);
                    key.verifier = *verifier;
                    key.pepper = *pepper;
                });
            }
            Change::KeyIdentified { key, holder, two_factor, scopes, end } => {
                self.with_holder(*holder, |holder| holder.two_factor = two_factor.or(holder.two_factor));
                let Some(place) = self.keys.get(key.0).map(|key| key.place().into()) else { return };
                let alike = self.alike.share(Alike { place, scopes: scopes.as_deref().map(Box::from) });
                self.with_key(*key, |key| {
                    key.set_holder(*holder);
                    key.set_bounds(alike, *end);
                });
                self.keep_to_who_answers(*holder);
            }
            Change::KeyNamed { key, name, holder } => {
                self.with_key(*key, |key| {
                    if let Some(name) = name {
                        key.set_name(name);
                    }
                    if let Some(holder) = holder {
                        key.set_holder(*holder);
                    }
                });
                if let Some(holder) = holder {
                    self.keep_to_who_answers(*holder);
                }
            }
            Change::KeyEndSet { key, end } => {
                self.with_key(*key, |key| {
                    key.say_end(*end, at);
                    if key.standing == Standing::Retiring {
                        key.set_grace(*end);
                    }
                });
                self.age(*key);
            }
            Change::KeyDisabled { key, why: _ } => self.with_key(*key, |key| key.stand(Standing::Disabled, at)),
            Change::KeyWarned { .. } | Change::KeyEndPutOff { .. } | Change::KeyEnded { .. } => {
                self.obey_ending(&written.change);
            }
            Change::KeyEnabled { key } => {
                let retiring = self.successions.get(key).is_some_and(|succession| succession.took_over);
                self.with_key(*key, |key| {
                    if key.standing == Standing::Disabled {
                        key.stand(if retiring { Standing::Retiring } else { Standing::Active }, at);
                    }
                });
            }
            Change::KeySucceeds { key, of, grace } => self.succeeds(*key, *of, *grace),
            Change::KeyTookOver { key, of, until } => self.took_over(*key, *of, *until, at),
            Change::KeyRetired { key } => self.retired(*key, at),
            Change::HeaderClosed { key } => self.with_key(*key, |key| key.header_closed = true),
            Change::KeyIssued { id, verifier, pepper, name, holder, parent, scope, limits, end } => {
                self.newest_pepper = Some(*pepper);
                let alike = self.alike.share(Alike { place: ISSUED.into(), scopes: None });
                let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
                let (known_by, holder) = ((*verifier, *pepper), Some(*holder));
                let mut key = Key::adopted(*id, known_by, alike, at, nowhere, holder, *parent, None);
                name.iter().for_each(|name| key.set_name(name));
                key.set_issued(Issued { scope: scope.clone(), limits: limits.clone() }, *end);
                self.keys.insert(id.0, Arc::new(key));
                self.last_key = self.last_key.max(id.0);
                if let Some(parent) = parent {
                    self.below.entry(*parent).or_default().push(*id);
                }
                self.inherit(*id, *parent);
                self.age(*id);
            }
            Change::KeyStandsFor { key, operation, upstream } => {
                self.with_key(*key, |key| {
                    key.set_stands_for(StandsFor { operation: operation.clone(), upstream: upstream.clone() });
                });
                self.age(*key);
            }
            Change::KeyRevoked { key, why: _ } => self.with_key(*key, |key| key.stand(Standing::Revoked, at)),
            Change::KeyNarrowed { key, scope } => self.narrowed(*key, scope, at),
            Change::KeyWidened { key } => self.widened(*key),
            Change::KeyKnownAs { key, upstream } => drop(self.names_abroad.insert(*key, upstream.clone())),
            Change::KeyDeadAbroad { key } => drop(self.abroad.insert(*key, Abroad::Dead)),
            Change::KeyAliveAbroad { key, why } => drop(self.abroad.insert(*key, Abroad::Alive(why.clone()))),
            Change::KeyRequested { id, person, wish, until } => self.requested(*id, *person, wish, *until, at),
            Change::KeyRequestGranted { id, grant } => self.decide_request(*id, Decided::Granted(grant.clone())),
            Change::KeyRequestDenied { id, why } => self.decide_request(*id, Decided::Denied(why.clone())),
            Change::KeyRequestCollected { id, key } => self.decide_request(*id, Decided::Collected(*key)),
            Change::CanaryIssued { id, verifier, pepper, name, holder, folded } => {
                self.newest_pepper = Some(*pepper);
                self.last_key = self.last_key.max(id.0);
                let (name, holder, verifier, folded) = (name.clone(), *holder, *verifier, *folded);
                let canary = Canary { id: *id, name, holder, since: at, verifier, folded };
                self.canaries.insert(*id, canary);
            }
            Change::CanaryEnded { id } => drop(self.canaries.remove(id)),
            Change::DrillBegun { key: id, verifier, scenario, holder, pepper, canary: true, .. } => {
                (self.newest_pepper, self.last_key) = (Some(*pepper), self.last_key.max(id.0));
                let name = format!("DRILL {scenario}");
                let (holder, verifier) = (*holder, *verifier);
                self.canaries.insert(*id, Canary { id: *id, name, holder, since: at, verifier, folded: None });
                self.drill_begun(*id, scenario, holder, at);
            }
            Change::DrillBegun {
                key: id,
                verifier,
                pepper,
                scenario,
                holder,
                like: _,
                bounds,
                canary: false,
                end,
                ..
            } => {
                self.newest_pepper = Some(*pepper);
                let alike = self.alike.share(Alike { place: DRILL.into(), scopes: None });
                let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
                let known_by = (*verifier, *pepper);
                let mut key = Key::adopted(*id, known_by, alike, at, nowhere, Some(*holder), None, None);
                key.set_drill(&format!("DRILL {scenario}"), *end);
                let ceiling = |scope: &Scope| Arc::new(Ceiling { of: *id, since: at, scope: scope.clone() });
                key.set_ceilings(|ceilings| ceilings.extend(bounds.iter().map(ceiling)));
                self.keys.insert(id.0, Arc::new(key));
                self.last_key = self.last_key.max(id.0);
                self.drill_begun(*id, scenario, *holder, at);
            }
            Change::DrillMinted { key, verifier, pepper, parent } => {
                self.drill_minted(*key, (*verifier, *pepper), *parent, at);
            }
            Change::DrillEnded { key, card } => {
                let keys: HashSet<KeyId> = self.drill_keys(*key).collect();
                for before in keys.iter().filter_map(|key| self.keys.remove(key.0)) {
                    before.fall();
                }
                self.fell(&keys, Refusal::Ended);
                self.canaries.remove(key);
                self.drill_ended(*key, card, at);
            }
            Change::KeyContained { .. } | Change::KeyLifted { .. } => self.obey_containment(&written.change, at),
            // What became of the shelf stands beside the change.
            Change::UpstreamCredentialSet {} | Change::ShelfBound {} => {}
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
                self.approve(*challenge, Yes { approval: *approval, by: *person, at });
            }
            Change::Denied { challenge, not_me: _ } => self.close(*challenge, Closed::Denied),
            Change::Spent { challenge, call: _ } => self.served(*challenge),
            Change::Covered { challenge, approval: _ } => self.close(*challenge, Closed::Covered),
            Change::LawLoaded { digest, page } => {
                self.law = Some((*digest, page.clone()));
                self.newest = at;
                self.waiting = None;
            }
            Change::LawWaits { digest, page, weaker } => {
                let cell = |what: &String| Weaker { what: what.clone(), from: String::new(), to: String::new() };
                let weaker = weaker.iter().map(cell).collect();
                self.waiting = Some(Waiting { digest: *digest, files: None, page: page.clone(), weaker });
            }
            Change::PostureLoaded { digest, files } => {
                self.postures.retain(|known| known != files);
                self.postures.push(*files);
                let more = self.postures.len().saturating_sub(REMEMBERED);
                self.postures.drain(..more);
                self.posture = Some((*digest, *files));
                self.waiting = None;
            }
            Change::PostureWaits { digest, files, page, weaker } => {
                let (page, weaker) = (page.clone(), weaker.clone());
                self.waiting = Some(Waiting { digest: *digest, files: Some(*files), page, weaker });
            }
            Change::PostureRefused { digest } => self.waiting = self.waiting.take().filter(|it| it.digest != *digest),
            // That it is written down is enough.
            Change::ObservingEnded { day: _ } => {}
            Change::CatalogueObeyed { digest, operations: _ } => self.catalogue = Some(*digest),
            Change::StateRestored { taken: _, newest_key } => self.restored(*newest_key, at),
            Change::RecordTrimmed { what: _, part } => {
                if let Some(RecordPart { of, number }) = part {
                    let newest = self.trimmed.entry(of.clone()).or_default();
                    *newest = (*newest).max(*number);
                }
            }
            Change::ImportBegan { .. } | Change::EnrolmentContested { holder: _ } => {}
        }
        debug_assert!(!matches!(written.by, Actor::Person(person) if self.holder(person).is_none()));
    }

    /// Whoever has gone answers nothing more, and their keys stop, unless they go on.
    fn leave(&mut self, id: HolderId, keys_go_on: bool, at: Timestamp) {
        self.with_holder(id, |holder| {
            // Said again, it never lifts what was stopped.
            holder.keys_go_on = keys_go_on && (!holder.left || holder.keys_go_on);
            holder.left_since = holder.left_since.or(Some(at));
            holder.left = true;
            holder.invitation = None;
        });
        let stops = self.holder(id).is_some_and(Holder::stops_keys);
        let mut keys = HashSet::new();
        for key in self.keys.values_mut().filter(|key| key.holder() == Some(id)) {
            keys.insert(key.id);
            if stops {
                cut(key);
            }
        }
        if stops {
            self.fell(&keys, Refusal::HolderLeft);
            keys.iter().for_each(|key| self.fell_above(*key));
        } else {
            // What they said yes to opens nothing any more.
            self.windows.retain(|(key, _), _| !keys.contains(key));
        }
        self.take_back_yes(id);
    }

    /// A person's yes counts no more, whether it waits to be spent or opened a window.
    pub(crate) fn take_back_yes(&mut self, id: HolderId) {
        self.questions
            .values_mut()
            .filter(|asked| asked.closed.is_none())
            .for_each(|asked| asked.yes.retain(|yes| yes.by != id));
        self.windows.retain(|_, window| !window.by.contains(&id));
    }

    /// The same with everybody's yes to calls of a holder's keys who does not answer for them, or
    /// not any more.
    fn keep_to_who_answers(&mut self, id: HolderId) {
        let Some(holder) = self.holders.holder(id) else { return };
        let people: HashSet<HolderId> =
            [holder.id].into_iter().chain(holder.owner).chain(holder.deputies.iter().copied()).collect();
        let keys = &self.keys;
        let is_theirs = |key: KeyId| keys.get(key.0).is_some_and(|key| key.holder() == Some(id));
        self.windows
            .retain(|(key, _), window| !is_theirs(*key) || window.by.iter().all(|person| people.contains(person)));
        self.questions
            .values_mut()
            .filter(|asked| asked.closed.is_none() && is_theirs(asked.question.key))
            .for_each(|asked| asked.yes.retain(|yes| people.contains(&yes.by)));
    }

    /// What was good for a short time when the backup was made may have been used since.
    fn restored(&mut self, newest_key: Option<KeyId>, at: Timestamp) {
        self.last_key = self.last_key.max(newest_key.map_or(0, |key| key.0));
        self.windows.clear();
        self.shelf.empty("exhibit");
        self.requests.values_mut().for_each(|request| request.lapse(at));
        for asked in self.questions.values_mut() {
            asked.question.until = asked.question.until.min(at);
        }
        for holder in self.holders.0.values_mut() {
            let holder = Arc::make_mut(holder);
            holder.invitation = None;
            if let Some(authenticator) = &mut holder.authenticator {
                authenticator.last = authenticator.last.max(totp::Step::at(at));
            }
        }
    }

    /// The questions that the next one makes forgotten.
    pub(crate) fn forgotten(&self, now: Timestamp) -> Vec<ChallengeId> {
        let remembered = |asked: &Asked| asked.question.until.saturating_add(MEMORY).is_ok_and(|end| end > now);
        self.questions.values().filter(|asked| !remembered(asked)).map(|asked| asked.id).collect()
    }

    pub(crate) fn with_holder(&mut self, id: HolderId, change: impl FnOnce(&mut Holder)) {
        if let Some(holder) = self.holders.0.get_mut(&id) {
            change(Arc::make_mut(holder));
        }
    }

    pub(crate) fn with_key(&mut self, id: KeyId, change: impl FnOnce(&mut Key)) {
        let Some(place) = self.keys.get_mut(id.0) else { return };
        let before = std::mem::replace(place, Arc::new(place.changed(change)));
        before.replaced_by(place);
        if before.standing.works() && !place.standing.works() {
            before.fall();
            let why = match place.standing {
                Standing::Revoked => Refusal::Revoked,
                Standing::Retired => Refusal::Retired,
                _ => Refusal::Disabled,
            };
            self.fell(&HashSet::from([id]), why);
            self.fell_above(id);
        }
    }

    /// A key fell: what hangs on it falls, too, and stands again when it does.
    fn fell_above(&mut self, id: KeyId) {
        let hanging: HashSet<KeyId> = self.falls_with(id).into_iter().filter(|key| *key != id).collect();
        for key in &hanging {
            self.keys.get_mut(key.0).map(cut);
        }
        self.fell(&hanging, Refusal::ParentStopped);
    }

    /// With a key falls what people are asked about it, and what they said yes to.
    pub(crate) fn fell(&mut self, keys: &HashSet<KeyId>, why: Refusal) {
        self.windows.retain(|(key, _), _| !keys.contains(key));
        let open = self.questions.values_mut().filter(|asked| asked.closed.is_none());
        open.filter(|asked| keys.contains(&asked.question.key))
            .for_each(|asked| asked.closed = Some(Closed::KeyFell(why)));
    }

    /// Why a key does not work, if it does not.
    pub fn refusal(&self, key: KeyId, now: Timestamp) -> Option<Refusal> {
        let Some(key) = self.keys.get(key.0) else { return Some(Refusal::UnknownKey) };
        let left = || key.holder().and_then(|holder| self.holder(holder)).is_some_and(Holder::stops_keys);
        key.refusal(now)
            .or_else(|| left().then_some(Refusal::HolderLeft))
            .or_else(|| self.is_stopped_above(key).then_some(Refusal::ParentStopped))
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

    fn approve(&mut self, challenge: ChallengeId, yes: Yes) {
        let Some(asked) = self.questions.get_mut(&challenge) else { return };
        asked.yes.push(yes);
    }

    /// The yes has served, and opens a window for the same key, powers and source; the guard says
    /// for how long from when it was said.
    fn served(&mut self, challenge: ChallengeId) {
        let Some(asked) = self.questions.get_mut(&challenge) else { return };
        asked.closed = Some(Closed::Spent);
        let Some(at) = asked.yes.iter().map(|yes| yes.at).min().filter(|_| !asked.question.unjudged) else { return };
        let window = self.windows.entry((asked.question.key, neighbourhood(asked.question.source))).or_default();
        for power in asked.question.powers.iter() {
            window.since.set(power, Some(at));
        }
        window.by.extend(asked.yes.iter().map(|yes| yes.by));
    }

    fn close(&mut self, challenge: ChallengeId, closed: Closed) {
        if let Some(asked) = self.questions.get_mut(&challenge) {
            asked.closed = Some(closed);
        }
    }

    /// The key is known by its secret's other spellings from now on, where there is something to
    /// know it by. Of two keys that differ in their spelling only, the first is.
    fn fold(&self, key: KeyId, folded: &[Verifier]) -> bool {
        for folded in folded {
            let first = self.spellings.find(folded).filter(|first| self.keys.get(first.0).is_some());
            if first.is_none() {
                self.spellings.put(folded, key);
            }
        }
        !folded.is_empty()
    }

    /// The verifiers that a change takes away, where it takes any away.
    pub(crate) fn replaced_verifiers(&self, change: &Change) -> Vec<Verifier> {
        let of = |key: KeyId| self.keys.get(key.0).map(|key| key.verifier);
        match change {
            Change::KeyRepeppered { key, .. } | Change::KeyForgotten { key } => of(*key).into_iter().collect(),
            Change::DrillEnded { key, .. } => self.drill_keys(*key).filter_map(of).collect(),
            _ => Vec::new(),
        }
    }
}

/// What a key has in flight ends, and what comes looks at it anew.
pub(crate) fn cut(key: &mut Arc<Key>) {
    let before = std::mem::replace(key, Arc::new(key.changed(|_| ())));
    before.replaced_by(key);
    before.fall();
}
