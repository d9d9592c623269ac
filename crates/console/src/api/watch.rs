//! What the watch has done about keys.

use std::net::IpAddr;

use jiff::Timestamp;
use law::{Containment, KeyId};
use serde::{Deserialize, Serialize};

/// `GET /v1/watch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchView {
    /// `on`, `dry-run` or `off`.
    pub mode: String,
    /// The keys that something holds.
    pub contained: Vec<ContainedView>,
    /// Who shows credentials that nobody knows, whoever showed most first.
    #[serde(default)]
    pub guessing: Vec<GuessingView>,
}

/// A block from which many credentials come that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuessingView {
    /// Such as `192.0.2.0/24`.
    pub block: String,
    /// The address that showed the last one.
    pub source: IpAddr,
    /// How many different ones; an estimate from some hundred on.
    pub credentials: u32,
    /// How many calls.
    pub calls: u32,
    /// The first call.
    pub since: Timestamp,
    /// The last one.
    pub last: Timestamp,
    /// Keys that worked there, and were never used there before.
    pub worked: Vec<KeyId>,
}

/// A key that something holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainedView {
    /// The key.
    pub key: KeyId,
    /// What people call it.
    pub name: Option<String>,
    /// Who has it.
    pub holder: Option<String>,
    /// What holds it, why, and until when.
    pub containments: Vec<Containment>,
    /// The keys that it made, and they made: held with it.
    pub holds: Vec<KeyId>,
}
