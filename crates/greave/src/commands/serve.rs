//! `greave serve`: the gate, the desk, and those who tell people; until it is told to stop.

use std::{
    collections::HashSet,
    io,
    num::NonZeroUsize,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use authority::{Change, Loaded};
use axum::{Router, serve::ListenerExt as _};
use catalogue::Catalogue;
use console::{Desk, Door};
use gateway::{Gate, GateParts, Running, Server, ServerSettings, WatchRules, Watching, Worker};
use jiff::Timestamp;
use law::{Evidence, Finding, Severity};
use record::Book;
use sd_notify::NotifyState;
use tokio::{
    net::{TcpListener, UnixListener},
    signal::unix::{Signal, SignalKind, signal},
    sync::{broadcast::error::RecvError, mpsc, watch},
    task::JoinHandle,
};

use crate::{
    commands::{Done, Outcome},
    config::Config,
    drains::{self, Drains, journal::Journal},
    drilling::Player,
    ends::Ends,
    files,
    guests::Guests,
    handed::Handed,
    house::{self, House, HouseError},
    keeper::Keeper,
    leaks,
    metrics::{self, Measured},
    posture::{Posture, at_next_start},
    pulse::{Looked, pulse},
    show,
    state::socket,
    stop::stopped,
    telling::{self, Retelling, Telling},
    traces::{self, Traces},
    watching,
};

/// Findings that wait to be told; beyond it the record alone has what they are about.
const FINDINGS: usize = 1024;

/// So many weaker parts are named in one line; `greave law show` has all.
const SHOWN: usize = 5;

/// How often the record is asked what it has to tell.
const BEAT: Duration = Duration::from_secs(1);

pub(crate) async fn run(path: &Path, now: Timestamp) -> Outcome {
    // Heard from here on: whoever says stop while the gate starts means it, and whoever says
    // that the configuration has changed is right even before it was read.
    let mut signals = Signals::hear()?;
    let handed = Handed::from_env().map_err(|error| format!("a socket that was handed over: {error}"))?;
    let serving = tokio::select! {
        serving = Serving::start(path, handed, now) => serving?,
        () = signals.end() => return Ok(Done::Clean),
    };
    announce(&serving);
    notify(&[NotifyState::Ready]);
    serving.until_stopped(path, signals).await;
    Ok(Done::Clean)
}

/// What the system tells the gate.
struct Signals {
    reload: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn hear() -> io::Result<Self> {
        Ok(Self {
            reload: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Comes back when it is over.
    async fn end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Everything that runs.
pub(crate) struct Serving {
    house: House,
    gate: Arc<Gate>,
    running: Running,
    desk: Arc<Desk>,
    book: Arc<Book>,
    ends: Arc<Ends>,
    drains: Arc<Drains>,
    traces: Arc<Traces>,
    watching: Arc<Watching>,
    retelling: Retelling,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    gate_address: std::net::SocketAddr,
}

impl Serving {
    /// Binds, opens and starts. What fails does so before the first request is taken.
    pub(crate) async fn start(path: &Path, handed: Handed, now: Timestamp) -> Result<Self, HouseError> {
        metrics::started();
        let house = House::open(Posture::read(path)?, now).await?;
        let waits = matches!(house.law, Loaded::Waits(_));
        Self::over(house, handed, now)
            .await
            .map_err(|error| if waits { HouseError::InForce(error.into()) } else { error })
    }

    async fn over(mut house: House, mut handed: Handed, now: Timestamp) -> Result<Self, HouseError> {
        let pending = house.pending.take();
        let config = &house.config;
        let server = bind(config, &mut handed)?;
        let book = Arc::new(house::book(config)?);
        let upstream = house::upstream(config)?;
        let realm = house::realm(config, house.catalogue.load_full(), Some(&house.authority))?;
        house::abroad(config, &house.authority, &house.catalogue.load())?;
        let (findings, found) = mpsc::channel(FINDINGS);
        let (traced, to_tell) = mpsc::channel(traces::WAITING);
        let traces = Traces::new(config)?;
        let journal = Arc::new(journal(&config.gate.state)?);
        let told_of = (Arc::clone(&book), now);
        let drains =
            Arc::new(Drains::new(Arc::clone(&house.authority), Arc::clone(&journal), findings.clone(), told_of));
        drains.run(config).await?;
        let cut = Arc::new(AtomicBool::new(false));
        let (to_tell_of, seen) = mpsc::channel(watching::FOUND);
        let rules = watch_rules(config)?;
        note_networks(&rules);
        let (watching, unanswered) = Watching::new(rules, Arc::clone(&house.authority), to_tell_of);
        let (loud, tell_of_shelf) = (findings.clone(), findings.clone());
        let gate = Arc::new(Gate::new(GateParts {
            realm,
            authority: Arc::clone(&house.authority),
            book: Arc::clone(&book),
            spool: house::spool(config),
            findings: findings.clone(),
            traces: traced,
            watching: Arc::clone(&watching),
            cut: Arc::clone(&cut),
        }));
        let alarm = Some(leaks::alarm(&watching, &house.authority, findings.clone()));
        let guesses = Some(watching::guesses(&watching));
        let desk = Arc::new(Desk { alarm, guesses, ..house.desk(Some(Arc::clone(&book))) });
        let gate_address = server.address();
        let (stop, stopping) = watch::channel(false);

        let mut tasks = listen(config, &desk, &mut handed, &stopping).await?;
        let metrics = match config.gate.metrics {
            Some(address) => Some(listener("gate.metrics", address, &mut handed).await?),
            None => None,
        };
        if let Some(left) = handed.left() {
            let why = "no setting listens there: name it in `gate.listen`, `desk.listen` or `gate.metrics`, or do not hand it over";
            return Err(HouseError::Setting(format!("a socket was handed over at `{left}`, and {why}")));
        }
        let telling = Telling::new(config, Arc::clone(&house.authority), Arc::clone(&desk.told))?;
        // Not before everything stands that the configuration could be wrong about: one that
        // cannot be started by would bind whoever mends it.
        if let Some(pending) = pending {
            house.law = pending.settle(&house.authority, now).await?;
        }
        // What the last process played is over, whatever became of it.
        house
            .authority
            .end_drills_left(now)
            .await
            .map_err(|error| HouseError::Setting(format!("the state: {error}")))?;
        let player = Player {
            watching: Arc::clone(&watching),
            authority: Arc::clone(&house.authority),
            catalogue: Arc::clone(&house.catalogue),
            book: Arc::clone(&book),
            worker: Arc::new(Worker::new(Arc::clone(&gate), upstream.for_another_worker())),
            overheard: telling.overheard(),
            view: Mutex::default(),
            found: Mutex::default(),
        };
        desk.drills.store(Some(Arc::new(Arc::new(player).drills())));
        let (authority, record) = (Arc::clone(&house.authority), Arc::clone(&book));
        let ends = Arc::new(Ends::new(config.warnings(), config.desk(), authority, record, telling.teller()));
        let keeper =
            Keeper::new(config, Arc::clone(&book), telling.teller(), Arc::clone(&house.authority), findings.clone())?;
        tasks.push(tokio::spawn(Arc::clone(&ends).watch(stopping.clone())));
        let seen = (seen, loud, Arc::clone(&journal));
        tasks.extend(watching::start(&watching, &house.authority, unanswered, seen, &stopping));
        let saved = watching::take_up(&watching, &config.gate.state);
        leaks::take_up(&watching, &house.authority, saved.as_ref().map(|(_, at)| *at)).await;
        let kept = (config.gate.state.clone(), house.state.record(), saved);
        tasks.push(watching::keep(&watching, &house.authority, kept, &stopping));
        let (teller, of_pulse, retelling) = (telling.teller(), telling.teller(), telling.retelling());
        tasks.extend(telling.start((found, journal), &stopping));
        tasks.push(traces.start(to_tell, &stopping));
        tasks.push(tokio::spawn(retire(Arc::clone(&house.authority), stopping.clone())));
        tasks.push(tokio::spawn(keeper.keep(stopping.clone())));
        if let Some(listener) = metrics {
            let pages = metrics::pages(Measured {
                gate: Arc::clone(&gate),
                book: Arc::clone(&book),
                record_cap: config.record.cap.0,
                drains: Arc::clone(&drains),
                traces: Arc::clone(&traces),
                watching: Arc::clone(&watching),
                authority: Arc::clone(&house.authority),
                teller,
                told: Arc::clone(&desk.told),
            });
            tasks.push(serve_pages(listener, pages, stopping.clone()));
        }
        desk.pulse.store(Some(Arc::new(pulse(Looked {
            gate: Arc::clone(&gate),
            upstream: upstream.for_another_worker(),
            address: config.gate.upstream.clone(),
            teller: of_pulse,
            drains: Arc::clone(&drains),
            record_cap: config.record.cap.0,
        }))));
        note_catalogue(&house, house.lock).await;
        tell_misplaced(&house.authority, &tell_of_shelf).await;

        let serving_gate = Arc::clone(&gate);
        let equip = move || {
            let worker = Arc::new(Worker::new(Arc::clone(&serving_gate), upstream.for_another_worker()));
            move |request, visitor| Arc::clone(&worker).answer(request, visitor)
        };
        let running = server.start(&cut, equip).map_err(|error| HouseError::Setting(format!("the gate: {error}")))?;
        let tasks = Mutex::new(tasks);
        Ok(Self {
            house,
            gate,
            running,
            desk,
            book,
            ends,
            drains,
            traces,
            watching,
            retelling,
            stop,
            tasks,
            gate_address,
        })
    }

    /// Where the gate listens.
    pub(crate) const fn address(&self) -> std::net::SocketAddr {
        self.gate_address
    }

    /// The authority behind it.
    pub(crate) fn authority(&self) -> &Arc<authority::Authority> {
        &self.house.authority
    }

    /// Serves until a signal says that it is over; another signal loads the configuration
    /// anew, and so does a person who accepts what waits.
    async fn until_stopped(self, path: &Path, mut signals: Signals) {
        let posture = || self.house.authority.view(authority::State::posture).map(|(digest, _)| digest);
        let mut changes = self.house.authority.listen();
        let mut obeyed = posture();
        let Signals { reload, terminate, interrupt } = &mut signals;
        loop {
            tokio::select! {
                _ = reload.recv() => self.reload(path).await,
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                // Whoever missed changes looks all the same.
                changed = changes.recv() => match changed {
                    Err(RecvError::Closed) => break,
                    _ if posture() == obeyed => continue,
                    _ => self.take_over(path).await,
                },
            }
            obeyed = posture();
        }
        notify(&[NotifyState::Stopping]);
        self.stop().await;
    }

    /// Takes over what can be changed while the gate runs. A broken configuration changes
    /// nothing: the last good one goes on.
    async fn reload(&self, path: &Path) {
        match self.load(path).await {
            Ok(loaded) => {
                match loaded {
                    Loaded::Waits(_) => tracing::warn!("the configuration waits for a code; the one in force goes on"),
                    _ => tracing::info!("the configuration is loaded"),
                }
                warn_of_waiting(&loaded);
            }
            Err(error) => tracing::error!(error = &*error, "the configuration is refused; the last good one goes on"),
        }
    }

    async fn load(&self, path: &Path) -> Result<Loaded, Box<dyn std::error::Error>> {
        let written = Posture::read(path)?;
        if written.config.gate.state != self.house.config.gate.state {
            return Err("gate.state: a running gate stays with its state; stop it to move the folder".into());
        }
        // Whatever could be wrong is found before anything is written down.
        house::realm(&written.config, Arc::clone(&written.document.catalogue), Some(&self.house.authority))?;
        drains::ready(&written.config)?;
        Traces::new(&written.config)?;
        let (_teller, _worker) = Telling::ways(&written.config)?;
        watch_rules(&written.config)?;
        let (in_force, loaded) = written.load(&self.house.authority, Timestamp::now()).await?;
        self.obey(in_force).await?;
        Ok(loaded)
    }

    /// Obeys the posture that a person has put into force.
    async fn take_over(&self, path: &Path) {
        let Some((_, files)) = self.house.authority.view(authority::State::posture) else { return };
        let taken = match Posture::of_state(path, &self.house.config.gate.state, &files) {
            Ok(posture) => self.obey(posture).await,
            Err(error) => Err(error),
        };
        match taken {
            Ok(()) => tracing::info!("the configuration that was accepted is loaded"),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the configuration that was accepted is refused; the last good one goes on");
            }
        }
    }

    async fn obey(&self, posture: Posture) -> Result<(), HouseError> {
        let Posture { config, document, .. } = posture;
        let catalogue = document.catalogue;
        let realm = house::realm(&config, Arc::clone(&catalogue), Some(&self.house.authority))?;
        drains::ready(&config)?;
        Traces::new(&config)?;
        let watch = watch_rules(&config)?;
        house::lend_credential(&config, &self.house.authority)?;
        self.house.authority.limit(house::limits(&config));
        // What is in use does not end because a shorter life was configured just now.
        self.ends.warn_by(config.warnings(), config.desk());
        self.ends.look(config.lifetimes(), Timestamp::now()).await;
        self.house.authority.live_by(config.lifetimes()).await;
        let abroad = house::abroad(&config, &self.house.authority, &catalogue)?;
        self.desk.abroad.store(abroad.map(Arc::new));
        self.desk.settings.store(Arc::new(house::desk_settings(&config, &catalogue)));
        let before = self.house.catalogue.swap(Arc::clone(&catalogue));
        let added = added(&before, &catalogue);
        let gone = catalogue.without(&before);
        if gone > 0 {
            tracing::warn!(gone, "operations that the document described are gone from it: each has every power");
        }
        if !added.is_empty() {
            self.watching.told(&::watch::Told::Document { added: &added }, Timestamp::now());
        }
        self.gate.obey(realm);
        self.drains.run(&config).await?;
        self.traces.obey(&config)?;
        let carrying = self.retelling.obey(&config, &self.stop.subscribe())?;
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).extend(carrying);
        let later = Arc::new(at_next_start(&self.house.config, &config));
        self.desk.at_next_start.store(Arc::clone(&later));
        for setting in later.iter() {
            tracing::warn!(setting, "what the configuration says of it now is taken over at the next start");
        }
        note_networks(&watch);
        self.watching.obey(watch);
        note_catalogue(&self.house, document.lock).await;
        Ok(())
    }

    /// Takes nothing new, answers what waits, and gives what is in flight its grace.
    pub(crate) async fn stop(self) {
        self.gate.stop_waiting();
        self.running.stop();
        let running = self.running;
        // Joining blocks; the desk goes on meanwhile, so that people can still answer.
        let _ = tokio::task::spawn_blocking(move || running.join()).await;
        self.drains.stop().await;
        self.stop.send_replace(true);
        for task in self.tasks.into_inner().unwrap_or_else(PoisonError::into_inner) {
            let _ = task.await;
        }
        let _ = self.book.synced().await;
    }
}

/// The operations that the API did not have before: whoever asks for these is not unusual.
fn added<'a>(before: &Catalogue, now: &'a Catalogue) -> Vec<&'a str> {
    let known: HashSet<&str> = before.operations().iter().map(|operation| &*operation.name).collect();
    now.operations().iter().map(|operation| &*operation.name).filter(|name| !known.contains(name)).collect()
}

fn watch_rules(config: &Config) -> Result<WatchRules, HouseError> {
    config.watch.rules().map_err(|error| HouseError::Setting(error.to_string()))
}

fn note_networks(rules: &WatchRules) {
    if let Some(networks) = &rules.surroundings.networks {
        tracing::info!(ranges = networks.ranges(), bytes = networks.bytes(), "networks are known by number");
    }
}

fn journal(state: &Path) -> Result<Journal, HouseError> {
    Journal::open(state).map_err(|error| HouseError::Setting(format!("the folder `findings` of the state: {error}")))
}

fn bind(config: &Config, handed: &mut Handed) -> Result<Server, HouseError> {
    let mut settings = ServerSettings::new(config.gate.listen);
    settings.workers = config.gate.workers.map_or(settings.workers, NonZeroUsize::get);
    settings.connections = settings.connections.min(files::room().clients);
    settings.grace = house::grace(config).into();
    settings.head = config.gate.head_timeout.into();
    let bound = match handed.take(settings.listen) {
        Ok(Some(listener)) => Server::over(settings, listener),
        Ok(None) => Server::bind(settings),
        Err(error) => Err(error),
    };
    bound.map_err(|error| unlistened("gate.listen", &config.gate.listen, &error))
}

fn unlistened(what: &str, address: &dyn std::fmt::Display, error: &io::Error) -> HouseError {
    HouseError::Setting(format!("{what}: `{address}` cannot be listened on: {error}; is another gate running there?"))
}

async fn listener(what: &str, address: std::net::SocketAddr, handed: &mut Handed) -> Result<TcpListener, HouseError> {
    let bound = match handed.take(address) {
        Ok(Some(listener)) => TcpListener::from_std(listener),
        Ok(None) => TcpListener::bind(address).await,
        Err(error) => Err(error),
    };
    bound.map_err(|error| unlistened(what, &address, &error))
}

/// Tells whoever started the gate how it stands, where they want to hear it.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(error = &error as &dyn std::error::Error, "whoever started the gate is not told how it stands");
    }
}

