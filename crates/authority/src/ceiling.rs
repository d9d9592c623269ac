//! Ceilings: what narrows a key that is there already, whoever made it. A ceiling only takes away,
//! from the key and from the keys below it; the law and an issued key's own scope come on top. Pure.

use std::{net::IpAddr, sync::Arc};

use jiff::Timestamp;
use law::{KeyId, Powers, Refusal, Standing};

use crate::{
    Key, Scope,
    change::Change,
    declined::Declined,
    state::{Closed, State},
};

/// How often a key may be narrowed before it must be widened.
const MOST: usize = 16;

/// What narrows a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// The key that was narrowed: the one that it binds, or one above that.
    pub of: KeyId,
    /// Since when.
    pub since: Timestamp,
    /// What the key may still be used for.
    pub scope: Scope,
}

impl Ceiling {
    /// Whether a call of this operation from this address is below the ceiling. What makes
    /// credentials must be named without a star, and what nobody described is above every ceiling.
    ///
    /// # Errors
    /// With the refusal for the caller.
    pub fn admits(&self, operation: &str, powers: Powers, source: IpAddr) -> Result<(), Refusal> {
        self.scope.admits(operation, powers, source).map_err(as_ceiling)
    }

    /// The same, whatever the address.
    ///
    /// # Errors
    /// With the refusal for the caller.
    pub fn admits_from_anywhere(&self, operation: &str, powers: Powers) -> Result<(), Refusal> {
        self.scope.admits_from_anywhere(operation, powers).map_err(as_ceiling)
    }
}

/// No credential of the API is kept in here: the operation is outside, that is all.
fn as_ceiling(refusal: Refusal) -> Refusal {
    if refusal == Refusal::CredentialOperation { Refusal::OutOfScope } else { refusal }
}

impl Key {
    /// Whether its scope and its ceilings admit a call of this operation, whatever the address.
    pub fn admits_from_anywhere(&self, operation: &str, powers: Powers) -> Result<(), Refusal> {
        if let Some(issued) = self.issued() {
            issued.scope.admits_from_anywhere(operation, powers)?;
        }
        self.ceilings().iter().try_for_each(|ceiling| ceiling.admits_from_anywhere(operation, powers))
    }

    /// The same from this address.
    pub fn admits(&self, operation: &str, powers: Powers, source: IpAddr) -> Result<(), Refusal> {
        if let Some(issued) = self.issued() {
            issued.scope.admits(operation, powers, source)?;
        }
        self.ceilings().iter().try_for_each(|ceiling| ceiling.admits(operation, powers, source))
    }

    /// Every scope that binds it: its own, where it was issued, and its ceilings.
    pub fn bounds(&self) -> impl Iterator<Item = &Scope> {
        let own = self.issued().map(|issued| &issued.scope);
        own.into_iter().chain(self.ceilings().iter().map(|ceiling| &ceiling.scope))
    }
}

impl State {
    /// What narrowing a key changes: for it, and for those that work beside it in its row, for a
    /// secret that leaked may be the one that was, or the one that is to come. Nothing where they
    /// are as narrow already.
    pub(crate) fn narrow(&self, id: KeyId, scope: &Scope) -> Result<Vec<Change>, Declined> {
        match self.known_key(id)? {
            Standing::Revoked => return Err(Declined::Revoked(id)),
            Standing::Retired => return Err(Declined::Retired(id)),
            Standing::Active | Standing::Retiring | Standing::Disabled => {}
        }
        if scope.powers.is_empty() {
            return Err(Declined::NarrowedToNothing(id));
        }
        let mut changes = Vec::new();
        for id in self.row(id) {
            let (mut number, mut last) = (0, None);
            for ceiling in self.own_ceilings(id) {
                (number, last) = (number + 1, Some(&ceiling.scope));
            }
            if last == Some(scope) {
                continue;
            }
            if number >= MOST {
                return Err(Declined::NarrowedTooOften(id));
            }
            changes.push(Change::KeyNarrowed { key: id, scope: scope.clone() });
        }
        Ok(changes)
    }

