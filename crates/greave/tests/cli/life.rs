//! When keys end.

use std::net::TcpListener;

use super::{
    backup::issuing,
    wires::{api, ask, call, read},
    *,
};

#[test]
fn a_key_is_retired_by_the_first_use_of_the_one_that_takes_its_place() {
    let mut company = issuing();
    let (_gate, told) = Running::start(&company);
    let address = told.gate();
    let issue = ["keys", "issue", "--name", "nightly", "--holder", "ann", "--power", "read"];
    let old = company.as_ann(&issue);
    assert!(!old.err.contains("nothing passes"), "{}", old.err);
    let old = old.out.trim().to_owned();
    company.run(&["keys", "retire", "k1"]).says(2, &["--as NAME"]);
    let made = company.as_ann(&["keys", "retire", "k1", "--grace", "1h"]);
    made.says(0, &["k2 (nightly) of ann", "takes the place of k1 from its first use on; k1 then works for 1h"]);
    let new = made.out.trim();
    company.run(&["keys", "show", "k1"]).says(0, &["active", "successor   k2, not used yet"]);
    assert_eq!(call(&address, &old), Some(200));
    assert_eq!(call(&address, new), Some(200));
    company.run(&["keys", "show", "k1"]).says(0, &["retiring, ends in", "successor   k2\n"]);
    company.run(&["keys", "show", "k2"]).says(0, &["succeeds    k1"]);
    assert_eq!(call(&address, &old), Some(200));
    let last = company.as_ann(&["keys", "retire", "k2", "--grace", "0"]);
    last.says(0, &["takes the place of k2, with which nothing passes any more"]);
    assert_eq!((call(&address, new), call(&address, last.out.trim())), (Some(401), Some(200)));
    company.run(&["keys", "list"]).says(0, &["retiring", "retired", "active"]);
    company.as_ann(&["keys", "retire", "k2"]).says(2, &["key `k2` is retired", "greave keys show k2"]);
    company.as_ann(&["keys", "retire", "k3", "--grace", "1h"]).says(0, &["k4"]);
    let stopped = company.run(&["keys", "disable", "k3"]);
    stopped
        .says(0, &["nothing passes with it", "its successor k4 waits for its first use", "`greave keys disable k4`"]);
    company.run(&["ledger", "show"]).says(0, &["key-took-over", "key-retired"]);
}

#[test]
fn who_issues_a_key_before_the_gate_has_a_credential_is_told_what_to_set() {
    let mut company = Company::new();
    company.edit("greave.toml", "# [issued]", "[issued]");
    company.edit("greave.toml", "# prefix = ", "prefix = ");
    let issued = company.as_ann(&["keys", "issue", "--holder", "ann", "--power", "read"]);
    issued.says(0, &["nothing passes with it yet", "`greave upstream set-credential --as NAME`"]);
}

/// From a key's birth to its end, in hours.
fn lives(company: &Company, key: &str) -> i64 {
    let shown = company.run(&["--json", "keys", "show", key]).json();
    let at = |name: &str| shown["key"][name].as_str().unwrap().parse::<Timestamp>().unwrap();
    at("end").duration_since(at("born")).as_hours()
}

#[test]
fn a_key_ends_as_it_was_said_and_never_later_than_the_posture_lets_it() {
    let mut company = issuing();
    company.edit("greave.toml", "prefix = ", "longest = \"30d\"\nprefix = ");
    company.run(&["check"]).says(2, &["issued.longest", "`[keys]`", "longest = \"30d\""]);
    company.edit("greave.toml", "longest = \"30d\"\n", "");
    company.edit("greave.toml", "# [keys]", "[keys]");
    company.edit("greave.toml", "# lifetime = \"90d\"", "lifetime = \"20d\"");
    company.run(&["keys", "list"]).says(0, &[]);
    let issued = company.as_ann(&["--json", "keys", "issue", "--holder", "ann", "--power", "read"]).json();
    let secret = issued["secret"].as_str().unwrap();
    assert_eq!(lives(&company, "k1"), 20 * 24);

    company.run(&["keys", "change", "k1"]).says(2, &["--end", "--for"]);
    company.run(&["keys", "change", "k1", "--end", "soon"]).says(2, &["`soon` is no day", "2027-03-01"]);
    company.run(&["keys", "change", "k1", "--for", "10d"]).says(0, &["k1 of ann: ends in "]);
    assert_eq!(lives(&company, "k1"), 10 * 24, "from now on");
    company.run(&["keys", "change", "k1", "--for", "11d"]).says(2, &["--as NAME"]);
    company.as_ann(&["keys", "change", "k1", "--for", "11d", "--name", "nightly"]).says(0, &["nightly"]);
    assert_eq!(lives(&company, "k1"), 11 * 24);
    company.as_ann(&["keys", "change", "k1", "--end", "2099-01-01"]).says(2, &["at most 365d", "`keys.longest`"]);

    // A shorter life binds at once; a longer one waits for a code.
    company.edit("greave.toml", "# longest = \"365d\"", "longest = \"1d\"");
    company.edit("greave.toml", "lifetime = \"20d\"", "lifetime = \"1d\"");
    assert_eq!(lives(&company, "k1"), 24);
    drop(Running::start(&company));
    company.edit("greave.toml", "longest = \"1d\"", "longest = \"2d\"");
    company.run(&["law", "show"]).says(1, &["keys.longest"]);
    assert_eq!(lives(&company, "k1"), 24);
    company.as_ann(&["law", "accept"]).says(0, &["keys.longest"]);
    assert_eq!(lives(&company, "k1"), 48);

    let (_gate, told) = Running::start(&company);
    let address = told.gate();
    assert_eq!(call(&address, secret), Some(200));
    let socket = company.path("state/admin.sock");
    let end = serde_json::json!({"end": Timestamp::now() + jiff::SignedDuration::from_millis(50)});
    assert_eq!(ask(&socket, "PATCH", "/keys/k1", &end).unwrap().status, 200);
    // What was under way at that moment is cut.
    while call(&address, secret) != Some(401) {}
    company.run(&["keys", "list"]).says(0, &["ended"]);
}

