//! Keys that nobody knew: learned or refused, and whose they are.

use authority::{Command, SecretDigest, Sighting, Warrant};
use http::StatusCode;
use law::{Refusal, Who};

use crate::house::House;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_key_is_learned_when_the_upstream_takes_it_and_its_holder_is_asked_once() {
    let house = House::enforcing().await;
    house.upstream.accepts("a-new-key-1234567890", "ann");
    assert_eq!(house.get("/v1/things", "a-new-key-1234567890").await.status, StatusCode::OK);
    let key = house.recognised("a-new-key-1234567890").unwrap();
    assert_eq!(key.holder(), Some(house.ann));
    assert_eq!(key.scopes(), Some("read admin"));
    assert_eq!(house.get("/v1/things", "a-new-key-1234567890").await.status, StatusCode::OK);
    let (call, _) = house.last_call().await;
    assert_eq!((call.who, call.key, call.holder), (Who::Key, Some(key.id), Some(house.ann)));
    assert_eq!(house.upstream.count("GET", "/v1/me").await, 1);

    // What the upstream refuses is not learned, and neither is what hides behind a redirect.
    house.get("/v1/things", "a-bad-key-1234567890").await;
    house.adopt("marker-key-1234567890").await;
    assert!(house.recognised("a-bad-key-1234567890").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_known_before_its_first_answer_is() {
    let house = House::enforcing().await;
    for number in 0..20 {
        let key = format!("a-new-key-{number}-0123456789");
        house.upstream.accepts(&key, "ann");
        assert_eq!(house.get("/v1/things", &key).await.status, StatusCode::OK);
        let known = house.recognised(&key).expect("the first answer is here");
        assert_eq!(known.holder(), Some(house.ann), "and so is whose it is");
    }
    let next = house.request("POST", "/v1/keys").header("authorization", "Bearer a-new-key-7-0123456789");
    let next = house.send(next.header("prefer", "wait=0"), "{}").await;
    assert_eq!(next.refusal(), Some(Refusal::StepUp), "its person can be asked at once");
}

/// The name of a key's holder.
fn holder_of(house: &House, secret: &str) -> Option<String> {
    let holder = house.recognised(secret)?.holder()?;
    house.authority.view(|state| state.holder(holder).map(|holder| holder.name.clone()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_cannot_rename_its_account_before_it_is_known_whose_it_is() {
    let house = House::enforcing().await;
    let (stolen, minted, empty) = ("a-stolen-key-1234567890", "a-minted-key-1234567890", "an-empty-key-1234567890");
    // Never seen before: its very first call gives the account the name of somebody who says yes.
    house.upstream.accepts(stolen, "bob");
    assert_eq!(house.post("/v1/me?name=ann", stolen, "").await.status, StatusCode::OK);
    assert_eq!(holder_of(&house, stolen).as_deref(), Some("bob"));
    let (call, outcome) = house.last_call().await;
    let key = house.recognised(stolen).unwrap().id;
    assert_eq!((call.who, call.key, outcome.learned), (Who::Unknown, Some(key), Some(key)), "the call is the key's");

    // Known, and nobody knows yet whose it is.
    let sighting = Sighting {
        place: "minted".to_owned(),
        source: "127.0.0.1".parse().unwrap(),
        parent: None,
        inherits: false,
        claim: None,
    };
    let digest = SecretDigest::of(minted.as_bytes());
    house.authority.adopt(&digest, &sighting, jiff::Timestamp::now()).await.unwrap();
    house.upstream.accepts(minted, "bob");
    assert_eq!(house.post("/v1/me?name=ann", minted, "").await.status, StatusCode::OK);
    assert_eq!(holder_of(&house, minted).as_deref(), Some("bob"));

    // A stranger's secret costs a question, and is nobody's.
    assert_eq!(house.post("/v1/me?name=ann", empty, "").await.status, StatusCode::UNAUTHORIZED);
    assert!(house.recognised(empty).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_nobody_says_whose_a_key_is_it_reads_and_changes_nothing() {
    let house = House::enforcing().await;
    let (fresh, read) = ("a-fresh-key-1234567890", "a-reading-key-1234567890");
    house.upstream.accepts(fresh, "bob");
    house.upstream.accepts(read, "bob");
    house.upstream.falls_silent(true);
    assert_eq!(house.post("/v1/me?name=ann", fresh, "").await.refusal(), Some(Refusal::WhoseUnknown));
    assert_eq!(house.get("/v1/things", read).await.status, StatusCode::OK);
    assert_eq!(house.get("/v1/things", read).await.status, StatusCode::OK);
    assert_eq!(house.upstream.count("GET", "/v1/me").await, 2, "what reads asks once");
    assert_eq!(house.post("/v1/me?name=ann", read, "").await.refusal(), Some(Refusal::WhoseUnknown));
    assert_eq!(house.upstream.count("POST", "/v1/me?name=ann").await, 0);

    house.upstream.falls_silent(false);
    for secret in [fresh, read] {
        assert_eq!(house.post("/v1/me?name=ann", secret, "").await.status, StatusCode::OK);
        assert_eq!(holder_of(&house, secret).as_deref(), Some("bob"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_new_key_has_in_flight_ends_with_it() {
    let house = House::enforcing().await;
    house.upstream.accepts("a-new-key-1234567890", "ann");
    let mut stream = house.start_stream("/v1/events", "a-new-key-1234567890").await;
    assert!(stream.next().await);
    let key = house.recognised("a-new-key-1234567890").unwrap().id;
    house.perform(&Command::DisableKey(key, "lost".to_owned()), Warrant::Operator).await;
    assert!(!stream.next().await, "as if it had been known before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minted_key_is_known_before_its_client_has_it_and_hides_in_no_coding() {
    let house = House::refusing_unknown_keys_observing().await;
    house.adopt("secret-of-ann-1234567890").await;
    for number in 0..20 {
        let asking = house
            .request("POST", "/v1/keys")
            .header("authorization", "Bearer secret-of-ann-1234567890")
            .header("accept-encoding", "gzip, br")
            .header("range", "bytes=0-10");
        let minted = house.send(asking, "{}").await;
        let secret = minted.body["secret"].as_str().unwrap().to_owned();
        house.upstream.accepts(&secret, "ann");
        assert_eq!(house.get("/v1/things", &secret).await.status, StatusCode::OK, "{number}");
    }
    let seen = house.upstream.seen().await.into_iter().find(|seen| seen.target == "/v1/keys").unwrap();
    assert_eq!((seen.header("accept-encoding"), seen.header("range")), (Some("identity"), None));
    let asks = async |path: &str, coding: &str| {
        let read = house.request("GET", path).header("authorization", "Bearer secret-of-ann-1234567890");
        house.send(read.header("accept-encoding", coding).header("range", "bytes=1-"), "").await;
        let last = house.upstream.last().await;
        (last.header("accept-encoding").map(str::to_owned), last.header("range").is_some())
    };
    let is = |coding: &str, in_part| (Some(coding.to_owned()), in_part);
    assert_eq!(asks("/v1/things/7", "gzip").await, is("gzip", true), "other answers stay as they were");
    assert_eq!(asks("/v1/things", "gzip").await, is("identity", false), "a list's rows are counted");
    let only = "gzip, identity;q=0";
    assert_eq!(asks("/v1/things", only).await, is(only, true), "and a client gets what it takes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_key_does_not_do_what_is_sensitive() {
    let house = House::enforcing().await;
    house.upstream.accepts("a-new-key-1234567890", "ann");
    let answer = house.post("/v1/keys", "a-new-key-1234567890", "{}").await;
    assert_eq!(answer.refusal(), Some(Refusal::NotKnownYet));
    assert_eq!(house.upstream.count("POST", "/v1/keys").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_unknown_keys_are_refused_they_get_one_answer_and_the_upstream_none() {
    let house = House::refusing_unknown_keys().await;
    let mut bodies = Vec::new();
    for key in ["a-new-key-1234567890", "x", "another-key-entirely"] {
        let mut answer = house.get("/v1/things", key).await;
        assert_eq!(answer.refusal(), Some(Refusal::UnknownKey));
        answer.body.as_object_mut().unwrap().remove("instance");
        bodies.push(answer.body.to_string());
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    assert_eq!(house.upstream.seen().await.len(), 0);
    for _ in 0..60 {
        house.get("/v1/things", "guess-after-guess").await;
    }
    assert_eq!(house.get("/v1/things", "guess-after-guess").await.refusal(), Some(Refusal::TooManyGuesses));
    house.adopt("secret-of-ann-1234567890").await;
    let honest = house.get("/v1/things", "secret-of-ann-1234567890").await;
    assert_eq!(honest.status, StatusCode::OK, "an honest key behind the same address is not slowed down");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn made_up_keys_do_not_fill_the_room_for_bodies_of_known_ones() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    // All together they would fill it; one of them has a place.
    let mut poured: Vec<_> = (0..9).map(|number| house.pour(&format!("made-up-{number}"), 1_000_000)).collect();
    let most_are_answered = async {
        while poured.len() > 1 {
            poured.retain(|poured| !poured.is_finished());
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), most_are_answered).await.unwrap();
    let call = house.request("POST", "/v1/things/a").header("authorization", "Bearer secret-of-ann-1234567890");
    let call = call.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(house.send(call, &"x".repeat(1_000_000)).await.status, StatusCode::OK);
    poured.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gates_own_question_carries_the_credential_and_nothing_else() {
    let house = House::enforcing().await;
    house.upstream.accepts("key-of-bob-0123456789", "bob");
    let call = || {
        house
            .request("GET", "/v1/things")
            .header("authorization", "Bearer key-of-bob-0123456789")
            .header("greave-holder", "h1")
            .header("x-remote-user", "ann")
            .header("x-original-url", "/v1/keys/7/reveal")
            .header("cookie", "org=other")
    };
    // Beside a session nobody can tell whom the answer would be for: nothing is learned.
    assert_eq!(house.send(call().header("cookie", "sid=ann"), "").await.status, StatusCode::OK);
    assert_eq!(house.send(call(), "").await.status, StatusCode::OK);
    let key = house.until(|house| house.recognised("key-of-bob-0123456789").filter(|key| key.holder().is_some())).await;
    assert_ne!(key.holder(), Some(house.ann));
    assert_eq!(house.upstream.count("GET", "/v1/me").await, 1);
    let seen = house.upstream.seen().await.into_iter().find(|seen| seen.target == "/v1/me").unwrap();
    for name in seen.headers.keys() {
        assert!(["accept", "authorization", "host", "user-agent"].contains(&name.as_str()), "{name}");
    }
}
