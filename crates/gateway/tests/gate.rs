//! The gate before an API, over real sockets: five stops, a real authority, a real record.

#![expect(clippy::unwrap_used, reason = "a failed unwrap here is a failed test")]

mod drilled;
mod emissary;
mod house;
mod interrupted;
mod issued;
mod spelled;
mod tokens;
mod watched;

use authority::{Command, Scope, SecretDigest, Sighting, Warrant};
use house::House;
use http::StatusCode;
use law::{Factor, Power, Powers, Refusal, Standing, Verdict, Who};

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
async fn a_long_upload_breaks_off_before_it_names_a_second_method() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let upload = |content_type: &str, field: &str| {
        let head = |name: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        let body = format!("{}{}\r\n{}PURGE\r\n--x--\r\n", head("file"), "a".repeat(3 << 20), head(field));
        let request =
            house.request("POST", "/v1/notes/upload").header("authorization", "Bearer secret-of-ann-1234567890");
        let request = request.header("content-type", content_type).header("prefer", "wait=0");
        house.send_built(request.body(&body).unwrap())
    };
    let answer = upload("multipart/form-data; boundary=x", "_method").await;
    assert_eq!(answer.refusal(), Some(Refusal::MethodOverride), "{}", answer.whole());
    // It goes on as it came where nothing of that is in it.
    assert_eq!(upload("multipart/form-data; boundary=x", "payment_method").await.status, StatusCode::CREATED);
    // One of which nobody knows where its parts begin may be anything.
    let answer = upload("multipart/form-data", "payment_method").await;
    assert!(answer.refusal().is_some(), "{}", answer.whole());
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
async fn a_dangerous_call_waits_for_its_person_and_goes_on_by_itself() {
    let house = House::enforcing().await;
    let key = house.adopt("secret-of-ann-1234567890").await;
    let held = house.start_post("/v1/keys", "secret-of-ann-1234567890", r#"{"name":"ci"}"#);
    let question = house.question().await;
    assert_eq!(house.upstream.count("POST", "/v1/keys").await, 0, "nothing goes on before the yes");
    let exhibit = house.authority.exhibit(question).await.unwrap().unwrap();
    assert_eq!((exhibit.method.as_str(), exhibit.path.as_str()), ("POST", "/v1/keys"));
    assert!(exhibit.body.unwrap().contains("ci"));

    house.approve(&[question]).await;
    let answer = held.await.unwrap();
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(house.upstream.count("POST", "/v1/keys").await, 1);
    let (call, outcome) = house.last_call().await;
    assert_eq!(call.verdict, Verdict::Permit);
    assert!(call.factors.contains(Factor::Person) && call.approval.is_some() && call.challenge == Some(question));
    assert!(call.powers.contains(Power::Mint));
    let child = house.recognised("mint_9f3c1e7a52d84b06a1c0").unwrap();
    assert_eq!((outcome.minted, child.parent()), (Some(child.id), Some(key)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_wait_is_told_how_and_its_retry_executes_once() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let impatient = || {
        house
            .request("POST", "/v1/keys")
            .header("authorization", "Bearer secret-of-ann-1234567890")
            .header("prefer", "wait=0")
            .header("idempotency-key", "\"k-1\"")
    };
    let told = house.send(impatient(), "{}").await;
    assert_eq!(told.refusal(), Some(Refusal::StepUp));
    let challenge = told.header("www-authenticate").unwrap();
    assert!(challenge.contains("insufficient_user_authentication") && challenge.contains("urn:greave:person"));
    assert!(challenge.contains("max_age=0"), "{challenge}");
    for member in ["challenge_id", "step_up_uri", "expires_at", "interval"] {
        assert!(told.body.get(member).is_some(), "{member}");
    }
    let question = house.question().await;
    assert_eq!(told.body["challenge_id"], question.to_string());

    assert_eq!(house.send(impatient(), "{}").await.body["challenge_id"], question.to_string(), "a retry rejoins");
    house.approve(&[question]).await;
    // Another request is not covered by the yes: another body, another header that says what is wanted.
    let other = house.send(impatient(), r#"{"name":"other"}"#).await;
    assert_ne!(other.body["challenge_id"], question.to_string());
    let elsewhere = house.send(impatient().header("x-organisation", "other"), "{}").await;
    assert_ne!(elsewhere.body["challenge_id"], question.to_string());

    assert_eq!(house.send(impatient(), "{}").await.status, StatusCode::CREATED);
    assert_eq!(house.upstream.count("POST", "/v1/keys").await, 1);
    let again = house.send(impatient(), "{}").await;
    assert_eq!(again.refusal(), Some(Refusal::StepUp), "a yes serves once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_joins_its_question_and_a_variation_does_not() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let call = |name: &'static str, value: &'static str| {
        let call = house.request("POST", "/v1/keys").header("authorization", "Bearer secret-of-ann-1234567890");
        house.send_built(call.header("prefer", "wait=0").header(name, value).body("{}").unwrap())
    };
    let question = call("accept", "*/*").await.body["challenge_id"].clone();
    assert!(question.is_string());
    let retries =
        [("x-request-id", "2"), ("traceparent", "00-1"), ("prefer", "wait=1"), ("x-stainless-retry-count", "1")];
    for (name, value) in retries {
        assert_eq!(call(name, value).await.body["challenge_id"], question, "{name}");
    }
    for (name, value) in [("x-trace-account", "other"), ("x-forwarded-host", "other.example"), ("prefer", "tx=commit")]
    {
        let other = call(name, value).await.body["challenge_id"].clone();
        assert!(other.is_string() && other != question, "{name}: {other}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_tries_that_wait_one_executes() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let first = house.start_post("/v1/keys", "secret-of-ann-1234567890", "{}");
    let question = house.question().await;
    let second = house.start_post("/v1/keys", "secret-of-ann-1234567890", "{}");
    assert_eq!(first.await.unwrap().refusal(), Some(Refusal::Superseded));
    house.approve(&[question]).await;
    assert_eq!(second.await.unwrap().status, StatusCode::CREATED);
    assert_eq!(house.upstream.count("POST", "/v1/keys").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_yes_go_on_the_held_calls_that_its_window_covers() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let delete = house.request("DELETE", "/v1/things/1").header("authorization", "Bearer secret-of-ann-1234567890");
    let gone = house.send(delete.header("prefer", "wait=0"), "").await;
    assert_eq!(gone.refusal(), Some(Refusal::StepUp));
    let nobody_waits = house.question().await;
    let also_held = house
        .start(house.request("DELETE", "/v1/things/2").header("authorization", "Bearer secret-of-ann-1234567890"), "");
    let covered = house.until(|house| house.newest_open().filter(|id| *id != nobody_waits)).await;
    let mint = house.start_post("/v1/keys", "secret-of-ann-1234567890", "{}");
    let other_power = house.until(|house| house.newest_open().filter(|id| *id != covered)).await;
    let held = house
        .start(house.request("DELETE", "/v1/things/3").header("authorization", "Bearer secret-of-ann-1234567890"), "");
    let answered = house.until(|house| house.newest_open().filter(|id| *id != other_power)).await;

    house.approve(&[answered]).await;
    let held = held.await.unwrap();
    assert_eq!(held.refusal(), None);
    assert_eq!(also_held.await.unwrap().refusal(), None, "the window of the yes covers it");
    assert_eq!(house.upstream.count("DELETE", "/v1/things/2").await, 1);
    let (call, _) = house.last_call().await;
    assert!(call.verdict == Verdict::Permit && call.factors.contains(Factor::Person), "{call:?}");
    let stands = |id| house.authority.view(|state| state.question(id).unwrap().progress(jiff::Timestamp::now()));
    assert_eq!(stands(covered), authority::Progress::Covered);
    assert_eq!(stands(nobody_waits), authority::Progress::Covered, "nobody is asked for what passes anyway");
    assert_eq!(stands(other_power), authority::Progress::Open, "a yes to one power is none to another");
    mint.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_the_client_has_gone_nothing_is_forwarded_and_the_yes_waits() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let held = house.start_post("/v1/keys", "secret-of-ann-1234567890", "{}");
    let question = house.question().await;
    held.abort();
    house.until(|house| (house.waiting() == 0).then_some(())).await;
    house.approve(&[question]).await;
    assert_eq!(house.upstream.count("POST", "/v1/keys").await, 0);
    let retry = house.post("/v1/keys", "secret-of-ann-1234567890", "{}").await;
    assert_eq!(retry.status, StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_no_is_final_and_not_me_stops_the_key() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let held = house.start_post("/v1/keys", "secret-of-ann-1234567890", "{}");
    let question = house.question().await;
    house.perform(&Command::NotMe(question), Warrant::SignedIn(house.ann)).await;
    assert_eq!(held.await.unwrap().refusal(), Some(Refusal::Denied));
    let after = house.get("/v1/things", "secret-of-ann-1234567890").await;
    assert_eq!(after.refusal(), Some(Refusal::Disabled));
    assert_eq!(house.recognised("secret-of-ann-1234567890").unwrap().standing, Standing::Disabled);
    assert_eq!(house.upstream.seen().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_no_says_until_when_it_stands_to_who_waits_and_to_who_comes_again() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let held = house.start_post("/v1/keys", "secret-of-ann-1234567890", "{}");
    let question = house.question().await;
    let until = house.authority.view(|state| state.question(question).unwrap().question.until);
    house.perform(&Command::Deny(question), Warrant::SignedIn(house.ann)).await;
    for answer in [held.await.unwrap(), house.post("/v1/keys", "secret-of-ann-1234567890", "{}").await] {
        assert_eq!(answer.refusal(), Some(Refusal::Denied));
        let told: jiff::Timestamp = answer.body["until"].as_str().unwrap().parse().unwrap();
        assert_eq!(told.as_second(), until.as_second());
        let wait: i64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!(jiff::Timestamp::now().as_second() + wait >= until.as_second(), "{wait}");
        assert!(answer.body["detail"].as_str().unwrap().contains("until"), "{}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_call_falls_with_its_key() {
    let house = House::enforcing().await;
    let key = house.adopt("secret-of-ann-1234567890").await;
    let held = house.start_post("/v1/keys", "secret-of-ann-1234567890", "{}");
    let question = house.question().await;
    house.perform(&Command::DisableKey(key, "lost".to_owned()), Warrant::Operator).await;
    assert_eq!(held.await.unwrap().refusal(), Some(Refusal::Disabled), "at once, and with its reason");
    let warrant = house.authority.prove("ann", &house.code(), jiff::Timestamp::now()).await.unwrap();
    let late = house.authority.perform(&Command::Approve(vec![question]), warrant, jiff::Timestamp::now()).await;
    assert!(late.unwrap_err().to_string().contains("the key is disabled"));
    assert_eq!(house.upstream.seen().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_call_is_answered_when_its_key_ends() {
    let house = House::enforcing().await;
    let key = house.adopt("secret-of-ann-1234567890").await;
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(1);
    let identity = authority::Identity { name: "ann".to_owned(), end: Some(end), ..Default::default() };
    house.authority.identify(key, &identity, jiff::Timestamp::now()).await.unwrap();
    let held = house.post("/v1/keys", "secret-of-ann-1234567890", "{}").await;
    assert_eq!(held.refusal(), Some(Refusal::Ended));
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
async fn a_code_in_the_header_answers_for_a_persons_key() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let with_code = |code: &str| {
        house
            .request("POST", "/v1/keys")
            .header("authorization", "Bearer secret-of-ann-1234567890")
            .header("greave-otp", code)
    };
    assert_eq!(house.send(with_code("000000"), "{}").await.refusal(), Some(Refusal::WrongCode));
    let code = house.code();
    assert_eq!(house.send(with_code(&code), r#"{"a":1}"#).await.status, StatusCode::CREATED);
    assert_eq!(house.upstream.last().await.header("greave-otp"), None);
    assert_eq!(house.send(with_code(&code), r#"{"a":2}"#).await.refusal(), Some(Refusal::WrongCode));
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
async fn a_known_key_is_no_session_in_whatever_form_it_hides_beside_one() {
    use base64::Engine as _;
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let encoded = base64::engine::general_purpose::STANDARD.encode("secret-of-ann-1234567890");
    let basic = base64::engine::general_purpose::STANDARD.encode("secret-of-ann-1234567890:");
    for (name, value) in [
        ("cookie", "sid=%73ecret-of-ann-1234567890".to_owned()),
        ("cookie", "sid=\"\\163ecret-of-ann-1234567890\"".to_owned()),
        ("cookie", "sid=x; token=Bearer secret-of-ann-1234567890".to_owned()),
        ("cookie", "sid=x; secret-of-ann-1234567890".to_owned()),
        ("cookie", format!("sid={encoded}")),
        ("x-made-up", format!("Basic {basic}")),
        ("x-made-up", "a=b;token=secret-of-ann-1234567890".to_owned()),
        ("x-proxy-user", encoded.clone()),
    ] {
        let call = house.request("POST", "/v1/keys").header("cookie", "sid=made-up").header(name, &value);
        let answer = house.send(call.header("prefer", "wait=0"), "{}").await;
        let is_judged = matches!(answer.refusal(), Some(Refusal::StepUp | Refusal::TooManyQuestions));
        assert!(is_judged, "{name}: {value}: {}", answer.status);
    }
    for target in [
        "/v1/things/secret-of-ann-1234567890",
        "/v1/things/key=secret-of-ann-1234567890",
        "/v1/things/7?x=token:secret-of-ann-1234567890",
        "/v1/things/7?secret-of-ann-1234567890",
    ] {
        let call = house.request("DELETE", target).header("cookie", "sid=made-up").header("prefer", "wait=0");
        let answer = house.send(call, "").await;
        let is_judged = matches!(answer.refusal(), Some(Refusal::StepUp | Refusal::TooManyQuestions));
        assert!(is_judged, "{target}: {}", answer.status);
    }
    for target in ["/v1/things?api[key=new-key", "/v1/things?api.key=new-key", "/v1/things?[api_key]=new-key"] {
        let call = house.request("GET", target).header("cookie", "sid=made-up");
        house.send(call, "").await;
        assert_eq!(house.last_call().await.0.who, Who::Unknown, "{target}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_an_ordinary_word_does_not_make_honest_calls_fail() {
    let house = House::enforcing().await;
    house.adopt("administrator").await;
    house.adopt("secret-of-ann-1234567890").await;
    let call = |target: &str| {
        house
            .request("GET", target)
            .header("authorization", "Bearer secret-of-ann-1234567890")
            .header("x-role", "administrator")
    };
    for target in ["/v1/things?q=administrator", "/v1/things/administrator", "/v1/things?q=the+administrator"] {
        assert_eq!(house.send(call(target), "").await.status, StatusCode::OK, "{target}");
    }
    let session = house.request("POST", "/v1/keys?q=administrator").header("cookie", "sid=x; theme=administrator-blue");
    assert_eq!(house.send(session, "{}").await.status, StatusCode::CREATED);
    // What a call is about may be a key, too: whose call it is, is plain.
    house.adopt("another-of-ann-1234567890").await;
    assert_eq!(house.send(call("/v1/things/another-of-ann-1234567890"), "").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_credentials_that_disagree_are_refused() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    house.adopt("another-of-ann-1234567890").await;
    for other in ["another-of-ann-1234567890", "an-unknown-key-1234567890"] {
        let request = house
            .request("GET", "/v1/things")
            .header("authorization", "Bearer secret-of-ann-1234567890")
            .header("x-api-key", other);
        assert_eq!(house.send(request, "").await.refusal(), Some(Refusal::TwoCredentials), "{other}");
    }
    let same = house
        .request("GET", "/v1/things")
        .header("authorization", "Bearer secret-of-ann-1234567890")
        .header("x-api-key", "secret-of-ann-1234567890");
    assert_eq!(house.send(same, "").await.status, StatusCode::OK);
    let basic =
        house.request("GET", "/v1/things").header("authorization", "Basic c2VjcmV0LW9mLWFubi0xMjM0NTY3ODkwOg==");
    assert_eq!(house.send(basic, "").await.status, StatusCode::OK, "the key as user of Basic");
    assert_eq!(house.last_call().await.0.who, Who::Key);
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
async fn where_too_much_is_asked_the_answer_says_when_there_is_room() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let ask = |number: usize| {
        let call = house.request("POST", &format!("/v1/keys?n={number}"));
        call.header("authorization", "Bearer secret-of-ann-1234567890").header("prefer", "wait=0")
    };
    let mut questions = 0;
    let full = loop {
        let answer = house.send(ask(questions), "{}").await;
        if answer.refusal() != Some(Refusal::StepUp) {
            break answer;
        }
        questions += 1;
    };
    assert_eq!((full.refusal(), questions), (Some(Refusal::TooManyQuestions), 4));
    let first = house.authority.view(|state| state.questions().map(|asked| asked.question.until).min().unwrap());
    let room: jiff::Timestamp = full.body["until"].as_str().unwrap().parse().unwrap();
    assert_eq!(room.as_second(), first.as_second(), "when the first of them lapses");
    let wait: i64 = full.header("retry-after").unwrap().parse().unwrap();
    assert!(jiff::Timestamp::now().as_second() + wait >= first.as_second(), "{wait}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_spelling_gets_past() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    for spelling in [
        "/v1/keys/",
        "/v1//keys",
        "//v1/keys",
        "/v1/./keys",
        "/v1/things/../keys",
        "/v1/%6beys",
        "/v1/key%73",
        "/v1%2Fkeys",
        "/v1/keys;x=1",
        "/V1/KEYS",
        "/v1/keys%00",
        "/v1/keys%20",
        "/v1\\keys",
        "/v1/%256beys",
        "/v1/things%2f..%2fkeys",
        "/v1/keys?_method=GET",
        "/v1/keys#x",
        "/v1/keys%3F",
        "/v1/keys%23",
    ] {
        let request = house
            .request("POST", spelling)
            .header("authorization", "Bearer secret-of-ann-1234567890")
            .header("prefer", "wait=0");
        let Some(request) = request.body("{}") else { continue };
        let answer = house.send_built(request).await;
        assert_ne!(answer.status, StatusCode::CREATED, "{spelling}");
    }
    assert_eq!(house.upstream.seen().await.len(), 0);
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
async fn two_keys_in_one_basic_header_are_two_credentials() {
    let house = House::enforcing().await;
    house.adopt_for("key-a-of-ann-0123456789abcdef", "ann").await;
    house.adopt_for("key-b-of-bob-fedcba9876543210", "bob").await;
    let basic = |both: &str| {
        use base64::Engine as _;
        let both = base64::engine::general_purpose::STANDARD.encode(both);
        house.request("POST", "/v1/keys").header("authorization", &format!("Basic {both}")).header("prefer", "wait=0")
    };
    for both in [
        "key-a-of-ann-0123456789abcdef:key-b-of-bob-fedcba9876543210",
        "key-a-of-ann-0123456789abcdef:an-unknown-key-9f86d081884c7d65",
    ] {
        assert_eq!(house.send(basic(both), "{}").await.refusal(), Some(Refusal::TwoCredentials), "{both}");
    }
    assert_eq!(house.send(basic("key-a-of-ann-0123456789abcdef:"), "{}").await.refusal(), Some(Refusal::StepUp));
    assert_eq!(house.upstream.seen().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preflight_carries_neither_credential_nor_body() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let preflight = || {
        house
            .request("OPTIONS", "/v1/things/7")
            .header("origin", "https://x")
            .header("access-control-request-method", "DELETE")
    };
    assert_eq!(house.send(preflight(), "").await.status, StatusCode::UNAUTHORIZED, "the upstream answers it");
    assert_eq!(house.upstream.count("OPTIONS", "/v1/things/7").await, 1);
    assert_eq!(house.send(preflight(), "{}").await.refusal(), Some(Refusal::NoCredential));
    let with_key = preflight().header("authorization", "Bearer secret-of-ann-1234567890").header("prefer", "wait=0");
    assert_eq!(house.send(with_key, "").await.refusal(), Some(Refusal::StepUp));
    assert_eq!(house.upstream.count("OPTIONS", "/v1/things/7").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_cannot_name_another_method() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let form = |kind: &str| {
        house
            .request("POST", "/v1/things/7")
            .header("authorization", "Bearer secret-of-ann-1234567890")
            .header("content-type", kind)
    };
    let urlencoded = "application/x-www-form-urlencoded";
    let multipart = "multipart/form-data; boundary=x";
    for (kind, body) in [
        (urlencoded, "_method=DELETE"),
        (urlencoded, "a=b&%5Fmethod=DELETE"),
        (urlencoded, "_METHOD=delete"),
        (multipart, "--x\r\ncontent-disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--x--\r\n"),
        (multipart, "--x\r\ncontent-disposition: form-data; name=_method\r\n\r\nDELETE\r\n--x--\r\n"),
    ] {
        assert_eq!(house.send(form(kind), body).await.refusal(), Some(Refusal::MethodOverride), "{body}");
    }
    for (kind, body) in [
        ("application/x-www-form-urlencoded x", "_method=DELETE"),
        ("application/made-up", "_method=DELETE"),
        ("text/json", r#"{"_method":"DELETE"}"#),
        ("application/json", r#"{"\u005fmethod":"DELETE"}"#),
        (multipart, "--x\r\ncontent-disposition: form-data; name*0=_me; name*1=thod\r\n\r\nDELETE\r\n--x--\r\n"),
    ] {
        assert_eq!(house.send(form(kind), body).await.refusal(), Some(Refusal::MethodOverride), "{kind} {body}");
    }
    let impatient = |kind: &str| form(kind).header("prefer", "wait=0");
    let long = format!(r#"{{"x":"{}","_method":"DELETE"}}"#, "x".repeat(1 << 20));
    let answer = house.send(impatient("application/json"), &long).await;
    assert_eq!(answer.refusal(), Some(Refusal::TooLargeToHold), "what it could be would have to be asked");
    let compressed = impatient("application/json").header("content-encoding", "gzip");
    assert_eq!(house.send(compressed, "x").await.refusal(), Some(Refusal::StepUp), "what nobody can read as well");
    let twice = form(urlencoded).header("content-type", "text/plain");
    assert_eq!(house.send(twice, "a=b").await.refusal(), Some(Refusal::BadHeader));
    assert_eq!(house.upstream.seen().await.len(), 0);
    assert_eq!(house.send(form(urlencoded), "name=x&method=fast").await.status, StatusCode::OK);
    assert_eq!(house.send(form("application/json"), r#"{"method":"fast"}"#).await.status, StatusCode::OK);
    assert_eq!(house.send(form("image/png"), "x").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_cannot_name_a_method_that_nobody_described() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    // Nothing but POST is described there.
    let form = |kind: &str| {
        house
            .request("POST", "/v1/notes")
            .header("authorization", "Bearer secret-of-ann-1234567890")
            .header("content-type", kind)
    };
    let (urlencoded, multipart) = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x");
    let part = "--x\r\ncontent-disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--x--\r\n";
    for (kind, body) in [(urlencoded, "text=x&_method=DELETE"), (multipart, part)] {
        assert_eq!(house.send(form(kind), body).await.refusal(), Some(Refusal::MethodOverride), "{body}");
    }
    let long = "x".repeat(1 << 20);
    let answer = house.send(form(urlencoded).header("prefer", "wait=0"), &format!("text={long}")).await;
    assert_eq!(answer.refusal(), Some(Refusal::TooLargeToHold), "what it could be would have to be asked");
    assert_eq!(house.upstream.seen().await.len(), 0);
    house.send(form(urlencoded), "text=x&method=fast").await;
    let upload = part.replace("_method", "file").replace("DELETE", &long);
    house.send(form(multipart), &upload).await;
    assert_eq!(house.upstream.seen().await.len(), 2, "nor is an upload held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encoded_slash_may_divide_the_path() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    for path in ["/v1/things/7%2Fwipe", "/v1/things/7%2fwipe"] {
        let read = house.request("GET", path).header("authorization", "Bearer secret-of-ann-1234567890");
        let answer = house.send(read.header("prefer", "wait=0"), "").await;
        assert_eq!(answer.refusal(), Some(Refusal::StepUp), "{path}");
    }
    assert_eq!(house.upstream.seen().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_a_careless_upstream_takes_for_a_literal_is_judged_as_both() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    for path in ["/v1/things/EXPORT", "/v1/things/export.json", "/v1/things/export%20", "/v1/things/export."] {
        let read = house.request("GET", path).header("authorization", "Bearer secret-of-ann-1234567890");
        let answer = house.send(read.header("prefer", "wait=0"), "").await;
        assert_eq!(answer.refusal(), Some(Refusal::StepUp), "{path}");
    }
    assert_eq!(house.get("/v1/things/Exports.json", "secret-of-ann-1234567890").await.status, StatusCode::OK);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_yes_is_for_these_cookies_and_this_protocol_only() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let call = |org: &str| {
        house
            .request("POST", "/v1/keys")
            .header("authorization", "Bearer secret-of-ann-1234567890")
            .header("cookie", &format!("org={org}"))
            .header("prefer", "wait=0")
    };
    house.send(call("test"), "").await;
    let question = house.question().await;
    let exhibit = house.authority.exhibit(question).await.unwrap().unwrap();
    assert!(exhibit.headers.iter().any(|(name, value)| name == "cookie" && value.starts_with("org")), "{exhibit:?}");
    house.approve(&[question]).await;
    assert_eq!(house.send(call("production"), "").await.refusal(), Some(Refusal::StepUp));
    let upgrade = call("test").header("connection", "upgrade").header("upgrade", "websocket");
    assert_eq!(house.send(upgrade, "").await.refusal(), Some(Refusal::StepUp));
    assert_eq!(house.send(call("test"), "").await.status, StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_shown_only_what_reaches_the_api() {
    let house = House::enforcing().await;
    house.lend_credential();
    house.adopt("secret-of-ann-1234567890").await;
    let scope = Scope { powers: Powers::EVERY, operations: Vec::new(), sources: Vec::new() };
    let (_, issued) = house.issue(scope, &[]).await;
    for (key, reaches) in
        [("secret-of-ann-1234567890", &["cookie", "host", "range", "x-dry-run"][..]), (&issued, &["x-dry-run"])]
    {
        let call = house.request_of("production.example", "DELETE", "/v1/things/a");
        let mut call = call.header("authorization", &format!("Bearer {key}"));
        for (name, value) in [
            ("x-dry-run", "no"),
            ("range", "bytes=0-1"),
            ("cookie", "org=1"),
            ("greave-dry-run", "true"),
            ("x-original-environment", "staging"),
            ("x-auth-request-note", "dry run only"),
            ("x-forwarded-host", "sandbox.example"),
        ] {
            call = call.header(name, value);
        }
        let held = house.start(call, "");
        let question = house.question().await;
        let exhibit = house.authority.exhibit(question).await.unwrap().unwrap();
        let mut shown: Vec<&str> = exhibit.headers.iter().map(|(name, _)| name.as_str()).collect();
        shown.sort_unstable();
        assert_eq!(shown, reaches);
        if key == issued {
            held.abort();
            continue;
        }
        house.approve(&[question]).await;
        held.await.unwrap();
        let seen = house.upstream.last().await;
        for (name, value) in exhibit.headers.iter().filter(|(name, _)| name != "cookie") {
            assert_eq!(seen.header(name), Some(&**value), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trailer_bears_no_credential_and_a_yes_is_for_these_trailers_only() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let call = |target: &str, who: &str, trailer: &str| {
        format!(
            "POST {target} HTTP/1.1\r\nhost: a\r\n{who}\r\nconnection: close\r\nprefer: wait=0\r\n\
             trailer: x-sum, account, x-api-key, x-team-token\r\ncontent-type: application/json\r\n\
             transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n{trailer}\r\n\r\n"
        )
    };
    let key = "authorization: Bearer secret-of-ann-1234567890";
    for (who, named) in [(key, Some("x-sum, account")), ("cookie: sid=ann", None)] {
        assert_eq!(house.say(&call("/v1/things/a", who, "x-api-key: another")).await, "HTTP/1.1 200 OK", "{who}");
        assert_eq!(house.upstream.last().await.header("trailer"), named, "{who}");
    }
    let asks = "HTTP/1.1 401 Unauthorized";
    assert_eq!(house.say(&call("/v1/keys", key, "account: test")).await, asks);
    let question = house.question().await;
    let exhibit = house.authority.exhibit(question).await.unwrap().unwrap();
    assert!(exhibit.headers.contains(&("trailer account".to_owned(), "test".to_owned())), "{exhibit:?}");
    house.approve(&[question]).await;
    assert_eq!(house.say(&call("/v1/keys", key, "account: production")).await, asks);
    assert_eq!(house.say(&call("/v1/keys", key, "account: test")).await, "HTTP/1.1 201 Created");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_known_key_is_seen_wherever_it_stands() {
    let house = House::enforcing().await;
    let long = format!("eyJ{}", "a".repeat(3000));
    house.adopt(&long).await;
    let call = house
        .request("POST", "/v1/keys")
        .header("cookie", "sid=made-up")
        .header("x-jwt", &long)
        .header("prefer", "wait=0");
    assert_eq!(house.send(call, "{}").await.refusal(), Some(Refusal::StepUp));
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_asked_where_the_guard_takes_a_second_person_and_there_is_none() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    let two = |power| match power {
        Power::Mint => "person + second-person".parse().unwrap(),
        _ => law::Law::default_guard(power),
    };
    let law = law::Law::same_for_all(two, law::Mode::Enforce);
    house.authority.load(&authority::Offer::of_law(law), jiff::Timestamp::now()).await.unwrap();
    let answer = house.post("/v1/keys", "secret-of-ann-1234567890", "{}").await;
    assert_eq!(answer.refusal(), Some(Refusal::NobodyCanAnswer));
    assert_eq!(house.newest_open(), None);
    assert!(answer.body["detail"].as_str().unwrap().starts_with("two people must say yes"), "{}", answer.body);
    assert!(answer.body["mend"].as_str().unwrap().contains("--deputy"), "{}", answer.body);
}
