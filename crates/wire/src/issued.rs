//! The form of keys that Greave issues: `PREFIX_`, 30 random letters and digits, and six that
//! check them.
//!
//! All of it is token68, so that it stands in `Authorization` under any scheme, as a user of
//! `Basic`, and in a header of its own. The prefix says to people and scanners of repositories
//! whose key it is; the checksum tells a typo, or a text that merely looks so, without asking
//! anybody. It is no secret and proves nothing.

use std::{fmt, str::FromStr};

use crate::Secret;

/// Letters and digits in the order of their values.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Random letters and digits of a key: 178 bits.
const RANDOM: usize = 30;

/// Letters and digits that hold the CRC-32 of the random ones.
const CHECK: usize = 6;

/// How long a prefix may be.
const PREFIX: std::ops::RangeInclusive<usize> = 2..=24;

/// The form of the keys that one gate issues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedForm {
    prefix: Box<str>,
}

/// A prefix that cannot begin a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot begin keys; write 2 to 24 lower-case letters, digits and `_`, such as `gk_billing`")]
pub struct PrefixError(String);

/// What a text is that somebody sent as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// It does not begin as issued keys do.
    Foreign,
    /// It begins so, but is none: mistyped, cut, or made up.
    Damaged,
    /// It has the whole form. Whether it was issued, only its verifier tells.
    Whole,
}

impl FromStr for IssuedForm {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        if !PREFIX.contains(&text.len()) || !begins || text.ends_with('_') || !text.bytes().all(fits) {
            return Err(PrefixError(text.to_owned()));
        }
        Ok(Self { prefix: text.into() })
    }
}

impl fmt::Display for IssuedForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.prefix)
    }
}

impl IssuedForm {
    /// How many letters and digits stand behind the beginning of every key.
    pub(crate) const BEHIND: usize = RANDOM + CHECK;

    /// With what every key begins.
    pub(crate) fn beginning(&self) -> String {
        format!("{}_", self.prefix)
    }

    /// A prefix for the keys before an API with this name: `gk_` and its first words.
    pub fn proposed(api: &str) -> Self {
        let mut prefix = String::from("gk");
        for word in api.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
            let is_noise = ["api", "rest", "openapi", "the"].iter().any(|noise| word.eq_ignore_ascii_case(noise));
            if !is_noise && prefix.len() + 1 + word.len() <= *PREFIX.end() {
                prefix.push('_');
                prefix.extend(word.chars().map(|letter| letter.to_ascii_lowercase()));
            }
        }
        Self { prefix: prefix.into() }
    }

    /// The key that these random bytes make. To be shown once.
    pub fn key(&self, entropy: &[u8; 32]) -> Secret {
        let mut text = zeroize::Zeroizing::new(Vec::with_capacity(self.prefix.len() + 1 + RANDOM + CHECK));
        text.extend_from_slice(self.prefix.as_bytes());
        text.push(b'_');
        let random = zeroize::Zeroizing::new(letters(entropy));
        text.extend_from_slice(random.as_slice());
        text.extend_from_slice(&checksum(random.as_slice()));
        Secret::new(&text)
    }

    /// What this text is. It is read strictly: nothing before, between or behind.
    pub fn likeness(&self, text: &[u8]) -> Likeness {
        let rest = text.strip_prefix(self.prefix.as_bytes()).and_then(|rest| rest.strip_prefix(b"_"));
        let Some(rest) = rest else { return Likeness::Foreign };
        let whole = rest.len() == RANDOM + CHECK
            && rest.iter().all(u8::is_ascii_alphanumeric)
            && rest.split_at_checked(RANDOM).is_some_and(|(random, check)| checksum(random) == *check);
        if whole { Likeness::Whole } else { Likeness::Damaged }
    }
}

/// The lowest 30 digits to the base of 62 of a number of 256 bits: the rest of the number
/// makes them even to one part in 2^77.
fn letters(entropy: &[u8; 32]) -> [u8; RANDOM] {
    let mut number = zeroize::Zeroizing::new(*entropy);
    let mut letters = [0; RANDOM];
    for letter in letters.iter_mut().rev() {
        let mut rest: u16 = 0;
        for byte in number.iter_mut() {
            let part = rest << 8 | u16::from(*byte);
            // A part is less than 62 times 256: a quotient is a byte.
            *byte = u8::try_from(part / 62).unwrap_or(u8::MAX);
            rest = part % 62;
        }
        *letter = digit(u32::from(rest));
    }
    letters
}

