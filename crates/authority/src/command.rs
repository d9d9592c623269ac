//! What can be asked of the authority: proposed against the state, declined or turned into
//! changes. Pure.

use std::net::IpAddr;

use factor::{recovery, totp};
use jiff::{SignedDuration, Timestamp};
use law::{CallId, ChallengeId, HolderId, HolderKind, KeyId, Refusal, RequestId, Span, Standing};

use crate::{
    Less, Limit, PepperId, RequestRules, Scope, Verifier, Wider, Wish,
    abroad::is_name_abroad,
    change::{Actor, Change, Claim, Digest, Proof},
    state::{Holder, Progress, State},
};

/// How long a link to enrol is good for.
pub const INVITATION: SignedDuration = SignedDuration::from_hours(24);

/// By what right something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warrant {
    /// The gate, on what it saw in the traffic.
    Gate,
    /// Somebody on the gate's host, without a code.
    Operator,
    /// Somebody on the gate's host who says who they are, and has not shown a code yet. Good
    /// for nothing but to learn whether a code would do.
    Claimed(HolderId),
    /// A person who signed in at the desk before, without a fresh code.
    SignedIn(HolderId),
    /// A person with a fresh code, which serves once.
    Fresh(HolderId, Proof),
}

/// Something that is asked of the authority.
#[derive(Clone, Debug)]
pub enum Command {
    /// Make a holder known.
    AddHolder(Description),
    /// Describe a holder anew.
    ChangeHolder(HolderId, Description),
    /// A holder is gone, and so are its keys, or not.
    Leave(HolderId, OnLeaving),
    /// A holder is back.
    Return(HolderId),
    /// Let a person enrol a factor by a link with this secret's digest.
    Invite(HolderId, Digest),
    /// Enrol a factor with a link's secret.
    Enrol(HolderId, Digest, Enrolment),
    /// Sign in at the desk.
    SignIn,
    /// Say whose a key is, or what to call it.
    NameKey(KeyId, Option<String>, Option<HolderId>),
    /// Say which program has a key and who answers for it, and perhaps what to call the key.
    /// A program of this name that is not known yet becomes known; one that is known gets
    /// this owner.
    EntrustKey {
        /// The key.
        key: KeyId,
        /// What to call it.
        name: Option<String>,
        /// The program's name.
        program: String,
        /// The person who answers for it.
        owner: HolderId,
    },
    /// Call a key otherwise, or say when it ends; what is not said stays. To say an earlier end
    /// protects; to say a later one is like issuing.
    ChangeKey {
        /// The key.
        key: KeyId,
        /// What to call it.
        name: Option<String>,
        /// When it ends.
        end: Option<Timestamp>,
    },
    /// Say what the API calls a key.
    NameKeyAbroad(KeyId, String),
    /// Say when keys end, all of them or none.
    EndKeys(Vec<(KeyId, Timestamp)>),
    /// Stop a key for now.
    DisableKey(KeyId, String),
    /// Let a key work again.
    EnableKey(KeyId),
    /// Know a key no more: not one that does not work, which would come back as a new one.
    ForgetKey(KeyId),
    /// Let keys in from a list that was made elsewhere: so many, of this digest.
    BeginImport {
        /// How many lines it has.
        keys: u64,
        /// SHA-256 over the SHA-256 of its parts.
        list: Digest,
    },
    /// Issue a key.
    IssueKey(Order),
    /// Issue a key to stand for a credential that an operation of the API made.
    IssueFor {
        /// The key.
        order: Order,
        /// The operation.
        operation: String,
        /// What the API calls the credential, where its answer said so.
        upstream: Option<String>,
    },
    /// Make a key that takes an issued one's place from its first use on. Its secret exists
    /// already, and is shown when it has been made.
    RetireKey {
        /// The key whose place is taken.
        key: KeyId,
        /// How long it works on after the successor's first use; none ends it at once.
        grace: Span,
        /// When the successor ends.
        end: Timestamp,
        /// What is kept of the successor's secret.
        verifier: Verifier,
        /// The pepper that made the verifier.
        pepper: PepperId,
    },
    /// A key never works again; nor do those that were issued from it, where that is said.
    RevokeKey {
        /// The key.
        key: KeyId,
        /// Whether its children go with it, and theirs.
        children: bool,
        /// Why, for the ledger.
        why: String,
    },
    /// Ask for a key.
    RequestKey(Wish, RequestRules),
    /// Say yes to a request, or to less than it asks.
    GrantRequest(RequestId, Less, RequestRules),
    /// Say no to a request, or take it back.
    DenyRequest(RequestId, String, RequestRules),
    /// Make the key that was asked for and granted. Its secret exists already, and is shown to
    /// whoever asked.
    CollectRequest {
        /// The request.
        id: RequestId,
        /// What is kept of its secret.
        verifier: Verifier,
        /// The pepper that made the verifier.
        pepper: PepperId,
    },
    /// Make a canary. Its secret exists already, and is shown when it has been made.
    IssueCanary {
        /// What to call it.
        name: String,
        /// At whose place it will lie.
        holder: HolderId,
        /// What is kept of its secret.
        verifier: Verifier,
        /// The pepper that made the verifier.
        pepper: PepperId,
    },
    /// Watch a canary no more.
    EndCanary(KeyId),
    /// The gate's own credential for the API was set; it goes to the shelf, sealed.
    SetUpstreamCredential,
    /// Say yes to questions that were shown together.
    Approve(Vec<ChallengeId>),
    /// Say no.
    Deny(ChallengeId),
    /// Say that a call was not one's own: no, and the key stops.
    NotMe(ChallengeId),
    /// Put the posture that waits into force.
    AcceptLaw(Digest),
    /// Let the posture that waits wait no longer.
    RefuseLaw(Digest),
}

