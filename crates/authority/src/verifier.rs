//! Secrets and what is kept of them.

use std::fmt;

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use serde::{Deserialize, Serialize, de::Error as _};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{Digest, change::Claim};

/// SHA-256 of a secret. It can be imported from elsewhere, and lives only as long as a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// Of the secret's bytes.
    pub fn of(secret: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, secret).as_ref());
        Self(bytes)
    }

    /// Whether it is this one; how long that takes tells nothing of either.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// One that somebody else made.
    pub const fn imported(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }
}

impl SecretDigest {
    /// Reads one in hexadecimal, as others write it.
    pub fn from_hex(text: &str) -> Option<Self> {
        let Digest(bytes) = text.trim().to_owned().try_into().ok()?;
        Some(Self(bytes))
    }
}

/// SHA-256 of what all spellings of a secret have in common: an API may take any of them for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Folded([u8; 32]);

impl Folded {
    /// Of the secret's bytes. None for a secret that is too short or too plain a word.
    pub fn of(secret: &[u8]) -> Option<Self> {
        wire::folded(secret).map(|folded| Self(SecretDigest::of(&folded).0))
    }

    /// Whether it is this one; how long that takes tells nothing of either.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// Of a secret that is one credential with another one only.
    pub fn of_half(secret: &[u8]) -> Option<Self> {
        let folded = wire::folded(secret)?;
        let mut half = Zeroizing::new(b"half\n".to_vec());
        half.extend_from_slice(&folded);
        Some(Self(SecretDigest::of(&half).0))
    }

    /// Of two secrets that are one credential together. One of them may be a plain word: of an
    /// address beside a key, letter case does not count.
    pub fn of_pair(first: &[u8], second: &[u8]) -> Option<Self> {
        let (one, other) = (wire::folded(first), wire::folded(second));
        if one.is_none() && other.is_none() {
            return None;
        }
        let plain = |secret: &[u8]| Zeroizing::new(secret.trim_ascii().to_ascii_lowercase());
        let parts = [one.unwrap_or_else(|| plain(first)), other.unwrap_or_else(|| plain(second))];
        let mut both = Zeroizing::new(b"pair\n".to_vec());
        for part in &parts {
            both.extend_from_slice(&(part.len() as u64).to_be_bytes());
            both.extend_from_slice(part);
        }
        Some(Self(SecretDigest::of(&both).0))
    }
}

impl fmt::Debug for Folded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Folded")
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest")
    }
}

/// SHA-256 over an issuer's name and what its tokens say of a client. That is no secret: only
/// whoever has verified a token may make one, and it never equals the digest of a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClaimDigest([u8; 32]);

impl ClaimDigest {
    /// Of a verified token's claim, and of the secret that is demanded together with the token.
    pub fn of(claim: &Claim, together_with: Option<&[u8]>) -> Self {
        let Claim { issuer, name, value } = claim;
        let parts = [issuer.as_bytes(), name.as_bytes(), value.as_bytes()];
        let mut bytes = Zeroizing::new(b"claim 1\n".to_vec());
        for part in parts.into_iter().chain(together_with) {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        Self(SecretDigest::of(&bytes).0)
    }
}

/// What a key is known by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum KnownBy {
    /// The secret that the client sends.
    Secret(SecretDigest),
    /// What the issuer's tokens say: they change every hour, and the key does not.
    Claim(ClaimDigest),
}

impl From<&SecretDigest> for KnownBy {
    fn from(secret: &SecretDigest) -> Self {
        Self::Secret(*secret)
    }
}

/// What is kept of a secret: HMAC-SHA-256 with the pepper over its SHA-256. Without the
/// pepper, which stands outside the database, it cannot even confirm a guess.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Verifier([u8; 32]);

impl Verifier {
    /// What finds an entry in a table.
    pub(crate) fn first_half(&self) -> &[u8; 16] {
        let (half, _) = self.0.split_first_chunk().unwrap_or((&[0; 16], &[]));
        half
    }

    /// For where it is kept outside the ledger.
    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares in constant time.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

impl Serialize for Verifier {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Verifier {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| D::Error::custom("a verifier is 32 bytes in base64url"))
    }
}

/// A number in the configuration that says which pepper made a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PepperId(pub u32);

/// The pepper in use, and the one before it: keys move to the new one as they are used.
pub struct Peppers {
    current: (PepperId, hmac::Key),
    previous: Option<(PepperId, hmac::Key)>,
}

