//! Keys, and how they were used.

use std::net::IpAddr;

use authority::{Ceiling, Issued, Limit, Scope, StandsFor};
use jiff::Timestamp;
use law::{Factors, HolderId, HolderKind, KeyId, Power, Powers, Span, Standing};
use serde::{Deserialize, Serialize};

use super::{Proof, Secret};

/// `GET /v1/keys`: only keys for which everything holds that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFilter {
    /// The holder's id or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Where the key stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// The id or name of who answers for it first: the person itself, or the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Only keys that work: active, not ended, and their holder has not left.
    #[serde(default, skip_serializing_if = "is_false")]
    pub working: bool,
    /// Only keys that reach this power.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
    /// Only keys that reach it with the key alone; any sensitive power where none is named.
    #[serde(default, skip_serializing_if = "is_false")]
    pub without_factor: bool,
    /// Only working keys that have not been used for so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<Span>,
    /// Only working keys that end within this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_within: Option<Span>,
    /// Only working keys of which no end is known.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_end: bool,
    /// Only working keys that live longer than `keys.longest`, as far as is known.
    #[serde(default, skip_serializing_if = "is_false")]
    pub past_limit: bool,
    /// Only keys for which nobody answers: no owner is known, or the owner has left.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_owner: bool,
    /// Only keys of holders who have left.
    #[serde(default, skip_serializing_if = "is_false")]
    pub leavers: bool,
    /// Part of the id, the name, the holder's or the owner's name, the place or the scopes, letter case aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// By what they are sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<KeySort>,
    /// The other way round. What is not known still comes last.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reverse: bool,
    /// At most so many; 10,000 where nothing is said, and never more than 20,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Without the first so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
    /// Only keys that became known after this one: for walking through all of them by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<KeyId>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// By what keys are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeySort {
    /// The order in which they became known.
    #[default]
    Id,
    /// What people call them.
    Name,
    /// Who has them.
    Holder,
    /// Who answers for them.
    Owner,
    /// Where they stand.
    Standing,
    /// When they became known.
    Born,
    /// When they end, the soonest first.
    End,
    /// When they were last used, the longest ago first.
    LastUsed,
    /// How many calls passed.
    Calls,
    /// How many sensitive powers they reach.
    Reach,
    /// How many of these with the key alone.
    WithoutFactor,
}

/// Keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyList {
    /// The keys of this page.
    pub keys: Vec<KeyView>,
    /// How many the filter wants, on all pages.
    pub found: usize,
    /// How many are known.
    pub known: usize,
    /// Whether what is said of their use reaches back as far as the record does. It does not
    /// while a large record is being read, or while the gate is not running.
    pub usage_complete: bool,
    /// Since when their use is known; before, they may have been used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_since: Option<Timestamp>,
}

/// A key, as far as one line can show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRef {
    /// Its id.
    pub id: KeyId,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who has it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Where it travels.
    pub place: String,
    /// When it was first seen.
    pub born: Timestamp,
    /// When it ends, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// Whether it works for longer than a key may live here, as far as is known.
    #[serde(default)]
    pub past_limit: bool,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// Its id.
    pub id: KeyId,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who has it: the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder_id: Option<HolderId>,
    /// Who has it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// What kind its holder is; a key without a known holder is judged as a person's.
    pub kind: HolderKind,
    /// Whether its holder has left.
    pub holder_left: bool,
    /// Who answers for it first: the person itself, or the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Whether the owner has left.
    #[serde(default)]
    pub owner_left: bool,
    /// Whether the owner has an authenticator enrolled here.
    pub owner_enrolled: bool,
    /// Whether the owner's account has 2FA at the upstream, where it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_two_factor: Option<bool>,
    /// Everybody who can be asked now, the first asked first.
    pub answerers: Vec<String>,
    /// Whether the holder's account has 2FA at the upstream, where it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub two_factor: Option<bool>,
    /// The powers of the described operations that it may call, with whatever could be shown
    /// for it; none where it does not work.
    #[serde(default)]
    pub reach: Powers,
    /// Those of them for which the key alone is enough now.
    #[serde(default)]
    pub without_second_factor: Powers,
    /// Where it travels, such as `header authorization, scheme bearer`.
    pub place: String,
    /// When it was first seen.
    pub born: Timestamp,
    /// When it ends, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// Whether it works for longer than a key may live here, as far as is known: its
    /// end is too late, or nobody knows one and it was first seen that long ago.
    #[serde(default)]
    pub past_limit: bool,
    /// Where it stands.
    pub standing: Standing,
    /// Whether it does not work because a key above it does not: what it stands for was made by
    /// a call.
    #[serde(default)]
    pub parent_stopped: bool,
    /// Since when it has been disabled or revoked, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_since: Option<Timestamp>,
    /// The last call that passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<LastUsed>,
    /// Calls that passed, as far as the record reaches back.
    pub passed: u64,
    /// Calls that were asked about or refused.
    pub stopped: u64,
    /// What the upstream says it may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
    /// The key that minted it, or that it was issued from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<KeyId>,
    /// Its issuer and what its tokens say of it, such as `login client_id=ci`, where it is
    /// known by that and not by one secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// What it may be used for, where Greave issued it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<IssuedView>,
    /// What narrows it beside that, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ceilings: Vec<CeilingView>,
    /// The API's credential that an operation made and that it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<StandsForView>,
    /// What is true at the API, of one key that is revoked here and that the API made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abroad: Option<AbroadView>,
}

