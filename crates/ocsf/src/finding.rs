//! A finding, as Detection Finding.

use jiff::Timestamp;
use law::{Evidence, Finding, Severity};
use serde_json::json;

use crate::event::{Activity, DETECTION, Draft, Event, Kind, Names, Teller};

/// A finding under its own name, which is the same however often it is sent.
pub fn finding(teller: &Teller, names: Names<'_>, uid: &str, finding: &Finding) -> Event {
    let first = finding.evidence().next().map_or(Timestamp::UNIX_EPOCH, |evidence| evidence.at);
    let last = finding.evidence().map(|evidence| evidence.at).max().unwrap_or(first);
    let what: Vec<&str> = finding.evidence().map(|evidence| evidence.what.as_str()).collect();
    let calls = finding.evidence().filter_map(|evidence| evidence.call);
    let draft = Draft {
        kind: Kind::Finding,
        class: DETECTION,
        activity: Activity(1, "Create"),
        severity: finding.severity,
        at: last,
        uid: uid.to_owned(),
        code: &finding.rule,
        message: what.join("; "),
        metadata: json!({"profiles": ["security_control"]}),
        more: json!({
            "is_alert": finding.severity >= Severity::High,
            "status_id": 1,
            "status": "New",
            "finding_info": {
                "uid": uid,
                "title": finding.rule,
                "desc": what.join("; "),
                "analytic": {"name": finding.rule, "type_id": 1, "type": "Rule"},
                "first_seen_time": first.as_millisecond(),
                "last_seen_time": last.as_millisecond(),
                "related_events": calls.map(|call| json!({"uid": call})).collect::<Vec<_>>(),
            },
            "evidences": finding.evidence().map(|Evidence { at, call, what }| {
                json!({"data": {"at": at, "call": call, "what": what}})
            }).collect::<Vec<_>>(),
            "resources": finding.key.map(|key| vec![json!({
                "uid": key,
                "name": names.key_name(key),
                "type": "API key",
                "owner": names.holder_of(key).map(|holder| names.user(holder)),
            })]),
        }),
    };
    draft.event(teller)
}

/// An event that says of itself that it is a trial, for who tries a way out.
pub fn trial(teller: &Teller, uid: &str, at: Timestamp) -> Event {
    let what = "a trial: somebody tries whether events arrive; nothing has happened".to_owned();
    let seen = Finding::new("drain-test", Severity::Info, None, Evidence { at, call: None, what });
    let mut event = finding(teller, Names::default(), uid, &seen);
    event.mark_as_trial();
    event
}
