//! The keys that a person answers for, as the desk shows them to them: their own, those of programs
//! that they own, and those where they are a deputy.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

use authority::{Key, People, State};
use jiff::Timestamp;
use law::{HolderId, HolderKind, KeyId, Refusal, Standing, Step};
use record::Used;

use crate::{
    Desk,
    listing::{Row, Sheet, mentions},
    reaching::Reach,
};

/// As what a person answers for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// It is theirs.
    Holder,
    /// They own the program that has it.
    Owner,
    /// They are a deputy of its holder.
    Deputy,
    /// They do not; an administrator sees it all the same.
    Not,
}

/// A key, for somebody who answers for it or administers the gate.
pub(crate) struct OwnKey {
    pub(crate) id: KeyId,
    pub(crate) name: Option<String>,
    pub(crate) holder: Option<String>,
    pub(crate) answers: Answers,
    /// What its issuer's tokens say of it, where it is known by that.
    pub(crate) claim: Option<String>,
    pub(crate) place: String,
    pub(crate) issued: bool,
    pub(crate) born: Timestamp,
    pub(crate) end: Option<Timestamp>,
    pub(crate) past_limit: bool,
    pub(crate) used: Used,
    pub(crate) reach: Reach,
    /// Why it does not work, where it does not.
    pub(crate) refusal: Option<Refusal>,
    /// Whether it works only until its successor's grace is over.
    pub(crate) retiring: bool,
    /// The strictest of what holds it.
    pub(crate) held: Option<Step>,
    pub(crate) parent: Option<KeyId>,
    pub(crate) children: Vec<KeyId>,
}

/// A page of them.
pub(crate) struct OwnKeys {
    pub(crate) keys: Vec<OwnKey>,
    /// How many there are on all pages.
    pub(crate) found: usize,
    /// Since when it is known how keys are used; nothing where it is not known.
    pub(crate) usage_since: Option<Timestamp>,
}

/// Which keys.
pub(crate) struct Wanted {
    pub(crate) person: HolderId,
    /// Those for which others answer, too.
    pub(crate) all: bool,
    /// Only those whose names contain this text.
    pub(crate) query: String,
    pub(crate) offset: usize,
    pub(crate) limit: usize,
}

/// Whether somebody answers for a key now, and as what.
pub(crate) fn answers(people: &People, key: &Key, person: HolderId) -> Answers {
    let Some(holder) = key.holder().and_then(|holder| people.holder(holder)) else { return Answers::Not };
    if !people.answerers(holder.id).contains(&person) {
        return Answers::Not;
    }
    match holder.kind {
        HolderKind::Person if holder.id == person => Answers::Holder,
        HolderKind::Workload | HolderKind::Vendor if holder.owner == Some(person) => Answers::Owner,
        _ => Answers::Deputy,
    }
}

/// The keys that are wanted: first those that work, of them first what was used last. Blocks its
/// thread where there are many.
pub(crate) fn keys(desk: &Desk, wanted: &Wanted, now: Timestamp) -> OwnKeys {
    let Wanted { person, all, query, offset, limit } = wanted;
    let mut sheet = Sheet::of(desk, now);
    let people = sheet.people.clone();
    let mut rows = sheet.rows(|key| *all || answers(&people, key, *person) != Answers::Not);
    let query = query.trim().to_lowercase();
    rows.retain(|row| query.is_empty() || mentions(&row.key, &row.brief, &query));
    rows.sort_by_key(|row| (!row.works, Reverse(row.used.last.map(|(at, _)| at)), Reverse(row.key.id)));
    let found = rows.len();
    let rows: Vec<Row> = rows.into_iter().skip(*offset).take(*limit).collect();
    let shown: HashSet<KeyId> = rows.iter().map(|row| row.key.id).collect();
    let mut children: HashMap<KeyId, Vec<KeyId>> = HashMap::new();
    for key in &sheet.keys {
        if let Some(parent) = key.parent().filter(|parent| shown.contains(parent)) {
            children.entry(parent).or_default().push(key.id);
        }
    }
    let held = |key: KeyId| move |state: &State| state.containments(key, now).iter().map(|held| held.step).max();
    let own = |row: Row| {
        let Row { key, brief, reach, used, .. } = row;
        let id = key.id;
        OwnKey {
            id,
            name: key.name().map(str::to_owned),
            holder: brief.name.clone(),
            answers: answers(&people, &key, *person),
            claim: key.claim().map(ToString::to_string),
            place: key.place().to_owned(),
            issued: key.issued().is_some(),
            born: key.born(),
            end: key.end(),
            past_limit: sheet.lifetimes.is_past(&key, now),
            used,
            reach,
            refusal: desk.authority.refusal(id, now),
            retiring: key.standing == Standing::Retiring,
            held: desk.authority.view(held(id)),
            parent: key.parent(),
            children: children.remove(&id).unwrap_or_default(),
        }
    };
    OwnKeys { usage_since: sheet.usage_since(), keys: rows.into_iter().map(own).collect(), found }
}
