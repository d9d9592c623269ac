//! The law as the admin API and the pages show it.

use authority::{Authority, Digest, Failed, Files, LawInForce, Weaker};
use jiff::Timestamp;
use law::{Cell, Held, HolderKind, Law, Mode, Power};

use crate::{
    Desk,
    api::{Guarded, LawView, Observing, ObservingCell, PostureView, RecordHealth, WaitingLaw, WeakerPart},
};

/// How many entries of the ledger are looked at in one go.
const PAGE: u32 = 500;

/// What only observes now, of the guards that ask for more than the key.
pub(crate) fn observing(law: &Law, now: Timestamp) -> Observing {
    let mut observing = Observing { everything: true, cells: Vec::new() };
    for kind in HolderKind::ALL {
        for (power, cell) in law.of(kind).iter() {
            if cell.holds(power, &Held::default()) {
                continue;
            }
            match cell.mode {
                Mode::ObserveUntil(until) if !cell.mode.enforces(now) => {
                    observing.cells.push(ObservingCell { kind, power, until });
                }
                Mode::ObserveUntil(_) | Mode::Enforce => observing.everything = false,
            }
        }
    }
    observing.everything &= !observing.cells.is_empty();
    observing
}

/// One cell of the law.
pub(crate) fn guarded(power: Power, cell: &Cell, now: Timestamp) -> Guarded {
    Guarded { power, guard: cell.guard.to_string(), mode: cell.mode.to_string(), enforced: cell.mode.enforces(now) }
}

/// The same law with every guard enforced.
pub(crate) fn enforced(law: &Law) -> Law {
    let whole =
        |kind| law::ByPower::from_fn(|power| Cell { guard: law.of(kind)[power].guard.clone(), mode: Mode::Enforce });
    Law { person: whole(HolderKind::Person), workload: whole(HolderKind::Workload), vendor: whole(HolderKind::Vendor) }
}

/// The posture that waits for a code, and what it makes easier.
pub(crate) fn waiting(authority: &Authority, now: Timestamp) -> Option<WaitingLaw> {
    let in_force = authority.law();
    let waiting = authority.view(|state| state.waiting().cloned())?;
    // A law from before there were postures was written down without what is in force.
    let weaker = match waiting.page.parse() {
        Ok(law) if waiting.files.is_none() => authority::weaker_cells(&law, &in_force.law, now),
        _ => waiting.weaker,
    };
    let weaker = weaker.into_iter().map(|Weaker { what, from, to }| WeakerPart { what, from, to }).collect();
    Some(WaitingLaw { page: waiting.page, digest: waiting.digest.to_string(), weaker })
}

/// The law in force, and the one that waits.
pub(crate) async fn in_force(authority: &Authority, now: Timestamp) -> Result<LawView, Failed> {
    let (page, observing) = {
        let LawInForce { law, page, digest: _ } = &**authority.law();
        (page.to_string(), observing(law, now))
    };
    let digest = Digest::of(page.as_bytes()).to_string();
    let loaded = loaded(authority, &digest).await?;
    let posture = authority.view(authority::State::posture).map(|(digest, files)| {
        let Files { config, lock, document } = files;
        let [digest, config, lock, document] = [digest, config, lock, document].map(|digest| digest.to_string());
        PostureView { digest, config, lock, document }
    });
    Ok(LawView { page, digest, loaded, posture, observing, waiting: waiting(authority, now) })
}

/// When a law with this digest was last put into force: looked for from the ledger's end.
async fn loaded(authority: &Authority, digest: &str) -> Result<Option<Timestamp>, Failed> {
    let mut end = len(authority).await?;
    while end > 0 {
        let from = end.saturating_sub(u64::from(PAGE)).saturating_add(1);
        let entries = authority.store().entries(from, PAGE).await?;
        let loading = entries.iter().rev().filter(|entry| entry.seq <= end).find(|entry| {
            let written: serde_json::Value = serde_json::from_str(&entry.change).unwrap_or_default();
            let text = |name: &str| written.get(name).and_then(serde_json::Value::as_str);
            text("change") == Some("law-loaded") && text("digest") == Some(digest)
        });
        if let Some(entry) = loading {
            return Ok(Some(entry.at));
        }
        end = from - 1;
    }
    Ok(None)
}

/// How many entries the ledger has: every change ends with a checkpoint that says so.
pub(crate) async fn len(authority: &Authority) -> Result<u64, Failed> {
    let note = authority.store().checkpoint().await?;
    let checkpoint = note.and_then(|note| authority.store().signer().verify(&note).ok());
    Ok(checkpoint.map_or(0, |checkpoint| checkpoint.chain.len))
}

/// What cannot be written down at this moment, and what that means, for people.
pub(crate) fn unwritten(desk: &Desk) -> Option<String> {
    if let RecordHealth::Failing { reason, since, meaning } = record_health(desk) {
        return Some(format!("The record cannot be written since {since:.0}: {reason}. Now {meaning}."));
    }
    let since = desk.authority.unwritten_since()?;
    Some(format!("The ledger cannot be written since {since:.0}: nobody can be asked, and no key changed."))
}

/// How the record stands.
pub(crate) fn record_health(desk: &Desk) -> RecordHealth {
    let Some(book) = &desk.book else { return RecordHealth::Closed };
    let failing = |since, reason: record::Reason, meaning: &str| RecordHealth::Failing {
        since,
        reason: reason.to_string(),
        meaning: meaning.to_owned(),
    };
    match book.health() {
        record::Health::Healthy => RecordHealth::Well,
        record::Health::Failing { since, reason, lost: _ } => {
            failing(since, reason, "sensitive calls are refused; others still pass")
        }
        record::Health::Closed { since, reason, lost: _ } => failing(since, reason, "all calls are refused"),
    }
}
