//! What is remembered of one holder: where their keys are at home, and what speaks against them together.

use law::KeyId;
use serde::{Deserialize, Serialize};

use crate::{
    habit::{Habits, Minute},
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
        let same = |(by, held): &&mut (KeyId, Signal)| {
            (*by, held.detector, held.place) == (key, signal.detector, signal.place)
        };
        if let Some((_, held)) = self.signals.iter_mut().find(same) {
            *held = signal;
            return;
        }
        if self.signals.len() >= MOST {
            self.signals.remove(0);
        }
        self.signals.push((key, signal));
    }

    /// The same, and nothing speaks against anybody.
    pub(crate) fn without_signals(self) -> Self {
        Self { signals: Vec::new(), ..self }
    }

    /// What speaks against other keys of the circle at this moment.
    pub(crate) fn of_others(&self, key: KeyId, now: Minute) -> impl Iterator<Item = Signal> + '_ {
        let fresh = move |signal: &Signal| now.saturating_sub(signal.at) <= 60;
        self.signals.iter().filter(move |(by, signal)| *by != key && fresh(signal)).map(|(_, signal)| *signal)
    }
}
