//! What the watch does beside the requests: answering what was found when calls had ended,
//! telling of it, and hearing what people say.

pub(crate) mod baselines;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ::watch::{Guesser, Told, Watch};
use authority::{Authority, Change, Written};
use console::{Guesses, api::GuessingView};
use gateway::{Found, Unanswered, Watching};
use jiff::Timestamp;
use law::{ChallengeId, Evidence, Finding, KeyId, Severity};
use tokio::{
    runtime::Handle,
    sync::{broadcast::error::RecvError, mpsc, watch},
    task::JoinHandle,
    time::MissedTickBehavior,
};

use self::baselines::Learning;
use crate::{drains::journal::Journal, stop::stopped};

/// How often it is tried again to write down what could not be.
const AGAIN: Duration = Duration::from_secs(1);

/// So many findings wait to be told.
pub(crate) const FOUND: usize = 1024;

/// Starts what goes on beside the requests.
pub(crate) fn start(
    watching: &Arc<Watching>,
    authority: &Arc<Authority>,
    mut unanswered: Unanswered,
    (mut found, loud, journal): (mpsc::Receiver<Found>, mpsc::Sender<Finding>, Arc<Journal>),
    stopping: &watch::Receiver<bool>,
) -> [JoinHandle<()>; 3] {
    let (answering, stop) = (Arc::clone(watching), stopping.clone());
    let answering = tokio::spawn(async move {
        let mut stop = std::pin::pin!(stopped(stop));
        let mut again = tokio::time::interval(AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(()) = answering.answer_next(&mut unanswered) => {}
                _ = again.tick() => answering.write_again(Timestamp::now()).await,
                () = &mut stop => return,
            }
        }
    });
    let stop = stopping.clone();
    let telling = tokio::spawn(async move {
        let mut stop = std::pin::pin!(stopped(stop));
        loop {
            tokio::select! {
                Some(found) = found.recv() => tell(found, &loud, &journal).await,
                () = &mut stop => return,
            }
        }
    });
    let (hearing, authority, stop) = (Arc::clone(watching), Arc::clone(authority), stopping.clone());
    let mut changes = authority.listen();
    let hearing = tokio::spawn(async move {
        let mut stop = std::pin::pin!(stopped(stop));
        let mut heard = Timestamp::now();
        loop {
            tokio::select! {
                changed = changes.recv() => match changed {
                    Ok(written) => {
                        heard = Timestamp::now();
                        hear(&hearing, &authority, &written).await;
                    }
                    // What was missed is in the ledger.
                    Err(RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "the watch was slower than what changes, and reads it up");
                        let to = Timestamp::now();
                        match baselines::said(&authority, (Some(heard), to)).await {
                            Ok(said) => {
                                for (_, written) in said {
                                    hear(&hearing, &authority, &written).await;
                                }
                                heard = to;
                            }
                            Err(error) => {
                                let error = &error as &dyn std::error::Error;
                                tracing::error!(error, "the watch cannot read up what changed");
                            }
                        }
                    }
                    Err(RecvError::Closed) => return,
                },
                () = &mut stop => return,
            }
        }
    });
    [answering, telling, hearing]
}

/// Who tries credentials at this moment, for people.
pub(crate) fn guesses(watching: &Arc<Watching>) -> Guesses {
    let watching = Arc::clone(watching);
    Guesses(Box::new(move |now| watching.watch().guessers(now).into_iter().map(guessing).collect()))
}

fn guessing(guesser: Guesser) -> GuessingView {
    let Guesser { block, source, credentials, tries: calls, since, last, worked } = guesser;
    GuessingView { block, source, credentials, calls, since, last, worked }
}

/// So few calls behind, the watch has caught up with the record.
const CLOSE: u64 = 10_000;

/// How often what is remembered is saved.
const SAVED: Duration = Duration::from_secs(600);

/// Takes up what the last gate saved, and when it did, before the first request.
pub(crate) fn take_up(watching: &Watching, state: &Path) -> Option<(Watch, Timestamp)> {
    match baselines::load(state) {
        Ok((remembered, at)) => {
            watching.remember(remembered.clone());
            Some((remembered, at))
        }
        // The first start, or near enough: there is nothing to say.
        Err(baselines::NotKept::Nothing) => None,
        Err(why) => {
            tracing::info!(%why, "what is usual for each key is learnt from the record; until then the watch finds little");
            None
        }
    }
}

