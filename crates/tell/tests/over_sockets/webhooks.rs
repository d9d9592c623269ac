//! Webhooks over real sockets.

use std::{convert::Infallible, sync::Arc, time::Duration};

use crate::support::{Clock, Running, next, notice, tls, until};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use law::Severity;
use serde_json::Value;
use tell::{
    Kind, Life, Limits, Notice, Receipt, Roots, Settings, State, Teller, Webhook,
    signature::{self, Secret},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;

const CURRENT: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
const PREVIOUS: &str = "whsec_ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=";
const MINUTE: Duration = Duration::from_mins(1);

/// How a receiver answers.
#[derive(Clone)]
enum Answer {
    Status(u16),
    With(u16, &'static str, String),
    Never,
}

/// One message that a receiver got.
#[derive(Debug)]
struct Got {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn verify(&self, secret: &str) -> Result<(), signature::Unbelievable> {
        signature::verify(
            &[Secret::parse(secret).unwrap()],
            self.header("webhook-id"),
            self.header("webhook-timestamp"),
            &self.body,
            self.header("webhook-signature"),
            Timestamp::now(),
            SignedDuration::from_mins(5),
        )
    }
}

/// A receiver that gives its answers in turn, and its last one for ever.
struct Receiver {
    url: String,
    got: mpsc::UnboundedReceiver<Got>,
}

impl Receiver {
    async fn start(answers: &[Answer]) -> Self {
        Self::start_with(answers, None).await
    }

    async fn start_with(answers: &[Answer], tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}/hook?token=s3cret", listener.local_addr().unwrap());
        let (put, got) = mpsc::unbounded_channel();
        let answers = Arc::new(answers.to_vec());
        let turn = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (put, answers, turn, tls) = (put.clone(), Arc::clone(&answers), Arc::clone(&turn), tls.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let place = turn.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    let answer = answers.get(place).or(answers.last()).unwrap().clone();
                    let put = put.clone();
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let _ = put.send(Got { path: parts.uri.to_string(), headers: parts.headers, body });
                        let response = Response::builder();
                        let response = match answer {
                            Answer::Status(status) => response.status(status),
                            Answer::With(status, name, value) => response.status(status).header(name, value),
                            Answer::Never => std::future::pending().await,
                        };
                        Ok::<_, Infallible>(response.body(Full::new(Bytes::from_static(b"a body"))).unwrap())
                    }
                });
                tokio::spawn(async move {
                    match tls {
                        None => drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await),
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
                            }
                        }
                    }
                });
            }
        });
        Self { url, got }
    }

    async fn next(&mut self) -> Got {
        next("message", self.got.recv()).await
    }

    fn is_quiet(&mut self) -> bool {
        self.got.try_recv().is_err()
    }
}

fn webhook(url: &str) -> Webhook {
    Webhook {
        url: url.to_owned(),
        secret: Secret::parse(CURRENT).unwrap(),
        previous: None,
        kinds: None,
        danger_plain_http: false,
    }
}

fn to(receiver: &Receiver) -> Settings {
    Settings { webhooks: vec![webhook(&receiver.url)], ..Settings::default() }
}

fn state(teller: &Teller) -> State {
    teller.health()[0].state.clone()
}

