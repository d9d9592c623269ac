//! The record of calls and the ledger of changes.

use std::collections::BTreeMap;

use authority::Actor;
use jiff::Timestamp;
use law::{Call, KeyId, Outcome, Power, Span, Who};
use serde::{Deserialize, Serialize};

/// `GET /v1/calls`: only calls for which everything holds that is set, the newest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallFilter {
    /// By this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// By a key of this holder: an id or a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// By who called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Who>,
    /// Part of the operation, or with a `*` all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// With this power.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
    /// From this address or network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `permit`, `would-ask`, `would-refuse`, `challenge` or `refuse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// One status, such as `403`, or a hundred, such as `4xx`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// How far back to look, such as `1d`; a day where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Span>,
    /// At most so many, the newest: 50 where it is missing, never more than 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<usize>,
}

/// Calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallList {
    /// Oldest first, in the order in which they ended.
    pub calls: Vec<RecordedCall>,
    /// Calls that fit, with those that are not among the newest.
    pub found: u64,
    /// What of the record could not be read.
    pub damage: Vec<String>,
}

/// A call and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedCall {
    /// The call.
    pub call: Call,
    /// What became of it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// `GET /v1/ledger`: the newest entries, or those from one on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerFilter {
    /// The first entry's place; the newest entries where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// At most so many: 30 where it is missing, never more than 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// `GET /v1/ledger/events`: entries of the ledger as other systems are sent them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEvents {
    /// Events of OCSF, in their order.
    pub events: Vec<serde_json::Value>,
}

/// Entries of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerList {
    /// In their order.
    pub entries: Vec<LedgerEntry>,
    /// How many entries the ledger has.
    pub len: u64,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Its place, from 1.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Who brought it about.
    pub by: Actor,
    /// What changed, such as `key-disabled`.
    pub change: String,
    /// Its particulars. What is kept of secrets (verifiers, digests of links) is left out.
    pub particulars: serde_json::Map<String, serde_json::Value>,
    /// The chain up to and with this entry.
    pub hash: String,
}

/// `GET /v1/ledger/{seq}/proof`: what proves an entry with the public key alone. All of it is empty
/// where the entry, or one that was written with it, holds what is kept of a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerProof {
    /// The chain before the entry: the hash of the one before it.
    pub before: String,
    /// The entry, and those behind it that were written with it.
    pub entries: Vec<ProvenEntry>,
    /// The checkpoint right behind these, a signed note.
    pub checkpoint: String,
}

/// An entry as the chain covers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenEntry {
    /// When it was written, in milliseconds since 1970.
    pub at: i64,
    /// What changed, letter by letter.
    pub change: String,
}

/// `GET /v1/ledger/verify`: the whole ledger was read again and holds together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerVerified {
    /// How many entries there are.
    pub entries: u64,
    /// The hash of the last.
    pub head: String,
    /// The newest checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// The newest parts of the record that it says were removed, by the name of their book.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub trimmed: BTreeMap<String, u64>,
    /// What is sealed beside it and is not what it says, in words, with the mend.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misplaced: Vec<String>,
}

/// `GET /v1/ledger/checkpoint`: a signed note of where the ledger stands, for a witness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Origin, size, head, an empty line, the signature; missing before the first change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The public key with which it is verified: name, hash of both, key, with a `+` between.
    pub key: String,
}
