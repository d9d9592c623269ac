//! What the watch takes in memory.

use crate::state::Watch;

impl Watch {
    /// How many keys are remembered.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// What the keys take in memory by now, in bytes, their places in the table left out.
    pub fn bytes(&self) -> usize {
        let mut bytes = 0;
        self.keys.each(|profile| bytes += profile.bytes());
        bytes
    }

    /// What the largest key takes, in bytes.
    pub fn largest(&self) -> usize {
        let mut largest = 0;
        self.keys.each(|profile| largest = largest.max(profile.bytes()));
        largest
    }

    /// What it takes for those who guess, in bytes.
    pub fn bytes_of_guesses(&self) -> usize {
        self.guesses.lock().bytes()
    }
}
