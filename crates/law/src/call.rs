//! The record of an attempt and its outcome.

use std::{net::IpAddr, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ApprovalId, CallId, ChallengeId, Factors, HolderId, KeyId, Powers, Refusal};

/// Who called, as far as the gate could tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// A known key.
    Key,
    /// A credential that the gate does not know.
    Unknown,
    /// A login's session.
    Session,
    /// No credential at all.
    Nobody,
    /// The key of a drill. Nothing of it reached the API, whatever the outcome says.
    Drill,
    /// The key of a drill, with a call that read at the API. Nobody but the gate saw the answer.
    #[serde(rename = "drill-read")]
    DrillRead,
}

impl Who {
    /// Whether it is a drill's call, and counts for no use of anything.
    pub const fn is_drill(self) -> bool {
        matches!(self, Self::Drill | Self::DrillRead)
    }

    /// The word for it in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Unknown => "unknown",
            Self::Session => "session",
            Self::Nobody => "nobody",
            Self::Drill => "drill",
            Self::DrillRead => "drill-read",
        }
    }

    /// Whom the word stands for.
    pub fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "key" => Self::Key,
            "unknown" => Self::Unknown,
            "session" => Self::Session,
            "nobody" => Self::Nobody,
            "drill" => Self::Drill,
            "drill-read" => Self::DrillRead,
            _ => return None,
        })
    }
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It passed.
    Permit,
    /// It passed because the guard only observes; enforced, these factors would have been asked for.
    WouldAsk(Factors),
    /// It passed because the guard only observes; enforced, it would have been refused.
    WouldRefuse(Refusal),
    /// A second factor was asked for.
    Challenge(Factors),
    /// It was refused.
    Refuse(Refusal),
}

/// One call as the gate understood it, written before it is forwarded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The id under which the outcome follows.
    pub id: CallId,
    /// When the request had been read as far as its headers.
    pub at: Timestamp,
    /// Who called.
    pub who: Who,
    /// The key, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// The key's holder, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<HolderId>,
    /// Method and template, such as `DELETE /users/{name}`; method and `*` where it is not described.
    pub operation: Arc<str>,
    /// The values of the template's parameters, credential-shaped ones digested. For what
    /// is not described: the path, as `path`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<(Arc<str>, String)>,
    /// Names of query parameters; `name=value` for those that page through a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<String>,
    /// What the operation lets its caller do.
    pub powers: Powers,
    /// The address that called, as far as trusted proxies tell.
    pub source: IpAddr,
    /// The `User-Agent`, cut at 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The factors that were shown.
    pub factors: Factors,
    /// What was decided.
    pub verdict: Verdict,
    /// The first eight bytes, in hexadecimal, of the SHA-256 of the law that decided.
    pub law: Arc<str>,
    /// The question that was asked, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<ChallengeId>,
    /// The yes that let it pass, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalId>,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// The answer was sent whole.
    Whole,
    /// The client went away first.
    ClientGone,
    /// The upstream broke off.
    UpstreamGone,
    /// The gate ended it, because the key was disabled, revoked or ended.
    Cut,
    /// The gate ended it, because a limit of the key had no room for more.
    LimitReached,
    /// The gate answered by itself.
    Answered,
}

impl Ended {
    /// The word for it in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::ClientGone => "client-gone",
            Self::UpstreamGone => "upstream-gone",
            Self::Cut => "cut",
            Self::LimitReached => "limit-reached",
            Self::Answered => "answered",
        }
    }

    /// What the word stands for.
    pub fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "whole" => Self::Whole,
            "client-gone" => Self::ClientGone,
            "upstream-gone" => Self::UpstreamGone,
            "cut" => Self::Cut,
            "limit-reached" => Self::LimitReached,
            "answered" => Self::Answered,
            _ => return None,
        })
    }
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The call.
    pub call: CallId,
    /// When it ended.
    pub at: Timestamp,
    /// The HTTP status that the client saw, 0 where it saw none.
    pub status: u16,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
    /// Items in the answer, where its schema is a list and it could be counted within the bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The key that the answer contained, where the operation mints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minted: Option<KeyId>,
    /// The key that the call's credential became known as, where nobody knew it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<KeyId>,
    /// From the request's headers to the end of the answer, in microseconds.
    pub micros: u64,
    /// How it ended.
    pub ended: Ended,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_what_the_record_has_and_is_read_back() {
        for who in [Who::Key, Who::Unknown, Who::Session, Who::Nobody, Who::Drill, Who::DrillRead] {
            assert_eq!(serde_json::to_value(who).unwrap(), who.word());
            assert_eq!(Who::of_word(who.word()), Some(who));
        }
        for ended in
            [Ended::Whole, Ended::ClientGone, Ended::UpstreamGone, Ended::Cut, Ended::LimitReached, Ended::Answered]
        {
            assert_eq!(serde_json::to_value(ended).unwrap(), ended.word());
            assert_eq!(Ended::of_word(ended.word()), Some(ended));
        }
    }
}
