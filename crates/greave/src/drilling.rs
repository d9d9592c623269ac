//! Plays drills against the running gate: a key for each scenario, its calls through the gate's own
//! door for them, and a card of what became of it.

mod canary;
mod card;
mod overheard;

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ::watch::{Became, Seen, Subject, Told, Watch};
use arc_swap::ArcSwap;
use authority::{
    Authority, Card, DRILL_LASTS, Declined, MOST_DRILLS, NotDone, Rehearse, SecretDigest, Warrant, drill_secret,
};
use catalogue::Catalogue;
use console::{
    Drills, NotBegun,
    api::{BeforeView, BeginDrill, DrillView, PlayedView},
};
use drill::{Home, Past, Plan, Scenario, With};
use gateway::{Dry, Rehearsal, WatchMode, Watching, Worker};
use http::{
    HeaderValue, Request,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT},
};
use http_body_util::Full;
use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use law::{HolderId, KeyId, Power};
use record::Book;
use wire::{IssuedForm, Secret};

use self::card::{Called, score};
pub(crate) use self::overheard::Overheard;

/// How a drill's keys begin. They never leave this process.
const FORM: &str = "greave_drill";

/// What is left of a key's time when the last scenario begins its last call.
const SPARE: SignedDuration = SignedDuration::from_mins(2);

/// So long one call may take: a question is not waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// So long it is looked whether those who were told have got it.
const HEARING: Duration = Duration::from_secs(4);
const BEAT: Duration = Duration::from_millis(25);

/// So many calls of one scenario read at the API at most, where they may: what a drill measures is
/// the gate.
const READS: usize = 100;

/// What a made-up key did: for so many days, so often a day.
const DAYS: i64 = 35;
const CALLS_A_DAY: i64 = 8;
/// About so many things.
const THINGS: i64 = 3;
/// The key that takes its place, where one does. It is known to the drill's own watch alone.
const SUCCESSOR: KeyId = KeyId(u64::MAX);
const MADE_UP_SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));
const MADE_UP_PROGRAM: &str = "orders-sync/2.1";

/// Plays drills.
pub(crate) struct Player {
    pub(crate) watching: Arc<Watching>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) catalogue: Arc<ArcSwap<Catalogue>>,
    pub(crate) book: Arc<Book>,
    pub(crate) worker: Arc<Worker>,
    pub(crate) overheard: Arc<Overheard>,
    pub(crate) view: Mutex<DrillView>,
    /// The canary that a scanner asked about last, and when.
    pub(crate) found: Mutex<Option<(KeyId, Instant)>>,
}

/// One scenario that is to be played.
struct Part {
    scenario: Scenario,
    plan: Plan,
    reads_pass: bool,
}

/// The key that is played stolen, and how it is known.
#[derive(Clone)]
struct Victim {
    holder: HolderId,
    like: Option<KeyId>,
    source: IpAddr,
    program: String,
}

impl Player {
    /// The same, for the admin API.
    pub(crate) fn drills(self: Arc<Self>) -> Drills {
        let (viewer, layer, finder) = (Arc::clone(&self), Arc::clone(&self), Arc::clone(&self));
        Drills {
            lay_out: Box::new(move |form, warrant| {
                let player = Arc::clone(&layer);
                Box::pin(async move { player.lay_out(form, warrant).await })
            }),
            found: Box::new(move |canary| finder.found(canary)),
            begin: Box::new(move |wanted, warrant| {
                let player = Arc::clone(&self);
                Box::pin(async move { player.begin(wanted, warrant).await })
            }),
            view: Box::new(move || viewer.view().clone()),
        }
    }

