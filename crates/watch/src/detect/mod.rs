//! The detectors: one file each, one ordered list.
//!
//! A detector looks at one call in the light of what is known and says how much it weighs. None
//! of them decides: [`Case`](crate::signal::Case) adds up what is held against a call. Weights
//! are in tenths of a point; 40 ask for a second factor, 70 tell people.

mod after_rotation;
mod brute_force;
mod canary;
mod child;
mod codes;
mod creeping;
mod crowd;
mod dormant;
mod enumeration;
mod erase;
mod first_power;
mod guessing;
mod leaked;
mod long_day;
mod many_sources;
mod mass_change;
mod mass_deletion;
mod new_program;
mod new_source;
mod not_me;
mod odd_hour;
mod probing;
mod reconnaissance;
mod same_act;
mod sensitive_elsewhere;
mod two_places;
mod unanswered;
mod unfamiliar;
mod volume;

use crate::{look::Look, seen::Became, signal::Weight};

/// What kind of thing speaks against a call. New surroundings weigh only so much together, and so
/// does how much there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Where it comes from.
    Where,
    /// When it comes.
    When,
    /// What is asked.
    What,
    /// How much goes out.
    Much,
    /// What would be lost, or made to last.
    Harm,
    /// Somebody knows.
    Known,
}

/// One detector: its name, and its reason in words.
#[derive(Clone, Copy, Debug)]
pub struct Detector {
    /// Such as `first-power`.
    pub name: &'static str,
    /// Why it speaks against a call.
    pub reason: &'static str,
    /// What kind of thing it sees.
    pub family: Family,
    pub(crate) before: fn(&Look<'_>) -> Option<Weight>,
    pub(crate) after: fn(&Look<'_>, &Became) -> Option<Weight>,
    /// What was seen, from the two numbers of the weight.
    pub(crate) words: fn(u32, u32) -> String,
}

/// All of them. A place in the list is kept in saved states: new ones go to the end.
pub(crate) const DETECTORS: [Detector; 29] = [
    canary::DETECTOR,
    leaked::DETECTOR,
    not_me::DETECTOR,
    new_source::DETECTOR,
    new_program::DETECTOR,
    two_places::DETECTOR,
    many_sources::DETECTOR,
    dormant::DETECTOR,
    odd_hour::DETECTOR,
    after_rotation::DETECTOR,
    unfamiliar::DETECTOR,
    reconnaissance::DETECTOR,
    probing::DETECTOR,
    enumeration::DETECTOR,
    crowd::DETECTOR,
    first_power::DETECTOR,
    sensitive_elsewhere::DETECTOR,
    mass_deletion::DETECTOR,
    erase::DETECTOR,
    same_act::DETECTOR,
    child::DETECTOR,
    volume::DETECTOR,
    creeping::DETECTOR,
    brute_force::DETECTOR,
    codes::DETECTOR,
    long_day::DETECTOR,
    guessing::DETECTOR,
    mass_change::DETECTOR,
    unanswered::DETECTOR,
];

/// All of them, in the order in which they look.
pub fn detectors() -> &'static [Detector] {
    &DETECTORS
}

const fn nothing_before(_: &Look<'_>) -> Option<Weight> {
    None
}

const fn nothing_after(_: &Look<'_>, _: &Became) -> Option<Weight> {
    None
}

#[cfg(test)]
pub(crate) mod testing;
