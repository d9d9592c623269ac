//! A real authority, whose changes are heard as the gate hears them.

use authority::{Command, Description, Offer, SecretDigest, Sighting, Warrant};
use factor::totp::{Seed, Step};
use jiff::SignedDuration;
use law::Evidence;
use tempfile::TempDir;

use super::*;
use crate::{secrets::Vault, state::StateFolder};

#[test]
fn who_reads_the_log_at_night_sees_first_that_a_drill_is_none() {
    let at = Timestamp::UNIX_EPOCH;
    let of = |rule: &str| {
        let first = Evidence { call: None, at, what: "rights are changed in new surroundings".to_owned() };
        in_a_line(&Finding::new(rule, Severity::High, None, first))
    };
    assert_eq!(of("sensitive-elsewhere"), "rights are changed in new surroundings");
    assert_eq!(of("drill-sensitive-elsewhere"), "DRILL rights are changed in new surroundings");
}

struct House {
    authority: Arc<Authority>,
    known: Known,
    changes: broadcast::Receiver<Arc<Written>>,
    heard: broadcast::Receiver<Heard>,
    now: Timestamp,
    _folder: TempDir,
}

fn person(name: &str, administrator: bool) -> Description {
    Description {
        name: name.to_owned(),
        kind: HolderKind::Person,
        owner: None,
        deputies: Vec::new(),
        mail: Some(format!("{name}@example.com")),
        administrator,
    }
}

impl House {
    /// Ann and bob are administrators with authenticators, carol is none.
    async fn new() -> (Self, Seed, Seed) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let state = StateFolder::make(&path).unwrap();
        Vault::of(&path).furnish().unwrap();
        let now = "2026-11-24T10:00:00Z".parse().unwrap();
        let authority = state.authority(now).await.unwrap();
        let law = Law::same_for_all(Law::default_guard, "enforce".parse().unwrap());
        authority.load(&Offer::of_law(law), now).await.unwrap();
        for (name, administrator) in [("ann", true), ("bob", true), ("carol", false)] {
            authority.perform(&Command::AddHolder(person(name, administrator)), Warrant::Operator, now).await.unwrap();
        }
        let (changes, heard) = (authority.listen(), authority.hear());
        let known = authority.view(Known::of);
        let mut house = Self { authority, known, changes, heard, now, _folder: folder };
        let ann = house.enrol("ann", Warrant::Operator).await.0;
        let by_ann = house.fresh("ann", &ann).await;
        let bob = house.enrol("bob", by_ann).await.0;
        house.told();
        (house, ann, bob)
    }

    fn id(&self, name: &str) -> HolderId {
        self.authority.view(|state| state.holder_named(name).unwrap().id)
    }

    async fn enrol(&mut self, name: &str, by: Warrant) -> (Seed, Vec<String>) {
        let link = self.authority.invite(self.id(name), by, self.now).await.unwrap();
        let seed = self.authority.new_seed().unwrap();
        let code = seed.code(Step::at(self.now));
        let source = "192.0.2.66".parse().unwrap();
        let codes = self.authority.enrol_from(source, &link, &seed, &code, self.now).await.unwrap();
        (seed, codes.iter().map(|code| code.show().to_string()).collect())
    }

    async fn fresh(&mut self, name: &str, seed: &Seed) -> Warrant {
        self.now += SignedDuration::from_secs(60);
        let source = "192.0.2.7".parse().unwrap();
        self.authority.prove_from(source, name, &seed.code(Step::at(self.now)), self.now).await.unwrap()
    }

    /// What is told of what happened since the last time.
    fn told(&mut self) -> Vec<Letter> {
        let mut letters = Vec::new();
        while let Ok(heard) = self.heard.try_recv() {
            letters.extend(self.authority.view(|state| self.known.hear(&heard, state)));
        }
        while let Ok(written) = self.changes.try_recv() {
            letters.extend(self.authority.view(|state| self.known.see(&written, state)));
        }
        letters
    }
}

fn mails(letter: &Letter) -> Vec<&str> {
    let mut all: Vec<&str> = letter.to.iter().filter_map(|to| to.mail.as_deref()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[tokio::test]
async fn an_administrator_whose_authenticator_is_replaced_hears_of_it_and_so_do_the_others() {
    let (mut house, _, bob) = House::new().await;
    let by_bob = house.fresh("bob", &bob).await;
    house.enrol("ann", by_bob).await;
    let told = house.told();
    let kinds: Vec<&str> = told.iter().map(|letter| letter.kind.word()).collect();
    assert_eq!(kinds, ["person.factor", "person.factor"], "{told:?}");
    for letter in &told {
        assert_eq!(mails(letter), ["ann@example.com", "bob@example.com"]);
        assert_eq!(letter.severity, Severity::Critical);
        assert!(letter.lines.iter().any(|line| line.starts_with("greave holders left ann --as NAME")));
    }
    assert_eq!(told[0].title, "ann: a link was made to enrol an authenticator");
    assert_eq!((&told[0].details["by"], &told[0].details["source"]), (&json!("bob"), &json!("192.0.2.7")));
    assert_eq!(told[1].title, "the authenticator of ann was replaced");
    assert_eq!((&told[1].details["link_by"], &told[1].details["source"]), (&json!("bob"), &json!("192.0.2.66")));
}

#[tokio::test]
async fn one_who_becomes_an_administrator_is_told_of_to_all_of_them_and_a_mail_address_to_the_old_one() {
    let (mut house, ann, _) = House::new().await;
    let (carol, by_ann) = (house.id("carol"), house.fresh("ann", &ann).await);
    let mut wanted = person("carol", true);
    wanted.mail = Some("thief@example.net".to_owned());
    house.authority.perform(&Command::ChangeHolder(carol, wanted), by_ann, house.now).await.unwrap();
    let told = house.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].title, "carol is an administrator from now on");
    assert_eq!(told[0].kind, Kind::PersonRights);
    assert_eq!(mails(&told[0]), ["ann@example.com", "bob@example.com", "carol@example.com", "thief@example.net"]);
    assert!(told[0].lines.iter().any(|line| line.contains("thief@example.net; before: carol@example.com")));
}

