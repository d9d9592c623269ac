//! What is told of people: their second factors, what they may do, and what they put into force.
//! A thief with one administrator's code must not take over the others in silence.

use std::{collections::HashMap, fmt::Write as _, net::IpAddr};

use authority::{Actor, Change, Digest, Heard, Hearing, Holder, Proof, State, Weaker, Written};
use jiff::Timestamp;
use law::{HolderId, HolderKind, Severity};
use serde_json::json;
use tell::{Kind, Recipient};

use super::{administrators, letter::Letter, recipient, weaker_lines, wrong::WrongCodes};
use crate::show::word;

/// Who may do what, as it was before the change that is told, and what was heard of people lately.
#[derive(Default)]
pub(super) struct Known {
    people: HashMap<HolderId, Before>,
    waiting: Option<(Digest, Vec<Weaker>)>,
    /// From where people showed a right code last: none is the gate's host, or a session.
    seen: HashMap<HolderId, (Option<IpAddr>, Timestamp)>,
    enrolling: HashMap<HolderId, Option<IpAddr>>,
    /// Who made the links that are open.
    invited: HashMap<HolderId, Actor>,
    wrong: WrongCodes,
}

/// What of a holder somebody could change to their own good.
#[derive(Clone, Debug, Default, PartialEq)]
struct Before {
    owner: Option<HolderId>,
    deputies: Vec<HolderId>,
    mail: Option<String>,
    administrator: bool,
    /// Since when they have their second factor.
    factor: Option<Timestamp>,
}

impl Before {
    fn of(holder: &Holder) -> Self {
        Self {
            owner: holder.owner,
            deputies: holder.deputies.clone(),
            mail: holder.mail.clone(),
            administrator: holder.administrator,
            factor: factor_of(holder),
        }
    }
}

impl Known {
    pub(super) fn of(state: &State) -> Self {
        let people = state.holders().map(|holder| (holder.id, Before::of(holder))).collect();
        let waiting = state.waiting().map(|waiting| (waiting.digest, waiting.weaker.clone()));
        Self { people, waiting, ..Self::default() }
    }

    /// What was done at somebody's factor, without a change.
    pub(super) fn hear(&mut self, heard: &Heard, state: &State) -> Option<Letter> {
        match heard.what {
            Hearing::Right => drop(self.seen.insert(heard.person, (heard.source, heard.at))),
            Hearing::Enrolling => drop(self.enrolling.insert(heard.person, heard.source)),
            Hearing::Wrong => {}
        }
        let storm = self.wrong.hear(heard)?;
        let name = name(state, heard.person);
        let mut from: Vec<String> = storm.sources.iter().map(ToString::to_string).collect();
        if storm.inside {
            from.push("the gate's host, or a browser that had signed in".to_owned());
        }
        let letter = Letter::new(
            Kind::CodeWrong,
            format!("{}_wrong_codes", heard.person),
            Severity::High,
            format!("{} wrong codes for {name}, and perhaps more", storm.count),
        )
        .fact("person", "Person", &name)
        .fact("sources", "From", &from.join(", "))
        .fact("since", "Since", &moment(storm.since))
        .advice([
            "None of them was taken. After some wrong ones each further one has to wait; more of them are told \
             in an hour."
                .to_owned(),
            "If it was not you: somebody tries to be you. `greave ledger show` says whether a code was taken; \
             whoever may have seen your authenticator's secret is shut out by another one:"
                .to_owned(),
            format!("greave holders invite {} --as NAME", word(&name)),
        ]);
        Some(letter.to(self.concerned(state, heard.person)))
    }

