//! A credential that an answer brings to an issued key is put away, and a key of the gate goes
//! out in its place. Whatever cannot be done is said, and the credential does not go out.

mod called;

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use authority::Credential;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue,
    header::{
        ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, LAST_MODIFIED,
    },
    response,
};
use law::KeyId;
use serde_json::Value;
use wire::Secret;

use crate::{lens, rows::Pointer};
use called::{brings, head_brings, is_complaint};

/// What an answer brought.
pub(crate) struct Brought {
    /// The credential.
    pub(crate) credential: Credential,
    /// What the API calls it, where the answer says so.
    pub(crate) upstream: Option<String>,
}

/// Puts a credential away, durably; the issued key that stands for it, with its secret.
pub(crate) type PutAway =
    Arc<dyn Fn(Brought) -> Pin<Box<dyn Future<Output = Option<(KeyId, Secret)>> + Send>> + Send + Sync>;

/// How one answer's credential is swapped.
pub(crate) struct Swap {
    /// Where the credential stands. Where the document does not say, there must be none.
    pub(crate) at: Option<Pointer>,
    /// Where the API's name for it stands, where that is known.
    pub(crate) named: Option<Pointer>,
    /// What becomes of it.
    pub(crate) put_away: PutAway,
    /// Tells of it where nothing becomes of it.
    pub(crate) pending: Arc<Pending>,
}

/// A request that may make a credential. When nobody holds this any more, and nobody has said
/// what became of the credential, it is told that there may be one: however the exchange ended.
pub(crate) struct Pending {
    tell: Box<dyn Fn(&str) + Send + Sync>,
    sent: AtomicBool,
    settled: AtomicBool,
    why: OnceLock<String>,
}

impl Pending {
    /// Tells by this, with the reason.
    pub(crate) fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            tell: Box::new(tell),
            sent: AtomicBool::new(false),
            settled: AtomicBool::new(false),
            why: OnceLock::new(),
        })
    }

    /// From now on the API may have made one.
    pub(crate) fn sent(&self) {
        self.sent.store(true, Ordering::Release);
    }

    /// There is none, or a key stands for it.
    pub(crate) fn settle(&self) {
        self.settled.store(true, Ordering::Release);
    }

    /// Why nothing became of it. The first reason is right.
    pub(crate) fn because(&self, why: impl fmt::Display) {
        let _ = self.why.set(why.to_string());
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if *self.sent.get_mut() && !*self.settled.get_mut() {
            let why = self.why.get().map_or("the client went away, or the call was ended, before it was read", |it| it);
            (self.tell)(why);
        }
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("sent", &self.sent).field("settled", &self.settled).finish_non_exhaustive()
    }
}

/// Why an answer's credential could not be swapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unswapped {
    /// The answer is not JSON, or is encoded, or can be read in two ways.
    Unreadable,
    /// It is too long to be read whole.
    TooLong,
    /// The credential is not where the document says.
    NotThere,
    /// What stands there cannot be a credential, or not one that can be looked for.
    NoCredential,
    /// It stands elsewhere in the answer, too.
    Elsewhere,
    /// Something else in it may be a credential, too.
    Another,
    /// It leads elsewhere, to nobody knows what.
    LeadsOn,
    /// There is no key to stand for it.
    NotIssued,
}

