//! What Prometheus reads, and whether the gate is well.

mod telling;
mod watch;

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use authority::{Authority, Drilled, State};
use axum::{
    Router,
    http::{HeaderName, StatusCode, header::CONTENT_TYPE},
    routing::get,
};
use gateway::{Gate, Watching};
use jiff::Timestamp;
use record::Book;
use tell::Teller;

use crate::{
    drains::{Drains, cursor::Health},
    traces::Traces,
};

/// The text format, by whose version a reader knows how to take it.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What there is to measure.
pub(crate) struct Measured {
    pub(crate) gate: Arc<Gate>,
    pub(crate) book: Arc<Book>,
    pub(crate) drains: Arc<Drains>,
    pub(crate) traces: Arc<Traces>,
    pub(crate) watching: Arc<Watching>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) teller: Teller,
}

/// `/metrics` and `/health`.
pub(crate) fn pages(measured: Measured) -> Router {
    let (health, measured) = (Arc::clone(&measured.book), Arc::new(measured));
    Router::new()
        .route("/metrics", get(move || metrics(Arc::clone(&measured))))
        .route("/health", get(move || async move { well(&health) }))
}

async fn metrics(measured: Arc<Measured>) -> Result<([(HeaderName, &'static str); 1], String), StatusCode> {
    // The watch looks at each of its keys, which may be a million.
    let text = tokio::task::spawn_blocking(move || {
        let Measured { gate, book, drains, traces, watching, authority, teller } = &*measured;
        let now = Timestamp::now();
        text(gate, book, (drains, traces))
            + &watch::text(watching, authority, now)
            + &telling::text(&teller.health())
            + &authority.view(of_drills)
    });
    let text = text.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(CONTENT_TYPE, FORMAT)], text))
}

fn well(book: &Book) -> (StatusCode, &'static str) {
    match book.health() {
        record::Health::Healthy => (StatusCode::OK, "ok\n"),
        record::Health::Failing { .. } => (StatusCode::SERVICE_UNAVAILABLE, "the record cannot be written\n"),
        record::Health::Closed { .. } => {
            (StatusCode::SERVICE_UNAVAILABLE, "the record could not be written for too long\n")
        }
    }
}

fn text(gate: &Gate, book: &Book, (drains, traces): (&Drains, &Traces)) -> String {
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
        ("greave_traces_sent_total", "counter", "requests whose spans a collector took", read(&traces.counts.sent)),
        ("greave_traces_dropped_total", "counter", "requests whose spans were let go", read(&traces.counts.dropped)),
        ("greave_record_syncs_total", "counter", "times the record was synced", record.syncs),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in metrics {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    text + &of_drains(&drains.health(), Timestamp::now())
}

/// The last drill of each scenario: whether it was in time, and when it ended. None was played
/// where nothing is said.
fn of_drills(state: &State) -> String {
    type Value = fn(&Drilled) -> i64;
    let metrics: [(&str, &str, Value); 2] = [
        ("greave_drill_in_time", "whether the last drill was contained in time: 1, or 0", |it| {
            i64::from(it.card.in_time)
        }),
        ("greave_drill_ended_timestamp_seconds", "when the last drill ended", |it| it.at.as_second()),
    ];
    let mut text = String::new();
    for (metric, help, value) in metrics {
        for (place, (scenario, drilled)) in state.last_drills().enumerate() {
            if place == 0 {
                let _ = writeln!(text, "# HELP {metric} {help}\n# TYPE {metric} gauge");
            }
            let _ = writeln!(text, "{metric}{{scenario=\"{scenario}\"}} {}", value(drilled));
        }
    }
    text
}

fn of_drains(drains: &[(String, Health)], now: Timestamp) -> String {
    type Value = fn(&Health, Timestamp) -> u64;
    let metrics: [(&str, &str, &str, Value); 7] = [
        ("greave_drain_sent_total", "counter", "events that arrived", |health, _| health.sent),
        ("greave_drain_failures_total", "counter", "attempts to send that failed", |health, _| health.failed),
        ("greave_drain_refused_total", "counter", "events that the receiver did not take", |health, _| health.refused),
        (
            "greave_drain_lost_total",
            "counter",
            "files of the record, and findings, that were removed before they were sent",
            |health, _| health.lost,
        ),
        ("greave_drain_behind_bytes", "gauge", "bytes of the record that wait", |health, _| health.bytes_behind),
        ("greave_drain_behind_changes", "gauge", "changes of the ledger that wait", |health, _| health.changes_behind),
        ("greave_drain_lag_seconds", "gauge", "age of the oldest event that waits", |health, now| {
            let age = health.waiting_since.map_or(0, |since| now.duration_since(since).as_secs());
            u64::try_from(age).unwrap_or(0)
        }),
    ];
    let mut text = String::new();
    for (metric, kind, help, value) in metrics {
        if drains.is_empty() {
            break;
        }
        let _ = writeln!(text, "# HELP {metric} {help}\n# TYPE {metric} {kind}");
        for (name, health) in drains {
            let _ = writeln!(text, "{metric}{{drain=\"{name}\"}} {}", value(health, now));
        }
    }
    text
}