/// What becomes of the keys of somebody who leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnLeaving {
    /// They stop.
    #[default]
    Disable,
    /// They go on, and are listed as a leaver's: to stop them all at once would be an outage.
    List,
}

/// A holder in all that can change; the name only when it is made.
#[derive(Clone, Debug)]
pub struct Description {
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
}

/// A key to be issued. Its secret exists already, and is shown when it has been issued.
#[derive(Clone, Debug)]
pub struct Order {
    /// What to call it.
    pub name: Option<String>,
    /// Who gets it; where a parent is named and this is not, the parent's holder.
    pub holder: Option<HolderId>,
    /// The issued key whose child it is to be.
    pub parent: Option<KeyId>,
    /// What it may be used for.
    pub scope: Scope,
    /// How much it may be used.
    pub limits: Vec<Limit>,
    /// When it ends.
    pub end: Timestamp,
    /// What is kept of its secret.
    pub verifier: Verifier,
    /// The pepper that made the verifier.
    pub pepper: PepperId,
}

/// How many keys may stand one under the other.
const DEEPEST: usize = 4;

/// A new factor whose code was seen to work. The seed goes to the shelf, sealed.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// The step of the code that was typed.
    pub step: totp::Step,
    /// What is kept of the recovery codes.
    pub recovery: Vec<recovery::Verifier>,
}

