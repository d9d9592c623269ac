//! What the watch has done about keys, for administrators.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use law::{Containment, KeyId, Step};

use super::{Frame, html};
use crate::{
    api::{ContainedView, GuessingView, WatchView},
    pages::text::{moment, visible},
};

/// Keys on one page.
const MOST: usize = 100;

/// Keys that are named in one line.
const NAMED: usize = 20;

/// Which keys are contained, why, until when, and lifting it.
#[derive(Template)]
#[template(path = "watch.html")]
pub(in crate::pages) struct WatchPage {
    frame: Frame,
    mode: &'static str,
    guessing: Vec<Block>,
    keys: Vec<Contained>,
    /// How many there are, shown or not.
    all: usize,
    said: Option<String>,
    error: Option<String>,
}

struct Block {
    block: String,
    source: String,
    credentials: u32,
    calls: u32,
    since: String,
    last: String,
    worked: String,
}

struct Contained {
    id: KeyId,
    title: String,
    holder: Option<String>,
    held: Vec<Held>,
    made: Option<String>,
}

struct Held {
    step: Step,
    tag: &'static str,
    meaning: &'static str,
    until: String,
    /// The key above it for whose sake it is held.
    with: Option<KeyId>,
    why: Vec<String>,
}

impl WatchPage {
    pub(in crate::pages) fn new(frame: Frame, view: WatchView, said: Option<String>, error: Option<String>) -> Self {
        let WatchView { mode, mut contained, guessing } = view;
        let strictest = |key: &ContainedView| key.containments.iter().map(|held| (held.step, held.from)).max();
        contained.sort_by_key(|key| std::cmp::Reverse(strictest(key)));
        let all = contained.len();
        contained.truncate(MOST);
        let mode = match mode.as_str() {
            "on" => "The watch is on: it contains keys.",
            "dry-run" => "The watch only tells what it would do (`[watch] mode = \"dry-run\"`).",
            _ => "The watch is off: nothing is looked at.",
        };
        let guessing = guessing.into_iter().take(MOST).map(block).collect();
        Self { frame, mode, guessing, keys: contained.iter().map(of_key).collect(), all, said, error }
    }

    pub(in crate::pages) fn page(&self, status: StatusCode) -> Response {
        html(status, self)
    }
}

fn block(guessing: GuessingView) -> Block {
    let GuessingView { block, source, credentials, calls, since, last, worked } = guessing;
    let source = source.to_string();
    Block { block, source, credentials, calls, since: moment(since), last: moment(last), worked: named(&worked) }
}

fn of_key(view: &ContainedView) -> Contained {
    let ContainedView { key, name, holder, containments, holds } = view;
    let mut strictest: Vec<&Containment> = containments.iter().collect();
    strictest.sort_by_key(|held| std::cmp::Reverse((held.step, held.from)));
    Contained {
        id: *key,
        title: name.as_deref().map_or_else(|| "A key".to_owned(), |name| visible(name, false)),
        holder: holder.as_deref().map(|holder| visible(holder, false)),
        held: strictest.into_iter().map(held).collect(),
        made: (!holds.is_empty()).then(|| named(holds)),
    }
}

fn held(containment: &Containment) -> Held {
    let Containment { key: _, step, powers: _, from: _, until, reason, lift: _, with } = containment;
    let meaning = match step {
        Step::Note | Step::Tell => "nothing is held",
        Step::StepUp => "what is sensitive or not usual asks a person",
        Step::Freeze => "what is sensitive or not usual is refused",
        Step::Pin => "only what is usual passes",
        Step::Disable | Step::Revoke => "nothing passes",
    };
    let until = if *step == Step::Revoke { "for ever".to_owned() } else { format!("until {}", moment(*until)) };
    let why = parts(reason).iter().map(|part| visible(part, false)).collect();
    let tag = if step.contains() { "bad" } else { "warn" };
    Held { step: *step, tag, meaning, until, with: *with, why }
}

/// The parts of a finding follow each other in its reason: the call, then each detector with its
/// words, in which there may be a semicolon as well.
fn parts(reason: &str) -> Vec<String> {
    let is_detector = |part: &str| {
        let name = part.split_once(": ").map(|(name, _)| name);
        name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
    };
    let mut parts: Vec<String> = Vec::new();
    for part in reason.split("; ") {
        match parts.last_mut() {
            Some(last) if !is_detector(part) => *last = format!("{last}; {part}"),
            _ => parts.push(part.to_owned()),
        }
    }
    parts
}

fn named(keys: &[KeyId]) -> String {
    let named = keys.iter().take(NAMED).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match keys.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_reason_stands_by_itself() {
        let reason =
            "GET /orders from 203.0.113.66 with curl; new-source: a new network; it knows 2; canary: it lay there";
        let whole = [
            "GET /orders from 203.0.113.66 with curl",
            "new-source: a new network; it knows 2",
            "canary: it lay there",
        ];
        assert_eq!(parts(reason), whole);
        assert_eq!(parts("a person said so"), ["a person said so"]);
    }
}