/// The desk for people on its own address, and the local door for those on this host.
async fn listen(
    config: &Config,
    desk: &Arc<Desk>,
    handed: &mut Handed,
    stopping: &watch::Receiver<bool>,
) -> Result<Vec<JoinHandle<()>>, HouseError> {
    let people = console::pages(Arc::clone(desk)).merge(console::admin(Arc::clone(desk), Door::Remote));
    let tcp = listener("desk.listen", config.desk.listen, handed).await?;
    let path = socket(&config.gate.state);
    // The state folder is ours: a socket that lies there is a dead gate's.
    let _ = std::fs::remove_file(&path);
    let unix = UnixListener::bind(&path)
        .and_then(|unix| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
            Ok(unix)
        })
        .map_err(|error| unlistened("the admin socket", &path.display(), &error))?;
    let local = console::admin(Arc::clone(desk), Door::Local);
    let stop = stopping.clone();
    let locals = tokio::spawn(async move {
        let served = axum::serve(unix, local).with_graceful_shutdown(stopped(stop)).await;
        report("the admin socket", served);
    });
    Ok(vec![serve_pages(tcp, people, stopping.clone()), locals])
}

fn serve_pages(listener: TcpListener, pages: Router, stopping: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let pages = pages.into_make_service_with_connect_info::<std::net::SocketAddr>();
        // The tap does nothing: it is what makes axum tell pages the address behind any listener.
        let guests = Guests::new(listener, files::room().guests).tap_io(|_| ());
        let served = axum::serve(guests, pages).with_graceful_shutdown(stopped(stopping)).await;
        report("the desk", served);
    })
}

