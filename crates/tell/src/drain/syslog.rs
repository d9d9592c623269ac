//! Lines as syslog messages (RFC 5424): over UDP and the host's own socket one a datagram
//! (RFC 5426), over TCP and TLS with their length before them (RFC 5425 §4.3, RFC 6587 §3.4.1).
//!
//! Syslog acknowledges nothing. Over a stream the last batch is kept and sent again where the
//! connection turns out to have ended, so that it arrives twice rather than never; what a
//! receiver had taken in and not stored when it died, nobody can know.

use std::{fmt, io, net::SocketAddr, path::PathBuf, process, str::FromStr, sync::Arc};

use law::Severity;
use rustls::{ClientConfig, pki_types::ServerName};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{UdpSocket, UnixDatagram},
    time::{Duration, timeout},
};
use tokio_rustls::TlsConnector;

use crate::{
    DrainError, Line, Roots, Undelivered,
    address::Host,
    tls::{Believed, names_loopback, resolve},
};

/// What syslog sorts messages by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facility(u8);

impl Facility {
    const ALL: [(&'static str, u8); 11] = [
        ("daemon", 3),
        ("authpriv", 10),
        ("audit", 13),
        ("local0", 16),
        ("local1", 17),
        ("local2", 18),
        ("local3", 19),
        ("local4", 20),
        ("local5", 21),
        ("local6", 22),
        ("local7", 23),
    ];
}

impl Default for Facility {
    /// `audit`: RFC 5424 calls 13 "log audit".
    fn default() -> Self {
        Self(13)
    }
}

impl fmt::Display for Facility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, number)| *number == self.0).map_or("audit", |(word, _)| word))
    }
}

/// A word that names no facility.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no facility; write audit, authpriv, daemon, or local0 to local7")]
pub struct UnknownFacility(String);

impl FromStr for Facility {
    type Err = UnknownFacility;

    fn from_str(text: &str) -> Result<Self, UnknownFacility> {
        let found = Self::ALL.iter().find(|(word, _)| *word == text);
        found.map(|(_, number)| Self(*number)).ok_or_else(|| UnknownFacility(text.to_owned()))
    }
}

/// One receiver of syslog.
pub(super) struct Sender {
    way: Way,
    facility: Facility,
    host: String,
    open: Option<Open>,
    /// What went out last over a stream: nobody has said that it arrived.
    last: Vec<u8>,
}

