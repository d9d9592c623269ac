//! A credential that an answer brings to an issued key is put away, and a key of the gate goes
//! out in its place. Whatever cannot be done is said, and the credential does not go out.

use std::{fmt, pin::Pin, sync::Arc};

use authority::Credential;
use bytes::Bytes;
use http::{
    HeaderValue,
    header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, ETAG, HeaderName, LAST_MODIFIED},
    response,
};
use law::KeyId;
use wire::Secret;

use crate::{lens, rows::Pointer};

/// What an answer brought.
pub struct Brought {
    /// The credential.
    pub credential: Credential,
    /// What the API calls it, where the answer says so.
    pub upstream: Option<String>,
}

/// Puts a credential away, durably; the issued key that stands for it, with its secret.
pub type PutAway = Arc<dyn Fn(Brought) -> Pin<Box<dyn Future<Output = Option<(KeyId, Secret)>> + Send>> + Send + Sync>;

/// How one answer's credential is swapped.
pub struct Swap {
    /// Where the credential stands.
    pub at: Pointer,
    /// Where the API's name for it stands, where that is known.
    pub named: Option<Pointer>,
    /// What becomes of it.
    pub put_away: PutAway,
}

/// Why an answer's credential could not be swapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unswapped {
    /// The answer is not JSON, or is encoded.
    Unreadable,
    /// It is too long to be read whole.
    TooLong,
    /// The credential is not where the document says.
    NotThere,
    /// What stands there cannot be a credential, or not one that can be looked for.
    NoCredential,
    /// It stands elsewhere in the answer, too.
    Elsewhere,
    /// There is no key to stand for it.
    NotIssued,
}

impl fmt::Display for Unswapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "it is not JSON, or it is encoded",
            Self::TooLong => "it is longer than 256 KiB",
            Self::NotThere => "the credential is not where the API's document says",
            Self::NoCredential => "what stands in the credential's place is none that could be kept in",
            Self::Elsewhere => "the credential stands in it a second time",
            Self::NotIssued => "a key in its place could not be issued",
        })
    }
}

/// What says that a body is as its sender sent it.
const OF_THE_BODY: [HeaderName; 10] = [
    ETAG,
    LAST_MODIFIED,
    ACCEPT_RANGES,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("signature"),
    HeaderName::from_static("signature-input"),
    HeaderName::from_static("x-content-sha256"),
];

impl Swap {
    /// The answer with a key of the gate in place of the credential that it brought; nothing
    /// where it has no body.
    pub(crate) async fn swap(
        &self,
        parts: &mut response::Parts,
        whole: &[u8],
    ) -> Result<Option<(KeyId, Bytes)>, Unswapped> {
        if whole.is_empty() {
            return Ok(None);
        }
        if !lens::is_plain_json(&parts.headers) {
            return Err(Unswapped::Unreadable);
        }
        let text = str::from_utf8(whole).map_err(|_| Unswapped::Unreadable)?;
        let value: serde_json::Value = serde_json::from_str(text).map_err(|_| Unswapped::Unreadable)?;
        let brought = value.pointer(self.at.text()).ok_or(Unswapped::NotThere)?.as_str().ok_or(Unswapped::NotThere)?;
        let credential = Credential::new(brought.as_bytes()).map_err(|_| Unswapped::NoCredential)?;
        let sought = Arc::clone(credential.sought());
        // Before anything is issued: what stands there a second time in other words stays.
        let blank = replaced(text, brought, "");
        let heads = parts.headers.iter().flat_map(|(name, value)| [name.as_str().as_bytes(), value.as_bytes()]);
        if heads.chain([blank.as_bytes()]).any(|text| sought.is_in(text)) {
            return Err(Unswapped::Elsewhere);
        }
        let upstream = self.named.as_ref().and_then(|at| lens::named(&value, at));
        let put_away = (self.put_away)(Brought { credential, upstream });
        let (key, secret) = put_away.await.ok_or(Unswapped::NotIssued)?;
        // Why it is exposed: it is shown to who asked for it, this once.
        let shown = str::from_utf8(secret.expose()).map_err(|_| Unswapped::NotIssued)?;
        let body = Bytes::from(replaced(text, brought, shown));
        for name in OF_THE_BODY {
            parts.headers.remove(name);
        }
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(Some((key, body)))
    }
}

