//! What Prometheus reads of the watch.

use std::fmt::Write as _;

use gateway::Watching;
use jiff::Timestamp;

pub(super) fn text(watching: &Watching, now: Timestamp) -> String {
    let watch = watching.watch();
    let metrics = [
        ("greave_watch_guesses_total", "counter", "calls with a credential that nobody knows", watch.guesses()),
        (
            "greave_watch_guessing_blocks",
            "gauge",
            "address blocks that showed many such credentials within the hour",
            watch.guessers(now).len() as u64,
        ),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in metrics {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    text
}