fn report(what: &str, served: io::Result<()>) {
    if let Err(error) = served {
        tracing::error!(error = &error as &dyn std::error::Error, "{what} has ended");
    }
}

/// Keys whose grace is over are refused at once; the ledger keeps that it was.
async fn retire(authority: Arc<authority::Authority>, stopping: watch::Receiver<bool>) {
    let mut stop = std::pin::pin!(stopped(stopping));
    loop {
        if let Err(error) = authority.retire_due(Timestamp::now()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the ledger cannot be written");
        }
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            () = &mut stop => return,
        }
    }
}

/// The ledger keeps which lock was obeyed, from when on.
async fn note_catalogue(house: &House, digest: authority::Digest) {
    let known = house.authority.view(|state| state.catalogue()) == Some(digest);
    if known {
        return;
    }
    let operations = house.catalogue.load().operations().len();
    let change = Change::CatalogueObeyed { digest, operations };
    if let Err(error) = house.authority.note(change, Timestamp::now()).await {
        tracing::error!(error = &error as &dyn std::error::Error, "the ledger cannot be written");
    }
}

/// What is sealed in the state and is not what the ledger says counts as not there: whoever looks
/// after the gate is told why.
async fn tell_misplaced(authority: &authority::Authority, findings: &mpsc::Sender<Finding>) {
    match authority.misplaced().await {
        Ok(misplaced) => {
            for it in misplaced {
                tracing::error!("{it}");
                let evidence = Evidence { at: Timestamp::now(), call: None, what: it.to_string() };
                let _ = findings.try_send(Finding::new("state-changed", Severity::Critical, None, evidence));
            }
        }
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "the shelf cannot be read"),
    }
}

