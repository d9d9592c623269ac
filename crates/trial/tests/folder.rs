//! A folder as others write it: every field of the format, and only those.
#![expect(clippy::unwrap_used, reason = "what panics here is a failed test")]

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use trial::{Blind, Scenario, Watching, play};

const API: &str = r#"{"openapi":"3.0.0","info":{"title":"Shop","version":"1"},"paths":{
 "/v1/orders":{"get":{"summary":"List orders"}},
 "/v1/users":{"get":{"summary":"List users"},"post":{"summary":"Create a user"}},
 "/v1/users/{id}/role":{"put":{"summary":"Set the role of a user"}},
 "/v1/keys":{"post":{"summary":"Create an API key"}}}}"#;

fn begin() -> Timestamp {
    "2026-03-02T08:00:00.120Z".parse().unwrap()
}

fn line(at: Timestamp, key: &str, call: (&str, &str, u16), from: (&str, Option<&str>, &str)) -> Value {
    let ((method, path, status), (source, net, agent)) = (call, from);
    json!({"t": at.to_string(), "key": key, "holder": "orders-sync", "kind": "workload", "owner": "p3",
        "method": method, "path": path, "query": "page=2", "src": source, "net": net, "ua": agent,
        "status": status, "in": 0, "out": 18_234, "rows": null, "something": {"else": [1]}})
}

/// A key that reads orders all day, and one night a thief who makes himself an administrator and a
/// key; production goes on meanwhile. Nothing says which of the calls are the thief's.
fn folder() -> (String, String, Value) {
    const HOME: (&str, Option<&str>, &str) = ("198.51.100.7", Some("AS64500"), "orders-sync/2.1");
    const THIEF: (&str, Option<&str>, &str) = ("2001:db8::66", None, "curl/8");
    let mut lines: Vec<(Timestamp, Value)> = Vec::new();
    let mut put = |at: Timestamp, value: Value| lines.push((at, value));
    for hour in 0..24 * 21 {
        let at = begin() + SignedDuration::from_hours(hour);
        put(at, line(at, "k17", ("GET", "/v1/orders", 200), HOME));
        put(at, line(at, "k99", ("GET", "/v1/orders", 200), HOME));
    }
    let theft = begin() + SignedDuration::from_hours(24 * 20) + SignedDuration::from_mins(10);
    let at = |seconds| theft + SignedDuration::from_secs(seconds);
    let steps = [("GET", "/v1/users", 200), ("POST", "/v1/users", 201), ("PUT", "/v1/users/9/role", 200)];
    for (place, call) in (0_i64..).zip(steps) {
        put(at(place * 60), line(at(place * 60), "k17", call, THIEF));
        // In the very step, after the thief's call.
        let between = at(place * 60 + 20);
        put(between, line(between, "k17", ("GET", "/v1/orders", 200), HOME));
    }
    let mut minted = line(at(200), "k17", ("POST", "/v1/keys", 201), THIEF);
    minted.as_object_mut().unwrap().insert("minted".to_owned(), json!("k18"));
    put(at(200), minted);
    put(at(260), line(at(260), "k18", ("GET", "/v1/users", 200), THIEF));
    lines.sort_by_key(|(at, _)| *at);
    let traffic = lines.iter().fold(String::new(), |mut text, (_, value)| {
        let _ = writeln!(text, "{value}");
        text
    });
    let day = |days: i64| (begin() + SignedDuration::from_hours(24 * days)).to_string();
    let events = [
        json!({"t": day(1), "event": "rotation", "key": "k5", "successor": "k6"}),
        json!({"t": day(2), "event": "canary", "key": "k77"}),
        json!({"t": day(3), "event": "document", "added": ["GET /v2/orders"]}),
        json!({"t": day(4), "event": "source-registered", "net": "AS64501", "note": "scanner"}),
        json!({"t": day(5), "event": "something-new"}),
    ];
    let events = events.map(|event| event.to_string()).join("\n");
    let step =
        |name: &str, from: i64, to: i64| json!({"name": name, "from": at(from).to_string(), "to": at(to).to_string()});
    let steps =
        [step("list users", 0, 0), step("create user", 1, 60), step("grant admin", 61, 120), step("key", 121, 260)];
    let labels = json!({"name": "by hand", "seed": 17,
        "attacks": [{"id": "A5", "keys": ["k17", "k18"], "steps": steps, "contain_by": 2}],
        "honest": [{"id": "B2", "keys": ["k99"], "from": day(0), "to": day(1), "alerts": 0}]});
    (traffic, events, labels)
}

