//! Drills: thefts that the gate rehearses at itself.

use std::sync::Arc;

use axum::{Extension, Json, extract::State};
use http::StatusCode;

use super::{Admin, doors::Caller, json::Body};
use crate::{
    api::{BeginDrill, DrillView, LaidOut, Problem, Proof},
    drills::NotBegun,
};

pub(super) async fn show(State(admin): State<Arc<Admin>>) -> Result<Json<DrillView>, Problem> {
    let drills = admin.desk.drills.load_full().ok_or_else(no_gate)?;
    Ok(Json((drills.view)()))
}

const NOT_ISSUED: &str = "reads pass only with a credential of the gate's own, and this gate has none; add `[issued]` to the \
                          configuration and set one with `greave upstream set-credential`, or leave `--reads-pass` away";

/// Answers when the drill has begun.
pub(super) async fn begin(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Body(wanted): Body<BeginDrill>,
) -> Result<(StatusCode, Json<DrillView>), Problem> {
    let drills = admin.desk.drills.load_full().ok_or_else(no_gate)?;
    if wanted.reads_pass && admin.desk.settings.load().issued.is_none() {
        return Err(Problem::unfit(NOT_ISSUED));
    }
    let warrant = admin.warrant(&caller, &wanted.proof).await?;
    let begun = (drills.begin)(wanted, warrant).await.map_err(not_begun)?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

/// Answers with the canary, which is to be laid out: the drill goes on when a scanner has found it.
pub(super) async fn lay_out(
    State(admin): State<Arc<Admin>>,
    caller: Extension<Caller>,
    Body(proof): Body<Proof>,
) -> Result<(StatusCode, Json<LaidOut>), Problem> {
    let drills = admin.desk.drills.load_full().ok_or_else(no_gate)?;
    let warrant = admin.warrant(&caller, &proof).await?;
    let form = admin.desk.settings.load().issued.as_ref().map(|issued| issued.form.clone());
    let laid_out = (drills.lay_out)(form, warrant).await.map_err(not_begun)?;
    Ok((StatusCode::ACCEPTED, Json(laid_out)))
}

fn not_begun(error: NotBegun) -> Problem {
    match error {
        NotBegun::Unfit(why) => Problem::unfit(why),
        NotBegun::NotDone(not_done) => not_done.into(),
    }
}

fn no_gate() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "no-gate",
        "a drill is played against the running gate; start it: `greave serve`",
    )
}
