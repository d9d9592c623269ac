//! Keys that come in from a file, and the list that goes out.

use super::{backup::issuing, wires::call, *};

const ONE: &str = "sk_live_9fQ2mX7bT4vKp8Lw";
const TWO: &str = "sk_live_Zr5nC1yH6gJd3SaE";

#[test]
fn keys_come_in_by_a_code_work_at_once_and_come_in_once() {
    let mut company = issuing();
    let two = authority::Digest::of(TWO.as_bytes());
    let list =
        format!("secret,sha256,name,holder,kind,owner,end\n{ONE},,deploy,ci,workload,ann,2036-01-01\n,{two},,bob,,,\n");
    fs::write(company.path("keys.csv"), list).unwrap();
    company
        .run(&["keys", "import", "keys.csv", "--dry-run"])
        .says(0, &["would add 2 keys", "up to 2 holders", "Nothing was changed"]);
    company.run(&["keys", "import", "keys.csv"]).says(2, &["needs a person's code"]);
    assert_eq!(company.run(&["keys", "--json"]).json(), Value::Array(Vec::new()), "nothing came in");

    let (gate, told) = Running::start(&company);
    assert_eq!(call(&told.gate(), ONE), Some(401), "unknown keys are refused here");
    let done = company.as_ann(&["keys", "import", "keys.csv"]);
    done.says(0, &["2 keys added and 2 holders", "has the secrets themselves: remove it"]);
    assert_eq!((call(&told.gate(), ONE), call(&told.gate(), TWO)), (Some(200), Some(200)));
    company.run(&["keys", "import", "keys.csv"]).says(0, &["nothing changes: 2 keys known already"]);
    company.run(&["keys", "disable", "k1"]).says(0, &[]);
    company.run(&["keys", "import", "keys.csv"]).says(0, &["1 that do not work stay so"]);
    assert_eq!(call(&told.gate(), ONE), Some(401));

    let exported = company.run(&["keys", "export"]);
    exported.says(0, &["k1,deploy,ci,workload,", "k2,,bob,person,"]);
    let lines = company.run(&["keys", "export", "--format", "jsonl"]);
    assert_eq!(lines.out.lines().count(), 2);
    let ledger = company.run(&["ledger", "show", "--last", "100", "--json"]);
    ledger.says(0, &["import-began", "key-imported"]);
    for text in [&done.out, &done.err, &exported.out, &lines.out, &ledger.out] {
        for secret in [ONE, TWO, &two.to_string(), &authority::Digest::of(ONE.as_bytes()).to_string()] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    company.run(&["ledger", "verify"]).says(0, &["hold together"]);
    drop(gate);
}

#[test]
fn a_file_with_a_wrong_line_changes_nothing_and_every_wrong_line_is_named() {
    let mut company = Company::new();
    let list = format!(
        "{{\"secret\":\"{ONE}\",\"holder\":\"ci\",\"kind\":\"workload\",\"owner\":\"ann\"}}\n\
         {{\"secret\":\"hunter2\"}}\n\n\
         {{\"secret\":\"{TWO}\",\"holder\":\"CI\",\"kind\":\"vendor\"}}\n\
         {{\"secret\":\"{ONE}\"}}\n"
    );
    fs::write(company.path("keys.jsonl"), list).unwrap();
    let wrong = company.as_ann(&["keys", "import", "keys.jsonl"]);
    wrong.says(2, &["keys.jsonl:2: `secret` is too short", "keys.jsonl:4: an earlier line says another `kind`"]);
    wrong.says(2, &["keys.jsonl:5: line 1 has the same key", "3 lines wrong; nothing was imported"]);
    assert!(!wrong.err.contains("hunter2") && !wrong.err.contains(TWO));
    fs::write(company.path("keys.csv"), format!("secret,place\n{ONE},pocket\n")).unwrap();
    company
        .run(&["keys", "import", "keys.csv"])
        .says(2, &["keys.csv:2: `place` is none; write `authorization:bearer`"]);
    fs::write(company.path("keys.csv"), format!("{ONE}\n{TWO}\n")).unwrap();
    let headless = company.run(&["keys", "import", "keys.csv"]);
    headless.says(2, &["column 1 of the head is none of secret, sha256, name"]);
    assert!(!headless.err.contains(ONE));
    company.run(&["keys", "import", "nothing.csv"]).says(2, &["nothing.csv", "cannot be read"]);
    assert_eq!(company.run(&["keys", "--json"]).json(), Value::Array(Vec::new()));
}