#[test]
fn a_folder_by_hand_is_read_whole_and_scored_by_the_last_call_of_each_step() {
    let (traffic, events, labels) = folder();
    let labels = labels.to_string();
    let read = || Scenario::read(API.as_bytes(), traffic.as_bytes(), events.as_bytes(), labels.as_bytes()).unwrap();
    assert_eq!(read().events.len(), 4, "an event that nobody knows is left out");
    let blind = play(&read(), &mut Blind);
    assert_eq!((blind.attacks[0].completed_steps, blind.attacks[0].in_time), (4, false));
    let watched = play(&read(), &mut Watching::default());
    let attack = &watched.attacks[0];
    assert!(attack.in_time && attack.contained_at.is_some(), "{attack:?}");
    assert_eq!(watched.honest.containments, 0);
    assert_eq!(watched.honest.keys, 6);
    let shown = serde_json::to_value(&watched).unwrap();
    for field in [
        "id",
        "detected_at",
        "contained_at",
        "completed_steps",
        "contain_by",
        "in_time",
        "rows_out",
        "calls_before",
        "reasons",
    ] {
        assert!(shown["attacks"][0].get(field).is_some(), "{field}");
    }
    for field in ["keys", "days", "containments", "containments_of", "alerts", "alerts_per_100_keys_week", "challenged"]
    {
        assert!(shown["honest"].get(field).is_some(), "{field}");
    }
    assert_eq!((&shown["name"], &shown["seed"]), (&json!("by hand"), &json!(17)));
}

#[test]
fn without_events_it_is_read_too_and_what_is_not_in_order_is_said_with_its_line() {
    let (traffic, _, labels) = folder();
    let labels = labels.to_string();
    Scenario::read(API.as_bytes(), traffic.as_bytes(), b"", labels.as_bytes()).unwrap();
    let turned: Vec<&str> = traffic.lines().rev().collect();
    let error = Scenario::read(API.as_bytes(), turned.join("\n").as_bytes(), b"", labels.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("line"), "{error}");
}

#[test]
fn what_the_owner_takes_between_the_steps_is_none_of_the_thiefs() {
    let (traffic, events, labels) = folder();
    let traffic = traffic.replace("\"rows\":null", "\"rows\":7");
    let mut exact = labels;
    let steps = exact["attacks"][0]["steps"].as_array_mut().unwrap();
    steps.truncate(3);
    for step in steps {
        step["from"] = step["to"].clone();
    }
    let exact = exact.to_string();
    let scenario = Scenario::read(API.as_bytes(), traffic.as_bytes(), events.as_bytes(), exact.as_bytes()).unwrap();
    let attack = &play(&scenario, &mut Blind).attacks[0];
    assert_eq!((attack.rows_out, attack.calls_before), (21, 3), "five calls of the key are in its time");
    assert!(scenario.warnings.is_empty(), "{:?}", scenario.warnings);
}

#[test]
fn labels_by_which_no_call_could_be_scored_are_refused_with_the_attack_and_what_is_wrong() {
    let (traffic, events, labels) = folder();
    let read = |labels: &Value| {
        let labels = labels.to_string();
        Scenario::read(API.as_bytes(), traffic.as_bytes(), events.as_bytes(), labels.as_bytes())
    };
    for (place, value, says) in [
        ("/attacks/0/keys", json!(["k71"]), "no call of its keys"),
        ("/attacks/0/keys", json!(["k77"]), "no call of its keys"),
        ("/attacks/0/sources", json!(["192.0.2.1"]), "from its `sources`"),
        ("/attacks/0/steps", json!([]), "it has 0 steps"),
        ("/attacks/0/contain_by", json!(5), "`contain_by` says 5"),
        ("/attacks/0/steps/1/to", json!("2026-03-01T00:00:00Z"), "`create user` ends before it begins"),
    ] {
        let mut wrong = labels.clone();
        wrong["attacks"][0]["sources"] = json!(["2001:db8::66"]);
        *wrong.pointer_mut(place).unwrap() = value;
        let error = read(&wrong).unwrap_err().to_string();
        assert!(error.contains("labels.json, attack `A5`") && error.contains(says), "{place}: {error}");
    }
    let mut strange = labels;
    let late = json!({"name": "later", "from": "2026-06-01T00:00:00Z", "to": "2026-06-01T00:00:00Z"});
    strange["attacks"][0]["steps"].as_array_mut().unwrap().push(late);
    strange["honest"][0]["keys"] = json!(["k999"]);
    strange["attacks"][0]["keys"] = json!(["k17", "k71"]);
    let warnings = read(&strange).unwrap().warnings.join("\n");
    assert!(warnings.contains("`A5`: no call has its key `k71`"), "{warnings}");
    assert!(warnings.contains("`A5`: its step `later` has no call"), "{warnings}");
    assert!(warnings.contains("honest `B2`: no call has its key `k999`"), "{warnings}");
}

#[test]
fn what_a_query_names_is_what_a_call_is_about() {
    let (traffic, events, labels) = folder();
    let read = |query: &str| {
        let traffic = traffic.replace("page=2", query);
        let labels = labels.to_string();
        Scenario::read(API.as_bytes(), traffic.as_bytes(), events.as_bytes(), labels.as_bytes()).unwrap()
    };
    let listed =
        |scenario: &Scenario| scenario.calls.iter().find(|call| &*call.operation == "GET /v1/orders").unwrap().subject;
    assert_eq!(listed(&read("page=2")), None);
    assert!(listed(&read("user=u7")).is_some());
    assert_ne!(listed(&read("user=u7")), listed(&read("user=u8")));
}
