//! Every refusal in one table. The wire, the manual and the tests read the same rows.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who must act so that the same request can pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MustAct {
    /// Whoever wrote the client.
    Caller,
    /// The person who holds the key or answers for it.
    Holder,
    /// Whoever runs the gate.
    Operator,
    /// Nobody: time mends it.
    Time,
}

/// One row of the table.
struct Row {
    code: &'static str,
    status: u16,
    must_act: MustAct,
    says: &'static str,
    mend: &'static str,
}

macro_rules! refusals {
    ($($name:ident = $code:literal, $status:literal, $act:ident, $says:literal, $mend:literal;)+) => {
        /// Why a request does not pass.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Refusal {
            $(#[doc = $says] $name,)+
        }

        impl Refusal {
            /// Every refusal there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            const fn row(self) -> Row {
                match self {
                    $(Self::$name => Row {
                        code: $code, status: $status, must_act: MustAct::$act, says: $says, mend: $mend,
                    },)+
                }
            }
        }
    };
}

refusals! {
    BadPath = "bad-path", 400, Caller, "the path can be read in two ways", "send the path without dot segments, doubled slashes, backslashes, NUL, doubled or broken percent signs";
    BadHost = "bad-host", 400, Caller, "the request has no host, or more than one", "send exactly one Host header";
    BadFraming = "bad-framing", 400, Caller, "the length of the request can be read in two ways", "send either one Content-Length or Transfer-Encoding: chunked, never both";
    BadHeader = "bad-header", 400, Caller, "a header that the gate must read cannot be read", "send the header named in the detail once, as its standard says";
    MethodOverride = "method-override", 400, Caller, "the request names a second method", "send the method itself instead of X-HTTP-Method-Override or `_method`";
    PathOverride = "path-override", 400, Caller, "a header names another path than the one that is asked for", "ask for the path itself, and take out headers such as SCRIPT_NAME and PATH_INFO, also where a proxy before the gate sets them";
    MethodRefused = "method-refused", 405, Caller, "TRACE and CONNECT do not pass", "use another method";
    TwoCredentials = "two-credentials", 400, Caller, "two credentials that do not belong to the same holder", "send one credential";
    NoCredential = "no-credential", 401, Caller, "no credential was sent where one is needed", "send a key, for example `Authorization: Bearer KEY`";
    UnknownKey = "unknown-key", 401, Caller, "the key is not known", "use a key that is known to the gate, or ask whoever runs it";
    GateCredential = "gate-credential", 403, Operator, "this is the gate's own credential for the API, which nobody else may have", "use a key that was issued for this client: `greave keys issue`; and since somebody has it, change the credential at the API, then `greave upstream set-credential`";
    TokenExpired = "token-expired", 401, Caller, "the token has expired", "get a new token from its issuer, then send the same request again";
    Disabled = "disabled", 401, Holder, "the key is disabled", "ask its owner, or whoever runs the gate: `greave keys enable`";
    Revoked = "revoked", 401, Holder, "the key is revoked", "ask for a new key";
    Retired = "retired", 401, Holder, "the key is retired, and another has taken its place", "use the key that was made in its place, or ask whoever answers for it for a new one";
    Ended = "ended", 401, Holder, "the key has ended", "ask for a new key";
    ParentStopped = "parent-stopped", 401, Holder, "the key stands for what a call with another key made, and that key does not work", "ask whoever answers for the key above it; it works again when that does";
    Contained = "contained", 403, Holder, "the key did what is not usual for it, and is contained: this is refused until somebody who answers for it has looked", "ask whoever answers for the key: `greave watch` says why and until when, `greave watch lift KEY` lifts it";
    HolderLeft = "holder-left", 401, Operator, "the key's holder has left", "ask whoever runs the gate to name another owner";
    StepUp = "step-up", 401, Holder, "a second factor is needed", "let the person approve it at `step_up_uri`, then send the same request again";
    NobodyCanAnswer = "nobody-can-answer", 403, Operator, "a second factor is needed, and nobody is enrolled who could give it", "name an owner with `greave keys name KEY --owner NAME` and enrol them with `greave holders invite NAME`";
    NotKnownYet = "not-known-yet", 403, Holder, "a second factor is needed, and the key is not known yet, so that nobody can be asked for it", "let the key make one ordinary call first, such as a read: it is known from then on; or `greave keys import` it";
    Denied = "denied", 403, Holder, "a person said no, and the same request is refused until its question would have lapsed", "talk to the person who answers for the key, then send the request again after `until`";
    WrongCode = "wrong-code", 401, Holder, "the code is wrong or was used before", "wait for the next code of the authenticator";
    HeaderClosed = "header-closed", 403, Holder, "too many wrong codes came by header with this key", "approve on the desk instead";
    Superseded = "superseded", 409, Caller, "the same request came again and took this one's place", "follow the newer request: it goes on when the person has answered";
    OutOfScope = "out-of-scope", 403, Holder, "the key is for other operations", "use a key whose scope has this operation, or ask for one: `greave keys show` lists the scope";
    CredentialOperation = "credential-operation", 403, Operator, "the operation makes or reveals credentials of the API, which issued keys keep in", "name this very operation in the key's scope, without a star, if that is wanted, and ask for it alone: one field of GraphQL without another name, a path that means nothing else";
    SourceNotAllowed = "source-not-allowed", 403, Holder, "the key is for other sources", "call from one of its networks, or ask for a key for this one";
    WrongPlace = "wrong-place", 400, Caller, "an issued key stands where it cannot be taken out", "send it in Authorization, or in the header that the API's document names";
    OnBehalf = "on-behalf", 403, Operator, "the request says in whose name the gate's own credential acts, which an issued key may not", "leave that header or parameter out, or name it in `issued.on_behalf`, if every issued key may say it";
    LimitReached = "limit-reached", 429, Time, "a limit of the key is used up, or has too little left for the answer", "wait as long as `Retry-After` says";
    RowsUncounted = "rows-uncounted", 502, Operator, "the key has a limit of rows, the operation is sensitive, and the rows of its answer cannot be counted", "let the API answer in JSON, NDJSON or CSV, or limit the key in bytes instead";
    TooManyQuestions = "too-many-questions", 429, Time, "too many questions are open for this key or from this source", "answer or deny the open ones, or wait";
    TooManyGuesses = "too-many-guesses", 429, Time, "too many unknown keys came from this source", "wait, then send a key that is known";
    WhoseUnknown = "whose-unknown", 503, Time, "the API does not say at this moment whose the key is, and until then the key changes nothing", "send the request again; if it goes on, see whether the operation in `api.identify` answers";
    TooLargeToHold = "too-large-to-hold", 413, Caller, "the body is too large to be held while a person is asked", "ask first: send the request with a smaller body, or get a window by approving a smaller request of the same kind";
    NotJudged = "not-judged", 400, Caller, "the request ended before the law had spoken: whoever sent it went away, or its body never came whole", "send the whole request, and wait for its answer";
    ClientSlow = "client-slow", 408, Caller, "the body of the request came too slowly, or stopped", "send it again, without pauses; `gate.body_pace` is the slowest that passes";
    Unreadable = "unreadable", 400, Caller, "the body cannot be read where the operation depends on it", "send the body in the form that the document describes, uncompressed";
    UpstreamUnreachable = "upstream-unreachable", 502, Operator, "the API behind the gate does not answer", "see whether the upstream runs and whether `gate.upstream` is its address";
    UpstreamUntrusted = "upstream-untrusted", 502, Operator, "the API behind the gate shows a certificate that nobody vouches for", "name its authority in `gate.upstream_authorities`, or see whether `gate.upstream` is its address";
    UpstreamRefusesGate = "upstream-refuses-gate", 502, Operator, "the API behind the gate does not accept the gate's certificate", "give the gate one that the API accepts: `gate.client_certificate` and `gate.client_key`";
    UpstreamBroken = "upstream-broken", 502, Operator, "the API behind the gate gave an answer that is no HTTP", "see the upstream's log";
    ComesBack = "comes-back", 508, Operator, "the request has passed this gate before: what the gate forwards to leads back to it", "see whether `gate.upstream` is the API's own address, and whether a proxy before the API points at the gate";
    UpstreamSlow = "upstream-slow", 504, Operator, "the API behind the gate took too long", "see the upstream's log, or raise `gate.answer_timeout`";
    CredentialInAnswer = "credential-in-answer", 502, Operator, "the answer showed the API's own credential, and was kept back", "see the finding: the operation echoes credentials; leave it out of the key's scope, and change the credential";
    MintedKept = "minted-kept", 502, Operator, "the answer brought a new credential of the API that could not be replaced by a key of the gate, and was kept back", "see the finding for the reason; what was made at the API is there: revoke it there";
    AnswerUnreadable = "answer-unreadable", 502, Operator, "the answer was encoded although none was asked for, and cannot be searched for the API's own credential", "let the API answer plainly where `Accept-Encoding: identity` asks for it";
    NoUpstreamCredential = "no-upstream-credential", 503, Operator, "the gate has no credential of its own for the API, and issued keys need one", "set it as an administrator: `greave upstream set-credential --as NAME` (it goes where `issued.place` in the configuration says)";
    RecordUnavailable = "record-unavailable", 503, Operator, "the call cannot be written down, and what is sensitive does not pass unrecorded", "free disk space or mend the record's folder";
    Busy = "busy", 503, Time, "too many requests are being held", "send the request again after `Retry-After`";
    Stopping = "stopping", 503, Time, "the gate is stopping", "send the request again: a question that was open stays open";
}

