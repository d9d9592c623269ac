//! Holders: who has keys, and who answers for them.

use std::sync::Arc;

use authority::{Command, Declined, Description, INVITATION};
use axum::{
    Extension, Json,
    extract::{Path, State},
};
use http::StatusCode;
use jiff::Timestamp;
use law::HolderId;

use super::{Admin, doors::Caller, json::Body};
use crate::{
    Desk,
    api::{
        AddHolder, ChangeHolder, ExpiryReport, HolderList, HolderView, Invited, KeyCount, Problem, Proof,
        StopAuthenticator,
    },
    census, ends,
    inventory::{self, Brief},
    traffic,
};

pub(super) async fn list(State(admin): State<Arc<Admin>>) -> Result<Json<HolderList>, Problem> {
    let (desk, now) = (Arc::clone(&admin.desk), admin.desk.now());
    Ok(Json(traffic::reading(move || census::of(&desk, now)).await?))
}

pub(super) async fn expiry(State(admin): State<Arc<Admin>>) -> Result<Json<ExpiryReport>, Problem> {
    let (desk, now) = (Arc::clone(&admin.desk), admin.desk.now());
    Ok(Json(traffic::reading(move || ends::report(&desk, now)).await?))
}

pub(super) async fn add(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Body(AddHolder { name, kind, owner, deputies, mail, administrator, proof }): Body<AddHolder>,
) -> Result<(StatusCode, Json<HolderView>), Problem> {
    let description = admin.desk.authority.view(|state| {
        let known = |named: &String| inventory::holder(state, named);
        let owner = owner.as_ref().map(known).transpose()?;
        let deputies = deputies.iter().map(known).collect::<Result<_, _>>()?;
        Ok::<_, Declined>(Description { name: name.clone(), kind, owner, deputies, mail, administrator })
    })?;
    admin.perform(&Command::AddHolder(description), &caller, &proof).await?;
    let id = admin.desk.authority.view(|state| inventory::holder(state, &name))?;
    Ok((StatusCode::CREATED, view(&admin.desk, id)?))
}

pub(super) async fn change(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(named): Path<String>,
    Body(ChangeHolder { kind, owner, deputies, mail, administrator, proof }): Body<ChangeHolder>,
) -> Result<Json<HolderView>, Problem> {
    let (id, description) = admin.desk.authority.view(|state| {
        let known = |named: &String| inventory::holder(state, named);
        let id = known(&named)?;
        let holder = state.holder(id).ok_or(Declined::NoHolder(named.clone()))?;
        let owner = match owner.as_ref() {
            None => holder.owner,
            Some(nobody) if nobody.is_empty() => None,
            Some(named) => Some(known(named)?),
        };
        let deputies = match deputies.as_ref() {
            None => holder.deputies.clone(),
            Some(named) => named.iter().map(known).collect::<Result<_, _>>()?,
        };
        let mail = mail.clone().or_else(|| holder.mail.clone()).filter(|mail| !mail.is_empty());
        let description = Description {
            name: holder.name.clone(),
            kind: kind.unwrap_or(holder.kind),
            owner,
            deputies,
            mail,
            administrator: administrator.unwrap_or(holder.administrator),
        };
        Ok::<_, Declined>((id, description))
    })?;
    admin.perform(&Command::ChangeHolder(id, description), &caller, &proof).await?;
    view(&admin.desk, id)
}

pub(super) async fn invite(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(named): Path<String>,
    Body(proof): Body<Proof>,
) -> Result<Json<Invited>, Problem> {
    let (id, name) = person(&admin.desk, &named)?;
    let (warrant, now) = (admin.warrant(&caller, &proof).await?, admin.desk.now());
    let secret = admin.desk.authority.invite(id, warrant, now).await?;
    let link = format!("{}/enrol/{}", admin.desk.settings.load().origin, secret.as_str());
    Ok(Json(Invited { name, link: link.into(), until: now.saturating_add(INVITATION).unwrap_or(Timestamp::MAX) }))
}

pub(super) async fn stop_authenticator(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(named): Path<String>,
    Body(StopAuthenticator { recovery_codes, proof }): Body<StopAuthenticator>,
) -> Result<Json<HolderView>, Problem> {
    let (id, _) = person(&admin.desk, &named)?;
    admin.perform(&Command::StopAuthenticator { holder: id, recovery_codes }, &caller, &proof).await?;
    view(&admin.desk, id)
}

pub(super) async fn left(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(named): Path<String>,
    Body(proof): Body<Proof>,
) -> Result<Json<HolderView>, Problem> {
    let (id, _) = person(&admin.desk, &named)?;
    admin.perform(&Command::Leave(id, admin.desk.settings.load().on_leaving), &caller, &proof).await?;
    view(&admin.desk, id)
}

pub(super) async fn back(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(named): Path<String>,
    Body(proof): Body<Proof>,
) -> Result<Json<HolderView>, Problem> {
    let (id, _) = person(&admin.desk, &named)?;
    admin.perform(&Command::Return(id), &caller, &proof).await?;
    view(&admin.desk, id)
}

fn person(desk: &Desk, named: &str) -> Result<(HolderId, String), Problem> {
    let found = desk.authority.view(|state| {
        let id = inventory::holder(state, named)?;
        let name = state.holder(id).map(|holder| holder.name.clone()).unwrap_or_default();
        Ok::<_, Declined>((id, name))
    });
    Ok(found?)
}

/// The holder as it is after a change.
fn view(desk: &Desk, id: HolderId) -> Result<Json<HolderView>, Problem> {
    let now = desk.now();
    let view = desk.authority.view(|state| {
        let brief = Brief::of(state.people(), Some(id));
        let mut keys = KeyCount::default();
        for key in state.keys().filter(|key| key.holder() == Some(id)) {
            keys.known += 1;
            keys.working += usize::from(brief.works(key, now) && !state.is_stopped_above(key));
        }
        state.holder(id).map(|holder| inventory::holder_view(state.people(), holder, keys))
    });
    view.map(Json).ok_or_else(|| Declined::NoHolder(id.to_string()).into())
}
