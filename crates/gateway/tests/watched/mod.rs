//! The watch in the way of requests: what it finds holds from the very call on.

use std::sync::Arc;

use ::watch::{Expected, Reading, Surroundings, Told};
use authority::{Command, SecretDigest, Sighting, Warrant};
use gateway::{WatchMode, WatchRules};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use law::{Containment, Evidence, Finding, KeyId, Power, Powers, Refusal, Severity, Step};
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use crate::house::House;

const SECRET: &str = "secret-of-ann-1234567890";

const CHILD: &str = "a-child-of-it-1234567890";

/// A key that this one made.
async fn adopt_child(house: &House, parent: KeyId) {
    let sighting = Sighting {
        place: "minted".to_owned(),
        source: "127.0.0.1".parse().unwrap(),
        parent: Some(parent),
        inherits: true,
        claim: None,
    };
    let child = SecretDigest::of(CHILD.as_bytes());
    house.authority.adopt(&child, &sighting, Timestamp::now()).await.unwrap();
    house.upstream.accepts(CHILD, "ann");
}

fn on() -> WatchRules {
    WatchRules { mode: WatchMode::On, ..WatchRules::default() }
}

fn containment(key: KeyId, step: Step) -> Containment {
    let now = Timestamp::now();
    Containment {
        key,
        step,
        powers: if step <= Step::Freeze { Powers::SENSITIVE } else { Powers::EVERY },
        from: now,
        until: now + SignedDuration::from_hours(1),
        reason: "a test".to_owned(),
        lift: String::new(),
        with: None,
    }
}

/// A call that ends well, so that it is known where the key is at home.
async fn at_home(house: &House) {
    assert_eq!(house.get("/v1/things", SECRET).await.status, StatusCode::OK);
    house.last_call().await;
}

