//! Requests with keys that Greave issued: within their scope and limits they go on with the
//! gate's own credential, and what comes back is searched for it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use authority::{Authority, Credential, Exhausted, Key, Meter};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, RETRY_AFTER},
};
use jiff::Timestamp;
use law::{CallId, KeyId, Powers, Refusal, Standing};
use wire::{Likeness, Place};

use crate::{
    Outbound, Problem,
    gate::{
        attempt::Understood,
        presented::{Presented, Shown},
        realm::Realm,
    },
};

const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// An issued key and the keys above it, whose limits count, too.
pub(crate) type Line = Vec<Arc<Key>>;

/// What a request takes from the limits of its keys when its answer has gone.
pub(crate) type Counted = OnceLock<(Line, Powers)>;

/// Why an issued key does not go on here.
pub(crate) enum Kept {
    Refused(Refusal),
    Exhausted(Exhausted),
}

impl From<Refusal> for Kept {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Kept {
    pub(crate) const fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal) => *refusal,
            Self::Exhausted(_) => Refusal::LimitReached,
        }
    }

    /// The answer; where a limit is used up, with the fields that say which and for how long.
    pub(crate) fn problem(&self, call: CallId) -> Problem {
        let problem = Problem::new(self.refusal(), call);
        let Self::Exhausted(Exhausted { limit, again }) = self else { return problem };
        let (name, most, window, again) = (limit.name(), limit.most, limit.measure.window().as_secs(), again.as_secs());
        let fields = [
            (RATE_LIMIT_POLICY, format!("\"{name}\";q={most};w={window}")),
            (RATE_LIMIT, format!("\"{name}\";r=0;t={again}")),
            (RETRY_AFTER, again.to_string()),
        ];
        let problem = problem.detail(format!("the key may have {limit}, and has had them"));
        fields.into_iter().fold(problem, |problem, (name, value)| match HeaderValue::try_from(value) {
            Ok(value) => problem.header(name, value),
            Err(_) => problem,
        })
    }
}

/// What issued keys have used up since the gate started.
#[derive(Default)]
pub(crate) struct Meters(Mutex<HashMap<KeyId, Meter>>);

impl Meters {
    fn lock(&self) -> MutexGuard<'_, HashMap<KeyId, Meter>> {
        // Numbers that are counted up cannot be left half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, line: &Line, powers: Powers, now: Timestamp) -> Result<(), Exhausted> {
        check(&self.lock(), line, powers, now)
    }

    /// Counts a call on its key and those above it, unless one of them has no room.
    pub(crate) fn take(&self, line: &Line, powers: Powers, now: Timestamp) -> Result<(), Exhausted> {
        let mut meters = self.lock();
        check(&meters, line, powers, now)?;
        for (key, limits) in limited(line) {
            meters.entry(key).or_default().take(limits, powers, now);
        }
        Ok(())
    }

    /// Counts what an answer took.
    pub(crate) fn took(&self, (line, powers): &(Line, Powers), rows: u64, bytes: u64, now: Timestamp) {
        let mut meters = self.lock();
        for (key, limits) in limited(line) {
            meters.entry(key).or_default().took(limits, *powers, rows, bytes, now);
        }
    }
}

fn check(meters: &HashMap<KeyId, Meter>, line: &Line, powers: Powers, now: Timestamp) -> Result<(), Exhausted> {
    let fresh = Meter::default();
    limited(line).try_for_each(|(key, limits)| meters.get(&key).unwrap_or(&fresh).check(limits, powers, now))
}

fn limited(line: &Line) -> impl Iterator<Item = (KeyId, &[authority::Limit])> {
    line.iter()
        .filter_map(|key| Some((key.id, key.issued()?.limits.as_slice())))
        .filter(|(_, limits)| !limits.is_empty())
}

/// The key, where Greave issued it.
pub(crate) fn issued(presented: &Presented) -> Option<(&Arc<Key>, &Shown)> {
    match presented {
        Presented::Key(key, shown) if key.issued().is_some() => Some((key, shown)),
        _ => None,
    }
}

