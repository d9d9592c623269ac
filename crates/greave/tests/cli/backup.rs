//! Backups: what is in them and what is not, and what an old one must not bring back in silence.

use std::{net::TcpListener, os::unix::fs::PermissionsExt as _, thread};

use super::{
    killed::{self, Dice},
    wires::{api, ask, call},
    *,
};

const CREDENTIAL: &str = "sk_live_0123456789abcdef";

/// A company before somebody else's API.
pub(super) fn issuing() -> Company {
    let mut company = Company::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    company.edit("greave.toml", "127.0.0.1:0", &port);
    company.edit("greave.toml", "http://127.0.0.1:9", &format!("http://{}", api()));
    company.edit("greave.toml", "# [issued]", "[issued]");
    company.edit("greave.toml", "# prefix = ", "prefix = ");
    company.edit("greave.toml", "unknown_keys = \"learn\"", "unknown_keys = \"refuse\"");
    let typed = format!("{CREDENTIAL}\n{}\n", company.codes.pop().unwrap());
    run(company.folder.path(), &["upstream", "set-credential", "--as", "ann"], &typed).says(0, &[]);
    company
}

fn issue(company: &mut Company) -> (String, String) {
    let issued = company.as_ann(&["--json", "keys", "issue", "--holder", "ann", "--power", "read"]).json();
    (issued["key"]["id"].as_str().unwrap().to_owned(), issued["secret"].as_str().unwrap().to_owned())
}

/// Every file below a folder, with its rights.
fn files(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        if entry.metadata().unwrap().is_dir() {
            assert_eq!(mode, 0o700, "{:?}", entry.path());
            found.extend(files(&entry.path()));
        } else {
            found.push((entry.path(), mode));
        }
    }
    found
}

