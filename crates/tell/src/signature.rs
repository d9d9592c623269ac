//! Signatures of the Standard Webhooks: `v1,` and the base64 of HMAC-SHA-256 over
//! `id.timestamp.body`. Pure.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

const SECRET_PREFIX: &str = "whsec_";
const VERSION_PREFIX: &str = "v1,";

/// What a webhook's sender and receiver share: 24 to 64 bytes, written `whsec_` and base64.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// A text that is no webhook secret. It does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a webhook secret is `whsec_` and the base64 of 24 to 64 random bytes; make one with `openssl rand -base64 32`"
)]
pub struct NotASecret;

/// Why a message is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbelievable {
    /// Its time-stamp is no whole number of seconds.
    #[error("the time-stamp is no number of seconds since 1970")]
    Timestamp,
    /// It is older, or further ahead, than the receiver tolerates.
    #[error("the time-stamp is too far from the receiver's clock")]
    Stale,
    /// No signature in the header is of any of the secrets.
    #[error("no signature matches")]
    Signature,
}

impl Secret {
    /// Reads a secret as it is configured.
    ///
    /// # Errors
    /// When the prefix is missing, the rest is no base64, or it is not 24 to 64 bytes long.
    pub fn parse(text: &str) -> Result<Self, NotASecret> {
        let encoded = text.trim().strip_prefix(SECRET_PREFIX).ok_or(NotASecret)?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| NotASecret)?);
        if !(24..=64).contains(&bytes.len()) {
            return Err(NotASecret);
        }
        Ok(Self(bytes))
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The signature of one message with one secret, such as `v1,K5oZ…`. `timestamp` is in seconds
/// since 1970.
pub fn sign(secret: &Secret, id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(&secret.key());
    for part in content(id, &timestamp.to_string(), body) {
        context.update(part);
    }
    format!("{VERSION_PREFIX}{}", STANDARD.encode(context.sign()))
}

/// The `webhook-signature` header: one signature for each secret, so that a receiver that knows
/// the old or the new one believes the message while a secret is rotated.
pub fn header<'a>(secrets: impl IntoIterator<Item = &'a Secret>, id: &str, timestamp: i64, body: &[u8]) -> String {
    let signatures: Vec<String> = secrets.into_iter().map(|secret| sign(secret, id, timestamp, body)).collect();
    signatures.join(" ")
}

/// Whether a message is one that a holder of one of the secrets sent, within `tolerance` of now.
/// `timestamp` and `header` are as they came; signatures of other versions are passed over.
///
/// # Errors
/// What the receiver should answer 401 for.
pub fn verify<'a>(
    secrets: impl IntoIterator<Item = &'a Secret>,
    id: &str,
    timestamp: &str,
    body: &[u8],
    header: &str,
    now: Timestamp,
    tolerance: SignedDuration,
) -> Result<(), Unbelievable> {
    let seconds: i64 = timestamp.parse().map_err(|_| Unbelievable::Timestamp)?;
    let sent = Timestamp::from_second(seconds).map_err(|_| Unbelievable::Timestamp)?;
    if now.duration_since(sent).abs() > tolerance {
        return Err(Unbelievable::Stale);
    }
    let signed = content(id, timestamp, body).concat();
    let keys: Vec<hmac::Key> = secrets.into_iter().map(Secret::key).collect();
    let mut tags =
        header.split(' ').filter_map(|signature| STANDARD.decode(signature.strip_prefix(VERSION_PREFIX)?).ok());
    let matches = tags.any(|tag| keys.iter().any(|key| hmac::verify(key, &signed, &tag).is_ok()));
    if matches { Ok(()) } else { Err(Unbelievable::Signature) }
}

