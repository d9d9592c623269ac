//! One call, as far as it can be said without its key.

use jiff::Timestamp;
use law::KeyId;

use crate::{
    fleet::party,
    habit::Minute,
    seen::{Seen, Subject},
    source::{Place, family, hash},
    state::minute,
};

/// One call, as far as it can be said without its key.
pub(crate) struct Outline {
    pub(crate) minute: Minute,
    pub(crate) second: u32,
    pub(crate) place: Place,
    pub(crate) agent: u32,
    pub(crate) operation: u32,
    pub(crate) party: u32,
    pub(crate) subject: Option<Subject>,
}

impl Outline {
    pub(crate) fn of(call: &Seen<'_>, key: KeyId, salt: u32, now: Timestamp) -> Self {
        Self {
            minute: minute(now),
            second: u32::try_from(now.as_second()).unwrap_or(0),
            place: Place::of(call.source, call.network),
            agent: family(call.user_agent),
            operation: hash(call.operation.as_bytes()),
            party: party(call.holder, key),
            subject: call.subject.map(|subject| subject.salted(salt)),
        }
    }

    pub(crate) const fn deed(&self) -> (u32, u32, u32) {
        (self.place.block, self.agent, self.operation)
    }
}
