//! The watch beside the way: it looks at each call with a key before the law decides, and at
//! what became of it. What it finds is answered by its ladder; what that does to a key is
//! written down before it holds.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};

use ::watch::{Became, Guess, Ladder, Met, Seen, Settings, Sight, Subject, Surroundings, Told, Watch, Whose};
use arc_swap::ArcSwap;
use authority::{Authority, Failed, Key};
use http::HeaderValue;
use jiff::Timestamp;
use law::{Answer, CallId, Ended, Evidence, Finding, HolderId, HolderKind, KeyId, Powers, Severity, Step};
use tokio::sync::mpsc;
use wire::Secret;

use crate::{
    Ending,
    gate::{
        counts::WatchCounts,
        rehearsing::{Event, Rehearsal, Rehearsals},
        unwritten::Unwritten,
    },
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
    /// What is known of sources.
    pub surroundings: Arc<Surroundings>,
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
    later: mpsc::Sender<Later>,
    unwritten: Unwritten,
    counts: WatchCounts,
    /// Keys the digests of credentials that nobody knows.
    digests: RandomState,
}

/// What is compressed says so many times what its bytes are, as JSON does.
const COMPRESSED: u64 = 10;

/// What was found, and nobody has answered yet.
pub struct Unanswered(mpsc::Receiver<Later>);

/// What was found when a call had ended.
struct Later {
    findings: Vec<Finding>,
    stands: Option<Finding>,
    whose: Whose,
}

impl Watching {
    /// A watch that knows nothing yet. What it finds goes to `told`; what it finds when a call
    /// has ended waits for [`Watching::answer_next`].
    pub fn new(rules: WatchRules, authority: Arc<Authority>, told: mpsc::Sender<Found>) -> (Arc<Self>, Unanswered) {
        let (later, unanswered) = mpsc::channel(WAITING);
        let watching = Self {
            watch: ArcSwap::from_pointee(Self::blank()),
            ladder: Mutex::new(Ladder::new(rules.ladder.clone())),
            rules: ArcSwap::from_pointee(WatchRules::default()),
            authority,
            told,
            rehearsals: Rehearsals::default(),
            later,
            unwritten: Unwritten::default(),
            counts: WatchCounts::default(),
            digests: RandomState::new(),
        };
        watching.obey(rules);
        (Arc::new(watching), Unanswered(unanswered))
    }

    /// A watch that knows nothing, and whose short names nobody can foresee.
    pub fn blank() -> Watch {
        let [_, _, _, _, salt @ ..] = RandomState::new().build_hasher().finish().to_be_bytes();
        Watch::salted(u32::from_be_bytes(salt))
    }

    /// Watches otherwise from the next call on.
    pub fn obey(&self, rules: WatchRules) {
        if self.rules.load().mode == rules.mode {
            self.ladder().obey(rules.ladder.clone());
        } else {
            // What a dry run would have done takes no room of what is done.
            *self.ladder() = Ladder::new(rules.ladder.clone());
        }
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
        self.looks(key_of(told), now, |watch, now| watch.told(told, now));
    }

    /// What it has done.
    pub const fn counts(&self) -> &WatchCounts {
        &self.counts
    }

    /// Containments that cannot be written down, and hold all the same: of so many keys.
    pub fn unwritten(&self) -> usize {
        self.unwritten.keys().len()
    }

    /// Whether it looks at nothing.
    pub fn is_off(&self) -> bool {
        self.rules.load().mode == WatchMode::Off
    }

    /// Notes what is known of where a call comes from.
    pub(crate) fn places(&self, kept: &mut Kept) {
        let Seen { network, expected, .. } = self.rules.load().surroundings.of(kept.seen(None));
        (kept.network, kept.expected) = (network, expected);
    }

    /// Looks at a call before it is decided.
    pub(crate) fn see(&self, seen: &Seen<'_>, now: Timestamp) -> Sight {
        if let Some(rehearsal) = self.rehearsals.of(seen.key) {
            seen.call.into_iter().for_each(|call| rehearsal.note(Event::Call(call)));
        }
        self.sight(seen, now, |watch, now| watch.see(seen, now))
    }

