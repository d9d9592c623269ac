//! The record of calls, and the ledger of changes.

use std::sync::Arc;

use authority::{Actor, Failed};
use axum::{
    Json,
    extract::{Path, State},
};
use law::Span;
use record::{Filter as CallsWanted, Statuses, VerdictKind};
use serde_json::{Map, Value};

use super::{Admin, json::Filter, law::ago};
use crate::{
    Events,
    api::{
        CallFilter, CallList, Checkpoint, LedgerEntry, LedgerEvents, LedgerFilter, LedgerList, LedgerProof,
        LedgerVerified, Problem, ProvenEntry,
    },
    inventory, ruling, traffic,
};

const DAY: Span = Span::days(1);
/// What is given out at most.
const MOST_CALLS: usize = 10_000;
const MOST_ENTRIES: u32 = 1000;
/// What is kept of secrets; it has no business outside the state.
const KEPT_OF_SECRETS: [&str; 4] = ["verifier", "folded", "token", "recovery"];

pub(super) async fn calls(
    State(admin): State<Arc<Admin>>,
    Filter(filter): Filter<CallFilter>,
) -> Result<Json<CallList>, Problem> {
    let (folder, most) = (admin.desk.record.clone(), filter.last.unwrap_or(50).min(MOST_CALLS));
    let wanted = wanted(&admin, filter)?;
    Ok(Json(traffic::reading(move || traffic::calls(folder, &wanted, most)).await?))
}

fn wanted(admin: &Admin, filter: CallFilter) -> Result<CallsWanted, Problem> {
    let CallFilter { key, holder, who, operation, power, source, decision, status, since, last: _ } = filter;
    let holder = holder.map(|named| admin.desk.authority.view(|state| inventory::holder(state, &named))).transpose()?;
    let network = |text: String| {
        let address = text.parse::<std::net::IpAddr>().map(Into::into);
        address.or_else(|_| text.parse()).map_err(|_| {
            Problem::unfit(format!("`{text}` is no address and no network; write for example `192.0.2.0/24`"))
        })
    };
    Ok(CallsWanted {
        key,
        holder,
        who,
        operation,
        power,
        source: source.map(network).transpose()?,
        verdict: decision.map(|word| word.parse::<VerdictKind>()).transpose()?,
        status: status.map(|word| word.parse::<Statuses>()).transpose()?,
        since: Some(ago(admin.desk.now(), since.unwrap_or(DAY))),
        until: None,
    })
}

pub(super) async fn ledger(
    State(admin): State<Arc<Admin>>,
    Filter(LedgerFilter { from, limit }): Filter<LedgerFilter>,
) -> Result<Json<LedgerList>, Problem> {
    let authority = &admin.desk.authority;
    let (len, limit) = (ruling::len(authority).await?, limit.unwrap_or(30).min(MOST_ENTRIES));
    let from = from.unwrap_or_else(|| len.saturating_sub(u64::from(limit)).saturating_add(1)).max(1);
    let entries = authority.store().entries(from, limit).await.map_err(Failed::from)?;
    let entries = entries.into_iter().map(|entry| {
        let mut particulars: Map<String, Value> = serde_json::from_str(&entry.change).unwrap_or_default();
        let by = particulars.remove("by").and_then(|by| serde_json::from_value(by).ok()).unwrap_or(Actor::Gate);
        let change = particulars.remove("change");
        for kept in KEPT_OF_SECRETS {
            particulars.remove(kept);
        }
        LedgerEntry {
            seq: entry.seq,
            at: entry.at,
            by,
            change: change.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(),
            particulars,
            hash: entry.hash.to_string(),
        }
    });
    Ok(Json(LedgerList { entries: entries.collect(), len }))
}

pub(super) async fn events(
    State(admin): State<Arc<Admin>>,
    Filter(LedgerFilter { from, limit }): Filter<LedgerFilter>,
) -> Result<Json<LedgerEvents>, Problem> {
    let authority = &admin.desk.authority;
    let (len, limit) = (ruling::len(authority).await?, limit.unwrap_or(30).min(MOST_ENTRIES));
    let from = from.unwrap_or_else(|| len.saturating_sub(u64::from(limit)).saturating_add(1)).max(1);
    let entries = authority.store().entries(from, limit).await.map_err(Failed::from)?;
    let event = |entry: &store::Entry| {
        let Events(event) = admin.desk.events.as_ref()?;
        authority.view(|state| event(state, entry))
    };
    Ok(Json(LedgerEvents { events: entries.iter().filter_map(event).collect() }))
}

/// What proves one entry, unless it holds what is kept of a secret.
pub(super) async fn proof(
    State(admin): State<Arc<Admin>>,
    Path(seq): Path<String>,
) -> Result<Json<LedgerProof>, Problem> {
    let none = "there is no such entry; `greave ledger show` lists them";
    let seq = seq.parse().map_err(|_| Problem::not_found(none))?;
    let link = admin.desk.authority.store().link(seq).await.map_err(Failed::from)?;
    let store::Link { before, entries, checkpoint } = link.ok_or_else(|| Problem::not_found(none))?;
    let is_kept = |(_, change): &(jiff::Timestamp, String)| {
        let particulars: Map<String, Value> = serde_json::from_str(change).unwrap_or_default();
        KEPT_OF_SECRETS.iter().any(|kept| particulars.contains_key(*kept))
    };
    if entries.iter().any(is_kept) {
        return Ok(Json(LedgerProof::default()));
    }
    let entries = entries.into_iter().map(|(at, change)| ProvenEntry { at: at.as_millisecond(), change });
    Ok(Json(LedgerProof { before: before.head.to_string(), entries: entries.collect(), checkpoint }))
}

pub(super) async fn verify(State(admin): State<Arc<Admin>>) -> Result<Json<LedgerVerified>, Problem> {
    let store = admin.desk.authority.store();
    let chain = store.verify().await.map_err(Failed::from)?;
    let checkpoint = store.checkpoint().await.map_err(Failed::from)?;
    let authority = &admin.desk.authority;
    let trimmed = authority.view(|state| state.trimmed().clone());
    // Beside a ledger of the past stands what is sealed today.
    let misplaced = if admin.desk.past { Vec::new() } else { authority.misplaced().await? };
    let misplaced = misplaced.iter().map(ToString::to_string).collect();
    Ok(Json(LedgerVerified { entries: chain.len, head: chain.head.to_string(), checkpoint, trimmed, misplaced }))
}

pub(super) async fn checkpoint(State(admin): State<Arc<Admin>>) -> Result<Json<Checkpoint>, Problem> {
    let store = admin.desk.authority.store();
    let note = store.checkpoint().await.map_err(Failed::from)?;
    Ok(Json(Checkpoint { note, key: store.signer().verifier().to_string() }))
}
