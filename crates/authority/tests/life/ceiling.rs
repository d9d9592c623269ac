//! Keys that are narrowed.

use super::*;

fn scope(powers: &[Power], operations: &[&str]) -> Scope {
    Scope {
        powers: powers.iter().copied().collect(),
        operations: operations.iter().map(|pattern| pattern.parse().unwrap()).collect(),
        sources: Vec::new(),
    }
}

impl House {
    async fn narrow(&self, key: KeyId, scope: Scope) -> Result<(), NotDone> {
        self.authority.perform(&Command::NarrowKey(key, scope), Warrant::Operator, self.now).await
    }

    async fn widen(&self, key: KeyId, warrant: Warrant) -> Result<(), NotDone> {
        self.authority.perform(&Command::WidenKey(key), warrant, self.now).await
    }
}

fn reads(key: &Key) -> Result<(), Refusal> {
    key.admits("GET /a/{name}", Power::Read.into(), home())
}

fn deletes(key: &Key) -> Result<(), Refusal> {
    key.admits("DELETE /users/{name}", Power::Destroy.into(), home())
}

#[tokio::test]
async fn narrowing_needs_no_code_and_taking_it_back_does() {
    let mut house = House::new().await;
    let key = house.key_of_ann("adopted").await;
    assert_eq!((reads(&key), deletes(&key)), (Ok(()), Ok(())));
    house.narrow(key.id, scope(&[Power::Read, Power::Write], &[])).await.unwrap();
    house.narrow(key.id, scope(&[Power::Read], &["GET /a/{name}"])).await.unwrap();
    let narrow = house.recognised("adopted");
    assert_eq!((reads(&narrow), deletes(&narrow)), (Ok(()), Err(Refusal::OutOfScope)));
    assert_eq!(narrow.admits("GET *", law::Powers::EVERY, home()), Err(Refusal::OutOfScope), "what nobody described");
    house.restart().await;
    assert_eq!(deletes(&house.recognised("adopted")), Err(Refusal::OutOfScope));

    let without = house.widen(key.id, Warrant::Operator).await;
    assert!(matches!(without, Err(NotDone::Declined(Declined::CodeNeeded))));
    let proof = house.proof().await;
    house.widen(key.id, proof).await.unwrap();
    let once = house.recognised("adopted");
    assert_eq!((once.ceilings().len(), deletes(&once)), (1, Err(Refusal::OutOfScope)), "only the last is undone");
    let proof = house.proof().await;
    house.widen(key.id, proof).await.unwrap();
    assert_eq!(deletes(&house.recognised("adopted")), Ok(()));
    let proof = house.proof().await;
    let nothing = house.widen(key.id, proof).await;
    assert!(matches!(nothing, Err(NotDone::Declined(Declined::NotNarrowed(_)))));
}

#[tokio::test]
async fn nobody_gets_around_a_ceiling_by_another_key() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    let (parent, _) = house.issue(Wanted { hours: 24, ..house.reading() }, proof).await.unwrap();
    let proof = house.proof().await;
    let below = Wanted { holder: None, parent: Some(parent), hours: 12, ..house.reading() };
    let (_, before) = house.issue(below, proof).await.unwrap();
    house.narrow(parent, scope(&[Power::Read], &["GET /a/things/all"])).await.unwrap();
    let proof = house.proof().await;
    let below = Wanted { holder: None, parent: Some(parent), hours: 12, ..house.reading() };
    let (after_id, after) = house.issue(below, proof).await.unwrap();
    for secret in [&before, &after] {
        let child = house.recognised(secret);
        assert_eq!(reads(&child), Err(Refusal::OutOfScope));
        assert_eq!(child.admits("GET /a/things/all", Power::Read.into(), home()), Ok(()));
    }
    let proof = house.proof().await;
    let above = house.widen(after_id, proof).await;
    assert!(matches!(above, Err(NotDone::Declined(Declined::NarrowedAbove(_, of))) if of == parent));
    let proof = house.proof().await;
    house.widen(parent, proof).await.unwrap();
    assert_eq!([&before, &after].map(|secret| reads(&house.recognised(secret))), [Ok(()), Ok(())]);

    // A key that the API made, and another that calls of it made there.
    let adopted = house.key_of_ann("adopted").await.id;
    house.narrow(adopted, scope(&[Power::Read, Power::Mint], &["POST /keys", "GET /a/things/all"])).await.unwrap();
    let sighting = Sighting {
        place: "header authorization".to_owned(),
        source: home(),
        parent: Some(adopted),
        inherits: true,
        claim: None,
    };
    let minted = house.authority.adopt(&SecretDigest::of(b"minted"), &sighting, house.now).await.unwrap();
    assert_eq!(deletes(&minted), Err(Refusal::OutOfScope));
    assert_eq!(deletes(&house.recognised("minted")), Err(Refusal::OutOfScope));
}