/// Keeps what is usual over a restart: goes on with what was saved from the record, and saves it
/// now and then, and at the end.
pub(crate) fn keep(
    watching: &Arc<Watching>,
    authority: &Arc<Authority>,
    (state, record, saved): (PathBuf, PathBuf, Option<(Watch, Timestamp)>),
    stopping: &watch::Receiver<bool>,
) -> JoinHandle<()> {
    let (watching, authority, stop) = (Arc::clone(watching), Arc::clone(authority), stopping.clone());
    tokio::spawn(async move {
        let (learning, asked) = (Arc::clone(&watching), stop.clone());
        let handle = Handle::current();
        let learnt = tokio::task::spawn_blocking(move || {
            let (remembered, mut from) = match saved {
                Some((remembered, at)) => (remembered, Some(at)),
                None => (Watching::blank(), None),
            };
            // On its own: the calls that come meanwhile are in the record as well, and each is to be
            // seen once and in its order. The watch that serves is let go when this one has caught up.
            let surroundings = Arc::clone(&learning.rules().surroundings);
            let mut learns = Learning::new(&record, &authority, (&remembered, surroundings));
            loop {
                let to = Timestamp::now();
                let said = handle.block_on(baselines::said(&authority, (from, to)));
                let said = said.map_err(|error| {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "the watch cannot learn from the ledger");
                });
                let said: Vec<_> = said.ok()?.into_iter().map(|(at, written)| (at, written.change)).collect();
                let calls = learns.go_on((from, to), &said, || *asked.borrow())?;
                from = Some(to);
                if calls < CLOSE {
                    break;
                }
            }
            let calls = learns.calls();
            learning.remember(remembered);
            if calls > 0 {
                tracing::info!(calls, keys = learning.watch().keys(), "the watch has learnt from the record");
            }
            Some(())
        });
        // What is not learnt to the end is not saved: the next start begins where this one did.
        let Ok(Some(())) = learnt.await else { return };
        let (mut stop, mut ends) = (std::pin::pin!(stopped(stop)), false);
        loop {
            let (watching, state) = (Arc::clone(&watching), state.clone());
            let saved = tokio::task::spawn_blocking(move || {
                let at = Timestamp::now();
                baselines::save(&state, &watching.watch(), at)
            });
            if let Err(error) = saved.await.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "what is usual for each key cannot be saved; the record still has it");
            }
            if ends {
                return;
            }
            ends = tokio::select! {
                () = tokio::time::sleep(SAVED) => false,
                () = &mut stop => true,
            };
        }
    })
}

/// What asks people by itself is written down; the rest is told as well.
async fn tell(found: Found, loud: &mpsc::Sender<Finding>, journal: &Arc<Journal>) {
    if !found.is_quiet() {
        if loud.try_send(found.finding).is_err() {
            tracing::error!("more is found than can be told; see `greave watch`");
        }
        return;
    }
    let journal = Arc::clone(journal);
    let noted = tokio::task::spawn_blocking(move || journal.note(&found.finding)).await;
    if let Err(error) = noted.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
        tracing::error!(error = &error as &dyn std::error::Error, "a finding is not kept for the drains");
    }
}

/// What the authority says: in the words of the watch, and what is done about it.
async fn hear(watching: &Watching, authority: &Authority, written: &Written) {
    let now = Timestamp::now();
    // By the watch that looks at this key: a drill's has its own.
    if let Some(told) = baselines::in_words(authority, &written.change) {
        watching.told(&told, now);
    }
    match &written.change {
        Change::Denied { challenge, not_me: true } => not_me(watching, authority, *challenge, now).await,
        Change::KeyLifted { key, calm: Some(_), .. } => watching.lifted(*key),
        Change::Approved { challenge, .. } => {
            let asked = authority.view(|state| state.question(*challenge).map(|asked| (asked.question.key, asked.at)));
            if let Some((key, at)) = asked {
                let after = u32::try_from(now.duration_since(at).as_millis()).unwrap_or(u32::MAX);
                watching.told(&Told::Code { key, after }, now);
            }
        }
        Change::KeyForgotten { key } => watching.forget(*key),
        _ => {}
    }
}

/// A person said that a call was not theirs: the key is disabled already, and the ladder holds
/// what it made.
async fn not_me(watching: &Watching, authority: &Authority, challenge: ChallengeId, now: Timestamp) {
    let of = |state: &authority::State| state.question(challenge).map(|asked| asked.question.clone());
    let Some(question) = authority.view(of) else { return };
    let key: KeyId = question.key;
    if watching.is_off() {
        return;
    }
    let what = format!("a person said that {} from {} was not theirs", question.operation, question.source);
    let finding = Finding::new("not-me", Severity::Critical, Some(key), Evidence { at: now, call: None, what });
    if let Err(error) = watching.answer_said(finding, now).await {
        tracing::error!(error = &error as &dyn std::error::Error, "a containment cannot be written down");
    }
}

#[cfg(test)]
mod tests {
    use ::watch::Settings;
    use authority::{Actor, SecretDigest, Sighting};
    use gateway::{Rehearsal, WatchRules};

    use super::*;
    use crate::{secrets::Vault, state::StateFolder};

    #[tokio::test]
    async fn what_is_lifted_and_forgotten_of_a_drills_key_is_told_to_its_own_watch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let state = StateFolder::make(&path).unwrap();
        Vault::of(&path).furnish().unwrap();
        let now = Timestamp::now();
        let authority = state.authority(now).await.unwrap();
        let sighting = |place: &str| Sighting {
            place: place.to_owned(),
            source: "192.0.2.1".parse().unwrap(),
            parent: None,
            inherits: true,
            claim: None,
        };
        let adopt = async |secret: &[u8]| {
            authority.adopt(&SecretDigest::of(secret), &sighting("bearer"), now).await.unwrap().id
        };
        let (real, played) = (adopt(b"the key").await, adopt(b"the drill's").await);
        let (watching, _unanswered) = Watching::new(WatchRules::default(), Arc::clone(&authority), mpsc::channel(8).0);
        let rehearsal = Rehearsal::new(played, "smash".to_owned(), Watch::default(), Settings::default());
        watching.rehearse(vec![rehearsal]);
        let hears = async |change: Change| hear(&watching, &authority, &Written::new(Actor::Operator, change)).await;
        for change in [
            Change::KeyLifted { key: played, up_to: law::Step::Pin, calm: Some(now) },
            Change::KeyEnabled { key: played },
            Change::KeyForgotten { key: played },
        ] {
            hears(change).await;
        }
        assert_eq!(watching.watch().keys(), 0, "the watch that looks at all others has heard of nothing");
        hears(Change::KeyEnabled { key: real }).await;
        assert_eq!(watching.watch().keys(), 1);
    }
}
