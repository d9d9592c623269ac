//! `greave status`: how the gate stands, on one screen.

use console::api::{GateStatus, LedgerStatus, RecordHealth, RecordStatus, StatusView, WayStatus};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{Done, Outcome, json as print_json};
use crate::{
    cli::Cli,
    client::{Client, address},
    show::{self, ALARM, BOLD, WELL, ago, bytes, clean, count, styled},
    state::{named_by, running},
};

/// A question that is older is somebody's business.
const PATIENCE: i64 = 180;

/// Where what stands right of the names begins.
const INDENT: usize = 10;

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Attention {
    /// Whether calls fail for it.
    critical: bool,
    what: String,
    /// The command that says more, or mends it.
    run: String,
}

pub(crate) async fn run(cli: &Cli, now: Timestamp) -> Outcome {
    let Some(socket) = running(&named_by(&cli.config)) else {
        let attention = [Attention {
            critical: true,
            what: "no gate runs here".to_owned(),
            run: format!("greave --config {} serve", show::word(&cli.config.display().to_string())),
        }];
        if cli.json {
            print_json(&json!({ "running": false, "attention": attention }))?;
        } else {
            show::say(needs(&attention))?;
        }
        return Ok(Done::Failing);
    };
    let view: StatusView = Client::Running(socket).read(&address(&["status"])).await?;
    let attention = attention(&view, now);
    if cli.json {
        print_json(&json!({ "running": true, "status": view, "attention": attention }))?;
    } else {
        show::say(page(&view, now))?;
        show::say(needs(&attention))?;
    }
    Ok(match attention.iter().map(|it| it.critical).max() {
        None => Done::Clean,
        Some(false) => Done::Findings,
        Some(true) => Done::Failing,
    })
}