/// Why something is not done. Each says how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Declined {
    /// No such holder.
    #[error("there is no holder `{0}`; see `greave holders list`")]
    NoHolder(String),
    /// No such key.
    #[error("there is no key `{0}`; see `greave keys list`")]
    NoKey(KeyId),
    /// No such question.
    #[error("there is no open question `{0}`: it was answered, or it lapsed; `greave questions` lists those that wait")]
    NoQuestion(ChallengeId),
    /// The question fell with its key.
    #[error("question `{0}` cannot be answered: its key `{1}` does not work ({why}), and what it had asked fell with it", why = .2.says())]
    KeyFell(ChallengeId, KeyId, Refusal),
    /// The name is taken.
    #[error("there is a holder `{0}` already; choose another name")]
    NameTaken(String),
    /// A name that nobody could type or that would break a page.
    #[error("`{0}` is no name; use 1 to 128 letters, digits, spaces and `._@+-:/`")]
    BadName(String),
    /// A workload or vendor without a person.
    #[error("a {0} needs an owner, a person: add `--owner NAME`")]
    OwnerNeeded(HolderKind),
    /// An owner or deputy who is no person.
    #[error("`{0}` is no person; name a person: only they enrol and answer for keys")]
    NotAPerson(String),
    /// A person does not need one who answers for them.
    #[error("`{0}` is a person, who answers for their own keys; name the program that has the key")]
    IsAPerson(String),
    /// Nobody could administer the gate any more.
    #[error("`{0}` is the last administrator who can show a factor; make another one first")]
    LastAdministrator(String),
    /// The person is gone.
    #[error("`{0}` has left; `greave holders return` brings them back")]
    Left(String),
    /// The link is wrong, used or too old: one answer for all three.
    #[error("the link is not good any more; ask an administrator for a new one with `greave holders invite`")]
    BadLink,
    /// What is asked needs an administrator's code.
    #[error("this needs a person's code: add `--as NAME` and type the code")]
    CodeNeeded,
    /// The person cannot show a factor.
    #[error("`{0}` has no authenticator that serves; `greave holders invite` gives a link to enrol")]
    NotEnrolled(String),
    /// The person is no administrator.
    #[error("`{0}` is no administrator; somebody who is must do this: `greave holders list` shows who")]
    NotAdministrator(String),
    /// The person does not answer for the key.
    #[error("`{0}` does not answer for this key; its owner or a deputy must")]
    NotYours(String),
    /// The same person cannot be the second.
    #[error("`{0}` said yes already; the second yes must be another person's")]
    SamePerson(String),
    /// The proof was used before.
    #[error("the code was used before; wait for the next one")]
    Used,
    /// The key is revoked, and stays so.
    #[error("key `{0}` is revoked and never works again; make a new key at the API")]
    Revoked(KeyId),
    /// The key is retired, and stays so.
    #[error("key `{0}` is retired and never works again; use the one that took its place: `greave keys show {0}`")]
    Retired(KeyId),
    /// The key has a successor already.
    #[error(
        "key `{0}` is retiring, and `{1}` has taken its place: retire that one; `greave keys revoke {0}` ends this one now"
    )]
    RetiresAlready(KeyId, KeyId),
    /// The key is a successor that nobody uses.
    #[error("key `{0}` was not used yet, and `{1}` works on; `greave keys retire {1}` makes another one in its place")]
    NotUsedYet(KeyId, KeyId),
    /// The API makes such keys.
    #[error(
        "key `{0}` was made by the API: make a new one there, then say when this one ends: `greave keys change {0} --end DATE`"
    )]
    MadeByTheApi(KeyId),
    /// The key stands for a credential that the API made.
    #[error(
        "key `{0}` stands for a credential that the API made: let the API make another one, then say when this one ends: `greave keys change {0} --end DATE`"
    )]
    MadeAtTheApi(KeyId),
    /// The key does not work: nothing to overlap with.
    #[error("key `{0}` does not work ({why}), so there is nothing to take over; `greave keys issue` makes a new key", why = .1.says())]
    NothingToRetire(KeyId, Refusal),
    /// The key does not work, and must be remembered for that.
    #[error("key `{0}` cannot be forgotten: {why}, and used again it would be a new one", why = .1.says())]
    MustBeKnown(KeyId, Refusal),
    /// Keys stand in the line of those that were issued from them.
    #[error("key `{0}` was issued by Greave and is not forgotten; `greave keys revoke {0}` ends it for good")]
    IssuedHere(KeyId),
    /// The key was not issued here.
    #[error("key `{0}` was not issued by Greave; only issued keys have children")]
    NotIssued(KeyId),
    /// The key does not work.
    #[error("key `{0}` does not work any more; issue from one that does")]
    NotActive(KeyId),
    /// No such request.
    #[error("there is no request `{0}`; see `greave keys requests`")]
    NoRequest(RequestId),
    /// The request was answered, or nobody answered in time.
    #[error("request `{0}` is answered or lapsed; ask anew with `greave keys request`")]
    RequestOver(RequestId),
    /// There is nothing to collect.
    #[error("nothing waits to be collected for `{0}`: it is not granted, it was collected, or it lapsed")]
    NotGranted(RequestId),
    /// Whoever asked, or would have the key, is not who says yes.
    #[error("`{0}` asked for this key or would have it; somebody else must say yes")]
    OwnRequest(String),
    /// The configuration does not let the person say yes.
    #[error(
        "`{0}` may not answer this request; `keys.approvers` in the configuration says who may, and administrators do"
    )]
    MayNotGrant(String),
    /// The key is shown to whoever asked for it.
    #[error("`{0}` did not ask for this key; whoever asked collects it")]
    NotAsked(String),
    /// The person does not answer for the holder.
    #[error("`{0}` does not answer for `{1}`; its owner or a deputy asks for its keys")]
    NotTheirs(String, String),
    /// The person has asked for too much.
    #[error("{0} requests of yours are open; wait until they are answered, or take one back with `greave keys deny`")]
    TooManyRequests(usize),
    /// No reason, or a book of them.
    #[error("say why in at most {0} letters: add `--reason`")]
    ReasonNeeded(usize),
    /// A yes reaches further than the request.
    #[error("a yes reaches no further than the request: {0}")]
    WiderThanAsked(Wider),
    /// A yes lasts longer than what was asked for.
    #[error("the request asks for {0}; a yes gives no more")]
    LongerThanAsked(Span),
    /// No such canary.
    #[error("there is no canary `{0}`; see `greave keys canaries`")]
    NoCanary(KeyId),
    /// Keys under keys, too deep.
    #[error("key `{0}` has too many keys above it; issue from one of those")]
    TooDeep(KeyId),
    /// The child would reach further than its parent.
    #[error("a child reaches no further than its parent: {0}")]
    Wider(#[from] Wider),
    /// It would end after its parent.
    #[error("a child does not outlive its parent, which ends at {0}")]
    OutlivesParent(Timestamp),
    /// It would end too late.
    #[error("a key lasts at most {0} here; `keys.longest` in the configuration says so")]
    TooLong(Span),
    /// It would have ended already.
    #[error("the key would have ended before it began; name a later end")]
    EndPassed,
    /// Of several keys this one is the reason.
    #[error("key `{0}`: {1}")]
    OfKey(KeyId, Box<Self>),
    /// The end has passed.
    #[error("the end that is named has passed; to stop the key now, `greave keys disable {0}`")]
    EndsBeforeNow(KeyId),
    /// It could do nothing.
    #[error("the key could do nothing; name its powers, such as `--power read`")]
    NoPowers,
    /// Nobody gets it.
    #[error("say who gets the key: add `--holder NAME`")]
    HolderNeeded,
    /// There is no such law waiting.
    #[error("no law with this digest waits; see `greave law show`")]
    NoLaw,
}

