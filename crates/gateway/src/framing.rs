//! What a request or an answer says about its own length and its own connection, and what of
//! that may travel on.
//!
//! hyper parses; this module refuses what hyper lets pass although it can be read in two
//! ways, takes everything out that speaks of one connection only, and writes the framing of
//! the next connection anew. hyper answers 400 by itself to differing or broken lengths, to
//! codings that do not end in `chunked`, to blanks before a colon, folded lines and control
//! characters, and closes the connection after a request with both a length and a coding.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, EXPECT, TE, TRANSFER_ENCODING, UPGRADE},
    request, response,
};
use http_body::Body as _;
use hyper::{body::Incoming, upgrade::OnUpgrade};
use law::Refusal;
use tokio::time::timeout;
use wire::second_method::Passing;

use crate::{
    body::Load,
    hold::{Spool, Unheld},
    pace::{Pace, Paced},
};

/// How long a body may take that is held: who sends it more slowly keeps others out.
const HOLDING: Duration = Duration::from_secs(30);

/// A request on its way to the upstream: read strictly, and free of everything that spoke of
/// the client's connection only. What stands in it now is what is judged and what is sent.
pub(crate) struct Outbound {
    /// Method, target and headers. Of the target, path and query are sent, byte for byte.
    pub(crate) parts: request::Parts,
    pub(crate) load: Load,
    pub(crate) expects: bool,
    pub(crate) onto: Option<Onto>,
    says_zero: bool,
    /// Looks for a second method in the body while it goes by.
    pub(crate) passing: Option<Box<Passing>>,
}

/// The protocol that the client wants to change to.
pub(crate) struct Onto {
    pub(crate) protocol: HeaderValue,
    pub(crate) client: OnUpgrade,
}

impl Outbound {
    /// Reads a request, whose body comes no slower than this.
    ///
    /// # Errors
    /// [`Refusal::MethodRefused`] for TRACE and CONNECT, [`Refusal::BadPath`] for a target that
    /// has no path, [`Refusal::BadFraming`] where the length could be read in a second way; the
    /// client's connection must be closed then, as [`refuse`](crate::refuse) does.
    pub(crate) fn read(mut request: Request<Incoming>, pace: Pace) -> Result<Self, Refusal> {
        if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
            return Err(Refusal::MethodRefused);
        }
        let path = request.uri().path_and_query().ok_or(Refusal::BadPath)?.as_str();
        if !path.starts_with('/') && path != "*" {
            return Err(Refusal::BadPath);
        }
        if !is_plain(request.headers()) {
            return Err(Refusal::BadFraming);
        }
        let client = hyper::upgrade::on(&mut request);
        let (mut parts, body) = request.into_parts();
        let protocol = if body.is_end_stream() { protocol(&parts) } else { None };
        let expects = parts.version > Version::HTTP_10
            && !body.is_end_stream()
            && parts.headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        let says_zero = body.is_end_stream() && parts.headers.contains_key(CONTENT_LENGTH);
        let trailers = has_token(&parts.headers, &TE, "trailers");
        strip_request(&mut parts.headers)?;
        if trailers {
            parts.headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        let onto = protocol.map(|protocol| Onto { protocol, client });
        Ok(Self { parts, load: Load::Stream(Paced::new(body, pace)), expects, onto, says_zero, passing: None })
    }

    /// The protocol that the client wants to change to, such as `websocket`. After the change
    /// nothing that is said can be judged.
    pub(crate) fn upgrade(&self) -> Option<&HeaderValue> {
        self.onto.as_ref().map(|onto| &onto.protocol)
    }

    /// Whether anything follows the head.
    pub(crate) fn has_body(&self) -> bool {
        !self.load.is_end()
    }

    /// Whether the body says by its length that it is longer than this.
    pub(crate) fn is_longer_than(&self, bytes: usize) -> bool {
        self.load.exact().is_some_and(|length| length > bytes as u64)
    }

    /// Whether the body says by its length that it is no longer than this.
    pub(crate) fn fits_within(&self, bytes: usize) -> bool {
        self.load.exact().is_some_and(|length| length <= bytes as u64)
    }

