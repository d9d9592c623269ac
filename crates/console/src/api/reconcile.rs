//! What the API itself says of its keys, held against the keys here.

use authority::Listed;
use law::{KeyId, Refusal};
use serde::{Deserialize, Serialize};

/// `POST /v1/reconcile`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    /// Why the API's list was not compared, where it was not. Then nothing is known of what
    /// stands in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_compared: Option<String>,
    /// Keys that live at the API.
    pub listed: usize,
    /// Keys that work here of which nobody knows what the API calls them: one that is unknown
    /// may be one of these.
    pub unnamed: usize,
    /// They live at the API, and nobody here knows them.
    pub unknown: Vec<Listed>,
    /// They do not work here, and live at the API, as far as is known.
    pub alive: Vec<AliveView>,
    /// They work here, and are gone at the API.
    pub gone: Vec<GoneView>,
}

/// A key that does not work here and lives at the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliveView {
    /// The key.
    pub key: KeyId,
    /// What people call it, or whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why it does not work here.
    pub here: Refusal,
    /// Why it lives there.
    pub why: String,
    /// How the API lists it, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<Listed>,
}

/// A key that works here and is gone at the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoneView {
    /// The key.
    pub key: KeyId,
    /// What people call it, or whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the API called it.
    pub upstream: String,
}
