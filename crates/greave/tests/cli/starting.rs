//! Starting and stopping: what must not be shared, what must fit, and signals at any time.

use std::{net::TcpListener, os::unix::fs::PermissionsExt as _};

use super::*;

#[test]
fn two_gates_share_neither_state_nor_port() {
    let (one, other) = (Company::new(), Company::new());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    one.edit("greave.toml", "127.0.0.1:0", &port);
    other.edit("greave.toml", "127.0.0.1:0", &port);
    let (gate, _told) = Running::start(&one);
    one.run(&["serve"]).says(2, &["`state` is in use by another greave", "gate.state"]);
    other.run(&["serve"]).says(2, &["gate.listen", &port, "is another gate running there"]);
    one.run(&["keys", "list"]).says(0, &[]);
    drop(gate);
    // Started in the same instant, one of two runs and the other says why it does not.
    for companies in [[&one, &one], [&one, &other]] {
        let mut gates = companies.map(|company| Running(greave(company.folder.path(), &["serve"]).spawn().unwrap()));
        let [mut first, mut second] = gates.each_mut().map(Told::by);
        let (sender, ended) = std::sync::mpsc::channel();
        let [a, b] = gates;
        let ids = [a.0.id(), b.0.id()];
        for mut gate in [a, b] {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let id = gate.0.id();
                let code = gate.0.wait().unwrap().code();
                let _ = sender.send((id, code));
            });
        }
        let (loser, code) = ended.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
        assert_eq!(code, Some(2));
        let (lost, won) = if loser == ids[0] { (&mut first, &mut second) } else { (&mut second, &mut first) };
        won.until("desk ");
        lost.until("greave:");
        let winner = ids.into_iter().find(|id| *id != loser).unwrap();
        assert!(Command::new("kill").arg(winner.to_string()).status().unwrap().success());
        assert_eq!(ended.recv_timeout(std::time::Duration::from_secs(60)).unwrap(), (winner, Some(0)));
    }
}

#[test]
fn what_could_not_start_and_who_only_looked_have_put_nothing_into_force() {
    let mut company = Company::new();
    let hook = "[[tell.webhook]]\nurl = \"https://127.0.0.1:9/\"\nsecret = \"hook\"\n";
    company.edit("greave.toml", "[guard]", &format!("{hook}\n[guard]"));
    company.run(&["serve"]).says(2, &["the secret `hook` is missing"]);
    company.edit("greave.toml", hook, "");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = "# where people answer\nlisten = \"127.0.0.1:0\"";
    let desk = free.replace("127.0.0.1:0", &taken.local_addr().unwrap().to_string());
    company.edit("greave.toml", free, &desk);
    company.run(&["serve"]).says(2, &["desk.listen", "cannot be listened on"]);
    for words in [["law", "show"], ["ledger", "show"], ["keys", "list"]] {
        let looked = company.run(&words);
        assert!(!looked.says(0, &[]).out.contains("posture-loaded"), "{}", looked.out);
    }
    company.edit("greave.toml", &desk, free);
    company.edit("greave.toml", "[api]", "[api]\nopen = [\"/login\"]");
    company.run(&["check"]).says(0, &["nothing is wrong"]);
    let (gate, _told) = Running::start(&company);
    company.run(&["ledger", "show"]).says(0, &["posture-loaded"]);
    drop(gate);

    // What has been in force binds; whoever reads its error after a mend is told what to do.
    company.edit("greave.toml", free, &desk);
    company.run(&["check"]).says(1, &["desk.listen"]);
    company.as_ann(&["law", "accept"]).says(0, &["is in force"]);
    company.edit("greave.toml", &desk, free);
    let again = company.run(&["serve"]);
    again.says(2, &["desk.listen", "cannot be listened on", "what is in force; your file differs", "law accept"]);
    company.as_ann(&["law", "accept"]).says(0, &["is in force"]);
    Running::start(&company);
}

#[test]
fn other_secrets_than_the_state_was_made_with_are_refused() {
    let company = Company::new();
    let other = Company::new();
    for name in ["pepper", "master"] {
        let path = company.path(&format!("state/secrets/{name}"));
        let right = fs::read(&path).unwrap();
        fs::copy(other.path(&format!("state/secrets/{name}")), &path).unwrap();
        company.run(&["serve"]).says(2, &[&format!("the secret `{name}`"), "put it back"]);
        fs::write(&path, right).unwrap();
    }
    company.run(&["keys", "list"]).says(0, &[]);
}

