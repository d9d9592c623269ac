//! Drills: nothing of them reaches the API, and nothing but them comes in by their door.

use std::{net::IpAddr, sync::Arc};

use ::watch::{Settings, Told, Watch};
use authority::Card;
use bytes::Bytes;
use gateway::{Dry, Event, Rehearsal, Replied, WatchMode, WatchRules, play};
use http::{Request, StatusCode};
use http_body_util::Full;
use jiff::Timestamp;
use law::{Ended, Evidence, Finding, KeyId, Refusal, Severity, Step, Verdict, Who};
use wire::Secret;

use crate::house::House;

const SECRET: &str = "secret-of-ann-1234567890";

fn thief() -> IpAddr {
    "203.0.113.66".parse().unwrap()
}

async fn play_as(house: &House, key: KeyId, (method, target): (&str, &str), secret: Option<&str>) -> Replied {
    play_for(house, key, (method, target), secret, None).await
}

/// The same; what the answer brings is this.
async fn play_for(
    house: &House,
    key: KeyId,
    (method, target): (&str, &str),
    secret: Option<&str>,
    brings: Option<&str>,
) -> Replied {
    let mut request =
        Request::builder().method(method).uri(target).header("host", "localhost").header("prefer", "wait=0");
    if let Some(secret) = secret {
        request = request.header("authorization", format!("Bearer {secret}"));
    }
    let request = request.body(Full::new(Bytes::new())).unwrap();
    let minted = brings.map(|secret| Arc::new(Secret::new(secret.as_bytes())));
    let dry = Dry { status: 200, rows: 50_000, bytes: 1 << 20, minted, reads_pass: false };
    play(&house.worker(), key, (thief(), dry), request).await.unwrap()
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
            let own = Replied { status: 200, refusal: None, whole: true, read: None };
            assert_eq!(replied, own, "{method} {target}: the gate's own answer");
            let (call, outcome) = house.last_call().await;
            assert_eq!((call.who, call.key, call.source), (Who::Drill, Some(key), thief()), "{method} {target}");
            // Rows are counted as in the API's own answers: where the document describes a list.
            let rows = (target == "/v1/things").then_some(50_000);
            assert_eq!((outcome.rows, outcome.bytes_out, outcome.ended), (rows, 1 << 20, Ended::Whole), "{target}");
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
    house.watching.rehearse(vec![Arc::clone(&rehearsal)]);
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
    house.watching.answer_said(finding, now).await.unwrap();
    house.watching.told(&Told::NotMe { key }, now);
    house.watching.forget(key);
    let events: Vec<Event> = rehearsal.events().into_iter().map(|(_, event)| event).collect();
    let found = Event::Found { call: None, rule: "not-me".to_owned(), severity: Severity::Critical };
    assert_eq!(events, [found, Event::Held { call: None, step: Step::Disable }]);
    assert_eq!(*house.watching.watch(), before, "nobody else's watch has heard of it");
}

