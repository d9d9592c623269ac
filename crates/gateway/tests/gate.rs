//! The gate before an API, over real sockets: five stops, a real authority, a real record.

#![expect(clippy::unwrap_used, reason = "a failed unwrap here is a failed test")]

mod disguised;
mod drilled;
mod emissary;
mod held;
mod house;
mod interrupted;
mod issued;
mod learned;
mod left;
mod measured;
mod spelled;
mod tokens;
mod twofold;
mod watched;

use authority::{Command, Warrant};
use house::House;
use http::StatusCode;
use law::{Factor, Refusal, Verdict, Who};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_key_reads_and_the_upstream_sees_the_request_as_it_was_sent() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let answer = house.get("/v1/things/a%3Fb?page=2&q=x%20y", "secret-of-ann-1234567890").await;
    assert_eq!(answer.status, StatusCode::OK);
    let seen = house.upstream.last().await;
    assert_eq!(seen.target, "/v1/things/a%3Fb?page=2&q=x%20y");
    assert_eq!(seen.header("authorization"), Some("Bearer secret-of-ann-1234567890"));
    assert_eq!(seen.header("greave-key"), Some("k1"));
    assert_eq!(seen.header("greave-approval"), Some(""));

    let (call, outcome) = house.last_call().await;
    assert_eq!(&*call.operation, "GET /things/{id}");
    assert_eq!(call.query, ["page=2", "q"]);
    assert_eq!((call.who, call.verdict), (Who::Key, Verdict::Permit));
    assert_eq!(outcome.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_claims_to_be_does_not_reach_the_upstream() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let request = house
        .request("GET", "/v1/things")
        .header("authorization", "token secret-of-ann-1234567890")
        .header("greave-key", "k999")
        .header("greave_approval", "a1")
        .header("x-forwarded-for", "203.0.113.9")
        .header("x-remote-user", "root");
    assert_eq!(house.send(request, "").await.status, StatusCode::OK);
    let seen = house.upstream.last().await;
    assert_eq!(seen.header("greave-key"), Some("k1"));
    assert_eq!(seen.header("greave_approval"), None);
    assert_eq!(seen.header("x-remote-user"), None);
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_comes_back_goes_round_once() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    house.upstream.leads_back_to(house.address);
    let answer = house.get("/v1/things", "secret-of-ann-1234567890").await;
    assert_eq!((answer.status.as_u16(), answer.refusal()), (508, Some(Refusal::ComesBack)));
    assert_eq!(house.upstream.times_left(), Some(4), "the proxy saw it once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_key_has_in_flight_ends_when_its_end_comes_nearer() {
    let house = House::enforcing().await;
    let key = house.adopt("secret-of-ann-1234567890").await;
    let held = house.start_post("/v1/keys", "secret-of-ann-1234567890", "{}");
    house.question().await;
    let mut stream = house.start_stream("/v1/events", "secret-of-ann-1234567890").await;
    assert!(stream.next().await);
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(300);
    house.perform(&Command::ChangeKey { key, name: None, end: Some(end) }, Warrant::Operator).await;
    assert_eq!(held.await.unwrap().refusal(), Some(Refusal::Ended));
    assert!(!stream.next().await);
    assert_eq!(house.get("/v1/things", "secret-of-ann-1234567890").await.refusal(), Some(Refusal::Ended));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_an_answer_while_the_key_stops_is_told_how_it_stopped() {
    let house = House::enforcing().await;
    let key = house.adopt("secret-of-ann-1234567890").await;
    let secret = "Bearer secret-of-ann-1234567890";
    let slow = house.start(house.request("GET", "/v1/things/slow").header("authorization", secret), "");
    while house.upstream.count("GET", "/v1/things/slow").await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_millis(300);
    house.perform(&Command::ChangeKey { key, name: None, end: Some(end) }, Warrant::Operator).await;
    assert_eq!(slow.await.unwrap().refusal(), Some(Refusal::Ended));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_passes_only_where_anybody_may_and_takes_no_credential_along() {
    let house = House::enforcing().await;
    assert_eq!(house.send(house.request("GET", "/v1/things"), "").await.refusal(), Some(Refusal::NoCredential));
    assert_eq!(house.send(house.request("GET", "/v1/health"), "").await.status, StatusCode::OK);
    assert_eq!(house.send(house.request("GET", "/login"), "").await.status, StatusCode::OK);
    assert_eq!(house.send(house.request("GET", "/login/../v1/things"), "").await.refusal(), Some(Refusal::BadPath));
    assert_eq!(house.send(house.request("GET", "/loginx"), "").await.refusal(), Some(Refusal::NoCredential));
    // A session passes as what it is; a key beside it is judged.
    let session = || house.request("POST", "/v1/keys").header("cookie", "sid=made-up");
    assert_eq!(house.send(session(), "{}").await.status, StatusCode::CREATED);
    house.adopt("secret-of-ann-1234567890").await;
    let with_key = session().header("authorization", "Bearer secret-of-ann-1234567890").header("prefer", "wait=0");
    assert_eq!(house.send(with_key, "{}").await.refusal(), Some(Refusal::StepUp));
    let in_its_place = house.request("POST", "/v1/keys").header("cookie", "sid=secret-of-ann-1234567890");
    let in_its_place = house.send(in_its_place.header("prefer", "wait=0"), "{}").await;
    assert_eq!(in_its_place.refusal(), Some(Refusal::StepUp), "a known key is no session, wherever it stands");
    let hidden = session().header("x-unheard-of", "secret-of-ann-1234567890").header("prefer", "wait=0");
    assert_eq!(house.send(hidden, "{}").await.refusal(), Some(Refusal::StepUp), "a known key is seen wherever it is");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_tries_what_cannot_be_read_leaves_a_trace_under_the_key() {
    let house = House::enforcing().await;
    let key = house.adopt("secret-of-ann-1234567890").await;
    let call = |target: &str| house.request("GET", target).header("authorization", "Bearer secret-of-ann-1234567890");
    for (call, refusal) in [
        (call("/v1/things/../keys"), Refusal::BadPath),
        (call("/v1/things").header("x-http-method-override", "DELETE"), Refusal::MethodOverride),
    ] {
        assert_eq!(house.send(call, "").await.refusal(), Some(refusal));
        let (call, _) = house.last_call().await;
        assert_eq!((call.verdict, call.who, call.key), (Verdict::Refuse(refusal), Who::Key, Some(key)));
        assert_eq!(call.holder, Some(house.ann));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn observing_lets_everything_pass_and_says_what_it_would_have_asked() {
    let house = House::observing().await;
    house.adopt("secret-of-ann-1234567890").await;
    assert_eq!(house.post("/v1/keys", "secret-of-ann-1234567890", "{}").await.status, StatusCode::CREATED);
    let (call, _) = house.last_call().await;
    assert_eq!(call.verdict, Verdict::WouldAsk(Factor::Person.into()));
    assert_eq!(house.post("/v1/unheard-of", "secret-of-ann-1234567890", "{}").await.status, StatusCode::NOT_FOUND);
    let (call, _) = house.last_call().await;
    assert_eq!(&*call.operation, "POST *");
    assert_eq!(call.powers, law::Powers::EVERY);
    assert_eq!(call.parameters[0].1, "/v1/unheard-of");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_key_has_in_flight_ends_when_it_is_disabled() {
    let house = House::enforcing().await;
    let key = house.adopt("secret-of-ann-1234567890").await;
    let mut stream = house.start_stream("/v1/events", "secret-of-ann-1234567890").await;
    assert!(stream.next().await, "the first event arrives while the stream is open");
    house.perform(&Command::DisableKey(key, "lost".to_owned()), Warrant::Operator).await;
    assert!(!stream.next().await, "and then it breaks off");
    let (_, outcome) = house.last_call().await;
    assert_eq!(outcome.ended, law::Ended::Cut);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_in_paths_and_queries_are_not_written_down() {
    let house = House::observing().await;
    house.adopt("secret-of-ann-1234567890").await;
    house
        .get(
            "/v1/things/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?q=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",
            "secret-of-ann-1234567890",
        )
        .await;
    house.get("/v1/x/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", "secret-of-ann-1234567890").await;
    // Keys that look like words: the one that is shown, and one that is known.
    house.adopt("another-of-ann-1234567890").await;
    for target in ["/v1/things/", "/v1/x/"] {
        house.get(&format!("{target}another-of-ann-1234567890"), "secret-of-ann-1234567890").await;
        assert!(house.last_call().await.0.parameters[0].1.contains("sha256:"));
        house.get(&format!("{target}secret-of-ann-1234567890"), "secret-of-ann-1234567890").await;
    }
    house.get("/v1/things/another-of-ann-1234567890", "not-known-at-all").await;
    house.last_call().await;
    for file in std::fs::read_dir(house.folder.path().join("record")).unwrap() {
        let text = String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap()).into_owned();
        assert!(!text.contains("ghp_zQWB") && !text.contains("of-ann"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_a_caller_makes_up_has_no_name_of_its_own_in_the_record() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let request = house.request("A1", "/v1/things").header("authorization", "Bearer secret-of-ann-1234567890");
    house.send(request, "").await;
    let (call, _) = house.last_call().await;
    assert_eq!((&*call.operation, call.powers), ("OTHER *", law::Powers::EVERY));
    let parameters: Vec<(&str, &str)> = call.parameters.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(parameters, [("path", "/v1/things"), ("method", "A1")]);
}
