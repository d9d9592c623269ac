//! A scenario before an API: which operations a thief would take there, and the calls.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use catalogue::{Catalogue, Found, Operation};
use law::{Power, Powers};
use percent_encoding::percent_decode_str;

use crate::scenario::{Answer, From, Program, Reads, Scenario, Wanted, With};

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
    /// With which key.
    pub with: With,
    /// How long before it, in milliseconds.
    pub wait_ms: u64,
    /// By how much the watch's clock is put forward before it, in hours.
    pub wait_hours: u64,
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

/// An operation that a made-up key is used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usual {
    /// The operation's name.
    pub operation: Arc<str>,
    /// What it lets its caller do.
    pub powers: Powers,
    /// Whether it is about something that its path names.
    pub about: bool,
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
                with: step.with,
                wait_ms: step.wait_ms + if time == 0 { step.pause_ms } else { 0 },
                wait_hours: step.wait_hours + if time == 0 { step.pause_hours } else { 0 },
                operation: Arc::clone(&operation.name),
                powers: operation.powers,
                method: operation.method.clone(),
                target: target(catalogue.base(), operation, number),
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

/// The operations that a made-up key is used for: a few that only read, one of them a single thing
/// by its id, and one for each of these powers.
pub fn made_up(catalogue: &Catalogue, used_to: &[Power]) -> Vec<Usual> {
    let known = playable(catalogue);
    let (single, lists): (Vec<&Operation>, Vec<_>) =
        known.iter().copied().filter(|it| it.powers == Powers::from(Power::Read)).partition(|it| is_single(it));
    // Something is to be left that it never asked for.
    let many = lists.len().div_ceil(3).min(MADE_UP);
    let mut usual: Vec<&Operation> = lists.into_iter().take(many).chain(single.into_iter().take(1)).collect();
    for power in used_to {
        let unused = |operation: &&Operation| !usual.iter().any(|it| it.name == operation.name);
        let fitting = with_power(*power, &known).into_iter().find(unused);
        usual.extend(fitting);
    }
    let of =
        |it: &Operation| Usual { operation: Arc::clone(&it.name), powers: it.powers, about: it.template.contains('{') };
    usual.into_iter().map(of).collect()
}

/// Whether its path ends with the name of one thing.
fn is_single(operation: &Operation) -> bool {
    operation.template.ends_with('}')
}

/// The operations with a power, those first that do this and little else, to things by their names.
fn with_power<'c>(power: Power, known: &[&'c Operation]) -> Vec<&'c Operation> {
    let does = |it: &&&Operation| it.powers.contains(power) && it.powers != Powers::EVERY;
    let mut fitting: Vec<&Operation> = known.iter().filter(does).copied().collect();
    fitting.sort_by_key(|it| (it.powers.iter().count(), !it.template.contains('{')));
    fitting
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
    let target = target(catalogue.base(), operation, 0);
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
        Wanted::Reads { reads, single, .. } => {
            let wanted = |it: &&&Operation| is_usual(it) == (*reads == Reads::Usual) && (!single || is_single(it));
            known.iter().filter(only_reads).filter(wanted).copied().collect()
        }
        Wanted::Power { power, usual: true, .. } => {
            with_power(*power, known).into_iter().filter(|it| is_usual(it)).collect()
        }
        Wanted::Power { power, .. } => {
            let mut fitting = with_power(*power, known);
            // First what the key never did.
            fitting.sort_by_key(|it| is_usual(it));
            fitting
        }
    }
}

fn missing(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Operation { operation } => format!("the API has no operation `{operation}` that a path alone asks for"),
        Wanted::Power { power, usual: true, .. } => format!("the key is not used to `{power}`"),
        Wanted::Power { power, .. } => format!("the API has no operation with the power `{power}`"),
        Wanted::Reads { single: true, .. } => "there is no such reading of one thing by its id".to_owned(),
        Wanted::Reads { reads: Reads::New, .. } => "the key reads everything there is to read".to_owned(),
        Wanted::Reads { reads: Reads::Usual, .. } => "there is nothing that the key usually reads".to_owned(),
    }
}

/// From this number on nobody's things are counted, in APIs that count them.
const NOBODYS: u64 = 8_000_000_000_000_000;

