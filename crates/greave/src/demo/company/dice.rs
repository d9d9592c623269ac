//! Chance: dice that fall the same way for the same seed, and secrets that nobody can guess.

use aws_lc_rs::rand;

use super::errors::Error;

/// Crockford's letters: none of them is mistaken for another.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// SplitMix64. Good enough for made-up invoices, and for nothing else.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, `end`; 0 when `end` is.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.roll().checked_rem(end).unwrap_or(0)
    }

    /// One of these; the empty word when there are none.
    pub(super) fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let place = self.below(from.len() as u64);
        usize::try_from(place).ok().and_then(|place| from.get(place)).copied().unwrap_or_default()
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.roll().to_be_bytes()[0])
    }

    /// `length` letters and digits.
    pub(super) fn word(&mut self, length: usize) -> String {
        std::iter::repeat_with(|| letter(self.bytes::<1>()[0])).take(length).collect()
    }
}

/// 160 random bits as letters and digits after a prefix that says what they are.
pub(super) fn secret(prefix: &str) -> Result<String, Error> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).map_err(|_| Error::NoChance)?;
    Ok(prefix.chars().chain(bytes.map(letter)).collect())
}

#[expect(clippy::indexing_slicing, reason = "five bits index an alphabet of 32")]
fn letter(byte: u8) -> char {
    char::from(LETTERS[usize::from(byte & 31)])
}