fn why(teller: &Teller) -> String {
    match state(teller) {
        State::Failing { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_notice_arrives_signed_with_the_current_and_the_previous_secret() {
    let mut receiver = Receiver::start(&[Answer::Status(204)]).await;
    let mut settings = to(&receiver);
    settings.webhooks[0].previous = Some(Secret::parse(PREVIOUS).unwrap());
    let running = Running::start(settings);
    running.teller.tell(notice("n1", Severity::High));
    let got = receiver.next().await;
    assert_eq!(got.path, "/hook?token=s3cret");
    assert_eq!(got.header("webhook-id"), "n1");
    assert_eq!(got.header("content-type"), "application/json");
    assert_eq!(got.verify(CURRENT), Ok(()));
    assert_eq!(got.verify(PREVIOUS), Ok(()));
    assert_eq!(got.json()["type"], "challenge.opened");
    assert_eq!(got.json()["data"]["title"], "n1: Zoë asks");
    let teller = running.stop().await;
    let health = &teller.health()[0];
    assert_eq!((health.delivered, health.failed, health.waiting), (1, 0, 0));
    assert_eq!(health.state, State::Well);
    assert!(!format!("{health:?}").contains("s3cret"));
}

#[tokio::test]
async fn what_failed_is_sent_again_under_the_same_name() {
    let clock = Clock::stopped();
    let mut receiver = Receiver::start(&[Answer::Status(500), Answer::Status(200)]).await;
    let running = Running::start(to(&receiver));
    running.teller.tell(notice("n1", Severity::High));
    let first = receiver.next().await;
    until("a failure", || running.teller.health()[0].failed == 1).await;
    assert_eq!(why(&running.teller), "it answers 500");
    clock.pass(Duration::from_secs(2)).await;
    let second = receiver.next().await;
    assert_eq!(second.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(second.body, first.body);
    assert_eq!(second.verify(CURRENT), Ok(()));
    until("a delivery", || state(&running.teller) == State::Well).await;
    running.stop().await;
}

#[tokio::test]
async fn what_failed_is_not_sent_again_once_its_question_is_over() {
    let clock = Clock::stopped();
    let mut receiver = Receiver::start(&[Answer::Status(500), Answer::Status(500), Answer::Status(200)]).await;
    let running = Running::start(to(&receiver));
    let life = Life::until(Timestamp::MAX);
    let lapsed = Life::until(Timestamp::now() - SignedDuration::from_secs(1));
    running.teller.tell(Notice { life: Some(lapsed), ..notice("lapsed", Severity::High) });
    running.teller.tell(Notice { life: Some(life.clone()), ..notice("answered", Severity::High) });
    running.teller.tell(notice("lasting", Severity::High));
    let first = [receiver.next().await, receiver.next().await];
    assert_eq!(first.map(|got| got.header("webhook-id").to_owned()), ["answered", "lasting"]);
    until("two failures", || running.teller.health()[0].failed == 2).await;
    life.end();
    clock.pass(Duration::from_secs(3)).await;
    assert_eq!(receiver.next().await.header("webhook-id"), "lasting");
    until("a delivery", || state(&running.teller) == State::Well).await;
    assert!(receiver.is_quiet());
    let teller = running.stop().await;
    assert_eq!((teller.health()[0].delivered, teller.health()[0].waiting), (1, 0));
}

#[tokio::test]
async fn a_receipt_is_given_when_a_receiver_has_taken_the_notice_itself() {
    let clock = Clock::stopped();
    let mut receiver = Receiver::start(&[Answer::Status(500), Answer::Status(200)]).await;
    let mut settings = to(&receiver);
    settings.limits.webhooks_a_minute = 2;
    let running = Running::start(settings);
    let (alone, under) = (Receipt::default(), [Receipt::default(), Receipt::default()]);
    running.teller.tell(Notice { receipt: Some(alone.clone()), ..notice("alone", Severity::High) });
    for (receipt, name) in under.iter().zip(["first", "second"]) {
        running.teller.tell(Notice { receipt: Some(receipt.clone()), ..notice(name, Severity::High) });
    }
    receiver.next().await;
    until("a failure", || running.teller.health()[0].failed == 1).await;
    assert!(!alone.is_given());
    clock.pass(Duration::from_secs(3)).await;
    assert_eq!(receiver.next().await.header("webhook-id"), "alone");
    until("the receipt", || alone.is_given()).await;
    clock.pass(MINUTE).await;
    assert_eq!(receiver.next().await.json()["type"], "several");
    until("two deliveries", || running.teller.health()[0].delivered == 2).await;
    assert!(!under.iter().any(Receipt::is_given));
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_nobody_up_and_is_tried_again() {
    let clock = Clock::stopped();
    let mut hanging = Receiver::start(&[Answer::Never, Answer::Status(200)]).await;
    let mut other = Receiver::start(&[Answer::Status(200)]).await;
    let mut settings = to(&hanging);
    settings.webhooks.push(webhook(&other.url));
    let running = Running::start(settings);
    running.teller.tell(notice("n1", Severity::High));
    hanging.next().await;
    // The second way has its own pace.
    assert_eq!(other.next().await.header("webhook-id"), "n1");
    clock.pass(Duration::from_secs(16)).await;
    until("a time-out", || running.teller.health()[0].failed == 1).await;
    assert_eq!(why(&running.teller), "no answer within 15s");
    clock.pass(Duration::from_secs(2)).await;
    assert_eq!(hanging.next().await.header("webhook-id"), "n1");
    running.stop().await;
}

#[tokio::test]
async fn a_letter_that_never_arrives_is_given_up() {
    let clock = Clock::stopped();
    let mut receiver = Receiver::start(&[Answer::Status(400)]).await;
    let running = Running::start(to(&receiver));
    running.teller.tell(notice("n1", Severity::High));
    for attempt in 1..=u64::from(Limits::default().attempts) {
        receiver.next().await;
        until("a failure", || running.teller.health()[0].failed == attempt).await;
        clock.pass(MINUTE * 11).await;
    }
    until("giving up", || running.teller.health()[0].given_up == 1).await;
    clock.pass(MINUTE * 60 * 24).await;
    running.stop().await;
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn a_receiver_that_is_gone_gets_nothing_more() {
    let mut receiver = Receiver::start(&[Answer::Status(410), Answer::Status(200)]).await;
    let running = Running::start(to(&receiver));
    running.teller.tell(notice("n1", Severity::High));
    receiver.next().await;
    until("the end of it", || matches!(state(&running.teller), State::Disabled { .. })).await;
    running.teller.tell(notice("n2", Severity::Critical));
    let teller = running.stop().await;
    assert!(receiver.is_quiet());
    assert_eq!((teller.health()[0].delivered, teller.health()[0].given_up), (0, 2));
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let mut elsewhere = Receiver::start(&[Answer::Status(200)]).await;
    for status in [301, 302, 303, 307, 308] {
        let answer = Answer::With(status, "location", elsewhere.url.clone());
        let mut receiver = Receiver::start(&[answer]).await;
        let running = Running::start(to(&receiver));
        running.teller.tell(notice("n1", Severity::High));
        receiver.next().await;
        until("a failure", || running.teller.health()[0].failed == 1).await;
        assert!(why(&running.teller).contains("redirect, which is never followed"));
        running.stop().await;
    }
    assert!(elsewhere.is_quiet());
}

#[tokio::test]
async fn a_receiver_that_asks_for_rest_gets_it() {
    let clock = Clock::stopped();
    let busy = Answer::With(503, "retry-after", "300".to_owned());
    let mut receiver = Receiver::start(&[busy, Answer::Status(200)]).await;
    let running = Running::start(to(&receiver));
    running.teller.tell(notice("n1", Severity::High));
    receiver.next().await;
    until("a failure", || running.teller.health()[0].failed == 1).await;
    clock.pass(Duration::from_secs(290)).await;
    running.teller.tell(notice("n2", Severity::High));
    until("two that wait", || running.teller.health()[0].waiting == 2).await;
    assert!(receiver.is_quiet());
    clock.pass(Duration::from_secs(11)).await;
    let mut arrived = [receiver.next().await, receiver.next().await].map(|got| got.header("webhook-id").to_owned());
    arrived.sort();
    assert_eq!(arrived, ["n1", "n2"]);
    running.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_is_counted_and_told_as_one() {
    let mut receiver = Receiver::start(&[Answer::Status(200)]).await;
    let mut settings = to(&receiver);
    settings.limits.queue = 4;
    let running = Running::start_after(settings, |teller| {
        for n in 0..10 {
            teller.tell(notice(&format!("n{n}"), if n == 9 { Severity::Critical } else { Severity::Info }));
        }
    });
    let mut last = Value::Null;
    for _ in 0..5 {
        let got = receiver.next().await.json();
        if got["type"] == "missed" {
            last = got;
        }
    }
    assert_eq!(last["data"]["details"]["count"], 6);
    assert_eq!(last["data"]["severity"], "critical");
    let teller = running.stop().await;
    assert_eq!((teller.health()[0].delivered, teller.health()[0].missed), (5, 6));
}

#[tokio::test]
async fn too_much_in_one_minute_arrives_together_when_it_is_over() {
    let clock = Clock::stopped();
    let mut receiver = Receiver::start(&[Answer::Status(200)]).await;
    let mut settings = to(&receiver);
    settings.limits.webhooks_a_minute = 3;
    let running = Running::start(settings);
    for n in 0..10 {
        running.teller.tell(notice(&format!("n{n}"), Severity::Warning));
    }
    assert_eq!(receiver.next().await.header("webhook-id"), "n0");
    assert_eq!(receiver.next().await.header("webhook-id"), "n1");
    until("eight that are kept", || running.teller.health()[0].waiting == 8).await;
    running.teller.tell(notice("grave", Severity::Critical));
    assert_eq!(receiver.next().await.header("webhook-id"), "grave");
    clock.pass(MINUTE + Duration::from_secs(1)).await;
    let several = receiver.next().await.json();
    assert_eq!(several["type"], "several");
    assert_eq!(several["data"]["details"]["count"], 8);
    assert_eq!(several["data"]["details"]["notices"][7]["id"], "n9");
    running.stop().await;
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn a_shutdown_tells_what_waits() {
    let mut receiver = Receiver::start(&[Answer::Status(200)]).await;
    let mut settings = to(&receiver);
    settings.limits.webhooks_a_minute = 3;
    let running = Running::start(settings);
    for n in 0..10 {
        running.teller.tell(notice(&format!("n{n}"), Severity::Warning));
    }
    let teller = running.stop().await;
    let kinds: Vec<_> = (0..3).map(|_| receiver.got.try_recv().unwrap().json()["type"].clone()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "several").count(), 1);
    assert_eq!((teller.health()[0].delivered, teller.health()[0].given_up), (3, 0));
    // Whoever tells after the end is not held up either, and it is counted.
    teller.tell(notice("late", Severity::Info));
    assert_eq!(teller.health()[0].missed, 1);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_receiver_that_hangs() {
    let clock = Clock::stopped();
    let mut receiver = Receiver::start(&[Answer::Never]).await;
    let running = Running::start(to(&receiver));
    running.teller.tell(notice("n1", Severity::High));
    running.teller.tell(notice("n2", Severity::High));
    receiver.next().await;
    let (teller, worker) = running.say_stop();
    // Let the worker hear of it before time passes.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    clock.pass(Limits::default().flush + Duration::from_secs(1)).await;
    worker.await.unwrap();
    assert_eq!(teller.health()[0].waiting, 0);
    assert_eq!(teller.health()[0].delivered, 0);
    assert_eq!(teller.health()[0].given_up, 2);
}

#[tokio::test]
async fn when_everybody_who_tells_is_gone_the_worker_ends() {
    let receiver = Receiver::start(&[Answer::Status(200)]).await;
    let (teller, worker) = Teller::new(to(&receiver)).unwrap();
    let other = teller.clone();
    teller.tell(notice("n1", Severity::High));
    drop((teller, other));
    worker.run(std::future::pending()).await;
    assert_eq!({ receiver }.next().await.header("webhook-id"), "n1");
}

#[tokio::test]
async fn a_filter_lets_only_its_kinds_through() {
    let mut receiver = Receiver::start(&[Answer::Status(200)]).await;
    let mut settings = to(&receiver);
    settings.webhooks[0].kinds = Some(vec![Kind::Finding]);
    let running = Running::start(settings);
    running.teller.tell(notice("n1", Severity::High));
    let mut finding = notice("n2", Severity::High);
    finding.kind = Kind::Finding;
    running.teller.tell(finding);
    running.stop().await;
    assert_eq!(receiver.got.try_recv().unwrap().header("webhook-id"), "n2");
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn an_answer_without_end_is_left_alone() {
    let _clock = Clock::stopped();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let flood = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").await.unwrap();
        // Ends when the other side has gone.
        while stream.write_all(&[b'a'; 4096]).await.is_ok() {}
    });
    let running = Running::start(Settings { webhooks: vec![webhook(&url)], ..Settings::default() });
    running.teller.tell(notice("n1", Severity::High));
    flood.await.unwrap();
    until("a delivery", || running.teller.health()[0].delivered == 1).await;
    running.stop().await;
}

#[tokio::test]
async fn over_tls_only_a_receiver_that_is_believed_gets_a_notice() {
    let (acceptor, certificate) = tls();
    let mut receiver = Receiver::start_with(&[Answer::Status(200)], Some(acceptor)).await;

    let (_, another) = tls();
    let settings = Settings { roots: Roots::Only(vec![another]), ..to(&receiver) };
    let running = Running::start(settings);
    running.teller.tell(notice("n1", Severity::High));
    until("a failure", || running.teller.health()[0].failed == 1).await;
    assert!(why(&running.teller).starts_with("no TLS: "), "{}", why(&running.teller));
    running.stop().await;
    assert!(receiver.is_quiet());

    let running = Running::start(Settings { roots: Roots::Only(vec![certificate]), ..to(&receiver) });
    running.teller.tell(notice("n2", Severity::High));
    assert_eq!(receiver.next().await.header("webhook-id"), "n2");
    running.stop().await;
}

fn checkpoint(number: u32) -> Notice {
    Notice { kind: Kind::RecordCheckpoint, ..notice(&format!("checkpoint_{number}"), Severity::Info) }
}

#[tokio::test]
async fn a_checkpoint_goes_out_however_many_other_notices_there_are() {
    let _clock = Clock::stopped();
    let mut receiver = Receiver::start(&[Answer::Status(200)]).await;
    let running = Running::start_after(to(&receiver), |teller| {
        for number in 0..2000 {
            teller.tell(notice(&format!("flood_{number}"), Severity::Critical));
        }
        teller.tell(checkpoint(1));
        teller.tell(checkpoint(2));
    });
    // No minute passes: what is too much for this one is still held back.
    let mut kinds = Vec::new();
    while kinds.last() != Some(&"record.checkpoint".to_owned()) {
        let got = receiver.next().await;
        kinds.push(got.json()["type"].as_str().unwrap().to_owned());
        if kinds.last() == Some(&"record.checkpoint".to_owned()) {
            assert_eq!(got.header("webhook-id"), "checkpoint_2", "the newest says what the one before did");
        }
    }
    drop(running.stop().await);
}

#[tokio::test]
async fn a_checkpoint_is_tried_until_it_arrives_or_a_newer_one_takes_its_place() {
    let clock = Clock::stopped();
    let answers: Vec<Answer> = (0..40).map(|_| Answer::Status(503)).chain([Answer::Status(200)]).collect();
    let mut receiver = Receiver::start(&answers).await;
    let running = Running::start(to(&receiver));
    running.teller.tell(checkpoint(1));
    for number in 0_u64..41 {
        let got = receiver.next().await;
        let expected = if number < 20 { "checkpoint_1" } else { "checkpoint_2" };
        assert_eq!(got.header("webhook-id"), expected, "{number}");
        until("it was settled", || running.teller.health()[0].failed == (number + 1).min(40)).await;
        // Before time passes: the next try begins as soon as it does.
        if number == 19 {
            running.teller.tell(checkpoint(2));
        }
        clock.pass(10 * MINUTE).await;
    }
    assert_eq!(running.teller.health()[0].given_up, 0);
    drop(running.stop().await);
}