    async fn begin(self: Arc<Self>, wanted: BeginDrill, warrant: Warrant) -> Result<DrillView, NotBegun> {
        let now = Timestamp::now();
        self.authority.may_begin_drills(warrant)?;
        let scenarios = read(&wanted.scenarios)?;
        if wanted.reads_pass && self.authority.credential().is_none() {
            return Err(NotBegun::Unfit(
                "reads pass only with a credential of the gate's own, and none is set; `greave upstream set-credential` \
                 sets one, or leave `--reads-pass` away"
                    .to_owned(),
            ));
        }
        let victim = self.victim(wanted.like, warrant, now)?;
        let catalogue = self.catalogue.load_full();
        let (parts, not_played) = self.parts(scenarios, &catalogue, &victim, now)?;
        let rehearse = |part: &Part| {
            let scenario = part.scenario.name.clone();
            Rehearse {
                scenario,
                holder: victim.holder,
                like: victim.like,
                canary: false,
                reads_pass: wanted.reads_pass,
            }
        };
        let form = form()?;
        let keys = self.authority.begin_drills(&form, parts.iter().map(rehearse).collect(), warrant, now).await?;

        let (mut played, mut rehearsals, mut views) = (Vec::new(), Vec::new(), Vec::new());
        let holder = self.authority.view(|state| state.holder(victim.holder).map(|holder| holder.name.clone()));
        for (part, (key, secret)) in parts.into_iter().zip(keys) {
            let name = part.scenario.name.clone();
            let watch = self.usual(key, &part, &catalogue, &victim, now);
            let ladder = self.watching.rules().ladder.clone();
            let rehearsal = Rehearsal::new(key, name.clone(), watch, ladder);
            let before = |state: &authority::State| {
                state.last_drill(&name).map(|last| BeforeView { at: last.at, card: last.card.clone() })
            };
            views.push(PlayedView {
                key,
                scenario: name.clone(),
                story: part.scenario.story.clone(),
                holder: holder.clone().unwrap_or_default(),
                card: None,
                before: self.authority.view(before),
            });
            rehearsals.push(Arc::clone(&rehearsal));
            played.push((Part { reads_pass: wanted.reads_pass, ..part }, rehearsal, secret));
        }
        self.watching.rehearse(rehearsals);
        self.overheard.clear();
        let view = DrillView { goes_on: true, played: views, not_played };
        *self.view() = view.clone();
        tokio::spawn(Arc::clone(&self).play_all(played));
        Ok(view)
    }

    /// Whose key is played stolen: that of the other key's holder, or of whoever gives the code.
    fn victim(&self, like: Option<KeyId>, warrant: Warrant, now: Timestamp) -> Result<Victim, NotBegun> {
        let declined = |declined: Declined| NotBegun::NotDone(NotDone::Declined(declined));
        let Some(id) = like else {
            let (Warrant::Claimed(holder) | Warrant::SignedIn(holder) | Warrant::Fresh(holder, _)) = warrant else {
                return Err(declined(Declined::CodeNeeded));
            };
            return Ok(Victim { holder, like: None, source: MADE_UP_SOURCE, program: MADE_UP_PROGRAM.to_owned() });
        };
        let key = self.authority.view(|state| state.key(id).cloned()).ok_or_else(|| declined(Declined::NoKey(id)))?;
        if key.is_drill() {
            return Err(declined(Declined::OfDrill(id)));
        }
        let holder = key.holder().ok_or_else(|| {
            NotBegun::Unfit(format!(
                "nobody knows whose key `{id}` is, so nobody would be told; `greave keys name` says it"
            ))
        })?;
        if !self.watching.watch().knows(id, now) {
            return Err(NotBegun::Unfit(format!(
                "the watch still learns what is usual for key `{id}`; leave `--like` away, or name a key that is in use for longer"
            )));
        }
        let usage = self.book.usage(id);
        let most = |usage: &record::Usage| usage.sources().into_iter().max_by_key(|seen| seen.calls);
        let source = usage.as_ref().and_then(most).map_or(key.first_source, |seen| seen.source.address());
        let used = |usage: &record::Usage| usage.programs().into_iter().max_by_key(|seen| seen.calls)?.user_agent;
        let program = usage.as_ref().and_then(used).map_or_else(|| MADE_UP_PROGRAM.to_owned(), String::from);
        Ok(Victim { holder, like: Some(id), source, program })
    }

    /// What each scenario becomes before this API; those that become nothing are named.
    fn parts(
        &self,
        scenarios: Vec<Scenario>,
        catalogue: &Catalogue,
        victim: &Victim,
        now: Timestamp,
    ) -> Result<(Vec<Part>, Vec<String>), NotBegun> {
        let watch = self.watching.watch();
        let (mut parts, mut nothing, mut takes) = (Vec::new(), Vec::new(), 0_u64);
        for scenario in scenarios {
            let made_up = drill::made_up(catalogue, &scenario.past.used_to);
            let usual = |name: &str| match victim.like {
                Some(like) => watch.is_usual(like, name, now),
                None => made_up.iter().any(|known| *known.operation == *name),
            };
            let home = Home { source: victim.source, program: victim.program.clone(), usual: &usual };
            let mut plan = drill::plan(&scenario, catalogue, &home);
            if plan.calls.iter().all(|call| call.honest) {
                nothing.push(format!("{}: {}", scenario.name, plan.skipped.join("; ")));
                continue;
            }
            if scenario.past.is_special() && victim.like.is_some() {
                let what = "the past of its key: with `--like` it is as the other one's";
                plan.skipped.push(what.to_owned());
            }
            takes = takes.saturating_add(scenario.takes()).saturating_add(HEARING.as_secs() * 1_000);
            parts.push(Part { scenario, plan, reads_pass: false });
        }
        if parts.is_empty() {
            return Err(NotBegun::Unfit(format!("nothing can be played before this API: {}", nothing.join("; "))));
        }
        let room = DRILL_LASTS.saturating_sub(SPARE).as_millis();
        if i128::from(takes) > room {
            return Err(NotBegun::Unfit("together they take too long; name fewer scenarios at once".to_owned()));
        }
        Ok((parts, nothing))
    }

