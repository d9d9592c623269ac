//! Tokens of issuers that the operator named: verified, and told apart by what they say.

use std::sync::Arc;

use authority::{Authority, Claim, ClaimDigest, KnownBy, SecretDigest};
use factor::jwt::{self, Refused, Rules, Verified};
use jiff::Timestamp;
use law::{Freshness, Neighbourhood, Refusal, Severity, Span};

use crate::{gate::throttle::Throttle, key_set::Keys};

/// Verified tokens that are remembered. Beyond it all are forgotten, and verified again.
const REMEMBERED: usize = 16_384;

/// An issuer whose tokens are verified here.
pub struct Issuer {
    /// What the configuration calls it.
    pub name: String,
    /// What its tokens must be.
    pub rules: Rules,
    /// Whether they are a login's session, and no key.
    pub session: bool,
    /// How long the second factor that they speak of counts as their person's.
    pub person_within: Option<Span>,
    /// Its public keys.
    pub keys: Keys,
}

/// Every issuer whose tokens are verified here, and the tokens that were.
#[derive(Default)]
pub struct Issuers {
    list: Vec<Issuer>,
    /// By the token's digest. Only what was verified is here, so that nobody without a token
    /// can fill it; whether its key may still be used is asked anew for each request.
    verified: papaya::HashMap<SecretDigest, Arc<Good>>,
}

/// A token that was verified.
pub(crate) struct Good {
    pub(crate) claim: Claim,
    pub(crate) verified: Verified,
    pub(crate) session: bool,
    person_within: Option<Span>,
    issuer: usize,
    /// The keys that it was verified with. Where the issuer has others now, it is verified anew.
    keys: Arc<jwt::KeySet>,
}

/// A token that is not taken.
pub(crate) struct Bad {
    issuer: Option<String>,
    why: Why,
}

#[derive(Clone, Copy)]
enum Why {
    Refused(Refused),
    /// The issuer's keys were never fetched, or too long ago.
    NoKeys,
    /// Too many from its source were no good: it was not looked at.
    Unlooked,
}

/// From whom a token came, for whom verifying must not be free.
#[derive(Clone, Copy)]
pub(crate) struct Bearer<'a> {
    pub(crate) throttle: &'a Throttle,
    pub(crate) authority: &'a Authority,
    pub(crate) source: Neighbourhood,
}

/// What a value is.
pub(crate) enum Meaning {
    /// No token of an issuer of ours.
    Other,
    /// A token that is good now.
    Good(Arc<Good>),
    /// One that is not.
    Bad(Bad),
}

impl Issuers {
    /// Verifies the tokens of these.
    pub fn new(mut list: Vec<Issuer>) -> Self {
        // Where one issuer's tokens are both keys and sessions, what could be a key is one.
        list.sort_by_key(|issuer| issuer.session);
        Self { list, verified: papaya::HashMap::new() }
    }

    /// Whether there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What this value is, of which this is the digest. Nobody is a bearer where the upstream
    /// itself has said it.
    pub(crate) fn meaning(
        &self,
        value: &[u8],
        digest: &SecretDigest,
        bearer: Option<Bearer<'_>>,
        now: Timestamp,
    ) -> Meaning {
        if self.list.is_empty() {
            return Meaning::Other;
        }
        if let Some(good) = self.remembered(digest, now) {
            return Meaning::Good(good);
        }
        let token = match jwt::read(value) {
            None => return Meaning::Other,
            Some(Err(refused)) => return Meaning::Bad(Bad { issuer: None, why: Why::Refused(refused) }),
            Some(Ok(token)) => token,
        };
        let mut bad: Option<Bad> = None;
        for (place, issuer) in self.list.iter().enumerate() {
            if token.issuer() != Some(&issuer.rules.issuer) {
                continue;
            }
            match self.verify_for(bearer, &token, place, now) {
                Ok(good) => {
                    self.remember(*digest, &good);
                    return Meaning::Good(good);
                }
                // Of one issuer's sections the one that knows most of the token says why.
                Err(why) if bad.as_ref().is_none_or(|bad| bad.is_elsewhere()) => {
                    bad = Some(Bad { issuer: Some(issuer.name.clone()), why });
                }
                Err(_) => {}
            }
        }
        bad.map_or(Meaning::Other, Meaning::Bad)
    }

    fn remembered(&self, digest: &SecretDigest, now: Timestamp) -> Option<Arc<Good>> {
        let remembered = self.verified.pin();
        let good = remembered.get(digest)?;
        let keys = self.list.get(good.issuer)?.keys.current(now)?;
        (now < good.verified.until && Arc::ptr_eq(&keys, &good.keys)).then(|| Arc::clone(good))
    }

    fn remember(&self, digest: SecretDigest, good: &Arc<Good>) {
        let remembered = self.verified.pin();
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(digest, Arc::clone(good));
    }

