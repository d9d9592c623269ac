//! The first stop: what a request presents, taken out of it and recognised.

use std::sync::Arc;

use authority::{Authority, Key, SecretDigest};
use http::HeaderMap;
use law::Refusal;
use wire::{Candidate, Found, Keep, Place, Places, Query, Scheme, Secret, looks_like_credential};

use crate::gate::realm::{Realm, UnknownKeys};

/// Who calls, as far as the request shows.
pub(crate) enum Presented {
    /// A key that is known.
    Key(Arc<Key>, Shown),
    /// A credential that is not known.
    Unknown(Shown),
    /// A login's session.
    Session,
    /// Nobody.
    Nobody,
}

/// What was shown of a credential: as much as is needed to learn it, and to mask it.
pub(crate) struct Shown {
    /// SHA-256 of it.
    pub(crate) digest: SecretDigest,
    /// Where it stood.
    pub(crate) place: Place,
    /// All places where it stood, or where parts of it did.
    pub(crate) places: Vec<Place>,
    /// Whether a login's session stood beside it: then nobody can tell whom an answer is for.
    pub(crate) beside_session: bool,
    /// Whether that is a place where keys are expected.
    pub(crate) expected: bool,
    /// Whether it may be kept: not where it could be a password that a person chose.
    pub(crate) keepable: bool,
    /// All that could be a credential, to be masked wherever it appears.
    pub(crate) secrets: Vec<Secret>,
}

/// Recognises the caller, and takes credentials out that the upstream must not see without
/// the gate having judged them.
pub(crate) fn present(
    authority: &Authority,
    realm: &Realm,
    headers: &mut HeaderMap,
    query: Query<'_>,
    open: bool,
) -> Result<Presented, Refusal> {
    let places = &realm.settings.places;
    let found = wire::find(headers, query, places)?;
    let hidden = hidden_key(authority, headers, query, &found)?;
    let has_session = !found.sessions.is_empty();
    let in_query = found.candidates.iter().any(|candidate| matches!(candidate.place, Place::Query(_)));
    let mut shown = one_credential(authority, places, found.candidates)?;
    if let Some(recognised) = &mut shown {
        recognised.shown.beside_session = has_session;
    }
    match (shown, hidden) {
        // A key that hides beside another credential: the upstream may take either.
        (Some(_), Some(_)) => Err(Refusal::TwoCredentials),
        (Some(Recognised { key: Some(key), shown }), None) => Ok(Presented::Key(key, shown)),
        (None, Some((key, shown))) => Ok(Presented::Key(key, shown)),
        // Where anybody may call, a credential that means nothing to the gate is left behind.
        (Some(Recognised { key: None, .. }), None)
            if open && !in_query && realm.settings.unknown_keys == UnknownKeys::Refuse =>
        {
            wire::strip(headers, places, Keep::Nothing);
            Ok(Presented::Nobody)
        }
        (Some(Recognised { key: None, shown }), None) => Ok(Presented::Unknown(shown)),
        (None, None) if has_session => {
            wire::strip(headers, places, Keep::Session);
            Ok(Presented::Session)
        }
        (None, None) => {
            wire::strip(headers, places, Keep::Nothing);
            Ok(Presented::Nobody)
        }
    }
}

struct Recognised {
    key: Option<Arc<Key>>,
    shown: Shown,
}

/// All that was found must be one credential: one value, a pair that the document demands
/// together, or the two halves of `Basic`, of which one is a key.
fn one_credential(
    authority: &Authority,
    places: &Places,
    candidates: Vec<Candidate>,
) -> Result<Option<Recognised>, Refusal> {
    let Some(first) = candidates.first() else { return Ok(None) };
    let place = first.place.clone();
    if let [one, other] = candidates.as_slice() {
        if places.belong_together(&one.place, &other.place) {
            let digest = digest_of_pair(one, other);
            return Ok(Some(recognised(authority, digest, place, true, candidates)));
        }
        if is_basic(&one.place) && is_basic(&other.place) {
            return basic(authority, candidates).map(Some);
        }
    }
    let value = first.secret.expose();
    if candidates.iter().any(|candidate| candidate.secret.expose() != value) {
        return Err(Refusal::TwoCredentials);
    }
    // `Basic` with a password and no user: what a person chose may stand there.
    let keepable = !matches!(place, Place::Authorization(Scheme::BasicPassword)) || is_machine_made(&first.secret);
    let digest = SecretDigest::of(value);
    Ok(Some(recognised(authority, digest, place, keepable, candidates)))
}

