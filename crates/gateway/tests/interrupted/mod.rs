//! Requests that are broken off, and keys that are narrowed meanwhile.

use authority::{Command, Scope, Warrant};
use http::StatusCode;
use law::{Ended, KeyId, Power, Refusal, Verdict};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::house::House;

const SECRET: &str = "secret-of-ann-1234567890";

async fn narrow(house: &House, key: KeyId, powers: &[Power], operations: &[&str]) {
    let scope = Scope {
        powers: powers.iter().copied().collect(),
        operations: operations.iter().map(|pattern| pattern.parse().unwrap()).collect(),
        sources: Vec::new(),
    };
    house.perform(&Command::NarrowKey(key, scope), Warrant::Operator).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_ends_before_the_law_spoke_did_not_pass() {
    let house = House::enforcing().await;
    let key = house.adopt(SECRET).await;
    let mut stream = house.drip("/v1/things/1", SECRET, 100).await;
    stream.write_all(b"{\"name\":").await.unwrap();
    drop(stream);
    let (call, _) = house.last_call().await;
    assert_eq!((call.key, call.verdict), (Some(key), Verdict::Refuse(Refusal::BadFraming)), "the client broke it off");
    // What waits when the gate stops is dropped; what a key sends that is stopped counts as little.
    let disable = Command::DisableKey(key, "stolen".to_owned());
    house.perform(&disable, Warrant::SignedIn(house.ann)).await;
    let _stream = house.drip("/v1/things/1", SECRET, 100).await;
    house.stop();
    let dropped = async || loop {
        let (call, outcome) = house.last_call().await;
        if outcome.ended != Ended::Answered {
            return (call, outcome);
        }
    };
    let (call, outcome) = tokio::time::timeout(std::time::Duration::from_secs(20), dropped()).await.unwrap();
    assert_eq!((call.key, call.verdict), (Some(key), Verdict::Refuse(Refusal::NotJudged)));
    assert_eq!((outcome.status, house.upstream.count("POST", "/v1/things/1").await), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn narrowing_ends_what_is_in_flight_above_the_ceiling() {
    let house = House::observing().await;
    let key = house.adopt(SECRET).await;
    let mut stream = house.start_stream("/v1/events", SECRET).await;
    assert!(stream.next().await);
    narrow(&house, key, &[Power::Read], &["GET /things"]).await;
    assert!(!stream.next().await, "it ends, and nothing more comes");
    let (call, outcome) = house.last_call().await;
    assert_eq!((&*call.operation, outcome.ended), ("GET /events", Ended::Cut));
    assert_eq!(house.get("/v1/things", SECRET).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_was_long_in_coming_is_held_against_the_ceiling_of_now() {
    let house = House::observing().await;
    let key = house.adopt(SECRET).await;
    let mut stream = house.drip("/v1/things/1", SECRET, 2).await;
    narrow(&house, key, &[Power::Read], &["GET /things"]).await;
    stream.write_all(b"{}").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("out-of-scope"), "{answer}");
    assert_eq!(house.upstream.count("POST", "/v1/things/1").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narrowed_key_makes_none_that_nobody_sees() {
    let house = House::observing().await;
    let key = house.adopt(SECRET).await;
    assert_eq!(house.post("/v1/tokens", SECRET, "{}").await.status, StatusCode::OK);
    let reading = &[Power::Read, Power::Mint];
    narrow(&house, key, reading, &["POST /keys", "POST /tokens", "GET /tickets/new"]).await;
    let made = house.post("/v1/keys", SECRET, "{}").await;
    assert_eq!(made.status, StatusCode::CREATED);
    let child = house.recognised(made.body["secret"].as_str().unwrap()).unwrap();
    assert_eq!(child.ceilings().len(), 1, "what is seen has the same ceiling");
    let unseen = house.post("/v1/keys?as=text", SECRET, "{}").await;
    assert_eq!(unseen.refusal(), Some(Refusal::MintedKept));
    assert!(!unseen.whole().contains("mint_"), "{}", unseen.whole());
    assert!(house.found().contains(&"minted-unread".to_owned()));
}
