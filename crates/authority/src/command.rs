//! What can be asked of the authority, and by what right.

use std::net::IpAddr;

use factor::{recovery, totp};
use jiff::{SignedDuration, Timestamp};
use law::{ChallengeId, HolderId, HolderKind, KeyId, RequestId, Span};

use crate::{
    Digest, DrillOrder, Less, Limit, PepperId, RequestRules, Scope, Verifier, Wish,
    change::{Claim, Proof},
};

/// How long a link to enrol is good for.
pub const INVITATION: SignedDuration = SignedDuration::from_hours(24);

/// By what right something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warrant {
    /// The gate, on what it saw in the traffic.
    Gate,
    /// Somebody on the gate's host, without a code.
    Operator,
    /// Somebody on the gate's host who says who they are, and has not shown a code yet. Good
    /// for nothing but to learn whether a code would do.
    Claimed(HolderId),
    /// A person who signed in at the desk before, without a fresh code.
    SignedIn(HolderId),
    /// A person with a fresh code, which serves once.
    Fresh(HolderId, Proof),
}

/// Something that is asked of the authority.
#[derive(Clone, Debug)]
pub enum Command {
    /// Make a holder known.
    AddHolder(Description),
    /// Describe a holder anew.
    ChangeHolder(HolderId, Description),
    /// A holder is gone, and so are its keys, or not.
    Leave(HolderId, OnLeaving),
    /// A holder is back.
    Return(HolderId),
    /// Let a person enrol a factor by a link with this secret's digest.
    Invite(HolderId, Digest),
    /// Enrol a factor with a link's secret.
    Enrol(HolderId, Digest, Enrolment),
    /// Stop a person's authenticator at once, and their recovery codes with it where that is said.
    StopAuthenticator {
        /// The person.
        holder: HolderId,
        /// Whether their recovery codes serve no more either.
        recovery_codes: bool,
    },
    /// Sign in at the desk.
    SignIn,
    /// Say whose a key is, or what to call it.
    NameKey(KeyId, Option<String>, Option<HolderId>),
    /// Say which program has a key and who answers for it, and perhaps what to call the key.
    /// A program of this name that is not known yet becomes known; one that is known gets
    /// this owner.
    EntrustKey {
        /// The key.
        key: KeyId,
        /// What to call it.
        name: Option<String>,
        /// The program's name.
        program: String,
        /// The person who answers for it.
        owner: HolderId,
    },
    /// Call a key otherwise, or say when it ends; what is not said stays. To say an earlier end
    /// protects; to say a later one is like issuing.
    ChangeKey {
        /// The key.
        key: KeyId,
        /// What to call it.
        name: Option<String>,
        /// When it ends.
        end: Option<Timestamp>,
    },
    /// Say what the API calls a key.
    NameKeyAbroad(KeyId, String),
    /// Say when keys end, all of them or none.
    EndKeys(Vec<(KeyId, Timestamp)>),
    /// Stop a key for now.
    DisableKey(KeyId, String),
    /// Let a key work again.
    EnableKey(KeyId),
    /// Lift what the gate did about a key by itself.
    LiftContainment(KeyId),
    /// Let a key be used for no more than this, and those below it.
    NarrowKey(KeyId, Scope),
    /// Undo the last narrowing of a key.
    WidenKey(KeyId),
    /// Know a key no more: not one that does not work, which would come back as a new one.
    ForgetKey(KeyId),
    /// Let keys in from a list that was made elsewhere: so many, of this digest.
    BeginImport {
        /// How many lines it has.
        keys: u64,
        /// SHA-256 over the SHA-256 of its parts.
        list: Digest,
    },
    /// Issue a key.
    IssueKey(Order),
    /// Issue a key to stand for a credential that an operation of the API made.
    IssueFor {
        /// The key.
        order: Order,
        /// The operation.
        operation: String,
        /// What the API calls the credential, where its answer said so.
        upstream: Option<String>,
    },
    /// Make a key that takes an issued one's place from its first use on. Its secret exists
    /// already, and is shown when it has been made.
    RetireKey {
        /// The key whose place is taken.
        key: KeyId,
        /// How long it works on after the successor's first use; none ends it at once.
        grace: Span,
        /// When the successor ends.
        end: Timestamp,
        /// What is kept of the successor's secret.
        verifier: Verifier,
        /// The pepper that made the verifier.
        pepper: PepperId,
    },
    /// A key never works again; nor do those that were issued from it, where that is said.
    RevokeKey {
        /// The key.
        key: KeyId,
        /// Whether its children go with it, and theirs.
        children: bool,
        /// Why, for the ledger.
        why: String,
    },
    /// Ask for a key.
    RequestKey(Wish, RequestRules),
    /// Say yes to a request, or to less than it asks.
    GrantRequest(RequestId, Less, RequestRules),
    /// Say no to a request, or take it back.
    DenyRequest(RequestId, String, RequestRules),
    /// Make the key that was asked for and granted. Its secret exists already, and is shown to
    /// whoever asked.
    CollectRequest {
        /// The request.
        id: RequestId,
        /// Who may say yes, as things are.
        rules: RequestRules,
        /// What is kept of its secret.
        verifier: Verifier,
        /// The pepper that made the verifier.
        pepper: PepperId,
    },
    /// Make a canary. Its secret exists already, and is shown when it has been made.
    IssueCanary {
        /// What to call it.
        name: String,
        /// At whose place it will lie.
        holder: HolderId,
        /// What is kept of what its secret's spellings have in common.
        folded: Option<Verifier>,
        /// What is kept of its secret.
        verifier: Verifier,
        /// The pepper that made the verifier.
        pepper: PepperId,
    },
    /// Watch a canary no more.
    EndCanary(KeyId),
    /// Rehearse thefts. The secrets of their keys exist already, and are shown to nobody.
    BeginDrills(Vec<DrillOrder>),
    /// The gate's own credential for the API was set; it goes to the shelf, sealed.
    SetUpstreamCredential,
    /// Say yes to questions that were shown together.
    Approve(Vec<ChallengeId>),
    /// Say no.
    Deny(ChallengeId),
    /// Say that a call was not one's own: no, and the key stops.
    NotMe(ChallengeId),
    /// Put the posture that waits into force.
    AcceptLaw(Digest),
    /// Let the posture that waits wait no longer.
    RefuseLaw(Digest),
}