#[test]
fn a_signal_is_heard_while_the_gate_starts() {
    for (signal, lives) in [("-TERM", false), ("-INT", false), ("-HUP", true)] {
        let company = Company::new();
        // Whoever reads the document waits for who writes it: the gate is held in its start.
        let (document, pipe) = (company.path("openapi.yaml"), company.path("pipe"));
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        fs::rename(&document, company.path("kept.yaml")).unwrap();
        fs::rename(&pipe, &document).unwrap();
        let mut gate = Running(greave(company.folder.path(), &["serve"]).spawn().unwrap());
        let mut told = Told::by(&mut gate);
        let mut writer = fs::OpenOptions::new().write(true).open(&document).unwrap();
        gate.signal(signal);
        fs::rename(company.path("kept.yaml"), &document).unwrap();
        writer.write_all(DOCUMENT.as_bytes()).unwrap();
        drop(writer);
        if lives {
            told.until("the configuration is loaded");
            gate.signal("-TERM");
        }
        assert_eq!(gate.ended(), Some(0), "{signal}");
    }
}

#[test]
fn a_document_that_lies_elsewhere_is_copied_beside_the_configuration() {
    let (elsewhere, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let document = elsewhere.path().join("api.yaml");
    fs::write(&document, DOCUMENT).unwrap();
    fs::set_permissions(&document, fs::Permissions::from_mode(0o600)).unwrap();
    let named = document.display().to_string();
    let words =
        ["init", "--upstream", "http://127.0.0.1:9", "--document", &named, "--person", "ann", "--dir", "etc/greave"];
    let dir = folder.path().join("etc/greave");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("api.yaml"), "openapi: 3.0.0").unwrap();
    run(folder.path(), &words, "").says(2, &["api.yaml` is there already", "--document"]);
    fs::remove_file(dir.join("api.yaml")).unwrap();

    run(folder.path(), &words, "000000\n").says(2, &["nothing was typed"]);
    assert!(!dir.join("api.yaml").exists(), "what is broken off leaves nothing");
    let mut running = greave(folder.path(), &words).spawn().unwrap();
    let (mut stdin, stdout) = (running.stdin.take().unwrap(), BufReader::new(running.stdout.take().unwrap()));
    let mut told = String::new();
    for line in stdout.lines().map(Result::unwrap) {
        if let Some(secret) = line.strip_prefix("Secret: ") {
            let seed = Seed::from_base32(secret.trim()).unwrap();
            writeln!(stdin, "{}", seed.code(Step::at(Timestamp::now()))).unwrap();
        }
        told += &(line + "\n");
    }
    assert!(running.wait().unwrap().success(), "{told}");
    let copied = told.lines().filter(|line| line.starts_with("Copied:")).count();
    assert_eq!(copied, 1, "{told}");
    let config = fs::read_to_string(dir.join("greave.toml")).unwrap();
    assert!(config.contains("document = \"api.yaml\""), "{config}");
    assert_eq!(fs::read_to_string(dir.join("api.yaml")).unwrap(), DOCUMENT);
    let mode = fs::metadata(dir.join("api.yaml")).unwrap().permissions().mode();
    assert_ne!(mode & 0o777, 0o600, "whoever reads the configuration reads the document");
    fs::remove_file(document).unwrap();
    run(folder.path(), &["--config", "etc/greave/greave.toml", "check"], "").says(0, &["nothing is wrong"]);
}

#[test]
fn what_init_began_it_can_begin_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("openapi.yaml"), DOCUMENT).unwrap();
    let words = ["init", "--upstream", "http://127.0.0.1:9", "--document", "openapi.yaml", "--person", "ann"];
    run(folder.path(), &words, "").says(2, &["nothing was typed"]);
    for file in ["greave.toml", "catalogue.lock"] {
        assert!(!folder.path().join(file).exists(), "{file} is half of what is needed");
    }
    run(folder.path(), &words, "1\n2\n3\n4\n5\n").says(2, &["run the same command again"]);
    let company = Company::within(folder);
    fs::remove_file(company.path("greave.toml")).unwrap();
    run(company.folder.path(), &words, "").says(0, &["is enrolled", "Written:"]);
    company.run(&["keys", "list"]).says(0, &[]);
    run(company.folder.path(), &words, "").says(2, &["is there already"]);
}

