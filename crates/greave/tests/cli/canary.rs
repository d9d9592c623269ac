//! Canaries: secrets that work nowhere, and are told when somebody sends one.

use super::{backup::issuing, wires::call, *};

#[test]
fn who_sends_a_canary_is_told_and_does_not_learn_it() {
    let mut company = issuing();
    let (gate, told) = Running::start(&company);
    let address = told.gate();
    let make = ["keys", "canary", "--name", "old backup", "--holder", "ann"];
    company.run(&make).says(2, &["needs a person's code"]);
    company.run(&["keys", "canary"]).says(2, &["--name"]);
    company.run(&["keys", "canaries"]).says(0, &["no canary is watched"]);
    let made = company.as_ann(&make);
    made.says(0, &["k1 (old backup) of ann, a canary", "shown this once"]);
    let secret = made.out.trim().to_owned();
    assert!(secret.starts_with("gk_"), "{secret}");
    company.run(&["keys", "canaries"]).says(0, &["k1", "old backup", "ann"]);
    company.run(&["keys", "list"]).says(0, &["no key is known yet"]);
    company.run(&["keys", "show", "k1"]).says(2, &["there is no key `k1`"]);
    drop(gate);

    let (gate, mut told) = Running::start(&company);
    assert_eq!(call(&address, &secret), Some(401));
    let line = told.until("canary-used");
    for words in ["sent from 127.0.0.1: GET /users", "lay at ann as `old backup`"] {
        assert!(line.contains(words), "{words}: {line}");
    }
    assert!(!line.contains(&secret));
    company.run(&["keys", "canary", "--end", "k1"]).says(2, &["needs a person's code"]);
    company.as_ann(&["keys", "canary", "--end", "k1"]).says(0, &["is watched no more"]);
    company.run(&["keys", "canaries"]).says(0, &["no canary is watched"]);
    assert_eq!(call(&address, &secret), Some(401));
    let ledger = company.run(&["ledger", "show"]);
    ledger.says(0, &["canary-issued", "canary-ended"]);
    assert!(!ledger.out.contains(&secret));
    drop(gate);
}
