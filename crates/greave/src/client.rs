//! The command line's way to the authority: over the socket of a running gate, or, where
//! none runs, through the same admin API within this process.

use std::path::PathBuf;

use axum::{Router, body::Body};
use console::api::Problem;
use http::{Method, Request, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Serialize, de::DeserializeOwned};
use tokio::net::UnixStream;

/// A way to the admin API.
pub(crate) enum Client {
    /// A gate runs, and listens there.
    Running(PathBuf),
    /// No gate runs; this process holds the state.
    Within(Box<Router>),
}

/// Why the admin API did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("the gate's socket `{path}` does not answer: {cause}; does `greave serve` run?")]
    Unreachable { path: PathBuf, cause: std::io::Error },
    #[error("the gate broke off: {0}")]
    Broken(String),
    /// It answered that it will not, or cannot.
    #[error("{}", .0.detail)]
    Refused(Problem),
}

impl Client {
    /// Reads.
    pub(crate) async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Method::GET, path, Bytes::new()).await
    }

    /// Changes.
    pub(crate) async fn change<T: DeserializeOwned>(
        &self,
        path: &str,
        wanted: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(wanted).map_err(|error| ClientError::Broken(error.to_string()))?;
        self.call(Method::POST, path, body.into()).await
    }

    /// Changes what is there.
    pub(crate) async fn amend<T: DeserializeOwned>(
        &self,
        path: &str,
        wanted: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(wanted).map_err(|error| ClientError::Broken(error.to_string()))?;
        self.call(Method::PATCH, path, body.into()).await
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: Bytes) -> Result<T, ClientError> {
        let request = Request::builder().method(method).uri(path).header("host", "localhost");
        let request = request.header(CONTENT_TYPE, "application/json");
        let broken = |error: &dyn std::error::Error| ClientError::Broken(error.to_string());
        let (status, bytes) = match self {
            Self::Running(socket) => {
                let request = request.body(Full::new(body)).map_err(|error| broken(&error))?;
                let stream = UnixStream::connect(socket)
                    .await
                    .map_err(|cause| ClientError::Unreachable { path: socket.clone(), cause })?;
                let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
                let (mut sender, connection) = handshake.await.map_err(|error| broken(&error))?;
                tokio::spawn(connection);
                let answer = sender.send_request(request).await.map_err(|error| broken(&error))?;
                (answer.status(), answer.into_body().collect().await.map_err(|error| broken(&error))?.to_bytes())
            }
            Self::Within(router) => {
                let request = request.body(Body::from(body)).map_err(|error| broken(&error))?;
                let Ok(answer) = tower::ServiceExt::oneshot(*router.clone(), request).await;
                (answer.status(), answer.into_body().collect().await.map_err(|error| broken(&error))?.to_bytes())
            }
        };
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|error| broken(&error));
        }
        Err(ClientError::Refused(problem(status, &bytes)))
    }
}

fn problem(status: StatusCode, bytes: &[u8]) -> Problem {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Problem {
        kind: "about:blank".to_owned(),
        title: status.to_string(),
        status: status.as_u16(),
        code: String::new(),
        detail: format!("the gate answered {status}"),
        retry_after: None,
    })
}

/// What RFC 3986 (section 2.3) leaves as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An address below `/v1`. Whatever stands in a segment stays in it.
pub(crate) fn address(segments: &[&str]) -> String {
    let mut address = "/v1".to_owned();
    for segment in segments {
        address.push('/');
        // A segment of dots alone would be taken for a step upwards; no name that is known is one.
        let dots = segment.bytes().all(|byte| byte == b'.');
        if dots {
            address.push_str(&segment.replace('.', "%2E"));
        } else {
            address.extend(utf8_percent_encode(segment, RESERVED));
        }
    }
    address
}

/// An address with a filter as its query.
pub(crate) fn filtered(address: String, filter: &impl Serialize) -> String {
    let serde_json::Value::Object(filter) = serde_json::to_value(filter).unwrap_or_default() else { return address };
    let mut address = address;
    for (place, (name, value)) in filter.iter().enumerate() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        address.push(if place == 0 { '?' } else { '&' });
        address.push_str(name);
        address.push('=');
        address.extend(utf8_percent_encode(&text, RESERVED));
    }
    address
}

#[cfg(test)]
mod tests {
    use console::api::{ExplainFilter, KeyFilter};

    use super::*;

    #[test]
    fn what_people_type_stays_where_it_was_meant() {
        assert_eq!(address(&["holders", "ann/../../law", "left"]), "/v1/holders/ann%2F..%2F..%2Flaw/left");
        assert_eq!(address(&["holders", "..", "left"]), "/v1/holders/%2E%2E/left");
        assert_eq!(address(&["keys", "k1?x=1#y"]), "/v1/keys/k1%3Fx%3D1%23y");
        let asked = ExplainFilter {
            method: "GET".to_owned(),
            path: "/a%2Fb?x=1&key=k9".to_owned(),
            source: Some("2001:db8::1".parse().unwrap()),
            ..ExplainFilter::default()
        };
        assert_eq!(
            filtered(address(&["explain"]), &asked),
            "/v1/explain?method=GET&path=%2Fa%252Fb%3Fx%3D1%26key%3Dk9&source=2001%3Adb8%3A%3A1"
        );
        assert_eq!(filtered(address(&["keys"]), &KeyFilter::default()), "/v1/keys");
    }

    #[test]
    fn an_answer_that_is_no_problem_is_told_by_its_status() {
        let told = ClientError::Refused(problem(StatusCode::BAD_GATEWAY, b"<html>")).to_string();
        assert_eq!(told, "the gate answered 502 Bad Gateway");
    }
}
