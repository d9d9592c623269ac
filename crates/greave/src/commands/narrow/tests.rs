use law::{Call, Refusal, Verdict};

use super::*;
use crate::{
    cli::When,
    commands::testing::{self, NOW, at, plain},
};

fn wanted() -> Narrow {
    Narrow {
        key: KeyId(17),
        since: None,
        until: None,
        keep: Vec::new(),
        sources: false,
        apply: false,
        even_so: false,
        undo: false,
        proof: crate::cli::ProofArgs { person: None },
    }
}

fn call(seconds: i64, operation: &str, powers: Powers, verdict: Verdict) -> Call {
    Call { at: at(seconds - 1), powers, ..testing::call(1, operation, verdict, 200).call }
}

fn calls() -> Vec<Call> {
    let refused = Verdict::Refuse(Refusal::Denied);
    let mut calls = vec![call(-(19 * 86_400), "PATCH /users/{name}", Power::Grant.into(), Verdict::Permit)];
    for day in 0..20 {
        calls.push(call(-(day * 86_400), "GET /users", Power::Read.into(), Verdict::Permit));
        calls.push(call(-(day * 86_400), "POST /users/{name}/tokens", Power::Mint.into(), refused));
    }
    calls
}

fn reach() -> Reach {
    Reach { key: Some(testing::key(17)), kind: HolderKind::Workload, ..testing::reach() }
}

/// As they are read for what is wanted.
fn tried(wanted: &Narrow, calls: &[Call]) -> Result<Option<Proposed>, String> {
    let mut habits = Habits::default();
    calls.iter().for_each(|call| habits.note(call, wanted.span(NOW)));
    propose(wanted, &reach(), &habits, NOW)
}

fn proposed(wanted: &Narrow, calls: &[Call]) -> Proposed {
    tried(wanted, calls).unwrap().unwrap()
}

fn names(proposed: &Proposed) -> Vec<String> {
    proposed.scope.operations.iter().map(ToString::to_string).collect()
}

#[test]
fn what_was_used_stays_and_the_rest_goes() {
    let proposed = proposed(&wanted(), &calls());
    assert_eq!(names(&proposed), ["GET /users", "PATCH /users/{name}"], "what was refused is no use");
    assert_eq!(proposed.scope.powers, Powers::from(Power::Read).with(Power::Grant));
    assert_eq!((proposed.calls, proposed.days, proposed.tried.calls, proposed.tried.days), (21, 20, 21, 20));
    assert!(proposed.tried.refused.is_empty());
    assert!(proposed.loses.iter().any(|lost| lost.operation == "DELETE /users/{name}"));
    insta::assert_snapshot!("narrow", plain(&proposed.page(&testing::key(17), NOW, Some(100))));
}

#[test]
fn what_is_pasted_applies_what_was_shown() {
    let until = When::At("2026-11-24T03:00:00Z".parse().unwrap());
    let wanted = Narrow { until: Some(until), sources: true, keep: vec!["GET /users/{name}".to_owned()], ..wanted() };
    let said = wanted.to_apply(NOW);
    assert_eq!(said, "greave narrow k17 --until 2026-11-24T03:00:00Z --keep 'GET /users/{name}' --sources --apply");
    assert_eq!(
        Narrow { since: Some(When::Ago(law::Span::days(7))), until: None, ..wanted }
            .to_apply(NOW)
            .matches("--since 20")
            .count(),
        1
    );
}

#[test]
fn what_was_used_only_before_is_told_and_may_be_kept() {
    let lately = Narrow { since: Some(When::Ago(law::Span::days(7))), ..wanted() };
    let narrow = proposed(&lately, &calls());
    assert_eq!((narrow.calls, narrow.days), (7, 7), "of that time alone");
    let refused: Vec<(&str, u64, &str)> =
        narrow.tried.refused.iter().map(|it| (&*it.operation, it.calls, it.why)).collect();
    assert_eq!(refused, [("PATCH /users/{name}", 1, "used only before `--since`")]);
    insta::assert_snapshot!("narrow_refuses", plain(&narrow.page(&testing::key(17), NOW, Some(100))));
    let kept = proposed(&Narrow { keep: vec!["PATCH /users/*".to_owned()], ..lately }, &calls());
    assert!(kept.tried.refused.is_empty(), "{:?}", kept.tried);
    let unknown = tried(&Narrow { keep: vec!["GET /nothing".to_owned()], ..wanted() }, &calls());
    assert!(unknown.unwrap_err().contains("`GET /nothing`"));
}

