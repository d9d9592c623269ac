//! Holders: who has keys, and who answers for them.

use jiff::Timestamp;
use law::{HolderId, HolderKind};
use serde::{Deserialize, Serialize};

use super::{Proof, Secret};

/// `GET /v1/holders`: everybody who has or had keys, or answers for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderList {
    /// In the order in which they became known.
    pub holders: Vec<HolderView>,
}

/// A holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderView {
    /// Its id.
    pub id: HolderId,
    /// Its name.
    pub name: String,
    /// Person, workload or vendor.
    pub kind: HolderKind,
    /// Who answers for it, where it is not a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Who answers where the owner does not.
    pub deputies: Vec<String>,
    /// Where notices go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Whether they may do what needs a code beyond their own keys.
    pub administrator: bool,
    /// Whether they are gone.
    pub left: bool,
    /// Whether their account has 2FA at the upstream, where it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub two_factor: Option<bool>,
    /// Whether they could be asked for a code now.
    pub enrolled: bool,
    /// Since when they have their authenticator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolled_since: Option<Timestamp>,
    /// Whether the authenticator was disabled by too many wrong codes.
    pub authenticator_disabled: bool,
    /// How many recovery codes they have left.
    pub recovery_codes: usize,
    /// Until when the link is good that is open for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_until: Option<Timestamp>,
    /// How many keys they have.
    pub keys: usize,
}

/// `POST /v1/holders`: makes a holder known.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AddHolder {
    /// Unique among holders, letter case aside.
    pub name: String,
    /// Person, workload or vendor.
    #[serde(default)]
    pub kind: HolderKind,
    /// The person who answers for it, where it is not a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// People who answer where the owner does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deputies: Vec<String>,
    /// Where notices go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Whether they may do what needs a code beyond their own keys.
    #[serde(default)]
    pub administrator: bool,
    /// An administrator and their code.
    #[serde(flatten)]
    pub proof: Proof,
}

/// `PATCH /v1/holders/{holder}`: describes a holder anew. What is not said stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ChangeHolder {
    /// Person, workload or vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<HolderKind>,
    /// The person who answers for it; the empty text for nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// All the people who answer where the owner does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deputies: Option<Vec<String>>,
    /// Where notices go; the empty text for nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Whether they may do what needs a code beyond their own keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub administrator: Option<bool>,
    /// An administrator and their code.
    #[serde(flatten)]
    pub proof: Proof,
}

/// What `POST /v1/holders/{holder}/invite` gives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invited {
    /// The person.
    pub name: String,
    /// The address at which they enrol. Shown once; whoever has it can enrol in their place.
    pub link: Secret,
    /// When it lapses.
    pub until: Timestamp,
}
