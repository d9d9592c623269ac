//! What the values that a request shows are: one credential, a pair, or a key that hides.

use std::sync::Arc;

use authority::{Authority, Folded, Key, KnownBy, SecretDigest};
use jiff::Timestamp;
use law::Refusal;
use wire::{Candidate, Place, Places, Scheme, Secret, looks_like_credential};

use crate::gate::{
    presented::Shown,
    tokens::{Bad, Bearer, Good, Issuers, Meaning},
};

/// Tokens in odd places that are verified, for one request: more belong to somebody who wants
/// to keep the gate busy.
const MOST_HIDDEN_TOKENS: usize = 4;

/// Who looks at credentials, and when.
#[derive(Clone, Copy)]
pub(crate) struct Eyes<'a> {
    pub(crate) bearer: Bearer<'a>,
    pub(crate) issuers: &'a Issuers,
    pub(crate) now: Timestamp,
}

/// What one value turned out to be.
struct Look {
    known_by: KnownBy,
    folded: Vec<Folded>,
    respelled: bool,
    key: Option<Arc<Key>>,
    token: Option<Arc<Good>>,
    bad: Option<Bad>,
}

impl Look {
    /// A secret and nothing that an issuer says: known as it is, or else by what all its
    /// spellings have in common.
    fn at_secret(authority: &Authority, digest: SecretDigest, folded: impl FnOnce() -> Vec<Folded>) -> Self {
        let known = authority.recognise(&digest);
        let is_learned = known.as_ref().is_some_and(|key| {
            key.issued().is_some() || key.is_drill() || key.is_folded() && !authority.is_stale(key, &[])
        });
        let folded = if is_learned { Vec::new() } else { folded() };
        let respelled = match (&known, folded.first()) {
            (None, Some(folded)) => authority.recognise_spelling(folded),
            _ => None,
        };
        let (is_respelled, key) = (respelled.is_some(), known.or(respelled));
        Self { known_by: KnownBy::Secret(digest), folded, respelled: is_respelled, key, token: None, bad: None }
    }

    /// Half of a pair that does not work or is held is that pair, where it is no key by itself:
    /// not every API insists on the other half. Of a pair that works, a half may be a key of many.
    fn or_of_stopped_pair(mut self, eyes: Eyes<'_>, half: &Secret) -> Self {
        if self.key.is_some() || self.token.is_some() || self.bad.is_some() {
            return self;
        }
        // Why it is exposed: to be recognised by its digest.
        let pair = Folded::of_half(half.expose()).and_then(|half| eyes.authority().recognise_spelling(&half));
        let is_held = |key: &Arc<Key>| {
            let has_ended = key.end().is_some_and(|end| end <= eyes.now);
            !key.standing.works()
                || has_ended
                || !key.ceilings().is_empty()
                || eyes.authority().falls(key, true, eyes.now)
        };
        if let Some(pair) = pair.filter(is_held) {
            (self.key, self.respelled) = (Some(pair), true);
        }
        self
    }

    /// What an issuer's key would verify, or what is known by what a token says.
    const fn at_token(known_by: KnownBy, key: Option<Arc<Key>>, token: Option<Arc<Good>>, bad: Option<Bad>) -> Self {
        Self { known_by, folded: Vec::new(), respelled: false, key, token, bad }
    }
}

impl<'a> Eyes<'a> {
    pub(crate) const fn authority(&self) -> &'a Authority {
        self.bearer.authority
    }

    fn look(&self, value: &[u8]) -> Look {
        let digest = SecretDigest::of(value);
        match self.issuers.meaning(value, &digest, Some(self.bearer), self.now) {
            Meaning::Other => Look::at_secret(self.authority(), digest, || Folded::of(value).into_iter().collect()),
            Meaning::Bad(bad) => Look::at_token(KnownBy::Secret(digest), None, None, Some(bad)),
            Meaning::Good(token) => {
                let known_by = token.known_by(None);
                // Before its issuer was configured this very token may have become a key, and
                // that key may have been stopped since.
                let itself = self.authority().recognise(&digest).filter(|key| !key.standing.works());
                let key = itself.or_else(|| self.authority().recognise(known_by));
                Look::at_token(known_by, key, Some(token), None)
            }
        }
    }

    pub(crate) fn is_session(&self, value: &[u8]) -> bool {
        // Most gates have no issuers: then there is nothing to hash it for.
        if self.issuers.is_empty() {
            return false;
        }
        match self.issuers.meaning(value, &SecretDigest::of(value), Some(self.bearer), self.now) {
            Meaning::Good(token) => token.session,
            Meaning::Bad(_) | Meaning::Other => false,
        }
    }
}

