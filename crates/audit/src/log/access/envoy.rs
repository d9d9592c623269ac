//! Envoy's default text, and Istio's.

use std::borrow::Cow;

use super::line::{Asked, Line, quoted, said};

const FORM: &str = "Envoy access log";

/// `[2026-11-29T07:00:00.250Z] "GET /a HTTP/2" 200 - 0 2 5 4 "192.0.2.7" "curl/8" "id" "host" "10.0.0.1:80"`,
/// or with the details of the answer and the reason of a failure in between, as Istio has them.
pub(super) fn line(text: &str) -> Option<Line<'_>> {
    let (at, rest) = text.strip_prefix('[')?.split_once(']')?;
    let at = at.parse().ok()?;
    let (request, rest) = quoted(rest)?;
    let (numbers, _) = rest.split_once('"').unwrap_or((rest, ""));
    let mut words = numbers.split_ascii_whitespace();
    let mut line = Line::new(FORM, at);
    line.status = Some(words.next()?.parse().ok()?);
    line.asked = Asked::read(request);
    // Flags and four numbers stand in between; Istio has two words and quotes its reason first.
    let mut rest = if words.count() >= 5 { rest } else { quoted(rest)?.1 };
    let mut next = || {
        let (field, more) = quoted(rest)?;
        rest = more;
        Some(field)
    };
    // The first of them is whom the nearest proxy that is believed saw.
    let forwarded = next().filter(|text| said(text));
    line.source = forwarded.and_then(|all| all.split(',').next()).map(|first| Cow::Borrowed(first.trim()));
    line.program = next().filter(|text| said(text)).map(Cow::Borrowed);
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_and_istios_are_read() {
        for text in [
            r#"[2026-11-29T07:00:00.250Z] "GET /a?x=1 HTTP/2" 200 - 0 2 5 4 "192.0.2.7,10.0.0.1" "curl/8" "cc21d9b0" "api" "tcp://10.0.2.1:80""#,
            r#"[2026-11-29T07:00:00.250Z] "GET /a?x=1 HTTP/1.1" 200 - via_upstream - "-" 0 2 5 4 "192.0.2.7" "curl/8" "cc21d9b0" "api" "10.0.2.1:80" inbound|80|| 127.0.0.1:1 10.0.0.1:80 10.0.0.2:1 - default"#,
        ] {
            let read = line(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(read.asked, Asked::of("GET", "/a?x=1"), "{text}");
            assert_eq!(
                (read.status, read.source.as_deref(), read.program.as_deref()),
                (Some(200), Some("192.0.2.7"), Some("curl/8")),
                "{text}"
            );
            assert_eq!(read.at.to_string(), "2026-11-29T07:00:00.25Z");
        }
        // It escapes no quotes: what a caller sent may end its field early.
        let strange = line(r#"[2026-11-29T19:01:28.798Z] "GET /a HTTP/1.1" 404 - 0 19 24 14 "-" "a "q" \x" "e2f8" "api" "10.0.0.1:80""#).unwrap();
        assert_eq!(
            (strange.status, strange.source.as_deref(), strange.program.as_deref()),
            (Some(404), None, Some("a "))
        );
        let broken = line(r#"[2026-11-29T07:00:00.250Z] "- - HTTP/1.1" 400 DPE 0 11 0 - "-" "-" "-" "-" "-""#).unwrap();
        assert_eq!((broken.asked, broken.status, broken.source), (None, Some(400), None));
        for text in
            ["[2026-11-29T07:00:00Z]", "[x] \"GET / HTTP/1.1\" 200", "[2026-11-29T07:00:00Z] \"GET / HTTP/1.1\" x"]
        {
            assert_eq!(line(text), None, "{text}");
        }
    }
}