/// What becomes of the keys of somebody who leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnLeaving {
    /// They stop.
    #[default]
    Disable,
    /// They go on, and are listed as a leaver's: to stop them all at once would be an outage.
    List,
}

/// A holder in all that can change; the name only when it is made.
#[derive(Clone, Debug)]
pub struct Description {
    /// Unique among holders, letter case aside.
    pub name: String,
    /// Person, workload or vendor.
    pub kind: HolderKind,
    /// Who answers for it, where it is not a person.
    pub owner: Option<HolderId>,
    /// Who answers where the owner does not.
    pub deputies: Vec<HolderId>,
    /// Where notices go.
    pub mail: Option<String>,
    /// Whether they may do what needs a code beyond their own keys.
    pub administrator: bool,
}

/// A key to be issued. Its secret exists already, and is shown when it has been issued.
#[derive(Clone, Debug)]
pub struct Order {
    /// What to call it.
    pub name: Option<String>,
    /// Who gets it; where a parent is named and this is not, the parent's holder.
    pub holder: Option<HolderId>,
    /// The issued key whose child it is to be.
    pub parent: Option<KeyId>,
    /// What it may be used for.
    pub scope: Scope,
    /// How much it may be used.
    pub limits: Vec<Limit>,
    /// When it ends.
    pub end: Timestamp,
    /// What is kept of its secret.
    pub verifier: Verifier,
    /// The pepper that made the verifier.
    pub pepper: PepperId,
}

/// A new factor whose code was seen to work. The seed goes to the shelf, sealed.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// The step of the code that was typed.
    pub step: totp::Step,
    /// What is kept of the recovery codes.
    pub recovery: Vec<recovery::Verifier>,
}

/// What the gate saw of a key that the upstream accepts.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// Where it travels.
    pub place: String,
    /// Where it came from.
    pub source: IpAddr,
    /// The key that minted it.
    pub parent: Option<KeyId>,
    /// Whether its holder is its parent's: not where the upstream can be asked whose it is.
    pub inherits: bool,
    /// What its issuer's token says of it, where it is known by that.
    pub claim: Option<Claim>,
}

/// What a command needs.
pub(crate) enum Needs {
    /// The link that it brings.
    Nothing,
    /// The gate itself: what it forwarded was permitted.
    Gate,
    /// A fresh code of any person; whose, is checked where it is used.
    Factor,
    /// Nothing more than being let in: it protects. The key that it is about.
    Protector(Option<KeyId>),
    /// The same where it is about this person: they themselves or an administrator.
    Guardian(HolderId),
    /// Nothing more than being let in; whether the person may say no is checked where they do.
    Denier,
    /// A fresh code of an administrator, or of somebody who answers for this key.
    Answerer(KeyId),
    /// An administrator's fresh code.
    Administrator,
}

