//! Questions to people.

use std::net::IpAddr;

use authority::Exhibit;
use jiff::Timestamp;
use law::{ChallengeId, Factors, Powers, Span};
use serde::{Deserialize, Serialize};

use super::{KeyRef, Proof};

/// `GET /v1/questions`: those that are open, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionList {
    /// The questions.
    pub questions: Vec<QuestionView>,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionView {
    /// Its id.
    pub id: ChallengeId,
    /// The key that called.
    pub key: KeyRef,
    /// Method and template.
    pub operation: String,
    /// The powers whose guards did not hold.
    pub powers: Powers,
    /// What they let the caller do, in words.
    pub in_words: Vec<String>,
    /// What is asked for.
    pub missing: Factors,
    /// Where the call came from.
    pub source: IpAddr,
    /// Whether the key had come from there before.
    pub known_source: bool,
    /// Whether it had for a day, or a person had said yes to it there.
    #[serde(default)]
    pub usual_source: bool,
    /// Since when the key has come from there, where it had before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_since: Option<Timestamp>,
    /// When it was asked.
    pub asked: Timestamp,
    /// When it lapses.
    pub until: Timestamp,
    /// Where it stands.
    pub state: QuestionState,
    /// How many people must say yes.
    pub people: usize,
    /// Who said yes already.
    pub yes: Vec<String>,
    /// Who can answer.
    pub answerers: Vec<String>,
    /// Whether a request is held open until the answer; where none is, a yes serves when the
    /// request is sent again.
    #[serde(default)]
    pub waiting: bool,
    /// Who was told, or was to be, as far as the running gate knows.
    #[serde(default)]
    pub told: Vec<Notified>,
    /// What else a yes lets pass, the longest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
}

/// Further calls that pass after a yes without a question: of the same key, from the same source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// What they can do.
    pub powers: Powers,
    /// For how long from the yes on.
    pub lasts: Span,
}

impl QuestionView {
    /// What else a yes lets pass, in words; nothing where the guards ask for every call.
    pub fn beyond(&self) -> Option<String> {
        let windows = self.windows.iter().map(|Window { powers, lasts }| format!("{powers} for {lasts}"));
        let windows = windows.collect::<Vec<_>>().join(", ");
        (!windows.is_empty()).then(|| format!("whatever this key asks from there and can do {windows}, unasked"))
    }
}

/// A notice of a question, to a person by mail or to a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    /// The person; nobody by name where it went to a webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `mail` or `webhook`.
    pub by: String,
    /// When it arrived, or was handed over.
    pub at: Timestamp,
    /// Why it has not arrived so far; nothing where it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_yet: Option<String>,
}

/// Where a question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuestionState {
    /// People are asked.
    Open,
    /// Everybody needed said yes; the call may come.
    Approved,
    /// A person said no.
    Denied,
    /// The yes was spent on a call.
    Spent,
    /// A yes to another question covers its call.
    Covered,
    /// The key stopped working before the call was made.
    KeyFell,
    /// Nobody answered in time, or nothing was done with the yes in time.
    Lapsed,
}

/// `GET /v1/questions/{question}`: a question and what the person is shown of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionDetails {
    /// The question.
    pub question: QuestionView,
    /// The request, credentials masked; gone once the yes was spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhibit: Option<Exhibit>,
}

/// `POST /v1/approvals`: one code says yes to several questions, all or none.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Approve {
    /// The questions.
    pub questions: Vec<ChallengeId>,
    /// A person who answers for all of them, and their code.
    #[serde(flatten)]
    pub proof: Proof,
}
