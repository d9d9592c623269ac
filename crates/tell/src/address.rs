//! Where somebody else's server is reached over HTTP: a fresh connection for each message, no
//! redirects, no proxy.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header, request, uri::PathAndQuery};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::{
    SettingsError,
    retry::retry_after,
    tls::{Believed, names_loopback, resolve},
};

/// The longest to try one of a host's addresses before the next.
const CONNECT: Duration = Duration::from_secs(4);

/// How much of an answer's body is read, and how long: enough to part politely.
const BODY_BYTES: usize = 16 * 1024;
const BODY_TIME: Duration = Duration::from_secs(1);

/// How much of an answer's body is kept for people, in bytes.
const EXCERPT: usize = 512;

/// An address, ready to be written to.
pub(crate) struct Address {
    host: Host,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    authority: String,
    target: PathAndQuery,
}

/// A host and whether nothing protects what goes there.
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) port: u16,
    /// Only where it is this host.
    pub(crate) loopback_only: bool,
}

/// Why an address cannot work.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It is none.
    Address,
    /// It holds a login.
    Login,
    /// It would go over the network unprotected.
    Plain(String),
    /// TLS cannot be set up.
    Tls(SettingsError),
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// For how long the server asks to be left alone.
    pub(crate) after: Option<Duration>,
    /// The beginning of the body.
    pub(crate) excerpt: String,
}

impl Address {
    pub(crate) fn new(url: &str, danger_plain: bool, believed: Option<&Believed>) -> Result<Self, Unfit> {
        let uri: Uri = url.parse().map_err(|_| Unfit::Address)?;
        let authority = uri.authority().ok_or(Unfit::Address)?;
        if authority.as_str().contains('@') {
            return Err(Unfit::Login);
        }
        // An IPv6 address stands in brackets in an address, and nowhere else.
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let (tls, port) = match (uri.scheme_str(), believed) {
            (Some("https"), Some(believed)) => {
                let name = ServerName::try_from(host.clone()).map_err(|_| Unfit::Address)?;
                (Some((TlsConnector::from(believed.client().map_err(Unfit::Tls)?), name)), 443)
            }
            (Some("http"), _) => (None, 80),
            _ => return Err(Unfit::Address),
        };
        let loopback_only = tls.is_none() && !danger_plain;
        if loopback_only && !names_loopback(&host) {
            return Err(Unfit::Plain(host));
        }
        Ok(Self {
            host: Host { name: host, port: authority.port_u16().unwrap_or(port), loopback_only },
            authority: authority.to_string(),
            target: uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")),
            tls,
        })
    }

    /// Whether this address needs certificate authorities.
    pub(crate) fn needs_tls(url: &str) -> bool {
        url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
    }

    /// Scheme and host: a path may be a secret.
    pub(crate) fn name(&self) -> String {
        format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.authority)
    }

    /// What follows the host.
    pub(crate) fn target(&self) -> &str {
        self.target.as_str()
    }

    /// The beginning of a message to there.
    pub(crate) fn post(&self) -> request::Builder {
        Request::post(Uri::from(self.target.clone()))
            .header(header::HOST, &self.authority)
            .header(header::USER_AGENT, concat!("greave/", env!("CARGO_PKG_VERSION")))
    }

    /// Sends one message and hears what comes back; an error says in words why nothing did.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let stream = self.host.connect().await?;
        match &self.tls {
            None => exchange(stream, request).await,
            Some((tls, name)) => {
                let stream = tls.connect(name.clone(), stream).await.map_err(|error| format!("no TLS: {error}"))?;
                exchange(stream, request).await
            }
        }
    }
}

impl Host {
    pub(crate) async fn connect(&self) -> Result<TcpStream, String> {
        let addresses = resolve(&self.name, self.port, self.loopback_only)
            .await
            .map_err(|error| format!("the host is not found: {error}"))?;
        let mut last = "the host has no address to connect to".to_owned();
        for address in addresses {
            match timeout(CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = format!("no connection: {error}"),
                Err(_) => "no connection: it took too long".clone_into(&mut last),
            }
        }
        Err(last)
    }
}

impl Answer {
    /// What is wrong with an answer that is no success, in words.
    pub(crate) fn in_words(&self) -> String {
        let number = self.status.as_u16();
        if self.status.is_redirection() {
            return format!(
                "it answers {number}, a redirect, which is never followed: configure the address where it leads"
            );
        }
        format!("it answers {number}")
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |error: hyper::Error| format!("the exchange broke off: {error}");
    let (mut sender, connection) =
        http1::Builder::new().max_headers(64).handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // The connection ends with this attempt, however the attempt ends.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let response = sender.send_request(request).await.map_err(broken)?;
    let status = response.status();
    let header = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let after = header.and_then(|header| retry_after(header, Timestamp::now()));
    // The status is the answer; nothing that happens to the body changes it.
    let mut excerpt = Vec::new();
    let _ = timeout(BODY_TIME, read_some(response, &mut excerpt)).await;
    Ok(Answer { status, after, excerpt: String::from_utf8_lossy(&excerpt).into_owned() })
}

async fn read_some(response: Response<Incoming>, excerpt: &mut Vec<u8>) {
    let mut body = response.into_body();
    let mut left = BODY_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let data = frame.data_ref().map_or(&[][..], |data| data);
        left = left.saturating_sub(data.len());
        excerpt.extend(data.iter().take(EXCERPT.saturating_sub(excerpt.len())));
        if left == 0 {
            return;
        }
    }
}
