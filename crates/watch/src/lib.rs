//! The watch: calls in, findings out, and the ladder of responses.
//!
//! [`Watch::see`] looks at a call before it goes on, [`Watch::ended`] at what became of it,
//! [`Watch::told`] at what the authority knows. Each gives findings. [`Ladder`] turns findings
//! into containments and says of each further call whether it passes. The same code runs over
//! live calls, over the record, and over logs.
//!
//! Pure: no clock, no dice, no disk, no network. Time is an argument, the state can be saved and
//! gone on with ([`Watch`] is `Serialize`), and a key takes at most [`MOST_BYTES_PER_KEY`]. The
//! room must not know what a request looks like, what the guards ask, or who is told.
//!
//! One detector is one file in `detect/`: its reason in words, what it weighs, its tests.

mod circle;
mod crept;
mod deeds;
mod detect;
mod fleet;
mod guessing;
mod habit;
mod ladder;
mod learning;
mod look;
mod memory;
mod networks;
mod outline;
mod profile;
mod rehearse;
mod seen;
mod series;
mod shards;
mod signal;
mod source;
mod state;

pub use law::Answer;

pub use crate::{
    detect::{Detector, Family, detectors},
    guessing::{Guess, Guesser, MOST_BYTES_OF_GUESSES},
    ladder::{Answers, FOOTHOLD, Ladder, Met, Settings, Whose},
    networks::{Expected, Networks, NoRange, Reading, Surroundings},
    profile::MOST_BYTES_PER_KEY,
    seen::{Became, Seen, Subject, Told},
    state::{Sight, Stands, Watch},
};
