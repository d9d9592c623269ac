//! The law of the evaluator: what it says of a pattern of resources is what trying every resource
//! says. The reference below knows nothing of the evaluator but the form of policies.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    condition::{Context, Holds},
    evaluate::{Ceiling, Rights},
    policy::{Named, Policy},
};

const ARN: &str = "arn:aws:s3:::";
const FACTOR: &str = "aws:MultiFactorAuthPresent";

/// Every resource of at most four letters; `q` stands for all letters that no policy has.
fn universe() -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..4 {
        last = last.iter().flat_map(|one| ["a", "b", "q"].map(|letter| format!("{one}{letter}"))).collect();
        all.extend(last.clone());
    }
    all.retain(|one| !one.is_empty());
    all
}

fn like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => like(rest, text),
        (Some((b'*', rest)), Some((_, shorter))) => like(rest, text) || like(pattern, shorter),
        (Some((one, rest)), Some((other, shorter))) => (*one == b'?' || one == other) && like(rest, shorter),
        _ => false,
    }
}

fn any(patterns: &Value, text: &str, fold: bool) -> bool {
    let one = std::slice::from_ref(patterns);
    patterns.as_array().map_or(one, Vec::as_slice).iter().any(|pattern| {
        let (pattern, text) = (pattern.as_str().unwrap(), text.to_owned());
        if fold {
            like(pattern.to_lowercase().as_bytes(), text.to_lowercase().as_bytes())
        } else {
            like(pattern.as_bytes(), text.as_bytes())
        }
    })
}

/// Whether a statement is about this call; what the caller says of a second factor is `None`, or
/// true or false.
fn applies(statement: &Value, action: &str, resource: &str, factor: Option<bool>) -> bool {
    let about = match statement.get("Action") {
        Some(actions) => any(actions, action, true),
        None => !any(&statement["NotAction"], action, true),
    };
    let on = match statement.get("Resource") {
        Some(resources) => any(resources, resource, false),
        None => !any(&statement["NotResource"], resource, false),
    };
    let holds = |operator: &str, wanted: bool| match (operator, factor) {
        ("Bool" | "ForAnyValue:Bool", None) => false,
        ("BoolIfExists" | "ForAllValues:Bool", None) => true,
        ("Null", said) => said.is_none() == wanted,
        (_, Some(said)) => said == wanted,
        _ => unreachable!("no other operator is made"),
    };
    let conditions = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
    let mut conditions = conditions.map(|(operator, of)| holds(operator, of[FACTOR] == json!("true")));
    about && on && conditions.all(|one| one)
}

/// Explicit deny, then an allow of its own and of every ceiling.
fn brute(levels: &[Vec<Value>], action: &str, factor: Option<bool>) -> bool {
    let has = |statements: &[Value], effect: &str, resource: &str| {
        statements.iter().any(|one| one["Effect"] == effect && applies(one, action, resource, factor))
    };
    universe()
        .iter()
        .map(|one| format!("{ARN}{one}"))
        .any(|resource| levels.iter().all(|level| has(level, "Allow", &resource) && !has(level, "Deny", &resource)))
}

fn patterns() -> impl Strategy<Value = Value> {
    let one = prop_oneof![2 => Just("*".to_owned()), 5 => "[ab*?]{1,3}".prop_map(|tail| format!("{ARN}{tail}"))];
    prop::collection::vec(one, 1..3).prop_map(|list| if list.len() == 1 { json!(list[0]) } else { json!(list) })
}

fn statements() -> impl Strategy<Value = Vec<Value>> {
    let actions = prop::sample::select(vec!["s3:GetObject", "S3:getobject", "s3:*", "*", "s3:Get?bject", "iam:*"]);
    let condition = prop::option::weighted(
        0.4,
        (
            prop::sample::select(vec!["Bool", "BoolIfExists", "Null", "ForAllValues:Bool", "ForAnyValue:Bool"]),
            prop::sample::select(vec!["true", "false"]),
        ),
    );
    let one = (actions, prop::bool::weighted(0.2), patterns(), 0..6_u8, condition, prop::bool::weighted(0.35));
    let one = one.prop_map(|(action, not, resources, not_resource, condition, deny)| {
        let mut statement = json!({"Effect": if deny { "Deny" } else { "Allow" }});
        statement[if not && action != "*" { "NotAction" } else { "Action" }] = json!(action);
        statement[if not_resource == 0 { "NotResource" } else { "Resource" }] = resources;
        if let Some((operator, value)) = condition {
            statement["Condition"] = json!({operator: {FACTOR: value}});
        }
        statement
    });
    prop::collection::vec(one, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_said_of_a_pattern_is_what_trying_every_resource_says(
        levels in prop::collection::vec(statements(), 1..4),
    ) {
        let policies: Vec<Policy> = levels
            .iter()
            .map(|level| Policy::read(&json!({"Version": "2012-10-17", "Statement": level})).unwrap())
            .collect();
        let named = |policy| Named { label: "p", policy };
        let ceiling = |policy| Ceiling { policies: vec![named(policy)], unseen: false, own: false, open: false };
        let rights = Rights {
            policies: vec![named(&policies[0])],
            unseen: false,
            ceilings: policies[1..].iter().map(ceiling).collect(),
        };
        let now = "2026-11-29T00:00:00Z".parse().unwrap();
        let key = Context::long_term("ann", "AIDAANN", "arn:aws:iam::1:user/ann", "1", &[], now);
        for (factor, context) in [
            (None, key.clone()),
            (Some(true), key.clone().with_second_factor()),
            (Some(false), key.with_session()),
        ] {
            let said = rights.may("s3:GetObject", &format!("{ARN}*"), &context).allowed;
            let tried = Holds::from(brute(&levels, "s3:GetObject", factor));
            prop_assert_eq!(said, tried, "{:?}, with {:?}", levels, factor);
        }
    }
}
