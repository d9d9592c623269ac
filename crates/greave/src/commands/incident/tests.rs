use clap::Parser as _;
use console::api::KeyView;
use law::{Ended, Power, Refusal, Verdict};
use record::Joined;
use serde_json::json;

use super::*;
use crate::{
    cli::When,
    commands::testing::{self, NOW, at, plain},
};

fn wanted() -> Wanted {
    Wanted {
        key: KeyId(17),
        since: When::Ago(law::Span::days(1)),
        until: None,
        format: ReportFormat::Terminal,
        bundle: None,
    }
}

fn call(seconds: i64, operation: &str, powers: Powers, verdict: Verdict, status: u16) -> Joined {
    let mut joined = testing::call(u64::try_from(2_000_000 + seconds).unwrap(), operation, verdict, status);
    joined.call.at = at(seconds);
    joined.call.powers = powers;
    joined
}

/// A month of quiet reads, and then somebody else.
fn calls() -> Calls {
    let mut calls = Calls::default();
    let since = at(-86_400);
    for day in 2..30 {
        calls.note(&call(-day * 4_000 - 86_400, "GET /users", Power::Read.into(), Verdict::Permit, 200), since);
    }
    calls.note(&call(-50_000, "GET /users", Power::Read.into(), Verdict::Permit, 200), since);
    let thief = |seconds, operation, powers, verdict, status| {
        let mut joined = call(seconds, operation, powers, verdict, status);
        joined.call.source = "203.0.113.66".parse().unwrap();
        joined.call.user_agent = Some("x` | <img src=x onerror=alert(1)>\u{1b}[2J\n# Head".to_owned());
        joined
    };
    calls.note(&thief(-9_000, "GET /users", Power::Read.into(), Verdict::Permit, 200), since);
    let mut export = thief(-8_900, "GET /export", Power::Export.into(), Verdict::Permit, 200);
    if let Some(outcome) = &mut export.outcome {
        (outcome.bytes_out, outcome.rows, outcome.ended) = (497_000, Some(4_127), Ended::Whole);
    }
    calls.note(&export, since);
    let mut minted = thief(-8_800, "POST /users/{name}/tokens", Power::Mint.into(), Verdict::Permit, 201);
    if let Some(outcome) = &mut minted.outcome {
        outcome.minted = Some(KeyId(20));
    }
    calls.note(&minted, since);
    let refused = Verdict::Refuse(Refusal::Disabled);
    calls.note(&thief(-8_000, "DELETE /users/{name}", Power::Destroy.into(), refused, 401), since);
    calls
}

fn entry(seq: u64, seconds: i64, by: authority::Actor, change: &str, particulars: Value) -> LedgerEntry {
    let Value::Object(particulars) = particulars else { unreachable!() };
    LedgerEntry { seq, at: at(seconds), by, change: change.to_owned(), particulars, hash: String::new() }
}

pub(super) fn incident(stopped: bool) -> Incident {
    let mut key = testing::key_details();
    if stopped {
        key.key = KeyView { standing: Standing::Disabled, reach: Powers::NONE, ..key.key };
    }
    let mut calls = calls();
    let mut ledger =
        Ledger { key: KeyId(17), asked: HashSet::new(), done: Vec::new(), more: 0, in_force: BTreeMap::new() };
    let ann = authority::Actor::Person(law::HolderId(1));
    let operator = authority::Actor::Operator;
    for entry in [
        entry(3, -90_000, operator, "law-loaded", json!({"digest": "ab".repeat(32), "page": "x\ny"})),
        entry(4, -89_000, authority::Actor::Gate, "key-adopted", json!({"id": "k99", "place": "header"})),
        entry(
            11,
            -8_700,
            authority::Actor::Gate,
            "asked",
            json!({"id": "c9", "question": {"key": "k17", "operation": "DELETE /x"}}),
        ),
        entry(12, -8_650, authority::Actor::Gate, "asked", json!({"id": "c10", "question": {"key": "k18"}})),
        entry(13, -8_500, ann, "denied", json!({"challenge": "c9", "not_me": true})),
        entry(
            14,
            -8_400,
            ann,
            "key-disabled",
            json!({"key": "k17", "why": "a person said that a call was not theirs"}),
        ),
        entry(15, -8_300, ann, "denied", json!({"challenge": "c10"})),
    ] {
        ledger.note(entry, at(-86_400), NOW, &testing::holders());
    }
    let children = vec![Child {
        key: KeyId(20),
        parent: KeyId(17),
        name: Some("backup".to_owned()),
        standing: Standing::Active,
        works: true,
        born: at(-8_800),
        last_used: None,
        passed: 0,
        reach: Powers::SENSITIVE,
    }];
    let reach = Reach { key: Some(key.key.clone()), ..testing::reach() };
    let radius = radius(&key, &reach, NOW);
    let timeline = timeline(&mut calls, &ledger.done);
    let next = next((&wanted(), NOW), &key, &calls, &children, &radius, &[ChallengeId(8)]);
    Incident {
        key,
        since: at(-86_400),
        until: NOW,
        made: NOW,
        record_begins: Some(at(-40 * 86_400)),
        removed_until: None,
        timeline,
        calls,
        children,
        more_children: 0,
        done: ledger.done,
        more_done: 0,
        in_force: ledger.in_force.into_values().collect(),
        radius,
        next,
    }
}