    /// What a change means for people. Every change must come by here, in its order.
    pub(super) fn see(&mut self, written: &Written, state: &State) -> Option<Letter> {
        let by = written.by;
        let letter = match &written.change {
            Change::HolderAdded { id, administrator: true, .. } => {
                let letter = self.rights(state, *id, by, Severity::Critical, "is an administrator from now on");
                letter.to(everybody(state, *id, None))
            }
            Change::HolderChanged { id, kind: _, owner, deputies, mail, administrator } => {
                let factor = self.people.get(id).and_then(|before| before.factor);
                let (owner, administrator) = (*owner, *administrator);
                let after = Before { owner, deputies: deputies.clone(), mail: mail.clone(), administrator, factor };
                let before = self.people.insert(*id, after.clone()).unwrap_or_default();
                return self.changed(state, *id, by, &before, &after);
            }
            Change::HolderLeft { id, .. } if is_person(state, *id) => {
                let letter = self.rights(state, *id, by, Severity::High, "is marked as gone, and answers nothing");
                let undo = format!("greave holders return {} --as NAME", word(&name(state, *id)));
                letter.line(undo).to(self.concerned(state, *id))
            }
            Change::HolderReturned { id } if is_person(state, *id) => {
                let letter = self.rights(state, *id, by, Severity::High, "is back, and answers again");
                letter.to(self.concerned(state, *id))
            }
            Change::Invited { holder, until, .. } => {
                self.invited.insert(*holder, by);
                if by == Actor::Person(*holder) {
                    return None;
                }
                let letter = self.factor(state, *holder, by, "a link was made to enrol an authenticator");
                letter.fact("until", "Until", &moment(*until)).advice(self.if_not_you(state, *holder))
            }
            Change::Enrolled { holder, .. } => self.enrolled(state, *holder),
            Change::Proved { holder, proof: Proof::Recovery(_), purpose } => {
                let letter = self.factor(state, *holder, by, "a recovery code was used");
                let left = state.holder(*holder).and_then(|holder| holder.authenticator.as_deref());
                let left = left.map_or(0, |it| it.recovery.iter().flatten().count());
                let letter = letter.fact("purpose", "For", purpose).fact("left", "Left", &left.to_string());
                letter.advice(self.if_not_you(state, *holder))
            }
            Change::AuthenticatorDisabled { holder } => {
                let letter = self.factor(state, *holder, by, "the authenticator takes no code any more");
                letter.advice([
                    "Too many wrong codes were given in a row. A recovery code signs in, and a new link enrols anew:"
                        .to_owned(),
                    format!("greave holders invite {} --as NAME", word(&name(state, *holder))),
                ])
            }
            Change::PostureWaits { digest, weaker, .. } => {
                self.waiting = Some((*digest, weaker.clone()));
                return None;
            }
            Change::PostureRefused { digest } => {
                self.waiting.take_if(|(waiting, _)| waiting == digest);
                return None;
            }
            // Nobody but who accepts what waits loads anything in their own name.
            Change::LawLoaded { .. } | Change::PostureLoaded { .. } if matches!(by, Actor::Person(_)) => {
                let (digest, weaker) = self.waiting.take()?;
                return Some(self.accepted(state, by, digest, &weaker));
            }
            Change::PostureLoaded { .. } => {
                self.waiting = None;
                return None;
            }
            _ => return None,
        };
        if let Change::HolderAdded { id, .. } = &written.change {
            self.people.insert(*id, state.holder(*id).map(Before::of).unwrap_or_default());
        }
        Some(letter)
    }

    /// What changed while nobody looked, because too much changed at once.
    pub(super) fn catch_up(&mut self, state: &State) -> Vec<Letter> {
        let mut letters = Vec::new();
        for holder in state.holders() {
            let before = self.people.get(&holder.id).cloned().unwrap_or_default();
            let after = Before::of(holder);
            if before.factor != after.factor && after.factor.is_some() {
                letters.push(self.enrolled(state, holder.id));
            }
            if before != after {
                letters.extend(self.changed(state, holder.id, Actor::Gate, &before, &after).map(|letter| {
                    letter.line("So much changed at once that `greave ledger show` alone says who did it.")
                }));
            }
        }
        let Self { people, waiting, .. } = Self::of(state);
        (self.people, self.waiting) = (people, waiting);
        letters
    }

