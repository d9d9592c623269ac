//! Connections to the API behind the gate, kept for the next request.
//!
//! One [`Upstream`] belongs to one worker, so that a connection and whoever uses it live on
//! the same thread. The newest idle connection is used first: the others grow old and go.

use std::{
    collections::VecDeque,
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::{HeaderValue, Request, Response, Uri, uri::Scheme};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1},
};
use hyper_util::rt::TokioIo;
use law::KeyId;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::{
    body::Inbound,
    tls::{self, TlsError, TlsFiles},
};

/// Idle connections that one worker keeps.
const KEPT: usize = 256;

/// What hyper may buffer of one connection, in bytes; also the largest head of an answer.
const BUFFER: usize = 128 * 1024;

/// Where the API behind the gate listens, such as `https://api.internal:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    tls: bool,
    host: String,
    port: u16,
    authority: HeaderValue,
}

/// An origin that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address of an API; write scheme, host and port only, such as `http://127.0.0.1:8000`")]
pub struct OriginError(String);

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let error = || OriginError(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| error())?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(error()),
        };
        let authority = uri.authority().ok_or_else(error)?;
        // What is judged is sent, byte for byte: a path of the upstream's own would be put before it.
        if authority.as_str().contains('@') || uri.path() != "/" || uri.query().is_some() || text.contains('#') {
            return Err(error());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str() == authority.host() => {
                if tls {
                    443
                } else {
                    80
                }
            }
            None => return Err(error()),
        };
        let authority = HeaderValue::from_str(authority.as_str()).map_err(|_| error())?;
        Ok(Self { tls, host, port, authority })
    }
}

impl Origin {
    /// Its name or address, an IPv6 one without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port, that of the scheme where none was written.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority.to_str().unwrap_or_default())
    }
}

/// Which `Host` the upstream sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostSent {
    /// The one that the client sent. Links that the API makes then lead to the gate.
    #[default]
    AsReceived,
    /// The upstream's own.
    Upstream,
}

/// How long the upstream is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For the head of an answer, from the last byte of the request on.
    pub answer: Duration,
    /// For the next piece of an answer; `None` waits for ever, as streams of events need it.
    pub idle: Option<Duration>,
    /// How long an idle connection is kept. Shorter than the upstream keeps it: a request that
    /// meets a connection just when it is closed may be lost.
    pub kept: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(60),
            idle: None,
            kept: Duration::from_secs(4),
        }
    }
}

/// The API behind the gate, as one worker reaches it.
pub struct Upstream {
    origin: Origin,
    host: HostSent,
    patience: Patience,
    tls: Option<TlsConnector>,
    name: Option<ServerName<'static>>,
    idle: Arc<Pool>,
}

/// Idle connections, the newest last.
#[derive(Default)]
struct Pool(Mutex<VecDeque<Idle>>);

struct Idle {
    sender: http1::SendRequest<Inbound>,
    since: Instant,
    /// The key whose body it carried, and whose requests alone follow.
    whose: Option<KeyId>,
}

/// What a request leaves on its connection. An upstream that does not read a body takes it for
/// the beginning of the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// Nothing: anybody's request may follow.
    Nothing,
    /// A body that the API reads, as far as its document says: requests of this key may follow.
    Body(KeyId),
    /// A body that the API may not read, or of somebody who has no key: nothing follows.
    Stray,
}

/// Why no connection comes about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreachable {
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    #[error("cannot connect within the time-out")]
    Slow,
    #[error("cannot begin HTTP: {0}")]
    Begin(#[from] hyper::Error),
}

impl Upstream {
    /// Sets up how the API is reached; connects to nothing yet.
    ///
    /// # Errors
    /// When TLS is needed and cannot be set up.
    pub fn new(origin: Origin, host: HostSent, patience: Patience, files: TlsFiles<'_>) -> Result<Self, TlsError> {
        let tls = if origin.tls { Some(TlsConnector::from(Arc::new(tls::client(files)?))) } else { None };
        Ok(Self::with(origin, host, patience, tls))
    }

    fn with(origin: Origin, host: HostSent, patience: Patience, tls: Option<TlsConnector>) -> Self {
        let name = ServerName::try_from(origin.host.clone()).ok();
        Self { origin, host, patience, tls, name, idle: Arc::default() }
    }

    /// The same API for a further worker, with connections of its own.
    #[must_use]
    pub fn for_another_worker(&self) -> Self {
        Self::with(self.origin.clone(), self.host, self.patience, self.tls.clone())
    }

    pub(crate) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Host and port of the upstream, as its own `Host` says them.
    pub(crate) const fn authority(&self) -> &HeaderValue {
        &self.origin.authority
    }

    /// The `Host` to send instead of the client's.
    pub(crate) const fn host_instead(&self, received: bool) -> Option<&HeaderValue> {
        match self.host {
            HostSent::AsReceived if received => None,
            HostSent::AsReceived | HostSent::Upstream => Some(&self.origin.authority),
        }
    }

    pub(crate) const fn patience(&self) -> &Patience {
        &self.patience
    }