    /// What a watch says, with findings of this moment whatever its clock says.
    fn sight(&self, seen: &Seen<'_>, now: Timestamp, ask: impl FnOnce(&Watch, Timestamp) -> Sight) -> Sight {
        let mut sight = self.looks(seen.key, now, ask);
        if !sight.findings.is_empty() && self.rehearsals.of(seen.key).is_some_and(|it| it.clock(now) != now) {
            sight.findings = sight.findings.into_iter().map(|finding| finding.dated(now)).collect();
        }
        sight
    }

    /// Looks at what became of a call that reached the API.
    pub(crate) fn ended(&self, kept: &Kept, ending: &Ending, now: Timestamp) {
        if !ending.sent || ending.ended == Ended::Answered || self.is_off() {
            return;
        }
        let Ending { status, bytes_out, rows, minted, encoded, .. } = *ending;
        let bytes_out = if encoded { bytes_out.saturating_mul(COMPRESSED) } else { bytes_out };
        let became = Became { status, bytes_out, rows, minted };
        let agent = kept.agent();
        let seen = kept.seen(agent.as_deref());
        let sight = self.sight(&seen, now, |watch, now| watch.ended(&seen, &became, now));
        if !self.is_to_do(&sight, kept, now) {
            return;
        }
        let stands = sight.stands.map(|stands| stands.finding(&seen, now));
        let later = Later { findings: sight.findings, stands, whose: kept.whose() };
        // What stands is found again with the next call.
        if self.later.try_send(later).is_err() {
            self.counts.untold.fetch_add(1, Ordering::Relaxed);
            tracing::error!(key = %kept.key, "more is found than can be told; see `greave watch --replay`");
        }
    }

    /// Answers what is found when calls have ended, until nothing more can be.
    pub async fn answer_next(&self, unanswered: &mut Unanswered) -> Option<()> {
        let Later { findings, stands, whose } = unanswered.0.recv().await?;
        self.do_and_tell(findings, stands, whose, Timestamp::now()).await;
        Some(())
    }

    /// Notes what was shown and nobody knows; what there is to tell of its source.
    pub(crate) fn guessed(
        &self,
        shown: &[Secret],
        (call, source): (CallId, IpAddr),
        now: Timestamp,
    ) -> Option<Finding> {
        let mut digest = self.digests.build_hasher();
        // Why they are exposed: only a keyed digest of 32 bits is kept, which tells different ones apart.
        let mut values: Vec<&[u8]> = shown.iter().map(Secret::expose).collect();
        // The same in two places is one credential.
        values.dedup();
        for secret in values {
            digest.write_usize(secret.len());
            digest.write(secret);
        }
        let [.., a, b, c, d] = digest.finish().to_be_bytes();
        let guess = Guess { call: Some(call), source, credential: Some(u32::from_be_bytes([a, b, c, d])) };
        self.counted(self.watch.load().guessed(&guess, now))
    }

    /// A key works that was not known before this call: what there is to tell of it.
    pub(crate) fn works(&self, key: KeyId, (call, source): (CallId, IpAddr), now: Timestamp) -> Option<Finding> {
        self.counted(self.watch.load().works(key, (Some(call), source), now))
    }

    fn counted(&self, finding: Option<Finding>) -> Option<Finding> {
        finding.inspect(|finding| self.counts.found(finding.severity))
    }

    /// Whether a call must wait for what is done about its key.
    pub(crate) fn is_concerned(&self, sight: &Sight, kept: &Kept, now: Timestamp) -> bool {
        !self.unwritten.is_empty() || self.is_to_do(sight, kept, now)
    }

    /// Whether something is to be told, or to be done.
    fn is_to_do(&self, sight: &Sight, kept: &Kept, now: Timestamp) -> bool {
        if !sight.findings.is_empty() {
            return true;
        }
        let Some(stands) = &sight.stands else { return false };
        let rules = self.rules.load();
        let step = rules.ladder.answer(stands.rule(), stands.severity, kept.kind);
        // What looks like a theft may be answered more strictly by now.
        let is_done = || stands.severity < Severity::High && self.authority.is_held(kept.key, step, now);
        rules.mode == WatchMode::On && step >= Step::StepUp && !is_done()
    }

