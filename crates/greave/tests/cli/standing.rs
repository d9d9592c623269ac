//! How the gate stands, and what waits for a start.

use super::*;

#[test]
fn how_it_stands_is_told_with_a_gate_and_without_one_and_the_end_says_how_bad_it_is() {
    let company = Company::new();
    company.run(&["status"]).says(2, &["no gate runs here", "serve"]);
    company.run(&["status", "--json"]).says(2, &["\"running\": false", "\"critical\": true"]);

    let (gate, mut told) = Running::start(&company);
    // Nobody listens where its API should be.
    company.run(&["status"]).says(2, &["the API cannot be reached", "its checkpoint is signed", "Needs attention"]);
    company.edit("greave.toml", "[gate]", "[gate]\nanswer_timeout = \"7s\"");
    company.run(&["check"]).says(0, &["at the gate's next start", "gate.answer_timeout"]);
    gate.signal("-HUP");
    told.until("gate.answer_timeout");
    company.run(&["status"]).says(2, &["taken over at the next start: gate.answer_timeout"]);
    company.run(&["check"]).says(0, &["gate.answer_timeout"]);
    drop(gate);
    company.run(&["check"]).says(0, &["nothing is wrong"]);
    assert!(!company.run(&["check"]).out.contains("next start"), "the next start is all there is");
}
