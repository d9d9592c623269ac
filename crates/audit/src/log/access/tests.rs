use std::io::Cursor;

use law::{Power, Powers};

use crate::{
    Audit, Maps, Settings,
    estate::{Key, Known},
    report::{Format, Report},
};

const DOCUMENT: &str = r#"
openapi: 3.1.0
info: {title: Company, version: "1"}
servers: [{url: https://api.example/v1}]
paths:
  /users: {get: {summary: List users}, post: {summary: Invite a user}}
  /users/{name}: {delete: {summary: Delete a user}}
  /users/{name}/tokens: {post: {summary: Create an API token}}
components: {securitySchemes: {key: {type: apiKey, in: query, name: k}}}
security: [{key: []}]
"#;

fn audit_with(map: &[&str], inputs: &[(&str, &str)]) -> Report {
    let map = Maps::of(map.iter().copied()).unwrap();
    let mut audit = Audit::new(Settings { map, ..Settings::at("2026-11-29T12:00:00Z".parse().unwrap()) });
    for (name, text) in inputs {
        assert!(audit.read(name, Cursor::new((*text).to_owned().into_bytes())), "{name}");
    }
    audit.finish()
}

fn audit(inputs: &[(&str, &str)]) -> Report {
    audit_with(&[], inputs)
}

fn line(user: &str, request: &str, status: u16) -> String {
    format!("192.0.2.7 - {user} [29/Nov/2026:08:00:00 +0000] \"{request} HTTP/1.1\" {status} 12 \"-\" \"curl/8\"\n")
}

fn key<'r>(report: &'r Report, id: &str) -> &'r Key {
    report.estate.keys.iter().find(|key| key.id == id).unwrap_or_else(|| panic!("{id}"))
}

#[test]
fn a_line_is_an_operation_of_the_document_whichever_comes_first() {
    let log = line("ann", "DELETE /v1/users/bob?x=1", 204)
        + &line("ann", "POST /users/bob/tokens", 201)
        + &line("ann", "GET /gateway/v1//users/", 200)
        + &line("ann", "POST /v1/users", 403)
        + &line("ann", "DELETE /v1/users/carl", 499)
        + &line("ann", "GET /elsewhere/hunter2", 200)
        + &line("-", "GET /v1/users", 200)
        + "192.0.2.7 - - [29/Nov/2026:08:00:00 +0000] \"\\x16\\x03\" 400 0 \"-\" \"-\"\n";
    let inputs = [("access.log", log.as_str()), ("openapi.yaml", DOCUMENT)];
    let report = audit(&inputs);
    let seen = key(&report, "ann").seen.as_ref().unwrap();
    let actions: Vec<&str> = seen.actions.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["DELETE /users/{name}", "GET *", "GET /users", "POST /users/{name}/tokens"]);
    assert_eq!(
        (seen.calls, seen.denied),
        (6, 2),
        "what was refused was not done, and what nobody waited for perhaps not"
    );
    assert_eq!(seen.actions[0].1, 1);
    assert_eq!(seen.powers, [Power::Read, Power::Destroy, Power::Grant, Power::Mint].into_iter().collect::<Powers>());
    assert_eq!(
        (seen.sources.as_slice(), seen.programs.as_slice()),
        (&["192.0.2.7".to_owned()][..], &["curl/8".to_owned()][..])
    );
    let log = &report.estate.logs[0];
    assert_eq!((log.events, log.somebody.len()), (8, 2));
    assert_eq!(log.somebody.iter().map(|one| one.calls).sum::<u64>(), 2);
    assert!(
        !report.write(Format::Json, None).unwrap().contains("hunter2"),
        "a path is not shown that nobody describes"
    );
}

#[test]
fn a_user_is_a_key_or_the_holder_of_one() {
    let keys = "key,name,holder,scopes\nk1,deploy,ann,read\nk2,,bob,read\nk3,,carl,read\nk4,,carl,read\n";
    let log = line("DEPLOY", "GET /a", 200) + &line("bob", "GET /a", 200) + &line("carl", "GET /a", 200);
    let report = audit(&[("keys.csv", keys), ("access.log", &log)]);
    let alone = |id: &str| key(&report, id).seen.as_ref().map(|seen| seen.alone);
    assert_eq!(
        [alone("k1"), alone("k2"), alone("k3"), alone("k4")],
        [Some(true), Some(true), Some(false), Some(false)]
    );
    assert_eq!(report.estate.keys.len(), 4);
    assert!(key(&report, "k1").last_use.at().is_some() && key(&report, "k3").last_use.at().is_none());
}

