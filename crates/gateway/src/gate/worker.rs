//! The gate: what all its workers share, and one of them.

use std::sync::{Arc, atomic::AtomicBool};

use arc_swap::ArcSwap;
use authority::Authority;
use http::{Request, Response};
use hyper::body::Incoming;
use jiff::Timestamp;
use law::{CallId, Finding, KeyId};
use record::Book;
use tokio::sync::{OnceCell, mpsc, watch};
use uuid::Uuid;
use wire::{Pseudonym, client_address};

use crate::{
    Answer, Spool, Upstream, Visitor,
    gate::{
        counts::Counts,
        findings::Findings,
        passage::Passage,
        realm::Realm,
        span::{Strand, Traced},
        throttle::Throttle,
        watching::Watching,
    },
    toll::Meters,
};

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
    pub(crate) spool: Spool,
    pub(crate) throttle: Throttle,
    pub(crate) meters: Arc<Meters>,
    pub(crate) findings: Findings,
    traces: mpsc::Sender<Traced>,
    pub(crate) cut: Arc<AtomicBool>,
    stop: watch::Sender<bool>,
    pub(crate) pseudonym: Pseudonym,
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