impl State {
    /// What a command changes, or why it does not. Touches nothing.
    pub(crate) fn propose(
        &self,
        command: &Command,
        warrant: Warrant,
        now: Timestamp,
    ) -> Result<(Actor, Vec<Change>), Declined> {
        let (by, mut changes) = self.warranted(command, warrant)?;
        match command {
            Command::AddHolder(description) => changes.push(self.add_holder(description)?),
            Command::ChangeHolder(id, description) => {
                let holder = self.known_holder(*id)?;
                self.check_description(description)?;
                let keeps = description.administrator && description.kind == HolderKind::Person;
                if self.is_last_administrator(*id) && !keeps {
                    return Err(Declined::LastAdministrator(holder.name.clone()));
                }
                let Description { name: _, kind, owner, deputies, mail, administrator } = description.clone();
                changes.push(Change::HolderChanged { id: *id, kind, owner, deputies, mail, administrator });
            }
            Command::Leave(id, on_leaving) => {
                let holder = self.known_holder(*id)?;
                if self.is_last_administrator(*id) {
                    return Err(Declined::LastAdministrator(holder.name.clone()));
                }
                changes.push(Change::HolderLeft { id: *id, keys_go_on: *on_leaving == OnLeaving::List });
            }
            Command::Return(id) => {
                self.known_holder(*id)?;
                changes.push(Change::HolderReturned { id: *id });
            }
            Command::Invite(id, token) => {
                let holder = self.known_holder(*id)?;
                check_person(holder)?;
                let until = now.saturating_add(INVITATION).unwrap_or(Timestamp::MAX);
                changes.push(Change::Invited { holder: *id, token: *token, until });
            }
            Command::Enrol(id, token, enrolment) => {
                self.check_invitation(*id, token, now)?;
                let Enrolment { step, recovery } = enrolment.clone();
                changes.push(Change::Enrolled { holder: *id, step, recovery });
            }
            Command::SignIn => {}
            Command::NameKey(id, name, holder) => {
                self.known_key(*id)?;
                if let Some(name) = name {
                    check_name(name)?;
                }
                if let Some(holder) = holder {
                    self.known_holder(*holder)?;
                }
                changes.push(Change::KeyNamed { key: *id, name: name.clone(), holder: *holder });
            }
            Command::EntrustKey { key, name, program, owner } => {
                changes.extend(self.entrust(*key, name.as_deref(), program, *owner)?);
            }
            Command::NameKeyAbroad(key, upstream) => {
                self.known_key(*key)?;
                if !is_name_abroad(upstream) {
                    return Err(Declined::BadName(upstream.clone()));
                }
                changes.push(Change::KeyKnownAs { key: *key, upstream: upstream.clone() });
            }
            Command::ChangeKey { key, name, end } => {
                changes.extend(self.change_key(*key, name.as_deref(), *end, now)?);
            }
            Command::EndKeys(ends) => changes.extend(self.end_keys(ends, now)?),
            Command::DisableKey(id, why) => changes.extend(self.disable(*id, why)?),
            Command::ForgetKey(id) => changes.push(self.forget(*id, now)?),
            Command::EnableKey(id) => {
                match self.known_key(*id)? {
                    Standing::Revoked => return Err(Declined::Revoked(*id)),
                    Standing::Retired => return Err(Declined::Retired(*id)),
                    Standing::Active | Standing::Retiring | Standing::Disabled => {}
                }
                changes.push(Change::KeyEnabled { key: *id });
            }
            Command::BeginImport { keys, list } => changes.push(Change::ImportBegan { keys: *keys, list: *list }),
            Command::IssueKey(order) => changes.push(self.issue(order, now)?),
            Command::IssueFor { order, operation, upstream } => {
                changes.push(self.issue(order, now)?);
                let (key, operation, upstream) = (self.next_key(), operation.clone(), upstream.clone());
                changes.push(Change::KeyStandsFor { key, operation, upstream });
            }
            Command::RetireKey { key, grace, end, verifier, pepper } => {
                changes.extend(self.retire(*key, *grace, *end, (*verifier, *pepper), now)?);
            }
            Command::RevokeKey { key, children, why } => changes.extend(self.revoke(*key, *children, why)?),
            Command::RequestKey(wish, rules) => changes.push(self.ask_for_key(wish, rules, person_of(by)?, now)?),
            Command::GrantRequest(id, less, rules) => {
                changes.push(self.grant(*id, less, rules, person_of(by)?, now)?);
            }
            Command::DenyRequest(id, why, rules) => {
                changes.push(self.deny_request(*id, why, rules, person_of(by).ok(), now)?);
            }
            Command::CollectRequest { id, verifier, pepper } => {
                let (wish, grant) = self.collectable(*id, person_of(by)?, now)?;
                let order = Order {
                    name: wish.name.clone(),
                    holder: Some(wish.holder),
                    parent: None,
                    scope: grant.scope.clone(),
                    limits: grant.limits.clone(),
                    end: now.saturating_add(SignedDuration::from(grant.lifetime)).unwrap_or(Timestamp::MAX),
                    verifier: *verifier,
                    pepper: *pepper,
                };
                changes.push(self.issue(&order, now)?);
                changes.push(Change::KeyRequestCollected { id: *id, key: self.next_key() });
            }
            Command::IssueCanary { name, holder, verifier, pepper } => {
                check_name(name)?;
                self.known_holder(*holder)?;
                let (id, name) = (self.next_key(), name.clone());
                changes.push(Change::CanaryIssued { id, verifier: *verifier, pepper: *pepper, name, holder: *holder });
            }
            Command::EndCanary(id) => {
                self.canary(*id).ok_or(Declined::NoCanary(*id))?;
                changes.push(Change::CanaryEnded { id: *id });
            }
            Command::SetUpstreamCredential => changes.push(Change::UpstreamCredentialSet {}),
            Command::Approve(challenges) => {
                let Actor::Person(person) = by else { return Err(Declined::CodeNeeded) };
                changes.extend(self.approve_all(challenges, person, now)?);
            }
            Command::Deny(challenge) => {
                self.open_question(*challenge, now)?;
                changes.push(Change::Denied { challenge: *challenge, not_me: false });
            }
            Command::NotMe(challenge) => {
                let key = self.known_question(*challenge)?;
                if self.open_question(*challenge, now).is_ok() {
                    changes.push(Change::Denied { challenge: *challenge, not_me: true });
                }
                changes.extend(self.disable(key, "a person said that a call was not theirs")?);
            }
            Command::AcceptLaw(digest) => {
                changes.extend(self.accepted(*digest).ok_or(Declined::NoLaw)?);
            }
            Command::RefuseLaw(digest) => {
                self.waiting.as_ref().filter(|waiting| waiting.digest == *digest).ok_or(Declined::NoLaw)?;
                changes.push(Change::PostureRefused { digest: *digest });
            }
        }
        // All else is well.
        if matches!(warrant, Warrant::Claimed(_)) && !matches!(self.needs(command), Needs::Protector(_) | Needs::Denier)
        {
            return Err(Declined::CodeNeeded);
        }
        Ok((by, changes))
    }