enum Way {
    Unix(PathBuf),
    Udp(Host),
    Tcp(Host),
    Tls(Host, Arc<ClientConfig>, ServerName<'static>),
}

enum Open {
    Unix(UnixDatagram),
    Udp(UdpSocket),
    Stream(Box<dyn Stream>),
}

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

impl Open {
    /// Sends one datagram.
    async fn send(&self, text: &str) -> io::Result<()> {
        match self {
            Self::Unix(socket) => socket.send(text.as_bytes()).await.map(drop),
            Self::Udp(socket) => socket.send(text.as_bytes()).await.map(drop),
            Self::Stream(_) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

impl Sender {
    pub(super) fn new(
        (scheme, rest): (&str, &str),
        facility: Facility,
        host: &str,
        roots: &Roots,
        danger_plain: bool,
    ) -> Result<Self, DrainError> {
        let server = |port: u16| {
            let rest = rest.strip_prefix("//").ok_or(DrainError::Address)?;
            let authority: http::uri::Authority =
                rest.trim_end_matches('/').parse().map_err(|_| DrainError::Address)?;
            if authority.as_str().contains('@') {
                return Err(DrainError::Login);
            }
            let name = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
            Ok(Host { name, port: authority.port_u16().unwrap_or(port), loopback_only: false })
        };
        let plain = |port: u16| {
            let host = server(port)?;
            if !danger_plain && !names_loopback(&host.name) {
                return Err(DrainError::Plain(host.name));
            }
            Ok(Host { loopback_only: !danger_plain, ..host })
        };
        let way = match scheme {
            "syslog+unix" if rest.starts_with('/') => Way::Unix(PathBuf::from(rest)),
            "syslog+udp" => Way::Udp(plain(514)?),
            "syslog+tcp" => Way::Tcp(plain(601)?),
            "syslog+tls" => {
                let host = server(6514)?;
                let name = ServerName::try_from(host.name.clone()).map_err(|_| DrainError::Address)?;
                let client = Believed::new(roots).and_then(|believed| believed.client()).map_err(DrainError::Tls)?;
                Way::Tls(host, client, name)
            }
            _ => return Err(DrainError::Address),
        };
        Ok(Self { way, facility, host: word(host, 255), open: None, last: Vec::new() })
    }

    /// Whether lines go over a stream: then the last of them may wait in a buffer when all is over.
    pub(super) const fn is_stream(&self) -> bool {
        matches!(self.way, Way::Tcp(_) | Way::Tls(..))
    }

    pub(super) async fn send(&mut self, lines: &[Line]) -> Result<String, Undelivered> {
        let messages: Vec<String> = lines.iter().map(|line| self.message(line)).collect();
        let sent = self.write(&messages).await;
        if sent.is_err() {
            self.open = None;
        }
        sent.map(|()| "it was sent; syslog acknowledges nothing".to_owned())
    }

    async fn write(&mut self, messages: &[String]) -> Result<(), Undelivered> {
        if let Some(Open::Stream(stream)) = &mut self.open
            && has_ended(stream).await
        {
            self.open = None;
        }
        let (mut open, is_new) = match self.open.take() {
            Some(open) => (open, false),
            None => (self.way.open().await.map_err(Undelivered::later)?, true),
        };
        let failed = |error: &io::Error| Undelivered::later(format!("it broke off: {error}"));
        match &mut open {
            Open::Unix(_) | Open::Udp(_) => {
                for message in messages {
                    datagram(&open, message, failed).await?;
                }
            }
            Open::Stream(stream) => {
                if is_new && !self.last.is_empty() {
                    stream.write_all(&self.last).await.map_err(|error| failed(&error))?;
                }
                let bytes: Vec<u8> =
                    messages.iter().flat_map(|message| format!("{} {message}", message.len()).into_bytes()).collect();
                stream.write_all(&bytes).await.map_err(|error| failed(&error))?;
                stream.flush().await.map_err(|error| failed(&error))?;
                self.last = bytes;
            }
        }
        self.open = Some(open);
        Ok(())
    }

    /// `<PRI>1 TIME HOST greave PID WORD - TEXT`. Without a byte order mark: the text is JSON.
    fn message(&self, line: &Line) -> String {
        let Line { at, severity, word, text } = line;
        let priority = u32::from(self.facility.0) * 8 + severity_of(*severity);
        let at = at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        format!("<{priority}>1 {at} {} greave {} {word} - {text}", self.host, process::id())
    }
}

impl Way {
    async fn open(&self) -> Result<Open, String> {
        match self {
            Self::Unix(path) => {
                let socket = UnixDatagram::unbound().and_then(|socket| socket.connect(path).map(|()| socket));
                socket.map(Open::Unix).map_err(|error| format!("`{}`: {error}", path.display()))
            }
            Self::Udp(host) => {
                let found = resolve(&host.name, host.port, host.loopback_only).await;
                let found = found.map_err(|error| format!("the host is not found: {error}"))?;
                let address = found.first().ok_or("the host has no address to send to")?;
                udp(*address).await.map(Open::Udp).map_err(|error| format!("no socket: {error}"))
            }
            Self::Tcp(host) => Ok(Open::Stream(Box::new(host.connect().await?))),
            Self::Tls(host, client, name) => {
                let stream = host.connect().await?;
                let stream = TlsConnector::from(Arc::clone(client)).connect(name.clone(), stream).await;
                Ok(Open::Stream(Box::new(stream.map_err(|error| format!("no TLS: {error}"))?)))
            }
        }
    }
}

async fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let own = if address.is_ipv4() { SocketAddr::from(([0; 4], 0)) } else { SocketAddr::from(([0_u16; 8], 0)) };
    let socket = UdpSocket::bind(own).await?;
    socket.connect(address).await?;
    Ok(socket)
}

/// Sends a message, or as much of it as fits: who makes a request long must not keep its event
/// from arriving.
async fn datagram(socket: &Open, message: &str, failed: impl Fn(&io::Error) -> Undelivered) -> Result<(), Undelivered> {
    let mut sent = socket.send(message).await;
    for most in [1024, 128, 16] {
        match &sent {
            Err(error) if error.raw_os_error() == Some(TOO_LONG) => {
                sent = socket.send(&shortened(message, most)).await;
            }
            _ => break,
        }
    }
    sent.map_err(|error| match error.raw_os_error() {
        Some(TOO_LONG) => {
            Undelivered::Unfit { why: "a line is too long for a datagram; use syslog+tcp or syslog+tls".to_owned() }
        }
        _ => failed(&error),
    })
}

/// `EMSGSIZE`.
const TOO_LONG: i32 = 90;
/// Where a message's JSON begins: behind the dash that stands for no structured data.
const TEXT: &str = " - {";

/// The same message with every text of its JSON cut at so many bytes, and every list; it says so
/// in `unmapped.cut`.
fn shortened(message: &str, most: usize) -> String {
    let Some((head, text)) = message.split_once(TEXT) else { return message.to_owned() };
    let Ok(mut json) = serde_json::from_str::<Value>(&format!("{{{text}")) else { return message.to_owned() };
    cut(&mut json, most);
    if let Value::Object(event) = &mut json {
        let unmapped = event.entry("unmapped").or_insert_with(|| Value::Object(serde_json::Map::new()));
        if let Value::Object(unmapped) = unmapped {
            unmapped.insert("cut".to_owned(), Value::Bool(true));
        }
    }
    format!("{head} - {json}")
}

fn cut(json: &mut Value, most: usize) {
    match json {
        Value::String(text) if text.len() > most => {
            text.truncate(text.floor_char_boundary(most));
            text.push('…');
        }
        Value::Array(list) => {
            list.truncate(most);
            list.iter_mut().for_each(|value| cut(value, most));
        }
        Value::Object(object) => object.values_mut().for_each(|value| cut(value, most)),
        _ => {}
    }
}

/// Whether the receiver has closed the connection. It has nothing to say otherwise.
async fn has_ended(stream: &mut Box<dyn Stream>) -> bool {
    let mut byte = [0];
    matches!(timeout(Duration::from_millis(1), stream.read(&mut byte)).await, Ok(Ok(0) | Err(_)))
}

const fn severity_of(severity: Severity) -> u32 {
    match severity {
        Severity::Critical => 2,
        Severity::High => 3,
        Severity::Warning => 4,
        Severity::Info => 6,
    }
}

/// A word of the head: printable ASCII without spaces (RFC 5424 §6), `-` for none.
fn word(text: &str, most: usize) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}
