//! The admin API's requests and answers, for both ends of it.
//!
//! Times are RFC 3339 in UTC; ids are those of the ledger (`k17`, `h3`, `c9`); powers,
//! factors and kinds of holder are their words. Holders are named by their id or their name
//! in requests.

mod drills;
mod expiry;
mod holders;
mod imports;
mod keys;
mod law;
mod leaks;
mod questions;
mod reach;
mod reconcile;
mod record;
mod requests;
mod secret;
mod status;
mod watch;

use serde::{Deserialize, Serialize};

pub use self::{
    drills::{BeforeView, BeginDrill, DrillView, LaidOut, PlayedView},
    expiry::{ApplyEnds, Ending, EndsApplied, ExpiryReport, KeyEnd, Lived, Within},
    holders::{
        AddHolder, ChangeHolder, HolderList, HolderSummary, HolderView, Invited, KeyCount, Minter, Minting,
        StopAuthenticator,
    },
    imports::{BeginImport, ImportBegun, ImportLine, ImportOutcome, ImportPart, WrongLine},
    keys::{
        AbroadView, CanaryList, CanaryView, CeilingView, ChangeKey, CredentialView, DisableKey, IssueCanary, IssueKey,
        IssuedCanary, IssuedKey, IssuedView, KeyDetails, KeyFilter, KeyList, KeyRef, KeySort, KeyView, LastUsed,
        NameKey, NarrowKey, PowerUse, ProgramUse, RetireKey, RevokeKey, SetCredential, SourceUse, StandsForView,
        SuccessionView, UndescribedUse,
    },
    law::{
        AcceptLaw, Guarded, HealthView, LawView, Observing, ObservingCell, PostureView, Preview, PreviewFilter,
        PreviewLine, RecordHealth, WaitingLaw, WeakerPart,
    },
    leaks::{
        FoundCredentials, FoundLeak, KnownLeak, Labelled, LeaksAnswered, LookForLeaks, LooksLeaked, ReportLeaks,
        Reported,
    },
    questions::{Approve, Notified, QuestionDetails, QuestionList, QuestionState, QuestionView, Window},
    reach::{
        EvidenceLine, ExplainFilter, ExplainedPower, Explanation, OperationReach, PowerReach, Reach, ReachFilter, Use,
    },
    reconcile::{AliveView, GoneView, Reconciled},
    record::{
        CallFilter, CallList, Checkpoint, LedgerEntry, LedgerEvents, LedgerFilter, LedgerList, LedgerProof,
        LedgerVerified, ProvenEntry, RecordedCall,
    },
    requests::{
        Asked, CollectedKey, DenyRequest, GrantRequest, Outlook, OutlookPower, RequestDetails, RequestKey, RequestList,
        RequestStanding, RequestView,
    },
    secret::Secret,
    status::{GateStatus, LedgerStatus, RecordStatus, StatusView, WayStatus},
    watch::{ContainedView, GuessingView, WatchView},
};

/// Who acts, with a fresh code. On the local socket both may be missing where no code is
/// needed; elsewhere `as` may be missing, it is the session's person then.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Proof {
    /// The person's name.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// A code of their authenticator, or a recovery code. It serves once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Secret>,
}

/// `POST /v1/session`: a person signs in, away from the gate's host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignIn {
    /// The person's name.
    pub name: String,
    /// A code of their authenticator, or a recovery code.
    pub code: Secret,
}

/// What signing in gives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignedIn {
    /// To be sent as `Authorization: Bearer TOKEN`. Shown once.
    pub token: Secret,
    /// Who signed in.
    pub person: String,
    /// Whether they may read, and do what needs an administrator's code.
    pub administrator: bool,
    /// When the session ends.
    pub until: jiff::Timestamp,
}

/// What went wrong, as `application/problem+json` (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `urn:greave:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The word for machines, such as `code-needed`, `wrong-code`, `wait`, `not-found`.
    pub code: String,
    /// What is wrong and how to mend it.
    pub detail: String,
    /// Where the code is `wait`: after how many seconds to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}
