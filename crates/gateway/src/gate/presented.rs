//! The first stop: what a request presents, taken out of it and recognised.

use std::sync::Arc;

use authority::{Authority, Claim, Folded, Key, KnownBy, SecretDigest};
use http::{HeaderMap, HeaderValue, Request, Uri};
use hyper::body::Incoming;
use jiff::Timestamp;
use law::{KeyId, Refusal, neighbourhood};
use wire::{Found, Keep, Place, Query, Secret, Target};

use crate::{
    Outbound,
    gate::{
        attempt::Understood,
        guessing, issued,
        passage::Passage,
        realm::{Realm, UnknownKeys},
        recognised::{Eyes, Hidden, Recognised, hidden_key, one_credential},
        rehearsing::Played,
        tokens::{Bad, Bearer, Good},
        writing::without_secrets,
    },
};

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

impl Presented {
    /// Takes the key as it stands now.
    pub(crate) fn renew(&mut self) {
        if let Self::Key(key, _) = self
            && let Some(newest) = key.newest()
        {
            *key = newest;
        }
    }
}

/// What was shown of a credential: as much as is needed to learn it, and to mask it.
pub(crate) struct Shown {
    /// What its key is known by.
    pub(crate) known_by: KnownBy,
    /// What its spellings have in common, where its key is not known by that yet.
    pub(crate) folded: Vec<Folded>,
    /// Whether it is another spelling of its key's secret, or a half of it.
    pub(crate) respelled: bool,
    /// What it says, where it is an issuer's token.
    pub(crate) token: Option<Arc<Good>>,
    /// Why it is refused, where it is meant to be one.
    pub(crate) bad: Option<Bad>,
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
    /// All that may be a credential, to be masked wherever it appears.
    pub(crate) secrets: Vec<Secret>,
}

impl Shown {
    /// What the issuer's token says that the key is known by.
    pub(crate) fn claim(&self) -> Option<Claim> {
        self.token.as_ref().map(|token| token.claim.clone())
    }
}

/// A credential that is not known. A canary is treated in all like any other.
pub(crate) struct Stranger {
    /// Which canary it is, if it is one.
    pub(crate) canary: Option<KeyId>,
    /// Whether it is the gate's own credential for the API.
    pub(crate) own: bool,
}

impl Stranger {
    fn of(authority: &Authority, shown: &Shown) -> Self {
        // Why they are exposed: a canary is recognised by its digest, as a key is, and so is what
        // is the gate's own.
        let look = |secret: &Secret| {
            let digest = SecretDigest::of(secret.expose());
            let own = authority.is_own_credential(&digest, Folded::of(secret.expose()).as_ref());
            (canary_in(authority, secret), own)
        };
        let looks: Vec<(Option<KeyId>, bool)> = shown.secrets.iter().map(look).collect();
        Self { canary: looks.iter().find_map(|(canary, _)| *canary), own: looks.iter().any(|(_, own)| *own) }
    }
}

/// The canary that this is, in any of the spellings in which a key would be known. Where any is
/// watched, as much is done for every credential.
fn canary_in(authority: &Authority, secret: &Secret) -> Option<KeyId> {
    if !authority.watches_canaries() {
        return None;
    }
    // Why it is exposed: to be recognised by its digest.
    let secret = secret.expose();
    let spelled = wire::spellings(secret).into_iter().flat_map(|word| {
        let folded = Folded::of(&word).and_then(|folded| authority.canary_spelling(&folded));
        [authority.canary(&SecretDigest::of(&word)), folded]
    });
    let looks: Vec<_> = [authority.canary(&SecretDigest::of(secret))].into_iter().chain(spelled).collect();
    looks.into_iter().flatten().next()
}

