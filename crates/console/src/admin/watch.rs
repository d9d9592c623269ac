//! What the watch has done about keys, and lifting it.

use std::sync::Arc;

use authority::Command;
use axum::{
    Extension, Json,
    extract::{Path, State},
};

use super::{
    Admin,
    doors::Caller,
    json::{Body, id},
};
use crate::{
    api::{ContainedView, Problem, Proof, WatchView},
    contained,
};

pub(super) async fn status(State(admin): State<Arc<Admin>>) -> Json<WatchView> {
    Json(contained::status(&admin.desk))
}

/// Answers with what held the key.
pub(super) async fn lift(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Path(key): Path<String>,
    Body(proof): Body<Proof>,
) -> Result<Json<ContainedView>, Problem> {
    let key = id(&key)?;
    let was = admin.desk.authority.view(|state| contained::view(state, key, admin.desk.now()));
    admin.perform(&Command::LiftContainment(key), &caller, &proof).await?;
    Ok(Json(was))
}
