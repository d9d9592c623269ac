//! Joins what logs say with the keys and accounts that other inputs know.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use law::Powers;

use super::{
    Made,
    fold::{Began, Caller, Fold, LogFold, Name},
    rhythm::silences,
    seen::{Child, Exposed, Log, Seen, Somebody},
};
use crate::{
    estate::{Because, Blind, Estate, Ix, Key, Known, Moment, Place, Reach, Standing},
    provider::count,
};

/// So many whom nobody names are told of each log, and so much of what they did.
const STRANGERS: usize = 20;
const THEIR_ACTIONS: usize = 10;

/// A key that an export dates so close to an event that made one is the one that it made.
const SAME_MOMENT: SignedDuration = SignedDuration::from_mins(5);

/// Where the keys of an estate are found.
struct Index {
    by_id: HashMap<(String, String), Ix>,
    /// By id or name in whatever realm; none where two are called so.
    by_word: HashMap<String, Option<Ix>>,
    by_holder: HashMap<Ix, Vec<Ix>>,
    /// Those of which only logs know.
    fresh: HashSet<Ix>,
}

impl Index {
    fn of(estate: &Estate) -> Self {
        let mut index =
            Self { by_id: HashMap::new(), by_word: HashMap::new(), by_holder: HashMap::new(), fresh: HashSet::new() };
        for (ix, key) in estate.keys.iter().enumerate() {
            index.add(ix, key);
        }
        for (realm, other, id) in &estate.aliases {
            if let Some(ix) = index.by_id.get(&(realm.clone(), id.to_lowercase())).copied() {
                index.by_id.insert((realm.clone(), other.to_lowercase()), ix);
            }
        }
        index
    }

    fn add(&mut self, ix: Ix, key: &Key) {
        self.by_id.entry((key.realm.clone(), key.id.to_lowercase())).or_insert(ix);
        for word in [Some(&key.id), key.name.as_ref()].into_iter().flatten() {
            let slot = self.by_word.entry(word.to_lowercase()).or_insert(Some(ix));
            if *slot != Some(ix) {
                *slot = None;
            }
        }
        for holder in &key.holders {
            self.by_holder.entry(*holder).or_default().push(ix);
        }
    }

    fn named(&self, realm: &str, id: &str) -> Option<Ix> {
        let id = id.to_lowercase();
        let here = self.by_id.get(&(realm.to_owned(), id.clone())).copied();
        here.or_else(|| self.by_word.get(&id).copied().flatten())
    }

    /// The keys of a holder that are not switched off.
    fn of_holder(&self, estate: &Estate, holder: Ix, form: Option<&str>) -> Vec<Ix> {
        let is = |key: &Key| {
            key.standing != Standing::Disabled && form.is_none_or(|form| key.form.eq_ignore_ascii_case(form))
        };
        let keys = self.by_holder.get(&holder).map(Vec::as_slice).unwrap_or_default().iter().copied();
        keys.filter(|ix| !self.fresh.contains(ix) && estate.keys.get(*ix).is_some_and(is)).collect()
    }
}

/// Joins everything.
pub(super) fn join(mut fold: Fold, estate: &mut Estate, as_of: Timestamp) {
    let callers = unsessioned(&mut fold, estate);
    let Fold { logs, actions, ended, full, .. } = fold;
    let mut index = Index::of(estate);
    let mut somebody: HashMap<usize, Vec<Somebody>> = HashMap::new();
    let mut made: Vec<(Ix, Vec<(Timestamp, Made)>)> = Vec::new();
    for (mut caller, role) in callers {
        let Some(log) = logs.get(caller.log) else { continue };
        let children = std::mem::take(&mut caller.made);
        match caller.name.clone() {
            Name::Somebody(who) => somebody.entry(caller.log).or_default().push(stranger(caller, who, &actions)),
            Name::Account { realm, name } => {
                let seen = through(role, seen(caller, log, true, &actions));
                let (_, account) = estate.account(&realm, &name, &log.place);
                note(&mut account.seen, &seen);
            }
            Name::Key { realm, id, holder, form, otherwise } => {
                let keys = keys_of(estate, &mut index, log, (&realm, &id), holder.as_deref(), form, otherwise);
                let seen = through(role, seen(caller, log, true, &actions));
                attach(estate, keys, seen, &children, &mut made);
            }
            // None is left: each has become its origin, or nobody.
            Name::Session { .. } => {}
            Name::Named(name) => {
                let keys = called(estate, &mut index, log, &name);
                attach(estate, keys, seen(caller, log, true, &actions), &children, &mut made);
            }
        }
    }
    for (parent, children) in made {
        let children: Vec<Child> =
            children.into_iter().map(|(at, made)| child(estate, &index, made, at, &ended, as_of)).collect();
        if let Some(parent) = estate.keys.get_mut(parent) {
            parent.children.extend(children);
        }
    }
    if let (true, Some(log)) = (full, logs.first()) {
        estate.blind.push(Blind {
            what: "the logs name more callers, or more different things that they did, than are kept apart; beyond that they are only counted".to_owned(),
            mend: "audit the logs of one account or one server at a time".to_owned(),
            place: log.place.clone(),
        });
    }
    estate.logs.extend(logs.into_iter().enumerate().map(|(at, log)| told(log, somebody.remove(&at))));
}

