//! Questions, and the yes or no of people.

use super::*;

#[tokio::test]
async fn a_yes_passes_one_call_and_opens_a_window() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let mut ticket = house.ask(&delete_user(key.id)).await.unwrap();
    let proof = house.proof().await;
    house.authority.perform(&Command::Approve(vec![ticket.challenge]), proof, house.now).await.unwrap();
    assert_eq!(ticket.answer().await, Answer::Approved);
    let held = house.authority.held(key.id, neighbourhood(home()), house.now);
    assert_eq!(held, law::Held::default(), "not before it has served");
    let spent = house.authority.spend(ticket.challenge, call(1), house.now).await.unwrap().unwrap();
    assert!(!spent.second_person);
    assert_eq!(house.authority.spend(ticket.challenge, call(2), house.now).await.unwrap(), None);

    house.pass(5);
    let held = house.authority.held(key.id, neighbourhood(home()), house.now);
    assert!(matches!(held.person[Power::Destroy], Freshness::Before(age) if age.as_secs() == 5));
    assert_eq!(held.person[Power::Export], Freshness::Absent);
    assert_eq!(house.authority.held(key.id, neighbourhood(elsewhere()), house.now), law::Held::default());

    // The same request again is a new question.
    let again = house.ask(&delete_user(key.id)).await.unwrap();
    assert_ne!(again.challenge, ticket.challenge);
}

#[tokio::test]
async fn a_retry_takes_the_place_of_the_request_before_it() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let mut first = house.ask(&delete_user(key.id)).await.unwrap();
    let mut retry = house.ask(&delete_user(key.id)).await.unwrap();
    assert!(retry.joined && !first.joined);
    assert_eq!(first.challenge, retry.challenge);
    assert_eq!(first.answer().await, Answer::Refused(Refusal::Superseded));
    let proof = house.proof().await;
    house.authority.perform(&Command::Approve(vec![retry.challenge]), proof, house.now).await.unwrap();
    assert_eq!(retry.answer().await, Answer::Approved);

    // A third one, after the yes and before it was spent, may go on with it.
    let mut third = house.ask(&delete_user(key.id)).await.unwrap();
    assert_eq!(third.answer().await, Answer::Approved);
}

#[tokio::test]
async fn a_copied_request_from_elsewhere_does_not_get_the_answer() {
    let house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let honest = house.ask(&delete_user(key.id)).await.unwrap();
    let thief = house
        .ask(&Ask { source: elsewhere(), known_source: false, usual_source: false, ..delete_user(key.id) })
        .await
        .unwrap();
    assert_ne!(honest.challenge, thief.challenge);
    let other = house.ask(&Ask { binding: Digest::of(b"DELETE /users/eve"), ..delete_user(key.id) }).await.unwrap();
    assert_ne!(honest.challenge, other.challenge);
}

#[tokio::test]
async fn a_no_ends_it_and_not_me_stops_the_key() {
    let house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let mut ticket = house.ask(&delete_user(key.id)).await.unwrap();
    house.authority.perform(&Command::Deny(ticket.challenge), Warrant::SignedIn(house.ann), house.now).await.unwrap();
    assert_eq!(ticket.answer().await, Answer::Refused(Refusal::Denied));
    assert_eq!(house.ask(&delete_user(key.id)).await.err(), Some(Refusal::Denied), "retrying does not ask again");
    let until = |ask: &Ask| house.authority.view(|state| state.denied_until(ask, house.now));
    assert_eq!(until(&delete_user(key.id)), Some(ticket.until));
    assert_eq!(until(&Ask { source: elsewhere(), ..delete_user(key.id) }), None);

    let other = house.ask(&Ask { binding: Digest::of(b"other"), ..delete_user(key.id) }).await.unwrap();
    let not_me = Command::NotMe(other.challenge);
    house.authority.perform(&not_me, Warrant::SignedIn(house.ann), house.now).await.unwrap();
    assert!(key.has_fallen(|| house.now), "what is in flight is cut");
    assert_eq!(house.recognised("secret").standing, Standing::Disabled);
    assert_eq!(house.authority.spend(other.challenge, call(1), house.now).await.unwrap(), None);
}

