//! What must hold of the watch and its ladder, whatever comes.

#![expect(clippy::unwrap_used, reason = "what panics here is a failed test")]

use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use law::{Containment, Evidence, Finding, HolderId, HolderKind, KeyId, Power, Powers, Severity, Step};
use proptest::prelude::*;
use watch::{Answer, Became, Ladder, MOST_BYTES_PER_KEY, Seen, Settings, Subject, Watch, Whose, detectors};

/// A call as numbers.
#[derive(Clone, Debug)]
struct Drawn {
    after: u32,
    key: u64,
    operation: u8,
    power: usize,
    source: u32,
    agent: u8,
    subject: u16,
    status: u16,
    rows: u16,
    minted: bool,
    vouched: bool,
}

fn drawn(keys: u64, sources: u32) -> impl Strategy<Value = Drawn> {
    let first = (0_u32..200_000, 1..=keys, any::<u8>(), 0_usize..9, 0..sources, any::<u8>());
    let second = (any::<u16>(), prop::sample::select(vec![200_u16, 201, 401, 403, 404, 503]), any::<u16>());
    (first, second, prop::bool::weighted(0.05), prop::bool::weighted(0.02)).prop_map(
        |((after, key, operation, power, source, agent), (subject, status, rows), minted, vouched)| Drawn {
            after,
            key,
            operation,
            power,
            source,
            agent,
            subject,
            status,
            rows,
            minted,
            vouched,
        },
    )
}

fn begin() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

/// Lets a watch see the calls; renames keys first.
fn run(watch: &Watch, calls: &[(Timestamp, Drawn)], rename: impl Fn(u64) -> u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (now, drawn) in calls {
        let key = KeyId(rename(drawn.key));
        let (operation, agent) = (format!("GET /o{}", drawn.operation), format!("agent{}", drawn.agent % 97));
        let source = Ipv4Addr::from_bits(0x0b00_0000 + drawn.source * 4099).into();
        let user_agent = Some(agent.as_str());
        let seen = Seen {
            call: None,
            key: Some(key),
            holder: Some(HolderId(drawn.key)),
            kind: HolderKind::Workload,
            owner: None,
            operation: &operation,
            powers: Powers::NONE.with(Power::ALL.get(drawn.power).copied().unwrap()),
            described: None,
            subject: Subject::of([drawn.subject.to_string().as_str()].into_iter()),
            source,
            network: None,
            expected: false,
            user_agent,
            out_of_scope: false,
        };
        if drawn.vouched {
            watch.vouched(&seen, *now);
        }
        findings.extend(watch.see(&seen, *now).findings);
        let minted = drawn.minted.then_some(KeyId(rename(drawn.key) + 1_000_000));
        let rows = Some(u64::from(drawn.rows));
        let became = Became { status: drawn.status, bytes_out: u64::from(drawn.rows) * 90, rows, minted };
        findings.extend(watch.ended(&seen, &became, *now).findings);
    }
    findings
}

