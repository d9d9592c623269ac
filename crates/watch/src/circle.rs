//! What is remembered of one holder: where their keys are at home, and what speaks against them together.

use law::KeyId;
use serde::{Deserialize, Serialize};

use crate::{
    habit::{HOUR, Habits, Minute},
    signal::Signal,
};

const MOST: usize = 24;

/// One holder, or one person who answers for holders.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Circle {
    pub(crate) networks: Habits<16>,
    pub(crate) blocks: Habits<16>,
    pub(crate) agents: Habits<8>,
    /// What speaks against one of the keys from one source speaks against the others from there.
    signals: Vec<(KeyId, Signal)>,
}

impl Circle {
    pub(crate) fn share(&mut self, key: KeyId, signal: Signal) {
        let same = |(by, held): &&mut (KeyId, Signal)| *by == key && held.is_same(&signal);
        if let Some((_, held)) = self.signals.iter_mut().find(same) {
            *held = signal;
            return;
        }
        self.signals.retain(|(_, held)| signal.at.saturating_sub(held.at) <= HOUR);
        if self.signals.len() >= MOST {
            // Of the key that has most of them the lightest goes: a flood washes out itself.
            let many = |key: KeyId| self.signals.iter().filter(|(by, _)| *by == key).count();
            let goes = self
                .signals
                .iter()
                .enumerate()
                .min_by_key(|(_, (by, held))| (std::cmp::Reverse(many(*by)), held.points, held.at));
            let place = goes.map_or(0, |(place, _)| place);
            self.signals.remove(place);
        }
        self.signals.push((key, signal));
    }

    /// The same, and nothing speaks against anybody.
    pub(crate) fn without_signals(self) -> Self {
        Self { signals: Vec::new(), ..self }
    }

    /// The key is gone.
    pub(crate) fn forget(&mut self, key: KeyId) {
        self.signals.retain(|(by, _)| *by != key);
    }

    /// What speaks against other keys of the circle at this moment.
    pub(crate) fn of_others(&self, key: KeyId, now: Minute) -> impl Iterator<Item = Signal> + '_ {
        let fresh = move |signal: &Signal| now.saturating_sub(signal.at) <= HOUR;
        self.signals.iter().filter(move |(by, signal)| *by != key && fresh(signal)).map(|(_, signal)| *signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(detector: u8, points: u8, place: u32, at: Minute) -> Signal {
        Signal { detector, points, anywhere: false, place, at, a: 0, b: 0 }
    }

    #[test]
    fn who_floods_washes_out_nothing_of_others() {
        let mut circle = Circle::default();
        circle.share(KeyId(1), signal(15, 20, 7, 100));
        for place in 0..200 {
            circle.share(KeyId(2), signal(3, 60, place, 100));
        }
        assert_eq!(circle.of_others(KeyId(2), 100).count(), 1);
        assert_eq!(circle.signals.len(), MOST);
    }
}
