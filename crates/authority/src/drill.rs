//! Drills: keys with which the gate rehearses a theft. Such a key is made by the ledger's own word
//! for it, so that nobody can take it for another; it lives for minutes, nothing makes it live
//! longer or reach further, and when its drill is over nobody knows it any more. Pure.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use law::{HolderId, KeyId};
use serde::{Deserialize, Serialize};

use crate::{
    Declined, Key, PepperId, Scope, Verifier,
    change::Change,
    command::Command,
    key::Alike,
    propose::check_name,
    state::{DRILL, State},
};

/// So long a drill's key works at most, whatever becomes of the drill.
pub const DRILL_LASTS: SignedDuration = SignedDuration::from_mins(15);

/// So many scenarios are played with one code.
pub const MOST_DRILLS: usize = 24;

/// Of so many scenarios the last card is remembered; the ledger has them all.
const MOST_CARDS: usize = 256;

/// So many keys the calls of one scenario make at most: a drill is to fill no ledger.
const MOST_CHILDREN: usize = 8;

/// A rehearsal that is to begin. Its key's secret exists already, and leaves the process never.
#[derive(Clone, Debug)]
pub struct DrillOrder {
    /// What is played.
    pub scenario: String,
    /// Whose key is played stolen: they are told.
    pub holder: HolderId,
    /// The key that it behaves like: what bounds that bounds this.
    pub like: Option<KeyId>,
    /// Whether it is a canary, and works nowhere.
    pub canary: bool,
    /// Whether its calls read at the API, where they do nothing else.
    pub reads_pass: bool,
    /// What is kept of its secret.
    pub verifier: Verifier,
    /// The pepper that made the verifier.
    pub pepper: PepperId,
}

/// When something came about in a drill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// At which call, counted from one.
    pub call: u32,
    /// Milliseconds after the thief's first call.
    pub ms: u64,
    /// Microseconds after the call began that showed it.
    pub after: u64,
    /// What it was.
    pub what: String,
}

/// Somebody who was told in a drill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noticed {
    /// `webhook` or `mail`.
    pub by: String,
    /// Who, where it is a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Milliseconds from the thief's first call until the message went out.
    pub ms: u64,
    /// Of what.
    pub of: String,
    /// Milliseconds until a receiver had taken it; none where nobody had by the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<u64>,
}

/// What a drill showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The mode of the watch: `on`, `dry-run` or `off`.
    pub watch: String,
    /// Calls of the thief.
    pub calls: u32,
    /// How many of them passed.
    pub passed: u32,
    /// How many were answered with a question for a person.
    pub asked: u32,
    /// How many were refused.
    pub refused: u32,
    /// Steps of the scenario that the API has operations for.
    pub steps: u32,
    /// Steps of which a call passed.
    pub done: u32,
    /// The step by which it is to be contained.
    pub contain_by: u32,
    /// Whether nothing of a later step passed.
    pub in_time: bool,
    /// The first finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected: Option<Moment>,
    /// The first containment, a step-up or stricter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contained: Option<Moment>,
    /// The strictest answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strictest: Option<String>,
    /// Rows that would have got out.
    pub rows: u64,
    /// Sensitive operations that got through.
    pub sensitive: u32,
    /// Calls that read at the API.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub read: u32,
    /// Who was told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Noticed>,
    /// Milliseconds until a scanner had found it, where it was laid out to be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<u64>,
    /// Milliseconds after the first call at which a person lifted it; none where it fell with the drill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<u64>,
    /// Steps that were not played, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// Why it ended early, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_off: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_zero(many: &u32) -> bool {
    *many == 0
}

/// A drill that goes on.
#[derive(Clone, Debug)]
pub struct Drill {
    /// Its key, and its name.
    pub key: KeyId,
    /// What is played.
    pub scenario: String,
    /// Whose key is played stolen.
    pub holder: HolderId,
    /// Since when.
    pub since: Timestamp,
}

/// A drill that is over.
#[derive(Clone, Debug)]
pub struct Drilled {
    /// Its key, which nobody knows any more.
    pub key: KeyId,
    /// When it ended.
    pub at: Timestamp,
    /// What it showed.
    pub card: Card,
}

/// The drills of a gate.
#[derive(Debug, Default)]
pub(crate) struct Drills {
    open: BTreeMap<KeyId, Drill>,
    /// Every key that is or was a drill's: what is left of it is not to be taken for real.
    keys: BTreeMap<KeyId, Kin>,
    last: BTreeMap<String, Drilled>,
}

/// What a drill's key belongs to.
#[derive(Debug)]
struct Kin {
    /// The key with which the drill began: itself, or the one whose calls made it.
    of: KeyId,
    holder: HolderId,
}

impl State {
    /// The drills that go on.
    pub fn drills(&self) -> impl Iterator<Item = &Drill> {
        self.drills.open.values()
    }

    /// Whether this is, or was, the key of a drill.
    pub fn is_drill(&self, key: KeyId) -> bool {
        self.drills.keys.contains_key(&key)
    }

    /// A drill's key and those that its calls made.
    pub fn drill_keys(&self, key: KeyId) -> impl Iterator<Item = KeyId> {
        // A key that another made has the higher number.
        self.drills.keys.range(key..).filter(move |(_, kin)| kin.of == key).map(|(key, _)| *key)
    }

    /// Whose key a drill plays, or played, stolen.
    pub fn drill_holder(&self, key: KeyId) -> Option<HolderId> {
        self.drills.keys.get(&key).map(|kin| kin.holder)
    }

