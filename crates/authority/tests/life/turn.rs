//! One key takes another's place.

use super::*;

impl House {
    async fn retire(
        &self,
        key: KeyId,
        grace: Span,
        end: Timestamp,
        warrant: Warrant,
    ) -> Result<(KeyId, String), Option<Declined>> {
        let form = "gk_test".parse().unwrap();
        match self.authority.retire(&form, (key, grace), end, warrant, self.now).await {
            Ok((id, secret)) => Ok((id, String::from_utf8(secret.expose().to_vec()).unwrap())),
            Err(NotDone::Declined(declined)) => Err(Some(declined)),
            Err(NotDone::Failed(_)) => Err(None),
        }
    }

    fn standing(&self, key: KeyId) -> Standing {
        self.authority.view(|state| state.key(key).unwrap().standing)
    }

    fn refused(&self, key: KeyId) -> Option<Refusal> {
        self.authority.refusal(key, self.now)
    }

    async fn perform(&self, command: Command, warrant: Warrant) -> Result<(), NotDone> {
        self.authority.perform(&command, warrant, self.now).await
    }
}

const HOUR: Span = Span::hours(1);

#[tokio::test]
async fn until_its_first_use_a_successor_changes_nothing_and_then_the_old_key_has_its_grace() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    let (old, secret) = house.issue(Wanted { hours: 240, ..house.reading() }, proof).await.unwrap();
    let end = house.in_hours(300);
    assert_eq!(house.retire(old, HOUR, end, Warrant::Operator).await, Err(Some(Declined::CodeNeeded)));
    let proof = house.proof().await;
    let (new, made) = house.retire(old, HOUR, end, proof).await.unwrap();
    let (before, after) = (house.recognised(&secret), house.recognised(&made));
    assert_eq!((after.id, after.holder(), after.parent(), after.name()), (new, before.holder(), None, before.name()));
    assert_eq!(after.issued().unwrap(), before.issued().unwrap());
    assert_eq!((after.end(), after.predecessor(), after.awaits_first_use()), (Some(end), Some(old), true));
    assert_eq!(after.counted_as(), old, "what both use counts together");

    house.pass(3600 * 24);
    house.restart().await;
    assert_eq!((house.standing(old), house.refused(old), house.refused(new)), (Standing::Active, None, None));
    let length = house.authority.store().verify().await.unwrap().len;
    let takes = || house.authority.take_over(new, house.now);
    let (one, other, third) = tokio::join!(takes(), takes(), takes());
    one.and(other).and(third).unwrap();
    assert_eq!(house.authority.store().verify().await.unwrap().len, length + 1, "the first use is one change");
    assert_eq!((house.standing(old), house.end_of(old)), (Standing::Retiring, Some(house.in_hours(1))));
    assert_eq!((house.refused(old), house.refused(new)), (None, None), "both work for the grace");

    house.restart().await;
    house.authority.take_over(new, house.now).await.unwrap();
    house.authority.retire_due(house.now).await.unwrap();
    assert_eq!(house.standing(old), Standing::Retiring, "as before the restart");
    let in_flight = house.recognised(&secret);
    house.pass(3600);
    assert_eq!((house.refused(old), house.refused(new)), (Some(Refusal::Retired), None));
    assert!(in_flight.has_fallen(|| house.now));
    house.authority.retire_due(house.now).await.unwrap();
    assert_eq!(house.standing(old), Standing::Retired);
    house.restart().await;
    let proof = house.proof().await;
    let enabled = house.perform(Command::EnableKey(old), proof).await;
    assert!(matches!(enabled, Err(NotDone::Declined(Declined::Retired(_)))));
    assert_eq!(house.end_at(old, house.in_hours(1), proof).await, Err(Some(Declined::Retired(old))));
    assert_eq!(house.refused(old), Some(Refusal::Retired));
}

#[tokio::test]
async fn without_a_grace_the_old_key_stops_at_once_with_all_that_it_asked() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    let (old, secret) = house.issue(house.reading(), proof).await.unwrap();
    let mut asked = house.ask(&delete_user(old)).await.unwrap();
    let in_flight = house.recognised(&secret);
    let proof = house.proof().await;
    let (new, _) = house.retire(old, Span::seconds(0), house.in_hours(24), proof).await.unwrap();
    assert_eq!((house.standing(old), house.refused(old)), (Standing::Retired, Some(Refusal::Retired)));
    assert!(in_flight.has_fallen(|| house.now));
    assert_eq!(asked.answer().await, Answer::Refused(Refusal::Retired));
    assert_eq!(house.refused(new), None);
    let length = house.authority.store().verify().await.unwrap().len;
    house.authority.take_over(new, house.now).await.unwrap();
    assert_eq!(house.authority.store().verify().await.unwrap().len, length, "there is nothing left to take over");
    house
        .perform(Command::RevokeKey { key: old, children: false, why: String::new() }, Warrant::Operator)
        .await
        .unwrap();
    assert_eq!(house.standing(old), Standing::Revoked, "revoking never fails");
}