    /// Whether the warrant is good for the command; a proof that it rests on is used up.
    fn warranted(&self, command: &Command, warrant: Warrant) -> Result<(Actor, Vec<Change>), Declined> {
        let (by, changes) = match warrant {
            Warrant::Gate => (Actor::Gate, Vec::new()),
            Warrant::Operator => (Actor::Operator, Vec::new()),
            // What protects needs no code: it is the operator's then.
            Warrant::Claimed(_) if matches!(self.needs(command), Needs::Protector(_) | Needs::Denier) => {
                (Actor::Operator, Vec::new())
            }
            Warrant::Claimed(person) => {
                let holder = self.known_holder(person)?;
                if !holder.can_prove() {
                    return Err(Declined::NotEnrolled(holder.name.clone()));
                }
                (Actor::Person(person), Vec::new())
            }
            Warrant::SignedIn(person) => (Actor::Person(person), Vec::new()),
            Warrant::Fresh(person, proof) => {
                self.check_proof(person, proof)?;
                let purpose = command.purpose().to_owned();
                (Actor::Person(person), vec![Change::Proved { holder: person, proof, purpose }])
            }
        };
        let (fresh, claimed) = (matches!(warrant, Warrant::Fresh(..)), matches!(warrant, Warrant::Claimed(_)));
        match (self.needs(command), warrant) {
            // The link or the code is the right; both are checked where they are used.
            (Needs::Nothing | Needs::Denier, _) | (Needs::Gate, Warrant::Gate) => Ok(()),
            (Needs::Gate, _) => Err(Declined::CodeNeeded),
            (Needs::Factor, _) if fresh || claimed => Ok(()),
            (Needs::Factor, _) => Err(Declined::CodeNeeded),
            (Needs::Protector(_), Warrant::Gate | Warrant::Operator | Warrant::Claimed(_)) => Ok(()),
            (Needs::Protector(key), Warrant::SignedIn(person) | Warrant::Fresh(person, _)) => {
                self.check_protector(person, key.or_else(|| self.key_of(command)))
            }
            (Needs::Answerer(key), Warrant::Fresh(person, _) | Warrant::Claimed(person)) => {
                self.check_protector(person, Some(key))
            }
            (Needs::Answerer(_), _) => Err(Declined::CodeNeeded),
            (Needs::Administrator, Warrant::Fresh(person, _) | Warrant::Claimed(person)) => {
                self.check_administrator(person)
            }
            (Needs::Administrator, Warrant::Operator) if !self.is_founded() => Ok(()),
            (Needs::Administrator, _) => Err(Declined::CodeNeeded),
        }?;
        Ok((by, changes))
    }

    /// What a command needs, as things stand.
    fn needs(&self, command: &Command) -> Needs {
        match command {
            Command::ChangeKey { key, name: None, end: Some(end) } => match self.keys.get(key.0) {
                Some(known) if known.end().is_some_and(|at| *end > at) => {
                    known.parent().filter(|_| known.issued().is_some()).map_or(Needs::Administrator, Needs::Answerer)
                }
                _ => Needs::Protector(Some(*key)),
            },
            // As it is to issue a child.
            Command::RetireKey { key, .. } => match self.keys.get(key.0) {
                Some(known) if known.issued().is_some() => known.parent().map_or(Needs::Administrator, Needs::Answerer),
                _ => Needs::Administrator,
            },
            _ => command.needs(),
        }
    }

    fn check_proof(&self, person: HolderId, proof: Proof) -> Result<(), Declined> {
        let holder = self.known_holder(person)?;
        let authenticator = holder.authenticator.as_ref().filter(|_| holder.can_prove()).ok_or(Declined::CodeNeeded)?;
        let unused = match proof {
            Proof::Totp(step) => step > authenticator.last,
            Proof::Recovery(place) => authenticator.recovery.get(place).is_some_and(Option::is_some),
        };
        if unused { Ok(()) } else { Err(Declined::Used) }
    }

