//! The common and the combined form of nginx, Apache and Caddy, and Traefik's text, which is
//! the combined form with more behind it.

use std::{borrow::Cow, net::IpAddr};

use jiff::{Timestamp, civil::DateTime, tz::Offset};

use super::line::{Asked, Line, quoted, said};

const FORM: &str = "access log (combined)";

/// `127.0.0.1 - ann [29/Nov/2026:08:00:00 +0000] "GET /a HTTP/1.1" 200 12 "-" "curl/8"`, with
/// something in front, without the last two, or with more behind.
pub(super) fn line(text: &str) -> Option<Line<'_>> {
    let (before, at, rest) = stamped(text)?;
    let (request, rest) = quoted(rest)?;
    let mut line = Line::new(FORM, at);
    line.asked = Asked::read(request);
    line.status = rest.split_ascii_whitespace().next()?.parse().ok();
    if let Some((referer, rest)) = quoted(rest) {
        line.referer = Some(referer).filter(|text| said(text)).map(Cow::Borrowed);
        line.program = quoted(rest).map(|(program, _)| program).filter(|text| said(text)).map(Cow::Borrowed);
    }
    let (source, user) = caller(before);
    line.source = source.filter(|text| said(text)).map(Cow::Borrowed);
    line.user = user.filter(|text| said(text)).map(Cow::Borrowed);
    Some(line)
}

/// What stands before the moment, the moment, and what follows. A name may have a bracket in it.
fn stamped(text: &str) -> Option<(&str, Timestamp, &str)> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(b'[', text.as_bytes().get(from..)?)?;
        let inside = text.get(at + 1..at + 27);
        if let (Some(moment), Some(rest)) = (inside.and_then(moment), text.get(at + 27..)?.strip_prefix(']')) {
            return Some((text.get(..at)?, moment, rest));
        }
        from = at + 1;
    }
}

/// Address and user: the third and the first word from the moment backwards, for there may be a
/// host or a syslog's head in front. A user's name may have blanks in it.
fn caller(before: &str) -> (Option<&str>, Option<&str>) {
    let before = before.trim_end();
    let is_address = |word: &str| word.parse::<IpAddr>().is_ok();
    let mut back = before.rsplitn(4, ' ');
    let (user, ident, source) = (back.next(), back.next(), back.next());
    let plain = || (source.or(ident).or(user), user.filter(|_| source.is_some()));
    if source.is_some_and(is_address) {
        return plain();
    }
    let mut from = 0;
    for word in before.split(' ') {
        let end = from + word.len();
        if is_address(word) {
            let rest = before.get(end..).unwrap_or_default().trim_start();
            return (Some(word), rest.split_once(' ').map(|(_, user)| user));
        }
        from = end + 1;
    }
    plain()
}

