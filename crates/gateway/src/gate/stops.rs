//! The way of one request through the gate.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock, atomic::AtomicBool},
};

use ::watch::{Sight, Subject};
use arc_swap::ArcSwap;
use authority::{Authority, Credential, Key, KnownBy, SecretDigest, Sighting, Spent, Ticket};
use bytes::Bytes;
use catalogue::Answered;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT_ENCODING, IF_RANGE, RANGE, RETRY_AFTER, USER_AGENT, WWW_AUTHENTICATE},
};
use hyper::body::Incoming;
use jiff::Timestamp;
use law::{
    Attempt, Call, CallId, Caller, Challenge, Decision, Ended, Factors, Finding, Held, HolderKind, KeyFacts, KeyId,
    Permit, Power, Powers, Refusal, Severity, Span, Verdict, Who, decide, neighbourhood,
};
use record::Book;
use tokio::sync::{OnceCell, mpsc, watch};
use uuid::Uuid;
use wire::{Pseudonym, Target, client_address, looks_like_credential};

use crate::{
    Answer, Cut, Kept, Look, Made, Onward, Outbound, Pending, Problem, Register, Spool, Tally, Toll, Upstream, Visitor,
    forward,
    gate::{
        attempt::{Understood, may_be_overridden, understand, undescribed},
        counts::Counts,
        findings::Findings,
        guessing, issued,
        learning::{Lesson, accepts, ask_first, carriers, learn_first, parameter},
        presented::{Presented, Shown, present},
        realm::{Realm, UnknownKeys},
        rehearsing::{self, Played},
        span::{Strand, Traced, drop_unreadable},
        throttle::Throttle,
        tokens::{Bearer, Meaning},
        waiting::{End, Waiting},
        watching::{Kept as Watched, Watching},
        writing::Writing,
    },
    lens,
    toll::{Line, Meters},
};

const GREAVE_DRILL: HeaderName = HeaderName::from_static("greave-drill");
const GREAVE_KEY: HeaderName = HeaderName::from_static("greave-key");
const GREAVE_HOLDER: HeaderName = HeaderName::from_static("greave-holder");
const GREAVE_APPROVAL: HeaderName = HeaderName::from_static("greave-approval");

/// How often a client may ask whether its question is answered, in seconds.
const INTERVAL: u32 = 5;

/// The longest `User-Agent`, name or value that is written down, in bytes.
const LONGEST_WORD: usize = 256;

/// What stands in the place of a word that is a credential.
const MASKED: &str = "[masked]";

/// Query parameters whose names are written down.
const MOST_PARAMETERS: usize = 64;

/// How many keys are remembered as asked about.
const ASKED: usize = 1_000_000;

/// What a gate is made of.
pub struct GateParts {
    /// What it obeys.
    pub realm: Realm,
    /// Who has keys, and who said yes.
    pub authority: Arc<Authority>,
    /// Where calls are written down.
    pub book: Arc<Book>,
    /// Room for bodies that are held.
    pub spool: Spool,
    /// Where findings go.
    pub findings: mpsc::Sender<Finding>,
    /// Where requests go that are traced and over.
    pub traces: mpsc::Sender<Traced>,
    /// What looks at calls.
    pub watching: Arc<Watching>,
    /// Set when the gate's grace is over: what is in flight is cut.
    pub cut: Arc<AtomicBool>,
}

/// The gate: shared by all its workers.
pub struct Gate {
    pub(crate) realm: ArcSwap<Realm>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) book: Arc<Book>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) watching: Arc<Watching>,
    spool: Spool,
    pub(crate) throttle: Throttle,
    meters: Arc<Meters>,
    pub(crate) findings: Findings,
    traces: mpsc::Sender<Traced>,
    cut: Arc<AtomicBool>,
    stop: watch::Sender<bool>,
    pseudonym: Pseudonym,
    /// Keys of which the upstream was asked whose they are, and whether it gave an answer.
    asked: papaya::HashMap<KeyId, Arc<OnceCell<bool>>>,
}

impl Gate {
    /// A gate of these parts.
    pub fn new(parts: GateParts) -> Self {
        let GateParts { realm, authority, book, spool, findings, traces, watching, cut } = parts;
        Self {
            realm: ArcSwap::from_pointee(realm),
            authority,
            book,
            counts: Arc::default(),
            watching,
            spool,
            throttle: Throttle::default(),
            meters: Arc::default(),
            findings: Findings::new(findings),
            traces,
            cut,
            stop: watch::Sender::new(false),
            pseudonym: Pseudonym::new(Uuid::new_v4().as_u64_pair().1),
            asked: papaya::HashMap::new(),
        }
    }

    /// Obeys something else from the next request on.
    pub fn obey(&self, realm: Realm) {
        self.realm.store(Arc::new(realm));
        // Whose a key is may now be asked in another way.
        self.asked.pin().clear();
    }

    /// Answers the requests that wait for people: their questions stay open.
    pub fn stop_waiting(&self) {
        self.stop.send_replace(true);
    }

    /// What the gate has done.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(crate) async fn stopping(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives as long as the gate, and the gate as long as this future.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    /// Whether the upstream gave an answer, where it was asked whose this key is.
    pub(crate) fn was_asked(&self, key: KeyId) -> Option<bool> {
        self.asked.pin().get(&key)?.get().copied()
    }

    /// What was asked in vain may be asked once more.
    pub(crate) fn ask_again_if_silent(&self, key: KeyId) {
        if self.was_asked(key) == Some(false) {
            self.asked.pin().remove(&key);
        }
    }

    /// Asks once whose this key is.
    pub(crate) fn asking(&self, key: KeyId) -> Arc<OnceCell<bool>> {
        let asked = self.asked.pin();
        if asked.len() > ASKED {
            asked.clear();
        }
        Arc::clone(asked.get_or_insert_with(key, Arc::default))
    }
}

