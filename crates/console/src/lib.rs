//! The desk for people and the admin API.
//!
//! People sign in here with their second factor, see what waits for their yes, and enrol
//! their authenticators; operators and programs administer the gate, under the same law: to
//! read and to protect is free on the gate's host, to mint, grant, lift and weaken asks a
//! person's code. What may be done is decided by the authority; this room carries it to HTTP
//! and back.
//!
//! It must not know how requests pass through the gate, how notices travel, or which sockets
//! it is served on.

mod abroad;
mod admin;
pub mod api;
mod census;
mod contained;
mod desk;
mod details;
mod drills;
mod ends;
mod excerpt;
mod explain;
mod inventory;
mod leaks;
mod listing;
mod matching;
mod nearest;
mod outlook;
mod own;
mod pages;
mod problem;
mod pulse;
mod questions;
mod reaching;
mod ruling;
mod session;
mod told;
mod traffic;

pub use crate::{
    abroad::Abroad,
    admin::{Door, OPENAPI, admin},
    desk::{Desk, Events, Guesses, IssuedSettings, Settings},
    drills::{Drills, NotBegun},
    excerpt::{Excerpt, Size},
    leaks::{Alarm, LEAKED, Leak, LeakDoors},
    pages::pages,
    pulse::Pulse,
    told::Told,
    traffic::would_have_stopped,
};
