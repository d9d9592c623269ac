//! A call without what nobody sums up or searches for: borrowed from its JSON, so that a file of
//! the log becomes segments without a copy of each text in it.

use std::{borrow::Cow, net::IpAddr};

use jiff::Timestamp;
use law::{ApprovalId, Call, CallId, ChallengeId, Factors, HolderId, KeyId, Powers, Verdict, Who};
use serde::Deserialize;

use crate::scan;

/// What sealing and counting look at. The fields are those of [`Call`].
#[derive(Debug, Deserialize)]
pub(crate) struct Brief<'a> {
    pub(crate) id: CallId,
    pub(crate) at: Timestamp,
    pub(crate) who: Who,
    #[serde(default)]
    pub(crate) key: Option<KeyId>,
    #[serde(default)]
    pub(crate) holder: Option<HolderId>,
    #[serde(borrow)]
    pub(crate) operation: Text<'a>,
    pub(crate) powers: Powers,
    pub(crate) source: IpAddr,
    #[serde(default, borrow)]
    pub(crate) user_agent: Option<Text<'a>>,
    pub(crate) factors: Factors,
    pub(crate) verdict: Verdict,
    #[serde(borrow)]
    pub(crate) law: Text<'a>,
    #[serde(default)]
    pub(crate) challenge: Option<ChallengeId>,
    #[serde(default)]
    pub(crate) approval: Option<ApprovalId>,
    /// The path of what is not described.
    #[serde(skip)]
    pub(crate) path: Option<Text<'a>>,
}

/// A text that is borrowed where JSON escapes nothing in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

/// What is not described has its path among the parameters.
#[derive(Deserialize)]
struct Parameters<'a> {
    #[serde(default, borrow)]
    parameters: Vec<(Text<'a>, Text<'a>)>,
}

impl<'a> Brief<'a> {
    /// Of a call's JSON; nothing where it is no call.
    pub(crate) fn read(json: &'a [u8]) -> Option<Self> {
        scan::call(json).or_else(|| Self::read_any(json))
    }

    /// The same of JSON in any form.
    pub(crate) fn read_any(json: &'a [u8]) -> Option<Self> {
        // Once for the whole: serde would look at each text by itself.
        let json = std::str::from_utf8(json).ok()?;
        let mut brief: Self = serde_json::from_str(json).ok()?;
        if is_undescribed(&brief.operation) {
            let Parameters { parameters } = serde_json::from_str(json).ok()?;
            brief.path = parameters.into_iter().find(|(name, _)| &**name == "path").map(|(_, path)| path);
        }
        Some(brief)
    }
}

impl<'a> From<&'a Call> for Brief<'a> {
    fn from(call: &'a Call) -> Self {
        let path =
            call.parameters.iter().find(|(name, _)| &**name == "path").map(|(_, path)| Text::from(path.as_str()));
        Self {
            id: call.id,
            at: call.at,
            who: call.who,
            key: call.key,
            holder: call.holder,
            operation: Text::from(&*call.operation),
            powers: call.powers,
            source: call.source,
            user_agent: call.user_agent.as_deref().map(Text::from),
            factors: call.factors,
            verdict: call.verdict,
            law: Text::from(&*call.law),
            challenge: call.challenge,
            approval: call.approval,
            path: path.filter(|_| is_undescribed(&call.operation)),
        }
    }
}

/// Whether this is the operation that stands for all that the catalogue does not describe.
pub(crate) fn is_undescribed(operation: &str) -> bool {
    operation.ends_with(" *")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing;

    proptest! {
        #[test]
        fn a_brief_says_of_its_json_what_it_says_of_the_call(
            operation in ".*", undescribed: bool, agent: Option<String>, path in ".*", name: bool, key: Option<u64>,
        ) {
            let name = if name { "path" } else { "other" };
            let call = Call {
                operation: if undescribed { "GET *".into() } else { operation.into() },
                user_agent: agent,
                key: key.map(KeyId),
                parameters: vec![("first".into(), "1".into()), (name.into(), path)],
                ..testing::call(7)
            };
            let json = serde_json::to_vec(&call).unwrap();
            prop_assert_eq!(format!("{:?}", Brief::read(&json).unwrap()), format!("{:?}", Brief::from(&call)));
        }
    }

    #[test]
    fn what_is_no_call_has_no_brief() {
        let outcome = serde_json::to_vec(&testing::outcome(&testing::call(1))).unwrap();
        for json in [&outcome[..], b"", b"{}", b"{\"id\":", b"\xff\xfe"] {
            assert!(Brief::read(json).is_none());
        }
    }
}
