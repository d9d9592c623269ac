//! Calls that wait for a person, and what becomes of them.

use authority::{Command, Scope, Warrant};
use http::StatusCode;
use law::{Factor, Power, Powers, Refusal, Standing, Verdict};
use tokio::io::AsyncWriteExt as _;

use crate::house::House;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_law_that_comes_between_the_decision_and_the_question_binds() {
    let house = House::enforcing().await;
    house.adopt("secret-of-ann-1234567890").await;
    // The body is read when the law has decided, and the question is asked when the body is there.
    let mut stream = house.drip("/v1/keys", "secret-of-ann-1234567890", 2).await;
    let before = house.authority.law().digest.clone();
    let two = |power| match power {
        Power::Mint => "person + second-person".parse().unwrap(),
        _ => law::Law::default_guard(power),
    };
    let law = law::Law::same_for_all(two, law::Mode::Enforce);
    house.authority.load(&authority::Offer::of_law(law), jiff::Timestamp::now()).await.unwrap();
    stream.write_all(b"{}").await.unwrap();
    // One person is asked, as the law of before had it, and says yes.
    let question = house.question().await;
    house.approve(&[question]).await;
    let (call, _) = house.last_call().await;
    assert_eq!(call.verdict, Verdict::Refuse(Refusal::NobodyCanAnswer));
    assert_ne!(call.law, before, "the record has the law that refused it");
    assert_eq!(house.upstream.count("POST", "/v1/keys").await, 0);
}
