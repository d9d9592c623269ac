//! That calls are missing from the record, as Event Log Activity.

use law::Severity;
use record::Gap;
use serde_json::json;

use crate::event::{Draft, Event, Kind, LOG_ACTIVITY, Teller, other};

/// A time in which the record could not be written as it should be.
pub fn gap(teller: &Teller, gap: &Gap) -> Event {
    let Gap { from, to, reason, calls, outcomes, refused } = gap;
    let draft = Draft {
        kind: Kind::Call,
        class: LOG_ACTIVITY,
        activity: other("Gap"),
        severity: if calls + outcomes > 0 { Severity::High } else { Severity::Warning },
        at: *to,
        uid: format!("{}/gap-{}-{}", teller.gate, from.as_millisecond(), to.as_millisecond()),
        code: "gap",
        message: format!("the record could not be written as it should be: {reason}"),
        metadata: json!({}),
        more: json!({
            "log_name": "record",
            "status_id": 2,
            "status": "Failure",
            "status_detail": reason.to_string(),
            "start_time": from.as_millisecond(),
            "end_time": to.as_millisecond(),
            "unmapped": {"calls": calls, "outcomes": outcomes, "refused": refused},
        }),
    };
    draft.event(teller)
}