/// A gate as one thread serves it.
pub struct Worker {
    pub(crate) gate: Arc<Gate>,
    pub(crate) upstream: Upstream,
}

impl Worker {
    /// A worker with its own connections to the upstream.
    pub const fn new(gate: Arc<Gate>, upstream: Upstream) -> Self {
        Self { gate, upstream }
    }

    /// Answers one request.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>, visitor: Visitor) -> Response<Answer> {
        let realm = self.gate.realm.load_full();
        let at = Timestamp::now();
        let source = client_address(visitor.address.ip(), request.headers(), &realm.settings.forwarding.trusted);
        let id = CallId(Uuid::now_v7());
        let traced = |sampling| Strand::begin(sampling, request.headers(), id, at, &self.gate.traces);
        let span = realm.settings.traces.and_then(traced);
        let passage = Passage { worker: &self, realm: &realm, id, at, source, span };
        match passage.through(request, visitor).await {
            Ok(answer) => answer,
            Err(problem) if realm.settings.problems_as_json => problem.answer_as_json(),
            Err(problem) => problem.answer(),
        }
    }
}

/// One request on its way through the gate.
struct Passage<'a> {
    worker: &'a Arc<Worker>,
    realm: &'a Realm,
    id: CallId,
    at: Timestamp,
    source: IpAddr,
    /// Where it is traced.
    span: Option<Arc<Strand>>,
}

/// A refusal on its way to the client.
type Refused = Problem;