    /// Path and query as they are sent.
    pub(crate) fn target(&self) -> &str {
        self.parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
    }

    /// Takes the body in, so that it can be judged and can wait. A client that expects to be
    /// told so is told to send it.
    ///
    /// # Errors
    /// [`Refusal::TooLargeToHold`], [`Refusal::Busy`] when too much is held altogether,
    /// [`Refusal::BadFraming`] when the body breaks off, [`Refusal::ClientSlow`] when it comes
    /// too slowly. The rest of the body is unread then.
    pub(crate) async fn hold(&mut self, spool: &Spool) -> Result<Bytes, Refusal> {
        let (bytes, load) = match std::mem::take(&mut self.load) {
            Load::Stream(body) => {
                // Boxed: few requests are held, and each has room for this.
                let held = Box::pin(timeout(HOLDING, spool.hold(body))).await.unwrap_or(Err(Unheld::Slow));
                held.map_err(|unheld| match unheld {
                    Unheld::TooLarge => Refusal::TooLargeToHold,
                    Unheld::Full => Refusal::Busy,
                    Unheld::Broken => Refusal::BadFraming,
                    Unheld::Slow => Refusal::ClientSlow,
                })?
            }
            held @ Load::Held { .. } => (held.held().unwrap_or_default(), held),
        };
        self.load = load;
        self.parts.headers.remove(EXPECT);
        self.expects = false;
        Ok(bytes)
    }

    /// Writes the framing of the upstream's connection into the headers. `last` says that no other
    /// request follows on it.
    pub(crate) fn frame(&mut self, last: bool) {
        let headers = &mut self.parts.headers;
        let chunked = |headers: &mut HeaderMap| {
            // Without the header hyper would drop the body of a GET.
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        };
        if self.load.is_end() {
            if self.says_zero {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
            }
        } else if self.load.has_trailers() {
            chunked(headers);
        } else if let Some(length) = self.load.exact() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        } else {
            chunked(headers);
        }
        if last {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(onto) = &self.onto {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, onto.protocol.clone());
        }
    }
}

/// Takes out of an answer what spoke of the upstream's connection, and states its length as
/// its body has it.
///
/// # Errors
/// [`Refusal::UpstreamBroken`] for a transfer coding that was not asked for.
pub(crate) fn reframe(method: &Method, parts: &mut response::Parts, body: &Incoming) -> Result<(), Refusal> {
    if !is_plain(&parts.headers) {
        return Err(Refusal::UpstreamBroken);
    }
    let named = named(&parts.headers).map_err(|_| Refusal::UpstreamBroken)?;
    let gone = |name: &&HeaderName| is_of_connection(name.as_str()) || named.contains(name);
    let gone: Vec<HeaderName> = parts.headers.keys().filter(gone).cloned().collect();
    for name in gone {
        parts.headers.remove(name);
    }
    let without_body = *method == Method::HEAD || parts.status == StatusCode::NOT_MODIFIED;
    let stated =
        parts.headers.get(CONTENT_LENGTH).filter(|_| parts.headers.get_all(CONTENT_LENGTH).iter().count() == 1);
    let length = match stated.and_then(plain_number) {
        // What a body would have had.
        Some(stated) if without_body => Some(stated),
        _ if without_body || !may_have_length(parts.status) => None,
        _ => body.size_hint().exact(),
    };
    match length {
        Some(length) if stated.and_then(plain_number) == Some(length) => {}
        Some(length) => drop(parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(length))),
        None => drop(parts.headers.remove(CONTENT_LENGTH)),
    }
    parts.version = Version::HTTP_11;
    Ok(())
}