impl Peppers {
    /// The pepper in use and perhaps the one before, each of 32 random bytes.
    pub fn new(current: (PepperId, &[u8; 32]), previous: Option<(PepperId, &[u8; 32])>) -> Self {
        // The key schedule is made once: it is half the cost of an HMAC.
        let schedule = |(id, pepper): (PepperId, &[u8; 32])| (id, hmac::Key::new(hmac::HMAC_SHA256, pepper));
        Self { current: schedule(current), previous: previous.map(schedule) }
    }

    /// The pepper in use.
    pub(crate) const fn current(&self) -> PepperId {
        self.current.0
    }

    /// The pepper before it.
    pub(crate) fn previous_id(&self) -> Option<PepperId> {
        self.previous.as_ref().map(|(id, _)| *id)
    }

    /// The verifier under the pepper in use.
    pub fn verifier(&self, key: impl Into<KnownBy>) -> (PepperId, Verifier) {
        (self.current.0, verifier(&self.current.1, key.into()))
    }

    /// The verifier under the pepper before, where there is one.
    pub fn previous_verifier(&self, key: impl Into<KnownBy>) -> Option<Verifier> {
        self.previous.as_ref().map(|(_, pepper)| verifier(pepper, key.into()))
    }

    /// The verifier of what a secret's spellings have in common.
    pub fn folded(&self, Folded(digest): &Folded) -> Verifier {
        tagged(&self.current.1, b"folded", digest)
    }

    /// The same under the pepper before, where there is one.
    pub fn previous_folded(&self, Folded(digest): &Folded) -> Option<Verifier> {
        self.previous.as_ref().map(|(_, pepper)| tagged(pepper, b"folded", digest))
    }
}

fn verifier(pepper: &hmac::Key, key: KnownBy) -> Verifier {
    let mut bytes = [0; 32];
    let tag = match key {
        KnownBy::Secret(SecretDigest(digest)) => hmac::sign(pepper, &digest),
        KnownBy::Claim(ClaimDigest(digest)) => return tagged(pepper, b"claim", &digest),
    };
    bytes.copy_from_slice(tag.as_ref());
    Verifier(bytes)
}

/// Over more than any digest of a secret: nobody can send a secret that is taken for it.
fn tagged(pepper: &hmac::Key, tag: &[u8], digest: &[u8; 32]) -> Verifier {
    let mut bytes = [0; 32];
    let mut context = hmac::Context::with_key(pepper);
    context.update(tag);
    context.update(digest);
    let tag = context.sign();
    bytes.copy_from_slice(tag.as_ref());
    Verifier(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_pepper_makes_another_verifier() {
        let secret = SecretDigest::of(b"sk_live_example");
        let one = Peppers::new((PepperId(1), &[1; 32]), None);
        let two = Peppers::new((PepperId(2), &[2; 32]), Some((PepperId(1), &[1; 32])));
        assert_ne!(one.verifier(&secret).1, two.verifier(&secret).1);
        assert_eq!(two.previous_verifier(&secret), Some(one.verifier(&secret).1));
        let text = serde_json::to_string(&one.verifier(&secret).1).unwrap();
        assert_eq!(serde_json::from_str::<Verifier>(&text).unwrap(), one.verifier(&secret).1);
    }

    #[test]
    fn a_secret_that_spells_a_claim_is_not_taken_for_it() {
        let peppers = Peppers::new((PepperId(1), &[1; 32]), None);
        let claim = |issuer: &str, name: &str, value: &str| Claim {
            issuer: issuer.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let ci = ClaimDigest::of(&claim("login", "sub", "ci"), None);
        // Whoever knows how a claim's digest is made can send what it is made of.
        let spelled = b"claim 1\n\0\0\0\0\0\0\0\x05login\0\0\0\0\0\0\0\x03sub\0\0\0\0\0\0\0\x02ci";
        assert_eq!(SecretDigest::of(spelled).0, ci.0);
        assert_ne!(peppers.verifier(&SecretDigest::of(spelled)).1, peppers.verifier(KnownBy::Claim(ci)).1);
        // Nothing can be moved from one part to the next.
        for other in [claim("logins", "ub", "ci"), claim("login", "subc", "i"), claim("login", "azp", "ci")] {
            assert!(ClaimDigest::of(&other, None) != ci);
        }
        assert!(ClaimDigest::of(&claim("login", "sub", "ci"), Some(b"secret")) != ci);
        assert!(ClaimDigest::of(&claim("login", "sub", "ci"), Some(b"")) != ci);
    }
}
