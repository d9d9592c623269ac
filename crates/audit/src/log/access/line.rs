//! One line of an access log, in whichever of the known forms.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{combined, envoy, json};

/// What one line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Whose form it is.
    pub form: &'static str,
    /// When the request began or ended.
    pub at: Timestamp,
    /// Method and target; none where it was no HTTP.
    pub asked: Option<Asked<'a>>,
    /// The status that was answered.
    pub status: Option<u16>,
    /// The address that called.
    pub source: Option<Cow<'a, str>>,
    /// Where the connection came from, where that is another: who called is a header's word then.
    pub peer: Option<Cow<'a, str>>,
    /// The user that the server knew.
    pub user: Option<Cow<'a, str>>,
    /// The `User-Agent`.
    pub program: Option<Cow<'a, str>>,
    /// The page from which the request came.
    pub referer: Option<Cow<'a, str>>,
    /// What the configured column says of the key.
    pub key: Option<Cow<'a, str>>,
    /// Headers that carry credentials, with their names.
    pub headers: Vec<(String, String)>,
}

/// Method and target of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The method, in letters.
    pub method: Cow<'a, str>,
    /// Path and query, as they were written.
    pub target: Cow<'a, str>,
}

/// What became of a line.
#[derive(Debug)]
pub enum Read<'a> {
    /// It says what was asked.
    Line(Box<Line<'a>>),
    /// It is one of the server's that says something else.
    Other,
    /// It is none of an access log.
    None,
}

impl<'a> Line<'a> {
    /// Reads a line. `key` is the column that names the key: `$10` counts the words of a text,
    /// anything else is a name in JSON.
    pub fn read(text: &'a str, key: Option<&str>) -> Read<'a> {
        let text = text.trim();
        if text.starts_with('{') {
            return json::line(text, key);
        }
        let line = envoy::line(text).or_else(|| combined::line(text));
        let Some(mut line) = line else { return Read::None };
        if let Some(wanted) = key.and_then(|key| key.strip_prefix('$')?.parse::<usize>().ok()) {
            line.key = words(text).nth(wanted.saturating_sub(1)).filter(|word| said(word)).map(Cow::Borrowed);
        }
        Read::Line(Box::new(line))
    }

    pub(super) fn new(form: &'static str, at: Timestamp) -> Self {
        Self {
            form,
            at,
            asked: None,
            status: None,
            source: None,
            peer: None,
            user: None,
            program: None,
            referer: None,
            key: None,
            headers: Vec::new(),
        }
    }
}

impl<'a> Asked<'a> {
    /// `GET /a HTTP/1.1`; none where it is no request.
    pub(super) fn read(request: &'a str) -> Option<Self> {
        let (method, rest) = request.split_once(' ')?;
        let (target, version) = match rest.rsplit_once(' ') {
            Some((target, version)) if version.starts_with("HTTP/") => (target, Some(version)),
            _ => (rest, None),
        };
        // Blanks within a target are no target, unless a version ends the line.
        let whole = version.is_some() || !target.contains(' ');
        whole.then(|| Self::of(method, target)).flatten()
    }

    pub(super) fn of(method: &'a str, target: &'a str) -> Option<Self> {
        let plain = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
        let target = origin(target);
        (plain && method.len() <= 32 && target.starts_with(['/', '*']))
            .then_some(Self { method: Cow::Borrowed(method), target: Cow::Borrowed(target) })
    }

    pub(super) fn owned(self) -> Asked<'static> {
        Asked { method: Cow::Owned(self.method.into_owned()), target: Cow::Owned(self.target.into_owned()) }
    }
}

/// Path and query of a target, where it is written with its host.
fn origin(target: &str) -> &str {
    let Some((_, rest)) = target.split_once("://").filter(|(scheme, _)| !scheme.contains(['/', '?'])) else {
        return target;
    };
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

/// Whether a field says something.
pub(super) fn said(text: &str) -> bool {
    !matches!(text, "" | "-" | "\"\"" | "\"-\"")
}

/// What stands between the next two quotes, and what follows. Servers escape quotes.
pub(super) fn quoted(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once('"')?;
    let bytes = rest.as_bytes();
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some((rest.get(..at)?, rest.get(at + 1..)?));
        }
        from = at + 2;
    }
}

/// The words of a line: what stands in quotes or brackets is one, as `$10` counts them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text.trim_start();
    std::iter::from_fn(move || {
        let (word, more) = match rest.bytes().next()? {
            b'"' => quoted(rest)?,
            b'[' => rest.get(1..)?.split_once(']')?,
            _ => rest.split_once(' ').unwrap_or((rest, "")),
        };
        rest = more.trim_start();
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_with_quotes_and_brackets_as_one() {
        let text = r#"192.0.2.7 - ann [29/Nov/2026:08:00:00 +0000] "GET /a HTTP/1.1" 200 12 "-" "a \" b" k-17"#;
        assert_eq!(words(text).nth(9), Some("k-17"));
        assert_eq!(words(text).nth(8), Some(r#"a \" b"#));
        assert_eq!(words(text).nth(3), Some("29/Nov/2026:08:00:00 +0000"));
        let Read::Line(line) = Line::read(text, Some("$10")) else { panic!("read") };
        assert_eq!(line.key.as_deref(), Some("k-17"));
    }

    #[test]
    fn a_request_is_read_or_it_is_none() {
        let read = |text| Asked::read(text).map(|asked| (asked.method.into_owned(), asked.target.into_owned()));
        let is = |method: &str, target: &str| Some((method.to_owned(), target.to_owned()));
        assert_eq!(read("GET /a?x=1 HTTP/2.0"), is("GET", "/a?x=1"));
        assert_eq!(read("GET /a"), is("GET", "/a"));
        assert_eq!(read("GET /a b HTTP/1.1"), is("GET", "/a b"), "servers log what was sent");
        assert_eq!(read("DELETE http://api:80/x HTTP/1.0"), is("DELETE", "/x"));
        assert_eq!(read("OPTIONS * HTTP/1.1"), is("OPTIONS", "*"));
        for text in ["", "-", "\\x16\\x03\\x01", "GET", "GET a HTTP/1.1", "G\\x00T /a HTTP/1.1", "MGLNDD_192.0.2.7_80"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
