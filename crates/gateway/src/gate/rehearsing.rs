//! Drills: a theft that is rehearsed at the gate itself.
//!
//! The calls of a drill come in over a connection within this process, which the gate opens to
//! itself; the address that they come from is that connection's. So no header and no stranger says
//! where a drill comes from, and a drill's key is good on no other connection. From there on they go
//! the way of every request, to the place where it would be forwarded: there the gate answers.
//!
//! What looks at a drill is a watch of its own, with a ladder of its own: nobody else learns from
//! it, nobody else's caps are used up, and what is usual for others stays as it is.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ::watch::{Ladder, Settings, Watch};
use arc_swap::ArcSwap;
use authority::SecretDigest;
use bytes::Bytes;
use catalogue::Answered;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use law::{CallId, KeyId, Permit, Power, Powers, Severity, Step};
use tokio::sync::Semaphore;

use crate::{
    Answer, Look, Outbound, Seat, Visitor, Worker,
    body::{Register, Watched},
    dry::{Dry, DryBody},
    gate::attempt::Understood,
    lens::{Lens, Made},
    screen::Source,
    tally::Tally,
};

/// What a connection within this process holds of a message, in bytes.
const PIPE: usize = 64 * 1024;

/// The gate's own words are no longer than this, in bytes.
const ANSWER: usize = 64 * 1024;

/// So much of an answer of the API's is read, in bytes, and for so long.
const READ_MOST: usize = 8 << 20;
const READ_FOR: Duration = Duration::from_secs(5);

/// Says to the player that the API was read, and how many items its answer had.
const READ: HeaderName = HeaderName::from_static("greave-drill-read");

/// So many events of one drill are kept.
const MOST_EVENTS: usize = 4096;

/// A drill's call on its way in.
#[derive(Clone, Debug)]
pub(crate) struct Played {
    key: KeyId,
    dry: Dry,
}

impl Played {
    /// Whether this call reads at the API: one that its document describes, that does nothing but
    /// read ordinary data, and that no careless server could take for another.
    pub(crate) fn reads(&self, understood: &Understood, outbound: &Outbound) -> bool {
        let reads = matches!(outbound.parts.method, Method::GET | Method::HEAD);
        let only = understood.powers == Powers::from(Power::Read);
        let plain = understood.id.is_some() && understood.plain && understood.beside.is_empty();
        self.dry.reads_pass && reads && only && plain && outbound.upgrade().is_none() && !outbound.has_body()
    }

    /// Whether this is the key that the drill was given: it has no other.
    pub(crate) fn is_of(&self, key: KeyId) -> bool {
        self.key == key
    }
}

/// What happened to a drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call came as far as the watch.
    Call(CallId),
    /// Something was found.
    Found {
        /// The call that showed it.
        call: Option<CallId>,
        /// The rule.
        rule: String,
        /// How much it matters.
        severity: Severity,
    },
    /// A containment is in force.
    Held {
        /// The call that showed why.
        call: Option<CallId>,
        /// What is done.
        step: Step,
    },
    /// Somebody lifted what held it.
    Lifted,
}

/// One rehearsal: what looks at its key, and what happened to it.
pub struct Rehearsal {
    key: KeyId,
    scenario: String,
    pub(crate) watch: Watch,
    ladder: Mutex<Ladder>,
    events: Mutex<Vec<(Instant, Event)>>,
    /// By how much the watch's clock is put forward.
    ahead: Mutex<SignedDuration>,
}

impl Rehearsal {
    /// A drill with this key, looked at by a watch that knows what is usual for it.
    pub fn new(key: KeyId, scenario: String, watch: Watch, ladder: Settings) -> Arc<Self> {
        let (ladder, events) = (Mutex::new(Ladder::new(ladder)), Mutex::default());
        Arc::new(Self { key, scenario, watch, ladder, events, ahead: Mutex::default() })
    }

    /// Its key.
    pub const fn key(&self) -> KeyId {
        self.key
    }

    /// What is played.
    pub fn scenario(&self) -> &str {
        &self.scenario
    }

    /// Puts its watch's clock forward: days go by without anybody waiting for them. What holds the
    /// key does not end sooner by it.
    pub fn put_forward(&self, by: SignedDuration) {
        let mut ahead = lock(&self.ahead);
        *ahead = ahead.saturating_add(by);
    }

    /// What its watch's clock says.
    pub(crate) fn clock(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(*lock(&self.ahead)).unwrap_or(Timestamp::MAX)
    }

    /// What happened so far, in its order.
    pub fn events(&self) -> Vec<(Instant, Event)> {
        lock(&self.events).clone()
    }

    pub(crate) fn note(&self, event: Event) {
        let mut events = lock(&self.events);
        if events.len() < MOST_EVENTS {
            events.push((Instant::now(), event));
        }
    }

    pub(crate) fn ladder(&self) -> MutexGuard<'_, Ladder> {
        lock(&self.ladder)
    }
}

/// The rehearsals of the drill that goes on, or of the last one: what comes late of it still finds
/// its own watch.
#[derive(Default)]
pub(crate) struct Rehearsals(ArcSwap<BTreeMap<KeyId, Arc<Rehearsal>>>);

impl Rehearsals {
    pub(crate) fn of(&self, key: Option<KeyId>) -> Option<Arc<Rehearsal>> {
        let rehearsals = self.0.load();
        if rehearsals.is_empty() {
            return None;
        }
        rehearsals.get(&key?).cloned()
    }

    /// This key is looked at as that one is, if that one is a drill's.
    pub(crate) fn join(&self, key: KeyId, child: KeyId) {
        self.0.rcu(|rehearsals| {
            let mut rehearsals = BTreeMap::clone(rehearsals);
            if let Some(rehearsal) = rehearsals.get(&key).cloned() {
                rehearsals.insert(child, rehearsal);
            }
            rehearsals
        });
    }

