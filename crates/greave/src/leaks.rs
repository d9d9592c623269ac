//! What is done about what was found where others can read it, beside stopping it: what a key
//! made is held, and people are told of what was not stopped.

use std::sync::Arc;

use ::watch::Told;
use authority::Authority;
use console::{Alarm, Leak};
use gateway::Watching;
use jiff::Timestamp;
use law::{Evidence, Finding, Severity};
use tokio::sync::mpsc;

/// Hears what the desk is told.
pub(crate) fn alarm(watching: &Arc<Watching>, authority: &Arc<Authority>, loud: mpsc::Sender<Finding>) -> Alarm {
    let (watching, authority) = (Arc::clone(watching), Arc::clone(authority));
    Alarm(Box::new(move |leak, at| {
        let (watching, authority, loud) = (Arc::clone(&watching), Arc::clone(&authority), loud.clone());
        Box::pin(async move { hear(&watching, &authority, &loud, (leak, at)).await })
    }))
}

async fn hear(watching: &Watching, authority: &Authority, loud: &mpsc::Sender<Finding>, (leak, at): (Leak, String)) {
    let now = Timestamp::now();
    let finding = |rule: &str, severity, key, what| {
        Finding::new(rule, severity, Some(key), Evidence { at: now, call: None, what })
    };
    let told = match leak {
        Leak::Key(key) => {
            watching.told(&Told::Leaked { key }, now);
            let known = authority.view(|state| state.key(key).cloned()).filter(|_| !watching.is_off());
            let Some(known) = known else { return };
            let finding = finding("leaked", Severity::Critical, key, at);
            if let Err(error) = watching.answer_said(finding, authority.answerer(&known).0, now).await {
                tracing::error!(error = &error as &dyn std::error::Error, "a containment cannot be written down");
            }
            return;
        }
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

#[cfg(test)]
mod tests {
    use authority::{SecretDigest, Sighting};
    use gateway::{WatchMode, WatchRules};
    use law::{Answer, KeyId, Power};

    use super::*;
    use crate::{secrets::Vault, state::StateFolder};

    #[tokio::test]
    async fn what_a_leaked_key_made_makes_nothing_more_and_what_lies_open_is_told() {
        let folder = tempfile::tempdir().unwrap();
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
        let rules = WatchRules { mode: WatchMode::On, ..WatchRules::default() };
        let (watching, _unanswered) = Watching::new(rules, Arc::clone(&authority), mpsc::channel(8).0);
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
}
