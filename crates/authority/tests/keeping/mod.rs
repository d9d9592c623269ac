//! What is kept over a restart, and what it takes to change what is in force.

use super::*;

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let ticket = house.ask(&delete_user(key.id)).await.unwrap();
    let exhibit = Exhibit { method: "DELETE".to_owned(), path: "/users/bob".to_owned(), ..Exhibit::default() };
    let other = Ask { binding: Digest::of(b"other"), ..delete_user(key.id) };
    let shown = house.authority.ask(&other, || exhibit.clone(), house.now).await.unwrap().unwrap().challenge;
    house.restart().await;

    assert_eq!(house.recognised("secret").id, key.id);
    assert_eq!(house.authority.exhibit(shown).await.unwrap(), Some(exhibit));
    let mut retry = house.ask(&delete_user(key.id)).await.unwrap();
    assert!(retry.joined && retry.challenge == ticket.challenge, "the retry rejoins the question");
    let proof = house.proof().await;
    house.authority.perform(&Command::Approve(vec![retry.challenge]), proof, house.now).await.unwrap();
    house.restart().await;
    assert!(house.authority.prove("ann", &house.seed.code(Step::at(house.now)), house.now).await.is_err());
    retry = house.ask(&delete_user(key.id)).await.unwrap();
    assert_eq!(retry.answer().await, Answer::Approved, "the yes waits for the retry");
    assert!(house.authority.spend(retry.challenge, call(1), house.now).await.unwrap().is_some());
    house.restart().await;
    assert!(house.authority.spend(retry.challenge, call(2), house.now).await.unwrap().is_none());
    let held = house.authority.held(key.id, neighbourhood(home()), house.now);
    assert_ne!(held.person[Power::Destroy], Freshness::Absent, "windows are open as before");
    house.authority.store().verify().await.unwrap();
}

#[tokio::test]
async fn a_weaker_law_waits_for_a_code() {
    let mut house = House::new().await;
    let weaker = law("observe until 2027-01-15");
    let Loaded::Waits(waiting) = house.authority.load(&Offer::of_law(weaker.clone()), house.now).await.unwrap() else {
        panic!()
    };
    assert_eq!(waiting.weaker.len(), 27);
    assert_eq!(house.authority.law().law, law("enforce"), "the last good law goes on");
    let accept = Command::AcceptLaw(waiting.digest);
    let done = house.authority.perform(&accept, Warrant::Operator, house.now).await;
    assert!(matches!(done, Err(NotDone::Declined(Declined::CodeNeeded))));
    let proof = house.proof().await;
    house.authority.perform(&accept, proof, house.now).await.unwrap();
    assert_eq!(house.authority.law().law, weaker);
    assert_eq!(house.authority.load(&Offer::of_law(law("enforce")), house.now).await.unwrap(), Loaded::InForce);
    assert_eq!(house.authority.law().law, law("enforce"), "a stricter one needs nobody");
}

#[tokio::test]
async fn a_key_moves_to_the_new_pepper_when_it_is_used() {
    let house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let House { folder, authority, now, .. } = house;
    drop(authority);
    let mut rotated = secrets();
    rotated.peppers = Peppers::new((PepperId(2), &[9; 32]), Some((PepperId(1), &[1; 32])));
    let authority = Authority::open(folder.path(), rotated, Limits::default(), now).await.unwrap();
    let secret = SecretDigest::of(b"secret");
    let known = authority.recognise(&secret).unwrap();
    assert!(known.id == key.id && authority.is_stale(&known, &[]));
    let sighting = Sighting { place: String::new(), source: home(), parent: None, inherits: true, claim: None };
    let moved = authority.adopt(&secret, &sighting, now).await.unwrap();
    assert!(moved.id == key.id && !authority.is_stale(&moved, &[]));
    // Known before the gate knew of other spellings: the next use tells it.
    let folded = authority::Folded::of(b"tok_Ann_7d1f0c9e8b7a").unwrap();
    assert!(authority.is_stale(&moved, &[folded]) && authority.recognise_spelling(&folded).is_none());
    let moved = authority.adopt_spelled(&secret, &[folded], &sighting, now).await.unwrap();
    assert!(moved.id == key.id && !authority.is_stale(&moved, &[folded]));
    let respelled = SecretDigest::of(b"TOK_ANN_7D1F0C9E8B7A");
    let same = authority.adopt_spelled(&respelled, &[folded], &sighting, now).await.unwrap();
    assert_eq!(same.id, key.id, "no key of its own");
    drop(authority);
    let mut only_new = secrets();
    only_new.peppers = Peppers::new((PepperId(2), &[9; 32]), None);
    let opened = Authority::open(folder.path(), only_new, Limits::default(), now).await;
    let opened = opened.unwrap();
    assert_eq!(opened.recognise(&secret).unwrap().id, key.id);
    let folded = authority::Folded::of(b" TOK_ANN_7D1F0C9E8B7A\0").unwrap();
    assert_eq!(opened.recognise_spelling(&folded).unwrap().id, key.id, "the ledger has it");
}

