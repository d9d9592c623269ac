//! The keys that an issuer publishes (RFC 7517), made ready to verify with.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, EcdsaVerificationAlgorithm,
    ParsedPublicKey, RsaPublicKeyComponents,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use serde_json::{Map, Value};

use super::{
    Refused,
    algorithm::{Algorithm, Family},
    json,
};

/// The longest text of a set, in bytes, and the most keys that are looked at.
const LONGEST: usize = 512 * 1024;
const MOST: usize = 256;

/// The public keys of one issuer.
pub struct KeySet {
    keys: Vec<Key>,
    left_out: Vec<LeftOut>,
}

struct Key {
    id: Option<Box<str>>,
    /// The only algorithm that the issuer uses it with, where the set says so.
    algorithm: Option<Algorithm>,
    material: Material,
}

enum Material {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    Ec(&'static EcdsaVerificationAlgorithm, ParsedPublicKey),
    Ed25519(ParsedPublicKey),
}

/// A key of a set that nothing is verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// What the set calls it, or its place in the set from 1.
    pub name: String,
    /// Why.
    pub why: &'static str,
}

/// A text that is no key set, or one that nothing can be verified with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKeySet {
    /// Too much.
    #[error("it is longer than 512 KiB or has more than 256 keys; let the issuer publish only the keys it uses")]
    TooLarge,
    /// Something else.
    #[error(
        "it is no key set: JSON with a list `keys` is needed (RFC 7517), as issuers publish it at their `jwks_uri`"
    )]
    Unreadable,
    /// Nothing in it can be used.
    #[error("no key in it can be used{}; it must have a public RSA key of 2048 bits or more, or one on P-256, P-384, P-521 or Ed25519", reasons(.0))]
    Empty(Vec<LeftOut>),
}

fn reasons(left_out: &[LeftOut]) -> String {
    let reasons: Vec<String> = left_out.iter().take(8).map(|key| format!("`{}` {}", key.name, key.why)).collect();
    if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) }
}

impl KeySet {
    /// Reads a set. Keys that cannot be used are left out: issuers publish keys for encryption
    /// and of new kinds beside those that sign.
    ///
    /// # Errors
    /// When nothing is left, or it is no set.
    pub fn read(text: &[u8]) -> Result<Self, NoKeySet> {
        if text.len() > LONGEST {
            return Err(NoKeySet::TooLarge);
        }
        let set = json::object(text).ok_or(NoKeySet::Unreadable)?;
        let Some(Value::Array(listed)) = set.get("keys") else { return Err(NoKeySet::Unreadable) };
        if listed.len() > MOST {
            return Err(NoKeySet::TooLarge);
        }
        let mut set = Self { keys: Vec::new(), left_out: Vec::new() };
        for (place, key) in listed.iter().enumerate() {
            match read_key(key) {
                Ok(key) => set.keys.push(key),
                Err(why) => {
                    let name = key.get("kid").and_then(Value::as_str).map(shown);
                    set.left_out.push(LeftOut { name: name.unwrap_or_else(|| (place + 1).to_string()), why });
                }
            }
        }
        set.leave_out_twins();
        if set.keys.is_empty() { Err(NoKeySet::Empty(set.left_out)) } else { Ok(set) }
    }

    /// How many keys verify.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Never: a set without keys is not made.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// What nothing is verified with.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Of two keys with one name nobody could say which one a token means.
    fn leave_out_twins(&mut self) {
        let ids: Vec<Box<str>> = self.keys.iter().filter_map(|key| key.id.clone()).collect();
        let is_twin = |id: &str| ids.iter().filter(|known| ***known == *id).count() > 1;
        for id in ids.iter().filter(|id| is_twin(id)) {
            self.left_out.push(LeftOut { name: shown(id), why: "is the name of several keys" });
        }
        self.keys.retain(|key| !key.id.as_deref().is_some_and(is_twin));
    }

