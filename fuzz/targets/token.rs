//! Signed tokens and key sets, as bytes and put together from their parts: nothing that was
//! not signed verifies, and nothing stops the reader.
#![no_main]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use factor::jwt::{self, Algorithm, KeySet, Rules, SecondFactor};
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;

/// The public key of RFC 7515, A.3.
const KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

fuzz_target!(|data: (&[u8], &str, &str, &[u8])| {
    let (raw, header, claims, signature) = data;
    token(raw);
    token(&[header.as_bytes(), b".", claims.as_bytes(), b".", signature].concat());
    let parts = [BASE64.encode(header), BASE64.encode(claims), BASE64.encode(signature)];
    token(parts.join(".").as_bytes());
    keys(raw);
    keys(claims.as_bytes());
    let _ = claims.parse::<jwt::ClaimName>();
});

fn token(bytes: &[u8]) {
    let Some(Ok(token)) = jwt::read(bytes) else { return };
    let keys = KeySet::read(KEYS.as_bytes()).expect("the set of the standard");
    let rules = Rules {
        issuer: token.issuer().unwrap_or("i").to_owned(),
        audience: "a".to_owned(),
        algorithms: vec![Algorithm::Es256, Algorithm::Rs256, Algorithm::Ed25519],
        kind: None,
        identity: "/act/sub".parse().expect("a pointer"),
        holder: None,
        second_factor: Some(SecondFactor {
            claim: "amr".parse().expect("a pointer"),
            any: vec!["mfa".to_owned()],
        }),
        leeway: SignedDuration::from_secs(30),
    };
    assert!(token.verify(&rules, &keys, Timestamp::UNIX_EPOCH).is_err());
}

fn keys(bytes: &[u8]) {
    if let Ok(set) = KeySet::read(bytes) {
        assert!(!set.is_empty());
        assert!(set.left_out().iter().all(|key| !key.name.chars().any(char::is_control)));
    }
}