/// What is signed: `id.timestamp.body`. A [`crate::NoticeId`] holds no full stop, so that no
/// two messages have the same content.
fn content<'a>(id: &'a str, timestamp: &'a str, body: &'a [u8]) -> [&'a [u8]; 5] {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body]
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by another hand:
    //   python3 -c 'import base64,hashlib,hmac; \
    //     key=bytes(range(1,33)); msg=b"c9_opened.1700000000."+"{\"what\":\"é\"}".encode(); \
    //     print("whsec_"+base64.b64encode(key).decode()); \
    //     print("v1,"+base64.b64encode(hmac.new(key,msg,hashlib.sha256).digest()).decode())'
    const SECRET: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
    const SIGNATURE: &str = "v1,waSx5zBarvHPlvaKtn6by67/HHPlHgJgwpmVJZqY7oo=";
    const ID: &str = "c9_opened";
    const AT: i64 = 1_700_000_000;
    const BODY: &[u8] = "{\"what\":\"é\"}".as_bytes();

    fn secret(byte: u8) -> Secret {
        Secret::parse(&format!("whsec_{}", STANDARD.encode([byte; 32]))).unwrap()
    }

    fn check(secrets: &[Secret], id: &str, timestamp: &str, body: &[u8], header: &str) -> Result<(), Unbelievable> {
        let now = Timestamp::from_second(AT + 60).unwrap();
        verify(secrets, id, timestamp, body, header, now, SignedDuration::from_mins(5))
    }

    #[test]
    fn the_signature_is_the_one_that_others_compute() {
        let secret = Secret::parse(SECRET).unwrap();
        assert_eq!(sign(&secret, ID, AT, BODY), SIGNATURE);
        assert_eq!(check(&[secret], ID, "1700000000", BODY, SIGNATURE), Ok(()));
    }

    #[test]
    fn while_a_secret_is_rotated_the_old_and_the_new_one_are_believed() {
        let (new, old) = (secret(1), secret(2));
        let header = header([&new, &old], ID, AT, BODY);
        for known in [new, old] {
            assert_eq!(check(&[known], ID, "1700000000", BODY, &header), Ok(()));
        }
        assert_eq!(check(&[secret(3)], ID, "1700000000", BODY, &header), Err(Unbelievable::Signature));
    }

    #[test]
    fn nothing_of_a_message_can_be_changed() {
        let key = [secret(1)];
        let header = header(&key, ID, AT, BODY);
        let wrong = Err(Unbelievable::Signature);
        assert_eq!(check(&key, "c8_opened", "1700000000", BODY, &header), wrong);
        assert_eq!(check(&key, ID, "1700000001", BODY, &header), wrong);
        assert_eq!(check(&key, ID, "+1700000000", BODY, &header), wrong);
        assert_eq!(check(&key, ID, "1700000000", b"{}", &header), wrong);
        assert_eq!(check(&key, ID, "1700000000", BODY, &header.replace("v1,", "v1a,")), wrong);
        for none in ["", "v1,", "v1", " ", "v1,====", "v1a,AAAA"] {
            assert_eq!(check(&key, ID, "1700000000", BODY, none), wrong, "{none}");
        }
        assert_eq!(check(&[], ID, "1700000000", BODY, &header), wrong);
    }

    #[test]
    fn an_old_message_and_one_from_the_future_are_not_believed() {
        let key = [secret(1)];
        for (at, expected) in
            [(AT + 60 - 300, Ok(())), (AT + 60 - 301, Err(Unbelievable::Stale)), (AT + 361, Err(Unbelievable::Stale))]
        {
            let header = header(&key, ID, at, BODY);
            assert_eq!(check(&key, ID, &at.to_string(), BODY, &header), expected);
        }
        for text in ["", "soon", "99999999999999999999", "9223372036854775807"] {
            assert_eq!(check(&key, ID, text, BODY, "v1,"), Err(Unbelievable::Timestamp), "{text}");
        }
    }

    #[test]
    fn a_secret_that_could_be_guessed_is_refused_and_none_is_shown() {
        let of = |length: usize| format!("whsec_{}", STANDARD.encode(vec![7; length]));
        for text in ["", "whsec_", "c2VjcmV0", &of(23), &of(65), "whsec_!!!!"] {
            assert!(Secret::parse(text).is_err(), "{text}");
        }
        assert_eq!(format!("{:?}", Secret::parse(&of(24)).unwrap()), "Secret");
    }
}
