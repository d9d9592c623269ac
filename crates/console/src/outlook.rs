//! Requests for keys as people see them: who asks, what the key would reach, and what keys like
//! it use.

use std::collections::HashSet;

use authority::{Grant, Request, RequestRules, RequestState, Scope, State};
use catalogue::Operation;
use jiff::{SignedDuration, Timestamp};
use law::{HolderId, KeyFacts, KeyId, Power, RequestId, Standing};

use crate::{
    Desk,
    api::{Asked, Outlook, OutlookPower, Problem, RequestStanding, RequestView},
    explain::passes_alone,
    inventory::names,
    traffic,
};

/// So many operations are named.
const NAMED: usize = 50;

/// How far back use is looked for.
const BACK: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A request in a view.
pub(crate) fn view(state: &State, request: &Request, rules: &RequestRules, now: Timestamp) -> RequestView {
    let holder = state.holder(request.wish.holder);
    let name = |id: HolderId| state.holder(id).map(|holder| holder.name.clone()).unwrap_or_default();
    let (standing, grant, why, key) = match request.state(now) {
        RequestState::Open => (RequestStanding::Open, None, None, None),
        RequestState::Granted(grant) => (RequestStanding::Granted, Some(grant), None, None),
        RequestState::Denied(why) => (RequestStanding::Denied, None, Some(why.to_owned()), None),
        RequestState::Collected(key) => (RequestStanding::Collected, None, None, Some(key)),
        RequestState::Lapsed => (RequestStanding::Lapsed, None, None, None),
    };
    let wish = &request.wish;
    let granted = |Grant { scope, limits, lifetime, .. }: &Grant| Asked {
        scope: scope.clone(),
        limits: limits.clone(),
        lifetime: *lifetime,
    };
    let approvers = if standing == RequestStanding::Open { state.approvers(request, rules) } else { Vec::new() };
    RequestView {
        id: request.id,
        by: name(request.by),
        name: wish.name.clone(),
        holder: name(wish.holder),
        kind: holder.map(|holder| holder.kind).unwrap_or_default(),
        asked: Asked { scope: wish.scope.clone(), limits: wish.limits.clone(), lifetime: wish.lifetime },
        reason: wish.reason.clone(),
        at: request.at,
        until: grant.map_or(request.until, |grant| grant.until),
        standing,
        approvers: names(state.people(), approvers),
        granted_by: grant.map(|grant| name(grant.by)),
        granted: grant.map(granted),
        why,
        key,
    }
}

/// The working keys of a holder, and what binds each of them; nothing where it may all.
struct Held {
    keys: HashSet<KeyId>,
    same_holder: bool,
    scopes: Vec<Vec<Scope>>,
    facts: KeyFacts,
}

fn held(state: &State, request: &Request, facts: KeyFacts) -> Held {
    let holder = request.wish.holder;
    let works = || state.keys().filter(|key| key.standing.works());
    let own: Vec<_> = works().filter(|key| key.holder() == Some(holder)).collect();
    let scopes = own.iter().map(|key| key.bounds().cloned().collect()).collect();
    let same_holder = !own.is_empty();
    let keys = if same_holder {
        own.iter().map(|key| key.id).collect()
    } else {
        let of_kind = |holder: HolderId| state.holder(holder).is_some_and(|holder| holder.kind == facts.kind);
        works().filter(|key| key.holder().is_some_and(of_kind)).map(|key| key.id).collect()
    };
    Held { keys, same_holder, scopes, facts }
}

/// What the key would reach that a request asks for, held against what keys like it use.
pub(crate) async fn outlook(desk: &Desk, id: RequestId) -> Result<Outlook, Problem> {
    let now = desk.now();
    let (scope, Held { keys, same_holder, scopes, facts }) = desk
        .authority
        .view(|state| {
            let request = state.request(id)?;
            let holder = state.holder(request.wish.holder)?;
            let facts = KeyFacts {
                id: KeyId(0),
                kind: holder.kind,
                standing: Standing::Active,
                end: None,
                holder_left: holder.left,
                parent_stopped: false,
                presentable: state.presentable(holder.id),
            };
            Some((request.wish.scope.clone(), held(state, request, facts)))
        })
        .ok_or(authority::Declined::NoRequest(id))?;
    let since = now.saturating_sub(BACK).unwrap_or(Timestamp::MIN);
    let (folder, similar) = (desk.record.clone(), keys.clone());
    let (used, damaged) = traffic::reading(move || traffic::used_by(&folder, &similar, since)).await?;

    let (law, catalogue) = (desk.authority.law(), desk.catalogue.load());
    let admits =
        |scope: &Scope, operation: &Operation| scope.admits_from_anywhere(&operation.name, operation.powers).is_ok();
    let reached: Vec<&Operation> =
        catalogue.operations().iter().filter(|operation| admits(&scope, operation)).collect();
    let within = |name: &str, powers| scope.admits_from_anywhere(name, powers).is_ok();
    let alone = |operation: &&&Operation| passes_alone(&law.law, facts, within, operation, now);
    let is_used = |operation: &&&Operation| used.contains(&*operation.name);
    let has = |operation: &&&Operation| scopes.iter().any(|scopes| scopes.iter().all(|scope| admits(scope, operation)));
    let power = |power: Power| {
        let having = || reached.iter().filter(|operation| operation.powers.contains(power));
        OutlookPower {
            power,
            operations: having().count(),
            ask: having().filter(|operation| !alone(operation)).count(),
            used: having().filter(is_used).count(),
        }
    };
    let new: Vec<String> = reached.iter().filter(|operation| !has(operation)).map(|it| it.name.to_string()).collect();
    Ok(Outlook {
        operations: reached.len(),
        without_second_factor: reached.iter().filter(alone).count(),
        powers: scope.powers.iter().map(power).collect(),
        news: new.len(),
        new: new.into_iter().take(NAMED).collect(),
        similar_keys: keys.len(),
        same_holder,
        used: reached.iter().filter(is_used).map(|operation| operation.name.to_string()).collect(),
        since,
        damaged,
    })
}