/// What a credential turned out to be.
pub(crate) struct Recognised {
    pub(crate) key: Option<Arc<Key>>,
    pub(crate) shown: Shown,
}

/// All that was found must be one credential: one value, a pair that the document demands
/// together, or the two halves of `Basic`, of which one is a key.
pub(crate) fn one_credential(
    eyes: Eyes<'_>,
    places: &Places,
    candidates: Vec<Candidate>,
) -> Result<Option<Recognised>, Refusal> {
    let Some(first) = candidates.first() else { return Ok(None) };
    let place = first.place.clone();
    if let [one, other] = candidates.as_slice() {
        if places.belong_together(&one.place, &other.place) {
            let mut look = pair(eyes, one, other);
            for (half, other) in [(one, other), (other, one)] {
                // Beside another secret it may be another honest pair.
                if !could_be_key(&other.secret) {
                    look = look.or_of_stopped_pair(eyes, &half.secret);
                }
            }
            return Ok(Some(recognised(look, place, true, candidates)));
        }
        if is_basic(&one.place) && is_basic(&other.place) {
            return basic(eyes, candidates).map(Some);
        }
    }
    let value = first.secret.expose();
    if candidates.iter().any(|candidate| candidate.secret.expose() != value) {
        return Err(Refusal::TwoCredentials);
    }
    // `Basic` with a password and no user: what a person chose may stand there.
    let keepable = !matches!(place, Place::Authorization(Scheme::BasicPassword)) || is_machine_made(&first.secret);
    let look = eyes.look(value).or_of_stopped_pair(eyes, &first.secret);
    Ok(Some(recognised(look, place, keepable, candidates)))
}

/// Of user and password the one that is known is the key. Where neither is, the password may
/// be learned if a machine made it, the user if the password says nothing.
///
/// Which half the upstream looks at, only the place tells at which the key became known. Where
/// that is another place and the other half could be a key as well, nobody knows whose call it is.
fn basic(eyes: Eyes<'_>, candidates: Vec<Candidate>) -> Result<Recognised, Refusal> {
    let mut known = None;
    for (half, other) in [(0, 1), (1, 0)] {
        let (Some(half), Some(other)) = (candidates.get(half), candidates.get(other)) else { continue };
        let look = eyes.look(half.secret.expose());
        let is_usual = match &look {
            Look { key: Some(key), .. } => *key.place() == *half.place.to_string(),
            // An issuer's token is the key, good or bad, whatever else stands there.
            Look { token: Some(_), .. } | Look { bad: Some(_), .. } => true,
            _ => continue,
        };
        if known.is_some() || !is_usual && could_be_key(&other.secret) {
            return Err(Refusal::TwoCredentials);
        }
        known = Some((look, half.place.clone(), true));
    }
    let password = || candidates.iter().find(|it| matches!(it.place, Place::Authorization(Scheme::BasicPassword)));
    let (look, place, keepable) = known
        .or_else(|| {
            let password = password()?;
            let look = eyes.look(password.secret.expose());
            Some((look, password.place.clone(), is_machine_made(&password.secret)))
        })
        .unwrap_or_else(|| (eyes.look(b""), Place::Authorization(Scheme::BasicPassword), false));
    Ok(recognised(look, place, keepable, candidates))
}

fn recognised(look: Look, place: Place, keepable: bool, candidates: Vec<Candidate>) -> Recognised {
    let Look { known_by, folded, respelled, key, token, bad } = look;
    let places = candidates.iter().map(|candidate| candidate.place.clone()).collect();
    // What stands beside a key in `Basic` is the caller's choice: masked wherever it appears, it
    // would hide from people and from the record whatever the caller wants hidden.
    let is_chosen = |candidate: &Candidate| {
        key.is_some() && candidate.place != place && is_basic(&candidate.place) && !is_machine_made(&candidate.secret)
    };
    let secrets =
        candidates.into_iter().filter(|candidate| !is_chosen(candidate)).map(|candidate| candidate.secret).collect();
    let (beside_session, expected) = (false, true);
    let shown =
        Shown { known_by, folded, respelled, token, bad, place, places, beside_session, expected, keepable, secrets };
    Recognised { key, shown }
}

