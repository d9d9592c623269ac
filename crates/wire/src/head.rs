//! How strict the gate is with the head of a request.
//!
//! hyper reads heads more kindly than a gate may, and hides some of what it read. What it
//! shows is judged by [`check`]; of what it hides, this has to be known:
//!
//! - Of a request with both `Content-Length` and `Transfer-Encoding` hyper drops the length
//!   before anybody sees it, reads the body as chunked, and closes the connection afterwards.
//!   Two equal `Content-Length` lines reach us as one. A proxy before the gate may have
//!   believed the length that hyper dropped: that nothing follows on the connection then is
//!   what `crates/gateway/src/tests/framing.rs` holds hyper to.
//! - Lines may end in a bare LF, and a header that is folded over several lines is refused.
//!   Neither goes on: heads are written anew and bodies are framed anew.
//! - A fragment is cut off the target. What goes on is the target without it.
//! - A missing, an empty and a second `Host` are let through; [`check`] does not.
//! - Spaces around a value are taken off. Spaces before the colon are refused.

use std::net::Ipv6Addr;

use http::{HeaderMap, HeaderValue, Method, Uri, Version, header, uri::Scheme};
use law::Refusal;

use crate::{Query, second_method, second_path};

/// Checks method, target and headers of a request for what could be read in two ways.
///
/// # Errors
/// - [`Refusal::MethodRefused`] for `TRACE`, `TRACK` and `CONNECT` in any case of letters;
/// - [`Refusal::BadHost`] where there is not exactly one host (HTTP/1.0 may have none), where
///   it is no host, or where the target names another one;
/// - [`Refusal::BadFraming`] for two lengths, a length that is no number, a transfer coding
///   other than exactly `chunked`, or both;
/// - [`Refusal::MethodOverride`] where a header or the query names a second method;
/// - [`Refusal::PathOverride`] where a header says what is called, as CGI does;
/// - [`Refusal::BadHeader`] for two content types;
/// - [`Refusal::BadPath`] for `*` with a method other than `OPTIONS`.
pub fn check(method: &Method, version: Version, headers: &HeaderMap, uri: &Uri) -> Result<(), Refusal> {
    check_method(method)?;
    check_host(version, headers, uri)?;
    check_framing(version, headers)?;
    check_override(headers, Query::new(uri.query()))?;
    if headers.keys().any(|name| second_path::is_header(name.as_str())) {
        return Err(Refusal::PathOverride);
    }
    // Which of two types the upstream believes, nobody knows.
    if headers.get_all(header::CONTENT_TYPE).iter().nth(1).is_some() {
        return Err(Refusal::BadHeader);
    }
    if uri.path() == "*" && method != Method::OPTIONS {
        return Err(Refusal::BadPath);
    }
    Ok(())
}

fn check_method(method: &Method) -> Result<(), Refusal> {
    let refused = ["TRACE", "TRACK", "CONNECT"].iter().any(|name| method.as_str().eq_ignore_ascii_case(name));
    if refused { Err(Refusal::MethodRefused) } else { Ok(()) }
}

fn check_host(version: Version, headers: &HeaderMap, uri: &Uri) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(host.to_str().map_err(|_| Refusal::BadHost)?),
        (None, _) => None,
        (Some(_), Some(_)) => return Err(Refusal::BadHost),
    };
    let target = uri.authority().map(http::uri::Authority::as_str);
    if uri.scheme().is_some_and(|scheme| *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS) {
        return Err(Refusal::BadHost);
    }
    match (host, target) {
        // HTTP/2 may name the host in the target only; HTTP/1.1 must have the header.
        (None, Some(target)) if version >= Version::HTTP_2 && is_host(target) => Ok(()),
        (None, None) if version <= Version::HTTP_10 => Ok(()),
        (None, _) => Err(Refusal::BadHost),
        (Some(host), _) if !is_host(host) => Err(Refusal::BadHost),
        (Some(host), Some(target)) if !host.eq_ignore_ascii_case(target) => Err(Refusal::BadHost),
        (Some(_), _) => Ok(()),
    }
}

