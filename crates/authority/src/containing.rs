//! What the gate does about keys by itself, on what it saw: kept like all else that is true.
//!
//! A containment stands at one key. What that key made, and what that made, is held with it:
//! looked up when it calls, so that nobody escapes by making a key in the same moment.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp};
use law::{Containment, KeyId, Refusal, Step};

use crate::{
    Declined, Key,
    change::Change,
    state::{State, cut},
};

/// For so long nothing is done about a key whose containment a person lifted.
const CALM: SignedDuration = SignedDuration::from_hours(1);

/// What holds keys, and what they made.
#[derive(Debug, Default)]
pub(crate) struct Containing {
    pub(crate) held: BTreeMap<KeyId, Vec<Containment>>,
    calm: BTreeMap<KeyId, Timestamp>,
    /// The keys that adopted keys made.
    minted: BTreeMap<KeyId, BTreeSet<KeyId>>,
}

/// So many of the keys that one key made are named.
const MOST_NAMED: usize = 256;

impl Containing {
    pub(crate) fn minted(&mut self, parent: KeyId, child: KeyId) {
        self.minted.entry(parent).or_default().insert(child);
    }

    /// A key is gone.
    pub(crate) fn forget(&mut self, key: KeyId, parent: Option<KeyId>) {
        self.held.remove(&key);
        self.calm.remove(&key);
        self.minted.remove(&key);
        if let Some(parent) = parent
            && let Some(children) = self.minted.get_mut(&parent)
        {
            children.remove(&key);
            if children.is_empty() {
                self.minted.remove(&parent);
            }
        }
    }
}

impl State {
    /// The keys that something holds, and what.
    pub fn contained(&self, now: Timestamp) -> impl Iterator<Item = (KeyId, impl Iterator<Item = &Containment>)> {
        let works = move |containment: &&Containment| containment.until > now;
        let held = self.containing.held.iter();
        held.filter(move |(_, held)| held.iter().any(|it| works(&it)))
            .map(move |(key, held)| (*key, held.iter().filter(works)))
    }

    /// What holds a key: at itself, and at those that made it.
    pub fn containments(&self, key: KeyId, now: Timestamp) -> Vec<Containment> {
        let held = self.makers(key).into_iter().filter_map(|maker| Some((maker, self.containing.held.get(&maker)?)));
        let own = |(maker, held): (KeyId, &Vec<Containment>)| {
            let with = (maker != key).then_some(maker);
            held.iter()
                .filter(|containment| containment.until > now)
                .map(|containment| Containment { key, with, ..containment.clone() })
                .collect::<Vec<_>>()
        };
        held.flat_map(own).collect()
    }

    /// What holds a key itself.
    pub fn contained_itself(&self, key: KeyId, now: Timestamp) -> Vec<Containment> {
        let held = self.containing.held.get(&key).into_iter().flatten();
        held.filter(|containment| containment.until > now).cloned().collect()
    }

    /// The keys whose containment a person has just lifted, and until when nothing is done about
    /// more of the same: the watch knows what that was.
    pub fn calm(&self, now: Timestamp) -> impl Iterator<Item = (KeyId, Timestamp)> {
        self.containing.calm.iter().map(|(key, until)| (*key, *until)).filter(move |(_, until)| *until > now)
    }

    /// The key itself and those that made it, the nearest first. Who made a key has a lower
    /// number: it comes to an end.
    pub fn makers(&self, key: KeyId) -> Vec<KeyId> {
        let maker = |id: &KeyId| self.key(*id).and_then(|key| key.parent()).filter(|parent| parent < id);
        std::iter::successors(Some(key), maker).collect()
    }

    /// The key and what it made, and they made: the nearest first, and no more than can be read.
    pub fn family(&self, key: KeyId) -> Vec<KeyId> {
        let mut family = vec![key];
        let mut place = 0;
        while let Some(id) = family.get(place).filter(|_| family.len() < MOST_NAMED) {
            let minted = self.containing.minted.get(id).into_iter().flatten();
            let next = minted.chain(self.below.get(id).into_iter().flatten()).copied();
            family.extend(next.take(MOST_NAMED).collect::<Vec<_>>());
            place += 1;
        }
        family.truncate(MOST_NAMED);
        family
    }

