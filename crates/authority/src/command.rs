//! What can be asked of the authority: proposed against the state, declined or turned into
//! changes. Pure.

use std::net::IpAddr;

use factor::{recovery, totp};
use jiff::{SignedDuration, Timestamp};
use law::{CallId, ChallengeId, HolderId, HolderKind, KeyId, Law, Standing};

use crate::{
    PepperId, Verifier,
    change::{Actor, Change, Digest, Proof},
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
    /// A holder is gone.
    Leave(HolderId),
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
    /// Stop a key for now.
    DisableKey(KeyId, String),
    /// Let a key work again.
    EnableKey(KeyId),
    /// Say yes to questions that were shown together.
    Approve(Vec<ChallengeId>),
    /// Say no.
    Deny(ChallengeId),
    /// Say that a call was not one's own: no, and the key stops.
    NotMe(ChallengeId),
    /// Put the law that waits into force.
    AcceptLaw(Digest),
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
    #[error("there is no open question `{0}`; it was answered, or it lapsed")]
    NoQuestion(ChallengeId),
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
    #[error("`{0}` is no person; only a person answers for keys")]
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
    /// The person is no administrator.
    #[error("`{0}` is no administrator")]
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
    #[error("key `{0}` is revoked; a revoked key never works again")]
    Revoked(KeyId),
    /// There is no such law waiting.
    #[error("no law with this digest waits; see `greave law`")]
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
            Command::Leave(id) => {
                let holder = self.known_holder(*id)?;
                if self.is_last_administrator(*id) {
                    return Err(Declined::LastAdministrator(holder.name.clone()));
                }
                changes.push(Change::HolderLeft { id: *id });
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
            Command::DisableKey(id, why) => changes.extend(self.disable(*id, why)?),
            Command::EnableKey(id) => {
                if self.known_key(*id)? == Standing::Revoked {
                    return Err(Declined::Revoked(*id));
                }
                changes.push(Change::KeyEnabled { key: *id });
            }
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
                let waiting = self.waiting.as_ref().filter(|waiting| waiting.digest == *digest);
                let page = waiting.ok_or(Declined::NoLaw)?.page.clone();
                changes.push(Change::LawLoaded { digest: *digest, page });
            }
        }
        Ok((by, changes))
    }

    /// Whether the warrant is good for the command; a proof that it rests on is used up.
    fn warranted(&self, command: &Command, warrant: Warrant) -> Result<(Actor, Vec<Change>), Declined> {
        let (by, changes) = match warrant {
            Warrant::Gate => (Actor::Gate, Vec::new()),
            Warrant::Operator => (Actor::Operator, Vec::new()),
            Warrant::SignedIn(person) => (Actor::Person(person), Vec::new()),
            Warrant::Fresh(person, proof) => {
                self.check_proof(person, proof)?;
                let purpose = command.purpose().to_owned();
                (Actor::Person(person), vec![Change::Proved { holder: person, proof, purpose }])
            }
        };
        let fresh = matches!(warrant, Warrant::Fresh(..));
        match (command.needs(), warrant) {
            // The link or the code is the right; both are checked where they are used.
            (Needs::Nothing, _) => Ok(()),
            (Needs::Factor, _) if fresh => Ok(()),
            (Needs::Factor, _) => Err(Declined::CodeNeeded),
            (Needs::Protector(_), Warrant::Gate | Warrant::Operator) => Ok(()),
            (Needs::Protector(key), Warrant::SignedIn(person) | Warrant::Fresh(person, _)) => {
                self.check_protector(person, key.or_else(|| self.key_of(command)))
            }
            (Needs::Administrator, Warrant::Fresh(person, _)) => self.check_administrator(person),
            (Needs::Administrator, Warrant::Operator) if !self.is_founded() => Ok(()),
            (Needs::Administrator, _) => Err(Declined::CodeNeeded),
        }?;
        Ok((by, changes))
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
            .and_then(|key| self.keys.get(&key))
            .and_then(|key| key.holder)
            .is_some_and(|holder| self.answerers(holder).contains(&person));
        if answers || holder.administrator { Ok(()) } else { Err(Declined::NotYours(holder.name.clone())) }
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
        let holder = self.holders.get(&id).ok_or(Declined::BadLink)?;
        let invitation = holder.invitation.as_ref().ok_or(Declined::BadLink)?;
        // Both are digests of 256 random bits: how long the comparison takes tells nothing of use.
        if holder.left || invitation.token != *token || now >= invitation.until {
            return Err(Declined::BadLink);
        }
        Ok(())
    }

    /// Whom a link's secret lets enrol.
    pub fn invited(&self, token: &Digest, now: Timestamp) -> Option<&Holder> {
        self.holders.values().find(|holder| self.check_invitation(holder.id, token, now).is_ok())
    }

    fn disable(&self, id: KeyId, why: &str) -> Result<Option<Change>, Declined> {
        let stands = self.known_key(id)? == Standing::Active;
        Ok(stands.then(|| Change::KeyDisabled { key: id, why: why.to_owned() }))
    }

    fn approve_all(
        &self,
        challenges: &[ChallengeId],
        person: HolderId,
        now: Timestamp,
    ) -> Result<Vec<Change>, Declined> {
        let name = || self.holders.get(&person).map_or_else(String::new, |holder| holder.name.clone());
        let mut changes = Vec::new();
        let mut approval = self.next_approval();
        for challenge in challenges {
            let asked = self.open_question(*challenge, now)?;
            let holder = self.keys.get(&asked.question.key).and_then(|key| key.holder);
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
        let asked = self.questions.get(&id).filter(|asked| asked.progress(now) == Progress::Open);
        asked.ok_or(Declined::NoQuestion(id))
    }

    fn known_question(&self, id: ChallengeId) -> Result<KeyId, Declined> {
        self.questions.get(&id).map(|asked| asked.question.key).ok_or(Declined::NoQuestion(id))
    }

    fn known_holder(&self, id: HolderId) -> Result<&Holder, Declined> {
        self.holders.get(&id).ok_or_else(|| Declined::NoHolder(id.to_string()))
    }

    fn known_key(&self, id: KeyId) -> Result<Standing, Declined> {
        self.keys.get(&id).map(|key| key.standing).ok_or(Declined::NoKey(id))
    }
}

