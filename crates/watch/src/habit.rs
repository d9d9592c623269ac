//! What somebody usually does: names with their first and last time, in a bounded table.

use serde::{Deserialize, Serialize};

/// Minutes since 1970.
pub(crate) type Minute = u32;

pub(crate) const HOUR: Minute = 60;
pub(crate) const DAY: Minute = 24 * HOUR;

/// One name that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Habit {
    pub(crate) name: u32,
    pub(crate) first: Minute,
    pub(crate) last: Minute,
    pub(crate) calls: u32,
    /// On how many days.
    pub(crate) days: u16,
    /// It was there while the key was new, or a person stands for it: it needs no further time.
    pub(crate) trusted: bool,
    /// Which things it was about, of 64 groups: by the first parameter, and by all of them.
    pub(crate) things: [u64; 2],
}

impl Habit {
    /// Whether it is usual by now: known for so long, or trusted.
    pub(crate) fn is_usual(&self, now: Minute, after: Minute) -> bool {
        let age = now.saturating_sub(self.first);
        self.trusted || age >= after && (self.days >= 2 || age >= 7 * DAY)
    }
}

/// At most so many names. Who is full forgets what was seen on the fewest days, so that a flood
/// of new names does not wash out old ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Habits<const MOST: usize>(Vec<Habit>);

impl<const MOST: usize> Default for Habits<MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<const MOST: usize> Habits<MOST> {
    pub(crate) fn named(&self, name: u32) -> Option<&Habit> {
        self.0.iter().find(|habit| habit.name == name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Habit> {
        self.0.iter()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Notes that it was seen.
    pub(crate) fn note(&mut self, name: u32, now: Minute, trusted: bool) -> &mut Habit {
        let place = self.0.iter().position(|habit| habit.name == name).unwrap_or_else(|| self.room(name, now));
        // INVARIANT: `place` lies within: it was found, or just made.
        #[expect(clippy::indexing_slicing, reason = "it was found, or just made")]
        let habit = &mut self.0[place];
        if habit.calls == 0 || habit.last / DAY != now / DAY {
            habit.days = habit.days.saturating_add(1);
        }
        habit.last = now;
        habit.calls = habit.calls.saturating_add(1);
        habit.trusted |= trusted;
        habit
    }

    fn room(&mut self, name: u32, now: Minute) -> usize {
        let habit = Habit { name, first: now, last: now, calls: 0, days: 0, trusted: false, things: [0; 2] };
        if self.0.len() < MOST {
            if self.0.len() == self.0.capacity() {
                self.0.reserve_exact((self.0.len() / 2).clamp(2, MOST - self.0.len()));
            }
            self.0.push(habit);
            return self.0.len() - 1;
        }
        let weakest = |(_, habit): &(usize, &Habit)| (habit.days.min(30), habit.last);
        let place = self.0.iter().enumerate().min_by_key(weakest).map_or(0, |(place, _)| place);
        if let Some(slot) = self.0.get_mut(place) {
            *slot = habit;
        }
        place
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Habit>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_new_names_does_not_wash_out_an_old_one() {
        let mut habits = Habits::<4>::default();
        for day in 0..5 {
            habits.note(7, day * DAY, false);
        }
        for name in 100..200 {
            habits.note(name, 6 * DAY, false);
        }
        assert_eq!(habits.named(7).unwrap().days, 5);
        assert_eq!(habits.len(), 4);
        assert!(habits.bytes() <= 4 * size_of::<Habit>());
    }

    #[test]
    fn what_is_new_becomes_usual_with_time_or_trust() {
        let mut habits = Habits::<4>::default();
        assert!(!habits.note(1, 0, false).is_usual(5, DAY));
        assert!(habits.note(1, DAY, false).is_usual(DAY, DAY));
        assert!(habits.note(2, 0, true).is_usual(0, DAY));
    }
}
