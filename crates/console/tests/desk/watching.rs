//! The page of the watch: what is contained and why, for administrators, and lifting it with a code.

use std::sync::Arc;

use console::{Desk, Guesses, api::GuessingView};
use http::StatusCode;
use jiff::SignedDuration;
use law::{Containment, KeyId, Powers, Step};

use crate::support::{Browser, House, home, now};

async fn contain(house: &House, key: KeyId, step: Step, reason: &str) {
    let containment = Containment {
        key,
        step,
        powers: if step <= Step::Freeze { Powers::SENSITIVE } else { Powers::EVERY },
        from: now(),
        until: now() + SignedDuration::from_hours(24),
        reason: reason.to_owned(),
        lift: format!("greave watch lift {key}"),
        with: None,
    };
    assert_eq!(house.desk.authority.contain(&[containment], now()).await.unwrap(), 1);
}

#[tokio::test]
async fn an_administrator_sees_what_is_contained_and_why_and_lifts_it_with_a_code() {
    let house = House::new().await;
    let (key, asked) = (house.key_of("ann", "secret").await, house.key_of("bob", "another").await);
    contain(&house, asked, Step::StepUp, "first-power: it used grant").await;
    let attack = "GET /orders from 203.0.113.66 with <script>alert(1)</script>\u{202e}; new-source: a new network";
    contain(&house, key, Step::Pin, attack).await;
    let pages = house.pages();
    let ann = Browser::of(&pages, &house.ann).await;
    let page = ann.get("/watch").await;
    assert_eq!(page.status, StatusCode::OK);
    for says in
        ["<strong>2</strong> keys are contained", "pin", "until 2026-11-25", "new-source: a new network", "⟨U+202E⟩"]
    {
        assert!(page.text.contains(says), "no `{says}` in {}", page.text);
    }
    assert!(!page.text.contains("<script") && !page.text.contains('\u{202e}'));
    let (strict, mild) =
        (page.text.find(&format!("/watch/{key}/lift")), page.text.find(&format!("/watch/{asked}/lift")));
    assert!(strict.is_some() && strict < mild, "the strictest stands first");
    assert!(ann.get("/").await.text.contains("contained keys: </span>2"), "every page says how many");

    let lift = format!("/watch/{key}/lift");
    let wrong = ann.submit(&page, &lift, &[("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    assert!(wrong.text.contains("role=\"alert\"") && wrong.text.contains(&lift), "and the page is still there");
    let got = ann.submit(&page, &lift, &[("code", &house.ann.code())]).await;
    assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "/watch"));
    let page = ann.get("/watch").await;
    assert!(page.text.contains(&format!("Key {key} is not contained any more")), "{}", page.text);
    assert!(page.text.contains("<strong>1</strong> key is contained") && !page.text.contains(&lift));
}

#[tokio::test]
async fn nobody_else_sees_it_or_lifts_there() {
    let house = House::new().await;
    let key = house.key_of("ann", "secret").await;
    contain(&house, key, Step::Freeze, "a test").await;
    let pages = house.pages();
    assert_eq!(Browser::new(&pages).get("/watch").await.status, StatusCode::SEE_OTHER, "who is not signed in signs in");
    let bob = Browser::of(&pages, &house.bob).await;
    let got = bob.get("/watch").await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
    let own = bob.get("/").await;
    assert!(!own.text.contains("href=\"/watch\"") && !own.text.contains("contained keys"));
    let lift = format!("/watch/{key}/lift");
    let got = bob.submit(&own, &lift, &[("code", &house.bob.code())]).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
    let ann = Browser::of(&pages, &house.ann).await;
    assert_eq!(ann.post(&lift, &[("code", &house.ann.code())]).await.status, StatusCode::FORBIDDEN, "no form of ours");
    assert_eq!(house.desk.authority.view(|state| state.contained(now()).count()), 1);
}

#[tokio::test]
async fn who_tries_credentials_stands_there_with_what_worked() {
    let house = House::new().await;
    let guesses = Guesses(Box::new(|now| {
        let block = GuessingView {
            block: "192.0.2.0/24".to_owned(),
            source: home(),
            credentials: 1234,
            calls: 5678,
            since: now,
            last: now,
            worked: vec![KeyId(7), KeyId(9)],
        };
        vec![block]
    }));
    let House { folder: _folder, desk, ann, .. } = house;
    let desk = Arc::new(Desk { guesses: Some(guesses), ..Arc::into_inner(desk).unwrap() });
    let page = Browser::of(&console::pages(desk), &ann).await.get("/watch").await;
    for says in ["192.0.2.0/24 tries credentials", "1234 different ones", "5678 calls", "k7, k9 worked from there"] {
        assert!(page.text.contains(says), "no `{says}` in {}", page.text);
    }
    assert!(page.text.contains("No key is contained."));
}