    /// What the last drill of a scenario showed.
    pub fn last_drill(&self, scenario: &str) -> Option<&Drilled> {
        self.drills.last.get(scenario)
    }

    /// What the last drill of each scenario showed, in the order of their names.
    pub fn last_drills(&self) -> impl Iterator<Item = (&str, &Drilled)> {
        self.drills.last.iter().map(|(scenario, drilled)| (scenario.as_str(), drilled))
    }

    pub(crate) fn begin_drills(&self, orders: &[DrillOrder], now: Timestamp) -> Result<Vec<Change>, Declined> {
        if let Some(drill) = self.drills().next() {
            return Err(Declined::DrillGoesOn(drill.key));
        }
        if orders.is_empty() || orders.len() > MOST_DRILLS {
            return Err(Declined::TooManyDrills);
        }
        let end = now.saturating_add(DRILL_LASTS).unwrap_or(Timestamp::MAX);
        let mut id = self.next_key();
        let begin = |order: &DrillOrder| {
            let DrillOrder { scenario, holder, like, canary, reads_pass, verifier, pepper } = order.clone();
            check_name(&scenario)?;
            let known = self.holder(holder).ok_or_else(|| Declined::NoHolder(holder.to_string()))?;
            if known.left {
                return Err(Declined::Left(known.name.clone()));
            }
            let like_key = like.map(|like| self.key(like).ok_or(Declined::NoKey(like))).transpose()?;
            let bounds: Vec<Scope> = like_key.into_iter().flat_map(|key| key.bounds().cloned()).collect();
            let key = id;
            id = KeyId(id.0 + 1);
            Ok(Change::DrillBegun { key, verifier, pepper, scenario, holder, like, bounds, canary, reads_pass, end })
        };
        orders.iter().map(begin).collect()
    }

    /// What is asked about the key of a drill is declined, but what protects and what lifts: it
    /// must not become any other key.
    pub(crate) fn check_no_drill(&self, command: &Command) -> Result<(), Declined> {
        let about = match command {
            Command::NameKey(key, ..)
            | Command::EntrustKey { key, .. }
            | Command::ChangeKey { key, .. }
            | Command::NameKeyAbroad(key, _)
            | Command::EnableKey(key)
            | Command::NarrowKey(key, _)
            | Command::WidenKey(key)
            | Command::ForgetKey(key)
            | Command::EndCanary(key)
            | Command::RetireKey { key, .. } => Some(*key),
            Command::EndKeys(ends) => ends.iter().map(|(key, _)| *key).find(|key| self.is_drill(*key)),
            Command::IssueKey(order) | Command::IssueFor { order, .. } => order.parent,
            _ => None,
        };
        match about.filter(|key| self.is_drill(*key)) {
            Some(key) => Err(Declined::OfDrill(key)),
            None => Ok(()),
        }
    }

    /// What ends this drill; nothing where it is over.
    pub(crate) fn end_drill(&self, key: KeyId, card: &Card) -> Option<Change> {
        self.drills.open.get(&key).map(|_| Change::DrillEnded { key, card: Box::new(card.clone()) })
    }

    pub(crate) fn drill_begun(&mut self, key: KeyId, scenario: &str, holder: HolderId, since: Timestamp) {
        self.drills.open.insert(key, Drill { key, scenario: scenario.to_owned(), holder, since });
        self.drills.keys.insert(key, Kin { of: key, holder });
    }

    /// What makes a key known that a call of a drill made; nothing where the drill is over, or
    /// has made enough.
    pub(crate) fn mint_in_drill(&self, parent: KeyId, (pepper, verifier): (PepperId, Verifier)) -> Option<Change> {
        let of = self.drills.keys.get(&parent)?.of;
        let goes_on = self.drills.open.contains_key(&of) && self.key(parent).is_some();
        let room = self.drill_keys(of).count() <= MOST_CHILDREN;
        (goes_on && room).then(|| Change::DrillMinted { key: self.next_key(), verifier, pepper, parent })
    }

    pub(crate) fn drill_minted(&mut self, id: KeyId, known_by: (Verifier, PepperId), parent: KeyId, at: Timestamp) {
        self.newest_pepper = Some(known_by.1);
        self.last_key = self.last_key.max(id.0);
        let Some(Kin { of, holder }) = self.drills.keys.get(&parent) else { return };
        let (of, holder) = (*of, *holder);
        let Some(made) = self.key(parent).cloned() else { return };
        let alike = self.alike.share(Alike { place: DRILL.into(), scopes: None });
        let mut key = Key::adopted(id, known_by, alike, at, made.first_source, Some(holder), Some(parent), None);
        key.set_drill(made.name().unwrap_or(DRILL), made.end().unwrap_or(at));
        self.keys.insert(id.0, Arc::new(key));
        self.containing.minted(parent, id);
        self.inherit(id, Some(parent));
        self.drills.keys.insert(id, Kin { of, holder });
    }

    pub(crate) fn drill_ended(&mut self, key: KeyId, card: &Card, at: Timestamp) {
        let Some(Drill { scenario, .. }) = self.drills.open.remove(&key) else { return };
        for key in self.drill_keys(key).collect::<Vec<_>>() {
            self.containing.forget(key, None);
        }
        // One that broke off is nothing to compare with.
        if card.broken_off.is_none()
            && (self.drills.last.len() < MOST_CARDS || self.drills.last.contains_key(&scenario))
        {
            self.drills.last.insert(scenario, Drilled { key, at, card: card.clone() });
        }
    }
}