    /// Verifies it, unless its source has shown too many that were no good.
    fn verify_for(
        &self,
        bearer: Option<Bearer<'_>>,
        token: &jwt::Token<'_>,
        place: usize,
        now: Timestamp,
    ) -> Result<Arc<Good>, Why> {
        let Some(issuer) = self.list.get(place) else { return Err(Why::NoKeys) };
        let Some(Bearer { throttle, authority, source }) = bearer else {
            return Self::verify(token, place, issuer, now);
        };
        let identity = token.claimed(&issuer.rules.identity).unwrap_or_default();
        let client = ClaimDigest::of(&issuer.claim(identity), None);
        let is_known = || authority.recognise(KnownBy::Claim(client)).is_some();
        if !throttle.may_verify(source, client, is_known, now) {
            return Err(Why::Unlooked);
        }
        let verified = Self::verify(token, place, issuer, now);
        match &verified {
            Ok(_) => throttle.proved(source, client),
            Err(Why::Refused(refused)) if refused.was_computed() => throttle.forged(source, client, now),
            Err(_) => {}
        }
        verified
    }

    fn verify(token: &jwt::Token<'_>, place: usize, issuer: &Issuer, now: Timestamp) -> Result<Arc<Good>, Why> {
        let Some(keys) = issuer.keys.current(now) else {
            issuer.keys.want();
            return Err(Why::NoKeys);
        };
        let verified = token.verify(&issuer.rules, &keys, now).map_err(|refused| {
            if refused == Refused::UnknownKey {
                issuer.keys.want();
            }
            Why::Refused(refused)
        })?;
        let claim = issuer.claim(verified.identity.clone());
        Ok(Arc::new(Good {
            claim,
            verified,
            session: issuer.session,
            person_within: issuer.person_within,
            issuer: place,
            keys,
        }))
    }
}

impl Issuer {
    fn claim(&self, value: String) -> Claim {
        Claim { issuer: self.name.clone(), name: self.rules.identity.to_string(), value }
    }
}

impl Good {
    /// How fresh the second factor is of which it speaks, where that counts.
    pub(crate) fn person(&self, now: Timestamp) -> Freshness {
        let (Some(at), Some(within)) = (self.verified.second_factor, self.person_within) else {
            return Freshness::Absent;
        };
        let age = Span::between(at, now);
        if age <= within { Freshness::Before(age) } else { Freshness::Absent }
    }

    /// What its key is known by, with the secret that is demanded together with it.
    pub(crate) fn known_by(&self, together_with: Option<&[u8]>) -> KnownBy {
        KnownBy::Claim(ClaimDigest::of(&self.claim, together_with))
    }
}

impl Bad {
    fn is_elsewhere(&self) -> bool {
        matches!(self.why, Why::Refused(Refused::Audience | Refused::Kind) | Why::NoKeys)
    }

    /// Whether nobody has looked at it: there is nothing to tell of it.
    pub(crate) const fn is_unlooked(&self) -> bool {
        matches!(self.why, Why::Unlooked)
    }

    /// Whether nothing is wrong with it but its age.
    pub(crate) const fn is_expired(&self) -> bool {
        matches!(self.why, Why::Refused(Refused::Expired))
    }

    /// Whether whoever sent it may be trying tokens.
    pub(crate) const fn is_guess(&self) -> bool {
        !self.is_expired() && !self.is_unlooked() && !matches!(self.why, Why::NoKeys)
    }

    /// What its caller is told: that it expired, if it was good; otherwise nothing.
    pub(crate) const fn refusal(&self) -> Refusal {
        match self.why {
            Why::Unlooked => Refusal::TooManyGuesses,
            _ if self.is_expired() => Refusal::TokenExpired,
            _ => Refusal::UnknownKey,
        }
    }

    /// The rule of the finding, and how much it matters.
    pub(crate) const fn finding(&self) -> (&'static str, Severity) {
        match self.why {
            Why::NoKeys => ("issuer-without-keys", Severity::High),
            Why::Unlooked => ("token-forged", Severity::Warning),
            Why::Refused(Refused::UnknownKey) => ("token-of-unknown-key", Severity::Warning),
            Why::Refused(Refused::Audience | Refused::Issuer | Refused::Kind) => {
                ("token-for-another", Severity::Warning)
            }
            Why::Refused(Refused::Early | Refused::Expired | Refused::NoEnd | Refused::NoIdentity) => {
                ("token-unusable", Severity::Warning)
            }
            Why::Refused(
                Refused::Signature | Refused::Algorithm | Refused::OtherKey | Refused::Critical | Refused::Unreadable,
            ) => ("token-forged", Severity::High),
        }
    }

    /// What is wrong, for the operator.
    pub(crate) fn in_words(&self) -> String {
        let why = match &self.why {
            Why::Refused(refused) => refused.to_string(),
            Why::NoKeys => "the issuer's keys have not been fetched, or not for a week".to_owned(),
            Why::Unlooked => "too many from its source were no good, and it was not looked at".to_owned(),
        };
        match &self.issuer {
            Some(issuer) => format!("a token that names the issuer `{issuer}` was refused: {why}"),
            None => format!("a token was refused: {why}"),
        }
    }
}
