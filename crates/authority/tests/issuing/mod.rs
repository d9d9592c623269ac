//! Keys that Greave issues, and what hangs on them.

use super::*;

#[tokio::test]
async fn a_key_is_issued_with_a_code_and_is_there_after_a_restart() {
    let mut house = House::new().await;
    assert_eq!(house.issue(house.reading(), Warrant::Operator).await, Err(Some(Declined::CodeNeeded)));
    let proof = house.proof().await;
    let (id, secret) = house.issue(house.reading(), proof).await.unwrap();
    assert!(secret.starts_with("gk_test_"));
    house.restart().await;
    let key = house.recognised(&secret);
    assert_eq!((key.id, key.holder(), key.standing), (id, Some(house.ann), Standing::Active));
    let issued = key.issued().unwrap();
    assert_eq!((&issued.scope, issued.limits.len()), (&house.reading().scope, 1));
    assert_eq!(key.end(), Some(house.now + SignedDuration::from_hours(24)));
}

#[tokio::test]
async fn what_makes_no_sense_is_not_issued() {
    let mut house = House::new().await;
    let wide = Wanted { hours: 24 * 31, ..house.reading() };
    let over = Wanted { hours: 0, ..house.reading() };
    let nobodys = Wanted { holder: None, ..house.reading() };
    let nothing = Wanted { scope: Scope { powers: law::Powers::NONE, ..house.reading().scope }, ..house.reading() };
    for (wanted, declined) in [
        (wide, Declined::TooLong(Span::days(30))),
        (over, Declined::EndPassed),
        (nobodys, Declined::HolderNeeded),
        (nothing, Declined::NoPowers),
    ] {
        let proof = house.proof().await;
        assert_eq!(house.issue(wanted, proof).await, Err(Some(declined)));
    }
}

#[tokio::test]
async fn a_child_stays_within_its_parent_and_goes_with_it_on_request() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    let (parent, _) = house.issue(house.reading(), proof).await.unwrap();
    let child = |scope: Scope, hours| Wanted { holder: None, parent: Some(parent), scope, hours };
    let narrow = Scope { operations: vec!["GET /a/b".parse().unwrap()], ..house.reading().scope };
    let wider = Scope { powers: Power::Write.into(), ..narrow.clone() };

    let proof = house.proof().await;
    assert!(matches!(house.issue(child(wider, 1), proof).await, Err(Some(Declined::Wider(_)))));
    let proof = house.proof().await;
    let outlives = house.issue(child(narrow.clone(), 48), proof).await;
    assert!(matches!(outlives, Err(Some(Declined::OutlivesParent(_)))));
    let proof = house.proof().await;
    let (one, secret) = house.issue(child(narrow.clone(), 3), proof).await.unwrap();
    assert_eq!(house.recognised(&secret).holder(), Some(house.ann));
    let proof = house.proof().await;
    let grandchild = Wanted { parent: Some(one), ..child(narrow.clone(), 1) };
    let (two, _) = house.issue(grandchild, proof).await.unwrap();

    let adopted = house.key_of_ann("adopted-1234567890").await.id;
    let proof = house.proof().await;
    let of_adopted = Wanted { parent: Some(adopted), ..child(narrow, 1) };
    assert_eq!(house.issue(of_adopted, proof).await, Err(Some(Declined::NotIssued(adopted))));

    // Revoking asks for no code, and whatever the standing, it is done.
    let revoke = |key, children| Command::RevokeKey { key, children, why: "leaked".to_owned() };
    let disable = Command::DisableKey(one, String::new());
    house.authority.perform(&disable, Warrant::Operator, house.now).await.unwrap();
    house.authority.perform(&revoke(one, false), Warrant::Operator, house.now).await.unwrap();
    let standing = |house: &House, key| house.authority.view(|state| state.key(key).unwrap().standing);
    assert_eq!((standing(&house, one), standing(&house, two)), (Standing::Revoked, Standing::Active));
    house.authority.perform(&revoke(parent, true), Warrant::Operator, house.now).await.unwrap();
    house.authority.perform(&revoke(parent, true), Warrant::Operator, house.now).await.unwrap();
    assert_eq!((standing(&house, parent), standing(&house, two)), (Standing::Revoked, Standing::Revoked));
    let proof = house.proof().await;
    let enabled = house.authority.perform(&Command::EnableKey(parent), proof, house.now).await;
    assert!(matches!(enabled, Err(NotDone::Declined(Declined::Revoked(_)))));
}

#[tokio::test]
async fn the_gates_own_credential_is_sealed_and_comes_back() {
    let mut house = House::new().await;
    let credential = || Credential::new(b"sk_live_all_powerful_0123456789").unwrap();
    let declined = house.authority.set_credential(credential(), Warrant::Operator, house.now).await;
    assert!(matches!(declined, Err(NotDone::Declined(Declined::CodeNeeded))));
    assert!(house.authority.credential().is_none());
    let proof = house.proof().await;
    house.authority.set_credential(credential(), proof, house.now).await.unwrap();
    house.restart().await;
    let back = house.authority.credential().unwrap();
    assert_eq!(back.secret().expose(), b"sk_live_all_powerful_0123456789");
    // One that is lent goes before it for as long as it is lent, and not longer.
    let shown = |house: &House| house.authority.credential().unwrap().secret().expose().to_vec();
    for lent in [b"sk_live_lent_0123456789", b"sk_live_next_0123456789"] {
        house.authority.lend_credential(Credential::new(lent).ok());
        assert_eq!(shown(&house), lent);
    }
    house.authority.lend_credential(None);
    assert_eq!(shown(&house), b"sk_live_all_powerful_0123456789");
    for entry in std::fs::read_dir(house.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(12).any(|window| window == b"all_powerful"));
    }
}