    /// An administrator protects everything, others what they answer for.
    fn check_protector(&self, person: HolderId, key: Option<KeyId>) -> Result<(), Declined> {
        let holder = self.known_holder(person)?;
        let answers = key
            .and_then(|key| self.keys.get(key.0))
            .and_then(|key| key.holder())
            .is_some_and(|holder| self.answerers(holder).contains(&person));
        if answers || holder.administrator { Ok(()) } else { Err(Declined::NotYours(holder.name.clone())) }
    }

    /// Whether a list may still be imported in somebody's name.
    pub(crate) fn may_import(&self, person: Option<HolderId>) -> Result<(), Declined> {
        let Some(person) = person else {
            return if self.is_founded() { Err(Declined::CodeNeeded) } else { Ok(()) };
        };
        let holder = self.known_holder(person)?;
        if !holder.can_prove() {
            return Err(Declined::NotEnrolled(holder.name.clone()));
        }
        self.check_administrator(person)
    }

    fn check_administrator(&self, person: HolderId) -> Result<(), Declined> {
        let holder = self.known_holder(person)?;
        if holder.administrator { Ok(()) } else { Err(Declined::NotAdministrator(holder.name.clone())) }
    }

    fn key_of(&self, command: &Command) -> Option<KeyId> {
        match command {
            Command::Deny(challenge) | Command::NotMe(challenge) => self.known_question(*challenge).ok(),
            _ => None,
        }
    }

    pub(crate) fn add_holder(&self, description: &Description) -> Result<Change, Declined> {
        self.check_description(description)?;
        if self.holder_named(&description.name).is_some() {
            return Err(Declined::NameTaken(description.name.clone()));
        }
        let Description { name, kind, owner, deputies, mail, administrator } = description.clone();
        Ok(Change::HolderAdded { id: self.next_holder(), name, kind, owner, deputies, mail, administrator })
    }

    fn check_description(&self, description: &Description) -> Result<(), Declined> {
        check_name(&description.name)?;
        if description.kind != HolderKind::Person && description.owner.is_none() {
            return Err(Declined::OwnerNeeded(description.kind));
        }
        for person in description.owner.iter().chain(&description.deputies) {
            check_person(self.known_holder(*person)?)?;
        }
        Ok(())
    }

    fn entrust(&self, key: KeyId, name: Option<&str>, program: &str, owner: HolderId) -> Result<[Change; 2], Declined> {
        self.known_key(key)?;
        name.map_or(Ok(()), check_name)?;
        check_person(self.known_holder(owner)?)?;
        let (holder, described) = match self.holder_named(program) {
            Some(person) if person.kind == HolderKind::Person => return Err(Declined::IsAPerson(person.name.clone())),
            Some(known) => {
                let Holder { id, kind, deputies, mail, administrator, .. } = known.clone();
                (id, Change::HolderChanged { id, kind, owner: Some(owner), deputies, mail, administrator })
            }
            None => {
                let description = Description {
                    name: program.to_owned(),
                    kind: HolderKind::Workload,
                    owner: Some(owner),
                    deputies: Vec::new(),
                    mail: None,
                    administrator: false,
                };
                (self.next_holder(), self.add_holder(&description)?)
            }
        };
        Ok([described, Change::KeyNamed { key, name: name.map(str::to_owned), holder: Some(holder) }])
    }

    fn check_invitation(&self, id: HolderId, token: &Digest, now: Timestamp) -> Result<(), Declined> {
        let holder = self.holder(id).ok_or(Declined::BadLink)?;
        let invitation = holder.invitation.as_ref().ok_or(Declined::BadLink)?;
        // Both are digests of 256 random bits: how long the comparison takes tells nothing of use.
        if holder.left || invitation.token != *token || now >= invitation.until {
            return Err(Declined::BadLink);
        }
        Ok(())
    }

    /// Whom a link's secret lets enrol.
    pub fn invited(&self, token: &Digest, now: Timestamp) -> Option<&Holder> {
        self.holders().find(|holder| self.check_invitation(holder.id, token, now).is_ok())
    }

    fn disable(&self, id: KeyId, why: &str) -> Result<Option<Change>, Declined> {
        let stands = self.known_key(id)?.works();
        Ok(stands.then(|| Change::KeyDisabled { key: id, why: why.to_owned() }))
    }

    fn forget(&self, id: KeyId, now: Timestamp) -> Result<Change, Declined> {
        let key = self.keys.get(id.0).ok_or(Declined::NoKey(id))?;
        // Revoking a key reaches its children's children by way of the keys between them.
        if key.issued().is_some() {
            return Err(Declined::IssuedHere(id));
        }
        match self.refusal(id, now) {
            Some(refusal) => Err(Declined::MustBeKnown(id, refusal)),
            None => Ok(Change::KeyForgotten { key: id }),
        }
    }

    pub(crate) fn issue(&self, order: &Order, now: Timestamp) -> Result<Change, Declined> {
        let Order { name, holder, parent, scope, limits, end, verifier, pepper } = order.clone();
        if let Some(name) = &name {
            check_name(name)?;
        }
        if scope.powers.is_empty() {
            return Err(Declined::NoPowers);
        }
        if end <= now {
            return Err(Declined::EndPassed);
        }
        self.lifetimes.check(now, end)?;
        let inherited = parent.map(|parent| self.check_parent(parent, &scope, end, now)).transpose()?;
        let holder = holder.or(inherited).ok_or(Declined::HolderNeeded)?;
        let known = self.known_holder(holder)?;
        if known.left {
            return Err(Declined::Left(known.name.clone()));
        }
        Ok(Change::KeyIssued { id: self.next_key(), verifier, pepper, name, holder, parent, scope, limits, end })
    }

