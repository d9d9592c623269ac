//! Who comes in, and who does not.

use axum::body::Body;
use http::{Request, StatusCode, header};

use crate::support::{Browser, House, ORIGIN, Program, pass, send};

#[tokio::test]
async fn before_signing_in_nothing_shows() {
    let house = House::new().await;
    let key = house.key_of("ann", "secret").await;
    let ticket = house.asks(key, "bob-the-victim").await;
    let browser = Browser::new(&house.pages());
    let question = format!("/questions/{}", ticket.challenge);
    for path in ["/", &question, "/questions/c999", "/questions/x", "/law"] {
        let got = browser.get(path).await;
        assert_eq!(got.status, StatusCode::SEE_OTHER, "{path}");
        assert!(got.location().starts_with("/sign-in?to=/"), "{path}");
        assert_eq!(got.text, "");
    }
    for path in [format!("{question}/deny"), format!("{question}/not-me"), "/approve".into(), "/law/accept".into()] {
        let got = browser.post(&path, &[("q", "c1"), ("code", "123456")]).await;
        assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "/sign-in"), "{path}");
    }
    for path in ["/sign-in", "/nothing", "/enrol/x", "/.env", "/questions"] {
        let got = browser.get(path).await;
        for hidden in ["ann", "bob", "Law", "Observing", "DELETE", &ticket.challenge.to_string()] {
            assert!(!got.text.contains(hidden), "{path} shows {hidden}");
        }
    }
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_code_look_the_same() {
    let house = House::new().await;
    let mut browser = Browser::new(&house.pages());
    let wrong_code = browser.sign_in("ann", "000000").await;
    let wrong_name = browser.sign_in("nobody", "000000").await;
    assert_eq!((wrong_code.status, &wrong_code.text), (StatusCode::FORBIDDEN, &wrong_name.text));
    assert!(wrong_code.headers.get(header::SET_COOKIE).is_none());
    let used = house.ann.code();
    browser.sign_in("ann", &used).await;
    browser.cookie = None;
    assert_eq!(browser.sign_in("ann", &used).await.text, wrong_name.text, "a code serves once");
}

