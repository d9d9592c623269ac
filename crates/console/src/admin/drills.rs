//! Drills: thefts that the gate rehearses at itself.

use std::sync::Arc;

use axum::{Extension, Json, extract::State};
use http::StatusCode;

use super::{Admin, doors::Caller, json::Body};
use crate::{
    api::{BeginDrill, DrillView, Problem},
    drills::NotBegun,
};

pub(super) async fn show(State(admin): State<Arc<Admin>>) -> Result<Json<DrillView>, Problem> {
    let drills = admin.desk.drills.load_full().ok_or_else(no_gate)?;
    Ok(Json((drills.view)()))
}

/// Answers when the drill has begun.
pub(super) async fn begin(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Body(wanted): Body<BeginDrill>,
) -> Result<(StatusCode, Json<DrillView>), Problem> {
    let drills = admin.desk.drills.load_full().ok_or_else(no_gate)?;
    let warrant = admin.warrant(&caller, &wanted.proof).await?;
    let begun = (drills.begin)(wanted, warrant).await.map_err(|error| match error {
        NotBegun::Unfit(why) => Problem::unfit(why),
        NotBegun::NotDone(not_done) => not_done.into(),
    })?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

fn no_gate() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "no-gate",
        "a drill is played against the running gate; start it: `greave serve`",
    )
}
