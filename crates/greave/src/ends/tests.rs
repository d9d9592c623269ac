//! A real authority, a real record and a real receiver of webhooks; only the days are made up.

use std::{net::SocketAddr, sync::atomic::AtomicU16};

use authority::{Command, Description, PepperId, Peppers, Scope, SecretDigest, Sighting, Warrant};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use law::{Call, CallId, Factor, HolderKind, Power, Powers, Verdict, Who};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};

use super::*;
use crate::{secrets::Vault, state::StateFolder};

const DAY: i64 = 86_400;

fn day(day: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + day * DAY).unwrap()
}

/// Takes messages, and answers each with the status that is set.
struct Receiver {
    address: SocketAddr,
    status: Arc<AtomicU16>,
    got: mpsc::UnboundedReceiver<Value>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, status) = (listener.local_addr().unwrap(), Arc::new(AtomicU16::new(200)));
        let (sent, got) = mpsc::unbounded_channel();
        let answer = Arc::clone(&status);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sent, answer) = (sent.clone(), Arc::clone(&answer));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (sent, answer) = (sent.clone(), Arc::clone(&answer));
                    async move {
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        let status = answer.load(Ordering::Relaxed);
                        sent.send(serde_json::from_slice(&body).unwrap()).unwrap();
                        Response::builder().status(status).body(Full::<Bytes>::default())
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, status, got }
    }

    async fn next(&mut self) -> String {
        let message = tokio::time::timeout(Duration::from_secs(20), self.got.recv()).await.unwrap().unwrap();
        assert_eq!(message["type"], "key.ending");
        message["data"]["title"].as_str().unwrap().to_owned()
    }
}

struct House {
    authority: Arc<Authority>,
    book: Arc<Book>,
    ends: Ends,
    receiver: Receiver,
    key: KeyId,
    _worker: JoinHandle<()>,
    _folders: TempDir,
}

impl House {
    /// A key of ann's that ends on the thirtieth day.
    async fn new() -> Self {
        let folders = tempfile::tempdir().unwrap();
        let path = folders.path().join("state");
        let state = StateFolder::make(&path).unwrap();
        Vault::of(&path).furnish().unwrap();
        let authority = state.authority(day(0)).await.unwrap();
        let ann = Command::AddHolder(Description {
            name: "ann".to_owned(),
            kind: HolderKind::Person,
            owner: None,
            deputies: Vec::new(),
            mail: None,
            administrator: true,
        });
        authority.perform(&ann, Warrant::Operator, day(0)).await.unwrap();
        let sighting = Sighting {
            place: "header x-api-key".to_owned(),
            source: "192.0.2.1".parse().unwrap(),
            parent: None,
            inherits: false,
            claim: None,
        };
        let key = authority.adopt(&SecretDigest::of(b"a key of the API"), &sighting, day(0)).await.unwrap().id;
        authority.note(Change::KeyEndSet { key, end: day(30) }, day(0)).await.unwrap();

        let book = Arc::new(Book::open(folders.path().join("record"), record::Settings::default()).unwrap());
        while !book.usage_is_complete() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let receiver = Receiver::start().await;
        let webhook = tell::Webhook {
            url: format!("http://{}/", receiver.address),
            secret: tell::signature::Secret::parse("whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=").unwrap(),
            previous: None,
            kinds: None,
            danger_plain_http: false,
        };
        let settings = tell::Settings { webhooks: vec![webhook], ..tell::Settings::default() };
        let (teller, worker) = Teller::new(settings).unwrap();
        let worker = tokio::spawn(worker.run(std::future::pending()));
        let ends = Ends::new(
            Warnings::default(),
            "http://desk.example".to_owned(),
            Arc::clone(&authority),
            Arc::clone(&book),
            teller,
        );
        Self { authority, book, ends, receiver, key, _worker: worker, _folders: folders }
    }

    async fn used(&self, at: Timestamp) {
        self.key_used(self.key, at).await;
    }