/// A JSON text in which every string that says `old` says `new`, and nothing else is changed:
/// neither the order of members nor how numbers are written. Names of members stay.
fn replaced(text: &str, old: &str, new: &str) -> String {
    let (mut result, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, from)) = rest.split_once('"') {
        result.push_str(before);
        let (string, after) = from.split_at(end_of_string(from));
        let quoted = format!("\"{string}");
        let is_name = || after.trim_start().starts_with(':');
        let says = || serde_json::from_str::<String>(&quoted).is_ok_and(|string| string == old);
        if !is_name() && says() {
            result.push_str(&serde_json::Value::from(new).to_string());
        } else {
            result.push_str(&quoted);
        }
        rest = after;
    }
    result.push_str(rest);
    result
}

/// Where a string ends whose opening quote came before: behind its closing one.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn only_the_strings_that_say_it_are_replaced() {
        let text =
            r#"{ "b":1.50, "tok\u0065n" : "s\u0065cret","a":[ "secret ", "secret" ], "secret":{"x":"\"secret\""}}"#;
        let expected = r#"{ "b":1.50, "tok\u0065n" : "new","a":[ "secret ", "new" ], "secret":{"x":"\"secret\""}}"#;
        assert_eq!(replaced(text, "secret", "new"), expected);
    }

    fn swap(put_away: PutAway) -> Swap {
        Swap { at: Pointer::parse("/token").unwrap(), named: Pointer::parse("/id"), put_away }
    }

    async fn swapped(body: &str, headers: &[(&'static str, &str)]) -> Result<Option<(KeyId, Bytes)>, Unswapped> {
        let mut parts = http::Response::new(()).into_parts().0;
        parts.headers.insert("content-type", HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            parts.headers.insert(*name, value.parse().unwrap());
        }
        let put_away: PutAway = Arc::new(|brought: Brought| {
            assert_eq!(brought.credential.secret().expose(), b"tok_9f3c1e7a52d84b06");
            assert_eq!(brought.upstream.as_deref(), Some("7"));
            Box::pin(async { Some((KeyId(3), Secret::new(b"gk_child"))) })
        });
        let swapped = swap(put_away).swap(&mut parts, body.as_bytes()).await?;
        if let Some((_, body)) = &swapped {
            assert_eq!(parts.headers["content-length"], body.len().to_string());
            assert!(!parts.headers.contains_key("etag"));
        }
        Ok(swapped)
    }

    #[tokio::test]
    async fn a_credential_is_swapped_or_does_not_go_out() {
        let body = r#"{"id":7,"token":"tok_9f3c1e7a52d84b06"}"#;
        let (key, out) = swapped(body, &[("etag", "x"), ("content-length", "1")]).await.unwrap().unwrap();
        assert_eq!((key, &*out), (KeyId(3), &br#"{"id":7,"token":"gk_child"}"#[..]));
        assert!(swapped("", &[]).await.unwrap().is_none());
        let twice = r#"{"id":7,"token":"tok_9f3c1e7a52d84b06","use":"?key=tok_9f3c1e7a52d84b06"}"#;
        for (body, headers, why) in [
            (body, [("content-type", "text/plain")], Unswapped::Unreadable),
            (body, [("content-encoding", "gzip")], Unswapped::Unreadable),
            (body, [("location", "/tok_9f3c1e7a52d84b06")], Unswapped::Elsewhere),
            (twice, [("x", "y")], Unswapped::Elsewhere),
            (r#"{"id":7}"#, [("x", "y")], Unswapped::NotThere),
            (r#"{"id":7,"token":["tok_9f3c1e7a52d84b06"]}"#, [("x", "y")], Unswapped::NotThere),
            (r#"{"id":7,"token":"short"}"#, [("x", "y")], Unswapped::NoCredential),
            ("tok_9f3c1e7a52d84b06", [("x", "y")], Unswapped::Unreadable),
        ] {
            assert_eq!(swapped(body, &headers).await.unwrap_err(), why, "{body}");
        }
    }

    fn with(value: &Value, old: &str, new: &str) -> Value {
        match value {
            Value::String(text) if text == old => new.into(),
            Value::Array(items) => items.iter().map(|item| with(item, old, new)).collect(),
            Value::Object(members) => {
                members.iter().map(|(name, member)| (name.clone(), with(member, old, new))).collect()
            }
            other => other.clone(),
        }
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![any::<i64>().prop_map(Value::from), r#"["\\:a]{0,3}"#.prop_map(Value::from)];
        leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map("[a\"\\\\:]{0,2}", inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn replacing_agrees_with_parsing(value in anything(), old in "[a:\"]{1,2}") {
            let text = replaced(&value.to_string(), &old, "new");
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), with(&value, &old, "new"));
        }
    }
}
