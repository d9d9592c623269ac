//! The command line as somebody uses it: the real program, in folders of its own.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "what panics here is a failed test")]

mod audit;
mod backup;
mod canary;
mod importing;
mod killed;
mod life;
mod posture;
mod reconcile;
mod requests;
mod scanning;
mod shelf;
mod standing;
mod starting;
mod wires;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use factor::totp::{Seed, Step};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

const DOCUMENT: &str = r"
openapi: 3.1.0
info: {title: Company, version: '1'}
components:
  securitySchemes:
    key: {type: http, scheme: bearer}
security: [{key: []}]
paths:
  /users:
    get: {summary: List users, responses: {'200': {description: All users.}}}
  /users/{name}:
    parameters: [{name: name, in: path, required: true, schema: {type: string}}]
    get: {summary: Show a user, responses: {'200': {description: The user.}}}
    delete: {summary: Delete a user, responses: {'204': {description: Deleted.}}}
";

/// A command that has ended.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ended {
    /// It ended like this and said so.
    #[track_caller]
    fn says(&self, code: i32, words: &[&str]) -> &Self {
        let all = format!("{}\n{}", self.out, self.err);
        assert_eq!(self.code, code, "{all}");
        for word in words {
            assert!(all.contains(word), "{word} in:\n{all}");
        }
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.err);
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

fn greave(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_greave"));
    command.args(words).current_dir(folder).env_remove("GREAVE_CONFIG");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(folder: &Path, words: &[&str], typed: &str) -> Ended {
    let mut running = greave(folder, words).spawn().unwrap();
    // Who is not asked does not read, and may be gone already.
    let _ = running.stdin.take().unwrap().write_all(typed.as_bytes());
    running.wait_with_output().unwrap().into()
}

/// A folder in which `greave init` has been, and the recovery codes that it gave ann.
struct Company {
    folder: TempDir,
    codes: Vec<String>,
    told: String,
}

impl Company {
    fn new() -> Self {
        Self::within(tempfile::tempdir().unwrap())
    }

    fn within(folder: TempDir) -> Self {
        fs::write(folder.path().join("openapi.yaml"), DOCUMENT).unwrap();
        let words = [
            "init",
            "--upstream",
            "http://127.0.0.1:9",
            "--document",
            "openapi.yaml",
            "--person",
            "ann",
            "--listen",
            "127.0.0.1:0",
        ];
        let mut running = greave(folder.path(), &words).spawn().unwrap();
        let (mut stdin, mut stdout) = (running.stdin.take().unwrap(), BufReader::new(running.stdout.take().unwrap()));
        let (mut told, mut line) = (String::new(), String::new());
        let seed = loop {
            line.clear();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "init ended before it showed a secret: {told}");
            told += &line;
            if let Some(secret) = line.strip_prefix("Secret: ") {
                break Seed::from_base32(secret.trim()).unwrap();
            }
        };
        writeln!(stdin, "{}", seed.code(Step::at(Timestamp::now()))).unwrap();
        drop(stdin);
        stdout.read_to_string(&mut told).unwrap();
        assert!(running.wait().unwrap().success(), "{told}");
        let is_code = |word: &&str| word.len() == 27 && word.split('-').all(|group| group.len() == 6);
        let codes: Vec<String> = told.split_whitespace().filter(is_code).map(str::to_owned).collect();
        assert_eq!(codes.len(), 10, "{told}");
        let config = folder.path().join("greave.toml");
        let text = fs::read_to_string(&config).unwrap();
        let text = text.replace("# listen = \"127.0.0.1:8081\"", "listen = \"127.0.0.1:0\"");
        fs::write(config, text).unwrap();
        Self { folder, codes, told }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, words: &[&str]) -> Ended {
        run(self.folder.path(), words, "")
    }

    /// Runs a command that asks for ann's code. Whatever happens, the code is not repeated.
    fn as_ann(&mut self, words: &[&str]) -> Ended {
        let code = self.codes.pop().unwrap();
        let ended = run(self.folder.path(), &[words, &["--as", "ann"]].concat(), &format!("{code}\n"));
        for text in [&ended.out, &ended.err] {
            assert!(!text.contains(&code), "the code is repeated: {text}");
        }
        ended
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{from} in {text}");
        fs::write(self.path(name), text.replacen(from, to, 1)).unwrap();
    }
}

