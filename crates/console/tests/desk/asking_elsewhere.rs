//! Administration over the network: nothing without a session, reading for administrators.

use axum::body::Body;
use console::Door;
use http::{Request, StatusCode};
use serde_json::json;

use crate::support::{Browser, House, ORIGIN, Program, pass, send};

const READS: [&str; 14] = [
    "/v1/health",
    "/v1/keys",
    "/v1/keys/k1",
    "/v1/holders",
    "/v1/questions",
    "/v1/questions/c1",
    "/v1/law",
    "/v1/guards/preview",
    "/v1/reach",
    "/v1/reach/k1",
    "/v1/explain?method=GET&path=/users",
    "/v1/calls",
    "/v1/ledger",
    "/v1/ledger/verify",
];

#[tokio::test]
async fn without_a_session_there_is_nothing() {
    let house = House::new().await;
    let key = house.key_of("ann", "secret").await;
    house.asks(key, "one").await;
    let mut program = Program::new(house.admin(Door::Remote));
    let answer = program.get("/v1/keys").await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (StatusCode::UNAUTHORIZED, "Bearer"));
    for token in [None, Some(String::new()), Some("AAAA".to_owned()), Some("x".repeat(5000))] {
        program.token = token;
        for path in READS.into_iter().chain(["/v1/openapi.yaml", "/v1/nothing", "/v1/keys/k1/disable", "/v1/session/x"])
        {
            for method in ["GET", "POST", "PATCH", "DELETE", "OPTIONS", "HEAD"] {
                let got = program.call(method, path, "").await;
                assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{method} {path}");
                assert!(method == "HEAD" || got.text == answer.text, "{method} {path}");
            }
        }
    }
    let got = program.call("POST", "/v1/session", r#"{"name":"ann","code":"000000"}"#).await;
    assert_eq!((got.status, got.json()["code"].as_str()), (StatusCode::FORBIDDEN, Some("wrong-code")));
    let unknown = program.call("POST", "/v1/session", r#"{"name":"nobody","code":"000000"}"#).await;
    assert_eq!(got.text, unknown.text);
}

#[tokio::test]
async fn an_administrator_reads_and_gives_a_fresh_code_for_the_rest() {
    let house = House::new().await;
    let key = house.key_of("ann", "secret").await;
    let question = house.asks(key, "one").await.challenge;
    let program = Program::of(house.admin(Door::Remote), &house.ann).await;
    for path in READS {
        let got = program.get(path).await;
        assert_eq!(got.status, StatusCode::OK, "{path}: {}", got.text);
        assert_eq!(got.header("cache-control"), "no-store");
    }
    let invite = "/v1/holders/bob/invite";
    assert_eq!(program.call("POST", invite, "").await.json()["code"], "code-needed");
    let used = json!({"code": house.ann.code_now()}).to_string();
    assert_eq!(program.call("POST", invite, &used).await.json()["code"], "wrong-code", "it signed in before");
    let fresh = json!({"code": house.ann.code()}).to_string();
    assert_eq!(program.call("POST", invite, &fresh).await.status, StatusCode::OK);
    assert_eq!(program.call("POST", invite, &fresh).await.json()["code"], "wrong-code", "each time another");
    let approve = json!({"questions": [question], "code": house.ann.code()}).to_string();
    assert_eq!(program.call("POST", "/v1/approvals", &approve).await.status, StatusCode::OK);
    assert_eq!(program.call("DELETE", "/v1/session", "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(program.get("/v1/health").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_is_no_administrator_protects_their_own_and_reads_nothing() {
    let house = House::new().await;
    let (anns, bobs) = (house.key_of("ann", "one").await, house.key_of("bob", "two").await);
    let (of_ann, of_bob) = (house.asks(anns, "one").await.challenge, house.asks(bobs, "two").await.challenge);
    let program = Program::of(house.admin(Door::Remote), &house.bob).await;
    for path in READS {
        let got = program.get(path).await;
        assert_eq!(
            (got.status, got.json()["code"].as_str()),
            (StatusCode::FORBIDDEN, Some("not-administrator")),
            "{path}"
        );
    }
    for path in [
        format!("/v1/questions/{of_ann}/deny"),
        format!("/v1/questions/{of_ann}/not-me"),
        format!("/v1/keys/{anns}/disable"),
        "/v1/holders/ann/left".to_owned(),
    ] {
        let got = program.call("POST", &path, r#"{"why":"x"}"#).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{path}: {}", got.text);
    }
    let mint = json!({"code": house.bob.code()}).to_string();
    assert_eq!(program.call("POST", "/v1/holders/bob/invite", &mint).await.json()["code"], "not-administrator");
    assert_eq!(program.call("POST", &format!("/v1/questions/{of_bob}/deny"), "").await.status, StatusCode::OK);
    let got = program.call("POST", &format!("/v1/keys/{bobs}/disable"), r#"{"why":"lost"}"#).await;
    assert_eq!(got.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_lapses_and_guessing_has_to_wait() {
    let house = House::new().await;
    let program = Program::of(house.admin(Door::Remote), &house.ann).await;
    pass(8 * 3600);
    assert_eq!(program.get("/v1/health").await.status, StatusCode::UNAUTHORIZED);
    for _ in 0..5 {
        program.call("POST", "/v1/session", r#"{"name":"ann","code":"000000"}"#).await;
    }
    let got = program.call("POST", "/v1/session", r#"{"name":"ann","code":"000000"}"#).await;
    assert_eq!((got.status, got.header("retry-after").is_empty()), (StatusCode::TOO_MANY_REQUESTS, false));
    assert_eq!(got.json()["code"], "wait");
}

#[tokio::test]
async fn a_page_of_another_site_spends_nobodys_guesses() {
    let house = House::new().await;
    let admin = house.admin(Door::Remote);
    let from = |origin: &str, code: &str| {
        let request = Request::builder().method("POST").uri("/v1/session").header("content-type", "application/json");
        let body = format!(r#"{{"name":"ann","code":"{code}"}}"#);
        // As a name that leads to the desk sends it.
        request.header("host", "evil.example").header("origin", origin).body(Body::from(body)).unwrap()
    };
    for origin in ["http://evil.example", "null", "https://desk.example.evil"] {
        for _ in 0..3 {
            let got = send(&admin, from(origin, "000000")).await;
            assert_eq!((got.status, got.json()["code"].as_str()), (StatusCode::FORBIDDEN, Some("foreign-page")));
        }
    }
    assert_eq!(send(&admin, from(ORIGIN, &house.ann.code_now())).await.status, StatusCode::OK, "and ann need not wait");
}

#[tokio::test]
async fn pages_and_api_share_a_listener_and_nothing_else() {
    let house = House::new().await;
    let both = house.pages().merge(house.admin(Door::Remote));
    let browser = Browser::of(&both, &house.ann).await;
    assert_eq!(browser.get("/v1/keys").await.status, StatusCode::UNAUTHORIZED, "a cookie is no token");
    let cookie = browser.cookie.clone().unwrap();
    let bearer = format!("Bearer {}", cookie.split_once('=').unwrap().1);
    let request = Request::builder().uri("/v1/keys").header("authorization", bearer).body(Body::empty()).unwrap();
    assert_eq!(send(&both, request).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/nothing").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get("/v1/nothing").await.status, StatusCode::UNAUTHORIZED);
    let program = Program::of(both.clone(), &house.ann).await;
    assert_eq!(program.get("/v1/keys").await.status, StatusCode::OK);
    let token = program.token.unwrap();
    let request =
        Request::builder().uri("/").header("cookie", format!("greave-desk={token}")).body(Body::empty()).unwrap();
    assert_eq!(send(&both, request).await.status, StatusCode::SEE_OTHER, "a token is no cookie");
}
