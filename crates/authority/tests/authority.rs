//! The authority as the other rooms use it, over a real state on disk.

#![expect(clippy::unwrap_used, reason = "a failed unwrap here is a failed test")]

use std::{net::IpAddr, path::Path, sync::Arc};

use authority::{
    Answer, Ask, Authority, Change, Command, Declined, Description, Digest, Exhibit, Identity, Key, Limits, Loaded,
    NotDone, NotProved, PepperId, Peppers, SecretDigest, Secrets, Sighting, Warrant,
};
use factor::totp::{Seed, Step};
use jiff::{SignedDuration, Timestamp};
use law::{CallId, Factor, Freshness, HolderId, HolderKind, KeyId, Law, Power, Refusal, Standing, neighbourhood};
use store::Signer;
use tempfile::TempDir;
use uuid::Uuid;

/// A gate's authority, a clock that the test moves, and a person with an authenticator.
struct House {
    folder: TempDir,
    authority: Authority,
    now: Timestamp,
    ann: HolderId,
    seed: Seed,
    codes: Vec<String>,
}

fn secrets() -> Secrets {
    Secrets {
        peppers: Peppers::new((PepperId(1), &[1; 32]), None),
        master: [2; 32].into(),
        signer: Signer::new("test/ledger", &[3; 32]).unwrap(),
    }
}

fn law(mode: &str) -> Law {
    Law::same_for_all(Law::default_guard, mode.parse().unwrap())
}

async fn open(folder: &Path, law: Law, now: Timestamp) -> (Authority, Loaded) {
    Authority::open(folder, secrets(), Limits::default(), law, now).await.unwrap()
}

fn person(name: &str, administrator: bool) -> Command {
    Command::AddHolder(Description {
        name: name.to_owned(),
        kind: HolderKind::Person,
        owner: None,
        deputies: Vec::new(),
        mail: None,
        administrator,
    })
}

async fn enrol(authority: &Authority, name: &str, warrant: Warrant, now: Timestamp) -> (HolderId, Seed, Vec<String>) {
    let id = authority.view(|state| state.holder_named(name).unwrap().id);
    let link = authority.invite(id, warrant, now).await.unwrap();
    let seed = authority.new_seed().unwrap();
    let codes = authority.enrol(&link, &seed, &seed.code(Step::at(now)), now).await.unwrap();
    (id, seed, codes.iter().map(|code| code.show().to_string()).collect())
}

impl House {
    async fn new() -> Self {
        Self::with_law(law("enforce")).await
    }

    async fn with_law(law: Law) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = "2026-11-24T10:00:00Z".parse().unwrap();
        let (authority, loaded) = open(folder.path(), law, now).await;
        assert_eq!(loaded, Loaded::InForce);
        authority.perform(&person("ann", true), Warrant::Operator, now).await.unwrap();
        let (ann, seed, codes) = enrol(&authority, "ann", Warrant::Operator, now).await;
        let mut house = Self { folder, authority, now, ann, seed, codes };
        house.pass(60);
        house
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    async fn restart(&mut self) {
        let at = self.authority.law().law.clone();
        // The state has one writer: the old one goes before the new one comes.
        let elsewhere = tempfile::tempdir().unwrap();
        self.authority = open(elsewhere.path(), law("enforce"), self.now).await.0;
        self.authority = open(self.folder.path(), at, self.now).await.0;
    }

    /// Ann's next code, as a warrant.
    async fn proof(&mut self) -> Warrant {
        self.pass(30);
        self.authority.prove("Ann", &self.seed.code(Step::at(self.now)), self.now).await.unwrap()
    }

    async fn key_of_ann(&self, secret: &str) -> Arc<Key> {
        let sighting =
            Sighting { place: "header authorization".to_owned(), source: home(), parent: None, inherits: true };
        let key = self.authority.adopt(&SecretDigest::of(secret.as_bytes()), &sighting, self.now).await.unwrap();
        let identity = Identity { name: "ann".to_owned(), ..Identity::default() };
        assert_eq!(self.authority.identify(key.id, &identity, self.now).await.unwrap(), self.ann);
        self.recognised(secret)
    }

    fn recognised(&self, secret: &str) -> Arc<Key> {
        self.authority.recognise(&SecretDigest::of(secret.as_bytes())).unwrap()
    }

