//! Recovery codes: what a person types when the authenticator is lost. Each serves once.

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::base32;

/// How many a person is given.
pub const COUNT: usize = 10;

/// One recovery code: 120 random bits, so that a plain SHA-256 of it may be kept (NIST SP
/// 800-63B-4 asks for a slow hash below 112).
pub struct Code(Zeroizing<String>);

impl Code {
    /// A code from 120 random bits.
    pub fn new(entropy: &[u8; 15]) -> Self {
        Self(Zeroizing::new(base32::encode(entropy)))
    }

    /// The code in four groups for the person to keep. Shown once.
    pub fn show(&self) -> Zeroizing<String> {
        let mut shown = String::new();
        for (place, letter) in self.0.chars().enumerate() {
            if place > 0 && place.is_multiple_of(6) {
                shown.push('-');
            }
            shown.push(letter);
        }
        Zeroizing::new(shown)
    }

    /// What is kept of it.
    pub fn verifier(&self) -> Verifier {
        Verifier::of(self.0.as_bytes())
    }
}

/// What is kept of a recovery code: it can recognise the code, never show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Verifier([u8; 32]);

impl Verifier {
    fn of(letters: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, letters).as_ref());
        Self(hash)
    }
}

/// The place of the code that was typed among those that are kept, or `None`. Letter case,
/// spaces and hyphens do not matter.
pub fn find(typed: &str, kept: &[Verifier]) -> Option<usize> {
    let letters: Zeroizing<String> = Zeroizing::new(
        typed.chars().filter(|letter| !matches!(letter, ' ' | '-')).map(|letter| letter.to_ascii_uppercase()).collect(),
    );
    let verifier = Verifier::of(letters.as_bytes());
    let mut found = None;
    for (place, kept) in kept.iter().enumerate() {
        if bool::from(kept.0.ct_eq(&verifier.0)) {
            found = Some(place);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_however_it_is_typed() {
        let codes: Vec<Code> = (0..3).map(|number| Code::new(&[number; 15])).collect();
        let kept: Vec<Verifier> = codes.iter().map(Code::verifier).collect();
        let shown = codes[1].show();
        assert_eq!(shown.as_str(), "AEAQCA-IBAEAQ-CAIBAE-AQCAIB");
        assert_eq!(find(&shown, &kept), Some(1));
        assert_eq!(find(&shown.to_lowercase().replace('-', " "), &kept), Some(1));
        assert_eq!(find("", &kept), None);
        assert_eq!(find("AEAQCA-IBAEAQ-CAIBAE-AQCAIC", &kept), None);
    }
}