    /// What is usual for the key that is played stolen.
    fn usual(&self, key: KeyId, part: &Part, catalogue: &Catalogue, victim: &Victim, now: Timestamp) -> Watch {
        let owner = self.authority.kind_and_owner(victim.holder).1;
        let people: Vec<HolderId> = [Some(victim.holder), owner].into_iter().flatten().collect();
        let like = victim.like.and_then(|like| self.watching.watch().rehearsal(key, like, &people, now));
        like.unwrap_or_else(|| self.made_up(key, &part.scenario.past, catalogue, victim, now))
    }

    /// A made-up past of five weeks, through the same door.
    fn made_up(&self, key: KeyId, past: &Past, catalogue: &Catalogue, victim: &Victim, now: Timestamp) -> Watch {
        let (watch, usual) = (Watch::default(), drill::made_up(catalogue, &past.used_to));
        let (kind, owner) = self.authority.kind_and_owner(victim.holder);
        let surroundings = Arc::clone(&self.watching.rules().surroundings);
        let calls = |key: KeyId, turn: i64, at: Timestamp| {
            for drill::Usual { operation, powers, about } in &usual {
                let thing = format!("usual-{}", turn % THINGS);
                let seen = Seen {
                    call: None,
                    key: Some(key),
                    holder: Some(victim.holder),
                    kind,
                    owner,
                    operation,
                    out_of_scope: false,
                    powers: *powers,
                    described: None,
                    subject: Subject::of(about.then_some(thing.as_str()).into_iter()),
                    source: victim.source,
                    network: None,
                    expected: false,
                    user_agent: Some(&victim.program),
                };
                let seen = surroundings.of(seen);
                let rows = if powers.contains(Power::Read) || powers.contains(Power::Export) { 20 } else { 0 };
                let became = Became { status: 200, bytes_out: 4_096, rows: Some(rows), minted: None };
                let _ = watch.see(&seen, at);
                let _ = watch.ended(&seen, &became, at);
            }
        };
        let ago = |hours: i64| now.checked_sub(SignedDuration::from_mins(hours * 60 + 20)).ok();
        let last = i64::from(past.silent_days.max(past.rotated_days));
        for day in (last..last + DAYS).rev() {
            for turn in (0..CALLS_A_DAY).rev() {
                ago(day * 24 + turn * 24 / CALLS_A_DAY).into_iter().for_each(|at| calls(key, turn, at));
            }
        }
        if past.rotated_days > 0
            && let Some(at) = ago(i64::from(past.rotated_days) * 24)
        {
            watch.told(&Told::Rotation { key, successor: SUCCESSOR }, at);
            calls(SUCCESSOR, 0, at);
        }
        watch
    }

    async fn play_all(self: Arc<Self>, played: Vec<(Part, Arc<Rehearsal>, Secret)>) {
        for (part, rehearsal, secret) in played {
            let card = self.play(&part, &rehearsal, &secret).await;
            drop(secret);
            self.over(rehearsal.key(), card).await;
        }
    }

