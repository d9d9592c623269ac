//! Lines of an access log, as nginx and Apache write them (combined, common), or in JSON.

use jiff::{Timestamp, fmt::strtime};
use serde_json::Value;

/// One call, as the API's own log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// When it began or ended, to the second.
    pub(super) at: Timestamp,
    /// What was asked; nothing where it was no HTTP.
    pub(super) asked: Option<Asked>,
    pub(super) status: Option<u16>,
    pub(super) source: Option<String>,
    pub(super) user_agent: Option<String>,
}

/// Method and target of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) target: String,
}

/// Reads a line; nothing where it is no line of an access log.
pub(super) fn line(text: &str) -> Option<Line> {
    let text = text.trim();
    if text.starts_with('{') { json(text) } else { combined(text) }
}

/// `127.0.0.1 - ann [29/Nov/2026:08:00:00 +0000] "GET /a HTTP/1.1" 200 12 "-" "curl/8"`, with
/// the host in front or without the last two.
fn combined(text: &str) -> Option<Line> {
    let (before, rest) = text.split_once('[')?;
    let (at, rest) = rest.split_once(']')?;
    let (request, rest) = quoted(rest)?;
    let mut words = rest.split_ascii_whitespace();
    let status = words.next()?.parse().ok();
    let user_agent = quoted(rest).and_then(|(_, rest)| quoted(rest)).map(|(agent, _)| agent);
    let mut names = before.split_ascii_whitespace();
    let source = match before.split_ascii_whitespace().count() {
        0 => None,
        // The host stands in front.
        4.. => names.nth(1),
        _ => names.next(),
    };
    Some(Line {
        at: moment(at)?,
        asked: asked(&request),
        status,
        source: source.map(str::to_owned),
        user_agent: user_agent.filter(|agent| agent != "-"),
    })
}

/// What stands between the next two quotes, and what follows. Both servers escape quotes.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (_, rest) = text.split_once('"')?;
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some((rest.get(..at)?.to_owned(), rest.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

fn asked(request: &str) -> Option<Asked> {
    let mut words = request.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next());
    let plain = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    let known = version.is_none_or(|version| version.starts_with("HTTP/")) && words.next().is_none();
    (plain && known).then(|| Asked { method: method.to_owned(), target: path(target).to_owned() })
}

/// Path and query of a target, where it is written with its host.
fn path(target: &str) -> &str {
    let Some((_, rest)) = target.split_once("://").filter(|(scheme, _)| !scheme.contains(['/', '?'])) else {
        return target;
    };
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

/// A line in JSON, with the names that servers and their manuals use.
fn json(text: &str) -> Option<Line> {
    let line: Value = serde_json::from_str(text).ok()?;
    let nested = line.get("request").filter(|request| request.is_object());
    let find = |names: &[&str]| {
        names.iter().find_map(|name| line.get(name).or_else(|| nested?.get(name)).filter(|value| !value.is_null()))
    };
    let word = |names: &[&str]| match find(names)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let at = find(&["time", "timestamp", "@timestamp", "ts", "time_iso8601", "time_local", "msec", "start_time"])?;
    let at = match at {
        Value::String(text) => moment(text)?,
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a log's time are far within")]
        Value::Number(number) => Timestamp::from_second(number.as_f64()?.floor() as i64).ok()?,
        _ => return None,
    };
    let method = word(&["method", "request_method", "http_method"]);
    let target = word(&["uri", "request_uri", "path", "url", "target"]);
    let asked = match (method, target) {
        (Some(method), Some(target)) => asked(&format!("{method} {target}")),
        _ => word(&["request", "request_line"]).and_then(|request| asked(&request)),
    };
    Some(Line {
        at,
        asked,
        status: word(&["status", "status_code", "response_status"]).and_then(|status| status.parse().ok()),
        source: word(&["remote_addr", "remote_ip", "client_ip", "remote", "ip"]),
        user_agent: word(&["user_agent", "http_user_agent", "userAgent"]),
    })
}

/// `29/Nov/2026:08:00:00 +0000`, RFC 3339, or seconds since 1970.
fn moment(text: &str) -> Option<Timestamp> {
    let clf = || strtime::parse("%d/%b/%Y:%H:%M:%S %z", text).ok()?.to_timestamp().ok();
    let seconds = || Timestamp::from_second(text.split('.').next()?.parse().ok()?).ok();
    text.parse().ok().or_else(clf).or_else(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(at: &str, asked: Option<(&str, &str)>, status: u16, user_agent: Option<&str>) -> Line {
        Line {
            at: at.parse().unwrap(),
            asked: asked.map(|(method, target)| Asked { method: method.to_owned(), target: target.to_owned() }),
            status: Some(status),
            source: Some("192.0.2.7".to_owned()),
            user_agent: user_agent.map(str::to_owned),
        }
    }

    #[test]
    fn lines_are_read_as_servers_write_them() {
        let at = "2026-11-29T07:00:00Z";
        let curl =
            r#"192.0.2.7 - ann [29/Nov/2026:08:00:00 +0100] "GET /a%2Fb?x=1 HTTP/1.1" 200 12 "-" "curl/8 \"x\"""#;
        let common = r#"api:80 192.0.2.7 - - [29/Nov/2026:07:00:00 +0000] "DELETE http://api/x HTTP/1.0" 204 -"#;
        let garbage = r#"192.0.2.7 - - [29/Nov/2026:07:00:00 +0000] "\x16\x03\x01" 400 157 "-" "-""#;
        let nginx = r#"{"time":"2026-11-29T08:00:00+01:00","remote_addr":"192.0.2.7","request":"GET /a HTTP/1.1","status":"200","http_user_agent":"curl"}"#;
        let caddy = format!(
            r#"{{"ts":{}.25,"request":{{"method":"GET","uri":"/a","remote_ip":"192.0.2.7"}},"status":200}}"#,
            at.parse::<Timestamp>().unwrap().as_second()
        );
        for (text, expected) in [
            (curl, read(at, Some(("GET", "/a%2Fb?x=1")), 200, Some("curl/8 \\\"x\\\""))),
            (common, read(at, Some(("DELETE", "/x")), 204, None)),
            (garbage, read(at, None, 400, None)),
            (nginx, read(at, Some(("GET", "/a")), 200, Some("curl"))),
            (&caddy, read(at, Some(("GET", "/a")), 200, None)),
        ] {
            assert_eq!(line(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_line_is_none() {
        for text in ["", "{", "{}", "GET /a", "x [y] \"GET / HTTP/1.1\" 200", "[29/Nov/2026:08:00:00 +0000]"] {
            assert_eq!(line(text), None, "{text}");
        }
    }
}
