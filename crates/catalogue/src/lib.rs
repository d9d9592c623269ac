//! What can be done with an API: its operations and their powers.

mod facts;

pub use crate::facts::{Facts, Field, Shape};
