//! Where in a token something stands.

use std::{fmt, str::FromStr};

use serde_json::{Map, Value};

/// A claim by its name, such as `sub`, or by a JSON pointer (RFC 6901), such as `/act/sub`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimName(Box<str>);

impl ClaimName {
    pub(super) fn of<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        let Some(pointer) = self.0.strip_prefix('/') else { return claims.get(&*self.0) };
        let (first, rest) = pointer.split_once('/').map_or((pointer, None), |(first, rest)| (first, Some(rest)));
        let found = claims.get(&first.replace("~1", "/").replace("~0", "~"))?;
        rest.map_or(Some(found), |rest| found.pointer(&format!("/{rest}")))
    }
}

impl fmt::Display for ClaimName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that names no claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no claim; write its name, such as `sub` or `client_id`, or a JSON pointer, such as `/act/sub`")]
pub struct NoClaim(String);

impl FromStr for ClaimName {
    type Err = NoClaim;

    fn from_str(text: &str) -> Result<Self, NoClaim> {
        let fits = !matches!(text, "" | "/") && text.len() <= 256 && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.into())) } else { Err(NoClaim(text.to_owned())) }
    }
}