/// Whether a text is a name or an address, with a port or without, and nothing else.
pub(crate) fn is_host(text: &str) -> bool {
    let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            if address.parse::<Ipv6Addr>().is_err() {
                return false;
            }
            match rest.strip_prefix(':') {
                Some(port) => ("", Some(port)),
                None if rest.is_empty() => ("", None),
                None => return false,
            }
        }
        None => match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        },
    };
    let is_named = text.starts_with('[')
        || !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    is_named && port.is_none_or(|port| is_number(port.as_bytes()) && port.parse::<u16>().is_ok())
}

fn check_framing(version: Version, headers: &HeaderMap) -> Result<(), Refusal> {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let (length, coding) = (lengths.next(), codings.next());
    let is_single = lengths.next().is_none() && codings.next().is_none() && !(length.is_some() && coding.is_some());
    let has_good_length = length.is_none_or(is_length);
    let has_good_coding = coding.is_none_or(|coding| coding == "chunked" && version == Version::HTTP_11);
    if is_single && has_good_length && has_good_coding { Ok(()) } else { Err(Refusal::BadFraming) }
}

fn is_length(value: &HeaderValue) -> bool {
    is_number(value.as_bytes()) && value.to_str().is_ok_and(|text| text.parse::<u64>().is_ok())
}