/// `29/Nov/2026:08:00:00 +0000`.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let marks = [(2, b'/'), (6, b'/'), (11, b':'), (14, b':'), (17, b':'), (20, b' ')];
    if bytes.len() != 26 || marks.iter().any(|(at, mark)| bytes.get(*at) != Some(mark)) {
        return None;
    }
    let number = |from: usize, to: usize| {
        let digits = bytes.get(from..to)?;
        digits.iter().try_fold(0_i16, |sum, digit| {
            digit.is_ascii_digit().then(|| sum.checked_mul(10)?.checked_add(i16::from(digit - b'0'))).flatten()
        })
    };
    let small = |from, to| i8::try_from(number(from, to)?).ok();
    let month = match text.get(3..6)? {
        "Jan" => 1,
        "Feb" => 2,
        "Mar" => 3,
        "Apr" => 4,
        "May" => 5,
        "Jun" => 6,
        "Jul" => 7,
        "Aug" => 8,
        "Sep" => 9,
        "Oct" => 10,
        "Nov" => 11,
        "Dec" => 12,
        _ => return None,
    };
    // A leap second is the last of its minute.
    let second = small(18, 20)?.min(59);
    let at = DateTime::new(number(7, 11)?, month, small(0, 2)?, small(12, 14)?, small(15, 17)?, second, 0).ok()?;
    let away = i32::from(number(22, 24)?) * 3600 + i32::from(number(24, 26)?) * 60;
    let away = match bytes.get(21)? {
        b'+' => away,
        b'-' => -away,
        _ => return None,
    };
    Offset::from_seconds(away).ok()?.to_timestamp(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source, user, method and target, status, referer, program.
    type Told<'a> =
        (Option<&'a str>, Option<&'a str>, Option<(&'a str, &'a str)>, Option<u16>, Option<&'a str>, Option<&'a str>);

    fn check(text: &str, told: Told<'_>) {
        let read = line(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(read.at.to_string(), "2026-11-29T07:00:00Z", "{text}");
        let asked = read.asked.as_ref().map(|asked| (&*asked.method, &*asked.target));
        let (source, user) = (read.source.as_deref(), read.user.as_deref());
        assert_eq!(
            (source, user, asked, read.status, read.referer.as_deref(), read.program.as_deref()),
            told,
            "{text}"
        );
    }

    #[test]
    fn lines_are_read_as_servers_write_them() {
        let get = Some(("GET", "/a?x=1"));
        let own = Some("192.0.2.7");
        check(
            r#"192.0.2.7 - ann [29/Nov/2026:08:00:00 +0100] "GET /a?x=1 HTTP/1.1" 200 12 "https://x/" "curl/8 \"x\"""#,
            (own, Some("ann"), get, Some(200), Some("https://x/"), Some(r#"curl/8 \"x\""#)),
        );
        check(
            r#"192.0.2.7 - - [29/Nov/2026:07:00:00 +0000] "GET /a?x=1 HTTP/2.0" 200 -"#,
            (own, None, get, Some(200), None, None),
        );
        check(
            r#"api.example:443 2001:db8::7 - ann lee [29/Nov/2026:02:00:00 -0500] "GET /a?x=1 HTTP/1.1" 200 1 "-" "-" "10.0.0.1" 0.004"#,
            (Some("2001:db8::7"), Some("ann lee"), get, Some(200), None, None),
        );
        check(
            r#"<134>Nov 29 07:00:00 10.0.0.5 nginx: 192.0.2.7 - ann [29/Nov/2026:07:00:00 +0000] "GET /a?x=1 HTTP/1.1" 200 1 "-" "x""#,
            (own, Some("ann"), get, Some(200), None, Some("x")),
        );
        check(
            r#"192.0.2.7 - - [29/Nov/2026:07:00:00 +0000] "\x16\x03\x01\x02 \"q\"" 400 157 "-" "-""#,
            (own, None, None, Some(400), None, None),
        );
        check(r#"192.0.2.7 - "" [29/Nov/2026:07:00:00 +0000] "-" 408 -"#, (own, None, None, Some(408), None, None));
        check(
            r#"client.example - [x] [29/Nov/2026:07:00:00 +0000] "GET /a?x=1 HTTP/1.1" 200 1"#,
            (Some("client.example"), Some("[x]"), get, Some(200), None, None),
        );
        // Traefik's text.
        check(
            r#"192.0.2.7 - ann [29/Nov/2026:07:00:00 +0000] "GET /a?x=1 HTTP/1.1" 200 2 "-" "-" 7 "api@docker" "http://10.0.0.2:80" 3ms"#,
            (own, Some("ann"), get, Some(200), None, None),
        );
    }

    #[test]
    fn what_is_no_line_is_none() {
        for text in ["", "a,b", "GET /a", "x [y] \"GET / HTTP/1.1\" 200", "[29/Nov/2026:08:00:00 +0000]", "[[[[["] {
            assert_eq!(line(text), None, "{text}");
        }
        for text in [
            "29/Nov/2026:08:00:00 0000",
            "99/Nov/2026:08:00:00 +0000",
            "29/Nov/2026:08:00:00 +9900",
            "29/Növ/2026:08:00:00 +000",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
        assert_eq!(
            moment("31/Dec/2016:23:59:60 +0000").map(|at| at.to_string()).as_deref(),
            Some("2016-12-31T23:59:59Z")
        );
    }
}
