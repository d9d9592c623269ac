//! The words of Greave, the law, and the one function that decides.
//!
//! Pure: no clock, no dice, no disk, no network, no async. Time is an argument, so that
//! every decision can be replayed. Types that several rooms speak ([`Call`], [`Finding`],
//! [`Containment`], the ids) live here; nothing here knows how a request looks on the wire, where keys are
//! kept, or how a person is asked.

mod call;
mod containment;
mod decide;
mod finding;
mod foreign;
mod guard;
mod id;
mod law;
mod page;
mod power;
mod refusal;
mod source;
mod span;
mod text;

pub use crate::{
    call::{Call, Ended, Outcome, Verdict, Who},
    containment::{Answer, Containment, Step},
    decide::{Attempt, Caller, Challenge, Decision, Freshness, Held, KeyFacts, Permit, Standing, decide},
    finding::{Evidence, Finding, Severity},
    foreign::{clean, harmless, is_hidden},
    guard::{Clause, Factor, Factors, Guard, GuardError, MaxAge},
    id::{ApprovalId, CallId, ChallengeId, HolderId, IdError, KeyId, RequestId},
    law::{Cell, HolderKind, Law, Mode, ModeError},
    page::PageError,
    power::{ByPower, Power, Powers, UnknownPower},
    refusal::{MustAct, Refusal},
    source::{Neighbourhood, neighbourhood},
    span::{Span, SpanError},
};