    /// The key is the one with this id, or the only one where a token names none.
    fn key(&self, id: Option<&str>) -> Option<&Key> {
        match (id, self.keys.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }

    pub(super) fn verify(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Refused> {
        let key = self.key(id).ok_or(Refused::UnknownKey)?;
        if key.algorithm.is_some_and(|only| only != algorithm) {
            return Err(Refused::OtherKey);
        }
        let verified = match (&key.material, algorithm.family()) {
            (Material::Rsa(key), Family::Rsa(parameters)) => key.verify(parameters, message, signature),
            (Material::Ec(curve, key), Family::Ec(wanted)) if *curve == wanted => key.verify_sig(message, signature),
            (Material::Ed25519(key), Family::Ed25519) => key.verify_sig(message, signature),
            _ => return Err(Refused::OtherKey),
        };
        verified.map_err(|_| Refused::Signature)
    }
}

fn read_key(key: &Value) -> Result<Key, &'static str> {
    let key = key.as_object().ok_or("is no object")?;
    let word = |name: &str| key.get(name).and_then(Value::as_str);
    // Whoever publishes a private key has lost it.
    if ["d", "p", "q", "k"].iter().any(|part| key.contains_key(*part)) {
        return Err("has its secret part published, or is a shared secret");
    }
    if word("use").is_some_and(|purpose| purpose != "sig") {
        return Err("is not for signatures");
    }
    if let Some(operations) = key.get("key_ops") {
        let verifies = operations.as_array().is_some_and(|operations| operations.iter().any(|it| it == "verify"));
        if !verifies {
            return Err("is not for verifying");
        }
    }
    let algorithm = match word("alg") {
        None => None,
        Some(algorithm) => Some(algorithm.parse().map_err(|_| "is for an algorithm that is not known here")?),
    };
    let material = match word("kty") {
        Some("RSA") => rsa(key)?,
        Some("EC") => elliptic(key)?,
        Some("OKP") => edwards(key)?,
        _ => return Err("is of a kind that is not known here"),
    };
    let id = match key.get("kid") {
        None => None,
        Some(Value::String(id)) if id.len() <= 512 => Some(id.as_str().into()),
        Some(_) => return Err("has a name that is no text of at most 512 bytes"),
    };
    Ok(Key { id, algorithm, material })
}

fn rsa(key: &Map<String, Value>) -> Result<Material, &'static str> {
    let number = |name| {
        let bytes = bytes(key, name)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..).map(<[u8]>::to_vec)
    };
    let (n, e) = number("n").zip(number("e")).ok_or("is incomplete")?;
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    if bits < 2048 {
        return Err("is shorter than 2048 bits");
    }
    // An even exponent is none, and 1 signs nothing.
    let is_sound = bits <= 8192 && e.len() <= 4 && e.last().is_some_and(|last| last % 2 == 1) && e != [1];
    if is_sound { Ok(Material::Rsa(RsaPublicKeyComponents { n, e })) } else { Err("is no usable RSA key") }
}

fn elliptic(key: &Map<String, Value>) -> Result<Material, &'static str> {
    let (curve, length) = match key.get("crv").and_then(Value::as_str) {
        Some("P-256") => (&ECDSA_P256_SHA256_FIXED, 32),
        Some("P-384") => (&ECDSA_P384_SHA384_FIXED, 48),
        Some("P-521") => (&ECDSA_P521_SHA512_FIXED, 66),
        _ => return Err("is on a curve that is not known here"),
    };
    let (x, y) = bytes(key, "x").zip(bytes(key, "y")).ok_or("is incomplete")?;
    if x.len() != length || y.len() != length {
        return Err("has coordinates of another length than its curve's");
    }
    let mut point = vec![4];
    point.extend(x);
    point.extend(y);
    // This finds points that are not on the curve (RFC 8725, 3.4).
    let parsed = ParsedPublicKey::new(curve, point).map_err(|_| "is no point of its curve")?;
    Ok(Material::Ec(curve, parsed))
}

fn edwards(key: &Map<String, Value>) -> Result<Material, &'static str> {
    if key.get("crv").and_then(Value::as_str) != Some("Ed25519") {
        return Err("is on a curve that is not known here");
    }
    let x = bytes(key, "x").ok_or("is incomplete")?;
    ParsedPublicKey::new(&ED25519, x).map(Material::Ed25519).map_err(|_| "is no Ed25519 key")
}

fn bytes(key: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    BASE64.decode(key.get(name)?.as_str()?).ok()
}

/// A name from a foreign text, fit to be shown.
fn shown(id: &str) -> String {
    id.chars().filter(|letter| !letter.is_control()).take(64).collect()
}
