//! A call and what became of it, as API Activity.

use jiff::Timestamp;
use law::{Call, Ended, Outcome, Power, Powers, Refusal, Severity, Verdict, Who};
use record::{Joined, VerdictKind};
use serde_json::{Value, json};

use crate::event::{API, Activity, Draft, Event, Kind, Names, Teller, other, words};

/// Methods that OCSF has words for; others are left out there and stand in the operation.
const METHODS: [&str; 9] = ["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "PATCH"];

/// Whether this is the first that is told of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is told once, with its outcome or without one.
    Once,
    /// It was told while it went on; this is its end, as an event of its own.
    Later,
}

/// A call with what became of it.
pub fn call(teller: &Teller, names: Names<'_>, joined: &Joined, ending: Ending) -> Event {
    let Joined { call, outcome } = joined;
    let (method, path) = call.operation.split_once(' ').unwrap_or(("", &call.operation));
    let uid = match ending {
        Ending::Once => call.id.to_string(),
        Ending::Later => format!("{}/end", call.id),
    };
    let (action_id, action, disposition_id, disposition) = action(call);
    let mut more = json!({
        "action_id": action_id,
        "action": action,
        "disposition_id": disposition_id,
        "disposition": disposition,
        "policy": {"name": "law", "uid": &*call.law},
        "actor": actor(names, call),
        "api": {
            "operation": &*call.operation,
            "service": {"name": teller.api},
            "request": {"uid": call.id},
            "token": call.key.map(|key| json!({"uid": key, "type_id": 7, "type": "API Token"})),
            "response": outcome.as_ref().filter(|outcome| outcome.status > 0).map(|outcome| json!({
                "code": outcome.status,
                "error": refusal(call.verdict).map(Refusal::code),
                "error_message": refusal(call.verdict).map(Refusal::says),
            })),
        },
        "http_request": {
            "uid": call.id,
            "http_method": METHODS.contains(&method).then_some(method),
            "url": {"path": path_of(call, path), "query_string": (!call.query.is_empty()).then(|| call.query.join("&"))},
            "user_agent": call.user_agent,
            "body_length": outcome.as_ref().map(|outcome| outcome.bytes_in),
        },
        "src_endpoint": {"ip": call.source.to_canonical().to_string()},
        "start_time": call.at.as_millisecond(),
        "unmapped": unmapped(call, outcome.as_ref()),
    });
    if let (Value::Object(more), Some(outcome)) = (&mut more, outcome) {
        more.extend(became(call, outcome));
    } else if let Value::Object(more) = &mut more {
        more.extend([("status_id".to_owned(), json!(0)), ("status".to_owned(), json!("Unknown"))]);
    }
    let draft = Draft {
        kind: Kind::Call,
        class: API,
        activity: activity(method, call.powers),
        severity: severity(call.verdict),
        at: call.at,
        uid,
        code: VerdictKind::of(call.verdict).word(),
        message: message(call, outcome.as_ref()),
        metadata: json!({"correlation_uid": call.id, "profiles": ["security_control"]}),
        more,
    };
    draft.event(teller).with_powers(call.powers)
}

/// By power where the document tells, and by method.
const fn activity(method: &str, powers: Powers) -> Activity {
    let is_described = !powers.is_superset(Powers::EVERY);
    match method.as_bytes() {
        _ if is_described && powers.contains(Power::Destroy) => Activity(4, "Delete"),
        b"GET" | b"HEAD" | b"OPTIONS" => Activity(2, "Read"),
        b"DELETE" => Activity(4, "Delete"),
        b"PUT" | b"PATCH" => Activity(3, "Update"),
        // A search that is sent as a form.
        b"POST" if !powers.is_empty() && Powers::NONE.with(Power::Read).with(Power::Export).is_superset(powers) => {
            Activity(2, "Read")
        }
        b"POST" => Activity(1, "Create"),
        _ => other("Other"),
    }
}

const fn action(call: &Call) -> (u32, &'static str, u32, &'static str) {
    match call.verdict {
        Verdict::Permit if call.approval.is_some() => (1, "Allowed", 8, "Approved"),
        Verdict::Permit => (1, "Allowed", 1, "Allowed"),
        Verdict::WouldAsk(_) | Verdict::WouldRefuse(_) => (3, "Observed", 17, "Logged"),
        Verdict::Challenge(_) => (2, "Denied", 23, "Challenge"),
        Verdict::Refuse(_) => (2, "Denied", 2, "Blocked"),
    }
}

const fn severity(verdict: Verdict) -> Severity {
    match verdict {
        Verdict::Permit => Severity::Info,
        Verdict::Refuse(Refusal::Denied) => Severity::High,
        Verdict::WouldAsk(_) | Verdict::WouldRefuse(_) | Verdict::Challenge(_) | Verdict::Refuse(_) => {
            Severity::Warning
        }
    }
}

