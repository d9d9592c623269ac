//! Plays drills against the running gate: a key for each scenario, its calls through the gate's own
//! door for them, and a card of what became of it.

mod card;
mod overheard;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ::watch::{Became, Seen, Watch};
use arc_swap::ArcSwap;
use authority::{Authority, Card, DRILL_LASTS, Declined, MOST_DRILLS, NotDone, Rehearse, Warrant};
use catalogue::Catalogue;
use console::{
    Drills, NotBegun,
    api::{BeforeView, BeginDrill, DrillView, PlayedView},
};
use drill::{Home, Plan, Scenario};
use gateway::{Dry, Rehearsal, WatchMode, Watching, Worker};
use http::{
    HeaderValue, Request,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT},
};
use http_body_util::Full;
use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use law::{HolderId, KeyId};
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

/// What a made-up key did: for so many days, so often a day.
const DAYS: i64 = 35;
const CALLS_A_DAY: i64 = 8;
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
}

/// One scenario that is to be played.
struct Part {
    scenario: Scenario,
    plan: Plan,
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
        let viewer = Arc::clone(&self);
        Drills {
            begin: Box::new(move |wanted, warrant| {
                let player = Arc::clone(&self);
                Box::pin(async move { player.begin(wanted, warrant).await })
            }),
            view: Box::new(move || viewer.view().clone()),
        }
    }

    async fn begin(self: Arc<Self>, wanted: BeginDrill, warrant: Warrant) -> Result<DrillView, NotBegun> {
        let now = Timestamp::now();
        let scenarios = read(&wanted.scenarios)?;
        let victim = self.victim(wanted.like, warrant, now)?;
        let catalogue = self.catalogue.load_full();
        let (parts, not_played) = self.parts(scenarios, &catalogue, &victim, now)?;
        let rehearse = |part: &Part| {
            let scenario = part.scenario.name.clone();
            Rehearse { scenario, holder: victim.holder, like: victim.like }
        };
        let form = FORM.parse::<IssuedForm>().map_err(|error| NotBegun::Unfit(error.to_string()))?;
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
            played.push((part, rehearsal, secret));
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
        let made_up = drill::made_up(catalogue);
        let watch = self.watching.watch();
        let usual = |name: &str| match victim.like {
            Some(like) => watch.is_usual(like, name, now),
            None => made_up.iter().any(|(known, _)| **known == *name),
        };
        let home = Home { source: victim.source, program: victim.program.clone(), usual: &usual };
        let (mut parts, mut nothing, mut takes) = (Vec::new(), Vec::new(), 0_u64);
        for scenario in scenarios {
            let mut plan = drill::plan(&scenario, catalogue, &home);
            if plan.calls.iter().all(|call| call.honest) {
                nothing.push(format!("{}: {}", scenario.name, plan.skipped.join("; ")));
                continue;
            }
            if scenario.silent_days > 0 && victim.like.is_some() {
                let what = "its key was not silent before: with `--like` it is as the other one is";
                plan.skipped.push(what.to_owned());
            }
            takes = takes.saturating_add(scenario.takes()).saturating_add(HEARING.as_secs() * 1_000);
            parts.push(Part { scenario, plan });
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
        like.unwrap_or_else(|| self.made_up(key, part.scenario.silent_days, catalogue, victim, now))
    }

    /// A made-up past of five weeks, through the same door.
    fn made_up(&self, key: KeyId, silent: u32, catalogue: &Catalogue, victim: &Victim, now: Timestamp) -> Watch {
        let (watch, usual) = (Watch::default(), drill::made_up(catalogue));
        let (kind, owner) = self.authority.kind_and_owner(victim.holder);
        let surroundings = Arc::clone(&self.watching.rules().surroundings);
        let last = i64::from(silent);
        for day in (last..last + DAYS).rev() {
            for turn in (0..CALLS_A_DAY).rev() {
                let ago = SignedDuration::from_hours(day * 24 + turn * 24 / CALLS_A_DAY);
                let Ok(at) = now.checked_sub(ago.saturating_add(SignedDuration::from_mins(20))) else { continue };
                for (operation, powers) in &usual {
                    let seen = Seen {
                        call: None,
                        key: Some(key),
                        holder: Some(victim.holder),
                        kind,
                        owner,
                        operation,
                        out_of_scope: false,
                        powers: *powers,
                        subject: None,
                        source: victim.source,
                        network: None,
                        expected: false,
                        user_agent: Some(&victim.program),
                    };
                    let seen = surroundings.of(seen);
                    let _ = watch.see(&seen, at);
                    let _ =
                        watch.ended(&seen, &Became { status: 200, bytes_out: 4_096, rows: Some(20), minted: None }, at);
                }
            }
        }
        watch
    }

    async fn play_all(self: Arc<Self>, played: Vec<(Part, Arc<Rehearsal>, Secret)>) {
        for (part, rehearsal, secret) in played {
            let card = self.play(&part, &rehearsal, &secret).await;
            drop(secret);
            if let Err(error) = self.authority.end_drill(rehearsal.key(), &card, Timestamp::now()).await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "what a drill showed cannot be written down; its key ends by itself");
            }
            let mut view = self.view();
            if let Some(played) = view.played.iter_mut().find(|played| played.key == rehearsal.key()) {
                played.card = Some(card);
            }
        }
        self.view().goes_on = false;
    }

    async fn play(&self, part: &Part, rehearsal: &Arc<Rehearsal>, secret: &Secret) -> Card {
        let hearing = tokio::spawn(Arc::clone(&self.overheard).sweep(BEAT));
        let (mut called, mut broken_off) = (Vec::new(), None);
        for call in &part.plan.calls {
            tokio::time::sleep(Duration::from_millis(call.wait_ms)).await;
            let began = Instant::now();
            let request = match request(call, secret) {
                Ok(request) => request,
                Err(why) => {
                    broken_off = Some(why);
                    break;
                }
            };
            let drill::Answer { status, rows, kilobytes } = call.answer;
            let dry = Dry { status, rows, bytes: kilobytes.saturating_mul(1024) };
            let playing = gateway::play(&self.worker, rehearsal.key(), (call.source, dry), request);
            match tokio::time::timeout(PATIENCE, playing).await {
                Ok(Ok(replied)) => called.push(Called {
                    began,
                    step: call.step,
                    honest: call.honest,
                    powers: call.powers,
                    rows,
                    replied,
                }),
                Ok(Err(error)) => broken_off = Some(error.to_string()),
                Err(_) => broken_off = Some("a call was not answered in time".to_owned()),
            }
            if broken_off.is_some() {
                break;
            }
        }
        let end = Instant::now() + HEARING;
        // What is told goes out a moment after.
        tokio::time::sleep(BEAT * 10).await;
        while Instant::now() < end && !self.overheard.all_taken(rehearsal.key()) {
            tokio::time::sleep(BEAT).await;
        }
        hearing.abort();
        let watch = match self.watching.rules().mode {
            WatchMode::On => "on",
            WatchMode::DryRun => "dry-run",
            WatchMode::Off => "off",
        };
        let heard = self.overheard.of(rehearsal.key());
        let card = score(&part.scenario, &part.plan, &called, &rehearsal.events(), &heard);
        Card { watch: watch.to_owned(), broken_off, ..card }
    }

    fn view(&self) -> MutexGuard<'_, DrillView> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
