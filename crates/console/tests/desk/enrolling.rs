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
    let page = browser.get(&link).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("<svg") && page.text.contains("otpauth://totp/Greave%20test:bob?secret="));
    let seed = seed_on(&page);

    let wrong = browser.post(&link, &[("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    assert!(wrong.text.contains("does not fit"));
    assert_eq!(seed_on(&wrong).expose(), seed.expose(), "a wrong code keeps the seed");
    assert_eq!(seed_on(&browser.get(&link).await).expose(), seed.expose(), "loading it again keeps the seed");
    let old = house.bob.code();
    assert_eq!(browser.sign_in("bob", &old).await.status, StatusCode::SEE_OTHER, "nothing has counted yet");
    browser.cookie = None;

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
    let browser = Browser::new(&house.pages());
    let seed = seed_on(&browser.get(&first).await);
    let second = link_for_bob(&house).await;
    assert_eq!(browser.get(&first).await.status, StatusCode::NOT_FOUND);
    assert_ne!(seed_on(&browser.get(&second).await).expose(), seed.expose());
    pass(24 * 3600);
    assert_eq!(browser.get(&second).await.status, StatusCode::NOT_FOUND, "it is too old");
}

#[tokio::test]
async fn another_site_cannot_enrol_with_a_link_that_it_learned() {
    let house = House::new().await;
    let link = link_for_bob(&house).await;
    let mut browser = Browser::new(&house.pages());
    let seed = seed_on(&browser.get(&link).await);
    browser.origin = Some("https://evil.example".to_owned());
    let got = browser.post(&link, &[("code", &seed.code(Step::at(now())))]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get(&link).await.status, StatusCode::OK);
}
