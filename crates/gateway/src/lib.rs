//! HTTP in, HTTP out: the reverse proxy.
//!
//! This room carries requests between clients and the API behind the gate: it reads their
//! framing strictly, holds bodies while a person is asked, forwards what was permitted byte
//! for byte as it was judged, and ends what is in flight when its key is disabled. Nothing
//! reaches the upstream without a [`law::Permit`], and forwarding consumes it.
//!
//! It must not know how people sign in, how a key is looked up in a store, or what a
//! console shows.

mod answer;
mod body;
mod cut;
mod dry;
mod emissary;
mod exchange;
mod framing;
mod gate;
mod hold;
mod key_set;
mod lens;
mod pace;
mod quotes;
mod rows;
mod screen;
mod seek;
mod server;
mod swap;
mod tally;
mod tls;
mod toll;
mod tunnel;
mod upstream;

#[cfg(test)]
mod tests;

use crate::{
    answer::Problem,
    body::Register,
    cut::Cut,
    exchange::{Onward, forward},
    framing::Outbound,
    lens::{Look, Made},
    server::Seat,
    swap::{Brought, Pending, PutAway, Swap, Unswapped},
    tally::{Ending, Tally},
    toll::{Kept, Toll},
};
pub use crate::{
    body::{Answer, AnswerBroken},
    dry::Dry,
    emissary::{Act, Emissary, EmissarySettings, ListFields, NoAct, Unmeasured},
    gate::{
        Counts, Decided, Event, Found, Gate, GateParts, Holding, Identify, Issuer, Issuers, Issuing, LastHour,
        NotPlayed, Part, Realm, RealmSettings, Rehearsal, Replied, Sampling, Times, Traced, Unanswered, UnknownKeys,
        WatchCounts, WatchMode, WatchRules, Watching, Worker, play,
    },
    hold::Spool,
    key_set::{KeyFile, Keys, NotFetched, Published, Schedule, fetch as fetch_keys},
    pace::Pace,
    rows::Pointer,
    server::{Running, Server, ServerSettings, Visitor},
    tls::{TlsError, TlsFiles},
    upstream::{HostSent, Origin, OriginError, Patience, Upstream},
};
