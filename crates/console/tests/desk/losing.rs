//! A telephone is lost: its authenticator is stopped, on the desk and by the admin API.

use console::Door;
use http::StatusCode;
use serde_json::json;

use crate::support::{Browser, House, Program, pass};

#[tokio::test]
async fn a_person_stops_their_own_without_a_code_and_is_signed_out_everywhere() {
    let house = House::new().await;
    let pages = house.pages();
    let (bob, thief) = (Browser::of(&pages, &house.bob).await, Browser::of(&pages, &house.bob).await);
    let program = Program::of(house.admin(Door::Remote), &house.bob).await;
    let page = bob.get("/authenticators").await;
    assert!(page.text.contains("bob") && !page.text.contains("ann<"), "others' are no business of his: {}", page.text);
    let stop = format!("/authenticators/{}/stop", house.bob.id);
    let page = bob.get(&stop).await;
    assert!(page.text.contains("10 recovery codes"), "{}", page.text);
    let foreign = bob.post(&stop, &[]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN, "no form of ours");
    let got = bob.submit(&page, &stop, &[]).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    assert!(got.text.contains("Your authenticator is stopped") && !got.text.contains("Sign out"));
    for browser in [&bob, &thief] {
        assert_eq!(browser.get("/").await.location(), "/sign-in?to=/");
    }
    assert_eq!(program.call("POST", "/v1/questions/c1/deny", "").await.status, StatusCode::UNAUTHORIZED);
    let mut again = Browser::new(&pages);
    assert_eq!(again.sign_in("bob", &house.bob.code()).await.status, StatusCode::FORBIDDEN);
    pass(3600);
    assert_eq!(again.sign_in("bob", &house.bob.codes[0]).await.status, StatusCode::SEE_OTHER, "a recovery code serves");
    assert!(again.get("/authenticators").await.text.contains("9 recovery codes"));
}

#[tokio::test]
async fn an_administrator_stops_anybodys_and_nobody_else_does() {
    let house = House::new().await;
    let pages = house.pages();
    let (ann, bob) = (Browser::of(&pages, &house.ann).await, Browser::of(&pages, &house.bob).await);
    let (his, hers) =
        (format!("/authenticators/{}/stop", house.bob.id), format!("/authenticators/{}/stop", house.ann.id));
    assert_eq!(bob.get(&hers).await.status, StatusCode::NOT_FOUND);
    let own = bob.get(&his).await;
    assert_eq!(bob.submit(&own, &hers, &[]).await.status, StatusCode::NOT_FOUND);
    let page = ann.get(&his).await;
    let got = ann.submit(&page, &his, &[("recovery", "stop")]).await;
    assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "/authenticators"));
    let page = ann.get("/authenticators").await;
    assert!(page.text.contains("stopped at") && page.text.contains("0 recovery codes"), "{}", page.text);
    assert!(!page.text.contains(&his), "there is nothing left to stop");
    assert_eq!(bob.get("/").await.location(), "/sign-in?to=/");
    let page = ann.get(&hers).await;
    let got = ann.submit(&page, &hers, &[("recovery", "stop")]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert!(got.text.contains("the last administrator"), "{}", got.text);
    assert_eq!(ann.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_admin_api_stops_it_without_a_code_and_says_what_is_left() {
    let house = House::new().await;
    let local = Program::new(house.admin(Door::Local));
    let got = local.call("POST", "/v1/holders/bob/authenticator/stop", "").await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    let (disabled, left) = (&got.json()["authenticator_disabled"], &got.json()["recovery_codes"]);
    assert_eq!((disabled, left), (&json!(true), &json!(10)));
    assert!(got.json()["authenticator_stopped"].is_string());
    let body = json!({"recovery_codes": true}).to_string();
    let got = local.call("POST", "/v1/holders/bob/authenticator/stop", &body).await;
    assert_eq!((&got.json()["recovery_codes"], &got.json()["enrolled"]), (&json!(0), &json!(false)));
    let got = local.call("POST", "/v1/holders/ann/authenticator/stop", &body).await;
    assert_eq!((got.status, &got.json()["code"]), (StatusCode::CONFLICT, &json!("last-administrator")));
}
