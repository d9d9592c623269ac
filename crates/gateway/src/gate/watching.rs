//! The watch beside the way: it looks at each call with a key before the law decides, and at
//! what became of it. What it finds is answered by its ladder; what that does to a key is
//! written down before it holds.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::watch::{Became, Ladder, Seen, Settings, Sight, Subject, Told, Watch};
use arc_swap::ArcSwap;
use authority::{Authority, Failed, Key};
use http::HeaderValue;
use jiff::Timestamp;
use law::{CallId, Containment, Ended, Evidence, Finding, HolderId, HolderKind, KeyId, Powers, Severity, Step};
use tokio::sync::mpsc;

use crate::{
    Ending,
    gate::rehearsing::{Event, Rehearsal, Rehearsals},
};

/// What is done about what is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatchMode {
    /// Keys are contained.
    On,
    /// It is only told what would be done.
    #[default]
    DryRun,
    /// Nothing is looked at.
    Off,
}

/// How the gate watches.
#[derive(Clone, Debug, Default)]
pub struct WatchRules {
    /// What is done about what is found.
    pub mode: WatchMode,
    /// The ladder.
    pub ladder: Settings,
    /// Detectors that do not look.
    pub off: Vec<String>,
}

/// What the watch has found, and what is done about it.
#[derive(Clone, Debug)]
pub struct Found {
    /// What was found.
    pub finding: Finding,
    /// The strictest that is done about it by itself: in a dry run, that would be.
    pub step: Step,
}

/// So many findings wait to be answered that were made when their calls had ended.
const WAITING: usize = 1024;

/// The watch and its ladder, shared by all workers.
pub struct Watching {
    rules: ArcSwap<WatchRules>,
    watch: ArcSwap<Watch>,
    ladder: Mutex<Ladder>,
    authority: Arc<Authority>,
    told: mpsc::Sender<Found>,
    rehearsals: Rehearsals,
    later: mpsc::Sender<(Finding, HolderKind)>,
}

/// What was found, and nobody has answered yet.
pub struct Unanswered(mpsc::Receiver<(Finding, HolderKind)>);

impl Watching {
    /// A watch that knows nothing yet. What it finds goes to `told`; what it finds when a call
    /// has ended waits for [`Watching::answer_next`].
    pub fn new(rules: WatchRules, authority: Arc<Authority>, told: mpsc::Sender<Found>) -> (Arc<Self>, Unanswered) {
        let (later, unanswered) = mpsc::channel(WAITING);
        let watching = Self {
            watch: ArcSwap::from_pointee(Watch::default()),
            ladder: Mutex::new(Ladder::new(rules.ladder.clone())),
            rules: ArcSwap::from_pointee(WatchRules::default()),
            authority,
            told,
            rehearsals: Rehearsals::default(),
            later,
        };
        watching.obey(rules);
        (Arc::new(watching), Unanswered(unanswered))
    }

    /// Watches otherwise from the next call on.
    pub fn obey(&self, rules: WatchRules) {
        self.ladder().obey(rules.ladder.clone());
        self.watch.load().without(rules.off.iter().map(String::as_str));
        self.rules.store(Arc::new(rules));
    }

    /// What is remembered.
    pub fn watch(&self) -> Arc<Watch> {
        self.watch.load_full()
    }

    /// Remembers this instead.
    pub fn remember(&self, watch: Watch) {
        watch.without(self.rules.load().off.iter().map(String::as_str));
        self.watch.store(Arc::new(watch));
    }

    /// Takes in what the authority knows.
    pub fn told(&self, told: &Told<'_>, now: Timestamp) {
        if let Some(rehearsal) = self.rehearsals.of(key_of(told)) {
            return rehearsal.watch.told(told, now);
        }
        self.watch.load().told(told, now);
    }

    /// Whether it looks at nothing.
    pub fn is_off(&self) -> bool {
        self.rules.load().mode == WatchMode::Off
    }

    /// Looks at a call before it is decided.
    pub(crate) fn see(&self, seen: &Seen<'_>, now: Timestamp) -> Sight {
        if let Some(rehearsal) = self.rehearsals.of(seen.key) {
            seen.call.into_iter().for_each(|call| rehearsal.note(Event::Call(call)));
            return rehearsal.watch.see(seen, now);
        }
        self.watch.load().see(seen, now)
    }

