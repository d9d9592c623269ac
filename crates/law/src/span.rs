//! Lengths of time as people write them.

use std::{fmt, str::FromStr, time::Duration};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Visitor},
};

/// A length of time in whole seconds, written `50s`, `15m`, `8h`, `90d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub struct Span(u32);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(InQuotes)
    }
}

/// What is written without quotes and a unit is told how it is written.
struct InQuotes;

impl Visitor<'_> for InQuotes {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a length of time in quotes, with its unit, such as `\"50s\"`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
        text.parse().map_err(E::custom)
    }
}

impl Span {
    /// So many seconds.
    pub const fn seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// So many minutes.
    pub const fn minutes(minutes: u32) -> Self {
        Self(minutes * 60)
    }

    /// So many hours.
    pub const fn hours(hours: u32) -> Self {
        Self(hours * 3600)
    }

    /// So many days.
    pub const fn days(days: u32) -> Self {
        Self(days * 86_400)
    }

    /// The length in seconds.
    pub const fn as_secs(self) -> u32 {
        self.0
    }

    /// The moment that is so much later, or the last that there is.
    pub fn after(self, moment: jiff::Timestamp) -> jiff::Timestamp {
        moment.saturating_add(jiff::SignedDuration::from(self)).unwrap_or(jiff::Timestamp::MAX)
    }

    /// From one moment to a later one, rounded up: an age never looks younger than it is.
    /// A moment in the future (a clock that was set back) has the greatest age there is.
    pub fn between(from: jiff::Timestamp, to: jiff::Timestamp) -> Self {
        let millis = to.as_millisecond().saturating_sub(from.as_millisecond());
        if millis < 0 {
            return Self(u32::MAX);
        }
        Self(u32::try_from(millis.saturating_add(999) / 1000).unwrap_or(u32::MAX))
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self::from_secs(u64::from(span.0))
    }
}

impl From<Span> for jiff::SignedDuration {
    fn from(span: Span) -> Self {
        Self::from_secs(i64::from(span.0))
    }
}

/// A length of time that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no length of time; write a whole number and its unit (s, m, h, d, or w for weeks), such as `15m` or `2w`"
)]
pub struct SpanError(String);

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let error = || SpanError(text.to_owned());
        let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(error)?;
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return Err(error()),
        };
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error());
        }
        let number: u32 = number.parse().map_err(|_| error())?;
        number.checked_mul(unit).map(Self).ok_or_else(error)
    }
}

impl TryFrom<String> for Span {
    type Error = SpanError;

    fn try_from(text: String) -> Result<Self, SpanError> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (size, unit) in [(86_400, 'd'), (3600, 'h'), (60, 'm')] {
            if self.0 > 0 && self.0.is_multiple_of(size) {
                return write!(f, "{}{unit}", self.0 / size);
            }
        }
        write!(f, "{}s", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_a_unit_is_told_how_it_is_written() {
        let told = serde_json::from_str::<Span>("50").unwrap_err().to_string();
        assert!(told.contains("expected a length of time in quotes, with its unit, such as `\"50s\"`"), "{told}");
        assert_eq!(serde_json::from_str::<Span>("\"50s\"").unwrap(), Span::seconds(50));
    }

    #[test]
    fn spans_read_back_as_written() {
        for text in ["50s", "15m", "8h", "90d", "0s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("2w".parse(), Ok(Span::days(14)), "weeks are told in days");
        let told = "2y".parse::<Span>().unwrap_err().to_string();
        assert!(told.contains("s, m, h, d, or w for weeks"), "{told}");
        for text in ["", "5", "m", "w", "1e3w", "7102w", "-5m", "+5m", "1.5h", "5 m", "99999999d", "5é"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_age_never_looks_younger_than_it_is() {
        let at = |millis| jiff::Timestamp::from_millisecond(millis).unwrap();
        assert_eq!(Span::between(at(0), at(1)), Span::seconds(1));
        assert_eq!(Span::between(at(0), at(2000)), Span::seconds(2));
        assert_eq!(Span::between(at(5), at(0)), Span::seconds(u32::MAX));
    }
}
