//! Whatever is weaker waits for a code, as a whole: at a reload, at a start, and shown everywhere.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
};

use super::*;

/// An API that likes everything.
fn api() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
                    if line == "\r\n" {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                    }
                    line.clear();
                }
            });
        }
    });
    address
}

/// The address that the gate's first line names.
fn address(told: &Told) -> String {
    let line = told.1.lines().find(|line| line.starts_with("gate ")).unwrap();
    line.split("http://").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
}

/// The status of a call with a key.
fn call(gate: &str, method: &str, path: &str, key: &str) -> u16 {
    let mut stream = TcpStream::connect(gate).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nprefer: wait=0\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("{answer}")).parse().unwrap()
}

const KEY: &str = "key_4f9a1c7e3b5d8062";
/// A company whose guards bind, before an API that likes everything, on a port of its own.
fn company() -> Company {
    let company = Company::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    company.edit("greave.toml", "127.0.0.1:0", &port.to_string());
    company.edit("greave.toml", "http://127.0.0.1:9", &format!("http://{}", api()));
    let text = fs::read_to_string(company.path("greave.toml")).unwrap();
    let mode = text.lines().find(|line| line.starts_with("mode ")).unwrap().to_owned();
    company.edit("greave.toml", &mode, "mode = \"enforce\"");
    company
}

#[test]
fn an_edited_lock_waits_over_reload_and_restart_until_it_is_accepted() {
    let mut company = company();
    let (gate, mut told) = Running::start(&company);
    let at = address(&told);
    assert_eq!(call(&at, "GET", "/users", KEY), 200);
    let refused = call(&at, "DELETE", "/users/bob", KEY);
    assert!(matches!(refused, 401 | 403), "{refused}");

    let lock = fs::read_to_string(company.path("catalogue.lock")).unwrap();
    let line = lock.lines().find(|line| line.starts_with("\"DELETE /users/{name}\"")).unwrap().to_owned();
    company.edit("catalogue.lock", &line, "\"DELETE /users/{name}\" = { powers = [\"read\"] }");
    let place = format!("catalogue.lock:{}", lock.lines().position(|it| it == line).unwrap() + 1);
    let weaker = ["DELETE /users/{name}", "destroy", "read"];
    company.run(&["check"]).says(1, &[&place, "ask for a code"]).says(1, &weaker);
    gate.signal("-HUP");
    told.until("waits for a code");
    assert_eq!(call(&at, "DELETE", "/users/bob", KEY), refused, "the lock in force goes on");
    company.run(&["law", "show"]).says(1, &["waits for a code"]).says(1, &weaker);
    company.run(&["keys", "list"]).says(0, &["a weaker law waits"]);
    company.run(&["explain", "DELETE", "/users/bob"]).says(0, &["destroy"]);
    drop(gate);

    let (gate, mut told) = Running::start(&company);
    told.until("greave law accept");
    assert_eq!(call(&at, "DELETE", "/users/bob", KEY), refused, "after a restart, too");
    company.run(&["law", "accept"]).says(2, &["--as NAME"]);
    company.as_ann(&["law", "accept"]).says(0, &["is in force"]);
    told.until("that was accepted is loaded");
    assert_eq!(call(&at, "DELETE", "/users/bob", KEY), 200);
    company.run(&["law", "show"]).says(0, &["in force since"]);
    drop(gate);

    let (gate, _told) = Running::start(&company);
    assert_eq!(call(&at, "DELETE", "/users/bob", KEY), 200);
    drop(gate);
    let check = company.run(&["check"]);
    assert!(!check.says(1, &["has changed since"]).out.contains("ask for a code"), "only drift is left");
    company.run(&["ledger", "show"]).says(0, &["posture-waits", "posture-loaded"]);
    company.run(&["ledger", "verify"]).says(0, &["hold together"]);
}

