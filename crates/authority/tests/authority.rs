//! The authority as the other rooms use it, over a real state on disk.

#![expect(clippy::unwrap_used, reason = "a failed unwrap here is a failed test")]

mod asking;
mod drill;
mod dropped;
mod forgetting;
mod guessing;
mod issuing;
mod keeping;
mod leaving;
mod life;
mod losing;
mod shelving;

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
        self.authority.ask(ask, Exhibit::default, self.now).await.unwrap()
    }

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
        source_since: None,
        unjudged: false,
    }
}

fn call(number: u128) -> CallId {
    CallId(Uuid::from_u128(number))
}
