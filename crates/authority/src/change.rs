//! The vocabulary of the ledger. What is written here is kept for ever: variants and fields
//! are added, never changed or removed.

use std::{fmt, net::IpAddr};

use factor::{recovery, totp};
use jiff::{Timestamp, civil::Date};
use law::{ApprovalId, CallId, ChallengeId, Factors, HolderId, HolderKind, KeyId, Powers, RequestId, Span, Step};
use serde::{Deserialize, Serialize};

use crate::{
    Card, Digest, Grant, Limit, PepperId, Scope, Verifier, Wish,
    posture::{Files, Weaker},
    shelf::Shelved,
};

/// One entry of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// Who brought it about.
    pub by: Actor,
    /// What changed.
    #[serde(flatten)]
    pub change: Change,
    /// What became of the shelf with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shelf: Option<Shelved>,
}

impl Written {
    /// A change with which nothing on the shelf changes.
    pub const fn new(by: Actor, change: Change) -> Self {
        Self { by, change, shelf: None }
    }
}

/// Who brings a change about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    /// The gate by itself, on what it saw in the traffic.
    Gate,
    /// Somebody on the gate's host, by the local socket or the configuration, without a code.
    Operator,
    /// A person who showed a factor.
    Person(HolderId),
}

/// How a person proved to be one. Written down so that it serves once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// A code of an authenticator: the step that it belongs to.
    Totp(totp::Step),
    /// A recovery code: its place among those that were given out.
    Recovery(usize),
}

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The key that called.
    pub key: KeyId,
    /// SHA-256 over key, method, target, body and `Idempotency-Key`: the answer is to this request only.
    pub binding: Digest,
    /// Method and template.
    pub operation: String,
    /// The powers whose guards did not hold.
    pub powers: Powers,
    /// What is asked for.
    pub missing: Factors,
    /// Where the call came from.
    pub source: IpAddr,
    /// Whether the key had come from there before.
    pub known_source: bool,
    /// Whether it had come from there for a day, or a person had said yes to it there.
    #[serde(default)]
    pub usual_source: bool,
    /// Since when the key has come from there, where it had before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_since: Option<Timestamp>,
    /// Whether nobody can say what the call does: a yes is to it and to no other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unjudged: bool,
    /// When the question lapses, and the answer with it.
    pub until: Timestamp,
}

impl Question {
    /// How many people must say yes.
    pub const fn people(&self) -> usize {
        if self.missing.contains(law::Factor::SecondPerson) { 2 } else { 1 }
    }
}

