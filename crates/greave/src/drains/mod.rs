//! Drains: calls, findings and changes go out to other systems, as OCSF events.
//!
//! Each drain reads what is on disk anyway, at its own pace, and keeps its place there: no
//! request waits for one, no memory grows with one that is stuck, and a restart loses nothing
//! and sends little twice.

pub(crate) mod cursor;
pub(crate) mod journal;
mod pump;
mod source;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use authority::Authority;
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use law::Finding;
use ocsf::Teller;
use record::Book;
use tell::{DrainSettings, Roots};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

pub(crate) use self::source::line;
use self::{cursor::Health, journal::Journal, pump::Pump, source::Source};
use crate::{
    config::{self, Config},
    hourly::Hourly,
    house::HouseError,
    secrets::{Vault, private_folder},
    state::record_folder,
};

/// All drains of a running gate.
pub(crate) struct Drains {
    authority: Arc<Authority>,
    journal: Arc<Journal>,
    findings: mpsc::Sender<Finding>,
    book: Arc<Book>,
    /// When this process began.
    born: Timestamp,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    stop: Option<watch::Sender<bool>>,
    tasks: Vec<JoinHandle<()>>,
    health: Vec<(String, Arc<Mutex<Health>>)>,
}

impl Drains {
    pub(crate) fn new(
        authority: Arc<Authority>,
        journal: Arc<Journal>,
        findings: mpsc::Sender<Finding>,
        (book, born): (Arc<Book>, Timestamp),
    ) -> Self {
        Self { authority, journal, findings, book, born, running: Mutex::default() }
    }

    /// Runs the drains of this configuration, and no others. What ran before comes to its end first.
    pub(crate) async fn run(&self, config: &Config) -> Result<(), HouseError> {
        // Everything that can fail comes before those that run are stopped.
        let (folder, made) = ready(config)?;
        self.stop().await;
        let mut running = Running::default();
        let (stop, stopping) = watch::channel(false);
        for (wanted, drain) in made {
            let (wanted_again, teller) = (wanted.clone(), teller(config));
            let (authority, journal, book) =
                (Arc::clone(&self.authority), Arc::clone(&self.journal), Arc::clone(&self.book));
            let born = self.born;
            let again = move || {
                let (authority, journal) = (Arc::clone(&authority), Arc::clone(&journal));
                Source::new(wanted_again.clone(), teller.clone(), authority, journal, (Arc::clone(&book), born))
            };
            let health = Arc::new(Mutex::new(Health::default()));
            let pump = Pump {
                name: wanted.name.clone(),
                drain,
                source: Some(again()),
                again: Box::new(again),
                unsure: None,
                authority: Arc::clone(&self.authority),
                folder: folder.clone(),
                record: record_folder(&config.gate.state),
                reads_record: wanted.events.iter().any(|events| events.0 == ocsf::Kind::Call),
                reads_ledger: wanted.events.iter().any(|events| events.0 == ocsf::Kind::Change),
                health: Arc::clone(&health),
                hourly: Hourly::new(self.findings.clone()),
            };
            running.health.push((wanted.name.clone(), health));
            running.tasks.push(tokio::spawn(pump.run(stopping.clone())));
        }
        running.stop = Some(stop);
        *self.lock() = running;
        Ok(())
    }

    /// Ends all of them: what is being sent is let go, and comes again.
    pub(crate) async fn stop(&self) {
        let Running { stop, tasks, health: _ } = std::mem::take(&mut *self.lock());
        if let Some(stop) = stop {
            stop.send_replace(true);
        }
        for task in tasks {
            let _ = task.await;
        }
    }

    /// How each of them does.
    pub(crate) fn health(&self) -> Vec<(String, Health)> {
        let read = |(name, health): &(String, Arc<Mutex<Health>>)| {
            (name.clone(), health.lock().unwrap_or_else(PoisonError::into_inner).clone())
        };
        self.lock().health.iter().map(read).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Running> {
        // A list of tasks cannot be left half-changed.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drains as they are configured, each ready to be written to.
type Made<'a> = Vec<(&'a config::Drain, tell::Drain)>;

/// The drains of a configuration, and the folder for how far they have come.
pub(crate) fn ready(config: &Config) -> Result<(PathBuf, Made<'_>), HouseError> {
    let made = config.drains.iter().map(|drain| Ok((drain, make(drain, config)?)));
    let made = made.collect::<Result<_, HouseError>>()?;
    let folder = cursor::folder(&config.gate.state);
    private_folder(&folder).map_err(|error| HouseError::Setting(format!("drain: `{}`: {error}", folder.display())))?;
    Ok((folder, made))
}

/// Who tells.
pub(crate) fn teller(config: &Config) -> Teller {
    let api = config.gate.upstream.split_once("://").map_or(config.gate.upstream.as_str(), |(_, host)| host);
    Teller {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        gate: config.public(),
        api: api.trim_end_matches('/').to_owned(),
    }
}

/// A drain as it is configured, ready to be written to.
pub(crate) fn make(drain: &config::Drain, config: &Config) -> Result<tell::Drain, HouseError> {
    let setting = |why: &dyn std::fmt::Display| HouseError::Setting(format!("drain `{}`: {why}", drain.name));
    let bears = match &drain.secret {
        None => None,
        Some(secret) => {
            let text = Vault::of(&config.gate.state).text(secret)?;
            let (header, scheme) = (drain.header.as_deref(), drain.scheme.as_deref());
            Some(credential(&text, header, scheme).map_err(|why| setting(&why))?)
        }
    };
    let settings = DrainSettings {
        to: drain.to.clone(),
        form: match drain.form {
            config::DrainForm::Lines => tell::Form::Lines,
            config::DrainForm::Array => tell::Form::Array,
        },
        gzip: drain.gzip,
        credential: bears,
        facility: drain
            .facility
            .as_deref()
            .map_or(Ok(tell::Facility::default()), str::parse)
            .map_err(|error| setting(&error))?,
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        roots: roots(drain.authorities.as_deref()).map_err(|error| setting(&error))?,
        danger_plain: drain.danger_plain,
    };
    tell::Drain::new(settings).map_err(|error| setting(&error))
}

/// A header that bears a credential: after `Bearer` in `Authorization`, where nothing else is said.
pub(crate) fn credential(
    text: &str,
    header: Option<&str>,
    scheme: Option<&str>,
) -> Result<(HeaderName, HeaderValue), String> {
    let name = header.unwrap_or("authorization");
    let usual = if name.eq_ignore_ascii_case("authorization") { "Bearer" } else { "" };
    let value = zeroize::Zeroizing::new(format!("{} {}", scheme.unwrap_or(usual), text.trim()));
    let mut value: HeaderValue =
        value.trim_start().parse().map_err(|_| "its secret cannot stand in a header".to_owned())?;
    value.set_sensitive(true);
    Ok((name.parse().map_err(|_| format!("`{name}` is no header's name"))?, value))
}

/// The certificate authorities of a file; those of the system where none is named.
pub(crate) fn roots(authorities: Option<&Path>) -> Result<Roots, String> {
    let Some(path) = authorities else { return Ok(Roots::System) };
    Roots::read(path).map_err(|error| format!("authorities: `{}`: {error}", path.display()))
}

/// Where the file of a drain's place lies.
pub(crate) fn folder(config: &Config) -> PathBuf {
    cursor::folder(&config.gate.state)
}