impl Passage<'_> {
    /// Whether this is what the request shows as its credential, or any key that is known.
    fn is_credential(&self, text: &str, presented: &Presented) -> bool {
        let shown = match presented {
            Presented::Key(_, shown) | Presented::Unknown(shown) => shown.secrets.as_slice(),
            Presented::Session | Presented::Nobody => &[],
        };
        // Why they are exposed: to be recognised in what is written down, and left out of it.
        shown.iter().any(|secret| secret.expose() == text.as_bytes())
            || self.worker.gate.authority.recognise(&SecretDigest::of(text.as_bytes())).is_some()
    }

    async fn through(&self, request: Request<Incoming>, visitor: Visitor) -> Result<Response<Answer>, Refused> {
        let gate = &self.worker.gate;
        let writing = Writing::new(gate, self.span.clone());
        let method = request.method().clone();
        if gate.pseudonym.comes_back(request.headers()) {
            return Err(self.unreadable(&writing, method.as_str(), Refusal::ComesBack));
        }
        let (mut outbound, target) = match self.read(request) {
            Ok(read) => read,
            Err(refusal) => return Err(self.unreadable(&writing, method.as_str(), refusal)),
        };

        let is_open = self.realm.settings.open.contains(target.path());
        let headers = &mut outbound.parts.headers;
        let source = neighbourhood(self.source);
        let from = Bearer { throttle: &gate.throttle, authority: &gate.authority, source };
        let (mut presented, stranger) = match present(from, self.realm, headers, &target, is_open, self.at) {
            Ok(presented) => presented,
            Err(refusal) => return Err(self.unreadable(&writing, method.as_str(), refusal)),
        };
        let canary = stranger.as_ref().and_then(|stranger| stranger.canary);
        if !is_at_its_door(&presented, canary, visitor.played.as_ref()) {
            return Err(self.unreadable(&writing, method.as_str(), Refusal::UnknownKey));
        }
        let tally = self.tally(&presented, &writing);
        let mut draft = self.draft(&presented, outbound.parts.headers.get(USER_AGENT));
        if visitor.played.is_some() {
            (draft.who, draft.key) = (Who::Drill, draft.key.or(canary));
        }
        writing.draft(draft);
        if stranger.is_some() {
            let agent = outbound.parts.headers.get(USER_AGENT);
            self.watch(canary, &presented, &undescribed(&self.realm.catalogue, method.as_str(), &target), agent);
        }
        let is_credential = |text: &str| self.is_credential(text, &presented);
        let not_understood = || {
            let mut undescribed = undescribed(&self.realm.catalogue, method.as_str(), &target);
            undescribed.hide(is_credential);
            writing.amend(|call| describe(call, &mut undescribed));
        };
        let admitted = match (&visitor.played, &presented) {
            // The canary of a drill is no guess of anybody's.
            (Some(_), Presented::Unknown(_)) => Err(Refusal::UnknownKey),
            _ => self.admit(&presented, is_open, canary.is_some()),
        };
        if let Err(refusal) = admitted {
            not_understood();
            return Err(self.refuse(&writing, &tally, refusal));
        }
        // While a body is awaited the client may go away: then no more than this is known.
        if outbound.has_body() {
            not_understood();
        }

        let is_nobody = matches!(presented, Presented::Nobody);
        let mut understood = match understand(self.realm, &mut outbound, &target, is_nobody, &gate.spool).await {
            Ok(understood) => understood,
            Err(refusal) => {
                not_understood();
                return Err(self.refuse(&writing, &tally, refusal));
            }
        };
        // The body may have been long in coming: the key is judged as it stands now.
        presented.renew();
        let is_credential = |text: &str| self.is_credential(text, &presented);
        tally.cut().reaches_for(|| understood.reach(self.source));
        // A prefix opens what the document does not describe, never one of its operations.
        let open = understood.open || understood.id.is_none() && is_open;
        let line = self.within(&presented, &understood, &outbound);
        let mut sight = Sight::default();
        writing.amend(|call| {
            call.query = query(&target, &understood, &presented);
            understood.hide(is_credential);
            sight = self.see(call, &presented, &understood, &outbound, (&writing, line.is_err()));
            describe(call, &mut understood);
        });
        self.notice(&presented);
        let unusual = writing.watched().is_some_and(|watched| watched.unusual);
        if understood.powers.is_sensitive() || unusual {
            tally.cut().be_wary();
        }
        if let (Some(watched), Presented::Key(key, _)) = (writing.watched(), &presented)
            && gate.watching.is_concerned(&sight, watched, self.at)
            && !Box::pin(gate.watching.answer(sight, watched, key, Timestamp::now())).await
            && (understood.powers.is_sensitive() || unusual)
        {
            return Err(self.refuse(&writing, &tally, Refusal::RecordUnavailable));
        }
        let line = match line {
            Ok(line) => line,
            Err(kept) => return Err(self.keep(&writing, &tally, &kept)),
        };
        if issued::is_for_some_operations(&presented) {
            match may_be_overridden(&mut outbound, &gate.spool).await {
                Ok(false) => {}
                Ok(true) => return Err(self.refuse(&writing, &tally, Refusal::OutOfScope)),
                Err(refusal) => return Err(self.refuse(&writing, &tally, refusal)),
            }
        }

        let request = Judged { presented: &presented, understood: &understood, target: &target, open, unusual };
        let (permit, spent) = self.decide(&request, &mut outbound, &writing, &tally).await?;
        let toll = match self.count(line, understood.powers, &outbound.parts.method) {
            Ok(toll) => toll,
            Err(kept) => return Err(self.keep(&writing, &tally, &kept)),
        };
        if let Err(refusal) = self.take_over(&presented).await {
            return Err(self.refuse(&writing, &tally, refusal));
        }
        if let Some(refusal) = tally.cut().above_ceiling() {
            return Err(self.refuse(&writing, &tally, refusal));
        }
        if visitor.played.as_ref().is_some_and(|played| played.reads(&understood, &outbound)) {
            writing.amend(|call| call.who = Who::DrillRead);
        }
        // What anybody may call is neither secret nor a power: that is written beside the call.
        let durable = understood.powers.is_sensitive() && !is_nobody;
        if let Err(refusal) = writing.write(verdict(&permit), durable).await {
            return Err(self.end(&tally, Problem::new(refusal, self.id)));
        }
        if let Some(refusal) = tally.cut().above_ceiling() {
            return Err(self.end(&tally, Problem::new(refusal, self.id)));
        }
        self.forward((permit, spent, toll), outbound, &request, &visitor, &tally).await
    }

    /// Reads what hyper has parsed, more strictly than hyper does.
    fn read(&self, request: Request<Incoming>) -> Result<(Outbound, Target), Refusal> {
        wire::head::check(request.method(), request.version(), request.headers(), request.uri())?;
        let outbound = Outbound::read(request, self.realm.settings.pace)?;
        let target = Target::read(outbound.target(), &self.realm.settings.rules)?;
        Ok((outbound, target))
    }

    /// Unknown keys are refused, or slowed down.
    fn admit(&self, presented: &Presented, is_open: bool, is_canary: bool) -> Result<(), Refusal> {
        let Presented::Unknown(shown) = presented else { return Ok(()) };
        let (gate, from) = (&self.worker.gate, (self.id, self.source));
        if !gate.throttle.admits(neighbourhood(self.source), self.at) {
            guessing::unlooked(gate, shown, from, self.at);
            return Err(Refusal::TooManyGuesses);
        }
        if let Some(bad) = &shown.bad {
            if bad.is_guess() {
                guessing::missed(gate, shown, from, self.at);
            }
            // One that was good until lately is nothing to look into.
            if !bad.is_expired() && !bad.is_unlooked() {
                gate.findings.of_token(bad, self.source, self.at);
            }
            return Err(bad.refusal());
        }
        let is_refused = self.realm.settings.unknown_keys == UnknownKeys::Refuse && !is_open;
        if is_refused || is_canary || issued::is_feigned(self.realm, shown) {
            guessing::missed(gate, shown, from, self.at);
            return Err(Refusal::UnknownKey);
        }
        Ok(())
    }

    /// Whether a key is used for what it was issued for or narrowed to; the keys whose limits count.
    fn within(&self, presented: &Presented, understood: &Understood, outbound: &Outbound) -> Result<Line, Kept> {
        let Presented::Key(key, shown) = presented else { return Ok(Line::new()) };
        if key.issued().is_none() && key.ceilings().is_empty() {
            return Ok(Line::new());
        }
        let gate = &self.worker.gate;
        let over = (&*gate.authority, &*gate.meters, self.realm);
        issued::within(over, (key, shown), understood, outbound, self.source, self.at)
    }

    /// Counts a call that passes against the limits of its issued keys; what takes its answer
    /// from them, where that counts.
    fn count(&self, line: Line, powers: Powers, method: &Method) -> Result<Option<Toll>, Kept> {
        if line.is_empty() {
            return Ok(None);
        }
        let meters = &self.worker.gate.meters;
        meters.take(&line, powers, Timestamp::now()).map_err(Kept::Exhausted)?;
        Ok(Toll::new(meters, line, powers, method))
    }

    /// The first call of a successor that passes retires the key before it: written down before
    /// the call goes on.
    async fn take_over(&self, presented: &Presented) -> Result<(), Refusal> {
        let successor = issued::issued(presented).filter(|(key, _)| key.awaits_first_use());
        let Some((key, _)) = successor else { return Ok(()) };
        self.worker.gate.authority.take_over(key.id, Timestamp::now()).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a key cannot take over");
            Refusal::RecordUnavailable
        })
    }

    /// Lets the watch look at a call, where a key that works is shown.
    fn see(
        &self,
        call: &Call,
        presented: &Presented,
        understood: &Understood,
        outbound: &Outbound,
        (writing, out_of_scope): (&Writing, bool),
    ) -> Sight {
        let (gate, Presented::Key(key, _)) = (&self.worker.gate, presented) else { return Sight::default() };
        if !key.standing.works() || key.end().is_some_and(|end| end <= self.at) || gate.watching.is_off() {
            return Sight::default();
        }
        let of = gate.authority.answerer(key);
        let mut kept = Watched::new((self.id, self.source), key, of, Arc::clone(&understood.name));
        kept.powers = understood.powers;
        kept.described = Some(understood.described);
        kept.out_of_scope = out_of_scope;
        kept.subject = Subject::of(understood.parameters.iter().map(|(_, value)| value.as_str()));
        let agent = outbound.parts.headers.get(USER_AGENT);
        let is_masked = call.user_agent.as_deref() == Some(MASKED);
        kept.agent = if is_masked { Some(HeaderValue::from_static(MASKED)) } else { agent.cloned() };
        gate.watching.places(&mut kept);
        let sight = gate.watching.see(&kept.seen(call.user_agent.as_deref()), self.at);
        kept.unusual = sight.unusual;
        writing.watch(kept);
        sight
    }

    fn keep(&self, writing: &Writing, tally: &Tally, kept: &Kept) -> Refused {
        writing.refuse(Verdict::Refuse(kept.refusal()));
        self.end(tally, kept.problem(self.id))
    }

    /// Tells of a canary. What can be told is put together for every unknown key, so that how
    /// long it takes does not say which of them is one.
    fn watch(
        &self,
        canary: Option<KeyId>,
        presented: &Presented,
        understood: &Understood,
        agent: Option<&HeaderValue>,
    ) {
        let agent = agent.map(|agent| without_secrets(&String::from_utf8_lossy(agent.as_bytes()), presented));
        let path = understood.parameters.first().map_or("*", |(_, path)| path.as_str());
        let method = understood.name.split(' ').next().unwrap_or_default();
        let what = format!(
            "it was sent from {}: {method} {path}, {}",
            self.source,
            agent.as_deref().unwrap_or("no user agent")
        );
        self.worker.gate.findings.of_canary(canary, self.source, what, self.at);
    }

    fn notice(&self, presented: &Presented) {
        let (key, shown) = match presented {
            Presented::Key(key, _) if key.is_drill() => return,
            Presented::Key(key, shown) => (Some(key.id), shown),
            Presented::Unknown(shown) => (None, shown),
            Presented::Session | Presented::Nobody => return,
        };
        self.worker.gate.findings.of_place(key, shown, self.at);
    }

    /// The third stop, and waiting where it says so. The record has taken whatever does not pass.
    async fn decide(
        &self,
        request: &Judged<'_>,
        outbound: &mut Outbound,
        writing: &Writing,
        tally: &Tally,
    ) -> Result<(Permit, Option<Spent>), Refused> {
        let gate = &self.worker.gate;
        let source = neighbourhood(self.source);
        let (caller, key) = match request.presented {
            Presented::Key(key, shown) => (Caller::Key(gate.authority.facts(key)), Some((key, shown))),
            Presented::Unknown(_) => (Caller::Unknown, None),
            Presented::Session => (Caller::Session, None),
            Presented::Nobody => (Caller::Nobody, None),
        };
        let held = match key {
            Some((key, shown)) if request.understood.powers.is_sensitive() => {
                let held = gate.authority.held(key.id, source, self.at);
                // A program that has a person's token has no person.
                match (&shown.token, caller) {
                    (Some(token), Caller::Key(facts)) if facts.kind == HolderKind::Person => {
                        held.with_person_since(token.person(self.at))
                    }
                    _ => held,
                }
            }
            _ => Held::default(),
        };
        let law = gate.authority.law();
        let powers = request.understood.powers;
        let contained = key.map_or(law::Answer::Pass, |(key, _)| {
            gate.watching.contained(key, powers, request.unusual, Timestamp::now())
        });
        let attempt = Attempt { caller, powers, open: request.open, held, contained, at: self.at };
        writing.amend(|call| {
            call.law = Arc::clone(&law.digest);
            call.factors = held.factors(powers);
        });
        let challenge = match decide(&law.law, &attempt) {
            Decision::Permit(permit) => return Ok((permit, None)),
            Decision::Refuse(refusal) => return Err(self.refuse(writing, tally, refusal)),
            Decision::Challenge(challenge) => challenge,
        };
        drop(law);
        let (Some((key, shown)), Caller::Key(facts)) = (key, caller) else {
            return Err(self.refuse(writing, tally, Refusal::NobodyCanAnswer));
        };
        writing.amend(|call| call.verdict = Verdict::Challenge(challenge.missing));
        if contained == law::Answer::Ask {
            gate.watching.asks(key.id, Timestamp::now());
        }
        let body = match outbound.hold(&gate.spool).await {
            Ok(body) => body,
            Err(refusal) => return Err(self.refuse(writing, tally, refusal)),
        };
        // Boxed, for few requests wait, and each request's future is moved a few times with room for it.
        if let Some(span) = &self.span {
            span.holds(Timestamp::now());
        }
        let end = Box::pin(self.wait(request, outbound, (key, facts, shown), body, &challenge, writing)).await;
        if let Some(span) = &self.span {
            span.held(Timestamp::now());
        }
        let spent = match end {
            End::Yes(spent) => spent,
            End::No(refusal) => return Err(self.refuse(writing, tally, refusal)),
            End::Denied(until) => {
                writing.refuse(Verdict::Refuse(Refusal::Denied));
                return Err(self.end(tally, self.denied(until)));
            }
            End::NotYet(ticket) => {
                writing.refuse(Verdict::Challenge(challenge.missing));
                return Err(self.end(tally, self.challenge(&challenge, &ticket)));
            }
        };
        if let Some(watched) = writing.watched()
            && let Err(error) = gate.watching.vouched(watched, Timestamp::now()).await
        {
            tracing::error!(error = &error as &dyn std::error::Error, "an answered step-up cannot be lifted");
        }
        self.decide_again(&attempt, (key, request.unusual), spent, writing, tally)
    }

    async fn wait(
        &self,
        request: &Judged<'_>,
        outbound: &Outbound,
        (key, facts, shown): (&Key, KeyFacts, &Shown),
        body: Bytes,
        challenge: &Challenge,
        writing: &Writing,
    ) -> End {
        let waiting = Waiting {
            key,
            facts,
            shown,
            understood: request.understood,
            target: request.target,
            method: &outbound.parts.method,
            upgrade: outbound.upgrade(),
            headers: &outbound.parts.headers,
            body,
            source: self.source,
            call: self.id,
            unusual: request.unusual,
        };
        let asked = |ticket: &Ticket| writing.amend(|call| call.challenge = Some(ticket.challenge));
        waiting.wait(&self.worker.gate, challenge, asked).await
    }

    /// With the yes in hand, under the law and the key's standing as they are now.
    fn decide_again(
        &self,
        before: &Attempt,
        (key, unusual): (&Key, bool),
        spent: Spent,
        writing: &Writing,
        tally: &Tally,
    ) -> Result<(Permit, Option<Spent>), Refused> {
        if let Some(refusal) = tally.cut().above_ceiling() {
            return Err(self.refuse(writing, tally, refusal));
        }
        let authority = &self.worker.gate.authority;
        let current = authority.view(|state| state.key(key.id).cloned());
        let facts = authority.facts(current.as_deref().unwrap_or(key));
        let held = Held { second_person: spent.second_person, ..before.held.with_person() };
        let law = authority.law();
        let now = Timestamp::now();
        let contained = self.worker.gate.watching.contained(key, before.powers, unusual, now);
        let attempt = Attempt { caller: Caller::Key(facts), held, contained, at: now, ..*before };
        writing.amend(|call| {
            call.law = Arc::clone(&law.digest);
            call.factors = held.factors(before.powers);
            call.approval = Some(spent.approval);
        });
        match decide(&law.law, &attempt) {
            Decision::Permit(permit) => Ok((permit, Some(spent))),
            Decision::Refuse(refusal) => Err(self.refuse(writing, tally, refusal)),
            // The law asks for more than it did when the person was asked.
            Decision::Challenge(_) => Err(self.refuse(writing, tally, Refusal::StepUp)),
        }
    }

    /// The fifth stop.
    async fn forward(
        &self,
        (permit, spent, toll): (Permit, Option<Spent>, Option<Toll>),
        mut outbound: Outbound,
        request: &Judged<'_>,
        visitor: &Visitor,
        tally: &Arc<Tally>,
    ) -> Result<Response<Answer>, Refused> {
        // Nothing of a drill goes on, whatever permitted it.
        if let Presented::Key(key, _) = request.presented
            && key.is_drill()
        {
            let Some(played) = &visitor.played else {
                return Err(self.end(tally, Problem::new(Refusal::UnknownKey, self.id)));
            };
            if played.reads(request.understood, &outbound) {
                return self.read_in_drill(permit, outbound, (request, key.id), visitor, tally).await;
            }
            let nothing = (Look::default(), Answered::default());
            let form = request.understood.id.and_then(|id| self.realm.form(id)).unwrap_or((&nothing.0, &nothing.1));
            let register = form.0.minted.is_some().then(|| rehearsing::register(self.worker, key.id));
            return Ok(rehearsing::answer(permit, played, &outbound.parts.method, form, register, tally));
        }
        let mut lesson = self.lesson(request, &outbound);
        if let Some(asked) = lesson.as_ref().filter(|_| changes(request, &outbound))
            && self.ask_whose(asked, request.presented, tally).await?
        {
            lesson = None;
        }
        let settings = &self.realm.settings;
        let headers = &mut outbound.parts.headers;
        settings.forwarding.to_upstream(headers, visitor.address.ip(), false, &settings.places);
        let authority = &self.worker.gate.authority;
        let (sought, swap) = match issued::issued(request.presented) {
            Some((key, _)) => match self.with_own_credential(headers, key) {
                Ok(credential) => {
                    let swap = issued::swap((authority, self.realm), key, request.understood, || {
                        self.pending(key.id, request.understood)
                    });
                    (issued::sought(authority, &credential), swap)
                }
                Err(refusal) => return Err(self.end(tally, Problem::new(refusal, self.id))),
            },
            None => {
                self.say_who(headers, request.presented, spent);
                (Vec::new(), None)
            }
        };
        self.prove_gate(headers);
        match &self.span {
            Some(span) => span.goes_on(headers, Timestamp::now()),
            None if settings.traces.is_some() => drop_unreadable(headers),
            None => {}
        }
        let nothing = Look::default();
        let look = request.understood.id.and_then(|id| self.realm.look(id)).unwrap_or(&nothing);
        let register = (look.minted.is_some() && swap.is_none()).then(|| self.register(request.presented));
        if register.is_some() {
            // Compressed, or in part, the answer would hide the key that it brings.
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
        } else if look.list.is_some() && !self.worker.gate.watching.is_off() && lens::takes_identity(headers) {
            // How much goes out is counted in rows, and they are counted in what is plain and whole.
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
        }
        let onward = Onward {
            upstream: &self.worker.upstream,
            tally,
            look,
            register: register.as_ref(),
            sought: &sought,
            swap: swap.as_ref(),
            toll,
            seat: &visitor.seat,
        };
        match forward(permit, outbound, onward).await {
            Ok(mut answer) => {
                if register.is_some() && Self::is_unread(&answer) {
                    self.notice_unread(request);
                    // What nobody sees is not narrowed: a narrowed key gets no other by it.
                    if matches!(request.presented, Presented::Key(key, _) if !key.ceilings().is_empty()) {
                        return Err(self.end(tally, Problem::new(Refusal::MintedKept, self.id)));
                    }
                }
                self.after(lesson, request.presented, answer.status(), tally).await;
                if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                    wire::forward::to_client(answer.headers_mut(), &settings.origins);
                }
                Ok(answer)
            }
            Err(kept) => {
                if let Some(swap) = &swap {
                    swap.pending.because(kept.why());
                }
                Err(self.end(tally, kept.problem(self.id)))
            }
        }
    }

    /// A call of a drill that reads at the API, with the gate's own credential: the drill's key is
    /// none there. Whoever plays it gets the status, and nothing of the answer.
    async fn read_in_drill(
        &self,
        permit: Permit,
        mut outbound: Outbound,
        (request, key): (&Judged<'_>, KeyId),
        visitor: &Visitor,
        tally: &Arc<Tally>,
    ) -> Result<Response<Answer>, Refused> {
        let (settings, authority) = (&self.realm.settings, &self.worker.gate.authority);
        let headers = &mut outbound.parts.headers;
        settings.forwarding.to_upstream(headers, visitor.address.ip(), false, &settings.places);
        let Some(credential) = authority.credential() else {
            return Err(self.end(tally, Problem::new(Refusal::NoUpstreamCredential, self.id)));
        };
        issued::replace(headers, self.realm, &credential)
            .map_err(|refusal| self.end(tally, Problem::new(refusal, self.id)))?;
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        // For whoever reads the API's own log.
        if let Ok(name) = HeaderValue::try_from(key.to_string()) {
            headers.insert(GREAVE_DRILL, name);
        }
        self.prove_gate(headers);
        let list = request.understood.id.and_then(|id| self.realm.look(id)).and_then(|look| look.list.clone());
        let onward = Onward {
            upstream: &self.worker.upstream,
            tally,
            look: &Look { list, ..Look::default() },
            register: None,
            sought: &issued::sought(authority, &credential),
            swap: None,
            toll: None,
            seat: &visitor.seat,
        };
        match forward(permit, outbound, onward).await {
            Ok(answer) => Ok(rehearsing::throw_away(answer, tally).await),
            Err(kept) => Err(self.end(tally, kept.problem(self.id))),
        }
    }

    /// Tells where a credential that a call makes comes to nothing.
    fn pending(&self, key: KeyId, understood: &Understood) -> Arc<Pending> {
        let (gate, name) = (Arc::clone(&self.worker.gate), Arc::clone(&understood.name));
        Pending::new(move |why| gate.findings.of_lost_credential(key, &name, why, Timestamp::now()))
    }

    /// Says to the upstream who calls, always and with empty values where nobody is known, so
    /// that nothing a client sends can be taken for it.
    fn say_who(&self, headers: &mut HeaderMap, presented: &Presented, spent: Option<Spent>) {
        let (key, holder) = match presented {
            Presented::Key(key, _) => (Some(key.id.to_string()), key.holder().map(|holder| holder.to_string())),
            Presented::Unknown(_) | Presented::Session | Presented::Nobody => (None, None),
        };
        let approval = spent.map(|spent| spent.approval.to_string());
        for (name, value) in [(GREAVE_KEY, key), (GREAVE_HOLDER, holder), (GREAVE_APPROVAL, approval)] {
            let value = value.and_then(|value| HeaderValue::try_from(value).ok());
            headers.insert(name, value.unwrap_or(HeaderValue::from_static("")));
        }
    }

    /// What the gate says of itself to the upstream.
    fn prove_gate(&self, headers: &mut HeaderMap) {
        self.worker.gate.pseudonym.passes(headers);
        if let Some((name, value)) = &self.realm.settings.proof {
            headers.insert(name, value.clone());
        }
    }

    /// The request becomes the gate's own: who called is the gate's to know.
    fn with_own_credential(&self, headers: &mut HeaderMap, key: &Key) -> Result<Arc<Credential>, Refusal> {
        let credential = self.worker.gate.authority.credential_for(key).ok_or(Refusal::NoUpstreamCredential)?;
        issued::replace(headers, self.realm, &credential)?;
        Ok(credential)
    }

    /// What is kept of a request until its answer shows whether there is something to learn.
    fn lesson(&self, request: &Judged<'_>, outbound: &Outbound) -> Option<Lesson> {
        let shown = match request.presented {
            Presented::Unknown(shown) if shown.keepable && !request.open && !shown.beside_session => shown,
            Presented::Key(key, shown)
                if self.has_to_learn(key, shown, changes(request, outbound)) && !shown.beside_session =>
            {
                shown
            }
            _ => return None,
        };
        let asks = self.realm.settings.identify.is_some();
        Some(Lesson {
            known_by: shown.known_by,
            sighting: Sighting {
                place: shown.place.to_string(),
                source: self.source,
                parent: None,
                inherits: false,
                claim: shown.claim(),
            },
            holder: shown.token.as_ref().and_then(|token| token.verified.holder.clone()),
            headers: if asks { carriers(&shown.places, &outbound.parts.headers) } else { HeaderMap::new() },
            parameter: parameter(&shown.place, request.target.query()),
        })
    }

    fn has_to_learn(&self, key: &Key, shown: &Shown, changes: bool) -> bool {
        let gate = &self.worker.gate;
        let says = || shown.token.as_ref().is_some_and(|token| token.verified.holder.is_some());
        let asks = self.realm.settings.identify.is_some() || says();
        // What only reads does not ask again an upstream that gave no answer.
        let was_asked = || gate.was_asked(key.id).is_some_and(|answered| answered || !changes);
        gate.authority.is_stale(key) || asks && key.holder().is_none() && !was_asked()
    }

    /// Asks whose the key is before its call changes something; whether it became known by that.
    async fn ask_whose(&self, lesson: &Lesson, presented: &Presented, tally: &Tally) -> Result<bool, Refused> {
        // Its issuer has said it.
        if lesson.holder.is_some() {
            return Ok(false);
        }
        let gate = &self.worker.gate;
        let known = match presented {
            Presented::Key(key, _) => Some(&**key),
            _ => None,
        };
        let may_learn = || gate.throttle.may_learn(neighbourhood(self.source), self.at);
        let learned = tally.cut().learned();
        // Few calls ask.
        let asked = Box::pin(ask_first(self.worker, lesson, known, may_learn, learned)).await;
        let Some(key) = asked.map_err(|refusal| self.end(tally, Problem::new(refusal, self.id)))? else {
            return Ok(false);
        };
        if let Presented::Unknown(shown) = presented {
            guessing::worked(gate, shown, (self.id, self.source), self.at);
        }
        // Whoever has it may have left.
        match gate.authority.refusal(key.id, Timestamp::now()) {
            Some(refusal) => Err(self.end(tally, Problem::new(refusal, self.id))),
            None => Ok(true),
        }
    }

    /// Learns from the answer, before the client has it.
    async fn after(&self, lesson: Option<Lesson>, presented: &Presented, status: StatusCode, tally: &Tally) {
        let gate = &self.worker.gate;
        let from = (self.id, self.source);
        if let Presented::Unknown(shown) = presented
            && matches!(status.as_u16(), 401 | 403)
        {
            guessing::missed(gate, shown, from, self.at);
        }
        let Some(lesson) = lesson.filter(|_| accepts(status)) else { return };
        let source = neighbourhood(self.source);
        if matches!(presented, Presented::Key(..)) || gate.throttle.may_learn(source, self.at) {
            learn_first(self.worker, lesson, tally.cut().learned().cloned()).await;
            if let Presented::Unknown(shown) = presented {
                guessing::worked(gate, shown, from, self.at);
            }
        }
    }

    /// Whether an answer should bring a key, and none can be looked for in it.
    fn is_unread(answer: &Response<Answer>) -> bool {
        let no_content = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT].contains(&answer.status());
        answer.status().is_success() && !no_content && !lens::can_look(answer.status(), answer.headers())
    }

    fn notice_unread(&self, request: &Judged<'_>) {
        let key = match request.presented {
            Presented::Key(key, _) => Some(key.id),
            _ => None,
        };
        let name = &request.understood.name;
        let what = format!("`{name}` answered in a form that cannot be read: a key that it made is not known yet");
        self.worker.gate.findings.tell("minted-unread", Severity::High, key, what, self.at);
    }

    /// Makes the keys known that this request's answer brings.
    fn register(&self, presented: &Presented) -> Register {
        let parent = match presented {
            Presented::Key(key, _) => Some(key.id),
            _ => None,
        };
        // Where the upstream can be asked whose a key is, that is better than to guess.
        let inherits = self.realm.settings.identify.is_none();
        let (worker, source) = (Arc::clone(self.worker), self.source);
        Arc::new(move |made: Made| {
            let sighting = Sighting { place: "minted".to_owned(), source, parent, inherits, claim: None };
            let worker = Arc::clone(&worker);
            Box::pin(async move { register(&worker, made, sighting).await })
        })
    }

    /// Counts the exchange. However it ends, the record takes what became of it.
    fn tally(&self, presented: &Presented, writing: &Arc<Writing>) -> Arc<Tally> {
        let cut = Cut::of_gate(Arc::clone(&self.worker.gate.cut));
        let cut = match presented {
            Presented::Key(key, _) => cut.or_key(Arc::clone(key)).or_its_makers(&self.worker.gate.authority),
            Presented::Unknown(_) => cut.or_learned(Arc::new(OnceLock::new())),
            Presented::Session | Presented::Nobody => cut,
        };
        let (writing, id) = (Arc::clone(writing), self.id);
        let Some((key, _)) = issued::issued(presented) else {
            return Tally::begin(cut, move |ending| writing.end(id, &ending, Timestamp::now()));
        };
        let (key, gate) = (key.id, Arc::clone(&self.worker.gate));
        Tally::begin(cut, move |ending| {
            let now = Timestamp::now();
            if ending.ended == Ended::LimitReached {
                gate.findings.of_limit(key, now);
            }
            if ending.showed {
                gate.findings.of_shown_credential(key, now);
            }
            writing.end(id, &ending, now);
        })
    }

    /// What is known of a call before its operation is.
    fn draft(&self, presented: &Presented, agent: Option<&HeaderValue>) -> Call {
        let (who, key) = match presented {
            Presented::Key(key, _) if key.is_drill() => (Who::Drill, Some(key)),
            Presented::Key(key, _) => (Who::Key, Some(key)),
            Presented::Unknown(_) => (Who::Unknown, None),
            Presented::Session => (Who::Session, None),
            Presented::Nobody => (Who::Nobody, None),
        };
        Call {
            key: key.map(|key| key.id),
            holder: key.and_then(|key| key.holder()),
            user_agent: agent.map(|agent| without_secrets(&String::from_utf8_lossy(agent.as_bytes()), presented)),
            ..self.blank(who)
        }
    }

    fn blank(&self, who: Who) -> Call {
        Call {
            id: self.id,
            at: self.at,
            who,
            key: None,
            holder: None,
            operation: Arc::from("*"),
            parameters: Vec::new(),
            query: Vec::new(),
            powers: Powers::NONE,
            source: self.source,
            user_agent: None,
            factors: Factors::NONE,
            // Until the law has spoken.
            verdict: Verdict::Refuse(Refusal::NotJudged),
            law: Arc::clone(&self.worker.gate.authority.law().digest),
            challenge: None,
            approval: None,
        }
    }

    /// Refuses a request of which nothing but its method is understood.
    fn unreadable(&self, writing: &Writing, method: &str, refusal: Refusal) -> Refused {
        let operation = self.realm.catalogue.undescribed(method).into();
        writing.draft(Call { operation, ..self.blank(Who::Nobody) });
        writing.refuse(Verdict::Refuse(refusal));
        writing.answered(self.id, refusal.status(), self.at, Timestamp::now());
        Problem::new(refusal, self.id)
    }

    fn refuse(&self, writing: &Writing, tally: &Tally, refusal: Refusal) -> Refused {
        writing.refuse(Verdict::Refuse(refusal));
        self.end(tally, Problem::new(refusal, self.id))
    }

    fn end(&self, tally: &Tally, problem: Problem) -> Refused {
        tally.answered(problem.status());
        problem
    }

    /// Says how long a person's no stands.
    fn denied(&self, until: Timestamp) -> Problem {
        let wait = Span::between(Timestamp::now(), until);
        Problem::new(Refusal::Denied, self.id)
            .detail(format!("a person said no, and the same request is refused until {until:.0}"))
            .member("until", format!("{until:.0}"))
            .header(RETRY_AFTER, HeaderValue::from(wait.as_secs()))
    }

    /// Says what is missing and how it is given (RFC 9470).
    fn challenge(&self, challenge: &Challenge, ticket: &Ticket) -> Problem {
        let uri = format!("{}/questions/{}", self.realm.settings.desk, ticket.challenge);
        let acr: Vec<String> = challenge.missing.iter().map(|factor| format!("urn:greave:{factor}")).collect();
        Problem::new(Refusal::StepUp, self.id)
            .member("challenge_id", ticket.challenge.to_string())
            .member("step_up_uri", uri.clone())
            .member("acr_values", acr.join(" "))
            .member("max_age", challenge.person_age.as_secs())
            .member("expires_at", ticket.until.to_string())
            .member("interval", INTERVAL)
            .header(WWW_AUTHENTICATE, wire::step_up(challenge.missing, challenge.person_age, &uri))
            .header(RETRY_AFTER, HeaderValue::from(INTERVAL))
    }
}

