//! The page of a person's own keys: what they are, what they reach, and stopping one at once.

use authority::{Command, Description};
use http::StatusCode;
use law::{HolderKind, Standing};

use crate::support::{Browser, House, describe, law, now, pass};

#[tokio::test]
async fn a_person_sees_the_keys_that_they_answer_for_and_no_other() {
    let house = House::new().await;
    let (own, anns) = (house.key_of("bob", "one").await, house.key_of("ann", "two").await);
    let (robots, deputys) = (house.key_of("robot", "three").await, house.key_of("other", "four").await);
    let authority = &house.desk.authority;
    let (robot, other) =
        authority.view(|state| (state.holder_named("robot").unwrap().id, state.holder_named("other").unwrap().id));
    let owned = Description { kind: HolderKind::Workload, owner: Some(house.bob.id), ..describe("robot", false) };
    let helped = Description { deputies: vec![house.bob.id], ..describe("other", false) };
    for (holder, description) in [(robot, owned), (other, helped)] {
        let proof = authority.prove("ann", &house.ann.code(), now()).await.unwrap();
        authority.perform(&Command::ChangeHolder(holder, description), proof, now()).await.unwrap();
    }
    let pages = house.pages();
    assert_eq!(Browser::new(&pages).get("/keys").await.location(), "/sign-in?to=/keys");
    let bob = Browser::of(&pages, &house.bob).await;
    for path in ["/keys", "/keys?of=all"] {
        let page = bob.get(path).await;
        assert_eq!(page.status, StatusCode::OK);
        for says in ["<strong>3</strong> keys", "adopted: made by the API", "robot, which you own", "a deputy"] {
            assert!(page.text.contains(says), "no `{says}` in {}", page.text);
        }
        for (key, shown) in [(own, true), (robots, true), (deputys, true), (anns, false)] {
            assert_eq!(page.text.contains(&format!("href=\"/keys/{key}\"")), shown, "{key} of {path}");
        }
        assert!(!page.text.contains("?of=all"), "others' are no business of his");
    }
    // Of the four operations listing is read alone; deleting a user and making a token wait for him.
    let page = bob.get(&format!("/keys?query={own}")).await;
    assert!(page.text.contains("3 operations; 2 of them wait for a person"), "{}", page.text);
    for path in [format!("/keys/{anns}"), "/keys/k77".to_owned(), "/keys/x".to_owned()] {
        assert_eq!(bob.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let ann = Browser::of(&pages, &house.ann).await;
    assert!(ann.get("/keys").await.text.contains("<strong>1</strong> key"));
    assert!(ann.get("/keys?of=all").await.text.contains("<strong>4</strong> keys"));
    assert!(ann.get(&format!("/keys/{own}")).await.text.contains("you do not answer for it"));
}

#[tokio::test]
async fn whoever_answers_for_a_key_stops_it_at_once_and_an_administrators_code_lets_it_work_again() {
    let house = House::new().await;
    let (key, anns) = (house.key_of("bob", "one").await, house.key_of("ann", "two").await);
    let standing = |key| house.desk.authority.view(|state| state.key(key).unwrap().standing);
    let pages = house.pages();
    let bob = Browser::of(&pages, &house.bob).await;
    let (own, disable, enable) =
        (format!("/keys/{key}"), format!("/keys/{key}/disable"), format!("/keys/{key}/enable"));
    let page = bob.get(&own).await;
    assert!(page.text.contains("works") && page.text.contains(&disable), "{}", page.text);
    assert_eq!(bob.post(&disable, &[]).await.status, StatusCode::FORBIDDEN, "no form of ours");
    let mut elsewhere = Browser::of(&pages, &house.bob).await;
    elsewhere.origin = Some("https://evil.example".to_owned());
    let got = elsewhere.submit(&page, &disable, &[]).await;
    assert_eq!((got.status, standing(key)), (StatusCode::FORBIDDEN, Standing::Active));
    let got = bob.submit(&page, &format!("/keys/{anns}/disable"), &[]).await;
    assert_eq!((got.status, standing(anns)), (StatusCode::NOT_FOUND, Standing::Active));

    let got = bob.submit(&page, &disable, &[]).await;
    assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, own.as_str()));
    assert_eq!(standing(key), Standing::Disabled);
    let page = bob.get(&own).await;
    for says in ["is disabled. Nothing passes", "does not work: the key is disabled", "An administrator enables it"] {
        assert!(page.text.contains(says), "no `{says}` in {}", page.text);
    }
    assert!(!page.text.contains(&disable) && !page.text.contains(&enable));
    let got = bob.submit(&page, &enable, &[("code", &house.bob.code())]).await;
    assert_eq!((got.status, standing(key)), (StatusCode::NOT_FOUND, Standing::Disabled));
    assert!(bob.get("/keys").await.text.contains("nothing, as it is"));

    let ann = Browser::of(&pages, &house.ann).await;
    let page = ann.get(&own).await;
    let got = ann.submit(&page, &enable, &[("code", "000000")]).await;
    assert_eq!((got.status, standing(key)), (StatusCode::FORBIDDEN, Standing::Disabled));
    pass(3600);
    let got = ann.submit(&page, &enable, &[("code", &house.ann.code())]).await;
    assert_eq!((got.status, standing(key)), (StatusCode::SEE_OTHER, Standing::Active));
    assert!(ann.get(&own).await.text.contains("is enabled"));
}

#[tokio::test]
async fn what_strangers_called_a_key_is_shown_as_text_and_many_keys_come_in_pages() {
    let house = House::new().await;
    let evil = house.key_of("bob", "evil").await;
    let name = Command::NameKey(evil, Some("a/b: x".to_owned()), None);
    let proof = house.desk.authority.prove("ann", &house.ann.code(), now()).await.unwrap();
    house.desk.authority.perform(&name, proof, now()).await.unwrap();
    for number in 0..55 {
        house.key_of("bob", &format!("secret-{number}")).await;
    }
    let pages = house.pages();
    let bob = Browser::of(&pages, &house.bob).await;
    let cards = |text: &str| text.matches("class=\"card\"").count();
    let first = bob.get("/keys").await;
    assert_eq!(cards(&first.text), 50);
    assert!(first.text.contains("from=50\">Further") && !first.text.contains("Before"));
    let last = bob.get("/keys?query=&from=50").await;
    assert_eq!(cards(&last.text), 6);
    assert!(last.text.contains("from=0\">Before") && !last.text.contains("Further"));
    let found = bob.get("/keys?query=A%2FB").await;
    assert_eq!((cards(&found.text), found.text.contains("a/b: x")), (1, true));
    let none = bob.get("/keys?query=%3Cscript%3E%22").await;
    assert!(none.text.contains("No key is called so") && !none.text.contains("<script"), "{}", none.text);
    for path in ["/keys?from=x", "/keys?from=99999999999999999999", "/keys?from=18446744073709551615"] {
        assert_eq!(bob.get(path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn where_the_law_only_observes_nothing_waits() {
    let house = House::with(law("observe until 2027-01-15"), crate::support::ORIGIN).await;
    house.key_of("bob", "one").await;
    let pages = house.pages();
    let page = Browser::of(&pages, &house.bob).await.get("/keys").await;
    assert!(page.text.contains("3 operations; none of them waits for a person"), "{}", page.text);
}
