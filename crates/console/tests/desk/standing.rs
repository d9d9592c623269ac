//! How the gate stands, for those who are called at night.

use std::sync::Arc;

use console::{
    Desk, Door, Pulse,
    api::{GateStatus, StatusView},
};
use http::StatusCode;
use jiff::SignedDuration;
use law::{Call, CallId, Factors, Powers, Verdict, Who};
use record::Book;

use crate::support::{Browser, House, Program, now};

fn gate() -> GateStatus {
    GateStatus {
        version: "0.1.0".to_owned(),
        since: now() - SignedDuration::from_hours(2),
        upstream: "http://127.0.0.1:8000".to_owned(),
        upstream_unreachable: Some("cannot connect".to_owned()),
        passed: 7,
        asked: 1,
        refused: 2,
        unknown: 1,
        held: 1,
        told_by: Vec::new(),
        drains: Vec::new(),
        record_cap: 1 << 30,
    }
}

#[tokio::test]
async fn how_it_stands_is_the_running_gates_to_say() {
    let house = House::new().await;
    let (key, stopped) = (house.key_of("ann", "secret").await, house.key_of("bob", "another").await);
    house.asks(key, "one").await;
    let program = Program::new(house.admin(Door::Local));
    let none = program.get("/v1/status").await;
    assert_eq!((none.status, none.json()["code"].as_str()), (StatusCode::CONFLICT, Some("no-gate")));

    house.desk.pulse.store(Some(Arc::new(Pulse(Box::new(|| Box::pin(async { gate() }))))));
    let disabled = program.call("POST", &format!("/v1/keys/{stopped}/disable"), r#"{"why":"leaked"}"#).await;
    assert_eq!(disabled.status, StatusCode::OK, "{}", disabled.text);
    house.desk.at_next_start.store(Arc::new(vec!["gate.listen"]));
    let got = program.get("/v1/status").await;
    let view: StatusView = serde_json::from_value(got.json()).unwrap();
    assert_eq!(view.gate, gate());
    assert_eq!((view.keys_working, view.keys_disabled, view.keys_ended), (1, 1, 0));
    assert_eq!((view.questions, view.at_next_start.as_slice()), (1, &["gate.listen".to_owned()][..]));
    assert!(view.ledger.signed && view.ledger.entries > 0 && view.ledger.unwritten_since.is_none());

    let outside = Program::new(house.admin(Door::Remote)).get("/v1/status").await;
    assert_eq!(outside.status, StatusCode::UNAUTHORIZED, "and nobody's who has not signed in");
}

#[tokio::test]
async fn every_page_says_that_the_record_cannot_be_written() {
    let house = House::new().await;
    let folder = house.folder.path().join("lost");
    let book = Arc::new(Book::open(&folder, record::Settings::default()).unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
    let call = Call {
        id: CallId(uuid::Uuid::nil()),
        at: now(),
        who: Who::Nobody,
        key: None,
        holder: None,
        operation: Arc::from("GET /"),
        parameters: Vec::new(),
        query: Vec::new(),
        powers: Powers::NONE,
        source: [127, 0, 0, 1].into(),
        user_agent: None,
        factors: Factors::NONE,
        verdict: Verdict::Permit,
        law: Arc::from(""),
        challenge: None,
        approval: None,
    };
    assert!(book.intent_durable(call).await.is_err());
    let House { folder: _folder, desk, ann, .. } = house;
    let desk = Arc::new(Desk { book: Some(book), ..Arc::into_inner(desk).unwrap() });
    let pages = console::pages(desk);
    let page = Browser::of(&pages, &ann).await.get("/").await;
    assert!(page.text.contains("The record cannot be written since"), "{}", page.text);
    assert!(page.text.contains("sensitive calls are refused"), "{}", page.text);
    let stranger = Browser::new(&pages).get("/sign-in").await;
    assert!(!stranger.text.contains("cannot be written"), "nothing shows before signing in");
}