fn announce(serving: &Serving) {
    tell(&serving.house.config);
    let observing: Vec<String> = telling::observing(&serving.house.authority.law().law, Timestamp::now());
    if !observing.is_empty() {
        let text =
            format!("observing: {} — nothing is asked yet; `greave guards preview` says whom", observing.join(", "));
        tell(show::styled(show::ALARM, text));
    }
    let drift = &serving.house.drift;
    if !drift.is_empty() {
        let what = show::drifted(drift).to_lowercase();
        let text = format!("{what} has changed since catalogue.lock was accepted; see `greave catalogue drift`");
        tell(show::styled(show::ALARM, text));
    }
    if !serving.house.troubles.is_empty() {
        let count = serving.house.troubles.len();
        tell(format!(
            "{count} parts of the document cannot be read, and give what they describe every power; see `greave check`"
        ));
    }
    let config = &serving.house.config;
    if config.tell.webhook.is_empty() && config.tell.mail.is_none() && !config.keys.end_unwarned {
        let text = "nobody can be told anything: name a webhook or a mail server in `[tell]`; until then no key in use ends by itself";
        tell(show::styled(show::ALARM, text));
    }
    warn_of_waiting(&serving.house.law);
}

fn warn_of_waiting(loaded: &Loaded) {
    if let Loaded::Waits(waiting) = loaded {
        let parts: Vec<String> = waiting.weaker.iter().take(SHOWN).map(|weaker| show::clean(&weaker.what)).collect();
        let more = if waiting.weaker.len() > SHOWN { ", …" } else { "" };
        let text = format!(
            "what is configured is weaker than what is in force ({}{more}) and waits for a code, \
             as a whole: `greave law show`, `greave law accept --as NAME`",
            parts.join(", ")
        );
        tell(show::styled(show::ALARM, text));
    }
}

/// Who started the gate and reads no more does not stop it.
fn tell(text: impl std::fmt::Display) {
    let _ = show::say(text);
}
