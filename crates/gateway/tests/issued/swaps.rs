//! Credentials that the API makes for issued keys stay in, and children of the keys go out.

use authority::{Command, Scope, Warrant};
use http::StatusCode;
use law::{Powers, Refusal};

use super::scope;
use crate::house::{House, OWN};

const MADE: &str = "mint_9f3c1e7a52d84b06a1c0";

fn minting() -> Scope {
    Scope { powers: Powers::EVERY, ..scope(&[], &["POST /keys", "GET /things/{id}"]) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_credential_stays_in_and_a_child_goes_out_in_its_place() {
    let house = House::observing().await;
    house.lend_credential();
    let (id, key) = house.issue(minting(), &[]).await;
    let answer = house.post("/v1/keys", &key, "{}").await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert!(!answer.whole().contains("mint_"), "{}", answer.whole());
    assert_eq!((answer.header("etag"), answer.header("cache-control")), (None, Some("no-store")));
    let child = answer.body["secret"].as_str().unwrap().to_owned();
    let known = house.recognised(&child).unwrap();
    let parent = house.recognised(&key).unwrap();
    assert_eq!((known.parent(), known.holder(), known.end()), (Some(id), Some(house.ann), parent.end()));
    assert_eq!(known.issued().unwrap().scope, parent.issued().unwrap().scope);
    assert_eq!(known.name(), Some("by POST /keys"));
    assert!(house.recognised(MADE).is_none());
    assert_eq!(house.last_call().await.1.minted, Some(known.id));

    // Its calls go on with what the API made, and neither that nor the gate's own is shown.
    house.upstream.accepts(MADE, "child");
    assert_eq!(house.get("/v1/things/a", &child).await.status, StatusCode::OK);
    assert_eq!(house.upstream.last().await.header("authorization"), Some(&*format!("Bearer {MADE}")));
    for target in ["/v1/things/echo", "/v1/things/leak"] {
        let answer = house.get(target, &child).await;
        assert_eq!(answer.refusal(), Some(Refusal::CredentialInAnswer), "{target}");
        assert!(!answer.whole().contains("mint_") && !answer.whole().contains(OWN));
    }
    assert_eq!(house.get("/v1/me", &child).await.refusal(), Some(Refusal::OutOfScope));
    assert_eq!(house.get("/v1/things/a", &key).await.status, StatusCode::OK);
    assert_eq!(house.upstream.last().await.header("authorization"), Some(&*format!("Bearer {OWN}")));

    let revoke = Command::RevokeKey { key: known.id, children: false, why: String::new() };
    house.perform(&revoke, Warrant::Operator).await;
    assert_eq!(house.get("/v1/things/a", &child).await.refusal(), Some(Refusal::Revoked));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_credential_that_cannot_be_replaced_does_not_go_out() {
    let house = House::observing().await;
    house.lend_credential();
    let (_, key) = house.issue(minting(), &[]).await;
    for way in ["text", "twice", "elsewhere", "long", "packed"] {
        let answer = house.post(&format!("/v1/keys?as={way}"), &key, "{}").await;
        let refusal = if way == "packed" { Refusal::AnswerUnreadable } else { Refusal::MintedKept };
        assert_eq!((answer.status, answer.refusal()), (StatusCode::BAD_GATEWAY, Some(refusal)), "{way}");
        assert!(!answer.whole().contains("mint_"), "{way}");
    }
    assert!(house.found().contains(&"minted-kept".to_owned()));
    assert_eq!(house.authority.view(|state| state.keys().count()), 1, "nothing was issued");
    assert_eq!(house.last_call().await.1.status, 502);
}