#[tokio::test]
async fn what_a_key_asked_falls_with_it_and_is_not_there_to_approve() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let asks = |what: &[u8]| Ask { binding: Digest::of(what), ..delete_user(key.id) };
    let approved = house.ask(&asks(b"approved")).await.unwrap().challenge;
    let proof = house.proof().await;
    house.authority.perform(&Command::Approve(vec![approved]), proof, house.now).await.unwrap();
    let mut open = house.ask(&asks(b"open")).await.unwrap();
    let disable = Command::DisableKey(key.id, "lost".to_owned());
    house.authority.perform(&disable, Warrant::Operator, house.now).await.unwrap();
    assert_eq!(open.answer().await, Answer::Refused(Refusal::Disabled), "who waits is told why");
    assert_eq!(house.ask(&asks(b"late")).await.err(), Some(Refusal::Disabled), "what was judged before is not asked");
    let proof = house.proof().await;
    let late = house.authority.perform(&Command::Approve(vec![open.challenge]), proof, house.now).await.unwrap_err();
    let says = late.to_string();
    assert!(says.contains(&key.id.to_string()) && says.contains("the key is disabled"), "{says}");

    // Enabled again, the key asks anew: neither the question nor the yes comes back.
    house.authority.perform(&Command::EnableKey(key.id), proof, house.now).await.unwrap();
    assert_eq!(house.authority.spend(approved, call(1), house.now).await.unwrap(), None);
    let proof = house.proof().await;
    let late = house.authority.perform(&Command::Approve(vec![open.challenge]), proof, house.now).await;
    assert!(matches!(late, Err(NotDone::Declined(Declined::KeyFell(..)))));
    assert_ne!(house.ask(&asks(b"open")).await.unwrap().challenge, open.challenge);
}

#[tokio::test]
async fn a_yes_to_what_nobody_can_judge_opens_no_window() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let mut ticket = house.ask(&Ask { unjudged: true, ..delete_user(key.id) }).await.unwrap();
    let proof = house.proof().await;
    house.authority.perform(&Command::Approve(vec![ticket.challenge]), proof, house.now).await.unwrap();
    assert_eq!(ticket.answer().await, Answer::Approved);
    assert!(house.authority.spend(ticket.challenge, call(1), house.now).await.unwrap().is_some());
    assert_eq!(house.authority.held(key.id, neighbourhood(home()), house.now), law::Held::default());
}

#[tokio::test]
async fn a_window_closes_when_who_opened_it_answers_no_more() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    house.authority.perform(&person("bob", true), proof, house.now).await.unwrap();
    let proof = house.proof().await;
    let (bob, seed, _) = enrol(&house.authority, "bob", proof, house.now).await;
    let key = house.key_of_ann("secret").await.id;
    let entrust = Command::EntrustKey { key, name: None, program: "sync".to_owned(), owner: bob };
    let proof = house.proof().await;
    house.authority.perform(&entrust, proof, house.now).await.unwrap();
    let sync = house.authority.view(|state| state.holder_named("sync").unwrap().id);
    let held = |house: &House| house.authority.held(key, neighbourhood(home()), house.now);

    let asked = house.ask(&Ask { binding: Digest::of(b"one"), ..delete_user(key) }).await.unwrap().challenge;
    house.pass(30);
    let proof = house.authority.prove("bob", &seed.code(Step::at(house.now)), house.now).await.unwrap();
    house.authority.perform(&Command::Approve(vec![asked]), proof, house.now).await.unwrap();
    house.authority.spend(asked, call(1), house.now).await.unwrap().unwrap();
    assert_ne!(held(&house), law::Held::default());
    let of_ann = Description {
        name: "sync".to_owned(),
        kind: HolderKind::Workload,
        owner: Some(house.ann),
        deputies: Vec::new(),
        mail: None,
        administrator: false,
    };
    let proof = house.proof().await;
    house.authority.perform(&Command::ChangeHolder(sync, of_ann), proof, house.now).await.unwrap();
    assert_eq!(held(&house), law::Held::default(), "bob answers for it no more");

    let asked = house.ask(&Ask { binding: Digest::of(b"two"), ..delete_user(key) }).await.unwrap().challenge;
    let proof = house.proof().await;
    house.authority.perform(&Command::Approve(vec![asked]), proof, house.now).await.unwrap();
    house.authority.spend(asked, call(2), house.now).await.unwrap().unwrap();
    assert_ne!(held(&house), law::Held::default());
    house.pass(30);
    let proof = house.authority.prove("bob", &seed.code(Step::at(house.now)), house.now).await.unwrap();
    enrol(&house.authority, "ann", proof, house.now).await;
    assert_eq!(held(&house), law::Held::default(), "it may not have been ann");
    house.restart().await;
    assert_eq!(held(&house), law::Held::default());
}

