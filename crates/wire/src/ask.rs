//! What a client asks of the gate itself.

use http::{HeaderMap, HeaderName, HeaderValue};
use law::{Refusal, Span};

use crate::Secret;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const GREAVE_OTP: HeaderName = HeaderName::from_static("greave-otp");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest `Idempotency-Key`, in bytes.
const LONGEST_IDEMPOTENCY_KEY: usize = 255;

/// How long the client would wait for a person: `Prefer: wait=N`, in seconds (RFC 7240
/// section 4.3). The first one counts; what cannot be read is no preference.
pub fn wait(headers: &HeaderMap) -> Option<Span> {
    let mut waits = every_preference(headers).filter_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim())
    });
    let seconds = unquote(waits.next()?);
    let is_number = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
    // A number that does not fit is a long time, and whoever asks has a cap.
    is_number.then(|| Span::seconds(seconds.parse().unwrap_or(u32::MAX)))
}

/// What else the client prefers, in order: the upstream may obey it.
pub fn preferences(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let is_wait = |preference: &str| {
        let name = preference.split(['=', ';']).next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case("wait")
    };
    every_preference(headers).map(str::trim).filter(move |preference| !preference.is_empty() && !is_wait(preference))
}

fn every_preference(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','))
}

/// The code of a person's authenticator in `Greave-OTP`: six to eight digits.
///
/// # Errors
/// [`Refusal::BadHeader`] where there are two, or where it is no code.
pub fn one_time_code(headers: &HeaderMap) -> Result<Option<Secret>, Refusal> {
    let Some(value) = single(headers, &GREAVE_OTP)? else { return Ok(None) };
    let is_code = (6..=8).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_digit);
    if is_code { Ok(Some(Secret::new(value.as_bytes()))) } else { Err(Refusal::BadHeader) }
}

/// The `Idempotency-Key`, by which a client says that two requests are one. It is a quoted
/// string by its draft; many clients leave the quotes away, and mean the same.
///
/// # Errors
/// [`Refusal::BadHeader`] where there are two, or where it is empty, longer than 255 bytes or
/// not of visible ASCII.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let Some(value) = single(headers, &IDEMPOTENCY_KEY)? else { return Ok(None) };
    let key = unquote(value.to_str().map_err(|_| Refusal::BadHeader)?.trim());
    let is_key = (1..=LONGEST_IDEMPOTENCY_KEY).contains(&key.len())
        && key.bytes().all(|byte| (byte.is_ascii_graphic() || byte == b' ') && byte != b'"' && byte != b'\\');
    if is_key { Ok(Some(key)) } else { Err(Refusal::BadHeader) }
}

/// The value of a header that may be there once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(Refusal::BadHeader),
    }
}

fn unquote(text: &str) -> &str {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(name: &'static str, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_preference_for_waiting_is_read() {
        let wait = |values: &[&str]| super::wait(&head("prefer", values)).map(Span::as_secs);
        assert_eq!(wait(&["wait=10"]), Some(10));
        assert_eq!(wait(&["respond-async, WAIT = \"10\"; x=y"]), Some(10));
        assert_eq!(wait(&["return=minimal", "wait=1, wait=2"]), Some(1));
        assert_eq!(wait(&["wait=0"]), Some(0));
        assert_eq!(wait(&["wait=99999999999999"]), Some(u32::MAX));
        for value in ["", "wait", "wait=", "wait=-1", "wait=+1", "wait=1.5", "wait=x", "await=1", "wait=\"1"] {
            assert_eq!(wait(&[value]), None, "{value}");
        }
    }

    #[test]
    fn what_is_preferred_beside_waiting_is_the_upstreams() {
        let headers = head("prefer", &["return=minimal, WAIT=3", "wait;x, tx=rollback; y"]);
        assert_eq!(preferences(&headers).collect::<Vec<_>>(), ["return=minimal", "tx=rollback; y"]);
    }

    #[test]
    fn a_code_is_six_to_eight_digits() {
        for code in ["123456", "1234567", "12345678"] {
            let read = one_time_code(&head("greave-otp", &[code])).unwrap_or_else(|_| panic!()).unwrap();
            assert_eq!(read.expose(), code.as_bytes());
        }
        assert!(one_time_code(&HeaderMap::new()).is_ok_and(|code| code.is_none()));
        for values in
            [&["12345"][..], &["123456789"], &["12345a"], &["123 456"], &[""], &["123456", "123456"], &["-12345"]]
        {
            assert!(one_time_code(&head("greave-otp", values)).is_err(), "{values:?}");
        }
    }

    #[test]
    fn an_idempotency_key_may_come_without_quotes() {
        let key = |value: &str| idempotency_key(&head("idempotency-key", &[value])).map(|key| key.map(str::to_owned));
        assert_eq!(key("\"8e03978e\""), Ok(Some("8e03978e".into())));
        assert_eq!(key("8e03978e"), Ok(Some("8e03978e".into())));
        assert_eq!(idempotency_key(&HeaderMap::new()), Ok(None));
        for value in ["", "\"\"", "\"a", "a\\\"b", "a\tb", &"x".repeat(256)] {
            assert_eq!(key(value), Err(Refusal::BadHeader), "{value}");
        }
        assert_eq!(idempotency_key(&head("idempotency-key", &["a", "a"])), Err(Refusal::BadHeader));
    }
}
