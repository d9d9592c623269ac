//! What Prometheus reads of the watch.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use authority::{Authority, State};
use gateway::Watching;
use jiff::Timestamp;
use law::{Containment, Step};

use super::text::Text;

/// As `[watch]` and `greave watch` call them.
const SEVERITIES: [&str; 4] = ["info", "warning", "high", "critical"];

const HOLDING: [Step; 5] = [Step::StepUp, Step::Freeze, Step::Pin, Step::Disable, Step::Revoke];

/// Looks at each key once: not for a thread that answers requests.
pub(super) fn text(watching: &Watching, authority: &Authority, now: Timestamp) -> String {
    let (watch, counts) = (watching.watch(), watching.counts());
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let mut text = Text::default();
    let found = SEVERITIES.iter().zip(&counts.findings).map(|(severity, found)| (*severity, read(found)));
    text.by("greave_watch_findings_total", "counter", "findings of the watch", "severity", found);
    let held = authority.view(|state| contained(state, now));
    let held = HOLDING.iter().map(|step| (step.to_string(), held.get(step).copied().unwrap_or(0)));
    text.by("greave_watch_contained", "gauge", "keys that are contained, by what is done about them", "step", held);
    for (name, kind, help, value) in [
        ("greave_watch_capped_total", "counter", "findings answered more mildly by the caps", read(&counts.capped)),
        (
            "greave_watch_asked_total",
            "counter",
            "calls that a person was asked about because their key is held",
            read(&counts.asked),
        ),
        ("greave_watch_lifted_total", "counter", "keys whose containments a person lifted", read(&counts.lifted)),
        ("greave_watch_untold_total", "counter", "findings lost for want of room", read(&counts.untold)),
        ("greave_watch_unwritten_keys", "gauge", "keys held by what cannot be written", watching.unwritten() as u64),
        ("greave_watch_keys", "gauge", "keys that are looked at", watch.keys() as u64),
        ("greave_watch_bytes", "gauge", "memory of the watch", (watch.bytes() + watch.bytes_of_guesses()) as u64),
        ("greave_watch_guesses_total", "counter", "calls with a credential that nobody knows", watch.guesses()),
        (
            "greave_watch_guessing_blocks",
            "gauge",
            "address blocks that showed many such credentials within the hour",
            watch.guessers(now).len() as u64,
        ),
    ] {
        text.one(name, kind, help, value);
    }
    text.0
}

/// How many keys each step holds.
fn contained(state: &State, now: Timestamp) -> BTreeMap<Step, u64> {
    let mut held = BTreeMap::new();
    for (_, containments) in state.contained(now) {
        let mut steps: Vec<Step> = containments.map(|Containment { step, .. }| *step).collect();
        steps.sort_unstable();
        steps.dedup();
        steps.into_iter().for_each(|step| *held.entry(step).or_default() += 1);
    }
    held
}