fn actor(names: Names<'_>, call: &Call) -> Value {
    let invoked_by = match call.who {
        Who::Key => None,
        Who::Unknown => Some("an unknown credential"),
        Who::Session => Some("a session"),
        Who::Nobody => Some("nobody"),
        Who::Drill => Some("a drill of the gate"),
        Who::DrillRead => Some("a drill of the gate, which read at the API"),
    };
    json!({
        "app_uid": call.key,
        "app_name": call.key.and_then(|key| names.key_name(key)),
        "user": call.holder.map(|holder| names.user(holder)),
        "invoked_by": invoked_by,
    })
}

/// The path of what is not described, as far as the record has it; else the template.
fn path_of<'a>(call: &'a Call, template: &'a str) -> &'a str {
    let path = call.parameters.iter().find(|(name, _)| &**name == "path");
    match path {
        Some((_, path)) if template == "*" => path,
        _ => template,
    }
}

fn became(call: &Call, outcome: &Outcome) -> [(String, Value); 6] {
    let Outcome { call: _, at, status, bytes_in: _, bytes_out, rows: _, minted: _, learned: _, micros, ended } =
        outcome;
    let (id, name) = match (status, ended) {
        (0, _) => (0, "Unknown"),
        (_, Ended::UpstreamGone | Ended::Cut | Ended::LimitReached) => (2, "Failure"),
        (1..=399, Ended::Whole | Ended::ClientGone | Ended::Answered) => (1, "Success"),
        _ => (2, "Failure"),
    };
    let detail = refusal(call.verdict).map_or_else(|| ended_in_words(*ended), Refusal::code);
    let latency = i64::try_from(micros / 1000).unwrap_or(i64::MAX);
    let response = (*status > 0).then(|| json!({"code": status, "body_length": bytes_out, "latency": latency}));
    [
        ("status_id".to_owned(), json!(id)),
        ("status".to_owned(), json!(name)),
        ("status_code".to_owned(), json!(status.to_string())),
        ("status_detail".to_owned(), json!(detail)),
        ("http_response".to_owned(), response.unwrap_or(Value::Null)),
        ("end_time".to_owned(), json!(end(call.at, *at))),
    ]
}

/// Clocks are set back: nothing ends before it begins.
fn end(began: Timestamp, ended: Timestamp) -> i64 {
    ended.max(began).as_millisecond()
}

/// What Greave knows and OCSF has no place for.
fn unmapped(call: &Call, outcome: Option<&Outcome>) -> Value {
    // Whole, so that a field which is new must find its place here.
    let Call {
        id: _,
        at: _,
        who,
        key: _,
        holder: _,
        operation: _,
        parameters,
        query: _,
        powers,
        source: _,
        user_agent: _,
        factors,
        verdict,
        law: _,
        challenge,
        approval,
    } = call;
    let parameters: serde_json::Map<String, Value> =
        parameters.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
    let missing = match verdict {
        Verdict::WouldAsk(missing) | Verdict::Challenge(missing) => Some(*missing),
        Verdict::Permit | Verdict::WouldRefuse(_) | Verdict::Refuse(_) => None,
    };
    json!({
        "who": who,
        "decision": VerdictKind::of(*verdict).word(),
        "reason": refusal(*verdict).map(Refusal::code),
        "missing": missing.map(|missing| missing.iter().map(law::Factor::word).collect::<Vec<_>>()),
        "powers": words(*powers),
        "factors": factors.iter().map(law::Factor::word).collect::<Vec<_>>(),
        "parameters": parameters,
        "question": challenge,
        "approval": approval,
        "rows": outcome.and_then(|outcome| outcome.rows),
        "minted": outcome.and_then(|outcome| outcome.minted),
        "ended": outcome.map(|outcome| outcome.ended),
        "micros": outcome.map(|outcome| outcome.micros),
    })
}

const fn refusal(verdict: Verdict) -> Option<Refusal> {
    match verdict {
        Verdict::WouldRefuse(refusal) | Verdict::Refuse(refusal) => Some(refusal),
        Verdict::Permit | Verdict::WouldAsk(_) | Verdict::Challenge(_) => None,
    }
}

const fn ended_in_words(ended: Ended) -> &'static str {
    match ended {
        Ended::Whole => "the answer was sent whole",
        Ended::ClientGone => "the client went away",
        Ended::UpstreamGone => "the API broke off",
        Ended::Cut => "the gate ended it",
        Ended::LimitReached => "a limit of the key was reached",
        Ended::Answered => "the gate answered by itself",
    }
}

fn message(call: &Call, outcome: Option<&Outcome>) -> String {
    let who = call.key.map_or_else(|| "no known key".to_owned(), |key| key.to_string());
    let status = outcome.map_or_else(|| "no outcome yet".to_owned(), |outcome| outcome.status.to_string());
    format!("{} by {who}: {}, {status}", call.operation, VerdictKind::of(call.verdict).word())
}

#[cfg(test)]
pub(crate) mod tests;
