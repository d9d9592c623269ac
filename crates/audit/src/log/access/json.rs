//! Lines in JSON: Caddy's, Traefik's, Envoy's, and those that people make of nginx and Apache
//! with the names that their manuals use.

use std::{borrow::Cow, fmt};

use jiff::Timestamp;
use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{
    combined,
    line::{Asked, Line, Read, said},
};

/// What a name says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    At,
    Method,
    Target,
    Request,
    Status,
    Source,
    Forwarded,
    User,
    Program,
    Referer,
    Headers,
    /// What tells the lines of a server apart that are no calls.
    Level,
}

/// Where names mean the same, the one that comes first in this list is believed.
const NAMES: [(Field, &str); 64] = [
    (Field::At, "StartUTC"),
    (Field::At, "start_time"),
    (Field::At, "time_iso8601"),
    (Field::At, "@timestamp"),
    (Field::At, "ts"),
    (Field::At, "timestamp"),
    (Field::At, "time"),
    (Field::At, "msec"),
    (Field::At, "time_local"),
    (Field::At, "StartLocal"),
    (Field::Method, "RequestMethod"),
    (Field::Method, "request_method"),
    (Field::Method, "http_method"),
    (Field::Method, "method"),
    (Field::Target, "RequestPath"),
    (Field::Target, "x_envoy_original_path"),
    (Field::Target, "request_uri"),
    (Field::Target, "uri"),
    (Field::Target, "path"),
    (Field::Target, "url"),
    (Field::Target, "target"),
    (Field::Request, "request"),
    (Field::Request, "request_line"),
    (Field::Status, "DownstreamStatus"),
    (Field::Status, "response_code"),
    (Field::Status, "status"),
    (Field::Status, "status_code"),
    (Field::Status, "response_status"),
    (Field::Status, "OriginStatus"),
    (Field::Forwarded, "x_forwarded_for"),
    (Field::Forwarded, "http_x_forwarded_for"),
    (Field::Source, "ClientHost"),
    (Field::Source, "client_ip"),
    (Field::Source, "remote_addr"),
    (Field::Source, "remote_ip"),
    (Field::Source, "remoteIp"),
    (Field::Source, "downstream_remote_address_without_port"),
    (Field::Source, "downstream_remote_address"),
    (Field::Source, "remote"),
    (Field::Source, "ClientAddr"),
    (Field::Source, "ip"),
    (Field::User, "ClientUsername"),
    (Field::User, "remote_user"),
    (Field::User, "user_id"),
    (Field::User, "user"),
    (Field::User, "username"),
    (Field::User, "consumer"),
    (Field::Program, "request_User-Agent"),
    (Field::Program, "http_user_agent"),
    (Field::Program, "user_agent"),
    (Field::Program, "userAgent"),
    (Field::Program, "agent"),
    (Field::Referer, "request_Referer"),
    (Field::Referer, "http_referer"),
    (Field::Referer, "http_referrer"),
    (Field::Referer, "referer"),
    (Field::Referer, "referrer"),
    (Field::Headers, "headers"),
    (Field::Headers, "request_headers"),
    (Field::Level, "level"),
    (Field::Level, "msg"),
    (Field::Level, "message"),
    (Field::Level, "logger"),
    (Field::Level, "severity"),
];

/// Headers in which credentials travel, as logs write their names.
const CREDENTIALS: [&str; 8] = [
    "authorization",
    "proxyauthorization",
    "cookie",
    "xapikey",
    "apikey",
    "xauthtoken",
    "privatetoken",
    "xaccesstoken",
];

/// What is gathered of a line: for each field the best value so far, with its place in [`NAMES`].
#[derive(Default)]
struct Found<'a> {
    fields: [Option<(usize, Cow<'a, str>)>; 12],
    key: Option<Cow<'a, str>>,
    headers: Vec<(String, String)>,
}

impl<'a> Found<'a> {
    fn put(&mut self, field: Field, rank: usize, value: Cow<'a, str>) {
        if let Some(slot) = self.fields.get_mut(field as usize)
            && slot.as_ref().is_none_or(|(known, _)| *known > rank)
            && said(&value)
        {
            *slot = Some((rank, value));
        }
    }

    fn take(&mut self, field: Field) -> Option<Cow<'a, str>> {
        self.fields.get_mut(field as usize)?.take().map(|(_, value)| value)
    }
}

pub(super) fn line<'a>(text: &'a str, key: Option<&str>) -> Read<'a> {
    let mut found = Found::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let whole = Members { found: &mut found, key, within: "" }.deserialize(&mut deserializer);
    if whole.is_err() || deserializer.end().is_err() {
        return Read::None;
    }
    let is_server = found.fields.get(Field::Level as usize).is_some_and(Option::is_some);
    match said_of(found) {
        Some(line) => Read::Line(Box::new(line)),
        None if is_server => Read::Other,
        None => Read::None,
    }
}

