//! The keys of drills: they end by themselves, and become no other key.

use authority::{Card, DRILL_LASTS, MOST_DRILLS, Rehearse};

use super::*;

fn wanted(house: &House, many: usize) -> Vec<Rehearse> {
    let rehearse = |number| Rehearse {
        scenario: format!("a{number}"),
        holder: house.ann,
        like: None,
        canary: false,
        reads_pass: false,
    };
    (0..many).map(rehearse).collect()
}

impl House {
    async fn begin(&self, wanted: Vec<Rehearse>, warrant: Warrant) -> Result<Vec<KeyId>, Option<Declined>> {
        let form = "greave_drill".parse().unwrap();
        match self.authority.begin_drills(&form, wanted, warrant, self.now).await {
            Ok(begun) => Ok(begun.into_iter().map(|(key, _)| key).collect()),
            Err(NotDone::Declined(declined)) => Err(Some(declined)),
            Err(NotDone::Failed(_)) => Err(None),
        }
    }

    async fn declined(&self, command: Command, warrant: Warrant) -> Option<Declined> {
        match self.authority.perform(&command, warrant, self.now).await {
            Err(NotDone::Declined(declined)) => Some(declined),
            Ok(()) | Err(NotDone::Failed(_)) => None,
        }
    }
}

#[tokio::test]
async fn a_drill_needs_an_administrators_code_and_one_goes_on_at_a_time() {
    let mut house = House::new().await;
    for warrant in [Warrant::Operator, Warrant::Gate, Warrant::SignedIn(house.ann), Warrant::Claimed(house.ann)] {
        assert_eq!(house.begin(wanted(&house, 1), warrant).await, Err(Some(Declined::CodeNeeded)), "{warrant:?}");
    }
    for warrant in [Warrant::Operator, Warrant::Gate, Warrant::SignedIn(house.ann)] {
        let may = house.authority.may_begin_drills(warrant);
        assert!(matches!(may, Err(NotDone::Declined(Declined::CodeNeeded))), "and has nothing prepared: {warrant:?}");
    }
    for many in [0, MOST_DRILLS + 1] {
        let proof = house.proof().await;
        assert_eq!(house.begin(wanted(&house, many), proof).await, Err(Some(Declined::TooManyDrills)));
    }
    let proof = house.proof().await;
    let keys = house.begin(wanted(&house, MOST_DRILLS), proof).await.unwrap();
    assert_eq!(keys.len(), MOST_DRILLS);
    let proof = house.proof().await;
    assert_eq!(house.begin(wanted(&house, 1), proof).await, Err(Some(Declined::DrillGoesOn(keys[0]))));
    for key in &keys {
        house.authority.end_drill(*key, &Card::default(), house.now).await.unwrap();
    }
    let proof = house.proof().await;
    house.begin(wanted(&house, 1), proof).await.unwrap();
}

#[tokio::test]
async fn a_drills_key_ends_by_itself_and_becomes_no_other() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    let key = house.begin(wanted(&house, 1), proof).await.unwrap()[0];
    let end = house.now + DRILL_LASTS;
    let known = house.authority.view(|state| state.key(key).cloned()).unwrap();
    assert!(known.is_drill() && known.end() == Some(end) && known.name() == Some("DRILL a0"));
    let scope = Scope { powers: Powers::EVERY, operations: Vec::new(), sources: Vec::new() };
    let (later, ann) = (house.now + SignedDuration::from_hours(24), house.ann);
    let order = |house: &House| Order {
        name: None,
        holder: None,
        parent: Some(key),
        scope: scope.clone(),
        limits: Vec::new(),
        end: house.now + SignedDuration::from_mins(1),
        verifier: Peppers::new((PepperId(1), &[1; 32]), None).verifier(&SecretDigest::of(b"another")).1,
        pepper: PepperId(1),
    };
    let verifier = order(&house).verifier;
    for command in [
        Command::NameKey(key, Some("real".to_owned()), None),
        Command::NameKeyAbroad(key, "7".to_owned()),
        Command::EntrustKey { key, name: None, program: "ci".to_owned(), owner: ann },
        Command::ChangeKey { key, name: None, end: Some(later) },
        Command::EndKeys(vec![(key, later)]),
        Command::EnableKey(key),
        Command::NarrowKey(key, scope.clone()),
        Command::WidenKey(key),
        Command::ForgetKey(key),
        Command::RetireKey { key, grace: Span::days(1), end: later, verifier, pepper: PepperId(1) },
        Command::IssueKey(order(&house)),
    ] {
        let proof = house.proof().await;
        assert_eq!(house.declined(command.clone(), proof).await, Some(Declined::OfDrill(key)), "{command:?}");
    }
    let for_it = Command::IssueFor { order: order(&house), operation: "POST /keys".to_owned(), upstream: None };
    assert_eq!(house.declined(for_it, Warrant::Gate).await, Some(Declined::OfDrill(key)), "nor does it mint one");
    let lifetimes = Lifetimes::default();
    house.authority.view(|state| {
        assert_eq!(state.end_under(&known, lifetimes), None, "nobody is warned of its end");
        let with = std::collections::HashSet::new();
        assert_eq!(state.put_off(key, later, &with, lifetimes), None, "nor is it put off");
    });
    let mut after = House { now: end, ..house };
    assert_eq!(after.authority.refusal(key, after.now), Some(Refusal::Ended));

    after.restart().await;
    assert!(after.authority.view(|state| state.is_drill(key) && state.drills().count() == 1), "a kill leaves it");
    after.authority.end_drills_left(after.now).await.unwrap();
    assert!(after.authority.view(|state| state.key(key).is_none() && state.drills().next().is_none()));
    after.restart().await;
    after.authority.view(|state| {
        assert!(state.is_drill(key) && state.drill_holder(key) == Some(ann), "what comes late is still no theft");
        assert!(
            state.key(key).is_none() && state.last_drill("a0").is_none(),
            "what broke off is nothing to compare with"
        );
    });
}

