//! How good is the watch, on traffic whose attacks are known?
//!
//! [`Scenario`] is labelled traffic: read from a folder's files, or made by [`generate`]. A
//! [`Rule`] answers its calls one after the other in simulated time ([`play`]), and the labels,
//! which no rule ever sees, say how well it did ([`Score`]).
//!
//! Pure: files come as bytes, chance as a seed. The generator knows nothing of the watch's
//! thresholds, and the watch nothing of the generator's numbers.

mod dice;
pub mod generate;
mod play;
mod rules;
mod scenario;
mod score;

pub use crate::{
    play::{Judged, Rule, play},
    rules::{Blind, DefaultLaw, FixedRate, NewAddress, Watching},
    scenario::{Attack, Call, Event, Events, Honest, Labels, Names, Scenario, ScenarioError, Stage},
    score::{AttackScore, Held, HonestScore, Report, ScenarioScore, Spread, Totals},
};