#[tokio::test]
async fn what_has_no_place_to_give_is_not_retired() {
    let mut house = House::new().await;
    let adopted = house.key_of_ann("adopted").await.id;
    let proof = house.proof().await;
    let end = house.in_hours(24 * 10);
    assert_eq!(house.retire(adopted, HOUR, end, proof).await, Err(Some(Declined::MadeByTheApi(adopted))));
    let (old, _) = house.issue(Wanted { hours: 240, ..house.reading() }, proof).await.unwrap();
    let proof = house.proof().await;
    let too_long = house.retire(old, HOUR, house.in_hours(24 * 31), proof).await;
    assert_eq!(too_long, Err(Some(Declined::TooLong(Span::days(30)))));
    let (lost, _) = house.retire(old, HOUR, end, proof).await.unwrap();
    let proof = house.proof().await;
    assert_eq!(house.retire(lost, HOUR, end, proof).await, Err(Some(Declined::NotUsedYet(lost, old))));
    // Its secret was lost: another one takes its place, and it lies about no longer.
    let (new, _) = house.retire(old, HOUR, end, proof).await.unwrap();
    assert_eq!((house.standing(lost), house.refused(old)), (Standing::Revoked, None));
    house.authority.take_over(lost, house.now).await.unwrap();
    assert_eq!(house.standing(old), Standing::Active);
    house.authority.take_over(new, house.now).await.unwrap();
    let proof = house.proof().await;
    assert_eq!(house.retire(old, HOUR, end, proof).await, Err(Some(Declined::RetiresAlready(old, new))));

    // Stopped in its grace and let work again, it is where it was; its grace is an end like others.
    let grace = house.end_of(old);
    house.perform(Command::DisableKey(old, String::new()), Warrant::Operator).await.unwrap();
    assert_eq!(house.retire(old, HOUR, end, proof).await, Err(Some(Declined::NothingToRetire(old, Refusal::Disabled))));
    house.perform(Command::EnableKey(old), proof).await.unwrap();
    assert_eq!((house.standing(old), house.end_of(old)), (Standing::Retiring, grace));
    let proof = house.proof().await;
    house.end_at(old, house.in_hours(5), proof).await.unwrap();
    assert_eq!(house.end_of(old), Some(house.in_hours(5)), "somebody needs longer");
    house.pass(6 * 3600);
    assert_eq!(house.refused(old), Some(Refusal::Retired));
    let proof = house.proof().await;
    let (third, _) = house.retire(new, HOUR, end, proof).await.unwrap();
    let counted = house.authority.view(|state| state.key(third).unwrap().counted_as());
    assert_eq!(counted, old, "a row of successors has one count");
}

#[tokio::test]
async fn who_answers_for_the_parent_may_retire_a_child_and_nobody_else_without_being_administrator() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    house.perform(person("bob", false), proof).await.unwrap();
    let proof = house.proof().await;
    let (bob, seed, _) = enrol(&house.authority, "bob", proof, house.now).await;
    let proof = house.proof().await;
    let (parent, _) = house.issue(Wanted { holder: Some(bob), ..house.reading() }, proof).await.unwrap();
    let proof = house.proof().await;
    let below = Wanted { holder: None, parent: Some(parent), hours: 5, ..house.reading() };
    let (child, _) = house.issue(below, proof).await.unwrap();
    house.pass(60);
    let bobs = house.authority.prove("bob", &seed.code(Step::at(house.now)), house.now).await.unwrap();
    let end = house.in_hours(3);
    let own = house.retire(parent, HOUR, end, bobs).await;
    assert_eq!(own, Err(Some(Declined::NotAdministrator("bob".to_owned()))), "a longer life is for others to give");
    let outlives = house.retire(child, HOUR, house.in_hours(30), bobs).await;
    assert!(matches!(outlives, Err(Some(Declined::OutlivesParent(_)))));
    let (new, _) = house.retire(child, HOUR, end, bobs).await.unwrap();
    assert_eq!(house.authority.view(|state| state.key(new).unwrap().parent()), Some(parent));

    // A key that retires takes its children's end with it no more than one that is stopped does.
    let proof = house.proof().await;
    let ends = house.end_of(new);
    let (after, _) = house.retire(parent, HOUR, house.in_hours(24), proof).await.unwrap();
    house.authority.take_over(after, house.now).await.unwrap();
    assert_eq!((house.standing(parent), house.end_of(new)), (Standing::Retiring, ends));
}
