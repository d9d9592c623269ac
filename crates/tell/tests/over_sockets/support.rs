//! What both test programs share: a clock that stands still, a running worker, certificates.

use std::{
    future::Future,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use law::{ChallengeId, Severity};
use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::CertificateDer};
use serde_json::Map;
use tell::{Kind, Notice, NoticeId, Recipient, Settings, Teller};
use tokio::{sync::oneshot, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

/// Time that passes only when a test says so. Tokio's paused time runs ahead as soon as
/// everybody waits, and would take a socket that is about to answer for a hanging one; a
/// blocking task that never ends before the clock is dropped keeps it from that.
pub(crate) struct Clock(#[expect(dead_code, reason = "dropping it ends the blocking task")] mpsc::Sender<()>);

impl Clock {
    pub(crate) fn stopped() -> Self {
        tokio::time::pause();
        let (end, ended) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || ended.recv());
        Self(end)
    }

    pub(crate) async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
    }
}

/// A teller whose worker runs until it is told to stop.
pub(crate) struct Running {
    pub(crate) teller: Teller,
    stop: oneshot::Sender<()>,
    worker: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(settings: Settings) -> Self {
        Self::start_after(settings, |_| {})
    }

    /// The worker starts after something was told already.
    pub(crate) fn start_after(settings: Settings, before: impl FnOnce(&Teller)) -> Self {
        let (teller, worker) = Teller::new(settings).unwrap();
        before(&teller);
        let (stop, stopped) = oneshot::channel();
        let worker = tokio::spawn(worker.run(async {
            let _ = stopped.await;
        }));
        Self { teller, stop, worker }
    }

    pub(crate) async fn stop(self) -> Teller {
        let _ = self.stop.send(());
        self.worker.await.unwrap();
        self.teller
    }

    /// Says stop, and gives the worker back to be waited for.
    pub(crate) fn say_stop(self) -> (Teller, JoinHandle<()>) {
        let _ = self.stop.send(());
        (self.teller, self.worker)
    }
}

/// Lets others run until something holds. It waits for events; only a broken test waits long.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "it never came to this: {what}");
        tokio::task::yield_now().await;
    }
}

/// What comes next, or a failed test; the clock of the wall, for Tokio's stands still.
pub(crate) async fn next<T>(what: &str, coming: impl Future<Output = Option<T>>) -> T {
    tokio::pin!(coming);
    let start = Instant::now();
    loop {
        tokio::select! {
            biased;
            thing = &mut coming => return thing.unwrap_or_else(|| panic!("no {what} will come")),
            () = tokio::task::yield_now() => {
                assert!(start.elapsed() < Duration::from_secs(20), "no {what} came");
            }
        }
    }
}

pub(crate) fn notice(id: &str, severity: Severity) -> Notice {
    Notice {
        kind: Kind::ChallengeOpened,
        id: NoticeId::new(id).unwrap(),
        at: Timestamp::from_second(1_795_515_512).unwrap(),
        title: format!("{id}: Zoë asks"),
        lines: vec!["What     DELETE /users/{name}".to_owned(), ".a line that starts with a full stop".to_owned()],
        link: Some("https://desk.example/challenges/c9".to_owned()),
        challenge: Some(ChallengeId(9)),
        severity,
        to: vec![person("Ada")],
        details: Map::new(),
        life: None,
        receipt: None,
    }
}

pub(crate) fn person(name: &str) -> Recipient {
    Recipient { name: name.to_owned(), mail: Some(format!("{}@example.org", name.to_lowercase())) }
}

/// A server's TLS, and the certificate that a client has to believe.
pub(crate) fn tls() -> (TlsAcceptor, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], made.signing_key.serialize_der().try_into().unwrap())
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), certificate)
}