/// Recognises the caller, and takes credentials out that the upstream must not see without
/// the gate having judged them. Beside that a credential that is not known, whatever becomes of it.
pub(crate) fn present(
    bearer: Bearer<'_>,
    realm: &Realm,
    headers: &mut HeaderMap,
    target: &Target,
    open: bool,
    now: Timestamp,
) -> Result<(Presented, Option<Stranger>), Refusal> {
    let places = &realm.settings.places;
    let eyes = Eyes { bearer, issuers: &realm.settings.issuers, now };
    let query = target.query();
    let found = wire::find(headers, query, places)?;
    let mut hidden = hidden_key(eyes, wire::possible(headers, query, &found), !found.sessions.is_empty())?;
    let in_path = wire::possible_in_path(target.segments(), &found);
    let Found { mut candidates, sessions } = found;
    let all = candidates.len();
    // Why they are exposed: an issuer's signature tells a session from a key.
    candidates.retain(|candidate| !eyes.is_session(candidate.secret.expose()));
    let has_token_session = candidates.len() < all;
    let has_session = has_token_session || !sessions.is_empty();
    let in_query = candidates.iter().any(|candidate| matches!(candidate.place, Place::Query(_)));
    let mut shown = one_credential(eyes, places, candidates)?;
    // Where a known key calls, a key in the path is what the call is about.
    let is_known = shown.as_ref().is_some_and(|recognised| recognised.key.is_some());
    if hidden.is_none() && !is_known {
        hidden = hidden_key(eyes, in_path, has_session)?.filter(|hidden| hidden.distinctive);
    }
    if let Some(recognised) = &mut shown {
        recognised.shown.beside_session = has_session;
    }
    let unknown = shown.as_ref().filter(|recognised| recognised.key.is_none());
    let stranger = unknown.map(|recognised| Stranger::of(eyes.authority(), &recognised.shown));
    let presented = match (shown, hidden) {
        // The same key once more, or a word that happens to be somebody's key.
        (Some(Recognised { key: Some(key), mut shown }), Some(hidden))
            if hidden.key.id == key.id || !hidden.distinctive =>
        {
            // A key that Greave issued is taken out wherever it stands; from there it cannot be.
            shown.expected &= key.issued().is_none() || hidden.key.id != key.id;
            Ok(Presented::Key(key, shown))
        }
        // A key that hides beside another credential: the upstream may take either.
        (Some(_), Some(_)) => Err(Refusal::TwoCredentials),
        (Some(Recognised { key: Some(key), shown }), None) => Ok(Presented::Key(key, shown)),
        (None, Some(Hidden { key, shown, .. })) => Ok(Presented::Key(key, shown)),
        // Where anybody may call, a credential that means nothing to the gate is left behind.
        (Some(Recognised { key: None, shown }), None)
            if open && !in_query && (realm.settings.unknown_keys == UnknownKeys::Refuse || shown.bad.is_some()) =>
        {
            wire::strip(headers, places, Keep::Nothing);
            Ok(Presented::Nobody)
        }
        (Some(Recognised { key: None, shown }), None) => Ok(Presented::Unknown(shown)),
        // No other credential stands where credentials travel, and this one was verified.
        (None, None) if has_token_session => Ok(Presented::Session),
        (None, None) if has_session => {
            wire::strip(headers, places, Keep::Session);
            Ok(Presented::Session)
        }
        (None, None) => {
            wire::strip(headers, places, Keep::Nothing);
            Ok(Presented::Nobody)
        }
    };
    Ok((presented?, stranger))
}

/// Why a request is not read on, and the key that it shows: who tries what is refused leaves a
/// trace under it.
pub(crate) type Unread = (Refusal, Option<Arc<Key>>);

