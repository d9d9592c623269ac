//! Holders and keys as the admin API and the pages show them.

use std::{collections::HashMap, sync::Arc};

use authority::{Authority, Declined, Holder, Key, Lifetimes, State};
use law::{HolderId, HolderKind, KeyId};
use record::{Book, Usage};

use crate::api::{HolderView, KeyFilter, KeyRef, KeyView, LastUsed};

/// What is shown of a key's holder, taken from the state at once so that changes need not wait
/// while many keys are shown.
#[derive(Clone, Debug)]
struct Brief {
    name: String,
    kind: HolderKind,
    left: bool,
    two_factor: Option<bool>,
    owner: Option<String>,
    owner_enrolled: bool,
    answerers: Vec<String>,
}

/// Everybody, in brief.
pub(crate) struct Holders(HashMap<HolderId, Brief>, Lifetimes);

impl Holders {
    pub(crate) fn of(state: &State) -> Self {
        Self(state.holders().map(|holder| (holder.id, brief(state, holder))).collect(), state.lifetimes())
    }

    /// One key; what is known of its use comes from the record.
    pub(crate) fn key(&self, key: &Key, usage: Option<&Usage>) -> KeyView {
        let holder = key.holder().and_then(|holder| self.0.get(&holder));
        let last_used = usage.and_then(|usage| usage.last.as_ref()).map(|last| LastUsed {
            at: last.at,
            source: last.source.address(),
            user_agent: last.user_agent.as_deref().map(str::to_owned),
        });
        KeyView {
            id: key.id,
            name: key.name().map(str::to_owned),
            holder_id: key.holder(),
            holder: holder.map(|holder| holder.name.clone()),
            kind: holder.map_or(HolderKind::Person, |holder| holder.kind),
            holder_left: holder.is_some_and(|holder| holder.left),
            owner: holder.and_then(|holder| holder.owner.clone()),
            owner_enrolled: holder.is_some_and(|holder| holder.owner_enrolled),
            answerers: holder.map_or_else(Vec::new, |holder| holder.answerers.clone()),
            two_factor: holder.and_then(|holder| holder.two_factor),
            place: key.place().to_owned(),
            born: key.born(),
            end: key.end(),
            past_limit: self.1.is_past(key),
            standing: key.standing,
            last_used,
            passed: usage.map_or(0, |usage| usage.passed),
            stopped: usage.map_or(0, |usage| usage.stopped),
            scopes: key.scopes().map(str::to_owned),
            parent: key.parent(),
            claim: key.claim().map(ToString::to_string),
            issued: key.issued().map(|issued| (&**issued).into()),
            stands_for: key.stands_for().map(Into::into),
        }
    }

    /// One key, in a line.
    pub(crate) fn key_ref(&self, key: &Key) -> KeyRef {
        KeyRef {
            id: key.id,
            name: key.name().map(str::to_owned),
            holder: key.holder().and_then(|holder| self.0.get(&holder)).map(|holder| holder.name.clone()),
            place: key.place().to_owned(),
            born: key.born(),
            end: key.end(),
            past_limit: self.1.is_past(key),
        }
    }
}

fn brief(state: &State, holder: &Holder) -> Brief {
    let owner =
        if holder.kind == HolderKind::Person { Some(holder) } else { holder.owner.and_then(|id| state.holder(id)) };
    Brief {
        name: holder.name.clone(),
        kind: holder.kind,
        left: holder.left,
        two_factor: holder.two_factor,
        owner: owner.map(|owner| owner.name.clone()),
        owner_enrolled: owner.is_some_and(Holder::can_prove),
        answerers: names(state, state.answerers(holder.id)),
    }
}

/// The names of these holders.
pub(crate) fn names(state: &State, holders: impl IntoIterator<Item = HolderId>) -> Vec<String> {
    holders.into_iter().filter_map(|id| state.holder(id)).map(|holder| holder.name.clone()).collect()
}

/// The holder that a request names. An id comes first: a holder that is called like the id of
/// another must not be taken for it.
pub(crate) fn holder(state: &State, named: &str) -> Result<HolderId, Declined> {
    let by_id = named.parse().ok().and_then(|id| state.holder(id));
    let found = by_id.or_else(|| state.holder_named(named));
    found.map(|holder| holder.id).ok_or_else(|| Declined::NoHolder(named.to_owned()))
}

/// The keys that a filter wants.
pub(crate) fn keys(authority: &Authority, book: Option<&Book>, filter: &KeyFilter) -> Result<Vec<KeyView>, Declined> {
    let KeyFilter { holder: named, standing, query } = filter;
    let (keys, holders): (Vec<Arc<Key>>, Holders) = authority.view(|state| {
        let wanted = named.as_deref().map(|named| holder(state, named)).transpose()?;
        let keys = state.keys().filter(|key| {
            wanted.is_none_or(|wanted| key.holder() == Some(wanted))
                && standing.is_none_or(|wanted| key.standing == wanted)
        });
        Ok::<_, Declined>((keys.cloned().collect(), Holders::of(state)))
    })?;
    let views = keys.iter().map(|key| holders.key(key, book.and_then(|book| book.usage(key.id)).as_ref()));
    let query = query.as_deref().map(str::to_lowercase);
    Ok(views.filter(|key| query.as_deref().is_none_or(|query| mentions(key, query))).collect())
}

/// Whether anything that names the key contains this text, in lower case.
fn mentions(key: &KeyView, text: &str) -> bool {
    let id = key.id.to_string();
    let KeyView { name, holder, owner, place, scopes, claim, .. } = key;
    let names =
        [Some(&id), name.as_ref(), holder.as_ref(), owner.as_ref(), Some(place), scopes.as_ref(), claim.as_ref()];
    names.into_iter().flatten().any(|name| name.to_lowercase().contains(text))
}

/// One key.
pub(crate) fn key(authority: &Authority, usage: Option<&Usage>, id: KeyId) -> Result<(Arc<Key>, KeyView), Declined> {
    authority.view(|state| {
        let key = state.key(id).ok_or(Declined::NoKey(id))?;
        Ok((Arc::clone(key), Holders::of(state).key(key, usage)))
    })
}

/// Everybody who has or had keys, or answers for them.
pub(crate) fn holders(state: &State) -> Vec<HolderView> {
    let mut counts: HashMap<HolderId, usize> = HashMap::new();
    for holder in state.keys().filter_map(|key| key.holder()) {
        *counts.entry(holder).or_default() += 1;
    }
    state.holders().map(|holder| holder_view(state, holder, counts.get(&holder.id).copied().unwrap_or(0))).collect()
}

/// One holder, and how many keys it has.
pub(crate) fn holder_view(state: &State, holder: &Holder, keys: usize) -> HolderView {
    let authenticator = holder.authenticator.as_ref();
    HolderView {
        id: holder.id,
        name: holder.name.clone(),
        kind: holder.kind,
        owner: holder.owner.and_then(|owner| state.holder(owner)).map(|owner| owner.name.clone()),
        deputies: names(state, holder.deputies.iter().copied()),
        mail: holder.mail.clone(),
        administrator: holder.administrator,
        left: holder.left,
        two_factor: holder.two_factor,
        enrolled: holder.can_prove(),
        enrolled_since: authenticator.map(|authenticator| authenticator.since),
        authenticator_disabled: authenticator.is_some_and(|authenticator| authenticator.disabled),
        recovery_codes: authenticator.map_or(0, |authenticator| authenticator.recovery.iter().flatten().count()),
        invited_until: holder.invitation.as_ref().map(|invitation| invitation.until),
        keys,
    }
}