    /// Writes down what a scenario showed. With the last of them the drill is over.
    async fn over(&self, key: KeyId, card: Card) {
        if let Err(error) = self.authority.end_drill(key, &card, Timestamp::now()).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "what a drill showed cannot be written down; its key ends by itself");
        }
        let mut view = self.view();
        if let Some(played) = view.played.iter_mut().find(|played| played.key == key) {
            played.card = Some(card);
        }
        view.goes_on = view.played.iter().any(|played| played.card.is_none());
    }

    async fn play(&self, part: &Part, rehearsal: &Arc<Rehearsal>, secret: &Secret) -> Card {
        let hearing = tokio::spawn(Arc::clone(&self.overheard).sweep(BEAT));
        let (mut called, mut broken_off): (Vec<Called>, _) = (Vec::new(), None);
        let (mut keys, mut unplayed) = (vec![rehearsal.key()], BTreeSet::new());
        let mut child: Option<(KeyId, Arc<Secret>)> = None;
        for call in &part.plan.calls {
            let (key, secret) = match (call.with, &child) {
                (With::Stolen, _) => (rehearsal.key(), secret),
                (With::Child, Some((key, secret))) => (*key, &**secret),
                (With::Child, None) => {
                    unplayed.insert(call.step);
                    continue;
                }
            };
            tokio::time::sleep(Duration::from_millis(call.wait_ms)).await;
            let hours = i64::try_from(call.wait_hours).unwrap_or_default();
            rehearsal.put_forward(SignedDuration::from_hours(hours));
            let began = Instant::now();
            let drill::Answer { status, rows, kilobytes } = call.answer;
            let minted = call.powers.contains(Power::Mint).then(another).flatten();
            let reads_pass =
                part.reads_pass && called.iter().filter(|call| call.replied.read.is_some()).count() < READS;
            let dry = Dry { status, rows, bytes: kilobytes.saturating_mul(1024), minted: minted.clone(), reads_pass };
            let playing = match request(call, secret) {
                Ok(request) => gateway::play(&self.worker, key, (call.source, dry), request),
                Err(why) => {
                    broken_off = Some(why);
                    break;
                }
            };
            let replied = match tokio::time::timeout(PATIENCE, playing).await {
                Ok(Ok(replied)) => replied,
                Ok(Err(error)) => {
                    broken_off = Some(error.to_string());
                    break;
                }
                Err(_) => {
                    broken_off = Some("a call was not answered in time".to_owned());
                    break;
                }
            };
            // What the thief has read, he has: the gate knows it by then, or knows it never.
            if let Some(secret) = minted
                && let Some(key) = self.authority.recognise(&SecretDigest::of(secret.expose()))
            {
                keys.push(key.id);
                child = Some((key.id, secret));
            }
            let (step, honest, powers) = (call.step, call.honest, call.powers);
            called.push(Called { began, step, honest, powers, rows, replied });
        }
        let end = Instant::now() + HEARING;
        // What is told goes out a moment after.
        tokio::time::sleep(BEAT * 10).await;
        while Instant::now() < end && !self.overheard.all_taken(&keys) {
            tokio::time::sleep(BEAT).await;
        }
        hearing.abort();
        let heard = self.overheard.of(&keys);
        let card = score(&part.scenario, &part.plan, &called, &rehearsal.events(), &heard);
        let no_child = |step: &usize| {
            let step = part.scenario.steps.get(*step)?;
            Some(format!("{}: no call brought a key", step.name))
        };
        let skipped = card.skipped.iter().cloned().chain(unplayed.iter().filter_map(no_child)).collect();
        Card { watch: mode(&self.watching).to_owned(), broken_off, skipped, ..card }
    }

    fn view(&self) -> MutexGuard<'_, DrillView> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the gate watches, in the configuration's word.
fn mode(watching: &Watching) -> &'static str {
    match watching.rules().mode {
        WatchMode::On => "on",
        WatchMode::DryRun => "dry-run",
        WatchMode::Off => "off",
    }
}

/// How a drill's keys look.
fn form() -> Result<IssuedForm, NotBegun> {
    FORM.parse::<IssuedForm>().map_err(|error| NotBegun::Unfit(error.to_string()))
}

/// The key that an answer brings.
fn another() -> Option<Arc<Secret>> {
    Some(Arc::new(drill_secret(&form().ok()?).ok()?))
}

/// Reads what was sent as scenarios.
fn read(texts: &[String]) -> Result<Vec<Scenario>, NotBegun> {
    if texts.is_empty() || texts.len() > MOST_DRILLS {
        return Err(NotBegun::NotDone(NotDone::Declined(Declined::TooManyDrills)));
    }
    let mut scenarios: Vec<Scenario> = Vec::new();
    for text in texts {
        let scenario = Scenario::read(text).map_err(|error| NotBegun::Unfit(format!("a scenario: {error}")))?;
        if scenarios.iter().any(|known| known.name == scenario.name) {
            return Err(NotBegun::Unfit(format!("two scenarios are called `{}`", scenario.name)));
        }
        scenarios.push(scenario);
    }
    Ok(scenarios)
}

/// One call, as a client of the API would send it.
fn request(call: &drill::Call, secret: &Secret) -> Result<Request<Full<Bytes>>, String> {
    // Why it is exposed: it goes to the gate, over a connection within this process.
    let mut bearer =
        HeaderValue::from_bytes(&[b"Bearer ", secret.expose()].concat()).map_err(|error| error.to_string())?;
    bearer.set_sensitive(true);
    let writes = !matches!(call.method.as_str(), "GET" | "HEAD" | "DELETE" | "OPTIONS");
    let mut request = Request::builder()
        .method(call.method.as_str())
        .uri(&call.target)
        .header(HOST, "localhost")
        .header(USER_AGENT, &call.program)
        .header(AUTHORIZATION, bearer)
        // A thief does not wait for somebody else's person.
        .header("prefer", "wait=0");
    if writes {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let body = if writes { Bytes::from_static(b"{}") } else { Bytes::new() };
    request.body(Full::new(body)).map_err(|error| error.to_string())
}