#[test]
fn an_old_state_comes_back_whole_and_brings_no_revoked_key_back_in_silence() {
    let mut company = issuing();
    company.edit("greave.toml", "[gate]", "[gate]\nstop_timeout = \"1s\"");
    let (gate, told) = Running::start(&company);
    let address = told.gate();
    let keys: Vec<(String, String)> = (0..3).map(|_| issue(&mut company)).collect();
    let works = |secret: &str| call(&address, secret) == Some(200);
    assert!(keys.iter().all(|(_, secret)| works(secret)));
    company.run(&["keys", "revoke", "k1"]).says(0, &[]);
    fs::create_dir(company.path("safe")).unwrap();
    company
        .run(&["backup", "backup/one", "--secrets", "backup/keys.json"])
        .says(2, &["would lie in", "with the backup"]);
    company.run(&["backup", "backup/one", "--secrets", "backup/one/keys.json"]).says(2, &[]);
    let taken = company.run(&["backup", "backup/one", "--secrets", "safe/keys.json"]);
    taken.says(0, &["holds the state as it was", "The record is not in it", "move one of the two elsewhere"]);
    company.run(&["backup", "backup/one"]).says(2, &["is there already"]);

    // What lies in it opens nothing.
    let own = ["pepper", "master", "ledger"]
        .map(|name| fs::read_to_string(company.path("state/secrets").join(name)).unwrap());
    let said = keys.iter().map(|(_, secret)| secret.as_str()).chain(own.iter().map(|text| text.trim()));
    let secrets: Vec<&str> = said.chain([CREDENTIAL]).chain(company.codes.iter().map(String::as_str)).collect();
    let backup = files(&company.path("backup/one"));
    assert!(backup.iter().any(|(path, _)| path.ends_with("state.db")) && backup.len() >= 5, "{backup:?}");
    for (path, mode) in backup {
        assert_eq!(mode, 0o600, "{path:?}");
        let bytes = fs::read(&path).unwrap();
        for secret in &secrets {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "a secret in {path:?}");
        }
    }
    assert_eq!(files(&company.path("safe"))[0].1, 0o600);

    // Then somebody revokes another key, makes one, and the folder is lost; not so its record.
    company.run(&["keys", "revoke", "k2"]).says(0, &[]);
    assert!(!works(&keys[1].1));
    // Whoever has it sends what waits for its body when the gate stops: that is no call that passed.
    let mut broken = std::net::TcpStream::connect(&address).unwrap();
    let head = "GET /users/x HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9";
    write!(broken, "{head}\r\nexpect: 100-continue\r\nauthorization: Bearer {}\r\n\r\n", keys[1].1).unwrap();
    broken.read_exact(&mut [0; 25]).unwrap();
    let (_, later) = issue(&mut company);
    assert!(works(&later));
    // And a third is narrowed, to what it never did.
    let narrow = ["narrow", "k3", "--until", "2020-01-01", "--keep", "GET /users/{name}", "--apply"];
    company.run(&narrow).says(0, &["in force"]);
    assert_eq!(call(&address, &keys[2].1), Some(403));
    fs::write(company.path("kept.note"), company.run(&["ledger", "checkpoint"]).out).unwrap();
    gate.signal("-TERM");
    assert_eq!(gate.ended(), Some(0));
    fs::rename(company.path("state"), company.path("lost")).unwrap();
    company.run(&["serve"]).says(2, &["there is no state in", "greave restore"]);

    let restore = ["restore", "backup/one", "--to", "state"];
    company.run(&restore).says(2, &["the secret `pepper` is missing"]);
    let restore = [&restore[..], &["--secrets", "safe/keys.json"]].concat();
    company.run(&restore).says(1, &["Nothing was given", "cannot be known", "Nothing was restored", "--danger-behind"]);
    assert!(!company.path("state").exists() && !company.path("state.restoring").exists());
    let evidence = ["--newer-record", "lost/record", "--checkpoint", "kept.note"];
    let held = [&restore[..], &evidence].concat();
    let behind = [
        "entries of the ledger are missing",
        "after it",
        "working in the backup: k2",
        "what they may do in the backup: k3",
        "unknown in the backup: k4",
    ];
    company.run(&held).says(1, &behind).says(1, &["Nothing was restored"]);
    assert!(!company.path("state").exists());
    company.run(&[&held[..], &["--danger-behind"]].concat()).says(0, &["Stopped again", "k2", "void"]);
    company.run(&held).says(2, &["holds more than"]);

    let (gate, _told) = Running::start(&company);
    let stand: Vec<bool> = keys.iter().map(|(_, secret)| works(secret)).chain([works(&later)]).collect();
    assert_eq!(stand, [false, false, true, false], "k1 and k2 are revoked, k4 is not known");
    company.run(&["ledger", "verify"]).says(0, &["hold together"]);
    company.run(&["ledger", "show"]).says(0, &["state-restored"]);
    assert_eq!(issue(&mut company).0, "k5", "the record has another k4");
    drop(gate);
    fs::remove_file(company.path("state/state.db")).unwrap();
    company.run(&["serve"]).says(2, &["the ledger of", "is gone", "greave restore"]);
}

#[test]
fn a_backup_that_nothing_is_newer_than_needs_no_dangerous_word() {
    let company = Company::new();
    fs::create_dir(company.path("safe")).unwrap();
    // The configuration is loaded once.
    company.run(&["keys", "list"]).says(0, &[]);
    // A backup that was killed is in nobody's way.
    fs::create_dir(company.path("one.making")).unwrap();
    fs::write(company.path("one.making/manifest.json"), "{").unwrap();
    company.run(&["backup", "one", "--secrets", "safe/keys.json"]).says(0, &["There was no record yet"]);
    fs::write(company.path("kept.note"), company.run(&["ledger", "checkpoint"]).out).unwrap();
    let checked = ["restore", "one", "--secrets", "safe/keys.json", "--checkpoint", "kept.note", "--to"];
    let restored = company.run(&[&checked[..], &["again", "--json"]].concat()).json();
    assert_eq!((&restored["restored"], &restored["newer"]["entries"]), (&true.into(), &0.into()));
    // The secrets may be where they were kept before.
    fs::create_dir(company.path("third")).unwrap();
    fs::rename(company.path("again/secrets"), company.path("third/secrets")).unwrap();
    company
        .run(&["restore", "one", "--to", "third", "--checkpoint", "kept.note"])
        .says(0, &["Nothing at hand is newer"]);
    company.edit("greave.toml", "[gate]", "[gate]\nstate = \"third\"");
    company.run(&["holders", "list"]).says(0, &["ann"]);
}

