//! `greave scan` over real files, a real repository and a real state.

use std::{
    net::{TcpListener, TcpStream},
    os::unix::fs::symlink,
};

use flate2::{Compression, write::GzEncoder};

use super::{
    backup::issuing,
    wires::{call, exchange},
    *,
};

/// Adopted.
const ADOPTED: &str = "sk_live_9fQ2mX7bT4vKp8Lw";

/// A company with an issued key, k1, and an adopted one, k2; the secret of the first.
fn company() -> (Company, String) {
    let mut company = issuing();
    let issue = ["keys", "issue", "--name", "month-end", "--holder", "ann", "--power", "read"];
    let issued = company.as_ann(&issue).out.trim().to_owned();
    let list = format!("secret,name,holder,kind,owner\n{ADOPTED},deploy,ci,workload,ann\n");
    fs::write(company.path("keys.csv"), list).unwrap();
    company.as_ann(&["keys", "import", "keys.csv"]).says(0, &[]);
    fs::remove_file(company.path("keys.csv")).unwrap();
    fs::create_dir(company.path("code")).unwrap();
    (company, issued)
}

fn git(folder: &Path, words: &[&str]) -> String {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=Tom", "-c", "user.email=tom@example.org", "-c", "init.defaultBranch=main"]);
    git.args(["-c", "commit.gpgSign=false", "-c", "core.hooksPath=/dev/null"]).args(words).current_dir(folder);
    git.env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z").env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z");
    for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"] {
        git.env_remove(name);
    }
    let done = git.output().unwrap();
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

fn places(report: &Value, key: &str) -> Vec<String> {
    let keys = report["keys"].as_array().unwrap();
    let of = keys.iter().filter(|it| it["id"] == key).flat_map(|it| it["places"].as_array().unwrap());
    of.map(|place| format!("{}:{}", place["file"].as_str().unwrap_or_default(), place["line"])).collect()
}

fn report(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}{}", ended.out, ended.err))
}