    /// Whether a key may have such a child; its holder.
    fn check_parent(&self, id: KeyId, scope: &Scope, end: Timestamp, now: Timestamp) -> Result<HolderId, Declined> {
        let parent = self.keys.get(id.0).ok_or(Declined::NoKey(id))?;
        let (Some(issued), Some(holder)) = (parent.issued(), parent.holder()) else {
            return Err(Declined::NotIssued(id));
        };
        let has_ended = parent.end().is_some_and(|end| end <= now);
        if !parent.standing.works() || has_ended || self.is_stopped_above(parent) {
            return Err(Declined::NotActive(id));
        }
        if !self.may_have_children(id) {
            return Err(Declined::TooDeep(id));
        }
        scope.is_within(&issued.scope)?;
        match parent.end() {
            Some(latest) if end > latest => Err(Declined::OutlivesParent(latest)),
            _ => Ok(holder),
        }
    }

    /// Whether there may be another key below this one.
    pub fn may_have_children(&self, id: KeyId) -> bool {
        self.ancestors(id).len() + 1 < DEEPEST
    }

    /// The keys above a key that were issued, its parent first.
    pub fn ancestors(&self, id: KeyId) -> Vec<KeyId> {
        let parent = |id: &KeyId| self.keys.get(id.0).filter(|key| key.issued().is_some())?.parent();
        std::iter::successors(parent(&id), parent).take(DEEPEST).collect()
    }

    /// Revoking must never fail for want of the right standing.
    fn revoke(&self, id: KeyId, children: bool, why: &str) -> Result<Vec<Change>, Declined> {
        self.known_key(id)?;
        // What calls with it made would never work again: it goes with it, and what is kept for it.
        let hanging = self.falls_with(id);
        let goes = |key: KeyId| hanging.contains(&key) || children && self.ancestors(key).contains(&id);
        let keys = self.keys.values().filter(|key| key.standing != Standing::Revoked && goes(key.id));
        Ok(keys.map(|key| Change::KeyRevoked { key: key.id, why: why.to_owned() }).collect())
    }

    fn approve_all(
        &self,
        challenges: &[ChallengeId],
        person: HolderId,
        now: Timestamp,
    ) -> Result<Vec<Change>, Declined> {
        let name = || self.holder(person).map_or_else(String::new, |holder| holder.name.clone());
        let mut changes = Vec::new();
        let mut approval = self.next_approval();
        for challenge in challenges {
            let asked = self.open_question(*challenge, now)?;
            let holder = self.keys.get(asked.question.key.0).and_then(|key| key.holder());
            if !holder.is_some_and(|holder| self.answerers(holder).contains(&person)) {
                return Err(Declined::NotYours(name()));
            }
            if asked.yes.iter().any(|yes| yes.by == person) {
                return Err(Declined::SamePerson(name()));
            }
            changes.push(Change::Approved { challenge: *challenge, approval, person });
            approval.0 += 1;
        }
        Ok(changes)
    }

    fn open_question(&self, id: ChallengeId, now: Timestamp) -> Result<&crate::state::Asked, Declined> {
        let asked = self.questions.get(&id).ok_or(Declined::NoQuestion(id))?;
        let key = asked.question.key;
        match (asked.progress(now), self.refusal(key, now)) {
            (Progress::KeyFell(why), _) | (Progress::Open, Some(why)) => Err(Declined::KeyFell(id, key, why)),
            (Progress::Open, None) => Ok(asked),
            _ => Err(Declined::NoQuestion(id)),
        }
    }

    fn known_question(&self, id: ChallengeId) -> Result<KeyId, Declined> {
        self.questions.get(&id).map(|asked| asked.question.key).ok_or(Declined::NoQuestion(id))
    }

    fn known_holder(&self, id: HolderId) -> Result<&Holder, Declined> {
        self.holder(id).ok_or_else(|| Declined::NoHolder(id.to_string()))
    }

    pub(crate) fn known_key(&self, id: KeyId) -> Result<Standing, Declined> {
        self.keys.get(id.0).map(|key| key.standing).ok_or(Declined::NoKey(id))
    }
}

/// What a command needs.
enum Needs {
    /// The link that it brings.
    Nothing,
    /// The gate itself: what it forwarded was permitted.
    Gate,
    /// A fresh code of any person; whose, is checked where it is used.
    Factor,
    /// Nothing more than being let in: it protects. The key that it is about.
    Protector(Option<KeyId>),
    /// Nothing more than being let in; whether the person may say no is checked where they do.
    Denier,
    /// A fresh code of an administrator, or of somebody who answers for this key.
    Answerer(KeyId),
    /// An administrator's fresh code.
    Administrator,
}

