//! What can be done, with what, and why.

use std::sync::Arc;

use authority::Key;
use axum::{
    Json,
    extract::{Path, State},
};
use catalogue::Operation;
use law::{Factors, HolderKind, KeyFacts, KeyId, Power, Span, Standing};

use super::{
    Admin,
    json::{Filter, id},
    law::ago,
};
use crate::{
    Desk,
    api::{ExplainFilter, Explanation, KeyView, OperationReach, PowerReach, Problem, Reach, ReachFilter},
    explain::{self, evidence, passes_alone},
    inventory, ruling,
    traffic::{self, Uses},
};

/// How far back to look for what was used where nothing is said.
const MONTH: Span = Span::days(30);

pub(super) async fn all(
    State(admin): State<Arc<Admin>>,
    Filter(ReachFilter { kind, since }): Filter<ReachFilter>,
) -> Result<Json<Reach>, Problem> {
    // Any key of that kind: one that works and for which nobody can be asked.
    let any = KeyFacts {
        id: KeyId(0),
        kind: kind.unwrap_or_default(),
        standing: Standing::Active,
        end: None,
        holder_left: false,
        parent_stopped: false,
        presentable: Factors::NONE,
    };
    reach(&admin.desk, None, any, Some(since.unwrap_or(MONTH))).await
}

pub(super) async fn of_key(
    State(admin): State<Arc<Admin>>,
    Path(key): Path<String>,
    Filter(ReachFilter { kind, since }): Filter<ReachFilter>,
) -> Result<Json<Reach>, Problem> {
    if kind.is_some() {
        return Err(Problem::unfit("a key has the kind of its holder; leave `kind` out"));
    }
    let (id, desk) = (id(&key)?, &admin.desk);
    let usage = desk.book.as_ref().and_then(|book| book.usage(id));
    let (key, view) = inventory::key(desk, usage.as_ref(), id)?;
    let facts = desk.authority.facts(&key);
    reach(desk, Some((key, view)), facts, since).await
}

async fn reach(
    desk: &Desk,
    key: Option<(Arc<Key>, KeyView)>,
    facts: KeyFacts,
    since: Option<Span>,
) -> Result<Json<Reach>, Problem> {
    let (now, folder, of) = (desk.now(), desk.record.clone(), key.as_ref().map(|(key, _)| key.id));
    let (since, past) = (since.map(|since| ago(now, since)), desk.past.then_some(now));
    let Uses { operations: uses, undescribed, span, damage } =
        traffic::reading(move || traffic::uses(&folder, of, since, past)).await?;
    let (law, catalogue) = (desk.authority.law(), desk.catalogue.load());
    let admits =
        |name: &str, powers| key.as_ref().is_none_or(|(key, _)| key.admits_from_anywhere(name, powers).is_ok());
    let operation_reach = |operation: &Operation| OperationReach {
        operation: operation.name.to_string(),
        summary: operation.summary.clone(),
        powers: operation.powers,
        evidence: evidence(operation, None),
        open: operation.open,
        within: admits(&operation.name, operation.powers),
        accepted: operation.accepted,
        without_second_factor: passes_alone(&law.law, facts, admits, operation, now),
        used: uses.get(&operation.name).copied(),
    };
    let operations: Vec<OperationReach> = catalogue.operations().iter().map(operation_reach).collect();
    let powers =
        Power::ALL.into_iter().map(|power| power_reach(&law.law, facts.kind, power, &operations, now)).collect();
    let record::Span { begins: record_begins, removed_until } = span;
    let since = since.or(record_begins).unwrap_or(now);
    let (key, kind) = (key.map(|(_, view)| view), facts.kind);
    Ok(Json(Reach { key, kind, powers, operations, undescribed, since, record_begins, removed_until, damage }))
}

fn power_reach(
    law: &law::Law,
    kind: HolderKind,
    power: Power,
    operations: &[OperationReach],
    now: jiff::Timestamp,
) -> PowerReach {
    let having = || operations.iter().filter(|operation| operation.powers.contains(power));
    PowerReach {
        guard: ruling::guarded(power, &law.of(kind)[power], now),
        operations: having().count(),
        without_second_factor: having().filter(|operation| operation.without_second_factor).count(),
        // What was only tried was not used.
        used: having().filter(|operation| operation.used.is_some_and(|used| used.passed > 0)).count(),
    }
}

pub(super) async fn explain(
    State(admin): State<Arc<Admin>>,
    Filter(asked): Filter<ExplainFilter>,
) -> Result<Json<Explanation>, Problem> {
    Ok(Json(explain::explain(&admin.desk, &asked)?))
}
