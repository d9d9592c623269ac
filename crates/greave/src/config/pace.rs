//! Paces as people write them.

use std::{fmt, str::FromStr};

use law::Span;
use serde::Deserialize;

use super::Size;

/// The slowest that a body may come, written `1 KiB in 30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pace {
    size: Size,
    within: Span,
}

/// A pace that cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no pace; write a size and how long it may take, such as `1 KiB in 30s`")]
pub(crate) struct PaceError(String);

impl Pace {
    /// Whether less may come in the same time.
    pub(crate) fn is_slower_than(self, other: Self) -> bool {
        let product = |pace: Self, other: Self| u128::from(pace.size.0) * u128::from(other.within.as_secs());
        // At the same pace the longer count allows the longer pause.
        (product(self, other), other.within) < (product(other, self), self.within)
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self { size: Size(1 << 10), within: Span::seconds(30) }
    }
}

impl From<Pace> for gateway::Pace {
    fn from(Pace { size, within }: Pace) -> Self {
        Self { bytes: size.0, within: within.into() }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.size, self.within)
    }
}

impl FromStr for Pace {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, PaceError> {
        let error = || PaceError(text.to_owned());
        let (size, within) = text.split_once(" in ").ok_or_else(error)?;
        let size: Size = size.trim().parse().map_err(|_| error())?;
        let within: Span = within.trim().parse().map_err(|_| error())?;
        // Nothing, or no time, is no pace.
        if size.0 == 0 || within.as_secs() == 0 {
            return Err(error());
        }
        Ok(Self { size, within })
    }
}

impl TryFrom<String> for Pace {
    type Error = PaceError;

    fn try_from(text: String) -> Result<Self, PaceError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paces_are_read_as_written_and_ranked() {
        let pace = |text: &str| text.parse::<Pace>().unwrap();
        assert_eq!(pace("1 KiB in 30s"), Pace::default());
        assert_eq!(pace("64 KiB in 1m").to_string(), "64 KiB in 1m");
        for text in ["", "1 KiB", "1 KiB/30s", "0 KiB in 30s", "1 KiB in 0s", "30s in 1 KiB"] {
            assert!(text.parse::<Pace>().is_err(), "{text}");
        }
        for (slower, faster) in
            [("1 KiB in 31s", "1 KiB in 30s"), ("1 KiB in 30s", "2 KiB in 30s"), ("2 KiB in 1m", "1 KiB in 30s")]
        {
            assert!(pace(slower).is_slower_than(pace(faster)) && !pace(faster).is_slower_than(pace(slower)));
        }
        assert!(!Pace::default().is_slower_than(Pace::default()));
    }
}