    /// Answers what was found about a call, and says whether all that holds its key is in force:
    /// where it cannot be written down, what is sensitive or not usual must not pass.
    pub(crate) async fn answer(&self, sight: Sight, kept: &Kept, key: &Key, now: Timestamp) -> bool {
        let agent = kept.agent();
        let stands = sight.stands.map(|stands| stands.finding(&kept.seen(agent.as_deref()), now));
        self.do_and_tell(sight.findings, stands, kept.whose(), now).await;
        let Some(held) = self.unwritten_of(key) else { return true };
        self.unwritten.write(&self.authority, held, now).await
    }

    /// Answers what a person said of a key, or found somewhere.
    ///
    /// # Errors
    /// When it cannot be written down yet: it holds the key all the same, and is tried again.
    pub async fn answer_said(&self, finding: Finding, now: Timestamp) -> Result<(), Failed> {
        let whose = self.whose(finding.key);
        let (met, finding) = self.meet(finding, whose, now);
        self.rehearsed(&finding);
        let written = match finding.key.filter(|_| !met.new.is_empty()) {
            Some(key) => {
                self.unwritten.add(key, met.new);
                let written = self.unwritten.try_write(&self.authority, key, now).await;
                if let (Ok(()), Some(rehearsal)) = (&written, self.rehearsals.of(Some(key))) {
                    rehearsal.note(Event::Held { call: call_of(&finding), step: met.step });
                }
                written
            }
            None => Ok(()),
        };
        self.tell(Found { finding, step: met.step });
        written
    }

    /// Whose key it is: what one person's keys take must leave room for all others', also where
    /// they are held for what somebody said.
    fn whose(&self, key: Option<KeyId>) -> Whose {
        let known = key.and_then(|key| self.authority.view(|state| state.key(key).cloned()));
        let Some(key) = known else { return Whose::default() };
        let (kind, owner) = self.authority.answerer(&key);
        Whose { kind, person: owner.or(key.holder()) }
    }

    /// What could not be written down is tried again.
    pub async fn write_again(&self, now: Timestamp) {
        for key in self.unwritten.keys() {
            self.unwritten.write(&self.authority, key, now).await;
        }
    }

    /// What containments say of a call, those included that cannot be written down.
    pub(crate) fn contained(&self, key: &Key, powers: Powers, unusual: bool, now: Timestamp) -> Answer {
        if (powers.is_sensitive() || unusual) && self.unwritten_of(key).is_some() {
            return Answer::Refuse;
        }
        self.authority.contained(key, powers, unusual, now)
    }

    /// A person said yes with their factor to a call of this key. Where what is asked of the key is
    /// asked because of calls like this one, it is answered.
    pub(crate) async fn vouched(&self, kept: &Kept, now: Timestamp) -> Result<(), Failed> {
        let agent = kept.agent();
        let seen = kept.seen(agent.as_deref());
        if !self.looks(seen.key, now, |watch, now| watch.vouched(&seen, now)) {
            return Ok(());
        }
        self.with_ladder(seen.key, |ladder| ladder.vouched(kept.key));
        self.unwritten.answered(kept.key);
        self.authority.answered(kept.key, now).await
    }

    /// A person is asked because of what holds the key.
    pub(crate) fn asks(&self, key: KeyId, now: Timestamp) {
        if self.rehearsals.of(Some(key)).is_none() {
            self.counts.asked.fetch_add(1, Ordering::Relaxed);
        }
        let held = self.authority.view(|state| state.contained_itself(key, now));
        self.with_ladder(Some(key), |ladder| {
            ladder.hold(key, held);
            ladder.asks(key, now);
        });
    }

