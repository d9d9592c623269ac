//! Whether a report of leaked keys is from who says so: the signature of GitHub's secret scanning.
//!
//! A report is signed with ECDSA on P-256 over the body as it came, byte for byte.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// How a public key on P-256 begins in DER, before the point (RFC 5480).
const HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// How many bytes a point has, not compressed.
const POINT: usize = 65;

/// Who signs reports, by the key that they publish.
#[derive(Clone, PartialEq, Eq)]
pub struct Reporter {
    id: Box<str>,
    point: [u8; POINT],
}

/// A key that cannot sign reports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is no public key on P-256; copy it from the list that the reporter publishes, in PEM or in its base64 alone"
)]
pub struct NoReporter;

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reporter").field(&self.id).finish()
    }
}

impl Reporter {
    /// By the identifier that reports name, and the key in PEM or in its base64 alone.
    ///
    /// # Errors
    /// Where that is no public key on P-256.
    pub fn new(id: &str, key: &str) -> Result<Self, NoReporter> {
        let lines = key.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
        let der = STANDARD.decode(lines.collect::<String>()).map_err(|_| NoReporter)?;
        let point = der.strip_prefix(&HEAD).and_then(|point| point.try_into().ok()).ok_or(NoReporter)?;
        Ok(Self { id: id.into(), point })
    }

    /// The identifier that reports name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether this signature, in base64, is theirs over this body.
    pub fn signed(&self, body: &[u8], signature: &str) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.point.as_slice());
        STANDARD.decode(signature.trim()).is_ok_and(|signature| key.verify(body, &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of GitHub's documentation of the partner program.
    const BODY: &[u8] =
        br#"[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]"#;
    const ID: &str = "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c";
    const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYAGMWO8XgCamYKMJS6jc/qgvSlAdAjPuDPRcXU22YxgBrz+zoN19MzuRyW87qEt9/AmtoNP5GrobzUvQSyJFVw==";
    const SIGNATURE: &str =
        "MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg==";

    #[test]
    fn the_published_example_is_signed_and_nothing_else_is() {
        assert_eq!(BODY.len(), 104);
        let reporter = Reporter::new(ID, KEY).unwrap();
        assert!(reporter.signed(BODY, SIGNATURE));
        for place in 0..BODY.len() {
            let mut body = BODY.to_vec();
            body[place] ^= 1;
            assert!(!reporter.signed(&body, SIGNATURE), "{place}");
        }
        assert!(!reporter.signed(&[BODY, b"\n"].concat(), SIGNATURE));
        for signature in ["", "AAAA", "no base64", &SIGNATURE.replace('4', "5")] {
            assert!(!reporter.signed(BODY, signature), "{signature}");
        }
        let other = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==";
        assert!(!Reporter::new(ID, other).unwrap().signed(BODY, SIGNATURE));
    }

    #[test]
    fn a_key_is_read_as_it_is_published() {
        let (one, other) = KEY.split_at(64);
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{one}\n{other}\n-----END PUBLIC KEY-----\n");
        assert!(Reporter::new(ID, &pem).unwrap().signed(BODY, SIGNATURE));
        for key in ["", "MFkw", &KEY[..80], &format!("{KEY}AAAA")] {
            assert_eq!(Reporter::new(ID, key), Err(NoReporter));
        }
    }
}