impl Needs {
    /// Whether no code is needed, because it protects.
    pub(crate) const fn protects(&self) -> bool {
        matches!(self, Self::Protector(_) | Self::Guardian(_) | Self::Denier)
    }
}

impl Command {
    pub(crate) const fn needs(&self) -> Needs {
        match self {
            Self::Enrol(..) => Needs::Nothing,
            Self::IssueFor { .. } => Needs::Gate,
            Self::SignIn
            | Self::Approve(_)
            | Self::RequestKey(..)
            | Self::GrantRequest(..)
            | Self::CollectRequest { .. } => Needs::Factor,
            Self::DenyRequest(..) => Needs::Denier,
            Self::StopAuthenticator { holder, .. } => Needs::Guardian(*holder),
            Self::DisableKey(key, _) | Self::NarrowKey(key, _) | Self::RevokeKey { key, .. } => {
                Needs::Protector(Some(*key))
            }
            Self::LiftContainment(key) => Needs::Answerer(*key),
            Self::IssueKey(Order { parent: Some(parent), holder: None, .. }) => Needs::Answerer(*parent),
            Self::Leave(..) | Self::Deny(_) | Self::NotMe(_) | Self::RefuseLaw(_) => Needs::Protector(None),
            Self::AddHolder(_)
            | Self::ChangeHolder(..)
            | Self::Return(_)
            | Self::Invite(..)
            | Self::NameKey(..)
            // By that name it is revoked at the API.
            | Self::NameKeyAbroad(..)
            // As long as nothing is known of the key; see `State::needs`.
            | Self::ChangeKey { .. }
            | Self::RetireKey { .. }
            | Self::EndKeys(_)
            | Self::EntrustKey { .. }
            | Self::EnableKey(_)
            | Self::WidenKey(_)
            | Self::ForgetKey(_)
            // It lets keys pass.
            | Self::BeginImport { .. }
            | Self::IssueKey(_)
            | Self::IssueCanary { .. }
            // People are told, and what is told stands in the ledger.
            | Self::BeginDrills(_)
            // Whoever ends it looks away.
            | Self::EndCanary(_)
            | Self::SetUpstreamCredential
            | Self::AcceptLaw(_) => Needs::Administrator,
        }
    }

    /// What a proof was shown for, as the ledger says it.
    pub(crate) const fn purpose(&self) -> &'static str {
        match self {
            Self::BeginImport { .. } => "import keys",
            Self::AddHolder(_) => "add a holder",
            Self::ChangeHolder(..) => "change a holder",
            Self::Leave(..) => "a holder left",
            Self::Return(_) => "a holder returned",
            Self::Invite(..) => "invite",
            Self::Enrol(..) => "enrol",
            Self::StopAuthenticator { .. } => "stop an authenticator",
            Self::SignIn => "sign in",
            Self::NameKey(..) | Self::NameKeyAbroad(..) => "name a key",
            Self::EntrustKey { .. } => "entrust a key",
            Self::ChangeKey { .. } => "change a key",
            Self::EndKeys(_) => "say when keys end",
            Self::DisableKey(..) => "disable a key",
            Self::EnableKey(_) => "enable a key",
            Self::LiftContainment(_) => "lift a containment",
            Self::ForgetKey(_) => "forget a key",
            Self::NarrowKey(..) => "narrow a key",
            Self::WidenKey(_) => "widen a key",
            Self::IssueKey(_) | Self::IssueFor { .. } => "issue a key",
            Self::RetireKey { .. } => "retire a key",
            Self::RevokeKey { .. } => "revoke a key",
            Self::RequestKey(..) => "ask for a key",
            Self::GrantRequest(..) => "grant a key",
            Self::DenyRequest(..) => "deny a key",
            Self::CollectRequest { .. } => "collect a key",
            Self::IssueCanary { .. } => "make a canary",
            Self::EndCanary(_) => "end a canary",
            Self::BeginDrills(_) => "begin a drill",
            Self::SetUpstreamCredential => "set the upstream's credential",
            Self::Approve(_) => "approve",
            Self::Deny(_) => "deny",
            Self::NotMe(_) => "not me",
            Self::AcceptLaw(_) => "accept a law",
            Self::RefuseLaw(_) => "refuse a law",
        }
    }
}