impl Passage<'_> {
    /// Reads what hyper has parsed, more strictly than hyper does.
    pub(crate) fn read(&self, request: Request<Incoming>) -> Result<(Outbound, Target), Unread> {
        wire::head::check(request.method(), request.version(), request.headers(), request.uri())
            .map_err(|refusal| (refusal, self.whose(request.headers(), request.uri())))?;
        let outbound = Outbound::read(request, self.realm.settings.pace).map_err(|refusal| (refusal, None))?;
        let target = Target::read(outbound.target(), &self.realm.settings.rules)
            .map_err(|refusal| (refusal, self.whose(&outbound.parts.headers, &outbound.parts.uri)))?;
        Ok((outbound, target))
    }

    /// The key that stands where keys travel, in a request of which no more can be read.
    fn whose(&self, headers: &HeaderMap, uri: &Uri) -> Option<Arc<Key>> {
        let (gate, settings) = (&self.worker.gate, &self.realm.settings);
        let source = neighbourhood(self.source);
        let bearer = Bearer { throttle: &gate.throttle, authority: &gate.authority, source };
        let eyes = Eyes { bearer, issuers: &settings.issuers, now: self.at };
        let found = wire::find(headers, Query::new(uri.query()), &settings.places).ok()?;
        let key = one_credential(eyes, &settings.places, found.candidates).ok()??.key?;
        (!key.is_drill()).then_some(key)
    }

    /// Whether this is what the request shows as its credential, or any key that is known.
    pub(crate) fn is_credential(&self, text: &str, presented: &Presented) -> bool {
        let shown = match presented {
            Presented::Key(_, shown) | Presented::Unknown(shown) => shown.secrets.as_slice(),
            Presented::Session | Presented::Nobody => &[],
        };
        // Why they are exposed: to be recognised in what is written down, and left out of it.
        shown.iter().any(|secret| secret.expose() == text.as_bytes())
            || self.worker.gate.authority.recognise(&SecretDigest::of(text.as_bytes())).is_some()
    }

    /// Unknown keys are refused, or slowed down.
    pub(crate) fn admit(
        &self,
        presented: &Presented,
        is_open: bool,
        stranger: Option<&Stranger>,
    ) -> Result<(), Refusal> {
        let Presented::Unknown(shown) = presented else { return Ok(()) };
        let (gate, from) = (&self.worker.gate, (self.id, self.source));
        if !gate.throttle.admits(neighbourhood(self.source), self.at) {
            guessing::unlooked(gate, shown, from, self.at);
            return Err(Refusal::TooManyGuesses);
        }
        if let Some(bad) = &shown.bad {
            if bad.is_guess() {
                guessing::missed(gate, shown, from, self.at);
            }
            // One that was good until lately is nothing to look into.
            if !bad.is_expired() && !bad.is_unlooked() {
                gate.findings.of_token(bad, self.source, self.at);
            }
            return Err(bad.refusal());
        }
        if stranger.is_some_and(|stranger| stranger.own) {
            guessing::missed(gate, shown, from, self.at);
            return Err(Refusal::GateCredential);
        }
        let is_canary = stranger.is_some_and(|stranger| stranger.canary.is_some());
        let is_refused = self.realm.settings.unknown_keys == UnknownKeys::Refuse && !is_open;
        if is_refused || is_canary || issued::is_feigned(self.realm, shown) {
            guessing::missed(gate, shown, from, self.at);
            return Err(Refusal::UnknownKey);
        }
        Ok(())
    }

    pub(crate) fn notice(&self, presented: &Presented) {
        let (key, shown) = match presented {
            Presented::Key(key, _) if key.is_drill() => return,
            Presented::Key(key, shown) => (Some(key.id), shown),
            Presented::Unknown(shown) => (None, shown),
            Presented::Session | Presented::Nobody => return,
        };
        let gate = &self.worker.gate;
        if let (Some(key), KnownBy::Secret(digest)) = (key, &shown.known_by)
            && gate.authority.is_own_credential(digest, shown.folded.first())
        {
            gate.findings.of_own_credential_as_key(key, self.at);
        }
        gate.findings.of_place(key, shown, self.at);
    }

    /// Tells that somebody has the gate's own credential, where that is why the request is refused.
    pub(crate) fn tell_of_own_credential(&self, refusal: Refusal) {
        if refusal == Refusal::GateCredential {
            self.worker.gate.findings.of_own_credential(self.source, self.at);
        }
    }

    /// Tells of a canary. What can be told is put together for every unknown key, so that how
    /// long it takes does not say which of them is one.
    pub(crate) fn tell_of_canary(
        &self,
        canary: Option<KeyId>,
        presented: &Presented,
        understood: &Understood,
        agent: Option<&HeaderValue>,
    ) {
        let agent = agent.map(|agent| without_secrets(&String::from_utf8_lossy(agent.as_bytes()), presented));
        let path = understood.parameters.first().map_or("*", |(_, path)| path.as_str());
        let method = understood.name.split(' ').next().unwrap_or_default();
        let what = format!(
            "it was sent from {}: {method} {path}, {}",
            self.source,
            agent.as_deref().unwrap_or("no user agent")
        );
        self.worker.gate.findings.of_canary(canary, self.source, what, self.at);
    }
}

/// Whether a drill's key comes in where drills do, and nothing else there: who came over the
/// network cannot use the one, and a drill can use no other key.
pub(crate) fn is_at_its_door(presented: &Presented, canary: Option<KeyId>, played: Option<&Played>) -> bool {
    match (presented, played) {
        (Presented::Key(key, _), Some(played)) => key.is_drill() && played.is_of(key.id),
        (Presented::Key(key, _), None) => !key.is_drill(),
        // Its canary is known to nobody else who could call here, and works nowhere.
        (Presented::Unknown(_), Some(played)) => canary.is_some_and(|canary| played.is_of(canary)),
        (Presented::Unknown(_) | Presented::Session | Presented::Nobody, played) => played.is_none(),
    }
}
