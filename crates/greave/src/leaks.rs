//! What is done about what was found where others can read it, beside stopping it: what a key
//! made is held, and people are told of what was not stopped.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use ::watch::Told;
use authority::{Authority, Change, Key, State, Written};
use console::{Alarm, LEAKED, Leak};
use gateway::{WatchMode, Watching};
use jiff::Timestamp;
use law::{Evidence, Finding, KeyId, Severity, Standing};
use tokio::sync::mpsc;

use crate::watching::baselines;

/// Hears what the desk is told.
pub(crate) fn alarm(watching: &Arc<Watching>, authority: &Arc<Authority>, loud: mpsc::Sender<Finding>) -> Alarm {
    let (watching, authority) = (Arc::clone(watching), Arc::clone(authority));
    let heard = Mutex::new(Heard::default());
    Alarm(Box::new(move |leak, at| {
        let is_new = heard.lock().unwrap_or_else(PoisonError::into_inner).notes(leak, &at, Timestamp::now());
        let (watching, authority, loud) = (Arc::clone(&watching), Arc::clone(&authority), loud.clone());
        Box::pin(async move {
            if is_new || is_still_to_do(&watching, &authority, leak) {
                hear(&watching, &authority, &loud, (leak, at)).await;
            }
        })
    }))
}

/// What was heard within this hour. A thousand reports of one key must not drown that of another.
#[derive(Default)]
struct Heard {
    hour: i64,
    leaks: BTreeMap<Leak, BTreeSet<String>>,
}

/// Places in which one thing was found, that are told within an hour.
const MOST_FINDS: usize = 8;

impl Heard {
    /// Whether it is told: once an hour for each place where it was found, and for so many of them.
    fn notes(&mut self, leak: Leak, at: &str, now: Timestamp) -> bool {
        let hour = now.as_second().div_euclid(3600);
        if self.hour != hour {
            *self = Self { hour, ..Self::default() };
        }
        let finds = self.leaks.entry(leak).or_default();
        finds.len() < MOST_FINDS && finds.insert(at.to_owned())
    }
}

/// Whether a key leaked for which nothing is done: somebody let it work again meanwhile.
fn is_still_to_do(watching: &Watching, authority: &Authority, leak: Leak) -> bool {
    let Leak::Key(key) = leak else { return false };
    watching.rules().mode == WatchMode::On
        && authority.view(|state| state.contained_itself(key, Timestamp::now()).is_empty())
}

async fn hear(watching: &Watching, authority: &Authority, loud: &mpsc::Sender<Finding>, (leak, at): (Leak, String)) {
    let now = Timestamp::now();
    let finding = |rule: &str, severity, key, what| {
        Finding::new(rule, severity, Some(key), Evidence { at: now, call: None, what })
    };
    let told = match leak {
        Leak::Key(key) => return leaked(watching, authority, key, at).await,
        Leak::Public(key) => {
            let what =
                format!("{at}; nothing was stopped, for it lies open by its nature (`leaks.public`) or only reads");
            finding("public-key-found", Severity::High, key, what)
        }
        Leak::Canary(canary) => finding("canary-found", Severity::High, canary, at),
    };
    if loud.try_send(told).is_err() {
        tracing::error!("more is found than can be told");
    }
}

/// A key leaked: what it made is held.
async fn leaked(watching: &Watching, authority: &Authority, key: KeyId, at: String) {
    let now = Timestamp::now();
    watching.told(&Told::Leaked { key }, now);
    if watching.is_off() || authority.view(|state| state.key(key).is_none()) {
        return;
    }
    let evidence = Evidence { at: now, call: None, what: at };
    let finding = Finding::new("leaked", Severity::Critical, Some(key), evidence);
    if let Err(error) = watching.answer_said(finding, now).await {
        tracing::error!(error = &error as &dyn std::error::Error, "a containment cannot be written down");
    }
}

/// Takes up what was reported while no gate ran, before the first request: the key is disabled
/// since then, and nothing holds what it made. `since` is when the last gate saved what it knew.
pub(crate) async fn take_up(watching: &Watching, authority: &Authority, since: Option<Timestamp>) {
    let is_parent = |state: &State, key: &Key| {
        key.standing == Standing::Disabled && state.family(key.id).into_iter().any(|of| of != key.id)
    };
    let parents: BTreeSet<KeyId> =
        authority.view(|state| state.keys().filter(|key| is_parent(state, key)).map(|key| key.id).collect());
    // The usual case: then the ledger, which may be long, is not read.
    if parents.is_empty() {
        return;
    }
    let said = match baselines::said(authority, (since, Timestamp::now())).await {
        Ok(said) => said,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            return tracing::error!(error, "what leaked while no gate ran cannot be read from the ledger");
        }
    };
    let mut waits: BTreeMap<KeyId, String> = BTreeMap::new();
    for (_, Written { change, .. }) in said {
        match change {
            Change::KeyDisabled { key, why } if parents.contains(&key) => {
                if let Some(at) = why.strip_prefix(LEAKED) {
                    waits.insert(key, at.to_owned());
                }
            }
            // A gate has answered it, or a person has.
            Change::KeyContained { key, .. } | Change::KeyLifted { key, .. } | Change::KeyEnabled { key } => {
                waits.remove(&key);
            }
            _ => {}
        }
    }
    for (key, at) in waits {
        leaked(watching, authority, key, at).await;
    }
}

