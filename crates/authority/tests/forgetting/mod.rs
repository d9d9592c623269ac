//! Keys that are forgotten, and those that never are.

use super::*;

#[tokio::test]
async fn a_forgotten_key_is_new_when_it_comes_again_and_a_stopped_one_is_not_forgotten() {
    let mut house = House::new().await;
    let (key, stopped) = (house.key_of_ann("secret").await, house.key_of_ann("stopped").await);
    let mut waits = house.ask(&delete_user(key.id)).await.unwrap();
    let disable = Command::DisableKey(stopped.id, "lost".to_owned());
    house.authority.perform(&disable, Warrant::Operator, house.now).await.unwrap();
    let without_code = house.authority.perform(&Command::ForgetKey(key.id), Warrant::Operator, house.now).await;
    assert!(matches!(without_code, Err(NotDone::Declined(Declined::CodeNeeded))));
    let proof = house.proof().await;
    let not = house.authority.perform(&Command::ForgetKey(stopped.id), proof, house.now).await;
    assert!(matches!(not, Err(NotDone::Declined(Declined::MustBeKnown(_, Refusal::Disabled)))));
    house.authority.perform(&Command::ForgetKey(key.id), proof, house.now).await.unwrap();
    let now = house.now;
    assert!(key.has_fallen(|| now), "what is in flight is cut");
    assert_eq!(waits.answer().await, Answer::Refused(Refusal::UnknownKey));
    let unknown = |house: &House| house.authority.recognise(&SecretDigest::of(b"secret")).is_none();
    assert!(unknown(&house));
    house.restart().await;
    assert!(unknown(&house) && house.recognised("stopped").standing == Standing::Disabled);
    let again = house.key_of_ann("secret").await;
    assert!(again.id > stopped.id && again.id != key.id, "its id is not given again");
}

#[tokio::test]
async fn what_is_revoked_ended_or_issued_is_not_forgotten() {
    let mut house = House::new().await;
    let perform = async |house: &House, command: &Command, warrant| {
        let done = house.authority.perform(command, warrant, house.now).await;
        done.map_err(|error| if let NotDone::Declined(declined) = error { Some(declined) } else { None })
    };
    let proof = house.proof().await;
    let (parent, _) = house.issue(house.reading(), proof).await.unwrap();
    let under = |house: &House, parent, hours| Wanted { holder: None, parent: Some(parent), hours, ..house.reading() };
    let proof = house.proof().await;
    let (child, _) = house.issue(under(&house, parent, 3), proof).await.unwrap();
    let proof = house.proof().await;
    let (grandchild, _) = house.issue(under(&house, child, 1), proof).await.unwrap();
    let proof = house.proof().await;
    for issued in [parent, child, grandchild] {
        let forgotten = perform(&house, &Command::ForgetKey(issued), proof).await;
        assert_eq!(forgotten, Err(Some(Declined::IssuedHere(issued))));
    }
    let revoke = |key| Command::RevokeKey { key, children: true, why: "leaked".to_owned() };
    let (revoked, ended) = (house.key_of_ann("revoked").await.id, house.key_of_ann("ended").await.id);
    perform(&house, &revoke(parent), Warrant::Operator).await.unwrap();
    perform(&house, &revoke(revoked), Warrant::Operator).await.unwrap();
    let end = Some(house.now + SignedDuration::from_secs(90));
    let identity = Identity { name: "ann".to_owned(), end, ..Identity::default() };
    house.authority.identify(ended, &identity, house.now).await.unwrap();
    let question = house.ask(&delete_user(ended)).await.unwrap().challenge;
    house.pass(90);
    let proof = house.proof().await;
    for (key, declined) in [
        (parent, Declined::IssuedHere(parent)),
        (grandchild, Declined::IssuedHere(grandchild)),
        (revoked, Declined::MustBeKnown(revoked, Refusal::Revoked)),
        (ended, Declined::MustBeKnown(ended, Refusal::Ended)),
        (KeyId(99), Declined::NoKey(KeyId(99))),
    ] {
        assert_eq!(perform(&house, &Command::ForgetKey(key), proof).await, Err(Some(declined)));
    }
    let late = perform(&house, &Command::Approve(vec![question]), proof).await;
    assert_eq!(late, Err(Some(Declined::KeyFell(question, ended, Refusal::Ended))), "what an ended key asked fell");

    // An issued key is not given a forgotten one's id either.
    let last = house.key_of_ann("last").await.id;
    perform(&house, &Command::ForgetKey(last), proof).await.unwrap();
    house.restart().await;
    let proof = house.proof().await;
    let (next, _) = house.issue(house.reading(), proof).await.unwrap();
    assert!(next > last && house.key_of_ann("later").await.id > next);
}
