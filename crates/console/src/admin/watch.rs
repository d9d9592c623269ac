//! What the watch has done about keys, and lifting it.

use std::sync::Arc;

use authority::{Command, State as Authorities};
use axum::{
    Extension, Json,
    extract::{Path, State},
};
use jiff::Timestamp;
use law::KeyId;

use super::{
    Admin,
    doors::Caller,
    json::{Body, id},
};
use crate::api::{ContainedView, Problem, Proof, WatchView};

pub(super) async fn status(State(admin): State<Arc<Admin>>) -> Json<WatchView> {
    let desk = &admin.desk;
    let now = desk.now();
    let contained = |state: &Authorities| state.contained(now).map(|(key, _)| view(state, key, now)).collect();
    let (mode, contained) = (desk.settings.load().watch, desk.authority.view(contained));
    let guessing = desk.guesses.as_ref().map(|guesses| guesses.0(now)).unwrap_or_default();
    Json(WatchView { mode: mode.to_owned(), contained, guessing })
}

/// Answers with what held the key.
pub(super) async fn lift(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(key): Path<String>,
    Body(proof): Body<Proof>,
) -> Result<Json<ContainedView>, Problem> {
    let key = id(&key)?;
    let was = admin.desk.authority.view(|state| view(state, key, admin.desk.now()));
    admin.perform(&Command::LiftContainment(key), &caller, &proof).await?;
    Ok(Json(was))
}

fn view(state: &Authorities, id: KeyId, now: Timestamp) -> ContainedView {
    let key = state.key(id);
    let holder = key.and_then(|key| key.holder()).and_then(|holder| state.holder(holder));
    ContainedView {
        key: id,
        name: key.and_then(|key| key.name()).map(str::to_owned),
        holder: holder.map(|holder| holder.name.clone()),
        containments: state.containments(id, now),
        holds: state.family(id).into_iter().filter(|of| *of != id).collect(),
    }
}
