//! What the API itself says of its keys: revoked there, too, or alive elsewhere.

use std::{
    io::Write as _,
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use super::{wires::call, *};

/// An API that takes every key, lists those that it has, and revokes one.
fn api(keys: &Arc<Mutex<Vec<(String, String)>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, keys) = (listener.local_addr().unwrap().to_string(), Arc::clone(keys));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let keys = Arc::clone(&keys);
            thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
                let line: Vec<&str> = head.split(' ').take(2).collect();
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
                    [_, "/users"] => ("200 OK", "{}".to_owned()),
                    _ => ("403 Forbidden", String::new()),
                };
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
    let company = Company::new();
    let keys = Arc::new(Mutex::new(Vec::new()));
    let hash = |secret: &str| authority::Digest::of(secret.as_bytes()).to_string();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    company.edit("greave.toml", "127.0.0.1:0", &port);
    company.edit("greave.toml", "http://127.0.0.1:9", &format!("http://{}", api(&keys)));
    company.edit(
        "greave.toml",
        "[guard]",
        "[api.credentials]\nsecret = \"hub\"\nrevoke = \"DELETE /tokens/{id}\"\nlist = \"GET /tokens\"\n\
         items = \"\"\nhash = \"/sha256\"\nname = \"/note\"\n\n[guard]",
    );
    company.run(&["check"]).says(0, &[]);
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
    *keys.lock().unwrap() = vec![("a1".to_owned(), hash("known-key-1234567890"))];
    let found = company.run(&["--json", "reconcile"]);
    found.says(1, &[]);
    let found: Value = serde_json::from_str(&found.out).unwrap();
    assert_eq!((&found["alive"][0]["key"], &found["alive"][0]["here"]), (&"k1".into(), &"revoked".into()));
    assert_eq!((&found["gone"][0]["key"], &found["gone"][0]["upstream"]), (&"k2".into(), &"b1".into()));
    drop(gate);
}
