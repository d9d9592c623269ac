//! What is done about a key by itself, and how it is undone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{KeyId, Powers};

/// One rung of the ladder, the mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// It is written down.
    Note,
    /// The owner is told.
    Tell,
    /// What is sensitive, or not usual for this key, asks for a person's factor.
    StepUp,
    /// Some powers are refused; usual operations from usual sources go on.
    Freeze,
    /// Only known sources pass, and nothing sensitive.
    Pin,
    /// Nothing passes, until somebody lifts it.
    Disable,
    /// Nothing passes any more.
    Revoke,
}

impl Step {
    /// The word used in configuration and on every page.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Tell => "tell",
            Self::StepUp => "step-up",
            Self::Freeze => "freeze",
            Self::Pin => "pin",
            Self::Disable => "disable",
            Self::Revoke => "revoke",
        }
    }

    /// Whether it takes something away that a person's yes to the call does not give back.
    pub const fn contains(self) -> bool {
        matches!(self, Self::Freeze | Self::Pin | Self::Disable | Self::Revoke)
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// What containments say of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// They hold nothing against it.
    #[default]
    Pass,
    /// A person is asked for their factor, for this very call.
    Ask,
    /// It is refused.
    Refuse,
}

/// One answer to one key. It says why, until when, and how to lift it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Containment {
    /// Whom it holds.
    pub key: KeyId,
    /// What is done.
    pub step: Step,
    /// What a freeze or a step-up stops; every power for what is stricter.
    pub powers: Powers,
    /// From when.
    pub from: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
    /// Why, in words.
    pub reason: String,
    /// The one command that lifts it.
    pub lift: String,
    /// The key whose finding it is, where this one only hangs on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<KeyId>,
}

impl Containment {
    /// What it says of a call with these powers, which is usual for the key or not.
    pub fn says(&self, powers: Powers, unusual: bool, now: Timestamp) -> Answer {
        if self.until <= now {
            return Answer::Pass;
        }
        let touches = !powers.intersection(self.powers).intersection(Powers::SENSITIVE).is_empty();
        match self.step {
            Step::Note | Step::Tell => Answer::Pass,
            Step::StepUp if touches || unusual => Answer::Ask,
            Step::Freeze if touches || unusual && self.powers == Powers::SENSITIVE => Answer::Refuse,
            Step::Pin if powers.is_sensitive() || unusual => Answer::Refuse,
            Step::StepUp | Step::Freeze | Step::Pin => Answer::Pass,
            Step::Disable | Step::Revoke => Answer::Refuse,
        }
    }
}