#[test]
fn an_incident_is_a_page() {
    insta::assert_snapshot!("incident", plain(&incident(false).terminal(Some(140))));
}

#[test]
fn an_incident_is_a_ticket() {
    let text = incident(true).markdown();
    assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text}");
    let outside: String = text.split('`').step_by(2).collect();
    assert!(!outside.contains("<img"), "what the caller sent is within code: {text}");
    assert!(text.contains("by ann") && !outside.contains("by ann"), "names are what somebody chose: {text}");
    insta::assert_snapshot!("incident_markdown", text);
}

#[test]
fn only_what_is_new_against_before_is_told_as_new() {
    let incident = incident(false);
    let new: Vec<&str> =
        incident.calls.sources.iter().filter(|(_, from)| from.new).map(|(source, _)| &**source).collect();
    assert_eq!(new, ["203.0.113.66"]);
    assert!(!incident.calls.operations["GET /users"].new && incident.calls.operations["GET /export"].new);
    assert_eq!((incident.calls.before, incident.calls.passed, incident.calls.stopped), (28, 4, 1));
    assert_eq!((incident.calls.rows, incident.calls.minted[0].key), (4_127, KeyId(20)));
    // Without a time before there is nothing to be new against.
    let mut alone = Calls::default();
    alone.note(&call(-60, "GET /users", Power::Read.into(), Verdict::Permit, 200), at(-86_400));
    assert!(alone.sources.values().all(|from| !from.new) && !alone.operations["GET /users"].new);
}

#[test]
fn the_ledger_tells_what_concerns_the_key_and_nothing_else() {
    let incident = incident(false);
    assert_eq!(incident.done.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [11, 13, 14]);
    assert_eq!(incident.in_force.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [3]);
}

#[test]
fn every_next_step_is_a_command() {
    let steps = [incident(false).next, incident(true).next].concat();
    assert!(steps.iter().any(|next| next.command == "greave keys disable k20 --why incident"));
    for Next { command, .. } in &steps {
        let words: Vec<&str> = command.split(' ').collect();
        assert!(Cli::try_parse_from(&words).is_ok(), "{command}");
    }
    assert!(!incident(true).next.iter().any(|next| next.command.starts_with("greave keys disable k17")));
}

#[test]
fn a_million_different_sources_are_not_a_million_lines() {
    let mut calls = Calls::default();
    for number in 0..3_000_u32 {
        let mut joined = call(-60, "GET /users", Power::Read.into(), Verdict::Permit, 200);
        joined.call.source = std::net::Ipv4Addr::from_bits(number).into();
        joined.call.user_agent = Some(number.to_string());
        calls.note(&joined, at(-86_400));
    }
    assert_eq!((calls.sources.len(), calls.other_sources), (1_000, 2_000));
    assert_eq!((calls.programs.len(), calls.other_programs), (1_000, 2_000));
    assert!(calls.timeline.len() < 100);
}

