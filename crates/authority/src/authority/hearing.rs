//! What is seen of people who prove to be people and is no change: wrong codes, and from where an
//! authenticator was added. Whoever tells people listens.

use std::net::IpAddr;

use jiff::Timestamp;
use law::HolderId;
use tokio::sync::broadcast;

use super::Authority;

/// Something that somebody did at a person's second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Whose factor it is.
    pub person: HolderId,
    /// From where; none is the gate's host, or somebody who had signed in before.
    pub source: Option<IpAddr>,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub what: Hearing,
}

/// What was done at a person's second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// A wrong code was given, or one that came too early to be looked at.
    Wrong,
    /// A right code was given.
    Right,
    /// A link was used to enrol; the change follows.
    Enrolling,
}

impl Authority {
    /// What is done at people's factors from now on. It comes before the change that it leads to.
    pub fn hear(&self) -> broadcast::Receiver<Heard> {
        self.heard.subscribe()
    }

    pub(super) fn heard(&self, person: HolderId, source: Option<IpAddr>, at: Timestamp, what: Hearing) {
        // Nobody need listen.
        let _ = self.heard.send(Heard { person, source, at, what });
    }
}
