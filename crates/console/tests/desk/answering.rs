//! People answer what waits for them.

use authority::{Answer, Command, Exhibit};
use http::StatusCode;
use law::{Factor, Factors, Refusal, Standing};

use crate::support::{Browser, House, describe, now, pass};

#[tokio::test]
async fn one_code_answers_all_that_is_ticked() {
    let house = House::new().await;
    let key = house.key_of("ann", "secret").await;
    let (mut one, mut two, three) =
        (house.asks(key, "one").await, house.asks(key, "two").await, house.asks(key, "three").await);
    let browser = Browser::of(&house.pages(), &house.ann).await;
    let page = browser.get("/").await;
    for shown in
        ["/users/one", "/users/two", "/users/three", "changes who may do what", "deletes for good", "192.0.2.1"]
    {
        assert!(page.text.contains(shown), "{shown}");
    }
    let (first, second) = (one.challenge.to_string(), two.challenge.to_string());
    let code = house.ann.code();
    let got = browser.submit(&page, "/approve", &[("q", &first), ("q", &second), ("code", &code), ("at", "/")]).await;
    assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "/"), "{}", got.text);
    assert_eq!((one.answer().await, two.answer().await), (Answer::Approved, Answer::Approved));
    let page = browser.get("/").await;
    assert!(page.text.contains("You said yes to 2 calls"));
    assert!(page.text.contains("/users/three") && !page.text.contains("/users/one"));
    assert!(!browser.get("/").await.text.contains("You said yes"), "it is told once");

    // The same code again is a wrong one.
    let third = three.challenge.to_string();
    let got = browser.submit(&page, "/approve", &[("q", &third), ("code", &code)]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_code_that_signed_in_approves_nothing() {
    let house = House::new().await;
    let key = house.key_of("ann", "secret").await;
    let ticket = house.asks(key, "one").await;
    let browser = Browser::of(&house.pages(), &house.ann).await;
    let page = browser.get("/").await;
    let question = ticket.challenge.to_string();
    let got = browser.submit(&page, "/approve", &[("q", &question), ("code", &house.ann.code_now())]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert!(got.text.contains("was used before") && got.text.contains("/users/one"));
}

#[tokio::test]
async fn a_wrong_code_keeps_what_was_ticked_and_many_have_to_wait() {
    let house = House::new().await;
    let key = house.key_of("ann", "secret").await;
    let (one, _two) = (house.asks(key, "one").await, house.asks(key, "two").await);
    let browser = Browser::of(&house.pages(), &house.ann).await;
    let page = browser.get("/").await;
    let question = one.challenge.to_string();
    let fields = [("q", question.as_str()), ("code", "000000")];
    for _ in 0..5 {
        let got = browser.submit(&page, "/approve", &fields).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN);
        assert_eq!(got.text.matches(" checked").count(), 1);
        assert!(got.text.contains(&format!("value=\"{question}\" checked")));
    }
    assert_eq!(browser.submit(&page, "/approve", &fields).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(browser.submit(&page, "/approve", &[("code", "1")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_no_needs_no_code() {
    let house = House::new().await;
    let key = house.key_of("bob", "secret").await;
    let mut ticket = house.asks(key, "one").await;
    let browser = Browser::of(&house.pages(), &house.bob).await;
    let page = browser.get("/").await;
    let got = browser.submit(&page, &format!("/questions/{}/deny", ticket.challenge), &[]).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER);
    assert_eq!(ticket.answer().await, Answer::Refused(Refusal::Denied));
    let got = browser.submit(&page, &format!("/questions/{}/deny", ticket.challenge), &[]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN, "there is nothing left to deny");
    let got = browser.get(&format!("/questions/{}", ticket.challenge)).await;
    assert!(got.text.contains("was denied") && !got.text.contains("/approve"));
}

#[tokio::test]
async fn not_me_asks_once_more_and_stops_the_key() {
    let house = House::new().await;
    let key = house.key_of("bob", "secret").await;
    let mut ticket = house.asks(key, "one").await;
    let browser = Browser::of(&house.pages(), &house.bob).await;
    let path = format!("/questions/{}/not-me", ticket.challenge);
    let confirm = browser.get(&path).await;
    assert!(confirm.text.contains("disabled at once"));
    let standing = || house.desk.authority.view(|state| state.key(key).unwrap().standing);
    assert_eq!(standing(), Standing::Active, "looking changes nothing");
    assert_eq!(browser.submit(&confirm, &path, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(standing(), Standing::Disabled);
    assert_eq!(ticket.answer().await, Answer::Refused(Refusal::Denied));
}

#[tokio::test]
async fn people_see_what_is_theirs() {
    let house = House::new().await;
    let (anns, bobs) = (house.key_of("ann", "anns").await, house.key_of("bob", "bobs").await);
    let (of_ann, of_bob) = (house.asks(anns, "from-ann").await, house.asks(bobs, "from-bob").await);
    let pages = house.pages();
    let bob = Browser::of(&pages, &house.bob).await;
    let page = bob.get("/").await;
    assert!(page.text.contains("from-bob") && !page.text.contains("from-ann") && !page.text.contains("href=\"/law\""));

    // What is another's looks like what is not there, however it is asked for.
    let missing = bob.get("/questions/c999").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let anns = format!("/questions/{}", of_ann.challenge);
    assert_eq!(bob.get(&anns).await.text, missing.text);
    assert_eq!(bob.get(&format!("{anns}/not-me")).await.text, missing.text);
    assert_eq!(bob.submit(&page, &format!("{anns}/deny"), &[]).await.text, missing.text);
    assert_eq!(bob.submit(&page, &format!("{anns}/not-me"), &[]).await.text, missing.text);
    assert_eq!(bob.get("/law").await.status, StatusCode::NOT_FOUND);
    let (anns, code) = (of_ann.challenge.to_string(), house.bob.code());
    let got = bob.submit(&page, "/approve", &[("q", &anns), ("code", &code), ("at", "/")]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert!(!got.text.contains("from-ann"));

    // An administrator sees all, and approves only what is theirs.
    let ann = Browser::of(&pages, &house.ann).await;
    let page = ann.get("/").await;
    assert!(page.text.contains("from-bob") && page.text.contains("from-ann"));
    assert!(page.text.contains("You do not answer for this key"));
    let theirs = of_bob.challenge.to_string();
    assert!(page.text.contains(&format!("name=\"q\" value=\"{anns}\"")));
    assert!(!page.text.contains(&format!("name=\"q\" value=\"{theirs}\"")));
    let code = house.ann.code();
    let got = ann.submit(&page, "/approve", &[("q", &anns), ("q", &theirs), ("code", &code)]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN, "all or none");
    assert_eq!(ann.get("/").await.text.matches("<article").count(), 2);
    assert_eq!(ann.submit(&page, &format!("/questions/{theirs}/deny"), &[]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn two_people_are_two() {
    let house = House::new().await;
    let proof = house.desk.authority.prove("ann", &house.ann.code(), now()).await.unwrap();
    let mut description = describe("ann", true);
    description.deputies = vec![house.bob.id];
    house.desk.authority.perform(&Command::ChangeHolder(house.ann.id, description), proof, now()).await.unwrap();
    let key = house.key_of("ann", "secret").await;
    let missing = Factors::from(Factor::Person).with(Factor::SecondPerson);
    let mut ticket = house.asks_with(key, "one", missing, &Exhibit::default()).await;
    let question = ticket.challenge.to_string();
    let pages = house.pages();
    let ann = Browser::of(&pages, &house.ann).await;
    let page = ann.get("/").await;
    let approve = async |browser: &Browser, code: String| {
        browser.submit(&page_of(browser).await, "/approve", &[("q", &question), ("code", &code)]).await
    };
    assert!(page.text.contains("2 people"));
    assert_eq!(approve(&ann, house.ann.code()).await.status, StatusCode::SEE_OTHER);
    let page = ann.get("/").await;
    assert!(page.text.contains("Another person must say yes, too") && !page.text.contains("name=\"code\""));
    assert_eq!(approve(&ann, house.ann.code()).await.status, StatusCode::FORBIDDEN, "one person is not two");
    let bob = Browser::of(&pages, &house.bob).await;
    assert!(bob.get("/").await.text.contains("yes from <bdi>ann</bdi>"));
    assert_eq!(approve(&bob, house.bob.code()).await.status, StatusCode::SEE_OTHER);
    assert_eq!(ticket.answer().await, Answer::Approved);
}

async fn page_of(browser: &Browser) -> crate::support::Got {
    browser.get("/").await
}

#[tokio::test]
async fn what_lapsed_is_not_there_to_approve() {
    let house = House::new().await;
    let key = house.key_of("ann", "secret").await;
    let ticket = house.asks(key, "one").await;
    let browser = Browser::of(&house.pages(), &house.ann).await;
    let page = browser.get("/").await;
    pass(600);
    let question = ticket.challenge.to_string();
    let got = browser.submit(&page, "/approve", &[("q", &question), ("code", &house.ann.code())]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    assert!(got.text.contains("Nothing waits for you") && got.text.contains("it lapsed"));
    assert_eq!(browser.get("/").await.header("refresh"), "10", "an empty list looks again by itself");
    assert_eq!(page.header("refresh"), "", "a list in which somebody may be typing does not");
}

#[tokio::test]
async fn nothing_is_said_to_go_on_where_nobody_waits_and_how_long_a_no_stands_is_said() {
    let house = House::new().await;
    let key = house.key_of("ann", "secret").await;
    let (waits, gone, no) =
        (house.asks(key, "one").await, house.asks(key, "two").await, house.asks(key, "three").await);
    // The program gave up.
    let ticket = gone;
    let gone = ticket.challenge;
    drop(ticket);
    house.desk.told.tried(no.challenge, "mail", Some("ann"), None, crate::support::now());
    house.desk.told.tried(no.challenge, "mail", Some("bob"), Some("Connection refused"), crate::support::now());
    let browser = Browser::of(&house.pages(), &house.ann).await;
    let page = browser.get(&format!("/questions/{gone}")).await;
    assert!(page.text.contains("Nobody waits any more") && !page.text.contains("<dt>Told"), "{}", page.text);
    let page = browser.get(&format!("/questions/{}", no.challenge)).await;
    assert!(page.text.contains("The program waits") && page.text.contains("ann by mail, "), "{}", page.text);
    assert!(page.text.contains("bob by mail not yet (Connection refused)"), "{}", page.text);

    for (question, said) in [(gone, "when the same request is sent again"), (waits.challenge, "The call goes on.")] {
        let (question, code) = (question.to_string(), house.ann.code());
        browser.submit(&page, "/approve", &[("q", &question), ("code", &code), ("at", "/")]).await;
        let told = browser.get("/").await.text;
        assert!(told.contains(said), "{told}");
        assert_eq!(told.contains("goes on."), question == waits.challenge.to_string());
        if said.starts_with("when") {
            let until = house.desk.authority.view(|state| state.question(gone).unwrap().question.until);
            assert!(told.contains(&format!("again until {}", until.strftime("%H:%M:%S UTC"))), "{told}");
            assert!(told.contains("no window opens"), "{told}");
        }
    }
    browser.submit(&page, &format!("/questions/{}/deny", no.challenge), &[]).await;
    let until = house.desk.authority.view(|state| state.question(no.challenge).unwrap().question.until);
    let until = format!("the same request is refused until {}", until.strftime("%H:%M:%S UTC"));
    assert!(browser.get("/").await.text.contains(&until));
    let page = browser.get(&format!("/questions/{}", no.challenge)).await;
    assert!(page.text.contains(&until), "{}", page.text);
}

#[tokio::test]
async fn what_an_answer_left_out_is_not_ticked_by_itself() {
    let house = House::new().await;
    let key = house.key_of("ann", "secret").await;
    let (one, two) = (house.asks(key, "one").await, house.asks(key, "two").await);
    let browser = Browser::of(&house.pages(), &house.ann).await;
    let page = browser.get("/").await;
    let (first, code) = (one.challenge.to_string(), house.ann.code());
    let got = browser.submit(&page, "/approve", &[("q", &first), ("code", &code), ("at", "/")]).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER, "{}", got.text);
    let rest = browser.get("/").await;
    assert!(rest.text.contains(&two.challenge.to_string()) && !rest.text.contains(" checked"), "{}", rest.text);
    assert!(browser.get("/").await.text.contains(" checked"), "a page that is entered fresh ticks the only one");
}