/// CRC-32 as base62, the highest digit first.
fn checksum(random: &[u8]) -> [u8; CHECK] {
    let mut left = crc32(random);
    let mut check = [0; CHECK];
    for place in check.iter_mut().rev() {
        *place = digit(left % 62);
        left /= 62;
    }
    check
}

fn digit(value: u32) -> u8 {
    usize::try_from(value).ok().and_then(|place| BASE62.get(place)).copied().unwrap_or(b'0')
}

/// As Ethernet and zip have it, bit by bit: 30 bytes need no table.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = sum >> 1 ^ if sum & 1 == 1 { 0xEDB8_8320 } else { 0 };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form() -> IssuedForm {
        "gk_billing".parse().unwrap()
    }

    #[test]
    fn the_checksum_is_the_published_one() {
        assert_eq!(&checksum(b"zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"), b"0mLq17");
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        let text = b"gk_billing_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17";
        assert_eq!(form().likeness(text), Likeness::Whole);
    }

    #[test]
    fn digits_are_those_of_the_number() {
        let mut entropy = [0; 32];
        entropy[31] = 63;
        assert_eq!(&letters(&entropy), b"000000000000000000000000000011");
        // 2^256 - 1 modulo 62^2, worked out in another way.
        let rest = ((0..256).fold(1_u32, |rest, _| rest * 2 % 3844) + 3843) % 3844;
        assert_eq!(letters(&[0xFF; 32])[28..], [digit(rest / 62), digit(rest % 62)]);
    }

    #[test]
    fn what_only_resembles_a_key_is_told_apart() {
        let rows: [(&[u8], Likeness); 9] = [
            (b"", Likeness::Foreign),
            (b"sk_live_0123456789", Likeness::Foreign),
            (b"gk_billing", Likeness::Foreign),
            (b"GK_BILLING_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17", Likeness::Foreign),
            (b"gk_billing_", Likeness::Damaged),
            (b"gk_billing_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq1", Likeness::Damaged),
            (b"gk_billing_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17 ", Likeness::Damaged),
            (b"gk_billing_zQWBuTSOoRi4A9spHcVY5ncnsDkxkj0mLq17", Likeness::Damaged),
            (b"gk_billing_zQWBuTSOoRi4A9spHcVY5ncnsDkxk-0mLq17", Likeness::Damaged),
        ];
        for (text, likeness) in rows {
            assert_eq!(form().likeness(text), likeness, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn prefixes_are_proposed_from_the_apis_name() {
        for (name, prefix) in [
            ("Stripe API", "gk_stripe"),
            ("GitHub v3 REST API", "gk_github_v3"),
            ("", "gk"),
            ("日本", "gk"),
            ("a-very-long-name-of-an-api-that-goes-on", "gk_a_very_long_name_of"),
        ] {
            let proposed = IssuedForm::proposed(name);
            assert_eq!(proposed.to_string(), prefix);
            assert_eq!(prefix.parse(), Ok(proposed));
        }
        for text in ["", "g", "Gk", "1k", "gk_", "gk-a", "gk a", "gé", "gk_abcdefghijklmnopqrstuv"] {
            assert_eq!(text.parse::<IssuedForm>(), Err(PrefixError(text.to_owned())), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_key_is_whole_and_no_slip_of_one_letter_is(
            entropy in any::<[u8; 32]>(), place in 0_usize..36, letter in any::<u8>(),
        ) {
            let key = form().key(&entropy);
            let text = key.expose();
            prop_assert_eq!(text.len(), "gk_billing_".len() + 36);
            prop_assert_eq!(form().likeness(text), Likeness::Whole);
            let mut slipped = text.to_vec();
            slipped["gk_billing_".len() + place] = letter;
            let expected = if slipped == text { Likeness::Whole } else { Likeness::Damaged };
            prop_assert_eq!(form().likeness(&slipped), expected);
        }

        #[test]
        fn other_entropy_makes_another_key(one in any::<[u8; 32]>(), other in any::<[u8; 32]>()) {
            prop_assume!(one != other);
            let (one, other) = (form().key(&one), form().key(&other));
            prop_assert_ne!(one.expose(), other.expose());
        }
    }
}
