//! What the API itself says of its keys: revoked there, too, or alive elsewhere.

use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use super::{
    wires::{call, exchange},
    *,
};

/// An API that takes every key, lists those that it has, revokes one, and keeps an access log.
fn api(keys: &Arc<Mutex<Vec<(String, String)>>>, log: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, keys) = (listener.local_addr().unwrap().to_string(), Arc::clone(keys));
    let log = log.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (keys, log) = (Arc::clone(&keys), log.clone());
            thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
                let line: Vec<&str> = head.split(' ').take(2).collect();
                let agent = head.lines().find_map(|line| line.strip_prefix("user-agent: ")).unwrap_or("-");
                let own = head.contains("Bearer hub-own-credential");
                let mut keys = keys.lock().unwrap();
                let (status, body) = match line.as_slice() {
                    ["GET", "/tokens"] if own => {
                        let item = |(id, hash): &(String, String)| serde_json::json!({"id": id, "sha256": hash, "note": "of old"});
                        ("200 OK", Value::from(keys.iter().map(item).collect::<Vec<_>>()).to_string())
                    }
                    ["DELETE", path] if own && path.starts_with("/tokens/") => {
                        keys.retain(|(id, _)| path.rsplit('/').next() != Some(id));
                        ("204 No Content", String::new())
                    }
                    [_, path] if path.starts_with("/users") => ("200 OK", "{}".to_owned()),
                    _ => ("403 Forbidden", String::new()),
                };
                let at = Timestamp::now().strftime("%d/%b/%Y:%H:%M:%S +0000");
                let logged = format!(
                    "127.0.0.1 - - [{at}] \"{} {} HTTP/1.1\" {} 2 \"-\" \"{agent}\"\n",
                    line[0],
                    line[1],
                    &status[..3]
                );
                fs::File::options().append(true).create(true).open(&log).unwrap().write_all(logged.as_bytes()).unwrap();
                let length = body.len();
                let answer =
                    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
                let _ = reader.into_inner().write_all(answer.as_bytes());
            });
        }
    });
    address
}

#[test]
fn revoked_is_true_at_the_api_too_and_what_lives_elsewhere_is_found() {
    let mut company = Company::new();
    let keys = Arc::new(Mutex::new(Vec::new()));
    let hash = |secret: &str| authority::Digest::of(secret.as_bytes()).to_string();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    company.edit("greave.toml", "127.0.0.1:0", &port);
    company.edit("greave.toml", "http://127.0.0.1:9", &format!("http://{}", api(&keys, &company.path("access.log"))));
    company.edit(
        "greave.toml",
        "[guard]",
        "[api.credentials]\nsecret = \"hub\"\nrevoke = \"DELETE /tokens/{id}\"\nlist = \"GET /tokens\"\n\
         items = \"\"\nhash = \"/sha256\"\nname = \"/note\"\n\n[guard]",
    );
    company.run(&["check"]).says(2, &["the secret `hub` is missing"]);
    company.run(&["reconcile"]).says(2, &["the secret `hub` is missing"]);
    fs::write(company.path("state/secrets/hub"), "hub-own-credential\n").unwrap();
    let only_ours = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(company.path("state/secrets/hub"), only_ours).unwrap();

    let (gate, told) = Running::start(&company);
    let address = told.gate();
    assert_eq!(call(&address, "known-key-1234567890"), Some(200));
    *keys.lock().unwrap() =
        vec![("a1".to_owned(), hash("known-key-1234567890")), ("a2".to_owned(), hash("nobody-knows-it"))];
    let found = company.run(&["reconcile"]);
    found.says(1, &["`a2`", "alive at the API, and not known here", "2 keys at the API"]);
    company.run(&["keys", "revoke", "k1"]).says(0, &["revoked, here and at the API"]);
    assert_eq!(keys.lock().unwrap().len(), 1);
    assert_eq!(call(&address, "known-key-1234567890"), Some(401));
    company.run(&["ledger", "show"]).says(0, &["key-known-as", "key-dead-abroad"]);

    // It is back there, as after a restore; and a key that works here is gone there.
    assert_eq!(call(&address, "another-key-1234567890"), Some(200));
    *keys.lock().unwrap() = vec![("b1".to_owned(), hash("another-key-1234567890"))];
    company.run(&["reconcile"]).says(0, &["the API and the gate agree"]);
    *keys.lock().unwrap() = vec![("b2".to_owned(), String::new())];
    company.run(&["reconcile"]).says(1, &["`b2`", "`b1`", "is gone at the API"]);
    company.run(&["keys", "name", "k2", "--upstream", "b2"]).says(2, &["needs a person's code"]);
    company.as_ann(&["keys", "name", "k2", "--upstream", "b2"]).says(0, &["is `b2` at the API"]);
    company.run(&["keys", "show", "k2"]).says(0, &["at the API", "`b2`"]);
    company.run(&["reconcile"]).says(0, &["the API and the gate agree"]);
    company.run(&["keys", "show", "k1"]).says(0, &["`a1`, revoked there, too"]);
    *keys.lock().unwrap() = vec![("a1".to_owned(), hash("known-key-1234567890"))];
    let found = company.run(&["--json", "reconcile"]);
    found.says(1, &[]);
    let found: Value = serde_json::from_str(&found.out).unwrap();
    let found = &found["keys"];
    assert_eq!((&found["alive"][0]["key"], &found["alive"][0]["here"]), (&"k1".into(), &"revoked".into()));
    assert_eq!((&found["gone"][0]["key"], &found["gone"][0]["upstream"]), (&"k2".into(), &"b2".into()));
    drop(gate);
}