    pub(crate) fn put(&self, rehearsals: Vec<Arc<Rehearsal>>) {
        self.0.store(Arc::new(rehearsals.into_iter().map(|it| (it.key, it)).collect()));
    }
}

/// What became of a drill's call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replied {
    /// The HTTP status.
    pub status: u16,
    /// The refusal's word, where the gate refused.
    pub refusal: Option<String>,
    /// Whether the answer came to its end: one that is cut does not.
    pub whole: bool,
    /// Where the API was read: the items that its answer had, as far as they could be counted.
    pub read: Option<u64>,
}

/// Why a call of a drill came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotPlayed {
    /// The connection within this process.
    #[error("the gate broke off: {0}")]
    Broken(String),
}

/// Sends one call of a drill in, as from this address.
///
/// # Errors
/// When it was not answered.
pub async fn play(
    worker: &Arc<Worker>,
    key: KeyId,
    (source, dry): (IpAddr, Dry),
    request: Request<Full<Bytes>>,
) -> Result<Replied, NotPlayed> {
    let broken = |error: &dyn std::error::Error| NotPlayed::Broken(error.to_string());
    let permit = Arc::new(Semaphore::new(1)).acquire_owned().await.map_err(|error| broken(&error))?;
    let played = Some(Played { key, dry });
    let visitor = Visitor { address: SocketAddr::new(source, 0), seat: Seat::of(permit), played };
    let (near, far) = tokio::io::duplex(PIPE);
    let worker = Arc::clone(worker);
    let service = service_fn(move |request| {
        let answer = Arc::clone(&worker).answer(request, visitor.clone());
        async move { Ok::<_, std::convert::Infallible>(answer.await) }
    });
    let serving = tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(far), service));
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(near));
    let (mut sender, connection) = handshake.await.map_err(|error| broken(&error))?;
    let calling = tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(|error| broken(&error))?;
    let status = answer.status().as_u16();
    let read = answer.headers().get(READ).and_then(|rows| rows.to_str().ok()?.parse().ok());
    let (mut body, mut kept, mut whole) = (answer.into_body(), Vec::new(), true);
    while let Some(frame) = body.frame().await {
        match frame.as_ref().map(|frame| frame.data_ref()) {
            // What is longer is no refusal.
            Ok(Some(data)) if kept.len() <= ANSWER => kept.extend_from_slice(data),
            Ok(_) => {}
            Err(_) => {
                whole = false;
                break;
            }
        }
    }
    drop((body, sender));
    let _ = calling.await;
    // What was counted is told when the gate has let go of the exchange.
    let _ = serving.await;
    Ok(Replied { status, refusal: refusal(&kept), whole, read })
}

/// The word in a problem of the gate's.
fn refusal(body: &[u8]) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    problem.get("type")?.as_str()?.strip_prefix("urn:greave:refusal:").map(str::to_owned)
}

/// Makes the keys known that the answers to a drill's key bring: they are that drill's, and fall
/// with it.
pub(crate) fn register(worker: &Arc<Worker>, key: KeyId) -> Register {
    let worker = Arc::clone(worker);
    Arc::new(move |made: Made| {
        let worker = Arc::clone(&worker);
        Box::pin(async move { mint(&worker, made, key).await })
    })
}

async fn mint(worker: &Worker, made: Made, parent: KeyId) -> Option<KeyId> {
    let digest = SecretDigest::of(made.secret.as_bytes());
    drop(made);
    match worker.gate.authority.mint_in_drill(parent, &digest, Timestamp::now()).await {
        Ok(child) => {
            child.into_iter().for_each(|child| worker.gate.watching.mints(parent, child));
            child
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a drill's new key cannot be written down");
            None
        }
    }
}

/// Answers a call of a drill that passed everything. This consumes its permit, in the place of
/// forwarding: nothing of it reaches the API. The answer goes back as one of the API's would.
#[expect(clippy::needless_pass_by_value, reason = "a permit is for one call: whoever answers it takes it away")]
pub(crate) fn answer(
    permit: Permit,
    played: &Played,
    method: &Method,
    (look, answered): (&Look, &Answered),
    register: Option<Register>,
    tally: &Arc<Tally>,
) -> Response<Answer> {
    let Permit { .. } = permit;
    let dry = &played.dry;
    let status = StatusCode::from_u16(dry.status).unwrap_or(StatusCode::OK);
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.status = status;
    tally.sent();
    tally.answers(status.as_u16());
    let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) || method == Method::HEAD;
    let (body, media) = DryBody::of(look, answered, dry);
    parts.headers.insert(CONTENT_TYPE, media);
    let body = if bodiless { DryBody::none() } else { body };
    let lens = Lens::new(look, &parts);
    let watched = Watched { tally: Arc::clone(tally), idle: None, lens, toll: None };
    Response::from_parts(parts, Answer::relay(Source::Dry(body), watched, register, None))
}

/// Reads an answer of the API's, and keeps nothing of it but its status: what it holds was counted
/// on the way. One that does not end is let go.
pub(crate) async fn throw_away(answer: Response<Answer>, tally: &Tally) -> Response<Answer> {
    let (parts, mut body) = answer.into_parts();
    let reading = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, Bytes::len);
            if bytes > READ_MOST {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(READ_FOR, reading).await;
    drop(body);
    let mut own = Response::new(Answer::words(Bytes::new()));
    *own.status_mut() = parts.status;
    // The player alone has it: no answer of the API's comes to it with headers.
    own.headers_mut().insert(READ, HeaderValue::from(tally.rows().unwrap_or(0)));
    own
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