    async fn key_used(&self, key: KeyId, at: Timestamp) {
        let call = Call {
            id: CallId(uuid::Uuid::from_u128(at.as_second().unsigned_abs().into())),
            at,
            who: Who::Key,
            key: Some(key),
            holder: None,
            operation: "GET /users".into(),
            parameters: Vec::new(),
            query: Vec::new(),
            powers: Powers::from(Power::Read),
            source: "192.0.2.9".parse().unwrap(),
            user_agent: Some("nightly/1".into()),
            factors: Factor::Secret.into(),
            verdict: Verdict::Permit,
            law: "0123456789abcdef".into(),
            challenge: None,
            approval: None,
        };
        self.book.intent(call).unwrap();
        self.book.synced().await.unwrap();
        while self.book.usage(key).and_then(|usage| usage.last).is_none_or(|last| last.at != at) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// An issued key beside it, perhaps a child of another.
    async fn issued(&self, id: u64, parent: Option<u64>, end: Timestamp) -> KeyId {
        let peppers = Peppers::new((PepperId(1), &[1; 32]), None);
        let (pepper, verifier) = peppers.verifier(&SecretDigest::of(&id.to_be_bytes()));
        let change = Change::KeyIssued {
            id: KeyId(id),
            verifier,
            pepper,
            name: None,
            holder: law::HolderId(1),
            parent: parent.map(KeyId),
            scope: Scope { powers: Powers::EVERY, operations: Vec::new(), sources: Vec::new() },
            limits: Vec::new(),
            end,
        };
        self.authority.note(change, day(0)).await.unwrap();
        KeyId(id)
    }

    fn end_of(&self, key: KeyId) -> Timestamp {
        self.authority.view(|state| state.key(key).unwrap().end().unwrap())
    }

    async fn look(&self, now: Timestamp) {
        self.ends.look(self.authority.view(authority::State::lifetimes), now).await;
    }

    /// Looks until what was told is known to have arrived.
    async fn look_until_told(&self, now: Timestamp, distances: usize) {
        while self.key().warned().len() < distances {
            tokio::time::sleep(Duration::from_millis(5)).await;
            self.look(now).await;
        }
    }

    fn key(&self) -> Arc<Key> {
        self.authority.view(|state| Arc::clone(state.key(self.key).unwrap()))
    }
}

#[tokio::test]
async fn a_key_in_use_is_told_of_at_two_distances_and_then_ends() {
    let mut house = House::new().await;
    house.used(day(29)).await;
    house.look(day(10)).await;
    house.look(day(16)).await;
    let told = house.receiver.next().await;
    assert!(told.contains("ends in 14d"), "{told}");
    house.look_until_told(day(16), 1).await;
    // Told once: not again on the same days.
    house.look(day(17)).await;
    house.look(day(27)).await;
    let told = house.receiver.next().await;
    assert!(told.contains("ends in 3d"), "{told}");
    house.look_until_told(day(27), 2).await;
    house.look(day(30)).await;
    assert!(house.receiver.next().await.contains("has ended"));
    assert!(house.key().is_over(day(30)));
    assert_eq!((house.key().end(), house.key().put_off_to()), (Some(day(30)), None));
    // Used or not, it stays so.
    house.used(day(31)).await;
    house.look(day(31)).await;
    assert_eq!(house.key().end(), Some(day(30)));
    assert!(house.receiver.got.is_empty());
}

#[tokio::test]
async fn a_key_in_use_goes_on_where_nobody_could_be_told_and_its_new_end_is_told_like_any_other() {
    let mut house = House::new().await;
    house.receiver.status.store(400, Ordering::Relaxed);
    house.used(day(29)).await;
    for now in [16, 27, 29] {
        house.look(day(now)).await;
        house.receiver.next().await;
        house.look(day(now)).await;
    }
    assert_eq!(house.key().warned(), []);
    let early = day(30) - SignedDuration::from_mins(1);
    house.look(early).await;
    let told = house.receiver.next().await;
    assert!(told.contains("goes on until") && told.contains("nobody could be warned"), "{told}");
    assert_eq!(house.key().end(), Some(day(37)));
    assert!(house.authority.refusal(house.key, day(30)).is_none());
    // Its people get a working address: it ends, told twice.
    house.receiver.status.store(200, Ordering::Relaxed);
    house.used(day(36)).await;
    for (now, distances) in [(34, 1), (36, 2)] {
        house.look(day(now)).await;
        house.receiver.next().await;
        house.look_until_told(day(now), distances).await;
    }
    house.look(day(37)).await;
    assert!(house.receiver.next().await.contains("has ended"));
    assert_eq!(house.authority.refusal(house.key, day(37)), Some(law::Refusal::Ended));
}

#[tokio::test]
async fn an_idle_key_ends_untold() {
    let house = House::new().await;
    house.receiver.status.store(400, Ordering::Relaxed);
    house.used(day(20)).await;
    house.look(day(30)).await;
    assert_eq!((house.key().end(), house.key().put_off_to()), (Some(day(30)), None));
    assert_eq!(house.authority.refusal(house.key, day(30)), Some(law::Refusal::Ended));
}

#[tokio::test]
async fn an_end_that_a_person_names_anew_is_told_anew_and_undoes_the_putting_off() {
    let mut house = House::new().await;
    house.used(day(29)).await;
    house.look(day(30)).await;
    house.receiver.next().await;
    assert_eq!(house.key().put_off_to(), Some(day(37)));
    let sooner = Command::ChangeKey { key: house.key, name: None, end: Some(day(31)) };
    house.authority.perform(&sooner, Warrant::Operator, day(30)).await.unwrap();
    assert_eq!((house.key().end(), house.key().put_off_to()), (Some(day(31)), None));
}

#[tokio::test]
async fn a_shorter_life_ends_nothing_in_use_at_once_and_brings_nothing_back_that_has_ended() {
    let house = House::new().await;
    let (lives, over) = (house.issued(2, None, day(80)).await, house.issued(3, None, day(40)).await);
    house.authority.note(Change::KeyEnded { key: over, end: day(40) }, day(40)).await.unwrap();
    for key in [lives, over] {
        house.key_used(key, day(40) - SignedDuration::from_mins(i64::try_from(key.0).unwrap())).await;
    }
    let shorter = Lifetimes { longest: Span::days(39), ..Lifetimes::default() };
    house.ends.look(shorter, day(41)).await;
    house.authority.live_by(shorter).await;
    assert_eq!((house.end_of(lives), house.end_of(over)), (day(48), day(39)));
    house.look(day(41)).await;
    assert_eq!(house.end_of(over), day(39));
}

#[tokio::test]
async fn a_child_in_use_goes_on_beyond_a_parent_that_was_stopped() {
    let mut house = House::new().await;
    let (parent, child) = (house.issued(2, None, day(30)).await, house.issued(3, Some(2), day(30)).await);
    house.authority.note(Change::KeyDisabled { key: parent, why: "lost".to_owned() }, day(1)).await.unwrap();
    house.key_used(child, day(29)).await;
    house.look(day(30)).await;
    assert!(house.receiver.next().await.contains("k3 of ann goes on"));
    assert_eq!(house.end_of(child), day(37));
    house.look(day(30)).await;
    assert!(house.receiver.got.is_empty());
}

#[tokio::test]
async fn what_was_decided_about_an_end_is_void_when_somebody_named_another_one() {
    let house = House::new().await;
    let put_off = vec![Change::KeyEndPutOff { key: house.key, until: day(37) }];
    house.authority.note(Change::KeyEndSet { key: house.key, end: day(29) }, day(20)).await.unwrap();
    let lifetimes = house.authority.view(authority::State::lifetimes);
    let holds = house.authority.note_ends(vec![(house.key, day(30), put_off)], lifetimes, day(29)).await.unwrap();
    assert_eq!((holds.len(), house.end_of(house.key)), (0, day(29)));
}