#[tokio::test]
async fn other_secrets_than_the_state_was_made_with_are_refused() {
    let house = House::new().await;
    let House { folder, authority, now, .. } = house;
    let reopened = async |secrets: Secrets| {
        Authority::open(folder.path(), secrets, Limits::default(), now)
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    };
    drop(authority);
    let pepper =
        |id, byte: u8, previous| Secrets { peppers: Peppers::new((PepperId(id), &[byte; 32]), previous), ..secrets() };
    let error = reopened(pepper(7, 7, None)).await.unwrap_err();
    assert!(error.contains("`pepper`") && error.contains("`pepper-previous`"), "{error}");
    let error = reopened(Secrets { master: [7; 32].into(), ..secrets() }).await.unwrap_err();
    assert!(error.contains("`master`"), "{error}");
    reopened(secrets()).await.unwrap();
    reopened(pepper(7, 7, Some((PepperId(1), &[1; 32])))).await.unwrap();
    reopened(pepper(7, 7, None)).await.unwrap();
    assert!(reopened(secrets()).await.is_err(), "it has moved to the new one");
}

#[tokio::test]
async fn a_pepper_whose_keys_have_not_moved_yet_is_missed() {
    let house = House::new().await;
    house.key_of_ann("secret").await;
    let House { folder, authority, now, .. } = house;
    drop(authority);
    let with = |previous| Secrets { peppers: Peppers::new((PepperId(7), &[7; 32]), previous), ..secrets() };
    let open = async |secrets| Authority::open(folder.path(), secrets, Limits::default(), now).await.map(drop);
    open(with(Some((PepperId(1), &[1; 32])))).await.unwrap();
    assert!(matches!(open(with(None)).await, Err(Failed::OtherPepper)));
}

#[tokio::test]
async fn a_posture_waits_as_a_whole_and_is_refused_or_accepted() {
    let mut house = House::new().await;
    let files = |byte| Files { config: Digest([byte; 32]), lock: Digest([2; 32]), document: Digest([3; 32]) };
    let weaker = vec![Weaker { what: "api.open".to_owned(), from: "none".to_owned(), to: "/".to_owned() }];
    let offer = |byte, against, weaker: &[Weaker]| Offer {
        files: files(byte),
        law: law("enforce"),
        against,
        weaker: weaker.to_vec(),
    };
    let load = async |house: &House, offer: &Offer| house.authority.load(offer, house.now).await.unwrap();
    let in_force = |house: &House| house.authority.view(authority::State::posture);
    assert_eq!(load(&house, &offer(1, None, &[])).await, Loaded::InForce, "the first one is taken as it is");
    let (first, _) = in_force(&house).unwrap();
    assert_eq!(load(&house, &offer(9, None, &[])).await, Loaded::Overtaken, "it was compared with nothing");

    let Loaded::Waits(waiting) = load(&house, &offer(9, Some(first), &weaker)).await else { panic!() };
    assert_eq!((waiting.files, &waiting.weaker), (Some(files(9)), &weaker));
    assert_eq!(in_force(&house), Some((first, files(1))));
    house.authority.perform(&Command::RefuseLaw(waiting.digest), Warrant::Operator, house.now).await.unwrap();
    assert_eq!(house.authority.view(|state| state.waiting().cloned()), None);

    let Loaded::Waits(waiting) = load(&house, &offer(9, Some(first), &weaker)).await else { panic!("it waits again") };
    let accept = Command::AcceptLaw(waiting.digest);
    let done = house.authority.perform(&accept, Warrant::Operator, house.now).await;
    assert!(matches!(done, Err(NotDone::Declined(Declined::CodeNeeded))));
    let proof = house.proof().await;
    house.authority.perform(&accept, proof, house.now).await.unwrap();
    assert_eq!(in_force(&house), Some((waiting.digest, files(9))));
    let second = waiting.digest;
    assert_eq!(load(&house, &offer(9, Some(second), &[])).await, Loaded::InForce);
    // Undoing what waits lets it go.
    assert!(matches!(load(&house, &offer(8, Some(second), &weaker)).await, Loaded::Waits(_)));
    assert_eq!(load(&house, &offer(9, Some(second), &[])).await, Loaded::InForce);
    assert_eq!(house.authority.view(|state| state.waiting().cloned()), None);
    // A restart gives the same.
    let House { folder, authority, now, .. } = house;
    drop(authority);
    let (authority, _) = open(folder.path(), law("enforce"), now).await;
    assert_eq!(authority.view(authority::State::posture), Some((second, files(9))));
}

