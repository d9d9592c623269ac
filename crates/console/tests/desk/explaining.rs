//! What can be done, what was done, and why.

use std::sync::Arc;

use authority::{Order, Scope};
use console::{Door, api};
use http::StatusCode;
use law::{Call, CallId, Ended, Factors, KeyId, Outcome, Power, Powers, Refusal, Verdict, Who};
use serde_json::json;
use uuid::Uuid;

use crate::support::{House, Program, home, law, now, pass};

pub(crate) fn call(number: u128, key: Option<KeyId>, operation: &str, powers: Powers, verdict: Verdict) -> Call {
    Call {
        id: CallId(Uuid::from_u128(number)),
        at: now(),
        who: if key.is_some() { Who::Key } else { Who::Unknown },
        key,
        holder: None,
        operation: Arc::from(operation),
        parameters: vec![(Arc::from("path"), "/hidden".to_owned())],
        query: Vec::new(),
        powers,
        source: home(),
        user_agent: Some("curl/8".to_owned()),
        factors: Factors::NONE,
        verdict,
        law: Arc::from("0011223344556677"),
        challenge: None,
        approval: None,
    }
}

/// A house whose gate has observed some calls.
async fn observed() -> (House, Program, KeyId) {
    let house = House::with(law("observe until 2027-01-15"), crate::support::ORIGIN).await;
    let key = house.key_of("bob", "sk_live_rarely_seen").await;
    let book = house.desk.book.clone().unwrap();
    let person = Factors::from(law::Factor::Person);
    let mint = [Power::Mint].into_iter().collect::<Powers>();
    for number in 0..3 {
        pass(60);
        let made = call(number, Some(key), "POST /users/{name}/tokens", mint, Verdict::WouldAsk(person));
        book.intent(made).unwrap();
        let outcome = Outcome {
            call: CallId(Uuid::from_u128(number)),
            at: now(),
            status: 201,
            bytes_in: 0,
            bytes_out: 10,
            rows: None,
            minted: None,
            learned: None,
            micros: 900,
            ended: Ended::Whole,
        };
        book.outcome(outcome);
    }
    let refuse = Verdict::WouldRefuse(Refusal::NotKnownYet);
    book.intent(call(10, None, "DELETE /users/{name}", mint, refuse)).unwrap();
    book.intent(call(11, Some(key), "GET /users", Power::Read.into(), Verdict::Permit)).unwrap();
    book.intent(call(12, Some(key), "GET *", Powers::EVERY, Verdict::WouldAsk(person))).unwrap();
    book.synced().await.unwrap();
    let local = Program::new(house.admin(Door::Local));
    (house, local, key)
}

async fn read<T: serde::de::DeserializeOwned>(program: &Program, path: &str) -> T {
    let got = program.get(path).await;
    assert_eq!(got.status, StatusCode::OK, "{path}: {}", got.text);
    serde_json::from_str(&got.text).unwrap()
}