#[tokio::test]
async fn not_me_and_leaving_close_all_that_the_keys_asked() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    house.authority.perform(&person("bob", true), proof, house.now).await.unwrap();
    let proof = house.proof().await;
    enrol(&house.authority, "bob", proof, house.now).await;
    let key = house.key_of_ann("secret").await;
    let asks = |what: &[u8]| Ask { binding: Digest::of(what), ..delete_user(key.id) };
    let mut theirs = house.ask(&asks(b"theirs")).await.unwrap();
    let mut other = house.ask(&asks(b"other")).await.unwrap();
    let not_me = Command::NotMe(theirs.challenge);
    house.authority.perform(&not_me, Warrant::SignedIn(house.ann), house.now).await.unwrap();
    assert_eq!(theirs.answer().await, Answer::Refused(Refusal::Denied));
    assert_eq!(other.answer().await, Answer::Refused(Refusal::Disabled));

    let second = house.key_of_ann("another").await;
    let proof = house.proof().await;
    let mut waits = house.ask(&Ask { key: second.id, ..asks(b"waits") }).await.unwrap();
    let window = house.ask(&Ask { key: second.id, ..asks(b"window") }).await.unwrap().challenge;
    house.authority.perform(&Command::Approve(vec![window]), proof, house.now).await.unwrap();
    house.authority.spend(window, call(1), house.now).await.unwrap().unwrap();
    assert_ne!(house.authority.held(second.id, neighbourhood(home()), house.now), law::Held::default());
    house
        .authority
        .perform(&Command::Leave(house.ann, OnLeaving::Disable), Warrant::Operator, house.now)
        .await
        .unwrap();
    assert_eq!(waits.answer().await, Answer::Refused(Refusal::HolderLeft));
    assert_eq!(house.authority.held(second.id, neighbourhood(home()), house.now), law::Held::default());
    house.restart().await;
    assert_eq!(house.authority.held(second.id, neighbourhood(home()), house.now), law::Held::default());
}

#[tokio::test]
async fn one_code_answers_several_questions_shown_together_and_serves_once() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let first = house.ask(&delete_user(key.id)).await.unwrap().challenge;
    let second = house.ask(&Ask { binding: Digest::of(b"other"), ..delete_user(key.id) }).await.unwrap().challenge;
    let proof = house.proof().await;
    house.authority.perform(&Command::Approve(vec![first, second]), proof, house.now).await.unwrap();
    let third = house.ask(&Ask { binding: Digest::of(b"third"), ..delete_user(key.id) }).await.unwrap().challenge;
    let again = house.authority.perform(&Command::Approve(vec![third]), proof, house.now).await;
    assert!(matches!(again, Err(NotDone::Declined(Declined::Used))));
    let code = house.seed.code(Step::at(house.now));
    assert!(matches!(house.authority.prove("ann", &code, house.now).await, Err(NotProved::Wrong)));
}

#[tokio::test]
async fn a_second_person_must_be_another() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let proof = house.proof().await;
    house.authority.perform(&person("bob", false), proof, house.now).await.unwrap();
    let proof = house.proof().await;
    let (bob, bobs, _) = enrol(&house.authority, "bob", proof, house.now).await;
    assert!(!house.authority.facts(&key).presentable.contains(Factor::SecondPerson));
    let describe = Description {
        name: "ann".to_owned(),
        kind: HolderKind::Person,
        owner: None,
        deputies: vec![bob],
        mail: None,
        administrator: true,
    };
    let proof = house.proof().await;
    house.authority.perform(&Command::ChangeHolder(house.ann, describe), proof, house.now).await.unwrap();
    assert!(house.authority.facts(&key).presentable.contains(Factor::SecondPerson));

    let missing = law::Factors::from(Factor::Person).with(Factor::SecondPerson);
    let mut ticket = house.ask(&Ask { missing, ..delete_user(key.id) }).await.unwrap();
    let approve = Command::Approve(vec![ticket.challenge]);
    let proof = house.proof().await;
    house.authority.perform(&approve, proof, house.now).await.unwrap();
    assert_eq!(house.authority.spend(ticket.challenge, call(1), house.now).await.unwrap(), None, "one yes is not two");
    let proof = house.proof().await;
    let same = house.authority.perform(&approve, proof, house.now).await;
    assert!(matches!(same, Err(NotDone::Declined(Declined::SamePerson(_)))));
    house.pass(30);
    let proof = house.authority.prove("bob", &bobs.code(Step::at(house.now)), house.now).await.unwrap();
    house.authority.perform(&approve, proof, house.now).await.unwrap();
    assert_eq!(ticket.answer().await, Answer::Approved);
    assert!(house.authority.spend(ticket.challenge, call(1), house.now).await.unwrap().unwrap().second_person);
}