#[cfg(test)]
mod tests {
    use authority::{Command, SecretDigest, Sighting, Warrant};
    use gateway::WatchRules;
    use law::{Answer, Power};

    use super::*;
    use crate::{secrets::Vault, state::StateFolder};

    /// An authority with a key that made another.
    async fn family(folder: &tempfile::TempDir) -> (Arc<Authority>, KeyId, Arc<Key>) {
        let path = folder.path().join("state");
        let state = StateFolder::make(&path).unwrap();
        Vault::of(&path).furnish().unwrap();
        let now = Timestamp::now();
        let authority = state.authority(now).await.unwrap();
        let adopt = async |secret: &[u8], parent: Option<KeyId>| {
            let (place, source) = ("minted".to_owned(), "192.0.2.1".parse().unwrap());
            let sighting = Sighting { place, source, parent, inherits: true, claim: None };
            authority.adopt(&SecretDigest::of(secret), &sighting, now).await.unwrap()
        };
        let key = adopt(b"the key", None).await.id;
        let child = adopt(b"what it made", Some(key)).await;
        (authority, key, child)
    }

    fn watching(authority: &Arc<Authority>) -> Arc<Watching> {
        let rules = WatchRules { mode: WatchMode::On, ..WatchRules::default() };
        Watching::new(rules, Arc::clone(authority), mpsc::channel(8).0).0
    }

    #[tokio::test]
    async fn what_was_reported_while_no_gate_ran_holds_what_the_key_made_when_one_starts() {
        for (why, leaked) in [("it was not needed", false), ("it leaked: `greave scan` found it in .env", true)] {
            let folder = tempfile::tempdir().unwrap();
            let (authority, key, child) = family(&folder).await;
            let says = || authority.contained(&child, Power::Mint.into(), false, Timestamp::now());
            let disable = Command::DisableKey(key, why.to_owned());
            authority.perform(&disable, Warrant::Operator, Timestamp::now()).await.unwrap();
            let later = Timestamp::now() + jiff::SignedDuration::from_secs(1);
            take_up(&watching(&authority), &authority, Some(later)).await;
            assert_eq!(says(), Answer::Pass, "what the last gate knew it has answered");
            take_up(&watching(&authority), &authority, None).await;
            assert_eq!(says(), if leaked { Answer::Refuse } else { Answer::Pass }, "{why}");
            let held = || authority.view(|state| state.containments(key, Timestamp::now()));
            let before = held();
            take_up(&watching(&authority), &authority, None).await;
            assert_eq!(held(), before, "once");
        }
    }

    #[tokio::test]
    async fn what_a_leaked_key_made_makes_nothing_more_and_what_lies_open_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (authority, key, child) = family(&folder).await;
        let watching = watching(&authority);
        let (loud, mut told) = mpsc::channel(8);
        let Alarm(alarm) = alarm(&watching, &authority, loud);
        let says = |power: Power| authority.contained(&child, power.into(), false, Timestamp::now());
        alarm(Leak::Public(key), "a page has it".to_owned()).await;
        assert_eq!((told.recv().await.unwrap().rule, says(Power::Mint)), ("public-key-found".to_owned(), Answer::Pass));
        alarm(Leak::Canary(KeyId(9)), "GitHub found it".to_owned()).await;
        let finding = told.recv().await.unwrap();
        assert_eq!(
            (finding.rule.as_str(), finding.evidence().next().unwrap().what.as_str()),
            ("canary-found", "GitHub found it")
        );
        alarm(Leak::Key(key), "a repository has it".to_owned()).await;
        assert_eq!((says(Power::Mint), says(Power::Read)), (Answer::Refuse, Answer::Pass));
    }
    #[tokio::test]
    async fn one_thing_reported_again_and_again_is_told_once_for_each_place() {
        let folder = tempfile::tempdir().unwrap();
        let (authority, key, child) = family(&folder).await;
        let watching = watching(&authority);
        let (loud, mut told) = mpsc::channel(64);
        let Alarm(alarm) = alarm(&watching, &authority, loud);
        let mut count = || std::iter::from_fn(|| told.try_recv().ok()).count();
        for _ in 0..40 {
            alarm(Leak::Canary(KeyId(9)), "192.0.2.1 found it".to_owned()).await;
        }
        // An hour may end meanwhile.
        assert!((1..=2).contains(&count()));
        alarm(Leak::Canary(KeyId(8)), "192.0.2.1 found it".to_owned()).await;
        alarm(Leak::Canary(KeyId(9)), "GitHub found it".to_owned()).await;
        assert_eq!(count(), 2, "another canary, and another place, are news");
        for place in 0..40 {
            alarm(Leak::Canary(KeyId(9)), format!("192.0.2.{place} found it")).await;
        }
        assert!((1..=2 * MOST_FINDS).contains(&count()));
        // Where nothing holds what it made, because somebody lets the key work again, it is held again.
        let says = || authority.contained(&child, Power::Mint.into(), false, Timestamp::now());
        assert!(is_still_to_do(&watching, &authority, Leak::Key(key)));
        alarm(Leak::Key(key), "a page has it".to_owned()).await;
        assert!(!is_still_to_do(&watching, &authority, Leak::Key(key)));
        assert_eq!(says(), Answer::Refuse);
    }
}
