//! The law, for administrators.

use askama::Template;
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
    error: Option<String>,
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
        error: Option<String>,
        now: Timestamp,
    ) -> Self {
        let guarded = |kind: HolderKind, power: Power| {
            let cell = &law.of(kind)[power];
            let observes = (!cell.mode.enforces(now)).then(|| cell.mode.to_string());
            Guarded { guard: cell.guard.to_string(), observes }
        };
        let row = |power| Row { power, cells: HolderKind::ALL.map(|kind| guarded(kind, power)) };
        Self { frame, rows: Power::ALL.into_iter().map(row).collect(), waiting, error }
    }

    pub(in crate::pages) fn page(&self, status: StatusCode) -> Response {
        html(status, self)
    }
}
