//! Asking for keys, answering, and collecting.

use std::sync::Arc;

use authority::{Command, Declined, Less, RequestRules, Wish};
use axum::{
    Extension, Json,
    extract::{Path, State},
};
use http::StatusCode;
use law::RequestId;

use super::{
    Admin,
    doors::Caller,
    json::{Body, id},
    keys::{in_a_line, view as key_view},
};
use crate::{
    Desk,
    api::{
        CollectedKey, DenyRequest, GrantRequest, Problem, Proof, RequestDetails, RequestKey, RequestList, RequestView,
    },
    inventory, outlook,
};

pub(super) async fn list(State(admin): State<Arc<Admin>>) -> Json<RequestList> {
    let (rules, now) = (rules(&admin.desk), admin.desk.now());
    let view =
        |state: &authority::State| state.requests().map(|request| outlook::view(state, request, &rules, now)).collect();
    Json(RequestList { requests: admin.desk.authority.view(view) })
}

pub(super) async fn show(
    State(admin): State<Arc<Admin>>,
    Path(request): Path<String>,
) -> Result<Json<RequestDetails>, Problem> {
    let request = id(&request)?;
    let outlook = outlook::outlook(&admin.desk, request).await?;
    Ok(Json(RequestDetails { request: view(&admin.desk, request)?, outlook }))
}

pub(super) async fn ask(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Body(RequestKey { name, holder, scope, limits, lifetime, reason, proof }): Body<RequestKey>,
) -> Result<(StatusCode, Json<RequestView>), Problem> {
    let desk = &admin.desk;
    super::keys::named(desk, &scope)?;
    let rules = rules(desk);
    let named = holder.as_ref().or(proof.person.as_ref());
    let named = match (named, &caller.0) {
        (Some(named), _) => named.clone(),
        (None, Caller::Person(person)) => person.name.clone(),
        (None, Caller::Operator) => return Err(Declined::CodeNeeded.into()),
    };
    let holder = desk.authority.view(|state| inventory::holder(state, &named))?;
    let lifetime = lifetime.unwrap_or_else(|| desk.authority.view(|state| state.lifetimes().usual));
    let reason = in_a_line(&reason);
    let wish = Wish { name, holder, scope, limits, lifetime, reason };
    let warrant = admin.warrant(&caller, &proof).await?;
    desk.authority.perform(&Command::RequestKey(wish, rules), warrant, desk.now()).await?;
    let newest = desk.authority.view(|state| state.requests().last().map(|request| request.id));
    Ok((StatusCode::CREATED, Json(view(desk, newest.unwrap_or(RequestId(0)))?)))
}

pub(super) async fn grant(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(request): Path<String>,
    Body(GrantRequest { scope, limits, lifetime, proof }): Body<GrantRequest>,
) -> Result<Json<RequestView>, Problem> {
    let request = id(&request)?;
    let less = Less { scope, limits, lifetime };
    admin.perform(&Command::GrantRequest(request, less, rules(&admin.desk)), &caller, &proof).await?;
    Ok(Json(view(&admin.desk, request)?))
}

pub(super) async fn deny(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(request): Path<String>,
    Body(DenyRequest { why, person, code }): Body<DenyRequest>,
) -> Result<Json<RequestView>, Problem> {
    let request = id(&request)?;
    let command = Command::DenyRequest(request, in_a_line(&why), rules(&admin.desk));
    admin.perform(&command, &caller, &Proof { person, code }).await?;
    Ok(Json(view(&admin.desk, request)?))
}

pub(super) async fn collect(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(request): Path<String>,
    Body(proof): Body<Proof>,
) -> Result<(StatusCode, Json<CollectedKey>), Problem> {
    let (request, desk) = (id(&request)?, &admin.desk);
    let Some(issuing) = desk.settings.load().issued.clone() else {
        return Err(Problem::unfit("no keys are issued here; add `[issued]` with a `prefix` to the configuration"));
    };
    let warrant = admin.warrant(&caller, &proof).await?;
    let (key, secret) = desk.authority.collect(&issuing.form, request, &rules(desk), warrant, desk.now()).await?;
    let Json(key) = key_view(desk, key)?;
    // Why it is exposed: this is the one time that it is shown.
    let text = String::from_utf8_lossy(secret.expose()).into_owned();
    Ok((StatusCode::CREATED, Json(CollectedKey { key, secret: text.into() })))
}

fn rules(desk: &Desk) -> RequestRules {
    desk.settings.load().requests.clone()
}

fn view(desk: &Desk, id: RequestId) -> Result<RequestView, Declined> {
    let (rules, now) = (rules(desk), desk.now());
    desk.authority.view(|state| {
        let request = state.request(id).ok_or(Declined::NoRequest(id))?;
        Ok(outlook::view(state, request, &rules, now))
    })
}
