//! Keys: who has them, where they were used, and stopping them.

use std::sync::Arc;

use authority::{Command, Key};
use axum::{
    Extension, Json,
    extract::{Path, State},
};
use law::{HolderKind, KeyId, Power};
use record::Usage;

use super::{
    Admin,
    doors::Caller,
    json::{Body, Filter, id},
};
use crate::{
    Desk,
    api::{
        DisableKey, KeyDetails, KeyFilter, KeyList, KeyView, NameKey, PowerUse, Problem, Proof, SourceUse,
        UndescribedUse,
    },
    explain::passes_alone,
    inventory,
};

pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Filter(filter): Filter<KeyFilter>,
) -> Result<Json<KeyList>, Problem> {
    let book = admin.desk.book.as_deref();
    let keys = inventory::keys(&admin.desk.authority, book, &filter)?;
    Ok(Json(KeyList { keys, usage_complete: book.is_some_and(record::Book::usage_is_complete) }))
}

pub(super) async fn show(
    State(admin): State<Arc<Admin>>,
    Path(key): Path<String>,
) -> Result<Json<KeyDetails>, Problem> {
    Ok(Json(details(&admin.desk, id(&key)?)?))
}

fn details(desk: &Desk, id: KeyId) -> Result<KeyDetails, Problem> {
    let usage = desk.book.as_ref().and_then(|book| book.usage(id));
    let (key, view) = inventory::key(&desk.authority, usage.as_ref(), id)?;
    let usage = usage.unwrap_or_default();
    let children = desk
        .authority
        .view(|state| state.keys().filter(|child| child.parent == Some(id)).map(|child| child.id).collect());
    Ok(KeyDetails {
        key: view,
        first_source: key.first_source,
        header_closed: key.header_closed,
        presentable: desk.authority.facts(&key).presentable,
        powers: power_uses(desk, &key, &usage),
        sources: usage.sources().into_iter().map(source_use).collect(),
        undescribed: usage.undescribed().iter().map(undescribed_use).collect(),
        children,
    })
}

fn power_uses(desk: &Desk, key: &Key, usage: &Usage) -> Vec<PowerUse> {
    let (now, law, catalogue) = (desk.now(), desk.authority.law(), desk.catalogue.load());
    let facts = desk.authority.facts(key);
    let (calls, _) = usage.powers(now);
    let power_use = |power: Power| {
        let cell = &law.law.of(facts.kind)[power];
        let having = || catalogue.operations().iter().filter(|operation| operation.powers.contains(power));
        let alone = |operation: &&catalogue::Operation| passes_alone(&law.law, facts, operation.powers, now);
        PowerUse {
            power,
            operations: having().count(),
            without_second_factor: having().filter(alone).count(),
            guard: cell.guard.to_string(),
            enforced: cell.mode.enforces(now),
            calls: calls[power],
        }
    };
    Power::ALL.into_iter().map(power_use).collect()
}

fn source_use(seen: record::SourceSeen) -> SourceUse {
    let record::SourceSeen { source, first, last, calls } = seen;
    SourceUse { source: source.address(), first, last, calls: u64::from(calls) }
}

fn undescribed_use(seen: &record::UndescribedSeen) -> UndescribedUse {
    let record::UndescribedSeen { request, last, calls } = seen;
    UndescribedUse { request: request.to_string(), calls: u64::from(*calls), last: *last }
}

pub(super) async fn disable(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(key): Path<String>,
    Body(DisableKey { why, person, code }): Body<DisableKey>,
) -> Result<Json<KeyView>, Problem> {
    let key = id(&key)?;
    let why: String = why.chars().filter(|letter| !letter.is_control()).take(500).collect();
    admin.perform(&Command::DisableKey(key, why), &caller, &Proof { person, code }).await?;
    view(&admin.desk, key)
}

pub(super) async fn enable(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(key): Path<String>,
    Body(proof): Body<Proof>,
) -> Result<Json<KeyView>, Problem> {
    let key = id(&key)?;
    admin.perform(&Command::EnableKey(key), &caller, &proof).await?;
    view(&admin.desk, key)
}

pub(super) async fn name(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(key): Path<String>,
    Body(NameKey { name, holder, owner, proof }): Body<NameKey>,
) -> Result<Json<KeyView>, Problem> {
    let key = id(&key)?;
    let named = |holder: &String| admin.desk.authority.view(|state| inventory::holder(state, holder));
    let command = match &owner {
        Some(owner) => {
            let program = holder.unwrap_or_else(|| program_with(&admin.desk, key, name.as_deref()));
            Command::EntrustKey { key, name, program, owner: named(owner)? }
        }
        None => Command::NameKey(key, name, holder.as_ref().map(named).transpose()?),
    };
    admin.perform(&command, &caller, &proof).await?;
    view(&admin.desk, key)
}

/// The program that has a key, where only its owner was said: the one that has it already, or
/// a new one that is called like the key.
fn program_with(desk: &Desk, key: KeyId, name: Option<&str>) -> String {
    desk.authority.view(|state| {
        let known = state.key(key);
        let holder = known.and_then(|key| key.holder).and_then(|holder| state.holder(holder));
        let program = holder.filter(|holder| holder.kind != HolderKind::Person).map(|holder| holder.name.clone());
        let called = name.map(str::to_owned).or_else(|| Some(known?.name.as_deref()?.to_owned()));
        program.or(called).unwrap_or_else(|| format!("key-{key}"))
    })
}

/// The key as it is after a change.
fn view(desk: &Desk, key: KeyId) -> Result<Json<KeyView>, Problem> {
    let usage = desk.book.as_ref().and_then(|book| book.usage(key));
    Ok(Json(inventory::key(&desk.authority, usage.as_ref(), key)?.1))
}
