//! Holders and keys as the admin API and the pages show them.

use std::sync::Arc;

use authority::{Declined, Holder, Key, People, State};
use jiff::Timestamp;
use law::{Factors, HolderId, HolderKind, KeyId};
use record::Usage;

use crate::{
    Desk,
    api::{HolderView, KeyCount, KeyRef, KeyView, LastUsed},
    reaching::{Bearer, Reach, Reaches},
};

/// What is shown of a key's holder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Brief {
    pub(crate) name: Option<String>,
    pub(crate) kind: HolderKind,
    pub(crate) left: bool,
    pub(crate) left_since: Option<Timestamp>,
    pub(crate) keys_stop: bool,
    pub(crate) two_factor: Option<bool>,
    pub(crate) owner: Option<String>,
    pub(crate) owner_left: bool,
    pub(crate) owner_enrolled: bool,
    pub(crate) owner_two_factor: Option<bool>,
    pub(crate) answerers: Vec<String>,
    pub(crate) presentable: Factors,
}

impl Brief {
    /// Of a key's holder; of nobody, where that is not known.
    pub(crate) fn of(people: &People, holder: Option<HolderId>) -> Self {
        let Some(holder) = holder.and_then(|holder| people.holder(holder)) else { return Self::default() };
        let owner = if holder.kind == HolderKind::Person {
            Some(holder)
        } else {
            holder.owner.and_then(|id| people.holder(id))
        };
        let answerers = people.answerers(holder.id);
        Self {
            name: Some(holder.name.clone()),
            kind: holder.kind,
            left: holder.left,
            left_since: holder.left_since,
            keys_stop: holder.stops_keys(),
            two_factor: holder.two_factor,
            owner: owner.map(|owner| owner.name.clone()),
            owner_left: owner.is_some_and(|owner| owner.left),
            owner_enrolled: owner.is_some_and(Holder::can_prove),
            owner_two_factor: owner.and_then(|owner| owner.two_factor),
            answerers: names(people, answerers),
            presentable: people.presentable(holder.id),
        }
    }

    /// Whether nobody answers for its keys: it has no owner, or the owner has left. Who has left
    /// themselves are told as such.
    pub(crate) const fn is_ownerless(&self) -> bool {
        self.owner.is_none() || self.owner_left && !self.left
    }

    /// Whether a key of this holder passes anything at all.
    pub(crate) fn works(&self, key: &Key, now: Timestamp) -> bool {
        key.standing.works() && !self.keys_stop && key.end().is_none_or(|end| end > now)
    }

    /// What a key of this holder reaches: nothing where it does not work.
    pub(crate) fn reach(&self, key: &Key, reaches: &mut Reaches, now: Timestamp) -> Reach {
        if !self.works(key, now) {
            return Reach::default();
        }
        let bearer = Bearer { kind: self.kind, presentable: self.presentable };
        reaches.of(bearer, &key.bounds().collect::<Vec<_>>())
    }
}

/// One key; what is known of its use comes from the record.
pub(crate) fn key_view(key: &Key, brief: &Brief, reach: Reach, past_limit: bool, usage: Option<&Usage>) -> KeyView {
    let last_used = usage.and_then(|usage| usage.last.as_ref()).map(|last| LastUsed {
        at: last.at,
        source: last.source.address(),
        user_agent: last.user_agent.as_deref().map(str::to_owned),
    });
    KeyView {
        id: key.id,
        name: key.name().map(str::to_owned),
        holder_id: key.holder(),
        holder: brief.name.clone(),
        kind: brief.kind,
        holder_left: brief.left,
        owner: brief.owner.clone(),
        owner_left: brief.owner_left,
        owner_enrolled: brief.owner_enrolled,
        owner_two_factor: brief.owner_two_factor,
        answerers: brief.answerers.clone(),
        two_factor: brief.two_factor,
        reach: reach.powers,
        without_second_factor: reach.alone,
        place: key.place().to_owned(),
        born: key.born(),
        end: key.end(),
        past_limit,
        standing: key.standing,
        parent_stopped: false,
        stopped_since: key.stopped(),
        last_used,
        passed: usage.map_or(0, |usage| usage.passed),
        stopped: usage.map_or(0, |usage| usage.stopped),
        scopes: key.scopes().map(str::to_owned),
        parent: key.parent(),
        claim: key.claim().map(ToString::to_string),
        issued: key.issued().map(|issued| (&**issued).into()),
        ceilings: key.ceilings().iter().map(|ceiling| (&**ceiling).into()).collect(),
        stands_for: key.stands_for().map(Into::into),
        abroad: None,
    }
}