    /// Looks at what became of a call that reached the API.
    pub(crate) fn ended(&self, kept: &Kept, ending: &Ending, now: Timestamp) {
        if !ending.sent || ending.ended == Ended::Answered || self.is_off() {
            return;
        }
        let Ending { status, bytes_out, rows, minted, .. } = *ending;
        let became = Became { status, bytes_out, rows, minted };
        let agent = kept.agent.as_ref().map(|agent| String::from_utf8_lossy(agent.as_bytes()));
        let seen = kept.seen(agent.as_deref());
        let found = match self.rehearsals.of(seen.key) {
            Some(rehearsal) => rehearsal.watch.ended(&seen, &became, now),
            None => self.watch.load().ended(&seen, &became, now),
        };
        for finding in found {
            if self.later.try_send((finding, kept.kind)).is_err() {
                tracing::error!(key = %kept.key, "more is found than can be answered; see `greave watch --replay`");
            }
        }
    }

    /// Answers what is found when calls have ended, until nothing more can be.
    pub async fn answer_next(&self, unanswered: &mut Unanswered) -> Option<()> {
        let (finding, kind) = unanswered.0.recv().await?;
        if let Err(error) = self.answer(vec![finding], kind, Timestamp::now()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "a containment cannot be written down");
        }
        Some(())
    }

    /// Answers what was found: what is done about it is in force when this returns.
    ///
    /// # Errors
    /// When it cannot be written down; then nothing of it is in force.
    pub async fn answer(&self, findings: Vec<Finding>, kind: HolderKind, now: Timestamp) -> Result<(), Failed> {
        for finding in findings {
            let (mut found, containments) = self.meet(finding, kind, now);
            let rehearsal = self.rehearsals.of(found.finding.key);
            if !containments.is_empty() {
                let new = self.authority.contain(&containments, now).await?;
                if let Some(rehearsal) = rehearsal.as_ref().filter(|_| new > 0) {
                    rehearsal.note(Event::Held { call: call_of(&found.finding), step: found.step });
                }
            }
            // Whoever reads it elsewhere must not take it for real.
            if rehearsal.is_some() {
                found.finding.rule.insert_str(0, "drill-");
            }
            if self.told.try_send(found).is_err() {
                tracing::error!("more is found than can be told; see `greave watch`");
            }
        }
        Ok(())
    }

    /// A person said yes with their factor to a call of this key from there: what a step-up asks
    /// of it is answered.
    pub(crate) async fn vouched(&self, kept: &Kept, now: Timestamp) -> Result<(), Failed> {
        let agent = kept.agent.as_ref().map(|agent| String::from_utf8_lossy(agent.as_bytes()));
        let (key, source, network) = (kept.key, kept.source, kept.network);
        self.told(&Told::Vouched { key, source, network, user_agent: agent.as_deref() }, now);
        self.with_ladder(key, |ladder| ladder.vouched(key));
        self.authority.answered(key, now).await
    }

    /// A person is asked because of what holds the key.
    pub(crate) fn asks(&self, key: KeyId, now: Timestamp) {
        self.with_ladder(key, |ladder| ladder.asks(key, now));
    }

    /// A person lifted what held this key.
    pub fn lifted(&self, key: KeyId, now: Timestamp) {
        self.with_ladder(key, |ladder| ladder.lift(key));
        self.rehearsals.of(Some(key)).into_iter().for_each(|rehearsal| rehearsal.note(Event::Lifted));
        self.told(&Told::Lifted { key }, now);
    }

    /// What the ladder says, and what is to be written down of it.
    fn meet(&self, finding: Finding, kind: HolderKind, now: Timestamp) -> (Found, Vec<Containment>) {
        let mode = self.rules.load().mode;
        let rehearsal = self.rehearsals.of(finding.key);
        let mut ladder = match &rehearsal {
            Some(rehearsal) => {
                let (call, rule, severity) = (call_of(&finding), finding.rule.clone(), finding.severity);
                rehearsal.note(Event::Found { call, rule, severity });
                rehearsal.ladder()
            }
            None => self.ladder(),
        };
        if let (Some(key), WatchMode::On) = (finding.key, mode) {
            // What is in force is the ledger's to say.
            let held = self.authority.view(|state| state.containments(key, now));
            ladder.hold(key, held.into_iter().filter(|containment| containment.with.is_none()).collect());
        }
        let mut met = ladder.meet(&finding, kind, now);
        if let Some(rehearsal) = &rehearsal {
            met.iter_mut().for_each(|held| held.reason = format!("DRILL {}: {}", rehearsal.scenario(), held.reason));
        }
        let step = met.iter().map(|containment| containment.step).max().unwrap_or(Step::Note);
        if mode == WatchMode::On {
            return (Found { finding, step }, met);
        }
        if step >= Step::StepUp {
            let what = format!("dry run: nothing was done; the answer would be `{step}`");
            let finding = finding.and(Evidence { at: now, call: None, what });
            return (Found { finding, step }, Vec::new());
        }
        (Found { finding, step }, Vec::new())
    }

    /// Lets the drill's keys of a drill be looked at by watches of their own, until the next one.
    pub fn rehearse(&self, rehearsals: Vec<Arc<Rehearsal>>) {
        let rules = self.rules.load();
        for rehearsal in &rehearsals {
            rehearsal.watch.without(rules.off.iter().map(String::as_str));
        }
        self.rehearsals.put(rehearsals);
    }

    /// How it watches.
    pub fn rules(&self) -> Arc<WatchRules> {
        self.rules.load_full()
    }

    /// Does something on the ladder on which this key stands.
    fn with_ladder(&self, key: KeyId, act: impl FnOnce(&mut Ladder)) {
        match self.rehearsals.of(Some(key)) {
            Some(rehearsal) => act(&mut rehearsal.ladder()),
            None => act(&mut self.ladder()),
        }
    }

    fn ladder(&self) -> MutexGuard<'_, Ladder> {
        self.ladder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The call that showed it.