#[tokio::test]
async fn a_key_that_stands_for_a_made_credential_uses_that_or_none() {
    let mut house = House::new().await;
    house.authority.lend_credential(Credential::new(b"sk_live_all_powerful_0123456789").ok());
    let proof = house.proof().await;
    let (parent, _) = house.issue(house.reading(), proof).await.unwrap();
    let Wanted { scope, hours, .. } = house.reading();
    let order = |verifier, pepper| Order {
        name: None,
        holder: None,
        parent: Some(parent),
        scope,
        limits: Vec::new(),
        end: house.now + SignedDuration::from_hours(hours),
        verifier,
        pepper,
    };
    let made = Credential::new(b"made_by_the_api_0123456789").unwrap();
    let from = ("POST /keys".to_owned(), Some("17".to_owned()));
    let form = "gk_test".parse().unwrap();
    let (child, _) = house.authority.issue_for(&form, made, from, order, house.now).await.unwrap();
    let wanted = Wanted { parent: Some(child), holder: None, hours: 1, ..house.reading() };
    let proof = house.proof().await;
    let (below, _) = house.issue(wanted, proof).await.unwrap();
    house.restart().await;
    house.authority.lend_credential(Credential::new(b"sk_live_all_powerful_0123456789").ok());
    let used = |house: &House, id| {
        let key = house.authority.view(|state| Arc::clone(state.key(id).unwrap()));
        house.authority.credential_for(&key).map(|credential| credential.secret().expose().to_vec())
    };
    assert_eq!(used(&house, parent).unwrap(), b"sk_live_all_powerful_0123456789");
    for key in [child, below] {
        assert_eq!(used(&house, key).unwrap(), b"made_by_the_api_0123456789");
    }
    let stands_for = house.authority.view(|state| state.key(child).unwrap().stands_for().unwrap().upstream.clone());
    assert_eq!(stands_for.as_deref(), Some("17"));
    let proof = house.proof().await;
    let retired = house.authority.retire(&form, (child, Span::hours(1)), house.now, proof, house.now).await;
    assert!(
        matches!(retired, Err(NotDone::Declined(Declined::MadeAtTheApi(_)))),
        "its successor would call with another credential"
    );
    assert!(house.authority.store().shelf("made", &child.to_string()).await.unwrap().is_some());

    let revoke = Command::RevokeKey { key: child, children: false, why: String::new() };
    house.authority.perform(&revoke, Warrant::Operator, house.now).await.unwrap();
    for key in [child, below] {
        assert_eq!(used(&house, key), None, "never the gate's own instead");
    }
    assert!(house.authority.store().shelf("made", &child.to_string()).await.unwrap().is_none());
}

#[tokio::test]
async fn what_holds_a_key_holds_what_it_made_survives_a_restart_and_is_lifted_with_a_code() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let sighting =
        Sighting { place: "minted".to_owned(), source: elsewhere(), parent: Some(key.id), inherits: true, claim: None };
    let until = house.now + SignedDuration::from_hours(1);
    let freeze = Containment {
        key: key.id,
        step: LadderStep::Freeze,
        powers: Powers::SENSITIVE,
        from: house.now,
        until,
        reason: "new-source: it was never there".to_owned(),
        lift: String::new(),
        with: None,
    };
    assert_eq!(house.contain(&freeze).await, 1);
    assert_eq!(house.contain(&freeze).await, 0, "said again, it is nothing new");
    assert!(!key.has_fallen(|| until) && key.has_fallen_for(true, || until));
    // Made in the same moment, or later: nobody escapes by a key of their own.
    let child = SecretDigest::of(b"child");
    house.authority.adopt(&child, &sighting, house.now).await.unwrap();
    house.restart().await;
    let says = |house: &House, secret: &str, power: Power, now| {
        house.authority.contained(&house.recognised(secret), power.into(), false, now)
    };
    for secret in ["secret", "child"] {
        assert_eq!(says(&house, secret, Power::Mint, house.now), law::Answer::Refuse);
        assert_eq!(says(&house, secret, Power::Read, house.now), law::Answer::Pass);
        assert_eq!(says(&house, secret, Power::Mint, until), law::Answer::Pass, "it has an end");
    }
    let lift = Command::LiftContainment(key.id);
    assert!(house.authority.perform(&lift, Warrant::SignedIn(house.ann), house.now).await.is_err());
    let of_child = Command::LiftContainment(house.recognised("child").id);
    let proof = house.proof().await;
    let declined = house.authority.perform(&of_child, proof, house.now).await.unwrap_err();
    assert!(declined.to_string().contains("greave watch lift k1"), "{declined}");
    let proof = house.proof().await;
    house.authority.perform(&lift, proof, house.now).await.unwrap();
    assert_eq!(says(&house, "child", Power::Mint, house.now), law::Answer::Pass);
    house.restart().await;
    let calm = house.authority.view(|state| state.calm(house.now).collect::<Vec<_>>());
    assert_eq!(
        calm,
        [(key.id, house.now + SignedDuration::from_hours(1))],
        "for an hour the watch does nothing about more of the same by itself"
    );
    assert_eq!(says(&house, "secret", Power::Mint, house.now), law::Answer::Pass);
}