/// One key, in a line.
pub(crate) fn key_ref(state: &State, key: &Key, now: Timestamp) -> KeyRef {
    KeyRef {
        id: key.id,
        name: key.name().map(str::to_owned),
        holder: key.holder().and_then(|holder| state.holder(holder)).map(|holder| holder.name.clone()),
        place: key.place().to_owned(),
        born: key.born(),
        end: key.end(),
        past_limit: state.lifetimes().is_past(key, now),
    }
}

/// The names of these holders.
pub(crate) fn names(people: &People, holders: impl IntoIterator<Item = HolderId>) -> Vec<String> {
    holders.into_iter().filter_map(|id| people.holder(id)).map(|holder| holder.name.clone()).collect()
}

/// The holder that a request names. An id comes first: a holder that is called like the id of
/// another must not be taken for it.
pub(crate) fn holder(state: &State, named: &str) -> Result<HolderId, Declined> {
    let by_id = named.parse().ok().and_then(|id| state.holder(id));
    let found = by_id.or_else(|| state.holder_named(named));
    found.map(|holder| holder.id).ok_or_else(|| Declined::NoHolder(named.to_owned()))
}

/// One key.
pub(crate) fn key(desk: &Desk, usage: Option<&Usage>, id: KeyId) -> Result<(Arc<Key>, KeyView), Declined> {
    let (key, brief, lifetimes, parent_stopped) = desk.authority.view(|state| {
        let gone = if state.is_drill(id) { Declined::WasDrill(id) } else { Declined::NoKey(id) };
        let key = state.key(id).ok_or(gone)?;
        let brief = Brief::of(state.people(), key.holder());
        Ok::<_, Declined>((Arc::clone(key), brief, state.lifetimes(), state.is_stopped_above(key)))
    })?;
    let now = desk.now();
    let reach = if parent_stopped { Reach::default() } else { brief.reach(&key, &mut desk.reaches(now), now) };
    let abroad = desk.authority.view(|state| crate::abroad::view(state, id));
    let view = KeyView { abroad, parent_stopped, ..key_view(&key, &brief, reach, lifetimes.is_past(&key, now), usage) };
    Ok((key, view))
}

/// One holder, and how many keys it has.
pub(crate) fn holder_view(people: &People, holder: &Holder, keys: KeyCount) -> HolderView {
    let authenticator = holder.authenticator.as_ref();
    HolderView {
        id: holder.id,
        name: holder.name.clone(),
        kind: holder.kind,
        owner: holder.owner.and_then(|owner| people.holder(owner)).map(|owner| owner.name.clone()),
        deputies: names(people, holder.deputies.iter().copied()),
        mail: holder.mail.clone(),
        administrator: holder.administrator,
        left: holder.left,
        left_since: holder.left_since,
        keys_go_on: holder.keys_go_on,
        two_factor: holder.two_factor,
        enrolled: holder.can_prove(),
        enrolled_since: authenticator.map(|authenticator| authenticator.since),
        authenticator_disabled: authenticator.is_some_and(|authenticator| authenticator.disabled),
        authenticator_stopped: authenticator.and_then(|authenticator| authenticator.stopped),
        recovery_codes: authenticator.map_or(0, |authenticator| authenticator.recovery.iter().flatten().count()),
        invited_until: holder.invitation.as_ref().map(|invitation| invitation.until),
        keys: keys.known,
        keys_working: keys.working,
    }
}