    fn enrolled(&mut self, state: &State, holder: HolderId) -> Letter {
        let now = state.holder(holder).and_then(factor_of);
        let before = self.people.entry(holder).or_default();
        let how = if before.factor.is_some() { "replaced" } else { "added" };
        before.factor = now;
        let name = name(state, holder);
        let mut letter = Letter::new(
            Kind::PersonFactor,
            format!("{holder}_enrolled"),
            if is_administrator(state, holder) { Severity::Critical } else { Severity::High },
            format!("the authenticator of {name} was {how}"),
        )
        .fact("person", "Person", &name)
        .fact("what", "What", &format!("an authenticator was {how}"));
        let by = self.invited.remove(&holder).map(|by| actor(state, by));
        letter = letter.fact("link_by", "Link by", by.as_deref().unwrap_or("nobody since the gate started"));
        let from = self.enrolling.remove(&holder).flatten();
        let from = from.map_or_else(|| "the gate's host".to_owned(), |from| from.to_string());
        letter.fact("source", "From", &from).advice(self.if_not_you(state, holder)).to(self.concerned(state, holder))
    }

    fn changed(&self, state: &State, id: HolderId, by: Actor, before: &Before, after: &Before) -> Option<Letter> {
        let names = |owner: Option<HolderId>, deputies: &[HolderId]| {
            let all: Vec<String> = owner.iter().chain(deputies).map(|person| name(state, *person)).collect();
            if all.is_empty() { "nobody else".to_owned() } else { all.join(", then ") }
        };
        let mut whats: Vec<(&str, String)> = Vec::new();
        match (before.administrator, after.administrator) {
            (false, true) => whats.push(("is an administrator from now on", String::new())),
            (true, false) => whats.push(("is no administrator any more", String::new())),
            _ => {}
        }
        if (before.owner, &before.deputies) != (after.owner, &after.deputies) {
            let (was, is) = (names(before.owner, &before.deputies), names(after.owner, &after.deputies));
            whats.push(("is answered for by others", format!("{is}; before: {was}")));
        }
        if before.mail != after.mail {
            let of = |mail: &Option<String>| mail.clone().unwrap_or_else(|| "no address".to_owned());
            whats.push(("has notices sent elsewhere", format!("{}; before: {}", of(&after.mail), of(&before.mail))));
        }
        let (first, _) = whats.first()?;
        let rights = before.administrator != after.administrator;
        let severity = if rights { Severity::Critical } else { Severity::High };
        let mut letter = self.rights(state, id, by, severity, first);
        for (what, how) in &whats {
            let mut line = (*what).to_owned();
            if !how.is_empty() {
                let _ = write!(line, ": {how}");
            }
            letter = letter.line(format!("         {line}"));
        }
        letter = letter.field(
            "changes",
            json!(whats.iter().map(|(what, how)| json!({"what": what, "how": how})).collect::<Vec<_>>()),
        );
        let back = "`greave holders change NAME --as NAME` changes it back; `greave holders left NAME --as NAME` shuts \
                    somebody out who should not be in.";
        letter = letter.advice([back.to_owned()]);
        // Whoever loses something hears of it where they heard of things before.
        let mut to = if rights || after.administrator { everybody(state, id, before.mail.clone()) } else { Vec::new() };
        let others = before.owner.iter().chain(&after.owner).chain(&before.deputies).chain(&after.deputies);
        to.extend(state.holder(id).filter(|holder| holder.kind == HolderKind::Person).map(recipient));
        to.extend(others.filter_map(|person| state.holder(*person)).map(recipient));
        if let (Some(mail), Some(holder)) = (&before.mail, state.holder(id)) {
            to.push(Recipient { name: holder.name.clone(), mail: Some(mail.clone()) });
        }
        to.dedup();
        Some(letter.to(to))
    }

    fn accepted(&self, state: &State, by: Actor, digest: Digest, weaker: &[Weaker]) -> Letter {
        let id = format!("law_{}_accepted", digest.to_string().get(..16).unwrap_or_default());
        let title = format!("a weaker law is in force, accepted by {}", actor(state, by));
        let mut letter = Letter::new(Kind::LawAccepted, id, Severity::Critical, title);
        letter = self.who(state, by, letter);
        letter = weaker_lines(letter, weaker);
        letter
            .advice([
                "If nobody should have accepted it: undo the change in the files, `greave check`, and `kill -HUP` the \
                 gate. What is stricter is in force at once."
                    .to_owned(),
                "`greave law show --as-of MOMENT` says what was in force before.".to_owned(),
            ])
            .to(administrators(state))
    }

