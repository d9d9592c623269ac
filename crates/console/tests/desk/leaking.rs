//! Reports of leaked keys: by strangers, who learn nothing, and by GitHub under its signature.

use authority::{Change, Written};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use console::{Door, LeakDoors};
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
    let house = house(LeakDoors { found: true, github: Vec::new() }).await;
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
async fn reports_are_bounded_and_read_strictly() {
    let house = house(LeakDoors { found: true, github: Vec::new() }).await;
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
    let house = house(LeakDoors { found: false, github: vec![reporter] }).await;
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
