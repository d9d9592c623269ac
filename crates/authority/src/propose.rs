//! A command against the state: declined, or turned into changes. Pure.

use jiff::Timestamp;
use law::{CallId, ChallengeId, HolderId, HolderKind, KeyId, Standing};

use crate::{
    Declined, Digest, PepperId, Scope, Verifier,
    abroad::is_name_abroad,
    change::{Actor, Change, Proof},
    command::{Command, Description, Enrolment, INVITATION, Needs, OnLeaving, Order, Sighting, Warrant},
    state::{Holder, Progress, State},
};

/// How many keys may stand one under the other.
const DEEPEST: usize = 4;

impl State {
    /// What a command changes, or why it does not. Touches nothing.
    pub(crate) fn propose(
        &self,
        command: &Command,
        warrant: Warrant,
        now: Timestamp,
    ) -> Result<(Actor, Vec<Change>), Declined> {
        let (by, mut changes) = self.warranted(command, warrant)?;
        self.check_no_drill(command)?;
        match command {
            Command::AddHolder(description) => changes.push(self.add_holder(description)?),
            Command::ChangeHolder(id, description) => {
                let holder = self.known_holder(*id)?;
                self.check_description(description)?;
                if description.mail != holder.mail {
                    check_mail(description.mail.as_deref())?;
                }
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
            Command::StopAuthenticator { holder, recovery_codes } => {
                changes.extend(self.stop_authenticator(*holder, *recovery_codes)?);
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
                // A person who lets it work again has looked.
                changes.extend(self.lift(*id, now).ok());
            }
            Command::LiftContainment(id) => {
                self.known_key(*id)?;
                changes.push(self.lift(*id, now)?);
            }
            Command::NarrowKey(id, scope) => changes.extend(self.narrow(*id, scope)?),
            Command::WidenKey(id) => changes.extend(self.widen(*id)?),
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
            Command::CollectRequest { id, rules, verifier, pepper } => {
                let (wish, grant) = self.collectable(*id, rules, person_of(by)?, now)?;
                let order = Order {
                    name: wish.name.clone(),
                    holder: Some(wish.holder),
                    parent: None,
                    scope: grant.scope.clone(),
                    limits: grant.limits.clone(),
                    end: grant.lifetime.after(now),
                    verifier: *verifier,
                    pepper: *pepper,
                };
                changes.push(self.issue(&order, now)?);
                changes.push(Change::KeyRequestCollected { id: *id, key: self.next_key() });
            }
            Command::IssueCanary { name, holder, folded, verifier, pepper } => {
                check_name(name)?;
                self.known_holder(*holder)?;
                let (id, name, holder) = (self.next_key(), name.clone(), *holder);
                let (verifier, pepper, folded) = (*verifier, *pepper, *folded);
                changes.push(Change::CanaryIssued { id, verifier, pepper, name, holder, folded });
            }
            Command::EndCanary(id) => {
                self.canary(*id).ok_or(Declined::NoCanary(*id))?;
                changes.push(Change::CanaryEnded { id: *id });
            }
            Command::BeginDrills(orders) => changes.extend(self.begin_drills(orders, now)?),
            Command::SetUpstreamCredential => changes.push(Change::UpstreamCredentialSet {}),
            Command::Approve(challenges) => {
                let Actor::Person(person) = by else { return Err(Declined::CodeNeeded) };
                changes.extend(self.approve_all(challenges, person, now)?);
            }
            Command::Deny(challenge) => {
                // A yes that nobody has spent yet can be taken back.
                let asked = self.questions.get(challenge);
                if !asked.is_some_and(|asked| matches!(asked.progress(now), Progress::Approved(_))) {
                    self.open_question(*challenge, now)?;
                }
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
        if matches!(warrant, Warrant::Claimed(_)) && !self.needs(command).protects() {
            return Err(Declined::CodeNeeded);
        }
        Ok((by, changes))
    }

    /// Whether the warrant is good for the command, whatever else may stand against it.
    pub(crate) fn may(&self, command: &Command, warrant: Warrant) -> Result<(), Declined> {
        self.warranted(command, warrant).map(drop)
    }

    /// Whether the warrant is good for the command; a proof that it rests on is used up.
    fn warranted(&self, command: &Command, warrant: Warrant) -> Result<(Actor, Vec<Change>), Declined> {
        let (by, changes) = match warrant {
            Warrant::Gate => (Actor::Gate, Vec::new()),
            Warrant::Operator => (Actor::Operator, Vec::new()),
            // What protects needs no code: it is the operator's then.
            Warrant::Claimed(_) if self.needs(command).protects() => (Actor::Operator, Vec::new()),
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
            (Needs::Protector(_) | Needs::Guardian(_), Warrant::Gate | Warrant::Operator | Warrant::Claimed(_)) => {
                Ok(())
            }
            (Needs::Guardian(of), Warrant::SignedIn(person) | Warrant::Fresh(person, _)) if of == person => Ok(()),
            (Needs::Guardian(_), Warrant::SignedIn(person) | Warrant::Fresh(person, _)) => {
                self.check_administrator(person)
            }
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
            // It may have been stopped since the code was looked at.
            Proof::Totp(step) => !authenticator.disabled && step > authenticator.last,
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
        check_mail(description.mail.as_deref())?;
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

/// What a name may be made of.
pub(crate) fn is_name_letter(letter: char) -> bool {
    letter.is_alphanumeric() || " ._@+-:/".contains(letter)
}

pub(crate) fn check_name(name: &str) -> Result<(), Declined> {
    let letters = name.chars().all(is_name_letter);
    let edges = name.trim() == name && !name.is_empty() && name.len() <= 128;
    if letters && edges { Ok(()) } else { Err(Declined::BadName(name.to_owned())) }
}

/// Whether a notice could be sent there, as far as a look at it tells.
fn check_mail(mail: Option<&str>) -> Result<(), Declined> {
    let Some(mail) = mail else { return Ok(()) };
    let has_both = mail.rsplit_once('@').is_some_and(|(person, at)| !person.is_empty() && !at.is_empty());
    let is_one_word = !mail.contains(|letter: char| letter.is_whitespace() || letter.is_control());
    if has_both && is_one_word { Ok(()) } else { Err(Declined::BadMail(mail.to_owned())) }
}

impl State {
    pub(crate) fn adopt(
        &self,
        sighting: &Sighting,
        (pepper, verifier): (PepperId, Verifier),
        folded: Vec<Verifier>,
    ) -> Change {
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
            folded,
        }
    }

    pub(crate) fn spend(&self, challenge: ChallengeId, call: CallId, now: Timestamp) -> Option<Change> {
        let asked = self.questions.get(&challenge)?;
        let stands = self.refusal(asked.question.key, now).is_none();
        let approved = matches!(asked.progress(now), Progress::Approved(_));
        (stands && approved).then_some(Change::Spent { challenge, call })
    }
}
