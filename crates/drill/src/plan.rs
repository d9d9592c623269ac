//! A scenario before an API: which operations a thief would take there, and the calls.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use catalogue::{Catalogue, Found, Operation};
use law::{Power, Powers};
use percent_encoding::percent_decode_str;

use crate::scenario::{Answer, From, Program, Reads, Scenario, Wanted};

/// Where the thief calls from.
const THIEF: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 66));

/// Of so many operations a made-up key makes use.
const MADE_UP: usize = 3;

/// One call of a drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The step's place in the scenario.
    pub step: usize,
    /// Whether it is the key's own program, and not the thief.
    pub honest: bool,
    /// How long before it, in milliseconds.
    pub wait_ms: u64,
    /// The operation's name.
    pub operation: Arc<str>,
    /// What it lets its caller do.
    pub powers: Powers,
    /// Such as `GET`.
    pub method: String,
    /// The path.
    pub target: String,
    /// From where.
    pub source: IpAddr,
    /// With which program.
    pub program: String,
    /// What the API would have answered.
    pub answer: Answer,
}

/// What is played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The calls, in their order.
    pub calls: Vec<Call>,
    /// Steps that this API has nothing for, and why.
    pub skipped: Vec<String>,
}

/// Where a key is at home.
pub struct Home<'a> {
    /// From where it calls.
    pub source: IpAddr,
    /// With which program.
    pub program: String,
    /// Whether it is usual for it to ask for this operation.
    pub usual: &'a dyn Fn(&str) -> bool,
}

/// The calls that a scenario becomes before this API. The same catalogue gives the same.
pub fn plan(scenario: &Scenario, catalogue: &Catalogue, home: &Home<'_>) -> Plan {
    let known = playable(catalogue);
    let mut plan = Plan::default();
    let mut number = 0;
    for (place, step) in scenario.steps.iter().enumerate() {
        let fitting = fitting(&step.call, &known, home);
        if fitting.is_empty() {
            plan.skipped.push(format!("{}: {}", step.name, missing(&step.call)));
            continue;
        }
        let different = match &step.call {
            Wanted::Operation { .. } => false,
            Wanted::Power { different, .. } | Wanted::Reads { different, .. } => *different,
        };
        for time in 0..step.times {
            let turn = if different { time as usize % fitting.len() } else { 0 };
            let Some(operation) = fitting.get(turn) else { continue };
            plan.calls.push(Call {
                step: place,
                honest: step.honest,
                wait_ms: step.wait_ms + if time == 0 { step.pause_ms } else { 0 },
                operation: Arc::clone(&operation.name),
                powers: operation.powers,
                method: operation.method.clone(),
                target: target(catalogue.base(), &operation.template, number),
                source: source(scenario, &step.from, home, number),
                program: match &step.program {
                    Program::Usual => home.program.clone(),
                    Program::Named(name) => name.clone(),
                },
                answer: step.answer,
            });
            number += 1;
        }
    }
    plan
}

/// The operations that a made-up key is used for: a few that only read.
pub fn made_up(catalogue: &Catalogue) -> Vec<(Arc<str>, Powers)> {
    let known = playable(catalogue);
    let reads: Vec<_> = known.into_iter().filter(|it| it.powers == Powers::from(Power::Read)).collect();
    // Something is to be left that it never asked for.
    let many = reads.len().div_ceil(3).min(MADE_UP);
    reads.into_iter().take(many).map(|it| (Arc::clone(&it.name), it.powers)).collect()
}

/// The operations that can be called knowing nothing but their paths, in the order of their names.
fn playable(catalogue: &Catalogue) -> Vec<&Operation> {
    let mut known: Vec<&Operation> = catalogue
        .operations()
        .iter()
        .filter(|it| it.selector.is_none() && !it.open && is_found(catalogue, it))
        .collect();
    known.sort_by(|one, other| one.name.cmp(&other.name));
    known
}

/// Whether a call of it is taken for it.
fn is_found(catalogue: &Catalogue, operation: &Operation) -> bool {
    let target = target(catalogue.base(), &operation.template, 0);
    let segments: Vec<String> = target
        .trim_start_matches('/')
        .split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match catalogue.find(&operation.method, &segments) {
        Found::Described(matched) => matched.operation.name == operation.name,
        Found::Choice(_) | Found::Undescribed => false,
    }
}

fn fitting<'c>(wanted: &Wanted, known: &[&'c Operation], home: &Home<'_>) -> Vec<&'c Operation> {
    let only_reads = |operation: &&&Operation| operation.powers == Powers::from(Power::Read);
    let is_usual = |operation: &Operation| (home.usual)(&operation.name);
    match wanted {
        Wanted::Operation { operation } => known.iter().filter(|it| *it.name == **operation).copied().collect(),
        Wanted::Reads { reads, .. } => {
            let wanted = |it: &&&Operation| is_usual(it) == (*reads == Reads::Usual);
            known.iter().filter(only_reads).filter(wanted).copied().collect()
        }
        Wanted::Power { power, .. } => {
            let mut fitting: Vec<&Operation> =
                known.iter().filter(|it| it.powers.contains(*power) && it.powers != Powers::EVERY).copied().collect();
            // First what the key never did, and what does this and little else.
            fitting.sort_by_key(|it| (is_usual(it), it.powers.iter().count()));
            fitting
        }
    }
}

