//! Whatever is weaker is found, by its name, and nothing else is.

use std::path::Path;

use super::*;

/// One setting: its name, a value, one that is weaker, and whether the way back is weaker, too.
struct Case(&'static str, &'static str, &'static str, Back);

enum Back {
    /// It only strengthens.
    Free,
    /// The two cannot be ranked.
    Waits,
}

use Back::{Free, Waits};

/// Every setting that can be weaker. A line is `section: setting`; an empty one is silence.
const CASES: &[Case] = &[
    Case("gate.listen", "gate: listen = \"127.0.0.1:1\"", "gate: listen = \"0.0.0.0:1\"", Waits),
    Case("gate.listen", "gate: listen = \"127.0.0.1:1\"", "gate: listen = \"127.0.0.1:2\"", Waits),
    Case("gate.listen", "gate: listen = \"10.0.0.1:1\"", "gate: listen = \"10.0.0.2:1\"", Waits),
    Case("gate.upstream", "gate: upstream = \"https://a\"", "gate: upstream = \"http://b\"", Waits),
    Case("gate.public", "", "gate: public = \"https://evil.example\"", Waits),
    Case("gate.host", "", "gate: host = \"upstream\"", Waits),
    Case("gate.metrics", "", "gate: metrics = \"0.0.0.0:9\"", Free),
    Case("gate.trusted_proxies", "", "gate: trusted_proxies = [\"0.0.0.0/0\"]", Waits),
    Case("gate.proof", "gate: proof = { header = \"x\", secret = \"s\" }", "", Waits),
    Case(
        "gate.proof",
        "gate: proof = { header = \"x\", secret = \"s\" }",
        "gate: proof = { header = \"x\", secret = \"t\" }",
        Waits,
    ),
    Case("gate.head_timeout", "", "gate: head_timeout = \"10m\"", Free),
    Case("gate.body_pace", "", "gate: body_pace = \"1 KiB in 1h\"", Free),
    Case("gate.upstream_authorities", "", "gate: upstream_authorities = \"a.pem\"", Waits),
    Case("api.base", "", "api: base = \"/v2\"", Waits),
    Case("api.open", "", "api: open = [\"/\"]", Free),
    Case("api.open", "api: open = [\"/a\"]", "api: open = [\"/a\", \"/b\"]", Free),
    Case("api.unknown_keys", "api: unknown_keys = \"refuse\"", "api: unknown_keys = \"learn\"", Free),
    Case("api.sessions", "", "api: sessions = [\"cookie:s\"]", Free),
    Case("api.identity_headers", "api: identity_headers = [\"x-user\"]", "", Waits),
    Case("api.identify", "", "api.identify: path = \"/me\"\nholder = \"/id\"", Waits),
    Case("api.credentials", "", "api.credentials: revoke = \"DELETE /tokens/{id}\"", Waits),
    Case("api.credentials", "", "api.credentials: ignore = [\"a1\"]", Waits),
    Case(
        "api.issuer",
        "",
        "[api.issuer]: name = \"login\"\nissuer = \"https://i\"\naudience = \"api\"\nalgorithms = [\"ES256\"]\n\
         jwks = \"keys.json\"\nidentity = \"sub\"",
        Waits,
    ),
    Case(
        "api.issuer",
        "[api.issuer]: name = \"login\"\nissuer = \"https://i\"\naudience = \"api\"\nalgorithms = [\"ES256\"]\n\
         jwks = \"keys.json\"\nidentity = \"sub\"",
        "[api.issuer]: name = \"login\"\nissuer = \"https://i\"\naudience = \"api\"\nalgorithms = [\"ES256\"]\n\
         jwks = \"keys.json\"\nidentity = \"sub\"\n\
         counts_as_person = { claim = \"amr\", any = [\"mfa\"], within = \"15m\" }",
        Waits,
    ),
    Case("api.paths.double_slash", "", "api.paths: double_slash = \"merge\"", Free),
    Case("api.paths.semicolon", "", "api.paths: semicolon = \"keep\"", Free),
    Case("api.paths.case", "", "api.paths: case = \"insensitive\"", Waits),
    Case("api.paths.trailing_slash", "", "api.paths: trailing_slash = \"ignored\"", Waits),
    Case("api.paths.encoded_slash", "", "api.paths: encoded_slash = \"value\"", Free),
    Case("api.selector", "", "[api.selector]: operation = \"POST /g\"\nby = { query = \"q\" }", Waits),
    Case("api.multi_segment", "", "[api.multi_segment]: operation = \"GET /f/*\"\nparameter = \"p\"", Waits),
    Case("keys.lifetime", "", "keys: lifetime = \"91d\"", Free),
    Case("holders.on_leaving", "", "holders: on_leaving = \"list\"", Free),
    Case("keys.longest", "", "keys: longest = \"366d\"", Free),
    Case("keys.warn", "keys: warn = [\"1d\"]", "keys: warn = [\"1d\", \"3d\"]", Free),
    Case("keys.end_unwarned", "keys: end_unwarned = true", "keys: end_unwarned = false", Free),
    Case("keys.lapse", "", "keys: lapse = \"30d\"", Free),
    Case("keys.collect", "", "keys: collect = \"7d\"", Free),
    Case("keys.approvers", "", "[keys.approvers]: people = [\"bob\"]\npowers = [\"mint\"]", Waits),
    Case("hold.most", "", "hold: most = \"1h\"", Free),
    Case("hold.lapse", "", "hold: lapse = \"8h\"", Free),
    Case("hold.body", "", "hold: body = \"64 MiB\"", Free),
    Case("hold.memory", "", "hold: memory = \"1 GiB\"", Free),
    Case("desk.listen", "", "desk: listen = \"0.0.0.0:8081\"", Waits),
    Case("desk.listen", "", "desk: listen = \"127.0.0.1:8082\"", Waits),
    Case("desk.public", "", "desk: public = \"https://evil.example\"", Waits),
    Case("desk.trusted_proxies", "", "desk: trusted_proxies = [\"0.0.0.0/0\"]", Waits),
    Case("desk.session", "", "desk: session = \"90d\"", Free),
    Case("tell.escalate", "", "tell: escalate = \"1d\"", Free),
    Case("drain", "", "[drain]: name = \"siem\"\nto = \"https://h.example/token\"", Waits),
    Case(
        "drain",
        "[drain]: name = \"siem\"\nto = \"https://h.example/token\"",
        "[drain]: name = \"siem\"\nto = \"https://h.example/token\"\nmin_severity = \"high\"",
        Waits,
    ),
    Case("trace", "", "trace: to = \"https://h.example/v1/traces\"", Free),
    Case("tell.webhook", "", "[tell.webhook]: url = \"https://u:p@h.example/token\"\nsecret = \"w\"", Waits),
    Case("tell.mail", "", "tell.mail: server = \"m\"\nfrom = \"a@example.com\"", Waits),
    Case("issued", "", "issued: prefix = \"acme\"", Waits),
    Case("issued", "issued: prefix = \"acme\"", "issued: prefix = \"acme\"\non_behalf = [\"Sudo\"]", Waits),
    Case("record.cap", "", "record: cap = \"1 GiB\"", Free),
    Case("record.seal", "", "record: seal = \"1d\"", Free),
    Case("record.keep", "", "record: keep = { read = \"90d\" }", Free),
    Case("record.grace", "", "record: grace = \"1d\"", Free),
    Case("watch.mode", "watch: mode = \"on\"", "watch: mode = \"dry-run\"", Free),
    Case("watch.most_an_hour", "", "watch: most_an_hour = 1", Free),
    Case("watch.off", "", "[watch.off]: detector = \"guessing\"\nwhy = \"a test\"", Free),
    Case("watch.networks", "", "watch: networks = \"ip2asn.tsv\"", Waits),
    Case("watch.expected", "", "[watch.expected]: blocks = [\"198.51.100.0/24\"]\nwhy = \"an office\"", Free),
    Case(
        "watch.expected",
        "[watch.expected]: blocks = [\"198.51.100.0/24\"]\nwhy = \"an office\"\nkeys = [\"k7\", \"k8\"]",
        "[watch.expected]: blocks = [\"198.51.100.0/24\"]\nwhy = \"an office\"",
        Free,
    ),
    Case(
        "watch.expected",
        "[watch.expected]: blocks = [\"198.51.100.0/24\"]\nwhy = \"an office\"\nkeys = [\"k7\"]",
        "[watch.expected]: blocks = [\"198.51.100.0/24\"]\nwhy = \"an office\"\nkeys = [\"k7\", \"k8\"]",
        Free,
    ),
];

/// What can be said in any way.
const NEUTRAL: &[&str] = &[
    "gate: workers = 3",
    "gate: connect_timeout = \"1s\"",
    "gate: answer_timeout = \"1h\"",
    "gate: stop_timeout = \"1s\"",
    "gate: metrics = \"127.0.0.1:9\"",
    "hold: wait = \"5s\"",
    "record: roll = \"1 MiB\"",
    "[api.override]: operation = \"GET /a\"\npowers = [\"read\"]",
];

/// A configuration in which these are said.
fn config(said: &[&str]) -> Config {
    let mut sections: std::collections::BTreeMap<&str, String> = std::collections::BTreeMap::new();
    let silent = |name: &str| !said.iter().any(|line| line.starts_with(name));
    let given = [
        ("gate: listen =", "gate: listen = \"127.0.0.1:1\""),
        ("gate: upstream =", "gate: upstream = \"https://a\""),
        ("api: document =", "api: document = \"d\""),
    ];
    let given = given.into_iter().filter(|(name, _)| silent(name)).map(|(_, line)| line);
    for line in given.chain(said.iter().copied()).filter(|line| !line.is_empty()) {
        let (section, setting) = line.split_once(": ").unwrap();
        *sections.entry(section).or_default() += &format!("{setting}\n");
    }
    let text: String = sections.iter().map(|(section, settings)| format!("[{section}]\n{settings}")).collect();
    Config::parse(Path::new("greave.toml"), &text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn names(from: &[&str], to: &[&str]) -> Vec<String> {
    settings(&config(from), &config(to)).into_iter().map(|weaker| weaker.what).collect()
}

#[test]
fn every_single_weakening_is_found_by_its_name_and_its_undoing_is_free() {
    for Case(name, from, to, back) in CASES {
        assert_eq!(names(&[from], &[to]), [*name], "{from} -> {to}");
        let expected: &[&str] = if matches!(back, Waits) { &[name] } else { &[] };
        assert_eq!(names(&[to], &[from]), expected, "{to} -> {from}");
        assert!(names(&[to], &[to]).is_empty());
    }
}

#[test]
fn no_strengthening_beside_it_hides_a_weakening() {
    for Case(name, from, to, _) in CASES {
        for Case(other, stronger, weaker, back) in CASES {
            let both_issued = name.starts_with("issued") && other.starts_with("issued");
            if name != other && !both_issued && matches!(back, Free) {
                let found = names(&[from, weaker], &[to, stronger]);
                assert_eq!(found, [*name], "{from} -> {to} beside {weaker} -> {stronger}");
            }
        }
    }
}

#[test]
fn what_makes_nothing_easier_is_free() {
    for setting in NEUTRAL {
        assert!(names(&[], &[setting]).is_empty(), "{setting}");
    }
}

#[test]
fn a_client_certificate_and_its_key_wait_together() {
    let said = "gate: client_certificate = \"c.pem\"\nclient_key = \"k.pem\"";
    let both = ["gate.client_certificate", "gate.client_key"];
    assert_eq!(
        (names(&[], &[said]), names(&[said], &[])),
        (both.map(str::to_owned).to_vec(), both.map(str::to_owned).to_vec())
    );
}

#[test]
fn what_a_webhooks_address_hides_is_not_shown() {
    let to = config(&["[tell.webhook]: url = \"https://u:p@h.example/token\"\nsecret = \"w\""]);
    let weaker = settings(&config(&[]), &to);
    assert_eq!(weaker[0].to, "h.example (all), signed with the secret `w`");
}

#[test]
fn what_a_drains_address_hides_is_not_shown() {
    let to = config(&["[drain]: name = \"siem\"\nto = \"https://h.example/s3cret\"\nsecret = \"token\""]);
    let found = settings(&config(&[]), &to);
    let text = format!("{found:?}");
    assert!(text.contains("siem to https://h.example (calls, findings, ledger") && !text.contains("s3cret"), "{text}");
}

#[test]
fn whatever_turns_what_goes_out_elsewhere_or_makes_it_unreadable_waits() {
    let drain = |more: &str| format!("[drain]: name = \"siem\"\nto = {more}");
    let before = drain("\"https://h.example/in/a\"");
    for after in [
        "\"https://h.example/in/b\"",
        "\"https://h.example/in/a?token=s3cret\"",
        "\"https://h.example/in/a\"\nform = \"array\"",
        "\"https://h.example/in/a\"\nsecret = \"s\"\nscheme = \"Splunk\"",
    ] {
        assert_eq!(names(&[&before], &[&drain(after)]), ["drain"], "{after}");
    }
    assert!(names(&[&before], &[&drain("\"https://h.example/in/a\"\ngzip = true")]).is_empty());
    let trace = |to: &str| format!("trace: to = \"{to}\"");
    let (one, other) = (trace("https://h.example/a"), trace("https://h.example?token=s3cret"));
    let found = settings(&config(&[&one]), &config(&[&other]));
    assert!(found.len() == 1 && !format!("{found:?}").contains("s3cret"), "{found:?}");
}
