//! One receiver of signed webhooks: a fresh connection for each message, no redirects, no proxy.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header, uri::PathAndQuery};
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
    Notice, SettingsError, Webhook,
    retry::retry_after,
    signature::{self, Secret},
    tls::{Believed, names_loopback, resolve},
    way::Failure,
};

/// The longest to try one of a host's addresses before the next.
const CONNECT: Duration = Duration::from_secs(4);

/// How much of an answer's body is read, and how long: enough to part politely.
const BODY_BYTES: usize = 16 * 1024;
const BODY_TIME: Duration = Duration::from_secs(1);

/// A receiver, ready to be written to.
pub(crate) struct Endpoint {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    loopback_only: bool,
    authority: String,
    target: PathAndQuery,
    secrets: Vec<Secret>,
}

impl Endpoint {
    /// `number` is the webhook's place in the settings, from 1.
    pub(crate) fn new(webhook: Webhook, number: usize, believed: Option<&Believed>) -> Result<Self, SettingsError> {
        let Webhook { url, secret, previous, kinds: _, danger_plain_http } = webhook;
        let uri: Uri = url.parse().map_err(|_| SettingsError::Url { number })?;
        let authority = uri.authority().ok_or(SettingsError::Url { number })?;
        if authority.as_str().contains('@') {
            return Err(SettingsError::Userinfo { number });
        }
        // An IPv6 address stands in brackets in an address, and nowhere else.
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let (tls, port) = match (uri.scheme_str(), believed) {
            (Some("https"), Some(believed)) => {
                let name = ServerName::try_from(host.clone()).map_err(|_| SettingsError::Url { number })?;
                (Some((TlsConnector::from(believed.client()?), name)), 443)
            }
            (Some("http"), _) => (None, 80),
            _ => return Err(SettingsError::Url { number }),
        };
        let plain = tls.is_none() && !danger_plain_http;
        if plain && !names_loopback(&host) {
            return Err(SettingsError::PlainHttp { number, host });
        }
        Ok(Self {
            port: authority.port_u16().unwrap_or(port),
            authority: authority.to_string(),
            target: uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")),
            secrets: std::iter::once(secret).chain(previous).collect(),
            loopback_only: plain,
            host,
            tls,
        })
    }

    /// Whether this address needs certificate authorities.
    pub(crate) fn needs_tls(webhook: &Webhook) -> bool {
        webhook.url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
    }

    /// Scheme and host: a path may be a secret.
    pub(crate) fn name(&self) -> String {
        format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.authority)
    }

    /// One attempt. A repeated one has the same id and body, and a signature of its own time.
    pub(crate) async fn carry(&self, notice: &Notice) -> Result<(), Failure> {
        let request = self.request(notice, Timestamp::now())?;
        let stream = self.connect().await?;
        match &self.tls {
            None => exchange(stream, request).await,
            Some((tls, name)) => {
                let stream = tls
                    .connect(name.clone(), stream)
                    .await
                    .map_err(|error| Failure::later(format!("no TLS: {error}")))?;
                exchange(stream, request).await
            }
        }
    }

    fn request(&self, notice: &Notice, now: Timestamp) -> Result<Request<Full<Bytes>>, Failure> {
        let body = notice.json().map_err(|_| Failure::Never { why: "the notice is no JSON".to_owned() })?;
        let (id, seconds) = (notice.id.as_str(), now.as_second());
        Request::post(Uri::from(self.target.clone()))
            .header(header::HOST, &self.authority)
            .header(header::USER_AGENT, concat!("greave/", env!("CARGO_PKG_VERSION")))
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature::header(&self.secrets, id, seconds, &body))
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| Failure::Never { why: "the notice makes no request".to_owned() })
    }

    async fn connect(&self) -> Result<TcpStream, Failure> {
        let addresses = resolve(&self.host, self.port, self.loopback_only)
            .await
            .map_err(|error| Failure::later(format!("the host is not found: {error}")))?;
        let mut last = Failure::later("the host has no address to connect to");
        for address in addresses {
            match timeout(CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = Failure::later(format!("no connection: {error}")),
                Err(_) => last = Failure::later("no connection: it took too long"),
            }
        }
        Err(last)
    }
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |error: hyper::Error| Failure::later(format!("the exchange broke off: {error}"));
    let (mut sender, connection) =
        http1::Builder::new().max_headers(64).handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // The connection ends with this attempt, however the attempt ends.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let response = sender.send_request(request).await.map_err(broken)?;
    let judged = judge(&response, Timestamp::now());
    // The status is the answer; nothing that happens to the body changes it.
    let _ = timeout(BODY_TIME, read_some(response)).await;
    judged
}

fn judge(response: &Response<Incoming>, now: Timestamp) -> Result<(), Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    if status == StatusCode::GONE {
        return Err(Failure::Gone);
    }
    let number = status.as_u16();
    let why = if status.is_redirection() {
        format!("it answers {number}, a redirect, which is never followed: configure the address where it leads")
    } else {
        format!("it answers {number}")
    };
    let header = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    Err(Failure::Later { why, after: header.and_then(|header| retry_after(header, now)) })
}

async fn read_some(response: Response<Incoming>) {
    let mut body = response.into_body();
    let mut left = BODY_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, danger_plain_http: bool) -> Result<Endpoint, SettingsError> {
        let secret = Secret::parse("whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=").unwrap();
        let webhook = Webhook { url: url.to_owned(), secret, previous: None, kinds: None, danger_plain_http };
        let believed = Believed::new(&crate::Roots::System).unwrap();
        Endpoint::new(webhook, 1, Some(&believed))
    }

    #[test]
    fn plain_http_leaves_this_host_only_by_a_setting_that_says_danger() {
        assert!(endpoint("http://127.0.0.1:8080/hook", false).is_ok());
        assert!(endpoint("http://[::1]/hook", false).is_ok());
        for url in ["http://hooks.example.com/", "http://localhost.example/", "http://10.0.0.1/"] {
            let host = url.split('/').nth(2).unwrap().to_owned();
            assert_eq!(endpoint(url, false).err(), Some(SettingsError::PlainHttp { number: 1, host }));
            assert!(endpoint(url, true).is_ok());
        }
    }

    #[test]
    fn an_address_that_hides_its_host_is_refused() {
        for url in ["", "/hook", "ftp://host/", "https://", "hooks.example.com", "https:///x", "http://a b/"] {
            assert_eq!(endpoint(url, true).err(), Some(SettingsError::Url { number: 1 }), "{url}");
        }
        let userinfo = "http://127.0.0.1@evil.example/";
        assert_eq!(endpoint(userinfo, false).err(), Some(SettingsError::Userinfo { number: 1 }));
    }

    #[test]
    fn a_name_shows_no_path() {
        assert_eq!(endpoint("https://hooks.example.com/T0/s3cret", false).unwrap().name(), "https://hooks.example.com");
    }
}