async fn contain(house: &House, key: KeyId, step: Step) {
    assert_eq!(house.authority.contain(&[containment(key, step)], Timestamp::now()).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_call_that_shows_it_is_the_first_that_is_refused_and_children_are_held_with_the_key() {
    let house = House::observing().await;
    let key = house.adopt(SECRET).await;
    adopt_child(&house, key).await;
    house.watching.obey(on());
    at_home(&house).await;
    assert_eq!(house.post("/v1/keys", SECRET, "{}").await.status, StatusCode::CREATED, "the guards only observe");
    house.watching.told(&Told::Leaked { key }, Timestamp::now());
    assert_eq!(house.post("/v1/keys", SECRET, "{}").await.refusal(), Some(Refusal::Contained));
    let steps: Vec<(Step, Powers)> = house.authority.view(|state| {
        state.containments(key, Timestamp::now()).into_iter().map(|held| (held.step, held.powers)).collect()
    });
    let foothold = Powers::NONE.with(Power::Mint).with(Power::Grant);
    assert_eq!(steps, [(Step::Freeze, foothold), (Step::Pin, Powers::EVERY)], "new keys are frozen first");
    assert_eq!(house.post("/v1/keys", CHILD, "{}").await.refusal(), Some(Refusal::Contained));
    assert_eq!(house.get("/v1/things", SECRET).await.status, StatusCode::OK, "production keeps reading");
    let (call, _) = house.last_call().await;
    assert_eq!(call.key, Some(key));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_what_it_would_do_and_holds_nothing() {
    let house = House::observing().await;
    let key = house.adopt(SECRET).await;
    house.watching.told(&Told::Leaked { key }, Timestamp::now());
    assert_eq!(house.post("/v1/keys", SECRET, "{}").await.status, StatusCode::CREATED);
    assert!(house.authority.view(|state| state.containments(key, Timestamp::now())).is_empty());
    let found = house.watched.lock().unwrap().try_recv().unwrap();
    let said: Vec<&str> = found.finding.evidence().map(|evidence| evidence.what.as_str()).collect();
    assert!(said.iter().any(|what| what.contains("the answer would be `pin`")), "{said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_up_asks_where_guards_only_observe_and_ends_with_a_yes() {
    let house = House::observing().await;
    let key = house.adopt(SECRET).await;
    house.watching.obey(on());
    at_home(&house).await;
    contain(&house, key, Step::StepUp).await;
    assert_eq!(house.get("/v1/things", SECRET).await.status, StatusCode::OK, "what is usual goes on");
    let held = house.start_post("/v1/keys", SECRET, "{}");
    let question = house.question().await;
    house.approve(&[question]).await;
    assert_eq!(held.await.unwrap().status, StatusCode::CREATED);
    assert!(house.authority.view(|state| state.containments(key, Timestamp::now())).is_empty());
    assert_eq!(house.post("/v1/keys", SECRET, "{}").await.status, StatusCode::CREATED, "nobody is asked again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_and_running_calls_fall_with_a_contained_key_as_far_as_it_is_contained() {
    let house = House::enforcing().await;
    let key = house.adopt(SECRET).await;
    house.watching.obey(on());
    at_home(&house).await;
    let mut stream = house.start_stream("/v1/events", SECRET).await;
    assert!(stream.next().await);
    let held = house.start_post("/v1/keys", SECRET, "{}");
    house.question().await;
    contain(&house, key, Step::Freeze).await;
    assert_eq!(held.await.unwrap().refusal(), Some(Refusal::Contained));
    assert_eq!(house.get("/v1/things", SECRET).await.status, StatusCode::OK, "what is usual goes on under a freeze");
    contain(&house, key, Step::Disable).await;
    assert!(!stream.next().await);
    assert_eq!(house.get("/v1/things", SECRET).await.refusal(), Some(Refusal::Contained));
    let warrant = house.authority.prove("ann", &house.code(), Timestamp::now()).await.unwrap();
    house.perform(&Command::LiftContainment(key), warrant).await;
    assert_eq!(house.get("/v1/things", SECRET).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_lifts_a_containment_without_a_code() {
    let house = House::enforcing().await;
    let key = house.adopt(SECRET).await;
    contain(&house, key, Step::Freeze).await;
    let lift = Command::LiftContainment(key);
    for warrant in [Warrant::Operator, Warrant::Gate, Warrant::SignedIn(house.ann)] {
        assert!(house.authority.perform(&lift, warrant, Timestamp::now()).await.is_err(), "{warrant:?}");
    }
}

/// Lets nothing be written into the ledger, or lets it again.
async fn let_write(house: &House, may: bool) {
    let path = house.folder.path().join("state.db");
    let mut database = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    let forbids = "CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'full'); END";
    let statement = if may { "DROP TRIGGER full" } else { forbids };
    sqlx::query(statement).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_written_down_holds_all_the_same_until_it_is_written() {
    let house = House::observing().await;
    let key = house.adopt(SECRET).await;
    house.watching.obey(on());
    at_home(&house).await;
    house.watching.told(&Told::Leaked { key }, Timestamp::now());
    let_write(&house, false).await;
    assert_eq!(house.post("/v1/keys", SECRET, "{}").await.refusal(), Some(Refusal::RecordUnavailable));
    let again = house.post("/v1/keys", SECRET, "{}").await.refusal();
    assert!(matches!(again, Some(Refusal::RecordUnavailable | Refusal::Contained)), "{again:?}");
    assert_eq!(house.get("/v1/things", SECRET).await.status, StatusCode::OK, "what is usual goes on");
    assert!(house.authority.view(|state| state.containments(key, Timestamp::now())).is_empty());
    let_write(&house, true).await;
    house.watching.write_again(Timestamp::now() + SignedDuration::from_secs(2)).await;
    assert_eq!(house.authority.view(|state| state.containments(key, Timestamp::now())).len(), 2);
    assert_eq!(house.post("/v1/keys", SECRET, "{}").await.refusal(), Some(Refusal::Contained));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_case_that_stands_is_answered_again_when_nothing_holds_the_key_any_more() {
    let house = House::observing().await;
    let key = house.adopt(SECRET).await;
    house.watching.told(&Told::Leaked { key }, Timestamp::now());
    assert_eq!(house.post("/v1/keys", SECRET, "{}").await.status, StatusCode::CREATED, "a dry run");
    // What was found is told already: it is answered all the same.
    house.watching.obey(on());
    assert_eq!(house.post("/v1/keys", SECRET, "{}").await.refusal(), Some(Refusal::Contained));
    let over = Timestamp::now() + SignedDuration::from_hours(25);
    assert!(house.authority.view(|state| state.containments(key, over)).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_child_has_running_falls_with_the_key_that_made_it_and_its_questions_do() {
    let house = House::enforcing().await;
    let key = house.adopt(SECRET).await;
    adopt_child(&house, key).await;
    let mut stream = house.start_stream("/v1/events", CHILD).await;
    assert!(stream.next().await);
    let held = house.start_post("/v1/keys", CHILD, "{}");
    house.question().await;
    contain(&house, key, Step::Freeze).await;
    assert_eq!(held.await.unwrap().refusal(), Some(Refusal::Contained));
    contain(&house, key, Step::Disable).await;
    assert!(!stream.next().await);
}

/// Somebody who tries credentials, each once.
async fn guess(house: &House, from: u32, to: u32) {
    for number in from..to {
        let answer = house.get("/v1/things", &format!("guess-number-{number}")).await;
        assert!(matches!(answer.refusal(), Some(Refusal::UnknownKey | Refusal::TooManyGuesses)), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thief_who_tries_keys_behind_an_honest_address_is_told_and_honest_keys_go_on() {
    let house = House::refusing_unknown_keys_observing().await;
    let honest = house.adopt(SECRET).await;
    house.watching.obey(on());
    at_home(&house).await;
    for _ in 0..30 {
        house.get("/v1/things", "an-old-key-that-a-program-still-has").await;
    }
    guess(&house, 0, 18).await;
    assert!(house.found().is_empty(), "one old key is one credential, however often it is sent");
    guess(&house, 18, 80).await;
    let told = house.findings();
    let [finding] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((finding.rule.as_str(), finding.key), ("guessing", None));
    assert!(finding.evidence().next().unwrap().call.is_some());
    assert_eq!(house.get("/v1/things", SECRET).await.status, StatusCode::OK, "an honest key is at home there");
    assert_eq!(house.post("/v1/keys", SECRET, "{}").await.status, StatusCode::CREATED);
    assert!(house.watched.lock().unwrap().try_recv().is_err(), "nothing is said of it");
    let guessing = house.watching.watch().guessers(Timestamp::now());
    assert_eq!((guessing.len(), guessing[0].block.as_str()), (1, "127.0.0.0/24"));
    assert!(guessing[0].worked.is_empty() && guessing[0].credentials > 70, "{guessing:?}");

    let hit = house.adopt("guessed-at-last-1234567890").await;
    assert_eq!(house.get("/v1/things", "guessed-at-last-1234567890").await.status, StatusCode::OK);
    let found = house.watched.lock().unwrap().try_recv().unwrap().finding;
    assert_eq!((found.rule.as_str(), found.key, found.severity), ("guessing", Some(hit), law::Severity::Critical));
    assert_eq!(house.watching.watch().guessers(Timestamp::now())[0].worked, [hit]);
    let held = house.authority.view(|state| state.containments(honest, Timestamp::now()));
    assert!(held.is_empty(), "{held:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credential_that_the_api_takes_after_many_that_it_did_not_is_named() {
    let house = House::observing().await;
    for number in 0..30 {
        let answer = house.get("/v1/things", &format!("guess-number-{number}-1234567890")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(house.found(), ["guessing"]);
    house.upstream.accepts("guessed-at-last-1234567890", "ann");
    assert_eq!(house.get("/v1/things", "guessed-at-last-1234567890").await.status, StatusCode::OK);
    let key = house.recognised("guessed-at-last-1234567890").unwrap().id;
    let told = house.findings();
    let [finding] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((finding.key, finding.severity), (Some(key), law::Severity::Critical));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_is_off_looks_for_no_guesses() {
    let house = House::refusing_unknown_keys().await;
    house.watching.obey(WatchRules { mode: WatchMode::Off, ..WatchRules::default() });
    guess(&house, 0, 40).await;
    assert!(house.found().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_in_an_answer_that_is_too_long_to_be_held_back_is_known_before_its_client_has_it() {
    let made = "mint_9f3c1e7a52d84b06a1cf";
    // Before all that is long, and behind it, in pieces, in an answer that never ends.
    for way in ["as=long", "as=endless"] {
        let house = House::observing().await;
        let key = house.adopt(SECRET).await;
        house.watching.obey(on());
        let _open = house.post_until(&format!("/v1/keys?{way}"), SECRET, made.as_bytes()).await;
        let child = house.recognised(made).unwrap_or_else(|| panic!("{way}: nobody knows the key"));
        assert_eq!(child.parent(), Some(key), "{way}");
        contain(&house, key, Step::Disable).await;
        house.upstream.accepts(made, "ann");
        assert_eq!(
            house.get("/v1/things", made).await.refusal(),
            Some(Refusal::Contained),
            "{way}: held with its maker"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finding_names_the_network_by_its_number_and_expected_blocks_are_known_to_the_gate() {
    let house = House::observing().await;
    let key = house.adopt(SECRET).await;
    let mut reading = Reading::default();
    reading.line("127.0.0.0\t127.0.0.255\t64500\tZZ\tEXAMPLE").unwrap();
    let surroundings = Surroundings { networks: Some(reading.whole()), expected: Vec::new() };
    house.watching.obey(WatchRules { surroundings: Arc::new(surroundings), ..on() });
    house.watching.told(&Told::Leaked { key }, Timestamp::now());
    house.get("/v1/things", SECRET).await;
    let found = house.watched.lock().unwrap().try_recv().unwrap().finding;
    let what = found.evidence().next().unwrap().what.clone();
    assert!(what.contains("127.0.0.1 (AS64500)"), "{what}");

    // A key that was never used from here, while somebody guesses here: only where it is expected, it is not named.
    for keys in [Vec::new(), vec![KeyId(1)], vec![KeyId(9)]] {
        let house = House::refusing_unknown_keys_observing().await;
        let blocks = vec!["127.0.0.0/8".parse().unwrap()];
        let is_expected = keys != [KeyId(9)];
        let expected = vec![Expected { blocks, keys: keys.into_iter().collect() }];
        let surroundings = Arc::new(Surroundings { networks: None, expected });
        house.watching.obey(WatchRules { surroundings, ..on() });
        guess(&house, 0, 40).await;
        house.adopt(SECRET).await;
        house.get("/v1/things", SECRET).await;
        assert_eq!(house.watched.lock().unwrap().try_recv().is_err(), is_expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_reported_of_one_persons_keys_leaves_room_for_all_others() {
    let house = House::observing().await;
    house.watching.obey(on());
    let leaks = async |secret: String, name: &str| {
        let key = house.adopt_for(&secret, name).await;
        let (now, what) = (Timestamp::now(), "a stranger found it".to_owned());
        let finding = Finding::new("leaked", Severity::Critical, Some(key), Evidence { at: now, call: None, what });
        house.watching.answer_said(finding, now).await.unwrap();
        let held = house.authority.view(|state| state.contained_itself(key, now));
        held.iter().any(|held| held.step >= Step::Pin)
    };
    let mut pinned = 0;
    for number in 0..12 {
        pinned += u32::from(leaks(format!("secret-{number}-of-ann-1234567890"), "ann").await);
    }
    assert_eq!(pinned, 5, "half of the room");
    assert!(leaks("secret-of-ben-1234567890".to_owned(), "ben").await);
}
