//! How the gate stands, on one screen.

use std::sync::Arc;

use authority::{Failed, Progress};
use axum::{Json, extract::State};
use http::StatusCode;
use law::Refusal;
use record::{Pending, Room};

use super::Admin;
use crate::{
    Desk, Pulse,
    api::{LedgerStatus, Problem, RecordStatus, StatusView},
    ruling,
};

pub(super) async fn show(State(admin): State<Arc<Admin>>) -> Result<Json<StatusView>, Problem> {
    let (desk, now) = (&admin.desk, admin.desk.now());
    let pulse = desk.pulse.load_full().ok_or_else(no_gate)?;
    let Pulse(take) = &*pulse;
    let gate = take().await;
    let (ledger, record) = (ledger(desk).await?, record(desk).await);
    let (digest, observing) = {
        let law = desk.authority.law();
        (law.digest.to_string(), ruling::observing(&law.law, now))
    };
    let view = desk.authority.view(|state| {
        let (mut working, mut disabled, mut ended) = (0, 0, 0);
        for key in state.keys() {
            *match state.refusal(key.id, now) {
                None => &mut working,
                Some(Refusal::Disabled) => &mut disabled,
                Some(_) => &mut ended,
            } += 1;
        }
        let open = state.questions().filter(|asked| asked.progress(now) == Progress::Open);
        let open: Vec<_> = open.map(|asked| asked.at).collect();
        StatusView {
            gate,
            law: digest,
            observing,
            law_waits: state.waiting().is_some(),
            at_next_start: desk.at_next_start.load().iter().map(ToString::to_string).collect(),
            keys_working: working,
            keys_disabled: disabled,
            keys_ended: ended,
            keys_contained: state.contained(now).count(),
            questions: open.len(),
            oldest_question: open.into_iter().min(),
            questions_untold: desk.told.nobody(),
            record,
            ledger,
        }
    });
    Ok(Json(view))
}

async fn ledger(desk: &Desk) -> Result<LedgerStatus, Problem> {
    let store = desk.authority.store();
    let note = store.checkpoint().await.map_err(Failed::from)?;
    let covered =
        note.as_ref().and_then(|note| store.signer().verify(note).ok()).map(|checkpoint| checkpoint.chain.len);
    let entries = covered.unwrap_or(0);
    let behind = store.entries(entries.saturating_add(1), 1).await.map_err(Failed::from)?;
    let signed = (covered.is_some() || note.is_none()) && behind.is_empty();
    Ok(LedgerStatus { entries, signed, unwritten_since: desk.authority.unwritten_since() })
}

async fn record(desk: &Desk) -> RecordStatus {
    let folder = desk.record.clone();
    let read = tokio::task::spawn_blocking(move || (record::span(&folder).ok(), record::room(&folder).ok()));
    let (span, room) = read.await.unwrap_or_default();
    let Room { bytes, free, size } = room.unwrap_or(Room { bytes: 0, free: 0, size: 0 });
    let Pending { entries, synced } = desk.book.as_ref().map(|book| book.pending()).unwrap_or_default();
    let begins = span.and_then(|span| span.begins);
    RecordStatus { health: ruling::record_health(desk), begins, synced, pending: entries, bytes, free, size }
}

fn no_gate() -> Problem {
    Problem::new(StatusCode::CONFLICT, "no-gate", "no gate runs; start it: `greave serve`")
}