#[test]
fn calls_around_the_gate_are_found_in_the_apis_own_log() {
    let company = Company::new();
    let log = company.path("access.log");
    let upstream = api(&Arc::default(), &log);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    company.edit("greave.toml", "127.0.0.1:0", &port);
    company.edit("greave.toml", "http://127.0.0.1:9", &format!("http://{upstream}"));
    let reconcile = ["reconcile", "--log", "access.log"];
    company.run(&reconcile).says(2, &["no record"]);
    let (gate, told) = Running::start(&company);
    let address = told.gate();
    for _ in 0..3 {
        assert_eq!(call(&address, "known-key-1234567890"), Some(200));
    }
    let one = |method: &str, path: &str| {
        let stream = TcpStream::connect(&address).unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nauthorization: Bearer known-key-1234567890");
        exchange(stream, &head, "").map(|answer| answer.status)
    };
    assert_eq!(one("GET", "/users/o%27neil?page=2"), Some(200));
    assert_eq!(one("GET", "/users/a/b/not-described"), Some(200));
    company.run(&reconcile).says(0, &["the API and the gate agree", "0 are in no record, 5 are"]);

    // The same call once more, one that the gate would have asked about, and one it would refuse.
    for path in ["/users", "/users/bob?token=sk_live_4eC39HqLyjWDarjtT1zdp7dc", "/users/../admin"] {
        let head = format!("{} {path} HTTP/1.1\r\nuser-agent: curl/8", if path == "/users" { "GET" } else { "DELETE" });
        exchange(TcpStream::connect(&upstream).unwrap(), &head, "").unwrap();
    }
    let found = company.run(&reconcile);
    found.says(1, &["DELETE /users/bob", "curl/8", "/users/../admin", "3 are in no record, 5 are"]);
    assert!(!found.out.contains("sk_live") && !found.err.contains("sk_live"));
    let found: Value = serde_json::from_str(&company.run(&[&["--json"], &reconcile[..]].concat()).out).unwrap();
    assert_eq!((&found["calls"]["around"], &found["keys"]), (&3.into(), &Value::Null));

    fs::write(&log, "nothing that a server writes\n").unwrap();
    company.run(&reconcile).says(2, &["nobody knows what 1 line of the log say"]);
    fs::write(&log, "127.0.0.1 - - [29/Nov/2001:08:00:00 +0000] \"GET /users HTTP/1.1\" 200 2\n").unwrap();
    company.run(&reconcile).says(2, &["no line of the log is of a time that the record has"]);
    fs::write(&log, [0x1f, 0x8b, 8]).unwrap();
    company.run(&reconcile).says(2, &["zcat access.log"]);
    company.run(&[&reconcile[..], &["--tolerance", "1h"]].concat()).says(2, &["at most `5m`"]);
    drop(gate);
}
