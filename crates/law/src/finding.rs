//! What somebody should look at.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{CallId, KeyId};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// To be mended in ordinary work.
    Warning,
    /// To be looked at today.
    High,
    /// To be looked at now.
    Critical,
}

/// What was seen, where and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// When it was seen.
    pub at: Timestamp,
    /// The call that showed it, where there is one.
    pub call: Option<CallId>,
    /// What was seen, in words, without secrets.
    pub what: String,
}

/// Something that somebody should look at. One without evidence cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's name, such as `key-in-query`.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// The key that it is about, where there is one.
    pub key: Option<KeyId>,
    first: Evidence,
    more: Vec<Evidence>,
}

impl Finding {
    /// A finding and the first thing that showed it.
    pub fn new(rule: impl Into<String>, severity: Severity, key: Option<KeyId>, first: Evidence) -> Self {
        Self { rule: rule.into(), severity, key, first, more: Vec::new() }
    }

    /// The same finding with one more thing seen.
    #[must_use]
    pub fn and(mut self, evidence: Evidence) -> Self {
        self.more.push(evidence);
        self
    }

    /// The same finding, as of this moment: for who has it from somebody whose clock is another.
    #[must_use]
    pub fn dated(mut self, at: Timestamp) -> Self {
        self.first.at = at;
        self.more.iter_mut().for_each(|evidence| evidence.at = at);
        self
    }

    /// All that was seen, the first first. Never empty.
    pub fn evidence(&self) -> impl Iterator<Item = &Evidence> {
        std::iter::once(&self.first).chain(&self.more)
    }
}