#[test]
fn from_nothing_to_a_first_look() {
    let company = Company::new();
    assert!(
        company.told.contains("greave check --config") && company.told.contains("3 operations"),
        "{}",
        company.told
    );
    company.run(&["check"]).says(0, &["grant", "observing", "nothing is wrong", "nobody is told of a call that waits"]);
    company.run(&["keys", "list"]).says(0, &["no key is known yet", "observing until"]);
    company.run(&["keys"]).says(0, &["no key is known yet", "observing until"]);
    company.run(&["keys", "--format", "csv"]).says(0, &["id,name,holder,kind,"]);
    company.run(&["keys", "--format", "jsonl"]).says(0, &[]);
    company.run(&["keys", "--idle", "30d"]).says(2, &["only while the gate runs"]);
    company.run(&["holders"]).says(0, &["1 person", "ann", "Who could make another key today", "Nobody with a key"]);
    company.run(&["holders", "--format", "csv"]).says(0, &["id,name,kind,", "h1,ann,person"]);
    company.run(&["expiry"]).says(0, &["0 keys in use", "greave keys --no-end", "is not known: the gate does not run"]);
    company.run(&["expiry", "--format", "csv"]).says(0, &["figure,value", "no end,0"]);
    company.run(&["keys", "show", "k1"]).says(2, &["there is no key `k1`; see `greave keys list`"]);
    company.run(&["questions"]).says(0, &["nothing waits"]);
    company.run(&["calls"]).says(0, &["no call fits"]);
    company.run(&["guards", "preview"]).says(0, &["would have asked nobody", "0 calls"]);
    company.run(&["law", "show"]).says(0, &["for every key", "possession | person within 8h", "nothing is asked"]);
    company.run(&["ledger", "verify"]).says(0, &["entries hold together"]);
    company.run(&["ledger", "show"]).says(0, &["holder-added", "name=ann", "enrolled"]);
    company.run(&["ledger", "checkpoint"]).says(0, &["\u{2014} "]);
    company.run(&["reach"]).says(0, &["With any key of a person, 3 of 3 operations", "DELETE /users/{name}"]);
    let explained = ["DELETE /users/{name}: Delete a user", "name = bob", "No credential was sent"];
    company.run(&["explain", "delete", "/users/bob"]).says(0, &explained);
    company.run(&["explain", "GET", "/users/../admin"]).says(0, &["The path can be read in two ways"]);
    company.run(&["catalogue", "drift"]).says(0, &["nothing differs"]);
}

#[test]
fn as_json_there_is_one_value_on_stdout_and_nothing_else() {
    let company = Company::new();
    for list in ["keys", "keys list", "keys list --format json", "holders list", "questions", "calls", "ledger show"] {
        let words: Vec<&str> = ["--json"].into_iter().chain(list.split(' ')).collect();
        assert!(company.run(&words).json().is_array(), "{list}");
    }
    for object in [
        "reach",
        "explain GET /users",
        "guards preview",
        "law show",
        "ledger verify",
        "ledger checkpoint",
        "catalogue drift",
    ] {
        let words: Vec<&str> = object.split(' ').chain(["--json"]).collect();
        assert!(company.run(&words).json().is_object(), "{object}");
    }
    let holders = company.run(&["--json", "holders", "list"]).json();
    assert_eq!((&holders[0]["name"], &holders[0]["administrator"]), (&"ann".into(), &true.into()));
    let explained = company.run(&["--json", "explain", "DELETE", "/users/bob"]).json();
    assert_eq!(explained["operation"], "DELETE /users/{name}");
}

