//! What Prometheus reads, and whether the gate is well.

mod house;
mod telling;
mod text;
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
use console::Told;
use gateway::{Counts, Decided, Gate, Times, Watching};
use jiff::Timestamp;
use record::Book;
use tell::Teller;

pub(crate) use self::house::started;
use self::text::Text;
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
    /// What the record may take, in bytes.
    pub(crate) record_cap: u64,
    pub(crate) drains: Arc<Drains>,
    pub(crate) traces: Arc<Traces>,
    pub(crate) watching: Arc<Watching>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) teller: Teller,
    pub(crate) told: Arc<Told>,
}

/// `/metrics` and `/health`.
pub(crate) fn pages(measured: Measured) -> Router {
    let (health, measured) = (Arc::clone(&measured.book), Arc::new(measured));
    Router::new()
        .route("/metrics", get(move || metrics(Arc::clone(&measured))))
        .route("/health", get(move || async move { well(health.health()) }))
}

async fn metrics(measured: Arc<Measured>) -> Result<([(HeaderName, &'static str); 1], String), StatusCode> {
    // The watch looks at each of its keys, which may be a million.
    let text = tokio::task::spawn_blocking(move || {
        let Measured { gate, book, record_cap, drains, traces, watching, authority, teller, told } = &*measured;
        let now = Timestamp::now();
        let mut text = Text::default();
        house::of_process(&mut text);
        house::of_law(&mut text, authority, now);
        of_gate(&mut text, gate.counts());
        house::of_questions(&mut text, authority, told, now);
        house::of_record(&mut text, book, *record_cap);
        of_traces(&mut text, traces);
        text.0
            + &of_drains(&drains.health(), now)
            + &watch::text(watching, authority, now)
            + &telling::text(&teller.health())
            + &authority.view(of_drills)
    });
    let text = text.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(CONTENT_TYPE, FORMAT)], text))
}

fn well(health: record::Health) -> (StatusCode, String) {
    let (degree, since, reason) = match health {
        record::Health::Healthy => return (StatusCode::OK, "ok\n".to_owned()),
        record::Health::Failing { since, reason, .. } => ("sensitive calls are refused", since, reason),
        record::Health::Closed { since, reason, .. } => ("all calls are refused", since, reason),
    };
    let text = format!("the record cannot be written since {since:.0}: {reason}; {degree}\n");
    (StatusCode::SERVICE_UNAVAILABLE, text)
}

fn of_gate(text: &mut Text, counts: &Counts) {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    text.counter("greave_calls_permitted_total", "calls that passed", read(&counts.permitted));
    let help = "calls that passed because a guard observes";
    text.counter("greave_calls_would_ask_total", help, read(&counts.would_ask));
    text.counter("greave_calls_challenged_total", "calls that ended with a question", read(&counts.challenged));
    text.counter("greave_calls_refused_total", "calls that were refused", read(&counts.refused));
    text.gauge("greave_calls_waiting", "calls that wait for a person now", read(&counts.waiting));
    let named = |(decided, times): (Decided, Times)| (decided.word(), times);
    text.histogram(
        "greave_request_duration_seconds",
        "how long requests took, to the last byte of the answer",
        "decision",
        counts.durations.iter().map(named),
    );
    text.histogram(
        "greave_gate_duration_seconds",
        "what the gate added before a request went on or was refused, without what it waited for a person",
        "decision",
        counts.shares.iter().map(named),
    );
    text.by("greave_upstream_answers_total", "counter", "what the API answered", "status", counts.answers());
    let help = "requests that the API did not answer, or not to the end";
    text.by("greave_upstream_errors_total", "counter", help, "why", counts.unanswered());
}

fn of_traces(text: &mut Text, traces: &Traces) {
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (sent, dropped) = (read(&traces.counts.sent), read(&traces.counts.dropped));
    text.counter("greave_traces_sent_total", "requests whose spans a collector took", sent);
    text.counter("greave_traces_dropped_total", "requests whose spans were let go", dropped);
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// The names of metrics that stand in a text.
    fn named(text: &str) -> BTreeSet<&str> {
        let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        let is_metric = |word: &&str| word.starts_with("greave_") || word.starts_with("process_");
        words.filter(is_metric).filter(|word| !word.ends_with('_')).collect()
    }

    #[test]
    fn every_metric_is_explained_and_every_one_that_is_explained_exists() {
        let code = [
            include_str!("metrics.rs").split("#[cfg(test)]").next().unwrap_or_default(),
            include_str!("metrics/house.rs"),
            include_str!("metrics/telling.rs").split("#[cfg(test)]").next().unwrap_or_default(),
            include_str!("metrics/watch.rs"),
        ];
        let quoted = code.iter().flat_map(|code| code.split('"').skip(1).step_by(2));
        let quoted: String = quoted.map(|text| format!("{text} ")).collect();
        let made = named(&quoted);
        let guide = include_str!("../../../docs/guide.md");
        let pages = [guide, include_str!("../../../docs/watch.md"), include_str!("../../../docs/drill.md")].concat();
        let told = named(&pages);
        let untold: Vec<_> = made.difference(&told).collect();
        assert!(untold.is_empty(), "not explained: {untold:?}");
        let made_up = told.iter().filter(|name| !made.contains(name.strip_suffix("_bucket").unwrap_or(name)));
        let made_up: Vec<_> = made_up.collect();
        assert!(made_up.is_empty(), "explained, and not there: {made_up:?}");
        for name in made {
            let unit = ["_total", "_seconds", "_bytes", "_info"].iter().any(|unit| name.ends_with(unit));
            let fine = unit || !["time", "size", "age", "duration"].iter().any(|word| name.contains(word));
            assert!(fine || name == "greave_drill_in_time", "{name} has no unit");
        }
    }
}
