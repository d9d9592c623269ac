//! Whoever calls the API: over a real connection, which is made anew for each call and
//! counted in.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use http::{
    Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT},
};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Bytes, client::conn::http1::handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

/// The longest that an answer may take; what is held is answered sooner.
const PATIENCE: Duration = Duration::from_secs(90);

/// A client of the API.
#[derive(Clone)]
pub(super) struct Caller {
    to: SocketAddr,
    agent: &'static str,
    key: Option<String>,
    source: Option<IpAddr>,
    impatient: bool,
    sent: Arc<AtomicU64>,
}

/// What came back.
pub(super) struct Answer {
    /// Method and path, as they were sent.
    pub(super) request: String,
    /// The HTTP status.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Bytes,
    /// From before the connection was made to the last byte of the answer.
    pub(super) took: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("`{request}` got no answer: {why}")]
pub(super) struct NoAnswer {
    request: String,
    why: String,
}

impl Caller {
    /// Somebody who calls there, and what they call themselves.
    pub(super) fn new(to: SocketAddr, agent: &'static str) -> Self {
        Self { to, agent, key: None, source: None, impatient: false, sent: Arc::default() }
    }

    /// With a key.
    pub(super) fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    /// From an address: what the load balancer before the gate says of it.
    pub(super) fn from(&self, source: IpAddr) -> Self {
        Self { source: Some(source), ..self.clone() }
    }

    /// Under another name.
    pub(super) fn called(&self, agent: &'static str) -> Self {
        Self { agent, ..self.clone() }
    }

    /// Not waiting for people: an answer at once, whatever it is.
    pub(super) fn impatient(&self) -> Self {
        Self { impatient: true, ..self.clone() }
    }

    /// Calls that this caller and all that were made from it sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, NoAnswer> {
        self.call(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Answer, NoAnswer> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Result<Answer, NoAnswer> {
        self.call(Method::DELETE, path, None).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, NoAnswer> {
        let request = format!("{method} {path}");
        let begun = Instant::now();
        let exchanged = match timeout(PATIENCE, self.exchange(method, path, body)).await {
            Ok(exchanged) => exchanged.map_err(|error| error.to_string()),
            Err(_) => Err(format!("it took longer than {} s", PATIENCE.as_secs())),
        };
        match exchanged {
            Ok((status, body)) => Ok(Answer { request, status, body, took: begun.elapsed() }),
            Err(why) => Err(NoAnswer { request, why }),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Bytes), Box<dyn std::error::Error + Send + Sync>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.to.to_string())
            .header(USER_AGENT, self.agent);
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        if let Some(source) = self.source {
            request = request.header("x-forwarded-for", source.to_string());
        }
        if self.impatient {
            request = request.header("prefer", "wait=0");
        }
        let bytes = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                body.to_string().into()
            }
            None => Bytes::new(),
        };
        let request = request.body(Full::new(bytes))?;

        let stream = TcpStream::connect(self.to).await?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        self.sent.fetch_add(1, Ordering::Relaxed);
        let answer = sender.send_request(request).await?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await?.to_bytes();
        connection.abort();
        Ok((status, body))
    }
}

impl Answer {
    /// A member of the answer's object, as text; empty where there is none.
    pub(super) fn word(&self, pointer: &str) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        match body.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }

    /// How many items a list has; 0 where the answer is none.
    pub(super) fn items(&self) -> usize {
        serde_json::from_slice(&self.body).map_or(0, |items: Vec<Value>| items.len())
    }

    /// How many rows a table of comma-separated values has, its heads left out.
    pub(super) fn rows(&self) -> usize {
        self.body.iter().filter(|byte| **byte == b'\n').count().saturating_sub(1)
    }
}