    async fn ask(&self, ask: &Ask) -> Result<authority::Ticket, Refusal> {
        self.authority.ask(ask, &Exhibit::default(), self.now).await.unwrap()
    }
}

fn home() -> IpAddr {
    "192.0.2.1".parse().unwrap()
}

fn elsewhere() -> IpAddr {
    "203.0.113.9".parse().unwrap()
}

fn delete_user(key: KeyId) -> Ask {
    Ask {
        key,
        binding: Digest::of(b"DELETE /users/bob"),
        operation: "DELETE /users/{name}".to_owned(),
        powers: [Power::Grant, Power::Destroy].into_iter().collect(),
        missing: Factor::Person.into(),
        source: home(),
        known_source: true,
        usual_source: true,
    }
}

fn call(number: u128) -> CallId {
    CallId(Uuid::from_u128(number))
}

#[tokio::test]
async fn a_yes_passes_one_call_and_opens_a_window() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let mut ticket = house.ask(&delete_user(key.id)).await.unwrap();
    let proof = house.proof().await;
    house.authority.perform(&Command::Approve(vec![ticket.challenge]), proof, house.now).await.unwrap();
    assert_eq!(ticket.answer().await, Answer::Approved);
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

    let other = house.ask(&Ask { binding: Digest::of(b"other"), ..delete_user(key.id) }).await.unwrap();
    let not_me = Command::NotMe(other.challenge);
    house.authority.perform(&not_me, Warrant::SignedIn(house.ann), house.now).await.unwrap();
    assert!(key.has_fallen(|| house.now), "what is in flight is cut");
    assert_eq!(house.recognised("secret").standing, Standing::Disabled);
    assert_eq!(house.authority.spend(other.challenge, call(1), house.now).await.unwrap(), None);
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
async fn a_recovery_code_serves_once() {
    let house = House::new().await;
    let proof = house.authority.prove("ann", &house.codes[3].to_lowercase(), house.now).await.unwrap();
    house.authority.perform(&Command::SignIn, proof, house.now).await.unwrap();
    assert!(house.authority.prove("ann", &house.codes[3], house.now).await.is_err());
    assert!(house.authority.prove("ann", &house.codes[4], house.now).await.is_ok());
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
async fn what_was_written_is_there_after_a_restart() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let ticket = house.ask(&delete_user(key.id)).await.unwrap();
    let exhibit = Exhibit { method: "DELETE".to_owned(), path: "/users/bob".to_owned(), ..Exhibit::default() };
    let other = Ask { binding: Digest::of(b"other"), ..delete_user(key.id) };
    let shown = house.authority.ask(&other, &exhibit, house.now).await.unwrap().unwrap().challenge;
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
async fn a_weaker_law_waits_for_a_code() {
    let mut house = House::new().await;
    let weaker = law("observe until 2027-01-15");
    let Loaded::Waits(waiting) = house.authority.load_law(weaker.clone(), house.now).await.unwrap() else { panic!() };
    assert_eq!(waiting.weaker.len(), 27);
    assert_eq!(house.authority.law().law, law("enforce"), "the last good law goes on");
    let accept = Command::AcceptLaw(waiting.digest);
    let done = house.authority.perform(&accept, Warrant::Operator, house.now).await;
    assert!(matches!(done, Err(NotDone::Declined(Declined::CodeNeeded))));
    let proof = house.proof().await;
    house.authority.perform(&accept, proof, house.now).await.unwrap();
    assert_eq!(house.authority.law().law, weaker);
    assert_eq!(house.authority.load_law(law("enforce"), house.now).await.unwrap(), Loaded::InForce);
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
    let opened = Authority::open(folder.path(), rotated, Limits::default(), law("enforce"), now).await;
    let (authority, _) = opened.unwrap();
    let secret = SecretDigest::of(b"secret");
    let known = authority.recognise(&secret).unwrap();
    assert!(known.id == key.id && authority.is_stale(&known));
    let sighting = Sighting { place: String::new(), source: home(), parent: None, inherits: true };
    let moved = authority.adopt(&secret, &sighting, now).await.unwrap();
    assert!(moved.id == key.id && !authority.is_stale(&moved));
    drop(authority);
    let mut only_new = secrets();
    only_new.peppers = Peppers::new((PepperId(2), &[9; 32]), None);
    let opened = Authority::open(folder.path(), only_new, Limits::default(), law("enforce"), now).await;
    assert_eq!(opened.unwrap().0.recognise(&secret).unwrap().id, key.id);
}

#[tokio::test]
async fn a_program_and_who_answers_for_it_are_made_known_with_one_code() {
    let mut house = House::new().await;
    let sighting = Sighting { place: "header authorization".to_owned(), source: home(), parent: None, inherits: true };
    let key = house.authority.adopt(&SecretDigest::of(b"robot"), &sighting, house.now).await.unwrap();
    assert!(house.authority.facts(&key).presentable.is_empty(), "nobody answers for it yet");
    let entrust = |owner| Command::EntrustKey { key: key.id, name: None, program: "sync".to_owned(), owner };
    let proof = house.proof().await;
    house.authority.perform(&entrust(house.ann), proof, house.now).await.unwrap();
    let facts = house.authority.facts(&house.recognised("robot"));
    assert_eq!((facts.kind, facts.presentable), (HolderKind::Workload, Factor::Person.into()));
    let proof = house.proof().await;
    house.authority.perform(&entrust(house.ann), proof, house.now).await.unwrap();
    assert_eq!(house.authority.view(|state| state.holders().count()), 2, "a known program stays the same");
    let person = Command::EntrustKey { key: key.id, name: None, program: "ann".to_owned(), owner: house.ann };
    let proof = house.proof().await;
    let declined = house.authority.perform(&person, proof, house.now).await;
    assert!(matches!(declined, Err(NotDone::Declined(Declined::IsAPerson(_)))));
}

#[tokio::test]
async fn what_a_leaver_has_in_flight_is_cut() {
    let mut house = House::new().await;
    let proof = house.proof().await;
    house.authority.perform(&person("bob", false), proof, house.now).await.unwrap();
    let bob = house.authority.view(|state| state.holder_named("bob").unwrap().id);
    let sighting = Sighting { place: "test".to_owned(), source: home(), parent: None, inherits: true };
    let secret = SecretDigest::of(b"bobs");
    let key = house.authority.adopt(&secret, &sighting, house.now).await.unwrap();
    let identity = Identity { name: "bob".to_owned(), ..Identity::default() };
    house.authority.identify(key.id, &identity, house.now).await.unwrap();
    let key = house.recognised("bobs");
    house.authority.perform(&Command::Leave(bob), Warrant::Operator, house.now).await.unwrap();
    assert!(key.has_fallen(|| house.now));
    assert!(house.authority.facts(&house.recognised("bobs")).holder_left);
    assert!(!house.recognised("bobs").has_fallen(|| house.now), "a later request is judged anew");
}

#[tokio::test]
async fn without_its_last_administrator_the_gate_is_not_anybodys() {
    let mut house = House::new().await;
    let leave = house.authority.perform(&Command::Leave(house.ann), Warrant::Operator, house.now).await;
    assert!(matches!(leave, Err(NotDone::Declined(Declined::LastAdministrator(_)))));
    // Even where she cannot prove anything any more, setting up is over.
    let other = authority::Change::AuthenticatorDisabled { holder: house.ann };
    house.authority.note(other, house.now).await.unwrap();
    let taken = house.authority.perform(&person("mallory", true), Warrant::Operator, house.now).await;
    assert!(matches!(taken, Err(NotDone::Declined(Declined::CodeNeeded))));
    assert!(matches!(
        house.authority.load_law(law("observe until 2027-01-15"), house.now).await.unwrap(),
        Loaded::Waits(_)
    ));
    // Guessed-at codes serve no more, a recovery code does.
    house.pass(60);
    assert!(house.authority.prove("ann", &house.seed.code(Step::at(house.now)), house.now).await.is_err());
    let proof = house.authority.prove("ann", &house.codes[0], house.now).await.unwrap();
    house.authority.perform(&Command::SignIn, proof, house.now).await.unwrap();
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
    house.authority.ask(&delete_user(KeyId(1)), &exhibit, house.now).await.unwrap().unwrap();
    let seed = house.seed.base32();
    for file in std::fs::read_dir(house.folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in ["a-secret-that-is-easy-to-find", "a-body-for-people-only", &seed] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
        assert!(!bytes.windows(20).any(|window| window == house.seed.expose()));
    }
}
