//! Sizes as people write them.

use std::{fmt, str::FromStr};

use serde::Deserialize;

/// A number of bytes, written `4 KiB`, `1 MiB`, `16 GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Size(pub(crate) u64);

/// A size that cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no size; write a whole number and KiB, MiB or GiB, such as `256 MiB`")]
pub(crate) struct SizeError(String);

impl Size {
    /// As many as memory can have.
    pub(crate) fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shift, unit) = [(30, "GiB"), (20, "MiB")]
            .into_iter()
            .find(|(shift, _)| self.0 != 0 && self.0.trailing_zeros() >= *shift)
            .unwrap_or((10, "KiB"));
        write!(f, "{} {unit}", self.0 >> shift)
    }
}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let error = || SizeError(text.to_owned());
        let digits = text.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(error)?;
        let (number, unit) = text.split_at(digits);
        let shift = match unit.trim() {
            "KiB" => 10,
            "MiB" => 20,
            "GiB" => 30,
            _ => return Err(error()),
        };
        let number: u64 = number.parse().map_err(|_| error())?;
        number.checked_mul(1 << shift).map(Self).ok_or_else(error)
    }
}

impl TryFrom<String> for Size {
    type Error = SizeError;

    fn try_from(text: String) -> Result<Self, SizeError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_written() {
        assert_eq!("256 MiB".parse(), Ok(Size(256 << 20)));
        assert_eq!("4KiB".parse(), Ok(Size(4096)));
        for text in ["", "5", "MiB", "5 MB", "-5 MiB", "99999999999999 GiB"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
        for text in ["256 MiB", "4 KiB", "1025 KiB", "16 GiB", "0 KiB"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
    }
}