#[test]
fn a_key_may_stand_in_a_column_of_its_own() {
    let keys = "key,holder\nk-17,ann\n";
    let text = line("-", "GET /a", 200).trim_end().to_owned() + " k-17\n";
    let json = r#"{"time":"2026-11-29T08:00:00Z","request":"GET /a HTTP/1.1","status":200,"key_id":"k-17"}"#;
    for (name, log) in [("log_key=$10", text.as_str()), ("log_key=key_id", json)] {
        let report = audit_with(&[name], &[("keys.csv", keys), ("access.log", log)]);
        assert_eq!(key(&report, "k-17").seen.as_ref().map(|seen| seen.calls), Some(1), "{name}");
    }
}

#[test]
fn no_credential_of_a_line_is_told_and_two_lines_of_one_are_of_one_key() {
    let secrets = [
        "hunter2hunter2",
        "swordfish99",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    ];
    let log = line("-", "GET /v1/users?k=hunter2hunter2", 200)
        + &line("-", "POST /v1/users/bob/tokens?k=hunter2hunter2", 201)
        + &line("-", "GET /v1/users?api_key=swordfish99&k=", 200)
        + &line("-", "GET /v1/users/ghp_16C7e42F292c6912E7710c838347Ae178B4a", 404)
        + &line("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "GET /v1/users", 200)
        + r#"192.0.2.7 - - [29/Nov/2026:08:00:00 +0000] "GET /v1/users HTTP/1.1" 200 12 "https://x/?access_token=swordfish99" "ghp_16C7e42F292c6912E7710c838347Ae178B4a""#;
    let report = audit(&[("access.log", &log), ("openapi.yaml", DOCUMENT)]);
    for format in
        [Format::Terminal, Format::Json, Format::JsonLines, Format::Csv, Format::Markdown, Format::Sarif, Format::Html]
    {
        let text = report.write(format, None).unwrap();
        for secret in secrets {
            assert!(!text.contains(secret), "{format:?} tells `{secret}`");
        }
        let again = audit(&[("access.log", &log), ("openapi.yaml", DOCUMENT)]);
        assert_eq!(again.write(format, None).unwrap(), text, "the same inputs, the same report");
    }
    let swordfish = report.estate.keys.iter().find(|key| key.id == "key 2 in query `api_key`").unwrap();
    assert_eq!(swordfish.seen.as_ref().unwrap().calls, 2, "also where it stands in another place");
    let described = report.estate.keys.iter().find(|key| key.id == "key 1 in query `k`").unwrap();
    let seen = described.seen.as_ref().unwrap();
    assert_eq!((seen.calls, described.form.as_str()), (2, "credential in a log"));
    assert!(described.without.perhaps.contains(Power::Disarm), "nobody says what it may do");
    assert!(
        described.with.surely.contains(Power::Mint) && !described.without.surely.contains(Power::Mint),
        "no log says whether it showed a second factor"
    );
    let exposed: Vec<(&str, u64)> =
        report.estate.logs[0].exposed.iter().map(|one| (one.within.as_str(), one.different)).collect();
    assert_eq!(
        exposed,
        [
            ("query `access_token` of the referer", 1),
            ("query `api_key`", 1),
            ("query `k`", 1),
            ("the path", 1),
            ("the user's name", 1)
        ]
    );
}

#[test]
fn what_only_looks_like_a_credential_is_none() {
    let log =
        line("-", "GET /v1/users?cursor=eyJpZCI6MTIzNDU2Nzg5MDEyMzQ1Njc4OTB9&key=color&token=REDACTED&code=200", 200)
            + &line("-", "GET /v1/users/9f86d081884c7d659a2feaa0c55ad015?password=***&page_token=&k=abc", 200)
            + &line("-", "GET /assets/app.3f9d8c7b6a5e4f3d2c1b.js?v=1", 200);
    let report = audit(&[("access.log", &log), ("openapi.yaml", DOCUMENT)]);
    assert_eq!(report.estate.logs[0].exposed, []);
    assert!(report.estate.keys.is_empty());
}

#[test]
fn rotated_files_are_one_log_and_an_empty_field_is_nobody() {
    let later = line("\"\"", "GET /a", 200).replace("29/Nov", "28/Nov");
    let report = audit(&[
        ("w/access.log", &line("-", "GET /a", 200)),
        ("w/access.log.1", &later),
        ("w/access.log-20261127", &later),
    ]);
    assert_eq!(report.estate.logs.len(), 1);
    assert_eq!((report.estate.logs[0].of.as_str(), report.estate.logs[0].events), ("w/access.log", 3));
    assert_eq!(super::unnumbered("logs/node1"), "logs/node1");
    assert_eq!(super::unnumbered("host-2026/access.log.12.gz"), "host-2026/access.log");
    assert_eq!(super::unnumbered("a/access_20261129.log"), "a/access_20261129.log");
}

#[test]
fn a_second_factor_is_not_made_up() {
    let report = audit(&[("access.log", &line("ann", "GET /a", 200))]);
    let seen = key(&report, "ann").seen.as_ref().unwrap();
    assert_eq!((seen.with_second_factor, seen.without_second_factor), (0, 0));
    assert_eq!(report.estate.accounts[0].second_factor, Known::Unknown);
}
