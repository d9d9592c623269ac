//! How the gate stands, on one screen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Observing, RecordHealth};

/// `GET /v1/status`: how the running gate stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// What the gate's process knows of itself.
    pub gate: GateStatus,
    /// The digest of the law in force.
    pub law: String,
    /// What only observes.
    pub observing: Observing,
    /// Whether something weaker waits for a code.
    pub law_waits: bool,
    /// Settings in force that the next start alone takes over.
    pub at_next_start: Vec<String>,
    /// Keys that work.
    pub keys_working: usize,
    /// Keys that are disabled.
    pub keys_disabled: usize,
    /// Keys that are retired, revoked, ended, or whose holder has left.
    pub keys_ended: usize,
    /// Keys that the watch contains.
    pub keys_contained: usize,
    /// Questions that wait for an answer.
    pub questions: usize,
    /// When the oldest of them was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_question: Option<Timestamp>,
    /// How often nobody could be told of a question, since the start.
    pub questions_untold: u64,
    /// The record.
    pub record: RecordStatus,
    /// The ledger.
    pub ledger: LedgerStatus,
}

/// What the gate's process knows of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateStatus {
    /// Its version.
    pub version: String,
    /// When it started.
    pub since: Timestamp,
    /// Where the API is.
    pub upstream: String,
    /// Why no connection to it comes about; nothing where one did just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_unreachable: Option<String>,
    /// Calls that passed within the last hour, since the start.
    pub passed: u64,
    /// Calls that ended with a question.
    pub asked: u64,
    /// Calls that were refused.
    pub refused: u64,
    /// Of these, calls with a credential that nobody knows.
    pub unknown: u64,
    /// Calls that are held now.
    pub held: u64,
    /// How people are told.
    pub told_by: Vec<WayStatus>,
    /// Where events go out to.
    pub drains: Vec<WayStatus>,
    /// What the record may take, in bytes.
    pub record_cap: u64,
}

/// A way on which something goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayStatus {
    /// Its name.
    pub name: String,
    /// Since when nothing arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Why, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What waits: letters, or bytes of the record.
    pub waiting: u64,
    /// What will never arrive.
    pub lost: u64,
}

/// The record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordStatus {
    /// Whether it is written.
    pub health: RecordHealth,
    /// Its oldest entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins: Option<Timestamp>,
    /// When entries last came to the disk, since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synced: Option<Timestamp>,
    /// Entries that are not on disk yet.
    pub pending: u64,
    /// What it takes, in bytes.
    pub bytes: u64,
    /// What is free on its disk, in bytes.
    pub free: u64,
    /// How large its disk is, in bytes.
    pub size: u64,
}

/// The ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerStatus {
    /// How many entries its newest checkpoint covers.
    pub entries: u64,
    /// Whether that checkpoint is signed by this gate, and nothing stands behind it.
    pub signed: bool,
    /// Since when it takes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwritten_since: Option<Timestamp>,
}