fn missing(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Operation { operation } => format!("the API has no operation `{operation}` that a path alone asks for"),
        Wanted::Power { power, .. } => format!("the API has no operation with the power `{power}`"),
        Wanted::Reads { reads: Reads::New, .. } => "the key reads everything there is to read".to_owned(),
        Wanted::Reads { reads: Reads::Usual, .. } => "there is nothing that the key usually reads".to_owned(),
    }
}

/// A path of this template, about a thing that nobody has.
fn target(base: &str, template: &str, number: usize) -> String {
    let mut path = base.trim_end_matches('/').to_owned();
    if !template.starts_with('/') {
        path.push('/');
    }
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        path.push_str(before);
        path.push_str("drill-");
        path.push_str(&number.to_string());
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    path.push_str(rest);
    path
}

fn source(scenario: &Scenario, from: &From, home: &Home<'_>, number: usize) -> IpAddr {
    match from {
        From::Home => home.source,
        From::Thief => THIEF,
        From::Named(name) => scenario.sources.get(name).copied().unwrap_or(THIEF),
        // Another /16 each time, of a range that was never given to anybody.
        From::Many => {
            let octet = |number: usize| u8::try_from(number % 250).unwrap_or(0);
            let first = 240 + u8::try_from(number / 250 % 15).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::new(first, octet(number), 7, 9))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r##"{"openapi":"3.1.0","info":{"title":"t","version":"1"},"servers":[{"url":"/v1"}],
      "security":[{"key":[]}],"components":{"securitySchemes":{"key":{"type":"http","scheme":"bearer"}}},"paths":{
      "/orders":{"get":{"summary":"List orders","responses":{"200":{"description":"ok"}}}},
      "/customers":{"get":{"summary":"List customers","responses":{"200":{"description":"ok"}}}},
      "/invoices":{"get":{"summary":"List invoices","responses":{"200":{"description":"ok"}}}},
      "/orders/{order}":{"parameters":[{"name":"order","in":"path","required":true,"schema":{"type":"string"}}],
        "delete":{"summary":"Delete an order","responses":{"204":{"description":"ok"}}}},
      "/keys":{"post":{"summary":"Create an API key","responses":{"201":{"description":"ok"}}}}}}"##;

    fn catalogue() -> Catalogue {
        Catalogue::read(DOCUMENT.as_bytes(), &catalogue::Settings::default()).unwrap().catalogue
    }

    fn played(text: &str) -> Plan {
        let scenario = Scenario::read(text).unwrap();
        let usual = |name: &str| name == "GET /orders";
        let home = Home { source: "192.0.2.10".parse().unwrap(), program: "orders-sync/2".to_owned(), usual: &usual };
        plan(&scenario, &catalogue(), &home)
    }

    #[test]
    fn a_scenario_becomes_calls_of_what_this_api_has() {
        let plan = played(
            r#"
            name = "s"
            story = "s"
            contain_by = 2
            [[step]]
            name = "look"
            call = { reads = "new", different = true }
            times = 3
            [[step]]
            name = "at home"
            call = { reads = "usual" }
            from = "home"
            program = "usual"
            honest = true
            [[step]]
            name = "delete"
            call = { power = "destroy" }
            times = 2
            [[step]]
            name = "pay"
            call = { power = "spend" }
            "#,
        );
        let told: Vec<String> =
            plan.calls.iter().map(|it| format!("{} {} from {}", it.method, it.target, it.source)).collect();
        assert_eq!(
            told,
            [
                "GET /v1/customers from 203.0.113.66",
                "GET /v1/invoices from 203.0.113.66",
                "GET /v1/customers from 203.0.113.66",
                "GET /v1/orders from 192.0.2.10",
                "DELETE /v1/orders/drill-4 from 203.0.113.66",
                "DELETE /v1/orders/drill-5 from 203.0.113.66",
            ]
        );
        assert_eq!(plan.skipped, ["pay: the API has no operation with the power `spend`"]);
        assert_eq!(made_up(&catalogue()).len(), 1, "something is left that it never asked for");
    }

    #[test]
    fn every_built_in_scenario_does_something_before_a_small_api() {
        for (name, text) in Scenario::built_in() {
            let plan = played(text);
            assert!(plan.calls.iter().any(|call| !call.honest), "{name}: {:?}", plan.skipped);
        }
    }

    #[test]
    fn no_two_of_many_sources_are_of_one_network() {
        let scenario = Scenario::read(Scenario::built_in().find(|(name, _)| *name == "a8-proxies").unwrap().1).unwrap();
        let usual = |_: &str| false;
        let home = Home { source: THIEF, program: String::new(), usual: &usual };
        let networks: std::collections::BTreeSet<[u8; 2]> = (0..2_000)
            .map(|number| match source(&scenario, &From::Many, &home, number) {
                IpAddr::V4(address) => [address.octets()[0], address.octets()[1]],
                IpAddr::V6(_) => unreachable!(),
            })
            .collect();
        assert_eq!(networks.len(), 2_000);
        assert!((0..2_000).all(|number| crate::scenario::is_nobodys(source(&scenario, &From::Many, &home, number))));
    }
}
