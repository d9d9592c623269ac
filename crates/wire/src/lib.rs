//! Requests as foreign bytes: paths, heads, credentials, and what is shown of a body.
//!
//! The gate and the upstream must read a request alike. So this room reads what a stranger
//! sent, refuses whatever could be read in two ways, and leaves the bytes that go on as they
//! came. Pure: no clock, no dice, no disk, no network, no async. It must not know which keys
//! or operations there are, what the law says, or how hyper moves bytes; secrets leave it
//! only as [`Secret`], which has no `Debug`, `Display` or `Serialize`.

mod address;
mod ask;
mod bear;
mod challenge;
mod credential;
pub mod forward;
pub mod head;
mod issued;
mod json;
mod leak;
mod looping;
mod mask;
mod on_behalf;
mod open;
mod path;
mod place;
mod query;
mod rewrite;
mod search;
pub mod second_method;
pub mod second_path;
mod secret;
mod shape;
mod spelling;
mod trace;

pub use crate::{
    address::{ProxyHeader, TrustedProxies, client_address},
    ask::{idempotency_key, one_time_code, preferences, wait},
    bear::replace,
    challenge::{bearer, step_up},
    credential::{
        Candidate, Found, Keep, Possible, PossibleValues, find, possible, possible_in_path, spellings, strip,
    },
    forward::Forwarding,
    issued::{IssuedForm, Likeness, PrefixError},
    leak::{Piece, border, pieces},
    looping::Pseudonym,
    mask::{Form, mask},
    on_behalf::speaks_for_another,
    open::{OpenPathError, OpenPaths},
    path::{Doubled, Matrix, PathRules, Target},
    place::{Place, PlaceError, Places, Scheme, Session, SessionError},
    query::{Parameter, Query},
    rewrite::{OriginError, Origins},
    search::{Search, Sought, Unsearchable},
    secret::Secret,
    shape::{SECRET_PREFIXES, is_distinctive, looks_like_credential},
    spelling::folded,
    trace::{SAMPLED, TRACEPARENT, TRACESTATE, TraceContext, traceparent},
};
