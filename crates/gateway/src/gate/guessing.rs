//! Credentials that nobody knows: whoever shows many is slowed down, and told of. A key that is
//! known is recognised before anybody comes here.

use std::net::IpAddr;

use jiff::Timestamp;
use law::{CallId, neighbourhood};

use crate::gate::{presented::Shown, tokens::Bad, worker::Gate};

/// It is refused by the gate itself, because too many came from there before: nobody looked whether it is good.
pub(crate) fn unlooked(gate: &Gate, shown: &Shown, (call, source): (CallId, IpAddr), now: Timestamp) {
    // A token that was good until lately is none that somebody tries.
    if gate.watching.is_off() || !shown.bad.as_ref().is_none_or(Bad::is_guess) {
        return;
    }
    if let Some(finding) = gate.watching.guessed(&shown.secrets, (call, source), now) {
        gate.findings.of_guessing(finding);
    }
}

/// It is no good.
pub(crate) fn missed(gate: &Gate, shown: &Shown, from: (CallId, IpAddr), now: Timestamp) {
    gate.throttle.missed(neighbourhood(from.1), now);
    unlooked(gate, shown, from, now);
}

/// The API took it, and it became a key just now.
pub(crate) fn worked(gate: &Gate, shown: &Shown, from: (CallId, IpAddr), now: Timestamp) {
    if gate.watching.is_off() {
        return;
    }
    let key = gate.authority.recognise(shown.known_by);
    if let Some(finding) = key.and_then(|key| gate.watching.works(key.id, from, now)) {
        gate.findings.of_guessing(finding);
    }
}