#[test]
fn what_grants_asks_a_code_that_serves_once() {
    let mut company = Company::new();
    let add = ["holders", "add", "bob", "--mail", "bob@example.com"];
    company.run(&add).says(2, &["needs a person's code: add `--as NAME`"]);
    let wrong = run(company.folder.path(), &[&add[..], &["--as", "ann"]].concat(), "000000\n");
    wrong.says(2, &["code is wrong"]);
    let nothing = run(company.folder.path(), &[&add[..], &["--as", "ann"]].concat(), "");
    nothing.says(2, &["nothing was typed"]);
    assert_eq!(company.run(&["--json", "holders", "list"]).json().as_array().unwrap().len(), 1, "nobody was added");

    let code = company.codes.last().unwrap().clone();
    company.as_ann(&add).says(0, &["bob, a person; notices go to bob@example.com", "holders invite bob"]);
    let again = run(company.folder.path(), &["holders", "add", "eve", "--as", "ann"], &format!("{code}\n"));
    again.says(2, &["code is wrong"]);

    company.as_ann(&["holders", "add", "ci", "--kind", "workload"]).says(2, &["needs an owner", "--owner NAME"]);
    company.as_ann(&["holders", "add", "ci", "--kind", "workload", "--owner", "ann"]).says(0, &["ann answer"]);
    company.as_ann(&["holders", "change", "ci", "--deputy", "bob"]).says(0, &["ann, bob answer for its keys"]);
    company.as_ann(&["holders", "invite", "bob"]).says(0, &["serves once", "/enrol/"]);
    company.run(&["holders", "list"]).says(0, &["invited, lapses in"]);
    company.run(&["holders", "left", "bob"]).says(0, &["bob has left"]);
    company.as_ann(&["holders", "return", "bob"]).says(0, &["bob is back"]);
    company.run(&["holders", "left", "nobody/../ann"]).says(2, &["there is no holder `nobody/../ann`"]);
    let list = company.run(&["holders", "list"]);
    list.says(0, &["workload", "ann, bob", "administrator"]);
    assert!(!list.out.contains('\u{1b}'), "no colours where nobody sees them");
    company.run(&["ledger", "show"]).says(0, &["holder-left", "operator"]);
    company.run(&["ledger", "verify"]).says(0, &["hold together"]);
}

#[test]
fn a_weaker_law_waits_for_a_code() {
    let mut company = Company::new();
    company.edit("greave.toml", "grant   = \"person\"", "grant   = \"secret\"");
    company.run(&["law", "show"]).says(1, &["waits for a code", "person grant", "greave law accept --as NAME"]);
    company.run(&["keys", "list"]).says(0, &["a weaker law waits for a code"]);
    company.run(&["law", "accept"]).says(2, &["--as NAME"]);
    company.run(&["law", "show"]).says(1, &["waits for a code"]);
    company.as_ann(&["law", "accept"]).says(0, &["person grant", "is in force"]);
    company.run(&["law", "show"]).says(0, &["in force since"]);
    company.run(&["law", "accept"]).says(0, &["no law waits"]);
}

#[test]
fn a_changed_document_is_drift_until_it_is_accepted() {
    let company = Company::new();
    company.edit("openapi.yaml", "    delete: {summary: Delete a user,", "    put: {summary: Change a user,");
    let drift = company.run(&["catalogue", "drift"]);
    drift.says(1, &["new", "PUT /users/{name}", "every power, until accepted", "gone", "DELETE /users/{name}"]);
    company.run(&["check"]).says(1, &["has changed since catalogue.lock was accepted"]);
    let reach = company.run(&["reach"]);
    reach.says(0, &["every power: not accepted yet", "greave catalogue drift"]);
    company.run(&["catalogue", "accept"]).says(0, &["3 operations accepted: 1 new, 0 changed, 1 gone", "kill -HUP"]);
    company.run(&["catalogue", "drift"]).says(0, &["nothing differs"]);
    fs::write(company.path("catalogue.lock"), "version = 1\nnonsense").unwrap();
    company.run(&["catalogue", "drift"]).says(2, &["catalogue.lock", "line 2"]);
    fs::remove_file(company.path("catalogue.lock")).unwrap();
    company.run(&["reach"]).says(2, &["catalogue.lock", "`greave catalogue accept` writes it"]);
}