#[tokio::test]
async fn observing_that_has_ended_is_ended_whatever_the_clock_says() {
    let mut house = House::with_law(law("observe until 2027-01-15")).await;
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    let (before, after) = (at("2027-01-14T23:59:00Z"), at("2027-01-15T00:01:00Z"));
    let binds = |house: &House, at| house.authority.law().law.person[Power::Mint].mode.enforces(at);
    let digest = Arc::clone(&house.authority.law().digest);
    house.authority.note_enforcing(before).await.unwrap();
    assert!(!binds(&house, before));

    house.authority.note_enforcing(after).await.unwrap();
    assert!(binds(&house, before), "the clock is set back");
    assert_eq!(house.authority.law().digest, digest, "the law is the same");
    let entries = house.authority.store().entries(1, 100).await.unwrap().len();
    house.authority.note_enforcing(after).await.unwrap();
    assert_eq!(house.authority.store().entries(1, 100).await.unwrap().len(), entries, "it is noted once");

    // Over a restart, too, at which nothing is weaker and nothing waits.
    house.now = before;
    let elsewhere = tempfile::tempdir().unwrap();
    house.authority = open(elsewhere.path(), law("enforce"), before).await.0;
    house.authority = Authority::open(house.folder.path(), secrets(), Limits::default(), before).await.unwrap();
    assert!(binds(&house, before));
    let load = async |mode: &str, now| house.authority.load(&Offer::of_law(law(mode)), now).await.unwrap();
    assert_eq!(load("observe until 2027-01-15", before).await, Loaded::InForce);
    // With a clock that is right, a day that is over makes nothing easier; with another, it would.
    assert_eq!(load("observe until 2027-01-14", after).await, Loaded::InForce);
    assert!(matches!(load("observe until 2027-01-15", before).await, Loaded::Waits(_)));
    assert!(matches!(load("observe until 2027-02-01", after).await, Loaded::Waits(_)));
    assert!(binds(&house, before));
}

#[tokio::test]
async fn a_state_from_before_postures_keeps_its_law_and_takes_the_files() {
    let house = House::new().await;
    let files = Files { config: Digest([1; 32]), lock: Digest([2; 32]), document: Digest([3; 32]) };
    let offer = Offer { files, law: law("observe until 2027-01-15"), against: None, weaker: Vec::new() };
    let Loaded::Waits(waiting) = house.authority.load(&offer, house.now).await.unwrap() else { panic!() };
    assert_eq!((waiting.weaker.len(), house.authority.law().law.clone()), (27, law("enforce")));
    let (in_force, known) = house.authority.view(authority::State::posture).unwrap();
    assert!(known == files && in_force != waiting.digest);
    let again = Offer { against: Some(in_force), ..offer };
    assert_eq!(house.authority.load(&again, house.now).await.unwrap(), Loaded::Waits(waiting));
}

#[tokio::test]
async fn what_changes_is_told_to_those_who_listen() {
    let house = House::new().await;
    let mut changes = house.authority.listen();
    let key = house.key_of_ann("secret").await;
    assert!(matches!(&changes.recv().await.unwrap().change, Change::KeyAdopted { id, .. } if *id == key.id));
    assert!(matches!(&changes.recv().await.unwrap().change, Change::KeyIdentified { .. }));
}

#[tokio::test]
async fn no_secret_stands_in_the_state_on_disk() {
    let house = House::new().await;
    house.key_of_ann("a-secret-that-is-easy-to-find").await;
    let exhibit = Exhibit { body: Some("a-body-for-people-only".to_owned()), ..Exhibit::default() };
    house.authority.ask(&delete_user(KeyId(1)), || exhibit, house.now).await.unwrap().unwrap();
    let seed = house.seed.base32();
    for file in std::fs::read_dir(house.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in ["a-secret-that-is-easy-to-find", "a-body-for-people-only", &seed] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
        assert!(!bytes.windows(20).any(|window| window == house.seed.expose()));
    }
}