impl fmt::Display for Unswapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "it is not JSON, or it is encoded, or a name stands twice in it",
            Self::TooLong => "it is longer than 256 KiB",
            Self::NotThere => "the credential is not where the API's document says",
            Self::NoCredential => "what stands in the credential's place is none that could be kept in",
            Self::Elsewhere => "the credential stands in it a second time",
            Self::Another => "something else in it is called like a credential",
            Self::LeadsOn => "it is a redirection",
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
    /// where it brought none.
    pub(crate) async fn swap(
        &self,
        parts: &mut response::Parts,
        whole: &[u8],
    ) -> Result<Option<(KeyId, Bytes)>, Unswapped> {
        if head_brings(&parts.headers) {
            return Err(Unswapped::Another);
        }
        let Some(at) = &self.at else {
            self.brings_none(parts, whole)?;
            self.pending.settle();
            return Ok(None);
        };
        if whole.is_empty() {
            self.pending.because("its answer was empty");
            return Ok(None);
        }
        let (text, value) = read(&parts.headers, whole)?;
        let brought = value.pointer(at.text()).ok_or(Unswapped::NotThere)?.as_str().ok_or(Unswapped::NotThere)?;
        if brings(&value, false, |text| text != brought) {
            return Err(Unswapped::Another);
        }
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

    /// What goes out in place of an answer by which the API says no: it may have made one all the
    /// same, or show one that is there. Nothing where it goes out as it is.
    pub(crate) fn says_no(&self, parts: &mut response::Parts, whole: &[u8]) -> Result<Option<Bytes>, Unswapped> {
        if head_brings(&parts.headers) {
            return Err(Unswapped::Another);
        }
        let read = read(&parts.headers, whole);
        if let Ok((_, value)) = &read {
            let in_its_place = self.at.as_ref().and_then(|at| value.pointer(at.text()));
            if in_its_place.is_some_and(|value| brings(value, true, |text| !is_complaint(text)))
                || brings(value, false, |text| !is_complaint(text))
            {
                return Err(Unswapped::Another);
            }
        }
        self.pending.settle();
        if read.is_ok() || whole.is_empty() {
            return Ok(None);
        }
        // Words that nobody can look into stay; that it was no, goes on.
        for name in OF_THE_BODY.iter().chain(&[CONTENT_TYPE, CONTENT_ENCODING]) {
            parts.headers.remove(name);
        }
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
        Ok(Some(Bytes::new()))
    }

    /// The document says of no credential in this answer, and nothing in it is called like one.
    fn brings_none(&self, parts: &response::Parts, whole: &[u8]) -> Result<(), Unswapped> {
        if whole.is_empty() {
            return Ok(());
        }
        let (_, value) = read(&parts.headers, whole)?;
        if brings(&value, false, |_| true) { Err(Unswapped::Another) } else { Ok(()) }
    }
}

