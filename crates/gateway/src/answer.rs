//! What the gate answers by itself: problems as RFC 9457 has them.

use http::{
    HeaderValue, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE},
};
use law::{CallId, Refusal};
use serde_json::{Map, Value, json};

use crate::body::Answer;

/// The methods that pass.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// What a client that does not read problems may wait before it tries again, in seconds.
const AGAIN: u32 = 2;

/// An answer of the gate that is no success.
pub(crate) struct Problem {
    refusal: Refusal,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// Says what is wrong, who must act and how it is mended.
    pub(crate) fn new(refusal: Refusal, call: CallId) -> Self {
        let mut members = Map::new();
        let mut say = |name: &str, value: Value| members.insert(name.to_owned(), value);
        say("type", format!("urn:greave:refusal:{}", refusal.code()).into());
        say("title", refusal.says().into());
        say("status", refusal.status().into());
        say("detail", refusal.says().into());
        say("must_act", json!(refusal.must_act()));
        say("mend", refusal.mend().into());
        say("instance", format!("urn:uuid:{call}").into());
        Self { refusal, members, headers: Vec::new() }
    }

    /// The HTTP status of the answer.
    pub(crate) const fn status(&self) -> u16 {
        self.refusal.status()
    }

    /// Says more of this very case.
    #[must_use]
    pub(crate) fn detail(self, detail: impl Into<String>) -> Self {
        self.member("detail", detail.into())
    }

    /// Adds a member, such as `challenge_id`.
    #[must_use]
    pub(crate) fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a header. It takes the place of one that the answer would have by itself.
    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same under the type that clients know who look at nothing else.
    pub(crate) fn answer_as_json(self) -> Response<Answer> {
        let mut answer = self.answer();
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        answer
    }

    /// The answer. hyper leaves its body out where HEAD was asked.
    pub(crate) fn answer(self) -> Response<Answer> {
        let Self { refusal, members, headers } = self;
        let mut answer = Response::new(Answer::words(Value::Object(members).to_string()));
        *answer.status_mut() = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let ours = answer.headers_mut();
        ours.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        ours.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match refusal.status() {
            401 => drop(ours.insert(WWW_AUTHENTICATE, authenticate(refusal))),
            405 => drop(ours.insert(ALLOW, HeaderValue::from_static(METHODS))),
            429 | 503 => drop(ours.insert(RETRY_AFTER, HeaderValue::from(AGAIN))),
            _ => {}
        }
        if closes(refusal) {
            ours.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        for (name, value) in headers {
            ours.insert(name, value);
        }
        answer
    }
}

/// What every 401 says (RFC 9110, 15.5.2). Without a credential there is no error to name (RFC
/// 6750, 3.1).
fn authenticate(refusal: Refusal) -> HeaderValue {
    HeaderValue::from_static(match refusal {
        Refusal::NoCredential => "Bearer",
        Refusal::StepUp | Refusal::WrongCode => r#"Bearer error="insufficient_user_authentication""#,
        _ => r#"Bearer error="invalid_token""#,
    })
}

/// Whether the client's connection must not carry another request: what follows on it may
/// belong to the one that was refused.
const fn closes(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Refusal::BadFraming
            | Refusal::BadHost
            | Refusal::BadPath
            | Refusal::ClientSlow
            | Refusal::MethodRefused
            | Refusal::TooLargeToHold
    )
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn body(answer: Response<Answer>) -> Value {
        serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    #[tokio::test]
    async fn every_refusal_is_a_problem_with_its_row() {
        for refusal in Refusal::ALL.iter().copied() {
            let call = CallId(uuid::Uuid::from_u128(7));
            let answer = Problem::new(refusal, call).answer();
            assert_eq!(answer.status().as_u16(), refusal.status());
            assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
            assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
            assert_eq!(answer.headers().contains_key(WWW_AUTHENTICATE), refusal.status() == 401);
            assert_eq!(answer.headers().contains_key(ALLOW), refusal.status() == 405);
            let body = body(answer).await;
            assert_eq!(body["type"], format!("urn:greave:refusal:{}", refusal.code()));
            assert_eq!(body["status"], refusal.status());
            assert_eq!(body["mend"], refusal.mend());
            assert_eq!(body["instance"], format!("urn:uuid:{call}"));
        }
    }

    #[tokio::test]
    async fn what_a_client_sent_is_quoted_never_markup() {
        let nasty = "\"},\r\n<script>\u{0}";
        let answer = Problem::new(Refusal::BadHeader, CallId(uuid::Uuid::nil())).detail(nasty).answer();
        assert_eq!(body(answer).await["detail"], nasty);
    }
}
