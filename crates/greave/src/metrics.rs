//! What Prometheus reads, and whether the gate is well.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    routing::get,
};
use gateway::Gate;
use record::{Book, Health};

/// The text format, by whose version a reader knows how to take it.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `/metrics` and `/health`.
pub(crate) fn pages(gate: Arc<Gate>, book: Arc<Book>) -> Router {
    let health = Arc::clone(&book);
    Router::new()
        .route("/metrics", get(move || async move { ([(CONTENT_TYPE, FORMAT)], text(&gate, &book)) }))
        .route("/health", get(move || async move { well(&health) }))
}

fn well(book: &Book) -> (StatusCode, &'static str) {
    match book.health() {
        Health::Healthy => (StatusCode::OK, "ok\n"),
        Health::Failing { .. } => (StatusCode::SERVICE_UNAVAILABLE, "the record cannot be written\n"),
        Health::Closed { .. } => (StatusCode::SERVICE_UNAVAILABLE, "the record could not be written for too long\n"),
    }
}

fn text(gate: &Gate, book: &Book) -> String {
    let counts = gate.counts();
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let record = book.counts();
    let metrics = [
        ("greave_calls_permitted_total", "counter", "calls that passed", read(&counts.permitted)),
        (
            "greave_calls_would_ask_total",
            "counter",
            "calls that passed because a guard observes",
            read(&counts.would_ask),
        ),
        ("greave_calls_challenged_total", "counter", "calls that ended with a question", read(&counts.challenged)),
        ("greave_calls_refused_total", "counter", "calls that were refused", read(&counts.refused)),
        ("greave_calls_waiting", "gauge", "calls that wait for a person now", read(&counts.waiting)),
        ("greave_record_entries_total", "counter", "entries of the record on disk", record.written),
        ("greave_record_lost_total", "counter", "entries that could not be written", record.lost),
        ("greave_record_syncs_total", "counter", "times the record was synced", record.syncs),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in metrics {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    text
}
