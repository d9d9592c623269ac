//! Greave's own record: as `greave calls --json` prints it, or as it is read from its folder.

use law::{Call, Factor, Outcome, Verdict, Who as Caller};
use serde::Deserialize;
use serde_json::Value;

use super::REALM;
use crate::{
    estate::Known,
    log::{Event, First, Format, Gives, Made, Page, Who},
};

const FORM: &str = "Greave's record";

pub(crate) struct Calls;

/// A call and what became of it, as one object.
#[derive(Deserialize)]
struct Line {
    #[serde(flatten)]
    call: Call,
    #[serde(default)]
    outcome: Option<Outcome>,
}

impl Format for Calls {
    fn name(&self) -> &'static str {
        FORM
    }

    fn recognise(&self, first: &First<'_>) -> bool {
        let First::Json(_, value) = first else { return false };
        ["operation", "powers", "factors", "verdict", "law"].iter().all(|name| value.get(name).is_some())
            && value.get("at").is_some_and(Value::is_string)
    }

    fn record(&mut self, bytes: &[u8], page: &mut Page<'_>) -> bool {
        let Ok(Line { call, outcome }) = serde_json::from_slice(bytes) else { return false };
        note(&call, outcome.as_ref(), page);
        true
    }
}

/// Notes one call.
pub(crate) fn note(call: &Call, outcome: Option<&Outcome>, page: &mut Page<'_>) {
    let id = call.key.map(|key| key.to_string());
    let who = match (call.who, &id) {
        (Caller::Key | Caller::Unknown, Some(id)) => {
            Who::Key { realm: REALM, id, holder: None, form: "key", otherwise: false }
        }
        _ => Who::Somebody,
    };
    let source = call.source.to_string();
    let passed = match call.verdict {
        Verdict::Permit | Verdict::WouldAsk(_) | Verdict::WouldRefuse(_) => true,
        Verdict::Challenge(_) | Verdict::Refuse(_) => false,
    };
    let mut event = Event::new(call.at, who, &call.operation);
    event.gives = Gives::Powers(call.powers);
    event.source = Some(&source);
    event.program = call.user_agent.as_deref();
    event.done = passed && outcome.is_none_or(|outcome| outcome.status < 400);
    event.second_factor = Known::from(call.factors.contains(Factor::Person));
    event.made = outcome.and_then(|outcome| outcome.minted).map(|minted| Made {
        id: minted.to_string(),
        holder: None,
        realm: REALM.to_owned(),
    });
    page.note("greave", FORM, "record", &event);
}