#[tokio::test]
async fn what_a_drill_asks_takes_no_room_from_what_its_person_is_asked_in_earnest() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    let drills = house.begin(wanted(&house, MOST_DRILLS), proof).await.unwrap();
    let mut asked = 0;
    for key in drills {
        for number in 0..20_u8 {
            let ask = Ask { binding: Digest::of(&[number]), ..delete_user(key) };
            asked += u32::from(house.ask(&ask).await.is_ok());
        }
    }
    assert!(asked >= 32, "{asked} questions of drills");
    let real = house.key_of_ann("real").await;
    assert!(house.ask(&delete_user(real.id)).await.is_ok(), "a real one is asked all the same");
}

#[tokio::test]
async fn what_holds_a_drill_goes_with_it_and_its_card_is_there_after_a_restart() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    let key = house.begin(wanted(&house, 1), proof).await.unwrap()[0];
    let containment = Containment {
        key,
        step: LadderStep::Freeze,
        powers: Powers::SENSITIVE,
        from: house.now,
        until: house.now + SignedDuration::from_hours(1),
        reason: "DRILL".to_owned(),
        lift: String::new(),
        with: None,
    };
    assert_eq!(house.contain(&containment).await, 1);
    house.ask(&delete_user(key)).await.unwrap();
    let card = Card { calls: 7, in_time: true, ..Card::default() };
    house.authority.end_drill(key, &card, house.now).await.unwrap();
    for restarted in [false, true] {
        if restarted {
            house.restart().await;
        }
        house.authority.view(|state| {
            assert_eq!(state.contained(house.now).count(), 0, "{restarted}");
            assert!(state.questions().all(|asked| asked.closed.is_some()), "nothing is left to approve");
            assert_eq!(state.last_drill("a0").unwrap().card, card);
        });
    }
}

#[tokio::test]
async fn what_a_drills_calls_make_falls_with_it_over_a_restart() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    let key = house.begin(wanted(&house, 1), proof).await.unwrap()[0];
    let digest = |number: u8| SecretDigest::of(&[number]);
    let child = house.authority.mint_in_drill(key, &digest(1), house.now).await.unwrap().unwrap();
    let grandchild = house.authority.mint_in_drill(child, &digest(2), house.now).await.unwrap().unwrap();
    let real = house.key_of_ann("real").await;
    assert_eq!(house.authority.mint_in_drill(real.id, &digest(3), house.now).await.unwrap(), None, "of no other key");
    for number in 4..20 {
        let _ = house.authority.mint_in_drill(key, &digest(number), house.now).await.unwrap();
    }
    let many = house.authority.view(|state| state.drill_keys(key).count());
    assert_eq!(many, 9, "so many and no more: a drill is to fill no ledger");
    house.restart().await;
    house.authority.view(|state| {
        assert_eq!(state.makers(grandchild), [grandchild, child, key]);
        assert!(state.key(grandchild).unwrap().is_drill() && state.drills().count() == 1, "it is one drill");
    });
    let proof = house.proof().await;
    assert_eq!(house.declined(Command::EnableKey(child), proof).await, Some(Declined::OfDrill(child)));
    house.authority.end_drill(key, &Card::default(), house.now).await.unwrap();
    for restarted in [false, true] {
        if restarted {
            house.restart().await;
        }
        assert!((1..20).all(|number| house.authority.recognise(&digest(number)).is_none()), "{restarted}");
        house.authority.view(|state| {
            assert!([key, child, grandchild].iter().all(|key| state.key(*key).is_none() && state.is_drill(*key)));
            assert!(state.key(real.id).is_some());
        });
    }
    assert_eq!(house.authority.mint_in_drill(child, &digest(30), house.now).await.unwrap(), None, "it is over");
}

#[tokio::test]
async fn the_canary_of_a_drill_is_known_as_one_until_it_is_over() {
    let mut house = House::new().await;
    let (form, proof) = ("greave_drill".parse().unwrap(), house.proof().await);
    let wanted = wanted(&house, 1).into_iter().map(|wanted| Rehearse { canary: true, ..wanted }).collect();
    let begun = house.authority.begin_drills(&form, wanted, proof, house.now).await.unwrap();
    let (key, secret) = begun.into_iter().next().unwrap();
    let digest = SecretDigest::of(secret.expose());
    for restarted in [false, true] {
        if restarted {
            house.restart().await;
        }
        assert_eq!(house.authority.canary(&digest), Some(key), "{restarted}");
        assert!(house.authority.recognise(&digest).is_none(), "it works nowhere");
        assert!(house.authority.view(|state| state.is_drill(key) && state.key(key).is_none()));
    }
    let proof = house.proof().await;
    assert_eq!(house.declined(Command::EndCanary(key), proof).await, Some(Declined::OfDrill(key)));
    house.authority.end_drill(key, &Card { found: Some(7), ..Card::default() }, house.now).await.unwrap();
    for restarted in [false, true] {
        if restarted {
            house.restart().await;
        }
        assert!(house.authority.canary(&digest).is_none(), "{restarted}");
        assert_eq!(house.authority.view(|state| state.last_drill("a0").unwrap().card.found), Some(7));
    }
}