/// Whether a drill's key comes in where drills do, and nothing else there: who came over the
/// network cannot use the one, and a drill can use no other key.
fn is_at_its_door(presented: &Presented, canary: Option<KeyId>, played: Option<&Played>) -> bool {
    match (presented, played) {
        (Presented::Key(key, _), Some(played)) => key.is_drill() && played.is_of(key.id),
        (Presented::Key(key, _), None) => !key.is_drill(),
        // Its canary is known to nobody else who could call here, and works nowhere.
        (Presented::Unknown(_), Some(played)) => canary.is_some_and(|canary| played.is_of(canary)),
        (Presented::Unknown(_) | Presented::Session | Presented::Nobody, played) => played.is_none(),
    }
}

/// A request that was understood.
struct Judged<'a> {
    presented: &'a Presented,
    understood: &'a Understood,
    target: &'a Target,
    open: bool,
    /// Whether it is other than usual for its key.
    unusual: bool,
}

/// Whether a call may change something at the API, such as the name of its account.
fn changes(request: &Judged<'_>, outbound: &Outbound) -> bool {
    let powers = request.understood.powers;
    !outbound.parts.method.is_safe() || powers.iter().any(|power| !matches!(power, Power::Read | Power::Export))
}

/// Makes a key known that an answer contained.
async fn register(worker: &Worker, Made { secret, upstream }: Made, mut sighting: Sighting) -> Option<KeyId> {
    let (digest, now) = (SecretDigest::of(secret.as_bytes()), Timestamp::now());
    let meaning = worker.gate.realm.load().settings.issuers.meaning(secret.as_bytes(), &digest, None, now);
    drop(secret);
    let known_by = match meaning {
        Meaning::Other => KnownBy::Secret(digest),
        Meaning::Good(token) if !token.session => {
            sighting.claim = Some(token.claim.clone());
            token.known_by(None)
        }
        // A session, or a token for somebody else: no key of this API.
        Meaning::Good(_) | Meaning::Bad(_) => return None,
    };
    let authority = &worker.gate.authority;
    // What is known already was not made by this answer, whatever that calls it.
    let is_new = authority.recognise(known_by).is_none();
    match authority.adopt(known_by, &sighting, now).await {
        Ok(key) => {
            if let Some(upstream) = upstream.filter(|_| is_new)
                && let Err(error) = authority.name_abroad(key.id, &upstream, now).await
            {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "what the API calls a key is not written down"
                );
            }
            Some(key.id)
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a minted key cannot be written down");
            None
        }
    }
}