#[tokio::test]
async fn a_question_above_the_ceiling_is_not_there_to_answer() {
    let house = House::new().await;
    let key = house.key_of_ann("adopted").await;
    let mut ticket = house.ask(&delete_user(key.id)).await.unwrap();
    house.narrow(key.id, scope(&[Power::Read], &[])).await.unwrap();
    assert_eq!(ticket.answer().await, Answer::Refused(Refusal::OutOfScope));
}

#[tokio::test]
async fn a_key_is_not_narrowed_to_nothing_and_not_without_end() {
    let house = House::new().await;
    let key = house.key_of_ann("adopted").await.id;
    let nothing = house.narrow(key, scope(&[], &[])).await;
    assert!(matches!(nothing, Err(NotDone::Declined(Declined::NarrowedToNothing(_)))));
    let names: Vec<String> = (0..17).map(|number| format!("GET /{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        for _ in 0..2 {
            let done = house.narrow(key, scope(&[Power::Read], &[name])).await;
            let too_often = matches!(done, Err(NotDone::Declined(Declined::NarrowedTooOften(_))));
            assert_eq!(too_often, number == 16, "{number}: {done:?}");
        }
    }
    assert_eq!(house.recognised("adopted").ceilings().len(), 16, "the same again is nothing new");
}

#[tokio::test]
async fn narrowing_a_key_narrows_those_that_work_beside_it() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    let (old, before) = house.issue(Wanted { hours: 24, ..house.reading() }, proof).await.unwrap();
    let retire = async |house: &mut House, of: KeyId| {
        let (proof, end) = (house.proof().await, house.in_hours(30));
        let form = "gk_test".parse().unwrap();
        let (id, secret) = house.authority.retire(&form, (of, Span::hours(72)), end, proof, house.now).await.unwrap();
        (id, String::from_utf8(secret.expose().to_vec()).unwrap())
    };
    let (new, after) = retire(&mut house, old).await;
    // One that waits for its first use, whichever of the two is named.
    house.narrow(old, scope(&[Power::Read], &["GET /a/things/all"])).await.unwrap();
    house.authority.take_over(new, house.now).await.unwrap();
    let (newest, last) = retire(&mut house, new).await;
    let both = |house: &House| [&before, &after, &last].map(|secret| reads(&house.recognised(secret)));
    assert_eq!(both(&house), [Err(Refusal::OutOfScope); 3]);
    let proof = house.proof().await;
    house.widen(newest, proof).await.unwrap();
    assert_eq!(both(&house), [Ok(()); 3], "what was narrowed with it is widened with it");
    house.narrow(newest, scope(&[Power::Read], &["GET /a/things/all"])).await.unwrap();
    house.restart().await;
    assert_eq!(both(&house), [Err(Refusal::OutOfScope); 3]);
}

#[tokio::test]
async fn what_is_in_flight_sees_that_its_key_was_narrowed() {
    let mut house = House::new().await;
    let key = house.key_of_ann("adopted").await;
    assert!(key.newest().is_none() && key.narrowed_since().is_none());
    house.authority.name_abroad(key.id, "1", house.now).await.unwrap();
    house.narrow(key.id, scope(&[Power::Read], &[])).await.unwrap();
    let now = key.narrowed_since().unwrap();
    assert_eq!((reads(&now), deletes(&now)), (Ok(()), Err(Refusal::OutOfScope)));
    assert!(!key.has_fallen(|| house.now), "what is below the ceiling goes on");
    let proof = house.proof().await;
    house.widen(key.id, proof).await.unwrap();
    assert_eq!(deletes(&key.narrowed_since().unwrap()), Ok(()));
    assert!(house.recognised("adopted").narrowed_since().is_none());
}
