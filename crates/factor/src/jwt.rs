//! Signed tokens (JWT, RFC 7519) of issuers that the operator named, verified as RFC 8725 asks.
//!
//! The algorithm comes from the configuration and from the key, never from the token alone;
//! the key comes from the issuer's own set, never from the token. Only the compact form is
//! read, in one reading: what could be read in two ways is no token.

mod algorithm;
mod claim;
mod json;
mod keys;
#[cfg(test)]
mod tests;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

pub use self::{
    algorithm::{Algorithm, NoAlgorithm},
    claim::{ClaimName, NoClaim},
    keys::{KeySet, LeftOut, NoKeySet},
};

/// The longest token that is read, in bytes.
const LONGEST: usize = 16 * 1024;

/// The longest header of one, encoded, in bytes.
const LONGEST_HEADER: usize = 4 * 1024;

/// The longest identity or holder, in bytes.
const LONGEST_NAME: usize = 256;

/// Claims that are about one token, not about what its bearer may do: they differ from one
/// token of the same client to the next. `uti`, `rh` and `aio` are Entra's.
const OF_ONE_TOKEN: [&str; 7] = ["exp", "iat", "nbf", "jti", "uti", "rh", "aio"];

/// What an issuer's tokens must be.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Exactly their `iss`.
    pub issuer: String,
    /// What must be in their `aud`.
    pub audience: String,
    /// What they may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// Their `typ`, where it is checked, such as `at+jwt`.
    pub kind: Option<String>,
    /// The claim that names the key.
    pub identity: ClaimName,
    /// The claim that names the key's holder.
    pub holder: Option<ClaimName>,
    /// What says that its person has shown a second factor, where that counts.
    pub second_factor: Option<SecondFactor>,
    /// How far clocks may be apart.
    pub leeway: SignedDuration,
}

/// How a token says that its person signed in with a second factor; when, its `auth_time` says
/// (OpenID Connect Core, 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// The claim that says how, such as `amr` (RFC 8176): a text, or a list of them.
    pub claim: ClaimName,
    /// One of these must be in it.
    pub any: Vec<String>,
}

/// What a verified token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The value of the claim that names the key.
    pub identity: String,
    /// The value of the claim that names the holder, where there is one.
    pub holder: Option<String>,
    /// When its person showed a second factor, where it says so and that counts.
    pub second_factor: Option<Timestamp>,
    /// From when on it is no longer taken, leeway included.
    pub until: Timestamp,
    /// SHA-256 over all that it says beside its own dates and number: the next token that
    /// says the same is as good as this one.
    pub says: [u8; 32],
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is longer than 16 KiB, or could be read in two ways.
    #[error("it cannot be read in one way")]
    Unreadable,
    /// Another issuer's.
    #[error("it is another issuer's")]
    Issuer,
    /// An algorithm that is not configured.
    #[error("it is signed with an algorithm that is not configured")]
    Algorithm,
    /// A `typ` that is not the configured one.
    #[error("its `typ` is not the configured one")]
    Kind,
    /// `crit` (RFC 7515, 4.1.11): it asks for something that is not understood here.
    #[error("it has a `crit` header, of which nothing is understood here")]
    Critical,
    /// No key of the set is called so.
    #[error("it names a key that the issuer's key set does not have")]
    UnknownKey,
    /// The key is for another algorithm.
    #[error("the key that it names is not for its algorithm")]
    OtherKey,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// It is meant for somebody else.
    #[error("it is meant for another audience")]
    Audience,
    /// It has no `exp` that can be read.
    #[error("it has no `exp` that is a date")]
    NoEnd,
    /// It does not say whose it is.
    #[error("it does not have the claim that names the key, as a text of 1 to 256 bytes")]
    NoIdentity,
    /// It is not valid yet.
    #[error("it is not valid yet")]
    Early,
    /// It was good, and is over.
    #[error("it has expired")]
    Expired,
}

impl Refused {
    /// Whether its signature was computed before it was refused: what costs time.
    pub const fn was_computed(self) -> bool {
        match self {
            Self::Signature | Self::Audience | Self::NoEnd | Self::NoIdentity | Self::Early | Self::Expired => true,
            Self::Unreadable
            | Self::Issuer
            | Self::Algorithm
            | Self::Kind
            | Self::Critical
            | Self::UnknownKey
            | Self::OtherKey => false,
        }
    }
}

/// A token that was read and not verified: nothing that it says is true yet.
pub struct Token<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signed: &'a [u8],
    signature: &'a [u8],
}

/// Reads a value as a signed token. Nothing where it is none; a value that is meant to be one
/// and can be read in two ways is an error.
///
/// Header and claims are signed as they are spelled: somebody who has a token can write its
/// signature in another way, but not these. So what does not read as a header is no token of
/// an issuer's, whatever an upstream makes of it.
pub fn read(value: &[u8]) -> Option<Result<Token<'_>, Refused>> {
    let (first, rest) = split(value)?;
    if first.len() > LONGEST_HEADER || !first.starts_with(b"e") {
        return None;
    }
    let header = BASE64.decode(first).ok()?;
    if !header.starts_with(b"{") || !header.windows(5).any(|word| word == br#""alg""#) {
        return None;
    }
    let (second, signature) = split(rest)?;
    if value.len() > LONGEST {
        return Some(Err(Refused::Unreadable));
    }
    let claims = BASE64.decode(second).ok()?;
    // An encrypted token has something else there.
    if !claims.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let (Some(header), Some(claims)) = (json::object(&header), json::object(&claims)) else {
        return Some(Err(Refused::Unreadable));
    };
    let signed = value.get(..first.len() + 1 + second.len()).unwrap_or_default();
    Some(Ok(Token { header, claims, signed, signature }))
}

