//! Enrolling an authenticator by a one-time link.

use factor::totp::{Seed, Step};
use http::{StatusCode, header};

use crate::support::{Browser, Got, House, Program, now, pass};

/// A link for bob, and its path at the desk.
async fn link_for_bob(house: &House) -> String {
    let local = Program::new(house.admin(console::Door::Local));
    let body = serde_json::json!({"as": "ann", "code": house.ann.code()}).to_string();
    let got = local.call("POST", "/v1/holders/bob/invite", &body).await;
    let link = got.json()["link"].as_str().unwrap().to_owned();
    link.strip_prefix(crate::support::ORIGIN).unwrap().to_owned()
}

/// Begins with a link: what its page shows then.
async fn begin(browser: &mut Browser, link: &str) -> Got {
    let first = browser.get(link).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    assert!(!first.text.contains("otpauth") && !first.text.contains("class=\"seed\""), "a look begins nothing");
    let begun = browser.post(&format!("{link}/begin"), &[]).await;
    assert_eq!((begun.status, begun.location()), (StatusCode::SEE_OTHER, link), "{}", begun.text);
    let cookie = begun.header("set-cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Strict; Max-Age=3600"), "{cookie}");
    browser.cookie = Some(cookie.split(';').next().unwrap().to_owned());
    browser.get(link).await
}

fn seed_on(page: &Got) -> Seed {
    let (_, rest) = page.text.split_once("class=\"seed\">").unwrap();
    Seed::from_base32(rest.split_once('<').unwrap().0).unwrap()
}

#[tokio::test]
async fn a_link_enrols_once_and_only_with_a_right_code() {
    let house = House::new().await;
    let link = link_for_bob(&house).await;
    let pages = house.pages();
    let mut browser = Browser::new(&pages);
    let page = begin(&mut browser, &link).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("<svg") && page.text.contains("otpauth://totp/Greave%20test:bob?secret="));
    let seed = seed_on(&page);

    let wrong = browser.post(&link, &[("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    assert!(wrong.text.contains("does not fit"));
    assert_eq!(seed_on(&wrong).expose(), seed.expose(), "a wrong code keeps the seed");
    assert_eq!(seed_on(&browser.get(&link).await).expose(), seed.expose(), "loading it again keeps the seed");
    let old = house.bob.code();
    let began = browser.cookie.clone();
    assert_eq!(browser.sign_in("bob", &old).await.status, StatusCode::SEE_OTHER, "nothing has counted yet");
    browser.cookie = began;

    let done = browser.post(&link, &[("code", &seed.code(Step::at(now())))]).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let codes: Vec<&str> = done.text.split("<li><code>").skip(1).map(|rest| rest.split_once('<').unwrap().0).collect();
    assert_eq!(codes.len(), 10);
    assert!(done.headers.get(header::SET_COOKIE).is_none(), "whoever has the link is not signed in by it");

    let again = browser.get(&link).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert_eq!(again.text, browser.get("/enrol/never-was").await.text, "used and unknown links look the same");
    assert_eq!(browser.post(&link, &[("code", &seed.code(Step::at(now())))]).await.status, StatusCode::NOT_FOUND);

    assert_eq!(browser.sign_in("bob", &house.bob.code()).await.status, StatusCode::FORBIDDEN, "the old one is gone");
    pass(30);
    assert_eq!(browser.sign_in("bob", &seed.code(Step::at(now()))).await.status, StatusCode::SEE_OTHER);
    browser.cookie = None;
    assert_eq!(browser.sign_in("bob", codes[4]).await.status, StatusCode::SEE_OTHER, "recovery codes serve");
    browser.cookie = None;
    assert_eq!(browser.sign_in("bob", codes[4]).await.status, StatusCode::FORBIDDEN, "once");
}

#[tokio::test]
async fn every_link_has_its_own_seed_and_a_newer_one_replaces_it() {
    let house = House::new().await;
    let first = link_for_bob(&house).await;
    let mut browser = Browser::new(&house.pages());
    let seed = seed_on(&begin(&mut browser, &first).await);
    let second = link_for_bob(&house).await;
    assert_eq!(browser.get(&first).await.status, StatusCode::NOT_FOUND);
    assert_ne!(seed_on(&begin(&mut browser, &second).await).expose(), seed.expose());
    pass(24 * 3600);
    assert_eq!(browser.get(&second).await.status, StatusCode::NOT_FOUND, "it is too old");
}

#[tokio::test]
async fn another_site_cannot_enrol_with_a_link_that_it_learned() {
    let house = House::new().await;
    let link = link_for_bob(&house).await;
    let mut browser = Browser::new(&house.pages());
    let own = browser.origin.replace("https://evil.example".to_owned());
    assert_eq!(browser.post(&format!("{link}/begin"), &[]).await.status, StatusCode::FORBIDDEN);
    browser.origin = own;
    let seed = seed_on(&begin(&mut browser, &link).await);
    browser.origin = Some("https://evil.example".to_owned());
    let got = browser.post(&link, &[("code", &seed.code(Step::at(now())))]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get(&link).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_link_serves_the_browser_that_began_and_administrators_hear_of_another() {
    let house = House::new().await;
    let link = link_for_bob(&house).await;
    let pages = house.pages();
    let mut bobs = Browser::new(&pages);
    let seed = seed_on(&begin(&mut bobs, &link).await);
    let code = seed.code(Step::at(now()));

    let mut thief = Browser::new(&pages);
    thief.cookie = bobs.cookie.clone().map(|cookie| cookie.replace('=', "=x"));
    let mut changes = house.desk.authority.listen();
    for _ in 0..2 {
        for got in [
            thief.get(&link).await,
            thief.post(&format!("{link}/begin"), &[]).await,
            thief.post(&link, &[("code", &code)]).await,
        ] {
            assert_eq!(got.status, StatusCode::CONFLICT);
            assert!(got.text.contains("ask an administrator for a fresh one (greave holders invite NAME)"));
            assert!(!got.text.contains("otpauth") && got.headers.get(header::SET_COOKIE).is_none());
        }
        thief.cookie = None;
    }
    let told = changes.try_recv().unwrap();
    assert_eq!(told.change, authority::Change::EnrolmentContested { holder: house.bob.id });
    assert!(changes.try_recv().is_err(), "once");

    // From a mail, the strict cookie comes after one step on our own site.
    let from_mail = thief.request("GET", &link).header("sec-fetch-site", "cross-site");
    let got = crate::support::send(&pages, from_mail.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!((got.status, got.header("refresh")), (StatusCode::OK, format!("0; url={link}").as_str()));

    assert_eq!(bobs.post(&link, &[("code", &code)]).await.status, StatusCode::OK, "who began goes on");
}

#[tokio::test]
async fn of_two_who_finish_at_once_one_is_enrolled() {
    let house = House::new().await;
    let link = link_for_bob(&house).await;
    let mut browser = Browser::new(&house.pages());
    let code = seed_on(&begin(&mut browser, &link).await).code(Step::at(now()));
    let fields = [("code", code.as_str())];
    let (one, other) = tokio::join!(browser.post(&link, &fields), browser.post(&link, &fields));
    let enrolled = [&one, &other].into_iter().filter(|got| got.status == StatusCode::OK).count();
    assert_eq!(enrolled, 1, "{} {}", one.status, other.status);
}