#[tokio::test]
async fn what_is_not_ones_own_is_not_ones_to_approve() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    house.authority.perform(&person("eve", false), proof, house.now).await.unwrap();
    let proof = house.proof().await;
    let (eve, eves, _) = enrol(&house.authority, "eve", proof, house.now).await;
    let key = house.key_of_ann("secret").await;
    let ticket = house.ask(&delete_user(key.id)).await.unwrap();
    house.pass(30);
    let proof = house.authority.prove("eve", &eves.code(Step::at(house.now)), house.now).await.unwrap();
    let declined = |done: Result<(), NotDone>| matches!(done, Err(NotDone::Declined(_)));
    assert!(declined(house.authority.perform(&Command::Approve(vec![ticket.challenge]), proof, house.now).await));
    assert!(declined(house.authority.perform(&person("mallory", true), proof, house.now).await));
    assert!(declined(
        house.authority.perform(&Command::Deny(ticket.challenge), Warrant::SignedIn(eve), house.now).await
    ));
    // Without a code not even the operator approves, enables, invites or names once there is an administrator.
    for command in [
        Command::Approve(vec![ticket.challenge]),
        Command::EnableKey(key.id),
        Command::NameKey(key.id, None, Some(eve)),
        Command::Invite(eve, Digest::of(b"x")),
        person("mallory", true),
    ] {
        for warrant in [Warrant::Operator, Warrant::Gate, Warrant::SignedIn(house.ann)] {
            assert!(declined(house.authority.perform(&command, warrant, house.now).await), "{command:?}");
        }
    }
}

#[tokio::test]
async fn a_thief_cannot_drown_the_honest_caller_in_questions() {
    let house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let mut asked = 0_u8;
    for number in 0..50_u8 {
        let source: IpAddr = format!("203.0.113.{number}").parse().unwrap();
        let binding = Digest::of(&[number]);
        let ask = Ask { source, binding, usual_source: false, ..delete_user(key.id) };
        match house.ask(&ask).await {
            Ok(_) => asked += 1,
            Err(refusal) => assert_eq!(refusal, Refusal::TooManyQuestions),
        }
    }
    assert_eq!(usize::from(asked), Limits::default().open_per_key / 2);
    assert!(
        house.ask(&delete_user(key.id)).await.is_ok(),
        "a usual source has its reserve, whoever read from elsewhere before"
    );
}

#[tokio::test]
async fn what_people_would_be_shown_is_not_made_where_nobody_is_asked() {
    let house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let made = std::cell::Cell::new(0);
    let show = || {
        made.set(made.get() + 1);
        Exhibit::default()
    };
    for number in 0..20_u8 {
        let ask = Ask { binding: Digest::of(&[number]), ..delete_user(key.id) };
        let asked = house.authority.ask(&ask, show, house.now).await.unwrap();
        assert_eq!(asked.is_ok(), usize::from(number) < Limits::default().open_per_source);
    }
    assert_eq!(made.get(), Limits::default().open_per_source);
    let again = Ask { binding: Digest::of(&[0]), ..delete_user(key.id) };
    assert!(house.authority.ask(&again, show, house.now).await.unwrap().unwrap().joined);
    assert_eq!(made.get(), Limits::default().open_per_source, "who joins a question is shown as who asked it");
}

#[tokio::test]
async fn many_keys_of_one_person_ring_no_more_than_they_may() {
    let house = House::new().await;
    let mut asked = 0;
    for number in 0..20_u8 {
        let key = house.key_of_ann(&format!("secret {number}")).await;
        for try_ in 0..4_u8 {
            let source: IpAddr = format!("203.0.113.{}", number * 4 + try_).parse().unwrap();
            let ask = Ask { source, binding: Digest::of(&[number, try_]), usual_source: false, ..delete_user(key.id) };
            asked += usize::from(house.ask(&ask).await.is_ok());
        }
    }
    assert_eq!(asked, Limits::default().open_per_person / 2);
    let honest = house.key_of_ann("secret 3").await;
    assert!(house.ask(&delete_user(honest.id)).await.is_ok(), "a usual source has its reserve");
}

