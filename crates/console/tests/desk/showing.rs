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
    for path in ["/", "/sign-in", "/desk.css", "/nothing", "/enrol/x", "/law", "/watch", &question, "/approve"] {
        dressed(&nobody.get(path).await, path);
        dressed(&ann.get(path).await, path);
    }
    dressed(&ann.get(&format!("{question}/not-me")).await, "not-me");
    dressed(&nobody.post("/sign-in", &[("name", "x")]).await, "POST /sign-in");
    assert_eq!(ann.get("/approve").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ann.get("/nothing").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_else_a_yes_lets_pass_is_said_beside_the_question() {
    let house = House::new().await;
    let key = house.key_of("ann", "secret").await;
    let question = format!("/questions/{}", house.asks(key, "one").await.challenge);
    let got = Browser::of(&house.pages(), &house.ann).await.get(&question).await;
    let said = "A yes lets pass as well whatever this key asks from there and can do destroy for 15m, unasked.";
    assert!(got.text.contains(said), "{}", got.text);
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
        body_digest: None,
        user_agent: Some(attack.to_owned()),
    };
    let ticket = house.asks_with(key, "x", Factor::Person.into(), &exhibit).await;
    let browser = Browser::of(&house.pages(), &house.ann).await;
    let alone = format!("/questions/{}", ticket.challenge);
    for (path, places) in [("/".to_owned(), 7), (alone.clone(), 7), (format!("{alone}/body"), 4)] {
        let page = browser.get(&path).await;
        assert_eq!(page.text.matches("alert(1)").count(), places, "every place shows it: {path}");
        for loose in ["<script", "<img", "</pre></article>", "\u{202e}", "\u{2066}", "\u{0}"] {
            assert!(!page.text.contains(loose), "{path} has {loose:?}");
        }
        assert!(page.text.contains("⟨U+202E⟩gnp.exe⟨U+0000⟩"));
        assert!(page.text.contains("plain name") || places == 4);
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
}

#[tokio::test]
async fn a_long_body_shows_its_end_names_what_matters_between_and_can_be_read_whole() {
    let house = House::new().await;
    let key = house.key_of("bob", "secret").await;
    let filler = "- ".repeat(20_000);
    let body = format!("{{\"note\": \"{filler}\", \"isAdmin\": true, \"more\": \"{filler}\", \"last\": \"the end\"}}");
    let exhibit = Exhibit {
        body_bytes: body.len() as u64,
        body_digest: Some(authority::Digest::of(body.as_bytes())),
        body: Some(body.clone()),
        query: Some(format!("{}\"amount\" = \"9\"\n{}\"z\" = \"last\"\n", filler, filler)),
        ..Exhibit::default()
    };
    let ticket = house.asks_with(key, "long", Factor::Person.into(), &exhibit).await;
    let bobs = Browser::of(&house.pages(), &house.bob).await;
    let path = format!("/questions/{}", ticket.challenge);
    for page in [bobs.get("/").await, bobs.get(&path).await] {
        for shown in
            ["the end", "isAdmin", "amount", "= &#34;last&#34;", "letters between these two pieces are not shown"]
        {
            assert!(page.text.contains(shown), "{shown}: {}", page.text);
        }
        assert!(page.text.contains(&authority::Digest::of(body.as_bytes()).to_string()));
        assert!(page.text.contains(&format!("href=\"{path}/body\"")) && page.text.len() < 40_000);
    }
    let whole = bobs.get(&format!("{path}/body")).await;
    assert_eq!(whole.status, StatusCode::OK);
    assert!(whole.text.matches("- - -").count() > 10 && whole.text.contains("isAdmin"));
    assert!(whole.text.len() > 4 * filler.len());

    // It is nobody's business but theirs who could answer.
    let keys = house.key_of("ann", "other").await;
    let anns = house.asks(keys, "hers").await;
    let got = bobs.get(&format!("/questions/{}/body", anns.challenge)).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
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
    house.desk.authority.load(&authority::Offer::of_law(weaker.clone()), now()).await.unwrap();
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

#[tokio::test]
async fn the_last_drills_stand_beside_the_law() {
    let house = House::new().await;
    let (authority, pages) = (&house.desk.authority, house.pages());
    let ann = Browser::of(&pages, &house.ann).await;
    assert!(!ann.get("/law").await.text.contains("The last drills"), "none was played");
    let warrant = authority.prove("ann", &house.ann.code(), now()).await.unwrap();
    let wanted = |scenario: &str| authority::Rehearse {
        scenario: scenario.to_owned(),
        holder: house.ann.id,
        like: None,
        canary: false,
        reads_pass: false,
    };
    let wanted = vec![wanted("a1-smash"), wanted("home-child")];
    let form = "greave_drill".parse().unwrap();
    let begun = authority.begin_drills(&form, wanted, warrant, now()).await.unwrap();
    let contained = authority::Moment { call: 2, ms: 9, after: 9, what: "step-up".to_owned() };
    let well = authority::Card { in_time: true, contained: Some(contained), ..Default::default() };
    let cards = [well, authority::Card { rows: 50_000, sensitive: 3, ..Default::default() }];
    for ((key, _), card) in begun.into_iter().zip(cards) {
        authority.end_drill(key, &card, now()).await.unwrap();
    }
    let page = ann.get("/law").await;
    for told in ["a1-smash", "at call 2: step-up", "home-child", "not by the watch", "50000 rows, 3 sensitive calls"] {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    let bob = Browser::of(&pages, &house.bob).await;
    assert_eq!(bob.get("/law").await.status, StatusCode::NOT_FOUND);
}
