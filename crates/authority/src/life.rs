//! How long keys live: when each ends, by what was said of it, by the longest life that the
//! operator allows, and by the keys above it. Pure.

use jiff::{SignedDuration, Timestamp};
use law::{KeyId, Span, Standing};

use crate::{
    change::Change,
    declined::Declined,
    key::Key,
    propose::check_name,
    state::{Holder, State},
};

/// How long keys live, as the operator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// How long an issued key lives where nobody says.
    pub usual: Span,
    /// How long a key may live. An issued one ends then at the latest; an adopted one is past
    /// the limit.
    pub longest: Span,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { usual: Span::days(90), longest: Span::days(365) }
    }
}

impl Lifetimes {
    /// Until when a key may live.
    pub fn limit(&self, key: &Key) -> Timestamp {
        self.longest.after(key.born())
    }

    /// Whether a key that works lives longer than it may, as far as is known: its end is later,
    /// or nobody knows one and it has been there for so long already. What was first seen
    /// today may be old; that is not known, and not said.
    pub fn is_past(&self, key: &Key, now: Timestamp) -> bool {
        key.standing.works() && key.end().unwrap_or(now) > self.limit(key)
    }

    /// Whether a key may be issued now with this end.
    pub(crate) fn check(&self, now: Timestamp, end: Timestamp) -> Result<(), Declined> {
        if end > self.longest.after(now) { Err(Declined::TooLong(self.longest)) } else { Ok(()) }
    }
}

impl State {
    /// How long keys live.
    pub const fn lifetimes(&self) -> Lifetimes {
        self.lifetimes
    }

    /// What saying a name or an end changes.
    pub(crate) fn change_key(
        &self,
        id: KeyId,
        name: Option<&str>,
        end: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Vec<Change>, Declined> {
        let key = self.key(id).ok_or(Declined::NoKey(id))?;
        let mut changes = Vec::new();
        if let Some(name) = name {
            check_name(name)?;
            changes.push(Change::KeyNamed { key: id, name: Some(name.to_owned()), holder: None });
        }
        if let Some(end) = end {
            self.check_end(key, end, now)?;
            changes.push(Change::KeyEndSet { key: id, end });
        }
        Ok(changes)
    }

    /// What saying the ends of several keys changes. What is as it is said stays.
    pub(crate) fn end_keys(&self, ends: &[(KeyId, Timestamp)], now: Timestamp) -> Result<Vec<Change>, Declined> {
        let mut changes = Vec::new();
        for (id, end) in ends {
            let key = self.key(*id).ok_or(Declined::NoKey(*id))?;
            if key.end() != Some(*end) {
                self.check_end(key, *end, now).map_err(|declined| Declined::OfKey(*id, Box::new(declined)))?;
                changes.push(Change::KeyEndSet { key: *id, end: *end });
            }
        }
        Ok(changes)
    }

    /// An earlier end is always well. A later one is like issuing: no later than the key could
    /// have ended if it were issued at its birth, nor than its parent. When an adopted key was
    /// born nobody knows; it may live on for as long as a key that is issued now.
    pub(crate) fn check_end(&self, key: &Key, end: Timestamp, now: Timestamp) -> Result<(), Declined> {
        match key.standing {
            Standing::Revoked => return Err(Declined::Revoked(key.id)),
            Standing::Retired => return Err(Declined::Retired(key.id)),
            Standing::Active | Standing::Retiring | Standing::Disabled => {}
        }
        if end < now {
            return Err(Declined::EndsBeforeNow(key.id));
        }
        if key.end().is_none_or(|known| end <= known) {
            return Ok(());
        }
        let born = if key.issued().is_some() { key.born() } else { now };
        self.lifetimes.check(born, end)?;
        let parent = key.parent().filter(|_| key.issued().is_some()).and_then(|parent| self.key(parent));
        match parent.and_then(|parent| parent.end()) {
            Some(latest) if end > latest => Err(Declined::OutlivesParent(latest)),
            _ => Ok(()),
        }
    }

    /// A key and the issued keys below it: whoever uses one of those needs it, too.
    pub fn line_below(&self, id: KeyId) -> Vec<KeyId> {
        let mut line = vec![id];
        let mut place = 0;
        while let Some(id) = line.get(place) {
            line.extend(self.below.get(id).into_iter().flatten());
            place += 1;
        }
        line
    }

    /// Whether a key calls with a credential that a call made, with no person's act: then it hangs
    /// on every key above it. Whoever stops one of these stops what its calls made.
    pub(crate) fn hangs(&self, key: &Key) -> bool {
        let made = |id: KeyId| self.key(id).is_some_and(|key| key.stands_for().is_some());
        key.stands_for().is_some() || self.ancestors(key.id).into_iter().any(made)
    }

    /// Whether a key hangs on one above it that does not work. Their ends bind it anyway.
    pub fn is_stopped_above(&self, key: &Key) -> bool {
        let stands = |id: KeyId| {
            self.key(id).is_some_and(|above| {
                let holder = above.holder().and_then(|holder| self.holder(holder));
                above.standing.works() && !holder.is_some_and(Holder::stops_keys)
            })
        };
        self.hangs(key) && !self.ancestors(key.id).into_iter().all(stands)
    }

    /// A key and those below it that hang on it.
    pub fn falls_with(&self, id: KeyId) -> Vec<KeyId> {
        let hangs = |below: &KeyId| *below == id || self.key(*below).is_some_and(|key| self.hangs(key));
        self.line_below(id).into_iter().filter(hangs).collect()
    }

    /// Binds a key and those below it to the ends that follow from what was said.
    pub(crate) fn age(&mut self, id: KeyId) {
        for id in self.line_below(id) {
            self.bind(id);
        }
    }

    /// Lets keys live by this from now on. Gives back the keys whose ends have changed.
    pub(crate) fn live_by(&mut self, lifetimes: Lifetimes) -> Vec<KeyId> {
        self.lifetimes = lifetimes;
        let issued: Vec<KeyId> = self.keys().filter(|key| key.issued().is_some()).map(|key| key.id).collect();
        issued.into_iter().filter(|id| self.bind(*id)).collect()
    }

    /// Whether that changed something.
    pub(crate) fn bind(&mut self, id: KeyId) -> bool {
        let Some(key) = self.key(id).filter(|key| key.issued().is_some()) else { return false };
        let end = self.last_moment(key, self.lifetimes).min(key.grace());
        let changes = end != key.binding_end();
        if changes {
            self.with_key(id, |key| key.bind_to(end));
        }
        changes
    }

    /// When an issued key ends at the latest: by itself, and by every key above it; where it
    /// hangs on them, with their grace, too.
    pub(crate) fn last_moment(&self, key: &Key, lifetimes: Lifetimes) -> i64 {
        let hangs = self.hangs(key);
        let above = self.ancestors(key.id).into_iter().filter_map(|id| self.key(id));
        let moment = |above: &Key| {
            let own = Self::own_moment(above, lifetimes);
            if hangs { own.min(above.grace()) } else { own }
        };
        above.map(|above| moment(above)).fold(Self::own_moment(key, lifetimes), i64::min)
    }

    /// The same by itself.
    pub(crate) fn own_moment(key: &Key, lifetimes: Lifetimes) -> i64 {
        let longest = SignedDuration::from(lifetimes.longest);
        let longest = i64::try_from(longest.as_micros()).unwrap_or(i64::MAX);
        key.own_end().min(key.born_at().saturating_add(longest)).max(key.put_off_until())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use law::{HolderId, Powers};
    use proptest::prelude::*;

    use super::*;
    use crate::{
        PepperId, Scope,
        change::{Actor, Written},
        verifier::{Peppers, SecretDigest},
    };

    const DAY: i64 = 86_400;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + day * DAY).unwrap()
    }