/// A company whose gate learns the keys that its API takes.
fn learning() -> Company {
    let company = Company::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    company.edit("greave.toml", "127.0.0.1:0", &port);
    company.edit("greave.toml", "http://127.0.0.1:9", &format!("http://{}", api()));
    company
}

#[test]
fn a_plan_gives_keys_past_the_limit_ends_that_a_person_applies_once_and_as_a_whole() {
    let mut company = learning();
    company.run(&["expiry", "plan"]).says(0, &["every key has an end within the limit"]);
    let (_gate, told) = Running::start(&company);
    let address = told.gate();
    let secrets = ["idle", "used", "other"].map(|name| format!("adopted-{name}-0123456789abcdef"));
    let socket = company.path("state/admin.sock");
    for (known, secret) in (1..).zip(&secrets) {
        assert_eq!(call(&address, secret), Some(200));
        while read(&socket, "/keys")["keys"].as_array().unwrap().len() < known {}
    }
    // A call that ends later is a later use, to the second.
    let used = |key: &str| {
        let shown = read(&socket, &format!("/keys/{key}"));
        shown["key"]["last_used"]["at"].as_str().map(|at| at.parse::<Timestamp>().unwrap())
    };
    while used("k3").is_none() || used("k2") <= used("k3") {
        assert_eq!(call(&address, &secrets[1]), Some(200));
    }
    company.run(&["expiry", "plan"]).says(0, &["k1", "not known", "nothing is set yet"]);
    company.run(&["expiry", "plan", "--within", "8d"]).says(2, &["--within 8d", "say at least 9d"]);
    company
        .run(&["expiry", "plan", "--output", "ends.csv"])
        .says(0, &["3 ends in `ends.csv`", "expiry apply ends.csv"]);
    company.run(&["expiry", "plan", "--output", "ends.jsonl"]).says(0, &[]);
    let plan = fs::read_to_string(company.path("ends.csv")).unwrap();
    let keys: Vec<&str> = plan.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!((keys.len(), keys[0], keys[3]), (4, "key", "k2"), "what was used last ends last: {plan}");

    let broken = plan.replace("k3,", "k33,").replace("\nk1,", "\n1,");
    fs::write(company.path("broken.csv"), broken).unwrap();
    company.run(&["expiry", "apply", "broken.csv"]).says(2, &["nothing was done", "line ", "`1` is no key id"]);
    fs::write(company.path("broken.csv"), plan.replace("k3,", "k33,")).unwrap();
    company.run(&["expiry", "apply", "broken.csv"]).says(2, &["there is no key `k33`"]);
    company.run(&["expiry", "apply", "ends.csv"]).says(2, &["--as NAME"]);
    assert_eq!(read(&socket, "/expiry")["no_end"], 3, "all or nothing");

    company.as_ann(&["expiry", "apply", "ends.csv"]).says(0, &["k2", "not known", "3 keys now, as the file says"]);
    for file in ["ends.csv", "ends.jsonl"] {
        company.run(&["expiry", "apply", file]).says(0, &["nothing is left to set", "3 keys as the file says already"]);
    }
    assert_eq!(read(&socket, "/expiry")["past_limit"], 0);
    company.run(&["expiry", "plan"]).says(0, &["every key has an end within the limit"]);
    company.run(&["keys", "show", "k1"]).says(0, &["active, ends in"]);
}