#[tokio::test]
async fn a_recovery_code_that_was_used_is_told_and_never_said() {
    let (mut house, ann, _) = House::new().await;
    let by_ann = house.fresh("ann", &ann).await;
    let codes = house.enrol("carol", by_ann).await.1;
    house.told();
    let carol = house.authority.prove("carol", &codes[0], house.now).await.unwrap();
    house.authority.perform(&Command::SignIn, carol, house.now).await.unwrap();
    let told = house.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].title, "carol: a recovery code was used");
    assert_eq!(mails(&told[0]), ["carol@example.com"]);
    assert!(!format!("{told:?}").contains(&codes[0]));
}

#[tokio::test]
async fn a_storm_of_wrong_codes_is_one_letter() {
    let (mut house, ..) = House::new().await;
    for number in 1..=40 {
        let source = std::net::IpAddr::from([198, 51, 100, number]);
        let wrong = house.authority.prove_from(source, "ann", "000000", house.now).await;
        assert!(wrong.is_err());
        house.now += SignedDuration::from_secs(1);
    }
    let told = house.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((told[0].kind, told[0].title.as_str()), (Kind::CodeWrong, "5 wrong codes for ann, and perhaps more"));
    assert!(told[0].lines[1].contains("198.51.100.1, 198.51.100.2"));
}

#[tokio::test]
async fn a_weaker_law_that_was_accepted_is_told_with_what_is_weaker() {
    let (mut house, ann, _) = House::new().await;
    let weaker = Law::same_for_all(|_| "secret".parse().unwrap(), "enforce".parse().unwrap());
    house.authority.load(&Offer::of_law(weaker), house.now).await.unwrap();
    let digest = house.authority.view(|state| state.waiting().unwrap().digest);
    assert!(house.told().is_empty());
    let by_ann = house.fresh("ann", &ann).await;
    house.authority.perform(&Command::AcceptLaw(digest), by_ann, house.now).await.unwrap();
    let told = house.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].title, "a weaker law is in force, accepted by ann");
    assert_eq!(mails(&told[0]), ["ann@example.com", "bob@example.com"]);
    assert!(told[0].lines.iter().any(|line| line == "person mint"), "{:?}", told[0].lines);
    assert!(told[0].lines.iter().any(|line| line == "    to    secret; enforce"), "{:?}", told[0].lines);
}

#[tokio::test]
async fn where_two_must_say_yes_both_are_asked_at_once() {
    let (mut house, ann, _) = House::new().await;
    let by_ann = house.fresh("ann", &ann).await;
    let (owner, deputies) = (Some(house.id("ann")), vec![house.id("bob")]);
    let ci = Description { kind: HolderKind::Workload, owner, deputies, mail: None, ..person("ci", false) };
    house.authority.perform(&Command::AddHolder(ci), by_ann, house.now).await.unwrap();
    let asked = |needed| {
        let to = house.authority.view(|state| answerers(state, Some(house.id("ci")), Times::First.people(needed)));
        to.into_iter().map(|to| to.name).collect::<Vec<_>>()
    };
    assert_eq!(asked(1), ["ann"]);
    assert_eq!(asked(2), ["ann", "bob"]);
}

#[tokio::test]
async fn a_mail_of_a_contained_key_says_which_whose_why_and_what_to_type() {
    let (house, ..) = House::new().await;
    let source = "192.0.2.9".parse().unwrap();
    let place = "header x-api-key".to_owned();
    let sighting = Sighting { place, source, parent: None, inherits: false, claim: None };
    let key = house.authority.adopt(&SecretDigest::of(b"a key"), &sighting, house.now).await.unwrap().id;
    let why = "rights are changed from 198.51.100.9, where this key never came from ".repeat(5);
    let until = house.now + SignedDuration::from_hours(24);
    let letter = house
        .authority
        .view(|state| keys::contained(state, key, law::Step::Freeze, law::Powers::EVERY, until, &why))
        .to(vec![Recipient { name: "ann".to_owned(), mail: Some("ann@example.com".to_owned()) }]);
    assert_eq!(letter.title, format!("key {key} is contained: freeze"));
    assert!(letter.lines.iter().all(|line| line.chars().count() <= 200), "notices cut longer ones");
    let all = letter.lines.join("\n").split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [why.trim(), "nobody knows", "2026-11-25 10:0", &format!("greave watch lift {key} --as NAME")] {
        assert!(all.contains(part), "{part}: {all}");
    }
    assert_eq!(letter.details["key"], json!(key));
    assert_eq!(letter.details["step"], json!("freeze"));
    assert_eq!(letter.details["why"], json!(why));
}