fn page(view: &StatusView, now: Timestamp) -> String {
    let StatusView { gate, law, record, ledger, .. } = view;
    let lines = [
        (
            "gate",
            format!("runs since {} UTC ({}), version {}", show::moment(gate.since), ago(gate.since, now), gate.version),
        ),
        ("law", of_law(view, law)),
        ("upstream", of_upstream(gate)),
        ("keys", of_keys(view)),
        ("calls", of_calls(gate, now)),
        ("questions", of_questions(view, now)),
        ("watch", format!("{} contained", count(view.keys_contained as u64, "key"))),
        ("told by", of_ways(&gate.told_by, "nobody: `[tell]` names neither a webhook nor mail", |_| None)),
        (
            "drains",
            of_ways(&gate.drains, "none", |way| (way.waiting > 0).then(|| format!("{} behind", bytes(way.waiting)))),
        ),
        ("record", of_record(record, gate.record_cap, now)),
        ("disk", of_disk(record)),
        ("ledger", of_ledger(ledger, now)),
    ];
    let line = |(name, text): &(&str, String)| {
        show::wrapped(&format!("{} {text}", styled(BOLD, format!("{name:<9}"))), INDENT, show::width().or(Some(80)))
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn of_law(view: &StatusView, digest: &str) -> String {
    let digest = digest.get(..16).unwrap_or(digest);
    let binds = if view.observing.is_any() { view.observing.to_string() } else { "enforced".to_owned() };
    let waits = if view.law_waits { "; a weaker one waits for a code" } else { "" };
    format!("{digest}, {binds}{waits}")
}

fn of_upstream(gate: &GateStatus) -> String {
    let upstream = clean(&gate.upstream);
    match &gate.upstream_unreachable {
        None => format!("{upstream}: takes connections"),
        Some(why) => format!("{upstream}: {}", styled(ALARM, clean(why))),
    }
}

fn of_keys(view: &StatusView) -> String {
    let StatusView { keys_working, keys_disabled, keys_ended, .. } = view;
    format!("{keys_working} work, {keys_disabled} disabled, {keys_ended} ended, retired or revoked")
}

fn of_calls(gate: &GateStatus, now: Timestamp) -> String {
    let GateStatus { passed, asked, refused, unknown, held, since, .. } = gate;
    let time = if now.duration_since(*since).as_secs() < 3600 { "since the start" } else { "in the last hour" };
    format!(
        "{time} {passed} passed, {refused} refused, {asked} left with a question; {unknown} with an unknown key; \
         {held} held now"
    )
}

fn of_questions(view: &StatusView, now: Timestamp) -> String {
    let oldest =
        view.oldest_question.map_or_else(String::new, |oldest| format!(", the oldest asked {}", ago(oldest, now)));
    format!("{} open{oldest}", view.questions)
}

fn of_ways(ways: &[WayStatus], none: &str, more: impl Fn(&WayStatus) -> Option<String>) -> String {
    let of_way = |way: &WayStatus| {
        let state = way.failing_since.map(|_| styled(ALARM, "nothing arrives"));
        let more = state.into_iter().chain(more(way)).collect::<Vec<_>>().join(", ");
        let name = clean(&way.name);
        if more.is_empty() { name } else { format!("{name} ({more})") }
    };
    if ways.is_empty() { none.to_owned() } else { ways.iter().map(of_way).collect::<Vec<_>>().join(", ") }
}

fn of_record(record: &RecordStatus, cap: u64, now: Timestamp) -> String {
    let begins =
        record.begins.map_or_else(|| "is empty".to_owned(), |begins| format!("since {} UTC", show::moment(begins)));
    let newest =
        record.synced.map_or_else(|| "nothing written yet".to_owned(), |at| format!("last written {}", ago(at, now)));
    let health = match &record.health {
        RecordHealth::Well => String::new(),
        RecordHealth::Closed => format!("; {}", styled(ALARM, "it is closed")),
        RecordHealth::Failing { .. } => format!("; {}", styled(ALARM, "it cannot be written")),
    };
    format!("{begins}, {newest}; {} of {} ({}%){health}", bytes(record.bytes), bytes(cap), percent(record.bytes, cap))
}

fn of_disk(record: &RecordStatus) -> String {
    format!("{} of {} free ({}%)", bytes(record.free), bytes(record.size), percent(record.free, record.size))
}

fn of_ledger(ledger: &LedgerStatus, now: Timestamp) -> String {
    let signed = if ledger.signed {
        "its checkpoint is signed".to_owned()
    } else {
        styled(ALARM, "its checkpoint does not cover it")
    };
    let unwritten = ledger.unwritten_since.map_or_else(String::new, |since| {
        format!("; {}", styled(ALARM, format!("it cannot be written since {}", ago(since, now))))
    });
    format!(
        "{}, {signed}{unwritten}",
        if ledger.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", ledger.entries) }
    )
}

fn percent(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 100 / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

/// What somebody should look at, the worst first.
fn attention(view: &StatusView, now: Timestamp) -> Vec<Attention> {
    let mut found = Vec::new();
    let mut find = |critical: bool, what: String, run: &str| {
        found.push(Attention { critical, what, run: run.to_owned() });
    };
    let StatusView { gate, record, ledger, .. } = view;
    if let RecordHealth::Failing { reason, since, meaning } = &record.health {
        find(
            true,
            format!("the record cannot be written since {since:.0}: {reason}; {meaning}"),
            "df -h; journalctl -u greave",
        );
    }
    if let Some(since) = ledger.unwritten_since {
        find(
            true,
            format!("the ledger cannot be written since {since:.0}: nobody can be asked"),
            "df -h; journalctl -u greave",
        );
    }
    if let Some(why) = &gate.upstream_unreachable {
        find(true, format!("the API cannot be reached: {}", clean(why)), "greave check");
    }
    if !ledger.signed {
        find(true, "the ledger's checkpoint does not cover what stands in it".to_owned(), "greave ledger verify");
    }
    if let Some(oldest) = view.oldest_question.filter(|oldest| now.duration_since(*oldest).as_secs() >= PATIENCE) {
        find(
            false,
            format!("a question has been open for {}", ago(oldest, now).trim_end_matches(" ago")),
            "greave questions",
        );
    }
    if view.questions_untold > 0 {
        let what = format!("nobody could be told of {}", count(view.questions_untold, "question"));
        find(false, what, "greave questions");
    }
    if view.keys_contained > 0 {
        let what = format!("the watch contains {}", count(view.keys_contained as u64, "key"));
        find(false, what, "greave watch");
    }
    for way in gate.told_by.iter().filter(|way| way.failing_since.is_some()) {
        let why = way.why.as_deref().unwrap_or_default();
        find(false, format!("people are not told by {}: {}", clean(&way.name), clean(why)), "greave check");
    }
    if gate.told_by.is_empty() {
        find(false, "nobody is told of a call that waits: `[tell]` names no way".to_owned(), "greave questions");
    }
    for drain in gate.drains.iter().filter(|drain| drain.failing_since.is_some()) {
        find(false, format!("the drain {} gets nothing", clean(&drain.name)), "greave drains");
    }
    if record.size > 0 && percent(record.free, record.size) < 5 {
        let what = format!("{} are free on the record's disk", bytes(record.free));
        find(false, what, "df -h");
    }
    if view.law_waits {
        find(false, "something weaker waits for a code: whose is it?".to_owned(), "greave law show");
    }
    if view.observing.is_any() {
        find(false, "guards only observe: nothing is asked that they would ask".to_owned(), "greave guards preview");
    }
    if !view.at_next_start.is_empty() {
        let what = format!("in force, and taken over at the next start: {}", view.at_next_start.join(", "));
        find(false, what, "systemctl restart greave");
    }
    found.sort_by_key(|it| !it.critical);
    found
}

fn needs(attention: &[Attention]) -> String {
    if attention.is_empty() {
        return styled(WELL, "\nnothing needs attention");
    }
    let line = |it: &Attention| {
        let mark = if it.critical { "!!" } else { "! " };
        let text = format!("{} {}: `{}`", styled(ALARM, mark), it.what, it.run);
        show::wrapped(&text, 3, show::width().or(Some(80)))
    };
    let lines: Vec<String> = attention.iter().map(line).collect();
    format!("\n{}\n{}", styled(BOLD, "Needs attention"), lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use console::api::Observing;
    use jiff::SignedDuration;

    use super::*;
    use crate::commands::testing::{NOW, plain};

    fn way(name: &str, failing: bool) -> WayStatus {
        let failing_since = failing.then_some(NOW - SignedDuration::from_mins(20));
        WayStatus {
            name: name.to_owned(),
            failing_since,
            why: failing.then(|| "it answers 503".to_owned()),
            waiting: 0,
            lost: 0,
        }
    }

    fn well() -> StatusView {
        StatusView {
            gate: GateStatus {
                version: "0.1.0".to_owned(),
                since: NOW - SignedDuration::from_hours(50),
                upstream: "http://127.0.0.1:8000".to_owned(),
                upstream_unreachable: None,
                passed: 12_044,
                asked: 3,
                refused: 41,
                unknown: 12,
                held: 0,
                told_by: vec![way("https://hooks.example.com", false), way("mail mail.example.com:587", false)],
                drains: vec![way("siem", false)],
                record_cap: 8 << 30,
            },
            law: "4c9a2a1f00aa5be177".to_owned(),
            observing: Observing { everything: false, cells: Vec::new() },
            law_waits: false,
            at_next_start: Vec::new(),
            keys_working: 31,
            keys_disabled: 2,
            keys_ended: 5,
            keys_contained: 0,
            questions: 0,
            oldest_question: None,
            questions_untold: 0,
            record: RecordStatus {
                health: RecordHealth::Well,
                begins: Some(NOW - SignedDuration::from_hours(2000)),
                synced: Some(NOW - SignedDuration::from_secs(1)),
                pending: 0,
                bytes: 3 << 30,
                free: 60 << 30,
                size: 250 << 30,
            },
            ledger: LedgerStatus { entries: 812, signed: true, unwritten_since: None },
        }
    }

    fn screen(view: &StatusView) -> String {
        let text = plain(&format!("{}\n{}", page(view, NOW), needs(&attention(view, NOW))));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.lines().count() <= 40, "{text}");
        text
    }

    #[test]
    fn what_is_well_is_one_short_screen() {
        insta::assert_snapshot!("status_well", screen(&well()));
    }

    #[test]
    fn what_needs_attention_stands_below_the_worst_first_with_its_command() {
        let mut ill = well();
        ill.gate.upstream_unreachable = Some("cannot connect: Connection refused (os error 111)".to_owned());
        ill.gate.told_by = vec![way("https://hooks.example.com", true)];
        ill.gate.drains = vec![way("siem", true)];
        (ill.questions, ill.oldest_question) = (2, Some(NOW - SignedDuration::from_mins(12)));
        (ill.questions_untold, ill.keys_contained, ill.law_waits) = (1, 1, true);
        ill.at_next_start = vec!["gate.listen".to_owned()];
        ill.record.health = RecordHealth::Failing {
            reason: "the disk is full".to_owned(),
            since: NOW - SignedDuration::from_mins(3),
            meaning: "sensitive calls are refused; others still pass".to_owned(),
        };
        ill.record.free = 0;
        ill.ledger =
            LedgerStatus { entries: 812, signed: false, unwritten_since: Some(NOW - SignedDuration::from_mins(2)) };
        insta::assert_snapshot!("status_ill", screen(&ill));
        let critical: Vec<bool> = attention(&ill, NOW).iter().map(|it| it.critical).collect();
        assert!(critical.is_sorted_by(|one, other| one >= other), "{critical:?}");
    }

    #[test]
    fn a_question_that_was_just_asked_is_nobodys_fault() {
        let mut view = well();
        (view.questions, view.oldest_question) = (1, Some(NOW - SignedDuration::from_secs(PATIENCE - 1)));
        assert_eq!(attention(&view, NOW), []);
        view.oldest_question = Some(NOW - SignedDuration::from_secs(PATIENCE));
        assert_eq!(attention(&view, NOW).len(), 1);
    }
}
