//! Time-based one-time codes (RFC 6238): six digits, SHA-1, steps of 30 seconds, as every
//! authenticator reads them.

use aws_lc_rs::hmac;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use crate::base32;

/// Seconds in a step.
pub const STEP_SECONDS: i64 = 30;
const DIGITS: u32 = 6;

/// A number of steps since 1970; the code that belongs to it is accepted once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Step(pub u64);

impl Step {
    /// The step that this moment lies in. Before 1970 it is the first.
    pub fn at(now: Timestamp) -> Self {
        Self(u64::try_from(now.as_second().div_euclid(STEP_SECONDS)).unwrap_or(0))
    }
}

/// What an authenticator and the gate share: 160 random bits.
#[derive(ZeroizeOnDrop)]
pub struct Seed([u8; 20]);

/// A text that is no seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a seed is 32 letters A to Z and digits 2 to 7")]
pub struct NotASeed;

/// The code is wrong, too old, too new, or was accepted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code is wrong or was used before; wait for the next one")]
pub struct WrongCode;

impl Seed {
    /// A seed from 160 random bits.
    pub const fn new(entropy: [u8; 20]) -> Self {
        Self(entropy)
    }

    /// Reads a seed as people copy it: letter case, spaces and hyphens do not matter.
    ///
    /// # Errors
    /// When the text is no base32 or not of 160 bits.
    pub fn from_base32(text: &str) -> Result<Self, NotASeed> {
        let mut bytes = base32::decode(text).ok_or(NotASeed)?;
        let seed = <[u8; 20]>::try_from(bytes.as_slice()).map(Self).map_err(|_| NotASeed);
        bytes.zeroize();
        seed
    }

    /// The bytes, to be sealed. Whoever calls this keeps a secret in hand.
    pub const fn expose(&self) -> &[u8; 20] {
        &self.0
    }

    /// The seed for somebody who types it into an authenticator. Shown once.
    pub fn base32(&self) -> String {
        base32::encode(&self.0)
    }

    /// The `otpauth:` address that a QR code shows to an authenticator. Shown once.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let (issuer, account) = (label(issuer), label(account));
        format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}",
            self.base32(),
        )
    }

    /// The code of a step, six digits.
    pub fn code(&self, step: Step) -> String {
        code(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0, step, DIGITS)
    }

    /// Holds a code against the present step and its two neighbours. `last` is the newest
    /// step that was accepted before: nothing up to it is accepted again. The caller must
    /// make the returned step durable before it acts on the yes.
    ///
    /// # Errors
    /// When no step fits.
    pub fn accept(&self, typed: &str, now: Timestamp, last: Option<Step>) -> Result<Step, WrongCode> {
        let typed: String = typed.chars().filter(|letter| !letter.is_whitespace()).collect();
        let present = Step::at(now).0;
        let mut accepted = None;
        // All three are tried whatever fits, so that the time taken tells nothing.
        for step in [present.saturating_sub(1), present, present.saturating_add(1)].map(Step) {
            let fits = bool::from(self.code(step).as_bytes().ct_eq(typed.as_bytes()));
            if fits && last.is_none_or(|last| step > last) {
                accepted = Some(step);
            }
        }
        accepted.ok_or(WrongCode)
    }
}

/// RFC 4226 section 5.3 over the step as a counter.
fn code(algorithm: hmac::Algorithm, seed: &[u8], step: Step, digits: u32) -> String {
    let tag = hmac::sign(&hmac::Key::new(algorithm, seed), &step.0.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 0xf);
    let truncated =
        tag.iter().skip(offset).take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte)) & 0x7fff_ffff;
    format!("{:0width$}", truncated % 10_u32.pow(digits), width = digits as usize)
}

/// Percent-encodes all but RFC 3986's unreserved letters.
fn label(text: &str) -> String {
    let mut label = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            label.push(char::from(byte));
        } else {
            label.push_str(&format!("%{byte:02X}"));
        }
    }
    label
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_table_of_rfc_6238_appendix_b() {
        let digits = b"1234567890".repeat(7);
        let table = [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ];
        for (second, sha1, sha256, sha512) in table {
            let step = Step::at(at(second));
            assert_eq!(code(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &digits[..20], step, 8), sha1);
            assert_eq!(code(hmac::HMAC_SHA256, &digits[..32], step, 8), sha256);
            assert_eq!(code(hmac::HMAC_SHA512, &digits[..64], step, 8), sha512);
        }
    }

    #[test]
    fn a_seed_reads_back_as_shown() {
        let seed = Seed::new(*b"12345678901234567890");
        assert_eq!(seed.base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let again = Seed::from_base32("gezd gnbv gy3t qojq gezd gnbv gy3t qojq").unwrap();
        assert_eq!(again.expose(), seed.expose());
        assert!(Seed::from_base32("GEZDGNBV").is_err());
        assert_eq!(
            seed.uri("Greave & Co", "ann@example.org"),
            "otpauth://totp/Greave%20%26%20Co:ann%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Greave%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn a_code_is_accepted_once_and_only_near_its_step() {
        let seed = Seed::new(*b"12345678901234567890");
        let now = at(1_234_567_890);
        let step = Step::at(now);
        let typed = seed.code(step);
        assert_eq!(seed.accept(&typed, now, None), Ok(step));
        assert_eq!(seed.accept(&format!(" {} {}", &typed[..3], &typed[3..]), now, None), Ok(step));
        assert_eq!(seed.accept(&typed, now, Some(step)), Err(WrongCode));
        assert_eq!(seed.accept(&typed, at(1_234_567_890 + 30), None), Ok(step));
        assert_eq!(seed.accept(&typed, at(1_234_567_890 - 30), None), Ok(step));
        assert_eq!(seed.accept(&typed, at(1_234_567_890 + 60), None), Err(WrongCode));
        // An older code does not serve after a newer one.
        let before = seed.code(Step(step.0 - 1));
        assert_eq!(seed.accept(&before, now, Some(step)), Err(WrongCode));
        for wrong in ["", "000000", "12345", "1234567", "abcdef", "٠٠٥٩٢٤"] {
            assert_eq!(seed.accept(wrong, now, None), Err(WrongCode), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_step_is_accepted_twice(seed in any::<[u8; 20]>(), start in 0..4_000_000_000_i64, later in 0..120_i64) {
            let seed = Seed::new(seed);
            let typed = seed.code(Step::at(at(start)));
            let first = seed.accept(&typed, at(start), None).unwrap();
            if let Ok(second) = seed.accept(&typed, at(start + later), Some(first)) {
                prop_assert!(second > first);
            }
        }
    }
}
