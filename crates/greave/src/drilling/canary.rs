//! The drill of a canary: laid out where a scanner looks, found there, used by a thief, answered.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use authority::{Card, Declined, Moment, NotDone, Rehearse, Warrant};
use console::{
    NotBegun,
    api::{BeforeView, DrillView, LaidOut, PlayedView},
};
use drill::{Answer, Home, Scenario};
use gateway::Dry;
use jiff::Timestamp;
use law::KeyId;
use wire::{IssuedForm, Secret};

use super::{BEAT, HEARING, MADE_UP_SOURCE, PATIENCE, Player, card::Called, card::score, form, mode, request};

/// So long it is waited for a scanner.
const SEARCH: Duration = Duration::from_mins(5);

/// What a thief does with what he found.
const SCENARIO: &str = r#"
name = "canary"
story = "A canary lies in a file. A scanner finds it there; so does a thief, who tries it."
contain_by = 1
[[step]]
name = "try it"
call = { reads = "new" }
program = "curl/8.5"
"#;

impl Player {
    /// Makes a canary, and waits in the background until it is found.
    pub(super) async fn lay_out(
        self: Arc<Self>,
        wanted: Option<IssuedForm>,
        warrant: Warrant,
    ) -> Result<LaidOut, NotBegun> {
        let (Warrant::Claimed(holder) | Warrant::SignedIn(holder) | Warrant::Fresh(holder, _)) = warrant else {
            return Err(NotBegun::NotDone(NotDone::Declined(Declined::CodeNeeded)));
        };
        let scenario = Scenario::read(SCENARIO).map_err(|error| NotBegun::Unfit(error.to_string()))?;
        let form = wanted.map_or_else(form, Ok)?;
        let rehearse =
            Rehearse { scenario: scenario.name.clone(), holder, like: None, canary: true, reads_pass: false };
        let begun = self.authority.begin_drills(&form, vec![rehearse], warrant, Timestamp::now()).await?;
        let Some((key, secret)) = begun.into_iter().next() else {
            return Err(NotBegun::NotDone(NotDone::Declined(Declined::TooManyDrills)));
        };
        let (holder, before) = self.authority.view(|state| {
            let before = state.last_drill(&scenario.name);
            let before = before.map(|last| BeforeView { at: last.at, card: last.card.clone() });
            (state.holder(holder).map(|holder| holder.name.clone()).unwrap_or_default(), before)
        });
        let (name, story) = (scenario.name.clone(), scenario.story.clone());
        let played = PlayedView { key, scenario: name, story, holder, card: None, before };
        let drill = DrillView { goes_on: true, played: vec![played], not_played: Vec::new() };
        self.watching.rehearse(Vec::new());
        self.overheard.clear();
        *self.view() = drill.clone();
        // Why it is exposed: this is the one time that it is shown. It works nowhere.
        let text = String::from_utf8_lossy(secret.expose()).into_owned();
        tokio::spawn(Arc::clone(&self).play_canary(scenario, key, secret));
        Ok(LaidOut { key, secret: text.into(), drill })
    }

    /// A scanner has asked about this canary.
    pub(super) fn found(&self, canary: KeyId) {
        if !self.authority.view(|state| state.is_drill(canary)) {
            return;
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.is_none_or(|(key, _)| key != canary) {
            *found = Some((canary, Instant::now()));
        }
    }

    async fn play_canary(self: Arc<Self>, scenario: Scenario, key: KeyId, secret: Secret) {
        let laid_out = Instant::now();
        let found = || self.found.lock().unwrap_or_else(PoisonError::into_inner).filter(|(canary, _)| *canary == key);
        while found().is_none() && laid_out.elapsed() < SEARCH {
            tokio::time::sleep(BEAT).await;
        }
        let card = self.use_canary(&scenario, key, &secret).await;
        let found = found().map(|(_, at)| at.saturating_duration_since(laid_out).as_millis());
        let card = Card {
            in_time: card.in_time && found.is_some(),
            found: found.and_then(|ms| u64::try_from(ms).ok()),
            ..card
        };
        self.over(key, card).await;
    }

    /// A thief tries it, and it is heard who is told.
    async fn use_canary(&self, scenario: &Scenario, key: KeyId, secret: &Secret) -> Card {
        let hearing = tokio::spawn(Arc::clone(&self.overheard).sweep(BEAT));
        let plan = {
            let home = Home { source: MADE_UP_SOURCE, program: String::new(), usual: &|_| false };
            drill::plan(scenario, &self.catalogue.load(), &home)
        };
        let (mut called, mut broken_off) = (Vec::new(), None);
        for call in &plan.calls {
            let Answer { status, rows, kilobytes } = call.answer;
            let dry = Dry { status, rows, bytes: kilobytes.saturating_mul(1024), minted: None, reads_pass: false };
            let began = Instant::now();
            let playing = async {
                let request = request(call, secret)?;
                gateway::play(&self.worker, key, (call.source, dry), request).await.map_err(|error| error.to_string())
            };
            match tokio::time::timeout(PATIENCE, playing).await {
                Ok(Ok(replied)) => {
                    let (step, honest, powers) = (call.step, call.honest, call.powers);
                    called.push(Called { began, step, honest, powers, rows, replied });
                }
                Ok(Err(why)) => broken_off = Some(why),
                Err(_) => broken_off = Some("a call was not answered in time".to_owned()),
            }
        }
        let end = Instant::now() + HEARING;
        tokio::time::sleep(BEAT * 10).await;
        while Instant::now() < end && !self.overheard.all_taken(&[key]) {
            tokio::time::sleep(BEAT).await;
        }
        hearing.abort();
        let detected = called.first().zip(self.overheard.first_found(key)).map(|(first, (at, what))| {
            let after = at.saturating_duration_since(first.began).as_micros();
            let after = u64::try_from(after).unwrap_or(u64::MAX);
            Moment { call: 1, ms: after / 1000, after, what }
        });
        let card = score(scenario, &plan, &called, &[], &self.overheard.of(&[key]));
        let in_time = card.passed == 0 && detected.is_some();
        Card { watch: mode(&self.watching).to_owned(), in_time, detected, broken_off, ..card }
    }
}