/// The callers, in an order that is the same each time: those in a session are who began it, with
/// the role of the session.
fn unsessioned(fold: &mut Fold, estate: &mut Estate) -> Vec<(Caller, Option<String>)> {
    let mut callers = std::mem::take(&mut fold.callers);
    callers.sort_by(|one, other| order(&one.name).cmp(&order(&other.name)));
    let (mut calls, mut roles, mut place) = (0, std::collections::BTreeSet::new(), None);
    let mut named = Vec::with_capacity(callers.len());
    for mut caller in callers {
        let Name::Session { id, role } = &caller.name else {
            named.push((caller, None));
            continue;
        };
        let role = role.clone();
        match fold.origin(id).cloned() {
            Some(Began::Key { realm, id, holder }) => {
                let holder = Some(holder).filter(|holder| !holder.is_empty());
                caller.name = Name::Key { realm, id, holder, form: "access key", otherwise: true };
                named.push((caller, Some(role)));
            }
            Some(Began::Account { realm, name }) => {
                caller.name = Name::Account { realm, name };
                named.push((caller, Some(role)));
            }
            Some(Began::Session(_) | Began::Elsewhere) => {}
            None => {
                calls += caller.calls;
                roles.insert(role);
                place = place.or_else(|| fold.logs.get(caller.log).map(|log| log.place.clone()));
            }
        }
    }
    if let Some(place) = place {
        let roles = count(roles.len(), "role");
        estate.blind.push(Blind {
            what: format!("who made {calls} calls in sessions of {roles}: no log among the inputs shows how they began"),
            mend: "give the trail of all regions from a day earlier on, and of the account from which the roles were taken: its `AssumeRole` events say which key began a session".to_owned(),
            place,
        });
    }
    // Those that were seen before it was known who they are stand behind what is known by itself.
    named.sort_by(|(one, _), (other, _)| order(&one.name).cmp(&order(&other.name)));
    named
}

/// What was seen in sessions of a role.
fn through(role: Option<String>, mut seen: Seen) -> Seen {
    if let Some(role) = role {
        seen.in_roles = seen.actions.iter().cloned().collect();
        seen.roles = if role.is_empty() { Vec::new() } else { vec![role] };
    }
    seen
}

/// Callers in an order that does not hang on chance, so that a report is the same each time.
fn order(name: &Name) -> (u8, &str, &str) {
    match name {
        Name::Key { realm, id, .. } => (0, realm, id),
        Name::Named(name) => (1, name, ""),
        Name::Account { realm, name } => (2, realm, name),
        Name::Session { id, role } => (4, role, id),
        Name::Somebody(who) => {
            let (source, program) =
                who.as_ref().map_or((None, None), |(source, program)| (source.as_deref(), program.as_deref()));
            (3, source.unwrap_or_default(), program.unwrap_or_default())
        }
    }
}