/// Trailers that may travel on: none that could be taken for framing, for a credential, or for
/// what the gate itself says about the request.
pub(crate) fn strip_trailers(trailers: &mut HeaderMap) {
    retain(trailers, |name| {
        let plain = dashed(name.as_str());
        let forged = [
            "greave-",
            "x-greave-",
            "x-forwarded-",
            "forwarded",
            "x-real-",
            "x-original-",
            "x-rewrite-",
            "x-remote-",
            "remote-user",
            "x-auth",
            "x-webauth-",
            "x-api-key",
            "api-key",
            "x-access-token",
            "private-token",
            "authorization",
            "cookie",
        ];
        !is_of_connection(&plain)
            && plain != "content-length"
            && !wire::second_method::is_header(&plain)
            && !wire::second_path::is_header(&plain)
            && !forged.iter().any(|start| plain.starts_with(start))
    });
}

/// Whether a transfer coding, if there is one, is `chunked` and nothing else. hyper looks only
/// at the last one.
fn is_plain(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// The protocol that the client wants to change to. HTTP/2 is left out: the gate could not
/// judge what is said inside.
fn protocol(parts: &request::Parts) -> Option<HeaderValue> {
    if parts.version != Version::HTTP_11 || !has_token(&parts.headers, &CONNECTION, "upgrade") {
        return None;
    }
    let wanted: Vec<&str> = tokens(&parts.headers, &UPGRADE)
        .filter(|token| !["h2c", "h2", "http/2.0", "tls/1.0"].iter().any(|bad| token.eq_ignore_ascii_case(bad)))
        .collect();
    if wanted.is_empty() { None } else { HeaderValue::from_str(&wanted.join(", ")).ok() }
}

/// The number, as long as it is written the one way that it can be written.
fn plain_number(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?;
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

const fn may_have_length(status: StatusCode) -> bool {
    !matches!(status, StatusCode::NO_CONTENT | StatusCode::SWITCHING_PROTOCOLS)
}

/// Takes out of a request what speaks of one connection only. Lengths go too: they are stated
/// anew, as the body has them.
fn strip_request(headers: &mut HeaderMap) -> Result<(), Refusal> {
    let named = named(headers)?;
    retain(headers, |name| {
        let text = name.as_str();
        // Servers of the CGI family read `content_length` as `content-length`.
        let twin = text.contains('_') && {
            let plain = dashed(text);
            is_of_connection(&plain)
                || matches!(&*plain, "content-length" | "content-type" | "content-encoding" | "host" | "expect")
        };
        !twin && name != CONTENT_LENGTH && !is_of_connection(text) && !named.contains(name)
    });
    Ok(())
}

/// The headers that `Connection` names as speaking of one connection only (RFC 9110, 7.6.1).
fn named(headers: &HeaderMap) -> Result<Vec<HeaderName>, Refusal> {
    let mut named = Vec::new();
    for value in headers.get_all(CONNECTION) {
        for token in value.to_str().map_err(|_| Refusal::BadFraming)?.split(',').map(str::trim) {
            // What a trusted proxy says of the client is said to the gate, which says it anew; the
            // host is whose request it is.
            let is_way =
                || token.eq_ignore_ascii_case("host") || begins(token, "forwarded") || begins(token, "x-forwarded-");
            if !token.is_empty() && !["keep-alive", "close"].contains(&token) && !is_way() {
                named.push(token.parse().map_err(|_| Refusal::BadFraming)?);
            }
        }
    }
    Ok(named)
}

fn begins(token: &str, with: &str) -> bool {
    token.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with))
}