/// What an issuer's tokens say of a key: it is known by that, whatever token comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// What the configuration calls the issuer.
    pub issuer: String,
    /// The claim that names the key, such as `client_id`.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { issuer, name, value } = self;
        write!(f, "{issuer} {name}={value}")
    }
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// A holder is known from now on.
    HolderAdded {
        /// The new id.
        id: HolderId,
        /// Unique among holders, letter case aside.
        name: String,
        /// Person, workload or vendor.
        kind: HolderKind,
        /// Who answers for it, where it is not a person.
        owner: Option<HolderId>,
        /// Who answers where the owner does not.
        deputies: Vec<HolderId>,
        /// Where notices go.
        mail: Option<String>,
        /// Whether they may do what needs a code beyond their own keys.
        administrator: bool,
    },
    /// A holder is described anew, in all that can change.
    HolderChanged {
        /// The holder.
        id: HolderId,
        /// Person, workload or vendor.
        kind: HolderKind,
        /// Who answers for it, where it is not a person.
        owner: Option<HolderId>,
        /// Who answers where the owner does not.
        deputies: Vec<HolderId>,
        /// Where notices go.
        mail: Option<String>,
        /// Whether they may do what needs a code beyond their own keys.
        administrator: bool,
    },
    /// A holder is gone: it answers nothing, and its keys do not work, unless they go on.
    HolderLeft {
        /// The holder.
        id: HolderId,
        /// Whether its keys go on: they are listed as a leaver's then. Keys that a leaver's
        /// going stopped before stay stopped.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        keys_go_on: bool,
    },
    /// A holder is back.
    HolderReturned {
        /// The holder.
        id: HolderId,
    },
    /// A one-time link to enrol a factor was made. A newer one replaces it.
    Invited {
        /// Whom it lets enrol.
        holder: HolderId,
        /// SHA-256 of the link's secret.
        token: Digest,
        /// When it lapses.
        until: Timestamp,
    },
    /// Somebody opened a link to enrol with which another browser had begun.
    EnrolmentContested {
        /// Whom the link lets enrol.
        holder: HolderId,
    },
    /// A person has a factor from now on; one that they had before is replaced. The seed
    /// stands sealed on the shelf.
    Enrolled {
        /// The person.
        holder: HolderId,
        /// The code that proved that the authenticator works.
        step: totp::Step,
        /// What is kept of the recovery codes.
        recovery: Vec<recovery::Verifier>,
    },
    /// A person showed a factor; it does not serve again.
    Proved {
        /// The person.
        holder: HolderId,
        /// What they showed.
        proof: Proof,
        /// What for, such as `sign-in`.
        purpose: String,
    },
    /// Too many wrong codes: the person must enrol anew.
    AuthenticatorDisabled {
        /// The person.
        holder: HolderId,
    },
    /// Somebody stopped a person's authenticator, such as one that was lost: its codes serve no
    /// more, and what they said yes to and signed in with falls.
    AuthenticatorStopped {
        /// The person.
        holder: HolderId,
        /// Whether their recovery codes serve no more either.
        recovery_codes: bool,
    },
    /// A key that the upstream accepts is known from now on.
    KeyAdopted {
        /// The new id.
        id: KeyId,
        /// What is kept of its secret.
        verifier: Verifier,
        /// The pepper that made the verifier.
        pepper: PepperId,
        /// Where it travels.
        place: String,
        /// Where it was first seen.
        source: IpAddr,
        /// Who has it, where that is known at once: a child is its parent's holder's.
        holder: Option<HolderId>,
        /// The key that minted it.
        parent: Option<KeyId>,
        /// What its issuer's tokens say of it, where it is known by that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claim: Option<Claim>,
        /// What is kept of what its secret's spellings have in common, and its secret's halves.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        folded: Vec<Verifier>,
    },
    /// A person said yes to a list of keys that was made elsewhere; they come in by parts.
    ImportBegan {
        /// How many lines it has.
        keys: u64,
        /// SHA-256 over the SHA-256 of its parts.
        list: Digest,
    },
    /// A key is known from now on by a list that was made elsewhere.
    KeyImported {
        /// The new id.
        id: KeyId,
        /// What is kept of its secret.
        verifier: Verifier,
        /// The pepper that made the verifier.
        pepper: PepperId,
        /// What people call it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Who has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        holder: Option<HolderId>,
        /// Where it travels, as far as the list says.
        place: String,
        /// What it may do, in the upstream's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scopes: Option<String>,
        /// When it was made, where the list says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        born: Option<Timestamp>,
        /// When it ends, where the list says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        end: Option<Timestamp>,
    },
    /// A key's verifier was made anew with the pepper in use.
    KeyRepeppered {
        /// The key.
        key: KeyId,
        /// The new verifier.
        verifier: Verifier,
        /// The pepper in use.
        pepper: PepperId,
        /// What is kept of what its secret's spellings have in common, and its secret's halves.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        folded: Vec<Verifier>,
    },
    /// The upstream said whose key it is.
    KeyIdentified {
        /// The key.
        key: KeyId,
        /// Who has it.
        holder: HolderId,
        /// Whether that account has 2FA at the upstream, where it says.
        two_factor: Option<bool>,
        /// What the key may do, in the upstream's words.
        scopes: Option<String>,
        /// When it ends, where the upstream says.
        end: Option<Timestamp>,
    },
    /// A person said whose key it is, or what to call it.
    KeyNamed {
        /// The key.
        key: KeyId,
        /// What people call it.
        name: Option<String>,
        /// Who has it.
        holder: Option<HolderId>,
    },
    /// A person said when a key ends.
    KeyEndSet {
        /// The key.
        key: KeyId,
        /// When it ends.
        end: Timestamp,
    },
    /// People were told that a key ends soon: somebody's mail server or webhook took it.
    KeyWarned {
        /// The key.
        key: KeyId,
        /// The end of which they were told.
        end: Timestamp,
        /// How far away it was, as the configuration counts.
        before: Span,
    },
    /// A key in use goes on beyond its end, because its people could not be told.
    KeyEndPutOff {
        /// The key.
        key: KeyId,
        /// For so long.
        until: Timestamp,
    },
    /// A key that was in use has ended.
    KeyEnded {
        /// The key.
        key: KeyId,
        /// When.
        end: Timestamp,
    },
    /// A key does not work for now.
    KeyDisabled {
        /// The key.
        key: KeyId,
        /// Why, in words.
        why: String,
    },
    /// A key works again.
    KeyEnabled {
        /// The key.
        key: KeyId,
    },
    /// A key is not known any more. Used again, it is a new one.
    KeyForgotten {
        /// The key. Its id is never given again.
        key: KeyId,
    },
    /// Codes by header are no longer taken from this key.
    HeaderClosed {
        /// The key.
        key: KeyId,
    },
    /// A key was issued. Its secret was shown once, and is kept nowhere.
    KeyIssued {
        /// The new id.
        id: KeyId,
        /// What is kept of its secret.
        verifier: Verifier,
        /// The pepper that made the verifier.
        pepper: PepperId,
        /// What people call it.
        name: Option<String>,
        /// Who has it.
        holder: HolderId,
        /// The issued key whose child it is.
        parent: Option<KeyId>,
        /// What it may be used for.
        scope: Scope,
        /// How much it may be used.
        limits: Vec<Limit>,
        /// When it ends.
        end: Timestamp,
    },
    /// An issued key stands for a credential that an operation of the API made in the answer to
    /// its parent: its calls go on with that. It stands sealed on the shelf.
    KeyStandsFor {
        /// The key.
        key: KeyId,
        /// The operation.
        operation: String,
        /// What the API calls the credential, where its answer said so.
        upstream: Option<String>,
    },
    /// A key never works again.
    KeyRevoked {
        /// The key.
        key: KeyId,
        /// Why, in words.
        why: String,
    },
    /// A key may be used for no more than this from now on, nor may those below it.
    KeyNarrowed {
        /// The key.
        key: KeyId,
        /// What for.
        scope: Scope,
    },
    /// The last narrowing of a key is undone.
    KeyWidened {
        /// The key.
        key: KeyId,
    },
    /// What the API calls a key is known from now on.
    KeyKnownAs {
        /// The key.
        key: KeyId,
        /// What the API calls it.
        upstream: String,
    },
    /// A key is revoked at the API, too, or gone there.
    KeyDeadAbroad {
        /// The key.
        key: KeyId,
    },
    /// A key that is revoked here lives on at the API, as far as is known.
    KeyAliveAbroad {
        /// The key.
        key: KeyId,
        /// Why, in words.
        why: String,
    },
    /// A key was made to take another's place: from its first use on the other has its grace.
    KeySucceeds {
        /// The new key.
        key: KeyId,
        /// Whose place it takes.
        of: KeyId,
        /// How long the other works on from then.
        grace: Span,
    },
    /// A key took another's place: it was used for the first time.
    KeyTookOver {
        /// The new key.
        key: KeyId,
        /// The other one.
        of: KeyId,
        /// Until when the other works.
        until: Timestamp,
    },
    /// A key's grace is over: it never works again.
    KeyRetired {
        /// The key.
        key: KeyId,
    },
    /// Somebody asks for a key.
    KeyRequested {
        /// The new id.
        id: RequestId,
        /// Who asks.
        person: HolderId,
        /// For what.
        wish: Wish,
        /// When the request lapses.
        until: Timestamp,
    },
    /// Somebody said yes to a request: whoever asked may collect the key.
    KeyRequestGranted {
        /// The request.
        id: RequestId,
        /// What was said yes to.
        grant: Grant,
    },
    /// Somebody said no to a request, or took it back.
    KeyRequestDenied {
        /// The request.
        id: RequestId,
        /// Why, in words.
        why: String,
    },
    /// A key that was asked for was made.
    KeyRequestCollected {
        /// The request.
        id: RequestId,
        /// The key.
        key: KeyId,
    },
    /// The gate contains a key, on what it saw, until then or until somebody lifts it.
    KeyContained {
        /// The key. What it made is held with it.
        key: KeyId,
        /// What is done.
        step: Step,
        /// Whom it stops: calls with these powers.
        powers: Powers,
        /// When it ends by itself.
        until: Timestamp,
        /// Why, in words.
        why: String,
    },
    /// What held a key is lifted.
    KeyLifted {
        /// The key.
        key: KeyId,
        /// Up to this step; what is stricter stays.
        up_to: Step,
        /// Until then nothing is done about the key by itself, where a person lifted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        calm: Option<Timestamp>,
    },
    /// A rehearsal of a theft begins, and with it a key that no call reaches the API with. There is
    /// no other entry for such a key: whoever does not know what a drill is knows no key.
    DrillBegun {
        /// The key, of the same numbers as others.
        key: KeyId,
        /// What is kept of its secret.
        verifier: Verifier,
        /// The pepper that made the verifier.
        pepper: PepperId,
        /// What is played.
        scenario: String,
        /// Whose key is played stolen.
        holder: HolderId,
        /// The key that it behaves like.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        like: Option<KeyId>,
        /// What bounds it, for it bounds that key.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bounds: Vec<Scope>,
        /// Whether it is a canary: a secret that works nowhere, laid out to be found.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        canary: bool,
        /// Whether its calls read at the API, where they do nothing else: with the gate's own
        /// credential, and nobody sees the answers.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        reads_pass: bool,
        /// When the key ends, whatever becomes of the drill.
        end: Timestamp,
    },
    /// A call of a rehearsal made a key, as the answer of the gate's own says. It is the rehearsal's
    /// as much as the first: it ends with that one, and falls when the rehearsal is over.
    DrillMinted {
        /// The new key, of the same numbers as others.
        key: KeyId,
        /// What is kept of its secret.
        verifier: Verifier,
        /// The pepper that made the verifier.
        pepper: PepperId,
        /// The key that made it.
        parent: KeyId,
    },
    /// A rehearsal is over; nobody knows its key any more, nor those that its calls made.
    DrillEnded {
        /// The key.
        key: KeyId,
        /// What it showed.
        card: Box<Card>,
    },
    /// A canary was made: a secret that works nowhere, and is told when somebody sends it.
    CanaryIssued {
        /// The new id, of the same numbers as keys.
        id: KeyId,
        /// What is kept of its secret.
        verifier: Verifier,
        /// The pepper that made the verifier.
        pepper: PepperId,
        /// What people call it.
        name: String,
        /// At whose place it lies.
        holder: HolderId,
        /// What is kept of what its secret's spellings have in common.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        folded: Option<Verifier>,
    },
    /// A canary is watched no more.
    CanaryEnded {
        /// The canary.
        id: KeyId,
    },
    /// The gate's own credential for the API was set. It stands sealed on the shelf.
    UpstreamCredentialSet {},
    /// The ledger has the digest of what stands on the shelf from now on: it began before that.
    ShelfBound {},
    /// A person is asked.
    Asked {
        /// The new id.
        id: ChallengeId,
        /// What is asked.
        question: Question,
    },
    /// A person said yes. With the last yes that the question needs, the approval exists.
    Approved {
        /// The question.
        challenge: ChallengeId,
        /// The yes.
        approval: ApprovalId,
        /// Who said it.
        person: HolderId,
    },
    /// A person said no.
    Denied {
        /// The question.
        challenge: ChallengeId,
        /// Whether they said that the call was not theirs.
        not_me: bool,
    },
    /// An approval was spent on a call.
    Spent {
        /// The question.
        challenge: ChallengeId,
        /// The call that it let pass.
        call: CallId,
    },
    /// A yes to another question opened a window in which this one's call passes: nobody need
    /// answer it any more.
    Covered {
        /// The question.
        challenge: ChallengeId,
        /// The yes that opened the window.
        approval: ApprovalId,
    },
    /// A law is in force from now on.
    LawLoaded {
        /// SHA-256 of its page.
        digest: Digest,
        /// Its page.
        page: String,
    },
    /// Guards that only observed until this day bind from now on, whatever the clock says later.
    ObservingEnded {
        /// The day.
        day: Date,
    },
    /// A law that is weaker somewhere waits for a person. Postures have taken its place.
    LawWaits {
        /// SHA-256 of its page.
        digest: Digest,
        /// Its page.
        page: String,
        /// The cells in which it is weaker, such as `person grant`.
        weaker: Vec<String>,
    },
    /// Configuration, lock and document are in force from now on, with the law in force.
    PostureLoaded {
        /// Its digest: over its files and its law.
        digest: Digest,
        /// Its files.
        files: Files,
    },
    /// Configuration, lock or document make something easier and wait for a person.
    PostureWaits {
        /// Its digest: over its files and its law.
        digest: Digest,
        /// Its files.
        files: Files,
        /// The page of its law.
        page: String,
        /// What it makes easier.
        weaker: Vec<Weaker>,
    },
    /// A posture that waited was refused.
    PostureRefused {
        /// Its digest.
        digest: Digest,
    },
    /// Operations and powers that the gate obeys from now on.
    CatalogueObeyed {
        /// SHA-256 of the lock.
        digest: Digest,
        /// How many operations it has.
        operations: usize,
    },
    /// The state was restored from a backup: what came after it is not known.
    StateRestored {
        /// When the backup was made.
        taken: Timestamp,
        /// The newest key that the record shows to have been there: no number is given twice.
        newest_key: Option<KeyId>,
    },
    /// Part of the record was removed to keep within its cap.
    RecordTrimmed {
        /// What was removed, in words.
        what: String,
        /// Which part it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<RecordPart>,
    },
}

/// A part of the record that was removed. Of each such book, parts are removed in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPart {
    /// The name in the record's checkpoints, where it was sealed; else `log`.
    pub of: String,
    /// The number of the leaf that says so, or of the file of the log.
    pub number: u64,
}
