//! Drills: nothing of them reaches the API, and nothing but them comes in by their door.

use std::net::IpAddr;

use ::watch::{Settings, Told, Watch};
use authority::Card;
use bytes::Bytes;
use gateway::{Dry, Event, Rehearsal, Replied, WatchMode, WatchRules, play};
use http::{Request, StatusCode};
use http_body_util::Full;
use jiff::Timestamp;
use law::{Ended, Evidence, Finding, HolderKind, KeyId, Refusal, Severity, Step, Verdict, Who};

use crate::house::House;

const SECRET: &str = "secret-of-ann-1234567890";
const DRY: Dry = Dry { status: 200, rows: 50_000, bytes: 1 << 20 };

fn thief() -> IpAddr {
    "203.0.113.66".parse().unwrap()
}

async fn play_as(house: &House, key: KeyId, (method, target): (&str, &str), secret: Option<&str>) -> Replied {
    let mut request =
        Request::builder().method(method).uri(target).header("host", "localhost").header("prefer", "wait=0");
    if let Some(secret) = secret {
        request = request.header("authorization", format!("Bearer {secret}"));
    }
    let request = request.body(Full::new(Bytes::new())).unwrap();
    play(&house.worker(), key, (thief(), DRY), request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_drill_reaches_the_api_and_the_record_says_what_it_is() {
    // Where the guards only observe, everything passes: also there.
    for house in [House::observing().await, House::refusing_unknown_keys_observing().await] {
        house.lend_credential();
        let (key, secret) = house.begin_drill("a1-smash", None).await;
        for (method, target) in
            [("GET", "/v1/things"), ("DELETE", "/v1/things/a"), ("POST", "/v1/keys"), ("GET", "/v1/nothing")]
        {
            let replied = play_as(&house, key, (method, target), Some(&secret)).await;
            assert_eq!(replied, Replied { status: 200, refusal: None }, "{method} {target}: the gate's own answer");
            let (call, outcome) = house.last_call().await;
            assert_eq!((call.who, call.key, call.source), (Who::Drill, Some(key), thief()), "{method} {target}");
            assert_eq!((outcome.rows, outcome.bytes_out, outcome.ended), (Some(50_000), 1 << 20, Ended::Whole));
        }
        assert!(house.upstream.seen().await.is_empty(), "the API saw nothing");
        assert!(house.authority.view(|state| state.keys().all(|other| other.id == key)), "and nothing was learnt");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drills_key_is_good_on_no_other_connection_and_no_other_key_on_a_drills() {
    let house = House::observing().await;
    let real = house.adopt(SECRET).await;
    let (key, secret) = house.begin_drill("a1-smash", None).await;
    for target in ["/v1/things", "/v1/nothing", "/login"] {
        let answer = house.get(target, &secret).await;
        assert_eq!(
            (answer.status, answer.refusal()),
            (StatusCode::UNAUTHORIZED, Some(Refusal::UnknownKey)),
            "{target}"
        );
    }
    let known = Some(Refusal::UnknownKey.code().to_owned());
    for shown in [Some(SECRET), Some("some-unknown-secret-1234567"), None] {
        for target in ["/v1/things", "/login"] {
            let replied = play_as(&house, key, ("GET", target), shown).await;
            assert_eq!(replied.refusal, known, "{target} with {shown:?}");
        }
    }
    assert_eq!(play_as(&house, real, ("GET", "/v1/things"), Some(&secret)).await.refusal, known, "nor another drill's");
    assert!(house.upstream.seen().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_that_is_over_is_known_to_nobody_and_holds_nothing() {
    let house = House::enforcing().await;
    let (key, secret) = house.begin_drill("a1-smash", None).await;
    assert_eq!(play_as(&house, key, ("GET", "/v1/things"), Some(&secret)).await.refusal, None);
    house.authority.end_drill(key, &Card::default(), Timestamp::now()).await.unwrap();
    assert!(house.recognised(&secret).is_none());
    assert_eq!(play_as(&house, key, ("GET", "/v1/things"), Some(&secret)).await.status, 401);
    house.authority.end_drill(key, &Card::default(), Timestamp::now()).await.unwrap();
    let again = house.authority.view(|state| state.drills().count());
    assert_eq!(again, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_is_looked_at_by_a_watch_of_its_own() {
    let house = House::observing().await;
    let real = house.adopt(SECRET).await;
    let (key, secret) = house.begin_drill("a1-smash", Some(real)).await;
    house.watching.obey(WatchRules { mode: WatchMode::On, ..WatchRules::default() });
    let watch = Watch::default();
    watch.told(&Told::Leaked { key }, Timestamp::now());
    let rehearsal = Rehearsal::new(key, "a1-smash".to_owned(), watch, Settings::default());
    house.watching.rehearse(vec![std::sync::Arc::clone(&rehearsal)]);
    let before = (*house.watching.watch()).clone();

    let refusal = play_as(&house, key, ("POST", "/v1/keys"), Some(&secret)).await.refusal;
    assert_eq!(refusal.as_deref(), Some("contained"), "what its own watch knows holds from the very call on");
    let (call, _) = house.last_call().await;
    assert_eq!(call.verdict, Verdict::Refuse(Refusal::Contained));
    let events: Vec<Event> = rehearsal.events().into_iter().map(|(_, event)| event).collect();
    assert!(
        events.contains(&Event::Call(call.id))
            && events.contains(&Event::Held { call: Some(call.id), step: Step::Pin }),
        "{events:?}"
    );
    assert_eq!(*house.watching.watch(), before, "nobody else's watch has learnt of it");
    let held = house.authority.view(|state| state.containments(key, Timestamp::now()));
    assert!(held.iter().all(|held| held.reason.starts_with("DRILL a1-smash: ")), "{held:?}");
    let told = house.watched.lock().unwrap().try_recv().unwrap();
    assert_eq!(told.finding.rule, "drill-leaked", "others must not take it for real");

    // The key that is played stolen has nothing of it.
    assert_eq!(house.get("/v1/things", SECRET).await.status, StatusCode::OK);
    assert_eq!(house.post("/v1/keys", SECRET, "{}").await.status, StatusCode::CREATED);
    assert!(house.authority.view(|state| state.containments(real, Timestamp::now()).is_empty()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_bounds_the_key_that_is_played_stolen_bounds_the_drills() {
    let house = House::observing().await;
    let real = house.adopt(SECRET).await;
    let scope: authority::Scope =
        serde_json::from_str(r#"{"powers":["read"],"operations":["GET /things"],"sources":[]}"#).unwrap();
    house.perform(&authority::Command::NarrowKey(real, scope), authority::Warrant::Operator).await;
    let (key, secret) = house.begin_drill("a1-smash", Some(real)).await;
    assert_eq!(play_as(&house, key, ("GET", "/v1/things"), Some(&secret)).await.refusal, None);
    let refusal = play_as(&house, key, ("DELETE", "/v1/things/a"), Some(&secret)).await.refusal;
    assert_eq!(refusal.as_deref(), Some(Refusal::OutOfScope.code()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_says_in_a_drill_is_an_event_of_it_and_what_is_done_about_it_is() {
    let house = House::observing().await;
    let (key, _) = house.begin_drill("a1-smash", None).await;
    house.watching.obey(WatchRules { mode: WatchMode::On, ..WatchRules::default() });
    let rehearsal = Rehearsal::new(key, "a1-smash".to_owned(), Watch::default(), Settings::default());
    house.watching.rehearse(vec![std::sync::Arc::clone(&rehearsal)]);
    let before = (*house.watching.watch()).clone();
    let now = Timestamp::now();
    let evidence = Evidence { at: now, call: None, what: "a person said that a call was not theirs".to_owned() };
    let finding = Finding::new("not-me", Severity::Critical, Some(key), evidence);
    house.watching.answer_said(finding, HolderKind::Person, now).await.unwrap();
    house.watching.told(&Told::NotMe { key }, now);
    house.watching.forget(key);
    let events: Vec<Event> = rehearsal.events().into_iter().map(|(_, event)| event).collect();
    let found = Event::Found { call: None, rule: "not-me".to_owned(), severity: Severity::Critical };
    assert_eq!(events, [found, Event::Held { call: None, step: Step::Disable }]);
    assert_eq!(*house.watching.watch(), before, "nobody else's watch has heard of it");
}
