//! Keys: who has them, where they were used, and stopping them.

use std::sync::Arc;

use authority::{Command, Credential, Order, Scope};
use axum::{
    Extension, Json,
    extract::{Path, State},
};
use http::StatusCode;
use jiff::Timestamp;
use law::{HolderKind, KeyId, Span};

use super::{
    Admin,
    doors::Caller,
    json::{Body, Filter, id},
};
use crate::{
    Desk, IssuedSettings,
    api::{
        ApplyEnds, ChangeKey, CredentialView, DisableKey, EndsApplied, IssueKey, IssuedKey, KeyDetails, KeyEnd,
        KeyFilter, KeyList, KeyView, NameKey, NarrowKey, Problem, Proof, RetireKey, RevokeKey, SetCredential,
    },
    details, inventory, listing,
    nearest::unnamed,
    traffic,
};

pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Filter(filter): Filter<KeyFilter>,
) -> Result<Json<KeyList>, Problem> {
    let (desk, now) = (Arc::clone(&admin.desk), admin.desk.now());
    let list = traffic::reading(move || listing::keys(&desk, &filter, now)).await??;
    Ok(Json(list))
}

pub(super) async fn show(
    State(admin): State<Arc<Admin>>,
    Path(key): Path<String>,
) -> Result<Json<KeyDetails>, Problem> {
    Ok(Json(details::of(&admin.desk, id(&key)?)?))
}

pub(super) async fn issue(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Body(IssueKey { name, holder, parent, scope, limits, lifetime, proof }): Body<IssueKey>,
) -> Result<(StatusCode, Json<IssuedKey>), Problem> {
    let desk = &admin.desk;
    let issuing = issuing(desk)?;
    named(desk, &scope)?;
    let named = |holder: &String| desk.authority.view(|state| inventory::holder(state, holder));
    let holder = holder.as_ref().map(named).transpose()?;
    let now = desk.now();
    let end = end(desk, lifetime, None, parent, now);
    let warrant = admin.warrant(&caller, &proof).await?;
    let order = |verifier, pepper| Order { name, holder, parent, scope, limits, end, verifier, pepper };
    let (id, secret) = desk.authority.issue(&issuing.form, order, warrant, now).await?;
    created(desk, id, &secret)
}

/// Whether each pattern names something.
pub(super) fn named(desk: &Desk, scope: &Scope) -> Result<(), Problem> {
    unnamed(&desk.catalogue.load(), scope).map_or(Ok(()), |what| Err(Problem::unfit(what)))
}

fn issuing(desk: &Desk) -> Result<IssuedSettings, Problem> {
    let mend = "no keys are issued here; add `[issued]` with a `prefix` to the configuration";
    desk.settings.load().issued.clone().ok_or_else(|| Problem::unfit(mend))
}

/// The key that was made, with its secret.
fn created(desk: &Desk, key: KeyId, secret: &wire::Secret) -> Result<(StatusCode, Json<IssuedKey>), Problem> {
    let Json(key) = view(desk, key)?;
    // Why it is exposed: this is the one time that it is shown.
    let text = String::from_utf8_lossy(secret.expose()).into_owned();
    let known = desk.authority.view(|state| state.key(key.id).cloned());
    let no_upstream_credential = known.is_none_or(|key| desk.authority.credential_for(&key).is_none());
    Ok((StatusCode::CREATED, Json(IssuedKey { key, secret: text.into(), no_upstream_credential })))
}

/// When a key ends that is issued now; where nothing is said, after as long a life as the one before it
/// had, or the usual one, and with its parent.
fn end(desk: &Desk, lifetime: Option<Span>, before: Option<Span>, parent: Option<KeyId>, now: Timestamp) -> Timestamp {
    desk.authority.view(|state| match lifetime {
        Some(lifetime) => lifetime.after(now),
        None => {
            let parents = parent.and_then(|parent| state.key(parent)?.end());
            before.unwrap_or(state.lifetimes().usual).after(now).min(parents.unwrap_or(Timestamp::MAX))
        }
    })
}

pub(super) async fn change(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(key): Path<String>,
    Body(ChangeKey { name, end, proof }): Body<ChangeKey>,
) -> Result<Json<KeyView>, Problem> {
    let key = id(&key)?;
    if name.is_none() && end.is_none() {
        return Err(Problem::unfit("say what is to change: `name` or `end`"));
    }
    admin.perform(&Command::ChangeKey { key, name, end }, &caller, &proof).await?;
    view(&admin.desk, key)
}

pub(super) async fn apply_ends(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Body(ApplyEnds { ends, proof }): Body<ApplyEnds>,
) -> Result<Json<EndsApplied>, Problem> {
    let keys = admin.desk.authority.view(|state| {
        let before = |end: &KeyEnd| state.key(end.key).and_then(|key| key.end());
        ends.iter().filter(|end| before(end) != Some(end.end)).count()
    });
    let ends = ends.into_iter().map(|KeyEnd { key, end }| (key, end)).collect();
    admin.perform(&Command::EndKeys(ends), &caller, &proof).await?;
    Ok(Json(EndsApplied { keys }))
}