fn timed(drawn: Vec<Drawn>) -> Vec<(Timestamp, Drawn)> {
    let mut now = begin();
    let at = |drawn: Drawn| {
        now += SignedDuration::from_millis(i64::from(drawn.after) * 40);
        (now, drawn)
    };
    drawn.into_iter().map(at).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_key_never_takes_more_than_is_said(calls in prop::collection::vec(drawn(3, 100_000), 1..600)) {
        // What docs/watch.md says.
        const { assert!(MOST_BYTES_PER_KEY < 6_950) };
        let watch = Watch::default();
        run(&watch, &timed(calls), |key| key);
        prop_assert!(watch.largest() <= MOST_BYTES_PER_KEY, "{} of {MOST_BYTES_PER_KEY}", watch.largest());
    }

    #[test]
    fn the_same_calls_give_the_same_findings(calls in prop::collection::vec(drawn(5, 40), 1..400)) {
        let calls = timed(calls);
        let (one, other) = (Watch::default(), Watch::default());
        prop_assert_eq!(run(&one, &calls, |key| key), run(&other, &calls, |key| key));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn a_saved_state_goes_on_as_if_nothing_had_been(
        calls in prop::collection::vec(drawn(5, 40), 2..400),
        cut in 0.0..1.0_f64,
    ) {
        let calls = timed(calls);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
            reason = "a place in a short list")]
        let cut = (calls.len() as f64 * cut) as usize;
        let (before, after) = calls.split_at(cut);
        let whole = Watch::default();
        let all = run(&whole, &calls, |key| key);
        let first = Watch::default();
        let mut parts = run(&first, before, |key| key);
        let saved = serde_json::to_string(&first).unwrap();
        let second: Watch = serde_json::from_str(&saved).unwrap();
        prop_assert_eq!(&second, &first);
        parts.extend(run(&second, after, |key| key));
        prop_assert_eq!(all, parts);
        prop_assert_eq!(second, whole);
    }

    #[test]
    fn what_keys_are_called_makes_no_difference(calls in prop::collection::vec(drawn(5, 40), 1..400)) {
        let calls = timed(calls);
        let (one, other) = (Watch::default(), Watch::default());
        let findings = run(&one, &calls, |key| key);
        let renamed = run(&other, &calls, |key| 900 - key);
        let shape = |findings: &[Finding]| -> Vec<(String, Severity)> {
            findings.iter().map(|finding| (finding.rule.clone(), finding.severity)).collect()
        };
        prop_assert_eq!(shape(&findings), shape(&renamed));
    }

    #[test]
    fn no_more_keys_are_contained_in_an_hour_than_allowed(
        found in prop::collection::vec((1_u64..200, 0_u32..3_600_000, prop::bool::ANY), 1..300),
        most in 1_usize..8,
    ) {
        let mut ladder = Ladder::new(Settings { most_an_hour: most, ..Settings::default() });
        let mut contained = std::collections::BTreeSet::new();
        let mut found = found;
        found.sort_by_key(|(_, after, _)| *after);
        for (key, after, critical) in found {
            let now = begin() + SignedDuration::from_millis(i64::from(after));
            let severity = if critical { Severity::Critical } else { Severity::High };
            for containment in ladder.meet(&finding(key, severity), whose(HolderKind::Vendor), now).new {
                prop_assert!(!containment.reason.is_empty() && !containment.lift.is_empty());
                prop_assert!(containment.until > now);
                if containment.step.contains() {
                    contained.insert(containment.key);
                }
            }
        }
        prop_assert!(contained.len() <= most);
    }
}

fn finding(key: u64, severity: Severity) -> Finding {
    let evidence = Evidence { at: begin(), call: None, what: "GET /orders from 203.0.113.66 with curl/8".to_owned() };
    Finding::new("not-me", severity, Some(KeyId(key)), evidence)
}

fn whose(kind: HolderKind) -> Whose {
    Whose { kind, person: None }
}

fn steps(containments: &[Containment]) -> Vec<(KeyId, Step)> {
    containments.iter().map(|containment| (containment.key, containment.step)).collect()
}

#[test]
fn making_keys_is_frozen_before_anything_else_and_for_the_children_too() {
    let mut ladder = Ladder::default();
    ladder.minted(KeyId(1), KeyId(2));
    ladder.minted(KeyId(2), KeyId(3));
    let done = ladder.meet(&finding(1, Severity::Critical), whose(HolderKind::Workload), begin()).new;
    let of = |step| [(KeyId(1), step), (KeyId(2), step), (KeyId(3), step)];
    assert_eq!(steps(&done), [of(Step::Freeze), of(Step::Disable)].concat());
    assert_eq!(ladder.answer(KeyId(3), Power::Read.into(), false, begin()), Answer::Refuse);
    ladder.lift(KeyId(1));
    assert_eq!(ladder.answer(KeyId(3), Power::Mint.into(), true, begin()), Answer::Pass);
}

#[test]
fn a_step_up_asks_for_what_is_sensitive_or_unusual_and_ends() {
    let mut ladder = Ladder::default();
    let done = ladder.meet(&finding(1, Severity::Warning), whose(HolderKind::Workload), begin()).new;
    assert_eq!(steps(&done), [(KeyId(1), Step::StepUp)]);
    let mut answer = |power: Power, unusual, now| ladder.answer(KeyId(1), power.into(), unusual, now);
    assert_eq!(answer(Power::Read, false, begin()), Answer::Pass);
    assert_eq!(answer(Power::Read, true, begin()), Answer::Ask);
    assert_eq!(answer(Power::Grant, false, begin()), Answer::Ask);
    assert_eq!(answer(Power::Grant, true, begin() + SignedDuration::from_hours(25)), Answer::Pass);
}

#[test]
fn what_looks_like_a_theft_and_is_not_answered_for_is_frozen() {
    let mut ladder = Ladder::default();
    ladder.meet(&finding(1, Severity::High), whose(HolderKind::Workload), begin());
    ladder.answer(KeyId(1), Power::Grant.into(), true, begin());
    let later = begin() + SignedDuration::from_mins(11);
    let done = ladder.meet(&finding(1, Severity::High), whose(HolderKind::Workload), later).new;
    assert_eq!(steps(&done), [(KeyId(1), Step::Freeze)]);
    assert_eq!(ladder.answer(KeyId(1), Power::Read.into(), false, later), Answer::Pass, "production keeps reading");
    assert_eq!(ladder.answer(KeyId(1), Power::Grant.into(), false, later), Answer::Refuse);
}