    /// A person lifted what held this key. (The watch is told of it by itself.)
    pub fn lifted(&self, key: KeyId) {
        self.with_ladder(Some(key), |ladder| ladder.lift(key));
        match self.rehearsals.of(Some(key)) {
            Some(rehearsal) => rehearsal.note(Event::Lifted),
            None => _ = self.counts.lifted.fetch_add(1, Ordering::Relaxed),
        }
        self.unwritten.lifted(key);
    }

    /// A key is gone.
    pub fn forget(&self, key: KeyId) {
        self.looks(Some(key), Timestamp::UNIX_EPOCH, |watch, _| watch.forget(key));
        self.with_ladder(Some(key), |ladder| ladder.forget(key));
        self.unwritten.lifted(key);
    }

    /// Does what is to be done, and tells of it.
    async fn do_and_tell(&self, findings: Vec<Finding>, stands: Option<Finding>, whose: Whose, now: Timestamp) {
        let (mut step, mut writes) = (Step::Note, None);
        findings.iter().for_each(|finding| self.rehearsed(finding));
        if let Some(stands) = stands {
            let (met, stands) = self.meet(stands, whose, now);
            step = met.step;
            let call = call_of(&stands);
            // What takes something away is told, even where what speaks for it was told before.
            let is_told = findings.is_empty() && met.new.iter().any(|new| new.step.contains());
            if let Some(key) = stands.key.filter(|_| !met.new.is_empty()) {
                self.unwritten.add(key, met.new);
                writes = Some((key, call));
            }
            if is_told {
                self.rehearsed(&stands);
                self.tell(Found { finding: stands, step });
            }
        }
        for finding in findings {
            self.tell(Found { finding: self.dry(finding, step, now), step });
        }
        // Last: a request that breaks off here leaves nothing untold, and what waits is written later.
        if let Some((key, call)) = writes
            && self.unwritten.write(&self.authority, key, now).await
            && let Some(rehearsal) = self.rehearsals.of(Some(key))
        {
            rehearsal.note(Event::Held { call, step });
        }
    }

    /// Notes what was found where it was found in a drill.
    fn rehearsed(&self, finding: &Finding) {
        if let Some(rehearsal) = self.rehearsals.of(finding.key) {
            let (call, rule, severity) = (call_of(finding), finding.rule.clone(), finding.severity);
            rehearsal.note(Event::Found { call, rule, severity });
        }
    }

    fn tell(&self, mut found: Found) {
        // Whoever reads it elsewhere must not take it for real.
        match self.rehearsals.of(found.finding.key) {
            Some(_) => found.finding.rule.insert_str(0, "drill-"),
            None => self.counts.found(found.finding.severity),
        }
        if self.told.try_send(found).is_err() {
            self.counts.untold.fetch_add(1, Ordering::Relaxed);
            tracing::error!("more is found than can be told; see `greave watch`");
        }
    }