pub(super) async fn retire(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(key): Path<String>,
    Body(RetireKey { grace, lifetime, proof }): Body<RetireKey>,
) -> Result<(StatusCode, Json<IssuedKey>), Problem> {
    let (key, desk) = (id(&key)?, &admin.desk);
    let issuing = issuing(desk)?;
    let now = desk.now();
    let (parent, before) = desk.authority.view(|state| {
        let key = state.key(key);
        // Nobody means to lengthen a key's life by changing its secret.
        let before = key.and_then(|key| Some(Span::between(key.born(), key.end()?)).filter(|_| key.issued().is_some()));
        (key.and_then(|key| key.parent()), before.map(|before| before.min(state.lifetimes().longest)))
    });
    let end = end(desk, lifetime, before, parent, now);
    let warrant = admin.warrant(&caller, &proof).await?;
    let (id, secret) = desk.authority.retire(&issuing.form, (key, grace), end, warrant, now).await?;
    created(desk, id, &secret)
}

pub(super) async fn revoke(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(key): Path<String>,
    Body(RevokeKey { why, children, person, code }): Body<RevokeKey>,
) -> Result<Json<KeyView>, Problem> {
    let key = id(&key)?;
    let why = in_a_line(&why);
    admin.perform(&Command::RevokeKey { key, children, why }, &caller, &Proof { person, code }).await?;
    let desk = &admin.desk;
    if let Some(abroad) = desk.abroad.load_full() {
        let hanging = desk.authority.view(|state| state.falls_with(key));
        let is_meant = |id: &KeyId| {
            hanging.contains(id) || children && desk.authority.view(|state| state.ancestors(*id).contains(&key))
        };
        let waiting = desk.authority.view(authority::State::to_revoke_abroad);
        (abroad.revoke)(waiting.into_iter().filter(is_meant).collect()).await;
    }
    view(desk, key)
}

pub(super) async fn set_credential(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Body(SetCredential { credential, proof }): Body<SetCredential>,
) -> Result<Json<CredentialView>, Problem> {
    let credential =
        Credential::new(credential.expose().as_bytes()).map_err(|error| Problem::unfit(error.to_string()))?;
    let warrant = admin.warrant(&caller, &proof).await?;
    admin.desk.authority.set_credential(credential, warrant, admin.desk.now()).await?;
    Ok(Json(CredentialView { set: true }))
}

pub(super) fn in_a_line(why: &str) -> String {
    why.chars().filter(|letter| !letter.is_control()).take(500).collect()
}

pub(super) async fn disable(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(key): Path<String>,
    Body(DisableKey { why, person, code }): Body<DisableKey>,
) -> Result<Json<KeyView>, Problem> {
    let key = id(&key)?;
    admin.perform(&Command::DisableKey(key, in_a_line(&why)), &caller, &Proof { person, code }).await?;
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

pub(super) async fn narrow(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(key): Path<String>,
    Body(NarrowKey { scope, proof }): Body<NarrowKey>,
) -> Result<Json<KeyView>, Problem> {
    let key = id(&key)?;
    admin.perform(&Command::NarrowKey(key, scope), &caller, &proof).await?;
    view(&admin.desk, key)
}

pub(super) async fn widen(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(key): Path<String>,
    Body(proof): Body<Proof>,
) -> Result<Json<KeyView>, Problem> {
    let key = id(&key)?;
    admin.perform(&Command::WidenKey(key), &caller, &proof).await?;
    view(&admin.desk, key)
}

/// Answers with the key as it was.
pub(super) async fn forget(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(key): Path<String>,
    Body(proof): Body<Proof>,
) -> Result<Json<KeyView>, Problem> {
    let key = id(&key)?;
    let was = view(&admin.desk, key)?;
    admin.perform(&Command::ForgetKey(key), &caller, &proof).await?;
    Ok(was)
}

pub(super) async fn name(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(key): Path<String>,
    Body(NameKey { name, holder, owner, upstream, proof }): Body<NameKey>,
) -> Result<Json<KeyView>, Problem> {
    let key = id(&key)?;
    if let Some(upstream) = upstream {
        if name.is_some() || holder.is_some() || owner.is_some() {
            return Err(Problem::unfit("say `upstream` alone: one code is for one of the two"));
        }
        admin.perform(&Command::NameKeyAbroad(key, upstream), &caller, &proof).await?;
        return view(&admin.desk, key);
    }
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
        let holder = known.and_then(|key| key.holder()).and_then(|holder| state.holder(holder));
        let program = holder.filter(|holder| holder.kind != HolderKind::Person).map(|holder| holder.name.clone());
        let called = name.map(str::to_owned).or_else(|| Some(known?.name()?.to_owned()));
        program.or(called).unwrap_or_else(|| format!("key-{key}"))
    })
}

/// The key as it is after a change.
pub(super) fn view(desk: &Desk, key: KeyId) -> Result<Json<KeyView>, Problem> {
    let usage = desk.book.as_ref().and_then(|book| book.usage(key));
    Ok(Json(inventory::key(desk, usage.as_ref(), key)?.1))
}
