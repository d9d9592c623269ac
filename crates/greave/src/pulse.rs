//! What the gate's process knows of itself, for the desk that does not know the gate.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use console::{
    Pulse,
    api::{GateStatus, WayStatus},
};
use gateway::{Gate, LastHour, Upstream};
use jiff::Timestamp;
use tell::{State, Teller, WayHealth};
use tokio::time::timeout;

use crate::{
    drains::{Drains, cursor::Health},
    metrics,
};

/// Whoever asks how the gate stands waits no longer for the API.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is looked at.
pub(crate) struct Looked {
    pub(crate) gate: Arc<Gate>,
    pub(crate) upstream: Upstream,
    /// Where the API is, as people write it.
    pub(crate) address: String,
    pub(crate) teller: Teller,
    pub(crate) drains: Arc<Drains>,
    pub(crate) record_cap: u64,
}

/// Looks whenever it is asked.
pub(crate) fn pulse(looked: Looked) -> Pulse {
    let looked = Arc::new(looked);
    Pulse(Box::new(move || {
        let looked = Arc::clone(&looked);
        Box::pin(async move { look(&looked).await })
    }))
}

async fn look(looked: &Looked) -> GateStatus {
    let Looked { gate, upstream, address, teller, drains, record_cap } = looked;
    let reached = timeout(PATIENCE, upstream.reach()).await;
    let reached = reached.unwrap_or_else(|_| Err(format!("no connection within {} s", PATIENCE.as_secs())));
    let counts = gate.counts();
    let LastHour { passed, asked, refused, unknown } = counts.last_hour(Timestamp::now());
    GateStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        since: metrics::started(),
        upstream: address.clone(),
        upstream_unreachable: reached.err(),
        passed,
        asked,
        refused,
        unknown,
        held: counts.waiting.load(Ordering::Relaxed),
        told_by: teller.health().into_iter().map(of_way).collect(),
        drains: drains.health().into_iter().map(of_drain).collect(),
        record_cap: *record_cap,
    }
}

fn of_way(way: WayHealth) -> WayStatus {
    let (failing_since, why) = match way.state {
        State::Untried | State::Well => (None, None),
        State::Failing { since, why } => (Some(since), Some(why)),
        State::Disabled { since } => (Some(since), Some("the receiver says that it is gone (410)".to_owned())),
    };
    WayStatus { name: way.name, failing_since, why, waiting: way.waiting as u64, lost: way.given_up + way.missed }
}

fn of_drain((name, health): (String, Health)) -> WayStatus {
    let Health { failing_since, why, bytes_behind, lost, refused, .. } = health;
    let why = why.filter(|_| failing_since.is_some());
    WayStatus { name, failing_since, why, waiting: bytes_behind, lost: lost + refused }
}
