//! Reports of leaked keys: by strangers, who learn nothing, and by GitHub under its signature.

use std::sync::{Arc, Mutex};

use authority::{Change, Command, Scope, Warrant, Written};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use console::{Alarm, Desk, Door, Leak, LeakDoors};
use factor::report::Reporter;
use http::{Request, StatusCode, header};
use law::{KeyId, Standing};
use serde_json::json;

use crate::support::{Got, House, Program, send};

const KEY: &str = "tk-9f86d081884c7d659a2feaa0c55ad015";

/// How a key on P-256 begins in DER.
const HEAD: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";

async fn house(doors: LeakDoors) -> House {
    let house = House::new().await;
    let settings = console::Settings { leaks: doors, ..(**house.desk.settings.load()).clone() };
    house.desk.settings.store(settings.into());
    house
}

/// What the gate hears beside what the desk does itself.
fn hearing(house: House) -> (House, Arc<Mutex<Vec<Leak>>>) {
    let heard = Arc::<Mutex<Vec<_>>>::default();
    let hears = Arc::clone(&heard);
    let alarm = Alarm(Box::new(move |leak, _| {
        hears.lock().unwrap().push(leak);
        Box::pin(std::future::ready(()))
    }));
    let House { folder, desk, ann, bob } = house;
    let desk = Arc::into_inner(desk).unwrap();
    (House { folder, desk: Arc::new(Desk { alarm: Some(alarm), ..desk }), ann, bob }, heard)
}

fn stands(house: &House, key: KeyId) -> Standing {
    house.desk.authority.view(|state| state.key(key).unwrap().standing)
}

async fn found(house: &House, program: &Program, credentials: &[&str]) -> Got {
    let got = program.call("POST", "/v1/leaks/found", &json!({"credentials": credentials}).to_string()).await;
    // What a report is about is looked at behind the answer.
    for _ in 0..credentials.len() * 4 + 200 {
        tokio::task::yield_now().await;
    }
    house.desk.authority.store().verify().await.unwrap();
    got
}

#[tokio::test]
async fn a_stranger_who_has_a_key_can_stop_it_and_learns_nothing() {
    let house = house(LeakDoors { found: true, ..LeakDoors::default() }).await;
    let (key, word) = (house.key_of("bob", KEY).await, house.key_of("bob", "administrator2024").await);
    let mut written = house.desk.authority.listen();
    let stranger = Program::new(house.admin(Door::Remote));

    let unknown = found(&house, &stranger, &["tk-00000aaaa1111bbbb2222cccc3333dddd"]).await;
    let guessed = found(&house, &stranger, &["administrator2024", "secret"]).await;
    assert_eq!((stands(&house, key), stands(&house, word)), (Standing::Active, Standing::Active));
    let known = found(&house, &stranger, &["nothing", KEY]).await;
    for got in [&unknown, &guessed, &known] {
        assert_eq!((got.status, got.text.as_str()), (StatusCode::ACCEPTED, ""));
        assert_eq!(got.headers, unknown.headers);
    }
    let change = tokio::time::timeout(std::time::Duration::from_secs(10), written.recv()).await.unwrap().unwrap();
    let Written { change: Change::KeyDisabled { key: stopped, why }, .. } = &*change else { panic!("{change:?}") };
    assert_eq!((*stopped, why.as_str()), (key, "it leaked: 0.0.0.0 found it and reported it"));
    assert_eq!((stands(&house, key), stands(&house, word)), (Standing::Disabled, Standing::Active));
}

