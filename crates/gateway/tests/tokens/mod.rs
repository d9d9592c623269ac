//! Tokens that expire, with real signatures: one key for each client.

mod signer;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use authority::{Authority, Command, Key, Warrant};
use factor::jwt::{KeySet, Rules, SecondFactor};
use gateway::{HostSent, Issuer, Issuers, KeyFile, Keys, Patience, Published, Schedule, TlsFiles, Upstream};
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::{body::Bytes, service::service_fn};
use hyper_util::rt::TokioIo;
use law::{Refusal, Verdict, Who};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use self::signer::{Signer, encoded, hs256, now};
use crate::house::{self, Answered, House};

const ISSUER: &str = "https://login.example";
const AUDIENCE: &str = "https://api.example";

fn rules() -> Rules {
    Rules {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        algorithms: vec!["ES256".parse().unwrap()],
        kind: None,
        identity: "client_id".parse().unwrap(),
        holder: Some("sub".parse().unwrap()),
        second_factor: None,
        leeway: jiff::SignedDuration::from_secs(30),
    }
}

fn set(signers: &[&Signer]) -> String {
    json!({"keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>()}).to_string()
}

fn login(signers: &[&Signer]) -> Issuer {
    let keys = Keys::given(KeySet::read(set(signers).as_bytes()).unwrap());
    Issuer { name: "login".to_owned(), rules: rules(), session: false, person_within: None, keys }
}

fn issuers(signer: &Signer) -> Issuers {
    Issuers::new(vec![login(&[signer])])
}

fn claims(number: u32) -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "client_id": "ci", "sub": "ann", "scope": "all",
        "iat": now(), "exp": now() + 3600, "jti": number.to_string(),
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims.as_object_mut().unwrap().insert(name.to_owned(), value);
    claims
}

/// A house that knows the client `ci` by the first of its tokens.
async fn knowing(signer: &Signer) -> (House, Arc<Key>) {
    let house = House::verifying(issuers(signer)).await;
    let first = signer.sign(&claims(1));
    house.upstream.accepts(&first, "ann");
    assert_eq!(house.get("/v1/things", &first).await.status, StatusCode::OK);
    let key = house.until(|house| house.only_key().filter(|key| key.holder().is_some())).await;
    (house, key)
}

impl House {
    fn only_key(&self) -> Option<Arc<Key>> {
        self.authority.view(|state| {
            assert!(state.keys().count() <= 1, "tokens of one client are one key");
            state.keys().next().cloned()
        })
    }

    async fn post_impatiently(&self, token: &str) -> Answered {
        let request = self
            .request("POST", "/v1/keys")
            .header("authorization", &format!("Bearer {token}"))
            .header("prefer", "wait=0");
        self.send(request, "{}").await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hourly_tokens_are_one_key_of_the_holder_that_they_name() {
    let signer = Signer::new("a");
    let (house, key) = knowing(&signer).await;
    assert_eq!(key.claim().unwrap().to_string(), "login client_id=ci");
    assert_eq!(key.holder(), Some(house.ann));
    assert_eq!(house.upstream.count("GET", "/v1/me").await, 0, "the token says whose it is: nobody is asked");
    for hour in 2..5 {
        let token = signer.sign(&claims(hour));
        house.upstream.accepts(&token, "ann");
        assert_eq!(house.get("/v1/things", &token).await.status, StatusCode::OK);
        assert_eq!(house.upstream.last().await.header("greave-key"), Some("k1"));
        assert!(house.recognised(&token).is_none(), "the token itself is no key");
    }
    let (call, _) = house.last_call().await;
    assert_eq!((call.who, call.key, call.verdict), (Who::Key, Some(key.id), Verdict::Permit));
    // Another client's is another key.
    let other = signer.sign(&with(claims(9), "client_id", json!("backup")));
    house.upstream.accepts(&other, "ann");
    assert_eq!(house.get("/v1/things", &other).await.status, StatusCode::OK);
    house.until(|house| house.authority.view(|state| (state.keys().count() == 2).then_some(()))).await;
    assert!(house.found().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_key_fails_on_the_next_request_with_every_token() {
    let signer = Signer::new("a");
    let (house, key) = knowing(&signer).await;
    let (known, new) = (signer.sign(&claims(2)), signer.sign(&claims(3)));
    house.upstream.accepts(&known, "ann");
    house.upstream.accepts(&new, "ann");
    assert_eq!(house.get("/v1/things", &known).await.status, StatusCode::OK);
    house.perform(&Command::DisableKey(key.id, "test".to_owned()), Warrant::Operator).await;
    assert_eq!(house.get("/v1/things", &known).await.refusal(), Some(Refusal::Disabled));
    assert_eq!(house.get("/v1/things", &new).await.refusal(), Some(Refusal::Disabled));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_yes_to_one_token_serves_the_retry_with_the_next_that_says_the_same() {
    let signer = Signer::new("a");
    let (house, _) = knowing(&signer).await;
    let (first, next) = (signer.sign(&claims(2)), signer.sign(&with(claims(3), "exp", json!(now() + 7200))));
    let wider = signer.sign(&with(claims(4), "scope", json!("all and more")));
    let of_bob = signer.sign(&with(claims(5), "sub", json!("bob")));
    for token in [&first, &next, &wider, &of_bob] {
        house.upstream.accepts(token, "ann");
    }
    assert_eq!(house.post_impatiently(&first).await.refusal(), Some(Refusal::StepUp));
    let question = house.question().await;
    let exhibit = house.authority.exhibit(question).await.unwrap().unwrap();
    assert!(!format!("{exhibit:?}").contains(&first));
    house.approve(&[question]).await;
    // What says something else is asked about on its own.
    for other in [&wider, &of_bob] {
        let told = house.post_impatiently(other).await;
        assert_eq!(told.refusal(), Some(Refusal::StepUp));
        assert_ne!(told.body["challenge_id"], question.to_string());
    }
    assert_eq!(house.upstream.count("POST", "/v1/keys").await, 0);
    assert_eq!(house.post_impatiently(&next).await.status, StatusCode::CREATED);
    assert_eq!(house.post_impatiently(&next).await.refusal(), Some(Refusal::StepUp), "a yes serves once");
    assert_eq!(house.upstream.count("POST", "/v1/keys").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_names_an_issuer_of_ours_and_does_not_verify_is_refused_and_found() {
    let (signer, other, thief) = (Signer::new("a"), Signer::new("b"), Signer::new("a"));
    let elsewhere = Issuer {
        name: "elsewhere".to_owned(),
        rules: Rules { issuer: "https://elsewhere.example".to_owned(), ..rules() },
        ..login(&[&other])
    };
    let house = House::verifying(Issuers::new(vec![login(&[&signer]), elsewhere])).await;
    let good = signer.sign(&claims(1));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let forged = [
        ("signed by a key of the thief's own", thief.sign(&claims(1)), "token-forged"),
        (
            "the same, which comes along",
            thief.sign_as(&json!({"alg": "ES256", "kid": "a", "jwk": thief.jwk()}), &claims(1)),
            "token-forged",
        ),
        ("the public key taken for a shared secret", hs256(&signer.point(), &claims(1)), "token-forged"),
        ("no signature", format!("{}.{}.", encoded(&json!({"alg": "none"})), encoded(&claims(1))), "token-forged"),
        (
            "another client in the same signature",
            format!("{header}.{}.{signature}", encoded(&with(claims(1), "client_id", json!("root")))),
            "token-forged",
        ),
        ("a second spelling of the signature", format!("{good}="), "token-forged"),
        ("another audience", signer.sign(&with(claims(1), "aud", json!("https://desk.example"))), "token-for-another"),
        ("another issuer's key", other.sign(&claims(1)), "token-of-unknown-key"),
        (
            "another issuer's name",
            signer.sign(&with(claims(1), "iss", json!("https://elsewhere.example"))),
            "token-of-unknown-key",
        ),
        ("nobody in it", signer.sign(&with(claims(1), "client_id", Value::Null)), "token-unusable"),
        ("no end", signer.sign(&with(claims(1), "exp", Value::Null)), "token-unusable"),
    ];
    let mut found = Vec::new();
    for (what, token, rule) in &forged {
        // An upstream that would take it makes no difference.
        house.upstream.accepts(token, "ann");
        let answer = house.get("/v1/things", token).await;
        assert_eq!(answer.refusal(), Some(Refusal::UnknownKey), "{what}");
        assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
        assert_eq!(house.get(&format!("/v1/things?api_key={token}"), token).await.refusal(), Some(Refusal::UnknownKey));
        found.push((*rule).to_owned());
    }
    // Once an hour for each rule.
    found.dedup();
    assert_eq!(house.found(), found);
    assert_eq!(house.upstream.seen().await.len(), 0);
    assert!(house.only_key().is_none());
    let (call, _) = house.last_call().await;
    assert_eq!((call.who, call.verdict), (Who::Unknown, Verdict::Refuse(Refusal::UnknownKey)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_forger_tokens_of_known_clients_pass_and_new_ones_wait() {
    let (signer, thief) = (Signer::new("a"), Signer::new("a"));
    let (house, _) = knowing(&signer).await;
    let first = signer.sign(&claims(1));
    house.upstream.accepts(&first, "ann");
    assert_eq!(house.get("/v1/things", &first).await.status, StatusCode::OK);
    // The count begins anew with each minute: all of this belongs into one.
    if now() % 60 > 40 {
        tokio::time::sleep(Duration::from_secs(60 - u64::try_from(now() % 60).unwrap())).await;
    }
    for _ in 0..60 {
        let answer = house.get("/v1/things", &thief.sign(&with(claims(2), "client_id", json!("nobody")))).await;
        assert!(matches!(answer.refusal(), Some(Refusal::UnknownKey | Refusal::TooManyGuesses)));
    }
    let get = async |token: &str| {
        house.upstream.accepts(token, "ann");
        house.get("/v1/things", token).await
    };
    assert_eq!(get(&first).await.status, StatusCode::OK, "it was verified before");
    assert_eq!(get(&signer.sign(&claims(3))).await.status, StatusCode::OK, "its client is known");
    let new = signer.sign(&with(claims(4), "client_id", json!("new")));
    assert_eq!(get(&new).await.refusal(), Some(Refusal::TooManyGuesses));
    // Where nobody expects a token, and beside a session, it is not taken for nothing: its key
    // may be one that is stopped.
    let hidden = house.request("GET", "/v1/things").header("cookie", "sid=made-up").header("x-odd", &new);
    assert_eq!(house.send(hidden, "").await.refusal(), Some(Refusal::TooManyGuesses));
    // Who forges the known client's tokens has only so many tries, too; what was verified passes.
    for _ in 0..20 {
        let answer = house.get("/v1/things", &thief.sign(&claims(5))).await;
        assert!(matches!(answer.refusal(), Some(Refusal::UnknownKey | Refusal::TooManyGuesses)));
    }
    assert_eq!(get(&signer.sign(&claims(6))).await.refusal(), Some(Refusal::TooManyGuesses));
    assert_eq!(get(&first).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_factor_that_the_token_speaks_of_opens_what_a_fresh_yes_would_where_it_counts() {
    let signer = Signer::new("a");
    let counting = |person_within| {
        let rule = SecondFactor { claim: "amr".parse().unwrap(), any: vec!["mfa".to_owned()] };
        let rules = Rules { second_factor: Some(rule), ..rules() };
        Issuers::new(vec![Issuer { rules, person_within, ..login(&[&signer]) }])
    };
    let (house, key) = knowing(&signer).await;
    let delete = async |claims: &Value| {
        let token = signer.sign(claims);
        house.upstream.accepts(&token, "ann");
        let request = house.request("DELETE", "/v1/things/1").header("prefer", "wait=0");
        house.send(request.header("authorization", &format!("Bearer {token}")), "").await
    };
    let is_asked = |answer: &Answered| matches!(answer.refusal(), Some(Refusal::StepUp | Refusal::TooManyQuestions));
    let signed_in = |ago: i64| with(with(claims(7), "amr", json!(["pwd", "mfa"])), "auth_time", json!(now() - ago));
    assert_eq!(delete(&signed_in(60)).await.refusal(), Some(Refusal::StepUp), "off where it is not configured");
    house.verify_others(counting(Some(law::Span::minutes(10))));
    assert_eq!(
        delete(&signed_in(60)).await.status,
        StatusCode::NOT_FOUND,
        "it reached the API, which knows nothing of it"
    );
    let (call, _) = house.last_call().await;
    assert!(call.factors.contains(law::Factor::Person) && call.approval.is_none());
    for (what, claims) in [
        ("longer ago than it counts", signed_in(11 * 60)),
        ("in the future", signed_in(-3600)),
        ("without a time", with(signed_in(60), "auth_time", Value::Null)),
        ("with a password alone", with(signed_in(60), "amr", json!(["pwd"]))),
    ] {
        assert!(is_asked(&delete(&claims).await), "{what}");
    }
    // Longer ago than the guard allows, although it still counts; and what needs a yes of its own.
    house.verify_others(counting(Some(law::Span::hours(1))));
    assert!(is_asked(&delete(&signed_in(16 * 60)).await));
    let token = signer.sign(&signed_in(60));
    house.upstream.accepts(&token, "ann");
    assert!(is_asked(&house.post_impatiently(&token).await));
    let forged = Signer::new("a").sign(&signed_in(60));
    assert_eq!(house.post_impatiently(&forged).await.refusal(), Some(Refusal::UnknownKey));
    assert_eq!(house.only_key().map(|only| only.id), Some(key.id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_has_expired_says_so_and_one_that_was_never_good_does_not() {
    let signer = Signer::new("a");
    let (house, _) = knowing(&signer).await;
    let expired = with(claims(2), "exp", json!(now() - 31));
    let answer = house.get("/v1/things", &signer.sign(&expired)).await;
    assert_eq!(answer.refusal(), Some(Refusal::TokenExpired));
    assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
    assert_eq!(house.get("/v1/things", &Signer::new("a").sign(&expired)).await.refusal(), Some(Refusal::UnknownKey));
    // Where anybody may call it is left behind.
    assert_eq!(house.get("/login", &signer.sign(&expired)).await.status, StatusCode::OK);
    assert_eq!(house.upstream.last().await.header("authorization"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_verified_and_is_no_key() {
    let (signer, people, shared) = (Signer::new("a"), Signer::new("p"), Signer::new("s"));
    let session = Issuer {
        name: "people".to_owned(),
        rules: Rules { audience: "https://desk.example".to_owned(), identity: "sub".parse().unwrap(), ..rules() },
        session: true,
        ..login(&[&people, &shared])
    };
    let house = House::verifying(Issuers::new(vec![session, login(&[&signer, &shared])])).await;
    let of_people = with(claims(1), "aud", json!("https://desk.example"));
    let token = people.sign(&of_people);
    house.upstream.accepts(&token, "ann");
    assert_eq!(
        house.post("/v1/keys", &token, "{}").await.status,
        StatusCode::CREATED,
        "a session passes as what it is"
    );
    assert_eq!(house.last_call().await.0.who, Who::Session);
    // A session excuses no key beside it, and a forged one is none.
    house.adopt("secret-of-ann-1234567890").await;
    let beside = house
        .request("GET", "/v1/things")
        .header("authorization", &format!("Bearer {token}"))
        .header("x-api-key", "secret-of-ann-1234567890");
    house.send(beside, "").await;
    assert_eq!(house.last_call().await.0.who, Who::Key);
    assert_eq!(house.post("/v1/keys", &signer.sign(&of_people), "{}").await.refusal(), Some(Refusal::UnknownKey));
    // A token that is meant for both is a key.
    let both = shared.sign(&with(claims(1), "aud", json!([AUDIENCE, "https://desk.example"])));
    house.upstream.accepts(&both, "ann");
    assert_ne!(house.post_impatiently(&both).await.status, StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_recognised_wherever_it_stands_and_others_are_keys_as_before() {
    let signer = Signer::new("a");
    let (house, _) = knowing(&signer).await;
    for (hour, place) in [(2, "x-api-key"), (3, "x-company-thing"), (4, "cookie")] {
        let token = signer.sign(&claims(hour));
        let value = if place == "cookie" { format!("sid={token}") } else { token };
        house.send(house.request("GET", "/v1/things").header(place, &value), "").await;
        assert_eq!(house.last_call().await.0.key.map(|key| key.to_string()).as_deref(), Some("k1"), "{place}");
    }
    let many: Vec<String> = (0..6).map(|hour| Signer::new("a").sign(&claims(hour))).collect();
    let busy = house.request("GET", "/v1/things").header("x-company-thing", &many.join(" "));
    assert_eq!(house.send(busy, "").await.refusal(), Some(Refusal::BadHeader));

    let of_nobody = Signer::new("z").sign(&with(claims(1), "iss", json!("https://nobody.example")));
    house.upstream.accepts(&of_nobody, "ann");
    assert_eq!(house.get("/v1/things", &of_nobody).await.status, StatusCode::OK);
    let key = house.until(|house| house.recognised(&of_nobody)).await;
    assert!(key.claim().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_was_a_key_by_itself_and_was_stopped_stays_stopped() {
    let signer = Signer::new("a");
    let house = House::enforcing().await;
    let token = signer.sign(&claims(1));
    let key = house.adopt(&token).await;
    house.perform(&Command::DisableKey(key, "test".to_owned()), Warrant::Operator).await;
    house.verify_others(issuers(&signer));
    assert_eq!(house.get("/v1/things", &token).await.refusal(), Some(Refusal::Disabled));
    let next = signer.sign(&claims(2));
    house.upstream.accepts(&next, "ann");
    assert_eq!(house.get("/v1/things", &next).await.status, StatusCode::OK, "the next one is the client's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_issuer_took_back_verifies_nothing_more() {
    let (old, new) = (Signer::new("a"), Signer::new("b"));
    let (house, _) = knowing(&old).await;
    let (before, after) = (old.sign(&claims(2)), new.sign(&claims(3)));
    house.upstream.accepts(&before, "ann");
    house.upstream.accepts(&after, "ann");
    assert_eq!(house.get("/v1/things", &before).await.status, StatusCode::OK);
    house.verify_others(issuers(&new));
    assert_eq!(house.get("/v1/things", &before).await.refusal(), Some(Refusal::UnknownKey));
    assert_eq!(house.get("/v1/things", &after).await.status, StatusCode::OK);
    assert_eq!(house.upstream.last().await.header("greave-key"), Some("k1"), "the key is the same");
}

/// An issuer's server that publishes what it is told to; nothing where that is empty.
struct Publisher {
    origin: String,
    text: Arc<std::sync::Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Publisher {
    async fn start(text: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let publisher = Self { origin, text: Arc::new(std::sync::Mutex::new(text)), asked: Arc::default() };
        let (text, asked) = (Arc::clone(&publisher.text), Arc::clone(&publisher.asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (text, asked) = (Arc::clone(&text), Arc::clone(&asked));
                let service = service_fn(move |_| {
                    asked.fetch_add(1, Ordering::Relaxed);
                    let text = text.lock().unwrap().clone();
                    let status = if text.is_empty() { 500 } else { 200 };
                    let answer = Response::builder().status(status).body(Full::new(Bytes::from(text)));
                    async move { answer }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        publisher
    }

    fn publish(&self, text: &str) {
        text.clone_into(&mut self.text.lock().unwrap());
    }

    fn issuers(&self, kept: KeyFile, every: Duration) -> Issuers {
        let origin = self.origin.parse().unwrap();
        let server = Upstream::new(origin, HostSent::Upstream, Patience::default(), TlsFiles::default()).unwrap();
        let schedule = Schedule { every, at_most_every: Duration::from_millis(1) };
        let published = Published { server, target: "/keys".to_owned(), schedule };
        Issuers::new(vec![Issuer { keys: Keys::fetched(published, Some(kept)), ..login(&[&Signer::new("none")]) }])
    }
}

/// Keeps keys in a folder, sealed by an authority of its own.
struct Keeper {
    folder: tempfile::TempDir,
    authority: Arc<Authority>,
}

impl Keeper {
    async fn new() -> Self {
        Self::with([2; 32]).await
    }

    async fn with(master: [u8; 32]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { authority: house::opened(folder.path(), master).await, folder }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("issuers/login.sealed")
    }

    fn kept(&self) -> KeyFile {
        KeyFile { path: self.file(), authority: Arc::clone(&self.authority) }
    }
}

const NEVER: Duration = Duration::from_secs(3600);

/// Sends until it passes: keys are fetched beside the requests.
async fn passes(house: &House, token: &str) {
    house.upstream.accepts(token, "ann");
    let sent = async {
        while house.get("/v1/things", token).await.status != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), sent).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_fetched_when_an_unknown_one_comes_and_a_failure_changes_nothing() {
    let (old, new, thief) = (Signer::new("a"), Signer::new("b"), Signer::new("c"));
    let publisher = Publisher::start(set(&[&old])).await;
    let keeper = Keeper::new().await;
    let house = House::verifying(publisher.issuers(keeper.kept(), NEVER)).await;
    passes(&house, &old.sign(&claims(1))).await;

    // The issuer changes its keys: the first token of the new one brings them.
    publisher.publish(&set(&[&new]));
    passes(&house, &new.sign(&claims(2))).await;
    assert_eq!(house.get("/v1/things", &old.sign(&claims(3))).await.refusal(), Some(Refusal::UnknownKey));

    // Nothing that the address says instead of keys opens anything, or closes what was good.
    for nonsense in ["", "not a key set", r#"{"keys":[]}"#] {
        publisher.publish(nonsense);
        let before = publisher.asked.load(Ordering::Relaxed);
        let forged = thief.sign(&claims(4));
        // The second question begins when the answer to the first has been looked at.
        while publisher.asked.load(Ordering::Relaxed) < before + 2 {
            let refused = house.get("/v1/things", &forged).await.refusal();
            assert!(matches!(refused, Some(Refusal::UnknownKey | Refusal::TooManyGuesses)), "{refused:?}");
        }
        let good = new.sign(&claims(5));
        house.upstream.accepts(&good, "ann");
        assert_eq!(house.get("/v1/things", &good).await.status, StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_good_keys_serve_a_start_without_the_network() {
    let signer = Signer::new("a");
    let publisher = Publisher::start(set(&[&signer])).await;
    let keeper = Keeper::new().await;
    let house = House::verifying(publisher.issuers(keeper.kept(), NEVER)).await;
    passes(&house, &signer.sign(&claims(1))).await;
    house.until(|_| keeper.file().is_file().then_some(())).await;

    publisher.publish("");
    let house = House::verifying(publisher.issuers(keeper.kept(), NEVER)).await;
    let token = signer.sign(&claims(2));
    house.upstream.accepts(&token, "ann");
    assert_eq!(house.get("/v1/things", &token).await.status, StatusCode::OK);

    // Kept too long ago or ahead of now, of another address, by nobody who has the master key, or
    // none at all: nothing passes.
    let address = format!("{}/keys", publisher.origin);
    let sealed = std::fs::read(keeper.file()).unwrap();
    let text = keeper.authority.open_file(&address, &sealed).unwrap();
    let kept: Value = serde_json::from_slice(&text).unwrap();
    let hour = jiff::SignedDuration::from_hours(1);
    let fetched = |at: jiff::Timestamp| with(kept.clone(), "fetched", json!(at.to_string())).to_string();
    let seal = |address: &str, text: &str| keeper.authority.seal_file(address, text.as_bytes()).unwrap();
    let now = jiff::Timestamp::now();
    let good = seal(&address, &fetched(now - hour * 167));
    for (kept, passes) in [
        (good.clone(), true),
        (seal(&address, &fetched(now - hour * 169)), false),
        (seal(&address, &fetched(now + hour)), false),
        (seal(&format!("{}/others", publisher.origin), &fetched(now)), false),
        (Keeper::with([9; 32]).await.authority.seal_file(&address, fetched(now).as_bytes()).unwrap(), false),
        (fetched(now).into_bytes(), false),
        (Vec::new(), false),
    ] {
        std::fs::write(keeper.file(), kept).unwrap();
        let house = House::verifying(publisher.issuers(keeper.kept(), NEVER)).await;
        house.upstream.accepts(&token, "ann");
        let answer = house.get("/v1/things", &token).await;
        if passes {
            assert_eq!(answer.status, StatusCode::OK);
        } else {
            assert_eq!(answer.refusal(), Some(Refusal::UnknownKey));
            assert_eq!(house.found(), ["issuer-without-keys"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_fetched_on_a_schedule_so_that_one_taken_back_is_no_good_soon() {
    let (old, new) = (Signer::new("a"), Signer::new("b"));
    let publisher = Publisher::start(set(&[&old, &new])).await;
    let keeper = Keeper::new().await;
    let house = House::verifying(publisher.issuers(keeper.kept(), Duration::from_millis(5))).await;
    let token = old.sign(&claims(1));
    passes(&house, &token).await;
    publisher.publish(&set(&[&new]));
    let refused = async { while house.get("/v1/things", &token).await.refusal() != Some(Refusal::UnknownKey) {} };
    tokio::time::timeout(Duration::from_secs(20), refused).await.unwrap();
}