fn call_of(finding: &Finding) -> Option<CallId> {
    finding.evidence().find_map(|evidence| evidence.call)
}

/// The key of which something is told.
const fn key_of(told: &Told<'_>) -> Option<KeyId> {
    match told {
        Told::Rotation { key, .. }
        | Told::Canary { key }
        | Told::Leaked { key }
        | Told::Vouched { key, .. }
        | Told::Code { key, .. }
        | Told::Lifted { key }
        | Told::NotMe { key } => Some(*key),
        Told::Document { .. } | Told::SourceRegistered { .. } => None,
    }
}

impl Found {
    /// Whether it is only written down: what is done about it asks people by itself.
    pub fn is_quiet(&self) -> bool {
        self.finding.severity < Severity::High && !(self.step >= Step::Tell && self.is_dry())
    }

    fn is_dry(&self) -> bool {
        self.finding.evidence().any(|evidence| evidence.what.starts_with("dry run: "))
    }
}

/// What is kept of a call until it has ended.
pub(crate) struct Kept {
    pub(crate) call: CallId,
    pub(crate) key: KeyId,
    pub(crate) holder: Option<HolderId>,
    pub(crate) kind: HolderKind,
    pub(crate) owner: Option<HolderId>,
    pub(crate) operation: Arc<str>,
    pub(crate) powers: Powers,
    pub(crate) subject: Option<Subject>,
    pub(crate) source: IpAddr,
    pub(crate) network: Option<u32>,
    /// As it was sent: a copy costs nothing. What looks like a credential is masked.
    pub(crate) agent: Option<HeaderValue>,
    /// Whether it is other than usual for its key.
    pub(crate) unusual: bool,
}

impl Kept {
    /// Of a call with this key.
    pub(crate) fn new(
        (call, source): (CallId, IpAddr),
        key: &Key,
        (kind, owner): (HolderKind, Option<HolderId>),
        operation: Arc<str>,
    ) -> Self {
        Self {
            call,
            key: key.id,
            holder: key.holder(),
            kind,
            owner,
            operation,
            powers: Powers::EVERY,
            subject: None,
            source,
            network: None,
            agent: None,
            unusual: false,
        }
    }

    pub(crate) fn seen<'a>(&'a self, user_agent: Option<&'a str>) -> Seen<'a> {
        Seen {
            call: Some(self.call),
            key: Some(self.key),
            holder: self.holder,
            kind: self.kind,
            owner: self.owner,
            operation: &self.operation,
            powers: self.powers,
            subject: self.subject,
            source: self.source,
            network: self.network,
            user_agent,
        }
    }
}