/// What is true at the API of a key that is revoked here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbroadView {
    /// Whether it is revoked there, too.
    pub revoked: bool,
    /// Why it is not, or why nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The API's credential for which a key stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandsForView {
    /// The operation that made it.
    pub operation: String,
    /// What the API calls it, where its answer said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
}

impl From<&StandsFor> for StandsForView {
    fn from(StandsFor { operation, upstream }: &StandsFor) -> Self {
        Self { operation: operation.clone(), upstream: upstream.clone() }
    }
}

/// What a key that Greave issued may be used for, and how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedView {
    /// What for.
    pub scope: Scope,
    /// How much.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
}

impl From<&Issued> for IssuedView {
    fn from(Issued { scope, limits }: &Issued) -> Self {
        Self { scope: scope.clone(), limits: limits.clone() }
    }
}

/// What narrows a key that is there already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CeilingView {
    /// The key that was narrowed: this one, or the one that it comes from.
    pub of: KeyId,
    /// Since when.
    pub since: Timestamp,
    /// What it may still be used for.
    pub scope: Scope,
}

impl From<&Ceiling> for CeilingView {
    fn from(Ceiling { of, since, scope }: &Ceiling) -> Self {
        Self { of: *of, since: *since, scope: scope.clone() }
    }
}

/// `POST /v1/keys/{key}/narrow`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NarrowKey {
    /// What the key may still be used for. What minted must be named without a star.
    pub scope: Scope,
    /// Who says so; it needs no code.
    #[serde(flatten)]
    pub proof: Proof,
}

/// The last call of a key that passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUsed {
    /// When.
    pub at: Timestamp,
    /// From where: an IPv4 address, or the first of an IPv6 /64.
    pub source: IpAddr,
    /// With which `User-Agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// `GET /v1/keys/{key}`: all about one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyDetails {
    /// The key.
    pub key: KeyView,
    /// The address it was first seen from.
    pub first_source: IpAddr,
    /// Whether codes are still taken from its requests' headers.
    pub header_closed: bool,
    /// The factors that could be shown for it now.
    pub presentable: Factors,
    /// What it reaches, by power.
    pub powers: Vec<PowerUse>,
    /// Where it came from, the last used first; at most 32.
    pub sources: Vec<SourceUse>,
    /// The programs that used it, the last used first; at most five.
    pub programs: Vec<ProgramUse>,
    /// What it called that the document does not describe; at most eight.
    pub undescribed: Vec<UndescribedUse>,
    /// Keys that were minted with it.
    pub children: Vec<KeyId>,
    /// What the API calls it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// The key whose place it takes, or took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<KeyId>,
    /// The key that takes its place, or took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<SuccessionView>,
}

/// What a key reaches by one power.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerUse {
    /// The power.
    pub power: Power,
    /// Operations of the catalogue that have it.
    pub operations: usize,
    /// Those of them that pass with the key alone now, without a second factor.
    pub without_second_factor: usize,
    /// What the law requires for it, such as `possession | person within 8h`.
    pub guard: String,
    /// Whether that is enforced now.
    pub enforced: bool,
    /// Calls that passed in this week and the four before.
    pub calls: u64,
}

/// A source that a key came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceUse {
    /// An IPv4 address, or the first of an IPv6 /64.
    pub source: IpAddr,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// How many calls passed from there.
    pub calls: u64,
}

/// A program that used a key, by what it calls itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramUse {
    /// Its `User-Agent`, cut at 80 bytes; none where it does not say.
    pub user_agent: Option<String>,
    /// When last.
    pub last: Timestamp,
    /// How many calls passed.
    pub calls: u64,
}

