//! Canaries: secrets that work nowhere. Only administrators learn which they are.

use std::sync::Arc;

use authority::{Canary, Command, Declined, State as Authorities};
use axum::{
    Extension, Json,
    extract::{Path, State},
};
use http::StatusCode;
use law::KeyId;

use super::{
    Admin,
    doors::Caller,
    json::{Body, id},
};
use crate::{
    Desk,
    api::{CanaryList, CanaryView, IssueCanary, IssuedCanary, Problem, Proof},
    inventory,
};

pub(super) async fn list(State(admin): State<Arc<Admin>>) -> Json<CanaryList> {
    let canaries = admin.desk.authority.view(|state| state.canaries().map(|it| view_of(state, it)).collect());
    Json(CanaryList { canaries })
}

pub(super) async fn issue(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Body(IssueCanary { name, holder, proof }): Body<IssueCanary>,
) -> Result<(StatusCode, Json<IssuedCanary>), Problem> {
    let desk = &admin.desk;
    let Some(issuing) = desk.settings.load().issued.clone() else {
        return Err(Problem::unfit(
            "a canary looks like an issued key; add `[issued]` with a `prefix` to the configuration",
        ));
    };
    let holder = desk.authority.view(|state| inventory::holder(state, &holder))?;
    let warrant = admin.warrant(&caller, &proof).await?;
    let (id, secret) = desk.authority.issue_canary(&issuing.form, name, holder, warrant, desk.now()).await?;
    let canary = view(desk, id)?;
    // Why it is exposed: this is the one time that it is shown.
    let text = String::from_utf8_lossy(secret.expose()).into_owned();
    Ok((StatusCode::CREATED, Json(IssuedCanary { canary, secret: text.into() })))
}

/// Answers with the canary as it was.
pub(super) async fn end(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(canary): Path<String>,
    Body(proof): Body<Proof>,
) -> Result<Json<CanaryView>, Problem> {
    let canary = id(&canary)?;
    let was = view(&admin.desk, canary)?;
    admin.perform(&Command::EndCanary(canary), &caller, &proof).await?;
    Ok(Json(was))
}

fn view(desk: &Desk, id: KeyId) -> Result<CanaryView, Declined> {
    desk.authority.view(|state| state.canary(id).map(|it| view_of(state, it)).ok_or(Declined::NoCanary(id)))
}

pub(super) fn view_of(state: &Authorities, canary: &Canary) -> CanaryView {
    let Canary { id, name, holder, since, .. } = canary;
    let holder = state.holder(*holder).map(|holder| holder.name.clone()).unwrap_or_default();
    CanaryView { id: *id, name: name.clone(), holder, since: *since }
}