impl Command {
    const fn needs(&self) -> Needs {
        match self {
            Self::Enrol(..) => Needs::Nothing,
            Self::IssueFor { .. } => Needs::Gate,
            Self::SignIn
            | Self::Approve(_)
            | Self::RequestKey(..)
            | Self::GrantRequest(..)
            | Self::CollectRequest { .. } => Needs::Factor,
            Self::DenyRequest(..) => Needs::Denier,
            Self::DisableKey(key, _) | Self::RevokeKey { key, .. } => Needs::Protector(Some(*key)),
            Self::IssueKey(Order { parent: Some(parent), holder: None, .. }) => Needs::Answerer(*parent),
            Self::Leave(..) | Self::Deny(_) | Self::NotMe(_) | Self::RefuseLaw(_) => Needs::Protector(None),
            Self::AddHolder(_)
            | Self::ChangeHolder(..)
            | Self::Return(_)
            | Self::Invite(..)
            | Self::NameKey(..)
            // By that name it is revoked at the API.
            | Self::NameKeyAbroad(..)
            // As long as nothing is known of the key; see `State::needs`.
            | Self::ChangeKey { .. }
            | Self::RetireKey { .. }
            | Self::EndKeys(_)
            | Self::EntrustKey { .. }
            | Self::EnableKey(_)
            | Self::ForgetKey(_)
            // It lets keys pass.
            | Self::BeginImport { .. }
            | Self::IssueKey(_)
            | Self::IssueCanary { .. }
            // Whoever ends it looks away.
            | Self::EndCanary(_)
            | Self::SetUpstreamCredential
            | Self::AcceptLaw(_) => Needs::Administrator,
        }
    }

    /// What a proof was shown for, as the ledger says it.
    const fn purpose(&self) -> &'static str {
        match self {
            Self::BeginImport { .. } => "import keys",
            Self::AddHolder(_) => "add a holder",
            Self::ChangeHolder(..) => "change a holder",
            Self::Leave(..) => "a holder left",
            Self::Return(_) => "a holder returned",
            Self::Invite(..) => "invite",
            Self::Enrol(..) => "enrol",
            Self::SignIn => "sign in",
            Self::NameKey(..) | Self::NameKeyAbroad(..) => "name a key",
            Self::EntrustKey { .. } => "entrust a key",
            Self::ChangeKey { .. } => "change a key",
            Self::EndKeys(_) => "say when keys end",
            Self::DisableKey(..) => "disable a key",
            Self::EnableKey(_) => "enable a key",
            Self::ForgetKey(_) => "forget a key",
            Self::IssueKey(_) | Self::IssueFor { .. } => "issue a key",
            Self::RetireKey { .. } => "retire a key",
            Self::RevokeKey { .. } => "revoke a key",
            Self::RequestKey(..) => "ask for a key",
            Self::GrantRequest(..) => "grant a key",
            Self::DenyRequest(..) => "deny a key",
            Self::CollectRequest { .. } => "collect a key",
            Self::IssueCanary { .. } => "make a canary",
            Self::EndCanary(_) => "end a canary",
            Self::SetUpstreamCredential => "set the upstream's credential",
            Self::Approve(_) => "approve",
            Self::Deny(_) => "deny",
            Self::NotMe(_) => "not me",
            Self::AcceptLaw(_) => "accept a law",
            Self::RefuseLaw(_) => "refuse a law",
        }
    }
}

fn check_person(holder: &Holder) -> Result<(), Declined> {
    if holder.kind != HolderKind::Person {
        return Err(Declined::NotAPerson(holder.name.clone()));
    }
    if holder.left {
        return Err(Declined::Left(holder.name.clone()));
    }
    Ok(())
}

fn person_of(by: Actor) -> Result<HolderId, Declined> {
    let Actor::Person(person) = by else { return Err(Declined::CodeNeeded) };
    Ok(person)
}

pub(crate) fn check_name(name: &str) -> Result<(), Declined> {
    let letters = name.chars().all(|letter| letter.is_alphanumeric() || " ._@+-:/".contains(letter));
    let edges = name.trim() == name && !name.is_empty() && name.len() <= 128;
    if letters && edges { Ok(()) } else { Err(Declined::BadName(name.to_owned())) }
}

/// What the gate saw of a key that the upstream accepts.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// Where it travels.
    pub place: String,
    /// Where it came from.
    pub source: IpAddr,
    /// The key that minted it.
    pub parent: Option<KeyId>,
    /// Whether its holder is its parent's: not where the upstream can be asked whose it is.
    pub inherits: bool,
    /// What its issuer's token says of it, where it is known by that.
    pub claim: Option<Claim>,
}

impl State {
    pub(crate) fn adopt(&self, sighting: &Sighting, verifier: Verifier, pepper: PepperId) -> Change {
        let holder = sighting
            .parent
            .filter(|_| sighting.inherits)
            .and_then(|parent| self.keys.get(parent.0))
            .and_then(|parent| parent.holder());
        Change::KeyAdopted {
            id: self.next_key(),
            verifier,
            pepper,
            place: sighting.place.clone(),
            source: sighting.source,
            holder,
            parent: sighting.parent,
            claim: sighting.claim.clone(),
        }
    }

    pub(crate) fn spend(&self, challenge: ChallengeId, call: CallId, now: Timestamp) -> Option<Change> {
        let asked = self.questions.get(&challenge)?;
        let stands = self.refusal(asked.question.key, now).is_none();
        let approved = matches!(asked.progress(now), Progress::Approved(_));
        (stands && approved).then_some(Change::Spent { challenge, call })
    }
}
