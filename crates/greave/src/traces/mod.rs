//! Traces go out to a collector over OTLP: in batches, beside the requests, and not for ever.
//! What a collector does not take is counted and let go: the record has the calls.

mod otlp;
mod spans;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use gateway::Traced;
use prost::Message as _;
use tell::{Post, backoff};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    config::{Config, Trace},
    drains,
    house::HouseError,
    secrets::Vault,
    stop::stopped,
};

/// Requests that wait to be told; beyond it they are not.
pub(crate) const WAITING: usize = 4096;

/// Requests in one message, and how long it waits to be filled.
const BATCH: usize = 256;
const LINGER: Duration = Duration::from_secs(1);

/// The longest for one try: a collector that is silent must not stop traces for ever.
const ATTEMPT: Duration = Duration::from_secs(10);

/// So often one message is tried.
const TRIES: u32 = 4;

/// What became of traces.
#[derive(Default)]
pub(crate) struct Counts {
    /// Requests whose spans a collector took.
    pub(crate) sent: AtomicU64,
    /// Requests whose spans were let go.
    pub(crate) dropped: AtomicU64,
}

/// Where traces go, as it is configured now.
pub(crate) struct Traces {
    to: ArcSwapOption<Collector>,
    pub(crate) counts: Counts,
}

struct Collector {
    post: Post,
    gzip: bool,
    service: String,
    api: String,
}

impl Traces {
    pub(crate) fn new(config: &Config) -> Result<Arc<Self>, HouseError> {
        let traces = Self { to: ArcSwapOption::empty(), counts: Counts::default() };
        traces.obey(config)?;
        Ok(Arc::new(traces))
    }

    pub(crate) fn obey(&self, config: &Config) -> Result<(), HouseError> {
        self.to.store(config.trace.as_ref().map(|trace| collector(trace, config)).transpose()?.map(Arc::new));
        Ok(())
    }

    /// Carries what the gate hands over, until it is told to stop.
    pub(crate) fn start(
        self: &Arc<Self>,
        traced: mpsc::Receiver<Traced>,
        stopping: &watch::Receiver<bool>,
    ) -> JoinHandle<()> {
        let (traces, stopping) = (Arc::clone(self), stopping.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = traces.carry(traced) => {}
                () = stopped(stopping) => {}
            }
        })
    }

    async fn carry(&self, mut traced: mpsc::Receiver<Traced>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            if traced.recv_many(&mut batch, BATCH).await == 0 {
                return;
            }
            // A few more may come meanwhile: one message for all of them.
            let more = async {
                while batch.len() < BATCH {
                    let room = BATCH - batch.len();
                    if traced.recv_many(&mut batch, room).await == 0 {
                        return;
                    }
                }
            };
            let _ = timeout(LINGER, more).await;
            self.send(&batch).await;
            batch.clear();
        }
    }

    async fn send(&self, batch: &[Traced]) {
        let requests = batch.len() as u64;
        let Some(to) = self.to.load_full() else {
            self.counts.dropped.fetch_add(requests, Ordering::Relaxed);
            return;
        };
        let spans = batch.iter().flat_map(|traced| spans::of(traced, &to.api)).collect();
        let body = spans::request(&to.service, spans).encode_to_vec();
        for attempt in 1..=TRIES {
            let sent = timeout(ATTEMPT, to.post.send("application/x-protobuf", body.clone(), to.gzip)).await;
            let silent = |_| Err(tell::Undelivered::Later { why: "it is silent".to_owned(), after: None });
            let Err(undelivered) = sent.unwrap_or_else(silent) else {
                self.counts.sent.fetch_add(requests, Ordering::Relaxed);
                return;
            };
            if attempt == TRIES || matches!(undelivered, tell::Undelivered::Unfit { .. }) {
                tracing::warn!(why = undelivered.why(), requests, "the collector takes no spans; they are let go");
                break;
            }
            sleep(backoff(attempt, "traces")).await;
        }
        self.counts.dropped.fetch_add(requests, Ordering::Relaxed);
    }
}

fn collector(trace: &Trace, config: &Config) -> Result<Collector, HouseError> {
    let setting = |why: &dyn std::fmt::Display| HouseError::Setting(format!("trace: {why}"));
    let Trace { to, sample: _, service, gzip, secret, header, scheme, authorities, danger_plain } = trace;
    let credential = match secret {
        None => None,
        Some(secret) => {
            let text = Vault::of(&config.gate.state).text(secret)?;
            Some(drains::credential(&text, header.as_deref(), scheme.as_deref()).map_err(|why| setting(&why))?)
        }
    };
    let roots = drains::roots(authorities.as_deref()).map_err(|why| setting(&why))?;
    Ok(Collector {
        post: Post::new(to, credential, &roots, *danger_plain).map_err(|error| setting(&error))?,
        gzip: *gzip,
        service: service.clone(),
        api: drains::teller(config).api,
    })
}