    /// What happens to a few keys: issued on a day, below another or not, with an end; or an end
    /// is said of one, or put off; or the longest life changes.
    #[derive(Clone, Debug)]
    enum Act {
        Issue(Option<usize>, i64),
        End(usize, i64),
        PutOff(usize, i64),
        Live(u32),
    }

    fn any_act() -> impl Strategy<Value = Act> {
        prop_oneof![
            (prop::option::of(0..6_usize), 1..400_i64).prop_map(|(parent, end)| Act::Issue(parent, end)),
            (0..6_usize, 0..400_i64).prop_map(|(key, end)| Act::End(key, end)),
            (0..6_usize, 0..400_i64).prop_map(|(key, until)| Act::PutOff(key, until)),
            (1..400_u32).prop_map(Act::Live),
        ]
    }

    fn issued(id: u64, parent: Option<u64>, end: Timestamp) -> Change {
        let peppers = Peppers::new((PepperId(1), &[1; 32]), None);
        let (pepper, verifier) = peppers.verifier(&SecretDigest::of(&id.to_be_bytes()));
        let scope = Scope { powers: Powers::EVERY, operations: Vec::new(), sources: Vec::new() };
        let (name, holder, limits) = (None, HolderId(1), Vec::new());
        let parent = parent.map(KeyId);
        Change::KeyIssued { id: KeyId(id), verifier, pepper, name, holder, parent, scope, limits, end }
    }

    proptest! {
        #[test]
        fn an_issued_key_ends_with_whatever_binds_it_first_and_replaying_says_the_same(
            acts in prop::collection::vec(any_act(), 1..20),
        ) {
            let mut state = State::default();
            let mut written: Vec<(Written, Timestamp)> = Vec::new();
            let mut said: Vec<i64> = Vec::new();
            let mut put_off: HashMap<usize, i64> = HashMap::new();
            for (day, act) in (0_i64..).zip(acts) {
                let change = match act {
                    Act::Issue(parent, end) => {
                        said.push(end);
                        let parent = parent.filter(|parent| *parent + 1 < said.len()).map(|parent| parent as u64 + 1);
                        issued(said.len() as u64, parent, at(end))
                    }
                    Act::End(key, end) if key < said.len() => {
                        said[key] = end;
                        put_off.remove(&key);
                        Change::KeyEndSet { key: KeyId(key as u64 + 1), end: at(end) }
                    }
                    Act::PutOff(key, until) if key < said.len() => {
                        put_off.insert(key, until);
                        Change::KeyEndPutOff { key: KeyId(key as u64 + 1), until: at(until) }
                    }
                    Act::End(..) | Act::PutOff(..) => continue,
                    Act::Live(days) => {
                        state.live_by(Lifetimes { longest: Span::days(days), ..Lifetimes::default() });
                        continue;
                    }
                };
                let entry = Written::new(Actor::Operator, change);
                state.obey(&entry, at(day));
                written.push((entry, at(day)));
            }
            let ends = |state: &State| state.keys().map(|key| key.end()).collect::<Vec<_>>();
            for key in state.keys() {
                let place = usize::try_from(key.id.0).unwrap() - 1;
                let own = at(said[place]).min(state.lifetimes().limit(key));
                let own = put_off.get(&place).map_or(own, |until| own.max(at(*until)));
                let above = key.parent().and_then(|parent| state.key(parent)?.end());
                prop_assert_eq!(key.end(), Some(above.map_or(own, |above| above.min(own))));
            }
            let mut again = State::default();
            again.live_by(state.lifetimes());
            written.iter().for_each(|(entry, at)| again.obey(entry, *at));
            prop_assert_eq!(ends(&state), ends(&again));
        }
    }
}