/// A path of this operation, about a thing that nobody has.
fn target(base: &str, operation: &Operation, number: usize) -> String {
    let mut path = base.trim_end_matches('/').to_owned();
    let template = &*operation.template;
    if !template.starts_with('/') {
        path.push('/');
    }
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        path.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        if operation.numbers.iter().any(|known| known == name) {
            path.push_str(&(NOBODYS + number as u64).to_string());
        } else {
            path.push_str("drill-");
            path.push_str(&number.to_string());
        }
        rest = after;
    }
    path.push_str(rest);
    path
}

fn source(scenario: &Scenario, from: &From, home: &Home<'_>, number: usize) -> IpAddr {
    match from {
        From::Home => home.source,
        From::Near => near(home.source, number),
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

/// Another address of the same network: of the same /24, or /64.
fn near(home: IpAddr, number: usize) -> IpAddr {
    let other = |own: u8| own ^ u8::try_from(1 + number % 127).unwrap_or(1);
    match home {
        IpAddr::V4(home) => {
            let [a, b, c, d] = home.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, other(d)))
        }
        IpAddr::V6(home) => {
            let mut octets = home.octets();
            let [.., last] = &mut octets;
            *last = other(*last);
            IpAddr::from(octets)
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
        "get":{"summary":"Show an order","responses":{"200":{"description":"ok"}}},
        "put":{"summary":"Change an order","responses":{"200":{"description":"ok"}}},
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
                "GET /v1/orders/drill-2 from 203.0.113.66",
                "GET /v1/orders from 192.0.2.10",
                "DELETE /v1/orders/drill-4 from 203.0.113.66",
                "DELETE /v1/orders/drill-5 from 203.0.113.66",
            ]
        );
        assert_eq!(plan.skipped, ["pay: the API has no operation with the power `spend`"]);
        let made_up = |used_to| made_up(&catalogue(), used_to).into_iter().map(|it| it.operation.to_string());
        let usual = ["GET /customers", "GET /orders/{order}"];
        assert_eq!(made_up(&[]).collect::<Vec<_>>(), usual, "something is left that it never asked for");
        let names: Vec<String> = made_up(&[Power::Mint, Power::Destroy]).collect();
        assert_eq!(names, [usual[0], usual[1], "POST /keys", "DELETE /orders/{order}"]);
    }

    #[test]
    fn every_built_in_scenario_does_something_before_a_small_api() {
        for (name, text) in Scenario::built_in() {
            let scenario = Scenario::read(text).unwrap();
            let made_up = made_up(&catalogue(), &scenario.past.used_to);
            let usual = |name: &str| made_up.iter().any(|it| *it.operation == *name);
            let home = Home { source: THIEF, program: String::new(), usual: &usual };
            let plan = plan(&scenario, &catalogue(), &home);
            assert!(plan.calls.iter().any(|call| !call.honest), "{name}: {:?}", plan.skipped);
        }
    }

    #[test]
    fn who_sits_in_the_house_is_of_its_network_and_no_two_calls_ask_for_one_thing() {
        let plan = played(
            r#"
            name = "s"
            story = "s"
            contain_by = 1
            [[step]]
            name = "by ids"
            call = { reads = "new", single = true }
            times = 2
            wait_hours = 3
            pause_hours = 21
            from = "near"
            program = "usual"
            [[step]]
            name = "with the new key"
            call = { power = "mint" }
            with = "child"
            "#,
        );
        let told: Vec<String> = plan
            .calls
            .iter()
            .map(|it| format!("{} {} {} {}h {:?}", it.target, it.source, it.program, it.wait_hours, it.with))
            .collect();
        assert_eq!(
            told,
            [
                "/v1/orders/drill-0 192.0.2.11 orders-sync/2 24h Stolen",
                "/v1/orders/drill-1 192.0.2.8 orders-sync/2 3h Stolen",
                "/v1/keys 203.0.113.66 python-requests/2.32 0h Child",
            ]
        );
        for home in ["198.51.100.255", "10.0.0.0", "2001:db8::1"] {
            let home: IpAddr = home.parse().unwrap();
            assert!((0..500).all(|number| near(home, number) != home), "{home}");
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