    /// What taking the last narrowing of a key back changes: for it, and for those of its row
    /// that were narrowed with it.
    pub(crate) fn widen(&self, id: KeyId) -> Result<Vec<Change>, Declined> {
        self.known_key(id)?;
        let last = |id: KeyId| self.own_ceilings(id).last().map(|ceiling| &ceiling.scope);
        let Some(scope) = last(id) else {
            return Err(match self.key(id).and_then(|key| key.ceilings().first()) {
                Some(above) => Declined::NarrowedAbove(id, above.of),
                None => Declined::NotNarrowed(id),
            });
        };
        let with_it = self.row(id).into_iter().filter(|other| *other == id || last(*other) == Some(scope));
        Ok(with_it.map(|key| Change::KeyWidened { key }).collect())
    }

    fn own_ceilings(&self, id: KeyId) -> impl Iterator<Item = &Arc<Ceiling>> {
        let ceilings = self.key(id).map(|key| key.ceilings()).unwrap_or_default();
        ceilings.iter().filter(move |ceiling| ceiling.of == id)
    }

    /// A key, and those before and after it whose secrets may work as well.
    fn row(&self, id: KeyId) -> Vec<KeyId> {
        let first = self.key(id).map_or(id, |key| key.counted_as());
        // Who takes a place has a higher number: it comes to an end.
        let after = |of: &KeyId| self.succession(*of).map(|it| it.successor).filter(|after| after > of);
        let stands = |key: &KeyId| {
            self.key(*key).is_some_and(|key| !matches!(key.standing, Standing::Revoked | Standing::Retired))
        };
        std::iter::successors(Some(first), after).filter(|key| *key == id || stands(key)).collect()
    }

    // What the changes do.

    pub(crate) fn narrowed(&mut self, id: KeyId, scope: &Scope, at: Timestamp) {
        let ceiling = Arc::new(Ceiling { of: id, since: at, scope: scope.clone() });
        let line = self.line_below(id);
        for key in &line {
            let before = self.key(*key).cloned();
            self.with_key(*key, |key| key.set_ceilings(|ceilings| ceilings.push(Arc::clone(&ceiling))));
            // What it has in flight is held against the ceiling, too.
            before.iter().for_each(|before| before.mark_narrowed());
        }
        // What is asked about it now would be answered for nothing.
        for asked in self.questions.values_mut().filter(|asked| asked.closed.is_none()) {
            let question = &asked.question;
            if line.contains(&question.key)
                && let Err(refusal) = ceiling.admits(&question.operation, question.powers, question.source)
            {
                asked.closed = Some(Closed::KeyFell(refusal));
            }
        }
    }

    /// The last narrowing of a key is undone: for it, and for those that have it from there.
    pub(crate) fn widened(&mut self, id: KeyId) {
        let own = |ceiling: &&Arc<Ceiling>| ceiling.of == id;
        let Some(last) = self.key(id).and_then(|key| key.ceilings().iter().rev().find(own).cloned()) else { return };
        for key in self.under(&last) {
            self.with_key(key, |key| key.set_ceilings(|ceilings| ceilings.retain(|ceiling| **ceiling != *last)));
        }
    }

    fn under(&self, ceiling: &Ceiling) -> Vec<KeyId> {
        let binds = |key: &&Arc<Key>| key.ceilings().iter().any(|other| **other == *ceiling);
        self.keys().filter(binds).map(|key| key.id).collect()
    }

    /// A new key has the ceilings of the key that it comes from: nobody makes a wider one with it.
    pub(crate) fn inherit(&mut self, id: KeyId, from: Option<KeyId>) {
        let ceilings = from.and_then(|from| self.key(from)).map(|from| from.ceilings().to_vec()).unwrap_or_default();
        if !ceilings.is_empty() {
            self.with_key(id, |key| key.set_ceilings(|own| *own = ceilings));
        }
    }

    /// A successor has its predecessor's ceilings as its own.
    pub(crate) fn succeed_ceilings(&mut self, id: KeyId, of: KeyId) {
        let Some(before) = self.key(of) else { return };
        let own = |ceiling: &Arc<Ceiling>| {
            if ceiling.of == of { Arc::new(Ceiling { of: id, ..(**ceiling).clone() }) } else { Arc::clone(ceiling) }
        };
        let ceilings: Vec<_> = before.ceilings().iter().map(own).collect();
        if !ceilings.is_empty() {
            self.with_key(id, |key| key.set_ceilings(|own| *own = ceilings));
        }
    }
}