#[test]
fn what_is_broken_is_named_with_its_file_its_line_and_how_to_mend_it() {
    let company = Company::new();
    let elsewhere = tempfile::tempdir().unwrap();
    run(elsewhere.path(), &["keys", "list"], "").says(2, &["`greave.toml` cannot be read", "`greave init`"]);
    run(elsewhere.path(), &["--config", "other.toml", "calls"], "").says(2, &["`other.toml`"]);
    let text = fs::read_to_string(company.path("greave.toml")).unwrap();
    let line = text.lines().position(|line| line.starts_with("mint ")).unwrap() + 1;
    company.edit("greave.toml", "mint    = \"person\"", "mint    = \"persn\"");
    let line = format!("line {line}");
    for words in [&["keys", "list"][..], &["check"], &["calls"], &["catalogue", "drift"], &["ledger", "verify"]] {
        company.run(words).says(2, &["`greave.toml` is refused", &line, "`persn` is no factor"]);
    }
    company.edit("greave.toml", "\"persn\"", "\"person\"");
    for (file, text, is) in [
        ("broken.json", "{\"gate\": {}}", "line 1, column 1\nthis looks like JSON, and the configuration is TOML"),
        ("broken.yaml", "gate:\n  listen: x", "this looks like YAML"),
        ("broken.toml", "[gate]\nlisten = ", "mend that line; `greave check` reads it again"),
    ] {
        fs::write(company.path(file), text).unwrap();
        let named = format!("`{file}` is refused");
        let refused = company.run(&["--config", file, "check"]);
        refused.says(2, &[&named, "line ", is]);
        let is_other = !file.ends_with("toml");
        assert_eq!(refused.err.contains("`greave init` writes a new one"), is_other, "{}", refused.err);
    }
    company
        .run(&["drill", "broken.json", "--as", "ann"])
        .says(2, &["`broken.json`", "line 1", "a scenario is TOML", "--write"]);
    fs::remove_file(company.path("state/secrets/master")).unwrap();
    company.run(&["keys", "list"]).says(2, &["the secret `master` is missing", "state/secrets/master"]);
    fs::remove_dir_all(company.path("state")).unwrap();
    company.run(&["keys", "list"]).says(2, &["there is no state in", "`greave init` makes one"]);
}