fn said_of(mut found: Found<'_>) -> Option<Line<'_>> {
    let form = match found.fields.get(Field::At as usize)?.as_ref().and_then(|(rank, _)| NAMES.get(*rank)) {
        Some((_, "ts")) => "Caddy access log",
        Some((_, "StartUTC" | "StartLocal")) => "Traefik access log",
        _ => "access log (JSON)",
    };
    let at = moment(&found.take(Field::At)?)?;
    let status: Option<u16> = found.take(Field::Status).and_then(|status| status.parse().ok());
    let (method, target) = (found.take(Field::Method), found.take(Field::Target));
    let asked = match (method, target, found.take(Field::Request)) {
        (Some(method), Some(target), _) => Asked::of(&method, &target).map(Asked::owned),
        (_, _, Some(request)) => Asked::read(&request).map(Asked::owned),
        _ => return None,
    };
    status?;
    let source = found.take(Field::Source).map(|source| without_port(source));
    // A proxy in front is what the connection comes from; the first in the list is the caller.
    let forwarded = found.take(Field::Forwarded);
    let forwarded = forwarded.and_then(|all| all.split(',').next().map(|first| Cow::Owned(first.trim().to_owned())));
    let mut line = Line::new(form, at);
    line.asked = asked;
    line.status = status;
    (line.source, line.peer) = if forwarded.is_some() { (forwarded, source) } else { (source, None) };
    line.user = found.take(Field::User);
    line.program = found.take(Field::Program);
    line.referer = found.take(Field::Referer);
    line.key = found.key;
    line.headers = found.headers;
    Some(line)
}

fn without_port(source: Cow<'_, str>) -> Cow<'_, str> {
    match source.parse::<std::net::SocketAddr>() {
        Ok(socket) => Cow::Owned(socket.ip().to_string()),
        Err(_) => source,
    }
}

/// RFC 3339, `29/Nov/2026:08:00:00 +0000`, or seconds or milliseconds since 1970.
fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| combined::moment(text)).or_else(|| crate::moment::read(text))
}

/// The members of an object; those of `request` and of headers count as its own.
struct Members<'f, 'a> {
    found: &'f mut Found<'a>,
    key: Option<&'f str>,
    within: &'static str,
}