#[test]
fn looking_for_a_way_around_says_what_was_tried_and_knows_the_gate() {
    let company = Company::new();
    let (gate, told) = Running::start(&company);
    let line = told.1.lines().find(|line| line.starts_with("gate ")).unwrap();
    let own = line.split_whitespace().nth(1).unwrap();
    company.edit("greave.toml", "127.0.0.1:0", own.trim_start_matches("http://"));
    company.run(&["check", "--direct", own]).says(0, &["is the gate itself", "nothing was tried"]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    company.run(&["check", "--direct", &api]).says(0, &["Tried from this host", &api, "does not answer"]);
    company.run(&["check"]).says(0, &["nothing is wrong", "not tried", "greave check --direct http://"]);
    drop(gate);
}

#[test]
fn an_api_that_whoever_is_on_this_host_reaches_is_told_apart_from_closed_and_from_open() {
    let company = Company::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let narrow = company.run(&["check", "--direct", &api]);
    narrow.says(3, &["It answers (403 Forbidden)", "whoever is on this host walks around the law", "gate.proof"]);
    assert!(!narrow.out.contains("nothing is wrong"), "{}", narrow.out);
    let said: Value = serde_json::from_str(&company.run(&["--json", "check", "--direct", &api]).out).unwrap();
    assert_eq!((said["direct"]["reach"].as_str(), said["clean"].as_bool()), (Some("this-host"), Some(false)));
    // With the gate's proof demanded, the same answer is a refusal.
    let proof = company.path("state/secrets/proof");
    fs::write(&proof, "proof-that-nobody-else-has").unwrap();
    fs::set_permissions(&proof, fs::Permissions::from_mode(0o600)).unwrap();
    company.edit("greave.toml", "[api]", "proof = { header = \"X-From-Gate\", secret = \"proof\" }\n[api]");
    company.run(&["check", "--direct", &api]).says(0, &["It refuses what does not have the gate's proof"]);
}

#[test]
fn a_state_that_is_closed_to_this_user_is_not_said_to_be_gone() {
    use std::os::unix::{fs::MetadataExt as _, process::CommandExt as _};
    let company = Company::new();
    let (state, all) = (company.path("state"), |mode| fs::Permissions::from_mode(mode));
    fs::set_permissions(company.folder.path(), all(0o755)).unwrap();
    for file in ["greave.toml", "catalogue.lock", "openapi.yaml"] {
        fs::set_permissions(company.path(file), all(0o644)).unwrap();
    }
    // Root is kept out of nothing: somebody else tries then.
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    for closed in [0o000, 0o600] {
        fs::set_permissions(&state, all(closed)).unwrap();
        for words in [&["keys", "list"][..], &["check"], &["serve"]] {
            let mut command = greave(company.folder.path(), words);
            if is_root {
                command.uid(65534).gid(65534);
            }
            let ended: Ended = command.stdin(Stdio::null()).output().unwrap().into();
            ended.says(2, &["is closed to this user", "sudo -u greave"]);
        }
    }
    fs::set_permissions(&state, all(0o700)).unwrap();
    company.run(&["keys", "list"]).says(0, &[]);
}

#[test]
fn check_finds_what_serve_refuses() {
    let company = Company::new();
    let original = fs::read_to_string(company.path("greave.toml")).unwrap();
    let hook = |url: &str| format!("[[tell.webhook]]\nurl = \"{url}\"\nsecret = \"hook\"\n\n[guard]");
    let secret = company.path("state/secrets/hook");
    let with = |from: &str, to: &str| {
        fs::write(company.path("greave.toml"), &original).unwrap();
        company.edit("greave.toml", from, to);
    };
    with("[guard]", &hook("https://hooks.example.com/"));
    company.run(&["check"]).says(2, &["the secret `hook` is missing"]);
    fs::write(&secret, format!("whsec_{}\n", "QUJD".repeat(8))).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    company.run(&["check"]).says(0, &["nothing is wrong"]);
    with("[guard]", &hook("http://hooks.example.com/"));
    company.run(&["check"]).says(2, &["tell:", "is not protected", "`https://`"]);
    for (line, what) in [("longest = \"0d\"", "keys.longest"), ("lifetime = \"0s\"", "keys.lifetime")] {
        with("# [keys]", &format!("[keys]\n{line}"));
        for command in ["check", "serve"] {
            company.run(&[command]).says(2, &[what, "no key would live"]);
        }
    }
    with("# [keys]", "[[keys.approvers]]\npeople = [\"ann\", \"nobody\"]\npowers = [\"read\"]\n# [keys]");
    let said = company.run(&["check"]);
    said.says(1, &["keys.approvers: there is no person `nobody`", "greave holders list"]);
    assert!(!said.out.contains("`ann`"), "{}", said.out);
    let json: Value = serde_json::from_str(&company.run(&["--json", "check"]).out).unwrap();
    assert_eq!((&json["unknown_people"], &json["clean"]), (&serde_json::json!(["nobody"]), &false.into()));
    with("# [keys]", "[[keys.approvers]]\npeople = [\"nobody\"]\npowers = [\"read\"]\n# [keys]");
    let (gate, _told) = Running::start(&company);
    company.run(&["check"]).says(1, &["there is no person `nobody`"]);
    drop(gate);
}

#[test]
fn an_upstream_that_is_the_gate_itself_is_refused() {
    let company = Company::new();
    let original = fs::read_to_string(company.path("greave.toml")).unwrap();
    let check = |listen: &str, upstream: &str| {
        let text = original.replacen("127.0.0.1:0", listen, 1).replace("http://127.0.0.1:9", upstream);
        fs::write(company.path("greave.toml"), text).unwrap();
        company.run(&["check"])
    };
    for (listen, upstream) in [
        ("127.0.0.1:7080", "http://127.0.0.1:7080"),
        ("127.0.0.1:7080", "http://localhost:7080"),
        ("127.0.0.1:7080", "http://LOCALHOST.:7080"),
        ("127.0.0.1:7080", "http://0.0.0.0:7080"),
        ("127.0.0.1:7080", "https://[::ffff:127.0.0.1]:7080"),
        ("0.0.0.0:7080", "http://127.0.0.1:7080"),
        ("0.0.0.0:7080", "http://[::1]:7080"),
        ("[::]:7080", "http://127.0.0.2:7080"),
        ("[::1]:7080", "http://[::]:7080"),
        ("192.0.2.7:80", "http://192.0.2.7"),
    ] {
        check(listen, upstream).says(2, &["gate.upstream: it is gate.listen", "the API's own address"]);
    }
    for (listen, upstream) in [
        ("127.0.0.1:7080", "http://127.0.0.1:7082"),
        ("127.0.0.1:7080", "http://127.0.0.2:7080"),
        ("127.0.0.1:7080", "http://api.internal:7080"),
        ("192.0.2.7:80", "http://localhost"),
        ("0.0.0.0:7080", "http://192.0.2.9:7080"),
    ] {
        check(listen, upstream).says(0, &["nothing is wrong"]);
    }
    fs::write(company.path("greave.toml"), &original).unwrap();
    company.edit("greave.toml", "people answer\nlisten = \"127.0.0.1:0\"", "people answer\nlisten = \"127.0.0.1:9\"");
    company.run(&["check"]).says(2, &["gate.upstream: it is desk.listen"]);

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("openapi.yaml"), DOCUMENT).unwrap();
    let words = ["init", "--upstream", "http://localhost:8080", "--document", "openapi.yaml", "--person", "ann"];
    run(folder.path(), &words, "").says(2, &["`--upstream`: it is gate.listen"]);
}

