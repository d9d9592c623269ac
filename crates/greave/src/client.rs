//! The command line's way to the authority: over the socket of a running gate, or, where
//! none runs, through the same admin API within this process.

use std::path::PathBuf;

use axum::{Router, body::Body};
use http::{Method, Request, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
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
    #[error("{0}")]
    Refused(String),
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

/// What a problem says, for people.
fn problem(status: StatusCode, bytes: &[u8]) -> String {
    let problem: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let text = ["detail", "title"].into_iter().find_map(|name| problem.get(name)?.as_str().map(str::to_owned));
    text.unwrap_or_else(|| format!("the gate answered {status}"))
}