/// Of user and password the one that is known is the key. Where neither is, the password may
/// be learned if a machine made it, the user if the password says nothing.
///
/// Which half the upstream looks at, only the place tells at which the key became known. Where
/// that is another place and the other half could be a key as well, nobody knows whose call it is.
fn basic(authority: &Authority, candidates: Vec<Candidate>) -> Result<Recognised, Refusal> {
    let mut known = None;
    for (half, other) in [(0, 1), (1, 0)] {
        let (Some(half), Some(other)) = (candidates.get(half), candidates.get(other)) else { continue };
        let digest = SecretDigest::of(half.secret.expose());
        let Some(key) = authority.recognise(&digest) else { continue };
        let is_usual = *key.place == *half.place.to_string();
        if known.is_some() || !is_usual && could_be_key(&other.secret) {
            return Err(Refusal::TwoCredentials);
        }
        known = Some((digest, half.place.clone(), true));
    }
    let password = || candidates.iter().find(|it| matches!(it.place, Place::Authorization(Scheme::BasicPassword)));
    let (digest, place, keepable) = known
        .or_else(|| {
            let password = password()?;
            let digest = SecretDigest::of(password.secret.expose());
            Some((digest, password.place.clone(), is_machine_made(&password.secret)))
        })
        .unwrap_or((SecretDigest::of(b""), Place::Authorization(Scheme::BasicPassword), false));
    Ok(recognised(authority, digest, place, keepable, candidates))
}

fn recognised(
    authority: &Authority,
    digest: SecretDigest,
    place: Place,
    keepable: bool,
    candidates: Vec<Candidate>,
) -> Recognised {
    let (places, secrets) = candidates.into_iter().map(|candidate| (candidate.place, candidate.secret)).unzip();
    let shown = Shown { digest, place, places, beside_session: false, expected: true, keepable, secrets };
    Recognised { key: authority.recognise(&digest), shown }
}

/// A known key in a place where nobody expects one. A session's cookie is such a place: it is
/// told by its name alone, and an upstream may take a key from it as well. A session that is
/// told by what it is (its issuer, its beginning) cannot be a key.
fn hidden_key(
    authority: &Authority,
    headers: &HeaderMap,
    query: Query<'_>,
    found: &Found,
) -> Result<Option<(Arc<Key>, Shown)>, Refusal> {
    let possible = wire::possible(headers, query, found);
    let cookies = found.sessions.iter().filter(|session| matches!(session.place, Place::Cookie(_)));
    // Why they are exposed: digests tell whether a session is a known key, beside itself or alone.
    let is_candidate = |value: &[u8]| found.candidates.iter().any(|candidate| candidate.secret.expose() == value);
    let sessions =
        cookies.map(|session| (&session.place, session.secret.expose())).filter(|(_, value)| !is_candidate(value));
    let values = possible.values.iter().map(|value| (&value.place, &*value.value)).chain(sessions);
    let mut hidden: Option<(Arc<Key>, Shown)> = None;
    for (place, value) in values {
        let digest = SecretDigest::of(value);
        let Some(key) = authority.recognise(&digest) else { continue };
        if hidden.as_ref().is_some_and(|(known, _)| known.id != key.id) {
            return Err(Refusal::TwoCredentials);
        }
        let shown = Shown {
            digest,
            place: place.clone(),
            places: vec![place.clone()],
            beside_session: !found.sessions.is_empty(),
            expected: false,
            keepable: true,
            secrets: vec![Secret::new(value)],
        };
        hidden = Some((key, shown));
    }
    // What was not looked at may hide a key, whoever else seems to call.
    if possible.overflowed {
        return Err(Refusal::BadHeader);
    }
    Ok(hidden)
}

const fn is_basic(place: &Place) -> bool {
    matches!(place, Place::Authorization(Scheme::BasicUser | Scheme::BasicPassword))
}

fn is_machine_made(secret: &Secret) -> bool {
    // Why it is exposed: its shape tells a key from a password; nothing of it is kept here.
    str::from_utf8(secret.expose()).is_ok_and(looks_like_credential)
}

/// Whether an upstream could take this for a key: few names of people are so long.
fn could_be_key(secret: &Secret) -> bool {
    is_machine_made(secret) || secret.expose().len() >= 16 && !secret.expose().contains(&b'@')
}

/// The two values in an order that does not depend on the request's.
fn digest_of_pair(one: &Candidate, other: &Candidate) -> SecretDigest {
    let (first, second) = if one.place.to_string() <= other.place.to_string() { (one, other) } else { (other, one) };
    let (first, second) = (first.secret.expose(), second.secret.expose());
    let mut both = zeroize::Zeroizing::new(Vec::with_capacity(first.len() + second.len() + 9));
    both.extend_from_slice(b"pair\n");
    both.extend_from_slice(&u32::try_from(first.len()).unwrap_or(u32::MAX).to_be_bytes());
    both.extend_from_slice(first);
    both.extend_from_slice(second);
    SecretDigest::of(&both)
}
