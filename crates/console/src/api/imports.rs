//! Keys that come in from a list made elsewhere.

use authority::Digest;
use jiff::Timestamp;
use law::HolderKind;
use serde::{Deserialize, Serialize};

use super::{Proof, Secret};

/// `POST /v1/keys/imports/check` and `POST /v1/keys/imports/{import}`: a part of a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportPart {
    /// At most 20,000.
    pub lines: Vec<ImportLine>,
}

/// One key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportLine {
    /// Where it stands in the list, to be told where something is wrong.
    pub line: u64,
    /// SHA-256 of its secret, in hexadecimal. The secret itself is not taken.
    pub sha256: Secret,
    /// What to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who has it. A holder that is not known yet becomes known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// What kind of holder that is; a person where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<HolderKind>,
    /// The person who answers for the holder, where that is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Where it travels, such as `authorization:bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<Timestamp>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// What the API says it may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
}

/// What came of a part, or would come of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportOutcome {
    /// Keys that became known.
    pub added: usize,
    /// Keys that were known, of which something is known now that was not.
    pub completed: usize,
    /// Keys that were known as the list says.
    pub known: usize,
    /// Of all that were known, those that do not work here: they stay as they are.
    pub stopped: usize,
    /// Holders that became known.
    pub holders: usize,
    /// Lines that are wrong; then nothing of the part came in.
    pub wrong: Vec<WrongLine>,
}

/// A line that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrongLine {
    /// The line.
    pub line: u64,
    /// Why, and how to mend it. Nothing of the line is repeated.
    pub why: String,
}

/// `POST /v1/keys/imports`: lets a list in, by the parts that are named here and no others.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeginImport {
    /// How many lines it has.
    pub keys: u64,
    /// SHA-256 of each part, as it will be sent, byte for byte.
    pub parts: Vec<Digest>,
    /// An administrator.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Their code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Secret>,
}

/// An import that has begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportBegun {
    /// Its name in the addresses of its parts. Shown once.
    pub import: Secret,
    /// Until when its parts are taken.
    pub until: Timestamp,
}

impl BeginImport {
    /// Who says yes to it.
    pub(crate) fn proof(&self) -> Proof {
        Proof { person: self.person.clone(), code: self.code.clone() }
    }
}
