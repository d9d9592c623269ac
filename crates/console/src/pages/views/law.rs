//! The law, for administrators.

use askama::Template;
use authority::Drilled;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use law::{HolderKind, Law, Power};

use super::{Frame, html};
use crate::api::WaitingLaw;

/// The law in force, and one that waits.
#[derive(Template)]
#[template(path = "law.html")]
pub(in crate::pages) struct LawPage {
    frame: Frame,
    rows: Vec<Row>,
    waiting: Option<WaitingLaw>,
    drills: Vec<DrillRow>,
    error: Option<String>,
}

/// What the last drill of one scenario showed.
struct DrillRow {
    scenario: String,
    at: String,
    in_time: bool,
    contained: Option<String>,
    got_out: String,
}

/// One power, and what it requires of each kind of holder.
struct Row {
    power: Power,
    cells: [Guarded; 3],
}

struct Guarded {
    guard: String,
    /// Until when it only observes.
    observes: Option<String>,
}

impl LawPage {
    pub(in crate::pages) fn new(
        frame: Frame,
        law: &Law,
        waiting: Option<WaitingLaw>,
        drills: Vec<(String, Drilled)>,
        error: Option<String>,
        now: Timestamp,
    ) -> Self {
        let guarded = |kind: HolderKind, power: Power| {
            let cell = &law.of(kind)[power];
            let observes = (!cell.mode.enforces(now)).then(|| cell.mode.to_string());
            Guarded { guard: cell.guard.to_string(), observes }
        };
        let row = |power| Row { power, cells: HolderKind::ALL.map(|kind| guarded(kind, power)) };
        let drills = drills.into_iter().map(|(scenario, Drilled { at, card, .. })| DrillRow {
            scenario,
            at: format!("{at:.0}"),
            in_time: card.in_time,
            contained: card.contained.map(|moment| format!("at call {}: {}", moment.call, moment.what)),
            got_out: format!("{} rows, {} sensitive calls", card.rows, card.sensitive),
        });
        let rows = Power::ALL.into_iter().map(row).collect();
        Self { frame, rows, waiting, drills: drills.collect(), error }
    }

    pub(in crate::pages) fn page(&self, status: StatusCode) -> Response {
        html(status, self)
    }
}
