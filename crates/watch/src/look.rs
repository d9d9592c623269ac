//! One call in the light of what is known: what detectors look at.

use law::Powers;

use crate::{
    deeds::Strange,
    habit::{HOUR, Habit, Minute},
    outline::Outline,
    profile::Profile,
    seen::Seen,
    source::Place,
};

/// What is new about a call. Nothing is, while the key is new itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct New {
    pub(crate) block: bool,
    pub(crate) network: bool,
    /// The network is usual, and is so for some days only.
    pub(crate) lately: bool,
    pub(crate) agent: bool,
    pub(crate) operation: bool,
    /// Sensitive powers that are not usual.
    pub(crate) powers: Powers,
    /// It acts on something that this operation was never about, though it is about few things.
    pub(crate) subject: Option<Strange>,
}

impl New {
    /// Whether it comes from other surroundings than usual.
    pub(crate) const fn surroundings(&self) -> bool {
        self.block || self.network || self.agent
    }
}

/// One call in the light of what is known.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) call: &'a Seen<'a>,
    pub(crate) profile: &'a Profile,
    pub(crate) now: Minute,
    /// Seconds since 1970.
    pub(crate) second: u32,
    pub(crate) place: Place,
    /// The short name of the program.
    pub(crate) agent: u32,
    /// The short name of the operation.
    pub(crate) operation: u32,
    pub(crate) new: New,
    /// Too little is known of the key.
    pub(crate) learning: bool,
    /// Others with unusual calls from the same source within the hour.
    pub(crate) crowd: u32,
    /// Where the key was never used there: how many credentials that nobody knows came from there.
    pub(crate) guesses: u32,
    /// Somebody was to be asked about calls from this network, or with this program, and nobody said yes.
    pub(crate) unanswered: bool,
}

impl<'a> Look<'a> {
    /// Of what others did nothing is known.
    pub(crate) const fn new(
        call: &'a Seen<'a>,
        profile: &'a Profile,
        outline: &Outline,
        new: New,
        learning: bool,
    ) -> Self {
        let Outline { minute: now, second, place, agent, operation, .. } = *outline;
        let (crowd, guesses, unanswered) = (0, 0, false);
        Self { call, profile, now, second, place, agent, operation, new, learning, crowd, guesses, unanswered }
    }
}

impl Look<'_> {
    /// What is much weighs more where the key is at home since a few days only, for who came on
    /// three days for little did not come for little; and where it never asked for it.
    pub(crate) fn much(&self, points: u8) -> u8 {
        if self.new.lately || self.new.operation { points.saturating_add(15) } else { points }
    }

    /// Whether a key that learns is elsewhere: not where it was an hour ago, nor with a program
    /// that it had then. What another key made has its own detector.
    pub(crate) fn is_elsewhere_while_new(&self) -> bool {
        let Profile { parent, networks, agents, .. } = self.profile;
        let before = |habit: &&Habit| self.now.saturating_sub(habit.first) > HOUR;
        let known = |habit: Option<&Habit>| habit.as_ref().is_some_and(before);
        let used = networks.iter().any(|habit| before(&habit));
        let place = self.call.expected || known(networks.named(self.place.network));
        self.learning && used && parent.is_none() && !place && !known(agents.named(self.agent))
    }

    /// Whether a key that learns, and was used on some days, calls from a network where it was not an hour ago.
    pub(crate) fn is_in_new_network_while_new(&self) -> bool {
        let Profile { parent, networks, days, .. } = self.profile;
        let known = |habit: &Habit| self.now.saturating_sub(habit.first) > HOUR;
        let place = self.call.expected || networks.named(self.place.network).is_some_and(known);
        self.learning && *days >= 3 && parent.is_none() && !place
    }

    /// Operations that are not usual, from here, within so many minutes: how many, and how many of them list.
    pub(crate) fn tried(&self, within: Minute) -> (u32, u32) {
        let mut seen = (0, 0);
        for tried in &self.profile.tries {
            if tried.block == self.place.block && !tried.refused && self.now.saturating_sub(tried.at) <= within {
                seen.0 += 1;
                seen.1 += u32::from(tried.lists);
            }
        }
        seen
    }

    /// Operations that were refused, from here, within so many minutes.
    pub(crate) fn refused(&self, within: Minute) -> u32 {
        let counts = |tried: &&crate::profile::Try| {
            tried.refused && tried.block == self.place.block && self.now.saturating_sub(tried.at) <= within
        };
        u32::try_from(self.profile.tries.iter().filter(counts).count()).unwrap_or(u32::MAX)
    }
}