impl Refusal {
    /// The word for machines, such as `unknown-key`.
    pub const fn code(self) -> &'static str {
        self.row().code
    }

    /// The HTTP status of the answer.
    pub const fn status(self) -> u16 {
        self.row().status
    }

    /// Who must act.
    pub const fn must_act(self) -> MustAct {
        self.row().must_act
    }

    /// What is wrong.
    pub const fn says(self) -> &'static str {
        self.row().says
    }

    /// How it is mended.
    pub const fn mend(self) -> &'static str {
        self.row().mend
    }

    /// The refusal with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|refusal| refusal.code() == code)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.says())
    }
}

/// On the wire and in the record a refusal is its code.
impl Serialize for Refusal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Refusal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |code: &str| Self::from_code(code).ok_or_else(|| format!("`{code}` is no refusal"));
        crate::text::read(deserializer, read)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_refusal_has_a_code_of_its_own_and_says_how_to_mend_it() {
        let codes: HashSet<&str> = Refusal::ALL.iter().map(|refusal| refusal.code()).collect();
        assert_eq!(codes.len(), Refusal::ALL.len());
        for refusal in Refusal::ALL {
            assert_eq!(Refusal::from_code(refusal.code()), Some(*refusal));
            assert!(!refusal.mend().is_empty());
            for text in [refusal.says(), refusal.mend()] {
                assert!(!text.ends_with('.'), "{text}");
            }
        }
    }
}