/// An answer's body as text and as what everybody reads in it.
fn read<'a>(headers: &HeaderMap, whole: &'a [u8]) -> Result<(&'a str, Value), Unswapped> {
    let text = str::from_utf8(whole).ok().filter(|_| lens::is_plain_json(headers)).ok_or(Unswapped::Unreadable)?;
    Ok((text, catalogue::unambiguous_json(text).ok_or(Unswapped::Unreadable)?))
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
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_strings_that_say_it_are_replaced() {
        let text =
            r#"{ "b":1.50, "tok\u0065n" : "s\u0065cret","a":[ "secret ", "secret" ], "secret":{"x":"\"secret\""}}"#;
        let expected = r#"{ "b":1.50, "tok\u0065n" : "new","a":[ "secret ", "new" ], "secret":{"x":"\"secret\""}}"#;
        assert_eq!(replaced(text, "secret", "new"), expected);
    }

    fn swap(at: &str, put_away: PutAway) -> Swap {
        let pending = Pending::new(|_| ());
        Swap { at: Pointer::parse(at), named: Pointer::parse("/id"), put_away, pending }
    }

    async fn swapped(body: &str, headers: &[(&'static str, &str)]) -> Result<Option<(KeyId, Bytes)>, Unswapped> {
        swapped_at("/token", body, headers).await
    }

    async fn swapped_at(
        at: &str,
        body: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Option<(KeyId, Bytes)>, Unswapped> {
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
        let swapped = swap(at, put_away).swap(&mut parts, body.as_bytes()).await?;
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

    #[tokio::test]
    async fn no_other_credential_goes_along() {
        let with = |more: &str| format!(r#"{{"id":7,"token":"tok_9f3c1e7a52d84b06",{more}}}"#);
        for more in [
            r#""refresh_token":"x""#,
            r#""data":[{"password":"x"}]"#,
            r#""Tokens":["x"]"#,
            r#""client_secret":{"value":"x"}"#,
            r#""tokens":{"read":"x"}"#,
            r#""api_keys":[{"live":"x"}]"#,
            r#""secret":{"data":{"x":"y"}}"#,
            r#""password":987654"#,
        ] {
            assert_eq!(swapped(&with(more), &[]).await.unwrap_err(), Unswapped::Another, "{more}");
        }
        for more in [
            r#""refresh_token":null"#,
            r#""token_type":"x","secret":"""#,
            r#""copy":{"token":"tok_9f3c1e7a52d84b06"}"#,
            r#""api_key":{"id":"7","name":"x","createdAt":"2026-11-30","scopes":["a"],"max":12345}"#,
        ] {
            assert!(swapped(&with(more), &[]).await.unwrap().is_some(), "{more}");
        }
        let twice = r#"{"id":7,"token":"first_9f3c1e7a52d84b06","token":"tok_9f3c1e7a52d84b06"}"#;
        assert_eq!(swapped(twice, &[]).await.unwrap_err(), Unswapped::Unreadable);
        for header in
            [("x-subject-token", "x"), ("location", "/done?a=1&access_token=x"), ("link", "</a?apikey=x>; rel=next")]
        {
            for body in ["", &with(r#""a":1"#)] {
                assert_eq!(swapped(body, &[header]).await.unwrap_err(), Unswapped::Another, "{header:?}");
            }
        }
        assert!(swapped("", &[("location", "/keys/7?page_token=x"), ("x-csrf-token", "y")]).await.is_ok());
    }

    #[tokio::test]
    async fn an_answer_of_which_the_document_says_nothing_brings_nothing() {
        let nowhere = "nowhere";
        for (body, headers, why) in [
            (r#"{"items":[{"token":"x"}]}"#, [("x", "y")], Unswapped::Another),
            ("x", [("content-type", "text/plain")], Unswapped::Unreadable),
            ("", [("x-auth-token", "y")], Unswapped::Another),
        ] {
            assert_eq!(swapped_at(nowhere, body, &headers).await.unwrap_err(), why, "{body}");
        }
        for body in ["", r#"{"id":7,"name":"x","deleted":true}"#] {
            assert!(swapped_at(nowhere, body, &[]).await.unwrap().is_none(), "{body}");
        }
    }

    fn says_no(body: &str, headers: &[(&'static str, &str)]) -> Result<Option<Bytes>, Unswapped> {
        let mut parts = http::Response::new(()).into_parts().0;
        parts.headers.insert("content-type", HeaderValue::from_static("application/problem+json"));
        for (name, value) in headers {
            parts.headers.insert(*name, value.parse().unwrap());
        }
        let said =
            swap("/value", Arc::new(|_| unreachable!("nothing is put away"))).says_no(&mut parts, body.as_bytes());
        if let Ok(Some(instead)) = &said {
            assert_eq!(parts.headers["content-length"], instead.len().to_string());
            assert!(!parts.headers.contains_key("content-type"));
        }
        said
    }

    #[test]
    fn an_answer_that_says_no_brings_no_credential_either() {
        for body in [
            r#"{"token":"tok_9f3c1e7a52d84b06"}"#,
            r#"{"value":"tok_9f3c1e7a52d84b06"}"#,
            r#"{"errors":[{"key":"there is tok_9f3c1e7a52d84b06"}]}"#,
            r#"{"password":"q7w2"}"#,
            r#"{"password":987654}"#,
        ] {
            assert_eq!(says_no(body, &[]).unwrap_err(), Unswapped::Another, "{body}");
        }
        assert_eq!(says_no("", &[("x-auth-token", "y")]).unwrap_err(), Unswapped::Another);
        for body in [
            "",
            r#"{"error":"who?"}"#,
            r#"{"token":["this field may not be blank."],"key":"too_long","value":"invalid"}"#,
            r#"{"request_id":"tok_9f3c1e7a52d84b06"}"#,
        ] {
            assert_eq!(says_no(body, &[]), Ok(None), "{body}");
        }
        for (body, headers) in [
            (r#"{"token":"tok_9f3c1e7a52d84b06"}"#, [("content-type", "text/plain")]),
            ("packed", [("content-encoding", "gzip")]),
            (r#"{"a":1,"a":2}"#, [("x", "y")]),
        ] {
            assert_eq!(says_no(body, &headers), Ok(Some(Bytes::new())), "{body}");
        }
    }

    #[test]
    fn what_was_sent_and_came_to_nothing_is_told_once() {
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let pending = || {
            let told = Arc::clone(&told);
            Pending::new(move |why| told.lock().unwrap().push(why.to_owned()))
        };
        drop(pending());
        let settled = pending();
        settled.sent();
        settled.settle();
        drop(settled);
        let first = pending();
        first.sent();
        first.because("this");
        first.because("that");
        drop(Arc::clone(&first));
        assert!(told.lock().unwrap().is_empty());
        drop(first);
        let dropped = pending();
        dropped.sent();
        drop(dropped);
        let told = told.lock().unwrap();
        assert_eq!((told.len(), told[0].as_str()), (2, "this"));
        assert!(told[1].contains("went away"));
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