fn is_number(digits: &[u8]) -> bool {
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn check_override(headers: &HeaderMap, query: Query<'_>) -> Result<(), Refusal> {
    let in_headers = headers.keys().any(|name| second_method::is_header(name.as_str()));
    let in_query =
        query.parameters().chain(query.parameters_at_semicolons()).any(|field| second_method::is_field(&field.name));
    if in_headers || in_query { Err(Refusal::MethodOverride) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn checked(method: &str, version: Version, target: &str, lines: &[(&'static str, &str)]) -> Result<(), Refusal> {
        check(&method.parse().unwrap(), version, &head(lines), &target.parse().unwrap())
    }

    fn get(target: &str, lines: &[(&'static str, &str)]) -> Result<(), Refusal> {
        checked("GET", Version::HTTP_11, target, lines)
    }

    const HOST: (&str, &str) = ("host", "api.example");

    #[test]
    fn an_honest_head_passes() {
        for host in [
            "api.example",
            "api.example:8443",
            "127.0.0.1:1",
            "[::1]",
            "[2001:db8::1]:443",
            "my_service",
            "API.example",
        ] {
            assert_eq!(get("/a?b=c", &[("host", host)]), Ok(()), "{host}");
        }
        assert_eq!(get("/", &[HOST, ("content-length", "0")]), Ok(()));
        assert_eq!(get("/", &[HOST, ("transfer-encoding", "chunked")]), Ok(()));
        assert_eq!(get("http://API.example/a", &[HOST]), Ok(()));
        assert_eq!(checked("OPTIONS", Version::HTTP_11, "*", &[HOST]), Ok(()));
        assert_eq!(checked("GET", Version::HTTP_10, "/", &[]), Ok(()));
        assert_eq!(checked("PURGE", Version::HTTP_11, "/", &[HOST]), Ok(()));
        assert_eq!(checked("GET", Version::HTTP_2, "https://api.example/", &[]), Ok(()));
    }

    #[test]
    fn one_host_and_no_other() {
        assert_eq!(get("/", &[]), Err(Refusal::BadHost));
        assert_eq!(get("/", &[HOST, HOST]), Err(Refusal::BadHost));
        assert_eq!(get("/", &[HOST, ("host", "elsewhere.example")]), Err(Refusal::BadHost));
        assert_eq!(get("http://elsewhere.example/a", &[HOST]), Err(Refusal::BadHost));
        assert_eq!(get("http://api.example/a", &[]), Err(Refusal::BadHost));
        assert_eq!(get("ftp://api.example/a", &[HOST]), Err(Refusal::BadHost));
        assert_eq!(checked("GET", Version::HTTP_2, "https://elsewhere.example/", &[HOST]), Err(Refusal::BadHost));
        assert_eq!(checked("GET", Version::HTTP_10, "/", &[HOST, HOST]), Err(Refusal::BadHost));
        for host in [
            "",
            " ",
            "a b",
            "a,b",
            "a/b",
            "a#",
            "a?",
            "a@b",
            "user:pw@a",
            "a:b",
            "a:",
            "a:99999",
            "a:80:80",
            "a:+80",
            "::1",
            "[::1",
            "[::1]x",
            "[zz]",
            "a%2eb",
            "a\tb",
            "a\\b",
            ":80",
        ] {
            assert_eq!(get("/", &[("host", host)]), Err(Refusal::BadHost), "`{host}`");
        }
    }

    #[test]
    fn one_length_and_no_other() {
        let refused: &[&[(&str, &str)]] = &[
            &[("content-length", "1"), ("content-length", "1")],
            &[("content-length", "1"), ("content-length", "2")],
            &[("content-length", "1"), ("transfer-encoding", "chunked")],
            &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
            &[("transfer-encoding", "chunked"), ("transfer-encoding", "identity")],
            &[("content-length", "1, 1")],
            &[("content-length", "+1")],
            &[("content-length", "-1")],
            &[("content-length", "0x1")],
            &[("content-length", "1 1")],
            &[("content-length", "")],
            &[("content-length", "99999999999999999999999")],
            &[("transfer-encoding", "Chunked")],
            &[("transfer-encoding", "xchunked")],
            &[("transfer-encoding", "chunked, chunked")],
            &[("transfer-encoding", "gzip, chunked")],
            &[("transfer-encoding", "chunked;q=1")],
            &[("transfer-encoding", "\tchunked")],
            &[("transfer-encoding", "identity")],
            &[("transfer-encoding", "")],
        ];
        for lines in refused {
            let lines: Vec<_> = [HOST].iter().chain(*lines).copied().collect();
            assert_eq!(get("/", &lines), Err(Refusal::BadFraming), "{lines:?}");
        }
        let chunked = [HOST, ("transfer-encoding", "chunked")];
        assert_eq!(checked("POST", Version::HTTP_10, "/", &chunked), Err(Refusal::BadFraming));
        assert_eq!(checked("POST", Version::HTTP_2, "/", &chunked), Err(Refusal::BadFraming));
    }

    #[test]
    fn no_second_path() {
        for name in ["SCRIPT_NAME", "Script-Name", "PATH_INFO", "script.name", "Request_URI", "Query-String"] {
            let mut headers = head(&[HOST]);
            headers.append(http::HeaderName::try_from(name).unwrap(), HeaderValue::from_static("/orders"));
            let refused = check(&Method::GET, Version::HTTP_11, &headers, &"/".parse().unwrap());
            assert_eq!(refused, Err(Refusal::PathOverride), "{name}");
        }
        assert_eq!(get("/", &[HOST, ("api_key", "k"), ("account_id", "7"), ("referer", "/orders")]), Ok(()));
    }

    #[test]
    fn no_second_method() {
        for name in [
            "X-HTTP-Method-Override",
            "X-HTTP-Method",
            "X-Method-Override",
            "X_HTTP_Method_Override",
            "x-http_method",
            "X.HTTP.Verb",
        ] {
            let mut headers = head(&[HOST]);
            headers.append(http::HeaderName::try_from(name).unwrap(), HeaderValue::from_static("DELETE"));
            let refused = check(&Method::POST, Version::HTTP_11, &headers, &"/".parse().unwrap());
            assert_eq!(refused, Err(Refusal::MethodOverride), "{name}");
        }
        for target in [
            "/?_method=DELETE",
            "/?a=1;_method=PUT",
            "/?%5fmethod=PUT",
            "/?_METHOD=PUT",
            "/?_method[]=PUT",
            "/?.method=PUT",
            "/?+_method=PUT",
            "/?_method%00x=PUT",
            "/?X-HTTP-Method-Override=PUT",
            "/?a&_method",
        ] {
            assert_eq!(get(target, &[HOST]), Err(Refusal::MethodOverride), "{target}");
        }
        assert_eq!(get("/?method=DELETE&my_method=x", &[HOST]), Ok(()));
    }

    #[test]
    fn one_content_type_and_no_other() {
        let kind = ("content-type", "application/json");
        assert_eq!(get("/", &[HOST, kind]), Ok(()));
        assert_eq!(get("/", &[HOST, kind, kind]), Err(Refusal::BadHeader));
    }

    #[test]
    fn some_methods_never_pass() {
        for method in ["TRACE", "trace", "CONNECT", "Connect", "TRACK"] {
            assert_eq!(checked(method, Version::HTTP_11, "/", &[HOST]), Err(Refusal::MethodRefused), "{method}");
        }
        assert_eq!(get("*", &[HOST]), Err(Refusal::BadPath));
    }
}