/// Says which operation a call asks for. Only the record needs the parameters: it takes them.
fn describe(call: &mut Call, understood: &mut Understood) {
    call.operation = Arc::clone(&understood.name);
    call.parameters = std::mem::take(&mut understood.parameters);
    call.powers = understood.powers;
}

/// What the record says of a permit.
fn verdict(permit: &Permit) -> Verdict {
    match (permit.would_ask(), permit.would_refuse()) {
        (Some(challenge), _) => Verdict::WouldAsk(challenge.missing),
        (None, Some(refusal)) => Verdict::WouldRefuse(refusal),
        (None, None) => Verdict::Permit,
    }
}

/// The names of the query's parameters, and the values of those that page through a list.
fn query(target: &Target, understood: &Understood, presented: &Presented) -> Vec<String> {
    let shown = |parameter: wire::Parameter<'_>| {
        let name = without_secrets(&parameter.name, presented);
        let pages = understood.paging.contains(&name);
        if pages && !looks_like_credential(&parameter.value) {
            format!("{name}={}", shortened(&parameter.value))
        } else {
            name
        }
    };
    target.query().parameters().take(MOST_PARAMETERS).map(shown).collect()
}

/// A word of the client's for the record: what looks like a credential, or is the one that was
/// shown, is left out.
fn without_secrets(text: &str, presented: &Presented) -> String {
    let shown = match presented {
        Presented::Key(_, shown) | Presented::Unknown(shown) => shown.secrets.as_slice(),
        Presented::Session | Presented::Nobody => &[],
    };
    // Why they are exposed: to be recognised in a text that is written down, and left out of it.
    let shows = shown.iter().any(|secret| str::from_utf8(secret.expose()).is_ok_and(|secret| text.contains(secret)));
    if shows || text.split([' ', '/', ';', '(', ')']).any(looks_like_credential) {
        return MASKED.to_owned();
    }
    shortened(text)
}

/// At most [`LONGEST_WORD`] bytes, cut between letters.
fn shortened(text: &str) -> String {
    text.get(..text.floor_char_boundary(LONGEST_WORD)).unwrap_or_default().to_owned()
}