/// Whether something was shown that looks like a key of this gate and is none: whoever else
/// may learn, the API must not be sent it.
pub(crate) fn is_feigned(realm: &Realm, shown: &Shown) -> bool {
    // Why they are exposed: their shape is looked at, and nothing kept.
    realm.settings.issued.as_ref().is_some_and(|issuing| {
        shown.secrets.iter().any(|secret| issuing.form.likeness(secret.expose()) != Likeness::Foreign)
    })
}

/// Whether a call is within what its key was issued for. A key that does not stand is left to
/// the law, which says why.
pub(crate) fn within(
    (authority, meters, realm): (&Authority, &Meters, &Realm),
    (key, shown): (&Arc<Key>, &Shown),
    understood: &Understood,
    outbound: &Outbound,
    source: IpAddr,
    now: Timestamp,
) -> Result<Line, Kept> {
    let Some(issued) = key.issued() else { return Ok(Line::new()) };
    if key.standing != Standing::Active || key.end().is_some_and(|end| end <= now) {
        return Ok(Line::new());
    }
    let is_header = |place: &Place| matches!(place, Place::Authorization(_) | Place::Header(_));
    if !shown.expected || !shown.places.iter().all(is_header) || is_elsewhere(shown, outbound) {
        return Err(Refusal::WrongPlace.into());
    }
    if realm.settings.issued.is_none() || authority.credential().is_none() {
        return Err(Refusal::NoUpstreamCredential.into());
    }
    // Whatever it may be taken for, the scope names.
    for name in [&understood.name].into_iter().chain(&understood.beside) {
        issued.scope.admits(name, understood.powers, source)?;
    }
    // What follows a change of protocol cannot be searched.
    if outbound.upgrade().is_some() {
        return Err(Refusal::OutOfScope.into());
    }
    let line: Line = [Arc::clone(key)].into_iter().chain(authority.ancestors(key)).collect();
    meters.check(&line, understood.powers, now).map_err(Kept::Exhausted)?;
    Ok(line)
}

/// Whether the key stands in the address, too: that goes on as it was sent. Or in a header from
/// which it is not taken out: that header would go on with the key in it, and without it the
/// request would be another than the one that was judged.
fn is_elsewhere(shown: &Shown, outbound: &Outbound) -> bool {
    let is_taken_out = |name: &HeaderName| {
        shown.places.iter().any(|place| match place {
            Place::Authorization(_) => *name == AUTHORIZATION,
            Place::Header(header) => header == name,
            Place::Query(_) | Place::Cookie(_) | Place::Path => false,
        })
    };
    let others = outbound.parts.headers.iter().filter(|(name, _)| !is_taken_out(name));
    let texts = others.map(|(_, value)| value.as_bytes()).chain([outbound.target().as_bytes()]);
    // Why they are exposed: to be recognised where they would go along. What is shorter is no key.
    let secrets = || shown.secrets.iter().map(wire::Secret::expose).filter(|secret| secret.len() >= 8);
    texts.into_iter().any(|text| secrets().any(|secret| text.windows(secret.len()).any(|part| part == secret)))
}

/// Whether a key may do only what its scope names: then another method in a body would be
/// another operation, whatever its powers.
pub(crate) fn is_for_some_operations(presented: &Presented) -> bool {
    issued(presented).and_then(|(key, _)| key.issued()).is_some_and(|issued| !issued.scope.operations.is_empty())
}

/// Puts the gate's own credential into a request in place of all that the caller sent. What
/// the request means has been judged: nothing is taken out by what stands in it.
pub(crate) fn replace(headers: &mut HeaderMap, realm: &Realm, credential: &Credential) -> Result<(), Refusal> {
    let issuing = realm.settings.issued.as_ref().ok_or(Refusal::NoUpstreamCredential)?;
    wire::replace(headers, &realm.settings.places, &issuing.place, credential.secret());
    Ok(())
}
