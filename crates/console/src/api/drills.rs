//! Drills: thefts that the gate rehearses at itself.

use authority::Card;
use jiff::Timestamp;
use law::KeyId;
use serde::{Deserialize, Serialize};

use super::{Proof, Secret};

/// `POST /v1/drills`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BeginDrill {
    /// The scenarios, each a text of TOML.
    pub scenarios: Vec<String>,
    /// The key that is played stolen, by its id; a made-up one where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<KeyId>,
    /// Whether calls that do nothing but read are answered by the API, with the gate's own
    /// credential: nobody sees the answers, they are only counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads_pass: bool,
    /// Whose code it is, and the code.
    #[serde(flatten)]
    pub proof: Proof,
}

/// `POST /v1/drills/canary`: a canary that is to be laid out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LaidOut {
    /// Its id.
    pub key: KeyId,
    /// The canary: it works nowhere. Shown once, and kept by the drill alone.
    pub secret: Secret,
    /// The drill, which goes on when a scanner has found it.
    pub drill: DrillView,
}

/// `GET /v1/drills`: the drill that goes on, or the last one since the gate started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillView {
    /// Whether it still goes on.
    pub goes_on: bool,
    /// Its scenarios, in the order in which they are played.
    pub played: Vec<PlayedView>,
    /// Scenarios that this API has nothing for, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_played: Vec<String>,
}

/// One scenario of a drill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayedView {
    /// Its key. Nobody knows it any more when there is a card.
    pub key: KeyId,
    /// The scenario's name.
    pub scenario: String,
    /// What happens in it.
    pub story: String,
    /// Whose key is played stolen.
    pub holder: String,
    /// What it showed, where it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// What the drill before showed, of the same scenario.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<BeforeView>,
}

/// What an earlier drill showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeforeView {
    /// When it ended.
    pub at: Timestamp,
    /// What it showed.
    pub card: Card,
}
