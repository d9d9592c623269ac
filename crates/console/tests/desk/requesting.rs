//! People ask for keys, say yes to others', and collect their own.

use authority::{Command, RequestRules, Warrant};
use console::{IssuedSettings, Settings};
use http::StatusCode;
use law::HolderKind;

use crate::support::{Browser, House, describe, now};

/// A house that issues keys, with a program that Bob answers for.
async fn issuing() -> House {
    let house = House::new().await;
    let settings = Settings {
        issued: Some(IssuedSettings { form: "gk".parse().unwrap() }),
        requests: RequestRules::default(),
        ..Settings::clone(&house.desk.settings.load())
    };
    house.desk.settings.store(settings.into());
    let code = house.ann.code();
    let warrant = house.desk.authority.prove("ann", &code, now()).await.unwrap();
    let ci = authority::Description { kind: HolderKind::Workload, owner: Some(house.bob.id), ..describe("ci", false) };
    assert!(matches!(warrant, Warrant::Fresh(..)));
    house.desk.authority.perform(&Command::AddHolder(ci), warrant, now()).await.unwrap();
    house
}

#[tokio::test]
async fn a_key_is_asked_for_granted_by_another_and_shown_to_whoever_asked() {
    let house = issuing().await;
    let pages = house.pages();
    let (bob, ann) = (Browser::of(&pages, &house.bob).await, Browser::of(&pages, &house.ann).await);
    let page = bob.get("/requests").await;
    assert!(page.text.contains("Ask for a key") && page.text.contains("No request waits for you"));
    let wish = [("holder", "ci"), ("power", "read"), ("power", "grant"), ("for", "30d"), ("reason", "<b>report</b>")];
    let nothing = [&wish[..], &[("operations", "GET /v9/nothing/*"), ("code", "000000")]].concat();
    let nothing = bob.submit(&page, "/requests", &nothing).await;
    assert!(
        nothing.status == StatusCode::UNPROCESSABLE_ENTITY && nothing.text.contains("names no operation"),
        "{}",
        nothing.text
    );
    let wrong = bob.submit(&page, "/requests", &[&wish[..], &[("code", "000000")]].concat()).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    let code = house.bob.code();
    let got = bob.submit(&page, "/requests", &[&wish[..], &[("code", code.as_str())]].concat()).await;
    assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "/requests"), "{}", got.text);
    assert!(bob.get("/requests").await.text.contains("You asked"));

    // Who asked sees no way to say yes, and finds none.
    let own = bob.get("/requests/r1").await;
    assert!(!own.text.contains("/requests/r1/grant") && own.text.contains("May say yes"));
    let yes =
        |code: &str| [("power", "read"), ("for", "7d"), ("code", code)].map(|(name, value)| (name, value.to_owned()));
    let fields = yes(&house.bob.code());
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let got = bob.submit(&own, "/requests/r1/grant", &fields).await;
    assert!(got.status == StatusCode::FORBIDDEN && got.text.contains("somebody else must say yes"), "{}", got.text);

    let card = ann.get("/requests/r1").await;
    for shown in [
        "A key for",
        "&#60;b&#62;report",
        "changes who may do what",
        "ask for a second factor",
        "There is no key like it",
    ] {
        assert!(card.text.contains(shown), "{shown}: {}", card.text);
    }
    let fields = yes(&house.ann.code());
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let got = ann.submit(&card, "/requests/r1/grant", &fields).await;
    assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "/requests"), "{}", got.text);
    assert!(!ann.get("/requests/r1").await.text.contains("/requests/r1/collect"), "it is not hers");

    let granted = bob.get("/requests/r1").await;
    assert!(granted.text.contains("read for 7d"));
    let code = house.bob.code();
    let collected = bob.submit(&granted, "/requests/r1/collect", &[("code", code.as_str())]).await;
    assert_eq!(collected.status, StatusCode::OK, "{}", collected.text);
    let secret = collected.text.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let key = house.desk.authority.recognise(&authority::SecretDigest::of(secret.as_bytes())).unwrap();
    assert_eq!(key.issued().unwrap().scope.powers.to_string(), "read");
    for page in [ann.get("/requests/r1").await, bob.get("/requests/r1").await] {
        assert!(!page.text.contains(&secret) && page.text.contains("collected"));
    }
}

#[tokio::test]
async fn a_request_is_nobody_elses_business_and_can_be_refused_without_a_code() {
    let house = issuing().await;
    let pages = house.pages();
    let (bob, ann) = (Browser::of(&pages, &house.bob).await, Browser::of(&pages, &house.ann).await);
    let page = ann.get("/requests").await;
    let code = house.ann.code();
    let wish = [("power", "read"), ("for", "1d"), ("reason", "mine"), ("code", code.as_str())];
    let got = ann.submit(&page, "/requests", &wish).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER, "{}", got.text);
    for path in ["/requests/r1", "/requests/r9", "/requests/x"] {
        assert_eq!(bob.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let page = bob.get("/requests").await;
    assert!(!page.text.contains("mine"));
    assert_eq!(bob.submit(&page, "/requests/r1/deny", &[("why", "no")]).await.status, StatusCode::NOT_FOUND);
    let page = ann.get("/requests/r1").await;
    assert_eq!(ann.submit(&page, "/requests/r1/deny", &[("why", "not needed")]).await.status, StatusCode::SEE_OTHER);
    assert!(ann.get("/requests/r1").await.text.contains("not needed"));
}
