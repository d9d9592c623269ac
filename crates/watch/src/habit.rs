//! What somebody usually does: names with their first and last time, in a bounded table.

use law::Powers;
use serde::{Deserialize, Serialize};

use crate::state::LONG;

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
    pub(crate) calls: u16,
    /// On how many days.
    pub(crate) days: u16,
    /// It was there while the key was new, or a person stands for it: it needs no further time.
    pub(crate) trusted: bool,
    /// Of a place or a program: the sensitive powers that were used there, or with it.
    pub(crate) powers: Powers,
}

impl Habit {
    /// Whether it is usual by now: seen on so many days since long enough, or trusted.
    pub(crate) fn is_usual(&self, now: Minute, (after, days): (Minute, u16)) -> bool {
        self.trusted || now.saturating_sub(self.first) >= after && self.days >= days
    }

    /// Whether a place or a program is usual for these powers. Some harmless calls on a few days do
    /// not make it usual for what is sensitive: that it must have been used for, or be there for long.
    pub(crate) fn is_usual_for(&self, powers: Powers, now: Minute, settle: (Minute, u16)) -> bool {
        let sensitive = powers.intersection(Powers::SENSITIVE);
        self.is_usual(now, settle) && (self.powers.is_superset(sensitive) || self.is_usual(now, LONG))
    }
}

/// In how many different hours of a day a key is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Awake {
    day: Minute,
    hours: u32,
    most: u8,
    /// It was in use from new surroundings today: that makes nothing usual.
    strange: bool,
}

impl Awake {
    pub(crate) fn note(&mut self, now: Minute, strange: bool) {
        if self.day != now / DAY {
            if !self.strange {
                self.most = self.most.max(u8::try_from(self.hours.count_ones()).unwrap_or(u8::MAX));
            }
            *self = Self { day: now / DAY, hours: 0, most: self.most, strange: false };
        }
        self.hours |= 1 << (now / HOUR % 24);
        self.strange |= strange;
    }

    pub(crate) fn today(&self, now: Minute) -> u32 {
        if self.day == now / DAY { self.hours.count_ones() } else { 0 }
    }

    /// The most on a day before today.
    pub(crate) fn most(&self) -> u32 {
        u32::from(self.most)
    }
}

/// How many different things there were: each marks one of 512 places, and the places that are
/// still empty tell how many it were. Right to a few in a hundred, up to some 3,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Distinct([u64; 8]);

impl Distinct {
    pub(crate) fn note(&mut self, thing: u32) {
        if let Some(word) = self.0.get_mut((thing >> 6) as usize % 8) {
            *word |= 1 << (thing & 63);
        }
    }

    /// Notes it, and says in sixteenths for how many it stands: for none where its place is taken,
    /// and for the more, the fewer places are empty.
    pub(crate) fn note_in_sixteenths(&mut self, thing: u32) -> u16 {
        let before = self.taken();
        self.note(thing);
        if self.taken() == before { 0 } else { u16::try_from(16 * 512 / (512 - before).max(1)).unwrap_or(u16::MAX) }
    }

    fn taken(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    pub(crate) fn count(&self) -> u32 {
        let empty = f64::from(512 - self.taken().min(511)) / 512.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 3,200")]
        let many = (-512.0 * empty.ln()).round() as u32;
        many
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
        let habit = Habit { name, first: now, last: now, calls: 0, days: 0, trusted: false, powers: Powers::NONE };
        if self.0.len() < MOST {
            if self.0.len() == self.0.capacity() {
                self.0.reserve_exact((self.0.len() / 2).max(2).min(MOST - self.0.len()));
            }
            self.0.push(habit);
            return self.0.len() - 1;
        }
        // Half of the room is for what was there while the key was new.
        let sheltered = self.0.iter().filter(|habit| habit.trusted).count() <= MOST / 2;
        let weakest = |(_, habit): &(usize, &Habit)| (sheltered && habit.trusted, habit.days.min(30), habit.last);
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
        assert!(!habits.note(1, 0, false).is_usual(5, (DAY, 2)));
        assert!(habits.note(1, DAY, false).is_usual(DAY, (DAY, 2)));
        assert!(habits.note(2, 0, true).is_usual(0, (DAY, 2)));
        assert!(!habits.note(3, 0, false).is_usual(30 * DAY, (DAY, 2)), "once is not usual, however long ago");
    }
}