/// The keys that a log's key may be; and whether it is surely that one.
fn keys_of(
    estate: &mut Estate,
    index: &mut Index,
    log: &LogFold,
    (realm, id): (&str, &str),
    holder: Option<&str>,
    form: &'static str,
    otherwise: bool,
) -> (Vec<Ix>, bool) {
    if let Some(ix) = index.named(realm, id) {
        return (vec![ix], true);
    }
    let holder = holder.map(|holder| estate.account(realm, holder, &log.place).0);
    if let Some(holder) = holder.filter(|_| otherwise) {
        // A holder with one key is seen with that.
        let keys = index.of_holder(estate, holder, Some(form));
        if let [one] = keys.as_slice() {
            if let Some(key) = estate.keys.get_mut(*one) {
                key.name.get_or_insert_with(|| id.to_owned());
            }
            return (keys, true);
        }
        if !keys.is_empty() {
            return (keys, false);
        }
    }
    (vec![fresh(estate, index, log, (realm, id), holder, form)], true)
}

/// The keys that are called so, or whose holder is.
fn called(estate: &mut Estate, index: &mut Index, log: &LogFold, name: &str) -> (Vec<Ix>, bool) {
    if let Some(ix) = index.named("", name) {
        return (vec![ix], true);
    }
    let holder = estate.named("", name).map(|account| (account.realm.clone(), account.name.clone()));
    let (realm, holder_name) = holder.unwrap_or_else(|| (String::new(), name.to_owned()));
    let (holder, _) = estate.account(&realm, &holder_name, &log.place);
    let keys = index.of_holder(estate, holder, None);
    if keys.is_empty() {
        return (vec![fresh(estate, index, log, (&realm, name), Some(holder), "user of a log")], true);
    }
    let alone = keys.len() == 1;
    (keys, alone)
}

/// A key of which no other input knows: it works, for it was seen at work.
fn fresh(
    estate: &mut Estate,
    index: &mut Index,
    log: &LogFold,
    (realm, id): (&str, &str),
    holder: Option<Ix>,
    form: &str,
) -> Ix {
    let key = estate.key(log.provider, realm, id, &log.place);
    form.clone_into(&mut key.form);
    key.holders = holder.into_iter().collect();
    key.standing = Standing::Active;
    if log.provider == "aws" {
        key.end = Moment::Never;
    }
    let ix = estate.keys.len() - 1;
    if let Some(key) = estate.keys.get(ix) {
        index.add(ix, key);
    }
    index.fresh.insert(ix);
    ix
}

fn attach(
    estate: &mut Estate,
    (keys, alone): (Vec<Ix>, bool),
    mut seen: Seen,
    children: &[(Timestamp, Made)],
    made: &mut Vec<(Ix, Vec<(Timestamp, Made)>)>,
) {
    seen.alone = alone;
    seen.made = children.iter().map(|(_, made)| label(made)).collect();
    for ix in keys {
        if let Some(key) = estate.keys.get_mut(ix) {
            if alone && key.last_use.at().is_none_or(|at| at < seen.last) {
                key.last_use = Moment::At(seen.last);
            }
            note(&mut key.seen, &seen);
        }
        if !children.is_empty() {
            made.push((ix, children.to_vec()));
        }
    }
}

fn note(slot: &mut Option<Seen>, seen: &Seen) {
    match slot {
        Some(before) => before.join(seen),
        none => *none = Some(seen.clone()),
    }
}

fn label(made: &Made) -> String {
    match &made.holder {
        Some(holder) => format!("{} of {holder}", made.id),
        None => made.id.clone(),
    }
}

/// What became of a credential that a key made.
fn child(
    estate: &Estate,
    index: &Index,
    made: Made,
    at: Timestamp,
    ended: &HashSet<String>,
    as_of: Timestamp,
) -> Child {
    let Made { id, holder, realm } = made;
    let born_then = |ix: &Ix| {
        let born = estate.keys.get(*ix).and_then(|key| key.born.at());
        born.is_some_and(|born| born.duration_since(at).abs() <= SAME_MOMENT)
    };
    let by_birth = || {
        let account = estate.place_of(&realm, holder.as_deref()?)?;
        index.by_holder.get(&account)?.iter().copied().find(born_then)
    };
    let key = index.named(&realm, &id).or_else(by_birth).and_then(|ix| estate.keys.get(ix));
    let lives = match key {
        _ if ended.contains(&id) => Known::No,
        Some(key) => key.lives(as_of).into(),
        None => Known::Unknown,
    };
    Child { id, holder, at, key: key.map(|key| key.id.clone()), lives }
}