#[test]
fn a_guard_whose_observing_is_over_is_shown_as_it_binds() {
    let company = Company::new();
    let text = fs::read_to_string(company.path("greave.toml")).unwrap();
    let mode = text.lines().find(|line| line.starts_with("mode ")).unwrap();
    company.edit("greave.toml", mode, "mode = \"observe until 2025-01-01\"");
    let said = company.run(&["check"]);
    said.says(0, &["enforce (observed until 2025-01-01)"]);
    assert!(!said.out.contains("observing"), "{}", said.out);
}

#[test]
fn who_was_begun_and_never_enrolled_is_no_administrator() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("openapi.yaml"), DOCUMENT).unwrap();
    let init = |person, more: &[&str]| {
        let words = ["init", "--upstream", "http://127.0.0.1:9", "--document", "openapi.yaml", "--person", person];
        run(folder.path(), &[&words, more].concat(), "")
    };
    init("ann smith/../", &[]).says(2, &["nothing was typed"]);
    init("eve", &[]).says(2, &["`ann smith/../` was begun before and never enrolled", "nothing was typed"]);
    let again = init("ann", &["--mail", "nonsense"]);
    again.says(2, &["`eve` was begun before", "`nonsense` is no mail address", "ann@example.com"]);
    assert!(!again.out.contains("smith"), "it was said before: {}", again.out);
    // Whoever was dropped can be named again.
    init("ann", &["--mail", "ann@example.com"]).says(2, &["nothing was typed"]);
    init("eve", &[]).says(2, &["`ann` was begun before"]);
    let mut company = Company::within(folder);
    assert!(company.told.contains("`eve` was begun before"), "{}", company.told);
    let holders = company.run(&["--json", "holders", "list"]).json();
    let here: Vec<&str> = holders
        .as_array()
        .unwrap()
        .iter()
        .filter(|holder| holder["left"] != true)
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(here, ["ann"]);
    company.as_ann(&["holders", "change", "ann", "--mail", "ann@"]).says(2, &["`ann@` is no mail address"]);
    company.as_ann(&["holders", "change", "ann", "--mail", "a@b"]).says(0, &["a@b"]);
    company.as_ann(&["holders", "change", "ann", "--mail", ""]).says(0, &[]);

    let empty = tempfile::tempdir().unwrap();
    fs::write(empty.path().join("empty.yaml"), "openapi: 3.1.0\ninfo: {title: None, version: '1'}\npaths: {}\n")
        .unwrap();
    let words = ["init", "--upstream", "http://127.0.0.1:9", "--document", "empty.yaml", "--person", "ann"];
    run(empty.path(), &words, "").says(2, &["`empty.yaml` describes no operation", "`--document`"]);
    assert!(!empty.path().join("state").exists());
}