fn split(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = value.iter().position(|byte| *byte == b'.')?;
    let (first, rest) = value.split_at_checked(dot)?;
    Some((first, rest.get(1..)?))
}

impl Token<'_> {
    /// Who, as it says, issued it.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss")?.as_str()
    }

    /// What it says in a claim. Nothing of it is verified.
    pub fn claimed(&self, claim: &ClaimName) -> Option<String> {
        self.name(claim)
    }

    /// Verifies it.
    ///
    /// # Errors
    /// With what is wrong. [`Refused::Expired`] only where everything else is right.
    pub fn verify(&self, rules: &Rules, keys: &KeySet, now: Timestamp) -> Result<Verified, Refused> {
        if self.issuer() != Some(&rules.issuer) {
            return Err(Refused::Issuer);
        }
        self.check_signature(rules, keys)?;
        if !self.is_for(&rules.audience) {
            return Err(Refused::Audience);
        }
        let identity = self.name(&rules.identity).ok_or(Refused::NoIdentity)?;
        let holder = rules.holder.as_ref().and_then(|claim| self.name(claim));
        let end = self.claims.get("exp").and_then(moment).ok_or(Refused::NoEnd)?;
        if let Some(begin) = self.claims.get("nbf") {
            let begin = moment(begin).ok_or(Refused::Early)?;
            if now < begin.saturating_sub(rules.leeway).unwrap_or(Timestamp::MAX) {
                return Err(Refused::Early);
            }
        }
        let until = end.saturating_add(rules.leeway).unwrap_or(end);
        if now >= until {
            return Err(Refused::Expired);
        }
        let second_factor = rules.second_factor.as_ref();
        let second_factor = second_factor.and_then(|rule| self.second_factor(rule, now, rules.leeway));
        Ok(Verified { identity, holder, second_factor, until, says: self.says() })
    }

    /// When its person showed a second factor. What lies ahead was not yet.
    fn second_factor(&self, rule: &SecondFactor, now: Timestamp, leeway: SignedDuration) -> Option<Timestamp> {
        let is_one = |value: &Value| value.as_str().is_some_and(|word| rule.any.iter().any(|known| known == word));
        let shown = match rule.claim.of(&self.claims)? {
            Value::Array(several) => several.iter().any(is_one),
            one => is_one(one),
        };
        let at = self.claims.get("auth_time").and_then(moment)?;
        let is_past = at <= now.saturating_add(leeway).unwrap_or(now);
        (shown && is_past).then(|| at.min(now))
    }

    fn check_signature(&self, rules: &Rules, keys: &KeySet) -> Result<(), Refused> {
        if self.header.contains_key("crit") {
            return Err(Refused::Critical);
        }
        if let Some(kind) = &rules.kind
            && !self.word("typ").is_some_and(|typ| is_same_kind(typ, kind))
        {
            return Err(Refused::Kind);
        }
        let algorithm: Algorithm = self.word("alg").and_then(|alg| alg.parse().ok()).ok_or(Refused::Algorithm)?;
        if !rules.algorithms.contains(&algorithm) {
            return Err(Refused::Algorithm);
        }
        let id = match self.header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.as_str()),
            Some(_) => return Err(Refused::UnknownKey),
        };
        // Its length is that of the strict spelling: a second spelling of the same is refused.
        let signature = BASE64.decode(self.signature).map_err(|_| Refused::Signature)?;
        keys.verify(id, algorithm, self.signed, &signature)
    }

    fn word(&self, name: &str) -> Option<&str> {
        self.header.get(name)?.as_str()
    }

    fn is_for(&self, audience: &str) -> bool {
        match self.claims.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(audience)),
            _ => false,
        }
    }

    fn name(&self, claim: &ClaimName) -> Option<String> {
        let name = claim.of(&self.claims)?.as_str()?;
        let fits = !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(char::is_control);
        fits.then(|| name.to_owned())
    }

    fn says(&self) -> [u8; 32] {
        let mut claims: Vec<(&String, &Value)> =
            self.claims.iter().filter(|(name, _)| !OF_ONE_TOKEN.contains(&name.as_str())).collect();
        claims.sort_by_key(|(name, _)| *name);
        let text = serde_json::to_vec(&claims).unwrap_or_default();
        let mut says = [0; 32];
        says.copy_from_slice(digest(&SHA256, &text).as_ref());
        says
    }
}

/// `typ` is a media type whose `application/` may be left out, in any case of letters (RFC
/// 7515, 4.1.9).
fn is_same_kind(one: &str, other: &str) -> bool {
    let short = |kind: &str| {
        let kind = kind.to_ascii_lowercase();
        kind.strip_prefix("application/").map_or_else(|| kind.clone(), str::to_owned)
    };
    short(one) == short(other)
}

/// Seconds since 1970, perhaps with a fraction (RFC 7519, 2).
fn moment(value: &Value) -> Option<Timestamp> {
    if let Some(seconds) = value.as_i64() {
        return Timestamp::from_second(seconds).ok();
    }
    let duration = SignedDuration::try_from_secs_f64(value.as_f64()?).ok()?;
    Timestamp::from_duration(duration).ok()
}
