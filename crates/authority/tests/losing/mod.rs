//! A person's authenticator is lost, and stopped at once.

use super::*;

fn stop(holder: HolderId, recovery_codes: bool) -> Command {
    Command::StopAuthenticator { holder, recovery_codes }
}

/// Bob, with an authenticator and ann's yes to that.
async fn bob(house: &mut House) -> (HolderId, Seed, Vec<String>) {
    let proof = house.proof().await;
    house.authority.perform(&person("bob", false), proof, house.now).await.unwrap();
    let proof = house.proof().await;
    let bob = enrol(&house.authority, "bob", proof, house.now).await;
    house.pass(60);
    bob
}

#[tokio::test]
async fn a_stopped_authenticator_opens_nothing_and_what_it_opened_closes() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await.id;
    let held = |house: &House| house.authority.held(key, neighbourhood(home()), house.now);
    let (spent, waits) = (delete_user(key), Ask { binding: Digest::of(b"two"), ..delete_user(key) });
    let spent = house.ask(&spent).await.unwrap().challenge;
    let proof = house.proof().await;
    house.authority.perform(&Command::Approve(vec![spent]), proof, house.now).await.unwrap();
    house.authority.spend(spent, call(1), house.now).await.unwrap().unwrap();
    assert_ne!(held(&house), law::Held::default());
    let waits = house.ask(&waits).await.unwrap().challenge;
    let proof = house.proof().await;
    house.authority.perform(&Command::Approve(vec![waits]), proof, house.now).await.unwrap();

    house.pass(30);
    let seen = house.authority.prove("ann", &house.seed.code(Step::at(house.now)), house.now).await.unwrap();
    house.authority.perform(&stop(house.ann, false), Warrant::Operator, house.now).await.unwrap();
    assert_eq!(held(&house), law::Held::default(), "its window closes");
    let none = house.authority.spend(waits, call(2), house.now).await.unwrap();
    assert!(none.is_none(), "and its yes is taken back");
    let late = house.authority.perform(&Command::SignIn, seen, house.now).await;
    assert!(
        matches!(late, Err(NotDone::Declined(Declined::Used))),
        "a code that was looked at before is late: {late:?}"
    );
    house.pass(30);
    assert!(house.authority.prove("ann", &house.seed.code(Step::at(house.now)), house.now).await.is_err());
    house.restart().await;
    house.pass(3600);
    assert!(house.authority.prove("ann", &house.seed.code(Step::at(house.now)), house.now).await.is_err());
    assert_eq!(held(&house), law::Held::default());
    house.pass(3600);
    let proof = house.authority.prove("ann", &house.codes[0], house.now).await.unwrap();
    house.authority.perform(&Command::SignIn, proof, house.now).await.unwrap();
}

#[tokio::test]
async fn with_the_recovery_codes_nothing_is_left_to_ask_and_what_asks_is_refused() {
    let mut house = House::new().await;
    let (bob, seed, codes) = bob(&mut house).await;
    let sighting = Sighting { place: "test".to_owned(), source: home(), parent: None, inherits: true, claim: None };
    let secret = SecretDigest::of(b"bobs");
    let key = house.authority.adopt(&secret, &sighting, house.now).await.unwrap();
    let identity = Identity { name: "bob".to_owned(), ..Identity::default() };
    house.authority.identify(key.id, &identity, house.now).await.unwrap();
    assert_eq!(house.authority.facts(&house.recognised("bobs")).presentable, Factor::Person.into());
    for (recovery_codes, left) in
        [(false, Factor::Person.into()), (true, law::Factors::NONE), (false, law::Factors::NONE)]
    {
        house.authority.perform(&stop(bob, recovery_codes), Warrant::Operator, house.now).await.unwrap();
        assert_eq!(house.authority.facts(&house.recognised("bobs")).presentable, left);
    }
    house.pass(60);
    assert!(house.authority.prove("bob", &seed.code(Step::at(house.now)), house.now).await.is_err());
    assert!(house.authority.prove("bob", &codes[0], house.now).await.is_err());
    assert!(!house.recognised("bobs").has_fallen(|| house.now), "the key goes on");
    let before = house.authority.store().verify().await.unwrap().len;
    house.authority.perform(&stop(bob, true), Warrant::Operator, house.now).await.unwrap();
    assert_eq!(house.authority.store().verify().await.unwrap().len, before, "what is stopped is not stopped again");
}

#[tokio::test]
async fn the_last_factor_of_the_last_administrator_stays_and_nothing_opens() {
    let mut house = House::new().await;
    let refused = house.authority.perform(&stop(house.ann, true), Warrant::Operator, house.now).await;
    assert!(matches!(refused, Err(NotDone::Declined(Declined::LastAuthenticator(_)))), "{refused:?}");
    house.authority.perform(&stop(house.ann, false), Warrant::Operator, house.now).await.unwrap();
    let refused = house.authority.perform(&stop(house.ann, true), Warrant::Operator, house.now).await;
    assert!(matches!(refused, Err(NotDone::Declined(Declined::LastAuthenticator(_)))), "{refused:?}");
    let taken = house.authority.perform(&person("mallory", true), Warrant::Operator, house.now).await;
    assert!(matches!(taken, Err(NotDone::Declined(Declined::CodeNeeded))));
    // The way back: a recovery code makes the link.
    let codes = house.codes.clone();
    let proof = house.authority.prove("ann", &codes[0], house.now).await.unwrap();
    (_, house.seed, house.codes) = enrol(&house.authority, "ann", proof, house.now).await;
    let proof = house.proof().await;
    house.authority.perform(&Command::SignIn, proof, house.now).await.unwrap();
}

#[tokio::test]
async fn people_stop_their_own_and_administrators_everybodys() {
    let mut house = House::new().await;
    let (bob, ..) = bob(&mut house).await;
    let (ann, authority) = (house.ann, &house.authority);
    let others = authority.perform(&stop(ann, false), Warrant::SignedIn(bob), house.now).await;
    assert!(matches!(others, Err(NotDone::Declined(Declined::NotAdministrator(_)))), "{others:?}");
    authority.perform(&stop(bob, false), Warrant::SignedIn(bob), house.now).await.unwrap();
    authority.perform(&stop(bob, true), Warrant::SignedIn(ann), house.now).await.unwrap();
    let nobody = authority.perform(&stop(HolderId(77), false), Warrant::Operator, house.now).await;
    assert!(matches!(nobody, Err(NotDone::Declined(Declined::NoHolder(_)))));
}
