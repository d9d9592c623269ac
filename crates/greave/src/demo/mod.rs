//! `greave demo`: a made-up company, the gate before it, and the scene in the terminal.

pub(crate) mod company;
