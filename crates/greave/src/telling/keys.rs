//! What is told of a key that was stopped, and of one that somebody asks for, in full: whoever
//! reads it at night has nothing else at hand.

use authority::{Grant, Limit, Scope, State, Wish};
use jiff::Timestamp;
use law::{HolderId, KeyId, Powers, RequestId, Severity, Step};
use serde_json::json;
use tell::Kind;

use super::letter::Letter;

pub(super) fn disabled(state: &State, key: KeyId, why: &str) -> Letter {
    let title = format!("key {key} is disabled");
    let letter = of_key(state, Letter::new(Kind::KeyContained, format!("{key}_disabled"), Severity::High, title), key);
    letter
        .fact("step", "Done", "disable")
        .field("done", json!("disabled: none of its calls passes, until a person enables it"))
        .fact("why", "Why", why)
        .line("         None of its calls passes, until a person enables it.")
        .advice([
            format!("greave incident {key}            # what it did, from where, and what came of it"),
            format!("greave keys enable {key} --as NAME   # if it was a mistake"),
        ])
}

pub(super) fn contained(state: &State, key: KeyId, step: Step, powers: Powers, until: Timestamp, why: &str) -> Letter {
    let title = format!("key {key} is contained: {step}");
    let letter = of_key(state, Letter::new(Kind::KeyContained, format!("{key}_{step}"), Severity::High, title), key);
    let stopped = if powers == Powers::EVERY { "every power".to_owned() } else { powers.to_string() };
    letter
        .fact("step", "Done", &step.to_string())
        .field("powers", json!(powers))
        .line(format!("Stops    {stopped}, of it and of what it made"))
        .field("until", json!(until))
        .line(format!("Until    {}, or until somebody lifts it", until.strftime("%Y-%m-%d %H:%M:%S UTC")))
        .fact("why", "Found", why)
        .advice([
            format!("greave incident {key}               # what it did, from where, and what came of it"),
            format!("greave calls --key {key}            # its calls"),
            format!("greave keys disable {key}           # nothing of it passes any more"),
            format!("greave watch lift {key} --as NAME   # if it was in order"),
        ])
}

pub(super) fn requested(state: &State, id: RequestId, person: HolderId, wish: &Wish, until: Timestamp) -> Letter {
    let Wish { name: called, holder, scope, limits, lifetime, reason } = wish;
    let (by, holder) = (name(state, person), name(state, *holder));
    let title = format!("{id}: {by} asks for a key for {holder}");
    let letter = Letter::new(Kind::KeyRequested, format!("{id}_asked"), Severity::Info, title)
        .field("request", json!(id.to_string()))
        .fact("by", "By", &by)
        .fact("holder", "For", &holder)
        .fact("name", "Called", called.as_deref().unwrap_or("nothing"));
    bounds(letter, scope, limits)
        .fact("lifetime", "Lasts", &lifetime.to_string())
        .fact("reason", "Reason", reason)
        .field("until", json!(until))
        .line(format!("Until    {}", until.strftime("%Y-%m-%d %H:%M:%S UTC")))
        .advice([
            format!("greave keys requests {id}            # what it would reach, and what keys like it use"),
            format!("greave keys approve {id} --as NAME"),
            format!("greave keys deny {id}"),
        ])
}

pub(super) fn granted(state: &State, id: RequestId, grant: &Grant) -> Letter {
    let Grant { by, scope, limits, lifetime, until } = grant;
    let by = name(state, *by);
    let title = format!("{id} is granted by {by}");
    let letter = Letter::new(Kind::KeyRequested, format!("{id}_granted"), Severity::Info, title)
        .field("request", json!(id.to_string()))
        .fact("by", "By", &by);
    bounds(letter, scope, limits)
        .fact("lifetime", "Lasts", &lifetime.to_string())
        .field("until", json!(until))
        .line(format!("Collect  until {}", until.strftime("%Y-%m-%d %H:%M:%S UTC")))
        .advice([format!("greave keys collect {id} --as NAME")])
}

pub(super) fn denied(id: RequestId, why: &str) -> Letter {
    let title = format!("{id} is denied");
    let letter = Letter::new(Kind::KeyRequested, format!("{id}_denied"), Severity::Info, title);
    letter.field("request", json!(id.to_string())).fact("why", "Why", why)
}

/// Which key, and whose.
fn of_key(state: &State, letter: Letter, id: KeyId) -> Letter {
    let letter = letter.field("key", json!(id));
    let Some(key) = state.key(id) else { return letter.line(format!("Key      {id}")) };
    let letter = match key.name() {
        Some(called) => letter.field("key_name", json!(called)).line(format!("Key      {id} ({called})")),
        None => letter.line(format!("Key      {id}")),
    };
    let Some(holder) = key.holder().and_then(|holder| state.holder(holder)) else {
        return letter.line("Holder   nobody knows");
    };
    let letter = letter.fact("holder", "Holder", &holder.name);
    match holder.owner {
        Some(owner) => letter.fact("owner", "Owner", &name(state, owner)),
        None => letter,
    }
}

fn bounds(letter: Letter, scope: &Scope, limits: &[Limit]) -> Letter {
    let Scope { powers, operations, sources } = scope;
    let mut letter = letter.field("powers", json!(powers)).line(format!("Powers   {powers}"));
    if !operations.is_empty() {
        letter = letter.field("operations", json!(operations));
        letter = operations.iter().fold(letter, |letter, it| letter.line(format!("Only     {it}")));
    }
    if !sources.is_empty() {
        let all: Vec<String> = sources.iter().map(ToString::to_string).collect();
        letter = letter.fact("sources", "From", &all.join(", "));
    }
    if !limits.is_empty() {
        let all: Vec<String> = limits.iter().map(ToString::to_string).collect();
        letter = letter.fact("limits", "Limits", &all.join(", "));
    }
    letter
}

fn name(state: &State, id: HolderId) -> String {
    state.holder(id).map_or_else(|| id.to_string(), |holder| holder.name.clone())
}
