//! `greave check`: what is wrong, what would change, and whether there is a way around.

use std::{path::Path, time::Duration};

use authority::Digest;
use http::{Method, Request, StatusCode};
use jiff::Timestamp;
use tokio::{net::TcpStream, time::timeout};

use crate::{
    cli::Check,
    commands::{Done, Outcome},
    config::Config,
    document::Document,
    house, show,
    telling::observing,
};

/// How long an upstream may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn run(path: &Path, check: &Check, now: Timestamp) -> Outcome {
    let config = Config::read(path)?;
    let document = Document::load(&config)?;
    show::document(&document.catalogue, &document.troubles);
    let mut done = if document.troubles.is_empty() { Done::Clean } else { Done::Findings };
    if !document.drift.is_empty() {
        println!("\nThe document has changed since catalogue.lock was accepted:");
        show::drift(&document.drift);
        done = Done::Findings;
    }
    // What the gate would be made of is made, and let go.
    let catalogue = std::sync::Arc::new(document.catalogue);
    house::realm(&config, catalogue)?;
    house::upstream(&config)?;
    law(&config, now);
    if let Some(direct) = &check.direct {
        done = worse(done, around(direct, &config).await?);
    }
    if done == Done::Clean {
        anstream::println!("{}", show::styled(show::WELL, "nothing is wrong"));
    }
    Ok(done)
}

fn law(config: &Config, now: Timestamp) {
    let law = config.guard.law();
    let digest = Digest::of(law.to_string().as_bytes()).to_string();
    println!("\nThe law of the file, {}:", digest.get(..16).unwrap_or_default());
    for (power, cell) in law.person.iter() {
        println!("  {power:<9}{:<42}{}", cell.guard.to_string(), cell.mode);
    }
    let observing = observing(&law, now);
    if !observing.is_empty() {
        anstream::println!("{}", show::styled(show::ALARM, format!("observing: {}", observing.join(", "))));
    }
}

/// Whether the API answers without the gate.
async fn around(direct: &str, config: &Config) -> Result<Done, Box<dyn std::error::Error>> {
    let origin: gateway::Origin = direct.parse().map_err(|error| format!("--direct: {error}"))?;
    let found = timeout(PATIENCE, answers(&origin.to_string())).await;
    match found {
        Ok(Ok(status)) if config.gate.proof.is_some() && matches!(status.as_u16(), 401 | 403) => {
            println!("{direct} answers {status} without the gate's proof");
            Ok(Done::Clean)
        }
        Ok(Ok(status)) => {
            let text = format!(
                "{direct} answers ({status}) without the gate: whoever reaches it walks around the law. Let it listen \
                 where only the gate can reach it, or demand the gate's proof (gate.proof, gate.client_certificate)"
            );
            anstream::println!("{}", show::styled(show::ALARM, text));
            Ok(Done::Findings)
        }
        Ok(Err(_)) | Err(_) => {
            println!("{direct} does not answer without the gate");
            Ok(Done::Clean)
        }
    }
}

/// The status of `GET /`, over plain TCP: that anything listens there is what matters.
async fn answers(origin: &str) -> Result<StatusCode, Box<dyn std::error::Error>> {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let tls = origin.starts_with("https://");
    let address = if host.rsplit_once(':').is_some() {
        host.to_owned()
    } else {
        format!("{host}:{}", if tls { 443 } else { 80 })
    };
    let stream = TcpStream::connect(&address).await?;
    if tls {
        // Something accepts connections; what it would say over TLS makes no difference.
        return Ok(StatusCode::OK);
    }
    let (mut sender, connection) = hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::builder().method(Method::GET).uri("/").header("host", host);
    let answer = sender.send_request(request.body(http_body_util::Empty::<hyper::body::Bytes>::new())?).await?;
    Ok(answer.status())
}

const fn worse(one: Done, other: Done) -> Done {
    match (one, other) {
        (Done::Clean, Done::Clean) => Done::Clean,
        _ => Done::Findings,
    }
}
