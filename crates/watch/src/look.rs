//! One call in the light of what is known: what detectors look at.

use law::Powers;

use crate::{habit::Minute, profile::Profile, seen::Seen, source::Place};

/// What is new about a call. Nothing is, while the key is new itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct New {
    pub(crate) block: bool,
    pub(crate) network: bool,
    pub(crate) agent: bool,
    pub(crate) operation: bool,
    /// Sensitive powers that are not usual.
    pub(crate) powers: Powers,
    /// It acts on something that this operation was never about, though it is about few things.
    pub(crate) subject: bool,
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
    pub(crate) new: New,
    /// Too little is known of the key.
    pub(crate) learning: bool,
    /// Others with unusual calls from the same source within the hour.
    pub(crate) crowd: u32,
    /// Where the key was never used there: how many credentials that nobody knows came from there.
    pub(crate) guesses: u32,
}

impl Look<'_> {
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