#[test]
fn what_is_damaged_foreign_or_made_up_is_not_restored() {
    let company = Company::new();
    let other = Company::new();
    for (company, name) in [(&company, "safe"), (&other, "safe")] {
        fs::create_dir(company.path(name)).unwrap();
        company.run(&["backup", "one", "--secrets", "safe/keys.json"]).says(0, &[]);
        fs::write(company.path("kept.note"), company.run(&["ledger", "checkpoint"]).out).unwrap();
    }
    let restore = |more: &[&str]| {
        let words = ["restore", "one", "--to", "new", "--danger-behind"];
        let ended = company.run(&[&words[..], more].concat());
        assert!(ended.code == 0 || !company.path("new").exists(), "{}", ended.err);
        ended
    };
    let foreign = other.path("safe/keys.json");
    let keys = ["--secrets", "safe/keys.json"];
    restore(&["--secrets", foreign.to_str().unwrap()]).says(2, &["the ledger is broken"]);
    let note = other.path("kept.note");
    restore(&[&keys[..], &["--checkpoint", note.to_str().unwrap()]].concat()).says(2, &["of another origin"]);
    let with = |name: &str, from: &str, to: &str| {
        let path = company.path("one").join(name);
        let right = fs::read(&path).unwrap();
        let changed = String::from_utf8_lossy(&right).replacen(from, to, 1);
        assert_ne!(changed.as_bytes(), right, "{from}");
        fs::write(&path, changed).unwrap();
        let ended = restore(&keys);
        fs::write(&path, right).unwrap();
        ended
    };
    with("manifest.json", "\"version\": 1", "\"version\": 2").says(2, &["use the newer program"]);
    with("manifest.json", "\"state.db\"", "\"../one/state.db\"").says(2, &["no file of that name"]);
    with("manifest.json", "\"entries\": ", "\"entries\": 1").says(2, &["does not stand where"]);
    with("state.db", "ann", "eve").says(2, &["is not what was written"]);
    // Who mends the digest as well still has no signature.
    fs::copy(other.path("one/state.db"), company.path("one/state.db")).unwrap();
    fs::copy(other.path("one/manifest.json"), company.path("one/manifest.json")).unwrap();
    for name in files(&other.path("one/posture")) {
        fs::copy(&name.0, company.path("one/posture").join(name.0.file_name().unwrap())).unwrap();
    }
    restore(&keys).says(2, &["the ledger is broken"]);
}

#[test]
fn a_backup_under_load_is_one_moment_of_the_state() {
    let company = killed::company(&api());
    fs::create_dir(company.path("safe")).unwrap();
    let (gate, told) = Running::start(&company);
    let (socket, address) = (company.path("state/admin.sock"), told.gate());
    let hands: Vec<_> = (0..2)
        .map(|seed| {
            let (socket, address) = (socket.clone(), address.clone());
            thread::spawn(move || killed::meddle(&socket, &address, Dice(seed)))
        })
        .collect();
    let mut before = 0;
    for name in ["a", "b", "c"] {
        let secrets = format!("safe/{name}.json");
        company.run(&["backup", &format!("backups/{name}"), "--secrets", &secrets]).says(0, &[]);
        let words =
            ["restore", &format!("backups/{name}"), "--secrets", &secrets, "--to", name, "--danger-behind", "--json"];
        let entries = company.run(&words).json()["entries"].as_u64().unwrap();
        assert!(entries > before, "{entries} entries, and {before} before");
        before = entries;
    }
    assert_eq!(ask(&socket, "GET", "/ledger/verify", &Value::Null).unwrap().status, 200, "the gate goes on");
    drop(gate);
    hands.into_iter().for_each(|hand| drop(hand.join().unwrap()));
}