#[tokio::test]
async fn a_key_that_is_somebody_elses_now_keeps_nothing_of_what_was_said_yes_to() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    house.authority.perform(&person("bob", false), proof, house.now).await.unwrap();
    let bob = house.authority.view(|state| state.holder_named("bob").unwrap().id);
    for identified in [false, true] {
        let key = house.key_of_ann(if identified { "one" } else { "other" }).await.id;
        let ask = |what: &[u8]| Ask { binding: Digest::of(what), ..delete_user(key) };
        let spent = house.ask(&ask(b"spent")).await.unwrap().challenge;
        let unspent = house.ask(&ask(b"unspent")).await.unwrap().challenge;
        let proof = house.proof().await;
        house.authority.perform(&Command::Approve(vec![spent, unspent]), proof, house.now).await.unwrap();
        house.authority.spend(spent, call(1), house.now).await.unwrap().unwrap();
        let held = |house: &House| house.authority.held(key, neighbourhood(home()), house.now);
        // The same holder again takes nothing away.
        let (proof, same) = (house.proof().await, Command::NameKey(key, None, Some(house.ann)));
        house.authority.perform(&same, proof, house.now).await.unwrap();
        assert_ne!(held(&house), law::Held::default());
        if identified {
            let identity = Identity { name: "bob".to_owned(), ..Identity::default() };
            assert_eq!(house.authority.identify(key, &identity, house.now).await.unwrap(), bob);
        } else {
            let proof = house.proof().await;
            house.authority.perform(&Command::NameKey(key, None, Some(bob)), proof, house.now).await.unwrap();
        }
        assert_eq!(held(&house), law::Held::default());
        assert_eq!(house.authority.spend(unspent, call(2), house.now).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_yes_that_waits_goes_with_the_authenticator_that_said_it() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await.id;
    let asked = house.ask(&delete_user(key)).await.unwrap().challenge;
    let proof = house.proof().await;
    house.authority.perform(&Command::Approve(vec![asked]), proof, house.now).await.unwrap();
    let proof = house.proof().await;
    house.seed = enrol(&house.authority, "ann", proof, house.now).await.1;
    assert_eq!(house.authority.spend(asked, call(1), house.now).await.unwrap(), None, "it may not have been ann");
    let proof = house.proof().await;
    house.authority.perform(&Command::Approve(vec![asked]), proof, house.now).await.unwrap();
    assert!(house.authority.spend(asked, call(2), house.now).await.unwrap().is_some());
}

#[tokio::test]
async fn a_yes_can_be_taken_back_until_it_is_spent() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await.id;
    let asked = house.ask(&delete_user(key)).await.unwrap().challenge;
    let proof = house.proof().await;
    house.authority.perform(&Command::Approve(vec![asked]), proof, house.now).await.unwrap();
    house.authority.perform(&Command::Deny(asked), Warrant::SignedIn(house.ann), house.now).await.unwrap();
    assert_eq!(house.authority.spend(asked, call(1), house.now).await.unwrap(), None);
    assert_eq!(house.ask(&delete_user(key)).await.err(), Some(Refusal::Denied));
    let again = house.authority.perform(&Command::Deny(asked), Warrant::SignedIn(house.ann), house.now).await;
    assert!(matches!(again, Err(NotDone::Declined(Declined::NoQuestion(_)))));
}

#[tokio::test]
async fn an_account_whose_name_must_be_made_fit_is_nobody_elses() {
    let house = House::new().await;
    let key = house.key_of_ann("secret").await;
    for name in [" ann", "ann ", "ann\u{200b}", "\u{a0}ann"] {
        let identity = Identity { name: name.to_owned(), ..Identity::default() };
        let holder = house.authority.identify(key.id, &identity, house.now).await.unwrap();
        assert_ne!(holder, house.ann, "{name:?}");
        assert_eq!(house.authority.identify(key.id, &identity, house.now).await.unwrap(), holder, "and stays itself");
        assert_eq!(house.authority.facts(&house.recognised("secret")).presentable, law::Factors::NONE);
    }
}
