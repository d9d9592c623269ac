//! One request, five stops, no way back.
//!
//! 1. `presented`: the credential is taken out of the request and recognised.
//! 2. `attempt`: the operation is found, and with it the powers.
//! 3. [`law::decide`].
//! 4. `writing`: the record takes the call, on disk before it goes on where it is sensitive.
//! 5. Forward, `waiting`, or answer.

mod attempt;
mod counts;
mod findings;
mod guessing;
mod issued;
mod learning;
mod presented;
mod realm;
mod rehearsing;
mod span;
mod stops;
mod throttle;
mod tokens;
mod unwritten;
mod waiting;
mod watching;
mod writing;

pub use self::{
    counts::{Counts, WatchCounts},
    realm::{Holding, Identify, Issuing, Realm, RealmSettings, UnknownKeys},
    rehearsing::{Event, NotPlayed, Played, Rehearsal, Replied, play},
    span::{Part, Sampling, Traced},
    stops::{Gate, GateParts, Worker},
    tokens::{Issuer, Issuers},
    watching::{Found, Unanswered, WatchMode, WatchRules, Watching},
};
