//! Asking for a key.

use authority::{Limit, Scope};
use jiff::Timestamp;
use law::{HolderKind, KeyId, Power, RequestId, Span};
use serde::{Deserialize, Serialize};

use super::{KeyView, Proof, Secret};

/// `POST /v1/requests`: asks for a key, with a person's code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RequestKey {
    /// What to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who would have it, by id or name: a holder that whoever asks answers for; themselves where
    /// it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// What it would be used for.
    pub scope: Scope,
    /// How much it would be used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    /// How long it would last; 90 days where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Span>,
    /// Why.
    pub reason: String,
    /// Who asks, and their code.
    #[serde(flatten)]
    pub proof: Proof,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestStanding {
    /// Somebody must answer.
    Open,
    /// It waits to be collected.
    Granted,
    /// Somebody said no.
    Denied,
    /// The key was made.
    Collected,
    /// Nobody answered, or nobody collected it, in time.
    Lapsed,
}

impl RequestStanding {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Collected => "collected",
            Self::Lapsed => "lapsed",
        }
    }
}

/// What a request asks for, or a yes gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What for.
    pub scope: Scope,
    /// How much.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    /// How long the key lasts.
    pub lifetime: Span,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestView {
    /// Its id.
    pub id: RequestId,
    /// Who asked.
    pub by: String,
    /// What the key would be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who would have it.
    pub holder: String,
    /// What kind of holder that is.
    pub kind: HolderKind,
    /// What is asked for.
    pub asked: Asked,
    /// Why, in the words of whoever asked.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// When what waits lapses: the request, or the yes that nobody collects.
    pub until: Timestamp,
    /// Where it stands.
    pub standing: RequestStanding,
    /// Who may say yes to all of it.
    pub approvers: Vec<String>,
    /// Who said yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<String>,
    /// What they said yes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<Asked>,
    /// Why somebody said no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The key that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
}

/// `GET /v1/requests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestList {
    /// The newest last.
    pub requests: Vec<RequestView>,
}

/// `GET /v1/requests/{request}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestDetails {
    /// The request.
    pub request: RequestView,
    /// What the key would reach.
    pub outlook: Outlook,
}

/// What a key would reach, and what keys like it do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlook {
    /// Operations of the catalogue that its scope lets pass.
    pub operations: usize,
    /// Those of them that pass with the key alone.
    pub without_second_factor: usize,
    /// By power.
    pub powers: Vec<OutlookPower>,
    /// Those that no key of this holder reaches now; at most so many are named.
    pub new: Vec<String>,
    /// How many they are.
    pub news: usize,
    /// Working keys that it is held against: of the same holder, or, where it has none, of the
    /// same kind of holder.
    pub similar_keys: usize,
    /// Whether they are of the same holder.
    pub same_holder: bool,
    /// The operations asked for that they have used.
    pub used: Vec<String>,
    /// From when on the record was read for that.
    pub since: Timestamp,
    /// Whether part of the record could not be read.
    pub damaged: bool,
}

/// What of it has one power.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutlookPower {
    /// The power.
    pub power: Power,
    /// Operations that have it.
    pub operations: usize,
    /// Those of them that ask for a second factor.
    pub ask: usize,
    /// Those of them that keys like it used.
    pub used: usize,
}

/// `POST /v1/requests/{request}/grant`: says yes, or yes to less.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GrantRequest {
    /// A narrower scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// More limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    /// A shorter life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Span>,
    /// Who says yes, and their code.
    #[serde(flatten)]
    pub proof: Proof,
}

/// `POST /v1/requests/{request}/deny`. Needs no code.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenyRequest {
    /// Why, for whoever asked and for the ledger.
    pub why: String,
    /// Who acts, where that is to stand in the ledger.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Their code, where `as` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Secret>,
}

/// `POST /v1/requests/{request}/collect`: what whoever asked gets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CollectedKey {
    /// The key.
    pub key: KeyView,
    /// What its client sends. Shown once, and kept nowhere.
    pub secret: Secret,
}
