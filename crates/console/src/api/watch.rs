//! What the watch has done about keys.

use law::{Containment, KeyId};
use serde::{Deserialize, Serialize};

/// `GET /v1/watch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchView {
    /// `on`, `dry-run` or `off`.
    pub mode: String,
    /// The keys that something holds.
    pub contained: Vec<ContainedView>,
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
