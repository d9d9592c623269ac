//! What the pages show, and what they never do.

use authority::Exhibit;
use http::StatusCode;
use law::{Cell, Factor, Mode, Power};

use crate::support::{Browser, Got, House, law, now, pass};

fn dressed(got: &Got, path: &str) {
    assert_eq!(
        got.header("content-security-policy"),
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        "{path}"
    );
    assert_eq!(got.header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(got.header("referrer-policy"), "same-origin", "{path}");
    let caching = if path == "/desk.css" { "max-age=300" } else { "no-store" };
    assert_eq!(got.header("cache-control"), caching, "{path}");
    let text = got.text.to_ascii_lowercase();
    for loose in ["<script", "<style", " style=", " onclick", " onload", "javascript:", "http-equiv", "<iframe"] {
        assert!(!text.contains(loose), "{path} has {loose}");
    }
}

#[tokio::test]
async fn every_page_is_dressed_and_runs_nothing() {
    let house = House::new().await;
    let key = house.key_of("ann", "secret").await;
    let question = format!("/questions/{}", house.asks(key, "one").await.challenge);
    let pages = house.pages();
    let nobody = Browser::new(&pages);
    let ann = Browser::of(&pages, &house.ann).await;
    for path in ["/", "/sign-in", "/desk.css", "/nothing", "/enrol/x", "/law", &question, "/approve"] {
        dressed(&nobody.get(path).await, path);
        dressed(&ann.get(path).await, path);
    }
    dressed(&ann.get(&format!("{question}/not-me")).await, "not-me");
    dressed(&nobody.post("/sign-in", &[("name", "x")]).await, "POST /sign-in");
    assert_eq!(ann.get("/approve").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ann.get("/nothing").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_strangers_wrote_is_only_text() {
    let house = House::new().await;
    let key = house.key_of("ann", "secret").await;
    let name = authority::Command::NameKey(key, Some("plain name".to_owned()), None);
    let proof = house.desk.authority.prove("ann", &house.ann.code(), now()).await.unwrap();
    house.desk.authority.perform(&name, proof, now()).await.unwrap();
    let attack = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&lt;\u{202e}gnp.exe\u{0}";
    let exhibit = Exhibit {
        method: format!("DELETE{attack}"),
        path: format!("/users/{attack}"),
        query: Some(format!("q={attack}")),
        headers: vec![(format!("x-{attack}"), attack.to_owned())],
        body: Some(format!("{attack}\n</pre></article><form action=/approve>\u{2066}")),
        body_bytes: 99_999,
        user_agent: Some(attack.to_owned()),
    };
    let ticket = house.asks_with(key, "x", Factor::Person.into(), &exhibit).await;
    let browser = Browser::of(&house.pages(), &house.ann).await;
    for path in ["/".to_owned(), format!("/questions/{}", ticket.challenge)] {
        let page = browser.get(&path).await;
        assert_eq!(page.text.matches("alert(1)").count(), 7, "every place shows it");
        for loose in ["<script", "<img", "</pre></article>", "\u{202e}", "\u{2066}", "\u{0}"] {
            assert!(!page.text.contains(loose), "{path} has {loose:?}");
        }
        assert!(page.text.contains("⟨U+202E⟩gnp.exe⟨U+0000⟩"));
        assert!(page.text.contains("may not be all of it"), "a body that was cut says so");
        assert!(page.text.contains("plain name"));
    }
    // The same in what a person types.
    let got =
        Browser::new(&house.pages()).post("/sign-in", &[("name", attack), ("code", attack), ("to", attack)]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert!(!got.text.contains("alert(1)"));
}

#[tokio::test]
async fn a_body_that_is_not_shown_is_told_of() {
    let house = House::new().await;
    let key = house.key_of("ann", "secret").await;
    let browser = Browser::of(&house.pages(), &house.ann).await;
    let binary = Exhibit { body: None, body_bytes: 123, ..Exhibit::default() };
    house.asks_with(key, "binary", Factor::Person.into(), &binary).await;
    assert!(browser.get("/").await.text.contains("a body of 123 bytes that cannot be shown"));
    let long = "a".repeat(80_000) + "the end";
    let exhibit = Exhibit { body_bytes: long.len() as u64, body: Some(long), ..Exhibit::default() };
    let ticket = house.asks_with(key, "long", Factor::Person.into(), &exhibit).await;
    let page = browser.get(&format!("/questions/{}", ticket.challenge)).await;
    assert!(page.text.contains("The body has 80007 bytes") && !page.text.contains("the end"));
}

#[tokio::test]
async fn observing_shows_red_wherever_people_look() {
    let house = House::with(law("observe until 2027-01-15"), crate::support::ORIGIN).await;
    let pages = house.pages();
    assert!(!Browser::new(&pages).get("/sign-in").await.text.contains("bserving"));
    let browser = Browser::of(&pages, &house.bob).await;
    for path in ["/", "/nothing", "/questions/c9"] {
        let page = browser.get(path).await;
        assert!(page.text.contains("Observing until 2027-01-15: nothing is asked."), "{path}");
    }
}

#[tokio::test]
async fn observing_in_part_names_its_powers() {
    let mut partly = law("enforce");
    let observe = Mode::ObserveUntil("2027-01-15".parse().unwrap());
    let cell = |power| Cell { guard: law::Law::default_guard(power), mode: observe };
    for power in [Power::Read, Power::Mint, Power::Run] {
        partly.person.set(power, cell(power));
        partly.workload.set(power, cell(power));
    }
    let house = House::with(partly, crate::support::ORIGIN).await;
    let page = Browser::of(&house.pages(), &house.ann).await.get("/").await;
    let told = "Observing: nothing is asked for run, mint of a person and run, mint of a workload until 2027-01-15.";
    assert!(page.text.contains(told), "{}", page.text);
    assert!(page.text.contains("class=\"band\""));
    pass(60 * 86_400);
    let page = Browser::of(&house.pages(), &house.ann).await.get("/").await;
    assert!(!page.text.contains("class=\"band\""), "its end has come");
}

#[tokio::test]
async fn a_weaker_law_waits_for_the_code_of_an_administrator() {
    let house = House::new().await;
    let weaker = law("observe until 2027-01-15");
    house.desk.authority.load_law(weaker.clone(), now()).await.unwrap();
    let pages = house.pages();
    let ann = Browser::of(&pages, &house.ann).await;
    assert!(ann.get("/").await.text.contains("A weaker law waits"));
    let page = ann.get("/law").await;
    assert!(page.text.contains("person grant") && page.text.contains("person; observe until 2027-01-15"));
    let digest = page.field("digest");
    let bob = Browser::of(&pages, &house.bob).await;
    let bobs = bob.get("/").await;
    assert!(!bobs.text.contains("weaker law"));
    let code = house.bob.code();
    let got = bob.submit(&bobs, "/law/accept", &[("digest", &digest), ("code", &code)]).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);

    for (digest, code) in [(digest.as_str(), "000000".to_owned()), (&"0".repeat(64), house.ann.code())] {
        let got = ann.submit(&page, "/law/accept", &[("digest", digest), ("code", &code)]).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(house.desk.authority.law().law, law("enforce"), "nothing has changed");
    let code = house.ann.code();
    let got = ann.submit(&page, "/law/accept", &[("digest", &digest), ("code", &code)]).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER);
    assert_eq!(house.desk.authority.law().law, weaker);
}