#[test]
fn keys_are_found_wherever_they_lie_and_never_shown() {
    let (company, issued) = company();
    let code = company.path("code");
    fs::write(code.join(".env"), format!("A=1\nexport KEY='{issued}'\n")).unwrap();
    fs::write(code.join("program"), [b"\x7fELF\0\0".as_slice(), ADOPTED.as_bytes(), b"\0\xFF"].concat()).unwrap();
    let mut packed = GzEncoder::new(fs::File::create(code.join("log.gz")).unwrap(), Compression::fast());
    packed.write_all(format!("one\ntwo\nauthorization: Bearer {ADOPTED}\n").as_bytes()).unwrap();
    packed.finish().unwrap();
    fs::write(code.join(format!("notes-{issued}.txt")), "nothing").unwrap();
    fs::write(code.join("innocent.txt"), "sk_live_0000000000000000 gk_billing_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17")
        .unwrap();
    symlink(&code, code.join("loop")).unwrap();
    symlink(code.join("gone"), code.join("dangling")).unwrap();
    fs::write(code.join("torn.gz"), [0x1F, 0x8B, 8, 0, 1, 2, 3]).unwrap();

    let ended = company.run(&["scan", "code", "nowhere", "--format", "json"]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    let told = report(&ended);
    assert_eq!(places(&told, "k1"), ["code/.env:2", "code/notes-….txt:0"]);
    assert_eq!(places(&told, "k2"), ["code/log.gz:3", "code/program:1"]);
    assert_eq!(told["keys"].as_array().unwrap().len(), 2, "nothing else is a key");
    let unread: Vec<&str> = told["unread"].as_array().unwrap().iter().map(|it| it["what"].as_str().unwrap()).collect();
    assert!(unread.len() == 2 && unread.contains(&"nowhere") && unread.contains(&"code/torn.gz"), "{unread:?}");

    let page = company.run(&["scan", "code"]);
    page.says(
        1,
        &[
            "k1 (month-end) of ann",
            "it works",
            "reaches read, with the key alone read",
            "ann answers for it",
            "code/.env:2",
        ],
    );
    page.says(1, &["k2 (deploy) of ci", "greave keys disable k2", "not read: code/torn.gz"]);
    let sarif = company.run(&["scan", "code", "--format", "sarif"]);
    let piped = run(company.folder.path(), &["scan", "-"], &format!("token {ADOPTED}\n"));
    piped.says(1, &["k2 (deploy) of ci", "standard input:1"]);
    let (prefix, _) = issued.rsplit_once('_').unwrap();
    let form = run(company.folder.path(), &["scan", "-", "--prefix", prefix], &format!("{issued} {ADOPTED}\n"));
    form.says(1, &["the form of an issued key", "standard input:1", "no gate was asked"]);
    company.run(&["scan", "nowhere"]).says(2, &["nowhere", "nothing could be read"]);
    company.run(&["scan", "openapi.yaml"]).says(0, &["no key was found in 1 file"]);
    for text in [&ended.out, &ended.err, &page.out, &sarif.out, &sarif.err, &piped.out, &form.out] {
        assert!(!text.contains(&issued) && !text.contains(ADOPTED), "{text}");
    }
}

#[test]
fn the_history_of_a_repository_is_read_and_its_configuration_is_not_run() {
    let (company, issued) = company();
    let code = company.path("code");
    git(&code, &["init", "-q"]);
    fs::write(code.join("deploy.sh"), format!("#!/bin/sh\ncurl -u {issued}: https://api\n")).unwrap();
    git(&code, &["add", "."]);
    git(&code, &["commit", "-q", "-m", "first"]);
    let first = git(&code, &["rev-parse", "HEAD"]);
    fs::write(code.join("deploy.sh"), "#!/bin/sh\n").unwrap();
    git(&code, &["commit", "-q", "-am", &format!("without the key {ADOPTED}")]);
    // What is only staged, and what no branch leads to.
    fs::write(code.join("staged.txt"), format!("\n\n{ADOPTED}")).unwrap();
    git(&code, &["add", "staged.txt"]);
    let trap = code.join("trap.sh");
    let sprung = company.path("sprung");
    fs::write(&trap, format!("#!/bin/sh\ntouch '{}'\n", sprung.display())).unwrap();
    run_of(Command::new("chmod").args(["+x", trap.to_str().unwrap()]));
    for name in ["core.fsmonitor", "core.pager", "gpg.program", "diff.external", "core.sshCommand"] {
        git(&code, &["config", name, trap.to_str().unwrap()]);
    }
    git(&code, &["config", "log.showSignature", "true"]);

    let ended = company.run(&["scan", "code", "--format", "json"]);
    let told = report(&ended);
    assert_eq!(places(&told, "k1"), ["deploy.sh:2"]);
    let place = &told["keys"].as_array().unwrap().iter().find(|it| it["id"] == "k1").unwrap()["places"][0];
    assert_eq!((place["commit"].as_str().unwrap(), place["date"].as_str().unwrap()), (&*first, "2026-01-02T03:04:05Z"));
    assert_eq!(place["author"], "Tom <tom@example.org>");
    let of_adopted = [
        "code/.git/COMMIT_EDITMSG:1",
        "code/.git/logs/HEAD:2",
        "code/.git/logs/refs/heads/main:2",
        "code/staged.txt:3",
        // The message of the commit itself.
        ":6",
    ];
    assert_eq!(places(&told, "k2"), of_adopted);
    let staged = company.run(&["scan", "--staged", "code", "--format", "json"]);
    assert_eq!(
        (places(&report(&staged), "k1").len(), places(&report(&staged), "k2")),
        (0, vec!["staged.txt:3".to_owned()])
    );
    let everything = company.run(&["scan", "code", "--unreachable", "--format", "json"]);
    assert!(places(&report(&everything), "k2").len() > places(&told, "k2").len(), "also what is in the index alone");
    let alone = company.run(&["scan", "code", "--no-history", "--format", "json"]);
    assert_eq!(places(&report(&alone), "k1"), Vec::<String>::new());
    assert!(!sprung.exists(), "what a repository configures was run");
    for text in [&ended.out, &staged.out, &everything.out] {
        assert!(!text.contains(&issued) && !text.contains(ADOPTED), "{text}");
    }
}

#[test]
fn a_repository_that_points_out_of_what_was_named_is_told_and_not_read() {
    let (company, issued) = company();
    let [private, code] = ["private", "code"].map(|name| company.path(name));
    fs::create_dir_all(&private).unwrap();
    git(&private, &["init", "--quiet", "--initial-branch=main"]);
    fs::write(private.join("key"), &issued).unwrap();
    git(&private, &["add", "key"]);
    git(&private, &["commit", "--quiet", "-m", "one"]);
    fs::remove_file(private.join("key")).unwrap();
    let scan = |named: &[&str]| {
        let words = [&["scan"], named, &["--format", "json"]].concat();
        let told = report(&company.run(&words));
        (places(&told, "k1").len(), told["unread"].to_string().contains("is kept outside of what is read"))
    };
    // A file in the place of the folder.
    fs::write(code.join(".git"), format!("gitdir: {}\n", private.join(".git").display())).unwrap();
    assert_eq!((scan(&["code"]), scan(&["code", "private"]).1), ((0, true), false));
    assert!(scan(&["code", "private"]).0 > 0);
    // Objects that are lent, and ones that are linked.
    fs::remove_file(code.join(".git")).unwrap();
    git(&code, &["init", "--quiet", "--initial-branch=main"]);
    let objects = private.join(".git/objects");
    fs::write(code.join(".git/objects/info/alternates"), format!("{}\n", objects.display())).unwrap();
    assert_eq!(scan(&["code"]), (0, true));
    fs::remove_file(code.join(".git/objects/info/alternates")).unwrap();
    assert_eq!(scan(&["code"]), (0, false));
    git(&private, &["gc", "--quiet"]);
    fs::remove_dir_all(code.join(".git/objects/pack")).unwrap();
    std::os::unix::fs::symlink(objects.join("pack"), code.join(".git/objects/pack")).unwrap();
    assert_eq!(scan(&["code"]), (0, true));
}

fn run_of(command: &mut Command) {
    assert!(command.status().unwrap().success());
}

#[test]
fn what_was_found_is_told_to_the_gate_that_runs_and_stops_at_once() {
    let (company, issued) = company();
    fs::write(company.path("code/.env"), format!("KEY={issued}\n")).unwrap();
    let (gate, told) = Running::start(&company);
    assert_eq!(call(&told.gate(), &issued), Some(200));
    company.run(&["scan", "code", "--report"]).says(1, &["k1 (month-end) of ann was reported; it is disabled now"]);
    assert_eq!(call(&told.gate(), &issued), Some(401));
    assert_eq!(call(&told.gate(), ADOPTED), Some(200), "who was not found goes on");
    company.run(&["scan", "code"]).says(1, &["it is disabled, and can be enabled again"]);
    company.run(&["scan", "code", "--fail-on", "high"]).says(0, &[]);
    company.run(&["ledger", "show"]).says(0, &["it leaked: `greave scan` found it in code/.env:1"]);
    drop(gate);
}

#[test]
fn a_stranger_reports_a_key_over_the_network_and_it_stops() {
    let (mut company, _) = company();
    company.edit("greave.toml", "# [leaks]", "[leaks]\nfound = true");
    let desk = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    company.edit("greave.toml", "127.0.0.1:0", &desk);
    // That the desk listens elsewhere waits for a code.
    company.as_ann(&["law", "accept"]).says(0, &[]);
    let (gate, told) = Running::start(&company);
    let report = |credential: &str| {
        let body = format!("{{\"credentials\":[\"{credential}\"]}}");
        exchange(TcpStream::connect(&desk).unwrap(), "POST /v1/leaks/found HTTP/1.1", &body).unwrap()
    };
    let made_up = report("sk_live_9fQ2mX7bT4vKp8LW");
    assert_eq!(call(&told.gate(), ADOPTED), Some(200));
    let known = report(ADOPTED);
    assert_eq!((known.status, &known.body), (made_up.status, &made_up.body));
    assert_eq!(known.status, 202);
    // What it is, is looked at behind the answer.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while call(&told.gate(), ADOPTED) != Some(401) {
        assert!(std::time::Instant::now() < until, "the key goes on");
    }
    company.run(&["ledger", "show"]).says(0, &["it leaked: 127.0.0.1 found it and reported it"]);
    drop(gate);
}

#[test]
fn a_canary_in_a_file_is_found_and_who_uses_it_is_told() {
    let (mut company, _) = company();
    let made = company.as_ann(&["keys", "canary", "--name", "old backup", "--holder", "ann"]).out.trim().to_owned();
    fs::write(company.path("code/backup.ini"), format!("[api]\nkey = {made}\n")).unwrap();
    let (gate, mut told) = Running::start(&company);
    company.run(&["scan", "code"]).says(0, &["(old backup) of ann, a canary", "code/backup.ini:2"]);
    // A scan that reports leaves it where it lies.
    company.run(&["scan", "code", "--report"]).says(0, &["a canary"]);
    assert_eq!(call(&told.gate(), &made), Some(401));
    assert!(!told.until("canary-used").contains(&made));
    drop(gate);
}

#[test]
fn what_is_staged_nowhere_is_told_as_that() {
    let (company, _) = company();
    let told = company.run(&["scan", "--staged", "code"]);
    told.says(2, &["in no repository that git knows"]);
    assert!(!told.err.contains("fsck"), "{}", told.err);
}
