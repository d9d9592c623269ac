//! What is played in a drill: scenarios, and the calls that they become before an API.
//!
//! A [`Scenario`] is read from a file; [`Scenario::built_in`] are those that everybody has. A
//! scenario says what a thief wants, not how this API calls it: [`plan`] looks in the catalogue for
//! operations that let him, and makes the calls. Pure. The room must not know how a call is sent,
//! who looks at it, or what becomes of it.

mod plan;
mod scenario;

pub use crate::{
    plan::{Call, Home, Plan, Usual, made_up, plan},
    scenario::{Answer, From, MOST_CALLS, Past, Program, Reads, Scenario, Step, Unfit, Wanted, With},
};
