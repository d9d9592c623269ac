//! `greave reach`: what can be done with the API, and what of it without a second factor.

use clap::Args;
use comfy_table::Cell;
use console::api::{OperationReach, Reach, ReachFilter};
use jiff::Timestamp;
use law::{HolderKind, KeyId, Powers, Span};

use super::{Admin, Done, Outcome};
use crate::{
    client::{address, filtered},
    show::{self, ALARM, BOLD, FAINT, ago, alarm_if, aside, clean, count, lines, moment, styled},
};

#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// Only what this key reaches, and what it uses.
    pub(crate) key: Option<KeyId>,
    /// Every operation, not only the sensitive ones.
    #[arg(long)]
    pub(crate) all: bool,
    /// How far back to look for what was used; as far as the record goes for one key, 30 days
    /// for all, where nothing is said.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Span>,
}

pub(crate) async fn run(admin: &Admin, command: &Wanted) -> Outcome {
    let Wanted { key, all, since } = command;
    let of = key.map_or_else(|| address(&["reach"]), |key| address(&["reach", &key.to_string()]));
    let filter = ReachFilter { kind: None, since: *since };
    let reach: Reach = admin.client.read(&filtered(of, &filter)).await?;
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
    if reach.key.is_some() {
        page.extend(used_and_not(reach, all, now, width));
    } else if !shown.is_empty() {
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

/// What one key holds beside what it uses.
fn used_and_not(reach: &Reach, all: bool, now: Timestamp, width: Option<u16>) -> Vec<String> {
    let mut page = Vec::new();
    let held = || reach.operations.iter().filter(|operation| operation.within);
    let (mut used, never): (Vec<&OperationReach>, Vec<&OperationReach>) =
        held().partition(|operation| operation.used.is_some());
    // What was tried beyond its reach is of interest as well.
    used.extend(reach.operations.iter().filter(|operation| !operation.within && operation.used.is_some()));
    used.sort_by_key(|operation| std::cmp::Reverse(operation.used.map(|used| used.last)));
    let shown: Vec<&OperationReach> =
        never.iter().copied().filter(|operation| all || operation.powers.is_sensitive()).collect();
    let others = never.len() - shown.len();
    let more = if others > 0 { format!(", and {others} that only read or write") } else { String::new() };
    let head = format!(
        "Held and never used since {} UTC: {}{more}",
        moment(reach.since),
        count(shown.len(), if all { "operation" } else { "sensitive operation" })
    );
    page.push(styled(BOLD, head));
    if !shown.is_empty() {
        page.push(operations(&shown, now, width));
    }
    page.extend([styled(FAINT, honest(reach)), String::new()]);
    if used.is_empty() {
        page.extend([styled(BOLD, "Used: nothing"), String::new()]);
        return page;
    }
    page.push(styled(BOLD, "Used, the last first"));
    let mut table = show::table(["operation", "powers", "now", "passed", "stopped", "days", "last", "answers"]);
    for operation in used {
        let Some(seen) = operation.used else { continue };
        let rows = if seen.rows > 0 { format!(", {}", count(seen.rows, "row")) } else { String::new() };
        table.add_row([
            Cell::new(clean(&operation.operation)),
            Cell::new(operation.powers),
            passes(operation),
            Cell::new(seen.passed),
            alarm_if(seen.stopped > 0, seen.stopped),
            Cell::new(seen.days),
            Cell::new(ago(seen.last, now)),
            Cell::new(format!("{}{rows}", show::bytes(seen.bytes_out))),
        ]);
    }
    page.extend([lines(&mut table, width), String::new()]);
    page
}

/// How far back it can be known.
fn honest(reach: &Reach) -> String {
    match (reach.record_begins, reach.removed_until) {
        (Some(begins), Some(removed)) => format!(
            "the record begins at {} UTC, and some of it was removed up to {} UTC; use before is not known",
            moment(begins),
            moment(removed)
        ),
        (Some(begins), None) => format!("the record begins at {} UTC; use before is not known", moment(begins)),
        (None, _) => "nothing is recorded yet, so nothing is known of its use".to_owned(),
    }
}

/// How far a call gets now.
fn passes(operation: &OperationReach) -> Cell {
    let OperationReach { open, within, without_second_factor, powers, .. } = operation;
    let passes = match (within, open, without_second_factor) {
        (false, ..) => "out of scope",
        (true, true, _) => "anybody",
        (true, false, true) => "key alone",
        (true, false, false) => "guarded",
    };
    alarm_if(*within && (*open || *without_second_factor) && powers.is_sensitive(), passes)
}

fn operations(shown: &[&OperationReach], now: Timestamp, width: Option<u16>) -> String {
    let mut table = show::table(["operation", "powers", "now", "used"]);
    for operation in shown {
        let OperationReach { operation: name, powers, accepted, used, .. } = operation;
        let used = used.as_ref().map_or_else(String::new, |used| {
            let stopped = if used.stopped > 0 { format!(", {} stopped", used.stopped) } else { String::new() };
            format!("{}{stopped}, {}", used.passed, ago(used.last, now))
        });
        let powers_cell = if *accepted { powers.to_string() } else { format!("{powers}: not accepted yet") };
        table.add_row([Cell::new(clean(name)), alarm_if(!accepted, powers_cell), passes(operation), Cell::new(used)]);
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
    let narrow =
        reach.key.as_ref().map(|key| format!("`greave narrow {}` proposes the scope that its use leaves", key.id));
    let mut next: Vec<String> = next.into_iter().map(str::to_owned).collect();
    next.extend(narrow);
    next.push("`greave explain METHOD PATH` says why".to_owned());
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
