//! How much an issued key may be used.

use std::{fmt, str::FromStr};

use law::{Power, Powers, Span};
use serde::{Deserialize, Serialize};

/// What is counted, and over what time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Calls in a minute.
    CallsAMinute,
    /// Calls in a day.
    CallsADay,
    /// Items of lists in the answers of a day.
    RowsADay,
    /// Bytes of the answers of a day.
    BytesADay,
}

/// One limit of an issued key, written `calls 60/m`, `spend calls 20/d`, `rows 10000/d` or
/// `export bytes 50000000/d`: of all calls, or of those with one power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Limit {
    /// Only calls with this power count.
    pub power: Option<Power>,
    /// What is counted.
    pub measure: Measure,
    /// How much there may be.
    pub most: u64,
}

/// A limit that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no limit; write `calls 60/m`, `calls 1000/d`, `rows 10000/d` or `bytes 50000000/d`, with a power before it where only that counts, such as `spend calls 20/d`"
)]
pub struct LimitError(String);

impl Measure {
    const ALL: [Self; 4] = [Self::CallsAMinute, Self::CallsADay, Self::RowsADay, Self::BytesADay];

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::CallsAMinute => ("calls", "m"),
            Self::CallsADay => ("calls", "d"),
            Self::RowsADay => ("rows", "d"),
            Self::BytesADay => ("bytes", "d"),
        }
    }

    /// How long the time is over which it is counted.
    pub const fn window(self) -> Span {
        match self {
            Self::CallsAMinute => Span::minutes(1),
            Self::CallsADay | Self::RowsADay | Self::BytesADay => Span::days(1),
        }
    }

    /// How much answers to what has happened at the API by the time they come may go over a
    /// limit, all of them together: a client that is not told does it again.
    pub const fn credit(self) -> u64 {
        match self {
            Self::CallsAMinute | Self::CallsADay => 0,
            Self::RowsADay => 100,
            Self::BytesADay => 64 * 1024,
        }
    }

    /// Whether it counts what answers take.
    pub const fn is_of_volume(self) -> bool {
        !self.is_of_calls()
    }

    pub(crate) const fn is_of_calls(self) -> bool {
        matches!(self, Self::CallsAMinute | Self::CallsADay)
    }
}

impl Limit {
    /// A word for headers, such as `spend-calls-d`.
    pub fn name(&self) -> String {
        let (what, unit) = self.measure.words();
        let power = self.power.map_or_else(String::new, |power| format!("{power}-"));
        format!("{power}{what}-{unit}")
    }

    /// Whether calls with these powers count.
    pub fn counts(&self, powers: Powers) -> bool {
        self.power.is_none_or(|power| powers.contains(power))
    }
}

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let error = || LimitError(text.to_owned());
        let words: Vec<&str> = text.split_whitespace().collect();
        let (power, what, amount) = match words.as_slice() {
            [what, amount] => (None, *what, *amount),
            [power, what, amount] => (Some(power.parse().map_err(|_| error())?), *what, *amount),
            _ => return Err(error()),
        };
        let (most, unit) = amount.split_once('/').ok_or_else(error)?;
        let measure = Measure::ALL.into_iter().find(|measure| measure.words() == (what, unit)).ok_or_else(error)?;
        if most.is_empty() || !most.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error());
        }
        Ok(Self { power, measure, most: most.parse().map_err(|_| error())? })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, unit) = self.measure.words();
        if let Some(power) = self.power {
            write!(f, "{power} ")?;
        }
        write!(f, "{what} {}/{unit}", self.most)
    }
}

impl TryFrom<String> for Limit {
    type Error = LimitError;

    fn try_from(text: String) -> Result<Self, LimitError> {
        text.parse()
    }
}

impl From<Limit> for String {
    fn from(limit: Limit) -> Self {
        limit.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_read_back_as_written() {
        for text in ["calls 60/m", "calls 1000/d", "spend calls 20/d", "rows 10000/d", "export bytes 50000000/d"] {
            assert_eq!(text.parse::<Limit>().unwrap().to_string(), text);
        }
        assert_eq!("spend calls 20/d".parse::<Limit>().unwrap().name(), "spend-calls-d");
        for text in
            ["", "calls", "calls 60", "calls 60/h", "rows 60/m", "calls -1/d", "calls /d", "fly calls 1/d", "a b c d"]
        {
            assert_eq!(text.parse::<Limit>(), Err(LimitError(text.to_owned())), "{text}");
        }
    }
}
