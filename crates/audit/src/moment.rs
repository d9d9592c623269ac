//! Moments as exports write them.

use jiff::{Timestamp, civil, tz::TimeZone};

/// Reads a moment: RFC 3339, a day, a day with a time (UTC), seconds or milliseconds since 1970.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return since_epoch(number);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let utc = |at: civil::DateTime| at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    let bare = text.trim_end_matches("UTC").trim_end();
    // `2024-05-01 10:00:00 +0000`, as Git hosts write it.
    let joined = bare.replacen(' ', "T", 1).replace(' ', "");
    bare.parse::<civil::DateTime>()
        .ok()
        .and_then(utc)
        .or_else(|| joined.parse::<Timestamp>().ok())
        .or_else(|| jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp()))
}

fn since_epoch(number: f64) -> Option<Timestamp> {
    // Ten digits are seconds, thirteen are milliseconds; a year or a day's number is neither.
    #[expect(clippy::cast_possible_truncation, reason = "the range is looked at first")]
    match number {
        3e8..1e11 => Timestamp::from_second(number as i64).ok(),
        3e11..1e14 => Timestamp::from_millisecond(number as i64).ok(),
        _ => None,
    }
}

/// Whole days between two moments; none where the first is later.
pub(crate) fn days(from: Timestamp, to: Timestamp) -> Option<u32> {
    u32::try_from(to.as_second().saturating_sub(from.as_second()).div_euclid(86_400)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_exports_write_them() {
        let noon: Timestamp = "2024-05-01T12:00:00Z".parse().unwrap();
        let written = [
            "2024-05-01T12:00:00+00:00",
            "2024-05-01 12:00:00",
            "2024-05-01 14:00:00 +0200",
            "1714564800",
            "1714564800000",
            "2024-05-01T12:00:00.000Z",
            "2024-05-01 12:00:00 UTC",
        ];
        for text in written {
            assert_eq!(read(text), Some(noon), "{text}");
        }
        assert_eq!(read("2024-05-01").map(|at| at.to_string()), Some("2024-05-01T00:00:00Z".to_owned()));
        assert_eq!(read("2024"), None);
        assert_eq!(read("soon"), None);
    }
}