#[tokio::test]
async fn a_reported_key_is_found_in_every_spelling_in_which_it_would_be_that_key() {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let house = house(LeakDoors { found: true, ..LeakDoors::default() }).await;
    let authority = &house.desk.authority;
    let key = house.key_of("bob", KEY).await;
    let plain = house.key_of("bob", "a-plain-name-of-2024-01").await;
    for (id, text) in [(key, KEY), (plain, "a-plain-name-of-2024-01")] {
        let folded = authority::Folded::of(text.as_bytes()).unwrap();
        let sighting = authority::Sighting {
            place: String::new(),
            source: crate::support::home(),
            parent: None,
            inherits: true,
            claim: None,
        };
        let known = authority::SecretDigest::of(text.as_bytes());
        let same = authority.adopt_spelled(&known, &[folded], &sighting, crate::support::now()).await.unwrap();
        assert_eq!(same.id, id);
    }
    let stranger = Program::new(house.admin(Door::Remote));
    let percent: String = KEY.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for spelled in [
        KEY.to_uppercase(),
        format!("Bearer {KEY}"),
        format!("authorization: token {}", KEY.to_uppercase()),
        format!("Basic {}", STANDARD.encode(format!("bob:{KEY}"))),
        URL_SAFE_NO_PAD.encode(KEY),
        percent,
        format!("https://api.example.com/?key={KEY}&x=1"),
    ] {
        found(&house, &stranger, &[&spelled]).await;
        for _ in 0..10_000 {
            if stands(&house, key) == Standing::Disabled {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(stands(&house, key), Standing::Disabled, "{spelled}");
        let proof = authority.prove("ann", &house.ann.code(), crate::support::now()).await;
        let enable = Command::EnableKey(key);
        authority.perform(&enable, proof.unwrap(), crate::support::now()).await.unwrap();
    }
    // Letter case alone makes no key of a word that somebody could guess.
    found(&house, &stranger, &["a-PlAiN-nAmE-oF-2024-01", "Bearer a-plain-name-of-2024-01"]).await;
    assert_eq!(stands(&house, plain), Standing::Active);
}

#[tokio::test]
async fn reports_are_bounded_and_read_strictly() {
    let house = house(LeakDoors { found: true, ..LeakDoors::default() }).await;
    let stranger = Program::new(house.admin(Door::Remote));
    let too_many = vec!["x"; 1001];
    for body in [json!({}), json!({"credentials": []}), json!({"credentials": [1]}), json!({"credentials": too_many})] {
        let got = stranger.call("POST", "/v1/leaks/found", &body.to_string()).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", got.text);
    }
    for _ in 4..60 {
        assert_eq!(found(&house, &stranger, &["nothing"]).await.status, StatusCode::ACCEPTED);
    }
    let got = found(&house, &stranger, &["nothing"]).await;
    assert_eq!(got.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(got.header("retry-after").parse::<u32>().unwrap() <= 3600);
}

#[tokio::test]
async fn what_lies_open_by_its_nature_is_told_and_goes_on_and_a_canary_is_told() {
    let (house, heard) = hearing(house(LeakDoors { found: true, ..LeakDoors::default() }).await);
    let authority = &house.desk.authority;
    let [mobile, search, key] = ["tk-11111aaaa1111bbbb2222cccc3333dddd", "tk-22222aaaa1111bbbb2222cccc3333dddd", KEY];
    let keys = [house.key_of("bob", mobile).await, house.key_of("bob", search).await, house.key_of("bob", key).await];
    let scope = Scope { powers: law::Power::Read.into(), operations: Vec::new(), sources: Vec::new() };
    authority.perform(&Command::NarrowKey(keys[1], scope), Warrant::Operator, crate::support::now()).await.unwrap();
    let settings = (**house.desk.settings.load()).clone();
    let leaks = LeakDoors { public: [keys[0]].into(), ..settings.leaks.clone() };
    let issued = Some(console::IssuedSettings { form: "gk_test".parse().unwrap() });
    house.desk.settings.store(console::Settings { leaks, issued, ..settings }.into());
    let proof = authority.prove("ann", &house.ann.code(), crate::support::now()).await.unwrap();
    let form = "gk_test".parse().unwrap();
    let laid = authority.issue_canary(&form, "wiki".to_owned(), house.ann.id, proof, crate::support::now()).await;
    let (canary, secret) = laid.unwrap();
    let secret = String::from_utf8(secret.expose().to_vec()).unwrap();
    let stranger = Program::new(house.admin(Door::Remote));
    found(&house, &stranger, &[mobile, search, KEY, &secret]).await;
    let all = async {
        while heard.lock().unwrap().len() < 4 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), all).await.unwrap();
    let standings = keys.map(|key| stands(&house, key));
    assert_eq!(standings, [Standing::Active, Standing::Active, Standing::Disabled]);
    let told = [Leak::Public(keys[0]), Leak::Public(keys[1]), Leak::Key(keys[2]), Leak::Canary(canary)];
    assert_eq!(*heard.lock().unwrap(), told);
    for (place, spelled) in
        [secret.to_uppercase(), format!("Bearer {secret}"), STANDARD.encode(&secret)].iter().enumerate()
    {
        found(&house, &stranger, &[spelled]).await;
        let again = async {
            while heard.lock().unwrap().len() < 5 + place {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), again).await.unwrap();
        assert_eq!(heard.lock().unwrap().last(), Some(&Leak::Canary(canary)), "{spelled}");
    }
}

#[tokio::test]
async fn nothing_is_read_of_a_report_before_it_is_counted() {
    /// A body that must not be asked for.
    struct Unread;
    impl axum::body::HttpBody for Unread {
        type Data = axum::body::Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
            panic!("it was read")
        }
    }
    let reporter = Reporter::new("one", &STANDARD.encode([STANDARD.decode(HEAD).unwrap(), vec![1; 64]].concat()));
    let house = house(LeakDoors { found: true, github: reporter.into_iter().collect(), ..LeakDoors::default() }).await;
    let admin = house.admin(Door::Remote);
    let post = async |path: &str, body: Body| {
        let request = Request::builder().method("POST").uri(path).header(header::CONTENT_TYPE, "application/json");
        send(&admin, request.body(body).unwrap()).await.status
    };
    for _ in 0..60 {
        // Of whose name nobody has, nothing is read either.
        assert_eq!(post("/v1/leaks/github", Body::new(Unread)).await, StatusCode::FORBIDDEN);
    }
    for path in ["/v1/leaks/found", "/v1/leaks/github"] {
        assert_eq!(post(path, Body::new(Unread)).await, StatusCode::TOO_MANY_REQUESTS);
    }
    crate::support::pass(3600);
    let long = Body::from(vec![b' '; (64 << 10) + 1]);
    assert_eq!(post("/v1/leaks/found", long).await, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn nobody_may_report_unless_it_is_switched_on() {
    let house = house(LeakDoors::default()).await;
    let key = house.key_of("bob", KEY).await;
    let stranger = Program::new(house.admin(Door::Remote));
    assert_eq!(found(&house, &stranger, &[KEY]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stranger.call("POST", "/v1/leaks/github", "[]").await.status, StatusCode::NOT_FOUND);
    for path in ["/v1/leaks", "/v1/leaks/look"] {
        assert_eq!(stranger.call("POST", path, "{}").await.status, StatusCode::UNAUTHORIZED);
    }
    // Bob is no administrator: which digests are of keys is not for him.
    let bob = Program::of(house.admin(Door::Remote), &house.bob).await;
    assert_eq!(bob.call("POST", "/v1/leaks/look", "{}").await.status, StatusCode::FORBIDDEN);
    assert_eq!(stands(&house, key), Standing::Active);
}

#[tokio::test]
async fn github_is_believed_under_its_signature_alone() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let thief = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let der = [STANDARD.decode(HEAD).unwrap(), point[1..].to_vec()].concat();
    let reporter = Reporter::new("one", &STANDARD.encode(der)).unwrap();
    let house = house(LeakDoors { github: vec![reporter], ..LeakDoors::default() }).await;
    let key = house.key_of("bob", KEY).await;
    let admin = house.admin(Door::Remote);
    let body = json!([
        {"token": KEY, "type": "company_key", "url": "https://example.com/x\u{1b}[2J", "source": "commit"},
        {"token": "tk-00000aaaa1111bbbb2222cccc3333dddd", "type": "company_key"},
    ])
    .to_string();
    let report = async |id: &str, by: &EcdsaKeyPair, signed: &str| {
        let signature = STANDARD.encode(by.sign(&SystemRandom::new(), signed.as_bytes()).unwrap());
        let request = Request::builder()
            .method("POST")
            .uri("/v1/leaks/github")
            .header(header::CONTENT_TYPE, "application/json")
            .header("Github-Public-Key-Identifier", id)
            .header("Github-Public-Key-Signature", signature);
        send(&admin, request.body(Body::from(body.clone())).unwrap()).await
    };
    for got in [report("one", &thief, &body).await, report("two", &pair, &body).await, report("one", &pair, "[]").await]
    {
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{}", got.text);
    }
    assert_eq!(stands(&house, key), Standing::Active);
    let got = report("one", &pair, &body).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    assert!(!got.text.contains(KEY));
    let labels: Vec<String> =
        got.json().as_array().unwrap().iter().map(|line| line["label"].as_str().unwrap().to_owned()).collect();
    assert_eq!(labels, ["true_positive", "false_positive"]);
    assert_eq!(got.json()[0]["token_hash"], authority::Digest::of(KEY.as_bytes()).to_string());
    assert_eq!(stands(&house, key), Standing::Disabled);
}
