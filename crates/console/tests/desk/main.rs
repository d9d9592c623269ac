//! The desk and the admin API as browsers, programs and thieves use them, over a real state.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "what panics here is a failed test")]

mod administering;
mod answering;
mod asking_elsewhere;
mod enrolling;
mod explaining;
mod importing;
mod leaking;
mod listing;
mod losing;
mod own_keys;
mod requesting;
mod showing;
mod signing_in;
mod sockets;
mod standing;
mod support;
mod watching;