    /// An idle connection that still stands, for a request of this key: the newest of those that
    /// carried a body of it, or else of those that carried nobody's.
    pub(crate) fn pooled(&self, whose: Option<KeyId>) -> Option<Lease> {
        let mut idle = self.idle.lock();
        // The newest is last: where it is too old, all are.
        if idle.back().is_some_and(|idle| idle.since.elapsed() > self.patience.kept) {
            idle.clear();
        }
        loop {
            let newest = |whose: Option<KeyId>| idle.iter().rposition(|idle| idle.whose == whose);
            let place = whose.and_then(|key| newest(Some(key))).or_else(|| newest(None))?;
            let Idle { sender, whose, .. } = idle.remove(place)?;
            if sender.is_ready() {
                return Some(Lease { sender, pool: Arc::clone(&self.idle), kept: self.patience.kept, whose });
            }
        }
    }

    /// What is wrong with the upstream's certificate, and the mend; nothing where it is well, or
    /// none was shown.
    pub async fn distrust(&self) -> Option<String> {
        let error = self.connect().await.err()?;
        let refusal = tls::refusal(&error).filter(|refusal| *refusal == law::Refusal::UpstreamUntrusted)?;
        Some(tls::mend(&error).map_or_else(|| format!("{}; {}", refusal.says(), refusal.mend()), str::to_owned))
    }

    /// Tries whether a connection comes about, and lets it go again.
    ///
    /// # Errors
    /// Why it does not, and the mend where one is known.
    pub async fn reach(&self) -> Result<(), String> {
        let Err(error) = self.connect().await else { return Ok(()) };
        Err(tls::mend(&error).map_or_else(|| error.to_string(), |mend| format!("{error}; {mend}")))
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> Result<Lease, Unreachable> {
        let sender = timeout(self.patience.connect, self.begin()).await.map_err(|_| Unreachable::Slow)??;
        Ok(Lease { sender, pool: Arc::clone(&self.idle), kept: self.patience.kept, whose: None })
    }

    async fn begin(&self) -> Result<http1::SendRequest<Inbound>, Unreachable> {
        let tcp = TcpStream::connect((self.origin.host.as_str(), self.origin.port)).await?;
        tcp.set_nodelay(true)?;
        match (&self.tls, &self.name) {
            (Some(tls), Some(name)) => speak(tls.connect(name.clone(), tcp).await?).await,
            (Some(_), None) => Err(std::io::Error::other("the upstream's name cannot be in a certificate").into()),
            (None, _) => speak(tcp).await,
        }
    }
}

async fn speak<I>(io: I) -> Result<http1::SendRequest<Inbound>, Unreachable>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        http1::Builder::new().max_buf_size(BUFFER).handshake::<_, Inbound>(TokioIo::new(io)).await?;
    // Its errors reach whoever waits for the answer.
    tokio::spawn(async move { drop(connection.with_upgrades().await) });
    Ok(sender)
}

impl Pool {
    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Idle>> {
        // A list of idle connections cannot be left half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection for one exchange. Dropped, it is closed when the exchange is over.
pub(crate) struct Lease {
    sender: http1::SendRequest<Inbound>,
    pool: Arc<Pool>,
    kept: Duration,
    whose: Option<KeyId>,
}

impl Lease {
    /// Sends one request. The request comes back with the error when not a byte of it was written.
    pub(crate) fn send(
        &mut self,
        request: Request<Inbound>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Inbound>>>> + Send + 'static {
        self.sender.try_send_request(request)
    }

    /// The same after a request that leaves this. `read` says whether its body was surely read:
    /// the answer is a success, and did not begin before the whole body was on its way.
    pub(crate) fn after(mut self, leaves: Leaves, read: impl FnOnce() -> bool) -> Option<Self> {
        match leaves {
            Leaves::Nothing => Some(self),
            Leaves::Body(key) => read().then(|| {
                self.whose = Some(key);
                self
            }),
            Leaves::Stray => None,
        }
    }

    /// Keeps the connection for the next request, if this one is over in both directions.
    pub(crate) fn give_back(self) {
        let Self { sender, pool, kept, whose } = self;
        if !sender.is_ready() {
            return;
        }
        let now = Instant::now();
        let mut idle = pool.lock();
        if idle.front().is_some_and(|oldest| now.duration_since(oldest.since) > kept) {
            idle.retain(|idle| now.duration_since(idle.since) <= kept && !idle.sender.is_closed());
        }
        // Those that wait for one key must not keep out those that serve everybody.
        if idle.len() >= KEPT {
            idle.pop_front();
        }
        idle.push_back(Idle { sender, since: now, whose });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_read_back_as_written() {
        for text in ["http://127.0.0.1:8000", "https://api.example", "http://[::1]:8000"] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), text);
        }
        let v6: Origin = "https://[::1]".parse().unwrap();
        assert_eq!((v6.host.as_str(), v6.port, v6.tls), ("::1", 443, true));
    }

    #[test]
    fn what_would_change_a_path_is_no_origin() {
        for text in [
            "api.example",
            "http://a/base",
            "http://a/?x",
            "ftp://a",
            "http://u:p@a",
            "http://a:",
            "http://a:99999",
            "",
            "http://a/#f",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
