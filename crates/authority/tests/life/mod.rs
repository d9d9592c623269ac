//! How long keys live.

mod ceiling;
mod turn;

use super::*;

impl House {
    async fn end_at(&self, key: KeyId, end: Timestamp, warrant: Warrant) -> Result<(), Option<Declined>> {
        let command = Command::ChangeKey { key, name: None, end: Some(end) };
        match self.authority.perform(&command, warrant, self.now).await {
            Ok(()) => Ok(()),
            Err(NotDone::Declined(declined)) => Err(Some(declined)),
            Err(NotDone::Failed(_)) => Err(None),
        }
    }

    fn end_of(&self, key: KeyId) -> Option<Timestamp> {
        self.authority.view(|state| state.key(key).unwrap().end())
    }

    fn is_past_limit(&self, key: KeyId) -> bool {
        self.authority.view(|state| state.lifetimes().is_past(state.key(key).unwrap(), self.now))
    }

    fn in_hours(&self, hours: i64) -> Timestamp {
        self.now + SignedDuration::from_hours(hours)
    }
}

fn longest(days: u32) -> Lifetimes {
    Lifetimes { longest: Span::days(days), ..Lifetimes::default() }
}

#[tokio::test]
async fn the_longest_life_binds_issued_keys_that_are_there_already() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    let (parent, secret) = house.issue(Wanted { hours: 24 * 20, ..house.reading() }, proof).await.unwrap();
    let (born, said) = (house.now, house.in_hours(24 * 20));
    house.pass(3600);
    let proof = house.proof().await;
    let below = Wanted { holder: None, parent: Some(parent), hours: 24 * 19, ..house.reading() };
    let (child, _) = house.issue(below, proof).await.unwrap();
    let adopted = house.key_of_ann("adopted").await.id;
    let childs = house.end_of(child);

    house.authority.live_by(longest(10)).await;
    let bound = born + SignedDuration::from_hours(240);
    assert_eq!((house.end_of(parent), house.end_of(child)), (Some(bound), Some(bound)), "the child with its parent");
    assert_eq!(house.recognised(&secret).end(), Some(bound), "on the request path, too");
    assert_eq!(house.end_of(adopted), None, "what the API made does not end because of that");
    let mut after = House { now: bound, ..house };
    assert_eq!(after.authority.refusal(parent, after.now), Some(Refusal::Ended));
    after.authority.live_by(longest(30)).await;
    assert_eq!((after.end_of(parent), after.end_of(child)), (Some(said), childs), "what was said comes back");
    after.restart().await;
    assert_eq!((after.end_of(parent), after.end_of(child)), (Some(said), childs));
}

#[tokio::test]
async fn an_earlier_end_is_free_and_a_later_one_asks_a_code_and_keeps_within_the_limits() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    let (parent, secret) = house.issue(Wanted { hours: 240, ..house.reading() }, proof).await.unwrap();
    let proof = house.proof().await;
    let below = Wanted { holder: None, parent: Some(parent), hours: 200, ..house.reading() };
    let (child, _) = house.issue(below, proof).await.unwrap();
    let in_flight = house.recognised(&secret);

    let sooner = house.in_hours(100);
    house.end_at(parent, sooner, Warrant::Operator).await.unwrap();
    assert_eq!((house.end_of(parent), house.end_of(child)), (Some(sooner), Some(sooner)), "a child goes with it");
    assert!(in_flight.has_fallen(|| sooner) && !in_flight.has_fallen(|| house.now), "what is in flight is cut then");
    let later = house.in_hours(120);
    assert_eq!(house.end_at(parent, later, Warrant::Operator).await, Err(Some(Declined::CodeNeeded)));
    let claimed = house.end_at(parent, later, Warrant::Claimed(house.ann)).await;
    assert_eq!(claimed, Err(Some(Declined::CodeNeeded)), "and nothing else is wrong");
    assert_eq!(house.end_at(child, later, Warrant::Operator).await, Err(Some(Declined::CodeNeeded)));
    let proof = house.proof().await;
    let outlives = house.end_at(child, later, proof).await;
    assert_eq!(outlives, Err(Some(Declined::OutlivesParent(sooner))));
    house.end_at(parent, later, proof).await.unwrap();
    assert_eq!(house.end_of(parent), Some(later));
    let proof = house.proof().await;
    let too_late = house.end_at(parent, house.in_hours(24 * 31), proof).await;
    assert_eq!(too_late, Err(Some(Declined::TooLong(Span::days(30)))));
    let passed = house.end_at(parent, house.in_hours(-1), Warrant::Operator).await;
    assert_eq!(passed, Err(Some(Declined::EndsBeforeNow(parent))), "a slip of the pen stops nothing");
    let named = Command::ChangeKey { key: parent, name: Some("x".to_owned()), end: Some(house.in_hours(1)) };
    let named = house.authority.perform(&named, Warrant::Operator, house.now).await;
    assert!(matches!(named, Err(NotDone::Declined(Declined::CodeNeeded))), "a name is an administrator's");
}