/// What a command needs.
enum Needs {
    /// The link that it brings.
    Nothing,
    /// A fresh code of any person; whose, is checked where it is used.
    Factor,
    /// Nothing more than being let in: it protects. The key that it is about.
    Protector(Option<KeyId>),
    /// An administrator's fresh code.
    Administrator,
}

impl Command {
    const fn needs(&self) -> Needs {
        match self {
            Self::Enrol(..) => Needs::Nothing,
            Self::SignIn | Self::Approve(_) => Needs::Factor,
            Self::DisableKey(key, _) => Needs::Protector(Some(*key)),
            Self::Leave(_) | Self::Deny(_) | Self::NotMe(_) => Needs::Protector(None),
            Self::AddHolder(_)
            | Self::ChangeHolder(..)
            | Self::Return(_)
            | Self::Invite(..)
            | Self::NameKey(..)
            | Self::EntrustKey { .. }
            | Self::EnableKey(_)
            | Self::AcceptLaw(_) => Needs::Administrator,
        }
    }

    /// What a proof was shown for, as the ledger says it.
    const fn purpose(&self) -> &'static str {
        match self {
            Self::AddHolder(_) => "add a holder",
            Self::ChangeHolder(..) => "change a holder",
            Self::Leave(_) => "a holder left",
            Self::Return(_) => "a holder returned",
            Self::Invite(..) => "invite",
            Self::Enrol(..) => "enrol",
            Self::SignIn => "sign in",
            Self::NameKey(..) => "name a key",
            Self::EntrustKey { .. } => "entrust a key",
            Self::DisableKey(..) => "disable a key",
            Self::EnableKey(_) => "enable a key",
            Self::Approve(_) => "approve",
            Self::Deny(_) => "deny",
            Self::NotMe(_) => "not me",
            Self::AcceptLaw(_) => "accept a law",
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

fn check_name(name: &str) -> Result<(), Declined> {
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
}

impl State {
    pub(crate) fn adopt(&self, sighting: &Sighting, verifier: Verifier, pepper: PepperId) -> Change {
        let holder = sighting
            .parent
            .filter(|_| sighting.inherits)
            .and_then(|parent| self.keys.get(&parent))
            .and_then(|parent| parent.holder);
        Change::KeyAdopted {
            id: self.next_key(),
            verifier,
            pepper,
            place: sighting.place.clone(),
            source: sighting.source,
            holder,
            parent: sighting.parent,
        }
    }

    /// Puts a law into force, or lets it wait where it is weaker than the one in force.
    pub(crate) fn load_law(&self, law: &Law, in_force: Option<&Law>) -> Option<Change> {
        let page = law.to_string();
        let digest = Digest::of(page.as_bytes());
        let in_force_already = self.law.as_ref().is_some_and(|(known, _)| *known == digest);
        if in_force_already && self.waiting.is_none() {
            return None;
        }
        let weaker = in_force.map(|in_force| law.weaker_cells_than(in_force)).unwrap_or_default();
        if weaker.is_empty() || !self.is_founded() {
            return Some(Change::LawLoaded { digest, page });
        }
        let weaker = weaker.into_iter().map(|(kind, power)| format!("{kind} {power}")).collect();
        // Asking for the same weaker law again is no news.
        let waits = self.waiting.as_ref().is_some_and(|waiting| waiting.digest == digest);
        (!waits).then_some(Change::LawWaits { digest, page, weaker })
    }

    pub(crate) fn spend(&self, challenge: ChallengeId, call: CallId, now: Timestamp) -> Option<Change> {
        let asked = self.questions.get(&challenge)?;
        let stands = self.keys.get(&asked.question.key).is_some_and(|key| key.standing == Standing::Active);
        let approved = matches!(asked.progress(now), Progress::Approved(_));
        (stands && approved).then_some(Change::Spent { challenge, call })
    }
}
