//! The command line's way to the authority: over the socket of a running gate, or, where
//! none runs, through the same admin API within this process.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

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
    /// A code typed here would go to whoever listens there.
    #[error("`{path}` is not trusted: {why}; look at `gate.state` of the configuration, and say nothing secret here")]
    Strange { path: PathBuf, why: String },
    #[error("the gate broke off: {0}; try again, and look into its log")]
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
        self.send(Method::POST, path, wanted).await
    }

    /// Sends.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        wanted: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(wanted).map_err(|error| ClientError::Broken(error.to_string()))?;
        self.call(method, path, body.into()).await
    }

    /// Sends what is JSON already, byte for byte.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: Vec<u8>) -> Result<T, ClientError> {
        self.call(Method::POST, path, body.into()).await
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
                trust(socket, &stream)?;
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

/// Whether what listens there is the gate, as far as users tell.
fn trust(socket: &Path, stream: &UnixStream) -> Result<(), ClientError> {
    let unreachable = |cause: io::Error| ClientError::Unreachable { path: socket.to_owned(), cause };
    let folder = socket.parent().unwrap_or(Path::new(""));
    let peer = stream.peer_cred().map_err(unreachable)?.uid();
    let held = fs::metadata(folder).map_err(unreachable)?;
    let caller = rustix::process::geteuid().as_raw();
    match strange(caller, peer, held.uid(), held.mode()) {
        Some(why) => Err(ClientError::Strange { path: folder.to_owned(), why }),
        None => Ok(()),
    }
}

/// The user who listens must be the caller or root; root may also call a gate of another user,
/// whose folder it is then. Nobody else may put a socket there.
fn strange(caller: u32, peer: u32, owner: u32, mode: u32) -> Option<String> {
    const ROOT: u32 = 0;
    if peer != caller && peer != ROOT && (caller != ROOT || peer != owner) {
        return Some(format!("user {peer} listens there, and you are user {caller}"));
    }
    if ![caller, peer, ROOT].contains(&owner) {
        return Some(format!("the folder belongs to user {owner}, and user {peer} listens there"));
    }
    (mode & 0o022 != 0).then(|| "others can write the folder, and put a socket there; `chmod 700` closes it".to_owned())
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
    fn only_the_callers_gate_or_roots_is_talked_to() {
        let (root, me, gate, thief) = (0, 1000, 900, 666);
        for (caller, peer, owner) in [(me, me, me), (root, root, root), (root, gate, gate), (me, root, root)] {
            assert_eq!(strange(caller, peer, owner, 0o040_700), None, "{caller} {peer} {owner}");
            assert_eq!(strange(caller, peer, owner, 0o040_755), None);
            assert!(strange(caller, peer, owner, 0o040_702).unwrap().contains("others can write"));
            assert!(strange(caller, peer, owner, 0o040_720).is_some());
        }
        for (caller, peer, owner) in [(me, thief, thief), (me, thief, me), (root, thief, gate), (me, me, thief)] {
            assert!(strange(caller, peer, owner, 0o040_700).is_some(), "{caller} {peer} {owner}");
        }
    }

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
