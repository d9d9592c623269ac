//! Whether the API answers without the gate.

use std::{net::SocketAddr, time::Duration};

use http::{Method, Request, StatusCode};
use serde::Serialize;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use crate::{commands::Done, config::Config, show};

/// How long an upstream may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was tried, and what came of it.
#[derive(Debug, Serialize)]
pub(super) struct Direct {
    /// Where it was tried.
    url: String,
    reach: Reach,
    /// What came back, or why nothing did.
    said: String,
}

/// Who can go around the gate there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Reach {
    /// It is the gate's own address: nothing was tried.
    Gate,
    /// The name means nothing here: nothing was tried.
    Unresolved,
    /// Nobody from here: nothing answers.
    Nobody,
    /// Nobody without the gate's proof.
    Proven,
    /// Whoever is on this host.
    ThisHost,
    /// Whoever reaches the address.
    Anybody,
}

impl Direct {
    pub(super) const fn done(&self) -> Done {
        match self.reach {
            Reach::Gate | Reach::Nobody | Reach::Proven => Done::Clean,
            Reach::ThisHost => Done::OnThisHost,
            Reach::Unresolved | Reach::Anybody => Done::Findings,
        }
    }

    pub(super) fn print(&self) -> std::io::Result<()> {
        let Self { url, reach, said } = self;
        let tried = format!("\nTried from this host, without the gate: GET {url}/");
        match reach {
            Reach::Gate => show::say(format!(
                "\n{url} is the gate itself: nothing was tried. Name the address of the API behind it"
            )),
            Reach::Unresolved => show::say(format!("\n{url}: the name cannot be resolved from here: {said}")),
            Reach::Nobody => show::say(format!("{tried}\nIt does not answer: {said}")),
            Reach::Proven => show::say(format!("{tried}\nIt refuses what does not have the gate's proof ({said})")),
            Reach::ThisHost => show::say(format!(
                "{tried}\n{}",
                show::styled(
                    show::ALARM,
                    format!(
                        "It answers ({said}): whoever is on this host walks around the law. That is well where the \
                         gate and the API have the host, or the container, for themselves; where anybody else logs \
                         in or anything else runs, let the API demand the gate's proof (gate.proof)"
                    )
                )
            )),
            Reach::Anybody => show::say(format!(
                "{tried}\n{}",
                show::styled(
                    show::ALARM,
                    format!(
                        "It answers ({said}): whoever reaches it walks around the law. Let it listen where only the \
                         gate can reach it, or demand the gate's proof (gate.proof, gate.client_certificate)"
                    )
                )
            )),
        }
    }
}

/// Tries it.
pub(super) async fn attempt(url: &str, config: &Config) -> Result<Direct, String> {
    let origin: gateway::Origin = url.parse().map_err(|error| format!("--direct: {error}"))?;
    let url = origin.to_string();
    let found = |reach, said: String| Direct { url: url.clone(), reach, said };
    let (scheme, host) = url.split_once("://").unwrap_or(("http", &url));
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|digit| digit.is_ascii_digit()));
    let address = match (has_port, scheme) {
        (true, _) => host.to_owned(),
        (false, "https") => format!("{host}:443"),
        (false, _) => format!("{host}:80"),
    };
    let addresses: Vec<SocketAddr> = match lookup_host(&address).await {
        Ok(addresses) => addresses.collect(),
        Err(error) => return Ok(found(Reach::Unresolved, error.to_string())),
    };
    if url == config.public() || addresses.iter().any(|address| is_gate(config.gate.listen, *address)) {
        return Ok(found(Reach::Gate, "nothing was tried".to_owned()));
    }
    let answer = match timeout(PATIENCE, answers(scheme == "https", host, &address)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Ok(found(Reach::Nobody, error.to_string())),
        Err(_) => return Ok(found(Reach::Nobody, format!("nothing came within {} seconds", PATIENCE.as_secs()))),
    };
    let said = answer.map_or_else(|| "a connection was accepted".to_owned(), |status| status.to_string());
    let is_refused = answer.is_some_and(|status| matches!(status.as_u16(), 401 | 403));
    Ok(if config.gate.proof.is_some() && is_refused {
        found(Reach::Proven, said)
    } else if addresses.iter().all(|address| is_this_host(*address)) {
        found(Reach::ThisHost, said)
    } else {
        found(Reach::Anybody, said)
    })
}

/// Whether the gate listens there: on this address, or on all of this host's.
fn is_gate(listen: SocketAddr, address: SocketAddr) -> bool {
    let of_this_host = || std::net::TcpListener::bind((address.ip(), 0)).is_ok();
    listen.port() == address.port() && (listen.ip() == address.ip() || listen.ip().is_unspecified() && of_this_host())
}

/// Whether only programs on this host connect to it. No address at all means this host, too.
fn is_this_host(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    ip.is_loopback() || ip.is_unspecified()
}

/// The status of `GET /`. Over TLS, that something accepts connections is what matters.
async fn answers(tls: bool, host: &str, address: &str) -> Result<Option<StatusCode>, Box<dyn std::error::Error>> {
    let stream = TcpStream::connect(address).await?;
    if tls {
        return Ok(None);
    }
    let (mut sender, connection) = hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::builder().method(Method::GET).uri("/").header("host", host);
    let answer = sender.send_request(request.body(http_body_util::Empty::<hyper::body::Bytes>::new())?).await?;
    Ok(Some(answer.status()))
}