#[test]
fn a_running_gate_tells_people_by_the_ways_that_were_accepted() {
    let mut company = company();
    let secret = company.path("state/secrets/hook");
    fs::write(&secret, format!("whsec_{}\n", "QUJD".repeat(8))).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let (gate, mut told) = Running::start(&company);
    let hooks = [TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap()];
    let urls = hooks.each_ref().map(|hook| format!("http://{}/told", hook.local_addr().unwrap()));
    company.edit(
        "greave.toml",
        "[guard]",
        &format!("[[tell.webhook]]\nurl = \"{}\"\nsecret = \"hook\"\n\n[guard]", urls[0]),
    );
    let mut law = ["identity_headers = [\"x-user\"]", "identity_headers = [\"x-other\"]"].into_iter();
    for (place, hook) in hooks.iter().enumerate() {
        if place == 1 {
            company.edit("greave.toml", &urls[0], &urls[1]);
        }
        gate.signal("-HUP");
        told.until("waits for a code");
        company.as_ann(&["law", "accept"]).says(0, &["is in force"]);
        told.until("that was accepted is loaded");
        // What waits is told to people.
        let accepted = fs::read_to_string(company.path("greave.toml")).unwrap();
        company.edit("greave.toml", "unknown_keys = ", &format!("{}\nunknown_keys = ", law.next().unwrap()));
        gate.signal("-HUP");
        let mut line = String::new();
        // What went out before the ways were exchanged may have come to the first.
        let (mut came, _) = hook.accept().unwrap();
        BufReader::new(&came).read_line(&mut line).unwrap();
        assert_eq!(line, "POST /told HTTP/1.1\r\n");
        came.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
        fs::write(company.path("greave.toml"), accepted).unwrap();
        company.run(&["law", "refuse"]).says(0, &["is refused"]);
    }
    company.edit("greave.toml", "[gate]\n", "[gate]\nworkers = 2\n");
    gate.signal("-HUP");
    told.until("gate.workers");
    drop(gate);
}