/// A request that the document does not describe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndescribedUse {
    /// Method and path.
    pub request: String,
    /// How often, passed or not.
    pub calls: u64,
    /// When last.
    pub last: Timestamp,
}

/// `POST /v1/keys/{key}/disable`. Needs no code.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisableKey {
    /// Why, for the ledger.
    pub why: String,
    /// Who acts, where that is to stand in the ledger.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Their code, where `as` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<super::Secret>,
}

/// `POST /v1/keys`: issues a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssueKey {
    /// What to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who gets it: a known holder's id or name; where it is missing, the parent's holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// The issued key whose child it is to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<KeyId>,
    /// What it may be used for.
    pub scope: Scope,
    /// How much it may be used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    /// How long it lasts; as `keys.lifetime` says where it is missing, for a child at most as long as its parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Span>,
    /// An administrator and their code; for a child, somebody who answers for its parent.
    #[serde(flatten)]
    pub proof: Proof,
}

/// What issuing gives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssuedKey {
    /// The key.
    pub key: KeyView,
    /// What its client sends. Shown once, and kept nowhere.
    pub secret: Secret,
    /// Whether the gate has nothing yet under which it could call the API.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_upstream_credential: bool,
}

/// `PATCH /v1/keys/{key}`: what to call a key, and when it ends. What is not said stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ChangeKey {
    /// What to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// Who acts, and their code. An earlier end needs none; a later one an administrator's, or
    /// for a child that of somebody who answers for its parent; a name an administrator's.
    #[serde(flatten)]
    pub proof: Proof,
}

/// `POST /v1/keys/{key}/retire`: makes a key that takes an issued one's place from its first use
/// on. It has the same holder, scope, limits and parent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RetireKey {
    /// How long the old key works on after the new one's first use; a week where it is missing.
    /// `0s` ends it at once.
    #[serde(default = "week")]
    pub grace: Span,
    /// How long the new key lasts; as long as the old one was to last where it is missing, for a
    /// child at most as long as its parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Span>,
    /// An administrator and their code; for a child, somebody who answers for its parent.
    #[serde(flatten)]
    pub proof: Proof,
}

const fn week() -> Span {
    Span::days(7)
}

/// The key that was made to take another's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuccessionView {
    /// The new key.
    pub key: KeyId,
    /// How long the old one works on after the new one's first use.
    pub grace: Span,
    /// Whether the new one was used.
    pub took_over: bool,
}

/// `POST /v1/keys/{key}/revoke`. Needs no code, and cannot be undone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeKey {
    /// Why, for the ledger.
    pub why: String,
    /// Whether the keys go, too, that were issued from it.
    #[serde(default)]
    pub children: bool,
    /// Who acts, where that is to stand in the ledger.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Their code, where `as` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Secret>,
}

/// `POST /v1/canaries`: makes a secret that works nowhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssueCanary {
    /// What to call it.
    pub name: String,
    /// At whose place it will lie: a known holder's id or name.
    pub holder: String,
    /// An administrator and their code.
    #[serde(flatten)]
    pub proof: Proof,
}

/// A secret that works nowhere, and is told when somebody sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryView {
    /// Its id, of the same numbers as keys.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// At whose place it lies.
    pub holder: String,
    /// Since when it is watched.
    pub since: Timestamp,
}

/// What making one gives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssuedCanary {
    /// The canary.
    pub canary: CanaryView,
    /// What is to be laid out. Shown once, and kept nowhere.
    pub secret: Secret,
}

/// `GET /v1/canaries`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryList {
    /// In the order in which they were made.
    pub canaries: Vec<CanaryView>,
}

/// `POST /v1/upstream/credential`: the gate's own credential for the API, under which issued
/// keys call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetCredential {
    /// The credential. It is sealed, and never shown again.
    pub credential: Secret,
    /// An administrator and their code.
    #[serde(flatten)]
    pub proof: Proof,
}

/// What is told of the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialView {
    /// Whether there is one.
    pub set: bool,
}

/// `POST /v1/keys/{key}/name`: whose a key is, and what to call it. What is not said stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct NameKey {
    /// What to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who has it: a known holder's id or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Who answers for it, a person's id or name. The holder is a program then; one that is
    /// not known yet becomes known, by the key's name where no holder is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What the API calls it: said alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// An administrator and their code.
    #[serde(flatten)]
    pub proof: Proof,
}
