//! All about one key, for the admin API and the pages.

use authority::{Declined, Key, Succession};
use law::{KeyId, Power};
use record::Usage;

use crate::{
    Desk,
    api::{KeyDetails, PowerUse, ProgramUse, SourceUse, SuccessionView, UndescribedUse},
    explain::passes_alone,
    inventory,
};

/// All about one key.
pub(crate) fn of(desk: &Desk, id: KeyId) -> Result<KeyDetails, Declined> {
    let usage = desk.book.as_ref().and_then(|book| book.usage(id));
    let (key, view) = inventory::key(desk, usage.as_ref(), id)?;
    let usage = usage.unwrap_or_default();
    let children = desk
        .authority
        .view(|state| state.keys().filter(|child| child.parent() == Some(id)).map(|child| child.id).collect());
    let succession = desk.authority.view(|state| state.succession(id));
    let successor = succession.map(|Succession { successor, grace, took_over }| SuccessionView {
        key: successor,
        grace,
        took_over,
    });
    Ok(KeyDetails {
        key: view,
        first_source: key.first_source,
        header_closed: key.header_closed,
        presentable: desk.authority.facts(&key).presentable,
        powers: power_uses(desk, &key, &usage),
        sources: usage.sources().into_iter().map(source_use).collect(),
        programs: usage.programs().into_iter().map(program_use).collect(),
        undescribed: usage.undescribed().iter().map(undescribed_use).collect(),
        children,
        upstream: desk.authority.view(|state| state.name_abroad(id).map(str::to_owned)),
        predecessor: key.predecessor(),
        successor,
    })
}

fn power_uses(desk: &Desk, key: &Key, usage: &Usage) -> Vec<PowerUse> {
    let (now, law, catalogue) = (desk.now(), desk.authority.law(), desk.catalogue.load());
    let facts = desk.authority.facts(key);
    let (calls, _) = usage.powers(now);
    let power_use = |power: Power| {
        let cell = &law.law.of(facts.kind)[power];
        let having = || catalogue.operations().iter().filter(|operation| operation.powers.contains(power));
        let admits = |name: &str, powers| key.admits_from_anywhere(name, powers).is_ok();
        let alone = |operation: &&catalogue::Operation| passes_alone(&law.law, facts, admits, operation, now);
        PowerUse {
            power,
            operations: having().count(),
            without_second_factor: having().filter(alone).count(),
            guard: cell.guard.to_string(),
            enforced: cell.mode.enforces(now),
            calls: calls[power],
        }
    };
    Power::ALL.into_iter().map(power_use).collect()
}

fn program_use(seen: record::ProgramSeen) -> ProgramUse {
    let record::ProgramSeen { user_agent, last, calls } = seen;
    ProgramUse { user_agent: user_agent.map(String::from), last, calls: u64::from(calls) }
}

fn source_use(seen: record::SourceSeen) -> SourceUse {
    let record::SourceSeen { source, first, last, calls } = seen;
    SourceUse { source: source.address(), first, last, calls: u64::from(calls) }
}

fn undescribed_use(seen: &record::UndescribedSeen) -> UndescribedUse {
    let record::UndescribedSeen { request, last, calls } = seen;
    UndescribedUse { request: request.to_string(), calls: u64::from(*calls), last: *last }
}