/// Whether a header speaks of one connection.
fn is_of_connection(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "http2-settings"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

fn dashed(name: &str) -> String {
    name.replace('_', "-")
}

/// Keeps some headers, all of them in their order; `HeaderMap::remove` would move the last one
/// to the gap.
pub(crate) fn retain(headers: &mut HeaderMap, keep: impl Fn(&HeaderName) -> bool) {
    if headers.keys().all(&keep) {
        return;
    }
    let mut kept = HeaderMap::with_capacity(headers.len());
    let mut last = None;
    for (name, value) in std::mem::take(headers) {
        if let Some(name) = name {
            last = Some(name);
        }
        if let Some(name) = &last
            && keep(name)
        {
            kept.append(name.clone(), value);
        }
    }
    *headers = kept;
}

fn has_token(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    tokens(headers, name).any(|token| token.eq_ignore_ascii_case(wanted))
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

/// Whether the upstream changed to one of the protocols that it was offered.
pub(crate) fn changed_to(offered: &HeaderValue, answer: &HeaderMap) -> Option<HeaderValue> {
    let mut values = answer.get_all(UPGRADE).iter();
    let (Some(chosen), None) = (values.next(), values.next()) else { return None };
    let name = chosen.to_str().ok()?.trim();
    let offered = offered.to_str().ok()?;
    offered.split(',').any(|offer| offer.trim().eq_ignore_ascii_case(name)).then(|| chosen.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        map
    }

    fn names(map: &HeaderMap) -> Vec<&str> {
        map.keys().map(HeaderName::as_str).collect()
    }

    #[test]
    fn what_speaks_of_one_connection_stays_behind_and_the_rest_keeps_its_order() {
        let mut map = headers(&[
            ("host", "a"),
            ("connection", "close, X-Hop"),
            ("accept", "b"),
            ("x-hop", "1"),
            ("keep-alive", "5"),
            ("cookie", "c"),
            ("proxy-authorization", "Basic x"),
            ("http2-settings", "x"),
            ("trailer", "x-sum"),
            ("accept", "d"),
            ("x-last", "e"),
        ]);
        strip_request(&mut map).unwrap();
        assert_eq!(names(&map), ["host", "accept", "cookie", "trailer", "x-last"]);
        assert_eq!(map.get_all("accept").iter().count(), 2);
    }

    #[test]
    fn underscore_twins_of_framing_stay_behind() {
        let mut map =
            headers(&[("transfer_encoding", "chunked"), ("content_length", "5"), ("host_", "x"), ("x_y", "z")]);
        strip_request(&mut map).unwrap();
        assert_eq!(names(&map), ["host_", "x_y"]);
    }

    #[test]
    fn only_chunked_alone_is_plain() {
        for plain in ["chunked", "Chunked", "chunked "] {
            assert!(is_plain(&headers(&[("transfer-encoding", plain)])), "{plain}");
        }
        for coding in ["gzip, chunked", "chunked, chunked", "xchunked", "chunked;q=1", "identity", ""] {
            assert!(!is_plain(&headers(&[("transfer-encoding", coding)])), "{coding}");
        }
        assert!(!is_plain(&headers(&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")])));
    }

    #[test]
    fn trailers_cannot_carry_what_only_the_gate_says() {
        let mut map = headers(&[
            ("x-sum", "1"),
            ("greave-holder", "h1"),
            ("greave_holder", "h1"),
            ("x-forwarded-for", "1.2.3.4"),
            ("content-length", "5"),
            ("authorization", "Bearer x"),
            ("script_name", "/orders"),
            ("grpc-status", "0"),
        ]);
        strip_trailers(&mut map);
        assert_eq!(names(&map), ["x-sum", "grpc-status"]);
    }

    #[test]
    fn http2_is_no_upgrade() {
        let parts = |upgrade: &str| {
            let request = Request::get("/").header("connection", "Upgrade").header("upgrade", upgrade);
            request.body(()).unwrap().into_parts().0
        };
        assert_eq!(protocol(&parts("h2c")), None);
        assert_eq!(protocol(&parts("websocket, H2C")).unwrap(), "websocket");
        assert_eq!(
            changed_to(&"websocket, foo/2".parse().unwrap(), &headers(&[("upgrade", "Foo/2")])).unwrap(),
            "Foo/2"
        );
        assert_eq!(changed_to(&"websocket".parse().unwrap(), &headers(&[("upgrade", "h2c")])), None);
    }

    proptest! {
        #[test]
        fn stripping_again_changes_nothing(
            lines in prop::collection::vec(("[a-z_-]{1,8}|connection|te|upgrade|host", "[a-z, -]{0,12}"), 0..12)
        ) {
            let mut map = HeaderMap::new();
            for (name, value) in &lines {
                map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            }
            if strip_request(&mut map).is_ok() {
                let once = map.clone();
                strip_request(&mut map).unwrap();
                prop_assert_eq!(once, map);
            }
        }
    }
}
