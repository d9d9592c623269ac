//! Moments as exports write them.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

/// Reads a moment: RFC 3339 and 2822, a day, a day with a time (UTC), seconds or milliseconds
/// since 1970, and the forms that spreadsheets make of them. A day that could be two, such as
/// `03/04/2026`, is none.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return of_number(number);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let bare = text.trim_end_matches("UTC").trim_end();
    // `2024-05-01 10:00:00 +0000`, as Git hosts write it.
    let joined = bare.replacen(' ', "T", 1).replace(' ', "");
    bare.parse::<DateTime>()
        .ok()
        .and_then(utc)
        .or_else(|| joined.parse::<Timestamp>().ok())
        .or_else(|| jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp()))
        .or_else(|| of_spreadsheet(bare))
}

fn utc(at: DateTime) -> Option<Timestamp> {
    at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
}

fn of_number(number: f64) -> Option<Timestamp> {
    // Ten digits are seconds, thirteen are milliseconds, eight are a day; five are the days that
    // a spreadsheet counts. A year alone is nothing.
    #[expect(clippy::cast_possible_truncation, reason = "the range is looked at first")]
    match number {
        3e8..1e11 => Timestamp::from_second(number as i64).ok(),
        3e11..1e14 => Timestamp::from_millisecond(number as i64).ok(),
        19_700_101.0..=99_991_231.0 if number.fract() == 0.0 => {
            let day = number as i32;
            let part = |value: i32| i8::try_from(value).ok();
            utc(Date::new(i16::try_from(day / 10_000).ok()?, part(day / 100 % 100)?, part(day % 100)?).ok()?.into())
        }
        // From 1990 to 2064. Day 25,569 is the first of 1970.
        32_874.0..60_000.0 => Timestamp::from_second(((number - 25_569.0) * 86_400.0).round() as i64).ok(),
        _ => None,
    }
}

/// `29.11.2026 14:05`, `2026/11/29`, `11/29/2026 2:05 PM`, `29-Nov-2026`, `November 29, 2026`.
fn of_spreadsheet(text: &str) -> Option<Timestamp> {
    let (day, time) = match text.find(':') {
        None => (text, Time::midnight()),
        Some(colon) => {
            let begins = text.get(..colon)?.rfind([' ', 'T', ','])?;
            (text.get(..begins)?, time(text.get(begins + 1..)?)?)
        }
    };
    let parts: Vec<&str> = day.split([' ', '.', '/', '-', ',']).filter(|part| !part.is_empty()).collect();
    let [one, two, three] = parts.as_slice() else { return None };
    let number = |part: &str| part.trim_end_matches(|letter: char| letter.is_alphabetic()).parse::<i16>().ok();
    let (year, month, day) = match (number(one), number(two), number(three)) {
        (Some(year), Some(month), Some(day)) if one.len() == 4 => (year, month, day),
        (Some(first), Some(second), Some(year)) if three.len() == 4 => match (first, second) {
            _ if day.contains('.') => (year, second, first),
            (day, month) if day > 12 => (year, month, day),
            (month, day) if day > 12 || day == month => (year, month, day),
            _ => return None,
        },
        (Some(day), _, Some(year)) if three.len() == 4 => (year, month_of(two)?, day),
        (_, Some(day), Some(year)) if three.len() == 4 => (year, month_of(one)?, day),
        _ => return None,
    };
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    utc(date.to_datetime(time))
}

/// `14:05`, `14:05:30`, `2:05 PM`, with a fraction of a second or without.
fn time(text: &str) -> Option<Time> {
    let text = text.trim().to_uppercase();
    let (digits, half) = match (text.strip_suffix("PM"), text.strip_suffix("AM")) {
        (Some(digits), _) => (digits, Some(12)),
        (_, Some(digits)) => (digits, Some(0)),
        _ => (text.as_str(), None),
    };
    let mut parts = digits.trim().split([':', '.']).map(str::parse::<i8>);
    let (hour, minute) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let second = parts.next().transpose().ok()?.unwrap_or_default();
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    Time::new(hour, minute, second, 0).ok()
}

fn month_of(word: &str) -> Option<i16> {
    let word = word.to_lowercase();
    let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let named = |begins: &&str| word.starts_with(begins) && word.chars().all(char::is_alphabetic);
    months.iter().zip(1..).find(|(begins, _)| named(begins)).map(|(_, month)| month)
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
            "Wed, 01 May 2024 12:00:00 GMT",
            "1.5.2024 12:00",
            "01.05.2024 12:00:00",
            "2024/05/01 12:00",
            "1-May-2024 12:00",
            "May 1, 2024 12:00 PM",
            "45413.5",
        ];
        for text in written {
            assert_eq!(read(text), Some(noon), "{text}");
        }
    }

    #[test]
    fn days_are_read_as_spreadsheets_write_them() {
        let day = |text: &str| read(text).map(|at| at.to_string());
        for text in [
            "2024-05-31",
            "31.5.2024",
            "31.05.2024",
            "5/31/2024",
            "31/05/2024",
            "2024/5/31",
            "31-May-2024",
            "31 May 2024",
            "May 31, 2024",
            "May 31st, 2024",
            "20240531",
            "45443",
            "5/31/2024 12:00 AM",
        ] {
            assert_eq!(day(text).as_deref(), Some("2024-05-31T00:00:00Z"), "{text}");
        }
        assert_eq!(day("5/31/2024 2:05 PM").as_deref(), Some("2024-05-31T14:05:00Z"));
        assert_eq!(day("4/4/2024").as_deref(), Some("2024-04-04T00:00:00Z"), "the same either way");
        for text in [
            "2024",
            "soon",
            "03/04/2024",
            "31.02.2024",
            "13/13/2024",
            "5/31/24",
            "99",
            "12:00",
            "1.2.3",
            "20241399",
            "25:00 5/31/2024",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