    /// What the ladder says, and what of it is to be written down: in a dry run nothing.
    fn meet(&self, finding: Finding, whose: Whose, now: Timestamp) -> (Met, Finding) {
        let is_on = self.rules.load().mode == WatchMode::On;
        // What is in force is the ledger's to say; in a dry run nothing is.
        let held = |key| if is_on { self.authority.view(|state| state.contained_itself(key, now)) } else { Vec::new() };
        let held = finding.key.map(|key| (key, held(key)));
        let Met { step, mut new, capped } = self.with_ladder(finding.key, |ladder| {
            if let Some((key, held)) = held {
                ladder.hold(key, held);
            }
            let met = ladder.meet(&finding, whose, now);
            if let Some(key) = finding.key.filter(|_| !is_on) {
                ladder.hold(key, Vec::new());
            }
            met
        });
        new.retain(|new| is_on && new.step >= Step::StepUp && new.with.is_none());
        if capped && self.rehearsals.of(finding.key).is_none() {
            self.counts.capped.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(rehearsal) = self.rehearsals.of(finding.key) {
            new.iter_mut().for_each(|new| new.reason = format!("DRILL {}: {}", rehearsal.scenario(), new.reason));
        }
        (Met { step, new, capped }, self.dry(finding, step, now))
    }

    /// In a dry run it is said what would have been done.
    fn dry(&self, finding: Finding, step: Step, now: Timestamp) -> Finding {
        if step < Step::StepUp || self.rules.load().mode == WatchMode::On || is_dry(&finding) {
            return finding;
        }
        let what = format!("dry run: nothing was done; the answer would be `{step}`");
        finding.and(Evidence { at: now, call: None, what })
    }

    /// Of the key and those that made it, one that something holds which is not written down.
    fn unwritten_of(&self, key: &Key) -> Option<KeyId> {
        if self.unwritten.is_empty() {
            return None;
        }
        self.authority.view(|state| state.makers(key.id)).into_iter().find(|key| self.unwritten.has(*key))
    }

    /// Lets the drill's keys of a drill be looked at by watches of their own, until the next one.
    pub fn rehearse(&self, rehearsals: Vec<Arc<Rehearsal>>) {
        let rules = self.rules.load();
        for rehearsal in &rehearsals {
            rehearsal.watch.without(rules.off.iter().map(String::as_str));
        }
        self.rehearsals.put(rehearsals);
    }

    /// A drill's key has made another: that one is looked at by the same watch.
    pub(crate) fn mints(&self, key: KeyId, child: KeyId) {
        self.rehearsals.join(key, child);
    }

    /// How it watches.
    pub fn rules(&self) -> Arc<WatchRules> {
        self.rules.load_full()
    }

    /// Asks the watch that looks at this key, by its own clock.
    fn looks<R>(&self, key: Option<KeyId>, now: Timestamp, ask: impl FnOnce(&Watch, Timestamp) -> R) -> R {
        match self.rehearsals.of(key) {
            Some(rehearsal) => ask(&rehearsal.watch, rehearsal.clock(now)),
            None => ask(&self.watch.load(), now),
        }
    }

    /// Does something on the ladder on which this key stands.
    fn with_ladder<R>(&self, key: Option<KeyId>, act: impl FnOnce(&mut Ladder) -> R) -> R {
        match self.rehearsals.of(key) {
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
        | Told::Code { key, .. }
        | Told::Lifted { key, .. }
        | Told::Enabled { key }
        | Told::NotMe { key } => Some(*key),
        Told::Document { .. } | Told::SourceRegistered { .. } => None,
    }
}

impl Found {
    /// Whether it is only written down: what is done about it asks people by itself.
    pub fn is_quiet(&self) -> bool {
        self.finding.severity < Severity::High && !(self.step >= Step::Tell && is_dry(&self.finding))
    }
}

fn is_dry(finding: &Finding) -> bool {
    finding.evidence().any(|evidence| evidence.what.starts_with("dry run: "))
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
    /// What the document says, where that is less.
    pub(crate) described: Option<Powers>,
    pub(crate) subject: Option<Subject>,
    pub(crate) source: IpAddr,
    pub(crate) network: Option<u32>,
    /// Whether calls of this key are expected from there.
    pub(crate) expected: bool,
    /// As it was sent: a copy costs nothing. What looks like a credential is masked.
    pub(crate) agent: Option<HeaderValue>,
    /// Whether it is other than usual for its key.
    pub(crate) unusual: bool,
    /// Whether the key's scope refuses it anyway.
    pub(crate) out_of_scope: bool,
}

impl Kept {
    fn agent(&self) -> Option<std::borrow::Cow<'_, str>> {
        self.agent.as_ref().map(|agent| String::from_utf8_lossy(agent.as_bytes()))
    }

    fn whose(&self) -> Whose {
        Whose { kind: self.kind, person: self.owner.or(self.holder) }
    }

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
            described: None,
            subject: None,
            source,
            network: None,
            expected: false,
            agent: None,
            unusual: false,
            out_of_scope: false,
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
            described: self.described,
            subject: self.subject,
            source: self.source,
            network: self.network,
            expected: self.expected,
            user_agent,
            out_of_scope: self.out_of_scope,
        }
    }
}