    /// A letter about a person's factor, to them, and to all administrators where it is one's.
    fn factor(&self, state: &State, person: HolderId, by: Actor, what: &str) -> Letter {
        let name = name(state, person);
        let severity = if is_administrator(state, person) { Severity::Critical } else { Severity::High };
        let title = format!("{name}: {what}");
        let letter = Letter::new(Kind::PersonFactor, format!("{person}_factor"), severity, title)
            .fact("person", "Person", &name)
            .fact("what", "What", what);
        self.who(state, by, letter).to(self.concerned(state, person))
    }

    fn rights(&self, state: &State, id: HolderId, by: Actor, severity: Severity, what: &str) -> Letter {
        let name = name(state, id);
        let title = format!("{name} {what}");
        let letter = Letter::new(Kind::PersonRights, format!("{id}_rights"), severity, title)
            .fact("person", "Who", &name)
            .fact("what", "What", what);
        self.who(state, by, letter)
    }

    /// Who did it, and from where they signed in.
    fn who(&self, state: &State, by: Actor, letter: Letter) -> Letter {
        let letter = letter.fact("by", "By", &actor(state, by));
        let Actor::Person(person) = by else { return letter };
        match self.seen.get(&person) {
            Some((Some(source), at)) => {
                let letter = letter.field("source", json!(source));
                letter.line(format!("From     {source}, where they signed in at {}", moment(*at)))
            }
            Some((None, at)) => {
                let from = format!("the gate's host, or a session at the desk, with a code at {}", moment(*at));
                letter.fact("source", "From", &from)
            }
            None => letter,
        }
    }

    /// The person, and the administrators where it is one of them.
    fn concerned(&self, state: &State, person: HolderId) -> Vec<Recipient> {
        if is_administrator(state, person) || self.people.get(&person).is_some_and(|it| it.administrator) {
            return everybody(state, person, None);
        }
        state.holder(person).map(recipient).into_iter().collect()
    }

    fn if_not_you(&self, state: &State, person: HolderId) -> [String; 3] {
        let word = word(&name(state, person));
        [
            "If you know nothing of it, another administrator does this now:".to_owned(),
            format!("greave holders left {word} --as NAME      # shuts out whoever has that factor"),
            format!("greave holders return {word} --as NAME; greave holders invite {word} --as NAME"),
        ]
    }
}

/// Who brought it about, in words.
fn actor(state: &State, by: Actor) -> String {
    match by {
        Actor::Gate => "the gate".to_owned(),
        Actor::Operator => "somebody on the gate's host, without a code".to_owned(),
        Actor::Person(person) => name(state, person),
    }
}

fn name(state: &State, id: HolderId) -> String {
    state.holder(id).map_or_else(|| id.to_string(), |holder| holder.name.clone())
}

fn is_person(state: &State, id: HolderId) -> bool {
    state.holder(id).is_some_and(|holder| holder.kind == HolderKind::Person)
}

fn is_administrator(state: &State, id: HolderId) -> bool {
    state.holder(id).is_some_and(|holder| holder.administrator)
}

fn factor_of(holder: &Holder) -> Option<Timestamp> {
    holder.authenticator.as_ref().map(|authenticator| authenticator.since)
}

/// All administrators, and this person; at the address that they had before, too.
fn everybody(state: &State, person: HolderId, before: Option<String>) -> Vec<Recipient> {
    let mut all = administrators(state);
    if let Some(holder) = state.holder(person) {
        if !all.iter().any(|known| known.name == holder.name) {
            all.push(recipient(holder));
        }
        all.extend(before.map(|mail| Recipient { name: holder.name.clone(), mail: Some(mail) }));
    }
    all
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
