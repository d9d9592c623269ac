//! Credentials that the API makes for issued keys stay in, and children of the keys go out.

use authority::{Command, Scope, Warrant};
use http::StatusCode;
use law::{KeyId, Powers, Refusal, Span};

use super::scope;
use crate::house::{Answered, House, OWN};

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
    let ways = ["text", "twice", "elsewhere", "long", "packed", "also", "listed", "doubled", "moved", "headed"];
    for way in ways {
        let answer = house.post(&format!("/v1/keys?as={way}"), &key, "{}").await;
        let refusal = if way == "packed" { Refusal::AnswerUnreadable } else { Refusal::MintedKept };
        assert_eq!((answer.status, answer.refusal()), (StatusCode::BAD_GATEWAY, Some(refusal)), "{way}");
        assert!(!answer.whole().contains("mint_"), "{way}");
    }
    let told = house.found();
    assert_eq!(told.iter().filter(|rule| *rule == "minted-kept").count(), ways.len(), "each one is told: {told:?}");
    assert_eq!(house.authority.view(|state| state.keys().count()), 1, "nothing was issued");
    assert_eq!(house.last_call().await.1.status, 502);
    assert_eq!(house.post("/v1/keys?as=nothing", &key, "{}").await.status, StatusCode::CREATED);
    assert_eq!(house.found(), ["minted-kept"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_that_says_no_shows_no_credential_either() {
    let house = House::observing().await;
    house.lend_credential();
    let (_, key) = house.issue(minting(), &[]).await;
    for way in ["failed", "there"] {
        let answer = house.post(&format!("/v1/keys?as={way}"), &key, "{}").await;
        assert_eq!(answer.refusal(), Some(Refusal::MintedKept), "{way}");
        assert!(!answer.whole().contains("mint_"), "{way}");
    }
    assert_eq!(house.found(), ["minted-kept", "minted-kept"]);
    let answer = house.post("/v1/keys?as=invalid", &key, "{}").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.body["errors"]["secret"][0], "is not wanted");
    // What nobody can look into stays in; that it was no, goes on.
    let answer = house.post("/v1/keys?as=words", &key, "{}").await;
    assert_eq!((answer.status, answer.header("content-length")), (StatusCode::CONFLICT, Some("0")));
    assert!(!answer.whole().contains("mint_"));
    assert!(house.found().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_place_in_the_document_does_not_go_out_either() {
    let house = House::observing().await;
    house.lend_credential();
    let named = ["POST /tokens", "POST /graphql#mutation.createToken"];
    let (_, key) = house.issue(Scope { powers: Powers::EVERY, ..scope(&[], &named) }, &[]).await;
    let graphql = r#"{"query":"mutation { createToken { token } }"}"#;
    for (target, body) in [("/v1/tokens", "{}"), ("/v1/graphql", graphql)] {
        let answer = send(&house, target, &key, body).await;
        assert_eq!(answer.refusal(), Some(Refusal::MintedKept), "{target}");
        assert!(!answer.whole().contains("mint_"), "{target}");
    }
    assert_eq!(house.found(), ["minted-kept", "minted-kept"]);
}

async fn send(house: &House, target: &str, key: &str, body: &str) -> Answered {
    let request = house.request("POST", target).header("authorization", &format!("Bearer {key}"));
    house.send(request.header("content-type", "application/json"), body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_an_answer_may_be_anothers_or_stand_elsewhere_nothing_is_made() {
    let house = House::observing().await;
    house.lend_credential();
    let named = [
        "GET /tickets/new",
        "GET /tickets/{id}",
        "POST /graphql#mutation.createToken",
        "POST /graphql#mutation.renameThing",
    ];
    let (_, key) = house.issue(Scope { powers: Powers::EVERY, ..scope(&[], &named) }, &[]).await;
    for query in [
        "mutation { createToken { token } renameThing { id } }",
        "mutation { createToken { token } again: createToken { token } }",
        "mutation { createToken { token key: refreshToken } }",
    ] {
        let answer = send(&house, "/v1/graphql", &key, &serde_json::json!({ "query": query }).to_string()).await;
        assert_eq!(answer.refusal(), Some(Refusal::CredentialOperation), "{query}");
    }
    // A careless upstream takes it for the operation that mints.
    assert_eq!(house.get("/v1/tickets/NEW", &key).await.refusal(), Some(Refusal::CredentialOperation));
    assert!(house.upstream.seen().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_made_by_a_safe_method_is_owed_and_not_refused_for_a_limit() {
    let house = House::observing().await;
    house.lend_credential();
    let scope = Scope { powers: Powers::EVERY, ..scope(&[], &["GET /tickets/new"]) };
    let (id, key) = house.issue(scope, &["bytes 20/d"]).await;
    let answer = house.get("/v1/tickets/new", &key).await;
    assert_eq!(answer.status, StatusCode::OK);
    let child = house.recognised(answer.body["secret"].as_str().unwrap()).unwrap();
    assert_eq!(child.parent(), Some(id));
    assert_eq!(house.get("/v1/tickets/new", &key).await.refusal(), Some(Refusal::LimitReached));
    assert_eq!(house.upstream.count("GET", "/v1/tickets/new").await, 1);
}

/// Waits until the API was asked so often for an answer that does not end.
async fn asked(house: &House, times: usize) {
    let asked = async {
        while house.upstream.count("POST", "/v1/keys?as=open").await < times {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), asked).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_made_and_reaches_nobody_is_told() {
    let house = House::observing().await;
    house.lend_credential();
    let (id, key) = house.issue(minting(), &[]).await;
    // The client goes away.
    let waiting = house.start_post("/v1/keys?as=open", &key, "{}");
    asked(&house, 1).await;
    waiting.abort();
    let told = house.until(|house| house.findings().pop()).await;
    assert_eq!((told.rule.as_str(), told.key), ("minted-kept", Some(id)));
    let what = &told.evidence().next().unwrap().what;
    assert!(what.contains("`POST /keys`") && what.contains("went away"), "{what}");
    // The key is revoked.
    let waiting = house.start_post("/v1/keys?as=open", &key, "{}");
    asked(&house, 2).await;
    let revoke = Command::RevokeKey { key: id, children: false, why: String::new() };
    house.perform(&revoke, Warrant::Operator).await;
    assert_eq!(house.until(|house| house.findings().pop()).await.rule, "minted-kept");
    assert!(!waiting.await.unwrap().whole().contains("mint_"));
}

fn wide() -> Scope {
    Scope { powers: Powers::EVERY, ..scope(&[], &["POST /keys", "GET /things/{id}", "GET /events"]) }
}

/// What an observing house makes for a key: the child's id and secret.
async fn made_for(house: &House, key: &str) -> (KeyId, String) {
    let answer = house.post("/v1/keys", key, "{}").await;
    let child = answer.body.get("secret").and_then(|secret| secret.as_str()).unwrap().to_owned();
    house.upstream.accepts(MADE, "child");
    assert_eq!(house.get("/v1/things/a", &child).await.status, StatusCode::OK);
    (house.recognised(&child).unwrap().id, child)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_call_made_works_only_while_every_key_above_it_does() {
    let house = House::observing().await;
    house.lend_credential();
    let (id, key) = house.issue(wide(), &[]).await;
    let (child, secret) = made_for(&house, &key).await;
    house.perform(&Command::DisableKey(id, "a thief".to_owned()), Warrant::Operator).await;
    assert_eq!(house.get("/v1/things/a", &secret).await.refusal(), Some(Refusal::ParentStopped));
    let warrant = house.authority.prove("ann", &house.code(), jiff::Timestamp::now()).await.unwrap();
    house.perform(&Command::EnableKey(id), warrant).await;
    assert_eq!(house.get("/v1/things/a", &secret).await.status, StatusCode::OK);
    // Revoked alone, it takes along what could never work again.
    let revoke = Command::RevokeKey { key: id, children: false, why: String::new() };
    house.perform(&revoke, Warrant::Operator).await;
    assert_eq!(house.get("/v1/things/a", &secret).await.refusal(), Some(Refusal::Revoked));
    assert_eq!(house.authority.view(authority::State::to_revoke_abroad), [child]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_call_made_stops_with_the_holder_of_a_key_above_it() {
    let house = House::observing().await;
    house.lend_credential();
    let (_, key) = house.issue(wide(), &[]).await;
    let (child, secret) = made_for(&house, &key).await;
    // The child is given to somebody else; who answered for its parent leaves.
    let bob = Command::AddHolder(authority::Description {
        name: "bob".to_owned(),
        kind: law::HolderKind::Person,
        owner: None,
        deputies: Vec::new(),
        mail: None,
        administrator: true,
    });
    let warrant = house.authority.prove("ann", &house.code(), jiff::Timestamp::now()).await.unwrap();
    house.perform(&bob, warrant).await;
    let bob = house.authority.view(|state| state.holder_named("bob").unwrap().id);
    let given = authority::Change::KeyNamed { key: child, name: None, holder: Some(bob) };
    house.authority.note(given, jiff::Timestamp::now()).await.unwrap();
    assert_eq!(house.get("/v1/things/a", &secret).await.status, StatusCode::OK);
    let left = authority::Change::HolderLeft { id: house.ann, keys_go_on: false };
    house.authority.note(left, jiff::Timestamp::now()).await.unwrap();
    assert_eq!(house.get("/v1/things/a", &secret).await.refusal(), Some(Refusal::ParentStopped));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_call_made_retires_with_the_key_that_made_it() {
    let house = House::observing().await;
    house.lend_credential();
    let (id, key) = house.issue(wide(), &[]).await;
    let (child, secret) = made_for(&house, &key).await;
    let (_, successor) = house.retire(id, Span::minutes(10)).await;
    let ends = |id: KeyId| house.authority.view(|state| state.key(id).unwrap().end().unwrap());
    let before = ends(child);
    assert_eq!(house.get("/v1/things/a", &successor).await.status, StatusCode::OK);
    assert!(ends(child) < before && ends(child) == ends(id), "its grace binds what it made");
    assert_eq!(house.get("/v1/things/a", &secret).await.status, StatusCode::OK);
    house.authority.note(authority::Change::KeyRetired { key: id }, jiff::Timestamp::now()).await.unwrap();
    assert_eq!(house.get("/v1/things/a", &secret).await.refusal(), Some(Refusal::ParentStopped));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_made_key_has_in_flight_and_waiting_ends_with_its_parent() {
    let house = House::enforcing().await;
    house.lend_credential();
    let (id, key) = house.issue(wide(), &[]).await;
    let waiting = house.start_post("/v1/keys", &key, "{}");
    house.approve(&[house.question().await]).await;
    let child = waiting.await.unwrap().body["secret"].as_str().unwrap().to_owned();
    house.upstream.accepts(MADE, "child");
    let mut stream = house.start_stream("/v1/events", &child).await;
    let held = house.start_post("/v1/keys", &child, "{}");
    house.question().await;
    house.perform(&Command::DisableKey(id, "a thief".to_owned()), Warrant::Operator).await;
    assert_eq!(held.await.unwrap().refusal(), Some(Refusal::ParentStopped));
    assert!(!stream.next().await);
    let open = |state: &authority::State| {
        state.questions().any(|asked| asked.progress(jiff::Timestamp::now()) == authority::Progress::Open)
    };
    assert!(!house.authority.view(open));
}
