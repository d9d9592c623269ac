//! People and programs who come and go.

use super::*;

#[tokio::test]
async fn what_is_in_flight_is_cut_however_often_its_key_changed_before_it_fell() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let proof = house.proof().await;
    let name = Command::NameKey(key.id, Some("ci".to_owned()), None);
    house.authority.perform(&name, proof, house.now).await.unwrap();
    let now = house.now;
    assert!(!key.has_fallen(|| now));
    let disable = Command::DisableKey(key.id, "lost".to_owned());
    house.authority.perform(&disable, Warrant::Operator, house.now).await.unwrap();
    assert!(key.has_fallen(|| now));
    let proof = house.proof().await;
    house.authority.perform(&Command::EnableKey(key.id), proof, house.now).await.unwrap();
    assert!(key.has_fallen(|| now), "what was in flight then stays cut");
    assert!(!house.recognised("secret").has_fallen(|| now));
}

#[tokio::test]
async fn a_program_and_who_answers_for_it_are_made_known_with_one_code() {
    let mut house = House::new().await;
    let sighting = Sighting {
        place: "header authorization".to_owned(),
        source: home(),
        parent: None,
        inherits: true,
        claim: None,
    };
    let key = house.authority.adopt(&SecretDigest::of(b"robot"), &sighting, house.now).await.unwrap();
    assert!(house.authority.facts(&key).presentable.is_empty(), "nobody answers for it yet");
    let entrust = |owner| Command::EntrustKey { key: key.id, name: None, program: "sync".to_owned(), owner };
    let proof = house.proof().await;
    house.authority.perform(&entrust(house.ann), proof, house.now).await.unwrap();
    let facts = house.authority.facts(&house.recognised("robot"));
    assert_eq!((facts.kind, facts.presentable), (HolderKind::Workload, Factor::Person.into()));
    let proof = house.proof().await;
    house.authority.perform(&entrust(house.ann), proof, house.now).await.unwrap();
    assert_eq!(house.authority.view(|state| state.holders().count()), 2, "a known program stays the same");
    let person = Command::EntrustKey { key: key.id, name: None, program: "ann".to_owned(), owner: house.ann };
    let proof = house.proof().await;
    let declined = house.authority.perform(&person, proof, house.now).await;
    assert!(matches!(declined, Err(NotDone::Declined(Declined::IsAPerson(_)))));
}

#[tokio::test]
async fn what_a_leaver_has_in_flight_is_cut() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    house.authority.perform(&person("bob", false), proof, house.now).await.unwrap();
    let bob = house.authority.view(|state| state.holder_named("bob").unwrap().id);
    let sighting = Sighting { place: "test".to_owned(), source: home(), parent: None, inherits: true, claim: None };
    let secret = SecretDigest::of(b"bobs");
    let key = house.authority.adopt(&secret, &sighting, house.now).await.unwrap();
    let identity = Identity { name: "bob".to_owned(), ..Identity::default() };
    house.authority.identify(key.id, &identity, house.now).await.unwrap();
    let key = house.recognised("bobs");
    house.authority.perform(&Command::Leave(bob, OnLeaving::Disable), Warrant::Operator, house.now).await.unwrap();
    assert!(key.has_fallen(|| house.now));
    assert!(house.authority.facts(&house.recognised("bobs")).holder_left);
    assert!(!house.recognised("bobs").has_fallen(|| house.now), "a later request is judged anew");
}

#[tokio::test]
async fn without_its_last_administrator_the_gate_is_not_anybodys() {
    let mut house = House::new().await;
    let leave =
        house.authority.perform(&Command::Leave(house.ann, OnLeaving::Disable), Warrant::Operator, house.now).await;
    assert!(matches!(leave, Err(NotDone::Declined(Declined::LastAdministrator(_)))));
    // Even where she cannot prove anything any more, setting up is over.
    let other = authority::Change::AuthenticatorDisabled { holder: house.ann };
    house.authority.note(other, house.now).await.unwrap();
    let taken = house.authority.perform(&person("mallory", true), Warrant::Operator, house.now).await;
    assert!(matches!(taken, Err(NotDone::Declined(Declined::CodeNeeded))));
    assert!(matches!(
        house.authority.load(&Offer::of_law(law("observe until 2027-01-15")), house.now).await.unwrap(),
        Loaded::Waits(_)
    ));
    // Guessed-at codes serve no more, a recovery code does.
    house.pass(60);
    assert!(house.authority.prove("ann", &house.seed.code(Step::at(house.now)), house.now).await.is_err());
    let proof = house.authority.prove("ann", &house.codes[0], house.now).await.unwrap();
    house.authority.perform(&Command::SignIn, proof, house.now).await.unwrap();
}