    /// Of these keys, those that are this one or were made by it, or by what it made. Who made
    /// many keys must not make it dear to contain it: nobody goes through all of them.
    pub(crate) fn made_by(&self, key: KeyId, keys: impl IntoIterator<Item = KeyId>) -> HashSet<KeyId> {
        keys.into_iter().filter(|of| self.makers(*of).contains(&key)).collect()
    }

    /// What of these is to be written down: not what holds already for as long.
    pub(crate) fn contain(&self, containments: &[Containment]) -> Vec<Change> {
        let is_new = |new: &&Containment| {
            let held = self.containing.held.get(&new.key).into_iter().flatten();
            self.key(new.key).is_some()
                && new.step >= Step::StepUp
                && new.with.is_none()
                && !held
                    .into_iter()
                    .any(|held| (held.step, held.powers) == (new.step, new.powers) && held.until >= new.until)
        };
        let change = |Containment { key, step, powers, until, reason, .. }: &Containment| Change::KeyContained {
            key: *key,
            step: *step,
            powers: *powers,
            until: *until,
            why: reason.clone(),
        };
        containments.iter().filter(is_new).map(change).collect()
    }

    /// A person's yes answers what a step-up asks: nothing is asked of the key any more.
    pub(crate) fn answered(&self, key: KeyId, now: Timestamp) -> Vec<Change> {
        let asks = |key: &KeyId| {
            let held = self.containing.held.get(key);
            held.into_iter().flatten().any(|held| held.step == Step::StepUp && held.until > now)
        };
        let lifted = |key| Change::KeyLifted { key, up_to: Step::StepUp, calm: None };
        Some(key).filter(asks).map(lifted).into_iter().collect()
    }

    pub(crate) fn lift(&self, key: KeyId, now: Timestamp) -> Result<Change, Declined> {
        let containments = self.containments(key, now);
        if containments.iter().any(|containment| containment.with.is_none()) {
            let calm = now.checked_add(CALM).ok();
            return Ok(Change::KeyLifted { key, up_to: Step::Revoke, calm });
        }
        Err(match containments.first().and_then(|containment| containment.with) {
            Some(with) => Declined::ContainedWith(key, with),
            None => Declined::NotContained(key),
        })
    }

    pub(crate) fn obey_containment(&mut self, change: &Change, at: Timestamp) {
        match change {
            Change::KeyContained { key, step, powers, until, why } => {
                // What has ended goes, whoever it held.
                self.containing.held.retain(|_, held| {
                    held.retain(|held| held.until > at);
                    !held.is_empty()
                });
                let held = self.containing.held.entry(*key).or_default();
                // The same for longer takes its own place.
                held.retain(|held| (held.step, held.powers) != (*step, *powers));
                held.push(Containment {
                    key: *key,
                    step: *step,
                    powers: *powers,
                    from: at,
                    until: *until,
                    reason: why.clone(),
                    lift: format!("greave watch lift {key}"),
                    with: None,
                });
                self.fall_contained(*key, *step);
            }
            Change::KeyLifted { key, up_to, calm } => {
                if let Some(held) = self.containing.held.get_mut(key) {
                    held.retain(|held| held.until > at && held.step > *up_to);
                    if held.is_empty() {
                        self.containing.held.remove(key);
                    }
                }
                self.containing.calm.retain(|_, until| *until > at);
                if let Some(calm) = calm {
                    self.containing.calm.insert(*key, *calm);
                }
            }
            _ => {}
        }
    }

    /// What a contained key has in flight falls: all of it, or what is sensitive or not usual. Of
    /// what it made, the questions are closed here; the rest looks at its makers.
    fn fall_contained(&mut self, key: KeyId, step: Step) {
        if !step.contains() {
            return;
        }
        if let Some(key) = self.keys.get_mut(key.0) {
            if matches!(step, Step::Disable | Step::Revoke) {
                cut(key);
            } else {
                cut_wary(key);
            }
        }
        let windows = self.windows.keys().map(|(key, _)| *key);
        let open = self.questions.values().filter(|asked| asked.closed.is_none()).map(|asked| asked.question.key);
        let fallen = self.made_by(key, windows.chain(open));
        self.fell(&fallen, Refusal::Contained);
    }
}

fn cut_wary(key: &mut std::sync::Arc<Key>) {
    let before = std::mem::replace(key, std::sync::Arc::new(key.changed(|_| ())));
    before.replaced_by(key);
    before.fall_wary();
}
