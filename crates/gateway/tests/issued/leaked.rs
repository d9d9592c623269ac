//! The gate's own credential for the API in the hands of a client.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use law::{Refusal, Verdict};

use crate::house::{House, OWN};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_sends_the_gates_own_credential_is_refused_and_told_of_and_it_is_no_key() {
    for house in [House::enforcing().await, House::refusing_unknown_keys().await] {
        house.lend_credential();
        let (_, key) = house.issue(super::reading(), &[]).await;
        let basic = |user: &str, password: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let other = OWN.to_uppercase();
        for (name, value) in [
            ("authorization", format!("Bearer {OWN}")),
            ("authorization", format!("token {OWN}")),
            ("authorization", basic(OWN, "")),
            ("authorization", basic("robot", OWN)),
            ("authorization", format!("Bearer {other}")),
            ("x-api-key", OWN.to_owned()),
            // Where nobody expects a key: some API may take it from there.
            ("x-whatever", OWN.to_owned()),
            ("cookie", format!("sid=1; theirs={OWN}")),
        ] {
            let request = house.request("GET", "/v1/things").header(name, &value);
            let answer = house.send(request, "").await;
            let refused = (answer.status, answer.refusal());
            assert_eq!(refused, (StatusCode::FORBIDDEN, Some(Refusal::GateCredential)), "{name}: {value}");
            assert!(!answer.whole().contains("sk_live"), "{name}");
        }
        // Beside a key that is good, too.
        let request = house.request("GET", "/v1/things").header("authorization", &format!("Bearer {key}"));
        let answer = house.send(request.header("x-whatever", OWN), "").await;
        assert_eq!(answer.refusal(), Some(Refusal::GateCredential));
        let (call, _) = house.last_call().await;
        assert_eq!(call.verdict, Verdict::Refuse(Refusal::GateCredential));
        assert!(!format!("{call:?}").contains("sk_live"));
        assert!(house.recognised(OWN).is_none(), "it is no key");
        assert!(house.upstream.seen().await.is_empty(), "nothing reached the API");
        let told = house.findings();
        let shown: Vec<_> = told.iter().filter(|finding| finding.rule == "gate-credential-shown").collect();
        assert_eq!(shown.len(), 1, "told once: {told:?}");
        assert!(!format!("{told:?}").contains("sk_live"));
        assert_eq!(house.get("/v1/things", &key).await.status, StatusCode::OK, "whom it belongs to goes on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_was_a_key_before_the_gate_had_it_it_is_judged_as_that_and_told_of() {
    let house = House::enforcing().await;
    let id = house.adopt(OWN).await;
    house.lend_credential();
    assert_eq!(house.get("/v1/things", OWN).await.status, StatusCode::OK, "its clients are not cut off unasked");
    assert!(house.findings().iter().any(|it| it.rule == "gate-credential-as-key" && it.key == Some(id)));
    let disable = authority::Command::DisableKey(id, "a test".to_owned());
    house.perform(&disable, authority::Warrant::Operator).await;
    assert_eq!(house.get("/v1/things", OWN).await.refusal(), Some(Refusal::Disabled));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_without_a_credential_of_its_own_learns_as_ever() {
    let house = House::enforcing().await;
    house.upstream.accepts(OWN, "ann");
    assert_eq!(house.get("/v1/things", OWN).await.status, StatusCode::OK);
    assert!(house.recognised(OWN).is_some());
}