/// A known key in a place where nobody expects one.
pub(crate) struct Hidden {
    pub(crate) key: Arc<Key>,
    pub(crate) shown: Shown,
    pub(crate) distinctive: bool,
}

/// Looks for a known key where nobody expects one. A session's cookie is such a place: it is
/// told by its name alone, and an upstream may take a key from it as well. A session that is
/// told by what it is (its issuer, its beginning) cannot be a key.
pub(crate) fn hidden_key(
    eyes: Eyes<'_>,
    possible: wire::PossibleValues<'_>,
    beside_session: bool,
) -> Result<Option<Hidden>, Refusal> {
    let mut hidden: Option<Hidden> = None;
    let mut tokens = 0;
    for wire::Possible { place, value, distinctive } in possible.values {
        let Look { known_by, folded, respelled, key, token, bad } = eyes.look(&value);
        // Only what a machine made is recognised in another spelling.
        let distinctive = distinctive || respelled;
        // A word in a parameter is what somebody looks for, more often than a key.
        if !distinctive && matches!(place, Place::Query(_) | Place::Path) && beside_session {
            continue;
        }
        // It may be good, and its key one that is stopped.
        if let Some(bad) = bad.as_ref().filter(|bad| bad.is_unlooked()) {
            return Err(bad.refusal());
        }
        tokens += usize::from(token.is_some() || bad.is_some());
        if tokens > MOST_HIDDEN_TOKENS {
            return Err(Refusal::BadHeader);
        }
        // No key, and yet the API takes it: from that place as well, for all that is known.
        if let (None, true, KnownBy::Secret(digest)) = (&key, distinctive, &known_by)
            && eyes.authority().is_own_credential(digest, folded.first())
        {
            return Err(Refusal::GateCredential);
        }
        // A token that is no good here is none for the upstream either.
        let Some(key) = key.filter(|_| !token.as_ref().is_some_and(|token| token.session)) else { continue };
        match &hidden {
            Some(known) if known.distinctive && (!distinctive || known.key.id == key.id) => continue,
            Some(known) if known.distinctive && known.key.id != key.id => return Err(Refusal::TwoCredentials),
            _ => {}
        }
        let shown = Shown {
            known_by,
            folded,
            respelled,
            token,
            bad: None,
            place: place.clone(),
            places: vec![place],
            beside_session,
            expected: false,
            keepable: true,
            secrets: vec![Secret::new(&value)],
        };
        hidden = Some(Hidden { key, shown, distinctive });
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

/// A token that is demanded together with a secret: the key is the same with the next token.
fn pair(eyes: Eyes<'_>, one: &Candidate, other: &Candidate) -> Look {
    for (half, other) in [(one, other), (other, one)] {
        let look = eyes.look(half.secret.expose());
        if look.bad.is_some() {
            return look;
        }
        if let Some(token) = look.token {
            let known_by = token.known_by(Some(other.secret.expose()));
            return Look::at_token(known_by, eyes.authority().recognise(known_by), Some(token), None);
        }
    }
    // In an order that does not depend on the request's.
    let (first, second) = if one.place.to_string() <= other.place.to_string() { (one, other) } else { (other, one) };
    let (first, second) = (first.secret.expose(), second.secret.expose());
    Look::at_secret(eyes.authority(), digest_of_pair(first, second), || {
        let halves = [first, second].into_iter().filter_map(Folded::of_half);
        Folded::of_pair(first, second).into_iter().chain(halves).collect()
    })
}

fn digest_of_pair(first: &[u8], second: &[u8]) -> SecretDigest {
    let mut both = zeroize::Zeroizing::new(Vec::with_capacity(first.len() + second.len() + 9));
    both.extend_from_slice(b"pair\n");
    both.extend_from_slice(&u32::try_from(first.len()).unwrap_or(u32::MAX).to_be_bytes());
    both.extend_from_slice(first);
    both.extend_from_slice(second);
    SecretDigest::of(&both)
}