impl<'a> DeserializeSeed<'a> for Members<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Members<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line of an access log")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let Members { found, key, within } = self;
        while let Some(Text(name)) = map.next_key::<Text<'a>>()? {
            if key.is_some_and(|key| *key == *name) {
                let value = map.next_value::<Scalar<'a>>()?.0;
                found.key = value.filter(|value| said(value));
                continue;
            }
            let header = (within == "headers")
                .then_some(&*name)
                .or_else(|| ["request_", "http_", "req_"].iter().find_map(|prefix| name.strip_prefix(*prefix)));
            if header.or(Some(&*name)).is_some_and(is_credential) {
                if let Some(value) = map.next_value::<Scalar<'a>>()?.0.filter(|value| said(value)) {
                    found.headers.push((name.to_ascii_lowercase(), value.into_owned()));
                }
                continue;
            }
            let known = if within == "headers" {
                match name.to_ascii_lowercase().as_str() {
                    "user-agent" => named("user_agent"),
                    "referer" => named("referer"),
                    _ => None,
                }
            } else {
                named(&name)
            };
            match known {
                Some((_, Field::Request)) if within.is_empty() => {
                    map.next_value_seed(Members { found: &mut *found, key, within: "request" })?;
                }
                Some((_, Field::Headers)) => {
                    map.next_value_seed(Members { found: &mut *found, key, within: "headers" })?;
                }
                Some((rank, field)) => {
                    if let Some(value) = map.next_value::<Scalar<'a>>()?.0 {
                        found.put(field, rank, value);
                    }
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    /// A request that is written as one line.
    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<(), E> {
        if self.within == "request" {
            self.found.put(Field::Request, 0, Cow::Borrowed(text));
        }
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if self.within == "request" {
            self.found.put(Field::Request, 0, Cow::Owned(text.to_owned()));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

fn named(name: &str) -> Option<(usize, Field)> {
    NAMES.iter().position(|(_, known)| *known == name).and_then(|rank| Some((rank, NAMES.get(rank)?.0)))
}

fn is_credential(name: &str) -> bool {
    let same = |known: &&str| {
        let letters = name.bytes().filter(u8::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase());
        letters.eq(known.bytes())
    };
    CREDENTIALS.iter().any(same)
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A text, a number, or the first of a list of them; anything else says nothing.
struct Scalar<'a>(Option<Cow<'a, str>>);

impl<'a> Deserialize<'a> for Scalar<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'a> Visitor<'a> for Any {
            type Value = Scalar<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Scalar<'a>, E> {
                Ok(Scalar(Some(Cow::Borrowed(text))))
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar<'a>, E> {
                Ok(Scalar(Some(Cow::Owned(text.to_owned()))))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Scalar<'a>, E> {
                Ok(Scalar(Some(Cow::Owned(number.to_string()))))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Scalar<'a>, E> {
                Ok(Scalar(Some(Cow::Owned(number.to_string()))))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Scalar<'a>, E> {
                Ok(Scalar(Some(Cow::Owned(number.to_string()))))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Scalar<'a>, E> {
                Ok(Scalar(None))
            }

            fn visit_unit<E>(self) -> Result<Scalar<'a>, E> {
                Ok(Scalar(None))
            }

            fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Scalar<'a>, A::Error> {
                let first = seq.next_element::<Scalar<'a>>()?.and_then(|first| first.0);
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar(first))
            }

            fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Scalar<'a>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar(None))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, key: Option<&str>) -> Line<'static> {
        let Read::Line(line) = line(text, key) else { panic!("{text}") };
        let Line { form, at, asked, status, source, peer, user, program, referer, key, headers } = *line;
        let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        let (source, peer, user, key) = (own(source), own(peer), own(user), own(key));
        let (program, referer) = (own(program), own(referer));
        Line { form, at, asked: asked.map(Asked::owned), status, source, peer, user, program, referer, key, headers }
    }

    #[test]
    fn each_servers_json_is_read() {
        let caddy = r#"{"level":"info","ts":1795935600.25,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"192.0.2.9","remote_port":"41342","client_ip":"192.0.2.7","proto":"HTTP/2.0","method":"GET","host":"api","uri":"/a?x=1","headers":{"User-Agent":["curl/8"],"Authorization":["REDACTED"],"X-Api-Key":["hunter2"]},"tls":{"resumed":false}},"bytes_read":0,"user_id":"ann","duration":0.0001,"size":0,"status":200,"resp_headers":{"Server":["Caddy"]}}"#;
        let traefik = r#"{"ClientAddr":"192.0.2.7:41342","ClientHost":"192.0.2.7","ClientPort":"41342","ClientUsername":"ann","DownstreamContentSize":2,"DownstreamStatus":200,"Duration":1,"OriginStatus":200,"RequestAddr":"api","RequestMethod":"GET","RequestPath":"/a?x=1","RequestProtocol":"HTTP/2.0","StartLocal":"2026-11-29T08:00:00.25+01:00","StartUTC":"2026-11-29T07:00:00.25Z","level":"info","msg":"","request_User-Agent":"curl/8","time":"2026-11-29T07:00:01Z"}"#;
        let envoy = r#"{"start_time":"2026-11-29T07:00:00.250Z","method":"GET","path":"/a?x=1","protocol":"HTTP/2","response_code":200,"response_flags":"-","bytes_sent":2,"duration":5,"x_forwarded_for":"192.0.2.7,10.0.0.1","user_agent":"curl/8","downstream_remote_address":"10.0.0.1:5000","authority":"api","route_name":null,"user":"ann"}"#;
        let nginx = r#"{"time_iso8601":"2026-11-29T08:00:00+01:00","remote_addr":"192.0.2.7","remote_user":"ann","request":"GET /a?x=1 HTTP/1.1","status":"200","http_user_agent":"curl/8","http_referer":"-","body":{"a":[1]}}"#;
        for text in [caddy, traefik, envoy, nginx] {
            let line = read(text, None);
            assert_eq!(line.asked, Asked::of("GET", "/a?x=1"), "{text}");
            assert_eq!(line.at.strftime("%H:%M:%S").to_string(), "07:00:00", "{text}");
            assert_eq!(
                (line.status, line.source.as_deref(), line.user.as_deref(), line.program.as_deref()),
                (Some(200), Some("192.0.2.7"), Some("ann"), Some("curl/8")),
                "{text}"
            );
        }
        assert_eq!(read(envoy, None).peer.as_deref(), Some("10.0.0.1"), "whom a header cannot change");
        assert_eq!(read(caddy, None).headers.len(), 2);
        assert_eq!((read(caddy, None).form, read(traefik, None).form), ("Caddy access log", "Traefik access log"));
        assert_eq!(read(nginx, Some("remote_addr")).key.as_deref(), Some("192.0.2.7"));
    }

    #[test]
    fn what_is_no_call_is_told_apart_from_what_is_no_line() {
        assert!(matches!(line(r#"{"level":"info","ts":1795935600.25,"msg":"using config"}"#, None), Read::Other));
        for text in ["{", "{}", r#"{"a":1}"#, "{\"ts\":1795935600,\"request\":\"GET / HTTP/1.1\",\"status\":200} x"] {
            assert!(matches!(line(text, None), Read::None), "{text}");
        }
    }
}