#[test]
fn what_the_document_opens_is_open_here_as_explained_and_what_only_an_entry_names_stays_shut() {
    let company = company();
    let login =
        "  /login:\n    post: {summary: Create a token, security: [], responses: {'200': {description: A token.}}}\n";
    let shut = login.replace(" security: [],", "");
    fs::write(company.path("openapi.yaml"), format!("{DOCUMENT}{shut}")).unwrap();
    company.run(&["catalogue", "accept"]).says(0, &["1 new"]);
    company.edit("greave.toml", "[api]", "[api]\nopen = [\"=/login\", \"/static/\"]");
    let vain = ["api.open: `=/login`", "POST /login stays shut", "`security: []`"];
    let check = company.run(&["check"]);
    assert!(!check.says(1, &vain).out.contains("/static"), "{}", check.out);
    let nobody = |at: &str| {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(b"POST /login HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        answer
    };
    let (gate, told) = Running::start(&company);
    assert!(nobody(&address(&told)).contains(" 401 "));
    company.run(&["explain", "POST", "/login"]).says(0, &["No credential was sent"]);
    drop(gate);

    // Open and sensitive: it makes a credential for whoever signs in.
    let fresh = self::company();
    fs::write(fresh.path("openapi.yaml"), format!("{DOCUMENT}{login}")).unwrap();
    fresh.run(&["catalogue", "accept"]).says(0, &["1 new"]);
    let lock = fs::read_to_string(fresh.path("catalogue.lock")).unwrap();
    assert!(
        lock.lines().any(|line| line.contains("POST /login") && line.contains("mint") && line.contains("open")),
        "{lock}"
    );
    fresh.edit("greave.toml", "[api]", "[api]\nopen = [\"=/login\"]");
    fresh.run(&["check"]).says(0, &["nothing is wrong"]);
    let (_gate, told) = Running::start(&fresh);
    assert!(nobody(&address(&told)).contains(" 200 "));
    fresh.run(&["explain", "POST", "/login"]).says(0, &["mint", "It passes: anybody may call it"]);
}

#[test]
fn what_is_wrong_in_a_document_is_told_always_and_is_news_until_it_was_accepted() {
    let company = company();
    company.run(&["check"]).says(0, &["nothing is wrong"]);
    let slips: String = (0..25).map(|slip| format!("  /slip{slip}: {slip}\n")).collect();
    fs::write(company.path("openapi.yaml"), format!("{DOCUMENT}{slips}")).unwrap();
    company.run(&["check"]).says(1, &["skipped:"]);
    company.run(&["catalogue", "accept"]).says(0, &["skipped:"]);
    company.run(&["check"]).says(0, &["skipped:", "when the document was accepted", "nothing is wrong"]);
    let upstream = api().to_string();
    let direct = company.run(&["check", "--direct", &format!("http://{upstream}")]);
    direct.says(3, &["whoever is on this host", "skipped:"]);
    // What the operator wrote, the operator mends.
    let wrong = "[[api.override]]\noperation = \"GET /nothing\"\npowers = [\"read\"]\n";
    let text = fs::read_to_string(company.path("greave.toml")).unwrap();
    fs::write(company.path("greave.toml"), text + wrong).unwrap();
    company.run(&["check"]).says(1, &["GET /nothing"]);
}

#[test]
fn a_login_is_told_by_cookie_issuer_or_beginning_as_the_papers_say() {
    let company = company();
    // {"alg":"HS256"} . {"iss":"hall"}
    let of_issuer = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJoYWxsIn0.c2lnbmVk";
    let (begins, other) = ("sess_8c1f0b7e2d94a635", "sezz_8c1f0b7e2d94a635");
    let unfit = [
        ("header:x-session", "is no session; write `cookie:NAME`, `issuer:URL` or `prefix:TEXT`"),
        ("authorization:bearer", "is no session; write"),
        ("prefix:Bearer:", "no token begins with `Bearer:`"),
    ];
    for (session, why) in unfit {
        let line = format!("[api]\nsessions = [\"{session}\"]");
        company.edit("greave.toml", "[api]", &line);
        company.run(&["check"]).says(2, &["api.sessions", why]);
        company.edit("greave.toml", &line, "[api]");
    }
    company.edit("greave.toml", "[api]", "[api]\nsessions = [\"cookie:sid\", \"issuer:hall\", \"prefix:sess_\"]");
    company.run(&["check"]).says(0, &["nothing is wrong"]);
    let (gate, told) = Running::start(&company);
    let at = address(&told);
    for session in [begins, of_issuer] {
        assert_eq!(call(&at, "DELETE", "/users/bob", session), 200, "{session}");
    }
    assert_eq!(call(&at, "DELETE", "/users/bob", other), 403, "what is no session is asked for its person");
    drop(gate);
}

#[test]
fn what_strengthens_takes_effect_at_once_and_what_weakens_beside_it_holds_it_back() {
    let company = company();
    let (gate, mut told) = Running::start(&company);
    let at = address(&told);
    company.edit("greave.toml", "unknown_keys = \"learn\"", "unknown_keys = \"refuse\"");
    company.run(&["check"]).says(0, &["nothing is wrong"]);
    gate.signal("-HUP");
    told.until("the configuration is loaded");
    assert_ne!(call(&at, "GET", "/users", KEY), 200);
    // The undoing is weaker; so is the whole of what comes with it.
    company.edit(
        "greave.toml",
        "unknown_keys = \"refuse\"",
        "unknown_keys = \"learn\"\nidentity_headers = [\"x-user\"]",
    );
    company.run(&["check"]).says(1, &["api.unknown_keys", "greave.toml:", "learn"]);
    gate.signal("-HUP");
    told.until("waits for a code, as a whole");
    assert_ne!(call(&at, "GET", "/users", KEY), 200);
    company.run(&["law", "refuse"]).says(0, &["is refused"]);
    company.run(&["law", "show"]).says(0, &[]);
    gate.signal("-HUP");
    told.until("waits for a code, as a whole");
    assert_ne!(call(&at, "GET", "/users", KEY), 200, "it waits again");
    company.edit(
        "greave.toml",
        "unknown_keys = \"learn\"\nidentity_headers = [\"x-user\"]",
        "unknown_keys = \"refuse\"",
    );
    gate.signal("-HUP");
    told.until("the configuration is loaded");
    company.run(&["law", "show"]).says(0, &[]);
}

#[test]
fn what_is_in_force_is_kept_for_its_owner_alone_and_believed_only_as_it_was() {
    use std::os::unix::fs::PermissionsExt as _;
    let company = company();
    drop(Running::start(&company));
    let kept: Vec<PathBuf> =
        fs::read_dir(company.path("state/posture")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 3);
    for path in &kept {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    company.edit("greave.toml", "[api]", "[api]\nopen = [\"/login\"]");
    let toml = kept.iter().find(|path| path.extension().is_some_and(|it| it == "toml")).unwrap();
    let text = fs::read_to_string(toml).unwrap();
    fs::write(toml, text.replace("[api]", "[api]\nopen = [\"/\"]")).unwrap();
    company.run(&["serve"]).says(2, &["was changed", "put the file back", "state/posture"]);
    fs::write(toml, text).unwrap();
    company.run(&["check"]).says(1, &["api.open", "none", "/login"]);
}

#[test]
fn a_broken_configuration_takes_no_key_out_of_reach() {
    let mut company = company();
    let (gate, told) = Running::start(&company);
    assert_eq!(call(&address(&told), "GET", "/users", KEY), 200);
    // Learned beside the answer: it is known once the ledger says so.
    while !company.run(&["--json", "keys", "list"]).out.contains("\"k1\"") {}
    company.edit("greave.toml", "[api]", "[api\nunknown_kyes = ");
    company.run(&["check"]).says(2, &["`greave.toml` is refused"]);
    company.run(&["keys", "disable", "k1"]).says(0, &["nothing passes with it"]);
    assert_ne!(call(&address(&told), "GET", "/users", KEY), 200);
    company.run(&["questions"]).says(0, &["nothing waits"]);
    company.run(&["deny", "c1"]).says(2, &["no open question `c1`"]);
    company.run(&["calls"]).says(0, &["GET /users"]);
    company.run(&["keys", "forget", "k1", "--as", "ann"]).says(2, &["cannot be forgotten", "the key is disabled"]);
    company.as_ann(&["keys", "enable", "k1"]).says(0, &["active"]);
    company.as_ann(&["keys", "forget", "k1"]).says(0, &["is forgotten"]);
    company.run(&["keys", "show", "k1"]).says(2, &["there is no key `k1`"]);
    assert_eq!(call(&address(&told), "GET", "/users", KEY), 200);
    while !company.run(&["--json", "keys", "list"]).out.contains("\"k2\"") {}
    fs::remove_file(company.path("greave.toml")).unwrap();
    company.run(&["keys", "disable", "k2"]).says(0, &["nothing passes with it"]);
    drop(gate);
    company.run(&["keys", "list"]).says(2, &["`greave.toml` cannot be read"]);
}

#[test]
fn no_code_is_asked_for_what_could_not_be_done_with_one() {
    let company = Company::new();
    let code = company.codes.last().unwrap();
    for (words, mend) in [
        (&["approve", "c1"][..], "no open question `c1`"),
        (&["holders", "change", "nobody"], "there is no holder `nobody`"),
        (&["holders", "add", "ann"], "there is a holder `ann` already"),
        (&["holders", "add", "ci", "--kind", "workload"], "needs an owner"),
        (&["keys", "enable", "k9"], "there is no key `k9`"),
        (&["keys", "forget", "k9"], "there is no key `k9`"),
        (&["law", "accept"], "no law waits"),
    ] {
        let ended = run(company.folder.path(), &[words, &["--as", "ann"]].concat(), &format!("{code}\n"));
        assert!(!ended.err.contains("Code:"), "{words:?}: {}", ended.err);
        let all = format!("{}{}", ended.out, ended.err);
        assert!(all.contains(mend), "{words:?}: {all}");
    }
    let nobody = run(company.folder.path(), &["holders", "add", "bob", "--as", "nobody"], "");
    nobody.says(2, &["there is no holder `nobody`"]);
}

#[test]
fn what_would_send_a_secret_out_or_blind_the_judgement_is_refused_and_the_rest_waits() {
    let company = company();
    let original = fs::read_to_string(company.path("greave.toml")).unwrap();
    let gate = |line: &str| original.replacen("[gate]", &format!("[gate]\n{line}"), 1);
    let api = |line: &str| original.replacen("[api]", &format!("[api]\n{line}"), 1);
    let proof = |header: &str, secret: &str| gate(&format!("proof = {{ header = '{header}', secret = '{secret}' }}"));
    let issued = proof("X-From-Gate", "upstream") + "\n[issued]\nprefix = \"acme\"\ncredential = \"UPSTREAM\"\n";
    let refused = [
        (proof("X-From-Gate", "pepper"), "is the gate's own"),
        (proof("X-From-Gate", "Master"), "is the gate's own"),
        (proof("X-From-Gate", "pepper_previous"), "is the gate's own"),
        (proof("X-From-Gate", "/etc/hostname"), "is no name of a secret"),
        (proof("X-From-Gate", "../state.db"), "is no name of a secret"),
        (issued, "issued.credential"),
        (proof("Authorization", "proof"), "judged by"),
        (proof("X_Api_Key", "proof"), "judged by"),
        (proof("X-Team", "proof").replacen("[api]", "[api]\nkeys = ['header:x-team']", 1), "judged by"),
        (api("identity_headers = ['x-user', 'Content_Type']"), "judged by"),
        (api("identity_headers = ['cookie']"), "judged by"),
        (api("identity_headers = ['transfer-encoding']"), "judged by"),
    ];
    for (text, why) in refused {
        fs::write(company.path("greave.toml"), &text).unwrap();
        company.run(&["check"]).says(2, &[why]);
        company.run(&["serve"]).says(2, &[why]);
    }
    fs::write(company.path("greave.toml"), &original).unwrap();
    let (gate, mut told) = Running::start(&company);
    company.edit("greave.toml", "[gate]", "[gate]\nproof = { header = 'X-From-Gate', secret = 'proof' }");
    let secret = company.path("state/secrets/proof");
    fs::write(&secret, "hidden").unwrap();
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    company.run(&["check"]).says(1, &["gate.proof", "ask for a code"]);
    gate.signal("-HUP");
    told.until("waits for a code, as a whole");
}

#[test]
fn a_socket_where_others_can_put_one_is_not_talked_to() {
    use std::os::unix::fs::PermissionsExt as _;
    let company = company();
    let (_gate, _told) = Running::start(&company);
    let open = |mode| fs::set_permissions(company.path("state"), fs::Permissions::from_mode(mode)).unwrap();
    company.run(&["keys", "list"]).says(0, &[]);
    open(0o777);
    company.run(&["keys", "list"]).says(2, &["is not trusted", "chmod"]);
    // It needs no state; of what it reads and writes the same is asked.
    company.run(&["catalogue", "accept"]).says(0, &["as before"]);
    for file in ["openapi.yaml", "catalogue.lock"] {
        fs::set_permissions(company.path(file), fs::Permissions::from_mode(0o666)).unwrap();
        company.run(&["catalogue", "accept"]).says(2, &["is not trusted", file]);
        fs::set_permissions(company.path(file), fs::Permissions::from_mode(0o644)).unwrap();
    }
    open(0o700);
    company.run(&["keys", "list"]).says(0, &[]);
}

#[test]
fn what_was_true_then_is_told_from_the_ledger() {
    let company = company();
    let nothing = Timestamp::now().to_string();
    let (gate, told) = Running::start(&company);
    let before = Timestamp::now().to_string();
    assert_eq!(call(&address(&told), "GET", "/users", KEY), 200);
    let standing = |words: &[&str]| {
        let keys = company.run(&[&["--json", "keys", "list"], words].concat()).json();
        keys.as_array().unwrap().iter().map(|key| key["standing"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let until = |holds: &dyn Fn() -> bool| {
        for _ in 0..600 {
            if holds() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("it never came");
    };
    // Whose a key is, the gate learns while the client has its answer already.
    until(&|| standing(&[]) == ["active"]);
    let then = Timestamp::now().to_string();
    company.run(&["keys", "disable", "k1"]).says(0, &[]);
    assert_eq!(standing(&[]), ["disabled"]);
    assert_eq!(standing(&["--as-of", &then]), ["active"], "while the gate runs");
    assert!(standing(&["--as-of", &before]).is_empty(), "it was not known yet");
    company.run(&["keys", "--as-of", &nothing]).says(2, &["no configuration was in force at"]);

    // What is in force now is stricter.
    company.edit("greave.toml", "write ", "write = \"person\" # ");
    gate.signal("-HUP");
    let law = |words: &[&str]| company.run(&[&["--json", "law", "show"], words].concat()).json()["digest"].clone();
    until(&|| law(&[]) != law(&["--as-of", &then]));
    let grounds = ["as of ", "by entry ", " of the ledger ("];
    company
        .run(&["reach", "k1", "--as-of", &then])
        .says(0, &grounds)
        .says(0, &["With k1", "operations pass without a second factor"]);
    company.run(&["holders", "--as-of", &then]).says(0, &grounds).says(0, &["ann"]);
    company.run(&["law", "show", "--as-of", &then]).says(0, &grounds);
    company
        .run(&["explain", "GET", "/users", "--key", "k1", "--as-of", &then])
        .says(0, &["called by k1", "reads ordinary data"]);

    company.run(&["keys", "enable", "k1", "--as-of", &then]).says(2, &["looks back, and this does not"]);
    company.run(&["keys", "--as-of", "2020-01-01"]).says(2, &["the ledger begins after"]);
    company.run(&["keys", "--as-of", "2999-01-01"]).says(2, &["has not come"]);
    let is_left = || {
        let left = fs::read_dir(company.path("state")).unwrap().flatten();
        left.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("as-of"))
    };
    assert!(!is_left());
    // One that was killed has left its copy; the next one takes it away.
    fs::create_dir(company.path("state/as-of-4294967295")).unwrap();
    standing(&["--as-of", &then]);
    assert!(!is_left());
    // What was in force then is kept; without it nothing is made up.
    let posture = company.path("state/posture");
    let kept: Vec<_> = fs::read_dir(&posture).unwrap().flatten().map(|entry| entry.path()).collect();
    let old = kept.iter().filter(|path| path.extension().is_some_and(|kind| kind == "toml"));
    old.for_each(|path| fs::remove_file(path).unwrap());
    company.run(&["keys", "--as-of", &then]).says(2, &["cannot be had any more", "by the ledger"]);
    drop(gate);
}

/// What `greave incident` says of the key when so many of its calls have passed.
fn incident(company: &Company, passed: u64) -> Value {
    for _ in 0..600 {
        let told = company.run(&["--json", "incident", "k1", "--since", "1h"]).json();
        if told["calls"]["passed"] == passed {
            return told;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("{passed} calls never came")
}

#[test]
fn a_stolen_key_is_told_proven_and_narrowed_to_what_it_did_before() {
    let mut company = company();
    let (gate, told) = Running::start(&company);
    let at = address(&told);
    // The first teaches the gate that there is such a key.
    for path in ["/users", "/users", "/users"] {
        assert_eq!(call(&at, "GET", path, KEY), 200);
    }
    incident(&company, 3);
    let theft = Timestamp::now().to_string();
    assert_eq!(call(&at, "GET", "/users/bob", KEY), 200);
    assert_ne!(call(&at, "DELETE", "/users/bob", KEY), 200);
    let told = incident(&company, 4);
    assert_eq!(told["radius"]["works"], true);
    let next: Vec<&str> = told["next"].as_array().unwrap().iter().map(|it| it["command"].as_str().unwrap()).collect();
    assert!(next[0].starts_with("greave keys disable k1"), "{next:?}");
    let ticket = company.run(&["incident", "k1", "--since", &theft, "--format", "markdown"]);
    ticket.says(0, &["# `Incident: k1", "## Timeline", "`GET /users/{name}`"]);

    let key = company.run(&["record", "key"]).out;
    // Who has not the secret has the public key from the gate, and is not told to give it away.
    let (secret, put_by) = (company.path("state/secrets/ledger"), company.path("put-by"));
    fs::rename(&secret, &put_by).unwrap();
    assert_eq!(company.run(&["record", "key"]).says(0, &[]).out, key);
    company.run(&["record", "verify"]).says(0, &[]);
    let bundle = company.run(&["incident", "k1", "--bundle", "evidence"]);
    bundle.says(2, &["signed with the gate's own key", "Without the gate's secrets"]);
    assert!(!bundle.err.contains("put it into"), "{}", bundle.err);
    fs::rename(&put_by, &secret).unwrap();
    company.run(&["incident", "k1", "--bundle", "evidence/"]).says(0, &["in `evidence`"]);
    company.run(&["incident", "k1", "--bundle", "evidence"]).says(2, &["is there already"]);
    let verify = || company.run(&["record", "verify", "evidence", "--key", key.trim()]);
    verify().says(0, &["nothing is changed, missing or added", "it is about k1, from ", "of the ledger"]);
    company.edit("evidence/incident.md", "Timeline", "Time line");
    verify().says(1, &["`incident.md` was changed"]);
    for entry in fs::read_dir(company.path("evidence")).unwrap().flatten() {
        let text = fs::read_to_string(entry.path()).unwrap();
        assert!(!text.contains(KEY) && !text.contains("verifier\""), "{:?}", entry.path());
        // Whoever takes all of it out has not made an empty record of it.
        fs::remove_file(entry.path()).unwrap();
    }
    verify().says(1, &["nothing of a record"]);

    // The line of the guide: the thief's calls are told, and stop nothing.
    let narrow = ["narrow", "k1", "--until", &theft];
    let proposed = company.run(&[&["--json"], &narrow[..]].concat()).json();
    assert_eq!(proposed["scope"]["operations"], serde_json::json!(["GET /users"]));
    assert_eq!(proposed["tried"]["refused"][0]["late"], true);
    assert_eq!(proposed["tried"]["calls"], 4, "with the one by which it became known");
    company.run(&[&narrow[..], &["--apply"]].concat()).says(0, &["in force", "--undo", "at or after `--until`"]);
    assert_eq!(call(&at, "GET", "/users", KEY), 200);
    assert_eq!(call(&at, "GET", "/users/bob", KEY), 403);
    company.run(&["explain", "GET", "/users/bob", "--key", "k1"]).says(0, &["other operations"]);
    company.run(&["narrow", "k1", "--undo"]).says(2, &["--as NAME"]);
    company.as_ann(&["narrow", "k1", "--undo"]).says(0, &["reaches as far as before"]);
    assert_eq!(call(&at, "GET", "/users/bob", KEY), 200);
    company.run(&["ledger", "show"]).says(0, &["key-narrowed", "key-widened"]);
    company.run(&["narrow", "k1", "--keep", "GET /nothing"]).says(2, &["no operation is called"]);
    drop(gate);
    fs::rename(&secret, &put_by).unwrap();
    company.run(&["record", "key"]).says(2, &["no gate runs that would say its public key"]);
}