#[tokio::test]
async fn the_preview_names_whom_enforcing_would_have_stopped() {
    let (_house, local, key) = observed().await;
    let preview: api::Preview = read(&local, "/v1/guards/preview?since=7d").await;
    assert_eq!((preview.calls, preview.stopped, preview.damage.len()), (6, 5, 0));
    let [minting, others @ ..] = preview.lines.as_slice() else { panic!("{preview:?}") };
    assert_eq!((minting.key, minting.operation.as_str(), minting.calls), (Some(key), "POST /users/{name}/tokens", 3));
    assert_eq!(minting.holder.as_deref(), Some("bob"));
    assert_eq!(minting.last.duration_since(minting.first).as_secs(), 120);
    assert_eq!(minting.now, Verdict::Challenge(law::Factor::Person.into()));
    assert!(others.iter().any(|line| line.who == Who::Unknown && line.now == Verdict::Refuse(Refusal::NotKnownYet)));
    pass(8 * 86_400);
    let later: api::Preview = read(&local, "/v1/guards/preview?since=7d").await;
    assert_eq!((later.calls, later.lines.len()), (0, 0));
    assert_eq!(local.get("/v1/guards/preview?since=soon").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn of_an_issued_key_the_preview_knows_what_it_was_issued_for() {
    let (house, local, _) = observed().await;
    let form: wire::IssuedForm = "gk_test".parse().unwrap();
    let (now, authority) = (now(), &house.desk.authority);
    let warrant = authority.prove("ann", &house.ann.code(), now).await.unwrap();
    let scope = Scope { powers: Power::Read.into(), operations: Vec::new(), sources: Vec::new() };
    let order = |verifier, pepper| Order {
        name: None,
        holder: Some(house.ann.id),
        parent: None,
        scope,
        limits: Vec::new(),
        end: now + jiff::SignedDuration::from_hours(1),
        verifier,
        pepper,
    };
    let (key, _) = authority.issue(&form, order, warrant, now).await.unwrap();
    let book = house.desk.book.clone().unwrap();
    let would_ask = Verdict::WouldAsk(law::Factor::Person.into());
    book.intent(call(20, Some(key), "DELETE /users/{name}", Power::Destroy.into(), would_ask)).unwrap();
    book.synced().await.unwrap();
    let preview: api::Preview = read(&local, "/v1/guards/preview?since=7d").await;
    let line = preview.lines.iter().find(|line| line.key == Some(key)).unwrap();
    assert_eq!((line.then, line.now), (would_ask, Verdict::Refuse(Refusal::OutOfScope)), "nobody will be asked");
}

#[tokio::test]
async fn reach_tells_what_passes_with_the_key_alone_and_what_was_used() {
    let (house, local, key) = observed().await;
    let reach: api::Reach = read(&local, &format!("/v1/reach/{key}")).await;
    assert_eq!(reach.key.as_ref().unwrap().id, key);
    let of = |reach: &api::Reach, name: &str| {
        reach.operations.iter().find(|operation| operation.operation == name).unwrap().clone()
    };
    let minting = of(&reach, "POST /users/{name}/tokens");
    assert!(minting.powers.contains(Power::Mint) && minting.without_second_factor, "it only observes");
    assert!(minting.evidence.iter().any(|line| line.power == Power::Mint));
    assert_eq!(minting.used.unwrap().passed, 3);
    assert_eq!(reach.undescribed.len(), 1);
    assert_eq!(reach.undescribed[0].request, "GET /hidden");

    house.desk.authority.load(&authority::Offer::of_law(law("enforce")), now()).await.unwrap();
    let all: api::Reach = read(&local, "/v1/reach?kind=vendor").await;
    assert!(!of(&all, "POST /users/{name}/tokens").without_second_factor);
    assert!(of(&all, "GET /users").without_second_factor);
    assert_eq!(of(&all, "GET /users").used.unwrap().passed, 1);
    let mint = all.powers.iter().find(|power| power.guard.power == Power::Mint).unwrap();
    assert_eq!((mint.operations, mint.without_second_factor, mint.used), (1, 0, 1));
    assert_eq!(local.get("/v1/reach/k99").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn explaining_says_what_would_happen_and_calls_nothing() {
    let house = House::new().await;
    let key = house.key_of("bob", "secret").await;
    let local = Program::new(house.admin(Door::Local));
    let before = house.desk.book.as_ref().unwrap().counts().written;
    let explain = async |method: &str, path: &str, more: &str| -> api::Explanation {
        read(&local, &format!("/v1/explain?method={method}&path={path}{more}")).await
    };
    let as_key = format!("&key={key}&source=192.0.2.1");
    let minting = explain("post", "/users/ann/tokens", &as_key).await;
    assert_eq!(minting.operation.as_deref(), Some("POST /users/{name}/tokens"));
    assert_eq!(minting.parameters, [("name".to_owned(), "ann".to_owned())]);
    assert_eq!(minting.verdict, Verdict::Challenge(law::Factor::Person.into()));
    assert_eq!(minting.in_words, "it would wait: bob would be asked for a code, for this very request");
    let mint = minting.powers.iter().find(|power| power.guard.power == Power::Mint).unwrap();
    assert!(!mint.holds && mint.guard.enforced && !mint.evidence.is_empty());

    let reading = explain("GET", "/users", &as_key).await;
    assert_eq!((reading.verdict, reading.notes.len()), (Verdict::Permit, 0));
    let unknown = explain("GET", "/nothing/like/it", &as_key).await;
    assert_eq!((unknown.operation, unknown.powers.len()), (None, 9));
    assert!(unknown.notes[0].contains("does not describe it"));
    assert_eq!(unknown.nearest, Vec::<String>::new());
    let nearest = async |method: &str, path: &str| explain(method, path, &as_key).await.nearest;
    assert_eq!(nearest("POST", "/user/ann/token?x=1").await.first().unwrap(), "POST /users/{name}/tokens");
    assert!(nearest("PATCH", "/users").await.contains(&"GET /users".to_owned()), "another method is described");
    assert_eq!(nearest("GET", "/users").await, Vec::<String>::new(), "it is described");
    assert_eq!(nearest("GET", &format!("/users/{}/x", "a".repeat(5000))).await, Vec::<String>::new());
    let nobody = explain("GET", "/users", "").await;
    assert_eq!(nobody.verdict, Verdict::Refuse(Refusal::NoCredential));
    assert_eq!(explain("GET", "/health", "").await.verdict, Verdict::Permit);
    assert_eq!(explain("GET", "/login/form", "").await.verdict, Verdict::Permit, "an open prefix");
    assert_eq!(explain("GET", "/loginx", "").await.verdict, Verdict::Refuse(Refusal::NoCredential));
    for twisted in ["/users/../health", "/users//ann", "/users/%252e%252e"] {
        assert_eq!(explain("GET", twisted, &as_key).await.verdict, Verdict::Refuse(Refusal::BadPath), "{twisted}");
    }
    assert_eq!(explain("TRACE", "/users", &as_key).await.verdict, Verdict::Refuse(Refusal::MethodRefused));
    let alone = explain("DELETE", "/users/ann", &format!("&key={key}")).await;
    assert!(alone.notes.iter().any(|note| note.contains("--source")));
    assert_eq!(house.desk.book.as_ref().unwrap().counts().written, before);
}

#[tokio::test]
async fn calls_are_filtered_and_the_newest_come() {
    let (house, local, key) = observed().await;
    let all: api::CallList = read(&local, "/v1/calls").await;
    assert_eq!((all.found, all.calls.len()), (6, 6));
    let minting: api::CallList = read(&local, &format!("/v1/calls?key={key}&status=2xx&last=2")).await;
    assert_eq!((minting.found, minting.calls.len()), (3, 2));
    assert_eq!(minting.calls[1].outcome.as_ref().unwrap().call, CallId(Uuid::from_u128(2)));
    let path = "/v1/calls?decision=would-refuse&source=192.0.2.0/24&who=unknown&operation=delete";
    let refused: api::CallList = read(&local, path).await;
    assert_eq!(refused.found, 1);
    for wrong in ["decision=maybe", "status=9", "source=here", "power=might", "last=many"] {
        assert_eq!(local.get(&format!("/v1/calls?{wrong}")).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let keys: api::KeyList = read(&local, "/v1/keys").await;
    let last = keys.keys[0].last_used.as_ref().unwrap();
    assert_eq!((last.source, last.user_agent.as_deref()), (home(), Some("curl/8")));
    drop(house);
}

#[tokio::test]
async fn the_ledger_is_read_and_verified_without_what_is_kept_of_secrets() {
    let house = House::new().await;
    house.key_of("bob", "secret").await;
    let local = Program::new(house.admin(Door::Local));
    let invite = json!({"as": "ann", "code": house.ann.code()}).to_string();
    local.call("POST", "/v1/holders/bob/invite", &invite).await;
    let all: api::LedgerList = read(&local, "/v1/ledger?from=1&limit=1000").await;
    assert_eq!(all.entries.len() as u64, all.len);
    for change in ["enrolled", "invited", "key-adopted"] {
        let entry = all.entries.iter().find(|entry| entry.change == change).unwrap();
        for kept in ["verifier", "token", "recovery"] {
            assert!(!entry.particulars.contains_key(kept), "{entry:?}");
        }
    }
    let newest: api::LedgerList = read(&local, "/v1/ledger?limit=2").await;
    assert_eq!(newest.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [all.len - 1, all.len]);
    assert_eq!(newest.entries[1].by, authority::Actor::Person(house.ann.id));
    let verified: api::LedgerVerified = read(&local, "/v1/ledger/verify").await;
    assert_eq!((verified.entries, &verified.head), (all.len, &all.entries.last().unwrap().hash));
    let checkpoint: api::Checkpoint = read(&local, "/v1/ledger/checkpoint").await;
    assert!(checkpoint.note.unwrap().starts_with(&format!("test/ledger\n{}\n{}\n", all.len, verified.head)));
}

#[tokio::test]
async fn health_tells_what_observes_and_when_the_law_came() {
    let house = House::with(law("observe until 2027-01-15"), crate::support::ORIGIN).await;
    let local = Program::new(house.admin(Door::Local));
    let health: api::HealthView = read(&local, "/v1/health").await;
    assert!(health.observing.everything && !health.law_waits);
    assert_eq!((health.record, health.operations), (api::RecordHealth::Well, 4));
    let law_before: api::LawView = read(&local, "/v1/law").await;
    assert_eq!(law_before.loaded, Some("2026-11-24T10:00:00Z".parse().unwrap()));
    assert!(law_before.digest.starts_with(&health.law));
    house.desk.authority.load(&authority::Offer::of_law(law("enforce")), now()).await.unwrap();
    let law_after: api::LawView = read(&local, "/v1/law").await;
    assert_eq!((law_after.loaded, law_after.observing.is_any()), (Some(now()), false));
    assert_eq!(law_after.observing.to_string(), "every guard is enforced");
}

#[tokio::test]
async fn no_answer_holds_a_secret() {
    let (house, local, key) = observed().await;
    house.asks(key, "one").await;
    let link = json!({"as": "ann", "code": house.ann.code()}).to_string();
    let invited = local.call("POST", "/v1/holders/bob/invite", &link).await;
    let link = invited.json()["link"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let digest = authority::Digest::of(link.as_bytes()).to_string();
    let mut secrets =
        vec![link, digest, "sk_live_rarely_seen".to_owned(), house.ann.seed.base32(), house.bob.seed.base32()];
    secrets.extend(house.ann.codes.iter().cloned());
    let paths = [
        "/v1/health",
        "/v1/keys",
        "/v1/keys/k1",
        "/v1/holders",
        "/v1/questions",
        "/v1/questions/c1",
        "/v1/law",
        "/v1/guards/preview",
        "/v1/reach",
        "/v1/reach/k1",
        "/v1/calls",
        "/v1/ledger?from=1&limit=1000",
        "/v1/ledger/verify",
        "/v1/ledger/checkpoint",
        "/v1/openapi.yaml",
    ];
    for path in paths {
        let got = local.get(path).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        for secret in &secrets {
            assert!(!got.text.contains(secret), "{path} holds {secret}");
        }
    }
}

#[tokio::test]
async fn while_the_gate_is_stopped_the_record_is_read_all_the_same() {
    let (house, _, key) = observed().await;
    let desk = Arc::new(console::Desk {
        authority: Arc::clone(&house.desk.authority),
        catalogue: Arc::clone(&house.desk.catalogue),
        record: house.desk.record.clone(),
        book: None,
        settings: arc_swap::ArcSwap::new(house.desk.settings.load_full()),
        abroad: arc_swap::ArcSwapOption::empty(),
        events: None,
        alarm: None,
        guesses: None,
        pulse: arc_swap::ArcSwapOption::empty(),
        at_next_start: arc_swap::ArcSwap::default(),
        told: Arc::default(),
        drills: arc_swap::ArcSwapOption::empty(),
        clock: house.desk.clock,
        past: false,
    });
    let within = Program::new(console::admin(desk, Door::Local));
    let health: api::HealthView = read(&within, "/v1/health").await;
    assert_eq!(health.record, api::RecordHealth::Closed);
    let keys: api::KeyList = read(&within, "/v1/keys").await;
    assert!(!keys.usage_complete && keys.keys[0].last_used.is_none(), "unknown is not unused");
    let reach: api::Reach = read(&within, &format!("/v1/reach/{key}")).await;
    assert_eq!(reach.operations.iter().filter(|operation| operation.used.is_some()).count(), 2);
    let calls: api::CallList = read(&within, "/v1/calls").await;
    assert_eq!(calls.found, 6);
}

#[tokio::test]
async fn what_is_no_path_is_told_as_that() {
    let house = House::new().await;
    let local = Program::new(house.admin(Door::Local));
    for path in ["users", "https://h/users"] {
        let got = local.get(&format!("/v1/explain?method=GET&path={path}")).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", got.text);
        assert!(got.text.contains("a path begins with `/`, such as `/users/bob`"), "{}", got.text);
    }
}
