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
    time::Instant,
};

use ::watch::{Ladder, Settings, Watch};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use law::{CallId, Ended, KeyId, Permit, Severity, Step};
use tokio::sync::Semaphore;

use crate::{
    Answer, Seat, Visitor, Worker,
    tally::{Seen, Tally},
};

/// What a connection within this process holds of a message, in bytes.
const PIPE: usize = 64 * 1024;

/// The gate's own answers are no longer than this, in bytes.
const ANSWER: usize = 64 * 1024;

/// So many events of one drill are kept.
const MOST_EVENTS: usize = 4096;

/// What the gate answers a call of a drill with, in the place of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dry {
    /// The HTTP status.
    pub status: u16,
    /// Items that would have been in the answer.
    pub rows: u64,
    /// Bytes that would have been in it.
    pub bytes: u64,
}

/// A drill's call on its way in.
#[derive(Clone, Debug)]
pub struct Played {
    key: KeyId,
    dry: Dry,
}

impl Played {
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
}

impl Rehearsal {
    /// A drill with this key, looked at by a watch that knows what is usual for it.
    pub fn new(key: KeyId, scenario: String, watch: Watch, ladder: Settings) -> Arc<Self> {
        let (ladder, events) = (Mutex::new(Ladder::new(ladder)), Mutex::default());
        Arc::new(Self { key, scenario, watch, ladder, events })
    }

    /// Its key.
    pub const fn key(&self) -> KeyId {
        self.key
    }

    /// What is played.
    pub fn scenario(&self) -> &str {
        &self.scenario
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
    let body = Limited::new(answer.into_body(), ANSWER).collect().await.map_err(|error| broken(&*error))?.to_bytes();
    drop(sender);
    let _ = calling.await;
    // What was counted is told when the gate has let go of the exchange.
    let _ = serving.await;
    Ok(Replied { status, refusal: refusal(&body) })
}

/// The word in a problem of the gate's.
fn refusal(body: &[u8]) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    problem.get("type")?.as_str()?.strip_prefix("urn:greave:refusal:").map(str::to_owned)
}

/// Answers a call of a drill that passed everything. This consumes its permit, in the place of
/// forwarding: nothing of it reaches the API.
#[expect(clippy::needless_pass_by_value, reason = "a permit is for one call: whoever answers it takes it away")]
pub(crate) fn answer(permit: Permit, played: &Played, tally: &Tally) -> Response<Answer> {
    let Permit { .. } = permit;
    let Dry { status, rows, bytes } = played.dry;
    let body = serde_json::json!({"drill": played.key, "rows": rows}).to_string();
    let mut answer = Response::new(Answer::words(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    tally.answers(answer.status().as_u16());
    // As if it had come from the API: the watch counts what would have got out.
    tally.sent();
    tally.add_out(usize::try_from(bytes).unwrap_or(usize::MAX));
    tally.saw(Seen { rows: Some(rows), minted: None });
    tally.ends(Ended::Whole);
    answer
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
