use std::io::Cursor;

use law::{Power, Powers};
use serde_json::json;

use crate::{
    Audit, Settings,
    estate::{Key, Known, Moment, Standing},
    report::Report,
};

const HEADS: &str = "id,name,holder,kind,holder_left,holder_two_factor,owner,owner_left,owner_enrolled,owner_two_factor,answerers,standing,parent_stopped,stopped_since,reach,without_second_factor,born,end,past_limit,last_used,last_source,last_user_agent,passed,stopped,limits,operations,place,scopes,parent,claim\n";

fn audit(inputs: &[(&str, String)]) -> Report {
    let mut audit = Audit::new(Settings::at("2026-11-29T00:00:00Z".parse().unwrap()));
    for (name, text) in inputs {
        assert!(audit.read(name, Cursor::new(text.clone().into_bytes())), "{name}");
    }
    audit.finish()
}

fn key<'r>(report: &'r Report, id: &str) -> &'r Key {
    report.estate.keys.iter().find(|key| key.id == id).unwrap()
}

fn table() -> String {
    HEADS.to_owned()
        + "k17,ci deploy,ci,workload,false,,ann,false,true,true,ann; bob,active,false,,read export write mint,read write,2026-10-15T10:15:00Z,2026-12-21T10:15:00Z,false,2026-11-24T10:12:00Z,192.0.2.7,deploy/2.1,12034,3,,,\"header authorization, scheme bearer\",repo admin:org,,\n"
        + "k21,,bob,person,true,false,,,,,,active,false,,read,read,2026-11-20T10:00:00Z,,true,,,,0,0,,,header x,,k17,\n"
        + "k22,,bob,person,true,false,,,,,,revoked,false,2026-11-21T00:00:00Z,,,2026-11-20T10:00:00Z,,false,,,,0,0,,,header x,,k17,\n"
}

#[test]
fn an_export_of_keys_is_taken_as_it_is_with_every_column() {
    let report = audit(&[("keys.csv", table())]);
    let ci = key(&report, "k17");
    assert_eq!(ci.with.surely, [Power::Read, Power::Export, Power::Write, Power::Mint].into_iter().collect::<Powers>());
    assert_eq!(ci.without.surely, Powers::from(Power::Read).with(Power::Write));
    assert_eq!((ci.asks_second_factor, ci.standing, ci.owner.as_deref()), (Known::Yes, Standing::Active, Some("ann")));
    assert!(matches!((ci.born, ci.end, ci.last_use), (Moment::At(_), Moment::At(_), Moment::At(_))));
    assert_eq!(
        ci.children.iter().map(|child| (child.id.as_str(), child.lives)).collect::<Vec<_>>(),
        [("k21", Known::Yes), ("k22", Known::No)]
    );
    let account = |name: &str| report.estate.accounts.iter().find(|account| account.name == name).unwrap();
    assert_eq!(
        (account("ann").second_factor, account("bob").left, account("bob").second_factor),
        (Known::Yes, Known::Yes, Known::No)
    );
    assert!(report.findings.iter().any(|one| one.rule == "holder-gone" && report.subject(one) == "k21"));
}

#[test]
fn the_same_comes_as_json() {
    let one = json!({"id": "k1", "name": "x", "holder": "ann", "kind": "person", "holder_left": false, "owner_enrolled": true, "answerers": [], "reach": ["read", "mint"],
        "without_second_factor": ["read", "mint"], "place": "header x", "born": "2026-10-15T10:15:00Z", "standing": "active", "passed": 1, "stopped": 0,
        "last_used": {"at": "2026-11-24T10:12:00Z", "source": "192.0.2.7"}});
    for text in [json!([one, one]).to_string(), format!("{one}\n{one}\n"), json!({"keys": [one]}).to_string()] {
        let report = audit(&[("keys.json", text)]);
        assert_eq!(
            (report.estate.keys.len(), key(&report, "k1").without.surely),
            (1, Powers::from(Power::Read).with(Power::Mint))
        );
        assert!(key(&report, "k1").last_use.at().is_some());
    }
}

#[test]
fn calls_are_joined_to_the_keys_of_the_export() {
    let call = |id: u64, operation: &str, powers: &[&str], factors: &[&str], verdict: &str, more: serde_json::Value| {
        let mut call = json!({"id": format!("00000000-0000-7000-8000-{id:012x}"), "at": format!("2026-11-2{}T10:00:00Z", id), "who": "key", "key": "k17", "operation": operation, "powers": powers,
            "source": "192.0.2.7", "user_agent": "curl", "factors": factors, "verdict": verdict, "law": "0011223344556677"});
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call
    };
    let outcome = |status: u16, minted: Option<&str>| json!({"outcome": {"call": "00000000-0000-7000-8000-000000000003", "at": "2026-11-28T10:00:01Z", "status": status, "bytes_in": 0, "bytes_out": 1, "minted": minted, "micros": 5, "ended": "whole"}});
    let lines = [
        call(3, "GET /users", &["read"], &["secret"], "permit", outcome(200, None)),
        call(4, "POST /keys", &["mint"], &["secret", "person"], "permit", outcome(201, Some("k21"))),
        call(5, "DELETE /users/{name}", &["grant", "destroy"], &["secret"], "permit", outcome(404, None)),
    ];
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    for text in [lines.join("\n"), format!("[{}]", lines.join(","))] {
        let report = audit(&[("keys.csv", table()), ("calls.json", text)]);
        let seen = key(&report, "k17").seen.as_ref().unwrap();
        assert_eq!((seen.calls, seen.denied, seen.with_second_factor, seen.without_second_factor), (3, 1, 1, 2));
        assert_eq!((seen.powers_without, seen.made.as_slice()), (Power::Read.into(), &["k21".to_owned()][..]));
        assert_eq!(key(&report, "k17").children[0].key.as_deref(), Some("k21"));
    }
}
