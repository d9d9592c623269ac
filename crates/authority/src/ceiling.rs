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
    pub(crate) fn narrow(&self, id: KeyId, scope: &Scope) -> Result<Option<Change>, Declined> {
        match self.known_key(id)? {
            Standing::Revoked => return Err(Declined::Revoked(id)),
            Standing::Retired => return Err(Declined::Retired(id)),
            Standing::Active | Standing::Retiring | Standing::Disabled => {}
        }
        if scope.powers.is_empty() {
            return Err(Declined::NarrowedToNothing(id));
        }
        let own = self.key(id).into_iter().flat_map(|key| key.ceilings()).filter(|ceiling| ceiling.of == id);
        let (mut number, mut last) = (0, None);
        for ceiling in own {
            (number, last) = (number + 1, Some(&ceiling.scope));
        }
        if last == Some(scope) {
            return Ok(None);
        }
        if number >= MOST {
            return Err(Declined::NarrowedTooOften(id));
        }
        Ok(Some(Change::KeyNarrowed { key: id, scope: scope.clone() }))
    }

    pub(crate) fn widen(&self, id: KeyId) -> Result<Change, Declined> {
        self.known_key(id)?;
        let ceilings = self.key(id).map(|key| key.ceilings()).unwrap_or_default();
        match ceilings.iter().rev().find(|ceiling| ceiling.of == id) {
            Some(_) => Ok(Change::KeyWidened { key: id }),
            None => Err(match ceilings.first() {
                Some(above) => Declined::NarrowedAbove(id, above.of),
                None => Declined::NotNarrowed(id),
            }),
        }
    }

    // What the changes do.

    pub(crate) fn narrowed(&mut self, id: KeyId, scope: &Scope, at: Timestamp) {
        let ceiling = Arc::new(Ceiling { of: id, since: at, scope: scope.clone() });
        let line = self.line_below(id);
        for key in &line {
            self.with_key(*key, |key| key.set_ceilings(|ceilings| ceilings.push(Arc::clone(&ceiling))));
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
