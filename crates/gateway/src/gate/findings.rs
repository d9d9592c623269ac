//! What the gate notices by the way. Each rule is told once an hour for a key, not for each call.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use law::{Evidence, Finding, KeyId, Neighbourhood, Severity, neighbourhood};
use tokio::sync::mpsc;
use wire::Place;

use crate::gate::{presented::Shown, tokens::Bad};

/// So many sources are told of one canary in an hour.
const MOST_SOURCES: usize = 16;

/// Findings that are remembered as told.
const MOST: usize = 10_000;

pub(crate) struct Findings {
    out: mpsc::Sender<Finding>,
    told: papaya::HashMap<(&'static str, Option<KeyId>), i64>,
    canaries: Mutex<HashMap<KeyId, Sung>>,
}

/// From where a canary was sent in an hour.
#[derive(Default)]
struct Sung {
    hour: i64,
    sources: HashSet<Neighbourhood>,
}

impl Findings {
    pub(crate) fn new(out: mpsc::Sender<Finding>) -> Self {
        Self { out, told: papaya::HashMap::new(), canaries: Mutex::default() }
    }

    /// What the place of a credential tells.
    pub(crate) fn of_place(&self, key: Option<KeyId>, shown: &Shown, now: Timestamp) {
        if matches!(shown.place, Place::Query(_)) {
            let what = format!("a key travels in the query, at `{}`: it ends up in logs", shown.place);
            self.tell("key-in-query", Severity::Warning, key, what, now);
        }
        if !shown.expected {
            let what = format!("a known key was sent at `{}`, where nobody expects one", shown.place);
            self.tell("key-in-odd-place", Severity::High, key, what, now);
        }
        if shown.respelled {
            let what = format!(
                "a known key was sent at `{}` in another spelling (letter case, blanks, signs that do not show), or half of one that is held: who has it tries to pass it off as another one",
                shown.place
            );
            self.tell("key-respelled", Severity::High, key, what, now);
        }
        if key.is_none() && !shown.keepable {
            let what = format!("somebody calls with a password instead of a key, at `{}`", shown.place);
            self.tell("password-as-key", Severity::Warning, key, what, now);
        }
    }

    /// Somebody sent a token that is meant to be an issuer's of ours, and is not taken.
    pub(crate) fn of_token(&self, bad: &Bad, source: IpAddr, now: Timestamp) {
        let (rule, severity) = bad.finding();
        self.tell(rule, severity, None, format!("{}; it came from {source}", bad.in_words()), now);
    }

    /// Somebody sent a key that is not known: told where it is a canary, once an hour for a
    /// source, and for so many of them.
    pub(crate) fn of_canary(&self, canary: Option<KeyId>, source: IpAddr, what: String, now: Timestamp) {
        let (hour, source) = (now.as_second().div_euclid(3600), neighbourhood(source));
        // Numbers begin at 1: what is none stands nowhere, and is looked for all the same.
        let key = canary.unwrap_or(KeyId(0));
        let mut canaries = self.canaries.lock().unwrap_or_else(PoisonError::into_inner);
        let known = canaries.get(&key).is_some_and(|sung| sung.hour == hour && sung.sources.contains(&source));
        if canary.is_none() || known {
            return;
        }
        let sung = canaries.entry(key).or_default();
        if sung.hour != hour {
            *sung = Sung { hour, sources: HashSet::new() };
        }
        if sung.sources.len() < MOST_SOURCES {
            sung.sources.insert(source);
            let evidence = Evidence { at: now, call: None, what };
            let _ = self.out.try_send(Finding::new("canary-used", Severity::Critical, canary, evidence));
        }
    }

    /// Somebody tries credentials.
    pub(crate) fn of_guessing(&self, finding: Finding) {
        if self.out.try_send(finding).is_err() {
            tracing::error!("more is found than can be told; see `greave watch`");
        }
    }

    /// The API's own credential was in an answer to this key.
    pub(crate) fn of_shown_credential(&self, key: KeyId, now: Timestamp) {
        let what = "an answer showed the API's own credential and was kept back: the API echoes it, so change it, and leave the operation out of the key's scope";
        self.tell("credential-in-answer", Severity::Critical, Some(key), what.to_owned(), now);
    }

    /// A client sent the API's own credential, which only the gate should have.
    pub(crate) fn of_own_credential(&self, source: IpAddr, now: Timestamp) {
        let what = format!(
            "the gate's own credential for the API came from {source}, and was refused: it has leaked, and works wherever the API is reached without the gate; change it at the API, then `greave upstream set-credential`"
        );
        self.tell("gate-credential-shown", Severity::Critical, None, what, now);
    }

    /// An adopted key is the API's own credential.
    pub(crate) fn of_own_credential_as_key(&self, key: KeyId, now: Timestamp) {
        let what = format!(
            "clients call with the gate's own credential for the API as key {key}: give each an issued key, then `greave keys disable {key}`, and change the credential at the API"
        );
        self.tell("gate-credential-as-key", Severity::High, Some(key), what, now);
    }

    /// An operation may have made a credential for this key that nobody has. Told each time:
    /// each is another one.
    pub(crate) fn of_lost_credential(&self, key: KeyId, operation: &str, why: &str, now: Timestamp) {
        let what = format!(
            "`{operation}` made a credential, or may have, and its answer did not go out: {why}; it is alive at the API: revoke it there"
        );
        let finding = Finding::new("minted-kept", Severity::High, Some(key), Evidence { at: now, call: None, what });
        if let Err(error) = self.out.try_send(finding) {
            tracing::error!(%key, operation, why, error = %error.to_string(), "a finding of a lost credential cannot be told");
        }
    }

    /// An answer to this key was ended, because a limit had no room for the rest of it.
    pub(crate) fn of_limit(&self, key: KeyId, now: Timestamp) {
        let what = "an answer was cut off where a limit of the key was used up: somebody takes more than the key was issued for";
        self.tell("limit-reached", Severity::High, Some(key), what.to_owned(), now);
    }

    /// A window is open for this key, powers and all, but from another source.
    pub(crate) fn tell(
        &self,
        rule: &'static str,
        severity: Severity,
        key: Option<KeyId>,
        what: String,
        now: Timestamp,
    ) {
        let hour = now.as_second().div_euclid(3600);
        let told = self.told.pin();
        if told.get(&(rule, key)).is_some_and(|known| *known == hour) {
            return;
        }
        if told.len() > MOST {
            told.clear();
        }
        told.insert((rule, key), hour);
        let finding = Finding::new(rule, severity, key, Evidence { at: now, call: None, what });
        // Where nobody keeps up with findings, the record still has the calls.
        let _ = self.out.try_send(finding);
    }
}