const MADE: &str = "greave_drill_7Jx2kP9fQw4tZ8mB1vC6nR3s";
const OTHER: &str = "greave_drill_4tZ8mB1vC6nR3s7Jx2kP9fQw";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_a_drills_answer_brings_is_a_child_of_the_drills_and_falls_with_it() {
    let house = House::observing().await;
    let (key, secret) = house.begin_drill("a3-key-mints-key", None).await;
    let rehearsal = Rehearsal::new(key, "a3-key-mints-key".to_owned(), Watch::default(), Settings::default());
    house.watching.rehearse(vec![Arc::clone(&rehearsal)]);
    let brings = "a-longer-answer-hides-nothing-01";
    assert!(play_for(&house, key, ("GET", "/v1/things"), Some(&secret), Some(brings)).await.whole);
    assert!(house.recognised(brings).is_none(), "what makes no key brings none");

    let replied = play_for(&house, key, ("GET", "/v1/tickets/new"), Some(&secret), Some(MADE)).await;
    assert_eq!(replied.refusal, None);
    let long = house.recognised(MADE).unwrap();
    assert!(long.is_drill() && long.parent() == Some(key), "in a long answer it is found as a real one is");
    let minted = Some(Arc::new(Secret::new(OTHER.as_bytes())));
    let short = Dry { status: 200, rows: 1, bytes: 100, minted, reads_pass: false };
    let request =
        Request::post("/v1/keys").header("host", "localhost").header("authorization", format!("Bearer {secret}"));
    let request = request.body(Full::new(Bytes::new())).unwrap();
    play(&house.worker(), key, (thief(), short), request).await.unwrap();
    let child = house.recognised(OTHER).unwrap();
    assert!(child.is_drill() && child.parent() == Some(key) && child.holder() == Some(house.ann));
    let end = house.authority.view(|state| state.key(key).unwrap().end());
    assert_eq!(child.end(), end, "it lives no longer");
    let (_, outcome) = house.last_call().await;
    assert_eq!(outcome.minted, Some(child.id));

    // It is as good as the other, on a drill's connection, and looked at by the same watch.
    let refusal = play_as(&house, child.id, ("GET", "/v1/things"), Some(OTHER)).await.refusal;
    let (call, _) = house.last_call().await;
    assert_eq!((refusal, call.who, call.key), (None, Who::Drill, Some(child.id)));
    assert!(rehearsal.events().iter().any(|(_, event)| *event == Event::Call(call.id)));
    assert_eq!(house.get("/v1/things", OTHER).await.refusal(), Some(Refusal::UnknownKey), "and nowhere else");
    house.authority.end_drill(key, &Card::default(), Timestamp::now()).await.unwrap();
    assert!([MADE, OTHER, &secret].iter().all(|secret| house.recognised(secret).is_none()));
    assert!(house.authority.view(|state| state.is_drill(child.id)), "what comes late of it is still no theft");
    assert!(house.upstream.seen().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_go_by_for_a_drills_watch_alone() {
    let house = House::observing().await;
    let (key, secret) = house.begin_drill("home-creep", None).await;
    house.watching.obey(WatchRules { mode: WatchMode::On, ..WatchRules::default() });
    let watch = Watch::default();
    let now = Timestamp::now();
    watch.told(&Told::Leaked { key }, now);
    let rehearsal = Rehearsal::new(key, "home-creep".to_owned(), watch, Settings::default());
    house.watching.rehearse(vec![Arc::clone(&rehearsal)]);
    rehearsal.put_forward(jiff::SignedDuration::from_hours(24 * 9));
    assert_eq!(play_as(&house, key, ("POST", "/v1/keys"), Some(&secret)).await.refusal.as_deref(), Some("contained"));
    let told = house.watched.lock().unwrap().try_recv().unwrap();
    let soon = now + jiff::SignedDuration::from_hours(1);
    assert!(told.finding.evidence().all(|evidence| evidence.at < soon), "nobody is told of a day to come");
    let held = house.authority.view(|state| state.containments(key, Timestamp::now()));
    assert!(!held.is_empty() && held.iter().all(|held| held.from < soon), "{held:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_does_nothing_but_read_passes_and_nobody_sees_the_answer() {
    let house = House::observing().await;
    let (key, secret) = house.begin_drill("a1-smash", None).await;
    let dry = || Dry { status: 200, rows: 7, bytes: 100, minted: None, reads_pass: true };
    let played = async |method: &str, target: &str, body: &'static str| {
        let request = Request::builder().method(method).uri(target).header("host", "localhost");
        let request = request.header("prefer", "wait=0").header("authorization", format!("Bearer {secret}"));
        let request = request.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap();
        play(&house.worker(), key, (thief(), dry()), request).await.unwrap()
    };
    let replied = played("GET", "/v1/things", "").await;
    assert_eq!(replied.refusal.as_deref(), Some(Refusal::NoUpstreamCredential.code()), "not with the drill's key");
    assert!(house.upstream.seen().await.is_empty());

    house.lend_credential();
    let replied = played("GET", "/v1/things/sized-3", "").await;
    assert_eq!((replied.status, replied.refusal, replied.whole), (200, None, true));
    let (call, outcome) = house.last_call().await;
    assert_eq!((call.who, call.key, outcome.status), (Who::DrillRead, Some(key), 200), "the record says so");
    let seen = house.upstream.last().await;
    assert_eq!(seen.header("greave-drill"), Some(key.to_string().as_str()), "and the API's own log can");
    assert!(!format!("{seen:?}").contains(&secret), "which never has the drill's key");

    let before = house.upstream.seen().await.len();
    for (method, target, body) in [
        ("DELETE", "/v1/things/a", ""),
        ("POST", "/v1/things/a", "{}"),
        ("GET", "/v1/things/export", ""),
        ("GET", "/v1/reports", ""),
        ("GET", "/v1/tickets/new", ""),
        ("GET", "/v1/nothing", ""),
        ("GET", "/v1/things/EXPORT", ""),
        ("GET", "/v1/things", "{}"),
    ] {
        let replied = played(method, target, body).await;
        let (call, _) = house.last_call().await;
        assert_eq!((replied.read, call.who), (None, Who::Drill), "{method} {target}: the gate answers by itself");
    }
    assert_eq!(house.upstream.seen().await.len(), before, "and the API saw none of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_items_of_what_is_read_are_counted_and_an_answer_is_no_refusal_of_the_gates() {
    let house = House::observing().await;
    house.lend_credential();
    let (key, secret) = house.begin_drill("a1-smash", None).await;
    let dry = Dry { status: 200, rows: 7, bytes: 100, minted: None, reads_pass: true };
    let request = Request::get("/v1/things").header("host", "localhost");
    let request = request.header("authorization", format!("Bearer {secret}")).body(Full::new(Bytes::new())).unwrap();
    let replied = play(&house.worker(), key, (thief(), dry), request).await.unwrap();
    let (_, outcome) = house.last_call().await;
    assert!(outcome.rows.is_some() && replied.read == outcome.rows && replied.read != Some(7), "{replied:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_canary_of_a_drill_is_refused_and_told_at_its_door() {
    let house = House::observing().await;
    let (key, secret) = house.lay_out_canary().await;
    let replied = play_as(&house, key, ("GET", "/v1/things"), Some(&secret)).await;
    assert_eq!((replied.status, replied.refusal.as_deref()), (401, Some(Refusal::UnknownKey.code())));
    let (call, _) = house.last_call().await;
    assert_eq!((call.who, call.key), (Who::Drill, Some(key)), "the record says what it is");
    let found = house.findings();
    assert!(found.iter().any(|it| it.rule == "canary-used" && it.key == Some(key)), "{found:?}");

    // It is no guess of anybody's, however often it is tried.
    for time in 0..70 {
        let refusal = play_as(&house, key, ("GET", "/v1/things"), Some(&secret)).await.refusal;
        assert_eq!(refusal.as_deref(), Some(Refusal::UnknownKey.code()), "{time}");
    }
    // With it nothing else comes in there, and what is sent elsewhere is told as any canary is.
    let others = [Some("some-unknown-secret-1234567"), None];
    for shown in others {
        let refusal = play_as(&house, key, ("GET", "/v1/things"), shown).await.refusal;
        assert_eq!(refusal.as_deref(), Some(Refusal::UnknownKey.code()), "{shown:?}");
    }
    assert!(house.findings().is_empty());
    assert_eq!(house.get("/v1/things", &secret).await.refusal(), Some(Refusal::UnknownKey));
    assert!(house.found().contains(&"canary-used".to_owned()));
    assert!(house.upstream.seen().await.is_empty());
}
