//! `greave reach`: what can be done with the API, and what of it without a second factor.

use comfy_table::Cell;
use console::api::{OperationReach, Reach, ReachFilter};
use jiff::Timestamp;
use law::{HolderKind, Powers};

use super::{Admin, Done, Outcome};
use crate::{
    cli,
    client::{address, filtered},
    show::{self, ALARM, BOLD, FAINT, ago, alarm_if, aside, clean, count, lines, styled},
};

pub(crate) async fn run(admin: &Admin, command: &cli::Reach) -> Outcome {
    let cli::Reach { key, all } = command;
    let of = key.map_or_else(|| address(&["reach"]), |key| address(&["reach", &key.to_string()]));
    let reach: Reach = admin.client.read(&filtered(of, &ReachFilter::default())).await?;
    admin.tell_observing().await?;
    for damage in &reach.damage {
        aside(ALARM, damage);
    }
    admin.answer(&reach, || page(&reach, *all, admin.now, None))?;
    Ok(if reach.damage.is_empty() { Done::Clean } else { Done::Findings })
}

fn page(reach: &Reach, all: bool, now: Timestamp, width: Option<u16>) -> String {
    let mut page = vec![styled(BOLD, title(reach)), powers(reach, width), String::new()];
    let shown: Vec<&OperationReach> =
        reach.operations.iter().filter(|operation| all || operation.powers.is_sensitive()).collect();
    if !shown.is_empty() {
        page.push(styled(BOLD, if all { "Every operation" } else { "Sensitive operations" }));
        page.push(operations(&shown, now, width));
        page.push(String::new());
    }
    if !reach.undescribed.is_empty() {
        page.push(styled(ALARM, "Called, and not described by the document: it counts as every power"));
        let mut table = show::table(["request", "calls", "last"]);
        for seen in &reach.undescribed {
            table.add_row([clean(&seen.request), seen.calls.to_string(), ago(seen.last, now)]);
        }
        page.push(lines(&mut table, width));
        page.push(String::new());
    }
    page.push(styled(FAINT, next(reach, all)));
    page.join("\n")
}

fn title(reach: &Reach) -> String {
    let who = match &reach.key {
        Some(key) => show::key(key.id, key.name.as_deref(), key.holder.as_deref()),
        None => format!("any key of a {}", reach.kind),
    };
    let alone = |powers: Powers| {
        let passing = reach.operations.iter().filter(|operation| operation.without_second_factor);
        passing.filter(|operation| !operation.powers.intersection(powers).is_empty()).count()
    };
    let (all, sensitive) = (alone(Powers::EVERY), alone(Powers::SENSITIVE));
    let operations = count(reach.operations.len(), "operation");
    format!("With {who}, {all} of {operations} pass without a second factor now, {sensitive} of them sensitive")
}

fn powers(reach: &Reach, width: Option<u16>) -> String {
    let mut table = show::table(["power", "operations", "without 2FA", "used", "requires", "mode"]);
    for power in &reach.powers {
        let (guard, alone) = (&power.guard, power.without_second_factor);
        table.add_row([
            Cell::new(guard.power),
            Cell::new(power.operations),
            alarm_if(alone > 0 && guard.power.is_sensitive(), alone),
            Cell::new(power.used),
            Cell::new(&guard.guard),
            alarm_if(!guard.enforced && guard.power.is_sensitive(), &guard.mode),
        ]);
    }
    lines(&mut table, width)
}

fn operations(shown: &[&OperationReach], now: Timestamp, width: Option<u16>) -> String {
    let mut table = show::table(["operation", "powers", "now", "used"]);
    for operation in shown {
        let OperationReach { operation: name, powers, open, accepted, without_second_factor, used, .. } = operation;
        let passes = match (open, without_second_factor) {
            (true, _) => "anybody",
            (false, true) => "key alone",
            (false, false) => "guarded",
        };
        let used = used.as_ref().map_or_else(String::new, |used| {
            let stopped = if used.stopped > 0 { format!(", {} stopped", used.stopped) } else { String::new() };
            format!("{}{stopped}, {}", used.passed, ago(used.last, now))
        });
        let powers_cell = if *accepted { powers.to_string() } else { format!("{powers}: not accepted yet") };
        table.add_row([
            Cell::new(clean(name)),
            alarm_if(!accepted, powers_cell),
            alarm_if((*open || *without_second_factor) && powers.is_sensitive(), passes),
            Cell::new(used),
        ]);
    }
    lines(&mut table, width)
}

fn next(reach: &Reach, all: bool) -> String {
    let mut next = Vec::new();
    if !all {
        next.push("`--all` shows every operation");
    }
    if reach.operations.iter().any(|operation| !operation.accepted) {
        next.push("`greave catalogue drift` shows what is not accepted");
    }
    if reach.kind == HolderKind::Person && reach.key.is_none() {
        next.push("`greave reach KEY` shows one key's");
    }
    next.push("`greave explain METHOD PATH` says why");
    next.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::{self, NOW, plain};

    #[test]
    fn what_any_key_reaches_is_a_page() {
        let text = plain(&page(&testing::reach(), false, NOW, Some(100)));
        assert!(!text.contains("GET /users "), "what is not sensitive is counted, not listed");
        insta::assert_snapshot!("reach", text);
    }

    #[test]
    fn what_one_key_reaches_is_named_with_its_holder() {
        let reach = Reach { key: Some(testing::key(17)), kind: HolderKind::Workload, ..testing::reach() };
        insta::assert_snapshot!("reach_key", plain(&page(&reach, true, NOW, Some(100))));
    }
}
