//! One request, five stops, no way back.
//!
//! `passage` goes from stop to stop:
//! 1. `presented`: the credential is taken out of the request and recognised.
//! 2. `attempt`: the operation is found, and with it the powers; the watch looks.
//! 3. `deciding`: [`law::decide`], and `waiting` where it asks for people.
//! 4. `writing`: the record takes the call, on disk before it goes on where it is sensitive.
//! 5. `forwarding`: it goes on, and what the answer teaches is kept.

mod attempt;
mod counts;
mod covering;
mod deciding;
mod findings;
mod forwarding;
mod guessing;
mod histogram;
mod issued;
mod lately;
mod learning;
mod passage;
mod presented;
mod realm;
mod recognised;
mod rehearsing;
mod span;
mod throttle;
mod tokens;
mod unwritten;
mod waiting;
mod watching;
mod worker;
mod writing;

pub(crate) use self::rehearsing::Played;
pub use self::{
    counts::{Counts, WatchCounts},
    histogram::{Decided, Times},
    lately::LastHour,
    realm::{Holding, Identify, Issuing, Realm, RealmSettings, UnknownKeys},
    rehearsing::{Event, NotPlayed, Rehearsal, Replied, play},
    span::{Part, Sampling, Traced},
    tokens::{Issuer, Issuers},
    watching::{Found, Unanswered, WatchMode, WatchRules, Watching},
    worker::{Gate, GateParts, Worker},
};