fn seen(caller: Caller, log: &LogFold, alone: bool, names: &[Box<str>]) -> Seen {
    let Caller { name: _, log: _, first, last, calls, denied, with, without, did, sources, programs, made: _, cut } =
        caller;
    let (mut powers, mut powers_without) = (Powers::NONE, Powers::NONE);
    let mut actions = Vec::with_capacity(did.len());
    let mut did_without = Vec::new();
    let mut on = BTreeMap::new();
    for (action, did) in did {
        let Some(name) = usize::try_from(action).ok().and_then(|at| names.get(at)) else { continue };
        powers = powers.union(did.powers);
        powers_without = powers_without.union(did.powers_without);
        actions.push((name.to_string(), did.times));
        if did.without {
            did_without.push(name.to_string());
        }
        if let Some(mut targets) = did.on {
            targets.sort_unstable();
            on.insert(name.to_string(), targets.into_iter().map(String::from).collect());
        }
    }
    actions.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let sorted = |mut all: Vec<Box<str>>| {
        all.sort_unstable();
        all.into_iter().map(String::from).collect()
    };
    Seen {
        first,
        last,
        calls,
        denied,
        with_second_factor: with,
        without_second_factor: without,
        actions,
        powers,
        powers_without,
        on,
        sources: sorted(sources),
        programs: sorted(programs),
        made: Vec::new(),
        roles: Vec::new(),
        in_roles: BTreeMap::new(),
        did_without,
        cut,
        alone,
        place: log.place.clone(),
    }
}

fn stranger(caller: Caller, who: Option<(Option<String>, Option<String>)>, names: &[Box<str>]) -> Somebody {
    let Caller { calls, denied, did, .. } = caller;
    let powers = did.values().fold(Powers::NONE, |powers, did| powers.union(did.powers));
    let name = |action: u32| usize::try_from(action).ok().and_then(|at| names.get(at));
    let mut actions: Vec<(String, u64)> =
        did.into_iter().filter_map(|(action, did)| Some((name(action)?.to_string(), did.times))).collect();
    actions.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    actions.truncate(THEIR_ACTIONS);
    let (source, program) = who.unwrap_or_default();
    Somebody { source, program, calls, denied, actions, powers }
}

fn told(log: LogFold, strangers: Option<Vec<Somebody>>) -> Log {
    let LogFold { provider, form, of, place, from, to, events, hours, mut changes, exposed, hour: _ } = log;
    let (gaps, rhythm_hours) = silences(&hours);
    changes.sort_by_key(|change| change.at);
    let mut exposed: Vec<Exposed> = exposed
        .into_iter()
        .map(|one| Exposed {
            within: one.within,
            lines: one.lines,
            different: one.different.len() as u64,
            place: one.place,
        })
        .collect();
    exposed.sort_by(|one, other| one.within.cmp(&other.within));
    let mut somebody = strangers.unwrap_or_default();
    somebody.sort_by_key(|one| std::cmp::Reverse(one.calls));
    somebody.truncate(STRANGERS);
    Log { provider, form, of, from, to, events, gaps, rhythm_hours, changes, exposed, somebody, place }
}

/// A key of which a log alone knows can do at least what it was seen to do.
pub(super) fn settle(estate: &mut Estate) {
    for key in &mut estate.keys {
        let Key { seen: Some(seen), because, with, without, places, .. } = key else { continue };
        if *with != Reach::default() || *without != Reach::default() || !because.is_empty() {
            continue;
        }
        let place = places.first().cloned().unwrap_or(Place { file: "the inputs".to_owned(), line: None });
        *with = Reach { surely: seen.powers, perhaps: Powers::EVERY.difference(seen.powers) };
        let without_one = seen.powers_without;
        *without = Reach { surely: without_one, perhaps: Powers::EVERY.difference(without_one) };
        if !without_one.is_empty() {
            because.push(Because {
                powers: without_one,
                what: "a log shows that it did".to_owned(),
                sure: true,
                place: seen.place.clone(),
            });
        }
        let what = "no other input says what it may do".to_owned();
        because.push(Because { powers: without.perhaps, what, sure: false, place });
    }
}
