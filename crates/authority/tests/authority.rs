//! The authority as the other rooms use it, over a real state on disk.

#![expect(clippy::unwrap_used, reason = "a failed unwrap here is a failed test")]

mod drill;
mod dropped;
mod life;

use std::{net::IpAddr, path::Path, sync::Arc};

use authority::{
    Answer, Ask, Authority, Change, Command, Credential, Declined, Description, Digest, Exhibit, Failed, Files,
    Identity, Key, Lifetimes, Limits, Loaded, NotDone, NotProved, Offer, OnLeaving, Order, PepperId, Peppers, Scope,
    SecretDigest, Secrets, Sighting, Warrant, Weaker,
};
use factor::totp::{Seed, Step};
use jiff::{SignedDuration, Timestamp};
use law::{
    CallId, Containment, Factor, Freshness, HolderId, HolderKind, KeyId, Law, Power, Powers, Refusal, Span, Standing,
    Step as LadderStep, neighbourhood,
};
use store::Signer;
use tempfile::TempDir;
use uuid::Uuid;

/// A gate's authority, a clock that the test moves, and a person with an authenticator.
struct House {
    folder: TempDir,
    authority: Arc<Authority>,
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

async fn open(folder: &Path, law: Law, now: Timestamp) -> (Arc<Authority>, Loaded) {
    let authority = Authority::open(folder, secrets(), Limits::default(), now).await.unwrap();
    let loaded = authority.load(&Offer::of_law(law), now).await.unwrap();
    authority.live_by(Lifetimes { longest: Span::days(30), ..Lifetimes::default() }).await;
    (authority, loaded)
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

    async fn contain(&self, containment: &Containment) -> usize {
        self.authority.contain(std::slice::from_ref(containment), self.now).await.unwrap()
    }

    /// Ann's next code, as a warrant.
    async fn proof(&mut self) -> Warrant {
        self.pass(30);
        self.authority.prove("Ann", &self.seed.code(Step::at(self.now)), self.now).await.unwrap()
    }

    async fn key_of_ann(&self, secret: &str) -> Arc<Key> {
        let sighting = Sighting {
            place: "header authorization".to_owned(),
            source: home(),
            parent: None,
            inherits: true,
            claim: None,
        };
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
        unjudged: false,
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
async fn what_is_in_flight_is_cut_however_often_its_key_changed_before_it_fell() {
    let mut house = House::new().await;
    let key = house.key_of_ann("secret").await;
    let proof = house.proof().await;
    let name = Command::NameKey(key.id, Some("ci".to_owned()), None);
    house.authority.perform(&name, proof, house.now).await.unwrap();
    let now = house.now;
    assert!(!key.has_fallen(|| now));
    let disable = Command::DisableKey(key.id, "lost".to_owned());
    house.authority.perform(&disable, Warrant::Operator, house.now).await.unwrap();
    assert!(key.has_fallen(|| now));
    let proof = house.proof().await;
    house.authority.perform(&Command::EnableKey(key.id), proof, house.now).await.unwrap();
    assert!(key.has_fallen(|| now), "what was in flight then stays cut");
    assert!(!house.recognised("secret").has_fallen(|| now));
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
async fn a_weaker_law_waits_for_a_code() {
    let mut house = House::new().await;
    let weaker = law("observe until 2027-01-15");
    let Loaded::Waits(waiting) = house.authority.load(&Offer::of_law(weaker.clone()), house.now).await.unwrap() else {
        panic!()
    };
    assert_eq!(waiting.weaker.len(), 27);
    assert_eq!(house.authority.law().law, law("enforce"), "the last good law goes on");
    let accept = Command::AcceptLaw(waiting.digest);
    let done = house.authority.perform(&accept, Warrant::Operator, house.now).await;
    assert!(matches!(done, Err(NotDone::Declined(Declined::CodeNeeded))));
    let proof = house.proof().await;
    house.authority.perform(&accept, proof, house.now).await.unwrap();
    assert_eq!(house.authority.law().law, weaker);
    assert_eq!(house.authority.load(&Offer::of_law(law("enforce")), house.now).await.unwrap(), Loaded::InForce);
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
    let authority = Authority::open(folder.path(), rotated, Limits::default(), now).await.unwrap();
    let secret = SecretDigest::of(b"secret");
    let known = authority.recognise(&secret).unwrap();
    assert!(known.id == key.id && authority.is_stale(&known));
    let sighting = Sighting { place: String::new(), source: home(), parent: None, inherits: true, claim: None };
    let moved = authority.adopt(&secret, &sighting, now).await.unwrap();
    assert!(moved.id == key.id && !authority.is_stale(&moved));
    drop(authority);
    let mut only_new = secrets();
    only_new.peppers = Peppers::new((PepperId(2), &[9; 32]), None);
    let opened = Authority::open(folder.path(), only_new, Limits::default(), now).await;
    assert_eq!(opened.unwrap().recognise(&secret).unwrap().id, key.id);
}

#[tokio::test]
async fn other_secrets_than_the_state_was_made_with_are_refused() {
    let house = House::new().await;
    let House { folder, authority, now, .. } = house;
    let reopened = async |secrets: Secrets| {
        Authority::open(folder.path(), secrets, Limits::default(), now)
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    };
    drop(authority);
    let pepper =
        |id, byte: u8, previous| Secrets { peppers: Peppers::new((PepperId(id), &[byte; 32]), previous), ..secrets() };
    let error = reopened(pepper(7, 7, None)).await.unwrap_err();
    assert!(error.contains("`pepper`") && error.contains("`pepper-previous`"), "{error}");
    let error = reopened(Secrets { master: [7; 32].into(), ..secrets() }).await.unwrap_err();
    assert!(error.contains("`master`"), "{error}");
    reopened(secrets()).await.unwrap();
    reopened(pepper(7, 7, Some((PepperId(1), &[1; 32])))).await.unwrap();
    reopened(pepper(7, 7, None)).await.unwrap();
    assert!(reopened(secrets()).await.is_err(), "it has moved to the new one");
}

#[tokio::test]
async fn a_pepper_whose_keys_have_not_moved_yet_is_missed() {
    let house = House::new().await;
    house.key_of_ann("secret").await;
    let House { folder, authority, now, .. } = house;
    drop(authority);
    let with = |previous| Secrets { peppers: Peppers::new((PepperId(7), &[7; 32]), previous), ..secrets() };
    let open = async |secrets| Authority::open(folder.path(), secrets, Limits::default(), now).await.map(drop);
    open(with(Some((PepperId(1), &[1; 32])))).await.unwrap();
    assert!(matches!(open(with(None)).await, Err(Failed::OtherPepper)));
}

#[tokio::test]
async fn a_posture_waits_as_a_whole_and_is_refused_or_accepted() {
    let mut house = House::new().await;
    let files = |byte| Files { config: Digest([byte; 32]), lock: Digest([2; 32]), document: Digest([3; 32]) };
    let weaker = vec![Weaker { what: "api.open".to_owned(), from: "none".to_owned(), to: "/".to_owned() }];
    let offer = |byte, against, weaker: &[Weaker]| Offer {
        files: files(byte),
        law: law("enforce"),
        against,
        weaker: weaker.to_vec(),
    };
    let load = async |house: &House, offer: &Offer| house.authority.load(offer, house.now).await.unwrap();
    let in_force = |house: &House| house.authority.view(authority::State::posture);
    assert_eq!(load(&house, &offer(1, None, &[])).await, Loaded::InForce, "the first one is taken as it is");
    let (first, _) = in_force(&house).unwrap();
    assert_eq!(load(&house, &offer(9, None, &[])).await, Loaded::Overtaken, "it was compared with nothing");

    let Loaded::Waits(waiting) = load(&house, &offer(9, Some(first), &weaker)).await else { panic!() };
    assert_eq!((waiting.files, &waiting.weaker), (Some(files(9)), &weaker));
    assert_eq!(in_force(&house), Some((first, files(1))));
    house.authority.perform(&Command::RefuseLaw(waiting.digest), Warrant::Operator, house.now).await.unwrap();
    assert_eq!(house.authority.view(|state| state.waiting().cloned()), None);

    let Loaded::Waits(waiting) = load(&house, &offer(9, Some(first), &weaker)).await else { panic!("it waits again") };
    let accept = Command::AcceptLaw(waiting.digest);
    let done = house.authority.perform(&accept, Warrant::Operator, house.now).await;
    assert!(matches!(done, Err(NotDone::Declined(Declined::CodeNeeded))));
    let proof = house.proof().await;
    house.authority.perform(&accept, proof, house.now).await.unwrap();
    assert_eq!(in_force(&house), Some((waiting.digest, files(9))));
    let second = waiting.digest;
    assert_eq!(load(&house, &offer(9, Some(second), &[])).await, Loaded::InForce);
    // Undoing what waits lets it go.
    assert!(matches!(load(&house, &offer(8, Some(second), &weaker)).await, Loaded::Waits(_)));
    assert_eq!(load(&house, &offer(9, Some(second), &[])).await, Loaded::InForce);
    assert_eq!(house.authority.view(|state| state.waiting().cloned()), None);
    // A restart gives the same.
    let House { folder, authority, now, .. } = house;
    drop(authority);
    let (authority, _) = open(folder.path(), law("enforce"), now).await;
    assert_eq!(authority.view(authority::State::posture), Some((second, files(9))));
}

#[tokio::test]
async fn observing_that_has_ended_is_ended_whatever_the_clock_says() {
    let mut house = House::with_law(law("observe until 2027-01-15")).await;
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    let (before, after) = (at("2027-01-14T23:59:00Z"), at("2027-01-15T00:01:00Z"));
    let binds = |house: &House, at| house.authority.law().law.person[Power::Mint].mode.enforces(at);
    let digest = Arc::clone(&house.authority.law().digest);
    house.authority.note_enforcing(before).await.unwrap();
    assert!(!binds(&house, before));

    house.authority.note_enforcing(after).await.unwrap();
    assert!(binds(&house, before), "the clock is set back");
    assert_eq!(house.authority.law().digest, digest, "the law is the same");
    let entries = house.authority.store().entries(1, 100).await.unwrap().len();
    house.authority.note_enforcing(after).await.unwrap();
    assert_eq!(house.authority.store().entries(1, 100).await.unwrap().len(), entries, "it is noted once");

    // Over a restart, too, at which nothing is weaker and nothing waits.
    house.now = before;
    let elsewhere = tempfile::tempdir().unwrap();
    house.authority = open(elsewhere.path(), law("enforce"), before).await.0;
    house.authority = Authority::open(house.folder.path(), secrets(), Limits::default(), before).await.unwrap();
    assert!(binds(&house, before));
    let load = async |mode: &str, now| house.authority.load(&Offer::of_law(law(mode)), now).await.unwrap();
    assert_eq!(load("observe until 2027-01-15", before).await, Loaded::InForce);
    // With a clock that is right, a day that is over makes nothing easier; with another, it would.
    assert_eq!(load("observe until 2027-01-14", after).await, Loaded::InForce);
    assert!(matches!(load("observe until 2027-01-15", before).await, Loaded::Waits(_)));
    assert!(matches!(load("observe until 2027-02-01", after).await, Loaded::Waits(_)));
    assert!(binds(&house, before));
}

#[tokio::test]
async fn a_state_from_before_postures_keeps_its_law_and_takes_the_files() {
    let house = House::new().await;
    let files = Files { config: Digest([1; 32]), lock: Digest([2; 32]), document: Digest([3; 32]) };
    let offer = Offer { files, law: law("observe until 2027-01-15"), against: None, weaker: Vec::new() };
    let Loaded::Waits(waiting) = house.authority.load(&offer, house.now).await.unwrap() else { panic!() };
    assert_eq!((waiting.weaker.len(), house.authority.law().law.clone()), (27, law("enforce")));
    let (in_force, known) = house.authority.view(authority::State::posture).unwrap();
    assert!(known == files && in_force != waiting.digest);
    let again = Offer { against: Some(in_force), ..offer };
    assert_eq!(house.authority.load(&again, house.now).await.unwrap(), Loaded::Waits(waiting));
}

#[tokio::test]
async fn a_program_and_who_answers_for_it_are_made_known_with_one_code() {
    let mut house = House::new().await;
    let sighting = Sighting {
        place: "header authorization".to_owned(),
        source: home(),
        parent: None,
        inherits: true,
        claim: None,
    };
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
    let sighting = Sighting { place: "test".to_owned(), source: home(), parent: None, inherits: true, claim: None };
    let secret = SecretDigest::of(b"bobs");
    let key = house.authority.adopt(&secret, &sighting, house.now).await.unwrap();
    let identity = Identity { name: "bob".to_owned(), ..Identity::default() };
    house.authority.identify(key.id, &identity, house.now).await.unwrap();
    let key = house.recognised("bobs");
    house.authority.perform(&Command::Leave(bob, OnLeaving::Disable), Warrant::Operator, house.now).await.unwrap();
    assert!(key.has_fallen(|| house.now));
    assert!(house.authority.facts(&house.recognised("bobs")).holder_left);
    assert!(!house.recognised("bobs").has_fallen(|| house.now), "a later request is judged anew");
}

#[tokio::test]
async fn without_its_last_administrator_the_gate_is_not_anybodys() {
    let mut house = House::new().await;
    let leave =
        house.authority.perform(&Command::Leave(house.ann, OnLeaving::Disable), Warrant::Operator, house.now).await;
    assert!(matches!(leave, Err(NotDone::Declined(Declined::LastAdministrator(_)))));
    // Even where she cannot prove anything any more, setting up is over.
    let other = authority::Change::AuthenticatorDisabled { holder: house.ann };
    house.authority.note(other, house.now).await.unwrap();
    let taken = house.authority.perform(&person("mallory", true), Warrant::Operator, house.now).await;
    assert!(matches!(taken, Err(NotDone::Declined(Declined::CodeNeeded))));
    assert!(matches!(
        house.authority.load(&Offer::of_law(law("observe until 2027-01-15")), house.now).await.unwrap(),
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

impl House {
    fn reading(&self) -> Wanted {
        let scope =
            Scope { powers: Power::Read.into(), operations: vec!["GET /a/**".parse().unwrap()], sources: Vec::new() };
        Wanted { holder: Some(self.ann), parent: None, scope, hours: 24 }
    }

    async fn issue(&self, wanted: Wanted, warrant: Warrant) -> Result<(KeyId, String), Option<Declined>> {
        let form = "gk_test".parse().unwrap();
        let Wanted { holder, parent, scope, hours } = wanted;
        let end = self.now + SignedDuration::from_hours(hours);
        let order = |verifier, pepper| Order {
            name: Some("billing".to_owned()),
            holder,
            parent,
            scope,
            limits: vec!["calls 60/m".parse().unwrap()],
            end,
            verifier,
            pepper,
        };
        match self.authority.issue(&form, order, warrant, self.now).await {
            Ok((id, secret)) => Ok((id, String::from_utf8(secret.expose().to_vec()).unwrap())),
            Err(NotDone::Declined(declined)) => Err(Some(declined)),
            Err(NotDone::Failed(_)) => Err(None),
        }
    }
}

struct Wanted {
    holder: Option<HolderId>,
    parent: Option<KeyId>,
    scope: Scope,
    hours: i64,
}

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