#[tokio::test]
async fn guessing_has_to_wait() {
    let house = House::new().await;
    let mut browser = Browser::new(&house.pages());
    for _ in 0..5 {
        assert_eq!(browser.sign_in("ann", "000000").await.status, StatusCode::FORBIDDEN);
    }
    let got = browser.sign_in("ann", "000000").await;
    assert_eq!(got.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(got.text.contains("try again in"));
    assert_eq!(browser.sign_in("bob", &house.bob.code_now()).await.status, StatusCode::SEE_OTHER, "others need not");
}

/// Somebody who guesses at ann's code, on the pages and at the admin API, from this connection
/// and with this header: what they are told.
async fn guesses(router: &axum::Router, peer: &str, forwarded: &str, code: &str) -> [StatusCode; 2] {
    let peer: std::net::SocketAddr = format!("{peer}:4711").parse().unwrap();
    let form = format!("name=ann&code={code}&to=/");
    let json = format!(r#"{{"name":"ann","code":"{code}"}}"#);
    let mut told = [StatusCode::OK; 2];
    let requests = [("/sign-in", "application/x-www-form-urlencoded", form), ("/v1/session", "application/json", json)];
    for (told, (path, kind, body)) in told.iter_mut().zip(requests) {
        let request = Request::builder().method("POST").uri(path).header("content-type", kind);
        let request = request.header("origin", ORIGIN).header("x-forwarded-for", forwarded);
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        *told = send(router, request).await.status;
    }
    told
}

#[tokio::test]
async fn a_proxy_before_the_desk_tells_who_guesses_where_it_is_trusted_and_nobody_else_does() {
    const WAIT: StatusCode = StatusCode::TOO_MANY_REQUESTS;
    let house = House::new().await;
    let router = house.pages().merge(house.admin(console::Door::Remote));
    for _ in 0..3 {
        guesses(&router, "10.0.0.1", "203.0.113.66", "000000").await;
    }
    assert_eq!(guesses(&router, "10.0.0.1", "203.0.113.66", "000000").await, [WAIT, WAIT], "who guesses waits");
    assert_eq!(guesses(&router, "10.0.0.1", "203.0.113.66, 10.0.0.9", "000000").await, [WAIT, WAIT], "behind two");
    assert_eq!(guesses(&router, "10.0.0.1", "192.0.2.7, 203.0.113.66", "000000").await, [WAIT, WAIT], "a claim");
    let code = house.ann.code_now();
    let others = guesses(&router, "10.0.0.1", "192.0.2.7", &code).await;
    assert_eq!(others[0], StatusCode::SEE_OTHER, "others do not");

    // Who is no trusted proxy may claim what they like: they are one source.
    for number in 0..3 {
        guesses(&router, "198.51.100.1", &format!("192.0.2.{number}"), "000000").await;
    }
    assert_eq!(guesses(&router, "198.51.100.1", "192.0.2.99", "000000").await, [WAIT, WAIT]);
}

#[tokio::test]
async fn a_session_is_never_taken_over_from_the_browser() {
    let house = House::new().await;
    let pages = house.pages();
    let mut victim = Browser::new(&pages);
    victim.cookie = Some("greave-desk=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned());
    let planted = victim.cookie.clone();
    victim.sign_in("ann", &house.ann.code()).await;
    assert_ne!(victim.cookie, planted);
    let mut thief = Browser::new(&pages);
    thief.cookie = planted;
    assert_eq!(thief.get("/").await.status, StatusCode::SEE_OTHER);

    // Signing in again ends the session that the browser had.
    let before = victim.cookie.clone();
    victim.sign_in("ann", &house.ann.code()).await;
    assert_eq!(victim.get("/").await.status, StatusCode::OK);
    thief.cookie = before;
    assert_eq!(thief.get("/").await.status, StatusCode::SEE_OTHER);

    // A neighbour who can set a second cookie gets nowhere, and nor does the person.
    thief.cookie = victim.cookie.map(|cookie| format!("{cookie}; greave-desk=planted"));
    assert_eq!(thief.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_session_ends() {
    let house = House::new().await;
    let pages = house.pages();
    let browser = Browser::of(&pages, &house.ann).await;
    pass(8 * 3600 - 1);
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
    pass(1);
    assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER, "it is too old");

    let browser = Browser::of(&pages, &house.ann).await;
    let page = browser.get("/").await;
    let got = browser.submit(&page, "/sign-out", &[]).await;
    assert!(got.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER, "they signed out");

    let bobs = Browser::of(&pages, &house.bob).await;
    let local = Program::new(house.admin(console::Door::Local));
    assert_eq!(local.call("POST", "/v1/holders/bob/left", "").await.status, StatusCode::OK);
    assert_eq!(bobs.get("/").await.status, StatusCode::SEE_OTHER, "they left");
}

#[tokio::test]
async fn who_enrols_anew_signs_in_anew() {
    let house = House::new().await;
    let pages = house.pages();
    let bobs = Browser::of(&pages, &house.bob).await;
    pass(5);
    let proof = house.desk.authority.prove("ann", &house.ann.code(), crate::support::now()).await.unwrap();
    let link = house.desk.authority.invite(house.bob.id, proof, crate::support::now()).await.unwrap();
    assert_eq!(bobs.get("/").await.status, StatusCode::OK);
    let seed = house.desk.authority.new_seed().unwrap();
    let code = seed.code(factor::totp::Step::at(crate::support::now()));
    house.desk.authority.enrol(&link, &seed, &code, crate::support::now()).await.unwrap();
    assert_eq!(bobs.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn forms_of_other_sites_do_nothing() {
    let house = House::new().await;
    let pages = house.pages();
    let key = house.key_of("ann", "secret").await;
    let ticket = house.asks(key, "bob").await;
    let mut browser = Browser::of(&pages, &house.ann).await;
    let page = browser.get("/").await;
    let deny = format!("/questions/{}/deny", ticket.challenge);
    let other = Browser::of(&pages, &house.bob).await;
    let others_form = other.get("/").await.field("form");
    let form = page.field("form");

    let foreign = [
        Some("https://evil.example"),
        Some("null"),
        Some("http://127.0.0.1:80810"),
        Some("http://localhost:8081"),
        None,
    ];
    for origin in foreign {
        browser.origin = origin.map(str::to_owned);
        let got = browser.post(&deny, &[("form", &form)]).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{origin:?}");
        let got = browser.post("/sign-in", &[("name", "bob"), ("code", &house.bob.code_now())]).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "nobody is signed in as another: {origin:?}");
        assert!(got.headers.get(header::SET_COOKIE).is_none());
    }
    browser.origin = Some(ORIGIN.to_owned());
    for token in ["", "AAAA", &others_form] {
        let got = browser.post(&deny, &[("form", token)]).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{token:?}");
    }
    // The browser says that it comes from elsewhere, whatever `Origin` says.
    for site in ["cross-site", "same-site", "none"] {
        let request = browser.request("POST", &deny).header(header::ORIGIN, ORIGIN).header("sec-fetch-site", site);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let got = send(&pages, request.body(Body::from(format!("form={form}"))).unwrap()).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{site}");
    }
    let page = browser.get("/").await;
    assert!(page.text.contains("DELETE /users/{name}"), "the question is still open");
    assert_eq!(browser.submit(&page, &deny, &[]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn whoever_follows_a_link_on_another_site_takes_one_step_here_first() {
    let house = House::new().await;
    let pages = house.pages();
    let request = |site: &str| {
        Request::builder().uri("/questions/c7").header("sec-fetch-site", site).body(Body::empty()).unwrap()
    };
    let got = send(&pages, request("cross-site")).await;
    assert_eq!((got.status, got.header("refresh")), (StatusCode::OK, "0; url=/questions/c7"));
    let got = send(&pages, request("same-origin")).await;
    assert_eq!(got.location(), "/sign-in?to=/questions/c7");
}

#[tokio::test]
async fn signing_in_leads_to_our_own_pages_only() {
    let house = House::new().await;
    let pages = house.pages();
    for (to, leads) in [
        ("/questions/c7", "/questions/c7"),
        ("/law", "/law"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/questions/c7/../../sign-out", "/"),
        ("/questions/c7\r\nset-cookie: x", "/"),
        ("", "/"),
    ] {
        let browser = Browser::new(&pages);
        let fields = [("name", "ann"), ("code", &house.ann.code()), ("to", to)];
        let got = browser.post("/sign-in", &fields).await;
        assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, leads), "{to:?}");
    }
    let got = Browser::new(&pages).get("/sign-in?to=//evil.example").await;
    assert_eq!(got.field("to"), "/");
}

#[tokio::test]
async fn over_tls_the_cookie_is_for_this_host_alone() {
    let house = House::with(crate::support::law("enforce"), "https://desk.example.org").await;
    let pages = house.pages();
    let mut browser = Browser::new(&pages);
    browser.origin = Some("https://desk.example.org".to_owned());
    let got = browser.sign_in("ann", &house.ann.code()).await;
    let cookie = got.header("set-cookie");
    assert!(cookie.starts_with("__Host-greave="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Max-Age=28800; Secure"), "{cookie}");
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
}
