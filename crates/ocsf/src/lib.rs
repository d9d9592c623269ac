//! Calls, findings and changes as other systems read them: events of OCSF 1.8, one JSON object
//! each. Pure: the same entry becomes the same event.
//!
//! The room knows what the record, the ledger and a finding say; it must not know where an event
//! goes, or how. Whatever is written is chosen field by field: what is kept of secrets stands in
//! the ledger, and never here.
//!
//! | what | class |
//! |---|---|
//! | a call with its outcome | API Activity 6003 |
//! | a finding | Detection Finding 2004 |
//! | a holder and their second factor | Account Change 3001 |
//! | a factor that a person showed | Authentication 3002 |
//! | a question and its answer | Authorize Session 3003 |
//! | a key, a canary, the law, what is in force | Entity Management 3004 |
//! | a key that somebody asked for | User Access Management 3005 |
//! | a part of the record that is missing or was removed | Event Log Activity 1008 |

mod call;
mod change;
mod event;
mod finding;
mod gap;

pub use crate::{
    call::{Ending, call},
    change::change,
    event::{Event, Kind, Names, Teller, UnknownKind},
    finding::{finding, trial},
    gap::gap,
};

/// The version of OCSF that every event follows.
pub const VERSION: &str = "1.8.0";
