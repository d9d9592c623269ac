//! Days in a row on which more went out than on any day before them.

use serde::{Deserialize, Serialize};

use crate::{
    habit::{DAY, Minute},
    series::{Series, fold},
};

/// Less on a day is no loss: so many rows, or as many kilobytes; where rows are not counted, the
/// kilobytes that such rows have.
const LITTLE: u32 = 2_000;
const LITTLE_UNCOUNTED: u32 = 400;

/// Fewer days are no row.
const ROW: usize = 3;

/// Such days are held against the key for so many more: who takes ever more must not have made
/// it usual when he takes the rest.
const HELD: usize = 14;

/// On so many days before them something must have gone out.
const KNOWN: usize = 7;

/// A day is beyond all others when it has half as much again: five eighths of a doubling.
const BEYOND: u8 = 5;

/// Days in a row beyond all before: by how much together, in eighths of a doubling, and what the
/// least of them and the most before them had, on the scale of a [`Series`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rise {
    pub(crate) eighths: u32,
    pub(crate) least: u8,
    pub(crate) before: u8,
}

/// What one measure says of the days before today, reckoned once a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Past {
    /// The steepest row of days that is over.
    over: Rise,
    /// The steepest that goes on until yesterday, and may be one day short of a row.
    on: Rise,
}

/// The same of rows and of kilobytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Crept {
    day: Minute,
    rows: Past,
    kilobytes: Past,
    /// The last day for which a person stands: no row begins before.
    accepted: Minute,
}

impl Crept {
    /// Reckons anew where a day is over.
    pub(crate) fn turn(&mut self, rows: &Series, kilobytes: &Series, now: Minute) {
        if self.day == now / DAY {
            return;
        }
        self.day = now / DAY;
        let counted = rows.sums();
        // Where nobody counted rows on these days, kilobytes tell.
        let uncounted = |at: usize| counted.iter().skip(at).take(ROW).all(|day| *day == 0);
        let own = usize::try_from(self.day.saturating_sub(self.accepted + 1)).unwrap_or(usize::MAX);
        self.rows = Past::of(&counted, own, |_| LITTLE);
        let little = |at: usize| if uncounted(at) { LITTLE_UNCOUNTED } else { LITTLE };
        self.kilobytes = Past::of(&kilobytes.sums(), own, little);
    }

    /// A person stands for what came until now.
    pub(crate) fn accept(&mut self, now: Minute) {
        *self = Self { day: now / DAY, accepted: now / DAY, ..Self::default() };
    }

    /// The steepest row, with today as far as it is beyond all by now.
    pub(crate) fn today(&self, rows: &Series, kilobytes: &Series, now: Minute) -> Rise {
        let (counted, weighed) = (rows.this_day(now).0, kilobytes.this_day(now).0);
        let little = if counted == 0 { LITTLE_UNCOUNTED } else { LITTLE };
        let (rows, kilobytes) = (self.rows.with(counted, LITTLE), self.kilobytes.with(weighed, little));
        if kilobytes.eighths > rows.eighths { kilobytes } else { rows }
    }
}

impl Past {
    /// Of days, yesterday first. Only the first so many are nobody's word.
    fn of(days: &[u8], own: usize, little: impl Fn(usize) -> u32) -> Self {
        let mut past = Self::default();
        if days.iter().all(|day| *day < fold(LITTLE_UNCOUNTED)) {
            return past;
        }
        for at in 0..HELD {
            let (mut least, mut sum) = (u8::MAX, 0);
            let little = fold(little(at));
            for (place, day) in days.iter().enumerate().skip(at).take_while(|(place, _)| *place < own) {
                if *day < little {
                    break;
                }
                (least, sum) = (least.min(*day), sum + u32::from(*day));
                let (before, long) = (days.get(place + 1..).unwrap_or_default(), place + 1 - at);
                let most = before.iter().copied().max().unwrap_or(0);
                let known = before.iter().filter(|day| **day > 0).count() >= KNOWN;
                if !known || least < most.saturating_add(BEYOND) {
                    continue;
                }
                let together = u32::from(most) * u32::try_from(long).unwrap_or(u32::MAX);
                let rise = Rise { eighths: sum.saturating_sub(together), least, before: most };
                if at == 0 && long + 1 >= ROW && rise.eighths > past.on.eighths {
                    past.on = rise;
                }
                if long >= ROW && rise.eighths > past.over.eighths {
                    past.over = rise;
                }
            }
        }
        past
    }

    fn with(&self, today: u32, little: u32) -> Rise {
        let (on, day) = (self.on, fold(today));
        if on.eighths == 0 || today < little || day < on.before.saturating_add(BEYOND) {
            return self.over;
        }
        let eighths = on.eighths + u32::from(day - on.before);
        if eighths > self.over.eighths { Rise { eighths, least: on.least.min(day), ..on } } else { self.over }
    }
}