#[test]
fn a_dry_run_only_tells() {
    let mut ladder = Ladder::new(Settings { dry_run: true, ..Settings::default() });
    let done = ladder.meet(&finding(1, Severity::Critical), whose(HolderKind::Workload), begin()).new;
    assert_eq!(steps(&done), [(KeyId(1), Step::Tell)]);
    assert_eq!(ladder.answer(KeyId(1), Power::Mint.into(), true, begin()), Answer::Pass);
}

#[test]
fn every_detector_has_a_name_of_its_own_and_a_reason() {
    let names: std::collections::BTreeSet<&str> = detectors().iter().map(|detector| detector.name).collect();
    assert_eq!(names.len(), detectors().len());
    assert!(detectors().iter().all(|detector| detector.reason.len() > 20));
    assert!(detectors().len() <= 32, "a case has a bit for each");
}

#[test]
fn a_question_of_a_step_up_that_is_over_freezes_nobody() {
    let mut ladder = Ladder::default();
    let asked = ladder.meet(&finding(1, Severity::Warning), whose(HolderKind::Workload), begin()).new;
    ladder.hold(KeyId(1), asked);
    ladder.asks(KeyId(1), begin());
    // It ended, and nobody had answered.
    ladder.hold(KeyId(1), Vec::new());
    let later = begin() + SignedDuration::from_hours(24 * 30);
    let done = ladder.meet(&finding(1, Severity::High), whose(HolderKind::Workload), later).new;
    assert_eq!(steps(&done), [(KeyId(1), Step::StepUp)], "people are asked first");
    ladder.hold(KeyId(1), done);
    ladder.asks(KeyId(1), later);
    let later = later + SignedDuration::from_mins(11);
    let done = ladder.meet(&finding(1, Severity::High), whose(HolderKind::Workload), later).new;
    assert_eq!(steps(&done), [(KeyId(1), Step::Freeze)]);
}

#[test]
fn one_person_and_what_is_less_than_certain_leave_room_for_others() {
    let mut ladder = Ladder::default();
    let of = |person| Whose { kind: HolderKind::Workload, person: Some(HolderId(person)) };
    let mut contained = |keys: std::ops::Range<u64>, whose| {
        keys.filter(|key| ladder.meet(&finding(*key, Severity::Critical), whose, begin()).step.contains()).count()
    };
    assert_eq!(contained(1..20, of(1)), 5, "of the ten within an hour");
    assert_eq!(contained(30..34, of(2)), 4);
    assert_eq!(contained(1..20, of(1)), 5, "the same again takes no more room");
    let mut frozen = Ladder::default();
    for key in 1..=20 {
        frozen.meet(&finding(key, Severity::High), of(key), begin());
        frozen.answer(KeyId(key), Power::Grant.into(), true, begin());
    }
    let later = begin() + SignedDuration::from_mins(11);
    let mut meet = |key, severity, now| frozen.meet(&finding(key, severity), of(key), now).step;
    assert_eq!((1..=20).filter(|key| meet(*key, Severity::High, later) == Step::Freeze).count(), 7);
    assert_eq!(meet(30, Severity::Critical, later), Step::Disable, "there is room for what is certain");
    let next = later + SignedDuration::from_hours(1);
    assert_eq!(meet(20, Severity::High, next), Step::Freeze, "what was answered mildly is answered when there is room");
}

#[test]
fn what_holds_already_is_not_done_again_and_ends_when_it_was_said_to() {
    let mut ladder = Ladder::default();
    let first = ladder.meet(&finding(1, Severity::Warning), whose(HolderKind::Workload), begin()).new;
    let later = begin() + SignedDuration::from_hours(23);
    let again = ladder.meet(&finding(1, Severity::Warning), whose(HolderKind::Workload), later);
    assert_eq!((again.step, again.new), (Step::StepUp, Vec::new()));
    assert_eq!(ladder.on(KeyId(1), later).map(|held| held.until).collect::<Vec<_>>(), [first[0].until]);
    let over = begin() + SignedDuration::from_hours(25);
    assert_eq!(ladder.meet(&finding(1, Severity::Warning), whose(HolderKind::Workload), over).new.len(), 1);
}