#[test]
fn check_says_what_is_wrong_with_an_issuer_and_how_to_mend_it() {
    let company = Company::new();
    let issuer = "[[api.issuer]]\nname = \"login\"\nissuer = \"https://login.example\"\naudience = \"api\"\n\
                  algorithms = [\"ES256\"]\njwks = \"keys.json\"\nidentity = \"client_id\"\n";
    company.edit("greave.toml", "[guard]", &format!("{issuer}\n[guard]"));
    company.run(&["check"]).says(2, &["`login`", "keys.json` cannot be read", "`jwks_uri`"]);
    fs::write(company.path("keys.json"), r#"{"keys": [{"kty": "oct", "k": "AAAA", "kid": "old"}]}"#).unwrap();
    company.run(&["check"]).says(2, &["no key in it can be used", "`old` has its secret part published"]);
    // The public key of RFC 7515, A.3, beside one that is of no use.
    let keys = r#"{"keys": [{"kty": "EC", "crv": "P-256", "kid": "a", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}, {"kty": "RSA", "kid": "b", "use": "enc", "n": "AQ", "e": "AQ"}]}"#;
    fs::write(company.path("keys.json"), keys).unwrap();
    let says = ["login: keys by `client_id`, 1 public key", "`b` is not for signatures, and is left out"];
    company.run(&["check"]).says(0, &says);
    company.edit("greave.toml", "[\"ES256\"]\njwks = \"keys", "[\"HS256\"]\njwks = \"keys");
    company.run(&["check"]).says(2, &["api.issuer", "`HS256` is a secret that both sides have", "`ES256`"]);
}

#[test]
fn a_ledger_that_somebody_changed_is_found() {
    let company = Company::new();
    company.run(&["ledger", "verify"]).says(0, &["hold together"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let changed = runtime.block_on(async {
        let database = SqliteConnectOptions::new().filename(company.path("state/state.db"));
        let mut database = SqliteConnection::connect_with(&database).await.unwrap();
        // The database itself is in the way of who only tidies up.
        let tidy = sqlx::query("DELETE FROM ledger WHERE seq = 1").execute(&mut database).await;
        assert!(tidy.unwrap_err().to_string().contains("append-only"));
        sqlx::query("DROP TRIGGER ledger_is_not_changed").execute(&mut database).await.unwrap();
        let change = "UPDATE ledger SET change = replace(change, '\"name\":\"ann\"', '\"name\":\"eve\"')";
        sqlx::query(change).execute(&mut database).await.unwrap();
        let seen = "SELECT count(*) FROM ledger WHERE change LIKE '%eve%'";
        let (count,): (i64,) = sqlx::query_as(seen).fetch_one(&mut database).await.unwrap();
        database.close().await.unwrap();
        count
    });
    assert_eq!(changed, 1);
    company.run(&["ledger", "verify"]).says(1, &["the ledger is broken", "is not what was written"]);
    let told = company.run(&["--json", "ledger", "verify"]);
    assert_eq!(told.code, 1);
    assert!(serde_json::from_str::<Value>(&told.out).unwrap()["broken"].is_string(), "{}", told.out);
    company.run(&["keys", "list"]).says(2, &["the ledger is broken"]);
}

/// A gate that runs until this is dropped.
struct Running(Child);

impl Running {
    /// Starts a gate, and comes back when it can be reached.
    fn start(company: &Company) -> (Self, Told) {
        let mut gate = Self(greave(company.folder.path(), &["serve"]).spawn().unwrap());
        let mut told = Told::by(&mut gate);
        told.until("desk ");
        (gate, told)
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Its exit code; none where a signal killed it.
    fn ended(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

/// What a gate says, on both its streams, as it comes.
struct Told(std::sync::mpsc::Receiver<String>, String);

impl Told {
    fn by(gate: &mut Running) -> Self {
        let (sender, receiver) = std::sync::mpsc::channel();
        let streams: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(gate.0.stdout.take().unwrap()), Box::new(gate.0.stderr.take().unwrap())];
        for stream in streams {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines() {
                    let _ = sender.send(line.unwrap());
                }
            });
        }
        Self(receiver, String::new())
    }

    /// Where the gate listens.
    fn gate(&self) -> String {
        let line = self.1.lines().find(|line| line.starts_with("gate ")).unwrap();
        line.split_whitespace().nth(1).unwrap().trim_start_matches("http://").to_owned()
    }

    /// Waits for a line with these words, and gives all lines so far.
    #[track_caller]
    fn until(&mut self, words: &str) -> &str {
        loop {
            let line = self.0.recv_timeout(std::time::Duration::from_secs(60));
            let Ok(line) = line else { panic!("{words} was not said, but:\n{}", self.1) };
            self.1 += &format!("{line}\n");
            if line.contains(words) {
                return &self.1;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_running_gate_answers_over_its_socket() {
    let mut company = Company::new();
    let mut gate = Running(greave(company.folder.path(), &["serve"]).stderr(Stdio::null()).spawn().unwrap());
    let mut stdout = BufReader::new(gate.0.stdout.take().unwrap());
    let mut line = String::new();
    // Where it is stands there once it can be reached.
    assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "the gate has ended");
    assert!(line.starts_with("gate "), "{line}");
    assert!(company.path("state/admin.sock").exists());
    // Whatever a name is made of, it stays in its place of the address.
    company
        .as_ann(&["holders", "add", "../zo\u{eb} 1"])
        .says(0, &["../zo\u{eb} 1, a person", "invite '../zo\u{eb} 1'"]);
    company.as_ann(&["holders", "change", "../zo\u{eb} 1", "--mail", "zoe@example.com"]).says(0, &["zoe@example.com"]);
    company.run(&["keys", "list", "--holder", "../zo\u{eb} 1"]).says(0, &["no key is known yet", "observing until"]);
    company.run(&["keys", "list", "--holder", "a&b=c"]).says(2, &["there is no holder `a&b=c`"]);
    company.run(&["ledger", "verify"]).says(0, &["hold together"]);
    company.run(&["calls"]).says(0, &["no call fits"]);
    company.run(&["calls", "--key", "k99"]).says(2, &["there is no key `k99`"]);
    company.run(&["explain", "DELETE", "users"]).says(2, &["a path begins with `/`, such as `/users/bob`"]);
    company.run(&["approve", "2", "--as", "ann"]).says(2, &["`2` is no question id"]);
    company.run(&["approve", "c1", "--as", "ann"]).says(2, &["no open question `c1`"]);
    company.run(&["deny", "c1", "--not-me"]).says(2, &["no open question `c1`"]);
    assert_eq!(company.run(&["--json", "questions"]).json(), Value::Array(Vec::new()));
}