#[test]
fn a_thief_who_mints_many_keys_hides_none_behind_them() {
    let mut calls = Calls::default();
    for number in 0..1_500 {
        let mut joined = call(-60, "POST /users/{name}/tokens", Power::Mint.into(), Verdict::Permit, 201);
        if let Some(outcome) = &mut joined.outcome {
            outcome.minted = Some(KeyId(1_000 + number));
        }
        calls.note(&joined, at(-86_400));
    }
    assert_eq!((calls.minted.len(), calls.more_minted, calls.made.len()), (1_000, 500, 1_500));
    let child = |number: u64| Child { key: KeyId(1_000 + number), ..incident(false).children.remove(0) };
    let children: Vec<Child> = (0..15).map(child).collect();
    let incident = incident(false);
    let next = next((&wanted(), NOW), &incident.key, &calls, &children, &incident.radius, &[]);
    assert!(next.iter().any(|next| next.why.ends_with("5 more live")), "{next:?}");
    let page = Incident { calls, children, more_children: 7, ..incident }.markdown();
    assert!(page.contains("and 7 more") && page.contains("it minted 1500 keys"), "{page}");
}

#[test]
fn operations_that_somebody_made_up_are_not_a_million_lines() {
    let mut calls = Calls::default();
    for number in 0..12_000 {
        calls.note(&call(-60, &format!("A{number} *"), Powers::EVERY, Verdict::Permit, 404), at(-86_400));
    }
    assert_eq!(calls.operations.len(), 10_001);
    assert_eq!(calls.operations.values().map(|did| did.passed).sum::<u64>(), 12_000);
}

#[test]
fn rows_that_nobody_counted_are_not_told_as_none() {
    let mut calls = Calls::default();
    let mut one = |operation: &str, status, bytes, rows| {
        let mut joined = call(-60, operation, Power::Export.into(), Verdict::Permit, status);
        if let Some(outcome) = &mut joined.outcome {
            (outcome.bytes_out, outcome.rows) = (bytes, rows);
        }
        calls.note(&joined, at(-86_400));
    };
    one("GET /users", 200, 900, Some(40));
    one("GET /export", 200, 39_500, None);
    one("GET /export", 404, 20, None);
    one("DELETE /x", 204, 0, None);
    let incident = Incident { calls, ..incident(false) };
    let told = "at least 40 rows went out; of 1 answer (39.5 kB) rows are not counted";
    for page in [plain(&incident.terminal(None)), incident.markdown()] {
        assert!(page.contains(told) && page.contains("not counted  ") | page.contains("| not counted |"), "{page}");
    }
    let json = serde_json::to_value(&incident).unwrap();
    assert_eq!((&json["calls"]["uncounted_answers"], &json["calls"]["uncounted_bytes"]), (&json!(1), &json!(39_500)));
    assert_eq!(json["calls"]["operations"]["GET /export"]["uncounted_answers"], 1);
}

#[test]
fn what_the_api_did_not_serve_is_not_told_as_done() {
    let mut calls = Calls::default();
    calls.note(&call(-60, "PATCH *", Powers::EVERY, Verdict::Permit, 404), at(-86_400));
    let refused = Verdict::Refuse(Refusal::OutOfScope);
    calls.note(&call(-50, "POST /keys", Power::Mint.into(), refused, 403), at(-86_400));
    let timeline = timeline(&mut calls, &[]);
    assert!(timeline.iter().any(|it| it.what == "the first call with the power mint; the API answered 404"));
    assert!(!timeline.iter().any(|it| it.what.contains("that passed")), "{timeline:?}");
    let page = plain(&Incident { calls, ..incident(false) }.terminal(Some(200)));
    assert!(page.contains("called; the API answered 404  PATCH *"), "{page}");
    let tried = page.lines().find(|line| line.contains("POST /keys")).unwrap();
    assert!(tried.starts_with("tried "), "{page}");
}

#[test]
fn a_report_fits_a_narrow_terminal_and_what_is_copied_from_it_stays_whole() {
    for width in [80, 60] {
        let text = plain(&incident(false).terminal(Some(width)));
        let is_command = |line: &str| line.trim_start().starts_with("greave ");
        for line in text.lines() {
            assert!(line.chars().count() <= width.into() || is_command(line), "{width}: {line}");
        }
        for whole in ["019b0000-0000-7000-8000-000001991000", "/users/{name}/tokens", "203.0.113.66"] {
            assert!(text.contains(whole), "{width}, {whole}: {text}");
        }
    }
}