#[test]
fn what_a_thief_used_is_left_out_though_the_rest_was_used_before_and_after() {
    let theft = call(-3_600, "DELETE /users/{name}", Power::Destroy.into(), Verdict::Permit);
    let calls = [calls(), vec![theft]].concat();
    let before = Narrow { until: Some(When::At(at(-7_200))), ..wanted() };
    let narrow = proposed(&before, &calls);
    assert_eq!(names(&narrow), ["GET /users", "PATCH /users/{name}"]);
    assert_eq!(narrow.tried.refused[0].why, "at or after `--until`");
    assert_eq!((narrow.tried.refused(false), narrow.tried.refused(true)), (0, 1), "and it stops no `--apply`");
    // The same operation before counts for itself.
    let honest = call(-(5 * 86_400), "GET /nothing", Power::Read.into(), Verdict::Permit);
    let theft = call(-3_600, "GET /nothing", Power::Read.into(), Verdict::Permit);
    let lately = Narrow { since: Some(When::Ago(law::Span::days(3))), ..before };
    let narrow = proposed(&lately, &[calls, vec![honest, theft]].concat());
    let of = |late: bool| {
        let refused = narrow.tried.refused.iter().find(|it| it.operation == "GET /nothing" && it.late == late).unwrap();
        (refused.calls, refused.why)
    };
    assert_eq!((of(false), of(true)), ((1, "used only before `--since`"), (1, "at or after `--until`")));
}

#[test]
fn whoever_makes_up_names_takes_no_more_memory_than_a_bound() {
    let mut habits = Habits::default();
    for number in 0..120_000 {
        let call = call(-60, &format!("A{number} *"), Powers::EVERY, Verdict::Permit);
        habits.note(&call, wanted().span(NOW));
    }
    assert!(habits.all().count() <= 100_001);
    assert_eq!(habits.all().map(|habit| habit.calls).sum::<u64>(), 120_000);
}

#[test]
fn no_scope_names_what_nobody_described() {
    let calls = [calls(), vec![call(-60, "POST *", Powers::EVERY, Verdict::Permit)]].concat();
    let proposed = proposed(&wanted(), &calls);
    assert!(!proposed.scope.powers.contains(Power::Disarm));
    let refused: Vec<&str> = proposed.tried.refused.iter().map(|it| &*it.operation).collect();
    assert_eq!(refused, ["POST *"]);
}

#[test]
fn sources_narrow_only_where_that_is_asked_for() {
    let elsewhere = Call {
        source: "2001:db8::7".parse().unwrap(),
        ..call(-(10 * 86_400), "GET /users", Power::Read.into(), Verdict::Permit)
    };
    let calls = [calls(), vec![elsewhere]].concat();
    assert!(proposed(&wanted(), &calls).scope.sources.is_empty());
    let all = proposed(&Narrow { sources: true, ..wanted() }, &calls);
    assert_eq!(all.scope.sources.len(), 2);
    assert!(all.tried.refused.is_empty(), "{:?}", all.tried);
    let lately = Narrow { sources: true, since: Some(When::Ago(law::Span::days(3))), ..wanted() };
    let refused = proposed(&lately, &calls).tried.refused;
    assert!(refused.iter().any(|it| it.why == "from elsewhere" && it.operation == "GET /users"), "{refused:?}");
}

#[test]
fn a_key_without_calls_is_left_alone() {
    assert!(tried(&wanted(), &[]).unwrap().is_none());
    let refused = call(-5, "GET /users", Power::Read.into(), Verdict::Refuse(Refusal::Denied));
    assert!(tried(&wanted(), &[refused]).unwrap().is_none());
}
