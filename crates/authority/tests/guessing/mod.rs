//! Codes that somebody guesses, and recovery codes.

use super::*;

#[tokio::test]
async fn guessing_at_nobody_gets_slow_like_guessing_at_somebody() {
    let house = House::new().await;
    for name in ["ann", "nobody-here"] {
        let from = elsewhere();
        let mut waits = Vec::new();
        for _ in 0..8 {
            let wrong = house.authority.prove_from(from, name, "000000", house.now).await;
            waits.push(matches!(wrong, Err(NotProved::Wait(_))));
        }
        assert_eq!(waits, [false, false, false, false, false, true, true, true], "{name}");
    }
}

#[tokio::test]
async fn a_recovery_code_serves_once() {
    let house = House::new().await;
    let proof = house.authority.prove("ann", &house.codes[3].to_lowercase(), house.now).await.unwrap();
    house.authority.perform(&Command::SignIn, proof, house.now).await.unwrap();
    assert!(house.authority.prove("ann", &house.codes[3], house.now).await.is_err());
    assert!(house.authority.prove("ann", &house.codes[4], house.now).await.is_ok());
}

#[tokio::test]
async fn guessing_gets_slow_and_restarting_does_not_help() {
    let mut house = House::new().await;
    for _ in 0..5 {
        assert!(matches!(house.authority.prove("ann", "000000", house.now).await, Err(NotProved::Wrong)));
    }
    assert!(matches!(house.authority.prove("ann", "000000", house.now).await, Err(NotProved::Wait(_))));
    assert!(matches!(house.authority.prove("nobody", "000000", house.now).await, Err(NotProved::Wrong)));
    house.restart().await;
    assert!(matches!(house.authority.prove("ann", "000000", house.now).await, Err(NotProved::Wrong)));
    assert!(matches!(house.authority.prove("ann", "000000", house.now).await, Err(NotProved::Wait(_))));
    house.pass(900);
    assert!(house.authority.prove("ann", &house.seed.code(Step::at(house.now)), house.now).await.is_ok());
}

#[tokio::test]
async fn strangers_and_a_restart_do_not_keep_a_person_out() {
    let mut house = House::new().await;
    let (home, guessed) = (elsewhere(), |number: u8| std::net::IpAddr::from([198, 51, 100, number]));
    house.pass(30);
    let right = house.seed.code(Step::at(house.now));
    assert!(house.authority.prove_from(home, "ann", &right, house.now).await.is_ok());
    for number in 0..100 {
        assert!(house.authority.prove_from(guessed(number), "ann", "000000", house.now).await.is_err());
    }
    house.restart().await;
    house.pass(60);
    let right = house.seed.code(Step::at(house.now));
    let strange = house.authority.prove_from(guessed(200), "ann", &right, house.now).await;
    assert!(matches!(strange, Err(NotProved::Wait(_))));
    assert!(house.authority.prove_from(home, "ann", &right, house.now).await.is_ok());
    // That she was right gives strangers no further guess.
    let strange = house.authority.prove_from(guessed(201), "ann", "000000", house.now).await;
    assert!(matches!(strange, Err(NotProved::Wait(_))));
    house.pass(3600);
    let strange = house.authority.prove_from(guessed(202), "ann", "000000", house.now).await;
    assert!(matches!(strange, Err(NotProved::Wrong)));
}

#[tokio::test]
async fn where_a_person_enrolled_strangers_do_not_keep_them_out() {
    let mut house = House::new().await;
    let home = elsewhere();
    house.pass(30);
    let right = house.seed.code(Step::at(house.now));
    let warrant = house.authority.prove("ann", &right, house.now).await.unwrap();
    let link = house.authority.invite(house.ann, warrant, house.now).await.unwrap();
    let seed = house.authority.new_seed().unwrap();
    let code = seed.code(Step::at(house.now));
    house.authority.enrol_from(home, &link, &seed, &code, house.now).await.unwrap();
    for number in 0..100 {
        let stranger = std::net::IpAddr::from([198, 51, 100, number]);
        assert!(house.authority.prove_from(stranger, "ann", "000000", house.now).await.is_err());
    }
    house.restart().await;
    house.pass(60);
    let right = seed.code(Step::at(house.now));
    assert!(house.authority.prove_from(home, "ann", &right, house.now).await.is_ok());
}

#[tokio::test]
async fn wrong_codes_by_header_close_the_header_and_not_the_person() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let ticket = house.ask(&delete_user(KeyId(1))).await.unwrap();
    let by_header = async |house: &House, code: &str| {
        house.authority.approve_by_header(&house.recognised("secret"), ticket.challenge, code, house.now).await
    };
    for _ in 0..5 {
        assert!(by_header(&house, "000000").await.is_err());
    }
    house.pass(30);
    let right = house.seed.code(Step::at(house.now));
    // A request that was recognised before the header was closed is too late as well.
    assert!(house.authority.approve_by_header(&key, ticket.challenge, &right, house.now).await.is_err());
    assert!(house.recognised("secret").header_closed);
    assert!(by_header(&house, &right).await.is_err());
    assert!(house.authority.prove("ann", &right, house.now).await.is_ok(), "the person is not locked out");
}

#[tokio::test]
async fn many_keys_of_one_person_give_no_more_guesses_and_the_desk_stays_open() {
    let mut house = House::new().await;
    let mut guesses = 0;
    for number in 0..6 {
        let key = house.key_of_ann(&format!("secret {number}")).await;
        let ticket = house.ask(&delete_user(key.id)).await.unwrap();
        for _ in 0..4 {
            match house.authority.approve_by_header(&key, ticket.challenge, "000000", house.now).await.unwrap_err() {
                NotProved::Wrong => guesses += 1,
                other => assert!(matches!(other, NotProved::Wait(_))),
            }
        }
    }
    assert_eq!(guesses, 20);
    let key = house.key_of_ann("secret 6").await;
    let ticket = house.ask(&delete_user(key.id)).await.unwrap();
    let right = house.seed.code(Step::at(house.now));
    let by_header = house.authority.approve_by_header(&key, ticket.challenge, &right, house.now).await;
    assert!(matches!(by_header, Err(NotProved::Wait(_))), "not even the right one");
    assert!(house.authority.prove("ann", &right, house.now).await.is_ok(), "the person is not locked out");
    house.pass(24 * 3600);
    let ticket = house.ask(&delete_user(key.id)).await.unwrap();
    let right = house.seed.code(Step::at(house.now));
    assert!(house.authority.approve_by_header(&key, ticket.challenge, &right, house.now).await.is_ok());
}