#[tokio::test]
async fn an_adopted_key_is_past_the_limit_from_when_it_was_seen_for_so_long_until_it_has_an_end_that_is_not() {
    let mut house = House::new().await;
    let key = house.key_of_ann("adopted").await.id;
    assert!(!house.is_past_limit(key), "nobody knows how old it is, nor when it ends");
    let (first, later) = (house.now, house.in_hours(24 * 30 + 1));
    house.now = later;
    assert!(house.is_past_limit(key), "it has been here for longer than a key may live");
    house.now = first;
    let far = house.in_hours(24 * 90);
    house.end_at(key, far, Warrant::Operator).await.unwrap();
    assert!(house.is_past_limit(key), "beyond the longest life");
    house.end_at(key, house.in_hours(24 * 20), Warrant::Operator).await.unwrap();
    assert!(!house.is_past_limit(key));

    // What the upstream says counts beside it, and its silence takes nothing away.
    let tells = |end| Identity { name: "ann".to_owned(), end, ..Identity::default() };
    for told in [None, Some(house.in_hours(24 * 50))] {
        house.authority.identify(key, &tells(told), house.now).await.unwrap();
        assert_eq!(house.end_of(key), Some(house.in_hours(24 * 20)), "{told:?}");
    }
    let told = house.in_hours(24);
    house.authority.identify(key, &tells(Some(told)), house.now).await.unwrap();
    assert_eq!(house.end_of(key), Some(told));
    let proof = house.proof().await;
    house.end_at(key, house.in_hours(48), proof).await.unwrap();
    house.restart().await;
    assert_eq!(house.end_of(key), Some(told), "nobody here can make it live longer there");

    // However old it is, a person may let it live on for as long as a new key, with a code.
    house.authority.identify(key, &tells(None), house.now).await.unwrap();
    house.now = house.in_hours(24 * 400);
    let proof = house.proof().await;
    let end = house.in_hours(24 * 29);
    house.end_at(key, end, proof).await.unwrap();
    assert_eq!((house.end_of(key), house.is_past_limit(key)), (Some(end), true));
}

#[tokio::test]
async fn the_ends_of_several_keys_are_set_together_or_not_at_all() {
    let mut house = House::new().await;
    let (one, two) = (house.key_of_ann("one").await.id, house.key_of_ann("two").await.id);
    let ends = |last| Command::EndKeys(vec![(one, house.in_hours(24)), (two, house.in_hours(last))]);
    let (bad, good) = (ends(-1), ends(48));
    let free = house.authority.perform(&good, Warrant::Operator, house.now).await;
    assert!(matches!(free, Err(NotDone::Declined(Declined::CodeNeeded))), "however early they are");
    let proof = house.proof().await;
    let declined = house.authority.perform(&bad, proof, house.now).await.unwrap_err().to_string();
    assert!(declined.contains(&format!("key `{two}`")) && declined.contains("has passed"), "{declined}");
    assert_eq!((house.end_of(one), house.end_of(two)), (None, None));
    house.authority.perform(&good, proof, house.now).await.unwrap();
    assert!(house.end_of(one).is_some() && house.end_of(two).is_some());
    let length = house.authority.store().verify().await.unwrap().len;
    let proof = house.proof().await;
    house.authority.perform(&good, proof, house.now).await.unwrap();
    assert_eq!(house.authority.store().verify().await.unwrap().len, length + 1, "nothing but the code is used");
}
