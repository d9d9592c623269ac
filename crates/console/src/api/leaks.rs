//! Keys that were found where they should not be.

use law::KeyId;
use serde::{Deserialize, Serialize};

use super::{CanaryView, KeyView, Proof, Secret};

/// `POST /v1/leaks/look`: which of these are keys that are known here?
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookForLeaks {
    /// SHA-256 of whatever may be a key, in hexadecimal; at most 20,000.
    #[serde(default)]
    pub digests: Vec<String>,
}

/// Which of them are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LooksLeaked {
    /// How issued keys begin, where any are issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Whether it is known how keys were used.
    pub usage_complete: bool,
    /// Those that are known.
    #[serde(default)]
    pub known: Vec<KnownLeak>,
}

/// One that is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KnownLeak {
    /// Which of the digests, counted from 0.
    pub place: usize,
    /// Which key it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyView>,
    /// Whether anything passes with it now.
    #[serde(default)]
    pub works: bool,
    /// Which canary it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryView>,
}

/// `POST /v1/leaks`: these keys were found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportLeaks {
    /// Which, and where.
    pub found: Vec<FoundLeak>,
    /// Who says so. No code is needed: it protects.
    #[serde(flatten)]
    pub proof: Proof,
}

/// A key that was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundLeak {
    /// Which.
    pub key: KeyId,
    /// Where, for the ledger.
    pub at: String,
}

/// What became of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LeaksAnswered {
    /// The keys as they stand now.
    pub keys: Vec<KeyView>,
}

/// `POST /v1/leaks/found`: a stranger has found what may be keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundCredentials {
    /// At most a thousand.
    pub credentials: Vec<Secret>,
}

/// One line of GitHub's report.
#[derive(Debug, Deserialize)]
pub struct Reported {
    /// What was found.
    pub token: Secret,
    /// By which of the patterns that were registered.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Where; it is written down and never fetched.
    #[serde(default)]
    pub url: Option<String>,
    /// In what: a commit, an issue, and so on.
    #[serde(default)]
    pub source: Option<String>,
}

/// What is answered to one line of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Labelled {
    /// SHA-256 of what was reported, in hexadecimal.
    pub token_hash: String,
    /// As it was reported.
    pub token_type: String,
    /// `true_positive` or `false_positive`.
    pub label: &'static str,
}
