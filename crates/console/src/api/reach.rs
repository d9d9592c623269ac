//! What can be done, with what, and why.

use std::net::IpAddr;

use jiff::Timestamp;
use law::{Factors, HolderKind, KeyId, Power, Powers, Verdict};
use serde::{Deserialize, Serialize};

use super::{Guarded, KeyView, UndescribedUse};

/// `GET /v1/reach` and `GET /v1/reach/{key}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReachFilter {
    /// Without a key: the kind of holder whose guards are meant; a person where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<HolderKind>,
    /// How far back to look for what was used, such as `30d`; where it is missing, 30 days for any
    /// key, and as far as the record goes for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<law::Span>,
}

/// What can be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// With this key; with any key of that kind of holder where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyView>,
    /// The kind of holder whose guards are meant.
    pub kind: HolderKind,
    /// By power, in the order in which pages show them.
    pub powers: Vec<PowerReach>,
    /// By operation, in the order of the catalogue.
    pub operations: Vec<OperationReach>,
    /// What was called that the document does not describe, the most frequent first.
    pub undescribed: Vec<UndescribedUse>,
    /// From when on the record was read for what was used. Of what is sealed, whole days count.
    pub since: Timestamp,
    /// The oldest call of the record: of what was before, nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_begins: Option<Timestamp>,
    /// Up to here calls were removed from it, of some powers or of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_until: Option<Timestamp>,
    /// What of the record could not be read.
    pub damage: Vec<String>,
}

/// What can be done by one power.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerReach {
    /// What the law requires for it.
    pub guard: Guarded,
    /// Operations that have it.
    pub operations: usize,
    /// Those of them that pass with the key alone now.
    pub without_second_factor: usize,
    /// Those of them that were used.
    pub used: usize,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationReach {
    /// Its name, such as `DELETE /users/{name}`.
    pub operation: String,
    /// What the document says of it in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What it lets its caller do.
    pub powers: Powers,
    /// Why.
    pub evidence: Vec<EvidenceLine>,
    /// Whether anybody may call it, without a key.
    pub open: bool,
    /// Whether the key's scope, and what narrows it, leave it in; without a key it does.
    #[serde(default = "yes")]
    pub within: bool,
    /// Whether `catalogue.lock` knows it. What it does not know has every power.
    pub accepted: bool,
    /// Whether it passes with the key alone now, without a second factor.
    pub without_second_factor: bool,
    /// How it was used, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Use>,
}

const fn yes() -> bool {
    true
}

/// How something was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// Calls that passed.
    pub passed: u64,
    /// Calls that were asked about or refused.
    pub stopped: u64,
    /// On how many days (UTC).
    #[serde(default)]
    pub days: u64,
    /// The most that passed on one day.
    #[serde(default)]
    pub busiest: u64,
    /// The first call.
    pub first: Timestamp,
    /// The last call.
    pub last: Timestamp,
    /// Bytes of the answers.
    #[serde(default)]
    pub bytes_out: u64,
    /// Items in the answers, as far as they were counted.
    #[serde(default)]
    pub rows: u64,
}

/// Why an operation has a power.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceLine {
    /// The power.
    pub power: Power,
    /// The rule, such as `mint.object`.
    pub rule: String,
    /// In words.
    pub words: String,
}

/// `GET /v1/explain`: why a call would pass, be asked about, or be refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainFilter {
    /// The method, such as `DELETE`.
    pub method: String,
    /// The path, with its query where that matters, as a client sends it.
    pub path: String,
    /// As which key; without a credential where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// From which address: it decides which yes of a person still counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
}

/// Why a call would pass, be asked about, or be refused. Nothing was called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The method.
    pub method: String,
    /// The path as it was given.
    pub path: String,
    /// The operation; missing where the path is refused or nothing describes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// What the document says of it in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Operations that it may be, where more than the path tells them apart.
    pub candidates: Vec<String>,
    /// Where nothing describes it: what may have been meant, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<String>,
    /// Names and values of the template's parameters.
    pub parameters: Vec<(String, String)>,
    /// Whether anybody may call it, without a key.
    pub open: bool,
    /// The key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyView>,
    /// The kind of holder whose guards are meant.
    pub kind: HolderKind,
    /// Each power with its guard.
    pub powers: Vec<ExplainedPower>,
    /// The factors that could be shown for the key now.
    pub presentable: Factors,
    /// What would be decided.
    pub verdict: Verdict,
    /// The same in words: what would happen and how it would be met or mended.
    pub in_words: String,
    /// What else is to be known, such as that nothing describes the path.
    pub notes: Vec<String>,
}

/// One power of an operation and its guard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainedPower {
    /// The guard.
    pub guard: Guarded,
    /// What the power lets its caller do.
    pub in_words: String,
    /// Why the operation has it.
    pub evidence: Vec<EvidenceLine>,
    /// Whether the guard holds with what is held: the key, and what a person said yes to before.
    pub holds: bool,
}
