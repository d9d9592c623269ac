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
    /// What it comes to.
    #[serde(default)]
    pub summary: HolderSummary,
}

/// Everybody and their keys, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderSummary {
    /// People, also those who have left.
    pub people: usize,
    /// Programs of one's own.
    pub workloads: usize,
    /// Others' programs.
    pub vendors: usize,
    /// All keys.
    pub keys: KeyCount,
    /// Keys of holders who have left.
    pub of_leavers: KeyCount,
    /// Keys for which nobody answers: no owner is known, or the owner has left.
    pub without_owner: KeyCount,
    /// Of these the ones of which not even the holder is known.
    pub without_holder: KeyCount,
    /// Workloads and vendors whose owner has left, or that have none.
    pub programs_without_owner: usize,
    /// Who could make another key today.
    pub minting: Minting,
}

/// How many keys, and how many of them work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyCount {
    /// All that are known.
    pub known: usize,
    /// Those that work: active, not ended, and not stopped because their holder has left.
    pub working: usize,
}

/// Who could make another key today: with a key that reaches `mint` under the law in force.
/// What a person does who signs in at the API is not seen here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minting {
    /// Keys that reach it.
    pub keys: usize,
    /// Of these the ones that need no second factor for it now.
    pub keys_without_factor: usize,
    /// Holders who have such keys; those whose holder is not known count as one.
    pub holders: usize,
    /// Holders who have one that needs no second factor.
    pub holders_without_factor: usize,
    /// Holders for whom nobody with a second factor answers: neither enrolled here, nor with one
    /// at the API as far as that says.
    pub holders_without_2fa: usize,
    /// Keys with which what the document does not describe passes without a second factor: that
    /// may make keys, too.
    pub undescribed: usize,
    /// Who they are, those first who need no second factor; at most 200.
    pub who: Vec<Minter>,
}

/// A holder who could make another key today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minter {
    /// The holder, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Person, workload or vendor.
    pub kind: HolderKind,
    /// Who answers first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Whether the owner has an authenticator enrolled here.
    pub owner_enrolled: bool,
    /// Whether the owner's account has 2FA at the upstream, where it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_two_factor: Option<bool>,
    /// Keys that reach it.
    pub keys: usize,
    /// Of these the ones that need no second factor for it now.
    pub keys_without_factor: usize,
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
    /// Since when, where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_since: Option<Timestamp>,
    /// Whether their keys go on although they are gone.
    #[serde(default)]
    pub keys_go_on: bool,
    /// Whether their account has 2FA at the upstream, where it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub two_factor: Option<bool>,
    /// Whether they could be asked for a code now.
    pub enrolled: bool,
    /// Since when they have their authenticator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrolled_since: Option<Timestamp>,
    /// Whether the authenticator's codes serve no more: too many wrong ones were given, or it
    /// was stopped.
    pub authenticator_disabled: bool,
    /// When it was stopped, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticator_stopped: Option<Timestamp>,
    /// How many recovery codes they have left.
    pub recovery_codes: usize,
    /// Until when the link is good that is open for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_until: Option<Timestamp>,
    /// How many keys they have.
    pub keys: usize,
    /// How many of them work.
    #[serde(default)]
    pub keys_working: usize,
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

/// `POST /v1/holders/{holder}/authenticator/stop`: the person's codes serve no more.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StopAuthenticator {
    /// Whether their recovery codes serve no more either.
    #[serde(default)]
    pub recovery_codes: bool,
    /// Needs no code.
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
