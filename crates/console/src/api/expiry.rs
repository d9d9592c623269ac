//! When keys end, and how long they really live.

use jiff::Timestamp;
use law::{KeyId, Span};
use serde::{Deserialize, Serialize};

use super::Proof;

/// `GET /v1/expiry`: of the keys that work, and of how long others lived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiryReport {
    /// Keys that work.
    pub working: usize,
    /// How many of them end within 7, 30 and 90 days; each counts the ones before.
    pub ends: Vec<Within>,
    /// The next ends, the soonest first; at most 20.
    pub next: Vec<Ending>,
    /// Keys of which no end is known.
    pub no_end: usize,
    /// Keys that live longer than `longest`, as far as is known.
    pub past_limit: usize,
    /// How long a key may live.
    pub longest: Span,
    /// How many were not used for 30 and 90 days; nothing where use is not known.
    pub idle: Vec<Within>,
    /// How many were never used since `usage_since`; missing where use is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never_used: Option<usize>,
    /// Since when use is known; before, keys may have been used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_since: Option<Timestamp>,
    /// Keys older than `usual`, none of whose holder's keys has ever ended: nothing was exchanged.
    pub never_rotated: usize,
    /// How long an issued key lives where nobody says.
    pub usual: Span,
    /// How long those lived that work no more: from when they were first seen, or born as an
    /// import said, to when they were stopped or ended.
    pub lived: Lived,
    /// How old those are that work.
    pub ages: Lived,
}

/// So many keys, within so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Within {
    /// How long.
    pub within: Span,
    /// How many.
    pub keys: usize,
}

/// A key that will end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Its id.
    pub id: KeyId,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Who answers for it first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// When.
    pub end: Timestamp,
}

/// How lengths of time are spread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lived {
    /// Of how many keys.
    pub keys: usize,
    /// Half of them lived no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median: Option<Span>,
    /// Nine of ten lived no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nine_of_ten: Option<Span>,
    /// The longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest: Option<Span>,
    /// How many lived up to 1, 7, 30, 90, 180, 365 and 730 days; none is counted twice.
    pub parts: Vec<Within>,
    /// How many lived longer.
    pub longer: usize,
}

/// `POST /v1/keys/ends`: when keys end, all of them or none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApplyEnds {
    /// The keys and their ends.
    pub ends: Vec<KeyEnd>,
    /// An administrator and their code.
    #[serde(flatten)]
    pub proof: Proof,
}

/// When a key ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEnd {
    /// The key.
    pub key: KeyId,
    /// Its end.
    pub end: Timestamp,
}

/// What saying ends has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndsApplied {
    /// Keys that end otherwise than before.
    pub keys: usize,
}
