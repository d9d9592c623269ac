//! A key that is written otherwise than it was made: APIs trim, decode and compare in many ways.

use authority::{Command, Warrant};
use base64::Engine as _;
use http::StatusCode;
use law::{Refusal, Who};

use crate::house::House;

const KEY: &str = "secret-of-ann-1234567890";
const UUID: &str = "9f3c1e7a-52d8-4b06-8a11-0c9e8b7a6354";

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_key_is_no_session_whatever_stands_around_it() {
    let house = House::enforcing().await;
    house.adopt(KEY).await;
    let around = |before: &[u8], after: &[u8]| [before, KEY.as_bytes(), after].concat();
    let mut values = vec![
        around(b"", b"\xa0"),
        around(b"\xa0", b""),
        around(b"", b"\x85"),
        around(b"Bearer ", b"\xa0"),
        around(b"", "\u{a0}".as_bytes()),
        around(b"v=1\xa0", "\u{200b}x".as_bytes()),
        around(b"", b"%C2%A0"),
        around(b"", b"%00"),
        around(b"", b"%0bx"),
        around(b"", b"%1c"),
        around(b"", b"%u00a0"),
        around(b"\\u00a0", b""),
        around(b"\"\\xa0", b"\""),
        around(b"https://", b"@api"),
        around(b"s:", b".c2lnbmF0dXJl"),
        around(b"", b".1700000000.c2lnbmF0dXJl"),
        KEY.to_uppercase().into_bytes(),
        KEY.replace('e', "é").into_bytes(),
        base64(&around(b"", b"\xa0")).into_bytes(),
        base64(&around(b"", b"\n")).into_bytes(),
        base64(base64(KEY.as_bytes()).as_bytes()).into_bytes(),
        base64(KEY.replace('s', "%73").as_bytes()).into_bytes(),
    ];
    values.push(KEY.replace('s', "\\u0073").into_bytes());
    for value in values {
        let call = house.request("POST", "/v1/keys").header("cookie", "sid=made-up").header_of_bytes("x-odd", &value);
        let value = String::from_utf8_lossy(&value);
        let answer = house.send(call.header("prefer", "wait=0"), "{}").await;
        let is_judged = matches!(answer.refusal(), Some(Refusal::StepUp | Refusal::TooManyQuestions));
        assert!(is_judged, "{value}: {}", answer.status);
    }
    for after in ["%C2%A0", "%00", "%E2%80%83", "%0b", "%1cx", "%EF%BB%BF"] {
        let call = house.request("DELETE", &format!("/v1/things/7?odd={KEY}{after}")).header("cookie", "sid=made-up");
        let answer = house.send(call.header("prefer", "wait=0"), "").await;
        let is_judged = matches!(answer.refusal(), Some(Refusal::StepUp | Refusal::TooManyQuestions));
        assert!(is_judged, "{after}: {}", answer.status);
    }
    assert!(house.found().contains(&"key-respelled".to_owned()));
    // Words of people, in whatever script, are none.
    for word in ["Zürich, Bahnhofstraße 21", "Ünïcödé-Ünïcödé-Ünïcödé 2026", "a\u{a0}b\u{a0}c1234567890"]
    {
        let call = house.request("POST", "/v1/keys").header("cookie", "sid=made-up; city=x");
        let answer = house.send(call.header_of_bytes("x-city", word.as_bytes()), "{}").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{word}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_key_is_stopped_however_it_is_spelled() {
    let house = House::enforcing().await;
    house.upstream.accepts(UUID, "ann");
    assert_eq!(house.get("/v1/things", UUID).await.status, StatusCode::OK);
    let key = house.recognised(UUID).unwrap().id;
    let spellings = [
        UUID.to_uppercase(),
        UUID.replace('-', ""),
        format!("{{{UUID}}}"),
        UUID.replace('a', "A"),
        format!("{UUID}="),
        format!("{UUID}=="),
    ];
    for spelling in &spellings {
        house.upstream.accepts(spelling, "ann");
        assert_eq!(house.get("/v1/things", spelling).await.status, StatusCode::OK, "{spelling}");
        assert_eq!(house.last_call().await.0.key, Some(key), "{spelling}");
        assert!(house.recognised(spelling).is_none(), "it is no other key");
    }
    house.perform(&Command::DisableKey(key, "stolen".to_owned()), Warrant::Operator).await;
    for spelling in &spellings {
        assert_eq!(house.get("/v1/things", spelling).await.refusal(), Some(Refusal::Disabled), "{spelling}");
    }
    let elsewhere = |name: &str, value: &[u8]| house.request("GET", "/v1/things").header_of_bytes(name, value);
    let around = |before: &[u8], after: &[u8]| [before, UUID.as_bytes(), after].concat();
    let basic = |text: &str| format!("Basic {}", base64(text.as_bytes())).into_bytes();
    for (name, value) in [
        ("x-api-key", around(b"\xa0", b"")),
        ("x-api-key", around(b"", b"\x85")),
        ("authorization", basic(&format!("{UUID} :"))),
        ("authorization", basic(&format!("x:{}", UUID.to_uppercase()))),
        ("authorization", basic(&UUID.replace('9', "%39"))),
        ("authorization", basic(&format!("{}:", UUID.replace('9', "%39")))),
    ] {
        let answer = house.send(elsewhere(name, &value), "").await;
        let refusal = answer.refusal();
        let is_refused = matches!(refusal, Some(Refusal::Disabled | Refusal::TwoCredentials | Refusal::BadHeader));
        assert!(is_refused, "{name}: {value:?}: {}", answer.status);
    }
    for after in ["%C2%A0", "%00x", "%0B", "%E2%80%8B"] {
        let answer = house.send(house.request("GET", &format!("/v1/things?api_key={UUID}{after}")), "").await;
        let refusal = answer.refusal();
        assert!(matches!(refusal, Some(Refusal::Disabled | Refusal::TwoCredentials)), "{after}: {}", answer.status);
    }
    assert!(house.found().contains(&"key-respelled".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_plain_words_differ_by_letter_case() {
    let house = House::enforcing().await;
    let (one, other) = (house.adopt("administrator").await, house.adopt("Administrator").await);
    assert_ne!(one, other);
    house.perform(&Command::DisableKey(one, "old".to_owned()), Warrant::Operator).await;
    assert_eq!(house.get("/v1/things", "Administrator").await.status, StatusCode::OK);
    let (call, _) = house.last_call().await;
    assert_eq!((call.who, call.key), (Who::Key, Some(other)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_of_a_stopped_pair_is_that_pair() {
    let house = House::enforcing().await;
    let call = |secret: &str, beside: Option<&str>| {
        let call = house.request("GET", "/v1/things").header("authorization", &format!("Bearer {secret}"));
        match beside {
            Some(beside) => call.header("x-app-id", beside),
            None => call,
        }
    };
    house.upstream.accepts(KEY, "ann");
    house.upstream.accepts(&KEY.to_uppercase(), "ann");
    house.send(call(KEY, Some("ann@example.com")), "").await;
    assert_eq!(house.send(call(KEY, Some("ann@example.com")), "").await.status, StatusCode::OK);
    let pair = house.last_call().await.0.key.unwrap();
    house.send(call(&KEY.to_uppercase(), Some("ANN@example.com")), "").await;
    assert_eq!(house.last_call().await.0.key, Some(pair), "an address minds no letter case");
    house.perform(&Command::DisableKey(pair, "stolen".to_owned()), Warrant::Operator).await;
    for beside in [None, Some(""), Some("bob@example.com"), Some("app")] {
        for secret in [KEY, &KEY.to_uppercase()] {
            let answer = house.send(call(secret, beside), "").await;
            assert_eq!(answer.refusal(), Some(Refusal::Disabled), "{beside:?}: {}", answer.status);
        }
    }
    // One secret of many, beside another one.
    let other = house.send(call(KEY, Some("app_5c9e8b7a63541d7f")), "").await;
    assert_eq!(other.status, StatusCode::OK);
    // Half of a pair that works is what the API takes it for.
    house.upstream.accepts("secret-of-bob-1234567890", "ann");
    house.send(call("secret-of-bob-1234567890", Some("bob@example.com")), "").await;
    assert_eq!(house.send(call("secret-of-bob-1234567890", None), "").await.status, StatusCode::OK);
    assert!(house.recognised("secret-of-bob-1234567890").is_some());
}
