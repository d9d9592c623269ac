//! Names of things that the ledger and the record speak of.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An id that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what} id; it looks like `{example}`")]
pub struct IdError {
    text: String,
    what: &'static str,
    example: &'static str,
}

/// Short ids that people type: a letter and a number, given in the order of the ledger.
macro_rules! short_id {
    ($(#[$doc:meta])* $name:ident, $letter:literal, $what:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match f.width() {
                    None => write!(f, concat!($letter, "{}"), self.0),
                    Some(_) => f.pad(&format!(concat!($letter, "{}"), self.0)),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = || IdError { text: text.to_owned(), what: $what, example: $example };
                let digits = text.strip_prefix($letter).ok_or_else(error)?;
                if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(error());
                }
                digits.parse().map(Self).map_err(|_| error())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::text::parsed(deserializer)
            }
        }
    };
}

short_id!(
    /// A key, such as `k17`. Never the secret, never derived from it.
    KeyId, "k", "key", "k17"
);
short_id!(
    /// Who has keys, such as `h3`: a person, a workload or a vendor.
    HolderId, "h", "holder", "h3"
);
short_id!(
    /// One question to a person, such as `c9`.
    ChallengeId, "c", "question", "c9"
);
short_id!(
    /// One yes of a person, such as `a4`.
    ApprovalId, "a", "approval", "a4"
);

short_id!(
    /// What somebody asks a key for, such as `r2`.
    RequestId, "r", "request", "r2"
);

/// One call: a UUID of version 7, so that ids sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub Uuid);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_as_shown() {
        assert_eq!("k17".parse(), Ok(KeyId(17)));
        assert_eq!(KeyId(17).to_string(), "k17");
        assert_eq!(format!("{:>5}|{:<4}|", KeyId(17), KeyId(3)), "  k17|k3  |");
        for text in ["17", "k", "h17", "k-1", "k+1", "k99999999999999999999999"] {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
    }
}
